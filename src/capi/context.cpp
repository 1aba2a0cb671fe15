// Section 8 of reflow.h: what a callback may do with its context. Runs once for a packet.
// Thread: that of the callback.
#include "capi/guard.hpp"
#include "runtime/actor.hpp"

using namespace reflow;
using namespace reflow::capi;

namespace {

// Behind the way that most go, which so needs no frame on the stack.
[[gnu::noinline]] reflow_status emit_slowly(reflow_context* context, uint32_t outport,
                                            reflow_message message) {
    if (context != nullptr && context->phase == runtime::Phase::run &&
        context->actor.emit_plain(outport, message)) {
        return REFLOW_OK;
    }
    return reflow_context_emit_at(context, outport, REFLOW_NO_INDEX, message);
}

}  // namespace

extern "C" {

reflow_view reflow_context_node(const reflow_context* context) {
    return context == nullptr ? to_view({}) : to_view(context->node());
}

reflow_message reflow_context_config(const reflow_context* context) {
    return context == nullptr ? reflow_message{} : context->config().raw();
}

reflow_status reflow_context_emit(reflow_context* context, uint32_t outport,
                                  reflow_message message) {
    if (context != nullptr && context->phase == runtime::Phase::run &&
        context->actor.emit_open(outport, message)) [[likely]] {
        return REFLOW_OK;
    }
    return emit_slowly(context, outport, message);
}

reflow_status reflow_context_emit_at(reflow_context* context, uint32_t outport, uint32_t index,
                                     reflow_message message) {
    Message taken = Message::adopt(message);
    if (context == nullptr) return REFLOW_ERROR_INVALID_ARGUMENT;
    return guarded_status([&] { return context->emit(outport, std::move(taken), index); });
}

reflow_status reflow_context_emit_many(reflow_context* context, uint32_t outport,
                                       const reflow_message* messages, size_t count) {
    if (messages == nullptr && count != 0) return REFLOW_ERROR_INVALID_ARGUMENT;
    if (count > static_cast<size_t>(PTRDIFF_MAX) / sizeof *messages) {
        return REFLOW_ERROR_INVALID_ARGUMENT;
    }
    if (context != nullptr) return context->emit_many(outport, {messages, count});
    for (size_t i = 0; i < count; ++i) reflow_message_unref(messages[i]);
    return count == 0 ? REFLOW_OK : REFLOW_ERROR_INVALID_ARGUMENT;
}

size_t reflow_context_room(const reflow_context* context, uint32_t outport) {
    return context == nullptr ? 0 : context->room(outport);
}

bool reflow_context_connected(const reflow_context* context, uint32_t outport) {
    return context != nullptr && context->connected(outport);
}

reflow_status reflow_context_advance(reflow_context* context, size_t count) {
    return context == nullptr ? REFLOW_ERROR_INVALID_ARGUMENT : context->advance(count);
}

reflow_status reflow_context_again(reflow_context* context) {
    return context == nullptr ? REFLOW_ERROR_INVALID_ARGUMENT : context->again();
}

reflow_status reflow_context_wake_after(reflow_context* context, uint64_t delay_ns) {
    if (context == nullptr) return REFLOW_ERROR_INVALID_ARGUMENT;
    return guarded_status([&] { return context->wake_after(delay_ns); });
}

[[gnu::cold]] reflow_status reflow_context_fail(reflow_context* context, reflow_status status,
                                  reflow_view message, reflow_view hint) {
    if (context == nullptr || status >= 0) return REFLOW_ERROR_INVALID_ARGUMENT;
    (void)guarded_status([&] {
        String text = repair_utf8(view_of(message));
        String advice = repair_utf8(view_of(hint));
        return context->fail(Failure(status, text).hint(advice));
    });
    return status;
}

uint64_t reflow_context_now_ns(const reflow_context* context) {
    return context == nullptr ? 0 : context->now_ns();
}

uint64_t reflow_context_deadline_ns(const reflow_context* context) {
    return context == nullptr ? UINT64_MAX : context->deadline_ns();
}

uint64_t reflow_context_watchdog_ms(const reflow_context* context) {
    return context == nullptr ? 0 : context->actor.watchdog_ms();
}

reflow_status reflow_context_defer(reflow_context* context, size_t firing, reflow_completion* out) {
    if (out == nullptr) return REFLOW_ERROR_INVALID_ARGUMENT;
    *out = {};
    if (context == nullptr) return REFLOW_ERROR_INVALID_ARGUMENT;
    return guarded_status([&] { return context->defer(firing, *out); });
}

bool reflow_context_stopping(const reflow_context* context) {
    return context != nullptr && context->stopping();
}

[[gnu::cold]] void reflow_context_log(reflow_context* context, reflow_log_level level, reflow_view text) {
    if (context == nullptr || level < REFLOW_LOG_ERROR || level > REFLOW_LOG_TRACE) return;
    std::string_view line = view_of(text);
    if (!invalid_utf8(line)) return context->log(level, line);
    (void)guarded_status([&] {
        context->log(level, repair_utf8(line));
        return REFLOW_OK;
    });
}

[[gnu::cold]] reflow_status reflow_context_print(reflow_context* context, reflow_view text) {
    if (context == nullptr) return REFLOW_ERROR_INVALID_ARGUMENT;
    if (text.data == nullptr && text.size != 0) return REFLOW_ERROR_INVALID_ARGUMENT;
    if (invalid_utf8(view_of(text))) return REFLOW_ERROR_INVALID_UTF8;
    return context->print(view_of(text));
}

}  // extern "C"
