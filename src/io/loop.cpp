// The loop of sockets. Foreign threads hold no handle of libuv: they leave word under the lock and
// send to one async handle, which is closed under the same lock. A loop of libuv belongs to one
// thread at a time and to none for ever: Seat says whose it is. Thread: as loop.hpp says.
#include "io/loop.hpp"

#include <algorithm>

#include "io/wire.hpp"

namespace reflow::io {
namespace {

thread_local constinit const Loop* stood_in_for = nullptr;

}  // namespace

bool Loop::stands_in() noexcept { return stood_in_for != nullptr; }

Result<Ref<Loop>> Loop::start(Ref<Seat> seat, const ThreadHooks& hooks) {
    Ref<Loop> made = make_ref<Loop>();
    made->hooks_ = hooks;
    made->scratch_ = static_cast<std::byte*>(reflow::allocate(scratch_bytes));
    made->seat_ = seat && seat->claim() ? std::move(seat) : make_ref<Seat>();
    int failed = uv_loop_init(&made->loop_);
    if (failed != 0) {
        made->seat_->give_up();
        return Failure(REFLOW_ERROR_IO, concat("cannot start the loop of sockets: ",
                                               std::string_view(uv_strerror(failed))));
    }
    uv_async_init(&made->loop_, &made->async_, woken);
    uv_timer_init(&made->loop_, &made->timer_);
    uv_timer_init(&made->loop_, &made->limit_);
    made->async_.data = made->timer_.data = made.get();
    made->open_ = true;
    // The thread waits for the lock, and by then knows who it is.
    std::unique_lock lock(made->mutex_);
    Result<void> started = made->thread_.start("rf-wires", enter, made.get());
    if (!started.ok()) {
        made->open_ = false;
        lock.unlock();
        made->end();
        uv_run(&made->loop_, UV_RUN_DEFAULT);
        uv_loop_close(&made->loop_);
        made->seat_->give_up();
        return started.take_error();
    }
    while (!made->woken_) made->timer_ran_.wait(lock);
    made->woken_ = false;
    return made;
}

Loop::~Loop() { reflow::release(scratch_, scratch_bytes); }

void Loop::enter(void* self) {
    Loop& loop = *static_cast<Loop*>(self);
    loop.runner_.store(pthread_self(), std::memory_order_relaxed);
    {
        std::lock_guard lock(loop.mutex_);
        loop.woken_ = true;
        loop.timer_ran_.notify_all();
    }
    be_thread_of_peers();
    HookedThread inside(loop.hooks_);  // whoever started it does not wait for that
    loop.run();
    uv_loop_close(&loop.loop_);
    loop.seat_->give_up();
}

// Its own thread.
void Loop::run() {
    for (;;) {
        traffic_ = false;
        if (uv_run(&loop_, UV_RUN_ONCE) == 0) return;
        if (!traffic_ || !offer()) continue;
        seat_->look_after();
        runner_.store(pthread_self(), std::memory_order_relaxed);
        at_home_ = true;
        serve();  // what was left for this thread
    }
}

// Whether others may run it from now on. Under the lock: what is asked for before that is served
// here first, and whoever asks later finds the seat offered.
bool Loop::offer() noexcept {
    if (!seat_->wanted_by_others(clock_.now_ns())) return false;
    std::lock_guard lock(mutex_);
    if (woken_) return false;
    at_home_ = false;
    seat_->offer(*this);
    return true;
}

// Another thread, which has the seat. Timers that are due are run before libuv waits, which it does
// all the same: uv_stop in them says that it must not.
void Loop::turn(std::uint64_t most_ms) noexcept {
    runner_.store(pthread_self(), std::memory_order_relaxed);
    stood_in_for = this;
    if (most_ms != UINT64_MAX) {
        uv_update_time(&loop_);
        uv_timer_start(&limit_, [](uv_timer_t* timer) { uv_stop(timer->loop); }, most_ms, 0);
    }
    uv_run(&loop_, UV_RUN_ONCE);
    if (most_ms != UINT64_MAX) uv_timer_stop(&limit_);
    stood_in_for = nullptr;
    runner_.store({}, std::memory_order_relaxed);
}

void Loop::stop() noexcept {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
        wake();
    }
    thread_.join();
}

