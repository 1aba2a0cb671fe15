/* Callbacks of the components in parts.h. They run on the runtime's threads. */
/* For clock_gettime in strict C99. */
#define _POSIX_C_SOURCE 200809L

#include "parts.h"

#include <stdlib.h>
#include <time.h>

enum { FRAMES = 64 };

static uint64_t now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* ---- streams */

typedef struct side {
    bench_plan *plan;
    reflow_stream_writer *writer;
    reflow_stream_reader *reader;
    reflow_message frame; /* made, and not written yet */
    int64_t next;
    int ended;
} side;

static reflow_status create_side(reflow_context *context, void *user_data, void **state) {
    (void)context;
    side *self = calloc(1, sizeof *self);
    if (self == NULL) return REFLOW_ERROR_OUT_OF_MEMORY;
    self->plan = user_data;
    *state = self;
    return REFLOW_OK;
}

static void destroy_side(void *state) {
    side *self = state;
    reflow_stream_writer_destroy(self->writer);
    reflow_stream_reader_destroy(self->reader);
    reflow_message_unref(self->frame);
    free(self);
}

static reflow_status open_stream(reflow_context *context, side *self) {
    reflow_message handle = {0, 0};
    reflow_status status =
        reflow_context_open_stream(context, 0, NULL, &self->writer, &handle);
    if (status == REFLOW_OK) status = reflow_context_emit(context, 0, handle);
    self->plan->first_ns = now_ns();
    return status;
}

/* Writes until there is no room; then it is called once more when there is. */
static reflow_status run_writer(reflow_context *context, void *state, reflow_packet *inputs,
                                size_t count) {
    side *self = state;
    reflow_view bytes;
    reflow_status status = REFLOW_OK;
    (void)inputs;
    (void)count;
    if (self->writer == NULL) status = open_stream(context, self);
    if (status == REFLOW_OK) status = reflow_message_get_bytes(self->plan->payload, &bytes);
    while (status == REFLOW_OK && self->next < self->plan->n) {
        if (self->frame.tag == 0) {
            status = reflow_message_bytes(bytes.data, bytes.size, &self->frame, NULL);
            if (status != REFLOW_OK) break;
        }
        status = reflow_stream_write(self->writer, self->frame, 0);
        if (status == REFLOW_ERROR_WOULD_BLOCK) return REFLOW_OK;
        if (status == REFLOW_OK) {
            self->frame = (reflow_message){0, 0};
            ++self->next;
        }
    }
    if (status != REFLOW_OK || self->ended) return status;
    self->ended = 1;
    return reflow_stream_end(self->writer);
}

static reflow_status take_frame(side *self, const reflow_stream_frame *frame) {
    bench_plan *plan = self->plan;
    reflow_view bytes;
    if (frame->kind == REFLOW_FRAME_BEGIN) return REFLOW_OK;
    if (frame->kind == REFLOW_FRAME_END) {
        plan->last_ns = now_ns();
        return REFLOW_OK;
    }
    if (frame->kind != REFLOW_FRAME_DATA) return REFLOW_ERROR_FAILED;
    if (reflow_message_get_bytes(frame->message, &bytes)) return REFLOW_ERROR_TYPE;
    plan->sum += (int64_t)bytes.size + (unsigned char)bytes.data[bytes.size - 1];
    ++plan->count;
    return REFLOW_OK;
}

/* Reads until there is nothing; then it is called once more when there is. */
static reflow_status run_reader(reflow_context *context, void *state, reflow_packet *inputs,
                                size_t count) {
    side *self = state;
    reflow_status status = REFLOW_OK;
    if (count != 0) {
        status = reflow_context_accept_stream(context, inputs[0].message, &self->reader);
    }
    while (status == REFLOW_OK) {
        reflow_stream_frame frames[FRAMES];
        size_t got = 0;
        status = reflow_stream_read(self->reader, frames, FRAMES, 0, &got);
        if (status == REFLOW_ERROR_WOULD_BLOCK || status == REFLOW_ERROR_CLOSED) return REFLOW_OK;
        for (size_t i = 0; i < got; ++i) {
            if (status == REFLOW_OK) status = take_frame(self, &frames[i]);
            reflow_message_unref(frames[i].message);
        }
    }
    return status;
}

