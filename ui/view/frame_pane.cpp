// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/view/frame_pane.hpp"

#include "ui/model/filter_model.hpp"
#include "ui/model/format.hpp"
#include "ui/model/theme.hpp"

#include <QAction>
#include <QEvent>
#include <QHeaderView>
#include <QStyledItemDelegate>
#include <QVBoxLayout>

#include <functional>

namespace roamscope::ui {

namespace {

/// Lines with findings stand out.
class FieldDelegate : public QStyledItemDelegate {
public:
    using QStyledItemDelegate::QStyledItemDelegate;

protected:
    void initStyleOption(QStyleOptionViewItem* option, const QModelIndex& index) const override
    {
        QStyledItemDelegate::initStyleOption(option, index);
        const Theme theme(option->palette);
        const QVariant severity = index.data(DissectionModel::SeverityRole);
        if (severity.isValid()) {
            const Tone tone = severity.toInt() == static_cast<int>(wire::Severity::Error) ? Tone::Error : Tone::Warning;
            option->palette.setColor(QPalette::Text, theme.tone(tone));
        } else if (index.column() == DissectionModel::Rfc) {
            option->palette.setColor(QPalette::Text, theme.faint());
        }
        if (!index.parent().isValid() && index.column() == DissectionModel::Line) option->font.setBold(true);
    }
};

}  // namespace

FramePane::FramePane(Workspace& workspace, QWidget* parent)
    : QWidget(parent), workspace_(workspace), comments_(new QLabel), tree_(new QTreeView), explanation_(new QLabel), buffers_(new QTabBar), bytes_(new BytesView), splitter_(new QSplitter(Qt::Vertical))
{
    tree_->setModel(&model_);
    tree_->setItemDelegate(new FieldDelegate(tree_));
    tree_->setAccessibleName(tr("Fields of the frame"));
    tree_->setUniformRowHeights(true);
    tree_->header()->setStretchLastSection(false);
    tree_->header()->setSectionResizeMode(DissectionModel::Line, QHeaderView::Stretch);
    tree_->header()->setSectionResizeMode(DissectionModel::Rfc, QHeaderView::Interactive);
    tree_->header()->resizeSection(DissectionModel::Rfc, fontMetrics().horizontalAdvance(QStringLiteral("RFC 9999 §99.9.9")));
    tree_->setIndentation(14);
    explanation_->setTextFormat(Qt::PlainText);
    explanation_->setWordWrap(true);
    explanation_->setMargin(4);
    explanation_->setAlignment(Qt::AlignLeft | Qt::AlignTop);
    explanation_->setTextInteractionFlags(Qt::TextSelectableByMouse);
    explanation_->setMinimumHeight(fontMetrics().height() * 2 + 12);
    explanation_->setAccessibleName(tr("What the field means"));

    comments_->setTextFormat(Qt::PlainText);
    comments_->setWordWrap(true);
    comments_->setMargin(4);
    comments_->setTextInteractionFlags(Qt::TextSelectableByMouse);
    comments_->setAccessibleName(tr("Comments of the file on this frame"));
    comments_->setAutoFillBackground(true);
    paintComments();

    auto* upper = new QWidget;
    auto* column = new QVBoxLayout(upper);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addWidget(comments_);
    column->addWidget(tree_, 1);
    column->addWidget(explanation_);
    buffers_->setExpanding(false);
    buffers_->setDrawBase(false);
    buffers_->setAccessibleName(tr("Octets of"));
    auto* lower = new QWidget;
    auto* octets = new QVBoxLayout(lower);
    octets->setContentsMargins(0, 0, 0, 0);
    octets->setSpacing(0);
    octets->addWidget(buffers_);
    octets->addWidget(bytes_, 1);
    splitter_->addWidget(upper);
    splitter_->addWidget(lower);
    splitter_->setStretchFactor(0, 3);
    splitter_->setStretchFactor(1, 1);
    splitter_->setSizes({300, 130});
    splitter_->setChildrenCollapsible(false);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(splitter_);

    connect(&workspace.cursor(), &TimeCursor::frameChanged, this, &FramePane::showFrame);
    connect(tree_->selectionModel(), &QItemSelectionModel::currentChanged, this, [this](const QModelIndex& now) { showField(now); });
    makeMenu();
    connect(buffers_, &QTabBar::currentChanged, this, &FramePane::showBuffer);
    connect(bytes_, &BytesView::octetChosen, this, &FramePane::showOctet);
    connect(&workspace, &Workspace::sessionChanged, this, &FramePane::showFrame);
    connect(&workspace, &Workspace::viewChanged, this, &FramePane::followView);
    const auto remember = [this](const QModelIndex& index, bool open) {
        if (!arranging_ && !index.parent().isValid()) opened_[model_.node(index)->field] = open;
    };
    connect(tree_, &QTreeView::expanded, this, [remember](const QModelIndex& index) { remember(index, true); });
    connect(tree_, &QTreeView::collapsed, this, [remember](const QModelIndex& index) { remember(index, false); });
    showFrame();
}

void FramePane::showFrame()
{
    const auto frame = workspace_.cursor().frame();
    const capture::TraceSnapshot& trace = workspace_.view().trace;
    decoding_ = workspace_.view().decoding;
    showComments();
    if (!frame || *frame >= trace.size()) {
        model_.clear();
        frameBytes_.clear();
        showBuffers();
        explanation_->setText(workspace_.session() ? tr("Select a packet to see its fields.") : QString());
        return;
    }
    const capture::FrameReading reading(trace, *frame, workspace_.view().decoding);
    std::vector<wire::Finding> more;
    for (const analysis::TraceFinding& finding : workspace_.analysis().findings)
        if (finding.frame == *frame) more.push_back(finding.finding);
    model_.setDissection(reading.dissect(), std::move(more));
    frameBytes_.assign(reading.view().bytes.begin(), reading.view().bytes.end());
    showBuffers();
    expandLayers();
    const QString findings = model_.findingsText();
    explanation_->setText(findings.isEmpty() ? tr("Click a field or an octet to see what it means.") : findings);
}

void FramePane::showComments()
{
    constexpr std::size_t longest = 2000;
    const auto frame = workspace_.cursor().frame();
    QStringList lines;
    if (frame)
        for (const std::string& comment : workspace_.view().notes->packetComments(*frame))
            lines << tr("✎ %1").arg(toQt(comment.substr(0, longest)));
    comments_->setText(lines.join(QLatin1Char('\n')));
    comments_->setVisible(!lines.isEmpty());
}

void FramePane::followView()
{
    if (workspace_.view().decoding != decoding_) showFrame();
    else if (workspace_.view().notes != notes_) showComments();
    notes_ = workspace_.view().notes;
}

void FramePane::showBuffers()
{
    const QSignalBlocker quiet(buffers_);
    while (buffers_->count() > 0) buffers_->removeTab(0);
    buffers_->addTab(tr("Frame, %1 octets").arg(frameBytes_.size()));
    for (const wire::DerivedOctets& buffer : model_.buffers())
        buffers_->addTab(tr("%1, %2 octets").arg(toQt(buffer.name)).arg(buffer.bytes.size()));
    buffers_->setVisible(buffers_->count() > 1);
    showBuffer(0);
}

void FramePane::paintComments()
{
    QPalette note = palette();
    note.setColor(QPalette::Window, Theme(palette()).wash(Tone::Discovery, 0.15));
    comments_->setPalette(note);
}

void FramePane::changeEvent(QEvent* event)
{
    QWidget::changeEvent(event);
    if (event->type() == QEvent::PaletteChange) paintComments();
}

void FramePane::makeMenu()
{
    const auto add = [this](const QString& text, const QKeySequence& key, std::function<void(const QString&)> act) {
        auto* action = new QAction(text, tree_);
        action->setShortcut(key);
        action->setShortcutContext(Qt::WidgetShortcut);
        connect(action, &QAction::triggered, this, [this, act = std::move(act)] {
            if (const QString filter = filterText(); !filter.isEmpty()) act(filter);
        });
        tree_->addAction(action);
    };
    tree_->setContextMenuPolicy(Qt::ActionsContextMenu);
    add(tr("Apply as filter"), QKeySequence(Qt::CTRL | Qt::Key_B), [this](const QString& text) { emit filterRequested(text, false); });
    add(tr("And apply as filter"), QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_B), [this](const QString& text) { emit filterRequested(text, true); });
    add(tr("Copy as Wireshark filter"), {}, [this](const QString& text) { emit copyRequested(text); });
}

