// SPDX-License-Identifier: GPL-3.0-or-later
// Rules about a whole message. What an RFC says with MUST is an error, SHOULD a warning, a habit or a place that no RFC lists a note.
#include "protocol/wire/mobility_bodies.hpp"
#include "protocol/wire/option_bodies.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace roamscope::wire {

namespace {

constexpr std::uint32_t in(std::initializer_list<unsigned> types)
{
    std::uint32_t mask = 0;
    for (const unsigned type : types) mask |= 1u << type;
    return mask;
}

enum : std::uint8_t { brr = 0, coti = 2, cot = 4, bu = 5, ba = 6, fbu = 8, fback = 9, fna = 10, haSwitch = 12, heartbeat = 13, hi = 14,
                      hack = 15, revocation = 16, lri = 17, lra = 18, upn = 19, upa = 20, flowBinding = 21, query = 22, response = 23 };

struct Place {
    std::uint8_t first;  ///< option types
    std::uint8_t last;
    std::uint32_t messages;
    Severity severity;
    std::string_view rfc;
};

constexpr std::uint32_t proxyMessages = in({bu, ba, hi, hack, revocation, lri, lra, upn, upa, query, response});

/// Where options may be. RFC 6275 says "only valid in" of its own; the other RFCs merely list the messages.
constexpr Place places[] = {
    {optionRefreshAdvice, optionRefreshAdvice, in({ba, haSwitch}), Severity::Error, "RFC 6275 §6.2.4"},
    {optionAlternateCareOf, optionAlternateCareOf, in({bu, fbu, fback, revocation}), Severity::Error, "RFC 6275 §6.2.5"},
    {optionNonceIndices, optionNonceIndices, in({bu}), Severity::Error, "RFC 6275 §6.2.6"},
    {optionAuthorization, optionAuthorization, in({bu, ba}), Severity::Error, "RFC 6275 §6.2.7"},
    {optionNetworkPrefix, optionNetworkPrefix, in({bu, ba, revocation}), Severity::Note, "RFC 3963 §4.3"},
    {optionLinkLayer, optionLinkLayer, in({bu, ba, fbu, fback, fna, hi, hack}), Severity::Note, "RFC 5568 §6.4.4"},
    {11, 11, in({bu}), Severity::Note, "RFC 4866 §5.6"},
    {12, 13, in({bu, ba}), Severity::Note, "RFC 4866 §5.1"},
    {14, 14, in({ba}), Severity::Note, "RFC 4866 §5.3"},
    {15, 15, in({bu}), Severity::Note, "RFC 4866 §5.4"},
    {16, 16, in({ba}), Severity::Note, "RFC 4866 §5.5"},
    {17, 17, in({bu, ba}), Severity::Note, "RFC 5026 §8.1"},
    {optionFastAuthorization, optionFastAuthorization, in({fbu, fback}), Severity::Note, "RFC 5568 §6.4.5"},
    {optionHomePrefix, optionLinkLocal, proxyMessages, Severity::Note, "RFC 5213 §8"},
    {optionRestart, optionRestart, in({heartbeat}), Severity::Note, "RFC 5847 §3.4"},
    {optionIpv4Home, optionIpv4Home, in({bu, hi, hack, revocation, lri, lra}), Severity::Note, "RFC 5555 §3.1.1"},
    {optionIpv4Ack, optionNat, in({ba}), Severity::Note, "RFC 5555 §3.2"},
    {optionIpv4CareOf, optionIpv4CareOf, in({bu}), Severity::Note, "RFC 5555 §3.1.2"},
    {optionMobilityAddress, optionMobilityAddress, in({hi, hack, fbu, fback}), Severity::Note, "RFC 5568 §6.4.2"},
    {optionBindingIdentifier, optionBindingIdentifier, in({brr, coti, cot, bu, ba, revocation, flowBinding}), Severity::Note, "RFC 5648 §4.3"},
    {40, 42, in({hi, hack}), Severity::Note, "RFC 5949 §6.2"},
    {43, 43, in({bu, ba}), Severity::Note, "RFC 6058 §5.1"},
    {optionFlowSummary, optionFlowSummary, in({bu}), Severity::Note, "RFC 6089 §4.2.2"},
    {optionFlowIdentification, optionFlowIdentification, in({bu, ba, revocation, flowBinding}), Severity::Note, "RFC 6089 §4.2"},
    {46, 46, in({bu}), Severity::Note, "RFC 6463 §4.1"},
    {47, 48, in({ba}), Severity::Note, "RFC 6463 §4.2"},
};

class Checker {
public:
    Checker(FieldSink& sink, const MobilityBody& body, const OptionScope& scope, ByteView message)
        : sink_(sink), body_(body), scope_(scope), message_(message)
    {
        std::visit(
            [&](const auto& m) {
                if constexpr (requires { m.options; }) options_ = &m.options;
            },
            body.message);
    }

