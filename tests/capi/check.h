/* What every conformance program uses: checks that name their place, a time limit, and texts.
 * Include it first. A failed check ends the program with exit code 1, from whatever thread. */
#ifndef REFLOW_TESTS_CHECK_H
#define REFLOW_TESTS_CHECK_H

#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reflow.h"

static inline void check_failed(const char *file, int line, const char *what, const char *more) {
    fprintf(stderr, "%s:%d: check failed: %s%s%s\n", file, line, what, more[0] != 0 ? ": " : "",
            more);
    _Exit(1);
}

#define CHECK(condition) \
    ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition, ""))

/* A status without an error object. */
#define CHECK_STATUS(expected, call) check_status(__FILE__, __LINE__, #call, expected, call)

/* A call whose last argument is &e: it works, and sets e to NULL. */
#define WORKS(call)                                            \
    do {                                                       \
        reflow_error *e = (reflow_error *)(uintptr_t)1;        \
        reflow_status status_ = (call);                        \
        check_works(__FILE__, __LINE__, #call, status_, e);    \
    } while (0)

/* A call whose last argument is &e: it fails as expected, and e tells the same. */
#define FAILS(expected, call)                                            \
    do {                                                                 \
        reflow_error *e = (reflow_error *)(uintptr_t)1;                  \
        reflow_status status_ = (call);                                  \
        check_fails(__FILE__, __LINE__, #call, expected, status_, e);    \
    } while (0)

static inline void check_status(const char *file, int line, const char *what,
                                reflow_status expected, reflow_status got) {
    if (expected == got) return;
    char text[160];
    snprintf(text, sizeof text, "%s instead of %s", reflow_status_name(got).data,
             reflow_status_name(expected).data);
    check_failed(file, line, what, text);
}

static inline void check_works(const char *file, int line, const char *what, reflow_status got,
                               reflow_error *error) {
    if (got == REFLOW_OK && error == NULL) return;
    if (got == REFLOW_OK) check_failed(file, line, what, "OK, but an error is set");
    check_failed(file, line, what, reflow_error_text(error).data);
}

static inline void check_fails(const char *file, int line, const char *what,
                               reflow_status expected, reflow_status got, reflow_error *error) {
    check_status(file, line, what, expected, got);
    if (error == NULL) check_failed(file, line, what, "no error is set");
    check_status(file, line, what, expected, reflow_error_status(error));
    if (reflow_error_message(error).size == 0) check_failed(file, line, what, "no message");
    reflow_view text = reflow_error_text(error);
    if (text.data[text.size] != 0 || strchr(text.data, '\n') != NULL) {
        check_failed(file, line, what, "the text of the error is not one line");
    }
    reflow_error_destroy(error);
}

static inline reflow_view text_of(const char *text) {
    reflow_view view = {text, REFLOW_NUL_TERMINATED};
    return view;
}

static inline reflow_view sized(const char *data, size_t size) {
    reflow_view view = {data, size};
    return view;
}

/* NULL with a size: never allowed. */
static inline reflow_view null_view(void) { return sized(NULL, 3); }

static inline bool same_text(reflow_view view, const char *text) {
    return view.data != NULL && view.size == strlen(text) &&
           memcmp(view.data, text, view.size) == 0;
}

/* Whether valgrind or a sanitizer makes everything many times slower. */
static inline bool check_slow(void) {
    return getenv("REFLOW_VALGRIND") != NULL || getenv("REFLOW_SANITIZED") != NULL;
}

/* A hard limit for the whole program: whatever hangs ends as a failure. In seconds of an idle machine;
 * others may be slow or busy. */
static inline void check_time_limit(unsigned seconds) { alarm(check_slow() ? 1500 : 5 * seconds); }

/* Messages from JSON, and back. */
static inline reflow_message json(const char *text) {
    reflow_message message;
    WORKS(reflow_message_from_json(text_of(text), NULL, &message, &e));
    return message;
}

static inline bool is_json(reflow_message message, const char *text) {
    reflow_buffer *buffer = NULL;
    WORKS(reflow_message_to_json(message, REFLOW_JSON_PLAIN, &buffer, &e));
    bool same = same_text(reflow_buffer_get(buffer), text);
    if (!same) fprintf(stderr, "not %s but %s\n", text, reflow_buffer_get(buffer).data);
    reflow_buffer_destroy(buffer);
    return same;
}

/* A message whose end is counted, on whatever thread it comes: a string lent for ever. */
static inline void count_end(void *user_data) {
    __atomic_fetch_add((int *)user_data, 1, __ATOMIC_RELAXED);
}
static inline reflow_message counted(int *ends) {
    static const char text[] = "lent";
    reflow_message message;
    WORKS(reflow_message_lend(REFLOW_KIND_STRING, text, 4, count_end, ends, &message, &e));
    return message;
}

/* Texts that are not UTF-8, with the offset of the first wrong byte. */
typedef struct bad_text {
    const char *data;
    size_t size;
    size_t offset;
} bad_text;
static const bad_text bad_texts[] = {
    {"\xff", 1, 0},         {"ab\x80", 3, 2},           {"\xc3", 1, 0},
    {"a\xc0\x80", 3, 1},    {"\xed\xa0\x80", 3, 0},     {"\xf4\x90\x80\x80", 4, 0},
    {"x\xe2\x82", 3, 1},    {"\0\xfe", 2, 1},
};
#define BAD_TEXTS (sizeof bad_texts / sizeof bad_texts[0])

#endif
