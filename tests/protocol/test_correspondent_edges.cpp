// SPDX-License-Identifier: GPL-3.0-or-later
// Edges of what a correspondent takes and answers: each row differs in one thing from a good message (RFC 6275 §5.2, §6.1, §9).
#include "tests/support/correspondent_bench.hpp"

#include "protocol/wire/icmpv6.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::node;
using namespace roamscope::test;

namespace {

/// An update with these options in front of the authenticator, proven for `covered`.
wire::Ipv6Packet proven(const Tokens& t, BindingUpdate bu, const Ipv6Address& source, std::optional<Ipv6Address> option, const Ipv6Address& covered)
{
    wire::Ipv6Packet packet = mobility(source, own, bu, option);
    const Bytes key = bu.lifetime.count() == 0 ? bindingKey(t.home, {}) : bindingKey(t.home, t.careOf);
    packet.payload = emitAuthorized(bu, key, covered, own, packet.pseudoHeader());
    return packet;
}

BindingUpdate good(const Tokens& t, std::uint16_t sequence = 10, std::uint16_t units = 50, std::uint16_t flags = BindingUpdate::acknowledge)
{
    return {sequence, flags, WireLifetime{units}, {wire::NonceIndices{t.homeIndex, t.careOfIndex}}};
}

/// Good checksum over whatever stands in the message.
void sum(wire::Ipv6Packet& packet)
{
    packet.payload[4] = packet.payload[5] = 0;
    const std::uint16_t value = wire::checksum(packet.pseudoHeader(), wire::protocol::mobility, packet.payload);
    packet.payload[4] = static_cast<std::uint8_t>(value >> 8);
    packet.payload[5] = static_cast<std::uint8_t>(value);
}

}  // namespace

