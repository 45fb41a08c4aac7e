// SPDX-License-Identifier: GPL-3.0-or-later
// A home agent, a MAP and a correspondent under random updates with identifiers, flows and prefixes, moves, ends and revocations, by seed.
// What must hold after each step: what they told is what they have, there is a tunnel for each care-of address and no other, and
// nothing that they emit is a finding of the decoder.
#include "tests/support/mcoa_bench.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::node;
using namespace roamscope::test;
using namespace roamscope::test::anchors;
using wire::MobilityOption;

namespace {

const std::vector<Ipv6Address> homes{ip("2001:db8:100::1:1"), ip("2001:db8:100::1:2"), ip("2001:db8:100::1:3")};
const std::vector<Ipv6Address> places{ip("2001:db8:300::5"), ip("2001:db8:300::6"), ip("2001:db8:300::7"), ip("2001:db8:300::8"), ip("ff02::1"), ip("2001:db8:300::9")};

/// State that events told, by object and key.
struct Book {
    std::set<std::pair<std::string, std::int64_t>> bindings;
    std::set<std::pair<std::string, std::string>> tunnels;
    std::set<std::pair<std::string, std::int64_t>> flows;

    void note(const std::vector<Event>& events)
    {
        const auto put = [](auto& set, auto key, bool gone) { gone ? void(set.erase(key)) : void(set.insert(key)); };
        for (const Event& e : events) {
            const std::string home = textOf(e.key, "home_address");
            if (e.name == "binding") put(bindings, std::pair(home, numberOf(e.key, "bid")), e.gone);
            if (e.name == "tunnel") put(tunnels, std::pair(textOf(e.key, "peer"), home), e.gone);
            if (e.name == "flow") put(flows, std::pair(home, numberOf(e.key, "flow")), e.gone);
        }
    }
};

struct Dice {
    Random random;
    std::uint64_t below(std::uint64_t n) { return random.below(n); }
    bool oneIn(std::uint64_t n) { return below(n) == 0; }

    BindingIdentifier identifier()
    {
        BindingIdentifier b{static_cast<std::uint16_t>(oneIn(40) ? 0 : 1 + below(6)), 0, oneIn(8), static_cast<std::uint8_t>(oneIn(2) ? 0 : 1 + below(127)), {}};
        const Ipv6Address& at = places[below(places.size())];
        if (oneIn(30)) b.careOfAddress = {192, 0, 2, 1};
        else if (!oneIn(3)) b.careOfAddress.assign(at.octets.begin(), at.octets.end());
        return b;
    }
    MobilityOption flow()
    {
        wire::FlowIdentification f{static_cast<std::uint16_t>(1 + below(5)), static_cast<std::uint16_t>(1 + below(60000)), 0, {}};
        if (!oneIn(5)) f.subOptions.push_back(wire::BindingReference{{static_cast<std::uint16_t>(1 + below(6)), static_cast<std::uint16_t>(1 + below(6))}});
        wire::Ipv6TrafficSelector selector;
        selector.destinationPort = {static_cast<std::uint16_t>(wire::probeSinkPort + below(2)), {}};
        if (!oneIn(5)) f.subOptions.push_back(selector);
        return f;
    }
    std::vector<MobilityOption> options()
    {
        std::vector<MobilityOption> out;
        if (!oneIn(8))
            for (std::uint64_t n = 1 + below(4); n > 0; --n) out.push_back(identifier());
        if (oneIn(40)) out.push_back(wire::RawMobilityOption{35, Bytes(5)});
        if (oneIn(6)) out.push_back(wire::LinkLayerAddress{2, {2, 0, 0, 0, 7, 1}, false});
        if (oneIn(3))
            for (std::uint64_t n = 1 + below(3); n > 0; --n) out.push_back(flow());
        if (oneIn(3)) out.push_back(wire::FlowSummary{{static_cast<std::uint16_t>(1 + below(5)), static_cast<std::uint16_t>(1 + below(5))}});
        if (oneIn(10)) out.push_back(wire::MobileNetworkPrefix{prefix(oneIn(4) ? "fe80::/64" : oneIn(3) ? "2001:db8:9::/64" : "2001:db8:1f0::/64")});
        return out;
    }
};

/// What is wrong, or an empty text.
std::string faultOf(const Anchor& anchor, const Book& book)
{
    Book real;
    for (const Binding& b : anchor.registrar().bindings()) {
        if (b.state != Binding::State::Valid) continue;
        std::set<std::uint16_t> bids;
        for (const BidBinding& part : b.parts()) {
            if (!bids.insert(part.bid).second) return "an identifier twice";
            if (part.home != (part.careOfAddress == b.homeAddress)) return "a home binding elsewhere";
            if (!part.home && !part.careOfAddress.isUnicastRoutable()) return "a care-of address that is none";
            if (b.expires > part.expires) return "ends too late";
            real.bindings.insert({b.homeAddress.text(), part.bid});
        }
        if (!b.careOfs.empty() && bids.contains(0)) return "identifier 0";
        if (!b.isAt(b.careOfAddress)) return "packets go where it is not";
        for (const Ipv6Address& at : b.tunnels()) real.tunnels.insert({at.text(), b.homeAddress.text()});
        if (anchor.stack().mobilePeer(b.homeAddress) != b.careOfAddress) return "packets of its own go elsewhere";
        if (!anchor.stack().proxies(b.homeAddress) && !(anchor.registrar().policy().bids.homeNeighborDiscovery && b.isAt(b.homeAddress))) return "not intercepted";
    }
    for (const auto& [home, flows] : anchor.flows()) {
        if (flows.empty() || !anchor.registrar().find(home)) return "flows of nobody";
        for (const Flow& f : flows) real.flows.insert({home.text(), f.flow});
    }
    if (real.bindings != book.bindings) return "bindings are not as told";
    if (real.tunnels != book.tunnels) return "tunnels are not as told";
    if (real.flows != book.flows) return "flows are not as told";
    return {};
}

std::string findingIn(const SentFrame& sent)
{
    wire::FieldSink sink;
    (void)wire::decodeFrame(sent.bytes, wire::linkEthernet, sent.bytes.size(), &sink);
    for (const wire::Finding& f : sink.findings())
        if (f.severity == wire::Severity::Error) return f.text;
    return {};
}

/// How often there was something to look at.
struct Sights {
    std::size_t several = 0;
    std::size_t atHome = 0;
    std::size_t steered = 0;
    std::size_t routers = 0;

