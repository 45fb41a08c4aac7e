// SPDX-License-Identifier: GPL-3.0-or-later
// The picture of the network as values: where mobile nodes are, on which links, with which tunnels.
#include "tests/ui/played_session.hpp"

#include "capture/io/scenario_file.hpp"
#include "ui/model/packet_rows.hpp"
#include "ui/model/topology.hpp"

#include <QTest>

using namespace roamscope;
using namespace roamscope::ui;

namespace {

Ipv6Address address(const char* text) { return *Ipv6Address::parse(text); }

}  // namespace

class TestTopology : public QObject {
    Q_OBJECT

private slots:
    void topologyFollowsTheMobileNode()
    {
        const auto session = std::make_unique<test::PlayedSession>(TimePoint{20s});
        const capture::View view = session->view();
        const Names names(session->scenario(), *view.analysis);
        for (const bool fromScenario : {true, false}) {
            const Topology topology = makeTopology(fromScenario ? session->scenario() : nullptr, *view.analysis, names, view.trace.links());
            const auto linkAt = [&](TimePoint t) {
                const TopologyState state = topologyAt(topology, *view.analysis, names, t);
                return state.mobiles.size() == 1 && state.mobiles[0].link ? topology.links[*state.mobiles[0].link].name : QString();
            };
            QCOMPARE(linkAt(TimePoint{5s}), QStringLiteral("w1"));
            QCOMPARE(linkAt(TimePoint{15s}), QStringLiteral("w2"));
            QCOMPARE(topologyAt(topology, *view.analysis, names, TimePoint{1s}).tunnels.size(), std::size_t(0));
            QCOMPARE(topologyAt(topology, *view.analysis, names, TimePoint{15s}).tunnels.size(), std::size_t(2));
            for (const TopologyNode& node : topology.nodes)
                QVERIFY(node.place.x() >= 0 && node.place.x() <= 1 && node.place.y() >= 0 && node.place.y() <= 1);
        }
    }

    void aNodeWithSeveralInterfacesIsOnSeveralLinks()
    {
        const Mac wireless{{2, 0, 0, 0, 0, 1}};
        const Mac wired{{2, 0, 0, 0, 0, 2}};
        analysis::Analysis analysis;
        analysis.nodes.resize(2);
        analysis.nodes[0].role = analysis::Role::HomeAgent;
        analysis.nodes[0].addresses = {address("2001:db8::1")};
        analysis.nodes[1].role = analysis::Role::MobileNode;
        analysis.nodes[1].addresses = {address("2001:db8::2")};
        analysis.nodes[1].macs = {wireless, wired};
        analysis.attachments = {{wireless, 0, TimePoint{1s}, TimePoint{3s}, {}}, {wired, 1, TimePoint{2s}, {}, {}}, {wireless, 2, TimePoint{3s}, {}, {}}};
        std::vector<capture::TraceLink> links(3);
        links[0].name = "wlan a";
        links[1].name = "wire";
        links[2].name = "wlan b";
        const Names names(nullptr, analysis);
        const Topology topology = makeTopology(nullptr, analysis, names, links);
        const auto linksAt = [&](TimePoint t) {
            const TopologyState state = topologyAt(topology, analysis, names, t);
            QStringList out;
            for (const TopologyState::Mobile& mobile : state.mobiles) {
                if (mobile.link) out << topology.links[*mobile.link].name;
                for (const std::size_t other : mobile.others) out << topology.links[other].name;
            }
            return out.join(QStringLiteral(", "));
        };
        QCOMPARE(linksAt(TimePoint{500ms}), QString());
        QCOMPARE(linksAt(TimePoint{1500ms}), QStringLiteral("wlan a"));
        QCOMPARE(linksAt(TimePoint{2500ms}), QStringLiteral("wire, wlan a"));
        QCOMPARE(linksAt(TimePoint{3500ms}), QStringLiteral("wlan b, wire"));
    }

    /// An interface that leaves its link is silent from then on: the end of its path tells it, the next path that it is back.
    void whoHasLeftALinkIsNotDrawnThere()
    {
        const auto linksAt = [](const char* name, std::initializer_list<int> seconds) {
            const auto scenario = capture::loadScenario(std::string(ROAMSCOPE_SOURCE_DIR "/resources/scenarios/") + name + ".json");
            if (!scenario) return QStringLiteral("no scenario");
            const test::PlayedSession session(TimePoint{scenario->duration}, capture::Backend::Virtual, *scenario);
            const capture::View view = session.view();
            QStringList all;
            for (const bool known : {true, false}) {
                const Names names(known ? session.scenario() : nullptr, *view.analysis);
                const Topology topology = makeTopology(known ? session.scenario() : nullptr, *view.analysis, names, view.trace.links());
                for (const int at : seconds) {
                    const TopologyState state = topologyAt(topology, *view.analysis, names, TimePoint{std::chrono::seconds(at)});
                    QStringList on;
                    if (state.mobiles.size() == 1 && state.mobiles[0].link) on << topology.links[*state.mobiles[0].link].name;
                    for (const std::size_t other : state.mobiles.at(0).others) on << topology.links[other].name;
                    on.sort();
                    all << on.join(QLatin1Char(' '));
                }
            }
            return all.join(QLatin1Char('|'));
        };
        QCOMPARE(linksAt("one-link-dies", {10, 13, 23}), QStringLiteral("cell wlan|cell|cell|cell wlan|cell|cell"));
        QCOMPARE(linksAt("make-before-break", {5, 12, 18}), QStringLiteral("cell|cell wlan|wlan|cell|cell wlan|wlan"));
        QCOMPARE(linksAt("wlan-ipv6-and-cellular-ipv4", {10, 14, 25}), QStringLiteral("cell wlan|cell|cell wlan|cell wlan|cell|cell wlan"));
    }

