// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/node/bid_bindings.hpp"

#include "protocol/wire/ipv4.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <optional>
#include <tuple>
#include <utility>

namespace roamscope::node {

using wire::BindingIdentifier;
using wire::BindingUpdate;
namespace status = wire::bindingStatus;

namespace {

constexpr std::uint8_t bidType = 35;
constexpr std::size_t ipv6Octets = 16;
constexpr std::size_t ipv4Octets = 4;

const BidBinding* find(const std::vector<BidBinding>& list, std::uint16_t bid)
{
    const auto it = std::find_if(list.begin(), list.end(), [&](const BidBinding& b) { return b.bid == bid; });
    return it == list.end() ? nullptr : &*it;
}

bool isUnreadable(const wire::MobilityOption& option)
{
    const auto* raw = std::get_if<wire::RawMobilityOption>(&option);
    return raw && raw->type == bidType;
}

std::vector<BindingIdentifier> identifiersOf(const BindingUpdate& update)
{
    std::vector<BindingIdentifier> out;
    for (const wire::MobilityOption& option : update.options)
        if (const auto* bid = std::get_if<BindingIdentifier>(&option)) out.push_back(*bid);
    return out;
}

/// One update: every identifier gets a status, then what is good is done.
class Work {
public:
    Work(const BidRequest& request, const BidPolicy& policy) : request_(request), policy_(policy), asked_(identifiersOf(request.update)), codes_(asked_.size(), 0) {}

    BidOutcome run()
    {
        const bool deletes = request_.update.lifetime.count() == 0;
        if (const auto code = wholeFault(deletes)) {
            BidOutcome out = answer(*code, false);
            out.answers = echoed(request_.update);
            return out;
        }
        for (std::size_t i = 0; i < asked_.size(); ++i) codes_[i] = faultOf(i, deletes);
        if (asked_.size() == 1 && codes_[0] != 0) return refuseOnly();
        if (std::all_of(codes_.begin(), codes_.end(), [](std::uint8_t c) { return c != 0; })) return answer(status::mcoaNotComplete, false);
        if (!deletes && request_.plain && !request_.update.has(BindingUpdate::overwrite)) return answer(status::mcoaNonMcoaBindingExists, false);  // MCOA-HA-06
        deletes ? erase() : install();
        return finished(deletes);
    }

private:
    /// What is wrong with the update as a whole, in the order of MCOA-HA-17.
    [[nodiscard]] std::optional<std::uint8_t> wholeFault(bool deletes) const
    {
        if (std::any_of(request_.update.options.begin(), request_.update.options.end(), isUnreadable)) return status::mcoaMalformed;  // MCOA-HA-02
        if (policy_.support == BidPolicy::Support::Prohibited) return status::mcoaProhibited;                                         // MCOA-HA-10
        if (asked_.size() > 1 && (policy_.correspondent || !policy_.bulk)) {
            const bool malformed = std::any_of(asked_.begin(), asked_.end(), [this](const BindingIdentifier& b) { return !b.careOfAddress.empty() && !isUsable(b); });
            return malformed ? status::mcoaMalformed : status::mcoaBulkProhibited;  // MCOA-CN-01, MCOA-HA-10
        }
        const auto isUnknown = [this](const BindingIdentifier& b) { return !find(request_.present, b.bid); };
        if (deletes) return std::any_of(asked_.begin(), asked_.end(), isUnknown) ? std::optional(status::notHomeAgent) : std::nullopt;  // MCOA-HA-04
        return std::nullopt;
    }

    [[nodiscard]] std::uint8_t faultOf(std::size_t i, bool deletes) const
    {
        const BindingIdentifier& b = asked_[i];
        const auto isSame = [&](const BindingIdentifier& other) { return other.bid == b.bid; };
        if (b.bid == 0 || std::any_of(asked_.begin(), asked_.begin() + static_cast<std::ptrdiff_t>(i), isSame)) return status::mcoaMalformed;
        // MCOA-HA-02, -17: an address that is none is wrong in every option, also where nobody reads it.
        if (!b.careOfAddress.empty() && !isUsable(b)) return status::mcoaMalformed;
        if (deletes) return 0;
        // MCOA-HA-15: on the home link the home address is the care-of address, whichever stands there.
        if (b.home) return policy_.correspondent ? status::mcoaMalformed : homeFault(b.bid);
        if (b.careOfAddress.empty()) {
            const BidBinding* stored = find(request_.present, b.bid);
            return stored && !stored->home ? std::uint8_t{0} : status::mcoaUnknownCareOf;  // MCOA-HA-03, -14
        }
        if (isIpv4(b)) return ipv4Fault(b);
        return isAllowed(addressOf(b)) ? std::uint8_t{0} : status::administrativelyProhibited;
    }

