// SPDX-License-Identifier: GPL-3.0-or-later
// Frames that others made: scapy's with the values it was told, UMIP's on Linux, and test captures of Zeek and tcpdump. They
// are not part of this project; without them the tests skip.
#include "protocol/wire/summary.hpp"
#include "tests/support/test_inputs.hpp"

#include <QtTest>
#include <map>

using namespace roamscope;
using namespace roamscope::wire;
using namespace roamscope::test;

namespace {

/// What scapy's builder was told -> the lines that can show it.
const std::map<QString, std::vector<FieldId>>& meanings()
{
    static const std::map<QString, std::vector<FieldId>> table{
        {"mh_type", {FieldId::MhType}},
        {"cookie", {FieldId::HotiCookie, FieldId::CotiCookie, FieldId::HotCookie, FieldId::CotCookie}},
        {"nonce_index", {FieldId::HotIndex, FieldId::CotIndex}},
        {"token", {FieldId::HotToken, FieldId::CotToken, FieldId::CareOfTestToken, FieldId::PermanentToken, FieldId::MobilityOptionData}},
        {"flags", {FieldId::BuFlags}},
        {"seq", {FieldId::BuSequence, FieldId::BaSequence}},
        {"lifetime_units", {FieldId::BuLifetime, FieldId::BaLifetime}},
        {"hoa", {FieldId::Ipv6HomeAddress, FieldId::BeHomeAddress}},
        {"rh2", {FieldId::RoutingHomeAddress}},
        {"status", {FieldId::BaStatus, FieldId::BeStatus}},
        {"ba_flags", {FieldId::BaFlags}},
        {"interval", {FieldId::RefreshInterval}},
        {"acoa", {FieldId::AlternateCareOf}},
        {"hni", {FieldId::NonceHomeIndex}},
        {"coni", {FieldId::NonceCareOfIndex}},
        {"authenticator", {FieldId::Authenticator}},
        {"plen", {FieldId::NetworkPrefixLength}},
        {"prefix", {FieldId::NetworkPrefix}},
        {"lla", {FieldId::LinkLayerAddress}},
        {"code", {FieldId::LinkLayerCode}},
        {"icmp", {FieldId::Icmpv6Type}},
        {"R", {FieldId::MipRouterFlag, FieldId::MapFlagRegional}},
        {"ra_h", {FieldId::RaFlagHomeAgent}},
        {"pio_r", {FieldId::PrefixFlagRouter}},
        {"advint", {FieldId::AdvertisementInterval}},
        {"pref", {FieldId::HomeAgentPreference, FieldId::MapPreference}},
        {"ha_lifetime", {FieldId::HomeAgentLifetime}},
        {"dist", {FieldId::MapDistance}},
        {"addr", {FieldId::MapAddress}},
        {"valid", {FieldId::MapValidLifetime}},
        {"tgt", {FieldId::NaTarget}},
        {"addrs", {FieldId::MipHomeAgentAddress}},
        {"nd_opt", {FieldId::NdOptionType}},
        {"opt", {FieldId::MobilityOptionType}},
        {"nemo_r", {FieldId::HomeAgentFlagRouter}},
        {"id", {FieldId::MipIdentifier, FieldId::NodeIdentifier}},
        {"subtype", {FieldId::NodeIdSubtype}},
        {"spi", {FieldId::AuthSpi}},
    };
    return table;
}

/// Numbers in decimal, addresses by RFC 5952, octets in hexadecimal without signs between.
QString text(const QJsonValue& value)
{
    if (value.isDouble()) return QString::number(value.toInteger());
    const QString s = value.toString();
    if (const auto address = Ipv6Address::parse(s.toStdString())) return QString::fromStdString(address->text());
    return QString(s).remove(':');
}

/// Values that are not simply those of a field: the addresses of the outer packet, options without padding, flags together, how
/// many MAP options there are.
std::optional<QStringList> special(const QString& key, const Dissection& d)
{
    const auto all = [&](FieldId id) {
        QStringList out;
        for (const FieldNode& node : d.nodes)
            if (node.field == id) out << QString::fromStdString(valueText(node));
        return out;
    };
    if (key == "tunnel") return QStringList{all(FieldId::Ipv6Source).value(0), all(FieldId::Ipv6Destination).value(0)};
    if (key == "mpa_flags") return QStringList{QString::number(2 * all(FieldId::MipManaged).value(0).toInt() + all(FieldId::MipOther).value(0).toInt())};
    if (key == "n") return QStringList{QString::number(all(FieldId::MapAddress).size())};
    return std::nullopt;
}

QStringList values(const Dissection& d, const std::vector<FieldId>& fields)
{
    QStringList out;
    for (const FieldNode& node : d.nodes) {
        if (std::find(fields.begin(), fields.end(), node.field) == fields.end()) continue;
        if (const auto* v = std::get_if<std::uint64_t>(&node.value); v && info(node.field).display != FieldDisplay::Hex16) out << QString::number(*v);
        else out << QString::fromStdString(valueText(node)).remove(QRegularExpression("^0x"));
    }
    return out;
}

std::optional<ChecksumVerdict> verdict(const DecodedFrame& frame)
{
    return std::visit(
        [](const auto& m) -> std::optional<ChecksumVerdict> {
            if constexpr (requires { m.checksum; }) return m.checksum;
            return std::nullopt;
        },
        frame.message);
}

}  // namespace

