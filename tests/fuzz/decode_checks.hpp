// SPDX-License-Identifier: GPL-3.0-or-later
// What must hold when any octets are decoded as a frame; shared by the fuzz targets. Stops the process when it does not.
#pragma once

#include "protocol/wire/summary.hpp"
#include "tests/support/frame_checks.hpp"

#include <cstdio>
#include <cstdlib>

namespace roamscope::test {

inline void require(const std::string& fault)
{
    if (fault.empty()) return;
    std::fprintf(stderr, "fuzz: %s\n", fault.c_str());
    std::abort();
}

/// Lines and findings of each buffer lie inside it and say what stands there.
inline void checkBuffers(ByteView frame, wire::FieldSink& sink)
{
    for (std::size_t buffer = 0; buffer <= sink.buffers().size(); ++buffer) {
        const ByteView octets = buffer == 0 ? frame : ByteView(sink.buffers()[buffer - 1].bytes);
        std::vector<wire::FieldNode> own;
        for (const wire::FieldNode& node : sink.nodes())
            if (node.buffer == buffer) own.push_back(node);
        require(nodeFault(octets, own));
        for (const wire::Finding& finding : sink.findings())
            if (finding.buffer == buffer)
                require(finding.offset > octets.size() || finding.length > octets.size() - finding.offset ? "a finding outside its octets: " + finding.text : "");
    }
}

inline wire::DecodedFrame checkFrame(ByteView frame, std::uint16_t linkType, std::size_t missing, const wire::DecodeContext& context = {})
{
    using namespace wire;
    FieldSink sink;
    DecodedFrame decoded = decodeFrame(frame, linkType, frame.size() + missing, &sink, context);
    checkBuffers(frame, sink);
    require(sink.nodes().size() > FieldSink::maxNodes + 1 ? "more lines than the limit" : "");
    require(sink.openGroups() != 0 ? "a group was left open" : "");
    require(decoded.undecodedOffset > frame.size() ? "undecoded octets outside the frame" : "");
    const DecodedFrame plain = decodeFrame(frame, linkType, frame.size() + missing, nullptr, context);
    require(decoded.packets != plain.packets || decoded.message.index() != plain.message.index() || decoded.error.has_value() != plain.error.has_value()
                ? "a sink changes the value"
                : "");
    if (!context.whole) require(skimFault(frame, linkType, frame.size() + missing));
    require(summarize(decoded).protocol.empty() ? "a frame without protocol" : "");
    return decoded;
}

}  // namespace roamscope::test
