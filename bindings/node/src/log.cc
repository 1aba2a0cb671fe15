// What an engine logs and prints, on its way to JavaScript: a bounded queue, so that nobody waits for the
// thread of JavaScript; lines that find no place in it are counted.
#include "log.h"

#include <string>

#include "bridge.h"
#include "core.h"
#include "exports.h"
#include "queue.h"

namespace reflow_node {

namespace {

constexpr std::size_t kLines = 65536;

class Line final : public Item {
public:
    // Level 0 is something printed.
    Line(reflow_log_level level, reflow_view subsystem, reflow_view node, reflow_view text)
        : level_(level), subsystem_(copy_of(subsystem)), node_(copy_of(node)), text_(copy_of(text)) {}

    Napi::Object make(Napi::Env env) override {
        Napi::Object object = Napi::Object::New(env);
        object.Set("level", level_);
        object.Set("subsystem", subsystem_);
        object.Set("node", node_);
        object.Set("text", text_);
        return object;
    }

private:
    reflow_log_level level_;
    std::string subsystem_, node_, text_;
};

// The user data of a runtime.
struct Hooks {
    std::shared_ptr<Queue> lines;
    std::weak_ptr<Core> core;
};

Queue& queue_of(void* user_data) { return *static_cast<Hooks*>(user_data)->lines; }

void logged(void* user_data, reflow_log_level level, reflow_view subsystem, reflow_view node,
            reflow_view text) {
    push_line(queue_of(user_data), level, subsystem, node, text);
}

reflow_status printed(void* user_data, reflow_view node, reflow_view text) {
    push_line(queue_of(user_data), 0, reflow_view{"", 0}, node, text);
    return REFLOW_OK;
}

void woken(void* user_data) {
    if (const auto core = static_cast<Hooks*>(user_data)->core.lock()) core->woken();
}

void let_go(void* user_data) { delete static_cast<Hooks*>(user_data); }

}  // namespace

void push_line(Queue& lines, reflow_log_level level, reflow_view subsystem, reflow_view node, reflow_view text) {
    lines.push(std::make_unique<Line>(level, subsystem, node, text));
    lines.wake();
}

Napi::Function LogHandle::define(Napi::Env env) {
    return DefineClass(env, "LogHandle", {InstanceMethod<&LogHandle::take>("take")});
}

LogHandle::LogHandle(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<LogHandle>(info),
      queue_(std::make_shared<Queue>(info.Env(), info[0].As<Napi::Function>(), kLines)),
      level_(info[1].ToNumber().Int32Value()) {}

void LogHandle::attach(Napi::Value handle, const std::shared_ptr<Core>& core, reflow_runtime_options& options) {
    auto hooks = std::make_unique<Hooks>();
    hooks->core = core;
    if (options.mode == REFLOW_MODE_HOSTED) options.wake = woken;
    if (handle.IsObject()) {
        const LogHandle* self = Unwrap(handle.As<Napi::Object>());
        hooks->lines = self->queue_;
        options.log = logged;
        options.print = printed;
        options.log_level = self->level_;
        core->lines = self->queue_;
        if (self->level_ != 0) core->log_level = self->level_;
    }
    options.user_data = hooks.release();
    options.destroy = let_go;
}

// (max)
Napi::Value LogHandle::take(const Napi::CallbackInfo& info) {
    return queue_->take(info.Env(), info[0].ToNumber().Uint32Value());
}

void export_log(Napi::Object exports) { exports.Set("LogHandle", LogHandle::define(exports.Env())); }

}  // namespace reflow_node
