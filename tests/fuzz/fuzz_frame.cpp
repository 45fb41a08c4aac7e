// SPDX-License-Identifier: GPL-3.0-or-later
// Fuzz target of the frame decoder. Input: octet 0 chooses the link type, octets 1 and 2 how many octets the capture cut off,
// the rest is the frame. Stops the process when something that must hold for any octets does not.
#include "protocol/wire/summary.hpp"
#include "tests/support/frame_checks.hpp"

#include <cstdio>
#include <cstdlib>

using namespace roamscope;
using namespace roamscope::wire;
using namespace roamscope::test;

namespace {

void require(const std::string& fault)
{
    if (fault.empty()) return;
    std::fprintf(stderr, "fuzz_frame: %s\n", fault.c_str());
    std::abort();
}

/// The value must not depend on whether somebody wants the tree.
std::string sinkFault(const DecodedFrame& with, const DecodedFrame& without)
{
    if (with.packets != without.packets) return "a sink changes the packets";
    if (with.message.index() != without.message.index()) return "a sink changes the message";
    if (with.error.has_value() != without.error.has_value()) return "a sink changes the error";
    return {};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size < 3) return 0;
    static constexpr std::uint16_t linkTypes[] = {linkEthernet, linkRawIpv6, linkRaw, linkRawBsd, 147};
    const std::uint16_t linkType = linkTypes[data[0] % std::size(linkTypes)];
    const std::size_t missing = static_cast<std::size_t>(data[1]) << 8 | data[2];
    const ByteView frame(data + 3, size - 3);

    FieldSink sink;
    const DecodedFrame decoded = decodeFrame(frame, linkType, frame.size() + missing, &sink);
    require(nodeFault(frame, sink.nodes()));
    require(sink.nodes().size() > FieldSink::maxNodes + 1 ? "more lines than the limit" : "");
    require(sink.openGroups() != 0 ? "a group was left open" : "");
    for (const FieldNode& node : sink.nodes()) require(lineText(node).empty() ? "a line without text" : "");
    for (const Finding& finding : sink.findings())
        require(finding.offset > frame.size() || finding.length > frame.size() - finding.offset ? "a finding outside the frame: " + finding.text : "");
    if (!decoded.error) require(nestingFault(sink.nodes()));
    require(decoded.undecodedOffset > frame.size() ? "undecoded octets outside the frame" : "");
    require(sinkFault(decoded, decodeFrame(frame, linkType, frame.size() + missing)));
    require(fixpointFault(decoded));
    require(skimFault(frame, linkType, frame.size() + missing));
    require(summarize(decoded).protocol.empty() ? "a frame without protocol" : "");
    return 0;
}
