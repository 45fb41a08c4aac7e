// SPDX-License-Identifier: GPL-3.0-or-later
// A session for tests of the window: real frames of the sample scenario from a lab in memory, really analysed, but shown only
// up to the instant that the test chooses, without threads. Its controls note what was asked of them.
#pragma once

#include "capture/analysis/analyzer.hpp"
#include "capture/run/session.hpp"
#include "protocol/lab/lab.hpp"
#include "protocol/wire/frame.hpp"
#include "tests/support/sample_scenario.hpp"

#include <QStringList>

namespace roamscope::test {

class PlayedSession final : public capture::Session, public capture::LabControl {
public:
    /// Plays a scenario with the frames up to `shown` visible.
    explicit PlayedSession(TimePoint shown, capture::Backend backend = capture::Backend::Virtual, lab::Scenario scenario = sampleScenario()) : scenario_(std::move(scenario))
    {
        status_.backend = backend;
        status_.duration = scenario_.duration;
        status_.state = backend == capture::Backend::Tap ? capture::RunState::Running : capture::RunState::Paused;
        auto lab = lab::Lab::build(scenario_, scenario_.seed, lab::Segments::Internal);
        if (!lab) qFatal("%s", lab.error().text.c_str());
        lab::LabOutput out;
        lab->advanceTo(TimePoint{scenario_.duration}, out);
        frames_ = std::move(out.frames);
        for (const lab::LinkSpec& link : scenario_.links) links_.push_back({link.name, 1});
        for (const capture::TraceLink& link : links_) trace_.addLink(link);
        showUpTo(shown);
    }

    void showUpTo(TimePoint t)
    {
        for (; next_ < frames_.size() && frames_[next_].time <= t; ++next_) {
            const lab::SegmentFrame& frame = frames_[next_];
            const auto link = static_cast<std::uint32_t>(frame.link);
            const auto length = static_cast<std::uint32_t>(frame.bytes.size());
            trace_.append(frame.time, link, frame.bytes, length);
            analyzer_.add(static_cast<analysis::FrameIndex>(next_), {frame.time, link, length, frame.bytes}, links_[link]);
        }
        status_.now = t;
        view_.trace = trace_.snapshot();
        view_.analysis = analyzer_.result();
        view_.complete = t >= TimePoint{status_.duration};
        if (view_.complete) status_.state = capture::RunState::Ended;
        ++view_.revision;
    }
    void breakOff(Error problem)
    {
        view_.problem = std::move(problem);
        ++view_.revision;
    }
    /// Behaves like an opened file from now on.
    void becomeFile() { file_ = true; }
    capture::LabStatus& mutableStatus() { return status_; }
    /// What the controls were asked, shared so that it outlives the session.
    std::shared_ptr<QStringList> asked = std::make_shared<QStringList>();

    capture::View view() const override { return view_; }
    const lab::Scenario* scenario() const override { return file_ ? nullptr : &scenario_; }
    capture::LabControl* lab() override { return file_ ? nullptr : this; }
    void setDecoding(capture::DecodeSettings settings) override
    {
        *asked << QStringLiteral("decode ") + QString::fromStdString(wire::dialectText(settings.dialect));
        view_.decoding = std::move(settings);
        ++view_.revision;
    }
    void stop() override { *asked << QStringLiteral("stop"); }
    Result<void> save(const std::string& path) const override
    {
        *asked << QStringLiteral("save ") + QString::fromStdString(path);
        return {};
    }

    capture::LabStatus status() const override { return status_; }
    bool canPause() const override { return status_.backend == capture::Backend::Virtual; }
    void run() override
    {
        *asked << QStringLiteral("run");
        status_.state = capture::RunState::Running;
    }
    void pause() override
    {
        *asked << QStringLiteral("pause");
        status_.state = capture::RunState::Paused;
    }
    void step() override { *asked << QStringLiteral("step"); }
    void setSpeed(double speed) override { *asked << QStringLiteral("speed %1").arg(speed); }
    capture::LabRecord record() const override { return {scenario_, scenario_.seed, "virtual", 0, scenario_.duration, {}, {}}; }

private:
    lab::Scenario scenario_;
    std::vector<lab::SegmentFrame> frames_;
    std::vector<capture::TraceLink> links_;
    std::size_t next_ = 0;
    capture::Trace trace_;
    analysis::Analyzer analyzer_;
    capture::View view_;
    capture::LabStatus status_;
    bool file_ = false;
};

/// Index of the first frame that passes `test(row info)`.
template <class Test>
std::optional<std::size_t> findFrame(const capture::View& view, Test test)
{
    for (std::size_t i = 0; i < view.trace.size(); ++i) {
        const capture::FrameView frame = view.trace.frame(i);
        if (test(wire::decodeFrame(frame.bytes, 1, frame.originalLength))) return i;
    }
    return std::nullopt;
}

}  // namespace roamscope::test
