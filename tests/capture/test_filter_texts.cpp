// SPDX-License-Identifier: GPL-3.0-or-later
// What the display filter says: errors with their place and remedy, its words in Wireshark's, proposals for what is being written.
#include "capture/filter/filter.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::filter;
using wire::FieldId;

namespace {

QString q(const std::string& s) { return QString::fromStdString(s); }

}  // namespace

class TestFilterTexts : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void errorsNamePlaceAndRemedy_data()
    {
        QTest::addColumn<int>("column");
        QTest::addColumn<int>("length");
        QTest::addColumn<QString>("says");
        QTest::addColumn<QString>("suggestion");
        const auto row = [](const char* text, int column, int length, const char* says, const char* suggestion = "") { QTest::newRow(text) << column << length << says << suggestion; };
        row("mip6.bu.m_flg == 1", 0, 13, "did you mean mip6.bu.m_flag?", "mip6.bu.m_flag == 1");
        row("mip6.bu.x_flag == 1", 0, 14, "no field or protocol is called mip6.bu.x_flag", "mip6.bu.a_flag == 1");
        row("ipv6 && mip6", 8, 4, "did you mean mipv6?", "ipv6 && mipv6");
        row("seqnr > 2", 0, 5, "did you mean mip6.ba.seqnr?", "mip6.ba.seqnr > 2");
        row("mip6.mhtype = 5", 12, 1, "expected and, or, or the end", "mip6.mhtype == 5");
        row("mip6.mhtype == BX", 15, 2, "mip6.mhtype has no value called BX");
        row("mip6.mhtype == HoTX", 15, 4, "did you mean HoTI?", "mip6.mhtype == HoTI");
        row("mip6.mhtype == \"Binding Updat\"", 15, 15, "did you mean \"Binding update\"?", "mip6.mhtype == \"Binding update\"");
        row("mip6.bu.seqnr == 1.5", 17, 3, "expected a whole number");
        row("mip6.bu.seqnr == -1", 17, 2, "not negative");
        row("mip6.bu.m_flag == maybe", 18, 5, "mip6.bu.m_flag is a boolean; expected 1, 0, true or false");
        row("ipv6.src == 10.0.0.1", 12, 8, "ip.src, ip.dst and ip.addr");
        row("ipv6.src == 2001:db8::/129", 12, 14, "expected an IPv6 address");
        row("ipv6.src contains fe80", 9, 8, "== with a prefix");
        row("ipv6.src matches \"^fe\"", 9, 7, "string() makes a text", "string(ipv6.src) matches \"^fe\"");
        row("mip6.mhtype[0] == 5", 0, 14, "has no octets");
        row("eth.src == 00:11:22", 11, 8, "eth.src[0:3]");
        row("mip6.mhtype == 5 &&", 19, 0, "ends too early; expected a field");
        row("(mipv6 || udp", 0, 1, "not closed", "(mipv6 || udp)");
        row("mipv6)", 5, 1, "expected and, or, or the end");
        row("mipv6 udp", 6, 3, "expected and, or, or the end");
        row("mip6.mhtype in {1, 2", 15, 1, "not closed by }", "mip6.mhtype in {1, 2}");
        row("mip6.mhtype in {}", 15, 2, "empty");
        row("mip6.mhtype in 5", 15, 1, "expected a set");
        row("t in [12, 14", 5, 1, "not closed by ]", "t in [12, 14]");
        row("t in [12]", 8, 0, "expected a comma and the upper end");
        row("t > soon", 4, 4, "expected seconds");
        row("frame.time > \"yesterday\"", 13, 11, "expected a date and time");
        row("frame.link == \"w1", 14, 3, "no closing \"", "frame.link == \"w1\"");
        row("frame.link == \"\\q\"", 15, 2, "escape");
        row("frame.link matches \"(\"", 19, 3, "regular expression");
        row("frame.link matches w1", 19, 2, "in double quotes", "frame.link matches \"w1\"");
        row("phase == dat", 9, 3, "did you mean dad?", "phase == dad");
        row("finding.severity >= grave", 20, 5, "finding.severity has no value called grave");
        row("node > Alice", 5, 1, "no order");
        row("any mipv6", 9, 0, "a comparison, which any needs");
        row("\"a\" == \"b\"", 0, 3, "expected a field");
        row("5", 0, 1, "");
        row("foo(ipv6.src)", 0, 3, "there is no function foo");
        row("len(ipv6.src) > 1", 4, 8, "len takes octets or a text");
        row("ipv6.src == udp.srcport", 12, 11, "an IPv6 address cannot be compared with a number");
        row("ipv6.src[a] == 1", 9, 1, "expected octets");
        row("ipv6.src#0 == ::", 9, 1, "layers count from 1");
        row("tcp.analysis.retransmission", 0, 27, "is a name of Wireshark's that is not decoded here");
        row("ipv6 @ udp", 5, 1, "no place in a filter");
        row("${ipv6.src}", 0, 1, "references to the selected frame");
    }
    void errorsNamePlaceAndRemedy()
    {
        QFETCH(int, column);
        QFETCH(int, length);
        QFETCH(QString, says);
        QFETCH(QString, suggestion);
        const auto filter = Filter::compile(QTest::currentDataTag());
        QVERIFY(!filter);
        const FilterError& e = filter.error();
        QVERIFY2(q(e.text).contains(says), e.text.c_str());
        QCOMPARE(int(e.column), column);
        QCOMPARE(int(e.length), length);
        if (!suggestion.isEmpty()) {
            QCOMPARE(q(e.suggestion), suggestion);
            QVERIFY2(Filter::compile(e.suggestion), e.suggestion.c_str());
        }
    }

    void wiresharksWords_data()
    {
        QTest::addColumn<QString>("theirs");
        const auto row = [](const char* text, const char* theirs) { QTest::newRow(text) << theirs; };
        row("mip6.mhtype == BU && mip6.bu.m_flag", "mip6.mhtype == 5 && mip6.bu.m_flag");
        row("icmpv6.type in {RS, RA 140..0x90}", "icmpv6.type in {133, 134, 140 .. 0x90}");
        row("t in [12, 14.5]", "frame.time_relative >= 12 && frame.time_relative <= 14.5");
        row("not t in [350ms, 1min]", "!(frame.time_relative >= 0.35 && frame.time_relative <= 60)");
        row("frame.link == w1 or udp", "frame.interface_name == \"w1\" || udp");
        row("(udp or ipv6) and esp", "(udp || ipv6) && esp");
        row("5 < mip6.mhtype", "mip6.mhtype > 5");
        row("mip6.bu.a_flag == true", "mip6.bu.a_flag == 1");
        row("node == 2001:db8::1", "ipv6.addr == 2001:db8::1");
        row("eth.src[0:3] == 00:00:01", "eth.src[0:3] == 00:00:01");
        row("frame contains \"a\\\"b\"", "frame contains \"a\\\"b\"");
        row("ipv6.src !== ::1 || all ipv6.hlim > 3", "ipv6.src !== ::1 || all ipv6.hlim > 3");
        row("ipv6.hlim & 0xf0 == 0x40", "ipv6.hlim & 0xf0 == 0x40");
        row("max(ipv6.hlim, 3) == 64", "max(ipv6.hlim, 3) == 64");
        row("", "");
    }
    void wiresharksWords()
    {
        QFETCH(QString, theirs);
        const auto filter = Filter::compile(QTest::currentDataTag());
        QVERIFY(filter);
        const auto text = filter->asWireshark();
        QVERIFY2(text, text ? "" : text.error().text.c_str());
        QCOMPARE(q(*text), theirs);
        const auto again = Filter::compile(*text);
        QVERIFY(again);
        QCOMPARE(q(*again->asWireshark()), theirs);
    }

    void wordsThatWiresharkLacksAreNamed()
    {
        const auto text = Filter::compile("ipv6 && phase == dad")->asWireshark();
        QVERIFY(!text);
        QCOMPARE(int(text.error().column), 8);
        QVERIFY(q(text.error().text).contains("phase"));
        QVERIFY(!Filter::compile("ipv6 ^^ udp")->asWireshark());
        QVERIFY(!Filter::compile("node == Alice")->asWireshark());
        QVERIFY(!Filter::compile("roamscope.mip6.bu.o_flag == 1")->asWireshark());
    }

    void completionProposesWhatFits()
    {
        const auto words = [](const char* text, const SeenValues& seen = {}) {
            QStringList out;
            for (const Completion& c : complete(text, std::strlen(text), seen)) out << q(c.insert);
            return out;
        };
        QVERIFY(words("mip6.bu.m").startsWith("mip6.bu.m_flag"));
        QVERIFY(words("seqnr").contains("mip6.bu.seqnr"));
        QVERIFY(words("").contains("node"));
        QVERIFY(words("").size() <= 100);
        QCOMPARE(words("udp && icmpv6.ty"), QStringList{"icmpv6.type"});
        QVERIFY(words("mip6.mhtype ").contains("in"));
        QVERIFY(!words("mip6.mhtype ").contains("contains"));
        QVERIFY(!words("mip6.bu.m_flag ").contains(">"));
        QCOMPARE(words("mip6.mhtype == BU "), (QStringList{"&&", "||"}));
        QVERIFY(words("mip6.mhtype == B").contains("BU"));
        QVERIFY(words("mip6.mhtype in {BU, ").contains("HoTI"));
        QVERIFY(words("mip6.mhtype == \"Binding U").contains("\"Binding update\""));
        QCOMPARE(words("mip6.bu.m_flag == "), (QStringList{"1", "0"}));
        const SeenValues seen = [](FieldId id) { return id == FieldId::Ipv6Source ? std::vector<SeenValue>{{"2001:db8::1", 7}, {"fe80::1", 2}} : std::vector<SeenValue>{}; };
        QCOMPARE(words("ipv6.addr == 2001", seen), QStringList{"2001:db8::1"});
        const auto one = complete("udp || mip6.bu.m", 16, {});
        QCOMPARE(int(one.front().from), 7);
        QVERIFY(q(one.front().explanation).contains("a boolean: A local registration"));
        QCOMPARE(q(complete("ipv6.src == ", 12, seen).front().explanation), QString("seen 7 times"));
        // What has a name is proposed under it, what was seen first.
        const SeenValues types = [](FieldId id) { return id == FieldId::MhType ? std::vector<SeenValue>{{"6", 9}, {"5", 2}, {"200", 1}} : std::vector<SeenValue>{}; };
        QCOMPARE(words("mip6.mhtype == ", types).mid(0, 3), (QStringList{"BA", "BU", "BRR"}));
        QVERIFY(words("mip6.mhtype == ", types).contains("200") && !words("mip6.mhtype == ", types).contains("5"));
        QCOMPARE(q(complete("mip6.mhtype == ", 15, types).front().explanation), QString("6, Binding acknowledgement, seen 9 times"));
        QVERIFY(words("phase == ").contains("dad"));
        QVERIFY(words("\"abc\" ").isEmpty() || !words("\"abc\" ").contains("mipv6"));
        QVERIFY(words("@@").isEmpty());
    }
};

QTEST_APPLESS_MAIN(TestFilterTexts)
#include "test_filter_texts.moc"
