// SPDX-License-Identifier: GPL-3.0-or-later
// A mobile node with an interface on an IPv4 network (RFC 5555, RFC 5648 §8): what it registers and how, NATs, packets both ways.
#include "tests/support/paths_bench.hpp"

#include "protocol/wire/arp.hpp"
#include "protocol/wire/udp.hpp"

#include <QtTest>
#include <fmt/format.h>

using namespace roamscope;
using namespace roamscope::node;
using namespace roamscope::test;

namespace {

Ipv4Address v4(const char* text) { return *Ipv4Address::parse(text); }
const Ipv4Address own = v4("198.51.100.5"), gateway = v4("198.51.100.1"), agent = v4("192.0.2.1"), stranger = v4("192.0.2.9");
const Mac gatewayMac = mac("02:00:00:00:05:02");
constexpr std::size_t wlan = 0, cell = 1;

struct Cellular : PathsBench {
    std::uint32_t refresh = 0xffffffff;  ///< of NAT detection options in acknowledgements
    bool force = false;

    static MobileNode::Settings settings(Mode mode)
    {
        MobileNode::Settings s = PathsBench::settings(mode);
        s.ipv4.interfaces = {std::nullopt, Ipv4Interface{own, 24, gateway}};
        s.ipv4.homeAgent = agent;
        s.optimiseAll = true;
        return s;
    }
    explicit Cellular(Mode mode = Mode::Single) : PathsBench(settings(mode)) {}
    explicit Cellular(MobileNode::Settings s) : PathsBench(std::move(s)) {}

    void raw(const Bytes& frame) { mn.receive(now, cell, frame, out); }
    /// An IPv6 packet in an IPv4 one.
    void tunnelled(const wire::Ipv6Packet& inner, bool udp, const Ipv4Address& from = agent)
    {
        wire::Ipv4Header header;
        header.source = from;
        header.destination = own;
        header.protocol = udp ? wire::protocol::udp : wire::protocol::ipv6;
        Bytes payload = wire::emitIpv6(inner);
        if (udp) payload = wire::emitUdp({wire::udpPort::homeAgent, wire::udpPort::homeAgent, std::move(payload)}, header.pseudoHeader());
        raw(wire::emitEthernet({macOf(cell), gatewayMac, wire::etherTypeIpv4}, wire::emitIpv4(header, payload)));
    }
    /// What left, ARP aside, which the gateway answers.
    std::vector<Seen> sent()
    {
        std::vector<Seen> seen;
        while (!out.frames.empty()) {
            const auto frames = std::exchange(out.frames, {});
            for (const SentFrame& f : frames) {
                const bool isArp = f.bytes.size() > 14 && f.bytes[12] == 8 && f.bytes[13] == 6;
                const auto arp = isArp ? wire::parseArp(ByteView(f.bytes).subspan(14)) : std::nullopt;
                if (!isArp) seen.push_back({f.interface, wire::decodeFrame(f.bytes, wire::linkEthernet, f.bytes.size())});
                else if (arp && arp->operation == wire::ArpMessage::request && arp->target == gateway && f.interface == cell)
                    raw(wire::emitEthernet({macOf(cell), gatewayMac, wire::etherTypeArp}, wire::emitArp({wire::ArpMessage::reply, gatewayMac, gateway, arp->senderMac, arp->sender})));
            }
        }
        return seen;
    }
    /// Runs to `t`, routers and gateway answer; updates are acknowledged when `answers`.
    std::vector<Seen> until(Duration t, bool answers = true)
    {
        std::vector<Seen> all;
        const auto pump = [&] {
            for (bool more = true; more;) {
                more = false;
                for (Seen& s : sent()) {
                    more = true;
                    const auto* ns = s.frame.as<NeighborSolicitation>();
                    if (ns && s.interface == wlan && !s.inner().source.isUnspecified())
                        in(wlan, icmp(ns->target, s.inner().source, NeighborAdvertisement{true, true, true, ns->target, {wire::TargetLinkLayerOption{routerMac(wlan)}}}));
                    if (const auto* bu = s.frame.as<BindingUpdate>(); bu && answers) answer(s, *bu);
                    all.push_back(std::move(s));
                }
            }
        };
        pump();
        for (int steps = 0; steps < 10000 && mn.nextDeadline() && *mn.nextDeadline() <= TimePoint{t}; ++steps) {
            now = std::max(now, *mn.nextDeadline());
            mn.advance(now, out);
            pump();
        }
        now = TimePoint{t};
        return all;
    }
    void answer(const Seen& s, const BindingUpdate& bu)
    {
        BindingAck ack{0, 0, bu.sequence, bu.lifetime, {}};
        if (s.frame.ipv4) ack.options.push_back(wire::NatDetection{force, refresh});
        for (wire::BindingIdentifier option : bids(bu)) {
            option.careOfAddress.clear();
            ack.options.push_back(option);
        }
        if (s.frame.ipv4) tunnelled(mobility(homeAgent, homeAddress, ack, {}), true);
        else in(wlan, mobility(homeAgent, s.inner().source, ack, {}, homeAddress));
    }
    /// The updates among these: "6 1 O", by IP version, identifiers, and O.
    static std::string story(const std::vector<Seen>& seen)
    {
        std::string text;
        for (const Seen& s : seen) {
            const auto* bu = s.frame.as<BindingUpdate>();
            if (!bu || !bu->has(BindingUpdate::homeRegistration)) continue;
            std::string names;
            for (const auto& b : bids(*bu)) names += fmt::format(" {}", b.bid);
            text += fmt::format("{}{}{}{}{}", text.empty() ? "" : ", ", s.frame.ipv4 ? 4 : 6, names, bu->has(BindingUpdate::overwrite) ? " O" : "", bu->lifetime.count() == 0 ? " gone" : "");
        }
        return text;
    }
    /// How a probe to us comes in and its answer leaves: "6", "4" or "udp".
    std::string echoed(bool udp)
    {
        (void)sent();
        tunnelled(probe(correspondent, homeAddress, {7, false, 1, TimePoint{}}), udp);
        for (const Seen& s : sent())
            if (s.frame.probe) return !s.frame.ipv4 ? "6" : s.frame.tunnel ? "udp" : "4";
        return "nothing";
    }
    void bothUp()
    {
        up(wlan);
        mn.linkUp(now, cell, out);
    }
};

}  // namespace

