# SPDX-License-Identifier: GPL-3.0-or-later
"""scapy's side of test_scapy.

    scapy_frames.py build SEED COUNT OUT.pcap OUT.jsonl    random frames, and the values scapy was told
    scapy_frames.py dissect IN.pcap OUT.jsonl              the values scapy reads from the frames of a capture

Each line holds `name` and `fields`: name of a field of `roamscope-cli decode -T json` -> its values in the frame, in order
(several fields of one name: all of them; a frame without the field: nothing). Checksums are scapy's own.

Not asked of scapy 2.5, because it is wrong there: the lengths that it gives to nonce indices and authorization data (16 and 16
instead of 4 and 12, RFC 6275 6.2.6 and 6.2.7; told here), the checksum of a message whose home address option is not alone in
its header (RFC 6275 6.1.1; here it always is), flags behind P of an update and behind R of an acknowledgement, the length of
the link-layer address option (7 instead of 8 with its padding octet, RFC 4068 6.4.4; told here).
"""
import json
import random
import sys

from scapy.layers import inet6 as s
from scapy.layers.inet import UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Raw
from scapy.utils import rdpcap, wrpcap

LOCAL_MAC, REMOTE_MAC = "02:00:00:00:00:01", "02:00:00:00:00:02"


class Told:
    """Values by field name, in the order in which they are told."""

    def __init__(self):
        self.fields = {}

    def add(self, **values):
        for name, value in values.items():
            self.put(name.replace("__", "."), value)

    def put(self, name, value):
        self.fields.setdefault(name, []).append(value)


