// Keys of objects that come again and again in one document share one string.
// Neighbours: the readers of this layer. Thread: one.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "message/message.hpp"

namespace reflow::codec {

// Remembers short keys, a newer one in place of an older one with the same hash.
class KeyCache {
public:
    // The key as a string message. It is UTF-8.
    [[nodiscard]] Message get(std::string_view key) {
        if (key.size() > longest) return Message::string(key);
        Message& slot = slots_[hash(key)];
        if (slot.none() || slot.text() != key) slot = Message::string(key);
        return slot;
    }

private:
    static constexpr std::size_t longest = 32;
    static constexpr unsigned slot_bits = 7;

    // Length and the ends of the key: enough to keep the words of a document apart.
    static std::size_t hash(std::string_view key) noexcept {
        std::uint64_t front = 0;
        std::uint64_t back = 0;
        if (key.size() >= 8) {
            std::memcpy(&front, key.data(), 8);
            std::memcpy(&back, key.data() + key.size() - 8, 8);
        } else {
            for (char c : key) front = front << 8 | static_cast<unsigned char>(c);
        }
        std::uint64_t mixed = (front ^ (back * 0x9E3779B97F4A7C15u) ^ key.size());
        return static_cast<std::size_t>((mixed * 0xD6E8FEB86659FD93u) >> (64 - slot_bits));
    }

    std::array<Message, std::size_t{1} << slot_bits> slots_;
};

}  // namespace reflow::codec
