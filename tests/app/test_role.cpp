// SPDX-License-Identifier: GPL-3.0-or-later
// `role` as a user runs it: on a TAP interface in a network namespace, with the kernel's own IPv6 at the other end of the wire.
#include "capture/io/machine_check.hpp"

#include <QtTest>
#include <QProcess>
#include <QRegularExpression>
#include <QTemporaryDir>

using namespace roamscope;

class TestRole : public QObject {
    Q_OBJECT
    QTemporaryDir folder_;
    const QString program_ = QStringLiteral(ROAMSCOPE_BIN_DIR "/roamscope-cli");

    QString config(const QString& name, const QByteArray& text)
    {
        QFile file(folder_.filePath(name));
        if (!file.open(QIODevice::WriteOnly) || file.write(text) != text.size()) qFatal("cannot write %s", qPrintable(file.fileName()));
        return file.fileName();
    }
    QString refused(const QStringList& arguments, int status)
    {
        QProcess process;
        process.start(program_, QStringList{"role"} + arguments);
        if (!process.waitForFinished(20000) || process.exitCode() != status) return "ended with " + QString::number(process.exitCode());
        return QString::fromUtf8(process.readAllStandardError());
    }

private Q_SLOTS:
    void theKernelTalksToACorrespondent()
    {
        if (const auto available = capture::tapBackendAvailable(); !available) QSKIP(available.error().text.c_str());
        for (const char* needed : {"unshare", "ip", "python3"})
            if (QStandardPaths::findExecutable(needed).isEmpty()) QSKIP(qPrintable(QString("%1 is not installed").arg(needed)));
        const QString file = config("cn.json", "{\"mobility\": true, // comments are allowed\n \"interfaces\": [{\"address\": \"2001:db8:200::c/64\"}], "
                                               "\"routes\": [{\"to\": \"::/0\", \"via\": \"2001:db8:200::1\"}]}");
        QProcess process;
        process.start("unshare", {"--user", "--map-root-user", "--net", "python3", QStringLiteral(ROAMSCOPE_SOURCE_DIR "/tests/app/role_peer.py"), program_, file});
        QVERIFY(process.waitForFinished(60000));
        const QByteArray err = process.readAllStandardError();
        const QString out = QString::fromUtf8(process.readAllStandardOutput());
        QVERIFY2(process.exitCode() == 0, err.constData());
        for (const char* line : {"ready ready cn 2001:db8:200::c True\n", "echo 2001:db8:200::c roamscope\n",
                                 "care-of test type 4, 24 octets, cookie 1111111111111111\n", "sent before its answer True\n", "answer {\"answer\": \"bindings\", \"bindings\": []}\n",
                                 "answer {\"answer\": \"attach\", \"error\": \"no interface is named \\\"t1\\\"\"}\n",
                                 "answer {\"answer\": \"fly\", \"error\": \"unknown command: expected bindings, attach, send, revoke, probe, set or stop\"}\n", "ended 0\n", "terminated 0\n"})
            QVERIFY2(out.contains(line), qPrintable(QString(line) + out));
    }
    void theKernelLivesBehindARouter()
    {
        if (const auto available = capture::tapBackendAvailable(); !available) QSKIP(available.error().text.c_str());
        for (const char* needed : {"unshare", "ip", "python3"})
            if (QStandardPaths::findExecutable(needed).isEmpty()) QSKIP(qPrintable(QString("%1 is not installed").arg(needed)));
        const QString file = config("ar.json", "{\"interfaces\": [{\"address\": \"2001:db8:200::1/64\", \"mac\": \"02:00:00:00:00:77\","
                                               " \"advertise\": {\"min_interval\": \"300ms\", \"max_interval\": \"1s\"}}]}");
        QProcess process;
        process.start("unshare", {"--user", "--map-root-user", "--net", "python3", QStringLiteral(ROAMSCOPE_SOURCE_DIR "/tests/app/role_peer.py"), "router", program_, file});
        QVERIFY(process.waitForFinished(90000));
        const QByteArray err = process.readAllStandardError();
        const QString out = QString::fromUtf8(process.readAllStandardOutput());
        QVERIFY2(process.exitCode() == 0, err.constData());
        for (const char* line : {"address 2001:db8:200:0:\n", "echo 129/0 9 octets from 2001:db8:200::1\n", "neighbour 02:00:00:00:00:77\n",
                                 "no route 1/0 0 octets from 2001:db8:200::1\n", "hop limit 3/0 0 octets from 2001:db8:200::1\n",
                                 "fragments 129/0 3000 octets from 2001:db8:200::1\n", "ended 0\n"})
            QVERIFY2(out.contains(line), qPrintable(QString(line) + out));
    }
    void aReaderWhoDoesNotReadIsNotWaitedFor()
    {
        if (const auto available = capture::tapBackendAvailable(); !available) QSKIP(available.error().text.c_str());
        for (const char* needed : {"unshare", "ip"})
            if (QStandardPaths::findExecutable(needed).isEmpty()) QSKIP(qPrintable(QString("%1 is not installed").arg(needed)));
        const QString file = config("cn.json", "{\"interfaces\": [{\"address\": \"2001:db8:200::c/64\"}]}");
        // Far more lines than a pipe holds; whoever stands at its other end sleeps. The end of input comes after 3 s.
        const QString script = QStringLiteral("ip tuntap add dev t0 mode tap && ip link set t0 up || exit 9; "
                                              "( (echo '{\"command\":\"probe\",\"action\":\"start\",\"flow\":1,\"to\":\"2001:db8:200::d\",\"rate\":1000}'; sleep 3) | "
                                              "'%1' role cn --config '%2' --tap t0 --control; echo ended $? after $SECONDS s >&2) | sleep 20")
                                   .arg(program_, file);
        QProcess process;
        process.start("unshare", {"--user", "--map-root-user", "--net", "bash", "-c", script});
        QVERIFY(process.waitForFinished(60000));
        const QString err = QString::fromUtf8(process.readAllStandardError());
        const auto match = QRegularExpression("ended 0 after (\\d+) s").match(err);
        QVERIFY2(match.hasMatch() && match.captured(1).toInt() < 15, qPrintable(err));
    }
    void faultsNamePlaceCauseAndRemedy()
    {
        const QString good = config("good.json", "{\"interfaces\": [{\"address\": \"2001:db8:200::c/64\"}]}");
        const QString none = refused({"cn", "--config", good, "--tap", "nosuch0"}, 3);
        QVERIFY2(none.contains("no interface is named nosuch0") && none.contains("ip tuntap add"), qPrintable(none));
        const QString more = refused({"cn", "--config", good, "--tap", "a0", "--tap", "a1"}, 3);
        QVERIFY2(more.contains("1 interfaces here, 2 --tap options"), qPrintable(more));
        const QString key = refused({"cn", "--config", config("key.json", "{\n\"interfaces\": [{\"adress\": \"2001:db8::1/64\"}]}"), "--tap", "a0"}, 3);
        QVERIFY2(key.contains("key.json:2:") && key.contains("Did you mean \"address\"?"), qPrintable(key));
        const QString role = refused({"cn", "--config", config("role.json", "{\"home_prefixes\": [], \"interfaces\": []}"), "--tap", "a0"}, 3);
        QVERIFY2(role.contains("only for role ha"), qPrintable(role));
        const QString route = refused({"cn", "--config", config("route.json", "{\"interfaces\": [{\"address\": \"2001:db8::1/64\"}], \"routes\": [{\"to\": \"::/0\", \"via\": \"fe80::1\"}]}"), "--tap", "a0"}, 3);
        QVERIFY2(route.contains("/routes/0/via") && route.contains("name the interface"), qPrintable(route));
        QVERIFY(refused({"router", "--config", good, "--tap", "a0"}, 2).contains("ha"));
    }
};

QTEST_GUILESS_MAIN(TestRole)
#include "test_role.moc"
