// SPDX-License-Identifier: GPL-3.0-or-later
// The table of probe flows: a row for each flow, and below it one for each care-of address that its probes took, with what was
// lost, delivered twice and overtaken there.
#pragma once

#include "capture/analysis/analysis.hpp"
#include "ui/model/names.hpp"

#include <QAbstractTableModel>

#include <memory>
#include <optional>
#include <vector>

namespace roamscope::ui {

class FlowModel : public QAbstractTableModel {
    Q_OBJECT

public:
    enum Column { FlowName, FromTo, Path, CareOfAddress, Probes, Lost, Duplicated, Reordered, ColumnCount };

    explicit FlowModel(QObject* parent = nullptr);

    /// `scenario` names the flows; may be null. Keeps what it needs of all.
    void show(std::shared_ptr<const analysis::Analysis> analysis, const Names& names, const lab::Scenario* scenario);
    /// Where to look for a row's flow: its first probe that was lost, else delivered twice, else the first one. None when out of range.
    [[nodiscard]] std::optional<analysis::FrameIndex> frameOf(int row) const;

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;

private:
    struct Row {
        std::size_t flow = 0;
        std::optional<std::size_t> path;  ///< of that flow; none: the whole flow
        bool operator==(const Row&) const = default;
    };
    [[nodiscard]] QString wholeText(const analysis::Flow& flow, int column) const;
    [[nodiscard]] QString pathText(const analysis::Flow& flow, const analysis::FlowPath& path, int column) const;

    std::shared_ptr<const analysis::Analysis> analysis_;
    Names names_;
    QStringList flowNames_;  ///< of the scenario, by number
    std::vector<Row> rows_;
};

}  // namespace roamscope::ui
