// See process.hpp.
// Thread: any.
#include "base/process.hpp"

#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

namespace reflow::process {
namespace {

static_assert(sizeof(Page) == alignof(Page));
// A life that nobody has: somebody is beginning one.
constexpr Life beginning = UINT32_MAX;

// Written by who begins a life, before it is published; a child has a copy. relaxed: ordered by that.
constinit std::atomic<Life> last{0};
// Where pages are not wiped: the process that began last. Its id is its life then.
constinit std::atomic<pid_t> owner{0};

bool wipe_on_fork() noexcept {
#if defined(MADV_WIPEONFORK)
    return madvise(&page, sizeof page, MADV_WIPEONFORK) == 0;
#else
    return false;
#endif
}

}  // namespace

constinit Page page;

bool is_here_slowly(Life life) noexcept {
    return life == 0 || (owner.load(std::memory_order_relaxed) != 0 &&
                         life == static_cast<Life>(getpid()));
}

// Who begins claims the page; others wait for the few instructions until the life is published. A
// child that is forked meanwhile has a page of zeros.
Life begin(void (*forget)() noexcept) noexcept {
    for (;;) {
        Life now = page.life.load(std::memory_order_acquire);
        if (now != 0 && now != beginning) return now;
        if (!wipe_on_fork()) {
            pid_t self = getpid();
            pid_t before = owner.exchange(self, std::memory_order_acq_rel);
            if (before != self && before != 0) forget();
            return static_cast<Life>(self);
        }
        if (now == beginning || !page.life.compare_exchange_strong(now, beginning)) {
            sched_yield();
            continue;
        }
        Life mine = last.load(std::memory_order_relaxed) + 1;
        if (mine != 1) forget();
        last.store(mine, std::memory_order_relaxed);
        page.life.store(mine, std::memory_order_release);
        return mine;
    }
}

}  // namespace reflow::process
