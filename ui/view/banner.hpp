// SPDX-License-Identifier: GPL-3.0-or-later
// A message above the views that does not block them: what happened, what it means, and what can be done.
#pragma once

#include <QFrame>
#include <QLabel>
#include <QPushButton>

#include <functional>

namespace roamscope::ui {

class Banner : public QFrame {
    Q_OBJECT

public:
    explicit Banner(QWidget* parent = nullptr);

    /// Shows a message; with `actionText` also a button that calls `action` and closes the banner. Texts are plain.
    void showMessage(const QString& title, const QString& text, const QString& actionText = {}, std::function<void()> action = {});
    void dismiss();
    [[nodiscard]] QString title() const { return title_->text(); }
    [[nodiscard]] QString text() const { return text_->text(); }
    [[nodiscard]] QPushButton* actionButton() const { return button_; }

protected:
    void changeEvent(QEvent* event) override;
    void paintEvent(QPaintEvent* event) override;

private:
    QLabel* title_;
    QLabel* text_;
    QPushButton* button_;
    std::function<void()> action_;
};

}  // namespace roamscope::ui
