// SPDX-License-Identifier: GPL-3.0-or-later
// A mobile node as the correspondent of others (RFC 6275 §8.5, §9): messages and data that reach its home address through its home
// agent, two mobile nodes that optimise the route between each other, and what it tells of closed ports.
#include "tests/support/lab_run.hpp"
#include "tests/support/mobile_bench.hpp"

#include "protocol/wire/icmpv6.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::node;
using namespace roamscope::test;
using wire::BindingError;
using wire::CareOfTest;
using wire::CareOfTestInit;
using wire::HomeTest;
using wire::HomeTestInit;

namespace {

const Ipv6Address otherHome = ip("2001:db8:500::7");
const Ipv6Address otherCareOf = ip("2001:db8:600::7");

/// As it comes out of the home agent's tunnel.
wire::Ipv6Packet tunnelled(const wire::Ipv6Packet& packet) { return encapsulate(packet, homeAgent, lcoa); }

/// What left through the tunnel to the home agent from the home address: the packet inside; nothing when it went otherwise.
const wire::Ipv6Packet* reverse(const Seen* seen)
{
    if (!seen || seen->frame.packets.size() != 2) return nullptr;
    return seen->outer().source == lcoa && seen->outer().destination == homeAgent && seen->inner().source == homeAddress ? &seen->inner() : nullptr;
}

wire::Ipv6Packet datagram(const Ipv6Address& source, const Ipv6Address& destination, std::uint16_t port)
{
    wire::Ipv6Packet packet;
    packet.source = source;
    packet.destination = destination;
    packet.nextHeader = wire::protocol::udp;
    packet.payload = wire::emitUdp({40000, port, Bytes(8, 0x5a)}, packet.pseudoHeader());
    return packet;
}

/// A mobile node away from home whose home address another mobile node has registered at.
struct Pair {
    Bench b = Bench::plain();
    std::uint64_t homeToken = 0, careOfToken = 0;
    wire::NonceIndices indices;

    std::vector<Seen> answers(const wire::Ipv6Packet& packet)
    {
        b.in(packet);
        return take(b.out);
    }
    bool test()
    {
        const auto hot = answers(tunnelled(mobility(otherHome, homeAddress, HomeTestInit{11, {}}, {})));
        const auto cot = answers(tunnelled(mobility(otherCareOf, homeAddress, CareOfTestInit{12, {}}, {})));
        const wire::Ipv6Packet* home = reverse(find<HomeTest>(hot));
        const wire::Ipv6Packet* careOf = reverse(find<CareOfTest>(cot));
        if (!home || home->destination != otherHome || home->routing || home->homeAddress()) return false;
        if (!careOf || careOf->destination != otherCareOf || careOf->routing || careOf->homeAddress()) return false;
        const auto& h = *find<HomeTest>(hot)->frame.as<HomeTest>();
        const auto& c = *find<CareOfTest>(cot)->frame.as<CareOfTest>();
        homeToken = h.token;
        careOfToken = c.token;
        indices = {h.nonceIndex, c.nonceIndex};
        return h.cookie == 11 && c.cookie == 12;
    }
    std::vector<Seen> update(std::uint16_t sequence, std::uint16_t units)
    {
        const bool deletes = units == 0;
        const BindingUpdate bu{sequence, BindingUpdate::acknowledge, WireLifetime{units}, {indices}};
        wire::Ipv6Packet packet = mobility(otherCareOf, homeAddress, bu, otherHome);
        const Bytes key = bindingKey(homeToken, deletes ? std::nullopt : std::optional(careOfToken));
        packet.payload = emitAuthorized(bu, key, deletes ? otherHome : otherCareOf, homeAddress, packet.pseudoHeader());
        return answers(tunnelled(packet));
    }
};

/// A second mobile node on the other radio link; both optimise, both talk to each other and nobody moves.
lab::Scenario twoMobile(bool withMap)
{
    lab::Scenario s = sampleScenario();
    for (auto& n : s.nodes)
        for (auto& i : n.interfaces)
            if (i.advertise && !withMap) i.advertise->map.clear();
    s.nodes[5].optimised = {"mn2"};
    lab::NodeSpec second = s.nodes[5];
    second.name = "mn2";
    second.optimised = {"mn"};
    second.homeAddress = ip("2001:db8:100::1:2");
    s.nodes.push_back(second);
    s.events = {{TimePoint{}, "mn", "wl0", "w1"}, {TimePoint{}, "mn2", "wl0", "w2"}};
    s.traffic = {{"probe", "mn", "mn2", 20, 60, true}};
    return s;
}

}  // namespace

