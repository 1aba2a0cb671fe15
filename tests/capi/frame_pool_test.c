/* Section 16 of reflow.h: frame pools. */
#include "check.h"

#include <pthread.h>

#include "rig.h"

static reflow_frame_pool_options sizes(uint32_t slots, uint64_t frame_size) {
    reflow_frame_pool_options options = {0};
    options.struct_size = sizeof options;
    options.slots = slots;
    options.frame_size = frame_size;
    return options;
}

static reflow_frame_pool *open_pool(reflow_runtime *runtime, const char *name, uint32_t slots,
                                    uint64_t frame_size) {
    reflow_frame_pool_options options = sizes(slots, frame_size);
    reflow_frame_pool *pool = NULL;
    WORKS(reflow_frame_pool_open(runtime, text_of(name), &options, &pool, &e));
    return pool;
}

static reflow_frame_pool_info info_of(const reflow_frame_pool *pool) {
    reflow_frame_pool_info info = {0};
    info.struct_size = sizeof info;
    CHECK_STATUS(REFLOW_OK, reflow_frame_pool_get_info(pool, &info));
    return info;
}

static bool reads(reflow_frame_pool *pool, int64_t ticket, const char *text) {
    reflow_message frame;
    if (reflow_frame_pool_read(pool, ticket, &frame) != REFLOW_OK) return false;
    reflow_view view;
    CHECK_STATUS(REFLOW_OK, reflow_message_get_bytes(frame, &view));
    bool same = same_text(view, text);
    reflow_message_unref(frame);
    return same;
}

static int64_t put(reflow_frame_pool *pool, const char *text) {
    int64_t ticket = -1;
    CHECK_STATUS(REFLOW_OK, reflow_frame_pool_write(pool, text, strlen(text), &ticket));
    CHECK(ticket > 0);
    return ticket;
}

static void test_tickets(reflow_runtime *runtime) {
    reflow_frame_pool *pool = open_pool(runtime, "camera", 3, 8);
    int64_t ticket = 7;
    reflow_message frame;
    CHECK_STATUS(REFLOW_ERROR_NOT_FOUND, reflow_frame_pool_latest(pool, &ticket, &frame));
    CHECK(ticket == 0 && reflow_message_kind(frame) == REFLOW_KIND_NONE);
    int64_t tickets[10];
    char text[8];
    for (int i = 0; i < 10; ++i) {
        snprintf(text, sizeof text, "f%d", i);
        tickets[i] = put(pool, text);
        for (int k = 0; k <= i; ++k) {
            snprintf(text, sizeof text, "f%d", k);
            if (k > i - 3) {
                CHECK(reads(pool, tickets[k], text));
            } else { /* never a newer frame */
                CHECK_STATUS(REFLOW_ERROR_CLOSED, reflow_frame_pool_read(pool, tickets[k], &frame));
            }
        }
    }
    CHECK_STATUS(REFLOW_OK, reflow_frame_pool_latest(pool, &ticket, &frame));
    CHECK(ticket == tickets[9]);
    reflow_message_unref(frame);
    CHECK_STATUS(REFLOW_OK, reflow_frame_pool_latest(pool, NULL, &frame));
    reflow_message_unref(frame);
    const int64_t foreign[] = {0, -1, 1, INT64_MAX, INT64_MIN, tickets[9] + 65536, tickets[9] + 3};
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; ++i) {
        reflow_status status = reflow_frame_pool_read(pool, foreign[i], &frame);
        CHECK(status == REFLOW_ERROR_NOT_FOUND || status == REFLOW_ERROR_CLOSED);
    }
    CHECK_STATUS(REFLOW_ERROR_LIMIT, reflow_frame_pool_write(pool, "123456789", 9, &ticket));
    CHECK_STATUS(REFLOW_OK, reflow_frame_pool_write(pool, NULL, 0, &ticket));
    CHECK(reads(pool, ticket, ""));
    CHECK(info_of(pool).written == 11 && info_of(pool).held == 0 && info_of(pool).slots == 3);
    CHECK(info_of(pool).frame_size == 8);
    reflow_frame_pool_destroy(pool);
    WORKS(reflow_frame_pool_remove(runtime, text_of("camera"), &e));
}

