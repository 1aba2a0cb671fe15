// Calls of the engine that wait, as Promises: each runs on a thread for such calls, never on that of
// JavaScript.
#pragma once

#include <napi.h>
#include <reflow.h>

#include <functional>
#include <memory>

namespace reflow_node {

class Core;

using Make = std::function<Napi::Value(Napi::Env)>;

// Runs work elsewhere; the Promise is resolved with what make gives (undefined without it), or rejected
// with the error of work.
Napi::Value in_background(Napi::Env env, std::function<reflow_status(reflow_error**)> work,
                          Make make = nullptr);

// The same with a network, which cannot end meanwhile.
Napi::Value with_network(Napi::Env env, std::shared_ptr<Core> core,
                         std::function<reflow_status(reflow_network*, reflow_error**)> work,
                         Make make = nullptr);

}  // namespace reflow_node
