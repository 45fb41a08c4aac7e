// SPDX-License-Identifier: GPL-3.0-or-later
// A filter decodes no more of a frame than it needs: its headers, or the fields that it names. Either way must choose what the
// whole dissection chooses, over every frame there is.
#include "tests/support/test_inputs.hpp"
#include "capture/filter/filter.hpp"

#include <QDirIterator>
#include <QtTest>

#include <random>
#include <set>

using namespace roamscope;
using namespace roamscope::filter;
using wire::FieldId;

namespace {

struct Subject {
    test::InputFrame input;
    capture::TraceLink link;
    wire::Dissection whole;
};

constexpr std::int64_t startUtc = 1'700'000'000'000'000'000;

FrameFacts factsOf(const Subject& s, std::size_t number, bool whole)
{
    FrameFacts facts;
    facts.number = number;
    facts.startUtc = startUtc;
    facts.frame = {atNanoseconds(static_cast<std::int64_t>(number) * 1'000'000'000), 0, static_cast<std::uint32_t>(s.input.originalLength), s.input.bytes, nullptr};
    facts.link = &s.link;
    if (whole) facts.dissection = &s.whole;
    return facts;
}

/// The corpora of the fuzz targets that read whole frames.
std::vector<test::InputFrame> corpusFrames()
{
    std::vector<test::InputFrame> out;
    for (const char* corpus : {"frame", "link", "chain", "fragments"}) {
        QDirIterator files(QStringLiteral(ROAMSCOPE_SOURCE_DIR "/tests/fuzz/corpus/%1").arg(corpus), QDir::Files, QDirIterator::Subdirectories);
        while (files.hasNext()) {
            QFile file(files.next());
            if (!file.open(QIODevice::ReadOnly)) continue;
            const QByteArray raw = file.readAll().mid(3);
            const Bytes bytes(raw.begin(), raw.end());
            for (const std::uint16_t linkType : {wire::linkEthernet, wire::linkRawIpv6}) out.push_back({file.fileName(), bytes, linkType, bytes.size()});
        }
    }
    return out;
}

/// IPv6 in Ethernet, as nearly all large captures have it.
test::InputFrame inEthernet(test::InputFrame frame)
{
    static constexpr std::uint8_t header[] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x86, 0xdd};
    frame.bytes.insert(frame.bytes.begin(), std::begin(header), std::end(header));
    frame.originalLength += std::size(header);
    frame.linkType = wire::linkEthernet;
    return frame;
}

/// Users' data of `length` octets in UDP or TCP under so many IPv6 headers.
test::InputFrame dataFrame(std::size_t headers, std::uint8_t upper, std::uint16_t port, std::size_t length, std::size_t trailer = 0)
{
    Bytes message(upper == wire::protocol::udp ? 8 : 20);
    message[0] = static_cast<std::uint8_t>(port >> 8);
    message[1] = static_cast<std::uint8_t>(port);
    message[2] = 0x13;
    if (upper == wire::protocol::udp) {
        message[4] = static_cast<std::uint8_t>((8 + length) >> 8);
        message[5] = static_cast<std::uint8_t>(8 + length);
        message[7] = 0x77;
    } else {
        message[12] = 0x50;
        message[13] = 0x18;
    }
    message.insert(message.end(), length, 0x55);
    for (std::size_t i = 0; i < headers; ++i) {
        Bytes packet(40);
        packet[0] = 0x6a;
        packet[1] = static_cast<std::uint8_t>(0xb0 + i);
        packet[3] = 0x2c;
        packet[4] = static_cast<std::uint8_t>(message.size() >> 8);
        packet[5] = static_cast<std::uint8_t>(message.size());
        packet[6] = i == 0 ? upper : wire::protocol::ipv6;
        packet[7] = static_cast<std::uint8_t>(60 + i);
        packet[8] = packet[24] = 0x20;
        packet[9] = packet[25] = 0x01;
        packet[23] = static_cast<std::uint8_t>(i + 1);
        packet[39] = static_cast<std::uint8_t>(i + 9);
        packet.insert(packet.end(), message.begin(), message.end());
        message = std::move(packet);
    }
    message.insert(message.end(), trailer, 0xee);
    const std::size_t size = message.size();
    return inEthernet({QString("data in %1 headers").arg(headers), std::move(message), wire::linkRawIpv6, size});
}

std::vector<test::InputFrame> allInputs()
{
    std::vector<test::InputFrame> out = test::goldenPackets();
    for (std::size_t i = out.size(); i > 0; --i) out.push_back(inEthernet(out[i - 1]));
    static constexpr std::uint16_t ports[] = {5001, 52000, 500, 4191, 5436};
    for (std::size_t headers = 1; headers <= 5; ++headers)
        for (const std::uint16_t port : ports) {
            out.push_back(dataFrame(headers, wire::protocol::udp, port, 30));
            out.push_back(dataFrame(headers, wire::protocol::tcp, port, 30));
        }
    out.push_back(dataFrame(1, wire::protocol::udp, 5001, 4, 6));
    out.push_back(dataFrame(2, wire::protocol::udp, 5001, 0, 2));
    for (test::InputFrame& frame : corpusFrames()) out.push_back(std::move(frame));
    QStringList folders{QStringLiteral(ROAMSCOPE_SOURCE_DIR "/tests/data")};
    if (const QString shared = test::sharedFolder(); !shared.isEmpty()) folders << shared + "/captures";
    for (const QString& folder : folders) {
        QDirIterator files(folder, {"*.pcap"}, QDir::Files, QDirIterator::Subdirectories);
        while (files.hasNext()) {
            std::size_t taken = 0;
            for (test::InputFrame& frame : test::readPcap(files.next()))
                if (taken++ < 150) out.push_back(std::move(frame));
        }
    }
    // The same cut by the capture, cut on the wire, and with octets changed.
    std::mt19937 random(11);
    const std::size_t whole = out.size();
    for (std::size_t i = 0; i < whole; ++i) {
        if (out[i].bytes.empty()) continue;
        test::InputFrame cut = out[i];
        cut.bytes.resize(random() % cut.bytes.size());
        if (random() % 2 == 0) cut.originalLength = cut.bytes.size();
        test::InputFrame changed = out[i];
        changed.bytes[random() % std::min<std::size_t>(changed.bytes.size(), 100)] = static_cast<std::uint8_t>(random());
        out.push_back(std::move(cut));
        out.push_back(std::move(changed));
    }
    return out;
}

/// Filters that compare with a value that some frame has.
std::set<std::string> comparisons(const std::vector<std::unique_ptr<Subject>>& subjects)
{
    std::set<std::string> out;
    std::map<FieldId, int> taken;
    for (const auto& s : subjects)
        for (const wire::FieldNode& node : s->whole.nodes) {
            const wire::FieldInfo& info = wire::info(node.field);
            const bool simple = std::holds_alternative<std::uint64_t>(node.value) || std::holds_alternative<Ipv6Address>(node.value) ||
                                std::holds_alternative<Ipv4Address>(node.value) || std::holds_alternative<Mac>(node.value);
            if (!simple || taken[node.field]++ > 2) continue;
            const std::string text = wire::valueText(node);
            for (const char* relation : {" == ", " != ", " > "}) out.insert(std::string(info.name) + relation + text);
        }
    return out;
}

}  // namespace

class TestFilterPaths : public QObject {
    Q_OBJECT

private:
    std::vector<std::unique_ptr<Subject>> subjects_;
    std::size_t chosen_ = 0;
#ifdef ROAMSCOPE_SANITIZED
    static constexpr std::size_t step = 8;  // each filter on other subjects: all on all take ten minutes
#else
    static constexpr std::size_t step = 1;
#endif
    std::size_t first_ = 0;

