// Tagged JSON in: {"type":...,"data":...}, values inside containers as the bytes of JSON text.
// docs/messages.md has the forms. Neighbours: tagged_writer.cpp. Thread: any.
#include <charconv>
#include <limits>

#include "base/text.hpp"
#include "codec/json_reader.hpp"
#include "codec/limits.hpp"
#include "codec/number.hpp"

namespace reflow::codec {
namespace {

constexpr std::string_view type_names[] = {
    "Flow",   "Boolean", "Integer",      "Float",           "String",       "Bytes",
    "Array",  "Object",  "Event",        "Error",           "Optional",     "Any",
    "Stream", "Encoded", "StreamHandle", "RemoteReference", "NetworkEvent", "Numbers"};

Failure wrong(std::string_view path, std::string_view type, std::string_view wanted) {
    return Failure(REFLOW_ERROR_PARSE, concat("the data of type ", type, " is not ", wanted))
        .path(path);
}

// Numbers from 0 to 255 as bytes; false for anything else.
bool bytes_of(MessageRef numbers, String* bytes) {
    bytes->clear();
    if (!numbers.is(REFLOW_KIND_ARRAY)) return false;
    if (numbers.size() == 0) return true;
    if (numbers.numbers_type() != REFLOW_NUMBER_I64) return false;
    bytes->reserve(numbers.size());
    const auto* values = static_cast<const std::int64_t*>(numbers.numbers_data());
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        if (values[i] < 0 || values[i] > 255) return false;
        bytes->push_back(static_cast<char>(static_cast<unsigned char>(values[i])));
    }
    return true;
}

// A number without sign up to 64 bits: an integer, the digits of a larger one, or text.
bool unsigned_of(MessageRef value, std::uint64_t* out) {
    if (value.is(REFLOW_KIND_INTEGER)) {
        *out = static_cast<std::uint64_t>(value.integer());
        return value.integer() >= 0;
    }
    if (!value.is(REFLOW_KIND_ENCODED) && !value.is(REFLOW_KIND_STRING)) return false;
    std::string_view digits = value.bytes();
    const char* end = digits.data() + digits.size();
    auto [stop, fault] = std::from_chars(digits.data(), end, *out);
    return fault == std::errc() && stop == end;
}

Result<Message> float_of(MessageRef data, std::string_view path) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    if (data.number()) return Message::real(data.real());
    if (data.is(REFLOW_KIND_ENCODED)) {
        // The type says that it is a float, so that it may be rounded.
        Number number = decimal_real(data.bytes());
        if (number.fault == NumberFault::none) return std::move(number.value);
        return Failure(REFLOW_ERROR_PARSE, describe(number.fault, data.bytes())).path(path);
    }
    // Writers without these words put null for all three.
    bool nan = data.is(REFLOW_KIND_NULL) || data.text() == "NaN";
    if (nan) return Message::real(std::numeric_limits<double>::quiet_NaN());
    if (data.text() == "Infinity") return Message::real(infinity);
    if (data.text() == "-Infinity") return Message::real(-infinity);
    return wrong(path, "Float", "a number, \"NaN\", \"Infinity\" or \"-Infinity\"");
}

Result<Message> stream_of(MessageRef data, std::string_view path) {
    constexpr std::string_view wanted =
        "an object with stream_id, origin_actor, origin_port, "
        "content_type and size_hint";
    MessageRef::Stream fields;
    MessageRef actor = data.get("origin_actor");
    MessageRef port = data.get("origin_port");
    MessageRef type = data.get("content_type");
    MessageRef size = data.get("size_hint");
    if (!unsigned_of(data.get("stream_id"), &fields.stream_id) || !actor.is(REFLOW_KIND_STRING) ||
        !port.is(REFLOW_KIND_STRING)) {
        return wrong(path, "StreamHandle", wanted);
    }
    if (!type.none() && !type.is(REFLOW_KIND_NULL) && !type.is(REFLOW_KIND_STRING)) {
        return wrong(path, "StreamHandle", wanted);
    }
    fields.has_size_hint = !size.none() && !size.is(REFLOW_KIND_NULL);
    if (fields.has_size_hint && !unsigned_of(size, &fields.size_hint)) {
        return wrong(path, "StreamHandle", wanted);
    }
    fields.origin_actor = actor.text();
    fields.origin_port = port.text();
    fields.content_type = type.text();
    return Message::stream(fields);
}

