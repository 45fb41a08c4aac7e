// SPDX-License-Identifier: GPL-3.0-or-later
// What can be told about an open capture as a whole, for people: the file, what is inside, interfaces, comments, names, blocks
// that are kept, what is odd and where. Bounded: of what there may be millions the first are listed and the rest is counted.
#pragma once

#include "capture/run/session.hpp"

#include <QString>

#include <optional>
#include <vector>

namespace roamscope::ui {

struct CaptureProperty {
    QString name;
    QString value;
    std::optional<std::size_t> frame{};  ///< index of the frame it is about
};

struct CapturePropertyGroup {
    QString title;
    std::vector<CaptureProperty> rows;
};

/// `path`: of the file; empty for a lab. Groups without anything to tell are left out.
[[nodiscard]] std::vector<CapturePropertyGroup> captureProperties(const capture::View& view, const QString& path);
/// The same as lines of text.
[[nodiscard]] QString propertiesText(const std::vector<CapturePropertyGroup>& groups);

/// "12.3 MB"
[[nodiscard]] QString formatOctets(std::uint64_t octets);

}  // namespace roamscope::ui
