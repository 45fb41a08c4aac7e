// SPDX-License-Identifier: GPL-3.0-or-later
// Findings: what the decoder says of each frame, and broken rules that need more than one frame to be seen: Binding Updates
// without what their kind must carry, acknowledgements that match nothing, replays accepted, lifetimes, the order of
// registrations. Correct traffic raises none. Bounded; one thread; amortised O(1) a frame.
#pragma once

#include "capture/analysis/binding_history.hpp"
#include "capture/analysis/mobiles.hpp"

#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace roamscope::analysis {

class Conformance {
public:
    static constexpr std::size_t maxFindings = 10000;

    /// What the decoder found in frame `index`.
    void addFrame(FrameIndex index, const std::vector<wire::Finding>& findings);
    /// The MAPs that this advertisement withdraws on its link, or offers again.
    void addAdvertisement(const wire::RouterAdvertisement& advertisement, std::uint32_t link);
    /// A signal, with the decoded fields of its frame. To be called before bindings and mobiles take it.
    void addSignal(const Signal& signal, const Observation& o, const std::vector<wire::FieldNode>& fields,
                   const ExchangeTracker& exchanges, const BindingHistory& bindings, const Mobiles& mobiles);

    [[nodiscard]] const std::vector<TraceFinding>& findings() const { return findings_; }
    /// Those since the last call, which are forgotten here.
    [[nodiscard]] std::vector<TraceFinding> takeFindings() { return std::exchange(findings_, {}); }
    [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

private:
    struct Place {
        FrameIndex frame;
        std::uint32_t link;
        const std::vector<wire::FieldNode>& fields;
    };

    void update(const Update& update, const Place& place, const Mobiles& mobiles);
    void homeRegistration(const Update& update, const Place& place);
    /// Whether a binding of `careOf` with the home agent or a correspondent broke a rule of HMIPv6.
    bool regionalAddress(const Update& update, const Ipv6Address& careOf, const Place& place);
    /// HMIP-MN-15: what the MAP has granted for a regional address, by the update and the lifetime of its acknowledgement.
    void granted(const Update& update, Duration lifetime);
    void answer(const Signal& signal, const Observation& o, const Place& place, const ExchangeTracker& exchanges,
                const BindingHistory& bindings);
    // conformance_bids.cpp
    void identifiers(const Update& update, const Place& place);
    void identifierAnswer(const Answer& answer, const Update& asked, const Place& place);
    void ipv4Update(const Update& update, const Place& place);
    void ipv4Answer(const Answer& answer, const Update& asked, const Place& place);
    void report(const Place& place, wire::FieldId at, std::string_view rule, wire::Severity severity, std::string_view rfc, std::string text);

    std::vector<TraceFinding> findings_;
    std::uint64_t dropped_ = 0;
    std::unordered_map<Ipv6Address, std::optional<Duration>> granted_;  ///< RCoA → lifetime its MAP granted, none yet
    static constexpr std::size_t maxWithoutIdentifiers = 4096;
    /// Peer and home address whose last update with identifiers was refused with this status, or answered without them (0).
    std::map<std::pair<Ipv6Address, Ipv6Address>, std::uint8_t> withoutIdentifiers_;
    /// Peer, home address and what was registered in an update of its own: an IPv4 care-of address, or anything that began the
    /// conversation ("::").
    std::set<std::tuple<Ipv6Address, Ipv6Address, Ipv6Address>> alone_;
    static constexpr std::size_t maxWithdrawn = 4096;  ///< a forger could name any number
    std::set<std::pair<std::uint32_t, Ipv6Address>> withdrawn_;  ///< link, and MAP that was last seen there with lifetime 0
};

}  // namespace roamscope::analysis
