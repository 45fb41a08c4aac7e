// SPDX-License-Identifier: GPL-3.0-or-later
// `role` without its wire, in virtual time: settings of every kind, commands and their answers, lines about what happens.
#include "tests/support/node_frames.hpp"
#include "tests/support/python.hpp"

#include "capture/io/json_text.hpp"
#include "capture/io/resources.hpp"
#include "capture/io/role_schema.hpp"
#include "capture/run/role_node.hpp"

#include <QFile>
#include <QProcess>
#include <QStandardPaths>
#include <QTemporaryDir>
#include <QtTest>

#include <fmt/format.h>

using namespace roamscope;
using namespace roamscope::test;
using capture::JsonNode;

namespace {

const Mac peerMac = mac("02:00:00:00:00:99");
const Ipv6Address agent = ip("2001:db8:1::1");
const Ipv6Address home = ip("2001:db8:1::77");
const Ipv6Address careOf = ip("2001:db8:1::cafe");  // on the home agent's link, so that no router is needed

const char* const agentConfig =
    "{\"home_prefixes\": [\"2001:db8:1::/64\"], \"seed\": 7, \"interfaces\": [{\"address\": \"2001:db8:1::1/64\", \"mac\": \"02:00:00:00:00:01\"}]}";

struct Role {
    capture::RoleNode node;
    TimePoint now{};
    std::vector<Bytes> frames;
    QStringList lines;

    Role(const char* config, lab::Role role) : node(*capture::RoleNode::make(*capture::parseRoleFile(config, "config", role, {"t0"}), Random::Key{1, 2, 3})) {}

    void take()
    {
        for (lab::PortFrame& f : std::exchange(node.frames(), {})) frames.push_back(std::move(f.bytes));
        lines += QString::fromStdString(node.takeLines()).split('\n', Qt::SkipEmptyParts);
    }
    void to(TimePoint t)
    {
        for (auto next = node.nextDeadline(); next && *next <= t; next = node.nextDeadline()) {
            now = *next;
            while (node.advance(now)) {}
            take();
        }
        now = t;
    }
    void in(const wire::Ipv6Packet& packet)
    {
        node.receive(now, 0, frame(peerMac, mac("02:00:00:00:00:01"), packet));
        while (node.advance(now)) {}
        take();
    }
    JsonNode command(const char* text)
    {
        const std::string answer = node.obey(now, text);
        while (node.advance(now)) {}
        take();
        auto tree = capture::parseJson(answer, "answer");
        if (!tree) qFatal("no JSON: %s", answer.c_str());
        return *tree;
    }
    QString error(const char* text)
    {
        const JsonNode answer = command(text);
        const JsonNode* found = answer.find("error");
        return found ? QString::fromStdString(found->text) : QString();
    }
    /// The last mobility message that was sent.
    [[nodiscard]] std::optional<wire::DecodedFrame> message() const
    {
        for (auto it = frames.rbegin(); it != frames.rend(); ++it) {
            auto f = wire::decodeFrame(*it, wire::linkEthernet, it->size());
            if (f.upper == wire::protocol::mobility) return f;
        }
        return std::nullopt;
    }
    template <class T>
    [[nodiscard]] std::vector<T> all() const
    {
        std::vector<T> out;
        for (const Bytes& octets : frames)
            if (const auto f = wire::decodeFrame(octets, wire::linkEthernet, octets.size()); f.template as<T>()) out.push_back(*f.template as<T>());
        return out;
    }
    void bind(std::uint16_t sequence, std::uint16_t lifetime = 15)
    {
        in(icmp(careOf, solicitedNode(agent), wire::NeighborSolicitation{agent, {wire::SourceLinkLayerOption{peerMac}}}));
        in(mobility(careOf, agent, wire::BindingUpdate{sequence, 0xc000, WireLifetime{lifetime}, {wire::AlternateCareOfAddress{careOf}}}, home));
        to(now + 2s);
    }
};

QString refusal(const QByteArray& config, lab::Role role = lab::Role::Correspondent)
{
    const auto read = capture::parseRoleFile(config.toStdString(), "c", role, {"t0"});
    return read ? QString() : QString::fromStdString(read.error().text);
}

}  // namespace