void Loop::wake() noexcept {
    if (!open_ || std::exchange(woken_, true)) return;
    seat_->want_home();  // first: who is seated looks at that behind each wait
    uv_async_send(&async_);
}

bool Loop::poke(Member& member) noexcept {
    std::lock_guard lock(mutex_);
    if (!open_) return false;
    if (std::exchange(member.poked_, true)) return true;
    member.hold();
    member.next_poked_ = nullptr;
    (last_poked_ != nullptr ? last_poked_->next_poked_ : first_poked_) = &member;
    last_poked_ = &member;
    wake();
    return true;
}

bool Loop::post(std::function<void()> call) {
    std::lock_guard lock(mutex_);
    if (!open_) return false;
    posted_.push_back(std::move(call));
    wake();
    return true;
}

// Elsewhere it is only the end of a wait: who has left word has said that home is wanted.
void Loop::woken(uv_async_t* handle) {
    Loop& loop = *static_cast<Loop*>(handle->data);
    loop.seat_->stirred();
    if (loop.at_home_) loop.serve();
}

void Loop::serve() {
    Vector<std::function<void()>> posted;
    Member* last = nullptr;
    bool stopping = false;
    {
        std::lock_guard lock(mutex_);
        woken_ = false;
        posted.swap(posted_);
        last = last_poked_;
        stopping = stopping_;
    }
    for (std::function<void()>& call : posted) call();
    // Those that were poked until now; who is poked meanwhile has another wake on its way.
    for (bool more = last != nullptr; more;) {
        Member* next = nullptr;
        {
            std::lock_guard lock(mutex_);
            next = first_poked_;
            first_poked_ = next->next_poked_;
            if (first_poked_ == nullptr) last_poked_ = nullptr;
            next->poked_ = false;
        }
        more = next != last;
        next->poked();
        next->let_go();
    }
    if (stopping) {
        end();
    } else {
        arm();
    }
}

// ---- timers

std::uint64_t Loop::after(std::uint64_t delay_ns, std::function<void()> call) {
    std::uint64_t now = clock_.now_ns();
    std::uint64_t due = delay_ns > UINT64_MAX - now ? UINT64_MAX : now + delay_ns;
    std::lock_guard lock(mutex_);
    if (!open_) return 0;
    std::uint64_t number = ++last_timer_;
    bool first = timers_.empty() || due < timers_.begin()->first.first;
    due_.emplace(number, due);
    timers_.emplace(std::pair(due, number), std::move(call));
    if (first) wake();
    return number;
}

void Loop::cancel(std::uint64_t timer) noexcept {
    std::function<void()> ended;  // outside of the lock
    std::unique_lock lock(mutex_);
    auto known = due_.find(timer);
    if (known != due_.end()) {
        auto found = timers_.find(std::pair(known->second, timer));
        ended.swap(found->second);
        timers_.erase(found);
        due_.erase(known);
    }
    if (here()) return;
    while (timer != 0 && running_timer_ == timer) timer_ran_.wait(lock);
}

void Loop::rung(uv_timer_t* handle) {
    Loop& loop = *static_cast<Loop*>(handle->data);
    loop.seat_->stirred();
    if (!loop.at_home_) {
        uv_stop(&loop.loop_);
        return loop.want_home();
    }
    loop.run_timers();
    loop.arm();
}

// Those that are due now; what they add comes another time.
void Loop::run_timers() {
    std::uint64_t now = clock_.now_ns();
    for (;;) {
        std::function<void()> call;
        {
            std::lock_guard lock(mutex_);
            if (timers_.empty() || timers_.begin()->first.first > now) return;
            auto first = timers_.begin();
            running_timer_ = first->first.second;
            call.swap(first->second);
            due_.erase(running_timer_);
            timers_.erase(first);
        }
        call();
        call = nullptr;
        std::lock_guard lock(mutex_);
        running_timer_ = 0;
        timer_ran_.notify_all();
    }
}

