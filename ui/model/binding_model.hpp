// SPDX-License-Identifier: GPL-3.0-or-later
// The binding tables at one instant: a row per binding that is alive then, the MAP's first. Lifetimes count down with the
// cursor.
#pragma once

#include "capture/analysis/analysis.hpp"
#include "ui/model/names.hpp"

#include <QAbstractTableModel>

#include <memory>
#include <vector>

namespace roamscope::ui {

class BindingModel : public QAbstractTableModel {
    Q_OBJECT

public:
    enum Column { Owner, HomeAddress, CareOfAddress, Sequence, LifetimeLeft, State, ColumnCount };

    explicit BindingModel(QObject* parent = nullptr);

    /// Shows the bindings of `analysis` at `time`; keeps what it needs of both.
    void show(std::shared_ptr<const analysis::Analysis> analysis, const Names& names, TimePoint time);
    /// The binding of a row; null when out of range.
    [[nodiscard]] const analysis::BindingInterval* binding(int row) const;

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;

private:
    [[nodiscard]] QString text(const analysis::BindingInterval& binding, int column) const;
    [[nodiscard]] QString state(const analysis::BindingInterval& binding) const;

    std::shared_ptr<const analysis::Analysis> analysis_;
    Names names_;
    TimePoint time_{};
    std::vector<const analysis::BindingInterval*> rows_;
};

}  // namespace roamscope::ui
