// SPDX-License-Identifier: GPL-3.0-or-later
// State of the TAP backend that a LabRunner keeps in its thread.
#pragma once

#include "capture/io/lab_namespace.hpp"
#include "capture/run/lab_runner.hpp"

#include <future>
#include <optional>

namespace roamscope::capture {

class LabRunner::Tap {
public:
    std::promise<Result<FileDescriptor>> opened;  ///< the capture's stream, or why there is none
    std::optional<LabNamespace> space;
    std::int64_t bootStart = 0;                   ///< CLOCK_BOOTTIME at lab time 0, ns

    /// Links, ports and capture, with every port on the link where the scenario starts it.
    Result<FileDescriptor> open(const lab::Lab& lab);
    /// Lab time by the boot-time clock, which suspend does not stop.
    [[nodiscard]] TimePoint now() const;
    /// Moves ports and writes frames.
    Result<void> carryOut(const lab::Lab& lab, lab::LabOutput& out);
    /// Hands what has come to a port to the lab.
    void receive(lab::Lab& lab, std::size_t port, lab::LabOutput& out);
};

}  // namespace roamscope::capture
