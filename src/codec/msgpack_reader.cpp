// MessagePack to messages: one pass, no recursion, nothing allocated for what is only claimed.
// docs/decisions/0002-msgpack-reading.md says why this is not msgpack-c's unpacker.
// Neighbours: msgpack_writer.cpp. Thread: any.
#include <bit>
#include <cstring>

#include "base/text.hpp"
#include "codec/key_cache.hpp"
#include "codec/limits.hpp"
#include "codec/msgpack.hpp"
#include "codec/msgpack_types.hpp"
#include "codec/number.hpp"

namespace reflow::codec {
namespace {

class MsgpackReader {
public:
    MsgpackReader(std::string_view data, const ReadLimits& limits, Duplicates duplicates)
        : limits_(limits),
          duplicates_(duplicates),
          data_(data),
          at_(data.data()),
          bound_(data.data() + data.size()),
          levels_max_(most_levels(limits)),
          elements_left_(most_elements(limits)) {}

    [[nodiscard]] Result<Message> read();

private:
    enum class Shape : std::uint8_t { array, object, wrap };

    // A container or wrapped message that is open; kept when it closes, so that its builders'
    // memory serves again.
    struct Level {
        Shape shape = Shape::array;
        Extension type = Extension::any;  // of a wrap
        std::uint32_t left = 0;           // values that are still to come
        const char* outer_bound = nullptr;
        Message key;   // of an object: of the value that is being read
        Message name;  // of a network event: its type
        ArrayBuilder array;
        ObjectBuilder members;
        Vector<std::uint64_t> key_offsets;  // only if duplicates are refused
    };
    enum class Step : std::uint8_t { fail, open, done };

    Step value();
    Step marked(unsigned mark);
    Step sized(unsigned mark);
    Step open_container(Shape shape, std::uint64_t count);
    Step extension(std::uint64_t size);
    Step known_extension(int type, const char* end);
    Step wrap(Extension type, const char* end);
    Step network_event(const char* end);
    bool stream(const char* end);
    bool remote(const char* end);
    bool numbers(std::string_view payload);
    bool ended(const char* end, std::string_view what);
    bool attach(bool* closed);
    bool close();
    bool close_with(Result<Message> made);
    bool key();
    bool duplicate_key(Level& level);
    bool text(std::uint64_t size, std::string_view* out);
    bool text_value(std::string_view* out);
    bool unsigned_value(std::uint64_t* out);
    bool nil() noexcept;
    bool need(std::uint64_t bytes, std::string_view what);
    std::uint64_t take(unsigned bytes) noexcept;
    Level& push(Shape shape, std::uint32_t count);

    bool fail(const char* at, std::string_view message, reflow_status status = REFLOW_ERROR_PARSE);
    Step failed(const char* at, std::string_view message,
                reflow_status status = REFLOW_ERROR_PARSE) {
        fail(at, message, status);
        return Step::fail;
    }
    Step done(Message value) {
        value_ = std::move(value);
        return Step::done;
    }
    [[nodiscard]] std::uint64_t left() const noexcept {
        return static_cast<std::uint64_t>(bound_ - at_);
    }
    [[nodiscard]] std::uint64_t offset(const char* at) const noexcept {
        return static_cast<std::uint64_t>(at - data_.data());
    }
    [[nodiscard]] Level& top() noexcept { return levels_[depth_ - 1]; }