static void test_held(reflow_runtime *runtime) {
    reflow_frame_pool *pool = open_pool(runtime, "held", 2, 16);
    int64_t first = put(pool, "first"), second = put(pool, "second"), ticket;
    reflow_message a, again, b;
    CHECK_STATUS(REFLOW_OK, reflow_frame_pool_read(pool, first, &a));
    CHECK_STATUS(REFLOW_OK, reflow_frame_pool_read(pool, first, &again));
    reflow_view view, same;
    CHECK_STATUS(REFLOW_OK, reflow_message_get_bytes(a, &view));
    CHECK_STATUS(REFLOW_OK, reflow_message_get_bytes(again, &same));
    CHECK(view.data == same.data); /* nothing is copied */
    /* The other slot is written, again and again. */
    for (int i = 0; i < 5; ++i) second = put(pool, "other");
    CHECK(same_text(view, "first") && reads(pool, first, "first"));
    CHECK_STATUS(REFLOW_OK, reflow_frame_pool_read(pool, second, &b));
    CHECK(info_of(pool).held == 2);
    CHECK_STATUS(REFLOW_ERROR_WOULD_BLOCK, reflow_frame_pool_write(pool, "x", 1, &ticket));
    CHECK(ticket == 0);
    reflow_message_unref(a);
    CHECK_STATUS(REFLOW_ERROR_WOULD_BLOCK, reflow_frame_pool_write(pool, "x", 1, &ticket));
    reflow_message_unref(again);
    ticket = put(pool, "third");
    CHECK_STATUS(REFLOW_ERROR_CLOSED, reflow_frame_pool_read(pool, first, &a));
    CHECK(reads(pool, ticket, "third"));
    /* A frame outlives handle, name and pool. */
    reflow_frame_pool_destroy(pool);
    WORKS(reflow_frame_pool_remove(runtime, text_of("held"), &e));
    CHECK_STATUS(REFLOW_OK, reflow_message_get_bytes(b, &view));
    CHECK(same_text(view, "other"));
    reflow_message_unref(b);
}

static void test_in_place(reflow_runtime *runtime) {
    reflow_frame_pool *pool = open_pool(runtime, "place", 2, 64);
    void *data = NULL, *other = NULL;
    int64_t ticket = 0, second = 0, third = 0;
    CHECK_STATUS(REFLOW_OK, reflow_frame_pool_begin(pool, &data, &ticket));
    memcpy(data, "in place", 8);
    reflow_message frame;
    CHECK_STATUS(REFLOW_ERROR_CLOSED, reflow_frame_pool_read(pool, ticket, &frame));
    CHECK_STATUS(REFLOW_OK, reflow_frame_pool_begin(pool, &other, &second));
    CHECK(other != data);
    CHECK_STATUS(REFLOW_ERROR_WOULD_BLOCK, reflow_frame_pool_begin(pool, &other, &third));
    CHECK(other == NULL && third == 0);
    CHECK_STATUS(REFLOW_ERROR_LIMIT, reflow_frame_pool_commit(pool, ticket, 65));
    CHECK_STATUS(REFLOW_OK, reflow_frame_pool_commit(pool, ticket, 8));
    CHECK_STATUS(REFLOW_ERROR_CLOSED, reflow_frame_pool_commit(pool, ticket, 8));
    CHECK(reads(pool, ticket, "in place"));
    CHECK_STATUS(REFLOW_OK, reflow_frame_pool_abandon(pool, second));
    CHECK_STATUS(REFLOW_ERROR_CLOSED, reflow_frame_pool_abandon(pool, second));
    CHECK_STATUS(REFLOW_ERROR_CLOSED, reflow_frame_pool_read(pool, second, &frame));
    CHECK(info_of(pool).written == 1 && info_of(pool).held == 0);
    reflow_frame_pool_destroy(pool);
}

