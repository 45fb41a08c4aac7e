// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/view/lesson_view.hpp"

#include "ui/model/format.hpp"

namespace roamscope::ui {

LessonView::LessonView(Workspace& workspace, QWidget* parent) : QTextBrowser(parent), workspace_(workspace)
{
    setAccessibleName(tr("Lesson"));
    setFrameShape(QFrame::NoFrame);
    document()->setDocumentMargin(8);
    connect(&workspace, &Workspace::sessionChanged, this, &LessonView::refresh);
    refresh();
}

bool LessonView::hasLesson() const { return workspace_.scenario() && !workspace_.scenario()->goal.empty(); }

void LessonView::refresh()
{
    if (!hasLesson()) return clear();
    const lab::Scenario& scenario = *workspace_.scenario();
    setHtml(QStringLiteral("<h3>%1</h3><p>%2</p>").arg(toQt(scenario.title).toHtmlEscaped(), toQt(scenario.goal).toHtmlEscaped()));
}

}  // namespace roamscope::ui