    void run()
    {
        if (!options_) return;
        padding();
        for (const PlacedOption& option : body_.placed) {
            if (option.value == PlacedOption::noValue) continue;
            alignment(option);
            place(option);
            values(option);
        }
        authorizationLast();
        identifierFirst();
        bindingIdentifiers();
        if (const auto* m = std::get_if<BindingUpdate>(&body_.message)) update(*m);
        if (const auto* m = std::get_if<BindingAck>(&body_.message)) ack(*m);
        if (const auto* m = std::get_if<FastBindingUpdate>(&body_.message)) fastUpdate(*m);
    }

private:
    void report(const PlacedOption& at, std::string_view rule, Severity severity, std::string text, std::string_view rfc)
    {
        sink_.finding({rule, severity, std::move(text), rfc, static_cast<std::uint32_t>(at.offset), static_cast<std::uint32_t>(at.length)});
    }
    void reportField(std::size_t position, std::size_t length, std::string_view rule, Severity severity, std::string text, std::string_view rfc)
    {
        sink_.finding({rule, severity, std::move(text), rfc, static_cast<std::uint32_t>(scope_.messageStart + position),
                       static_cast<std::uint32_t>(length)});
    }
    [[nodiscard]] ByteView octets(const PlacedOption& option) const
    {
        return message_.subspan(option.offset - scope_.messageStart, option.length);
    }
    template <class T>
    [[nodiscard]] const T* value(const PlacedOption& option) const
    {
        return option.value == PlacedOption::noValue ? nullptr : std::get_if<T>(&(*options_)[option.value]);
    }
    template <class T>
    [[nodiscard]] const PlacedOption* first() const
    {
        for (const PlacedOption& option : body_.placed)
            if (value<T>(option)) return &option;
        return nullptr;
    }

    void padding()
    {
        for (std::size_t i = 0; i < body_.placed.size(); ++i) {
            const PlacedOption& option = body_.placed[i];
            if (option.type == optionPadN) {
                const ByteView data = octets(option).subspan(2);
                if (std::any_of(data.begin(), data.end(), [](std::uint8_t o) { return o != 0; }))
                    report(option, "", Severity::Warning, "padding that is not zero", "RFC 6275 §6.2.3");
            }
            if (option.type != optionPad1 || (i > 0 && body_.placed[i - 1].type == optionPad1)) continue;
            std::size_t end = i;
            while (end < body_.placed.size() && body_.placed[end].type == optionPad1) ++end;
            if (end - i > 1)
                report({optionPad1, option.offset, end - i, PlacedOption::noValue}, "", Severity::Note,
                       fmt::format("{} Pad1 options in a row; one PadN is meant for that", end - i), "RFC 6275 §6.2.2");
        }
    }

    void alignment(const PlacedOption& option)
    {
        const std::size_t position = option.offset - scope_.messageStart;
        if (option.type == optionAuthorization || option.type == optionFastAuthorization) return;
        // An option whose length does not fit is a finding already.
        if (hasValueOfItsOwn(option.type) && value<RawMobilityOption>(option)) return;
        // A dialect has other meanings for numbers.
        if (typeOf((*options_)[option.value]) != option.type) return;
        const OptionAlignment wanted = optionAlignment(option.type, option.length - 2);
        if (position % wanted.x == wanted.y) return;
        report(option, "", Severity::Warning,
               fmt::format("{} at octet {} of the message; its place is {}n{}", mobilityOptionName(option.type), position, wanted.x,
                           wanted.y == 0 ? std::string() : fmt::format("+{}", wanted.y)),
               "RFC 6275 §6.2");
    }

