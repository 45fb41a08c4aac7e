// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/io/mapped_file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <mutex>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace roamscope::capture {

namespace {

/// What is mapped, for the handler: atomics, because it may run at any instant in any thread.
struct Mapping {
    std::atomic<std::uintptr_t> begin = 0;  ///< 0: free
    std::atomic<std::uintptr_t> end = 0;
    std::atomic<bool> lost = false;
};
static_assert(std::atomic<std::uintptr_t>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

std::array<Mapping, MappedFile::maxMapped> mappings;
std::mutex mappingsMutex;  // taken by those who map, never by the handler
struct sigaction handlerBefore;
const auto pageOctets = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));

/// A page that the file no longer has: zeros instead, from there to the mapping's end, so that it happens once.
void onBusError(int, siginfo_t* about, void*)
{
    const int kept = errno;
    const auto address = reinterpret_cast<std::uintptr_t>(about->si_addr);
    for (Mapping& mapping : mappings) {
        const std::uintptr_t end = mapping.end;
        if (address < mapping.begin || address >= end) continue;
        const std::uintptr_t page = address / pageOctets * pageOctets;
        // NOLINTNEXTLINE(performance-no-int-to-ptr)
        if (::mmap(reinterpret_cast<void*>(page), end - page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) break;
        mapping.lost = true;
        errno = kept;
        return;
    }
    ::sigaction(SIGBUS, &handlerBefore, nullptr);  // not ours: it happens again, to whom it concerns
}

/// The mapping's slot, or nothing when all are taken.
std::optional<std::size_t> enter(std::uintptr_t begin, std::uintptr_t end)
{
    const std::lock_guard lock(mappingsMutex);
    static const bool handled = [] {
        struct sigaction action {};
        action.sa_sigaction = onBusError;
        action.sa_flags = SA_SIGINFO | SA_NODEFER;
        ::sigemptyset(&action.sa_mask);
        return ::sigaction(SIGBUS, &action, &handlerBefore) == 0;
    }();
    if (!handled) return std::nullopt;
    for (std::size_t i = 0; i < mappings.size(); ++i) {
        if (mappings[i].begin != 0) continue;
        mappings[i].lost = false;
        mappings[i].end = end;
        mappings[i].begin = begin;
        return i;
    }
    return std::nullopt;
}

void leave(std::size_t slot)
{
    const std::lock_guard lock(mappingsMutex);
    mappings[slot].end = 0;
    mappings[slot].begin = 0;
}

void* addressOf(ByteView octets, std::size_t at) { return const_cast<std::uint8_t*>(octets.data()) + at; }

}  // namespace

std::optional<MappedFile> MappedFile::of(int descriptor)
{
    struct stat about {};
    if (::fstat(descriptor, &about) != 0 || !S_ISREG(about.st_mode) || about.st_size <= 0) return std::nullopt;
    const auto size = static_cast<std::size_t>(about.st_size);
    void* place = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, descriptor, 0);
    if (place == MAP_FAILED) return std::nullopt;
    ::madvise(place, size, MADV_SEQUENTIAL);
    const auto begin = reinterpret_cast<std::uintptr_t>(place);
    if (const auto slot = enter(begin, begin + size)) return MappedFile(descriptor, ByteView(static_cast<const std::uint8_t*>(place), size), *slot);
    ::munmap(place, size);
    return std::nullopt;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : descriptor_(other.descriptor_), octets_(std::exchange(other.octets_, {})), slot_(other.slot_), released_(other.released_)
{
}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept
{
    std::swap(descriptor_, other.descriptor_);
    std::swap(octets_, other.octets_);
    std::swap(slot_, other.slot_);
    std::swap(released_, other.released_);
    return *this;
}

MappedFile::~MappedFile()
{
    if (octets_.empty()) return;
    // While the slot still names the pages they are ours: nobody else's fault is taken for one of this mapping.
    leave(slot_);
    ::munmap(addressOf(octets_, 0), octets_.size());
}

bool MappedFile::intact() const
{
    struct stat about {};
    return !mappings[slot_].lost && ::fstat(descriptor_, &about) == 0 && static_cast<std::uint64_t>(about.st_size) >= octets_.size();
}

void MappedFile::expect(std::size_t from, std::size_t length) const
{
    const std::size_t begin = from / pageOctets * pageOctets;
    if (begin >= octets_.size()) return;
    ::madvise(addressOf(octets_, begin), std::min(from + length, octets_.size()) - begin, MADV_POPULATE_READ);  // older kernels refuse: no harm
}

void MappedFile::release(std::size_t end)
{
    const std::size_t until = std::min(end, octets_.size()) / pageOctets * pageOctets;
    if (until <= released_) return;
    // Lost pages are not the file's: dropped, they would be asked for again.
    if (!mappings[slot_].lost) ::madvise(addressOf(octets_, released_), until - released_, MADV_DONTNEED);
    released_ = until;
}

}  // namespace roamscope::capture
