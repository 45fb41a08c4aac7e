// SPDX-License-Identifier: GPL-3.0-or-later
// Virtual time. The TAP backend's loop is in lab_runner_tap.cpp.
#include "capture/run/lab_runner.hpp"

#include "capture/run/lab_runner_tap.hpp"
#include "protocol/wire/summary.hpp"

#include <algorithm>
#include <poll.h>
#include <sys/eventfd.h>

namespace roamscope::capture {

using SteadyClock = std::chrono::steady_clock;

namespace {

/// Lab time that is worked off between two looks at the wishes.
constexpr Duration slice = 20ms;
/// How often a paced run moves on: smooth on a screen, cheap otherwise.
constexpr auto frameInterval = std::chrono::milliseconds(10);

}  // namespace

Result<std::unique_ptr<LabRunner>> LabRunner::start(LabOptions options, RunSink sink)
{
    const bool tap = options.backend == Backend::Tap;
    const std::uint64_t seed = options.seed.value_or(options.scenario.seed);
    auto lab = lab::Lab::build(options.scenario, seed, tap ? lab::Segments::External : lab::Segments::Internal);
    if (!lab) return tl::unexpected(lab.error());
    std::unique_ptr<LabRunner> runner(new LabRunner(std::move(options), std::move(sink), std::move(*lab)));
    if (!tap) {
        runner->thread_ = std::jthread([self = runner.get()] { self->mainVirtual(); });
        return runner;
    }
    // The helper must be started by the thread that uses it: the kernel ends it together with that thread.
    runner->tap_ = std::make_unique<Tap>();
    runner->thread_ = std::jthread([self = runner.get()] { self->mainTap(*self->tap_); });
    auto opened = runner->tap_->opened.get_future().get();
    if (!opened) return tl::unexpected(opened.error());
    runner->capture_ = std::move(*opened);
    return runner;
}

LabRunner::LabRunner(LabOptions options, RunSink sink, lab::Lab lab)
    : options_(std::move(options)), sink_(std::move(sink)), lab_(std::move(lab)), wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC))
{
    const Duration duration = options_.until.value_or(options_.scenario.duration);
    end_ = TimePoint{duration};
    if (options_.checkInvariants) invariants_.emplace(lab_);
    wishes_.running = !options_.startPaused;
    wishes_.speed = options_.speed;
    status_.state = wishes_.running ? RunState::Running : RunState::Paused;
    status_.backend = options_.backend;
    status_.duration = duration;
    status_.speed = options_.speed;
    record_.scenario = options_.scenario;
    record_.seed = lab_.seed();
    record_.backend = std::string(backendName(options_.backend));
    record_.startUtc = startUtc_;
    record_.ports = lab_.ports();
}

LabRunner::~LabRunner()
{
    stop();
    if (thread_.joinable()) thread_.join();
}

// ---- wishes, from any thread

LabStatus LabRunner::status() const
{
    const std::lock_guard lock(mutex_);
    return status_;
}

LabRecord LabRunner::record() const
{
    const std::lock_guard lock(mutex_);
    return record_;
}

bool LabRunner::canPause() const { return options_.backend == Backend::Virtual; }

void LabRunner::run()
{
    wish([](Wishes& w) { w.running = true; });
}

void LabRunner::pause()
{
    if (canPause()) wish([](Wishes& w) { w.running = w.step = false; });
}

void LabRunner::step()
{
    if (canPause()) wish([](Wishes& w) {
        w.running = false;
        w.step = true;
    });
}

void LabRunner::setSpeed(double labSecondsPerSecond)
{
    if (canPause()) wish([=](Wishes& w) { w.speed = std::max(0.0, labSecondsPerSecond); });
}

void LabRunner::stop()
{
    wish([](Wishes& w) { w.stop = true; });
}

void LabRunner::wish(const std::function<void(Wishes&)>& change)
{
    {
        const std::lock_guard lock(mutex_);
        change(wishes_);
        status_.speed = wishes_.speed;
        if (status_.state != RunState::Ended) status_.state = wishes_.running ? RunState::Running : RunState::Paused;
    }
    eventfd_write(wake_.get(), 1);
}

LabRunner::Wishes LabRunner::wishes() const
{
    const std::lock_guard lock(mutex_);
    return wishes_;
}

void LabRunner::waitUntil(SteadyClock::time_point t)
{
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(t - SteadyClock::now()).count();
    pollfd wake{wake_.get(), POLLIN, 0};
    if (left > 0 && poll(&wake, 1, static_cast<int>(std::min<std::int64_t>(left, 1000))) > 0) {
        eventfd_t count = 0;
        eventfd_read(wake_.get(), &count);
    }
}

