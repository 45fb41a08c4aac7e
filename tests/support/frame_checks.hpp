// SPDX-License-Identifier: GPL-3.0-or-later
// What must hold for the decoding of any octets: used by the tests and by the fuzz target. Each check returns what is wrong,
// or an empty text.
#pragma once

#include "protocol/wire/frame.hpp"

#include <string>

namespace roamscope::test {

/// Every line lies inside the frame, has a value of the type that the registry says, and the value is what stands in its
/// octets (under the registry's mask).
[[nodiscard]] std::string nodeFault(ByteView frame, const std::vector<wire::FieldNode>& nodes);

/// The octets of a group hold those of its lines. Only for frames that decode to their end.
[[nodiscard]] std::string nestingFault(const std::vector<wire::FieldNode>& nodes);

/// Emitting what was parsed and parsing it again gives the same value, for every layer of a frame. Values that one header
/// cannot carry (options merged from several headers, or aligned anew beyond the length field) are left out.
/// `context`: how it was read, so that a draft that was recognised is recognised again.
[[nodiscard]] std::string fixpointFault(const wire::DecodedFrame& frame, const wire::DecodeContext& context = {});

/// skim() says of the frame what decodeFrame() says.
[[nodiscard]] std::string skimFault(ByteView frame, std::uint16_t linkType, std::size_t originalLength);

}  // namespace roamscope::test
