// SPDX-License-Identifier: GPL-3.0-or-later
// Updates built octet by octet (RFC 5648 §4, RFC 6089 §4, RFC 6088 §3, RFC 3963 §4) thrown at a home agent and a MAP: the octets of their
// answers. Nothing of the project's own codec stands between the table and the wire.
#include "tests/support/anchor_bench.hpp"

#include <QFile>
#include <QProcess>
#include <QStandardPaths>
#include <QTemporaryDir>
#include <QtTest>

#include <cstring>
#include <fstream>
#include <functional>

using namespace roamscope;
using namespace roamscope::node;
using namespace roamscope::test;
using namespace roamscope::test::anchors;

namespace {

Bytes octetsOf(const QByteArray& hex)
{
    const QByteArray raw = QByteArray::fromHex(hex);
    return {raw.begin(), raw.end()};
}

/// A Mobility Header of this type: what follows the checksum, padded behind and summed.
wire::Ipv6Packet header(std::uint8_t type, Bytes body, const Ipv6Address& from, const Ipv6Address& to, bool homeAddressOption = true)
{
    Bytes mh{59, 0, type, 0, 0, 0};
    mh.insert(mh.end(), body.begin(), body.end());
    const std::size_t missing = (8 - mh.size() % 8) % 8;
    if (missing == 1) mh.push_back(0);
    if (missing > 1) {
        mh.insert(mh.end(), {1, static_cast<std::uint8_t>(missing - 2)});
        mh.insert(mh.end(), missing - 2, 0);
    }
    mh[1] = static_cast<std::uint8_t>(mh.size() / 8 - 1);
    wire::Ipv6Packet packet;
    packet.source = from;
    packet.destination = to;
    packet.nextHeader = wire::protocol::mobility;
    if (homeAddressOption) packet.setHomeAddress(home);
    const std::uint16_t sum = wire::checksum(packet.pseudoHeader(), wire::protocol::mobility, mh);
    mh[4] = static_cast<std::uint8_t>(sum >> 8);
    mh[5] = static_cast<std::uint8_t>(sum);
    packet.payload = std::move(mh);
    return packet;
}

/// The options from `at` on without padding, each in hexadecimal with a blank between them.
QByteArray optionsIn(ByteView mh, std::size_t at)
{
    QByteArrayList out;
    while (at < mh.size()) {
        if (mh[at] == 0) {
            ++at;
            continue;
        }
        const std::size_t end = at + 2 + mh[at + 1];
        if (end > mh.size()) return "runs past the end";
        if (mh[at] != 1) out << QByteArray(reinterpret_cast<const char*>(mh.data() + at), qsizetype(end - at)).toHex();
        at = end;
    }
    return out.join(' ');
}

const QByteArray A1 = "20010db8030000000000000000000005";  // careOf
const QByteArray A2 = "20010db8030000000000000000000006";
const QByteArray A3 = "20010db8030000000000000000000007";

/// "flags lifetime options": the update; the sequence number counts by itself.
struct Step {
    QByteArray flags;
    QByteArray lifetime;
    QByteArray options;
    QByteArray answer;  ///< "status flags lifetime options"
};
using Steps = std::vector<Step>;

struct Peer : Bench {
    std::uint16_t sequence = 0x1000;
    std::vector<Bytes> emitted{};

    Peer(Registrar::Policy p, const AnchorServices& services) : Bench(std::move(p), services) {}

