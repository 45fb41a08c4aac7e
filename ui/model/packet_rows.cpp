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

/// The tunnels around the innermost packet, outermost first: "map → mn, ha → mn", "IPv4 UDP ha → mn".
QString tunnels(const wire::DecodedFrame& frame, const Names& names)
{
    QStringList parts;
    const auto way = [&](const Ipv6Address& from, const Ipv6Address& to) { return QStringLiteral("%1 → %2").arg(names.node(from), names.node(to)); };
    const std::size_t outer = frame.overIpv4 ? frame.packets.size() : frame.packets.size() - 1;
    for (std::size_t i = 0; i < outer; ++i) parts << way(frame.packets[i].source, frame.packets[i].destination);
    if (!frame.ipv4 || frame.overIpv4) return parts.join(QStringLiteral(", "));
    const QString ipv4 = frame.tunnel ? QCoreApplication::translate("PacketRows", "IPv4 UDP %1") : QCoreApplication::translate("PacketRows", "IPv4 %1");
    parts.insert(frame.etherType == wire::etherTypeIpv6 ? parts.size() : 0, ipv4.arg(way(wire::mapped(frame.ipv4->source), wire::mapped(frame.ipv4->destination))));
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
    if (!decoded.packets.empty() && summary.tunnels > 0) info += QCoreApplication::translate("PacketRows", "  ⟨in %1⟩").arg(tunnels(decoded, names));
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
