// SPDX-License-Identifier: GPL-3.0-or-later
// Mobile nodes with two to eight paths of which some lose, reorder and copy frames and some die, by seed (RFC 5648). Beside the invariants
// of every lab: when all is quiet the home agent has the care-of addresses that the mobile node takes for registered, no more and no
// less. ROAMSCOPE_SEEDS is the number of seeds, ROAMSCOPE_SEED the first.
#include "tests/support/lab_run.hpp"

#include "protocol/lab/random_scenario.hpp"

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
constexpr Duration longest = 400s;   // until everything has been answered; back-off goes to 32 s
constexpr Duration quiet = 4s;       // nothing is on its way any more

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
    const Scenario scenario = lab::withIpv4Networks(lab::randomPaths(seed), seed);
    const auto problems = validate(scenario);
    if (!problems.empty()) return problems.front().path + ": " + problems.front().text;
    LabRun run(scenario, seed);
    const auto settled = [&] {
        const node::BidRegistration& paths = run.mobile().homes().front().paths;
        const auto next = paths.nextDeadline();
        return !paths.waiting() && (!next || *next > run.lab.now() + 2 * quiet);
    };
    TimePoint now{lab::randomPathsMove};
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
