// The environment variables that nodes of a graph ask for.
// Thread: main.
#include "cli/environment.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <string>

#include "cli/text.hpp"

namespace cli {

namespace {

using ObjectBuilder = Handle<reflow_object_builder, reflow_object_builder_destroy>;

// Shorter ones are looked for in quotes only: they are parts of words.
constexpr std::size_t shortest_secret = 4;

// What is no UTF-8 becomes bytes, which the library complains of if it is asked for.
reflow_message value_of(std::string_view text) {
    Message value;
    reflow_status status = reflow_message_string(view_of(text), value.out(), nullptr);
    if (status == REFLOW_ERROR_INVALID_UTF8) {
        Error error;
        status = reflow_message_bytes(text.data(), text.size(), value.out(), Out(error));
        check(status, error, exit_failed);
    }
    return value.release();
}

Message whole_environment() {
    ObjectBuilder made;
    must([&](reflow_error** e) { return reflow_object_builder_create(0, Out(made), e); },
         exit_failed);
    for (char** each = environ; each != nullptr && *each != nullptr; ++each) {
        const std::string_view text = *each;
        const std::size_t equal = text.find('=');
        if (equal == std::string_view::npos) continue;
        // No document has a name that is no UTF-8.
        static_cast<void>(reflow_object_builder_set(made.get(), view_of(text.substr(0, equal)),
                                                    value_of(text.substr(equal + 1)), nullptr));
    }
    Message result;
    must(
        [&](reflow_error** e) {
            return reflow_object_builder_finish(made.release(), result.out(), e);
        },
        exit_failed);
    return result;
}

using Variables = std::map<std::string, std::string>;

void collect(reflow_message value, Variables& found) {
    const reflow_kind kind = reflow_message_kind(value);
    if (kind != REFLOW_KIND_OBJECT && kind != REFLOW_KIND_ARRAY) return;
    const std::size_t count = reflow_message_count(value);
    for (std::size_t i = 0; i < count; ++i) {
        const reflow_message inner = element(value, i);
        collect(inner, found);
        if (kind == REFLOW_KIND_ARRAY || key_at(value, i) != "env_vars") continue;
        for (std::size_t k = 0; k < reflow_message_count(inner); ++k) {
            const std::string name(key_at(inner, k));
            if (const char* set = std::getenv(name.c_str())) found.emplace(name, set);
        }
    }
}

// Messages show the beginnings of long texts, so the beginning of a value is enough.
void hide(std::string& text, std::string_view value, const std::string& name) {
    if (value.empty()) return;
    const std::string_view begin = value.substr(0, shortest_secret);
    const std::string shown = '$' + name;
    for (std::size_t at = 0; (at = text.find(begin, at)) != std::string::npos;) {
        std::size_t size = begin.size();
        while (size < value.size() && at + size < text.size() && text[at + size] == value[size]) {
            ++size;
        }
        const auto quote = [&](std::size_t place) {
            return place < text.size() && (text[place] == '"' || text[place] == '\'');
        };
        const bool whole = value.size() >= shortest_secret || (quote(at - 1) && quote(at + size));
        if (whole) text.replace(at, size, shown);
        at += whole ? shown.size() : 1;
    }
}

}  // namespace

void resolve_environment(reflow_graph* graph, const GraphSource& source) {
    if (!reflow_feature(view_of("environment"))) return;
    Error error;
    const reflow_status status =
        reflow_graph_resolve_env(graph, whole_environment().release(), Out(error));
    if (status == REFLOW_OK) return;
    if (!is_about_graph(status)) check(status, error, exit_failed);
    Problem problem = refused_by_node(error, source);
    problem.code = "missing-variable";
    throw Failure{exit_invalid, std::move(problem), {}};
}

void hide_values(Problem& problem, const reflow_graph* graph) {
    Message document;
    Variables variables;
    if (reflow_graph_to_message(graph, document.out(), nullptr) != REFLOW_OK) return;
    collect(document.get(), variables);
    for (std::string* each : {&problem.message, &problem.hint}) {
        if (each->empty()) continue;
        const std::string before = *each;
        for (const auto& [name, value] : variables) {
            std::string escaped;
            append_json(escaped, value);
            hide(*each, value, name);
            hide(*each, std::string_view(escaped).substr(1, escaped.size() - 2), name);
        }
        const std::size_t at = problem.text.find(before);
        if (at != std::string::npos) problem.text.replace(at, before.size(), *each);
    }
}

}  // namespace cli
