// SPDX-License-Identifier: GPL-3.0-or-later
// Work that would hold up the window, done beside it. For the window's thread.
#pragma once

#include "capture/analysis/analysis.hpp"

#include <QCoreApplication>
#include <QPointer>
#include <QThreadPool>

#include <utility>

namespace roamscope::ui {

/// What is made of the whole of it (names, lanes) takes longer than a screen refresh and is made in the background.
[[nodiscard]] inline bool isLarge(const analysis::Analysis& analysis)
{
    return analysis.exchanges.size() + analysis.bindings.size() + analysis.nodes.size() > 2000;
}

/// Calls `work()` in a thread of the pool and then `done(result)` in the window's thread, unless `receiver` is gone by then.
/// `work` must hold all that it reads: whoever asked may be gone before it ends.
template <class Receiver, class Work, class Done>
void inBackground(Receiver* receiver, Work work, Done done)
{
    QThreadPool::globalInstance()->start([guard = QPointer<Receiver>(receiver), work = std::move(work), done = std::move(done)]() mutable {
        QMetaObject::invokeMethod(
            qApp,
            [guard, done = std::move(done), result = work()]() mutable {
                if (guard) done(std::move(result));
            },
            Qt::QueuedConnection);
    });
}

}  // namespace roamscope::ui
