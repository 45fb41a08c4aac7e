// SPDX-License-Identifier: GPL-3.0-or-later
// A mobile node with several care-of addresses and a correspondent whose answers are built by hand (RFC 5648 §5.2, §5.7; RFC 6089 §5.2):
// one identifier at a time, what each status has done, flows, and how paths share what one correspondent may be sent (RR-MN-08).
#include "tests/support/flow_options.hpp"
#include "tests/support/paths_bench.hpp"

#include <QtTest>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <functional>

using namespace roamscope;
using namespace roamscope::node;
using namespace roamscope::test;
namespace status = wire::bindingStatus;

namespace {

constexpr std::uint64_t homeToken = 0x1122334455667788u;

/// The token of a path's care-of address.
std::uint64_t tokenOf(const Ipv6Address& careOf) { return 0x99aabbccddeeff00u + careOf.octets[5]; }

Flow flow(std::uint16_t number, std::uint16_t port, std::vector<std::uint16_t> bids) { return {number, number, portSelector(port), std::move(bids)}; }

struct Peer : PathsBench {
    struct Update : Sent {
        TimePoint at{};
        [[nodiscard]] std::uint16_t bid() const
        {
            const auto list = bids(update);
            return list.empty() ? std::uint16_t{0} : list.front().bid;
        }
        [[nodiscard]] bool full() const { return !bids(update).empty() && !bids(update).front().careOfAddress.empty(); }
        [[nodiscard]] bool overwrites() const { return update.has(BindingUpdate::overwrite); }
        [[nodiscard]] bool deletes() const { return update.lifetime.count() == 0; }
    };
    std::vector<Update> all{};                                    ///< updates to the correspondent
    std::map<std::string, std::vector<TimePoint>> sent{};         ///< HoTI, CoTI, BU: when
    bool mute = false;                                            ///< the correspondent knows no flows
    std::set<std::size_t> dead{};                                 ///< interfaces that the correspondent does not hear
    std::function<std::optional<std::pair<int, int>>(const Update&)> says{};  ///< status of the acknowledgement and of the identifier; none: silence

    static MobileNode::Settings settingsOf(std::vector<Flow> flows = {})
    {
        auto s = settings(Mode::Bulk);
        s.optimiseAll = true;
        s.multihoming.flows = std::move(flows);
        return s;
    }
    static IpStack stackOf(std::size_t interfaces)
    {
        IpStack stack(false, Random(1));
        for (std::size_t i = 0; i < interfaces; ++i) stack.addInterface(fmt::format("if{}", i), macAt(i));
        return stack;
    }
    static Mac macAt(std::size_t i) { return Mac{{2, 0, 0, 0, 6, static_cast<std::uint8_t>(i + 1)}}; }
    static Ipv6Address careOfAt(std::size_t i) { return withInterfaceId(*Ipv6Address::parse(fmt::format("2001:db8:a{}::", i + 1)), eui64(macAt(i))); }
    static Mac nextHop(std::size_t i) { return Mac{{2, 0, 0, 0, static_cast<std::uint8_t>(0x40 + i), 2}}; }

    /// `lastValid`: lifetime of the prefix of the last interface's link, in seconds.
    explicit Peer(std::size_t interfaces = 2, MobileNode::Settings s = settingsOf(), std::uint32_t lastValid = 2592000) : PathsBench(std::move(s), 1)
    {
        mn = MobileNode(stackOf(interfaces), mn.settings());
        says = [](const Update&) { return std::pair(0, 0); };
        for (std::size_t i = 0; i < interfaces; ++i) {
            mn.linkUp(now, i, out);
            RaOptions o;
            const std::string network = fmt::format("2001:db8:a{}::1", i + 1);
            o.network = network.c_str();
            o.map = std::nullopt;
            if (i + 1 == interfaces) o.valid = lastValid;
            o.preferred = std::min(o.preferred, o.valid);
            o.source = linkLocal(eui64(nextHop(i)));
            o.linkLayer = false;
            o.more.push_back(wire::SourceLinkLayerOption{nextHop(i)});
            put(i, advertisement(o));
        }
    }
    void put(std::size_t i, const wire::Ipv6Packet& packet) { mn.receive(now, i, frame(nextHop(i), macAt(i), packet), out); }

