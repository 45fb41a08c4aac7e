// SPDX-License-Identifier: GPL-3.0-or-later
// The classic pcap format (draft-ietf-opsawg-pcap): one link, microseconds or nanoseconds, either byte order.
#pragma once

#include "capture/io/capture_reader.hpp"

namespace roamscope::capture {

/// Whether a file that starts with these 4 octets is pcap (in any of its variants).
[[nodiscard]] bool isPcap(ByteView head);
[[nodiscard]] std::unique_ptr<RecordFormat> makePcapFormat();

}  // namespace roamscope::capture
