// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/helper/recorder.hpp"

#include "capture/io/pcapng_blocks.hpp"

#include <fcntl.h>
#include <pcap/pcap.h>
#include <algorithm>
#include <cerrno>
#include <ctime>
#include <limits>

namespace roamscope::helper {

using capture::helper::Step;

namespace {

constexpr std::int64_t second = 1'000'000'000;
constexpr std::int64_t millisecond = second / 1000;
/// A frame waits at least this long, and until a later turn has read all bridges, so that none stamped earlier is still to
/// come. One held behind a frame that came after it waits up to twice as long: 20 ms with the time that poll() takes.
constexpr std::int64_t hold = 8 * millisecond;
constexpr std::int64_t allRead = std::numeric_limits<std::int64_t>::max();
constexpr int holdPollMilliseconds = 4;
constexpr int finishMilliseconds = 1000;
constexpr int framesPerTurn = 512;           ///< of one bridge, before the others and the control socket get theirs
constexpr int ringOctets = 4 * 1024 * 1024;  ///< kernel buffer of one bridge
constexpr int pipeOctets = 1024 * 1024;
constexpr std::size_t bufferOctets = 16 * 1024 * 1024;  ///< held and unwritten blocks together

std::int64_t clockNow(clockid_t clock)
{
    timespec now{};
    ::clock_gettime(clock, &now);
    return std::int64_t{now.tv_sec} * second + now.tv_nsec;
}

}  // namespace

struct Recorder::Channel {
    /// Brings the counts up to date; libpcap's have 32 bits and wrap.
    void count()
    {
        pcap_stat now{};
        if (!handle || pcap_stats(handle.get(), &now) != 0) return;
        received += now.ps_recv - std::exchange(lastReceived, now.ps_recv);
        droppedByKernel += now.ps_drop - std::exchange(lastDropped, now.ps_drop);
    }

    Recorder* recorder;
    std::string name;
    std::uint32_t index;  ///< in the pcapng stream
    std::unique_ptr<pcap_t, decltype(&pcap_close)> handle{nullptr, &pcap_close};
    std::int64_t stampUnit = 1;
    std::int64_t lastStamp = 0;
    std::uint64_t received = 0, droppedByKernel = 0, droppedByBuffer = 0;
    unsigned lastReceived = 0, lastDropped = 0;
};

Recorder::Recorder() = default;
Recorder::~Recorder() = default;

Failure Recorder::start(FileDescriptor& readEnd)
{
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return {Step::Pipe, errno};
    readEnd = FileDescriptor(ends[0]);
    pipe_ = FileDescriptor(ends[1]);
    // Only our end must not block. A smaller pipe, where the limit for users is lower, works too.
    if (::fcntl(pipe_.get(), F_SETFL, O_NONBLOCK) != 0) return {Step::Pipe, errno};
    static_cast<void>(::fcntl(pipe_.get(), F_SETPIPE_SZ, pipeOctets));
    pending_ = capture::pcapngSection("roamscope-helper");
    nextStatistics_ = clockNow(CLOCK_MONOTONIC) + second;
    return {};
}

Failure Recorder::addLink(const std::string& name)
{
    auto channel = std::make_unique<Channel>(Channel{this, name, static_cast<std::uint32_t>(channels_.size())});
    char message[PCAP_ERRBUF_SIZE] = {};
    channel->handle.reset(pcap_create(name.c_str(), message));
    pcap_t* handle = channel->handle.get();
    if (handle == nullptr) return {Step::OpenCapture, ENOMEM};
    pcap_set_snaplen(handle, static_cast<int>(capture::helper::snapLength));
    pcap_set_promisc(handle, 1);  // otherwise a bridge shows only multicast
    pcap_set_immediate_mode(handle, 1);
    pcap_set_buffer_size(handle, ringOctets);
    if (pcap_set_tstamp_precision(handle, PCAP_TSTAMP_PRECISION_NANO) != 0) channel->stampUnit = 1000;
    errno = 0;
    if (pcap_activate(handle) < 0 || pcap_setnonblock(handle, 1, message) != 0)
        return {Step::OpenCapture, errno != 0 ? errno : EIO};
    // However full the buffer is: without its block the frames of the link would mean nothing.
    const Bytes block = capture::pcapngInterface(capture::linkTypeEthernet, capture::helper::snapLength, name);
    pending_.insert(pending_.end(), block.begin(), block.end());
    channels_.push_back(std::move(channel));
    return {};
}

int Recorder::watch(std::vector<pollfd>& descriptors) const
{
    if (!running()) return -1;
    // Without POLLOUT poll still reports that the reader is gone.
    descriptors.push_back({pipe_.get(), static_cast<short>(pending_.empty() ? 0 : POLLOUT), 0});
    for (const auto& channel : channels_)
        if (channel->handle) descriptors.push_back({pcap_get_selectable_fd(channel->handle.get()), POLLIN, 0});
    if (!held_.empty()) return holdPollMilliseconds;
    return static_cast<int>(std::max<std::int64_t>(nextStatistics_ - clockNow(CLOCK_MONOTONIC), 0) / millisecond) + 1;
}

bool Recorder::fits(const Bytes& block) const { return heldOctets_ + pending_.size() - written_ + block.size() <= bufferOctets; }

void Recorder::onFrame(unsigned char* user, const pcap_pkthdr* header, const unsigned char* octets)
{
    auto& channel = *reinterpret_cast<Channel*>(user);
    Recorder& self = *channel.recorder;
    const std::int64_t stamp = std::int64_t{header->ts.tv_sec} * second + header->ts.tv_usec * channel.stampUnit;
    channel.lastStamp = stamp;
    Bytes block = capture::pcapngPacket(channel.index, stamp, ByteView(octets, header->caplen), header->len);
    if (!self.fits(block)) return static_cast<void>(++channel.droppedByBuffer);
    self.heldOctets_ += block.size();
    self.held_.emplace(stamp, Held{self.turn_, std::move(block)});
}

/// One turn for every bridge.
void Recorder::readAll()
{
    turn_ = clockNow(CLOCK_MONOTONIC);
    complete_ = allRead;
    for (auto& channel : channels_) {
        if (!channel->handle) continue;
        const int read = pcap_dispatch(channel->handle.get(), framesPerTurn, &Recorder::onFrame,
                                       reinterpret_cast<unsigned char*>(channel.get()));
        if (read >= framesPerTurn) complete_ = std::min(complete_, channel->lastStamp);  // it was left before it was empty
        if (read >= 0) continue;
        channel->count();
        channel->handle.reset();  // somebody deleted the bridge or set it down
    }
}

/// Moves held frames that are due to the pipe's buffer.
void Recorder::release(bool everything)
{
    for (auto first = held_.begin(); first != held_.end(); first = held_.erase(first)) {
        if (!everything && (first->first > complete_ || first->second.turn > turn_ - hold)) return;
        const Bytes& block = first->second.block;
        pending_.insert(pending_.end(), block.begin(), block.end());
        heldOctets_ -= block.size();
    }
}

void Recorder::flush()
{
    ssize_t wrote = 0;
    while (written_ < pending_.size()) {
        wrote = ::write(pipe_.get(), pending_.data() + written_, pending_.size() - written_);
        if (wrote < 0) break;
        written_ += static_cast<std::size_t>(wrote);
    }
    if (wrote < 0 && errno != EAGAIN && errno != EINTR) return end();
    // Giving back the written part costs a copy of the rest, so not for every write.
    if (written_ < pending_.size() && written_ < bufferOctets / 4) return;
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(written_));
    written_ = 0;
}

