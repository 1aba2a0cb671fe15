// What a callback may do with its context.
// Thread: that of the callback.
#include "runtime/context.hpp"

#include <algorithm>
#include <new>

#include "runtime/actor.hpp"
#include "runtime/scheduler.hpp"

using reflow::runtime::ActorTimers;
using reflow::runtime::Phase;

namespace {

bool may_emit(Phase phase) noexcept { return phase == Phase::run || phase == Phase::finish; }

}  // namespace

std::string_view reflow_context::node() const noexcept { return actor.id; }

reflow::MessageRef reflow_context::config() const noexcept { return actor.config; }

reflow_status reflow_context::emit(std::uint32_t outport, reflow::Message message,
                                   std::uint32_t index) {
    if (!may_emit(phase)) return REFLOW_ERROR_INVALID_STATE;
    if (index == REFLOW_NO_INDEX && actor.emit_plain(outport, message.raw())) {
        (void)message.leak();
        return REFLOW_OK;
    }
    if (actor.group.observer.checks_types()) [[unlikely]] {
        reflow_status fits = refuse_type(outport, message, index);
        if (fits != REFLOW_OK) return fits;
    }
    return actor.emit(outport, std::move(message), index);
}

reflow_status reflow_context::emit_many(std::uint32_t outport,
                                        std::span<const reflow_message> messages) {
    reflow_status status = may_emit(phase) ? REFLOW_OK : REFLOW_ERROR_INVALID_STATE;
    for (std::size_t i = 0; i < messages.size();) {
        if (status == REFLOW_OK) i += actor.emit_plain(outport, messages.subspan(i));
        if (i == messages.size()) break;
        // After a failure the rest is only dropped.
        reflow::Message message = reflow::Message::adopt(messages[i++]);
        if (status == REFLOW_OK) {
            try {
                if (actor.group.observer.checks_types()) {
                    status = refuse_type(outport, message, REFLOW_NO_INDEX);
                }
                if (status == REFLOW_OK) {
                    status = actor.emit(outport, std::move(message), REFLOW_NO_INDEX);
                }
            } catch (const std::bad_alloc&) {
                status = REFLOW_ERROR_OUT_OF_MEMORY;
            }
        }
    }
    return status;
}

std::size_t reflow_context::room(std::uint32_t outport) const noexcept {
    return actor.room(outport);
}

bool reflow_context::connected(std::uint32_t outport) const noexcept {
    return outport < actor.outports.size() && !actor.outports[outport].empty();
}

reflow_status reflow_context::advance(std::size_t count) noexcept {
    if (phase != Phase::run) return REFLOW_ERROR_INVALID_STATE;
    if (count > firings || count < advanced) return REFLOW_ERROR_INVALID_ARGUMENT;
    advanced = count;
    return REFLOW_OK;
}

reflow_status reflow_context::again() noexcept {
    if (!may_emit(phase)) return REFLOW_ERROR_INVALID_STATE;
    unusual = again_asked = true;
    return REFLOW_OK;
}

[[gnu::cold]] reflow_status reflow_context::wake_after(std::uint64_t delay_ns) noexcept {
    if (phase != Phase::run) return REFLOW_ERROR_INVALID_STATE;
    reflow::runtime::Scheduler& scheduler = actor.group.scheduler;
    std::uint64_t now = scheduler.clock().now_ns();
    // Clocks and conditions count in signed numbers: for ever is their end, in three centuries.
    constexpr std::uint64_t last = INT64_MAX;
    std::uint64_t due = now >= last || delay_ns > last - now ? last : now + delay_ns;
    try {
        if (actor.timers() == nullptr) actor.extras().timers.reset(new ActorTimers(actor));
        scheduler.arm(actor.timers()->wake, due);
        unusual = wake_asked = true;
        wake_due_ns = due;
    } catch (const std::bad_alloc&) {
        return REFLOW_ERROR_OUT_OF_MEMORY;
    }
    return REFLOW_OK;
}

