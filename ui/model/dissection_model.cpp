// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/model/dissection_model.hpp"

#include "ui/model/format.hpp"

#include <algorithm>

namespace roamscope::ui {

namespace {

QString markOf(wire::Severity severity)
{
    switch (severity) {
    case wire::Severity::Note: return QStringLiteral("ℹ ");
    case wire::Severity::Warning: return QStringLiteral("⚠ ");
    case wire::Severity::Error: break;
    }
    return QStringLiteral("✖ ");
}

}  // namespace

QString findingLine(const wire::Finding& finding)
{
    QStringList source;
    if (!finding.rule.empty()) source << toQt(finding.rule);
    if (!finding.rfc.empty()) source << toQt(finding.rfc);
    return markOf(finding.severity) + toQt(finding.text) + (source.isEmpty() ? QString() : QStringLiteral(" (%1)").arg(source.join(QStringLiteral(", "))));
}

void DissectionModel::setDissection(wire::Dissection dissection, std::vector<wire::Finding> more)
{
    beginResetModel();
    dissection_ = std::move(dissection);
    for (wire::Finding& finding : more) {
        const auto same = [&](const wire::Finding& f) { return f.rule == finding.rule && f.text == finding.text && f.offset == finding.offset; };
        if (std::none_of(dissection_.findings.begin(), dissection_.findings.end(), same)) dissection_.findings.push_back(std::move(finding));
    }
    arrange();
    attachFindings();
    endResetModel();
}

void DissectionModel::arrange()
{
    places_.assign(dissection_.nodes.size(), Place{});
    top_.clear();
    std::vector<int> open;  // the line last seen at each depth
    for (std::size_t i = 0; i < places_.size(); ++i) {
        const std::size_t depth = std::min<std::size_t>(dissection_.nodes[i].depth, open.size());
        open.resize(depth);
        Place& place = places_[i];
        place.parent = depth == 0 ? -1 : open[depth - 1];
        std::vector<int>& siblings = depth == 0 ? top_ : places_[static_cast<std::size_t>(place.parent)].children;
        place.row = static_cast<int>(siblings.size());
        siblings.push_back(static_cast<int>(i));
        open.push_back(static_cast<int>(i));
    }
}

void DissectionModel::attachFindings()
{
    for (std::size_t f = 0; f < dissection_.findings.size(); ++f) {
        const wire::Finding& finding = dissection_.findings[f];
        int at = innermost({finding.offset, finding.length, finding.buffer});
        if (at < 0) continue;
        places_[static_cast<std::size_t>(at)].findings.push_back(f);
        for (; at >= 0; at = places_[static_cast<std::size_t>(at)].parent) {
            int& severity = places_[static_cast<std::size_t>(at)].severity;
            severity = std::max(severity, static_cast<int>(finding.severity));
        }
    }
}

int DissectionModel::innermost(const Range& range) const
{
    int best = -1;
    for (std::size_t i = 0; i < dissection_.nodes.size(); ++i) {
        const wire::FieldNode& node = dissection_.nodes[i];
        if (node.buffer != range.buffer || node.offset > range.offset || node.offset + node.length < range.offset + range.length || node.length == 0)
            continue;
        // Of fields that share their octets (bits of one word) the first stands for all, unless a deeper one is smaller.
        if (best < 0 || node.length < dissection_.nodes[static_cast<std::size_t>(best)].length ||
            (node.length == dissection_.nodes[static_cast<std::size_t>(best)].length &&
             node.depth > dissection_.nodes[static_cast<std::size_t>(best)].depth))
            best = static_cast<int>(i);
    }
    return best;
}

const wire::FieldNode* DissectionModel::node(const QModelIndex& index) const
{
    return index.isValid() ? &dissection_.nodes[index.internalId()] : nullptr;
}

DissectionModel::Range DissectionModel::rangeOf(const QModelIndex& index) const
{
    const wire::FieldNode* field = node(index);
    return field ? Range{field->offset, field->length, field->buffer} : Range{};
}

QModelIndex DissectionModel::fieldAt(std::size_t octet, int buffer) const
{
    const int at = innermost({octet, 1, buffer});
    return at < 0 ? QModelIndex() : createIndex(places_[static_cast<std::size_t>(at)].row, 0, static_cast<quintptr>(at));
}

QString DissectionModel::explanation(const QModelIndex& index) const
{
    const wire::FieldNode* field = node(index);
    if (!field) return QString();
    const wire::FieldInfo& info = wire::info(field->field);
    QString text = toQt(info.explanation);
    QStringList source;
    if (!info.rfc.empty()) source << toQt(info.rfc);
    source << toQt(info.name);
    if (field->length <= 1) source << tr("octet %1").arg(field->offset);
    else source << tr("octets %1–%2").arg(field->offset).arg(field->offset + field->length - 1);
    if (field->buffer > 0 && field->buffer <= dissection_.buffers.size()) source << toQt(dissection_.buffers[field->buffer - 1u].name);
    text += QStringLiteral("  [%1]").arg(source.join(QStringLiteral(" · ")));
    for (const std::size_t f : places_[index.internalId()].findings) text += QLatin1Char('\n') + findingLine(dissection_.findings[f]);
    return text;
}

QString DissectionModel::findingsText() const
{
    QStringList lines;
    for (const wire::Finding& finding : dissection_.findings) lines << findingLine(finding);
    return lines.join(QLatin1Char('\n'));
}

const std::vector<int>& DissectionModel::childrenOf(const QModelIndex& parent) const
{
    return parent.isValid() ? places_[parent.internalId()].children : top_;
}

QModelIndex DissectionModel::index(int row, int column, const QModelIndex& parent) const
{
    if (row < 0 || column < 0 || column >= ColumnCount || (parent.isValid() && parent.column() != 0)) return {};
    const std::vector<int>& children = childrenOf(parent);
    if (row >= static_cast<int>(children.size())) return {};
    return createIndex(row, column, static_cast<quintptr>(children[static_cast<std::size_t>(row)]));
}

QModelIndex DissectionModel::parent(const QModelIndex& child) const
{
    if (!child.isValid()) return {};
    const int up = places_[child.internalId()].parent;
    return up < 0 ? QModelIndex() : createIndex(places_[static_cast<std::size_t>(up)].row, 0, static_cast<quintptr>(up));
}

int DissectionModel::rowCount(const QModelIndex& parent) const
{
    return parent.column() > 0 ? 0 : static_cast<int>(childrenOf(parent).size());
}

int DissectionModel::columnCount(const QModelIndex&) const { return ColumnCount; }

QVariant DissectionModel::data(const QModelIndex& index, int role) const
{
    const wire::FieldNode* field = node(index);
    if (!field) return {};
    const int severity = places_[index.internalId()].severity;
    if (role == SeverityRole) return severity < 0 ? QVariant() : QVariant(severity);
    if (role == Qt::DisplayRole && index.column() == Rfc) return toQt(wire::info(field->field).rfc);
    if (role == Qt::DisplayRole) {
        const QString mark = severity < 0 ? QString() : markOf(static_cast<wire::Severity>(severity));
        return mark + toQt(wire::lineText(*field));
    }
    if (role == Qt::ToolTipRole && index.column() == Line) return toQt(wire::lineText(*field)).toHtmlEscaped();
    return {};
}

QVariant DissectionModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal || role != Qt::DisplayRole) return {};
    return section == Line ? tr("Field") : section == Rfc ? tr("Defined in") : QVariant();
}

}  // namespace roamscope::ui
