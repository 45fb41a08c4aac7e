// SPDX-License-Identifier: GPL-3.0-or-later
// The one cursor in time that all views share, with the frame that is selected at it. Times are those of the trace. Lives in
// the window's thread. While `following` the cursor is moved by the running lab; any move by a person ends that.
#pragma once

#include "protocol/base/time.hpp"

#include <QObject>

#include <cstddef>
#include <optional>

namespace roamscope::ui {

class TimeCursor : public QObject {
    Q_OBJECT

public:
    using QObject::QObject;

    [[nodiscard]] TimePoint time() const { return time_; }
    /// Index into the trace; none while nothing was selected.
    [[nodiscard]] std::optional<std::size_t> frame() const { return frame_; }
    [[nodiscard]] bool following() const { return following_; }

    /// Someone chose this instant (and the frame there, if any).
    void moveTo(TimePoint time, std::optional<std::size_t> frame);
    /// The run went on to `now`; does nothing unless following.
    void follow(TimePoint now);
    /// As follow(), with the frame that was captured last.
    void follow(TimePoint now, std::size_t frame);
    void setFollowing(bool on);
    /// Back to time 0 without a frame.
    void reset();

signals:
    void timeChanged();
    void frameChanged();
    void followingChanged(bool on);

private:
    void set(TimePoint time, std::optional<std::size_t> frame);

    TimePoint time_{};
    std::optional<std::size_t> frame_;
    bool following_ = false;
};

}  // namespace roamscope::ui