    const ReadLimits limits_;
    const Duplicates duplicates_;
    const std::string_view data_;
    const char* at_;
    const char* bound_;            // end of the data, or of the innermost extension
    const char* start_ = nullptr;  // of the value that is being read
    std::size_t levels_max_;
    std::uint64_t elements_left_;
    std::size_t depth_ = 0;
    Message value_;
    Vector<Level> levels_;
    KeyCache keys_;
    TextCache texts_;
    std::unique_ptr<Error> error_;
};

Result<Message> MsgpackReader::read() {
    if (data_.size() > limits_.bytes) {
        fail(at_, over_bytes(data_.size(), limits_), REFLOW_ERROR_LIMIT);
        return std::move(error_);
    }
    if (data_.empty()) {
        fail(at_, "the data is empty, a MessagePack value was expected");
        return std::move(error_);
    }
    for (;;) {
        Step step = value();
        if (step == Step::fail) return std::move(error_);
        if (step == Step::open) continue;
        bool closed = true;
        while (closed && depth_ > 0) {
            if (!attach(&closed)) return std::move(error_);
        }
        if (closed) break;
    }
    if (at_ != bound_) {
        fail(at_, concat(left(), " bytes behind the end of the message"));
        return std::move(error_);
    }
    if (value_.depth() > levels_max_) {
        fail(at_, over_levels(limits_), REFLOW_ERROR_LIMIT);
        return std::move(error_);
    }
    return std::move(value_);
}

// ---- values

MsgpackReader::Step MsgpackReader::value() {
    start_ = at_;
    if (!need(1, "a value")) return Step::fail;
    unsigned mark = static_cast<unsigned char>(*at_++);
    if (mark <= 0x7F) return done(Message::integer(mark));
    if (mark >= 0xE0) return done(Message::integer(static_cast<std::int64_t>(mark) - 256));
    if (mark <= 0x8F) return open_container(Shape::object, mark & 15);
    if (mark <= 0x9F) return open_container(Shape::array, mark & 15);
    if (mark <= 0xBF) {
        std::string_view view;
        if (!text(mark & 31, &view)) return Step::fail;
        return done(texts_.get(view, keys_));
    }
    return marked(mark);
}

MsgpackReader::Step MsgpackReader::marked(unsigned mark) {
    // How many bytes of a number or of a size follow each mark from 0xC0 on.
    static constexpr unsigned char widths[32] = {0, 0, 0, 0, 1, 2, 4, 1, 2, 4, 4, 8, 1, 2, 4, 8,
                                                 1, 2, 4, 8, 0, 0, 0, 0, 0, 1, 2, 4, 2, 4, 2, 4};
    if (!need(widths[mark - 0xC0], "a number")) return Step::fail;
    switch (mark) {
        case 0xC0:
            return done(Message::null());
        case 0xC1:
            return failed(start_, "byte 0xC1 has no meaning in MessagePack");
        case 0xC2:
            return done(Message::boolean(false));
        case 0xC3:
            return done(Message::boolean(true));
        case 0xCA: {
            auto bits = static_cast<std::uint32_t>(take(4));
            return done(Message::real(static_cast<double>(std::bit_cast<float>(bits))));
        }
        case 0xCB:
            return done(Message::real(std::bit_cast<double>(take(8))));
        case 0xCC:
            return done(Message::integer(static_cast<std::int64_t>(take(1))));
        case 0xCD:
            return done(Message::integer(static_cast<std::int64_t>(take(2))));
        case 0xCE:
            return done(Message::integer(static_cast<std::int64_t>(take(4))));
        case 0xCF: {
            std::uint64_t value = take(8);
            Number number = unsigned_integer(value);
            if (number.fault == NumberFault::none) return done(std::move(number.value));
            return failed(start_, describe(number.fault, concat(value)));
        }
        case 0xD0:
            return done(Message::integer(static_cast<std::int8_t>(take(1))));
        case 0xD1:
            return done(Message::integer(static_cast<std::int16_t>(take(2))));
        case 0xD2:
            return done(Message::integer(static_cast<std::int32_t>(take(4))));
        case 0xD3:
            return done(Message::integer(static_cast<std::int64_t>(take(8))));
        default:
            return sized(mark);
    }
}

// What begins with a size.
MsgpackReader::Step MsgpackReader::sized(unsigned mark) {
    switch (mark) {
        case 0xC4:
        case 0xC5:
        case 0xC6: {
            std::uint64_t size = take(1u << (mark - 0xC4));
            if (!need(size, "bytes")) return Step::fail;
            std::string_view bytes(at_, static_cast<std::size_t>(size));
            at_ += size;
            return done(Message::bytes(bytes));
        }
        case 0xC7:
        case 0xC8:
        case 0xC9:
            return extension(take(1u << (mark - 0xC7)));
        case 0xD4:
        case 0xD5:
        case 0xD6:
        case 0xD7:
        case 0xD8:
            return extension(1u << (mark - 0xD4));
        case 0xD9:
        case 0xDA:
        case 0xDB: {
            std::string_view view;
            if (!text(take(1u << (mark - 0xD9)), &view)) return Step::fail;
            return done(texts_.get(view, keys_));
        }
        case 0xDC:
            return open_container(Shape::array, take(2));
        case 0xDD:
            return open_container(Shape::array, take(4));
        case 0xDE:
            return open_container(Shape::object, take(2));
        default:
            return open_container(Shape::object, take(4));
    }
}

MsgpackReader::Step MsgpackReader::open_container(Shape shape, std::uint64_t count) {
    bool object = shape == Shape::object;
    std::uint64_t least_bytes = object ? 2 * count : count;
    if (least_bytes > left()) {
        return failed(
            start_, concat(object ? "an object claims " : "an array claims ", count,
                           object ? " keys" : " elements", ", but only ", left(), " bytes follow"));
    }
    if (count > elements_left_) {
        return failed(start_, over_elements(limits_), REFLOW_ERROR_LIMIT);
    }
    if (depth_ >= levels_max_) return failed(start_, over_levels(limits_), REFLOW_ERROR_LIMIT);
    push(shape, static_cast<std::uint32_t>(count));
    if (count == 0) return close() ? Step::done : Step::fail;
    if (object && !key()) return Step::fail;
    return Step::open;
}

MsgpackReader::Level& MsgpackReader::push(Shape shape, std::uint32_t count) {
    if (depth_ == levels_.size()) {
        if (levels_.empty()) levels_.reserve(8);
        levels_.emplace_back();
    }
    Level& level = levels_[depth_++];
    level.shape = shape;
    level.left = count;
    level.outer_bound = bound_;
    return level;
}

// The value that was read goes into the innermost container; `closed` if that ended with it and
// is the value now.
bool MsgpackReader::attach(bool* closed) {
    Level& level = top();
    --level.left;
    *closed = level.left == 0;
    if (level.shape == Shape::wrap) return close();
    if (elements_left_ == 0) return fail(start_, over_elements(limits_), REFLOW_ERROR_LIMIT);
    --elements_left_;
    if (level.shape == Shape::array) {
        level.array.append(std::move(value_));
    } else {
        std::size_t before = level.members.size();
        level.members.set(level.key, std::move(value_));
        bool again = level.members.size() == before;
        if (again && duplicates_ == Duplicates::refuse) return duplicate_key(level);
        if (!*closed) return key();
    }
    return !*closed || close();
}

bool MsgpackReader::close() {
    Level& level = top();
    switch (level.shape) {
        case Shape::array:
            return close_with(level.array.finish());
        case Shape::object:
            level.key_offsets.clear();
            return close_with(level.members.finish());
        default:
            break;
    }
    if (at_ != bound_) return fail(at_, "bytes behind the value of an extension");
    bound_ = level.outer_bound;
    switch (level.type) {
        case Extension::event:
            return close_with(Message::wrap(REFLOW_KIND_EVENT, std::move(value_)));
        case Extension::optional:
            return close_with(Message::wrap(REFLOW_KIND_OPTIONAL, std::move(value_)));
        case Extension::any:
            return close_with(Message::wrap(REFLOW_KIND_ANY, std::move(value_)));
        default:
            return close_with(Message::network_event(level.name.text(), std::move(value_)));
    }
}

bool MsgpackReader::close_with(Result<Message> made) {
    if (!made.ok()) return fail(start_, made.error().message, made.error().status);
    value_ = std::move(made).take();
    --depth_;
    return true;
}

bool MsgpackReader::key() {
    Level& level = top();
    const char* key_at = at_;
    std::string_view name;
    if (!text_value(&name)) return false;
    level.key = keys_.get(name);
    if (duplicates_ == Duplicates::refuse) level.key_offsets.push_back(offset(key_at));
    return true;
}

bool MsgpackReader::duplicate_key(Level& level) {
    std::string_view name = level.key.text();
    std::uint64_t first = 0;
    Result<Message> object = level.members.finish();
    // The keys stand in the object in the order of their places.
    for (std::size_t i = 0; object.ok() && i < object.value().size(); ++i) {
        if (object.value().key_at(i) == name) first = level.key_offsets[i];
    }
    // Other keys were read inside the value since: the place of this one is the level's last.
    return fail(data_.data() + level.key_offsets.back(),
                concat("duplicate key '", name, "', first at byte ", first));
}

// ---- extensions

MsgpackReader::Step MsgpackReader::extension(std::uint64_t size) {
    if (!need(size + 1, "an extension")) return Step::fail;
    int type = static_cast<signed char>(*at_++);
    return known_extension(type, at_ + size);
}

MsgpackReader::Step MsgpackReader::known_extension(int type, const char* end) {
    std::string_view payload(at_, static_cast<std::size_t>(end - at_));
    bool ok = true;
    switch (type) {
        case static_cast<int>(Extension::flow):
            if (!payload.empty()) return failed(start_, "a flow extension is not empty");
            return done(Message::flow());
        case static_cast<int>(Extension::error): {
            std::string_view view;
            if (!text(payload.size(), &view)) return Step::fail;
            return done(Message::error(view));
        }
        case static_cast<int>(Extension::encoded):
            at_ = end;
            return done(Message::encoded(payload));
        case static_cast<int>(Extension::event):
            return wrap(Extension::event, end);
        case static_cast<int>(Extension::optional):
            return wrap(Extension::optional, end);
        case static_cast<int>(Extension::any):
            return wrap(Extension::any, end);
        case static_cast<int>(Extension::network_event):
            return network_event(end);
        case static_cast<int>(Extension::stream):
            ok = stream(end);
            break;
        case static_cast<int>(Extension::remote):
            ok = remote(end);
            break;
        case static_cast<int>(Extension::numbers):
            ok = numbers(payload);
            break;
        case -1:
            return failed(start_, "there is no kind of message for a MessagePack timestamp");
        default:
            return failed(start_, concat("extension type ", type, " is not known"));
    }
    return ok ? Step::done : Step::fail;
}

MsgpackReader::Step MsgpackReader::wrap(Extension type, const char* end) {
    if (depth_ >= levels_max_) return failed(start_, over_levels(limits_), REFLOW_ERROR_LIMIT);
    if (type == Extension::optional && at_ == end) {
        Result<Message> empty = Message::wrap(REFLOW_KIND_OPTIONAL, Message());
        if (!empty.ok()) return failed(start_, empty.error().message, empty.error().status);
        return done(std::move(empty).take());
    }
    Level& level = push(Shape::wrap, 1);
    level.type = type;
    bound_ = end;
    return Step::open;
}

MsgpackReader::Step MsgpackReader::network_event(const char* end) {
    Step step = wrap(Extension::network_event, end);
    if (step == Step::fail) return step;
    std::string_view name;
    if (!text_value(&name)) return Step::fail;
    top().name = keys_.get(name);
    return Step::open;
}

bool MsgpackReader::stream(const char* end) {
    const char* outer = std::exchange(bound_, end);
    MessageRef::Stream fields;
    if (!unsigned_value(&fields.stream_id)) return false;
    fields.has_size_hint = !nil();
    if (fields.has_size_hint && !unsigned_value(&fields.size_hint)) return false;
    if (!text_value(&fields.origin_actor) || !text_value(&fields.origin_port)) return false;
    if (!nil() && !text_value(&fields.content_type)) return false;
    if (!ended(end, "a stream handle")) return false;
    bound_ = outer;
    value_ = Message::stream(fields);
    return true;
}

bool MsgpackReader::remote(const char* end) {
    const char* outer = std::exchange(bound_, end);
    MessageRef::Remote fields;
    if (!text_value(&fields.network_id) || !text_value(&fields.actor_id) ||
        !text_value(&fields.port)) {
        return false;
    }
    if (!ended(end, "a remote reference")) return false;
    bound_ = outer;
    value_ = Message::remote(fields.network_id, fields.actor_id, fields.port);
    return true;
}

bool MsgpackReader::ended(const char* end, std::string_view what) {
    return at_ == end || fail(at_, concat("bytes behind the parts of ", what));
}

bool MsgpackReader::numbers(std::string_view payload) {
    reflow_number type = payload.empty() ? 0 : static_cast<unsigned char>(payload.front());
    std::size_t item = Message::number_size(type);
    if (item == 0) return fail(start_, concat("packed numbers of the unknown type ", type));
    payload.remove_prefix(1);
    if (payload.size() % item != 0) {
        return fail(start_,
                    concat("packed numbers: ", payload.size(), " bytes are no multiple of ", item));
    }
    std::size_t count = payload.size() / item;
    if (count > elements_left_) return fail(start_, over_elements(limits_), REFLOW_ERROR_LIMIT);
    elements_left_ -= count;
    if constexpr (std::endian::native == std::endian::little) {
        value_ = Message::numbers(type, payload.data(), count);
    } else {
        String swapped(payload);
        for (std::size_t at = 0; at < swapped.size(); at += item) {
            std::reverse(swapped.data() + at, swapped.data() + at + item);
        }
        value_ = Message::numbers(type, swapped.data(), count);
    }
    at_ = payload.data() + payload.size();
    return true;
}

// ---- parts

// Text of `size` bytes that stands at at_.
bool MsgpackReader::text(std::uint64_t size, std::string_view* out) {
    if (!need(size, "text")) return false;
    *out = {at_, static_cast<std::size_t>(size)};
    if (auto bad = invalid_utf8(*out)) return fail(at_ + *bad, "invalid UTF-8 in text");
    at_ += size;
    return true;
}

// A value that has to be text: a key or a name.
bool MsgpackReader::text_value(std::string_view* out) {
    const char* start = at_;
    if (!need(1, "text")) return false;
    unsigned mark = static_cast<unsigned char>(*at_++);
    if (mark >= 0xA0 && mark <= 0xBF) return text(mark & 31, out);
    if (mark < 0xD9 || mark > 0xDB) return fail(start, "a key or name is not text");
    unsigned width = 1u << (mark - 0xD9);
    return need(width, "text") && text(take(width), out);
}

bool MsgpackReader::unsigned_value(std::uint64_t* out) {
    const char* start = at_;
    if (!need(1, "a number")) return false;
    unsigned mark = static_cast<unsigned char>(*at_++);
    if (mark <= 0x7F) {
        *out = mark;
        return true;
    }
    if (mark < 0xCC || mark > 0xCF) return fail(start, "a number of a stream handle is missing");
    unsigned width = 1u << (mark - 0xCC);
    if (!need(width, "a number")) return false;
    *out = take(width);
    return true;
}

// Steps over a nil, if there is one.
bool MsgpackReader::nil() noexcept {
    if (at_ == bound_ || static_cast<unsigned char>(*at_) != 0xC0) return false;
    ++at_;
    return true;
}

bool MsgpackReader::need(std::uint64_t bytes, std::string_view what) {
    if (bytes <= left()) return true;
    std::string_view container =
        bound_ == data_.data() + data_.size() ? "the data" : "an extension";
    return fail(at_, concat(container, " ends inside ", what, ": ", bytes, " bytes wanted, ",
                            left(), " left"));
}

// A number with its highest byte first.
std::uint64_t MsgpackReader::take(unsigned bytes) noexcept {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < bytes; ++i) value = value << 8 | static_cast<unsigned char>(at_[i]);
    at_ += bytes;
    return value;
}

bool MsgpackReader::fail(const char* at, std::string_view message, reflow_status status) {
    std::uint64_t where = offset(at);
    error_ = Failure(status, concat(message, " (at byte ", where, ")")).at(0, 0, where).take();
    return false;
}

}  // namespace

Result<Message> read_msgpack(std::string_view data, const ReadLimits& limits,
                             Duplicates duplicates) {
    return MsgpackReader(data, limits, duplicates).read();
}

}  // namespace reflow::codec
