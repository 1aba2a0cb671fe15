/* Counting what the kernel lists of this process. */
#ifndef REFLOW_TESTS_ENTRIES_H
#define REFLOW_TESTS_ENTRIES_H

#include "check.h"

#include <dirent.h>
#include <pthread.h>
#include <sched.h>

static inline size_t entries_of(const char *path) {
    size_t count = 0;
    DIR *folder = opendir(path);
    CHECK(folder != NULL);
    while (readdir(folder) != NULL) ++count;
    closedir(folder);
    return count;
}

static inline void *entries_nothing(void *argument) { return argument; }

/* How many threads there are. A first one is made and ended, since a sanitizer adds one then. */
static inline size_t threads_now(void) {
    static bool begun;
    if (!begun) {
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, entries_nothing, NULL) == 0);
        CHECK(pthread_join(thread, NULL) == 0);
        begun = true;
    }
    return entries_of("/proc/self/task");
}

/* Waits until no more are left than there were: a thread that was joined stays listed for a moment,
 * now or when they were counted. Ends by the time limit of the test if some thread stays for ever. */
static inline void threads_end(size_t before) {
    while (threads_now() > before) sched_yield();
}

#endif
