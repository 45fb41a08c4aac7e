// SPDX-License-Identifier: GPL-3.0-or-later
// ESP: opened with keys, opened because nothing is encrypted, left closed otherwise; AH; and tshark's opinion on the same packets.
// The packets were made with Python's cryptography package: SPI 0x200, keys 00 01 02 ... , IV a0 a1 a2 ...
#include "protocol/base/random.hpp"
#include "protocol/wire/esp.hpp"
#include "protocol/wire/summary.hpp"

#include "tests/support/frame_checks.hpp"
#include "tests/support/test_inputs.hpp"

#include <QProcess>
#include <QStandardPaths>
#include <QTemporaryDir>
#include <QtTest>

using namespace roamscope;
using namespace roamscope::wire;
using namespace roamscope::test;
using crypto::Encryption;
using crypto::Integrity;

namespace {

struct EspPacket {
    const char* name;
    const char* hex;
};

/// What home_bu_tunnelled carries in its tunnel (or, for the tunnels, lbu) behind its destination options, as ESP.
const std::vector<EspPacket>& packets()
{
    static const std::vector<EspPacket> list{
        {"null none",
         "00000200000000033b030500c2b21234f00000960100031020010db803000000021122fffe33445501020287"},
        {"null sha1",
         "00000200000000033b030500c2b21234f00000960100031020010db803000000021122fffe33445501020287bbbaa5ca681a8cfacc57db05"},
        {"null sha256",
         "00000200000000033b030500c2b21234f00000960100031020010db803000000021122fffe33445501020287ccc6a7a3a57713e0423c6724adba176c"},
        {"aes-cbc sha1",
         "0000020000000003a0a1a2a3a4a5a6a7a8a9aaabacadaeaf5a7240f25910ebfb64a2818bf3e49649745b26b706a61dd0c3222ab10be3009a336dde9183e06bd2"
         "f6b837988a01b9d8ec0ffc2d8e711703164afdd3"},
        {"aes-cbc-256 sha256",
         "0000020000000003a0a1a2a3a4a5a6a7a8a9aaabacadaeaff7e2312d40746d3185baad94ef6a83f4a06e1ea39cc0aa0172af3c069436f82c7e4761a45a936101"
         "d9e54e06ba8a1ecfee8187140f6241aac858067e6ea6cb3a"},
        {"aes-cbc none",
         "0000020000000003a0a1a2a3a4a5a6a7a8a9aaabacadaeaf5a7240f25910ebfb64a2818bf3e49649745b26b706a61dd0c3222ab10be3009a336dde9183e06bd2"
         "f6b837988a01b9d8"},
        {"3des sha1",
         "0000020000000003a0a1a2a3a4a5a6a7cdf46bc472f17b308797fa738013cfae317a768a01ac5286f1eb70ad681fb0cace872cf2b54003c52ab2c615bc4716fe"
         "35412f7b"},
        {"aes-ctr sha1",
         "0000020000000003a0a1a2a3a4a5a6a7f0ded02d9bff76b0fcadc3e15389a536f2f8cae7cd0bdd578f0cd1bbb0610fcddf6b71c84e9466e816f0028f5a2a4f2d"},
        {"aes-gcm",
         "0000020000000003a0a1a2a3a4a5a6a7e9fac25f0cb9cf637d1df3d24f524888fe687ef71c0bcb19e1084451cddd610ff8d603e59ccd3b27cbad051f062412fe"
         "dfe3c775"},
        {"tunnel aes-cbc sha1",
         "0000020000000003a0a1a2a3a4a5a6a7a8a9aaabacadaeaf2d66be729ce2efc6f115fb94b42a3ddc627098f66f47df797abfd332a0dcdc96258ee056a6e1872f"
         "dbab703f9e6deeabd08eb597c5fa37311325b5b6fb7a34d08a003578235693b9343fa22f368c3b3dc415ae340baa84a4be0cd4536778de85db60ca928014a346"
         "751d6438"},
        {"tunnel null sha1",
         "00000200000000036000000000283c4020010db800a10000021122fffe33445520010db8030000000000000000000001870201020000c91020010db803000000"
         "021122fffe3344553b0105006cc100018800009601020000010202297a9d7acdc50cd649f630cacb"},
    };
    return list;
}

Bytes counting(std::size_t n)
{
    Bytes out(n);
    for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<std::uint8_t>(i);
    return out;
}

EspAssociation associationFor(const QString& name)
{
    EspAssociation a;
    a.spi = 0x200;
    if (name.contains("aes-cbc")) a.encryption = Encryption::AesCbc;
    if (name.contains("3des")) a.encryption = Encryption::TripleDesCbc;
    if (name.contains("ctr")) a.encryption = Encryption::AesCtr;
    if (name.contains("gcm")) a.encryption = Encryption::AesGcm16;
    const std::size_t size = a.encryption == Encryption::Null ? 0 : name.contains("256 ") ? 32 : a.encryption == Encryption::AesCbc ? 16 : a.encryption == Encryption::TripleDesCbc ? 24 : 20;
    a.encryptionKey = counting(size);
    if (name.contains("sha1")) a.integrity = Integrity::HmacSha1_96;
    if (name.contains("sha256")) a.integrity = Integrity::HmacSha256_128;
    a.integrityKey = counting(a.integrity == Integrity::None ? 0 : a.integrity == Integrity::HmacSha1_96 ? 20 : 32);
    return a;
}

Bytes golden(const QString& name)
{
    for (const InputFrame& packet : goldenPackets())
        if (packet.name == name) return packet.bytes;
    return {};
}

/// The packet of `name` with ESP in place of its message.
Bytes frameOf(const EspPacket& esp)
{
    const Bytes whole = golden("home_bu_tunnelled");
    Ipv6Packet packet = *decodeFrame(whole, linkRawIpv6, whole.size()).inner();
    packet.nextHeader = protocol::esp;
    packet.payload = fromHex(esp.hex);
    return emitIpv6(packet);
}

const char* stateOf(const Dissection& d)
{
    for (const FieldNode& node : d.nodes)
        if (node.field == FieldId::EspState) return std::get<std::string>(node.value).c_str();
    return "";
}

bool isOpen(const DecodedFrame& frame)
{
    const auto* m = std::get_if<Checked<MobilityMessage>>(&frame.message);
    return m && m->checksum == ChecksumVerdict::Good && std::holds_alternative<BindingUpdate>(m->value);
}

}  // namespace

