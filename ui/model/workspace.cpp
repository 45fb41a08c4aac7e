// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/model/workspace.hpp"

#include "ui/model/background.hpp"

#include <QElapsedTimer>
#include <QThreadPool>

#include <algorithm>

namespace roamscope::ui {

namespace {
constexpr int tick = 33;  // ms

capture::View emptyView()
{
    capture::View view;
    view.analysis = std::make_shared<const analysis::Analysis>();
    return view;
}

}  // namespace

Workspace::Workspace(QObject* parent) : QObject(parent), view_(emptyView())
{
    timer_.setInterval(tick);
    connect(&timer_, &QTimer::timeout, this, [this] {
        // A view that is dear to show (a large file that is still being read) is shown less often: at least two thirds of the
        // time stay for the person at the window.
        QElapsedTimer cost;
        cost.start();
        poll();
        timer_.setInterval(std::clamp(2 * static_cast<int>(cost.elapsed()), tick, 3000));
    });
}

Workspace::~Workspace() = default;

void Workspace::setSession(std::unique_ptr<capture::Session> session)
{
    timer_.stop();
    // A run on real interfaces takes its time to take them down: the window does not wait for it.
    if (session_) QThreadPool::globalInstance()->start([old = std::move(session_)]() mutable { old.reset(); });
    session_ = std::move(session);
    view_ = emptyView();
    status_.reset();
    names_ = Names();
    naming_.reset();
    named_ = {};
    cursor_.reset();
    emit sessionChanged();
    emit viewChanged();
    if (!session_) return;
    cursor_.setFollowing(session_->lab() != nullptr);
    timer_.start(tick);
    poll();
}

TimePoint Workspace::horizon() const
{
    TimePoint end = view_.trace.end();
    if (status_) end = std::max({end, TimePoint{status_->duration}, status_->now});
    return end;
}

QString Workspace::notAnalysed() const
{
    if (!session_ || status_ || view_.trace.size() == 0 || view_.analysis->frames > 0) return {};
    return view_.complete ? tr("Nothing was analysed: that was ended before it began.") : tr("The analysis begins when the file has been read.");
}

void Workspace::poll()
{
    if (!session_) return;
    if (capture::LabControl* lab = session_->lab()) {
        status_ = lab->status();
        emit statusChanged();
    }
    capture::View view = session_->view();
    if (view.analysis != view_.analysis && isLarge(*view.analysis)) nameFirst(view);
    if (view.analysis != view_.analysis || view.revision != view_.revision || view.trace.size() != view_.trace.size() || view.complete != view_.complete) {
        const bool first = view_.trace.size() == 0 && view.trace.size() > 0;
        const bool learned = view.analysis != view_.analysis;
        view_ = std::move(view);
        if (learned) names_ = view_.analysis == named_.analysis ? named_.names : Names(session_->scenario(), *view_.analysis);
        emit viewChanged();
        if (first && !status_ && !cursor_.following()) goToFrame(0);
    }
    if (status_) followRun();
}

/// A large analysis is shown together with its names, as soon as they are made; until then the one before it stays.
void Workspace::nameFirst(capture::View& view)
{
    if (view.analysis == named_.analysis) return;
    if (!naming_) {
        naming_ = view.analysis;
        inBackground(
            this, [session = session_, analysis = naming_] { return Named{analysis, Names(session->scenario(), *analysis)}; },
            [this](Named named) {
                if (named.analysis != naming_) return;  // of a session that is gone
                naming_.reset();
                named_ = std::move(named);
                poll();
            });
    }
    const bool newer = named_.analysis && named_.analysis != view_.analysis;
    view.analysis = newer ? named_.analysis : view_.analysis;
    view.complete = false;
}

void Workspace::followRun()
{
    // While frames rush by, the newest registration message stays in view. As soon as the run stands still (a step, a pause,
    // its end) the frame that was captured last is shown: after a step that is the message it stopped at.
    if (!cursor_.following()) return;
    const std::size_t frames = view_.trace.size();
    const bool running = status_->state == capture::RunState::Running;
    const auto frame = running ? latestRegistration() : frames > 0 ? std::optional(frames - 1) : std::nullopt;
    if (frame) cursor_.follow(status_->now, *frame);
    else cursor_.follow(status_->now);
}

std::optional<std::size_t> Workspace::latestRegistration() const
{
    constexpr std::ptrdiff_t enough = 8;  // exchanges are in order of their start; only the last ones can be the newest
    const auto& exchanges = analysis().exchanges;
    std::optional<std::size_t> latest;
    const auto first = exchanges.end() - std::min<std::ptrdiff_t>(enough, std::ssize(exchanges));
    for (auto exchange = first; exchange != exchanges.end(); ++exchange) {
        for (const analysis::FrameIndex update : exchange->updates) latest = std::max(latest, std::optional<std::size_t>(update));
        if (exchange->answer) latest = std::max(latest, std::optional<std::size_t>(*exchange->answer));
    }
    return latest;
}

void Workspace::goToTime(TimePoint time)
{
    const capture::TraceSnapshot& trace = view_.trace;
    std::size_t index = trace.lowerBound(time == TimePoint::max() ? time : time + Duration{1});
    if (index > 0) --index;
    cursor_.moveTo(time, trace.size() > 0 ? std::optional(index) : std::nullopt);
}

void Workspace::goToFrame(std::size_t index)
{
    if (index < view_.trace.size()) cursor_.moveTo(view_.trace.frame(index).time, index);
}

void Workspace::goToHandover(std::size_t index)
{
    if (index < analysis().handovers.size()) goToTime(analysis().handovers[index].start);
}

std::optional<std::size_t> Workspace::handoverAtCursor() const
{
    std::optional<std::size_t> found;
    const auto& handovers = analysis().handovers;
    for (std::size_t i = 0; i < handovers.size(); ++i)
        if (handovers[i].start <= cursor_.time()) found = i;
    return found;
}

}  // namespace roamscope::ui
