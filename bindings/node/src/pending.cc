// Firings that end later.
#include "pending.h"

#include "actors.h"
#include "frames.h"

namespace reflow_node {

namespace {

reflow_status emit(reflow_completion completion, Place place, reflow_message message,
                   std::int64_t timeout_ms) {
    return place.index == REFLOW_NO_INDEX
               ? reflow_completion_emit(completion, place.port, message, timeout_ms)
               : reflow_completion_emit_at(completion, place.port, place.index, message, timeout_ms);
}

// What a firing that is cancelled leads to.
struct Watch {
    std::shared_ptr<Environment> environment;
    std::uint32_t number;
};

void told_cancelled(void* user_data, reflow_completion) {
    auto* watch = static_cast<Watch*>(user_data);
    watch->environment->post([number = watch->number](Napi::Env env) {
        Environment::of(env).dispatch.Call(
            {env.Undefined(), Napi::Number::New(env, kCancelled), Napi::Number::New(env, number)});
    });
}

// A firing that waits for room.
struct Room {
    std::shared_ptr<Environment> environment;
    std::weak_ptr<Pending> pending;  // which ends on the JS thread
};

void told_room(void* user_data, reflow_completion) {
    auto* room = static_cast<Room*>(user_data);
    room->environment->post([waiting = room->pending](Napi::Env env) {
        if (auto pending = waiting.lock()) pending->room_came(env);
    });
}

std::shared_ptr<Pending> find(const Napi::CallbackInfo& info) {
    auto& all = Environment::of(info.Env()).pendings;
    auto found = all.find(info[0].As<Napi::Number>().Uint32Value());
    return found == all.end() ? nullptr : found->second;
}

}  // namespace

Pending::Pending(std::shared_ptr<Core> core, std::uint32_t given, std::shared_ptr<const Known> of)
    : number(given), known(std::move(of)), core_(std::move(core)) {
    ++core_->environment->pending;
}

Pending::~Pending() { --core_->environment->pending; }

std::shared_ptr<Pending> Pending::create(std::shared_ptr<Core> core, std::shared_ptr<const Known> known) {
    Environment& environment = *core->environment;
    std::uint32_t number = environment.next_pending++;
    auto made = std::make_shared<Pending>(std::move(core), number, std::move(known));
    environment.pendings[number] = made;
    return made;
}

void Pending::bind(Napi::Env env, reflow_completion completion) {
    completion_ = completion;
    bound_ = true;
    if (watching_) {
        watching_ = false;
        watch(env);
    }
    push(env);
}

void Pending::lose(Napi::Env env) {
    over_ = true;
    waiting_.clear();
    if (finishing_) close(env);
}

int Pending::emit(Napi::Env env, std::uint32_t port, Message message) {
    if (over_ || finishing_) return -1;
    waiting_.push_back({port, std::move(message), nullptr});
    push(env);
    if (over_) return -1;
    if (waiting_.empty()) return 1;
    told_ = true;
    return 0;
}

void Pending::set_envelope(Napi::Env env, std::shared_ptr<Envelope> envelope) {
    if (over_ || finishing_) return;
    waiting_.push_back({0, Message(), std::move(envelope)});
    push(env);
}

void Pending::push(Napi::Env env) {
    if (!bound_ || pumping_) return;
    while (!over_ && !waiting_.empty()) {
        auto& [port, message, envelope] = waiting_.front();
        const bool sets = reflow_message_kind(message.get()) == REFLOW_KIND_NONE;
        reflow_status status =
            sets ? reflow_completion_set_envelope(completion_, envelope ? envelope->get() : nullptr)
                 : reflow_node::emit(completion_, Place(port), message.get(), 0);
        // One that is refused, since a text of it is too long, is left out, as in a call.
        if (sets && status != REFLOW_ERROR_CLOSED) status = REFLOW_OK;
        if (status == REFLOW_OK) {
            (void)message.leak();
            waiting_.pop_front();
        } else if (status == REFLOW_ERROR_WOULD_BLOCK && (core_->single || core_->hosted)) {
            if (!std::exchange(stalled_, true)) core_->stalled.push_back(weak_from_this());
            return;
        } else if (status == REFLOW_ERROR_WOULD_BLOCK && ask_room()) {
            return;
        } else {
            over_ = true;
            waiting_.clear();
        }
    }
    if (std::exchange(told_, false)) {
        core_->environment->dispatch.Call(
            {env.Undefined(), Napi::Number::New(env, kDrained), Napi::Number::New(env, number)});
    }
    if (finishing_) close(env);
}

// False if the firing is over.
bool Pending::ask_room() {
    auto* room = new Room{core_->environment, weak_from_this()};
    pumping_ = reflow_completion_on_writable(completion_, told_room, room,
                                             [](void* data) { delete static_cast<Room*>(data); }) == REFLOW_OK;
    return pumping_;
}

void Pending::room_came(Napi::Env env) {
    pumping_ = false;
    push(env);
}

void Pending::finish(Napi::Env env, Failure failure) {
    if (finishing_) return;
    finishing_ = true;
    failure_ = std::move(failure);
    if (over_) return close(env);
    push(env);
}

void Pending::close(Napi::Env) {
    auto self = shared_from_this();
    if (core_->environment->pendings.erase(number) != 0) --core_->open_firings;
    if (over_) return;
    over_ = true;
    if (failure_) {
        reflow_failure failure = failure_view(failure_);
        (void)reflow_completion_fail_with(completion_, &failure);
    } else {
        (void)reflow_completion_resolve(completion_);
    }
    core_->tell_later();
}

bool Pending::open() const {
    if (!bound_) return true;
    return !over_ && !core_->closing && reflow_network_has_firing(core_->network, completion_);
}

void Pending::watch(Napi::Env env) {
    if (std::exchange(watching_, true) || !bound_) return;
    auto* watch = new Watch{core_->environment, number};
    reflow_status status =
        reflow_completion_on_cancel(completion_, told_cancelled, watch,
                                    [](void* data) { delete static_cast<Watch*>(data); });
    if (status == REFLOW_OK || finishing_) return;
    core_->environment->dispatch.Call(
        {env.Undefined(), Napi::Number::New(env, kCancelled), Napi::Number::New(env, number)});
}

Napi::Value pending_emit(const Napi::CallbackInfo& info) {
    auto pending = find(info);
    int accepted = -1;
    if (pending) {
        Message message = from_js(info.Env(), info[2]);
        accepted = pending->emit(info.Env(), info[1].As<Napi::Number>().Uint32Value(),
                                 std::move(message));
    }
    return Napi::Number::New(info.Env(), accepted);
}

Napi::Value pending_envelope(const Napi::CallbackInfo& info) {
    auto envelope = envelope_from_js(info.Env(), info[1]);
    if (auto pending = find(info)) pending->set_envelope(info.Env(), std::move(envelope));
    return info.Env().Undefined();
}

Napi::Value pending_finish(const Napi::CallbackInfo& info) {
    if (auto pending = find(info)) pending->finish(info.Env(), failure_of_arguments(info, 1));
    return info.Env().Undefined();
}

Napi::Value pending_open(const Napi::CallbackInfo& info) {
    auto pending = find(info);
    return Napi::Boolean::New(info.Env(), pending && pending->open());
}

Napi::Value pending_watch(const Napi::CallbackInfo& info) {
    if (auto pending = find(info)) pending->watch(info.Env());
    return info.Env().Undefined();
}

}  // namespace reflow_node
