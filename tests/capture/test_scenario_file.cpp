// SPDX-License-Identifier: GPL-3.0-or-later
// Scenario files: the shipped sample reads as the values it stands for and fits its schema; every mistake is answered with
// its line, its column and words that help.
#include "capture/io/scenario_file.hpp"
#include "tests/support/python.hpp"
#include "tests/support/sample_scenario.hpp"

#include <QFile>
#include <QProcess>
#include <QTemporaryDir>
#include <QtTest>

using namespace roamscope;
using namespace roamscope::capture;

namespace {

const QString samplePath = QStringLiteral(ROAMSCOPE_SOURCE_DIR "/resources/scenarios/intra-map-handover.json");
const QString schemaPath = QStringLiteral(ROAMSCOPE_SOURCE_DIR "/resources/scenarios/scenario.schema.json");

QByteArray textOf(const QString& path)
{
    QFile file(path);
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

/// The smallest scenario that can be run, on lines whose numbers the tests know.
QByteArray small()
{
    return "{\n"                                                                                                              // 1
           "  \"format\": \"roamscope-scenario-1\",\n"                                                                        // 2
           "  \"title\": \"t\", \"duration\": \"5s\",\n"                                                                      // 3
           "  \"links\": [ {\"name\": \"home\"}, {\"name\": \"w\", \"delay\": \"2ms\"} ],\n"                                  // 4
           "  \"nodes\": [\n"                                                                                                 // 5
           "    {\"name\": \"ha\", \"role\": \"ha\", \"home_prefixes\": [\"2001:db8:1::/64\"],\n"                             // 6
           "     \"interfaces\": [ {\"link\": \"home\", \"address\": \"2001:db8:1::1/64\"} ]},\n"                             // 7
           "    {\"name\": \"mn\", \"role\": \"mn\", \"home_agent\": \"ha\", \"home_address\": \"2001:db8:1::9\",\n"          // 8
           "     \"interfaces\": [ {\"name\": \"wl0\"} ]} ],\n"                                                               // 9
           "  \"events\": [ {\"at\": \"1s\", \"node\": \"mn\", \"interface\": \"wl0\", \"attach\": \"w\"} ]\n"                // 10
           "}\n";
}

}  // namespace

class TestScenarioFile : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void theSampleReadsAsItsValues()
    {
        const auto read = loadScenario(samplePath.toStdString());
        QVERIFY2(read, read ? "" : read.error().text.c_str());
        lab::Scenario expected = test::sampleScenario();
        QVERIFY(!read->goal.empty());
        QCOMPARE(read->questions.size(), std::size_t{1});
        QCOMPARE(read->expect.size(), std::size_t{2});
        QCOMPARE(*read->expect[0].handover, 1);
        QCOMPARE(read->expect[0].kind, std::string("intra-map"));
        QVERIFY(*read->expect[0].interruptionBelow == Duration{4s});
        QCOMPARE(*read->expect[1].findings, std::string("error"));
        QVERIFY(read->expect[1].count == 0);
        expected.goal = read->goal;
        expected.questions = read->questions;
        expected.expect = read->expect;
        QVERIFY(*read == expected);
        QVERIFY(lab::validate(*read).empty());
    }

    void commentsAreAllowed()
    {
        QByteArray text = small();
        text.replace("\"title\"", "/* a \"comment\" */ \"title\"");
        text.append("// the end");
        QVERIFY(parseScenario(text.toStdString(), "s"));
    }

    void everySettingIsRead()
    {
        QByteArray text = small();
        text.replace("\"home_prefixes\"", "\"maximum_lifetime\": \"20m\", \"home_prefixes\"");
        text.replace("\"home_agent\"", "\"map_policy\": \"preference\", \"lifetime\": \"60s\", \"home_agent\"");
        text.replace("{\"name\": \"wl0\"}", "{\"name\": \"wl0\", \"mac\": \"02:00:00:00:00:05\"}");
        text.replace("\"title\"", "\"seed\": 18446744073709551615, \"dialect\": \"rfc5380\", \"faults\": [], \"title\"");
        const auto s = parseScenario(text.toStdString(), "s");
        QVERIFY2(s, s ? "" : s.error().text.c_str());
        QVERIFY(s->nodes[0].maximumLifetime == 1200s);
        QVERIFY(s->nodes[1].mapPolicy == lab::MapPolicy::Preference);
        QVERIFY(s->nodes[1].lifetime == 60s);
        QCOMPARE(s->nodes[1].interfaces[0].mac->text(), std::string("02:00:00:00:00:05"));
        QCOMPARE(s->nodes[0].interfaces[0].name, std::string("home"));  // the link's name
        QVERIFY(s->seed == ~std::uint64_t{0});
        QVERIFY(s->dialect == lab::Dialect::Rfc5380);
        QVERIFY(s->links[1].delay == Duration{2ms});
    }

