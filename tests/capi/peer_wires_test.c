/* Section 21 of reflow.h: what goes over the wires of peers and how (batches, compression, the form of frames,
 * several instances), many links, and meshes. */
#include "check.h"

#include <sched.h>
#include <stddef.h>
#include <sys/resource.h>
#include <time.h>

#include "ports.h"
#include "rig.h"

typedef rig_side side;

static reflow_peer_options named(const char *network) {
    reflow_peer_options options = rig_peer_options(network);
    options.heartbeat_interval_ms = 1000;
    return options;
}

static void open_network(side *s) {
    s->runtime = rig_runtime(&rig_own);
    rig_register_pass(s->runtime);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "recorder", "Pass");
    s->network = rig_network(s->runtime, graph);
    reflow_graph_destroy(graph);
    s->output = rig_output(s->network, "recorder.o", 20000);
    WORKS(reflow_network_start(s->network, &e));
    s->peer = NULL;
}

static side open_side(const reflow_peer_options *options) {
    side s;
    open_network(&s);
    rig_start_peer(&s, options);
    return s;
}

static void dial(reflow_peer *from, const char *scheme, uint32_t port) {
    char text[64];
    snprintf(text, sizeof text, "%s127.0.0.1:%u", scheme, port);
    WORKS(reflow_peer_connect(from, text_of(text), 60000, NULL, &e));
}

static void put(reflow_peer *from, const char *network, reflow_message message) {
    WORKS(reflow_peer_send(from, text_of(network), text_of("recorder"), text_of("a"), message,
                           text_of(""), 60000, &e));
}

static int64_t number_of_link(const reflow_peer *peer, size_t index, const char *key) {
    reflow_message status, links, link, value;
    WORKS(reflow_peer_status(peer, &status, &e));
    CHECK_STATUS(REFLOW_OK, reflow_message_get(status, text_of("links"), &links));
    CHECK_STATUS(REFLOW_OK, reflow_message_get_at(links, index, &link));
    CHECK_STATUS(REFLOW_OK, reflow_message_get(link, text_of(key), &value));
    int64_t number = rig_integer(value);
    reflow_message_unref(status);
    return number;
}

static bool scheme_is(const reflow_peer *peer, const char *expected) {
    reflow_message status, links, link, value;
    reflow_view text = {NULL, 0};
    WORKS(reflow_peer_status(peer, &status, &e));
    CHECK_STATUS(REFLOW_OK, reflow_message_get(status, text_of("links"), &links));
    CHECK_STATUS(REFLOW_OK, reflow_message_get_at(links, 0, &link));
    CHECK_STATUS(REFLOW_OK, reflow_message_get(link, text_of("scheme"), &value));
    CHECK_STATUS(REFLOW_OK, reflow_message_get_text(value, &text));
    bool same = same_text(text, expected);
    reflow_message_unref(status);
    return same;
}

#define EVENTUALLY(condition) RIG_EVENTUALLY(120, condition)

