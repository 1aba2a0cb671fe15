// See ending.hpp. A build without peers has nothing of it. Thread: any.
//
// Threads are joined, so that a host may unload the library: by whoever ends their runtime outside of callbacks, or
// ends something in the same way when they are done.
#include "capi/modules.hpp"

#if REFLOW_WITH_PEER
#include "capi/ending.hpp"

#include "base/process.hpp"
#include "base/thread.hpp"
#include "io/wire.hpp"
#include "runtime/scheduler.hpp"

namespace reflow::capi {

struct Ending : Allocated {
    Endable* what = nullptr;
    void (*end)(Endable&) noexcept = nullptr;
    const network::Runtime* runtime = nullptr;  // which may have ended, once it is done
    Thread thread;
    // Stored last by the thread, with release; who has seen it joins a thread that does nothing any more.
    std::atomic<bool> done{false};
    Ending* next = nullptr;
};

namespace {

thread_local constinit const Use* innermost = nullptr;  // of the calls that this thread is inside of
thread_local constinit const void* own = nullptr;       // the Ending whose thread this is

// All that have not been joined. The lock has the life of who holds it, 0 if nobody does, so that a forked child
// does not wait for a thread of its parent; what it finds then is the parent's, and perhaps half written.
class Endings {
public:
    // The life of this process, which has begun: there is a runtime.
    explicit Endings(process::Life life) noexcept {
        process::Life seen = 0;
        // acquire, with the release of the destructor: whoever has the lock sees what the one before it wrote.
        while (!holder.compare_exchange_weak(seen, life, std::memory_order_acquire,
                                             std::memory_order_relaxed)) {
            if (seen != life) continue;  // free again, or left by a thread that is not here
            holder.wait(life, std::memory_order_relaxed);
            seen = 0;
        }
        if (std::exchange(list_life, life) != life) list = nullptr;
    }
    ~Endings() {
        holder.store(0, std::memory_order_release);
        holder.notify_one();
    }
    Endings(const Endings&) = delete;
    Endings& operator=(const Endings&) = delete;

    void add(Ending& note) noexcept { note.next = std::exchange(list, &note); }
    // Those that are done, and all of a runtime.
    [[nodiscard]] Ending* take(const network::Runtime* runtime) noexcept {
        Ending* taken = nullptr;
        for (Ending** place = &list; *place != nullptr;) {
            Ending* one = *place;
            if (one->runtime != runtime && !one->done.load(std::memory_order_acquire)) {
                place = &one->next;
                continue;
            }
            *place = one->next;
            one->next = std::exchange(taken, one);
        }
        return taken;
    }

private:
    static inline constinit std::atomic<process::Life> holder{0};
    static inline constinit process::Life list_life = 0;  // these two: under the lock
    static inline constinit Ending* list = nullptr;
};

void join(Ending* all) noexcept {
    while (all != nullptr) {
        std::unique_ptr<Ending> one(std::exchange(all, all->next));
        if (one->thread.running()) {
            one->thread.join();
        } else {
            one->end(*one->what);  // no thread could be started
        }
    }
}

void enter(void* argument) {
    auto* note = static_cast<Ending*>(argument);
    own = note;
    {
        // The hooks are those of the runtime, which may end with what ends.
        Ref<network::Runtime> runtime = note->what->runtime;
        io::HookedThread inside(thread_hooks(*runtime));
        note->end(*note->what);
    }
    note->done.store(true, std::memory_order_release);
}

// relaxed: the host has this life, since it has a runtime.
process::Life this_life() noexcept { return process::page.life.load(std::memory_order_relaxed); }

}  // namespace

io::ThreadHooks thread_hooks(const network::Runtime& runtime) noexcept {
    const runtime::SchedulerOptions& options = runtime.options().scheduler;
    return {options.thread_start, options.thread_stop, options.user_data, &runtime.scheduler()};
}

Endable::Endable() : first_(new Ending), second_(new Ending) {}
Endable::~Endable() = default;

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
    return runtime::current_scheduler() != &runtime->scheduler() && !io::on_thread_of_peers();
}

void Endable::end_elsewhere(void (*end)(Endable&) noexcept) noexcept {
    std::unique_ptr<Ending>& place = first_ ? first_ : second_;
    Ending* note = place.release();
    note->what = this;
    note->end = end;
    note->runtime = runtime.get();
    Ending* over = nullptr;
    {
        Endings all(this_life());
        over = all.take(nullptr);
        all.add(*note);
        try {
            (void)note->thread.start("rf-end", enter, note);
        } catch (const std::bad_alloc&) {
            // Whoever joins does it.
        }
    }
    join(over);
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
    if (innermost != nullptr || own != nullptr || io::on_thread_of_peers()) return;
    if (runtime::current_scheduler() != nullptr) return;
    Ending* all = nullptr;
    {
        Endings endings(this_life());
        all = endings.take(&runtime);
    }
    join(all);
}

}  // namespace reflow::capi

#endif
