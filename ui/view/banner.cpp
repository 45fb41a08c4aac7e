// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/view/banner.hpp"

#include "ui/model/theme.hpp"

#include <QEvent>
#include <QHBoxLayout>
#include <QPainter>
#include <QToolButton>
#include <QVBoxLayout>

namespace roamscope::ui {

Banner::Banner(QWidget* parent) : QFrame(parent), title_(new QLabel), text_(new QLabel), button_(new QPushButton)
{
    setAccessibleName(tr("Message"));
    for (QLabel* label : {title_, text_}) {
        label->setTextFormat(Qt::PlainText);
        label->setWordWrap(true);
        label->setTextInteractionFlags(Qt::TextSelectableByMouse);
    }
    QFont bold = title_->font();
    bold.setBold(true);
    title_->setFont(bold);
    auto* close = new QToolButton;
    close->setText(QStringLiteral("✕"));
    close->setAutoRaise(true);
    close->setAccessibleName(tr("Close the message"));
    close->setToolTip(tr("Close"));
    auto* words = new QVBoxLayout;
    words->setSpacing(2);
    words->addWidget(title_);
    words->addWidget(text_);
    auto* layout = new QHBoxLayout(this);
    layout->setContentsMargins(14, 6, 6, 6);
    layout->addLayout(words, 1);
    layout->addWidget(button_, 0, Qt::AlignVCenter);
    layout->addWidget(close, 0, Qt::AlignTop);
    connect(close, &QToolButton::clicked, this, &Banner::dismiss);
    connect(button_, &QPushButton::clicked, this, [this] {
        const std::function<void()> action = action_;
        dismiss();
        if (action) action();
    });
    hide();
}

void Banner::showMessage(const QString& title, const QString& text, const QString& actionText, std::function<void()> action)
{
    title_->setText(QStringLiteral("⚠ ") + title);
    text_->setText(text);
    text_->setVisible(!text.isEmpty());
    button_->setText(actionText);
    button_->setVisible(!actionText.isEmpty());
    action_ = std::move(action);
    setAccessibleDescription(title + QStringLiteral(". ") + text);
    show();
}

void Banner::dismiss()
{
    hide();
    action_ = {};
}

void Banner::changeEvent(QEvent* event)
{
    QFrame::changeEvent(event);
    if (event->type() == QEvent::PaletteChange) update();
}

void Banner::paintEvent(QPaintEvent*)
{
    const Theme theme(palette());
    QPainter painter(this);
    painter.fillRect(rect(), theme.wash(Tone::Warning, 0.22));
    painter.fillRect(QRect(0, 0, 5, height()), theme.tone(Tone::Warning));
}

}  // namespace roamscope::ui
