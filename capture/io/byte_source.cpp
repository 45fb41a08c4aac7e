// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/io/byte_source.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

namespace roamscope::capture {

namespace {

constexpr std::size_t chunkOctets = 64 * 1024;

/// Turns raw octets of the file into the octets that they stand for.
class Decompressor {
public:
    virtual ~Decompressor() = default;
    /// Consumes the front of `in`, writes to `out` and returns the octets written. Nothing written and nothing consumed means
    /// that more input is needed.
    virtual Result<std::size_t> run(ByteView& in, std::span<std::uint8_t> out) = 0;
    /// Whether the input may end here.
    [[nodiscard]] virtual bool atBoundary() const = 0;
};

class Gunzip final : public Decompressor {
public:
    Gunzip() { usable_ = inflateInit2(&stream_, 16 + MAX_WBITS) == Z_OK; }
    ~Gunzip() override { inflateEnd(&stream_); }
    Gunzip(const Gunzip&) = delete;
    Gunzip& operator=(const Gunzip&) = delete;

    Result<std::size_t> run(ByteView& in, std::span<std::uint8_t> out) override
    {
        if (!usable_) return fail(ErrorCode::Io, 0, "zlib cannot be started");
        if (boundary_ && in.empty()) return 0;
        if (boundary_ && started_) inflateReset(&stream_);  // a gzip file may hold several members
        stream_.next_in = const_cast<Bytef*>(in.data());
        stream_.avail_in = static_cast<uInt>(in.size());
        stream_.next_out = out.data();
        stream_.avail_out = static_cast<uInt>(out.size());
        const int code = inflate(&stream_, Z_NO_FLUSH);
        in = in.last(stream_.avail_in);
        started_ = true;
        boundary_ = code == Z_STREAM_END;
        if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
            return fail(ErrorCode::Malformed, 0, stream_.msg ? stream_.msg : "the data contradict the format");
        return out.size() - stream_.avail_out;
    }
    bool atBoundary() const override { return boundary_; }

private:
    z_stream stream_{};
    bool usable_ = false;
    bool started_ = false;
    bool boundary_ = true;
};

class Unzstd final : public Decompressor {
public:
    Unzstd() : stream_(ZSTD_createDStream(), ZSTD_freeDStream) {}

    Result<std::size_t> run(ByteView& in, std::span<std::uint8_t> out) override
    {
        if (!stream_) return fail(ErrorCode::Io, 0, "libzstd cannot be started");
        if (boundary_ && in.empty()) return 0;
        ZSTD_inBuffer input{in.data(), in.size(), 0};
        ZSTD_outBuffer output{out.data(), out.size(), 0};
        const std::size_t code = ZSTD_decompressStream(stream_.get(), &output, &input);
        in = in.subspan(input.pos);
        if (ZSTD_isError(code)) return fail(ErrorCode::Malformed, 0, ZSTD_getErrorName(code));
        boundary_ = code == 0;
        return output.pos;
    }
    bool atBoundary() const override { return boundary_; }

private:
    std::unique_ptr<ZSTD_DStream, decltype(&ZSTD_freeDStream)> stream_;
    bool boundary_ = true;
};

bool startsWith(ByteView bytes, std::initializer_list<std::uint8_t> magic)
{
    return bytes.size() >= magic.size() && std::equal(magic.begin(), magic.end(), bytes.begin());
}

}  // namespace

struct ByteSource::State {
    int descriptor = -1;
    std::string name;
    bool regular = false;
    std::uint64_t size = 0;     ///< of a regular file
    std::uint64_t rawRead = 0;  ///< octets read from the descriptor

    Bytes raw;                  ///< compressed octets that are not used yet, or those before the magic is known
    Bytes buffer;
    std::size_t start = 0;      ///< buffered octets are buffer[start..]
    std::size_t position = 0;

    bool identified = false;
    bool rawEnded = false;
    bool ended = false;
    std::unique_ptr<Decompressor> decompressor;
    std::optional<Error> error;