    QByteArray tell(const Step& step)
    {
        out = {};
        ++sequence;
        const Bytes body = octetsOf(QByteArray::number(sequence, 16).rightJustified(4, '0') + step.flags + step.lifetime + step.options);
        in(coreLink, header(5, body, careOf, agent));
        QByteArray answer = "none";
        for (const SentFrame& sent : out.frames) {
            emitted.push_back(sent.bytes);
            const auto decoded = wire::decodeFrame(sent.bytes, wire::linkEthernet, sent.bytes.size());
            if (decoded.packets.empty() || decoded.packets.back().nextHeader != wire::protocol::mobility) continue;
            const Bytes& mh = decoded.packets.back().payload;
            if (mh.size() < 12 || mh[2] != 6) continue;
            if (mh[1] * 8u + 8u != mh.size()) return "header length";
            const auto hex = [&](std::size_t at, std::size_t n) { return QByteArray(reinterpret_cast<const char*>(mh.data() + at), qsizetype(n)).toHex(); };
            if (mh[6] != 135 && hex(8, 2) != QByteArray::number(sequence, 16)) return "sequence";
            answer = QByteArray::number(mh[6]) + " " + hex(7, 1) + " " + hex(10, 2) + " " + optionsIn(mh, 12);
        }
        return answer.trimmed();
    }
};

Registrar::Policy agentPolicy(bool map)
{
    Registrar::Policy policy = Bench::policy(map, false);
    policy.mobileRouters.routers = {{home, {prefix("2001:db8:1f0::/56")}}};
    return policy;
}

// Flags: A H M R O.
const QByteArray AH = "c000", AHO = "c040", AHR = "c400", T = "0064", Z = "0000";
QByteArray bid(int number, const QByteArray& address, const char* hPri = "00") { return "2314" + QByteArray::number(number, 16).rightJustified(4, '0') + "00" + hPri + address; }
QByteArray again(int number, const char* hPri = "00") { return "2304" + QByteArray::number(number, 16).rightJustified(4, '0') + "00" + hPri; }
QByteArray echoed(int number, int status = 0, const char* hPri = "00") { return "2304" + QByteArray::number(number, 16).rightJustified(4, '0') + QByteArray::number(status, 16).rightJustified(2, '0') + hPri; }
/// Option 45 of that flow with these sub-options.
QByteArray flow(int number, int priority, const QByteArray& sub, int status = 0)
{
    return "2d" + QByteArray::number(6 + sub.size() / 2, 16).rightJustified(2, '0') + QByteArray::number(number, 16).rightJustified(4, '0') +
           QByteArray::number(priority, 16).rightJustified(4, '0') + "00" + QByteArray::number(status, 16).rightJustified(2, '0') + sub;
}
const QByteArray toBid2 = "02020002";

/// Traffic selector, IPv6 binary, with the bit of `letter` and what follows.
QByteArray selector(char letter, const QByteArray& value)
{
    const std::uint32_t word = 0x80000000u >> (letter - 'A');
    const QByteArray body = "0200" + QByteArray::number(word, 16).rightJustified(8, '0') + value;
    return "03" + QByteArray::number(body.size() / 2, 16).rightJustified(2, '0') + body;
}

}  // namespace

