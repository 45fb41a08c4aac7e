// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/model/binding_model.hpp"

#include "protocol/wire/mobility.hpp"
#include "protocol/wire/mobility_names.hpp"
#include "ui/model/format.hpp"

#include <algorithm>
#include <map>

namespace roamscope::ui {

BindingModel::BindingModel(QObject* parent) : QAbstractTableModel(parent), analysis_(std::make_shared<const analysis::Analysis>()) {}

void BindingModel::show(std::shared_ptr<const analysis::Analysis> analysis, const Names& names, TimePoint time)
{
    if (analysis_ != analysis) look(*analysis);
    std::vector<Row> rows = rowsAt(*analysis, time);
    const bool sameRows = rows.size() == rows_.size();
    if (!sameRows) beginResetModel();
    analysis_ = std::move(analysis);
    names_ = names;
    time_ = time;
    rows_ = std::move(rows);
    if (!sameRows) endResetModel();
    else if (!rows_.empty()) emit dataChanged(index(0, 0), index(rowCount() - 1, ColumnCount - 1));
}

void BindingModel::look(const analysis::Analysis& analysis)
{
    const auto any = [&](const auto& is) { return std::any_of(analysis.bindings.begin(), analysis.bindings.end(), is); };
    hasIdentifiers_ = any([](const analysis::BindingInterval& b) { return b.bid.has_value(); });
    hasNetworks_ = any([](const analysis::BindingInterval& b) { return b.router; });
    refusals_.clear();
    constexpr std::uint8_t refused = 128;
    std::map<std::pair<Owned, std::uint16_t>, std::size_t> open;  // into refusals_
    for (const analysis::IdentifierAnswer& answer : analysis.identifierAnswers) {
        if (answer.status < refused && open.empty()) continue;
        const analysis::Exchange& exchange = analysis.exchanges[answer.exchange];
        const Owned of{exchange.peer, exchange.peerAddress, exchange.homeAddress};
        if (const auto before = open.find({of, answer.bid}); before != open.end()) {
            refusals_[before->second].until = answer.time;
            open.erase(before);
        }
        if (answer.status < refused) continue;
        open[{of, answer.bid}] = refusals_.size();
        refusals_.push_back({&answer, of});
    }
}

std::vector<BindingModel::Row> BindingModel::rowsAt(const analysis::Analysis& analysis, TimePoint time) const
{
    std::map<Owned, std::map<std::uint16_t, const analysis::IdentifierAnswer*>> refusals;
    for (const Refusal& r : refusals_)
        if (r.answer->time <= time && time < r.until) refusals[r.of][r.answer->bid] = r.answer;
    std::vector<Row> rows;
    const auto bindings = analysis.bindingsAt(time);
    const auto ownedBy = [](const analysis::BindingInterval& b) { return Owned{b.owner, b.ownerAddress, b.homeAddress}; };
    for (std::size_t i = 0; i < bindings.size(); ++i) {
        rows.push_back({bindings[i], nullptr});
        if (refusals.empty()) continue;
        const auto answers = refusals.find(ownedBy(*bindings[i]));
        if (answers == refusals.end()) continue;
        if (bindings[i]->bid) answers->second.erase(*bindings[i]->bid);
        if (i + 1 < bindings.size() && ownedBy(*bindings[i + 1]) == answers->first) continue;
        for (const auto& [bid, answer] : answers->second) rows.push_back({nullptr, answer});
    }
    return rows;
}

const analysis::BindingInterval* BindingModel::binding(int row) const
{
    return row >= 0 && row < rowCount() ? rows_[static_cast<std::size_t>(row)].binding : nullptr;
}

std::optional<analysis::FrameIndex> BindingModel::frameOf(int row) const
{
    if (row < 0 || row >= rowCount()) return std::nullopt;
    const Row& at = rows_[static_cast<std::size_t>(row)];
    return at.binding ? at.binding->acknowledgement : at.refused->frame;
}

int BindingModel::rowCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : static_cast<int>(rows_.size()); }
int BindingModel::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : ColumnCount; }

QString BindingModel::state(const analysis::BindingInterval& binding) const
{
    const Duration age = time_ - binding.from;
    const QString flags = toQt(wire::flagLetters(wire::BindingUpdate{.sequence = 0, .flags = binding.flags, .lifetime = {}, .options = {}}));
    const QString status = binding.status == 0 ? QString() : tr(", status %1").arg(binding.status);
    return tr("%1 old, %2").arg(formatDuration(age), flags) + status;
}

QString BindingModel::networks(const analysis::BindingInterval& binding, const QString& separator) const
{
    if (!binding.router) return QString();
    const std::vector<Prefix>* networks = analysis_->networksOf(binding);
    if (!networks) return tr("known to %1").arg(names_.node(binding.ownerAddress));
    QStringList out;
    for (const Prefix& network : *networks) out << toQt(network.text());
    return out.join(separator);
}

