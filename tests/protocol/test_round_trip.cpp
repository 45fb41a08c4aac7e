// SPDX-License-Identifier: GPL-3.0-or-later
// parse(emit(v)) == v over random values of everything on the wire, with layout and checksums judged by code that shares
// nothing with protocol/wire.
#include "tests/support/frame_checks.hpp"
#include "tests/support/random_messages.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::wire;
using namespace roamscope::test;

namespace {

/// Of each variant; ROAMSCOPE_ROUNDS asks for more, and many need QTEST_FUNCTION_TIMEOUT (milliseconds) as well.
const int rounds = [] {
    bool good = false;
    const int asked = qEnvironmentVariableIntValue("ROAMSCOPE_ROUNDS", &good);
    return good && asked > 0 ? asked : 2000;
}();

/// RFC 1071 over the pseudo-header of RFC 8200 §8.1, octet by octet: 0xffff over a message whose checksum is right.
std::uint32_t naiveSum(const PseudoHeader& addresses, std::uint8_t nextHeader, const Bytes& message)
{
    Bytes all(addresses.source.octets.begin(), addresses.source.octets.end());
    all.insert(all.end(), addresses.destination.octets.begin(), addresses.destination.octets.end());
    const std::size_t n = message.size();
    for (const std::size_t octet : {n / 0x1000000, n / 0x10000 % 256, n / 0x100 % 256, n % 256, std::size_t{0}, std::size_t{0}, std::size_t{0}})
        all.push_back(static_cast<std::uint8_t>(octet));
    all.push_back(nextHeader);
    all.insert(all.end(), message.begin(), message.end());
    if (all.size() % 2 != 0) all.push_back(0);
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < all.size(); i += 2) {
        sum += all[i] * 256u + all[i + 1];
        if (sum > 0xffff) sum -= 0xffff;
    }
    return sum;
}

struct Placed {
    std::size_t type, offset, length;  // of the whole option
};

/// Type, length, value from `from` to the end; nothing fits when the last option runs over.
std::vector<Placed> walk(const Bytes& message, std::size_t from)
{
    std::vector<Placed> out;
    for (std::size_t at = from; at < message.size();) {
        const std::size_t length = message[at] == 0 ? 1 : at + 1 < message.size() ? 2u + message[at + 1] : message.size();
        out.push_back({message[at], at, length});
        at += length;
    }
    return out;
}

/// First octet of the options; none for the types without options.
std::size_t optionsStart(const Bytes& message)
{
    // RFC 6275 §6.1.2–6.1.9, then by each type's own RFC.
    static constexpr std::size_t starts[] = {8, 16, 16, 24, 24, 12, 12, 24, 12, 12, 8, 0, 0, 12, 10, 10, 12, 12, 12, 12, 12, 12, 8, 8};
    if (message[2] == 12) return 8 + 16 * std::size_t{message[6]};
    return message[2] < std::size(starts) && starts[message[2]] != 0 ? starts[message[2]] : message.size();
}

/// Type and place modulo, as the RFCs of the options say (spec/wire-formats.md §3.2).
struct Rule {
    std::size_t type, x, y;
};
constexpr Rule rules[] = {{2, 2, 0},  {3, 8, 6},  {4, 2, 0},  {6, 8, 4},  {9, 4, 1},  {10, 8, 2}, {19, 4, 2}, {22, 8, 4}, {26, 8, 6}, {27, 8, 2},
                          {28, 4, 2}, {29, 4, 0}, {30, 4, 0}, {31, 4, 0}, {32, 4, 0}, {33, 4, 0}, {34, 8, 4}, {36, 4, 0}, {37, 4, 0}, {38, 4, 0},
                          {44, 2, 0}, {45, 2, 0}, {46, 4, 0}, {47, 4, 0}, {48, 4, 0}, {49, 4, 2}, {51, 8, 4}, {52, 4, 0}, {55, 8, 2}, {56, 4, 1},
                          {57, 8, 1}};

bool wellPlaced(const Placed& o, std::size_t messageSize)
{
    if (o.type == 5) return o.offset + o.length == messageSize && (o.length != 14 || o.offset % 8 == 2);
    if (o.type == 35) return o.length == 6 ? o.offset % 2 == 0 : o.offset % 8 == 2;
    for (const Rule& rule : rules)
        if (rule.type == o.type) return o.offset % rule.x == rule.y;
    return true;
}

