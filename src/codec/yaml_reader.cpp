// YAML to messages, from the events of libyaml. libyaml takes its memory from malloc, a small
// multiple of the longest scalar and of the nesting, which is limited here.
// Neighbours: yaml_scalar.hpp. Thread: any.
#include <yaml.h>

#include <cstring>

#include "base/text.hpp"
#include "codec/key_cache.hpp"
#include "codec/limits.hpp"
#include "codec/place.hpp"
#include "codec/yaml.hpp"
#include "codec/yaml_scalar.hpp"

namespace reflow::codec {
namespace {

std::string_view view(const yaml_char_t* text, std::size_t size) noexcept {
    return {reinterpret_cast<const char*>(text), size};
}
std::string_view view(const yaml_char_t* text) noexcept {
    return text == nullptr ? std::string_view()
                           : std::string_view(reinterpret_cast<const char*>(text));
}

// Places from the marks of libyaml, which counts characters, but not a byte-order mark before all
// others. Marks in rising order are cheap.
class Marks {
public:
    explicit Marks(std::string_view text) noexcept
        : text_(text), first_(text.starts_with("\xEF\xBB\xBF") ? 3 : 0) {}
    [[nodiscard]] TextPlace at(const yaml_mark_t& mark) noexcept {
        if (mark.line != line_ || mark.index < characters_) {
            line_ = mark.line;
            line_start_ = byte_of(mark.index - std::min(mark.column, mark.index));
        }
        std::size_t byte = byte_of(mark.index);
        auto limited = [](std::size_t value) {
            return static_cast<std::uint32_t>(std::min<std::size_t>(value, UINT32_MAX));
        };
        return {limited(mark.line + 1), limited(byte - std::min(line_start_, byte) + 1), byte};
    }

private:
    std::size_t byte_of(std::size_t character) noexcept {
        if (character < characters_) {
            characters_ = 0;
            bytes_ = first_;
        }
        while (characters_ < character && bytes_ < text_.size()) {
            ++bytes_;
            while (bytes_ < text_.size() &&
                   (static_cast<unsigned char>(text_[bytes_]) & 0xC0) == 0x80) {
                ++bytes_;
            }
            ++characters_;
        }
        return bytes_;
    }

    std::string_view text_;
    std::size_t first_;  // byte of the first character
    std::size_t characters_ = 0;
    std::size_t bytes_ = first_;
    std::size_t line_ = 0;
    std::size_t line_start_ = first_;
};

class Event {
public:
    Event() noexcept { std::memset(&raw, 0, sizeof raw); }
    ~Event() { yaml_event_delete(&raw); }
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;
    yaml_event_t raw;
};

class YamlReader {
public:
    YamlReader(std::string_view text, const ReadLimits& limits, Places* places)
        : limits_(limits),
          text_(text),
          places_(places),
          marks_(text),
          elements_left_(most_elements(limits)) {
        std::memset(&parser_, 0, sizeof parser_);
    }
    ~YamlReader() { yaml_parser_delete(&parser_); }
    YamlReader(const YamlReader&) = delete;
    YamlReader& operator=(const YamlReader&) = delete;

    [[nodiscard]] Result<Message> read();

private:
    struct Level {
        bool object = false;
        bool has_key = false;
        std::uint32_t count = 0;    // elements so far, for the path
        std::size_t path_size = 0;  // of the path of the container itself
        Message key;                // of the value that is being read
        ArrayBuilder array;
        ObjectBuilder members;
        Vector<TextPlace> key_places;
    };

    bool begin();
    bool event(const yaml_event_t& event);
    bool scalar(const yaml_event_t& event);
    bool key(const yaml_event_t& event);
    bool open(const yaml_event_t& event, bool object);
    bool close(const yaml_event_t& event);
    bool attach(const yaml_event_t& event);
    bool before_value(const yaml_event_t& event);
    bool no_anchor(const yaml_event_t& event, const yaml_char_t* anchor);
    bool scalar_value(const yaml_event_t& event, std::string_view text, Message* value);
    bool duplicate_key(Level& level);
    bool parser_error();
    bool fail(const yaml_mark_t& mark, std::string_view message, std::string_view hint = {},
              reflow_status status = REFLOW_ERROR_PARSE);
    [[nodiscard]] Level& top() noexcept { return levels_[depth_ - 1]; }
    [[nodiscard]] bool wants_key() noexcept { return depth_ > 0 && top().object && !top().has_key; }

