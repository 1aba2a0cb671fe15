// The callbacks of an actor outside of its turns, and what becomes of what callbacks return and throw.
// Neighbours: context (what they may do), actor (its turns). Thread: that of the callback.
#include <new>
#include <utility>

#include "base/host.hpp"
#include "base/text.hpp"
#include "runtime/actor.hpp"
#include "runtime/context.hpp"

namespace reflow::runtime {

Result<void> result_of(Context& context, reflow_status status, std::string_view what) {
    if (status == REFLOW_OK) return {};
    std::unique_ptr<Error> error = std::move(context.error);
    if (error == nullptr) error = Failure(status, concat(what, " failed")).take();
    error->status = failure_status(status);
    if (error->node.empty()) error->node = context.actor.id;
    return error;
}

[[gnu::cold]] reflow_status thrown(Context& context) noexcept {
    try {
        try {
            throw;
        } catch (const std::bad_alloc&) {
            return REFLOW_ERROR_OUT_OF_MEMORY;
        } catch (...) {
            context.error = Failure(REFLOW_ERROR_FAILED, thrown_text()).take();
        }
    } catch (...) {
        return REFLOW_ERROR_OUT_OF_MEMORY;
    }
    return REFLOW_ERROR_FAILED;
}

namespace {

// Of callbacks that cannot fail.
void log_failure(Context& context, reflow_status status, std::string_view what) noexcept {
    if (status == REFLOW_OK) return;
    (void)shielded(context, [&] {
        Result<void> failed = result_of(context, status, what);
        context.log(REFLOW_LOG_ERROR, concat(what, ": ", failed.error().describe()));
        return REFLOW_OK;
    });
}

}  // namespace

Result<void> Actor::create() {
    if (component->create == nullptr) {
        state = component->user_data;
        return {};
    }
    Context context{*this, Phase::create};
    reflow_status status = shielded(
        context, [&] { return component->create(&context, component->user_data, &state); });
    created = status == REFLOW_OK;
    return result_of(context, status, "create");
}

Result<void> Actor::setup() {
    Context context{*this, Phase::setup};
    if (component->setup != nullptr) {
        Result<void> result = result_of(
            context, shielded(context, [&] { return component->setup(&context, state); }), "setup");
        if (!result.ok()) return result;
    }
    set_up = true;
    return {};
}

void Actor::teardown() noexcept {
    if (!set_up) return;
    set_up = false;
    Context context{*this, Phase::teardown};
    if (component->teardown == nullptr) return;
    const reflow_status status = shielded(context, [&] {
        component->teardown(&context, state);
        return REFLOW_OK;
    });
    log_failure(context, status, "teardown");
}

void Actor::end_state() noexcept {
    if (!std::exchange(created, false) || component->destroy_state == nullptr) return;
    Context context{*this, Phase::teardown};
    const reflow_status status = shielded(context, [&] {
        component->destroy_state(state);
        return REFLOW_OK;
    });
    log_failure(context, status, "destroy_state");
}

}  // namespace reflow::runtime
