// SPDX-License-Identifier: GPL-3.0-or-later
// The controls of a lab run and the time. On TAP the run cannot be paused, stepped or slowed, and the controls say why.
#pragma once

#include "ui/model/workspace.hpp"

#include <QAction>
#include <QComboBox>
#include <QLabel>
#include <QToolBar>

namespace roamscope::ui {

class RunBar : public QToolBar {
    Q_OBJECT

public:
    explicit RunBar(Workspace& workspace, QWidget* parent = nullptr);

    [[nodiscard]] QAction* runAction() const { return run_; }
    [[nodiscard]] QAction* stepAction() const { return step_; }
    [[nodiscard]] QAction* restartAction() const { return restart_; }
    [[nodiscard]] QAction* followAction() const { return follow_; }
    [[nodiscard]] QComboBox* speedChoice() const { return speed_; }
    [[nodiscard]] QString timeText() const { return time_->text(); }
    [[nodiscard]] QString latenessText() const { return latenessShown_->isVisible() ? lateness_->text() : QString(); }
    [[nodiscard]] double speed() const;
    [[nodiscard]] capture::Backend backend() const;
    /// Shows a backend without asking for it.
    void setBackend(capture::Backend backend);
    void faster(int steps);

signals:
    void backendChosen(capture::Backend backend);
    void restartRequested();

protected:
    void changeEvent(QEvent* event) override;

private:
    void makeActions();
    void makeChoices();
    void paintIcons();
    void showStatus();
    void showTime();
    void toggleRun();

    Workspace& workspace_;
    QAction* run_;
    QAction* step_;
    QAction* restart_;
    QAction* follow_;
    QComboBox* speed_;
    QComboBox* backend_;
    QLabel* time_;
    QLabel* state_;
    QLabel* lateness_;
    QList<QAction*> ofLab_;             ///< what a file has no use for
    QAction* latenessShown_ = nullptr;  ///< a label in a tool bar is shown and hidden through its action
    bool showsPause_ = false;
};

}  // namespace roamscope::ui