    QString faultOf(const std::string& text)
    {
        const auto filter = Filter::compile(text);
        if (!filter) return QString::fromStdString(text + ": " + filter.error().text);
        for (std::size_t i = first_++ % step; i < subjects_.size(); i += step) {
            const Subject& s = *subjects_[i];
            const bool right = filter->matches(factsOf(s, i + 1, true));
            chosen_ += right;
            if (filter->matches(factsOf(s, i + 1, false)) != right)
                return QString("%1 on %2 (link type %3): %4").arg(QString::fromStdString(text), s.input.name).arg(s.link.linkType).arg(QString::fromLatin1(QByteArray(reinterpret_cast<const char*>(s.input.bytes.data()), static_cast<qsizetype>(s.input.bytes.size())).toHex()));
        }
        return QString();
    }

private slots:
    void initTestCase()
    {
        for (test::InputFrame& input : allInputs()) {
            auto s = std::make_unique<Subject>();
            s->input = std::move(input);
            s->link = {"w1", s->input.linkType};
            s->whole = wire::dissect(s->input.bytes, s->input.linkType, s->input.originalLength);
            subjects_.push_back(std::move(s));
        }
        QVERIFY(subjects_.size() > 500);
    }

    void everyFieldExists()
    {
        for (std::size_t i = 0; i < wire::fieldCount(); ++i) QCOMPARE(faultOf(std::string(wire::info(static_cast<FieldId>(i)).name)), QString());
        for (const char* alias : {"ipv6.addr", "ipv6.host", "ip.addr", "eth.addr", "udp.port", "tcp.port", "ip.version", "_ws.malformed", "_ws.short", "data", "data.data",
                                  "icmpv6.opt.linkaddr", "mip6.bu.b_flag", "ipv6.src_host"})
            QCOMPARE(faultOf(alias), QString());
        QVERIFY(chosen_ > subjects_.size() / step);
    }