    /// Runs to `t`: routers and the home agent answer, and so does the correspondent as far as it hears.
    void run(Duration t)
    {
        answer();
        for (int steps = 0; steps < 100000 && mn.nextDeadline() && *mn.nextDeadline() <= TimePoint{t}; ++steps) {
            now = std::max(now, *mn.nextDeadline());
            mn.advance(now, out);
            answer();
        }
        now = TimePoint{t};
    }
    /// A packet through the home agent, to which the mobile node says where it is.
    void meet() { put(0, encapsulate(probe(correspondent, homeAddress, {9, false, 1, TimePoint{}}), homeAgent, careOfAt(0))); }
    /// At 6 s everything is registered with the home agent, then the correspondent is met; at 12 s it should know all.
    static Peer known(std::size_t interfaces = 2, MobileNode::Settings s = settingsOf())
    {
        Peer b(interfaces, std::move(s));
        b.run(6s);
        b.meet();
        b.run(12s);
        b.all.clear();
        return b;
    }
    [[nodiscard]] std::set<std::uint16_t> there() const
    {
        std::set<std::uint16_t> bids;
        for (const auto& [key, peer] : mn.peers())
            if (peer.registeredCareOf(now)) bids.insert(key.bid);
        return bids;
    }
    /// Has the correspondent ask for an update of this identifier; the updates within a second.
    std::vector<Update> refreshed(std::uint16_t bid)
    {
        all.clear();
        const wire::BindingRefreshRequest request{{wire::BindingIdentifier{bid, 0, false, 0, {}}}};
        put(0, encapsulate(mobility(correspondent, homeAddress, request, {}), homeAgent, careOfAt(0)));
        run(now - TimePoint{} + 900ms);
        return all;
    }
    /// How a datagram of that port leaves: "1" straight by that interface, "h1" through the home agent.
    std::string wayOf(std::uint16_t port)
    {
        (void)take(out);
        mn.originate(now, datagramOf(homeAddress, correspondent, port, 4000), out);
        std::string ways;
        for (const Seen& s : take(out))
            if (s.inner().nextHeader == wire::protocol::udp) ways += fmt::format("{}{}", s.frame.packets.size() == 2 ? "h" : s.inner().homeAddress() == homeAddress ? "" : "?", s.interface);
        return ways;
    }

private:
    void answer()
    {
        for (bool more = true; more;) {
            more = false;
            for (Seen& s : take(out)) {
                more = true;
                react(s);
            }
        }
    }
    void react(const Seen& s)
    {
        const std::size_t i = s.interface;
        if (const auto* ns = s.frame.as<NeighborSolicitation>(); ns && !s.inner().source.isUnspecified())
            return put(i, icmp(ns->target, s.inner().source, NeighborAdvertisement{true, true, true, ns->target, {wire::TargetLinkLayerOption{nextHop(i)}}}));
        if (const auto* init = s.frame.as<wire::HomeTestInit>()) {
            sent["HoTI"].push_back(now);
            return put(i, encapsulate(mobility(correspondent, homeAddress, wire::HomeTest{5, init->cookie, homeToken, {}}, {}), homeAgent, s.outer().source));
        }
        if (const auto* init = s.frame.as<wire::CareOfTestInit>()) {
            sent["CoTI"].push_back(now);
            if (dead.contains(i)) return;
            return put(i, mobility(correspondent, s.inner().source, wire::CareOfTest{6, init->cookie, tokenOf(s.inner().source), {}}, {}));
        }
        const auto* bu = s.frame.as<BindingUpdate>();
        if (!bu) return;
        if (bu->has(BindingUpdate::homeRegistration)) {
            BindingAck ack{0, 0, bu->sequence, bu->lifetime, {}};
            for (wire::BindingIdentifier option : bids(*bu)) {
                option.careOfAddress.clear();
                ack.options.push_back(option);
            }
            for (const MobilityOption& option : bu->options)
                if (std::holds_alternative<FlowIdentification>(option)) ack.options.push_back(option);
            return put(i, mobility(homeAgent, s.inner().source, ack, {}, homeAddress));
        }
        sent["BU"].push_back(now);
        Update u;
        static_cast<Sent&>(u) = updates({s}).front();
        u.at = now;
        all.push_back(u);
        if (dead.contains(i)) return;
        const auto said = says(u);
        if (!said) return;
        const auto units = said->first < 128 && said->second < 128 ? bu->lifetime : WireLifetime{0};
        BindingAck ack{static_cast<std::uint8_t>(said->first), 0, bu->sequence, units, {}};
        for (wire::BindingIdentifier option : bids(*bu)) {
            option.careOfAddress.clear();
            option.status = static_cast<std::uint8_t>(said->second);
            ack.options.push_back(option);
        }
        for (const MobilityOption& option : bu->options)
            if (std::holds_alternative<FlowIdentification>(option) && !mute) ack.options.push_back(option);
        const Ipv6Address covered = u.deletes() ? homeAddress : careOfAt(u.bid() == 0 ? i : u.bid() - 1u);
        wire::Ipv6Packet packet = mobility(correspondent, s.inner().source, BindingAck{}, {}, homeAddress);
        packet.payload = emitAuthorized(ack, bindingKey(homeToken, u.deletes() ? std::nullopt : std::optional(tokenOf(covered))), covered, correspondent, packet.pseudoHeader());
        put(i, packet);
    }
};

using Bids = std::set<std::uint16_t>;

/// The most of `times` within a second.
std::size_t busiest(const std::vector<TimePoint>& times)
{
    std::size_t most = 0;
    for (const TimePoint from : times)
        most = std::max(most, static_cast<std::size_t>(std::count_if(times.begin(), times.end(), [&](TimePoint t) { return t >= from && t < from + 1s; })));
    return most;
}

std::string flowsIn(const BindingUpdate& update)
{
    std::string text;
    for (const MobilityOption& option : update.options) {
        if (const auto* f = std::get_if<FlowIdentification>(&option))
            for (const auto& sub : f->subOptions)
                if (const auto* r = std::get_if<BindingReference>(&sub)) text += fmt::format("{}{}={}", text.empty() ? "" : " ", f->flow, fmt::join(r->bids, "+"));
        if (const auto* s = std::get_if<FlowSummary>(&option)) text += fmt::format("{}|{}", text.empty() ? "" : " ", fmt::join(s->flows, "+"));
    }
    return text;
}

}  // namespace

