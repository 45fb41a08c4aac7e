// SPDX-License-Identifier: GPL-3.0-or-later
// Fuzz target of the Mobility Header parser. Input: octet 0 chooses the dialect (low bits) and whether the capture cut the message
// (top bit), the rest is the message.
#include "protocol/wire/mobility.hpp"
#include "tests/support/frame_checks.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

using namespace roamscope;
using namespace roamscope::wire;
using namespace roamscope::test;

namespace {

void require(const std::string& fault)
{
    if (fault.empty()) return;
    std::fprintf(stderr, "fuzz_mobility: %s\n", fault.c_str());
    std::abort();
}

/// In the dialect of RFC 4068 an option of the published layout is one behind which no octet is left; padding would make it another.
bool hasLastLinkLayer(const MobilityMessage& message)
{
    return std::visit(
        [](const auto& m) {
            if constexpr (requires { m.options; }) {
                return std::any_of(m.options.begin(), m.options.end(), [](const MobilityOption& option) {
                    const auto* address = std::get_if<LinkLayerAddress>(&option);
                    return address && !address->padded;
                });
            } else return false;
        },
        message);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size < 1) return 0;
    DecodeContext context;
    context.dialect = static_cast<Dialect>((data[0] & 0x7f) % 8);
    context.custom = {40, 0x0020, 200, 201};
    const bool cut = (data[0] & 0x80) != 0;
    const ByteView message(data + 1, size - 1);
    const PseudoHeader addresses{};

    FieldSink sink;
    FieldReader in(message, 0, &sink, context);
    const auto parsed = parseMobility(in, addresses, cut);
    require(nodeFault(message, sink.nodes()));
    for (const FieldNode& node : sink.nodes()) require(lineText(node).empty() ? "a line without text" : "");
    for (const Finding& finding : sink.findings())
        require(finding.offset > message.size() || finding.length > message.size() - finding.offset ? "a finding outside: " + finding.text : "");

    FieldReader quiet(message, 0, nullptr, context);
    const auto again = parseMobility(quiet, addresses, cut);
    require(parsed.has_value() != again.has_value() ? "a sink changes the result" : "");
    if (!parsed) return 0;
    require(nestingFault(sink.nodes()));
    require(parsed->value == again->value ? "" : "a sink changes the value");
    DecodedFrame frame;
    frame.packets.emplace_back();
    frame.message = *parsed;
    // What was read with other numbers is written with the published ones; only the padded layout of RFC 4068 is a value of its own.
    DecodeContext written;
    if (context.dialect != Dialect::Automatic && context.dialect != Dialect::Fmip4068) written.dialect = Dialect::Rfc;
    else written.dialect = context.dialect;
    const bool ambiguous = written.dialect != Dialect::Rfc && hasLastLinkLayer(parsed->value);
    if (!cut && context.dialect != Dialect::Custom && !ambiguous) require(fixpointFault(frame, written));
    return 0;
}
