// SPDX-License-Identifier: GPL-3.0-or-later
// IKEv2 (RFC 7296) as far as it stands in the open: header, chain of payloads, notifications and configuration attributes, those of
// mobility by name (RFC 4555, RFC 5026). What the encrypted payload holds is not read.
#pragma once

#include "protocol/base/result.hpp"
#include "protocol/wire/fields.hpp"

#include <string_view>

namespace roamscope::wire {

struct IkeHeader {
    std::uint64_t initiatorSpi = 0;
    std::uint64_t responderSpi = 0;
    std::uint8_t version = 0x20;   ///< major and minor in four bits each
    std::uint8_t exchange = 0;
    std::uint8_t flags = 0;
    std::uint32_t messageId = 0;
    bool operator==(const IkeHeader&) const = default;
    [[nodiscard]] bool isResponse() const { return (flags & 0x20) != 0; }
};

/// Reads the rest of `in` as one message; payloads are shown when there is a sink. Of other versions only the header is read.
/// `cut`: the capture did not keep all of it. Fails when a header or payload does not fit.
[[nodiscard]] Result<IkeHeader> parseIke(FieldReader& in, bool cut);

[[nodiscard]] std::string_view ikeExchangeName(std::uint8_t exchange);          ///< "IKE_SA_INIT"; empty when unknown
[[nodiscard]] std::string_view ikePayloadName(std::uint8_t type);
[[nodiscard]] std::string_view ikeNotifyName(std::uint16_t type);
[[nodiscard]] std::string_view ikeConfigurationName(std::uint16_t attribute);

}  // namespace roamscope::wire
