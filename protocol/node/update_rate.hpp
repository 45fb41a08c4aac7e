// SPDX-License-Identifier: GPL-3.0-or-later
// The time in which MAX_UPDATE_RATE messages of one kind may leave a mobile node (RFC 6275 §11.8, MN-COA-02).
#pragma once

#include "protocol/base/time.hpp"

namespace roamscope::node {

/// The limit is for any second on the wire. What leaves exactly a second apart is closer there by the jitter of the delivery, so the
/// node counts over a little more.
inline constexpr Duration updateWindow = std::chrono::milliseconds(1050);

}  // namespace roamscope::node
