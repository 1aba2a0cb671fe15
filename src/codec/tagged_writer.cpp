// Tagged JSON out: {"type":...,"data":...}, values inside containers as the bytes of JSON text.
// docs/messages.md has the forms. Neighbours: tagged_reader.cpp. Thread: any.
#include <cmath>

#include "base/text.hpp"
#include "codec/json_out.hpp"
#include "codec/json_reader.hpp"
#include "codec/plain.hpp"

namespace reflow::codec {
namespace {

// Packed numbers that plain integers cannot hold.
bool beyond_integers(MessageRef array) {
    if (array.numbers_type() != REFLOW_NUMBER_U64) return false;
    for (std::size_t i = 0; i < array.size(); ++i) {
        if (array.at(i).is(REFLOW_KIND_FLOAT)) return true;
    }
    return false;
}

std::string_view float_name(double value) noexcept {
    if (std::isnan(value)) return "NaN";
    return value < 0 ? "-Infinity" : "Infinity";
}

// {"number":"u64","values":["1",...]}: text, since other readers round large numbers.
void show_large_numbers(JsonOut& out, MessageRef array) {
    out.begin_object();
    out.key("number");
    out.string("u64");
    out.key("values");
    out.begin_array();
    const char* at = static_cast<const char*>(array.numbers_data());
    for (std::size_t left = array.size(); left > 0; --left, at += sizeof(std::uint64_t)) {
        std::uint64_t value = 0;
        std::memcpy(&value, at, sizeof value);
        out.string(concat(value));
    }
    out.end_array();
    out.end_object();
}

// Writes the JSON that stands inside others. What JSON has no word for is an escape:
// {"$reflow":{"type":...,"data":...}}.
class InnerWriter {
public:
    explicit InnerWriter(JsonOut& out) noexcept : out_(out) {}

    [[nodiscard]] Result<void> write(MessageRef message) {
        Result<void> written = value(message);
        while (written.ok() && !open_.empty()) written = next();
        return written;
    }

private:
    // A container or wrapped message whose parts are being written, and whether it is the data of
    // an escape.
    struct Open {
        MessageRef container;
        std::size_t next = 0;
        bool escape = false;
    };

    Result<void> next() {
        Open& open = open_.back();
        MessageRef container = open.container;
        bool object = container.is(REFLOW_KIND_OBJECT);
        bool wraps = !object && !container.is(REFLOW_KIND_ARRAY);
        std::size_t size = wraps ? 1 : container.size();
        // An escaped object is a list of keys and values, since an object could again look like an
        // escape.
        bool list = object && open.escape;
        if (open.next < size) {
            std::size_t at = open.next++;
            if (object) list ? out_.string(container.key_at(at)) : out_.key(container.key_at(at));
            return value(wraps ? container.content() : container.at(at));
        }
        if (!wraps) object && !list ? out_.end_object() : out_.end_array();
        if (open.escape) end_escape();
        open_.pop_back();
        return {};
    }

    void begin_escape(MessageRef message) {
        out_.begin_object();
        out_.key(JsonReader::escape_key);
        out_.begin_object();
        out_.key("type");
        out_.string(message.kind_name());
    }
    void end_escape() {
        out_.end_object();
        out_.end_object();
    }

    Result<void> value(MessageRef message) {
        switch (message.kind()) {
            case REFLOW_KIND_NULL:
                out_.null();
                return {};
            case REFLOW_KIND_BOOLEAN:
                out_.boolean(message.boolean());
                return {};
            case REFLOW_KIND_INTEGER:
                out_.integer(message.integer());
                return {};
            case REFLOW_KIND_STRING:
                out_.string(message.text());
                return {};
            case REFLOW_KIND_FLOAT:
                if (!std::isfinite(message.real())) return escape(message);
                out_.real(message.real());
                return {};
            case REFLOW_KIND_ARRAY:
                return array(message);
            case REFLOW_KIND_OBJECT:
                if (message.has(JsonReader::escape_key)) return escape(message);
                out_.begin_object();
                open_.push_back({message});
                return {};
            case REFLOW_KIND_NONE:
                return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                               "a message of kind None cannot be written");
            default:
                return escape(message);
        }
    }

    Result<void> array(MessageRef message) {
        bool packed = message.numbers_type() != 0;
        bool floats = message.numbers_type() == REFLOW_NUMBER_F32 ||
                      message.numbers_type() == REFLOW_NUMBER_F64;
        if (beyond_integers(message)) {
            out_.begin_object();
            out_.key(JsonReader::escape_key);
            out_.begin_object();
            out_.key("type");
            out_.string("Numbers");
            out_.key("data");
            show_large_numbers(out_, message);
            end_escape();
            return {};
        }
        out_.begin_array();
        if (!packed || floats) {
            // Floats one by one, since each may be one that needs an escape.
            open_.push_back({message});
            return {};
        }
        show_numbers(out_, message);
        out_.end_array();
        return {};
    }

