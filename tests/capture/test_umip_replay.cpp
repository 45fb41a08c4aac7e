// SPDX-License-Identifier: GPL-3.0-or-later
// What the nodes of UMIP 0.4 (Linux) sent, replayed to our home agent and correspondent in virtual time; our answers are compared with
// those that UMIP's own gave. Where they differ the difference stands here with the section that makes ours right.
#include "tests/support/node_frames.hpp"

#include "capture/io/capture_reader.hpp"
#include "capture/run/role_node.hpp"
#include "tests/support/test_inputs.hpp"
#include "protocol/node/return_routability.hpp"

#include <QtTest>
#include <fmt/format.h>

using namespace roamscope;
using namespace roamscope::test;

namespace {

const Ipv6Address agent = ip("2001:db8:1::1");
const Ipv6Address correspondent = ip("2001:db8:c::2");

const char* const agentConfig =
    "{\"home_prefixes\": [\"2001:db8:1::/64\"], \"maximum_lifetime\": \"3596s\", \"default_router\": \"2001:db8:1::fe\", \"seed\": 1,"
    " \"interfaces\": [{\"mac\": \"02:fd:92:5c:c8:d2\", \"address\": \"2001:db8:1::1/64\","
    " \"advertise\": {\"min_interval\": \"500ms\", \"max_interval\": \"1500ms\"}}]}";
const char* const correspondentConfig =
    "{\"mobility\": true, \"seed\": 1,"
    " \"interfaces\": [{\"mac\": \"02:fd:7e:fd:fc:94\", \"address\": \"2001:db8:c::2/64\", \"slaac\": true}]}";

/// One answer as it is compared.
QString text(const wire::DecodedFrame& f)
{
    const wire::Ipv6Packet& p = f.packets.front();
    const QString to = QString::fromStdString(" to " + p.destination.text() + (p.routing ? " RH2 " + p.routing->homeAddress.text() : ""));
    if (const auto* ack = f.as<wire::BindingAck>()) return QString("BA %1 sequence %2 lifetime %3").arg(ack->status).arg(ack->sequence).arg(ack->lifetime.count()) + to;
    if (const auto* error = f.as<wire::BindingError>()) return QString("BE %1 for %2").arg(error->status).arg(QString::fromStdString(error->homeAddress.text())) + to;
    if (const auto* error = f.as<wire::IcmpError>()) return QString("ICMPv6 %1/%2 at %3").arg(error->type).arg(error->code).arg(error->parameter) + to;
    if (f.as<wire::HomeTest>()) return "HoT" + to;
    if (f.as<wire::CareOfTest>()) return "CoT" + to;
    return {};
}

/// A role node on a link whose other nodes come out of a capture.
struct Replay {
    capture::RoleNode node;
    Mac own;
    std::map<Ipv6Address, Mac> neighbors;   ///< those that answer our solicitations
    std::vector<std::pair<TimePoint, wire::DecodedFrame>> sent;

    Replay(const char* config, lab::Role role, const char* ownMac) : node(*capture::RoleNode::make(*capture::parseRoleFile(config, "config", role, {"t0"}), {})), own(mac(ownMac)) {}

