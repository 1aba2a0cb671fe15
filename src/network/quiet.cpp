// Waiting until a network is idle, or until nothing but its host can let it go on: on a thread that
// sleeps, or by a callback.
// Neighbours: runtime/group (knows it), network.cpp (the end). Thread: any.
#include "base/limits.hpp"
#include "base/text.hpp"
#include "network/network.hpp"

namespace reflow::network {

Result<void> Network::how_quiet(reflow_status how) const {
    const bool live = !group_.failed() && state() < REFLOW_NETWORK_STOPPING;
    if (!live || how == REFLOW_OK) return waited(REFLOW_OK, "waiting for idle");
    if (how != REFLOW_ERROR_WOULD_BLOCK) return stream_stall();
    return Failure(how, "what is left to do waits at paused nodes").hint("resume them, or step");
}

Result<void> Network::wait_idle(std::int64_t timeout_ms) {
    if (Result<void> begun = started(); !begun.ok()) return begun;
    Visit visit(*this);
    reflow_status how = REFLOW_OK;
    reflow_status status = group_.wait(timeout_ms, [&] {
        how = group_.quiet();
        return how != REFLOW_ERROR_TIMEOUT || state() >= REFLOW_NETWORK_STOPPING;
    });
    return status == REFLOW_OK ? how_quiet(how) : waited(status, "waiting for idle");
}

// The guard is there before the group is told that somebody waits, so that its leave(), or a later
// one, sees it: also in a group that has stopped in between.
Result<void> Network::on_idle(reflow_idle_fn callback, TellQuiet tell, HostData data,
                              std::uint64_t* id) {
    if (Result<void> begun = started(); !begun.ok()) return begun;
    if (instrument_) {
        return Failure(REFLOW_ERROR_UNSUPPORTED,
                       "a network that records or is replayed has no callbacks for idle");
    }
    auto made = std::unique_ptr<Waiter>(new Waiter);
    made->callback = callback;
    made->tell = tell;
    Visit visit(*this);
    {
        std::lock_guard lock(mutex_);
        if (waiters_count_ == limits::waiters_count) {
            return Failure(REFLOW_ERROR_LIMIT, concat("more than ", limits::waiters_count,
                                                      " callbacks wait for the network to be idle"));
        }
        ++waiters_count_;
        made->data = std::move(data);
        made->id = ++last_waiter_;
        if (id != nullptr) *id = made->id;
        std::unique_ptr<Waiter>* at = &waiters_;
        while (*at != nullptr) at = &(*at)->next;
        *at = std::move(made);
    }
    group_.guard();  // without began(): an idle network does not become idle once more
    group_.await_quiet();
    group_.leave();
    return {};
}

// The first of those with such a number.
std::unique_ptr<Network::Waiter> Network::take_waiter(std::uint64_t first,
                                                      std::uint64_t last) noexcept {
    std::lock_guard lock(mutex_);
    std::unique_ptr<Waiter>* at = &waiters_;
    while (*at != nullptr && (*at)->id < first) at = &(*at)->next;
    if (*at == nullptr || (*at)->id > last) return {};
    std::unique_ptr<Waiter> taken = std::move(*at);
    *at = std::move(taken->next);
    --waiters_count_;
    return taken;
}

Result<void> Network::remove_on_idle(std::uint64_t id) {
    if (id != 0 && take_waiter(id, id) != nullptr) return {};
    return Failure(REFLOW_ERROR_NOT_FOUND, concat("no callback ", id, " waits for idle"))
        .hint("it may have been called already");
}

// Those that ask anew meanwhile are not told of this time: it may be over.
void Network::settled(reflow_status how) noexcept {
    std::uint64_t last = 0;
    {
        std::lock_guard lock(mutex_);
        last = last_waiter_;
    }
    runtime::InTurn inside(runtime_->scheduler());  // a callback that waits would wait for its caller
    while (std::unique_ptr<Waiter> told = take_waiter(0, last)) {
        told->tell(told->callback, told->data.get(), *this, how);
    }
}

}  // namespace reflow::network