static void test_names(reflow_runtime *runtime) {
    reflow_frame_pool *a = open_pool(runtime, "shared", 4, 100), *b = NULL;
    reflow_frame_pool_options options = sizes(4, 200);
    reflow_error *error = NULL;
    CHECK_STATUS(REFLOW_ERROR_ALREADY_EXISTS,
                 reflow_frame_pool_open(runtime, text_of("shared"), &options, &b, &error));
    CHECK(same_text(reflow_error_message(error),
                    "frame pool 'shared' has 4 slots of 100 bytes, not 4 of 200"));
    reflow_error_destroy(error);
    WORKS(reflow_frame_pool_open(runtime, text_of("shared"), NULL, &b, &e));
    CHECK(reads(b, put(a, "seen"), "seen"));
    reflow_frame_pool_destroy(b);
    b = open_pool(runtime, "shared", 4, 100);
    WORKS(reflow_frame_pool_remove(runtime, text_of("shared"), &e));
    FAILS(REFLOW_ERROR_NOT_FOUND, reflow_frame_pool_remove(runtime, text_of("shared"), &e));
    CHECK(reads(b, put(a, "still"), "still"));
    reflow_frame_pool *c = open_pool(runtime, "shared", 1, 200); /* another one */
    CHECK(info_of(c).slots == 1);
    reflow_frame_pool_destroy(a);
    reflow_frame_pool_destroy(b);
    reflow_frame_pool_destroy(c);
    FAILS(REFLOW_ERROR_NOT_FOUND, reflow_frame_pool_open(runtime, text_of("none"), NULL, &a, &e));
    options = sizes(1, 0);
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_frame_pool_open(runtime, text_of("x"), &options, &a, &e));
    options = sizes(0, 0);
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_frame_pool_open(runtime, text_of("x"), &options, &a, &e));
    options = sizes(65536, 1);
    FAILS(REFLOW_ERROR_LIMIT, reflow_frame_pool_open(runtime, text_of("x"), &options, &a, &e));
    options = sizes(1, UINT64_C(1) << 31);
    FAILS(REFLOW_ERROR_LIMIT, reflow_frame_pool_open(runtime, text_of("x"), &options, &a, &e));
    options = sizes(65535, UINT64_C(1) << 30); /* 64 TiB: beyond max_pool_bytes */
    FAILS(REFLOW_ERROR_LIMIT, reflow_frame_pool_open(runtime, text_of("x"), &options, &a, &e));
    options = sizes(1, 1);
    FAILS(REFLOW_ERROR_LIMIT, reflow_frame_pool_open(runtime, text_of(""), &options, &a, &e));
    FAILS(REFLOW_ERROR_INVALID_UTF8,
          reflow_frame_pool_open(runtime, sized("\xff", 1), &options, &a, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_frame_pool_open(NULL, text_of("x"), &options, &a, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_frame_pool_open(runtime, text_of("x"), &options, NULL, &e));
    int64_t ticket;
    void *data;
    reflow_message frame;
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_frame_pool_write(NULL, "", 0, &ticket));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_frame_pool_begin(NULL, &data, &ticket));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_frame_pool_commit(NULL, 1, 0));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_frame_pool_abandon(NULL, 1));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_frame_pool_read(NULL, 1, &frame));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_frame_pool_latest(NULL, NULL, &frame));
    CHECK_STATUS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_frame_pool_get_info(NULL, NULL));
    reflow_frame_pool_destroy(NULL);
}

