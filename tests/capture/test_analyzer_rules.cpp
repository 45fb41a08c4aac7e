// SPDX-License-Identifier: GPL-3.0-or-later
// Findings that need more than one frame: each broken rule once, at the right frame and octets, and nothing beside it.
#include "tests/support/frame_builder.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::analysis;
using namespace roamscope::test;

using Net = SampleNetwork;

namespace {

constexpr std::uint16_t A = wire::BindingUpdate::acknowledge;
constexpr std::uint16_t H = wire::BindingUpdate::homeRegistration;
constexpr std::uint16_t M = wire::BindingUpdate::mapRegistration;

/// Octets of a finding, as hexadecimal text.
QByteArray octets(const Net& net, const TraceFinding& f)
{
    const Bytes& bytes = net.frames.at(f.frame).bytes;
    if (std::size_t{f.finding.offset} + f.finding.length > bytes.size()) return "outside";
    return QByteArray(reinterpret_cast<const char*>(bytes.data()) + f.finding.offset, static_cast<qsizetype>(f.finding.length)).toHex();
}

}  // namespace

class TestAnalyzerRules : public QObject {
    Q_OBJECT

    /// Exactly one finding: this rule, in this frame, at these octets.
    void expectOne(Net& net, const char* rule, wire::Severity severity, Duration time, std::uint32_t link, const QByteArray& hex)
    {
        net.sort();
        const auto a = net.analyze();
        for (const TraceFinding& f : a->findings) qInfo() << f.frame << f.finding.text.c_str();
        QCOMPARE(a->findings.size(), std::size_t{1});
        const TraceFinding& f = a->findings[0];
        QCOMPARE(std::string(f.finding.rule), std::string(rule));
        QVERIFY(f.finding.severity == severity);
        QVERIFY(!f.finding.rfc.empty());
        QCOMPARE(f.frame, net.indexOf(time, link));
        if (!hex.isEmpty()) QCOMPARE(octets(net, f), hex);
    }

