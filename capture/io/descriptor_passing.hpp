// SPDX-License-Identifier: GPL-3.0-or-later
// One fixed-layout message over a Unix socket, with at most one file descriptor beside it (SCM_RIGHTS). Header only and
// without dependencies: both the helper and its client use it.
#pragma once

#include "capture/io/file_descriptor.hpp"

#include <sys/socket.h>

#include <cstring>
#include <type_traits>

namespace roamscope::capture {

/// Sends `message`, and `descriptor` when it is not negative. Never raises SIGPIPE. False with errno set when it did not go.
template <class Message>
[[nodiscard]] bool sendMessage(int socket, Message message, int descriptor, int flags)
{
    static_assert(std::is_trivially_copyable_v<Message>);
    iovec part{&message, sizeof message};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr envelope{};
    envelope.msg_iov = &part;
    envelope.msg_iovlen = 1;
    if (descriptor >= 0) {
        envelope.msg_control = control;
        envelope.msg_controllen = sizeof control;
        cmsghdr* header = CMSG_FIRSTHDR(&envelope);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
    }
    return ::sendmsg(socket, &envelope, MSG_NOSIGNAL | flags) == static_cast<ssize_t>(sizeof message);
}

/// Receives one message and the descriptor that came with it, close-on-exec. Gives what recvmsg gives; only sizeof(Message)
/// means a whole one.
template <class Message>
[[nodiscard]] ssize_t receiveMessage(int socket, Message& message, FileDescriptor& descriptor)
{
    static_assert(std::is_trivially_copyable_v<Message>);
    iovec part{&message, sizeof message};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr envelope{};
    envelope.msg_iov = &part;
    envelope.msg_iovlen = 1;
    envelope.msg_control = control;
    envelope.msg_controllen = sizeof control;
    const ssize_t length = ::recvmsg(socket, &envelope, MSG_CMSG_CLOEXEC);
    const cmsghdr* header = length < 0 ? nullptr : CMSG_FIRSTHDR(&envelope);
    if (header != nullptr && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
        int passed = -1;
        std::memcpy(&passed, CMSG_DATA(header), sizeof passed);
        descriptor = FileDescriptor(passed);
    }
    return length;
}

}  // namespace roamscope::capture
