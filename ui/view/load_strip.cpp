// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/view/load_strip.hpp"

#include "ui/model/capture_properties.hpp"
#include "ui/model/format.hpp"

#include <QCoreApplication>
#include <QHBoxLayout>

#include <chrono>

namespace roamscope::ui {

namespace {

constexpr qint64 soon = 200;  // ms: what is done by then was never worth a word

QString tr_(const char* text) { return QCoreApplication::translate("LoadStrip", text); }

QString leftText(Duration left)
{
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(left).count();
    return seconds < 100 ? tr_("%1 s left").arg(seconds) : tr_("%1 min left").arg((seconds + 59) / 60);
}

}  // namespace

QString loadText(const capture::View& view, std::uint64_t octets, bool following)
{
    const auto percent = [](double done) { return static_cast<int>(100 * done); };
    if (following && !view.stopped && !view.indexed) return tr_("Following: waits for more");
    QStringList parts;
    if (!view.indexed) {
        parts << tr_("Reading: %1 %").arg(percent(view.progress));
        if (octets > 0) parts << tr_("%1 of %2").arg(formatOctets(static_cast<std::uint64_t>(view.progress * static_cast<double>(octets))), formatOctets(octets));
    } else {
        parts << tr_("Analysing: %1 %").arg(percent(view.analysisProgress));
        parts << tr_("%1 of %2 frames").arg(formatCount(static_cast<std::uint64_t>(view.analysisProgress * static_cast<double>(view.trace.size()))), formatCount(view.trace.size()));
    }
    if (view.timeLeft) parts << leftText(*view.timeLeft);
    return parts.join(QStringLiteral(" · "));
}

LoadStrip::LoadStrip(Workspace& workspace, QWidget* parent)
    : QWidget(parent), workspace_(workspace), bar_(new QProgressBar), text_(new QLabel), cancel_(new QPushButton(tr("Cancel")))
{
    bar_->setRange(0, 1000);
    bar_->setTextVisible(false);
    bar_->setFixedSize(120, 10);
    bar_->setAccessibleName(tr("How much is read"));
    text_->setTextFormat(Qt::PlainText);
    text_->setAccessibleName(tr("Progress"));
    cancel_->setFocusPolicy(Qt::TabFocus);
    setSizePolicy(QSizePolicy::Fixed, QSizePolicy::Fixed);
    auto* layout = new QHBoxLayout(this);
    layout->setContentsMargins(4, 0, 0, 0);
    layout->setSpacing(8);
    layout->addWidget(bar_);
    layout->addWidget(text_);
    layout->addWidget(cancel_);
    hide();
    connect(cancel_, &QPushButton::clicked, this, [this] {
        cancel_->setEnabled(false);
        emit cancelled();
    });
    connect(&workspace, &Workspace::viewChanged, this, &LoadStrip::refresh);
    connect(&workspace, &Workspace::sessionChanged, this, &LoadStrip::hide);
}

void LoadStrip::begin(std::uint64_t octets, bool following)
{
    octets_ = octets;
    following_ = following;
    since_.start();
    cancel_->setText(following ? tr("Stop following") : tr("Cancel"));
    cancel_->setToolTip(following ? tr("The frames that are there stay; no more are taken") : tr("The frames that have been read stay and can be used"));
    cancel_->setEnabled(true);
    refresh();
}

void LoadStrip::refresh()
{
    const capture::View& view = workspace_.view();
    const bool wait = workspace_.session() && !workspace_.lab() && !view.complete && since_.isValid();
    if (!wait) return hide();
    if (following_ || since_.hasExpired(soon)) show();
    text_->setText(loadText(view, octets_, following_));
    bar_->setVisible(!following_ || view.indexed);
    bar_->setValue(static_cast<int>(1000 * (view.indexed ? view.analysisProgress : view.progress)));
}

}  // namespace roamscope::ui
