// MessagePack to messages: values, containers, keys, parts. Extensions: msgpack_extension.cpp.
// docs/decisions/0002-msgpack-reading.md says why this is not msgpack-c's unpacker.
// Neighbours: msgpack_writer.cpp. Thread: any.
#include "codec/msgpack_reader.hpp"

#include <bit>
#include <cstring>

#include "base/text.hpp"
#include "base/utf8.hpp"
#include "codec/limits.hpp"
#include "codec/number.hpp"
#include "codec/words.hpp"

namespace reflow::codec {
namespace {

// A number of 0, 1, 2, 4 or 8 bytes with its highest byte first. Compilers make one load of it.
[[gnu::always_inline]] inline std::uint64_t big_endian(const char* at, unsigned bytes) noexcept {
    auto byte = [at](unsigned i) { return std::uint64_t{static_cast<unsigned char>(at[i])}; };
    auto four = [&byte](unsigned i) {
        return byte(i) << 24 | byte(i + 1) << 16 | byte(i + 2) << 8 | byte(i + 3);
    };
    switch (bytes) {
        case 8:
            return four(0) << 32 | four(4);
        case 4:
            return four(0);
        case 2:
            return byte(0) << 8 | byte(1);
        case 1:
            return byte(0);
        default:
            return 0;
    }
}

bool real_mark(char mark) noexcept { return static_cast<unsigned char>(mark) == 0xCB; }

// Whether the value is an integer, or a float of 64 bits.
bool number_mark(const char* at) noexcept {
    auto mark = static_cast<unsigned char>(*at);
    return mark <= 0x7F || mark >= 0xE0 || (mark >= 0xCB && mark <= 0xD3);
}

// Most texts are short and plain.
bool is_ascii(std::string_view text) noexcept {
    const char* at = text.data();
    std::size_t size = text.size();
    std::uint64_t seen = 0;
    if (size >= 8) {
        // The last bytes may be looked at twice.
        seen = load_word(at + size - 8);
        for (std::size_t i = 0; i + 8 < size; i += 8) seen |= load_word(at + i);
    } else if (size >= 4) {
        std::uint32_t front = 0;
        std::uint32_t back = 0;
        std::memcpy(&front, at, 4);
        std::memcpy(&back, at + size - 4, 4);
        seen = front | back;
        seen |= seen << 32;
    } else {
        for (; size > 0; --size) seen |= static_cast<unsigned char>(*at++);
    }
    return (seen & high_bits) == 0;
}

}  // namespace

MsgpackReader::MsgpackReader(std::string_view data, const ReadLimits& limits, Duplicates duplicates)
    : limits_(limits),
      duplicates_(duplicates),
      data_(data),
      at_(data.data()),
      bound_(data.data() + data.size()),
      levels_max_(most_levels(limits)),
      elements_left_(most_elements(limits)) {
    texts_.forget();
}

Result<Message> MsgpackReader::read(std::size_t* used) {
    if (data_.size() > limits_.bytes) {
        fail(at_, over_bytes(data_.size(), limits_), REFLOW_ERROR_LIMIT);
        return std::move(error_);
    }
    if (data_.empty()) {
        fail(at_, "the data is empty, a MessagePack value was expected");
        return std::move(error_);
    }
    texts_.begin(data_.size());
    if (!document()) return std::move(error_);
    if (used != nullptr) {
        *used = static_cast<std::size_t>(at_ - data_.data());
    } else if (at_ != bound_) {
        fail(at_, concat(left(), " bytes behind the end of the message"));
        return std::move(error_);
    }
    values_.cut(0);
    Message value = Message::adopt(*values_.top());
    if (value.depth() > levels_max_) {
        fail(at_, over_levels(limits_), REFLOW_ERROR_LIMIT);
        return std::move(error_);
    }
    tree_.forget();  // its keys end with the value
    texts_.pool().finish(value.raw());
    return value;
}

bool MsgpackReader::document() { return value() != Step::fail && elements() != Step::fail; }

// ---- values

// All that the containers still hold that are open.
MsgpackReader::Step MsgpackReader::elements() {
    while (depth_ != 0) {
        Level& level = top();
        bool object = level.shape == Shape::object;
        if (level.left == 0) {
            if (object && level.in_tree ? !close_row(level) : !close()) return Step::fail;
            continue;
        }
        --level.left;
        if (object && !key(level)) return Step::fail;
        unsigned mark = at_ == bound_ ? 0xC1 : static_cast<unsigned char>(*at_);
        values_.room(1);
        if (mark <= 0x7F || mark >= 0xE0) {
            ++at_;
            values_.push(Message::integer(static_cast<signed char>(mark)).raw());
            continue;
        }
        if ((mark & 0xE0) == 0xA0 && left() > (mark & 31)) {
            std::string_view view(at_ + 1, mark & 31);
            if (is_ascii(view)) {
                at_ += 1 + view.size();
                values_.push(texts_.value(view));
                continue;
            }
        }
        if ((mark & 0xE0) == 0xA0 || at_ == bound_) {
            if (value() == Step::fail) return Step::fail;
            continue;
        }
        start_ = at_++;
        Step step = mark >= 0xA0
                        ? marked(mark)
                        : open_container(mark < 0x90 ? Shape::object : Shape::array, mark & 15);
        if (step == Step::fail) return step;
    }
    return Step::done;
}

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
        return text_done(view);
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
            return text_done(view);
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

inline MsgpackReader::Step MsgpackReader::open_container(Shape shape, std::uint64_t count) {
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
    elements_left_ -= count;
    Level& level = push(shape, static_cast<std::uint32_t>(count));
    if (count == 0) return close() ? Step::done : Step::fail;
    if (shape == Shape::array && number_mark(at_)) return array_numbers(level);
    return Step::open;
}

// Numbers at the beginning of an array. Mostly they are all that it has, and of one kind: then they
// become its packed form as they are read.
MsgpackReader::Step MsgpackReader::array_numbers(Level& level) {
    std::size_t count = level.left;
    bool real = real_mark(*at_);
    std::uint8_t type = real ? REFLOW_NUMBER_F64 : REFLOW_NUMBER_I64;
    std::uint64_t tag = real ? REFLOW_KIND_FLOAT : REFLOW_KIND_INTEGER;
    // Of few it is seen first whether they are all.
    char few[16 * sizeof(std::uint64_t)];
    char* values = few;
    Message packed;
    auto make = [&] {
        packed =
            Message::adopt(counted_message(make_numbers(type, count, &values, &texts_.pool())));
    };
    if (count * sizeof(std::uint64_t) > sizeof few) make();
    std::size_t same = real ? take_reals(values, count) : take_integers(values, count);
    if (same == count) {
        if (packed.none()) {
            make();
            std::memcpy(values, few, count * sizeof(std::uint64_t));
        }
        leave(level, packed.leak());
        return Step::done;
    }
    if (!packed.none()) texts_.pool().mix();  // it ends here
    values_.room(same);
    for (std::size_t i = 0; i < same; ++i) {
        std::uint64_t bits = 0;
        std::memcpy(&bits, values + i * sizeof bits, sizeof bits);
        values_.push({tag, bits});
    }
    level.left -= static_cast<std::uint32_t>(same);
    return Step::open;
}

// Up to so many floats that follow one another; how many there were.
std::size_t MsgpackReader::take_reals(char* values, std::size_t count) noexcept {
    const char* at = at_;
    std::size_t taken = 0;
    for (; taken < count && bound_ - at >= 9 && static_cast<unsigned char>(*at) == 0xCB; ++taken) {
        std::uint64_t bits = big_endian(at + 1, 8);
        std::memcpy(values + taken * sizeof bits, &bits, sizeof bits);
        at += 9;
    }
    at_ = at;
    return taken;
}

// The same of integers that 64 bits with a sign hold.
std::size_t MsgpackReader::take_integers(char* values, std::size_t count) noexcept {
    const char* at = at_;
    const char* bound = bound_;
    std::size_t taken = 0;
    for (; taken < count && at != bound; ++taken) {
        unsigned mark = static_cast<unsigned char>(*at);
        std::int64_t value = static_cast<signed char>(mark);
        std::size_t width = 0;
        if (mark > 0x7F && mark < 0xE0) {
            if (mark < 0xCC || mark > 0xD3) break;
            width = std::size_t{1} << ((mark - 0xCC) & 3);
            std::uint64_t bits = 0;
            auto left = static_cast<std::size_t>(bound - at);
            // The bytes of the number stand highest, whatever follows them; it is shifted out.
            if (left > 8) {
                bits = big_endian(at + 1, 8);
            } else if (left > width) {
                bits = big_endian(at + 1, static_cast<unsigned>(width)) << (64 - 8 * width);
            } else {
                break;
            }
            auto unused = static_cast<unsigned>(64 - 8 * width);
            value = mark >= 0xD0 ? static_cast<std::int64_t>(bits) >> unused
                                 : static_cast<std::int64_t>(bits >> unused);
            if (mark == 0xCF && value < 0) break;  // beyond i64
        }
        std::memcpy(values + taken * sizeof value, &value, sizeof value);
        at += 1 + width;
    }
    at_ = at;
    return taken;
}

// The innermost container has all its elements, and is the value now.
bool MsgpackReader::close() {
    Level& level = top();
    if (level.shape == Shape::wrap) return close_wrap(level);
    if (level.shape == Shape::object) return level.in_tree ? close_row(level) : close_object(level);
    Made how{};
    const heap::Head* array =
        make_array(values_.data() + level.base, values_.size() - level.base, &texts_.pool(), &how);
    return close_with(level, array, how);
}

// An object that has its keys in the tree.
inline bool MsgpackReader::close_row(Level& level) {
    const reflow_message* values = values_.data() + level.base;
    // Without keys it shares none.
    if (level.node == tree_.root()) return close_object(level);
    heap::Head* keys = tree_.keys_to(level.node, texts_.pool());
    const heap::Head* object = make_object(values, keys, texts_.pool());
    if (object == nullptr) return close_with(level, nullptr, Made::too_deep);
    leave(level, {REFLOW_KIND_OBJECT | heap::counted, reinterpret_cast<std::uint64_t>(object)});
    return true;
}

bool MsgpackReader::close_object(Level& level) {
    std::size_t count = values_.size() - level.base;
    Made how{};
    const heap::Head* object =
        make_object(values_.data() + level.base, count / 2, false, &texts_.pool(), &how);
    if (object == nullptr && how == Made::duplicate) return merge(level);
    return close_with(level, object, how);
}

bool MsgpackReader::close_with(const Level& level, const heap::Head* made, Made how) {
    if (made == nullptr) {
        auto error = Failure(container_failure(how, level.shape == Shape::object)).take();
        return fail(start_, error->message, error->status);
    }
    leave(level, counted_message(made));
    return true;
}

inline void MsgpackReader::leave(const Level& level, reflow_message value) noexcept {
    values_.cut(level.base);
    values_.push(value);  // an empty container has room for it: see push()
    if (duplicates_ == Duplicates::refuse) key_offsets_.resize(level.key_offsets);
    levels_.cut(--depth_);
}

[[gnu::cold]] bool MsgpackReader::close_wrap(Level& level) {
    if (at_ != bound_) return fail(at_, "bytes behind the value of an extension");
    bound_ = level.outer_bound;
    auto wrapped = [&]() -> Result<Message> {
        Message content = Message::adopt(values_.top()[-1]);
        values_.cut(values_.size() - 1);
        switch (level.type) {
            case Extension::event:
                return Message::wrap(REFLOW_KIND_EVENT, std::move(content));
            case Extension::optional:
                return Message::wrap(REFLOW_KIND_OPTIONAL, std::move(content));
            case Extension::any:
                return Message::wrap(REFLOW_KIND_ANY, std::move(content));
            default: {
                Message name = Message::adopt(values_.top()[-1]);
                values_.cut(values_.size() - 1);
                return Message::network_event(name.text(), std::move(content));
            }
        }
    };
    Result<Message> made = wrapped();
    texts_.forget();  // a name may have ended
    if (!made.ok()) return fail(start_, made.error().message, made.error().status);
    leave(level, std::move(made).take().leak());
    return true;
}

// ---- keys

// A key, which is expected to be the one that followed the last time.
inline bool MsgpackReader::key(Level& level) {
    bool first = values_.size() == level.base;
    KeyTree::Node* guess = first ? around()->inner : level.in_tree ? level.node->next : nullptr;
    constexpr std::size_t short_size = 31;
    if (guess == nullptr || guess->size > short_size || left() < guess->size + 1 ||
        static_cast<unsigned char>(*at_) != (0xA0 | guess->size) ||
        !same_bytes(at_ + 1, guess->text, guess->size)) {
        return new_key();
    }
    level.node = guess;
    if (duplicates_ == Duplicates::refuse) key_offsets_.push_back(offset(at_));
    at_ += guess->size + 1;
    return true;
}

bool MsgpackReader::new_key() {
    const char* start = at_;
    std::string_view name;
    if (!text_value(&name)) return false;
    Level& level = top();
    if (level.in_tree) {
        KeyTree::Node* node = tree_.follow(level.node, around(), name, true, texts_);
        if (node != nullptr) {
            level.node = node;
        } else {
            std::size_t count = values_.size() - level.base;
            values_.room(count);
            KeyTree::spread(level.node, values_.data() + level.base, count);
            values_.cut(values_.size() + count);
            level.in_tree = false;
            level.node = tree_.root();
        }
    }
    if (!level.in_tree) {
        values_.room(1);
        values_.push(texts_.key(name));
    }
    if (duplicates_ == Duplicates::refuse) key_offsets_.push_back(offset(start));
    return true;
}

// An object in which a key stands twice.
bool MsgpackReader::merge(Level& level) {
    if (duplicates_ == Duplicates::refuse) return duplicate_key(level);
    reflow_message* pairs = values_.data() + level.base;
    std::size_t count = merge_duplicates(pairs, (values_.size() - level.base) / 2);
    values_.cut(level.base + 2 * count);
    texts_.forget();  // some may have ended
    return close_object(level);
}

bool MsgpackReader::duplicate_key(const Level& level) {
    const reflow_message* pairs = values_.data() + level.base;
    Twice twice = find_duplicate(pairs, (values_.size() - level.base) / 2);
    const std::uint64_t* offsets = key_offsets_.data() + level.key_offsets;
    return fail(data_.data() + offsets[twice.again],
                concat("duplicate key '", MessageRef(pairs[2 * twice.again]).text(),
                       "', first at byte ", offsets[twice.first]));
}

// ---- parts

// Text of `size` bytes that stands at at_.
bool MsgpackReader::text(std::uint64_t size, std::string_view* out) {
    if (!need(size, "text")) return false;
    *out = {at_, static_cast<std::size_t>(size)};
    const char* end = at_ + size;
    const char* valid = valid_utf8(at_, end);
    if (valid != end) return fail(valid, "invalid UTF-8 in text");
    at_ = end;
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

bool MsgpackReader::too_short(std::uint64_t bytes, std::string_view what) {
    std::string_view container =
        bound_ == data_.data() + data_.size() ? "the data" : "an extension";
    return fail(at_, concat(container, " ends inside ", what, ": ", bytes, " bytes wanted, ",
                            left(), " left"));
}

std::uint64_t MsgpackReader::take(unsigned bytes) noexcept {
    std::uint64_t value = big_endian(at_, bytes);
    at_ += bytes;
    return value;
}

bool MsgpackReader::fail(const char* at, std::string_view message, reflow_status status) {
    std::uint64_t where = offset(at);
    error_ = Failure(status, concat(message, " (at byte ", where, ")")).at(0, 0, where).take();
    return false;
}

Result<Message> read_msgpack(std::string_view data, const ReadLimits& limits,
                             Duplicates duplicates) {
    return MsgpackReader(data, limits, duplicates).read();
}

Result<Message> read_first_msgpack(std::string_view data, std::size_t* used) {
    return MsgpackReader(data, {}, Duplicates::last_wins).read(used);
}

}  // namespace reflow::codec
