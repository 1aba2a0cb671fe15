// Which process this is: a number that a forked child does not share with its parent.
// Neighbours: whoever has threads or locks that a child would wait for in vain. Thread: any.
#pragma once

#include <atomic>
#include <cstdint>

namespace reflow::process {

// From 1; 0 is none.
using Life = std::uint32_t;

// A page of its own. The kernel makes it zero in a forked child (MADV_WIPEONFORK), so that looking is
// one read. It lies in the library and goes with it; handlers of pthread_atfork would stay behind.
struct alignas(4096) Page {
    std::atomic<Life> life{0};
};
extern constinit Page page;

// Where the kernel does not do that: compares process ids.
[[nodiscard]] bool is_here_slowly(Life life) noexcept;

// Whether this is the process of that life. relaxed: a thread that has got hold of something of a
// life has synchronised with its begin, and in a child there is nobody else who wrote.
[[nodiscard]] inline bool is_here(Life life) noexcept {
    return page.life.load(std::memory_order_relaxed) == life || is_here_slowly(life);
}

// The life of this process, which it begins if there is none yet. In a forked child it first calls
// forget(), which makes new what the threads of the parent may have held: it must not free anything.
[[nodiscard]] Life begin(void (*forget)() noexcept) noexcept;

}  // namespace reflow::process
