// SPDX-License-Identifier: GPL-3.0-or-later
// Names of the numbers in Mobility Header messages, as the RFCs that define them print them (a few shortened). Each function gives
// an empty text for a number that no RFC assigns.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace roamscope::wire {

struct BindingUpdate;

/// "Binding update" (RFC 6275 §6.1 and others).
[[nodiscard]] std::string_view mobilityName(std::uint8_t type);
/// "Alternate care-of address".
[[nodiscard]] std::string_view mobilityOptionName(std::uint8_t type);

/// Status of a Binding Acknowledgement and of the binding identifier option: below 128 accepted.
[[nodiscard]] std::string_view bindingStatusName(std::uint8_t status);
/// The same where drafts of Proxy Mobile IPv6 had other names for 145 to 148 (errata E-14).
[[nodiscard]] std::string_view pmipDraftStatusName(std::uint8_t status);
[[nodiscard]] std::string_view bindingErrorName(std::uint8_t status);               ///< RFC 6275 §6.1.9
[[nodiscard]] std::string_view fastBindingStatusName(std::uint8_t status);          ///< RFC 5568 §6.2.3
[[nodiscard]] std::string_view handoverInitiateCodeName(std::uint8_t code);         ///< RFC 5568 §6.2.1.1, RFC 5949 §6.1.1
[[nodiscard]] std::string_view handoverAckCodeName(std::uint8_t code);              ///< RFC 5568 §6.2.1.2, RFC 5949 §6.1.2
[[nodiscard]] std::string_view revocationTriggerName(std::uint8_t trigger);         ///< RFC 5846 §5.1
[[nodiscard]] std::string_view revocationStatusName(std::uint8_t status);           ///< RFC 5846 §5.2
[[nodiscard]] std::string_view localizedRoutingStatusName(std::uint8_t status);     ///< RFC 6705 §10.2
[[nodiscard]] std::string_view updateReasonName(std::uint16_t reason);              ///< RFC 7077 §4.1
[[nodiscard]] std::string_view updateStatusName(std::uint8_t status);               ///< RFC 7077 §4.2
[[nodiscard]] std::string_view flowTriggerName(std::uint8_t trigger);               ///< RFC 7109 §6.1.1
[[nodiscard]] std::string_view flowBindingStatusName(std::uint8_t status);          ///< RFC 7109 §6.1.2

[[nodiscard]] std::string_view nodeIdentifierTypeName(std::uint8_t subtype);        ///< RFC 4283 §3.1, RFC 8371
[[nodiscard]] std::string_view authenticationTypeName(std::uint8_t subtype);        ///< RFC 4285 §5.1, §5.2
[[nodiscard]] std::string_view dnsUpdateStatusName(std::uint8_t status);            ///< RFC 5026 §8.1
[[nodiscard]] std::string_view handoffName(std::uint8_t indicator);                 ///< RFC 5213 §8.4
[[nodiscard]] std::string_view accessTechnologyName(std::uint8_t type);             ///< RFC 5213 §8.5
[[nodiscard]] std::string_view ipv4AddressStatusName(std::uint8_t status);          ///< RFC 5555 §3.2.1
[[nodiscard]] std::string_view linkLayerCodeName(std::uint8_t code);                ///< RFC 5568 §6.4.4
[[nodiscard]] std::string_view anchorCodeName(std::uint8_t code);                   ///< RFC 5949 §6.2.2
[[nodiscard]] std::string_view groupSubtypeName(std::uint8_t subtype);              ///< RFC 6602 §4.3
[[nodiscard]] std::string_view mobilityAddressCodeName(std::uint8_t code);          ///< RFC 5568 §6.4.2

/// Letters of the flags that are set, as "A H M"; bit 0x0040 reads O, or B together with P (errata E-01).
[[nodiscard]] std::string flagLetters(const BindingUpdate& update);

}  // namespace roamscope::wire
