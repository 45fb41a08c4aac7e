// SPDX-License-Identifier: GPL-3.0-or-later
// The display filter of the window: the text being typed with its error, the filter in force, and the frames it chooses. Frames
// are examined beside the window's thread, also those that come in later; a filter that asks the analysis is asked again
// when the analysis has learned.
#pragma once

#include "capture/filter/filter.hpp"
#include "capture/run/filter_job.hpp"
#include "ui/model/workspace.hpp"

#include <QElapsedTimer>
#include <QObject>
#include <QStringList>
#include <QTimer>

#include <memory>
#include <optional>

namespace roamscope::ui {

class FilterModel : public QObject {
    Q_OBJECT

public:
    enum class State { Neutral, Valid, Invalid };
    static constexpr int historySize = 20;

    explicit FilterModel(Workspace& workspace, QObject* parent = nullptr);
    ~FilterModel() override;

    /// What stands in the field; checked at once, in force only after apply().
    void setDraft(const QString& text);
    [[nodiscard]] const QString& draft() const { return draft_; }
    [[nodiscard]] State state() const { return state_; }
    /// Of State::Invalid; columns count octets of the draft's UTF-8.
    [[nodiscard]] const filter::FilterError& error() const { return error_; }

    /// Puts the draft in force; false when it is no filter. The empty text shows every frame.
    bool apply();
    bool apply(const QString& text)
    {
        setDraft(text);
        return apply();
    }
    /// The text in force, empty when there is none.
    [[nodiscard]] const QString& applied() const { return applied_; }

    /// The chosen frames; none when all are shown.
    [[nodiscard]] const std::optional<capture::FrameSelection>& rows() const { return rows_; }
    /// Whether frames are still to be examined, and how far that is, 0..1.
    [[nodiscard]] bool running() const { return running_; }
    [[nodiscard]] double progress() const { return progress_; }

    /// Values of a field in the frames of the trace, most frequent first; looks no longer than a twentieth of a second.
    [[nodiscard]] std::vector<filter::SeenValue> seen(wire::FieldId field) const;
    /// The filters applied last, newest first; kept in the settings.
    [[nodiscard]] QStringList history() const;

signals:
    void draftChanged();
    /// Another filter is in force.
    void appliedChanged();
    /// More frames were examined; `finished` with the last ones.
    void rowsChanged(bool finished);

private:
    void ask();
    void poll();
    void followView();
    void remember(const QString& text);

    Workspace& workspace_;
    QString draft_;
    QString applied_;
    State state_ = State::Neutral;
    filter::FilterError error_;
    std::shared_ptr<const filter::Filter> filter_;  ///< null: all frames are shown
    std::optional<capture::FrameSelection> rows_;
    bool running_ = false;
    double progress_ = 0;
    bool replacing_ = false;  ///< an older answer stays until the new one is there
    std::unique_ptr<capture::FilterJob> job_;
    std::shared_ptr<const analysis::Analysis> asked_;  ///< the analysis that the job rests on
    capture::DecodeSettings askedWith_;
    QElapsedTimer sinceAsked_;
    QTimer timer_;
    QTimer again_;
};

/// The filter that chooses frames in which a field has the value of `node`; the field alone where a value cannot be compared.
[[nodiscard]] QString filterFor(const wire::FieldNode& node);

}  // namespace roamscope::ui