Result<Message> remote_of(MessageRef data, std::string_view path) {
    MessageRef network = data.get("network_id");
    MessageRef actor = data.get("actor_id");
    MessageRef port = data.get("port");
    if (!network.is(REFLOW_KIND_STRING) || !actor.is(REFLOW_KIND_STRING) ||
        !port.is(REFLOW_KIND_STRING)) {
        return wrong(path, "RemoteReference", "an object with network_id, actor_id and port");
    }
    return Message::remote(network.text(), actor.text(), port.text());
}

Result<Message> numbers_of(MessageRef data, std::string_view path) {
    MessageRef values = data.get("values");
    if (data.get("number").text() != "u64" || !values.is(REFLOW_KIND_ARRAY)) {
        return wrong(path, "Numbers", "an object with number \"u64\" and values");
    }
    Vector<std::uint64_t> numbers(values.size());
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        if (!unsigned_of(values.at(i), &numbers[i])) {
            return wrong(path, "Numbers", "a list of numbers of 64 bits without sign");
        }
    }
    return Message::numbers(REFLOW_NUMBER_U64, numbers.data(), numbers.size());
}

// The types whose data looks alike on the outermost level and in escapes; none for others.
Result<Message> simple(std::string_view type, MessageRef data, std::string_view path) {
    if (type == "Flow") {
        if (data.none() || data.is(REFLOW_KIND_NULL)) return Message::flow();
        return wrong(path, type, "absent");
    }
    if (type == "Float") return float_of(data, path);
    if (type == "Error") {
        if (data.is(REFLOW_KIND_STRING)) return Message::error(data.text());
        return wrong(path, type, "a string");
    }
    if (type == "Bytes" || type == "Stream" || type == "Encoded") {
        String bytes;
        if (!bytes_of(data, &bytes)) return wrong(path, type, "an array of numbers 0 to 255");
        return type == "Encoded" ? Message::encoded(bytes) : Message::bytes(bytes);
    }
    if (type == "StreamHandle") return stream_of(data, path);
    if (type == "RemoteReference") return remote_of(data, path);
    if (type == "Numbers") return numbers_of(data, path);
    return Message();
}

// An escaped object: keys and values in turn.
Result<Message> object_of(MessageRef list) {
    constexpr std::string_view wanted = "a list of keys and values";
    if (!list.is(REFLOW_KIND_ARRAY) || list.size() % 2 != 0) return wrong({}, "Object", wanted);
    ObjectBuilder object(list.size() / 2);
    for (std::size_t i = 0; i < list.size(); i += 2) {
        if (!list.at(i).is(REFLOW_KIND_STRING)) return wrong({}, "Object", wanted);
        object.set(list.at(i).text(), list.at(i + 1).own());
    }
    return object.finish();
}

// What {"$reflow":inner} stands for.
Result<Message> unescape(MessageRef inner) {
    MessageRef type_value = inner.get("type");
    std::string_view type = type_value.text();
    MessageRef data = inner.get("data");
    if (!type_value.is(REFLOW_KIND_STRING)) {
        return Failure(REFLOW_ERROR_PARSE, "an object with the only key '$reflow' has no type")
            .hint("the key is kept for kinds that JSON has no word for");
    }
    if (type == "Optional" && data.none()) {
        return Message::wrap(REFLOW_KIND_OPTIONAL, Message());
    }
    bool wraps = type == "Optional" || type == "Event" || type == "Any" || type == "NetworkEvent";
    if (wraps && data.none()) return wrong({}, type, "there");
    if (type == "Optional") return Message::wrap(REFLOW_KIND_OPTIONAL, data.own());
    if (type == "Event") return Message::wrap(REFLOW_KIND_EVENT, data.own());
    if (type == "Any") return Message::wrap(REFLOW_KIND_ANY, data.own());
    if (type == "NetworkEvent") {
        MessageRef event_type = inner.get("event_type");
        if (!event_type.is(REFLOW_KIND_STRING)) return wrong({}, type, "of an event_type");
        return Message::network_event(event_type.text(), data.own());
    }
    if (type == "Object") return object_of(data);
    Result<Message> made = simple(type, data, {});
    if (made.ok() && made.value().none()) {
        return Failure(REFLOW_ERROR_PARSE, concat("no escape is of type '", type, "'"));
    }
    return made;
}

// Reads the outermost level.
class TaggedReader {
public:
    explicit TaggedReader(const ReadLimits& limits) : inner_(inner_options(limits)) {}

    [[nodiscard]] Result<Message> convert(MessageRef document);

private:
    static JsonReader::Options inner_options(const ReadLimits& limits) {
        JsonReader::Options options;
        options.limits = limits;
        options.unescape = unescape;
        return options;
    }

    Result<Message> array(MessageRef data);
    Result<Message> wrapped(reflow_kind kind, std::string_view type, MessageRef data);
    Result<Message> network_event(MessageRef data);
    Result<Message> embedded(MessageRef value, std::string_view type, std::string_view path);

