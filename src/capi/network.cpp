// Sections 10 and 11 of reflow.h: networks, their inputs and outputs.
// Thread: any.
#include "capi/guard.hpp"
#include "capi/handles.hpp"

using namespace reflow;
using namespace reflow::capi;

namespace {

Result<void> plain(reflow_status status, std::string_view text) {
    if (status == REFLOW_OK) return {};
    return Failure(status, text);
}

[[gnu::cold]] Failure none_among(size_t place) {
    return Failure(REFLOW_ERROR_INVALID_ARGUMENT, concat("message ", place, " is none"));
}

void tell_quiet(reflow_idle_fn callback, void* data, const network::Network& network,
                reflow_status how) noexcept {
    reflow_error* error = nullptr;
    (void)guarded(&error, [&] { return network.how_quiet(how); });
    call_host("on_idle", nullptr, [&] { callback(data, error); });
    reflow_error_destroy(error);
}

// What a host is told of, and what belongs to that.
struct HostCall : RefCounted<HostCall> {
    reflow_readable_fn callback = nullptr;
    network::HostData data;
};

}  // namespace

void reflow::capi::has_told(Told& told, reflow_readable_fn callback, network::HostData data,
                            const HostLog* log) {
    if (callback == nullptr) return told.set({});
    Ref<HostCall> call = make_ref<HostCall>();
    call->callback = callback;
    call->data = std::move(data);
    told.set([call, log] { tell_host("on_readable", call->callback, call->data.get(), log); });
}

extern "C" {

reflow_status reflow_network_create(reflow_runtime* runtime, const reflow_graph* graph,
                                    reflow_network** out, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (out == nullptr) return null_argument("out");
        *out = nullptr;
        if (Result<void> fine = usable(runtime); !fine.ok()) return fine;
        if (graph == nullptr) return null_argument("graph");
        auto made = network::Network::create(Ref<network::Runtime>::share(runtime_of(runtime)),
                                             graph->shared);
        if (!made.ok()) return made.take_error();
        *out = reinterpret_cast<reflow_network*>(std::move(made).take().leak());
        return {};
    });
}

void reflow_network_destroy(reflow_network* network) {
    if (network != nullptr && !is_forked(network)) network_of(network)->abandon();
}

reflow_status reflow_network_start(reflow_network* network, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        return network_of(network)->start();
    });
}

reflow_network_state reflow_network_get_state(const reflow_network* network) {
    if (network == nullptr || is_forked(network)) return REFLOW_NETWORK_STOPPED;
    return network_of(network)->state();
}

reflow_status reflow_network_wait_idle(reflow_network* network, int64_t timeout_ms,
                                       reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        return network_of(network)->wait_idle(timeout_ms);
    });
}

reflow_status reflow_network_on_idle(reflow_network* network, reflow_idle_fn callback,
                                     void* user_data, reflow_destroy_fn destroy, uint64_t* id,
                                     reflow_error** error) {
    network::HostData data(user_data, destroy);
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        if (callback == nullptr) return null_argument("callback");
        return network_of(network)->on_idle(callback, tell_quiet, std::move(data), id);
    });
}

reflow_status reflow_network_remove_on_idle(reflow_network* network, uint64_t id,
                                            reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        return network_of(network)->remove_on_idle(id);
    });
}

reflow_status reflow_network_end_sources(reflow_network* network, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        return network_of(network)->end_sources();
    });
}

reflow_status reflow_network_drain(reflow_network* network, int64_t timeout_ms,
                                   reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        return network_of(network)->drain(timeout_ms);
    });
}

reflow_status reflow_network_stop(reflow_network* network, int64_t timeout_ms,
                                  reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        return network_of(network)->stop(timeout_ms);
    });
}

reflow_status reflow_network_cancel(reflow_network* network, reflow_view path, size_t* count,
                                    reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        size_t cancelled = 0;
        if (count != nullptr) *count = 0;
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        Result<std::string_view> text = text_argument(path, "path");
        if (!text.ok()) return text.take_error();
        Result<void> done = network_of(network)->cancel(text.value(), cancelled);
        if (count != nullptr) *count = cancelled;
        return done;
    });
}

reflow_status reflow_network_counters(const reflow_network* network, reflow_view node,
                                      reflow_node_counters* counters, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        if (counters == nullptr) return null_argument("counters");
        Result<std::string_view> text = text_argument(node, "node");
        if (!text.ok()) return text.take_error();
        reflow_node_counters from{};
        Result<void> read = network_of(network)->counters(text.value(), from);
        if (!fill_struct(counters, from)) {
            return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                           "struct_size of reflow_node_counters is not its size");
        }
        return read;
    });
}

reflow_status reflow_network_report(const reflow_network* network, reflow_message* out,
                                    reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (out == nullptr) return null_argument("out");
        *out = {};
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        return give(network_of(network)->report(), out);
    });
}

// ---- inputs

reflow_status reflow_network_find_inport(reflow_network* network, reflow_view node,
                                         reflow_view port, reflow_inport* out,
                                         reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (out == nullptr) return null_argument("out");
        *out = {};
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        Result<std::string_view> node_text = text_argument(node, "node");
        if (!node_text.ok()) return node_text.take_error();
        Result<std::string_view> port_text = text_argument(port, "port");
        if (!port_text.ok()) return port_text.take_error();
        Result<std::uint64_t> found =
            network_of(network)->find_inport(node_text.value(), port_text.value());
        if (!found.ok()) return found.take_error();
        out->id = found.value();
        return {};
    });
}

