// The loop that owns all sockets: what others ask of it, its timers, and the thread that runs it,
// which others may stand in for (io/seat.hpp). Neighbours: wires and ports. Thread: any, unless a
// line says "on the loop": that is who runs it at that moment, one thread at a time.
#pragma once

#include <pthread.h>
#include <uv.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <utility>

#include "base/clock.hpp"
#include "base/ref.hpp"
#include "base/result.hpp"
#include "base/thread.hpp"
#include "io/buffers.hpp"
#include "io/seat.hpp"
#include "io/thread_hooks.hpp"

namespace reflow::io {

class Loop;

// What lives on a loop. Others change fields under a lock of the member and poke it; the loop then
// looks, on its own thread. That takes no memory, so it cannot fail, and pokes before the look are
// one.
class Member {
public:
    virtual ~Member() = default;
    virtual void hold() noexcept = 0;
    virtual void let_go() noexcept = 0;
    virtual void poked() = 0;               // on the loop: look what is wanted
    virtual void shut_down() noexcept = 0;  // on the loop, which ends: leave now

private:
    friend class Loop;
    Member* next_poked_ = nullptr;  // under the lock of the loop
    bool poked_ = false;            // likewise
    Member* before_ = nullptr;      // on the loop: the list of all
    Member* after_ = nullptr;
    bool joined_ = false;
};

class Loop final : public RefCounted<Loop>, private Seat::Place {
public:
    // seat: whose place it is to run it; NULL, or one that another loop has: its own thread alone
    // does.
    static Result<Ref<Loop>> start(Ref<Seat> seat = {}, const ThreadHooks& hooks = {});
    ~Loop();
    // Every member leaves, what was posted is run, the thread is gone when it returns. Once, and
    // not on the loop.
    void stop() noexcept;

    // Whether the calling thread runs it now. relaxed: it is only compared with the caller's own
    // name, and who finds that there has written it and nothing else since.
    [[nodiscard]] bool here() const noexcept {
        return runner_.load(std::memory_order_relaxed) == pthread_self();
    }
    // Whether the calling thread runs a loop now that has a thread of its own.
    [[nodiscard]] static bool stands_in() noexcept;
    // False once the loop has ended.
    bool poke(Member& member) noexcept;
    bool post(std::function<void()> call);
    // A call on the loop, once after so long. Its number, never zero; zero once the loop has ended.
    std::uint64_t after(std::uint64_t delay_ns, std::function<void()> call);
    // It does not run any more when this returns, unless this is called on the loop inside of it.
    void cancel(std::uint64_t timer) noexcept;

    // ---- on the loop

    // Whether its own thread runs it. Timers, what is posted, pokes, and descriptors that do not
    // roam (see Watch) are served there alone, and so is whatever calls the host: that may take
    // long, or wait for turns, which another thread that stands in could not run meanwhile.
    [[nodiscard]] bool at_home() const noexcept { return at_home_; }
    void want_home() noexcept { seat_->want_home(); }
    void flooded() noexcept { seat_->flooded(); }
    void join(Member& member) noexcept;
    void leave(Member& member) noexcept;
    // Where everybody reads into, one at a time.
    static constexpr std::size_t scratch_bytes = std::size_t{256} << 10;
    [[nodiscard]] std::byte* scratch() noexcept { return scratch_; }
    [[nodiscard]] uv_loop_t* raw() noexcept { return &loop_; }

    // ---- any thread
    Buffers buffers;

private:
    friend class Watch;
    static void enter(void* self);
    static void woken(uv_async_t* handle);
    static void rung(uv_timer_t* handle);
    void turn(std::uint64_t most_ms) noexcept override;
    void rouse() noexcept override { uv_async_send(&async_); }
    void run();
    [[nodiscard]] bool offer() noexcept;
    void wake() noexcept;
    void serve();
    void run_timers();
    void arm();
    void end() noexcept;

    uv_loop_t loop_{};
    uv_async_t async_{};
    uv_timer_t timer_{};
    uv_timer_t limit_{};  // of a turn() with a limit
    Thread thread_;
    ThreadHooks hooks_;  // of that thread
    Ref<Seat> seat_;
    std::atomic<pthread_t> runner_{};
    std::byte* scratch_ = nullptr;
    SystemClock clock_;

    // ---- on the loop
    Member* members_ = nullptr;
    bool at_home_ = true;
    bool traffic_ = false;  // packets may have come since the last look

    // Guards all below, and async_: it is sent to only while open_.
    std::mutex mutex_;
    std::condition_variable timer_ran_;
    bool open_ = false;
    bool stopping_ = false;
    bool woken_ = false;  // async_ is on its way
    Member* first_poked_ = nullptr;
    Member* last_poked_ = nullptr;
    Vector<std::function<void()>> posted_;
    Map<std::pair<std::uint64_t, std::uint64_t>, std::function<void()>> timers_;  // due, number
    Map<std::uint64_t, std::uint64_t> due_;                                       // of a number
    std::uint64_t last_timer_ = 0;
    std::uint64_t running_timer_ = 0;
};

// A descriptor that is watched, on the loop. The descriptor is the caller's and may be closed as
// soon as close() has been called. One that roams is told of being readable by whoever runs the
// loop, all else by the loop's own thread alone.
class Watch : public Allocated {
public:
    using Call = std::function<void(bool in, bool out)>;
    // NULL if the system refuses.
    [[nodiscard]] static Watch* open(Loop& loop, int descriptor, Call call);
    void want(bool in, bool out) noexcept;
    void roam(bool roams) noexcept { roams_ = roams; }
    // No call any more; the object ends by itself.
    void close() noexcept;

private:
    static void ready(uv_poll_t* handle, int status, int events);
    Watch(Loop& loop, Call call) : loop_(loop), call_(std::move(call)) {}
    Loop& loop_;
    uv_poll_t poll_{};
    Call call_;
    int wanted_ = 0;
    bool roams_ = false;
    bool closed_ = false;
};

}  // namespace reflow::io
