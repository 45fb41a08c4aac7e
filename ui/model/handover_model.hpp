// SPDX-License-Identifier: GPL-3.0-or-later
// The table of handovers that analysis found so far, a row each.
#pragma once

#include "capture/analysis/analysis.hpp"

#include <QAbstractTableModel>

#include <memory>

namespace roamscope::ui {

class HandoverModel : public QAbstractTableModel {
    Q_OBJECT

public:
    enum Column { Number, Kind, FromTo, Start, Interruption, Lost, Phases, ColumnCount };

    explicit HandoverModel(QObject* parent = nullptr);

    void show(std::shared_ptr<const analysis::Analysis> analysis);

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;

private:
    [[nodiscard]] QString text(const analysis::Handover& handover, int row, int column) const;

    std::shared_ptr<const analysis::Analysis> analysis_;
};

/// What a phase of the handover model measures, in words: "T_DAD" → "duplicate address detection …".
[[nodiscard]] QString phaseTitle(const std::string& name);

/// What a kind of handover is, in a sentence.
[[nodiscard]] QString kindTitle(analysis::HandoverKind kind);

}  // namespace roamscope::ui
