// Section 7 of reflow.h: runtimes.
// Thread: any.
#include <unistd.h>

#include "base/limits.hpp"
#include "capi/guard.hpp"
#include "capi/handles.hpp"
#include "capi/modules.hpp"
#include "io/doorbell.hpp"
#include "io/files.hpp"

using namespace reflow;
using namespace reflow::capi;

namespace {

std::uint32_t cores() noexcept {
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : static_cast<std::uint32_t>(count);
}

std::uint32_t default_workers(reflow_mode mode) noexcept {
    if (mode == REFLOW_MODE_LENT) return limits::lent_workers_count;
    return std::min(cores(), limits::workers_count);
}

template <typename T>
T or_default(T given, T fallback) noexcept {
    return given == 0 ? fallback : given;
}

Failure too_many_workers(std::uint32_t count) {
    return Failure(REFLOW_ERROR_LIMIT,
                   concat(count, " workers are more than ", limits::workers_count));
}

Result<void> not_inside(const runtime::Scheduler& scheduler) {
    if (runtime::current_scheduler() != &scheduler) return {};
    return Failure(REFLOW_ERROR_WOULD_DEADLOCK, "the runtime runs this callback already");
}

Result<network::RuntimeOptions> translate(const reflow_runtime_options& given) {
    network::RuntimeOptions options;
    runtime::SchedulerOptions& scheduler = options.scheduler;
    if (given.mode < REFLOW_MODE_OWN || given.mode > REFLOW_MODE_SIMULATED) {
        return Failure(REFLOW_ERROR_UNSUPPORTED, concat("unknown mode ", given.mode));
    }
    if (given.workers > limits::workers_count) return too_many_workers(given.workers);
    if (given.blocking_threads > limits::blocking_threads_most_count) {
        return Failure(REFLOW_ERROR_LIMIT, concat(given.blocking_threads, " blocking threads are "
                                                  "more than ", limits::blocking_threads_most_count));
    }
    if (given.log_level < 0 || given.log_level > REFLOW_LOG_TRACE) {
        return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                       concat("unknown log level ", given.log_level));
    }
    scheduler.mode = given.mode;
    scheduler.workers = or_default(given.workers, default_workers(given.mode));
    scheduler.blocking_threads =
        or_default(given.blocking_threads, limits::blocking_threads_count);
    scheduler.budget.packets = or_default(given.batch_packets, limits::batch_packets_count);
    scheduler.budget.ns = std::uint64_t{or_default(given.batch_us, limits::batch_us)} * 1000;
    scheduler.seed = given.seed;
    scheduler.thread_start = given.thread_start;
    scheduler.thread_stop = given.thread_stop;
    scheduler.wake = given.wake;
    scheduler.make_doorbell = io::make_doorbell;
    options.port_capacity = or_default(given.port_capacity, limits::port_capacity_count);
    options.port_capacity_bytes = std::min(given.port_capacity_bytes, limits::port_bytes);
    if (given.check_types > 1) {
        return Failure(REFLOW_ERROR_INVALID_ARGUMENT, "check_types is 0 or 1");
    }
    options.check_types = given.check_types != 0;
    options.max_actors = or_default(given.max_actors, limits::actors_count);
    options.max_packets = or_default(given.max_packets, std::uint64_t{UINT64_MAX});
    options.max_growth = or_default(given.max_growth, limits::growth_count);
    scheduler.max_completions =
        std::min(or_default(given.max_completions, limits::completions_count),
                 limits::most_completions_count);
    scheduler.max_streams = or_default(given.max_streams, limits::streams_count);
    options.max_pool_bytes = or_default(given.max_pool_bytes, limits::pool_bytes);
    if (given.watchdog_ms > UINT32_MAX) {
        return Failure(REFLOW_ERROR_LIMIT, concat("watchdog_ms ", given.watchdog_ms, " is beyond ",
                                                  std::uint64_t{UINT32_MAX}));
    }
    options.watchdog_ms = static_cast<std::uint32_t>(given.watchdog_ms);
    options.log = given.log;
    options.print = given.print;
    options.log_level = or_default(given.log_level, reflow_log_level{REFLOW_LOG_INFO});
    return options;
}

}  // namespace

