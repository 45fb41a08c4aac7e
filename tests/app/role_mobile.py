# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole mobile network of `role` processes for test_role_mobile.cpp, in a network namespace of its own (the caller makes it).

role_mobile.py PROGRAM FOLDER: a home agent, a MAP, a correspondent and two access routers, each a process on TAP interfaces; bridges
of the kernel are the links. A mobile node registers, optimises its route, moves, comes home and leaves again; one line for each step.

role_mobile.py PROGRAM FOLDER router: the same without MAP for a mobile router with two uplinks and a host behind it.
"""
import json
import os
import queue
import subprocess
import sys
import threading
import time

PROGRAM, FOLDER = sys.argv[1:3]
HOA, HA, CN, MAP = "2001:db8:100::1:1", "2001:db8:100::1", "2001:db8:200::c", "2001:db8:300::1"
PATIENCE = 20  # seconds for any one thing to happen; each takes one to four


def run(*words):
    subprocess.run(words, check=True)


def link(name):
    run("ip", "link", "add", name, "type", "bridge", "forward_delay", "0", "mcast_snooping", "0")
    run("ip", "link", "set", name, "up")


def plug(tap, bridge):
    run("ip", "link", "set", tap, "master", bridge)


class Node:
    """One `role` process with its control; keeps what it said."""

    def __init__(self, name, role, config, taps):
        self.name, self.lines, self.seen = name, queue.Queue(), []
        for tap, bridge in taps:
            run("ip", "tuntap", "add", "dev", tap, "mode", "tap")
            plug(tap, bridge)
            run("ip", "link", "set", tap, "up")
        path = os.path.join(FOLDER, name + ".json")
        with open(path, "w") as f:
            json.dump(config, f)
        options = [word for tap, _ in taps for word in ("--tap", tap)]
        self.process = subprocess.Popen([PROGRAM, "role", role, "--config", path, "--control"] + options,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self.read, daemon=True).start()
        self.until(lambda line: line.get("event") == "ready", "ready")

    def read(self):
        for text in self.process.stdout:
            self.lines.put(json.loads(text))

    def until(self, wanted, what):
        """The first line from now on that `wanted` is true of."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                line = self.lines.get(timeout=max(0.01, end - time.monotonic()))
            except queue.Empty:
                break
            self.seen.append(line)
            if wanted(line):
                return line
        for line in self.seen[-15:]:
            print(self.name, json.dumps(line), file=sys.stderr)
        sys.exit("%s: waited in vain for %s" % (self.name, what))

    def event(self, name, **attributes):
        return self.until(lambda line: line.get("event") == name and all(line.get(k) == v for k, v in attributes.items()), "%s %s" % (name, attributes))

    def ask(self, **command):
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        answer = self.until(lambda line: line.get("answer") == command["command"], command["command"])
        if "error" in answer:
            sys.exit("%s: %s" % (self.name, answer["error"]))
        return answer

    def end(self):
        self.process.stdin.close()
        return self.process.wait(5)


def router(number):
    fast = {"min_interval": "300ms", "max_interval": "600ms", "advertisement_interval": True, "map": [{"node": MAP, "distance": 2, "preference": 10, "lifetime": "600s"}]}
    return {"interfaces": [{"name": "core", "address": "2001:db8:200::a%d/64" % number}, {"name": "air", "address": "2001:db8:a%d::1/64" % number, "advertise": fast}],
            "routes": [{"to": "2001:db8:300::/64", "via": "2001:db8:200::3"}, {"to": "2001:db8:100::/64", "via": "2001:db8:200::1"}]}


def wires(*names):
    with open("/proc/sys/net/ipv6/conf/default/disable_ipv6", "w") as f:
        f.write("1")  # the links are wires, not hosts
    run("ip", "link", "set", "lo", "up")
    for name in names:
        link(name)


onwards = [{"to": "2001:db8:a1::/64", "via": "2001:db8:200::a1"}, {"to": "2001:db8:a2::/64", "via": "2001:db8:200::a2"}]


def mobile_router():
    wires("core", "home", "train", "w1", "w2")
    network = "2001:db8:1f0::/64"
    nemo = {"routers": [{"home_address": HOA, "prefixes": [network]}]}
    ha = Node("ha", "ha", {"home_prefixes": ["2001:db8:100::/64"], "nemo": nemo,
                           "interfaces": [{"name": "home", "address": HA + "/64", "anycast": ["2001:db8:100::fdff:ffff:ffff:fffe"], "advertise": {}}, {"name": "core", "address": "2001:db8:200::1/64"}],
                           "routes": onwards}, [("ha0", "home"), ("ha1", "core")])
    routers = [Node("ar%d" % n, "ar", router(n), [("a%dc" % n, "core"), ("a%dw" % n, "w%d" % n)]) for n in (1, 2)]
    cn = Node("cn", "cn", {"interfaces": [{"name": "core", "address": CN + "/64"}], "default_router": "2001:db8:200::1"}, [("cn0", "core")])
    mr = Node("mr", "mn", {"home_address": HOA, "home_agent": HA, "lifetime": "120s", "hmipv6": False, "mcoa": {"mode": "single"}, "mobile_network": {},
                           "interfaces": [{"name": "wl0", "bid": 1, "bid_priority": 10}, {"name": "cell0", "bid": 2, "bid_priority": 20},
                                          {"name": "lan", "address": "2001:db8:1f0::1/64", "advertise": {"min_interval": "300ms", "max_interval": "600ms"}}]},
              [("mr0", "w1"), ("mr1", "w2"), ("mr2", "train")])
    for _ in (1, 2):  # in any order
        mr.event("registration", state="registered")
    print("registered", sorted(b["bid"] for b in ha.ask(command="bindings")["bindings"]))
    seat = Node("seat", "cn", {"interfaces": [{"name": "lan", "slaac": True, "address": "2001:db8:1f0::5ea7/64"}]}, [("s0", "train")])
    seat.event("default-router")
    cn.ask(command="probe", action="start", flow=1, to="2001:db8:1f0::5ea7", rate=20)
    seat.ask(command="probe", action="start", flow=2, to=CN, rate=20, **{"from": "2001:db8:1f0::5ea7"})
    cn.event("probe-answered", flow=1)
    seat.event("probe-answered", flow=2)
    print("both ways")
    mr.ask(command="attach", interface="wl0", up=False)
    time.sleep(1)
    last = cn.event("probe-answered", flow=1)["serial"]
    print("by the other uplink", [b["bid"] for b in ha.ask(command="bindings")["bindings"]] == [2], cn.event("probe-answered", flow=1)["serial"] > last)
    ha.ask(command="set", settings={"nemo": {"support": "refuse"}})
    mr.ask(command="attach", interface="wl0", up=True)
    refusal = mr.event("mobile-router-refused")
    mr.event("home-agent-discovery")
    mr.event("mobile-router-given-up")
    print("refused", refusal["status"], refusal["home_agent"] == HA)
    print("ended", [node.end() for node in [mr, cn, seat, ha] + routers])


