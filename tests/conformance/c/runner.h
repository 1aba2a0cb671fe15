/* The runner of the conformance scenarios in C: what its parts share. ../README.md has the format.
 */
#ifndef REFLOW_CONFORMANCE_RUNNER_H
#define REFLOW_CONFORMANCE_RUNNER_H

#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reflow.h"

enum { MAX_OUTPUTS = 16, MAX_STARTED = 4096, WAIT_MS = 60000 };

typedef struct opened_output {
    char place[256];
    reflow_output *output;
} opened_output;

/* One scenario while it is played. */
typedef struct scenario_run {
    const char *name;
    reflow_message scenario; /* the whole document */
    reflow_runtime *runtime;
    reflow_graph *graph;
    reflow_network *network;
    reflow_subscription *subscription;
    opened_output outputs[MAX_OUTPUTS];
    size_t output_count;
    size_t step; /* the step that is done, for reports */
    bool failed;
} scenario_run;

/* ---- values.c: the notation of values, and reading of documents ---- */

/* Says what is wrong and marks the scenario as failed; returns false. */
bool complain(scenario_run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The value of a key; of kind none if there is none. */
reflow_message get(reflow_message object, const char *key);
bool has(reflow_message object, const char *key);
/* A text; "" if there is none. It lives as long as the document and ends with a NUL. */
const char *text_at(reflow_message object, const char *key);
int64_t integer_at(reflow_message object, const char *key, int64_t otherwise);
reflow_message at(reflow_message array, size_t index);

/* Makes a message of the notation. The status is that of the failed function, with its error. */
reflow_status make_value(reflow_message notation, reflow_message *out, reflow_error **error);

/* A message as text for a report; a static buffer. */
const char *show(reflow_message message);

/* The two parts of a place: split at the last dot, no node without one. */
typedef struct place_parts {
    reflow_view node, port;
} place_parts;
place_parts split_place(const char *place);

/* Whether an error is the one that a refusal describes; ends the error. */
bool check_refusal(scenario_run *run, reflow_message refusal, reflow_status status,
                   reflow_error *error);
/* Whether a call has worked; ends the error. */
bool check_works(scenario_run *run, const char *what, reflow_status status, reflow_error *error);

/* ---- components.c ---- */

void register_components(scenario_run *run);
void end_components(void);

/* ---- events.c ---- */

bool subscribe_events(scenario_run *run, reflow_message kinds);
bool check_events(scenario_run *run, reflow_message step);
bool check_letters(scenario_run *run, reflow_message step);

/* ---- steps.c ---- */

bool open_output(scenario_run *run, const char *place, reflow_error **error, reflow_status *status);
void play_steps(scenario_run *run, reflow_message steps);

#endif
