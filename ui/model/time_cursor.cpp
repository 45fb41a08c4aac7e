// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/model/time_cursor.hpp"

namespace roamscope::ui {

void TimeCursor::moveTo(TimePoint time, std::optional<std::size_t> frame)
{
    setFollowing(false);
    set(time, frame);
}

void TimeCursor::follow(TimePoint now)
{
    if (following_) set(now, frame_);
}

void TimeCursor::follow(TimePoint now, std::size_t frame)
{
    if (following_) set(now, frame);
}

void TimeCursor::setFollowing(bool on)
{
    if (following_ == on) return;
    following_ = on;
    emit followingChanged(on);
}

void TimeCursor::reset()
{
    setFollowing(false);
    set(TimePoint{}, std::nullopt);
}

void TimeCursor::set(TimePoint time, std::optional<std::size_t> frame)
{
    const bool timeMoved = time_ != time;
    const bool frameMoved = frame_ != frame;
    time_ = time;
    frame_ = frame;
    if (frameMoved) emit frameChanged();
    if (timeMoved) emit timeChanged();
}

}  // namespace roamscope::ui
