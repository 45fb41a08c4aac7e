// SPDX-License-Identifier: GPL-3.0-or-later
// The octets of a frame as hexadecimal and text, painted. A range can be marked; clicking or walking with the arrow keys
// chooses an octet. Sixteen octets a line where they fit, otherwise eight.
#pragma once

#include "protocol/base/bytes.hpp"

#include <QAbstractScrollArea>

namespace roamscope::ui {

class BytesView : public QAbstractScrollArea {
    Q_OBJECT

public:
    explicit BytesView(QWidget* parent = nullptr);

    void setBytes(Bytes bytes);
    /// Marks octets and brings the first of them into view; length 0 marks nothing.
    void mark(std::size_t offset, std::size_t length);
    [[nodiscard]] std::size_t markedOffset() const { return markOffset_; }
    [[nodiscard]] std::size_t markedLength() const { return markLength_; }
    /// Where the hexadecimal digits of an octet are, in the viewport.
    [[nodiscard]] QRect octetRect(std::size_t offset) const;

signals:
    /// Someone chose an octet.
    void octetChosen(std::size_t offset);

protected:
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void changeEvent(QEvent* event) override;

private:
    void choose(qint64 offset);
    [[nodiscard]] qint64 octetAt(QPoint position) const;
    [[nodiscard]] int perLine() const;
    [[nodiscard]] int lineHeight() const;
    [[nodiscard]] int cell() const;
    [[nodiscard]] int hexX(int column) const;
    [[nodiscard]] int textX(int column) const;
    void updateScrollBar();

    Bytes bytes_;
    std::size_t markOffset_ = 0;
    std::size_t markLength_ = 0;
};

}  // namespace roamscope::ui
