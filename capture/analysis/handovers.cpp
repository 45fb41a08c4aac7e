// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/analysis/handovers.hpp"

#include "capture/analysis/path_changes.hpp"

#include <algorithm>
#include <numeric>
#include <set>

namespace roamscope::analysis {

namespace {

/// How long before a node's first frame an advertisement may have told it of the new link, and before the end of a path what
/// arrived by it last still tells when it broke.
constexpr Duration lookBack = 3s;

const Mark* find(const std::vector<AddressMark>& list, const Ipv6Address& address)
{
    for (const AddressMark& known : list)
        if (known.address == address) return &known.mark;
    return nullptr;
}

/// The stay during which the mobile node registered: the latest before the first Binding Update that used the address.
const Stay* stayOf(const Mobile& mobile, const Episode& episode, const Presence& presence)
{
    const Stay* best = nullptr;
    for (const Mac& mac : mobile.macs) {
        const auto* stays = presence.stays(mac);
        if (!stays) continue;
        const auto after = std::upper_bound(stays->begin(), stays->end(), episode.first.frame,
                                            [](FrameIndex f, const Stay& s) { return f < s.first.frame; });
        for (auto it = after; it != stays->begin();) {
            --it;
            if (best && it->first.frame < best->first.frame) break;
            // One that a bulk update names may never have been a source (RFC 5648 §5.3), but it was tested there.
            // On the home link it may not even do that (MCOA-MN-17).
            const bool home = episode.home && mac == mobile.homeInterface;
            if (!home && !find(it->sources, episode.careOf) && !find(it->solicited, episode.careOf)) continue;
            best = &*it;
            break;
        }
    }
    return best;
}

HandoverKind kindOf(const Episode& episode, const Episode* previous)
{
    if (episode.home) return HandoverKind::ReturnHome;
    if (!previous) return HandoverKind::Initial;
    if (!episode.regional) return HandoverKind::Home;
    return previous->regional == episode.regional ? HandoverKind::IntraMap : HandoverKind::InterMap;
}

struct Span {
    Mark start;
    std::optional<Mark> end;
};

Mark sentFirst(const Exchange& exchange) { return {exchange.start, exchange.updates.front()}; }

/// From the first update to the acceptance. A refusal does not end it, except 135, which starts a new try.
std::optional<Span> registration(const std::vector<std::size_t>& numbers, const std::vector<Exchange>& exchanges)
{
    std::optional<Span> span;
    for (const std::size_t number : numbers) {
        const Exchange& exchange = exchanges[number];
        if (!span) span = Span{sentFirst(exchange), std::nullopt};
        if (isAccepted(exchange)) {
            span->end = Mark{*exchange.end, *exchange.answer};
            return span;
        }
        if (exchange.status == wire::bindingStatus::sequenceOutOfWindow) span.reset();
    }
    return span;
}

class Builder {
public:
    Builder(const HandoverSources& sources, const Mobile& mobile) : s_(sources), mobile_(mobile) {}

    void run(std::vector<Handover>& out)
    {
        const std::size_t first = out.size();
        const Episode* previous = nullptr;
        const Stay* previousStay = nullptr;
        for (const Episode& episode : mobile_.episodes) {
            const Stay* stay = stayOf(mobile_, episode, s_.presence);
            out.push_back(one(episode, previous, stay, previousStay));
            previous = &episode;
            if (stay) previousStay = stay;
        }
        for (std::size_t i = first; i < out.size(); ++i) {
            Handover& h = out[i];
            const bool resumed = h.interruption || (h.kind == HandoverKind::Initial && h.end);
            count(h, resumed ? *h.end : i + 1 < out.size() ? out[i + 1].start : s_.end);
        }
    }

