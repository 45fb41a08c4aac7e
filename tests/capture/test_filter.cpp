// SPDX-License-Identifier: GPL-3.0-or-later
// The display filter: what it chooses, what the row of the index decides, limits. Its texts are in test_filter_texts.cpp.
#include "capture/filter/filter.hpp"
#include "tests/support/test_inputs.hpp"

#include <QtTest>
#include <random>

using namespace roamscope;
using namespace roamscope::filter;
using wire::FieldId;

namespace {

struct Loaded {
    test::InputFrame input;
    capture::TraceLink link;
    capture::FrameView view;
    wire::Dissection dissection;
};

Loaded load(test::InputFrame input, std::size_t number)
{
    Loaded out{std::move(input), {"w1", 0}, {}, {}};
    out.link.linkType = out.input.linkType;
    out.view = {atNanoseconds(static_cast<std::int64_t>(number) * 500'000'000), 0, static_cast<std::uint32_t>(out.input.originalLength), out.input.bytes};
    out.dissection = wire::dissect(out.view.bytes, out.link.linkType, out.input.originalLength);
    return out;
}

std::vector<std::unique_ptr<Loaded>> loadAll(std::vector<test::InputFrame> inputs)
{
    std::vector<std::unique_ptr<Loaded>> out;
    for (auto& input : inputs) {
        out.push_back(std::make_unique<Loaded>(load(std::move(input), out.size())));
        out.back()->view.bytes = out.back()->input.bytes;
    }
    return out;
}

FrameFacts factsOf(const Loaded& l, std::size_t number)
{
    FrameFacts facts;
    facts.number = number;
    facts.startUtc = 1'700'000'000'000'000'000;
    facts.frame = l.view;
    facts.link = &l.link;
    facts.dissection = &l.dissection;
    return facts;
}

bool chooses(const std::string& text, const FrameFacts& facts)
{
    const auto filter = Filter::compile(text);
    if (!filter) qFatal("%s: %s", text.c_str(), filter.error().text.c_str());
    return filter->matches(facts);
}

/// A frame that exists only as fields.
struct Made {
    wire::Dissection dissection;
    capture::TraceLink link{"w1", 1};
    FrameFacts facts;
    Made()
    {
        facts.number = 1;
        facts.dissection = &dissection;
        facts.link = &link;
    }
    Made& add(FieldId id, wire::FieldValue value)
    {
        dissection.nodes.push_back({id, 1, 0, 0, std::move(value), {}, 0});
        return *this;
    }
    bool meets(const char* text) { return chooses(text, facts); }
};

Ipv6Address address(const char* text) { return *Ipv6Address::parse(text); }

QString q(const std::string& s) { return QString::fromStdString(s); }

}  // namespace

