// SPDX-License-Identifier: GPL-3.0-or-later
// A whole mobile network as its user builds it: home agent, MAP, correspondent, two access routers and a mobile node, each a `role`
// process on TAP interfaces, bridges of the kernel between them. The mobile node registers, optimises its route, moves, comes home and
// leaves again (MN-BU-*, HMIP-MN-13, -17, RR-MN-*, MN-HOME-01, RR-CN-09 over real wires).
#include "capture/io/machine_check.hpp"

#include <QtTest>
#include <QProcess>
#include <QTemporaryDir>

using namespace roamscope;

class TestRoleMobile : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void aMobileNodeRegistersMovesAndComesHome()
    {
        if (const auto available = capture::tapBackendAvailable(); !available) QSKIP(available.error().text.c_str());
        for (const char* needed : {"unshare", "ip", "python3"})
            if (QStandardPaths::findExecutable(needed).isEmpty()) QSKIP(qPrintable(QString("%1 is not installed").arg(needed)));
        const QTemporaryDir folder;
        QProcess process;
        process.start("unshare", {"--user", "--map-root-user", "--net", "python3", QStringLiteral(ROAMSCOPE_SOURCE_DIR "/tests/app/role_mobile.py"),
                                  QStringLiteral(ROAMSCOPE_BIN_DIR "/roamscope-cli"), folder.path()});
        QVERIFY(process.waitForFinished(240000));
        const QByteArray err = process.readAllStandardError();
        const QString out = QString::fromUtf8(process.readAllStandardOutput());
        QVERIFY2(process.exitCode() == 0, err.constData());
        QCOMPARE(out, QString("registered True\noptimised True\nmoved True True\nonly the MAP was told True\nhome True [] []\nprobes at home True\n"
                              "away again True\nended [0, 0, 0, 0, 0, 0]\n"));
    }
};

QTEST_GUILESS_MAIN(TestRoleMobile)
#include "test_role_mobile.moc"
