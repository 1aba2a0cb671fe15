// What a callback of an actor may do: the struct behind reflow_context. Built-in components and the
// C interface use the same one. Neighbours: actor. Thread: that of the callback, inside it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "base/result.hpp"
#include "base/store.hpp"
#include "message/message.hpp"
#include "reflow.h"

namespace reflow::runtime {

class Actor;
class Deferred;
class FramePools;
class Probe;
class Recurrence;

// What the host gave to the runtime: where text goes and files come from.
class Environment : public Allocated {
public:
    virtual ~Environment() = default;
    [[nodiscard]] virtual bool logs(reflow_log_level level) const noexcept = 0;
    virtual void log(reflow_log_level level, std::string_view subsystem, std::string_view node,
                     std::string_view text) noexcept = 0;
    // REFLOW_OK or the status of the host's hook.
    virtual reflow_status print(std::string_view node, std::string_view text) noexcept = 0;
    [[nodiscard]] virtual Store& store() noexcept = 0;
    // One reference to the runtime more, or less; the last one ends it.
    virtual void keep() noexcept {}
    virtual void let_go() noexcept {}
    // NULL if there are none.
    [[nodiscard]] virtual FramePools* frame_pools() noexcept { return nullptr; }
};

// What a callback has returned, as a failure: positive numbers are none that a host may see.
[[nodiscard]] inline reflow_status failure_status(reflow_status returned) noexcept {
    return returned < 0 ? returned : REFLOW_ERROR_FAILED;
}

// Which callback is running.
// replace: save and load of a node that is replaced by one of the same component.
enum class Phase : std::uint8_t { create, setup, run, finish, teardown, save, load, visit, replace };

}  // namespace reflow::runtime

struct reflow_context {
    // Member by member: as an aggregate it would be cleared as a whole first, which takes longer
    // than a short turn.
    reflow_context(reflow::runtime::Actor& of, reflow::runtime::Phase now) noexcept
        : actor(of), phase(now) {}

    // The members are those of reflow_context_... in reflow.h.
    [[nodiscard]] std::string_view node() const noexcept;
    [[nodiscard]] reflow::MessageRef config() const noexcept;
    reflow_status emit(std::uint32_t outport, reflow::Message message,
                       std::uint32_t index = REFLOW_NO_INDEX);
    // Takes all messages, whatever happens.
    reflow_status emit_many(std::uint32_t outport, std::span<const reflow_message> messages);
    // With check_types: REFLOW_ERROR_TYPE, and the error of the firing, if it does not fit.
    reflow_status refuse_type(std::uint32_t outport, reflow::MessageRef message,
                              std::uint32_t index);
    [[nodiscard]] std::size_t room(std::uint32_t outport) const noexcept;
    [[nodiscard]] bool connected(std::uint32_t outport) const noexcept;
    reflow_status advance(std::size_t count) noexcept;
    reflow_status again() noexcept;
    reflow_status wake_after(std::uint64_t delay_ns) noexcept;
    // Those with numbers: after a delay and then again after each period, if it is not 0; by the wall
    // clock; none.
    reflow_status set_timer(std::uint32_t id, std::uint64_t delay_ns,
                            std::uint64_t period_ns) noexcept;
    reflow_status set_timer(std::uint32_t id,
                            std::unique_ptr<reflow::runtime::Recurrence> recurrence) noexcept;
    reflow_status cancel_timer(std::uint32_t id) noexcept;
    // Milliseconds since 1970; logical in the simulation.
    [[nodiscard]] std::int64_t wall_ms() const noexcept;
    reflow_status rest() noexcept;
    // The number of inputs that make one firing.
    [[nodiscard]] std::size_t firing_size() const noexcept;
    [[nodiscard]] std::uint64_t now_ns() const noexcept;
    [[nodiscard]] bool stopping() const noexcept;
    [[nodiscard]] std::uint64_t deadline_ns() const noexcept { return deadline; }
    reflow_status defer(std::size_t firing, reflow_completion& completion);
    void log(reflow_log_level level, std::string_view text) noexcept;
    reflow_status print(std::string_view text) noexcept;
    [[nodiscard]] reflow::Store& store() noexcept;

    // Sets the error that goes with the failure to be returned; returns its status.
    reflow_status fail(std::unique_ptr<reflow::Error> error) noexcept;
    reflow_status fail(reflow::Failure&& failure) noexcept {
        return fail(std::move(failure).take());
    }

    // One context serves all calls of a turn: the next call, with so many firings.
    void begin(std::size_t firings_of) noexcept {
        firings = firings_of;
        advanced = 0;
        if (unusual) [[unlikely]] {
            timers = std::exchange(next_timers, 0);
            unusual = timers != 0;
            again_asked = wake_asked = timers_asked = false;
        }
        if (error != nullptr) error.reset();
    }

    // The same behind a call that was as most are.
    void next() noexcept {
        advanced = 0;
        if (error != nullptr) [[unlikely]]
            error.reset();
    }

    reflow::runtime::Actor& actor;
    reflow::runtime::Phase phase;
    std::size_t firings = 0;   // in the batch
    std::size_t advanced = 0;  // completed by advance
    bool unusual = false;      // one of those below
    bool again_asked = false;
    bool wake_asked = false;
    bool timers_asked = false;
    std::uint64_t wake_due_ns = 0;  // of wake_asked
    std::uint64_t timers = 0;       // bits of those with numbers that led to this call
    std::uint64_t next_timers = 0;  // to the next one
    // Firings that the call keeps open, linked by of_call, each with a reference.
    reflow::runtime::Deferred* deferred = nullptr;
    reflow::runtime::Deferred* last_deferred = nullptr;
    std::uint64_t deadline = UINT64_MAX;
    std::unique_ptr<reflow::Error> error{};
    reflow::runtime::Probe* probe = nullptr;  // of a turn that is measured
    std::uint32_t attempts = 0;               // of the first firing, that have failed before
    bool refused = false;  // the component was not called: see Actor::begin_supervised
};

namespace reflow::runtime {

using Context = reflow_context;
using Packet = reflow_packet;

// In a handler: what a callback of the node has thrown, as its failure.
reflow_status thrown(Context& context) noexcept;

// Calls a callback of the node that gives a status; it may throw.
template <typename Call>
reflow_status shielded(Context& context, Call call) noexcept {
    try {
        return call();
    } catch (...) {
        return thrown(context);
    }
}

// What a callback has returned, with the error that it has set; `what` names it.
[[nodiscard]] Result<void> result_of(Context& context, reflow_status status, std::string_view what);

}  // namespace reflow::runtime
