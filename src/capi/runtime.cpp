// Section 7 of reflow.h: runtimes.
// Thread: any.
#include <unistd.h>

#include "base/limits.hpp"
#include "capi/guard.hpp"
#include "capi/handles.hpp"
#include "capi/modules.hpp"
#include "io/files.hpp"

using namespace reflow;
using namespace reflow::capi;

namespace {

std::uint32_t cores() noexcept {
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : static_cast<std::uint32_t>(count);
}

template <typename T>
T or_default(T given, T fallback) noexcept {
    return given == 0 ? fallback : given;
}

Result<network::RuntimeOptions> translate(const reflow_runtime_options& given) {
    network::RuntimeOptions options;
    runtime::SchedulerOptions& scheduler = options.scheduler;
    bool known = given.mode == REFLOW_MODE_OWN || given.mode == REFLOW_MODE_INLINE ||
                 given.mode == REFLOW_MODE_SIMULATED;
    if (!known) return Failure(REFLOW_ERROR_UNSUPPORTED, concat("unknown mode ", given.mode));
    if (given.workers > limits::workers_count) {
        return Failure(REFLOW_ERROR_LIMIT, concat(given.workers, " workers are more than ",
                                                  limits::workers_count));
    }
    if (given.log_level < 0 || given.log_level > REFLOW_LOG_TRACE) {
        return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                       concat("unknown log level ", given.log_level));
    }
    scheduler.mode = given.mode;
    scheduler.workers = or_default(given.workers, std::min(cores(), limits::workers_count));
    scheduler.budget.packets = or_default(given.batch_packets, limits::batch_packets_count);
    scheduler.budget.ns = std::uint64_t{or_default(given.batch_us, limits::batch_us)} * 1000;
    scheduler.seed = given.seed;
    scheduler.thread_start = given.thread_start;
    scheduler.thread_stop = given.thread_stop;
    options.port_capacity = or_default(given.port_capacity, limits::port_capacity_count);
    options.max_actors = or_default(given.max_actors, limits::actors_count);
    options.max_growth = or_default(given.max_growth, limits::growth_count);
    options.log = given.log;
    options.print = given.print;
    options.log_level = or_default(given.log_level, reflow_log_level{REFLOW_LOG_INFO});
    return options;
}

}  // namespace

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
        *out = reinterpret_cast<reflow_runtime*>(std::move(made).take().leak());
        return {};
    });
}

void reflow_runtime_destroy(reflow_runtime* runtime) {
    if (runtime == nullptr) return;
    runtime_of(runtime)->settle();
    runtime_of(runtime)->unref();
    network::Runtime::join_ended();
}

reflow_status reflow_runtime_run(reflow_runtime* runtime, uint64_t max_turns, bool* more,
                                 reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (more != nullptr) *more = false;
        if (runtime == nullptr) return null_argument("runtime");
        // A callback may end the handle.
        auto alive = Ref<network::Runtime>::share(runtime_of(runtime));
        runtime::Scheduler& scheduler = alive->scheduler();
        if (scheduler.threaded()) {
            return Failure(REFLOW_ERROR_UNSUPPORTED,
                           "a runtime with threads of its own runs by itself");
        }
        if (runtime::current_scheduler() == &scheduler) {
            return Failure(REFLOW_ERROR_WOULD_DEADLOCK, "the runtime runs this callback already");
        }
        auto ran = scheduler.run(
            {.turns = max_turns == 0 ? UINT64_MAX : max_turns, .exclusive = true});
        if (ran.busy) {
            return Failure(REFLOW_ERROR_INVALID_STATE, "another thread runs this runtime");
        }
        alive->settle();
        if (more != nullptr) *more = ran.ready;
        return {};
    });
}

uint32_t reflow_runtime_workers(const reflow_runtime* runtime) {
    if (runtime == nullptr) return 0;
    return const_cast<network::Runtime*>(runtime_of(runtime))->scheduler().workers();
}

}  // extern "C"
