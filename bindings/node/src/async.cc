// Calls of the engine that wait, as Promises.
#include "async.h"

#include <memory>

#include "environment.h"
#include "errors.h"

namespace reflow_node {

namespace {

struct Waiting {
    explicit Waiting(Napi::Env env) : deferred(Napi::Promise::Deferred::New(env)) {}
    Napi::Promise::Deferred deferred;
    std::function<reflow_status(reflow_error**)> work;
    std::function<Napi::Value(Napi::Env)> make;
    Failure failure;

    void settle(Napi::Env env) {
        if (failure) return deferred.Reject(error_of(env, failure).Value());
        try {
            deferred.Resolve(make ? make(env) : env.Undefined());
        } catch (const Napi::Error& error) {
            deferred.Reject(error.Value());
        }
    }
};

}  // namespace

Napi::Value in_background(Napi::Env env, std::function<reflow_status(reflow_error**)> work,
                          std::function<Napi::Value(Napi::Env)> make) {
    auto waiting = std::make_shared<Waiting>(env);
    waiting->work = std::move(work);
    waiting->make = std::move(make);
    Environment::of(env).task(
        [waiting] {
            reflow_error* error = nullptr;
            const reflow_status status = waiting->work(&error);
            waiting->failure = failure_of(status, error);
            waiting->work = nullptr;  // what it holds ends here and not on the thread of JavaScript
        },
        [waiting](Napi::Env inside) { waiting->settle(inside); });
    return waiting->deferred.Promise();
}

}  // namespace reflow_node
