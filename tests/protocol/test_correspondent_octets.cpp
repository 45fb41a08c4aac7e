// SPDX-License-Identifier: GPL-3.0-or-later
// Updates with binding identifiers built octet by octet (RFC 5648 §4, RFC 6275 §6.1.7, §6.2.7) thrown at a correspondent: the octets of
// its answers. Only the authenticator is computed by the project's own code, which other tests compare with published values.
#include "tests/support/correspondent_bench.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::node;
using namespace roamscope::test;

namespace {

const QByteArray A1 = "20010db8030000000000000000000005";  // careOf
const QByteArray A2 = "20010db8040000000000000000000005";  // other

QByteArray number(int value, int digits) { return QByteArray::number(value, 16).rightJustified(digits, '0'); }
QByteArray bid(int n, const QByteArray& address) { return "2314" + number(n, 4) + "0000" + address; }
QByteArray again(int n) { return "2304" + number(n, 4) + "0000"; }

struct Peer : Bench {
    int sequence = 0x2000;

    explicit Peer(const Correspondent::Settings& settings = {}) : Bench(true, settings) {}

    /// An update proven for `registered`; "status lifetime options" of the answer without padding and authenticator.
    QByteArray tell(const QByteArray& flagsAndLifetime, const QByteArray& options, const Ipv6Address& registered = careOf, const Ipv6Address& from = careOf)
    {
        const Tokens t = tokens(registered);
        const bool deletes = flagsAndLifetime.right(4) == "0000";
        ++sequence;
        QByteArray hex = "3b0005000000" + number(sequence, 4) + flagsAndLifetime + "0404" + number(t.homeIndex, 4) + number(t.careOfIndex, 4) + options;
        while (hex.size() / 2 % 8 != 2) hex += "00";  // Pad1
        hex += "050c" + QByteArray(24, '0');
        const QByteArray raw = QByteArray::fromHex(hex);
        Bytes mh(raw.begin(), raw.end());
        mh[1] = static_cast<std::uint8_t>(mh.size() / 8 - 1);
        const Bytes key = deletes ? bindingKey(t.home, {}) : bindingKey(t.home, t.careOf);
        const Ipv6Address covered = deletes ? home : registered;
        const Bytes proof = authenticator(key, covered, own, mh);
        std::copy(proof.begin(), proof.end(), mh.end() - 12);
        wire::Ipv6Packet packet;
        packet.source = from;
        packet.destination = own;
        packet.nextHeader = wire::protocol::mobility;
        packet.setHomeAddress(home);
        const std::uint16_t sum = wire::checksum(packet.pseudoHeader(), wire::protocol::mobility, mh);
        mh[4] = static_cast<std::uint8_t>(sum >> 8);
        mh[5] = static_cast<std::uint8_t>(sum);
        packet.payload = mh;
        for (const Seen& s : answers(packet)) {
            const Bytes& answer = s.inner().payload;
            if (s.inner().nextHeader != wire::protocol::mobility || answer.size() < 12 || answer[2] != 6) continue;
            if (answer[7] != 0) return "flags";
            if (s.inner().destination != from || !s.inner().routing) return "address";
            QByteArrayList found;
            bool proven = false;
            for (std::size_t at = 12; at < answer.size();) {
                if (answer[at] == 0) {
                    ++at;
                    continue;
                }
                const std::size_t end = at + 2 + answer[at + 1];
                if (end > answer.size()) return "runs past the end";
                if (answer[at] == 5) proven = end == answer.size() && std::equal(answer.begin() + static_cast<std::ptrdiff_t>(at) + 2, answer.end(), authenticator(key, covered, own, answer).begin());
                else if (answer[at] != 1) found << QByteArray(reinterpret_cast<const char*>(answer.data() + at), qsizetype(end - at)).toHex();
                at = end;
            }
            return (QByteArray::number(answer[6]) + " " + number(answer[10] << 8 | answer[11], 4) + " " + found.join(' ') + (proven ? "" : " unproven")).trimmed();
        }
        return "none";
    }
};

const QByteArray A = "80000032";   // acknowledge, 200 s
const QByteArray AO = "80400032";  // and overwrite
const QByteArray AZ = "80000000";  // delete

}  // namespace

class TestCorrespondentOctets : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void MCOA_CN_07_registeredRefreshedDeleted()
    {
        Peer b;
        QCOMPARE(b.tell(A, bid(1, A1)), "0 0032 " + again(1));
        QCOMPARE(b.tell(A, bid(2, A2), other, other), "0 0032 " + again(2));
        QCOMPARE(b.tell(A, again(2), other), "0 0032 " + again(2));
        QVERIFY2(b.tell(A, again(2), careOf) == "none", "MCOA-CN-05");
        QCOMPARE(b.tell(AZ, again(1)), "0 0000 " + again(1));
        QCOMPARE(b.tell(AZ, again(1)), "133 0000 " + again(1));
        QCOMPARE(b.tell(AO, bid(3, A1)), "0 0032 " + again(3));
        QCOMPARE(b.tell(A, again(2), careOf), "167 0000 " + again(2));
        QCOMPARE(b.tell(AZ, ""), QByteArray("0 0000"));
        QVERIFY(!b.binding());
    }

    void MCOA_CN_01_04_refusals()
    {
        Peer b;
        QVERIFY2(b.tell(A, bid(1, A1) + bid(2, A2)) == "168 0000 " + again(1) + " " + again(2), "MCOA-CN-01");
        QVERIFY2(b.tell(A, "23080001" "0000c0000201") == "164 0000 " + again(1), "MCOA-CN-04");
        QVERIFY2(b.tell(A, "23060001" "00000000") == "164 0000 " + again(1), "MCOA-HA-02 for a correspondent");
        QVERIFY2(b.tell(A, bid(1, "ff020000000000000000000000000001")) == "164 0000 " + again(1), "MCOA-HA-02");
        QCOMPARE(b.tell(A, ""), QByteArray("0 0032"));
        QVERIFY2(b.tell(A, bid(1, A1)) == "165 0000 " + again(1), "MCOA-HA-06");
        Correspondent::Settings settings;
        settings.bids.support = Support::Prohibited;
        Peer prohibited(settings);
        QVERIFY2(prohibited.tell(A, bid(1, A1)) == "166 0000 " + again(1), "MCOA-HA-10");
    }

    void MCOA_HA_08_optionsComeBackWithEveryRefusal()
    {
        Peer b;
        (void)b.tell(A, bid(1, A1));
        b.sequence -= 2;
        QVERIFY2(b.tell(A, bid(1, A1)) == "135 0000 " + again(1), "MCOA-HA-08, MCOA-HA-12: the option comes back with 135, too");
    }
};

QTEST_APPLESS_MAIN(TestCorrespondentOctets)
#include "test_correspondent_octets.moc"
