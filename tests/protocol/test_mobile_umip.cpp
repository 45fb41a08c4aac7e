// SPDX-License-Identifier: GPL-3.0-or-later
// Our mobile node in the place of the one of UMIP: what UMIP's home agent and routers sent to it is given to ours, octet for octet but
// for the sequence number, and what both send is compared (shared/captures/umip).
#include "tests/support/node_frames.hpp"

#include "protocol/node/mobile_node.hpp"
#include "tests/support/test_inputs.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::node;
using namespace roamscope::test;
using wire::BindingAck;
using wire::BindingUpdate;

namespace {

const Ipv6Address agent = ip("2001:db8:1::1");
const Ipv6Address home = ip("2001:db8:1::100");

struct Recorded {
    InputFrame input;
    wire::DecodedFrame frame;
};

std::vector<Recorded> recorded(const QString& name)
{
    std::vector<Recorded> out;
    for (InputFrame& input : readPcap(sharedFolder() + "/captures/umip/" + name)) {
        auto frame = wire::decodeFrame(input.bytes, input.linkType, input.originalLength);
        out.push_back({std::move(input), std::move(frame)});
    }
    return out;
}

/// The link-layer address that the identifier of `address` was made of.
Mac macOf(const Ipv6Address& address)
{
    const InterfaceId id = interfaceId(address);
    return {{static_cast<std::uint8_t>(id[0] ^ 2), id[1], id[2], id[5], id[6], id[7]}};
}

/// The recorded acknowledgement with another number in it.
Bytes renumbered(const Recorded& ack, std::uint16_t sequence)
{
    Bytes bytes = ack.input.bytes;
    const std::size_t at = ack.frame.messageOffset;
    bytes[at + 8] = static_cast<std::uint8_t>(sequence >> 8);
    bytes[at + 9] = static_cast<std::uint8_t>(sequence);
    bytes[at + 4] = bytes[at + 5] = 0;
    const ByteView message = ByteView(bytes).subspan(at, 8u * (bytes[at + 1] + 1u));
    const std::uint16_t sum = wire::checksum(ack.frame.inner()->pseudoHeader(), wire::protocol::mobility, message);
    bytes[at + 4] = static_cast<std::uint8_t>(sum >> 8);
    bytes[at + 5] = static_cast<std::uint8_t>(sum);
    return bytes;
}

/// The first recorded frame from `from` on that carries a T and satisfies `also`.
template <class T, class Also>
std::vector<Recorded>::const_iterator findRecorded(std::vector<Recorded>::const_iterator from, const std::vector<Recorded>& frames, Also also)
{
    return std::find_if(from, frames.end(), [&](const Recorded& r) { return r.frame.as<T>() && also(r); });
}
template <class T>
const Recorded* findRecorded(const std::vector<Recorded>& frames)
{
    const auto it = findRecorded<T>(frames.begin(), frames, [](const Recorded&) { return true; });
    return it != frames.end() ? &*it : nullptr;
}

/// The kinds of options of a message, in their order on the wire.
std::vector<std::size_t> kinds(const std::vector<wire::MobilityOption>& options)
{
    std::vector<std::size_t> out;
    for (const auto& option : options)
        out.push_back(option.index());
    return out;
}

/// Our mobile node on a link of that run, at the place of UMIP's.
MobileNode mobileAt(const Ipv6Address& careOf, bool optimises)
{
    IpStack stack(false, Random(3));
    stack.addInterface("wl0", macOf(careOf));
    MobileNode::Settings settings;
    settings.homeAddress = home;
    settings.homeAgent = agent;
    settings.lifetime = std::chrono::seconds(60);
    settings.optimiseAll = optimises;
    return {std::move(stack), settings};
}

}  // namespace

