// Section 19 of reflow.h: failures with their traces, dead letters, states of nodes.
// Thread: any.
#include "base/limits.hpp"
#include "capi/guard.hpp"
#include "capi/handles.hpp"
#include "runtime/actor.hpp"
#include "runtime/completions.hpp"

using namespace reflow;
using namespace reflow::capi;
using runtime::Deferred;

namespace {

bool is_view(const reflow_view& view) noexcept { return view.data != nullptr || view.size == 0; }

// The end of a trace, where languages put the newest call.
std::string_view kept(std::string_view trace) noexcept {
    if (trace.size() <= limits::trace_bytes) return trace;
    return trace.substr(trace.size() - limits::trace_bytes);
}

// NULL if it is no failure.
std::unique_ptr<Error> error_of(const reflow_failure* given) {
    Result<reflow_failure> read = read_options(given, "reflow_failure");
    if (!read.ok() || given == nullptr) return nullptr;
    const reflow_failure& failure = read.value();
    bool fine = failure.status < 0 && is_view(failure.message) && is_view(failure.hint) &&
                is_view(failure.trace);
    if (!fine) return nullptr;
    auto error = Failure(failure.status, repair_utf8(view_of(failure.message)))
                     .hint(repair_utf8(view_of(failure.hint)))
                     .take();
    error->trace = repair_utf8(kept(view_of(failure.trace)));
    return error;
}

}  // namespace

extern "C" {

reflow_status reflow_context_fail_with(reflow_context* context, const reflow_failure* failure) {
    if (context == nullptr || failure == nullptr) return REFLOW_ERROR_INVALID_ARGUMENT;
    reflow_status status = REFLOW_ERROR_INVALID_ARGUMENT;
    reflow_status made = guarded_status([&] {
        if (auto error = error_of(failure)) status = context->fail(std::move(error));
        return REFLOW_OK;
    });
    // Without memory for the words the status is still the host's.
    if (made != REFLOW_OK && failure->struct_size >= 8 && failure->status < 0) {
        return failure->status;
    }
    return status;
}

reflow_status reflow_completion_fail_with(reflow_completion completion,
                                          const reflow_failure* failure) {
    if (failure == nullptr) return REFLOW_ERROR_INVALID_ARGUMENT;
    return guarded_status([&]() -> reflow_status {
        auto error = error_of(failure);
        if (error == nullptr) return REFLOW_ERROR_INVALID_ARGUMENT;
        Ref<Deferred> firing;
        reflow_status found = runtime::completions::find(completion.id, firing);
        if (found != REFLOW_OK) return found;
        reflow_status status = error->status;
        return firing->home->end(*firing, status, std::move(error));
    });
}

uint32_t reflow_context_attempts(const reflow_context* context) {
    return context == nullptr || context->phase != runtime::Phase::run ? 0 : context->attempts;
}

reflow_status reflow_network_on_failure(reflow_network* network, reflow_failure_fn decide,
                                        void* user_data, reflow_destroy_fn destroy,
                                        reflow_error** error) {
    network::FailureHook hook{network::HostData(user_data, destroy), decide};
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        if (decide == nullptr) return null_argument("decide");
        return network_of(network)->on_failure(std::move(hook));
    });
}

// ---- dead letters

reflow_status reflow_network_dead_letters(const reflow_network* network,
                                          reflow_dead_letters* letters, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        if (letters == nullptr) return null_argument("letters");
        reflow_dead_letters from{};
        network_of(network)->count_letters(from);
        if (fill_struct(letters, from)) return {};
        return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                       "struct_size of reflow_dead_letters is not its size");
    });
}

reflow_status reflow_network_list_dead_letters(const reflow_network* network, reflow_view path,
                                               uint64_t after, size_t max, reflow_message* out,
                                               reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (out == nullptr) return null_argument("out");
        *out = {};
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        Result<std::string_view> text = text_argument(path, "path");
        if (!text.ok()) return text.take_error();
        return give(network_of(network)->list_letters(text.value(), after, max), out);
    });
}

reflow_status reflow_network_replay_dead_letter(reflow_network* network, uint64_t id,
                                                reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        return network_of(network)->replay_letter(id);
    });
}

reflow_status reflow_network_replay_dead_letters(reflow_network* network, reflow_view path,
                                                 size_t* count, reflow_error** error) {
    size_t played = 0;
    if (count != nullptr) *count = 0;
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        Result<std::string_view> text = text_argument(path, "path");
        if (!text.ok()) return text.take_error();
        struct Tell {
            ~Tell() {
                if (to != nullptr) *to = from;
            }
            size_t* to;
            const size_t& from;
        } tell{count, played};
        return network_of(network)->replay_letters(text.value(), played);
    });
}

reflow_status reflow_network_send_dead_letter(reflow_network* network, reflow_message letter,
                                              reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        return network_of(network)->send_letter(MessageRef(letter));
    });
}

reflow_status reflow_network_drop_dead_letters(reflow_network* network, uint64_t id,
                                               reflow_view path, size_t* count,
                                               reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        size_t dropped = 0;
        if (count != nullptr) *count = 0;
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        Result<std::string_view> text = text_argument(path, "path");
        if (!text.ok()) return text.take_error();
        Result<void> done = network_of(network)->drop_letters(id, text.value(), dropped);
        if (count != nullptr) *count = dropped;
        return done;
    });
}

// ---- states

reflow_status reflow_network_node_state(const reflow_network* network, reflow_view node,
                                        reflow_node_status* status, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        if (status == nullptr) return null_argument("status");
        Result<std::string_view> text = text_argument(node, "node");
        if (!text.ok()) return text.take_error();
        reflow_node_status from{};
        Result<void> read = network_of(network)->node_state(text.value(), from);
        if (!fill_struct(status, from)) {
            return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                           "struct_size of reflow_node_status is not its size");
        }
        return read;
    });
}

reflow_view reflow_node_state_name(int32_t state) {
    return to_view(network::node_state_name(state));
}

}  // extern "C"
