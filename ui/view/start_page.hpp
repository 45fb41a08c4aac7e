// SPDX-License-Identifier: GPL-3.0-or-later
// What the window shows while nothing is open: the next steps, and the files opened last.
#pragma once

#include <QAction>
#include <QListWidget>
#include <QWidget>

namespace roamscope::ui {

class StartPage : public QWidget {
    Q_OBJECT

public:
    /// A button for each action, in this order.
    explicit StartPage(const QList<QAction*>& actions, QWidget* parent = nullptr);
    void setRecent(const QStringList& paths);

signals:
    void pathChosen(const QString& path);

private:
    QListWidget* recent_;
};

}  // namespace roamscope::ui