class TestMobileCorrespondent : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void RR_CN_15_22_testsAndUpdatesForTheHomeAddressAreAnsweredThroughTheHomeAgent()
    {
        Pair p;
        QVERIFY2(p.test(), "RR-CN-22: from the home address, through the tunnel (MN-TX-04)");
        QVERIFY2(p.b.mn.cache().bindings().empty(), "RR-CN-01: no state before a good update");
        const auto answer = p.update(5, 50);
        const wire::Ipv6Packet* ack = reverse(find<BindingAck>(answer));
        QVERIFY2(ack && ack->destination == otherCareOf && ack->routing && ack->routing->homeAddress == otherHome, "RR-CN-15");
        QVERIFY2(find<BindingAck>(answer)->frame.as<BindingAck>()->status == 0, "RR-CN-06");
        const CorrespondentBinding* binding = p.b.mn.cache().find(otherHome);
        QVERIFY(binding && binding->careOfAddress == otherCareOf);
    }

    void RR_CN_10_16_dataOfBothWithBothHeaders()
    {
        Pair p;
        QVERIFY(p.test() && !p.update(5, 50).empty());
        // From its care-of address with the home address option, to our home address.
        wire::Ipv6Packet packet = probe(otherHome, homeAddress, {7, false, 1, TimePoint{}});
        packet.source = otherCareOf;
        packet.setHomeAddress(otherHome);
        const auto seen = p.answers(tunnelled(packet));
        QVERIFY2(count(p.b.out, "probe-received") == 1, "RR-CN-16: the binding is known");
        // RR-CN-10: the answer goes to its care-of address; we have no binding there, so it starts through our tunnel.
        const auto it = std::find_if(seen.begin(), seen.end(), [](const Seen& s) { return s.frame.probe.has_value(); });
        QVERIFY(it != seen.end());
        const wire::Ipv6Packet* answer = reverse(&*it);
        QVERIFY2(answer && answer->destination == otherCareOf && answer->routing && answer->routing->homeAddress == otherHome, "RR-CN-10");
        // Another care-of address is not believed; whoever sent it learns so from our home address.
        packet.source = ip("2001:db8:600::8");
        const auto refused = p.answers(tunnelled(packet));
        const wire::Ipv6Packet* error = reverse(find<BindingError>(refused));
        QVERIFY2(count(p.b.out, "probe-received") == 1 && error && error->destination == packet.source, "RR-CN-16, RR-CN-11");
        QVERIFY2(find<BindingError>(refused)->frame.as<BindingError>()->homeAddress == otherHome, "RR-CN-11");
    }

    void RR_CN_18_itDeletesAndForgets()
    {
        Pair p;
        QVERIFY(p.test() && !p.update(5, 50).empty());
        const auto answer = p.update(6, 0);
        QVERIFY2(find<BindingAck>(answer) && find<BindingAck>(answer)->frame.as<BindingAck>()->lifetime.count() == 0, "RR-CN-18");
        QVERIFY(!p.b.mn.cache().find(otherHome));
        QVERIFY(p.test() && !p.update(7, 1).empty() && p.b.mn.cache().find(otherHome));
        (void)p.b.to(7s);
        QVERIFY2(!p.b.mn.cache().find(otherHome), "RR-CN-21: after 4 s");
    }

    void RR_CN_17_aHomeRegistrationIsNotForUs()
    {
        Pair p;
        const auto seen = p.answers(tunnelled(mobility(otherCareOf, homeAddress, BindingUpdate{1, BindingUpdate::acknowledge | BindingUpdate::homeRegistration, WireLifetime{10}, {}}, otherHome)));
        QVERIFY2(find<BindingAck>(seen) && find<BindingAck>(seen)->frame.as<BindingAck>()->status == wire::bindingStatus::homeRegistrationNotSupported, "RR-CN-17");
    }

    void MH_RX_01_unknownTypesAreAnsweredFromTheHomeAddress()
    {
        Pair p;
        wire::Ipv6Packet packet = mobility(otherHome, homeAddress, HomeTestInit{1, {}}, {});
        packet.payload[2] = 99;
        packet.payload[4] = packet.payload[5] = 0;
        const std::uint16_t sum = wire::checksum(packet.pseudoHeader(), wire::protocol::mobility, packet.payload);
        packet.payload[4] = static_cast<std::uint8_t>(sum >> 8);
        packet.payload[5] = static_cast<std::uint8_t>(sum);
        const auto seen = p.answers(tunnelled(packet));
        const wire::Ipv6Packet* error = reverse(find<BindingError>(seen));
        QVERIFY2(error && error->destination == otherHome && find<BindingError>(seen)->frame.as<BindingError>()->status == 2, "MH-RX-01");
    }

    /// RFC 4443 §3.1 code 4, §2.2 a, §2.4 e and f.
    void closedPortsAreTold()
    {
        Pair p;
        const auto viaHome = p.answers(tunnelled(datagram(correspondent, homeAddress, 5000)));
        const wire::Ipv6Packet* error = reverse(find<wire::IcmpError>(viaHome));
        QVERIFY2(error && error->destination == correspondent, "from the home address, through the tunnel");
        const auto& body = *find<wire::IcmpError>(viaHome)->frame.as<wire::IcmpError>();
        QVERIFY2(body.type == 1 && body.code == 4, "Port Unreachable");
        const auto direct = p.answers(datagram(correspondent, lcoa, 5000));
        QVERIFY2(find<wire::IcmpError>(direct) && find<wire::IcmpError>(direct)->inner().source == lcoa && find<wire::IcmpError>(direct)->frame.packets.size() == 1, "from the care-of address");
        QVERIFY2(p.answers(datagram(correspondent, allNodes(), 5000)).empty(), "never about what came to a group");
        wire::Ipv6Packet spoilt = datagram(correspondent, homeAddress, 5000);
        spoilt.payload.back() ^= 1;
        QVERIFY2(p.answers(tunnelled(spoilt)).empty(), "nor about a spoilt datagram");
        std::size_t told = 0;
        for (int i = 0; i < 40; ++i) told += count<wire::IcmpError>(p.answers(datagram(correspondent, lcoa, 5000)));
        QVERIFY2(told > 0 && told <= 10, "limited as other errors are");
    }

    void RR_MN_01_RR_CN_10_twoMobileNodesOptimiseEachOther_data()
    {
        QTest::addColumn<bool>("withMap");
        QTest::newRow("plain") << false;
        QTest::newRow("behind a MAP") << true;
    }
    void RR_MN_01_RR_CN_10_twoMobileNodesOptimiseEachOther()
    {
        QFETCH(bool, withMap);
        LabRun run(twoMobile(withMap));
        run.to(TimePoint{12s});
        const Ipv6Address home1 = ip("2001:db8:100::1:1");
        const Ipv6Address home2 = ip("2001:db8:100::1:2");
        const auto careOf = [&](const char* name) { return withMap ? *run.mobile(name).regionalCareOf() : *run.mobile(name).onLinkCareOf(); };
        const CorrespondentBinding* at1 = run.mobile("mn").cache().find(home2);
        const CorrespondentBinding* at2 = run.mobile("mn2").cache().find(home1);
        QVERIFY2(at1 && at1->careOfAddress == careOf("mn2") && at2 && at2->careOfAddress == careOf("mn"), "each is the other's correspondent");
        // In the last seconds every probe and answer has both headers and the home agent sees none of them.
        int straight = 0;
        for (const auto& f : run.out.frames) {
            if (f.time < TimePoint{8s}) continue;
            const auto d = run.decoded(f);
            if (!d.probe) continue;
            const wire::Ipv6Packet& inner = *d.inner();
            QVERIFY2(run.link(f) != "home", "not by way of the home link");
            QVERIFY2(inner.homeAddress() && inner.routing && inner.routing->homeAddress == (inner.homeAddress() == home1 ? home2 : home1), "MN-TX-02, RR-CN-10");
            QVERIFY2(inner.source == careOf(inner.homeAddress() == home1 ? "mn" : "mn2"), "MN-TX-02");
            ++straight;
        }
        QVERIFY(straight > 100);
        QVERIFY2(run.events("mn", "probe-answered", TimePoint{8s}).size() >= 78, "and they arrive");
    }

    /// One of them comes home while both have optimised: it deletes its binding at the other one and stays its correspondent.
    void RR_MN_07_RR_CN_10_oneComesHome()
    {
        lab::Scenario s = twoMobile(false);
        s.links[0].wireless = true;
        s.nodes[0].interfaces[0].advertise = lab::AdvertiseSpec{50ms, 150ms, {}};
        s.events.push_back({TimePoint{8s}, "mn2", "wl0", std::nullopt});
        s.events.push_back({TimePoint{8100ms}, "mn2", "wl0", "home"});
        LabRun run(s);
        run.to(TimePoint{7900ms});
        QVERIFY(run.mobile("mn").cache().find(ip("2001:db8:100::1:2")) && run.mobile("mn2").cache().find(ip("2001:db8:100::1:1")));
        run.to(TimePoint{14s});
        QVERIFY2(run.mobile("mn2").isAtHome() && !run.mobile("mn").cache().find(ip("2001:db8:100::1:2")), "RR-MN-07, RR-CN-18");
        const CorrespondentBinding* kept = run.mobile("mn2").cache().find(ip("2001:db8:100::1:1"));
        QVERIFY2(kept && kept->careOfAddress == *run.mobile("mn").onLinkCareOf(), "RR-CN-10: at home it is a correspondent like any other");
        QVERIFY(run.events("mn", "probe-answered", TimePoint{10s}, TimePoint{14s}).size() >= 75);
        int straight = 0;
        for (const auto& f : run.out.frames) {
            if (f.time < TimePoint{12s} || run.link(f) != "home") continue;
            const auto d = run.decoded(f);
            if (!d.probe || !d.probe->answer) continue;
            QVERIFY2(d.packets.size() == 1 && d.inner()->routing && d.inner()->routing->homeAddress == ip("2001:db8:100::1:1") && !d.inner()->homeAddress(), "RR-CN-10");
            ++straight;
        }
        QVERIFY(straight > 30);
    }

    void RR_MN_09_bothMove()
    {
        lab::Scenario s = twoMobile(false);
        s.events.push_back({TimePoint{8s}, "mn", "wl0", std::nullopt});
        s.events.push_back({TimePoint{8100ms}, "mn", "wl0", "w2"});
        s.events.push_back({TimePoint{12s}, "mn2", "wl0", std::nullopt});
        s.events.push_back({TimePoint{12100ms}, "mn2", "wl0", "w1"});
        LabRun run(s);
        run.to(TimePoint{20s});
        QVERIFY2(run.mobile("mn").cache().find(ip("2001:db8:100::1:2"))->careOfAddress == *run.mobile("mn2").onLinkCareOf(), "RR-MN-09");
        QVERIFY2(run.mobile("mn2").cache().find(ip("2001:db8:100::1:1"))->careOfAddress == *run.mobile("mn").onLinkCareOf(), "RR-MN-09");
        QVERIFY(run.events("mn", "probe-answered", TimePoint{17s}).size() >= 58);
    }
};

QTEST_APPLESS_MAIN(TestMobileCorrespondent)
#include "test_mobile_correspondent.moc"
