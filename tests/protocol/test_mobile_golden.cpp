// SPDX-License-Identifier: GPL-3.0-or-later
// Golden packets (tests/data/vectors.json: 5, 6, 15, 19) from the mobile node's side: what it sends equals them octet for octet, and what
// it gets is replayed. The answers between them are built by hand.
#include "tests/support/anchor_bench.hpp"
#include "tests/support/mobile_bench.hpp"
#include "tests/support/test_inputs.hpp"

#include "protocol/node/sequence.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::node;
using namespace roamscope::test;

namespace {

const Mac goldenMac = mac("00:11:22:33:44:55");
const Mac router = mac("02:00:00:00:04:02");
const Ipv6Address l1 = ip("2001:db8:a1:0:211:22ff:fe33:4455"), l2 = ip("2001:db8:a2:0:211:22ff:fe33:4455");
constexpr std::uint64_t homeToken = 0xb83467c2d2f395ae, careOfToken = 0x72bf37fb256d24af;

/// Packets by their number, from 1.
std::vector<Bytes> vectors()
{
    std::vector<Bytes> packets(1);
    for (InputFrame& f : goldenPackets()) packets.push_back(std::move(f.bytes));
    return packets;
}

wire::Ipv6Packet parsed(const Bytes& octets)
{
    wire::FieldReader in(octets, 0, nullptr);
    return wire::parseIpv6(in)->packet;
}

QByteArray hex(ByteView octets) { return QByteArray(reinterpret_cast<const char*>(octets.data()), qsizetype(octets.size())).toHex(); }

/// The mobile node of the vectors on two links; both interfaces have the same identifier.
struct Golden {
    MobileNode mn;
    Output out;
    TimePoint now{};

    Golden(MobileNode::Settings s, std::uint64_t seed) : mn(stack(seed), std::move(s)) {}
    static IpStack stack(std::uint64_t seed)
    {
        IpStack stack(false, Random(seed));
        stack.addInterface("w1", goldenMac);
        stack.addInterface("w2", goldenMac);
        return stack;
    }
    static MobileNode::Settings settings(MobileNode::Multihoming::Mode mode)
    {
        MobileNode::Settings s{homeAddress, homeAgent, MapPolicy::Furthest, std::chrono::seconds(400), {7}};
        s.multihoming.mode = mode;
        return s;
    }
    void in(std::size_t i, const wire::Ipv6Packet& packet) { mn.receive(now, i, frame(router, goldenMac, packet), out); }
    void up(std::size_t i)
    {
        mn.linkUp(now, i, out);
        RaOptions o;
        o.network = i == 0 ? "2001:db8:a1::1" : "2001:db8:a2::1";
        o.map = std::nullopt;
        in(i, advertisement(o));
    }
    struct Emitted {
        std::size_t interface;
        Bytes packet;
        wire::DecodedFrame frame;
    };
    /// Runs to `t`; what left on the way, without neighbour discovery.
    std::vector<Emitted> to(Duration t)
    {
        std::vector<Emitted> list;
        const auto collect = [&] {
            for (SentFrame& sent : std::exchange(out.frames, {})) {
                auto decoded = wire::decodeFrame(sent.bytes, wire::linkEthernet, sent.bytes.size());
                if (const auto* ns = decoded.as<NeighborSolicitation>(); ns && !decoded.inner()->source.isUnspecified())
                    in(sent.interface, icmp(ns->target, decoded.inner()->source, NeighborAdvertisement{true, true, true, ns->target, {wire::TargetLinkLayerOption{router}}}));
                else if (decoded.packets.back().nextHeader == wire::protocol::mobility)
                    list.push_back({sent.interface, Bytes(sent.bytes.begin() + 14, sent.bytes.end()), std::move(decoded)});
            }
        };
        collect();
        for (int steps = 0; steps < 10000 && mn.nextDeadline() && *mn.nextDeadline() <= TimePoint{t}; ++steps) {
            now = std::max(now, *mn.nextDeadline());
            mn.advance(now, out);
            collect();
        }
        now = TimePoint{t};
        return list;
    }
    /// The update to `peer` among them; the home agent's answer to one.
    static const Emitted* updateTo(const std::vector<Emitted>& list, const Ipv6Address& peer)
    {
        const auto it = std::find_if(list.begin(), list.end(), [&](const Emitted& e) { return e.frame.as<BindingUpdate>() && e.frame.inner()->destination == peer; });
        return it == list.end() ? nullptr : &*it;
    }
    void acknowledge(const Emitted& e, std::uint8_t status = 0, std::optional<std::uint16_t> sequence = {})
    {
        const auto& update = *e.frame.as<BindingUpdate>();
        BindingAck ack{status, 0, sequence.value_or(update.sequence), status < 128 ? update.lifetime : WireLifetime{0}, {}};
        for (const auto& option : update.options)
            if (const auto* b = std::get_if<wire::BindingIdentifier>(&option)) ack.options.push_back(wire::BindingIdentifier{b->bid, 0, false, 0, {}});
        in(e.interface, mobility(homeAgent, e.frame.inner()->source, ack, {}, homeAddress));
    }
};

}  // namespace

