// SPDX-License-Identifier: GPL-3.0-or-later
// What a mobile node asks its home network, stepped by hand: home agents, prefixes, further home addresses (RFC 6275 §11.4, §11.7.1).
#include "tests/support/mobile_bench.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::node;
using namespace roamscope::test;
using wire::HomeAgentDiscoveryReply;
using wire::HomeAgentDiscoveryRequest;
using wire::MobilePrefixAdvertisement;
using wire::MobilePrefixSolicitation;

namespace {

const Ipv6Address anycast = ip("2001:db8:100:0:fdff:ffff:ffff:fffe");
const Ipv6Address agent2 = ip("2001:db8:100::2");
const Ipv6Address agent3 = ip("2001:db8:100::3");

MobileNode::Settings discovering()
{
    auto s = Bench::settings();
    s.homeAgent = Ipv6Address{};
    return s;
}

RaOptions plainRa()
{
    RaOptions o;
    o.map.reset();
    return o;
}

std::vector<std::pair<std::int64_t, Ipv6Address>> updates(Bench& b, Duration until)
{
    std::vector<std::pair<std::int64_t, Ipv6Address>> out;
    const auto note = [&] {
        for (const Seen& s : take(b.out))
            if (s.frame.as<BindingUpdate>()) out.emplace_back(std::chrono::duration_cast<std::chrono::milliseconds>(b.now.time_since_epoch()).count(), s.inner().destination);
    };
    note();
    while (b.mn.nextDeadline() && *b.mn.nextDeadline() <= TimePoint{until}) {
        b.now = *b.mn.nextDeadline();
        b.mn.advance(b.now, b.out);
        for (const node::SentFrame& sent : std::exchange(b.out.frames, {})) {
            const Seen s{sent.interface, wire::decodeFrame(sent.bytes, wire::linkEthernet, sent.bytes.size())};
            if (const auto* ns = s.frame.as<NeighborSolicitation>(); ns && ns->target == ar)
                b.in(icmp(ar, s.inner().source, NeighborAdvertisement{true, true, true, ar, {wire::TargetLinkLayerOption{arMac}}}));
            if (s.frame.as<BindingUpdate>()) out.emplace_back(std::chrono::duration_cast<std::chrono::milliseconds>(b.now.time_since_epoch()).count(), s.inner().destination);
        }
    }
    b.now = TimePoint{until};
    return out;
}

wire::Ipv6Packet reply(std::uint16_t identifier, std::vector<Ipv6Address> agents, const Ipv6Address& from = agent2)
{
    return icmp(from, lcoa, HomeAgentDiscoveryReply{identifier, false, std::move(agents)}, 64);
}

wire::Ipv6Packet ackFrom(const Ipv6Address& agent, std::uint16_t sequence, std::uint8_t status = 0, const Ipv6Address& home = homeAddress)
{
    return mobility(agent, lcoa, BindingAck{status, 0, sequence, WireLifetime{status < 128 ? std::uint16_t{150} : std::uint16_t{0}}, {}}, {}, home);
}

/// A node that has asked and been told of these home agents, at 1 s.
Bench told(std::vector<Ipv6Address> agents)
{
    Bench b(discovering());
    b.in(advertisement(plainRa()));
    const auto seen = b.to(1s);
    b.in(reply(find<HomeAgentDiscoveryRequest>(seen)->frame.as<HomeAgentDiscoveryRequest>()->identifier, std::move(agents)));
    return b;
}

wire::Ipv6Packet prefixes(std::uint16_t identifier, std::vector<wire::NdOption> options, const Ipv6Address& from = homeAgent, std::optional<Ipv6Address> routing = homeAddress)
{
    wire::Ipv6Packet packet;
    packet.source = from;
    packet.destination = lcoa;
    if (routing) packet.routing = wire::Type2Routing{1, *routing};
    packet.nextHeader = wire::protocol::icmpv6;
    packet.payload = wire::emitIcmpv6(MobilePrefixAdvertisement{identifier, false, false, std::move(options)}, packet.pseudoHeader());
    return packet;
}

wire::NdOption pio(const char* text, std::uint32_t valid, bool routerAddress = true)
{
    return wire::PrefixInformation{prefix(text), true, true, routerAddress, valid, std::min(valid, 300u)};
}

/// A node that has asked for prefixes because of status 1, at 1 s, and the identifier.
std::pair<Bench, std::uint16_t> asking()
{
    Bench b;
    b.in(advertisement(plainRa()));
    b.in(Bench::plainAck(Bench::update(b.to(1s)).frame.as<BindingUpdate>()->sequence, 1));
    const auto seen = take(b.out);
    const Seen* s = find<MobilePrefixSolicitation>(seen);
    return {std::move(b), s ? s->frame.as<MobilePrefixSolicitation>()->identifier : std::uint16_t{0}};
}

}  // namespace

