// SPDX-License-Identifier: GPL-3.0-or-later
// How the body of each neighbour discovery option is laid out. Only for ndisc.cpp.
#pragma once

#include "protocol/wire/ndisc.hpp"

namespace roamscope::wire {

/// One kind of option.
struct NdForm {
    std::uint8_t type;
    std::string_view name;
    std::uint8_t least, most;  ///< right lengths, in 8 octets; with fewer than `least` nothing of it can be read
    bool odd;                  ///< only odd lengths are right
    std::string_view rfc;
    /// Reads and shows the body, which ends where `in` ends. Gives a value when this project acts upon the option.
    std::optional<NdOption> (*parse)(FieldReader& in);

    [[nodiscard]] bool fits(std::size_t units) const { return units >= least && units <= most && (!odd || units % 2 == 1); }
};

/// The form of options of `type`, or null. MAP options have their own rules: see parseMap().
[[nodiscard]] const NdForm* ndForm(std::uint8_t type);

/// The body of a MAP option; `type` is its number.
[[nodiscard]] MapOption parseMap(FieldReader& in, std::uint8_t type);

}  // namespace roamscope::wire
