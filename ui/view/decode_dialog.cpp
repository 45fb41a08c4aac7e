// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/view/decode_dialog.hpp"

#include "ui/model/format.hpp"
#include "ui/model/theme.hpp"

#include <QCoreApplication>
#include <QDialogButtonBox>
#include <QGridLayout>
#include <QGroupBox>
#include <QRadioButton>
#include <QScrollArea>
#include <QVBoxLayout>

namespace roamscope::ui {

namespace {

QString tr_(const char* text) { return QCoreApplication::translate("DecodeDialog", text); }

QLabel* small(const QString& text, const QColor& color)
{
    auto* label = new QLabel(text);
    label->setTextFormat(Qt::PlainText);
    label->setWordWrap(true);
    label->setIndent(0);
    QPalette palette = label->palette();
    palette.setColor(QPalette::WindowText, color);
    label->setPalette(palette);
    return label;
}

}  // namespace

QString dialectTitle(wire::Dialect dialect)
{
    switch (dialect) {
    case wire::Dialect::Automatic: return tr_("Automatic");
    case wire::Dialect::Rfc: return tr_("Published RFCs only (rfc)");
    case wire::Dialect::HmipDraft: return tr_("Drafts of HMIPv6 (hmip-draft)");
    case wire::Dialect::Shisa2004: return tr_("SHISA of 2004 (shisa-2004)");
    case wire::Dialect::Shisa2006: return tr_("SHISA of 2006 (shisa-2006)");
    case wire::Dialect::Fmip4068: return tr_("Fast handovers of RFC 4068 (fmip-4068)");
    case wire::Dialect::PmipDraft: return tr_("Drafts of Proxy Mobile IPv6 (pmip-draft)");
    case wire::Dialect::Custom: break;
    }
    return tr_("Numbers of your own (custom)");
}

QString evidenceText(const std::vector<analysis::DialectEvidence>& evidence, wire::Dialect dialect)
{
    QStringList lines;
    for (const analysis::DialectEvidence& e : evidence)
        if (e.name == wire::dialectName(dialect))
            lines << tr_("Seen in this capture: %1 × %2, first in frame %3").arg(formatCount(e.count), toQt(e.reason), formatCount(e.firstFrame + 1));
    return lines.join(QLatin1Char('\n'));
}

DecodeDialog::DecodeDialog(const wire::DialectChoice& now, const std::vector<analysis::DialectEvidence>& evidence, QWidget* parent)
    : QDialog(parent), dialects_(new QButtonGroup(this)), keys_(new QLabel), load_(new QPushButton(tr("&Load…"))), forget_(new QPushButton(tr("&Forget")))
{
    setWindowTitle(tr("Decode as"));
    auto* content = new QWidget;
    auto* column = new QVBoxLayout(content);
    column->addWidget(makeDialects(evidence));
    column->addWidget(makeNumbers());
    column->addWidget(makeKeys());
    column->addStretch(1);
    auto* scroll = new QScrollArea;
    scroll->setWidget(content);
    scroll->setWidgetResizable(true);
    scroll->setFrameShape(QFrame::NoFrame);
    scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Ok | QDialogButtonBox::Cancel | QDialogButtonBox::Apply);
    auto* layout = new QVBoxLayout(this);
    layout->addWidget(scroll, 1);
    layout->addWidget(buttons);
    connect(buttons, &QDialogButtonBox::accepted, this, [this] {
        emit applied(choice());
        accept();
    });
    connect(buttons->button(QDialogButtonBox::Apply), &QPushButton::clicked, this, [this] { emit applied(choice()); });
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    connect(dialects_, &QButtonGroup::idToggled, this, &DecodeDialog::showNumbers);
    choose(now);
    setKeys({});
    resize(840, 650);
}

QWidget* DecodeDialog::makeDialects(const std::vector<analysis::DialectEvidence>& evidence)
{
    const Theme theme(palette());
    auto* group = new QGroupBox(tr("What the senders speak"));
    auto* grid = new QGridLayout(group);
    grid->setVerticalSpacing(2);
    grid->setColumnMinimumWidth(0, 20);
    grid->setColumnStretch(1, 1);
    int row = 0;
    for (const wire::Dialect dialect : wire::allDialects()) {
        auto* button = new QRadioButton(dialectTitle(dialect));
        const QString meaning = toQt(wire::dialectExplanation(dialect));
        button->setAccessibleDescription(meaning);
        dialects_->addButton(button, static_cast<int>(dialect));
        grid->addWidget(button, row++, 0, 1, 2);
        grid->addWidget(small(meaning, theme.faint()), row++, 1);
        QString seen = evidenceText(evidence, dialect);
        if (dialect == wire::Dialect::Automatic && evidence.empty()) seen = tr("Nothing in this capture speaks for a draft.");
        if (!seen.isEmpty()) grid->addWidget(small(seen, evidence.empty() ? theme.faint() : theme.tone(Tone::Discovery)), row++, 1);
        grid->setRowMinimumHeight(row++, 4);
    }
    return group;
}