class TestCaptures : public QObject {
    Q_OBJECT
    QString captures_;

    std::vector<InputFrame> frames(const char* file) { return readPcap(captures_ + file); }

private Q_SLOTS:
    void initTestCase()
    {
        const QString shared = sharedFolder();
        if (shared.isEmpty()) QSKIP("no shared captures on this machine (set ROAMSCOPE_SHARED)");
        captures_ = shared + "/captures/";
    }
    void scapyFramesHaveTheValuesThatScapyWasTold()
    {
        QFile file(captures_ + "scapy_gen/scapy_mip6.json");
        QVERIFY(file.open(QIODevice::ReadOnly));
        const QJsonArray list = QJsonDocument::fromJson(file.readAll()).array();
        QCOMPARE(list.size(), 115);
        int compared = 0;
        QStringList unknown;
        for (const auto& entry : list) {
            const QString name = entry.toObject()["name"].toString();
            const Bytes bytes = fromHex(entry.toObject()["hex"].toString());
            const Dissection d = dissect(bytes, linkEthernet, bytes.size());
            QVERIFY2(!d.summary.malformed, qPrintable(name + ": " + d.summary.info.c_str()));
            QVERIFY2(verdict(decodeFrame(bytes, linkEthernet, bytes.size())) == ChecksumVerdict::Good, qPrintable(name));
            const QJsonObject expect = entry.toObject()["expect"].toObject();
            for (const QString& key : expect.keys()) {
                const auto meaning = meanings().find(key);
                const std::optional<QStringList> other = special(key, d);
                if (meaning == meanings().end() && !other) {
                    unknown << key;
                    continue;
                }
                QStringList wanted;
                if (expect[key].isArray()) for (const auto& v : expect[key].toArray()) wanted << text(v);
                else wanted << text(expect[key]);
                QStringList found = other ? *other : values(d, meaning->second);
                // Padding between them is scapy's own doing.
                if (key == "opt" && expect[key].isArray()) found.removeIf([](const QString& type) { return type == "0" || type == "1"; });
                const bool same = expect[key].isArray() ? found == wanted : found.contains(wanted[0]);
                QVERIFY2(same, qPrintable(QString("%1: %2 is %3, not %4").arg(name, key, found.join(' '), wanted.join(' '))));
                ++compared;
            }
        }
        QCOMPARE(unknown, QStringList{"timestamp"});  // shown as a date
        QCOMPARE(compared, 382);
    }
    /// What else is right and wrong in them is tested in capture/test_good_traffic.cpp.
    void checksumsAreGood()
    {
        int good = 0;
        QStringList bad;
        for (const char* folder : {"umip", "scapy_gen", "zeek", "tcpdump", "openair4g"}) {
            QDir dir(captures_ + folder);
            for (const QString& file : dir.entryList({"*.pcap"}))
                for (const InputFrame& frame : readPcap(dir.filePath(file))) {
                    const auto checksum = verdict(decodeFrame(frame.bytes, frame.linkType, frame.originalLength));
                    if (checksum == ChecksumVerdict::Good) ++good;
                    if (checksum == ChecksumVerdict::Bad) bad << frame.name;
                }
        }
        QCOMPARE(bad, (QStringList{"probe-ha-home.pcap #121", "ip6-hoa-udp-bad-chksum.pcap #1"}));
        QVERIFY2(good > 1000, qPrintable(QString::number(good)));
    }
    void routerAdvertisementOfTcpdump()
    {
        const std::vector<InputFrame> list = frames("tcpdump/icmpv6.pcap");
        QVERIFY(!list.empty());
        const DecodedFrame frame = decodeFrame(list[0].bytes, list[0].linkType, list[0].originalLength);
        const auto* ra = frame.as<RouterAdvertisement>();
        QVERIFY(ra);
        QCOMPARE(int(ra->hopLimit), 64);
        QCOMPARE(int(ra->flags), int(RouterAdvertisement::homeAgentFlag));
        QCOMPARE(int(ra->routerLifetime), 15);
        const auto* prefix = findOption<PrefixInformation>(ra->options);
        QVERIFY(prefix);
        QCOMPARE(prefix->prefix.text(), std::string("2222:3333:4444:5555:6600::/72"));
        QVERIFY(prefix->onLink && prefix->autonomous && !prefix->routerAddress);
        QCOMPARE(prefix->validLifetime, 2592000u);
        QCOMPARE(prefix->preferredLifetime, 604800u);
        QVERIFY(findOption<AdvertisementIntervalOption>(ra->options));
        QCOMPARE(findOption<AdvertisementIntervalOption>(ra->options)->milliseconds, 5000u);
        QVERIFY(findOption<HomeAgentInformation>(ra->options));
        QVERIFY(*findOption<HomeAgentInformation>(ra->options) == (HomeAgentInformation{50001, 15}));
        QVERIFY(findOption<SourceLinkLayerOption>(ra->options));
        QCOMPARE(findOption<SourceLinkLayerOption>(ra->options)->address.text(), std::string("b0:99:28:c8:d6:6c"));
    }
};

QTEST_APPLESS_MAIN(TestCaptures)
#include "test_captures.moc"
