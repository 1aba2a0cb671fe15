// The texts of one document: made in its pool, and shared where they come again. What was made is
// remembered without a reference of its own, since it lives as long as the document is read;
// who ends a value before that calls forget().
// Neighbours: the JSON reader. Thread: one.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "codec/key_cache.hpp"
#include "message/message.hpp"
#include "message/pool.hpp"

namespace reflow::codec {

class DocumentTexts {
public:
    // Follows a forget().
    void begin(std::size_t bytes) noexcept {
        // What a small document takes, roughly.
        pool_.begin(4 * bytes + 96);
    }
    void forget() noexcept {
        pool_.mix();
        std::memset(static_cast<void*>(keys_), 0, sizeof keys_);
        std::memset(static_cast<void*>(values_), 0, sizeof values_);
    }
    [[nodiscard]] Pool& pool() noexcept { return pool_; }

    // A string that is UTF-8, as a message that is the caller's.
    [[nodiscard]] reflow_message key(std::string_view text) {
        if (text.size() > shared_text_bytes) return pool_.string(text);
        std::uint64_t hash = short_hash(text);
        Slot& slot = keys_[hash >> (64 - key_bits)];
        return slot.holds(hash, text) ? Pool::share(slot.text) : slot.set(hash, pool_.string(text));
    }
    [[nodiscard]] reflow_message value(std::string_view text) {
        if (text.size() > shared_text_bytes) return pool_.string(text);
        std::uint64_t hash = short_hash(text);
        Slot& slot = values_[hash >> (64 - value_bits)];
        if (slot.holds(hash, text)) return Pool::share(slot.text);
        // Names of things are often keys in one place and values in the next.
        const Slot& key = keys_[hash >> (64 - key_bits)];
        return key.holds(hash, text) ? Pool::share(key.text) : slot.set(hash, pool_.string(text));
    }

private:
    struct Slot {
        std::uint64_t hash;
        reflow_message text;
        [[nodiscard]] bool holds(std::uint64_t hash_asked, std::string_view asked) const noexcept {
            if (hash != hash_asked || text.tag == 0) return false;
            std::string_view held = MessageRef(text).content_bytes();
            return held.size() == asked.size() &&
                   same_bytes(held.data(), asked.data(), asked.size());
        }
        reflow_message set(std::uint64_t new_hash, reflow_message new_text) noexcept {
            hash = new_hash;
            text = new_text;
            return new_text;
        }
    };
    static constexpr unsigned key_bits = 6;
    static constexpr unsigned value_bits = 6;
    Pool pool_;
    Slot keys_[std::size_t{1} << key_bits];
    Slot values_[std::size_t{1} << value_bits];
};

}  // namespace reflow::codec