    const ReadLimits limits_;
    const std::string_view text_;
    Places* const places_;
    Marks marks_;
    std::uint64_t elements_left_;
    yaml_parser_t parser_;
    Message value_;  // that was read last; the document when it ends
    std::size_t depth_ = 0;
    std::uint32_t documents_ = 0;
    bool ended_ = false;
    Path path_;
    Vector<Level> levels_;
    KeyCache keys_;
    std::unique_ptr<Error> error_;
};

Result<Message> YamlReader::read() {
    if (!begin()) return std::move(error_);
    while (!ended_) {
        Event next;
        if (yaml_parser_parse(&parser_, &next.raw) == 0) {
            parser_error();
            return std::move(error_);
        }
        if (!event(next.raw)) return std::move(error_);
    }
    if (documents_ == 0) {
        fail(parser_.mark, "the text holds no YAML document");
        return std::move(error_);
    }
    return std::move(value_);
}

bool YamlReader::begin() {
    yaml_mark_t start{};
    if (text_.size() > limits_.bytes) {
        return fail(start, over_bytes(text_.size(), limits_), {}, REFLOW_ERROR_LIMIT);
    }
    if (text_.starts_with("\xFE\xFF") || text_.starts_with("\xFF\xFE")) {
        return fail(start, "the text is UTF-16, YAML is read as UTF-8 here");
    }
    if (yaml_parser_initialize(&parser_) == 0) {
        return fail(start, "no memory for the YAML parser", {}, REFLOW_ERROR_OUT_OF_MEMORY);
    }
    const char* data = text_.empty() ? "" : text_.data();  // libyaml insists on a pointer
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(data),
                                 text_.size());
    return true;  // what is not UTF-16 it takes for UTF-8, with or without a byte-order mark
}

bool YamlReader::event(const yaml_event_t& event) {
    switch (event.type) {
        case YAML_STREAM_END_EVENT:
            ended_ = true;
            return true;
        case YAML_DOCUMENT_START_EVENT:
            if (++documents_ > 1) {
                return fail(event.start_mark, "a second document begins where one was expected");
            }
            return true;
        case YAML_ALIAS_EVENT:
            return fail(event.start_mark,
                        concat("alias '*", view(event.data.alias.anchor), "' is not supported"),
                        "write the value out");
        case YAML_SCALAR_EVENT:
            if (!no_anchor(event, event.data.scalar.anchor)) return false;
            return wants_key() ? key(event) : scalar(event);
        case YAML_SEQUENCE_START_EVENT:
            return no_anchor(event, event.data.sequence_start.anchor) && open(event, false);
        case YAML_MAPPING_START_EVENT:
            return no_anchor(event, event.data.mapping_start.anchor) && open(event, true);
        case YAML_SEQUENCE_END_EVENT:
        case YAML_MAPPING_END_EVENT:
            return close(event);
        default:
            return true;
    }
}

bool YamlReader::no_anchor(const yaml_event_t& event, const yaml_char_t* anchor) {
    if (anchor == nullptr) return true;
    return fail(event.start_mark, concat("anchor '&", view(anchor), "' is not supported"));
}

bool YamlReader::scalar(const yaml_event_t& event) {
    const auto& scalar = event.data.scalar;
    if (!before_value(event)) return false;
    if (!scalar_value(event, view(scalar.value, scalar.length), &value_)) return false;
    return attach(event);
}

constexpr std::string_view core_tag = "tag:yaml.org,2002:";

bool YamlReader::scalar_value(const yaml_event_t& event, std::string_view text, Message* value) {
    const auto& scalar = event.data.scalar;
    std::string_view tag = view(scalar.tag);
    bool string = tag.empty() ? scalar.plain_implicit == 0 : tag == "!";
    std::string_view name;
    if (tag.starts_with(core_tag)) {
        name = tag.substr(core_tag.size());
        string = name == "str";
        constexpr std::string_view known[] = {"str", "null", "bool", "int", "float"};
        if (std::find(std::begin(known), std::end(known), name) == std::end(known)) {
            return fail(event.start_mark, concat("tag '!!", name, "' is not supported"));
        }
    } else if (!tag.empty() && tag != "!") {
        return fail(event.start_mark, concat("tag '", tag, "' is not supported"));
    }
    if (string) {
        *value = Message::string(text);
        return true;
    }
    Number plain = plain_scalar(text);
    if (plain.fault != NumberFault::none) {
        return fail(event.start_mark, describe(plain.fault, text));
    }
    bool fits = name.empty() || (name == "null" && plain.value.is(REFLOW_KIND_NULL)) ||
                (name == "bool" && plain.value.is(REFLOW_KIND_BOOLEAN)) ||
                (name == "int" && plain.value.is(REFLOW_KIND_INTEGER)) ||
                (name == "float" && plain.value.number());
    if (!fits) {
        return fail(event.start_mark, concat("'", show_text(text), "' is no !!", name));
    }
    if (name == "float") plain.value = Message::real(plain.value.real());
    *value = plain.value.none() ? Message::string(text) : std::move(plain.value);
    return true;
}

bool YamlReader::key(const yaml_event_t& event) {
    Level& level = top();
    const auto& scalar = event.data.scalar;
    std::string_view name = view(scalar.value, scalar.length);
    if (scalar.style == YAML_PLAIN_SCALAR_STYLE && name == "<<") {
        return fail(event.start_mark, "merge key '<<' is not supported");
    }
    Message value;
    if (!scalar_value(event, name, &value)) return false;
    if (!value.is(REFLOW_KIND_STRING)) {
        return fail(event.start_mark,
                    concat("key '", show_text(name), "' is not a string but ",
                           value.is(REFLOW_KIND_NULL) ? "null" : value.kind_name()),
                    "put it in quotes");
    }
    level.key = keys_.get(name);
    level.has_key = true;
    if (level.members.has(name)) {
        level.key_places.push_back(marks_.at(event.start_mark));
        return duplicate_key(level);
    }
    level.key_places.push_back(marks_.at(event.start_mark));
    path_.cut(level.path_size);
    path_.add_key(name);
    return true;
}

bool YamlReader::duplicate_key(Level& level) {
    std::string_view name = level.key.text();
    TextPlace place = level.key_places.back();
    TextPlace first;
    Result<Message> object = level.members.finish();
    // The keys stand in the object in the order of their places.
    for (std::size_t i = 0; object.ok() && i < object.value().size(); ++i) {
        if (object.value().key_at(i) == name) first = level.key_places[i];
    }
    error_ = Failure(REFLOW_ERROR_PARSE, concat("duplicate key '", name, "', first at line ",
                                                first.line, ", column ", first.column))
                 .at(place.line, place.column, place.offset)
                 .take();
    return false;
}

// Path and place of a value that begins.
bool YamlReader::before_value(const yaml_event_t& event) {
    if (depth_ > 0) {
        Level& level = top();
        if (elements_left_ == 0) {
            return fail(event.start_mark, over_elements(limits_), {}, REFLOW_ERROR_LIMIT);
        }
        --elements_left_;
        if (!level.object) {
            path_.cut(level.path_size);
            path_.add_index(level.count++);
        }
    }
    if (places_ != nullptr) (*places_)[path_.text()] = marks_.at(event.start_mark);
    return true;
}

bool YamlReader::open(const yaml_event_t& event, bool object) {
    std::string_view tag =
        view(object ? event.data.mapping_start.tag : event.data.sequence_start.tag);
    if (!tag.empty() && tag != "!" && tag != concat(core_tag, object ? "map" : "seq")) {
        return fail(event.start_mark, concat("tag '", tag, "' is not supported"));
    }
    if (wants_key()) {
        return fail(event.start_mark, "a key is a list or a mapping; keys are strings");
    }
    if (!before_value(event)) return false;
    if (depth_ >= most_levels(limits_)) {
        return fail(event.start_mark, over_levels(limits_), {}, REFLOW_ERROR_LIMIT);
    }
    if (depth_ == levels_.size()) levels_.emplace_back();
    Level& level = levels_[depth_++];
    level.object = object;
    level.has_key = false;
    level.count = 0;
    level.path_size = path_.size();
    return true;
}

bool YamlReader::close(const yaml_event_t& event) {
    Level& level = top();
    Result<Message> made = level.object ? level.members.finish() : level.array.finish();
    if (!made.ok()) {
        return fail(event.start_mark, made.error().message, {}, made.error().status);
    }
    value_ = std::move(made).take();
    level.key_places.clear();
    path_.cut(level.path_size);
    --depth_;
    return attach(event);
}

// The value that was read goes into the innermost container.
bool YamlReader::attach(const yaml_event_t&) {
    if (depth_ == 0) return true;
    Level& level = top();
    if (!level.object) {
        level.array.append(std::move(value_));
        return true;
    }
    level.members.set(level.key, std::move(value_));
    level.has_key = false;
    return true;
}

bool YamlReader::parser_error() {
    if (parser_.error == YAML_MEMORY_ERROR) {
        return fail(parser_.mark, "no memory for the YAML parser", {}, REFLOW_ERROR_OUT_OF_MEMORY);
    }
    String message(parser_.problem == nullptr ? "not YAML" : parser_.problem);
    if (parser_.error == YAML_READER_ERROR) {
        // The only error whose place is a number of bytes.
        TextPlace place = PlaceCounter(text_).at(parser_.problem_offset);
        error_ =
            Failure(REFLOW_ERROR_PARSE, message).at(place.line, place.column, place.offset).take();
        return false;
    }
    if (parser_.context != nullptr) append(message, concat(" ", parser_.context));
    return fail(parser_.problem_mark, message);
}

bool YamlReader::fail(const yaml_mark_t& mark, std::string_view message, std::string_view hint,
                      reflow_status status) {
    TextPlace place = marks_.at(mark);
    error_ = Failure(status, message).hint(hint).at(place.line, place.column, place.offset).take();
    return false;
}

}  // namespace

Result<Message> parse_yaml(std::string_view text, const ReadLimits& limits, Places* places) {
    return YamlReader(text, limits, places).read();
}

}  // namespace reflow::codec
