// SPDX-License-Identifier: GPL-3.0-or-later
// Fragments: put together by the Reassembler and decoded as one message; overlaps, bounds and what a receiver refuses in a piece
// (threat T12, RFC 8200 §4.5, RFC 7112).
#include "protocol/wire/summary.hpp"

#include "protocol/wire/reassembly.hpp"
#include "tests/support/test_inputs.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::wire;
using namespace roamscope::test;

namespace {

using Outcome = Reassembler::Outcome;

Ipv6Packet goldenPacket(const QString& name)
{
    for (const InputFrame& frame : goldenPackets())
        if (frame.name == name) return *decodeFrame(frame.bytes, frame.linkType, frame.bytes.size()).inner();
    return {};
}

Bytes slice(const Bytes& bytes, std::size_t from, std::size_t to)
{
    return Bytes(bytes.begin() + static_cast<std::ptrdiff_t>(from), bytes.begin() + static_cast<std::ptrdiff_t>(std::min(to, bytes.size())));
}

/// The piece [from, to) of what `packet` carries, as a packet with a fragment header.
Bytes piece(const Ipv6Packet& packet, std::size_t from, std::size_t to, std::uint32_t id = 7)
{
    Ipv6Packet out = packet;
    out.nextHeader = protocol::fragment;
    Writer w;
    w.u8(packet.nextHeader);
    w.u8(0);
    w.u16(static_cast<std::uint16_t>(from | (to < packet.payload.size() ? 1 : 0)));
    w.u32(id);
    w.bytes(slice(packet.payload, from, to));
    out.payload = w.take();
    return emitIpv6(out);
}

TimePoint second(int n) { return atNanoseconds(std::int64_t{n} * 1'000'000'000); }

Outcome give(Reassembler& r, std::uint32_t number, const Bytes& frame, std::uint32_t link = 0, int time = 0)
{
    return r.add({number, second(time), link}, frame, linkRawIpv6, frame.size());
}

}  // namespace

class TestReassembly : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void aFragmentedUpdateIsFound_data()
    {
        QTest::addColumn<bool>("reversed");
        QTest::newRow("in order") << false;
        QTest::newRow("last first") << true;
    }
    void aFragmentedUpdateIsFound()
    {
        QFETCH(bool, reversed);
        const Ipv6Packet packet = goldenPacket("home_bu_tunnelled");
        const std::size_t size = packet.payload.size();
        std::vector<Bytes> frames{piece(packet, 0, 8), piece(packet, 8, 16), piece(packet, 16, size)};
        if (reversed) std::reverse(frames.begin(), frames.end());
        Reassembler r;
        QVERIFY(!give(r, 3, frames[0]).datagram && !give(r, 4, frames[1]).datagram);
        const Outcome done = give(r, 6, frames[2]);
        QVERIFY(done.datagram && !done.finding);
        QCOMPARE(done.datagram->frames, (std::vector<std::uint32_t>{3, 4, 6}));
        QVERIFY(done.datagram->bytes == packet.payload);
        QCOMPARE(r.waiting(), std::size_t{0});
        QCOMPARE(r.octets(), std::size_t{0});

        DecodeContext context;
        context.whole = &*done.datagram;
        const DecodedFrame frame = decodeFrame(frames[2], linkRawIpv6, frames[2].size(), nullptr, context);
        QVERIFY(frame.as<BindingUpdate>());
        QVERIFY(std::get<Checked<MobilityMessage>>(frame.message).checksum == ChecksumVerdict::Good);
        QVERIFY(*frame.inner() == packet);
        const Dissection d = dissect(frames[2], linkRawIpv6, frames[2].size(), context);
        QCOMPARE(d.buffers.size(), std::size_t{1});
        QCOMPARE(d.buffers[0].name, std::string("Reassembled from frames 3, 4, 6"));
        QVERIFY(d.findings.empty());
        QVERIFY(std::any_of(d.nodes.begin(), d.nodes.end(), [](const FieldNode& n) { return n.field == FieldId::MhType && n.buffer == 1; }));
        QVERIFY(std::any_of(d.nodes.begin(), d.nodes.end(), [](const FieldNode& n) { return n.field == FieldId::FragmentId && n.buffer == 0; }));
        // Another frame does not take it.
        const Bytes other = piece(packet, 8, 16, 8);
        QVERIFY(!decodeFrame(other, linkRawIpv6, other.size(), nullptr, context).as<BindingUpdate>());
    }
    void insideTunnelsAndOnSeveralLinks()
    {
        const Ipv6Packet packet = goldenPacket("home_bu_tunnelled");
        const std::size_t size = packet.payload.size();
        Ipv6Packet outer;
        outer.source = *Ipv6Address::parse("2001:db8::1");
        outer.nextHeader = protocol::ipv6;
        const auto tunnelled = [&](const Bytes& inner) {
            outer.payload = inner;
            return emitIpv6(outer);
        };
        Reassembler r;
        QVERIFY(!give(r, 1, piece(packet, 0, 8), 0).datagram);
        QVERIFY(!give(r, 2, piece(packet, 0, 8), 1).datagram);
        QVERIFY(!give(r, 3, tunnelled(piece(packet, 0, 8)), 0).datagram);
        QCOMPARE(r.waiting(), std::size_t{3});
        const Bytes last = tunnelled(piece(packet, 8, size));
        const Outcome done = give(r, 4, last, 0);
        QVERIFY(done.datagram);
        QCOMPARE(done.datagram->frames, (std::vector<std::uint32_t>{3, 4}));
        DecodeContext context;
        context.whole = &*done.datagram;
        QVERIFY(decodeFrame(last, linkRawIpv6, last.size(), nullptr, context).as<BindingUpdate>());
        QVERIFY(give(r, 5, piece(packet, 8, size), 1).datagram);
        QVERIFY(give(r, 6, piece(packet, 8, size), 0).datagram);
    }
    /// A tunnel packet that was fragmented itself.
    void aFragmentedTunnel()
    {
        Ipv6Packet outer;
        outer.source = *Ipv6Address::parse("2001:db8::1");
        outer.nextHeader = protocol::ipv6;
        outer.payload = emitIpv6(goldenPacket("home_bu_tunnelled"));
        Reassembler r;
        const Bytes last = piece(outer, 48, outer.payload.size());
        QVERIFY(!give(r, 1, piece(outer, 0, 48)).datagram);
        const Outcome done = give(r, 2, last);
        QVERIFY(done.datagram);
        DecodeContext context;
        context.whole = &*done.datagram;
        const DecodedFrame frame = decodeFrame(last, linkRawIpv6, last.size(), nullptr, context);
        QVERIFY(frame.as<BindingUpdate>() && frame.packets.size() == 2);
        QVERIFY(std::get<Checked<MobilityMessage>>(frame.message).checksum == ChecksumVerdict::Good);
    }
    void ofIpv4Too()
    {
        const Bytes packet = emitIpv6(goldenPacket("home_bu_tunnelled"));
        Ipv4Header header;
        header.protocol = protocol::ipv6;
        header.identification = 77;
        header.moreFragments = true;
        const Bytes first = emitIpv4(header, slice(packet, 0, 48));
        header.moreFragments = false;
        header.fragmentOffset = 48;
        const Bytes last = emitIpv4(header, slice(packet, 48, packet.size()));
        Reassembler r;
        QVERIFY(!r.add({1, {}, 0}, first, linkRaw, first.size()).datagram);
        const Outcome done = r.add({2, {}, 0}, last, linkRaw, last.size());
        QVERIFY(done.datagram);
        DecodeContext context;
        context.whole = &*done.datagram;
        QVERIFY(decodeFrame(last, linkRaw, last.size(), nullptr, context).as<BindingUpdate>());
        QVERIFY(!decodeFrame(last, linkRaw, last.size()).as<BindingUpdate>());
    }
    void anOverlapDropsThePacket()
    {
        const Ipv6Packet packet = goldenPacket("home_bu_tunnelled");
        const std::size_t size = packet.payload.size();
        Reassembler r;
        QVERIFY(!give(r, 1, piece(packet, 0, 16)).finding);
        // RFC 8200 §4.5: a whole piece that came twice is no overlap.
        QVERIFY(!give(r, 2, piece(packet, 0, 16)).finding);
        const Outcome over = give(r, 3, piece(packet, 8, 24));
        QVERIFY(over.finding && !over.datagram);
        QCOMPARE(over.finding->rfc, std::string_view("RFC 8200 §4.5"));
        QCOMPARE(int(over.finding->offset), 40 + 24);  // behind the destination options of this update
        QVERIFY(!give(r, 4, piece(packet, 16, size)).datagram);
        QCOMPARE(r.abandoned(), std::uint64_t{1});
        Ipv6Packet changed = packet;
        changed.payload[1] ^= 1;
        Reassembler again;
        QVERIFY(!give(again, 1, piece(packet, 0, 16)).finding);
        QVERIFY(give(again, 2, piece(changed, 0, 16)).finding);
        Reassembler ends;
        QVERIFY(!give(ends, 1, piece(packet, 16, size)).finding);
        Ipv6Packet longer = packet;
        longer.payload.resize(size + 8);
        QVERIFY(give(ends, 2, piece(longer, size, size + 8)).finding);
    }
    void piecesThatNoReceiverTakes()
    {
        const Ipv6Packet packet = goldenPacket("home_bu_tunnelled");
        const auto finding = [](const Bytes& frame) {
            const Dissection d = dissect(frame, linkRawIpv6, frame.size());
            return d.findings.size() == 1 ? d.findings[0] : Finding{};
        };
        const Finding odd = finding(piece(packet, 8, 21));
        QCOMPARE(odd.rfc, std::string_view("RFC 8200 §4.5"));
        QCOMPARE(int(odd.offset), 4);
        Ipv6Packet end = packet;
        end.payload.resize(16);
        Bytes far = piece(end, 8, 16);
        far[64 + 2] = 0xff;
        far[64 + 3] = 0xf8;
        QCOMPARE(finding(far).rfc, std::string_view("RFC 8200 §4.5"));
        QCOMPARE(int(finding(far).offset), 64 + 2);
        Ipv6Packet options = packet;
        options.nextHeader = protocol::destinationOptions;
        options.payload = {135, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 59, 1};
        QCOMPARE(finding(piece(options, 0, 8)).rfc, std::string_view("RFC 7112 §5"));
        QVERIFY(finding(piece(packet, 0, 8)).rfc.empty());
        Reassembler r;
        for (const Bytes& frame : {piece(packet, 8, 21), far}) QVERIFY(!give(r, 1, frame).datagram);
        QCOMPARE(r.waiting(), std::size_t{0});
        // Cut by the capture: neither used nor refused.
        const Bytes whole = piece(packet, 0, 16);
        const Bytes cut = slice(whole, 0, whole.size() - 4);
        QVERIFY(!r.add({1, {}, 0}, cut, linkRawIpv6, whole.size()).datagram);
        QCOMPARE(r.waiting(), std::size_t{0});
        QVERIFY(dissect(cut, linkRawIpv6, whole.size()).findings.empty());
    }
    void itIsBounded()
    {
        Ipv6Packet packet;
        packet.nextHeader = protocol::udp;
        packet.payload.resize(60000);
        Reassembler r;
        for (std::uint32_t id = 0; id < 1000; ++id) give(r, id, piece(packet, 0, 64, id));
        QVERIFY(r.waiting() <= Reassembler::maxQueues);
        for (std::uint32_t id = 2000; id < 2200; ++id) {
            give(r, id, piece(packet, 0, 59992, id));
            QVERIFY(r.octets() <= Reassembler::maxOctets);
        }
        QVERIFY(r.abandoned() > 1000);
        // Time: of the capture, in both directions.
        Reassembler late;
        give(late, 1, piece(packet, 0, 8, 1), 0, 100);
        give(late, 2, piece(packet, 0, 8, 2), 0, 130);
        QCOMPARE(late.waiting(), std::size_t{2});
        give(late, 3, piece(packet, 0, 8, 3), 0, 161);
        QCOMPARE(late.waiting(), std::size_t{2});
        give(late, 4, piece(packet, 0, 8, 4), 0, -1'000'000'000);
        QCOMPARE(late.waiting(), std::size_t{1});
        const Bytes one = piece(packet, 0, 8, 5);
        late.add({5, atNanoseconds(INT64_MAX), 0}, one, linkRawIpv6, one.size());
        late.add({6, atNanoseconds(INT64_MIN), 0}, one, linkRawIpv6, one.size());
        QCOMPARE(late.waiting(), std::size_t{1});
    }
    void aDatagramOfManyPieces()
    {
        Ipv6Packet packet;
        packet.nextHeader = protocol::udp;
        packet.payload = emitUdp({1, 2, Bytes(65000, 0x61)}, packet.pseudoHeader());
        Reassembler r;
        Outcome last;
        Bytes frame;
        for (std::size_t at = 0; at < packet.payload.size(); at += 1000) {
            frame = piece(packet, at, at + 1000);
            last = give(r, static_cast<std::uint32_t>(at / 1000), frame);
        }
        QVERIFY(last.datagram);
        DecodeContext context;
        context.whole = &*last.datagram;
        const Dissection d = dissect(frame, linkRawIpv6, frame.size(), context);
        QVERIFY(d.buffers.at(0).name.ends_with("9 and 56 more"));
        QVERIFY(!d.summary.malformed);
    }
};

QTEST_APPLESS_MAIN(TestReassembly)
#include "test_reassembly.moc"
