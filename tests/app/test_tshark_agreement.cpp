// SPDX-License-Identifier: GPL-3.0-or-later
// `decode -T fields` prints what tshark 4.0 prints, octet for octet, for every field that both know: over the shared captures,
// the golden packets and thousands of frames with random and with spoiled values. Differences that are tshark's fault stand in
// tests/data/tshark-differences.json with the RFC section that shows it; an entry that no longer occurs is an error too.
// ROAMSCOPE_KEEP=FOLDER keeps the generated files there.
#include "protocol/wire/summary.hpp"
#include "tests/support/pcap_writer.hpp"
#include "tests/support/random_messages.hpp"

#include <QProcess>
#include <QRegularExpression>
#include <QTemporaryDir>
#include <QtTest>
#include <map>
#include <set>

using namespace roamscope;
using namespace roamscope::wire;
using namespace roamscope::test;

namespace {

constexpr int framesOfAKind = 250;

/// An allowed difference. Empty patterns match anything.
struct Difference {
    QRegularExpression where, field, tshark, here;
    QString why;
    int seen = 0;
    bool looked = false;  ///< whether a file that `where` names was compared

    [[nodiscard]] bool matches(const QString& file, const QString& name, const QString& theirs, const QString& ours) const
    {
        return where.match(file).hasMatch() && field.match(name).hasMatch() && tshark.match(theirs).hasMatch() && here.match(ours).hasMatch();
    }
};

QRegularExpression whole(const QString& pattern)
{
    return QRegularExpression(pattern.isEmpty() ? QString() : QRegularExpression::anchoredPattern(pattern), QRegularExpression::DotMatchesEverythingOption);
}

std::vector<Difference> readDifferences()
{
    std::vector<Difference> out;
    QFile file(QStringLiteral(ROAMSCOPE_SOURCE_DIR "/tests/data/tshark-differences.json"));
    if (!file.open(QIODevice::ReadOnly)) return out;
    for (const auto& entry : QJsonDocument::fromJson(file.readAll()).array()) {
        const QJsonObject o = entry.toObject();
        out.push_back({whole(o["where"].toString()), whole(o["field"].toString()), whole(o["tshark"].toString()), whole(o["here"].toString()),
                       o["why"].toString() + " (" + o["rfc"].toString() + ")"});
    }
    return out;
}

QList<QByteArray> linesOf(const QString& program, const QStringList& arguments)
{
    QProcess process;
    QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
    environment.insert("TZ", "UTC");
    process.setProcessEnvironment(environment);
    process.start(program, arguments);
    if (!process.waitForFinished(110'000) || process.exitStatus() != QProcess::NormalExit) return {};
    return process.readAllStandardOutput().split('\n');
}

QStringList sharedNames()
{
    QStringList out;
    for (std::size_t i = 0; i < fieldCount(); ++i)
        // The headline of TCP counts from the first number of the conversation.
        if (const FieldInfo& field = info(static_cast<FieldId>(i)); field.tshark && field.name != "tcp") out << QString::fromUtf8(field.name.data(), qsizetype(field.name.size()));
    // Either of two fields, and mobility options as a whole.
    out << "ipv6.addr" << "ipv6.host" << "ipv6.src_host" << "ipv6.dst_host" << "ip.addr" << "ip.host" << "eth.addr" << "udp.port" << "tcp.port";
    const QString options = "pad1 padn bra acoa ni bad_auth mnp mhlla mnid auth mseg_id cgapr cgar sign phkt coti cot dnsu "
                            "em vsm ssm badff hnp hi att mnlli lla ts rc ipv4ha ipv4aa natd ipv4coa grek mhipv6ap bi "
                            "ipv4hareq ipv4harep ipv4dra ipv4dsm cr lmaa recap redir load_inf alt_ip4 mng mag_ipv6 acc_net_id dmnp";
    for (const QString& option : options.split(' ')) out << "mip6.options." + option;
    return out;
}

void addFrame(std::vector<InputFrame>& out, Bytes bytes)
{
    const std::size_t size = bytes.size();
    out.push_back({{}, std::move(bytes), linkEthernet, size});
}

/// One message of every kind after the other, each in a packet of its own.
template <class Make>
std::vector<InputFrame> messages(std::uint64_t seed, std::size_t kinds, std::uint8_t nextHeader, const Make& make)
{
    std::vector<InputFrame> out;
    RandomMessages random(seed, false);
    for (std::size_t kind = 0; kind < kinds; ++kind)
        for (int i = 0; i < framesOfAKind; ++i) {
            Ipv6Packet packet = random.packet(nextHeader, {});
            packet.payload = make(random, kind, packet.pseudoHeader());
            addFrame(out, emitEthernet(random.ethernet(), emitIpv6(packet)));
        }
    return out;
}

/// Numbers of messages and options of the Mobility Header that tshark reads wrong, by their entries in the list of differences.
struct Misread {
    std::set<std::uint64_t> messages, options;
};

/// Random frames with nothing in them that tshark is known to read wrong.
std::vector<InputFrame> randomFrames(std::size_t count, std::uint64_t seed, const Misread& misread)
{
    std::vector<InputFrame> out;
    RandomMessages random(seed, false);
    while (out.size() < count) {
        Bytes frame = random.frame();
        const Dissection d = dissect(frame, linkEthernet, frame.size());
        const bool right = std::none_of(d.nodes.begin(), d.nodes.end(), [&](const FieldNode& node) {
            const auto* number = std::get_if<std::uint64_t>(&node.value);
            return number && ((node.field == FieldId::MhType && misread.messages.contains(*number)) ||
                              (node.field == FieldId::MobilityOptionType && misread.options.contains(*number)));
        });
        if (right) addFrame(out, std::move(frame));
    }
    return out;
}

/// Every mobility message without options, named message/TYPE, and every mobility option alone in a Binding Update, named
/// option/TYPE. What stands behind a message or option that a program reads wrong does not matter then.
std::vector<InputFrame> mobilityFrames()
{
    std::vector<InputFrame> out;
    RandomMessages random(32, false);
    const auto add = [&](const MobilityMessage& message, const char* kind, FieldId number) {
        Ipv6Packet packet;
        packet.source = random.address();
        packet.destination = random.address();
        packet.nextHeader = protocol::mobility;
        packet.payload = emitMobility(message, packet.pseudoHeader());
        addFrame(out, emitEthernet(random.ethernet(), emitIpv6(packet)));
        for (const FieldNode& node : dissect(out.back().bytes, linkEthernet, out.back().bytes.size()).nodes)
            if (const auto* v = std::get_if<std::uint64_t>(&node.value); v && node.field == number && (*v > 1 || number == FieldId::MhType))
                out.back().name = QString("%1/%2").arg(kind).arg(*v);
    };
    for (std::size_t kind = 0; kind < std::variant_size_v<MobilityMessage>; ++kind)
        for (int i = 0; i < framesOfAKind; ++i) {
            MobilityMessage message = random.mobility(kind);
            std::visit([](auto& m) { if constexpr (requires { m.options.clear(); }) m.options.clear(); }, message);
            add(message, "message", FieldId::MhType);
        }
    for (std::size_t kind = 0; kind < std::variant_size_v<MobilityOption>; ++kind)
        for (int i = 0; i < framesOfAKind; ++i) {
            BindingUpdate update;
            update.options.push_back(random.mobilityOption(kind));
            add(update, "option", FieldId::MobilityOptionType);
        }
    return out;
}

/// Fields that say how the octets behind them are to be read.
bool isStructure(const FieldNode& node)
{
    static const QRegularExpression names(".*(length|len|nxt|next_header|type(\\.(action|change|rest))?|etype|proto|version|nb_.*|count|segleft|port|mhtype|hlen|offset|more|option_code|"
                                          "status|padn|pad_length|unused)");
    const std::string_view name = info(node.field).name;
    return names.match(QString::fromUtf8(name.data(), qsizetype(name.size())), 0, QRegularExpression::NormalMatch, QRegularExpression::AnchorAtOffsetMatchOption)
               .capturedLength() == qsizetype(name.size());
}

/// Frames in which one field has another value.
std::vector<InputFrame> spoiledFrames(std::size_t count, const Misread& misread)
{
    std::vector<InputFrame> out = randomFrames(count, 21, misread);
    RandomMessages random(22, false);
    for (InputFrame& frame : out) {
        const Dissection d = dissect(frame.bytes, frame.linkType, frame.originalLength);
        for (int tries = 0; tries < 20; ++tries) {
            const FieldNode& node = d.nodes[random.below(d.nodes.size())];
            if (node.length == 0 || node.buffer != 0 || std::holds_alternative<std::monostate>(node.value) || isStructure(node)) continue;
            const std::uint64_t mask = info(node.field).mask;
            std::uint64_t bit = random.below(8 * node.length);  // from the end of the field
            while (mask != 0 && (mask >> bit & 1) == 0) bit = random.below(8 * node.length);
            frame.bytes[node.offset + node.length - 1 - bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
            break;
        }
    }
    return out;
}

Bytes operator+(Bytes a, const Bytes& b)
{
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

Bytes hex(const char* text) { return fromHex(QString::fromLatin1(text)); }

/// What stands between the start of a frame and its IPv6 packet.
struct Carrier {
    const char* name;
    std::uint16_t linkType;
    const char* head;  ///< hexadecimal
    bool ipv4 = false; ///< an IPv4 header with protocol 41 follows it
};

constexpr Carrier carriers[] = {
    {"vlan", linkEthernet, "020000000001020000000002 8100a005 86dd"},
    {"qinq", linkEthernet, "020000000001020000000002 88a80064 81000005 86dd"},
    {"ipv4", linkEthernet, "020000000001020000000002 0800", true},
    {"cooked", linkCooked, "0000 0001 0006 020000000002 0000 86dd"},
    {"cooked2", linkCooked2, "86dd 0000 00000002 0001 00 06 0200000000020000"},
    {"null", linkNull, "1e000000"},
    {"loopback", linkLoopback, "0000001e"},
    {"raw", linkRaw, ""},
    {"raw-ipv6", linkRawIpv6, ""},
    {"ppp", linkPpp, "ff030057"},
    {"ppp-hdlc", linkPppHdlc, "ff030057"},
    {"wifi", linkWifi, "0801 0000 020000000001 020000000002 020000000003 1000 aaaa03000000 86dd"},
    {"wifi-qos", linkWifi, "8802 2c00 020000000001 020000000002 020000000003 2000 0000 aaaa03000000 86dd"},
    {"radiotap", linkRadiotap, "0000080000000000 0801 0000 020000000001 020000000002 020000000003 1000 aaaa03000000 86dd"},
};

/// A packet in an IPv4 tunnel (RFC 4213 §3.5); the header checksum is not looked at by either program.
Bytes inIpv4(const Bytes& packet)
{
    const std::size_t size = 20 + packet.size();
    Bytes header = hex("4500 0000 1234 4000 4029 0000 c0000201 c6336402");
    header[2] = static_cast<std::uint8_t>(size >> 8);
    header[3] = static_cast<std::uint8_t>(size);
    return header + packet;
}

std::vector<InputFrame> carried(const Carrier& carrier, const Misread& misread)
{
    std::vector<InputFrame> out;
    for (const InputFrame& frame : randomFrames(60, 41, misread)) {
        const Bytes packet(frame.bytes.begin() + 14, frame.bytes.end());
        Bytes bytes = hex(carrier.head) + (carrier.ipv4 ? inIpv4(packet) : packet);
        const std::size_t size = bytes.size();
        out.push_back({{}, std::move(bytes), carrier.linkType, size});
    }
    return out;
}

/// Packets whose extension headers are put together by hand: the chain in front of an echo request, in hexadecimal.
std::vector<InputFrame> chains()
{
    static constexpr const char* heads[] = {
        "33 3a04000000000001 00000002 0102030405060708090a0b0c",                         // AH
        "32 00001000 00000007 0102030405060708090a0b0c0d0e0f10",                         // ESP
        "2c 3a000001 12345678",                                                          // first fragment
        "2c 3a000010 12345679",                                                          // last fragment
        "2c 3a000000 1234567a",                                                          // atomic fragment
        "2b 3a020201 00000000 20010db8000000000000000000000001",                         // routing type 2
        "2b 3a020400 00000000 20010db8000000000000000000000001",                         // segment routing
        "2b 3a020000 00000000 20010db8000000000000000000000001",                         // source route
        "2b 3a01fd00 000000000102030405060708090a",                                      // experiment
        "3c 3a0004010301 0000", "3c 3a00c20400010000", "00 3a00050200000100",            // tunnel limit, jumbo, router alert
        "3c 3a01010a00000000000000000000 0000",                                          // padding
        "87 3a 01 00 00 0000 0000 0000 0000 0000 0000",                                  // a mobility header in front
        "fd 01020304", "fe 01020304", "06 0050 1000 00000001 00000002 5010 2000 0000 0000", "3b 0102",
    };
    std::vector<InputFrame> out;
    RandomMessages random(42, false);
    for (const char* text : heads) {
        const Bytes head = hex(text);
        Ipv6Packet packet;
        packet.source = random.address();
        packet.destination = random.address();
        packet.nextHeader = protocol::none;
        packet.payload = Bytes(head.begin() + 1, head.end()) + emitIcmpv6(Echo{false, 1, 2, {3, 4, 5}}, packet.pseudoHeader());
        Bytes bytes = emitIpv6(packet);
        bytes[6] = head[0];
        addFrame(out, emitEthernet(random.ethernet(), bytes));
    }
    return out;
}

Misread misreadBy(const std::vector<Difference>& differences)
{
    Misread out;
    for (int number = 0; number < 256; ++number)
        for (const Difference& d : differences) {
            if (d.where.match(QString("message/%1").arg(number)).hasMatch()) out.messages.insert(std::uint64_t(number));
            if (d.where.match(QString("option/%1").arg(number)).hasMatch()) out.options.insert(std::uint64_t(number));
        }
    return out;
}

}  // namespace

class TestTsharkAgreement : public QObject {
    Q_OBJECT
    QTemporaryDir folder_;
    QString shared_ = sharedFolder();
    QStringList names_ = sharedNames();
    std::vector<Difference> differences_ = readDifferences();
    Misread misread_ = misreadBy(differences_);

    [[nodiscard]] QString file(QString name) const
    {
        const QString keep = qEnvironmentVariable("ROAMSCOPE_KEEP");
        return QDir(keep.isEmpty() ? folder_.path() : keep).filePath(name.replace('/', '-') + ".pcap");
    }

    /// The entry that allows this difference, or null.
    Difference* allowed(const QString& file, const QString& name, const QString& theirs, const QString& ours)
    {
        for (Difference& d : differences_)
            if (d.matches(file, name, theirs, ours)) return &d;
        return nullptr;
    }

    /// Compares every cell of `path`, which is called `file` in the list of differences; gives the number of cells that agree.
    std::size_t compare(const QString& path, const QString& file, const QStringList& extra = {}, const std::vector<InputFrame>& frames = {})
    {
        const auto label = [&](qsizetype i) { return std::size_t(i) < frames.size() && !frames[std::size_t(i)].name.isEmpty() ? frames[std::size_t(i)].name : file; };
        for (Difference& d : differences_)
            for (qsizetype i = 0; i <= qsizetype(frames.size()) && !d.looked; ++i) d.looked = d.where.match(label(i)).hasMatch();
        QStringList names = names_, fields;
        // Random messages hold options that tshark reads wrong, each in its own way; the fields inside them are judged one by one.
        if (!frames.empty()) names = names.filter(QRegularExpression("^(?!mip6\\.options\\.)"));
        for (const QString& name : names) fields << "-e" << name;
        // Names of vendors come from a table of tshark's installation, not from the octets.
        const QList<QByteArray> theirs = linesOf("tshark", QStringList{"-n", "-r", path, "-T", "fields"} + fields + extra);
        const QList<QByteArray> ours = linesOf(ROAMSCOPE_BIN_DIR "/roamscope-cli", QStringList{"decode", path, "-T", "fields"} + fields);
        if (theirs.size() < 2 || ours.size() != theirs.size()) {
            qWarning() << file << ours.size() << "lines here," << theirs.size() << "of tshark";
            return 0;
        }
        std::size_t agreed = 0;
        std::map<QString, int> wrong;  // by label and field
        for (qsizetype i = 0; i < theirs.size(); ++i) {
            const QList<QByteArray> left = ours[i].split('\t');
            const QList<QByteArray> right = theirs[i].split('\t');
            for (qsizetype f = 0; f < std::max(left.size(), right.size()); ++f) {
                const QByteArray a = left.value(f), b = right.value(f);
                if (a == b) {
                    agreed += a.isEmpty() ? 0u : 1u;
                } else if (Difference* d = allowed(label(i), names.value(f), QString::fromUtf8(b), QString::fromUtf8(a))) {
                    ++d->seen;
                } else if (wrong[label(i) + " " + names.value(f)]++ < 2) {
                    qWarning().noquote() << label(i) << "frame" << i + 1 << names.value(f) << "here" << a.left(300) << "tshark" << b.left(300);
                }
            }
        }
        for (const auto& [name, count] : wrong) qWarning().noquote() << name << "differs in" << count << "frames of" << file;
        return wrong.empty() ? agreed : 0;
    }

private Q_SLOTS:
    void initTestCase()
    {
        const QList<QByteArray> version = linesOf("tshark", {"--version"});
        if (version.isEmpty()) QSKIP("tshark is not installed (apt install tshark)");
        if (!version[0].contains(" 4.0.")) QSKIP("this tshark is not 4.0, whose output is the measure");
        QVERIFY(names_.size() > 200);
        QVERIFY(folder_.isValid());
    }
    void captures_data()
    {
        QTest::addColumn<QString>("path");
        QTest::newRow("vectors.pcap") << QStringLiteral(ROAMSCOPE_SOURCE_DIR "/tests/data/vectors.pcap");
        QTest::newRow("vendor-3gpp.pcap") << QStringLiteral(ROAMSCOPE_SOURCE_DIR "/tests/data/vendor-3gpp.pcap");
        if (shared_.isEmpty()) return;
        const QDir captures(shared_ + "/captures");
        for (const QString& folder : captures.entryList(QDir::Dirs | QDir::NoDotAndDotDot, QDir::Name))
            for (const QString& file : QDir(captures.filePath(folder)).entryList({"*.pcap", "*.pcapng"}, QDir::Files, QDir::Name)) {
                const QString name = folder + "/" + file;
                QTest::newRow(qPrintable(name)) << captures.filePath(name);
            }
    }
    void captures()
    {
        QFETCH(QString, path);
        const std::size_t agreed = compare(path, QTest::currentDataTag());
        qInfo() << agreed << "cells agree";
        QVERIFY(agreed > 0);
    }
    void generated_data()
    {
        QTest::addColumn<int>("set");
        QTest::newRow("generated/icmpv6") << 0;
        QTest::newRow("generated/mobility") << 1;
        QTest::newRow("generated/nested") << 2;
        QTest::newRow("generated/spoiled") << 3;
        QTest::newRow("generated/acknowledgements") << 4;
    }
    void generated()
    {
        QFETCH(int, set);
        std::vector<InputFrame> frames;
        if (set == 0)
            frames = messages(31, std::variant_size_v<Icmpv6Message>, protocol::icmpv6,
                              [](RandomMessages& r, std::size_t kind, const PseudoHeader& a) { return emitIcmpv6(r.icmpv6(kind), a); });
        else if (set == 1) frames = mobilityFrames();
        else if (set == 4)
            frames = messages(33, 2, protocol::icmpv6, [](RandomMessages& r, std::size_t kind, const PseudoHeader& a) {
                AdvertisementAck ack{2, std::nullopt};
                if (kind == 1) ack.careOf = r.address();
                return emitIcmpv6(NeighborAdvertisement{true, false, false, r.address(), {ack}}, a);
            });
        else frames = set == 2 ? randomFrames(3000, 21, misread_) : spoiledFrames(3000, misread_);
        const QString name = QTest::currentDataTag();
        const QString path = file(name);
        QVERIFY(writePcap(path, frames));
        // The random data of a datagram must not be guessed to be some protocol.
        const std::size_t agreed = compare(path, name, {"-d", "udp.port==52010-52089,data"}, frames);
        qInfo() << agreed << "cells agree";
        QVERIFY(agreed > 10 * frames.size());
    }
    void otherCarriers_data()
    {
        QTest::addColumn<int>("carrier");
        for (std::size_t i = 0; i < std::size(carriers); ++i) QTest::addRow("carrier/%s", carriers[i].name) << int(i);
        QTest::newRow("carrier/chains") << -1;
    }
    void otherCarriers()
    {
        QFETCH(int, carrier);
        const std::vector<InputFrame> frames = carrier < 0 ? chains() : carried(carriers[carrier], misread_);
        const QString name = QTest::currentDataTag();
        const QString path = file(name);
        QVERIFY(writePcap(path, frames, frames[0].linkType));
        const std::size_t agreed = compare(path, name, {"-d", "udp.port==52010-52089,data"}, frames);
        qInfo() << agreed << "cells agree";
        QVERIFY(agreed > 10 * frames.size());
    }
    void everyAllowedDifferenceOccurs()
    {
        QVERIFY(!differences_.empty());
        int stale = 0;
        for (const Difference& d : differences_) {
            QVERIFY2(d.where.isValid() && d.field.isValid() && d.tshark.isValid() && d.here.isValid(), qPrintable(d.why));
            QVERIFY2(d.why.contains("RFC "), qPrintable(d.why));
            if (!d.looked || d.seen > 0) continue;
            ++stale;
            qWarning().noquote() << "does not occur any more:" << d.field.pattern() << d.why;
        }
        QCOMPARE(stale, 0);
    }
};

QTEST_GUILESS_MAIN(TestTsharkAgreement)
#include "test_tshark_agreement.moc"
