// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/node/correspondent.hpp"

namespace roamscope::node {

void Correspondent::receive(TimePoint now, std::size_t interface, ByteView frame, Output& out)
{
    const auto delivery = stack_.receive(now, interface, frame, out);
    (void)stack_.takeEvents();
    if (!delivery) return;
    const auto received = probeIn(delivery->packet);
    if (!received || !received->probe.answer) return;
    const wire::Probe& probe = received->probe;
    out.happened(now, "probe-answered", {{"flow", attribute(std::int64_t{probe.flow})}, {"serial", attribute(std::int64_t{probe.serial})},
                                         {"sent", attribute(probe.sent)}});
}

void Correspondent::advance(TimePoint now, Output& out)
{
    stack_.advance(now, out);
    (void)stack_.takeEvents();
    for (TrafficSource& source : sources_) {
        while (auto due = source.due(now)) {
            out.happened(now, "probe-sent", {{"flow", attribute(std::int64_t{due->probe.flow})}, {"serial", attribute(std::int64_t{due->probe.serial})}});
            stack_.send(now, std::move(due->packet), out);
        }
    }
}

std::optional<TimePoint> Correspondent::nextDeadline() const
{
    auto next = stack_.nextDeadline();
    for (const TrafficSource& source : sources_) next = earlier(next, source.nextDeadline());
    return next;
}

}  // namespace roamscope::node
