// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/analysis/exchanges.hpp"

#include "protocol/node/sequence.hpp"

#include <algorithm>

namespace roamscope::analysis {

namespace {

/// Copies of one message arrive on the links of a path within this time of each other.
constexpr Duration copyWindow = 3s;
/// An acknowledgement may still be on its way to a node that sends again; retransmission timers are 1 s and more.
constexpr Duration answerUnderway = 300ms;
/// Latest exchanges of a pair that an acknowledgement may still answer, and copies of one exchange that are looked at.
constexpr std::size_t remembered = 8;
constexpr int maxCopies = 64;
constexpr std::size_t maxPlaces = 32;

void remember(std::vector<std::size_t>& list, std::size_t exchange)
{
    if (!list.empty() && list.back() == exchange) return;
    if (const auto known = std::find(list.begin(), list.end(), exchange); known != list.end()) list.erase(known);
    if (list.size() == remembered) list.erase(list.begin());
    list.push_back(exchange);
}

Duration distance(TimePoint a, TimePoint b) { return a < b ? b - a : a - b; }

/// Whether the answer has the identifiers of the update, and no others.
bool names(const Update& update, const Answer& answer)
{
    if (!update.bindings.front().bid) return answer.bids.empty();
    return std::equal(update.bindings.begin(), update.bindings.end(), answer.bids.begin(), answer.bids.end(),
                      [](const BidBinding& asked, const BidStatus& told) { return asked.bid == told.bid; });
}

}  // namespace

std::optional<Signal> ExchangeTracker::add(const Observation& o)
{
    if (auto update = readUpdate(o.frame)) return addUpdate(o, std::move(*update));
    if (auto answer = readAnswer(o.frame)) return addAnswer(o, *answer);
    return std::nullopt;
}

ExchangeTracker::Sighting* ExchangeTracker::copyOf(std::uint64_t key, const Observation& o, Copy& copy)
{
    const auto it = seen_.find(key);
    copy = Copy::OnItsWay;
    if (it == seen_.end()) return nullptr;
    Sighting& s = it->second;
    const std::uint32_t place = placeOf(o);
    const bool samePlace = s.place == place || (s.more && std::find(s.more->begin(), s.more->end(), place) != s.more->end());
    // Nobody answers one update twice in the same words: its second arrival gets 135 (HA-BU-02).
    const bool answered = s.kind == Signal::Kind::Answer && copies_[s.copy].answered;
    if (samePlace) copy = answered ? Copy::Made : Copy::SentAgain;
    else if (!answered && distance(o.time, s.last) > copyWindow) copy = Copy::SentAgain;
    if (copy == Copy::SentAgain) {
        s.place = place;
        s.more.reset();
    } else if (copy == Copy::OnItsWay) {
        if (!s.more) s.more = std::make_unique<std::vector<std::uint32_t>>();
        if (s.more->size() < maxPlaces) s.more->push_back(place);
    }
    s.last = o.time;
    return &s;
}

void ExchangeTracker::see(std::uint64_t key, const Observation& o, Signal::Kind kind, std::size_t exchange, std::size_t copy, Role role)
{
    seen_[key] = {kind, role, static_cast<std::uint32_t>(exchange), static_cast<std::uint32_t>(copy), placeOf(o), o.time};
}

bool ExchangeTracker::joins(std::size_t exchange, const Update& update, TimePoint t) const
{
    const Update& last = copies_[underway_[exchange].lastCopy].update;
    if (last.bindings != update.bindings || last.source != update.source || (last.lifetime == Duration{0}) != (update.lifetime == Duration{0}))
        return false;
    const Exchange& e = exchanges_[exchange];
    return !e.answer || (isAccepted(e) && distance(t, underway_[exchange].answerLastSeen) < answerUnderway);
}

Signal ExchangeTracker::addUpdate(const Observation& o, Update update)
{
    const std::uint64_t key = contentKey(*o.frame.inner());
    Signal signal;
    Copy made{};
    if (Sighting* known = copyOf(key, o, made)) {
        const bool repeated = made == Copy::SentAgain;
        signal.kind = repeated ? Signal::Kind::Repeat : Signal::Kind::UpdateAgain;
        signal.exchange = known->exchange;
        signal.copy = known->copy;
        if (repeated) {
            copies_[known->copy].repeated = o.time;
            copies_[known->copy].answered = false;
            // Sent once more, it is the one that is answered next, whatever came between.
            remember(byHome_[{update.peerAddress, update.homeAddress}], known->exchange);
            remember(byCareOf_[{update.peerAddress, update.source}], known->exchange);
        }
        signal.update = std::move(update);
        return signal;
    }

    std::vector<std::size_t>& latest = byHome_[{update.peerAddress, update.homeAddress}];
    expectAnswer(latest, update.sequence);
    signal.exchange = exchanges_.size();
    if (!latest.empty() && joins(latest.back(), update, o.time)) {
        signal.exchange = latest.back();
    } else {
        Exchange fresh;
        fresh.peer = update.peer;
        fresh.peerAddress = update.peerAddress;
        fresh.homeAddress = update.homeAddress;
        fresh.careOfAddress = update.careOfAddress;
        fresh.start = o.time;
        exchanges_.push_back(std::move(fresh));
        underway_.emplace_back();
        remember(latest, signal.exchange);
    }
    remember(byCareOf_[{update.peerAddress, update.source}], signal.exchange);
    Exchange& e = exchanges_[signal.exchange];
    e.updates.push_back(o.index);
    if (!e.answer) e.sequence = update.sequence;
    signal.copy = copies_.size();
    copies_.push_back({update, {o.time, o.index}, std::nullopt, underway_[signal.exchange].lastCopy, false});
    underway_[signal.exchange].lastCopy = static_cast<std::uint32_t>(signal.copy);
    signal.update = std::move(update);
    see(key, o, Signal::Kind::Update, signal.exchange, signal.copy, Role::Unknown);
    return signal;
}

void ExchangeTracker::expectAnswer(const std::vector<std::size_t>& exchanges, std::uint16_t sequence)
{
    for (const std::size_t exchange : exchanges) {
        std::uint32_t copy = underway_[exchange].lastCopy;
        for (int i = 0; i < maxCopies && copy != UpdateCopy::none; ++i, copy = copies_[copy].previous)
            if (copies_[copy].update.sequence == sequence) copies_[copy].answered = false;
    }
}

const std::vector<std::size_t>* ExchangeTracker::find(const Index& index, const Ipv6Address& peer, const Ipv6Address& node) const
{
    const auto it = index.find({peer, node});
    return it == index.end() ? nullptr : &it->second;
}

/// Status 135 carries the last accepted number instead of the update's own (MN-BU-09): the update is one from where the answer goes whose
/// number is not above that; the latest, or one that waits with the same identifiers.
std::optional<std::pair<std::size_t, std::size_t>> ExchangeTracker::matchRefused(const std::vector<std::size_t>& candidates, const Answer& answer) const
{
    std::optional<std::pair<std::size_t, std::size_t>> any;
    for (auto it = candidates.rbegin(); it != candidates.rend(); ++it) {
        std::uint32_t copy = underway_[*it].lastCopy;
        for (int i = 0; i < maxCopies && copy != UpdateCopy::none; ++i, copy = copies_[copy].previous) {
            const Update& update = copies_[copy].update;
            if (update.source != answer.destination || node::isNewer(update.sequence, answer.sequence)) continue;
            if (!exchanges_[*it].answer && names(update, answer)) return std::pair{*it, std::size_t{copy}};
            if (!any) any = {*it, std::size_t{copy}};
        }
    }
    return any;
}

std::optional<std::pair<std::size_t, std::size_t>> ExchangeTracker::match(const std::vector<std::size_t>* candidates,
                                                                          const Answer& answer) const
{
    if (!candidates || candidates->empty()) return std::nullopt;
    if (answer.status == wire::bindingStatus::sequenceOutOfWindow)
        if (const auto refused = matchRefused(*candidates, answer)) return refused;
    for (auto it = candidates->rbegin(); it != candidates->rend(); ++it) {
        std::uint32_t copy = underway_[*it].lastCopy;
        for (int i = 0; i < maxCopies && copy != UpdateCopy::none; ++i, copy = copies_[copy].previous)
            if (copies_[copy].update.sequence == answer.sequence) return std::pair{*it, std::size_t{copy}};
    }
    if (answer.status == wire::bindingStatus::sequenceOutOfWindow) return std::pair{candidates->back(), std::size_t{underway_[candidates->back()].lastCopy}};
    return std::nullopt;
}

Signal ExchangeTracker::addAnswerAgain(const Observation& o, const Answer& answer, const Sighting& known, Copy copy)
{
    Signal signal;
    signal.answer = answer;
    signal.kind = known.kind == Signal::Kind::Unmatched ? Signal::Kind::UnmatchedAgain : Signal::Kind::AnswerAgain;
    signal.exchange = known.exchange;
    signal.copy = known.copy;
    signal.answerer = known.role;
    if (signal.answerer != Role::Unknown) acknowledgements_.emplace_back(o.index, signal.answerer);
    if (signal.kind == Signal::Kind::UnmatchedAgain || copy == Copy::Made) return signal;
    Exchange& e = exchanges_[known.exchange];
    TimePoint& last = underway_[known.exchange].answerLastSeen;
    last = std::max(last, o.time);
    const Update& update = copies_[known.copy].update;
    if (update.source != answer.destination) return signal;  // spoilt, it does not come to the mobile node
    // The answer of an exchange is the sighting nearest to the mobile node, which is the last one.
    if (e.end && e.sequence == update.sequence && e.status == answer.status && o.time >= *e.end) {
        e.answer = o.index;
        e.end = o.time;
        e.roundTrip = o.time - copies_[known.copy].seen.time;
    }
    return signal;
}

Signal ExchangeTracker::addAnswer(const Observation& o, const Answer& answer)
{
    const std::uint64_t key = contentKey(*o.frame.inner());
    Signal signal;
    signal.answer = answer;
    Copy copied{};
    const Sighting* known = copyOf(key, o, copied);
    if (known && copied != Copy::SentAgain) return addAnswerAgain(o, answer, *known, copied);

    const auto* byHome = find(byHome_, answer.peerAddress, answer.homeAddress);
    auto found = match(byHome, answer);
    const auto* byCareOf = find(byCareOf_, answer.peerAddress, answer.destination);
    if (!found && (found = match(byCareOf, answer))) signal.addressMatch = false;
    if (!found) {
        signal.kind = Signal::Kind::Unmatched;
        signal.peerKnown = byHome != nullptr;
        if (byHome) signal.answerer = exchanges_[byHome->back()].peer;
        if (signal.answerer != Role::Unknown) acknowledgements_.emplace_back(o.index, signal.answerer);
        see(key, o, signal.kind, 0, 0, signal.answerer);
        return signal;
    }

    Exchange& e = exchanges_[found->first];
    signal.kind = Signal::Kind::Answer;
    signal.exchange = found->first;
    signal.copy = found->second;
    signal.answerer = e.peer;
    acknowledgements_.emplace_back(o.index, signal.answerer);
    underway_[found->first].answerLastSeen = o.time;
    // 135 carries the peer's number, so that it answers several updates in the same words.
    copies_[found->second].answered = answer.status != wire::bindingStatus::sequenceOutOfWindow;
    if (!isAccepted(e)) {
        const UpdateCopy& copy = copies_[found->second];
        e.answer = o.index;
        e.status = answer.status;
        e.end = o.time;
        e.roundTrip = o.time - copy.seen.time;
        e.sequence = copy.update.sequence;
    }
    see(key, o, signal.kind, found->first, found->second, signal.answerer);
    return signal;
}

}  // namespace roamscope::analysis
