// What an engine logs and prints, on its way to JavaScript.
#pragma once

#include <napi.h>
#include <reflow.h>

#include <memory>

namespace reflow_node {

class Core;
class Queue;

// Level 0 is something printed. Any thread.
void push_line(Queue& lines, reflow_log_level level, reflow_view subsystem, reflow_view node, reflow_view text);

class LogHandle : public Napi::ObjectWrap<LogHandle> {
public:
    static Napi::Function define(Napi::Env env);
    // new LogHandle(ready, level): a level of 0 is that of the engine
    explicit LogHandle(const Napi::CallbackInfo& info);

    // Sets the hooks of a runtime that is about to be made, also how one of mode hosted wakes its core. handle is
    // an object of this class, or undefined: then nothing is logged.
    static void attach(Napi::Value handle, const std::shared_ptr<Core>& core, reflow_runtime_options& options);

private:
    Napi::Value take(const Napi::CallbackInfo& info);

    std::shared_ptr<Queue> queue_;
    reflow_log_level level_ = 0;
};

}  // namespace reflow_node
