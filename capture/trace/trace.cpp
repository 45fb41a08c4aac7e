// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/trace/trace.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>

namespace roamscope::capture {

namespace {

constexpr std::size_t maxCaptured = 262'144;

/// What the trace keeps for a frame besides its octets. 24 octets, which is the budget.
struct Entry {
    std::int64_t time;
    const std::uint8_t* bytes;
    std::uint32_t originalLength;
    std::uint32_t captured : 19;  ///< up to 262144
    std::uint32_t link : 13;
};
static_assert(sizeof(Entry) == 24);

constexpr std::size_t entriesPerChunk = 4096;
constexpr std::size_t chunksPerGroup = 1024;
constexpr std::size_t groups = 1024;  // 2^32 frames in all, as many as a frame index can name
constexpr std::size_t blockOctets = 256 * 1024;

struct Chunk {
    std::array<Entry, entriesPerChunk> entries;
};
struct Group {
    std::array<std::unique_ptr<Chunk>, chunksPerGroup> chunks;
};

}  // namespace

// Slots are written once, before the snapshot that covers them is taken, and never moved. A reader only touches slots below
// the size of its snapshot, so the writer's later work needs no lock: whoever hands the snapshot over orders the two.
class TraceStore {
public:
    [[nodiscard]] const Entry& entry(std::size_t i) const
    {
        const Group& group = *groups_[i / (entriesPerChunk * chunksPerGroup)];
        return group.chunks[i / entriesPerChunk % chunksPerGroup]->entries[i % entriesPerChunk];
    }

    void append(std::int64_t time, std::uint32_t link, ByteView bytes, std::uint32_t originalLength)
    {
        auto& group = groups_[size_ / (entriesPerChunk * chunksPerGroup)];
        if (!group) group = std::make_unique<Group>();
        auto& chunk = group->chunks[size_ / entriesPerChunk % chunksPerGroup];
        // Not value-initialised: pages that are not needed yet are not touched.
        if (!chunk) chunk = std::unique_ptr<Chunk>(new Chunk);
        chunk->entries[size_ % entriesPerChunk] = {time, keep(bytes), originalLength, static_cast<std::uint32_t>(bytes.size()) & 0x7ffffu, link & 0x1fffu};
        ++size_;
    }
    [[nodiscard]] std::size_t size() const { return size_; }  ///< the writer's only

private:
    const std::uint8_t* keep(ByteView bytes)
    {
        if (bytes.size() > blockOctets - used_ || blocks_.empty()) {
            blocks_.push_back(std::unique_ptr<std::uint8_t[]>(new std::uint8_t[std::max(blockOctets, bytes.size())]));
            used_ = 0;
        }
        std::uint8_t* place = blocks_.back().get() + used_;
        if (!bytes.empty()) std::memcpy(place, bytes.data(), bytes.size());
        used_ += bytes.size();
        return place;
    }

    std::array<std::unique_ptr<Group>, groups> groups_;
    std::vector<std::unique_ptr<std::uint8_t[]>> blocks_;  ///< octets of the frames; touched by the writer only
    std::size_t used_ = 0;                                 ///< of the last block
    std::size_t size_ = 0;
};

namespace {

const std::shared_ptr<const std::vector<TraceLink>>& noLinks()
{
    static const auto none = std::make_shared<const std::vector<TraceLink>>();
    return none;
}

}  // namespace

TraceSnapshot::TraceSnapshot() : links_(noLinks()) {}

FrameView TraceSnapshot::frame(std::size_t index) const
{
    assert(index < size_);
    const Entry& e = store_->entry(index);
    return {atNanoseconds(e.time), e.link, e.originalLength, ByteView(e.bytes, e.captured)};
}

std::size_t TraceSnapshot::lowerBound(TimePoint t) const
{
    std::size_t low = 0;
    std::size_t high = size_;
    while (low < high) {
        const std::size_t middle = low + (high - low) / 2;
        if (atNanoseconds(store_->entry(middle).time) < t) low = middle + 1;
        else high = middle;
    }
    return low;
}

Trace::Trace(std::int64_t startUtc) : store_(std::make_shared<TraceStore>()), links_(noLinks()), startUtc_(startUtc) {}
Trace::~Trace() = default;
Trace::Trace(Trace&&) noexcept = default;
Trace& Trace::operator=(Trace&&) noexcept = default;

void Trace::setStartUtc(std::int64_t utc) { startUtc_ = utc; }

std::uint32_t Trace::addLink(TraceLink link)
{
    // Snapshots share the list, so it grows by replacement; links are few.
    auto grown = std::make_shared<std::vector<TraceLink>>(*links_);
    grown->push_back(std::move(link));
    links_ = std::move(grown);
    return static_cast<std::uint32_t>(links_->size() - 1);
}

void Trace::append(TimePoint time, std::uint32_t link, ByteView bytes, std::uint32_t originalLength)
{
    assert(link < links_->size() && bytes.size() <= maxCaptured);
    const ByteView kept = bytes.first(std::min(bytes.size(), maxCaptured));
    store_->append(toNanoseconds(time), link, kept, std::max(originalLength, static_cast<std::uint32_t>(kept.size())));
    end_ = store_->size() == 1 ? time : std::max(end_, time);
}

std::size_t Trace::size() const { return store_->size(); }

TraceSnapshot Trace::snapshot() const
{
    TraceSnapshot out;
    out.store_ = store_;
    out.links_ = links_;
    out.size_ = store_->size();
    out.startUtc_ = startUtc_;
    out.end_ = end_;
    return out;
}

}  // namespace roamscope::capture
