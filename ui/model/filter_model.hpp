// SPDX-License-Identifier: GPL-3.0-or-later
// The display filter of the window: the text being typed with its error, the filter in force, and the frames it chooses. Frames
// are examined beside the window's thread, newest state of the trace included; a filter that asks the analysis is asked again
// when the analysis has learned.
#pragma once

#include "capture/filter/filter.hpp"
#include "ui/model/workspace.hpp"

#include <QElapsedTimer>
#include <QObject>
#include <QStringList>

#include <atomic>

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

    /// The chosen frames in order; null when all are shown. Valid until the next signal.
    [[nodiscard]] const std::vector<std::uint32_t>* rows() const { return filter_ ? &rows_ : nullptr; }
    [[nodiscard]] bool running() const { return job_ != nullptr; }
    [[nodiscard]] std::size_t examined() const { return examined_; }

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
    struct Job {
        std::atomic<bool> cancelled{false};
    };
    void examine(bool again);
    void take(const std::shared_ptr<Job>& job, const std::vector<std::uint32_t>& found, std::size_t examined, bool last);
    void followView();
    void stop();
    void remember(const QString& text);

    Workspace& workspace_;
    QString draft_;
    QString applied_;
    State state_ = State::Neutral;
    filter::FilterError error_;
    std::shared_ptr<const filter::Filter> filter_;
    std::vector<std::uint32_t> rows_;
    std::size_t examined_ = 0;
    bool fresh_ = false;  ///< what the present job finds replaces what was found before
    std::shared_ptr<Job> job_;
    std::shared_ptr<const analysis::Analysis> asked_;  ///< the analysis that the rows rest on
    QElapsedTimer sinceAsked_;
};

/// The filter that chooses frames in which a field has the value of `node`; the field alone where a value cannot be compared.
[[nodiscard]] QString filterFor(const wire::FieldNode& node);

}  // namespace roamscope::ui
