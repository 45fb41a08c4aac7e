// SPDX-License-Identifier: GPL-3.0-or-later
// roamscope-helper: makes a network namespace with bridges and TAPs for a lab, captures on the bridges, and leaves with
// its parent. The only program of ours that may hold a privilege. It takes no argument, no path and no environment; it
// listens to fixed messages (capture/io/helper_protocol.hpp) on the socket that it inherits, and never looks into a frame.
#include "app/helper/isolation.hpp"
#include "app/helper/network.hpp"
#include "app/helper/recorder.hpp"
#include "capture/io/helper_protocol.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace roamscope::helper {
namespace {

using capture::helper::Operation;
using capture::helper::Reply;
using capture::helper::Request;
using capture::helper::Step;

class Server {
public:
    /// Answers messages and moves frames until the parent goes or says stop.
    void run()
    {
        std::vector<pollfd> descriptors;
        while (!leaving_) {
            descriptors.assign(1, {capture::helper::controlDescriptor, POLLIN, 0});
            const int timeout = recorder_.watch(descriptors);
            if (::poll(descriptors.data(), descriptors.size(), timeout) < 0 && errno != EINTR) return;
            recorder_.pump();
            if (descriptors.front().revents != 0 && !takeMessage()) return;
        }
        recorder_.finish();
    }

private:
    /// False when the other end is gone, or does not take its answers.
    bool takeMessage()
    {
        char octets[sizeof(Request) + 1];
        const ssize_t length = ::recv(capture::helper::controlDescriptor, octets, sizeof octets, MSG_DONTWAIT);
        if (length < 0) return errno == EAGAIN || errno == EINTR;
        if (length == 0) return false;
        Request request;
        Reply reply;
        FileDescriptor passed;
        Failure failure{Step::Message, EBADMSG};
        if (length == sizeof request) {
            std::memcpy(&request, octets, sizeof request);
            reply.operation = request.operation;
            reply.serial = request.serial;
            if (request.magic == capture::helper::protocolMagic) failure = judge(request, reply, passed);
        }
        reply.step = failure.step;
        reply.error = failure.error;
        return send(reply, passed.get());
    }

    [[nodiscard]] Failure judge(const Request& request, Reply& reply, FileDescriptor& passed)
    {
        if (request.version != capture::helper::protocolVersion) return {Step::Version, EPROTONOSUPPORT};
        if (opened_ == (request.operation == Operation::Open)) return {Step::Order, EINVAL};
        const std::string name(capture::helper::nameText(request.name));
        const std::string link(capture::helper::nameText(request.link));
        if ((!name.empty() && !capture::helper::isLegalName(name)) || (!link.empty() && !capture::helper::isLegalName(link)))
            return {Step::Name, EINVAL};
        switch (request.operation) {
        case Operation::Open: return open(reply);
        case Operation::AddLink: return addLink(name, request.mtu == 0 ? capture::helper::defaultMtu : request.mtu);
        case Operation::AddPort: return addPort(name, passed);
        case Operation::MovePort: return movePort(name, link);
        case Operation::StartCapture: return startCapture(passed);
        case Operation::DropCounts: return dropCounts(name, reply);
        case Operation::Stop: leaving_ = true; return {};
        }
        return {Step::Operation, ENOSYS};
    }

    [[nodiscard]] Failure open(Reply& reply)
    {
        Failure failure = enterNamespaces(reply.mode);
        if (!failure) failure = network_.open();
        if (!failure) failure = dropPrivileges();
        opened_ = !failure;
        // Second line only, after the end of the socket: it fires when the thread that started us ends.
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        return failure;
    }

    [[nodiscard]] Failure addLink(const std::string& name, std::uint32_t mtu)
    {
        if (name.empty()) return {Step::Name, EINVAL};
        if (mtu < capture::helper::minimumMtu || mtu > capture::helper::maximumMtu) return {Step::Mtu, ERANGE};
        if (links_.size() >= capture::helper::maximumLinks) return {Step::Limit, E2BIG};
        if (const Failure failure = network_.addBridge(name, mtu)) return failure;
        links_.emplace(name, mtu);
        return recorder_.running() ? recorder_.addLink(name) : Failure{};
    }

    [[nodiscard]] Failure addPort(const std::string& name, FileDescriptor& tap)
    {
        if (name.empty()) return {Step::Name, EINVAL};
        if (ports_.size() >= capture::helper::maximumPorts) return {Step::Limit, E2BIG};
        const Failure failure = network_.addTap(name, tap);
        if (!failure) ports_.insert(name);
        return failure;
    }

    [[nodiscard]] Failure movePort(const std::string& name, const std::string& link)
    {
        if (!ports_.contains(name)) return {Step::UnknownPort, ENODEV};
        const auto found = links_.find(link);
        if (!link.empty() && found == links_.end()) return {Step::UnknownLink, ENODEV};
        return network_.moveTap(name, link, link.empty() ? 0 : found->second);
    }

    [[nodiscard]] Failure startCapture(FileDescriptor& readEnd)
    {
        if (recorder_.running()) return {Step::Order, EALREADY};
        Failure failure = recorder_.start(readEnd);
        for (auto link = links_.begin(); !failure && link != links_.end(); ++link) failure = recorder_.addLink(link->first);
        if (failure) readEnd.reset();  // the recorder then sees its reader gone and ends
        return failure;
    }

    [[nodiscard]] Failure dropCounts(const std::string& name, Reply& reply)
    {
        if (!name.empty() && !links_.contains(name)) return {Step::UnknownLink, ENODEV};
        return recorder_.counts(name, reply);
    }

    static bool send(const Reply& reply, int descriptor)
    {
        Reply copy = reply;
        iovec part{&copy, sizeof copy};
        alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        if (descriptor >= 0) {
            message.msg_control = control;
            message.msg_controllen = sizeof control;
            cmsghdr* header = CMSG_FIRSTHDR(&message);
            header->cmsg_level = SOL_SOCKET;
            header->cmsg_type = SCM_RIGHTS;
            header->cmsg_len = CMSG_LEN(sizeof(int));
            std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
        }
        return ::sendmsg(capture::helper::controlDescriptor, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof copy;
    }

    Network network_;
    Recorder recorder_;
    std::map<std::string, std::uint32_t> links_;  ///< with MTU
    std::set<std::string> ports_;
    bool opened_ = false;
    bool leaving_ = false;
};

/// Nothing that the starting process left lying about may matter here. False when we were not started by our own user
/// through a socket pair.
bool prepare()
{
    ::clearenv();
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    std::signal(SIGPIPE, SIG_IGN);
    int type = 0;
    socklen_t length = sizeof type;
    if (::getsockopt(capture::helper::controlDescriptor, SOL_SOCKET, SO_TYPE, &type, &length) != 0 || type != SOCK_SEQPACKET)
        return false;
    ucred peer{};
    length = sizeof peer;
    if (::getsockopt(capture::helper::controlDescriptor, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return false;
    return peer.uid == ::getuid() && ::close_range(capture::helper::controlDescriptor + 1, ~0u, 0) == 0;
}

}  // namespace
}  // namespace roamscope::helper

int main()
{
    if (!roamscope::helper::prepare()) {
        std::fputs("roamscope-helper is started by roamscope and roamscope-cli, not by hand.\n", stderr);
        return 2;
    }
    roamscope::helper::Server().run();
    return 0;
}
