// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/analysis/flow_history.hpp"

#include "protocol/wire/ipv6.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace roamscope::analysis {

namespace {

/// Of a hostile capture no more are followed.
constexpr std::size_t maxFlowsOfAHome = 1024;
constexpr std::size_t maxUnanswered = 4096;

template <class T>
const T* part(const wire::FlowIdentification& flow)
{
    for (const wire::FlowSubOption& option : flow.subOptions)
        if (const auto* found = std::get_if<T>(&option)) return found;
    return nullptr;
}

std::string rangeText(const wire::SelectorRange<Ipv6Address>& r) { return r.end ? fmt::format("{}–{}", r.start.text(), r.end->text()) : r.start.text(); }
std::string rangeText(const wire::SelectorRange<Ipv4Address>& r) { return r.end ? fmt::format("{}–{}", r.start.text(), r.end->text()) : r.start.text(); }
template <class T>
std::string rangeText(const wire::SelectorRange<T>& r)
{
    return r.end ? fmt::format("{}–{}", r.start, *r.end) : fmt::format("{}", r.start);
}

template <class Address>
std::string textOf(const wire::TrafficSelector<Address>& s)
{
    std::string out;
    const auto say = [&out](std::string_view what, const auto& range) {
        if (range) out += fmt::format("{}{}{}", out.empty() ? "" : ", ", what, rangeText(*range));
    };
    if (s.protocol && !s.protocol->end && !wire::nextHeaderName(s.protocol->start).empty()) out += wire::nextHeaderName(s.protocol->start);
    else say("protocol ", s.protocol);
    say("from ", s.source);
    say("to ", s.destination);
    say("from port ", s.sourcePort);
    say("to port ", s.destinationPort);
    say("class ", s.trafficClass);
    say("flow label ", s.flowLabel);
    say("SPI ", s.spi);
    return out.empty() ? "everything" : out;
}

}  // namespace

std::string selectorText(const wire::FlowIdentification& flow)
{
    if (const auto* v6 = part<wire::Ipv6TrafficSelector>(flow)) return textOf(*v6);
    if (const auto* v4 = part<wire::Ipv4TrafficSelector>(flow)) return textOf(*v4);
    return {};
}

void FlowHistory::ask(const Signal& signal, const Observation& o)
{
    const auto* message = o.frame.as<wire::BindingUpdate>();
    if (!message) return;
    Request request;
    for (const wire::MobilityOption& option : message->options) {
        if (const auto* flow = std::get_if<wire::FlowIdentification>(&option)) request.flows.push_back(*flow);
        else if (const auto* kept = std::get_if<wire::FlowSummary>(&option)) request.kept.insert(request.kept.end(), kept->flows.begin(), kept->flows.end());
    }
    if (request.flows.empty() && request.kept.empty()) return;
    if (asked_.size() >= maxUnanswered) asked_.erase(asked_.begin());
    asked_[{signal.exchange, signal.copy}] = std::move(request);
}

void FlowHistory::add(const Signal& signal, const ExchangeTracker& exchanges, const Observation& o)
{
    if (signal.kind == Signal::Kind::Update) return ask(signal, o);
    if (signal.kind != Signal::Kind::Answer || !signal.answer->accepted()) return;
    const Exchange& exchange = exchanges.exchanges()[signal.exchange];
    const Update& update = exchanges.copy(signal.copy).update;
    const Key key{exchange.peerAddress, exchange.homeAddress};
    const auto asked = asked_.extract({signal.exchange, signal.copy});
    if (asked.empty() && open_.find(key) == open_.end()) return;
    if (update.lifetime == Duration{0} && !update.bindings.front().bid) return end(key.first, key.second, o.time);
    const Request request = asked.empty() ? Request{} : asked.mapped();
    Open& open = open_[key];
    keepOnly(open, request, o.time);
    for (const wire::FlowIdentification& flow : request.flows) {
        const auto& answers = signal.answer->flows;
        const auto answered = std::find_if(answers.begin(), answers.end(), [&](const FlowStatus& s) { return s.flow == flow.flow; });
        // Who does not copy the option does not know or refuses flow bindings (FLOW-11).
        if (answered != answers.end() && answered->status < 128) set(open, exchange, flow, o);
    }
}

void FlowHistory::keepOnly(Open& open, const Request& request, TimePoint t)
{
    for (auto it = open.begin(); it != open.end();) {
        const bool listed = std::find(request.kept.begin(), request.kept.end(), it->first) != request.kept.end() ||
                            std::any_of(request.flows.begin(), request.flows.end(), [&](const wire::FlowIdentification& f) { return f.flow == it->first; });
        if (!listed) intervals_[it->second].to = std::max(t, intervals_[it->second].from);
        it = listed ? std::next(it) : open.erase(it);
    }
}

void FlowHistory::set(Open& open, const Exchange& exchange, const wire::FlowIdentification& asked, const Observation& o)
{
    const auto old = open.find(asked.flow);
    FlowInterval next;
    // What an update of a known flow leaves out stays (FLOW-06).
    if (old != open.end()) {
        next = intervals_[old->second];
        intervals_[old->second].to = std::max(o.time, next.from);
    } else if (open.size() >= maxFlowsOfAHome) {
        return;
    }
    next.ownerAddress = exchange.peerAddress;
    next.homeAddress = exchange.homeAddress;
    next.flow = asked.flow;
    next.priority = asked.priority;
    if (const auto* reference = part<wire::BindingReference>(asked)) next.bids = reference->bids;
    if (const std::string selector = selectorText(asked); !selector.empty()) next.selector = selector;
    next.from = o.time;
    next.to.reset();
    next.acknowledgement = o.index;
    open[asked.flow] = intervals_.size();
    intervals_.push_back(std::move(next));
}

void FlowHistory::end(const Ipv6Address& owner, const Ipv6Address& home, TimePoint t)
{
    const auto it = open_.find({owner, home});
    if (it == open_.end()) return;
    for (const auto& [flow, interval] : it->second) intervals_[interval].to = std::max(t, intervals_[interval].from);
    open_.erase(it);
}

}  // namespace roamscope::analysis
