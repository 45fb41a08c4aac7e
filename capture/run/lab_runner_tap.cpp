// SPDX-License-Identifier: GPL-3.0-or-later
// The TAP backend: one loop over descriptors with the lab's next deadline as its time-out (design §5.1).
#include "capture/run/lab_runner_tap.hpp"

#include "capture/io/machine_check.hpp"

#include <array>
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>

namespace roamscope::capture {

namespace {

/// Handled later than this, an event counts as late and is reported.
constexpr Duration lateness = 5ms;
/// Frames taken from one port before the others get their turn.
constexpr int readBudget = 64;
constexpr std::size_t maxFrame = 65'536;

std::int64_t clockNow(clockid_t clock)
{
    timespec t{};
    clock_gettime(clock, &t);
    return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

}  // namespace

Result<FileDescriptor> LabRunner::Tap::open(const lab::Lab& lab)
{
    auto made = LabNamespace::open();
    if (!made) return tl::unexpected(made.error());
    space.emplace(std::move(*made));
    for (const lab::LinkSpec& link : lab.scenario().links)
        if (auto added = space->addLink(link.name); !added) return tl::unexpected(added.error());
    for (const lab::Port& port : lab.ports())
        if (auto added = space->addPort(port.name); !added) return tl::unexpected(added.error());
    auto stream = space->startCapture();
    if (!stream) return stream;
    for (std::size_t i = 0; i < lab.ports().size(); ++i)
        if (const auto link = lab.ports()[i].link)
            if (auto attached = space->attach(i, lab.scenario().links[*link].name); !attached) return tl::unexpected(attached.error());
    return stream;
}

TimePoint LabRunner::Tap::now() const { return atNanoseconds(clockNow(CLOCK_BOOTTIME) - bootStart); }

Result<void> LabRunner::Tap::carryOut(const lab::Lab& lab, lab::LabOutput& out)
{
    for (const lab::PortMove& move : out.moves) {
        auto done = move.link ? space->attach(move.port, lab.scenario().links[*move.link].name) : space->detach(move.port);
        if (!done) return done;
    }
    for (const lab::PortFrame& frame : out.transmit) {
        const auto sent = space->tap(frame.port).write(frame.bytes);
        if (!sent) return tl::unexpected(sent.error());
        if (!*sent)
            out.events.push_back({lab.ports()[frame.port].node,
                                  {lab.now(), "frame-lost", {}, {{"interface", node::attribute(std::string_view(lab.ports()[frame.port].name))}}, false},
                                  std::nullopt});
    }
    out.moves.clear();
    out.transmit.clear();
    return {};
}

void LabRunner::Tap::receive(lab::Lab& lab, std::size_t port, lab::LabOutput& out)
{
    std::array<std::uint8_t, maxFrame> buffer;
    for (int n = 0; n < readBudget; ++n) {
        const auto length = space->tap(port).read(buffer);
        if (!length || *length == 0) return;
        lab.inject(now(), port, ByteView(buffer.data(), *length), out);
    }
}

bool LabRunner::beginTap(Tap& tap)
{
    auto stream = tap.open(lab_);
    // What bars the backend is told with the way around it; anything else as it came.
    if (!stream && stream.error().code == ErrorCode::Permission)
        if (auto available = tapBackendAvailable(); !available) stream = tl::unexpected(available.error());
    if (!stream) {
        finish(stream.error().text);
        tap.space.reset();
        tap.opened.set_value(tl::unexpected(stream.error()));
        return false;
    }
    // Time 0 is one reading of both clocks: capture stamps follow the former, protocol timers the latter.
    startUtc_ = clockNow(CLOCK_REALTIME);
    tap.bootStart = clockNow(CLOCK_BOOTTIME);
    {
        const std::lock_guard lock(mutex_);
        record_.startUtc = startUtc_;
        status_.helperPid = tap.space->helperPid();
        status_.insideHint = tap.space->enterCommand();
    }
    tap.opened.set_value(std::move(*stream));
    return true;
}

void LabRunner::mainTap(Tap& tap)
{
    if (!beginTap(tap)) return;
    std::vector<pollfd> polled(tap.space->portCount() + 2);
    lab::LabOutput out;
    std::string reason;
    while (tap.now() < end_ && !wishes().stop) {
        // What is due, one by one, each with the clock as the limit: so each one's lateness is known and its frames leave at once.
        for (auto next = lab_.nextDeadline(); next && *next <= tap.now() && *next < end_; next = lab_.nextDeadline()) {
            const Duration by = tap.now() - *next;
            lab_.advanceOnce(*next, out);
            late(*next, by);
            if (auto done = tap.carryOut(lab_, out); !done) reason = done.error().text;
        }
        const TimePoint until = std::min(end_, lab_.nextDeadline().value_or(end_));
        for (std::size_t i = 0; i < tap.space->portCount(); ++i) polled[i] = {tap.space->tap(i).descriptor(), POLLIN, 0};
        polled[polled.size() - 2] = {tap.space->pollDescriptor(), POLLIN, 0};
        polled[polled.size() - 1] = {wake_.get(), POLLIN, 0};
        const std::int64_t wait = std::clamp<std::int64_t>((until - tap.now()).count(), 0, 100'000'000);
        const timespec timeout{0, wait};
        if (ppoll(polled.data(), polled.size(), &timeout, nullptr) > 0) {
            for (std::size_t i = 0; i < tap.space->portCount(); ++i)
                if ((polled[i].revents & POLLIN) != 0) tap.receive(lab_, i, out);
            eventfd_t count = 0;
            if (polled.back().revents != 0) eventfd_read(wake_.get(), &count);
        }
        if (tap.space->gone()) reason = "The helper process has ended; the run's interfaces are gone with it.";
        note(std::move(out.events));
        out.events.clear();
        if (!reason.empty()) break;
    }
    const bool early = reason.empty() && tap.now() < end_;
    if (!tap.space->gone()) (void)tap.space->stop();
    tap.space.reset();
    finish(early ? "Stopped." : reason);
}

void LabRunner::late(TimePoint now, Duration by)
{
    const std::lock_guard lock(mutex_);
    status_.latenessNow = by;
    status_.latenessMax = std::max(status_.latenessMax, by);
    if (by <= lateness) return;
    ++status_.lateEvents;
    record_.events.push_back({0, {now, "late", {}, {{"by", node::attribute(by)}}, false}, std::nullopt});
}

}  // namespace roamscope::capture
