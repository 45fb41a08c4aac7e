// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/model/binding_model.hpp"

#include "protocol/wire/mobility.hpp"
#include "ui/model/format.hpp"

namespace roamscope::ui {

BindingModel::BindingModel(QObject* parent) : QAbstractTableModel(parent), analysis_(std::make_shared<const analysis::Analysis>()) {}

void BindingModel::show(std::shared_ptr<const analysis::Analysis> analysis, const Names& names, TimePoint time)
{
    std::vector<const analysis::BindingInterval*> rows = analysis->bindingsAt(time);
    const bool sameRows = rows.size() == rows_.size();
    if (!sameRows) beginResetModel();
    analysis_ = std::move(analysis);
    names_ = names;
    time_ = time;
    rows_ = std::move(rows);
    if (!sameRows) endResetModel();
    else if (!rows_.empty()) emit dataChanged(index(0, 0), index(rowCount() - 1, ColumnCount - 1));
}

const analysis::BindingInterval* BindingModel::binding(int row) const
{
    return row >= 0 && row < rowCount() ? rows_[static_cast<std::size_t>(row)] : nullptr;
}

int BindingModel::rowCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : static_cast<int>(rows_.size()); }
int BindingModel::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : ColumnCount; }

QString BindingModel::state(const analysis::BindingInterval& binding) const
{
    const Duration age = time_ - binding.from;
    const QString flags = toQt(wire::flagLetters(wire::BindingUpdate{.sequence = 0, .flags = binding.flags, .lifetime = {}, .options = {}}));
    return tr("acknowledged %1 ago, flags %2").arg(formatDuration(age), flags);
}

QString BindingModel::text(const analysis::BindingInterval& binding, int column) const
{
    switch (column) {
    case Owner: return roleShort(binding.owner);
    case HomeAddress: return names_.of(binding.homeAddress);
    case CareOfAddress: return names_.of(binding.careOfAddress);
    case Sequence: return QString::number(binding.sequence);
    case LifetimeLeft: return formatLifetime(binding.leftAt(time_));
    case State: return state(binding);
    default: return QString();
    }
}

QVariant BindingModel::data(const QModelIndex& index, int role) const
{
    const analysis::BindingInterval* row = binding(index.row());
    if (!row) return {};
    const int column = index.column();
    if (role == Qt::DisplayRole) return text(*row, column);
    if (role == Qt::TextAlignmentRole && (column == Sequence || column == LifetimeLeft)) return int(Qt::AlignRight | Qt::AlignVCenter);
    if (role != Qt::ToolTipRole) return {};
    if (column == Owner) return tr("%1 %2").arg(roleTitle(row->owner), toQt(row->ownerAddress.text()));
    if (column == HomeAddress) return toQt(row->homeAddress.text());
    if (column == CareOfAddress) return toQt(row->careOfAddress.text());
    if (column == LifetimeLeft) return tr("granted %1 at %2 s").arg(formatLifetime(row->lifetime), formatTime(row->from));
    return {};
}

QVariant BindingModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal || role != Qt::DisplayRole) return {};
    switch (section) {
    case Owner: return tr("At");
    case HomeAddress: return tr("Home address");
    case CareOfAddress: return tr("Care-of address");
    case Sequence: return tr("Seq.");
    case LifetimeLeft: return tr("Left");
    case State: return tr("State");
    default: return {};
    }
}

}  // namespace roamscope::ui
