// What went wrong, as the program tells it: to a person on one line, to a program as JSON.
// Neighbours: made of errors and findings of the library; thrown to end a command. Thread: any.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/console.hpp"
#include "cli/handles.hpp"

namespace cli {

// Line and column from 1; 0: not known.
struct TextPlace {
    std::uint64_t line = 0;
    std::uint64_t column = 0;
};

struct Problem {
    std::string code;  // "REFLOW_ERROR_PARSE", or the code of a finding
    std::string message;
    std::string hint;
    std::string file;
    std::uint64_t line = 0;
    std::uint64_t column = 0;
    std::string path;
    std::string node;
    std::string port;
    std::string component;
    std::string text;  // all of it on one line for a person

    // Of an error of the library; `prefix`, such as "--set", stands in front of the text.
    static Problem of(const Error& error, std::string_view prefix = {});
    // Of an element of what reflow_graph_validate lists, and where it stands in the file.
    static Problem of_finding(reflow_message finding, std::string_view file, TextPlace at);
    // Of a fact that this program has found by itself.
    static Problem of_text(std::string_view message, std::string_view hint = {});

    void append_to(std::string& json) const;
};

// Ends a command with an exit code.
struct Failure {
    int code;
    Problem problem;
    std::vector<Problem> others = {};  // found at the same time
};

[[noreturn]] void fail(int code, std::string_view message, std::string_view hint = {});

// Calls what gives a status and an error, and throws if it fails.
template <typename Call>
void must(Call call, int code, std::string_view prefix = {});

// Throws if the status is a failure.
void check(reflow_status status, const Error& error, int code, std::string_view prefix = {});

template <typename Call>
void must(Call call, int code, std::string_view prefix) {
    reflow_error* raw = nullptr;
    const reflow_status status = call(&raw);
    const Error error(raw);
    check(status, error, code, prefix);
}

}  // namespace cli
