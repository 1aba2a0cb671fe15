// The structure of JSON: values, containers, limits, errors. Strings and numbers: json_scalar.cpp.
// Neighbours: json.cpp and tagged.cpp. Thread: one at a time.
#include "codec/json_reader.hpp"

#include <algorithm>
#include <cstring>

#include "base/text.hpp"
#include "codec/limits.hpp"

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
    if (!begin(text)) return std::move(error_);
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
    if (!finish()) return std::move(error_);
    return std::move(value_);
}

bool JsonReader::begin(std::string_view text) {
    text_ = text;
    at_ = text.data();
    end_ = at_ + text.size();
    places_ = PlaceCounter(text);
    path_.cut(1);
    if (depth_ > 0) {
        // What an earlier document left behind when it ended in an error.
        levels_.clear();
        depth_ = 0;
    }
    if (text.size() > options_.limits.bytes) {
        return over_limit(at_, over_bytes(text.size(), options_.limits));
    }
    if (text.empty()) return fail(at_, "the text is empty, a JSON value was expected");
    if (text.starts_with("\xEF\xBB\xBF")) {
        return fail(at_, "the text begins with a byte-order mark, which JSON does not have",
                    "write the text as UTF-8 without a mark");
    }
    if (text.starts_with("\xFE\xFF") || text.starts_with("\xFF\xFE")) {
        return fail(at_, "the text is UTF-16, JSON is UTF-8");
    }
    return true;
}

bool JsonReader::finish() {
    skip_space();
    if (at_ != end_) {
        return fail(at_, concat("unexpected ", show_byte(*at_), " after the end of the document"));
    }
    if (value_.depth() > most_levels(options_.limits)) {
        return over_limit(at_, over_levels(options_.limits));
    }
    return true;
}

// ---- values

JsonReader::Step JsonReader::value() {
    skip_space();
    if (at_ == end_) {
        no_value();
        return Step::fail;
    }
    if (options_.places != nullptr) note_place();
    bool ok = true;
    switch (*at_) {
        case '{':
            return open(true);
        case '[':
            return open(false);
        case '"': {
            std::string_view text;
            ok = string(&text);
            if (ok) value_ = texts_.get(text, keys_);
            break;
        }
        case 't':
            ok = literal("true", Message::boolean(true));
            break;
        case 'f':
            ok = literal("false", Message::boolean(false));
            break;
        case 'n':
            ok = literal("null", Message::null());
            break;
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
            ok = number();
            break;
        default:
            ok = no_value();
    }
    return ok ? Step::done : Step::fail;
}

bool JsonReader::literal(std::string_view word, Message value) {
    std::string_view rest(at_, static_cast<std::size_t>(end_ - at_));
    if (!rest.starts_with(word)) return no_value();
    at_ += word.size();
    value_ = std::move(value);
    return true;
}

// An opening bracket. An empty container is a value at once.
JsonReader::Step JsonReader::open(bool object) {
    if (depth_ >= max_levels_) {
        over_limit(at_, over_levels(options_.limits));
        return Step::fail;
    }
    ++at_;
    skip_space();
    if (at_ != end_ && *at_ == (object ? '}' : ']')) {
        ++at_;
        Result<Message> empty = object ? ObjectBuilder().finish() : ArrayBuilder().finish();
        if (!empty.ok()) {
            error_ = empty.take_error();
            return Step::fail;
        }
        value_ = std::move(empty).take();
        return Step::done;
    }
    return push(object) ? Step::open : Step::fail;
}

bool JsonReader::push(bool object) {
    if (depth_ == levels_.size()) {
        if (levels_.empty()) levels_.reserve(8);
        levels_.emplace_back();
    }
    // The key that this container is the value of has to outlast the keys inside it.
    if (depth_ > 0 && top().object) top().key = *key_;
    Level& level = levels_[depth_++];
    level.object = object;
    level.escape = false;
    level.count = 0;
    level.path_size = path_.size();
    if (object) return key();
    if (options_.places != nullptr) path_.add_index(0);
    return true;
}

// The value that was read goes into the innermost container; `closed` if that ended with it and
// is the value now.
bool JsonReader::attach(bool* closed) {
    Level& level = top();
    if (elements_left_ == 0) return over_limit(at_, over_elements(options_.limits));
    --elements_left_;
    return level.object ? attach_member(level, closed) : attach_element(level, closed);
}

bool JsonReader::attach_element(Level& level, bool* closed) {
    level.array.append(std::move(value_));
    skip_space();
    if (at_ != end_ && *at_ == ',') {
        ++at_;
        *closed = false;
        if (options_.places != nullptr) {
            path_.cut(level.path_size);
            path_.add_index(++level.count);
        }
        return true;
    }
    if (at_ == end_ || *at_ != ']') return unexpected("',' or ']'");
    ++at_;
    *closed = true;
    return close_array(level);
}

bool JsonReader::attach_member(Level& level, bool* closed) {
    if (level.escape && level.members.size() == 0 && level.held.none()) {
        level.held = std::move(value_);
        level.key = *key_;
    } else if (!set_member(level)) {
        return false;
    }
    skip_space();
    if (at_ != end_ && *at_ == ',') {
        ++at_;
        *closed = false;
        if (tracks_) path_.cut(level.path_size);
        if (!level.held.none()) {
            // escape_key is not the only key, so the object is an ordinary one.
            level.members.set(level.key, std::move(level.held));
            level.held = Message();
        }
        skip_space();
        return key();
    }
    if (at_ == end_ || *at_ != '}') return unexpected("',' or '}'");
    ++at_;
    *closed = true;
    return close_object(level);
}