class TestRoleNode : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void bindingsAreListed()
    {
        Role ha(agentConfig, lab::Role::HomeAgent);
        QVERIFY(ha.command("{\"command\": \"bindings\", \"id\": 5}").find("bindings")->children.empty());
        ha.bind(9);
        const JsonNode answer = ha.command("{\"command\": \"bindings\", \"id\": \"b\"}");
        QCOMPARE(answer.find("answer")->text, std::string("bindings"));
        QCOMPARE(answer.find("id")->text, std::string("b"));
        QCOMPARE(answer.find("bindings")->children.size(), std::size_t{1});
        const JsonNode& binding = answer.find("bindings")->children[0];
        QCOMPARE(binding.find("home_address")->text, home.text());
        QCOMPARE(binding.find("care_of_address")->text, careOf.text());
        QCOMPARE(binding.find("sequence")->number, 9.0);
        QCOMPARE(binding.find("lifetime")->number, 60e9);
        QVERIFY(binding.find("remaining")->number < 60e9 && binding.find("remaining")->number > 57e9);
        for (const char* part : {"\"event\":\"message-received\",\"message\":\"Binding update\"", "\"event\":\"message-sent\",\"message\":\"Binding acknowledgement\"", "\"event\":\"binding\""})
            QVERIFY2(ha.lines.join('\n').contains(part), qPrintable(part + ha.lines.join('\n')));
    }
    void AR_04_routersTakeTheirLeave()
    {
        const char* const advertise = "\"advertise\": {\"min_interval\": \"100ms\", \"max_interval\": \"200ms\", \"home_agent_information\": {\"preference\": 3}}";
        const std::string leavingAgent = std::string("{\"home_prefixes\": [\"2001:db8:1::/64\"], \"seed\": 7, \"interfaces\": [{\"address\": \"2001:db8:1::1/64\", ") + advertise + "}]}";
        const std::string router = std::string("{\"seed\": 7, \"interfaces\": [{\"address\": \"2001:db8:1::1/64\", ") + advertise + "}]}";
        for (const bool isAgent : {true, false}) {
            Role role(isAgent ? leavingAgent.c_str() : router.c_str(), isAgent ? lab::Role::HomeAgent : lab::Role::AccessRouter);
            role.to(TimePoint{1s});
            const auto before = role.all<wire::RouterAdvertisement>();
            QVERIFY(!before.empty() && before.back().routerLifetime > 0);
            role.node.cease(role.now);
            role.take();
            const auto after = role.all<wire::RouterAdvertisement>();
            QVERIFY2(after.size() == before.size() + 1 && after.back().routerLifetime == 0, "AR-04: RFC 4861 §6.2.5");
            // HA-DHAAD-02: without lifetime of its own the home agent ends with the router.
            QVERIFY(!wire::findOption<wire::HomeAgentInformation>(after.back().options));
        }
    }
    void revokedBindingsEnd()
    {
        Role ha(agentConfig, lab::Role::HomeAgent);
        ha.bind(9);
        QVERIFY(ha.error("{\"command\": \"revoke\", \"home_address\": \"2001:db8:1::78\"}").contains("no binding for 2001:db8:1::78"));
        QVERIFY(ha.error("{\"command\": \"revoke\", \"home_address\": \"2001:db8:1::77\", \"bids\": [1]}").contains("has no binding with each of these identifiers"));
        QVERIFY(ha.error("{\"command\": \"revoke\", \"home_address\": \"2001:db8:1::77\"}").isEmpty());
        QVERIFY2(ha.command("{\"command\": \"bindings\"}").find("bindings")->children.size() == 1, "RFC 5846 §7: the mobile node is asked first");
        ha.to(ha.now + 5s);
        QVERIFY(ha.command("{\"command\": \"bindings\"}").find("bindings")->children.empty());
        QVERIFY(ha.lines.join('\n').contains("\"event\":\"binding-removed\",\"home_address\":\"2001:db8:1::77\",\"reason\":\"revoked\""));
        // Its number is remembered (HA-DEREG-02).
        ha.in(mobility(careOf, agent, wire::BindingUpdate{9, 0xc000, WireLifetime{15}, {wire::AlternateCareOfAddress{careOf}}}, home));
        QCOMPARE(int{ha.message()->as<wire::BindingAck>()->status}, 135);
    }
    void severalCareOfAddressesAndTheirFlows()
    {
        const auto bid = [](std::uint16_t number, const Ipv6Address& at, std::uint8_t priority) { return wire::BindingIdentifier{number, 0, false, priority, Bytes(at.octets.begin(), at.octets.end())}; };
        wire::Ipv6TrafficSelector selector;
        selector.destinationPort = {5000, {}};
        Role ha(agentConfig, lab::Role::HomeAgent);
        const auto update = [&](std::uint16_t sequence, std::vector<wire::MobilityOption> options) {
            ha.in(mobility(careOf, agent, wire::BindingUpdate{sequence, 0xc000, WireLifetime{15}, std::move(options)}, home));
        };
        for (const Ipv6Address& at : {careOf, ip("2001:db8:1::caff")}) ha.in(icmp(at, solicitedNode(agent), wire::NeighborSolicitation{agent, {wire::SourceLinkLayerOption{peerMac}}}));
        update(9, {bid(1, careOf, 10), bid(2, ip("2001:db8:1::caff"), 20), wire::FlowIdentification{3, 7, 0, {wire::BindingReference{{2}}, selector}}});
        ha.to(ha.now + 3s);
        JsonNode answer = ha.command("{\"command\": \"bindings\"}");
        const auto& list = answer.find("bindings")->children;
        QVERIFY(list.size() == 2 && list[1].find("bid")->number == 2 && list[1].find("bid_priority")->number == 20 && list[1].find("care_of_address")->text == "2001:db8:1::caff");
        QVERIFY(list[0].find("lifetime")->number == 60000000000 && !list[0].find("home")->boolean);
        const auto& flows = answer.find("flows")->children;
        QVERIFY(flows.size() == 1 && flows[0].find("flow")->number == 3 && flows[0].find("priority")->number == 7 && flows[0].find("active")->boolean);
        QVERIFY(ha.lines.join('\n').contains("\"bid\":2"));
        // MCOA-BR-01
        QVERIFY(ha.error("{\"command\": \"revoke\", \"home_address\": \"2001:db8:1::77\", \"bids\": [2, 5]}").contains("has no binding with each of these identifiers"));
        QVERIFY(!ha.error("{\"command\": \"revoke\", \"home_address\": \"2001:db8:1::77\", \"bids\": [0]}").isEmpty());
        QVERIFY(ha.error("{\"command\": \"revoke\", \"home_address\": \"2001:db8:1::77\", \"bids\": [2]}").isEmpty());
        const auto told = ha.all<wire::BindingRevocation>();
        QVERIFY(told.size() == 1 && told[0].options == (std::vector<wire::MobilityOption>{wire::BindingIdentifier{2, 0, false, 0, {}}}));
        ha.in(mobility(careOf, agent, wire::BindingRevocation{wire::BindingRevocation::acknowledgement, 0, told[0].sequence, 0, {}}, home));
        answer = ha.command("{\"command\": \"bindings\"}");
        QVERIFY(answer.find("bindings")->children.size() == 1 && !answer.find("flows")->children[0].find("active")->boolean);
        QVERIFY(ha.error("{\"command\": \"revoke\", \"home_address\": \"2001:db8:1::77\", \"notify\": false}").isEmpty());
        QCOMPARE(ha.all<wire::BindingRevocation>().size(), std::size_t{1});
        QVERIFY(ha.command("{\"command\": \"bindings\"}").find("bindings")->children.empty());
        // Settings change what comes next.
        QVERIFY(ha.error("{\"command\": \"set\", \"settings\": {\"mcoa\": {\"support\": \"refuse\"}}}").isEmpty());
        update(10, {bid(1, careOf, 10)});
        QCOMPARE(int{ha.message()->as<wire::BindingAck>()->status}, 166);
    }
    void NEMO_DH_01_mobileRoutersAreAdvertised()
    {
        const auto informationOf = [](const char* nemo) {
            const std::string config = std::string("{\"home_prefixes\": [\"2001:db8:1::/64\"], \"seed\": 7, ") + nemo +
                                       "\"interfaces\": [{\"address\": \"2001:db8:1::1/64\", \"mac\": \"02:00:00:00:00:01\", \"advertise\": {\"min_interval\": \"1s\", \"max_interval\": \"4s\"}}]}";
            Role ha(config.c_str(), lab::Role::HomeAgent);
            ha.to(TimePoint{10s});
            const auto advertisements = ha.all<wire::RouterAdvertisement>();
            const auto* information = advertisements.empty() ? nullptr : wire::findOption<wire::HomeAgentInformation>(advertisements.back().options);
            return !information ? -1 : int{information->mobileRouters};
        };
        QVERIFY2(informationOf("\"nemo\": {\"routers\": [{\"home_address\": \"2001:db8:1::77\", \"prefixes\": [\"2001:db8:1f0::/56\"]}]}, ") == 1, "NEMO-DH-01: RFC 3963 §7.3");
        QVERIFY2(informationOf("") == -1, "HA-RA-01: left out where it says nothing");
    }
    void messagesAreSentByFields()
    {
        Role ha(agentConfig, lab::Role::HomeAgent);
        ha.bind(1);
        const JsonNode done = ha.command("{\"command\": \"send\", \"to\": \"2001:db8:1::cafe\", \"routing_header\": \"2001:db8:1::77\", \"message\": {\"type\": \"binding-refresh-request\"}}");
        QVERIFY2(!done.find("error"), done.find("error") ? done.find("error")->text.c_str() : "");
        QCOMPARE(done.find("from")->text, agent.text());
        QVERIFY(ha.message()->as<wire::BindingRefreshRequest>());
        QVERIFY(ha.message()->packets[0].routing->homeAddress == home);
        (void)ha.command("{\"command\": \"send\", \"to\": \"2001:db8:1::cafe\", \"home_address_option\": \"2001:db8:1::5\", \"message\": {\"type\": \"bu\", \"sequence\": 77, \"lifetime\": \"600s\", "
                         "\"flags\": [\"A\", \"H\"], \"alternate_care_of_address\": \"2001:db8:1::6\", \"options\": [{\"type\": 200, \"data\": \"01 02\"}]}}");
        const auto sent = ha.message();
        const auto* update = sent->as<wire::BindingUpdate>();
        QVERIFY(update);
        QCOMPARE(int{update->sequence}, 77);
        QCOMPARE(int{update->lifetime.count()}, 150);
        QCOMPARE(int{update->flags}, 0xc000);
        QVERIFY(wire::findOption<wire::AlternateCareOfAddress>(update->options)->address == ip("2001:db8:1::6"));
        QVERIFY(wire::findOption<wire::RawMobilityOption>(update->options)->data == (Bytes{1, 2}));
        QVERIFY(sent->packets[0].homeAddress() == ip("2001:db8:1::5"));
        QVERIFY(ha.command("{\"command\": \"send\", \"to\": \"2001:db8:1::cafe\", \"message\": {\"type\": \"be\", \"status\": 1, \"home_address\": \"2001:db8:1::77\"}}").find("octets"));
        QCOMPARE(int{ha.message()->as<wire::BindingError>()->status}, 1);
    }
    void messagesAreSentAsOctets()
    {
        Role ha(agentConfig, lab::Role::HomeAgent);
        ha.bind(1);
        // A type that nobody knows; its checksum is filled in, or kept wrong on purpose.
        QVERIFY(ha.error("{\"command\": \"send\", \"to\": \"2001:db8:1::cafe\", \"octets\": \"3b00 6300 0000 0104\"}").isEmpty());
        QVERIFY(wire::verify(ha.message()->packets[0].pseudoHeader(), wire::protocol::mobility, Bytes(ha.frames.back().begin() + 54, ha.frames.back().end())) == wire::ChecksumVerdict::Good);
        QVERIFY(ha.error("{\"command\": \"send\", \"to\": \"2001:db8:1::cafe\", \"octets\": \"3b006300abcd0104\", \"checksum\": \"keep\"}").isEmpty());
        QCOMPARE(int{ha.frames.back()[58]}, 0xab);
        // A whole packet goes as it was given: an authentication header (RFC 4302) is not ours to take away.
        wire::Ipv6Packet packet;
        packet.source = agent;
        packet.destination = ip("2001:db8:1::cafe");
        packet.nextHeader = wire::protocol::ah;
        packet.payload = {59, 4, 0, 0, 0, 0, 0, 7, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
        const Bytes whole = wire::emitIpv6(packet);
        QVERIFY(ha.error(fmt::format("{{\"command\": \"send\", \"packet\": \"{:02x}\"}}", fmt::join(whole, "")).c_str()).isEmpty());
        QVERIFY(Bytes(ha.frames.back().begin() + wire::EthernetHeader::octets, ha.frames.back().end()) == whole);
        QVERIFY(ha.error("{\"command\": \"send\", \"interface\": \"t0\", \"frame\": \"0200000000990200000000018000 00\"}").isEmpty());
        QCOMPARE(ha.frames.back().size(), std::size_t{15});
    }
    void faultyCommandsAreAnswered_data()
    {
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<QString>("words");
        const auto row = [](const char* text, const char* words) { QTest::newRow(text) << QByteArray(text) << QString(words); };
        row("{", "command:1:");
        row("[]", "expected one JSON object a line");
        row("{\"command\": \"fly\"}", "unknown command: expected bindings, attach, send, revoke, probe, set or stop");
        row("{\"command\": \"bindings\", \"x\": 1}", "command:1:25: /x: unknown key");
        row("{\"command\": \"attach\", \"interface\": \"t1\", \"up\": true}", "no interface is named \"t1\"");
        row("{\"command\": \"attach\", \"interface\": \"t0\"}", "key \"up\" is missing");
        row("{\"command\": \"send\", \"to\": \"::1\"}", "expected exactly one of");
        row("{\"command\": \"send\", \"to\": \"2001:db8::1\", \"message\": {\"type\": \"bo\"}}", "Did you mean");
        row("{\"command\": \"send\", \"to\": \"2001:db8::1\", \"message\": {\"type\": \"be\", \"sequence\": 1}}", "a be has no such field");
        row("{\"command\": \"send\", \"to\": \"2001:db8::1\", \"message\": {\"type\": \"bu\", \"lifetime\": \"5s\"}}", "multiple of 4s");
        row("{\"command\": \"send\", \"to\": \"2001:db8::1\", \"octets\": \"3b0\"}", "octets in hexadecimal");
        row("{\"command\": \"send\", \"to\": \"2001:db8::1\", \"octets\": \"3b00\"}", "at least 8 octets");
        row("{\"command\": \"send\", \"packet\": \"00\"}", "no IPv6 packet");
        row("{\"command\": \"probe\", \"action\": \"stop\", \"flow\": 3}", "flow 3 does not run");
        row("{\"command\": \"probe\", \"action\": \"start\"}", "expected \"to\"");
        row("{\"command\": \"set\"}", "expected \"settings\"");
        row("{\"command\": \"set\", \"settings\": {\"ecco\": true}}", "Did you mean \"echo\"?");
        row("{\"command\": \"set\", \"settings\": {\"name\": \"other\"}}", "cannot be changed while the node runs");
        row("{\"command\": \"set\", \"settings\": {\"maximum_lifetime\": \"1s\"}}", "expected 4s to 262140s");
    }
    void faultyCommandsAreAnswered()
    {
        QFETCH(QByteArray, text);
        QFETCH(QString, words);
        Role ha(agentConfig, lab::Role::HomeAgent);
        const QString error = ha.error(text.constData());
        QVERIFY2(error.contains(words), qPrintable(error));
        QVERIFY(!ha.node.stopped());
    }
    void settingsChangeWhileItRuns()
    {
        Role ha(agentConfig, lab::Role::HomeAgent);
        ha.in(icmp(careOf, solicitedNode(agent), wire::NeighborSolicitation{agent, {wire::SourceLinkLayerOption{peerMac}}}));
        const auto echo = icmp(careOf, agent, wire::Echo{false, 1, 2, {}}, 64);
        ha.in(echo);
        QCOMPARE(ha.all<wire::Echo>().size(), std::size_t{1});
        QVERIFY(ha.error("{\"command\": \"set\", \"settings\": {\"echo\": false, \"maximum_lifetime\": \"40s\"}}").isEmpty());
        ha.in(echo);
        QCOMPARE(ha.all<wire::Echo>().size(), std::size_t{1});
        ha.bind(3, 100);
        QCOMPARE(int{ha.message()->as<wire::BindingAck>()->lifetime.count()}, 10);
    }
    void detachedInterfacesAreSilent()
    {
        Role cn("{\"seed\": 1, \"interfaces\": [{\"address\": \"2001:db8:1::1/64\", \"mac\": \"02:00:00:00:00:01\"}]}", lab::Role::Correspondent);
        const auto ns = icmp(careOf, solicitedNode(agent), wire::NeighborSolicitation{agent, {wire::SourceLinkLayerOption{peerMac}}});
        QVERIFY(cn.error("{\"command\": \"attach\", \"interface\": \"t0\", \"up\": false}").isEmpty());
        cn.in(ns);
        QVERIFY(cn.frames.empty());
        QVERIFY(cn.error("{\"command\": \"attach\", \"interface\": \"t0\", \"up\": true}").isEmpty());
        cn.in(ns);
        QCOMPARE(cn.all<wire::NeighborAdvertisement>().size(), std::size_t{1});
    }
    void probesRunUntilTheyAreStopped()
    {
        Role cn("{\"seed\": 1, \"interfaces\": [{\"address\": \"2001:db8:1::1/64\", \"mac\": \"02:00:00:00:00:01\"}]}", lab::Role::Correspondent);
        cn.in(icmp(careOf, solicitedNode(agent), wire::NeighborSolicitation{agent, {wire::SourceLinkLayerOption{peerMac}}}));
        cn.to(TimePoint{1s});
        QVERIFY(cn.error("{\"command\": \"probe\", \"action\": \"start\", \"flow\": 4, \"to\": \"2001:db8:1::cafe\", \"rate\": 10, \"size\": 50}").isEmpty());
        QVERIFY(cn.error("{\"command\": \"probe\", \"action\": \"start\", \"flow\": 4, \"to\": \"2001:db8:1::cafe\"}").contains("runs already"));
        cn.to(TimePoint{1950ms});
        cn.in(probe(careOf, agent, {4, true, 2, TimePoint{1s}}));
        const JsonNode done = cn.command("{\"command\": \"probe\", \"action\": \"stop\", \"flow\": 4}");
        QCOMPARE(done.find("sent")->number, 10.0);
        QCOMPARE(done.find("answered")->number, 1.0);
        const auto probes = [&] {
            return std::count_if(cn.frames.begin(), cn.frames.end(), [](const Bytes& f) { return wire::decodeFrame(f, wire::linkEthernet, f.size()).probe.has_value(); });
        };
        QCOMPARE(probes(), 10);
        cn.to(TimePoint{3s});
        QCOMPARE(probes(), 10);
    }
    void stopIsObeyed()
    {
        Role cn("{\"interfaces\": [{\"address\": \"2001:db8:1::1/64\"}]}", lab::Role::Correspondent);
        QCOMPARE(cn.command("{\"command\": \"stop\"}").find("answer")->text, std::string("stop"));
        QVERIFY(cn.node.stopped());
    }
    /// RFC 4861 §6.3, RFC 4862 §5.5: router, prefix and address from an advertisement, tested before use, gone when their time is over.
    void addressesComeFromAdvertisements()
    {
        Role cn("{\"seed\": 1, \"interfaces\": [{\"slaac\": true, \"dad_transmits\": 2, \"retrans_timer\": \"500ms\", \"mac\": \"02:00:00:00:00:01\"}]}", lab::Role::Correspondent);
        cn.to(TimePoint{1s});
        QCOMPARE(cn.all<wire::RouterSolicitation>().size(), std::size_t{1});
        const auto router = ip("fe80::99");
        wire::RouterAdvertisement ra;
        ra.routerLifetime = 60;
        ra.options = {wire::SourceLinkLayerOption{peerMac}, wire::PrefixInformation{prefix("2001:db8:5::/64"), true, true, false, 10000, 8000}};
        cn.in(icmp(router, allNodes(), ra));
        const Ipv6Address own = ip("2001:db8:5::ff:fe00:1");
        QVERIFY(cn.node.lab().stack(0).find(own));
        cn.to(TimePoint{1900ms});
        QVERIFY(!cn.node.lab().stack(0).owns(own));
        QCOMPARE(cn.all<wire::NeighborSolicitation>().size(), std::size_t{2});  // dad_transmits, retrans_timer apart
        cn.to(TimePoint{2100ms});
        QVERIFY(cn.node.lab().stack(0).owns(own));
        // Through the router that advertised itself.
        cn.in(icmp(ip("2001:db8:9::9"), own, wire::Echo{false, 1, 1, {}}, 64));
        QCOMPARE(cn.all<wire::Echo>().size(), std::size_t{1});
        // Nobody takes an address away within two hours (RFC 4862 §5.5.3 e).
        std::get<wire::PrefixInformation>(ra.options[1]).validLifetime = 1;
        std::get<wire::PrefixInformation>(ra.options[1]).preferredLifetime = 1;
        cn.in(icmp(router, allNodes(), ra));
        cn.to(TimePoint{7100s});
        QVERIFY(cn.node.lab().stack(0).owns(own));
        cn.to(TimePoint{7203s});
        QVERIFY(!cn.node.lab().stack(0).find(own));
        // The router's time is over, too.
        QVERIFY(cn.lines.join('\n').contains("\"event\":\"default-router\",\"interface\":\"t0\",\"gone\":true"));
    }
    void staticAddressesAreTestedWhenWished()
    {
        Role cn("{\"seed\": 1, \"interfaces\": [{\"addresses\": [\"2001:db8:1::1/64\", \"2001:db8:2::1/64\"], \"verify_addresses\": true, \"mac\": \"02:00:00:00:00:01\"}]}", lab::Role::Correspondent);
        QVERIFY(!cn.node.lab().stack(0).owns(ip("2001:db8:2::1")));
        cn.to(TimePoint{1100ms});
        QCOMPARE(cn.all<wire::NeighborSolicitation>().size(), std::size_t{3});
        QVERIFY(cn.node.lab().stack(0).owns(ip("2001:db8:2::1")));
    }
    /// RFC 4861 §7.2.7: advertised without Override; RFC 4443 §4.2: answered from a unicast address.
    void anycastAddressesAreTakenButNeverASource()
    {
        Role ar("{\"seed\": 1, \"interfaces\": [{\"address\": \"2001:db8:1::1/64\", \"anycast\": [\"2001:db8:1::\"], \"mac\": \"02:00:00:00:00:01\"}]}", lab::Role::AccessRouter);
        ar.in(icmp(careOf, solicitedNode(ip("2001:db8:1::")), wire::NeighborSolicitation{ip("2001:db8:1::"), {wire::SourceLinkLayerOption{peerMac}}}));
        QCOMPARE(ar.all<wire::NeighborAdvertisement>().size(), std::size_t{1});
        QVERIFY(!ar.all<wire::NeighborAdvertisement>()[0].override);
        ar.in(icmp(careOf, ip("2001:db8:1::"), wire::Echo{false, 1, 1, {}}, 64));
        QCOMPARE(ar.all<wire::Echo>().size(), std::size_t{1});
        QVERIFY(wire::decodeFrame(ar.frames.back(), wire::linkEthernet, ar.frames.back().size()).packets[0].source == agent);
    }
    void advertisementsAreWhatTheSettingsSay()
    {
        Role ar("{\"seed\": 1, \"interfaces\": [{\"address\": \"2001:db8:1::1/64\", \"advertise\": {\"min_interval\": \"1s\", \"max_interval\": \"4s\", \"router_lifetime\": \"0s\","
                " \"managed\": true, \"other\": true, \"home_agent\": true, \"hop_limit\": 33, \"reachable_time\": \"30s\", \"retrans_timer\": \"2s\", \"mtu\": 1400,"
                " \"advertisement_interval\": false, \"home_agent_information\": {\"preference\": 9, \"lifetime\": \"77s\"},"
                " \"prefixes\": [{\"prefix\": \"2001:db8:7::1/64\", \"on_link\": false, \"autonomous\": false, \"router_address\": true, \"valid_lifetime\": \"infinite\", \"preferred_lifetime\": \"5s\"}],"
                " \"map\": [{\"node\": \"2001:db8:3::1\", \"distance\": 2, \"preference\": 3, \"form_address\": false, \"lifetime\": \"99s\"}]}}]}",
                lab::Role::AccessRouter);
        ar.to(TimePoint{2s});
        QVERIFY(!ar.all<wire::RouterAdvertisement>().empty());
        const wire::RouterAdvertisement ra = ar.all<wire::RouterAdvertisement>()[0];
        QCOMPARE(int{ra.routerLifetime}, 0);
        QCOMPARE(int{ra.flags}, 0xe0);
        QCOMPARE(int{ra.hopLimit}, 33);
        QCOMPARE(ra.reachableTime, 30000u);
        QCOMPARE(ra.retransTimer, 2000u);
        QCOMPARE(wire::findOption<wire::MtuOption>(ra.options)->mtu, 1400u);
        QVERIFY(!wire::findOption<wire::AdvertisementIntervalOption>(ra.options));
        QVERIFY(*wire::findOption<wire::HomeAgentInformation>(ra.options) == (wire::HomeAgentInformation{9, 77, false}));
        QVERIFY(*wire::findOption<wire::PrefixInformation>(ra.options) == (wire::PrefixInformation{prefix("2001:db8:7::1/64"), false, false, true, 0xffffffff, 5}));
        QVERIFY(*wire::findOption<wire::MapOption>(ra.options) == (wire::MapOption{2, 3, false, 99, ip("2001:db8:3::1")}));
    }
    void errorsAreLimited()
    {
        for (const auto& [limits, answers] : {std::pair("", 10), std::pair("\"icmp_errors\": {\"burst\": 3}, ", 3), std::pair("\"icmp_errors\": {\"rate\": 0}, ", 0)}) {
            const std::string config = std::string("{\"seed\": 1, ") + limits + "\"interfaces\": [{\"address\": \"2001:db8:1::1/64\", \"mac\": \"02:00:00:00:00:01\"}]}";
            Role ar(config.c_str(), lab::Role::AccessRouter);
            ar.in(icmp(careOf, solicitedNode(agent), wire::NeighborSolicitation{agent, {wire::SourceLinkLayerOption{peerMac}}}));
            for (int i = 0; i < 20; ++i) ar.in(icmp(careOf, ip("2001:db8:9::9"), wire::Echo{false, 1, 1, {}}, 64));  // no route
            QCOMPARE(static_cast<int>(ar.all<wire::IcmpError>().size()), answers);
        }
    }
    void routersForwardUnlessTheyAreToldNot()
    {
        const auto forwarded = [](const char* more) {
            const std::string config = std::string("{\"seed\": 1, ") + more + "\"default_router\": \"2001:db8:1::cafe\", \"interfaces\": [{\"address\": \"2001:db8:1::1/64\", \"mac\": \"02:00:00:00:00:01\"}]}";
            Role ar(config.c_str(), lab::Role::AccessRouter);
            ar.in(icmp(careOf, solicitedNode(agent), wire::NeighborSolicitation{agent, {wire::SourceLinkLayerOption{peerMac}}}));
            ar.in(icmp(careOf, ip("2001:db8:9::9"), wire::Echo{false, 1, 1, {}}, 64));
            return ar.all<wire::Echo>().size();
        };
        QCOMPARE(forwarded(""), std::size_t{1});
        QCOMPARE(forwarded("\"forwarding\": false, "), std::size_t{0});
    }
    /// Without a seed no two runs draw the same; with one all do.
    void randomNumbersAreSecretWithoutASeed()
    {
        const auto token = [](const char* seed, const Random::Key& key) {
            const std::string config = std::string("{") + seed + "\"mobility\": true, \"interfaces\": [{\"address\": \"2001:db8:1::1/64\", \"mac\": \"02:00:00:00:00:01\"}]}";
            Role cn(config.c_str(), lab::Role::Correspondent);
            cn.node = *capture::RoleNode::make(*capture::parseRoleFile(config, "c", lab::Role::Correspondent, {"t0"}), key);
            cn.in(icmp(careOf, solicitedNode(agent), wire::NeighborSolicitation{agent, {wire::SourceLinkLayerOption{peerMac}}}));
            cn.in(mobility(careOf, agent, wire::CareOfTestInit{1, {}}, {}));
            return cn.all<wire::CareOfTest>().at(0).token;
        };
        QVERIFY(token("\"seed\": 5, ", {1}) == token("\"seed\": 5, ", {2}));
        QVERIFY(token("", {1}) != token("", {2}));
        QVERIFY(token("", {1}) == token("", {1}));
    }
    void readyLineSaysWhatItIs()
    {
        const Role secret("{\"interfaces\": [{\"address\": \"2001:db8:1::1/64\"}]}", lab::Role::Correspondent);
        const QString line = QString::fromStdString(secret.node.readyLine());
        for (const char* part : {"{\"event\":\"ready\",\"node\":\"cn\",\"role\":\"cn\",\"security\":\"no security association", "\"random\":\"secure\"", "\"tap\":\"t0\"", "\"2001:db8:1::1\""})
            QVERIFY2(line.contains(part), qPrintable(line));
        QVERIFY(QString::fromStdString(Role(agentConfig, lab::Role::HomeAgent).node.readyLine()).contains("\"random\":\"seeded"));
        // Locally administered and the same every time.
        const Role again("{\"interfaces\": [{\"address\": \"2001:db8:1::1/64\"}]}", lab::Role::Correspondent);
        QVERIFY(secret.node.lab().ports()[0].mac == again.node.lab().ports()[0].mac);
        QCOMPARE(secret.node.lab().ports()[0].mac.octets[0] & 3, 2);
    }
    void faultsOfTheFileNameTheirPlace()
    {
        QVERIFY(refusal("{\n \"interfaces\": [{\"address\": \"2001:db8::1/64\", \"link\": \"x\"}]}").contains("/interfaces/0/link: only in a scenario"));
        QVERIFY(refusal("{\"interfaces\": [{\"address\": \"2001:db8::1/64\", \"dad_transmits\": 11}]}").contains("/interfaces/0/dad_transmits: expected a whole number from 0 to 10"));
        QVERIFY(refusal("{\"interfaces\": [{\"address\": \"2001:db8::1/64\", \"anycast\": [\"2001:db8::\"]}]}").contains("only routers have anycast addresses"));
        QVERIFY(refusal("{\"interfaces\": [{\"address\": \"2001:db8::1/64\", \"advertise\": {}}]}").contains("only for roles ar, ha and map"));
        QVERIFY(refusal("{\"default_router\": \"2001:db8:2::1\", \"interfaces\": [{\"address\": \"2001:db8::1/64\"}]}").contains("is in the prefix of no interface"));
        QVERIFY(refusal("{\"interfaces\": [{}]}").contains("needs a static address"));
        QVERIFY(refusal("{\"interfaces\": [{\"slaac\": true}]}").isEmpty());
    }
    void theSchemaFitsWhatIsRead()
    {
        const QString python = test::pythonWith("import jsonschema; jsonschema.Draft202012Validator");
        if (python.isEmpty()) QSKIP("no python3 that can import jsonschema 4 (install python3-jsonschema)");
        QFile scenario(QStringLiteral(ROAMSCOPE_SOURCE_DIR "/resources/scenarios/scenario.schema.json"));
        QVERIFY(scenario.open(QIODevice::ReadOnly));
        const auto schema = capture::roleSchema(scenario.readAll().toStdString());
        QVERIFY(schema);
        QTemporaryDir dir;
        QFile file(dir.filePath("role.json"));
        QVERIFY(file.open(QIODevice::WriteOnly) && file.write(schema->c_str()) > 0);
        file.close();
        const QByteArray script =
            "import json, sys, jsonschema\n"
            "schema = json.load(open(sys.argv[1]))\n"
            "jsonschema.Draft202012Validator.check_schema(schema)\n"
            "v = jsonschema.Draft202012Validator(schema)\n"
            "i = [{'address': '2001:db8:1::1/64'}]\n"
            "good = [{'interfaces': i}, {'interfaces': i, 'home_prefixes': ['2001:db8:1::/64']}, {'interfaces': [{'slaac': True}], 'mobility': True, 'seed': 1},\n"
            "        {'interfaces': i, 'default_router': {'address': 'fe80::1', 'interface': 't0'}, 'icmp_errors': {'rate': 0}},\n"
            "        {'interfaces': [{}], 'home_address': '2001:db8:1::9', 'home_agent': '2001:db8:1::1', 'route_optimisation': ['2001:db8:c::1']}]\n"
            "bad = [{}, {'interfaces': i, 'homes': 1}, {'interfaces': [{'adress': 'x'}]}, {'interfaces': [{'link': 'x'}]}, {'interfaces': i, 'title': 'x'}, {'interfaces': i, 'echo': 1}]\n"
            "for c in good: v.validate(c)\n"
            "for c in bad: assert not v.is_valid(c), c\n"
            "assert 'event' not in schema['$defs'] and 'link' not in schema['$defs']['interface']['properties']\n";
        QProcess check;
        check.start(python, {"-c", script, file.fileName()});
        QVERIFY(check.waitForFinished(60000));
        QVERIFY2(check.exitCode() == 0, check.readAllStandardError().constData());
    }
};

QTEST_APPLESS_MAIN(TestRoleNode)
#include "test_role_node.moc"
