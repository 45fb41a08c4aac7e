# SPDX-License-Identifier: GPL-3.0-or-later
"""pcapng reader and decoder of IPv6, ICMPv6, MLD, Mobility Header and UDP for check_capture.py.

Written from the RFCs, sharing nothing with the C++ code. It refuses (Bad) whatever has no place in the sample scenario.
"""
import collections
import struct
from ipaddress import IPv6Address as Ip

NONE, ALL_NODES, MLD_ROUTERS = Ip("::"), Ip("ff02::1"), Ip("ff02::16")
RS, RA, NS, NA, MLD_QUERY, MLD2, UNREACHABLE = 133, 134, 135, 136, 130, 143, 1
BU, BA = 5, 6


class Bad(Exception):
    """What is wrong with the frame that is being decoded."""


def need(condition, text):
    if not condition:
        raise Bad(text)


def solicited(target):
    return Ip(int(Ip("ff02::1:ff00:0")) | int(target) & 0xFFFFFF)


# -- pcapng (draft-ietf-opsawg-pcapng), little endian or big endian as the section header says

Raw = collections.namedtuple("Raw", "number link time data")


def read_pcapng(data):
    links, resolutions, frames, pos, order = [], [], [], 0, "<"
    while pos < len(data):
        if data[pos:pos + 4] == b"\n\r\r\n":
            need(pos == 0, "more than one section")
            order = "<" if data[8:12] == b"\x4d\x3c\x2b\x1a" else ">"
        kind, size = struct.unpack_from(order + "II", data, pos)
        need(size >= 12 and size % 4 == 0 and pos + size <= len(data), f"block at {pos}: length {size}")
        need(struct.unpack_from(order + "I", data, pos + size - 4)[0] == size, f"block at {pos}: the two lengths differ")
        body = data[pos + 8:pos + size - 4]
        if kind == 1:
            need(struct.unpack_from(order + "H", body)[0] == 1, "an interface is not Ethernet")
            options, at = {}, 8
            while at + 4 <= len(body):
                code, length = struct.unpack_from(order + "HH", body, at)
                if code == 0:
                    break
                options[code] = body[at + 4:at + 4 + length]
                at += 4 + (length + 3 & ~3)
            links.append(options.get(2, b"").decode())
            exponent = options.get(9, b"\x06")[0]
            need(exponent <= 9, "a time resolution that is no power of ten up to 1 ns")
            resolutions.append(10 ** (9 - exponent))
        elif kind == 6:
            interface, high, low, captured, length = struct.unpack_from(order + "IIIII", body)
            need(captured == length, f"frame {len(frames) + 1} is cut off")
            time = (high << 32 | low) * resolutions[interface]
            frames.append(Raw(len(frames) + 1, links[interface], time, body[20:20 + captured]))
        pos += size
    return links, frames


# -- Frames

class Layer:
    """One IPv6 header with its extension headers."""
    hao = rh2 = None
    router_alert = False


