// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/view/start_page.hpp"

#include <QFileInfo>
#include <QLabel>
#include <QPushButton>
#include <QVBoxLayout>

namespace roamscope::ui {

StartPage::StartPage(const QList<QAction*>& actions, QWidget* parent) : QWidget(parent), recent_(new QListWidget)
{
    auto* column = new QVBoxLayout;
    column->setSpacing(8);
    auto* title = new QLabel(QStringLiteral("Roamscope"));
    QFont big = font();
    big.setPointSizeF(big.pointSizeF() * 2);
    big.setBold(true);
    title->setFont(big);
    column->addWidget(title);
    auto* text = new QLabel(tr("Watch a mobile node move: run an emulated network, or open a capture of a real one. A file can also be dropped anywhere in this window."));
    text->setWordWrap(true);
    column->addWidget(text);
    column->addSpacing(8);
    for (QAction* action : actions) {
        auto* button = new QPushButton(action->text());
        button->setMinimumHeight(36);
        button->setToolTip(action->toolTip());
        connect(button, &QPushButton::clicked, action, &QAction::trigger);
        column->addWidget(button);
    }
    column->addSpacing(8);
    column->addWidget(new QLabel(tr("Opened last")));
    recent_->setAccessibleName(tr("Files opened last"));
    recent_->setMaximumHeight(recent_->fontMetrics().height() * 9);
    recent_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    column->addWidget(recent_);
    connect(recent_, &QListWidget::itemActivated, this, [this](const QListWidgetItem* item) { emit pathChosen(item->toolTip()); });
    connect(recent_, &QListWidget::itemClicked, this, [this](const QListWidgetItem* item) { emit pathChosen(item->toolTip()); });

    auto* middle = new QWidget;
    middle->setLayout(column);
    middle->setFixedWidth(460);
    auto* layout = new QVBoxLayout(this);
    layout->addStretch(1);
    layout->addWidget(middle, 0, Qt::AlignHCenter);
    layout->addStretch(2);
}

void StartPage::setRecent(const QStringList& paths)
{
    recent_->clear();
    for (const QString& path : paths) {
        auto* item = new QListWidgetItem(QFileInfo(path).fileName() + QStringLiteral("  –  ") + QFileInfo(path).path(), recent_);
        item->setToolTip(path);
        item->setSizeHint({1, recent_->fontMetrics().height() + 4});  // as wide as the list: a long folder loses its end
    }
}

}  // namespace roamscope::ui
