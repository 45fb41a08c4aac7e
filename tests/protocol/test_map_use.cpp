// SPDX-License-Identifier: GPL-3.0-or-later
// A mobile node and several MAPs, stepped by hand: eager to bind, lazy to release, failures, forwarding from the previous MAP
// (RFC 4140 §6.1, §7.2, §8 to §10; RFC 5380 likewise).
#include "tests/support/mobile_bench.hpp"

#include <QtTest>
#include <fmt/format.h>

using namespace roamscope;
using namespace roamscope::node;
using namespace roamscope::test;

namespace {

const Ipv6Address map2 = ip("2001:db8:400::1");
const Ipv6Address rcoa2 = withInterfaceId(map2, eui64(mnMac));
const wire::MapOption option1{2, 10, true, 3600, mapAddress};
const wire::MapOption further2{5, 10, true, 3600, map2};
const wire::MapOption nearer2{1, 10, true, 3600, map2};

/// An advertisement with these MAPs.
wire::Ipv6Packet with(std::vector<wire::NdOption> maps, const char* network = "2001:db8:a1::1", std::uint32_t valid = 2592000)
{
    RaOptions o;
    o.valid = valid;
    o.preferred = std::min(o.preferred, valid);
    o.network = network;
    o.map.reset();
    o.more = std::move(maps);
    return advertisement(o);
}

/// The updates in `seen`, as "MAP address/care-of address/RCoA/lifetime" of local ones and "HA care-of address" of the others.
std::vector<std::string> updates(const std::vector<Seen>& seen)
{
    const auto name = [](const Ipv6Address& a) -> std::string {
        static const std::map<Ipv6Address, std::string> names{{mapAddress, "map1"}, {map2, "map2"}, {rcoa, "rcoa1"}, {rcoa2, "rcoa2"}, {lcoa, "lcoa1"},
                                                              {lcoa2, "lcoa2"}, {homeAgent, "ha"}};
        const auto it = names.find(a);
        return it != names.end() ? it->second : a.text();
    };
    std::vector<std::string> out;
    for (const Seen& s : seen) {
        const auto* bu = s.frame.as<BindingUpdate>();
        if (!bu) continue;
        std::string line = fmt::format("{}>{}", name(s.inner().source), name(s.inner().destination));
        if (bu->has(BindingUpdate::mapRegistration)) line += fmt::format(" {}", name(*s.inner().homeAddress()));
        if (bu->lifetime.count() == 0) line += " 0";
        out.push_back(line);
    }
    return out;
}
using Lines = std::vector<std::string>;

wire::Ipv6Packet mapAck(const Ipv6Address& map, const Ipv6Address& to, const Ipv6Address& regional, std::uint16_t sequence, std::uint8_t status = 0, std::uint16_t units = 150)
{
    return mobility(map, to, BindingAck{status, 0, sequence, WireLifetime{status < 128 ? units : std::uint16_t{0}}, {}}, {}, regional);
}
wire::Ipv6Packet homeAckThrough(const Ipv6Address& map, const Ipv6Address& to, const Ipv6Address& regional, std::uint16_t sequence)
{
    return encapsulate(mobility(homeAgent, regional, BindingAck{0, 0, sequence, WireLifetime{149}, {}}, {}, homeAddress), map, to);
}
/// The MAP's and the home agent's answers to what the node has asked last.
void answerMap(Bench& b, const Ipv6Address& map, const Ipv6Address& to)
{
    const Association* at = b.mn.mapAssociation(map);
    if (at) b.in(mapAck(map, to, at->home(), at->sequence()));
}
void answerHome(Bench& b, const Ipv6Address& map, const Ipv6Address& to)
{
    b.in(homeAckThrough(map, to, b.mn.mapAssociation(map)->home(), b.mn.homeAssociation().sequence()));
}

void moveTo(Bench& b, const wire::Ipv6Packet& ra)
{
    b.mn.linkDown(b.now, 0, b.out);
    b.mn.linkUp(b.now, 0, b.out);
    b.in(ra);
}

}  // namespace

