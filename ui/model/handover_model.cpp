// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/model/handover_model.hpp"

#include "ui/model/format.hpp"

#include <QCoreApplication>

namespace roamscope::ui {

QString phaseTitle(const std::string& name)
{
    if (name == "T_L2") return QCoreApplication::translate("Phases", "without a link: last data on the old path to the first frame on the new link");
    if (name == "T_MD") return QCoreApplication::translate("Phases", "movement detection: to the first advertisement on the new link");
    if (name == "T_DAD") return QCoreApplication::translate("Phases", "duplicate address detection: to the first packet from the new care-of address");
    if (name == "T_LBU") return QCoreApplication::translate("Phases", "local registration: Binding Update to the MAP until its acknowledgement");
    if (name == "T_HA") return QCoreApplication::translate("Phases", "home registration: Binding Update to the home agent until its acknowledgement");
    if (name == "T_RR") return QCoreApplication::translate("Phases", "return routability: tests of home and care-of address");
    if (name == "T_CN") return QCoreApplication::translate("Phases", "registration with the correspondent");
    return QString();
}

QString kindTitle(analysis::HandoverKind kind)
{
    using analysis::HandoverKind;
    switch (kind) {
    case HandoverKind::Initial: return QCoreApplication::translate("Handovers", "The first registration, not a movement.");
    case HandoverKind::IntraMap: return QCoreApplication::translate("Handovers", "To another link of the same MAP: only the MAP is told.");
    case HandoverKind::InterMap: return QCoreApplication::translate("Handovers", "To the domain of another MAP: MAP and home agent are told.");
    case HandoverKind::Home: return QCoreApplication::translate("Handovers", "To another link without a MAP: the home agent is told.");
    case HandoverKind::ReturnHome: return QCoreApplication::translate("Handovers", "Back to the home link.");
    case HandoverKind::PathAdded: return QCoreApplication::translate("Handovers", "One more care-of address beside those that stay (RFC 5648).");
    case HandoverKind::PathRemoved: return QCoreApplication::translate("Handovers", "One care-of address less; the others stay (RFC 5648).");
    case HandoverKind::PathSwitched: return QCoreApplication::translate("Handovers", "One care-of address in the place of another beside those that stay (RFC 5648).");
    }
    return QString();
}

HandoverModel::HandoverModel(QObject* parent) : QAbstractTableModel(parent), analysis_(std::make_shared<const analysis::Analysis>()) {}

void HandoverModel::show(std::shared_ptr<const analysis::Analysis> analysis)
{
    const int before = rowCount();
    const int after = static_cast<int>(analysis->handovers.size());
    if (after > before) {  // the usual growth keeps selection and scroll position
        beginInsertRows({}, before, after - 1);
        analysis_ = std::move(analysis);
        endInsertRows();
    } else if (after < before) {
        beginResetModel();
        analysis_ = std::move(analysis);
        endResetModel();
    } else {
        analysis_ = std::move(analysis);
    }
    if (before > 0 && after > 0) emit dataChanged(index(0, 0), index(rowCount() - 1, ColumnCount - 1));
}

int HandoverModel::rowCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : static_cast<int>(analysis_->handovers.size()); }
int HandoverModel::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : ColumnCount; }

QString HandoverModel::text(const analysis::Handover& handover, int row, int column) const
{
    switch (column) {
    case Number: {
        const std::size_t number = analysis_->handoverNumber(static_cast<std::size_t>(row));
        return number == 0 ? QStringLiteral("–") : QString::number(number);
    }
    case Kind: {
        const QString kind = toQt(analysis::handoverKindName(handover.kind));
        return handover.bid ? tr("%1, BID %2").arg(kind).arg(*handover.bid) : kind;
    }
    case FromTo: {
        if (handover.kind == analysis::HandoverKind::PathRemoved) return QStringLiteral("%1 →").arg(handover.fromLink.empty() ? QStringLiteral("?") : toQt(handover.fromLink));
        const QString to = handover.toLink.empty() ? QStringLiteral("?") : toQt(handover.toLink);
        return handover.fromLink.empty() ? QStringLiteral("→ %1").arg(to) : QStringLiteral("%1 → %2").arg(toQt(handover.fromLink), to);
    }
    case Start: return formatTime(handover.start);
    case Interruption: return handover.interruption ? formatDuration(*handover.interruption) : handover.end ? QStringLiteral("–") : tr("under way");
    case Phases: {
        QStringList parts;
        for (const analysis::Phase& phase : handover.phases)
            parts << QStringLiteral("%1 %2").arg(toQt(phase.name), formatDuration(phase.end - phase.start));
        return parts.join(QStringLiteral(" · "));
    }
    case Lost: return QString::number(handover.lost);
    default: return QString();
    }
}

QVariant HandoverModel::data(const QModelIndex& index, int role) const
{
    if (!index.isValid() || index.row() >= rowCount()) return {};
    const analysis::Handover& handover = analysis_->handovers[static_cast<std::size_t>(index.row())];
    if (role == Qt::DisplayRole) return text(handover, index.row(), index.column());
    if (role == Qt::TextAlignmentRole && (index.column() == Number || index.column() == Start || index.column() == Interruption || index.column() == Lost))
        return int(Qt::AlignRight | Qt::AlignVCenter);
    if (role != Qt::ToolTipRole) return {};
    if (index.column() == Kind) return kindTitle(handover.kind);
    if (index.column() == Interruption) return tr("From the last data packet on the old path to the first on the new one.");
    if (index.column() == Lost) return tr("Probes sent in between that never arrived; %1 came twice, %2 out of order.").arg(handover.duplicated).arg(handover.reordered);
    if (index.column() != Phases) return {};
    QStringList lines;
    for (const analysis::Phase& phase : handover.phases)
        lines << QStringLiteral("%1 %2 – %3").arg(toQt(phase.name), formatDuration(phase.end - phase.start), phaseTitle(phase.name));
    return lines.join(QLatin1Char('\n'));
}

QVariant HandoverModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal || role != Qt::DisplayRole) return {};
    switch (section) {
    case Number: return tr("#");
    case Kind: return tr("Kind");
    case FromTo: return tr("From → to");
    case Start: return tr("Start (s)");
    case Interruption: return tr("Interruption");
    case Phases: return tr("Phases");
    case Lost: return tr("Lost");
    default: return {};
    }
}

}  // namespace roamscope::ui
