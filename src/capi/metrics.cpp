// Section 14 of reflow.h: metrics.
// Thread: any.
#include "base/limits.hpp"
#include "capi/guard.hpp"
#include "capi/handles.hpp"
#include "io/usage.hpp"
#include "message/count.hpp"

using namespace reflow;
using namespace reflow::capi;

namespace {

reflow_worker_metrics worker_metrics(const network::Runtime& runtime, std::uint32_t worker) {
    runtime::WorkerLoad load = runtime.scheduler().load(worker);
    reflow_worker_metrics to{};
    to.asleep = load.asleep ? 1 : 0;
    to.rounds = load.rounds;
    to.lifetime_ns = load.lifetime_ns;
    to.asleep_ns = load.asleep_ns;
    return to;
}

Result<Message> workers_message(const network::Runtime& runtime) {
    ArrayBuilder workers;
    for (std::uint32_t i = 0; i < runtime.scheduler().places(); ++i) {
        reflow_worker_metrics from = worker_metrics(runtime, i);
        double lifetime = static_cast<double>(from.lifetime_ns);
        double awake = static_cast<double>(from.lifetime_ns - from.asleep_ns);
        ObjectBuilder worker(5);
        worker.set("asleep", Message::boolean(from.asleep != 0));
        worker.set("rounds", count_message(from.rounds));
        worker.set("lifetime_ns", count_message(from.lifetime_ns));
        worker.set("asleep_ns", count_message(from.asleep_ns));
        worker.set("utilisation", Message::real(lifetime == 0 ? 0.0 : awake / lifetime));
        Result<Message> made = worker.finish();
        if (!made.ok()) return made;
        workers.append(std::move(made).take());
    }
    return workers.finish();
}

Result<Message> process_message() {
    reflow_usage usage = io::process_usage();
    ObjectBuilder process(10);
    process.set("threads", count_message(usage.threads));
    process.set("memory_bytes", count_message(usage.memory_bytes));
    process.set("memory_peak_bytes", count_message(usage.memory_peak_bytes));
    process.set("user_ns", count_message(usage.user_ns));
    process.set("system_ns", count_message(usage.system_ns));
    process.set("read_bytes", count_message(usage.read_bytes));
    process.set("written_bytes", count_message(usage.written_bytes));
    process.set("page_faults", count_message(usage.page_faults));
    process.set("yields", count_message(usage.yields));
    process.set("preemptions", count_message(usage.preemptions));
    return process.finish();
}

}  // namespace

extern "C" {

reflow_status reflow_network_measure(reflow_network* network, const reflow_measure_options* options,
                                     reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        Result<reflow_measure_options> read = read_options(options, "reflow_measure_options");
        if (!read.ok()) return read.take_error();
        const reflow_measure_options& given = read.value();
        std::uint32_t every = given.sample == 0 ? limits::measured_turns_count : given.sample;
        network_of(network)->measure(given.off != 0 ? 0 : every);
        return {};
    });
}

reflow_status reflow_network_node_metrics(const reflow_network* network, reflow_view node,
                                          reflow_node_metrics* metrics, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        if (metrics == nullptr) return null_argument("metrics");
        Result<std::string_view> id = text_argument(node, "node");
        if (!id.ok()) return id.take_error();
        reflow_node_metrics made{};
        Result<void> found = network_of(network)->node_metrics(id.value(), made);
        if (!found.ok()) return found;
        if (!fill_struct(metrics, made)) {
            return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                           "struct_size of reflow_node_metrics is not its size");
        }
        return {};
    });
}

reflow_status reflow_runtime_worker_metrics(const reflow_runtime* runtime, uint32_t worker,
                                            reflow_worker_metrics* metrics, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(runtime); !fine.ok()) return fine;
        if (metrics == nullptr) return null_argument("metrics");
        std::uint32_t count = runtime_of(runtime)->scheduler().places();
        if (worker >= count) {
            return Failure(REFLOW_ERROR_NOT_FOUND,
                           concat("no worker ", worker, " in a runtime that has ", count));
        }
        if (!fill_struct(metrics, worker_metrics(*runtime_of(runtime), worker))) {
            return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                           "struct_size of reflow_worker_metrics is not its size");
        }
        return {};
    });
}

reflow_status reflow_process_usage(reflow_usage* usage, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (usage == nullptr) return null_argument("usage");
        if (!fill_struct(usage, io::process_usage())) {
            return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                           "struct_size of reflow_usage is not its size");
        }
        return {};
    });
}

reflow_status reflow_network_metrics(const reflow_network* network, reflow_message* out,
                                     reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (out == nullptr) return null_argument("out");
        *out = {};
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        Result<Message> own = network_of(network)->metrics();
        if (!own.ok()) return own.take_error();
        Result<Message> workers = workers_message(network_of(network)->runtime());
        if (!workers.ok()) return workers.take_error();
        Result<Message> process = process_message();
        if (!process.ok()) return process.take_error();
        Result<Message> with = with_key(own.value(), "workers", std::move(workers).take());
        if (!with.ok()) return with.take_error();
        return give(with_key(with.value(), "process", std::move(process).take()), out);
    });
}

}  // extern "C"
