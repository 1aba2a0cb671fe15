/* Manners in a process: signals, folder, locale, environment, descriptors, threads are as before,
 * while a runtime lives and after it. */
#include "check.h"

#include <fcntl.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "entries.h"
#include "rig.h"

extern char **environ;

enum { SIGNALS = 65, DESCRIPTORS = 256 };

typedef struct snapshot {
    struct sigaction actions[SIGNALS];
    bool known[SIGNALS];
    sigset_t mask;
    char folder[4096];
    char locale[256];
    mode_t umask_bits;
    struct rlimit limits[4];
    int flags[DESCRIPTORS];
    size_t threads;
    uint64_t environment;
} snapshot;

static uint64_t hash_environment(void) {
    uint64_t hash = 14695981039346656037u;
    for (char **at = environ; *at != NULL; ++at) {
        for (const char *letter = *at; *letter != 0; ++letter) {
            hash = (hash ^ (unsigned char)*letter) * 1099511628211u;
        }
        hash = (hash ^ (uint64_t)(uintptr_t)*at) * 1099511628211u;
    }
    return hash;
}

static void take(snapshot *of) {
    memset(of, 0, sizeof *of);
    for (int i = 1; i < SIGNALS; ++i) of->known[i] = sigaction(i, NULL, &of->actions[i]) == 0;
    CHECK(pthread_sigmask(SIG_SETMASK, NULL, &of->mask) == 0);
    CHECK(getcwd(of->folder, sizeof of->folder) != NULL);
    snprintf(of->locale, sizeof of->locale, "%s", setlocale(LC_ALL, NULL));
    of->umask_bits = umask(0);
    umask(of->umask_bits);
    static const int kinds[4] = {RLIMIT_CORE, RLIMIT_NOFILE, RLIMIT_STACK, RLIMIT_FSIZE};
    for (int i = 0; i < 4; ++i) CHECK(getrlimit(kinds[i], &of->limits[i]) == 0);
    of->threads = threads_now();
    for (int i = 0; i < DESCRIPTORS; ++i) of->flags[i] = fcntl(i, F_GETFD);
    of->environment = hash_environment();
}

/* Threads and descriptors may differ while something lives. */
static void compare(const snapshot *before, bool ended) {
    snapshot now;
    take(&now);
    for (int i = 1; i < SIGNALS; ++i) {
        CHECK(now.known[i] == before->known[i]);
        if (!now.known[i]) continue;
        CHECK(now.actions[i].sa_handler == before->actions[i].sa_handler);
        CHECK(now.actions[i].sa_flags == before->actions[i].sa_flags);
        CHECK(sigismember(&now.mask, i) == sigismember(&before->mask, i));
    }
    CHECK(strcmp(now.folder, before->folder) == 0);
    CHECK(strcmp(now.locale, before->locale) == 0);
    CHECK(now.umask_bits == before->umask_bits);
    CHECK(memcmp(now.limits, before->limits, sizeof now.limits) == 0);
    CHECK(now.environment == before->environment);
    for (int i = 0; i < DESCRIPTORS; ++i) {
        bool new_one = before->flags[i] < 0 && now.flags[i] >= 0;
        if (ended) CHECK(now.flags[i] == before->flags[i]);
        if (new_one) CHECK((now.flags[i] & FD_CLOEXEC) != 0);
    }
    if (ended) threads_end(before->threads);
}

/* The threads of the library take no signals of the host: those go to the host's threads. */
static reflow_status look_inside(reflow_context *context, void *state, reflow_packet *inputs,
                                 size_t count) {
    sigset_t mask;
    const rig_mode *mode = state;
    CHECK(pthread_sigmask(SIG_SETMASK, NULL, &mask) == 0);
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGCHLD, SIGALRM, SIGUSR1};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; ++i) {
        /* Lent threads are the host's own, and so are their masks. */
        CHECK(mode->mode != REFLOW_MODE_OWN || sigismember(&mask, signals[i]) == 1);
    }
    return rig_pass(context, NULL, inputs, count);
}

static void live(const rig_mode *mode, const snapshot *before) {
    reflow_runtime *runtime = rig_runtime(mode);
    rig_component component = {0};
    component.id = "Look";
    component.inports = "a";
    component.outports = "o";
    component.run = look_inside;
    component.user_data = (void *)(uintptr_t)mode;
    rig_register(runtime, &component);
    char path[] = "/tmp/reflow-process-XXXXXX", config[128];
    int file = mkstemp(path);
    CHECK(file >= 0 && write(file, "x\n1\n2\n", 6) == 6 && close(file) == 0);
    reflow_graph *graph = rig_graph();
    snprintf(config, sizeof config, "{\"path\":\"%s\"}", path);
    WORKS(reflow_graph_add_node(graph, text_of("read"), text_of("CsvRead"), json(config), &e));
    rig_node(graph, "look", "Look");
    rig_node(graph, "error", "Look");
    rig_connect(graph, "read.out", "look.a", NULL);
    reflow_network *network = rig_network(runtime, graph);
    reflow_output *output = rig_output(network, "look.o", 0);
    WORKS(reflow_network_start(network, &e));
    compare(before, false);
    WORKS(reflow_network_drain(network, REFLOW_FOREVER, &e));
    compare(before, false);
    reflow_message messages[4];
    size_t count = 0;
    WORKS(reflow_output_recv_many(output, messages, 4, 0, &count, &e));
    CHECK(count == 2 && reflow_message_kind(messages[0]) == REFLOW_KIND_OBJECT);
    for (size_t i = 0; i < count; ++i) reflow_message_unref(messages[i]);
    reflow_graph_destroy(graph);
    reflow_output_destroy(output);
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
    CHECK(unlink(path) == 0);
    compare(before, true);
}

static void on_signal(int number) { (void)number; }

int main(void) {
    check_time_limit(30);
    /* Not the usual, so that a change to the usual is seen. */
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    CHECK(sigaction(SIGPIPE, &action, NULL) == 0 && sigaction(SIGCHLD, &action, NULL) == 0);
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR2);
    CHECK(pthread_sigmask(SIG_BLOCK, &mask, NULL) == 0);
    umask(027);
    (void)setlocale(LC_ALL, "C.UTF-8");
    CHECK(chdir("/tmp") == 0);
    static snapshot before;
    take(&before);
    for (size_t i = 0; i < RIG_MODES; ++i) live(&rig_modes[i], &before);
    return 0;
}
