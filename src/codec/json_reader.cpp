// The structure of JSON: values, containers, limits, errors. Strings and numbers: json_scalar.cpp.
// Neighbours: json.cpp and tagged.cpp. Thread: one at a time.
#include "codec/json_reader.hpp"

#include <algorithm>
#include <cstring>

#include "base/text.hpp"
#include "codec/limits.hpp"
#include "codec/scaling.hpp"
#include "codec/words.hpp"

namespace reflow::codec {

JsonReader::JsonReader(const Options& options)
    : options_(options), elements_left_(most_elements(options.limits)) {
    max_levels_ = most_levels(options.limits);
    tracks_ = options.places != nullptr || options.duplicates == Duplicates::refuse ||
              options.unescape != nullptr;
    // What is unescaped stands in two objects more than it has levels itself.
    if (options.unescape != nullptr) max_levels_ = 2 * max_levels_ + 2;
}

Result<Message> JsonReader::read(std::string_view text) {
    At at = begin(text);
    if (at != nullptr) at = document(at);
    if (at == nullptr) return std::move(error_);
    at = skip_space(at);
    if (at != end_) {
        fail(at, concat("unexpected ", show_byte(*at), " after the end of the document"));
        return std::move(error_);
    }
    values_.cut(0);
    Message value = Message::adopt(*values_.top());
    if (value.depth() > most_levels(options_.limits)) {
        over_limit(at, over_levels(options_.limits));
        return std::move(error_);
    }
    tree_.forget();  // its keys end with the value
    texts_.pool().finish(value.raw());
    return value;
}

JsonReader::At JsonReader::begin(std::string_view text) {
    text_ = text;
    At at = text.data();
    end_ = at + text.size();
    places_ = PlaceCounter(text);
    path_.cut(1);
    key_offsets_.clear();
    // What an earlier document left behind when it ended in an error.
    drop_values();
    row_.clear();
    depth_ = 0;
    levels_.cut(0);
    tree_.forget();
    if (text.size() > options_.limits.bytes) {
        return over_limit(at, over_bytes(text.size(), options_.limits));
    }
    if (text.empty()) return fail(at, "the text is empty, a JSON value was expected");
    if (text.starts_with("\xEF\xBB\xBF")) {
        return fail(at, "the text begins with a byte-order mark, which JSON does not have",
                    "write the text as UTF-8 without a mark");
    }
    if (text.starts_with("\xFE\xFF") || text.starts_with("\xFF\xFE")) {
        return fail(at, "the text is UTF-16, JSON is UTF-8");
    }
    texts_.forget();
    texts_.begin(text.size());
    return at;
}

// Values that were read before an error.
void JsonReader::drop_values() noexcept {
    for (std::size_t i = values_.size(); i > 0; --i) {
        Message dropped = Message::adopt(values_.data()[i - 1]);
    }
    values_.cut(0);
}

// ---- values

// The value takes the place of the container's elements, which are its own now.
inline void JsonReader::leave(const Level& level, reflow_message value) noexcept {
    values_.cut(level.base);
    values_.push(value);
    if (tracks_) {
        path_.cut(level.path_size);
        key_offsets_.resize(level.key_offsets);
    }
    levels_.cut(--depth_);
}

inline JsonReader::At JsonReader::colon(At at) {
    at = skip_space(at);
    if (at == end_ || *at != ':') return unexpected(at, "':'");
    return skip_space(at + 1);
}

// A string; `at` is on its opening quote. The text is a piece of the input where there are no
// escapes and stays until the next string otherwise.
inline JsonReader::At JsonReader::string(At at, std::string_view* out) {
    At start = at + 1;
    at = skip_plain(start, end_);
    if (at == end_ || *at != '"') return string_rest(start, at, out);
    std::string_view text(start, static_cast<std::size_t>(at - start));
    if (text.size() > limits::text_bytes) return end_string(start, at, text, out);
    *out = text;
    return at + 1;
}

// The rest of a number that has a point or an exponent.
inline JsonReader::At JsonReader::real(At start, At at, std::size_t count, std::uint64_t mantissa,
                                       bool negative) {
    std::size_t fraction = 0;
    if (*at == '.') {
        At point = ++at;
        at = read_digits(at, end_, &mantissa);
        fraction = static_cast<std::size_t>(at - point);
        if (fraction == 0) return unexpected(at, "a digit behind the point");
    }
    std::int64_t power = 0;
    if (at != end_ && (*at == 'e' || *at == 'E') && !exponent(&at, &power)) return nullptr;
    power -= static_cast<std::int64_t>(fraction);
    double value = 0;
    if (count + fraction > 19 || !scaled(mantissa, power, &value)) return long_real(start, at);
    values_.push(Message::real(negative ? -value : value).raw());
    return at;
}

inline JsonReader::At JsonReader::number(At at) {
    At start = at;
    bool negative = *at == '-';
    if (negative) ++at;
    At digits = at;
    if (at == end_ || !digit(*at)) return unexpected(at, "a digit");
    std::uint64_t mantissa = 0;
    if (*at == '0') {
        ++at;
        if (at != end_ && digit(*at)) {
            return fail(digits, "a number begins with a zero that means nothing");
        }
    } else {
        at = read_digits(at, end_, &mantissa);
    }
    auto count = static_cast<std::size_t>(at - digits);
    if (at != end_ && (*at == '.' || *at == 'e' || *at == 'E')) {
        return real(start, at, count, mantissa, negative);
    }
    if (count > 18) return long_integer(start, at, digits);
    auto value = static_cast<std::int64_t>(mantissa);
    values_.push(Message::integer(negative ? -value : value).raw());
    return at;
}

// A number, and those that follow it in an array.
JsonReader::At JsonReader::numbers(At at) {
    bool row = depth_ > 0 && !top().object && !tracks_;
    for (;;) {
        at = number(at);
        if (at == nullptr || at == end_ || *at != ',' || elements_left_ == 0 || !row) break;
        At next = skip_space(at + 1);
        if (next == end_ || (!digit(*next) && *next != '-')) break;
        --elements_left_;
        if (values_.top() == values_.limit()) more_numbers();
        at = next;
    }
    if (!row_.empty() && at != nullptr) end_numbers(at);
    return at;
}

// The stack is full: a long row goes elsewhere, as long as it may be a whole array of one kind.
void JsonReader::more_numbers() {
    std::size_t base = top().base;
    std::size_t count = values_.size() - base;
    if (count >= NumberRow::least_count && row_.take(values_.data() + base, count)) {
        values_.cut(base);
        return;
    }
    if (!row_.empty()) row_.put_back(values_, base);
    values_.room(1);
}

// Behind a long row. If it is the whole array, close_array() makes it of the row.
void JsonReader::end_numbers(At at) {
    std::size_t base = top().base;
    at = skip_space(at);
    bool whole = at != end_ && *at == ']';
    if (whole && row_.take(values_.data() + base, values_.size() - base)) {
        values_.cut(base);
    } else {
        row_.put_back(values_, base);
    }
}

// If it is a container with something inside, the place of that is returned.
inline JsonReader::At JsonReader::value(At at, Next* next) {
    *next = Next::behind;
    if (at == end_) return no_value(at);
    if (options_.places != nullptr) note_place(at);
    values_.room(1);
    switch (*at) {
        case '{':
        case '[':
            return open(at, *at == '{', next);
        case '"': {
            std::string_view text;
            at = string(at, &text);
            if (at != nullptr) values_.push(texts_.value(text));
            return at;
        }
        case 't':
            return literal(at, "true", Message::boolean(true));
        case 'f':
            return literal(at, "false", Message::boolean(false));
        case 'n':
            return literal(at, "null", Message::null());
        case '-':
        case '0':
        case '1':
        case '2':
        case '3':
        case '4':
        case '5':
        case '6':
        case '7':
        case '8':
        case '9':
            return numbers(at);
        default:
            return no_value(at);
    }
}

JsonReader::At JsonReader::literal(At at, std::string_view word, Message value) {
    std::string_view rest(at, static_cast<std::size_t>(end_ - at));
    if (!rest.starts_with(word)) return no_value(at);
    values_.push(value.leak());
    return at + word.size();
}

// An opening bracket. An empty container is a value at once.
inline JsonReader::At JsonReader::open(At at, bool object, Next* next) {
    if (depth_ >= max_levels_) return over_limit(at, over_levels(options_.limits));
    at = skip_space(at + 1);
    if (at != end_ && *at == (object ? '}' : ']')) {
        Made made{};
        values_.push(counted_message(object ? make_object(nullptr, 0, true, &texts_.pool(), &made)
                                            : make_array(nullptr, 0, &texts_.pool(), &made)));
        return at + 1;
    }
    levels_.room(1);
    Level* level = levels_.top();
    level->base = values_.size();
    level->node = object || depth_ == 0 ? tree_.root() : top().node;
    level->object = object;
    level->in_tree = object;
    level->escape = false;
    levels_.cut(++depth_);
    *next = object ? Next::key : Next::value;
    if (tracks_) track_open(*level);
    return at;
}

// What stands behind a value inside a container: another one, or the end of the container, which is
// the value then.
inline JsonReader::At JsonReader::behind(At at, Next* next) {
    if (elements_left_ == 0) return over_limit(at, over_elements(options_.limits));
    --elements_left_;
    Level& level = top();
    at = skip_space(at);
    if (at != end_ && *at == ',') {
        *next = level.object ? Next::key : Next::value;
        if (tracks_) track_comma(level);
        return skip_space(at + 1);
    }
    if (level.object) {
        if (at == end_ || *at != '}') return unexpected(at, "',' or '}'");
        return close_object(at + 1);
    }
    if (at == end_ || *at != ']') return unexpected(at, "',' or ']'");
    return close_array(at + 1);
}

JsonReader::At JsonReader::close_array(At at) {
    const Level& level = top();
    Made made{};
    const reflow_message* first = values_.data() + level.base;
    const heap::Head* array =
        row_.empty() ? make_array(first, values_.size() - level.base, &texts_.pool(), &made)
                     : row_.make(&texts_.pool());
    if (array == nullptr) {
        return too_large(at, made, false);
    }
    leave(level, counted_message(array));
    return at;
}

inline JsonReader::At JsonReader::close_object(At at) {
    Level& level = top();
    if (!level.in_tree || level.escape) return close_with_own_keys(at, level);
    heap::Head* keys = tree_.keys_to(level.node, texts_.pool());
    const heap::Head* object = make_object(values_.data() + level.base, keys, texts_.pool());
    if (object == nullptr) return too_large(at, Made::too_deep, true);
    leave(level, {REFLOW_KIND_OBJECT | heap::counted, reinterpret_cast<std::uint64_t>(object)});
    return at;
}

// The same of an object whose keys are not those of others, or may stand for something else.
JsonReader::At JsonReader::close_with_own_keys(At at, Level& level) {
    const reflow_message* first = values_.data() + level.base;
    std::size_t count = values_.size() - level.base;
    if (level.escape && count == (level.in_tree ? 1 : 2)) return unescape(at);
    if (level.in_tree) {
        level.escape = false;
        return close_object(at);
    }
    Made made{};
    const heap::Head* object = make_object(first, count / 2, false, &texts_.pool(), &made);
    if (object == nullptr) {
        return made == Made::duplicate ? merge(at, level) : too_large(at, made, true);
    }
    leave(level, counted_message(object));
    return at;
}

// An object in which a key stands twice.
JsonReader::At JsonReader::merge(At at, Level& level) {
    if (options_.duplicates == Duplicates::refuse) return duplicate_key(level);
    reflow_message* pairs = values_.data() + level.base;
    std::size_t count = merge_duplicates(pairs, (values_.size() - level.base) / 2);
    values_.cut(level.base + 2 * count);
    texts_.forget();  // some may have ended
    return close_with_own_keys(at, level);
}

// An object whose only key is escape_key.
JsonReader::At JsonReader::unescape(At at) {
    const Level& level = top();
    Result<Message> meant = options_.unescape(MessageRef(values_.top()[-1]));
    if (!meant.ok()) {
        const Error& error = meant.error();
        if (error.status == REFLOW_ERROR_LIMIT) return over_limit(at, error.message);
        return fail(at, error.message, error.hint);
    }
    Message value = Message::adopt(values_.top()[-1]);
    Message key = level.in_tree ? Message() : Message::adopt(values_.top()[-2]);
    leave(level, std::move(meant).take().leak());
    texts_.forget();  // some may have ended
    return at;
}

// ---- keys

// A key and its colon, and what is before the value.
inline JsonReader::At JsonReader::key(At at) {
    Level& level = top();
    bool first = values_.size() == level.base;
    KeyNode* guess = first ? around()->inner : level.in_tree ? level.node->next : nullptr;
    if (guess == nullptr || static_cast<std::size_t>(end_ - at) < guess->size + 2 || *at != '"' ||
        at[guess->size + 1] != '"' || !same_bytes(at + 1, guess->text, guess->size)) {
        return new_key(at, first);
    }
    level.node = guess;
    if (tracks_) track_key(at, {guess->text, guess->size}, first);
    return colon(at + guess->size + 2);
}

JsonReader::At JsonReader::new_key(At at, bool first) {
    if (at == end_) return unexpected(at, "a key in quotes");
    if (*at != '"') {
        return unexpected(at, "a key in quotes", *at == '}' ? "JSON has no comma before '}'" : "");
    }
    At start = at;
    std::string_view text;
    at = string(at, &text);
    if (at == nullptr) return nullptr;
    Level& level = top();
    if (level.in_tree && !follow(level, text, text.data() == start + 1)) leave_tree(level);
    if (!level.in_tree) {
        values_.room(2);
        values_.push(texts_.key(text));
    }
    if (tracks_) track_key(start, text, first);
    return colon(at);
}

// Goes on in the tree by a key that was not the expected one; `raw` ones only get a new place, which
// stand in the text as they are.
bool JsonReader::follow(Level& level, std::string_view text, bool raw) {
    KeyNode* node = tree_.follow(level.node, around(), text, raw, texts_);
    if (node != nullptr) level.node = node;
    return node != nullptr;
}

// The keys that the object has had go before their values.
void JsonReader::leave_tree(Level& level) {
    std::size_t count = values_.size() - level.base;
    values_.room(count);
    KeyTree::spread(level.node, values_.data() + level.base, count);
    values_.cut(values_.size() + count);
    level.in_tree = false;
    level.node = tree_.root();
}

void JsonReader::track_open(Level& level) {
    level.path_size = path_.size();
    level.key_offsets = key_offsets_.size();
    level.count = 0;
    if (!level.object && options_.places != nullptr) path_.add_index(0);
}

void JsonReader::track_comma(Level& level) {
    path_.cut(level.path_size);
    if (!level.object && options_.places != nullptr) path_.add_index(++level.count);
}

void JsonReader::track_key(At at, std::string_view text, bool first) {
    Level& level = top();
    if (options_.unescape != nullptr && first && text == escape_key) level.escape = true;
    if (options_.places != nullptr) path_.add_key(text);
    if (options_.duplicates == Duplicates::refuse) key_offsets_.push_back(offset(at));
}

void JsonReader::note_place(At at) { (*options_.places)[path_.text()] = places_.at(offset(at)); }

JsonReader::At JsonReader::skip_spaces(At at) const noexcept {
    while (at != end_ && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')) ++at;
    return at;
}

JsonReader::At JsonReader::document(At at) {
    at = skip_space(at);
    Next next = Next::value;
    for (;;) {
        if (next == Next::key) at = key(at);
        if (next != Next::behind && at != nullptr) at = value(at, &next);
        if (at == nullptr) return nullptr;
        while (next == Next::behind) {
            if (depth_ == 0) return at;
            at = behind(at, &next);
            if (at == nullptr) return nullptr;
        }
    }
}

// ---- errors

JsonReader::At JsonReader::fail(At at, std::string_view message, std::string_view hint) {
    TextPlace place = PlaceCounter(text_).at(offset(at));
    error_ = Failure(REFLOW_ERROR_PARSE, message)
                 .hint(hint)
                 .at(place.line, place.column, place.offset)
                 .take();
    return nullptr;
}

JsonReader::At JsonReader::over_limit(At at, std::string_view message) {
    fail(at, message);
    error_->status = REFLOW_ERROR_LIMIT;
    return nullptr;
}

JsonReader::At JsonReader::too_large(At at, Made made, bool object) {
    return over_limit(at, Failure(container_failure(made, object)).take()->message);
}

JsonReader::At JsonReader::unexpected(At at, std::string_view expected, std::string_view hint) {
    if (at == end_) return fail(at, concat("the text ends where ", expected, " was expected"));
    return fail(at, concat("unexpected ", show_byte(*at), " where ", expected, " was expected"),
                hint);
}

// What is said of a byte that begins no value, with the usual reasons for one.
JsonReader::At JsonReader::no_value(At at) {
    if (at == end_) return unexpected(at, "a value");
    std::string_view rest(at, static_cast<std::size_t>(end_ - at));
    std::string_view hint;
    if (*at == '\'') hint = "strings stand in double quotes";
    if (*at == '/' || *at == '#') hint = "JSON has no comments";
    if (*at == ']' || *at == '}') hint = "JSON has no comma before the closing bracket";
    if (*at == '+') hint = "JSON numbers have no plus sign";
    if (*at == '.') hint = "JSON numbers begin with a digit";
    if (rest.starts_with("NaN") || rest.starts_with("Infinity")) {
        hint = "JSON has no NaN and no infinities";
    }
    if (rest.starts_with("True") || rest.starts_with("False") || rest.starts_with("None")) {
        hint = "the words of JSON are true, false and null";
    }
    return unexpected(at, "a value", hint);
}

JsonReader::At JsonReader::duplicate_key(const Level& level) {
    const reflow_message* pairs = values_.data() + level.base;
    Twice twice = find_duplicate(pairs, (values_.size() - level.base) / 2);
    const std::uint64_t* offsets = key_offsets_.data() + level.key_offsets;
    TextPlace first = PlaceCounter(text_).at(offsets[twice.first]);
    return fail(text_.data() + offsets[twice.again],
                concat("duplicate key '", MessageRef(pairs[2 * twice.again]).text(),
                       "', first at line ", first.line, ", column ", first.column));
}

}  // namespace reflow::codec
