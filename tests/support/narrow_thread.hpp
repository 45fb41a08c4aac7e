// SPDX-License-Identifier: GPL-3.0-or-later
// Work in a thread with a small stack: what reads octets of others must not need more of it than that, whatever they are.
#pragma once

#include <cstddef>
#include <functional>
#include <pthread.h>

namespace roamscope::test {

#ifdef ROAMSCOPE_SANITIZED
inline constexpr std::size_t narrowStack = 1024 * 1024;  // sanitizers put space around everything on the stack
#else
inline constexpr std::size_t narrowStack = 256 * 1024;
#endif

/// Runs `work` to its end in a thread with narrowStack octets of stack; false when there can be no thread.
inline bool runNarrow(std::function<void()> work)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_t thread{};
    const auto body = [](void* argument) -> void* {
        (*static_cast<std::function<void()>*>(argument))();
        return nullptr;
    };
    const bool started = pthread_attr_setstacksize(&attributes, narrowStack) == 0 && pthread_create(&thread, &attributes, body, &work) == 0;
    pthread_attr_destroy(&attributes);
    return started && pthread_join(thread, nullptr) == 0;
}

}  // namespace roamscope::test