    void take(TimePoint now)
    {
        auto frames = std::exchange(node.frames(), {});
        for (const lab::PortFrame& f : frames) {
            sent.emplace_back(now, wire::decodeFrame(f.bytes, wire::linkEthernet, f.bytes.size()));
            const auto* ns = sent.back().second.as<wire::NeighborSolicitation>();
            if (!ns || neighbors.count(ns->target) == 0) continue;
            const Ipv6Address asker = sent.back().second.packets.front().source;
            if (asker.isUnspecified()) continue;
            const Mac theirs = neighbors[ns->target];
            node.receive(now, 0, frame(theirs, own, icmp(ns->target, asker, wire::NeighborAdvertisement{true, true, true, ns->target, {wire::TargetLinkLayerOption{theirs}}})));
        }
    }
    void to(TimePoint t)
    {
        for (auto next = node.nextDeadline(); next && *next <= t; next = node.nextDeadline()) {
            const TimePoint now = *next;
            while (node.advance(now)) {}
            take(now);
        }
    }
    void in(TimePoint t, ByteView octets)
    {
        to(t);
        node.receive(t, 0, octets);
        while (node.advance(t)) {}
        take(t);
    }
    /// What was sent in [from, until) that is compared.
    [[nodiscard]] QStringList answers(TimePoint from, TimePoint until) const
    {
        QStringList out;
        for (const auto& [time, f] : sent)
            if (const QString line = text(f); time >= from && time < until && !line.isEmpty()) out << line;
        return out;
    }
};

struct Recorded {
    TimePoint time{};
    Bytes octets;
    wire::DecodedFrame frame;
};

std::vector<Recorded> recorded(const QString& path)
{
    std::vector<Recorded> out;
    auto reader = capture::CaptureReader::open(path.toStdString());
    if (!reader) return out;
    capture::CaptureRecord f;
    for (auto got = reader->next(f); got && *got == capture::Read::Frame; got = reader->next(f)) {
        Recorded r;
        r.octets = Bytes(f.bytes.begin(), f.bytes.end());
        r.time = TimePoint{} + std::chrono::nanoseconds(f.utc);
        r.frame = wire::decodeFrame(r.octets, wire::linkEthernet, r.octets.size());
        out.push_back(std::move(r));
    }
    const TimePoint first = out.empty() ? TimePoint{} : out.front().time;
    for (Recorded& r : out) r.time = TimePoint{} + (r.time - first);
    return out;
}

/// An update, or the message of an unknown type among the hand-made ones.
bool isUpdate(const Recorded& r) { return r.frame.upper == wire::protocol::mobility && (r.frame.messageType == 5 || r.frame.messageType == 200); }

QString shared(const char* name) { return sharedFolder() + "/captures/umip/" + name; }

}  // namespace

class TestUmipReplay : public QObject {
    Q_OBJECT

    /// Differences of ours: frame number of the update → what we answer instead, and why.
    struct Difference {
        QStringList ours;
        const char* reason;
    };

    void compareAgent(const char* file, const std::map<int, Difference>& differences, int updates)
    {
        if (!QFileInfo::exists(shared(file))) QSKIP("The captures of UMIP are not here: set ROAMSCOPE_SHARED");
        const auto all = recorded(shared(file));
        Replay replay(agentConfig, lab::Role::HomeAgent, "02:fd:92:5c:c8:d2");
        for (const Recorded& r : all)
            if (const auto* na = r.frame.as<wire::NeighborAdvertisement>(); na && r.frame.ethernet->source != replay.own) replay.neighbors[na->target] = r.frame.ethernet->source;
        for (const Recorded& r : all)
            if (r.frame.ethernet && r.frame.ethernet->source != replay.own && !r.frame.as<wire::NeighborAdvertisement>()) replay.in(r.time, r.octets);
        replay.to(all.back().time + 2s);
        int seen = 0;
        QStringList wrong;
        std::map<int, Difference> expected = differences;
        for (std::size_t i = 0; i < all.size(); ++i) {
            if (!isUpdate(all[i]) || all[i].frame.ethernet->source == replay.own) continue;
            ++seen;
            TimePoint until = all.back().time + 2s;
            QStringList theirs;
            for (std::size_t j = i + 1; j < all.size() && until > all.back().time; ++j) {
                if (isUpdate(all[j]) && all[j].frame.ethernet->source != replay.own) until = all[j].time;
                else if (const QString line = text(all[j].frame); all[j].frame.ethernet->source == replay.own && !line.isEmpty() && !line.startsWith("ICMPv6 1/")) theirs << line;
            }
            QStringList ours = replay.answers(all[i].time, until);
            const int number = static_cast<int>(i) + 1;
            const auto it = expected.find(number);
            const QString place = QString("%1 frame %2: theirs %3; ours %4").arg(file).arg(number).arg(theirs.join(", "), ours.join(", "));
            if (it == expected.end()) {
                if (ours != theirs) wrong << place;
                continue;
            }
            if (ours != it->second.ours || ours == theirs) wrong << place + " expected " + it->second.ours.join(", ");
            expected.erase(it);
        }
        QVERIFY2(wrong.isEmpty(), qPrintable(wrong.join('\n')));
        QCOMPARE(seen, updates);
        QVERIFY(expected.empty());
    }

private Q_SLOTS:
    /// A mobile node that sends while its care-of address is tested, so that two updates are in flight, pads every message at its end,
    /// refreshes at 95 %, and comes home with source = home address and no home address option.
    void homeAgentOnABasicRun() { compareAgent("basic-home.pcap", {}, 5); }

