// A bounded queue from threads of the engine to JavaScript.
#include "queue.h"

#include <utility>

#include "environment.h"

namespace reflow_node {

Queue::Queue(Napi::Env env, Napi::Function ready, std::size_t capacity)
    : environment_(Environment::of(env).weak_from_this()),
      ready_(Napi::Persistent(ready)),
      capacity_(capacity) {}

void Queue::push(std::unique_ptr<Item> item) {
    const std::lock_guard lock(mutex_);
    if (items_.size() >= capacity_) {
        ++missed_;
        return;
    }
    item->missed = std::exchange(missed_, 0);
    items_.push_back(std::move(item));
}

void Queue::wake() {
    {
        const std::lock_guard lock(mutex_);
        if (woken_ || items_.empty()) return;
        woken_ = true;
    }
    const std::shared_ptr<Environment> environment = environment_.lock();
    if (!environment) return;
    environment->post([self = shared_from_this()](Napi::Env env) {
        if (!self->ready_.IsEmpty()) self->ready_.Call(env.Undefined(), {});
    });
}

Napi::Array Queue::take(Napi::Env env, std::size_t max) {
    std::deque<std::unique_ptr<Item>> mine;
    {
        const std::lock_guard lock(mutex_);
        while (!items_.empty() && mine.size() < max) {
            mine.push_back(std::move(items_.front()));
            items_.pop_front();
        }
        woken_ = false;
    }
    Napi::Array array = Napi::Array::New(env, mine.size());
    std::uint32_t at = 0;
    for (const std::unique_ptr<Item>& item : mine) {
        const Napi::HandleScope scope(env);
        Napi::Object object = item->make(env);
        object.Set("missed", Napi::Number::New(env, static_cast<double>(item->missed)));
        array.Set(at++, object);
    }
    return array;
}

}  // namespace reflow_node
