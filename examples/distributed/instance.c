/* The life of an instance: read files, run the graph, start the peer, dial, and serve until SIGINT or SIGTERM
 * comes, or the end of standard input if --until-eof says so. Thread: main; requests come on another. */
#include "instance.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

enum { MOST_SETTINGS = 32, TICK_MS = 500, DIAL_MS = 20000, STOP_MS = 3000 };

typedef struct options {
    const char *config, *graph, *page;
    const char *settings[MOST_SETTINGS];
    size_t setting_count;
    bool until_eof;
} options;

typedef struct life {
    const instance *what;
    options given;
    char *toml, *page;
    site *site;
    reflow_runtime *runtime;
    reflow_network *network;
    reflow_peer *peer;
    reflow_inport trigger, metrics;
    bool can_trigger;
} life;

/* ---- options and files --------------------------------------------------------------------- */

static int usage(const char *program, const char *problem) {
    fprintf(stderr,
            "%s: %s\n"
            "usage: %s --config FILE.toml --graph FILE.json [--page FILE.html] [--set NODE.KEY=VALUE]... "
            "[--until-eof]\n",
            program, problem, program);
    return 2;
}

static const char *read_options(int argc, char **argv, options *to) {
    for (int i = 1; i < argc; ++i) {
        const char *name = argv[i];
        if (strcmp(name, "--until-eof") == 0) {
            to->until_eof = true;
            continue;
        }
        if (i + 1 == argc) return "a value is missing, or an option is not known";
        const char *value = argv[++i];
        if (strcmp(name, "--config") == 0) {
            to->config = value;
        } else if (strcmp(name, "--graph") == 0) {
            to->graph = value;
        } else if (strcmp(name, "--page") == 0) {
            to->page = value;
        } else if (strcmp(name, "--set") == 0) {
            if (to->setting_count == MOST_SETTINGS) return "too many --set";
            to->settings[to->setting_count++] = value;
        } else {
            return "an option is not known";
        }
    }
    return to->config == NULL || to->graph == NULL ? "--config and --graph have to be given" : NULL;
}

/* A whole file of at most 1 MiB, ended by NUL; NULL, and says why. */
static char *read_file(const char *path, size_t *size) {
    enum { MOST = 1 << 20 };
    FILE *file = fopen(path, "rb");
    char *text = file == NULL ? NULL : malloc(MOST + 1);
    if (text == NULL) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        if (file != NULL) fclose(file);
        return NULL;
    }
    *size = fread(text, 1, MOST + 1, file);
    bool failed = ferror(file) != 0 || *size > MOST;
    fclose(file);
    if (failed) {
        fprintf(stderr, "%s: cannot be read, or has more than %d bytes\n", path, MOST);
        free(text);
        return NULL;
    }
    text[*size] = 0;
    return text;
}

/* "node.key=value": the value is JSON, or a text if it is none. */
static reflow_status set(reflow_graph *graph, const char *setting, reflow_error **error) {
    const char *dot = strchr(setting, '.');
    const char *equals = strchr(setting, '=');
    if (dot == NULL || equals == NULL || equals < dot) {
        fprintf(stderr, "--set %s: not NODE.KEY=VALUE\n", setting);
        return REFLOW_ERROR_INVALID_ARGUMENT;
    }
    reflow_message value = {0, 0};
    reflow_status status = reflow_message_from_json(reflow_str(equals + 1), NULL, &value, NULL);
    if (status != REFLOW_OK) status = reflow_message_string(reflow_str(equals + 1), &value, error);
    if (status != REFLOW_OK) return status;
    reflow_view node = {setting, (size_t)(dot - setting)};
    reflow_view key = {dot + 1, (size_t)(equals - dot - 1)};
    return reflow_graph_set_config_value(graph, node, key, value, error);
}

/* ---- hooks --------------------------------------------------------------------------------- */

static reflow_status print(void *user_data, reflow_view node, reflow_view text) {
    (void)user_data;
    (void)node;
    return fwrite(text.data, 1, text.size, stdout) == text.size ? REFLOW_OK : REFLOW_ERROR_IO;
}

static void tell(void *user_data, reflow_log_level level, reflow_view subsystem, reflow_view node,
                 reflow_view text) {
    static const char *const names[] = {"ERROR", "WARN", "INFO", "DEBUG", "TRACE"};
    const life *all = user_data;
    char time[32];
    (void)subsystem;
    time_text(time, true);
    fprintf(stderr, "[%s] [%s] [%s]: %.*s%s%.*s\n", time, all->what->name,
            names[level < 1 || level > 5 ? 4 : level - 1], (int)node.size, node.data,
            node.size == 0 ? "" : ": ", (int)text.size, text.data);
}