class TestMcoaOctets : public QObject {
    Q_OBJECT
private:
    std::vector<Bytes> emitted_;

private Q_SLOTS:
    void exchanges_data()
    {
        QTest::addColumn<Steps>("steps");
        const auto row = [](const char* name, Steps steps) { QTest::newRow(name) << std::move(steps); };
        row("MCOA-MN-03 registered, refreshed, deleted", {{AH, T, bid(1, A1), "0 00 0064 " + echoed(1)}, {AH, T, again(1), "0 00 0064 " + echoed(1)}, {AH, Z, again(1), "0 00 0000 " + echoed(1)}, {AH, Z, again(1), "133 00 0000 " + echoed(1)}});
        row("MCOA-HA-08 bulk", {{AH, T, bid(1, A1) + "0102000023140002000020010db8030000000000000000000006", "0 00 0064 " + echoed(1) + " " + echoed(2)}});
        row("MCOA-HA-08 bulk, partly", {{AH, T, bid(1, A1) + again(2) + bid(3, A3), "4 00 0064 " + echoed(1) + " " + echoed(2, 167) + " " + echoed(3)}});
        row("MCOA-HA-08 bulk, all refused", {{AH, T, again(1) + again(2), "4 00 0000 " + echoed(1, 167) + " " + echoed(2, 167)}});
        row("MCOA-HA-08 H and BID-PRI come back", {{AH, T, bid(1, A1, "05"), "0 00 0064 " + echoed(1, 0, "05")}, {AH, T, again(2, "87"), "5 00 0064 " + echoed(2, 0, "87")}});
        row("MCOA-HA-09 in a bulk update the option has it", {{AH, T, bid(1, A1) + again(2, "80"), "0 00 0064 " + echoed(1) + " " + echoed(2, 5, "80")}});
        row("MCOA-HA-02 length 5", {{AH, T, "23050001000000", "164 00 0000 " + echoed(1)}});
        row("MCOA-HA-02 length 19", {{AH, T, "231300010000" + A1.left(30), "164 00 0000 " + echoed(1)}});
        row("MCOA-HA-02 multicast", {{AH, T, bid(1, "ff020000000000000000000000000001"), "164 00 0000 " + echoed(1)}});
        row("MCOA-HA-02 unspecified", {{AH, T, bid(1, QByteArray(32, '0')) + bid(2, A2), "4 00 0064 " + echoed(1, 164) + " " + echoed(2)}});
        row("MCOA-HA-02 IPv4 without DSMIPv6", {{AH, T, "230800010000c0000201", "164 00 0000 " + echoed(1)}});
        row("identifier 0", {{AH, T, bid(0, A1), "164 00 0000 " + echoed(0)}});
        row("MCOA-HA-03, -14 refresh of what is unknown", {{AH, T, again(9), "167 00 0000 " + echoed(9)}});
        row("MCOA-HA-04 one of two to be deleted is unknown", {{AH, T, bid(1, A1), "0 00 0064 " + echoed(1)}, {AH, Z, again(1) + again(2), "133 00 0000 " + echoed(1) + " " + echoed(2)}, {AH, T, again(1), "0 00 0064 " + echoed(1)}});
        row("MCOA-HA-05 overwrite keeps what it names", {{AH, T, bid(1, A1) + bid(2, A2), "0 00 0064 " + echoed(1) + " " + echoed(2)}, {AHO, T, again(2), "0 00 0064 " + echoed(2)}, {AH, T, again(1), "167 00 0000 " + echoed(1)}});
        row("MCOA-HA-06 over a plain binding", {{AH, T, "", "0 00 0064"}, {AH, T, bid(1, A1), "165 00 0000 " + echoed(1)}, {AHO, T, bid(1, A1), "0 00 0064 " + echoed(1)}});
        row("MCOA-HA-01 a plain update replaces all", {{AH, T, bid(1, A1), "0 00 0064 " + echoed(1)}, {AH, T, "", "0 00 0064"}, {AH, Z, again(1), "133 00 0000 " + echoed(1)}});
        row("MCOA-HA-17 length before everything", {{AH, T, "", "0 00 0064"}, {AH, T, again(7) + "23050001000000", "164 00 0000 " + echoed(7) + " " + echoed(1)}});
        row("RFC 4140 layout of a link-layer address beside a home binding", {{AH, T, again(3, "80") + "07070202000000000700" "01", "5 00 0064 " + echoed(3, 0, "80")}});
        const QByteArray both = bid(1, A1, "0a") + bid(2, A2, "14");
        const QByteArray back = echoed(1, 0, "0a") + " " + echoed(2, 0, "14");
        row("FLOW-02 a flow by port", {{AH, T, both + flow(1, 10, toBid2 + selector('K', "1388")), "0 00 0064 " + back + " " + flow(1, 10, toBid2 + selector('K', "1388"))}});
        row("FLOW-02 unknown identifier", {{AH, T, both + flow(1, 10, "02020003" + selector('K', "1388")), "0 00 0064 " + back + " " + flow(1, 10, "02020003" + selector('K', "1388"), 131)}});
        row("FLOW-02 no selector", {{AH, T, both + flow(1, 10, toBid2), "0 00 0064 " + back + " " + flow(1, 10, toBid2, 130)}});
        row("FLOW-02 no reference", {{AH, T, both + flow(1, 10, selector('K', "1388")), "0 00 0064 " + back + " " + flow(1, 10, selector('K', "1388"), 130)}});
        row("FLOW-02 format 3", {{AH, T, both + flow(1, 10, toBid2 + "03020300"), "0 00 0064 " + back + " " + flow(1, 10, toBid2 + "03020300", 133)}});
        row("FLOW-12 an end without its start", {{AH, T, both + flow(1, 10, toBid2 + selector('L', "1388")), "0 00 0064 " + back + " " + flow(1, 10, toBid2, 130)}});
        row("FLOW-02 twins", {{AH, T, both + flow(1, 10, toBid2 + selector('K', "1388")) + flow(1, 11, toBid2 + selector('K', "1389")), "0 00 0064 " + back + " " + flow(1, 10, toBid2 + selector('K', "1388"), 129) + " " + flow(1, 11, toBid2 + selector('K', "1389"), 129)}});
        row("FLOW-02 summary of what is unknown", {{AH, T, both + "2c0400090009", "0 00 0064 " + back + " " + flow(9, 1, "", 132)}});
        row("FLOW-07 a summary of what is known has no answer", {{AH, T, both + flow(1, 10, toBid2 + selector('K', "1388")), "0 00 0064 " + back + " " + flow(1, 10, toBid2 + selector('K', "1388"))}, {AH, T, again(1, "0a") + "2c020001", "0 00 0064 " + echoed(1, 0, "0a")}});
        row("NEMO-HA-06 implicit and explicit", {{AHR, T, "", "0 40 0064"}, {AHR, T, "0612003820010db801f000000000000000000000", "0 40 0064"}, {AHR, T, "0612003820010db803f000000000000000000000", "142 00 0000"}, {AHR, T, "06120040fe800000000000000000000000000000", "141 00 0000"}, {AH, T, "", "139 00 0000"}});
        row("MCOA-NEMO-01", {{AHR, T, bid(1, A1) + bid(2, A2), "0 40 0064 " + echoed(1) + " " + echoed(2)}});
    }
    void exchanges()
    {
        QFETCH(Steps, steps);
        Peer peer(agentPolicy(false), {});
        for (const Step& step : steps) QCOMPARE(peer.tell(step), step.answer.trimmed());
        emitted_.insert(emitted_.end(), peer.emitted.begin(), peer.emitted.end());
    }

