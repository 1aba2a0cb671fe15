// A function of JavaScript that threads of the engine may hold and have called.
#pragma once

#include <napi.h>

#include <memory>
#include <utility>

#include "environment.h"

namespace reflow_node {

// It ends on the thread of JavaScript, or with its environment. Thread: any; making one: JS.
class Held : public std::enable_shared_from_this<Held> {
public:
    Held(Napi::Env env, Napi::Function function)
        : environment_(Environment::of(env).weak_from_this()), function_(Napi::Persistent(function)) {}

    template <typename Call>
    void post(Call call) {
        if (const auto environment = environment_.lock()) {
            environment->post([self = shared_from_this(), call](Napi::Env env) {
                call(env, self->function_);
            });
        }
    }

    [[nodiscard]] std::shared_ptr<Environment> environment() const { return environment_.lock(); }
    // JS.
    [[nodiscard]] const Napi::FunctionReference& function() const { return function_; }

    // What the engine has as user data, and how it ends.
    static void* hand_over(std::shared_ptr<Held> held) { return new std::shared_ptr<Held>(std::move(held)); }
    static Held& of(void* user_data) { return **static_cast<std::shared_ptr<Held>*>(user_data); }
    static void let_go(void* user_data) {
        const std::unique_ptr<std::shared_ptr<Held>> mine(static_cast<std::shared_ptr<Held>*>(user_data));
        const std::shared_ptr<Held> held = *mine;
        if (const auto environment = held->environment_.lock()) {
            environment->post([held](Napi::Env) { held->function_.Reset(); });
        }
    }
    ~Held() { function_.SuppressDestruct(); }

private:
    std::weak_ptr<Environment> environment_;
    Napi::FunctionReference function_;
};

}  // namespace reflow_node