reflow_status reflow_network_send(reflow_network* network, reflow_inport inport,
                                  reflow_message message, int64_t timeout_ms,
                                  reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        if (MessageRef(message).none()) return none_among(0);
        size_t accepted = 0;
        return network_of(network)->send(inport.id, {&message, 1}, timeout_ms, accepted);
    });
}

reflow_status reflow_network_try_send(reflow_network* network, reflow_inport inport,
                                      reflow_message message, reflow_error** error) {
    return reflow_network_send(network, inport, message, 0, error);
}

reflow_status reflow_network_send_many(reflow_network* network, reflow_inport inport,
                                       const reflow_message* messages, size_t count,
                                       int64_t timeout_ms, size_t* accepted, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (accepted == nullptr) return null_argument("accepted");
        *accepted = 0;
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        if (Result<void> fine = check_array(messages, count, sizeof *messages, "messages");
            !fine.ok()) {
            return fine;
        }
        for (size_t i = 0; i < count; ++i) {
            if (MessageRef(messages[i]).none()) return none_among(i);
        }
        return network_of(network)->send(inport.id, {messages, count}, timeout_ms, *accepted);
    });
}

reflow_status reflow_network_on_writable(reflow_network* network, reflow_inport inport,
                                         reflow_writable_fn callback, void* user_data,
                                         reflow_destroy_fn destroy, reflow_error** error) {
    network::HostData data(user_data, destroy);
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        return network_of(network)->on_writable(inport.id, callback, std::move(data));
    });
}

// ---- pausing

reflow_status reflow_network_pause(reflow_network* network, reflow_view path, int64_t timeout_ms,
                                   reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        Result<std::string_view> text = text_argument(path, "path");
        if (!text.ok()) return text.take_error();
        return network_of(network)->pause(text.value(), timeout_ms);
    });
}

reflow_status reflow_network_resume(reflow_network* network, reflow_view path,
                                    reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        Result<std::string_view> text = text_argument(path, "path");
        if (!text.ok()) return text.take_error();
        return network_of(network)->resume(text.value());
    });
}

reflow_status reflow_network_step(reflow_network* network, reflow_view path, uint64_t firings,
                                  int64_t timeout_ms, uint64_t* fired, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        uint64_t count = 0;
        uint64_t& counted = fired != nullptr ? *fired : count;
        counted = 0;
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        Result<std::string_view> text = text_argument(path, "path");
        if (!text.ok()) return text.take_error();
        return network_of(network)->step(text.value(), firings, timeout_ms, counted);
    });
}

reflow_status reflow_network_peek(const reflow_network* network, reflow_view node, reflow_view port,
                                  reflow_message* messages, size_t max, size_t* count,
                                  reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (count == nullptr) return null_argument("count");
        *count = 0;
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        Result<void> fine = check_array(messages, max, sizeof *messages, "messages");
        if (!fine.ok()) return fine;
        Result<std::string_view> node_text = text_argument(node, "node");
        if (!node_text.ok()) return node_text.take_error();
        Result<std::string_view> port_text = text_argument(port, "port");
        if (!port_text.ok()) return port_text.take_error();
        auto peeked =
            network_of(network)->peek(node_text.value(), port_text.value(), {messages, max});
        if (!peeked.ok()) return peeked.take_error();
        *count = peeked.value();
        return {};
    });
}

// ---- outputs

reflow_status reflow_network_open_output(reflow_network* network, reflow_view node,
                                         reflow_view port, uint32_t capacity, reflow_output** out,
                                         reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (out == nullptr) return null_argument("out");
        *out = nullptr;
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        Result<std::string_view> node_text = text_argument(node, "node");
        if (!node_text.ok()) return node_text.take_error();
        Result<std::string_view> port_text = text_argument(port, "port");
        if (!port_text.ok()) return port_text.take_error();
        auto handle = std::unique_ptr<reflow_output>(new reflow_output);
        auto opened =
            network_of(network)->open_output(node_text.value(), port_text.value(), capacity);
        if (!opened.ok()) return opened.take_error();
        handle->network = Ref<network::Network>::share(network_of(network));
        handle->output = std::move(opened).take();
        *out = handle.release();
        return {};
    });
}

reflow_status reflow_output_recv_many(reflow_output* output, reflow_message* messages, size_t max,
                                      int64_t timeout_ms, size_t* count, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (count == nullptr) return null_argument("count");
        *count = 0;
        if (Result<void> fine = usable(output); !fine.ok()) return fine;
        if (messages == nullptr && max != 0) return null_argument("messages");
        // A callback may end the handle; the reader ends before its network.
        Ref<network::Network> network = output->network;
        Ref<network::Output> reader = output->output;
        return plain(reader->recv({messages, max}, timeout_ms, *count),
                     "no message of this output");
    });
}

reflow_status reflow_output_on_readable(reflow_output* output, reflow_readable_fn callback,
                                        void* user_data, reflow_destroy_fn destroy,
                                        reflow_error** error) {
    network::HostData data(user_data, destroy);
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(output); !fine.ok()) return fine;
        const HostLog* log = &output->network->runtime().scheduler();
        has_told(output->output->readable, callback, std::move(data), log);
        return {};
    });
}

void reflow_output_destroy(reflow_output* output) {
    if (output == nullptr || output->network->runtime().forked()) return;
    output->output->readable.set({});
    output->output->close();
    delete output;
}

}  // extern "C"
