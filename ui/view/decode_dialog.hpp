// SPDX-License-Identifier: GPL-3.0-or-later
// How frames are read: the dialect with what it means and what in this file speaks for it, numbers of one's own, keys of ESP.
#pragma once

#include "capture/analysis/analysis.hpp"
#include "capture/trace/frame_reading.hpp"

#include <QButtonGroup>
#include <QDialog>
#include <QLabel>
#include <QPushButton>
#include <QSpinBox>

#include <array>
#include <vector>

namespace roamscope::ui {

class DecodeDialog : public QDialog {
    Q_OBJECT

public:
    /// `evidence`: what the automatic choice found in the open capture.
    DecodeDialog(const wire::DialectChoice& now, const std::vector<analysis::DialectEvidence>& evidence, QWidget* parent = nullptr);

    /// What is chosen in the dialog.
    [[nodiscard]] wire::DialectChoice choice() const;
    void choose(const wire::DialectChoice& choice);
    /// Which keys are in use: for people; empty for none.
    void setKeys(const QString& about);
    [[nodiscard]] QAbstractButton* dialectButton(wire::Dialect dialect) const { return dialects_->button(static_cast<int>(dialect)); }

signals:
    void applied(const roamscope::wire::DialectChoice& choice);
    void keysWanted();
    void keysForgotten();

private:
    QWidget* makeDialects(const std::vector<analysis::DialectEvidence>& evidence);
    QWidget* makeNumbers();
    QWidget* makeKeys();
    void showNumbers();

    QButtonGroup* dialects_;
    std::array<QSpinBox*, 5> numbers_{};  ///< in the order of wire::CustomNumbers
    QLabel* keys_;
    QPushButton* load_;
    QPushButton* forget_;
};

/// "SHISA of 2004 (shisa-2004)".
[[nodiscard]] QString dialectTitle(wire::Dialect dialect);
/// What was found of a dialect in a capture, one reason a line; empty when nothing was.
[[nodiscard]] QString evidenceText(const std::vector<analysis::DialectEvidence>& evidence, wire::Dialect dialect);

}  // namespace roamscope::ui
