// Actors in JavaScript: components of the engine whose callbacks cross to the thread of the environment.
#pragma once

#include <napi.h>
#include <reflow.h>

#include <memory>
#include <utility>
#include <vector>

#include "core.h"

namespace reflow_node {

// What lib/dispatch.cjs is asked to do; the same numbers are there.
enum Kind : std::uint32_t {
    kCreate = 0,
    kSetup = 1,
    kRun = 2,
    kFinish = 3,
    kTeardown = 4,
    kDestroy = 5,
    kRunAsync = 6,
    kCancelled = 7,
    kDrained = 8,
    kWritable = 9,
    kSave = 10,
    kLoad = 11,
    kVisit = 12,
    kTimer = 13,
};

// What a dispatch has said, in the frames.
enum State : std::size_t {
    kCompleted = 0,  // firings that are over, or pending
    kOut = 1,        // places that are filled outwards
    kFlags = 2,
    kPending = 3,    // the number of the firing that is pending; 0: none
};
enum Flag : std::int32_t { kAgain = 1, kFailed = 2 };

// A node of the network, as the engine knows its state.
struct Node {
    ActorType* type = nullptr;
    std::uint32_t index = 0;
};

// A batch of firings that the engine waits for.
struct RunCall final : Call {
    void run(Napi::Env env) override;
    [[nodiscard]] std::size_t emitted_to(std::uint32_t port) const override;

    std::shared_ptr<Core> core;
    Node* node = nullptr;
    reflow_packet* inputs = nullptr;  // of the engine: not to be looked at after an abort
    std::size_t count = 0;
    std::size_t firings = 0;

    std::vector<reflow_message> messages;
    std::vector<std::uint32_t> ports;
    std::shared_ptr<Envelope> envelope;  // of the inputs
    // What the function has set, and from which message on.
    std::vector<std::pair<std::size_t, std::shared_ptr<Envelope>>> envelopes;
    std::size_t completed = 0;
    std::int32_t flags = 0;
    std::shared_ptr<Pending> pending;
    Failure failure;
    ~RunCall() override {
        for (reflow_message message : messages) reflow_message_unref(message);
    }
};

// Registers a component; the second argument describes it. Returns its index.
Napi::Value register_actor(const Napi::CallbackInfo& info);
// put(place, value): converts a value for a place of the frames.
Napi::Value put(const Napi::CallbackInfo& info);
Napi::Value put_io(const Napi::CallbackInfo& info);  // the same for what is sent
// flush(count): makes room in the frames while a dispatch goes on.
Napi::Value flush(const Napi::CallbackInfo& info);
// discard(from, to, all): gives up what is kept at these places, and, with all, what was flushed.
Napi::Value discard(const Napi::CallbackInfo& info);
// setEnvelope(count, envelope): what is emitted from here on has it; count as for flush.
Napi::Value set_envelope(const Napi::CallbackInfo& info);
// fail(status, message, hint, trace): the failure of the dispatch that goes on.
Napi::Value fail(const Napi::CallbackInfo& info);
// pend(): keeps the firing open whose dispatch goes on; returns its number.
Napi::Value pend(const Napi::CallbackInfo& info);
// answer(call, status, message, hint, trace): ends a call of setup and the like.
Napi::Value answer(const Napi::CallbackInfo& info);
// saved(call, value): what save has given, before the answer.
Napi::Value saved(const Napi::CallbackInfo& info);
// control_emit(call, port, value): emits in finish.
Napi::Value control_emit(const Napi::CallbackInfo& info);

Failure failure_of_arguments(const Napi::CallbackInfo& info, std::size_t first);
// A failure as an argument of the engine; views borrow it.
reflow_failure failure_view(const Failure& failure);

}  // namespace reflow_node
