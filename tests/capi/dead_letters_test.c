/* Section 19 of reflow.h: dead letters, listed, played back, dropped, and sent to another network. */
#include "check.h"

#include "failure_rig.h"

static const char *plain = "{\"properties\": {\"dead_letters\": 4}, \"processes\": {"
                           "\"w\": {\"component\": \"Work\"}, \"tick\": {\"component\": \"Tick\"}},"
                           "\"connections\": []}";

static shop open_shop(const rig_mode *mode, int first, int end) {
    work_reset();
    shop s = shop_create(mode, plain);
    shop_start(&s);
    for (int i = first; i < end; ++i) {
        work.fails[i] = 1;
        rig_send(s.network, s.in, i);
    }
    shop_idle(&s);
    return s;
}

static reflow_message list(shop *s, const char *path, uint64_t after, size_t max) {
    reflow_message letters;
    WORKS(reflow_network_list_dead_letters(s->network, text_of(path), after, max, &letters, &e));
    return letters;
}

static void test_list(const rig_mode *mode) {
    shop s = open_shop(mode, 0, 6);
    reflow_dead_letters letters = shop_letters(&s);
    CHECK(letters.capacity == 4 && letters.waiting == 4 && letters.total == 6 && letters.lost == 2);
    reflow_message all = list(&s, "", 0, SIZE_MAX);
    CHECK(reflow_message_count(all) == 4);
    for (int i = 0; i < 4; ++i) {
        reflow_message one = at_of(all, (size_t)i);
        CHECK(rig_integer(get_of(one, "id")) == i + 3);
        CHECK(text_is(one, "node", "w") && text_is(one, "component", "Work"));
        CHECK(text_is(one, "status", "REFLOW_ERROR_FAILED"));
        CHECK(text_is(one, "hint", "come back tomorrow"));
        CHECK(text_is(one, "trace", "at work\nat home"));
        CHECK(rig_integer(get_of(one, "attempts")) == 1);
        char packets[80];
        snprintf(packets, sizeof packets, "[{\"port\":\"a\",\"message\":%d}]", i + 2);
        CHECK(is_json(get_of(one, "packets"), packets));
    }
    reflow_message_unref(all);
    all = list(&s, "w", 4, 1);
    CHECK(reflow_message_count(all) == 1 && rig_integer(get_of(at_of(all, 0), "id")) == 5);
    reflow_message_unref(all);
    all = list(&s, "tick", 0, 10);
    CHECK(reflow_message_count(all) == 0);
    reflow_message_unref(all);
    FAILS(REFLOW_ERROR_NOT_FOUND, reflow_network_list_dead_letters(s.network, text_of("q"), 0, 1,
                                                                   &all, &e));
    size_t count = 7;
    FAILS(REFLOW_ERROR_NOT_FOUND,
          reflow_network_drop_dead_letters(s.network, 1, text_of(""), &count, &e));
    CHECK(count == 0);
    WORKS(reflow_network_drop_dead_letters(s.network, 4, text_of(""), &count, &e));
    CHECK(count == 1 && shop_letters(&s).waiting == 3);
    WORKS(reflow_network_drop_dead_letters(s.network, 0, text_of("tick"), &count, &e));
    CHECK(count == 0);
    WORKS(reflow_network_drop_dead_letters(s.network, 0, text_of(""), &count, &e));
    CHECK(count == 3 && shop_letters(&s).waiting == 0);
    shop_close(&s);
}

