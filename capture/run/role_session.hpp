// SPDX-License-Identifier: GPL-3.0-or-later
// One node on a wire: a node of a lab in real time on existing TAP interfaces, without any other part of the lab (command line
// contract, `role`). Runs in the caller's thread until it is told to stop; nothing is shared with other threads.
#pragma once

#include "capture/io/tap_device.hpp"
#include "protocol/lab/lab.hpp"

#include <functional>
#include <string>
#include <vector>

namespace roamscope::capture {

/// Opens an existing TAP interface of the network namespace that the process is in, and raises it when it is down. Errors name the
/// command that would help.
[[nodiscard]] Result<TapDevice> openTap(const std::string& name);

class RoleSession {
public:
    /// `scenario`: one node, each link named as its TAP (loadRole). A seed of 0 is drawn.
    [[nodiscard]] static Result<RoleSession> open(const lab::Scenario& scenario);

    struct Options {
        std::optional<std::chrono::seconds> duration;  ///< none: until told
        bool control = false;                          ///< commands on standard input, whose end is the end
        int stop = -1;                                 ///< descriptor that becomes readable when it is time to end, e.g. a signalfd
    };
    /// Prints with `print`, one JSON object a call, without the line's end: {"event":"ready"} first, then each state change and happening
    /// of the node, and the answers to commands. Ends with success when told to, or with the error that ended it.
    [[nodiscard]] Result<void> run(const Options& options, const std::function<void(const std::string&)>& print);

private:
    RoleSession(lab::Lab lab, std::vector<TapDevice> taps) : lab_(std::move(lab)), taps_(std::move(taps)) {}

    [[nodiscard]] TimePoint now() const;
    [[nodiscard]] Result<void> advance();
    [[nodiscard]] Result<void> receive(std::size_t port);
    [[nodiscard]] Result<void> carryOut();
    void report(const std::function<void(const std::string&)>& print);
    /// One command; its answer. Sets stopped_ for "stop".
    [[nodiscard]] std::string obey(std::string_view line);
    [[nodiscard]] std::string readyLine() const;

    lab::Lab lab_;
    std::vector<TapDevice> taps_;   ///< by port
    lab::LabOutput out_;
    std::int64_t start_ = 0;        ///< CLOCK_BOOTTIME of lab time 0
    bool stopped_ = false;
};

}  // namespace roamscope::capture
