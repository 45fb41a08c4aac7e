// SPDX-License-Identifier: GPL-3.0-or-later
// Mobile nodes with two to eight paths of which some lose, reorder and copy frames and some die, by seed (RFC 5648). Beside the invariants
// of every lab: when all is quiet the home agent has the care-of addresses that the mobile node takes for registered, no more and no
// less. ROAMSCOPE_SEEDS is the number of seeds, ROAMSCOPE_SEED the first.
#include "tests/support/lab_run.hpp"

#include "protocol/base/random.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::test;
using namespace roamscope::lab;

namespace {

#ifdef ROAMSCOPE_SANITIZED
constexpr std::uint64_t usualSeeds = 30;
#else
constexpr std::uint64_t usualSeeds = 300;
#endif
constexpr Duration restless = 40s;   // links come and go
constexpr Duration longest = 400s;   // until everything has been answered; back-off goes to 32 s
constexpr Duration quiet = 4s;       // nothing is on its way any more

class Paths {
public:
    explicit Paths(std::uint64_t seed) : random_(Random(seed).fork(0x9a7b5)) { s_.seed = seed; }

    Scenario make()
    {
        const std::size_t paths = 2 + below(7);
        s_.title = "paths";
        s_.duration = longest + quiet + 10s;
        s_.dialect = Dialect::Rfc5380;
        s_.links = {{"home", true, 1ms}, {"core", false, upTo(20ms)}};
        for (std::size_t i = 0; i < paths; ++i) s_.links.push_back({fmt::format("w{}", i), true, upTo(chance(30) ? 200ms : 10ms)});
        NodeSpec ha = node("ha", Role::HomeAgent, {wired("home", "2001:db8:100::1/64"), wired("core", "2001:db8:200::1/64")});
        ha.homePrefixes = {*Prefix::parse("2001:db8:100::/64")};
        s_.nodes.push_back(ha);
        s_.nodes.push_back(node("cn", Role::Correspondent, {wired("core", "2001:db8:200::c/64")}));
        for (std::size_t i = 0; i < paths; ++i) {
            NodeSpec ar = node(fmt::format("ar{}", i), Role::AccessRouter, {wired("core", fmt::format("2001:db8:200::a{}/64", i)), wired(fmt::format("w{}", i), fmt::format("2001:db8:a{}::1/64", i))});
            ar.interfaces[1].advertise.emplace();
            ar.interfaces[1].advertise->minInterval = 300ms;
            ar.interfaces[1].advertise->maxInterval = 1s;
            s_.nodes.push_back(std::move(ar));
        }
        addMobile(paths);
        for (std::size_t i = 0; i < paths; ++i)
            if (chance(60)) impair(s_.links[2 + i]);
        if (chance(30)) s_.faults.emplace_back(RestartFault{TimePoint{1s + upTo(20s)}, "mn", upTo(2s)});
        return s_;
    }

private:
    std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_.below(bound)); }
    bool chance(std::size_t percent) { return below(100) < percent; }
    Duration upTo(Duration most) { return random_.between(Duration{0}, most); }
    static InterfaceSpec wired(const std::string& link, const std::string& address)
    {
        InterfaceSpec out;
        out.name = link;
        out.link = link;
        out.address = Prefix::parse(address);
        return out;
    }
    static NodeSpec node(std::string name, Role role, std::vector<InterfaceSpec> interfaces)
    {
        NodeSpec out;
        out.name = std::move(name);
        out.role = role;
        out.interfaces = std::move(interfaces);
        return out;
    }
    void addMobile(std::size_t paths)
    {
        NodeSpec mn = node("mn", Role::MobileNode, {});
        mn.homeAddress = ip("2001:db8:100::1:1");
        mn.homeAgent = "ha";
        mn.lifetime = 3600s;
        mn.mobile.mcoa = chance(50) ? MobileSpec::Mcoa::Single : MobileSpec::Mcoa::Bulk;
        for (std::size_t i = 0; i < paths; ++i) {
            InterfaceSpec interface;
            interface.name = fmt::format("if{}", i);
            interface.bidPriority = chance(50) ? static_cast<std::uint8_t>(1 + below(127)) : std::uint8_t{0};
            mn.interfaces.push_back(interface);
            TimePoint at{upTo(3s)};
            for (std::size_t moves = 1 + below(4); moves > 0 && at < TimePoint{restless}; --moves) {
                s_.events.push_back({at, "mn", interface.name, fmt::format("w{}", i)});
                at += 500ms + upTo(12s);
                if (moves > 1 || chance(40)) s_.events.push_back({std::min(at, TimePoint{restless}), "mn", interface.name, std::nullopt});
                at += 100ms + upTo(4s);
            }
        }
        s_.nodes.push_back(std::move(mn));
        s_.traffic.push_back({"f", "cn", "mn", 5, 100, true});
    }
    void impair(LinkSpec& link)
    {
        ImpairmentSpec out;
        const auto probability = [&](double most) { return most * static_cast<double>(below(1000)) / 1000; };
        if (chance(60)) out.loss = probability(0.4);
        if (chance(50)) out.jitter = upTo(80ms);
        if (chance(50)) out.reorder = probability(0.5);
        if (chance(30)) out.duplicate = probability(0.3);
        link.impairments.push_back(std::move(out));
    }

    Random random_;
    Scenario s_;
};

