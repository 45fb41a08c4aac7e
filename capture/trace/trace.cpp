// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/trace/trace.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <limits>
#include <map>
#include <mutex>

namespace roamscope::capture {

namespace {

constexpr std::size_t maxCaptured = 262'144;
constexpr std::uint64_t longer = 0xffffff;  ///< original lengths that need more bits than there are stand in a table

/// The row of a frame. 24 octets, which is the budget.
struct Entry {
    std::int64_t time = 0;
    std::uint64_t place : 48 = 0;
    std::uint64_t capturedLow : 16 = 0;
    std::uint64_t capturedHigh : 3 = 0;
    std::uint64_t missing : 24 = 0;  ///< octets on the wire that were not captured, or `longer`
    std::uint64_t link : 13 = 0;
    std::uint64_t kind : 4 = 0;
    std::uint64_t type : 8 = 0;
    std::uint64_t marks : 12 = 0;

    [[nodiscard]] std::uint32_t captured() const { return static_cast<std::uint32_t>(capturedLow | capturedHigh << 16); }
};
static_assert(sizeof(Entry) == 24);

constexpr std::size_t entriesPerChunk = 4096;
constexpr std::size_t chunksPerGroup = 1024;
constexpr std::size_t groups = 1024;  // 2^32 frames in all, as many as a frame index can name

struct Chunk {
    std::int64_t latestBefore;  ///< largest time of all chunks before this one
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
    explicit TraceStore(std::shared_ptr<FrameOctets> octets) : octets_(std::move(octets)) {}

    [[nodiscard]] const Chunk& chunk(std::size_t number) const { return *groups_[number / chunksPerGroup]->chunks[number % chunksPerGroup]; }
    [[nodiscard]] const Entry& entry(std::size_t i) const { return chunk(i / entriesPerChunk).entries[i % entriesPerChunk]; }
    [[nodiscard]] const FrameOctets& octets() const { return *octets_; }
    [[nodiscard]] std::size_t size() const { return size_; }  ///< the writer's only

    [[nodiscard]] std::uint32_t originalLength(std::size_t i) const
    {
        const Entry& e = entry(i);
        if (e.missing != longer) return e.captured() + static_cast<std::uint32_t>(e.missing);
        const std::lock_guard lock(mutex_);
        return longOnes_.at(i);
    }

    void append(const NewFrame& frame)
    {
        if (size_ % entriesPerChunk == 0) addChunk();
        const std::uint32_t original = std::max(frame.originalLength, frame.capturedLength);
        const std::uint64_t missing = original - frame.capturedLength;
        Entry& e = current_->entries[size_ % entriesPerChunk];
        e.time = toNanoseconds(frame.time);
        e.place = frame.place & maxPlace;
        e.capturedLow = frame.capturedLength & 0xffffu;
        e.capturedHigh = frame.capturedLength >> 16 & 7u;
        e.missing = std::min(missing, longer) & 0xffffffu;
        e.link = frame.link & 0x1fffu;
        e.kind = static_cast<std::uint8_t>(frame.kind) & 15u;
        e.type = frame.type;
        e.marks = frame.marks & 0xfffu;
        latest_ = std::max(latest_, e.time);
        if (missing >= longer) {
            const std::lock_guard lock(mutex_);
            longOnes_.emplace(size_, original);
        }
        ++size_;
    }

private:
    void addChunk()
    {
        auto& group = groups_[size_ / (entriesPerChunk * chunksPerGroup)];
        if (!group) group = std::make_unique<Group>();
        auto& chunk = group->chunks[size_ / entriesPerChunk % chunksPerGroup];
        // Not value-initialised: pages that are not needed yet are not touched.
        chunk = std::unique_ptr<Chunk>(new Chunk);
        chunk->latestBefore = latest_;
        current_ = chunk.get();
    }

    std::shared_ptr<FrameOctets> octets_;
    std::array<std::unique_ptr<Group>, groups> groups_;
    Chunk* current_ = nullptr;
    std::int64_t latest_ = std::numeric_limits<std::int64_t>::min();
    std::size_t size_ = 0;
    mutable std::mutex mutex_;                        ///< guards the table below
    std::map<std::size_t, std::uint32_t> longOnes_;   ///< original lengths of frames far longer than what was captured
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
    FrameOctets::Piece piece = store_->octets().read(e.place, e.captured());
    return {atNanoseconds(e.time), static_cast<std::uint32_t>(e.link), store_->originalLength(index), piece.bytes, std::move(piece.keeper)};
}

FrameRow TraceSnapshot::row(std::size_t index) const
{
    assert(index < size_);
    const Entry& e = store_->entry(index);
    return {atNanoseconds(e.time), static_cast<std::uint32_t>(e.link),  store_->originalLength(index),     e.captured(),
            static_cast<wire::FrameClass>(e.kind), static_cast<std::uint8_t>(e.type), static_cast<std::uint16_t>(e.marks)};
}

std::size_t TraceSnapshot::lowerBound(TimePoint t) const
{
    if (size_ == 0) return 0;
    // The largest time so far never goes back, so it leads to the right chunk.
    const std::int64_t wanted = toNanoseconds(t);
    std::size_t low = 1;
    std::size_t high = (size_ + entriesPerChunk - 1) / entriesPerChunk;
    while (low < high) {
        const std::size_t middle = low + (high - low) / 2;
        if (store_->chunk(middle).latestBefore < wanted) low = middle + 1;
        else high = middle;
    }
    for (std::size_t i = (low - 1) * entriesPerChunk; i < std::min(size_, low * entriesPerChunk); ++i)
        if (store_->entry(i).time >= wanted) return i;
    return std::min(size_, low * entriesPerChunk);
}

std::optional<std::string> TraceSnapshot::trouble() const { return store_ ? store_->octets().trouble() : std::nullopt; }

TraceScan::TraceScan(TraceSnapshot trace) : trace_(std::move(trace)) {}

FrameView TraceScan::frame(std::size_t index)
{
    constexpr std::size_t windowOctets = 512 * 1024;
    const Entry& e = trace_.store_->entry(index);
    const std::size_t length = e.captured();
    FrameView view{atNanoseconds(e.time), static_cast<std::uint32_t>(e.link), trace_.store_->originalLength(index), {}, nullptr};
    const auto inWindow = [&] { return e.place >= start_ && e.place - start_ + length <= have_; };
    if (!inWindow()) {
        window_.resize(windowOctets);
        start_ = e.place;
        have_ = trace_.store_->octets().copy(start_, window_);
    }
    if (inWindow()) {
        view.bytes = ByteView(window_).subspan(e.place - start_, length);
    } else {
        piece_ = trace_.store_->octets().read(e.place, length);
        view.bytes = piece_.bytes;
    }
    return view;
}

Trace::Trace(std::int64_t startUtc, std::shared_ptr<FrameOctets> octets) : links_(noLinks()), startUtc_(startUtc)
{
    if (!octets) octets = memory_ = std::make_shared<MemoryOctets>();
    store_ = std::make_shared<TraceStore>(std::move(octets));
}
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
    assert(memory_ && link < links_->size() && bytes.size() <= maxCaptured);
    const ByteView kept = bytes.first(std::min(bytes.size(), maxCaptured));
    const wire::Skim known = wire::skim(kept, (*links_)[link].linkType, originalLength);
    append({time, memory_->append(kept), link, static_cast<std::uint32_t>(kept.size()), originalLength, known.kind, known.type, known.marks});
}

void Trace::append(const NewFrame& frame)
{
    store_->append(frame);
    end_ = store_->size() == 1 ? frame.time : std::max(end_, frame.time);
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
