// SPDX-License-Identifier: GPL-3.0-or-later
// How the helper shuts itself in: its own user and network namespace, two capabilities, a short list of system calls.
// Single-threaded process only (unshare(CLONE_NEWUSER) demands it).
#pragma once

#include "capture/io/helper_protocol.hpp"

namespace roamscope::helper {

using capture::helper::Failure;
using capture::helper::Mode;

/// Enters new namespaces: user and network where allowed, otherwise (with CAP_SYS_ADMIN) network alone, whichever also
/// lets a bridge and a TAP be made; tried in a child first because there is no way back. Sets `mode` when it works.
[[nodiscard]] Failure enterNamespaces(Mode& mode);

/// Keeps CAP_NET_ADMIN and CAP_NET_RAW, which moving ports and opening captures need, and refuses every system call
/// that the helper does not use.
[[nodiscard]] Failure dropPrivileges();

}  // namespace roamscope::helper
