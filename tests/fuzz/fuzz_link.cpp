// SPDX-License-Identifier: GPL-3.0-or-later
// Fuzz target of the link layers. Input: octet 0 chooses the link type, octets 1 and 2 how many octets the capture cut off, the rest
// is the frame.
#include "tests/fuzz/decode_checks.hpp"

using namespace roamscope;
using namespace roamscope::wire;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size < 3) return 0;
    static constexpr std::uint16_t linkTypes[] = {linkEthernet, linkCooked, linkCooked2, linkNull, linkLoopback, linkWifi, linkRadiotap, linkPpp,
                                                  linkPppHdlc, linkPppDirection, linkPppoe, linkRawIpv4, linkRaw, linkRawIpv6, linkRawBsd, linkRawOpenBsd};
    const std::size_t missing = static_cast<std::size_t>(data[1]) << 8 | data[2];
    test::checkFrame({data + 3, size - 3}, linkTypes[data[0] % std::size(linkTypes)], missing);
    return 0;
}