/* ---- a network that rests */

static reflow_status run_partner(reflow_context *context, void *state, reflow_packet *inputs,
                                 size_t count) {
    (void)state;
    (void)count;
    return reflow_context_emit(context, 0, reflow_message_take(&inputs[0].message));
}

static reflow_status run_tick(reflow_context *context, void *state, reflow_packet *inputs,
                              size_t count) {
    bench_rest *rest = state;
    uint64_t now = now_ns();
    uint64_t gap = rest->tick_ns == 0 ? 0 : now - rest->tick_ns;
    (void)count;
    rest->tick_ns = now;
    if (gap > __atomic_load_n(&rest->gap_ns, __ATOMIC_RELAXED)) {
        __atomic_store_n(&rest->gap_ns, gap, __ATOMIC_RELAXED);
    }
    __atomic_fetch_add(&rest->ticks, 1, __ATOMIC_RELEASE);
    if (__atomic_load_n(&rest->stop, __ATOMIC_ACQUIRE) != 0) return REFLOW_OK;
    return reflow_context_emit(context, 0, reflow_message_take(&inputs[0].message));
}

static reflow_status run_total(reflow_context *context, void *state, reflow_packet *inputs,
                               size_t count) {
    bench_rest *rest = state;
    int64_t value = 0;
    (void)context;
    (void)count;
    if (reflow_message_get_integer(inputs[0].message, &value)) return REFLOW_ERROR_TYPE;
    rest->sum += value;
    ++rest->count;
    return REFLOW_OK;
}

/* ---- registration */

typedef struct kind {
    const char *id;
    reflow_run_fn run;
    uint32_t ins, outs;
} kind;

static reflow_status register_kind(reflow_runtime *runtime, const kind *of, void *user_data,
                                   int stateful, reflow_error **error) {
    reflow_port ins[2], out = {0};
    reflow_component component = {0};
    ins[0] = ins[1] = out;
    ins[0].name = reflow_str("in");
    ins[1].name = reflow_str("with");
    out.name = reflow_str("out");
    component.struct_size = sizeof component;
    component.port_size = sizeof out;
    component.id = reflow_str(of->id);
    component.inports = ins;
    component.inport_count = of->ins;
    component.outports = &out;
    component.outport_count = of->outs;
    component.max_batch = 1;
    component.run = of->run;
    component.user_data = user_data;
    if (of->ins > 1) component.await = REFLOW_AWAIT_ALL;
    if (stateful) {
        component.create = create_side;
        component.destroy_state = destroy_side;
    }
    return reflow_runtime_register(runtime, &component, error);
}

reflow_status bench_register_streams(reflow_runtime *runtime, bench_plan *plan,
                                     reflow_error **error) {
    static const kind kinds[] = {{"BenchWriter", run_writer, 0, 1},
                                 {"BenchReader", run_reader, 1, 0}};
    reflow_status status = REFLOW_OK;
    for (size_t i = 0; i < 2 && status == REFLOW_OK; ++i) {
        status = register_kind(runtime, &kinds[i], plan, 1, error);
    }
    return status;
}

reflow_status bench_register_rest(reflow_runtime *runtime, bench_rest *rest,
                                  reflow_error **error) {
    static const kind kinds[] = {{"BenchPartner", run_partner, 2, 1},
                                 {"BenchTick", run_tick, 1, 1},
                                 {"BenchTotal", run_total, 1, 0}};
    reflow_status status = REFLOW_OK;
    for (size_t i = 0; i < 3 && status == REFLOW_OK; ++i) {
        status = register_kind(runtime, &kinds[i], rest, 0, error);
    }
    return status;
}
