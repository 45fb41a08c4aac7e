// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/node/home_agents_list.hpp"

#include <algorithm>

namespace roamscope::node {

namespace {

constexpr std::uint32_t infinite = 0xffffffff;

void shuffle(std::vector<ListedAgent>& agents, Random& random)
{
    for (std::size_t i = agents.size(); i > 1; --i) std::swap(agents[i - 1], agents[random.below(i)]);
}

void shuffle(std::vector<Ipv6Address>& addresses, Random& random)
{
    for (std::size_t i = addresses.size(); i > 1; --i) std::swap(addresses[i - 1], addresses[random.below(i)]);
}

/// What is left of a lifetime in seconds.
std::uint32_t left(std::uint32_t lifetime, Duration age)
{
    if (lifetime == infinite) return infinite;
    const auto gone = std::chrono::duration_cast<std::chrono::seconds>(age).count();
    return gone >= lifetime ? 0 : lifetime - static_cast<std::uint32_t>(gone);
}

}  // namespace

TimePoint HomeAgentsList::Heard::until() const
{
    return option.validLifetime == infinite ? TimePoint::max() : since + std::chrono::seconds(option.validLifetime);
}

bool HomeAgentsList::heard(TimePoint now, const Ipv6Address& router, const wire::RouterAdvertisement& ra)
{
    const auto it = agents_.find(router);
    const auto* information = wire::findOption<wire::HomeAgentInformation>(ra.options);
    const std::uint16_t lifetime = information ? information->lifetime : ra.routerLifetime;
    // HA-DHAAD-02: no agent any more.
    if ((ra.flags & wire::RouterAdvertisement::homeAgentFlag) == 0 || lifetime == 0) {
        if (it == agents_.end()) return false;
        agents_.erase(it);
        return true;
    }
    const std::uint16_t preference = information ? information->preference : std::uint16_t{0};
    bool changed = false;
    if (it == agents_.end() && agents_.size() == maxAgents) {
        const auto room = makeRoom(preference);
        if (!room) return false;
        changed = *room;
    }
    Agent& agent = agents_[router];
    agent.preference = preference;
    agent.mobileRouters = information && information->mobileRouters;
    agent.until = now + std::chrono::seconds(lifetime);
    for (const wire::NdOption& option : ra.options)
        if (const auto* prefix = std::get_if<wire::PrefixInformation>(&option)) {
            changed = learn(now, agent, *prefix) || changed;
            agent.flags = ra.flags;
        }
    return changed;
}

std::optional<bool> HomeAgentsList::makeRoom(std::uint16_t preference)
{
    const auto least = std::min_element(agents_.begin(), agents_.end(), [](const auto& a, const auto& b) { return a.second.preference < b.second.preference; });
    if (least->second.preference >= preference) return std::nullopt;
    const bool had = !least->second.prefixes.empty();
    agents_.erase(least);
    return had;
}

bool HomeAgentsList::learn(TimePoint now, Agent& agent, const wire::PrefixInformation& option)
{
    if (option.preferredLifetime > option.validLifetime) return false;  // RFC 4862 §5.5.3 c: nobody may take it, so nobody is told
    const auto it = std::find_if(agent.prefixes.begin(), agent.prefixes.end(), [&](const Heard& h) { return h.option.prefix == option.prefix; });
    if (option.validLifetime == 0) {
        if (it == agent.prefixes.end()) return false;
        agent.prefixes.erase(it);
        return true;
    }
    if (it != agent.prefixes.end()) {
        *it = {option, now};
        return false;
    }
    if (agent.prefixes.size() == maxPrefixes) return false;
    agent.prefixes.push_back({option, now});
    return true;
}

void HomeAgentsList::expire(TimePoint now)
{
    std::erase_if(agents_, [&](const auto& entry) { return entry.second.until <= now; });
    for (auto& [router, agent] : agents_) std::erase_if(agent.prefixes, [&](const Heard& h) { return h.until() <= now; });
}

std::optional<TimePoint> HomeAgentsList::nextDeadline() const
{
    std::optional<TimePoint> next;
    for (const auto& [router, agent] : agents_) {
        next = earlier(next, agent.until);
        for (const Heard& h : agent.prefixes)
            if (h.until() != TimePoint::max()) next = earlier(next, h.until());
    }
    return next;
}

std::vector<Ipv6Address> HomeAgentsList::answer(ListedAgent own, Random& random, bool forMobileRouters) const
{
    std::vector<ListedAgent> agents{std::move(own)};
    for (const auto& [router, agent] : agents_) {
        ListedAgent listed{agent.preference, {}, agent.mobileRouters};
        for (const Heard& h : agent.prefixes)
            if (h.option.routerAddress && h.option.prefix.address.isUnicastRoutable()) listed.addresses.push_back(h.option.prefix.address);
        agents.push_back(std::move(listed));
    }
    if (forMobileRouters) std::erase_if(agents, [](const ListedAgent& a) { return !a.mobileRouters; });
    shuffle(agents, random);
    std::stable_sort(agents.begin(), agents.end(), [](const ListedAgent& a, const ListedAgent& b) { return a.preference > b.preference; });
    std::vector<Ipv6Address> out;
    for (ListedAgent& agent : agents) {
        shuffle(agent.addresses, random);
        out.insert(out.end(), agent.addresses.begin(), agent.addresses.end());
    }
    if (out.size() > maxAnswer) out.resize(maxAnswer);
    return out;
}

std::uint8_t HomeAgentsList::prefixFlags(TimePoint now) const
{
    std::uint8_t flags = 0;
    for (const auto& [router, agent] : agents_)
        if (std::any_of(agent.prefixes.begin(), agent.prefixes.end(), [&](const Heard& h) { return h.until() > now; })) flags |= agent.flags;
    return flags;
}

std::vector<wire::PrefixInformation> HomeAgentsList::prefixes(TimePoint now) const
{
    std::vector<wire::PrefixInformation> out;
    for (const auto& [router, agent] : agents_)
        for (const Heard& h : agent.prefixes) {
            wire::PrefixInformation option = h.option;
            option.validLifetime = left(option.validLifetime, now - h.since);
            option.preferredLifetime = left(option.preferredLifetime, now - h.since);
            if (option.validLifetime > 0) out.push_back(option);
        }
    return out;
}

}  // namespace roamscope::node