class Packet:
    def __init__(self, raw, start):
        self.number, self.link, self.time = raw.number, raw.link, raw.time - start
        self.eth_dst, self.eth_src = raw.data[:6], raw.data[6:12]
        need(len(raw.data) >= 54 and raw.data[12:14] == b"\x86\xdd", "not an IPv6 frame")
        self.layers, self.kind, self.options = [], None, {}
        self.read_ipv6(raw.data[14:])
        outer = self.layers[0]
        self.src, self.dst = outer.src, outer.dst
        if self.dst.is_multicast:
            need(self.eth_dst == b"\x33\x33" + self.dst.packed[12:], "wrong Ethernet address for the group (RFC 2464 §7)")
        else:
            need(not self.eth_dst[0] & 1, "unicast packet in a multicast frame")
        need(not self.eth_src[0] & 1, "multicast Ethernet source")
        need(not self.src.is_multicast, "multicast IPv6 source")

    @property
    def inner(self):
        return self.layers[-1]

    def is_icmp(self, kind):
        return self.kind == ("icmp", kind)

    def is_mh(self, kind):
        return self.kind == ("mh", kind)

    def read_ipv6(self, data):
        need(len(data) >= 40 and data[0] >> 4 == 6, "no IPv6 header")
        length, upper, hops = struct.unpack_from("!HBB", data, 4)
        need(length == len(data) - 40, f"IPv6 payload length {length}, there are {len(data) - 40} octets")
        layer = Layer()
        layer.src, layer.dst, layer.hops = Ip(data[8:24]), Ip(data[24:40]), hops
        need(hops > 0, "hop limit 0")
        self.layers.append(layer)
        data = data[40:]
        while upper in (0, 43, 60):
            size = 8 * (data[1] + 1)
            need(size <= len(data), "extension header runs past the packet")
            self.read_extension(layer, upper, data[:size])
            upper, data = data[0], data[size:]
        if upper == 41:
            need(len(self.layers) < 3, "more than two tunnels")
            self.read_ipv6(data)
        elif upper == 58:
            self.check_sum(layer, 58, data)
            self.read_icmp(layer, data)
        elif upper == 135:
            self.check_sum(layer, 135, data)
            self.read_mh(data)
        elif upper == 17:
            need(struct.unpack_from("!H", data, 4)[0] == len(data), "UDP length")
            need(data[6:8] != b"\0\0", "UDP without checksum (RFC 8200 §8.1)")
            self.check_sum(layer, 17, data)
            self.kind, self.probe = ("udp", struct.unpack_from("!HH", data)), data[8:]
        else:
            raise Bad(f"next header {upper}")

    @staticmethod
    def read_extension(layer, kind, data):
        if kind == 43:
            need(data[1:8] == b"\x02\x02\x01\0\0\0\0", "routing header is not type 2 with one segment left (RFC 6275 §6.4)")
            layer.rh2 = Ip(data[8:24])
            return
        at = 2
        while at < len(data):
            option = data[at]
            if option == 0:
                at += 1
                continue
            need(at + 2 <= len(data) and at + 2 + data[at + 1] <= len(data), "option runs past its header")
            value = data[at + 2:at + 2 + data[at + 1]]
            if option == 1:
                need(not any(value), "PadN is not zero")
            elif option == 0xC9 and kind == 60:
                need(len(value) == 16 and at % 8 == 6, "Home Address option: length or alignment (8n+6)")
                need(layer.hao is None, "two Home Address options")
                layer.hao = Ip(value)
            elif option == 5 and kind == 0:
                need(value == b"\0\0" and at % 2 == 0, "router alert is not that of MLD (RFC 2711)")
                layer.router_alert = True
            else:
                raise Bad(f"option {option} in extension header {kind}")
            at += 2 + len(value)

    @staticmethod
    def check_sum(layer, upper, data):
        pseudo = (layer.hao or layer.src).packed + (layer.rh2 or layer.dst).packed + struct.pack("!II", len(data), upper)
        whole = pseudo + data + b"\0" * (len(data) % 2)
        total = sum(struct.unpack(f"!{len(whole) // 2}H", whole))
        while total >> 16:
            total = (total & 0xFFFF) + (total >> 16)
        need(total == 0xFFFF, f"wrong checksum of next header {upper}")

    def read_icmp(self, layer, data):
        kind, code = data[0], data[1]
        self.kind = ("icmp", kind)
        if kind == MLD2:
            need(layer.hops == 1 and layer.router_alert, "MLD without hop limit 1 and router alert (RFC 3810 §5)")
            need(layer.dst == MLD_ROUTERS and (layer.src == NONE or layer.src.is_link_local), "MLDv2 report: addresses")
            self.groups, at = {}, 8
            for _ in range(struct.unpack_from("!H", data, 6)[0]):
                record, auxiliary, sources = struct.unpack_from("!BBH", data, at)
                need(1 <= record <= 6 and auxiliary == 0, "MLDv2 record")
                self.groups[Ip(data[at + 4:at + 20])] = (record, sources)
                at += 20 + 16 * sources
            need(at == len(data) and code == 0, "MLDv2 report: length or code")
        elif kind == MLD_QUERY:
            need(len(self.layers) > 1, "listener query that is not for a mobile node in its tunnel (RFC 6275 §10.4.3)")
            need(layer.hops == 1 and layer.router_alert, "MLD without hop limit 1 and router alert (RFC 3810 §5)")
            need(layer.dst == ALL_NODES and layer.src.is_link_local and code == 0, "listener query: addresses or code")
            need(len(data) == 28 and not any(data[8:24]) and data[26:28] == b"\0\0", "listener query: not a general one")
            need(data[4:6] != b"\0\0" and data[24] & 15 == 2 and data[25] == 125, "listener query: response time, robustness or interval (RFC 3810 §9)")
        elif kind in (RS, RA, NS, NA):
            need(layer.hops == 255, "Neighbor Discovery with hop limit other than 255")
            need(code == 0 and len(self.layers) == 1 and not layer.hao and not layer.rh2, "ND: code, tunnel or mobility header")
            self.read_nd(kind, layer, data)
        elif kind == UNREACHABLE:
            need(code == 3 and data[4:8] == b"\0\0\0\0" and data[8] >> 4 == 6, "Destination Unreachable: code or content")
            need(len(data) + 40 <= 1280, "ICMPv6 error longer than 1280 octets")
            need(Ip(data[16:32]) == layer.dst, "ICMPv6 error sent to somebody else than the source")
        else:
            raise Bad(f"ICMPv6 type {kind} has no place here")

    def read_nd(self, kind, layer, data):
        at = {RS: 8, RA: 16, NS: 24, NA: 24}[kind]
        if kind in (NS, NA):
            self.target = Ip(data[8:24])
            need(not self.target.is_multicast, "multicast target")
        self.head = data[4:at]
        while at < len(data):
            need(at + 2 <= len(data) and data[at + 1] > 0 and at + 8 * data[at + 1] <= len(data), "ND option length")
            self.options.setdefault(data[at], []).append(data[at:at + 8 * data[at + 1]])
            at += 8 * data[at + 1]
        for option in (1, 2):
            for value in self.options.get(option, []):
                need(value[2:] == self.eth_src, "link-layer address option differs from the sender's address")
        if kind == NS:
            need(data[4:8] == b"\0\0\0\0", "NS: reserved field")
            need(layer.src != NONE or layer.dst == solicited(self.target), "DAD NS not to the solicited-node group")
            need(not layer.dst.is_multicast or layer.dst == solicited(self.target), "NS to a wrong group")
            need((1 in self.options) == (layer.src != NONE), "SLLAO: none from ::, one otherwise (RFC 4861 §4.3)")
        if kind == NA:
            self.router, self.answer, self.override = (bool(data[4] & bit) for bit in (0x80, 0x40, 0x20))
            need(not (self.answer and layer.dst.is_multicast), "NA: solicited flag and multicast destination")
            need(2 in self.options and layer.src != NONE, "NA: no TLLAO or no source")
        if kind == RS:
            need(layer.src != NONE or 1 not in self.options, "RS from :: with SLLAO")

    def read_mh(self, data):
        need(len(data) >= 16 and len(data) == 8 * (data[1] + 1), "Mobility Header length")
        need(data[0] == 59 and data[3] == 0, "Mobility Header: payload proto or reserved octet")
        need(data[2] in (BU, BA), f"Mobility Header type {data[2]} has no place here")
        self.kind = ("mh", data[2])
        need((self.inner.hao is not None) == (data[2] == BU), "Home Address option belongs in a BU only")
        need((self.inner.rh2 is not None) == (data[2] == BA), "routing header belongs in a BA only")
        first, second, self.lifetime = struct.unpack_from("!HHH", data, 6)
        self.sequence, self.flags = (first, second) if data[2] == BU else (second, first & 0xFF)
        self.status, at = first >> 8, 12
        while at < len(data):
            if data[at] == 0:
                at += 1
                continue
            need(at + 2 <= len(data) and at + 2 + data[at + 1] <= len(data), "mobility option length")
            value = data[at + 2:at + 2 + data[at + 1]]
            need(data[at] != 1 or not any(value), "PadN is not zero")
            need(data[at] != 3 or (len(value) == 16 and at % 8 == 6), "Alternate Care-of Address: length or alignment (8n+6)")
            if data[at] != 1:
                self.options.setdefault(data[at], []).append(value)
            at += 2 + len(value)
