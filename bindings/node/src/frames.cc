// Batches of packets in memory that JavaScript sees, too.
#include "frames.h"

#include "values.h"

namespace reflow_node {

namespace {

template <typename T>
T* memory(Napi::Object arrays, const char* name) {
    void* data = nullptr;
    napi_get_typedarray_info(arrays.Env(), arrays.Get(name), nullptr, nullptr, &data, nullptr,
                             nullptr);
    return static_cast<T*>(data);
}

}  // namespace

Frames::Frames(Napi::Object arrays)
    : in_tags_(memory<std::uint8_t>(arrays, "inTags")),
      in_numbers_(memory<double>(arrays, "inNumbers")),
      in_ports_(memory<std::uint32_t>(arrays, "inPorts")),
      in_indexes_(memory<std::int32_t>(arrays, "inIndexes")),
      out_tags_(memory<std::uint8_t>(arrays, "outTags")),
      out_numbers_(memory<double>(arrays, "outNumbers")),
      out_ports_(memory<std::uint32_t>(arrays, "outPorts")),
      state_(memory<std::int32_t>(arrays, "state")),
      out_messages_(kCapacity),
      arrays_(Napi::Persistent(arrays)) {
    arrays_.SuppressDestruct();
    napi_create_reference(arrays.Env(), arrays.Get("inValues"), 1, &values_);
}

void Frames::put(napi_env env, std::size_t at, reflow_message message, bool typed) {
    switch (reflow_message_kind(message)) {
        case REFLOW_KIND_FLOAT:
            in_tags_[at] = kNumber;
            reflow_message_get_float(message, &in_numbers_[at]);
            return;
        case REFLOW_KIND_INTEGER: {
            std::int64_t value = 0;
            reflow_message_get_integer(message, &value);
            if (value < -9007199254740991 || value > 9007199254740991) break;
            in_tags_[at] = kNumber;
            in_numbers_[at] = static_cast<double>(value);
            return;
        }
        case REFLOW_KIND_NULL: in_tags_[at] = kNull; return;
        case REFLOW_KIND_BOOLEAN: {
            bool value = false;
            reflow_message_get_boolean(message, &value);
            in_tags_[at] = value ? kTrue : kFalse;
            return;
        }
        case REFLOW_KIND_NONE:
        case REFLOW_KIND_FLOW: in_tags_[at] = kUndefined; return;
        default: break;
    }
    in_tags_[at] = kValue;
    Napi::HandleScope scope(env);
    napi_value values = nullptr;
    napi_get_reference_value(env, values_, &values);
    napi_set_element(env, values, static_cast<std::uint32_t>(at), to_js(env, message, typed));
}

void Frames::take(std::size_t count, std::vector<reflow_message>& messages,
                  std::vector<std::uint32_t>& ports) {
    messages.reserve(messages.size() + count);
    for (std::size_t i = 0; i < count; ++i) {
        reflow_message made{};
        switch (out_tags_[i]) {
            case kNumber: made = number_message(out_numbers_[i]); break;
            case kValue: made = reflow_message_take(&out_messages_[i]); break;
            case kNull: made = reflow_message_null(); break;
            case kFalse: made = reflow_message_boolean(false); break;
            case kTrue: made = reflow_message_boolean(true); break;
            default: made = reflow_message_flow(); break;
        }
        messages.push_back(made);
    }
    ports.insert(ports.end(), out_ports_, out_ports_ + count);
}

void Frames::keep(std::size_t at, reflow_message message) {
    if (at >= kCapacity) {
        reflow_message_unref(message);
        return;
    }
    reflow_message_unref(reflow_message_take(&out_messages_[at]));
    out_messages_[at] = message;
}

}  // namespace reflow_node
