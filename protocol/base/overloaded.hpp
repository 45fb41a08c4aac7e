// SPDX-License-Identifier: GPL-3.0-or-later
// One callable out of several lambdas, for std::visit.
#pragma once

namespace roamscope {

template <class... Ts>
struct Overloaded : Ts... {
    using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

}  // namespace roamscope
