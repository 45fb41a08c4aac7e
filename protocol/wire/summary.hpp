// SPDX-License-Identifier: GPL-3.0-or-later
// One line about a frame, and the whole tree of it: what the packet list and the decode command show.
#pragma once

#include "protocol/wire/frame.hpp"

#include <string>
#include <vector>

namespace roamscope::wire {

/// What a frame is about; decides its colour and whether "step" stops at it. A Binding Acknowledgement alone does not say
/// which registration it answers: it counts as HomeRegistration here, the analysis knows better.
enum class MessageKind : std::uint8_t { LocalRegistration, HomeRegistration, RouteOptimisation, Discovery, Data, Other };

struct Summary {
    MessageKind kind = MessageKind::Other;
    std::string source;       ///< of the innermost IP header, else link-layer address, else empty
    std::string destination;
    std::string protocol;     ///< "MIPv6", "ICMPv6", "UDP", "IPv6", "Ethernet" …
    std::string info;         ///< "BU to MAP, sequence 2, A M, 600 s"
    std::size_t tunnels = 0;  ///< IP headers around the innermost one
    bool malformed = false;
};

[[nodiscard]] Summary summarize(const DecodedFrame& frame);

struct Dissection {
    std::vector<FieldNode> nodes;
    std::vector<Finding> findings;
    std::vector<DerivedOctets> buffers;  ///< what FieldNode::buffer counts, from 1
    Summary summary;
};

/// Decodes and collects everything. See decodeFrame() for the arguments and bounds.
[[nodiscard]] Dissection dissect(ByteView frame, std::uint16_t linkType, std::size_t originalLength, const DecodeContext& context = {});
/// The nodes of some fields only, without their texts; no findings, no summary. For those who ask many frames for few fields.
[[nodiscard]] Dissection dissectFields(ByteView frame, std::uint16_t linkType, std::size_t originalLength, const FieldSet& wanted,
                                       const DecodeContext& context = {});

}  // namespace roamscope::wire
