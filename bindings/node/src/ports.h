// What goes into a network and comes out of it. Thread: JS, unless a function says otherwise.
#pragma once

#include <napi.h>
#include <reflow.h>

#include <memory>
#include <vector>

#include "core.h"

namespace reflow_node {

// A reader of an outport.
struct Output : std::enable_shared_from_this<Output> {
    ~Output();
    std::shared_ptr<Environment> environment;
    reflow_output* output = nullptr;
    bool closed = false;
    bool typed = false;
    std::atomic<bool> told{false};      // something has come, and a job that says so is on its way
    Napi::FunctionReference waiting;    // called once there may be something to receive
    // Whoever waits looks again. JS.
    void wake();
    // Nobody reads any more, and nobody is held back. JS.
    void close();
};

// find(core, node, port): the number of an inport.
Napi::Value find_inport(const Napi::CallbackInfo& info);
// send(core, inport, value, queue, envelope): 1 if it went in; else 0, or 2 if it waits in our queue.
Napi::Value send(const Napi::CallbackInfo& info);
// sendFrames(core, inport, count): sends what is in the frames; returns how many have to wait.
Napi::Value send_frames(const Napi::CallbackInfo& info);
// withdraw(core, inport, from, count): takes back what waits in our queue.
Napi::Value withdraw(const Napi::CallbackInfo& info);
// openOutput(core, node, port, capacity, typed): a promise of an output.
Napi::Value open_output(const Napi::CallbackInfo& info);
// receive(output): how many messages are in the frames now; -1 when there is nothing more, ever.
Napi::Value receive(const Napi::CallbackInfo& info);
// receiveEnveloped(output): an array of {value, envelope}, or as receive.
Napi::Value receive_enveloped(const Napi::CallbackInfo& info);
// waitOutput(output, callback): calls back once, when receive may have something to say.
Napi::Value wait_output(const Napi::CallbackInfo& info);
// Sends what waits at inports and has room now; whether something did.
bool flush_inports(Napi::Env env, Core& core);
// Readers look again: it may be the end.
void wake_outputs(Core& core);
// closeOutput(output)
Napi::Value close_output(const Napi::CallbackInfo& info);

}  // namespace reflow_node
