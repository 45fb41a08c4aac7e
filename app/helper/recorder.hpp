// SPDX-License-Identifier: GPL-3.0-or-later
// Captures every bridge with libpcap and makes one pcapng stream (draft-ietf-opsawg-pcapng) of it, ordered by time stamp,
// into a pipe that never makes us wait. Stamps are CLOCK_REALTIME in nanoseconds. Frames are copied, never looked into.
#pragma once

#include "capture/io/file_descriptor.hpp"
#include "capture/io/helper_protocol.hpp"
#include "protocol/base/bytes.hpp"

#include <poll.h>
#include <map>
#include <memory>
#include <string>
#include <vector>

struct pcap_pkthdr;

namespace roamscope::helper {

using capture::FileDescriptor;
using capture::helper::Failure;

class Recorder {
public:
    Recorder();
    ~Recorder();

    /// Opens the pipe and writes the section header. `readEnd` is for the client.
    [[nodiscard]] Failure start(FileDescriptor& readEnd);
    [[nodiscard]] bool running() const { return static_cast<bool>(pipe_); }

    /// Captures one more bridge; its interface block follows what is already in the stream.
    [[nodiscard]] Failure addLink(const std::string& name);

    /// Appends what to poll for. Gives how long to wait at most, in ms, -1 for ever.
    int watch(std::vector<pollfd>& descriptors) const;

    /// Reads what was captured, passes on what is due, writes what the pipe takes. Never blocks. Once the reader has
    /// closed the pipe the capture ends.
    void pump();

    /// Everything captured so far and the last statistics into the pipe, unless its reader stalls for a second.
    void finish();

    /// Counts of one link, or the sum of all for an empty name. Fails when libpcap has stopped reading a link.
    [[nodiscard]] Failure counts(const std::string& name, capture::helper::Reply& sum);

private:
    struct Channel;
    struct Held {
        std::int64_t turn = 0;  ///< when the turn that read it began
        Bytes block;
    };

    static void onFrame(unsigned char* channel, const pcap_pkthdr* header, const unsigned char* octets);
    void readAll();
    void release(bool everything);
    void writeStatistics(bool last);
    void flush();
    void end();
    [[nodiscard]] bool fits(const Bytes& block) const;

    std::vector<std::unique_ptr<Channel>> channels_;
    std::multimap<std::int64_t, Held> held_;  ///< by time stamp
    std::size_t heldOctets_ = 0;
    Bytes pending_;            ///< whole blocks for the pipe
    std::size_t written_ = 0;  ///< octets of pending_ that the pipe took
    FileDescriptor pipe_;
    std::int64_t nextStatistics_ = 0;  ///< monotonic, ns
    std::int64_t turn_ = 0;            ///< when the last turn began; monotonic, ns
    std::int64_t complete_ = 0;        ///< every frame stamped up to here has been read
};

}  // namespace roamscope::helper
