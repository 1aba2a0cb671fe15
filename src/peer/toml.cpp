// TOML by toml++, header only and without its exceptions.
// Thread: any.
#include "peer/toml.hpp"

// toml++ asserts things of its input which bad input does not hold, such as a key that begins with
// '=', and goes on to refuse it. With NDEBUG it would tell the compiler to take them for granted.
#pragma push_macro("NDEBUG")
#undef NDEBUG
#define TOML_ASSERT(condition) static_cast<void>(0)
// What is nested deeper than this is refused by the parser itself.
#define TOML_MAX_NESTED_VALUES 16
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#define TOML_ENABLE_WINDOWS_COMPAT 0
#include <toml++/toml.h>
#pragma pop_macro("NDEBUG")

#include "base/limits.hpp"
#include "base/text.hpp"
#include "base/utf8.hpp"
#include "codec/place.hpp"

namespace reflow::peer {
namespace {

using codec::TextPlace;

// Dots outside of texts on one line. A key of many parts becomes as many tables inside one another,
// which toml++ does not limit and ends by recursion.
constexpr std::size_t line_dots_count = 32;

// Turns lines and columns of toml++, which counts characters, into offsets.
class Lines {
public:
    explicit Lines(std::string_view text) : text_(text), starts_{0} {
        for (std::size_t i = 0; i < text.size(); ++i) {
            if (text[i] == '\n') starts_.push_back(i + 1);
        }
    }
    [[nodiscard]] TextPlace at(const toml::source_position& position) const {
        std::size_t line = std::min<std::size_t>(std::max(position.line, 1u), starts_.size());
        std::size_t start = starts_[line - 1], offset = start;
        if (line == 1 && text_.starts_with("\xEF\xBB\xBF")) offset += 3;
        for (std::uint32_t column = 1; column < position.column; ++column) {
            if (offset >= text_.size() || text_[offset] == '\n') break;
            offset += utf8_length(text_.substr(offset));
        }
        return {static_cast<std::uint32_t>(line), static_cast<std::uint32_t>(offset - start + 1),
                offset};
    }

private:
    std::string_view text_;
    Vector<std::size_t> starts_;
};

// Looks for keys of too many parts. Only what is inside of texts and comments needs care.
class DotCheck {
public:
    explicit DotCheck(std::string_view text) noexcept : text_(text) {}

    // The offset of the dot that is too many.
    [[nodiscard]] std::optional<std::size_t> find() noexcept {
        std::size_t dots = 0;
        while (at_ < text_.size()) {
            char c = text_[at_];
            if (c == '"' || c == '\'') {
                skip_text(c);
                continue;
            }
            if (c == '#') {
                at_ = std::min(text_.find('\n', at_), text_.size());
                continue;
            }
            if (c == '\n') dots = 0;
            if (c == '.' && ++dots > line_dots_count) return at_;
            ++at_;
        }
        return std::nullopt;
    }

private:
    [[nodiscard]] bool three(char quote) const noexcept {
        return text_.size() - at_ >= 3 && text_[at_] == quote && text_[at_ + 1] == quote &&
               text_[at_ + 2] == quote;
    }
    void skip_text(char quote) noexcept {
        bool lines = three(quote);
        at_ += lines ? 3 : 1;
        while (at_ < text_.size()) {
            char c = text_[at_];
            if (quote == '"' && c == '\\') {
                at_ += 2;
            } else if (!lines && (c == quote || c == '\n')) {
                ++at_;
                return;
            } else if (lines && three(quote)) {
                at_ += 3;
                // Two quotes more may belong to the text.
                for (int i = 0; i < 2 && at_ < text_.size() && text_[at_] == quote; ++i) ++at_;
                return;
            } else {
                ++at_;
            }
        }
    }
    std::string_view text_;
    std::size_t at_ = 0;
};

class Converter {
public:
    Converter(const Lines& lines, TomlDocument& to) noexcept : lines_(lines), to_(to) {}