class TestPeerPaths : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void MCOA_MN_08_oneAtATime()
    {
        Peer b(2);
        b.run(6s);
        b.meet();
        b.run(8s);
        QCOMPARE(b.there(), (Bids{1, 2}));
        QVERIFY(b.all.size() == 2 && b.all[0].overwrites() && b.all[0].full() && !b.all[1].overwrites() && b.all[1].full());
        const auto again = b.refreshed(2);
        QVERIFY2(again.size() == 1 && again[0].bid() == 2 && !again[0].full() && !again[0].overwrites(), "MCOA-MN-03, MCOA-MN-15");
    }

    void MN_BU_05_MN_BU_20_eachIdentifierForNoLongerThanItsOwnAddress()
    {
        auto s = Peer::settingsOf();
        s.multihoming.mode = Mode::Single;
        constexpr int validFor = 100;
        Peer b(2, s, validFor);
        b.run(6s);
        b.meet();
        b.run(99s);
        int brief = 0;
        std::int64_t longest = 0;
        for (const Peer::Update& u : b.all) {
            if (u.deletes()) continue;
            const TimePoint end = u.at + toDuration(u.update.lifetime);
            if (u.bid() == 1) longest = std::max(longest, std::int64_t{u.update.lifetime.count()});
            if (u.bid() != 2) continue;
            ++brief;
            QVERIFY2(end <= TimePoint{std::chrono::seconds(validFor)}, "MN-BU-05; MN-BU-20: and the home agent's binding of this identifier is no longer");
        }
        QVERIFY2(brief >= 1, "it is told");
        QCOMPARE(longest, std::int64_t{105});  // MAX_RR_BINDING_LIFETIME: the other one is not bounded by it
    }

    // ---- MCOA-MN-11 at a correspondent

    void MCOA_MN_11_167_164_withTheCareOfAddress()
    {
        for (const int code : {int{status::mcoaUnknownCareOf}, int{status::mcoaMalformed}})
            for (const bool inOption : {false, true}) {
                Peer b = Peer::known();
                b.says = [&](const Peer::Update& u) { return u.full() ? std::pair(0, 0) : inOption ? std::pair(0, code) : std::pair(code, 0); };
                const auto sent = b.refreshed(2);
                QVERIFY2(sent.size() == 2 && !sent[0].full() && sent[1].full() && sent[1].bid() == 2 && !sent[1].overwrites(), "MCOA-MN-11, MCOA-MN-10");
                QCOMPARE(b.there(), (Bids{1, 2}));
                // One that is refused with it is left alone.
                b.says = [&](const Peer::Update&) { return std::pair(code, 0); };
                const auto twice = b.refreshed(2);
                QVERIFY(twice.size() == 2 && twice[1].full());
                QCOMPARE(b.there(), Bids{1});
            }
    }

    void MCOA_MN_11_165_overwrites()
    {
        for (const bool inOption : {false, true}) {
            Peer b = Peer::known();
            b.says = [&](const Peer::Update& u) { return u.overwrites() || u.full() ? std::pair(0, 0) : inOption ? std::pair(0, int{status::mcoaNonMcoaBindingExists}) : std::pair(int{status::mcoaNonMcoaBindingExists}, 0); };
            auto sent = b.refreshed(1);
            QVERIFY2(sent.size() >= 2 && sent[1].overwrites() && sent[1].full() && sent[1].bid() == 1, "MCOA-MN-11: 165 has O set");
            QVERIFY2(sent.size() == 3 && sent[2].bid() == 2 && !sent[2].overwrites() && sent[2].full(), "MCOA-MN-18: what it replaced is registered again");
            QCOMPARE(b.there(), (Bids{1, 2}));
            // Who says so of an update with O is beyond help.
            b.says = [&](const Peer::Update& u) { return std::pair(u.bid() == 1 ? int{status::mcoaNonMcoaBindingExists} : 0, 0); };
            sent = b.refreshed(1);
            QCOMPARE(std::count_if(sent.begin(), sent.end(), [](const auto& u) { return u.bid() == 1; }), std::ptrdiff_t{2});
            QVERIFY(!b.there().contains(1));
        }
    }

    void MCOA_MN_09_11_166_stopsIdentifiers()
    {
        for (const bool inOption : {false, true}) {
            Peer b = Peer::known();
            b.says = [&](const Peer::Update& u) { return u.bid() == 0 ? std::pair(0, 0) : inOption ? std::pair(0, int{status::mcoaProhibited}) : std::pair(int{status::mcoaProhibited}, 0); };
            const auto sent = b.refreshed(2);
            QVERIFY2(sent.size() == 2 && sent[0].bid() == 2 && sent[1].bid() == 0 && !sent[1].overwrites(), "MCOA-MN-11: 166, no identifiers any more");
            QCOMPARE(b.there(), Bids{0});
            b.run(b.now - TimePoint{} + 120s);
            for (const auto& u : b.all) QVERIFY2(u.bid() == 0 || &u == &b.all.front(), "MCOA-MN-11");
        }
    }

    void MCOA_MN_11_168_133_refusals()
    {
        for (const int code : {int{status::mcoaBulkProhibited}, int{status::notHomeAgent}, int{status::insufficientResources}}) {
            Peer b = Peer::known();
            b.says = [&](const Peer::Update& u) { return std::pair(u.bid() == 2 ? code : 0, 0); };
            const auto sent = b.refreshed(2);
            QVERIFY2(sent.size() == 1, "MCOA-MN-11: one identifier is no bulk; nothing is repeated as it is");
            QVERIFY2(b.there() == Bids{1}, "MCOA-MN-11: 168, nothing of it is registered");
            b.run(b.now - TimePoint{} + 50s);
            QVERIFY(std::none_of(b.all.begin() + 1, b.all.end(), [](const auto& u) { return u.bid() == 2; }));
        }
    }

    void MCOA_CN_03_133_167_ofADeletion()
    {
        for (const int code : {int{status::notHomeAgent}, int{status::mcoaUnknownCareOf}}) {
            Peer b = Peer::known();
            b.says = [&](const Peer::Update& u) { return std::pair(u.deletes() ? code : 0, 0); };
            b.down(1);
            b.run(b.now - TimePoint{} + 5s);
            const auto deletions = std::count_if(b.all.begin(), b.all.end(), [](const auto& u) { return u.deletes() && u.bid() == 2; });
            QVERIFY2(deletions == 1, "MCOA-MN-11: what is not there needs no deletion; nothing is resent");
            QCOMPARE(b.there(), Bids{1});
        }
    }

    // ---- a dead path, and what all paths may send together

    void aLostFirstRegistrationGivesWay()
    {
        for (const std::size_t silent : {std::size_t{0}, std::size_t{2}}) {
            Peer b(3);
            b.run(6s);
            // Care-of tests get through, updates of that path do not.
            b.says = [&](const Peer::Update& u) { return u.interface == silent ? std::nullopt : std::optional(std::pair(0, 0)); };
            b.meet();
            b.run(7900ms);
            Bids expected{1, 2, 3};
            expected.erase(static_cast<std::uint16_t>(silent + 1));
            QVERIFY2(b.there() == expected, "a dead path never holds up a living one");
            QVERIFY(b.all.front().overwrites());
            std::set<std::uint16_t> numbers;
            for (const auto& u : b.all) QVERIFY2(numbers.insert(u.update.sequence).second, "MCOA-MN-02");
        }
    }

    void severalDeadPathsGiveWayInTurn()
    {
        Peer b(4);
        b.run(6s);
        b.says = [](const Peer::Update& u) { return u.bid() < 4 ? std::nullopt : std::optional(std::pair(0, 0)); };
        b.meet();
        b.run(10500ms);
        QVERIFY2(b.there() == Bids{4}, "a second for each of them, not their back-off");
        // RR-MN-04: the dead ones are given up.
        b.all.clear();
        b.run(45s);
        for (std::uint16_t bid = 1; bid < 4; ++bid) QVERIFY(std::count_if(b.all.begin(), b.all.end(), [&](const auto& u) { return u.bid() == bid; }) <= 4);
        QVERIFY(std::none_of(b.all.begin(), b.all.end(), [](const auto& u) { return u.overwrites(); }));
    }

    void RR_MN_08_threeOfATypeASecondOverAllPaths()
    {
        Peer b(8);
        b.run(6s);
        b.sent.clear();
        b.meet();
        b.run(9500ms);
        QCOMPARE(b.there().size(), std::size_t{8});
        for (const auto& [type, times] : b.sent) QVERIFY2(busiest(times) <= 3, type.c_str());
        QVERIFY(b.sent["CoTI"].size() == 8 && b.sent["BU"].size() == 8 && b.sent["HoTI"].size() == 1);
    }

    void RR_MN_08_alsoWithDeadPaths()
    {
        Peer b(8);
        b.run(6s);
        b.dead = {0, 1, 2, 3, 4};
        b.sent.clear();
        b.meet();
        b.run(12s);
        QVERIFY2(b.there() == (Bids{6, 7, 8}), "the dead ones leave room for the living");
        b.run(60s);
        for (const auto& [type, times] : b.sent) QVERIFY2(busiest(times) <= 3, type.c_str());
    }

    // ---- flows

    void FLOW_01_05_toldToCorrespondents()
    {
        Peer b(2, Peer::settingsOf({flow(7, 5000, {2}), flow(8, 6000, {1, 2})}));
        b.run(6s);
        b.meet();
        b.run(8s);
        QCOMPARE(b.all.size(), std::size_t{2});
        QVERIFY2(flowsIn(b.all[0].update) == "8=1" && flowsIn(b.all[1].update) == "7=2 8=1+2", "FLOW-04: with the identifiers that are there");
        for (const auto& u : b.all) {
            std::vector<std::size_t> types;
            for (const auto& option : u.update.options) types.push_back(wire::typeOf(option));
            QVERIFY2(types.front() == 4 && types[1] == 35 && types[2] == 45 && types.back() == 5, "MCOA-MN-08: before the authenticator");
            QVERIFY2(PathsBench::bids(u.update).size() == 1 && PathsBench::bids(u.update)[0].priority != 0, "FLOW-03, MCOA-CN-01");
        }
        const auto again = b.refreshed(1);
        QVERIFY2(again.size() == 1 && flowsIn(again[0].update) == "|7+8", "FLOW-01: listed with every update");
        const auto& flows = b.mn.peerFlows().at({homeAddress, correspondent}).told;
        QVERIFY(flows.supported() && flows.flows().size() == 2 && flows.status(7) == std::uint8_t{0});
    }

    void FLOW_06_aChangeIsToldToCorrespondents()
    {
        auto s = Peer::settingsOf({flow(7, 5000, {2})});
        Peer b = Peer::known(2, s);
        s.multihoming.flows = {flow(7, 5000, {1})};
        b.mn.configure(b.now, s);
        b.run(b.now - TimePoint{} + 3s);
        QVERIFY2(b.all.size() == 1 && flowsIn(b.all[0].update) == "7=1", "FLOW-06: once");
        QCOMPARE(b.wayOf(5000), std::string("0"));
    }

    void FLOW_10_aDeletionAtACorrespondentListsWhatStays()
    {
        Peer b = Peer::known(2, Peer::settingsOf({flow(7, 5000, {1})}));
        b.down(1);
        b.run(b.now - TimePoint{} + 3s);
        const auto it = std::find_if(b.all.begin(), b.all.end(), [](const auto& u) { return u.deletes(); });
        QVERIFY2(it != b.all.end() && it->bid() == 2 && flowsIn(it->update) == "|7", "FLOW-10");
        QVERIFY2(PathsBench::bids(it->update)[0].priority != 0, "FLOW-03");
    }

    void MCOA_MN_14_optimisedPacketsLeaveByTheirFlow()
    {
        Peer b = Peer::known(2, Peer::settingsOf({flow(7, 5000, {2})}));
        QVERIFY2(b.wayOf(5000) == "1" && b.wayOf(5001) == "0", "FLOW-08: from the care-of address of the flow's identifier");
        for (int i = 0; i < 3; ++i) QCOMPARE(b.wayOf(5000), std::string("1"));
        // Its path is gone: by the other one, straight.
        b.down(1);
        QCOMPARE(b.wayOf(5000), std::string("0"));
    }

    void optimisedOnlyByWhatTheCorrespondentHas()
    {
        Peer b(2, Peer::settingsOf({flow(7, 5000, {2})}));
        b.run(6s);
        b.says = [](const Peer::Update& u) { return u.bid() == 2 ? std::pair(130, 0) : std::pair(0, 0); };
        b.meet();
        b.run(8s);
        QCOMPARE(b.there(), Bids{1});
        QVERIFY2(b.wayOf(5000) == "0", "identifier 2 is not registered there");
    }

    void FLOW_11_aCorrespondentThatKnowsNoFlows()
    {
        // The care-of addresses that it has may be used all the same (MCOA-CN-02).
        Peer b(2, Peer::settingsOf({flow(7, 5000, {2})}));
        b.mute = true;
        b.run(6s);
        b.meet();
        b.run(8s);
        QVERIFY2(!b.mn.peerFlows().at({homeAddress, correspondent}).told.supported(), "FLOW-11");
        QCOMPARE(b.wayOf(5000), std::string("1"));
        const auto again = b.refreshed(2);
        QVERIFY(again.size() == 1 && flowsIn(again[0].update).empty());
    }
};

QTEST_APPLESS_MAIN(TestPeerPaths)
#include "test_peer_paths.moc"
