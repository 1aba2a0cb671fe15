/* What cgo needs in C: functions whose arguments are plain pointers, so that memory of Go is passed to C
 * as an argument and in no struct, as the rules of cgo want it. Nothing here keeps such a pointer. */
#ifndef REFLOW_GO_SHIM_H
#define REFLOW_GO_SHIM_H

#include <reflow.h>
#include <stdlib.h>
#include <string.h>

static inline reflow_view rg_view(const char *data, size_t size) {
    reflow_view view = {data != NULL ? data : "", size};
    return view;
}

static inline reflow_status rg_string(const char *data, size_t size, reflow_message *out,
                                      reflow_error **error) {
    return reflow_message_string(rg_view(data, size), out, error);
}
static inline reflow_status rg_error_value(const char *data, size_t size, reflow_message *out,
                                           reflow_error **error) {
    return reflow_message_error(rg_view(data, size), out, error);
}
static inline reflow_status rg_set(reflow_object_builder *builder, const char *key, size_t size,
                                   reflow_message value, reflow_error **error) {
    return reflow_object_builder_set(builder, rg_view(key, size), value, error);
}
static inline reflow_status rg_load(const char *text, size_t size, reflow_format format,
                                    const char *name, size_t name_size, reflow_graph **out,
                                    reflow_error **error) {
    return reflow_graph_load(rg_view(text, size), format, rg_view(name, name_size), out, error);
}
static inline reflow_status rg_load_file(const char *path, size_t size, reflow_graph **out,
                                         reflow_error **error) {
    return reflow_graph_load_file(rg_view(path, size), out, error);
}
static inline reflow_status rg_set_component(reflow_graph *graph, const char *id, size_t id_size,
                                             const char *component, size_t size,
                                             reflow_error **error) {
    return reflow_graph_set_component(graph, rg_view(id, id_size), rg_view(component, size),
                                      error);
}
static inline reflow_status rg_set_config(reflow_graph *graph, const char *id, size_t id_size,
                                          const char *key, size_t size, reflow_message value,
                                          reflow_error **error) {
    return reflow_graph_set_config_value(graph, rg_view(id, id_size), rg_view(key, size), value,
                                         error);
}
static inline reflow_status rg_find_inport(reflow_network *network, const char *node,
                                           size_t node_size, const char *port, size_t size,
                                           reflow_inport *out, reflow_error **error) {
    return reflow_network_find_inport(network, rg_view(node, node_size), rg_view(port, size), out,
                                      error);
}
static inline reflow_status rg_open_output(reflow_network *network, const char *node,
                                           size_t node_size, const char *port, size_t size,
                                           reflow_output **out, reflow_error **error) {
    return reflow_network_open_output(network, rg_view(node, node_size), rg_view(port, size), 0,
                                      out, error);
}
/* The calls of a network that take one text; what says which. */
enum { RG_PAUSE, RG_RESUME, RG_CANCEL, RG_REPLAY, RG_DROP, RG_REMOVE };
static inline reflow_status rg_path(reflow_network *network, int what, const char *path,
                                    size_t size, int64_t timeout_ms, size_t *count,
                                    reflow_error **error) {
    reflow_view view = rg_view(path, size);
    switch (what) {
        case RG_PAUSE: return reflow_network_pause(network, view, timeout_ms, error);
        case RG_RESUME: return reflow_network_resume(network, view, error);
        case RG_CANCEL: return reflow_network_cancel(network, view, count, error);
        case RG_REPLAY: return reflow_network_replay_dead_letters(network, view, count, error);
        case RG_DROP: return reflow_network_drop_dead_letters(network, 0, view, count, error);
        default: return reflow_network_remove_node(network, view, error);
    }
}
static inline reflow_status rg_step(reflow_network *network, const char *path, size_t size,
                                    uint64_t firings, int64_t timeout_ms, uint64_t *fired,
                                    reflow_error **error) {
    return reflow_network_step(network, rg_view(path, size), firings, timeout_ms, fired, error);
}
static inline reflow_status rg_counters(reflow_network *network, const char *node, size_t size,
                                        reflow_node_counters *out, reflow_error **error) {
    out->struct_size = sizeof *out;
    return reflow_network_counters(network, rg_view(node, size), out, error);
}
static inline reflow_status rg_letters(reflow_network *network, size_t max, reflow_message *out,
                                       reflow_error **error) {
    return reflow_network_list_dead_letters(network, rg_view(NULL, 0), 0, max, out, error);
}
static inline reflow_status rg_put_node(reflow_network *network, bool replace, const char *id,
                                        size_t id_size, const char *component, size_t size,
                                        reflow_message config, reflow_error **error) {
    reflow_view node = rg_view(id, id_size), of = rg_view(component, size);
    return replace ? reflow_network_replace_node(network, node, of, config, error)
                   : reflow_network_add_node(network, node, of, config, error);
}
static inline reflow_status rg_connection(reflow_network *network, bool connect, const char *a,
                                          size_t a_size, const char *b, size_t b_size,
                                          const char *c, size_t c_size, const char *d,
                                          size_t d_size, reflow_error **error) {
    reflow_endpoint from = {rg_view(a, a_size), rg_view(b, b_size), REFLOW_NO_INDEX, 0};
    reflow_endpoint to = {rg_view(c, c_size), rg_view(d, d_size), REFLOW_NO_INDEX, 0};
    reflow_message none = {0, 0};
    return connect ? reflow_network_connect(network, &from, &to, none, error)
                   : reflow_network_disconnect(network, &from, &to, error);
}
static inline reflow_status rg_send_enveloped(reflow_network *network, reflow_inport inport,
                                              reflow_message message, const char *correlation,
                                              size_t size, int64_t deadline_ms,
                                              int64_t timeout_ms, reflow_error **error) {
    reflow_envelope envelope;
    memset(&envelope, 0, sizeof envelope);
    envelope.struct_size = sizeof envelope;
    envelope.correlation = rg_view(correlation, size);
    envelope.deadline_ms = deadline_ms;
    return reflow_network_send_enveloped(network, inport, message, &envelope, timeout_ms, error);
}
static inline reflow_status rg_fail(reflow_completion completion, const char *message,
                                    size_t size, const char *hint, size_t hint_size,
                                    const char *trace, size_t trace_size) {
    reflow_failure failure = {sizeof failure, REFLOW_ERROR_HOST, rg_view(message, size),
                              rg_view(hint, hint_size), rg_view(trace, trace_size)};
    return reflow_completion_fail_with(completion, &failure);
}
static inline reflow_status rg_context_fail(reflow_context *context, const char *message,
                                            size_t size) {
    return reflow_context_fail(context, REFLOW_ERROR_HOST, rg_view(message, size),
                               rg_view(NULL, 0));
}
static inline reflow_status rg_open_stream(reflow_runtime *runtime, const char *type, size_t size,
                                           reflow_stream_writer **writer, reflow_message *handle,
                                           reflow_error **error) {
    reflow_stream_options options;
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.content_type = rg_view(type, size);
    return reflow_stream_create(runtime, &options, writer, handle, error);
}
static inline reflow_status rg_fail_stream(reflow_stream_writer *writer, const char *why,
                                           size_t size) {
    return reflow_stream_fail(writer, rg_view(why, size));
}
static inline reflow_status rg_new_peer(reflow_runtime *runtime, const char *toml, size_t size,
                                        reflow_peer **out, reflow_error **error) {
    return reflow_peer_create_from_toml(runtime, rg_view(toml, size), rg_view(NULL, 0), 0, out, error);
}
static inline reflow_status rg_dial(reflow_peer *peer, const char *endpoint, size_t size,
                                    int64_t timeout_ms, reflow_message *network,
                                    reflow_error **error) {
    return reflow_peer_connect(peer, rg_view(endpoint, size), timeout_ms, network, error);
}
static inline reflow_status rg_peer_send(reflow_peer *peer, const char *network, size_t network_size,
                                         const char *actor, size_t actor_size, const char *port,
                                         size_t port_size, reflow_message message,
                                         int64_t timeout_ms, reflow_error **error) {
    reflow_peer_send_options options;
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.flags = REFLOW_PEER_SEND_CONFIRMED;
    options.timeout_ms = timeout_ms;
    return reflow_peer_send_with(peer, rg_view(network, network_size), rg_view(actor, actor_size),
                                 rg_view(port, port_size), message, &options, error);
}

/* cgo.Handle is a number; it travels as a pointer that nobody follows. Setup calls back into Go on the
 * thread that starts the network: once for each node, so its price does not matter. */
reflow_status rg_setup(reflow_context *context, void *handle);
void rg_release(void *handle);
static inline void *rg_handle(uintptr_t handle) { return (void *)handle; }

#endif