static void test_replay(const rig_mode *mode) {
    shop s = open_shop(mode, 0, 4);
    FAILS(REFLOW_ERROR_NOT_FOUND, reflow_network_replay_dead_letter(s.network, 9, &e));
    WORKS(reflow_network_replay_dead_letter(s.network, 3, &e));
    shop_idle(&s);
    int counts[VALUES] = {0}, values[VALUES];
    CHECK(shop_take(s.out, counts, values) == 1 && values[0] == 2);
    work.fails[1] = 1; /* fails anew: a new letter, behind */
    size_t count = 0;
    WORKS(reflow_network_replay_dead_letters(s.network, text_of("w"), &count, &e));
    CHECK(count == 3);
    shop_idle(&s);
    CHECK(shop_take(s.out, counts, values) == 2 && values[0] == 0 && values[1] == 3);
    CHECK(shop_letters(&s).waiting == 1);
    reflow_message all = list(&s, "", 0, 10);
    CHECK(rig_integer(get_of(at_of(all, 0), "id")) == 5);
    /* To another network, as it is. */
    WORKS(reflow_network_stop(s.network, REFLOW_FOREVER, &e));
    FAILS(REFLOW_ERROR_CLOSED, reflow_network_replay_dead_letters(s.network, text_of(""), &count,
                                                                  &e));
    CHECK(count == 0 && shop_letters(&s).waiting == 1);
    shop_close(&s);
    s = open_shop(mode, 0, 0);
    WORKS(reflow_network_send_dead_letter(s.network, at_of(all, 0), &e));
    shop_idle(&s);
    CHECK(shop_take(s.out, counts, values) == 1 && values[0] == 1);
    reflow_message_unref(all);
    static const char *const wrong[] = {
        "5", "{\"node\": \"w\"}", "{\"node\": \"w\", \"packets\": [{\"port\": \"a\"}]}",
        "{\"node\": \"w\", \"packets\": [{\"port\": \"a\", \"message\": 1, \"index\": -1}]}"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; ++i) {
        reflow_message letter = json(wrong[i]);
        FAILS(REFLOW_ERROR_WRONG_KIND, reflow_network_send_dead_letter(s.network, letter, &e));
        reflow_message_unref(letter);
    }
    static const char *const unknown[] = {
        "{\"node\": \"W\", \"packets\": [{\"port\": \"a\", \"message\": 1}]}",
        "{\"node\": \"w\", \"packets\": [{\"port\": \"b\", \"message\": 1}]}"};
    for (size_t i = 0; i < 2; ++i) {
        reflow_message letter = json(unknown[i]);
        FAILS(REFLOW_ERROR_NOT_FOUND, reflow_network_send_dead_letter(s.network, letter, &e));
        reflow_message_unref(letter);
    }
    reflow_message empty = json("{\"node\": \"w\", \"packets\": []}");
    FAILS(REFLOW_ERROR_INVALID_STATE, reflow_network_send_dead_letter(s.network, empty, &e));
    reflow_message_unref(empty);
    shop_close(&s);
}

static reflow_status never(reflow_context *context, void *state, reflow_packet *inputs, size_t count) {
    (void)context, (void)state, (void)inputs, (void)count;
    return REFLOW_ERROR_FAILED;
}

/* Packets as deep as they can be: each is shown, or told to be too deep, and none hides the others. */
static void test_deep(void) {
    reflow_runtime *runtime = rig_runtime(&rig_inline);
    rig_component component = {.id = "Never", .inports = "a", .run = never};
    rig_register(runtime, &component);
    reflow_graph *graph = rig_graph();
    rig_node(graph, "w", "Never");
    reflow_network *network = rig_network(runtime, graph);
    const reflow_inport in = rig_inport(network, "w.a");
    WORKS(reflow_network_start(network, &e));
    const int least = REFLOW_MAX_DEPTH - 8;
    for (int depth = least; depth <= REFLOW_MAX_DEPTH; ++depth) {
        char text[2 * REFLOW_MAX_DEPTH + 2];
        memset(text, '[', (size_t)depth);
        text[depth] = '1';
        memset(text + depth + 1, ']', (size_t)depth);
        reflow_message message;
        WORKS(reflow_message_from_json(sized(text, 2 * (size_t)depth + 1), NULL, &message, &e));
        WORKS(reflow_network_send(network, in, message, REFLOW_FOREVER, &e));
    }
    rig_idle(network);
    reflow_message all;
    WORKS(reflow_network_list_dead_letters(network, text_of(""), 0, 100, &all, &e));
    CHECK(reflow_message_count(all) == 9);
    for (int i = 0; i < 9; ++i) {
        reflow_message packet = at_of(get_of(at_of(all, (size_t)i), "packets"), 0);
        reflow_message value;
        const bool shown = reflow_message_get(packet, text_of("message"), &value) == REFLOW_OK;
        const bool told = reflow_message_get(packet, text_of("too_deep"), &value) == REFLOW_OK;
        CHECK(shown != told && shown == (least + i <= REFLOW_MAX_DEPTH - 4));
    }
    reflow_message_unref(all);
    reflow_network_destroy(network);
    reflow_graph_destroy(graph);
    reflow_runtime_destroy(runtime);
}

