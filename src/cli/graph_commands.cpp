// reflow graph validate, show and convert.
// Neighbours: files, problem. Thread: main.
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <optional>

#include "cli/environment.hpp"
#include "cli/files.hpp"
#include "cli/findings.hpp"
#include "cli/problem.hpp"
#include "cli/programs.hpp"
#include "cli/text.hpp"

namespace cli {

namespace {

// Where a command writes: a file, or standard output.
void emit(Console& console, const std::optional<std::string>& path, std::string_view text) {
    if (path && *path != "-") {
        write_text(*path, text);
    } else {
        console.write(text);
    }
}

struct Findings {
    std::size_t errors = 0;
    std::size_t warnings = 0;
    std::string text;  // lines for a person
    std::string json;  // elements of an array
};

void add_finding(Findings& findings, std::string_view severity, const Problem& problem,
                 const Console& console, bool colours) {
    if (severity == "error") ++findings.errors;
    if (severity == "warning") ++findings.warnings;
    const std::string_view sgr = severity == "error"     ? "1;31"
                                 : severity == "warning" ? "1;33"
                                                         : "1";
    const std::string label = std::string(severity) + ":";
    findings.text += colours ? console.on_output(sgr, label) : label;
    findings.text += ' ';
    append_safe(findings.text, problem.text);
    findings.text += '\n';

    if (!findings.json.empty()) findings.json += ',';
    findings.json += "{\"severity\":";
    append_json(findings.json, severity);
    std::string rest;
    problem.append_to(rest);
    findings.json += rest.size() > 2 ? "," + rest.substr(1) : "}";
}

std::string counted(std::size_t count, std::string_view what) {
    return std::to_string(count) + " " + std::string(what) + (count == 1 ? "" : "s");
}

std::string verdict(const Findings& findings, const reflow_graph* graph, const std::string& name) {
    std::string line;
    append_safe(line, name);
    if (findings.errors > 0) {
        line += ": not valid: " + counted(findings.errors, "error");
        if (findings.warnings > 0) line += ", " + counted(findings.warnings, "warning");
        return line + "\n";
    }
    return line + ": valid (" + counted(reflow_graph_node_count(graph), "node") + ", " +
           counted(reflow_graph_connection_count(graph), "connection") + ", " +
           counted(reflow_graph_initial_count(graph), "initial packet") + ")\n";
}

// Everything that keeps the graph from running, and what is worth a look.
void find(Findings& findings, reflow_graph* graph, const GraphSource& source,
          const Console& console, bool colours) {
    const auto add = [&](std::string_view severity, Problem problem) {
        hide_values(problem, graph);
        add_finding(findings, severity, problem, console, colours);
    };
    try {
        resolve_environment(graph, source);
    } catch (const Failure& failure) {
        if (failure.code != exit_invalid) throw;
        add("error", failure.problem);
    }
    const Runtime runtime = quiet_runtime();
    const std::vector<Finding> list = list_findings(graph, runtime.get(), source);
    // Errors stand first: if there is one, the nodes are not tried.
    const bool fine =
        findings.errors == 0 && (list.empty() || list.front().severity != "error");
    if (const auto refused = fine ? try_nodes(graph, runtime.get(), source) : std::nullopt) {
        add(refused->severity, refused->problem);
    }
    for (const Finding& each : list) add(each.severity, each.problem);
}

struct Picture {
    std::string_view format;
    std::string_view ending;
    reflow_picture kind;  // 0: the document itself
};
constexpr Picture pictures[] = {
    {"text", "txt", REFLOW_PICTURE_TEXT},       {"json", "json", 0},
    {"mermaid", "mmd", REFLOW_PICTURE_MERMAID}, {"mermaid", "mermaid", REFLOW_PICTURE_MERMAID},
    {"dot", "dot", REFLOW_PICTURE_DOT},         {"dot", "gv", REFLOW_PICTURE_DOT},
    {"svg", "svg", REFLOW_PICTURE_SVG},         {"html", "html", REFLOW_PICTURE_HTML},
    {"html", "htm", REFLOW_PICTURE_HTML},
};

const Picture& picture_of(const std::optional<std::string>& format,
                          const std::optional<std::string>& output) {
    const std::string name = output ? ending(*output) : "";
    for (const Picture& picture : pictures) {
        if (format ? picture.format == *format : picture.ending == name) return picture;
    }
    return pictures[0];
}

Buffer saved(const reflow_graph* graph, reflow_format format) {
    Buffer buffer;
    Error error;
    const reflow_status status = reflow_graph_save(graph, format, Out(buffer), Out(error));
    check(status, error, exit_failed);
    return buffer;
}

// The text of a buffer, with a line end at its end.
std::string with_line_end(const Buffer& buffer) {
    std::string text(text_of(buffer));
    if (text.empty() || text.back() != '\n') text += '\n';
    return text;
}

}  // namespace

int validate_graph(const Arguments& arguments, Console& console) {
    const std::string path = arguments.get("GRAPH").value_or("-");
    const std::string name = name_of_graph(path);
    const auto output = arguments.get("output");
    const bool json = arguments.has("json") || arguments.get("format") == "json";
    const bool quiet = arguments.has("quiet");
    const bool colours = !output;

    Findings findings;
    Graph graph;
    try {
        GraphSource source{path, {}};
        graph = load_graph(path, {}, &source.text);
        find(findings, graph.get(), source, console, colours);
    } catch (const Failure& failure) {
        if (failure.code != exit_invalid || !json) throw;
        add_finding(findings, "error", failure.problem, console, false);
    }
    if (!quiet) {
        std::string text;
        if (json) {
            text = std::string("{\"valid\":") + (findings.errors == 0 ? "true" : "false") +
                   ",\"errors\":" + std::to_string(findings.errors) +
                   ",\"warnings\":" + std::to_string(findings.warnings) + ",\"findings\":[" +
                   findings.json + "]}\n";
        } else {
            text = findings.text + verdict(findings, graph.get(), name);
        }
        emit(console, output, text);
    }
    return findings.errors == 0 ? exit_ok : exit_invalid;
}

int show_graph(const Arguments& arguments, Console& console) {
    const auto output = arguments.get("output");
    const Picture& picture = picture_of(arguments.get("format"), output);
    reflow_picture_options options{};
    options.struct_size = sizeof options;
    if (const auto depth = arguments.get("depth")) {
        options.depth = static_cast<std::uint32_t>(integer_option("depth", *depth, 0, 128));
    }
    options.dark = arguments.has("dark") ? 1 : 0;

    const Graph graph = load_graph(arguments.get("GRAPH").value_or("-"));
    Buffer buffer;
    if (picture.kind == 0) {
        buffer = saved(graph.get(), REFLOW_FORMAT_JSON);
    } else {
        Error error;
        const reflow_status status =
            reflow_graph_render(graph.get(), picture.kind, &options, Out(buffer), Out(error));
        check(status, error, exit_failed);
    }
    emit(console, output, with_line_end(buffer));
    return exit_ok;
}

int convert_graph(const Arguments& arguments, Console& console) {
    const std::string output = arguments.get("OUT").value_or("-");
    const std::string format = arguments.get("to").value_or(ending(output));
    reflow_format kind = REFLOW_FORMAT_JSON;
    if (format == "yaml" || format == "yml") kind = REFLOW_FORMAT_YAML;
    if (format == "msgpack") kind = REFLOW_FORMAT_MSGPACK;
    if (output == "-" && kind == REFLOW_FORMAT_MSGPACK && console.output_is_terminal()) {
        fail(exit_usage, "MessagePack is not for a terminal", "give OUT or redirect");
    }
    const Graph graph = load_graph(arguments.get("IN").value_or("-"));
    const Buffer buffer = saved(graph.get(), kind);
    if (kind == REFLOW_FORMAT_MSGPACK) {
        emit(console, output, text_of(buffer));
    } else {
        emit(console, output, with_line_end(buffer));
    }
    return exit_ok;
}

}  // namespace cli