class TestHomeDiscovery : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void MN_DHAAD_01_requests()
    {
        Bench b(discovering());
        b.in(advertisement(plainRa()));
        std::vector<std::int64_t> times;
        std::set<std::uint16_t> identifiers;
        for (int ms = 0; ms <= 100000; ms += 500)
            for (const Seen& s : b.to(std::chrono::milliseconds(ms))) {
                QVERIFY2(!s.frame.as<BindingUpdate>(), "nobody to send it to");
                const auto* request = s.frame.as<HomeAgentDiscoveryRequest>();
                if (!request) continue;
                times.push_back(ms);
                identifiers.insert(request->identifier);
                QVERIFY2(s.inner().destination == anycast && s.inner().source == lcoa && !s.inner().homeAddress() && s.frame.packets.size() == 1, "MN-DHAAD-01");
            }
        QCOMPARE(times, (std::vector<std::int64_t>{1000, 4000, 10000, 22000, 46000}));  // MN-DHAAD-01: 3 s, doubling, four copies
        QVERIFY2(identifiers.size() == 1, "MN-DHAAD-01: the same request");
        QVERIFY2(count<HomeAgentDiscoveryRequest>(b.to(155s)) == 1, "later another attempt");
    }

    void MN_DHAAD_01_repliesAndTheOrderOfTheList()
    {
        Bench b(discovering());
        b.in(advertisement(plainRa()));
        const auto seen = b.to(1s);
        const auto identifier = find<HomeAgentDiscoveryRequest>(seen)->frame.as<HomeAgentDiscoveryRequest>()->identifier;
        b.in(reply(static_cast<std::uint16_t>(identifier + 1), {agent3}));
        QVERIFY2(count<BindingUpdate>(take(b.out)) == 0, "MN-DHAAD-01: another identifier");
        b.in(reply(identifier, {agent2, ip("2001:db8:bad::1"), agent3}));
        b.in(reply(identifier, {agent3}));
        const auto sent = updates(b, 100s);
        QVERIFY2(sent.front() == (std::pair(std::int64_t{1000}, agent2)), "MN-DHAAD-01: the first of the list");
        std::set<Ipv6Address> to;
        std::int64_t last = -10000, least = 100000;
        for (std::size_t i = 0; i < sent.size(); ++i) {
            if (i > 0 && sent[i].second != sent[i - 1].second) least = std::min(least, sent[i].first - last);
            last = sent[i].first;
            to.insert(sent[i].second);
        }
        QVERIFY2(to == (std::set<Ipv6Address>{agent2, agent3}), "MN-BU-15: only those with the prefix of the home address");
        QVERIFY2(least >= 1500, "MN-DHAAD-01: at least 1.5 s for each");
        // MN-BU-07: until the copies are 32 s apart.
        std::vector<std::int64_t> first;
        for (const auto& [time, agent] : sent)
            if (agent == agent2) first.push_back(time);
        QCOMPARE(first, (std::vector<std::int64_t>{1000, 2500, 5500, 11500, 23500}));
        QVERIFY2(std::find(sent.begin(), sent.end(), std::pair(std::int64_t{47500}, agent3)) != sent.end(), "MN-BU-07: then the next one");
    }

    /// A home agent lists itself; one whose prefixes have no router address (UMIP beside such a radvd) answers with an empty list.
    void MN_DHAAD_01_whoListsNobodyIsAHomeAgentItself()
    {
        Bench b = told({});
        const auto seen = take(b.out);
        QVERIFY2(count<BindingUpdate>(seen) == 1 && Bench::update(seen).inner().destination == agent2, "MN-DHAAD-01");
    }

    void MN_BU_07_theOnlyHomeAgentIsAskedOn()
    {
        Bench b;
        b.in(advertisement(plainRa()));
        const auto sent = updates(b, 200s);
        std::vector<std::int64_t> times;
        for (const auto& [time, agent] : sent) times.push_back(time);
        QCOMPARE(times, (std::vector<std::int64_t>{1000, 2500, 5500, 11500, 23500, 47500, 79500, 111500, 143500, 175500}));
    }

    void MN_BU_16_19_aRefusalSendsUsToTheNext()
    {
        Bench b = told({agent2, agent3});
        auto seen = take(b.out);
        b.in(ackFrom(agent2, Bench::update(seen).frame.as<BindingUpdate>()->sequence, 130));
        seen = b.to(2499ms);
        QVERIFY2(count<BindingUpdate>(seen) == 0, "MN-DHAAD-01, RFC 6275 §11.4.1: 1.5 s after the update to the one before");
        seen = b.to(2500ms);
        QVERIFY2(count<BindingUpdate>(seen) == 1 && Bench::update(seen).inner().destination == agent3, "MN-BU-16, MN-BU-19");
        b.in(ackFrom(agent3, Bench::update(seen).frame.as<BindingUpdate>()->sequence));
        QVERIFY(b.atHome());
    }

    void MN_BU_19_theHomeAgentOfALiveRegistrationComesFirst()
    {
        Bench b = told({agent2, agent3});
        auto seen = take(b.out);
        b.in(ackFrom(agent2, Bench::update(seen).frame.as<BindingUpdate>()->sequence));
        b.mn.linkDown(b.now, 0, b.out);
        b.mn.linkUp(b.now, 0, b.out);
        RaOptions o = plainRa();
        o.network = "2001:db8:a2::1";
        b.in(advertisement(o));
        const auto sent = updates(b, 100s);
        QVERIFY2(sent.front().second == agent2, "MN-BU-19: first");
        const auto other = std::find_if(sent.begin(), sent.end(), [](const auto& s) { return s.second == agent3; });
        QVERIFY2(other != sent.end() && other->first == 33000, "MN-BU-19: another one when it fails, after 1, 2, 4, 8 and 16 s");
    }

    void MN_BU_15_configuredHomeAgentOfTheHomePrefix()
    {
        Bench b = told({ip("2001:db8:101::1"), ip("2001:db8:bad::1")});
        QVERIFY2(count<BindingUpdate>(b.to(30s)) == 0, "MN-BU-15: none of them shares the prefix");
    }

    void MN_BU_11_MN_MPS_01_status1AsksForPrefixes()
    {
        Bench b;
        b.in(advertisement(plainRa()));
        b.in(Bench::plainAck(Bench::update(b.to(1s)).frame.as<BindingUpdate>()->sequence, 1));
        QVERIFY(b.atHome());
        std::vector<std::int64_t> times;
        std::set<std::uint16_t> identifiers;
        for (int ms = 1000; ms <= 150000; ms += 500)
            for (const Seen& s : b.to(std::chrono::milliseconds(ms))) {
                const auto* mps = s.frame.as<MobilePrefixSolicitation>();
                if (!mps) continue;
                times.push_back(ms);
                identifiers.insert(mps->identifier);
                QVERIFY2(s.inner().source == lcoa && s.inner().destination == homeAgent && s.inner().homeAddress() == homeAddress, "MN-MPS-01, SEC-08: home address option");
            }
        QCOMPARE(times, (std::vector<std::int64_t>{1000, 4000, 10000, 22000, 46000, 78000, 110000, 142000}));  // MN-MPS-01: 3 s, backing off
        QCOMPARE(identifiers.size(), std::size_t{1});
        auto s = Bench::settings();
        Bench quiet = Bench::plain(s);
        QVERIFY2(count<MobilePrefixSolicitation>(quiet.to(60s)) == 0, "not without a reason");
        s.solicitPrefixes = true;
        Bench asks(s);
        asks.in(advertisement(plainRa()));
        asks.in(Bench::plainAck(Bench::update(asks.to(1s)).frame.as<BindingUpdate>()->sequence));
        QVERIFY2(count<MobilePrefixSolicitation>(take(asks.out)) == 1, "after the first registration when that is set");
    }

    void MN_MPS_01_whichAdvertisementsCount()
    {
        auto [b, identifier] = asking();
        QVERIFY(identifier != 0 || b.mn.nextDeadline());
        b.in(prefixes(identifier, {pio("2001:db8:100::1/64", 1000)}, agent2));
        b.in(prefixes(identifier, {pio("2001:db8:100::1/64", 1000)}, homeAgent, std::nullopt));
        QVERIFY2(b.mn.homes().front().validUntil == TimePoint::max(), "MN-MPS-01: from the home agent, with the routing header");
        b.in(prefixes(static_cast<std::uint16_t>(identifier + 1), {pio("2001:db8:100::1/64", 1000)}));
        QVERIFY2(b.mn.homes().front().validUntil == TimePoint::max(), "MN-MPS-01: the identifier must match");
        b.in(prefixes(identifier, {pio("2001:db8:100::1/64", 1000)}));
        QVERIFY2(b.mn.homes().front().validUntil == TimePoint{1001s}, "MN-MPS-01");
        (void)take(b.out);
        b.in(prefixes(identifier, {pio("2001:db8:100::1/64", 9000)}));
        const auto seen = take(b.out);
        QVERIFY2(b.mn.homes().front().validUntil == TimePoint{1001s} && count<MobilePrefixSolicitation>(seen) == 1, "MN-MPS-01: a second answer is none; it makes us ask");
        QVERIFY2(find<MobilePrefixSolicitation>(seen)->frame.as<MobilePrefixSolicitation>()->identifier != identifier, "MN-MPS-01: a new random identifier");
    }

    void MN_MPS_01_beforeTheHomeAddressBecomesInvalid()
    {
        auto [b, identifier] = asking();
        b.in(prefixes(identifier, {pio("2001:db8:100::1/64", 500)}));
        b.in(Bench::plainAck(Bench::update(take(b.out)).frame.as<BindingUpdate>()->sequence, 0, 125));
        (void)b.to(1s);
        QVERIFY2(count<MobilePrefixSolicitation>(b.to(401s - 1ns)) == 0, "not yet");
        QVERIFY2(count<MobilePrefixSolicitation>(b.to(401s)) == 1, "MN-MPS-01: about to become invalid");
    }

    void MN_BU_05_MN_MPS_01_lifetimesEndWithTheHomePrefix()
    {
        auto [b, identifier] = asking();
        b.in(prefixes(identifier, {pio("2001:db8:100::1/64", 100)}));
        const auto seen = take(b.out);
        QVERIFY2(count<BindingUpdate>(seen) == 1 && Bench::update(seen).frame.as<BindingUpdate>()->lifetime.count() == 25, "MN-BU-05: the binding would outlive the address");
        b.in(Bench::plainAck(Bench::update(seen).frame.as<BindingUpdate>()->sequence, 0, 25));
        (void)b.to(102s);
        QVERIFY2(!b.mn.homeAssociation().registered(b.now), "the address has ended");
        QVERIFY2(count<BindingUpdate>(b.to(300s)) == 0, "and is not registered again");
    }

    void MN_BU_18_MN_MPS_01_renumbering()
    {
        auto [b, identifier] = asking();
        b.in(prefixes(identifier, {pio("2001:db8:100::1/64", 2000), pio("2001:db8:900::1/64", 9000)}));
        const auto seen = take(b.out);
        const Ipv6Address home2 = ip("2001:db8:900::1:1");
        const Seen& s = Bench::update(seen);
        QVERIFY2(s.inner().homeAddress() == home2 && s.inner().destination == ip("2001:db8:900::1"), "MN-BU-18, MN-BU-15: the new address, at the home agent's address in its prefix");
        b.in(ackFrom(ip("2001:db8:900::1"), s.frame.as<BindingUpdate>()->sequence, 0, home2));
        QVERIFY(b.mn.homes().size() == 2 && b.mn.homes()[1].association.registered(b.now));
        b.in(encapsulate(probe(correspondent, home2, {7, false, 1, TimePoint{}}), ip("2001:db8:900::1"), lcoa));
        const auto answer = take(b.out);
        QVERIFY2(answer.size() == 1 && answer[0].inner().source == home2, "both addresses serve");
    }

    void MN_BU_18_furtherHomeAddresses()
    {
        auto s = Bench::settings();
        s.furtherHomeAddresses = {ip("2001:db8:100::1:2"), ip("2001:db8:100::1:3"), ip("2001:db8:100::1:4")};
        Bench b(s);
        b.in(advertisement(plainRa()));
        std::map<Ipv6Address, std::vector<std::int64_t>> sent;
        std::vector<std::int64_t> all;
        for (int ms = 0; ms <= 12000; ms += 10)
            for (const Seen& x : b.to(std::chrono::milliseconds(ms)))
                if (x.frame.as<BindingUpdate>()) {
                    sent[*x.inner().homeAddress()].push_back(ms);
                    all.push_back(ms);
                }
        QVERIFY2(sent.size() == 4, "MN-BU-18: one update for each home address");
        for (std::size_t i = 3; i < all.size(); ++i) QVERIFY2(all[i] - all[i - 3] >= 1040, "MN-COA-02: three a second for all together");
    }

    void MN_DHAAD_01_behindAMapFromTheRcoa()
    {
        Bench b(discovering());
        b.in(advertisement({}));
        b.in(Bench::localAck(Bench::update(b.to(1s)).frame.as<BindingUpdate>()->sequence));
        const auto seen = take(b.out);
        const Seen* s = find<HomeAgentDiscoveryRequest>(seen);
        QVERIFY2(s && s->frame.packets.size() == 2 && s->inner().source == rcoa && s->outer().destination == mapAddress, "MN-DHAAD-01, HMIP-MN-24");
    }
};

QTEST_APPLESS_MAIN(TestHomeDiscovery)
#include "test_home_discovery.moc"
