#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Second opinion on a capture of resources/scenarios/intra-map-handover.json.

Judges order, addresses and timing of all messages by the RFCs and shares nothing with the C++ code. check_capture.py FILE
prints a table and exits 0, or lists every violation (frame, link, what) and exits 1. With --self-test it also spoils the capture in many ways; each of these copies must be refused.
"""
import argparse
import collections
import functools
import struct
import sys
from ipaddress import IPv6Address as Ip

from ipv6_frames import ALL_NODES, BA, BU, MLD2, MLD_QUERY, NA, NONE, NS, RA, RS, UNREACHABLE, Bad, Packet, need, read_pcapng, solicited

LINKS = ["home", "core", "domain", "w1", "w2"]
HOA, HA, CN = Ip("2001:db8:100::1:1"), Ip("2001:db8:100::1"), Ip("2001:db8:200::c")
MAP = Ip("2001:db8:300::1")
ROUTERS = {"w1": Ip("2001:db8:a1::1"), "w2": Ip("2001:db8:a2::1")}
DOMAIN_PREFIX = Ip("2001:db8:300::")

MS = 1_000_000
S = 1000 * MS
DETACH, ATTACH, END = 10 * S, 10 * S + 100 * MS, 20 * S
# Real time on TAP: what a loaded machine may add to an instant; one-way delay of a wireless link of the scenario.
SLACK, WIRELESS = 60 * MS, 2 * MS
# Virtual runs start at this instant (resources/decisions/0004) and keep time exactly.
VIRTUAL_START = 1_767_225_600 * S


def prefix64(address):
    return Ip(int(address) >> 64 << 64)


@functools.lru_cache(maxsize=None)
def decode(raw, start):
    """The spoilt copies of the self-test share nearly all their frames."""
    return Packet(raw, start)


# -- The scenario

class Checker:
    def __init__(self, links, raws):
        self.violations, self.packets = [], []
        if links != LINKS:
            self.say(None, f"interface blocks are {links}, not {LINKS}")
        start = min((raw.time for raw in raws), default=0) - WIRELESS
        virtual = VIRTUAL_START <= start + WIRELESS < VIRTUAL_START + S
        self.second = S if virtual else S - SLACK // 2
        previous = 0
        for raw in raws:
            if raw.time < previous:
                self.violations.append(f"frame {raw.number} {raw.link}: its time is before the previous frame's")
            previous = raw.time
            try:
                self.packets.append(decode(raw, start))
            except (Bad, struct.error, IndexError, ValueError) as problem:
                self.violations.append(f"frame {raw.number} {raw.link}: {problem}")

        self.by_type = collections.defaultdict(list)
        for p in self.packets:
            if p.kind[0] == "icmp":
                self.by_type[p.kind[1]].append(p)

    def say(self, packet, text):
        self.violations.append(f"frame {packet.number} {packet.link}: {text}" if packet else f"capture: {text}")

    def expect(self, condition, packet, text):
        if not condition:
            self.say(packet, text)

    def find(self, text, test, after=0):
        """The first packet behind number `after` that the test is true for; its absence is a violation."""
        for packet in self.packets:
            if packet.number > after and test(packet):
                return packet
        raise Bad(f"missing: {text}")

    def icmp(self, kind, link=None):
        return [p for p in self.by_type[kind] if link in (None, p.link)]

    def run(self):
        for step in (self.addresses, self.advertisements, self.solicitations, self.duplicate_detection, self.signalling, self.probes,
                     self.gap):
            try:
                step()
            except Bad as problem:
                self.say(None, str(problem))
        return self.violations

    def addresses(self):
        """One sender per link and link-layer address; each owner keeps its address; receivers exist."""
        macs = collections.defaultdict(set)
        for p in self.packets:
            macs[p.eth_src].add(p.link)
        # The stations of the lab: nine fixed ports and the mobile node's interface.
        self.mn = next((mac for mac, links in macs.items() if links & {"w1", "w2"} and mac not in
                        {p.eth_src for p in self.icmp(RA)}), None)
        need(self.mn is not None, "no mobile node on w1 or w2")
        owners = {}
        for p in self.packets:
            self.expect(p.eth_src == self.mn or len(macs[p.eth_src]) == 1, p, "one Ethernet address on several links")
            self.expect(p.eth_dst[0] & 1 or p.link in macs.get(p.eth_dst, ()), p, "sent to an Ethernet address nobody has")
            if p.kind[0] == "icmp" and p.src != NONE and p.kind[1] != UNREACHABLE:
                owner = owners.setdefault((p.link, p.src), p.eth_src)
                self.expect(owner == p.eth_src, p, f"{p.src} changes its Ethernet address")
            if p.is_icmp(NA) and p.answer:
                self.expect(p.src == p.target, p, "answer to an NS from another address than the target")
                asked = any(ns.target == p.target and ns.src == p.dst and ns.number < p.number for ns in self.icmp(NS, p.link))
                self.expect(asked, p, "answer that nobody asked for")
                self.expect(p.router == (p.eth_src != self.mn and p.src != CN), p, "router flag of the NA")
        self.expect(len(macs) == 10, None, f"{len(macs)} stations send, not 10")

    def advertisements(self):
        for link, address in ROUTERS.items():
            seen = self.icmp(RA, link)
            self.expect(len(seen) > 100, None, f"only {len(seen)} router advertisements on {link}")
            for p in seen:
                self.expect(p.src.is_link_local and p.dst == ALL_NODES, p, "RA: source or destination")
                hops, flags, lifetime, reachable, retrans = struct.unpack("!BBHII", p.head)
                self.expect(hops in (0, 64) and flags == 0 and lifetime > 0 and retrans == 0 and reachable == 0, p, "RA: fixed fields")
                self.expect(sorted(p.options) == [1, 3, 7, 23] and all(len(v) == 1 for v in p.options.values()), p,
                            f"RA: options {sorted(p.options)}, not SLLAO, prefix, interval, MAP (HMIP-AR-01)")
                prefix, interval, anchor = (p.options.get(kind, [b""])[0] for kind in (3, 7, 23))
                self.expect(prefix[:4] == bytes([3, 4, 64, 0xE0]) and prefix[16:] == address.packed, p, "prefix: L A R and full address")
                if len(prefix) == 32:
                    valid, preferred = struct.unpack_from("!II", prefix, 4)
                    self.expect(0 < preferred <= valid, p, "prefix: lifetimes")
                self.expect(interval == b"\x07\x01\0\0" + struct.pack("!I", 170), p, "Advertisement Interval is not 150 + 20 ms (RFC 6275 §7.5)")
                self.expect(anchor == b"\x17\x03\x2a\x80" + struct.pack("!I", 3600) + MAP.packed, p, "MAP option: fields")
            for one, two in zip(seen, seen[1:]):
                self.expect(30 * MS - SLACK <= two.time - one.time <= 150 * MS + SLACK, two, f"RA {(two.time - one.time) / S:.3f} s after the last")
        self.expect(not self.icmp(RA, "core") + self.icmp(RA, "domain") + self.icmp(RA, "home"), None, "RA on a link without advertising router")
        asked = [p.link for p in self.icmp(MLD_QUERY)]
        self.expect(asked == ["core", "domain", "w1"], None, f"listener queries on {asked}, not one from the home agent to the mobile node")
        self.expect(len(self.icmp(RS)) == 2, None, f"{len(self.icmp(RS))} router solicitations, not one per link")

    def solicitations(self):
        """Every NS from an address is answered, except for an MN that is away and a home address without a proxy."""
        registered = next((p.number for p in self.icmp(NA, "home")), 1 << 60)
        for ns in self.icmp(NS):
            if ns.src == NONE or END - ns.time < 100 * MS:
                continue
            gone = ns.link == "w1" and ns.time >= DETACH - SLACK and ns.eth_src != self.mn
            unproxied = ns.link == "home" and ns.target == HOA and ns.number < registered
            answered = any(na.answer and na.target == ns.target and na.dst == ns.src and 0 <= na.time - ns.time < 100 * MS + SLACK
                           and na.number > ns.number for na in self.icmp(NA, ns.link))
            self.expect(answered or gone or unproxied, ns, f"nobody answers for {ns.target}")
        for p in self.icmp(UNREACHABLE):
            self.expect(p.link == "core" and p.dst == CN and p.time < 5 * S, p, "Destination Unreachable")

    def duplicate_detection(self):
        """Groups are joined first; one NS for each new address; nobody defends it."""
        expected = {("w1", "link"): 1, ("w1", "care-of"): 1, ("w2", "link"): 1, ("w2", "care-of"): 1, ("domain", "regional"): 1, ("home", "home"): 1}
        seen = collections.Counter()
        for ns in (p for p in self.icmp(NS) if p.src == NONE):
            kind = ("link" if ns.target.is_link_local else "home" if ns.target == HOA else
                    "regional" if prefix64(ns.target) == DOMAIN_PREFIX else "care-of")
            seen[ns.link, kind] += 1
            joined = any(m.number < ns.number and m.eth_src == ns.eth_src and m.groups.get(solicited(ns.target), (0, 1)) == (4, 0)
                         for m in self.icmp(MLD2, ns.link))
            self.expect(joined, ns, "DAD before the MLD report for its group (MN-DAD-06)")
            defended = any(na.target == ns.target and na.number > ns.number and na.time - ns.time < S - SLACK for na in self.icmp(NA, ns.link))
            self.expect(not defended, ns, "the tentative address is advertised within the second of DAD")
        for link in ROUTERS:
            self.find(f"MLD report from the mobile node's link-local address on {link} (RFC 3590 §4)", lambda p, link=link: p.link == link
                      and p.is_icmp(MLD2) and p.eth_src == self.mn and p.src.is_link_local)
        self.expect(dict(seen) == expected, None, f"duplicate address detections: {dict(seen)}")

    def register_local(self, link, after):
        router, router_lla = ROUTERS[link], self.find(f"RA on {link}", lambda p: p.link == link and p.is_icmp(RA)).eth_src
        hint = self.find(f"RS on {link}", lambda p: p.link == link and p.is_icmp(RS), after)
        # A frame stands in the capture when it arrives: an RA may be heard while the RS is on its way.
        advert = self.find(f"RA on {link} behind the attachment", lambda p: p.link == link and p.is_icmp(RA) and p.time >= hint.time - WIRELESS)
        # On TAP both instants are those of a kernel bridge: a frame that a busy machine handed over late shortens the second.
        dad = self.find(f"DAD of the care-of address on {link}", lambda p: p.link == link and p.is_icmp(NS) and p.src == NONE
                        and prefix64(p.target) == prefix64(router), advert.number)
        update = self.find(f"local BU on {link}", lambda p: p.link == link and p.is_mh(BU) and len(p.layers) == 1, after)
        self.expect(update.number > dad.number and update.time - dad.time >= self.second, update, "local BU less than 1 s after its DAD NS (MN-DAD-01)")
        self.expect(update.flags == 0x8800 and update.eth_dst == router_lla, update, "local BU: flags are not A and M, or not by way of the router")
        self.expect((update.src, update.dst) == (dad.target, MAP), update, "local BU: source LCoA, destination MAP")
        self.expect(prefix64(update.inner.hao) == DOMAIN_PREFIX and 3 not in update.options, update, "local BU: HAO is the RCoA, no Alternate CoA")
        self.expect(0 < update.lifetime * 4 <= 3600, update, "local BU: lifetime beyond that of the MAP option (HMIP-MN-16)")
        self.forwarded(update, link)
        answer = self.find(f"local BA on {link}", lambda p: p.link == link and p.is_mh(BA) and len(p.layers) == 1, update.number)
        self.expect((answer.src, answer.dst, answer.inner.rh2) == (MAP, update.src, update.inner.hao), answer, "local BA: addresses or routing header")
        self.expect((answer.sequence, answer.status) == (update.sequence, 0) and 0 < answer.lifetime <= update.lifetime, answer, "local BA: sequence, status, lifetime")
        self.forwarded(answer, link)
        return update, answer

    def forwarded(self, packet, link):
        """The same message stands on `domain`, one hop nearer to or farther from its source, on the right side in time."""
        towards_map = packet.dst == MAP
        twins = [p for p in self.packets if p.link == "domain" and p.kind == packet.kind and p.sequence == packet.sequence and
                 len(p.layers) == len(packet.layers) and (p.src, p.dst) == (packet.src, packet.dst)]
        self.expect(len(twins) == 1, packet, f"{len(twins)} copies on domain, not 1")
        for twin in twins:
            self.expect((twin.number > packet.number) == towards_map, packet, "copy on domain in the wrong order")
            self.expect(twin.layers[0].hops - packet.layers[0].hops == (-1 if towards_map else 1), packet, "hop limit against the copy on domain")

    def signalling(self):
        first, granted = self.register_local("w1", 0)
        second, again = self.register_local("w2", granted.number)
        self.local, self.rcoa = {"w1": first.src, "w2": second.src}, first.inner.hao
        self.expect(second.inner.hao == self.rcoa and second.src != first.src, second, "the RCoA changes, or the LCoA does not")
        self.expect((second.sequence - first.sequence) % 65536 == 1, second, "sequence number does not follow")
        self.expect(again.time - second.time < 100 * MS + SLACK, again, "second registration takes as long as one with DAD")
        on_domain = self.find("BU on domain", lambda p: p.link == "domain" and p.is_mh(BU))
        dad = self.find("MAP's DAD NS for the RCoA", lambda p: p.link == "domain" and p.is_icmp(NS) and p.src == NONE and p.target == self.rcoa, on_domain.number)
        self.announce("domain", dad, self.rcoa, self.find("BA on domain", lambda p: p.link == "domain" and p.is_mh(BA)))
        self.home_registration(first, granted)
        updates, answers = ([p for p in self.packets if p.is_mh(kind)] for kind in (BU, BA))
        self.expect(len(updates) == 2 * 2 + 3, None, f"{len(updates)} Binding Updates on the links, not 7 (two local, one home)")
        self.expect(len(answers) == 2 * 2 + 3, None, f"{len(answers)} Binding Acknowledgements on the links, not 7")
        for p in updates:
            self.expect(p.time < DETACH or p.inner.dst == MAP, p, "Binding Update to the home agent after a move inside the domain (HMIP-MN-17)")

    def announce(self, link, dad, address, answer):
        na = self.find(f"NA for {address} on {link}", lambda p: p.link == link and p.is_icmp(NA) and p.target == address, dad.number)
        self.expect((na.router, na.answer, na.override, na.dst) == (False, False, True, ALL_NODES), na, "proxy NA: R=0 S=0 O=1 to all nodes")
        self.expect(na.time - dad.time >= self.second and na.number < answer.number, na, "proxy NA: after DAD, before the acknowledgement")
        self.expect(na.eth_src == dad.eth_src, na, "proxy NA by another station than the one of the DAD")

    def home_registration(self, local, granted):
        route = [("w1", [(local.src, MAP), (self.rcoa, HA)]), ("domain", [(local.src, MAP), (self.rcoa, HA)]), ("core", [(self.rcoa, HA)])]
        after, updates = granted.number, []
        for (link, addresses), hops in zip(route, ([64, 64], [63, 64], [63])):
            update = self.find(f"home BU on {link}", lambda p: p.link == link and p.is_mh(BU) and p.inner.hao == HOA, after)
            self.expect([(layer.src, layer.dst) for layer in update.layers] == addresses, update, "home BU: addresses of the headers")
            self.expect([layer.hops for layer in update.layers] == hops, update, "home BU: hop limits")
            self.expect(update.flags == 0xC000 and update.options.get(3) == [self.rcoa.packed], update, "home BU: flags A and H, Alternate CoA = RCoA")
            self.expect(update.lifetime <= granted.lifetime, update, "home BU: lifetime beyond the one the MAP granted (HMIP-MN-15)")
            after = update.number
            updates.append(update)
        dad = self.find("HA's DAD NS for the home address", lambda p: p.link == "home" and p.is_icmp(NS) and p.src == NONE and p.target == HOA, after)
        for (link, addresses), hops in zip(reversed(route), ([64], [64, 63], [63, 63])):
            answer = self.find(f"home BA on {link}", lambda p: p.link == link and p.is_mh(BA) and p.inner.rh2 == HOA, after)
            self.expect([(layer.dst, layer.src) for layer in answer.layers] == addresses, answer, "home BA: addresses of the headers")
            self.expect([layer.hops for layer in answer.layers] == hops, answer, "home BA: hop limits")
            self.expect(answer.sequence == updates[0].sequence and answer.status == 0 and 0 < answer.lifetime <= updates[0].lifetime, answer, "home BA: sequence, status, lifetime")
            if link == "core":
                self.announce("home", dad, HOA, answer)
                self.bound = answer.number
            after = answer.number
        self.registered = after

    def probes(self):
        """Every probe of a quiet time passes all links in order and its answer all of them back."""
        need(hasattr(self, "registered"), "probes not checked: the registrations are not complete")
        copies = collections.defaultdict(list)
        for p in self.packets:
            if p.kind[0] == "udp":
                copies[p.probe[8:20]].append(p)  # serial and time of sending
        self.resumed, self.complete = None, 0
        for group in copies.values():
            for p in group:
                self.probe_path(p)
            if group[0].time >= DETACH and len(group) == 8 and self.resumed is None:
                self.resumed = group[3].time
            calm = any(a <= group[0].time <= b for a, b in ((4 * S, DETACH - 300 * MS), (ATTACH + 2 * S, END - 300 * MS)))
            if calm:
                wireless = "w1" if group[0].time < DETACH else "w2"
                there, back = ["core", "core", "domain", wireless], [wireless, "domain", "core", "core"]
                self.expect([p.link for p in group] == there + back, group[0], f"probe passes {[p.link for p in group]}")
                hops = [[layer.hops for layer in p.layers] for p in group]
                right = len(group) == 8 and [h[-1] for h in hops] == [64] + [63] * 3 + [64] * 3 + [63] and hops[2][0] == hops[3][0] + 1 and hops[4][0] == hops[5][0] + 1
                self.expect(right, group[0], f"probe: hop limits {hops}")
                self.complete += 1
        self.expect(self.complete > 600, None, f"only {self.complete} probes in the quiet times")
        self.expect(self.resumed is not None and ATTACH + S <= self.resumed <= ATTACH + S + 300 * MS + SLACK, None,
                    f"traffic resumes {(self.resumed or 0) / S:.3f} s, not 1.0 to 1.3 s after the attachment")

    def probe_path(self, p):
        pairs = [(layer.src, layer.dst) for layer in p.layers]
        down = pairs[-1] == (CN, HOA)
        self.expect(down or pairs[-1] == (HOA, CN), p, "probe: innermost header")
        self.expect(p.kind[1] == ((52000, 52001) if down else (52001, 52000)) , p, f"probe: ports {p.kind[1]}")
        if not down:
            pairs = [(dst, src) for src, dst in pairs]
        local = [self.local["w2" if p.link == "w2" else "w1"]] if p.link != "domain" else list(self.local.values())
        if p.link == "core":
            right = len(pairs) == 1 or pairs == [(HA, self.rcoa), (CN, HOA)]
        else:
            right = any(pairs == [(MAP, lcoa), (HA, self.rcoa), (CN, HOA)] for lcoa in local)
        if not right or p.link == "home":
            self.say(p, "probe: tunnel headers " + ", ".join(f"{a} > {b}" for a, b in pairs))
        self.expect(len(pairs) == 1 or p.number > (self.bound if down else self.registered), p, "tunnelled before the registration")

    def gap(self):
        for p in self.packets:
            if p.eth_src == self.mn:
                self.expect(p.link == "w1" if p.time < DETACH + WIRELESS + SLACK else p.link == "w2", p, "mobile node heard on the wrong link")
                self.expect(not DETACH + WIRELESS < p.time - 0 < ATTACH - SLACK // 10, p, "mobile node heard while detached")


def check(links, raws):
    checker = Checker(links, raws)
    return checker.run(), checker


# -- Does the check notice? Spoilt copies of the capture, each of which it must refuse

def edited(raws, index, data):
    return raws[:index] + [raws[index]._replace(data=data)] + raws[index + 1:]


def flipped(raws, index, offset):
    data = bytearray(raws[index].data)
    data[offset] ^= 1
    return edited(raws, index, bytes(data))


def spoilt_copies(links, raws, packets):
    """Yields (what is wrong, links, frames). The frames that are spoilt are chosen by what they are."""
    def where(test):
        return next(p.number - 1 for p in packets if test(p))

    messages = {
        "RS": where(lambda p: p.is_icmp(RS)), "RA": where(lambda p: p.is_icmp(RA)), "MLD report": where(lambda p: p.is_icmp(MLD2)),
        "DAD NS": where(lambda p: p.is_icmp(NS) and p.src == NONE and not p.target.is_link_local),
        "NS": where(lambda p: p.is_icmp(NS) and p.link == "domain" and p.src != NONE),
        "NA": where(lambda p: p.is_icmp(NA) and p.link == "domain" and p.answer),
        "proxy NA": where(lambda p: p.is_icmp(NA) and p.link == "home"),
        "local BU": where(lambda p: p.is_mh(BU) and p.link == "w1"), "local BA": where(lambda p: p.is_mh(BA) and p.link == "w1"),
        "home BU": where(lambda p: p.is_mh(BU) and len(p.layers) == 2), "home BA": where(lambda p: p.is_mh(BA) and p.inner.rh2 == HOA),
        "second local BU": where(lambda p: p.is_mh(BU) and p.link == "w2"), "second local BA": where(lambda p: p.is_mh(BA) and p.link == "w2"),
        "tunnelled probe": where(lambda p: p.kind[0] == "udp" and p.link == "domain" and p.time > 5 * S),
        "tunnelled answer": where(lambda p: p.kind[0] == "udp" and p.link == "w2" and p.inner.src == HOA and p.time > 13 * S),
    }
    for name, index in messages.items():
        yield f"{name}: last octet", links, flipped(raws, index, len(raws[index].data) - 1)
        yield f"{name}: source address", links, flipped(raws, index, 37)
        yield f"{name}: payload length", links, flipped(raws, index, 19)
        yield f"{name}: hop limit", links, flipped(raws, index, 21)
        yield f"{name}: one octet too many", links, edited(raws, index, raws[index].data + b"\0")
        yield f"{name}: Ethernet destination", links, flipped(raws, index, 5)
        if name != "RA":  # one of hundreds
            yield f"{name}: not there", links, raws[:index] + raws[index + 1:]
        yield f"{name}: on another link", links, raws[:index] + [raws[index]._replace(link="core" if raws[index].link != "core" else "w1")] + raws[index + 1:]
    for one, two in (("DAD NS", "local BU"), ("local BU", "local BA"), ("proxy NA", "home BA"), ("local BA", "home BU"), ("second local BU", "second local BA"),
                     ("MLD report", "DAD NS")):
        a, b = messages[one], messages[two]
        yield f"{one} and {two} change places", links, edited(edited(raws, a, raws[b].data), b, raws[a].data)
    late = [raw._replace(time=raw.time - 40 * MS) if i >= messages["local BU"] else raw for i, raw in enumerate(raws)]
    yield "the first BU and all that follows 40 ms early", links, late
    yield "two links change names", ["home", "core", "domain", "w2", "w1"], raws
    yield "no second half", links, raws[:len(raws) // 2]
    again = raws[messages["home BU"]]._replace(time=raws[-1].time)
    yield "a home BU after the handover", links, raws + [again]


def self_test(links, raws, packets):
    blind = []
    count = 0
    for name, some_links, some_raws in spoilt_copies(links, raws, packets):
        count += 1
        if not check(some_links, some_raws)[0]:
            blind.append(name)
    print(f"self-test: {count} spoilt copies, {count - len(blind)} refused")
    for name in blind:
        print(f"not noticed: {name}")
    return not blind and count > 100


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("capture")
    parser.add_argument("--self-test", action="store_true", help="also spoil copies of the capture, which must be refused")
    arguments = parser.parse_args()
    try:
        with open(arguments.capture, "rb") as file:
            links, raws = read_pcapng(file.read())
    except (OSError, Bad, struct.error) as problem:
        print(f"{arguments.capture}: {problem}")
        return 1
    violations, checker = check(links, raws)
    for line in violations:
        print(line)
    if violations:
        print(f"{len(violations)} violations in {len(raws)} frames")
        return 1
    kinds = collections.Counter((p.link, p.kind if p.kind[0] != "udp" else ("udp", "probe")) for p in checker.packets)
    names = {("icmp", UNREACHABLE): "unreachable", ("icmp", RS): "RS", ("icmp", RA): "RA", ("icmp", NS): "NS", ("icmp", NA): "NA",
             ("icmp", MLD2): "MLD", ("mh", BU): "BU", ("mh", BA): "BA", ("udp", "probe"): "probe"}
    print("link    " + "".join(f"{name:>13}" for name in names.values()))
    for link in LINKS:
        print(f"{link:8}" + "".join(f"{kinds[link, kind]:>13}" for kind in names))
    print(f"fine: {len(raws)} frames, {checker.complete} probes followed over all links, traffic back {(checker.resumed - ATTACH) / S:.3f} s after the attachment")
    return 0 if not arguments.self_test or self_test(links, raws, checker.packets) else 1


if __name__ == "__main__":
    sys.exit(main())
