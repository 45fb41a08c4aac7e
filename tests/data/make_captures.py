#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the small captures of tests/data/captures and the fuzz corpora of the two file formats.

good/   variants that every reader must read alike (byte orders, resolutions, link types)
odd/    readable, but something is not as it should be: every frame is delivered and the oddity is told
found/  what a mutant once brought down
bad/    broken: what stands before the break is delivered and its place is told
notes-le.pcapng, notes-be.pcapng   everything that pcapng can say beside frames

What each odd and bad one must give stands in tests/capture/test_malformed_captures.cpp. Run without arguments; needs zstd.
"""
import gzip
import shutil
import struct
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
OUT = HERE / "captures"
CORPUS = HERE.parent / "fuzz" / "corpus"
T0 = 1_700_000_000

MAC = bytes.fromhex("020000000002") + bytes.fromhex("020000000001")


def vectors():
    """The golden packets (raw IPv6) of vectors.pcap."""
    data = (HERE / "vectors.pcap").read_bytes()
    at, out = 24, []
    while at < len(data):
        size = struct.unpack_from("<I", data, at + 8)[0]
        out.append(data[at + 16:at + 16 + size])
        at += 16 + size
    return out


def binding_update():
    """The first golden packet whose next header chain ends in a Mobility Header of type 5."""
    for p in vectors():
        nh, at = p[6], 40
        while nh in (0, 43, 60):
            nh, at = p[at], at + (p[at + 1] + 1) * 8
        if nh == 135 and p[at + 2] == 5:
            return p
    raise SystemExit("no binding update in vectors.pcap")


BU = binding_update()


class File:
    def __init__(self, big=False):
        self.big, self.data = big, b""

    def pack(self, fmt, *values):
        return struct.pack((">" if self.big else "<") + fmt, *values)

    def add(self, fmt, *values):
        self.data += self.pack(fmt, *values)
        return self


class Pcap(File):
    def __init__(self, big=False, magic=0xA1B2C3D4, link=1, snap=65535, version=(2, 4)):
        super().__init__(big)
        self.add("IHHIIII", magic, *version, 0, 0, snap, link)

    def packet(self, frame, sec=T0, frac=0, captured=None, original=None, more=b""):
        captured = len(frame) if captured is None else captured
        self.add("IIII", sec, frac, captured, len(frame) if original is None else original)
        self.data += more + frame
        return self

    def three(self, frame, step=1000):
        for i in range(3):
            self.packet(frame, T0 + i, i * step)
        return self


def padded(b):
    return b + b"\0" * (-len(b) % 4)


class Ng(File):
    def __init__(self, big=False, section=True, **kw):
        super().__init__(big)
        if section:
            self.section(**kw)

    def option(self, code, value):
        return self.pack("HH", code, len(value)) + padded(value)

    def options(self, *pairs, end=True):
        return b"".join(self.option(c, v) for c, v in pairs) + (self.pack("HH", 0, 0) if end and pairs else b"")

    def block(self, kind, body, length=None, again=None):
        body = padded(body)
        length = len(body) + 12 if length is None else length
        self.add("II", kind, length)
        self.data += body
        return self.add("I", length if again is None else again)

    def section(self, length=-1, options=b"", version=(1, 0), order=0x1A2B3C4D, **kw):
        return self.block(0x0A0D0D0A, self.pack("IHHq", order, *version, length) + options, **kw)

    def interface(self, link=1, snap=0, options=b""):
        return self.block(1, self.pack("HHI", link, 0, snap) + options)

    def packet(self, frame, ticks=T0 * 10**6, interface=0, options=b"", captured=None, original=None, **kw):
        captured = len(frame) if captured is None else captured
        return self.block(6, self.pack("IIIII", interface, ticks >> 32, ticks & 0xFFFFFFFF, captured,
                                       len(frame) if original is None else original) + padded(frame) + options, **kw)

    def simple(self, frame, original=None):
        return self.block(3, self.pack("I", len(frame) if original is None else original) + frame)

    def obsolete(self, frame, ticks=T0 * 10**6, interface=0, drops=0xFFFF, options=b""):
        return self.block(2, self.pack("HHIIII", interface, drops, ticks >> 32, ticks & 0xFFFFFFFF, len(frame), len(frame)) + padded(frame) + options)

    def statistics(self, interface, ticks, options=b""):
        return self.block(5, self.pack("III", interface, ticks >> 32, ticks & 0xFFFFFFFF) + options)

    def names(self, records, options=b""):
        body = b"".join(self.option(k, v) for k, v in records) + self.pack("HH", 0, 0) + options
        return self.block(4, body)


def eth(p=BU):
    return MAC + b"\x86\xdd" + p


def good():
    out = {}
    for big in (False, True):
        order = "be" if big else "le"
        for nano in (False, True):
            magic = 0xA1B23C4D if nano else 0xA1B2C3D4
            out[f"ethernet-{order}-{'ns' if nano else 'us'}.pcap"] = Pcap(big, magic).three(eth())
    links = {
        "vlan": (1, MAC + b"\x81\x00\x00\x07\x86\xdd" + BU),
        "raw-12": (12, BU),
        "raw-101": (101, BU),
        "ipv6-229": (229, BU),
        "null-24": (0, struct.pack("<I", 24) + BU),
        "null-30": (0, struct.pack("<I", 30) + BU),
        "loop-108": (108, struct.pack(">I", 24) + BU),
        "sll": (113, struct.pack(">HHH", 0, 1, 6) + MAC[6:] + b"\0\0\x86\xdd" + BU),
        "sll2": (276, b"\x86\xdd\0\0" + struct.pack(">IHBB", 3, 1, 0, 6) + MAC[6:] + b"\0\0" + BU),
        "wifi": (105, b"\x08\x01\0\0" + MAC[:6] + MAC[6:] + MAC[:6] + b"\x10\0" + b"\xaa\xaa\x03\0\0\0\x86\xdd" + BU),
        "radiotap": (127, b"\0\0\x08\0\0\0\0\0" + b"\x08\x01\0\0" + MAC[:6] + MAC[6:] + MAC[:6] + b"\x10\0" + b"\xaa\xaa\x03\0\0\0\x86\xdd" + BU),
    }
    for name, (link, frame) in links.items():
        out[f"{name}.pcap"] = Pcap(link=link).three(frame)
    for big in (False, True):
        f = Ng(big).interface()
        for i in range(3):
            f.packet(eth(), T0 * 10**6 + i)
        out[f"pcapng-{'be' if big else 'le'}.pcapng"] = f
    f = Ng()
    f.interface(options=f.options((9, b"\x09")))
    for i in range(3):
        f.packet(eth(), T0 * 10**9 + i)
    out["tsresol-9.pcapng"] = f
    return out


def notes(big):
    """Every kind of block and option."""
    f = Ng(big, section=False)
    f.section(options=f.options((2, b"a machine"), (3, b"an os"), (4, b"a program"), (1, b"comment of the file"), (1, b"second comment of the file")))
    f.interface(229, 262144, f.options((2, b"core0"), (3, b"towards the core"), (1, b"comment of the interface"), (8, f.pack("Q", 10**9)), (9, b"\x09"),
                                       (11, b"\0ip6"), (12, b"its os"), (13, b"\x04"), (14, f.pack("q", 3600)), (15, b"its card"),
                                       (2988, f.pack("I", 32473) + b"custom text"), (19372, f.pack("I", 32473) + b"not to be copied")))
    f.interface(1, 0, f.options((2, b"home0"), end=False))
    f.names([(1, bytes([192, 0, 2, 1]) + b"four.example\0"), (2, bytes.fromhex("20010db8000000000000000000000001") + b"ha.example\0home-agent\0"),
             (3, MAC[:6] + b"card\0")], f.options((1, b"comment of the names"), (2, b"dns.example")))
    f.block(10, f.pack("II", 0x544C534B, 11) + b"# a secret\n")
    f.block(0x00000BAD, f.pack("I", 32473) + b"may be copied ..")
    f.block(0x40000BAD, f.pack("I", 32473) + b"may not be copied...")
    f.block(0x00000ACE, b"a block of nobody")
    f.packet(BU, (T0 - 3600) * 10**9 + 123456789, 0, f.options((1, b"first comment"), (1, "zweite Bemerkung: \u00fc".encode()), (2, f.pack("I", 0x12345601)), (4, f.pack("Q", 3)),
                                                               (5, f.pack("Q", 0x1122334455667788)), (6, f.pack("I", 2)), (2989, f.pack("I", 32473) + b"\x01\x02")))
    f.packet(eth(), T0 * 10**6 + 1_000_000, 1)
    f.simple(BU)
    f.obsolete(eth(), T0 * 10**6 + 2_000_000, 1, 2, f.options((1, b"comment of an old packet")))
    f.block(0x00000BAD, f.pack("I", 32473) + b"at the end.....")
    f.statistics(0, (T0 - 3600) * 10**9 + 5, f.options((1, b"comment of the counters"), (2, f.pack("II", (T0 - 3600) * 10**9 >> 32, (T0 - 3600) * 10**9 & 0xFFFFFFFF)),
                                                       (4, f.pack("Q", 100)), (5, f.pack("Q", 7)), (6, f.pack("Q", 90)), (7, f.pack("Q", 1)), (8, f.pack("Q", 50))))
    return f


def sections():
    """Two sections, one in each byte order, with different links."""
    out = b""
    for big in (False, True):
        f = Ng(big, section=False)
        f.section(options=f.options((1, b"section in " + (b"big" if big else b"little") + b"-endian")))
        f.interface(229 if big else 1).interface(1 if big else 229)
        f.packet(BU if big else eth(), T0 * 10**6 + big, 0).packet(eth() if big else BU, T0 * 10**6 + big, 1)
        out += f.data
    return out


def zstd(data, *options):
    return subprocess.run(["zstd", "-q", "-c", *options], input=data, stdout=subprocess.PIPE, check=True).stdout


def odd():
    out = {}
    e = eth()
    out["fraction.pcap"] = Pcap().packet(e, T0, 0xFFFFFFFF)
    out["fraction-ns.pcap"] = Pcap(magic=0xA1B23C4D).packet(e, T0, 0xFFFFFFFF)
    out["year-2106.pcap"] = Pcap().packet(e, 0xFFFFFFFF, 999_999)
    out["back.pcap"] = Pcap().packet(e, T0).packet(e, T0 - 5).packet(e, 0)
    out["captured-more-than-wire.pcap"] = Pcap().packet(e, original=20)
    out["captured-more-than-snap.pcap"] = Pcap(snap=40).packet(e)
    out["captured-none.pcap"] = Pcap().packet(b"", original=90).packet(e)
    out["minor-9.pcap"] = Pcap(version=(2, 9)).packet(e)
    out["minor-2.pcap"] = Pcap(version=(2, 2)).packet(e, captured=len(e) + 10, original=len(e))
    out["link-bits.pcap"] = Pcap(link=0x00010001).packet(e)
    out["fcs.pcap"] = Pcap(link=0x24000001).packet(e + b"\x01\x02\x03\x04")
    modified = Pcap(magic=0xA1B2CD34)
    processor = Pcap(magic=0xA1B2CD34, big=True)
    for i in range(3):
        modified.packet(e, T0 + i, i, more=struct.pack("<IHBB", 2, 0x86DD, 0, 0))
        processor.packet(e, T0 + i, i, more=struct.pack(">IHBBI", 2, 0x86DD, 0, 0, 1))
    out["patched-24.pcap"], out["patched-28.pcap"] = modified, processor
    out["no-packet.pcap"] = Pcap()

    out["section-length.pcapng"] = Ng(length=4096).interface().packet(e)
    f = Ng(section=False)
    out["option-lie.pcapng"] = f.section(options=f.pack("HH", 1, 400) + b"abcd").interface(options=f.pack("HH", 2, 65535)).packet(e, options=f.pack("HH", 1, 40) + b"comment.")
    f = Ng()
    out["options-without-end.pcapng"] = f.interface(options=f.options((2, b"name"), end=False)).packet(e, options=f.options((1, b"comment"), end=False))
    f = Ng()
    out["empty-options.pcapng"] = f.interface(options=b"\x01\0\0\0" * 50).packet(e, options=b"\x01\0\0\0" * 50)
    out["many-options.pcapng"] = Ng().interface().packet(e, options=b"\x01\0\0\0" * 5000)
    f = Ng()
    out["long-name.pcapng"] = f.interface(options=f.options((2, ("W-LAN-Gerät " * 100).encode()))).packet(e)
    for n in (0, 127, 255):
        f = Ng()
        out[f"tsresol-{n}.pcapng"] = f.interface(options=f.options((9, bytes([n])))).packet(e, T0).packet(e, 2**64 - 1)
    for name, offset in (("far", 2**63 - 1), ("before", -4_000_000_000), ("least", -2**63)):
        f = Ng()
        out[f"tsoffset-{name}.pcapng"] = f.interface(options=f.options((14, f.pack("q", offset)))).packet(e)
    out["ends-of-time.pcapng"] = Ng().interface().packet(e, 2**64 - 1).packet(e, 0)
    out["statistics-of-nobody.pcapng"] = Ng().interface().packet(e).statistics(7, 0).block(5, b"abcd")
    f = Ng().interface()
    out["names-lie.pcapng"] = f.names([(2, bytes(16) + b"good\0")]).block(4, f.pack("HH", 2, 900) + bytes(16)).packet(e)
    out["snap.pcapng"] = Ng().interface(snap=60).packet(e).simple(e[:60], len(e))
    out["captured-more-than-wire.pcapng"] = Ng().interface().packet(e, original=4)
    out["sections.pcapng"] = sections()
    out["obsolete.pcapng"] = Ng().interface().obsolete(e, drops=3)
    out["no-interface.pcapng"] = Ng()

    plain = good()["ethernet-le-us.pcap"].data
    both = gzip.compress(plain[:100], mtime=0) + gzip.compress(plain[100:], mtime=0)
    out["two-members.pcap.gz"] = both
    out["trailing.pcap.gz"] = both + b"these octets are not compressed"
    out["trailing-zeros.pcap.gz"] = both + bytes(512)
    frames = zstd(plain[:100]) + zstd(plain[100:])
    out["two-frames.pcap.zst"] = frames
    out["skippable.pcap.zst"] = b"\x50\x2a\x4d\x18\x04\0\0\0abcd" + frames
    out["trailing.pcap.zst"] = frames + b"xy"
    return out


def bad():
    out = {}
    e = eth()
    plain = good()["ethernet-le-us.pcap"].data
    out["empty.pcap"] = b""
    out["three-octets.pcap"] = plain[:3]
    out["header-cut.pcap"] = plain[:20]
    out["major-1.pcap"] = Pcap(version=(1, 4)).packet(e)
    out["record-header-cut.pcap"] = Pcap().packet(e).data + plain[24:34]
    out["record-cut.pcap"] = plain[:-1]
    out["huge.pcap"] = Pcap().packet(e).packet(e, captured=0x7FFFFFFF)
    out["just-too-huge.pcap"] = Pcap().packet(e).packet(e, captured=262145, original=262145)
    out["patched-unclear.pcap"] = Pcap(magic=0xA1B2CD34).packet(b"", more=bytes(100))
    out["no-capture.txt"] = b"no capture at all\n"
    out["unpack.xz"] = b"\xfd7zXZ\0\0\x04"

    start = Ng().interface().packet(e)

    def after(change):
        f = Ng(section=False)
        f.data = start.data
        change(f)
        return f

    out["no-section.pcapng"] = Ng(section=False).interface().data
    out["no-interface.pcapng"] = Ng().packet(e)
    out["simple-without-interface.pcapng"] = Ng().simple(e)
    out["unknown-interface.pcapng"] = after(lambda f: f.packet(e, interface=3))
    out["byte-order.pcapng"] = Ng(order=0x12345678)
    out["major-2.pcapng"] = after(lambda f: f.section(version=(2, 0)))
    out["short-section.pcapng"] = after(lambda f: f.block(0x0A0D0D0A, f.pack("I", 0x1A2B3C4D)))
    out["short-interface.pcapng"] = after(lambda f: f.block(1, b"abcd"))
    out["short-packet.pcapng"] = after(lambda f: f.block(6, bytes(16)))
    out["short-simple.pcapng"] = after(lambda f: f.block(3, b""))
    for length in (0, 8, 13):
        out[f"block-of-{length}.pcapng"] = after(lambda f: f.block(6, bytes(20), length=length))
    out["block-huge.pcapng"] = after(lambda f: f.block(6, bytes(20), length=0xFFFFFFF0))
    out["block-ends-otherwise.pcapng"] = after(lambda f: f.packet(e, again=20))
    out["block-cut.pcapng"] = after(lambda f: f.packet(e)).data[:-9]
    out["block-header-cut.pcapng"] = start.data + b"\x06\0\0\0\x20"
    out["captured-lie.pcapng"] = after(lambda f: f.packet(e, captured=len(e) + 400))
    out["captured-huge.pcapng"] = after(lambda f: f.packet(e, captured=0xFFFFFFFF))
    out["simple-lie.pcapng"] = after(lambda f: f.simple(e, len(e) + 400))
    out["simple-huge.pcapng"] = after(lambda f: f.simple(e, 0xFFFFFFFF))

    many = Pcap()
    for i in range(400):
        many.packet(eth(vectors()[i % len(vectors())]), T0 + i, i)
    packed = bytearray(gzip.compress(many.data, mtime=0))
    out["cut.pcap.gz"] = bytes(packed[:len(packed) // 2])
    packed[len(packed) // 2:len(packed) // 2 + 8] = b"\xff" * 8
    out["damaged.pcap.gz"] = bytes(packed)
    sums = bytearray(gzip.compress(plain, mtime=0))
    sums[-6] ^= 1
    out["checksum.pcap.gz"] = bytes(sums)
    squeezed = bytearray(zstd(many.data, "-1", "--check"))
    out["cut.pcap.zst"] = bytes(squeezed[:len(squeezed) // 2])
    # Blocks of their own frames, so that damage behind some of them leaves those before it.
    frames = [zstd(many.data[i:i + 9000]) for i in range(0, len(many.data), 9000)]
    frames[2] = frames[2][:20] + b"\xff" * 8 + frames[2][28:]
    out["damaged.pcap.zst"] = b"".join(frames)
    # RFC 8878 section 3.1.1: a window of 2 GiB, then one raw block that is the last.
    out["window.pcap.zst"] = b"\x28\xb5\x2f\xfd\0\xa8" + (len(plain) << 3 | 1).to_bytes(3, "little") + plain
    return out


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def advertisement(mac, router, prefix):
    """A Router Advertisement of a home agent."""
    src, dst = bytes.fromhex("fe80000000000000") + router, bytes.fromhex("ff02000000000000") + bytes(7) + b"\x01"
    body = b"\x40\x20" + struct.pack(">HII", 1800, 0, 0) + b"\x03\x04\x40\xe0" + struct.pack(">III", 86400, 14400, 0) + prefix
    icmp = bytes([134, 0, 0, 0]) + body
    sums = checksum(src + dst + struct.pack(">II", len(icmp), 58) + icmp)
    icmp = icmp[:2] + struct.pack(">H", sums) + icmp[4:]
    return b"\x33\x33\0\0\0\x01" + mac + b"\x86\xdd" + struct.pack(">IHBB", 0x60000000, len(icmp), 58, 255) + src + dst + icmp


def found():
    """What a mutant once brought down, made small."""
    agents = Pcap()
    for i in (1, 2):
        router = bytes(7) + bytes([i])
        agents.packet(advertisement(bytes([2, 0, 0, 0, 0, i]), router, bytes.fromhex("20010db80000000%d" % i) + router), T0 + i)
    return {"two-home-agents.pcap": agents}


def data_of(f):
    return f if isinstance(f, bytes) else f.data


def main():
    sets = {"good": good(), "odd": odd(), "bad": bad(), "found": found()}
    shutil.rmtree(OUT, ignore_errors=True)
    for folder, files in sets.items():
        (OUT / folder).mkdir(parents=True)
        for name, f in files.items():
            (OUT / folder / name).write_bytes(data_of(f))
    for big in (False, True):
        (OUT / f"notes-{'be' if big else 'le'}.pcapng").write_bytes(notes(big).data)
    # The fuzzers start from the small plain ones; inputs that they found stand beside these under other names.
    for kind in ("pcap", "pcapng"):
        folder = CORPUS / kind
        folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(OUT.rglob(f"*.{kind}")):
            if path.stat().st_size < 3000 and not ("block-of" in path.name and "13" not in path.name):
                place = "" if path.parent == OUT else path.parent.name + "-"
                (folder / (place + path.stem)).write_bytes(path.read_bytes())


if __name__ == "__main__":
    main()
