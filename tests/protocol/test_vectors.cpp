// SPDX-License-Identifier: GPL-3.0-or-later
// The golden packets: decoded values one by one, checksums, and emission of the same octets.
#include "protocol/wire/summary.hpp"
#include "tests/support/test_inputs.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::wire;
using namespace roamscope::test;

namespace {

Ipv6Address ip(const char* text) { return Ipv6Address::parse(text).value(); }

Bytes octets(const Ipv6Address& a) { return Bytes(a.octets.begin(), a.octets.end()); }

/// The message of a frame emitted again, inside all its packets.
Bytes emitAgain(const DecodedFrame& frame)
{
    Ipv6Packet packet = *frame.inner();
    const PseudoHeader addresses = packet.pseudoHeader();
    if (const auto* m = std::get_if<Checked<MobilityMessage>>(&frame.message)) packet.payload = emitMobility(m->value, addresses);
    if (const auto* m = std::get_if<Checked<Icmpv6Message>>(&frame.message)) packet.payload = emitIcmpv6(m->value, addresses);
    Bytes out = emitIpv6(packet);
    for (std::size_t i = frame.packets.size() - 1; i-- > 0;) {
        packet = frame.packets[i];
        packet.payload = std::move(out);
        out = emitIpv6(packet);
    }
    return out;
}

ChecksumVerdict verdict(const DecodedFrame& frame)
{
    if (const auto* m = std::get_if<Checked<MobilityMessage>>(&frame.message)) return m->checksum;
    if (const auto* m = std::get_if<Checked<Icmpv6Message>>(&frame.message)) return m->checksum;
    return ChecksumVerdict::Unverifiable;
}

}  // namespace

class TestVectors : public QObject {
    Q_OBJECT
    const Ipv6Address hoa = ip("2001:db8:100::1:1");
    const Ipv6Address ha = ip("2001:db8:100::1");
    const Ipv6Address cn = ip("2001:db8:200::c");
    const Ipv6Address map = ip("2001:db8:300::1");
    const Ipv6Address rcoa = ip("2001:db8:300:0:211:22ff:fe33:4455");
    const Ipv6Address lcoa1 = ip("2001:db8:a1:0:211:22ff:fe33:4455");
    const Ipv6Address lcoa2 = ip("2001:db8:a2:0:211:22ff:fe33:4455");
    std::vector<InputFrame> packets_;

    DecodedFrame decoded(const char* name) const
    {
        for (const InputFrame& p : packets_)
            if (p.name == name) return decodeFrame(p.bytes, p.linkType, p.originalLength);
        return {};
    }
    /// Addresses of the only (or inner) packet; an unspecified `home` or `routed` stands for "none".
    void checkPacket(const DecodedFrame& f, const Ipv6Address& source, const Ipv6Address& destination, const Ipv6Address& home,
                     const Ipv6Address& routed)
    {
        QVERIFY(f.inner());
        QVERIFY(!f.error);
        QCOMPARE(f.inner()->source, source);
        QCOMPARE(f.inner()->destination, destination);
        QCOMPARE(f.inner()->homeAddress().value_or(Ipv6Address{}), home);
        QCOMPARE(f.inner()->routing.has_value(), !routed.isUnspecified());
        if (f.inner()->routing) {
            QCOMPARE(f.inner()->routing->homeAddress, routed);
            QCOMPARE(int(f.inner()->routing->segmentsLeft), 1);
        }
    }
    void checkUpdate(const BindingUpdate* bu, std::uint16_t sequence, std::uint16_t flags, std::uint16_t lifetime, std::size_t options)
    {
        QVERIFY(bu);
        QCOMPARE(bu->sequence, sequence);
        QCOMPARE(bu->flags, flags);
        QCOMPARE(bu->lifetime.count(), lifetime);
        QCOMPARE(bu->options.size(), options);
    }
    void checkAck(const BindingAck* ba, std::uint8_t status, std::uint16_t sequence, std::uint16_t lifetime, std::size_t options)
    {
        QVERIFY(ba);
        QCOMPARE(int(ba->status), int(status));
        QCOMPARE(int(ba->flags), 0);
        QCOMPARE(ba->sequence, sequence);
        QCOMPARE(ba->lifetime.count(), lifetime);
        QCOMPARE(ba->options.size(), options);
    }
    static BindingIdentifier bid(std::uint16_t id, std::uint8_t status, bool home, Bytes careOf)
    {
        return {id, status, home, 0, std::move(careOf)};
    }
    static constexpr std::uint16_t A = BindingUpdate::acknowledge;
    static constexpr std::uint16_t H = BindingUpdate::homeRegistration;
    static constexpr std::uint16_t L = BindingUpdate::linkLocal;
    static constexpr std::uint16_t K = BindingUpdate::keyManagement;
    static constexpr std::uint16_t M = BindingUpdate::mapRegistration;
    static constexpr std::uint16_t R = BindingUpdate::mobileRouter;
    static constexpr std::uint16_t O = BindingUpdate::overwrite;

private Q_SLOTS:
    void initTestCase()
    {
        packets_ = goldenPackets();
        QCOMPARE(packets_.size(), std::size_t{24});
    }

