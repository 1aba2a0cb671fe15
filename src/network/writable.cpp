// Which hosts are told of room, and when.
// Thread: see writable.hpp.
#include "network/writable.hpp"

#include "base/limits.hpp"
#include "base/text.hpp"
#include "runtime/scheduler.hpp"

namespace reflow::network {

Writables::~Writables() = default;

Result<void> Writables::set(std::uint64_t inport, const void* who, reflow_writable_fn callback,
                            HostData data) {
    Ref<Watcher> made;
    if (callback != nullptr) {
        made = make_ref<Watcher>();
        made->inport = inport;
        made->who = who;
        made->callback = callback;
    }
    Ref<Watcher> before;  // ends after the lock, since that may call the host
    std::lock_guard lock(mutex_);
    std::size_t at = 0;
    while (at < all_.size() &&
           (!all_[at] || all_[at]->inport != inport || all_[at]->who != who)) {
        ++at;
    }
    if (at == all_.size()) {
        if (callback == nullptr) return {};
        for (at = 0; at < all_.size() && all_[at];) ++at;
    }
    if (at == limits::writables_count) {
        return Failure(REFLOW_ERROR_LIMIT, concat("more than ", limits::writables_count,
                                                  " inports would tell of room"));
    }
    if (at == all_.size()) all_.emplace_back();
    before = std::move(all_[at]);
    if (before) before->gone = true;
    if (made) made->data = std::move(data);
    all_[at] = std::move(made);
    std::uint32_t count = 0;
    for (const Ref<Watcher>& each : all_) count += each ? 1u : 0u;
    count_.store(count, std::memory_order_relaxed);
    return {};
}

// Whoever was refused: those that watch do not know of each other.
bool Writables::arm(std::uint64_t inport, const runtime::Actor& actor,
                    std::uint32_t port) noexcept {
    std::lock_guard lock(mutex_);
    bool any = false;
    for (const Ref<Watcher>& each : all_) {
        if (!each || each->inport != inport) continue;
        each->actor = &actor;
        each->port = port;
        each->armed = any = true;
    }
    return any;
}

// Each of those that are due once. One whose callback runs on another thread is called once more by
// that one, so that it is never called twice at a time.
template <typename Due>
void Writables::tell(const runtime::Scheduler& scheduler, Due due) noexcept {
    for (std::size_t at = 0;; ++at) {
        Ref<Watcher> one;  // its end may call the host, and comes without the lock
        {
            std::lock_guard lock(mutex_);
            if (at >= all_.size()) return;
            one = all_[at];
            if (!one || !one->armed || !due(*one)) continue;
            one->armed = false;
            one->again = one->calls;
            if (one->calls) continue;
            one->calls = true;
        }
        for (bool more = true; more;) {
            call_host("on_writable", &scheduler,
                      [&] { one->callback(one->data.get(), reflow_inport{one->inport}); });
            std::lock_guard lock(mutex_);
            more = std::exchange(one->again, false) && !one->gone;
            one->calls = more;
        }
    }
}

// The mailbox has noted the refusal under its lock, behind arm(): so who took from it sees both.
void Writables::made_room(const runtime::Actor& actor) noexcept {
    if (!some()) return;
    tell(actor.group.scheduler, [&](const Watcher& one) {
        return one.actor == &actor && actor.mailbox.room(one.port) != 0;
    });
}

void Writables::tell_all(runtime::Scheduler& scheduler) noexcept {
    if (!some()) return;
    runtime::InTurn inside(scheduler);  // a callback that waits would wait for its caller
    tell(scheduler, [](const Watcher&) { return true; });
}

}  // namespace reflow::network
