/* One graph for all: its nodes say in which network they run, and each program keeps its part. What crosses
 * from one part to another goes through a remote actor at the sender. Thread: one at a time. */
#include "instance.h"

enum { PLACED = 256 };

/* Nodes and where they belong. */
typedef struct places {
    struct {
        char id[MAX_NAME], network[MAX_NAME];
        bool reached; /* a node of this network sends to it */
    } all[PLACED];
    size_t count;
} places;

static reflow_status no_graph(reflow_error **error) {
    (void)error;
    fprintf(stderr, "the graph is not one of at most %d nodes that say their \"network\"\n", PLACED);
    return REFLOW_ERROR_CONFIG;
}

static bool read_places(reflow_message document, places *to) {
    reflow_message processes = {0, 0}, node = {0, 0}, metadata = {0, 0};
    reflow_view id;
    if (!get(document, "processes", &processes)) return false;
    to->count = reflow_message_count(processes);
    if (to->count > PLACED) return false;
    for (size_t i = 0; i < to->count; ++i) {
        if (reflow_message_get_key(processes, i, &id) != REFLOW_OK || id.size >= MAX_NAME ||
            reflow_message_get_at(processes, i, &node) != REFLOW_OK ||
            !get(node, "metadata", &metadata) ||
            !get_text(metadata, "network", to->all[i].network)) {
            return false;
        }
        memcpy(to->all[i].id, id.data, id.size);
        to->all[i].id[id.size] = 0;
        to->all[i].reached = false;
    }
    return true;
}

static size_t place_of(const places *all, const char *id) {
    size_t i = 0;
    while (i < all->count && strcmp(all->all[i].id, id) != 0) ++i;
    return i;
}

/* Takes a connection away unless it begins in this network, and notes where it leads. */
static reflow_status keep_connection(reflow_graph *graph, places *all, reflow_message connection,
                                     const char *network, reflow_error **error) {
    char ids[2][MAX_NAME], ports[2][MAX_NAME];
    static const char *const sides[] = {"from", "to"};
    size_t at[2];
    reflow_endpoint ends[2] = {0};
    for (size_t i = 0; i < 2; ++i) {
        reflow_message end = {0, 0};
        if (!get(connection, sides[i], &end) || !get_text(end, "nodeId", ids[i]) ||
            !get_text(end, "portId", ports[i])) {
            return no_graph(error);
        }
        at[i] = place_of(all, ids[i]);
        if (at[i] == all->count) return no_graph(error);
        ends[i].node = reflow_str(ids[i]);
        ends[i].port = reflow_str(ports[i]);
        ends[i].index = REFLOW_NO_INDEX;
    }
    if (strcmp(all->all[at[0]].network, network) != 0) {
        return reflow_graph_disconnect(graph, &ends[0], &ends[1], error);
    }
    all->all[at[1]].reached = true;
    return REFLOW_OK;
}

reflow_status keep_part(reflow_graph *graph, const char *network, reflow_error **error) {
    reflow_message document = {0, 0}, connections = {0, 0}, connection = {0, 0};
    places *all = calloc(1, sizeof *all);
    if (all == NULL) return REFLOW_ERROR_OUT_OF_MEMORY;
    reflow_status status = reflow_graph_to_message(graph, &document, error);
    if (status == REFLOW_OK && !read_places(document, all)) status = no_graph(error);
    if (status == REFLOW_OK) (void)get(document, "connections", &connections);
    for (size_t i = 0; status == REFLOW_OK && i < reflow_message_count(connections); ++i) {
        (void)reflow_message_get_at(connections, i, &connection);
        status = keep_connection(graph, all, connection, network, error);
    }
    for (size_t i = 0; status == REFLOW_OK && i < all->count; ++i) {
        char name[2 * MAX_NAME + 1];
        reflow_view id = reflow_str(all->all[i].id);
        if (strcmp(all->all[i].network, network) == 0) continue;
        snprintf(name, sizeof name, "%s@%s", all->all[i].id, all->all[i].network);
        if (!all->all[i].reached) {
            status = reflow_graph_remove_node(graph, id, error);
            continue;
        }
        /* What is configured is the matter of where it runs. */
        status = reflow_graph_set_component(graph, id, reflow_str(name), error);
        if (status == REFLOW_OK) {
            status = reflow_graph_set_config(graph, id, reflow_message_null(), error);
        }
    }
    reflow_message_unref(document);
    free(all);
    return status;
}
