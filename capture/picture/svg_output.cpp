// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/picture/svg_output.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace roamscope::picture {

namespace {

using analysis::Handover;

constexpr double pictureWidth = 1280;
constexpr double plotLeft = 250;
constexpr double plotRight = pictureWidth - 30;
constexpr double laneHeight = 30;
constexpr double barHeight = 16;
constexpr double charWidth = 6.3;     ///< of the 11 px text, on the wide side
constexpr std::size_t maxCloser = 8;  ///< handovers drawn by themselves

/// Text for XML; control characters, which XML forbids, become blanks.
std::string escape(std::string_view text)
{
    std::string out;
    for (const char c : text) {
        switch (c) {
        case '&': out += "&amp;"; break;
        case '<': out += "&lt;"; break;
        case '>': out += "&gt;"; break;
        case '"': out += "&quot;"; break;
        default: out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
        }
    }
    return out;
}

std::size_t letters(std::string_view text)
{
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

double widthOf(std::string_view text) { return static_cast<double>(letters(text)) * charWidth; }

/// At most `most` letters, the rest as an ellipsis.
std::string shortened(const std::string& text, std::size_t most)
{
    if (letters(text) <= most) return text;
    std::string out;
    std::size_t n = 0;
    for (const char c : text) {
        if ((c & 0xc0) != 0x80 && ++n == most) break;
        out += c;
    }
    return out + "…";
}

/// One panel: a range of time with the lanes beneath each other.
class Panel {
public:
    Panel(std::string& out, const TimelinePicture& picture, TimePoint start, TimePoint end, double top)
        : out_(out), picture_(picture), start_(start), end_(std::max(end, start + Duration{1})), y_(top)
    {
    }

    /// Draws and gives the y beneath the panel.
    double draw(const std::string& title)
    {
        text(plotLeft - 230, y_ + 16, title, "font-size=\"14\" font-weight=\"bold\"");
        y_ += 28;
        const double top = y_;
        const std::size_t at = out_.size();
        for (const Lane& lane : picture_.phases) bars(lane);
        separator();
        for (const Lane& lane : picture_.bindings) bars(lane);
        separator();
        for (const ProbeLane& lane : picture_.probes) probes(lane);
        const double bottom = y_;
        std::string axis;
        std::swap(axis, out_);
        std::string grid = drawAxis(top, bottom);
        std::swap(axis, out_);
        out_.insert(at, grid);  // beneath the bars
        y_ += 34;
        return y_;
    }

private:
    double x(TimePoint t) const
    {
        const double part = toSeconds(t - start_) / toSeconds(end_ - start_);
        return plotLeft + std::clamp(part, 0.0, 1.0) * (plotRight - plotLeft);
    }

    void text(double px, double py, std::string_view what, std::string_view attributes = {})
    {
        out_ += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" {}>{}</text>\n", px, py, attributes, escape(what));
    }

    std::string drawAxis(double top, double bottom) const
    {
        std::string axis = fmt::format("<rect x=\"{}\" y=\"{:.1f}\" width=\"{}\" height=\"{:.1f}\" fill=\"#FAFAFA\" stroke=\"#D0D0D0\"/>\n", plotLeft, top,
                                       plotRight - plotLeft, bottom - top);
        const auto ticks = axisTicks(start_, end_, 12);
        int digits = 0;
        if (ticks.size() > 1)
            for (std::int64_t step = (ticks[1] - ticks[0]).count(), unit = 1'000'000'000; step % unit != 0 && digits < 9; unit /= 10) ++digits;
        for (const TimePoint t : ticks) {
            axis += fmt::format("<path d=\"M{0:.1f} {1:.1f}V{2:.1f}\" stroke=\"#E2E2E2\"/>\n", x(t), top, bottom);
            axis += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\" fill=\"#444444\">{:.{}f} s</text>\n", x(t), bottom + 16, toSeconds(t), digits);
        }
        return axis;
    }

    void separator()
    {
        out_ += fmt::format("<path d=\"M{} {:.1f}H{}\" stroke=\"#D0D0D0\"/>\n", plotLeft - 230, y_, plotRight);
    }

    void label(const std::string& name, const std::string& detail)
    {
        text(plotLeft - 10, y_ + 13, shortened(name, 34), "text-anchor=\"end\" font-weight=\"bold\"");
        text(plotLeft - 10, y_ + 25, shortened(detail, 40), "text-anchor=\"end\" font-size=\"9.5\" fill=\"#555555\"");
    }

    void bars(const Lane& lane)
    {
        label(lane.label, lane.detail);
        double free = plotLeft;  // from here on the lane is empty
        for (std::size_t i = 0; i < lane.bars.size(); ++i) {
            const Bar& bar = lane.bars[i];
            if (bar.end < start_ || bar.start > end_) continue;
            const double left = x(bar.start);
            const double right = std::min(plotRight, std::max(x(bar.end), left + 2));
            const double next = i + 1 < lane.bars.size() && lane.bars[i + 1].start <= end_ ? x(lane.bars[i + 1].start) : plotRight;
            const double top = y_ + (laneHeight - barHeight) / 2;
            out_ += fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{}\" fill=\"{}\" stroke=\"#FFFFFF\" stroke-width=\"0.8\"><title>{}</title></rect>\n", left, top,
                                right - left, barHeight, lightColour(bar.ink), escape(bar.hint));
            const double width = widthOf(bar.text);
            const double base = top + barHeight / 2 + 4;
            if (width + 8 <= right - left) text(left + 5, base, bar.text, "fill=\"#FFFFFF\"");
            else if (right + 4 + width <= next) text(right + 4, base, bar.text);
            else if (left - 4 - width >= free) text(left - 4, base, bar.text, "text-anchor=\"end\"");
            else if (right - left > 60) text(left + 5, base, shortened(bar.text, static_cast<std::size_t>((right - left - 10) / charWidth)), "fill=\"#FFFFFF\"");
            free = right;
            if (right + 4 + width <= next && width + 8 > right - left) free = right + 4 + width;
        }
        y_ += laneHeight;
    }

