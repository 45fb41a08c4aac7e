// SPDX-License-Identifier: GPL-3.0-or-later
// The tree of one dissected frame for a QTreeView: the flat list of fields with its depths, a column with the line and one
// with the RFC section. Fields with findings, and the groups around them, carry a mark.
#pragma once

#include "protocol/wire/summary.hpp"

#include <QAbstractItemModel>

#include <utility>
#include <vector>

namespace roamscope::ui {

class DissectionModel : public QAbstractItemModel {
    Q_OBJECT

public:
    enum Column { Line, Rfc, ColumnCount };
    enum DataRole { SeverityRole = Qt::UserRole };  ///< int(wire::Severity) of the worst finding at or below the line, or none

    struct Range {
        std::size_t offset = 0;
        std::size_t length = 0;
        int buffer = 0;  ///< 0: the frame; n: the n-th of buffers()
    };

    using QAbstractItemModel::QAbstractItemModel;

    /// Shows another frame; `more` are findings about it that only the whole trace shows.
    void setDissection(wire::Dissection dissection, std::vector<wire::Finding> more = {});
    void clear() { setDissection({}); }

    [[nodiscard]] Range rangeOf(const QModelIndex& index) const;
    /// The innermost field that covers an octet of the frame (or of a buffer, see Range); invalid when none does.
    [[nodiscard]] QModelIndex fieldAt(std::size_t octet, int buffer = 0) const;
    /// Octets that do not stand in the frame itself: reassembled, decrypted.
    [[nodiscard]] const std::vector<wire::DerivedOctets>& buffers() const { return dissection_.buffers; }
    /// What the field means, in plain words, its RFC section and what is wrong with it. Plain text.
    [[nodiscard]] QString explanation(const QModelIndex& index) const;
    /// Findings of the frame, one a line; empty when there are none.
    [[nodiscard]] QString findingsText() const;
    [[nodiscard]] const wire::FieldNode* node(const QModelIndex& index) const;

    [[nodiscard]] QModelIndex index(int row, int column, const QModelIndex& parent = {}) const override;
    [[nodiscard]] QModelIndex parent(const QModelIndex& child) const override;
    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role = Qt::DisplayRole) const override;

private:
    struct Place {
        int parent = -1;              ///< index into nodes, -1 at the top
        int row = 0;
        std::vector<int> children;
        int severity = -1;
        std::vector<std::size_t> findings;
    };

    void arrange();
    void attachFindings();
    [[nodiscard]] int innermost(const Range& range) const;
    [[nodiscard]] const std::vector<int>& childrenOf(const QModelIndex& parent) const;

    wire::Dissection dissection_;
    std::vector<Place> places_;  ///< one per node
    std::vector<int> top_;
};

/// "MN-BU-02, RFC 6275 §6.2.5: text".
[[nodiscard]] QString findingLine(const wire::Finding& finding);

}  // namespace roamscope::ui
