// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/view/packet_list.hpp"

#include "ui/model/format.hpp"
#include "ui/model/theme.hpp"

#include <QAccessible>
#include <QHelpEvent>
#include <QKeyEvent>
#include <QPainter>
#include <QScrollBar>
#include <QToolTip>

#include <algorithm>
#include <limits>

namespace roamscope::ui {

namespace {

constexpr int stripe = 4;
constexpr int letterWidth = 14;
constexpr int padding = 5;

QString textOf(const PacketRow& row)
{
    QStringList parts;
    for (const QString& text : row.text) parts << text;
    return parts.join(QStringLiteral(", "));
}

bool alignedRight(int column)
{
    return column == static_cast<int>(PacketColumn::Number) || column == static_cast<int>(PacketColumn::Time);
}

}  // namespace

PacketList::PacketList(Workspace& workspace, FilterModel& filter, QWidget* parent)
    : QAbstractScrollArea(parent), workspace_(workspace), filter_(filter), columns_(0, packetColumns), header_(new QHeaderView(Qt::Horizontal, this)),
      clear_(new QPushButton(tr("Clear the filter"), viewport()))
{
    setAccessibleName(tr("Packets"));
    setFocusPolicy(Qt::StrongFocus);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    makeHeader();
    clear_->hide();
    connect(clear_, &QPushButton::clicked, this, [this] {
        filter_.apply(QString());
        setFocus();
    });
    connect(&filter, &FilterModel::appliedChanged, this, [this] { showRows(false); });
    connect(&filter, &FilterModel::rowsChanged, this, &PacketList::showRows);
    connect(&workspace, &Workspace::viewChanged, this, &PacketList::showView);
    connect(&workspace, &Workspace::sessionChanged, this, [this] {
        stayAtEnd_ = workspace_.lab() != nullptr;
        verticalScrollBar()->setValue(0);
    });
    connect(&workspace.cursor(), &TimeCursor::frameChanged, this, &PacketList::showSelection);
    connect(&workspace.cursor(), &TimeCursor::followingChanged, this, [this](bool on) {
        if (!on) return;
        stayAtEnd_ = true;
        updateScrollBar();
    });
    connect(verticalScrollBar(), &QScrollBar::actionTriggered, this, [this] {
        stayAtEnd_ = verticalScrollBar()->sliderPosition() >= verticalScrollBar()->maximum();
    });
    connect(header_, &QHeaderView::sectionResized, viewport(), qOverload<>(&QWidget::update));
}

void PacketList::makeHeader()
{
    columns_.setHorizontalHeaderLabels({tr("No."), tr("Time (s)"), tr("Link"), tr("From"), tr("To"), tr("Protocol"), tr("Info")});
    header_->setModel(&columns_);
    header_->setStretchLastSection(true);
    header_->setDefaultAlignment(Qt::AlignLeft | Qt::AlignVCenter);
    header_->setHighlightSections(false);
    header_->setAccessibleName(tr("Packet columns"));
    sizeColumns();
}

void PacketList::sizeColumns()
{
    static const char* const widest[] = {"9999999", "9999.999 999", "domain", "mn (LCoA 2)", "mn (LCoA 2) x", "ICMPv6", ""};
    const QFontMetrics metrics(font());
    for (int i = 0; i + 1 < packetColumns; ++i) {
        const int text = std::max(metrics.horizontalAdvance(QString::fromLatin1(widest[i])),
                                  metrics.horizontalAdvance(columns_.headerData(i, Qt::Horizontal).toString()));
        header_->resizeSection(i, text + 2 * padding + (i == 0 ? stripe + letterWidth : 4));
    }
}

int PacketList::rowHeight() const { return fontMetrics().height() + 4; }
int PacketList::visibleRows() const { return std::max(1, viewport()->height() / rowHeight()); }
std::size_t PacketList::firstRow() const { return static_cast<std::size_t>(verticalScrollBar()->value()); }

QRect PacketList::rowRect(std::size_t row) const
{
    if (row < firstRow() || row >= count()) return {};
    const std::size_t below = row - firstRow();
    if (below > static_cast<std::size_t>(visibleRows())) return {};
    return {0, static_cast<int>(below) * rowHeight(), viewport()->width(), rowHeight()};
}

QString PacketList::rowText(std::size_t row)
{
    if (row >= count()) return QString();
    return textOf(rows_.row(row));
}

void PacketList::updateScrollBar()
{
    // The bar counts rows, not pixels: an int holds two thousand million of them.
    constexpr std::size_t most = std::numeric_limits<int>::max();
    const int rows = static_cast<int>(std::min(count(), most));
    verticalScrollBar()->setPageStep(visibleRows());
    verticalScrollBar()->setSingleStep(1);
    verticalScrollBar()->setRange(0, std::max(0, rows - visibleRows()));
    if (stayAtEnd_) verticalScrollBar()->setValue(verticalScrollBar()->maximum());
    placeClear();
    viewport()->update();
}

void PacketList::showView()
{
    // Where there is but one link nobody needs to read which.
    header_->setSectionHidden(static_cast<int>(PacketColumn::Link), workspace_.view().trace.links().size() == 1);
    rows_.reset(workspace_.view(), workspace_.names());
    rows_.choose(filter_.rows());
    updateScrollBar();
}

void PacketList::showRows(bool finished)
{
    rows_.choose(filter_.rows());
    updateScrollBar();
    const auto frame = workspace_.cursor().frame();
    // While rows still come in, the place of the selected frame is not known yet.
    if (finished && frame && count() > 0 && !stayAtEnd_) scrollToRow(std::min(rows_.rowFor(*frame), count() - 1));
}

void PacketList::placeClear()
{
    const bool nothing = filter_.rows() && count() == 0 && !filter_.running() && rows_.frames() > 0;
    clear_->setVisible(nothing);
    if (!nothing) return;
    clear_->adjustSize();
    clear_->move((viewport()->width() - clear_->width()) / 2, viewport()->height() / 2 + fontMetrics().height());
}

void PacketList::showSelection()
{
    const auto frame = workspace_.cursor().frame();
    const auto& status = workspace_.status();
    const bool following = workspace_.cursor().following();
    if (frame && !following) stayAtEnd_ = false;
    // While a run is followed the list belongs to its end, or to whoever scrolled away from it.
    if (frame && !(following && status && status->state == capture::RunState::Running)) scrollToRow(std::min(rows_.rowFor(*frame), std::max<std::size_t>(count(), 1) - 1));
    announce();
    viewport()->update();
}

void PacketList::announce()
{
    const auto frame = workspace_.cursor().frame();
    setAccessibleDescription(frame && *frame < rows_.frames() ? textOf(rows_.ofFrame(*frame)) : tr("no frame selected"));
    if (!frame || !hasFocus()) return;
    QAccessibleEvent changed(this, QAccessible::DescriptionChanged);
    QAccessible::updateAccessibility(&changed);
}

void PacketList::scrollToRow(std::size_t row)
{
    const auto target = static_cast<int>(std::min<std::size_t>(row, std::numeric_limits<int>::max()));
    const int first = verticalScrollBar()->value();
    const int past = target < first ? target - first : target - (first + visibleRows() - 1);
    if (target >= first && past <= 0) return;
    // Walking row by row scrolls by rows, a jump brings the row to the middle.
    verticalScrollBar()->setValue(std::abs(past) <= 1 ? first + past : target - visibleRows() / 2);
}

void PacketList::select(qint64 row)
{
    if (count() == 0) return;
    workspace_.goToFrame(rows_.frameAt(static_cast<std::size_t>(std::clamp<qint64>(row, 0, static_cast<qint64>(count()) - 1))));
}

void PacketList::step(int by)
{
    const auto frame = workspace_.cursor().frame();
    const auto row = static_cast<qint64>(frame ? rows_.rowFor(*frame) : firstRow());
    const bool shown = frame && row < static_cast<qint64>(count()) && rows_.frameAt(static_cast<std::size_t>(row)) == *frame;
    // A frame that is not shown lies before the row that comes after it.
    select(shown || by < 0 ? row + by : row + by - 1);
}

void PacketList::selectAt(int y)
{
    const qint64 row = static_cast<qint64>(firstRow()) + y / rowHeight();
    if (y >= 0 && row < static_cast<qint64>(count())) select(row);
}

void PacketList::mousePressEvent(QMouseEvent* event)
{
    if (event->button() == Qt::LeftButton) selectAt(event->position().toPoint().y());
}

void PacketList::mouseMoveEvent(QMouseEvent* event)
{
    if ((event->buttons() & Qt::LeftButton) != 0 && viewport()->rect().contains(event->position().toPoint())) selectAt(event->position().toPoint().y());
}

void PacketList::keyPressEvent(QKeyEvent* event)
{
    switch (event->key()) {
    case Qt::Key_Down: return step(1);
    case Qt::Key_Up: return step(-1);
    case Qt::Key_PageDown: return step(visibleRows());
    case Qt::Key_PageUp: return step(-visibleRows());
    case Qt::Key_Home: return select(0);
    case Qt::Key_End: return select(static_cast<qint64>(count()) - 1);
    default: QAbstractScrollArea::keyPressEvent(event);
    }
}

void PacketList::placeHeader()
{
    const int height = header_->sizeHint().height();
    setViewportMargins(0, height, 0, 0);
    header_->setGeometry(viewport()->x(), viewport()->y() - height, viewport()->width(), height);
}

void PacketList::resizeEvent(QResizeEvent*)
{
    placeHeader();
    updateScrollBar();
}

void PacketList::changeEvent(QEvent* event)
{
    QAbstractScrollArea::changeEvent(event);
    if (event->type() == QEvent::FontChange) {
        sizeColumns();
        placeHeader();
        updateScrollBar();
    }
    if (event->type() == QEvent::PaletteChange) viewport()->update();
}

bool PacketList::viewportEvent(QEvent* event)
{
    if (event->type() == QEvent::ToolTip) {
        const auto* help = static_cast<QHelpEvent*>(event);
        const std::size_t row = firstRow() + static_cast<std::size_t>(std::max(0, help->pos().y() / rowHeight()));
        const int column = header_->logicalIndexAt(help->pos().x());
        if (row < count() && column >= 0) QToolTip::showText(help->globalPos(), rows_.row(row).text[static_cast<std::size_t>(column)].toHtmlEscaped(), this);
        else QToolTip::hideText();
        return true;
    }
    return QAbstractScrollArea::viewportEvent(event);
}

void PacketList::paintRow(QPainter& painter, const Theme& theme, std::size_t row, const QRect& line)
{
    const PacketRow& packet = rows_.row(row);
    const bool selected = workspace_.cursor().frame() == rows_.frameAt(row);
    const Tone tone = packet.malformed ? Tone::Error : toneOf(packet.kind);
    const bool signalling = packet.kind != wire::MessageKind::Data && packet.kind != wire::MessageKind::Other;
    if (selected) painter.fillRect(line, palette().highlight());
    else if (packet.malformed) painter.fillRect(line, theme.wash(Tone::Error, 0.18));
    else if (signalling && packet.kind != wire::MessageKind::Discovery) painter.fillRect(line, theme.wash(tone, 0.12));
    painter.fillRect(QRect(line.left(), line.top(), stripe, line.height()), theme.tone(tone));
    const QColor text = selected ? palette().color(QPalette::HighlightedText) : signalling || packet.malformed ? theme.text() : theme.faint();
    painter.setPen(selected ? text : theme.tone(tone));
    const QRect letter(line.left() + stripe + 2, line.top(), letterWidth, line.height());
    painter.drawText(letter, Qt::AlignCenter, packet.malformed ? QStringLiteral("✖") : letterOf(packet.kind));
    painter.setPen(text);
    const QFontMetrics metrics = fontMetrics();
    for (int column = 0; column < packetColumns; ++column) {
        const int x = header_->sectionViewportPosition(column);
        // A header has a width below which it does not go; the text ends where the list does.
        QRect cell(x, line.top(), std::min(header_->sectionSize(column), viewport()->width() - x), line.height());
        cell.adjust(column == 0 ? stripe + letterWidth : padding, 0, -padding, 0);
        if (cell.width() <= 0) continue;
        const QString& value = packet.text[static_cast<std::size_t>(column)];
        const int side = alignedRight(column) ? Qt::AlignRight : Qt::AlignLeft;
        painter.drawText(cell, side | Qt::AlignVCenter | Qt::TextSingleLine, metrics.elidedText(value, Qt::ElideRight, cell.width()));
    }
}

QString PacketList::emptyText() const
{
    if (!workspace_.session()) return tr("Nothing open.");
    if (rows_.frames() > 0) return filter_.running() ? tr("Looking…") : tr("0 of %1 frames match.").arg(formatCount(rows_.frames()));
    if (workspace_.lab()) return tr("No frames yet. Press Run (Space) or Step (S).");
    return workspace_.view().complete ? tr("This file has no frames.") : tr("Reading…");
}

void PacketList::paintEvent(QPaintEvent*)
{
    QPainter painter(viewport());
    const Theme theme(palette());
    painter.fillRect(viewport()->rect(), theme.base());
    if (count() == 0) {
        painter.setPen(theme.faint());
        painter.drawText(viewport()->rect(), Qt::AlignCenter | Qt::TextWordWrap, emptyText());
        return;
    }
    const int height = rowHeight();
    std::size_t row = firstRow();
    for (int y = 0; y < viewport()->height() && row < count(); y += height, ++row) paintRow(painter, theme, row, QRect(0, y, viewport()->width(), height));
}

}  // namespace roamscope::ui