    void look(const Anchor& anchor)
    {
        for (const Binding& b : anchor.registrar().bindings()) {
            if (b.state != Binding::State::Valid) continue;
            several += b.careOfs.size() > 1;
            atHome += !b.careOfs.empty() && b.isAt(b.homeAddress);
            steered += anchor.flows().contains(b.homeAddress);
            routers += anchor.registrar().mobileRouters().contains(b.homeAddress);
        }
    }
};

std::string runSeed(std::uint64_t seed, Sights& seen)
{
    Dice dice{Random(seed)};
    const bool map = dice.oneIn(3);
    Registrar::Policy policy = Bench::policy(map, dice.oneIn(3));
    policy.maximumBindings = static_cast<std::size_t>(2 + dice.below(2));
    policy.bids.maximum = static_cast<std::uint32_t>(1 + dice.below(6));
    policy.bids.bulk = !dice.oneIn(6);
    policy.bids.homeNeighborDiscovery = dice.oneIn(4);
    if (dice.oneIn(2)) policy.mobileRouters.routers = {{homes[0], {prefix("2001:db8:1f0::/56")}}};
    AnchorServices services;
    services.refreshRequest = dice.oneIn(2) ? Duration(6s) : Duration(0s);
    services.flows.maximum = 3;
    Bench b(policy, services);
    Book book;
    std::uint16_t sequence = 1;
    const auto settle = [&]() -> std::string {
        for (const SentFrame& sent : b.out.frames)
            if (auto finding = findingIn(sent); !finding.empty()) return "emitted: " + finding;
        book.note(b.out.events);
        seen.look(b.anchor);
        b.out = {};
        return faultOf(b.anchor, book);
    };
    for (int step = 0; step < 60; ++step) {
        const Ipv6Address& who = homes[dice.below(homes.size())];
        const Ipv6Address& from = places[dice.below(4)];
        switch (dice.below(8)) {
        case 0: {
            const Duration until = b.now.time_since_epoch() + std::chrono::seconds(dice.below(12));
            while (b.anchor.nextDeadline() && *b.anchor.nextDeadline() <= TimePoint{until}) {
                b.now = *b.anchor.nextDeadline();
                b.anchor.advance(b.now, b.out);
                if (auto fault = settle(); !fault.empty()) return fault;
            }
            b.now = TimePoint{until};
            break;
        }
        case 1: {
            std::vector<std::uint16_t> bids;
            if (dice.oneIn(2)) bids.push_back(static_cast<std::uint16_t>(1 + dice.below(6)));
            (void)b.anchor.revoke(b.now, Anchor::Revocation{who, std::move(bids), !dice.oneIn(3)}, b.out);
            break;
        }
        case 2: b.in(coreLink, encapsulate(probe(who, correspondent, {1, false, 1, TimePoint{}}), from, agent)); break;
        case 3: b.in(coreLink, probe(correspondent, who, {1, false, 1, TimePoint{}})); break;
        default: {
            sequence = static_cast<std::uint16_t>(sequence + (dice.oneIn(20) ? 65500 : 1));
            std::uint16_t flags = BindingUpdate::acknowledge;
            const auto set = [&](std::uint16_t flag) { flags = static_cast<std::uint16_t>(flags | flag); };
            set(map && !dice.oneIn(10) ? BindingUpdate::mapRegistration : BindingUpdate::homeRegistration);
            if (dice.oneIn(6)) set(BindingUpdate::overwrite);
            if (dice.oneIn(5)) set(BindingUpdate::mobileRouter);
            if (dice.oneIn(6)) set(BindingUpdate::linkLocal);
            const WireLifetime lifetime{static_cast<std::uint16_t>(dice.oneIn(5) ? 0 : 1 + dice.below(10))};
            b.in(coreLink, mobility(from, agent, BindingUpdate{sequence, flags, lifetime, dice.options()}, who));
        }
        }
        if (auto fault = settle(); !fault.empty()) return fmt::format("step {}: {}", step, fault);
    }
    return {};
}

}  // namespace

class TestRandomBids : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void whatIsToldIsWhatIsThere()
    {
        Sights seen;
        for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
            const std::string fault = runSeed(seed, seen);
            QVERIFY2(fault.empty(), qPrintable(QString("seed %1: %2").arg(seed).arg(QString::fromStdString(fault))));
        }
        qInfo("steps with several care-of addresses %zu, at home too %zu, with flows %zu, mobile routers %zu", seen.several, seen.atHome, seen.steered, seen.routers);
        QVERIFY2(seen.several > 10'000 && seen.atHome > 1'000 && seen.steered > 1'000 && seen.routers > 500, "or nothing was tested");
    }
};

QTEST_APPLESS_MAIN(TestRandomBids)
#include "test_random_bids.moc"
