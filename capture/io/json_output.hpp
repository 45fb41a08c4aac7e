// SPDX-License-Identifier: GPL-3.0-or-later
// JSON text of what the commands print: keys in lower_snake_case, instants as integer nanoseconds since the first frame,
// addresses as RFC 5952 text. Text from files that is not UTF-8 gets replacement characters.
#pragma once

#include "capture/trace/trace.hpp"
#include "protocol/wire/summary.hpp"

#include <string>

namespace roamscope::capture {

/// One frame as one object on one line, without the line's end: `frame` (from 1), `time`, `link`, `length`, `summary`,
/// `layers`, `findings`, and `comments` when the file has any for it. `number` is the frame's number as people count.
[[nodiscard]] std::string frameJson(std::size_t number, const FrameView& frame, const TraceLink& link, const wire::Dissection& dissection,
                                    const std::vector<std::string>& comments = {});

/// "note", "warning", "error".
[[nodiscard]] std::string_view severityName(wire::Severity severity);

/// `text` as a JSON string with its quotes.
[[nodiscard]] std::string jsonString(std::string_view text);

}  // namespace roamscope::capture
