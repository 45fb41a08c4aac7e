// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/model/flow_model.hpp"

#include "ui/model/format.hpp"

#include <algorithm>

namespace roamscope::ui {

FlowModel::FlowModel(QObject* parent) : QAbstractTableModel(parent), analysis_(std::make_shared<const analysis::Analysis>()) {}

void FlowModel::show(std::shared_ptr<const analysis::Analysis> analysis, const Names& names, const lab::Scenario* scenario)
{
    std::vector<Row> rows;
    for (std::size_t flow = 0; flow < analysis->flows.size(); ++flow) {
        rows.push_back({flow, std::nullopt});
        for (std::size_t path = 0; path < analysis->flows[flow].paths.size(); ++path) rows.push_back({flow, path});
    }
    const bool sameRows = rows == rows_;
    if (!sameRows) beginResetModel();
    analysis_ = std::move(analysis);
    names_ = names;
    rows_ = std::move(rows);
    flowNames_.clear();
    if (scenario)
        for (const lab::TrafficSpec& traffic : scenario->traffic) flowNames_ << toQt(traffic.flow);
    if (!sameRows) endResetModel();
    else if (!rows_.empty()) emit dataChanged(index(0, 0), index(rowCount() - 1, ColumnCount - 1));
}

std::optional<analysis::FrameIndex> FlowModel::frameOf(int row) const
{
    if (row < 0 || row >= rowCount()) return std::nullopt;
    const auto& probes = analysis_->flows[rows_[static_cast<std::size_t>(row)].flow].probes;
    const auto lost = std::find_if(probes.begin(), probes.end(), [](const analysis::ProbeSample& p) { return p.copies == 0; });
    const auto twice = std::find_if(probes.begin(), probes.end(), [](const analysis::ProbeSample& p) { return p.copies > 1; });
    for (const auto& found : {lost, twice, probes.begin()})
        if (found != probes.end()) return found->frame;
    return std::nullopt;
}

int FlowModel::rowCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : static_cast<int>(rows_.size()); }
int FlowModel::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : ColumnCount; }

QString FlowModel::wholeText(const analysis::Flow& flow, int column) const
{
    switch (column) {
    case FlowName: return flow.id < flowNames_.size() ? flowNames_[flow.id] : QString::number(flow.id);
    case FromTo: return QStringLiteral("%1 → %2").arg(names_.node(flow.source), names_.node(flow.destination));
    case Path: return tr("all paths");
    case Probes: return formatCount(flow.probes.size());
    case Lost: return formatCount(flow.lost);
    case Duplicated: return formatCount(flow.duplicated);
    case Reordered: return formatCount(flow.reordered);
    default: return QString();
    }
}

QString FlowModel::pathText(const analysis::Flow& flow, const analysis::FlowPath& path, int column) const
{
    switch (column) {
    case FromTo:
        if (path.router) return path.toMobile ? tr("   to its mobile router") : tr("   from its mobile router");
        return path.toMobile ? tr("   to the mobile node") : tr("   from the mobile node");
    case Path: {
        if (path.bid) return tr("BID %1").arg(*path.bid);
        const Names::Party* party = names_.party(path.careOfAddress);
        const bool home = path.careOfAddress == flow.destination || path.careOfAddress == flow.source || (path.router && party && party->detail == QLatin1String("HoA"));
        return home ? tr("home link") : QStringLiteral("–");
    }
    case CareOfAddress: return names_.of(path.careOfAddress);
    case Probes: return formatCount(path.probes);
    case Lost: return formatCount(path.lost);
    case Duplicated: return formatCount(path.duplicated);
    case Reordered: return formatCount(path.reordered);
    default: return QString();
    }
}

QVariant FlowModel::data(const QModelIndex& index, int role) const
{
    if (!index.isValid() || index.row() >= rowCount()) return {};
    const Row& row = rows_[static_cast<std::size_t>(index.row())];
    const analysis::Flow& flow = analysis_->flows[row.flow];
    const int column = index.column();
    if (role == Qt::DisplayRole) return row.path ? pathText(flow, flow.paths[*row.path], column) : wholeText(flow, column);
    if (role == Qt::TextAlignmentRole && column >= Probes) return int(Qt::AlignRight | Qt::AlignVCenter);
    if (role != Qt::ToolTipRole) return {};
    if (column == FromTo && !row.path) return QStringLiteral("%1 → %2").arg(toQt(flow.source.text()), toQt(flow.destination.text()));
    if (column == CareOfAddress && row.path) return toQt(flow.paths[*row.path].careOfAddress.text());
    if (column == Lost) return row.path ? tr("Sent this way and never delivered.") : tr("Sent and never delivered, wherever they were lost.");
    if (column == Duplicated) return row.path ? tr("Delivered more than once by this way.") : tr("Delivered more than once, by whatever ways.");
    if (column == Reordered) return row.path ? tr("Delivered after a later one of this way.") : tr("Delivered after a later one.");
    return {};
}

QVariant FlowModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal || role != Qt::DisplayRole) return {};
    switch (section) {
    case FlowName: return tr("Flow");
    case FromTo: return tr("From → to");
    case Path: return tr("Path");
    case CareOfAddress: return tr("Care-of address");
    case Probes: return tr("Probes");
    case Lost: return tr("Lost");
    case Duplicated: return tr("Twice");
    case Reordered: return tr("Overtaken");
    default: return {};
    }
}

}  // namespace roamscope::ui