bool JsonReader::set_member(Level& level) {
    if (options_.duplicates == Duplicates::last_wins) {
        level.members.set(*key_, std::move(value_));
        return true;
    }
    std::size_t before = level.members.size();
    level.members.set(*key_, std::move(value_));
    if (level.members.size() == before) return duplicate_key(level);
    return true;
}

bool JsonReader::close_array(Level& level) {
    Result<Message> array = level.array.finish();
    if (!array.ok()) return over_limit(at_, array.error().message);
    value_ = std::move(array).take();
    leave(level);
    return true;
}

bool JsonReader::close_object(Level& level) {
    bool escaped = !level.held.none();
    Result<Message> object = escaped ? options_.unescape(level.held) : level.members.finish();
    if (!object.ok()) {
        if (object.error().status == REFLOW_ERROR_LIMIT) {
            return over_limit(at_, object.error().message);
        }
        return fail(at_, object.error().message, object.error().hint);
    }
    value_ = std::move(object).take();
    level.held = Message();
    level.key_offsets.clear();
    leave(level);
    return true;
}

void JsonReader::leave(Level& level) {
    if (tracks_) path_.cut(level.path_size);
    --depth_;
    if (depth_ > 0) key_ = &top().key;
}

// A key and its colon.
bool JsonReader::key() {
    if (at_ == end_) return unexpected("a key in quotes");
    if (*at_ != '"') {
        return unexpected("a key in quotes", *at_ == '}' ? "JSON has no comma before '}'" : "");
    }
    key_at_ = at_;
    std::string_view text;
    if (!string(&text)) return false;
    key_ = &keys_.get(text);
    if (tracks_) track_key(text);
    skip_space();
    if (at_ == end_ || *at_ != ':') return unexpected("':'");
    ++at_;
    return true;
}

void JsonReader::track_key(std::string_view text) {
    Level& level = top();
    if (options_.unescape != nullptr && level.members.size() == 0 && text == escape_key) {
        level.escape = true;
    }
    if (options_.places != nullptr) path_.add_key(text);
    if (options_.duplicates == Duplicates::refuse) {
        level.key_offsets.push_back(static_cast<std::uint64_t>(key_at_ - text_.data()));
    }
}

void JsonReader::note_place() {
    (*options_.places)[path_.text()] = places_.at(static_cast<std::uint64_t>(at_ - text_.data()));
}

void JsonReader::skip_spaces() noexcept {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
}

// ---- errors

bool JsonReader::fail(const char* at, std::string_view message, std::string_view hint) {
    TextPlace place = PlaceCounter(text_).at(static_cast<std::uint64_t>(at - text_.data()));
    error_ = Failure(REFLOW_ERROR_PARSE, message)
                 .hint(hint)
                 .at(place.line, place.column, place.offset)
                 .take();
    return false;
}

bool JsonReader::over_limit(const char* at, std::string_view message) {
    fail(at, message);
    error_->status = REFLOW_ERROR_LIMIT;
    return false;
}

bool JsonReader::unexpected(std::string_view expected, std::string_view hint) {
    if (at_ == end_) return fail(at_, concat("the text ends where ", expected, " was expected"));
    return fail(at_, concat("unexpected ", show_byte(*at_), " where ", expected, " was expected"),
                hint);
}

// What is said of a byte that begins no value, with the usual reasons for one.
bool JsonReader::no_value() {
    if (at_ == end_) return unexpected("a value");
    std::string_view rest(at_, static_cast<std::size_t>(end_ - at_));
    std::string_view hint;
    if (*at_ == '\'') hint = "strings stand in double quotes";
    if (*at_ == '/' || *at_ == '#') hint = "JSON has no comments";
    if (*at_ == ']' || *at_ == '}') hint = "JSON has no comma before the closing bracket";
    if (*at_ == '+') hint = "JSON numbers have no plus sign";
    if (*at_ == '.') hint = "JSON numbers begin with a digit";
    if (rest.starts_with("NaN") || rest.starts_with("Infinity")) {
        hint = "JSON has no NaN and no infinities";
    }
    if (rest.starts_with("True") || rest.starts_with("False") || rest.starts_with("None")) {
        hint = "the words of JSON are true, false and null";
    }
    return unexpected("a value", hint);
}

bool JsonReader::duplicate_key(Level& level) {
    std::string_view name = key_->text();
    std::uint64_t first_offset = 0;
    Result<Message> object = level.members.finish();
    // The keys stand in the object in the order of their places.
    for (std::size_t i = 0; object.ok() && i < object.value().size(); ++i) {
        if (object.value().key_at(i) == name) first_offset = level.key_offsets[i];
    }
    TextPlace first = PlaceCounter(text_).at(first_offset);
    // Other keys were read inside the value since: the place of this one is the level's last.
    return fail(text_.data() + level.key_offsets.back(),
                concat("duplicate key '", name, "', first at line ", first.line, ", column ",
                       first.column));
}

}  // namespace reflow::codec
