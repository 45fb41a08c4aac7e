// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/node/flow_bindings.hpp"

#include <algorithm>
#include <utility>

namespace roamscope::node {

using wire::FlowIdentification;
using wire::RawFlowSubOption;

namespace {

constexpr std::uint8_t identificationType = 45;
constexpr std::uint8_t summaryType = 44;
constexpr std::uint8_t referenceType = 2;
constexpr std::uint8_t selectorType = 3;
constexpr std::uint8_t lastKnownFormat = 2;  // RFC 6088
constexpr std::size_t headOctets = 6;

template <class T>
bool isForward(const std::optional<wire::SelectorRange<T>>& range)
{
    return !range || !range->end || range->start <= *range->end;
}

template <class Address>
bool isForward(const wire::TrafficSelector<Address>& s)
{
    return isForward(s.source) && isForward(s.destination) && isForward(s.spi) && isForward(s.flowLabel) && isForward(s.sourcePort) &&
           isForward(s.destinationPort) && isForward(s.trafficClass) && isForward(s.protocol);
}

/// What an option asks for.
struct Asked {
    FlowIdentification option;             ///< as it comes back
    std::optional<Flow::Selector> selector;
    std::optional<std::vector<std::uint16_t>> bids;
    bool malformed = false;
    bool otherFormat = false;              ///< a selector that nobody here can read
};

void takeSubOption(const wire::FlowSubOption& sub, Asked& out)
{
    const bool isReference = std::holds_alternative<wire::BindingReference>(sub);
    const bool isSelector = std::holds_alternative<wire::Ipv6TrafficSelector>(sub) || std::holds_alternative<wire::Ipv4TrafficSelector>(sub);
    const auto* raw = std::get_if<RawFlowSubOption>(&sub);
    const bool rawSelector = raw && raw->type == selectorType;
    const bool unknownFormat = rawSelector && raw->data.size() >= 2 && raw->data[0] > lastKnownFormat;
    // FLOW-05: one of each at most, and none that cannot be read. What is wrong does not come back.
    const bool again = (isReference && out.bids) || ((isSelector || rawSelector) && (out.selector || out.otherFormat));
    if (again || (raw && raw->type == referenceType) || (rawSelector && !unknownFormat)) {
        out.malformed = true;
        return;
    }
    if (isReference) out.bids = std::get<wire::BindingReference>(sub).bids;
    else if (const auto* ipv6 = std::get_if<wire::Ipv6TrafficSelector>(&sub)) out.selector = *ipv6;
    else if (const auto* ipv4 = std::get_if<wire::Ipv4TrafficSelector>(&sub)) out.selector = *ipv4;
    out.otherFormat = out.otherFormat || unknownFormat;
    out.option.subOptions.push_back(sub);
}

std::optional<Asked> askedBy(const wire::MobilityOption& option)
{
    Asked out;
    if (const auto* raw = std::get_if<wire::RawMobilityOption>(&option)) {
        // A sub-option of it runs past its end.
        if (raw->type != identificationType || raw->data.size() < headOctets) return std::nullopt;
        out.option.flow = static_cast<std::uint16_t>(raw->data[0] << 8 | raw->data[1]);
        out.option.priority = static_cast<std::uint16_t>(raw->data[2] << 8 | raw->data[3]);
        out.malformed = true;
        return out;
    }
    const auto* flow = std::get_if<FlowIdentification>(&option);
    if (!flow) return std::nullopt;
    out.option.flow = flow->flow;
    out.option.priority = flow->priority;
    for (const wire::FlowSubOption& sub : flow->subOptions) takeSubOption(sub, out);
    if (out.selector && !std::visit([](const auto& s) { return isForward(s); }, *out.selector)) out.malformed = true;
    if (flow->flow == 0 || flow->priority == 0) out.malformed = true;
    return out;
}

const Flow* find(const std::vector<Flow>& flows, std::uint16_t number)
{
    const auto it = std::find_if(flows.begin(), flows.end(), [&](const Flow& f) { return f.flow == number; });
    return it == flows.end() ? nullptr : &*it;
}

/// One update.
class Work {
public:
    Work(const std::vector<Flow>& present, const std::vector<std::uint16_t>& bids, const FlowPolicy& policy) : present_(present), bids_(bids), policy_(policy) {}

