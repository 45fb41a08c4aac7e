// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/output.hpp"

#include "app/cli/commands.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fmt/format.h>
#include <unistd.h>

namespace roamscope::cli {

namespace {

constexpr std::size_t bufferOctets = 64 * 1024;
volatile std::sig_atomic_t wantsToStop = 0;

void onSignal(int) { wantsToStop = 1; }

/// Octets of the well-formed UTF-8 character at the front, 0 when there is none. C1 controls do not count as one.
std::size_t characterOctets(std::string_view text)
{
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned first = at(0);
    const std::size_t n = first < 0x80 ? 1 : first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0;
    if (n == 0 || n > text.size()) return 0;
    for (std::size_t i = 1; i < n; ++i)
        if ((at(i) & 0xc0u) != 0x80u) return 0;
    return n == 2 && first == 0xc2 && at(1) < 0xa0 ? 0 : n;
}

}  // namespace

void Output::write(std::string_view text)
{
    if (gone_) return;
    buffer_ += text;
    if (buffer_.size() >= bufferOctets) flush();
}

void Output::line(std::string_view text)
{
    write(text);
    write("\n");
}

void Output::flush()
{
    std::string_view rest = buffer_;
    while (!rest.empty() && !gone_) {
        const ssize_t n = ::write(descriptor_, rest.data(), rest.size());
        if (n > 0) rest.remove_prefix(static_cast<std::size_t>(n));
        if (n >= 0 || errno == EINTR) continue;
        gone_ = true;
        if (errno != EPIPE) cause_ = errno;
    }
    buffer_.clear();
}

int Output::finish(int status)
{
    flush();
    if (cause_ == 0) return status;
    return complain(InputOutput, fmt::format("standard {}: writing failed: {}. Free some space or write elsewhere", descriptor_ == STDERR_FILENO ? "error" : "output", std::strerror(cause_)));
}

void watchInterrupts()
{
    struct sigaction action {};
    action.sa_handler = onSignal;  // without SA_RESTART, so that waiting calls return
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
}

bool interrupted() { return wantsToStop != 0; }

std::string printable(std::string_view text)
{
    std::string out;
    while (!text.empty()) {
        const std::size_t n = characterOctets(text);
        const auto first = static_cast<unsigned char>(text[0]);
        if (n == 0 || first < 0x20 || first == 0x7f) out += fmt::format("\\x{:02x}", first);
        else out += text.substr(0, n);
        text.remove_prefix(n == 0 ? 1 : n);
    }
    return out;
}

std::size_t columns(std::string_view text)
{
    std::size_t n = 0;
    for (const char c : text) n += (static_cast<unsigned char>(c) & 0xc0u) != 0x80u;
    return n;
}

}  // namespace roamscope::cli
