// SPDX-License-Identifier: GPL-3.0-or-later
// The list of frames. Paints only the rows that are visible, straight from the trace, so that its cost does not depend on the
// number of frames. Selecting a row moves the cursor; the list follows the cursor. While a run is followed it stays at the
// end, unless someone scrolled away from it.
#pragma once

#include "ui/model/filter_model.hpp"
#include "ui/model/packet_rows.hpp"
#include "ui/model/workspace.hpp"

#include <QAbstractScrollArea>
#include <QHeaderView>
#include <QPushButton>
#include <QStandardItemModel>

namespace roamscope::ui {

class PacketList : public QAbstractScrollArea {
    Q_OBJECT

public:
    /// Shows the frames that `filter` chooses; a frame that it leaves out may still be the selected one.
    PacketList(Workspace& workspace, FilterModel& filter, QWidget* parent = nullptr);

    /// First row that is (at least partly) visible.
    [[nodiscard]] std::size_t firstRow() const;
    /// Rows that fit wholly.
    [[nodiscard]] int visibleRows() const;
    /// Rectangle of a row in the viewport; empty when it is not visible.
    [[nodiscard]] QRect rowRect(std::size_t row) const;
    void scrollToRow(std::size_t row);
    /// Rows that the filter leaves; all frames without one.
    [[nodiscard]] std::size_t rows() const { return rows_.count(); }
    [[nodiscard]] std::size_t frameAt(std::size_t row) const { return rows_.frameAt(row); }
    /// Selects the row `by` rows away from the selected frame.
    void step(int by);
    /// Offered while the filter chooses nothing.
    [[nodiscard]] QPushButton* clearButton() const { return clear_; }
    /// What an assistive program or a test reads of a row.
    [[nodiscard]] QString rowText(std::size_t row);

protected:
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void changeEvent(QEvent* event) override;
    bool viewportEvent(QEvent* event) override;

private:
    void makeHeader();
    void sizeColumns();
    void placeHeader();
    void showView();
    void showSelection();
    void showRows(bool finished);
    void placeClear();
    [[nodiscard]] QString emptyText() const;
    void updateScrollBar();
    void selectAt(int y);
    void select(qint64 row);
    void announce();
    void paintRow(QPainter& painter, const class Theme& theme, std::size_t row, const QRect& line);
    [[nodiscard]] int rowHeight() const;
    [[nodiscard]] std::size_t count() const { return rows_.count(); }

    Workspace& workspace_;
    PacketRows rows_;
    FilterModel& filter_;
    QStandardItemModel columns_;
    QHeaderView* header_;
    QPushButton* clear_;
    bool stayAtEnd_ = false;
};

}  // namespace roamscope::ui
