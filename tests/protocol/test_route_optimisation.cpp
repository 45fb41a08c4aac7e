// SPDX-License-Identifier: GPL-3.0-or-later
// Route optimisation in a whole lab: mobile node and correspondent over every link between them (RFC 6275 §11.6, §11.7.2; RR-MN-*).
#include "tests/support/lab_run.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::test;
using lab::Scenario;
using wire::BindingUpdate;
using wire::CareOfTestInit;
using wire::HomeTestInit;

namespace {

const Ipv6Address homeAddress = ip("2001:db8:100::1:1");
const Ipv6Address homeAgent = ip("2001:db8:100::1");
const Ipv6Address cn = ip("2001:db8:200::c");

/// The sample with route optimisation; without MAPs it is plain Mobile IPv6.
Scenario optimised(bool withMap)
{
    Scenario s = sampleScenario();
    s.nodes[1].mobility = true;
    s.nodes[5].optimiseAll = true;
    for (auto& n : s.nodes)
        for (auto& i : n.interfaces)
            if (i.advertise && !withMap) i.advertise->map.clear();
    return s;
}

struct Sent {
    TimePoint time;
    wire::DecodedFrame frame;
    std::string link;
};

/// Every T that crossed a radio link within [from, until), with its tunnels.
template <class T>
std::vector<Sent> onRadio(const LabRun& run, Duration from, Duration until)
{
    std::vector<Sent> out;
    for (const auto& f : run.out.frames) {
        if ((run.link(f) != "w1" && run.link(f) != "w2") || f.time < TimePoint{from} || f.time >= TimePoint{until}) continue;
        auto d = run.decoded(f);
        if (d.as<T>()) out.push_back({f.time, std::move(d), run.link(f)});
    }
    return out;
}

/// Probes (or their answers) on the radio links: how many went straight, how many through the home agent.
struct Ways {
    int straight = 0, tunnelled = 0;
};
Ways ways(const LabRun& run, bool answers, Duration from, Duration until)
{
    Ways out;
    for (const auto& f : run.out.frames) {
        if ((run.link(f) != "w1" && run.link(f) != "w2") || f.time < TimePoint{from} || f.time >= TimePoint{until}) continue;
        const auto d = run.decoded(f);
        if (!d.probe || d.probe->answer != answers) continue;
        const bool viaAgent = std::any_of(d.packets.begin(), d.packets.end(), [](const auto& p) { return p.source == homeAgent || p.destination == homeAgent; });
        ++(viaAgent ? out.tunnelled : out.straight);
        if (!viaAgent && answers && (d.inner()->homeAddress() != homeAddress || d.inner()->destination != cn)) qFatal("MN-TX-02");
        if (!viaAgent && !answers && (!d.inner()->routing || d.inner()->routing->homeAddress != homeAddress)) qFatal("RR-CN-10");
    }
    return out;
}

const BindingUpdate* toCorrespondent(const Sent& sent)
{
    const auto* update = sent.frame.as<BindingUpdate>();
    return update && sent.frame.inner()->destination == cn ? update : nullptr;
}

}  // namespace

