// SPDX-License-Identifier: GPL-3.0-or-later
// How a home agent is found: the list of agents on a link and the answers to requests (RFC 6275 §7, §10.5).
#include "tests/support/anchor_bench.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::node;
using namespace roamscope::test;
using namespace roamscope::test::anchors;
using wire::HomeAgentDiscoveryReply;
using wire::HomeAgentDiscoveryRequest;
using wire::RouterAdvertisement;

namespace {

const Ipv6Address anycast = ip("2001:db8:100::fdff:ffff:ffff:fffe");
const Ipv6Address other = ip("2001:db8:100::2");
const Ipv6Address otherLinkLocal = ip("fe80::2");

wire::PrefixInformation routerAddress(const Ipv6Address& address, std::uint32_t valid = 86400)
{
    return {Prefix{address, 64}, true, true, true, valid, valid};
}

RouterAdvertisement advertisement(std::vector<wire::NdOption> options, std::uint16_t lifetime = 1800, bool homeAgent = true)
{
    RouterAdvertisement ra;
    if (homeAgent) ra.flags = RouterAdvertisement::homeAgentFlag;
    ra.routerLifetime = lifetime;
    ra.options = std::move(options);
    return ra;
}

/// What the agent answers to a request, or nothing.
std::optional<HomeAgentDiscoveryReply> ask(Bench& b, std::uint16_t identifier = 7, const Ipv6Address& to = anycast)
{
    b.in(coreLink, icmp(careOf, to, HomeAgentDiscoveryRequest{identifier, false}, 64));
    for (const Seen& s : take(b.out))
        if (const auto* reply = s.frame.as<HomeAgentDiscoveryReply>()) return *reply;
    return std::nullopt;
}

void hear(Bench& b, const RouterAdvertisement& ra, const Ipv6Address& from = otherLinkLocal) { b.in(homeLink, icmp(from, allNodes(), ra)); }

}  // namespace

