// SPDX-License-Identifier: GPL-3.0-or-later
// Passive analysis of captures of a MAP domain: roles, bindings, exchanges, handovers to the nanosecond, probes.
#include "tests/support/frame_builder.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::analysis;
using namespace roamscope::test;

using Net = SampleNetwork;

namespace {

const NodeInfo* only(const Analysis& a, Role role)
{
    const NodeInfo* found = nullptr;
    for (const NodeInfo& node : a.nodes) {
        if (node.role != role) continue;
        if (found) return nullptr;
        found = &node;
    }
    return found;
}

QByteArray phases(const Handover& h)
{
    std::string text;
    for (const Phase& p : h.phases)
        text += p.name + ' ' + std::to_string(toNanoseconds(p.start)) + '-' + std::to_string(toNanoseconds(p.end)) + ' ';
    return QByteArray::fromStdString(text);
}

Net wholeRun(const MobileSpec& mn = {})
{
    Net net;
    net.registerFirst(mn);
    net.probes(mn);
    net.moveToSecond(mn);
    net.sort();
    return net;
}

}  // namespace

class TestAnalyzer : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void correctTrafficRaisesNoFinding()
    {
        const auto a = wholeRun().analyze();
        for (const TraceFinding& f : a->findings) qWarning() << f.frame + 1 << f.finding.text.c_str();
        QVERIFY(a->findings.empty());
    }

    void rolesAreInferred()
    {
        const MobileSpec mn;
        const Net net = wholeRun();
        const auto a = net.analyze();
        const NodeInfo* node = only(*a, Role::MobileNode);
        QVERIFY(node);
        QCOMPARE(node->label(), std::string("MN 2001:db8:100::1:1"));
        QVERIFY(node->macs == std::vector<Mac>{mn.interface});
        QVERIFY(node->addresses == (std::vector<Ipv6Address>{mn.home, net.regional(mn), net.careOf(mn, Net::w1), net.careOf(mn, Net::w2)}));
        QVERIFY(a->nodeOf(net.careOf(mn, Net::w2)) == node);
        QVERIFY(only(*a, Role::Map) && only(*a, Role::Map)->addresses.front() == net.map);
        QVERIFY(only(*a, Role::HomeAgent) && only(*a, Role::HomeAgent)->addresses.front() == net.ha);
        QVERIFY(only(*a, Role::Correspondent) && only(*a, Role::Correspondent)->addresses.front() == net.cn);
        const auto routers = std::count_if(a->nodes.begin(), a->nodes.end(), [](const NodeInfo& n) { return n.role == Role::AccessRouter; });
        QCOMPARE(routers, std::ptrdiff_t{2});
        QCOMPARE(a->nodes.size(), std::size_t{6});
        QVERIFY(!a->nodeOf(ip("2001:db8:ffff::1")));
    }

    void copiesOnSeveralLinksAreOneExchange()
    {
        const Net net = wholeRun();
        const auto a = net.analyze();
        QCOMPARE(a->exchanges.size(), std::size_t{3});
        const Exchange& home = a->exchanges[1];
        QVERIFY(home.peer == Role::HomeAgent);
        QVERIFY(home.updates == std::vector<FrameIndex>{net.indexOf(2500ms, Net::w1)});
        QCOMPARE(*home.answer, net.indexOf(3557ms, Net::w1));
        QVERIFY(home.start == at(2500ms));
        QVERIFY(*home.end == at(3557ms));
        QCOMPARE(*home.status, std::uint8_t{0});
        // Every sighting of an acknowledgement is coloured by who sent it.
        QVERIFY(a->acknowledgements.at(net.indexOf(3550ms, Net::core)) == Role::HomeAgent);
        QVERIFY(a->acknowledgements.at(net.indexOf(2402ms, Net::w1)) == Role::Map);
        QCOMPARE(a->acknowledgements.size(), std::size_t{2 + 3 + 2});
    }

    void bindingsAtInstants()
    {
        const MobileSpec mn;
        const Net net = wholeRun();
        const auto a = net.analyze();
        QVERIFY(a->bindingsAt(at(2400ms - 1ns)).empty());
        auto alive = a->bindingsAt(at(2400ms));  // as first seen, on domain
        QCOMPARE(alive.size(), std::size_t{1});
        QVERIFY(alive[0]->owner == Role::Map);
        QVERIFY(alive[0]->homeAddress == net.regional(mn));
        QVERIFY(alive[0]->careOfAddress == net.careOf(mn, Net::w1));
        QVERIFY(alive[0]->lifetime == 600s);
        QVERIFY(alive[0]->leftAt(at(12400ms)) == 590s);
        alive = a->bindingsAt(at(3550ms));
        QCOMPARE(alive.size(), std::size_t{2});
        QVERIFY(alive[1]->owner == Role::HomeAgent);
        QVERIFY(alive[1]->homeAddress == mn.home);
        QVERIFY(alive[1]->careOfAddress == net.regional(mn));
        QCOMPARE(alive[1]->sequence, std::uint16_t{100});
        alive = a->bindingsAt(at(11210ms));
        QCOMPARE(alive.size(), std::size_t{2});
        QVERIFY(alive[0]->careOfAddress == net.careOf(mn, Net::w2));
        QCOMPARE(a->bindings.size(), std::size_t{3});
        QVERIFY(*a->bindings[0].to == at(11210ms));
        QVERIFY(a->bindings[0].end == Knowledge::Acknowledged);
    }

    void phasesOfAnIntraMapHandoverAreExact()
    {
        const MobileSpec mn;
        const Net net = wholeRun();
        const auto a = net.analyze();
        QCOMPARE(a->handovers.size(), std::size_t{2});
        const Handover& first = a->handovers[0];
        QVERIFY(first.kind == HandoverKind::Initial);
        QCOMPARE(first.toLink, std::string("w1"));
        QVERIFY(first.start == at(100ms));
        QVERIFY(!first.interruption);
        QCOMPARE(phases(first), QByteArray("T_MD 100000000-150000000 T_DAD 150000000-1300000000 T_LBU 1300000000-2402000000 "
                                           "T_HA 2500000000-3557000000 "));

        const Handover& h = a->handovers[1];
        QVERIFY(h.kind == HandoverKind::IntraMap);
        QVERIFY(h.mobileNode == mn.home);
        QCOMPARE(h.fromLink, std::string("w1"));
        QCOMPARE(h.toLink, std::string("w2"));
        QVERIFY(h.oldCareOf == net.careOf(mn, Net::w1));
        QVERIFY(h.newCareOf == net.careOf(mn, Net::w2));
        // The last probe answered from w1 is serial 59 (sent 9.9 s, on w1 at 9.927 s). Later ones still go to w1 and are lost.
        QVERIFY(h.start == at(9927ms));
        // The first probe that reaches the MAP after 11.21 s is serial 72 (sent 11.2 s).
        QVERIFY(*h.end == at(11227ms));
        QVERIFY(*h.interruption == 1300ms);
        QCOMPARE(phases(h), QByteArray("T_L2 9927000000-10100000000 T_MD 10100000000-10170000000 T_DAD 10170000000-11200000000 "
                                       "T_LBU 11200000000-11212000000 "));
        QCOMPARE(*h.phases[0].startFrame, net.indexOf(9927ms, Net::w1));
        QCOMPARE(*h.phases[0].endFrame, net.indexOf(10100ms, Net::w2));
        QCOMPARE(*h.phases[1].endFrame, net.indexOf(10170ms, Net::w2));
        QCOMPARE(*h.phases[2].endFrame, net.indexOf(11200ms, Net::w2));
        QCOMPARE(*h.phases[3].endFrame, net.indexOf(11212ms, Net::w2));
        QCOMPARE(h.lost, 12u);  // serials 60 to 71
        QCOMPARE(h.duplicated, 0u);
        QCOMPARE(h.reordered, 0u);
    }

    void probesLostDuringTheHandover()
    {
        const auto a = wholeRun().analyze();
        QCOMPARE(a->flows.size(), std::size_t{1});
        const Flow& flow = a->flows[0];
        QCOMPARE(flow.probes.size(), std::size_t{111});
        QCOMPARE(flow.lost, 12u);
        for (const ProbeSample& p : flow.probes) {
            const bool lost = p.serial >= 60 && p.serial <= 71;
            QCOMPARE(p.received.has_value(), !lost);
            QCOMPARE(p.answered.has_value(), !lost);
            QCOMPARE(p.copies, static_cast<std::uint16_t>(lost ? 0 : 1));
            QVERIFY(p.sent == at(4s + p.serial * 100ms));
            if (lost) continue;
            QVERIFY(*p.received == p.sent + 27ms);
            QVERIFY(*p.answered == p.sent + 28ms + 45ms);
        }
    }

    void probesUnderwayWhenTheNodeLeavesAreLostToTheHandover()
    {
        const MobileSpec mn;
        Net net;
        net.registerFirst(mn);
        for (std::uint32_t serial = 0; serial <= 100; ++serial) {
            const Duration t = 9900ms + serial * 20ms;
            const Net::Link w = t + 25ms < 11210ms ? Net::w1 : Net::w2;
            net.probeDown(mn, w, t, serial);
            // Serial 4 is the last one answered, on w1 at 10.007 s; serial 5 was sent 7 ms before.
            if (serial <= 4 || w == Net::w2) net.probeAnswer(mn, w, t + 28ms, serial);
        }
        net.moveToSecond(mn);
        net.sort();
        const auto a = net.analyze();
        QVERIFY(a->handovers[1].start == at(10007ms));
        QCOMPARE(a->flows[0].lost, 60u);         // serials 5 to 64
        QCOMPARE(a->handovers[1].lost, 60u);
    }

    void attachmentsFollowTheInterface()
    {
        const Net net = wholeRun();
        const auto a = net.analyze();
        QCOMPARE(a->attachments.size(), std::size_t{2});
        QCOMPARE(a->attachments[0].link, std::uint32_t{Net::w1});
        QVERIFY(a->attachments[0].from == at(100ms));
        QVERIFY(*a->attachments[0].to == at(10100ms));
        QVERIFY(*a->attachments[0].router == net.arRadio[0]);
        QCOMPARE(a->attachments[1].link, std::uint32_t{Net::w2});
        QVERIFY(!a->attachments[1].to);
        QVERIFY(*a->attachments[1].router == net.arRadio[1]);
    }

    void duplicatedAndReorderedProbesAreCounted()
    {
        const MobileSpec mn;
        Net net = wholeRun();
        // Serial 65 arrives after all, behind 72, and twice.
        const Bytes late = tunnel(net.map, net.careOf(mn, Net::w2),
                                  tunnel(net.ha, net.regional(mn), probe(net.cn, mn.home, {1, false, 65, at(10500ms)})));
        net.down(mn, Net::w2, 11240ms, late);
        net.down(mn, Net::w2, 11250ms, late);
        net.sort();
        const auto a = net.analyze();
        QCOMPARE(a->handovers[1].lost, 11u);
        QCOMPARE(a->handovers[1].duplicated, 1u);
        QCOMPARE(a->handovers[1].reordered, 1u);
        QCOMPARE(a->flows[0].probes[65].copies, std::uint16_t{2});
    }

    void retransmissionsShareAnExchange()
    {
        const MobileSpec mn;
        Net net;
        net.localUpdate(mn, Net::w1, 1s, 7);
        net.localUpdate(mn, Net::w1, 2500ms, 8);
        net.localAnswer(mn, Net::w1, 2600ms, 7);  // the answer to the older copy still counts
        net.localAnswer(mn, Net::w1, 2650ms, 8);
        const auto a = net.analyze();
        QCOMPARE(a->exchanges.size(), std::size_t{1});
        QCOMPARE(a->exchanges[0].updates.size(), std::size_t{2});
        QCOMPARE(a->exchanges[0].sequence, std::uint16_t{7});
        QVERIFY(*a->exchanges[0].end == at(2602ms));
        QCOMPARE(a->bindings.size(), std::size_t{2});
        QCOMPARE(a->bindings[1].sequence, std::uint16_t{8});
        QVERIFY(a->findings.empty());
        QCOMPARE(a->handovers.size(), std::size_t{1});
        QCOMPARE(a->handovers[0].phases.back().name, std::string("T_LBU"));
        QVERIFY(a->handovers[0].phases.back().end == at(2602ms));
    }

    void refusalsMakeNoBinding()
    {
        const MobileSpec mn;
        Net net;
        net.localUpdate(mn, Net::w1, 1s, 7);
        net.localAnswer(mn, Net::w1, 1100ms, 7, wire::bindingStatus::administrativelyProhibited, 0);
        net.localUpdate(mn, Net::w1, 3s, 8);
        net.localAnswer(mn, Net::w1, 3100ms, 5000, wire::bindingStatus::sequenceOutOfWindow, 0);
        net.localUpdate(mn, Net::w1, 3200ms, 5001);
        auto a = net.analyze();
        QVERIFY(a->bindings.empty());
        QVERIFY(a->handovers[0].phases.empty() || a->handovers[0].phases.back().name != "T_LBU");
        QCOMPARE(a->exchanges.size(), std::size_t{3});
        QCOMPARE(*a->exchanges[0].status, std::uint8_t{129});
        QCOMPARE(*a->exchanges[1].status, std::uint8_t{135});
        QVERIFY(!a->exchanges[2].answer);
        net.localAnswer(mn, Net::w1, 3300ms, 5001);
        a = net.analyze();
        QCOMPARE(a->bindings.size(), std::size_t{1});
        // 135 starts a new try: T_LBU runs from the update behind it.
        QCOMPARE(a->handovers[0].phases.back().name, std::string("T_LBU"));
        QVERIFY(a->handovers[0].phases.back().start == at(3200ms));
        QVERIFY(a->findings.empty());
    }

    /// HA-BU-02: an update that arrives twice gets 135, so an acceptance that is seen twice was duplicated or replayed.
    void copiesOfAnAcknowledgementMakeNoBinding()
    {
        const MobileSpec mn;
        Net net;
        net.localUpdate(mn, Net::w1, 1s, 7);
        net.localAnswer(mn, Net::w1, 1100ms, 7);
        net.localAnswer(mn, Net::w1, 1101ms, 7);
        net.localAnswer(mn, Net::w1, 1900ms, 7);
        // Spoilt on the way: the type 2 routing header still names the node, so that the checksum is good.
        Ipv6Address elsewhere = net.careOf(mn, Net::w1);
        elsewhere.octets[10] ^= 0x40;
        net.down(mn, Net::w1, 1950ms, answer({net.map, elsewhere, net.regional(mn), 0, 7, 600}));
        net.sort();
        auto a = net.analyze();
        QCOMPARE(a->bindings.size(), std::size_t{1});
        QVERIFY(a->bindings[0].from == at(1100ms) && !a->bindings[0].to);
        QVERIFY2(a->exchanges.size() == 1 && *a->exchanges[0].end == at(1102ms) && a->exchanges[0].roundTrip == 102ms, "when the node had it");
        // Late ones bring nothing back: neither what a newer update replaced nor what was deleted.
        net.localUpdate(mn, Net::w1, 3s, 8);
        net.localAnswer(mn, Net::w1, 3100ms, 8);
        net.localAnswer(mn, Net::w1, 3500ms, 7);
        net.localUpdate(mn, Net::w1, 5s, 9, 0);
        net.localAnswer(mn, Net::w1, 5100ms, 9, 0, 0);
        net.localAnswer(mn, Net::w1, 9s, 8);
        a = net.analyze();
        QCOMPARE(a->bindings.size(), std::size_t{2});
        QVERIFY(*a->bindings[0].to == at(3100ms) && *a->bindings[1].to == at(5100ms) && a->bindings[1].end == Knowledge::Deleted);
        QVERIFY(a->findings.empty());
        // The same words are another answer when the update was sent again, or another one with its number.
        net.localUpdate(mn, Net::w1, 11s, 8);
        net.localAnswer(mn, Net::w1, 11100ms, 8);
        net.localUpdate(mn, Net::w1, 13s, 9, 0);
        net.localAnswer(mn, Net::w1, 13100ms, 9, 0, 0);
        net.localUpdate(mn, Net::w1, 15s, 8, 700);
        net.localAnswer(mn, Net::w1, 15100ms, 8);
        a = net.analyze();
        QCOMPARE(a->bindings.size(), std::size_t{4});
        QVERIFY(a->bindings[2].from == at(11100ms) && *a->bindings[2].to == at(13100ms) && a->bindings[3].from == at(15100ms) && !a->bindings[3].to);
    }

    void bindingsExpireAndAreDeleted()
    {
        const MobileSpec mn;
        Net net;
        net.localUpdate(mn, Net::w1, 1s, 7, 8);
        net.localAnswer(mn, Net::w1, 1100ms, 7, 0, 8);
        net.solicitRouter(mn, Net::w1, 30s);
        auto a = net.analyze();
        QVERIFY(*a->bindings.at(0).to == at(9100ms));
        QVERIFY(a->bindings[0].end == Knowledge::Expired);
        QVERIFY(a->bindingsAt(at(9100ms)).empty());

        net.localUpdate(mn, Net::w1, 40s, 8, 600);
        net.localAnswer(mn, Net::w1, 40100ms, 8, 0, 600);
        net.localUpdate(mn, Net::w1, 50s, 9, 0);
        net.localAnswer(mn, Net::w1, 50100ms, 9, 0, 0);
        a = net.analyze();
        QCOMPARE(a->bindings.size(), std::size_t{2});
        QVERIFY(*a->bindings[1].to == at(50100ms));
        QVERIFY(a->bindings[1].end == Knowledge::Deleted);
        QVERIFY(a->findings.empty());
    }

    void oneLinkAloneIsEnoughForTheRegistration()
    {
        const MobileSpec mn;
        Net net = wholeRun();
        net.keepOnly(Net::domain);
        const auto a = net.analyze();
        QCOMPARE(a->handovers.size(), std::size_t{2});
        QVERIFY(a->handovers[1].kind == HandoverKind::IntraMap);
        QVERIFY(a->handovers[1].fromLink.empty());
        QCOMPARE(phases(a->handovers[1]), QByteArray("T_LBU 11205000000-11210000000 "));
        QCOMPARE(a->bindings.size(), std::size_t{3});
        QVERIFY(a->attachments.empty());
        QVERIFY(only(*a, Role::MobileNode)->addresses.front() == mn.home);
    }

    void twoMobileNodesAreKeptApart()
    {
        const MobileSpec one;
        const MobileSpec two{ip("2001:db8:100::2:2"), mac("02:00:00:00:00:22")};
        Net net;
        net.registerFirst(one);
        net.registerFirst(two);
        net.probes(one);
        net.moveToSecond(one);
        net.sort();
        const auto a = net.analyze();
        const auto mobiles = std::count_if(a->nodes.begin(), a->nodes.end(), [](const NodeInfo& n) { return n.role == Role::MobileNode; });
        QCOMPARE(mobiles, std::ptrdiff_t{2});
        QCOMPARE(a->handovers.size(), std::size_t{3});
        QVERIFY(a->handovers[2].mobileNode == one.home);
        QVERIFY(a->handovers[2].kind == HandoverKind::IntraMap);
        QVERIFY(*a->handovers[2].interruption == 1300ms);
        QCOMPARE(a->bindingsAt(at(15s)).size(), std::size_t{4});
        QVERIFY(a->findings.empty());
    }

    void aNewRegionalAddressIsAnInterMapHandover()
    {
        const MobileSpec mn;
        Net net;
        net.registerFirst(mn);
        net.solicitRouter(mn, Net::w2, 10s);
        net.advertise(Net::w2, 10010ms);
        net.testAddress(mn, Net::w2, 10100ms);
        UpdateSpec local = net.localSpec(mn, Net::w2, 50);
        local.home = withInterfaceId(ip("2001:db8:400::"), eui64(mn.interface));
        local.destination = ip("2001:db8:200::400");
        net.up(mn, Net::w2, 11s, update(local));
        net.down(mn, Net::w2, 12s, answer({local.destination, local.source, local.home, 0, 50, 600}));
        UpdateSpec home = net.homeSpec(mn, 101);
        home.source = *local.home;
        home.alternate = local.home;
        net.up(mn, Net::w2, 12100ms, tunnel(local.source, local.destination, update(home)), update(home));
        net.down(mn, Net::w2, 12200ms, tunnel(local.destination, local.source, answer({net.ha, *local.home, mn.home, 0, 101, 600})));
        net.sort();
        const auto a = net.analyze();
        QCOMPARE(a->handovers.size(), std::size_t{2});
        QVERIFY(a->handovers[1].kind == HandoverKind::InterMap);
        QCOMPARE(phases(a->handovers[1]), QByteArray("T_MD 10000000000-10010000000 T_DAD 10010000000-11000000000 "
                                                     "T_LBU 11000000000-12002000000 T_HA 12100000000-12202000000 "));
        QVERIFY(a->nodes.front().addresses.front() == mn.home);
        QVERIFY(a->findings.empty());
    }

    void withoutAnswersTheLastDeliveryBeforeTheMoveCounts()
    {
        const MobileSpec mn;
        Net net;
        net.registerFirst(mn);
        for (std::uint32_t serial = 0; serial <= 110; ++serial) {
            const Duration t = 4s + serial * 100ms;
            net.probeDown(mn, t + 25ms < 11210ms ? Net::w1 : Net::w2, t, serial);
        }
        net.moveToSecond(mn);
        net.sort();
        const auto a = net.analyze();
        QVERIFY(a->handovers[1].start == at(10027ms));  // the last one before 10.1 s: nothing tells that it was lost
        QVERIFY(*a->handovers[1].end == at(11227ms));
        QCOMPARE(a->handovers[1].lost, 11u);
    }

    void anAdvertisementHeardBeforeTheFirstFrameLeavesNoMovementDetection()
    {
        const MobileSpec mn;
        Net net;
        net.advertise(Net::w1, 90ms);
        net.solicitRouter(mn, Net::w1, 100ms);
        net.localUpdate(mn, Net::w1, 1300ms, 1);
        net.localAnswer(mn, Net::w1, 1400ms, 1);
        net.sort();
        QCOMPARE(phases(net.analyze()->handovers.at(0)), QByteArray("T_DAD 100000000-1300000000 T_LBU 1300000000-1402000000 "));
    }

    void resultsGrowWithTheTrace()
    {
        const Net net = wholeRun();
        Analyzer analyzer;
        std::size_t handovers = 0;
        for (std::size_t i = 0; i < net.frames.size(); ++i) {
            const CapturedFrame& f = net.frames[i];
            analyzer.add(static_cast<FrameIndex>(i), {f.time, f.link, static_cast<std::uint32_t>(f.bytes.size()), f.bytes}, {"x", 1});
            const auto a = analyzer.result();
            QCOMPARE(a->frames, i + 1);
            QVERIFY(a->handovers.size() >= handovers);
            handovers = a->handovers.size();
        }
        QVERIFY(analyzer.result() == analyzer.result());
        QCOMPARE(handovers, std::size_t{2});
    }
};

QTEST_APPLESS_MAIN(TestAnalyzer)
#include "test_analyzer.moc"