    void decodeCleanlyAndEmitTheSameOctets()
    {
        for (const InputFrame& p : packets_) {
            const Dissection d = dissect(p.bytes, p.linkType, p.originalLength);
            for (const auto& finding : d.findings) qWarning() << p.name << finding.text.c_str();
            QVERIFY2(d.findings.empty(), qPrintable(p.name));
            QVERIFY2(!d.summary.malformed && !d.summary.info.empty(), qPrintable(p.name));
            const DecodedFrame f = decodeFrame(p.bytes, p.linkType, p.originalLength);
            QVERIFY2(!f.error && !f.cut, qPrintable(p.name));
            QCOMPARE(f.undecodedOffset, p.bytes.size());
            QVERIFY2(verdict(f) == ChecksumVerdict::Good, qPrintable(p.name));
            QVERIFY2(emitAgain(f) == p.bytes, qPrintable(p.name));
        }
    }

    void everySpoiledBitOfTheMessageShows()
    {
        for (const InputFrame& p : packets_) {
            const DecodedFrame f = decodeFrame(p.bytes, p.linkType, p.originalLength);
            const std::size_t start = p.bytes.size() - f.inner()->payload.size();
            for (std::size_t bit = 8 * start; bit < 8 * p.bytes.size(); ++bit) {
                Bytes spoiled = p.bytes;
                spoiled[bit / 8] ^= static_cast<std::uint8_t>(0x80 >> bit % 8);
                const Dissection d = dissect(spoiled, p.linkType, spoiled.size());
                QVERIFY2(d.summary.malformed && !d.findings.empty(), qPrintable(QString("%1 bit %2").arg(p.name).arg(bit)));
                const DecodedFrame again = decodeFrame(spoiled, p.linkType, spoiled.size());
                QVERIFY2(again.error || verdict(again) == ChecksumVerdict::Bad, qPrintable(QString("%1 bit %2").arg(p.name).arg(bit)));
            }
        }
    }
    /// RFC 6275 §6.1.1, §6.3, §6.4: the checksum covers the addresses of these headers in place of those on the wire.
    void aSpoiledHomeAddressShows()
    {
        int homes = 0;
        int routed = 0;
        for (const InputFrame& p : packets_) {
            const Dissection d = dissect(p.bytes, p.linkType, p.originalLength);
            for (const FieldNode& node : d.nodes) {
                if (node.field != FieldId::Ipv6HomeAddress && node.field != FieldId::RoutingHomeAddress) continue;
                ++(node.field == FieldId::Ipv6HomeAddress ? homes : routed);
                for (std::size_t i = 0; i < 16; ++i) {
                    Bytes spoiled = p.bytes;
                    spoiled[node.offset + i] ^= 0x10;
                    const DecodedFrame f = decodeFrame(spoiled, p.linkType, spoiled.size());
                    QVERIFY2(verdict(f) == ChecksumVerdict::Bad, qPrintable(p.name));
                }
            }
            // While the address on the wire that they stand for is not covered.
            if (!d.nodes.empty() && decodeFrame(p.bytes, p.linkType, p.originalLength).inner()->homeAddress()) {
                Bytes moved = p.bytes;
                const std::size_t inner = p.name == "home_bu_tunnelled" ? 40 : 0;
                moved[inner + 8 + 15] ^= 1;
                QVERIFY2(verdict(decodeFrame(moved, p.linkType, moved.size())) == ChecksumVerdict::Good, qPrintable(p.name));
            }
        }
        QCOMPARE(homes, 8);
        QCOMPARE(routed, 4);
    }

