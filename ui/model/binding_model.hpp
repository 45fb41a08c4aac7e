// SPDX-License-Identifier: GPL-3.0-or-later
// The binding tables at one instant: a row per binding that is alive then, the MAP's first, and behind those of a home address one for
// each identifier that was refused beside them (RFC 5648 §4.3). Lifetimes count down with the cursor.
#pragma once

#include "capture/analysis/analysis.hpp"
#include "ui/model/names.hpp"

#include <QAbstractTableModel>

#include <memory>
#include <optional>
#include <tuple>
#include <vector>

namespace roamscope::ui {

class BindingModel : public QAbstractTableModel {
    Q_OBJECT

public:
    enum Column { Owner, HomeAddress, Identifier, CareOfAddress, Networks, Flows, Sequence, LifetimeLeft, State, ColumnCount };

    explicit BindingModel(QObject* parent = nullptr);

    /// Shows the bindings of `analysis` at `time`; keeps what it needs of both.
    void show(std::shared_ptr<const analysis::Analysis> analysis, const Names& names, TimePoint time);
    /// Whether any binding of the trace has an identifier (RFC 5648), is of a mobile router (RFC 3963), or has flows (RFC 6089):
    /// columns that are empty otherwise.
    [[nodiscard]] bool hasIdentifiers() const { return hasIdentifiers_; }
    [[nodiscard]] bool hasNetworks() const { return hasNetworks_; }
    [[nodiscard]] bool hasFlows() const { return !analysis_->flowBindings.empty(); }
    /// The binding of a row; null when out of range or refused.
    [[nodiscard]] const analysis::BindingInterval* binding(int row) const;
    /// The acknowledgement that a row comes from.
    [[nodiscard]] std::optional<analysis::FrameIndex> frameOf(int row) const;

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;

private:
    /// One of both.
    struct Row {
        const analysis::BindingInterval* binding = nullptr;
        const analysis::IdentifierAnswer* refused = nullptr;
    };

    using Owned = std::tuple<analysis::Role, Ipv6Address, Ipv6Address>;  ///< owner and home address
    /// A refused identifier until the next answer about it.
    struct Refusal {
        const analysis::IdentifierAnswer* answer = nullptr;
        Owned of;
        TimePoint until = TimePoint::max();
    };

    /// Sees what stands as long as the analysis does: looking it up at every step of the cursor would take too long.
    void look(const analysis::Analysis& analysis);
    [[nodiscard]] std::vector<Row> rowsAt(const analysis::Analysis& analysis, TimePoint time) const;
    [[nodiscard]] QVariant refusedData(const analysis::IdentifierAnswer& answer, int column, int role) const;
    [[nodiscard]] QString text(const analysis::BindingInterval& binding, int column) const;
    [[nodiscard]] QString state(const analysis::BindingInterval& binding) const;
    [[nodiscard]] QString networks(const analysis::BindingInterval& binding, const QString& separator) const;
    [[nodiscard]] QString flows(const analysis::BindingInterval& binding, bool whole) const;

    std::shared_ptr<const analysis::Analysis> analysis_;
    Names names_;
    TimePoint time_{};
    bool hasIdentifiers_ = false;
    bool hasNetworks_ = false;
    std::vector<Refusal> refusals_;  ///< by time
    std::vector<Row> rows_;
};

}  // namespace roamscope::ui
