// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/io/pcapng_options.hpp"

#include <algorithm>

namespace roamscope::capture {

namespace {

/// How the value of an option is made of numbers: `count` of `width` octets each from the front; none for text and octets.
struct Numbers {
    std::size_t width = 0;
    std::size_t count = 0;
};

bool isCustom(std::uint16_t code) { return (code & 0x7fff) == option::customText || (code & 0x7fff) == option::customOctets; }

Numbers numbersOf(std::uint16_t code, OptionScope scope)
{
    if (isCustom(code)) return {4, 1};  // the enterprise number
    switch (scope) {
    case OptionScope::Interface:
        if (code == option::speed || code == option::timeOffset || code == 16 || code == 17) return {8, 1};  // if_txspeed, if_rxspeed
        if (code == 10) return {4, 1};                                                                       // if_tzone
        return {};
    case OptionScope::Statistics:
        if (code == 2 || code == 3) return {4, 2};  // isb_starttime, isb_endtime: two halves, the higher one first
        if (code >= 4 && code <= 8) return {8, 1};
        return {};
    case OptionScope::Packet:
        if (code == option::flags || code == 6) return {4, 1};  // epb_queue
        if (code == 4 || code == 5) return {8, 1};              // epb_dropcount, epb_packetid
        return {};
    default: return {};
    }
}

Bytes inLittleEndian(ByteView value, Numbers numbers)
{
    Bytes out(value.begin(), value.end());
    for (std::size_t i = 0; i < numbers.count && (i + 1) * numbers.width <= out.size(); ++i) {
        const auto from = out.begin() + static_cast<std::ptrdiff_t>(i * numbers.width);
        std::reverse(from, from + static_cast<std::ptrdiff_t>(numbers.width));
    }
    return out;
}

/// The highest code that the format defines.
std::uint16_t lastCode(OptionScope scope)
{
    switch (scope) {
    case OptionScope::Section:
    case OptionScope::Names: return 4;
    case OptionScope::Interface: return 17;
    case OptionScope::Statistics: return 8;
    case OptionScope::Packet: break;
    }
    return 7;
}

bool isCopyable(const CaptureOption& o, OptionScope scope)
{
    if (isCustom(o.code)) return (o.code == option::customText || o.code == option::customOctets) && o.value.size() >= 4;
    if (o.code > lastCode(scope) || (scope == OptionScope::Interface && o.code == option::resolution)) return false;
    if (o.code == option::comment) return true;
    const Numbers numbers = numbersOf(o.code, scope);
    return numbers.width == 0 ? !o.value.empty() : o.value.size() == numbers.width * numbers.count;
}

}  // namespace

OptionList readOptions(ByteView octets, FileOrder order, OptionScope scope)
{
    OptionList out;
    while (octets.size() >= 4) {
        const std::uint16_t code = order.u16(octets, 0);
        const std::size_t length = order.u16(octets, 2);
        if (code == option::end) return out;
        if (length > octets.size() - 4) {
            out.damaged = true;
            return out;
        }
        if (out.options.size() == maxOptions) {
            out.more = true;
            return out;
        }
        const ByteView value = octets.subspan(4, length);
        out.options.push_back({code, order.big ? inLittleEndian(value, numbersOf(code, scope)) : Bytes(value.begin(), value.end())});
        octets = octets.subspan(std::min(octets.size(), 4 + (length + 3) / 4 * 4));
    }
    return out;
}

CaptureOptions copyableOptions(const CaptureOptions& options, OptionScope scope)
{
    CaptureOptions out;
    for (const CaptureOption& o : options)
        if (isCopyable(o, scope)) out.push_back(o);
    return out;
}

}  // namespace roamscope::capture