    // Recursion goes limits::peer_config_depth_count deep and no further.
    Result<Message> convert(const toml::node& node, std::size_t depth) {
        to_.values.insert_or_assign(path_.text(), lines_.at(node.source().begin));
        switch (node.type()) {
            case toml::node_type::string:
                return Message::checked_string(node.as_string()->get());
            case toml::node_type::integer: return Message::integer(node.as_integer()->get());
            case toml::node_type::floating_point:
                return Message::real(node.as_floating_point()->get());
            case toml::node_type::boolean: return Message::boolean(node.as_boolean()->get());
            case toml::node_type::table: return table(*node.as_table(), depth);
            case toml::node_type::array: return array(*node.as_array(), depth);
            default: return fail(node, REFLOW_ERROR_PARSE, "dates and times are not expected here");
        }
    }

private:
    Failure fail(const toml::node& node, reflow_status status, std::string_view message) const {
        TextPlace place = lines_.at(node.source().begin);
        return Failure(status, message)
            .path(path_.text())
            .at(place.line, place.column, place.offset);
    }
    Failure too_deep(const toml::node& node) const {
        return fail(node, REFLOW_ERROR_LIMIT, concat("nested deeper than ",
                                                     limits::peer_config_depth_count, " levels"));
    }

    Result<Message> table(const toml::table& table, std::size_t depth) {
        if (depth == limits::peer_config_depth_count) return too_deep(table);
        ObjectBuilder builder(table.size());
        std::size_t size = path_.size();
        for (const auto& [key, node] : table) {
            path_.add_key(key.str());
            to_.keys.insert_or_assign(path_.text(), lines_.at(key.source().begin));
            Result<Message> value = convert(node, depth + 1);
            path_.cut(size);
            if (!value.ok()) return value;
            builder.set(key.str(), std::move(value).take());
        }
        return builder.finish();
    }

    Result<Message> array(const toml::array& array, std::size_t depth) {
        if (depth == limits::peer_config_depth_count) return too_deep(array);
        ArrayBuilder builder(array.size());
        std::size_t size = path_.size();
        for (std::size_t i = 0; i < array.size(); ++i) {
            path_.add_index(i);
            Result<Message> value = convert(array[i], depth + 1);
            path_.cut(size);
            if (!value.ok()) return value;
            builder.append(std::move(value).take());
        }
        return builder.finish();
    }

    const Lines& lines_;
    TomlDocument& to_;
    codec::Path path_;
};

}  // namespace

Result<TomlDocument> read_toml(std::string_view text) {
    if (text.size() > limits::peer_config_bytes) {
        return Failure(REFLOW_ERROR_LIMIT, concat("the text has ", text.size(),
                                                  " bytes; at most ", limits::peer_config_bytes,
                                                  " are allowed"));
    }
    codec::PlaceCounter places(text);
    auto fail = [&](reflow_status status, TextPlace place, std::string_view message) {
        return Failure(status, message).at(place.line, place.column, place.offset);
    };
    if (auto bad = invalid_utf8(text)) {
        return fail(REFLOW_ERROR_INVALID_UTF8, places.at(*bad), "not UTF-8");
    }
    if (auto dot = DotCheck(text).find()) {
        return fail(REFLOW_ERROR_LIMIT, places.at(*dot),
                    concat("more than ", line_dots_count, " dots outside of texts on one line"));
    }
    Lines lines(text);
    toml::parse_result parsed = toml::parse(text);
    if (!parsed) {
        const toml::parse_error& error = parsed.error();
        return fail(REFLOW_ERROR_PARSE, lines.at(error.source().begin),
                    repair_utf8(error.description()));
    }
    TomlDocument document;
    Result<Message> value = Converter(lines, document).convert(parsed.table(), 0);
    if (!value.ok()) return value.take_error();
    document.value = std::move(value).take();
    return document;
}

void write_toml_string(String& to, std::string_view text) {
    static constexpr char hex[] = "0123456789ABCDEF";
    to += '"';
    for (char letter : text) {
        auto byte = static_cast<unsigned char>(letter);
        if (letter == '"' || letter == '\\') {
            to += '\\';
            to += letter;
        } else if (letter == '\n') {
            to += "\\n";
        } else if (byte < 0x20 || byte == 0x7f) {
            to += "\\u00";
            to += hex[byte >> 4];
            to += hex[byte & 15];
        } else {
            to += letter;
        }
    }
    to += '"';
}

}  // namespace reflow::peer