    void homeAgentOnHandMadeUpdates()
    {
        const std::map<int, Difference> differences{
            {93, {{"BA 167 sequence 111 lifetime 0 to 2001:db8:a1::99 RH2 2001:db8:1::200"}, "MCOA-HA-17, RFC 5648 §6.2: an identifier that is not known, without a care-of address; UMIP passes over identifiers"}},
            {98, {{"BA 165 sequence 112 lifetime 0 to 2001:db8:a1::99 RH2 2001:db8:1::200"}, "MCOA-HA-06: an identifier without O beside a binding that has none"}},
            {130, {{}, "HA-BU-09, RFC 6275 §6.1.7: a registration from away has a home address option; only a de-registration may lack it"}}};
        compareAgent("probe-ha-home.pcap", differences, 31);
    }

    /// Without route optimisation its correspondent is a plain host: every echo request of the mobile node, which came out of the home agent's
    /// tunnel, is answered alike.
    void correspondentOnABasicRun()
    {
        const QString path = shared("basic-cn.pcap");
        if (!QFileInfo::exists(path)) QSKIP("The captures of UMIP are not here: set ROAMSCOPE_SHARED");
        const auto all = recorded(path);
        Replay replay(correspondentConfig, lab::Role::Correspondent, "02:fd:7e:fd:fc:94");
        for (const Recorded& r : all)
            if (const auto* na = r.frame.as<wire::NeighborAdvertisement>(); na && r.frame.ethernet->source != replay.own) replay.neighbors[na->target] = r.frame.ethernet->source;
        const auto line = [](const wire::DecodedFrame& f) {
            const auto* echo = f.as<wire::Echo>();
            if (!echo || !echo->reply) return QString();
            const wire::Ipv6Packet& p = f.packets.front();
            return QString("%1/%2 %3 octets ").arg(echo->identifier).arg(echo->sequence).arg(echo->data.size()) + QString::fromStdString(p.source.text() + " to " + p.destination.text());
        };
        QStringList theirs, ours;
        for (const Recorded& r : all) {
            if (!r.frame.ethernet) continue;
            if (r.frame.ethernet->source == replay.own) {
                if (const QString text = line(r.frame); !text.isEmpty()) theirs << text;
            } else if (!r.frame.as<wire::NeighborAdvertisement>()) {
                replay.in(r.time, r.octets);
            }
        }
        replay.to(all.back().time + 2s);
        for (const auto& [time, f] : replay.sent)
            if (const QString text = line(f); !text.isEmpty()) ours << text;
        QCOMPARE(ours, theirs);
        QCOMPARE(ours.size(), 24);
    }

    /// A mobile node that starts away from home solicits prefixes at once (UMIP: before its binding
    /// exists). RFC 6275 §9.3.1 has it told so (HA-HAO-01); with the binding it is answered (HA-MPA-02).
    void homeAgentOnAPrefixSolicitationAtStart()
    {
        Replay replay(agentConfig, lab::Role::HomeAgent, "02:fd:92:5c:c8:d2");
        const Mac router = mac("02:fd:00:00:00:fe");
        const Ipv6Address home = ip("2001:db8:1::100"), careOf = ip("2001:db8:a1::99");
        replay.neighbors[ip("2001:db8:1::fe")] = router;
        const auto solicit = [&](TimePoint t, std::uint16_t identifier) {
            wire::Ipv6Packet packet;
            packet.source = careOf;
            packet.destination = agent;
            packet.setHomeAddress(home);
            packet.nextHeader = wire::protocol::icmpv6;
            packet.payload = wire::emitIcmpv6(wire::MobilePrefixSolicitation{identifier, {}}, packet.pseudoHeader());
            const std::size_t before = replay.sent.size();
            replay.in(t, frame(router, replay.own, packet));
            replay.to(t + 500ms);
            QStringList out;
            for (std::size_t i = before; i < replay.sent.size(); ++i) {
                const wire::DecodedFrame& f = replay.sent[i].second;
                if (const auto* mpa = f.as<wire::MobilePrefixAdvertisement>())
                    out << QString("MPA %1").arg(mpa->identifier) + QString::fromStdString(" to " + f.packets.front().destination.text() + " RH2 " + (f.packets.front().routing ? f.packets.front().routing->homeAddress.text() : ""));
                else if (const QString line = text(f); !line.isEmpty()) out << line;
            }
            return out.join("; ");
        };
        const QString at = QString::fromStdString(" to " + careOf.text());
        QCOMPARE(solicit(TimePoint{1s}, 7), "BE 1 for 2001:db8:1::100" + at);
        const wire::BindingUpdate update{100, wire::BindingUpdate::acknowledge | wire::BindingUpdate::homeRegistration, WireLifetime{15}, {wire::AlternateCareOfAddress{careOf}}};
        replay.in(TimePoint{2s}, frame(router, replay.own, mobility(careOf, agent, update, home)));
        replay.to(TimePoint{4s});
        QCOMPARE(solicit(TimePoint{5s}, 8), "MPA 8" + at + " RH2 2001:db8:1::100");
    }