    void place(const PlacedOption& option)
    {
        if (typeOf((*options_)[option.value]) != option.type) return;
        for (const Place& row : places) {
            if (option.type < row.first || option.type > row.last) continue;
            if ((row.messages >> scope_.messageType & 1) == 0)
                report(option, "", row.severity,
                       fmt::format("{} option in a {}, where it has no place", mobilityOptionName(option.type), mobilityName(scope_.messageType)),
                       row.rfc);
        }
    }

    void values(const PlacedOption& option)
    {
        // An option whose length does not fit is a finding already, and a dialect has other meanings for numbers.
        const MobilityOption& value = (*options_)[option.value];
        if (typeOf(value) != option.type || (hasValueOfItsOwn(option.type) && std::get_if<RawMobilityOption>(&value))) return;
        if (!optionFits(option.type, option.length - 2)) return;
        checkOption(sink_, option.type, octets(option), option.offset);
        if (const auto* m = std::get_if<BindingUpdate>(&body_.message)) checkCareOf(sink_, *m, option.type, octets(option), option.offset);
    }

    /// RFC 6275 §6.2.7: Binding Authorization Data is the last option and nothing, padding included, stands behind it.
    void authorizationLast()
    {
        for (auto option = body_.placed.begin(); option != body_.placed.end(); ++option) {
            if (option->type != optionAuthorization || option + 1 == body_.placed.end()) continue;
            const bool onlyPadding = std::all_of(option + 1, body_.placed.end(), [](const PlacedOption& o) { return o.type <= optionPadN; });
            report(*option, "", Severity::Error,
                   onlyPadding ? "padding behind Binding Authorization Data, which ends the message" : "Binding Authorization Data is not the last option",
                   "RFC 6275 §6.2.7");
        }
    }

    void identifierFirst()
    {
        bool authenticated = false;
        for (const PlacedOption& option : body_.placed) {
            authenticated = authenticated || option.type == optionAuthentication;
            if (option.type == optionNodeIdentifier && authenticated)
                report(option, "", Severity::Error, "mobile node identifier behind an authentication option", "RFC 4283 §3");
        }
    }

    /// RFC 5648 §4.3 about the fields that only some messages use.
    void bindingIdentifiers()
    {
        for (const PlacedOption& option : body_.placed) {
            const auto* bid = value<BindingIdentifier>(option);
            if (!bid) continue;
            if (scope_.messageType == bu && bid->status != 0)
                report(option, "", Severity::Note, fmt::format("binding identifier {} with a status in an update", bid->bid), "RFC 5648 §4.3");
            if (scope_.messageType != bu && !bid->careOfAddress.empty())
                report(option, "", scope_.messageType == ba ? Severity::Note : Severity::Warning,
                       fmt::format("binding identifier {} with a care-of address outside an update", bid->bid), "RFC 5648 §4.3");
        }
    }

    void update(const BindingUpdate& m)
    {
        nonceIndices(m);
        severalCareOf(m);
        flows();
    }

    void nonceIndices(const BindingUpdate& m)
    {
        const PlacedOption* option = first<NonceIndices>();
        if (!option) return;
        if (m.has(BindingUpdate::homeRegistration))
            report(*option, "HA-BU-01", Severity::Error, "nonce indices in a home registration", "RFC 6275 §9.5.1");
        else if (!first<BindingAuthorizationData>())
            report(*option, "", Severity::Error, "nonce indices without Binding Authorization Data", "RFC 6275 §6.2.6");
    }