class TestMobileGolden : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void bulkAndItsAnswer()
    {
        const auto golden = vectors();
        QCOMPARE(golden.size(), std::size_t{25});
        // The number that it starts with is drawn: one that 6 follows.
        std::optional<Golden> chosen;
        std::vector<Golden::Emitted> list;
        const auto number = [&] { return Golden::updateTo(list, homeAgent)->frame.as<BindingUpdate>()->sequence; };
        for (std::uint64_t seed = 1; !chosen || !isNewer(6, number()); ++seed) {
            chosen.emplace(Golden::settings(MobileNode::Multihoming::Mode::Bulk), seed);
            chosen->up(0);
            chosen->up(1);
            list = chosen->to(3s);
            QVERIFY(Golden::updateTo(list, homeAgent) && seed < 50);
        }
        Golden& b = *chosen;
        const auto* first = Golden::updateTo(list, homeAgent);
        // The home agent's word on the number is taken (MN-BU-09): the next update has number 7.
        b.acknowledge(*first, wire::bindingStatus::sequenceOutOfWindow, std::uint16_t{6});
        list = b.to(4s);
        const auto* second = Golden::updateTo(list, homeAgent);
        QVERIFY(second);
        QVERIFY2(hex(second->packet) == hex(golden[5]), "vector 5, mcoa_bulk");
        // Vector 6: status 4, identifier 2 refused with 166: no identifiers any more (MCOA-MN-11), and the plain update that follows.
        b.in(0, parsed(golden[6]));
        list = b.to(5s);
        const auto* plain = Golden::updateTo(list, homeAgent);
        QVERIFY2(plain, "vector 6, mcoa_notcomplete");
        QVERIFY2(!wire::findOption<wire::BindingIdentifier>(plain->frame.as<BindingUpdate>()->options), "MCOA-MN-11: 166");
    }

    void aRefreshRequestForTheMobileNode()
    {
        const auto golden = vectors();
        QCOMPARE(golden.size(), std::size_t{25});
        Golden b = registered(1);
        // The home agent wants to hear of identifier 1. Its packet comes through the tunnel, as any to the home address.
        b.in(0, encapsulate(parsed(golden[19]), homeAgent, l1));
        const auto list = b.to(5s);
        const auto* refresh = Golden::updateTo(list, homeAgent);
        QVERIFY2(refresh && wire::findOption<wire::BindingIdentifier>(refresh->frame.as<BindingUpdate>()->options)->bid == 1, "vector 19, brr_bid: MCOA-MN-15");
    }

    void toTheCorrespondent()
    {
        const auto golden = vectors();
        QCOMPARE(golden.size(), std::size_t{25});
        std::optional<Golden::Emitted> update;
        for (std::uint64_t seed = 1; !update && seed < 50; ++seed) update = secondUpdate(seed);
        QVERIFY(update);
        QVERIFY2(hex(update->packet) == hex(golden[15]), "vector 15, cn_bu_mcoa: MCOA-MN-08, MCOA-CN-05");
    }

    /// Vector 19 as our home agent sends it, inside its tunnel.
    void aRefreshRequestOfTheHomeAgent()
    {
        const auto golden = vectors();
        QCOMPARE(golden.size(), std::size_t{25});
        AnchorServices services;
        services.refreshRequest = 18s;
        anchors::Bench b(anchors::Bench::policy(false, false), services);
        BindingUpdate bu{1, BindingUpdate::acknowledge | BindingUpdate::homeRegistration, WireLifetime{5}, {}};
        bu.options.push_back(wire::BindingIdentifier{1, 0, false, 0, Bytes(anchors::careOf.octets.begin(), anchors::careOf.octets.end())});
        b.in(anchors::coreLink, mobility(anchors::careOf, anchors::agent, bu, homeAddress));
        (void)take(b.out);
        std::vector<Bytes> requests;
        (void)run(b.anchor, TimePoint{3s}, b.out);
        for (const SentFrame& sent : b.out.frames) {
            const auto decoded = wire::decodeFrame(sent.bytes, wire::linkEthernet, sent.bytes.size());
            if (decoded.as<wire::BindingRefreshRequest>() && decoded.packets.size() == 2) requests.push_back(wire::emitIpv6(decoded.packets[1]));
        }
        QVERIFY(!requests.empty());
        QVERIFY2(hex(requests.front()) == hex(golden[19]), "vector 19, brr_bid: MCOA-HA-11");
    }