    /// A path more, less, or another one in its place. `used`: stays whose arrival was told already.
    Handover change(const PathChange& c, const Ipv6Address& onLink, const Ipv6Address& onLinkBefore, std::set<const Stay*>& used)
    {
        const Episode now = registering(c, onLink);
        Episode old;
        old.careOf = onLinkBefore;
        old.home = c.before && c.before->homeLink;
        if (c.before) old.first = {c.before->from, c.before->acknowledgement};
        const Stay* stay = c.after ? stayOf(mobile_, now, s_.presence) : nullptr;
        const Stay* oldStay = c.before ? stayOf(mobile_, old, s_.presence) : nullptr;
        Handover h = c.after ? arrived(c, now, old, stay, oldStay, used) : left(c, now, onLinkBefore, oldStay);
        h.kind = c.kind;
        h.bid = c.binding().bid;
        if (c.before) h.oldCareOf = c.before->careOfAddress;
        if (c.after) h.newCareOf = c.after->careOfAddress;
        if (c.after && !h.interruption) h.end = std::nullopt;  // data may take the new path much later, or never
        for (const Phase& p : h.phases) h.end = std::max(h.end.value_or(p.end), p.end);
        h.end = std::max(h.end.value_or(c.time), c.time);
        count(h, *h.end);
        return h;
    }

private:
    /// The registration that made the change, at a care-of address of the link.
    Episode registering(const PathChange& c, const Ipv6Address& onLink) const
    {
        Episode e;
        e.careOf = onLink;
        e.home = c.after && c.after->homeLink;
        e.first = {c.time, c.binding().acknowledgement};
        if (!c.exchange) return e;
        e.first = sentFirst(s_.exchanges[*c.exchange]);
        (c.binding().owner == Role::Map ? e.local : e.homeExchanges).push_back(*c.exchange);
        return e;
    }

    Handover arrived(const PathChange& c, const Episode& now, const Episode& old, const Stay* stay, const Stay* oldStay, std::set<const Stay*>& used)
    {
        const bool known = stay && !used.insert(stay).second;
        if (oldStay) used.insert(oldStay);
        if (c.before && !known) return one(now, &old, stay, oldStay);
        Handover h = one(now, nullptr, stay, known ? stay : nullptr);
        h.fromLink = oldStay ? linkName(oldStay->link) : std::string();
        return h;
    }

    Handover left(const PathChange& c, const Episode& now, const Ipv6Address& onLinkBefore, const Stay* oldStay)
    {
        Handover h;
        h.mobileNode = mobile_.name();
        h.start = now.first.time;
        if (oldStay) h.fromLink = linkName(oldStay->link);
        phase(h, "T_LBU", registration(now.local, s_.exchanges));
        phase(h, "T_HA", registration(now.homeExchanges, s_.exchanges));
        // What was lost was on its way since the last packet that arrived there, unless the path had long been idle.
        if (oldStay && oldStay->delivered && oldStay->delivered->time <= h.start && h.start - oldStay->delivered->time < lookBack) h.start = oldStay->delivered->time;
        // Of flows that used it until then: from what arrived by it last to what arrives by another path first.
        if (const auto gap = s_.flows.gap(mobile_, onLinkBefore, c.time, s_.end)) {
            h.start = gap->last;
            h.end = gap->first;
            h.interruption = gap->first - gap->last;
        }
        return h;
    }

    void count(Handover& h, TimePoint to) const
    {
        const FlowTracker::Counts counts = s_.flows.count(mobile_, h.start, to, s_.end, s_.presence);
        h.lost = counts.lost;
        h.duplicated = counts.duplicated;
        h.reordered = counts.reordered;
    }

