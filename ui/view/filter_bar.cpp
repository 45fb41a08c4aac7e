// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/view/filter_bar.hpp"

#include "ui/model/format.hpp"
#include "ui/model/theme.hpp"

#include <QCoreApplication>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QInputMethodEvent>
#include <QKeyEvent>
#include <QMenu>
#include <QRegularExpression>
#include <QScreen>
#include <QTextCharFormat>
#include <QVBoxLayout>

#include <algorithm>

namespace roamscope::ui {

namespace {

constexpr int shownProposals = 12;

/// Characters of `text` in the first `octets` of its UTF-8.
int characters(const QString& text, std::size_t octets)
{
    const QByteArray all = text.toUtf8();
    return static_cast<int>(QString::fromUtf8(all.constData(), std::min(static_cast<qsizetype>(octets), all.size())).size());
}

}  // namespace

FilterEdit::FilterEdit(FilterModel& model, QWidget* parent) : QLineEdit(parent), model_(model), popup_(new QTreeView(this))
{
    items_.setColumnCount(2);
    popup_->setWindowFlags(Qt::ToolTip | Qt::FramelessWindowHint);
    popup_->setFocusPolicy(Qt::NoFocus);
    popup_->setFocusProxy(this);
    popup_->setModel(&items_);
    popup_->setRootIsDecorated(false);
    popup_->setHeaderHidden(true);
    popup_->setUniformRowHeights(true);
    popup_->setEditTriggers(QAbstractItemView::NoEditTriggers);
    popup_->setSelectionBehavior(QAbstractItemView::SelectRows);
    popup_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    popup_->setFrameShape(QFrame::StyledPanel);
    popup_->setAccessibleName(tr("Proposals for the filter"));
    popup_->header()->setStretchLastSection(true);
    popup_->setStyleSheet(QStringLiteral("QTreeView::item { padding: 2px 0; }"));  // rows that a finger or a shaky hand can hit
    popup_->hide();
    popup_->installEventFilter(this);
    connect(popup_, &QTreeView::clicked, this, &FilterEdit::accept);
    connect(this, &QLineEdit::textEdited, this, [this] { propose(); });
}

void FilterEdit::propose()
{
    const std::string before = text().left(cursorPosition()).toStdString();
    const auto found = filter::complete(before, before.size(), [this](wire::FieldId field) { return model_.seen(field); });
    items_.removeRows(0, items_.rowCount());
    from_ = found.empty() ? 0 : characters(text(), found.front().from);
    const QString written = text().mid(from_, cursorPosition() - from_);
    // A word that stands there already is no help.
    const bool finished = found.size() == 1 && toQt(found.front().insert) == written;
    if (found.empty() || finished || (written.isEmpty() && text().isEmpty())) return popup_->hide();
    const Theme theme(palette());
    for (const filter::Completion& c : found) {
        auto* word = new QStandardItem(toQt(c.insert));
        auto* meaning = new QStandardItem(toQt(c.explanation));
        meaning->setForeground(theme.faint());
        meaning->setToolTip(toQt(c.explanation));
        items_.appendRow({word, meaning});
    }
    placeList();
}

void FilterEdit::placeList()
{
    popup_->resizeColumnToContents(0);
    const int words = std::clamp(popup_->columnWidth(0) + 16, 120, 420);
    popup_->setColumnWidth(0, words);
    const int height = popup_->sizeHintForRow(0) * std::min(items_.rowCount(), shownProposals) + 2 * popup_->frameWidth();
    const int width = std::clamp(words + 460, 300, std::max(300, window()->width() - 40));
    QPoint corner = mapToGlobal(QPoint(cursorRect().left(), this->height() + 1));
    if (const QScreen* on = screen()) corner.setX(std::max(on->availableGeometry().left(), std::min(corner.x(), on->availableGeometry().right() - width)));
    popup_->setGeometry(QRect(corner, QSize(width, height)));
    popup_->setCurrentIndex({});
    popup_->scrollToTop();
    popup_->show();
}

void FilterEdit::accept(const QModelIndex& index)
{
    if (!index.isValid()) return;
    const QString word = items_.item(index.row(), 0)->text();
    const QString rest = text().mid(cursorPosition());
    // What follows a word is typed behind a blank.
    const QString blank = rest.startsWith(QLatin1Char(' ')) ? QString() : QStringLiteral(" ");
    const QString now = text().left(from_) + word + blank + rest;
    const auto cursor = from_ + word.size() + 1;
    popup_->hide();
    setText(now);
    setCursorPosition(static_cast<int>(cursor));
    propose();
}

bool FilterEdit::keyForList(int key)
{
    if (!popup_->isVisible()) return false;
    const int row = popup_->currentIndex().row();  // -1: none
    const int last = items_.rowCount() - 1;
    const auto go = [this](int to) { popup_->setCurrentIndex(items_.index(to, 0)); };
    switch (key) {
    case Qt::Key_Down: go(row == last ? 0 : row + 1); return true;
    case Qt::Key_Up: go(row <= 0 ? last : row - 1); return true;
    case Qt::Key_PageDown: go(std::min(last, std::max(row, 0) + shownProposals)); return true;
    case Qt::Key_PageUp: go(std::max(0, row - shownProposals)); return true;
    case Qt::Key_Tab: accept(items_.index(std::max(row, 0), 0)); return true;
    case Qt::Key_Return:
    case Qt::Key_Enter:
        if (row < 0) {
            popup_->hide();
            return false;
        }
        accept(popup_->currentIndex());
        return true;
    case Qt::Key_Escape: popup_->hide(); return true;
    default: return false;
    }
}

bool FilterEdit::event(QEvent* event)
{
    // Tab would leave the field and Esc would be a shortcut before the field sees them.
    if (event->type() == QEvent::KeyPress && static_cast<QKeyEvent*>(event)->key() == Qt::Key_Tab && keyForList(Qt::Key_Tab)) return true;
    if (event->type() == QEvent::ShortcutOverride && static_cast<QKeyEvent*>(event)->key() == Qt::Key_Escape) {
        event->accept();
        return true;
    }
    return QLineEdit::event(event);
}

bool FilterEdit::eventFilter(QObject* watched, QEvent* event)
{
    if (watched == popup_ && (event->type() == QEvent::Show || event->type() == QEvent::Hide)) emit proposalsToggled();
    return QLineEdit::eventFilter(watched, event);
}

void FilterEdit::keyPressEvent(QKeyEvent* event)
{
    if (keyForList(event->key())) return;
    if (event->key() == Qt::Key_Escape) return emit leaveRequested();
    const bool ask = event->key() == Qt::Key_Down || (event->key() == Qt::Key_Space && event->modifiers() == Qt::ControlModifier);
    if (ask) return propose();
    QLineEdit::keyPressEvent(event);
    const bool moved = event->key() == Qt::Key_Left || event->key() == Qt::Key_Right || event->key() == Qt::Key_Home || event->key() == Qt::Key_End;
    if (moved) popup_->hide();
}

void FilterEdit::focusOutEvent(QFocusEvent* event)
{
    popup_->hide();
    QLineEdit::focusOutEvent(event);
}

void FilterEdit::underline(int from, int length, const QColor& color)
{
    // A line edit takes formats for its text only the way an input method gives them.
    QList<QInputMethodEvent::Attribute> attributes;
    if (length > 0) {
        QTextCharFormat format;
        format.setUnderlineStyle(QTextCharFormat::WaveUnderline);
        format.setUnderlineColor(color);
        attributes.append({QInputMethodEvent::TextFormat, from - cursorPosition(), length, format});
    }
    QInputMethodEvent formats(QString(), attributes);
    QCoreApplication::sendEvent(this, &formats);
}

FilterBar::FilterBar(Workspace& workspace, FilterModel& model, QWidget* parent)
    : QWidget(parent),
      workspace_(workspace),
      model_(model),
      edit_(new FilterEdit(model)),
      state_(new QLabel),
      count_(new QLabel),
      progress_(new QProgressBar),
      clear_(new QPushButton(tr("Clear"))),
      history_(new QToolButton),
      below_(new QWidget),
      problem_(new QLabel),
      suggestion_(new QPushButton)
{
    auto* name = new QLabel(tr("Fi&lter:"));
    name->setBuddy(edit_);
    edit_->setPlaceholderText(tr("mip6.mhtype == BU && mip6.bu.m_flag == 1, node == mn, phase == dad …"));
    edit_->setAccessibleName(tr("Display filter"));
    edit_->setMaxLength(64 * 1024);
    edit_->setFont(QFont(QStringLiteral("monospace"), edit_->font().pointSize()));
    state_->setAlignment(Qt::AlignCenter);
    state_->setMinimumWidth(fontMetrics().horizontalAdvance(QStringLiteral("✖")) + 8);
    count_->setAccessibleName(tr("Frames chosen"));
    progress_->setRange(0, 1000);
    progress_->setTextVisible(false);
    progress_->setFixedSize(80, 8);
    progress_->hide();
    progress_->setAccessibleName(tr("Frames examined"));
    history_->setText(QStringLiteral("▾"));
    history_->setToolTip(tr("Filters used last"));
    history_->setAccessibleName(history_->toolTip());
    history_->setPopupMode(QToolButton::InstantPopup);
    history_->setMenu(new QMenu(history_));
    clear_->setToolTip(tr("Show every frame"));
    problem_->setTextFormat(Qt::PlainText);
    problem_->setWordWrap(true);
    problem_->setAccessibleName(tr("What is wrong with the filter"));
    suggestion_->setCursor(Qt::PointingHandCursor);

    auto* line = new QHBoxLayout;
    line->setContentsMargins(0, 0, 0, 0);
    line->setSpacing(4);
    line->addWidget(name);
    line->addWidget(edit_, 1);
    line->addWidget(history_);
    line->addWidget(state_);
    line->addWidget(count_);
    line->addWidget(progress_);
    line->addWidget(clear_);
    auto* wrong = new QHBoxLayout(below_);
    wrong->setContentsMargins(name->sizeHint().width() + 8, 0, 0, 2);
    wrong->addWidget(problem_, 1);
    wrong->addWidget(suggestion_);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(2, 0, 2, 0);
    column->setSpacing(2);
    column->addLayout(line);
    column->addWidget(below_);

    connect(edit_, &QLineEdit::textChanged, &model_, &FilterModel::setDraft);
    connect(edit_, &QLineEdit::returnPressed, this, [this] { model_.apply(); });
    connect(edit_, &FilterEdit::leaveRequested, this, [this] {
        applyText(model_.applied());
        emit leaveRequested();
    });
    connect(edit_, &FilterEdit::proposalsToggled, this, &FilterBar::showDraft, Qt::QueuedConnection);
    connect(clear_, &QPushButton::clicked, this, &FilterBar::clear);
    connect(suggestion_, &QPushButton::clicked, this, [this] {
        edit_->setText(toQt(model_.error().suggestion));
        edit_->setFocus();
    });
    connect(history_->menu(), &QMenu::aboutToShow, this, &FilterBar::showHistory);
    connect(&model_, &FilterModel::draftChanged, this, &FilterBar::showDraft);
    connect(&model_, &FilterModel::appliedChanged, this, [this] {
        if (edit_->text().trimmed() != model_.applied()) edit_->setText(model_.applied());
        showCount();
    });
    connect(&model_, &FilterModel::rowsChanged, this, &FilterBar::showCount);
    connect(&workspace_, &Workspace::viewChanged, this, &FilterBar::showCount);
    showDraft();
    showCount();
}

void FilterBar::focusText()
{
    edit_->setFocus(Qt::ShortcutFocusReason);
    edit_->selectAll();
}

void FilterBar::applyText(const QString& text)
{
    if (text == model_.applied() && text == edit_->text()) return;
    edit_->setText(text);
    model_.setDraft(text);
    if (text != model_.applied()) model_.apply();
}

void FilterBar::applyAnd(const QString& text)
{
    const QString now = model_.applied();
    static const QRegularExpression weaker(QStringLiteral("\\|\\||\\^\\^|\\bx?or\\b"), QRegularExpression::CaseInsensitiveOption);
    const bool loose = now.contains(weaker);
    applyText(now.isEmpty() ? text : loose ? QStringLiteral("(%1) && %2").arg(now, text) : QStringLiteral("%1 && %2").arg(now, text));
}

void FilterBar::showDraft()
{
    const Theme theme(palette());
    QPalette colours = palette();
    QColor sign = theme.faint();
    colours.setColor(QPalette::PlaceholderText, theme.faint());
    const FilterModel::State state = model_.state();
    if (state == FilterModel::State::Valid) sign = theme.tone(Tone::Discovery), colours.setColor(QPalette::Base, theme.wash(Tone::Discovery, 0.12));
    if (state == FilterModel::State::Invalid) sign = theme.tone(Tone::Error), colours.setColor(QPalette::Base, theme.wash(Tone::Error, 0.14));
    edit_->setPalette(colours);
    state_->setText(state == FilterModel::State::Valid ? QStringLiteral("✓") : state == FilterModel::State::Invalid ? QStringLiteral("✖") : QStringLiteral("·"));
    state_->setAccessibleName(state == FilterModel::State::Valid ? tr("The filter is right") : state == FilterModel::State::Invalid ? tr("The filter is wrong") : tr("No filter"));
    QPalette signs = state_->palette();
    signs.setColor(QPalette::WindowText, sign);
    state_->setPalette(signs);

    const bool wrong = state == FilterModel::State::Invalid;
    // While a word is being chosen, what is wrong with its first letters is no news.
    below_->setVisible(wrong && !edit_->proposals()->isVisible());
    clear_->setEnabled(model_.rows().has_value() || !edit_->text().isEmpty());
    const filter::FilterError& error = model_.error();
    const int from = wrong ? characters(model_.draft(), error.column) : 0;
    const int length = wrong ? characters(model_.draft(), error.column + error.length) - from : 0;
    edit_->underline(from, length, theme.tone(Tone::Error));
    if (!wrong) return;
    QPalette red = problem_->palette();
    red.setColor(QPalette::WindowText, theme.tone(Tone::Error));
    problem_->setPalette(red);
    problem_->setText(tr("At character %1: %2").arg(from + 1).arg(toQt(error.text)));
    constexpr qsizetype longest = 60;
    const QString better = toQt(error.suggestion);
    suggestion_->setVisible(!better.isEmpty());
    suggestion_->setText(tr("Use  %1").arg(better.size() > longest ? better.left(longest) + QStringLiteral("…") : better).replace(QLatin1Char('&'), QStringLiteral("&&")));
    suggestion_->setToolTip(better.left(1000).toHtmlEscaped());
}

void FilterBar::showCount()
{
    const auto& rows = model_.rows();
    const std::size_t all = workspace_.view().trace.size();
    count_->setText(rows ? tr("%1 / %2").arg(formatCount(rows->size()), formatCount(all)) : QString());
    clear_->setEnabled(rows.has_value() || !edit_->text().isEmpty());
    // Small traces are done before anybody could read a bar.
    progress_->setVisible(model_.running() && all > 100'000);
    progress_->setValue(static_cast<int>(1000 * model_.progress()));
}

void FilterBar::showHistory()
{
    QMenu* menu = history_->menu();
    menu->clear();
    const QStringList texts = model_.history();
    for (const QString& text : texts) {
        QString shown = text.size() > 80 ? text.left(80) + QStringLiteral("…") : text;
        connect(menu->addAction(shown.replace(QLatin1Char('&'), QStringLiteral("&&"))), &QAction::triggered, this, [this, text] { applyText(text); });
    }
    if (texts.isEmpty()) menu->addAction(tr("Nothing yet"))->setEnabled(false);
}

void FilterBar::changeEvent(QEvent* event)
{
    QWidget::changeEvent(event);
    if (event->type() == QEvent::PaletteChange) showDraft();
}

}  // namespace roamscope::ui
