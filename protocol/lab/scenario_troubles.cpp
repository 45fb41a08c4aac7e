// SPDX-License-Identifier: GPL-3.0-or-later
// Checks of a scenario's impairments and faults.
#include "protocol/lab/scenario.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace roamscope::lab {

namespace {

constexpr Duration most = 10s;
constexpr std::size_t maxFaults = 1024;

class Checker {
public:
    Checker(const Scenario& scenario, std::vector<ScenarioProblem>& problems) : s_(scenario), problems_(problems) {}

    void run()
    {
        for (std::size_t i = 0; i < s_.links.size(); ++i)
            for (std::size_t j = 0; j < s_.links[i].impairments.size(); ++j) impairment(i, j);
        if (s_.faults.size() > maxFaults) add("/faults", fmt::format("expected at most {} faults", maxFaults));
        for (std::size_t i = 0; i < s_.faults.size(); ++i) {
            path_ = fmt::format("/faults/{}", i);
            std::visit([&](const auto& f) { fault(f); }, s_.faults[i]);
        }
    }

private:
    void add(std::string path, std::string text) { problems_.push_back({std::move(path), std::move(text)}); }
    /// A problem with a key of the entry under check.
    void at(std::string_view key, std::string text) { add(fmt::format("{}/{}", path_, key), std::move(text)); }

    [[nodiscard]] const NodeSpec* node(std::string_view name) const
    {
        const auto it = std::find_if(s_.nodes.begin(), s_.nodes.end(), [&](const NodeSpec& n) { return n.name == name; });
        return it == s_.nodes.end() ? nullptr : &*it;
    }
    const NodeSpec* knownNode(std::string_view key, std::string_view name)
    {
        const NodeSpec* found = node(name);
        if (!found) at(key, fmt::format("no node is named \"{}\"", name));
        return found;
    }

    void probability(std::string_view key, double value)
    {
        if (!(value >= 0 && value <= 1)) at(key, "expected a probability from 0 to 1");
    }
    void within(std::string_view key, Duration value, Duration least, Duration greatest)
    {
        if (value < least || value > greatest) at(key, fmt::format("expected {:g}s to {:g}s", toSeconds(least), toSeconds(greatest)));
    }

    void impairment(std::size_t link, std::size_t index)
    {
        const auto& all = s_.links[link].impairments;
        const ImpairmentSpec& spec = all[index];
        path_ = fmt::format("/links/{}/impairments/{}", link, index);
        for (std::size_t i = 0; i < spec.from.size(); ++i) knownNode(fmt::format("from/{}", i), spec.from[i]);
        for (std::size_t i = 0; i < index; ++i) {
            const bool again = std::any_of(spec.from.begin(), spec.from.end(), [&](const std::string& n) { return std::find(all[i].from.begin(), all[i].from.end(), n) != all[i].from.end(); });
            if (again || (spec.from.empty() && all[i].from.empty())) at("from", fmt::format("entry {} of this link is for the same sender", i));
        }
        within("delay", spec.delay, Duration{0}, most);
        within("jitter", spec.jitter, Duration{0}, most);
        within("reorder_by", spec.reorderBy, Duration{1}, most);
        probability("loss", spec.loss);
        probability("duplicate", spec.duplicate);
        probability("reorder", spec.reorder);
        probability("corrupt", spec.corrupt);
        if (spec.rate != 0 && (spec.rate < 1000 || spec.rate > 1'000'000'000'000)) at("rate", "expected 1000 to 1000000000000 bit/s");
        if (spec.queue < 1 || spec.queue > 100'000) at("queue", "expected 1 to 100000 frames");
        if (!spec.burst) return;
        probability("burst/enter", spec.burst->enter);
        probability("burst/loss", spec.burst->loss);
        if (!(spec.burst->leave > 0 && spec.burst->leave <= 1)) at("burst/leave", "expected a probability above 0, at most 1");
    }

    void time(TimePoint t)
    {
        if (t < TimePoint{} || t > TimePoint{s_.duration}) at("at", "expected a time inside the scenario's duration");
    }

    void fault(const MessageFault& f)
    {
        time(f.at);
        const auto& names = messageNames();
        if (std::find(names.begin(), names.end(), f.match.message) == names.end()) at("message", fmt::format("\"{}\" is no message: expected one of {}", f.match.message, fmt::join(names, ", ")));
        const auto named = [&](const LinkSpec& l) { return l.name == f.match.link; };
        if (!f.match.link.empty() && std::none_of(s_.links.begin(), s_.links.end(), named)) at("link", fmt::format("no link is named \"{}\"", f.match.link));
        if (!f.match.from.empty()) knownNode("from", f.match.from);
        if (f.match.registration && f.match.message != "BU") at("registration", "only for message BU");
        if (f.number < 1) at("number", "expected a number from 1");
        if (f.count < 1) at("count", "expected a number from 1");
        using Action = MessageFault::Action;
        if (f.action == Action::Delay || f.action == Action::Replay) within("by", f.by, Duration{1}, 1h);
        if (f.action != Action::Change) return;
        if (f.match.message != "BU" && f.match.message != "BA") at("message", "only a BU or BA can be changed");
        if (f.match.message == "BU" && f.change.status) at("set/status", "a Binding Update has no status");
        if (f.change == MessageChange{}) at("set", "missing: expected what is to be changed");
        if (f.change.lifetime && (f.change.lifetime->count() < 0 || f.change.lifetime->count() > 262'140)) at("set/lifetime", "expected 0s to 262140s (RFC 6275 §6.1.7)");
    }

    void fault(const RestartFault& f)
    {
        time(f.at);
        knownNode("node", f.node);
        within("down", f.down, Duration{0}, 24h);
    }

    void fault(const AddressFault& f)
    {
        time(f.at);
        const NodeSpec* n = knownNode("node", f.node);
        const auto named = [&](const InterfaceSpec& i) { return i.name == f.interface; };
        if (n && std::none_of(n->interfaces.begin(), n->interfaces.end(), named)) at("interface", fmt::format("\"{}\" has no interface \"{}\"", f.node, f.interface));
        if (!f.address.isUnicastRoutable() && !f.address.isLinkLocal()) at("address", fmt::format("{} is no unicast address", f.address.text()));
    }

    void fault(const ClockFault& f)
    {
        time(f.at);
        knownNode("node", f.node);
        within("step", f.step, Duration{0}, 24h);
        if (f.drift < -500'000 || f.drift > 1'000'000) at("drift", "expected -500000 to 1000000 parts per million");
    }

    const Scenario& s_;
    std::vector<ScenarioProblem>& problems_;
    std::string path_;
};

}  // namespace

void validateTroubles(const Scenario& scenario, std::vector<ScenarioProblem>& problems) { Checker(scenario, problems).run(); }

}  // namespace roamscope::lab
