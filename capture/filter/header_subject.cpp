// SPDX-License-Identifier: GPL-3.0-or-later
// What the headers of an ordinary frame say about a word, without decoding it: nearly all frames of a large capture are users'
// data in tunnels, in which few fields stand, and these at places that plainHeaders() knows.
#include "capture/filter/evaluate.hpp"

#include <algorithm>

namespace roamscope::filter {

namespace {

using wire::FieldId;
namespace protocol = wire::protocol;

enum class Header : std::uint8_t { Ethernet, Ipv6, Udp, Tcp };

/// A field of a header. `width` 0: the header itself.
struct Place {
    FieldId id;
    Header header;
    std::uint8_t offset = 0;
    std::uint8_t width = 0;
    std::uint8_t shift = 0;
    std::uint32_t mask = 0xffffffff;
};

constexpr Place places[] = {
    {FieldId::Ethernet, Header::Ethernet},
    {FieldId::EthernetDestination, Header::Ethernet, 0, 6},
    {FieldId::EthernetSource, Header::Ethernet, 6, 6},
    {FieldId::EthernetType, Header::Ethernet, 12, 2},
    {FieldId::Ipv6, Header::Ipv6},
    {FieldId::Ipv6Version, Header::Ipv6, 0, 4, 28},
    {FieldId::Ipv6TrafficClass, Header::Ipv6, 0, 4, 20, 0xff},
    {FieldId::Ipv6ServiceCode, Header::Ipv6, 0, 4, 22, 0x3f},
    {FieldId::Ipv6Congestion, Header::Ipv6, 0, 4, 20, 3},
    {FieldId::Ipv6FlowLabel, Header::Ipv6, 0, 4, 0, 0xfffff},
    {FieldId::Ipv6PayloadLength, Header::Ipv6, 4, 2},
    {FieldId::Ipv6NextHeader, Header::Ipv6, 6, 1},
    {FieldId::Ipv6HopLimit, Header::Ipv6, 7, 1},
    {FieldId::Ipv6Source, Header::Ipv6, 8, 16},
    {FieldId::Ipv6Destination, Header::Ipv6, 24, 16},
    {FieldId::Udp, Header::Udp},
    {FieldId::UdpSourcePort, Header::Udp, 0, 2},
    {FieldId::UdpDestinationPort, Header::Udp, 2, 2},
    {FieldId::UdpLength, Header::Udp, 4, 2},
    {FieldId::UdpChecksum, Header::Udp, 6, 2},
    {FieldId::Tcp, Header::Tcp},
    {FieldId::TcpSourcePort, Header::Tcp, 0, 2},
    {FieldId::TcpDestinationPort, Header::Tcp, 2, 2},
};

constexpr std::size_t octetsOf(Header header)
{
    constexpr std::size_t octets[] = {14, 40, 8, 0};
    return octets[static_cast<std::size_t>(header)];
}

const Place* placeOf(FieldId id)
{
    const auto* at = std::find_if(std::begin(places), std::end(places), [id](const Place& p) { return p.id == id; });
    return at == std::end(places) ? nullptr : at;
}

/// Of what else may stand in users' data and around it.
bool isInData(FieldId id)
{
    const std::string_view name = wire::info(id).name;
    for (const std::string_view group : {"tcp", "roamscope.tcp", "roamscope.udp", "roamscope.probe", "data", "roamscope.data", "eth", "sll", "_ws"})
        if (name.substr(0, group.size()) == group && (name.size() == group.size() || name[group.size()] == '.')) return true;
    return id == FieldId::Data || id == FieldId::DataBytes || id == FieldId::Limit || id == FieldId::Malformed || id == FieldId::Cut;
}

}  // namespace

Knowledge HeaderSubject::knownOf(FieldId id) const
{
    const bool udp = headers_.upper == protocol::udp;
    const bool tcp = headers_.upper == protocol::tcp;
    if (const Place* place = placeOf(id)) {
        switch (place->header) {
        case Header::Ethernet: return headers_.ethernet ? Knowledge::Present : Knowledge::Nothing;
        case Header::Ipv6: return Knowledge::Present;
        case Header::Udp: return udp ? Knowledge::Present : Knowledge::Absent;
        case Header::Tcp: return tcp ? Knowledge::Present : Knowledge::Absent;
        }
    }
    const bool whole = headers_.ethernet && !headers_.extensions && (udp || tcp);
    return whole && !isInData(id) ? Knowledge::Absent : Knowledge::Nothing;
}

Verdict HeaderSubject::present(const Symbol& symbol)
{
    if (symbol.ofAnalysis()) return Verdict::Unknown;
    if (symbol.source != Source::Field) return frame_.present(symbol);
    bool unknown = false;
    for (const FieldId id : symbol.ids) {
        const Knowledge known = knownOf(id);
        if (known == Knowledge::Present) return Verdict::Yes;
        unknown |= known == Knowledge::Nothing;
    }
    return unknown ? Verdict::Unknown : Verdict::No;
}

bool HeaderSubject::values(const Symbol& symbol, const std::vector<Stretch>& layers, Values& out)
{
    if (symbol.ofAnalysis()) return false;
    if (symbol.source != Source::Field) return frame_.values(symbol, layers, out);
    for (const FieldId id : symbol.ids) {
        const Knowledge known = knownOf(id);
        if (known == Knowledge::Absent) continue;
        // Texts are made by the decoder, and layers are counted there.
        if (known == Knowledge::Nothing || symbol.kind == ValueKind::Text || !layers.empty() || !add(id, out)) return false;
    }
    return true;
}

/// Every occurrence, outermost first; false for what has no fixed length.
bool HeaderSubject::add(FieldId id, Values& out) const
{
    const Place& place = *placeOf(id);
    if (place.width == 0 && octetsOf(place.header) == 0) return false;
    const std::size_t count = place.header == Header::Ipv6 ? headers_.count : 1;
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t header = place.header == Header::Ethernet ? 0 : place.header == Header::Ipv6 ? headers_.ipv6[i] : headers_.message;
        const ByteView octets = bytes_.subspan(header + place.offset, place.width == 0 ? octetsOf(place.header) : place.width);
        if (place.width == 0 || place.width == 6) {
            out.add(octets);
        } else if (place.width == 16) {
            Block6 block;
            std::copy(octets.begin(), octets.end(), block.address.octets.begin());
            out.add(block);
        } else {
            std::uint32_t number = 0;
            for (const std::uint8_t octet : octets) number = number << 8 | octet;
            out.add(std::uint64_t{number >> place.shift & place.mask});
        }
    }
    return true;
}

}  // namespace roamscope::filter
