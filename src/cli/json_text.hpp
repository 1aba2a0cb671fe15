// Places in JSON text that the library has read and found to be right: where a value stands, and
// keys that an object has twice. Neighbours: graph_commands, run_plan. Thread: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace cli {

struct TextPlace {
    std::uint64_t line = 0;  // from 1; 0: not known
    std::uint64_t column = 0;
};

// Fills in where the values stand whose paths ("$.connections[3]") are asked for; a path that leads
// nowhere stays without a place.
void find_places(std::string_view json, std::map<std::string, TextPlace, std::less<>>& paths);

// A key in a path: ".a", or "["a b"]" if it is no name.
std::string path_step(std::string_view key);

// The first key that an object has for the second time.
struct DuplicateKey {
    std::string key;
    std::size_t first = 0;  // bytes from the start of the text
    std::size_t second = 0;
};
std::optional<DuplicateKey> find_duplicate(std::string_view json);

}  // namespace cli