    Handover one(const Episode& episode, const Episode* previous, const Stay* stay, const Stay* previousStay)
    {
        Handover h;
        h.mobileNode = mobile_.name();
        h.kind = kindOf(episode, previous);
        h.newCareOf = episode.careOf;
        if (previous) h.oldCareOf = previous->careOf;
        h.start = episode.first.time;

        if (stay) h.toLink = linkName(stay->link);
        // Where the links in between were not captured, one stay spans several registrations: it began with none of the later ones.
        const bool moved = stay && stay != previousStay && (!previous || stay->first.frame > previous->first.frame);
        std::optional<Mark> m0;
        if (moved) {
            h.start = stay->first.time;
            if (previousStay && previous) {
                h.fromLink = linkName(previousStay->link);
                m0 = previousStay->delivered;
            }
            // A node with two interfaces may be served on the old link for longer than that; then nothing was interrupted here.
            if (m0 && m0->time > stay->first.time) m0.reset();
            if (m0) h.start = m0->time;
            arrival(h, episode, *stay, m0);
        } else if (stay && previousStay) {
            h.fromLink = linkName(previousStay->link);
        }

        const auto local = registration(episode.local, s_.exchanges);
        phase(h, "T_LBU", local);
        // Inside a MAP domain the home agent is not told (HMIP-MN-17); what is seen then is a refresh.
        const auto home = h.kind == HandoverKind::IntraMap ? std::nullopt : registration(episode.homeExchanges, s_.exchanges);
        phase(h, "T_HA", home);

        for (const auto& span : {local, home})
            if (span && span->end) h.end = h.end ? std::max(*h.end, span->end->time) : span->end->time;
        const Mark* m14 = stay ? find(episode.home ? stay->direct : stay->tunnelled, episode.careOf) : nullptr;
        if (m14 && m14->time >= h.start) {
            h.end = m14->time;
            if (m0) h.interruption = m14->time - m0->time;
        }
        return h;
    }

    void arrival(Handover& h, const Episode& episode, const Stay& stay, const std::optional<Mark>& m0)
    {
        if (m0) phase(h, "T_L2", Span{*m0, stay.first});
        const Mark* m5 = find(stay.sources, episode.careOf);
        const Mark* m4 = find(stay.solicited, episode.careOf);
        // It is usable when it is registered, though that may be by another path (bulk).
        if ((!m5 && m4) || (m5 && episode.first.frame < m5->frame)) m5 = &episode.first;
        if (!m5) return;
        const auto m3 = s_.presence.advertisementFor(episode.careOf, stay.link, stay.first.time, m4 ? m4->time : m5->time);
        if (m3) {
            phase(h, "T_MD", Span{stay.first, *m3});
            phase(h, "T_DAD", Span{*m3, *m5});
        } else if (s_.presence.advertisementFor(episode.careOf, stay.link, stay.first.time - lookBack, stay.first.time)) {
            // It heard the router before it first sent anything: there is no telling when the link came up, T_MD is part of T_L2.
            phase(h, "T_DAD", Span{stay.first, *m5});
        } else if (m4) {
            phase(h, "T_DAD", Span{*m4, *m5});
        }
    }

    /// Appends a phase; the boundaries of phases never go back.
    void phase(Handover& h, const char* name, const std::optional<Span>& span)
    {
        if (!span || !span->end) return;
        Phase p{name, span->start.time, span->end->time, span->start.frame, span->end->frame};
        if (!h.phases.empty() && p.start < h.phases.back().end) {
            p.start = h.phases.back().end;
            p.startFrame = h.phases.back().endFrame;
        }
        if (p.end >= p.start) h.phases.push_back(std::move(p));
    }

    std::string linkName(std::uint32_t link) const
    {
        const auto it = s_.linkNames.find(link);
        return it == s_.linkNames.end() ? std::string() : it->second;
    }

