// SPDX-License-Identifier: GPL-3.0-or-later
// Flow bindings: the flow identification and flow summary options (RFC 6089 §4.2), the sub-options of RFC 6089 and RFC 7109,
// and the traffic selectors of RFC 6088. Values; padding between sub-options is made anew when they are emitted.
#pragma once

#include "protocol/wire/fields.hpp"

#include <optional>
#include <variant>
#include <vector>

namespace roamscope::wire {

/// One value, or all from `start` to `end`, both included.
template <class T>
struct SelectorRange {
    T start{};
    std::optional<T> end;
    bool operator==(const SelectorRange&) const = default;
};

/// RFC 6088 §3.1 and §3.2: packets towards the mobile node that belong to the flow. What is not set matches everything.
template <class Address>
struct TrafficSelector {
    std::optional<SelectorRange<Address>> source;
    std::optional<SelectorRange<Address>> destination;
    std::optional<SelectorRange<std::uint32_t>> spi;
    std::optional<SelectorRange<std::uint32_t>> flowLabel;  ///< IPv6 only; the low 20 bits
    std::optional<SelectorRange<std::uint16_t>> sourcePort;
    std::optional<SelectorRange<std::uint16_t>> destinationPort;
    std::optional<SelectorRange<std::uint8_t>> trafficClass;  ///< the upper 6 bits are compared
    std::optional<SelectorRange<std::uint8_t>> protocol;
    bool operator==(const TrafficSelector&) const = default;
};
using Ipv4TrafficSelector = TrafficSelector<Ipv4Address>;
using Ipv6TrafficSelector = TrafficSelector<Ipv6Address>;

/// RFC 6089 §4.2.1.3: the bindings that the flow uses, best first. At most 127.
struct BindingReference {
    std::vector<std::uint16_t> bids;
    bool operator==(const BindingReference&) const = default;
};

/// RFC 7109 §6.2.1: 11 add, 12 delete, 13 modify, 14 refresh, 15 move, 16 revoke.
struct FlowBindingAction {
    std::uint8_t action = 0;
    bool operator==(const FlowBindingAction&) const = default;
};

/// RFC 7109 §6.2.2. 4 or 16 octets.
struct TargetCareOfAddress {
    Bytes address;
    bool operator==(const TargetCareOfAddress&) const = default;
};

/// A sub-option that is unknown or does not fit its format. At most 253 octets.
struct RawFlowSubOption {
    std::uint8_t type = 0;
    Bytes data;
    bool operator==(const RawFlowSubOption&) const = default;
};

using FlowSubOption =
    std::variant<BindingReference, Ipv4TrafficSelector, Ipv6TrafficSelector, FlowBindingAction, TargetCareOfAddress, RawFlowSubOption>;

/// Option 45, RFC 6089 §4.2.
struct FlowIdentification {
    std::uint16_t flow = 1;      ///< FID, 1..65535
    std::uint16_t priority = 1;  ///< FID-PRI, 1..65535; lower comes first
    std::uint8_t status = 0;     ///< only in answers
    std::vector<FlowSubOption> subOptions;  ///< together at most 247 octets with their heads
    bool operator==(const FlowIdentification&) const = default;
};

/// Option 44, RFC 6089 §4.2.2: flows that stay as they are. At most 127 in one option.
struct FlowSummary {
    std::vector<std::uint16_t> flows;
    bool operator==(const FlowSummary&) const = default;
};

/// Read the data of an option (without Type and Length) to the end of `in`. What does not fit its format stays as octets
/// and is a finding; a sub-option that runs past the end makes the whole option nothing. The caller has seen to it that at least
/// 6 octets, or an even number, are there.
[[nodiscard]] std::optional<FlowIdentification> parseFlowIdentification(FieldReader& in);
[[nodiscard]] FlowSummary parseFlowSummary(FieldReader& in);

/// Appends Type, Length and data; sub-options are aligned from out's first octet, which is that of the Mobility Header.
void emitFlowIdentification(Writer& out, const FlowIdentification& option);
void emitFlowSummary(Writer& out, const FlowSummary& option);

/// Name of the Status of a flow identification option; empty for an unknown one.
[[nodiscard]] std::string_view flowStatusName(std::uint8_t status);
[[nodiscard]] std::string_view flowActionName(std::uint8_t action);

}  // namespace roamscope::wire
