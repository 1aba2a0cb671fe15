// Changing a network while it runs, its snapshots, and its dead letters. Each function has the core of a
// network as its first argument; what waits gives a Promise.
#include "async.h"
#include "bridge.h"
#include "core.h"
#include "exports.h"
#include "graph.h"

namespace reflow_node {

namespace {

Napi::Number number(Napi::Env env, std::uint64_t value) {
    return Napi::Number::New(env, static_cast<double>(value));
}

struct GraphCopy {
    reflow_graph* graph = nullptr;
    GraphCopy() = default;
    GraphCopy(const GraphCopy&) = delete;
    GraphCopy& operator=(const GraphCopy&) = delete;
    ~GraphCopy() { reflow_graph_destroy(graph); }
};

// ---- live change --------------------------------------------------------------------------------

// (core, graph or undefined for what was edited, options): leftover 0 drain, 1 drop, 2 dead-letter
Napi::Value apply(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const std::shared_ptr<Core> core = Core::of(info);
    (void)core->running(env);
    auto copy = std::make_shared<GraphCopy>();
    if (info[1].IsUndefined() && !core->editing) {
        raise(env, REFLOW_ERROR_INVALID_STATE, "there is nothing to apply",
              "add, remove, replace, connect and the like say what is to change, or give a graph");
    }
    const reflow_graph* wanted = info[1].IsUndefined()
                                     ? core->graph
                                     : GraphHandle::Unwrap(info[1].As<Napi::Object>())->get();
    must(env, [&](reflow_error** error) { return reflow_graph_copy(wanted, &copy->graph, error); });
    core->editing = false;  // whether it works or not: what comes next begins with what runs
    const Options given(env, info[2]);
    reflow_change_options options{};
    options.struct_size = sizeof options;
    options.leftover = static_cast<reflow_leftover>(given.number("leftover", 0, 2));
    options.timeout_ms = given.timeout("timeout", 0);
    options.drain_ms = given.timeout("drain", 0);
    options.replaced_state = given.flag("newState") ? REFLOW_REPLACED_STATE_NEW : REFLOW_REPLACED_STATE_KEPT;
    auto change = std::make_shared<reflow_change>();
    change->struct_size = sizeof(reflow_change);
    return with_network(
        env, core,
        [=](reflow_network* network, reflow_error** error) {
            return reflow_network_apply(network, copy->graph, &options, change.get(), error);
        },
        [change](Napi::Env inside) -> Napi::Value {
            Napi::Object object = Napi::Object::New(inside);
            object.Set("nodesAdded", number(inside, change->nodes_added));
            object.Set("nodesRemoved", number(inside, change->nodes_removed));
            object.Set("nodesReplaced", number(inside, change->nodes_replaced));
            object.Set("nodesKept", number(inside, change->nodes_kept));
            object.Set("connectionsAdded", number(inside, change->connections_added));
            object.Set("connectionsRemoved", number(inside, change->connections_removed));
            object.Set("packetsDropped", number(inside, change->packets_dropped));
            return object;
        });
}

// (core, a GraphHandle that gets it): the graph that runs now, or that is being made
Napi::Value graph(const Napi::CallbackInfo& info) {
    const std::shared_ptr<Core> core = Core::of(info);
    reflow_graph* out = nullptr;
    must(info.Env(), [&](reflow_error** error) {
        return core->built.load(std::memory_order_acquire)
                   ? reflow_network_graph(core->running(info.Env()), &out, error)
                   : reflow_graph_copy(core->graph, &out, error);
    });
    GraphHandle::Unwrap(info[1].As<Napi::Object>())->set(out);
    return info.Env().Undefined();
}

// (core, GraphHandle): a network that is being made gets this graph
Napi::Value set_graph(const Napi::CallbackInfo& info) {
    const std::shared_ptr<Core> core = Core::of(info);
    core->check_building(info.Env(), "a graph");
    const GraphHandle* given = GraphHandle::Unwrap(info[1].As<Napi::Object>());
    reflow_graph* copy = nullptr;
    must(info.Env(), [&](reflow_error** error) { return reflow_graph_copy(given->get(), &copy, error); });
    reflow_graph_destroy(std::exchange(core->graph, copy));
    return info.Env().Undefined();
}

// registerGraph(core, id, GraphHandle): nodes whose component has this id are subgraphs
Napi::Value register_graph(const Napi::CallbackInfo& info) {
    const std::shared_ptr<Core> core = Core::of(info);
    core->check_open(info.Env());
    const std::string id = info[1].As<Napi::String>();
    const GraphHandle* given = GraphHandle::Unwrap(info[2].As<Napi::Object>());
    must(info.Env(), [&](reflow_error** error) {
        return reflow_runtime_register_graph(core->runtime, view_of(id), given->get(), error);
    });
    return info.Env().Undefined();
}

// ---- workers

// workers(core)
Napi::Value workers(const Napi::CallbackInfo& info) {
    const std::shared_ptr<Core> core = Core::of(info);
    return Napi::Number::New(info.Env(), core->closing ? 0 : reflow_runtime_workers(core->runtime));
}

// setWorkers(core, number)
Napi::Value set_workers(const Napi::CallbackInfo& info) {
    const std::shared_ptr<Core> core = Core::of(info);
    core->check_open(info.Env());
    must(info.Env(), [&](reflow_error** error) {
        return reflow_runtime_set_workers(core->runtime, info[1].ToNumber().Uint32Value(), error);
    });
    return info.Env().Undefined();
}

// ---- snapshots ----------------------------------------------------------------------------------

// (core, path or undefined, timeout) -> bytes, or undefined with a path
Napi::Value snapshot(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const std::shared_ptr<Core> core = Core::of(info);
    const std::int64_t timeout = info[2].ToNumber().Int64Value();
    if (info[1].IsString()) {
        const std::string path = text_argument(info, 1, "path");
        return with_network(env, core, [=](reflow_network* network, reflow_error** error) {
            return reflow_network_snapshot_file(network, view_of(path), timeout, error);
        });
    }
    auto bytes = std::make_shared<std::string>();
    return with_network(
        env, core,
        [timeout, bytes](reflow_network* network, reflow_error** error) {
            reflow_message taken{};
            reflow_status status = reflow_network_snapshot(network, timeout, &taken, error);
            if (status != REFLOW_OK) return status;
            const Message held(taken);
            reflow_buffer* buffer = nullptr;
            status = reflow_message_to_msgpack(held.get(), &buffer, error);
            if (status != REFLOW_OK) return status;
            *bytes = copy_of(reflow_buffer_get(buffer));
            reflow_buffer_destroy(buffer);
            return status;
        },
        [bytes](Napi::Env inside) -> Napi::Value {
            return Napi::Buffer<char>::Copy(inside, bytes->data(), bytes->size());
        });
}

// (core, path or bytes): the network is built and not started; calls create and load of its actors
Napi::Value restore(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const std::shared_ptr<Core> core = Core::of(info);
    const bool file = info[1].IsString();
    const std::string from = bytes_argument(info, 1, "a snapshot");
    return with_network(env, core, [=](reflow_network* network, reflow_error** error) {
        if (file) return reflow_network_restore_file(network, view_of(from), error);
        reflow_message read{};
        const reflow_status status =
            reflow_message_from_msgpack(from.data(), from.size(), nullptr, &read, error);
        if (status != REFLOW_OK) return status;
        const Message held(read);
        return reflow_network_restore(network, held.get(), error);
    });
}

// (core, options or null): checkpoints from now on, or no more
Napi::Value checkpoint(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const std::shared_ptr<Core> core = Core::of(info);
    const bool off = info[1].IsNull();
    const Options given(env, info[1]);
    const std::string path = given.text("path");
    const std::uint32_t keep = given.u32("keep", 1000);
    const std::uint64_t interval = given.u64("interval");
    const std::uint64_t timeout = given.u64("timeout");
    return with_network(env, core, [=](reflow_network* network, reflow_error** error) {
        reflow_checkpoint_options options{};
        options.struct_size = sizeof options;
        options.keep = keep;
        options.path = view_of(path);
        options.interval_ms = interval;
        options.timeout_ms = timeout;
        return reflow_network_checkpoint(network, off ? nullptr : &options, error);
    });
}

// ---- dead letters -------------------------------------------------------------------------------

// (core) -> counts
Napi::Value dead_letter_counts(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    reflow_network* network = Core::of(info)->running(env);
    reflow_dead_letters letters{};
    letters.struct_size = sizeof letters;
    must(env, [&](reflow_error** error) {
        return reflow_network_dead_letters(network, &letters, error);
    });
    Napi::Object object = Napi::Object::New(env);
    object.Set("capacity", letters.capacity);
    object.Set("waiting", number(env, letters.waiting));
    object.Set("total", number(env, letters.total));
    object.Set("lost", number(env, letters.lost));
    return object;
}

// (core, path, after, max) -> letters
Napi::Value list_dead_letters(const Napi::CallbackInfo& info) {
    reflow_network* network = Core::of(info)->running(info.Env());
    const std::string path = text_argument(info, 1, "a path");
    const auto after = static_cast<std::uint64_t>(info[2].ToNumber().Int64Value());
    const auto max = static_cast<std::size_t>(info[3].ToNumber().Int64Value());
    reflow_message out{};
    must(info.Env(), [&](reflow_error** error) {
        return reflow_network_list_dead_letters(network, view_of(path), after, max, &out, error);
    });
    return take_value(info.Env(), out);
}

// (core, id or undefined, path) -> how many went back
Napi::Value replay_dead_letters(const Napi::CallbackInfo& info) {
    reflow_network* network = Core::of(info)->running(info.Env());
    const std::string path = text_argument(info, 2, "a path");
    std::size_t count = 1;
    must(info.Env(), [&](reflow_error** error) {
        if (!info[1].IsNumber()) {
            return reflow_network_replay_dead_letters(network, view_of(path), &count, error);
        }
        const auto id = static_cast<std::uint64_t>(info[1].As<Napi::Number>().Int64Value());
        return reflow_network_replay_dead_letter(network, id, error);
    });
    return number(info.Env(), count);
}

// (core, letter)
Napi::Value send_dead_letter(const Napi::CallbackInfo& info) {
    reflow_network* network = Core::of(info)->running(info.Env());
    const Message letter = from_js(info.Env(), info[1]);
    must(info.Env(), [&](reflow_error** error) {
        return reflow_network_send_dead_letter(network, letter.get(), error);
    });
    return info.Env().Undefined();
}

// (core, id or 0, path) -> how many were dropped
Napi::Value drop_dead_letters(const Napi::CallbackInfo& info) {
    reflow_network* network = Core::of(info)->running(info.Env());
    const auto id = static_cast<std::uint64_t>(info[1].ToNumber().Int64Value());
    const std::string path = text_argument(info, 2, "a path");
    std::size_t count = 0;
    must(info.Env(), [&](reflow_error** error) {
        return reflow_network_drop_dead_letters(network, id, view_of(path), &count, error);
    });
    return number(info.Env(), count);
}

}  // namespace

void export_change(Napi::Object exports) {
    export_function(exports, "apply", apply);
    export_function(exports, "networkGraph", graph);
    export_function(exports, "setGraph", set_graph);
    export_function(exports, "registerGraph", register_graph);
    export_function(exports, "workers", workers);
    export_function(exports, "setWorkers", set_workers);
    export_function(exports, "snapshot", snapshot);
    export_function(exports, "restore", restore);
    export_function(exports, "checkpoint", checkpoint);
    export_function(exports, "deadLetterCounts", dead_letter_counts);
    export_function(exports, "listDeadLetters", list_dead_letters);
    export_function(exports, "replayDeadLetters", replay_dead_letters);
    export_function(exports, "sendDeadLetter", send_dead_letter);
    export_function(exports, "dropDeadLetters", drop_dead_letters);
}

}  // namespace reflow_node
