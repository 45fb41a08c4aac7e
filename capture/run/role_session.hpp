// SPDX-License-Identifier: GPL-3.0-or-later
// One node on a wire: a node of a lab in real time on existing TAP interfaces, without any other part of the lab (command line
// contract, `role`). Runs in the caller's thread until it is told to stop; nothing is shared with other threads.
#pragma once

#include "capture/io/tap_batch.hpp"
#include "capture/run/role_node.hpp"

#include <functional>
#include <string>
#include <vector>

namespace roamscope::capture {

/// Opens an existing TAP interface of the network namespace that the process is in, and raises it when it is down. Errors name the
/// command that would help.
[[nodiscard]] Result<TapDevice> openTap(const std::string& name);

class RoleSession {
public:
    [[nodiscard]] static Result<RoleSession> open(RoleFile file);

    struct Options {
        std::optional<std::chrono::seconds> duration;  ///< none: until told
        bool control = false;                          ///< commands on standard input, whose end is the end
        int stop = -1;                                 ///< descriptor that becomes readable when it is time to end, e.g. a signalfd
        bool quiet = false;                            ///< no lines about what happens
    };
    using Print = std::function<void(std::string_view)>;
    /// Prints JSON lines: {"event":"ready"} first, then each state change and happening of the node, and the answers to commands. A call
    /// has whole lines, or nothing. Ends with success when told to, or with the error that ended it.
    [[nodiscard]] Result<void> run(const Options& options, const Print& print);

private:
    RoleSession(RoleNode node, std::vector<TapDevice> taps) : node_(std::move(node)), taps_(std::move(taps)) {}

    [[nodiscard]] TimePoint now() const;
    [[nodiscard]] Result<void> advance();
    [[nodiscard]] Result<void> receive(std::size_t port);
    [[nodiscard]] Result<void> transmit();
    /// False at the end of standard input.
    [[nodiscard]] Result<bool> takeCommands(const Print& print);

    RoleNode node_;
    std::vector<TapDevice> taps_;  ///< by port
    TapBatch batch_;
    std::vector<TapBatch::Outgoing> outgoing_;
    std::string input_;            ///< commands that are not whole yet
    std::int64_t start_ = 0;       ///< CLOCK_BOOTTIME of lab time 0
};

}  // namespace roamscope::capture