    /// Ticks that fall on the same pixel column are one stroke, so the picture stays small whatever the rate.
    void strokes(const ProbeLane& lane, bool delivered, std::string_view colour)
    {
        std::string path;
        int last = -1;
        for (const ProbeTick& tick : lane.ticks) {
            if (tick.delivered != delivered || tick.sent < start_ || tick.sent > end_) continue;
            const int column = static_cast<int>(x(tick.sent) * 2);
            if (column == last) continue;
            last = column;
            // Lost ones are lower and have a foot: not told by colour alone.
            path += delivered ? fmt::format("M{:.1f} {:.1f}v16", column / 2.0, y_ + 7)
                              : fmt::format("M{:.1f} {:.1f}v7m-1.5 0h3", column / 2.0, y_ + 19);
        }
        if (!path.empty()) out_ += fmt::format("<path d=\"{}\" stroke=\"{}\" fill=\"none\"/>\n", path, colour);
    }

    void probes(const ProbeLane& lane)
    {
        label(lane.label, lane.detail);
        for (const Gap& gap : lane.gaps) {
            if (gap.end < start_ || gap.start > end_) continue;
            const double left = x(gap.start), right = x(gap.end);
            out_ += fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{}\" fill=\"url(#gap)\" stroke=\"{}\"/>\n", left, y_ + 3,
                                std::max(right - left, 2.0), laneHeight - 4, lightColour(Ink::Warning));
        }
        strokes(lane, true, lightColour(Ink::Data));
        strokes(lane, false, lightColour(Ink::Warning));
        y_ += laneHeight;
        double free = plotLeft;
        bool any = false;
        for (const Gap& gap : lane.gaps) {
            if (gap.end < start_ || gap.start > end_) continue;
            const double width = widthOf(gap.text);
            const double left = std::clamp((x(gap.start) + x(gap.end)) / 2 - width / 2, plotLeft + 2, plotRight - width - 2);
            if (left < free) continue;
            text(left, y_ + 10, gap.text, fmt::format("fill=\"{}\" font-weight=\"bold\"", "#7A5000"));
            free = left + width + 8;
            any = true;
        }
        if (any) y_ += 16;
    }

    std::string& out_;
    const TimelinePicture& picture_;
    TimePoint start_;
    TimePoint end_;
    double y_;
};

