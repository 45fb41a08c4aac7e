// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/model/packet_rows.hpp"

#include "capture/foreign.hpp"
#include "ui/model/format.hpp"

#include <QCoreApplication>

#include <algorithm>
#include <limits>

namespace roamscope::ui {

namespace {

constexpr qsizetype longestComment = 80;

/// The tunnels around the inner packet, outermost first: "map → mn, ha → mn".
QString tunnels(const wire::DecodedFrame& frame, const Names& names)
{
    QStringList parts;
    for (std::size_t i = 0; i + 1 < frame.packets.size(); ++i)
        parts << QStringLiteral("%1 → %2").arg(names.node(frame.packets[i].source), names.node(frame.packets[i].destination));
    return parts.join(QStringLiteral(", "));
}

}  // namespace

PacketRow makePacketRow(const capture::View& view, std::size_t index, const Names& names)
{
    const analysis::Analysis& analysis = *view.analysis;
    const capture::FrameReading reading(view.trace, index, view.decoding);
    const capture::FrameView& frame = reading.view();
    const capture::TraceLink& link = reading.link();
    const wire::DecodedFrame decoded = reading.decode();
    wire::Summary summary = wire::summarize(decoded);
    const auto foreign = capture::describeForeign(frame.bytes, decoded);
    if (foreign) {
        summary.protocol = foreign->protocol;
        summary.info = foreign->info;
    }

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
    if (foreign && !foreign->source.empty()) set(PacketColumn::From, toQt(foreign->source));
    if (foreign && !foreign->destination.empty()) set(PacketColumn::To, toQt(foreign->destination));
    set(PacketColumn::Protocol, toQt(summary.protocol));
    QString info = names.named(toQt(summary.info));
    if (decoded.packets.size() > 1) info += QCoreApplication::translate("PacketRows", "  ⟨in %1⟩").arg(tunnels(decoded, names));
    for (const std::string& comment : view.notes->packetComments(index)) info += QStringLiteral("  ✎ ") + toQt(comment).left(longestComment).simplified();
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
    return rows_.emplace(index, makePacketRow(view_, index, names_)).first->second;
}

}  // namespace roamscope::ui
