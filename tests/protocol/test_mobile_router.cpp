// SPDX-License-Identifier: GPL-3.0-or-later
// A mobile router and its home agents (RFC 3963 §5.2 to §5.4, §7): what its updates say, what follows an acknowledgement. The
// acknowledgements are built octet by octet.
#include "tests/support/router_bench.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::node;
using namespace roamscope::test;
using wire::HomeAgentDiscoveryReply;
using wire::HomeAgentDiscoveryRequest;
using NetworkMode = NetworkMobility::Mode;

namespace {

constexpr std::uint8_t R = RouterBench::mobileRouter;

/// Home agents 1 and 2 of a script, and what they and the router say in order: "e1" an update with prefixes to the first, "i2" one without
/// to the second, "h1" one without R, with "-" behind it a de-registration; "D" home agents are asked for; "RA0" the network is not
/// advertised any more.
struct Script {
    RouterBench b;
    std::map<QByteArray, std::pair<int, std::uint8_t>> says{};  ///< by update: status, flags; -1: nothing. Otherwise accepted with R.
    std::optional<HomeAgentDiscoveryReply> found = HomeAgentDiscoveryReply{0, true, {homeAgent, secondAgent}};
    QByteArrayList told{};

    explicit Script(MobileNode::Settings s = RouterBench::settings()) : b(std::move(s)) {}

    void to(Duration until)
    {
        for (Duration t = b.now - TimePoint{}; t < until;) {
            t = std::min<Duration>(until, t + 20ms);
            for (const Seen& s : b.to(t)) {
                if (const auto* bu = s.frame.as<BindingUpdate>()) answer(s, *bu);
                if (const auto* request = s.frame.as<HomeAgentDiscoveryRequest>()) discover(s, *request);
                const auto* ra = s.frame.as<wire::RouterAdvertisement>();
                if (ra && ra->routerLifetime == 0 && s.interface == RouterBench::inside) told << "RA0";
            }
        }
    }
    void answer(const Seen& s, const BindingUpdate& bu)
    {
        QByteArray what = !bu.has(BindingUpdate::mobileRouter) ? "h" : b.mn.network().mode() == NetworkMode::Implicit ? "i" : "e";
        what += s.inner().destination == homeAgent ? "1" : "2";
        const bool deletes = bu.lifetime.count() == 0;
        if (deletes) what += "-";
        told << what;
        QVERIFY2(bu.has(BindingUpdate::homeRegistration), "NEMO-MR-01: R comes with H");
        QVERIFY2(RouterBench::prefixesIn(bu).empty() == (what[0] != 'e' || deletes), "NEMO-MR-01, NEMO-MR-04");
        const auto it = says.find(what);
        const auto [status, flags] = it != says.end() ? it->second : std::pair<int, std::uint8_t>(0, R);
        if (status < 0) return;
        b.in(s.interface, RouterBench::octets(s.inner().destination, s.inner().source, static_cast<std::uint8_t>(status), flags, bu.sequence, status < 128 ? bu.lifetime.count() : std::uint16_t{0}));
    }
    void discover(const Seen& s, const HomeAgentDiscoveryRequest& request)
    {
        told << "D";
        QVERIFY2(request.mobileRouter && s.inner().payload[6] == 0x80, "NEMO-DH-01");
        if (!found) return;
        found->identifier = request.identifier;
        b.in(s.interface, icmp(secondAgent, s.inner().source, *found, 64));
    }
    [[nodiscard]] QByteArray all() const { return told.join(' '); }
    [[nodiscard]] bool bound() const { return b.mn.registeredAtHome(b.now); }
};

MobileNode::Settings settings(NetworkMode mode, bool other = true, Mode mcoa = Mode::Off)
{
    auto s = RouterBench::settings(mcoa);
    s.network.mode = mode;
    s.network.otherMode = other;
    return s;
}

QByteArray hex(ByteView octets) { return QByteArray(reinterpret_cast<const char*>(octets.data()), qsizetype(octets.size())).toHex(); }

}  // namespace