    void correspondentOnRouteOptimisation()
    {
        const QString path = shared("ro-cn.pcap");
        if (!QFileInfo::exists(path)) QSKIP("The captures of UMIP are not here: set ROAMSCOPE_SHARED");
        const auto all = recorded(path);
        Replay replay(correspondentConfig, lab::Role::Correspondent, "02:fd:7e:fd:fc:94");
        for (const Recorded& r : all)
            if (const auto* na = r.frame.as<wire::NeighborAdvertisement>(); na && r.frame.ethernet->source != replay.own) replay.neighbors[na->target] = r.frame.ethernet->source;
        std::optional<wire::HomeTest> homeTest;
        std::optional<wire::CareOfTest> careOfTest;
        int updates = 0;
        for (std::size_t i = 0; i < all.size(); ++i) {
            const Recorded& r = all[i];
            if (!r.frame.ethernet || r.frame.ethernet->source == replay.own || r.frame.as<wire::NeighborAdvertisement>()) continue;
            const auto* update = r.frame.as<wire::BindingUpdate>();
            if (!update) {
                replay.in(r.time, r.octets);
                for (const auto& [time, f] : replay.sent) {
                    if (const auto* hot = f.as<wire::HomeTest>()) homeTest = *hot;
                    if (const auto* cot = f.as<wire::CareOfTest>()) careOfTest = *cot;
                }
                continue;
            }
            // Their update with our tokens: nonce indices and authenticator are ours, the rest is theirs.
            ++updates;
            QVERIFY(homeTest);
            const bool deletes = update->lifetime.count() == 0;
            wire::BindingUpdate own = *update;
            wire::Ipv6Packet packet = r.frame.packets.front();
            const Ipv6Address home = packet.homeAddress().value_or(packet.source);
            Ipv6Address careOf = packet.source;
            std::erase_if(own.options, [](const auto& o) { return std::holds_alternative<wire::BindingAuthorizationData>(o); });
            for (auto& option : own.options) {
                if (auto* indices = std::get_if<wire::NonceIndices>(&option)) *indices = {homeTest->nonceIndex, deletes ? std::uint16_t{0} : careOfTest->nonceIndex};
                if (const auto* alternate = std::get_if<wire::AlternateCareOfAddress>(&option)) careOf = alternate->address;
            }
            const Bytes key = node::bindingKey(homeTest->token, deletes ? std::nullopt : std::optional(careOfTest->token));
            packet.payload = node::emitAuthorized(own, key, deletes ? home : careOf, correspondent, packet.pseudoHeader());
            const std::size_t before = replay.sent.size();
            replay.in(r.time, frame(r.frame.ethernet->source, replay.own, packet));
            QStringList ours;
            for (std::size_t j = before; j < replay.sent.size(); ++j)
                if (const QString line = text(replay.sent[j].second); !line.isEmpty()) ours << line;
            QStringList theirs;
            for (std::size_t j = i + 1; j < all.size() && theirs.isEmpty(); ++j)
                if (all[j].frame.ethernet->source == replay.own && all[j].frame.as<wire::BindingAck>()) theirs << text(all[j].frame);
            QVERIFY2(ours == theirs, qPrintable(QString("frame %1: theirs %2; ours %3").arg(i + 1).arg(theirs.join(", "), ours.join(", "))));
        }
        QCOMPARE(updates, 3);
        QVERIFY(std::count_if(replay.sent.begin(), replay.sent.end(), [](const auto& s) { return s.second.template as<wire::CareOfTest>() != nullptr; }) == 2);
    }
};

QTEST_APPLESS_MAIN(TestUmipReplay)
#include "test_umip_replay.moc"
