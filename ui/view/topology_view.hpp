// SPDX-License-Identifier: GPL-3.0-or-later
// The network at the cursor: who is linked to whom, where the mobile nodes are and which tunnels exist. Nodes of a kind for which there
// is no room beside each other are drawn as one box with their number. Names and addresses are in the tooltips. Painted; follows the
// workspace.
#pragma once

#include "ui/model/theme.hpp"
#include "ui/model/topology.hpp"
#include "ui/model/workspace.hpp"

#include <QWidget>

namespace roamscope::ui {

class TopologyView : public QWidget {
    Q_OBJECT

public:
    explicit TopologyView(Workspace& workspace, QWidget* parent = nullptr);

    [[nodiscard]] const TopologyState& state() const { return state_; }
    [[nodiscard]] const Topology& topology() const { return topology_; }

    [[nodiscard]] QSize minimumSizeHint() const override { return {240, 180}; }

protected:
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    bool event(QEvent* event) override;

private:
    void rebuild();
    void refresh();
    [[nodiscard]] QPointF at(QPointF place) const;
    /// What is drawn as one: a node, or several of a kind.
    struct Box {
        std::vector<std::size_t> nodes;
        QString text;
        QRectF rect;
    };
    void layOut();
    void layOutRow(const std::vector<std::size_t>& row);
    void layOutMobiles();
    void add(std::vector<std::size_t> nodes, QPointF place);
    [[nodiscard]] const Box& boxOf(std::size_t node) const { return boxes_[boxOf_[node]]; }
    [[nodiscard]] QPointF centerOf(std::size_t node) const { return boxOf(node).rect.center(); }
    [[nodiscard]] double boxWidth(const QString& text) const;
    [[nodiscard]] double cellRoom(const TopologyLink& link) const;
    [[nodiscard]] QPointF placeOf(const TopologyState::Mobile& mobile) const;
    [[nodiscard]] QString describe() const;
    [[nodiscard]] QString toolTip(const Box& box) const;
    void paintLink(QPainter& painter, const Theme& theme, const TopologyLink& link) const;
    void paintCell(QPainter& painter, const Theme& theme, const TopologyLink& link) const;
    enum class TunnelPart { Body, Identifier };  ///< identifiers lie over everything
    void paintTunnels(QPainter& painter, const Theme& theme, TunnelPart part) const;
    void paintTunnel(QPainter& painter, const Theme& theme, const TopologyState::Tunnel& tunnel, int number, TunnelPart part) const;
    void paintIdentifier(QPainter& painter, const Theme& theme, const TopologyState::Tunnel& tunnel, QPointF place) const;
    void paintBox(QPainter& painter, const Theme& theme, const Box& box) const;

    Workspace& workspace_;
    Topology topology_;
    TopologyState state_;
    std::vector<Box> boxes_;
    std::vector<std::size_t> boxOf_;  ///< by node
};

}  // namespace roamscope::ui
