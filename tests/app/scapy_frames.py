# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds random frames with scapy and writes them as a capture, with the values scapy was told as JSON lines.

    scapy_frames.py build SEED COUNT OUT.pcap OUT.jsonl

Each line: `name`, `fields` (name of a field of `roamscope-cli decode -T json` -> its values in the frame, in order).
"""
import json
import random
import sys

from scapy.layers.inet6 import IPv6, MIP6MH_BU
from scapy.layers.l2 import Ether
from scapy.utils import wrpcap

FLAGS = {"A": "a", "H": "h", "L": "l", "K": "k"}


def address(r):
    return "2001:db8:%x::%x" % (r.randrange(1, 65536), r.randrange(1, 65536))


def binding_update(r):
    letters = [f for f in FLAGS if r.random() < 0.5]
    seq, units = r.randrange(65536), r.randrange(65536)
    fields = {"mip6.bu.seqnr": [seq], "mip6.bu.lifetime": [units]}
    fields.update({"mip6.bu.%s_flag" % FLAGS[f]: [int(f in letters)] for f in FLAGS})
    return "BU", MIP6MH_BU(seq=seq, flags="".join(letters), mhtime=units), fields


MESSAGES = [binding_update]


def build(seed, count, pcap, lines):
    r = random.Random(seed)
    frames = []
    with open(lines, "w", encoding="utf-8") as out:
        for _ in range(count):
            name, message, fields = r.choice(MESSAGES)(r)
            src, dst = address(r), address(r)
            frames.append(Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / IPv6(src=src, dst=dst) / message)
            fields.update({"ipv6.src": [src], "ipv6.dst": [dst]})
            out.write(json.dumps({"name": name, "fields": fields}) + "\n")
    wrpcap(pcap, frames)


if __name__ == "__main__":
    build(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5])
