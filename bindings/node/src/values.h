// Messages as JavaScript values, and the other way round. The table is in docs/node.md.
// Thread: JS; Message: any.
#pragma once

#include <napi.h>
#include <reflow.h>

#include <utility>

namespace reflow_node {

// One reference to a message.
class Message {
public:
    Message() = default;
    explicit Message(reflow_message adopted) : value_(adopted) {}
    Message(Message&& from) noexcept : value_(reflow_message_take(&from.value_)) {}
    Message& operator=(Message&& from) noexcept {
        std::swap(value_, from.value_);
        return *this;
    }
    ~Message() { reflow_message_unref(value_); }
    [[nodiscard]] reflow_message get() const { return value_; }
    [[nodiscard]] reflow_message leak() { return reflow_message_take(&value_); }

private:
    reflow_message value_{};
};

// The value of a message, which is borrowed. typed: packed arrays of 64-bit numbers come as typed arrays.
napi_value to_js(napi_env env, reflow_message message, bool typed = false);

// The message of a value; throws ERR_REFLOW_TYPE with the path of what cannot be converted.
Message from_js(Napi::Env env, napi_value value);
// One of many values of a call: the path of what is refused begins with its index.
Message from_js_at(Napi::Env env, napi_value value, std::uint32_t index);

// Whole numbers within 2^53 are integers, others floats.
reflow_message number_message(double number);

// An object of the class Message of lib/values.cjs around a message of a kind that JavaScript has no value
// for, or that was lent.
Napi::Value wrap_message(Napi::Env env, Message message);

// An array buffer on the memory of a message of bytes, which nobody else has: release_buffer() ends it. A copy where
// the host does not allow such buffers.
napi_value lend_buffer(napi_env env, reflow_message message);
// Lets go of what a buffer of lend_buffer() holds, and empties the buffer.
void release_buffer(napi_env env, napi_value buffer);

// transfer(view): a message that has the memory of a typed array or buffer without a copy. The view must
// be known to nobody else.
Napi::Value lend(const Napi::CallbackInfo& info);

// Marks array buffers that share the memory of a message, and the message of what they wrap.
extern const napi_type_tag shared_tag;
reflow_message message_of_shared(void* wrapped);

}  // namespace reflow_node
