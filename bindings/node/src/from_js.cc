// From JavaScript values to messages. Nothing is written about places until something fails: each level
// keeps a step on the stack, and the path is made of them.
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "environment.h"
#include "errors.h"
#include "values.h"

namespace reflow_node {

namespace {

constexpr double kSafe = 9007199254740991;  // 2^53 - 1
constexpr std::uint32_t kMostElements = 100'000'000;  // as many as a codec reads
const napi_type_tag kMessageTag{0x7265666c6f776e6f, 0x6d65737361676521};

void ok(napi_env env, napi_status status) {
    if (status != napi_ok) throw Napi::Error::New(env);
}

struct Step {
    const Step* up = nullptr;
    napi_value object = nullptr;  // that the key or index is of
    std::string_view key;
    std::uint32_t index = 0;
    bool indexed = false;
    std::uint32_t depth = 0;
    bool hidden = false;  // what toJSON has given: the same place
};

bool plain_name(std::string_view key) {
    if (key.empty() || (key[0] >= '0' && key[0] <= '9')) return false;
    for (char c : key) {
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '_' || c == '$';
        if (!word) return false;
    }
    return true;
}

std::string path_of(const Step* step) {
    std::vector<const Step*> steps;
    for (; step != nullptr; step = step->up) {
        if (!step->hidden) steps.push_back(step);
    }
    std::string path = "$";
    for (auto at = steps.rbegin(); at != steps.rend(); ++at) {
        if ((*at)->indexed) {
            path += "[" + std::to_string((*at)->index) + "]";
        } else if (plain_name((*at)->key)) {
            path += "." + std::string((*at)->key);
        } else {
            path += "[\"" + std::string((*at)->key) + "\"]";
        }
    }
    return path;
}

[[noreturn]] void refuse(napi_env env, const Step* step, const std::string& what,
                         std::string hint = {}) {
    Failure failure;
    failure.status = REFLOW_ERROR_TYPE;
    failure.path = path_of(step);
    failure.message = "cannot make a message of " + failure.path + ": " + what;
    failure.hint = std::move(hint);
    raise(env, failure);
}

// What a getter, toJSON or a Proxy of the program has thrown: the cause of an error that tells where.
[[noreturn]] void refuse_thrown(napi_env env, const Step* step, const Napi::Error& thrown) {
    const std::string path = path_of(step);
    Napi::Object fields = Napi::Object::New(env);
    fields.Set("status", static_cast<double>(REFLOW_ERROR_TYPE));
    fields.Set("message", "cannot make a message of " + path + ": it throws when it is looked at");
    fields.Set("hint", "");
    fields.Set("path", path);
    fields.Set("thrown", thrown.Value());
    throw Napi::Error(env, Environment::of(env).make_error.Call({fields}));
}

// As ok(), for calls that may run code of the program. An environment that is being ended throws nothing.
void look(napi_env env, napi_status status, const Step* step) {
    if (status == napi_ok) return;
    bool pending = false;
    (void)napi_is_exception_pending(env, &pending);
    const Napi::Error thrown = Napi::Error::New(env);  // takes what is pending
    if (!pending) throw thrown;
    refuse_thrown(env, step, thrown);
}

// Too deep: because an object holds itself, or because it is.
[[noreturn]] void refuse_depth(napi_env env, const Step* step, napi_value value) {
    std::vector<const Step*> steps;
    for (const Step* at = step; at != nullptr; at = at->up) steps.push_back(at);
    for (auto at = steps.rbegin(); at != steps.rend(); ++at) {
        for (const Step* outer = (*at)->up; outer != nullptr; outer = outer->up) {
            bool same = false;
            napi_strict_equals(env, (*at)->object, outer->object, &same);
            // (*at)->object is what stands at the path of the step above it.
            if (same) refuse(env, (*at)->up, "an object that holds itself (a cycle)");
        }
    }
    (void)value;
    const Step* root = steps.empty() || steps.back()->depth != 0 ? nullptr : steps.back();
    refuse(env, root,
           "it is nested deeper than " + std::to_string(REFLOW_MAX_DEPTH) + " levels");
}

Message convert(napi_env env, napi_value value, const Step* step);
Message unusual_from_js(napi_env env, napi_value value, const Step* step);

bool is_function(napi_env env, napi_value value) {
    napi_valuetype type{};
    ok(env, napi_typeof(env, value, &type));
    return type == napi_function;
}

// Whether a message was made of undefined, or of what toJSON gave as that, and not of a signal.
bool nothing(napi_env env, napi_value value, const Message& made) {
    if (reflow_message_kind(made.get()) != REFLOW_KIND_FLOW) return false;
    bool is = false;
    napi_valuetype type{};
    ok(env, napi_typeof(env, value, &type));
    if (type == napi_object) ok(env, napi_check_object_type_tag(env, value, &kMessageTag, &is));
    return !is;
}

// What Node-API makes of half a surrogate pair is U+FFFD, which may be in a text by right, too: so only a text that
// has it is looked at once more.
bool lone_surrogates(napi_env env, napi_value text, std::string_view converted) {
    if (converted.find("\xef\xbf\xbd") == std::string_view::npos) return false;
    std::size_t size = 0;
    ok(env, napi_get_value_string_utf16(env, text, nullptr, 0, &size));
    std::u16string units(size, u'\0');
    ok(env, napi_get_value_string_utf16(env, text, units.data(), size + 1, &size));
    for (std::size_t i = 0; i < size; ++i) {
        if (units[i] < 0xd800 || units[i] > 0xdfff) continue;
        bool pair = units[i] < 0xdc00 && i + 1 < size && units[i + 1] >= 0xdc00 && units[i + 1] <= 0xdfff;
        if (!pair) return true;
        ++i;
    }
    return false;
}

constexpr const char* kWellFormed = "Buffer.from(text).toString() replaces them";

Message text_from_js(napi_env env, napi_value value, const Step* step) {
    const char* lone = "a string that is no Unicode text: it has lone surrogates";
    char small[256];
    std::size_t size = 0;
    reflow_message made{};
    reflow_error* error = nullptr;
    ok(env, napi_get_value_string_utf8(env, value, small, sizeof small, &size));
    // A character may be of up to four bytes, so a full buffer is one that has less than that left.
    if (size + 4 < sizeof small) {
        if (lone_surrogates(env, value, {small, size})) refuse(env, step, lone, kWellFormed);
        check(env, reflow_message_string({small, size}, &made, &error), error);
        return Message(made);
    }
    ok(env, napi_get_value_string_utf8(env, value, nullptr, 0, &size));
    std::string text(size, '\0');
    ok(env, napi_get_value_string_utf8(env, value, text.data(), size + 1, &size));
    if (lone_surrogates(env, value, text)) refuse(env, step, lone, kWellFormed);
    check(env, reflow_message_string(view_of(text), &made, &error), error);
    return Message(made);
}

Message bigint_from_js(napi_env env, napi_value value, const Step* step) {
    std::int64_t number = 0;
    bool exact = false;
    ok(env, napi_get_value_bigint_int64(env, value, &number, &exact));
    if (!exact) {
        refuse(env, step, "a BigInt beyond 64 bits with sign",
               "send it as a string, or as a number if it need not be exact");
    }
    return Message(reflow_message_integer(number));
}

Message bytes_from_js(napi_env env, const void* data, std::size_t size) {
    reflow_message made{};
    reflow_error* error = nullptr;
    check(env, reflow_message_bytes(data, size, &made, &error), error);
    return Message(made);
}

reflow_number number_of(napi_typedarray_type type) {
    switch (type) {
        case napi_int8_array: return REFLOW_NUMBER_I8;
        case napi_int16_array: return REFLOW_NUMBER_I16;
        case napi_uint16_array: return REFLOW_NUMBER_U16;
        case napi_int32_array: return REFLOW_NUMBER_I32;
        case napi_uint32_array: return REFLOW_NUMBER_U32;
        case napi_float32_array: return REFLOW_NUMBER_F32;
        case napi_float64_array: return REFLOW_NUMBER_F64;
        case napi_bigint64_array: return REFLOW_NUMBER_I64;
        case napi_biguint64_array: return REFLOW_NUMBER_U64;
        default: return 0;  // bytes
    }
}

std::size_t width_of(reflow_number type) {
    switch (type) {
        case REFLOW_NUMBER_I8:
        case REFLOW_NUMBER_U8:
        case 0: return 1;
        case REFLOW_NUMBER_I16:
        case REFLOW_NUMBER_U16: return 2;
        case REFLOW_NUMBER_I32:
        case REFLOW_NUMBER_U32:
        case REFLOW_NUMBER_F32: return 4;
        default: return 8;
    }
}

// The message that an array buffer shares its memory with, if the view is of all of it and of its type.
reflow_message shared_message(napi_env env, napi_value buffer, reflow_number number, const void* data,
                              std::size_t size) {
    bool tagged = false;
    if (napi_check_object_type_tag(env, buffer, &shared_tag, &tagged) != napi_ok || !tagged) return {};
    void* wrapped = nullptr;
    if (napi_unwrap(env, buffer, &wrapped) != napi_ok) return {};
    reflow_message message = message_of_shared(wrapped);
    reflow_view bytes{};
    if (number == 0 && reflow_message_get_bytes(message, &bytes) == REFLOW_OK) {
        return bytes.data == data && bytes.size == size ? message : reflow_message{};
    }
    reflow_number type = 0;
    const void* numbers = nullptr;
    std::size_t count = 0;
    if (reflow_message_get_numbers(message, &type, &numbers, &count) != REFLOW_OK) return {};
    bool same = numbers == data && size == count * width_of(type) &&
                (type == number || (number == 0 && type == REFLOW_NUMBER_U8));
    return same ? message : reflow_message{};
}

Message typed_from_js(napi_env env, napi_value value) {
    napi_typedarray_type type{};
    std::size_t count = 0, offset = 0;
    void* data = nullptr;
    napi_value buffer = nullptr;
    ok(env, napi_get_typedarray_info(env, value, &type, &count, &data, &buffer, &offset));
    reflow_number number = number_of(type);
    std::size_t size = count * width_of(number);
    if (size != 0) {
        reflow_message same = shared_message(env, buffer, number, data, size);
        if (reflow_message_kind(same) != REFLOW_KIND_NONE) return Message(reflow_message_ref(same));
    }
    if (number == 0) return bytes_from_js(env, data, count);
    reflow_message made{};
    reflow_error* error = nullptr;
    check(env, reflow_message_numbers(number, data, count, &made, &error), error);
    return Message(made);
}

struct ArrayBuilder {
    ~ArrayBuilder() { reflow_array_builder_destroy(builder); }
    reflow_array_builder* builder = nullptr;
};
struct ObjectBuilder {
    ~ObjectBuilder() { reflow_object_builder_destroy(builder); }
    reflow_object_builder* builder = nullptr;
};

Message array_from_js(napi_env env, napi_value value, const Step* up) {
    std::uint32_t count = 0;
    ok(env, napi_get_array_length(env, value, &count));
    if (count > kMostElements) {
        refuse(env, up, "an array of more than " + std::to_string(kMostElements) + " elements");
    }
    ArrayBuilder array;
    reflow_error* error = nullptr;
    // The length says nothing about how much there is: [].length = 2 ** 32 - 1 is one of nothing.
    check(env, reflow_array_builder_create(std::min(count, 65536u), &array.builder, &error), error);
    Step step{up, value, {}, 0, true, up == nullptr ? 1 : up->depth + 1, false};
    for (std::uint32_t i = 0; i < count; ++i) {
        Napi::HandleScope scope(env);
        step.index = i;
        napi_value element = nullptr;
        look(env, napi_get_element(env, value, i, &element), &step);
        Message made = convert(env, element, &step);
        if (nothing(env, element, made)) made = Message(reflow_message_null());  // as in JSON
        check(env, reflow_array_builder_append(array.builder, made.leak(), &error), error);
    }
    reflow_message made{};
    check(env, reflow_array_builder_finish(std::exchange(array.builder, nullptr), &made, &error),
          error);
    return Message(made);
}

std::string_view key_text(napi_env env, napi_value key, char (&small)[256], std::string& large) {
    std::size_t size = 0;
    ok(env, napi_get_value_string_utf8(env, key, small, sizeof small, &size));
    if (size + 4 < sizeof small) return {small, size};
    ok(env, napi_get_value_string_utf8(env, key, nullptr, 0, &size));
    large.resize(size);
    ok(env, napi_get_value_string_utf8(env, key, large.data(), size + 1, &size));
    return large;
}

Message object_from_js(napi_env env, napi_value value, const Step* up) {
    napi_value keys = nullptr;
    look(env,
         napi_get_all_property_names(env, value, napi_key_own_only,
                                     static_cast<napi_key_filter>(napi_key_enumerable | napi_key_skip_symbols),
                                     napi_key_numbers_to_strings, &keys),
         up);
    std::uint32_t count = 0;
    ok(env, napi_get_array_length(env, keys, &count));
    ObjectBuilder object;
    reflow_error* error = nullptr;
    check(env, reflow_object_builder_create(count, &object.builder, &error), error);
    Step step{up, value, {}, 0, false, up == nullptr ? 1 : up->depth + 1, false};
    char small[256];
    std::string large;
    for (std::uint32_t i = 0; i < count; ++i) {
        Napi::HandleScope scope(env);
        napi_value key = nullptr, element = nullptr;
        ok(env, napi_get_element(env, keys, i, &key));
        step.key = key_text(env, key, small, large);
        look(env, napi_get_property(env, value, key, &element), &step);
        if (lone_surrogates(env, key, step.key)) {
            refuse(env, up, "an object with a key that has lone surrogates", kWellFormed);
        }
        // A plain object may have the hook as its own.
        if (step.key == "toJSON" && is_function(env, element)) return unusual_from_js(env, value, up);
        Message made = convert(env, element, &step);
        if (nothing(env, element, made)) continue;  // as in JSON
        check(env, reflow_object_builder_set(object.builder, view_of(step.key), made.leak(), &error),
              error);
    }
    reflow_message made{};
    check(env, reflow_object_builder_finish(std::exchange(object.builder, nullptr), &made, &error),
          error);
    return Message(made);
}

Message error_from_js(napi_env env, napi_value value) {
    Napi::Error problem(env, value);
    reflow_message made{};
    reflow_error* error = nullptr;
    check(env, reflow_message_error(view_of(problem.Message()), &made, &error), error);
    return Message(made);
}

// Objects that are not plain: lib/values.cjs makes something plain of them, once, or refuses.
Message unusual_from_js(napi_env env, napi_value value, const Step* step) {
    bool is = false;
    if (napi_check_object_type_tag(env, value, &kMessageTag, &is) == napi_ok && is) {
        void* wrapped = nullptr;
        ok(env, napi_unwrap(env, value, &wrapped));
        return Message(reflow_message_ref(static_cast<Message*>(wrapped)->get()));
    }
    Napi::Value plain;
    try {
        plain = Environment::of(env).unwrap.Call({value});
    } catch (const Napi::Error& thrown) {
        refuse_thrown(env, step, thrown);
    }
    // [value], or the name of what cannot be converted.
    if (plain.IsString()) {
        std::string text = plain.As<Napi::String>();
        std::size_t bar = text.find('|');
        refuse(env, step, text.substr(0, bar), bar == std::string::npos ? "" : text.substr(bar + 1));
    }
    napi_value inside = plain.As<Napi::Array>().Get(0u);
    bool same = false;
    ok(env, napi_strict_equals(env, inside, value, &same));
    if (same) return object_from_js(env, value, step);
    Step plainer{step, value, {}, 0, false, step == nullptr ? 1 : step->depth + 1, true};
    return convert(env, inside, &plainer);
}

Message view_from_js(napi_env env, napi_value value) {
    void* data = nullptr;
    std::size_t size = 0, offset = 0;
    napi_value buffer = nullptr;
    ok(env, napi_get_dataview_info(env, value, &size, &data, &buffer, &offset));
    return bytes_from_js(env, data, size);
}

Message object_or_array(napi_env env, napi_value value, const Step* step) {
    if (step != nullptr && step->depth >= REFLOW_MAX_DEPTH) refuse_depth(env, step, value);
    bool is = false;
    ok(env, napi_is_array(env, value, &is));
    if (is) return array_from_js(env, value, step);
    napi_value prototype = nullptr;
    look(env, napi_get_prototype(env, value, &prototype), step);
    ok(env, napi_strict_equals(env, prototype, Environment::of(env).object_prototype.Value(), &is));
    if (is) return object_from_js(env, value, step);
    ok(env, napi_is_typedarray(env, value, &is));
    if (is) return typed_from_js(env, value);
    ok(env, napi_is_dataview(env, value, &is));
    if (is) return view_from_js(env, value);
    ok(env, napi_is_arraybuffer(env, value, &is));
    if (is) {
        void* data = nullptr;
        std::size_t size = 0;
        ok(env, napi_get_arraybuffer_info(env, value, &data, &size));
        return bytes_from_js(env, data, size);
    }
    ok(env, napi_is_error(env, value, &is));
    if (is) return error_from_js(env, value);
    return unusual_from_js(env, value, step);
}

Message convert(napi_env env, napi_value value, const Step* step) {
    napi_valuetype type{};
    ok(env, napi_typeof(env, value, &type));
    switch (type) {
        case napi_undefined: return Message(reflow_message_flow());
        case napi_null: return Message(reflow_message_null());
        case napi_boolean: {
            bool truth = false;
            ok(env, napi_get_value_bool(env, value, &truth));
            return Message(reflow_message_boolean(truth));
        }
        case napi_number: {
            double number = 0;
            ok(env, napi_get_value_double(env, value, &number));
            return Message(number_message(number));
        }
        case napi_string: return text_from_js(env, value, step);
        case napi_bigint: return bigint_from_js(env, value, step);
        case napi_object: return object_or_array(env, value, step);
        case napi_function: refuse(env, step, "a function");
        case napi_symbol: refuse(env, step, "a symbol");
        default: refuse(env, step, "an object of native code");
    }
}

// The memory of an array buffer, on loan to the engine.
struct Lent {
    std::shared_ptr<Environment> environment;
    napi_ref buffer = nullptr;
};

void end_lent(void* user_data) {
    auto* lent = static_cast<Lent*>(user_data);
    --lent->environment->lent;
    // On whatever thread; the reference is of JavaScript's. Where that has ended it is gone already.
    lent->environment->post([buffer = lent->buffer](Napi::Env env) {
        napi_delete_reference(env, buffer);
    });
    delete lent;
}

}  // namespace

reflow_message number_message(double number) {
    bool whole = number >= -kSafe && number <= kSafe &&
                 number == static_cast<double>(static_cast<std::int64_t>(number)) &&
                 !(number == 0 && std::signbit(number));
    return whole ? reflow_message_integer(static_cast<std::int64_t>(number))
                 : reflow_message_float(number);
}

Message from_js(Napi::Env env, napi_value value) { return convert(env, value, nullptr); }

Message from_js_at(Napi::Env env, napi_value value, std::uint32_t index) {
    Step step;
    step.index = index;
    step.indexed = true;
    return convert(env, value, &step);
}

Napi::Value wrap_message(Napi::Env env, Message message) {
    reflow_kind kind = reflow_message_kind(message.get());
    Napi::Object fields = Napi::Object::New(env);
    reflow_view kind_name = reflow_kind_name(kind);
    fields.Set("kind", std::string(text_of(kind_name)));
    reflow_stream_info info{};
    info.struct_size = sizeof info;
    reflow_view a{}, b{}, c{};
    if (reflow_message_get_stream(message.get(), &info) == REFLOW_OK) {
        fields.Set("streamId", Napi::BigInt::New(env, info.stream_id));
        fields.Set("contentType", std::string(text_of(info.content_type)));
        fields.Set("originActor", std::string(text_of(info.origin_actor)));
        fields.Set("originPort", std::string(text_of(info.origin_port)));
    } else if (reflow_message_get_remote(message.get(), &a, &b, &c) == REFLOW_OK) {
        fields.Set("network", std::string(text_of(a)));
        fields.Set("actor", std::string(text_of(b)));
        fields.Set("port", std::string(text_of(c)));
    } else if (reflow_message_get_event_type(message.get(), &a) == REFLOW_OK) {
        reflow_message data{};
        reflow_message_get_content(message.get(), &data);
        fields.Set("type", std::string(text_of(a)));
        fields.Set("data", Napi::Value(env, to_js(env, data)));
    }
    Napi::Value made = Environment::of(env).make_message.Call({fields});
    auto* kept = new Message(std::move(message));
    napi_status status = napi_wrap(
        env, made, kept, [](napi_env, void* data, void*) { delete static_cast<Message*>(data); },
        nullptr, nullptr);
    if (status == napi_ok) status = napi_type_tag_object(env, made, &kMessageTag);
    ok(env, status);
    return made;
}

Napi::Value lend(const Napi::CallbackInfo& info) {
    Napi::Env env = info.Env();
    napi_typedarray_type type{};
    std::size_t count = 0, offset = 0;
    void* data = nullptr;
    napi_value buffer = nullptr;
    ok(env, napi_get_typedarray_info(env, info[0], &type, &count, &data, &buffer, &offset));
    auto* lent = new Lent{Environment::of(env).shared_from_this(), nullptr};
    ++lent->environment->lent;
    ok(env, napi_create_reference(env, buffer, 1, &lent->buffer));
    reflow_message made{};
    reflow_error* error = nullptr;
    reflow_number number = number_of(type);
    reflow_status status =
        number == 0
            ? reflow_message_lend(REFLOW_KIND_BYTES, data, count, end_lent, lent, &made, &error)
            : reflow_message_lend_numbers(number, data, count, end_lent, lent, &made, &error);
    check(env, status, error);
    return wrap_message(env, Message(made));
}

}  // namespace reflow_node