class TestMapUse : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void HMIP_MN_18_anotherMapIsAdvertised()
    {
        Bench b = Bench::registered();
        b.in(with({option1, further2}));
        QVERIFY2(updates(take(b.out)) == Lines{"lcoa1>map2 rcoa2"}, "HMIP-MN-18: a new RCoA at the new MAP first");
        answerMap(b, map2, lcoa);
        QVERIFY2(updates(take(b.out)) == Lines{"rcoa2>ha"}, "HMIP-MN-18: then the home agent");
        answerHome(b, map2, lcoa);
        QVERIFY(b.atHome() && b.mn.homeAssociation().registeredCareOf() == rcoa2);
    }

    void HMIP_MN_20_eagerToBindLazyToRelease()
    {
        Bench b = Bench::registered();
        b.in(with({option1, further2}));
        QVERIFY2(updates(take(b.out)) == Lines{"lcoa1>map2 rcoa2"}, "HMIP-MN-20: eager");
        // Until the new MAP has answered the old one serves.
        b.in(data());
        QVERIFY2(count(b.out, "probe-received") == 1 && take(b.out).size() == 1, "HMIP-MN-20: both ways");
        answerMap(b, map2, lcoa);
        answerHome(b, map2, lcoa);
        (void)take(b.out);
        b.in(data());
        QVERIFY2(count(b.out, "probe-received") == 2, "HMIP-MN-20: lazy, what comes through the old one is still taken");
        (void)take(b.out);
        auto lines = updates(b.to(540s));
        answerMap(b, map2, lcoa);
        answerHome(b, map2, lcoa);
        for (std::string& line : updates(b.to(590s))) lines.push_back(std::move(line));
        for (const std::string& line : lines) QVERIFY2(line.find("map1") == std::string::npos, "HMIP-MN-20: neither refreshed nor released");
        QVERIFY2(b.mn.mapAssociation(mapAddress) != nullptr, "until its end");
        (void)b.to(605s);
        QVERIFY2(b.mn.mapAssociation(mapAddress) == nullptr, "HMIP-MN-20: the binding has ended");
        b.in(data());
        QVERIFY2(count(b.out, "probe-received") == 2, "MN-RX-01");
    }

    void HMIP_MN_20_anOptionThatDisappears()
    {
        Bench b = Bench::registered();
        for (int i = 0; i < MapSelection::toleratedOmissions - 1; ++i) b.in(with({}));
        QVERIFY(updates(take(b.out)).empty() && b.mn.mapAssociation());
        b.in(with({}));
        QVERIFY2(updates(take(b.out)) == Lines{"lcoa1>ha"} && !b.mn.mapAssociation(), "HMIP-MN-20, HMIP-MN-07a");
    }

    /// RFC 4140 §7.2: no MAP option found in the advertisement, so plain Mobile IPv6 at once. RFC 5380 §7.1 has dropped that sentence.
    void HMIP_MN_07a_anAdvertisementWithoutMapsIn4140()
    {
        MobileNode::Settings settings = Bench::settings();
        settings.strictMapOptions = true;
        Bench b = Bench::registered(settings);
        b.in(with({further2}));
        QVERIFY2(updates(take(b.out)) == Lines{"lcoa1>map2 rcoa2"} && b.mn.mapAssociation(mapAddress), "one that lists others may have lost an option");
        b.in(with({}));
        QVERIFY2(updates(take(b.out)) == Lines{"lcoa1>ha"} && !b.mn.mapAssociation(), "HMIP-MN-07a");
    }

    void HMIP_MN_19_thePreviousMapSendsAfterUs()
    {
        for (const bool forwards : {true, false}) {
            auto s = Bench::settings();
            s.forwardFromPreviousMap = forwards;
            Bench b = Bench::registered(s);
            moveTo(b, with({further2}, "2001:db8:a2::1"));
            auto seen = b.to(4s);
            auto lines = updates(seen);
            std::sort(lines.begin(), lines.end());
            QVERIFY2(lines == (forwards ? Lines{"lcoa2>map1 rcoa1", "lcoa2>map2 rcoa2"} : Lines{"lcoa2>map2 rcoa2"}), "HMIP-MN-19");
            if (!forwards) continue;
            const auto& bu = *std::find_if(seen.begin(), seen.end(), [](const Seen& x) { return x.inner().destination == mapAddress; })->frame.as<BindingUpdate>();
            QVERIFY2(bu.lifetime.count() > 0 && bu.lifetime.count() <= 150 && bu.flags == (BindingUpdate::acknowledge | BindingUpdate::mapRegistration), "HMIP-MN-19");
            answerMap(b, mapAddress, lcoa2);
            b.in(encapsulate(encapsulate(probe(correspondent, homeAddress, {7, false, 1, TimePoint{}}), homeAgent, rcoa), mapAddress, lcoa2));
            QVERIFY2(count(b.out, "probe-received") == 1, "HMIP-MN-19: what was on its way arrives");
            (void)take(b.out);
            answerMap(b, map2, lcoa2);
            QVERIFY(updates(take(b.out)) == Lines{"rcoa2>ha"});
            answerHome(b, map2, lcoa2);
            (void)take(b.out);
            for (const std::string& line : updates(b.to(500s))) QVERIFY2(line.find("map1") == std::string::npos, "HMIP-MN-20: not refreshed");
        }
    }

    void MN_BU_05_thePreviousMapSendsNoLongerThanTheOnLinkAddressIsValid()
    {
        Bench b = Bench::registered();
        moveTo(b, with({further2}, "2001:db8:a2::1", 100));
        const TimePoint moved = b.now;
        const auto seen = b.to(4s);
        const auto it = std::find_if(seen.begin(), seen.end(), [](const Seen& x) { return x.frame.as<BindingUpdate>() && x.inner().destination == mapAddress; });
        QVERIFY2(it != seen.end(), "HMIP-MN-19");
        QVERIFY2(moved + toDuration(it->frame.as<BindingUpdate>()->lifetime) <= moved + 100s, "MN-BU-05");
    }

    void HMIP_MN_19_notWithoutANewMap()
    {
        Bench b = Bench::registered();
        moveTo(b, with({}, "2001:db8:a2::1"));
        QVERIFY2(updates(b.to(4s)) == Lines{"lcoa2>ha"}, "HMIP-MN-07a: plain Mobile IPv6 alone");
    }

    void HMIP_MN_21_severalMaps()
    {
        auto s = Bench::settings();
        s.maximumMaps = 2;
        Bench b(s);
        b.in(with({option1, further2, wire::MapOption{1, 10, true, 3600, ip("2001:db8:500::1")}}));
        auto lines = updates(b.to(1s));
        std::sort(lines.begin(), lines.end());
        QVERIFY2(lines == (Lines{"lcoa1>map1 rcoa1", "lcoa1>map2 rcoa2"}), "HMIP-MN-21: an update to each of the two best");
        answerMap(b, mapAddress, lcoa);
        QVERIFY2(updates(take(b.out)).empty(), "HMIP-MN-13: the best one is waited for");
        answerMap(b, map2, lcoa);
        QVERIFY(updates(take(b.out)) == Lines{"rcoa2>ha"});
        answerHome(b, map2, lcoa);
        (void)take(b.out);
        // The best one fails: the other is registered with already.
        b.in(with({option1, wire::MapOption{5, 10, true, 0, map2}}));
        lines = updates(take(b.out));
        QVERIFY2(std::find(lines.begin(), lines.end(), "rcoa1>ha") != lines.end(), "HMIP-MN-21, -33: no waiting");
        QVERIFY2(std::count_if(lines.begin(), lines.end(), [](const std::string& l) { return l.find("2001:db8:500::1") != std::string::npos; }) == 1, "HMIP-MN-21: and the third one takes its place");
    }

    void HMIP_MN_22_neighboursGetTheOnLinkAddress()
    {
        const Ipv6Address neighbour = ip("2001:db8:a1::c");
        auto s = Bench::settings();
        s.optimiseAll = true;
        s.onLinkAddressForNeighbours = true;
        Bench b = Bench::registered(s);
        const auto met = [&](const Ipv6Address& peer) {
            b.in(encapsulate(encapsulate(probe(peer, homeAddress, {9, false, 1, TimePoint{}}), homeAgent, rcoa), mapAddress, lcoa));
            const auto seen = take(b.out);
            // A neighbour's link-layer address is asked for before the packet leaves.
            for (const Seen& x : seen)
                if (const auto* ns = x.frame.as<NeighborSolicitation>(); ns && ns->target == neighbour)
                    b.in(icmp(neighbour, x.inner().source, NeighborAdvertisement{false, true, true, neighbour, {wire::TargetLinkLayerOption{mac("02:00:00:00:0c:01")}}}));
            auto all = take(b.out);
            all.insert(all.end(), seen.begin(), seen.end());
            for (const Seen& x : all)
                if (x.frame.as<wire::CareOfTestInit>()) return std::pair(x.inner().source, x.frame.packets.size());
            return std::pair(Ipv6Address{}, std::size_t{0});
        };
        QVERIFY2(met(neighbour) == (std::pair(lcoa, std::size_t{1})), "HMIP-MN-22: LCoA, without the MAP");
        QVERIFY2(met(correspondent) == (std::pair(rcoa, std::size_t{2})), "HMIP-MN-22: RCoA for the others");
    }

    void HMIP_MN_28_localUpdatesAreRepeatedLikeHomeOnes()
    {
        Bench b;
        b.in(with({option1}));
        std::vector<std::int64_t> times;
        const auto collect = [&](int until) {
            times.clear();
            for (int ms = int(std::chrono::duration_cast<std::chrono::milliseconds>(b.now.time_since_epoch()).count()); ms <= until; ms += 100)
                for (const std::string& line : updates(b.to(std::chrono::milliseconds(ms))))
                    if (line.find("map1") != std::string::npos) times.push_back(ms);
        };
        collect(12000);
        QVERIFY2(times == (std::vector<std::int64_t>{1000, 2500, 5500, 11500}), "HMIP-MN-28: 1.5 s at first, doubling");
        answerMap(b, mapAddress, lcoa);
        answerHome(b, mapAddress, lcoa);
        moveTo(b, with({option1}, "2001:db8:a2::1"));
        collect(21000);
        QVERIFY2(times == (std::vector<std::int64_t>{13000, 14000, 16000, 20000}), "HMIP-MN-28: 1 s later on");
    }

    void HMIP_MN_29_localMobilityWithoutAHomeAgent()
    {
        auto s = Bench::settings();
        s.homeAddress = s.homeAgent = Ipv6Address{};
        Bench b(s);
        b.in(with({option1}));
        QVERIFY(updates(b.to(1s)) == Lines{"lcoa1>map1 rcoa1"});
        answerMap(b, mapAddress, lcoa);
        QVERIFY2(updates(b.to(30s)).empty(), "RFC 5380 §1: no home registration");
        b.in(encapsulate(probe(correspondent, rcoa, {7, false, 1, TimePoint{}}), mapAddress, lcoa));
        const auto seen = take(b.out);
        QVERIFY2(seen.size() == 1 && seen[0].frame.packets.size() == 2 && seen[0].outer().destination == mapAddress && seen[0].inner().source == rcoa && !seen[0].inner().homeAddress(),
                 "HMIP-MN-29: the RCoA is a plain source, through the MAP");
        b.in(encapsulate(icmp(correspondent, rcoa, wire::Echo{false, 1, 2, {}}, 64), mapAddress, lcoa));
        const auto echo = take(b.out);
        QVERIFY2(echo.size() == 1 && echo[0].frame.as<wire::Echo>() && echo[0].inner().source == rcoa, "HMIP-MN-29");
    }

    void HMIP_MN_30_aMapThatWasLeftIsToldWhenThatIsWanted()
    {
        auto s = Bench::settings();
        s.releaseMaps = true;
        s.forwardFromPreviousMap = false;
        Bench b = Bench::registered(s);
        b.in(with({option1, further2}));
        (void)take(b.out);
        answerMap(b, map2, lcoa);
        QVERIFY2(updates(take(b.out)) == Lines{"rcoa2>ha"}, "HMIP-MN-30: not before the home agent sends elsewhere");
        answerHome(b, map2, lcoa);
        QVERIFY2(updates(take(b.out)) == Lines{"lcoa1>map1 rcoa1 0"}, "HMIP-MN-30: from the LCoA, home address option = RCoA, lifetime 0");
        const auto sequence = b.mn.mapAssociation(mapAddress)->sequence();
        b.in(mapAck(mapAddress, lcoa, rcoa, sequence, 0, 0));
        QVERIFY(!b.mn.mapAssociation(mapAddress));
        QVERIFY(updates(b.to(60s)).empty());
    }

    void HMIP_MN_31_atHomeTheBindingAtTheMapEndsByItself()
    {
        Bench b = Bench::registered();
        RaOptions home;
        home.network = "2001:db8:100::1";  // the home agent's whole address, with R
        home.map = option1;
        moveTo(b, advertisement(home));
        const auto lines = updates(b.to(5s));
        QVERIFY(!lines.empty());
        for (const std::string& line : lines) QVERIFY2(line == homeAddress.text() + ">ha 0", "HMIP-MN-31: the home agent alone is told");
    }

    void HMIP_MN_32_withOrWithoutMaps()
    {
        auto s = Bench::settings();
        Bench with1(s);
        with1.in(with({option1}));
        QVERIFY2(updates(with1.to(1s)) == Lines{"lcoa1>map1 rcoa1"}, "HMIP-MN-32: a MAP that is there is used");
        s.hierarchical = false;
        Bench without(s);
        without.in(with({option1}));
        QVERIFY2(updates(without.to(1s)) == Lines{"lcoa1>ha"}, "HMIP-MN-32: unless plain Mobile IPv6 is preferred");
        s.hierarchical = true;
        s.fixedMap = map2;
        Bench fixed(s);
        fixed.in(with({option1, nearer2}));
        QVERIFY2(updates(fixed.to(1s)) == Lines{"lcoa1>map2 rcoa2"}, "the fixed one");
    }

    void HMIP_MN_33_aMapThatDoesNotAnswer()
    {
        Bench b;
        b.in(with({option1, further2}));
        auto lines = updates(b.to(11500ms - 1ns));
        QVERIFY2(lines == Lines(3, "lcoa1>map2 rcoa2"), "three copies");
        const auto seen = b.to(11500ms);
        QVERIFY2(updates(seen) == Lines{"lcoa1>map1 rcoa1"}, "HMIP-MN-33: the next one");
        QVERIFY2(count<wire::RouterSolicitation>(seen) == 1 || count<wire::RouterSolicitation>(b.to(11600ms)) == 1, "HMIP-MN-33: and who else there is");
        answerMap(b, mapAddress, lcoa);
        QVERIFY(updates(take(b.out)) == Lines{"rcoa1>ha"});
        answerHome(b, mapAddress, lcoa);
        QVERIFY2(updates(b.to(71s)).empty(), "what works is left alone for a while");
        QVERIFY2(updates(b.to(72s)) == Lines{"lcoa1>map2 rcoa2"}, "then the better one is tried again");
        b.in(data());
        QVERIFY2(count(b.out, "probe-received") == 1 && !take(b.out).empty(), "and meanwhile the other one serves");
    }

    void HMIP_MN_33_theSamePrefixElsewhereTellsNobody()
    {
        const Ipv6Address twin = ip("2001:db8:300::2");  // takes over for map1 with the same prefix
        Bench b = Bench::registered();
        b.in(with({wire::MapOption{2, 10, true, 0, mapAddress}, wire::MapOption{2, 10, true, 3600, twin}}));
        auto lines = updates(take(b.out));
        QVERIFY2(lines == Lines{"lcoa1>" + twin.text() + " rcoa1"}, "HMIP-MN-33: registered with the other one");
        answerMap(b, twin, lcoa);
        QVERIFY2(updates(b.to(60s)).empty(), "HMIP-MN-33: the RCoA stays, the home agent hears nothing");
    }

    void HMIP_MN_06_07b_noOtherMapAvailable()
    {
        Bench b = Bench::registered();
        b.in(with({wire::MapOption{2, 10, true, 0, mapAddress}}));
        QVERIFY2(updates(take(b.out)) == Lines{"lcoa1>ha"}, "HMIP-MN-06, HMIP-MN-07a (4140), HMIP-MN-07b (5380)");
        b.in(mobility(homeAgent, lcoa, BindingAck{0, 0, b.mn.homeAssociation().sequence(), WireLifetime{150}, {}}, {}, homeAddress));
        for (const std::string& line : updates(b.to(600s))) QVERIFY2(line.find("map") == std::string::npos, "HMIP-MN-07b");
    }

    // A clock that jumped showed it: the MAP's time ran out while there was no router, and the deadline stayed where it was.
    void HMIP_MN_06_aMapEndsWithoutARouter()
    {
        Bench b = Bench::registered();
        b.in(advertisement({.lifetime = 5, .map = wire::MapOption{2, 10, true, 20, mapAddress}}));
        (void)b.to(4s);
        b.routerAnswers = false;
        for (const Duration t : {10s, 18s, 25s, 60s}) {
            (void)b.to(t);
            QVERIFY2(!b.mn.nextDeadline() || *b.mn.nextDeadline() > TimePoint{t}, "nothing is due for ever");
        }
    }

    void HMIP_MN_26_theLinkWhoseRouterAdvertisesTheMap()
    {
        const Mac second = mac("02:00:00:00:06:02");
        const Ipv6Address lcoaB = withInterfaceId(ip("2001:db8:b1::"), eui64(second));
        const Ipv6Address lcoaC = withInterfaceId(ip("2001:db8:c1::"), eui64(mnMac));
        for (const bool leaves : {true, false}) {
            IpStack stack = Bench::makeStack();
            stack.addInterface("wl1", second);
            auto settings = Bench::settings();
            settings.strictMapOptions = !leaves;
            MobileNode mn(std::move(stack), settings);
            Output out;
            const auto in = [&](TimePoint now, std::size_t interface, const wire::Ipv6Packet& packet) { mn.receive(now, interface, frame(arMac, interface == 0 ? mnMac : second, packet), out); };
            const auto to = [&](TimePoint until) {
                (void)run(mn, until, out);
                return take(out);
            };
            mn.linkUp({}, 0, out);
            mn.linkUp({}, 1, out);
            in({}, 0, with({option1}));
            in({}, 1, with({option1}, "2001:db8:b1::1"));
            auto seen = to(TimePoint{1s});
            QVERIFY(updates(seen) == Lines{"lcoa1>map1 rcoa1"});
            in(TimePoint{1s}, 0, mapAck(mapAddress, lcoa, rcoa, mn.mapAssociation()->sequence()));
            QVERIFY(updates(take(out)) == Lines{"rcoa1>ha"});
            // The first interface goes to a link without that MAP, or stays where it is not advertised any more; the second one still hears of it.
            if (leaves) {
                mn.linkDown(TimePoint{2s}, 0, out);
                mn.linkUp(TimePoint{2s}, 0, out);
            }
            in(TimePoint{2s}, 0, with({}, leaves ? "2001:db8:c1::1" : "2001:db8:a1::1"));
            seen = to(TimePoint{4s});
            const auto lines = updates(seen);
            QVERIFY2(!lines.empty() && lines.front() == lcoaB.text() + ">map1 rcoa1", "HMIP-MN-26");
            for (const std::string& line : lines) QVERIFY2(line.find(lcoaC.text()) == std::string::npos, "HMIP-MN-26");
            const auto it = std::find_if(seen.begin(), seen.end(), [](const Seen& s) { return s.frame.as<BindingUpdate>() != nullptr; });
            QVERIFY2(it->interface == 1, "HMIP-MN-26: by that link");
        }
    }
};

QTEST_APPLESS_MAIN(TestMapUse)
#include "test_map_use.moc"
