// Failures of the engine as JavaScript errors, and the other way round. Thread: any; what takes an
// environment: JS.
#pragma once

#include <napi.h>
#include <reflow.h>

#include <memory>
#include <string>
#include <string_view>

namespace reflow_node {

inline reflow_view view_of(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view text_of(reflow_view view) { return {view.data, view.size}; }

// A failure that may cross threads.
struct Failure {
    reflow_status status = REFLOW_OK;
    std::string message, hint, trace;
    std::string node, port, file, path;
    std::uint32_t line = 0, column = 0;
    std::int64_t offset = -1;
    std::shared_ptr<Failure> cause;

    explicit operator bool() const { return status != REFLOW_OK; }
};

// What a call of the engine has said: status, and its error, which is taken and may be NULL.
Failure failure_of(reflow_status status, reflow_error* error);

// Of an error that stays the engine's; none for NULL.
Failure failure_in(const reflow_error* error);

// As an error of JavaScript, of the class of lib/errors.cjs.
Napi::Error error_of(Napi::Env env, const Failure& failure);
[[noreturn]] void raise(Napi::Env env, const Failure& failure);
[[noreturn]] void raise(Napi::Env env, reflow_status status, std::string message,
                        std::string hint = {});
// Throws if a call of the engine has failed. By reference: check(env, call(&error), error) must look at
// the error behind the call, in whatever order arguments are evaluated.
inline void check(Napi::Env env, reflow_status status, reflow_error*& error) {
    if (status != REFLOW_OK) raise(env, failure_of(status, error));
}

}  // namespace reflow_node
