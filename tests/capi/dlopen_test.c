/* The library is opened, used and closed again and again: nothing of it stays in the process.
 * This program names no function of the library, so that the linker leaves it out. */
#include "check.h"

#include <dlfcn.h>

#include "entries.h"

#ifdef __SANITIZE_ADDRESS__
/* LeakSanitizer crashes itself when it looks through what a closed library with OpenSSL under it has left
 * ("Tracer caught signal 11"); leaks are looked for by all other tests. */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void) { return 1; }
#endif

#define FUNCTIONS(F)          \
    F(reflow_version)         \
    F(reflow_runtime_create)  \
    F(reflow_runtime_destroy) \
    F(reflow_runtime_register) \
    F(reflow_graph_load)      \
    F(reflow_graph_destroy)   \
    F(reflow_network_create)  \
    F(reflow_network_destroy) \
    F(reflow_network_find_inport) \
    F(reflow_network_start)   \
    F(reflow_network_send)    \
    F(reflow_network_drain)   \
    F(reflow_network_subscribe) \
    F(reflow_subscription_destroy) \
    F(reflow_context_emit)    \
    F(reflow_message_take)    \
    F(reflow_message_integer) \
    F(reflow_error_destroy)

#define POINTER(name) __typeof__(name) *name;
typedef struct library {
    FUNCTIONS(POINTER)
} library;

static library at;
static int fired; /* by both nodes, which may run at the same time */

static reflow_status run(reflow_context *context, void *state, reflow_packet *inputs,
                         size_t count) {
    (void)state;
    __atomic_fetch_add(&fired, (int)count, __ATOMIC_RELAXED);
    for (size_t i = 0; i < count; ++i) {
        reflow_status status =
            at.reflow_context_emit(context, 0, at.reflow_message_take(&inputs[i].message));
        if (status != REFLOW_OK) return status;
    }
    return REFLOW_OK;
}

static void *open_library(void) {
    void *handle = dlopen(REFLOW_LIBRARY_PATH, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) check_failed(__FILE__, __LINE__, "dlopen", dlerror());
#define FIND(name)                                                        \
    do {                                                                  \
        void *symbol = dlsym(handle, #name);                              \
        if (symbol == NULL) check_failed(__FILE__, __LINE__, #name, "");  \
        memcpy(&at.name, &symbol, sizeof symbol);                         \
    } while (0);
    FUNCTIONS(FIND)
    return handle;
}

#define DONE(call) CHECK((call) == REFLOW_OK)

static void use_library(void) {
    reflow_runtime *runtime = NULL;
    reflow_graph *graph = NULL, *bad = NULL;
    reflow_network *network = NULL;
    reflow_subscription *subscription = NULL;
    reflow_error *error = NULL;
    reflow_runtime_options options = {0};
    options.struct_size = sizeof options;
    options.workers = 2;
    CHECK(at.reflow_version() == REFLOW_VERSION);
    DONE(at.reflow_runtime_create(&options, &runtime, NULL));
    reflow_port in, out;
    memset(&in, 0, sizeof in);
    in.name = text_of("a");
    out = in;
    out.name = text_of("o");
    reflow_component component = {0};
    component.struct_size = sizeof component;
    component.port_size = sizeof(reflow_port);
    component.id = text_of("Node");
    component.inports = &in;
    component.outports = &out;
    component.inport_count = component.outport_count = 1;
    component.run = run;
    DONE(at.reflow_runtime_register(runtime, &component, NULL));
    DONE(at.reflow_graph_load(
        text_of("{processes: {a: {component: Node}, b: {component: Node}}, connections: ["
                "{from: {nodeId: a, portId: o}, to: {nodeId: b, portId: a}}]}"),
        REFLOW_FORMAT_YAML, text_of(""), &graph, NULL));
    CHECK(at.reflow_graph_load(text_of("{"), REFLOW_FORMAT_JSON, text_of("x"), &bad, &error) ==
          REFLOW_ERROR_PARSE);
    at.reflow_error_destroy(error);
    DONE(at.reflow_network_create(runtime, graph, &network, NULL));
    DONE(at.reflow_network_subscribe(network, NULL, &subscription, NULL));
    reflow_inport inport;
    DONE(at.reflow_network_find_inport(network, text_of("a"), text_of("a"), &inport, NULL));
    DONE(at.reflow_network_start(network, NULL));
    for (int i = 0; i < 50; ++i) {
        DONE(at.reflow_network_send(network, inport, at.reflow_message_integer(i),
                                    REFLOW_FOREVER, NULL));
    }
    DONE(at.reflow_network_drain(network, REFLOW_FOREVER, NULL));
    at.reflow_runtime_destroy(runtime);
    at.reflow_graph_destroy(graph);
    at.reflow_network_destroy(network);
    at.reflow_subscription_destroy(subscription);
}

static bool is_mapped(void) {
    char line[4096];
    bool found = false;
    FILE *maps = fopen("/proc/self/maps", "r");
    CHECK(maps != NULL);
    while (fgets(line, sizeof line, maps) != NULL) {
        found = found || strstr(line, "libreflow") != NULL;
    }
    fclose(maps);
    return found;
}

int main(void) {
    check_time_limit(50);
    CHECK(!is_mapped());
    size_t threads = threads_now();
    size_t descriptors = entries_of("/proc/self/fd");
    for (int round = 1; round <= (check_slow() ? 5 : 100); ++round) {
        void *handle = open_library();
        CHECK(is_mapped());
        use_library();
        CHECK(__atomic_load_n(&fired, __ATOMIC_RELAXED) == 100 * round);
        CHECK(dlclose(handle) == 0);
        CHECK(!is_mapped());
        threads_end(threads);
        CHECK(entries_of("/proc/self/fd") == descriptors);
    }
    return 0;
}
