// SPDX-License-Identifier: GPL-3.0-or-later
// Makes pcapng blocks (draft-ietf-opsawg-pcapng), little-endian, ready to append to a file or pipe. Pure functions, so the
// helper process, the file writer and the tests share them. Reading is in pcapng_file.hpp.
#pragma once

#include "capture/io/capture_notes.hpp"
#include "protocol/base/bytes.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace roamscope::capture {

/// Link types as in the LINKTYPE_ registry.
inline constexpr std::uint16_t linkTypeEthernet = 1;
inline constexpr std::uint16_t linkTypeRawIpv6 = 229;

/// Section Header Block; `application` names the writer (option shb_userappl), may be empty.
[[nodiscard]] Bytes pcapngSection(std::string_view application);

/// Interface Description Block with nanosecond stamps (if_tsresol 9). `name` becomes if_name, `description` (may be empty)
/// if_description. Interfaces are numbered from 0 in the order in which their blocks stand.
[[nodiscard]] Bytes pcapngInterface(std::uint16_t linkType, std::uint32_t snapLength, std::string_view name,
                                    std::string_view description = {});

/// Enhanced Packet Block. `time` is nanoseconds since 1970-01-01 UTC; `originalLength` >= frame.size(), in octets;
/// `comment` (may be empty) becomes opt_comment.
[[nodiscard]] Bytes pcapngPacket(std::uint32_t interface, std::int64_t time, ByteView frame, std::uint32_t originalLength,
                                 std::string_view comment = {});

/// The same blocks with any options (numbers little-endian, as CaptureOption holds them; a value of more than 65535 octets is
/// cut). Interface: resolution 9 is added, so `options` must not hold one; `ticks` then are nanoseconds.
[[nodiscard]] Bytes pcapngSection(const CaptureOptions& options);
[[nodiscard]] Bytes pcapngInterface(std::uint16_t linkType, std::uint32_t snapLength, const CaptureOptions& options);
[[nodiscard]] Bytes pcapngPacket(std::uint32_t interface, std::uint64_t ticks, ByteView frame, std::uint32_t originalLength, const CaptureOptions& options);
[[nodiscard]] Bytes pcapngStatistics(std::uint32_t interface, std::uint64_t ticks, const CaptureOptions& options);

/// Name Resolution Block: what addresses are called. Names that do not fit into their record (65535 octets) are left out.
[[nodiscard]] Bytes pcapngNames(const std::vector<CaptureName>& names, const CaptureOptions& options);

/// Any other block, of a type of one's own or one that was kept.
[[nodiscard]] Bytes pcapngBlock(std::uint32_t type, ByteView body);

/// A text option, empty text: none.
void addText(CaptureOptions& options, std::uint16_t code, std::string_view text);
/// A number option of `width` octets.
void addNumber(CaptureOptions& options, std::uint16_t code, std::uint64_t value, std::size_t width = 8);

/// Interface Statistics Block: frames received and dropped since the interface was opened, at `time` (ns since 1970).
[[nodiscard]] Bytes pcapngStatistics(std::uint32_t interface, std::int64_t time, std::uint64_t received,
                                     std::uint64_t dropped);

}  // namespace roamscope::capture
