// SPDX-License-Identifier: GPL-3.0-or-later
// A whole mobile network as its user builds it: home agent, MAP, correspondent, two access routers and a mobile node, each a `role`
// process on TAP interfaces, bridges of the kernel between them. The mobile node registers, optimises its route, moves, comes home and
// leaves again (MN-BU-*, HMIP-MN-13, -17, RR-MN-*, MN-HOME-01, RR-CN-09 over real wires). The same with a mobile router.
#include "capture/io/machine_check.hpp"

#include <QtTest>
#include <QProcess>
#include <QTemporaryDir>

using namespace roamscope;

namespace {

/// The script in a network namespace of its own; what it prints, or why it failed.
QString played(const QStringList& arguments)
{
    const QTemporaryDir folder;
    QProcess process;
    process.start("unshare", QStringList{"--user", "--map-root-user", "--net", "python3", QStringLiteral(ROAMSCOPE_SOURCE_DIR "/tests/app/role_mobile.py"),
                                         QStringLiteral(ROAMSCOPE_BIN_DIR "/roamscope-cli"), folder.path()} + arguments);
    if (!process.waitForFinished(240000)) return "it does not end";
    const QByteArray err = process.readAllStandardError();
    return process.exitCode() == 0 ? QString::fromUtf8(process.readAllStandardOutput()) : QString::fromUtf8(err);
}

}  // namespace

class TestRoleMobile : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void initTestCase()
    {
        if (const auto available = capture::tapBackendAvailable(); !available) QSKIP(available.error().text.c_str());
        for (const char* needed : {"unshare", "ip", "python3"})
            if (QStandardPaths::findExecutable(needed).isEmpty()) QSKIP(qPrintable(QString("%1 is not installed").arg(needed)));
    }
    void aMobileNodeRegistersMovesAndComesHome()
    {
        QCOMPARE(played({}), QString("registered True\noptimised True\nmoved True True\nonly the MAP was told True\nhome True [] []\nprobes at home True\n"
                                     "away again True\nended [0, 0, 0, 0, 0, 0]\n"));
    }
    /// NEMO-MR-01, -03, MCOA-NEMO-01: a network moves with its router, until the home agent does not want it any more.
    void aMobileRouterCarriesItsNetwork()
    {
        QCOMPARE(played({"router"}), QString("registered [1, 2]\nboth ways\nby the other uplink True True\nrefused 140 True\nended [0, 0, 0, 0, 0, 0]\n"));
    }
};

QTEST_GUILESS_MAIN(TestRoleMobile)
#include "test_role_mobile.moc"
