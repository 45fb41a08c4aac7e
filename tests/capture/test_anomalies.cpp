// SPDX-License-Identifier: GPL-3.0-or-later
// The anomalies A01 to A18: a frame or exchange that breaks exactly one rule raises exactly one finding, with that rule, its
// RFC section and the octets that show it; the same one put right raises none.
#include "tests/support/frame_builder.hpp"

#include <QtTest>
#include <functional>

using namespace roamscope;
using namespace roamscope::analysis;
using namespace roamscope::test;

using Net = SampleNetwork;
using wire::Severity;

namespace {

constexpr std::uint16_t A = wire::BindingUpdate::acknowledge;
constexpr std::uint16_t H = wire::BindingUpdate::homeRegistration;

/// Where things stand in the frames of these tests: Ethernet, IPv6, a home address option or routing header, the message.
constexpr std::uint32_t ipHeader = 14, extension = ipHeader + 40, message = extension + 24;

/// What must be found, and where.
struct Expected {
    const char* rule;
    Severity severity;
    const char* rfc;
    Duration time;
    std::uint32_t link;
    std::uint32_t offset;
    std::uint32_t length;
};

struct Row {
    const char* name;
    std::function<void(Net&)> wrong;
    Expected expected;
    std::function<void(Net&)> right;
};

const MobileSpec mn;

void homeUpdate(Net& net, std::uint16_t flags, bool alternate)
{
    UpdateSpec spec = net.homeSpec(mn, 1);
    spec.flags = flags;
    if (!alternate) spec.alternate.reset();
    net.up(mn, Net::w1, 1s, update(spec));
}

const std::vector<Row>& rows()
{
    static const std::vector<Row> table{
        {"A04 home registration without alternate care-of address", [](Net& net) { homeUpdate(net, A | H, false); },
         {"MN-BU-02", Severity::Error, "RFC 6275 §11.7.1", 1s, Net::w1, message + 8, 2}, [](Net& net) { homeUpdate(net, A | H, true); }},
        {"A05 home registration without A", [](Net& net) { homeUpdate(net, H, true); },
         {"MN-BU-01", Severity::Error, "RFC 6275 §11.7.1", 1s, Net::w1, message + 8, 2}, [](Net& net) { homeUpdate(net, A | H, true); }},
    };
    return table;
}

QByteArray list(const Analysis& a)
{
    QByteArray out;
    for (const TraceFinding& f : a.findings)
        out += QByteArray("\n  frame ") + QByteArray::number(f.frame) + " +" + QByteArray::number(f.finding.offset) + "," +
               QByteArray::number(f.finding.length) + " " + std::string(f.finding.rule).c_str() + " (" + std::string(f.finding.rfc).c_str() + ") " +
               f.finding.text.c_str();
    return out;
}

}  // namespace

class TestAnomalies : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void anomaly_data()
    {
        QTest::addColumn<int>("row");
        for (std::size_t i = 0; i < rows().size(); ++i) QTest::newRow(rows()[i].name) << int(i);
    }
    void anomaly()
    {
        QFETCH(int, row);
        const Row& r = rows()[std::size_t(row)];
        Net net;
        r.wrong(net);
        net.sort();
        const auto a = net.analyze();
        QVERIFY2(a->findings.size() == 1, list(*a).constData());
        const TraceFinding& f = a->findings[0];
        QCOMPARE(std::string(f.finding.rule), std::string(r.expected.rule));
        QVERIFY(f.finding.severity == r.expected.severity);
        QCOMPARE(std::string(f.finding.rfc), std::string(r.expected.rfc));
        QCOMPARE(f.frame, net.indexOf(r.expected.time, r.expected.link));
        QCOMPARE(f.finding.offset, r.expected.offset);
        QCOMPARE(f.finding.length, r.expected.length);
    }
    void corrected_data() { anomaly_data(); }
    void corrected()
    {
        QFETCH(int, row);
        Net net;
        rows()[std::size_t(row)].right(net);
        net.sort();
        const auto a = net.analyze();
        QVERIFY2(!net.frames.empty() && a->findings.empty(), list(*a).constData());
    }
};

QTEST_APPLESS_MAIN(TestAnomalies)
#include "test_anomalies.moc"
