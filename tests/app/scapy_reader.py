# SPDX-License-Identifier: GPL-3.0-or-later
"""What scapy reads from frames, by the names of our fields, and what it is known to lose.

    scapy_reader.py IN.pcap OUT.jsonl    a line with `name` and `fields` for each frame, as scapy_frames.py writes them
"""
import json
import sys

from scapy.layers import inet6 as s
from scapy.layers.inet import UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrRouting
from scapy.packet import Raw
from scapy.utils import rdpcap


def number(octets):
    return int.from_bytes(octets, "big")


def read_update(m, put):
    put("mip6.bu.seqnr", m.seq)
    for letter, name in zip("AHLKMRP", ["mip6.bu.a_flag", "mip6.bu.h_flag", "mip6.bu.l_flag", "mip6.bu.k_flag", "mip6.bu.m_flag", "mip6.nemo.bu.r_flag",
                                        "mip6.bu.p_flag"]):
        put(name, letter in str(m.flags))
    put("mip6.bu.lifetime", m.mhtime)


def read_acknowledgement(m, put):
    put("mip6.ba.status", m.status)
    for letter, name in zip("KRP", ["mip6.ba.k_flag", "mip6.nemo.ba.r_flag", "mip6.ba.p_flag"]):
        put(name, letter in str(m.flags))
    put("mip6.ba.seqnr", m.seq)
    put("mip6.ba.lifetime", m.mhtime)


def read_test_init(name):
    return lambda m, put: put("mip6.%s.cookie" % name, number(m.cookie))


def read_test(name):
    def read(m, put):
        put("mip6.%s.nindex" % name, m.index)
        put("mip6.%s.cookie" % name, number(m.cookie))
        put("mip6.%s.token" % name, number(m.token))
    return read


def read_error(m, put):
    put("mip6.be.status", m.status)
    put("mip6.be.haddr", m.ha)


MESSAGES = {
    s.MIP6MH_BRR: lambda m, put: None,
    s.MIP6MH_HoTI: read_test_init("hoti"),
    s.MIP6MH_CoTI: read_test_init("coti"),
    s.MIP6MH_HoT: read_test("hot"),
    s.MIP6MH_CoT: read_test("cot"),
    s.MIP6MH_BU: read_update,
    s.MIP6MH_BA: read_acknowledgement,
    s.MIP6MH_BE: read_error,
}


def read_prefix_option(o, put):
    put("mip6.nemo.mnp.pfl", o.plen)
    put("mip6.nemo.mnp.mnp", o.prefix)


def read_nonces(o, put):
    put("mip6.ni.hni", o.hni)
    put("mip6.ni.cni", o.coni)


MOBILITY_OPTIONS = {
    s.MIP6OptBRAdvice: lambda o, put: put("mip6.bra.interval", o.rinter),
    s.MIP6OptAltCoA: lambda o, put: put("mip6.acoa.acoa", o.acoa),
    s.MIP6OptNonceIndices: read_nonces,
    s.MIP6OptMobNetPrefix: read_prefix_option,
    s.MIP6OptBindingAuthData: lambda o, put: put("mip6.bad.auth", "%024x" % o.authenticator),
}


def read_advertisement(m, put):
    put("icmpv6.nd.ra.cur_hop_limit", m.chlim)
    for letter, bit in zip("moh", (m.M, m.O, m.H)):
        put("icmpv6.nd.ra.flag." + letter, bool(bit))
    put("icmpv6.nd.ra.flag.prf", m.prf)
    put("icmpv6.nd.ra.router_lifetime", m.routerlifetime)
    put("icmpv6.nd.ra.reachable_time", m.reachabletime)
    put("icmpv6.nd.ra.retrans_timer", m.retranstimer)


def read_prefix_information(o, put):
    put("icmpv6.opt.prefix.length", o.prefixlen)
    for letter, bit in zip("lar", (o.L, o.A, o.R)):
        put("icmpv6.opt.prefix.flag." + letter, bool(bit))
    put("icmpv6.opt.prefix.valid_lifetime", o.validlifetime)
    put("icmpv6.opt.prefix.preferred_lifetime", o.preferredlifetime)
    put("icmpv6.opt.prefix", o.prefix)


def read_map(o, put):
    put("icmpv6.opt.map.distance", o.dist)
    put("icmpv6.opt.map.preference", o.pref)
    put("icmpv6.opt.map.flag.r", bool(o.R))
    put("icmpv6.opt.map.valid_lifetime", o.validlifetime)
    put("icmpv6.opt.map.global_address", o.addr)


def read_home_agent(o, put):
    put("icmpv6.opt.home_agent_preference", o.pref)
    put("icmpv6.opt.home_agent_lifetime", o.lifetime)