    const HandoverSources& s_;
    const Mobile& mobile_;
};

/// Care-of addresses on the link: a MAP's regional ones stand for what they were bound to.
class OnLink {
public:
    /// Of those that `changes` are about: an index of all would need many octets.
    OnLink(const std::vector<BindingInterval>& bindings, const std::vector<PathChange>& changes)
    {
        for (const PathChange& c : changes)
            for (const BindingInterval* b : {c.before, c.after})
                if (b && b->owner != Role::Map) regional_[b->careOfAddress];
        for (const BindingInterval& b : bindings)
            if (const auto it = b.owner == Role::Map ? regional_.find(b.homeAddress) : regional_.end(); it != regional_.end()) it->second.push_back(&b);
    }
    [[nodiscard]] Ipv6Address of(const BindingInterval* binding) const
    {
        if (!binding) return {};
        if (binding->homeLink) return binding->homeAddress;
        const auto it = binding->owner == Role::Map ? regional_.end() : regional_.find(binding->careOfAddress);
        if (it == regional_.end() || it->second.empty()) return binding->careOfAddress;
        const auto after = std::find_if(it->second.begin(), it->second.end(), [&](const BindingInterval* b) { return b->from > binding->from; });
        return (after == it->second.begin() ? *after : *std::prev(after))->careOfAddress;
    }

private:
    std::unordered_map<Ipv6Address, std::vector<const BindingInterval*>> regional_;
};

void buildPathChanges(const HandoverSources& sources, const std::vector<PathChange>& changes, std::vector<Handover>& out)
{
    if (changes.empty()) return;
    const OnLink onLink(sources.bindings, changes);
    std::set<const Stay*> used;
    for (const PathChange& c : changes)
        if (const Mobile* mobile = sources.mobiles.of(c.binding().homeAddress)) out.push_back(Builder(sources, *mobile).change(c, onLink.of(c.after), onLink.of(c.before), used));
}

/// Those of one instant stay as they came. std::stable_sort would take half of their memory once more, so only numbers are sorted.
void sortByStart(std::vector<Handover>& list)
{
    std::vector<std::size_t> from(list.size());  // where stands what belongs here
    std::iota(from.begin(), from.end(), std::size_t{0});
    std::stable_sort(from.begin(), from.end(), [&](std::size_t a, std::size_t b) { return list[a].start < list[b].start; });
    for (std::size_t i = 0; i < list.size(); ++i) {
        Handover displaced = std::move(list[i]);
        std::size_t place = i;
        for (std::size_t next = from[place]; next != i; next = from[place]) {
            list[place] = std::move(list[next]);
            from[place] = place;
            place = next;
        }
        list[place] = std::move(displaced);
        from[place] = place;
    }
}

}  // namespace

std::vector<Handover> buildHandovers(const HandoverSources& sources)
{
    const std::vector<PathChange> changes = pathChanges(sources.bindings, sources.answers, sources.exchanges);
    std::vector<Handover> out;
    // At most one for each episode and change; growing step by step would take their memory three times.
    std::size_t most = changes.size();
    for (const Mobile& mobile : sources.mobiles.all()) most += mobile.episodes.size();
    out.reserve(most);
    for (const Mobile& mobile : sources.mobiles.all())
        if (!mobile.merged) Builder(sources, mobile).run(out);
    buildPathChanges(sources, changes, out);
    sortByStart(out);
    return out;
}

std::vector<Attachment> buildAttachments(const HandoverSources& sources)
{
    std::vector<Attachment> out;
    for (const Mobile& mobile : sources.mobiles.all()) {
        for (const Mac& mac : mobile.macs) {
            const auto* stays = sources.presence.stays(mac);
            if (!stays) continue;
            for (std::size_t i = 0; i < stays->size(); ++i) {
                const Stay& stay = (*stays)[i];
                Attachment a;
                a.interface = mac;
                a.link = stay.link;
                a.from = stay.first.time;
                if (i + 1 < stays->size()) a.to = (*stays)[i + 1].first.time;
                a.router = stay.router && sources.presence.advertises(*stay.router) ? stay.router : sources.presence.routerOf(stay.link, a.from);
                out.push_back(a);
            }
        }
    }
    std::stable_sort(out.begin(), out.end(), [](const Attachment& a, const Attachment& b) { return a.from < b.from; });
    return out;
}

}  // namespace roamscope::analysis