private:
    /// Both paths are registered with the home agent one by one, at 4 s.
    static Golden registered(std::uint64_t seed)
    {
        auto settings = Golden::settings(MobileNode::Multihoming::Mode::Single);
        settings.optimiseAll = true;
        settings.lifetime = std::chrono::seconds(3600);
        Golden b(settings, seed);
        b.up(0);
        b.up(1);
        for (int i = 1; i <= 40; ++i)
            for (const auto& e : b.to(i * 100ms))
                if (e.frame.as<BindingUpdate>()) b.acknowledge(e);
        return b;
    }
    /// The correspondent hears of identifier 2 first, answers 135 with number 99 and takes the next one; then the update of identifier 1,
    /// with the tokens of the vectors. Nothing when the first number was not one that 99 follows.
    static std::optional<Golden::Emitted> secondUpdate(std::uint64_t seed)
    {
        constexpr std::uint64_t otherToken = 77;
        Golden b = registered(seed);
        b.in(0, encapsulate(probe(correspondent, homeAddress, {7, false, 1, TimePoint{}}), homeAgent, l1));
        std::optional<Golden::Emitted> waiting;  // the care-of test of identifier 1
        const auto test = [&](const Golden::Emitted& e, std::uint64_t token) {
            b.in(e.interface, mobility(correspondent, e.frame.inner()->source, wire::CareOfTest{6, e.frame.as<wire::CareOfTestInit>()->cookie, token, {}}, {}));
        };
        for (int i = 401; i <= 480; ++i)
            for (const auto& e : b.to(i * 10ms)) {
                if (const auto* init = e.frame.as<wire::HomeTestInit>()) b.in(0, encapsulate(mobility(correspondent, homeAddress, wire::HomeTest{5, init->cookie, homeToken, {}}, {}), homeAgent, l1));
                if (e.frame.as<wire::CareOfTestInit>() && e.interface == 0) waiting = e;
                if (e.frame.as<wire::CareOfTestInit>() && e.interface == 1) test(e, otherToken);
                const auto* bu = e.frame.as<BindingUpdate>();
                if (!bu || e.frame.inner()->destination != correspondent) continue;
                if (e.interface == 0) return e;
                const bool numbered = bu->sequence == 100;
                if (!numbered && !isNewer(99, bu->sequence)) return std::nullopt;
                const BindingAck ack{numbered ? std::uint8_t{0} : wire::bindingStatus::sequenceOutOfWindow, 0, numbered ? std::uint16_t{100} : std::uint16_t{99}, numbered ? bu->lifetime : WireLifetime{0},
                                     {wire::BindingIdentifier{2, 0, false, 0, {}}}};
                wire::Ipv6Packet packet = mobility(correspondent, l2, BindingAck{}, {}, homeAddress);
                packet.payload = emitAuthorized(ack, bindingKey(homeToken, otherToken), l2, correspondent, packet.pseudoHeader());
                b.in(1, packet);
                if (numbered && waiting) test(*waiting, careOfToken);
            }
        return std::nullopt;
    }
};

QTEST_APPLESS_MAIN(TestMobileGolden)
#include "test_mobile_golden.moc"