    void whatAMobileRouterCarriesStandsBelowIt()
    {
        const auto scenario = capture::loadScenario(ROAMSCOPE_SOURCE_DIR "/resources/scenarios/mobile-router-with-two-uplinks.json");
        QVERIFY(scenario);
        const analysis::Analysis nothing;
        const Topology topology = makeTopology(&*scenario, nothing, Names(&*scenario, nothing), {});
        int carried = 0;
        for (const TopologyLink& link : topology.links) {
            if (!link.carrier) continue;
            ++carried;
            QCOMPARE(topology.nodes[*link.carrier].name, QStringLiteral("mr"));
            QVERIFY(link.y > topology.mobileY);
            QCOMPARE(link.members.size(), std::size_t{1});
            QCOMPARE(topology.nodes[link.members[0]].name, QStringLiteral("seat"));
            QVERIFY(topology.nodes[link.members[0]].place.y() > link.y);
        }
        QCOMPARE(carried, 1);
        for (const TopologyNode& node : topology.nodes)
            if (node.name != QStringLiteral("seat") && node.role != analysis::Role::MobileNode) QVERIFY(node.place.y() < topology.mobileY);
    }

    /// RFC 5648 §8: the interface on an IPv4 network shows itself by ARP, and its packets are in IPv4.
    void ipv4NetworksAreDrawnAndTheirTunnelsNamed()
    {
        auto scenario = capture::loadScenario(ROAMSCOPE_SOURCE_DIR "/resources/scenarios/wlan-ipv6-and-cellular-ipv4.json");
        QVERIFY(scenario);
        const test::PlayedSession session(TimePoint{16s}, capture::Backend::Virtual, *scenario);
        const capture::View view = session.view();
        for (const bool known : {true, false}) {
            const lab::Scenario* told = known ? session.scenario() : nullptr;
            const Names names(told, *view.analysis);
            const Topology topology = makeTopology(told, *view.analysis, names, view.trace.links());
            const TopologyState state = topologyAt(topology, *view.analysis, names, TimePoint{10s});
            QCOMPARE(state.mobiles.size(), std::size_t(1));
            QStringList on{state.mobiles[0].link ? topology.links[*state.mobiles[0].link].name : QString()};
            for (const std::size_t other : state.mobiles[0].others) on << topology.links[other].name;
            on.sort();
            QCOMPARE(on.join(QLatin1Char(' ')), QStringLiteral("cell wlan"));
            QStringList bids;
            for (const TopologyState::Tunnel& tunnel : state.tunnels) bids << QString::number(tunnel.bid.value_or(0));
            QCOMPARE(bids.join(QLatin1Char(' ')), QStringLiteral("1 2"));

            const QString agent = known ? QStringLiteral("ha") : QStringLiteral("HA"), mobile = known ? QStringLiteral("mn") : QStringLiteral("MN");
            const auto info = [&](const auto& test) {
                const auto frame = test::findFrame(view, test);
                return frame ? makePacketRow(view, *frame, names).text[static_cast<std::size_t>(PacketColumn::Info)] : QString();
            };
            const QString probe = info([](const wire::DecodedFrame& f) { return f.probe && !f.probe->answer && f.ipv4; });
            QVERIFY2(probe.endsWith(QStringLiteral("⟨in IPv4 %1 → %2⟩").arg(agent, mobile)), qPrintable(probe));
            const QString update = info([](const wire::DecodedFrame& f) { return f.as<wire::BindingUpdate>() && f.ipv4; });
            QVERIFY2(update.endsWith(QStringLiteral("⟨in IPv4 UDP %2 → %1⟩").arg(agent, mobile)), qPrintable(update));
            const QString plain = info([](const wire::DecodedFrame& f) { return f.probe && !f.ipv4 && f.packets.size() == 1; });
            QVERIFY2(!plain.isEmpty() && !plain.contains(QStringLiteral("⟨")), qPrintable(plain));
        }
    }

    /// RFC 5648 §5.6: what the update says of the interface at home tells where it is, though the home agent answers for its address.
    void homeAndForeignAtOnceAreBothDrawn()
    {
        auto scenario = capture::loadScenario(ROAMSCOPE_SOURCE_DIR "/resources/scenarios/home-and-foreign.json");
        QVERIFY(scenario);
        const test::PlayedSession session(TimePoint{14s}, capture::Backend::Virtual, *scenario);
        const capture::View view = session.view();
        const Names names(session.scenario(), *view.analysis);
        const Topology topology = makeTopology(session.scenario(), *view.analysis, names, view.trace.links());
        const TopologyState state = topologyAt(topology, *view.analysis, names, TimePoint{13s});
        QCOMPARE(state.mobiles[0].others.size(), std::size_t(1));
        QVERIFY(state.mobiles[0].link);
        QStringList on{topology.links[*state.mobiles[0].link].name, topology.links[state.mobiles[0].others[0]].name};
        on.sort();
        QCOMPARE(on.join(QLatin1Char(' ')), QStringLiteral("cell home"));
        QCOMPARE(state.tunnels.size(), std::size_t(1));
        QVERIFY2(state.tunnels[0].bid == 2, "no tunnel leads to the home link");
    }
};

QTEST_MAIN(TestTopology)
#include "test_topology.moc"
