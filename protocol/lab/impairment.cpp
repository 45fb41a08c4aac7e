// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/lab/impairment.hpp"

#include <algorithm>

namespace roamscope::lab {

namespace {
constexpr std::size_t ethernetOctets = 14;
}

bool Impairment::chance(double probability)
{
    // No draw where there is nothing to decide: one kind of impairment does not disturb the course of another.
    if (probability <= 0) return false;
    constexpr double range = 9007199254740992.0;  // 2^53
    return static_cast<double>(random_.next() >> 11) / range < probability;
}

std::string_view Impairment::lostOnTheWay()
{
    if (!spec_.burst) return chance(spec_.loss) ? "loss" : "";
    const bool was = bad_;
    bad_ = was ? !chance(spec_.burst->leave) : chance(spec_.burst->enter);
    if (bad_) return chance(spec_.burst->loss) ? "burst" : "";
    return chance(spec_.loss) ? "loss" : "";
}

Impairment::Fate Impairment::pass(TimePoint now, std::size_t octets)
{
    Fate fate;
    TimePoint leaves = now;
    if (spec_.rate > 0) {
        while (!queue_.empty() && queue_.front() <= now) queue_.pop_front();
        // The frame in front is being sent, it waits no more.
        if (queue_.size() > spec_.queue) {
            fate.lost = "queue-full";
            return fate;
        }
        const auto sending = Duration{static_cast<std::int64_t>(8'000'000'000.0 * static_cast<double>(octets) / static_cast<double>(spec_.rate))};
        leaves = (queue_.empty() ? now : queue_.back()) + sending;
        queue_.push_back(leaves);
    }
    fate.lost = lostOnTheWay();
    if (!fate.lost.empty()) return fate;
    fate.arrival = leaves + linkDelay_ + spec_.delay + random_.between(Duration{0}, spec_.jitter);
    fate.heldBack = chance(spec_.reorder);
    if (fate.heldBack) {
        fate.arrival += spec_.reorderBy;
    } else {
        fate.arrival = std::max(fate.arrival, lastArrival_);
        lastArrival_ = fate.arrival;
    }
    if (chance(spec_.duplicate)) fate.copy = fate.arrival;
    if (octets > ethernetOctets && chance(spec_.corrupt)) fate.bit = 8 * ethernetOctets + random_.below(8 * (octets - ethernetOctets));
    return fate;
}

}  // namespace roamscope::lab
