// SPDX-License-Identifier: GPL-3.0-or-later
// Tells which flow bindings of a home address there are: the state "flow" of those who steer by them.
#pragma once

#include "protocol/node/flow_match.hpp"
#include "protocol/node/output.hpp"

namespace roamscope::node {

/// Of `home` there were the flows `before`, and there are `after`, both ordered; what did not change is not told.
void tellFlows(TimePoint now, const Ipv6Address& home, const std::vector<Flow>& before, const std::vector<Flow>& after, Output& out);

}  // namespace roamscope::node
