// SPDX-License-Identifier: GPL-3.0-or-later
// A network namespace with bridges (links) and TAPs (ports), made and held by the process `roamscope-helper`; this is its
// client. The namespace lives as long as the helper or any TAP descriptor does, so this object owns the TAPs and closes them
// all as soon as it sees the helper gone. Destroying it ends the helper and with it everything in the namespace.
//
// One thread. Make it in the thread that will use it (a lab's runner): the kernel also kills the helper when the thread that
// started it ends. Every call waits for its answer, 2 s at most (5 s for open()); a helper that does not answer is killed.
// Errors: Permission when the machine bars a step (the text names which, why and what to do), Invalid for a bad name or
// value, Io for the rest.
#pragma once

#include "capture/io/file_descriptor.hpp"
#include "capture/io/helper_protocol.hpp"
#include "capture/io/tap_device.hpp"
#include "protocol/base/result.hpp"

#include <sys/types.h>
#include <string>
#include <string_view>
#include <vector>

namespace roamscope::capture {

/// Frames since the capture began. `received` includes the dropped ones.
struct CaptureCounts {
    std::uint64_t received = 0;
    std::uint64_t droppedByKernel = 0;  ///< the helper was too slow
    std::uint64_t droppedByBuffer = 0;  ///< the reader of the capture was too slow
};

/// Path of the helper: $ROAMSCOPE_HELPER, else beside this program, else where it is installed (resources/decisions/0001). Io when
/// there is none.
[[nodiscard]] Result<std::string> findHelper();

class LabNamespace {
public:
    /// Starts the helper and has it make the namespace.
    [[nodiscard]] static Result<LabNamespace> open();

    LabNamespace(LabNamespace&& other) noexcept;
    LabNamespace& operator=(LabNamespace&& other) noexcept;
    LabNamespace(const LabNamespace&) = delete;
    LabNamespace& operator=(const LabNamespace&) = delete;
    ~LabNamespace();  ///< closes everything; returns when the helper has left (killed after 2 s)

    /// Adds a bridge. `name` as in helper::isLegalName(), different from every port's; `mtu` 1280 to 9000 octets. A link added
    /// while a capture runs is captured from then on.
    [[nodiscard]] Result<void> addLink(std::string_view name, std::uint32_t mtu = helper::defaultMtu);

    /// Adds a TAP that is on no link. Gives its index for tap(), attach() and detach(): 0, 1, 2, ...
    [[nodiscard]] Result<std::size_t> addPort(std::string_view name);

    /// Puts a port on a link, taking it off the one where it was; an empty link is detach().
    [[nodiscard]] Result<void> attach(std::size_t port, std::string_view link);
    [[nodiscard]] Result<void> detach(std::size_t port);

    /// The frames of a port (port < portCount()). The reference is valid until the next addPort(); once the helper is gone the
    /// device stays but is closed: descriptor() is -1, and reading and writing fail.
    [[nodiscard]] TapDevice& tap(std::size_t port) { return taps_.at(port); }
    [[nodiscard]] std::size_t portCount() const { return taps_.size(); }

    /// Begins the capture of all links. Gives the (blocking) read end of a pipe with one pcapng stream: an interface block per
    /// link with if_name = its name, frames by time stamp (CLOCK_REALTIME, ns), statistics every second. A reader that is too
    /// slow loses frames, which are counted; one that closes its end ends the capture.
    [[nodiscard]] Result<FileDescriptor> startCapture();

    /// Of one link, or of all together for an empty name.
    [[nodiscard]] Result<CaptureCounts> captureCounts(std::string_view link = {});

    /// Ends the lab: the capture's last frames and statistics go into its pipe, which then ends; the TAPs are closed. Keep
    /// reading the pipe meanwhile: the helper leaves when its reader stalls for 1 s.
    [[nodiscard]] Result<void> stop();

    /// True once the helper has ended for whatever reason; the TAPs are closed by then. Never waits.
    [[nodiscard]] bool gone();
    /// poll() this for POLLIN: anything reported means that the helper is gone (call gone()). -1 when it already is.
    [[nodiscard]] int pollDescriptor() const { return socket_.get(); }

    [[nodiscard]] pid_t helperPid() const { return helper_; }  ///< -1 once gone
    [[nodiscard]] helper::Mode mode() const { return mode_; }
    /// The command line that opens a shell inside the namespace for the present user.
    [[nodiscard]] std::string enterCommand() const;

private:
    LabNamespace(FileDescriptor socket, pid_t helper);
    Result<helper::Reply> ask(helper::Operation operation, std::string_view name = {}, std::string_view link = {},
                              std::uint32_t mtu = 0, FileDescriptor* passed = nullptr);
    Result<helper::Reply> receive(std::uint32_t serial, FileDescriptor* passed);
    tl::unexpected<Error> lost(std::string_view how);
    void end(bool patiently);

    FileDescriptor socket_;
    pid_t helper_ = -1;
    helper::Mode mode_ = helper::Mode::None;
    std::uint32_t serial_ = 0;
    std::vector<TapDevice> taps_;
};

}  // namespace roamscope::capture
