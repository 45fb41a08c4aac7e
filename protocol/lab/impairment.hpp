// SPDX-License-Identifier: GPL-3.0-or-later
// What a link does to the frames of one sender: delay, jitter, loss, bursts, duplicates, reordering, corruption, a rate with its
// queue. Acts at the sender's port, before the frame enters the segment; the same for virtual segments and kernel bridges. Seeded:
// the same frames at the same times meet the same fate.
#pragma once

#include "protocol/base/bytes.hpp"
#include "protocol/base/random.hpp"
#include "protocol/base/time.hpp"

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace roamscope::lab {

/// Losses in bursts: the Gilbert-Elliott model. In the good state ImpairmentSpec::loss holds, in the bad state `loss` of this.
/// All are probabilities per frame, 0 to 1. The mean length of a burst is 1/leave frames.
struct BurstSpec {
    double enter = 0;  ///< from the good state to the bad one
    double leave = 1;  ///< from the bad state to the good one, > 0
    double loss = 1;   ///< in the bad state
    bool operator==(const BurstSpec&) const = default;
};

/// Impairment of one direction of a link. Probabilities are 0 to 1 for each frame.
struct ImpairmentSpec {
    std::vector<std::string> from;  ///< the nodes whose frames it meets; empty: those of every node that no other entry names
    Duration delay{0};              ///< on top of the link's, 0 to 10 s
    Duration jitter{0};             ///< up to so much more, uniformly, 0 to 10 s; it does not change the order
    double loss = 0;
    std::optional<BurstSpec> burst{};
    double duplicate = 0;           ///< a second copy right behind the first
    double reorder = 0;             ///< held back for `reorderBy`, so that frames behind it overtake
    Duration reorderBy = 10ms;      ///< more than 0, at most 10 s
    double corrupt = 0;             ///< one bit behind the Ethernet header is turned over
    std::uint64_t rate = 0;         ///< bit/s of this sender, at least 1000; 0: no limit
    std::uint32_t queue = 100;      ///< frames that may wait for the rate, 1 to 100000; more are lost
    bool operator==(const ImpairmentSpec&) const = default;
};

/// The impairment of one sender on one link, with its state. Copyable value.
class Impairment {
public:
    /// `linkDelay`: of the link itself, one way.
    Impairment(ImpairmentSpec spec, Duration linkDelay, Random random) : spec_(std::move(spec)), linkDelay_(linkDelay), random_(random) {}

    /// What becomes of a frame.
    struct Fate {
        std::string_view lost;           ///< why: "loss", "burst" or "queue-full"; empty when it arrives
        TimePoint arrival{};             ///< at the segment
        std::optional<TimePoint> copy;   ///< arrival of a second copy
        bool heldBack = false;           ///< others may overtake it
        std::optional<std::size_t> bit;  ///< turned over, counted from the first bit of the frame
    };
    /// A frame that leaves the port at `now` (never earlier than the one before). `octets` > 0 is its length.
    [[nodiscard]] Fate pass(TimePoint now, std::size_t octets);

private:
    [[nodiscard]] bool chance(double probability);
    [[nodiscard]] std::string_view lostOnTheWay();

    ImpairmentSpec spec_;
    Duration linkDelay_;
    Random random_;
    bool bad_ = false;              ///< state of the burst model
    std::deque<TimePoint> queue_;   ///< when the frames that wait or are being sent will have left the port
    TimePoint lastArrival_{};       ///< of frames that keep their order
};

}  // namespace roamscope::lab