class TestCorrespondentEdges : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void RR_CN_17_theWindowAtItsEdges_data()
    {
        QTest::addColumn<int>("first");
        QTest::addColumn<int>("distance");
        QTest::addColumn<int>("status");
        for (const int first : {0, 1, 32767, 32768, 65535})
            for (const auto& [distance, status] : {std::pair{0, 135}, {1, 0}, {2, 0}, {32766, 0}, {32767, 0}, {32768, 135}, {32769, 135}, {65535, 135}})
                QTest::addRow("%d then %+d", first, distance) << first << distance << status;
    }
    void RR_CN_17_theWindowAtItsEdges()
    {
        QFETCH(int, first);
        QFETCH(int, distance);
        QFETCH(int, status);
        Bench b;
        const Tokens t = b.tokens();
        QCOMPARE(b.status(Bench::update(t, static_cast<std::uint16_t>(first))), 0);
        const auto seen = b.answers(Bench::update(t, static_cast<std::uint16_t>(first + distance)));
        const Seen* ba = find<BindingAck>(seen);
        QVERIFY(ba);
        const BindingAck& ack = *ba->frame.as<BindingAck>();
        QCOMPARE(int{ack.status}, status);
        QVERIFY2(ack.sequence == static_cast<std::uint16_t>(status == 0 ? first + distance : first), "RR-CN-17: the last accepted number");
        QVERIFY2(isAuthorized(ack.options, bindingKey(t.home, t.careOf), careOf, own, ba->inner().payload), "RR-CN-07");
    }

    void RR_CN_08_lifetimes_data()
    {
        QTest::addColumn<int>("asked");
        QTest::addColumn<int>("granted");
        for (const auto& [asked, granted] : {std::pair{1, 1}, {104, 104}, {105, 105}, {106, 105}, {65535, 105}}) QTest::addRow("%d", asked) << asked << granted;
    }
    void RR_CN_08_lifetimes()
    {
        QFETCH(int, asked);
        QFETCH(int, granted);
        Bench b;
        const auto seen = b.answers(Bench::update(b.tokens(), 1, static_cast<std::uint16_t>(asked)));
        QCOMPARE(int{find<BindingAck>(seen)->frame.as<BindingAck>()->lifetime.count()}, granted);
        b.to(std::chrono::seconds(4 * granted) - 1ms);
        QVERIFY2(b.binding(), "RR-CN-21: not before its end");
        b.to(std::chrono::seconds(4 * granted));
        QVERIFY2(!b.binding(), "RR-CN-21");
    }

    void RR_CN_05_aTokenIsGoodFor210To240Seconds()
    {
        for (const Duration asked : {Duration{0}, Duration{29s}}) {
            Bench b;
            (void)b.tokens();  // the nonce is from time 0
            b.to(asked);
            const Tokens t = b.tokens();
            b.to(240s - 1ms);
            QCOMPARE(b.status(Bench::update(t, 1)), 0);
            b.to(240s);
            QCOMPARE(b.status(Bench::update(t, 2)), int{wire::bindingStatus::expiredNonces});
        }
    }

    void RR_CN_20_flagsThatMeanNothingToACorrespondent_data()
    {
        QTest::addColumn<int>("flags");
        for (const int flag : {0x2000, 0x1000, 0x0800, 0x0400, 0x0040, 0x0001, 0x3fff}) QTest::addRow("%04x", flag) << flag;
    }
    void RR_CN_20_flagsThatMeanNothingToACorrespondent()
    {
        QFETCH(int, flags);
        Bench b;
        const auto seen = b.answers(Bench::update(b.tokens(), 1, 50, careOf, static_cast<std::uint16_t>(BindingUpdate::acknowledge | flags)));
        const Seen* ba = find<BindingAck>(seen);
        QVERIFY2(ba && ba->frame.as<BindingAck>()->status == 0 && ba->frame.as<BindingAck>()->flags == 0, "RR-CN-20");
        QVERIFY2(!wire::findOption<wire::BindingRefreshAdvice>(ba->frame.as<BindingAck>()->options), "RR-CN-20");
    }

    void RR_CN_04_unknownOptionsAreSkipped()
    {
        Bench b;
        const Tokens t = b.tokens();
        BindingUpdate bu = good(t);
        bu.options.insert(bu.options.begin(), wire::RawMobilityOption{200, Bytes(5, 0xff)});
        bu.options.push_back(wire::RawMobilityOption{77, {}});
        QCOMPARE(b.status(proven(t, bu, careOf, home, careOf)), 0);
        const auto hot = b.answers(mobility(home, own, HomeTestInit{7, {wire::RawMobilityOption{201, Bytes(3)}}}, {}));
        QVERIFY2(find<HomeTest>(hot) && find<HomeTest>(hot)->frame.as<HomeTest>()->options.empty(), "RR-CN-22");
    }

    void RR_CN_06_brokenOptionsAreDropped()
    {
        Bench b;
        const Tokens t = b.tokens();
        BindingUpdate twice = good(t);
        twice.options.push_back(wire::AlternateCareOfAddress{careOf});
        twice.options.push_back(wire::AlternateCareOfAddress{other});
        QCOMPARE(b.status(proven(t, twice, careOf, home, careOf)), -1);
        BindingUpdate shorter = good(t);
        shorter.options.push_back(wire::RawMobilityOption{3, Bytes(8)});  // an alternate care-of address of 8 octets
        QCOMPARE(b.status(proven(t, shorter, careOf, home, careOf)), -1);
        BindingUpdate indices = good(t);
        indices.options = {wire::RawMobilityOption{4, Bytes(2)}};
        QCOMPARE(b.status(proven(t, indices, careOf, home, careOf)), -1);
        QVERIFY(!b.binding());
    }

    void RR_CN_19_addressesThatCannotBe()
    {
        Bench b;
        const auto with = [&](const Ipv6Address& homeAddress, const Ipv6Address& alternate) {
            // Tokens for whatever address: the suite of a hostile node may have them.
            const auto hot = b.answers(mobility(homeAddress, own, HomeTestInit{7, {}}, {}));
            const auto cot = b.answers(mobility(alternate, own, CareOfTestInit{8, {}}, {}));
            Tokens t;
            if (find<HomeTest>(hot)) t.home = find<HomeTest>(hot)->frame.as<HomeTest>()->token;
            if (find<CareOfTest>(cot)) t.careOf = find<CareOfTest>(cot)->frame.as<CareOfTest>()->token;
            t.homeIndex = t.careOfIndex = b.tokens().homeIndex;
            BindingUpdate bu = good(t);
            bu.options.push_back(wire::AlternateCareOfAddress{alternate});
            const auto seen = b.answers(proven(t, bu, careOf, homeAddress, alternate));
            return !find<BindingAck>(seen) && b.node.cache().bindings().empty();
        };
        for (const char* bad : {"::", "::1", "ff02::1", "ff0e::7", "fe80::9"}) QVERIFY2(with(home, ip(bad)), bad);
        QVERIFY2(with(own, careOf), "our own address is no home address of others");
        QVERIFY2(with(home, own), "nor a care-of address");
        QVERIFY2(!with(home, other), "the same with a good one makes a binding");
    }

    void RR_CN_16_homeAddressOptionsThatCannotBe()
    {
        for (const char* bad : {"::", "::1", "ff0e::7", "fe80::9"}) {
            Bench b;
            const auto seen = b.answers(mobility(careOf, own, good({}), ip(bad)));
            const Seen* be = find<BindingError>(seen);
            QVERIFY2(be && be->frame.as<BindingError>()->status == 1 && be->frame.as<BindingError>()->homeAddress == ip(bad) && be->inner().destination == careOf, bad);
        }
    }

    void RR_CN_16_authenticationThatNobodyCanCheck()
    {
        // Behind an authentication header no entry is asked for, so there is no Binding Error; without a security association the packet
        // ends there all the same (RFC 4302 §3.4.2).
        const auto authenticated = [](const Ipv6Address& source, std::optional<Ipv6Address> option) {
            wire::Ipv6Packet packet = icmp(option.value_or(source), own, wire::Echo{false, 7, 9, {}}, 64);
            packet.source = source;
            if (option) packet.setHomeAddress(*option);
            const Bytes header{wire::protocol::icmpv6, 4, 0, 0, 0, 0, 1, 0, 0, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
            packet.payload.insert(packet.payload.begin(), header.begin(), header.end());
            packet.nextHeader = wire::protocol::ah;
            return packet;
        };
        for (const bool bound : {false, true}) {
            Bench b;
            if (bound) QCOMPARE(b.status(Bench::update(b.tokens(), 1)), 0);
            QVERIFY2(b.answers(authenticated(careOf, home)).empty(), "RR-CN-16");
            QVERIFY2(b.answers(authenticated(careOf, {})).empty(), "RFC 4302 3.4.2");
            const auto seen = b.answers(authenticated(careOf, ip("ff0e::7")));
            QVERIFY2(seen.size() == 1 && seen[0].frame.as<BindingError>() && seen[0].frame.as<BindingError>()->status == 1, "RR-CN-16: that cannot be, whatever follows");
        }
    }

    void RR_CN_07_whoIsToldWithoutAsking()
    {
        Bench b;
        const Tokens t = b.tokens();
        Tokens unknown = t;
        unknown.homeIndex = static_cast<std::uint16_t>(t.homeIndex + 9);
        QCOMPARE(b.status(Bench::update(unknown, 1, 50, careOf, 0)), int{wire::bindingStatus::expiredHomeNonce});
        unknown = t;
        unknown.careOfIndex = static_cast<std::uint16_t>(t.careOfIndex + 9);
        QCOMPARE(b.status(Bench::update(unknown, 1, 50, careOf, 0)), int{wire::bindingStatus::expiredCareOfNonce});
        QCOMPARE(b.status(Bench::update(t, 5, 50, careOf, 0)), -1);
        QCOMPARE(b.status(Bench::update(t, 5, 50, careOf, 0)), int{wire::bindingStatus::sequenceOutOfWindow});
        QCOMPARE(b.status(Bench::update(t, 6, 50, careOf, BindingUpdate::homeRegistration)), int{wire::bindingStatus::registrationTypeChange});
        QVERIFY2(b.binding() && b.binding()->sequence == 5, "RR-CN-17: unchanged");
        QCOMPARE(b.status(Bench::update(t, 7, 0, careOf, 0)), -1);
        QVERIFY2(!b.binding(), "RR-CN-18");
    }

    void RR_CN_18_theCareOfIndexOfADeletionIsNotLookedAt()
    {
        for (const std::uint16_t index : {std::uint16_t{0}, std::uint16_t{1}, std::uint16_t{65535}}) {
            Bench b;
            Tokens t = b.tokens();
            QCOMPARE(b.status(Bench::update(t, 1)), 0);
            t.careOfIndex = index;
            // From home, too: source = home address, no option, no routing header in the answer.
            const auto seen = index == 1 ? b.answers(proven(t, good(t, 2, 0), home, {}, home)) : b.answers(Bench::update(t, 2, 0));
            const Seen* ba = find<BindingAck>(seen);
            QVERIFY2(ba && ba->frame.as<BindingAck>()->status == 0 && ba->frame.as<BindingAck>()->lifetime.count() == 0 && !b.binding(), "RR-CN-18");
            QVERIFY2(ba->inner().routing.has_value() == (index != 1) && ba->inner().destination == (index == 1 ? home : careOf), "RR-CN-15");
            QVERIFY2(isAuthorized(ba->frame.as<BindingAck>()->options, bindingKey(t.home, {}), home, own, ba->inner().payload), "RR-CN-04");
        }
    }

    void RR_CN_01_testsWithWhatTheyMustNotHave()
    {
        Bench b;
        QVERIFY2(b.answers(mobility(careOf, own, HomeTestInit{7, {}}, home)).empty(), "RR-CN-01: a home address option");
        QVERIFY2(b.answers(mobility(careOf, own, CareOfTestInit{7, {}}, home)).empty(), "RR-CN-01");
        wire::Ipv6Packet routed = mobility(home, own, HomeTestInit{7, {}}, {}, other);
        QVERIFY2(b.answers(routed).empty(), "MN-TX-04: a routing header");
        QVERIFY2(b.answers(mobility(ip("ff02::5"), own, HomeTestInit{7, {}}, {})).empty(), "RR-CN-15: a group as source");
    }

    void MH_RX_01_messagesForOthersAreIgnored()
    {
        Bench b;
        QVERIFY(b.answers(mobility(home, own, wire::BindingRefreshRequest{}, {})).empty());
        QVERIFY(b.answers(mobility(home, own, HomeTest{1, 2, 3, {}}, {})).empty());
        QVERIFY(b.answers(mobility(home, own, CareOfTest{1, 2, 3, {}}, {})).empty());
        QVERIFY(b.answers(mobility(home, own, BindingAck{0, 0, 1, WireLifetime{1}, {}}, {})).empty());
        QVERIFY2(b.answers(mobility(home, own, BindingError{2, home, {}}, {})).empty(), "RR-CN-11: never about an error");
    }

    void MH_RX_01_headerLenAtItsEdges()
    {
        for (const auto& [length, answered] : {std::pair{0, false}, {1, true}, {2, false}}) {
            Bench b;
            wire::Ipv6Packet packet = mobility(home, own, HomeTestInit{7, {}}, {});
            packet.payload[1] = static_cast<std::uint8_t>(length);
            sum(packet);
            QVERIFY2((find<HomeTest>(b.answers(packet)) != nullptr) == answered, qPrintable(QString::number(length)));
        }
        // One option more than there is room for.
        Bench b;
        wire::Ipv6Packet packet = mobility(home, own, HomeTestInit{7, {wire::RawMobilityOption{200, Bytes(6)}}}, {});
        packet.payload[17] = 7;
        sum(packet);
        QVERIFY2(!find<HomeTest>(b.answers(packet)), "MH-RX-01: it runs past the end");
    }

    void RR_CN_07_09_endedBindingsTakeNoPlace()
    {
        Correspondent::Settings settings;
        settings.maximumBindings = 2;
        Bench b(true, settings);
        const auto add = [&](int number, std::uint16_t units, bool asked = true) {
            const Ipv6Address theirs = ip(qPrintable(QString("2001:db8:100::%1").arg(100 + number)));
            const auto hot = b.answers(mobility(theirs, own, HomeTestInit{7, {}}, {}));
            const auto cot = b.answers(mobility(careOf, own, CareOfTestInit{8, {}}, {}));
            const auto& h = *find<HomeTest>(hot)->frame.as<HomeTest>();
            const auto& c = *find<CareOfTest>(cot)->frame.as<CareOfTest>();
            const Tokens t{h.nonceIndex, c.nonceIndex, h.token, c.token};
            BindingUpdate update = good(t, static_cast<std::uint16_t>(units == 0 ? 11 : 10), units);
            if (!asked) update.flags = 0;
            return b.status(proven(t, update, careOf, theirs, units == 0 ? theirs : careOf));
        };
        QVERIFY(add(1, 50) == 0 && add(2, 50) == 0);
        QCOMPARE(add(3, 50), int{wire::bindingStatus::insufficientResources});
        QVERIFY2(add(3, 50, false) == wire::bindingStatus::insufficientResources, "RR-CN-07: told without A, too");
        QCOMPARE(add(1, 0), 0);
        QVERIFY2(add(3, 50) == 0, "RR-CN-07: one has gone");
        for (int i = 4; i < 40; ++i) QVERIFY(add(i - 1, 0) == 0 && add(i, 50) == 0);
        QVERIFY2(b.node.cache().bindings().size() <= 4, "what is remembered is bounded");
        QCOMPARE(add(50, 50), int{wire::bindingStatus::insufficientResources});
    }

    /// RFC 4443 §3.1 code 4, §2.2 a, §2.4 e: with and without mobility support, from the address that was asked, never about groups.
    void closedPortsAreTold()
    {
        for (const bool mobile : {true, false}) {
            Bench b(mobile);
            const Ipv6Address second = ip("2001:db8:200::d");
            b.node.stack().addStaticAddress(0, prefix("2001:db8:200::d/64"));
            const auto ask = [&](const Ipv6Address& to) {
                wire::Ipv6Packet packet;
                packet.source = other;
                packet.destination = to;
                packet.nextHeader = wire::protocol::udp;
                packet.payload = wire::emitUdp({40000, 9, Bytes(4)}, packet.pseudoHeader());
                return b.answers(packet);
            };
            for (const Ipv6Address& address : {own, second}) {
                const auto seen = ask(address);
                const Seen* error = find<wire::IcmpError>(seen);
                QVERIFY2(error && error->frame.as<wire::IcmpError>()->type == 1 && error->frame.as<wire::IcmpError>()->code == 4, "Port Unreachable");
                QVERIFY2(error->inner().source == address && error->inner().destination == other, "RFC 4443 §2.2 a");
            }
            QVERIFY2(ask(allNodes()).empty(), "RFC 4443 §2.4 e");
        }
    }

    void RR_CN_10_neighbourDiscoveryGoesPastTheCache()
    {
        // A mobile node that is back on the link of its correspondent: what is said about neighbours stays without a routing header.
        Bench b;
        const Ipv6Address near = ip("2001:db8:200::77");
        const auto hot = b.answers(mobility(near, own, HomeTestInit{7, {}}, {}));
        (void)hot;
        const auto seen = b.answers(icmp(near, solicitedNode(own), wire::NeighborSolicitation{own, {wire::SourceLinkLayerOption{routerMac}}}));
        QVERIFY(find<wire::NeighborAdvertisement>(seen));
        const auto again = b.answers(mobility(near, own, HomeTestInit{7, {}}, {}));
        const auto cot = b.answers(mobility(careOf, own, CareOfTestInit{8, {}}, {}));
        const auto& h = *find<HomeTest>(again)->frame.as<HomeTest>();
        const auto& c = *find<CareOfTest>(cot)->frame.as<CareOfTest>();
        const Tokens t{h.nonceIndex, c.nonceIndex, h.token, c.token};
        QCOMPARE(b.status(proven(t, good(t), careOf, near, careOf)), 0);
        const auto asked = b.answers(icmp(near, solicitedNode(own), wire::NeighborSolicitation{own, {wire::SourceLinkLayerOption{routerMac}}}));
        const Seen* na = find<wire::NeighborAdvertisement>(asked);
        QVERIFY2(na && !na->inner().routing && na->inner().destination == near, "RR-CN-10: never for ND");
    }
};

QTEST_APPLESS_MAIN(TestCorrespondentEdges)
#include "test_correspondent_edges.moc"