QWidget* DecodeDialog::makeNumbers()
{
    struct Number {
        QString name;
        QString help;
        int most;
    };
    const std::array<Number, 5> all{{{tr("BID option"), tr("Mobility option that carries the binding identifier; 35 in RFC 5648"), 255},
                                     {tr("O flag"), tr("Overwrite flag of a Binding Update as a mask of its 16 bits; 0x0040 in RFC 5648"), 0xffff},
                                     {tr("First status"), tr("Status that means MCOA MALFORMED, the other five follow; 164 in RFC 5648"), 255},
                                     {tr("MAP option"), tr("Neighbour discovery option of a mobility anchor point; 23 in RFC 5380"), 255},
                                     {tr("Mobility Header"), tr("Next Header that is read as a Mobility Header besides 135; 62 in early drafts"), 255}}};
    auto* group = new QGroupBox(tr("Numbers of your own"));
    auto* grid = new QGridLayout(group);
    for (std::size_t i = 0; i < all.size(); ++i) {
        auto* spin = new QSpinBox;
        spin->setRange(0, all[i].most);
        if (all[i].most > 255) spin->setDisplayIntegerBase(16), spin->setPrefix(QStringLiteral("0x"));
        spin->setToolTip(all[i].help);
        spin->setAccessibleName(all[i].name);
        spin->setAccessibleDescription(all[i].help);
        auto* label = new QLabel(all[i].name);
        label->setToolTip(all[i].help);
        grid->addWidget(label, 0, static_cast<int>(i));
        grid->addWidget(spin, 1, static_cast<int>(i));
        numbers_[i] = spin;
    }
    return group;
}

QWidget* DecodeDialog::makeKeys()
{
    auto* group = new QGroupBox(tr("Keys of ESP packets"));
    keys_->setTextFormat(Qt::PlainText);
    keys_->setWordWrap(true);
    keys_->setAccessibleName(tr("Keys in use"));
    load_->setToolTip(tr("A JSON file as \"roamscope-cli schema keys\" describes it"));
    auto* line = new QHBoxLayout(group);
    line->addWidget(keys_, 1);
    line->addWidget(load_);
    line->addWidget(forget_);
    connect(load_, &QPushButton::clicked, this, &DecodeDialog::keysWanted);
    connect(forget_, &QPushButton::clicked, this, &DecodeDialog::keysForgotten);
    return group;
}

void DecodeDialog::setKeys(const QString& about)
{
    keys_->setText(about.isEmpty() ? tr("None: only ESP without encryption can be read.") : about);
    forget_->setEnabled(!about.isEmpty());
}

wire::DialectChoice DecodeDialog::choice() const
{
    wire::DialectChoice out{static_cast<wire::Dialect>(dialects_->checkedId())};
    if (out.dialect != wire::Dialect::Custom) return out;
    const auto octet = [this](std::size_t i) { return static_cast<std::uint8_t>(numbers_[i]->value()); };
    out.custom = {octet(0), static_cast<std::uint16_t>(numbers_[1]->value()), octet(2), octet(3), octet(4)};
    // What IPv6 itself needs cannot be chosen.
    if (!wire::parseDialect(wire::dialectText(out))) out.custom.mobilityHeader = wire::CustomNumbers().mobilityHeader;
    return out;
}

void DecodeDialog::choose(const wire::DialectChoice& choice)
{
    dialectButton(choice.dialect)->setChecked(true);
    const wire::CustomNumbers& custom = choice.custom;
    const std::array<int, 5> values{custom.bindingIdentifierOption, custom.overwriteFlag, custom.multipleStatusBase, custom.mapOption, custom.mobilityHeader};
    for (std::size_t i = 0; i < values.size(); ++i) numbers_[i]->setValue(values[i]);
    showNumbers();
}

void DecodeDialog::showNumbers()
{
    for (QSpinBox* spin : numbers_) spin->setEnabled(dialects_->checkedId() == static_cast<int>(wire::Dialect::Custom));
}

}  // namespace roamscope::ui
