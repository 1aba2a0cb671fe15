// Wakes JavaScript for what has come to a queue of the engine, once until somebody takes from it.
// Thread: as each line says; "JS" is the thread of the environment.
#pragma once

#include <napi.h>

#include <atomic>
#include <functional>
#include <memory>
#include <utility>

#include "environment.h"

namespace reflow_node {

class Waker {
public:
    // JS. ready is called there.
    Waker(std::weak_ptr<Environment> environment, std::function<void(Napi::Env)> ready)
        : environment_(std::move(environment)), ready_(std::move(ready)) {}

    // Any thread.
    static void wake(const std::shared_ptr<Waker>& self) {
        if (self->woken_.exchange(true)) return;
        if (const auto here = self->environment_.lock()) {
            here->post([self](Napi::Env env) {
                const auto ready = self->ready_;  // it may end in there
                if (ready) ready(env);
            });
        }
    }
    // JS. Before a look at the queue: what comes behind that wakes again.
    void taking() { woken_.store(false); }
    // JS. Nobody is called any more.
    void end() { ready_ = nullptr; }

    // For callbacks of the engine, whose user data is a std::shared_ptr of it.
    [[nodiscard]] static void* hand_over(const std::shared_ptr<Waker>& waker) {
        return new std::shared_ptr<Waker>(waker);
    }
    static void wake(void* user_data) { wake(*static_cast<std::shared_ptr<Waker>*>(user_data)); }
    static void let_go(void* user_data) { delete static_cast<std::shared_ptr<Waker>*>(user_data); }

private:
    const std::weak_ptr<Environment> environment_;
    std::atomic<bool> woken_{false};
    std::function<void(Napi::Env)> ready_;  // JS
};

}  // namespace reflow_node
