// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/filter/filter.hpp"

#include "capture/filter/evaluate.hpp"
#include "capture/filter/filter_node.hpp"

#include <algorithm>

namespace roamscope::filter {

namespace {

bool asksAnalysis(const Operand& o)
{
    return (o.symbol && o.symbol->ofAnalysis()) || std::any_of(o.parts.begin(), o.parts.end(), asksAnalysis);
}

bool asksAnalysis(const Expression& e)
{
    if (e.test) {
        const Test& t = *e.test;
        if (asksAnalysis(t.left) || (t.right && asksAnalysis(*t.right))) return true;
        for (const Member& m : t.members)
            if (asksAnalysis(m.low) || (m.high && asksAnalysis(*m.high))) return true;
    }
    return std::any_of(e.parts.begin(), e.parts.end(), [](const Expression& part) { return asksAnalysis(part); });
}

}  // namespace

tl::expected<Filter, FilterError> Filter::compile(std::string_view text)
{
    Filter out;
    out.text_ = text;
    auto tree = parse(text);
    if (!tree) return tl::unexpected(std::move(tree.error()));
    auto node = std::make_shared<Node>();
    node->expression = std::move(*tree);
    if (auto error = resolve(node->expression, text)) return tl::unexpected(std::move(*error));
    node->analysis = asksAnalysis(node->expression);
    node->fields = fieldsOf(node->expression);
    out.root_ = std::move(node);
    return out;
}

Verdict Filter::byRow(std::size_t number, const capture::FrameRow& row, const std::vector<capture::TraceLink>& links, std::int64_t startUtc) const
{
    RowSubject subject(number, row, links, startUtc);
    return evaluate(root_->expression, subject);
}

bool Filter::matches(const FrameFacts& facts) const
{
    const auto whole = [&](const wire::Dissection& dissection) {
        FrameSubject subject(facts, dissection);
        return evaluate(root_->expression, subject) == Verdict::Yes;
    };
    if (facts.dissection) return whole(*facts.dissection);
    const ByteView bytes = facts.frame.bytes;
    const std::uint16_t linkType = facts.link ? facts.link->linkType : std::uint16_t{0};
    if (const auto headers = wire::plainHeaders(bytes, linkType, facts.frame.originalLength)) {
        static const wire::Dissection none;
        FrameSubject frame(facts, none);
        HeaderSubject subject(frame, bytes, *headers);
        if (const Verdict verdict = evaluate(root_->expression, subject); verdict != Verdict::Unknown) return verdict == Verdict::Yes;
    }
    static const wire::DecodeContext automatic;
    return whole(wire::dissectFields(bytes, linkType, facts.frame.originalLength, root_->fields, facts.context ? *facts.context : automatic));
}

bool Filter::needsAnalysis() const { return root_->analysis; }
const std::string& Filter::text() const { return text_; }

}  // namespace roamscope::filter
