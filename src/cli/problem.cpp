// What went wrong, as the program tells it: to a person on one line, to a program as JSON.
// Thread: any.
#include "cli/problem.hpp"

#include "cli/text.hpp"

namespace cli {

namespace {

void append_member(std::string& json, std::string_view key, std::string_view value) {
    if (value.empty()) return;
    if (json.back() != '{') json += ',';
    append_json(json, key);
    json += ':';
    append_json(json, value);
}

void append_number(std::string& json, std::string_view key, std::uint64_t value) {
    if (value == 0) return;
    if (json.back() != '{') json += ',';
    append_json(json, key);
    json += ':' + std::to_string(value);
}

std::string with_hint(std::string text, std::string_view hint) {
    if (!hint.empty()) text += " (" + std::string(hint) + ")";
    return text;
}

}  // namespace

Problem Problem::of(const Error& error, std::string_view prefix) {
    Problem problem;
    const reflow_error* raw = error.get();
    problem.code = text_of(reflow_status_name(reflow_error_status(raw)));
    if (raw == nullptr) {
        problem.message = problem.text = "unknown error";
        return problem;
    }
    problem.message = text_of(reflow_error_message(raw));
    problem.hint = text_of(reflow_error_hint(raw));
    reflow_place place{};
    place.struct_size = sizeof place;
    if (reflow_error_place(raw, &place) == REFLOW_OK) {
        problem.file = text_of(place.file);
        problem.line = place.line;
        problem.column = place.column;
        problem.path = text_of(place.path);
        problem.node = text_of(place.node);
        problem.port = text_of(place.port);
    }
    if (!prefix.empty()) problem.text = std::string(prefix) + ": ";
    problem.text += text_of(reflow_error_text(raw));
    return problem;
}

Problem Problem::of_finding(reflow_message finding, std::string_view file, TextPlace at) {
    Problem problem;
    problem.code = text_member(finding, "code");
    problem.message = text_member(finding, "message");
    problem.hint = text_member(finding, "hint");
    problem.file = file;
    problem.line = at.line;
    problem.column = at.column;
    problem.path = text_member(finding, "path");
    problem.node = text_member(finding, "node");
    problem.port = text_member(finding, "port");
    std::string text = problem.file;
    if (at.line != 0) text += ':' + std::to_string(at.line) + ':' + std::to_string(at.column);
    if (!text.empty()) text += ": ";
    // The place, unless the message itself names it.
    if (!problem.node.empty() &&
        problem.message.find("'" + problem.node + "'") == std::string::npos) {
        text += "node '" + problem.node + "'";
        if (!problem.port.empty() &&
            problem.message.find("'" + problem.port + "'") == std::string::npos) {
            text += ", port '" + problem.port + "'";
        }
        text += ": ";
    } else if (problem.node.empty() && !problem.path.empty() && at.line == 0) {
        text += problem.path + ": ";
    }
    problem.text = with_hint(text + problem.message, problem.hint);
    return problem;
}

Problem Problem::of_text(std::string_view message, std::string_view hint) {
    Problem problem;
    problem.message = message;
    problem.hint = hint;
    problem.text = with_hint(problem.message, hint);
    return problem;
}

void Problem::append_to(std::string& json) const {
    json += '{';
    append_member(json, "node", node);
    append_member(json, "message", message);
    append_member(json, "hint", hint);
    append_member(json, "code", code);
    append_member(json, "component", component);
    append_member(json, "port", port);
    append_member(json, "file", file);
    append_number(json, "line", line);
    append_number(json, "column", column);
    append_member(json, "path", path);
    json += '}';
}

void fail(int code, std::string_view message, std::string_view hint) {
    throw Failure{code, Problem::of_text(message, hint), {}};
}

void check(reflow_status status, const Error& error, int code, std::string_view prefix) {
    if (status == REFLOW_OK) return;
    Problem problem = Problem::of(error, prefix);
    if (!error) problem.code = text_of(reflow_status_name(status));
    throw Failure{code, std::move(problem), {}};
}

}  // namespace cli
