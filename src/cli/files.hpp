// Files and standard input as text, and graphs from them.
// Neighbours: every command that reads or writes a file. Thread: any.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cli/handles.hpp"

namespace cli {

// The name that standard input has in messages.
inline constexpr std::string_view input_name = "<stdin>";

// When a command has to be done with what it waits for, if it has to.
struct Deadline {
    std::optional<std::chrono::steady_clock::time_point> time;
    double seconds = 0;  // what --timeout said
};

// The whole content of a file, or of standard input for "-". Throws a Failure with that code, or
// with exit_timeout if the other end of a pipe takes too long.
std::string read_text(const std::string& path, int code, const Deadline& deadline = {});

// Writes a file: as a whole or not at all if it is a regular one. Throws a Failure.
void write_text(const std::string& path, std::string_view text);

// Reads a graph from a file, or from standard input for "-". Throws a Failure with exit_invalid or
// exit_timeout.
// `text` takes the document if it comes from where it cannot be read again.
Graph load_graph(const std::string& path, const Deadline& deadline = {},
                 std::optional<std::string>* text = nullptr);

// Whether the path is a named pipe, or what a shell makes of <(command).
bool is_pipe(const std::string& path);

// "timed out after 1.5 s".
std::string timed_out(double seconds);

// The name of a graph in messages.
std::string name_of_graph(const std::string& path);

// A runtime without threads, for commands that only look.
Runtime quiet_runtime();

// The ending of a path in lower case: "svg" of "a/b.SVG".
std::string ending(std::string_view path);

}  // namespace cli
