// Arguments of calls from JavaScript, for graphs, events and peers.
#include "bridge.h"

#include <cmath>

namespace reflow_node {

void refuse(Napi::Env env, const std::string& what) {
    raise(env, REFLOW_ERROR_INVALID_ARGUMENT, what);
}

reflow_message to_message_or_none(Napi::Env env, Napi::Value value) {
    if (value.IsUndefined()) return reflow_message{};
    return to_message(env, value);
}

Napi::Value take_value(Napi::Env env, reflow_message message) {
    struct End {
        reflow_message message;
        ~End() { reflow_message_unref(message); }
    } end{message};
    return to_value(env, message);
}

Napi::Value take_text(Napi::Env env, reflow_buffer* buffer) {
    const Napi::String text = string_of(env, reflow_buffer_get(buffer));
    reflow_buffer_destroy(buffer);
    return text;
}

std::string text_argument(const Napi::CallbackInfo& info, std::size_t index, const char* name) {
    const Napi::Value value = info[index];
    if (!value.IsString()) refuse(info.Env(), std::string(name) + " has to be a string");
    return value.As<Napi::String>().Utf8Value();
}

std::string bytes_argument(const Napi::CallbackInfo& info, std::size_t index, const char* name) {
    const Napi::Value value = info[index];
    if (value.IsString()) return value.As<Napi::String>().Utf8Value();
    if (value.IsTypedArray()) {
        const auto array = value.As<Napi::TypedArray>();
        const auto* data = static_cast<const char*>(array.ArrayBuffer().Data());
        return {data + array.ByteOffset(), array.ByteLength()};
    }
    refuse(info.Env(), std::string(name) + " has to be a string or bytes");
}

Options::Options(Napi::Env env, Napi::Value value) : env_(env) {
    if (value.IsUndefined() || value.IsNull()) {
        object_ = Napi::Object::New(env);
    } else if (value.IsObject() && !value.IsArray() && !value.IsFunction()) {
        object_ = value.As<Napi::Object>();
    } else {
        refuse(env, "options have to be an object");
    }
}

Napi::Value Options::get(const char* key) const { return object_.Get(key); }

bool Options::has(const char* key) const { return !get(key).IsUndefined(); }

std::string Options::text(const char* key) const {
    const Napi::Value value = get(key);
    if (value.IsUndefined()) return {};
    if (!value.IsString()) refuse(env_, std::string("option '") + key + "' has to be a string");
    return value.As<Napi::String>().Utf8Value();
}

bool Options::flag(const char* key) const {
    const Napi::Value value = get(key);
    if (value.IsUndefined()) return false;
    if (!value.IsBoolean()) refuse(env_, std::string("option '") + key + "' has to be true or false");
    return value.As<Napi::Boolean>().Value();
}

std::int64_t Options::number(const char* key, std::int64_t least, std::int64_t most) const {
    const Napi::Value value = get(key);
    if (value.IsUndefined()) return 0;
    const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : std::nan("");
    if (!(number >= static_cast<double>(least) && number <= static_cast<double>(most)) ||
        std::floor(number) != number) {
        refuse(env_, std::string("option '") + key + "' has to be a whole number from " +
                        std::to_string(least) + " to " + std::to_string(most));
    }
    return static_cast<std::int64_t>(number);
}

std::uint32_t Options::u32(const char* key, std::uint32_t most) const {
    return static_cast<std::uint32_t>(number(key, 0, most));
}

std::uint64_t Options::u64(const char* key) const {
    return static_cast<std::uint64_t>(number(key, 0, INT64_C(9007199254740991)));
}

std::int64_t Options::timeout(const char* key, std::int64_t fallback) const {
    const Napi::Value value = get(key);
    if (value.IsUndefined()) return fallback;
    const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : std::nan("");
    if (!(number >= 0)) {
        refuse(env_, std::string("option '") + key + "' has to be milliseconds from 0, or Infinity");
    }
    if (number > 9e15) return REFLOW_FOREVER;
    return static_cast<std::int64_t>(std::ceil(number));
}

std::vector<std::string> Options::texts(const char* key) const {
    std::vector<std::string> texts;
    const Napi::Value value = get(key);
    if (value.IsUndefined()) return texts;
    if (!value.IsArray()) refuse(env_, std::string("option '") + key + "' has to be an array of strings");
    const auto array = value.As<Napi::Array>();
    for (std::uint32_t i = 0; i < array.Length(); ++i) {
        const Napi::Value each = array.Get(i);
        if (!each.IsString()) {
            refuse(env_, std::string("option '") + key + "' has to be an array of strings");
        }
        texts.push_back(each.As<Napi::String>().Utf8Value());
    }
    return texts;
}

std::vector<reflow_view> views_of(const std::vector<std::string>& texts) {
    std::vector<reflow_view> views;
    views.reserve(texts.size());
    for (const std::string& text : texts) views.push_back(view_of(text));
    return views;
}

}  // namespace reflow_node
