// Calls of the engine that wait, as Promises: each runs on a thread for such calls, never on that of
// JavaScript.
#pragma once

#include <napi.h>
#include <reflow.h>

#include <functional>

namespace reflow_node {

// Runs work elsewhere; the Promise is resolved with what make gives (undefined without it), or rejected
// with the error of work.
Napi::Value in_background(Napi::Env env, std::function<reflow_status(reflow_error**)> work,
                          std::function<Napi::Value(Napi::Env)> make = nullptr);

}  // namespace reflow_node
