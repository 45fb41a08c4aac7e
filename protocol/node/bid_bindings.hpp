// SPDX-License-Identifier: GPL-3.0-or-later
// The care-of addresses that a home address has with binding identifiers (RFC 5648), and what a Binding Update with such options
// does to them at a home agent, a MAP or a correspondent. Rules MCOA-HA-02 to -10, -13 to -15, -17, MCOA-CN-01, -03, -04, MCOA-DS-01, -02.
// Values and functions: no state, no input or output. The rest of an update (home address, sequence number, authorisation) is the
// caller's, before; so is what an update without identifiers does (MCOA-HA-01).
#pragma once

#include "protocol/base/address.hpp"
#include "protocol/base/time.hpp"
#include "protocol/node/agent_policy.hpp"
#include "protocol/wire/mobility.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace roamscope::node {

struct BidBinding {
    std::uint16_t bid = 1;
    Ipv6Address careOfAddress;  ///< the home address itself for a binding of the home link
    bool home = false;          ///< H: the mobile node is on its home link, too (MCOA-HA-09, -15)
    std::uint8_t priority = 0;  ///< RFC 6089: 1 (first) to 127; 0 from a node of RFC 5648 only
    TimePoint expires{};
    WireLifetime granted{};
    bool operator==(const BidBinding&) const = default;
};

/// Some of them, and few octets where there are none, which is the rule.
class BidList {
public:
    BidList() = default;
    BidList(std::vector<BidBinding> list) : list_(list.empty() ? nullptr : std::make_unique<std::vector<BidBinding>>(std::move(list))) {}  // NOLINT
    BidList(const BidList& o) : list_(o.list_ ? std::make_unique<std::vector<BidBinding>>(*o.list_) : nullptr) {}
    BidList(BidList&&) = default;
    BidList& operator=(const BidList& o)
    {
        if (this != &o) list_ = o.list_ ? std::make_unique<std::vector<BidBinding>>(*o.list_) : nullptr;
        return *this;
    }
    BidList& operator=(BidList&&) = default;
    ~BidList() = default;

    [[nodiscard]] const std::vector<BidBinding>& list() const
    {
        static const std::vector<BidBinding> none;
        return list_ ? *list_ : none;
    }
    operator const std::vector<BidBinding>&() const { return list(); }  // NOLINT
    [[nodiscard]] bool empty() const { return !list_ || list_->empty(); }
    [[nodiscard]] std::size_t size() const { return list_ ? list_->size() : 0; }
    [[nodiscard]] BidBinding* begin() { return list_ ? list_->data() : nullptr; }
    [[nodiscard]] BidBinding* end() { return begin() + size(); }
    [[nodiscard]] const BidBinding* begin() const { return list().data(); }
    [[nodiscard]] const BidBinding* end() const { return begin() + size(); }
    template <class Is>
    void eraseIf(Is is)
    {
        if (list_) std::erase_if(*list_, is);
        if (empty()) list_.reset();
    }
    void clear() { list_.reset(); }

private:
    std::unique_ptr<std::vector<BidBinding>> list_;
};

/// An update with identifiers, and what it meets.
struct BidRequest {
    const wire::BindingUpdate& update;
    Ipv6Address homeAddress;
    const std::vector<BidBinding>& present;  ///< living ones
    bool plain = false;                      ///< there is a binding without an identifier
    TimePoint expires{};         ///< of what it registers
    WireLifetime granted{};
    const std::vector<Prefix>* allowed = nullptr;  ///< care-of addresses elsewhere get 129 (HMIP-MAP-08); none or empty: anywhere
    bool ipv4 = false;                             ///< IPv4 care-of addresses are taken (MCOA-DS-02); they stand as ::ffff:a.b.c.d
    std::optional<Ipv6Address> ipv4Source{};       ///< of the IPv4 packet that the update was in
};

struct BidOutcome {
    std::uint8_t status = 0;      ///< of the acknowledgement
    std::vector<wire::BindingIdentifier> answers;  ///< its options, in the order of the update
    bool processed = false;       ///< `bindings` replace what was there, a plain binding too
    std::vector<BidBinding> bindings;
};

/// Whether the update has identifiers, also ones that cannot be read.
[[nodiscard]] bool hasBids(const wire::BindingUpdate& update);
/// Its identifiers as an answer that refuses it has them: status 0, no care-of address (MCOA-HA-08). With those of a wrong length.
[[nodiscard]] std::vector<wire::BindingIdentifier> echoed(const wire::BindingUpdate& update);
/// Its identifiers, "1 2", as the log of events has them.
[[nodiscard]] std::string bidText(const wire::BindingUpdate& update);
/// `request.update` has identifiers, and the policy is not Unknown.
[[nodiscard]] BidOutcome applyBids(const BidRequest& request, const BidPolicy& policy);
/// Whether the mobile node gave priorities (RFC 6089).
[[nodiscard]] bool hasPriorities(const std::vector<BidBinding>& bindings);
/// The one that packets take when nothing else tells: of the highest priority, among equal ones a foreign one before that of the home link.
[[nodiscard]] const BidBinding* preferred(const std::vector<BidBinding>& bindings);

}  // namespace roamscope::node