    static bool isIpv4(const BindingIdentifier& b) { return b.careOfAddress.size() == ipv4Octets; }

    [[nodiscard]] bool isUsable(const BindingIdentifier& b) const
    {
        // IPv4 care-of addresses are DSMIPv6's (MCOA-CN-04): without it no tunnel of ours goes there.
        if (isIpv4(b)) return request_.ipv4 && wire::isUnicast(*wire::unmapped(addressOf(b)));
        return b.careOfAddress.size() == ipv6Octets && addressOf(b).isUnicastRoutable() && !wire::unmapped(addressOf(b));
    }

    /// MCOA-DS-01: a NAT is looked for when an address comes alone and from there. Otherwise it must be the one that is registered already;
    /// behind a NAT that is another one than the node says.
    [[nodiscard]] std::uint8_t ipv4Fault(const BindingIdentifier& b) const
    {
        if (asked_.size() == 1 && request_.ipv4Source) return 0;
        const BidBinding* stored = find(request_.present, b.bid);
        if (stored && !stored->home && stored->careOfAddress == addressOf(b)) return 0;
        return asked_.size() > 1 ? status::mcoaBulkProhibited : status::administrativelyProhibited;
    }

    [[nodiscard]] bool isAllowed(const Ipv6Address& address) const
    {
        const auto* list = request_.allowed;
        return !list || list->empty() || std::any_of(list->begin(), list->end(), [&](const Prefix& p) { return p.contains(address); });
    }

    /// One home binding at a time, and only where it is wanted beside others.
    [[nodiscard]] std::uint8_t homeFault(std::uint16_t bid) const
    {
        const bool another = std::any_of(asked_.begin(), asked_.end(), [&](const BindingIdentifier& o) { return o.home && o.bid != bid; });
        return another || !policy_.homeAndForeign ? status::mcoaHomeAndForeignProhibited : std::uint8_t{0};
    }

    static Ipv6Address addressOf(const BindingIdentifier& b)
    {
        if (isIpv4(b)) {
            Ipv4Address ipv4;
            std::copy_n(b.careOfAddress.begin(), ipv4Octets, ipv4.octets.begin());
            return wire::mapped(ipv4);
        }
        Ipv6Address out;
        std::copy_n(b.careOfAddress.begin(), ipv6Octets, out.octets.begin());
        return out;
    }

    void erase()
    {
        list_ = request_.present;
        for (std::size_t i = 0; i < asked_.size(); ++i)
            if (codes_[i] == 0) std::erase_if(list_, [&](const BidBinding& b) { return b.bid == asked_[i].bid; });
    }

    void install()
    {
        // MCOA-HA-05, MCOA-MN-18: O replaces everything.
        if (!request_.update.has(BindingUpdate::overwrite)) list_ = request_.present;
        // MCOA-HA-15: an update that tells of foreign links only has left the home link.
        if (std::none_of(asked_.begin(), asked_.end(), [](const BindingIdentifier& b) { return b.home; }))
            std::erase_if(list_, [](const BidBinding& b) { return b.home; });
        for (std::size_t i = 0; i < asked_.size(); ++i)
            if (codes_[i] == 0) install(i);
    }

    void install(std::size_t i)
    {
        const BindingIdentifier& b = asked_[i];
        const BidBinding* stored = find(request_.present, b.bid);  // as it was before an overwrite
        BidBinding binding{b.bid, request_.homeAddress, b.home, b.priority, request_.expires, request_.granted};
        if (!b.home) binding.careOfAddress = b.careOfAddress.empty() ? stored->careOfAddress : addressOf(b);
        // MCOA-DS-02: where they differ, the source is the care-of address.
        if (!b.home && isIpv4(b) && asked_.size() == 1 && request_.ipv4Source) binding.careOfAddress = *request_.ipv4Source;
        // One home binding at a time: the new one takes the other's place.
        if (b.home) std::erase_if(list_, [&](const BidBinding& other) { return other.home && other.bid != b.bid; });
        const auto it = std::find_if(list_.begin(), list_.end(), [&](const BidBinding& other) { return other.bid == b.bid; });
        if (it != list_.end()) *it = binding;  // MCOA-HA-07
        else if (list_.size() < policy_.maximum) list_.push_back(binding);  // MCOA-HA-13
        else codes_[i] = status::insufficientResources;
    }

