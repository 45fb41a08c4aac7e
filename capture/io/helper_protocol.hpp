// SPDX-License-Identifier: GPL-3.0-or-later
// The messages between a lab and its helper process `roamscope-helper`: one Request, one Reply, over a SOCK_SEQPACKET pair.
// Both sides are the same machine, so integers are in host order; layout and size are fixed and checked, and a change of
// either raises `protocolVersion`. The only strings are names that isLegalName() accepts. Header only and without
// dependencies: the helper links nothing else of ours but the pcapng blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

namespace roamscope::capture::helper {

inline constexpr int controlDescriptor = 3;                 ///< where the helper finds its end of the socket pair
inline constexpr std::uint32_t protocolMagic = 0x52534831;  ///< "RSH1"
inline constexpr std::uint16_t protocolVersion = 1;
inline constexpr std::size_t nameOctets = 16;  ///< IFNAMSIZ: 15 characters and a zero
inline constexpr std::size_t maximumLinks = 64;
inline constexpr std::size_t maximumPorts = 1024;
inline constexpr std::uint32_t defaultMtu = 1500;  ///< octets of IPv6 packet
inline constexpr std::uint32_t minimumMtu = 1280;  ///< RFC 8200 section 5
inline constexpr std::uint32_t maximumMtu = 9000;
inline constexpr std::uint32_t snapLength = 262144;  ///< octets of a frame that are kept

enum class Operation : std::uint16_t {
    Open = 1,      ///< make the namespace; must come first. Reply: mode
    AddLink,       ///< name, mtu (0 = default): a bridge
    AddPort,       ///< name: a TAP without a link. The reply carries its descriptor (SCM_RIGHTS)
    MovePort,      ///< name, link (empty = none)
    StartCapture,  ///< the reply carries the read end of a pipe with one pcapng stream of all links
    DropCounts,    ///< name of a link (empty = sum of all). Reply: received, droppedByKernel, droppedByBuffer
    Stop,          ///< answered at once; then the capture is finished and the helper leaves
};

/// What failed: first what a message can be refused for, then the calls.
enum class Step : std::uint16_t {
    None,
    Message,    ///< size or magic is not that of a Request
    Version,    ///< the reply's header holds the helper's version
    Order,      ///< before Open, Open twice, or StartCapture twice
    Operation,  ///< unknown operation
    Name,       ///< not a legal name
    Mtu,        ///< out of range
    Limit,      ///< too many links or ports
    UnknownLink,
    UnknownPort,
    Rehearsal,     ///< forking a child that tries whether the namespaces work
    UnshareUser,   ///< unshare(CLONE_NEWUSER | CLONE_NEWNET)
    UnshareNet,    ///< unshare(CLONE_NEWNET)
    IdMap,         ///< writing setgroups, uid_map or gid_map
    Silence,       ///< writing /proc/sys/net/ipv6/conf/*
    Netlink,       ///< opening the netlink socket
    CreateBridge,  ///< RTM_NEWLINK of kind bridge
    OpenTun,       ///< open("/dev/net/tun")
    CreateTap,     ///< TUNSETIFF
    SetUp,         ///< address generation off, interface up
    DropPrivileges,
    MovePort,     ///< IFLA_MASTER
    OpenCapture,  ///< libpcap on a bridge
    ReadCapture,  ///< libpcap stopped reading a bridge
    Pipe,
};

/// How the helper isolated itself.
enum class Mode : std::uint16_t { None, UserNamespace, NetworkNamespace };

struct Failure {
    Step step = Step::None;
    int error = 0;  ///< errno
    [[nodiscard]] explicit operator bool() const { return step != Step::None; }
};

struct Request {
    std::uint32_t magic = protocolMagic;
    std::uint16_t version = protocolVersion;
    Operation operation = Operation::Open;
    std::uint32_t serial = 0;  ///< comes back in the reply
    std::uint32_t mtu = 0;
    char name[nameOctets] = {};
    char link[nameOctets] = {};
};

struct Reply {
    std::uint32_t magic = protocolMagic;
    std::uint16_t version = protocolVersion;
    Operation operation = Operation::Open;
    std::uint32_t serial = 0;
    std::int32_t error = 0;  ///< errno of the failed step
    Step step = Step::None;  ///< None: it worked
    Mode mode = Mode::None;
    std::uint32_t reserved = 0;
    std::uint64_t received = 0;         ///< frames seen since the capture began, dropped ones included
    std::uint64_t droppedByKernel = 0;  ///< the helper was too slow
    std::uint64_t droppedByBuffer = 0;  ///< the reader of the pipe was too slow
};

static_assert(sizeof(Request) == 48 && sizeof(Reply) == 48);
static_assert(std::is_trivially_copyable_v<Request> && std::is_trivially_copyable_v<Reply>);

/// ^[a-z0-9][a-z0-9_-]{0,14}$ and none of the names that Linux keeps for itself.
[[nodiscard]] inline bool isLegalName(std::string_view name)
{
    if (name.empty() || name.size() >= nameOctets || name.front() == '-' || name.front() == '_') return false;
    if (name == "lo" || name == "all" || name == "default") return false;
    for (const char c : name) {
        const bool legal = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
        if (!legal) return false;
    }
    return true;
}

/// The text of a name field: up to its zero, or all of it when there is none (which isLegalName then refuses).
[[nodiscard]] inline std::string_view nameText(const char (&field)[nameOctets]) { return {field, ::strnlen(field, nameOctets)}; }

}  // namespace roamscope::capture::helper
