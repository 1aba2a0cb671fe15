// Section 17 of reflow.h: keys and pools of a node, and states. Neighbours: snapshot.cpp.
// Thread: that of the callback for a context, any for a network.
#include "base/limits.hpp"
#include "capi/guard.hpp"
#include "capi/handles.hpp"
#include "runtime/actor.hpp"

using namespace reflow;
using namespace reflow::capi;

namespace {

const runtime::NodeState* state_of(const reflow_context* context) noexcept {
    return context == nullptr ? nullptr : context->actor.named_state();
}

// For writing: made when it is used first.
runtime::NodeState& make_state(reflow_context& context) {
    std::unique_ptr<runtime::NodeState>& state = context.actor.extras().named_state;
    if (state == nullptr) state.reset(new runtime::NodeState);
    return *state;
}

// Whether a name from the host can be one; its text in any case.
reflow_status check_name(reflow_view name, std::string_view& text) noexcept {
    text = view_of(name);
    if (name.data == nullptr && name.size != 0) return REFLOW_ERROR_INVALID_ARGUMENT;
    return invalid_utf8(text) ? REFLOW_ERROR_INVALID_UTF8 : REFLOW_OK;
}

reflow_status give_object(const runtime::StateTable* table, reflow_message* out) {
    Result<Message> made = table == nullptr ? ObjectBuilder().finish() : table->object();
    if (!made.ok()) return made.error().status;
    *out = std::move(made).take().leak();
    return REFLOW_OK;
}

// What both kinds of setting share: set(state) does it.
template <typename Set>
reflow_status set_value(reflow_context* context, std::initializer_list<reflow_view> names,
                        MessageRef value, Set set) noexcept {
    if (context == nullptr || value.none()) return REFLOW_ERROR_INVALID_ARGUMENT;
    for (reflow_view name : names) {
        std::string_view text;
        if (reflow_status status = check_name(name, text); status != REFLOW_OK) return status;
    }
    return guarded_status([&] { return set(make_state(*context)); });
}

}  // namespace

extern "C" {

// ---- keys

reflow_message reflow_context_state_get(const reflow_context* context, reflow_view key) {
    const runtime::NodeState* state = state_of(context);
    return state == nullptr ? reflow_message{} : state->get(view_of(key)).raw();
}

reflow_status reflow_context_state_set(reflow_context* context, reflow_view key,
                                       reflow_message value) {
    Message taken = Message::adopt(value);
    return set_value(context, {key}, taken, [&](runtime::NodeState& state) {
        return state.set(view_of(key), std::move(taken));
    });
}

reflow_status reflow_context_state_remove(reflow_context* context, reflow_view key) {
    if (context == nullptr) return REFLOW_ERROR_INVALID_ARGUMENT;
    runtime::NodeState* state = context->actor.named_state();
    bool removed = state != nullptr && state->remove(view_of(key));
    return removed ? REFLOW_OK : REFLOW_ERROR_NOT_FOUND;
}

reflow_status reflow_context_state_clear(reflow_context* context) {
    if (context == nullptr) return REFLOW_ERROR_INVALID_ARGUMENT;
    if (runtime::NodeState* state = context->actor.named_state()) state->clear();
    return REFLOW_OK;
}

size_t reflow_context_state_count(const reflow_context* context) {
    const runtime::NodeState* state = state_of(context);
    return state == nullptr ? 0 : state->keys().size();
}

reflow_status reflow_context_state_all(const reflow_context* context, reflow_message* out) {
    if (out == nullptr) return REFLOW_ERROR_INVALID_ARGUMENT;
    *out = {};
    if (context == nullptr) return REFLOW_ERROR_INVALID_ARGUMENT;
    const runtime::NodeState* state = state_of(context);
    return guarded_status(
        [&] { return give_object(state == nullptr ? nullptr : &state->keys(), out); });
}

// ---- pools

reflow_status reflow_context_pool_upsert(reflow_context* context, reflow_view pool, reflow_view id,
                                         reflow_message value) {
    Message taken = Message::adopt(value);
    return set_value(context, {pool, id}, taken, [&](runtime::NodeState& state) {
        return state.upsert(view_of(pool), view_of(id), std::move(taken));
    });
}

reflow_status reflow_context_pool_remove(reflow_context* context, reflow_view pool,
                                         reflow_view id) {
    if (context == nullptr) return REFLOW_ERROR_INVALID_ARGUMENT;
    runtime::NodeState* state = context->actor.named_state();
    bool removed = state != nullptr && state->remove(view_of(pool), view_of(id));
    return removed ? REFLOW_OK : REFLOW_ERROR_NOT_FOUND;
}

reflow_status reflow_context_pool_get(const reflow_context* context, reflow_view pool,
                                      reflow_message* out) {
    if (out == nullptr) return REFLOW_ERROR_INVALID_ARGUMENT;
    *out = {};
    if (context == nullptr) return REFLOW_ERROR_INVALID_ARGUMENT;
    const runtime::NodeState* state = state_of(context);
    return guarded_status(
        [&] { return give_object(state == nullptr ? nullptr : state->pool(view_of(pool)), out); });
}

reflow_message reflow_context_pool_find(const reflow_context* context, reflow_view pool,
                                        reflow_view id) {
    const runtime::NodeState* state = state_of(context);
    const runtime::StateTable* table = state == nullptr ? nullptr : state->pool(view_of(pool));
    return table == nullptr ? reflow_message{} : table->find(view_of(id)).raw();
}

size_t reflow_context_pool_count(const reflow_context* context, reflow_view pool) {
    const runtime::NodeState* state = state_of(context);
    const runtime::StateTable* table = state == nullptr ? nullptr : state->pool(view_of(pool));
    return table == nullptr ? 0 : table->size();
}

reflow_status reflow_context_pool_clear(reflow_context* context, reflow_view pool) {
    if (context == nullptr) return REFLOW_ERROR_INVALID_ARGUMENT;
    if (runtime::NodeState* state = context->actor.named_state()) state->clear(view_of(pool));
    return REFLOW_OK;
}

// ---- a network

reflow_status reflow_network_with_state(reflow_network* network, reflow_view node,
                                        reflow_view component, reflow_state_visit_fn visit,
                                        void* user_data, int64_t timeout_ms, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        if (visit == nullptr) return null_argument("visit");
        Result<std::string_view> node_text = text_argument(node, "node");
        if (!node_text.ok()) return node_text.take_error();
        Result<std::string_view> kind = text_argument(component, "component");
        if (!kind.ok()) return kind.take_error();
        return network_of(network)->with_state(node_text.value(), kind.value(), visit, user_data,
                                               timeout_ms);
    });
}

}  // extern "C"
