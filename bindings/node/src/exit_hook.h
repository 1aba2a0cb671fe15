// Something to do when an environment ends, before its engines are stopped. Thread: that of JavaScript.
#pragma once

#include <napi.h>

#include <functional>
#include <utility>

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
    }
    void clear() {
        if (env_ != nullptr) napi_remove_env_cleanup_hook(env_, run, this);
        env_ = nullptr;
        function_ = nullptr;
    }

private:
    static void run(void* data) {
        auto* self = static_cast<ExitHook*>(data);
        self->env_ = nullptr;  // it is taken out by having run
        const std::function<void()> function = std::exchange(self->function_, nullptr);
        if (function) function();
    }

    napi_env env_ = nullptr;
    std::function<void()> function_;
};

}  // namespace reflow_node