    FlowOutcome run(const std::vector<wire::MobilityOption>& options)
    {
        std::vector<Asked> asked;
        for (const wire::MobilityOption& option : options)
            if (auto one = askedBy(option)) asked.push_back(std::move(*one));
        if (policy_.support == FlowPolicy::Support::Prohibited) {
            for (const Asked& a : asked) answer(a, flowStatus::prohibited);
            return std::move(out_);
        }
        // FLOW-01: what no option names is gone. What an option names stays, even as it was when that is refused.
        std::vector<std::uint16_t> summary;
        for (const wire::MobilityOption& option : options)
            if (const auto* s = std::get_if<wire::FlowSummary>(&option)) summary.insert(summary.end(), s->flows.begin(), s->flows.end());
        const auto isNamed = [&](const Flow& f) {
            return std::find(summary.begin(), summary.end(), f.flow) != summary.end() ||
                   std::any_of(asked.begin(), asked.end(), [&](const Asked& a) { return a.option.flow == f.flow; });
        };
        std::copy_if(present_.begin(), present_.end(), std::back_inserter(out_.flows), isNamed);
        const bool ambiguous = hasTwins(asked);
        for (const Asked& a : asked) answer(a, ambiguous ? flowStatus::rejected : install(a));
        takeBackTwins();
        for (const std::uint16_t number : summary) refresh(number);
        order(out_.flows);
        return std::move(out_);
    }

private:
    /// FLOW-02
    static bool hasTwins(const std::vector<Asked>& asked)
    {
        for (auto it = asked.begin(); it != asked.end(); ++it)
            if (std::any_of(asked.begin(), it, [&](const Asked& other) { return other.option.flow == it->option.flow; })) return true;
        return false;
    }

    /// FLOW-05: no two flows of a node have the same priority. Two of one update may have changed theirs over, so the outcome counts:
    /// of two alike the one that asked last stays as it was before, which may make it the twin of another.
    void takeBackTwins()
    {
        const auto isTwin = [this](const FlowIdentification& f) {
            return f.status == flowStatus::successful &&
                   std::any_of(out_.flows.begin(), out_.flows.end(), [&](const Flow& other) { return other.flow != f.flow && other.priority == f.priority; });
        };
        auto last = out_.answers.rbegin();
        while ((last = std::find_if(out_.answers.rbegin(), out_.answers.rend(), isTwin)) != out_.answers.rend()) takeBack(*last);
    }

    void takeBack(FlowIdentification& refused)
    {
        refused.status = flowStatus::rejected;
        std::erase_if(out_.flows, [&](const Flow& f) { return f.flow == refused.flow; });
        if (const Flow* before = find(present_, refused.flow)) out_.flows.push_back(*before);
    }

    /// Takes the flow over; gives the status.
    std::uint8_t install(const Asked& a)
    {
        const auto isUnknown = [&](std::uint16_t bid) { return std::find(bids_.begin(), bids_.end(), bid) == bids_.end(); };
        const bool isNew = !find(present_, a.option.flow);
        if (a.malformed || (isNew && !a.selector && !a.otherFormat)) return flowStatus::malformed;
        if (a.otherFormat) return flowStatus::formatNotSupported;
        if (isNew && !a.bids) return flowStatus::malformed;
        if (a.bids && std::any_of(a.bids->begin(), a.bids->end(), isUnknown)) return flowStatus::bidNotFound;
        if (isNew && out_.flows.size() >= policy_.maximum) return flowStatus::rejected;
        if (isNew) out_.flows.push_back(Flow{a.option.flow, a.option.priority, {}, {}});
        // FLOW-06
        Flow& flow = *std::find_if(out_.flows.begin(), out_.flows.end(), [&](const Flow& f) { return f.flow == a.option.flow; });
        flow.priority = a.option.priority;
        if (a.selector) flow.selector = *a.selector;
        if (a.bids) flow.bids = *a.bids;
        return flowStatus::successful;
    }

    /// FLOW-02: each flow that is not there is told once.
    void refresh(std::uint16_t number)
    {
        const auto isAnswered = [&](const FlowIdentification& f) { return f.flow == number; };
        if (number == 0 || find(out_.flows, number) || std::any_of(out_.answers.begin(), out_.answers.end(), isAnswered)) return;
        FlowIdentification option;
        option.flow = number;
        option.status = flowStatus::flowNotFound;
        out_.answers.push_back(option);
    }

    void answer(const Asked& a, std::uint8_t status)
    {
        out_.answers.push_back(a.option);
        out_.answers.back().status = status;
    }

    const std::vector<Flow>& present_;
    const std::vector<std::uint16_t>& bids_;
    const FlowPolicy& policy_;
    FlowOutcome out_;
};

}  // namespace

bool hasFlows(const std::vector<wire::MobilityOption>& options)
{
    return std::any_of(options.begin(), options.end(), [](const wire::MobilityOption& o) {
        const auto* raw = std::get_if<wire::RawMobilityOption>(&o);
        return std::holds_alternative<FlowIdentification>(o) || std::holds_alternative<wire::FlowSummary>(o) ||
               (raw && (raw->type == identificationType || raw->type == summaryType));
    });
}

FlowOutcome applyFlows(const std::vector<wire::MobilityOption>& options, const std::vector<Flow>& present, const std::vector<std::uint16_t>& bids,
                       const FlowPolicy& policy)
{
    if (policy.support == FlowPolicy::Support::Unknown) return {};
    return Work(present, bids, policy).run(options);
}

}  // namespace roamscope::node
