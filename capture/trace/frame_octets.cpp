// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/trace/frame_octets.hpp"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace roamscope::capture {

namespace {

/// Reads until `out` is full or the file ends; a signal in between is no end.
std::size_t readAt(int descriptor, std::uint64_t offset, std::span<std::uint8_t> out)
{
    std::size_t have = 0;
    while (have < out.size()) {
        const ssize_t n = ::pread(descriptor, out.data() + have, out.size() - have, static_cast<off_t>(offset + have));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        have += static_cast<std::size_t>(n);
    }
    return have;
}

std::int64_t changeTime(const struct stat& about) { return std::int64_t{about.st_mtim.tv_sec} * 1'000'000'000 + about.st_mtim.tv_nsec; }

/// A file that nobody else can open and that is gone when we are.
FileDescriptor temporaryFile(std::string& why)
{
    const char* own = std::getenv("TMPDIR");
    for (const char* folder : {own ? own : "", "/var/tmp", "/tmp"}) {
        if (*folder == '\0') continue;
        int descriptor = ::open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (descriptor < 0) {
            // Some file systems have no files without a name.
            std::string name = fmt::format("{}/roamscope-XXXXXX", folder);
            descriptor = ::mkostemp(name.data(), O_CLOEXEC);
            if (descriptor >= 0) ::unlink(name.c_str());
        }
        if (descriptor >= 0) return FileDescriptor(descriptor);
        why = fmt::format("{}: {}", folder, std::strerror(errno));
    }
    return FileDescriptor();
}

}  // namespace

std::uint64_t MemoryOctets::append(ByteView bytes)
{
    assert(bytes.size() <= blockOctets);
    if (bytes.size() > blockOctets - used_) {
        auto& group = groups_[blocks_ / blocksPerGroup];
        if (!group) group = std::make_unique<Group>();
        group->blocks[blocks_ % blocksPerGroup] = Block(new std::uint8_t[blockOctets]);
        ++blocks_;
        used_ = 0;
    }
    const std::size_t number = blocks_ == 0 ? 0 : blocks_ - 1;
    const std::uint64_t place = number * blockOctets + used_ % blockOctets;
    if (!bytes.empty()) std::memcpy(groups_[number / blocksPerGroup]->blocks[number % blocksPerGroup].get() + used_, bytes.data(), bytes.size());
    used_ += bytes.size();
    return place;
}

FrameOctets::Piece MemoryOctets::read(std::uint64_t place, std::size_t length) const
{
    if (length == 0) return {};
    const std::size_t number = place / blockOctets;
    return {ByteView(groups_[number / blocksPerGroup]->blocks[number % blocksPerGroup].get() + place % blockOctets, length), nullptr};
}

FileOctets::FileOctets(FileDescriptor file, std::string name) : file_(std::move(file)), name_(std::move(name)) {}

void FileOctets::settled()
{
    struct stat about {};
    if (::fstat(file_.get(), &about) != 0) return;
    settledSize_ = about.st_size;
    settledTime_ = changeTime(about);
    settled_.store(true, std::memory_order_release);
}

void FileOctets::watch() const
{
    struct stat about {};
    if (!settled_.load(std::memory_order_acquire) || ::fstat(file_.get(), &about) != 0) return;
    if (about.st_size < settledSize_) short_ = true;
    // One that has only grown still holds what was indexed.
    else if (about.st_size == settledSize_ && changeTime(about) != settledTime_) changed_ = true;
}

std::shared_ptr<const FileOctets::Block> FileOctets::block(std::uint64_t number, std::size_t needed) const
{
    {
        const std::lock_guard lock(mutex_);
        const auto known = blocks_.find(number);
        // The end of a file that grows: what was read then may be too short now.
        if (known != blocks_.end() && (*known->second)->bytes.size() >= needed) {
            uses_.splice(uses_.begin(), uses_, known->second);
            return uses_.front();
        }
    }
    watch();
    auto fresh = std::make_shared<Block>();
    fresh->number = number;
    fresh->bytes.resize(blockOctets);
    fresh->bytes.resize(readAt(file_.get(), number * blockOctets, fresh->bytes));
    if (fresh->bytes.size() < needed) short_ = true;
    const std::lock_guard lock(mutex_);
    if (const auto old = blocks_.find(number); old != blocks_.end()) {
        uses_.erase(old->second);
        blocks_.erase(old);
    }
    uses_.push_front(fresh);
    blocks_[number] = uses_.begin();
    if (uses_.size() > maxBlocks) {
        blocks_.erase(uses_.back()->number);
        uses_.pop_back();
    }
    return fresh;
}

FrameOctets::Piece FileOctets::read(std::uint64_t place, std::size_t length) const
{
    if (length == 0) return {};
    const std::size_t start = place % blockOctets;
    if (start + length <= blockOctets) {
        auto whole = block(place / blockOctets, start + length);
        if (whole->bytes.size() <= start) return {};
        const ByteView bytes = ByteView(whole->bytes).subspan(start, std::min(length, whole->bytes.size() - start));
        return {bytes, std::move(whole)};
    }
    watch();
    auto own = std::make_shared<Bytes>(length);
    own->resize(readAt(file_.get(), place, *own));
    if (own->size() < length) short_ = true;
    const ByteView bytes = *own;
    return {bytes, std::move(own)};
}

std::size_t FileOctets::copy(std::uint64_t place, std::span<std::uint8_t> out) const
{
    watch();
    return readAt(file_.get(), place, out);
}

std::optional<std::string> FileOctets::trouble() const
{
    if (short_)
        return fmt::format("{}: has become shorter since it was opened, so that packets are shown without their octets. Open it again", name_);
    if (changed_)
        return fmt::format("{}: was written again since it was opened, so that what is shown may be wrong. Open it again", name_);
    return std::nullopt;
}

SpoolOctets::SpoolOctets()
{
    std::string why;
    FileDescriptor file = temporaryFile(why);
    if (!file) {
        fallBack(why);
        return;
    }
    descriptor_ = file.get();
    file_.emplace(std::move(file), "the temporary file");
}

void SpoolOctets::fallBack(std::string why)
{
    const std::lock_guard lock(mutex_);
    trouble_ = fmt::format("Packets are kept in memory, no temporary file can be written ({}). Set TMPDIR to a folder with room", why);
}

std::uint64_t SpoolOctets::append(ByteView bytes)
{
    if (!file_ || pinnedFrom_ != maxPlace) return inMemory | memory_.append(bytes);
    const std::uint64_t place = written_ + buffer_.size();
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
    if (buffer_.size() >= 256 * 1024) flush();
    return place;
}

void SpoolOctets::flush()
{
    std::size_t done = 0;
    while (done < buffer_.size()) {
        const ssize_t n = ::pwrite(descriptor_, buffer_.data() + done, buffer_.size() - done, static_cast<off_t>(written_ + done));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            fallBack(n < 0 ? std::strerror(errno) : "the disk takes nothing");
            pinned_ = std::move(buffer_);
            buffer_.clear();
            pinnedFrom_.store(written_, std::memory_order_release);
            return;
        }
        done += static_cast<std::size_t>(n);
    }
    written_ += done;
    buffer_.clear();
}

FrameOctets::Piece SpoolOctets::read(std::uint64_t place, std::size_t length) const
{
    if ((place & inMemory) != 0) return memory_.read(place & ~inMemory, length);
    const std::uint64_t pinned = pinnedFrom_.load(std::memory_order_acquire);
    if (place >= pinned) return {ByteView(pinned_).subspan(place - pinned, length), nullptr};
    return file_->read(place, length);
}

std::size_t SpoolOctets::copy(std::uint64_t place, std::span<std::uint8_t> out) const
{
    if (place >= pinnedFrom_.load(std::memory_order_acquire) || (place & inMemory) != 0) return 0;
    return file_->copy(place, out);
}

std::optional<std::string> SpoolOctets::trouble() const
{
    const std::lock_guard lock(mutex_);
    return trouble_;
}

}  // namespace roamscope::capture
