// Envelopes of packets as objects.
#include "envelope.h"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "bridge.h"

namespace reflow_node {

namespace {

constexpr char kDigits[] = "0123456789abcdef";

std::string hexadecimal(const std::uint8_t* bytes, std::size_t size) {
    std::string text;
    for (std::size_t i = 0; i < size; ++i) {
        text += kDigits[bytes[i] >> 4];
        text += kDigits[bytes[i] & 15];
    }
    return text;
}

bool any(const std::uint8_t* bytes, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) {
        if (bytes[i] != 0) return true;
    }
    return false;
}

void read_bytes(Napi::Env env, const Options& given, const char* key, std::uint8_t* bytes,
                std::size_t size) {
    const std::string text = given.text(key);
    if (text.empty()) return;
    bool fine = text.size() == 2 * size;
    for (std::size_t i = 0; fine && i < text.size(); ++i) {
        const char* at = std::strchr(kDigits, text[i]);
        fine = at != nullptr && text[i] != '\0';
        if (fine) {
            const auto digit = static_cast<std::uint8_t>(at - kDigits);
            bytes[i / 2] = static_cast<std::uint8_t>(i % 2 == 0 ? digit << 4 : bytes[i / 2] | digit);
        }
    }
    if (!fine) {
        refuse(env, std::string(key) + " of an envelope has to be " + std::to_string(2 * size) +
                        " hexadecimal digits in lower case");
    }
}

std::string read_text(Napi::Env env, const Options& given, const char* key, std::size_t most) {
    std::string text = given.text(key);
    if (text.size() > most) {
        raise(env, REFLOW_ERROR_LIMIT,
              std::string(key) + " of an envelope has " + std::to_string(text.size()) +
                  " bytes; it may have " + std::to_string(most));
    }
    return text;
}

void set_text(Napi::Object object, const char* key, const std::string& text) {
    if (!text.empty()) object.Set(key, text);
}

}  // namespace

Envelope::Envelope(const reflow_envelope& from)
    : view(from),
      correlation(text_of(from.correlation)),
      source_network(text_of(from.source_network)),
      source_instance(text_of(from.source_instance)),
      source_actor(text_of(from.source_actor)),
      message_id(text_of(from.message_id)) {}

const reflow_envelope* Envelope::get() {
    view.correlation = view_of(correlation);
    view.source_network = view_of(source_network);
    view.source_instance = view_of(source_instance);
    view.source_actor = view_of(source_actor);
    view.message_id = view_of(message_id);
    return &view;
}

std::shared_ptr<Envelope> envelope_of(const reflow_context* context) {
    reflow_envelope found{};
    found.struct_size = sizeof found;
    if (reflow_context_envelope(context, &found) != REFLOW_OK) return nullptr;
    return std::make_shared<Envelope>(found);
}

Napi::Value envelope_to_js(Napi::Env env, const Envelope* envelope) {
    if (envelope == nullptr) return env.Undefined();
    Napi::Object object = Napi::Object::New(env);
    const reflow_envelope& view = envelope->view;
    if (any(view.trace_id, sizeof view.trace_id)) {
        object.Set("traceId", hexadecimal(view.trace_id, sizeof view.trace_id));
    }
    if (any(view.span_id, sizeof view.span_id)) {
        object.Set("spanId", hexadecimal(view.span_id, sizeof view.span_id));
    }
    if (view.deadline_ms != 0) object.Set("deadlineMs", static_cast<double>(view.deadline_ms));
    set_text(object, "correlation", envelope->correlation);
    set_text(object, "sourceNetwork", envelope->source_network);
    set_text(object, "sourceInstance", envelope->source_instance);
    set_text(object, "sourceActor", envelope->source_actor);
    set_text(object, "messageId", envelope->message_id);
    return object;
}

std::shared_ptr<Envelope> envelope_from_js(Napi::Env env, Napi::Value value) {
    if (value.IsUndefined() || value.IsNull()) return nullptr;
    if (!value.IsObject()) refuse(env, "an envelope has to be an object");
    static constexpr std::string_view keys[] = {"correlation", "deadlineMs", "traceId", "spanId",
                                                "sourceNetwork", "sourceInstance", "sourceActor", "messageId"};
    const Napi::Array names = value.As<Napi::Object>().GetPropertyNames();
    for (std::uint32_t i = 0; i < names.Length(); ++i) {
        const std::string name = names.Get(i).ToString();
        if (std::find(std::begin(keys), std::end(keys), name) != std::end(keys)) continue;
        std::string known;
        for (std::string_view key : keys) known.append(known.empty() ? "one of " : ", ").append(key);
        raise(env, REFLOW_ERROR_INVALID_ARGUMENT, "an envelope has no '" + name + "'", known);
    }
    const Options given(env, value);
    auto made = std::make_shared<Envelope>();
    read_bytes(env, given, "traceId", made->view.trace_id, sizeof made->view.trace_id);
    read_bytes(env, given, "spanId", made->view.span_id, sizeof made->view.span_id);
    made->view.deadline_ms = given.number("deadlineMs", 0, INT64_C(9007199254740991));
    made->correlation = read_text(env, given, "correlation", REFLOW_MAX_CORRELATION_BYTES);
    made->source_network = read_text(env, given, "sourceNetwork", REFLOW_MAX_SOURCE_BYTES);
    made->source_instance = read_text(env, given, "sourceInstance", REFLOW_MAX_SOURCE_BYTES);
    made->source_actor = read_text(env, given, "sourceActor", REFLOW_MAX_SOURCE_BYTES);
    made->message_id = read_text(env, given, "messageId", REFLOW_MAX_SOURCE_BYTES);
    return made;
}

}  // namespace reflow_node
