// SPDX-License-Identifier: GPL-3.0-or-later
// How the frames of an open capture are read: one choice (dialect, keys) that the list, the tree, filters, completion and the
// analysis share, so that a frame says the same everywhere. What fragments make whole comes from the trace.
#pragma once

#include "capture/trace/trace.hpp"
#include "protocol/wire/decode_context.hpp"
#include "protocol/wire/summary.hpp"

#include <memory>
#include <optional>

namespace roamscope::capture {

/// What the user said about how frames are to be read. A value, cheap to copy; the keys are shared and never change.
struct DecodeSettings {
    wire::DialectChoice dialect{};
    std::shared_ptr<const wire::EspKeys> keys{};  ///< null: none

    /// For decodeFrame() and dissect(); points to the keys and to `whole`, which must outlive its use.
    [[nodiscard]] wire::DecodeContext context(const wire::ReassembledDatagram* whole = nullptr) const;
    /// Whether a row of the index, which is made without these settings, says of the frame what they make of it. Where it says
    /// Esp or Fragment, or that the frame completes a datagram, it never claims to know.
    [[nodiscard]] bool rowHolds(const FrameRow& row) const;
    bool operator==(const DecodeSettings&) const = default;
};

/// One frame with everything that is needed to read it. Neither copied nor moved: what it hands out points into it.
class FrameReading {
public:
    /// `index` < trace.size().
    FrameReading(const TraceSnapshot& trace, std::size_t index, DecodeSettings settings);
    /// The same when the frame's octets have been read already.
    FrameReading(const TraceSnapshot& trace, std::size_t index, FrameView view, DecodeSettings settings);
    FrameReading(const FrameReading&) = delete;
    FrameReading& operator=(const FrameReading&) = delete;

    [[nodiscard]] const FrameView& view() const { return view_; }
    [[nodiscard]] const TraceLink& link() const { return link_; }
    [[nodiscard]] wire::DecodeContext context() const { return settings_.context(whole_ ? &*whole_ : nullptr); }
    [[nodiscard]] wire::Dissection dissect() const;
    /// Views in the result are valid as long as this object lives.
    [[nodiscard]] wire::DecodedFrame decode() const;

private:
    FrameView view_;
    TraceLink link_;
    DecodeSettings settings_;
    std::optional<wire::ReassembledDatagram> whole_;
};

}  // namespace roamscope::capture
