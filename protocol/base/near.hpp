// SPDX-License-Identifier: GPL-3.0-or-later
// Memory that will be read soon, asked for all at once: in a lab of thousands of nodes each has left every cache since it was called last,
// and one wait after the other costs as much as all of its work. A hint; nothing depends on it. Any thread.
#pragma once

#include <cstddef>
#include <vector>

namespace roamscope {

inline void bringNear(const void* from, std::size_t octets)
{
    constexpr std::size_t line = 64;
    const char* octet = static_cast<const char*>(from);
    for (std::size_t i = 0; i < octets; i += line) __builtin_prefetch(octet + i);
    // Without this GCC 12 takes callers that do nothing else for functions without effect, and leaves them out.
    asm volatile("" : : "r"(from));
}

/// All of a vector's values.
template <class T>
void bringNear(const std::vector<T>& list)
{
    bringNear(list.data(), list.size() * sizeof(T));
}

}  // namespace roamscope
