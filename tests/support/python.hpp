// SPDX-License-Identifier: GPL-3.0-or-later
// The Python that a test needs: where several are installed, the first one in the path may lack what Debian's has.
#pragma once

#include <QProcess>
#include <QStandardPaths>
#include <QString>

namespace roamscope::test {

/// A program that can run `import` ("import scapy.layers.inet6"); empty when there is none, and the test is to say so and skip.
[[nodiscard]] inline QString pythonWith(const QString& import)
{
    for (const QString& name : {QStringLiteral("python3"), QStringLiteral("/usr/bin/python3")}) {
        const QString program = QStandardPaths::findExecutable(name);
        if (program.isEmpty()) continue;
        QProcess process;
        process.start(program, {QStringLiteral("-c"), import});
        if (process.waitForFinished(60'000) && process.exitStatus() == QProcess::NormalExit && process.exitCode() == 0) return program;
    }
    return {};
}

}  // namespace roamscope::test