    void MCOA_8_1_theSameAtAMap()
    {
        Peer map(agentPolicy(true), {});
        const QByteArray AM = "8800";
        QCOMPARE(map.tell({AM, T, bid(1, A1) + bid(2, A2), {}}), "0 00 0064 " + echoed(1) + " " + echoed(2));
        QCOMPARE(map.tell({AM, T, again(7), {}}), "167 00 0000 " + echoed(7));
        QCOMPARE(map.tell({AM, Z, again(1), {}}), "0 00 0000 " + echoed(1));
        QCOMPARE(map.tell({AM, Z, "", {}}), QByteArray("0 00 0000"));
        emitted_.insert(emitted_.end(), map.emitted.begin(), map.emitted.end());
    }

    void MCOA_HA_10_settings()
    {
        const auto answerOf = [](const std::function<void(Registrar::Policy&)>& change, const QByteArray& options) {
            Registrar::Policy policy = agentPolicy(false);
            change(policy);
            Peer peer(policy, {});
            return peer.tell({AH, T, options, {}});
        };
        QCOMPARE(answerOf([](auto& p) { p.bids.support = Support::Prohibited; }, bid(1, A1)), "166 00 0000 " + echoed(1));
        QCOMPARE(answerOf([](auto& p) { p.bids.bulk = false; }, bid(1, A1) + bid(2, A2)), "168 00 0000 " + echoed(1) + " " + echoed(2));
        QCOMPARE(answerOf([](auto& p) { p.bids.bulk = false; }, bid(1, A1)), "0 00 0064 " + echoed(1));
        QCOMPARE(answerOf([](auto& p) { p.bids.homeAndForeign = false; }, again(1, "80")), "169 00 0000 " + echoed(1, 0, "80"));
        QCOMPARE(answerOf([](auto& p) { p.bids.homeAndForeign = false; }, bid(1, A1) + again(2, "80")), "4 00 0064 " + echoed(1) + " " + echoed(2, 169, "80"));
        QCOMPARE(answerOf([](auto& p) { p.bids.support = Support::Unknown; }, bid(1, A1)), QByteArray("0 00 0064"));
        QCOMPARE(answerOf([](auto& p) { p.bids.maximum = 1; }, bid(1, A1) + bid(2, A2)), "4 00 0064 " + echoed(1) + " " + echoed(2, 130));
        QCOMPARE(answerOf([](auto& p) { p.bids.homeNeighborDiscovery = true; }, again(1, "80")), "0 00 0064 " + echoed(1, 0, "80"));
    }

