# SPDX-License-Identifier: GPL-3.0-or-later
"""The other end of a wire for test_role.cpp: a machine of its own (network namespace) whose kernel speaks IPv6 on the TAP.

role_peer.py PROGRAM CONFIG starts `PROGRAM role cn`, asks it through the kernel's own stack and prints what came, one line each;
role_peer.py router PROGRAM CONFIG does so with `PROGRAM role ar`.
"""
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time

NODE = "2001:db8:200::c"
PEER = "2001:db8:200::1"


def run(*words):
    subprocess.run(words, check=True)


def make_tap(name):
    run("ip", "link", "set", "lo", "up")
    run("ip", "tuntap", "add", "dev", name, "mode", "tap")
    run("ip", "link", "set", name, "up")
    run("ip", "-6", "addr", "add", PEER + "/64", "dev", name, "nodad")


def echo():
    """An echo request of the kernel's, checksum and neighbour discovery by the kernel."""
    with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as s:
        s.settimeout(5)
        s.sendto(struct.pack("!BBHHH", 128, 0, 0, 7, 1) + b"roamscope", (NODE, 0))
        while True:
            data, source = s.recvfrom(2000)
            if data[0] == 129:
                return source[0] + " " + data[8:].decode()


def care_of_test():
    """A Care-of Test Init; the kernel computes the checksum at offset 4 and checks that of the answer."""
    with socket.socket(socket.AF_INET6, socket.SOCK_RAW, 135) as s:
        s.settimeout(5)
        s.setsockopt(socket.IPPROTO_IPV6, 7, 4)  # IPV6_CHECKSUM
        s.sendto(bytes([59, 1, 2, 0, 0, 0, 0, 0]) + b"\x11" * 8, (NODE, 0))
        data = s.recvfrom(2000)[0]
        return "type %d, %d octets, cookie %s" % (data[2], len(data), data[8:16].hex())


def sent_before_its_answer(node):
    """Whether a frame that a command sends is on the wire when the command is answered, with nothing else going on."""
    frame = bytes.fromhex("020000000001" "020000000002" "88b5") + b"roamscope at once"
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as s:
        s.bind(("t0", 0))
        s.setblocking(False)
        node.stdin.write(json.dumps({"command": "send", "frame": frame.hex(), "interface": "t0"}) + "\n")
        node.stdin.flush()
        answer = json.loads(node.stdout.readline())
        while answer.get("answer") != "send":
            answer = json.loads(node.stdout.readline())
        try:
            while s.recv(2000)[:len(frame)] != frame:
                pass
        except BlockingIOError:
            return json.dumps(answer)
        return "error" not in answer


def main(program, config):
    make_tap("t0")
    start = time.monotonic()
    node = subprocess.Popen([program, "role", "cn", "--config", config, "--tap", "t0", "--control"],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    ready = json.loads(node.stdout.readline())
    print("ready", ready["event"], ready["role"], ready["interfaces"][0]["addresses"][-1], time.monotonic() - start < 1)
    print("echo", echo())
    print("care-of test", care_of_test())
    print("sent before its answer", sent_before_its_answer(node))
    for command in ({"command": "bindings"}, {"command": "attach", "interface": "t1", "up": True}, {"command": "fly"}):
        node.stdin.write(json.dumps(command) + "\n")
    node.stdin.write("{\n")
    node.stdin.flush()
    answers = []
    while len(answers) < 4:
        line = json.loads(node.stdout.readline())
        if "answer" in line:
            answers.append(line)
    for answer in answers:
        print("answer", json.dumps(answer))
    node.stdin.close()
    print("ended", node.wait(5))
    node = subprocess.Popen([program, "role", "cn", "--config", config, "--tap", "t0"], stdout=subprocess.PIPE, text=True)
    node.stdout.readline()
    os.kill(node.pid, signal.SIGTERM)
    print("terminated", node.wait(5))


def icmp(destination, hops=64, size=9, wait=5):
    """What comes back for an echo request of the kernel's: type, code, octets of data, source."""
    with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as s:
        s.settimeout(wait)
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, hops)
        s.sendto(struct.pack("!BBHHH", 128, 0, 0, 9, 1) + b"x" * size, (destination, 0))
        while True:
            data, source = s.recvfrom(65536)
            if data[0] < 128 or data[0] == 129:
                return "%d/%d %d octets from %s" % (data[0], data[1], len(data) - 8 if data[0] == 129 else 0, source[0])


def router(program, config):
    """A host of the kernel's behind `role ar`: address and default route from its advertisements, neighbours, errors, fragments."""
    run("ip", "link", "set", "lo", "up")
    run("ip", "tuntap", "add", "dev", "t0", "mode", "tap")
    with open("/proc/sys/net/ipv6/conf/t0/accept_ra", "w") as f:
        f.write("1")
    node = subprocess.Popen([program, "role", "ar", "--config", config, "--tap", "t0", "--control"],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    node.stdout.readline()
    end = time.monotonic() + 20
    address = []
    while not address and time.monotonic() < end:
        out = subprocess.run(["ip", "-6", "-o", "addr", "show", "dev", "t0", "scope", "global"], capture_output=True, text=True).stdout
        address = [line.split()[3] for line in out.splitlines() if "tentative" not in line]
        time.sleep(0.1)
    print("address", address[0][:len("2001:db8:200:0:")])
    print("echo", icmp(PEER))
    neighbour = subprocess.run(["ip", "-6", "neigh", "show", PEER, "dev", "t0"], capture_output=True, text=True).stdout
    print("neighbour", neighbour.split()[2])
    print("no route", icmp("2001:db8:ffff::1"))
    print("hop limit", icmp("2001:db8:ffff::1", hops=1))
    print("fragments", icmp(PEER, size=3000))
    node.stdin.close()
    print("ended", node.wait(5))


if sys.argv[1] == "router":
    router(*sys.argv[2:])
else:
    main(*sys.argv[1:])