QString FramePane::filterText() const
{
    const wire::FieldNode* node = model_.node(tree_->currentIndex());
    return node ? filterFor(*node) : QString();
}

void FramePane::showBuffer(int buffer)
{
    const auto place = static_cast<std::size_t>(buffer);
    if (buffer == 0) bytes_->setBytes(frameBytes_);
    else if (buffer > 0 && place <= model_.buffers().size()) bytes_->setBytes(model_.buffers()[place - 1].bytes);
}

void FramePane::expandLayers()
{
    // What is inside is what one looks for: link and network headers stay closed until someone opens them.
    arranging_ = true;
    for (int row = 0; row < model_.rowCount(); ++row) {
        const QModelIndex layer = model_.index(row, 0);
        const wire::FieldId field = model_.node(layer)->field;
        const auto chosen = opened_.find(field);
        const bool header = field == wire::FieldId::Ethernet || field == wire::FieldId::Ipv6 || field == wire::FieldId::Data;
        if (chosen != opened_.end() ? chosen->second : !header) tree_->expandRecursively(layer, 1);
    }
    arranging_ = false;
}

void FramePane::showField(const QModelIndex& index)
{
    if (!index.isValid()) return;
    const DissectionModel::Range range = model_.rangeOf(index);
    buffers_->setCurrentIndex(range.buffer);
    bytes_->mark(range.offset, range.length);
    explanation_->setText(model_.explanation(index));
}

void FramePane::showOctet(std::size_t offset)
{
    const QModelIndex field = model_.fieldAt(offset, std::max(0, buffers_->currentIndex()));
    if (!field.isValid()) return bytes_->mark(offset, 1);
    tree_->setCurrentIndex(field);
    tree_->scrollTo(field);
}

}  // namespace roamscope::ui
