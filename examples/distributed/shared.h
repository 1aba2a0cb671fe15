/* What all instances of this example share: texts and objects out of messages and into them, and the
 * actors that run on each (logger and metrics). Record types, alert and log texts are those of the
 * "Distributed Workflow Example" of the original. */
#ifndef EXAMPLE_SHARED_H
#define EXAMPLE_SHARED_H

#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <reflow.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of a data set: columns beyond that are refused. */
#define MAX_FEATURES 1000
#define MAX_RECORDS 200000
#define MAX_NAME 128
#define BATCH 10 /* records that are trained with at once */

/* An object that is being made. The first failure stays, and is told by the end. */
typedef struct maker {
    reflow_object_builder *builder;
    reflow_status status;
} maker;

maker make(void);
void put(maker *to, const char *key, reflow_message value); /* value is taken */
void put_text(maker *to, const char *key, const char *text);
void put_real(maker *to, const char *key, double value);
void put_whole(maker *to, const char *key, long value);
void put_flag(maker *to, const char *key, bool value);
void put_reals(maker *to, const char *key, const double *values, size_t count);
void put_now(maker *to, const char *key); /* RFC 3339 in UTC, with milliseconds */
void put_other(maker *to, const char *key, reflow_message from); /* the value of the same key there */
reflow_status made(maker *from, reflow_message *out);
reflow_status emit_made(reflow_context *context, uint32_t outport, maker *from);
reflow_status emit_text(reflow_context *context, uint32_t outport, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Parts of an object; false if it has no such key, or another kind. */
bool get(reflow_message from, const char *key, reflow_message *value);
bool get_real(reflow_message from, const char *key, double *value);
bool get_whole(reflow_message from, const char *key, long *value);
bool get_flag(reflow_message from, const char *key); /* there and true */
bool get_text(reflow_message from, const char *key, char text[MAX_NAME]);
/* At most MAX_FEATURES numbers, into memory for so many; packed or not. */
bool get_reals(reflow_message from, const char *key, double *values, size_t *count);

/* "2026-04-28T22:48:32.123Z", or with a space and without the Z for log lines. */
void time_text(char text[32], bool plain);
double milliseconds(void); /* of a clock that only goes on */

/* Says why a callback fails. */
reflow_status refuse(reflow_context *context, reflow_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Configuration of a node. */
double setting(const reflow_context *context, const char *key, double otherwise);

/* A port whose name is a literal. */
#define PORT(text) {.name = {(text), sizeof(text) - 1}}
#define COUNT(array) ((uint32_t)(sizeof(array) / sizeof *(array)))

/* Registers a component whose state is size zeroed bytes. */
typedef struct kind {
    const char *id, *description;
    const reflow_port *inports, *outports;
    uint32_t inport_count, outport_count;
    size_t size;
    reflow_state_fn setup;
    reflow_run_fn run;
    void (*clear)(void *state); /* of what the state has allocated; may be NULL */
    void *shared;               /* written to the first bytes of the state, if any */
    uint32_t flags;
} kind;
reflow_status register_kind(reflow_runtime *runtime, const kind *what, reflow_error **error);

/* Each of these registers the components of one place. */
reflow_status register_shared(reflow_runtime *runtime, reflow_error **error);
reflow_status register_data(reflow_runtime *runtime, reflow_error **error);
reflow_status register_ml(reflow_runtime *runtime, reflow_error **error);

#endif
