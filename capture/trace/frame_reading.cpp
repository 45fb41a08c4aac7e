// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/trace/frame_reading.hpp"

#include "protocol/wire/ipv6.hpp"

#include <utility>

namespace roamscope::capture {

wire::DecodeContext DecodeSettings::context(const wire::ReassembledDatagram* whole) const
{
    return {dialect.dialect, dialect.custom, keys.get(), whole};
}

bool DecodeSettings::rowHolds(const FrameRow& row) const
{
    if (dialect.dialect == wire::Dialect::Automatic) return true;
    if (row.kind == wire::FrameClass::Mobility || row.kind == wire::FrameClass::Icmpv6) return false;
    // Another number for the Mobility Header makes one of what the index takes for something else.
    const bool renumbered = dialect.dialect == wire::Dialect::Custom && dialect.custom.mobilityHeader != wire::protocol::mobility;
    return !renumbered || (row.kind != wire::FrameClass::Ipv6 && row.kind != wire::FrameClass::Ipv4);
}

FrameReading::FrameReading(const TraceSnapshot& trace, std::size_t index, DecodeSettings settings)
    : FrameReading(trace, index, trace.frame(index), std::move(settings))
{
}

FrameReading::FrameReading(const TraceSnapshot& trace, std::size_t index, FrameView view, DecodeSettings settings)
    : view_(std::move(view)), link_(view_.link < trace.links().size() ? trace.links()[view_.link] : TraceLink{}), settings_(std::move(settings)), whole_(trace.reassembled(index))
{
}

wire::Dissection FrameReading::dissect() const { return wire::dissect(view_.bytes, link_.linkType, view_.originalLength, context()); }

wire::DecodedFrame FrameReading::decode() const { return wire::decodeFrame(view_.bytes, link_.linkType, view_.originalLength, nullptr, context()); }

}  // namespace roamscope::capture
