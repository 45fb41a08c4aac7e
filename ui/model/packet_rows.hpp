// SPDX-License-Identifier: GPL-3.0-or-later
// One frame as a line of the packet list. Rows are made when they are asked for, so a trace of any size costs nothing until
// it is looked at; the ones asked for last are kept.
#pragma once

#include "capture/run/session.hpp"
#include "protocol/wire/summary.hpp"
#include "ui/model/names.hpp"

#include <QString>

#include <array>
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

/// A frame's line; `analysis` tells which registration a Binding Acknowledgement answers.
[[nodiscard]] PacketRow makePacketRow(const capture::TraceSnapshot& trace, std::size_t index, const analysis::Analysis& analysis,
                                      const Names& names);

class PacketRows {
public:
    /// Shows another state of the trace; rows made before are forgotten, since names may have been learned.
    void reset(const capture::View& view, const Names& names);
    [[nodiscard]] std::size_t count() const { return view_.trace.size(); }
    /// `index` < count(). The reference holds until the next call.
    [[nodiscard]] const PacketRow& row(std::size_t index);

private:
    static constexpr std::size_t kept = 512;

    capture::View view_;
    Names names_;
    std::unordered_map<std::size_t, PacketRow> rows_;
};

}  // namespace roamscope::ui
