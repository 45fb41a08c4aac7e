// SPDX-License-Identifier: GPL-3.0-or-later
// The addresses of users' traffic without decoding it: what nearly all frames of a large capture are. Values only.
#pragma once

#include "capture/trace/trace.hpp"
#include "protocol/wire/frame.hpp"

namespace roamscope::analysis {

/// Fills link addresses and packets of `out` when the frame is UDP or TCP in plain IPv6 headers (perhaps tunnelled) over Ethernet,
/// with nothing that must be reported and no probe in it. False for everything else; `out` is then undefined. `out` may be used
/// again and again; nothing but these members is touched. The decoder would say the same of these members.
[[nodiscard]] bool readLight(const capture::FrameView& frame, std::uint16_t linkType, const capture::FrameRow& row, wire::DecodedFrame& out);

}  // namespace roamscope::analysis
