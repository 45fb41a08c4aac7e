// SPDX-License-Identifier: GPL-3.0-or-later
// The sample scenario in virtual time: order of the messages on every link, phases, probes, and that a run is a value.
#include "tests/support/lab_run.hpp"

#include "protocol/wire/summary.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::test;
using lab::Lab;
using lab::LabOutput;
using lab::Segments;
using wire::BindingUpdate;

namespace {

using Lines = std::vector<std::string>;

/// The first line that differs, for the message of a failed comparison.
QByteArray difference(const Lines& seen, const Lines& expected)
{
    for (std::size_t i = 0; i < std::max(seen.size(), expected.size()); ++i) {
        const std::string a = i < seen.size() ? seen[i] : "(nothing)";
        const std::string b = i < expected.size() ? expected[i] : "(nothing)";
        if (a != b) return QByteArray::fromStdString(fmt::format("line {}: seen \"{}\", expected \"{}\"", i, a, b));
    }
    return {};
}

bool same(const LabOutput& a, const LabOutput& b)
{
    const auto equal = [](const lab::SegmentFrame& x, const lab::SegmentFrame& y) { return x.time == y.time && x.link == y.link && x.bytes == y.bytes; };
    return a.events.size() == b.events.size() && std::equal(a.frames.begin(), a.frames.end(), b.frames.begin(), b.frames.end(), equal);
}

Lab sample(std::uint64_t seed = 1) { return *Lab::build(sampleScenario(), seed, Segments::Internal); }

LabOutput complete(Lab lab)
{
    LabOutput out;
    lab.advanceTo(TimePoint{20s}, out);
    return out;
}

}  // namespace

