// SPDX-License-Identifier: GPL-3.0-or-later
// Random values of everything that protocol/wire can emit and read back: what parse(emit(v)) == v is tried with.
#pragma once

#include "protocol/base/random.hpp"
#include "protocol/wire/frame.hpp"

namespace roamscope::test {

/// Draws values whose emission is lossless: reserved bits are zero, octet strings have the lengths their format can say.
class RandomMessages {
public:
    /// `foreign`: also numbers (types of messages and options) that this project does not know but other decoders may, filled
    /// with random octets. Without it unknown ones are of unassigned or experimental types only.
    RandomMessages(std::uint64_t seed, bool foreign) : random_(seed), foreign_(foreign) {}

    std::uint64_t below(std::uint64_t bound) { return random_.below(bound); }
    bool coin() { return below(2) == 1; }
    std::uint8_t u8() { return static_cast<std::uint8_t>(random_.next()); }
    std::uint16_t u16() { return static_cast<std::uint16_t>(random_.next()); }
    std::uint32_t u32() { return static_cast<std::uint32_t>(random_.next()); }
    std::uint64_t u64() { return random_.next(); }
    Bytes bytes(std::size_t n);
    Ipv6Address address();  ///< 2001:db8::/32 with a random rest
    Mac mac();

    wire::EthernetHeader ethernet();
    /// A packet with random headers (home address, routing, router alert, unknown options) around a payload.
    wire::Ipv6Packet packet(std::uint8_t nextHeader, Bytes payload);
    wire::PseudoHeader addresses() { return {address(), address()}; }

    /// Variants by index, so that a test can go through all of them.
    wire::MobilityOption mobilityOption(std::size_t variant);
    std::vector<wire::MobilityOption> mobilityOptions();  ///< up to 7; one that ends a message only as the last
    wire::MobilityMessage mobility(std::size_t variant);
    /// A variant whose body tshark 4.0 finds where its RFC puts it: not so 12 (RFC 5142 §4), 17 and 18 (RFC 6705 §10).
    std::size_t familiarMessage();
    wire::NdOption ndOption(std::size_t variant);
    std::vector<wire::NdOption> ndOptions();
    wire::Icmpv6Message icmpv6(std::size_t variant);
    wire::UdpDatagram udp();
    wire::Probe probe();

    /// A whole Ethernet frame around a message of any kind, in up to 3 tunnels.
    Bytes frame();

private:
    std::uint8_t unknownIpv6Option();
    wire::MobilityOption rawMobilityOption();
    wire::MobilityOption familyOption(std::size_t variant);
    wire::MobilityMessage laterMessage(std::size_t variant);
    template <class Address>
    wire::TrafficSelector<Address> selector(Address (*address)(RandomMessages&));
    wire::FlowSubOption flowSubOption();
    wire::FlowIdentification flow();
    std::uint8_t unknownNdOption();
    wire::Icmpv6Message error();
    wire::Icmpv6Message listenerReport();
    wire::Icmpv6Message rawIcmpv6();

    Random random_;
    bool foreign_;
};

}  // namespace roamscope::test
