// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/wire/reassembly.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace roamscope::wire {

namespace {

constexpr std::size_t largest = 65535;
constexpr std::size_t pieceCost = 64;  // of keeping a piece, besides its octets

/// Whether the two times are further apart than `longest`. Files may claim any time.
bool farApart(TimePoint a, TimePoint b, Duration longest)
{
    std::int64_t difference = 0;
    if (__builtin_sub_overflow(toNanoseconds(a), toNanoseconds(b), &difference)) return true;
    return difference > longest.count() || difference < -longest.count();
}

bool isUsable(const Fragment& f)
{
    return !f.cut && f.dataOctets > 0 && (!f.more || f.dataOctets % 8 == 0) && f.place + f.dataOctets <= largest;
}

}  // namespace

Reassembler::Outcome Reassembler::add(const FrameOrigin& origin, ByteView frame, std::uint16_t linkType, std::size_t originalLength)
{
    return add(origin, frame, decodeFrame(frame, linkType, originalLength, nullptr, publishedRfcs()));
}

Reassembler::Outcome Reassembler::add(const FrameOrigin& origin, ByteView frame, const DecodedFrame& decoded)
{
    if (!decoded.fragment || !isUsable(*decoded.fragment)) return {};
    const Fragment& fragment = *decoded.fragment;
    expire(origin.time);
    const auto [queue, fresh] = queues_.try_emplace({fragment.key, origin.link});
    if (fresh) {
        queue->second.begun = origin.time;
        queue->second.serial = ++serial_;
    }
    if (fragment.place == 0 && !fragment.key.ipv4 && !queue->second.dropped) {
        queue->second.first = decoded.packets.back();
        queue->second.first.payload.clear();
    }
    Outcome outcome = take(origin, fragment, frame.subspan(fragment.dataOffset, fragment.dataOctets), queue);
    makeRoom(outcome.datagram ? queues_.end() : queue);
    return outcome;
}

Reassembler::Outcome Reassembler::take(const FrameOrigin& origin, const Fragment& fragment, ByteView octets, Queues::iterator at)
{
    Queue& queue = at->second;
    if (queue.dropped) return {};
    const std::size_t end = fragment.place + octets.size();
    const auto behind = queue.pieces.lower_bound(fragment.place);
    // RFC 8200 §4.5: the network may have duplicated a fragment.
    if (behind != queue.pieces.end() && behind->first == fragment.place && std::equal(octets.begin(), octets.end(), behind->second.begin(), behind->second.end()) &&
        (fragment.more || !queue.total || queue.total == end))
        return {};
    const bool overBehind = behind != queue.pieces.end() && behind->first < end;
    const bool overBefore = behind != queue.pieces.begin() && std::prev(behind)->first + std::prev(behind)->second.size() > fragment.place;
    const bool last = !fragment.more;
    // Another end than the one announced, or octets behind it, contradict each other as overlapping ones do.
    const bool overEnd = (queue.total && (last ? *queue.total != end : end > *queue.total)) ||
                         (last && !queue.pieces.empty() && queue.pieces.rbegin()->first + queue.pieces.rbegin()->second.size() > end);
    if (overBehind || overBefore || overEnd) {
        empty(queue);
        queue.dropped = true;
        ++abandoned_;
        const std::size_t length = fragment.key.ipv4 ? Ipv4Header::octets : fragmentOctets;
        return {std::nullopt,
                Finding{"", Severity::Error, fmt::format("fragment that overlaps another of the same packet, at octets {} to {}: the packet is dropped", fragment.place, end - 1),
                        fragment.key.ipv4 ? "RFC 1858 §3" : "RFC 8200 §4.5", static_cast<std::uint32_t>(fragment.headerOffset), static_cast<std::uint32_t>(length)}};
    }
    queue.pieces.emplace(fragment.place, Bytes(octets.begin(), octets.end()));
    queue.frames.push_back(origin.number);
    queue.received += octets.size();
    queue.cost += octets.size() + pieceCost;
    octets_ += octets.size() + pieceCost;
    if (fragment.place == 0) queue.next = fragment.next;
    if (last) queue.total = end;
    if (!queue.total || queue.received != *queue.total) return {};

    ReassembledDatagram whole{at->first.fragment, queue.next, std::move(queue.first), {}, std::move(queue.frames)};
    whole.bytes.reserve(queue.received);
    for (const auto& [place, piece] : queue.pieces) whole.bytes.insert(whole.bytes.end(), piece.begin(), piece.end());
    forget(at);
    return {std::move(whole), std::nullopt};
}

void Reassembler::empty(Queue& queue)
{
    octets_ -= queue.cost;
    queue.cost = 0;
    queue.pieces.clear();
}

void Reassembler::forget(Queues::iterator queue)
{
    empty(queue->second);
    queues_.erase(queue);
}

void Reassembler::expire(TimePoint now)
{
    for (auto queue = queues_.begin(); queue != queues_.end();) {
        const auto next = std::next(queue);
        if (farApart(now, queue->second.begun, longest)) {
            if (!queue->second.dropped) ++abandoned_;
            forget(queue);
        }
        queue = next;
    }
}

void Reassembler::makeRoom(Queues::iterator keep)
{
    while (queues_.size() > maxQueues || octets_ > maxOctets) {
        auto oldest = queues_.end();
        for (auto queue = queues_.begin(); queue != queues_.end(); ++queue)
            if (queue != keep && (oldest == queues_.end() || queue->second.serial < oldest->second.serial)) oldest = queue;
        if (oldest == queues_.end()) return;
        if (!oldest->second.dropped) ++abandoned_;
        forget(oldest);
    }
}

}  // namespace roamscope::wire