/* An endpoint without a scheme leads to the form of tcp if both sides can. */
static void test_forms(void) {
    static const struct {
        const char *scheme, *expected;
        uint32_t dialler, acceptor;
    } cases[] = {{"", "tcp", 0, 0},
                 {"", "ws", REFLOW_PEER_NO_TCP, 0},
                 {"", "ws", 0, REFLOW_PEER_NO_TCP},
                 {"ws://", "ws", 0, 0},
                 {"tcp://", "tcp", 0, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
        reflow_peer_options a = named("alpha"), b = named("beta");
        a.flags = cases[i].acceptor;
        b.flags = cases[i].dialler;
        side alpha = open_side(&a), beta = open_side(&b);
        dial(beta.peer, cases[i].scheme, reflow_peer_port(alpha.peer));
        CHECK(scheme_is(beta.peer, cases[i].expected));
        put(beta.peer, "alpha", reflow_message_integer((int64_t)i));
        CHECK(rig_recv(alpha.output) == (int64_t)i);
        CHECK(scheme_is(alpha.peer, cases[i].expected));
        put(alpha.peer, "beta", reflow_message_integer(7));
        CHECK(rig_recv(beta.output) == 7);
        rig_end_side(&beta);
        rig_end_side(&alpha);
    }
}

/* What can be made smaller needs few bytes, and arrives as it was; packets that wait go after their time. */
static void test_packing(int32_t level, int64_t most, int64_t least) {
    static char bytes[200000];
    memset(bytes, 'x', sizeof bytes);
    reflow_peer_options a = named("alpha"), b = named("beta");
    b.compression_level = level;
    b.batch_linger_us = 2000;
    side alpha = open_side(&a), beta = open_side(&b);
    dial(beta.peer, "", reflow_peer_port(alpha.peer));
    for (int i = 0; i < 5; ++i) {
        reflow_message message;
        size_t count = 0;
        reflow_view view = {NULL, 0};
        WORKS(reflow_message_bytes(bytes, sizeof bytes, &message, &e));
        put(beta.peer, "alpha", message);
        WORKS(reflow_output_recv_many(alpha.output, &message, 1, 60000, &count, &e));
        CHECK(count == 1 && reflow_message_get_bytes(message, &view) == REFLOW_OK);
        CHECK(view.size == sizeof bytes && memcmp(view.data, bytes, sizeof bytes) == 0);
        reflow_message_unref(message);
    }
    for (int64_t i = 0; i < 20; ++i) put(beta.peer, "alpha", reflow_message_integer(i));
    for (int64_t i = 0; i < 20; ++i) CHECK(rig_recv(alpha.output) == i);
    int64_t out = number_of_link(beta.peer, 0, "bytes_out");
    CHECK(out >= least && out <= most);
    rig_end_side(&beta);
    rig_end_side(&alpha);
}

/* Two instances of one network: in turn, or the oldest link until it breaks. */
static void test_instances(uint32_t flags) {
    reflow_peer_options a = named("alpha"), b = named("beta");
    b.flags = flags;
    a.instance_id = text_of("one");
    side one = open_side(&a);
    a.instance_id = text_of("two");
    side two = open_side(&a), beta = open_side(&b);
    dial(beta.peer, "", reflow_peer_port(one.peer));
    dial(beta.peer, "", reflow_peer_port(two.peer));
    for (int64_t i = 0; i < 10; ++i) put(beta.peer, "alpha", reflow_message_integer(i));
    if (flags == 0) {
        for (int64_t i = 0; i < 10; i += 2) {
            int64_t first = rig_recv(one.output), second = rig_recv(two.output);
            CHECK((first == i && second == i + 1) || (first == i + 1 && second == i));
        }
    } else {
        for (int64_t i = 0; i < 10; ++i) CHECK(rig_recv(one.output) == i);
        WORKS(reflow_peer_stop(one.peer, 5000, &e));
        reflow_message status, links;
        size_t count = 2;
        while (count == 2) {
            WORKS(reflow_peer_status(beta.peer, &status, &e));
            CHECK_STATUS(REFLOW_OK, reflow_message_get(status, text_of("links"), &links));
            count = reflow_message_count(links);
            reflow_message_unref(status);
        }
        put(beta.peer, "alpha", reflow_message_integer(77));
        CHECK(rig_recv(two.output) == 77);
    }
    rig_end_side(&beta);
    rig_end_side(&one);
    rig_end_side(&two);
}

/* Many peers of one runtime have one thread, and one peer has many links. */
static void test_links(size_t count) {
    reflow_peer_options a = named("alpha"), b = named("beta");
    a.max_connections = (uint32_t)count + 1;
    a.heartbeat_interval_ms = b.heartbeat_interval_ms = 60000;
    side alpha = open_side(&a), many;
    open_network(&many);
    reflow_peer **peers = calloc(count, sizeof *peers);
    for (size_t i = 0; i < count; ++i) {
        char name[32];
        snprintf(name, sizeof name, "beta-%zu", i);
        b.instance_id = text_of(name);
        b.flags = REFLOW_PEER_NO_PORT;
        WORKS(reflow_peer_create(many.runtime, &b, &peers[i], &e));
        WORKS(reflow_peer_start(peers[i], &e));
        dial(peers[i], "", reflow_peer_port(alpha.peer));
    }
    for (size_t i = 0; i < count; ++i) put(peers[i], "alpha", reflow_message_integer((int64_t)i));
    int64_t sum = 0;
    for (size_t i = 0; i < count; ++i) sum += rig_recv(alpha.output);
    CHECK(sum == (int64_t)(count * (count - 1) / 2));
    for (size_t i = 0; i < count; ++i) reflow_peer_destroy(peers[i]);
    free(peers);
    rig_end_side(&many);
    EVENTUALLY(!reflow_peer_connected(alpha.peer, text_of("beta")));
    rig_end_side(&alpha);
}

static void test_options(void) {
    reflow_runtime *runtime = rig_runtime(&rig_own);
    reflow_peer *peer = NULL;
    reflow_peer_options options = named("alpha");
    options.compression_level = 20;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_peer_create(runtime, &options, &peer, &e));
    options.compression_level = -2;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_peer_create(runtime, &options, &peer, &e));
    options = named("alpha");
    options.batch_bytes = UINT32_MAX;
    FAILS(REFLOW_ERROR_LIMIT, reflow_peer_create(runtime, &options, &peer, &e));
    options = named("alpha");
    options.batch_linger_us = UINT32_MAX;
    FAILS(REFLOW_ERROR_LIMIT, reflow_peer_create(runtime, &options, &peer, &e));
    options = named("alpha");
    options.window_bytes = UINT64_MAX;
    FAILS(REFLOW_ERROR_LIMIT, reflow_peer_create(runtime, &options, &peer, &e));
    options = named("alpha");
    options.tls_key_file = text_of("/nowhere/key.pem");
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_peer_create(runtime, &options, &peer, &e));
    options.tls_certificate_file = sized("a\0b", 3);
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_peer_create(runtime, &options, &peer, &e));
    options.tls_certificate_file = text_of("/nowhere/cert.pem");
    WORKS(reflow_peer_create(runtime, &options, &peer, &e));
    FAILS(REFLOW_ERROR_IO, reflow_peer_start(peer, &e));
    reflow_peer_destroy(peer);
    /* A host that was built before there were these fields. */
    options.struct_size = (uint32_t)offsetof(reflow_peer_options, tls_certificate_file);
    WORKS(reflow_peer_create(runtime, &options, &peer, &e));
    WORKS(reflow_peer_start(peer, &e));
    reflow_peer_destroy(peer);
    reflow_runtime_destroy(runtime);
}

