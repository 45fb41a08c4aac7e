// SPDX-License-Identifier: GPL-3.0-or-later
// roamscope-helper: makes a network namespace with bridges and TAPs for a lab, captures on the bridges, and leaves with
// its parent. The only program of ours that may hold a privilege. It takes no argument, no path and no environment; it
// listens to fixed messages (capture/io/helper_protocol.hpp) on the socket that it inherits, and never looks into a frame.
#include "app/helper/isolation.hpp"
#include "app/helper/network.hpp"
#include "app/helper/recorder.hpp"
#include "capture/io/descriptor_passing.hpp"

#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <utility>
#include <vector>

namespace roamscope::helper {
namespace {

using namespace capture::helper;

class Server {
public:
    /// Answers messages and moves frames until the parent goes or says stop.
    void run()
    {
        std::vector<pollfd> descriptors;
        while (!leaving_) {
            descriptors.assign(1, {controlDescriptor, POLLIN, 0});
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
        const ssize_t length = ::recv(controlDescriptor, octets, sizeof octets, MSG_DONTWAIT);
        if (length < 0) return errno == EAGAIN || errno == EINTR;
        if (length == 0) return false;
        Request request{.magic = 0};
        if (length == sizeof request) std::memcpy(&request, octets, sizeof request);
        Reply reply{.operation = request.operation, .serial = request.serial};
        FileDescriptor passed;
        const Failure failure = judge(request, reply, passed);
        if (failure) passed.reset();
        reply.step = failure.step;
        reply.error = failure.error;
        return capture::sendMessage(controlDescriptor, reply, passed.get(), MSG_DONTWAIT);
    }

    [[nodiscard]] Failure judge(const Request& request, Reply& reply, FileDescriptor& passed)
    {
        if (request.magic != protocolMagic) return {Step::Message, EBADMSG};
        if (request.version != protocolVersion) return {Step::Version, EPROTONOSUPPORT};
        const Operation operation = request.operation;
        if (opened_ == (operation == Operation::Open)) return {Step::Order, EINVAL};
        const std::string name(nameText(request.name));
        const std::string link(nameText(request.link));
        if ((!name.empty() && !isLegalName(name)) || (!link.empty() && !isLegalName(link))) return {Step::Name, EINVAL};
        if (operation == Operation::Open) return open(reply);
        if (operation == Operation::AddLink) return addLink(name, request.mtu == 0 ? defaultMtu : request.mtu);
        if (operation == Operation::AddPort) return addPort(name, passed);
        if (operation == Operation::MovePort) return movePort(name, link);
        if (operation == Operation::StartCapture) return startCapture(passed);
        if (operation == Operation::DropCounts) return dropCounts(name, reply);
        if (operation != Operation::Stop) return {Step::Operation, ENOSYS};
        leaving_ = true;
        return {};
    }

    [[nodiscard]] Failure open(Reply& reply)
    {
        Failure failure = enterNamespaces(reply.mode);
        if (!failure) failure = network_.open();
        if (!failure) failure = dropPrivileges();
        opened_ = !failure;
        return failure;
    }

    [[nodiscard]] Failure addLink(const std::string& name, std::uint32_t mtu)
    {
        if (name.empty()) return {Step::Name, EINVAL};
        if (mtu < minimumMtu || mtu > maximumMtu) return {Step::Mtu, ERANGE};
        if (links_.size() >= maximumLinks) return {Step::Limit, E2BIG};
        if (const Failure failure = network_.addBridge(name, mtu)) return failure;
        links_.emplace_back(name, mtu);
        return recorder_.running() ? recorder_.addLink(name) : Failure{};
    }

    [[nodiscard]] Failure addPort(const std::string& name, FileDescriptor& tap)
    {
        if (name.empty()) return {Step::Name, EINVAL};
        if (ports_.size() >= maximumPorts) return {Step::Limit, E2BIG};
        const Failure failure = network_.addTap(name, tap);
        if (!failure) ports_.insert(name);
        return failure;
    }

    [[nodiscard]] Failure movePort(const std::string& name, const std::string& link)
    {
        if (!ports_.contains(name)) return {Step::UnknownPort, ENODEV};
        const auto found = find(link);
        if (!link.empty() && found == links_.end()) return {Step::UnknownLink, ENODEV};
        return network_.moveTap(name, link, link.empty() ? 0 : found->second);
    }

    [[nodiscard]] Failure startCapture(FileDescriptor& readEnd)
    {
        if (recorder_.running()) return {Step::Order, EALREADY};
        Failure failure = recorder_.start(readEnd);
        for (auto link = links_.begin(); !failure && link != links_.end(); ++link) failure = recorder_.addLink(link->first);
        return failure;  // and then the recorder sees its reader gone and ends
    }

    [[nodiscard]] Failure dropCounts(const std::string& name, Reply& reply)
    {
        if (!name.empty() && find(name) == links_.end()) return {Step::UnknownLink, ENODEV};
        return recorder_.counts(name, reply);
    }

    Network network_;
    Recorder recorder_;
    using Links = std::vector<std::pair<std::string, std::uint32_t>>;
    [[nodiscard]] Links::const_iterator find(const std::string& name) const
    {
        return std::find_if(links_.begin(), links_.end(), [&](const auto& link) { return link.first == name; });
    }

    Links links_;  ///< with MTU; interface n of the capture is the n-th link
    std::set<std::string> ports_;
    bool opened_ = false;
    bool leaving_ = false;
};

/// Nothing that the starting process left lying about may matter here. False when there is no socket to a process of
/// our own user.
bool prepare()
{
    ::clearenv();
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    std::signal(SIGPIPE, SIG_IGN);
    ucred peer{};
    socklen_t length = sizeof peer;
    if (::getsockopt(controlDescriptor, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return false;
    return peer.uid == ::getuid() && ::close_range(controlDescriptor + 1, ~0u, 0) == 0;
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
