// JSON in and out, straight from and to messages. Strict (RFC 8259), exact, bounded.
// Neighbours: graph (documents), components (data), capi. Thread: any.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/limits.hpp"
#include "base/result.hpp"
#include "message/message.hpp"

namespace reflow::codec {

// Limits of everything that is read, whatever the format.
struct ReadLimits {
    std::uint32_t depth = limits::depth_count;
    std::uint64_t bytes = limits::read_bytes;
    std::uint64_t elements = limits::read_elements_count;
};

enum class Duplicates : std::uint8_t {
    last_wins,  // message data
    refuse      // graphs and configuration: both places are named
};

// A place in a text, counted in bytes; line and column from 1.
struct TextPlace {
    std::uint32_t line = 0;
    std::uint32_t column = 0;
    std::uint64_t offset = 0;
};

// Where the values of a document stand, for errors that are found after reading: the path of a
// value ("$.processes.read.component") to its place. Filled on request only.
using Places = TextMap<TextPlace>;

// Plain JSON into a message. Integers of 64 bits are exact; larger ones become a float only if
// that is exact; NUL in strings is kept. Errors: REFLOW_ERROR_PARSE with line, column and offset,
// REFLOW_ERROR_LIMIT naming the limit.
[[nodiscard]] Result<Message> read_json(std::string_view text, const ReadLimits& limits = {},
                                        Duplicates duplicates = Duplicates::last_wins,
                                        Places* places = nullptr);

// A message as plain JSON, appended to `to`. indent 0 writes one line. NaN and infinities are
// null; bytes are arrays of numbers; flow is "flow"; the table is spec'd in docs/messages.md.
[[nodiscard]] Result<void> write_json(String& to, MessageRef message, unsigned indent = 0);

// Tagged JSON: {"type":"Integer","data":5}; every kind survives.
[[nodiscard]] Result<Message> read_tagged_json(std::string_view text,
                                               const ReadLimits& limits = {});
[[nodiscard]] Result<void> write_tagged_json(String& to, MessageRef message);

// Appends a JSON string literal, quotes included, of text that is UTF-8.
void write_json_string(String& to, std::string_view text);

}  // namespace reflow::codec
