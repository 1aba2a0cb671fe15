// Short texts that come again and again in one document share one string.
// Neighbours: the YAML reader; document_texts.hpp does it for the faster ones. Thread: one.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "codec/words.hpp"
#include "message/message.hpp"

namespace reflow::codec {

inline constexpr std::size_t shared_text_bytes = 32;

[[nodiscard]] inline bool same_text(const Message& message, std::string_view text) noexcept {
    std::string_view other = message.content_bytes();
    return other.size() == text.size() && same_bytes(other.data(), text.data(), text.size());
}

// Length and the ends of a text: enough to keep the words of a document apart.
[[nodiscard]] inline std::uint64_t short_hash(std::string_view text) noexcept {
    std::uint64_t front = 0;
    std::uint64_t back = 0;
    if (text.size() >= 8) {
        std::memcpy(&front, text.data(), 8);
        std::memcpy(&back, text.data() + text.size() - 8, 8);
    } else if (text.size() >= 4) {
        std::uint32_t half = 0;
        std::memcpy(&half, text.data(), 4);
        front = half;
        std::memcpy(&half, text.data() + text.size() - 4, 4);
        back = half;
    } else {
        for (char c : text) front = front << 8 | static_cast<unsigned char>(c);
    }
    std::uint64_t mixed = front ^ (back * 0x9E3779B97F4A7C15u) ^ text.size();
    return mixed * 0xD6E8FEB86659FD93u;
}

// Keys: every one is remembered, a newer one in place of an older one with the same hash.
class KeyCache {
public:
    // The key, which is UTF-8, as a string message; valid until the next call.
    [[nodiscard]] const Message& get(std::string_view key) {
        if (key.size() > shared_text_bytes) return long_ = Message::string(key);
        Message& slot = slots_[short_hash(key) >> (64 - slot_bits)];
        if (slot.none() || !same_text(slot, key)) slot = Message::string(key);
        return slot;
    }

private:
    static constexpr unsigned slot_bits = 7;
    std::array<Message, std::size_t{1} << slot_bits> slots_;
    Message long_;
};

}  // namespace reflow::codec
