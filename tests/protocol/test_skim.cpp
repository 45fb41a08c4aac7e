// SPDX-License-Identifier: GPL-3.0-or-later
// skim(), which builds the index of a large capture, against decodeFrame(), which shows a frame: they must never disagree.
// ROAMSCOPE_ROUNDS asks for more mutants of each frame.
#include "tests/support/frame_checks.hpp"
#include "protocol/wire/skim.hpp"
#include "tests/support/random_messages.hpp"
#include "tests/support/test_inputs.hpp"

#include <QDirIterator>
#include <QtTest>

using namespace roamscope;
using namespace roamscope::wire;
using namespace roamscope::test;

namespace {

constexpr std::uint16_t linkTypes[] = {linkEthernet, linkNull,     linkPpp,     linkRawBsd,   linkRawOpenBsd,   linkPppHdlc, linkPppoe,   linkRaw, linkWifi,
                                       linkLoopback, linkCooked, linkRadiotap, linkPppDirection, linkRawIpv4, linkRawIpv6, linkCooked2, 147};

std::vector<InputFrame> sharedFrames()
{
    std::vector<InputFrame> out;
    const QString folder = sharedFolder();
    if (folder.isEmpty()) return out;
    QDirIterator files(folder + "/captures", {"*.pcap"}, QDir::Files, QDirIterator::Subdirectories);
    while (files.hasNext())
        for (InputFrame& frame : readPcap(files.next())) out.push_back(std::move(frame));
    return out;
}

/// The number in the environment, when it asks for more.
int atLeast(const char* variable, int usual) { return std::max(usual, qEnvironmentVariableIntValue(variable)); }

std::string faultOf(const InputFrame& frame)
{
    const std::string fault = skimFault(frame.bytes, frame.linkType, frame.originalLength);
    return fault.empty() ? fault : frame.name.toStdString() + ": " + fault + "\n" + QByteArray(reinterpret_cast<const char*>(frame.bytes.data()), static_cast<qsizetype>(frame.bytes.size())).toHex().toStdString();
}

/// Every prefix: as the whole frame, and as what a capture kept of it.
std::string prefixFault(const InputFrame& frame)
{
    InputFrame part = frame;
    for (std::size_t n = 0; n <= frame.bytes.size(); ++n) {
        part.bytes.assign(frame.bytes.begin(), frame.bytes.begin() + static_cast<std::ptrdiff_t>(n));
        for (const std::size_t original : {n, frame.bytes.size()}) {
            part.originalLength = original;
            if (std::string fault = faultOf(part); !fault.empty()) return fault;
        }
    }
    return {};
}

/// Up to 4 octets changed, most often in the headers, where they matter.
InputFrame mutated(const InputFrame& frame, RandomMessages& random)
{
    static constexpr std::uint8_t telling[] = {0, 1, 2, 4, 6, 8, 17, 41, 43, 44, 50, 51, 58, 59, 60, 135, 0x81, 0x86, 0x88, 0xa8, 0xc9, 0xdd, 0xff};
    InputFrame out = frame;
    if (out.bytes.empty()) return out;
    for (std::uint64_t n = 1 + random.below(4); n > 0; --n) {
        const std::uint64_t range = random.coin() ? std::min<std::uint64_t>(out.bytes.size(), 120) : out.bytes.size();
        std::uint8_t& octet = out.bytes[static_cast<std::size_t>(random.below(range))];
        if (random.coin()) octet = telling[random.below(std::size(telling))];
        else octet = random.u8();
    }
    if (random.below(8) == 0) out.bytes.resize(static_cast<std::size_t>(random.below(out.bytes.size() + 1)));
    if (random.below(8) != 0) out.originalLength = out.bytes.size();
    if (random.below(16) == 0) out.linkType = linkTypes[random.below(std::size(linkTypes))];
    return out;
}

}  // namespace

