/* Callbacks of the benchmark's components: what a host would write, with counting.
 * Neighbours: main.cpp, which builds graphs of these. They run on the runtime's threads. */
/* For clock_gettime in strict C99. */
#define _POSIX_C_SOURCE 200809L

#include "actors.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CHUNK = 64, LINE_BYTES = 64 };

typedef struct node {
    bench_plan *plan;
    int64_t next; /* sources: the next value */
    int64_t count;
    int64_t sum;
    uint64_t first_ns;
    uint64_t last_ns;
    uint64_t worked;
} node;

static uint64_t now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static reflow_status create(reflow_context *context, void *user_data, void **state) {
    (void)context;
    /* In lines of the cache of its own: actors that run on two cores do not hinder each other. */
    void *place = NULL;
    size_t bytes = (sizeof(node) + LINE_BYTES - 1) / LINE_BYTES * LINE_BYTES;
    if (posix_memalign(&place, LINE_BYTES, bytes) != 0) return REFLOW_ERROR_OUT_OF_MEMORY;
    node *self = memset(place, 0, bytes);
    self->plan = user_data;
    *state = self;
    return REFLOW_OK;
}

/* All states end on the thread that destroys the network. */
static void destroy_state(void *state) {
    node *self = state;
    bench_plan *plan = self->plan;
    plan->count += self->count;
    plan->sum += self->sum;
    if (self->first_ns != 0 && (plan->first_ns == 0 || self->first_ns < plan->first_ns)) {
        plan->first_ns = self->first_ns;
    }
    if (self->last_ns > plan->last_ns) plan->last_ns = self->last_ns;
    free(self);
}

static int64_t value_of(const reflow_packet *packet) {
    int64_t value = 0;
    reflow_message_get_integer(packet->message, &value);
    return value;
}

/* A while that no compiler can shorten: each step (xorshift) needs the one before. */
static void work(node *self) {
    uint64_t seed = self->worked | 1;
    for (uint32_t turn = 0; turn < self->plan->spin; ++turn) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
    }
    self->worked = seed;
}

/* Counts 0, 1, 2, ... and goes on until the plan is done. */
static reflow_status run_source(reflow_context *context, void *state, reflow_packet *inputs,
                                size_t count) {
    node *self = state;
    int64_t left = self->plan->n - self->next;
    size_t turn = left < CHUNK ? (size_t)left : (size_t)CHUNK;
    reflow_status status = REFLOW_OK;
    (void)inputs;
    (void)count;
    if (self->first_ns == 0) self->first_ns = now_ns();
    if (self->plan->batch) {
        reflow_message messages[CHUNK];
        for (size_t i = 0; i < turn; ++i) messages[i] = reflow_message_integer(self->next++);
        status = reflow_context_emit_many(context, 0, messages, turn);
    } else {
        for (size_t i = 0; i < turn && status == REFLOW_OK; ++i) {
            status = reflow_context_emit(context, 0, reflow_message_integer(self->next++));
        }
    }
    if (status == REFLOW_OK && self->next < self->plan->n) status = reflow_context_again(context);
    return status;
}

static reflow_status run_pass(reflow_context *context, void *state, reflow_packet *inputs,
                              size_t count) {
    (void)state;
    if (count == 1) return reflow_context_emit(context, 0, reflow_message_take(&inputs[0].message));
    reflow_message messages[CHUNK];
    const reflow_message none = {0, 0};
    for (size_t i = 0; i < count; ++i) {
        messages[i] = inputs[i].message;
        inputs[i].message = none;
    }
    return reflow_context_emit_many(context, 0, messages, count);
}

static reflow_status run_work(reflow_context *context, void *state, reflow_packet *inputs,
                              size_t count) {
    node *self = state;
    for (size_t i = 0; i < count; ++i) work(self);
    return run_pass(context, state, inputs, count);
}

/* All has arrived. */
static void end_of(node *self) {
    self->last_ns = now_ns();
    __atomic_store_n(&self->plan->woken_ns, self->last_ns, __ATOMIC_RELEASE);
}

static reflow_status run_sink(reflow_context *context, void *state, reflow_packet *inputs,
                              size_t count) {
    node *self = state;
    (void)context;
    for (size_t i = 0; i < count; ++i) self->sum += value_of(&inputs[i]);
    self->count += (int64_t)count;
    if (self->count == self->plan->expected) end_of(self);
    return REFLOW_OK;
}

/* Takes its time for each packet, of whatever kind. */
static reflow_status run_slow(reflow_context *context, void *state, reflow_packet *inputs,
                              size_t count) {
    node *self = state;
    (void)context;
    for (size_t i = 0; i < count; ++i) {
        reflow_view bytes;
        work(self);
        if (reflow_message_get_bytes(inputs[i].message, &bytes)) return REFLOW_ERROR_TYPE;
        self->sum += (int64_t)bytes.size;
        ++self->count;
    }
    return REFLOW_OK;
}

/* Passes a token to and fro, or round a ring: adds one until the token has done its hops. */
static reflow_status run_bounce(reflow_context *context, void *state, reflow_packet *inputs,
                                size_t count) {
    node *self = state;
    if (self->first_ns == 0) self->first_ns = now_ns();
    for (size_t i = 0; i < count; ++i) {
        int64_t value = value_of(&inputs[i]) + 1;
        ++self->count;
        if (value >= self->plan->n) {
            self->sum += value;
            self->last_ns = now_ns();
            continue;
        }
        reflow_status status = reflow_context_emit(context, 0, reflow_message_integer(value));
        if (status != REFLOW_OK) return status;
    }
    return REFLOW_OK;
}

