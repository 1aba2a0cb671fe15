// Firings that end later: each with its completion, and the part of an actor that keeps them.
// Neighbours: actor (takes over what they bring), timers (deadlines), completions (finds them).
// Thread: any, one lock for each actor that has such firings; what is of the turn is said so.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>

#include "base/host.hpp"
#include "base/memory.hpp"
#include "base/queue.hpp"
#include "base/ref.hpp"
#include "base/result.hpp"
#include "runtime/mailbox.hpp"
#include "runtime/timers.hpp"

namespace reflow::runtime {

class Actor;
class Deferred;
class DeferredFirings;

// A message on its way to an outport; owns it.
struct Emitted {
    reflow_message message;
    std::uint32_t outport;
    std::uint32_t index;
};

// Whom to tell of a cancellation, or of room; ends the user data once.
class CancelHook : public Allocated {
public:
    CancelHook() noexcept = default;
    CancelHook(reflow_cancel_fn cancelled, void* data, reflow_destroy_fn destroy) noexcept
        : cancelled_(cancelled), data_(data), destroy_(destroy) {}
    CancelHook(CancelHook&& other) noexcept { swap(other); }
    CancelHook& operator=(CancelHook&& other) noexcept {
        swap(other);
        return *this;
    }
    ~CancelHook() {
        if (destroy_ != nullptr) end_host_data(destroy_, data_);
    }
    [[nodiscard]] bool set() const noexcept { return cancelled_ != nullptr; }
    void call(std::uint64_t id) const noexcept;

private:
    void swap(CancelHook& other) noexcept {
        std::swap(cancelled_, other.cancelled_);
        std::swap(data_, other.data_);
        std::swap(destroy_, other.destroy_);
    }
    reflow_cancel_fn cancelled_ = nullptr;
    void* data_ = nullptr;
    reflow_destroy_fn destroy_ = nullptr;
};

// Gets what goes on with a firing before the firing does, and does that itself: of a network that records.
// Thread: any, without locks.
class Interceptor : public RefCounted<Interceptor> {
public:
    virtual ~Interceptor() = default;
    virtual reflow_status emit(Deferred& firing, std::uint32_t outport, std::uint32_t index,
                               reflow_message message) = 0;
    virtual reflow_status end(Deferred& firing, reflow_status status,
                              std::unique_ptr<Error> error) noexcept = 0;
    virtual reflow_status set_envelope(Deferred& firing, Message envelope) = 0;
    // Something else has come from outside that it cannot tell.
    virtual void lose(std::string_view why) noexcept = 0;
};

// One firing. Its members are guarded by the lock of its home, but for what is of the turn.
class Deferred : public RefCounted<Deferred> {
public:
    explicit Deferred(DeferredFirings& home);
    ~Deferred();

    const Ref<DeferredFirings> home;
    std::uint64_t id = 0;  // of its completion; 0 for a firing that ended inside run
    Message cause;         // the envelope of its inputs; fixed before others find it

    // ---- of the turn
    Queue<Packet> inputs;
    std::size_t firing = 0;            // its place in the batch
    Deferred* of_call = nullptr;       // the next one of the same call, or of those to try again
    std::uint32_t attempts = 0;        // that have failed before
    std::uint64_t number = 0;          // among those of a recording
    std::uint64_t due_ns = 0;          // when it is tried again
    std::unique_ptr<Error> refused;    // something that it has emitted, with check_types
    std::uint64_t begun_ns = 0;        // 0 unless somebody wants to know how long it took
    bool counts = true;                // as a firing that has ended
    reflow_status status = REFLOW_OK;  // how it ended; written before alive goes, read after
    // Of what it emits. Written by the call that keeps it open, then with the lock while it is alive; read with
    // the lock, or when it is over.
    Message envelope;

private:
    friend class DeferredFirings;
    friend class Actor;
    friend class Imager;
    std::unique_ptr<Error> error_;  // read by the turn once it has ended
    Queue<Emitted> outputs_;
    CancelHook hook_;
    std::unique_ptr<CancelHook> room_hook_;  // told once there is room, or the firing is over
    std::uint64_t deadline_ns_ = UINT64_MAX;
    Deferred* next_ = nullptr;  // all of the actor, in the order of the inputs
    Deferred* before_ = nullptr;
    Deferred* next_due_ = nullptr;   // those with something to take over
    Deferred* next_told_ = nullptr;  // those whose hooks are about to be called
    bool linked_ = false;
    bool weighs_ = true;  // against max_concurrency
    bool due_ = false;
    bool cancelled_ = false;  // by cancel_all(), which calls its hook
    bool place_ = false;    // it comes again, and what it emits then has this place in the order
    bool alive_ = true;     // may be resolved
    bool told_stuck_ = false;
    bool counted_ = false;  // in the group: it is alive, and has room for more
};

// The firings of one actor that are open or not taken over yet. It outlives the actor as long as
// somebody holds one of them; from cancel_all() on nothing touches the actor.
class DeferredFirings : public RefCounted<DeferredFirings> {
public:
    DeferredFirings(Actor& actor, std::uint64_t timeout_ns);
    ~DeferredFirings();