class TestSkim : public QObject {
    Q_OBJECT
    std::vector<InputFrame> inputs_;

private Q_SLOTS:
    void initTestCase()
    {
        inputs_ = goldenPackets();
        QVERIFY(!inputs_.empty());
        RandomMessages random(20, true);
        for (int i = 0; i < 2000; ++i) {
            Bytes bytes = random.frame();
            const std::size_t size = bytes.size();
            inputs_.push_back({QString("random %1").arg(i), std::move(bytes), linkEthernet, size});
        }
    }

    void agreesOnFramesAndOnAllTheirPrefixes()
    {
        for (std::size_t i = 0; i < inputs_.size(); ++i) {
            std::string fault = faultOf(inputs_[i]);
            if (fault.empty() && i % 8 == 0) fault = prefixFault(inputs_[i]);
            QVERIFY2(fault.empty(), fault.c_str());
        }
    }

    void agreesOnGoldenPacketsOfEveryLinkType()
    {
        for (InputFrame frame : goldenPackets())
            for (const std::uint16_t type : linkTypes) {
                frame.linkType = type;
                const std::string fault = faultOf(frame);
                QVERIFY2(fault.empty(), fault.c_str());
            }
    }

    void agreesOnCapturesOfOthers()
    {
        const std::vector<InputFrame> frames = sharedFrames();
        if (frames.empty()) QSKIP("no shared captures (set ROAMSCOPE_SHARED)");
        RandomMessages random(21, true);
        const int mutants = atLeast("ROAMSCOPE_ROUNDS", 20);
        for (const InputFrame& frame : frames) {
            std::string fault = faultOf(frame);
            for (int n = 0; n < mutants && fault.empty(); ++n) fault = faultOf(mutated(frame, random));
            QVERIFY2(fault.empty(), fault.c_str());
        }
    }

    void agreesOnHundredsOfThousandsOfMutatedFrames()
    {
        RandomMessages random(22, true);
        const int rounds = atLeast("ROAMSCOPE_ROUNDS", 150);
        for (int round = 0; round < rounds; ++round)
            for (const InputFrame& frame : inputs_) {
                const std::string fault = faultOf(mutated(frame, random));
                QVERIFY2(fault.empty(), fault.c_str());
            }
    }

    void findsSpoiledChecksumsOfEveryMobilityMessage()
    {
        RandomMessages random(23, true);
        std::size_t found = 0;
        for (InputFrame frame : inputs_) {
            const Skim good = skim(frame.bytes, frame.linkType, frame.originalLength);
            if (good.kind != FrameClass::Mobility || good.checksum != ChecksumVerdict::Good) continue;
            frame.bytes[good.messageOffset + 4] ^= static_cast<std::uint8_t>(1 + random.below(254));
            const Skim bad = skim(frame.bytes, frame.linkType, frame.originalLength);
            QCOMPARE(bad.checksum, ChecksumVerdict::Bad);
            QVERIFY((bad.marks & mark::badChecksum) != 0);
            ++found;
        }
        QVERIFY(found > 200);
    }

    void sumsOfAnyLengthAreThoseOfTheRfc()
    {
        RandomMessages random(24, false);
        for (std::size_t n = 0; n < 300; ++n) {
            const Bytes message = n % 3 == 0 ? Bytes(n, 0xff) : random.bytes(n);
            const PseudoHeader ends = random.addresses();
            // RFC 1071 §1, octet by octet.
            std::uint64_t sum = 58 + (n & 0xffff);
            const auto add = [&sum](ByteView bytes) {
                for (std::size_t i = 0; i < bytes.size(); ++i) sum += static_cast<std::uint64_t>(bytes[i]) << (i % 2 == 0 ? 8 : 0);
            };
            add(ends.source.octets);
            add(ends.destination.octets);
            add(message);
            while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
            QCOMPARE(checksum(ends, 58, message), static_cast<std::uint16_t>(~sum));
        }
    }
};

QTEST_APPLESS_MAIN(TestSkim)
#include "test_skim.moc"
