// Section 20 of reflow.h: recordings. A build that leaves them out (REFLOW_WITH_RECORDING) has functions
// that say so. Thread: any.
#include <charconv>

#include "capi/guard.hpp"
#include "capi/handles.hpp"
#include "capi/modules.hpp"
#include "graph/load.hpp"
#include "io/files.hpp"
#include "network/record.hpp"

using namespace reflow;
using namespace reflow::capi;

#if REFLOW_WITH_RECORDING

struct reflow_x_recording : reflow::Allocated {
    std::unique_ptr<Store> store;
    Ref<network::Recording> recording;
};

struct reflow_x_replay : reflow::Allocated {
    Ref<network::Runtime> runtime;
    Ref<network::Replay> replay;
    Ref<network::Recording> recording;
    network::Network* network = nullptr;  // the reference of a handle
};

namespace {

struct Options {
    std::uint64_t seed = 0;
    std::uint32_t batch_packets = 0;
    std::uint64_t batch_ns = 0;
    std::uint32_t port_capacity = 0;
    std::uint64_t port_capacity_bytes = 0;
    std::uint64_t max_growth = 0;
    std::uint64_t max_completions = 0;
    bool check_types = false;
};

Options options_of(MessageRef header) {
    Options options;
    std::string_view seed = header.get("seed").text();
    std::from_chars(seed.data(), seed.data() + seed.size(), options.seed);
    auto number = [&](std::string_view key) {
        return static_cast<std::uint64_t>(header.get(key).integer());
    };
    options.batch_packets = static_cast<std::uint32_t>(number("batch_packets"));
    options.batch_ns = number("batch_ns");
    options.port_capacity = static_cast<std::uint32_t>(number("port_capacity"));
    options.port_capacity_bytes = number("port_capacity_bytes");
    options.max_growth = number("max_growth");
    options.max_completions = number("max_completions");
    options.check_types = header.get("check_types").boolean();
    return options;
}

Result<void> fits(network::Runtime& runtime, const Options& wanted) {
    const network::RuntimeOptions& has = runtime.options();
    bool same = has.scheduler.mode == REFLOW_MODE_SIMULATED && has.scheduler.seed == wanted.seed &&
                has.scheduler.budget.packets == wanted.batch_packets &&
                has.scheduler.budget.ns == wanted.batch_ns &&
                has.port_capacity == wanted.port_capacity &&
                has.port_capacity_bytes == wanted.port_capacity_bytes &&
                has.max_growth == wanted.max_growth &&
                runtime.scheduler().max_completions == wanted.max_completions &&
                has.check_types == wanted.check_types;
    if (!same) {
        return Failure(REFLOW_ERROR_INVALID_STATE,
                       "the runtime has other options than the recording")
            .hint("take those of reflow_x_recording_options");
    }
    if (runtime.scheduler().turns() != 0) {
        return Failure(REFLOW_ERROR_INVALID_STATE,
                       "a replay begins with a runtime that has run nothing yet");
    }
    return {};
}

}  // namespace

extern "C" {

reflow_status reflow_x_record_create(reflow_runtime* runtime, const reflow_graph* graph,
                                     reflow_view path, reflow_network** out, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (out == nullptr) return null_argument("out");
        *out = nullptr;
        if (Result<void> fine = usable(runtime); !fine.ok()) return fine;
        if (graph == nullptr) return null_argument("graph");
        Result<std::string_view> text = text_argument(path, "path");
        if (!text.ok()) return text.take_error();
        auto made = network::Network::create_recorded(
            Ref<network::Runtime>::share(runtime_of(runtime)), graph->shared, text.value());
        if (!made.ok()) return made.take_error();
        *out = reinterpret_cast<reflow_network*>(std::move(made).take().leak());
        return {};
    });
}

reflow_status reflow_x_record_flush(reflow_network* network, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        return network_of(network)->flush_recording();
    });
}

reflow_status reflow_x_recording_open(reflow_view path, reflow_x_recording** out,
                                      reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (out == nullptr) return null_argument("out");
        *out = nullptr;
        Result<std::string_view> text = text_argument(path, "path");
        if (!text.ok()) return text.take_error();
        std::unique_ptr<reflow_x_recording> handle(new reflow_x_recording);
        handle->store = io::make_file_store();
        auto opened = network::Recording::open(*handle->store, text.value());
        if (!opened.ok()) return opened.take_error();
        handle->recording = std::move(opened).take();
        *out = handle.release();
        return {};
    });
}

reflow_status reflow_x_recording_header(const reflow_x_recording* recording, reflow_message* out,
                                        reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (out == nullptr) return null_argument("out");
        *out = {};
        if (recording == nullptr) return null_argument("recording");
        *out = recording->recording->header().own().leak();
        return {};
    });
}

reflow_status reflow_x_recording_options(const reflow_x_recording* recording,
                                         reflow_runtime_options* options, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (recording == nullptr) return null_argument("recording");
        if (options == nullptr) return null_argument("options");
        if (options->struct_size < sizeof *options) {
            return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                           "struct_size of reflow_runtime_options is not its size");
        }
        Options wanted = options_of(recording->recording->header());
        options->mode = REFLOW_MODE_SIMULATED;
        options->seed = wanted.seed;
        options->batch_packets = wanted.batch_packets;
        options->batch_us = static_cast<std::uint32_t>(wanted.batch_ns / 1000);
        options->port_capacity = wanted.port_capacity;
        options->port_capacity_bytes = wanted.port_capacity_bytes;
        options->max_growth = wanted.max_growth;
        options->max_completions = wanted.max_completions;
        options->check_types = wanted.check_types ? 1 : 0;
        return {};
    });
}

