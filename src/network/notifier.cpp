// Turns that hand events to a callback, and their end.
// Thread: see notifier.hpp.
#include "network/notifier.hpp"

#include "network/events.hpp"
#include "network/network.hpp"

namespace reflow::network {

Notifier::Notifier(Subscription& subscription, Runtime& runtime, std::unique_ptr<EventSink> sink,
                   std::size_t max_batch)
    : subscription_(subscription),
      runtime_(runtime),
      group_(runtime.scheduler(), runtime, *this, 0),
      sink_(std::move(sink)),
      max_batch_(max_batch) {
    events_.reserve(max_batch);
    auto component = make_ref<runtime::Component>();
    component->id = "events";
    component->run = run;
    component->user_data = this;
    actor_.reset(new (component, component->id)
                     runtime::Actor(group_, component, component->id, Message(), 1));
    actor_->state = this;
    group_.actors.push_back(actor_.get());
}

Notifier::~Notifier() = default;

void Notifier::wake() noexcept {
    group_.from_outside([this] { actor_->request_start(); });
}

reflow_status Notifier::run(reflow_context* context, void* self, reflow_packet*, std::size_t) {
    static_cast<Notifier*>(self)->deliver(*context);
    return REFLOW_OK;
}

void Notifier::deliver(reflow_context& context) noexcept {
    bool closing = closing_.load(std::memory_order_acquire);  // before the look: all of it is seen
    std::uint64_t missed = 0;
    bool more = subscription_.take(max_batch_, events_, missed);
    if (!events_.empty() || missed != 0) sink_->receive(events_, missed);
    if (more) {
        (void)context.again();
    } else if (closing) {
        group_.request_stop();
    }
}

void Notifier::finish() noexcept {
    Subscription& subscription = subscription_;
    auto alive = Ref<Subscription>::share(&subscription);  // the end may come in a turn meanwhile
    bool inside = runtime::current_scheduler() == &runtime_.scheduler();
    if (inside) runtime_.end_deferred(1);
    group_.publish([&] {
        deferred_ = inside;
        closing_.store(true, std::memory_order_release);
    });
    wake();
    if (inside) return;
    // Without threads another thread of the host may hold a guard for a moment: then once more.
    while (group_.wait(REFLOW_FOREVER, [this] { return stopped_; }) != REFLOW_OK) {
    }
    subscription.unref();
}

// The last turn has ended. If nobody waits for it this drops the reference of the handle.
void Notifier::stopped() {
    bool deferred = deferred_;  // the turn that saw closing_ has seen it
    sink_.reset();
    if (!deferred) return group_.publish([this] { stopped_ = true; });
    Ref<Runtime> runtime = Ref<Runtime>::share(&runtime_);  // ends after the subscription
    runtime->end_deferred(-1);
    subscription_.unref();
}

}  // namespace reflow::network
