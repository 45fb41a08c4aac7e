// SPDX-License-Identifier: GPL-3.0-or-later
// Bridges and TAPs of the namespace that the process is in, through rtnetlink (libmnl) and the tun device. Nothing made
// here outlives its last descriptor or the namespace.
#pragma once

#include "capture/io/file_descriptor.hpp"
#include "capture/io/helper_protocol.hpp"

#include <cstdint>
#include <string>

struct nlmsghdr;

namespace roamscope::helper {

using capture::FileDescriptor;
using capture::helper::Failure;

class Network {
public:
    /// Opens the netlink socket in the current namespace.
    [[nodiscard]] Failure open();

    /// A bridge that passes every frame to every port that may want it and says nothing itself: no multicast snooping,
    /// no spanning tree, no wait before forwarding, no IPv6 address; up. `mtu` in octets.
    [[nodiscard]] Failure addBridge(const std::string& name, std::uint32_t mtu);

    /// A TAP (frames without packet information, non-blocking, not persistent), silent and up, on no bridge.
    [[nodiscard]] Failure addTap(const std::string& name, FileDescriptor& tap);

    /// Puts a TAP on a bridge and gives it the bridge's MTU; an empty `bridge` takes it off.
    [[nodiscard]] Failure moveTap(const std::string& name, const std::string& bridge, std::uint32_t mtu);

private:
    [[nodiscard]] int talk(nlmsghdr* message);
    [[nodiscard]] Failure silenceAndRaise(const std::string& name);

    FileDescriptor socket_;
    std::uint32_t sequence_ = 0;
};

}  // namespace roamscope::helper
