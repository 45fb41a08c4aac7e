// SPDX-License-Identifier: GPL-3.0-or-later
// The mobile nodes of a trace and their registrations, one episode for each care-of address they registered. A mobile node is
// known by its home address, its regional addresses (RCoA) and its interfaces; what turns out to be the same node is merged
// (RFC 4140/5380 §6.1: only the home registration ties RCoA and HoA together). One thread; amortised O(1) a message.
#pragma once

#include "capture/analysis/attachments.hpp"
#include "capture/analysis/exchanges.hpp"

#include <unordered_map>

namespace roamscope::analysis {

/// The time during which a mobile node registers one care-of address.
struct Episode {
    std::optional<Ipv6Address> regional;     ///< RCoA; none for plain Mobile IPv6
    Ipv6Address careOf;                      ///< on the link: LCoA, or the home address after the return
    bool home = false;                       ///< returned to the home link
    Mark first;                              ///< first Binding Update
    std::vector<std::size_t> local;          ///< exchanges with the MAP
    std::vector<std::size_t> homeExchanges;  ///< exchanges with the home agent
};

struct Mobile {
    std::optional<Ipv6Address> homeAddress;
    std::vector<Ipv6Address> regional;
    std::vector<Ipv6Address> careOf;  ///< LCoA, or care-of addresses of plain Mobile IPv6
    std::vector<Mac> macs;
    std::optional<Mac> homeInterface; ///< as it told when it bound the home link beside others (RFC 5648 §5.6)
    std::vector<FrameIndex> evidence;
    std::vector<Episode> episodes;    ///< in order of capture
    bool router = false;              ///< has registered as a mobile router (RFC 3963)
    bool merged = false;              ///< part of another one now; ignore

    /// HoA, else RCoA, else care-of address.
    [[nodiscard]] Ipv6Address name() const;
};

class Mobiles {
public:
    /// Takes a signal that ExchangeTracker::add() returned for this frame.
    void add(const Signal& signal, const Presence& presence, const Observation& o);

    [[nodiscard]] const std::vector<Mobile>& all() const { return mobiles_; }
    [[nodiscard]] bool isInterface(const Mac& mac) const { return byMac_.count(mac) != 0; }
    /// The mobile node with this home or regional address.
    [[nodiscard]] const Mobile* of(const Ipv6Address& address) const;
    /// The mobile router that has registered this care-of address, the last one of several; regional addresses are none.
    [[nodiscard]] const Mobile* routerAt(const Ipv6Address& careOf) const;
    [[nodiscard]] bool isHomeAddress(const Ipv6Address& address) const { return homeAddresses_.count(address) != 0; }

private:
    std::size_t create();
    std::size_t localOwner(const Update& update, const std::optional<Mac>& mac);
    std::size_t homeOwner(const Update& update, const std::optional<Mac>& mac);
    void learn(std::size_t mobile, const Update& update, const std::optional<Mac>& mac, const Observation& o);
    /// The other care-of addresses of an update with identifiers, and their interfaces.
    void learnPaths(std::size_t mobile, const Update& update, const Presence& presence);
    void localEpisode(Mobile& mobile, const Update& update, std::size_t exchange, const Observation& o);
    void homeEpisode(Mobile& mobile, const Update& update, std::size_t exchange, const Observation& o);
    void merge(std::size_t into, std::size_t from);
    void addCareOf(std::size_t mobile, const Ipv6Address& careOf);
    void setRouter(std::size_t mobile);

    std::vector<Mobile> mobiles_;
    std::unordered_map<Ipv6Address, std::size_t> byAddress_;  ///< home and regional addresses
    std::unordered_map<Ipv6Address, std::size_t> homeAddresses_;
    std::unordered_map<Ipv6Address, std::size_t> byCareOf_;   ///< mobile routers only: an index of all would need many octets
    std::unordered_map<Mac, std::size_t, MacHash> byMac_;
};

}  // namespace roamscope::analysis