/* The limit of all pools of a runtime; what ends gives its part back. */
static void test_bytes(void) {
    reflow_runtime_options options = rig_options(&rig_inline);
    options.max_pool_bytes = 1000;
    reflow_runtime *runtime;
    WORKS(reflow_runtime_create(&options, &runtime, &e));
    reflow_frame_pool *a = open_pool(runtime, "a", 6, 100), *b = NULL;
    reflow_frame_pool_options more = sizes(5, 100);
    FAILS(REFLOW_ERROR_LIMIT, reflow_frame_pool_open(runtime, text_of("b"), &more, &b, &e));
    int64_t ticket = put(a, "kept");
    reflow_message frame;
    CHECK_STATUS(REFLOW_OK, reflow_frame_pool_read(a, ticket, &frame));
    WORKS(reflow_frame_pool_remove(runtime, text_of("a"), &e));
    reflow_frame_pool_destroy(a);
    FAILS(REFLOW_ERROR_LIMIT, reflow_frame_pool_open(runtime, text_of("b"), &more, &b, &e));
    reflow_message_unref(frame); /* the last that knew the pool */
    b = open_pool(runtime, "b", 5, 100);
    put(b, "after");
    CHECK_STATUS(REFLOW_OK, reflow_frame_pool_latest(b, NULL, &frame));
    reflow_runtime_destroy(runtime);
    put(b, "and later");
    reflow_frame_pool_destroy(b);
    reflow_view view;
    CHECK_STATUS(REFLOW_OK, reflow_message_get_bytes(frame, &view));
    CHECK(same_text(view, "after"));
    reflow_message_unref(frame);
}

/* ---- through a network: 1 MiB, and only the ticket travels */

enum { large = 1 << 20, frames = 300 };

typedef struct seen {
    int64_t read, overwritten;
    const char *slots[8];
    size_t slot_count;
} seen;

static reflow_status run_camera(reflow_context *context, void *user_data, reflow_packet *inputs,
                                size_t count) {
    (void)user_data, (void)count;
    reflow_frame_pool_options options = sizes(4, large);
    reflow_frame_pool *pool = NULL;
    CHECK_STATUS(REFLOW_OK, reflow_context_frame_pool(context, text_of("video"), &options, &pool));
    int64_t number = rig_integer(inputs[0].message), ticket = 0;
    void *data = NULL;
    reflow_status status = reflow_frame_pool_begin(pool, &data, &ticket);
    CHECK_STATUS(REFLOW_OK, status);
    memset(data, (int)(number % 251), large);
    memcpy(data, &number, sizeof number);
    CHECK_STATUS(REFLOW_OK, reflow_frame_pool_commit(pool, ticket, large));
    reflow_frame_pool_destroy(pool);
    return reflow_context_emit(context, 0, reflow_message_integer(ticket));
}

static reflow_status run_viewer(reflow_context *context, void *user_data, reflow_packet *inputs,
                                size_t count) {
    seen *own = user_data;
    (void)count;
    reflow_frame_pool *pool = NULL;
    CHECK_STATUS(REFLOW_OK, reflow_context_frame_pool(context, text_of("video"), NULL, &pool));
    reflow_message frame;
    reflow_status status = reflow_frame_pool_read(pool, rig_integer(inputs[0].message), &frame);
    reflow_frame_pool_destroy(pool);
    if (status == REFLOW_ERROR_CLOSED) {
        ++own->overwritten;
        return REFLOW_OK;
    }
    CHECK_STATUS(REFLOW_OK, status);
    reflow_view view;
    CHECK_STATUS(REFLOW_OK, reflow_message_get_bytes(frame, &view));
    int64_t number;
    memcpy(&number, view.data, sizeof number);
    /* One frame and no mixture of two. */
    CHECK(view.size == large);
    for (size_t i = sizeof number; i < large; i += 4099)
        CHECK(view.data[i] == (char)(number % 251));
    CHECK(view.data[large - 1] == (char)(number % 251));
    size_t at = 0;
    while (at < own->slot_count && own->slots[at] != view.data) ++at;
    if (at == own->slot_count) {
        CHECK(own->slot_count < 4); /* it is the memory of the slots: nothing is copied */
        own->slots[own->slot_count++] = view.data;
    }
    ++own->read;
    reflow_message_unref(frame);
    return REFLOW_OK;
}

