// The MessagePack reader: one pass, no recursion, nothing allocated for what is only claimed.
// Neighbours: msgpack_reader.cpp (structure), msgpack_extension.cpp. Thread: one at a time.
#pragma once

#include <memory>
#include <string_view>

#include "codec/document_texts.hpp"
#include "codec/key_tree.hpp"
#include "codec/msgpack.hpp"
#include "codec/msgpack_types.hpp"
#include "codec/raw_stack.hpp"

namespace reflow::codec {

class MsgpackReader {
public:
    MsgpackReader(std::string_view data, const ReadLimits& limits, Duplicates duplicates);
    ~MsgpackReader() {
        for (std::size_t i = values_.size(); i > 0; --i) drop(values_.data()[i - 1]);
    }
    MsgpackReader(const MsgpackReader&) = delete;
    MsgpackReader& operator=(const MsgpackReader&) = delete;

    // used: how many bytes it was, which may be fewer than all; NULL: it has to be all.
    [[nodiscard]] Result<Message> read(std::size_t* used = nullptr);

private:
    enum class Shape : std::uint8_t { array, object, wrap };

    // A container or wrapped message that is open.
    struct Level {
        std::size_t base;     // where its elements begin in values_
        KeyTree::Node* node;  // of its last key; in arrays, of the key that the array belongs to
        const char* outer_bound;
        std::size_t key_offsets;  // where those of its keys begin
        std::uint32_t left;       // values that are still to come
        Shape shape;
        Extension type;  // of a wrap
        bool in_tree;    // its keys are those on the way to node; else they are in values_
    };
    enum class Step : std::uint8_t { fail, open, done };

    bool document();
    Step elements();
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
    Step array_numbers(Level& level);
    std::size_t take_reals(char* values, std::size_t count) noexcept;
    std::size_t take_integers(char* values, std::size_t count) noexcept;
    bool close();
    [[gnu::always_inline]] bool close_row(Level& level);
    bool close_object(Level& level);
    bool close_wrap(Level& level);
    bool close_with(const Level& level, const heap::Head* made, Made how);
    void leave(const Level& level, reflow_message value) noexcept;
    [[gnu::always_inline]] bool key(Level& level);
    bool new_key();
    [[gnu::cold]] bool merge(Level& level);
    [[gnu::cold]] bool duplicate_key(const Level& level);
    bool text(std::uint64_t size, std::string_view* out);
    bool text_value(std::string_view* out);
    bool unsigned_value(std::uint64_t* out);
    bool nil() noexcept;
    bool need(std::uint64_t bytes, std::string_view what) {
        return bytes <= left() || too_short(bytes, what);
    }
    [[gnu::cold]] bool too_short(std::uint64_t bytes, std::string_view what);
    std::uint64_t take(unsigned bytes) noexcept;
    Level& push(Shape shape, std::uint32_t count) {
        levels_.room(1);
        values_.room(1);  // for itself, if it stays empty
        Level* level = levels_.top();
        level->base = values_.size();
        level->node = shape == Shape::object || depth_ == 0 ? tree_.root() : top().node;
        level->outer_bound = bound_;
        if (duplicates_ == Duplicates::refuse) level->key_offsets = key_offsets_.size();
        level->left = count;
        level->shape = shape;
        level->type = Extension{};
        level->in_tree = shape == Shape::object;
        levels_.cut(++depth_);
        return *level;
    }

    [[gnu::cold]] bool fail(const char* at, std::string_view message,
                            reflow_status status = REFLOW_ERROR_PARSE);
    [[gnu::cold]] Step failed(const char* at, std::string_view message,
                              reflow_status status = REFLOW_ERROR_PARSE) {
        fail(at, message, status);
        return Step::fail;
    }
    Step text_done(std::string_view text) {
        values_.room(1);
        values_.push(texts_.value(text));
        return Step::done;
    }
    void put(Message value) {
        if (value.counted()) texts_.pool().mix();
        values_.room(1);
        values_.push(value.leak());
    }
    Step done(Message value) {
        put(std::move(value));
        return Step::done;
    }
    static void drop(reflow_message message) noexcept { Message dropped = Message::adopt(message); }
    [[nodiscard]] std::uint64_t left() const noexcept {
        return static_cast<std::uint64_t>(bound_ - at_);
    }
    [[nodiscard]] std::uint64_t offset(const char* at) const noexcept {
        return static_cast<std::uint64_t>(at - data_.data());
    }
    [[nodiscard]] Level& top() noexcept { return levels_.top()[-1]; }
    [[nodiscard]] KeyTree::Node* around() noexcept {
        return depth_ > 1 ? levels_.top()[-2].node : tree_.root();
    }

    const ReadLimits limits_;
    const Duplicates duplicates_;
    const std::string_view data_;
    const char* at_;
    const char* bound_;            // end of the data, or of the innermost extension
    const char* start_ = nullptr;  // of the value that is being read
    std::size_t levels_max_;
    std::uint64_t elements_left_;
    std::size_t depth_ = 0;
    // Elements of all containers that are open, and the value that was read last; of objects that
    // are not in the tree keys and values in turn, of a network event its type first.
    RawStack<reflow_message> values_;
    RawStack<Level> levels_;
    DocumentTexts texts_;
    KeyTree tree_;
    Vector<std::uint64_t> key_offsets_;  // only if duplicates are refused
    std::unique_ptr<Error> error_;
};

}  // namespace reflow::codec
