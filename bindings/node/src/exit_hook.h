// Something to do when an environment ends, before its engines are stopped. Thread: that of JavaScript.
// Node calls its own hooks when an environment is freed, as that of a worker is, but not when the process ends
// by exit(): there the environment of this addon does it (Environment::exiting), since what goes on beside
// exit() would use what exit() has ended.
#pragma once

#include <napi.h>

#include <functional>
#include <utility>

#include "environment.h"

namespace reflow_node {

class ExitHook {
public:
    ExitHook() = default;
    ExitHook(const ExitHook&) = delete;
    ExitHook& operator=(const ExitHook&) = delete;
    ~ExitHook() { clear(); }

    // Hooks run in the reverse order of their setting, so this one comes before that of the environment.
    void set(Napi::Env env, std::function<void()> function) {
        clear();
        function_ = std::move(function);
        env_ = env;
        if (napi_add_env_cleanup_hook(env, run, this) != napi_ok) env_ = nullptr;
        environment_ = Environment::of(env).weak_from_this();
        Environment::of(env).at_exit[this] = [this] { now(); };
    }
    void clear() {
        if (env_ != nullptr) napi_remove_env_cleanup_hook(env_, run, this);
        env_ = nullptr;
        function_ = nullptr;
        if (const auto environment = environment_.lock()) environment->at_exit.erase(this);
        environment_.reset();
    }

private:
    void now() {
        const std::function<void()> function = std::exchange(function_, nullptr);
        if (function) function();
    }
    static void run(void* data) {
        auto* self = static_cast<ExitHook*>(data);
        self->env_ = nullptr;  // it is taken out by having run
        self->now();
    }

    napi_env env_ = nullptr;
    std::weak_ptr<Environment> environment_;
    std::function<void()> function_;
};

}  // namespace reflow_node
