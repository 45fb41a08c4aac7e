// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/model/packet_rows.hpp"

#include "ui/model/format.hpp"

#include <QCoreApplication>

#include <algorithm>
#include <limits>

namespace roamscope::ui {

namespace {

/// The tunnels around the inner packet, outermost first: "map → mn, ha → mn".
QString tunnels(const wire::DecodedFrame& frame, const Names& names)
{
    QStringList parts;
    for (std::size_t i = 0; i + 1 < frame.packets.size(); ++i)
        parts << QStringLiteral("%1 → %2").arg(names.node(frame.packets[i].source), names.node(frame.packets[i].destination));
    return parts.join(QStringLiteral(", "));
}

}  // namespace

PacketRow makePacketRow(const capture::TraceSnapshot& trace, std::size_t index, const analysis::Analysis& analysis, const Names& names)
{
    const capture::FrameView frame = trace.frame(index);
    const capture::TraceLink link = frame.link < trace.links().size() ? trace.links()[frame.link] : capture::TraceLink{};
    const wire::DecodedFrame decoded = wire::decodeFrame(frame.bytes, link.linkType, frame.originalLength);
    const wire::Summary summary = wire::summarize(decoded);

    PacketRow row;
    const auto set = [&](PacketColumn column, QString text) { row.text[static_cast<std::size_t>(column)] = std::move(text); };
    row.kind = summary.kind;
    row.malformed = summary.malformed;
    if (const auto answer = analysis.acknowledgements.find(static_cast<analysis::FrameIndex>(index)); answer != analysis.acknowledgements.end()) {
        if (answer->second == analysis::Role::Map) row.kind = wire::MessageKind::LocalRegistration;
        else if (answer->second == analysis::Role::Correspondent) row.kind = wire::MessageKind::RouteOptimisation;
    }
    set(PacketColumn::Number, QString::number(index + 1));
    set(PacketColumn::Time, formatTime(frame.time));
    set(PacketColumn::Link, link.name.empty() ? QString::number(frame.link) : toQt(link.name));
    if (const wire::Ipv6Packet* packet = decoded.inner()) {
        set(PacketColumn::From, names.of(packet->source));
        set(PacketColumn::To, names.of(packet->destination));
    } else if (decoded.ethernet) {
        set(PacketColumn::From, names.of(decoded.ethernet->source));
        set(PacketColumn::To, names.of(decoded.ethernet->destination));
    }
    set(PacketColumn::Protocol, toQt(summary.protocol));
    QString info = names.named(toQt(summary.info));
    if (decoded.packets.size() > 1) info += QCoreApplication::translate("PacketRows", "  ⟨in %1⟩").arg(tunnels(decoded, names));
    set(PacketColumn::Info, std::move(info));
    return row;
}

void PacketRows::reset(const capture::View& view, const Names& names)
{
    view_ = view;
    names_ = names;
    rows_.clear();
}

std::size_t PacketRows::rowFor(std::size_t frame) const
{
    if (!chosen_) return std::min(frame, count());
    return chosen_->lowerBound(static_cast<std::uint32_t>(std::min<std::size_t>(frame, std::numeric_limits<std::uint32_t>::max())));
}

const PacketRow& PacketRows::ofFrame(std::size_t index)
{
    if (const auto at = rows_.find(index); at != rows_.end()) return at->second;
    if (rows_.size() >= kept) rows_.clear();
    return rows_.emplace(index, makePacketRow(view_.trace, index, *view_.analysis, names_)).first->second;
}

}  // namespace roamscope::ui
