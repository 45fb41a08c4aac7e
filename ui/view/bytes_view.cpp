// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/view/bytes_view.hpp"

#include "ui/model/theme.hpp"

#include <QFontDatabase>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QScrollBar>

#include <algorithm>

namespace roamscope::ui {

namespace {

constexpr int margin = 6;

}  // namespace

BytesView::BytesView(QWidget* parent) : QAbstractScrollArea(parent)
{
    setAccessibleName(tr("Octets of the frame"));
    setFocusPolicy(Qt::StrongFocus);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    QFont fixed = QFontDatabase::systemFont(QFontDatabase::FixedFont);
    fixed.setPointSizeF(std::max(7.0, font().pointSizeF() * 0.9));
    setFont(fixed);
}

void BytesView::setBytes(Bytes bytes)
{
    bytes_ = std::move(bytes);
    markLength_ = 0;
    updateScrollBar();
    verticalScrollBar()->setValue(0);
    viewport()->update();
}

void BytesView::mark(std::size_t offset, std::size_t length)
{
    markOffset_ = std::min(offset, bytes_.size());
    markLength_ = std::min(length, bytes_.size() - markOffset_);
    const int line = static_cast<int>(markOffset_) / perLine();
    const int lines = std::max(1, viewport()->height() / lineHeight());
    if (markLength_ > 0 && (line < verticalScrollBar()->value() || line >= verticalScrollBar()->value() + lines))
        verticalScrollBar()->setValue(std::max(0, line - lines / 3));
    setAccessibleDescription(markLength_ == 0 ? QString() : tr("octets %1 to %2").arg(markOffset_).arg(markOffset_ + markLength_ - 1));
    viewport()->update();
}

int BytesView::cell() const { return fontMetrics().horizontalAdvance(QLatin1Char('0')); }
int BytesView::lineHeight() const { return fontMetrics().height() + 1; }

// A line: four digits of offset, hexadecimal with a gap in the middle, text.
int BytesView::perLine() const
{
    const int sixteen = margin * 2 + cell() * (5 + 16 * 3 + 1 + 16);
    return viewport()->width() >= sixteen ? 16 : 8;
}
int BytesView::hexX(int column) const { return margin + cell() * (5 + column * 3 + (column >= 8 ? 1 : 0)); }
int BytesView::textX(int column) const { return hexX(perLine() - 1) + cell() * (3 + column); }

QRect BytesView::octetRect(std::size_t offset) const
{
    const int line = static_cast<int>(offset) / perLine() - verticalScrollBar()->value();
    const int column = static_cast<int>(offset) % perLine();
    return {hexX(column), line * lineHeight(), cell() * 2, lineHeight()};
}

qint64 BytesView::octetAt(QPoint position) const
{
    const qint64 line = position.y() / lineHeight() + verticalScrollBar()->value();
    for (int column = 0; column < perLine(); ++column) {
        const bool inHex = position.x() >= hexX(column) - cell() / 2 && position.x() < hexX(column) + cell() * 5 / 2;
        const bool inText = position.x() >= textX(column) && position.x() < textX(column) + cell();
        if (inHex || inText) return line * perLine() + column;
    }
    return -1;
}

void BytesView::choose(qint64 offset)
{
    if (offset >= 0 && offset < static_cast<qint64>(bytes_.size())) emit octetChosen(static_cast<std::size_t>(offset));
}

void BytesView::mousePressEvent(QMouseEvent* event)
{
    if (event->button() == Qt::LeftButton) choose(octetAt(event->position().toPoint()));
}

void BytesView::mouseMoveEvent(QMouseEvent* event)
{
    if ((event->buttons() & Qt::LeftButton) != 0) choose(octetAt(event->position().toPoint()));
}

void BytesView::keyPressEvent(QKeyEvent* event)
{
    // Leaving a field by its nearer end steps into the neighbouring one.
    const auto first = static_cast<qint64>(markOffset_);
    const qint64 last = first + std::max<qint64>(1, static_cast<qint64>(markLength_)) - 1;
    switch (event->key()) {
    case Qt::Key_Right: return choose(last + 1);
    case Qt::Key_Left: return choose(first - 1);
    case Qt::Key_Down: return choose(last + perLine());
    case Qt::Key_Up: return choose(first - perLine());
    case Qt::Key_Home: return choose(0);
    case Qt::Key_End: return choose(static_cast<qint64>(bytes_.size()) - 1);
    default: QAbstractScrollArea::keyPressEvent(event);
    }
}

void BytesView::updateScrollBar()
{
    const int lines = (static_cast<int>(bytes_.size()) + perLine() - 1) / perLine();
    const int visible = std::max(1, viewport()->height() / lineHeight());
    verticalScrollBar()->setPageStep(visible);
    verticalScrollBar()->setRange(0, std::max(0, lines - visible));
}

void BytesView::resizeEvent(QResizeEvent*) { updateScrollBar(); }

void BytesView::changeEvent(QEvent* event)
{
    QAbstractScrollArea::changeEvent(event);
    if (event->type() == QEvent::FontChange) updateScrollBar();
    if (event->type() == QEvent::PaletteChange) viewport()->update();
}

void BytesView::paintEvent(QPaintEvent*)
{
    QPainter painter(viewport());
    const Theme theme(palette());
    painter.fillRect(viewport()->rect(), theme.base());
    const int columns = perLine();
    const int height = lineHeight();
    auto offset = static_cast<std::size_t>(verticalScrollBar()->value()) * static_cast<std::size_t>(columns);
    for (int y = 0; y < viewport()->height() && offset < bytes_.size(); y += height) {
        painter.setPen(theme.faint());
        painter.drawText(QRect(margin, y, cell() * 5, height), Qt::AlignLeft | Qt::AlignVCenter, QStringLiteral("%1").arg(offset, 4, 16, QLatin1Char('0')));
        for (int column = 0; column < columns && offset < bytes_.size(); ++column, ++offset) {
            const bool marked = offset >= markOffset_ && offset - markOffset_ < markLength_;
            const bool next = marked && column + 1 < columns && offset + 1 - markOffset_ < markLength_;
            if (marked) {
                const int width = next ? hexX(column + 1) - hexX(column) : cell() * 2;
                painter.fillRect(QRect(hexX(column), y, width, height), palette().highlight());
                painter.fillRect(QRect(textX(column), y, cell(), height), palette().highlight());
            }
            painter.setPen(marked ? palette().color(QPalette::HighlightedText) : theme.text());
            const std::uint8_t octet = bytes_[offset];
            painter.drawText(QRect(hexX(column), y, cell() * 3, height), Qt::AlignLeft | Qt::AlignVCenter, QStringLiteral("%1").arg(octet, 2, 16, QLatin1Char('0')));
            const QChar shown = octet >= 0x20 && octet < 0x7f ? QChar(octet) : QChar(0xb7);
            if (!marked && shown == QChar(0xb7)) painter.setPen(theme.hairline().darker(theme.dark() ? 60 : 140));
            painter.drawText(QRect(textX(column), y, cell() * 2, height), Qt::AlignLeft | Qt::AlignVCenter, shown);
        }
    }
}

}  // namespace roamscope::ui
