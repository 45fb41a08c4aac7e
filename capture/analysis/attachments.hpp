// SPDX-License-Identifier: GPL-3.0-or-later
// Where interfaces are: for every link-layer address the links on which it was heard, one stay after the other, with the
// marks that handovers are measured by; who claims an address by neighbour discovery; and the advertisements of each link
// (handover model §3: m0, m1, m3, m4, m5, m14). Knows nothing of mobile nodes. One thread; amortised O(1) a frame.
#pragma once

#include "capture/analysis/observation.hpp"
#include "protocol/wire/arp.hpp"

#include <unordered_map>

namespace roamscope::analysis {

/// An address and the frame in which it was met first.
struct AddressMark {
    Ipv6Address address;
    Mark mark;
};

/// A stretch of time in which an interface sent on one link only.
struct Stay {
    std::uint32_t link = 0;
    Mark first;                            ///< m1: its first frame there
    Mark last;                             ///< its last frame there so far
    std::optional<Mark> delivered;         ///< last data packet to it that surely arrived (a frame of its own followed): m0
    std::optional<Mark> pending;           ///< last data packet to it since its last frame
    bool answers = false;                  ///< it sent data itself, so silence means absence
    std::vector<AddressMark> sources;      ///< outermost source addresses it used, first use each (m5); IPv4 ones mapped; bounded
    std::vector<AddressMark> tunnelled;    ///< care-of addresses to which mobility brought data, first packet each (m14); bounded
    std::vector<AddressMark> direct;       ///< destinations of other data to it, first packet each (m14 at home); bounded
    std::vector<AddressMark> solicited;    ///< addresses it tested by DAD, first solicitation each (m4); bounded
    std::optional<Mac> router;             ///< where it sent its packets last
};

/// A Router Advertisement on a link.
struct Advertisement {
    Mark mark;
    Mac router;
    std::uint32_t content = 0;  ///< into Presence::contents()
};

/// What advertisements of one router say, kept once.
struct AdvertisementContent {
    Ipv6Address router;              ///< link-local source
    std::vector<Prefix> prefixes;    ///< autonomous ones and those of routers, with the whole address when R is set
    std::vector<bool> wholeAddress;  ///< R flag of each prefix
    std::vector<Ipv6Address> maps;
    bool homeAgent = false;
    Mark first;
    Mac mac;
    bool operator==(const AdvertisementContent& o) const
    {
        return router == o.router && prefixes == o.prefixes && wholeAddress == o.wholeAddress && maps == o.maps && homeAgent == o.homeAgent &&
               mac == o.mac;
    }
};

/// What a frame did to the stays.
struct Movement {
    bool sent = false;      ///< there is a sender, and it is on this link
    bool moved = false;     ///< it was heard on another link before
    bool silent = false;    ///< and what went to it there since its last frame is taken as lost
};

class Presence {
public:
    Movement add(const Observation& o);
    /// Address resolution of IPv4: its sender has that address (RFC 826), which stands as ::ffff:a.b.c.d here.
    void add(const wire::ArpMessage& message);

    [[nodiscard]] const std::vector<Stay>* stays(const Mac& mac) const;
    /// The interface that last claimed an address by neighbour discovery or ARP, else the one whose EUI-64 it carries.
    [[nodiscard]] std::optional<Mac> claimant(const Ipv6Address& address) const;
    /// Whether `mac` is heard on `link` at present.
    [[nodiscard]] bool isOn(const Mac& mac, std::uint32_t link) const;
    [[nodiscard]] bool advertises(const Mac& mac) const { return routers_.count(mac) != 0; }
    [[nodiscard]] const std::vector<AdvertisementContent>& contents() const { return contents_; }
    /// The first advertisement on `link` in [from, to] with a prefix that contains `address`.
    [[nodiscard]] std::optional<Mark> advertisementFor(const Ipv6Address& address, std::uint32_t link, TimePoint from, TimePoint to) const;
    /// The router that advertised first on `link` at `from` or later, else the last one before.
    [[nodiscard]] std::optional<Mac> routerOf(std::uint32_t link, TimePoint from) const;

private:
    void neighbourDiscovery(const Observation& o, const Mac& source);
    void advertisement(const Observation& o, const wire::RouterAdvertisement& ra, const Mac& source);
    Movement sent(const Observation& o);
    void received(const Observation& o);

    std::unordered_map<Mac, std::vector<Stay>, MacHash> stays_;
    std::unordered_map<Ipv6Address, Mac> claims_;
    std::unordered_map<Mac, std::uint32_t, MacHash> routers_;  ///< latest content of each advertising interface
    std::unordered_map<std::uint32_t, std::vector<Advertisement>> advertisements_;
    std::vector<AdvertisementContent> contents_;
};

}  // namespace roamscope::analysis
