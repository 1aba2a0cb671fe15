/* The end of a process in the middle of everything: exit and _exit without destroy, exit in a
 * callback, destroy by atexit, in each mode. Each is a child of its own, made by fork and exec so that it
 * begins as any program does: no crash, no hang, nothing said, the exit code it chose. */
#include "check.h"

#include <sys/wait.h>

#include "rig.h"

enum { CODE = 17 };

enum kind {
    EXIT_RUNNING,
    QUICK_EXIT_RUNNING,
    RETURN_FROM_MAIN,
    EXIT_STOPPED,
    EXIT_IN_CALLBACK,
    QUICK_EXIT_IN_CALLBACK,
    EXIT_IN_SETUP,
    DESTROY_AT_EXIT,
    DESTROY_AT_EXIT_IN_CALLBACK,
    KINDS
};

static reflow_runtime *the_runtime;
static reflow_network *the_network;
static enum kind the_kind;
static int fired;
static bool all_sent; /* nobody else uses what the end destroys */

static reflow_status run(reflow_context *context, void *state, reflow_packet *inputs,
                         size_t count) {
    if (__atomic_add_fetch(&fired, 1, __ATOMIC_RELAXED) >= 50 &&
        __atomic_exchange_n(&all_sent, false, __ATOMIC_ACQ_REL)) {
        if (the_kind == EXIT_IN_CALLBACK || the_kind == DESTROY_AT_EXIT_IN_CALLBACK) exit(CODE);
        if (the_kind == QUICK_EXIT_IN_CALLBACK) _exit(CODE);
    }
    return rig_pass(context, state, inputs, count);
}

static reflow_status setup(reflow_context *context, void *state) {
    (void)context;
    (void)state;
    if (the_kind == EXIT_IN_SETUP) exit(CODE);
    return REFLOW_OK;
}

static void destroy_all(void) {
    reflow_network_destroy(the_network);
    reflow_runtime_destroy(the_runtime);
}

static void *waits(void *argument) {
    (void)reflow_network_wait_idle(the_network, REFLOW_FOREVER, NULL);
    return argument;
}

/* Two rings, so that several workers have something to do. */
static void build(const rig_mode *mode) {
    the_runtime = rig_runtime(mode);
    rig_component component = {0};
    component.id = "Run";
    component.inports = "a";
    component.outports = "o";
    component.setup = setup;
    component.run = run;
    rig_register(the_runtime, &component);
    reflow_graph *graph = rig_graph();
    for (const char *name = "abcd"; *name != 0; ++name) {
        char id[2] = {*name, 0};
        rig_node(graph, id, "Run");
    }
    rig_connect(graph, "a.o", "b.a", NULL);
    rig_connect(graph, "b.o", "a.a", NULL);
    rig_connect(graph, "c.o", "d.a", NULL);
    rig_connect(graph, "d.o", "c.a", NULL);
    the_network = rig_network(the_runtime, graph);
    reflow_graph_destroy(graph);
}

static int child(const rig_mode *mode, enum kind kind) {
    check_time_limit(20);
    the_kind = kind;
    bool destroys = kind == DESTROY_AT_EXIT || kind == DESTROY_AT_EXIT_IN_CALLBACK;
    if (destroys) CHECK(atexit(destroy_all) == 0);
    build(mode);
    WORKS(reflow_network_start(the_network, &e));
    for (int i = 0; i < 4; ++i) {
        rig_send(the_network, rig_inport(the_network, "a.a"), i);
        rig_send(the_network, rig_inport(the_network, "c.a"), i);
    }
    /* A thread of the host that is inside the library when the process ends. */
    pthread_t thread;
    if (rig_threaded(mode) && !destroys) {
        CHECK(pthread_create(&thread, NULL, waits, NULL) == 0);
        CHECK(pthread_detach(thread) == 0);
    }
    bool never_ends = kind == EXIT_IN_CALLBACK || kind == QUICK_EXIT_IN_CALLBACK ||
                      kind == DESTROY_AT_EXIT_IN_CALLBACK;
    /* The exit is under way on another thread when the wait ends, or ends it by destroying all. */
    __atomic_store_n(&all_sent, true, __ATOMIC_RELEASE);
    if (never_ends && !(destroys && rig_threaded(mode))) {
        (void)reflow_network_wait_idle(the_network, REFLOW_FOREVER, NULL);
    }
    while (never_ends) pause();
    if (mode->mode == REFLOW_MODE_LENT && mode->lent == 0) {
        (void)reflow_network_wait_idle(the_network, 5, NULL);
    } else if (!rig_threaded(mode)) {
        WORKS(reflow_runtime_run(the_runtime, 100, NULL, &e));
    }
    while (__atomic_load_n(&fired, __ATOMIC_RELAXED) < 50 && rig_threaded(mode)) sched_yield();
    if (kind == EXIT_STOPPED) WORKS(reflow_network_stop(the_network, REFLOW_FOREVER, &e));
    if (kind == QUICK_EXIT_RUNNING) _exit(CODE);
    if (kind != RETURN_FROM_MAIN) exit(CODE);
    return CODE;
}

static void run_child(const char *program, size_t mode, int kind) {
    int ends[2];
    char said[512], mode_text[16], kind_text[16];
    snprintf(mode_text, sizeof mode_text, "%d", (int)mode);
    snprintf(kind_text, sizeof kind_text, "%d", kind);
    CHECK(pipe(ends) == 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        CHECK(dup2(ends[1], 1) == 1 && dup2(ends[1], 2) == 2);
        close(ends[0]);
        close(ends[1]);
        execl(program, program, mode_text, kind_text, (char *)NULL);
        _exit(1);
    }
    close(ends[1]);
    size_t size = 0;
    ssize_t got = 0;
    while ((got = read(ends[0], said + size, sizeof said - 1 - size)) > 0) size += (size_t)got;
    said[size] = 0;
    close(ends[0]);
    int status = -1;
    CHECK(waitpid(pid, &status, 0) == pid);
    bool fine = WIFEXITED(status) && WEXITSTATUS(status) == CODE && size == 0;
    if (!fine) {
        fprintf(stderr, "mode %s, kind %d: status %d, said: %s\n", rig_modes[mode].name, kind, status,
                said);
    }
    CHECK(fine);
}

int main(int count, char **arguments) {
    if (count == 3) return child(&rig_modes[atoi(arguments[1])], (enum kind)atoi(arguments[2]));
    check_time_limit(55);
    for (size_t mode = 0; mode < RIG_MODES; ++mode) {
        for (int kind = 0; kind < KINDS; ++kind) run_child(arguments[0], mode, kind);
    }
    return 0;
}