    void severalCareOf(const BindingUpdate& m)
    {
        std::set<std::uint16_t> seen;
        bool home = false;
        for (const PlacedOption& option : body_.placed) {
            const auto* bid = value<BindingIdentifier>(option);
            if (!bid) continue;
            home = home || bid->home;
            if (!seen.insert(bid->bid).second)
                report(option, "MCOA-MN-01", Severity::Error, fmt::format("binding identifier {} twice in one Binding Update", bid->bid),
                       "RFC 5648 §5.1");
        }
        if (seen.empty()) {
            if (m.has(BindingUpdate::overwrite) && !m.has(BindingUpdate::proxy))
                reportField(8, 2, "MCOA-MN-18", Severity::Note, "overwrite flag without a binding identifier option", "RFC 5648 §4.2");
            return;
        }
        if (const PlacedOption* option = first<AlternateCareOfAddress>())
            report(*option, "MCOA-MN-05", Severity::Error, "Alternate Care-of Address beside a binding identifier", "RFC 5648 §5.2");
        if (const PlacedOption* option = first<Ipv4CareOfAddress>())
            report(*option, "MCOA-DS-01", Severity::Error, "IPv4 care-of address option beside a binding identifier", "RFC 5648 §8.1");
        const PlacedOption* linkLayer = first<LinkLayerAddress>();
        if (home && linkLayer && value<LinkLayerAddress>(*linkLayer)->code != 2)
            report(*linkLayer, "MCOA-MN-12", Severity::Error, "link-layer address of a home binding with an option code other than 2",
                   "RFC 5648 §5.6.3");
    }

    void flows()
    {
        std::set<std::uint16_t> identifiers;
        std::set<std::uint16_t> priorities;
        for (const PlacedOption& option : body_.placed) {
            const auto* flow = value<FlowIdentification>(option);
            if (!flow) continue;
            if (flow->priority == 0) report(option, "", Severity::Error, fmt::format("flow {} with priority 0, which is reserved", flow->flow), "RFC 6089 §4.2");
            else if (!priorities.insert(flow->priority).second)
                report(option, "", Severity::Error, fmt::format("flow {} with the priority of another flow", flow->flow), "RFC 6089 §4.2");
            if (!identifiers.insert(flow->flow).second)
                report(option, "", Severity::Error, fmt::format("flow identifier {} twice in one Binding Update", flow->flow), "RFC 6089 §5.2.2.1");
        }
        if (identifiers.empty() && !first<FlowSummary>()) return;
        for (const PlacedOption& option : body_.placed) {
            const auto* bid = value<BindingIdentifier>(option);
            if (bid && bid->priority == 0)
                report(option, "", Severity::Error, fmt::format("binding identifier {} without priority beside flow options", bid->bid),
                       "RFC 6089 §5.2.1");
        }
    }

    void ack(const BindingAck& m)
    {
        const PlacedOption* bid = first<BindingIdentifier>();
        const PlacedOption* ipv4 = first<Ipv4AddressAck>();
        if (bid && ipv4 && bid->offset < ipv4->offset)
            report(*ipv4, "MCOA-DS-03", Severity::Error, "IPv4 address acknowledgement behind a binding identifier", "RFC 5648 §8.2");
        const PlacedOption* option = first<BindingRefreshAdvice>();
        if (option && m.accepted() && value<BindingRefreshAdvice>(*option)->interval >= m.lifetime)
            report(*option, "HA-BU-07", Severity::Error, "refresh interval that is not below the lifetime", "RFC 6275 §10.3.1");
    }

    void fastUpdate(const FastBindingUpdate& m)
    {
        constexpr std::uint16_t needed = BindingUpdate::acknowledge | BindingUpdate::homeRegistration;
        if ((m.flags & needed) != needed) reportField(8, 1, "", Severity::Error, "fast Binding Update without A and H", "RFC 5568 §6.2.2");
    }

    FieldSink& sink_;
    const MobilityBody& body_;
    const OptionScope& scope_;
    ByteView message_;
    const std::vector<MobilityOption>* options_ = nullptr;
};

}  // namespace

void checkMobility(FieldSink& sink, const MobilityBody& body, const OptionScope& scope, ByteView message)
{
    Checker(sink, body, scope, message).run();
}

}  // namespace roamscope::wire
