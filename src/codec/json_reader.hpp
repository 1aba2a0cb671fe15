// The JSON reader: one pass over the text, no recursion, values built as they end.
// Neighbours: json.cpp and tagged.cpp use it. Thread: one at a time.
#pragma once

#include <memory>
#include <string_view>

#include "codec/json.hpp"
#include "codec/key_cache.hpp"
#include "codec/place.hpp"

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
    };
    static constexpr std::string_view escape_key = "$reflow";

    explicit JsonReader(const Options& options);
    // Reads one document. May be called again for the next one: the limit of elements is for all
    // of them together.
    [[nodiscard]] Result<Message> read(std::string_view text);

private:
    // A container that is open. Kept when it closes, so that its builders' memory serves again.
    struct Level {
        bool object = false;
        bool escape = false;        // its first key is escape_key
        std::uint32_t count = 0;    // elements so far, for the path
        std::size_t path_size = 0;  // of the path of the container itself
        Message key;                // of the container inside that is being read
        Message held;               // value of escape_key until it is known to be the only key
        ArrayBuilder array;
        ObjectBuilder members;
        Vector<std::uint64_t> key_offsets;  // only if duplicates are refused
    };

    enum class Step : std::uint8_t { fail, open, done };

    bool begin(std::string_view text);
    bool finish();
    Step value();
    Step open(bool object);
    bool push(bool object);
    bool attach(bool* closed);
    bool attach_element(Level& level, bool* closed);
    bool attach_member(Level& level, bool* closed);
    bool set_member(Level& level);
    bool close_array(Level& level);
    bool close_object(Level& level);
    void leave(Level& level);
    bool key();
    bool string(std::string_view* out);
    bool string_with_escapes(const char* start, std::string_view* out);
    bool escape();
    bool escape_unicode();
    bool hex4(unsigned* code);
    const char* scan(const char* at) noexcept;
    bool number();
    bool real(const char* start, std::size_t count, std::uint64_t mantissa, bool negative);
    bool literal(std::string_view word, Message value);
    void note_place();
    void skip_space() noexcept {
        // One space, or none, is what most places have.
        if (at_ == end_ || static_cast<unsigned char>(*at_) > ' ') return;
        skip_spaces();
    }
    void skip_spaces() noexcept;
    void track_key(std::string_view text);

    bool fail(const char* at, std::string_view message, std::string_view hint = {});
    bool unexpected(std::string_view expected, std::string_view hint = {});
    bool over_limit(const char* at, std::string_view message);
    bool no_value();
    bool duplicate_key(Level& level);
    [[nodiscard]] Level& top() noexcept { return levels_[depth_ - 1]; }

    Options options_;
    std::string_view text_;
    const char* at_ = nullptr;
    const char* end_ = nullptr;
    bool tracks_ = false;     // places are wanted, or keys have to be looked at
    bool not_ascii_ = false;  // what scan() last passed over holds bytes above 0x7F
    Message value_;           // that was read last
    std::size_t depth_ = 0;
    std::size_t max_levels_ = 0;
    std::uint64_t elements_left_ = 0;
    const char* key_at_ = nullptr;
    String scratch_;
    Path path_;
    PlaceCounter places_{{}};
    Vector<Level> levels_;
    KeyCache keys_;
    TextCache texts_;
    const Message* key_ = nullptr;  // of the value that is being read
    std::unique_ptr<Error> error_;
};

}  // namespace reflow::codec