    void valuesCompare()
    {
        const std::set<std::string> filters = comparisons(subjects_);
        QVERIFY(filters.size() > 300);
        for (const std::string& filter : filters) QCOMPARE(faultOf(filter), QString());
    }

    void otherForms()
    {
        for (const char* filter :
             {"ipv6.src == 2001:db8::/32", "ipv6.addr == 2001:db8:100::/48", "!(ipv6.addr == 2001:db8::/32)", "all ipv6.src == 2001:db8::/32", "ipv6.src#1 == 2001:db8::/32",
              "ipv6.src#2", "ipv6.dst#[2-3] == 2001:db8::/32", "ipv6.hlim#1 > 60", "udp.port == 5001 and ipv6.hlim < 65", "eth.src[0:3] == 02:00:00", "eth.addr == 02:00:00:00:00:01",
              "ipv6[0:2] == 6a:b0", "ipv6[6] == 11", "eth[12:2] == 86:dd", "udp[0:2] == 13:89", "udp contains 13:89", "tcp[13] == 18", "frame[0:2] == 02:00", "frame contains \"UUUU\"",
              "frame.len > 90 && ipv6.nxt == 41", "count(ipv6.src) == 2", "count(ipv6.src) > 2", "max(ipv6.hlim) > 62", "min(ipv6.hlim, udp.length) == 60", "string(ipv6.src) matches \"^2001\"",
              "string(ipv6.hlim) == \"60\"", "ipv6.host contains \"db8\"", "ipv6.src_host matches \"1$\"", "udp.length in {8..40}", "udp.srcport == udp.dstport", "ipv6.plen + 40 == frame.len",
              "ipv6.tclass & 0x0a", "ipv6.flow == 0x0002c", "ipv6.version == 6", "ip.version == 6", "udp.checksum == 0x0077", "not udp and not tcp", "tcp xor udp", "ipv6.src == ipv6.dst",
              "icmpv6.type == 134 || udp.srcport == 52000", "mip6.mhtype == 5 && ipv6.src == 2001:db8::/32", "data", "eth.trailer", "roamscope.probe", "tcp.flags == 0x18",
              "tcp.len == 30", "udp#1", "roamscope.udp.checksum contains \"bad\"", "roamscope.mip6.checksum contains \"good\"", "len(data.data) > 10", "ipv6.dstopts.nxt == 135",
              "ipv6.opt.mipv6.home_address == 2001:db8::/32", "ipv6.routing.mipv6.home_address", "upper(frame.interface_name) == \"W1\"", "frame.number > 20 and eth.type == 0x86dd", "node == 2001:db8::1",
              "ip.src == 10.0.0.0/8", "ip.ttl > 3", "vlan.id", "esp.spi", "sll", "ipv6 && !udp", "roamscope.quoted", "icmpv6.opt.type in {1, 3, 23}"})
            QCOMPARE(faultOf(filter), QString());
    }
};

QTEST_APPLESS_MAIN(TestFilterPaths)
#include "test_filter_paths.moc"