    void everyTroubleIsRead()
    {
        QByteArray text = small();
        text.replace("\"delay\": \"2ms\"", "\"impairments\": [ {\"loss\": 1}, {\"from\": [\"mn\", \"ha\"], \"delay\": \"1ms\", \"jitter\": \"2ms\", \"loss\": 0.25, "
                                            "\"burst\": {\"enter\": 0.5, \"leave\": 0.125, \"loss\": 0.75}, \"duplicate\": 0.1, \"reorder\": 0.2, \"reorder_by\": \"3ms\", "
                                            "\"corrupt\": 0.3, \"rate\": 64000, \"queue\": 7} ]");
        text.replace("\"title\"", "\"faults\": [ {\"do\": \"change\", \"message\": \"BU\", \"at\": \"1s\", \"link\": \"w\", \"from\": \"mn\", \"source\": \"2001:db8::1\", "
                                    "\"destination\": \"2001:db8::2\", \"registration\": \"home\", \"sequence\": 9, \"number\": 2, \"count\": 3, "
                                    "\"set\": {\"sequence\": 10, \"lifetime\": \"8s\"}}, "
                                    "{\"do\": \"replay\", \"message\": \"BA\", \"status\": 135, \"by\": \"2s\"}, "
                                    "{\"do\": \"restart\", \"at\": \"2s\", \"node\": \"ha\", \"down\": \"3s\"}, "
                                    "{\"do\": \"take-address\", \"at\": \"3s\", \"node\": \"ha\", \"interface\": \"home\", \"address\": \"2001:db8:1::77\"}, "
                                    "{\"do\": \"clock\", \"at\": \"4s\", \"node\": \"mn\", \"step\": \"5s\", \"drift\": -100} ], \"title\"");
        const auto s = parseScenario(text.toStdString(), "s");
        QVERIFY2(s, s ? "" : s.error().text.c_str());
        const lab::ImpairmentSpec expected{{"mn", "ha"}, 1ms, 2ms, 0.25, lab::BurstSpec{0.5, 0.125, 0.75}, 0.1, 0.2, 3ms, 0.3, 64000, 7};
        QVERIFY(s->links[1].impairments.size() == 2 && s->links[1].impairments[0].loss == 1 && s->links[1].impairments[1] == expected);
        using Fault = lab::MessageFault;
        Fault change{TimePoint{1s}, {"BU", "w", "mn", Ipv6Address::parse("2001:db8::1"), Ipv6Address::parse("2001:db8::2"), lab::Registration::Home, 9, {}}, 2, 3, Fault::Action::Change, {}, {10, {}, 8s}};
        Fault replay{};
        replay.match.message = "BA";
        replay.match.status = std::uint8_t{135};
        replay.action = Fault::Action::Replay;
        replay.by = 2s;
        const std::vector<lab::FaultSpec> faults{change, replay, lab::RestartFault{TimePoint{2s}, "ha", 3s},
                                                 lab::AddressFault{TimePoint{3s}, "ha", "home", *Ipv6Address::parse("2001:db8:1::77")},
                                                 lab::ClockFault{TimePoint{4s}, "mn", 5s, -100}};
        QVERIFY(s->faults == faults);
    }

