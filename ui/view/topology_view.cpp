// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/view/topology_view.hpp"

#include <QHelpEvent>
#include <QPainter>
#include <QPainterPath>
#include <QToolTip>

#include <cmath>

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
    state_ = topologyAt(topology_, workspace_.analysis(), workspace_.names(), workspace_.view().trace.links(), workspace_.cursor().time());
    setAccessibleDescription(describe());
    update();
}

QString TopologyView::describe() const
{
    QStringList parts;
    for (const TopologyState::Mobile& mobile : state_.mobiles) {
        const QString& name = topology_.nodes[mobile.node].name;
        if (mobile.next) parts << tr("%1 moves to %2").arg(name, topology_.links[*mobile.next].name);
        else if (mobile.link) parts << tr("%1 is on %2").arg(name, topology_.links[*mobile.link].name);
    }
    for (const TopologyState::Tunnel& tunnel : state_.tunnels)
        parts << tr("tunnel %1 to %2").arg(topology_.nodes[tunnel.from].name, topology_.nodes[tunnel.to].name);
    return parts.join(QStringLiteral("; "));
}

QPointF TopologyView::at(QPointF place) const
{
    const QRectF area = QRectF(rect()).adjusted(14, 6, -14, -6);
    return {area.left() + place.x() * area.width(), area.top() + place.y() * area.height()};
}

QPointF TopologyView::placeOf(const TopologyState::Mobile& mobile) const
{
    double y = 0.93;
    double x = 0.5;
    if (mobile.link) x = topology_.links[*mobile.link].middle();
    if (mobile.link && mobile.next) x += (topology_.links[*mobile.next].middle() - x) * mobile.progress;
    // Several mobile nodes on one link stand beside each other.
    double shift = 0;
    for (const TopologyState::Mobile& other : state_.mobiles) {
        if (other.node == mobile.node) break;
        if (other.link == mobile.link) shift += 0.14;
    }
    return {x + shift, y};
}

QRectF TopologyView::boxOf(std::size_t node) const
{
    QPointF place = topology_.nodes[node].place;
    for (const TopologyState::Mobile& mobile : state_.mobiles)
        if (mobile.node == node) place = placeOf(mobile);
    const QFontMetricsF metrics(font());
    const double width = std::max(46.0, metrics.horizontalAdvance(topology_.nodes[node].name) + 18);
    QRectF box(0, 0, width, metrics.height() + 8);
    box.moveCenter(at(place));
    const QRectF area = QRectF(rect()).adjusted(2, 2, -2, -2);
    box.moveLeft(std::clamp(box.left(), area.left(), std::max(area.left(), area.right() - box.width())));
    return box;
}

QRectF TopologyView::nodeRect(const QString& name) const
{
    for (std::size_t i = 0; i < topology_.nodes.size(); ++i)
        if (topology_.nodes[i].name == name) return boxOf(i);
    return {};
}

void TopologyView::paintLink(QPainter& painter, const Theme& theme, const TopologyLink& link) const
{
    const QFontMetricsF metrics(font());
    const QPointF left = at({link.left, link.y});
    const QPointF right = at({link.right, link.y});
    painter.setPen(QPen(theme.faint(), 1));
    for (const std::size_t member : link.members) {
        const QPointF center = boxOf(member).center();
        const double x = std::clamp(center.x(), left.x(), std::max(left.x(), right.x()));
        painter.drawLine(center, QPointF(x, left.y()));
    }
    if (link.wireless) {
        QRectF cell(0, 0, std::max(92.0, metrics.horizontalAdvance(link.name) + 44), metrics.height() + 12);
        cell.moveCenter((left + right) / 2);
        painter.setPen(QPen(theme.tone(Tone::Discovery), 1, Qt::DashLine));
        painter.setBrush(theme.wash(Tone::Discovery, 0.10));
        painter.drawEllipse(cell);
        painter.setPen(theme.text());
        painter.drawText(cell, Qt::AlignCenter, link.name);
        return;
    }
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

void TopologyView::paintTunnel(QPainter& painter, const Theme& theme, const TopologyState::Tunnel& tunnel, int number) const
{
    const QPointF from = boxOf(tunnel.from).center();
    const QPointF to = boxOf(tunnel.to).center();
    const QPointF along = to - from;
    const double length = std::hypot(along.x(), along.y());
    if (length < 1) return;
    const QPointF side(-along.y() / length, along.x() / length);
    const QPointF control = (from + to) / 2 + side * (18.0 + 8.0 * number);
    QPainterPath path(from);
    path.quadTo(control, to);
    QColor body = theme.tone(toneOf(tunnel.owner));
    body.setAlpha(70);
    painter.setBrush(Qt::NoBrush);
    painter.setPen(QPen(body, 9, Qt::SolidLine, Qt::RoundCap));
    painter.drawPath(path);
    painter.setPen(QPen(theme.tone(toneOf(tunnel.owner)), 1, tunnel.owner == Role::Map ? Qt::DashLine : Qt::SolidLine));
    painter.drawPath(path);
}

void TopologyView::paintNode(QPainter& painter, const Theme& theme, std::size_t node) const
{
    const TopologyNode& drawn = topology_.nodes[node];
    const QRectF box = boxOf(node);
    const bool mobile = drawn.role == Role::MobileNode;
    const Tone tone = toneOf(drawn.role);
    painter.setPen(QPen(theme.tone(tone), 1.6));
    painter.setBrush(theme.wash(tone, 0.24));
    const double radius = mobile ? box.height() / 2 : 5;
    painter.drawRoundedRect(box, radius, radius);
    QFont bold = font();
    bold.setBold(true);
    painter.setFont(bold);
    painter.setPen(theme.text());
    painter.drawText(box, Qt::AlignCenter, drawn.name);
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
    int number = 0;
    for (const TopologyState::Tunnel& tunnel : state_.tunnels) paintTunnel(painter, theme, tunnel, number++);
    links(true);
    for (const TopologyState::Mobile& mobile : state_.mobiles) {
        if (!mobile.link || mobile.next) continue;
        const TopologyLink& link = topology_.links[*mobile.link];
        painter.setPen(QPen(theme.tone(Tone::Warning), 1.6));
        painter.drawLine(boxOf(mobile.node).center(), at({link.middle(), link.y}) + QPointF(0, QFontMetricsF(font()).height() / 2 + 6));
    }
    for (std::size_t i = 0; i < topology_.nodes.size(); ++i) paintNode(painter, theme, i);
}

bool TopologyView::event(QEvent* event)
{
    if (event->type() != QEvent::ToolTip) return QWidget::event(event);
    const auto* help = static_cast<QHelpEvent*>(event);
    for (std::size_t i = topology_.nodes.size(); i-- > 0;) {
        if (!boxOf(i).contains(help->pos())) continue;
        const TopologyNode& node = topology_.nodes[i];
        const QString text = QStringLiteral("%1 – %2\n%3").arg(node.name, roleTitle(node.role), workspace_.names().addressesOf(node.name));
        QToolTip::showText(help->globalPos(), text, this);
        return true;
    }
    QToolTip::hideText();
    return true;
}

}  // namespace roamscope::ui