    // ---- of the turn
    [[nodiscard]] bool full() const noexcept { return free() == 0; }
    [[nodiscard]] std::size_t free() const noexcept {
        std::size_t size = size_.load(std::memory_order_relaxed);
        return size < most_ ? most_ - size : 0;
    }
    [[nodiscard]] std::uint64_t timeout_ns() const noexcept { return timeout_ns_; }
    // What a firing emits is kept until it has ended well. Before the group begins.
    void hold_emits() noexcept { holds_ = true; }
    // A new firing with a completion, not settled; a status instead of it. Throws bad_alloc.
    reflow_status open(std::size_t inputs, std::uint64_t begun_ns, std::uint64_t deadline_ns,
                       MessageRef cause, Ref<Deferred>& to);
    // run has returned and the firing is pending. True if it has something to take over already.
    bool settle(Deferred& firing) noexcept;
    // run has returned and the firing is not over: it comes again, or has failed.
    void revoke(Deferred& firing) noexcept;
    // The next one that has something; its outputs are moved to `taken`. ended: it has ended and is
    // no more among those of the actor. more: there is another one.
    struct Taken {
        Ref<Deferred> firing;
        Message envelope;  // of what was taken
        bool ended = false;
        bool more = false;
    };
    Taken take() noexcept;
    Queue<Emitted> taken;
    String waits_for;  // what those that are pending wait for; told when their time is over
    Taken current;  // what could not be finished because memory ran out

    // No turn comes any more: what one has kept goes, and keeps this part alive no longer.
    void forget() noexcept;

    // For a snapshot, on an actor that is seized: those that are not over for the actor, in order. Without an
    // order those that have ended come first, as they are to be taken over.
    void each(const std::function<void(const Deferred&)>& look);

    // For those in order: what a call emits while others are pending.
    [[nodiscard]] bool ordered() const noexcept { return ordered_; }
    [[nodiscard]] bool some() const noexcept {
        return size_.load(std::memory_order_relaxed) != 0 ||
               places_.load(std::memory_order_relaxed) != 0;
    }
    Ref<Deferred> spare;    // for what the call leaves behind
    bool captures = false;  // the call that is running emits to the spare
    Queue<Emitted>& captured() noexcept { return spare->outputs_; }
    // The call has ended: the spare takes its place in the order, with what the call has emitted,
    // before a firing that it has left open, or else as one that has ended.
    // True if the turn has to look.
    [[nodiscard]] bool enter_spare(Deferred* before, bool counts, reflow_status status,
                                   std::unique_ptr<Error> error) noexcept;

    // Firings that come again, after an attempt that has failed or from a snapshot, have a place in the
    // order. Those with places are called before all others, in the order of these.
    [[nodiscard]] bool places() const noexcept {
        return places_.load(std::memory_order_relaxed) != 0;
    }
    void keep_place(Deferred& firing) noexcept;  // it was the first, and is again
    [[nodiscard]] bool leads() noexcept;         // whether the first place is before all that is pending
    bool placed = false;                         // the call that is running has the first place
    // It has ended, or is pending. True if the turn has to look.
    [[nodiscard]] bool leave_place() noexcept;
    // Of a snapshot, at the end of the order: a place, or one that has ended.
    [[nodiscard]] bool add(Deferred& firing) noexcept;
    void clear() noexcept;  // these were not needed