void Recorder::writeStatistics(bool last)
{
    const std::int64_t now = clockNow(CLOCK_REALTIME);
    for (auto& channel : channels_) {
        channel->count();
        const Bytes block = capture::pcapngStatistics(channel->index, now, channel->received,
                                                      channel->droppedByKernel + channel->droppedByBuffer);
        // When there is no room the next ones, which count from the start, will tell.
        if (last || fits(block)) pending_.insert(pending_.end(), block.begin(), block.end());
    }
    nextStatistics_ = clockNow(CLOCK_MONOTONIC) + second;
}

void Recorder::pump()
{
    if (!running()) return;
    readAll();
    release(false);
    if (clockNow(CLOCK_MONOTONIC) >= nextStatistics_) writeStatistics(false);
    pollfd reader{pipe_.get(), 0, 0};
    if (::poll(&reader, 1, 0) > 0 && (reader.revents & POLLERR) != 0) return end();  // nobody wants the capture any more
    flush();
}

void Recorder::finish()
{
    if (!running()) return;
    // A ring holds fewer frames than these turns read; a flood that goes on does not keep us.
    complete_ = 0;
    for (int turn = 0; turn < 16 && complete_ != allRead; ++turn) readAll();
    release(true);
    writeStatistics(true);
    for (flush(); !pending_.empty(); flush()) {
        pollfd writable{pipe_.get(), POLLOUT, 0};
        if (::poll(&writable, 1, finishMilliseconds) <= 0) break;
    }
    end();
}

void Recorder::end()
{
    pipe_.reset();
    channels_.clear();
    held_.clear();
    pending_.clear();
    heldOctets_ = written_ = 0;
}

Failure Recorder::counts(const std::string& name, capture::helper::Reply& sum)
{
    Failure failure;
    for (auto& channel : channels_) {
        if (!name.empty() && channel->name != name) continue;
        channel->count();
        sum.received += channel->received;
        sum.droppedByKernel += channel->droppedByKernel;
        sum.droppedByBuffer += channel->droppedByBuffer;
        if (!channel->handle) failure = {Step::ReadCapture, ENODEV};
    }
    return failure;
}

}  // namespace roamscope::helper
