// Calls of the engine that wait, as Promises.
#include "async.h"

#include "core.h"
#include "environment.h"
#include "errors.h"

namespace reflow_node {

namespace {

struct Waiting {
    explicit Waiting(Napi::Env env) : deferred(Napi::Promise::Deferred::New(env)) {}
    Napi::Promise::Deferred deferred;
    std::function<Failure()> work;
    Make make;
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

Napi::Value run(Napi::Env env, const std::shared_ptr<Core>& core, std::function<Failure()> work, Make make) {
    auto waiting = std::make_shared<Waiting>(env);
    waiting->work = std::move(work);
    waiting->make = std::move(make);
    auto begin = [waiting] {
        waiting->failure = waiting->work();
        waiting->work = nullptr;  // what it holds ends here and not on the thread of JavaScript
    };
    auto done = [waiting](Napi::Env inside) { waiting->settle(inside); };
    if (core) core->task(std::move(begin), std::move(done));
    else Environment::of(env).task(std::move(begin), std::move(done));
    return waiting->deferred.Promise();
}

}  // namespace

Napi::Value in_background(Napi::Env env, std::function<reflow_status(reflow_error**)> work, Make make) {
    return run(
        env, nullptr,
        [work = std::move(work)] {
            reflow_error* error = nullptr;
            const reflow_status status = work(&error);
            return failure_of(status, error);
        },
        std::move(make));
}

Napi::Value with_network(Napi::Env env, std::shared_ptr<Core> core,
                         std::function<reflow_status(reflow_network*, reflow_error**)> work,
                         Make make) {
    (void)core->running(env);
    return run(
        env, core,
        [core, work = std::move(work)] { return core->with_network(work); },
        std::move(make));
}

}  // namespace reflow_node