/// Parses once more with a sink: what is wrong with the lines it got.
template <class Parse>
std::string treeFault(const Bytes& bytes, const Parse& parse)
{
    FieldSink sink;
    FieldReader in(bytes, 0, &sink);
    parse(in);
    return nodeFault(bytes, sink.nodes()) + nestingFault(sink.nodes());
}

}  // namespace

class TestRoundTrip : public QObject {
    Q_OBJECT

    void checkMobility(const MobilityMessage& message, const PseudoHeader& addresses)
    {
        const Bytes bytes = emitMobility(message, addresses);
        FieldReader in(bytes, 0, nullptr);
        const auto parsed = parseMobility(in, addresses);
        QVERIFY2(parsed, parsed ? "" : parsed.error().text.c_str());
        QVERIFY(parsed->value == message);
        QVERIFY(parsed->acceptable());
        QCOMPARE(in.remaining(), std::size_t{0});
        QCOMPARE(int(bytes[0]), 59);
        QCOMPARE(bytes.size() % 8, std::size_t{0});
        QCOMPARE(std::size_t{bytes[1]}, bytes.size() / 8 - 1);
        QCOMPARE(naiveSum(addresses, 135, bytes), 0xffffu);
        // Canonical octets come back as they are.
        QVERIFY(emitMobility(parsed->value, addresses) == bytes);
        const std::string fault = treeFault(bytes, [&](FieldReader& reader) { (void)parseMobility(reader, addresses); });
        QVERIFY2(fault.empty(), fault.c_str());
        // Its second layout has a Length that does not count the SPI (errata E-10), so that the walk would go astray.
        bool astray = false;
        std::visit([&](const auto& m) {
            if constexpr (requires { m.options; }) astray = findOption<FastBindingAuthorization>(m.options) != nullptr;
        }, message);
        if (astray) return;
        const std::vector<Placed> options = walk(bytes, optionsStart(bytes));
        for (const Placed& o : options) QVERIFY2(wellPlaced(o, bytes.size()), qPrintable(QString("option %1 at %2").arg(o.type).arg(o.offset)));
        if (!options.empty()) QCOMPARE(options.back().offset + options.back().length, bytes.size());
        // RFC 6275 §6.2: padding of more than one octet is one PadN.
        for (std::size_t i = 1; i < options.size(); ++i) QVERIFY(options[i].type > 1 || options[i - 1].type > 1);
    }

private Q_SLOTS:
    void ethernet()
    {
        RandomMessages random(1, true);
        for (int i = 0; i < rounds; ++i) {
            EthernetHeader header = random.ethernet();
            header.type = random.u16();
            const Bytes payload = random.bytes(random.below(100));
            const Bytes bytes = emitEthernet(header, payload);
            FieldReader in(bytes, 0, nullptr);
            const auto parsed = parseEthernet(in);
            QVERIFY(parsed);
            QVERIFY(*parsed == header);
            const ByteView rest = in.rest();
            QVERIFY(std::equal(rest.begin(), rest.end(), payload.begin(), payload.end()));
        }
    }
    void ipv6()
    {
        static constexpr std::uint8_t inner[] = {protocol::icmpv6, protocol::mobility, protocol::udp, protocol::none, protocol::ipv6,
                                                 protocol::esp, 253};
        RandomMessages random(2, true);
        for (int i = 0; i < 5 * rounds; ++i) {
            const Ipv6Packet packet = random.packet(inner[random.below(std::size(inner))], random.bytes(random.below(80)));
            Bytes bytes = emitIpv6(packet);
            const std::size_t size = bytes.size();
            QCOMPARE(std::size_t{bytes[4]} * 256 + bytes[5], size - 40);
            bytes.resize(size + random.below(20));  // padding of a link
            FieldReader in(bytes, 0, nullptr);
            const auto parsed = parseIpv6(in);
            QVERIFY2(parsed, parsed ? "" : parsed.error().text.c_str());
            QVERIFY(parsed->packet == packet);
            QVERIFY(!parsed->cut && !parsed->limited);
            QCOMPARE(parsed->payloadOffset, size - packet.payload.size());
            QCOMPARE(in.position(), size);
        }
    }
    /// Home address 8n+6 (RFC 6275 §6.3), router alert 2n (RFC 2711 §2.1), headers in the order of RFC 6275 §6.3–6.4.
    void ipv6HeadersAreAlignedAndOrdered()
    {
        RandomMessages random(3, false);
        for (int i = 0; i < rounds; ++i) {
            const Ipv6Packet packet = random.packet(protocol::none, {});
            const Bytes bytes = emitIpv6(packet);
            std::vector<int> order;
            std::size_t at = 40;
            std::uint8_t next = bytes[6];
            while (next != protocol::none) {
                order.push_back(next == protocol::hopByHop ? 0 : next == protocol::routing ? 1 : 2);
                const std::size_t length = 8 * (bytes[at + 1] + 1u);
                if (next != protocol::routing) {
                    const Bytes header(bytes.begin() + static_cast<std::ptrdiff_t>(at), bytes.begin() + static_cast<std::ptrdiff_t>(at + length));
                    for (const Placed& o : walk(header, 2)) {
                        if (o.type == optionHomeAddress) QCOMPARE(o.offset % 8, std::size_t{6});
                        if (o.type == optionRouterAlert) QCOMPARE(o.offset % 2, std::size_t{0});
                        QVERIFY(o.offset + o.length <= length);
                    }
                }
                next = bytes[at];
                at += length;
            }
            QCOMPARE(at, bytes.size());
            QVERIFY(std::is_sorted(order.begin(), order.end()));
        }
    }
    void udpAndProbe()
    {
        RandomMessages random(4, true);
        for (int i = 0; i < 2 * rounds; ++i) {
            const PseudoHeader addresses = random.addresses();
            UdpDatagram datagram = random.udp();
            const Bytes bytes = emitUdp(datagram, addresses);
            FieldReader in(bytes, 0, nullptr);
            const auto parsed = parseUdp(in, addresses);
            QVERIFY(parsed && parsed->acceptable());
            QVERIFY(parsed->value == datagram);
            QCOMPARE(naiveSum(addresses, 17, bytes), 0xffffu);
            QVERIFY(bytes[6] != 0 || bytes[7] != 0);

            const Probe probe = random.probe();
            datagram.sourcePort = probe.answer ? probeSinkPort : probeSourcePort;
            datagram.destinationPort = probe.answer ? probeSourcePort : probeSinkPort;
            const std::size_t size = random.below(100);
            datagram.data = emitProbe(probe, size);
            QCOMPARE(datagram.data.size(), std::max(size, Probe::octets));
            QVERIFY(parseProbe(datagram) == std::optional(probe));
            datagram.data[random.below(4)] ^= 1;
            QVERIFY(!parseProbe(datagram));
        }
    }
    /// RFC 8200 §8.1: a checksum that computes to 0 is sent as 0xffff.
    void udpNeverSendsAChecksumOfZero()
    {
        RandomMessages random(5, true);
        const PseudoHeader addresses = random.addresses();
        bool seen = false;
        for (std::uint32_t word = 0; word <= 0xffff; ++word) {
            const Bytes bytes = emitUdp({1, 2, {static_cast<std::uint8_t>(word >> 8), static_cast<std::uint8_t>(word)}}, addresses);
            QVERIFY(bytes[6] != 0 || bytes[7] != 0);
            if (bytes[6] != 0xff || bytes[7] != 0xff) continue;
            seen = true;
            FieldReader in(bytes, 0, nullptr);
            QVERIFY(parseUdp(in, addresses)->checksum == ChecksumVerdict::Good);
        }
        QVERIFY(seen);
    }
    void icmpv6_data()
    {
        QTest::addColumn<int>("variant");
        for (int v = 0; v < int(std::variant_size_v<Icmpv6Message>); ++v) QTest::addRow("variant %d", v) << v;
    }
    void icmpv6()
    {
        QFETCH(int, variant);
        RandomMessages random(100 + std::uint64_t(variant), true);
        for (int i = 0; i < rounds; ++i) {
            const PseudoHeader addresses = random.addresses();
            const Icmpv6Message message = random.icmpv6(std::size_t(variant));
            QCOMPARE(int(message.index()), variant);
            const Bytes bytes = emitIcmpv6(message, addresses);
            FieldReader in(bytes, 0, nullptr);
            const auto parsed = parseIcmpv6(in, addresses);
            QVERIFY2(parsed, parsed ? "" : parsed.error().text.c_str());
            QVERIFY(parsed->value == message);
            QVERIFY(parsed->acceptable());
            QCOMPARE(in.remaining(), std::size_t{0});
            QCOMPARE(naiveSum(addresses, 58, bytes), 0xffffu);
            const std::string fault = treeFault(bytes, [&](FieldReader& reader) { (void)parseIcmpv6(reader, addresses); });
            QVERIFY2(fault.empty(), fault.c_str());
        }
    }
    void neighbourDiscoveryOption_data()
    {
        QTest::addColumn<int>("variant");
        for (int v = 0; v < int(std::variant_size_v<NdOption>); ++v) QTest::addRow("variant %d", v) << v;
    }
    void neighbourDiscoveryOption()
    {
        QFETCH(int, variant);
        RandomMessages random(200 + std::uint64_t(variant), true);
        for (int i = 0; i < rounds; ++i) {
            const std::vector<NdOption> options{random.ndOption(std::size_t(variant)), random.ndOption(random.below(std::variant_size_v<NdOption>))};
            Writer out;
            emitNdOptions(out, options);
            QCOMPARE(out.size() % 8, std::size_t{0});
            const Bytes bytes = out.take();
            FieldReader in(bytes, 0, nullptr);
            const auto parsed = parseNdOptions(in);
            QVERIFY(parsed);
            QVERIFY(*parsed == options);
        }
    }
    void mobility_data()
    {
        QTest::addColumn<int>("variant");
        for (int v = 0; v < int(std::variant_size_v<MobilityMessage>); ++v) QTest::addRow("variant %d", v) << v;
    }
    void mobility()
    {
        QFETCH(int, variant);
        RandomMessages random(300 + std::uint64_t(variant), true);
        for (int i = 0; i < rounds; ++i) {
            const MobilityMessage message = random.mobility(std::size_t(variant));
            QCOMPARE(int(message.index()), variant);
            checkMobility(message, random.addresses());
            if (QTest::currentTestFailed()) return;
        }
    }
    void mobilityOption_data()
    {
        QTest::addColumn<int>("variant");
        for (int v = 0; v < int(std::variant_size_v<MobilityOption>); ++v) QTest::addRow("variant %d", v) << v;
    }
    /// Each option behind an unknown one of every length, so that every padding before it occurs.
    void mobilityOption()
    {
        QFETCH(int, variant);
        RandomMessages random(400 + std::uint64_t(variant), true);
        for (std::size_t i = 0; i < std::size_t(rounds); ++i) {
            BindingUpdate bu;
            if (i % 17 != 16) bu.options.push_back(RawMobilityOption{18, random.bytes(i % 17)});
            bu.options.push_back(random.mobilityOption(std::size_t(variant)));
            checkMobility(bu, random.addresses());
            if (QTest::currentTestFailed()) return;
        }
    }
    /// Binding Authorization Data with the 12 octets of RFC 6275 §6.2.7: the last octets of the message, at 8n+2.
    void nothingStandsBehindTheAuthenticator()
    {
        RandomMessages random(6, true);
        for (int i = 0; i < rounds; ++i) {
            BindingAck ba;
            ba.options = random.mobilityOptions();
            std::erase_if(ba.options, [](const MobilityOption& o) {
                return std::holds_alternative<BindingAuthorizationData>(o) || std::holds_alternative<FastBindingAuthorization>(o);
            });
            const Bytes authenticator = random.bytes(12);
            ba.options.push_back(BindingAuthorizationData{authenticator});
            const Bytes bytes = emitMobility(ba, random.addresses());
            QVERIFY(std::equal(authenticator.begin(), authenticator.end(), bytes.end() - 12));
            QCOMPARE(int(bytes[bytes.size() - 14]), 5);
            QCOMPARE(int(bytes[bytes.size() - 13]), 12);
            QCOMPARE((bytes.size() - 14) % 8, std::size_t{2});
        }
    }
    void wholeFrames()
    {
        RandomMessages random(7, true);
        for (int i = 0; i < 2 * rounds; ++i) {
            const Bytes bytes = random.frame();
            FieldSink sink;
            const DecodedFrame frame = decodeFrame(bytes, linkEthernet, bytes.size(), &sink);
            QVERIFY2(!frame.error, frame.error ? frame.error->text.c_str() : "");
            const std::string faults = nodeFault(bytes, sink.nodes()) + nestingFault(sink.nodes()) + fixpointFault(frame);
            QVERIFY2(faults.empty(), faults.c_str());
        }
    }
};

QTEST_APPLESS_MAIN(TestRoundTrip)
#include "test_round_trip.moc"
