// SPDX-License-Identifier: GPL-3.0-or-later
// What the window has open: a session (file or lab), its newest view, the names in it and the cursor. All views show this
// object and none of them knows another. Lives in the window's thread; polls the session 30 times a second and never waits.
#pragma once

#include "capture/run/session.hpp"
#include "ui/model/names.hpp"
#include "ui/model/time_cursor.hpp"

#include <QObject>
#include <QTimer>

#include <memory>
#include <optional>

namespace roamscope::ui {

class Workspace : public QObject {
    Q_OBJECT

public:
    explicit Workspace(QObject* parent = nullptr);
    ~Workspace() override;

    /// Takes over `session` (may be null: nothing open) and ends the one before.
    void setSession(std::unique_ptr<capture::Session> session);
    [[nodiscard]] capture::Session* session() const { return session_.get(); }
    /// For work beside the window that must not lose the session, such as saving it.
    [[nodiscard]] std::shared_ptr<capture::Session> share() const { return session_; }
    [[nodiscard]] capture::LabControl* lab() const { return session_ ? session_->lab() : nullptr; }
    [[nodiscard]] const lab::Scenario* scenario() const { return session_ ? session_->scenario() : nullptr; }

    [[nodiscard]] const capture::View& view() const { return view_; }
    [[nodiscard]] const analysis::Analysis& analysis() const { return *view_.analysis; }
    /// Why nothing of an opened file has been analysed; empty when something has, or nothing is there.
    [[nodiscard]] QString notAnalysed() const;
    /// Of the lab at the last poll; none for a file.
    [[nodiscard]] const std::optional<capture::LabStatus>& status() const { return status_; }
    [[nodiscard]] const Names& names() const { return names_; }
    [[nodiscard]] TimeCursor& cursor() { return cursor_; }
    /// The later of the last frame and, for a lab, its whole duration: what a picture of the time must span.
    [[nodiscard]] TimePoint horizon() const;

    /// Puts the cursor at `time` and selects the last frame that is not after it.
    void goToTime(TimePoint time);
    /// Selects a frame and puts the cursor at its time; out of range does nothing.
    void goToFrame(std::size_t index);
    /// Cursor at the start of a handover; out of range does nothing.
    void goToHandover(std::size_t index);
    /// The handover of the cursor's time: the last that began at or before it.
    [[nodiscard]] std::optional<std::size_t> handoverAtCursor() const;

    /// Takes the newest view now instead of at the next tick.
    void poll();

signals:
    void sessionChanged();
    void viewChanged();
    void statusChanged();

private:
    /// An analysis and the names in it.
    struct Named {
        std::shared_ptr<const analysis::Analysis> analysis;
        Names names;
    };
    void nameFirst(capture::View& view);
    void followRun();
    [[nodiscard]] std::optional<std::size_t> latestRegistration() const;

    std::shared_ptr<capture::Session> session_;
    capture::View view_;
    std::optional<capture::LabStatus> status_;
    Names names_;
    std::shared_ptr<const analysis::Analysis> naming_;  ///< of a large analysis the names are made beside the window
    Named named_;                                       ///< and this is the newest of which they are there
    TimeCursor cursor_;
    QTimer timer_;
};

}  // namespace roamscope::ui
