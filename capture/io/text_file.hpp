// SPDX-License-Identifier: GPL-3.0-or-later
// Writes a text file as a whole, with every step checked.
#pragma once

#include "protocol/base/result.hpp"

#include <string>
#include <string_view>

namespace roamscope::capture {

/// Creates or replaces `path` ("-" is standard output). The error names path and cause.
[[nodiscard]] Result<void> writeTextFile(const std::string& path, std::string_view text);

}  // namespace roamscope::capture
