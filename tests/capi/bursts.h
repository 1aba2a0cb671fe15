/* Memory that runs out for a while: an allocator of which so many allocations in a row fail. */
#ifndef REFLOW_TESTS_BURSTS_H
#define REFLOW_TESTS_BURSTS_H

#include <pthread.h>

#include "rig.h"

static pthread_mutex_t bursts_mutex = PTHREAD_MUTEX_INITIALIZER; /* guards what follows */
static uint64_t allocations, fail_at = UINT64_MAX, fail_count, live;
static bool failed; /* since begin_to_fail() */

static inline void *bursts_allocate(void *user_data, size_t size, size_t alignment) {
    void *memory = NULL;
    (void)user_data;
    pthread_mutex_lock(&bursts_mutex);
    uint64_t number = allocations++;
    bool fails = number >= fail_at && number - fail_at < fail_count;
    failed = failed || fails;
    live += fails ? 0 : 1;
    pthread_mutex_unlock(&bursts_mutex);
    if (fails) return NULL;
    if (alignment < sizeof memory) alignment = sizeof memory;
    CHECK(posix_memalign(&memory, alignment, size) == 0);
    return memory;
}

static inline void bursts_release(void *user_data, void *memory, size_t size, size_t alignment) {
    (void)user_data;
    (void)size;
    (void)alignment;
    free(memory);
    pthread_mutex_lock(&bursts_mutex);
    --live;
    pthread_mutex_unlock(&bursts_mutex);
}

static inline void set_failing_allocator(void) {
    reflow_allocator allocator = {
        .struct_size = sizeof allocator, .allocate = bursts_allocate, .release = bursts_release};
    CHECK_STATUS(REFLOW_OK, reflow_set_allocator(&allocator));
}

static inline uint64_t live_blocks(void) {
    pthread_mutex_lock(&bursts_mutex);
    uint64_t now = live;
    pthread_mutex_unlock(&bursts_mutex);
    return now;
}

/* So many fail behind the next `from` ones. */
static inline void begin_to_fail(uint64_t from, uint64_t count) {
    pthread_mutex_lock(&bursts_mutex);
    allocations = 0;
    failed = false;
    fail_at = from;
    fail_count = count;
    pthread_mutex_unlock(&bursts_mutex);
}
static inline void end_to_fail(void) {
    pthread_mutex_lock(&bursts_mutex);
    fail_at = UINT64_MAX;
    pthread_mutex_unlock(&bursts_mutex);
}

/* From each place on, until a life has met none; in a life that makes no fewer than `least` of them. */
static inline void test_each(void (*lives)(uint64_t from, uint64_t count), uint64_t least) {
    static const uint64_t counts[] = {1, 2, 7, UINT64_MAX};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; ++i) {
        for (uint64_t from = 0;; ++from) {
            uint64_t before = live_blocks();
            lives(from, counts[i]);
            CHECK(live_blocks() == before);
            if (failed) continue;
            CHECK(from >= least); /* it was tried */
            break;
        }
    }
}

/* What an output has now. */
static inline uint64_t read_all(reflow_output *output) {
    uint64_t all = 0;
    reflow_message messages[32];
    size_t count = 0;
    while (reflow_output_recv_many(output, messages, 32, 0, &count, NULL) == REFLOW_OK) {
        for (size_t i = 0; i < count; ++i) reflow_message_unref(messages[i]);
        all += count;
    }
    return all;
}

#endif
