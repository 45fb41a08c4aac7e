// SPDX-License-Identifier: GPL-3.0-or-later
// Many registrations with a home agent, as the packets of a capture.
#pragma once

#include "tests/support/frame_builder.hpp"
#include "tests/support/test_inputs.hpp"

namespace roamscope::test {

/// `exchanges` of Binding Updates, each answered; every mobile node makes four, each from another care-of address.
[[nodiscard]] inline std::vector<InputFrame> registrations(std::uint32_t exchanges)
{
    const Ipv6Address agent = ip("2001:db8:1::1");
    std::vector<InputFrame> out;
    const auto add = [&out](const Bytes& packet) { out.push_back({QString(), packet, wire::linkRawIpv6, packet.size()}); };
    for (std::uint32_t i = 0; i < exchanges; ++i) {
        Ipv6Address home = ip("2001:db8:1::");
        Ipv6Address careOf = ip("2001:db8:f::");
        home.octets[13] = careOf.octets[12] = static_cast<std::uint8_t>(i / 4 >> 8);
        home.octets[14] = careOf.octets[13] = static_cast<std::uint8_t>(i / 4);
        home.octets[15] = 7;
        careOf.octets[15] = static_cast<std::uint8_t>(i % 4);
        const UpdateSpec asked{careOf, agent, home, careOf, wire::BindingUpdate::acknowledge | wire::BindingUpdate::homeRegistration, static_cast<std::uint16_t>(i), 600};
        add(update(asked));
        add(answer({agent, careOf, home, 0, asked.sequence, 600}));
    }
    return out;
}

}  // namespace roamscope::test
