// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/view/tables.hpp"

#include "ui/model/format.hpp"
#include "ui/model/theme.hpp"

#include <QGuiApplication>
#include <QHeaderView>
#include <QPainter>

#include <algorithm>

namespace roamscope::ui {

namespace {

/// Widths for typical content; the last column takes the rest.
void sizeColumns(QTableView& table, std::initializer_list<const char*> widest)
{
    int column = 0;
    for (const char* text : widest) table.horizontalHeader()->resizeSection(column++, table.fontMetrics().horizontalAdvance(QString::fromUtf8(text)) + 14);
}

}  // namespace

PlainTable::PlainTable(const QString& name, QWidget* parent) : QTableView(parent)
{
    setAccessibleName(name);
    setSelectionBehavior(QAbstractItemView::SelectRows);
    setSelectionMode(QAbstractItemView::SingleSelection);
    setShowGrid(false);
    setWordWrap(false);
    setTabKeyNavigation(false);
    verticalHeader()->hide();
    verticalHeader()->setDefaultSectionSize(fontMetrics().height() + 6);
    horizontalHeader()->setStretchLastSection(true);
    horizontalHeader()->setHighlightSections(false);
    horizontalHeader()->setDefaultAlignment(Qt::AlignLeft | Qt::AlignVCenter);
    setFrameShape(QFrame::NoFrame);
}

void PlainTable::setEmptyText(const QString& text)
{
    emptyText_ = text;
    viewport()->update();
}

void PlainTable::paintEvent(QPaintEvent* event)
{
    QTableView::paintEvent(event);
    if (!model() || model()->rowCount() > 0) return;
    QPainter painter(viewport());
    painter.setPen(Theme(palette()).faint());
    painter.drawText(viewport()->rect().adjusted(10, 4, -10, -4), Qt::AlignCenter | Qt::TextWordWrap, emptyText_);
}

BindingsView::BindingsView(Workspace& workspace, QWidget* parent) : PlainTable(tr("Bindings at the cursor"), parent), workspace_(workspace)
{
    setModel(&model_);
    sizeColumns(*this, {"MAP x", "Home address xx", "100, priority 99", "Care-of address xx", "2001:db8:1f0::/64", "9: UDP, to port 65535", "65535", "3 600 s"});
    connect(&workspace, &Workspace::viewChanged, this, &BindingsView::refresh);
    connect(&workspace.cursor(), &TimeCursor::timeChanged, this, &BindingsView::refresh);
    // Where the binding came to be is the acknowledgement that made it.
    connect(this, &QTableView::clicked, this, [this](const QModelIndex& index) {
        if (const auto frame = model_.frameOf(index.row())) workspace_.goToFrame(*frame);
    });
    horizontalHeader()->setResizeContentsPrecision(0);  // only rows that are seen, with every step of the cursor
    connect(horizontalHeader(), &QHeaderView::sectionResized, this, [this](int section) {
        const bool byHand = !fitting_ && section != BindingModel::State && (QGuiApplication::mouseButtons() & Qt::LeftButton) != 0;
        sizedByHand_ = sizedByHand_ || byHand;
    });
    refresh();
}

void BindingsView::fitColumns()
{
    if (sizedByHand_ || model_.rowCount() == 0) return;
    fitting_ = true;
    for (const int column : {BindingModel::HomeAddress, BindingModel::Identifier, BindingModel::CareOfAddress, BindingModel::Networks, BindingModel::Flows}) {
        constexpr int widest = 220, gap = 8;
        if (!isColumnHidden(column)) setColumnWidth(column, std::clamp(sizeHintForColumn(column) + gap, horizontalHeader()->sectionSizeHint(column), widest));
    }
    fitting_ = false;
}

void BindingsView::refresh()
{
    fitting_ = true;  // resets and hiding resize, too
    model_.show(workspace_.view().analysis, workspace_.names(), workspace_.cursor().time());
    setColumnHidden(BindingModel::Identifier, !model_.hasIdentifiers());
    setColumnHidden(BindingModel::Networks, !model_.hasNetworks());
    setColumnHidden(BindingModel::Flows, !model_.hasFlows());
    fitting_ = false;
    fitColumns();
    if (model_.rowCount() > 0) return;
    setEmptyText(!workspace_.notAnalysed().isEmpty() ? workspace_.notAnalysed()
                 : workspace_.analysis().bindings.empty()
                     ? tr("No binding yet: no Binding Update was acknowledged in %1 frames.").arg(formatCount(workspace_.analysis().frames))
                     : tr("No binding is alive at %1 s. The first one begins at %2 s.")
                           .arg(formatTime(workspace_.cursor().time()), formatTime(workspace_.analysis().bindings.front().from)));
}

HandoversView::HandoversView(Workspace& workspace, QWidget* parent) : PlainTable(tr("Handovers"), parent), workspace_(workspace)
{
    setModel(&model_);
    sizeColumns(*this, {"99 ", "path-removed, BID 10", "wlan → cell", "999.999 999", "Interruption", "9 999"});
    connect(&workspace, &Workspace::viewChanged, this, &HandoversView::refresh);
    connect(this, &QTableView::clicked, this, [this](const QModelIndex& index) { emit handoverChosen(static_cast<std::size_t>(index.row())); });
    connect(this, &QTableView::activated, this, [this](const QModelIndex& index) { emit handoverChosen(static_cast<std::size_t>(index.row())); });
    refresh();
}

void HandoversView::refresh()
{
    model_.show(workspace_.view().analysis);
    if (model_.rowCount() == 0)
        setEmptyText(!workspace_.notAnalysed().isEmpty() ? workspace_.notAnalysed() : tr("No handover yet. One is a change of a mobile node's care-of address, shown by a Binding Update and its acknowledgement."));
}

FlowsView::FlowsView(Workspace& workspace, QWidget* parent) : PlainTable(tr("Flows"), parent), workspace_(workspace)
{
    setModel(&model_);
    sizeColumns(*this, {"from-seat", "   from the mobile node", "home link", "mn (CoA, BID 10)", "99 999", "9 999", "9 999"});
    connect(&workspace, &Workspace::viewChanged, this, &FlowsView::refresh);
    connect(&workspace, &Workspace::sessionChanged, this, &FlowsView::refresh);
    connect(this, &QTableView::clicked, this, [this](const QModelIndex& index) {
        if (const auto frame = model_.frameOf(index.row())) workspace_.goToFrame(*frame);
    });
    refresh();
}

void FlowsView::refresh()
{
    model_.show(workspace_.view().analysis, workspace_.names(), workspace_.scenario());
    if (model_.rowCount() == 0)
        setEmptyText(!workspace_.notAnalysed().isEmpty() ? workspace_.notAnalysed() : tr("No probes: flows are those of Roamscope's own traffic source, which numbers what it sends."));
}

}  // namespace roamscope::ui