    void mistakesAreAnsweredWithTheirPlace_data()
    {
        QTest::addColumn<QByteArray>("from");
        QTest::addColumn<QByteArray>("to");
        QTest::addColumn<QString>("start");
        QTest::addColumn<QString>("words");
        const auto row = [](const char* name, const char* from, const char* to, const char* start, const char* words) {
            QTest::newRow(name) << QByteArray(from) << QByteArray(to) << QString::fromLatin1(start) << QString::fromLatin1(words);
        };
        row("unknown key", "\"delay\"", "\"dealy\"", "s:4:46: /links/1/dealy: ", "unknown key. Did you mean \"delay\"?");
        row("unknown key, nothing near", "\"delay\"", "\"colour_of_it\"", "s:4:46: /links/1/colour_of_it: ", "Expected one of name, wireless, delay, impairments");
        row("key of another role", "\"home_agent\"", "\"regional_prefix\"", "s:8:34: /nodes/1/regional_prefix: ", "only for role map, this node is mn");
        row("repeated key", "\"title\": \"t\"", "\"title\": \"t\", \"title\": \"u\"", "s:3:17: ", "key \"title\" stands twice in one object, first in line 3");
        row("bare number as duration", "\"5s\"", "5", "s:3:29: /duration: ", "expected a duration with its unit (ns, us, ms, s, m, h), such as \"50ms\", found a number");
        row("duration without unit", "\"5s\"", "\"5\"", "s:3:29: /duration: ", "found \"5\"");
        row("negative duration", "\"5s\"", "\"-5s\"", "s:3:29: /duration: ", "found \"-5s\"");
        row("missing key", "\"title\": \"t\", ", "", "s:1:1: /: ", "key \"title\" is missing: expected a string");
        row("wrong format", "scenario-1", "scenario-2", "s:2:13: /format: ", "expected \"roamscope-scenario-1\"");
        row("wrong kind", "\"links\": [ {\"name\": \"home\"}, {\"name\": \"w\", \"delay\": \"2ms\"} ]", "\"links\": 7", "s:4:12: /links: ", "expected a list, found a number");
        row("bad role", "\"role\": \"mn\"", "\"role\": \"nm\"", "s:8:28: /nodes/1/role: ", "one of ha, map, ar, cn, mn, found \"nm\"");
        row("bad address", "2001:db8:1::9", "2001:db8:1::9::", "s:8:70: /nodes/1/home_address: ", "expected an IPv6 address, such as \"2001:db8:100::1:1\"");
        row("prefix without length", "2001:db8:1::1/64", "2001:db8:1::1", "s:7:50: /nodes/0/interfaces/0/address: ", "with its prefix length");
        row("seed is no integer", "\"title\"", "\"seed\": 1.5, \"title\"", "s:3:11: /seed: ", "expected a whole number from 0 to");
        row("seed is negative", "\"title\"", "\"seed\": -1, \"title\"", "s:3:11: /seed: ", "expected a whole number from 0 to");
        row("lifetime of half a second", "\"home_agent\"", "\"lifetime\": \"4.5s\", \"home_agent\"", "s:8:46: /nodes/1/lifetime: ", "whole seconds");
        row("unknown fault", "\"title\"", "\"faults\": [ {\"do\": \"dorp\"} ], \"title\"", "s:3:22: /faults/0/do: ", "Did you mean \"drop\"?");
        row("fault without a message", "\"title\"", "\"faults\": [ {\"do\": \"drop\"} ], \"title\"", "s:3:15: /faults/0: ", "key \"message\" is missing");
        row("fault of another kind", "\"title\"", "\"faults\": [ {\"do\": \"restart\", \"message\": \"BU\"} ], \"title\"", "s:3:33: /faults/0/message: ", "unknown key");
        row("fault of no message", "\"title\"", "\"faults\": [ {\"do\": \"drop\", \"message\": \"UB\"} ], \"title\"", "s:3:41: /faults/0/message: ", "expected one of BRR, HoTI");
        row("change of nothing", "\"title\"", "\"faults\": [ {\"do\": \"change\", \"message\": \"BU\"} ], \"title\"", "s:3:15: /faults/0/set: ", "what is to be changed");
        row("replay at once", "\"title\"", "\"faults\": [ {\"do\": \"replay\", \"message\": \"BU\"} ], \"title\"", "s:3:15: /faults/0/by: ", "expected 1e-09s to 3600s");
        row("restart of nobody", "\"title\"", "\"faults\": [ {\"do\": \"restart\", \"at\": \"1s\", \"node\": \"x\"} ], \"title\"", "s:3:53: /faults/0/node: ", "no node is named \"x\"");
        row("clock out of range", "\"title\"", "\"faults\": [ {\"do\": \"clock\", \"at\": \"1s\", \"node\": \"mn\", \"drift\": -1000000} ], \"title\"", "s:3:66: /faults/0/drift: ", "-500000 to 1000000");
        row("no probability", "\"delay\": \"2ms\"", "\"impairments\": [ {\"loss\": 1.5} ]", "s:4:72: /links/1/impairments/0/loss: ", "a probability from 0 to 1");
        row("impaired sender twice", "\"delay\": \"2ms\"", "\"impairments\": [ {\"from\": [\"mn\"]}, {\"from\": [\"mn\"]} ]", "s:4:90: /links/1/impairments/1/from: ", "entry 0 of this link is for the same sender");
        row("burst without an end", "\"delay\": \"2ms\"", "\"impairments\": [ {\"burst\": {\"enter\": 0.1, \"leave\": 0}} ]", "s:4:97: /links/1/impairments/0/burst/leave: ", "above 0");
        row("attach and detach", "\"attach\": \"w\"", "\"attach\": \"w\", \"detach\": true", "s:10:15: /events/0: ", "either \"attach\" with a link or \"detach\": true");
        row("detach false", "\"attach\": \"w\"", "\"detach\": false", "s:10:72: /events/0/detach: ", "expected true");
        row("not JSON", "\"title\"", "title", "s:3:", "is no JSON: ");
        row("missing bracket", "} ]},\n", "} },\n", "s:7:", "is no JSON: ");
        row("umlauts count as one column", "\"title\": \"t\", ", "\"title\": \"\xc3\xbc\xc3\xbc\xc3\xbc\", \"seeds\": 1, ", "s:3:19: /seeds: ", "Did you mean \"seed\"?");
        // What only the whole can tell.
        row("unknown link", "\"link\": \"home\"", "\"link\": \"hoem\"", "s:7:31: /nodes/0/interfaces/0/link: ", "no link is named \"hoem\"");
        row("home address outside", "2001:db8:1::9", "2001:db8:2::9", "s:8:70: /nodes/1/home_address: ", "2001:db8:2::9 is outside the home prefixes of \"ha\"");
        row("name twice", "\"name\": \"mn\"", "\"name\": \"ha\"", "s:8:14: /nodes/1/name: ", "\"ha\" is used twice, first in entry 0");
        row("role lacks a setting", "\"home_prefixes\": [\"2001:db8:1::/64\"],", "", "s:6:5: /nodes/0/home_prefixes: ", "a home agent needs at least one home prefix");
        row("event too late", "\"at\": \"1s\"", "\"at\": \"6s\"", "s:10:22: /events/0/at: ", "inside the scenario's duration");
        row("no such interface", "\"interface\": \"wl0\"", "\"interface\": \"wl1\"", "s:10:55: /events/0/interface: ", "\"mn\" has no interface \"wl1\"");
        row("wrong role", "\"home_agent\": \"ha\"", "\"home_agent\": \"mn\"", "s:8:48: /nodes/1/home_agent: ", "expected a node of role ha");
        row("duration of nothing", "\"5s\"", "\"0s\"", "s:3:29: /duration: ", "more than 0s");
    }
    void mistakesAreAnsweredWithTheirPlace()
    {
        QFETCH(QByteArray, from);
        QFETCH(QByteArray, to);
        QFETCH(QString, start);
        QFETCH(QString, words);
        QByteArray text = small();
        QVERIFY(parseScenario(text.toStdString(), "s"));
        const auto at = text.indexOf(from);
        QVERIFY(at >= 0);
        text.replace(at, from.size(), to);
        const auto read = parseScenario(text.toStdString(), "s");
        QVERIFY(!read);
        const QString message = QString::fromStdString(read.error().text);
        QVERIFY2(message.startsWith(start), qPrintable(message));
        QVERIFY2(message.contains(words), qPrintable(message));
    }