using Registered = std::map<std::uint16_t, Ipv6Address>;

Registered atMobile(const node::MobileNode& mn, TimePoint now)
{
    Registered out;
    for (const auto& slot : mn.homes().front().paths.entries())
        if (slot.bound && now < slot.expires) out[slot.path.bid] = slot.registered;
    return out;
}

Registered atHomeAgent(const LabRun& run)
{
    Registered out;
    for (const node::Binding& binding : run.registrar("ha").bindings())
        if (binding.state == node::Binding::State::Valid)
            for (const node::BidBinding& part : binding.parts()) out[part.bid] = part.careOfAddress;
    return out;
}

std::string text(const Registered& r)
{
    std::string out;
    for (const auto& [bid, careOf] : r) out += fmt::format(" {}={}", bid, careOf.text());
    return out;
}

/// What goes wrong; empty when all is well.
std::string faultOf(std::uint64_t seed)
{
    const Scenario scenario = Paths(seed).make();
    const auto problems = validate(scenario);
    if (!problems.empty()) return problems.front().path + ": " + problems.front().text;
    LabRun run(scenario, seed);
    const auto settled = [&] {
        const node::BidRegistration& paths = run.mobile().homes().front().paths;
        const auto next = paths.nextDeadline();
        return !paths.waiting() && (!next || *next > run.lab.now() + 2 * quiet);
    };
    TimePoint now{restless};
    run.to(now);
    for (;;) {
        while (!settled() && now < TimePoint{longest}) run.to(now += 1s);
        if (!settled()) return {};  // too lossy to come to an end
        const auto before = run.events("mn", "home-binding-update").size();
        run.to(now += quiet);
        if (run.events("mn", "home-binding-update").size() == before && settled()) break;
    }
    if (!run.invariants.violations().empty()) return run.invariants.violations().front().text;
    const Registered mine = atMobile(run.mobile(), run.lab.now()), its = atHomeAgent(run);
    // One that has restarted and found no link since then has told nobody.
    const node::BidRegistration& paths = run.mobile().homes().front().paths;
    if (mine == its || (paths.supported() && paths.entries().empty())) return {};
    if (qEnvironmentVariableIsSet("ROAMSCOPE_SEED"))
        for (const auto& e : run.out.events)
            if (e.node == run.node("mn") && (e.event.name.find("binding") != std::string_view::npos || e.event.name.starts_with("identifiers"))) {
                std::string line = fmt::format("{:.6f} {}", toSeconds(e.event.time), e.event.name);
                for (const char* key : {"bids", "sequence", "status", "overwrite", "care_of_address", "result"})
                    line += fmt::format(" {}={}{}", key, node::textOf(e.event.attributes, key), node::numberOf(e.event.attributes, key));
                qInfo("%s", line.c_str());
            }
    return fmt::format("the mobile node has{}, the home agent{}", text(mine), text(its));
}

}  // namespace

class TestRandomPaths : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void bindingsEqualAcknowledgedPaths()
    {
        bool good = false;
        const auto first = qEnvironmentVariable("ROAMSCOPE_SEED").toULongLong(&good);
        const std::uint64_t from = good ? first : 1;
        const auto asked = qEnvironmentVariable("ROAMSCOPE_SEEDS").toULongLong(&good);
        const std::uint64_t count = good ? asked : usualSeeds;
        int failures = 0;
        for (std::uint64_t seed = from; seed < from + count && failures < 5; ++seed) {
            const std::string fault = faultOf(seed);
            if (fault.empty()) continue;
            QTest::qFail(fmt::format("seed {}: {}", seed, fault).c_str(), __FILE__, __LINE__);
            ++failures;
        }
        QCOMPARE(failures, 0);
    }
};

QTEST_APPLESS_MAIN(TestRandomPaths)
#include "test_random_paths.moc"