class TestFilter : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void theEmptyTextTakesEverything()
    {
        Made none;
        QVERIFY(none.meets(""));
        QVERIFY(none.meets("  \t"));
        QVERIFY(none.meets("frame"));
    }

    void comparisonsOfSeveralValues_data()
    {
        QTest::addColumn<QString>("text");
        QTest::addColumn<bool>("none");   // no hop limit
        QTest::addColumn<bool>("mixed");  // 64 and 255
        QTest::addColumn<bool>("same");   // 255 and 255
        const auto row = [](const char* text, bool none, bool mixed, bool same) { QTest::newRow(text) << text << none << mixed << same; };
        row("ipv6.hlim", false, true, true);
        row("ipv6.hlim == 255", false, true, true);
        row("ipv6.hlim != 255", false, false, false);
        row("ipv6.hlim === 255", false, false, true);
        row("ipv6.hlim !== 255", false, true, false);
        row("ipv6.hlim ~= 255", false, true, false);
        row("ipv6.hlim != 1", false, true, true);
        row("any ipv6.hlim != 255", false, true, false);
        row("all ipv6.hlim == 255", false, false, true);
        row("all ipv6.hlim > 100", false, false, true);
        row("ipv6.hlim > 100", false, true, true);
        row("ipv6.hlim < 100", false, true, false);
        row("ipv6.hlim in {1, 64 70}", false, true, false);
        row("ipv6.hlim in {200..255}", false, true, true);
        row("all ipv6.hlim in {200..255}", false, false, true);
        row("ipv6.hlim not in {64}", true, false, true);
        row("!(ipv6.hlim == 255)", true, false, false);
        row("not ipv6.hlim == 64", true, false, true);
        row("ipv6.hlim & 0x80", false, true, true);
        row("ipv6.hlim & 0x80 == 0", false, true, false);
        row("ipv6.hlim + 1 == 65", false, true, false);
        row("ipv6.hlim - 100 == 155", false, true, true);
        row("ipv6.hlim / 0 == 0", false, false, false);
        row("255 == ipv6.hlim", false, true, true);
        row("63 < ipv6.hlim < 65", false, true, false);
        row("count(ipv6.hlim) == 2", false, true, true);
        row("max(ipv6.hlim) == 255", false, true, true);
        row("min(ipv6.hlim) == 64", false, true, false);
        row("string(ipv6.hlim) matches \"^6\"", false, true, false);
        row("ipv6.hlim == 64 xor ipv6.hlim == 255", false, false, true);
        row("ipv6.hlim == 64 ^^ ipv6.hlim == 255", false, false, true);
        row("ipv6.hlim == 64 AND ipv6.hlim EQ 255", false, true, false);
        row("exists ipv6.hlim", false, true, true);
        row("ipv6.hlim == 0xff or ipv6.hlim == 0377 or ipv6.hlim == 0b11111111", false, true, true);
        row("ipv6.hlim == '@'", false, true, false);
    }
    void comparisonsOfSeveralValues()
    {
        QFETCH(QString, text);
        QFETCH(bool, none);
        QFETCH(bool, mixed);
        QFETCH(bool, same);
        const QByteArray raw = text.toUtf8();
        Made empty;
        Made two;
        two.add(FieldId::Ipv6HopLimit, std::uint64_t{64}).add(FieldId::Ipv6HopLimit, std::uint64_t{255});
        Made equal;
        equal.add(FieldId::Ipv6HopLimit, std::uint64_t{255}).add(FieldId::Ipv6HopLimit, std::uint64_t{255});
        QCOMPARE(empty.meets(raw.constData()), none);
        QCOMPARE(two.meets(raw.constData()), mixed);
        QCOMPARE(equal.meets(raw.constData()), same);
    }

    void typesOfValues_data()
    {
        QTest::addColumn<bool>("expected");
        const auto yes = [](const char* text) { QTest::newRow(text) << true; };
        const auto no = [](const char* text) { QTest::newRow(text) << false; };
        yes("ipv6.src == 2001:db8::1");
        yes("ipv6.src == 2001:db8::/32");
        yes("ipv6.src == \"2001:db8::1\"");
        no("ipv6.src == 2001:db9::/32");
        yes("ipv6.src != 2001:db9::/32");
        yes("ipv6.addr in {fe80::/10, 2001:db8::/127}");
        yes("ipv6.src in {2001:db8:: .. 2001:db8::5}");
        yes("ipv6.src > 2001:db8::");
        yes("ipv6.src[0:2] == 20:01");
        yes("ipv6.src[-1] == 01");
        yes("ipv6.src[0-1,15] == 20:01:01");
        no("ipv6.src[15:2]");
        yes("ipv6.src == ipv6.src");
        yes("ipv6.src_host contains \"db8\"");
        yes("eth.src == 02:00:5e:10:00:01");
        yes("eth.src == 02-00-5E-10-00-01");
        yes("eth.addr[0:3] == 02.00.5e");
        yes("eth.src[0] & 0x02 == 2");
        yes("eth.src[0:3] == 02005e");
        yes("eth.src contains 5e:10");
        yes("mip6.bu.m_flag == 1");
        yes("mip6.bu.m_flag == True");
        yes("mip6.bu.m_flag == true");
        yes("mip6.bu.m_flag == 7");
        no("mip6.bu.m_flag == 0");
        no("mip6.bu.m_flag == FALSE");
        yes("mip6.mhtype == BU");
        yes("mip6.mhtype == bu");
        yes("mip6.mhtype == \"Binding Update\"");
        yes("mip6.mhtype in {BA, BU}");
        yes("mip6.mhtype < BA");
        no("mip6.mhtype == HoTI");
        yes("mip6.bad.auth == 01:02:03:0a");
        yes("mip6.bad.auth contains 02:03");
        yes("mip6.bad.auth contains \"\\x02\\003\"");
        yes("mip6.bad.auth[3] == 0xa");
        yes("mip6.bad.auth[-2:] == 03:0a");
        yes("len(mip6.bad.auth) == 4");
        yes("mip6.bad.auth matches \"\\\\x02\"");
        yes("frame.link == w1");
        yes("frame.interface_name == \"w1\"");
        yes("frame.link contains \"w\"");
        yes("frame.link matches \"^W[0-9]$\"");
        no("frame.link matches \"(?-i)^W\"");
        yes("upper(frame.link) == \"W1\"");
        yes("t in [2, 3]");
        yes("t in [2500ms .. 2.5]");
        yes("t >= 2.4s and t < 1min");
        yes("frame.time_relative == 2.5");
        yes("t == 2500000us");
        no("t > 2.5");
        yes("t + 0.5 == 3");
        yes("frame.time_epoch == 1700000002.5");
        yes("frame.time == \"2023-11-14T22:13:22.5Z\"");
        yes("frame.time == \"2023-11-14 23:13:22.5+01:00\"");
        yes("frame.time >= \"Nov 14, 2023 22:13:22 UTC\"");
        yes("frame.time >= 2023-11-14");
        yes("frame.number == 5 && frame.len == 100 && frame.cap_len == 4");
        yes("frame[0:2] == de:ad");
        yes("frame contains be:ef");
        yes("frame[2:] == be:ef");
    }
    void typesOfValues()
    {
        QFETCH(bool, expected);
        Made made;
        const Bytes octets{0xde, 0xad, 0xbe, 0xef};
        made.facts.number = 5;
        made.facts.startUtc = 1'700'000'000'000'000'000;
        made.facts.frame = {atNanoseconds(2'500'000'000), 0, 100, octets};
        made.add(FieldId::Ipv6Source, address("2001:db8::1")).add(FieldId::EthernetSource, *Mac::parse("02:00:5e:10:00:01")).add(FieldId::BuFlagMap, std::uint64_t{1});
        made.add(FieldId::MhType, std::uint64_t{5}).add(FieldId::Authenticator, Bytes{1, 2, 3, 10});
        QCOMPARE(made.meets(QTest::currentDataTag()), expected);
    }

    void layersAreCounted()
    {
        Made made;
        const auto layer = [&](const char* source) {
            made.dissection.nodes.push_back({FieldId::Ipv6, 0, 0, 0, {}, {}, 0});
            made.add(FieldId::Ipv6Source, address(source));
        };
        layer("2001:db8::1");
        layer("2001:db8::2");
        QVERIFY(made.meets("ipv6.src#1 == 2001:db8::1"));
        QVERIFY(!made.meets("ipv6.src#1 == 2001:db8::2"));
        QVERIFY(made.meets("ipv6.src#[2-3] == 2001:db8::2"));
        QVERIFY(!made.meets("ipv6.src#3"));
    }

    void wordsOfTheAnalysis()
    {
        Made made;
        made.facts.number = 8;
        made.facts.frame.time = atNanoseconds(10'500'000'000);
        made.add(FieldId::Ipv6Source, address("2001:db8:a1::1")).add(FieldId::Ipv6Destination, address("2001:db8::1"));
        // No analysis: nothing is known, and that is no match.
        for (const char* text : {"handover", "phase == dad", "binding", "finding", "node == ha"}) QVERIFY2(!made.meets(text), text);
        QVERIFY(made.meets("node == 2001:db8:a1:0::1"));
        made.facts.nodeName = [](const Ipv6Address& a) { return a == *Ipv6Address::parse("2001:db8:a1::1") ? std::string("Alice") : std::string(); };
        QVERIFY(made.meets("node == alice"));
        QVERIFY(made.meets("node contains \"lic\""));
        QVERIFY(!made.meets("node == Bob"));
        QVERIFY(!made.meets("node != Alice"));

        analysis::Analysis analysis;
        analysis::NodeInfo ha;
        ha.role = analysis::Role::HomeAgent;
        ha.addresses = {address("2001:db8::1"), address("2001:db8:9::9")};
        analysis.nodes = {ha};
        analysis::Handover initial;
        initial.end = atNanoseconds(1'000'000'000);
        analysis::Handover moved;
        moved.kind = analysis::HandoverKind::IntraMap;
        moved.start = atNanoseconds(10'000'000'000);
        moved.end = atNanoseconds(12'000'000'000);
        moved.phases = {{"T_DAD", atNanoseconds(10'400'000'000), atNanoseconds(11'000'000'000), {}, {}}};
        analysis.handovers = {initial, moved};
        analysis::BindingInterval binding;
        binding.owner = analysis::Role::Map;
        binding.homeAddress = address("2001:db8:300::1");
        binding.careOfAddress = address("2001:db8:a1::1");
        binding.bid = std::uint16_t{100};
        binding.from = atNanoseconds(5'000'000'000);
        analysis.bindings = {binding};
        analysis.findings = {{7, {"MN-BU-02", wire::Severity::Warning, "no alternate care-of address", "RFC 6275 §11.7.1", 0, 0, 0}},
                             {9, {"X", wire::Severity::Error, "elsewhere", "", 0, 0, 0}}};
        made.facts.analysis = &analysis;
        const FindingsByFrame byFrame(analysis);
        for (const FindingsByFrame* index : {static_cast<const FindingsByFrame*>(nullptr), &byFrame}) {
            made.facts.findings = index;
            for (const char* text : {"node == ha", "node == 2001:db8:9::9", "handover == 1", "handover", "handover.kind == intra-map", "phase == dad", "phase == T_DAD",
                                     "binding", "binding.bid == 100", "binding.owner == map", "binding.home_address == 2001:db8:300::/48", "finding",
                                     "finding.severity >= warning", "finding.severity < error", "finding.rule == \"MN-BU-02\"", "finding.rule == MN-BU-02",
                                     "finding.text contains \"alternate\"", "finding.rfc matches \"6275\"", "handover == 1 && phase != lbu"})
                QVERIFY2(made.meets(text), text);
            for (const char* text : {"handover == 2", "handover == 0", "phase == lbu", "binding.bid == 200", "finding.severity == error", "finding.rule == X"})
                QVERIFY2(!made.meets(text), text);
        }
        made.facts.frame.time = atNanoseconds(13'000'000'000);
        QVERIFY(!made.meets("handover"));
        QVERIFY(Filter::compile("udp || phase == dad")->needsAnalysis());
        QVERIFY(!Filter::compile("udp || t > 5")->needsAnalysis());
    }

    void textsAreBounded()
    {
        const auto error = [](const std::string& text) {
            const auto filter = Filter::compile(text);
            return filter ? std::string() : filter.error().text;
        };
        const auto nested = [](std::size_t n) { return std::string(n, '(') + "udp" + std::string(n, ')'); };
        QCOMPARE(error(nested(100)), std::string());
        QVERIFY(q(error(nested(101))).contains("more than 100"));
        QVERIFY(q(error(nested(30'000))).contains("more than 100"));
        std::string calls;
        for (int i = 0; i < 15'000; ++i) calls += "len(";
        QVERIFY(q(error(calls)).contains("more than 100"));
        QVERIFY(q(error("frame.len > " + std::string(30'000, '{'))).contains("more than 100"));
        QVERIFY(q(error(std::string(64 * 1024 + 1, ' '))).contains("at most"));
        QCOMPARE(error(std::string(60'000, '!') + "udp"), std::string());
        std::string chain = "udp";
        while (chain.size() < 60'000) chain += "||!udp&&ipv6";
        QCOMPARE(error(chain), std::string());
        std::string sum = "frame.len > 1";
        while (sum.size() < 60'000) sum += "+1";
        QVERIFY(q(error(sum)).contains("more than 100"));
        std::string comparisons = "frame.len";
        while (comparisons.size() < 60'000) comparisons += "<frame.len";
        Made made;
        QVERIFY(!made.meets(comparisons.c_str()));
    }

    void everyFieldCanBeAsked()
    {
        for (std::size_t i = 0; i < wire::fieldCount(); ++i) {
            const wire::FieldInfo& f = wire::info(static_cast<FieldId>(i));
            const auto filter = Filter::compile(f.name);
            QVERIFY2(filter, std::string(f.name).c_str());
            Made made;
            made.add(static_cast<FieldId>(i), {});
            QVERIFY2(filter->matches(made.facts) || f.name.substr(0, 6) == "frame." , std::string(f.name).c_str());
        }
    }

    void theRowNeverDecidesWrongly()
    {
        std::vector<test::InputFrame> inputs = test::goldenPackets();
        const QString shared = test::sharedFolder();
        if (!shared.isEmpty()) {
            QDirIterator files(shared + "/captures", {"*.pcap"}, QDir::Files, QDirIterator::Subdirectories);
            while (files.hasNext())
                for (test::InputFrame& f : test::readPcap(files.next())) inputs.push_back(std::move(f));
        }
        // The same, cut by the capture.
        const std::size_t whole = inputs.size();
        std::mt19937 random(7);
        for (std::size_t i = 0; i < whole; ++i) {
            test::InputFrame cut = inputs[i];
            if (cut.bytes.empty()) continue;
            cut.bytes.resize(random() % cut.bytes.size());
            inputs.push_back(std::move(cut));
        }
        const auto frames = loadAll(std::move(inputs));
        std::vector<std::string> atoms = {"mip6.mhtype == 5", "mip6.mhtype != 5", "mip6.mhtype in {1..4}", "icmpv6.type == 134", "icmpv6.type != 134", "icmpv6.type > 127",
                                          "udp.port == 5001", "frame.number < 40", "frame.len > 90", "frame.cap_len == frame.len", "t in [5, 20]", "frame.link == w1", "frame.link == x",
                                          "frame.time_epoch > 1700000010", "finding", "all mip6.mhtype == 6", "frame.number & 1", "string(icmpv6.type) matches \"^13\"", "count(mip6.mhtype) == 1"};
        for (std::size_t i = 0; i < wire::fieldCount(); ++i) atoms.emplace_back(wire::info(static_cast<FieldId>(i)).name);
        for (const char* alias : {"ipv6.addr", "eth.addr", "udp.port", "ip.version", "_ws.malformed", "data"}) atoms.emplace_back(alias);
        std::size_t asked = 0;
        std::size_t decided = 0;
        // Of many frames each filter gets another part, so that the whole stays a matter of seconds under sanitizers too.
        const std::size_t step = 1 + frames.size() / 1000;
        std::size_t turn = 0;
        const auto check = [&](const std::string& text) {
            const auto filter = Filter::compile(text);
            if (!filter) return q(text + ": " + filter.error().text);
            for (std::size_t i = turn++ % step; i < frames.size(); i += step) {
                ++asked;
                const Loaded& l = *frames[i];
                const wire::Skim s = wire::skim(l.view.bytes, l.link.linkType, l.input.originalLength);
                const capture::FrameRow row{l.view.time, 0, l.view.originalLength, static_cast<std::uint32_t>(l.view.bytes.size()), s.kind, s.type, s.marks};
                const Verdict verdict = filter->byRow(i + 1, row, {l.link}, 1'700'000'000'000'000'000);
                if (verdict == Verdict::Unknown) continue;
                ++decided;
                if (filter->matches(factsOf(l, i + 1)) != (verdict == Verdict::Yes)) return QString("%1 on %2, %3 octets").arg(q(text), l.input.name).arg(l.view.bytes.size());
            }
            return QString();
        };
        for (const std::string& atom : atoms) QCOMPARE(check(atom), QString());
        const auto any = [&] { return (random() % 3 == 0 ? "!(" : "(") + atoms[random() % atoms.size()] + ")"; };
        for (int i = 0; i < 150; ++i) {
            std::string text = any();
            for (std::size_t n = random() % 4; n > 0; --n) text = "(" + text + (random() % 2 == 0 ? " && " : random() % 5 == 0 ? " ^^ " : " || ") + any() + ")";
            QCOMPARE(check(text), QString());
        }
        QVERIFY2(decided > asked / 10, qPrintable(QString("%1 of %2").arg(decided).arg(asked)));
    }
};

QTEST_APPLESS_MAIN(TestFilter)
#include "test_filter.moc"
