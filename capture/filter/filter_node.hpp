// SPDX-License-Identifier: GPL-3.0-or-later
// What a compiled filter holds. Inner form of the filter library.
#pragma once

#include "capture/filter/expression.hpp"

namespace roamscope::filter {

struct Filter::Node {
    Expression expression;
    bool analysis = false;  ///< some word asks the analysis
    wire::FieldSet fields;  ///< that it asks for
};

}  // namespace roamscope::filter
