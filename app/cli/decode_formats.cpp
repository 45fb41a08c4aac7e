// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/decode_formats.hpp"

#include "app/cli/output.hpp"
#include "capture/foreign.hpp"
#include "capture/io/json_output.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <limits>

namespace roamscope::cli {

namespace {

using capture::FrameView;
using wire::FieldNode;

/// Seconds since the first frame, to the microsecond.
std::string secondsText(TimePoint t) { return fmt::format("{:.6f}", toSeconds(t)); }

std::string linkText(const NumberedFrame& frame)
{
    return frame.link->name.empty() ? fmt::format("#{}", frame.view.link) : printable(frame.link->name);
}

/// "2:" before offsets that count in the second buffer; nothing for the frame itself.
std::string bufferText(unsigned buffer) { return buffer == 0 ? std::string() : fmt::format("{}:", buffer); }

/// One line a frame, in columns. The first lines are held back until their widths are known.
class SummaryFormat final : public FrameFormat {
public:
    std::string frame(const NumberedFrame& frame) override
    {
        const wire::DecodedFrame decoded = wire::decodeFrame(frame.view.bytes, frame.link->linkType, frame.view.originalLength, nullptr, frame.context);
        wire::Summary s = wire::summarize(decoded);
        if (const auto foreign = capture::describeForeign(frame.view.bytes, decoded)) {
            s.protocol = foreign->protocol;
            s.info = foreign->info;
            if (!foreign->source.empty()) s.source = foreign->source;
            if (!foreign->destination.empty()) s.destination = foreign->destination;
        }
        rows_.push_back({fmt::format("{}", frame.number), secondsText(frame.view.time), linkText(frame), s.source, s.destination, s.protocol, printable(s.info)});
        return rows_.size() >= held ? flush() : std::string();
    }

    std::string flush() override
    {
        for (const Row& row : rows_)
            for (std::size_t i = 0; i < width_.size(); ++i) width_[i] = std::max(width_[i], columns(row[i]));
        std::string out;
        for (const Row& row : rows_) {
            for (std::size_t i = 0; i < row.size(); ++i) {
                const std::string pad(i < width_.size() ? width_[i] - columns(row[i]) : 0, ' ');
                const bool right = i < 2;  // numbers
                out += right ? pad + row[i] : row[i] + pad;
                out += i + 1 < row.size() ? "  " : "\n";
            }
        }
        rows_.clear();
        return out;
    }

private:
    static constexpr std::size_t held = 200;
    using Row = std::array<std::string, 7>;
    std::vector<Row> rows_;
    std::array<std::size_t, 6> width_{};
};

/// The frame with all that was found in it, each once.
wire::Dissection dissected(const NumberedFrame& frame)
{
    wire::Dissection d = wire::dissect(frame.view.bytes, frame.link->linkType, frame.view.originalLength, frame.context);
    const std::size_t own = d.findings.size();
    for (const wire::Finding& f : frame.findings) {
        const auto same = [&](const wire::Finding& o) { return o.rule == f.rule && o.text == f.text && o.offset == f.offset && o.buffer == f.buffer; };
        if (std::none_of(d.findings.begin(), d.findings.begin() + static_cast<std::ptrdiff_t>(own), same)) d.findings.push_back(f);
    }
    return d;
}

/// Every field on a line, with its octets and its RFC section.
class TreeFormat final : public FrameFormat {
public:
    [[nodiscard]] bool showsFindings() const override { return true; }
    std::string frame(const NumberedFrame& frame) override
    {
        const wire::Dissection d = dissected(frame);
        std::string out = fmt::format("Frame {}: {} octets on the wire, {} captured, link {}, {} s, {} UTC\n", frame.number, frame.view.originalLength,
                                      frame.view.bytes.size(), linkText(frame), secondsText(frame.view.time), epochText(frame.utc));
        for (const std::string& comment : frame.comments) out += fmt::format("Comment: {}\n", printable(comment));
        for (const FieldNode& node : d.nodes) {
            const std::string_view rfc = wire::info(node.field).rfc;
            out += fmt::format("{:{}}{}  [{}{}+{}{}{}]\n", "", 4 * node.depth, printable(wire::lineText(node)), bufferText(node.buffer), node.offset, node.length,
                               rfc.empty() ? "" : ", ", rfc);
        }
        for (const wire::Finding& f : d.findings)
            out += fmt::format("! {}: {}{}{}  [{}{}+{}{}{}]\n", capture::severityName(f.severity), f.rule, f.rule.empty() ? "" : ": ", printable(f.text),
                               bufferText(f.buffer), f.offset, f.length, f.rfc.empty() ? "" : ", ", f.rfc);
        for (std::size_t i = 0; i < d.buffers.size(); ++i)
            out += fmt::format("Buffer {}: {}: {}\n", i + 1, printable(d.buffers[i].name), wire::hexText(d.buffers[i].bytes));
        return out + "\n";
    }
};

class JsonFormat final : public FrameFormat {
public:
    [[nodiscard]] bool showsFindings() const override { return true; }
    std::string frame(const NumberedFrame& frame) override
    {
        const wire::Dissection d = dissected(frame);
        return capture::frameJson(frame.number, frame.view, *frame.link, d, frame.comments) + "\n";
    }
};

}  // namespace

std::unique_ptr<FrameFormat> makeSummaryFormat() { return std::make_unique<SummaryFormat>(); }
std::unique_ptr<FrameFormat> makeTreeFormat() { return std::make_unique<TreeFormat>(); }
std::unique_ptr<FrameFormat> makeJsonFormat() { return std::make_unique<JsonFormat>(); }

TimePoint sinceStart(std::int64_t start, std::int64_t utc)
{
    std::int64_t difference = 0;
    if (__builtin_sub_overflow(utc, start, &difference)) difference = utc < start ? std::numeric_limits<std::int64_t>::min() : std::numeric_limits<std::int64_t>::max();
    return atNanoseconds(difference);
}

std::string epochText(std::int64_t ns)
{
    const bool negative = ns < 0;
    const auto magnitude = negative ? 0 - static_cast<std::uint64_t>(ns) : static_cast<std::uint64_t>(ns);
    return fmt::format("{}{}.{:09}", negative ? "-" : "", magnitude / 1'000'000'000, magnitude % 1'000'000'000);
}

}  // namespace roamscope::cli
