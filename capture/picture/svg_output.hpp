// SPDX-License-Identifier: GPL-3.0-or-later
// The timeline as a self-contained SVG picture (no scripts, no links, no fonts of its own): an overview of the whole trace and
// one closer look at each handover. Light palette of the interface's design §7.
#pragma once

#include "capture/picture/timeline_picture.hpp"

namespace roamscope::picture {

/// SVG 1.1 text, UTF-8. `total` is the length of the trace from its time 0; `names` gives nodes their names, null: addresses.
[[nodiscard]] std::string timelineSvg(const analysis::Analysis& analysis, Duration total, const lab::Scenario* names);

}  // namespace roamscope::picture
