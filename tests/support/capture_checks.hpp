// SPDX-License-Identifier: GPL-3.0-or-later
// What must hold for a capture file of any octets; the fuzz targets, the mutation test and the plain tests share it.
#pragma once

#include "capture/io/capture_reader.hpp"
#include "capture/trace/trace.hpp"

#include <string>

namespace roamscope::test {

/// A capture read to its end or to the place where it breaks.
struct ReadCapture {
    capture::Trace trace;
    std::vector<std::int64_t> utc;  ///< of each frame
    capture::CaptureNotes notes;
    std::vector<std::uint64_t> dropped;
    std::optional<Error> error;
    std::string fault;  ///< what of that must not be; empty when all is well
};

/// Reads octets of a file, compressed or not.
[[nodiscard]] ReadCapture readCapture(Bytes octets);

/// Writes what was read as pcapng, reads that again and compares. Empty when both say the same.
[[nodiscard]] std::string rewriteFault(const ReadCapture& read);

}  // namespace roamscope::test