    BidOutcome finished(bool deletes)
    {
        if (asked_.size() == 1 && codes_[0] != 0) return refuseOnly();
        const bool complete = std::all_of(codes_.begin(), codes_.end(), [](std::uint8_t c) { return c == 0; });
        BidOutcome out = answer(complete ? status::accepted : status::mcoaNotComplete, true);
        out.bindings = std::move(list_);
        if (deletes || policy_.homeNeighborDiscovery) return out;
        // MCOA-HA-09: neighbour discovery stays ours. Of a single binding the acknowledgement says so, of one of several its option.
        for (std::size_t i = 0; i < asked_.size(); ++i) {
            if (!asked_[i].home || codes_[i] != 0) continue;
            if (asked_.size() == 1) out.status = status::mcoaReturnHomeWithoutNdp;
            else out.answers[i].status = status::mcoaReturnHomeWithoutNdp;
        }
        return out;
    }

    /// MCOA-HA-08: of a single one the update itself is refused. MCOA-DS-03: of an IPv4 address its option says so, too.
    [[nodiscard]] BidOutcome refuseOnly()
    {
        const std::uint8_t code = std::exchange(codes_[0], std::uint8_t{0});
        BidOutcome out = answer(code, false);
        if (request_.ipv4 && isIpv4(asked_[0])) out.answers[0].status = code;
        return out;
    }

    /// MCOA-HA-08: every option comes back, without its care-of address.
    [[nodiscard]] BidOutcome answer(std::uint8_t code, bool processed) const
    {
        BidOutcome out;
        out.status = code;
        out.processed = processed;
        out.answers = asked_;
        for (std::size_t i = 0; i < asked_.size(); ++i) {
            out.answers[i].careOfAddress.clear();
            out.answers[i].status = code == status::mcoaNotComplete ? codes_[i] : std::uint8_t{0};
        }
        return out;
    }

    const BidRequest& request_;
    const BidPolicy& policy_;
    std::vector<BindingIdentifier> asked_;
    std::vector<std::uint8_t> codes_;  ///< one for each of these
    std::vector<BidBinding> list_;
};

}  // namespace

bool hasBids(const BindingUpdate& update)
{
    return std::any_of(update.options.begin(), update.options.end(),
                       [](const wire::MobilityOption& o) { return std::holds_alternative<BindingIdentifier>(o) || isUnreadable(o); });
}

std::vector<BindingIdentifier> echoed(const BindingUpdate& update)
{
    constexpr std::size_t bidOctets = 2;
    std::vector<BindingIdentifier> out;
    for (const wire::MobilityOption& option : update.options) {
        if (const auto* bid = std::get_if<BindingIdentifier>(&option)) out.push_back({bid->bid, 0, bid->home, bid->priority, {}});
        // Of one with a wrong length the number can still be read, and must not be missed: without it nobody would know identifiers here.
        else if (const auto* raw = std::get_if<wire::RawMobilityOption>(&option); raw && raw->type == bidType && raw->data.size() >= bidOctets)
            out.push_back({static_cast<std::uint16_t>(raw->data[0] << 8 | raw->data[1]), 0, false, 0, {}});
    }
    return out;
}

std::string bidText(const BindingUpdate& update)
{
    std::string out;
    for (const BindingIdentifier& b : identifiersOf(update)) fmt::format_to(std::back_inserter(out), "{}{}", out.empty() ? "" : " ", b.bid);
    return out;
}

BidOutcome applyBids(const BidRequest& request, const BidPolicy& policy) { return Work(request, policy).run(); }

bool hasPriorities(const std::vector<BidBinding>& bindings)
{
    return std::any_of(bindings.begin(), bindings.end(), [](const BidBinding& b) { return b.priority != 0; });
}

const BidBinding* preferred(const std::vector<BidBinding>& bindings)
{
    // 0 is no priority: behind those that have one (RFC 6089 §4.1).
    const auto rank = [](const BidBinding& b) { return std::tuple(b.priority == 0 ? 128 : int{b.priority}, b.home); };
    const auto best = std::min_element(bindings.begin(), bindings.end(), [&](const BidBinding& a, const BidBinding& b) { return rank(a) < rank(b); });
    return best == bindings.end() ? nullptr : &*best;
}

}  // namespace roamscope::node
