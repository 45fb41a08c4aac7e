// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/wire/mobility_names.hpp"

#include "protocol/wire/mobility.hpp"

#include <iterator>

namespace roamscope::wire {

namespace {

struct Name {
    std::uint16_t number;
    std::string_view name;
};

template <std::size_t N>
std::string_view find(const Name (&names)[N], unsigned number)
{
    for (const Name& entry : names)
        if (entry.number == number) return entry.name;
    return {};
}

}  // namespace

std::string_view mobilityName(std::uint8_t type)
{
    static constexpr std::string_view names[] = {
        "Binding refresh request", "Home test init", "Care-of test init", "Home test", "Care-of test", "Binding update",
        "Binding acknowledgement", "Binding error", "Fast binding update", "Fast binding acknowledgment", "Fast neighbor advertisement",
        "Experimental", "Home agent switch", "Heartbeat", "Handover initiate", "Handover acknowledge", "Binding revocation",
        "Localized routing initiation", "Localized routing acknowledgment", "Update notification", "Update notification acknowledgement",
        "Flow binding", "Subscription query", "Subscription response"};
    return type < std::size(names) ? names[type] : std::string_view{};
}

std::string_view mobilityOptionName(std::uint8_t type)
{
    static constexpr std::string_view names[] = {
        "Pad1",
        "PadN",
        "Binding refresh advice",
        "Alternate care-of address",
        "Nonce indices",
        "Binding authorization data",
        "Mobile network prefix",
        "Link-layer address",
        "Mobile node identifier",
        "Mobility message authentication",
        "Message replay protection",
        "CGA parameters request",
        "CGA parameters",
        "Signature",
        "Permanent home keygen token",
        "Care-of test init",
        "Care-of test",
        "DNS update",
        "Experimental",
        "Vendor specific",
        "Service selection",
        "Binding authorization data for FMIPv6",
        "Home network prefix",
        "Handoff indicator",
        "Access technology type",
        "Mobile node link-layer identifier",
        "Link-local address",
        "Timestamp",
        "Restart counter",
        "IPv4 home address",
        "IPv4 address acknowledgement",
        "NAT detection",
        "IPv4 care-of address",
        "GRE key",
        "IPv6 address or prefix",
        "Binding identifier",
        "IPv4 home address request",
        "IPv4 home address reply",
        "IPv4 default-router address",
        "IPv4 DHCP support mode",
        "Context request",
        "Local mobility anchor address",
        "Mobile node link-local address interface identifier",
        "Transient binding",
        "Flow summary",
        "Flow identification",
        "Redirect-capability",
        "Redirect",
        "Load information",
        "Alternate IPv4 care-of address",
        "Mobile node group identifier",
        "MAG IPv6 address",
        "Access network identifier",
        "IPv4 traffic offload selector",
        "Dynamic IP multicast selector",
        "Delegated mobile network prefix",
        "Active multicast subscription IPv4",
        "Active multicast subscription IPv6",
        "Quality of service",
        "LMA user-plane address",
        "Multicast mobility",
        "Multicast acknowledgement",
        "LMA-controlled MAG parameters",
        "MAG multipath-binding",
        "MAG identifier",
        "Anchored prefix",
        "Local prefix",
        "Previous MAAR",
        "Serving MAAR",
        "DLIF link-local address",
        "DLIF link-layer address",
    };
    return type < std::size(names) ? names[type] : std::string_view{};
}

std::string_view bindingStatusName(std::uint8_t status)
{
    static constexpr std::string_view low[] = {"Accepted",
                                               "Accepted but prefix discovery necessary",
                                               "GRE_KEY_OPTION_NOT_REQUIRED",
                                               "GRE_TUNNELING_BUT_TLV_HEADER_NOT_SUPPORTED",
                                               "MCOA NOTCOMPLETE",
                                               "MCOA RETURNHOME WO/NDP",
                                               "PBU_ACCEPTED_TB_IGNORED_SETTINGSMISMATCH"};
    static constexpr std::string_view high[] = {"Reason unspecified",
                                                "Administratively prohibited",
                                                "Insufficient resources",
                                                "Home registration not supported",
                                                "Not home subnet",
                                                "Not home agent for this mobile node",
                                                "Duplicate Address Detection failed",
                                                "Sequence number out of window",
                                                "Expired home nonce index",
                                                "Expired care-of nonce index",
                                                "Expired nonces",
                                                "Registration type change disallowed",
                                                "Mobile Router operation not permitted",
                                                "Invalid prefix",
                                                "Not authorized for prefix",
                                                "Forwarding setup failed",
                                                "MIPV6-ID-MISMATCH",
                                                "MIPV6-MESG-ID-REQD",
                                                "MIPV6-AUTH-FAIL",
                                                "Permanent home keygen token unavailable",
                                                "CGA and signature verification failed",
                                                "Permanent home keygen token exists",
                                                "Non-null home nonce index expected",
                                                "SERVICE_AUTHORIZATION_FAILED",
                                                "PROXY_REG_NOT_ENABLED",
                                                "NOT_LMA_FOR_THIS_MOBILE_NODE",
                                                "MAG_NOT_AUTHORIZED_FOR_PROXY_REG",
                                                "NOT_AUTHORIZED_FOR_HOME_NETWORK_PREFIX",
                                                "TIMESTAMP_MISMATCH",
                                                "TIMESTAMP_LOWER_THAN_PREV_ACCEPTED",
                                                "MISSING_HOME_NETWORK_PREFIX_OPTION",
                                                "BCE_PBU_PREFIX_SET_DO_NOT_MATCH",
                                                "MISSING_MN_IDENTIFIER_OPTION",
                                                "MISSING_HANDOFF_INDICATOR_OPTION",
                                                "MISSING_ACCESS_TECH_TYPE_OPTION",
                                                "GRE_KEY_OPTION_REQUIRED",
                                                "MCOA MALFORMED",
                                                "MCOA NON-MCOA BINDING EXISTS",
                                                "MCOA PROHIBITED",
                                                "MCOA UNKNOWN COA",
                                                "MCOA BULK REGISTRATION PROHIBITED",
                                                "MCOA SIMULTANEOUS HOME AND FOREIGN PROHIBITED",
                                                "NOT_AUTHORIZED_FOR_IPV4_MOBILITY_SERVICE",
                                                "NOT_AUTHORIZED_FOR_IPV4_HOME_ADDRESS",
                                                "NOT_AUTHORIZED_FOR_IPV6_MOBILITY_SERVICE",
                                                "MULTIPLE_IPV4_HOME_ADDRESS_ASSIGNMENT_NOT_SUPPORTED",
                                                "Invalid care-of address",
                                                "INVALID_MOBILE_NODE_GROUP_IDENTIFIER",
                                                "REINIT_SA_WITH_HAC",
                                                "NOT_AUTHORIZED_FOR_DELEGATED_MNP",
                                                "REQUESTED_DMNP_IN_USE",
                                                "CANNOT_MEET_QOS_SERVICE_REQUEST",
                                                "CANNOT_SUPPORT_MULTIPATH_BINDING"};
    if (status < std::size(low)) return low[status];
    if (status >= 128 && status - 128u < std::size(high)) return high[status - 128u];
    return {};
}

std::string_view pmipDraftStatusName(std::uint8_t status)
{
    static constexpr Name names[] = {
        {145, "Proxy registration not supported by the LMA (draft)"},
        {146, "Proxy registrations from this MAG not allowed (draft)"},
        {147, "No home address for this NAI (draft)"},
        {148, "Invalid timestamp option (draft)"},
    };
    const std::string_view name = find(names, status);
    return name.empty() ? bindingStatusName(status) : name;
}

std::string_view bindingErrorName(std::uint8_t number)
{
    static constexpr Name names[] = {
        {1, "Unknown binding for Home Address destination option"},
        {2, "Unrecognized MH Type value"},
    };
    return find(names, number);
}

std::string_view fastBindingStatusName(std::uint8_t number)
{
    static constexpr Name names[] = {
        {0, "Fast Binding Update accepted"},
        {1, "Accepted, use the supplied new care-of address"},
        {128, "Reason unspecified"},
        {129, "Administratively prohibited"},
        {130, "Insufficient resources"},
        {131, "Incorrect interface identifier length"},
    };
    return find(names, number);
}

std::string_view handoverInitiateCodeName(std::uint8_t number)
{
    static constexpr Name names[] = {
        {0, "Update came from the previous care-of address"},
        {1, "Update did not come from the previous care-of address"},
        {2, "Forwarding finished"},
        {3, "All context sent"},
    };
    return find(names, number);
}

std::string_view handoverAckCodeName(std::uint8_t number)
{
    static constexpr Name names[] = {
        {0, "Accepted, new care-of address valid"},
        {1, "Accepted, new care-of address not valid or in use"},
        {2, "Accepted, new care-of address assigned"},
        {3, "Accepted, use the previous care-of address"},
        {4, "Message sent unsolicited"},
        {5, "Context transfer accepted or successful"},
        {6, "All available context transferred"},
        {128, "Reason unspecified"},
        {129, "Administratively prohibited"},
        {130, "Insufficient resources"},
        {131, "Requested context not available"},
        {132, "Forwarding not available"},
    };
    return find(names, number);
}

std::string_view revocationTriggerName(std::uint8_t number)
{
    static constexpr Name names[] = {
        {0, "Unspecified"},
        {1, "Administrative reason"},
        {2, "Inter-MAG handover, same access type"},
        {3, "Inter-MAG handover, different access type"},
        {4, "Inter-MAG handover, unknown"},
        {5, "User-initiated session termination"},
        {6, "Access network session termination"},
        {7, "Possible out-of-sync BCE state"},
        {128, "Per-peer policy"},
        {129, "Revoking mobility node local policy"},
    };
    if (number >= 250) return "Reserved for testing";
    return find(names, number);
}

std::string_view revocationStatusName(std::uint8_t number)
{
    static constexpr Name names[] = {
        {0, "Success"},
        {1, "Partial success"},
        {128, "Binding does not exist"},
        {129, "IPv4 home address option required"},
        {130, "Global revocation not authorized"},
        {131, "Revoked mobile node identity required"},
        {132, "Revocation failed, mobile node is attached"},
        {133, "Revocation trigger not supported"},
        {134, "Revocation function not supported"},
        {135, "Proxy binding revocation not supported"},
    };
    return find(names, number);
}

std::string_view localizedRoutingStatusName(std::uint8_t number)
{
    static constexpr Name names[] = {
        {0, "Success"},
        {128, "Localized routing not allowed"},
        {129, "Mobile node not attached"},
    };
    return find(names, number);
}

std::string_view updateReasonName(std::uint16_t number)
{
    static constexpr Name names[] = {
        {1, "FORCE-REREGISTRATION"},
        {2, "UPDATE-SESSION-PARAMETERS"},
        {3, "VENDOR-SPECIFIC-REASON"},
        {4, "ANI-PARAMS-REQUESTED"},
        {5, "QOS_SERVICE_REQUEST"},  // RFC 7222 §4.4
    };
    return find(names, number);
}

std::string_view updateStatusName(std::uint8_t number)
{
    static constexpr Name names[] = {
        {0, "SUCCESS"},
        {128, "FAILED-TO-UPDATE-SESSION-PARAMETERS"},
        {129, "MISSING-VENDOR-SPECIFIC-OPTION"},
        {130, "CANNOT_MEET_QOS_SERVICE_REQUEST"},  // RFC 7222 §4.5
    };
    return find(names, number);
}

std::string_view flowTriggerName(std::uint8_t number)
{
    static constexpr Name names[] = {
        {1, "Unspecified"},
        {2, "Administrative reason"},
        {3, "Possible out-of-sync BCE state"},
    };
    if (number >= 250) return "Reserved for testing";
    return find(names, number);
}

std::string_view flowBindingStatusName(std::uint8_t number)
{
    static constexpr Name names[] = {
        {0, "Success"},
        {128, "Binding (target care-of address) does not exist"},
        {129, "Action not authorized"},
    };
    return find(names, number);
}

std::string_view nodeIdentifierTypeName(std::uint8_t number)
{
    static constexpr Name names[] = {
        {1, "NAI"},
        {2, "IPv6 address"},
        {3, "IMSI"},
        {4, "P-TMSI"},
        {5, "EUI-48"},
        {6, "EUI-64"},
        {7, "GUTI"},
        {8, "DUID"},
    };
    return find(names, number);
}

std::string_view authenticationTypeName(std::uint8_t number)
{
    static constexpr Name names[] = {
        {1, "MN-HA"},
        {2, "MN-AAA"},
    };
    return find(names, number);
}

std::string_view dnsUpdateStatusName(std::uint8_t number)
{
    static constexpr Name names[] = {
        {0, "DNS update performed"},
        {128, "Reason unspecified"},
        {129, "Administratively prohibited"},
        {130, "DNS update failed"},
    };
    return find(names, number);
}

std::string_view handoffName(std::uint8_t number)
{
    static constexpr Name names[] = {
        {0, "Reserved"},
        {1, "Attachment over a new interface"},
        {2, "Handoff between two interfaces of the mobile node"},
        {3, "Handoff between mobile access gateways for the same interface"},
        {4, "Handoff state unknown"},
        {5, "Handoff state not changed (re-registration)"},
    };
    return find(names, number);
}

std::string_view accessTechnologyName(std::uint8_t number)
{
    static constexpr Name names[] = {
        {0, "Reserved"},
        {1, "Virtual"},
        {2, "PPP"},
        {3, "Ethernet"},
        {4, "IEEE 802.11"},
        {5, "IEEE 802.16e"},
        {6, "3GPP GERAN"},
        {7, "3GPP UTRAN"},
        {8, "3GPP E-UTRAN"},
        {9, "3GPP2 eHRPD"},
        {10, "3GPP2 HRPD"},
        {11, "3GPP2 1xRTT"},
        {12, "3GPP2 UMB"},
        {13, "3GPP NB-IoT"},
    };
    return find(names, number);
}

std::string_view ipv4AddressStatusName(std::uint8_t number)
{
    static constexpr Name names[] = {
        {0, "Success"},
        {128, "Failure, reason unspecified"},
        {129, "Administratively prohibited"},
        {130, "Incorrect IPv4 home address"},
        {131, "Invalid IPv4 address"},
        {132, "Dynamic IPv4 home address assignment not available"},
        {133, "Prefix allocation unauthorized"},
    };
    return find(names, number);
}

std::string_view linkLayerCodeName(std::uint8_t code) { return code == 2 ? "Of the mobile node" : std::string_view{}; }

std::string_view anchorCodeName(std::uint8_t code) { return code == 1 ? "IPv6 address" : code == 2 ? "IPv4 address" : std::string_view{}; }

std::string_view groupSubtypeName(std::uint8_t subtype) { return subtype == 1 ? "Bulk binding update group" : std::string_view{}; }

std::string_view mobilityAddressCodeName(std::uint8_t number)
{
    static constexpr Name names[] = {
        {1, "Old care-of address"},
        {2, "New care-of address"},
        {3, "New access router's address"},
        {4, "New access router's prefix"},
    };
    return find(names, number);
}

std::string flagLetters(const BindingUpdate& update)
{
    std::string out;
    const auto add = [&](bool set, char letter) {
        if (!set) return;
        if (!out.empty()) out += ' ';
        out += letter;
    };
    std::uint16_t bit = 0x8000;
    for (const char letter : std::string_view("AHLKMRPFT")) {
        add(update.has(bit), letter);
        bit = static_cast<std::uint16_t>(bit >> 1);
    }
    add(update.has(BindingUpdate::overwrite), update.has(BindingUpdate::proxy) ? 'B' : 'O');
    add(update.has(BindingUpdate::multicast), 'S');
    add(update.has(BindingUpdate::distributed), 'D');
    return out;
}

}  // namespace roamscope::wire
