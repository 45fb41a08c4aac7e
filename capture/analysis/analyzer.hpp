// SPDX-License-Identifier: GPL-3.0-or-later
// Passive analysis of a trace, frame by frame: it sees only what was captured, never the state of a node. The same for files,
// live captures and labs. The trackers do the work, this composes them.
#pragma once

#include "capture/analysis/analysis.hpp"
#include "capture/trace/frame_reading.hpp"

#include <memory>

namespace roamscope::analysis {

/// One thread. Frames in capture order; times that go back (files of others) make results coarser, never wrong state.
class Analyzer {
public:
    /// `settings`: how frames are read, the same as wherever they are shown.
    explicit Analyzer(capture::DecodeSettings settings = {});
    ~Analyzer();
    Analyzer(Analyzer&&) noexcept;
    Analyzer& operator=(Analyzer&&) noexcept;

    /// Takes the frame with this index of the trace; `link` is the link it was captured on. Amortised constant time.
    void add(FrameIndex index, const capture::FrameView& frame, const capture::TraceLink& link);
    /// The same with the frame's row of the index: users' data costs much less.
    void add(FrameIndex index, const capture::FrameView& frame, const capture::TraceLink& link, const capture::FrameRow& row);
    /// The findings since the last call, for who shows them frame by frame. result() does not have them then.
    [[nodiscard]] std::vector<TraceFinding> takeFindings();
    /// What is known so far. Costs a copy, in proportion to signalling messages and probes; the same object while nothing is added.
    [[nodiscard]] std::shared_ptr<const Analysis> result() const;
    /// The same when no frame will come any more, in much less memory. Afterwards only destruction and assignment are allowed.
    [[nodiscard]] std::shared_ptr<const Analysis> finish();
    /// How many exchanges of Binding Updates are known: what result() costs grows with these.
    [[nodiscard]] std::size_t exchanges() const;

private:
    class State;
    std::unique_ptr<State> state_;
};

}  // namespace roamscope::analysis