    Result<void> escape(MessageRef message) {
        begin_escape(message);
        bool wraps = message.is(REFLOW_KIND_EVENT) || message.is(REFLOW_KIND_ANY) ||
                     message.is(REFLOW_KIND_OPTIONAL) || message.is(REFLOW_KIND_NETWORK_EVENT);
        if (message.is(REFLOW_KIND_NETWORK_EVENT)) {
            out_.key("event_type");
            out_.string(message.event_type());
        }
        bool empty = message.is(REFLOW_KIND_FLOW) ||
                     (message.is(REFLOW_KIND_OPTIONAL) && message.content().none());
        if (!empty) out_.key("data");
        if (!empty && message.is(REFLOW_KIND_OBJECT)) {
            out_.begin_array();
            open_.push_back({message, 0, true});
            return {};
        }
        if (!empty && wraps) {
            open_.push_back({message, 0, true});
            return {};
        }
        switch (message.kind()) {
            case REFLOW_KIND_FLOAT:
                out_.string(float_name(message.real()));
                break;
            case REFLOW_KIND_BYTES:
            case REFLOW_KIND_ENCODED:
                show_bytes(out_, message.bytes());
                break;
            case REFLOW_KIND_ERROR:
                out_.string(message.text());
                break;
            case REFLOW_KIND_STREAM:
                show_stream(out_, message.stream(), [this](std::uint64_t value) {
                    // Text, since the reader of what is inside has no larger integers.
                    value <= INT64_MAX ? out_.unsigned_integer(value) : out_.string(concat(value));
                });
                break;
            case REFLOW_KIND_REMOTE:
                show_remote(out_, message.remote());
                break;
            default:
                break;
        }
        end_escape();
        return {};
    }

    JsonOut& out_;
    Vector<Open> open_;
};

// Writes the outermost level.
class TaggedWriter {
public:
    explicit TaggedWriter(JsonOut& out) noexcept : out_(out) {}

    [[nodiscard]] Result<void> write(MessageRef message) {
        out_.begin_object();
        out_.key("type");
        if (message.is(REFLOW_KIND_NULL)) {
            // What readers without a null take for an empty optional.
            out_.string("Optional");
        } else if (beyond_integers(message)) {
            out_.string("Numbers");
            out_.key("data");
            show_large_numbers(out_, message);
        } else {
            out_.string(message.kind_name());
            if (!message.is(REFLOW_KIND_FLOW)) out_.key("data");
            Result<void> written = data(message);
            if (!written.ok()) return written;
        }
        out_.end_object();
        return {};
    }

private:
    Result<void> data(MessageRef message) {
        switch (message.kind()) {
            case REFLOW_KIND_FLOW:
                return {};
            case REFLOW_KIND_BOOLEAN:
                out_.boolean(message.boolean());
                return {};
            case REFLOW_KIND_INTEGER:
                out_.integer(message.integer());
                return {};
            case REFLOW_KIND_FLOAT:
                std::isfinite(message.real()) ? out_.real(message.real())
                                              : out_.string(float_name(message.real()));
                return {};
            case REFLOW_KIND_STRING:
            case REFLOW_KIND_ERROR:
                out_.string(message.text());
                return {};
            case REFLOW_KIND_BYTES:
            case REFLOW_KIND_ENCODED:
                show_bytes(out_, message.bytes());
                return {};
            case REFLOW_KIND_STREAM:
                show_stream(out_, message.stream(),
                            [this](std::uint64_t value) { out_.unsigned_integer(value); });
                return {};
            case REFLOW_KIND_REMOTE:
                show_remote(out_, message.remote());
                return {};
            case REFLOW_KIND_ARRAY:
                return array(message);
            case REFLOW_KIND_OBJECT:
                return embedded(message);
            case REFLOW_KIND_OPTIONAL:
                if (!message.content().none()) return embedded(message.content());
                out_.null();
                return {};
            case REFLOW_KIND_EVENT:
            case REFLOW_KIND_ANY:
                return embedded(message.content());
            case REFLOW_KIND_NETWORK_EVENT:
                return network_event(message);
            default:
                return Failure(
                    REFLOW_ERROR_INVALID_ARGUMENT,
                    concat("a message of kind ", message.kind_name(), " cannot be written"));
        }
    }

    Result<void> array(MessageRef message) {
        out_.begin_array();
        for (std::size_t i = 0; i < message.size(); ++i) {
            Result<void> written = embedded(message.at(i));
            if (!written.ok()) return written;
        }
        out_.end_array();
        return {};
    }

    Result<void> network_event(MessageRef message) {
        out_.begin_object();
        out_.key("event_type");
        out_.string(message.event_type());
        out_.key("data");
        Result<void> written = embedded(message.content());
        out_.end_object();
        return written;
    }

    // {"data":[bytes of JSON text]}
    Result<void> embedded(MessageRef message) {
        text_.clear();
        JsonOut inner(text_, 0);
        Result<void> written = InnerWriter(inner).write(message);
        if (!written.ok()) return written;
        inner.finish();
        out_.begin_object();
        out_.key("data");
        show_bytes(out_, text_);
        out_.end_object();
        return {};
    }

    JsonOut& out_;
    String text_;
};

}  // namespace

Result<void> write_tagged_json(String& to, MessageRef message) {
    JsonOut out(to, 0);
    Result<void> written = TaggedWriter(out).write(message);
    if (written.ok()) out.finish();
    return written;
}

}  // namespace reflow::codec
