// SPDX-License-Identifier: GPL-3.0-or-later
// What the row of the index says about a word: a value, that there is none, or nothing.
#include "capture/filter/evaluate.hpp"

namespace roamscope::filter {

namespace {

using wire::FrameClass;

constexpr std::uint8_t redirect = 137;  // its Redirected Header option quotes a packet (RFC 4861 §4.5)

/// The kind does not say what else is in the frame: encrypted, in pieces, or a packet quoted by an error.
bool hides(const capture::FrameRow& row)
{
    if (row.kind == FrameClass::Esp || row.kind == FrameClass::Fragment) return true;
    if (row.kind == FrameClass::Icmpv6) return row.type < 128 || row.type == redirect;
    return (row.marks & wire::mark::completes) != 0;
}

/// Decoding broke off somewhere; beyond the kind nothing is sure.
bool brokenOff(const capture::FrameRow& row) { return (row.marks & (wire::mark::cut | wire::mark::malformed | wire::mark::limited)) != 0; }

/// Whether a field of `layer` may stand in the frame.
Verdict layerIn(Layer layer, const capture::FrameRow& row)
{
    if (layer == Layer::Ipv6 && (row.marks & wire::mark::ipv6) != 0) return Verdict::Yes;
    if (layer == Layer::Any || hides(row)) return Verdict::Unknown;
    const FrameClass kind = row.kind;
    const bool transport = kind == FrameClass::Udp || kind == FrameClass::Tcp || kind == FrameClass::Icmpv6 || kind == FrameClass::Mobility;
    // Where the walk ended before the upper layer was known, a part of it may have been decoded.
    if (!transport && brokenOff(row)) return Verdict::Unknown;
    switch (layer) {
    case Layer::Mobility:
        if (kind != FrameClass::Mobility) return Verdict::No;
        return brokenOff(row) ? Verdict::Unknown : Verdict::Yes;
    case Layer::Icmpv6:
        if (kind == FrameClass::Mobility) return Verdict::Unknown;
        if (kind != FrameClass::Icmpv6) return Verdict::No;
        return brokenOff(row) ? Verdict::Unknown : Verdict::Yes;
    case Layer::Udp:
        // Mobility headers, IPv6 and ESP may travel in UDP.
        if (kind == FrameClass::Udp) return brokenOff(row) ? Verdict::Unknown : Verdict::Yes;
        return (row.marks & wire::mark::tunnel) == 0 && (kind == FrameClass::Tcp || kind == FrameClass::Icmpv6) ? Verdict::No : Verdict::Unknown;
    case Layer::Ipv6:
        if (kind == FrameClass::Ipv4 && (row.marks & wire::mark::tunnel) == 0) return Verdict::No;
        return Verdict::Unknown;
    case Layer::Tcp:
        if (kind == FrameClass::Tcp) return brokenOff(row) ? Verdict::Unknown : Verdict::Yes;
        return transport ? Verdict::No : Verdict::Unknown;
    default: return Verdict::Unknown;
    }
}

}  // namespace

Verdict RowSubject::present(const Symbol& symbol)
{
    switch (symbol.source) {
    case Source::Field: {
        const Verdict v = layerIn(symbol.layer, row_);
        if (v != Verdict::Yes) return v;
        // Only the protocol itself is sure to stand in the frame, not each of its fields.
        const bool protocol = symbol.name == "mipv6" || symbol.name == "icmpv6" || symbol.name == "udp" || symbol.name == "tcp" || symbol.name == "ipv6";
        return protocol ? Verdict::Yes : Verdict::Unknown;
    }
    case Source::FrameItself:
    case Source::Number:
    case Source::Length:
    case Source::CapturedLength:
    case Source::RelativeTime:
    case Source::LinkNumber: return Verdict::Yes;
    default: break;
    }
    Values found;
    if (!values(symbol, {}, found)) return Verdict::Unknown;
    return found.size() > 0 ? Verdict::Yes : Verdict::No;
}

bool RowSubject::values(const Symbol& symbol, const std::vector<Stretch>& layers, Values& out)
{
    const std::int64_t time = toNanoseconds(row_.time);
    switch (symbol.source) {
    case Source::Number: out.add(std::uint64_t{number_}); return true;
    case Source::Length: out.add(std::uint64_t{row_.originalLength}); return true;
    case Source::CapturedLength: out.add(std::uint64_t{row_.capturedLength}); return true;
    case Source::RelativeTime: out.add(time); return true;
    case Source::LinkNumber: out.add(std::uint64_t{row_.link}); return true;
    case Source::Time:
    case Source::EpochTime: {
        std::int64_t utc = 0;
        if (!__builtin_add_overflow(startUtc_, time, &utc)) out.add(utc);
        return true;
    }
    case Source::LinkName:
        if (row_.link >= links_.size()) return false;
        if (!links_[row_.link].name.empty()) out.add(std::string_view(links_[row_.link].name));
        return true;
    case Source::Field: break;
    default: return false;
    }
    const Verdict there = layerIn(symbol.layer, row_);
    if (there == Verdict::No) return true;
    if (there == Verdict::Unknown || !layers.empty()) return false;
    if (symbol.name != "mip6.mhtype" && symbol.name != "icmpv6.type") return false;
    out.add(std::uint64_t{row_.type});
    return true;
}

}  // namespace roamscope::filter