/* No room: the letter stays, in its place. */
static void test_full(void) {
    work_reset();
    rig_mode mode = rig_inline;
    mode.tiny = true;
    shop s = shop_create(&mode, plain);
    FAILS(REFLOW_ERROR_NOT_FOUND, reflow_network_replay_dead_letter(s.network, 1, &e));
    shop_start(&s);
    work.fails[1] = work.fails[2] = 1;
    rig_send(s.network, s.in, 1);
    shop_idle(&s);
    rig_send(s.network, s.in, 2);
    shop_idle(&s);
    WORKS(reflow_network_pause(s.network, text_of("w"), REFLOW_FOREVER, &e));
    rig_send(s.network, s.in, 3);
    FAILS(REFLOW_ERROR_WOULD_BLOCK, reflow_network_replay_dead_letter(s.network, 1, &e));
    size_t count = 5;
    FAILS(REFLOW_ERROR_WOULD_BLOCK,
          reflow_network_replay_dead_letters(s.network, text_of(""), &count, &e));
    CHECK(count == 0 && shop_letters(&s).waiting == 2);
    reflow_message all = list(&s, "", 0, 10);
    CHECK(rig_integer(get_of(at_of(all, 0), "id")) == 1);
    reflow_message_unref(all);
    WORKS(reflow_network_resume(s.network, text_of("w"), &e));
    shop_idle(&s);
    WORKS(reflow_network_replay_dead_letter(s.network, 1, &e));
    shop_idle(&s);
    int counts[VALUES] = {0}, values[VALUES];
    CHECK(shop_take(s.out, counts, values) == 2 && values[0] == 3 && values[1] == 1);
    shop_close(&s);
}

static void test_none(void) {
    work_reset();
    shop s = shop_create(&rig_inline,
                         "{\"properties\": {\"dead_letters\": 0}, \"processes\": {"
                         "\"w\": {\"component\": \"Work\"}, \"tick\": {\"component\": \"Tick\"}},"
                         "\"connections\": []}");
    shop_start(&s);
    work.fails[1] = 1;
    rig_send(s.network, s.in, 1);
    shop_idle(&s);
    CHECK(shop_letters(&s).waiting == 0 && shop_letters(&s).lost == 1);
    reflow_dead_letters bad = {0};
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_dead_letters(s.network, &bad, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_dead_letters(NULL, &bad, &e));
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT, reflow_network_dead_letters(s.network, NULL, &e));
    reflow_node_status status = {0};
    FAILS(REFLOW_ERROR_INVALID_ARGUMENT,
          reflow_network_node_state(s.network, text_of("w"), &status, &e));
    status.struct_size = sizeof status;
    FAILS(REFLOW_ERROR_NOT_FOUND, reflow_network_node_state(s.network, text_of("v"), &status, &e));
    shop_close(&s);
}

/* Who reads, plays back and drops while letters come. */
static void *play(void *user_data) {
    shop *s = user_data;
    for (int i = 0; i < 200; ++i) {
        reflow_message letters;
        WORKS(reflow_network_list_dead_letters(s->network, text_of(""), 0, 3, &letters, &e));
        for (size_t k = 0; k < reflow_message_count(letters); ++k) {
            uint64_t id = (uint64_t)rig_integer(get_of(at_of(letters, k), "id"));
            reflow_error *error = NULL;
            reflow_status status = reflow_network_replay_dead_letter(s->network, id, &error);
            CHECK(status == REFLOW_OK || status == REFLOW_ERROR_NOT_FOUND ||
                  status == REFLOW_ERROR_WOULD_BLOCK);
            reflow_error_destroy(error);
        }
        reflow_message_unref(letters);
    }
    return NULL;
}

