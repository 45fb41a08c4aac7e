// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/node/flow_events.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace roamscope::node {

namespace {

/// "1+2"
std::string namesOf(const std::vector<std::uint16_t>& bids) { return fmt::format("{}", fmt::join(bids, "+")); }

Attributes keyOf(const Ipv6Address& home, std::uint16_t flow) { return {{"home_address", attribute(home)}, {"flow", attribute(std::int64_t{flow})}}; }

}  // namespace

void tellFlows(TimePoint now, const Ipv6Address& home, const std::vector<Flow>& before, const std::vector<Flow>& after, Output& out)
{
    if (out.quiet) return;
    for (const Flow& old : before)
        if (std::none_of(after.begin(), after.end(), [&](const Flow& f) { return f.flow == old.flow; })) out.removed(now, "flow", keyOf(home, old.flow));
    for (const Flow& flow : after)
        if (std::find(before.begin(), before.end(), flow) == before.end())
            out.changed(now, "flow", keyOf(home, flow.flow), Attributes{{"priority", attribute(std::int64_t{flow.priority})}, {"bids", attribute(std::string_view(namesOf(flow.bids)))}});
}

}  // namespace roamscope::node