/* The start of a latency run: emits one packet for each that comes back. */
static reflow_status run_clock(reflow_context *context, void *state, reflow_packet *inputs,
                               size_t count) {
    node *self = state;
    (void)inputs;
    (void)count;
    self->plan->sent_ns = now_ns();
    return reflow_context_emit(context, 0, reflow_message_integer(self->next++));
}

static reflow_status run_clock_end(reflow_context *context, void *state, reflow_packet *inputs,
                                   size_t count) {
    node *self = state;
    bench_plan *plan = self->plan;
    uint64_t now = now_ns();
    (void)count;
    if (self->first_ns == 0) self->first_ns = plan->sent_ns;
    plan->samples[plan->sampled++] = now - plan->sent_ns;
    self->sum += value_of(&inputs[0]);
    ++self->count;
    self->last_ns = now;
    if (self->count == plan->n) return REFLOW_OK;
    return reflow_context_emit(context, 0, reflow_message_flow());
}

static reflow_status run_payload_source(reflow_context *context, void *state, reflow_packet *inputs,
                                        size_t count) {
    node *self = state;
    (void)inputs;
    (void)count;
    if (self->first_ns == 0) self->first_ns = now_ns();
    for (int i = 0; i < CHUNK && self->next < self->plan->n; ++i, ++self->next) {
        reflow_status status =
            reflow_context_emit(context, 0, reflow_message_ref(self->plan->payload));
        if (status != REFLOW_OK) return status;
    }
    return self->next < self->plan->n ? reflow_context_again(context) : REFLOW_OK;
}

/* A payload of its own in every packet, so that memory tells how many there are. */
static reflow_status run_fresh_source(reflow_context *context, void *state, reflow_packet *inputs,
                                      size_t count) {
    node *self = state;
    char bytes[BENCH_FRESH_BYTES] = {0};
    (void)inputs;
    (void)count;
    for (int i = 0; i < CHUNK && self->next < self->plan->n; ++i, ++self->next) {
        reflow_message message;
        reflow_status status = reflow_message_bytes(bytes, sizeof bytes, &message, NULL);
        if (status == REFLOW_OK) status = reflow_context_emit(context, 0, message);
        if (status != REFLOW_OK) return status;
    }
    return self->next < self->plan->n ? reflow_context_again(context) : REFLOW_OK;
}

static reflow_status run_payload_sink(reflow_context *context, void *state, reflow_packet *inputs,
                                      size_t count) {
    node *self = state;
    (void)context;
    for (size_t i = 0; i < count; ++i) {
        reflow_view bytes;
        if (reflow_message_get_bytes(inputs[i].message, &bytes)) return REFLOW_ERROR_TYPE;
        self->sum += (int64_t)bytes.size + (unsigned char)bytes.data[bytes.size - 1];
    }
    self->count += (int64_t)count;
    if (self->count == self->plan->expected) end_of(self);
    return REFLOW_OK;
}

/* One of very many: no state but the plan. */
static reflow_status run_idle(reflow_context *context, void *state, reflow_packet *inputs,
                              size_t count) {
    (void)state;
    (void)count;
    return reflow_context_emit(context, 0, reflow_message_integer(value_of(&inputs[0]) + 1));
}

static reflow_status run_wake(reflow_context *context, void *state, reflow_packet *inputs,
                              size_t count) {
    node *self = state;
    (void)context;
    __atomic_store_n(&self->plan->woken_ns, now_ns(), __ATOMIC_RELEASE);
    for (size_t i = 0; i < count; ++i) self->sum += value_of(&inputs[i]);
    self->count += (int64_t)count;
    return REFLOW_OK;
}

typedef struct kind {
    const char *id;
    reflow_run_fn run;
    int ins, outs;
    int state;   /* 0: none of its own */
    int batches; /* takes many packets at once if the plan says so */
} kind;

static const kind kinds[] = {
    {"BenchSource", run_source, 0, 1, 1, 0},
    {"BenchPass", run_pass, 1, 1, 0, 1},
    {"BenchWork", run_work, 1, 1, 1, 1},
    {"BenchSink", run_sink, 1, 0, 1, 1},
    {"BenchSlow", run_slow, 1, 0, 1, 1},
    {"BenchBounce", run_bounce, 1, 1, 1, 1},
    {"BenchClock", run_clock, 1, 1, 1, 0},
    {"BenchClockEnd", run_clock_end, 1, 1, 1, 0},
    {"BenchPayloadSource", run_payload_source, 0, 1, 1, 0},
    {"BenchFreshSource", run_fresh_source, 0, 1, 1, 0},
    {"BenchPayloadSink", run_payload_sink, 1, 0, 1, 1},
    {"BenchIdle", run_idle, 1, 1, 0, 0},
    {"BenchWake", run_wake, 1, 0, 1, 0},
};

reflow_status bench_register(reflow_runtime *runtime, bench_plan *plan, reflow_error **error) {
    reflow_port in = {0}, out = {0};
    in.name = reflow_str("in");
    out.name = reflow_str("out");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; ++i) {
        reflow_component component = {0};
        component.struct_size = sizeof component;
        component.port_size = sizeof in;
        component.id = reflow_str(kinds[i].id);
        component.inports = &in;
        component.inport_count = (uint32_t)kinds[i].ins;
        component.outports = &out;
        component.outport_count = (uint32_t)kinds[i].outs;
        component.max_batch = plan->batch && kinds[i].batches ? CHUNK : 1;
        component.run = kinds[i].run;
        component.user_data = plan;
        if (kinds[i].state) {
            component.create = create;
            component.destroy_state = destroy_state;
        }
        reflow_status status = reflow_runtime_register(runtime, &component, error);
        if (status != REFLOW_OK) return status;
    }
    return REFLOW_OK;
}
