// The actors of one network as the runtime sees them: exact idle, stalls, stopping, waiting hosts.
// Neighbours: actor, scheduler; network derives from Observer. Thread: any.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>

#include "base/memory.hpp"
#include "base/result.hpp"
#include "message/message.hpp"
#include "runtime/failure.hpp"
#include "runtime/mailbox.hpp"
#include "runtime/timers.hpp"

namespace reflow::runtime {

class Scheduler;
class Environment;
class Interceptor;
struct Connection;
struct Stall;

// What is done about a stall: the port is enlarged, the network fails, or the port loses the older half.
enum class StallPolicy : std::uint8_t { grow, fail, drop_oldest };

// What an observer is told; each only if wants() has its bit. Called on the thread where it
// happens, without locks.
class Observer {
protected:
    // Beside the kinds of events, as those below: packets may have envelopes.
    static constexpr std::uint64_t carries_bit = std::uint64_t{1} << 60;

public:
    virtual ~Observer() = default;
    virtual void completed(const Actor& actor, std::uint64_t firings, std::uint64_t ns) = 0;
    virtual void failed(const FailedFiring& firing) = 0;
    // Neither an outport "error" nor a fallback has taken it. Always told.
    virtual void letter(const FailedFiring& firing) noexcept = 0;
    // A failure that the node leaves to others, and how often it was restarted. Always told; the
    // answer is none of escalate.
    virtual AfterFailure escalated(const FailedFiring& firing, std::uint64_t restarts) noexcept = 0;
    // The group stops because of it. Always told.
    virtual void stop_for(const FailedFiring& firing) noexcept = 0;
    // REFLOW_NODE_..., and bits REFLOW_NODE_IS_...
    virtual void state(const Actor& actor, std::int32_t state, std::uint32_t details) = 0;
    virtual void emitted(const Actor& actor, std::uint32_t outport, std::uint32_t index,
                         MessageRef message) = 0;
    virtual void sent(const Actor& from, std::uint32_t outport, const Actor& to,
                      std::uint32_t inport, MessageRef message) = 0;
    // It has not returned from a callback for so long. On the thread of the watchdog. Always told.
    virtual void stuck(const Actor& /*actor*/, std::uint64_t /*ns*/) noexcept {}
    virtual void idle() = 0;
    // The group is quiet, or stopped, as quiet() told; once after each await_quiet(). Last of all that
    // is told of that moment.
    virtual void settled(reflow_status) noexcept {}
    virtual void stalled(const Stall& stall) = 0;
    // An inport of it that had refused a host has room again. Always told.
    virtual void made_room(const Actor&) noexcept {}
    // Something has come into a mailbox of the host. Always told.
    virtual void arrived(Mailbox&) noexcept {}
    // The last actor has ended after request_stop(); called once. The group may end inside.
    virtual void stopped() = 0;

    // Breakpoints, each asked only if breaks(): whether the node has some before its firings, and
    // whether it stops before this firing or this delivery. If so the actor has been paused.
    virtual bool breaks_firings(const Actor&) noexcept { return false; }
    virtual bool breaks_before(Actor&, std::span<const reflow_packet>) noexcept { return false; }
    virtual bool breaks_before(Actor&, const Connection&, MessageRef) noexcept { return false; }

    // Bits 1 << reflow_event_kind. relaxed: an event more or less around a change is allowed.
    [[nodiscard]] bool wants(reflow_event_kind kind) const noexcept {
        return (wanted_.load(std::memory_order_relaxed) >> kind & 1) != 0;
    }

