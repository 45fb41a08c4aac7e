// SPDX-License-Identifier: GPL-3.0-or-later
// How tshark 4.0 prints the fields that both know: its names for what stands in a line of the tree, its number formats, the
// headlines of layers.
#pragma once

#include "protocol/wire/fields.hpp"

namespace roamscope::cli {

/// A field as tshark prints it under its own name.
struct TsharkField {
    wire::FieldId field;
    std::string text;
};

/// Appends what tshark prints for line `at` of a dissection to `out`: nothing, or the line under one or several names.
void asTshark(const std::vector<wire::FieldNode>& nodes, std::size_t at, std::vector<TsharkField>& out);

}  // namespace roamscope::cli
