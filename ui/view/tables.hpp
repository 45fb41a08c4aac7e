// SPDX-License-Identifier: GPL-3.0-or-later
// The small tables: bindings at the cursor, handovers, and flows of probes. Clicking a row moves the cursor. Where there is nothing to show,
// a sentence says why.
#pragma once

#include "ui/model/binding_model.hpp"
#include "ui/model/flow_model.hpp"
#include "ui/model/handover_model.hpp"
#include "ui/model/workspace.hpp"

#include <QTableView>

namespace roamscope::ui {

/// A table that shows a sentence instead of nothing.
class PlainTable : public QTableView {
    Q_OBJECT

public:
    PlainTable(const QString& name, QWidget* parent = nullptr);
    void setEmptyText(const QString& text);
    [[nodiscard]] const QString& emptyText() const { return emptyText_; }

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    QString emptyText_;
};

class BindingsView : public PlainTable {
    Q_OBJECT

public:
    explicit BindingsView(Workspace& workspace, QWidget* parent = nullptr);

private:
    void refresh();
    /// To what they hold, so that the last one needs no scrolling; not once somebody has moved them.
    void fitColumns();

    Workspace& workspace_;
    BindingModel model_;
    bool fitting_ = false;
    bool sizedByHand_ = false;
};

class HandoversView : public PlainTable {
    Q_OBJECT

public:
    explicit HandoversView(Workspace& workspace, QWidget* parent = nullptr);

signals:
    void handoverChosen(std::size_t index);

private:
    void refresh();

    Workspace& workspace_;
    HandoverModel model_;
};

class FlowsView : public PlainTable {
    Q_OBJECT

public:
    explicit FlowsView(Workspace& workspace, QWidget* parent = nullptr);

private:
    void refresh();

    Workspace& workspace_;
    FlowModel model_;
};

}  // namespace roamscope::ui