static void test_threads(void) {
    work_reset();
    shop s = shop_create(&rig_own,
                         "{\"properties\": {\"dead_letters\": 100}, \"processes\": {"
                         "\"w\": {\"component\": \"Work\"}, \"tick\": {\"component\": \"Tick\"}},"
                         "\"connections\": []}");
    shop_start(&s);
    for (int i = 0; i < VALUES; ++i) work.fails[i] = 3;
    pthread_t threads[2];
    for (int i = 0; i < 2; ++i) CHECK(pthread_create(&threads[i], NULL, play, &s) == 0);
    for (int i = 0; i < VALUES; ++i) rig_send(s.network, s.in, i);
    for (int i = 0; i < 2; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
    int counts[VALUES] = {0};
    shop_idle(&s);
    while (shop_letters(&s).waiting != 0) {
        size_t count = 0;
        WORKS(reflow_network_replay_dead_letters(s.network, text_of(""), &count, &e));
        shop_idle(&s);
    }
    shop_take(s.out, counts, NULL);
    for (int i = 0; i < VALUES; ++i) CHECK(counts[i] == 1 && work.calls[i] == 4);
    CHECK(shop_letters(&s).lost == 0);
    shop_close(&s);
}

/* A change that leaves less room for letters: the oldest go, and are counted. */
static void check_room(shop *s, uint32_t capacity, uint64_t waiting, uint64_t lost, int first_id) {
    char text[400];
    snprintf(text, sizeof text, "{\"properties\": {\"dead_letters\": %u}%s", capacity,
             strstr(plain, ", \"processes\""));
    reflow_graph *graph = NULL;
    WORKS(reflow_graph_load(text_of(text), REFLOW_FORMAT_JSON, text_of(""), &graph, &e));
    WORKS(reflow_network_apply(s->network, graph, NULL, NULL, &e));
    reflow_graph_destroy(graph);
    reflow_dead_letters letters = shop_letters(s);
    CHECK(letters.capacity == capacity && letters.waiting == waiting && letters.lost == lost);
    CHECK(letters.total == 6);
    reflow_message all = list(s, "", 0, SIZE_MAX);
    CHECK(reflow_message_count(all) == waiting);
    for (size_t i = 0; i < waiting; ++i) {
        CHECK(rig_integer(get_of(at_of(all, i), "id")) == first_id + (int)i);
    }
    reflow_message_unref(all);
}
static void test_lowered(const rig_mode *mode) {
    shop s = open_shop(mode, 0, 6);
    check_room(&s, 9, 4, 2, 3);
    check_room(&s, 3, 3, 3, 4);
    check_room(&s, 2, 2, 4, 5);
    check_room(&s, 4, 2, 4, 5);
    check_room(&s, 0, 0, 6, 0);
    shop_close(&s);
}

/* A reader of "error" takes errors until it is destroyed. */
static void test_reader_goes(const rig_mode *mode) {
    work_reset();
    for (int i = 0; i < 4; ++i) work.fails[i] = 1;
    shop s = shop_create(mode, plain);
    reflow_output *first = rig_output(s.network, "w.error", 0);
    reflow_output *second = rig_output(s.network, "w.error", 0);
    shop_start(&s);
    rig_send(s.network, s.in, 0);
    shop_idle(&s);
    CHECK(shop_letters(&s).total == 0);
    reflow_output_destroy(first);
    rig_send(s.network, s.in, 1);
    shop_idle(&s);
    CHECK(shop_letters(&s).total == 0);
    reflow_output_destroy(second);
    rig_send(s.network, s.in, 2);
    shop_idle(&s);
    CHECK(shop_letters(&s).total == 1);
    shop_close(&s);
}

int main(void) {
    check_time_limit(120);
    test_list(&rig_inline);
    test_list(&rig_own);
    test_replay(&rig_inline);
    test_replay(&rig_own);
    test_deep();
    test_full();
    test_none();
    test_lowered(&rig_inline);
    test_lowered(&rig_own);
    test_reader_goes(&rig_inline);
    test_reader_goes(&rig_own);
    test_threads();
    return 0;
}
