// SPDX-License-Identifier: GPL-3.0-or-later
// How decode shows a frame: each format is an object that is given the frames in order and returns text for standard output.
#pragma once

#include "capture/trace/trace.hpp"
#include "protocol/base/result.hpp"
#include "protocol/wire/summary.hpp"

#include <memory>
#include <string>
#include <vector>

namespace roamscope::cli {

/// A frame with what belongs to it.
struct NumberedFrame {
    std::size_t number = 0;  ///< from 1
    std::int64_t utc = 0;    ///< ns since 1970
    capture::FrameView view;
    const capture::TraceLink* link = nullptr;
    std::vector<std::string> comments{};  ///< that the file holds for this frame
    wire::DecodeContext context = {};  ///< keys, and the datagram that the frame completes
    std::vector<wire::Finding> findings{};  ///< for who showsFindings(): what only the frames before it tell, besides those of the frame alone
};

class FrameFormat {
public:
    virtual ~FrameFormat() = default;
    virtual std::string head() { return {}; }
    virtual std::string frame(const NumberedFrame& frame) = 0;
    [[nodiscard]] virtual bool showsFindings() const { return false; }
    /// What was held back to align it; also called when the input pauses.
    virtual std::string flush() { return {}; }
};

[[nodiscard]] std::unique_ptr<FrameFormat> makeSummaryFormat();
[[nodiscard]] std::unique_ptr<FrameFormat> makeTreeFormat();
[[nodiscard]] std::unique_ptr<FrameFormat> makeJsonFormat();

/// `-T fields`: `fields` are names as in `roamscope-cli fields`, `options` are those of -E ("header=y"). Fails with a
/// suggestion on a name or option that does not exist.
[[nodiscard]] Result<std::unique_ptr<FrameFormat>> makeFieldsFormat(const std::vector<std::string>& fields, const std::vector<std::string>& options);

/// `utc` counted from `start`; differences between hostile stamps stay inside 64 bits.
[[nodiscard]] TimePoint sinceStart(std::int64_t start, std::int64_t utc);
/// "1700000001.123456789"
[[nodiscard]] std::string epochText(std::int64_t ns);

}  // namespace roamscope::cli
