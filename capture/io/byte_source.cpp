// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/io/byte_source.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

namespace roamscope::capture {

namespace {

constexpr std::size_t chunkOctets = 64 * 1024;

/// Turns raw octets of the file into the octets that they stand for.
class Decompressor {
public:
    virtual ~Decompressor() = default;
    struct Step {
        std::size_t written = 0;
        std::string problem{};  ///< why the input cannot go on; what was written before is good
        bool tooLarge = false;  ///< the problem is how much memory the writer of the file wants of its readers
    };
    /// Consumes the front of `in` and writes to `out`. Nothing written, nothing consumed and no problem means that more input
    /// is needed.
    virtual Step run(ByteView& in, std::span<std::uint8_t> out) = 0;
    /// Whether the input may end here, because a member or frame just did.
    [[nodiscard]] virtual bool atBoundary() const = 0;
    /// Whether another member or frame starts with these octets: at least memberMagicOctets, fewer at the input's end.
    [[nodiscard]] virtual bool startsMember(ByteView head) const = 0;
};

constexpr std::size_t memberMagicOctets = 4;

bool startsWith(ByteView bytes, std::initializer_list<std::uint8_t> magic)
{
    return bytes.size() >= magic.size() && std::equal(magic.begin(), magic.end(), bytes.begin());
}

bool isGzip(ByteView head) { return startsWith(head, {0x1f, 0x8b}); }

/// A frame, or one of those that are passed over (RFC 8878 section 3.1.2), with which parallel compressors begin.
bool isZstd(ByteView head)
{
    return startsWith(head, {0x28, 0xb5, 0x2f, 0xfd}) || (head.size() >= 4 && head[0] >> 4 == 5 && startsWith(head.subspan(1), {0x2a, 0x4d, 0x18}));
}

class Gunzip final : public Decompressor {
public:
    Gunzip() { usable_ = inflateInit2(&stream_, 16 + MAX_WBITS) == Z_OK; }
    ~Gunzip() override { inflateEnd(&stream_); }
    Gunzip(const Gunzip&) = delete;
    Gunzip& operator=(const Gunzip&) = delete;

    Step run(ByteView& in, std::span<std::uint8_t> out) override
    {
        if (!usable_) return {0, "zlib cannot be started: no memory"};
        if (boundary_ && in.empty()) return {};
        if (boundary_ && started_) inflateReset(&stream_);  // a gzip file may hold several members
        stream_.next_in = const_cast<Bytef*>(in.data());
        stream_.avail_in = static_cast<uInt>(in.size());
        stream_.next_out = out.data();
        stream_.avail_out = static_cast<uInt>(out.size());
        const int code = inflate(&stream_, Z_NO_FLUSH);
        in = in.last(stream_.avail_in);
        started_ = true;
        boundary_ = code == Z_STREAM_END;
        Step step{out.size() - stream_.avail_out};
        if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) step.problem = stream_.msg ? stream_.msg : "the data contradict the format";
        return step;
    }
    bool atBoundary() const override { return boundary_; }
    bool startsMember(ByteView head) const override { return isGzip(head); }

private:
    z_stream stream_{};
    bool usable_ = false;
    bool started_ = false;
    bool boundary_ = true;
};

class Unzstd final : public Decompressor {
public:
    Unzstd() : stream_(ZSTD_createDStream(), ZSTD_freeDStream) {}

    Step run(ByteView& in, std::span<std::uint8_t> out) override
    {
        if (!stream_) return {0, "libzstd cannot be started: no memory"};
        if (boundary_ && in.empty()) return {};
        // What a call wrote before it failed is lost, so each gets no more than one block: as much as the last one asked for.
        ZSTD_inBuffer input{in.data(), std::min(in.size(), wanted_), 0};
        ZSTD_outBuffer output{out.data(), out.size(), 0};
        const std::size_t code = ZSTD_decompressStream(stream_.get(), &output, &input);
        in = in.subspan(input.pos);
        if (ZSTD_isError(code)) return {0, ZSTD_getErrorName(code), ZSTD_getErrorCode(code) == ZSTD_error_frameParameter_windowTooLarge};
        boundary_ = code == 0;
        wanted_ = code == 0 ? firstWanted : code;
        return {output.pos};
    }
    bool atBoundary() const override { return boundary_; }
    bool startsMember(ByteView head) const override { return isZstd(head); }

private:
    static constexpr std::size_t firstWanted = 5;  // a frame's magic and its descriptor
    std::unique_ptr<ZSTD_DStream, decltype(&ZSTD_freeDStream)> stream_;
    std::size_t wanted_ = firstWanted;
    bool boundary_ = true;
};

/// How often a followed file is asked whether it has grown.
constexpr auto followInterval = std::chrono::milliseconds(100);

}  // namespace