QString BindingModel::flows(const analysis::BindingInterval& binding, bool whole) const
{
    QStringList out;
    for (const analysis::FlowInterval* flow : analysis_->flowsOf(binding, time_))
        out << (whole ? tr("Flow %1, priority %2: %3").arg(flow->flow).arg(flow->priority).arg(toQt(flow->selector))
                      : tr("%1: %2").arg(flow->flow).arg(names_.named(toQt(flow->selector))));
    return out.join(whole ? QStringLiteral("\n") : QStringLiteral("; "));
}

QString BindingModel::text(const analysis::BindingInterval& binding, int column) const
{
    switch (column) {
    case Owner: return roleShort(binding.owner);
    case HomeAddress: return names_.of(binding.homeAddress);
    case Identifier: {
        if (!binding.bid) return QString();
        const QString priority = binding.priority == 0 ? QString() : tr(", priority %1").arg(binding.priority);
        return QString::number(*binding.bid) + priority;
    }
    case CareOfAddress: return binding.homeLink ? tr("home link") : names_.of(binding.careOfAddress);
    case Networks: return networks(binding, QStringLiteral(", "));
    case Flows: return flows(binding, false);
    case Sequence: return QString::number(binding.sequence);
    case LifetimeLeft: return formatLifetime(binding.leftAt(time_));
    case State: return state(binding);
    default: return QString();
    }
}

QVariant BindingModel::data(const QModelIndex& index, int role) const
{
    if (index.row() < 0 || index.row() >= rowCount()) return {};
    const int column = index.column();
    const analysis::BindingInterval* row = binding(index.row());
    if (!row) return refusedData(*rows_[static_cast<std::size_t>(index.row())].refused, column, role);
    if (role == Qt::DisplayRole) return text(*row, column);
    if (role == Qt::TextAlignmentRole && (column == Sequence || column == LifetimeLeft)) return int(Qt::AlignRight | Qt::AlignVCenter);
    if (role != Qt::ToolTipRole) return {};
    if (column == Owner) return tr("%1 %2").arg(roleTitle(row->owner), toQt(row->ownerAddress.text()));
    if (column == HomeAddress) return toQt(row->homeAddress.text());
    if (column == CareOfAddress) return toQt(row->careOfAddress.text());
    if (column == Identifier && row->bid) return tr("Binding identifier (RFC 5648); of several, the lowest priority is used first (RFC 6089)");
    if (column == Networks && row->router)
        return !analysis_->networksOf(*row) ? tr("The update of the mobile router names no prefix: the home agent knows what is behind it (RFC 3963 §5.2, implicit mode).")
                                     : tr("Behind the mobile router (RFC 3963):\n%1").arg(networks(*row, QStringLiteral("\n")));
    if (column == Flows) return flows(*row, true);
    if (column == State)
        return tr("Acknowledged at %1 s with status %2 (%3); the letters are flags of the Binding Update.")
            .arg(formatTime(row->from)).arg(row->status).arg(toQt(wire::bindingStatusName(row->status)));
    if (column == LifetimeLeft) return tr("granted %1 at %2 s").arg(formatLifetime(row->lifetime), formatTime(row->from));
    return {};
}

QVariant BindingModel::refusedData(const analysis::IdentifierAnswer& answer, int column, int role) const
{
    const analysis::Exchange& exchange = analysis_->exchanges[answer.exchange];
    const QString status = toQt(wire::bindingStatusName(answer.status));
    if (role == Qt::ToolTipRole && column == State)
        return tr("Asked for and refused at %1 s with status %2 (%3); the other identifiers of the update may have been accepted (RFC 5648 §6.2).")
            .arg(formatTime(answer.time)).arg(answer.status).arg(status);
    if (role == Qt::TextAlignmentRole && column == Sequence) return int(Qt::AlignRight | Qt::AlignVCenter);
    if (role != Qt::DisplayRole) return {};
    switch (column) {
    case Owner: return roleShort(exchange.peer);
    case HomeAddress: return names_.of(exchange.homeAddress);
    case Identifier: return QString::number(answer.bid);
    case CareOfAddress: return QStringLiteral("–");
    case Sequence: return QString::number(exchange.sequence);
    case State: return tr("refused: %1 (%2)").arg(status).arg(answer.status);
    default: return {};
    }
}

QVariant BindingModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal || role != Qt::DisplayRole) return {};
    switch (section) {
    case Owner: return tr("At");
    case HomeAddress: return tr("Home address");
    case Identifier: return tr("BID");
    case CareOfAddress: return tr("Care-of address");
    case Networks: return tr("Networks");
    case Flows: return tr("Flows");
    case Sequence: return tr("Seq.");
    case LifetimeLeft: return tr("Left");
    case State: return tr("State");
    default: return {};
    }
}

}  // namespace roamscope::ui
