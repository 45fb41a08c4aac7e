// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/view/topology_view.hpp"

#include <QHelpEvent>
#include <QPainter>
#include <QPainterPath>
#include <QToolTip>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

namespace roamscope::ui {

using analysis::Role;

TopologyView::TopologyView(Workspace& workspace, QWidget* parent) : QWidget(parent), workspace_(workspace)
{
    setAccessibleName(tr("Topology"));
    setBackgroundRole(QPalette::Base);
    setAutoFillBackground(true);
    connect(&workspace, &Workspace::sessionChanged, this, &TopologyView::rebuild);
    connect(&workspace, &Workspace::viewChanged, this, &TopologyView::rebuild);
    connect(&workspace.cursor(), &TimeCursor::timeChanged, this, &TopologyView::refresh);
}

void TopologyView::rebuild()
{
    topology_ = makeTopology(workspace_.scenario(), workspace_.analysis(), workspace_.names(), workspace_.view().trace.links());
    refresh();
}

void TopologyView::refresh()
{
    state_ = topologyAt(topology_, workspace_.analysis(), workspace_.names(), workspace_.cursor().time());
    layOut();
    setAccessibleDescription(describe());
    update();
}

void TopologyView::resizeEvent(QResizeEvent* event)
{
    QWidget::resizeEvent(event);
    layOut();
}

QString TopologyView::describe() const
{
    QStringList parts;
    constexpr qsizetype most = 20;  // nobody listens longer
    for (const TopologyState::Mobile& mobile : state_.mobiles) {
        if (parts.size() >= most) break;
        const QString& name = topology_.nodes[mobile.node].name;
        if (mobile.next) parts << tr("%1 moves to %2").arg(name, topology_.links[*mobile.next].name);
        else if (mobile.link) parts << tr("%1 is on %2").arg(name, topology_.links[*mobile.link].name);
        for (const std::size_t other : mobile.others) parts << tr("%1 is on %2 as well").arg(name, topology_.links[other].name);
    }
    for (const TopologyState::Tunnel& tunnel : state_.tunnels) {
        if (parts.size() >= most) break;
        const QString ends = tr("tunnel %1 to %2").arg(topology_.nodes[tunnel.from].name, topology_.nodes[tunnel.to].name);
        parts << (tunnel.bid ? tr("%1, BID %2").arg(ends).arg(*tunnel.bid) : ends);
    }
    if (parts.size() >= most) parts << tr("%1 mobile nodes and %2 tunnels in all").arg(state_.mobiles.size()).arg(state_.tunnels.size());
    return parts.join(QStringLiteral("; "));
}

QPointF TopologyView::at(QPointF place) const
{
    const QRectF area = QRectF(rect()).adjusted(14, 6, -14, -6);
    return {area.left() + place.x() * area.width(), area.top() + place.y() * area.height()};
}

QPointF TopologyView::placeOf(const TopologyState::Mobile& mobile) const
{
    double x = 0.5;
    if (mobile.link) x = topology_.links[*mobile.link].middle();
    if (mobile.link && !mobile.next && !mobile.others.empty()) {
        for (const std::size_t other : mobile.others) x += topology_.links[other].middle();
        x /= static_cast<double>(mobile.others.size() + 1);
    }
    if (mobile.link && mobile.next) x += (topology_.links[*mobile.next].middle() - x) * mobile.progress;
    return {x, topology_.mobileY};
}

double TopologyView::boxWidth(const QString& text) const { return std::max(46.0, QFontMetricsF(font()).horizontalAdvance(text) + 18); }

// ---- who is drawn where

void TopologyView::layOut()
{
    boxes_.clear();
    boxOf_.assign(topology_.nodes.size(), 0);
    std::map<double, std::vector<std::size_t>> rows;
    for (std::size_t i = 0; i < topology_.nodes.size(); ++i)
        if (topology_.nodes[i].role != Role::MobileNode) rows[topology_.nodes[i].place.y()].push_back(i);
    for (auto& [y, row] : rows) layOutRow(row);
    layOutMobiles();
}

/// The nodes of a row stand beside each other, neighbours together when there are too many.
void TopologyView::layOutRow(const std::vector<std::size_t>& row)
{
    double widest = 0;
    for (const std::size_t node : row) widest = std::max(widest, boxWidth(topology_.nodes[node].name));
    const auto roomFor = [&](double width) { return std::max<std::size_t>(1, static_cast<std::size_t>((rect().width() - 28) / (width + 4))); };
    const bool fit = row.size() <= roomFor(widest);
    const std::size_t boxes = fit ? row.size() : std::min(row.size(), roomFor(boxWidth(tr("%1 nodes").arg(999))));
    std::vector<std::vector<std::size_t>> groups;
    for (std::size_t box = 0; box < boxes; ++box)
        for (std::size_t i = box * row.size() / boxes; i < (box + 1) * row.size() / boxes; ++i) {
            // Home agents and correspondents share a row; only nodes of one kind share a box.
            const bool first = i == box * row.size() / boxes || topology_.nodes[row[i]].role != topology_.nodes[groups.back().front()].role;
            if (first) groups.emplace_back();
            groups.back().push_back(row[i]);
        }
    for (std::size_t i = 0; i < groups.size(); ++i) {
        const QPointF place = topology_.nodes[groups[i].front()].place;
        add(groups[i], fit ? place : QPointF((static_cast<double>(i) + 0.5) / static_cast<double>(groups.size()), place.y()));
    }
}

/// A few mobile nodes on one link stand beside each other, many are one box.
void TopologyView::layOutMobiles()
{
    constexpr std::size_t few = 4;
    constexpr double beside = 0.14;
    using Way = std::pair<std::optional<std::size_t>, std::optional<std::size_t>>;
    std::map<Way, std::vector<const TopologyState::Mobile*>> groups;
    for (const TopologyState::Mobile& mobile : state_.mobiles) groups[{mobile.link, mobile.next}].push_back(&mobile);
    for (const auto& [way, group] : groups) {
        if (state_.mobiles.size() <= few) {
            for (std::size_t i = 0; i < group.size(); ++i) add({group[i]->node}, placeOf(*group[i]) + QPointF(beside * static_cast<double>(i), 0));
            continue;
        }
        std::vector<std::size_t> nodes;
        QPointF sum;
        for (const TopologyState::Mobile* mobile : group) {
            nodes.push_back(mobile->node);
            sum += placeOf(*mobile);
        }
        add(std::move(nodes), sum / static_cast<double>(group.size()));
    }
}

void TopologyView::add(std::vector<std::size_t> nodes, QPointF place)
{
    Box box;
    box.text = nodes.size() == 1 ? topology_.nodes[nodes.front()].name : tr("%1 nodes").arg(nodes.size());
    box.rect = QRectF(0, 0, boxWidth(box.text), QFontMetricsF(font()).height() + 8);
    box.rect.moveCenter(at(place));
    const QRectF area = QRectF(rect()).adjusted(2, 2, -2, -2);
    box.rect.moveLeft(std::clamp(box.rect.left(), area.left(), std::max(area.left(), area.right() - box.rect.width())));
    for (const std::size_t node : nodes) boxOf_[node] = boxes_.size();
    box.nodes = std::move(nodes);
    boxes_.push_back(std::move(box));
}

// ---- painting

/// So wide the picture of a radio link may be without meeting its neighbours.
double TopologyView::cellRoom(const TopologyLink& link) const
{
    double room = rect().width();
    for (const TopologyLink& other : topology_.links)
        if (other.wireless && &other != &link && other.middle() != link.middle()) room = std::min(room, std::abs(at({other.middle(), 0}).x() - at({link.middle(), 0}).x()));
    return room - 3;
}

void TopologyView::paintCell(QPainter& painter, const Theme& theme, const TopologyLink& link) const
{
    const QFontMetricsF metrics(font());
    const double text = metrics.horizontalAdvance(link.name);
    const double room = cellRoom(link);
    QRectF cell(0, 0, std::clamp(std::max(92.0, text + 44), 4.0, std::max(4.0, room)), metrics.height() + 12);
    cell.moveCenter(at({link.middle(), link.y}));
    painter.setPen(QPen(theme.tone(Tone::Discovery), 1, Qt::DashLine));
    painter.setBrush(theme.wash(Tone::Discovery, 0.10));
    painter.drawEllipse(cell);
    painter.setPen(theme.text());
    if (text + 8 <= cell.width()) painter.drawText(cell, Qt::AlignCenter, link.name);
}

void TopologyView::paintLink(QPainter& painter, const Theme& theme, const TopologyLink& link) const
{
    const QFontMetricsF metrics(font());
    const QPointF left = at({link.left, link.y});
    const QPointF right = at({link.right, link.y});
    painter.setPen(QPen(theme.faint(), 1));
    std::set<std::size_t> drawn;
    for (const std::size_t member : link.members) {
        if (!drawn.insert(boxOf_[member]).second) continue;
        const QPointF center = centerOf(member);
        const double x = std::clamp(center.x(), left.x(), std::max(left.x(), right.x()));
        painter.drawLine(center, QPointF(x, left.y()));
    }
    if (link.carrier) painter.drawLine(centerOf(*link.carrier), QPointF((left.x() + right.x()) / 2, left.y()));
    if (link.wireless) return paintCell(painter, theme, link);
    const bool single = link.members.size() < 2;
    const QPointF reach(single ? 26 : 12, 0);
    painter.setPen(QPen(theme.faint(), 3, Qt::SolidLine, Qt::RoundCap));
    painter.drawLine(left - reach, right + reach);
    // The name stands over the end of the line, where no drop of a node crosses it.
    const double width = metrics.horizontalAdvance(link.name);
    QRectF label(0, 0, width + 6, metrics.height());
    label.moveTo(std::min(right.x() + reach.x() + 4, this->width() - label.width() - 2), right.y() - metrics.height() / 2);
    if (!single && label.left() < right.x() + reach.x()) label.moveBottom(right.y() - 3);
    painter.setPen(theme.faint());
    painter.drawText(label, Qt::AlignLeft | Qt::AlignVCenter, link.name);
}

void TopologyView::paintTunnels(QPainter& painter, const Theme& theme, TunnelPart part) const
{
    // Between two boxes one for each kind of owner and identifier, however many there are; only so many bend apart.
    constexpr int bends = 4;
    std::map<std::pair<std::size_t, std::size_t>, std::vector<const TopologyState::Tunnel*>> bundles;
    std::set<std::tuple<std::size_t, std::size_t, Role, std::uint16_t>> drawn;
    for (const TopologyState::Tunnel& tunnel : state_.tunnels)
        if (drawn.emplace(boxOf_[tunnel.from], boxOf_[tunnel.to], tunnel.owner, tunnel.bid.value_or(0)).second) bundles[{boxOf_[tunnel.from], boxOf_[tunnel.to]}].push_back(&tunnel);
    for (auto& [ends, bundle] : bundles) {
        // On the way down they bend to the left, each further than the one before. Identifiers stand from left to right, as the links of a
        // scenario do that are named in their order.
        if (centerOf(bundle.front()->to).y() > centerOf(bundle.front()->from).y()) std::reverse(bundle.begin(), bundle.end());
        for (std::size_t i = 0; i < bundle.size(); ++i) paintTunnel(painter, theme, *bundle[i], static_cast<int>(i) % bends, part);
    }
}

void TopologyView::paintTunnel(QPainter& painter, const Theme& theme, const TopologyState::Tunnel& tunnel, int number, TunnelPart part) const
{
    const QPointF from = centerOf(tunnel.from);
    const QPointF to = centerOf(tunnel.to);
    const QPointF along = to - from;
    const double length = std::hypot(along.x(), along.y());
    if (length < 1) return;
    const QPointF side(-along.y() / length, along.x() / length);
    const QPointF control = (from + to) / 2 + side * (18.0 + (tunnel.bid ? 40.0 : 8.0) * number);  // room for an identifier
    QPainterPath path(from);
    path.quadTo(control, to);
    constexpr double named = 0.56;  // between routers and cells, as a rule
    if (part == TunnelPart::Identifier) {
        if (tunnel.bid) paintIdentifier(painter, theme, tunnel, path.pointAtPercent(named));
        return;
    }
    QColor body = theme.tone(toneOf(tunnel.owner));
    body.setAlpha(70);
    painter.setBrush(Qt::NoBrush);
    painter.setPen(QPen(body, 9, Qt::SolidLine, Qt::RoundCap));
    painter.drawPath(path);
    painter.setPen(QPen(theme.tone(toneOf(tunnel.owner)), 1, tunnel.owner == Role::Map ? Qt::DashLine : Qt::SolidLine));
    painter.drawPath(path);
}

void TopologyView::paintIdentifier(QPainter& painter, const Theme& theme, const TopologyState::Tunnel& tunnel, QPointF place) const
{
    const QString text = QString::number(*tunnel.bid);
    const QFontMetricsF metrics(font());
    QRectF label(0, 0, std::max(metrics.horizontalAdvance(text) + 6, metrics.height()), metrics.height());
    label.moveCenter(place);
    painter.setPen(QPen(theme.tone(toneOf(tunnel.owner)), 1));
    painter.setBrush(palette().base());
    painter.drawRoundedRect(label, label.height() / 2, label.height() / 2);
    painter.setPen(theme.text());
    painter.drawText(label, Qt::AlignCenter, text);
}

void TopologyView::paintBox(QPainter& painter, const Theme& theme, const Box& box) const
{
    const Role role = topology_.nodes[box.nodes.front()].role;
    const Tone tone = toneOf(role);
    painter.setPen(QPen(theme.tone(tone), 1.6));
    painter.setBrush(theme.wash(tone, 0.24));
    const double radius = role == Role::MobileNode ? box.rect.height() / 2 : 5;
    painter.drawRoundedRect(box.rect, radius, radius);
    QFont bold = font();
    bold.setBold(true);
    painter.setFont(bold);
    painter.setPen(theme.text());
    painter.drawText(box.rect, Qt::AlignCenter, box.text);
    painter.setFont(font());
}

void TopologyView::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const Theme theme(palette());
    if (topology_.nodes.empty()) {
        painter.setPen(theme.faint());
        painter.drawText(rect().adjusted(20, 0, -20, 0), Qt::AlignCenter | Qt::TextWordWrap,
                         workspace_.view().trace.size() == 0 ? tr("No frames yet.")
                         : !workspace_.notAnalysed().isEmpty() ? workspace_.notAnalysed()
                                                               : tr("No mobility roles found: no Binding Update and no MAP option in the frames read."));
        return;
    }
    const auto links = [&](bool wireless) {
        for (const TopologyLink& link : topology_.links)
            if (link.wireless == wireless) paintLink(painter, theme, link);
    };
    links(false);
    paintTunnels(painter, theme, TunnelPart::Body);
    links(true);
    std::set<std::size_t> drawn;
    for (const TopologyState::Mobile& mobile : state_.mobiles) {
        if (!drawn.insert(boxOf_[mobile.node]).second) continue;
        painter.setPen(QPen(theme.tone(Tone::Warning), 1.6));
        const auto attach = [&](const TopologyLink& link) {
            painter.drawLine(centerOf(mobile.node), at({link.middle(), link.y}) + QPointF(0, QFontMetricsF(font()).height() / 2 + 6));
        };
        if (mobile.link && !mobile.next) attach(topology_.links[*mobile.link]);
        for (const std::size_t other : mobile.others) attach(topology_.links[other]);
    }
    for (const Box& box : boxes_) paintBox(painter, theme, box);
    paintTunnels(painter, theme, TunnelPart::Identifier);
}