void Loop::arm() {
    std::uint64_t due = UINT64_MAX;
    {
        std::lock_guard lock(mutex_);
        if (!timers_.empty()) due = timers_.begin()->first.first;
    }
    if (due == UINT64_MAX) {
        uv_timer_stop(&timer_);
        return;
    }
    std::uint64_t now = clock_.now_ns();
    std::uint64_t wait_ms = due <= now ? 0 : (due - now + 999'999) / 1'000'000;
    uv_update_time(&loop_);
    uv_timer_start(&timer_, rung, wait_ms, 0);
}

// ---- members and the end

void Loop::join(Member& member) noexcept {
    if (std::exchange(member.joined_, true)) return;
    member.before_ = nullptr;
    member.after_ = members_;
    if (members_ != nullptr) members_->before_ = &member;
    members_ = &member;
    member.hold();
}

void Loop::leave(Member& member) noexcept {
    if (!std::exchange(member.joined_, false)) return;
    (member.before_ != nullptr ? member.before_->after_ : members_) = member.after_;
    if (member.after_ != nullptr) member.after_->before_ = member.before_;
    member.let_go();
}

void Loop::end() noexcept {
    while (members_ != nullptr) members_->shut_down();
    Map<std::pair<std::uint64_t, std::uint64_t>, std::function<void()>> timers;
    Vector<std::function<void()>> posted;
    for (;;) {
        Member* poked = nullptr;
        {
            // The gate: nobody sends to the handle after this.
            std::lock_guard lock(mutex_);
            open_ = false;
            timers.swap(timers_);
            due_.clear();
            posted.swap(posted_);
            poked = first_poked_;
            if (poked != nullptr) first_poked_ = poked->next_poked_;
        }
        // Members that were made meanwhile begin and end here.
        for (std::function<void()>& call : posted) call();
        posted.clear();
        while (members_ != nullptr) members_->shut_down();
        if (poked == nullptr) break;
        poked->poked();
        poked->let_go();
    }
    uv_close(reinterpret_cast<uv_handle_t*>(&async_), nullptr);
    uv_close(reinterpret_cast<uv_handle_t*>(&timer_), nullptr);
    uv_close(reinterpret_cast<uv_handle_t*>(&limit_), nullptr);
}

// ---- descriptors

Watch* Watch::open(Loop& loop, int descriptor, Call call) {
    auto made = std::unique_ptr<Watch>(new Watch(loop, std::move(call)));
    if (uv_poll_init(loop.raw(), &made->poll_, descriptor) != 0) return nullptr;
    made->poll_.data = made.get();
    return made.release();
}

void Watch::want(bool in, bool out) noexcept {
    int wanted = (in ? UV_READABLE : 0) | (out ? UV_WRITABLE : 0);
    if (closed_ || wanted == wanted_) return;
    wanted_ = wanted;
    if (wanted == 0) {
        uv_poll_stop(&poll_);
    } else {
        uv_poll_start(&poll_, wanted, ready);
    }
}

void Watch::close() noexcept {
    if (std::exchange(closed_, true)) return;
    uv_close(reinterpret_cast<uv_handle_t*>(&poll_),
             [](uv_handle_t* handle) { delete static_cast<Watch*>(handle->data); });
}

// An error of the descriptor is told by the next read or write.
void Watch::ready(uv_poll_t* handle, int status, int events) {
    Watch& watch = *static_cast<Watch*>(handle->data);
    Loop& loop = watch.loop_;
    loop.seat_->stirred();
    bool failed = status < 0;
    if (watch.roams_ && status == 0 && events == UV_READABLE) {
        loop.traffic_ = true;
    } else if (!loop.at_home_) {
        // It is told of again there: libuv tells as long as it holds, but stops with an error.
        if (failed) uv_poll_start(&watch.poll_, watch.wanted_, ready);
        return loop.want_home();
    }
    if (failed) watch.wanted_ = 0;  // libuv has stopped it
    watch.call_(failed || (events & UV_READABLE) != 0, failed || (events & UV_WRITABLE) != 0);
}

}  // namespace reflow::io
