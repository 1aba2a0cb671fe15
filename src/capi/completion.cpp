// Section 8 of reflow.h: firings that end later, by the completion that means them.
// Thread: any.
#include "capi/guard.hpp"
#include "capi/handles.hpp"
#include "runtime/completions.hpp"

using namespace reflow;
using namespace reflow::capi;
using runtime::Deferred;

extern "C" {

reflow_status reflow_completion_emit(reflow_completion completion, uint32_t outport,
                                     reflow_message message, int64_t timeout_ms) {
    return reflow_completion_emit_at(completion, outport, REFLOW_NO_INDEX, message, timeout_ms);
}

reflow_status reflow_completion_emit_at(reflow_completion completion, uint32_t outport,
                                        uint32_t index, reflow_message message,
                                        int64_t timeout_ms) {
    return guarded_status([&] {
        Ref<Deferred> firing;
        reflow_status status = runtime::completions::find(completion.id, firing);
        if (status != REFLOW_OK) return status;
        return firing->home->emit(*firing, outport, index, message, timeout_ms);
    });
}

reflow_status reflow_completion_resolve(reflow_completion completion) {
    Ref<Deferred> firing;
    reflow_status status = runtime::completions::find(completion.id, firing);
    if (status != REFLOW_OK) return status;
    return firing->home->end(*firing, REFLOW_OK, nullptr);
}

reflow_status reflow_completion_fail(reflow_completion completion, reflow_status status,
                                     reflow_view message, reflow_view hint) {
    if (status >= 0) return REFLOW_ERROR_INVALID_ARGUMENT;
    if (message.data == nullptr && message.size != 0) return REFLOW_ERROR_INVALID_ARGUMENT;
    if (hint.data == nullptr && hint.size != 0) return REFLOW_ERROR_INVALID_ARGUMENT;
    return guarded_status([&] {
        Ref<Deferred> firing;
        reflow_status found = runtime::completions::find(completion.id, firing);
        if (found != REFLOW_OK) return found;
        String text = repair_utf8(view_of(message));
        String advice = repair_utf8(view_of(hint));
        auto error = Failure(status, text).hint(advice).take();
        return firing->home->end(*firing, status, std::move(error));
    });
}

bool reflow_completion_cancelled(reflow_completion completion) {
    Ref<Deferred> firing;
    if (runtime::completions::find(completion.id, firing) != REFLOW_OK) return true;
    return firing->home->over(*firing);
}

bool reflow_network_has_firing(const reflow_network* network, reflow_completion completion) {
    Ref<Deferred> firing;
    if (network == nullptr || is_forked(network)) return false;
    if (runtime::completions::find(completion.id, firing) != REFLOW_OK) return false;
    auto* of = const_cast<reflow_network*>(network);  // it is only looked at
    return firing->home->alive_in(*firing, network_of(of)->group());
}

reflow_status reflow_completion_on_cancel(reflow_completion completion, reflow_cancel_fn cancelled,
                                          void* user_data, reflow_destroy_fn destroy) {
    runtime::CancelHook hook(cancelled, user_data, destroy);
    if (cancelled == nullptr) return REFLOW_ERROR_INVALID_ARGUMENT;
    Ref<Deferred> firing;
    reflow_status status = runtime::completions::find(completion.id, firing);
    if (status != REFLOW_OK) return status;
    return firing->home->set_hook(*firing, hook);
}

reflow_status reflow_completion_on_writable(reflow_completion completion, reflow_room_fn callback,
                                            void* user_data, reflow_destroy_fn destroy) {
    runtime::CancelHook hook(callback, user_data, destroy);
    if (callback == nullptr) return REFLOW_ERROR_INVALID_ARGUMENT;
    return guarded_status([&] {
        Ref<Deferred> firing;
        reflow_status status = runtime::completions::find(completion.id, firing);
        return status != REFLOW_OK ? status : firing->home->set_room_hook(*firing, hook);
    });
}

reflow_status reflow_completion_set_envelope(reflow_completion completion,
                                             const reflow_envelope* envelope) {
    return guarded_status([&] {
        Message made;
        if (envelope != nullptr) {
            Result<Message> read = envelope_argument(*envelope);
            if (!read.ok()) return read.error().status;
            made = std::move(read).take();
        }
        Ref<Deferred> firing;
        reflow_status status = runtime::completions::find(completion.id, firing);
        return status != REFLOW_OK ? status : firing->home->set_envelope(*firing, std::move(made));
    });
}

reflow_status reflow_completion_stuck(reflow_completion completion, uint64_t duration_ns) {
    Ref<Deferred> firing;
    reflow_status status = runtime::completions::find(completion.id, firing);
    return status != REFLOW_OK ? status : firing->home->stuck(*firing, duration_ns);
}

}  // extern "C"