class TestEsp : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void keysOpenIt()
    {
        for (const EspPacket& esp : packets()) {
            const Bytes frame = frameOf(esp);
            EspKeys keys;
            keys.add(associationFor(esp.name));
            DecodeContext context;
            context.keys = &keys;
            const DecodedFrame decoded = decodeFrame(frame, linkRawIpv6, frame.size(), nullptr, context);
            const Dissection d = dissect(frame, linkRawIpv6, frame.size(), context);
            QVERIFY2(isOpen(decoded) && !decoded.encrypted && !decoded.error, esp.name);
            QVERIFY2(d.findings.empty() && !d.summary.malformed, esp.name);
            QVERIFY2(std::string(stateOf(d)).starts_with("opened with the key given"), stateOf(d));
            const bool derived = !QString(esp.name).contains("null");
            QCOMPARE(d.buffers.size(), std::size_t{derived ? 1u : 0u});
            QCOMPARE(nodeFault(frame, [&] {
                         std::vector<FieldNode> own;
                         for (const FieldNode& node : d.nodes)
                             if (node.buffer == 0) own.push_back(node);
                         return own;
                     }()),
                     std::string{});
            if (derived) {
                std::vector<FieldNode> inside;
                for (const FieldNode& node : d.nodes)
                    if (node.buffer == 1) inside.push_back(node);
                QCOMPARE(nodeFault(d.buffers[0].bytes, inside), std::string{});
                QVERIFY(inside.size() > 10);
            }
        }
    }
    void aWrongKeyIsSaidAndIsNoFinding()
    {
        for (const EspPacket& esp : packets()) {
            EspAssociation association = associationFor(esp.name);
            if (association.encryption == Encryption::Null) continue;  // what is not encrypted is read all the same
            for (Bytes* key : {&association.encryptionKey, &association.integrityKey})
                if (!key->empty()) key->front() ^= 0x55;
            EspKeys keys;
            keys.add(association);
            DecodeContext context;
            context.keys = &keys;
            const Bytes frame = frameOf(esp);
            const DecodedFrame decoded = decodeFrame(frame, linkRawIpv6, frame.size(), nullptr, context);
            QVERIFY2(decoded.encrypted && decoded.upper == protocol::esp && std::holds_alternative<std::monostate>(decoded.message), esp.name);
            const Dissection d = dissect(frame, linkRawIpv6, frame.size(), context);
            QVERIFY2(d.findings.empty() && !d.summary.malformed, esp.name);
            QVERIFY2(std::string(stateOf(d)).find("another key") != std::string::npos, stateOf(d));
        }
    }
    void nothingEncryptedIsSeenWithoutKeys()
    {
        for (const EspPacket& esp : packets()) {
            const Bytes frame = frameOf(esp);
            const DecodedFrame decoded = decodeFrame(frame, linkRawIpv6, frame.size());
            const Dissection d = dissect(frame, linkRawIpv6, frame.size());
            QCOMPARE(isOpen(decoded), QString(esp.name).contains("null"));
            QVERIFY(decoded.encrypted != isOpen(decoded));
            QVERIFY2(d.findings.empty(), esp.name);
            QVERIFY2(!isOpen(decoded) || std::string(stateOf(d)).starts_with("not encrypted, it seems"), stateOf(d));
            QCOMPARE(skimFault(frame, linkRawIpv6, frame.size()), std::string{});
        }
    }
    void everyPrefixIsOnlyCut()
    {
        for (const EspPacket& esp : packets()) {
            const Bytes frame = frameOf(esp);
            EspKeys keys;
            keys.add(associationFor(esp.name));
            DecodeContext context;
            context.keys = &keys;
            for (std::size_t kept = 0; kept < frame.size(); ++kept) {
                const Bytes prefix(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(kept));
                const Dissection d = dissect(prefix, linkRawIpv6, frame.size(), context);
                QVERIFY2(d.findings.empty() && !d.summary.malformed, esp.name);
                QVERIFY2(nodeFault(prefix, d.nodes).empty(), esp.name);
            }
        }
    }
    void associationsAreChosenByAddressToo()
    {
        EspKeys keys;
        EspAssociation other = associationFor("aes-gcm");
        other.destination = *Ipv6Address::parse("2001:db8::9");
        keys.add(other);
        QVERIFY(!keys.find(0x200, {}, {}));
        keys.add(associationFor("aes-cbc sha1"));
        QVERIFY(keys.find(0x200, {}, {})->encryption == Encryption::AesCbc);
        QVERIFY(keys.find(0x200, {}, *other.destination)->encryption == Encryption::AesGcm16);
        QVERIFY(!keys.find(0x201, {}, {}));
    }
    void randomOctetsAreNotTakenForAnOpenPacket()
    {
        Random random(5);
        for (int i = 0; i < 20'000; ++i) {
            Bytes esp(8 + random.below(120));
            for (std::uint8_t& octet : esp) octet = static_cast<std::uint8_t>(random.next());
            QVERIFY(!openNullEsp(esp, {}));
        }
    }
    /// RFC 6275 §6.3: a home address option inside ESP is out of place.
    void aHomeAddressInsideEspIsAFinding()
    {
        Ipv6Packet inner = *decodeFrame(golden("home_bu_tunnelled"), linkRawIpv6, golden("home_bu_tunnelled").size()).inner();
        const Bytes emitted = emitIpv6(inner);
        Bytes esp = fromHex("0000020000000003");
        esp.insert(esp.end(), emitted.begin() + 40, emitted.end());
        esp.insert(esp.end(), {1, 2, 2, 60});
        Ipv6Packet outer;
        outer.source = *inner.homeAddress();
        outer.destination = inner.destination;
        outer.nextHeader = protocol::esp;
        outer.payload = esp;
        const Bytes frame = emitIpv6(outer);
        const Dissection d = dissect(frame, linkRawIpv6, frame.size());
        QCOMPARE(d.findings.size(), std::size_t{1});
        QCOMPARE(d.findings[0].rfc, std::string_view("RFC 6275 §6.3"));
        QCOMPARE(int(d.findings[0].offset), 48 + 6);
        QVERIFY(isOpen(decodeFrame(frame, linkRawIpv6, frame.size())));
    }
    void tsharkReadsTheSame()
    {
        if (QStandardPaths::findExecutable("tshark").isEmpty()) QSKIP("tshark is not installed (apt install tshark)");
        QTemporaryDir folder;
        const auto compare = [&](const char* name, const QString& encryption, const QString& key) {
            QByteArray out;
            const auto found = std::find_if(packets().begin(), packets().end(), [&](const EspPacket& p) { return QString(p.name) == name; });
            const Bytes frame = frameOf(*found);
            for (const std::uint32_t v : {0xa1b2c3d4u, 0x00040002u, 0u, 0u, 262144u, 229u, 1u, 0u, std::uint32_t(frame.size()), std::uint32_t(frame.size())})
                for (int i = 0; i < 4; ++i) out.append(static_cast<char>(v >> 8 * i));
            out.append(reinterpret_cast<const char*>(frame.data()), qsizetype(frame.size()));
            QFile file(folder.filePath("esp.pcap"));
            QVERIFY(file.open(QIODevice::WriteOnly) && file.write(out) == out.size());
            file.close();
            QProcess tshark;
            tshark.start("tshark", {"-r", file.fileName(), "-o", "esp.enable_encryption_decode:TRUE", "-o", "esp.enable_authentication_check:TRUE", "-o",
                                    QString("uat:esp_sa:\"IPv6\",\"*\",\"*\",\"0x00000200\",\"%1\",\"%2\",\"HMAC-SHA-1-96 [RFC2404]\",\"0x000102030405060708090a0b0c0d0e0f10111213\"").arg(encryption, key),
                                    "-T", "fields", "-E", "separator=/s", "-e", "esp.spi", "-e", "esp.sequence", "-e", "esp.iv", "-e", "esp.pad_len", "-e", "esp.protocol", "-e", "mip6.bu.seqnr"});
            QVERIFY(tshark.waitForFinished(60'000));
            EspKeys keys;
            keys.add(associationFor(name));
            DecodeContext context;
            context.keys = &keys;
            const Dissection d = dissect(frame, linkRawIpv6, frame.size(), context);
            QByteArrayList ours;
            for (const char* field : {"esp.spi", "esp.sequence", "esp.iv", "esp.pad_len", "esp.protocol", "mip6.bu.seqnr"})
                for (const FieldNode& node : d.nodes)
                    if (info(node.field).name == field) ours << QByteArray::fromStdString(valueText(node));
            QCOMPARE(QString(tshark.readAllStandardOutput()).trimmed(), QString(ours.join(' ')));
        };
        compare("aes-cbc sha1", "AES-CBC [RFC3602]", "0x000102030405060708090a0b0c0d0e0f");
        compare("aes-ctr sha1", "AES-CTR [RFC3686]", "0x000102030405060708090a0b0c0d0e0f10111213");
        compare("3des sha1", "TripleDES-CBC [RFC2451]", "0x000102030405060708090a0b0c0d0e0f1011121314151617");
    }
};

QTEST_GUILESS_MAIN(TestEsp)
#include "test_esp.moc"