class TestRouteOptimisation : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void RR_MN_01_06_RR_CN_10_MN_TX_02_plainMobileIpv6()
    {
        LabRun run(optimised(false));
        run.to(TimePoint{20s});
        const auto home = onRadio<HomeTestInit>(run, 0s, 10s);
        const auto careOf = onRadio<CareOfTestInit>(run, 0s, 10s);
        QVERIFY2(home.size() == 1 && careOf.size() == 1, "RR-MN-01");
        QVERIFY2(home[0].frame.packets.size() == 2 && home[0].frame.packets[0].destination == homeAgent && home[0].frame.packets[1].source == homeAddress, "RR-MN-01: through the home agent");
        QVERIFY2(careOf[0].frame.packets.size() == 1 && careOf[0].frame.packets[0].destination == cn, "RR-MN-01: straight");
        QVERIFY2(careOf[0].time - home[0].time < 100ms, "RR-MN-01: in parallel");
        const auto homeDone = run.events("mn", "binding-acknowledged").front();
        QVERIFY2(home[0].time > homeDone, "MN-BU-20");
        std::vector<Sent> updates;
        for (Sent& sent : onRadio<BindingUpdate>(run, 0s, 20s))
            if (toCorrespondent(sent)) updates.push_back(std::move(sent));
        QVERIFY2(updates.size() == 2, "one for each care-of address");
        for (const Sent& sent : updates) {
            const BindingUpdate& update = *toCorrespondent(sent);
            QVERIFY2(sent.frame.packets.size() == 1 && sent.frame.inner()->homeAddress() == homeAddress, "RR-MN-06");
            QVERIFY2(update.flags == BindingUpdate::acknowledge && update.lifetime.count() <= 105 && wire::findOption<wire::NonceIndices>(update.options), "RR-MN-06, RR-CN-08");
        }
        QVERIFY2(toCorrespondent(updates[1])->sequence == static_cast<std::uint16_t>(toCorrespondent(updates[0])->sequence + 1), "RR-MN-06");
        // After the handover the home token is good still; the care-of address is tested anew (RR-MN-02, RR-MN-09).
        QVERIFY2(onRadio<HomeTestInit>(run, 10s, 20s).empty() && onRadio<CareOfTestInit>(run, 10s, 20s).size() == 1, "RR-MN-02, RR-MN-09");
        const Ways before = ways(run, false, 5s, 10s), answersBefore = ways(run, true, 5s, 10s);
        QVERIFY2(before.straight > 240 && before.tunnelled == 0, "RR-CN-10");
        QVERIFY2(answersBefore.straight > 240 && answersBefore.tunnelled == 0, "MN-TX-02");
        const Ways after = ways(run, true, 15s, 20s);
        QVERIFY2(after.straight > 240 && after.tunnelled == 0, "MN-TX-02: from the new care-of address");
        const auto answered = run.serials("cn", "probe-answered");
        QVERIFY(answered.size() > 700);
    }

    void HMIP_MN_17_25_behindAMap()
    {
        LabRun run(optimised(true));
        run.to(TimePoint{20s});
        const auto home = onRadio<HomeTestInit>(run, 0s, 20s);
        QVERIFY2(home.size() == 1 && home[0].frame.packets.size() == 3 && home[0].frame.packets[1].destination == homeAgent && home[0].frame.packets[2].source == homeAddress, "HMIP-MN-25");
        const auto careOf = onRadio<CareOfTestInit>(run, 0s, 20s);
        QVERIFY2(careOf.size() == 1 && careOf[0].frame.packets.size() == 2 && careOf[0].frame.inner()->source == *run.mobile().regionalCareOf(), "RR-CN-14");
        std::size_t updates = 0;
        for (const Sent& sent : onRadio<BindingUpdate>(run, 0s, 20s)) updates += toCorrespondent(sent) ? 1u : 0u;
        QVERIFY2(updates == 1, "HMIP-MN-17: nothing to correspondents inside the domain");
        const Ways after = ways(run, true, 15s, 20s);
        QVERIFY2(after.straight > 240 && after.tunnelled == 0, "HMIP-MN-23");
        for (const auto& f : run.out.frames) {
            if ((run.link(f) != "w1" && run.link(f) != "w2") || f.time < TimePoint{15s}) continue;
            const auto d = run.decoded(f);
            if (d.probe && d.probe->answer)
                QVERIFY2(d.packets.size() == 2 && d.packets[0].source == *run.mobile().onLinkCareOf() && d.inner()->source == *run.mobile().regionalCareOf() && d.inner()->homeAddress() == homeAddress,
                         "HMIP-MN-23: from the regional address that the correspondent knows");
        }
    }

    /// Away from home: source = care-of address, home address option, care-of nonce index 0, proven by the home token alone.
    void RR_MN_07_aCorrespondentThatIsNotWantedAnyMoreIsTold()
    {
        LabRun run(optimised(false));
        run.to(TimePoint{8s});
        QVERIFY(run.lab.nodeAs<node::Correspondent>(run.node("cn"))->cache().find(homeAddress));
        Scenario other = run.lab.scenario();
        other.nodes[5].optimiseAll = false;
        QVERIFY(run.lab.configure(run.lab.now(), run.node("mn"), other.nodes[5], run.out));
        run.to(TimePoint{9500ms});
        QVERIFY2(!run.lab.nodeAs<node::Correspondent>(run.node("cn"))->cache().find(homeAddress), "RR-MN-07");
        std::vector<Sent> releases;
        for (Sent& sent : onRadio<BindingUpdate>(run, 8s, 9500ms))
            if (toCorrespondent(sent)) releases.push_back(std::move(sent));
        QVERIFY2(releases.size() == 1, "RR-MN-07: one, it is answered");
        const BindingUpdate& update = *toCorrespondent(releases[0]);
        const wire::Ipv6Packet& packet = *releases[0].frame.inner();
        QVERIFY2(update.lifetime.count() == 0 && wire::findOption<wire::NonceIndices>(update.options)->careOf == 0, "RR-MN-07");
        QVERIFY2(packet.source == *run.mobile().onLinkCareOf() && packet.homeAddress() == homeAddress, "RR-MN-07");
        const auto* alternate = wire::findOption<wire::AlternateCareOfAddress>(update.options);
        QVERIFY2(alternate && alternate->address == homeAddress, "RR-CN-04: what it is proven with, said to those who would take the source");
        QVERIFY2(onRadio<CareOfTestInit>(run, 8s, 9500ms).empty(), "RR-MN-01: the home token is enough");
        QVERIFY2(run.mobile().peers().empty(), "and the entry is gone");
        run.to(TimePoint{9900ms});
        const Ways to = ways(run, false, 9600ms, 9900ms);
        QVERIFY2(to.straight == 0 && to.tunnelled > 10, "tunnelled from then on");
    }

    void MN_ICMP_01_aCorrespondentWithoutMobilityIsLeftInPeace()
    {
        Scenario s = optimised(false);
        s.nodes[1].mobility = false;
        LabRun run(s);
        run.to(TimePoint{20s});
        QVERIFY2(onRadio<HomeTestInit>(run, 0s, 20s).size() <= 2 && onRadio<CareOfTestInit>(run, 0s, 20s).size() == 1, "MN-ICMP-01");
        const Ways w = ways(run, true, 5s, 10s);
        QVERIFY2(w.tunnelled > 240 && w.straight == 0, "MN-ICMP-01: the tunnel goes on");
    }

    void noneIsToldUnlessWanted()
    {
        Scenario s = optimised(false);
        s.nodes[5].optimiseAll = false;
        LabRun run(s);
        run.to(TimePoint{5s});
        QVERIFY(onRadio<CareOfTestInit>(run, 0s, 5s).empty());
        s.nodes[5].optimised = {"cn"};
        LabRun listed(s);
        listed.to(TimePoint{5s});
        QCOMPARE(onRadio<CareOfTestInit>(listed, 0s, 5s).size(), std::size_t{1});
    }

    void MN_BU_14_RR_MN_02_refreshedWhileItIsUsed()
    {
        Scenario s = optimised(false);
        s.events = {{TimePoint{}, "mn", "wl0", "w1"}};
        s.duration = 900s;
        s.traffic[0].rate = 2;
        LabRun run(s);
        run.to(TimePoint{900s});
        // For 420 s at first, then for the 222 s that are left at home, then for 420 s again, each renewed at nine tenths. Tokens of
        // 200 s ago are good for the third update (RR-MN-02), those of 378 s ago were not for the second.
        QCOMPARE(onRadio<HomeTestInit>(run, 0s, 900s).size(), std::size_t{2});
        QCOMPARE(onRadio<CareOfTestInit>(run, 0s, 900s).size(), std::size_t{2});
        std::vector<int> lifetimes;
        for (const Sent& sent : onRadio<BindingUpdate>(run, 0s, 900s))
            if (const BindingUpdate* update = toCorrespondent(sent)) lifetimes.push_back(4 * update->lifetime.count());
        QCOMPARE(lifetimes, (std::vector<int>{420, 220, 420}));
        const Ways w = ways(run, true, 5s, 900s);
        QVERIFY2(w.straight > 1750 && w.tunnelled == 0, "no gap");
    }
};

QTEST_APPLESS_MAIN(TestRouteOptimisation)
#include "test_route_optimisation.moc"