namespace reflow::capi {

Result<void> of_this_process(bool forked) {
    if (!forked) [[likely]]
        return {};
    return Failure(REFLOW_ERROR_FORKED, "this process is a fork of the one that made the handle")
        .hint("create a new runtime in the child");
}

Result<void> usable(const reflow_runtime* runtime) {
    if (runtime == nullptr) return null_argument("runtime");
    return of_this_process(runtime_of(runtime)->forked());
}

Result<void> usable(const reflow_network* network) {
    if (network == nullptr) return null_argument("network");
    return of_this_process(is_forked(network));
}

Result<void> usable(const reflow_output* output) {
    if (output == nullptr) return null_argument("output");
    return of_this_process(output->network->runtime().forked());
}

Result<void> usable(const reflow_subscription* subscription) {
    if (subscription == nullptr) return null_argument("subscription");
    auto* of = reinterpret_cast<const network::Subscription*>(subscription);
    return of_this_process(const_cast<network::Subscription*>(of)->network().runtime().forked());
}

}  // namespace reflow::capi

extern "C" {

reflow_status reflow_runtime_create(const reflow_runtime_options* options, reflow_runtime** out,
                                    reflow_error** error) {
    network::HostData host;
    return guarded(error, [&]() -> Result<void> {
        if (out != nullptr) *out = nullptr;
        Result<reflow_runtime_options> read = read_options(options, "reflow_runtime_options");
        if (!read.ok()) {
            reflow_runtime_options known = known_fields(options);
            host = network::HostData(known.user_data, known.destroy);
            return read.take_error();
        }
        // From here on the user data is ours, also if something fails.
        host = network::HostData(read.value().user_data, read.value().destroy);
        if (out == nullptr) return null_argument("out");
        network::Runtime::join_ended();
        Result<network::RuntimeOptions> translated = translate(read.value());
        if (!translated.ok()) return translated.take_error();
        Vector<runtime::ComponentRef> built_in;
        if (modules.components != nullptr) {
            auto library = modules.components();
            if (!library.ok()) return library.take_error();
            built_in = std::move(library).take();
        }
        auto made = network::Runtime::create(translated.value(), std::move(host),
                                             io::make_file_store(), std::move(built_in));
        if (!made.ok()) return made.take_error();
        made.value()->make_foreign = modules.foreign;
        *out = reinterpret_cast<reflow_runtime*>(std::move(made).take().leak());
        return {};
    });
}

void reflow_runtime_destroy(reflow_runtime* runtime) {
    if (runtime == nullptr) return;
    if (runtime_of(runtime)->forked()) return runtime_of(runtime)->close_descriptors();
    if (modules.join_endings != nullptr) modules.join_endings(*runtime_of(runtime));
    runtime_of(runtime)->settle();
    runtime_of(runtime)->unref();
    network::Runtime::join_ended();
}

reflow_status reflow_runtime_run(reflow_runtime* runtime, uint64_t max_turns, bool* more,
                                 reflow_error** error) {
    return reflow_runtime_run_for(runtime, max_turns, 0, more, error);
}

reflow_status reflow_runtime_run_for(reflow_runtime* runtime, uint64_t max_turns, uint64_t max_ns,
                                     bool* more, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (more != nullptr) *more = false;
        if (Result<void> fine = usable(runtime); !fine.ok()) return fine;
        // A callback may end the handle.
        auto alive = Ref<network::Runtime>::share(runtime_of(runtime));
        runtime::Scheduler& scheduler = alive->scheduler();
        if (scheduler.threaded()) {
            return Failure(REFLOW_ERROR_UNSUPPORTED,
                           "a runtime whose actors run on threads runs by itself");
        }
        if (Result<void> fine = not_inside(scheduler); !fine.ok()) return fine;
        std::uint64_t now = scheduler.clock().now_ns();
        bool limited = max_ns != 0 && max_ns < UINT64_MAX - now;
        auto ran = scheduler.run({.turns = max_turns == 0 ? UINT64_MAX : max_turns,
                                  .until_ns = limited ? now + max_ns : UINT64_MAX,
                                  .exclusive = true,
                                  .by_loop = true});
        if (ran.busy) {
            return Failure(REFLOW_ERROR_INVALID_STATE, "another thread runs this runtime");
        }
        alive->settle();
        if (more != nullptr) *more = ran.ready;
        return {};
    });
}

