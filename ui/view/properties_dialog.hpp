// SPDX-License-Identifier: GPL-3.0-or-later
// The properties of the open capture in a window of their own, which stays while one goes on working: a row about a frame leads
// to that frame.
#pragma once

#include "ui/model/capture_properties.hpp"
#include "ui/model/workspace.hpp"

#include <QDialog>
#include <QTreeWidget>

namespace roamscope::ui {

class PropertiesDialog : public QDialog {
    Q_OBJECT

public:
    explicit PropertiesDialog(Workspace& workspace, QWidget* parent = nullptr);

    /// Shows the capture that is open now; `path` is empty for a lab.
    void showCapture(const QString& path);
    [[nodiscard]] QTreeWidget* tree() const { return tree_; }

private:
    void refresh();
    void copy() const;

    Workspace& workspace_;
    QString path_;
    QTreeWidget* tree_;
    bool complete_ = false;
};

}  // namespace roamscope::ui
