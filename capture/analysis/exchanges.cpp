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
constexpr std::size_t maxCopies = 64;
constexpr std::size_t maxPlaces = 32;

void remember(std::vector<std::size_t>& list, std::size_t record)
{
    if (!list.empty() && list.back() == record) return;
    if (const auto known = std::find(list.begin(), list.end(), record); known != list.end()) list.erase(known);
    if (list.size() == remembered) list.erase(list.begin());
    list.push_back(record);
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

std::vector<Exchange> ExchangeTracker::takeExchanges()
{
    for (ExchangeRecord& record : records_) record.copies = {};
    std::vector<Exchange> out;
    out.reserve(records_.size());
    for (ExchangeRecord& record : records_) out.push_back(std::move(record.value));
    records_ = {};
    return out;
}

ExchangeTracker::Sighting* ExchangeTracker::copyOf(std::uint64_t key, const Observation& o, bool& repeated)
{
    const auto it = seen_.find(key);
    repeated = false;
    if (it == seen_.end()) return nullptr;
    Sighting& s = it->second;
    const std::uint32_t place = placeOf(o);
    const bool samePlace = s.place == place || (s.more && std::find(s.more->begin(), s.more->end(), place) != s.more->end());
    repeated = samePlace || distance(o.time, s.last) > copyWindow;
    if (repeated) {
        s.place = place;
        s.more.reset();
    } else {
        if (!s.more) s.more = std::make_unique<std::vector<std::uint32_t>>();
        if (s.more->size() < maxPlaces) s.more->push_back(place);
    }
    s.last = o.time;
    return &s;
}

void ExchangeTracker::see(std::uint64_t key, const Observation& o, Signal::Kind kind, std::size_t record, std::size_t copy, Role role)
{
    seen_[key] = {kind, role, static_cast<std::uint32_t>(record), static_cast<std::uint32_t>(copy), placeOf(o), o.time};
}

bool ExchangeTracker::joins(const ExchangeRecord& record, const Update& update, TimePoint t) const
{
    const Update& last = record.copies.back().update;
    if (last.bindings != update.bindings || last.source != update.source || (last.lifetime == Duration{0}) != (update.lifetime == Duration{0}))
        return false;
    return !record.value.answer || (record.accepted && distance(t, record.answerLastSeen) < answerUnderway);
}

Signal ExchangeTracker::addUpdate(const Observation& o, Update update)
{
    const std::uint64_t key = contentKey(*o.frame.inner());
    Signal signal;
    bool repeated = false;
    if (Sighting* known = copyOf(key, o, repeated)) {
        signal.kind = repeated ? Signal::Kind::Repeat : Signal::Kind::UpdateAgain;
        signal.record = known->record;
        signal.copy = known->copy;
        if (repeated) {
            records_[known->record].copies[known->copy].repeated = o.time;
            // Sent once more, it is the one that is answered next, whatever came between.
            remember(byHome_[{update.peerAddress, update.homeAddress}], known->record);
            remember(byCareOf_[{update.peerAddress, update.source}], known->record);
        }
        signal.update = std::move(update);
        return signal;
    }

    std::vector<std::size_t>& latest = byHome_[{update.peerAddress, update.homeAddress}];
    std::size_t record = records_.size();
    if (!latest.empty() && joins(records_[latest.back()], update, o.time)) {
        record = latest.back();
    } else {
        ExchangeRecord fresh;
        fresh.value.peer = update.peer;
        fresh.value.peerAddress = update.peerAddress;
        fresh.value.homeAddress = update.homeAddress;
        fresh.value.careOfAddress = update.careOfAddress;
        fresh.value.start = o.time;
        records_.push_back(std::move(fresh));
        remember(latest, record);
    }
    remember(byCareOf_[{update.peerAddress, update.source}], record);
    ExchangeRecord& r = records_[record];
    r.value.updates.push_back(o.index);
    if (!r.value.answer) r.value.sequence = update.sequence;
    r.copies.push_back({update, {o.time, o.index}, o.link, std::nullopt});
    signal.record = record;
    signal.copy = r.copies.size() - 1;
    signal.update = std::move(update);
    see(key, o, Signal::Kind::Update, record, signal.copy, Role::Unknown);
    return signal;
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
        const auto& copies = records_[*it].copies;
        const std::size_t oldest = copies.size() > maxCopies ? copies.size() - maxCopies : 0;
        for (std::size_t i = copies.size(); i-- > oldest;) {
            const Update& update = copies[i].update;
            if (update.source != answer.destination || node::isNewer(update.sequence, answer.sequence)) continue;
            if (!records_[*it].value.answer && names(update, answer)) return std::pair{*it, i};
            if (!any) any = {*it, i};
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
        const auto& copies = records_[*it].copies;
        const std::size_t oldest = copies.size() > maxCopies ? copies.size() - maxCopies : 0;
        for (std::size_t i = copies.size(); i-- > oldest;)
            if (copies[i].update.sequence == answer.sequence) return std::pair{*it, i};
    }
    const ExchangeRecord& last = records_[candidates->back()];
    if (answer.status == wire::bindingStatus::sequenceOutOfWindow) return std::pair{candidates->back(), last.copies.size() - 1};
    return std::nullopt;
}

Signal ExchangeTracker::addAnswer(const Observation& o, const Answer& answer)
{
    const std::uint64_t key = contentKey(*o.frame.inner());
    Signal signal;
    signal.answer = answer;
    bool repeated = false;
    Sighting* known = copyOf(key, o, repeated);
    if (known && !repeated) {
        signal.kind = known->kind == Signal::Kind::Unmatched ? Signal::Kind::UnmatchedAgain : Signal::Kind::AnswerAgain;
        signal.record = known->record;
        signal.copy = known->copy;
        signal.answerer = known->role;
        if (signal.answerer != Role::Unknown) acknowledgements_.emplace_back(o.index, signal.answerer);
        if (signal.kind == Signal::Kind::AnswerAgain) {
            ExchangeRecord& r = records_[known->record];
            r.answerLastSeen = std::max(r.answerLastSeen, o.time);
            // The answer of an exchange is the sighting nearest to the mobile node, which is the last one.
            if (r.value.end && r.value.sequence == r.copies[known->copy].update.sequence && r.value.status == answer.status &&
                o.time >= *r.value.end) {
                r.value.answer = o.index;
                r.value.end = o.time;
                r.value.roundTrip = o.time - r.copies[known->copy].seen.time;
            }
        }
        return signal;
    }

    const auto* byHome = find(byHome_, answer.peerAddress, answer.homeAddress);
    auto found = match(byHome, answer);
    const auto* byCareOf = find(byCareOf_, answer.peerAddress, answer.destination);
    if (!found && (found = match(byCareOf, answer))) signal.addressMatch = false;
    if (!found) {
        signal.kind = Signal::Kind::Unmatched;
        signal.peerKnown = byHome != nullptr;
        if (byHome) signal.answerer = records_[byHome->back()].value.peer;
        if (signal.answerer != Role::Unknown) acknowledgements_.emplace_back(o.index, signal.answerer);
        see(key, o, signal.kind, 0, 0, signal.answerer);
        return signal;
    }

    ExchangeRecord& r = records_[found->first];
    signal.kind = Signal::Kind::Answer;
    signal.record = found->first;
    signal.copy = found->second;
    signal.answerer = r.value.peer;
    acknowledgements_.emplace_back(o.index, signal.answerer);
    r.answerLastSeen = o.time;
    if (!r.accepted) {
        // The first acceptance ends the exchange; a refusal stands until one comes.
        r.value.answer = o.index;
        r.value.status = answer.status;
        r.value.end = o.time;
        r.value.roundTrip = o.time - r.copies[found->second].seen.time;
        r.value.sequence = r.copies[found->second].update.sequence;
        r.accepted = answer.accepted();
    }
    see(key, o, signal.kind, found->first, found->second, signal.answerer);
    return signal;
}

}  // namespace roamscope::analysis
