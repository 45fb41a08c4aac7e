// SPDX-License-Identifier: GPL-3.0-or-later
// What the makers of random scenarios draw and build with. Inside of lab/, and for tests.
#pragma once

#include "protocol/base/random.hpp"
#include "protocol/lab/scenario.hpp"

namespace roamscope::lab {

/// The same stream gives the same draws.
class Dice {
public:
    explicit Dice(Random random) : random_(random) {}

    [[nodiscard]] std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_.below(bound)); }
    [[nodiscard]] bool chance(std::size_t percent) { return below(100) < percent; }
    [[nodiscard]] Duration upTo(Duration most) { return random_.between(Duration{0}, most); }
    [[nodiscard]] std::uint16_t bits16() { return static_cast<std::uint16_t>(random_.next()); }

private:
    Random random_;
};

/// An interface with this address on a link, named like the link.
[[nodiscard]] inline InterfaceSpec wired(const std::string& link, const std::string& address)
{
    InterfaceSpec out;
    out.name = link;
    out.link = link;
    out.address = Prefix::parse(address);
    return out;
}

[[nodiscard]] inline NodeSpec nodeNamed(std::string name, Role role, std::vector<InterfaceSpec> interfaces)
{
    NodeSpec out;
    out.name = std::move(name);
    out.role = role;
    out.interfaces = std::move(interfaces);
    return out;
}

}  // namespace roamscope::lab