def read_agents(m, put):
    put("icmpv6.mip6.identifier", m.id)
    put("icmpv6.nemo.r_flag", bool(m.R))
    for address in getattr(m, "addresses", []):
        put("icmpv6.mip6.home_agent_address", address)


def read_prefixes(m, put):
    put("icmpv6.mip6.identifier", m.id)
    if isinstance(m, s.ICMPv6MPAdv):
        put("icmpv6.mip6.flag.m", bool(m.flags & 2))
        put("icmpv6.mip6.flag.o", bool(m.flags & 1))


def read_neighbour(m, put):
    for letter, bit in zip("rso", (m.R, m.S, m.O)):
        put("icmpv6.nd.na.flag." + letter, bool(bit))
    put("icmpv6.nd.na.target_address", m.tgt)


def read_datagram(m, put):
    put("udp.srcport", m.sport)
    put("udp.dstport", m.dport)


def read_home_address(header, put):
    for option in header.options:
        if isinstance(option, s.HAO) and option.optlen == 16:
            put("ipv6.opt.mipv6.home_address", option.hoa)


def read_routing(header, put):
    if header.type == 2:
        put("ipv6.routing.segleft", header.segleft)
        put("ipv6.routing.mipv6.home_address", header.addresses[0])


def read_ip(header, put):
    for name, value in (("src", header.src), ("dst", header.dst), ("tclass", header.tc), ("flow", header.fl), ("hlim", header.hlim)):
        put("ipv6." + name, value)


LAYERS = dict(MESSAGES)
LAYERS.update({
    IPv6: read_ip,
    IPv6ExtHdrDestOpt: read_home_address,
    IPv6ExtHdrRouting: read_routing,
    UDP: read_datagram,
    s.ICMPv6ND_RA: read_advertisement,
    s.ICMPv6ND_NS: lambda m, put: put("icmpv6.nd.ns.target_address", m.tgt),
    s.ICMPv6ND_NA: read_neighbour,
    s.ICMPv6NDOptPrefixInfo: read_prefix_information,
    s.ICMPv6NDOptAdvInterval: lambda o, put: put("icmpv6.opt.advertisement_interval", o.advint),
    s.ICMPv6NDOptHAInfo: read_home_agent,
    s.ICMPv6NDOptMAP: read_map,
    s.ICMPv6NDOptMTU: lambda o, put: put("icmpv6.opt.mtu", o.mtu),
    s.ICMPv6HAADRequest: read_agents,
    s.ICMPv6HAADReply: read_agents,
    s.ICMPv6MPSol: read_prefixes,
    s.ICMPv6MPAdv: read_prefixes,
})


def values(frame):
    """What scapy reads, by the names of our fields. Packets that an ICMPv6 error quotes do not count."""
    fields = {}
    names = []

    def put(name, value):
        fields.setdefault(name, []).append(value)

    layer = frame
    while layer and not isinstance(layer, s._ICMPv6Error):
        if type(layer) in LAYERS:
            LAYERS[type(layer)](layer, put)
            names.append(type(layer).__name__)
        for option in getattr(layer, "options", []) if type(layer) in MESSAGES else []:
            # scapy takes one octet too many for a link-layer address and is lost behind it.
            if isinstance(option, s.MIP6OptLLAddr):
                break
            if type(option) in MOBILITY_OPTIONS:
                MOBILITY_OPTIONS[type(option)](option, put)
        layer = layer.payload
    return names[-1] if names else "nothing", fields, bool(layer)


def lost(frame):
    """Fields that scapy cannot count in this frame, by the beginning of their names."""
    layer = frame
    while layer:
        if type(layer) in MESSAGES and any(isinstance(o, s.MIP6OptLLAddr) for o in layer.options):
            return ("mip6.bra", "mip6.acoa", "mip6.ni", "mip6.nemo.mnp", "mip6.bad")
        # It takes every option 19 for 9 octets long, and gives up on options that it does not know in such a place.
        if isinstance(layer, s.ICMPv6NDOptLLA) or type(layer).__name__.startswith("ICMPv6NDOpt") and isinstance(layer.payload, Raw):
            return ("icmpv6.opt",)
        layer = layer.payload
    return ()


def dissect(pcap, lines):
    with open(lines, "w", encoding="utf-8") as out:
        for frame in rdpcap(pcap):
            name, fields, quotes = values(frame)
            beyond = lost(frame)
            fields = {k: v for k, v in fields.items() if not quotes and not k.startswith(beyond)}
            out.write(json.dumps({"name": name, "fields": fields}) + "\n")


if __name__ == "__main__":
    dissect(sys.argv[1], sys.argv[2])
