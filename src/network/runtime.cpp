// Life of a runtime, and its hooks.
// Thread: any.
#include "network/runtime.hpp"

#include <new>

#include "base/text.hpp"
#include "runtime/completions.hpp"

namespace reflow::network {
namespace {

// A scheduler whose runtime ended on one of its threads. It waits here for a host thread to join
// it. Process-wide, since no handle is left that could hold it.
struct Ended : Allocated {
    std::unique_ptr<runtime::Scheduler> scheduler;
    HostData host;
    Ended* next = nullptr;
};
constinit std::mutex ended_mutex;  // guards ended_list
constinit Ended* ended_list = nullptr;

// In a forked child, where nobody else runs yet. What it drops belongs to threads that are not here.
void forget() noexcept {
    new (&ended_mutex) std::mutex;
    ended_list = nullptr;
    runtime::completions::forget();
}

}  // namespace

Runtime::Runtime(const RuntimeOptions& options, HostData host, std::unique_ptr<Store> store)
    : pools(options.max_pool_bytes, process::begin(forget)),
      life_(process::begin(forget)),
      host_(std::move(host)),
      options_(options),
      store_(std::move(store)) {
    options_.scheduler.user_data = host_.get();
    if (logs(REFLOW_LOG_ERROR)) options_.scheduler.log = options_.log;
    runtime::completions::attach(life_);
}

Result<Ref<Runtime>> Runtime::create(const RuntimeOptions& options, HostData host,
                                     std::unique_ptr<Store> store,
                                     Vector<runtime::ComponentRef> components) {
    auto made = Ref<Runtime>::adopt(new Runtime(options, std::move(host), std::move(store)));
    for (runtime::ComponentRef& component : components) {
        Result<void> added = made->registry.add(std::move(component));
        if (!added.ok()) return added.take_error();
    }
    auto scheduler = runtime::make_scheduler(made->options_.scheduler);
    if (!scheduler.ok()) return scheduler.take_error();
    made->scheduler_ = std::move(scheduler).take();
    made->scheduler_->max_completions = options.scheduler.max_completions;
    made->scheduler_->streams->most = options.scheduler.max_streams;
    made->scheduler_->streams->life = made->life_;
    return made;
}

Runtime::~Runtime() {
    runtime::completions::detach();  // its networks have ended, and so have their firings
    if (scheduler_ == nullptr) return;
    if (scheduler_->threaded() && runtime::current_scheduler() == scheduler_.get()) {
        // A thread cannot join itself, or wait until it has left; memory for the note was set aside by the scheduler's life:
        // if there is none now, the threads are left to the end of the process.
        scheduler_->request_shutdown();
        Ended* note = nullptr;
        try {
            note = new Ended;
        } catch (const std::bad_alloc&) {
            (void)scheduler_.release();
            return;
        }
        note->scheduler = std::move(scheduler_);
        note->host = std::move(host_);
        std::lock_guard lock(ended_mutex);
        note->next = ended_list;
        ended_list = note;
        return;
    }
    scheduler_->shutdown();
}

void Runtime::join_ended() noexcept {
    if (runtime::current_scheduler() != nullptr) return;
    (void)process::begin(forget);
    Ended* list = nullptr;
    {
        std::lock_guard lock(ended_mutex);
        std::swap(list, ended_list);
    }
    while (list != nullptr) {
        std::unique_ptr<Ended> note(std::exchange(list, list->next));
        note->scheduler->shutdown();
    }
}

void Runtime::end_deferred(std::int64_t count) noexcept {
    deferred_.fetch_add(count, std::memory_order_relaxed);
}

void Runtime::settle() noexcept {
    if (!scheduler_->needs_host() || runtime::current_scheduler() == scheduler_.get()) return;
    // Other networks have their turns meanwhile, and may have them for ever.
    while (deferred_.load(std::memory_order_relaxed) != 0) {
        if (!scheduler_->run({.turns = 1, .deadline_ns = 0, .exclusive = true}).ready) return;
    }
}

bool Runtime::add_actors(std::uint64_t count) noexcept {
    std::uint64_t before = actors_.fetch_add(count, std::memory_order_relaxed);
    if (before + count <= options_.max_actors) return true;
    actors_.fetch_sub(count, std::memory_order_relaxed);
    return false;
}

void Runtime::remove_actors(std::uint64_t count) noexcept {
    actors_.fetch_sub(count, std::memory_order_relaxed);
}

Result<void> Runtime::add_packets(std::uint64_t count) {
    std::uint64_t most = options_.max_packets;
    std::uint64_t now = packets_.load(std::memory_order_relaxed);
    do {
        if (count > most || now > most - count) {
            return Failure(REFLOW_ERROR_LIMIT,
                           concat("ports for ", count, " packets beside ", now,
                                  " of all networks exceed max_packets, ", most))
                .hint("give connections smaller capacities");
        }
    } while (!packets_.compare_exchange_weak(now, now + count, std::memory_order_relaxed));
    return {};
}

void Runtime::remove_packets(std::uint64_t count) noexcept {
    packets_.fetch_sub(count, std::memory_order_relaxed);
}

bool Runtime::logs(reflow_log_level level) const noexcept {
    return options_.log != nullptr && level <= options_.log_level;
}

void Runtime::log(reflow_log_level level, std::string_view subsystem, std::string_view node,
                  std::string_view text) noexcept {
    if (!logs(level)) return;
    try {
        options_.log(host_.get(), level, to_view(subsystem), to_view(node), to_view(text));
    } catch (...) {
        // Who would be told?
    }
}

reflow_status Runtime::print(std::string_view node, std::string_view text) noexcept {
    if (options_.print == nullptr) return REFLOW_OK;
    reflow_status status = REFLOW_ERROR_FAILED;
    std::lock_guard lock(print_mutex_);
    call_host("print", scheduler_.get(), [&] {
        status = options_.print(host_.get(), to_view(node), to_view(text));
    });
    return status;
}

}  // namespace reflow::network