QString TopologyView::toolTip(const Box& box) const
{
    if (box.nodes.size() == 1) {
        const TopologyNode& node = topology_.nodes[box.nodes.front()];
        return QStringLiteral("%1 – %2\n%3").arg(node.name, roleTitle(node.role), workspace_.names().addressesOf(node.name));
    }
    constexpr std::size_t most = 20;
    QStringList names;
    for (std::size_t i = 0; i < std::min(most, box.nodes.size()); ++i) names << topology_.nodes[box.nodes[i]].name;
    if (box.nodes.size() > most) names << tr("and %1 more").arg(box.nodes.size() - most);
    return QStringLiteral("%1: %2").arg(roleTitle(topology_.nodes[box.nodes.front()].role), names.join(QStringLiteral(", ")));
}

bool TopologyView::event(QEvent* event)
{
    if (event->type() != QEvent::ToolTip) return QWidget::event(event);
    const auto* help = static_cast<QHelpEvent*>(event);
    for (auto box = boxes_.rbegin(); box != boxes_.rend(); ++box) {
        if (!box->rect.contains(help->pos())) continue;
        QToolTip::showText(help->globalPos(), toolTip(*box), this);
        return true;
    }
    QToolTip::hideText();
    return true;
}

}  // namespace roamscope::ui
