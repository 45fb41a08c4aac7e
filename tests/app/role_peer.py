# SPDX-License-Identifier: GPL-3.0-or-later
"""The other end of a wire for test_role.cpp: a machine of its own (network namespace) whose kernel speaks IPv6 on the TAP.

role_peer.py PROGRAM CONFIG starts `PROGRAM role cn`, asks it through the kernel's own stack and prints what came, one line each.
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


def main(program, config):
    make_tap("t0")
    start = time.monotonic()
    node = subprocess.Popen([program, "role", "cn", "--config", config, "--tap", "t0", "--control"],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    ready = json.loads(node.stdout.readline())
    print("ready", ready["event"], ready["role"], ready["interfaces"][0]["addresses"][-1], time.monotonic() - start < 1)
    print("echo", echo())
    print("care-of test", care_of_test())
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


main(*sys.argv[1:])
