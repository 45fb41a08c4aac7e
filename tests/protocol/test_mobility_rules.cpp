// SPDX-License-Identifier: GPL-3.0-or-later
// Broken rules inside one Mobility Header: each is one finding with its rule id, section and octets; good messages raise none.
#include "protocol/wire/mobility.hpp"
#include "protocol/wire/ipv6.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::wire;

namespace {

using Options = std::vector<MobilityOption>;

constexpr std::uint16_t A = BindingUpdate::acknowledge;
constexpr std::uint16_t H = BindingUpdate::homeRegistration;

Ipv6Address address(const char* text) { return *Ipv6Address::parse(text); }
PseudoHeader addresses() { return {address("2001:db8::1"), address("2001:db8::2")}; }
Bytes octetsOf(const char* text)
{
    const auto parsed = address(text);
    return Bytes(parsed.octets.begin(), parsed.octets.end());
}

BindingIdentifier bid(std::uint16_t number, const char* careOf = nullptr)
{
    return {number, 0, false, 0, careOf ? octetsOf(careOf) : Bytes{}};
}
BindingUpdate update(Options options, std::uint16_t flags = A | H) { return {7, flags, WireLifetime{10}, std::move(options)}; }

struct Decoded {
    std::vector<FieldNode> nodes;
    std::vector<Finding> findings;
    std::optional<MobilityMessage> message;
    std::optional<Error> error;
};

/// With its checksum put right, so that only what is looked for is wrong.
Decoded decode(Bytes message, DecodeContext context = {})
{
    if (message.size() >= 6) {
        message[4] = message[5] = 0;
        const std::uint16_t sum = checksum(addresses(), protocol::mobility, message);
        message[4] = static_cast<std::uint8_t>(sum >> 8);
        message[5] = static_cast<std::uint8_t>(sum);
    }
    FieldSink sink;
    FieldReader in(message, 0, &sink, context);
    auto parsed = parseMobility(in, addresses());
    Decoded out{std::move(sink.nodes()), std::move(sink.findings()), {}, {}};
    if (parsed) out.message = std::move(parsed->value);
    else out.error = std::move(parsed.error());
    return out;
}
Decoded decode(const MobilityMessage& message) { return decode(emitMobility(message, addresses())); }

Bytes hex(const char* text)
{
    const QByteArray raw = QByteArray::fromHex(text);
    return Bytes(raw.begin(), raw.end());
}

QByteArray texts(const Decoded& d)
{
    QByteArray out;
    for (const Finding& f : d.findings) out += QByteArray::fromStdString(f.text) + "; ";
    return out;
}

const FieldNode* find(const Decoded& d, FieldId id)
{
    for (const FieldNode& node : d.nodes)
        if (node.field == id) return &node;
    return nullptr;
}

}  // namespace

class TestMobilityRules : public QObject {
    Q_OBJECT

