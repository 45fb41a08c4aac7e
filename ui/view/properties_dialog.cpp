// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/view/properties_dialog.hpp"

#include <QApplication>
#include <QClipboard>
#include <QDialogButtonBox>
#include <QHeaderView>
#include <QLabel>
#include <QPushButton>
#include <QVBoxLayout>

namespace roamscope::ui {

PropertiesDialog::PropertiesDialog(Workspace& workspace, QWidget* parent) : QDialog(parent), workspace_(workspace), tree_(new QTreeWidget)
{
    setWindowTitle(tr("Capture properties"));
    resize(760, 560);
    tree_->setColumnCount(2);
    tree_->setHeaderHidden(true);
    tree_->setAccessibleName(windowTitle());
    tree_->setWordWrap(true);
    tree_->setRootIsDecorated(true);
    tree_->setIndentation(14);
    tree_->header()->setSectionResizeMode(0, QHeaderView::Interactive);
    tree_->header()->setStretchLastSection(true);
    auto* hint = new QLabel(tr("A double click on a row about a frame goes to that frame."));
    hint->setWordWrap(true);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close);
    auto* copyButton = buttons->addButton(tr("&Copy"), QDialogButtonBox::ActionRole);
    auto* below = new QHBoxLayout;
    below->addWidget(hint, 1);
    below->addWidget(buttons);
    auto* layout = new QVBoxLayout(this);
    layout->addWidget(tree_, 1);
    layout->addLayout(below);
    connect(copyButton, &QPushButton::clicked, this, &PropertiesDialog::copy);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::close);
    connect(tree_, &QTreeWidget::itemActivated, this, [this](const QTreeWidgetItem* item) {
        if (const QVariant frame = item->data(0, Qt::UserRole); frame.isValid()) workspace_.goToFrame(frame.toULongLong());
    });
    // What is still being read is shown again when it is whole; in between the picture stays for the reader.
    connect(&workspace, &Workspace::viewChanged, this, [this] {
        if (isVisible() && workspace_.view().complete != complete_) refresh();
    });
    connect(&workspace, &Workspace::sessionChanged, this, &QDialog::close);
}

void PropertiesDialog::showCapture(const QString& path)
{
    path_ = path;
    refresh();
    show();
    raise();
    activateWindow();
}

void PropertiesDialog::refresh()
{
    complete_ = workspace_.view().complete;
    tree_->clear();
    int widest = 0;
    const auto groups = captureProperties(workspace_.view(), path_);
    for (const CapturePropertyGroup& group : groups) {
        auto* top = new QTreeWidgetItem(tree_, {group.title});
        QFont bold = tree_->font();
        bold.setBold(true);
        top->setFont(0, bold);
        top->setFirstColumnSpanned(true);
        for (const CaptureProperty& row : group.rows) {
            auto* item = new QTreeWidgetItem(top, {row.name, row.value});
            item->setToolTip(1, row.value.toHtmlEscaped());
            item->setTextAlignment(0, Qt::AlignLeft | Qt::AlignTop);
            if (row.frame) item->setData(0, Qt::UserRole, QVariant::fromValue(static_cast<qulonglong>(*row.frame)));
            widest = std::max(widest, tree_->fontMetrics().horizontalAdvance(row.name));
        }
    }
    tree_->expandAll();
    constexpr int room = 60;  // of the two indentations
    tree_->header()->resizeSection(0, std::min(widest + room, width() / 2));
}

void PropertiesDialog::copy() const { QApplication::clipboard()->setText(propertiesText(captureProperties(workspace_.view(), path_))); }

}  // namespace roamscope::ui