class Builder:
    def __init__(self, seed):
        self.r = random.Random(seed)
        self.told = None

    def bits(self, n):
        return self.r.getrandbits(n)

    def octets(self, n):
        return self.r.getrandbits(8 * n).to_bytes(n, "big")

    def address(self):
        return "2001:db8:" + ":".join("%x" % self.r.randrange(1, 65536) for _ in range(6))

    def number(self, name, bits):
        value = self.bits(bits)
        self.told.put(name, value)
        return value

    def known_address(self, name):
        value = self.address()
        self.told.put(name, value)
        return value

    def flags(self, letters, names):
        """scapy's letters, each with the field that shows it."""
        chosen = [letter for letter in letters if self.r.random() < 0.5]
        for letter, name in zip(letters, names):
            self.told.put(name, letter in chosen)
        return "".join(chosen)

    # -- mobility options, in the order of their numbers

    def refresh_advice(self):
        return s.MIP6OptBRAdvice(rinter=self.number("mip6.bra.interval", 16))

    def alternate(self):
        return s.MIP6OptAltCoA(acoa=self.known_address("mip6.acoa.acoa"))

    def nonces(self):
        return s.MIP6OptNonceIndices(olen=4, hni=self.number("mip6.ni.hni", 16), coni=self.number("mip6.ni.cni", 16))

    def prefix_option(self):
        return s.MIP6OptMobNetPrefix(plen=self.number("mip6.nemo.mnp.pfl", 7), prefix=self.known_address("mip6.nemo.mnp.mnp"))

    def authorization(self):
        value = self.octets(12)
        self.told.put("mip6.bad.auth", value.hex())
        return s.MIP6OptBindingAuthData(olen=12, authenticator=int.from_bytes(value, "big"))

    def options(self, choices, last=None):
        chosen = [make() for make in choices if self.r.random() < 0.4]
        if last and self.r.random() < 0.4:
            chosen.append(last())
        return chosen

    # -- messages

    def refresh_request(self):
        return s.MIP6MH_BRR()

    def test_init(self, kind, name):
        return kind(cookie=self.number("mip6.%s.cookie" % name, 64).to_bytes(8, "big"))

    def test(self, kind, name):
        return kind(index=self.number("mip6.%s.nindex" % name, 16), cookie=self.number("mip6.%s.cookie" % name, 64).to_bytes(8, "big"),
                    token=self.number("mip6.%s.token" % name, 64).to_bytes(8, "big"))

    def update(self):
        flags = self.flags("AHLKMRP", ["mip6.bu.a_flag", "mip6.bu.h_flag", "mip6.bu.l_flag", "mip6.bu.k_flag", "mip6.bu.m_flag",
                                       "mip6.nemo.bu.r_flag", "mip6.bu.p_flag"])
        return s.MIP6MH_BU(seq=self.number("mip6.bu.seqnr", 16), flags=flags, mhtime=self.number("mip6.bu.lifetime", 16),
                           options=self.update_options("H" not in flags))

    def update_options(self, to_correspondent):
        """Nonce indices go with authorization data, and both to correspondents only."""
        chosen = self.options([self.alternate, self.prefix_option])
        if to_correspondent and self.r.random() < 0.4:
            chosen += [self.nonces(), self.authorization()]
        return chosen

    def acknowledgement(self):
        flags = self.flags("KRP", ["mip6.ba.k_flag", "mip6.nemo.ba.r_flag", "mip6.ba.p_flag"])
        return s.MIP6MH_BA(status=self.number("mip6.ba.status", 8), flags=flags, seq=self.number("mip6.ba.seqnr", 16),
                           mhtime=self.number("mip6.ba.lifetime", 16), options=self.options([self.refresh_advice], self.authorization))

    def error(self):
        return s.MIP6MH_BE(status=self.number("mip6.be.status", 8), ha=self.known_address("mip6.be.haddr"))

    # -- discovery of home agents and prefixes, advertisements

    def prefix_information(self):
        names = ["icmpv6.opt.prefix.flag." + letter for letter in "lar"]
        bits = [self.bits(1) for _ in names]
        for name, bit in zip(names, bits):
            self.told.put(name, bool(bit))
        return s.ICMPv6NDOptPrefixInfo(prefixlen=self.number("icmpv6.opt.prefix.length", 7), L=bits[0], A=bits[1], R=bits[2],
                                       validlifetime=self.number("icmpv6.opt.prefix.valid_lifetime", 32),
                                       preferredlifetime=self.number("icmpv6.opt.prefix.preferred_lifetime", 32),
                                       prefix=self.known_address("icmpv6.opt.prefix"))

    def home_agent_information(self):
        return s.ICMPv6NDOptHAInfo(pref=self.number("icmpv6.opt.home_agent_preference", 16),
                                   lifetime=self.number("icmpv6.opt.home_agent_lifetime", 16))

    def interval(self):
        return s.ICMPv6NDOptAdvInterval(advint=self.number("icmpv6.opt.advertisement_interval", 32))

    def map_option(self):
        distance, preference, regional = self.r.randrange(1, 16), self.bits(4), self.bits(1)
        self.told.put("icmpv6.opt.map.distance", distance)
        self.told.put("icmpv6.opt.map.preference", preference)
        self.told.put("icmpv6.opt.map.flag.r", bool(regional))
        return s.ICMPv6NDOptMAP(dist=distance, pref=preference, R=regional, validlifetime=self.number("icmpv6.opt.map.valid_lifetime", 32),
                                addr=self.known_address("icmpv6.opt.map.global_address"))

    def mtu(self):
        return s.ICMPv6NDOptMTU(mtu=self.number("icmpv6.opt.mtu", 32))

    def advertisement(self):
        bits = [self.bits(1) for _ in range(4)]
        for letter, bit in zip("mohp", bits):
            self.told.put("icmpv6.nd.ra.flag." + letter, bool(bit))
        message = s.ICMPv6ND_RA(chlim=self.number("icmpv6.nd.ra.cur_hop_limit", 8), M=bits[0], O=bits[1], H=bits[2], P=bits[3],
                                prf=self.r.choice([0, 1, 3]), routerlifetime=self.number("icmpv6.nd.ra.router_lifetime", 16),
                                reachabletime=self.number("icmpv6.nd.ra.reachable_time", 32),
                                retranstimer=self.number("icmpv6.nd.ra.retrans_timer", 32))
        self.told.put("icmpv6.nd.ra.flag.prf", message.prf)
        for option in self.options([self.prefix_information, self.prefix_information, self.home_agent_information, self.interval, self.map_option,
                                    self.mtu]):
            message /= option
        return message

    def neighbor(self):
        target = self.known_address("icmpv6.nd.ns.target_address")
        self.told.put("icmpv6.opt.src_linkaddr", LOCAL_MAC)
        return s.ICMPv6ND_NS(tgt=target) / s.ICMPv6NDOptSrcLLAddr(lladdr=LOCAL_MAC)

    def neighbor_answer(self):
        bits = [self.bits(1) for _ in range(3)]
        for letter, bit in zip("rso", bits):
            self.told.put("icmpv6.nd.na.flag." + letter, bool(bit))
        self.told.put("icmpv6.opt.target_linkaddr", LOCAL_MAC)
        return s.ICMPv6ND_NA(R=bits[0], S=bits[1], O=bits[2], tgt=self.known_address("icmpv6.nd.na.target_address")) / \
            s.ICMPv6NDOptDstLLAddr(lladdr=LOCAL_MAC)

    def agents_request(self):
        flag = self.bits(1)
        self.told.put("icmpv6.nemo.r_flag", bool(flag))
        return s.ICMPv6HAADRequest(id=self.number("icmpv6.mip6.identifier", 16), R=flag)

    def agents_reply(self):
        flag = self.bits(1)
        self.told.put("icmpv6.nemo.r_flag", bool(flag))
        return s.ICMPv6HAADReply(id=self.number("icmpv6.mip6.identifier", 16), R=flag,
                                 addresses=[self.known_address("icmpv6.mip6.home_agent_address") for _ in range(self.r.randrange(4))])

    def prefix_solicitation(self):
        return s.ICMPv6MPSol(id=self.number("icmpv6.mip6.identifier", 16))

    def prefix_advertisement(self):
        flags = self.bits(2)
        self.told.put("icmpv6.mip6.flag.m", bool(flags & 2))
        self.told.put("icmpv6.mip6.flag.o", bool(flags & 1))
        message = s.ICMPv6MPAdv(id=self.number("icmpv6.mip6.identifier", 16), flags=flags)
        for option in self.options([self.prefix_information, self.prefix_information]):
            message /= option
        return message

    def echo(self):
        data = self.octets(self.r.randrange(1, 40))
        self.told.put("icmpv6.data", data.hex())
        return s.ICMPv6EchoRequest(id=self.number("icmpv6.echo.identifier", 16), seq=self.number("icmpv6.echo.sequence_number", 16), data=data)

    def datagram(self):
        data = self.octets(self.r.randrange(1, 40))
        source, destination = self.r.randrange(20000, 30000), self.r.randrange(20000, 30000)
        self.told.put("udp.srcport", source)
        self.told.put("udp.dstport", destination)
        return UDP(sport=source, dport=destination) / Raw(data)

    # -- what is around them

    def ip(self, neighbour=False):
        layer = IPv6(src=self.known_address("ipv6.src"), dst=self.known_address("ipv6.dst"), tc=self.number("ipv6.tclass", 8),
                     fl=self.number("ipv6.flow", 20), hlim=255 if neighbour else self.r.randrange(1, 256))
        self.told.put("ipv6.hlim", layer.hlim)
        return layer

    def home_option(self):
        return IPv6ExtHdrDestOpt(options=[s.HAO(hoa=self.known_address("ipv6.opt.mipv6.home_address"))])

    def routing(self):
        self.told.put("ipv6.routing.segleft", 1)
        self.told.put("ipv6.routing.type", 2)
        return IPv6ExtHdrRouting(type=2, segleft=1, addresses=[self.known_address("ipv6.routing.mipv6.home_address")])

    def alert(self):
        return IPv6ExtHdrHopByHop(options=[s.RouterAlert(value=self.number("ipv6.opt.router_alert", 16))])

    def link(self):
        layer = Ether(src=LOCAL_MAC, dst=REMOTE_MAC)
        for _ in range(self.r.choice([0, 0, 0, 1, 2])):
            layer /= Dot1Q(vlan=self.number("vlan.id", 12), prio=self.number("vlan.priority", 3))
        return layer

    def frame(self, kind):
        """A frame around a message of this kind: in up to two tunnels, with the extension headers that suit it."""
        self.told = Told()
        frame = self.link()
        name, neighbour, extension, make = KINDS[kind]
        for _ in range(self.r.choice([0, 0, 0, 1, 2])):
            frame /= self.ip()
        frame /= self.ip(neighbour)
        if not neighbour and self.r.random() < 0.1:
            frame /= self.alert()
        if extension and self.r.random() < 0.7:
            frame /= getattr(self, extension)()
        frame /= make(self)
        return name, frame


