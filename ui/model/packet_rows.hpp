// SPDX-License-Identifier: GPL-3.0-or-later
// One frame as a line of the packet list. Rows are made when they are asked for, so a trace of any size costs nothing until
// it is looked at; the ones asked for last are kept.
#pragma once

#include "capture/run/filter_job.hpp"
#include "capture/run/session.hpp"
#include "protocol/wire/summary.hpp"
#include "ui/model/names.hpp"

#include <QString>

#include <array>
#include <optional>
#include <unordered_map>

namespace roamscope::ui {

enum class PacketColumn { Number, Time, Link, From, To, Protocol, Info };
inline constexpr int packetColumns = 7;

struct PacketRow {
    std::array<QString, packetColumns> text;
    wire::MessageKind kind = wire::MessageKind::Other;
    bool malformed = false;

    [[nodiscard]] const QString& at(PacketColumn column) const { return text[static_cast<std::size_t>(column)]; }
};

/// A frame's line; `index` < view.trace.size(). The analysis tells which registration a Binding Acknowledgement answers.
[[nodiscard]] PacketRow makePacketRow(const capture::View& view, std::size_t index, const Names& names);

class PacketRows {
public:
    /// Shows another state of the trace; rows made before are forgotten, since names may have been learned.
    void reset(const capture::View& view, const Names& names);
    /// Shows only these frames; none: all.
    void choose(std::optional<capture::FrameSelection> frames) { chosen_ = std::move(frames); }
    /// How many rows there are to show.
    [[nodiscard]] std::size_t count() const { return chosen_ ? chosen_->size() : view_.trace.size(); }
    /// The frame of a row; `row` < count().
    [[nodiscard]] std::size_t frameAt(std::size_t row) const { return chosen_ ? (*chosen_)[row] : row; }
    /// The row of a frame, or of the first one after it; count() when there is none.
    [[nodiscard]] std::size_t rowFor(std::size_t frame) const;
    /// The line of a row, `row` < count(). The reference holds until the next call.
    [[nodiscard]] const PacketRow& row(std::size_t row) { return ofFrame(frameAt(row)); }
    /// The line of a frame of the trace, shown or not.
    [[nodiscard]] const PacketRow& ofFrame(std::size_t index);
    [[nodiscard]] std::size_t frames() const { return view_.trace.size(); }

private:
    static constexpr std::size_t kept = 512;

    capture::View view_;
    Names names_;
    std::unordered_map<std::size_t, PacketRow> rows_;  ///< by frame
    std::optional<capture::FrameSelection> chosen_;
};

}  // namespace roamscope::ui
