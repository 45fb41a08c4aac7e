// SPDX-License-Identifier: GPL-3.0-or-later
// The window's part about how frames are read: dialects, keys, properties of the capture, following a file.
#include "ui/model/format.hpp"
#include "ui/view/decode_dialog.hpp"
#include "ui/view/main_window.hpp"
#include "ui/view/properties_dialog.hpp"

#include <QActionGroup>
#include <QFileDialog>
#include <QFileInfo>
#include <QMenu>
#include <QSettings>
#include <QStatusBar>

namespace roamscope::ui {

void MainWindow::makeDecodeMenu(QMenu* menu)
{
    QMenu* decode = menu->addMenu(tr("&Decode as"));
    decode->setToolTipsVisible(true);
    auto* group = new QActionGroup(this);
    for (const wire::Dialect dialect : wire::allDialects()) {
        QAction* action = decode->addAction(dialectTitle(dialect));
        action->setCheckable(true);
        action->setData(static_cast<int>(dialect));
        group->addAction(action);
        dialects_.push_back(action);
        connect(action, &QAction::triggered, this, [this, dialect] {
            if (dialect == wire::Dialect::Custom) return chooseDecoding(dialect);
            setDialect({dialect});
        });
    }
    decode->addSeparator();
    addTo(decode, tr("What &speaks for a dialect…"), QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_U), [this] { chooseDecoding(decoding_.dialect.dialect); });
    addTo(decode, tr("Load &keys of ESP…"), {}, [this] { chooseKeys(); });
    forgetKeys_ = addTo(decode, tr("&Forget the keys"), {}, [this] { setKeys(nullptr, {}); });
    connect(decode, &QMenu::aboutToShow, this, &MainWindow::showDialects);
    showDialects();
}

void MainWindow::showDialects()
{
    for (QAction* action : dialects_) {
        const auto dialect = static_cast<wire::Dialect>(action->data().toInt());
        const QString seen = evidenceText(evidence_, dialect);
        action->setChecked(decoding_.dialect.dialect == dialect);
        action->setText(dialectTitle(dialect) + (dialect == wire::Dialect::Custom ? QStringLiteral("…") : QString()) + (seen.isEmpty() ? QString() : tr("   ● seen here")));
        action->setToolTip(toQt(wire::dialectExplanation(dialect)) + (seen.isEmpty() ? QString() : QLatin1Char('\n') + seen));
        action->setStatusTip(action->toolTip());
    }
    forgetKeys_->setEnabled(decoding_.keys != nullptr);
}

void MainWindow::chooseDecoding(wire::Dialect dialect)
{
    auto* dialog = new DecodeDialog(decoding_.dialect, evidence_, this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->dialectButton(dialect)->setChecked(true);
    dialog->setKeys(keysAbout_);
    dialog->resize(dialog->size().boundedTo(size() - QSize(40, 40)));
    connect(dialog, &DecodeDialog::applied, this, &MainWindow::setDialect);
    connect(dialog, &QDialog::finished, this, &MainWindow::showDialects);
    connect(dialog, &DecodeDialog::keysWanted, this, [this, dialog] {
        chooseKeys();
        dialog->setKeys(keysAbout_);
    });
    connect(dialog, &DecodeDialog::keysForgotten, this, [this, dialog] {
        setKeys(nullptr, {});
        dialog->setKeys({});
    });
    dialog->open();
}

void MainWindow::setDialect(const wire::DialectChoice& choice)
{
    decoding_.dialect = choice;
    applyDecoding();
}

void MainWindow::chooseKeys()
{
    const QString path = QFileDialog::getOpenFileName(this, tr("Load keys of ESP"), QSettings().value(QStringLiteral("folder")).toString(), tr("Keys (*.json);;All files (*)"));
    if (!path.isEmpty()) loadKeys(path);
}

bool MainWindow::loadKeys(const QString& path)
{
    auto keys = services_.loadKeys(path.toStdString());
    if (!keys) {
        banner_->showMessage(tr("The keys in %1 cannot be used").arg(QFileInfo(path).fileName()), toQt(keys.error().text), tr("Load another file…"), [this] { chooseKeys(); });
        return false;
    }
    const std::size_t count = keys->size();
    setKeys(std::make_shared<const wire::EspKeys>(std::move(*keys)), (count == 1 ? tr("1 key from %1") : tr("%1 keys from %2").arg(count)).arg(QFileInfo(path).fileName()));
    return true;
}

void MainWindow::setKeys(std::shared_ptr<const wire::EspKeys> keys, const QString& about)
{
    decoding_.keys = std::move(keys);
    keysAbout_ = about;
    applyDecoding();
}

void MainWindow::applyDecoding()
{
    if (workspace_.session()) {
        workspace_.session()->setDecoding(decoding_);
        workspace_.poll();
    }
    showDialects();
    QStringList parts;
    if (decoding_.dialect.dialect != wire::Dialect::Automatic) parts << tr("dialect %1").arg(toQt(wire::dialectText(decoding_.dialect)));
    if (!keysAbout_.isEmpty()) parts << keysAbout_;
    settings_->setText(parts.join(QStringLiteral(" · ")));
    settings_->setVisible(!parts.isEmpty());
}

void MainWindow::noteEvidence()
{
    const capture::View& view = workspace_.view();
    // With a dialect of the user's choice nothing is looked for: what was found before stays true.
    if (view.decoding.dialect.dialect == wire::Dialect::Automatic && (view.complete || !view.analysis->dialects.empty())) evidence_ = view.analysis->dialects;
}

void MainWindow::showProperties()
{
    if (!workspace_.session()) return;
    if (!properties_) properties_ = new PropertiesDialog(workspace_, this);
    properties_->resize(properties_->size().boundedTo(size()));
    properties_->showCapture(path_);
}

void MainWindow::followFile(bool on)
{
    if (on && !path_.isEmpty()) follow_->setChecked(openCapture(QString(path_), true));
    else if (!on && following_ && workspace_.session()) workspace_.session()->stop();
}

/// What became of a file that someone ended early.
void MainWindow::showRemark()
{
    const capture::View& view = workspace_.view();
    if (following_ && view.complete) {
        following_ = false;
        follow_->setChecked(false);
        statusBar()->showMessage(tr("Following has ended; the %1 frames that came are here.").arg(formatCount(view.trace.size())), 8000);
        return;
    }
    const QString remark = toQt(view.remark);
    if (remark.isEmpty() || remark == remarkShown_ || workspace_.lab()) return;
    remarkShown_ = remark;
    if (!view.stopped) return banner_->showMessage(tr("Note"), remark);
    const bool unfinished = view.analysis->frames < view.trace.size();
    const QString text = remark + QStringLiteral(". ") + tr("What is here can be used; counts are lower bounds.");
    if (unfinished) banner_->showMessage(tr("Not everything was analysed"), text, tr("Analyse what is here"), [this] { applyDecoding(); });
    else banner_->showMessage(tr("Not all of the file was read"), text, tr("Read it all"), [this] { openCapture(path_); });
}

}  // namespace roamscope::ui