/* A mesh has copies of all that its options point to. */
static void test_mesh_keeps_its_options(bool with_authorities) {
    reflow_runtime *runtime = rig_runtime(&rig_own);
    char page[] = "https://good.example", server[] = "http://127.0.0.1:1", file[] = "cert.pem";
    reflow_view pages[] = {text_of(page)}, networks[] = {text_of("friend")};
    reflow_peer_options of_peers = named("node");
    of_peers.allowed_origins = pages;
    of_peers.allowed_origins_count = 1;
    of_peers.allowed_networks = networks;
    of_peers.allowed_networks_count = 1;
    of_peers.advertise_address = text_of(server + 7);
    if (with_authorities) of_peers.tls_ca_file = text_of(file);
    reflow_mesh_options options = {0};
    options.struct_size = sizeof options;
    options.base_port = free_port();
    options.peer = &of_peers;
    reflow_mesh *mesh = NULL;
    WORKS(reflow_mesh_create(runtime, &options, &mesh, &e));
    memset(page, '\xff', sizeof page - 1);
    memset(server, '\xff', sizeof server - 1);
    memset(file, '\xff', sizeof file - 1);
    pages[0] = networks[0] = null_view();
    memset(&of_peers, 0, sizeof of_peers);
    if (with_authorities) {
        /* There is no such file, which is told at once and not for each port. */
        reflow_error *error = NULL;
        CHECK_STATUS(REFLOW_ERROR_IO, reflow_mesh_assign(mesh, text_of("one"), NULL, NULL, &error));
        CHECK(strstr(reflow_error_text(error).data, "cert.pem") != NULL);
        reflow_error_destroy(error);
    } else {
        WORKS(reflow_mesh_assign(mesh, text_of("one"), NULL, NULL, &e));
    }
    reflow_mesh_destroy(mesh);
    reflow_runtime_destroy(runtime);
}