    /// shared/spec/vectors.pcap, 5, 7, 8, 20, 21: the golden packets, one after the other.
    void goldenPackets()
    {
        const QString shared = qEnvironmentVariable("ROAMSCOPE_SHARED");
        QFile file(shared + "/spec/vectors.pcap");
        if (shared.isEmpty() || !file.open(QIODevice::ReadOnly)) QSKIP("shared/spec/vectors.pcap is not there (ROAMSCOPE_SHARED)");
        const QByteArray pcap = file.readAll();
        std::vector<Bytes> packets;
        for (qsizetype at = 24; at + 16 <= pcap.size();) {
            std::uint32_t length = 0;
            std::memcpy(&length, pcap.constData() + at + 8, 4);
            packets.emplace_back(pcap.constData() + at + 16, pcap.constData() + at + 16 + length);
            at += 16 + length;
        }
        QVERIFY(packets.size() >= 21);
        Registrar::Policy policy = agentPolicy(false);
        policy.mobileRouters.routers = {{home, {prefix("2001:db8:beef::/64")}}};
        Peer peer(policy, {});
        peer.anchor.stack().addRoute(prefix("2001:db8:a0::/44"), coreLink, nextRouter);
        const auto tell = [&](std::size_t vector, std::size_t link) {
            peer.out = {};
            peer.anchor.receive(peer.now, link, wire::emitEthernet({link == homeLink ? homeMac : coreMac, nextMac, wire::etherTypeIpv6}, packets[vector - 1]), peer.out);
            for (const SentFrame& sent : peer.out.frames) {
                const auto decoded = wire::decodeFrame(sent.bytes, wire::linkEthernet, sent.bytes.size());
                const Bytes& mh = decoded.packets.back().payload;
                if (decoded.as<BindingAck>()) return QByteArray::number(mh[6]) + " " + optionsIn(mh, 12) + (decoded.packets.back().routing ? "" : " direct");
            }
            return QByteArray("none");
        };
        QCOMPARE(tell(5, coreLink), "0 " + echoed(1) + " " + echoed(2));
        QCOMPARE(tell(7, coreLink), "0 " + echoed(2));
        QCOMPARE(tell(8, homeLink), "5 " + echoed(3, 0, "80") + " direct");
        QCOMPARE(peer.binding()->parts().size(), std::size_t{2});
        (void)peer.anchor.revoke(peer.now, Anchor::Revocation{home, {}, false}, peer.out);
        (void)peer.to(60s);
        QVERIFY2(tell(20, coreLink).startsWith("0"), "NEMO-HA-06");
        peer.out = {};
        peer.anchor.receive(peer.now, coreLink, wire::emitEthernet({coreMac, nextMac, wire::etherTypeIpv6}, packets[20]), peer.out);
        bool answered = false;
        for (const SentFrame& sent : peer.out.frames) {
            const auto decoded = wire::decodeFrame(sent.bytes, wire::linkEthernet, sent.bytes.size());
            if (const auto* reply = decoded.as<wire::HomeAgentDiscoveryReply>()) answered = reply->mobileRouter && reply->identifier == 0x4321 && reply->homeAgents.size() == 1;
        }
        QVERIFY2(answered, "NEMO-DH-01");
    }

    /// What was emitted above, a revocation and a request for a refresh with identifiers: Wireshark finds nothing malformed.
    void tsharkReadsWhatIsEmitted()
    {
        if (QStandardPaths::findExecutable("tshark").isEmpty()) QSKIP("tshark is not installed");
        AnchorServices services;
        services.refreshRequest = 18s;
        Peer peer(agentPolicy(false), services);
        (void)peer.tell({AH, "0005", bid(1, A1) + bid(2, A2), {}});
        peer.out = {};
        (void)run(peer.anchor, TimePoint{3s}, peer.out);
        QVERIFY(!peer.out.frames.empty());
        (void)peer.anchor.revoke(TimePoint{3s}, Anchor::Revocation{home, {1}}, peer.out);
        for (const SentFrame& sent : peer.out.frames) peer.emitted.push_back(sent.bytes);
        emitted_.insert(emitted_.end(), peer.emitted.begin(), peer.emitted.end());
        QTemporaryDir dir;
        const QString file = dir.filePath("emitted.pcap");
        std::ofstream pcap(file.toStdString(), std::ios::binary);
        const auto u32 = [&](std::uint32_t v) { pcap.write(reinterpret_cast<const char*>(&v), 4); };
        u32(0xa1b2c3d4);
        u32(0x00040002);
        u32(0);
        u32(0);
        u32(65535);
        u32(1);
        for (const Bytes& frame : emitted_) {
            u32(0);
            u32(0);
            u32(static_cast<std::uint32_t>(frame.size()));
            u32(static_cast<std::uint32_t>(frame.size()));
            pcap.write(reinterpret_cast<const char*>(frame.data()), static_cast<std::streamsize>(frame.size()));
        }
        pcap.close();
        QProcess tshark;
        tshark.start("tshark", {"-r", file, "-Y", "_ws.malformed || _ws.expert.severity >= 0x600000", "-T", "fields", "-e", "frame.number", "-e", "_ws.expert.message"});
        QVERIFY(tshark.waitForFinished(60000));
        QCOMPARE(tshark.exitCode(), 0);
        QCOMPARE(tshark.readAllStandardOutput(), QByteArray());
        tshark.start("tshark", {"-r", file, "-Y", "mip6.mhtype", "-T", "fields", "-e", "frame.number"});
        QVERIFY(tshark.waitForFinished(60000));
        QVERIFY(tshark.readAllStandardOutput().count('\n') >= 40);
    }
};

QTEST_APPLESS_MAIN(TestMcoaOctets)
#include "test_mcoa_octets.moc"