# What each message is called, whether routers must not have forwarded it, the extension header that may be before it.
KINDS = [
    ("BRR", False, None, Builder.refresh_request),
    ("HoTI", False, None, lambda b: b.test_init(s.MIP6MH_HoTI, "hoti")),
    ("CoTI", False, None, lambda b: b.test_init(s.MIP6MH_CoTI, "coti")),
    ("HoT", False, None, lambda b: b.test(s.MIP6MH_HoT, "hot")),
    ("CoT", False, None, lambda b: b.test(s.MIP6MH_CoT, "cot")),
    ("BU", False, "home_option", Builder.update),
    ("BA", False, "routing", Builder.acknowledgement),
    ("BE", False, None, Builder.error),
    ("RA", True, None, Builder.advertisement),
    ("NS", True, None, Builder.neighbor),
    ("NA", True, None, Builder.neighbor_answer),
    ("DHAAD request", False, None, Builder.agents_request),
    ("DHAAD reply", False, None, Builder.agents_reply),
    ("MPS", False, "home_option", Builder.prefix_solicitation),
    ("MPA", False, "routing", Builder.prefix_advertisement),
    ("Echo to the home address", False, "routing", Builder.echo),
    ("Echo from the home address", False, "home_option", Builder.echo),
    ("UDP to the home address", False, "routing", Builder.datagram),
    ("UDP from the home address", False, "home_option", Builder.datagram),
]