    void routerAdvertisement()
    {
        const auto f = decoded("ra_map");
        checkPacket(f, ip("fe80::1"), ip("ff02::1"), {}, {});
        QCOMPARE(int(f.inner()->hopLimit), 255);
        const auto* ra = f.as<RouterAdvertisement>();
        QVERIFY(ra);
        QCOMPARE(int(ra->hopLimit), 64);
        QCOMPARE(int(ra->flags), 0);
        QCOMPARE(int(ra->routerLifetime), 1800);
        QCOMPARE(ra->reachableTime, 0u);
        QCOMPARE(ra->retransTimer, 0u);
        QCOMPARE(ra->options.size(), std::size_t{3});
        QVERIFY(ra->options[0] == NdOption(PrefixInformation{{ip("2001:db8:a1::1"), 64}, true, true, true, 86400, 14400}));
        QVERIFY(ra->options[1] == NdOption(AdvertisementIntervalOption{1000}));
        QVERIFY(ra->options[2] == NdOption(MapOption{2, 10, true, 3600, map}));
    }
    void localRegistration()
    {
        const auto update = decoded("lbu");
        checkPacket(update, lcoa1, map, rcoa, {});
        checkUpdate(update.as<BindingUpdate>(), 1, A | M, 150, 0);
        const auto ack = decoded("lba");
        checkPacket(ack, map, lcoa1, {}, rcoa);
        checkAck(ack.as<BindingAck>(), 0, 1, 150, 0);
    }
    void homeRegistrationThroughTheTunnel()
    {
        const auto f = decoded("home_bu_tunnelled");
        QCOMPARE(f.packets.size(), std::size_t{2});
        QCOMPARE(f.packets[0].source, lcoa1);
        QCOMPARE(f.packets[0].destination, map);
        QCOMPARE(int(f.packets[0].nextHeader), 41);
        checkPacket(f, rcoa, ha, hoa, {});
        const auto* bu = f.as<BindingUpdate>();
        checkUpdate(bu, 0x1234, A | H | L | K, 150, 1);
        QVERIFY(bu->options[0] == MobilityOption(AlternateCareOfAddress{rcoa}));
    }
    void severalCareOfAddresses()
    {
        const auto bulk = decoded("mcoa_bulk");
        checkPacket(bulk, lcoa1, ha, hoa, {});
        const auto* bu = bulk.as<BindingUpdate>();
        checkUpdate(bu, 7, A | H | O, 100, 2);
        QVERIFY(bu->options[0] == MobilityOption(bid(1, 0, false, octets(lcoa1))));
        QVERIFY(bu->options[1] == MobilityOption(bid(2, 0, false, octets(lcoa2))));

        const auto incomplete = decoded("mcoa_notcomplete");
        checkPacket(incomplete, ha, lcoa1, {}, hoa);
        const auto* ba = incomplete.as<BindingAck>();
        checkAck(ba, 4, 7, 100, 2);
        QVERIFY(ba->options[0] == MobilityOption(bid(1, 0, false, {})));
        QVERIFY(ba->options[1] == MobilityOption(bid(2, 166, false, {})));

        const auto one = decoded("mcoa_dereg_one");
        checkPacket(one, lcoa1, ha, hoa, {});
        bu = one.as<BindingUpdate>();
        checkUpdate(bu, 8, A | H, 0, 1);
        QVERIFY(bu->options[0] == MobilityOption(bid(2, 0, false, {})));

        const auto home = decoded("mcoa_home_link");
        checkPacket(home, hoa, ha, {}, {});
        bu = home.as<BindingUpdate>();
        checkUpdate(bu, 9, A | H, 100, 2);
        QVERIFY(bu->options[0] == MobilityOption(bid(3, 0, true, octets(hoa))));
        QVERIFY(bu->options[1] == MobilityOption(LinkLayerAddress{2, {0x00, 0x11, 0x22, 0x33, 0x44, 0x55}}));
    }
    void returnRoutability()
    {
        const auto hoti = decoded("hoti");
        checkPacket(hoti, hoa, cn, {}, {});
        QVERIFY(hoti.as<HomeTestInit>());
        QVERIFY(*hoti.as<HomeTestInit>() == (HomeTestInit{0xa0a1a2a3a4a5a6a7, {}}));
        const auto coti = decoded("coti");
        checkPacket(coti, lcoa1, cn, {}, {});
        QVERIFY(coti.as<CareOfTestInit>());
        QVERIFY(*coti.as<CareOfTestInit>() == (CareOfTestInit{0xb0b1b2b3b4b5b6b7, {}}));
        const auto hot = decoded("hot");
        checkPacket(hot, cn, hoa, {}, {});
        QVERIFY(hot.as<HomeTest>());
        QVERIFY(*hot.as<HomeTest>() == (HomeTest{5, 0xa0a1a2a3a4a5a6a7, 0xb83467c2d2f395ae, {}}));
        const auto cot = decoded("cot");
        checkPacket(cot, cn, lcoa1, {}, {});
        QVERIFY(cot.as<CareOfTest>());
        QVERIFY(*cot.as<CareOfTest>() == (CareOfTest{6, 0xb0b1b2b3b4b5b6b7, 0x72bf37fb256d24af, {}}));
    }
    void correspondentRegistration()
    {
        const auto update = decoded("cn_bu");
        checkPacket(update, lcoa1, cn, hoa, {});
        const auto* bu = update.as<BindingUpdate>();
        checkUpdate(bu, 100, A, 105, 2);
        QVERIFY(bu->options[0] == MobilityOption(NonceIndices{5, 6}));
        QVERIFY(bu->options[1] == MobilityOption(BindingAuthorizationData{fromHex("5854011b4e3f90989e3c394e")}));

        const auto ack = decoded("cn_ba");
        checkPacket(ack, cn, lcoa1, {}, hoa);
        const auto* ba = ack.as<BindingAck>();
        checkAck(ba, 0, 100, 105, 1);
        QVERIFY(ba->options[0] == MobilityOption(BindingAuthorizationData{fromHex("dce155638fdd6fccdb03ed81")}));

        const auto many = decoded("cn_bu_mcoa");
        checkPacket(many, lcoa1, cn, hoa, {});
        bu = many.as<BindingUpdate>();
        checkUpdate(bu, 101, A, 105, 3);
        QVERIFY(bu->options[0] == MobilityOption(NonceIndices{5, 6}));
        QVERIFY(bu->options[1] == MobilityOption(bid(1, 0, false, octets(lcoa1))));
        QVERIFY(bu->options[2] == MobilityOption(BindingAuthorizationData{fromHex("aeb3cfbce6af88196f103e38")}));

        const auto home = decoded("cn_dereg_home");
        checkPacket(home, hoa, cn, {}, {});
        bu = home.as<BindingUpdate>();
        checkUpdate(bu, 102, A, 0, 2);
        QVERIFY(bu->options[0] == MobilityOption(NonceIndices{5, 0}));
        QVERIFY(bu->options[1] == MobilityOption(BindingAuthorizationData{fromHex("2f1cb857f12a13a9e5c691f2")}));
    }
    void errorsAndRefreshRequests()
    {
        const auto error = decoded("be_unknown");
        checkPacket(error, cn, lcoa1, {}, {});
        QVERIFY(error.as<BindingError>());
        QVERIFY(*error.as<BindingError>() == (BindingError{1, hoa, {}}));
        const auto plain = decoded("brr");
        checkPacket(plain, cn, hoa, {}, {});
        QVERIFY(plain.as<BindingRefreshRequest>());
        QVERIFY(plain.as<BindingRefreshRequest>()->options.empty());
        QCOMPARE(int(plain.inner()->payload[1]), 0);
        const auto one = decoded("brr_bid");
        checkPacket(one, ha, hoa, {}, {});
        QVERIFY(one.as<BindingRefreshRequest>());
        QVERIFY(one.as<BindingRefreshRequest>()->options == std::vector<MobilityOption>{bid(1, 0, false, {})});
    }
    void mobileRouter()
    {
        const auto f = decoded("nemo_bu");
        checkPacket(f, lcoa1, ha, hoa, {});
        const auto* bu = f.as<BindingUpdate>();
        checkUpdate(bu, 20, A | H | R, 100, 2);
        QVERIFY(bu->options[0] == MobilityOption(AlternateCareOfAddress{lcoa1}));
        QVERIFY(bu->options[1] == MobilityOption(MobileNetworkPrefix{{ip("2001:db8:beef::"), 64}}));
    }
    void discoveryOfHomeAgentsAndPrefixes()
    {
        const auto request = decoded("dhaad_req");
        checkPacket(request, lcoa1, ip("2001:db8:100:0:fdff:ffff:ffff:fffe"), {}, {});
        QVERIFY(request.as<HomeAgentDiscoveryRequest>());
        QVERIFY(*request.as<HomeAgentDiscoveryRequest>() == (HomeAgentDiscoveryRequest{0x4321, true}));
        const auto reply = decoded("dhaad_rep");
        checkPacket(reply, ha, lcoa1, {}, {});
        QVERIFY(reply.as<HomeAgentDiscoveryReply>());
        QVERIFY(*reply.as<HomeAgentDiscoveryReply>() == (HomeAgentDiscoveryReply{0x4321, true, {ha}}));
        const auto solicitation = decoded("mps");
        checkPacket(solicitation, lcoa1, ha, hoa, {});
        QVERIFY(solicitation.as<MobilePrefixSolicitation>());
        QVERIFY(*solicitation.as<MobilePrefixSolicitation>() == (MobilePrefixSolicitation{0x5555, {}}));
        const auto advertisement = decoded("mpa");
        checkPacket(advertisement, ha, lcoa1, {}, hoa);
        QVERIFY(advertisement.as<MobilePrefixAdvertisement>());
        QVERIFY(*advertisement.as<MobilePrefixAdvertisement>() ==
                (MobilePrefixAdvertisement{0x5555, false, false, {PrefixInformation{{ha, 64}, true, true, true, 86400, 14400}}}));
    }
};

QTEST_APPLESS_MAIN(TestVectors)
#include "test_vectors.moc"
