// SPDX-License-Identifier: GPL-3.0-or-later
// How far an opened file is: read, analysed, what is left of the time; and the button that ends it early. Part of the status
// bar, seen only while there is something to wait for.
#pragma once

#include "ui/model/workspace.hpp"

#include <QElapsedTimer>
#include <QLabel>
#include <QProgressBar>
#include <QPushButton>

namespace roamscope::ui {

class LoadStrip : public QWidget {
    Q_OBJECT

public:
    explicit LoadStrip(Workspace& workspace, QWidget* parent = nullptr);

    /// A file has been opened: its size in octets (0: not known), and whether it is followed beyond its end.
    void begin(std::uint64_t octets, bool following);
    [[nodiscard]] QString text() const { return text_->text(); }
    [[nodiscard]] QPushButton* cancelButton() const { return cancel_; }
    [[nodiscard]] QProgressBar* bar() const { return bar_; }

signals:
    /// Someone pressed the button.
    void cancelled();

private:
    void refresh();

    Workspace& workspace_;
    std::uint64_t octets_ = 0;
    bool following_ = false;
    QElapsedTimer since_;
    QProgressBar* bar_;
    QLabel* text_;
    QPushButton* cancel_;
};

/// What stands in the strip: "Reading: 41 %, 120 of 300 MB, 1 234 567 frames, 3 s left".
[[nodiscard]] QString loadText(const capture::View& view, std::uint64_t octets, bool following);

}  // namespace roamscope::ui
