// SPDX-License-Identifier: GPL-3.0-or-later
// The mobile node leaves home, comes back and leaves again, in a whole lab (RFC 6275 §10.3.2, §11.5.5; MN-HOME-*, HA-DEREG-*).
#include "tests/support/lab_run.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::test;
using lab::Scenario;
using wire::BindingAck;
using wire::BindingUpdate;
using wire::NeighborAdvertisement;
using wire::NeighborSolicitation;

namespace {

const Ipv6Address home = ip("2001:db8:100::1:1");
const Ipv6Address agent = ip("2001:db8:100::1");
const Ipv6Address cn = ip("2001:db8:200::c");

/// Away from 0 s, at home from 8 s, away again from 14 s; plain Mobile IPv6.
Scenario returning()
{
    Scenario s = sampleScenario();
    s.links[0].wireless = true;
    s.nodes[0].interfaces[0].advertise = lab::AdvertiseSpec{50ms, 150ms, {}};
    for (auto& n : s.nodes)
        for (auto& i : n.interfaces)
            if (i.advertise) i.advertise->map.clear();
    const auto attach = [](Duration at, std::optional<std::string> link) { return lab::LinkEvent{TimePoint{at}, "mn", "wl0", std::move(link)}; };
    s.events = {attach(0s, "w1"), attach(7900ms, std::nullopt), attach(8s, "home"), attach(13900ms, std::nullopt), attach(14s, "w2")};
    return s;
}

struct Line {
    TimePoint time;
    wire::DecodedFrame frame;
};

template <class T>
std::vector<Line> on(const LabRun& run, std::string_view link, Duration from, Duration until)
{
    std::vector<Line> out;
    for (const auto& f : run.out.frames) {
        if (run.link(f) != link || f.time < TimePoint{from} || f.time >= TimePoint{until}) continue;
        auto d = run.decoded(f);
        if (d.as<T>()) out.push_back({f.time, std::move(d)});
    }
    return out;
}

std::size_t received(const LabRun& run, Duration from, Duration until)
{
    return run.events("cn", "probe-answered", TimePoint{from}, TimePoint{until}).size();
}

}  // namespace

