// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/helper/network.hpp"

#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <array>
#include <cerrno>
#include <cstring>

namespace roamscope::helper {

using capture::helper::Step;

namespace {

using Buffer = std::array<char, 8192>;

nlmsghdr* linkMessage(Buffer& buffer, std::uint16_t flags, unsigned index = 0, bool up = false)
{
    nlmsghdr* message = mnl_nlmsg_put_header(buffer.data());
    message->nlmsg_type = RTM_NEWLINK;
    message->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
    auto* link = static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ifinfomsg)));
    link->ifi_family = AF_UNSPEC;
    link->ifi_index = static_cast<int>(index);
    link->ifi_flags = up ? unsigned{IFF_UP} : 0u;
    link->ifi_change = up ? unsigned{IFF_UP} : 0u;
    return message;
}

/// Segmentation and checksum offload off. With them on, what a kernel host of the lab sends would be captured in a form that
/// no wire carries; and libpcap sizes every slot of its ring for the snap length instead of the MTU, so that the ring holds
/// a handful of frames. A feature that this kernel's bridge lacks is refused, which is just as well.
void disableOffload(const std::string& name)
{
    const FileDescriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    for (const int command : {ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO, ETHTOOL_STXCSUM}) {
        ethtool_value value{static_cast<std::uint32_t>(command), 0};
        ifreq request{};
        name.copy(request.ifr_name, IFNAMSIZ - 1);
        request.ifr_data = reinterpret_cast<char*>(&value);
        static_cast<void>(::ioctl(socket.get(), SIOCETHTOOL, &request));
    }
}

}  // namespace

Failure Network::open()
{
    socket_ = FileDescriptor(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    return socket_ ? Failure{} : Failure{Step::Netlink, errno};
}

/// Sends one request and waits for the kernel's acknowledgement, which comes at once. Gives errno, or 0.
int Network::talk(nlmsghdr* message)
{
    message->nlmsg_seq = ++sequence_;
    if (::send(socket_.get(), message, message->nlmsg_len, 0) < 0) return errno;
    Buffer answer;
    const ssize_t length = ::recv(socket_.get(), answer.data(), answer.size(), 0);
    if (length < 0) return errno;
    return mnl_cb_run(answer.data(), static_cast<std::size_t>(length), sequence_, 0, nullptr, nullptr) < 0 ? errno : 0;
}

/// Address generation must be off before the interface goes up: on the way up the kernel would send DAD, RS and MLD.
Failure Network::silenceAndRaise(const std::string& name)
{
    const unsigned index = ::if_nametoindex(name.c_str());
    if (index == 0) return {Step::SetUp, errno};
    Buffer buffer;
    nlmsghdr* message = linkMessage(buffer, 0, index);
    nlattr* families = mnl_attr_nest_start(message, IFLA_AF_SPEC);
    nlattr* ipv6 = mnl_attr_nest_start(message, AF_INET6);
    mnl_attr_put_u8(message, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
    mnl_attr_nest_end(message, ipv6);
    mnl_attr_nest_end(message, families);
    int error = talk(message);
    // A kernel without IPv6 has nothing to silence.
    if (error != 0 && error != EAFNOSUPPORT) return {Step::SetUp, error};
    error = talk(linkMessage(buffer, 0, index, true));
    return error != 0 ? Failure{Step::SetUp, error} : Failure{};
}

Failure Network::addBridge(const std::string& name, std::uint32_t mtu)
{
    Buffer buffer;
    nlmsghdr* message = linkMessage(buffer, NLM_F_CREATE | NLM_F_EXCL);
    mnl_attr_put_strz(message, IFLA_IFNAME, name.c_str());
    mnl_attr_put_u32(message, IFLA_MTU, mtu);
    nlattr* info = mnl_attr_nest_start(message, IFLA_LINKINFO);
    mnl_attr_put_strz(message, IFLA_INFO_KIND, "bridge");
    nlattr* data = mnl_attr_nest_start(message, IFLA_INFO_DATA);
    mnl_attr_put_u8(message, IFLA_BR_MCAST_SNOOPING, 0);
    mnl_attr_put_u32(message, IFLA_BR_STP_STATE, 0);
    mnl_attr_put_u32(message, IFLA_BR_FORWARD_DELAY, 0);
    mnl_attr_nest_end(message, data);
    mnl_attr_nest_end(message, info);
    if (const int error = talk(message); error != 0) return {Step::CreateBridge, error};
    disableOffload(name);
    return silenceAndRaise(name);
}

Failure Network::addTap(const std::string& name, FileDescriptor& tap)
{
    FileDescriptor opened(::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK));
    if (!opened) return {Step::OpenTun, errno};
    ifreq request{};
    name.copy(request.ifr_name, IFNAMSIZ - 1);
    request.ifr_flags = static_cast<short>(IFF_TAP | IFF_NO_PI | IFF_TUN_EXCL);
    if (::ioctl(opened.get(), TUNSETIFF, &request) < 0) return {Step::CreateTap, errno};
    tap = std::move(opened);
    return silenceAndRaise(name);
}

Failure Network::moveTap(const std::string& name, const std::string& bridge, std::uint32_t mtu)
{
    const unsigned port = ::if_nametoindex(name.c_str());
    const unsigned master = bridge.empty() ? 0 : ::if_nametoindex(bridge.c_str());
    if (port == 0 || (master == 0 && !bridge.empty())) return {Step::MovePort, errno};
    Buffer buffer;
    nlmsghdr* message = linkMessage(buffer, 0, port);
    if (master != 0) mnl_attr_put_u32(message, IFLA_MTU, mtu);
    mnl_attr_put_u32(message, IFLA_MASTER, master);
    const int error = talk(message);
    return error != 0 ? Failure{Step::MovePort, error} : Failure{};
}

}  // namespace roamscope::helper
