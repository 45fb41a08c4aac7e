// SPDX-License-Identifier: GPL-3.0-or-later
// The display filter: Wireshark's grammar over the registry of fields, plus words about what the analysis found (handover,
// phase, node, binding, finding). A filter is compiled once and then asked about frames. Immutable after compile(): any thread.
#pragma once

#include "capture/analysis/analysis.hpp"
#include "capture/trace/trace.hpp"
#include "protocol/wire/summary.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace roamscope::filter {

/// Why a text is no filter. Columns count octets of the text, from 0.
struct FilterError {
    std::size_t column = 0;
    std::size_t length = 0;      ///< octets to underline; 0 at the end of the text
    std::string text;            ///< what is wrong and what was expected there
    std::string suggestion;      ///< the whole text, repaired; empty when nothing is near
};

/// What is known of a frame without opening it.
enum class Verdict : std::uint8_t { No, Yes, Unknown };

/// The findings of an analysis by frame: makes words about findings quick where there are many frames. Immutable.
class FindingsByFrame {
public:
    explicit FindingsByFrame(const analysis::Analysis& analysis);
    /// Indices into Analysis::findings, as a range of pointers.
    [[nodiscard]] std::pair<const std::uint32_t*, const std::uint32_t*> of(std::size_t frameIndex) const;

private:
    std::vector<std::size_t> frames_;  ///< sorted, in step with indices_
    std::vector<std::uint32_t> indices_;
};

/// A frame with everything that a filter may ask for.
struct FrameFacts {
    std::size_t number = 0;                            ///< from 1
    std::int64_t startUtc = 0;                         ///< ns since 1970 of the trace's time 0
    capture::FrameView frame;
    const capture::TraceLink* link = nullptr;
    const wire::Dissection* dissection = nullptr;      ///< null: the filter decodes what it needs, which is much faster
    const analysis::Analysis* analysis = nullptr;      ///< null: words of the analysis match nothing
    const FindingsByFrame* findings = nullptr;         ///< of `analysis`; null: they are searched one by one
    std::function<std::string(const Ipv6Address&)> nodeName;  ///< for `node == NAME`; empty: addresses only
    const wire::DecodeContext* context = nullptr;      ///< for decoding; null: the default
};

class Filter {
public:
    /// The empty text matches every frame.
    [[nodiscard]] static tl::expected<Filter, FilterError> compile(std::string_view text);

    /// Decides by the row of the index where that is enough; Unknown asks for matches(). Never wrong: a frame for which this
    /// says No would not match. `number` counts from 1, `startUtc` is that of the trace.
    [[nodiscard]] Verdict byRow(std::size_t number, const capture::FrameRow& row, const std::vector<capture::TraceLink>& links, std::int64_t startUtc) const;
    [[nodiscard]] bool matches(const FrameFacts& facts) const;
    /// Whether some word asks the analysis, so that the answer changes while a trace is still analysed.
    [[nodiscard]] bool needsAnalysis() const;
    [[nodiscard]] const std::string& text() const;
    /// The same filter as Wireshark takes it; the error names a word that Wireshark does not have.
    [[nodiscard]] tl::expected<std::string, FilterError> asWireshark() const;

private:
    struct Node;
    std::shared_ptr<const Node> root_;
    std::string text_;
};

/// A proposal for the place of the cursor.
struct Completion {
    std::string insert;       ///< replaces the octets from `from` to the cursor
    std::string explanation;  ///< type and one sentence, or how often the value was seen
    std::size_t from = 0;
};

/// A value that was seen in the trace, most frequent first.
struct SeenValue {
    std::string text;
    std::size_t count = 0;
};
using SeenValues = std::function<std::vector<SeenValue>(wire::FieldId field)>;

/// Proposals behind the first `cursor` octets of `text`: fields, then operators that the field's type allows, then values (names
/// of enumerators, then those seen). At most 100.
[[nodiscard]] std::vector<Completion> complete(std::string_view text, std::size_t cursor, const SeenValues& seen);

}  // namespace roamscope::filter