    bool given = false;
    ByteView window;            ///< of a given source, instead of `buffer`

    ~State()
    {
        if (descriptor > 2) ::close(descriptor);
    }
    [[nodiscard]] std::size_t available() const { return (given ? window.size() : buffer.size()) - start; }

    void breakOff(Error e)
    {
        e.offset = position + available();
        error = std::move(e);
    }

    /// Reads one piece into `raw`; false when none came in time.
    bool readRaw(std::optional<Duration> wait)
    {
        using Clock = std::chrono::steady_clock;
        const auto limit = wait ? std::optional(Clock::now() + *wait) : std::nullopt;
        while (!regular) {
            int milliseconds = -1;
            if (limit) milliseconds = static_cast<int>(std::clamp<std::int64_t>(std::chrono::ceil<std::chrono::milliseconds>(*limit - Clock::now()).count(), 0, 60'000));
            pollfd p{descriptor, POLLIN, 0};
            const int ready = ::poll(&p, 1, milliseconds);
            if (ready > 0) break;
            if (ready == 0 && limit && Clock::now() >= *limit) return false;
            if (ready < 0 && errno == EINTR) return false;  // a signal: the caller decides whether to go on
        }
        const std::size_t old = raw.size();
        raw.resize(old + chunkOctets);
        const ssize_t n = ::read(descriptor, raw.data() + old, chunkOctets);
        const int cause = errno;
        raw.resize(old + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
        if (n < 0 && (cause == EINTR || cause == EAGAIN)) return false;
        if (n < 0) breakOff({ErrorCode::Io, 0, fmt::format("{}: reading failed: {}. Check the disk or the connection and open it again", name, std::strerror(cause))});
        if (n == 0) rawEnded = true;
        if (n > 0) rawRead += static_cast<std::uint64_t>(n);
        return true;
    }

    /// Knows the compression from the first octets, once they are there.
    void identify()
    {
        if (raw.size() < 4 && !rawEnded) return;
        identified = true;
        if (startsWith(raw, {0x1f, 0x8b})) decompressor = std::make_unique<Gunzip>();
        else if (startsWith(raw, {0x28, 0xb5, 0x2f, 0xfd})) decompressor = std::make_unique<Unzstd>();
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
        compact();
        std::array<std::uint8_t, chunkOctets> out;
        ByteView in = raw;
        const auto written = decompressor->run(in, out);
        if (!written) {
            breakOff({ErrorCode::Malformed, 0,
                      fmt::format("{}: the compressed data are damaged ({}). What stood before is kept; copy the file again", name, written.error().text)});
            return true;
        }
        const std::size_t used = raw.size() - in.size();
        raw.erase(raw.begin(), raw.begin() + static_cast<std::ptrdiff_t>(used));
        buffer.insert(buffer.end(), out.begin(), out.begin() + static_cast<std::ptrdiff_t>(*written));
        if (used > 0 || *written > 0) return true;
        if (rawEnded) finishCompressed();
        return rawEnded;
    }

    void finishCompressed()
    {
        ended = true;
        if (!decompressor->atBoundary())
            breakOff({ErrorCode::Truncated, 0, fmt::format("{}: the compressed data end early. What stood before is kept; copy the file again", name)});
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
    }
    return ByteSource(std::move(state));
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
    while (s.available() < n) {
        if (s.error) return tl::unexpected(*s.error);
        if (s.ended) return Fill::End;
        if (s.decompressor && s.decompress()) continue;
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
    if (!state_->regular || state_->size == 0) return 0;
    return std::min(1.0, static_cast<double>(state_->rawRead) / static_cast<double>(state_->size));
}

bool ByteSource::isRegular() const { return state_->regular; }
int ByteSource::plainDescriptor() const
{
    // What standard input is open on may be read by others too.
    const bool plain = state_->regular && state_->identified && !state_->decompressor && state_->descriptor > STDERR_FILENO;
    return plain ? state_->descriptor : -1;
}
const std::string& ByteSource::name() const { return state_->name; }

}  // namespace roamscope::capture