class TestHomeAgentDiscovery : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void HA_DHAAD_03_answersOnTheAnycastAddressStraightToTheAsker()
    {
        Bench b;
        b.in(coreLink, icmp(careOf, anycast, HomeAgentDiscoveryRequest{4711, false}, 64));
        auto seen = take(b.out);
        QVERIFY(seen.size() == 1 && seen[0].frame.as<HomeAgentDiscoveryReply>());
        const auto& reply = *seen[0].frame.as<HomeAgentDiscoveryReply>();
        QVERIFY2(reply.identifier == 4711 && seen[0].inner().destination == careOf && !seen[0].inner().routing, "HA-DHAAD-03");
        QVERIFY2(seen[0].inner().source == agent, "HA-DHAAD-01: from a global unicast address");
        QCOMPARE(reply.homeAgents, std::vector{agent});
        // Its neighbours find the anycast address; the answer does not override (RFC 4861 §7.2.7), and comes from a unicast address.
        b.in(homeLink, icmp(ip("2001:db8:100::77"), solicitedNode(anycast), NeighborSolicitation{anycast, {wire::SourceLinkLayerOption{nextMac}}}));
        seen = take(b.out);
        QVERIFY(seen.size() == 1 && !seen[0].frame.as<NeighborAdvertisement>()->override && seen[0].inner().source != anycast);
        // Not for other links' prefixes, nor for whoever cannot be answered.
        QVERIFY(!ask(b, 1, ip("2001:db8:200::1")));
        b.in(coreLink, icmp(ip("fe80::9"), anycast, HomeAgentDiscoveryRequest{1, false}, 64));
        QVERIFY(take(b.out).empty());
        // A MAP is no home agent.
        Bench map(true);
        QVERIFY(!ask(map));
    }

    void HA_DHAAD_02_theListFollowsTheAdvertisements()
    {
        Bench b;
        hear(b, advertisement({routerAddress(other)}));
        QCOMPARE(ask(b)->homeAgents.size(), std::size_t{2});
        // H=0 deletes.
        hear(b, advertisement({routerAddress(other)}, 1800, false));
        QVERIFY2(ask(b)->homeAgents == std::vector{agent}, "HA-DHAAD-02: H=0");
        // So does a lifetime of 0, of the router or in the option.
        hear(b, advertisement({routerAddress(other)}));
        hear(b, advertisement({routerAddress(other)}, 0));
        QVERIFY2(ask(b)->homeAgents == std::vector{agent}, "HA-DHAAD-02: lifetime 0");
        hear(b, advertisement({routerAddress(other), wire::HomeAgentInformation{0, 100, false}}, 0));
        QVERIFY2(ask(b)->homeAgents.size() == 2, "the option's lifetime stands before the router's");
        // The lifetime runs out.
        (void)b.to(100s - 1ns);
        QCOMPARE(ask(b)->homeAgents.size(), std::size_t{2});
        (void)b.to(100s);
        QVERIFY2(ask(b)->homeAgents == std::vector{agent}, "HA-DHAAD-02: expired");
        // So does the prefix of an address (RFC 6275 §10.1).
        hear(b, advertisement({routerAddress(other, 50), routerAddress(ip("2001:db8:100:0:1::2"), 0)}));
        QCOMPARE(ask(b)->homeAgents.size(), std::size_t{2});
        (void)b.to(150s);
        QCOMPARE(ask(b)->homeAgents, std::vector{agent});
        // Prefixes without R name nobody; advertisements that are none change nothing.
        Bench c;
        auto plain = routerAddress(other);
        plain.routerAddress = false;
        hear(c, advertisement({plain}));
        hear(c, advertisement({routerAddress(other)}), ip("2001:db8:100::77"));
        c.in(homeLink, icmp(otherLinkLocal, allNodes(), advertisement({routerAddress(other)}), 254));
        QCOMPARE(ask(c)->homeAgents, std::vector{agent});
    }

    void HA_DHAAD_01_mostPreferredFirstEqualOnesShuffled()
    {
        Bench b;
        hear(b, advertisement({routerAddress(ip("2001:db8:100::a")), wire::HomeAgentInformation{5, 1800, false}}), ip("fe80::a"));
        hear(b, advertisement({routerAddress(ip("2001:db8:100::b"))}), ip("fe80::b"));
        hear(b, advertisement({routerAddress(ip("2001:db8:100::c")), wire::HomeAgentInformation{300, 1800, false}}), ip("fe80::c"));
        std::set<std::vector<Ipv6Address>> orders;
        for (std::uint16_t i = 0; i < 40; ++i) {
            const auto list = ask(b, i)->homeAgents;
            QCOMPARE(list.size(), std::size_t{4});
            QVERIFY2(list[0] == ip("2001:db8:100::c") && list[1] == ip("2001:db8:100::a"), "HA-DHAAD-01: by preference, 0 when none is told");
            orders.insert(list);
        }
        QVERIFY2(orders.size() == 2, "HA-DHAAD-01: equal ones in either order");
    }

    void NEMO_DH_01_homeAgentsForMobileRouters()
    {
        const auto askForRouter = [](Bench& b) {
            b.in(coreLink, icmp(careOf, anycast, HomeAgentDiscoveryRequest{9, true}, 64));
            const auto seen = take(b.out);
            return *find<HomeAgentDiscoveryReply>(seen)->frame.as<HomeAgentDiscoveryReply>();
        };
        Bench plain;
        QVERIFY2(!askForRouter(plain).mobileRouter && askForRouter(plain).homeAgents == std::vector{agent}, "NEMO-DH-01: plain ones where there are no others");
        hear(plain, advertisement({routerAddress(other), wire::HomeAgentInformation{0, 1800, true}}));
        QVERIFY2(askForRouter(plain).mobileRouter && askForRouter(plain).homeAgents == std::vector{other}, "NEMO-DH-01: those that serve mobile routers");
        QVERIFY2(!ask(plain)->mobileRouter && ask(plain)->homeAgents.size() == 2, "all of them for a host");
        Registrar::Policy policy = Bench::policy(false, false);
        policy.mobileRouters.routers = {{home, {prefix("2001:db8:1f0::/56")}}};
        Bench serving(policy);
        QVERIFY(askForRouter(serving).mobileRouter && askForRouter(serving).homeAgents == std::vector{agent});
    }

    void HA_DHAAD_01_theAnswerFitsTheLeastMtu()
    {
        HomeAgentsList list;
        for (std::uint16_t i = 0; i < 200; ++i) {
            std::vector<wire::NdOption> options{wire::HomeAgentInformation{i, 1800, false}};
            for (std::uint8_t n = 0; n < 20; ++n) {
                auto address = ip("2001:db8:100::");
                address.octets[7] = n;
                address.octets[15] = static_cast<std::uint8_t>(i + 1);
                options.push_back(routerAddress(address));
            }
            auto router = ip("fe80::");
            router.octets[14] = static_cast<std::uint8_t>(i >> 8);
            router.octets[15] = static_cast<std::uint8_t>(i);
            (void)list.heard({}, router, advertisement(options));
        }
        QCOMPARE(list.size(), HomeAgentsList::maxAgents);
        Random random(1);
        const auto answer = list.answer({0, {agent}}, random);
        QVERIFY2(40 + 8 + 16 * answer.size() <= 1280 && 40 + 8 + 16 * (answer.size() + 1) > 1280, "HA-DHAAD-01: trimmed to 1280 octets");
        QVERIFY2(answer.front().octets[15] == 200 && std::find(answer.begin(), answer.end(), agent) == answer.end(), "the most preferred stay");
        QCOMPARE(list.prefixes({}).size(), HomeAgentsList::maxAgents * HomeAgentsList::maxPrefixes);
    }

    /// RFC 4862 §5.5.3 c: no mobile node may take such a prefix, and some stumble over it (UMIP).
    void HA_MPA_01_aPrefixThatIsPreferredForLongerThanValidIsNotPassedOn()
    {
        HomeAgentsList list;
        wire::PrefixInformation broken = routerAddress(ip("2001:db8:100::77"), 1000);
        broken.preferredLifetime = 5000;
        (void)list.heard({}, ip("fe80::77"), advertisement({broken}));
        QVERIFY(list.prefixes({}).empty());
        broken.preferredLifetime = 1000;
        (void)list.heard({}, ip("fe80::77"), advertisement({broken}));
        QCOMPARE(list.prefixes({}).size(), std::size_t{1});
    }

    void HA_DHAAD_02_aFullListKeepsTheMostPreferred()
    {
        // RFC 6275 §10.5.1 wants the most preferred first, whoever was heard first.
        HomeAgentsList list;
        Random random(1);
        const auto hearOne = [&](std::uint8_t n, std::uint16_t preference) {
            const Ipv6Address router = withInterfaceId(ip("fe80::"), {0, 0, 0, 0, 0, 0, 1, n}), address = withInterfaceId(ip("2001:db8:100::"), {0, 0, 0, 0, 0, 0, 1, n});
            (void)list.heard({}, router, advertisement({routerAddress(address), wire::HomeAgentInformation{preference, 1800, false}}));
            const auto all = list.answer({0, {}}, random);
            return std::find(all.begin(), all.end(), address) != all.end();
        };
        for (std::uint8_t n = 0; n < HomeAgentsList::maxAgents; ++n) QVERIFY(hearOne(n, n == 20 ? 3 : 5));
        QVERIFY2(!hearOne(100, 0) && !hearOne(100, 3), "no more than the least preferred");
        QVERIFY2(hearOne(101, 4), "HA-DHAAD-02: takes the place of the least preferred one");
        QVERIFY2(!hearOne(20, 3), "which is gone");
        QVERIFY2(hearOne(102, 300) && !hearOne(101, 4) && list.size() == HomeAgentsList::maxAgents, "HA-DHAAD-02");
        QVERIFY2(hearOne(0, 1) && hearOne(103, 2) && !hearOne(0, 1), "one whose preference falls goes next");
    }

    void requestsAreLimited()
    {
        Bench b;
        std::size_t answers = 0;
        for (std::uint16_t i = 0; i < 1000; ++i) answers += ask(b, i) ? 1u : 0u;
        QVERIFY(answers >= 100 && answers <= 110);
        b.now += 1s;
        QVERIFY(ask(b));
    }

    void HA_RA_01_advertisementsOfAHomeAgent()
    {
        const auto first = [](RouterAdvertiser::Settings settings) {
            settings.homeAgent = true;
            IpStack stack = Bench::makeStack();
            RouterAdvertiser advertiser(settings, Random(1));
            Output out;
            advertiser.advance(*advertiser.nextDeadline(), stack, out);
            return *take(out)[0].frame.as<RouterAdvertisement>();
        };
        RouterAdvertiser::Settings settings{homeLink, 200s, 600s, prefix("2001:db8:100::1/64"), {}};
        const auto plain = first(settings);
        QVERIFY2((plain.flags & RouterAdvertisement::homeAgentFlag) != 0 && wire::findOption<wire::SourceLinkLayerOption>(plain.options), "HA-RA-01");
        QVERIFY2(wire::findOption<wire::PrefixInformation>(plain.options)->routerAddress && !wire::findOption<wire::HomeAgentInformation>(plain.options),
                 "HA-RA-01: no option when preference and lifetime are the defaults");
        settings.homeAgentInformation = wire::HomeAgentInformation{9, 1800, false};
        const auto preferred = first(settings);
        QVERIFY2(wire::findOption<wire::HomeAgentInformation>(preferred.options)->preference == 9 && wire::findOption<wire::HomeAgentInformation>(preferred.options)->lifetime != 0, "HA-RA-01");
    }
};

QTEST_APPLESS_MAIN(TestHomeAgentDiscovery)
#include "test_home_agent_discovery.moc"