/* What no actor can go on after ends the graph, and with it the program. */
static reflow_decision fail(void *user_data, const reflow_escalation *escalation) {
    const life *all = user_data;
    fprintf(stderr, "%s: %.*s: %s\n", all->what->title, (int)escalation->node.size,
            escalation->node.data,
            escalation->error == NULL ? "it has failed"
                                      : reflow_error_text(escalation->error).data);
    return REFLOW_DECISION_STOP;
}

static bool is(reflow_view text, const char *other) {
    return text.size == strlen(other) && memcmp(text.data, other, text.size) == 0;
}

static void serve_trigger(life *all, const reflow_http_request *request, reflow_http_reply *reply) {
    if (!is(request->method, "POST")) {
        answer_error(reply, 405, "collecting is begun by POST");
        return;
    }
    reflow_status status = reflow_network_try_send(all->network, all->trigger,
                                                   reflow_message_boolean(true), NULL);
    if (status != REFLOW_OK) {
        answer_error(reply, 503, reflow_status_name(status).data);
        return;
    }
    maker begun = make();
    put_flag(&begun, "triggered", true);
    answer_object(reply, 202, &begun);
}

static void serve(void *user_data, const reflow_http_request *request, reflow_http_reply *reply) {
    life *all = user_data;
    if (all->can_trigger && is(request->path, "/trigger")) {
        serve_trigger(all, request, reply);
    } else if (all->site != NULL) {
        site_serve(all->site, request, reply);
    } else {
        answer_error(reply, 404,
                     all->can_trigger ? "there are /trigger, /health, /status and /metrics here"
                                      : "there are /health, /status and /metrics here");
    }
}

/* ---- signals: a byte in a pipe ------------------------------------------------------------- */

static int signals[2];

static void signalled(int number) {
    int kept = errno;
    char byte = (char)number;
    if (write(signals[1], &byte, 1) < 0) (void)number; /* full: it is known already */
    errno = kept;
}

static bool catch_signals(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = signalled;
    action.sa_flags = SA_RESTART;
    if (pipe(signals) != 0 || sigaction(SIGINT, &action, NULL) != 0 ||
        sigaction(SIGTERM, &action, NULL) != 0) {
        return false;
    }
    action.sa_handler = SIG_IGN;
    return sigaction(SIGPIPE, &action, NULL) == 0;
}

/* ---- life ---------------------------------------------------------------------------------- */

static reflow_status make_network(life *all, reflow_error **error) {
    reflow_graph *graph = NULL;
    reflow_status status = reflow_graph_load_file(reflow_str(all->given.graph), &graph, error);
    for (size_t i = 0; status == REFLOW_OK && i < all->given.setting_count; ++i) {
        status = set(graph, all->given.settings[i], error);
    }
    if (status == REFLOW_OK && all->what->network != NULL) {
        status = keep_part(graph, all->what->network, error);
    }
    if (status == REFLOW_OK) {
        status = reflow_network_create(all->runtime, graph, &all->network, error);
    }
    reflow_graph_destroy(graph);
    return status;
}

static reflow_status find(life *all, reflow_error **error) {
    char metrics[MAX_NAME];
    reflow_status status = REFLOW_OK;
    snprintf(metrics, sizeof metrics, "%s_metrics", all->what->name);
    status = reflow_network_find_inport(all->network, reflow_str(metrics), reflow_str("Input"),
                                        &all->metrics, error);
    if (status == REFLOW_OK && all->what->data) {
        status = reflow_network_find_inport(all->network, reflow_str("data_collector"),
                                            reflow_str("Trigger"), &all->trigger, error);
        all->can_trigger = status == REFLOW_OK;
    }
    if (status == REFLOW_OK && all->what->api) {
        status = site_open(all->site, all->network, all->peer, error);
    }
    return status;
}

/* Says where it listens, and dials what its configuration says. */
static reflow_status dial_all(life *all, reflow_error **error) {
    char address[MAX_NAME];
    reflow_message described = {0, 0}, endpoints = {0, 0}, endpoint = {0, 0};
    reflow_view text;
    reflow_status status = reflow_peer_status(all->peer, &described, error);
    if (status != REFLOW_OK) return status;
    (void)get_text(described, "bind_address", address);
    printf("%s ready on %s:%u\n", all->what->title, address, (unsigned)reflow_peer_port(all->peer));
    fflush(stdout);
    (void)get(described, "connect", &endpoints);
    for (size_t i = 0; status == REFLOW_OK && i < reflow_message_count(endpoints); ++i) {
        (void)reflow_message_get_at(endpoints, i, &endpoint);
        (void)reflow_message_get_text(endpoint, &text);
        printf("Connecting to %.*s...\n", (int)text.size, text.data);
        status = reflow_peer_connect(all->peer, text, DIAL_MS, NULL, error);
    }
    reflow_message_unref(described);
    return status;
}

