// SPDX-License-Identifier: GPL-3.0-or-later
// The line in which a display filter is typed: proposals while typing, the state by sign and colour, what is wrong and where,
// how many frames are chosen.
#pragma once

#include "ui/model/filter_model.hpp"

#include <QLabel>
#include <QLineEdit>
#include <QProgressBar>
#include <QPushButton>
#include <QStandardItemModel>
#include <QToolButton>
#include <QTreeView>

namespace roamscope::ui {

/// The text field with its list of proposals. Down and Up choose one, Tab or Enter takes it, Esc closes the list.
class FilterEdit : public QLineEdit {
    Q_OBJECT

public:
    explicit FilterEdit(FilterModel& model, QWidget* parent = nullptr);

    [[nodiscard]] QTreeView* proposals() const { return popup_; }
    /// Shows what fits at the cursor; hides the list when nothing does.
    void propose();
    /// Underlines characters of the text; length 0: none.
    void underline(int from, int length, const QColor& color);

signals:
    void leaveRequested();

protected:
    void keyPressEvent(QKeyEvent* event) override;
    void focusOutEvent(QFocusEvent* event) override;
    bool event(QEvent* event) override;

private:
    bool keyForList(int key);
    void accept(const QModelIndex& index);
    void placeList();

    FilterModel& model_;
    QStandardItemModel items_;
    QTreeView* popup_;
    int from_ = 0;  ///< where the proposals' text goes, in characters
};

class FilterBar : public QWidget {
    Q_OBJECT

public:
    FilterBar(Workspace& workspace, FilterModel& model, QWidget* parent = nullptr);

    [[nodiscard]] FilterEdit* edit() const { return edit_; }
    [[nodiscard]] QLabel* state() const { return state_; }
    [[nodiscard]] QLabel* count() const { return count_; }
    [[nodiscard]] QLabel* problem() const { return problem_; }
    [[nodiscard]] QPushButton* suggestion() const { return suggestion_; }
    [[nodiscard]] QPushButton* clearButton() const { return clear_; }
    [[nodiscard]] QToolButton* historyButton() const { return history_; }

    /// Puts the keyboard into the field with everything selected.
    void focusText();
    void applyText(const QString& text);
    /// The filter in force and `text`, both.
    void applyAnd(const QString& text);
    void clear() { applyText(QString()); }

signals:
    /// The keyboard should go where it was more useful: to the list.
    void leaveRequested();

protected:
    void changeEvent(QEvent* event) override;

private:
    void showDraft();
    void showCount();
    void showHistory();

    Workspace& workspace_;
    FilterModel& model_;
    FilterEdit* edit_;
    QLabel* state_;
    QLabel* count_;
    QProgressBar* progress_;
    QPushButton* clear_;
    QToolButton* history_;
    QWidget* below_;
    QLabel* problem_;
    QPushButton* suggestion_;
};

}  // namespace roamscope::ui
