// A mutex of four bytes for objects that there are very many of, such as mailboxes.
// Neighbours: mailboxes; event_count has the other use of a futex. Thread: any.
#pragma once

#include <mutex>

#if defined(__SANITIZE_THREAD__)
#define REFLOW_SMALL_MUTEX 0
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define REFLOW_SMALL_MUTEX 0
#endif
#endif
#if !defined(REFLOW_SMALL_MUTEX) && defined(__linux__)
#define REFLOW_SMALL_MUTEX 1
#endif

#if REFLOW_SMALL_MUTEX
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#endif

namespace reflow {

#if REFLOW_SMALL_MUTEX

// U. Drepper, Futexes Are Tricky, 2011, "Mutex, Take 3". std::mutex has ten times the
// size, and is a call into another library each time; this one is inlined, and one compare and one
// exchange while nobody else wants it.
//
// The word is free, held, or contended: held, and somebody may sleep. Who locks acquires and who
// unlocks releases, so what is written under the mutex is seen by the next who has it. No wake-up is
// lost: a sleeper has made the word contended, and the kernel lets it sleep only if it still is;
// whoever has it then finds that word when it unlocks, and wakes one. The one that is woken makes
// it contended again, since it cannot know of others.
//
// The memory may be gone when a wake reaches it: the kernel takes the address for a number, and
// whoever sleeps at that address looks again.
class Mutex {
public:
    Mutex() noexcept = default;
    Mutex(const Mutex&) = delete;
    Mutex& operator=(const Mutex&) = delete;

    void lock() noexcept {
        std::uint32_t expected = free;
        if (word_.compare_exchange_strong(expected, held, std::memory_order_acquire)) [[likely]]
            return;
        wait();
    }
    [[nodiscard]] bool try_lock() noexcept {
        std::uint32_t expected = free;
        return word_.compare_exchange_strong(expected, held, std::memory_order_acquire);
    }
    void unlock() noexcept {
        if (word_.exchange(free, std::memory_order_release) == contended) [[unlikely]]
            wake();
    }

private:
    static constexpr std::uint32_t free = 0;
    static constexpr std::uint32_t held = 1;
    static constexpr std::uint32_t contended = 2;
    // Who holds it is seldom away for longer than some packets take: looking for a moment is cheaper
    // than sleeping.
    static constexpr int looks = 64;

    [[gnu::noinline]] void wait() noexcept {
        for (int i = 0; i < looks; ++i) {
#if defined(__x86_64__) || defined(__i386__)
            __builtin_ia32_pause();
#endif
            std::uint32_t expected = free;
            if (word_.load(std::memory_order_relaxed) == free &&
                word_.compare_exchange_weak(expected, held, std::memory_order_acquire)) {
                return;
            }
        }
        while (word_.exchange(contended, std::memory_order_acquire) != free) {
            syscall(SYS_futex, &word_, FUTEX_WAIT_PRIVATE, contended, nullptr, nullptr, 0);
        }
    }
    [[gnu::noinline]] void wake() noexcept {
        syscall(SYS_futex, &word_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
    }

    std::atomic<std::uint32_t> word_{free};
    static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t));
};

#else

// Elsewhere, and where ThreadSanitizer looks for inversions of locks.
using Mutex = std::mutex;

#endif

}  // namespace reflow
