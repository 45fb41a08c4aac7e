// SPDX-License-Identifier: GPL-3.0-or-later
// The care-of addresses that a home address has with binding identifiers (RFC 5648), and what a Binding Update with such options
// does to them at a home agent, a MAP or a correspondent. Rules MCOA-HA-02 to -10, -13 to -15, -17, MCOA-CN-01, -03, -04.
// Values and functions: no state, no input or output. The rest of an update (home address, sequence number, authorisation) is the
// caller's, before; so is what an update without identifiers does (MCOA-HA-01).
#pragma once

#include "protocol/base/address.hpp"
#include "protocol/base/time.hpp"
#include "protocol/wire/mobility.hpp"

#include <vector>

namespace roamscope::node {

struct BidBinding {
    std::uint16_t bid = 1;
    Ipv6Address careOfAddress;  ///< the home address itself for a binding of the home link
    bool home = false;          ///< H: the mobile node is on its home link, too (MCOA-HA-09, -15)
    std::uint8_t priority = 0;  ///< RFC 6089: 1 (first) to 127; 0 from a node of RFC 5648 only
    TimePoint expires{};
    bool operator==(const BidBinding&) const = default;
};

/// What a node does with binding identifiers.
struct BidPolicy {
    enum class Support : std::uint8_t {
        Unknown,     ///< as a node that never heard of them: options are passed over, answers carry none
        On,
        Prohibited,  ///< 166
    };
    Support support = Support::On;
    bool bulk = true;            ///< several in one update, else 168; never at a correspondent
    bool homeAndForeign = true;  ///< a binding of the home link beside others, else 169; never at a correspondent
    bool correspondent = false;
    std::size_t maximum = 16;    ///< care-of addresses of one home address, above that 130
};

/// An update with identifiers, and what it meets.
struct BidRequest {
    const wire::BindingUpdate& update;
    Ipv6Address homeAddress;
    const std::vector<BidBinding>& present;  ///< living ones
    bool plain = false;                      ///< there is a binding without an identifier
    TimePoint expires{};                     ///< of what it registers
};

struct BidOutcome {
    std::uint8_t status = 0;      ///< of the acknowledgement
    std::vector<wire::BindingIdentifier> answers;  ///< its options, in the order of the update
    bool processed = false;       ///< `bindings` replace what was there, a plain binding too
    std::vector<BidBinding> bindings;
};

/// Whether the update has identifiers, also ones that cannot be read.
[[nodiscard]] bool hasBids(const wire::BindingUpdate& update);
/// `request.update` has identifiers, and the policy is not Unknown.
[[nodiscard]] BidOutcome applyBids(const BidRequest& request, const BidPolicy& policy);
/// The one that packets take when nothing else tells: of the highest priority, a foreign one before that of the home link.
[[nodiscard]] const BidBinding* preferred(const std::vector<BidBinding>& bindings);

}  // namespace roamscope::node
