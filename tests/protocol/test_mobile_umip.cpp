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

}  // namespace

class TestMobileUmip : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void theHomeAgentsAnswersAreAccepted()
    {
        if (sharedFolder().isEmpty()) QSKIP("the shared captures are not on this machine (ROAMSCOPE_SHARED)");
        const auto frames = recorded("basic-f1.pcap");
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

        // Echo requests that its home agent tunnelled are answered through the tunnel.
        const auto tunnelled = std::find_if(frames.begin(), frames.end(), [&](const Recorded& r) {
            const auto* echo = r.frame.as<wire::Echo>();
            return echo && !echo->reply && r.frame.packets.size() == 2 && r.frame.packets[0].source == agent && r.frame.packets[0].destination == careOf && r.frame.inner()->destination == home;
        });
        if (tunnelled == frames.end()) return;
        (void)take(out);
        mn.receive(TimePoint{1100ms}, 0, tunnelled->input.bytes, out);
        const auto answers = take(out);
        const Seen* echo = find<wire::Echo>(answers);
        QVERIFY2(echo && echo->frame.packets.size() == 2 && echo->outer().source == careOf && echo->outer().destination == agent && echo->inner().source == home, "MN-TX-01");
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