class TestMobileIpv4 : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void MCOA_DS_01_theUpdate()
    {
        Cellular b;
        b.mn.linkUp(b.now, cell, b.out);
        const auto seen = b.until(1s, false);
        QCOMPARE(Cellular::story(seen), std::string("4 2 O"));
        const Seen& s = *find<BindingUpdate>(seen);
        const auto& bu = *s.frame.as<BindingUpdate>();
        QVERIFY(s.interface == cell && s.frame.ipv4->source == own && s.frame.ipv4->destination == agent && s.frame.ethernet->destination == gatewayMac);
        QVERIFY2(s.frame.tunnel && s.frame.tunnel->destinationPort == 4191 && s.frame.tunnel->checksum == wire::ChecksumVerdict::Good, "in UDP (RFC 5555 §4.2)");
        QVERIFY2(s.inner().source == homeAddress && s.inner().destination == homeAgent && !s.inner().homeAddress(), "the home address is the source");
        QVERIFY2(Cellular::bids(bu).front().careOfAddress == Bytes(own.octets.begin(), own.octets.end()), "Length 8");
        QVERIFY2(!wire::findOption<wire::Ipv4CareOfAddress>(bu.options) && !wire::findOption<wire::AlternateCareOfAddress>(bu.options), "no option 32 beside an identifier");
        QVERIFY2(seen.size() == 1, "no IPv6 of its own on that link");
        const auto copies = b.until(4s, false);
        QVERIFY2(Cellular::story(copies) == "4 2 O" && find<BindingUpdate>(copies), "again while nobody answers");
    }

    void MCOA_DS_01_neverInBulkAtFirst()
    {
        for (const Mode mode : {Mode::Single, Mode::Bulk}) {
            Cellular b(mode);
            b.bothUp();
            QCOMPARE(Cellular::story(b.until(6s)), std::string("4 2 O, 6 1"));
            QVERIFY(b.has(1) && b.has(2));
            for (const Seen& s : b.until(1200s))
                if (const auto* bu = s.frame.as<BindingUpdate>(); bu && Cellular::bids(*bu).size() > 1) QVERIFY2(false, "MCOA-DS-01: its updates are its own");
        }
    }

    void MCOA_DS_01_besideAnother()
    {
        for (const Mode mode : {Mode::Single, Mode::Bulk}) {
            Cellular b(mode);
            b.up(wlan);
            QCOMPARE(Cellular::story(b.until(3s)), std::string("6 1 O"));
            b.mn.linkUp(b.now, cell, b.out);
            QCOMPARE(Cellular::story(b.until(4s)), std::string("4 2"));
        }
    }

    void packetsWithoutNat()  // RFC 5555 §4.4.3
    {
        Cellular b;
        b.mn.linkUp(b.now, cell, b.out);
        (void)b.until(3s);
        QVERIFY(b.has(2));
        QVERIFY2(b.echoed(false) == "4" && b.echoed(true) == "4", "whichever way they come");
        const auto later = b.until(400s);
        QVERIFY2(Cellular::story(later).empty(), "no keepalives");
        QVERIFY2(!find<wire::HomeTestInit>(later), "RFC 5555 §2.4: no route optimisation");
    }

    void behindANat()  // RFC 5555 §4.2, §4.3
    {
        Cellular b;
        b.refresh = 50;
        b.mn.linkUp(b.now, cell, b.out);
        (void)b.until(3s);
        QCOMPARE(b.echoed(true), std::string("udp"));
        QVERIFY(Cellular::story(b.until(52s)).empty());
        QVERIFY2(Cellular::story(b.until(55s)) == "4 2", "an update after so much silence");
        for (int i = 0; i < 10; ++i) {
            QVERIFY2(Cellular::story(b.until(55s + i * 40s)).empty(), "packets keep it open as well");
            (void)b.echoed(true);
        }
        b.refresh = 0;
        QCOMPARE(Cellular::story(b.until(470s)), std::string("4 2"));
        QVERIFY(Cellular::story(b.until(570s)).empty());
        QVERIFY2(Cellular::story(b.until(580s)) == "4 2", "0 suggests nothing: NATKATIMEOUT");
    }

    void udpWithoutANat()  // RFC 5555 §3.2.2
    {
        Cellular b;
        b.force = true;
        b.mn.linkUp(b.now, cell, b.out);
        (void)b.until(3s);
        QCOMPARE(b.echoed(true), std::string("udp"));
        QVERIFY2(Cellular::story(b.until(400s)).empty(), "all ones: nothing to be kept open");
    }

    void theOtherWayWhenOneIsGone()
    {
        Cellular b;
        b.bothUp();
        (void)b.until(6s);
        b.in(wlan, encapsulate(probe(correspondent, homeAddress, {7, false, 1, TimePoint{}}), homeAgent, PathsBench::careOf(wlan)));
        const auto first = b.sent();
        QVERIFY(std::any_of(first.begin(), first.end(), [](const Seen& s) { return s.frame.probe && !s.frame.ipv4; }));
        b.down(wlan);
        QCOMPARE(Cellular::story(b.until(7s)), std::string("4 1 gone"));
        QCOMPARE(b.echoed(false), std::string("4"));
        b.up(wlan);
        (void)b.until(10s);
        b.mn.linkDown(b.now, cell, b.out);
        QCOMPARE(Cellular::story(b.until(11s)), std::string("6 2 gone"));
        QVERIFY2(b.echoed(false) == "nothing", "the link is down");
    }

    /// RFC 5555 §4.4.4: IPv4 care-of addresses are for visited networks. Beside the home link (RFC 5648 §5.6) there could be none either: the
    /// first update of one is never bulk (MCOA-DS-01), and one without the home link ends the binding of that link (MCOA-HA-15).
    void noIpv4PathAtHome()
    {
        Cellular b(Mode::Bulk);
        b.mn.linkUp(b.now, cell, b.out);
        QCOMPARE(Cellular::story(b.until(3s)), std::string("4 2 O"));
        b.mn.linkUp(b.now, wlan, b.out);
        b.advertiseHome(wlan);
        (void)b.until(20s);
        QVERIFY(b.mn.isAtHome());
        const auto still = b.until(300s);
        QVERIFY2(std::none_of(still.begin(), still.end(), [](const Seen& s) { return s.frame.as<BindingUpdate>() && s.frame.ipv4; }), "nothing is registered by that way");
        QCOMPARE(b.echoed(false), std::string("nothing"));
        b.down(wlan);
        QVERIFY2(Cellular::story(b.until(310s)).starts_with("4 2 O"), "it is a path again abroad");
    }

    void onlyTheHomeAgentIsBelieved()  // MN-RX-01
    {
        Cellular b;
        b.mn.linkUp(b.now, cell, b.out);
        (void)b.until(3s);
        b.tunnelled(probe(correspondent, homeAddress, {7, false, 1, TimePoint{}}), false, stranger);
        QVERIFY(b.sent().empty() && count(b.out, "tunnel-refused") == 1);
        b.tunnelled(probe(correspondent, ip("2001:db8:100::2:2"), {7, false, 1, TimePoint{}}), false);
        QVERIFY(b.sent().empty() && count(b.out, "tunnel-refused") == 2);
        b.tunnelled(icmp(ip("fe80::1"), allNodes(), wire::ListenerQuery{10'000, {}, false, 2, 125, {}}, 1), false);
        QVERIFY2(b.sent().empty() && count(b.out, "tunnel-refused") == 2, "RFC 6275 §10.4.3: the home agent asks by that way");
        // An acknowledgement without a routing header counts over IPv4 only.
        Cellular c;
        c.bothUp();
        const auto seen = c.until(3s, false);
        const auto* bu = find<BindingUpdate>(seen)->frame.as<BindingUpdate>();
        c.in(wlan, encapsulate(mobility(homeAgent, homeAddress, BindingAck{0, 0, bu->sequence, bu->lifetime, {wire::BindingIdentifier{2, 0, false, 0, {}}}}, {}), homeAgent, PathsBench::careOf(wlan)));
        QVERIFY(!c.has(1) && !c.has(2));
    }

    /// What a router advertises beside the IPv4 network is not for this path: its updates go to the home agent's IPv4 address
    /// (run --random 8100269, HMIP-MN-10).
    void noMapFromAnIpv4Network()
    {
        Cellular b(Mode::Bulk);
        b.mn.linkUp(b.now, cell, b.out);
        b.advertise(cell, wire::MapOption{2, 10, true, 3600, mapAddress});
        for (const Seen& s : b.until(20s))
            if (const auto* bu = s.frame.as<BindingUpdate>()) QVERIFY(bu->has(BindingUpdate::homeRegistration) && !bu->has(BindingUpdate::mapRegistration));
        QVERIFY(b.has(2));
    }

    /// RFC 5555 §2.2: in an IPv4 network the home address is the source, and stands in the option, too (MN-MPS-01).
    void prefixSolicitations()
    {
        auto s = Cellular::settings(Mode::Single);
        s.solicitPrefixes = true;
        Cellular b(s);
        b.mn.linkUp(b.now, cell, b.out);
        const auto seen = b.until(3s);
        const Seen* asked = find<wire::MobilePrefixSolicitation>(seen);
        QVERIFY(asked && asked->frame.ipv4 && asked->inner().source == homeAddress && asked->inner().homeAddress() == homeAddress);
        const auto* icmp = std::get_if<wire::Checked<wire::Icmpv6Message>>(&asked->frame.message);
        QVERIFY(icmp && icmp->checksum == wire::ChecksumVerdict::Good);
    }

    void revoked()  // MCOA-BR-01
    {
        Cellular b;
        b.mn.linkUp(b.now, cell, b.out);
        (void)b.until(3s);
        wire::BindingRevocation message;
        message.code = 1;
        message.sequence = 5;
        b.tunnelled(mobility(homeAgent, homeAddress, message, {}), false);
        const auto seen = b.sent();
        const Seen* answer = find<wire::BindingRevocation>(seen);
        QVERIFY(answer && answer->frame.ipv4 && answer->inner().source == homeAddress && !answer->inner().homeAddress());
        QVERIFY(answer->frame.as<wire::BindingRevocation>()->kind == wire::BindingRevocation::acknowledgement && !b.has(2));
    }
};

QTEST_APPLESS_MAIN(TestMobileIpv4)
#include "test_mobile_ipv4.moc"
