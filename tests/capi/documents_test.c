/* Documents that many threads read, and end on others, while the memory of those that ended is used
 * again: what is in them stays right, and what is kept has a limit. */
#include "check.h"

#include <pthread.h>
#include <sys/wait.h>

#include "rig.h"

#if defined __GLIBC__ && __GLIBC_PREREQ(2, 33) && !defined __SANITIZE_THREAD__ && \
    !defined __SANITIZE_ADDRESS__
#include <malloc.h>
#define MALLOC_IS_COUNTED 1
#else
#define MALLOC_IS_COUNTED 0
#endif

/* The allocators of sanitizers may be locked for ever in a child; valgrind takes for leaks what threads
 * of the parent have. */
#if defined __SANITIZE_THREAD__ || defined __SANITIZE_ADDRESS__
enum { CHILDREN = 0 };
#else
enum { CHILDREN = 5 };
#endif

enum { THREADS = 4, PLACES = 16, ROUNDS = 60, OBJECTS = 400 };

/* Where threads leave messages for others. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static reflow_message places[PLACES];

static char *made_text(int seed, size_t *size) {
    char *text = malloc((size_t)OBJECTS * 100);
    CHECK(text != NULL);
    size_t at = 0;
    text[at++] = '[';
    for (int i = 0; i < OBJECTS; ++i) {
        at += (size_t)sprintf(text + at, "%s{\"name\":\"n%d-%d\",\"seed\":%d,\"row\":[%d,\"%d\"]}",
                              i == 0 ? "" : ",", seed, i, seed, i, i);
    }
    text[at++] = ']';
    *size = at;
    return text;
}

static int64_t integer_of(reflow_message message) {
    int64_t value = 0;
    CHECK_STATUS(REFLOW_OK, reflow_message_get_integer(message, &value));
    return value;
}

/* Whether every part of a document is what was written with its seed. */
static void check_document(reflow_message message) {
    CHECK(reflow_message_count(message) == OBJECTS);
    int64_t seed = -1;
    for (size_t i = 0; i < OBJECTS; ++i) {
        reflow_message object, part;
        CHECK_STATUS(REFLOW_OK, reflow_message_get_at(message, i, &object));
        CHECK_STATUS(REFLOW_OK, reflow_message_get_at(object, 1, &part));
        if (i == 0) seed = integer_of(part);
        CHECK(integer_of(part) == seed);
        CHECK_STATUS(REFLOW_OK, reflow_message_get_at(object, 0, &part));
        reflow_view name;
        CHECK_STATUS(REFLOW_OK, reflow_message_get_text(part, &name));
        char expected[64];
        snprintf(expected, sizeof expected, "n%d-%d", (int)seed, (int)i);
        CHECK(name.size == strlen(expected) && memcmp(name.data, expected, name.size) == 0);
        CHECK_STATUS(REFLOW_OK, reflow_message_get_at(object, 2, &part));
        CHECK(reflow_message_count(part) == 2);
    }
}

/* Reads, writes, reads again, and swaps the document for one of another thread, which ends here. */
static void *work(void *seed_of) {
    int seed = *(int *)seed_of;
    size_t size;
    char *text = made_text(seed, &size);
    for (int round = 0; round < ROUNDS; ++round) {
        reflow_message message;
        WORKS(reflow_message_from_json((reflow_view){text, size}, NULL, &message, &e));
        reflow_buffer *buffer;
        WORKS(reflow_message_to_msgpack(message, &buffer, &e));
        reflow_view bytes = reflow_buffer_get(buffer);
        reflow_message again;
        WORKS(reflow_message_from_msgpack(bytes.data, bytes.size, NULL, &again, &e));
        CHECK(reflow_message_equal(message, again));
        reflow_buffer_destroy(buffer);
        reflow_message_unref(message);
        WORKS(reflow_message_to_json(again, REFLOW_JSON_PLAIN, &buffer, &e));
        bytes = reflow_buffer_get(buffer);
        CHECK(bytes.size == size && memcmp(bytes.data, text, size) == 0);
        reflow_buffer_destroy(buffer);
        pthread_mutex_lock(&mutex);
        reflow_message *place = &places[(round * 7 + seed) % PLACES];
        message = *place;
        *place = again;
        pthread_mutex_unlock(&mutex);
        if (reflow_message_kind(message) != REFLOW_KIND_NONE) check_document(message);
        reflow_message_unref(message);
    }
    free(text);
    return NULL;
}