def main():
    wires("core", "home", "region", "w1", "w2")
    ha = Node("ha", "ha", {"home_prefixes": ["2001:db8:100::/64"],
                           "interfaces": [{"name": "home", "address": HA + "/64", "advertise": {"min_interval": "300ms", "max_interval": "600ms", "home_agent": True}},
                                          {"name": "core", "address": "2001:db8:200::1/64"}],
                           "routes": onwards + [{"to": "2001:db8:300::/64", "via": "2001:db8:200::3"}]}, [("ha0", "home"), ("ha1", "core")])
    anchor = Node("map", "map", {"regional_prefix": "2001:db8:300::/64", "dialect": "rfc4140",
                                 "interfaces": [{"name": "region", "address": MAP + "/64"}, {"name": "core", "address": "2001:db8:200::3/64"}],
                                 "routes": onwards + [{"to": "2001:db8:100::/64", "via": "2001:db8:200::1"}]}, [("map0", "region"), ("map1", "core")])
    routers = [Node("ar%d" % n, "ar", router(n), [("a%dc" % n, "core"), ("a%dw" % n, "w%d" % n)]) for n in (1, 2)]
    cn = Node("cn", "cn", {"mobility": True, "interfaces": [{"name": "core", "address": CN + "/64"}],
                           "routes": [{"to": "2001:db8:100::/64", "via": "2001:db8:200::1"}, {"to": "2001:db8:300::/64", "via": "2001:db8:200::3"}] + onwards}, [("cn0", "core")])
    mn = Node("mn", "mn", {"home_address": HOA, "home_agent": HA, "route_optimisation": "all", "lifetime": "120s", "interfaces": [{"name": "wl0", "mac": "02:00:00:00:00:11"}]}, [("mn0", "w1")])

    def registrations():
        return {r["peer"]: r["care_of_address"] for r in mn.ask(command="bindings")["registrations"]}

    def move(to):
        mn.ask(command="attach", interface="wl0", up=False)
        plug("mn0", to)
        mn.ask(command="attach", interface="wl0", up=True)

    def accepted(peer):
        mn.event("binding-acknowledged", peer=peer, result="accepted")

    host = "ff:fe00:11"
    accepted(MAP)
    accepted(HA)
    known = registrations()
    print("registered", known == {MAP: "2001:db8:a1::" + host, HA: "2001:db8:300::" + host})
    cn.ask(command="probe", action="start", flow=1, to=HOA, rate=20)
    accepted(CN)
    bindings = cn.ask(command="bindings")["bindings"]
    print("optimised", [(b["home_address"], b["care_of_address"]) for b in bindings] == [(HOA, "2001:db8:300::" + host)])
    before = len(mn.seen)
    move("w2")
    accepted(MAP)
    cn.event("probe-answered")
    time.sleep(0.5)
    print("moved", registrations()[MAP] == "2001:db8:a2::" + host, [b["care_of_address"] for b in anchor.ask(command="bindings")["bindings"]] == ["2001:db8:a2::" + host])
    told = [line for line in mn.seen[before:] if line.get("event") in ("home-binding-update", "correspondent-binding-update")]
    print("only the MAP was told", not told)
    move("home")
    mn.event("binding-acknowledged", peer=HA, result="released")
    mn.event("binding-acknowledged", peer=CN, result="released")
    time.sleep(0.2)
    print("home", registrations() == {}, ha.ask(command="bindings")["bindings"], cn.ask(command="bindings")["bindings"])
    answered = cn.event("probe-answered")["serial"]
    print("probes at home", cn.event("probe-answered")["serial"] > answered)
    move("w1")
    accepted(HA)
    accepted(CN)
    print("away again", registrations() == {MAP: "2001:db8:a1::" + host, HA: "2001:db8:300::" + host, CN: "2001:db8:300::" + host})
    cn.ask(command="probe", action="stop", flow=1)
    print("ended", [node.end() for node in [mn, cn, anchor, ha] + routers])


mobile_router() if sys.argv[3:] == ["router"] else main()