void reflow_x_recording_destroy(reflow_x_recording* recording) { delete recording; }

reflow_status reflow_x_replay_create(reflow_runtime* runtime, reflow_x_recording* recording,
                                     reflow_x_replay** out, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (out == nullptr) return null_argument("out");
        *out = nullptr;
        if (Result<void> fine = usable(runtime); !fine.ok()) return fine;
        if (recording == nullptr) return null_argument("recording");
        network::Runtime& home = *runtime_of(runtime);
        network::Recording& from = *recording->recording;
        if (Result<void> fine = fits(home, options_of(from.header())); !fine.ok()) return fine;
        Result<graph::Graph> graph = graph::from_message(from.header().get("graph"), from.path());
        if (!graph.ok()) return graph.take_error();
        std::unique_ptr<reflow_x_replay> handle(new reflow_x_replay);
        handle->runtime = Ref<network::Runtime>::share(&home);
        handle->recording = recording->recording;
        handle->replay = make_ref<network::Replay>(recording->recording);
        auto made = network::Network::create(handle->runtime,
                                             make_ref<graph::SharedGraph>(std::move(graph).take()),
                                             Ref<network::Instrument>::share(handle->replay.get()));
        if (!made.ok()) return made.take_error();
        if (from.used()) {
            return Failure(REFLOW_ERROR_INVALID_STATE, "this recording was replayed already")
                .hint("open it once more");
        }
        handle->network = std::move(made).take().leak();
        *out = handle.release();
        return {};
    });
}

reflow_network* reflow_x_replay_network(reflow_x_replay* replay) {
    return replay == nullptr ? nullptr : reinterpret_cast<reflow_network*>(replay->network);
}

reflow_status reflow_x_replay_run(reflow_x_replay* replay, uint64_t firings, bool* more,
                                  reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (more != nullptr) *more = false;
        if (replay == nullptr) return null_argument("replay");
        Result<void> fine = of_this_process(replay->runtime->forked());
        if (!fine.ok()) return fine;
        if (runtime::current_scheduler() == &replay->runtime->scheduler()) {
            return Failure(REFLOW_ERROR_WOULD_DEADLOCK, "the runtime runs this callback already");
        }
        bool some = false;
        Result<void> ran = replay->replay->run(firings, some);
        if (more != nullptr) *more = some;
        return ran;
    });
}

reflow_status reflow_x_replay_get_state(reflow_x_replay* replay, reflow_x_replay_state* state) {
    return guarded_status([&] {
        if (replay == nullptr || state == nullptr) return REFLOW_ERROR_INVALID_ARGUMENT;
        if (replay->runtime->forked()) return REFLOW_ERROR_FORKED;
        reflow_x_replay_state to{};
        to.truncated = replay->replay->truncated() ? 1 : 0;
        to.firings = replay->replay->calls();
        to.now_ns = replay->runtime->scheduler().clock().now_ns();
        to.next = to_view(replay->replay->next_node());
        to.reason = to_view(replay->replay->broken());
        return fill_struct(state, to) ? REFLOW_OK : REFLOW_ERROR_INVALID_ARGUMENT;
    });
}

void reflow_x_replay_destroy(reflow_x_replay* replay) {
    if (replay == nullptr || replay->runtime->forked()) return;
    if (replay->network != nullptr) replay->network->abandon();
    delete replay;
}

}  // extern "C"

#else

extern "C" {

reflow_status reflow_x_record_create(reflow_runtime*, const reflow_graph*, reflow_view,
                                     reflow_network** out, reflow_error** error) {
    if (out != nullptr) *out = nullptr;
    return left_out(error, "recording");
}

reflow_status reflow_x_record_flush(reflow_network*, reflow_error** error) {
    return left_out(error, "recording");
}

reflow_status reflow_x_recording_open(reflow_view, reflow_x_recording** out,
                                      reflow_error** error) {
    if (out != nullptr) *out = nullptr;
    return left_out(error, "recording");
}

reflow_status reflow_x_recording_header(const reflow_x_recording*, reflow_message* out,
                                        reflow_error** error) {
    if (out != nullptr) *out = {};
    return left_out(error, "recording");
}

reflow_status reflow_x_recording_options(const reflow_x_recording*, reflow_runtime_options*,
                                         reflow_error** error) {
    return left_out(error, "recording");
}

void reflow_x_recording_destroy(reflow_x_recording*) {}

reflow_status reflow_x_replay_create(reflow_runtime*, reflow_x_recording*, reflow_x_replay** out,
                                     reflow_error** error) {
    if (out != nullptr) *out = nullptr;
    return left_out(error, "recording");
}

reflow_network* reflow_x_replay_network(reflow_x_replay*) { return nullptr; }

reflow_status reflow_x_replay_run(reflow_x_replay*, uint64_t, bool* more, reflow_error** error) {
    if (more != nullptr) *more = false;
    return left_out(error, "recording");
}

reflow_status reflow_x_replay_get_state(reflow_x_replay*, reflow_x_replay_state*) {
    return REFLOW_ERROR_UNSUPPORTED;
}

void reflow_x_replay_destroy(reflow_x_replay*) {}

}  // extern "C"

#endif
