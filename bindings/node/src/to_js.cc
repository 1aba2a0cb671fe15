// From messages to JavaScript values.
#include <cstring>
#include <memory>

#include "environment.h"
#include "errors.h"
#include "values.h"

namespace reflow_node {

namespace {

// From this size on memory is shared: below it a copy is cheaper than a buffer that has to be watched.
constexpr std::size_t kShare = 4096;
constexpr std::int64_t kSafe = 9007199254740991;  // 2^53 - 1

void ok(napi_env env, napi_status status) {
    if (status != napi_ok) throw Napi::Error::New(env);
}

// What a shared buffer keeps.
struct Shared {
    Shared(std::shared_ptr<Environment> e, reflow_message m, const void* d)
        : environment(std::move(e)), message(reflow_message_ref(m)), data(d) {
        ++environment->shared;
    }
    ~Shared() { --environment->shared; }
    std::shared_ptr<Environment> environment;
    Message message;
    const void* data;
    napi_ref buffer = nullptr;  // weak
};

void end_shared(napi_env env, void*, void* hint) {
    std::unique_ptr<Shared> shared(static_cast<Shared*>(hint));
    auto& all = shared->environment->shared_buffers;
    if (shared->buffer == nullptr) return;
    auto found = all.find(shared->data);
    if (found != all.end() && found->second == shared->buffer) all.erase(found);
    napi_delete_reference(env, shared->buffer);
}

// An array buffer on memory that a message keeps, or NULL if the host does not allow that.
napi_value make_shared_buffer(napi_env env, std::unique_ptr<Shared>& shared, std::size_t size) {
    napi_value buffer = nullptr;
    napi_status status = napi_create_external_arraybuffer(env, const_cast<void*>(shared->data), size,
                                                          end_shared, shared.get(), &buffer);
    if (status != napi_ok) return nullptr;
    Shared* kept = shared.release();
    napi_wrap(env, buffer, kept, nullptr, nullptr, nullptr);
    napi_type_tag_object(env, buffer, &shared_tag);
    return buffer;
}

// An array buffer on the memory of a message, or NULL if the host does not allow that. The same memory has
// one array buffer as long as that lives, and passing it on gives the same message: see from_js.cc.
napi_value share(napi_env env, reflow_message message, const void* data, std::size_t size) {
    Environment& environment = Environment::of(env);
    if (environment.copy_only) return nullptr;
    napi_value buffer = nullptr;
    auto found = environment.shared_buffers.find(data);
    if (found != environment.shared_buffers.end()) {
        // Its message is held as long as it lives, so nothing else can have this memory.
        napi_get_reference_value(env, found->second, &buffer);
        if (buffer != nullptr) return buffer;
    }
    auto shared = std::make_unique<Shared>(environment.shared_from_this(), message, data);
    Shared* kept = shared.get();
    buffer = make_shared_buffer(env, shared, size);
    if (buffer == nullptr) return nullptr;
    if (napi_create_reference(env, buffer, 0, &kept->buffer) == napi_ok) {
        environment.shared_buffers[data] = kept->buffer;
    }
    return buffer;
}

napi_value bytes_to_js(napi_env env, reflow_message message) {
    reflow_view bytes{};
    reflow_message_get_bytes(message, &bytes);
    if (bytes.size >= kShare) {
        if (napi_value buffer = share(env, message, bytes.data, bytes.size)) {
            return Environment::of(env).as_buffer.Call({buffer});
        }
    }
    napi_value made = nullptr;
    ok(env, napi_create_buffer_copy(env, bytes.size, bytes.data, nullptr, &made));
    return made;
}

napi_value integer_to_js(napi_env env, std::int64_t value) {
    napi_value made = nullptr;
    bool safe = value >= -kSafe && value <= kSafe;
    ok(env, safe ? napi_create_int64(env, value, &made)
                 : napi_create_bigint_int64(env, value, &made));
    return made;
}

napi_value text_to_js(napi_env env, reflow_view text) {
    napi_value made = nullptr;
    ok(env, napi_create_string_utf8(env, text.data, text.size, &made));
    return made;
}

struct Packed {
    napi_typedarray_type type;
    std::size_t width;
    bool ambiguous;  // arrays of plain numbers are packed like that, too
};

Packed packed_of(reflow_number type) {
    switch (type) {
        case REFLOW_NUMBER_I8: return {napi_int8_array, 1, false};
        case REFLOW_NUMBER_U8: return {napi_uint8_array, 1, false};
        case REFLOW_NUMBER_I16: return {napi_int16_array, 2, false};
        case REFLOW_NUMBER_U16: return {napi_uint16_array, 2, false};
        case REFLOW_NUMBER_I32: return {napi_int32_array, 4, false};
        case REFLOW_NUMBER_U32: return {napi_uint32_array, 4, false};
        case REFLOW_NUMBER_I64: return {napi_bigint64_array, 8, true};
        case REFLOW_NUMBER_U64: return {napi_biguint64_array, 8, false};
        case REFLOW_NUMBER_F32: return {napi_float32_array, 4, false};
        default: return {napi_float64_array, 8, true};
    }
}

napi_value typed_array(napi_env env, reflow_message message, const Packed& packed, const void* data,
                       std::size_t count) {
    std::size_t size = count * packed.width;
    napi_value buffer = size >= kShare ? share(env, message, data, size) : nullptr;
    if (buffer == nullptr) {
        void* memory = nullptr;
        ok(env, napi_create_arraybuffer(env, size, &memory, &buffer));
        if (size != 0) std::memcpy(memory, data, size);
    }
    napi_value made = nullptr;
    ok(env, napi_create_typedarray(env, packed.type, count, buffer, 0, &made));
    return made;
}

// What is inside of something: a signal stays one, since undefined there would mean null or nothing.
napi_value inner_to_js(napi_env env, reflow_message message, bool typed) {
    if (reflow_message_kind(message) != REFLOW_KIND_FLOW) return to_js(env, message, typed);
    return wrap_message(env, Message(reflow_message_ref(message)));
}

napi_value array_to_js(napi_env env, reflow_message message, bool typed) {
    reflow_number type = 0;
    const void* data = nullptr;
    std::size_t numbers = 0;
    if (reflow_message_get_numbers(message, &type, &data, &numbers) == REFLOW_OK) {
        Packed packed = packed_of(type);
        if (typed || !packed.ambiguous) return typed_array(env, message, packed, data, numbers);
    }
    std::size_t count = reflow_message_count(message);
    napi_value made = nullptr;
    ok(env, napi_create_array_with_length(env, count, &made));
    for (std::size_t i = 0; i < count; ++i) {
        Napi::HandleScope scope(env);
        reflow_message element{};
        reflow_message_get_at(message, i, &element);
        ok(env, napi_set_element(env, made, static_cast<std::uint32_t>(i),
                                 inner_to_js(env, element, typed)));
    }
    return made;
}

napi_value object_to_js(napi_env env, reflow_message message, bool typed) {
    napi_value made = nullptr;
    ok(env, napi_create_object(env, &made));
    std::size_t count = reflow_message_count(message);
    for (std::size_t i = 0; i < count; ++i) {
        Napi::HandleScope scope(env);
        reflow_view key{};
        reflow_message element{};
        reflow_message_get_key(message, i, &key);
        reflow_message_get_at(message, i, &element);
        napi_value value = inner_to_js(env, element, typed);
        napi_value name = text_to_js(env, key);
        if (text_of(key) == "__proto__") {
            // As a key like any other: setting it would change the prototype.
            napi_property_descriptor own{nullptr, name, nullptr, nullptr, nullptr, value,
                                         napi_default_jsproperty, nullptr};
            ok(env, napi_define_properties(env, made, 1, &own));
        } else {
            ok(env, napi_set_property(env, made, name, value));
        }
    }
    return made;
}

napi_value content_to_js(napi_env env, reflow_message message, bool typed) {
    reflow_message content{};
    reflow_message_get_content(message, &content);
    if (reflow_message_kind(content) != REFLOW_KIND_NONE) return to_js(env, content, typed);
    napi_value null = nullptr;
    ok(env, napi_get_null(env, &null));
    return null;
}

napi_value encoded_to_js(napi_env env, reflow_message message, bool typed) {
    reflow_view bytes{};
    reflow_message_get_bytes(message, &bytes);
    reflow_message decoded{};
    reflow_error* error = nullptr;
    reflow_status status =
        reflow_message_from_msgpack(bytes.data, bytes.size, nullptr, &decoded, &error);
    check(env, status, error);
    Message kept(decoded);
    return to_js(env, decoded, typed);
}

napi_value error_to_js(napi_env env, reflow_message message) {
    reflow_view text{};
    reflow_message_get_text(message, &text);
    Failure failure;
    failure.status = REFLOW_ERROR_FAILED;
    failure.message = std::string(text_of(text));
    return error_of(env, failure).Value();
}

}  // namespace

const napi_type_tag shared_tag{0x7265666c6f776e6f, 0x6465736861726564};

napi_value lend_buffer(napi_env env, reflow_message message) {
    Environment& environment = Environment::of(env);
    reflow_view bytes{};
    reflow_message_get_bytes(message, &bytes);
    napi_value buffer = nullptr;
    if (bytes.size != 0 && !environment.copy_only) {
        auto shared = std::make_unique<Shared>(environment.shared_from_this(), message, bytes.data);
        buffer = make_shared_buffer(env, shared, bytes.size);
        if (buffer != nullptr) return buffer;
    }
    void* memory = nullptr;
    ok(env, napi_create_arraybuffer(env, bytes.size, &memory, &buffer));
    if (bytes.size != 0) std::memcpy(memory, bytes.data, bytes.size);
    return buffer;
}

void release_buffer(napi_env env, napi_value buffer) {
    bool tagged = false, gone = false;
    void* wrapped = nullptr;
    // Its memory was moved to another buffer (ArrayBuffer.prototype.transfer), and is held as long as that lives.
    if (napi_is_detached_arraybuffer(env, buffer, &gone) != napi_ok || gone) return;
    if (napi_check_object_type_tag(env, buffer, &shared_tag, &tagged) == napi_ok && tagged &&
        napi_unwrap(env, buffer, &wrapped) == napi_ok) {
        napi_remove_wrap(env, buffer, nullptr);  // the memory may be written again from here on
        static_cast<Shared*>(wrapped)->message = Message();
    }
    napi_detach_arraybuffer(env, buffer);
}

reflow_message message_of_shared(void* wrapped) {
    return static_cast<Shared*>(wrapped)->message.get();
}

napi_value to_js(napi_env env, reflow_message message, bool typed) {
    napi_value made = nullptr;
    switch (reflow_message_kind(message)) {
        case REFLOW_KIND_NULL: ok(env, napi_get_null(env, &made)); return made;
        case REFLOW_KIND_NONE:
        case REFLOW_KIND_FLOW: ok(env, napi_get_undefined(env, &made)); return made;
        case REFLOW_KIND_BOOLEAN: {
            bool value = false;
            reflow_message_get_boolean(message, &value);
            ok(env, napi_get_boolean(env, value, &made));
            return made;
        }
        case REFLOW_KIND_INTEGER: {
            std::int64_t value = 0;
            reflow_message_get_integer(message, &value);
            return integer_to_js(env, value);
        }
        case REFLOW_KIND_FLOAT: {
            double value = 0;
            reflow_message_get_float(message, &value);
            ok(env, napi_create_double(env, value, &made));
            return made;
        }
        case REFLOW_KIND_STRING: {
            reflow_view text{};
            reflow_message_get_text(message, &text);
            return text_to_js(env, text);
        }
        case REFLOW_KIND_BYTES: return bytes_to_js(env, message);
        case REFLOW_KIND_ARRAY: return array_to_js(env, message, typed);
        case REFLOW_KIND_OBJECT: return object_to_js(env, message, typed);
        case REFLOW_KIND_ERROR: return error_to_js(env, message);
        case REFLOW_KIND_EVENT:
        case REFLOW_KIND_OPTIONAL:
        case REFLOW_KIND_ANY: return content_to_js(env, message, typed);
        case REFLOW_KIND_ENCODED: return encoded_to_js(env, message, typed);
        default: return wrap_message(env, Message(reflow_message_ref(message)));
    }
}

}  // namespace reflow_node