// ---- the virtual run's thread

void LabRunner::mainVirtual()
{
    SteadyClock::time_point anchor = SteadyClock::now();
    TimePoint anchorLab{};
    double anchorSpeed = -1;
    bool wasRunning = false;
    while (lab_.now() < end_) {
        const Wishes w = wishes();
        if (w.stop) break;
        if (w.step) {
            wish([](Wishes& all) { all.step = false; });
            advanceVirtual(end_, true);
            wasRunning = false;
            continue;
        }
        if (!w.running) {
            wasRunning = false;
            waitUntil(SteadyClock::now() + std::chrono::seconds(1));
            continue;
        }
        if (w.speed <= 0) {
            wasRunning = false;
            advanceVirtual(std::min(end_, lab_.now() + slice), false);
            continue;
        }
        // Lab time follows the clock from the last change of speed on, so that nothing adds up.
        if (!wasRunning || w.speed != anchorSpeed) {
            anchor = SteadyClock::now();
            anchorLab = lab_.now();
            anchorSpeed = w.speed;
            wasRunning = true;
        }
        const auto real = std::chrono::duration_cast<Duration>(SteadyClock::now() - anchor);
        const TimePoint target = anchorLab + Duration{static_cast<std::int64_t>(static_cast<double>(real.count()) * w.speed)};
        advanceVirtual(std::min({end_, target, lab_.now() + std::max(slice, Duration{static_cast<std::int64_t>(2e7 * w.speed)})}), false);
        if (target - lab_.now() < slice) waitUntil(SteadyClock::now() + frameInterval);
    }
    finish(lab_.now() < end_ ? "Stopped." : "");
}

void LabRunner::advanceVirtual(TimePoint target, bool untilSignal)
{
    constexpr int burst = 256;  // events between two looks at the wishes
    bool more = true;
    while (more) {
        lab::LabOutput out;
        bool stopHere = false;
        for (int i = 0; i < burst && more && !stopHere; ++i) {
            const std::size_t before = out.frames.size();
            const std::size_t events = out.events.size();
            more = lab_.advanceOnce(target, out);
            check(out, before, events);
            for (std::size_t f = before; f < out.frames.size(); ++f) stopHere = (untilSignal && isStop(out.frames[f])) || stopHere;
        }
        if (!out.frames.empty()) sink_.frames(std::move(out.frames));
        note(std::move(out.events));
        if (stopHere || wishes().stop) break;
    }
}

void LabRunner::check(lab::LabOutput& out, std::size_t frames, std::size_t events)
{
    if (!invariants_ || !invariants_->violations().empty()) return;
    invariants_->check(lab_, std::span(out.frames).subspan(frames), std::span(out.events).subspan(events));
    if (invariants_->violations().empty()) return;
    const auto& broken = invariants_->violations().front();
    out.events.push_back({broken.node, {broken.time, "invariant-violated", {}, {{"invariant", node::attribute(broken.invariant)}, {"text", node::attribute(std::string_view(broken.text))}}, false}, std::nullopt});
}

/// What "step" stops at: mobility messages, solicitations and advertisements of neighbours, router solicitations and the first
/// answer to one. Data, listener reports and periodic advertisements pass.
bool LabRunner::isStop(const lab::SegmentFrame& frame)
{
    const auto decoded = wire::decodeFrame(frame.bytes, wire::linkEthernet, frame.bytes.size());
    if (decoded.as<wire::RouterSolicitation>()) {
        soughtRouter_ = frame.link;
        return true;
    }
    if (decoded.as<wire::RouterAdvertisement>()) {
        const bool awaited = soughtRouter_ == frame.link;
        if (awaited) soughtRouter_.reset();
        return awaited;
    }
    return std::holds_alternative<wire::Checked<wire::MobilityMessage>>(decoded.message) || decoded.as<wire::NeighborSolicitation>() ||
           decoded.as<wire::NeighborAdvertisement>();
}

void LabRunner::note(std::vector<lab::LabEvent>&& events)
{
    const std::lock_guard lock(mutex_);
    std::move(events.begin(), events.end(), std::back_inserter(record_.events));
    status_.now = lab_.now();
    record_.duration = lab_.now().time_since_epoch();
}

void LabRunner::finish(std::string message)
{
    {
        const std::lock_guard lock(mutex_);
        status_.state = RunState::Ended;
        status_.now = lab_.now();
        if (!message.empty()) status_.message = std::move(message);
        record_.duration = lab_.now().time_since_epoch();
    }
    if (sink_.ended) sink_.ended();
}

std::string_view backendName(Backend backend) { return backend == Backend::Tap ? "tap" : "virtual"; }

}  // namespace roamscope::capture
