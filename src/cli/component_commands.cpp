// reflow components: the list, and all about one component.
// Neighbours: files (a runtime to ask), problem. Thread: main.
#include <unistd.h>

#include <algorithm>

#include "cli/files.hpp"
#include "cli/problem.hpp"
#include "cli/programs.hpp"
#include "cli/text.hpp"

namespace cli {

namespace {

std::string json_of(reflow_message message, reflow_json_style style) {
    Buffer buffer;
    Error error;
    const reflow_status status = reflow_message_to_json(message, style, Out(buffer), Out(error));
    check(status, error, exit_failed);
    return std::string(text_of(buffer));
}

std::string padded(std::string_view text, std::size_t width) {
    std::string out(text);
    const std::size_t size = columns(text);
    if (size < width) out.append(width - size, ' ');
    return out;
}

// Rows of cells under a heading; columns are as wide as they must be, the last is cut to the width.
struct Table {
    std::vector<std::vector<std::string>> rows;
    std::size_t indent = 0;

    void print(Console& console, std::size_t limit, bool heading) const {
        std::vector<std::size_t> widths;
        for (const auto& row : rows) {
            widths.resize(std::max(widths.size(), row.size()));
            for (std::size_t i = 0; i < row.size(); ++i) {
                widths[i] = std::max(widths[i], columns(row[i]));
            }
        }
        for (std::size_t n = 0; n < rows.size(); ++n) {
            std::string line(indent, ' ');
            for (std::size_t i = 0; i < rows[n].size(); ++i) {
                if (i + 1 < rows[n].size()) {
                    line += padded(rows[n][i], widths[i] + 2);
                } else {
                    const std::size_t used = columns(line);
                    line +=
                        limit > used + 24 ? wrapped(rows[n][i], limit - used, used) : rows[n][i];
                }
            }
            line.erase(line.find_last_not_of(' ') + 1);
            console.write((heading && n == 0 ? console.on_output("1", line) : line) + "\n");
        }
    }
};

void heading(Console& console, std::string_view text) {
    console.write("\n" + console.on_output("1", text) + "\n");
}

void add_remark(std::string& about, std::string_view remark) {
    if (!about.empty()) about += ' ';
    about += "(" + std::string(remark) + ")";
}

void print_ports(Console& console, std::string_view title, reflow_message ports,
                 std::size_t width) {
    const std::size_t count = reflow_message_count(ports);
    if (count == 0) return;
    heading(console, title);
    Table table{{}, 2};
    for (std::size_t i = 0; i < count; ++i) {
        const reflow_message port = element(ports, i);
        std::string about(text_member(port, "description"));
        if (flag_member(port, "required")) add_remark(about, "required");
        if (flag_member(port, "array")) add_remark(about, "array port");
        table.rows.push_back({std::string(text_member(port, "name")),
                              std::string(text_member(port, "type")), about});
    }
    table.print(console, width, false);
}

std::string type_of(reflow_message schema) {
    const reflow_message choices = member(schema, "enum");
    std::string type;
    if (reflow_message_count(choices) > 0) {
        for (std::size_t i = 0; i < reflow_message_count(choices); ++i) {
            const std::string choice = json_of(element(choices, i), REFLOW_JSON_PLAIN);
            type += (type.empty() ? "" : " | ") + choice;
        }
        return type;
    }
    const reflow_message name = member(schema, "type");
    if (reflow_message_kind(name) == REFLOW_KIND_ARRAY) {
        for (std::size_t i = 0; i < reflow_message_count(name); ++i) {
            type += (type.empty() ? "" : " | ") + std::string(text_of(element(name, i)));
        }
    } else {
        type = text_of(name);
    }
    return type.empty() ? "any" : type;
}

bool is_required(reflow_message schema, std::string_view key) {
    const reflow_message required = member(schema, "required");
    for (std::size_t i = 0; i < reflow_message_count(required); ++i) {
        if (text_of(element(required, i)) == key) return true;
    }
    return false;
}

void print_config(Console& console, reflow_message schema, std::size_t width) {
    const reflow_message properties = member(schema, "properties");
    const std::size_t count = reflow_message_count(properties);
    if (count == 0) return;
    heading(console, "Configuration");
    Table table{{}, 2};
    for (std::size_t i = 0; i < count; ++i) {
        const std::string key(key_at(properties, i));
        const reflow_message property = element(properties, i);
        std::string about(text_member(property, "description"));
        if (is_required(schema, key)) add_remark(about, "required");
        const reflow_message standard = member(property, "default");
        if (reflow_message_kind(standard) != REFLOW_KIND_NONE) {
            add_remark(about, "default " + json_of(standard, REFLOW_JSON_PLAIN));
        }
        table.rows.push_back({key, type_of(property), about});
    }
    table.print(console, width, false);
}

// A node of this component as it stands in a graph, with the example that its schema gives.
std::string snippet(reflow_message component) {
    std::string json = "  \"processes\": {\n    \"node\": { \"component\": ";
    append_json(json, text_member(component, "id"));
    const reflow_message example = element(member(member(component, "config"), "examples"), 0);
    std::string config;
    for (std::size_t i = 0; i < reflow_message_count(example); ++i) {
        config += config.empty() ? "\n      " : ",\n      ";
        append_json(config, key_at(example, i));
        config += ": " + json_of(element(example, i), REFLOW_JSON_PLAIN);
    }
    if (!config.empty()) json += ", \"metadata\": {" + config + "\n    }";
    return json + " }\n  }\n";
}

void print_component(Console& console, reflow_message component, std::size_t width) {
    console.write(console.on_output("1", text_member(component, "id")) + " - " +
                  std::string(text_member(component, "title")) + "\n");
    const std::string_view about = text_member(component, "description");
    if (!about.empty()) console.write("\n" + wrapped(about, width, 0) + "\n");
    console.write("\nCategory: " + std::string(text_member(component, "category")) +
                  "\nFires on: " + std::string(text_member(component, "await")) + "\n");
    print_ports(console, "Inports", member(component, "inports"), width);
    print_ports(console, "Outports", member(component, "outports"), width);
    print_config(console, member(component, "config"), width);
    heading(console, "Example");
    console.write(snippet(component));
}

}  // namespace

int list_components(const Arguments& arguments, Console& console) {
    const Runtime runtime = quiet_runtime();
    Message list;
    Error error;
    const reflow_status status = reflow_runtime_components(runtime.get(), list.out(), Out(error));
    check(status, error, exit_failed);

    const std::size_t count = reflow_message_count(list.get());
    const bool json = arguments.has("json");
    const std::size_t width = console.output_is_terminal()
                                  ? std::min<std::size_t>(Console::width(STDOUT_FILENO), 120)
                                  : 100;
    const auto name = arguments.get("NAME");
    if (name) {
        std::vector<std::string_view> ids;
        for (std::size_t i = 0; i < count; ++i) {
            const reflow_message component = element(list.get(), i);
            ids.push_back(text_member(component, "id"));
            if (ids.back() != *name) continue;
            if (json) {
                console.write(json_of(component, REFLOW_JSON_PLAIN_PRETTY) + "\n");
            } else {
                print_component(console, component, width);
            }
            return exit_ok;
        }
        std::string hint = did_you_mean(*name, ids);
        if (hint.empty()) hint = "see reflow components";
        fail(exit_usage, "no component named '" + *name + "'", hint);
    }
    if (json) {
        console.write(json_of(list.get(), REFLOW_JSON_PLAIN_PRETTY) + "\n");
        return exit_ok;
    }
    Table table{{{"ID", "TITLE", "CATEGORY"}}, 0};
    for (std::size_t i = 0; i < count; ++i) {
        const reflow_message component = element(list.get(), i);
        table.rows.push_back({std::string(text_member(component, "id")),
                              std::string(text_member(component, "title")),
                              std::string(text_member(component, "category"))});
    }
    table.print(console, 0, true);
    return exit_ok;
}

}  // namespace cli
