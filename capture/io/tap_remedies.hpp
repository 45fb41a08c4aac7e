// SPDX-License-Identifier: GPL-3.0-or-later
// What to tell a person when this machine refuses a step of the TAP backend. Looks at /proc and /dev to name the cause; changes
// nothing. Any thread.
#pragma once

#include "capture/io/helper_protocol.hpp"
#include "protocol/base/result.hpp"

#include <string>

namespace roamscope::capture {

/// What bars user namespaces (`error` is the errno of unshare or of the id maps), and what to do about it.
[[nodiscard]] std::string userNamespaceRemedy(int error);

/// "/dev/net/tun is crw------- root:root" or "/dev/net/tun does not exist".
[[nodiscard]] std::string describeTunDevice();
/// What to do about a tun device that could not be opened with errno `error`.
[[nodiscard]] std::string tunRemedy(int error);

/// The Error for a helper's failed step; `subject` is the name it was about, may be empty.
[[nodiscard]] Error helperError(helper::Failure failure, const std::string& subject);

/// One sentence: what always works.
[[nodiscard]] std::string virtualBackendHint();

}  // namespace roamscope::capture