static void test_network(const rig_mode *mode) {
    seen own = {0};
    reflow_runtime *runtime = rig_runtime(mode);
    rig_component camera = {0}, viewer = {0};
    camera.id = "Camera";
    camera.inports = "a";
    camera.outports = "o";
    camera.run = run_camera;
    viewer.id = "Viewer";
    viewer.inports = "a";
    viewer.run = run_viewer;
    viewer.user_data = &own;
    rig_register(runtime, &camera);
    rig_register(runtime, &viewer);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "camera", "Camera");
    rig_node(graph, "viewer", "Viewer");
    rig_connect(graph, "camera.o", "viewer.a", "{\"capacity\":2}");
    reflow_network *network = rig_network(runtime, graph);
    reflow_graph_destroy(graph);
    reflow_inport inport = rig_inport(network, "camera.a");
    WORKS(reflow_network_start(network, &e));
    for (int i = 0; i < frames; ++i) rig_send(network, inport, i);
    WORKS(reflow_network_drain(network, REFLOW_FOREVER, &e));
    CHECK(own.read + own.overwritten == frames && own.read > 0);
    reflow_network_destroy(network);
    reflow_runtime_destroy(runtime);
}

/* ---- several writers and readers at once */

typedef struct traffic {
    reflow_frame_pool *pool;
    int64_t tickets[64]; /* relaxed: any ticket will do */
    int stop;
} traffic;

static void *write_frames(void *argument) {
    traffic *own = argument;
    char frame[512];
    for (int i = 0; i < 20000; ++i) {
        memset(frame, i % 127, sizeof frame);
        int64_t ticket = 0;
        reflow_status status = reflow_frame_pool_write(own->pool, frame, sizeof frame, &ticket);
        CHECK(status == REFLOW_OK || status == REFLOW_ERROR_WOULD_BLOCK);
        if (status == REFLOW_OK) __atomic_store_n(&own->tickets[i % 64], ticket, __ATOMIC_RELAXED);
    }
    __atomic_store_n(&own->stop, 1, __ATOMIC_RELAXED);
    return NULL;
}

static void *read_frames(void *argument) {
    traffic *own = argument;
    for (int i = 0; !__atomic_load_n(&own->stop, __ATOMIC_RELAXED); ++i) {
        int64_t ticket = __atomic_load_n(&own->tickets[i % 64], __ATOMIC_RELAXED);
        reflow_message frame;
        if (ticket == 0 || reflow_frame_pool_read(own->pool, ticket, &frame) != REFLOW_OK) continue;
        reflow_view view;
        CHECK_STATUS(REFLOW_OK, reflow_message_get_bytes(frame, &view));
        CHECK(view.size == 512);
        for (size_t k = 1; k < view.size; ++k) CHECK(view.data[k] == view.data[0]);
        reflow_message_unref(frame);
    }
    return NULL;
}

static void test_threads(reflow_runtime *runtime) {
    traffic own = {0};
    own.pool = open_pool(runtime, "busy", 4, 512);
    pthread_t threads[4];
    for (int i = 0; i < 4; ++i) {
        CHECK(pthread_create(&threads[i], NULL, i < 2 ? write_frames : read_frames, &own) == 0);
    }
    for (int i = 0; i < 4; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK(info_of(own.pool).held == 0);
    reflow_frame_pool_destroy(own.pool);
}

int main(void) {
    check_time_limit(50);
    reflow_runtime *runtime = rig_runtime(&rig_inline);
    test_tickets(runtime);
    test_held(runtime);
    test_in_place(runtime);
    test_names(runtime);
    test_threads(runtime);
    reflow_runtime_destroy(runtime);
    test_bytes();
    test_network(&rig_inline);
    test_network(&rig_own);
    return 0;
}
