// Failures on their way to JavaScript. The class itself is in lib/errors.cjs.
#include "errors.h"

#include "environment.h"

namespace reflow_node {

namespace {

std::string own(reflow_view view) { return std::string(text_of(view)); }

void read(const reflow_error* error, Failure& failure) {
    failure.status = reflow_error_status(error);
    failure.message = own(reflow_error_message(error));
    failure.hint = own(reflow_error_hint(error));
    failure.trace = own(reflow_error_trace(error));
    reflow_place place{};
    place.struct_size = sizeof place;
    if (reflow_error_place(error, &place) == REFLOW_OK) {
        failure.node = own(place.node);
        failure.port = own(place.port);
        failure.file = own(place.file);
        failure.path = own(place.path);
        failure.line = place.line;
        failure.column = place.column;
        if (place.has_offset != 0) failure.offset = static_cast<std::int64_t>(place.offset);
    }
    if (const reflow_error* cause = reflow_error_cause(error)) {
        failure.cause = std::make_shared<Failure>();
        read(cause, *failure.cause);
    }
}

}  // namespace

Failure failure_of(reflow_status status, reflow_error* error) {
    Failure failure;
    if (error != nullptr) {
        read(error, failure);
        reflow_error_destroy(error);
    }
    failure.status = status;
    if (status != REFLOW_OK && failure.message.empty()) {
        failure.message = own(reflow_status_name(status));
    }
    return failure;
}

Failure failure_in(const reflow_error* error) {
    Failure failure;
    if (error == nullptr) return failure;
    read(error, failure);
    failure.status = reflow_error_status(error);
    return failure;
}

Napi::Error error_of(Napi::Env env, const Failure& failure) {
    Environment& environment = Environment::of(env);
    Napi::Object fields = Napi::Object::New(env);
    auto set = [&](const char* key, const std::string& text) {
        if (!text.empty()) fields.Set(key, text);
    };
    fields.Set("status", failure.status);
    fields.Set("name", own(reflow_status_name(failure.status)));
    fields.Set("message", failure.message);
    fields.Set("hint", failure.hint);
    set("trace", failure.trace);
    set("node", failure.node);
    set("port", failure.port);
    set("file", failure.file);
    set("path", failure.path);
    if (failure.line != 0) {
        fields.Set("line", failure.line);
        fields.Set("column", failure.column);
    }
    if (failure.offset >= 0) fields.Set("offset", static_cast<double>(failure.offset));
    if (failure.cause) fields.Set("cause", error_of(env, *failure.cause).Value());
    Napi::Value made = environment.make_error.Call({fields});
    return Napi::Error(env, made);
}

void raise(Napi::Env env, const Failure& failure) { throw error_of(env, failure); }

void raise(Napi::Env env, reflow_status status, std::string message, std::string hint) {
    Failure failure;
    failure.status = status;
    failure.message = std::move(message);
    failure.hint = std::move(hint);
    raise(env, failure);
}

}  // namespace reflow_node