struct ByteSource::State {
    int descriptor = -1;
    std::string name;
    bool regular = false;
    bool followed = false;      ///< the end of a regular file is where more may come
    std::uint64_t device = 0;   ///< with `inode`: which file this is, for one that is followed
    std::uint64_t inode = 0;
    std::uint64_t size = 0;     ///< of a regular file
    std::uint64_t rawRead = 0;  ///< octets read from the descriptor

    Bytes raw;                  ///< octets as they stand in the file; those from rawStart on are not used yet
    std::size_t rawStart = 0;
    Bytes unpacked;             ///< what one step of the decompressor may write
    Bytes buffer;
    std::size_t start = 0;      ///< buffered octets are buffer[start..]
    std::size_t position = 0;

    bool identified = false;
    bool rawEnded = false;
    bool ended = false;
    std::unique_ptr<Decompressor> decompressor;
    std::optional<Error> error;
    std::string remark;

    bool given = false;
    ByteView window;            ///< of a given source, instead of `buffer`

    ~State()
    {
        if (descriptor > 2) ::close(descriptor);
    }
    [[nodiscard]] std::size_t available() const { return (given ? window.size() : buffer.size()) - start; }
    [[nodiscard]] ByteView unused() const { return ByteView(raw).subspan(rawStart); }

    void breakOff(Error e)
    {
        e.offset = position + available();
        error = std::move(e);
    }

    using Clock = std::chrono::steady_clock;
    using Limit = std::optional<Clock::time_point>;

