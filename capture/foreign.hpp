// SPDX-License-Identifier: GPL-3.0-or-later
// One line about traffic that is not mobility: ARP, IPv4, TCP, DNS. The only place where libtins parses captured octets: sizes
// and depth are checked before it is called, nothing recursive is handed to it and every exception ends here.
#pragma once

#include "protocol/wire/frame.hpp"

#include <optional>
#include <string>

namespace roamscope::capture {

struct ForeignSummary {
    std::string protocol;     ///< "TCP", "DNS", "ARP", "IPv4" …
    std::string info;
    std::string source;       ///< empty: what the caller knows is better
    std::string destination;
};

/// Describes what the wire codec left undecoded in `frame`, or nothing when there is nothing to add. `decoded` must be what
/// wire::decodeFrame() made of the same octets.
[[nodiscard]] std::optional<ForeignSummary> describeForeign(ByteView frame, const wire::DecodedFrame& decoded);

}  // namespace roamscope::capture
