// SPDX-License-Identifier: GPL-3.0-or-later
// The option -Y of the commands that read captures: a display filter with what it needs to be asked frame by frame.
#pragma once

#include "app/cli/decode_formats.hpp"
#include "capture/filter/filter.hpp"
#include "capture/trace/frame_reading.hpp"

namespace roamscope::cli {

/// Tells on standard error what is wrong with a filter, with carets below the place, and gives the exit status.
int complainAboutFilter(std::string_view text, const filter::FilterError& error);

/// Chooses frames. The empty text chooses all, at no cost.
class FrameChoice {
public:
    /// Reads the whole of `file` first where the filter asks the analysis, with the settings that its frames will be shown with.
    /// On failure complains and gives the exit status.
    [[nodiscard]] static tl::expected<FrameChoice, int> make(const std::string& text, const std::string& file, capture::DecodeSettings settings = {});

    /// `known`: what skim() says of the frame, which is decoded only where neither this nor its headers decide.
    [[nodiscard]] bool takes(const NumberedFrame& frame, const wire::Skim& known, const std::vector<capture::TraceLink>& links) const;

private:
    [[nodiscard]] int analyze(const std::string& file);

    capture::DecodeSettings settings_;
    std::shared_ptr<const filter::Filter> filter_;
    std::shared_ptr<const analysis::Analysis> analysis_;
    std::shared_ptr<const filter::FindingsByFrame> findings_;
};

}  // namespace roamscope::cli
