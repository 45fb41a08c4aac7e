// SPDX-License-Identifier: GPL-3.0-or-later
// "Did you mean …?": the known name that is most like what somebody wrote.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace roamscope::capture {

/// Insertions, deletions and substitutions that turn `a` into `b`.
[[nodiscard]] inline std::size_t editDistance(std::string_view a, std::string_view b)
{
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i);
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, replaced}));
        }
    }
    return row[b.size()];
}

/// The closest of `known`, or empty when none is close enough to be meant: in short words one letter may differ, else two or a third.
template <class Names>
[[nodiscard]] std::string nearestName(std::string_view written, const Names& known)
{
    std::string best;
    const std::size_t most = written.size() < 2 ? 0 : written.size() < 4 ? 1 : std::max<std::size_t>(2, written.size() / 3);
    std::size_t least = most + 1;
    if (written.size() > 200) return best;
    for (const auto& name : known) {
        const std::size_t distance = editDistance(written, name);
        if (distance < least) {
            least = distance;
            best = name;
        }
    }
    return best;
}

}  // namespace roamscope::capture
