// SPDX-License-Identifier: GPL-3.0-or-later
// Pairs Binding Updates with their Acknowledgements (handover model §3). The same message is seen on several links, plain
// and in tunnels: copies are known by their content. A retransmission carries a new sequence number and joins the exchange of
// the same peer, home address and care-of address as long as that is unanswered. One thread; amortised O(1) a message.
#pragma once

#include "capture/analysis/observation.hpp"

#include <algorithm>
#include <memory>
#include <unordered_map>
#include <utility>

namespace roamscope::analysis {

/// One Binding Update of an exchange: the first one or a retransmission.
struct UpdateCopy {
    Update update;
    Mark seen;                          ///< first sighting, nearest to the mobile node
    std::optional<TimePoint> repeated;  ///< when the very same message was sent again (same sequence number)
    std::uint32_t previous = none;      ///< the one before it in the exchange: into ExchangeTracker::copy()
    bool answered = false;              ///< since it was sent last

    static constexpr std::uint32_t none = UINT32_MAX;
};

/// The first acceptance ends an exchange; a refusal stands until one comes.
[[nodiscard]] inline bool isAccepted(const Exchange& exchange) { return exchange.status && *exchange.status < 128; }

/// What a mobility message turned out to be.
struct Signal {
    enum class Kind : std::uint8_t {
        Update,         ///< a new Binding Update, first sighting
        UpdateAgain,    ///< a copy of it on its way
        Repeat,         ///< the same update sent once more on the same link
        Answer,         ///< an acknowledgement that belongs to an exchange, first sighting
        AnswerAgain,    ///< a copy of it on its way, or one that the network made: its update was not sent again
        Unmatched,      ///< an acknowledgement that matches no update, first sighting
        UnmatchedAgain,
    };
    Kind kind = Kind::Update;
    std::size_t exchange = 0;  ///< into ExchangeTracker::exchanges(); not for Unmatched
    std::size_t copy = 0;      ///< which copy of the update was sent or is answered: into ExchangeTracker::copy()
    std::optional<Update> update;
    std::optional<Answer> answer;
    Role answerer = Role::Unknown;  ///< of an acknowledgement
    bool peerKnown = false;         ///< of an unmatched acknowledgement: updates to this peer for this node were seen
    bool addressMatch = true;       ///< false: matched by care-of address alone, the routing header is missing or wrong
};

class ExchangeTracker {
public:
    /// Takes a frame; a value when it carries a Binding Update or Acknowledgement.
    std::optional<Signal> add(const Observation& o);

    [[nodiscard]] const std::vector<Exchange>& exchanges() const { return exchanges_; }
    [[nodiscard]] const UpdateCopy& copy(std::size_t index) const { return copies_[index]; }
    [[nodiscard]] std::map<FrameIndex, Role> acknowledgements() const { return {acknowledgements_.begin(), acknowledgements_.end()}; }

    // When no frame will come any more: what only served to take frames, copies among it, and the rest without a copy.
    void forgetSightings()
    {
        seen_ = decltype(seen_)();
        byHome_ = Index();
        byCareOf_ = Index();
        copies_ = decltype(copies_)();
        underway_ = decltype(underway_)();
    }
    [[nodiscard]] std::vector<Exchange> takeExchanges() { return std::exchange(exchanges_, {}); }

private:
    /// There is one for each message, so it is kept small.
    struct Sighting {
        Signal::Kind kind = Signal::Kind::Update;
        Role role = Role::Unknown;
        std::uint32_t exchange = 0;
        std::uint32_t copy = 0;
        std::uint32_t place = 0;                          ///< where it was seen first since it was sent: placeOf()
        TimePoint last{};
        std::unique_ptr<std::vector<std::uint32_t>> more{};  ///< the other places, on its way
    };
    /// Link and tunnel depth.
    static std::uint32_t placeOf(const Observation& o) { return o.link << 8 | static_cast<std::uint32_t>(std::min<std::size_t>(o.tunnels(), 255)); }
    void see(std::uint64_t key, const Observation& o, Signal::Kind kind, std::size_t exchange, std::size_t copy, Role role);
    struct PairHash {
        std::size_t operator()(const std::pair<Ipv6Address, Ipv6Address>& p) const noexcept
        {
            return std::hash<Ipv6Address>{}(p.first) * 31 + std::hash<Ipv6Address>{}(p.second);
        }
    };
    using Index = std::unordered_map<std::pair<Ipv6Address, Ipv6Address>, std::vector<std::size_t>, PairHash>;

    enum class Copy : std::uint8_t {
        OnItsWay,   ///< at a place where the message was not seen yet
        SentAgain,  ///< by its sender
        Made,       ///< by the network: duplicated, or sent by somebody who replays it
    };
    Sighting* copyOf(std::uint64_t key, const Observation& o, Copy& copy);
    Signal addUpdate(const Observation& o, Update update);
    Signal addAnswer(const Observation& o, const Answer& answer);
    Signal addAnswerAgain(const Observation& o, const Answer& answer, const Sighting& known, Copy copy);
    /// The next answer to this number is a new one, also in the words of one that was given to an older update.
    void expectAnswer(const std::vector<std::size_t>& exchanges, std::uint16_t sequence);
    /// Whether the update is a retransmission of this exchange.
    bool joins(std::size_t exchange, const Update& update, TimePoint t) const;
    /// The exchange and copy that `answer` belongs to.
    std::optional<std::pair<std::size_t, std::size_t>> matchRefused(const std::vector<std::size_t>& candidates, const Answer& answer) const;
    std::optional<std::pair<std::size_t, std::size_t>> match(const std::vector<std::size_t>* candidates, const Answer& answer) const;
    const std::vector<std::size_t>* find(const Index& index, const Ipv6Address& peer, const Ipv6Address& node) const;

    /// What only matters while frames come.
    struct Underway {
        std::uint32_t lastCopy = UpdateCopy::none;  ///< into copies_
        TimePoint answerLastSeen{};
    };

    std::vector<Exchange> exchanges_;
    std::vector<Underway> underway_;  ///< of each exchange
    std::vector<UpdateCopy> copies_;  ///< of all exchanges in one piece, which goes back to the system as a whole
    std::unordered_map<std::uint64_t, Sighting> seen_;
    Index byHome_;    ///< (peer, home address) → the latest exchanges
    Index byCareOf_;  ///< (peer, source of the update) → the latest exchanges
    std::vector<std::pair<FrameIndex, Role>> acknowledgements_;  ///< in order; each frame once
};

}  // namespace roamscope::analysis
