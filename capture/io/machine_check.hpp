// SPDX-License-Identifier: GPL-3.0-or-later
// What this machine allows: the facts behind `roamscope-cli doctor` and behind what the window says when the TAP backend is
// barred. Every check really tries what it reports on, and leaves nothing behind. Any thread; takes some 100 ms.
#pragma once

#include "protocol/base/result.hpp"

#include <string>
#include <vector>

namespace roamscope::capture {

enum class CheckState {
    Ok,
    Warn,  ///< something is missing that the main job can do without
    Bad,   ///< the TAP backend is barred
};

struct MachineCheck {
    std::string name;  ///< a word or two, e.g. "tun device"
    CheckState state = CheckState::Ok;
    std::string found;   ///< what was seen
    std::string remedy;  ///< what to do; empty when Ok
};

/// Makes a user and network namespace in a child process.
[[nodiscard]] MachineCheck checkUserNamespaces();
/// Opens /dev/net/tun.
[[nodiscard]] MachineCheck checkTunDevice();
/// Has the helper make a namespace with a bridge and a TAP.
[[nodiscard]] MachineCheck checkLab();

/// All checks, in the order in which a person should read them.
[[nodiscard]] std::vector<MachineCheck> checkMachine();

/// Nothing when a lab can run on TAP interfaces. Otherwise (Permission or Io) which of user namespaces, tun device or helper
/// bars it, by what, what to do, and that the virtual backend works.
[[nodiscard]] Result<void> tapBackendAvailable();

}  // namespace roamscope::capture
