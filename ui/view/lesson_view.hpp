// SPDX-License-Identifier: GPL-3.0-or-later
// What the scenario that runs is there to teach, in words of its own file.
#pragma once

#include "ui/model/workspace.hpp"

#include <QTextBrowser>

namespace roamscope::ui {

class LessonView : public QTextBrowser {
    Q_OBJECT

public:
    explicit LessonView(Workspace& workspace, QWidget* parent = nullptr);
    /// Whether the scenario says anything.
    [[nodiscard]] bool hasLesson() const;

private:
    void refresh();

    Workspace& workspace_;
};

}  // namespace roamscope::ui
