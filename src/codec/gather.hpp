// What a writer writes, piece by piece: the first in place, more in blocks that are kept from document
// to document, long texts of the message not before the end. Then all of it goes into a String at
// once, which so grows once, to the right size.
// Neighbours: json_out, the MessagePack writer. Thread: one.
#pragma once

#include <cstring>
#include <string_view>

#include "base/memory.hpp"
#include "base/spare.hpp"
#include "codec/raw_stack.hpp"

namespace reflow::codec {

class Gather {
public:
    explicit Gather(String& to) noexcept : to_(to) {}
    ~Gather() {
        while (block_ != nullptr) {
            Block* before = block_->before;
            spare_.give(block_);
            block_ = before;
        }
    }
    Gather(const Gather&) = delete;
    Gather& operator=(const Gather&) = delete;

    // Room for so many bytes in a row, at most some hundred; the next byte goes to its beginning.
    [[nodiscard]] char* room(std::size_t bytes) {
        if (static_cast<std::size_t>(limit_ - at_) < bytes) next_block();
        return at_;
    }
    [[nodiscard]] char* limit() const noexcept { return limit_; }
    // What stands before `behind` is written; that is at most limit().
    void advance(char* behind) noexcept { at_ = behind; }

    void put(char byte) {
        if (at_ == limit_) next_block();
        *at_++ = byte;
    }
    void put(std::string_view text) {
        if (static_cast<std::size_t>(limit_ - at_) < text.size()) return put_long(text);
        std::memcpy(at_, text.data(), text.size());
        at_ += text.size();
    }
    // The same of text that stays as it is until finish().
    void lend(std::string_view text) {
        if (text.size() < lent_bytes) {
            if (!text.empty()) put(text);  // it may be NULL
            return;
        }
        end_run();
        passed_ += text.size();
        piece(text);
    }
    // Bytes that were written.
    [[nodiscard]] std::size_t size() const noexcept {
        return passed_ + static_cast<std::size_t>(at_ - run_);
    }
    // Gives all to the String. Nothing may follow.
    void finish() {
        if (pieces_.size() == 0) {
            to_.append(run_, static_cast<std::size_t>(at_ - run_));
            return;
        }
        join();
    }

private:
    struct Block {
        Block* before;
    };
    // From here on it is cheaper to remember a text than to copy it twice.
    static constexpr std::size_t lent_bytes = 512;
    static constexpr std::size_t first_bytes = 4096;

    void next_block();
    void put_long(std::string_view text);
    void end_run();
    void join();
    void piece(std::string_view text) {
        pieces_.room(1);
        pieces_.push(text);
    }

    String& to_;
    char* at_ = first_;
    char* limit_ = first_ + first_bytes;
    char* run_ = first_;      // from here to at_ is no piece yet
    std::size_t passed_ = 0;  // bytes of pieces
    Block* block_ = nullptr;
    RawStack<std::string_view> pieces_;
    Spare spare_;
    char first_[first_bytes];
};

}  // namespace reflow::codec