    /// Milliseconds to `limit`, at most a minute, for poll(); -1 when there is no limit.
    static int millisecondsTo(Limit limit)
    {
        if (!limit) return -1;
        return static_cast<int>(std::clamp<std::int64_t>(std::chrono::ceil<std::chrono::milliseconds>(*limit - Clock::now()).count(), 0, 60'000));
    }

    /// Waits for octets of a pipe or device; false when none came in time or a signal came: the caller decides what then.
    [[nodiscard]] bool waitReadable(Limit limit) const
    {
        for (;;) {
            pollfd p{descriptor, POLLIN, 0};
            const int ready = ::poll(&p, 1, millisecondsTo(limit));
            if (ready > 0) return true;
            if (ready == 0 && limit && Clock::now() >= *limit) return false;
            if (ready < 0) return false;
        }
    }

    /// Reads one piece into `raw`; false when none came in time.
    bool readRaw(std::optional<Duration> wait)
    {
        const Limit limit = wait ? Limit(Clock::now() + *wait) : Limit();
        if (!regular && !waitReadable(limit)) return false;
        for (;;) {
            // Asked before reading: what the old file got before it was replaced is read all the same.
            const std::string_view gone = followed ? whatHappened() : std::string_view();
            raw.erase(raw.begin(), raw.begin() + static_cast<std::ptrdiff_t>(std::exchange(rawStart, 0)));
            const std::size_t old = raw.size();
            raw.resize(old + chunkOctets);
            const ssize_t n = ::read(descriptor, raw.data() + old, chunkOctets);
            const int cause = errno;
            raw.resize(old + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
            if (n < 0 && (cause == EINTR || cause == EAGAIN)) return false;
            if (n < 0) breakOff({ErrorCode::Io, 0, fmt::format("{}: reading failed at octet {}: {}. Check the disk or the connection and open it again", name, rawRead, std::strerror(cause))});
            if (n > 0) rawRead += static_cast<std::uint64_t>(n);
            if (n != 0) return true;
            if (!followed) rawEnded = true;
            if (!gone.empty())
                breakOff({ErrorCode::Io, 0, fmt::format("{}: {} while it was followed, after octet {}. What was read is kept; open it again", name, gone, rawRead)});
            if (!followed || !gone.empty()) return true;
            if (!waitForGrowth(limit)) return false;
        }
    }

    /// Waits a moment for the file to grow; false when time ran out or a signal came.
    static bool waitForGrowth(Limit limit)
    {
        const auto now = Clock::now();
        if (limit && now >= *limit) return false;
        const auto pause = limit ? std::min(*limit, now + followInterval) : now + followInterval;
        return ::poll(nullptr, 0, millisecondsTo(pause)) == 0;
    }

    /// What somebody did to the followed file so that it will not grow from here; empty when it is the one that was opened, with
    /// all that was read.
    [[nodiscard]] std::string_view whatHappened() const
    {
        struct stat here {};
        struct stat named {};
        if (::fstat(descriptor, &here) == 0 && static_cast<std::uint64_t>(here.st_size) < rawRead) return "was made shorter";
        if (descriptor == STDIN_FILENO) return {};  // it has no name that could be given to another
        if (::stat(name.c_str(), &named) != 0) return "was removed";
        return named.st_dev != device || named.st_ino != inode ? "was replaced by another file" : "";
    }

    /// Knows the compression from the first octets, once they are there.
    void identify()
    {
        if (raw.size() < 4 && !rawEnded) return;
        identified = true;
        if (isGzip(raw)) decompressor = std::make_unique<Gunzip>();
        else if (isZstd(raw)) decompressor = std::make_unique<Unzstd>();
    }

    void compact()
    {
        buffer.erase(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(start));
        start = 0;
    }

    void moveRaw()
    {
        compact();
        buffer.insert(buffer.end(), raw.begin(), raw.end());
        raw.clear();
        ended = rawEnded;
    }

    /// Decompresses at most one chunk, so that a small file cannot become large here; false when more input is needed.
    bool decompress()
    {
        if (decompressor->atBoundary() && !memberFollows()) return ended;
        unpacked.resize(chunkOctets);
        ByteView in = unused();
        const auto step = decompressor->run(in, unpacked);
        const std::size_t used = unused().size() - in.size();
        rawStart += used;
        if (step.written > 0) {
            compact();
            buffer.insert(buffer.end(), unpacked.begin(), unpacked.begin() + static_cast<std::ptrdiff_t>(step.written));
        }
        if (!step.problem.empty()) {
            breakOff(step.tooLarge ? windowTooLarge() : damaged(step.problem));
            return true;
        }
        if (used > 0 || step.written > 0) return true;
        if (rawEnded) cutCompressed();
        return rawEnded;
    }

    [[nodiscard]] Error damaged(std::string_view problem) const
    {
        return {ErrorCode::Malformed, 0,
                fmt::format("{}: the compressed data are damaged at octet {} of the file, which is octet {} of the capture ({}). What stands before is kept; copy the file again", name,
                            rawRead - unused().size(), position + available(), problem)};
    }
    [[nodiscard]] Error windowTooLarge() const
    {
        return {ErrorCode::Unsupported, 0,
                fmt::format("{}: is compressed so that reading it takes more than 128 MiB of memory, which is refused (octet {} of the file). Unpack it with zstd -d --long=31 and open what comes out", name,
                            rawRead - unused().size())};
    }

    /// Between members: whether another one comes. What is not known yet is false without `ended`.
    bool memberFollows()
    {
        if (unused().size() < memberMagicOctets && !rawEnded) return false;
        if (decompressor->startsMember(unused())) return true;
        ended = true;
        if (!unused().empty()) remark = fmt::format("the compressed data end at octet {} of the file; what stands behind them is not compressed data and is left out", rawRead - unused().size());
        return false;
    }

    void cutCompressed()
    {
        ended = true;
        breakOff({ErrorCode::Truncated, 0,
                  fmt::format("{}: the compressed data end early, at octet {} of the file, which is octet {} of the capture. What stands before is kept; copy the file again", name, rawRead,
                              position + available())});
    }
};

ByteSource::ByteSource(std::unique_ptr<State> state) : state_(std::move(state)) {}
ByteSource::~ByteSource() = default;
ByteSource::ByteSource(ByteSource&&) noexcept = default;
ByteSource& ByteSource::operator=(ByteSource&&) noexcept = default;

ByteSource ByteSource::given(std::string name)
{
    auto state = std::make_unique<State>();
    state->name = std::move(name);
    state->given = true;
    return ByteSource(std::move(state));
}

void ByteSource::give(ByteView window, std::size_t position, bool last)
{
    state_->window = window;
    state_->start = 0;
    state_->position = position;
    state_->ended = last;
}

ByteSource ByteSource::adopt(int descriptor, std::string name)
{
    auto state = std::make_unique<State>();
    state->descriptor = descriptor;
    state->name = std::move(name);
    struct stat about {};
    if (::fstat(descriptor, &about) == 0 && S_ISREG(about.st_mode)) {
        state->regular = true;
        state->size = static_cast<std::uint64_t>(about.st_size);
        state->device = about.st_dev;
        state->inode = about.st_ino;
    }
    return ByteSource(std::move(state));
}

ByteSource ByteSource::ofOctets(Bytes octets, std::string name)
{
    auto state = std::make_unique<State>();
    state->name = std::move(name);
    state->regular = true;
    state->size = state->rawRead = octets.size();
    state->raw = std::move(octets);
    state->rawEnded = true;
    state->identify();
    if (!state->decompressor) state->moveRaw();
    return ByteSource(std::move(state));
}

Result<ByteSource> ByteSource::follow(const std::string& path)
{
    auto source = open(path);
    if (source) source->state_->followed = source->state_->regular;
    return source;
}

Result<ByteSource> ByteSource::open(const std::string& path)
{
    if (path == "-") return adopt(STDIN_FILENO, "standard input");
    // Not blocking: opening a named pipe must not wait for its writer; poll() does that later.
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0) {
        const int cause = errno;
        const bool right = cause == EACCES || cause == EPERM;
        const char* remedy = right ? "Ask its owner for the right to read it" : "Check the name";
        return fail(right ? ErrorCode::Permission : ErrorCode::Io, 0, fmt::format("{}: cannot be opened: {}. {}", path, std::strerror(cause), remedy));
    }
    struct stat about {};
    if (::fstat(descriptor, &about) == 0 && S_ISDIR(about.st_mode)) {
        ::close(descriptor);
        return fail(ErrorCode::Io, 0, fmt::format("{}: is a directory. Name a capture file in it", path));
    }
    return adopt(descriptor, path);
}

Result<Fill> ByteSource::fill(std::size_t n, std::optional<Duration> wait)
{
    State& s = *state_;
    if (s.given) return s.available() >= n ? Fill::Ready : s.ended ? Fill::End : Fill::Pending;
    const auto start = State::Clock::now();
    for (bool read = false; s.available() < n; read = true) {
        if (s.error) return tl::unexpected(*s.error);
        if (s.ended) return Fill::End;
        if (s.decompressor && s.decompress()) continue;
        // Compressed data may stand for nothing at all for as long as they go on: who waits no longer than `wait` must get away.
        if (s.decompressor && read && wait && State::Clock::now() - start >= *wait) return Fill::Pending;
        if (!s.rawEnded && !s.readRaw(wait)) return Fill::Pending;
        if (!s.identified) s.identify();
        if (s.identified && !s.decompressor) s.moveRaw();
    }
    return Fill::Ready;
}

ByteView ByteSource::buffered() const { return (state_->given ? state_->window : ByteView(state_->buffer)).subspan(state_->start); }

void ByteSource::consume(std::size_t n)
{
    state_->start += n;
    state_->position += n;
}

std::size_t ByteSource::position() const { return state_->position; }

double ByteSource::progress() const
{
    if (!isRegular() || state_->size == 0) return 0;
    return std::min(1.0, static_cast<double>(state_->rawRead) / static_cast<double>(state_->size));
}

bool ByteSource::isRegular() const { return state_->regular && !state_->followed; }
const std::string& ByteSource::remark() const { return state_->remark; }
int ByteSource::plainDescriptor() const
{
    // What standard input is open on may be read by others too.
    const bool plain = state_->regular && !state_->followed && state_->identified && !state_->decompressor && state_->descriptor > STDERR_FILENO;
    return plain ? state_->descriptor : -1;
}
const std::string& ByteSource::name() const { return state_->name; }

}  // namespace roamscope::capture
