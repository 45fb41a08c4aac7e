// SPDX-License-Identifier: GPL-3.0-or-later
// Runs a program as its user does and keeps what it says. In tests only.
#pragma once

#include <QProcess>
#include <QString>
#include <QStringList>

namespace roamscope::test {

inline const QString cliProgram = QStringLiteral(ROAMSCOPE_BIN_DIR "/roamscope-cli");

struct Ran {
    int status = -1;  ///< -1: it did not end by itself within the time
    QByteArray out;
    QByteArray err;
};

/// Waits for a started process, at most `milliseconds`.
inline Ran finished(QProcess& process, int milliseconds = 120'000)
{
    if (!process.waitForFinished(milliseconds) || process.exitStatus() != QProcess::NormalExit) return {};
    return {process.exitCode(), process.readAllStandardOutput(), process.readAllStandardError()};
}

inline Ran run(const QString& command, const QStringList& arguments, const QByteArray& input = {})
{
    QProcess process;
    process.start(command, arguments);
    process.write(input);
    process.closeWriteChannel();
    return finished(process);
}

inline Ran cli(const QStringList& arguments, const QByteArray& input = {}) { return run(cliProgram, arguments, input); }

}  // namespace roamscope::test
