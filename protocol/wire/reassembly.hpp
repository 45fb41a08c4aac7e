// SPDX-License-Identifier: GPL-3.0-or-later
// Fragments put together again, for display and for the index: IPv6 (RFC 8200 §4.5, RFC 5722, RFC 7112) and IPv4 (RFC 791 §3.2).
//
// How to use it while a trace is read, in the order of its frames:
//     if (auto done = reassembler.add({number, time, link}, frame, linkType, originalLength); done.datagram) keep it for `number`;
// and when that frame is decoded later: DecodeContext::whole = &datagram; decodeFrame() then shows the fragment header and decodes
// what the datagram carries. Frames that are no fragments cost one look at their headers: call it for fragments only when that is
// known already (wire::skim() says so).
#pragma once

#include "protocol/base/time.hpp"
#include "protocol/wire/frame.hpp"

#include <map>
#include <optional>
#include <vector>

namespace roamscope::wire {

/// A datagram of which the last missing fragment has come. A value; owns its octets.
struct ReassembledDatagram {
    FragmentKey key;                     ///< which fragments it is made of; decodeFrame() uses it for a frame with the same key only
    std::uint8_t next = 0;               ///< what `bytes` begin with: the Next Header of the first fragment, the Protocol of IPv4
    Ipv6Packet first;                    ///< of IPv6: the headers before the first fragment header, as addresses for checksums; no payload
    Bytes bytes;                         ///< the fragmentable part
    std::vector<std::uint32_t> frames;   ///< numbers of the frames that gave it, in their order, the completing one last
};

/// Where a frame comes from.
struct FrameOrigin {
    std::uint32_t number = 0;  ///< any counting that grows; shown to the user as it is
    TimePoint time{};          ///< of the capture; may go backwards
    std::uint32_t link = 0;    ///< fragments of different links are never put together
};

/// Puts fragments together. Bounded: 256 datagrams and 4 MiB of octets at once (the oldest are given up first) and 60 seconds of
/// frame time for each. Not thread-safe; deterministic.
class Reassembler {
public:
    static constexpr std::size_t maxQueues = 256;
    static constexpr std::size_t maxOctets = std::size_t{4} << 20;
    static constexpr Duration longest = std::chrono::seconds(60);

    struct Outcome {
        std::optional<ReassembledDatagram> datagram;
        std::optional<Finding> finding;  ///< overlap: the datagram is dropped (RFC 8200 §4.5); octets are those of the fragment header
    };

    /// Takes one frame. Anything that is no usable fragment (cut by the capture, malformed) changes nothing.
    Outcome add(const FrameOrigin& origin, ByteView frame, std::uint16_t linkType, std::size_t originalLength);
    /// The same for a frame that is decoded already; `decoded` was made of `frame` without DecodeContext::whole.
    Outcome add(const FrameOrigin& origin, ByteView frame, const DecodedFrame& decoded);

    [[nodiscard]] std::size_t waiting() const { return queues_.size(); }  ///< datagrams begun
    [[nodiscard]] std::size_t octets() const { return octets_; }          ///< kept for them, with what keeping a piece costs
    [[nodiscard]] std::uint64_t abandoned() const { return abandoned_; }  ///< datagrams given up: time, space or overlap

private:
    struct Key {
        FragmentKey fragment;
        std::uint32_t link = 0;
        auto operator<=>(const Key&) const = default;
    };
    struct Queue {
        std::map<std::size_t, Bytes> pieces;  ///< by place, none overlapping
        std::vector<std::uint32_t> frames;
        std::size_t received = 0;         ///< octets in the pieces
        std::optional<std::size_t> total; ///< known from the last fragment
        TimePoint begun{};
        std::uint64_t serial = 0;
        std::uint8_t next = 0;
        Ipv6Packet first;
        std::size_t cost = 0;             ///< what they count for in octets_
        bool dropped = false;             ///< overlapped: later fragments are swallowed until it times out
    };

    using Queues = std::map<Key, Queue>;
    Outcome take(const FrameOrigin& origin, const Fragment& fragment, ByteView octets, Queues::iterator queue);
    void empty(Queue& queue);
    void forget(Queues::iterator queue);
    void expire(TimePoint now);
    void makeRoom(Queues::iterator keep);

    Queues queues_;
    std::size_t octets_ = 0;
    std::uint64_t serial_ = 0;
    std::uint64_t abandoned_ = 0;
};

}  // namespace roamscope::wire
