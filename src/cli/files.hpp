// Files and standard input as text, and graphs from them.
// Neighbours: every command that reads or writes a file. Thread: any.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "cli/handles.hpp"

namespace cli {

// The name that standard input has in messages.
inline constexpr std::string_view input_name = "<stdin>";

// The whole content of a file, or of standard input for "-". Throws a Failure with that code.
std::string read_text(const std::string& path, int code);

// Writes a file: as a whole or not at all if it is a regular one. Throws a Failure.
void write_text(const std::string& path, std::string_view text);

// Reads a graph from a file, or from standard input for "-". Throws a Failure with exit_invalid.
Graph load_graph(const std::string& path);

// The name of a graph in messages.
std::string name_of_graph(const std::string& path);

// A runtime without threads, for commands that only look.
Runtime quiet_runtime();

// The ending of a path in lower case: "svg" of "a/b.SVG".
std::string ending(std::string_view path);

}  // namespace cli