/// The picture for a closer look at one handover of `name`: of the phases only the lanes that have something to show.
TimelinePicture only(const TimelinePicture& whole, const std::string& name, TimePoint start, TimePoint end)
{
    TimelinePicture part = whole;
    const auto foreign = [&](const Lane& lane) {
        return lane.detail != name || std::none_of(lane.bars.begin(), lane.bars.end(), [&](const Bar& b) { return b.end >= start && b.start <= end; });
    };
    part.phases.erase(std::remove_if(part.phases.begin(), part.phases.end(), foreign), part.phases.end());
    return part;
}

double legend(std::string& out, double y)
{
    const std::pair<Ink, const char*> entries[] = {{Ink::Data, "link layer, probe delivered"},
                                                   {Ink::Discovery, "discovery and address configuration"},
                                                   {Ink::LocalRegistration, "local registration (MAP)"},
                                                   {Ink::HomeRegistration, "home registration (HA)"},
                                                   {Ink::Warning, "probe lost, gap hatched"}};
    double x = plotLeft - 230;
    for (const auto& [ink, name] : entries) {
        out += fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"12\" height=\"12\" fill=\"{}\"/>\n<text x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", x, y,
                           lightColour(ink), x + 18, y + 10, name);
        x += 18 + widthOf(name) + 22;
    }
    return y + 30;
}

}  // namespace

std::string timelineSvg(const analysis::Analysis& analysis, Duration total, const lab::Scenario* names)
{
    const TimelinePicture picture = timelinePicture(analysis, total, names);
    std::string body;
    double y = 50;
    y = Panel(body, picture, picture.start, picture.end, y).draw(fmt::format("Whole trace, {}", durationText(total)));

    std::size_t number = 0;
    std::size_t closer = 0;
    for (const Handover& h : analysis.handovers) {
        if (h.kind == analysis::HandoverKind::Initial) continue;
        ++number;
        if (closer == maxCloser) continue;
        ++closer;
        const TimePoint last = h.phases.empty() ? h.start : h.phases.back().end;
        const TimePoint end = std::max({h.end.value_or(h.start), last, h.start + Duration{1ms}});
        const Duration margin = (end - h.start) / 8;
        const std::string name = nodeName(h.mobileNode, analysis, names);
        std::string title = fmt::format("Handover {} of {}: {}", number, name, analysis::handoverKindName(h.kind));
        if (h.bid) title += fmt::format(" (BID {})", *h.bid);
        if (!h.fromLink.empty() || !h.toLink.empty())
            title += fmt::format(", {}", h.fromTo());
        title += h.interruption ? fmt::format(", interruption {}, {} lost", durationText(*h.interruption), h.lost) : ", interruption not seen";
        y = Panel(body, only(picture, name, h.start - margin, end + margin), h.start - margin, end + margin, y + 14).draw(title);
    }
    if (number > closer) {
        body += fmt::format("<text x=\"20\" y=\"{:.1f}\">{} more handovers are in the overview only.</text>\n", y + 12, number - closer);
        y += 22;
    }
    if (picture.hiddenLanes > 0) {
        body += fmt::format("<text x=\"20\" y=\"{:.1f}\">{} more lanes are not shown.</text>\n", y + 12, picture.hiddenLanes);
        y += 22;
    }
    y = legend(body, y + 12);

    const std::string title = names && !names->title.empty() ? names->title : "Handover timeline";
    return fmt::format("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                       "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1:.0f}\" viewBox=\"0 0 {0} {1:.0f}\" "
                       "font-family=\"DejaVu Sans, Verdana, sans-serif\" font-size=\"11\" fill=\"#1E1F22\">\n<title>{2}</title>\n"
                       "<defs><pattern id=\"gap\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">"
                       "<rect width=\"6\" height=\"6\" fill=\"#FFF4DC\"/><path d=\"M0 0V6\" stroke=\"#E5B85C\" stroke-width=\"2\"/></pattern></defs>\n"
                       "<rect width=\"{0}\" height=\"{1:.0f}\" fill=\"#FFFFFF\"/>\n"
                       "<text x=\"20\" y=\"32\" font-size=\"19\" font-weight=\"bold\">{2}</text>\n{3}</svg>\n",
                       pictureWidth, y, escape(title), body);
}

}  // namespace roamscope::picture
