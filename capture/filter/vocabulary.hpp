// SPDX-License-Identifier: GPL-3.0-or-later
// Everything that a filter can ask for, by name: the registry of fields, Wireshark's names for either of two fields, what the
// trace knows of each frame, and the words about the analysis. Built once, immutable.
#pragma once

#include "protocol/wire/fields.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace roamscope::filter {

/// What values of a word can be compared with.
enum class ValueKind : std::uint8_t { Octets, Boolean, Number, Address6, Address4, Mac, Text, AbsoluteTime, RelativeTime };
[[nodiscard]] std::string_view kindName(ValueKind kind);  ///< "a number", "an IPv6 address"

enum class Source : std::uint8_t {
    Field,  ///< of the dissection
    FrameItself, Number, Length, CapturedLength, EpochTime, Time, RelativeTime, LinkName, LinkNumber,
    Node, Handover, HandoverKind, Phase, Finding, FindingSeverity, FindingRule, FindingText, FindingRfc,
    Binding, BindingId, BindingHome, BindingCareOf, BindingOwner
};

/// Under which protocol a field stands, as far as the index of a trace can tell.
enum class Layer : std::uint8_t { Any, Ipv6, Mobility, Icmpv6, Udp, Tcp, Esp };

struct Enumerator {
    std::uint64_t value = 0;
    std::string name;   ///< as written in a filter without quotes: "BU"; may be empty
    std::string label;  ///< whole name, in quotes: "Binding Update"
};

struct Symbol {
    std::string name;
    ValueKind kind = ValueKind::Octets;
    Source source = Source::Field;
    Layer layer = Layer::Any;
    std::vector<wire::FieldId> ids;       ///< of Source::Field: any of them
    std::vector<Enumerator> enumerators;
    bool closed = false;                  ///< a text that is none of the enumerators is an error
    bool wireshark = false;               ///< Wireshark has the name too
    std::string_view explanation;

    [[nodiscard]] bool ofAnalysis() const { return source >= Source::Node; }
    [[nodiscard]] bool isSigned() const { return source == Source::Field && wire::info(ids.front()).type == wire::FieldType::Int; }
};

class Vocabulary {
public:
    [[nodiscard]] static const Vocabulary& get();
    /// Nothing when no such name; case does not matter.
    [[nodiscard]] const Symbol* find(std::string_view name) const;
    /// Sorted by name.
    [[nodiscard]] const std::vector<Symbol>& symbols() const { return symbols_; }
    /// The name most like `name`, or empty.
    [[nodiscard]] std::string nearest(std::string_view name) const;
    /// Whether tshark 4.0 knows the name, of those protocols that are decoded here, although this program does not.
    [[nodiscard]] static bool onlyWireshark(std::string_view name);

private:
    Vocabulary();
    std::vector<Symbol> symbols_;
};

/// The number of the mobility option whose presence Wireshark calls `name`, such as 3 for "mip6.options.acoa".
[[nodiscard]] std::optional<std::uint8_t> mobilityOptionOf(std::string_view name);

}  // namespace roamscope::filter
