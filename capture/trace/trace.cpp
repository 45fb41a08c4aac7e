// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/trace/trace.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdlib>
#include <deque>
#include <limits>
#include <map>
#include <mutex>
#include <new>
#include <sys/mman.h>
#include <type_traits>
#include <utility>

namespace roamscope::capture {

namespace {

constexpr std::size_t maxCaptured = 262'144;
constexpr std::uint64_t longer = 0xffffff;  ///< original lengths that need more bits than there are stand in a table

/// The row of a frame. 24 octets, which is the budget.
struct Entry {
    std::int64_t time;
    std::uint64_t place : 48;
    std::uint64_t capturedLow : 16;
    std::uint64_t capturedHigh : 3;
    std::uint64_t missing : 24;  ///< octets on the wire that were not captured, or `longer`
    std::uint64_t link : 13;
    std::uint64_t kind : 4;
    std::uint64_t type : 8;
    std::uint64_t marks : 12;

    [[nodiscard]] std::uint32_t captured() const { return static_cast<std::uint32_t>(capturedLow | capturedHigh << 16); }
};
static_assert(sizeof(Entry) == 24);

constexpr std::size_t stretch = 1024;               // rows for which the largest time before them is kept
constexpr std::size_t stretchesPerChunk = 85;
constexpr std::size_t entriesPerChunk = stretch * stretchesPerChunk;
constexpr std::size_t chunksPerGroup = 256;
constexpr std::size_t groups = 256;
static_assert(entriesPerChunk * chunksPerGroup * groups >= std::size_t{1} << 32);  // as many as a frame index can name
constexpr std::size_t hugePage = std::size_t{2} << 20;

struct Chunk {
    std::array<Entry, entriesPerChunk> entries;
    std::array<std::int64_t, stretchesPerChunk> latestBefore;  ///< largest time of all frames before each stretch
};
static_assert(sizeof(Chunk) <= hugePage);

struct FreeChunk {
    void operator()(Chunk* chunk) const { std::free(chunk); }
};

/// One page of 2 MiB where the system has such: ten million rows are then 117 page faults and not 57 000. Nothing is written, so
/// that elsewhere pages that are not needed yet are not touched.
std::unique_ptr<Chunk, FreeChunk> makeChunk()
{
    static_assert(std::is_trivially_destructible_v<Chunk>);
    void* place = std::aligned_alloc(hugePage, hugePage);
    if (!place) throw std::bad_alloc();
    ::madvise(place, hugePage, MADV_HUGEPAGE);
    return std::unique_ptr<Chunk, FreeChunk>(static_cast<Chunk*>(place));
}

struct Group {
    std::array<std::unique_ptr<Chunk, FreeChunk>, chunksPerGroup> chunks;
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
        return std::lower_bound(longOnes_.begin(), longOnes_.end(), std::pair{static_cast<std::uint32_t>(i), std::uint32_t{0}})->second;
    }

    void append(const NewFrame& frame)
    {
        const std::size_t slot = size_ % entriesPerChunk;
        if (slot == 0) addChunk();
        if (slot % stretch == 0) current_->latestBefore[slot / stretch] = latest_;
        const std::uint32_t original = std::max(frame.originalLength, frame.capturedLength);
        const std::uint64_t missing = original - frame.capturedLength;
        Entry& e = current_->entries[slot];
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
            longOnes_.emplace_back(static_cast<std::uint32_t>(size_), original);
        }
        ++size_;
    }

    bool setFragments(std::vector<std::uint32_t> frames)
    {
        const std::lock_guard lock(mutex_);
        if (wholes_.size() >= Trace::maxWholes) return false;
        wholes_.emplace(size_ - 1, std::move(frames));
        current_->entries[(size_ - 1) % entriesPerChunk].marks |= wire::mark::completes;
        return true;
    }
    [[nodiscard]] std::vector<std::uint32_t> fragments(std::size_t i) const
    {
        const std::lock_guard lock(mutex_);
        const auto known = wholes_.find(i);
        return known == wholes_.end() ? std::vector<std::uint32_t>{} : known->second;
    }

private:
    void addChunk()
    {
        auto& group = groups_[size_ / (entriesPerChunk * chunksPerGroup)];
        if (!group) group = std::make_unique<Group>();
        auto& chunk = group->chunks[size_ / entriesPerChunk % chunksPerGroup];
        chunk = makeChunk();
        current_ = chunk.get();
    }

    std::shared_ptr<FrameOctets> octets_;
    std::array<std::unique_ptr<Group>, groups> groups_;
    Chunk* current_ = nullptr;
    std::int64_t latest_ = std::numeric_limits<std::int64_t>::min();
    std::size_t size_ = 0;
    mutable std::mutex mutex_;                        ///< guards the tables below
    std::map<std::size_t, std::vector<std::uint32_t>> wholes_;  ///< fragments that the frame with this index completes
    std::deque<std::pair<std::uint32_t, std::uint32_t>> longOnes_;  ///< index and original length of frames far longer than what was captured, in their order
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
    // The largest time so far never goes back, so it leads to the right stretch.
    const std::int64_t wanted = toNanoseconds(t);
    std::size_t low = 1;
    std::size_t high = (size_ + stretch - 1) / stretch;
    while (low < high) {
        const std::size_t middle = low + (high - low) / 2;
        if (store_->chunk(middle / stretchesPerChunk).latestBefore[middle % stretchesPerChunk] < wanted) low = middle + 1;
        else high = middle;
    }
    const std::size_t end = std::min(size_, low * stretch);
    for (std::size_t i = (low - 1) * stretch; i < end; ++i)
        if (store_->entry(i).time >= wanted) return i;
    return end;
}

std::optional<wire::ReassembledDatagram> TraceSnapshot::reassembled(std::size_t index) const
{
    if ((row(index).marks & wire::mark::completes) == 0) return std::nullopt;
    wire::Reassembler reassembler;
    for (const std::uint32_t number : store_->fragments(index)) {
        const FrameView piece = frame(number - 1);
        auto outcome = reassembler.add({number, piece.time, piece.link}, piece.bytes, (*links_)[piece.link].linkType, piece.originalLength);
        if (outcome.datagram) return std::move(outcome.datagram);
    }
    return std::nullopt;
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

void Trace::append(const NewFrame& frame) { append(std::span(&frame, 1)); }

void Trace::append(std::span<const NewFrame> frames)
{
    if (frames.empty()) return;
    TimePoint latest = store_->size() == 0 ? frames.front().time : end_;
    for (const NewFrame& frame : frames) {
        store_->append(frame);
        latest = std::max(latest, frame.time);
    }
    end_ = latest;
}

bool Trace::setFragments(std::vector<std::uint32_t> frames) { return store_->setFragments(std::move(frames)); }

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