    // ---- from any thread; with an interceptor that is told first, if it is not the one who calls
    reflow_status emit(Deferred& firing, std::uint32_t outport, std::uint32_t index,
                       reflow_message message, std::int64_t timeout_ms,
                       const Interceptor* by = nullptr);
    reflow_status end(Deferred& firing, reflow_status status, std::unique_ptr<Error> error,
                      const Interceptor* by = nullptr) noexcept;
    reflow_status set_envelope(Deferred& firing, Message envelope,
                               const Interceptor* by = nullptr);
    [[nodiscard]] bool over(Deferred& firing) noexcept;
    // Not over, and of this group.
    [[nodiscard]] bool alive_in(Deferred& firing, const Group& group) noexcept;
    reflow_status set_hook(Deferred& firing, CancelHook& hook) noexcept;
    reflow_status set_room_hook(Deferred& firing, CancelHook& hook);
    // Its host has not gone on with it for so long: told, as the watchdog does, if that is too long.
    reflow_status stuck(Deferred& firing, std::uint64_t ns) noexcept;
    // The deadline of some has passed. Thread: of who fires timers.
    void expire(std::uint64_t now_ns) noexcept;
    // Cancels those that are alive, or of these the ones with such a cause; they fail. Returns how many. For a
    // guard of the group. which is called with the lock, and calls nothing.
    using Which = std::function<bool(MessageRef cause)>;
    std::size_t cancel(const Which* which = nullptr);
    // The group stops, or the actor leaves it: all are over, and none comes any more. `ended` sees
    // each of them, in order, before it goes.
    void cancel_all(const std::function<void(Deferred&)>& ended = {}) noexcept;
    // Whether what one has emitted goes, as it has ended.
    [[nodiscard]] bool keeps_emits(const Deferred& firing) const noexcept {
        return !holds_ || firing.status == REFLOW_OK;
    }
    // Whose deadline a timer is.
    [[nodiscard]] static DeferredFirings& of(Timer& timer) noexcept;

private:
    // The next deadline of one that is alive. The group does not count it.
    struct Deadline : Timer {
        explicit Deadline(DeferredFirings& firings_of) noexcept;
        DeferredFirings& firings;
    };
    using Lock = std::unique_lock<std::mutex>;
    // All with the lock.
    [[nodiscard]] Ref<Interceptor> interceptor(const Interceptor* by) const noexcept;
    void link(Deferred& firing, Deferred* before) noexcept;
    [[nodiscard]] Ref<Deferred> unlink(Deferred& firing) noexcept;
    [[nodiscard]] Deferred* first_place() noexcept;
    // Its completion is dead from now on.
    void close(Deferred& firing, reflow_status status) noexcept;
    // Whether the firing has got something for the turn now; then the actor has to be told. Also while
    // run has not returned, so that the order of calls is kept: the turn looks between calls alone.
    [[nodiscard]] bool list_due(Deferred& firing) noexcept;
    void unlist_due(Deferred& firing) noexcept;
    // The actor, to be told when the lock is left: it stays until then.
    [[nodiscard]] Ref<Actor> hold() noexcept;
    static void tell(Ref<Actor> held) noexcept;
    void arm(std::uint64_t due_ns) noexcept;
    // Without the lock, once for each.
    static void tell_room(std::unique_ptr<CancelHook> hook, std::uint64_t id) noexcept {
        if (hook != nullptr) hook->call(id);
    }
    // Without the lock: calls the hooks of a list linked by next_told_, and drops its references.
    static void call_hooks(Deferred* told) noexcept;

    std::mutex mutex_;  // guards all below, and the firings
    std::condition_variable room_;
    Actor* actor_;  // alive until closed_
    Deferred* first_ = nullptr;
    Deferred* last_ = nullptr;
    Deferred* due_first_ = nullptr;
    Deferred* due_last_ = nullptr;
    // relaxed: written with the lock, read without it by the turn, which alone makes it larger.
    std::atomic<std::size_t> size_{0};
    std::atomic<std::uint32_t> places_{0};  // likewise
    bool closed_ = false;
    Deadline deadline_{*this};
    bool holds_ = false;  // fixed before the group begins
    std::uint64_t armed_ns_ = UINT64_MAX;
    const std::uint32_t most_;
    const bool ordered_;
    const std::uint64_t timeout_ns_;
};

}  // namespace reflow::runtime