/* Executions of two nodes: each pair has a link of its own. */
static void test_mesh(void) {
    side here, there;
    open_network(&here);
    open_network(&there);
    reflow_peer_options of_peers = named("node-a");
    of_peers.auth_token = text_of("shared-secret");
    reflow_mesh_options options = {0};
    options.struct_size = sizeof options;
    reflow_mesh *a = NULL, *b = NULL;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_mesh_create(here.runtime, &options, &a, &e));
    options.peer = &of_peers;
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_mesh_create(here.runtime, &options, &a, &e));
    const uint32_t first_port = free_port();
    options.base_port = first_port;
    of_peers.network_id = text_of("");
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_mesh_create(here.runtime, &options, &a, &e));
    of_peers.network_id = text_of("node-a");
    WORKS(reflow_mesh_create(here.runtime, &options, &a, &e));
    of_peers.network_id = text_of("node-b");
    WORKS(reflow_mesh_create(there.runtime, &options, &b, &e));

    uint32_t ports[4];
    WORKS(reflow_mesh_assign(a, text_of("run-1"), here.network, &ports[0], &e));
    WORKS(reflow_mesh_assign(b, text_of("run-1"), there.network, &ports[1], &e));
    WORKS(reflow_mesh_assign(a, text_of("run-2"), NULL, &ports[2], &e));
    CHECK(ports[0] >= first_port && ports[1] > ports[0] && ports[2] > ports[1]);
    FAILS(REFLOW_ERROR_ALREADY_EXISTS,
          reflow_mesh_assign(a, text_of("run-1"), NULL, NULL, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_mesh_assign(a, text_of(""), NULL, NULL, &e));
    CHECK(reflow_mesh_count(a) == 2 && reflow_mesh_count(b) == 1);

    char endpoint[64];
    reflow_message network = {0, 0};
    reflow_view id = {NULL, 0};
    snprintf(endpoint, sizeof endpoint, "127.0.0.1:%u", ports[1]);
    WORKS(reflow_mesh_connect(a, text_of("run-1"), text_of(endpoint), 60000, &network, &e));
    CHECK(reflow_message_get_text(network, &id) == REFLOW_OK && same_text(id, "node-b"));
    reflow_message_unref(network);
    reflow_peer *peer = NULL, *other = NULL;
    WORKS(reflow_mesh_peer(a, text_of("run-1"), &peer, &e));
    put(peer, "node-b", reflow_message_integer(5));
    CHECK(rig_recv(there.output) == 5);
    WORKS(reflow_mesh_peer(a, text_of("run-2"), &other, &e));
    CHECK(!reflow_peer_connected(other, text_of("node-b")));
    /* One that nobody has assigned is, by dialling. */
    WORKS(reflow_mesh_connect(a, text_of("run-3"), text_of(endpoint), 60000, NULL, &e));
    CHECK(reflow_mesh_count(a) == 3);

    WORKS(reflow_mesh_teardown(a, text_of("run-1"), &e));
    FAILS(REFLOW_ERROR_NOT_FOUND, reflow_mesh_teardown(a, text_of("run-1"), &e));
    FAILS(REFLOW_ERROR_NOT_FOUND, reflow_mesh_peer(a, text_of("run-1"), &peer, &e));
    /* Its port is the first that is free again. */
    WORKS(reflow_mesh_assign(a, text_of("run-4"), NULL, &ports[3], &e));
    CHECK(ports[3] == ports[0]);
    reflow_mesh_destroy(a);
    reflow_mesh_destroy(b);
    reflow_mesh_destroy(NULL);

    /* No port is free. */
    side taken = open_side(&of_peers);
    options.base_port = reflow_peer_port(taken.peer);
    options.ports_count = 1;
    WORKS(reflow_mesh_create(here.runtime, &options, &a, &e));
    FAILS(REFLOW_ERROR_IO, reflow_mesh_assign(a, text_of("run"), NULL, NULL, &e));
    CHECK(reflow_mesh_count(a) == 0);
    reflow_mesh_destroy(a);
    rig_end_side(&taken);
    rig_end_side(&there);
    rig_end_side(&here);
}

int main(void) {
    if (!reflow_feature(text_of("peer"))) return 0;
    test_options();
    test_forms();
    test_packing(0, 20000, 100);
    test_packing(-1, 2000000, 1000000);
    test_instances(0);
    test_instances(REFLOW_PEER_FAILOVER);
    /* Two sockets for each, in this one process. */
    struct rlimit files;
    CHECK(getrlimit(RLIMIT_NOFILE, &files) == 0);
    files.rlim_cur = files.rlim_max;
    CHECK(setrlimit(RLIMIT_NOFILE, &files) == 0);
    test_links(files.rlim_cur > 3000 ? 1000 : files.rlim_cur / 3);
    test_mesh();
    test_mesh_keeps_its_options(false);
    test_mesh_keeps_its_options(true);
    return 0;
}
