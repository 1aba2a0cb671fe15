// Dead letters in files: JSON lines, or MessagePack if the name ends so.
// Neighbours: run (writes them, plays them back), dlq_commands. Thread: main.
#pragma once

#include <string>
#include <vector>

#include "cli/handles.hpp"

namespace cli {

// The letters of a file. Throws a Failure with exit_usage that names the line.
std::vector<Message> read_letters(const std::string& path);

// Replaces the file as a whole. Throws a Failure.
void write_letters(const std::string& path, const std::vector<Message>& letters);

// All that a network has now.
std::vector<Message> letters_of(reflow_network* network);

}  // namespace cli
