/* A remote actor: a component whose packets go to an actor of another network through the peer. */
#include "instance.h"

typedef struct remote {
    reflow_peer *peer;
    char actor[MAX_NAME], network[MAX_NAME], ports[REMOTE_PORTS][MAX_NAME];
    reflow_port inports[REMOTE_PORTS];
} remote;

static reflow_status remote_run(reflow_context *context, void *state, reflow_packet *inputs,
                                size_t count) {
    remote *to = state;
    for (size_t i = 0; i < count; ++i) {
        reflow_error *error = NULL;
        reflow_status status = reflow_peer_send(
            to->peer, reflow_str(to->network), reflow_str(to->actor),
            reflow_str(to->ports[inputs[i].port]), inputs[i].message, reflow_context_node(context), 0,
            &error);
        if (status == REFLOW_ERROR_TIMEOUT) { /* no room there: rest, and send it again */
            reflow_error_destroy(error);
            (void)reflow_context_wake_after(context, 1000000);
            return reflow_context_again(context);
        }
        if (status != REFLOW_OK) {
            status = reflow_context_fail(context, status, reflow_error_text(error), reflow_str(""));
            reflow_error_destroy(error);
            return status;
        }
        (void)reflow_message_take(&inputs[i].message); /* the peer has it */
        (void)reflow_context_advance(context, i + 1);
    }
    return REFLOW_OK;
}

reflow_status register_remote(reflow_runtime *runtime, reflow_peer *peer, const char *id,
                              const char *actor, const char *network,
                              char ports[REMOTE_PORTS][MAX_NAME], uint32_t count,
                              reflow_error **error) {
    remote *to = calloc(1, sizeof *to);
    if (to == NULL) return REFLOW_ERROR_OUT_OF_MEMORY;
    to->peer = peer;
    strcpy(to->actor, actor);
    strcpy(to->network, network);
    for (uint32_t i = 0; i < count; ++i) {
        strcpy(to->ports[i], ports[i]);
        to->inports[i].name = reflow_str(to->ports[i]);
    }
    reflow_component component = {.struct_size = sizeof component,
                                  .port_size = sizeof(reflow_port),
                                  .id = reflow_str(id),
                                  .inports = to->inports,
                                  .inport_count = count,
                                  .run = remote_run,
                                  .max_batch = 64,
                                  .user_data = to,
                                  .destroy = free};
    return reflow_runtime_register(runtime, &component, error);
}
