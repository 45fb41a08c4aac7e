// SPDX-License-Identifier: GPL-3.0-or-later
// What a scenario breaks on purpose: single messages on their way, nodes that restart, addresses taken twice, clocks that go
// wrong. Values and the matcher of messages; the lab carries them out.
#pragma once

#include "protocol/base/address.hpp"
#include "protocol/base/bytes.hpp"
#include "protocol/base/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace roamscope::lab {

/// With whom a Binding Update registers (flags M and H); for an acknowledgement it is not known.
enum class Registration : std::uint8_t { Map, Home, Correspondent };

/// Which frames a fault means. Everything that is set must hold.
struct MessageMatch {
    std::string message;                        ///< a name of messageNames()
    std::string link;                           ///< where it is sent; empty: anywhere
    std::string from;                           ///< the node that sends it there (routers send what they forward); empty: any
    std::optional<Ipv6Address> source;          ///< of the innermost packet
    std::optional<Ipv6Address> destination;     ///< of the innermost packet
    std::optional<Registration> registration;   ///< of a Binding Update
    std::optional<std::uint16_t> sequence;      ///< of a Binding Update or Acknowledgement
    std::optional<std::uint8_t> status;         ///< of a Binding Acknowledgement or Binding Error
    bool operator==(const MessageMatch&) const = default;
};

/// "BU", "RA", "DAD" (a solicitation for duplicate address detection), "data" (UDP), "any" …
[[nodiscard]] const std::vector<std::string_view>& messageNames();
/// `match.link` and `match.from` are the caller's to compare.
[[nodiscard]] bool matches(const MessageMatch& match, ByteView frame);

/// Fields to be written into a Binding Update or Acknowledgement; the checksum is made good again, an authenticator is not.
struct MessageChange {
    std::optional<std::uint16_t> sequence;
    std::optional<std::uint8_t> status;
    std::optional<std::chrono::seconds> lifetime;  ///< whole units of 4 s
    bool operator==(const MessageChange&) const = default;
};
/// The frame with the change in its innermost message; nothing when it is no such message.
[[nodiscard]] std::optional<Bytes> changed(const MessageChange& change, ByteView frame);

/// Meets the `number`-th to (`number` + `count` - 1)-th frame that matches and is sent at `at` or later.
struct MessageFault {
    enum class Action : std::uint8_t {
        Drop,
        Corrupt,  ///< the last octet is inverted, so that its checksum is wrong
        Delay,    ///< arrives `by` later
        Replay,   ///< arrives, and `by` later an exact copy on the same link, wherever its sender is then
        Change,   ///< arrives with `change`
    };
    TimePoint at{};
    MessageMatch match;
    std::uint32_t number = 1;  ///< from 1
    std::uint32_t count = 1;
    Action action = Action::Drop;
    Duration by{0};
    MessageChange change;
    bool operator==(const MessageFault&) const = default;
};

/// The node loses all its state at `at` and starts again after `down`.
struct RestartFault {
    TimePoint at{};
    std::string node;
    Duration down = 1s;
    bool operator==(const RestartFault&) const = default;
};

/// The node has this address from `at` on without having asked whether somebody uses it (RFC 4862 §5.4).
struct AddressFault {
    TimePoint at{};
    std::string node;
    std::string interface;
    Ipv6Address address;
    bool operator==(const AddressFault&) const = default;
};

/// The node's clock jumps ahead by `step` at `at` and runs `drift` too fast from then on.
struct ClockFault {
    TimePoint at{};
    std::string node;
    Duration step{0};        ///< 0 to 24 h
    std::int32_t drift = 0;  ///< parts per million, -500000 to 1000000
    bool operator==(const ClockFault&) const = default;
};

using FaultSpec = std::variant<MessageFault, RestartFault, AddressFault, ClockFault>;

struct Scenario;
struct ScenarioProblem;
/// Adds what is wrong with the impairments of links and with the faults; part of validate().
void validateTroubles(const Scenario& scenario, std::vector<ScenarioProblem>& problems);

/// A node's own clock. Lab time and local time are the same until a fault sets them apart.
class NodeClock {
public:
    void set(TimePoint lab, Duration step, std::int32_t drift)
    {
        local_ = local(lab) + step;
        lab_ = lab;
        drift_ = drift;
        skewed_ = true;
    }
    [[nodiscard]] bool skewed() const { return skewed_; }
    [[nodiscard]] TimePoint local(TimePoint lab) const { return skewed_ ? local_ + scaled(lab - lab_, million + drift_, million) : lab; }
    /// The first lab time at which local() has reached `local`.
    [[nodiscard]] TimePoint lab(TimePoint local) const
    {
        if (!skewed_) return local;
        TimePoint at = lab_ + scaled(local - local_, million, million + drift_);
        while (this->local(at) < local) at += Duration{1};
        return at;
    }

private:
    static constexpr std::int64_t million = 1'000'000;
    /// d × a / b without overflow: 24 h have 2^47 ns, so whole and rest are worked out apart.
    static Duration scaled(Duration d, std::int64_t a, std::int64_t b)
    {
        const std::int64_t whole = d.count() / b;
        return Duration{whole * a + d.count() % b * a / b};
    }

    TimePoint lab_{};
    TimePoint local_{};
    std::int32_t drift_ = 0;
    bool skewed_ = false;
};

}  // namespace roamscope::lab