namespace {

reflow_status may_set(const reflow_context& context, std::uint32_t id) noexcept {
    if (context.phase != Phase::run) return REFLOW_ERROR_INVALID_STATE;
    return id < REFLOW_MAX_TIMERS ? REFLOW_OK : REFLOW_ERROR_LIMIT;
}

[[gnu::cold]] ActorTimers& timers_of(reflow::runtime::Actor& actor) {
    if (actor.timers() == nullptr) actor.extras().timers.reset(new ActorTimers(actor));
    return *actor.timers();
}

}  // namespace

[[gnu::cold]] reflow_status reflow_context::set_timer(std::uint32_t id, std::uint64_t delay_ns,
                                        std::uint64_t period_ns) noexcept try {
    if (reflow_status status = may_set(*this, id); status != REFLOW_OK) return status;
    constexpr std::uint64_t last = INT64_MAX;
    timers_of(actor).set(id, std::min(now_ns(), last) + std::min(delay_ns, last),
                         std::min(period_ns, last));
    unusual = timers_asked = true;
    return REFLOW_OK;
} catch (const std::bad_alloc&) {
    return REFLOW_ERROR_OUT_OF_MEMORY;
}

[[gnu::cold]] reflow_status reflow_context::set_timer(
    std::uint32_t id, std::unique_ptr<reflow::runtime::Recurrence> recurrence) noexcept try {
    if (reflow_status status = may_set(*this, id); status != REFLOW_OK) return status;
    timers_of(actor).set(id, std::move(recurrence));
    unusual = timers_asked = true;
    return REFLOW_OK;
} catch (const std::bad_alloc&) {
    return REFLOW_ERROR_OUT_OF_MEMORY;
}

[[gnu::cold]] reflow_status reflow_context::cancel_timer(std::uint32_t id) noexcept {
    if (reflow_status status = may_set(*this, id); status != REFLOW_OK) return status;
    if (actor.timers() != nullptr) actor.timers()->cancel(id);
    return REFLOW_OK;
}

std::int64_t reflow_context::wall_ms() const noexcept {
    return actor.group.scheduler.clock().wall_ms();
}

reflow_status reflow_context::rest() noexcept {
    if (!may_emit(phase) || actor.tether() == nullptr) return REFLOW_ERROR_INVALID_STATE;
    unusual = wake_asked = true;
    return REFLOW_OK;
}

std::size_t reflow_context::firing_size() const noexcept { return actor.firing_size_; }

std::uint64_t reflow_context::now_ns() const noexcept {
    return actor.group.scheduler.clock().now_ns();
}

bool reflow_context::stopping() const noexcept {
    return actor.group.stopping() || (deadline != UINT64_MAX && now_ns() >= deadline);
}

reflow_status reflow_context::defer(std::size_t firing, reflow_completion& completion) {
    if (phase != Phase::run) return REFLOW_ERROR_INVALID_STATE;
    return actor.defer(*this, firing, completion);
}

[[gnu::cold]] void reflow_context::log(reflow_log_level level, std::string_view text) noexcept {
    reflow::runtime::Environment& environment = actor.group.environment;
    if (environment.logs(level)) environment.log(level, actor.component->id, actor.id, text);
}

[[gnu::cold]] reflow_status reflow_context::print(std::string_view text) noexcept {
    const reflow_status status = actor.group.environment.print(actor.id, text);
    reflow::runtime::Interceptor* recorder = actor.group.interceptor;
    if (status != REFLOW_OK && recorder != nullptr) recorder->lose("the host has refused what a node printed");
    return status;
}

reflow::Store& reflow_context::store() noexcept { return actor.group.environment.store(); }

[[gnu::cold]] reflow_status reflow_context::fail(std::unique_ptr<reflow::Error> failure) noexcept {
    error = std::move(failure);
    return error->status;
}
