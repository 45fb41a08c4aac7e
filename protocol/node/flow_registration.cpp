// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/node/flow_registration.hpp"

#include <algorithm>

namespace roamscope::node {

namespace {

constexpr std::size_t rememberedUpdates = 16;
constexpr std::size_t mostListed = 127;         // FIDs of one summary option (RFC 6089 §4.2.2)
constexpr std::uint8_t bidNotFound = 131;

bool contains(const std::vector<std::uint16_t>& list, std::uint16_t value) { return std::find(list.begin(), list.end(), value) != list.end(); }

bool isSubset(const std::vector<std::uint16_t>& part, const std::vector<std::uint16_t>& of)
{
    return std::all_of(part.begin(), part.end(), [&](std::uint16_t value) { return contains(of, value); });
}

}  // namespace

void FlowRegistration::want(const std::vector<Flow>& flows)
{
    const auto same = [](const Entry& e, const Flow& f) { return e.flow == f; };
    if (std::equal(entries_.begin(), entries_.end(), flows.begin(), flows.end(), same)) return;
    wanted_ = flows;
    order(wanted_);
    std::vector<Entry> entries;
    for (const Flow& flow : flows) {
        const auto it = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.flow.flow == flow.flow; });
        Entry entry = it == entries_.end() ? Entry{flow, {}, {}, {}} : *it;
        entry.flow = flow;
        entries.push_back(std::move(entry));
    }
    removed_ = removed_ || std::any_of(entries_.begin(), entries_.end(), [&](const Entry& e) {
        return e.told && std::none_of(flows.begin(), flows.end(), [&](const Flow& f) { return f.flow == e.flow.flow; });
    });
    entries_ = std::move(entries);
    holdAgain();
}

void FlowRegistration::restart()
{
    for (Entry& entry : entries_) {
        entry.told.reset();
        entry.status.reset();
        entry.refused.reset();
    }
    sent_.clear();
    removed_ = false;
    supported_ = true;
    holdAgain();
}

void FlowRegistration::forget()
{
    for (Entry& entry : entries_) entry.told.reset();
    holdAgain();
}

Flow FlowRegistration::present(const Entry& entry, const std::vector<std::uint16_t>& known)
{
    Flow out = entry.flow;
    std::erase_if(out.bids, [&](std::uint16_t bid) { return !contains(known, bid); });
    return out;
}

std::vector<wire::MobilityOption> FlowRegistration::options(std::uint16_t sequence, const std::vector<std::uint16_t>& known)
{
    std::vector<wire::MobilityOption> out;
    if (!supported_) return out;
    Sent sent{sequence, {}, {}};
    for (const Entry& entry : entries_) {
        const Flow flow = present(entry, known);
        if (entry.refused == flow) continue;
        if (entry.told && (flow.bids.empty() || flow == *entry.told)) {
            sent.listed.push_back(flow.flow);
        } else if (!flow.bids.empty()) {
            wire::FlowIdentification option{flow.flow, flow.priority, 0, {}};
            std::visit([&](const auto& selector) { option.subOptions.push_back(selector); }, flow.selector);
            option.subOptions.push_back(wire::BindingReference{flow.bids});
            out.push_back(std::move(option));
            sent.flows.push_back(flow);
        }
    }
    for (std::size_t i = 0; i < sent.listed.size(); i += mostListed)
        out.push_back(wire::FlowSummary{{sent.listed.begin() + static_cast<std::ptrdiff_t>(i), sent.listed.begin() + static_cast<std::ptrdiff_t>(std::min(i + mostListed, sent.listed.size()))}});
    removed_ = false;
    if (sent_.size() == rememberedUpdates) sent_.pop_front();
    sent_.push_back(std::move(sent));
    return out;
}

bool FlowRegistration::mustTell(const std::vector<std::uint16_t>& known) const
{
    if (!supported_) return false;
    return removed_ || std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
        const Flow flow = present(entry, known);
        return entry.refused != flow && !flow.bids.empty() && entry.told != flow;
    });
}

bool FlowRegistration::acknowledged(std::uint16_t sequence, const std::vector<wire::MobilityOption>& answer, const std::vector<std::uint16_t>& known)
{
    const auto it = std::find_if(sent_.begin(), sent_.end(), [&](const Sent& s) { return s.sequence == sequence; });
    if (it == sent_.end()) return supported_;
    const Sent sent = *it;
    sent_.erase(sent_.begin(), it + 1);
    const auto answerOf = [&](std::uint16_t flow) -> const wire::FlowIdentification* {
        for (const wire::MobilityOption& option : answer)
            if (const auto* copy = std::get_if<wire::FlowIdentification>(&option); copy && copy->flow == flow) return copy;
        return nullptr;
    };
    const bool any = std::any_of(answer.begin(), answer.end(), [](const wire::MobilityOption& o) { return std::holds_alternative<wire::FlowIdentification>(o); });
    if (!sent.flows.empty() && !any) supported_ = false;  // FLOW-11
    for (Entry& entry : entries_) {
        const auto told = std::find_if(sent.flows.begin(), sent.flows.end(), [&](const Flow& f) { return f.flow == entry.flow.flow; });
        const auto* copy = answerOf(entry.flow.flow);
        if (copy) entry.status = copy->status;
        if (!supported_ || (copy && copy->status != 0)) entry.told.reset();
        if (told == sent.flows.end()) continue;  // of one that was listed only its absence is told (132): it gets all of it then
        if (copy && copy->status == 0) entry.told = *told;
        else if (!copy || copy->status != bidNotFound || isSubset(told->bids, known)) entry.refused = *told;
    }
    holdAgain();
    return supported_;
}

std::optional<std::uint8_t> FlowRegistration::status(std::uint16_t flow) const
{
    for (const Entry& entry : entries_)
        if (entry.flow.flow == flow) return entry.status;
    return std::nullopt;
}

void FlowRegistration::holdAgain()
{
    held_.clear();
    for (const Entry& entry : entries_)
        if (entry.told) held_.push_back(*entry.told);
    order(held_);
}

}  // namespace roamscope::node
