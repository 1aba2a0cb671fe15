// The JSON reader: one pass over the text, no recursion, values built as they end.
// Neighbours: json.cpp and tagged.cpp use it. Thread: one at a time.
#pragma once

#include <memory>
#include <string_view>

#include "codec/document_texts.hpp"
#include "codec/json.hpp"
#include "codec/key_tree.hpp"
#include "codec/number_row.hpp"
#include "codec/place.hpp"
#include "codec/raw_stack.hpp"

namespace reflow::codec {

class JsonReader {
public:
    // Turns the value of the only key of an object into what it stands for (see escape_key).
    using Unescape = Result<Message> (*)(MessageRef);

    struct Options {
        ReadLimits limits;
        Duplicates duplicates = Duplicates::last_wins;
        Places* places = nullptr;
        // Integers beyond 64 bits become an encoded message holding their digits, for a caller
        // that looks at every value and knows what to make of them.
        bool keep_digits = false;
        // Set: an object with escape_key as its only key is replaced by what this makes of it.
        Unescape unescape = nullptr;
        // For tests: long strings are read as on a processor without wide registers.
        bool narrow = false;
    };
    static constexpr std::string_view escape_key = "$reflow";

    explicit JsonReader(const Options& options);
    ~JsonReader() { drop_values(); }
    JsonReader(const JsonReader&) = delete;
    JsonReader& operator=(const JsonReader&) = delete;
    // Reads one document. May be called again for the next one: the limit of elements is for all
    // of them together.
    [[nodiscard]] Result<Message> read(std::string_view text);

private:
    using KeyNode = KeyTree::Node;

    // A container that is open.
    struct Level {
        std::size_t base;       // where its elements begin in values_
        KeyNode* node;          // of its last key; in arrays, of the key that the array belongs to
        std::size_t path_size;  // of the path of the container itself
        std::size_t key_offsets;  // where those of its keys begin
        std::uint32_t count;      // elements so far, for the path
        bool object;
        bool in_tree;  // its keys are those on the way to node; else they are in values_
        bool escape;   // its first key is escape_key
    };

    // What reads takes the place where it begins and returns the one behind, or NULL for an error.
    // The value is the last one of values_ then.
    using At = const char*;
    enum class Next : std::uint8_t { key, value, behind };

    At begin(std::string_view text);
    At document(At at);
    [[gnu::always_inline]] At value(At at, Next* next);
    [[gnu::always_inline]] At open(At at, bool object, Next* next);
    [[gnu::always_inline]] At behind(At at, Next* next);
    At close_array(At at);
    [[gnu::always_inline]] At close_object(At at);
    At close_with_own_keys(At at, Level& level);
    [[gnu::cold]] At merge(At at, Level& level);
    [[gnu::cold]] At unescape(At at);
    [[gnu::always_inline]] void leave(const Level& level, reflow_message value) noexcept;
    [[gnu::always_inline]] At key(At at);
    At new_key(At at, bool first);
    void leave_tree(Level& level);
    [[nodiscard]] KeyNode* around() noexcept {
        return depth_ > 1 ? levels_.top()[-2].node : tree_.root();
    }
    [[gnu::always_inline]] At colon(At at);
    bool follow(Level& level, std::string_view text, bool raw);
    [[gnu::always_inline]] At string(At at, std::string_view* out);
    At string_rest(At start, At at, std::string_view* out);
    At string_with_escapes(At start, At at, std::string_view* out);
    [[gnu::cold]] At end_string(At start, At at, std::string_view text, std::string_view* out);
    At window(At at, bool* ended);
    At wide_text(At at, unsigned* pause);
    [[gnu::cold]] At control_character(At at);
    [[gnu::cold]] At unknown_escape(At at);
    [[gnu::cold]] At half_pair(At at);
    [[gnu::cold]] At ends_inside();
    [[gnu::cold]] At not_utf8(At at);
    At escape(At at, char** to);
    At escape_unicode(At at, char** to);
    At hex4(At at, unsigned* code);
    At numbers(At at);
    [[gnu::cold]] void more_numbers();
    [[gnu::cold]] void end_numbers(At at);
    [[gnu::always_inline]] At number(At at);
    [[gnu::always_inline]] At real(At start, At at, std::size_t count, std::uint64_t mantissa,
                                   bool negative);
    bool exponent(At* at, std::int64_t* power);
    At long_real(At start, At at);
    [[gnu::cold]] At long_integer(At start, At at, At digits);
    At literal(At at, std::string_view word, Message value);
    At skip_space(At at) const noexcept {
        // One space, or none, is what most places have.
        if (at == end_ || static_cast<unsigned char>(*at) > ' ') return at;
        return skip_spaces(at);
    }
    At skip_spaces(At at) const noexcept;
    [[gnu::cold]] void note_place(At at);
    [[gnu::cold]] void track_open(Level& level);
    [[gnu::cold]] void track_comma(Level& level);
    [[gnu::cold]] void track_key(At at, std::string_view text, bool first);

    [[gnu::cold]] At fail(At at, std::string_view message, std::string_view hint = {});
    [[gnu::cold]] At unexpected(At at, std::string_view expected, std::string_view hint = {});
    [[gnu::cold]] At over_limit(At at, std::string_view message);
    [[gnu::cold]] At too_large(At at, Made made, bool object);
    [[gnu::cold]] At no_value(At at);
    [[gnu::cold]] At duplicate_key(const Level& level);
    void drop_values() noexcept;
    [[nodiscard]] Level& top() noexcept { return levels_.top()[-1]; }
    [[nodiscard]] std::uint64_t offset(At at) const noexcept {
        return static_cast<std::uint64_t>(at - text_.data());
    }

    Options options_;
    std::string_view text_;
    At end_ = nullptr;
    bool tracks_ = false;  // places are wanted, or keys have to be looked at
    std::size_t depth_ = 0;
    std::size_t max_levels_ = 0;
    std::uint64_t elements_left_ = 0;
    // Elements of all containers that are open; of objects that are not in the tree, keys and
    // values in turn.
    RawStack<reflow_message> values_;
    NumberRow row_;  // that is the innermost array, or may become it
    RawStack<Level> levels_;
    DocumentTexts texts_;
    KeyTree tree_;
    RawStack<char> scratch_;
    Path path_;
    PlaceCounter places_{{}};
    Vector<std::uint64_t> key_offsets_;  // only if duplicates are refused
    std::unique_ptr<Error> error_;
};

}  // namespace reflow::codec
