// See ending.hpp. A build without peers has nothing of it. Thread: any.
//
// Threads are joined, so that a host may unload the library: by whoever ends the runtime, or ends something of it
// later. The last of them can only be the one that ends the runtime itself, if its host did that inside a callback:
// that one lies in a list of the process until the next runtime is ended.
#include "capi/modules.hpp"

#if REFLOW_WITH_PEER
#include "capi/ending.hpp"

#include <pthread.h>

#include <mutex>

#include "base/process.hpp"
#include "base/thread.hpp"
#include "io/wire.hpp"
#include "runtime/scheduler.hpp"

namespace reflow::capi {

namespace {
struct Endings;
}  // namespace

struct Ending : Allocated {
    Endable* what = nullptr;
    void (*end)(Endable&) noexcept = nullptr;
    std::shared_ptr<Endings> all;  // until it runs
    Thread thread;
    // Stored last by the thread, with release; who has seen it joins a thread that does nothing any more.
    std::atomic<bool> done{false};
    process::Life life = 0;
    Ending* next = nullptr;
};

namespace {

thread_local constinit const Use* innermost = nullptr;  // of the calls that this thread is inside of
thread_local constinit const void* own = nullptr;       // the Ending whose thread this is

// Those that a thread could not join, since it was one of them. No lock: a child may be forked at any time.
// release and acquire: whoever takes the list reads what stands in it.
constinit std::atomic<Ending*> orphans{nullptr};

void orphan(Ending* note) noexcept {
    note->next = orphans.load(std::memory_order_relaxed);
    while (!orphans.compare_exchange_weak(note->next, note, std::memory_order_release,
                                          std::memory_order_relaxed)) {
    }
}

void join_orphans() noexcept {
    Ending* list = orphans.exchange(nullptr, std::memory_order_acquire);
    while (list != nullptr) {
        std::unique_ptr<Ending> note(std::exchange(list, list->next));
        if (process::is_here(note->life)) {
            note->thread.join();
        } else {
            (void)note.release();  // its thread is one of the parent's
        }
    }
}

// Of one runtime, which keeps it, and so does each of the threads.
struct Endings : Allocated {
    ~Endings() { join([](const Ending&) { return true; }); }

    template <typename Which>
    void join(Which which) noexcept {
        Ending* mine = nullptr;
        {
            std::lock_guard lock(mutex);
            for (Ending** place = &first; *place != nullptr;) {
                Ending* one = *place;
                if (!which(*one)) {
                    place = &one->next;
                    continue;
                }
                *place = one->next;
                one->next = std::exchange(mine, one);
            }
        }
        while (mine != nullptr) {
            Ending* one = std::exchange(mine, mine->next);
            if (one == own) {
                orphan(one);
                continue;
            }
            if (one->thread.running()) {
                one->thread.join();
            } else {
                one->end(*one->what);  // no thread could be started
            }
            delete one;
        }
    }

    std::mutex mutex;  // guards first, and the start of a thread
    Ending* first = nullptr;
};

void enter(void* argument) {
    auto* note = static_cast<Ending*>(argument);
    own = note;
    const std::shared_ptr<Endings> all = std::move(note->all);  // the last to go here, perhaps
    note->end(*note->what);
    note->done.store(true, std::memory_order_release);
}

}  // namespace

Endable::Endable() : first_(new Ending), second_(new Ending) {}
Endable::~Endable() = default;

void Endable::belong_to(Ref<network::Runtime> owner) {
    runtime = std::move(owner);
    std::lock_guard lock(runtime->shared.mutex);
    if (!runtime->endings) runtime->endings = std::make_shared<Endings>();
}

void Endable::destroy(Endable* handle) noexcept {
    if (handle == nullptr || handle->runtime->forked()) return;
    if (handle->may_end_here() && handle->users_.load(std::memory_order_acquire) == 1) {
        handle->begin_end();
    } else {
        handle->end_elsewhere([](Endable& of) noexcept { of.begin_end(); });
    }
}

void Endable::begin_end() noexcept {
    stop();
    release();
}

void Endable::release() noexcept {
    if (users_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    if (may_end_here()) {
        delete this;
    } else {
        end_elsewhere([](Endable& of) noexcept { delete &of; });
    }
}

// On a thread that nobody waits for who has to be waited for.
bool Endable::may_end_here() const noexcept {
    return runtime::current_scheduler() != &runtime->scheduler() && !io::on_thread_of_wires();
}

void Endable::end_elsewhere(void (*end)(Endable&) noexcept) noexcept {
    std::unique_ptr<Ending>& place = first_ ? first_ : second_;
    Ending* note = place.release();
    note->what = this;
    note->end = end;
    // relaxed: the host has this life.
    note->life = process::page.life.load(std::memory_order_relaxed);
    // Set before there was this handle, and never again.
    std::shared_ptr<Endings> all = std::static_pointer_cast<Endings>(runtime->endings);
    all->join([](const Ending& one) { return one.done.load(std::memory_order_acquire); });
    std::lock_guard lock(all->mutex);
    note->next = std::exchange(all->first, note);
    note->all = all;
    try {
        if (note->thread.start("rf-end", enter, note).ok()) return;
    } catch (const std::bad_alloc&) {
    }
    note->all.reset();  // whoever joins does it
}

Use::Use(Endable& of) noexcept : of_(of), outer_(innermost) {
    of_.users_.fetch_add(1, std::memory_order_relaxed);
    innermost = this;
}

Use::~Use() {
    innermost = outer_;
    of_.release();
}

void join_endings(network::Runtime& runtime) noexcept {
    if (innermost != nullptr || own != nullptr || io::on_thread_of_wires()) return;
    if (runtime::current_scheduler() != nullptr) return;
    std::shared_ptr<void> all;
    {
        std::lock_guard lock(runtime.shared.mutex);
        all = runtime.endings;
    }
    if (all) static_cast<Endings*>(all.get())->join([](const Ending&) { return true; });
    join_orphans();
}

}  // namespace reflow::capi

#endif
