// SPDX-License-Identifier: GPL-3.0-or-later
// For tests of the TAP machinery: a small lab, frames for it, and a reader of the capture of its own, so that a mistake shared
// by the library's writer and reader would show.
#pragma once

#include "capture/io/lab_namespace.hpp"

#include <poll.h>

#include <chrono>
#include <cstdlib>
#include <map>
#include <optional>
#include <thread>

namespace roamscope::capture {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

inline constexpr std::uint16_t testEtherType = 0x88b5;  // IEEE 802 local experimental

/// Frame number `serial` from station `from` to station `to`; station 255 is everybody.
inline Bytes makeFrame(std::uint8_t from, std::uint8_t to, std::uint32_t serial, std::size_t octets = 60)
{
    Writer w;
    if (to == 255) {
        w.u32(0xffffffff);
        w.u16(0xffff);
    } else {
        w.u32(0x02000000);
        w.u16(to);
    }
    w.u32(0x02000000);
    w.u16(from);
    w.u16(testEtherType);
    w.u32(serial);
    w.zeros(octets - w.size());
    return w.take();
}

/// Frames that arrive within `span`.
inline std::vector<Bytes> receive(TapDevice& tap, std::chrono::milliseconds span = 60ms)
{
    std::vector<Bytes> frames;
    Bytes buffer(65536);
    for (const auto deadline = Clock::now() + span; Clock::now() < deadline;) {
        const Result<std::size_t> length = tap.read(buffer);
        if (!length) break;
        if (*length > 0)
            frames.emplace_back(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(*length));
        else
            std::this_thread::sleep_for(1ms);
    }
    return frames;
}

struct Captured {
    struct Packet {
        std::uint32_t interface;
        std::int64_t time;
        Bytes frame;
    };
    std::vector<std::string> interfaces;
    std::vector<Packet> packets;
    std::map<std::uint32_t, std::pair<std::uint64_t, std::uint64_t>> statistics;  ///< last received and dropped
    bool whole = true;                                                            ///< ended with a block's end
};

inline std::uint64_t little(ByteView octets, std::size_t at, std::size_t count)
{
    std::uint64_t value = 0;
    for (std::size_t i = count; i-- > 0;) value = value << 8 | octets[at + i];
    return value;
}

/// Calls use(code, value) for every option from `at` to the end of the block's body.
template <class Use>
void forOptions(ByteView body, std::size_t at, Use use)
{
    while (at + 4 <= body.size()) {
        const auto code = little(body, at, 2);
        const auto length = static_cast<std::size_t>(little(body, at + 2, 2));
        if (code == 0 || at + 4 + length > body.size()) return;
        use(code, body.subspan(at + 4, length));
        at += 4 + (length + 3) / 4 * 4;
    }
}

/// What a pcapng stream of this machine's byte order holds.
inline Captured parse(ByteView stream)
{
    Captured out;
    std::size_t at = 0;
    while (at + 12 <= stream.size()) {
        const auto type = little(stream, at, 4);
        const auto length = static_cast<std::size_t>(little(stream, at + 4, 4));
        if (length < 12 || at + length > stream.size()) break;
        const ByteView body = stream.subspan(at + 8, length - 12);
        if (type == 1) {
            out.interfaces.emplace_back();
            forOptions(body, 8, [&](std::uint64_t code, ByteView value) {
                if (code == 2) out.interfaces.back().assign(value.begin(), value.end());
            });
        }
        if (type == 6) {
            const ByteView frame = body.subspan(20, static_cast<std::size_t>(little(body, 12, 4)));
            out.packets.push_back({static_cast<std::uint32_t>(little(body, 0, 4)),
                                   static_cast<std::int64_t>(little(body, 4, 4) << 32 | little(body, 8, 4)),
                                   Bytes(frame.begin(), frame.end())});
        }
        if (type == 5)
            forOptions(body, 12, [&](std::uint64_t code, ByteView value) {
                auto& entry = out.statistics[static_cast<std::uint32_t>(little(body, 0, 4))];
                if (code == 4) entry.first = little(value, 0, 8);
                if (code == 5) entry.second = little(value, 0, 8);
            });
        at += length;
    }
    out.whole = at == stream.size();
    return out;
}

/// Reads the capture until it ends or `span` has passed.
inline void drain(const FileDescriptor& pipe, Bytes& stream, std::chrono::milliseconds span)
{
    Bytes buffer(1 << 20);
    for (const auto deadline = Clock::now() + span; Clock::now() < deadline;) {
        pollfd readable{pipe.get(), POLLIN, 0};
        if (::poll(&readable, 1, 1) <= 0) continue;
        const ssize_t got = ::read(pipe.get(), buffer.data(), buffer.size());
        if (got <= 0) return;
        stream.insert(stream.end(), buffer.begin(), buffer.begin() + got);
    }
}

inline bool run(const std::string& command) { return std::system((command + " >/dev/null 2>&1").c_str()) == 0; }

/// Two links, three ports: a and b on w1, c on w2.
struct TestLab {
    TestLab()
    {
        Result<LabNamespace> opened = LabNamespace::open();
        if (!opened) return;
        space.emplace(std::move(*opened));
        good = space->addLink("w1") && space->addLink("w2") && space->addPort("a-wl0") && space->addPort("b-wl0") &&
               space->addPort("c-wl0") && space->attach(0, "w1") && space->attach(1, "w1") && space->attach(2, "w2");
    }
    TapDevice& a() { return space->tap(0); }
    TapDevice& b() { return space->tap(1); }
    TapDevice& c() { return space->tap(2); }

    std::optional<LabNamespace> space;
    bool good = false;
};

}  // namespace roamscope::capture