    const MobileSpec mn;

private Q_SLOTS:
    void homeRegistrationWithoutAlternate()  // A04, MN-BU-02
    {
        Net net;
        UpdateSpec spec = net.homeSpec(mn, 1);
        spec.alternate.reset();
        net.up(mn, Net::w1, 1s, update(spec));
        expectOne(net, "MN-BU-02", wire::Severity::Error, 1s, Net::w1, "c000");
    }
    void deregistrationFromHomeNeedsNoAlternate()
    {
        Net net;
        net.add(1s, Net::home, mn.interface, net.haHome, update({mn.home, net.ha, std::nullopt, std::nullopt, A | H, 1, 0}));
        QVERIFY(net.analyze()->findings.empty());
    }
    void homeRegistrationWithoutAcknowledge()  // A05, MN-BU-01
    {
        Net net;
        UpdateSpec spec = net.homeSpec(mn, 1);
        spec.flags = H;
        net.up(mn, Net::w1, 1s, update(spec));
        expectOne(net, "MN-BU-01", wire::Severity::Error, 1s, Net::w1, "4000");
    }
    void deregistrationFromHomeWithoutAcknowledge()  // A05, MN-HOME-01
    {
        Net net;
        net.add(1s, Net::home, mn.interface, net.haHome, update({mn.home, net.ha, std::nullopt, std::nullopt, H, 1, 0}));
        expectOne(net, "MN-HOME-01", wire::Severity::Error, 1s, Net::home, "4000");
    }
    void localUpdateWithoutAcknowledge()  // A06, HMIP-MN-09
    {
        Net net;
        UpdateSpec spec = net.localSpec(mn, Net::w1, 1);
        spec.flags = M;
        net.up(mn, Net::w1, 1s, update(spec));
        expectOne(net, "HMIP-MN-09", wire::Severity::Error, 1s, Net::w1, "0800");
    }
    void foreignUpdateWithoutHomeAddress()  // A07, MN-BU-01
    {
        Net net;
        net.up(mn, Net::w1, 1s, update({net.careOf(mn, Net::w1), net.ha, std::nullopt, net.careOf(mn, Net::w1), A | H, 1, 600}));
        expectOne(net, "MN-BU-01", wire::Severity::Error, 1s, Net::w1, "c000");
    }
    void correspondentUpdateWithoutHomeAddress()  // A07, RFC 6275 §11.7.2
    {
        Net net;
        net.up(mn, Net::w1, 1s, update({net.careOf(mn, Net::w1), net.cn, std::nullopt, std::nullopt, A, 1, 600}));
        expectOne(net, "", wire::Severity::Error, 1s, Net::w1, "8000");
    }
    void localUpdateWithoutHomeAddress()  // A07, HMIP-MN-10
    {
        Net net;
        UpdateSpec spec = net.localSpec(mn, Net::w1, 1);
        spec.home.reset();
        net.up(mn, Net::w1, 1s, update(spec));
        expectOne(net, "HMIP-MN-10", wire::Severity::Error, 1s, Net::w1, "8800");
    }
    void localUpdateForTheHomeAddress()  // A07, HMIP-MN-10
    {
        Net net;
        net.registerFirst(mn);
        UpdateSpec spec = net.localSpec(mn, Net::w1, 9);
        spec.home = mn.home;
        net.up(mn, Net::w1, 20s, update(spec));
        expectOne(net, "HMIP-MN-10", wire::Severity::Error, 20s, Net::w1, QByteArray(reinterpret_cast<const char*>(mn.home.octets.data()), 16).toHex());
    }
    void answerThatMatchesNoUpdate()  // A15, MN-BU-08
    {
        Net net;
        net.registerFirst(mn);
        net.localAnswer(mn, Net::w1, 20s, 0x1234);
        expectOne(net, "MN-BU-08", wire::Severity::Error, 20s, Net::domain, "1234");
    }
    void answerBeforeTheCaptureBegan()
    {
        Net net;
        net.localAnswer(mn, Net::w1, 20s, 0x1234);
        QVERIFY(net.analyze()->findings.empty());
    }
    void replayAccepted()  // A16, HA-BU-02
    {
        Net net;
        net.localUpdate(mn, Net::w1, 1s, 10);
        net.localAnswer(mn, Net::w1, 1100ms, 10);
        net.localUpdate(mn, Net::w1, 20s, 10);
        net.localAnswer(mn, Net::w1, 20100ms, 10);
        expectOne(net, "HA-BU-02", wire::Severity::Error, 20100ms, Net::domain, "000a");
    }
    void olderNumberAccepted()  // A16, HA-BU-02
    {
        Net net;
        net.localUpdate(mn, Net::w1, 1s, 10);
        net.localAnswer(mn, Net::w1, 1100ms, 10);
        net.localUpdate(mn, Net::w1, 20s, 9);
        net.localAnswer(mn, Net::w1, 20100ms, 9);
        expectOne(net, "HA-BU-02", wire::Severity::Error, 20100ms, Net::domain, "0009");
    }
    void anyNumberIsRightWithoutABinding()
    {
        Net net;
        net.localUpdate(mn, Net::w1, 1s, 10, 8);
        net.localAnswer(mn, Net::w1, 1100ms, 10, 0, 8);
        net.localUpdate(mn, Net::w1, 20s, 9);
        net.localAnswer(mn, Net::w1, 20100ms, 9);
        QVERIFY(net.analyze()->findings.empty());
    }
    void sequenceNumbersWrapAround()
    {
        Net net;
        net.localUpdate(mn, Net::w1, 1s, 65535);
        net.localAnswer(mn, Net::w1, 1100ms, 65535);
        net.localUpdate(mn, Net::w1, 20s, 0);
        net.localAnswer(mn, Net::w1, 20100ms, 0);
        QVERIFY(net.analyze()->findings.empty());
    }
    void moreGrantedThanAsked()  // A17, HA-BU-05
    {
        Net net;
        net.localUpdate(mn, Net::w1, 1s, 10, 400);
        net.localAnswer(mn, Net::w1, 1100ms, 10, 0, 404);
        expectOne(net, "HA-BU-05", wire::Severity::Error, 1100ms, Net::domain, "0065");
    }
    void homeLifetimeBeyondTheMaps()  // A17, HMIP-MN-15
    {
        Net net;
        net.localUpdate(mn, Net::w1, 1s, 10, 600);
        net.localAnswer(mn, Net::w1, 1100ms, 10, 0, 400);
        net.homeUpdate(mn, Net::w1, 2s, 1, 404);
        expectOne(net, "HMIP-MN-15", wire::Severity::Error, 2s, Net::w1, "0065");
    }
    void homeLifetimeEqualToTheMaps()
    {
        Net net;
        net.localUpdate(mn, Net::w1, 1s, 10, 600);
        net.localAnswer(mn, Net::w1, 1100ms, 10, 0, 400);
        net.homeUpdate(mn, Net::w1, 2s, 1, 400);
        QVERIFY(net.analyze()->findings.empty());
    }
    void mapAnswerWithoutRoutingHeader()  // A18, HMIP-MN-12
    {
        Net net;
        net.localUpdate(mn, Net::w1, 1s, 10);
        net.down(mn, Net::w1, 1100ms, answer({net.map, net.careOf(mn, Net::w1), std::nullopt, 0, 10, 600}));
        expectOne(net, "HMIP-MN-12", wire::Severity::Error, 1100ms, Net::domain, {});
    }
    void homeRegistrationBeforeTheMapAnswered()  // A18, HMIP-MN-13
    {
        Net net;
        net.localUpdate(mn, Net::w1, 1s, 10);
        net.homeUpdate(mn, Net::w1, 1010ms, 1);
        expectOne(net, "HMIP-MN-13", wire::Severity::Warning, 1010ms, Net::w1, "c000");
    }
    void corruptedMessagesAreReportedAndNotBelieved()  // A01
    {
        Net net;
        net.localUpdate(mn, Net::w1, 1s, 10);
        net.keepOnly(Net::w1);
        net.frames[0].bytes.back() ^= 0xff;
        const auto a = net.analyze();
        QVERIFY(!a->findings.empty());
        QVERIFY(a->exchanges.empty());
    }
    void findingsAreBounded()
    {
        Net net;
        wire::RouterAdvertisement ra;
        ra.options = {wire::MapOption{0, 10, true, 3600, net.map}};
        for (int i = 0; i < 10050; ++i)
            net.add(i * 1ms, Net::w1, net.arRadio[0], multicastMac(allNodes()), icmp(linkLocal(eui64(net.arRadio[0])), allNodes(), ra));
        const auto a = net.analyze();
        QCOMPARE(a->findings.size(), std::size_t{10000});
        QCOMPARE(a->findingsDropped, std::uint64_t{50});
    }
};

QTEST_APPLESS_MAIN(TestAnalyzerRules)
#include "test_analyzer_rules.moc"
