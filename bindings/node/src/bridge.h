// What the files about graphs, events and peers share: arguments of calls from JavaScript, and errors.
#pragma once

#include <napi.h>
#include <reflow.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "errors.h"
#include "values.h"

namespace reflow_node {

// A wrong argument: throws ERR_REFLOW_INVALID_ARGUMENT.
[[noreturn]] void refuse(Napi::Env env, const std::string& what);

// Calls a function of the engine, which gets where to put its error, and throws that.
template <typename Call>
void must(Napi::Env env, Call call) {
    reflow_error* error = nullptr;
    const reflow_status status = call(&error);
    check(env, status, error);
}

// The engine's message of a JavaScript value: one reference, for functions that take it.
inline reflow_message to_message(Napi::Env env, Napi::Value value) { return from_js(env, value).leak(); }
// The same where undefined and "not given" mean none.
reflow_message to_message_or_none(Napi::Env env, Napi::Value value);
// The JavaScript value of a message, which is borrowed.
inline Napi::Value to_value(Napi::Env env, reflow_message message) {
    return Napi::Value(env, to_js(env, message));
}
// The same, and ends the message.
Napi::Value take_value(Napi::Env env, reflow_message message);
// The text of a buffer, which is ended.
Napi::Value take_text(Napi::Env env, reflow_buffer* buffer);

inline std::string copy_of(reflow_view view) { return std::string(text_of(view)); }
inline Napi::String string_of(Napi::Env env, reflow_view view) {
    return Napi::String::New(env, view.data, view.size);
}

// A string argument as UTF-8. Throws a TypeError that names it for anything else.
std::string text_argument(const Napi::CallbackInfo& info, std::size_t index, const char* name);
// Bytes of a string, a Buffer or another view of memory.
std::string bytes_argument(const Napi::CallbackInfo& info, std::size_t index, const char* name);

// Fields of an object of options; missing and undefined ones are left as they are.
class Options {
public:
    // Throws unless value is an object, null or undefined.
    Options(Napi::Env env, Napi::Value value);
    [[nodiscard]] bool has(const char* key) const;
    [[nodiscard]] Napi::Value get(const char* key) const;
    [[nodiscard]] std::string text(const char* key) const;
    [[nodiscard]] bool flag(const char* key) const;
    // A whole number from least to most; 0 if it is not given.
    [[nodiscard]] std::int64_t number(const char* key, std::int64_t least, std::int64_t most) const;
    [[nodiscard]] std::uint32_t u32(const char* key, std::uint32_t most = UINT32_MAX) const;
    [[nodiscard]] std::uint64_t u64(const char* key) const;
    // Milliseconds; fallback if it is not given, REFLOW_FOREVER for Infinity.
    [[nodiscard]] std::int64_t timeout(const char* key, std::int64_t fallback) const;
    [[nodiscard]] std::vector<std::string> texts(const char* key) const;

private:
    Napi::Env env_;
    Napi::Object object_;
};

// Views of texts that live as long as these do.
std::vector<reflow_view> views_of(const std::vector<std::string>& texts);

}  // namespace reflow_node