class TestLab : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void initTestCase()
    {
        run_.emplace(sampleScenario());
        steps_ = run_->to(TimePoint{20s});
        names_ = sampleNames(*run_);
    }

    // HMIP-MN-09, -10, -13, -14, HMIP-MAP-02, -04, -05, HA-BU-04, -06, HA-ND-01, MN-DAD-01: who sends what, in which order.
    void goldenOrderOfTheFirstRegistration()
    {
        const Lines expected{
            "w1 DAD link-local",                                // MN-DAD-01
            "w1 RS",
            "w1 DAD LCoA1",
            "w1 BU AM LCoA1>MAP HAO RCoA",                      // HMIP-MN-09, -10
            "domain BU AM LCoA1>MAP HAO RCoA",
            "domain DAD RCoA",                                  // HMIP-MAP-02
            "domain NA RCoA",                                   // HMIP-MAP-05
            "domain BA 0 MAP>LCoA1 RH2 RCoA",                   // HMIP-MAP-04
            "w1 BA 0 MAP>LCoA1 RH2 RCoA",
            "w1 [LCoA1>MAP] BU AH RCoA>HA HAO HoA",             // HMIP-MN-13, -14, -24
            "domain [LCoA1>MAP] BU AH RCoA>HA HAO HoA",
            "core BU AH RCoA>HA HAO HoA",                       // HMIP-MAP-06
            "home DAD HoA",                                     // HA-BU-04
            "home NA HoA",                                      // HA-ND-01
            "core BA 0 HA>RCoA RH2 HoA",                        // HA-BU-06
            "domain [MAP>LCoA1] BA 0 HA>RCoA RH2 HoA",
            "w1 [MAP>LCoA1] BA 0 HA>RCoA RH2 HoA",
        };
        const Lines seen = run_->signalling(names_, TimePoint{}, TimePoint{10s});
        QVERIFY2(seen == expected, difference(seen, expected));
    }

    // HMIP-MN-17: one local update and its answer; nothing to the home agent.
    void HMIP_MN_17_goldenOrderOfTheHandover()
    {
        const Lines expected{
            "w2 DAD link-local",
            "w2 RS",
            "w2 DAD LCoA2",
            "w2 BU AM LCoA2>MAP HAO RCoA",
            "domain BU AM LCoA2>MAP HAO RCoA",
            "domain BA 0 MAP>LCoA2 RH2 RCoA",
            "w2 BA 0 MAP>LCoA2 RH2 RCoA",
        };
        const Lines seen = run_->signalling(names_, TimePoint{10s}, TimePoint{20s});
        QVERIFY2(seen == expected, difference(seen, expected));
        for (const auto& f : run_->out.frames)
            if (f.time > TimePoint{4s} && (run_->link(f) == "core" || run_->link(f) == "home"))
                QVERIFY2(!run_->decoded(f).as<BindingUpdate>(), "HMIP-MN-17: the home agent hears nothing");
    }

    void everyFrameIsCompleteAndFreeOfFindings()
    {
        for (const auto& f : run_->out.frames) {
            const auto d = wire::dissect(f.bytes, wire::linkEthernet, f.bytes.size());
            QVERIFY2(d.findings.empty(), d.findings.empty() ? "" : d.findings.front().text.c_str());
            QVERIFY(!d.summary.malformed);
            const auto decoded = run_->decoded(f);
            QVERIFY(!decoded.error && decoded.undecodedOffset == f.bytes.size());
            const bool good = std::visit(
                [](const auto& m) {
                    if constexpr (std::is_same_v<std::decay_t<decltype(m)>, std::monostate>) return false;
                    else return m.acceptable();
                },
                decoded.message);
            QVERIFY2(good, d.summary.info.c_str());
        }
        QVERIFY(run_->out.frames.size() > 5000);
    }

    void HMIP_AR_01_everyAdvertisementCarriesTheMapOption()
    {
        std::size_t advertisements = 0;
        for (const auto& f : run_->out.frames) {
            const auto d = run_->decoded(f);
            const auto* ra = d.as<wire::RouterAdvertisement>();
            if (!ra) continue;
            ++advertisements;
            const auto* map = wire::findOption<wire::MapOption>(ra->options);
            QVERIFY2(map && map->address == ip("2001:db8:300::1") && map->distance == 2 && map->preference == 10 && map->regional && map->validLifetime == 3600,
                     "HMIP-AR-01");
            QVERIFY2(d.inner()->source.isLinkLocal() && d.inner()->hopLimit == 255, "AR-06");
        }
        QVERIFY(advertisements > 300);
    }

    void HMIP_MN_24_everythingOfTheMobileNodeGoesThroughTheMapTunnel()
    {
        // HA-FWD-01, HMIP-MAP-05: data is wrapped as the path demands on every link.
        const auto path = [&](const wire::DecodedFrame& d) {
            std::string s;
            for (const auto& p : d.packets) s += names_.at(p.source) + ">" + names_.at(p.destination) + " ";
            return s;
        };
        std::map<std::string, std::set<std::string>> seen;
        for (const auto& f : run_->out.frames) {
            const auto d = run_->decoded(f);
            if (d.probe && f.time > TimePoint{4s}) seen[run_->link(f)].insert(path(d));
        }
        QCOMPARE(seen["w1"], (std::set<std::string>{"MAP>LCoA1 HA>RCoA CN>HoA ", "LCoA1>MAP RCoA>HA HoA>CN "}));
        QCOMPARE(seen["w2"], (std::set<std::string>{"MAP>LCoA2 HA>RCoA CN>HoA ", "LCoA2>MAP RCoA>HA HoA>CN "}));
        QCOMPARE(seen["core"], (std::set<std::string>{"CN>HoA ", "HA>RCoA CN>HoA ", "RCoA>HA HoA>CN ", "HoA>CN "}));
    }

    void HMIP_MN_15_and_16_lifetimesAreNested()
    {
        std::optional<std::uint16_t> granted;
        std::size_t home = 0;
        for (const auto& f : run_->out.frames) {
            const auto d = run_->decoded(f);
            if (const auto* bu = d.as<BindingUpdate>(); bu && bu->has(BindingUpdate::mapRegistration))
                QVERIFY2(bu->lifetime.count() > 0 && bu->lifetime.count() * 4 <= 3600, "HMIP-MN-16, MN-BU-05");
            if (const auto* ba = d.as<wire::BindingAck>(); ba && d.inner()->source == ip("2001:db8:300::1")) granted = ba->lifetime.count();
            if (const auto* bu = d.as<BindingUpdate>(); bu && bu->has(BindingUpdate::homeRegistration)) {
                ++home;
                QVERIFY2(granted && bu->lifetime.count() <= *granted, "HMIP-MN-15");
            }
        }
        QCOMPARE(home, std::size_t{3});  // one message, seen on three links
    }

    void MN_DAD_01_phasesOfTheHandover()
    {
        // handover-model §2: link up at 10.1 s, T_MD within the advertisement interval, T_DAD exactly 1 s, T_LBU = 2 × (2 + 5) ms.
        TimePoint revealed{}, update{}, ack{};
        for (const auto& f : run_->out.frames) {
            if (run_->link(f) != "w2" || f.time < TimePoint{10100ms}) continue;
            const auto d = run_->decoded(f);
            if (d.as<wire::RouterAdvertisement>() && revealed == TimePoint{}) revealed = f.time;
            if (d.as<BindingUpdate>()) update = f.time;
            if (d.as<wire::BindingAck>()) ack = f.time;
        }
        QVERIFY(revealed - TimePoint{10100ms} <= 154ms);
        const auto ready = run_->events("mn", "local-binding-update", TimePoint{10s});
        QCOMPARE(ready.size(), std::size_t{1});
        QVERIFY2(ready.front() - revealed == 1s, "MN-DAD-01: T_DAD is RetransTimer × DupAddrDetectTransmits, without a random delay (MN-DAD-02)");
        QVERIFY(update == ready.front() + 2ms);
        QVERIFY2(ack - ready.front() < 40ms, "T_LBU: no detection at the MAP for a binding that it has (HMIP-MAP-02)");
    }

    void probesAreLostInOneContiguousGap()
    {
        const auto received = run_->serials("mn", "probe-received");
        std::vector<std::pair<std::int64_t, std::int64_t>> gaps;
        for (std::size_t i = 1; i < received.size(); ++i) {
            QVERIFY(received[i] > received[i - 1]);
            if (received[i] != received[i - 1] + 1) gaps.emplace_back(received[i - 1], received[i]);
        }
        QCOMPARE(gaps.size(), std::size_t{1});
        // 50 a second: the last one before 10 s, the first one after the local registration.
        QVERIFY(gaps[0].first >= 496 && gaps[0].first <= 499);
        QVERIFY(gaps[0].second - gaps[0].first >= 55 && gaps[0].second - gaps[0].first <= 65);
        QVERIFY2(received.front() > 100, "nothing arrives before both registrations, each with its detection");
        // Every one that arrived is answered and the answer arrives, but for those on their way when the link or the run ended.
        const auto answered = run_->serials("cn", "probe-answered");
        QVERIFY(received.size() - answered.size() <= 6);
        QVERIFY(std::includes(received.begin(), received.end(), answered.begin(), answered.end()));
        QCOMPARE(run_->serials("cn", "probe-sent").size(), std::size_t{1001});
        // Until the home agent defends the address the home link says that it is not there.
        QVERIFY(run_->events("cn", "probe-answered", TimePoint{}, TimePoint{3s}).empty());
    }

    void HMIP_MAP_01_bindingsAtTheEnd()
    {
        const auto& mn = run_->mobile();
        const auto* local = run_->registrar("map").find(*mn.regionalCareOf());
        QVERIFY2(local && names_.at(local->careOfAddress) == "LCoA2", "HMIP-MAP-01: RCoA to LCoA");
        const auto* home = run_->registrar("ha").find(ip("2001:db8:100::1:1"));
        QVERIFY(home && names_.at(home->careOfAddress) == "RCoA");
        QVERIFY2(run_->registrar("map").bindings().size() == 1, "HMIP-MAP-01: the home address is unknown to the MAP");
        QVERIFY2(names_.at(*mn.regionalCareOf()) == "RCoA", "HMIP-MN-08a: the MAP's /64 and the interface identifier");
        QCOMPARE(local->sequence, mn.mapAssociation()->sequence());
    }

    void MN_DAD_06_listenerReportBeforeTheFirstSolicitation()
    {
        std::map<std::size_t, std::set<Ipv6Address>> reported;
        for (const auto& f : run_->out.frames) {
            const auto d = run_->decoded(f);
            if (const auto* report = d.as<wire::ListenerReport>()) {
                for (const auto& record : report->records) reported[f.link].insert(record.group);
                QVERIFY(d.inner()->hopLimit == 1 && d.inner()->destination == allMldv2Routers());
            }
            if (const auto* ns = d.as<wire::NeighborSolicitation>(); ns && d.inner()->source.isUnspecified())
                QVERIFY2(reported[f.link].contains(solicitedNode(ns->target)), "MN-DAD-06");
        }
    }

    void noStepIsInVain()
    {
        // Every step takes a queued item or a due timer: more than a few for each frame would be a deadline that stays in the past.
        QVERIFY(steps_ < 3 * run_->out.frames.size());
        Lab lab = sample();
        LabOutput out;
        for (int i = 0; i < 5000; ++i) {
            const auto next = lab.nextDeadline();
            QVERIFY(next && *next >= lab.now());
            QVERIFY(lab.advanceOnce(*next, out));
        }
    }

    void sameSeedSameFramesOtherSeedOthers()
    {
        QVERIFY(same(complete(sample(7)), complete(sample(7))));
        QVERIFY(!same(complete(sample(7)), complete(sample(8))));
    }

    void howTimeIsAdvancedDoesNotMatter()
    {
        const LabOutput whole = complete(sample());
        Lab steps = sample();
        LabOutput out;
        for (TimePoint t{}; t <= TimePoint{20s}; t += 1ms) {
            steps.advanceTo(t, out);
            QCOMPARE(steps.now(), t);
            QVERIFY(!steps.nextDeadline() || *steps.nextDeadline() > t);
        }
        QVERIFY(same(out, whole));
        QVERIFY(same(run_->out, whole));  // by advanceOnce
        const std::size_t before = out.frames.size();
        steps.advanceTo(TimePoint{20s}, out);
        QCOMPARE(out.frames.size(), before);
    }

    void aCopyGoesOnLikeTheOriginal()
    {
        for (const TimePoint at : {TimePoint{500ms}, TimePoint{1800ms}, TimePoint{10050ms}, TimePoint{11170ms}}) {
            Lab original = sample();
            LabOutput begin;
            original.advanceTo(at, begin);
            Lab copy = original;
            LabOutput a, b;
            original.advanceTo(TimePoint{20s}, a);
            QCOMPARE(copy.now(), at);
            copy.advanceTo(TimePoint{20s}, b);
            QVERIFY(same(a, b));
        }
    }

private:
    std::optional<LabRun> run_;
    std::size_t steps_ = 0;
    std::map<Ipv6Address, std::string> names_;
};

QTEST_APPLESS_MAIN(TestLab)
#include "test_lab.moc"
