// SPDX-License-Identifier: GPL-3.0-or-later
// A session that shows what a test tells it.
#pragma once

#include "capture/run/session.hpp"

#include <functional>

namespace roamscope::test {

/// Says what the test wants of a file that is being read.
class ToldSession final : public capture::Session {
public:
    explicit ToldSession(capture::View view) : view_(std::move(view)) {}
    capture::View view() const override { return view_; }
    const lab::Scenario* scenario() const override { return nullptr; }
    capture::LabControl* lab() override { return nullptr; }
    void stop() override
    {
        view_.stopped = view_.indexed = view_.complete = true;
        view_.timeLeft.reset();
        view_.remark = "Stopped: 6 packets are here (41 % of the file), 6 of them analysed";
        ++view_.revision;
    }
    void setDecoding(capture::DecodeSettings settings) override
    {
        view_.decoding = std::move(settings);
        ++view_.revision;
    }
    Result<void> save(const std::string&) const override { return {}; }
    void change(const std::function<void(capture::View&)>& how)
    {
        how(view_);
        ++view_.revision;
    }

private:
    capture::View view_;
};

}  // namespace roamscope::test