reflow_status reflow_runtime_descriptor(reflow_runtime* runtime, int32_t* descriptor,
                                        reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (descriptor == nullptr) return null_argument("descriptor");
        *descriptor = -1;
        if (Result<void> fine = usable(runtime); !fine.ok()) return fine;
        Result<int> found = runtime_of(runtime)->scheduler().descriptor();
        if (!found.ok()) return found.take_error();
        *descriptor = found.value();
        return {};
    });
}

uint64_t reflow_runtime_next_due_ns(const reflow_runtime* runtime) {
    if (runtime == nullptr || runtime_of(runtime)->forked()) return UINT64_MAX;
    runtime::Scheduler& scheduler =
        const_cast<network::Runtime*>(runtime_of(runtime))->scheduler();
    std::uint64_t due = scheduler.next_due();
    if (due == UINT64_MAX) return due;
    std::uint64_t now = scheduler.clock().now_ns();
    return due <= now ? 0 : due - now;
}

reflow_status reflow_runtime_work(reflow_runtime* runtime, int64_t timeout_ms,
                                  reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(runtime); !fine.ok()) return fine;
        // Not kept alive: the runtime may end meanwhile, and its scheduler waits for this thread.
        runtime::Scheduler& scheduler = runtime_of(runtime)->scheduler();
        if (!scheduler.threaded() || !scheduler.needs_host()) {
            return Failure(REFLOW_ERROR_UNSUPPORTED, "only a runtime of mode lent takes threads");
        }
        if (Result<void> fine = not_inside(scheduler); !fine.ok()) return fine;
        bool forever = timeout_ms < 0 || timeout_ms > INT64_MAX / 2'000'000;
        std::uint64_t timeout =
            forever ? UINT64_MAX : static_cast<std::uint64_t>(timeout_ms) * 1'000'000;
        std::uint32_t most = runtime_of(runtime)->options().scheduler.workers;
        switch (scheduler.work(timeout)) {
            case runtime::Scheduler::Worked::over:
                return {};
            case runtime::Scheduler::Worked::full:
                return Failure(REFLOW_ERROR_LIMIT,
                               concat("workers: ", most, " threads work already"));
            case runtime::Scheduler::Worked::closed:
                break;
        }
        network::Runtime::join_ended();  // it may have ended inside a callback of this thread
        return Failure(REFLOW_ERROR_CLOSED, "the runtime has ended");
    });
}

reflow_status reflow_runtime_interrupt(reflow_runtime* runtime, uint32_t calls,
                                       reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(runtime); !fine.ok()) return fine;
        runtime::Scheduler& scheduler = runtime_of(runtime)->scheduler();
        if (!scheduler.threaded() || !scheduler.needs_host()) {
            return Failure(REFLOW_ERROR_UNSUPPORTED, "only a runtime of mode lent takes threads");
        }
        scheduler.interrupt_work(calls);
        return {};
    });
}

reflow_status reflow_runtime_set_workers(reflow_runtime* runtime, uint32_t workers,
                                         reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(runtime); !fine.ok()) return fine;
        if (workers > limits::workers_count) return too_many_workers(workers);
        const runtime::SchedulerOptions& made = runtime_of(runtime)->options().scheduler;
        return runtime_of(runtime)->scheduler().set_workers(
            or_default(workers, default_workers(made.mode)));
    });
}

uint32_t reflow_runtime_workers(const reflow_runtime* runtime) {
    if (runtime == nullptr || runtime_of(runtime)->forked()) return 0;
    return const_cast<network::Runtime*>(runtime_of(runtime))->scheduler().workers();
}

}  // extern "C"
