// SPDX-License-Identifier: GPL-3.0-or-later
// Option lists of pcapng blocks: reading them from octets in the file's order, and bringing their numbers to little-endian.
// Pure functions; an option whose length is a lie ends the list.
#pragma once

#include "capture/io/capture_notes.hpp"
#include "capture/io/file_order.hpp"

namespace roamscope::capture {

/// The blocks that have options; the same code means something else in each.
enum class OptionScope : std::uint8_t { Section, Interface, Names, Statistics, Packet };

struct OptionList {
    CaptureOptions options;
    bool damaged = false;  ///< an option says that it is longer than the list
    bool more = false;     ///< there are more than maxOptions; the others are left out
};

/// Options of one list that are kept: a list of nothing but empty ones would take ten times its octets.
inline constexpr std::size_t maxOptions = 4096;

/// Reads a list; one without an end is read to the end of `octets`.
[[nodiscard]] OptionList readOptions(ByteView octets, FileOrder order, OptionScope scope);

/// The options that may stand in another file: those the format defines, with a value of the right size, and custom ones that
/// may be copied. Those that nobody knows stay behind: they may speak of what changes. `resolution` is left out too.
[[nodiscard]] CaptureOptions copyableOptions(const CaptureOptions& options, OptionScope scope);

}  // namespace roamscope::capture