class TestReturningHome : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void MN_HOME_01_03_MN_DAD_04_HA_DEREG_01()
    {
        LabRun run(returning());
        run.to(TimePoint{20s});
        const auto updates = on<BindingUpdate>(run, "home", 8s, 14s);
        QVERIFY2(updates.size() == 1, "MN-HOME-01");
        const auto& update = *updates[0].frame.as<BindingUpdate>();
        const auto& packet = *updates[0].frame.inner();
        QVERIFY2(update.lifetime.count() == 0 && update.flags == (BindingUpdate::acknowledge | BindingUpdate::homeRegistration), "MN-HOME-01, MN-BU-03: no L, the identifiers differ");
        QVERIFY2(packet.source == home && packet.destination == agent && !packet.homeAddress() && update.options.empty(), "MN-HOME-01, MN-BU-02");
        const auto acks = on<BindingAck>(run, "home", 8s, 14s);
        QVERIFY2(acks.size() == 1 && acks[0].frame.inner()->destination == home && !acks[0].frame.inner()->routing, "HA-BU-06");
        const auto& ack = *acks[0].frame.as<BindingAck>();
        QVERIFY2(ack.status == 0 && ack.lifetime.count() == 0 && ack.sequence == update.sequence && ack.options.empty(), "HA-DEREG-01");
        for (const Line& line : on<NeighborSolicitation>(run, "home", 8s, 14s))
            QVERIFY2(!(line.frame.inner()->source.isUnspecified() && line.frame.as<NeighborSolicitation>()->target == home), "MN-DAD-04");
        QCOMPARE(run.events("mn", "registration", TimePoint{8s}, TimePoint{14s}).size(), std::size_t{2});  // that it waits, and that it is gone
        // After the answer everybody on the link is told; nobody says before that the address is ours.
        bool told = false;
        for (const Line& line : on<NeighborAdvertisement>(run, "home", 8s, 14s)) {
            const auto& na = *line.frame.as<NeighborAdvertisement>();
            if (na.target != home || line.frame.inner()->destination != allNodes() || line.time < acks[0].time) continue;
            told = told || (na.override && !na.solicited && !na.router && wire::findOption<wire::TargetLinkLayerOption>(na.options));
        }
        QVERIFY2(told, "MN-HOME-03");
        QVERIFY2(!run.registrar("ha").find(home) || run.lab.now() > TimePoint{14s}, "HA-DEREG-01");
        // Probes: at home without any tunnel, and away again as before.
        QVERIFY2(received(run, 9s, 13s) >= 195, "traffic at home");
        QVERIFY2(received(run, 17s, 20s) >= 145, "traffic after leaving again");
        for (const auto& f : run.out.frames) {
            if (run.link(f) != "home" || f.time < TimePoint{9s} || f.time >= TimePoint{13900ms}) continue;
            QVERIFY2(run.decoded(f).packets.size() < 2, "no tunnel at home");
        }
        QVERIFY2(run.registeredAtHome(), "registered again after leaving");
    }

    /// Home agents may go by the flags of the release when they stop to defend the link-local address (UMIP).
    void MN_BU_03_theReleaseHasLWhereTheUpdateHadIt()
    {
        Scenario s = returning();
        const Ipv6Address address = withInterfaceId(home, eui64(LabRun(s).lab.ports().back().mac));
        for (auto& n : s.nodes)
            if (n.name == "mn") n.homeAddress = address;
        LabRun run(s);
        run.to(TimePoint{12s});
        const auto away = on<BindingUpdate>(run, "w1", 0s, 7900ms);
        const auto release = on<BindingUpdate>(run, "home", 8s, 12s);
        QVERIFY(!away.empty() && release.size() == 1 && release[0].frame.inner()->source == address);
        constexpr std::uint16_t flags = BindingUpdate::acknowledge | BindingUpdate::homeRegistration | BindingUpdate::linkLocal;
        QVERIFY2(away[0].frame.as<BindingUpdate>()->flags == flags && release[0].frame.as<BindingUpdate>()->flags == flags, "MN-BU-03");
        const auto& stack = run.lab.stack(run.node("ha"));
        QVERIFY2(!stack.find(address) && !stack.find(linkLocal(interfaceId(address))), "HA-DEREG-01: neither is defended any more");
    }

    void HA_DEREG_02_theNumberGoesOn()
    {
        // Away again within the 10 s for which the agent remembers: the next number must be newer than that of the release.
        LabRun run(returning());
        run.to(TimePoint{20s});
        const auto release = on<BindingUpdate>(run, "home", 8s, 14s);
        const auto again = on<BindingUpdate>(run, "w2", 14s, 20s);
        QVERIFY2(!again.empty() && again[0].frame.as<BindingUpdate>()->sequence == static_cast<std::uint16_t>(release[0].frame.as<BindingUpdate>()->sequence + 1), "MN-BU-06");
        for (const Line& line : on<BindingAck>(run, "w2", 14s, 20s)) QVERIFY2(line.frame.as<BindingAck>()->status == 0, "HA-DEREG-02");
    }

    /// RFC 6275 §11.5.5: the advertisement may be repeated, MAX_NEIGHBOR_ADVERTISEMENT (3) in all, RetransTimer apart.
    void MN_HOME_03_itIsSaidThreeTimes()
    {
        LabRun run(returning());
        run.to(TimePoint{13500ms});
        const Mac own = run.lab.ports().back().mac;
        std::vector<TimePoint> times;
        std::size_t linkLocals = 0;
        for (const Line& line : on<NeighborAdvertisement>(run, "home", 8s, 13500ms)) {
            if (line.frame.ethernet->source != own || line.frame.inner()->destination != allNodes()) continue;
            if (line.frame.as<NeighborAdvertisement>()->target == home) times.push_back(line.time);
            else ++linkLocals;
        }
        QVERIFY2(times.size() == 3 && times[1] - times[0] == 1s && times[2] - times[1] == 1s, "MN-HOME-03");
        QVERIFY2(linkLocals == 3, "MN-HOME-03: and for the link-local address");
    }

    void MN_HOME_01_MN_BU_07_theReleaseIsRepeatedUntilItIsAnswered()
    {
        Scenario s = returning();
        lab::MessageFault lost;
        lost.match.message = "BA";
        lost.match.link = "home";
        lost.count = 2;
        s.faults = {lost};
        LabRun run(s);
        run.to(TimePoint{13500ms});
        const auto updates = on<BindingUpdate>(run, "home", 8s, 13500ms);
        QVERIFY2(updates.size() == 3 && updates[1].time - updates[0].time == 1s && updates[2].time - updates[1].time == 2s, "MN-BU-07");
        for (std::size_t i = 1; i < updates.size(); ++i)
            QVERIFY2(updates[i].frame.as<BindingUpdate>()->sequence == static_cast<std::uint16_t>(updates[i - 1].frame.as<BindingUpdate>()->sequence + 1), "MN-BU-06");
        QVERIFY2(received(run, 12s, 13500ms) >= 70, "traffic at home");
    }

    void MN_HOME_03_nothingIsSaidAfterLeaving()
    {
        Scenario s = returning();
        s.events[3].at = TimePoint{9500ms};
        s.events[4].at = TimePoint{9600ms};
        LabRun run(s);
        run.to(TimePoint{13s});
        const Mac own = run.lab.ports().back().mac;
        for (const Line& line : on<NeighborAdvertisement>(run, "w2", 9600ms, 13s))
            QVERIFY2(line.frame.ethernet->source != own || line.frame.as<NeighborAdvertisement>()->target != home, "MN-HOME-03");
    }

    void MN_DAD_04_atHomeFromTheStart()
    {
        Scenario s = returning();
        s.events = {s.events[2]};
        s.events[0].at = TimePoint{};
        LabRun run(s);
        run.to(TimePoint{5s});
        QVERIFY2(on<BindingUpdate>(run, "home", 0s, 5s).empty(), "nothing to release");
        std::size_t tests = 0;
        for (const Line& line : on<NeighborSolicitation>(run, "home", 0s, 5s))
            tests += line.frame.inner()->source.isUnspecified() && line.frame.as<NeighborSolicitation>()->target == home ? 1u : 0u;
        QVERIFY2(tests == 1, "MN-DAD-04");
        QVERIFY(received(run, 3s, 5s) >= 95);
    }

    void RR_MN_07_RR_CN_18_correspondentsAreToldToo()
    {
        Scenario s = returning();
        s.nodes[1].mobility = true;
        s.nodes[5].optimiseAll = true;
        LabRun run(s);
        run.to(TimePoint{13s});
        std::vector<BindingUpdate> toCn;
        for (const Line& line : on<BindingUpdate>(run, "home", 8s, 13s))
            if (line.frame.inner()->destination == cn) toCn.push_back(*line.frame.as<BindingUpdate>());
        QVERIFY2(toCn.size() == 1 && toCn[0].lifetime.count() == 0, "RR-MN-07");
        QVERIFY2(wire::findOption<wire::NonceIndices>(toCn[0].options)->careOf == 0, "RR-MN-07");
        QVERIFY2(!run.lab.nodeAs<node::Correspondent>(run.node("cn"))->cache().find(home), "RR-CN-18");
        QVERIFY2(received(run, 10s, 13s) >= 145, "traffic at home");
        run.to(TimePoint{20s});
        QVERIFY2(run.lab.nodeAs<node::Correspondent>(run.node("cn"))->cache().find(home), "registered again after leaving");
        QVERIFY2(received(run, 17s, 20s) >= 145, "traffic after leaving again");
    }
};

QTEST_APPLESS_MAIN(TestReturningHome)
#include "test_returning_home.moc"