static reflow_status begin(life *all, reflow_error **error) {
    size_t size = 0, page_size = 0;
    reflow_runtime_options hooks = {
        .struct_size = sizeof hooks, .print = print, .log = tell, .user_data = all};
    printf("Starting %s\n", all->what->title);
    all->toml = read_file(all->given.config, &size);
    if (all->toml == NULL) return REFLOW_ERROR_IO;
    if (all->what->api) {
        all->page = read_file(all->given.page == NULL ? "examples/distributed/page.html" : all->given.page,
                              &page_size);
        if (all->page == NULL) return REFLOW_ERROR_IO;
        all->site = site_create((reflow_view){all->page, page_size});
        if (all->site == NULL) return REFLOW_ERROR_OUT_OF_MEMORY;
    }
    reflow_status status = reflow_runtime_create(&hooks, &all->runtime, error);
    if (status == REFLOW_OK) status = register_shared(all->runtime, error);
    if (status == REFLOW_OK && all->what->data) status = register_data(all->runtime, error);
    if (status == REFLOW_OK && all->what->ml) status = register_ml(all->runtime, error);
    if (status == REFLOW_OK && all->what->api) status = register_api(all->runtime, all->site, error);
    if (status == REFLOW_OK) {
        status = reflow_peer_create_from_toml(all->runtime, (reflow_view){all->toml, size},
                                              reflow_str(all->given.config), 0, &all->peer, error);
    }
    if (status == REFLOW_OK) status = make_network(all, error);
    if (status == REFLOW_OK) status = reflow_peer_attach(all->peer, all->network, error);
    if (status == REFLOW_OK) status = find(all, error);
    if (status == REFLOW_OK) {
        status = reflow_peer_on_http(all->peer, serve, all, NULL, NULL, error);
    }
    if (status == REFLOW_OK) {
        status = reflow_network_on_failure(all->network, fail, all, NULL, error);
    }
    if (status == REFLOW_OK) status = reflow_network_start(all->network, error);
    if (status == REFLOW_OK) status = reflow_peer_start(all->peer, error);
    if (status != REFLOW_OK) return status;
    return dial_all(all, error);
}

/* Until it is told to end: true, or its graph has stopped. Each tick tells the links as a metric. */
static bool live(life *all) {
    struct pollfd watched[2] = {{signals[0], POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
    for (;;) {
        int ready = poll(watched, all->given.until_eof ? 2 : 1, TICK_MS);
        char byte[64];
        if (ready < 0 && errno != EINTR) return false;
        if (ready > 0 && watched[0].revents != 0) return true;
        if (ready > 0 && watched[1].revents != 0 && read(STDIN_FILENO, byte, sizeof byte) <= 0) {
            return true;
        }
        if (reflow_network_get_state(all->network) != REFLOW_NETWORK_RUNNING) {
            fprintf(stderr, "%s: the graph has failed\n", all->what->title);
            return false;
        }
        fflush(stdout);
        /* Who shows them may not be there yet. */
        bool far = all->what->network != NULL && !all->what->api;
        if (far && !reflow_peer_connected(all->peer, reflow_str("api_instance"))) continue;
        reflow_message metric;
        if (links_metric(all->peer, all->what->name, &metric) != REFLOW_OK) continue;
        if (reflow_network_try_send(all->network, all->metrics, metric, NULL) != REFLOW_OK) {
            reflow_message_unref(metric);
        }
    }
}

static void end(life *all) {
    if (all->peer != NULL) (void)reflow_peer_stop(all->peer, STOP_MS, NULL);
    if (all->network != NULL) (void)reflow_network_stop(all->network, STOP_MS, NULL);
    reflow_peer_destroy(all->peer);
    reflow_network_destroy(all->network);
    reflow_runtime_destroy(all->runtime);
    site_destroy(all->site);
    free(all->page);
    free(all->toml);
}

int run_instance(int argc, char **argv, const instance *what) {
    life all = {.what = what};
    reflow_error *error = NULL;
    const char *problem = read_options(argc, argv, &all.given);
    if (problem != NULL) return usage(argv[0], problem);
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ); /* whole lines, between those of stderr */
    if (!catch_signals()) return usage(argv[0], strerror(errno));
    reflow_status status = begin(&all, &error);
    if (status == REFLOW_OK) {
        if (!live(&all)) status = REFLOW_ERROR_FAILED;
        printf("%s shutting down\n", what->title);
    } else {
        fprintf(stderr, "%s: %s\n", argv[0],
                error == NULL ? reflow_status_name(status).data : reflow_error_text(error).data);
        reflow_error_destroy(error);
    }
    end(&all);
    fflush(stdout);
    return status == REFLOW_OK ? 0 : 1;
}