static void test_threads(void) {
    reflow_runtime *runtime = rig_runtime(&rig_modes[3]);
    pthread_t threads[THREADS];
    int seeds[THREADS];
    for (int i = 0; i < THREADS; ++i) {
        seeds[i] = i;
        CHECK(pthread_create(&threads[i], NULL, work, &seeds[i]) == 0);
    }
    /* A child that forks off meanwhile, when others may be giving memory back. */
    int children = getenv("REFLOW_VALGRIND") == NULL ? CHILDREN : 0;
    for (int i = 0; i < children; ++i) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            size_t size;
            char *text = made_text(9, &size);
            reflow_message message;
            WORKS(reflow_message_from_json((reflow_view){text, size}, NULL, &message, &e));
            check_document(message);
            reflow_message_unref(message);
            free(text);
            _Exit(0);
        }
        int status;
        CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
        CHECK(WEXITSTATUS(status) == 0);
    }
    /* Nothing is kept from here on, and what is, ends. */
    reflow_runtime_destroy(runtime);
    for (int i = 0; i < THREADS; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
    for (int i = 0; i < PLACES; ++i) {
        if (reflow_message_kind(places[i]) != REFLOW_KIND_NONE) check_document(places[i]);
        reflow_message_unref(places[i]);
    }
}

/* Of a large document some memory is kept, 4 MiB at most, and used for the next one; not without a
 * runtime. */
static void test_limit(void) {
#if MALLOC_IS_COUNTED
    enum { REPEATS = 200, KEPT = 1024 * (4096 + 16), SLACK = 512 * 1024 };
    size_t size, nothing = mallinfo2().uordblks;
    char *one = made_text(1, &size);
    if (mallinfo2().uordblks - nothing < size) { /* of another allocator, such as valgrind's */
        free(one);
        return;
    }
    char *text = malloc(REPEATS * (size + 1) + 1);
    CHECK(text != NULL);
    size_t at = 0;
    for (int i = 0; i < REPEATS; ++i) {
        text[at++] = i == 0 ? '[' : ',';
        memcpy(text + at, one, size);
        at += size;
    }
    text[at++] = ']';
    size_t start = 0, before = 0;
    reflow_runtime *runtimes[2] = {NULL, NULL};
    for (int round = 0; round < 12; ++round) {
        /* None, then one, another beside it, the second alone, and none again. */
        if (round == 2) runtimes[0] = rig_runtime(&rig_modes[3]);
        if (round == 4) runtimes[1] = rig_runtime(&rig_modes[3]);
        if (round == 6) reflow_runtime_destroy(runtimes[0]);
        if (round == 8) reflow_runtime_destroy(runtimes[1]);
        bool keeps = round >= 2 && round < 8;
        size_t now = mallinfo2().uordblks;
        if (round == 0) start = now;
        if (round == 0 || round == 2 || round == 8) before = now;
        CHECK(round != 8 || now < start + SLACK); /* what was kept has ended */
        reflow_message message;
        WORKS(reflow_message_from_json((reflow_view){text, at}, NULL, &message, &e));
        CHECK(mallinfo2().uordblks - before > 2 * KEPT);
        reflow_message_unref(message);
        size_t kept = mallinfo2().uordblks - before;
        CHECK(kept < (keeps ? KEPT + SLACK : SLACK) && (!keeps || kept > KEPT / 2));
    }
    free(text);
    free(one);
#endif
}

int main(void) {
    test_limit();
    test_threads();
    return 0;
}
