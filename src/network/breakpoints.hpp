// Breakpoints of a network: where one stops it, and on what condition.
// Neighbours: network owns them, capi makes conditions. Thread: any.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/memory.hpp"
#include "base/ref.hpp"
#include "message/message.hpp"
#include "runtime/actor.hpp"

namespace reflow::network {

// Whether a breakpoint stops for a message, which may be none. The expression language is that of
// the components, and callbacks are those of the host: capi makes both. Asked in turns, without
// locks of the network.
class Condition : public Allocated {
public:
    virtual ~Condition() = default;
    enum class Answer : std::uint8_t { no, yes, fault };
    [[nodiscard]] virtual Answer ask(MessageRef message) noexcept = 0;
    // For people; empty for a callback.
    [[nodiscard]] virtual std::string_view text() const noexcept { return {}; }
};

struct BreakOptions {
    std::string_view node = {};
    std::string_view inport = {};
    std::string_view outport = {};
    std::string_view peer = {};
    std::string_view peer_port = {};
    std::uint64_t ignore = 0;
    bool once = false;
    bool node_only = false;
    std::unique_ptr<Condition> condition = {};  // NULL: always
};

// Where: before firings, at an inport, or before deliveries from an outport.
struct BreakPlace {
    static constexpr std::uint32_t no_port = UINT32_MAX;
    const runtime::Actor* actor = nullptr;  // NULL: each
    std::uint32_t inport = no_port;
    std::uint32_t outport = no_port;
    const runtime::Actor* peer = nullptr;  // NULL: each connection of the outport
    std::uint32_t peer_port = no_port;
};

class Breakpoint : public RefCounted<Breakpoint> {
public:
    Breakpoint(std::uint64_t number, const BreakPlace& at, BreakOptions options) noexcept
        : id(number),
          place(at),
          actor(Ref<const runtime::Actor>::share(at.actor)),
          peer(Ref<const runtime::Actor>::share(at.peer)),
          ignore(options.ignore),
          once(options.once),
          node_only(options.node_only),
          condition(std::move(options.condition)) {}

    const std::uint64_t id;
    const BreakPlace place;
    // Those of the place: they may have left the network.
    const Ref<const runtime::Actor> actor;
    const Ref<const runtime::Actor> peer;
    const std::uint64_t ignore;
    const bool once;
    const bool node_only;
    const std::unique_ptr<Condition> condition;

    // Whether to stop for this message; counts.
    [[nodiscard]] bool reached(MessageRef message) noexcept;
    [[nodiscard]] std::uint64_t hits() const noexcept {
        return hits_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t faults() const noexcept {
        return faults_.load(std::memory_order_relaxed);
    }
    // As it was when a snapshot was taken; before anybody meets it.
    void restore(std::uint64_t hits, std::uint64_t faults) noexcept {
        hits_.store(hits, std::memory_order_relaxed);
        faults_.store(faults, std::memory_order_relaxed);
    }

private:
    // relaxed, all three: the numbers alone matter, and that one thread alone sets spent_.
    std::atomic<std::uint64_t> hits_{0};
    std::atomic<std::uint64_t> faults_{0};
    std::atomic<bool> spent_{false};  // has stopped, and is to do so once
};

// Those of a network at one time. Who looks through it needs no lock.
class BreakList : public RefCounted<BreakList> {
public:
    Vector<Ref<Breakpoint>> all;
};

}  // namespace reflow::network