    JsonReader inner_;
    String text_;
};

Result<Message> TaggedReader::convert(MessageRef document) {
    MessageRef type_value = document.get("type");
    if (!type_value.is(REFLOW_KIND_STRING)) {
        return Failure(REFLOW_ERROR_PARSE, "tagged JSON is an object with a string 'type'")
            .path("$");
    }
    std::string_view type = type_value.text();
    constexpr std::string_view path = "$.data";
    MessageRef data = document.get("data");
    if (type == "Boolean") {
        if (data.is(REFLOW_KIND_BOOLEAN)) return data.own();
        return wrong(path, type, "true or false");
    }
    if (type == "Integer") {
        if (data.is(REFLOW_KIND_INTEGER)) return data.own();
        return wrong(path, type, "an integer of 64 bits");
    }
    if (type == "String") {
        if (data.is(REFLOW_KIND_STRING)) return data.own();
        return wrong(path, type, "a string");
    }
    if (type == "Object") {
        Result<Message> object = embedded(data, type, path);
        if (object.ok() && !object.value().is(REFLOW_KIND_OBJECT)) {
            return wrong(path, type, "the JSON of an object");
        }
        return object;
    }
    if (type == "Array") return array(data);
    if (type == "Event") return wrapped(REFLOW_KIND_EVENT, type, data);
    if (type == "Any") return wrapped(REFLOW_KIND_ANY, type, data);
    if (type == "NetworkEvent") return network_event(data);
    if (type == "Optional") {
        if (data.none()) return Message::null();
        if (data.is(REFLOW_KIND_NULL)) return Message::wrap(REFLOW_KIND_OPTIONAL, Message());
        return wrapped(REFLOW_KIND_OPTIONAL, type, data);
    }
    Result<Message> made = simple(type, data, path);
    if (made.ok() && made.value().none()) {
        return Failure(REFLOW_ERROR_PARSE, concat("no type of message is named '", type, "'"))
            .hint(did_you_mean(type, type_names))
            .path("$.type");
    }
    return made;
}

Result<Message> TaggedReader::array(MessageRef data) {
    if (!data.is(REFLOW_KIND_ARRAY)) return wrong("$.data", "Array", "an array");
    ArrayBuilder builder(data.size());
    for (std::size_t i = 0; i < data.size(); ++i) {
        Result<Message> element = embedded(data.at(i), "Array", concat("$.data[", i, "]"));
        if (!element.ok()) return element.take_error();
        builder.append(std::move(element).take());
    }
    return builder.finish();
}

Result<Message> TaggedReader::wrapped(reflow_kind kind, std::string_view type, MessageRef data) {
    Result<Message> content = embedded(data, type, "$.data");
    if (!content.ok()) return content.take_error();
    return Message::wrap(kind, std::move(content).take());
}

Result<Message> TaggedReader::network_event(MessageRef data) {
    MessageRef event_type = data.get("event_type");
    if (!event_type.is(REFLOW_KIND_STRING)) {
        return wrong("$.data", "NetworkEvent", "an object with event_type and data");
    }
    Result<Message> content = embedded(data.get("data"), "NetworkEvent", "$.data.data");
    if (!content.ok()) return content.take_error();
    return Message::network_event(event_type.text(), std::move(content).take());
}

// {"data":[bytes of JSON text]}
Result<Message> TaggedReader::embedded(MessageRef value, std::string_view type,
                                       std::string_view path) {
    if (!bytes_of(value.get("data"), &text_)) {
        return wrong(path, type, "{\"data\":[bytes of JSON text]}");
    }
    Result<Message> made = inner_.read(text_);
    if (made.ok()) return made;
    const Error& error = made.error();
    return Failure(error.status, concat("embedded JSON, line ", error.line, ", column ",
                                        error.column, ": ", error.message))
        .hint(error.hint)
        .path(path);
}

}  // namespace

Result<Message> read_tagged_json(std::string_view text, const ReadLimits& limits) {
    JsonReader::Options options;
    options.limits = limits;
    options.limits.depth = limits::depth_count;  // what is limited is the depth of the message
    options.duplicates = Duplicates::refuse;
    options.keep_digits = true;
    Result<Message> document = JsonReader(options).read(text);
    if (!document.ok()) return document;
    Result<Message> made = TaggedReader(limits).convert(document.value());
    if (made.ok() && made.value().depth() > most_levels(limits)) {
        return Failure(REFLOW_ERROR_LIMIT, over_levels(limits)).path("$");
    }
    return made;
}

}  // namespace reflow::codec