def build(seed, count, pcap, lines):
    builder = Builder(seed)
    frames = []
    with open(lines, "w", encoding="utf-8") as out:
        for i in range(count):
            name, frame = builder.frame(i % len(KINDS))
            frames.append(frame)
            # What was not told must not be there.
            for field in ("ipv6.opt.mipv6.home_address", "ipv6.routing.mipv6.home_address", "mip6.acoa.acoa", "mip6.bad.auth", "vlan.id"):
                builder.told.fields.setdefault(field, [])
            out.write(json.dumps({"name": name, "fields": builder.told.fields}) + "\n")
    wrpcap(pcap, frames)


# -- the other way: what scapy reads

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
    told = Told()
    names = []
    layer = frame
    while layer and not isinstance(layer, s._ICMPv6Error):
        if type(layer) in LAYERS:
            LAYERS[type(layer)](layer, told.put)
            names.append(type(layer).__name__)
        for option in getattr(layer, "options", []) if type(layer) in MESSAGES else []:
            # scapy takes one octet too many for a link-layer address and is lost behind it.
            if isinstance(option, s.MIP6OptLLAddr):
                break
            if type(option) in MOBILITY_OPTIONS:
                MOBILITY_OPTIONS[type(option)](option, told.put)
        layer = layer.payload
    return names[-1] if names else "nothing", told.fields, bool(layer)


def lost(frame):
    """Whether scapy cannot count the mobility options of this frame."""
    layer = frame
    while layer:
        if type(layer) in MESSAGES and any(isinstance(o, s.MIP6OptLLAddr) for o in layer.options):
            return True
        layer = layer.payload
    return False


def dissect(pcap, lines):
    with open(lines, "w", encoding="utf-8") as out:
        for frame in rdpcap(pcap):
            name, fields, quotes = values(frame)
            if lost(frame):
                fields = {k: v for k, v in fields.items() if not k.startswith(("mip6.bra", "mip6.acoa", "mip6.ni", "mip6.nemo.mnp", "mip6.bad"))}
            if quotes:
                fields = {}
            out.write(json.dumps({"name": name, "fields": fields}) + "\n")


if __name__ == "__main__":
    if sys.argv[1] == "build":
        build(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5])
    elif sys.argv[1] == "dissect":
        dissect(sys.argv[2], sys.argv[3])
    else:
        sys.exit(__doc__)