    void severalContradictionsComeTogether()
    {
        QByteArray text = small();
        text.replace("\"link\": \"home\"", "\"link\": \"x\"");
        text.replace("\"attach\": \"w\"", "\"attach\": \"y\"");
        const auto read = parseScenario(text.toStdString(), "s");
        QVERIFY(!read);
        QCOMPARE(QString::fromStdString(read.error().text).count('\n'), 1);
    }

    void sizeAndDepthAreBounded()
    {
        const auto words = [](const std::string& text) { return QString::fromStdString(parseScenario(text, "s").error().text); };
        QVERIFY(words(std::string(2 * 1024 * 1024, ' ')).contains("more than 1048576 are not read"));
        QVERIFY(words(std::string(100'000, '[')).contains("nested more than 16 deep"));
        QVERIFY(words("").startsWith("s:1:1: is no JSON"));
        QVERIFY(QString::fromStdString(loadScenario("/nonexistent.json").error().text).contains("No such file"));
        QVERIFY(!loadScenario("/"));
        QByteArray many = small();
        QByteArray nodes;
        for (int i = 0; i < 1100; ++i) nodes += "{\"name\": \"n" + QByteArray::number(i) + "\", \"role\": \"cn\", \"interfaces\": []},";
        many.replace("\"nodes\": [", "\"nodes\": [" + nodes);
        QVERIFY(words(many.toStdString()).contains("expected at most 1024 entries"));
    }

    void everyTruncationAndDamageIsAnswered()
    {
        const std::string whole = small().toStdString();
        for (std::size_t n = 0; n + 2 < whole.size(); ++n) {
            QVERIFY(!parseScenario(whole.substr(0, n), "s"));
            for (const char c : {'\0', '"', '\\', '[', '9', '\xff'}) {
                std::string damaged = whole;
                damaged[n] = c;
                const auto read = parseScenario(damaged, "s");
                QVERIFY(read || read.error().text.starts_with("s:"));
            }
        }
    }

    void durationsAreExact()
    {
        const auto is = [](const char* text, std::int64_t ns) { return parseDuration(text) && parseDuration(text)->count() == ns; };
        QVERIFY(is("1ns", 1) && is("3us", 3'000) && is("50ms", 50'000'000) && is("10.1s", 10'100'000'000) && is("2m", 120'000'000'000) && is("1h", 3'600'000'000'000));
        QVERIFY(is("0.000000001s", 1) && is("1.50m", 90'000'000'000) && is("0s", 0) && is("10000h", 36'000'000'000'000'000));
        for (const char* bad : {"", "1", "s", "1 s", " 1s", "-1s", "+1s", "1.s", ".5s", "1.2.3s", "1e3s", "1S", "1d", "0.1ns", "10001h", "99999999999999999999s", "1s "})
            QVERIFY2(!parseDuration(bad), bad);
    }

    void theSampleFitsTheSchema()
    {
        QProcess python;
        const auto check = [&](const QString& program, const QByteArray& document) {
            QTemporaryDir dir;
            QFile file(dir.filePath("document.json"));
            if (!file.open(QIODevice::WriteOnly)) return -1;
            file.write(document);
            file.close();
            python.start(program, {"-c",
                                   "import json, sys, jsonschema\n"
                                   "v = jsonschema.Draft202012Validator\n"
                                   "schema = json.load(open(sys.argv[1]))\nv.check_schema(schema)\n"
                                   "errors = [e.message for e in v(schema).iter_errors(json.load(open(sys.argv[2])))]\nprint(errors)\nsys.exit(1 if errors else 0)",
                                   schemaPath, file.fileName()});
            return python.waitForFinished(60'000) ? python.exitCode() : -1;
        };
        const QString program = test::pythonWith("import jsonschema; jsonschema.Draft202012Validator");
        if (program.isEmpty()) QSKIP("no python3 that can import jsonschema 4 (install python3-jsonschema)");
        const int status = check(program, textOf(samplePath));
        QVERIFY2(status == 0, (python.readAllStandardOutput() + python.readAllStandardError()).constData());
        QCOMPARE(check(program, small()), 0);
        // The schema refuses what the program refuses.
        for (const auto& [from, to] : {std::pair<const char*, const char*>{"\"delay\"", "\"dealy\""},
                                       {"\"5s\"", "5"},
                                       {"\"home_agent\"", "\"regional_prefix\""},
                                       {"scenario-1", "scenario-2"},
                                       {"\"attach\": \"w\"", "\"attach\": \"w\", \"detach\": true"}}) {
            QByteArray text = small();
            QVERIFY(text.contains(from));
            QCOMPARE(check(program, text.replace(from, to)), 1);
        }
    }
};

QTEST_APPLESS_MAIN(TestScenarioFile)
#include "test_scenario_file.moc"