    void expectOne(const Decoded& d, std::string_view rule, Severity severity, std::string_view rfc, std::size_t offset, std::size_t length)
    {
        QVERIFY2(d.findings.size() == 1, texts(d).constData());
        const Finding& f = d.findings[0];
        QCOMPARE(f.rule, rule);
        QCOMPARE(int(f.severity), int(severity));
        QCOMPARE(f.rfc, rfc);
        QCOMPARE(std::size_t{f.offset}, offset);
        QCOMPARE(std::size_t{f.length}, length);
    }

private Q_SLOTS:
    void goodMessagesRaiseNothing()
    {
        const Bytes authenticator(12, 1);
        const std::vector<MobilityMessage> good{
            update({AlternateCareOfAddress{address("2001:db8::9")}}),
            update({bid(1, "2001:db8::9"), bid(2, "2001:db8::a")}, A | H | BindingUpdate::overwrite),
            update({NonceIndices{5, 6}, bid(1), BindingAuthorizationData{authenticator}}, A),
            BindingAck{0, 0, 7, WireLifetime{10}, {BindingRefreshAdvice{WireLifetime{9}}, bid(1)}},
            FastBindingUpdate{1, A | H, 10, {AlternateCareOfAddress{address("2001:db8::9")}, LinkLayerAddress{2, Bytes(6, 1), false},
                                             FastBindingAuthorization{1, authenticator, false}}},
            update({MobileNodeIdentifier{1, {'a'}}, HomeNetworkPrefix{}, HandoffIndicator{1}, AccessTechnology{3}, Timestamp{1}},
                   A | BindingUpdate::proxy),
            update({BindingIdentifier{1, 0, false, 1, {}}, FlowSummary{{1, 2}},
                    FlowIdentification{3, 1, 0, {BindingReference{{1}}, Ipv4TrafficSelector{}}}}),
        };
        for (const MobilityMessage& message : good) QCOMPARE(texts(decode(message)), QByteArray());
    }
    void payloadProtocol()  // A02
    {
        Bytes message = emitMobility(update({}), addresses());
        message[0] = 58;
        expectOne(decode(message), "MH-RX-01", Severity::Error, "RFC 6275 §9.2", 0, 1);
    }
    void headerLength()  // A03
    {
        for (const unsigned type : {5u, 8u, 13u, 16u, 21u, 3u, 7u}) {
            const Decoded d = decode(Bytes{59, 0, static_cast<std::uint8_t>(type), 0, 0, 0, 0, 0});
            QVERIFY(d.error);
            QCOMPARE(d.error->rule, std::string_view("MH-RX-01"));
            QCOMPARE(d.error->rfc, std::string_view("RFC 6275 §9.2"));
            QCOMPARE(d.error->offset, std::size_t{1});
            QCOMPARE(d.error->length, std::size_t{1});
        }
    }
    void optionBeyondTheEnd()  // A03
    {
        const Decoded d = decode(hex("3b01050000000001c000000a" "03100000"));
        QVERIFY(d.error);
        QCOMPARE(d.error->rfc, std::string_view("RFC 6275 §6.2.1"));
        QCOMPARE(d.error->offset, std::size_t{12});
    }
    void homeAgentsBeyondTheEnd()
    {
        const Decoded d = decode(hex("3b000c0000000100"));
        QVERIFY(d.error);
        QCOMPARE(d.error->rfc, std::string_view("RFC 5142 §4"));
    }
    void identifierZero()  // A08
    {
        expectOne(decode(update({bid(0)})), "MCOA-MN-01", Severity::Warning, "RFC 5648 §4.3", 14, 2);
    }
    void identifierTwice()  // A09
    {
        expectOne(decode(update({bid(4), bid(4)})), "MCOA-MN-01", Severity::Error, "RFC 5648 §5.1", 18, 6);
    }
    void identifierLength()  // A10
    {
        expectOne(decode(update({RawMobilityOption{35, Bytes(10, 1)}})), "MCOA-HA-02", Severity::Error, "RFC 5648 §6.2", 18, 12);
    }
    void identifierBesideAlternate()  // A11
    {
        expectOne(decode(update({AlternateCareOfAddress{address("2001:db8::9")}, bid(1)})), "MCOA-MN-05", Severity::Error, "RFC 5648 §5.2", 14, 18);
    }
    void authorizationNotLast()  // A12
    {
        expectOne(decode(BindingAck{0, 0, 7, WireLifetime{10}, {BindingAuthorizationData{Bytes(12, 1)}, bid(1)}}), "", Severity::Error,
                  "RFC 6275 §6.2.7", 18, 14);
    }
    void twoAuthorizations()  // A12
    {
        const BindingAuthorizationData data{Bytes(12, 1)};
        expectOne(decode(BindingAck{0, 0, 7, WireLifetime{10}, {data, data}}), "", Severity::Error, "RFC 6275 §6.2.7", 18, 14);
    }
    void paddingBehindAuthorization()  // A12
    {
        const Decoded d = decode(hex("3b04060000000000000100020104000000000505" "0101010101" "01010000000000000000000000000000"
                                     "00000000"));
        QVERIFY2(!d.findings.empty(), "no finding");
        QVERIFY2(texts(d).contains("padding behind Binding Authorization Data"), texts(d).constData());
    }
    void lengthThatDoesNotFit()
    {
        expectOne(decode(update({RawMobilityOption{3, Bytes(8, 1)}})), "", Severity::Error, "RFC 6275 §6.2", 14, 10);
        expectOne(decode(update({RawMobilityOption{36, Bytes(5, 1)}})), "", Severity::Error, "RFC 6275 §6.2", 12, 7);
    }
    void prefixLengthsThatNoAddressHas()
    {
        const Prefix prefix{address("2001:db8::"), 129};
        expectOne(decode(update({MobileNetworkPrefix{prefix}})), "", Severity::Error, "RFC 3963 §4.3", 15, 1);
        expectOne(decode(update({HomeNetworkPrefix{prefix}}, A | BindingUpdate::proxy)), "", Severity::Error, "RFC 5213 §8.3", 15, 1);
        expectOne(decode(HandoverInitiate{1, 0, 0, {MobilityAddress{1, 200, prefix.address}}}), "", Severity::Error, "RFC 5568 §6.4.2", 15, 1);
        expectOne(decode(update({Ipv4HomeAddress{{}, 33, false}})), "", Severity::Error, "RFC 5555 §3.1.1", 14, 1);
        expectOne(decode(BindingAck{0, 0, 7, WireLifetime{10}, {Ipv4AddressAck{0, 63, {}}}}), "", Severity::Error, "RFC 5555 §3.2.1", 15, 1);
        expectOne(decode(update({RawMobilityOption{36, {33 << 2, 0, 0, 0, 0, 0}}}, A | BindingUpdate::proxy)), "", Severity::Error, "RFC 5844 §3.3.1", 14, 1);
        expectOne(decode(BindingAck{0, 0x20, 7, WireLifetime{10}, {RawMobilityOption{37, {0, 33 << 2, 0, 0, 0, 0}}}}), "", Severity::Error,
                  "RFC 5844 §3.3.2", 15, 1);
        expectOne(decode(update({RawMobilityOption{55, {0x80, 33, 0, 0, 0, 0}}}, A | BindingUpdate::proxy)), "", Severity::Error, "RFC 7148 §4.1", 21, 1);
        // The longest that there are.
        const Prefix whole{address("2001:db8::1"), 128};
        QCOMPARE(texts(decode(update({MobileNetworkPrefix{whole}, Ipv4HomeAddress{{}, 32, false}}))), QByteArray());
    }
    void familyAndLengthDisagree()
    {
        const auto raw = [](std::uint8_t type, std::uint8_t first, std::size_t length) {
            Bytes data(length, 0);
            data[0] = first;
            return RawMobilityOption{type, data};
        };
        expectOne(decode(HandoverInitiate{1, 0, 0, {raw(41, 2, 18)}}), "", Severity::Error, "RFC 5949 §6.2.2", 12, 1);
        expectOne(decode(HandoverInitiate{1, 0, 0, {raw(41, 1, 6)}}), "", Severity::Error, "RFC 5949 §6.2.2", 12, 1);
        expectOne(decode(BindingAck{0, 0x20, 7, WireLifetime{10}, {raw(47, 0x80, 6)}}), "", Severity::Error, "RFC 6463 §4.2", 14, 1);
        expectOne(decode(update({raw(55, 0x80, 18)}, A | BindingUpdate::proxy)), "", Severity::Error, "RFC 7148 §4.1", 20, 1);
        expectOne(decode(update({raw(55, 0, 6)}, A | BindingUpdate::proxy)), "", Severity::Error, "RFC 7148 §4.1", 20, 1);
        expectOne(decode(LocalizedRoutingInitiation{1, 60, {raw(51, 0, 18)}}), "", Severity::Error, "RFC 6705 §11.1", 15, 1);
        QCOMPARE(texts(decode(HandoverInitiate{1, 0, 0, {raw(41, 1, 18), raw(41, 2, 6)}})), QByteArray());
        QCOMPARE(texts(decode(update({raw(55, 0x80, 6), raw(55, 0, 18)}, A | BindingUpdate::proxy))), QByteArray());
    }
    void subOptionsBeyondTheEnd()
    {
        const auto network = [](Bytes data) { return update({RawMobilityOption{52, std::move(data)}}, A | BindingUpdate::proxy); };
        expectOne(decode(network({1, 9, 0x80, 2, 'a', 'b', 0})), "", Severity::Error, "RFC 6757 §3.1", 14, 7);
        expectOne(decode(network({1, 5, 0x80, 9, 'a', 'b', 0})), "", Severity::Error, "RFC 6757 §3.1", 14, 7);
        expectOne(decode(network({2, 1, 0})), "", Severity::Error, "RFC 6757 §3.1", 14, 3);
        expectOne(decode(network({1})), "", Severity::Error, "RFC 6757 §3.1", 14, 1);
        QCOMPARE(texts(decode(network({1, 5, 0x80, 2, 'a', 'b', 0, 3, 2, 1, 0, 99, 0}))), QByteArray());
        expectOne(decode(HandoverInitiate{1, 0, 0, {RawMobilityOption{40, {0, 0, 8, 9, 'a'}}}}), "", Severity::Error, "RFC 5949 §6.2.1", 14, 3);
        QCOMPARE(texts(decode(HandoverInitiate{1, 0, 0, {RawMobilityOption{40, {0, 0, 22, 0, 8, 1, 'a'}}}})), QByteArray());
    }
    void careOfAddressesThatNobodyReaches()
    {
        for (const char* wrong : {"::", "::1", "fe80::1", "ff02::1"}) {
            expectOne(decode(update({AlternateCareOfAddress{address(wrong)}})), "", Severity::Error, "RFC 6275 §6.1.7", 16, 16);
            expectOne(decode(update({bid(1, wrong)})), "MCOA-HA-02", Severity::Error, "RFC 5648 §6.2", 24, 16);
        }
        const BindingIdentifier ipv4{1, 0, false, 0, Bytes{192, 0, 2, 1}};
        expectOne(decode(update({ipv4}, A)), "", Severity::Error, "RFC 5648 §4.3", 24, 4);
        QCOMPARE(texts(decode(update({ipv4}))), QByteArray());
        expectOne(decode(BindingAck{0, 0, 7, WireLifetime{10}, {BindingIdentifier{1, 0, false, 0, {}}, Ipv4AddressAck{}}}), "MCOA-DS-03", Severity::Error, "RFC 5648 §8.2", 20, 8);
        QCOMPARE(texts(decode(BindingAck{0, 0, 7, WireLifetime{10}, {Ipv4AddressAck{}, BindingIdentifier{1, 0, false, 0, {}}}})), QByteArray());
        BindingIdentifier home = bid(1);
        home.home = true;
        expectOne(decode(update({home}, A)), "", Severity::Warning, "RFC 5648 §4.3", 17, 1);
        QCOMPARE(texts(decode(update({home}))), QByteArray());
    }
    void optionOutOfPlace()
    {
        expectOne(decode(BindingAck{0, 0, 7, WireLifetime{10}, {NonceIndices{1, 2}}}), "", Severity::Error, "RFC 6275 §6.2.6", 12, 6);
        expectOne(decode(update({BindingRefreshAdvice{WireLifetime{1}}})), "", Severity::Error, "RFC 6275 §6.2.4", 12, 4);
        expectOne(decode(update({RestartCounter{1}})), "", Severity::Note, "RFC 5847 §3.4", 14, 6);
    }
    void nonceIndices()
    {
        expectOne(decode(update({NonceIndices{1, 2}, BindingAuthorizationData{Bytes(12, 1)}})), "HA-BU-01", Severity::Error, "RFC 6275 §9.5.1",
                  12, 6);
        expectOne(decode(update({NonceIndices{1, 2}}, A)), "", Severity::Error, "RFC 6275 §6.2.6", 12, 6);
    }
    void alignmentOfAnOption()
    {
        const Decoded d = decode(hex("3b03050000000001c000000a" "0310" "20010db8000000000000000000000009" "0100"));
        expectOne(d, "", Severity::Warning, "RFC 6275 §6.2", 12, 18);
    }
    void paddingHabits()
    {
        expectOne(decode(hex("3b01050000000001c000000a" "01020001")), "", Severity::Warning, "RFC 6275 §6.2.3", 12, 4);
        expectOne(decode(hex("3b01050000000001c000000a" "00000000")), "", Severity::Note, "RFC 6275 §6.2.2", 12, 4);
    }
    void fieldsOfTheIdentifier()
    {
        expectOne(decode(update({BindingIdentifier{1, 3, false, 0, {}}})), "", Severity::Note, "RFC 5648 §4.3", 12, 6);
        // Errata E-05: in an answer a note at most.
        expectOne(decode(BindingAck{0, 0, 7, WireLifetime{10}, {bid(1, "2001:db8::9")}}), "", Severity::Note, "RFC 5648 §4.3", 18, 22);
        expectOne(decode(BindingRefreshRequest{{bid(1, "2001:db8::9")}}), "", Severity::Warning, "RFC 5648 §4.3", 10, 22);
        expectOne(decode(update({}, A | H | BindingUpdate::overwrite)), "MCOA-MN-18", Severity::Note, "RFC 5648 §4.2", 8, 2);
        expectOne(decode(update({Ipv4CareOfAddress{}, bid(1)})), "MCOA-DS-01", Severity::Error, "RFC 5648 §8.1", 12, 8);
        BindingIdentifier home = bid(1);
        home.home = true;
        expectOne(decode(update({home, LinkLayerAddress{1, Bytes(6, 1), false}})), "MCOA-MN-12", Severity::Error, "RFC 5648 §5.6.3", 18, 9);
    }
    void flows()
    {
        const auto flow = [](std::uint16_t number, std::uint16_t priority) { return FlowIdentification{number, priority, 0, {}}; };
        expectOne(decode(update({flow(0, 1)})), "", Severity::Error, "RFC 6089 §4.2", 14, 2);
        expectOne(decode(update({flow(1, 0)})), "", Severity::Error, "RFC 6089 §4.2", 12, 8);
        expectOne(decode(update({flow(1, 5), flow(2, 5)})), "", Severity::Error, "RFC 6089 §4.2", 20, 8);
        expectOne(decode(update({flow(1, 5), flow(1, 6)})), "", Severity::Error, "RFC 6089 §5.2.2.1", 20, 8);
        expectOne(decode(update({bid(1), flow(1, 5)})), "", Severity::Error, "RFC 6089 §5.2.1", 12, 6);
        expectOne(decode(update({FlowIdentification{1, 1, 0, {BindingReference{{1}}, BindingReference{{2}}}}})), "", Severity::Error,
                  "RFC 6089 §4.2.1.3", 14, 14);
        expectOne(decode(update({FlowIdentification{1, 1, 0, {RawFlowSubOption{3, {0, 0}}}}})), "", Severity::Error, "RFC 6089 §4.2.1.4", 22, 1);
        // The end of a range without its start, RFC 6088 §3.
        expectOne(decode(update({FlowIdentification{1, 1, 0, {RawFlowSubOption{3, {1, 0, 0x40, 0, 0, 0, 192, 0, 2, 1}}}}})), "", Severity::Error,
                  "RFC 6088 §3", 20, 12);
        expectOne(decode(update({RawMobilityOption{45, {0, 1, 0, 1, 0, 0, 2, 9, 0, 1}}})), "", Severity::Error, "RFC 6089 §4.2.1", 20, 4);
    }
    void padNOfRfc6089IsTolerated()  // errata E-17
    {
        const Decoded d = decode(update({RawMobilityOption{45, {0, 1, 0, 1, 0, 0, 1, 4, 0, 0}}}));
        QCOMPARE(texts(d), QByteArray());
    }
    void otherRules()
    {
        expectOne(decode(BindingAck{0, 0, 7, WireLifetime{10}, {BindingRefreshAdvice{WireLifetime{10}}}}), "HA-BU-07", Severity::Error,
                  "RFC 6275 §10.3.1", 12, 4);
        expectOne(decode(FastBindingUpdate{1, A, 10, {}}), "", Severity::Error, "RFC 5568 §6.2.2", 8, 1);
        expectOne(decode(update({MessageAuthentication{}, MobileNodeIdentifier{1, {'a'}}})), "", Severity::Error, "RFC 4283 §3", 20, 4);
        expectOne(decode(BindingAck{0, 0, 7, WireLifetime{10}, {RawMobilityOption{47, {0xc0, 0, 1, 2, 3, 4}}}}), "", Severity::Error,
                  "RFC 6463 §4.2", 12, 8);
    }
    void unknownNumbersAreNoError()
    {
        const Decoded message = decode(RawMobility{200, {1, 2}});
        QVERIFY(!message.error);
        QCOMPARE(texts(message), QByteArray());
        QVERIFY(find(message, FieldId::MhData));
        const Decoded option = decode(update({RawMobilityOption{250, {1, 2, 3}}}));
        QCOMPARE(texts(option), QByteArray());
        QVERIFY(find(option, FieldId::MobilityOptionData));
        QVERIFY(!find(option, FieldId::MobilityOptionMisfit));
        const Decoded misfit = decode(update({RawMobilityOption{3, {}}}));
        QVERIFY(find(misfit, FieldId::MobilityOptionMisfit));
        QVERIFY(!find(misfit, FieldId::MobilityOptionData));
        QVERIFY(decode(BindingAck{99, 0, 1, WireLifetime{1}, {}}).findings.empty());
    }