class TestMobileRouter : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void NEMO_MR_01_theOctetsOfAnUpdate()
    {
        for (const auto mode : {NetworkMode::Explicit, NetworkMode::Implicit}) {
            RouterBench b(settings(mode));
            b.up(0);
            const auto seen = b.to(1s);
            const Seen* s = find<BindingUpdate>(seen);
            QVERIFY(s && s->interface == 0 && s->inner().destination == homeAgent && s->inner().homeAddress() == homeAddress);
            QByteArray octets = hex(s->inner().payload);
            octets.replace(8, 8, "--------");  // checksum and number
            // Type 5; A, H and R; 600 s; the alternate care-of address; prefixes of 56 and 64 bits.
            const QByteArray careOf = hex(RouterBench::careOf(0).octets);
            const QByteArray start = "3b0L0500--------c40000960100" "0310" + careOf;
            QByteArray expected = mode == NetworkMode::Implicit ? start : start + "01020000" "0612003820010db801f000000000000000000000" "01020000" "0612004020010db802f000000000000000000000";
            expected.replace(3, 1, QByteArray::number(int(expected.size() / 16 - 1)));
            QCOMPARE(octets, expected);
        }
    }

    void NEMO_MR_01_everyUpdate()
    {
        for (const auto mode : {NetworkMode::Explicit, NetworkMode::Implicit}) {
            Script s(settings(mode));
            s.says[mode == NetworkMode::Explicit ? "e1" : "i1"] = {-1, std::uint8_t{0}};
            s.b.up(0);
            s.to(8s);
            QVERIFY2(s.told.size() > 2, "copies");
            s.says.clear();
            s.to(20s);
            QVERIFY(s.bound());
            const auto before = s.told.size();
            s.to(600s);
            QVERIFY2(s.told.size() == before + 1 && s.bound(), "a refresh");
            s.b.down(0);
            s.b.up(1);
            s.to(605s);
            QVERIFY2(s.told.size() == before + 2 && s.bound(), "another care-of address");
            for (const QByteArray& what : s.told) QCOMPARE(what, QByteArray(mode == NetworkMode::Explicit ? "e1" : "i1"));
        }
        Bench host = Bench::plain();
        host.in(advertisement({.network = "2001:db8:a2::1", .map = std::nullopt}));
        for (const Seen& s : host.to(5s))
            if (const auto* bu = s.frame.as<BindingUpdate>()) QVERIFY2(!bu->has(BindingUpdate::mobileRouter), "a mobile host");
    }

    void NEMO_MR_02_aHomeAgentThatKnowsNoMobileRouters()
    {
        Script s;
        s.says["e1"] = {0, std::uint8_t{0}};
        s.says["e1-"] = {-1, std::uint8_t{0}};
        s.b.up(0);
        s.to(4s);
        QVERIFY2(s.all().startsWith("e1 e1- e1-") && !s.all().contains("D") && !s.all().contains("2"), "NEMO-MR-02: it is left before another one is asked");
        QVERIFY(!s.bound());
        s.says["e1-"] = {0, std::uint8_t{0}};
        s.to(30s);
        QVERIFY2(s.all().endsWith("e1- D e2") && s.bound(), s.all());
        QCOMPARE(s.b.mn.homeAssociation().peer(), secondAgent);
    }

    void NEMO_MR_02_theReleaseThatIsNotAnswered()
    {
        Script s;
        s.says["e1"] = {0, std::uint8_t{0}};
        s.says["e1-"] = {-1, std::uint8_t{0}};
        s.b.up(0);
        s.to(120s);
        QVERIFY2(s.all().endsWith("D e2") && s.bound(), "a silent one holds up nothing for ever");
        Script refused;
        refused.says["e1"] = {0, std::uint8_t{0}};
        refused.says["e1-"] = {133, std::uint8_t{0}};
        refused.b.up(0);
        refused.to(20s);
        QCOMPARE(refused.all(), QByteArray("e1 e1- D e2"));
    }

    void NEMO_MR_02_identifiers()
    {
        for (const Mode mode : {Mode::Single, Mode::Bulk}) {
            RouterBench b(RouterBench::settings(mode));
            b.flags = 0;
            b.up(0);
            const auto first = PathsBench::updates(b.to(2s));
            QVERIFY(!first.empty() && first.front().update.has(BindingUpdate::mobileRouter) && PathsBench::bids(first.front().update).size() == 1);
            b.acknowledge(first.front());
            const auto release = PathsBench::updates(b.to(2500ms));
            QVERIFY(release.size() == 1 && release[0].update.lifetime.count() == 0 && !b.mn.registeredAtHome(b.now));
            QVERIFY2(PathsBench::bids(release[0].update).empty() && RouterBench::prefixesIn(release[0].update).empty(), "MCOA-MN-07: all of them");
            QCOMPARE(release[0].source, PathsBench::careOf(0));
            b.acknowledge(release[0]);
            const auto seen = b.to(3s);
            const Seen* request = find<HomeAgentDiscoveryRequest>(seen);
            QVERIFY(request && request->frame.as<HomeAgentDiscoveryRequest>()->mobileRouter && PathsBench::updates(seen).empty());
            b.in(0, icmp(secondAgent, PathsBench::careOf(0), HomeAgentDiscoveryReply{request->frame.as<HomeAgentDiscoveryRequest>()->identifier, true, {secondAgent}}, 64));
            const auto next = PathsBench::updates(b.to(4s));
            QVERIFY(next.size() == 1 && next[0].destination == secondAgent && next[0].update.has(BindingUpdate::overwrite));
            b.flags = R;
            b.acknowledge(next[0]);
            (void)b.to(5s);
            QVERIFY(b.mn.registeredAtHome(b.now));
        }
    }

    void NEMO_MR_03_whatFollowsARefusal_data()
    {
        QTest::addColumn<bool>("isExplicit");
        QTest::addColumn<bool>("other");
        QTest::addColumn<QByteArray>("refusals");
        QTest::addColumn<QByteArray>("found");
        QTest::addColumn<QByteArray>("told");
        const auto row = [](const char* name, bool isExplicit, bool other, const char* refusals, const char* found, const char* told) {
            QTest::newRow(name) << isExplicit << other << QByteArray(refusals) << QByteArray(found) << QByteArray(told);
        };
        row("140, another accepts", true, true, "e1 140", "12", "e1 D e2");
        row("140, implicit", false, true, "i1 140", "12", "i1 D i2");
        row("140, no other accepts", true, true, "e1 140 e2 140", "12", "e1 D e2");
        row("140, nobody else", true, true, "e1 140", "1", "e1 D");
        row("140, nobody answers", true, true, "e1 140", "", "e1 D D D D D");
        row("141, another accepts", true, true, "e1 141", "12", "e1 D e2");
        row("141, the other mode", true, true, "e1 141 e2 141", "12", "e1 D e2 RA0 i1");
        row("142, the other mode", true, true, "e1 142 e2 141", "12", "e1 D e2 RA0 i1");
        row("142, nobody answers", true, true, "e1 142", "", "e1 D D D D D RA0 i1");
        row("142, no other mode", true, false, "e1 142 e2 142", "12", "e1 D e2 RA0");
        row("142, no mode at all", true, true, "e1 142 e2 142 i1 143 i2 143", "12", "e1 D e2 RA0 i1 i2");
        row("142, fatal in the other mode", true, true, "e1 142 e2 142 i1 141", "12", "e1 D e2 RA0 i1");
        row("143 explicit is fatal", true, true, "e1 143", "12", "e1");
        row("141 implicit is fatal", false, true, "i1 141", "12", "i1");
        row("142 implicit is fatal", false, true, "i1 142", "12", "i1");
        row("143, another accepts", false, true, "i1 143", "12", "i1 D i2");
        row("143, the other mode", false, true, "i1 143 i2 143", "12", "i1 D i2 e1");
        row("143, no other mode", false, false, "i1 143 i2 143", "12", "i1 D i2");
        row("143, no mode at all", false, true, "i1 143 i2 143 e1 141 e2 142", "12", "i1 D i2 e1 e2 RA0");
    }
    void NEMO_MR_03_whatFollowsARefusal()
    {
        QFETCH(bool, isExplicit);
        QFETCH(bool, other);
        QFETCH(QByteArray, refusals);
        QFETCH(QByteArray, found);
        QFETCH(QByteArray, told);
        Script s(settings(isExplicit ? NetworkMode::Explicit : NetworkMode::Implicit, other));
        const auto words = refusals.split(' ');
        for (int i = 0; i + 1 < words.size(); i += 2) s.says[words[i]] = {words[i + 1].toInt(), std::uint8_t{0}};
        s.found->homeAgents.clear();
        if (found.contains('1')) s.found->homeAgents.push_back(homeAgent);
        if (found.contains('2')) s.found->homeAgents.push_back(secondAgent);
        if (found.isEmpty()) s.found.reset();
        s.b.up(0);
        s.to(150s);
        QCOMPARE(s.all(), told);
        const bool accepted = !s.says.contains(s.told.back()) && s.told.back() != "D" && s.told.back() != "RA0";
        QCOMPARE(s.bound(), accepted);
        QCOMPARE(s.b.mn.network().state() == NetworkMobility::State::GivenUp, !accepted);
        if (accepted) return;
        QVERIFY2(count(s.b.out, "mobile-router-given-up") == 1, "NEMO-MR-03: it is logged");
        s.b.down(0);
        s.b.up(1);
        s.to(800s);
        QVERIFY2(s.all() == told, "NEMO-MR-03: no more updates with R, wherever it goes");
    }

    void NEMO_MR_03_identifiersAreRefusedAllTogether()
    {
        for (const Mode mode : {Mode::Single, Mode::Bulk}) {
            RouterBench b(RouterBench::settings(mode));
            b.up(0);
            b.up(1);
            (void)b.answeringTo(6s);
            QVERIFY(b.has(1) && b.has(2));
            // The home agent has other prefixes now.
            b.mn.configure(b.now, b.mn.settings());
            auto settings = b.mn.settings();
            settings.network.prefixes = {prefix("2001:db8:3f0::/56")};
            b.mn.configure(b.now, settings);
            const auto sent = PathsBench::updates(b.to(7s));
            QVERIFY2(!sent.empty() && RouterBench::prefixesIn(sent[0].update) == settings.network.prefixes, "other prefixes are told at once");
            b.flags = 0;
            b.acknowledge(sent[0], 142);
            const auto seen = b.to(8s);
            QVERIFY2(b.paths().entries().empty() && !b.mn.registeredAtHome(b.now), "NEMO-MR-03: no binding exists");
            QVERIFY(find<HomeAgentDiscoveryRequest>(seen) && PathsBench::updates(seen).empty());
        }
    }

    void otherRefusalsAreThoseOfAMobileNode()
    {
        Script s;
        s.says["e1"] = {130, std::uint8_t{0}};
        s.b.up(0);
        s.to(60s);
        QCOMPARE(s.all(), QByteArray("e1"));
        QVERIFY(s.b.mn.network().registers());
        Script numbers;
        numbers.says["e1"] = {135, std::uint8_t{0}};
        numbers.b.up(0);
        numbers.to(2s);
        numbers.says.clear();
        numbers.to(5s);
        QVERIFY2(numbers.bound(), "MN-BU-09");
    }

    void NEMO_DH_01_onlyThoseThatServeMobileRouters()
    {
        auto discovering = settings(NetworkMode::Explicit);
        discovering.homeAgent = {};
        Script s(discovering);
        s.found->mobileRouter = false;
        s.b.up(0);
        s.to(50s);
        QVERIFY2(s.all() == "D", "NEMO-DH-01: plain home agents do not help");
        s.found->mobileRouter = true;
        s.to(80s);
        QVERIFY2(s.all() == "D D e1" && s.bound(), s.all());
        Script left;
        left.says["e1"] = {0, std::uint8_t{0}};
        left.says["e1-"] = {0, std::uint8_t{0}};
        left.found->mobileRouter = false;
        left.b.up(0);
        left.to(300s);
        QCOMPARE(left.all(), QByteArray("e1 e1- D"));
    }

    void newSettingsAreANewStart()
    {
        Script s;
        s.says["e1"] = {143, std::uint8_t{0}};
        s.b.up(0);
        s.to(5s);
        QCOMPARE(s.all(), QByteArray("e1"));
        auto settings = s.b.mn.settings();
        settings.network.mode = NetworkMode::Implicit;
        s.b.mn.configure(s.b.now, settings);
        s.to(10s);
        QVERIFY2(s.all() == "e1 i1" && s.bound(), s.all());
    }
};

QTEST_APPLESS_MAIN(TestMobileRouter)
#include "test_mobile_router.moc"
