// SPDX-License-Identifier: GPL-3.0-or-later
// The network at the cursor: who is linked to whom, where the mobile node is and which tunnels exist. Addresses are in the
// tooltips. Painted; follows the workspace.
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

    /// Where a node is drawn now, in widget coordinates; null when there is none of that name.
    [[nodiscard]] QRectF nodeRect(const QString& name) const;
    [[nodiscard]] const TopologyState& state() const { return state_; }
    [[nodiscard]] const Topology& topology() const { return topology_; }

    [[nodiscard]] QSize minimumSizeHint() const override { return {240, 180}; }

protected:
    void paintEvent(QPaintEvent* event) override;
    bool event(QEvent* event) override;

private:
    void rebuild();
    void refresh();
    [[nodiscard]] QPointF at(QPointF place) const;
    [[nodiscard]] QRectF boxOf(std::size_t node) const;
    [[nodiscard]] QPointF placeOf(const TopologyState::Mobile& mobile) const;
    [[nodiscard]] QString describe() const;
    void paintLink(QPainter& painter, const Theme& theme, const TopologyLink& link) const;
    void paintTunnel(QPainter& painter, const Theme& theme, const TopologyState::Tunnel& tunnel, int number) const;
    void paintNode(QPainter& painter, const Theme& theme, std::size_t node) const;

    Workspace& workspace_;
    Topology topology_;
    TopologyState state_;
};

}  // namespace roamscope::ui