    void shisaIsRecognised()  // errata B
    {
        const Bytes early = hex("3b020500000000014200000a" "0704000a80000104" "00000000");
        const Decoded first = decode(early);
        const FieldNode* evidence = find(first, FieldId::Dialect);
        QVERIFY(evidence);
        QCOMPARE(std::get<std::string>(evidence->value), std::string("shisa-2004"));
        QVERIFY(evidence->text.starts_with("option 7 with length 4"));
        const auto* bu = std::get_if<BindingUpdate>(&*first.message);
        QVERIFY(bu && !bu->has(BindingUpdate::proxy));
        QCOMPARE(int(findOption<BindingIdentifier>(bu->options)->bid), 10);
        QVERIFY(find(first, FieldId::BuFlagShisa) && !find(first, FieldId::BuFlagProxy));

        const Decoded second = decode(hex("3b020500000000014200000a" "0704000a0a800104" "00000000"));
        QVERIFY(find(second, FieldId::BidShisaPriority));
        QCOMPARE(int(findOption<BindingIdentifier>(std::get<BindingUpdate>(*second.message).options)->priority), 10);
        // By the RFCs it is a link-layer address in a proxy registration.
        DecodeContext rfc;
        rfc.dialect = Dialect::Rfc;
        const Decoded published = decode(early, rfc);
        QVERIFY(!find(published, FieldId::Dialect));
        QVERIFY(findOption<LinkLayerAddress>(std::get<BindingUpdate>(*published.message).options));
    }
    void proxyOptionsAreNoShisa()
    {
        const Decoded d = decode(update({LinkLayerAddress{2, {1, 2, 3}, false}, HandoffIndicator{1}}, A | BindingUpdate::proxy));
        QVERIFY(!find(d, FieldId::Dialect));
    }
    void optionNumbersBeforeRfc5213()
    {
        DecodeContext context;
        context.dialect = Dialect::PmipDraft;
        const Decoded d = decode(hex("3b080500" "0000000000a000fa" "0712008020010100000650000000000000000000" "080a0080" "02146cfffe53180a"
                                     "09080000000000000000" "0a10fe8000000000000002146cfffe53180a"), context);
        const auto& options = std::get<BindingUpdate>(*d.message).options;
        QCOMPARE(int(findOption<HomeNetworkPrefix>(options)->prefix.length), 128);
        QVERIFY(findOption<LinkLocalAddress>(options)->address == address("fe80::214:6cff:fe53:180a"));
        QVERIFY(findOption<Timestamp>(options));
        QCOMPARE(texts(d), QByteArray());
    }
    void paddedLinkLayerAddress()  // errata E-08
    {
        DecodeContext context;
        context.dialect = Dialect::Fmip4068;
        const Decoded d = decode(hex("3b020800000000" "01c0000010" "0707" "0200021122334455" "0100"), context);
        QVERIFY(d.message);
        const auto* option = findOption<LinkLayerAddress>(std::get<FastBindingUpdate>(*d.message).options);
        QVERIFY(option && option->padded);
        QCOMPARE(option->address, (Bytes{2, 0x11, 0x22, 0x33, 0x44, 0x55}));
        QCOMPARE(texts(d), QByteArray());
    }
    void customNumbers()
    {
        DecodeContext context;
        context.dialect = Dialect::Custom;
        context.custom = {40, 0x0020, 200, 23, 135};
        const Decoded d = decode(hex("3b020500000000" "01c020000a" "2804000500000000" "00000000"), context);
        const auto& bu = std::get<BindingUpdate>(*d.message);
        QVERIFY(bu.has(BindingUpdate::overwrite));
        QCOMPARE(int(findOption<BindingIdentifier>(bu.options)->bid), 5);
        const Decoded refused = decode(hex("3b010600" "0000c900" "00010000" "01020000"), context);
        QCOMPARE(int(std::get<BindingAck>(*refused.message).status), 165);
    }
    void draftStatusNames()  // errata E-14
    {
        DecodeContext context;
        context.dialect = Dialect::PmipDraft;
        const Decoded d = decode(hex("3b010600" "00009120" "00010000" "01020000"), context);
        QVERIFY(find(d, FieldId::BaStatus)->text.find("Proxy registration not supported") == 0);
        QCOMPARE(find(decode(hex("3b010600" "00009120" "00010000" "01020000")), FieldId::BaStatus)->text, std::string("MIPV6-MESG-ID-REQD"));
    }
    void fastAuthorizationInBothLengths()  // errata E-10
    {
        for (const bool counted : {false, true}) {
            const FastBindingAuthorization option{0x100, Bytes(12, 7), counted};
            const Decoded d = decode(FastBindingUpdate{1, A | H, 10, {option}});
            QVERIFY(*findOption<FastBindingAuthorization>(std::get<FastBindingUpdate>(*d.message).options) == option);
            QCOMPARE(std::get<std::uint64_t>(find(d, FieldId::FastAuthSpi)->value), std::uint64_t{0x100});
        }
    }
    void fastLifetimeIsShownBothWays()  // errata E-09
    {
        const Decoded d = decode(FastBindingUpdate{1, A | H, 10, {}});
        QVERIFY(find(d, FieldId::FbuLifetime)->text.find("10 s; 40 s") == 0);
    }
    void selectorsFieldByField()  // RFC 6088 §3
    {
        Ipv6TrafficSelector six;
        six.source = {address("2001:db8::1"), address("2001:db8::f")};
        six.spi = {1, std::nullopt};
        six.flowLabel = {2, 3};
        six.sourcePort = {80, std::nullopt};
        six.destinationPort = {1000, 2000};
        six.trafficClass = {0xb8, std::nullopt};
        six.protocol = {6, 17};
        const MobilityMessage message = update({FlowIdentification{1, 1, 0, {six}}});
        const Decoded d = decode(message);
        QVERIFY(*d.message == message);
        QCOMPARE(std::get<std::uint64_t>(find(d, FieldId::SelectorFlags)->value), std::uint64_t{0xcbbb0000});
        QVERIFY(std::get<Ipv6Address>(find(d, FieldId::Selector6SourceEnd)->value) == address("2001:db8::f"));
        QCOMPARE(std::get<std::uint64_t>(find(d, FieldId::Selector6FlowLabelEnd)->value), std::uint64_t{3});
        QCOMPARE(std::get<std::uint64_t>(find(d, FieldId::Selector6DestinationPortStart)->value), std::uint64_t{1000});
        QCOMPARE(std::get<std::uint64_t>(find(d, FieldId::Selector6ProtocolEnd)->value), std::uint64_t{17});
        QVERIFY(!find(d, FieldId::Selector6DestinationStart) && !find(d, FieldId::Selector6SpiEnd));
        QCOMPARE(find(d, FieldId::Selector6SourceStart)->offset % 8, std::uint32_t{0});  // 8n from the start of the message
    }
};

QTEST_APPLESS_MAIN(TestMobilityRules)
#include "test_mobility_rules.moc"