    // Whether anybody listens to what comes for each call or packet: only that keeps a turn from
    // doing many at once.
    [[nodiscard]] bool watches() const noexcept {
        constexpr std::uint64_t of_calls =
            1u << REFLOW_EVENT_ACTOR_COMPLETED | 1u << REFLOW_EVENT_MESSAGE_SENT |
            1u << REFLOW_EVENT_ACTOR_EMIT | 1u << REFLOW_EVENT_ACTOR_STATE | breaks_bit |
            records_bit | carries_bit;
        return (wanted_.load(std::memory_order_relaxed) & of_calls) != 0;
    }
    // Whether there are breakpoints.
    [[nodiscard]] bool breaks() const noexcept {
        return (wanted_.load(std::memory_order_relaxed) & breaks_bit) != 0;
    }
    // Whether packets may have envelopes: fixed before the group begins.
    [[nodiscard]] bool carries() const noexcept {
        return (wanted_.load(std::memory_order_relaxed) & carries_bit) != 0;
    }
    // Whether somebody wants to know of each message that is emitted.
    [[nodiscard]] bool hears_emits() const noexcept {
        constexpr std::uint64_t some =
            1u << REFLOW_EVENT_ACTOR_EMIT | records_bit | carries_bit;
        return (wanted_.load(std::memory_order_relaxed) & some) != 0;
    }
    // Whether payloads have to fit the types of inports.
    [[nodiscard]] bool checks_types() const noexcept {
        return (wanted_.load(std::memory_order_relaxed) & types_bit) != 0;
    }
    // Whether each message that is emitted is looked at.
    [[nodiscard]] bool looks_at_emits() const noexcept { return watches() || checks_types(); }
    // Whether deliveries are made one by one: each is told of, or may be stopped before.
    [[nodiscard]] bool sees_deliveries() const noexcept {
        constexpr std::uint64_t some = 1u << REFLOW_EVENT_MESSAGE_SENT | breaks_bit;
        return (wanted_.load(std::memory_order_relaxed) & some) != 0;
    }

protected:
    // Beside the kinds of events in the same word, so that nobody reads another one for it.
    static constexpr std::uint64_t breaks_bit = std::uint64_t{1} << 63;
    static constexpr std::uint64_t records_bit = std::uint64_t{1} << 62;
    static constexpr std::uint64_t types_bit = std::uint64_t{1} << 61;
    void want(std::uint64_t kinds) noexcept { wanted_.store(kinds, std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> wanted_{0};
};

// Life: built -> running (begin) -> stopping (request_stop) -> stopped.
class Group : public Allocated {
public:
    Group(Scheduler& scheduler, Environment& environment, Observer& observer,
          std::uint64_t max_growth);
    ~Group();
    Group(const Group&) = delete;
    Group& operator=(const Group&) = delete;

    Scheduler& scheduler;
    Environment& environment;
    Observer& observer;
    // Sees first what firings that are kept open bring. Fixed before the group begins.
    Interceptor* interceptor = nullptr;
    // From begin on they change under the lock (publish) only, and only if the group does not stop.
    Vector<Actor*> actors;
    Vector<Mailbox*> readers;  // of the host
    StallPolicy on_stall = StallPolicy::grow;  // fixed before the group begins
    Timer* timers = nullptr;   // armed ones; guarded by the lock of the timers

    // ---- counting what is going on
    // Something begins: an actor becomes ready, a firing is pending, a timer is armed, a guard is
    // held. The caller either is such a thing itself or comes from outside.
    void enter() noexcept;
    // It has ended, or so many. The one that ends last looks whether the group is idle, stalled or
    // stopped; the group may be gone when this returns.
    void leave(std::int64_t count = 1) noexcept;
    // A guard of somebody from outside, who may find that there is nothing to do: only with began()
    // is it a new time of activity, after which the group becomes idle anew. Ends with leave().
    void guard() noexcept { active_.fetch_add(1, std::memory_order_seq_cst); }
    void began() noexcept { periods_.fetch_add(1, std::memory_order_seq_cst); }
    // A guard that is counted by itself besides: of somebody from outside who has found an actor and
    // holds no reference to it. Whoever takes actors out of the network first lets no more of them
    // come, and waits until visitors() is zero. It is one word with the other counts, so it costs
    // nothing beyond the guard; the upper bits are what visitors() reads.
    void visit() noexcept { active_.fetch_add(visitor, std::memory_order_seq_cst); }
    void end_visit() noexcept { leave(visitor); }
    [[nodiscard]] bool visitors() const noexcept {
        return active_.load(std::memory_order_seq_cst) >= visitor;
    }
    // For hosts that let actors go on: act() wakes some, unless the group stops. Once the stop is
    // reported nothing may be submitted any more, since the group may end. No check without the
    // guard would do: the guard comes before the report, or sees the stop.
    template <typename Act>
    void from_outside(Act act) noexcept {
        enter();
        if (!stopping()) act();
        leave();
    }
    void hold() noexcept { held_.fetch_add(1, std::memory_order_seq_cst); }
    void unhold() noexcept { held_.fetch_sub(1, std::memory_order_seq_cst); }
    // The same for ends of streams that wait for room. stuck: only actors of the same group read it, so
    // nobody from outside will. count may be negative.
    void hold_by_stream(std::int64_t count, bool stuck) noexcept {
        if (stuck) stuck_.fetch_add(count, std::memory_order_seq_cst);
        rooms_.fetch_add(count, std::memory_order_seq_cst);
    }
    // The same for paused actors with work.
    void park() noexcept { parked_.fetch_add(1, std::memory_order_seq_cst); }
    void unpark() noexcept { parked_.fetch_sub(1, std::memory_order_seq_cst); }

    [[nodiscard]] bool stopping() const noexcept {
        return stopping_.load(std::memory_order_acquire);
    }
    // The same for who has just made something known that the stop looks at after it is announced.
    [[nodiscard]] bool stopping_now() const noexcept {
        return stopping_.load(std::memory_order_seq_cst);
    }
    // Asked inside a done() of wait(): under the lock, see there.
    [[nodiscard]] bool idle() const noexcept;
    // Nothing goes on, and what is left waits at paused actors. Asked as idle().
    [[nodiscard]] bool quiet_but_paused() const noexcept {
        return parked_.load(std::memory_order_seq_cst) != 0 && !active();
    }
    // Nothing goes on, and what is left waits for room in streams that only actors of the group
    // read, none of which does. Asked as idle(). Unlike a stall of ports it may end: from outside.
    [[nodiscard]] bool stalled_by_streams() const noexcept {
        std::int64_t stuck = stuck_.load(std::memory_order_seq_cst);
        bool holds = held_.load(std::memory_order_seq_cst) != 0 && host_reads_;
        return stuck != 0 && rooms_.load(std::memory_order_seq_cst) == stuck && !holds &&
               parked_.load(std::memory_order_seq_cst) == 0 && !active();
    }
    // What a wait for idle answers now: REFLOW_OK if it is, or has stopped; REFLOW_ERROR_WOULD_BLOCK if
    // what is left waits at paused actors; REFLOW_ERROR_LIMIT if it has failed or waits for room in
    // streams; REFLOW_ERROR_TIMEOUT as long as something goes on. Asked as idle().
    [[nodiscard]] reflow_status quiet() const noexcept;
    // The observer wants to be told once when that is something else than REFLOW_ERROR_TIMEOUT. With a
    // guard, whose leave() tells it if that is so already.
    void await_quiet() noexcept {
        std::lock_guard lock(mutex_);
        awaited_ = true;
    }
    // Who waits, for people.
    [[nodiscard]] String describe_stream_stall() const;
    // Whether anything goes on now; a moment's view.
    [[nodiscard]] bool busy() const noexcept { return active(); }
    [[nodiscard]] bool failed() const noexcept { return failed_.load(std::memory_order_acquire); }
    // The error of a network that has failed.
    [[nodiscard]] Result<void> failure() const;
    // A node has failed, and the network with it; the first one counts. The stop comes behind.
    void fail(reflow_status status, String text) noexcept;

    // Ready actors do not run any more. stopped() follows, perhaps inside this call.
    void request_stop() noexcept;

    // Some of its actors are of another class than normal. From then on none of them runs past the
    // queues. relaxed: a turn that does not see it yet lets one chain of hand-overs pass.
    void use_ranks() noexcept { ranked_.store(true, std::memory_order_relaxed); }
    [[nodiscard]] bool ranked() const noexcept { return ranked_.load(std::memory_order_relaxed); }

    // ---- hosts that wait
    // Waits until done() or the deadline; done is called under the lock of the group and takes no
    // other. REFLOW_OK, REFLOW_ERROR_TIMEOUT, REFLOW_ERROR_WOULD_DEADLOCK, or
    // REFLOW_ERROR_WOULD_BLOCK if nothing is left that could change it (inline, simulated).
    reflow_status wait(std::int64_t timeout_ms, const std::function<bool()>& done);
    // Lets waiting hosts look again.
    void wake_hosts() noexcept;
    // A host waits for actors to have nothing more to do: turns that end so wake it. For a change of
    // the network, one at a time.
    void watch_turns(bool watch) noexcept { watched_.store(watch, std::memory_order_seq_cst); }
    [[nodiscard]] bool turns_watched() const noexcept {
        return watched_.load(std::memory_order_relaxed);
    }
    // The same after change(), which is made under the lock: whoever has waited for it, or called
    // settled(), may end the group then.
    template <typename Change>
    void publish(Change change) noexcept {
        std::lock_guard lock(mutex_);
        change();
        notify_hosts();
    }

private:
    static constexpr std::int64_t visitor = (std::int64_t{1} << 40) + 1;
    enum class Report : std::uint8_t { none, idle, stalled, unknown, stream_stall, quiet, stopped };
    [[nodiscard]] Report quiescent() noexcept;
    void notify_hosts() noexcept;
    [[nodiscard]] bool active() const noexcept {
        return active_.load(std::memory_order_seq_cst) != 0;
    }
    // Relieves a full port, or sets failed_; told_ is what to tell of it.
    [[nodiscard]] bool resolve_stall() noexcept;
    void begin_stall();
    void tell(std::unique_ptr<Stall> stall) noexcept;
    void tell_stream_stall() noexcept;

    const std::uint64_t max_growth_;
    Timer look_again_;
    // Ready or running actors, armed timers, guards, and what lanes have in their hands. All steps
    // to zero are made under mutex_, so for a reader with the lock a zero in active_ was there when
    // it came, or since. Who reads stopping_, held_ or parked_ with the lock and then active_ == 0
    // has therefore seen both at one moment. An actor that is held back counts itself in held_
    // before it leaves active_, one that is let go counts itself in active_ before it leaves held_;
    // likewise one that is paused with work, in parked_, and one that waits for room in a stream, in
    // rooms_, and in stuck_ too if that is so.
    // Sequentially consistent, so that the order of the reads is that of the events.
    std::atomic<std::int64_t> active_{0};
    std::atomic<std::int64_t> held_{0};
    std::atomic<std::int64_t> parked_{0};
    std::atomic<std::int64_t> rooms_{0};
    std::atomic<std::int64_t> stuck_{0};
    // Counts the changes from quiet to active, so that each idle time is reported once.
    std::atomic<std::uint64_t> periods_{0};
    std::atomic<bool> stopping_{false};
    std::atomic<bool> failed_{false};
    std::atomic<bool> ranked_{false};
    // Read behind the change of an actor's word: see Actor::exhausted().
    std::atomic<bool> watched_{false};

    mutable std::mutex mutex_;  // guards all below; ordered after nothing, before mailboxes
    std::condition_variable changed_;
    std::uint64_t reported_ = 0;
    bool stop_reported_ = false;
    bool awaited_ = false;     // somebody wants to know when it is quiet
    bool host_reads_ = false;  // some of those held wait for a host; of the last look
    String stall_text_;
    std::unique_ptr<Stall> told_;  // of the last look
    std::uint64_t stalls_ = 0;
    std::uint64_t told_second_ = 0;  // of the clock, and stalls that were told in it
    std::uint32_t told_in_it_ = 0;
    reflow_status failure_status_ = REFLOW_OK;  // of a node; otherwise it is a stall
    String failure_text_;
};

}  // namespace reflow::runtime