class TestMobileUmip : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void theHomeAgentsAnswersAreAccepted_data()
    {
        QTest::addColumn<QString>("file");
        for (const char* file : {"basic-f1.pcap", "basic-f2.pcap", "ro-f1.pcap"}) QTest::newRow(file) << file;
    }
    void theHomeAgentsAnswersAreAccepted()
    {
        QFETCH(QString, file);
        if (sharedFolder().isEmpty()) QSKIP("the shared captures are not on this machine (ROAMSCOPE_SHARED)");
        const auto frames = recorded(file);
        const auto isAck = [](const Recorded& r) {
            const auto* ack = r.frame.as<BindingAck>();
            return ack && ack->status == 0 && ack->lifetime.count() > 0 && r.frame.inner()->routing;
        };
        const auto ack = std::find_if(frames.begin(), frames.end(), isAck);
        QVERIFY(ack != frames.end());
        const Ipv6Address careOf = ack->frame.inner()->destination;
        const auto ra = std::find_if(frames.begin(), frames.end(), [](const Recorded& r) { return r.frame.as<wire::RouterAdvertisement>() != nullptr; });
        QVERIFY(ra != frames.end());
        const auto theirs = std::find_if(frames.begin(), frames.end(), [&](const Recorded& r) { return r.frame.as<BindingUpdate>() && r.frame.inner()->source == careOf; });
        QVERIFY(theirs != frames.end());

        IpStack stack(false, Random(3));
        stack.addInterface("wl0", macOf(careOf));
        MobileNode::Settings settings;
        settings.homeAddress = home;
        settings.homeAgent = agent;
        settings.answeredFlows = {};
        MobileNode mn(std::move(stack), settings);
        Output out;
        mn.linkUp({}, 0, out);
        mn.receive({}, 0, ra->input.bytes, out);
        (void)run(mn, TimePoint{1s}, out);
        const auto seen = take(out);
        const Seen* update = find<BindingUpdate>(seen);
        QVERIFY2(update && update->inner().source == careOf, "the same care-of address from the same advertisement");
        // What both ask for is alike: home address option, alternate care-of address, flags but for L, which both derive from the addresses.
        const auto& ours = *update->frame.as<BindingUpdate>();
        const auto& umip = *theirs->frame.as<BindingUpdate>();
        QCOMPARE(ours.flags & ~BindingUpdate::linkLocal, umip.flags & ~BindingUpdate::linkLocal);
        QVERIFY2(update->inner().homeAddress() == theirs->frame.inner()->homeAddress() && update->inner().destination == theirs->frame.inner()->destination, "MN-BU-01");
        const auto* alternate = wire::findOption<wire::AlternateCareOfAddress>(ours.options);
        const auto* alternateTheirs = wire::findOption<wire::AlternateCareOfAddress>(umip.options);
        QVERIFY2(alternate && alternateTheirs && alternate->address == alternateTheirs->address, "MN-BU-02");
        mn.receive(TimePoint{1s}, 0, renumbered(*ack, ours.sequence), out);
        QVERIFY2(mn.homeAssociation().registered(TimePoint{1s}) && mn.homeAssociation().registeredCareOf() == careOf, "UMIP's acknowledgement is accepted");
    }

    /// RR-CN-03, RR-CN-04: what UMIP's two ends prove to each other is what we compute from the tokens that they exchanged.
    void RR_CN_03_04_itsAuthenticatorsAreOurs_data()
    {
        QTest::addColumn<QString>("file");
        QTest::addColumn<int>("messages");
        QTest::newRow("foreign link") << "ro-f1.pcap" << 2;
        QTest::newRow("correspondent") << "ro-cn.pcap" << 6;
    }
    void RR_CN_03_04_itsAuthenticatorsAreOurs()
    {
        QFETCH(QString, file);
        QFETCH(int, messages);
        if (sharedFolder().isEmpty()) QSKIP("the shared captures are not on this machine (ROAMSCOPE_SHARED)");
        std::uint64_t homeToken = 0, careOfToken = 0;
        Bytes key;
        Ipv6Address covered;
        int proven = 0;
        for (const Recorded& r : recorded(file)) {
            if (const auto* test = r.frame.as<wire::HomeTest>()) homeToken = test->token;
            if (const auto* test = r.frame.as<wire::CareOfTest>()) careOfToken = test->token;
            const auto* update = r.frame.as<BindingUpdate>();
            const auto* ack = r.frame.as<BindingAck>();
            if (!update && !ack) continue;
            const wire::Ipv6Packet& packet = *r.frame.inner();
            const auto& options = update ? update->options : ack->options;
            if (!wire::findOption<wire::BindingAuthorizationData>(options)) continue;
            if (update) {
                const bool deletes = update->lifetime.count() == 0;
                key = bindingKey(homeToken, deletes ? std::nullopt : std::optional(careOfToken));
                covered = deletes ? packet.homeAddress().value_or(packet.source) : packet.source;
            }
            QVERIFY2(isAuthorized(options, key, covered, update ? packet.destination : packet.source, packet.payload), "RR-CN-04");
            ++proven;
        }
        QCOMPARE(proven, messages);
    }

    /// Return routability with UMIP's correspondent: its tests and its acknowledgement are taken, and we send what its mobile node sent.
    void RR_MN_01_03_06_itsCorrespondentsAnswersAreAccepted()
    {
        if (sharedFolder().isEmpty()) QSKIP("the shared captures are not on this machine (ROAMSCOPE_SHARED)");
        const auto frames = recorded("ro-f1.pcap");
        const Recorded* theirHomeInit = findRecorded<wire::HomeTestInit>(frames);
        const Recorded* theirCareOfInit = findRecorded<wire::CareOfTestInit>(frames);
        const Recorded* homeTest = findRecorded<wire::HomeTest>(frames);
        const Recorded* careOfTest = findRecorded<wire::CareOfTest>(frames);
        const Recorded* ra = findRecorded<wire::RouterAdvertisement>(frames);
        QVERIFY(theirHomeInit && theirCareOfInit && homeTest && careOfTest && ra);
        const Ipv6Address careOf = theirCareOfInit->frame.inner()->source;
        const Ipv6Address peer = theirCareOfInit->frame.inner()->destination;
        const auto toPeer = [&](const Recorded& r) { return r.frame.inner()->destination == peer; };
        const auto homeAck = findRecorded<BindingAck>(frames.begin(), frames, [&](const Recorded& r) { return r.frame.inner()->source == agent; });
        const auto theirUpdate = findRecorded<BindingUpdate>(frames.begin(), frames, toPeer);
        const auto peerAck = findRecorded<BindingAck>(frames.begin(), frames, [&](const Recorded& r) { return r.frame.inner()->source == peer; });
        const auto reply = findRecorded<wire::Echo>(frames.begin(), frames, [&](const Recorded& r) { return r.frame.packets.size() == 2 && r.frame.inner()->source == peer; });
        QVERIFY(homeAck != frames.end() && theirUpdate != frames.end() && peerAck != frames.end() && reply != frames.end());

        MobileNode mn = mobileAt(careOf, true);
        Output out;
        const TimePoint at{2s};
        mn.linkUp({}, 0, out);
        mn.receive({}, 0, ra->input.bytes, out);
        (void)run(mn, at, out);
        mn.receive(at, 0, renumbered(*homeAck, mn.homeAssociation().sequence()), out);
        (void)take(out);
        // Its correspondent's packet through its home agent: the occasion for both tests.
        mn.receive(at, 0, reply->input.bytes, out);
        const auto tests = take(out);
        const Seen* homeInit = find<wire::HomeTestInit>(tests);
        const Seen* careOfInit = find<wire::CareOfTestInit>(tests);
        QVERIFY2(homeInit && careOfInit, "RR-MN-01");
        for (std::size_t layer = 0; layer < 2; ++layer) {
            const wire::Ipv6Packet& ours = homeInit->frame.packets[layer];
            const wire::Ipv6Packet& theirs = theirHomeInit->frame.packets[layer];
            QVERIFY2(ours.source == theirs.source && ours.destination == theirs.destination && !ours.homeAddress(), "RR-MN-01: through the tunnel, as theirs");
        }
        QVERIFY2(careOfInit->frame.packets.size() == 1 && careOfInit->inner().source == careOf && careOfInit->inner().destination == peer, "RR-MN-01: straight, as theirs");
        // Their answers with our cookies.
        wire::Ipv6Packet packet = *homeTest->frame.inner();
        wire::HomeTest hot = *homeTest->frame.as<wire::HomeTest>();
        hot.cookie = homeInit->frame.as<wire::HomeTestInit>()->cookie;
        packet.payload = wire::emitMobility(hot, packet.pseudoHeader());
        mn.receive(at, 0, frame(homeTest->frame.ethernet->source, macOf(careOf), encapsulate(packet, homeTest->frame.packets[0].source, homeTest->frame.packets[0].destination)), out);
        packet = *careOfTest->frame.inner();
        wire::CareOfTest cot = *careOfTest->frame.as<wire::CareOfTest>();
        cot.cookie = careOfInit->frame.as<wire::CareOfTestInit>()->cookie;
        packet.payload = wire::emitMobility(cot, packet.pseudoHeader());
        mn.receive(at, 0, frame(careOfTest->frame.ethernet->source, macOf(careOf), packet), out);
        const auto updates = take(out);
        const Seen* update = find<BindingUpdate>(updates);
        QVERIFY2(update, "RR-MN-06");
        const BindingUpdate& ours = *update->frame.as<BindingUpdate>();
        const BindingUpdate& umip = *theirUpdate->frame.as<BindingUpdate>();
        QVERIFY2(update->inner().source == careOf && update->inner().homeAddress() == home && update->inner().destination == peer, "RR-MN-06");
        QCOMPARE(ours.flags, umip.flags);
        QVERIFY2(kinds(ours.options) == kinds(umip.options), "nonce indices, then the authenticator");
        const auto* indices = wire::findOption<wire::NonceIndices>(ours.options);
        const auto* theirIndices = wire::findOption<wire::NonceIndices>(umip.options);
        QVERIFY(indices && indices->home == theirIndices->home && indices->careOf == theirIndices->careOf);
        // RR-MN-06: theirs asked for 52 of the 60 s that its home registration had left after 7 s; of ours 1 s or 2 s have passed.
        QVERIFY2(4 * ours.lifetime.count() <= 60 && 4 * ours.lifetime.count() >= 56 && 4 * umip.lifetime.count() == 52, "RR-MN-06");
        // Their acknowledgement of our number, proven with the key that we share.
        packet = *peerAck->frame.inner();
        BindingAck ack = *peerAck->frame.as<BindingAck>();
        QVERIFY(packet.routing && packet.routing->homeAddress == home);
        ack.sequence = ours.sequence;
        std::erase_if(ack.options, [](const auto& o) { return std::holds_alternative<wire::BindingAuthorizationData>(o); });
        packet.payload = emitAuthorized(ack, bindingKey(hot.token, cot.token), careOf, peer, packet.pseudoHeader());
        mn.receive(at, 0, frame(peerAck->frame.ethernet->source, macOf(careOf), packet), out);
        const auto& entry = mn.peers().at({home, peer});
        QVERIFY2(entry.registeredCareOf(at) == careOf && entry.granted() == std::min(ack.lifetime, ours.lifetime), "the binding lives");
        // Its echo reply comes straight from then on, with the routing header; ours leave with the home address option.
        const auto straight = findRecorded<wire::Echo>(peerAck, frames, [&](const Recorded& r) { return r.frame.packets.size() == 1 && r.frame.inner()->source == peer; });
        QVERIFY(straight != frames.end() && straight->frame.inner()->routing);
        wire::Ipv6Packet question = *straight->frame.inner();
        question.payload = wire::emitIcmpv6(wire::Echo{false, 7, 1, Bytes(8, 1)}, question.pseudoHeader());
        (void)take(out);
        mn.receive(at, 0, frame(straight->frame.ethernet->source, macOf(careOf), question), out);
        const auto answers = take(out);
        const Seen* echo = find<wire::Echo>(answers);
        QVERIFY2(echo && echo->frame.packets.size() == 1 && echo->inner().source == careOf && echo->inner().homeAddress() == home && echo->inner().destination == peer, "MN-TX-02");
    }

    void itsDeregistrationLooksLikeOurs()
    {
        if (sharedFolder().isEmpty()) QSKIP("the shared captures are not on this machine (ROAMSCOPE_SHARED)");
        const auto frames = recorded("basic-home.pcap");
        const auto release = std::find_if(frames.begin(), frames.end(), [](const Recorded& r) {
            const auto* bu = r.frame.as<BindingUpdate>();
            return bu && bu->lifetime.count() == 0 && r.frame.inner()->source == home;
        });
        QVERIFY(release != frames.end());
        const auto answer = std::find_if(release, frames.end(), [](const Recorded& r) { return r.frame.as<BindingAck>() && r.frame.inner()->destination == home; });
        QVERIFY2(answer != frames.end() && answer->frame.as<BindingAck>()->status == 0, "a release from the home address without a home address option is accepted there");
        QVERIFY(!release->frame.inner()->homeAddress() && !answer->frame.inner()->routing);
    }
};

QTEST_APPLESS_MAIN(TestMobileUmip)
#include "test_mobile_umip.moc"
