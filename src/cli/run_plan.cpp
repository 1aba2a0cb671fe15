// What `reflow run` is asked to do, and the changes that it makes to the graph before it runs.
// Neighbours: run (carries it out). Thread: main.
#include "cli/run_plan.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>

#include "cli/problem.hpp"
#include "cli/text.hpp"

namespace cli {

namespace {

// The longest that --timeout and --checkpoint-every may be: about 30 years.
constexpr double max_timeout_seconds = 1e9;
constexpr double min_interval_seconds = 0.05;
constexpr double max_interval_seconds = 86'400;

std::optional<reflow_log_level> level_of(std::string_view name) {
    if (name == "error") return REFLOW_LOG_ERROR;
    if (name == "warn") return REFLOW_LOG_WARN;
    if (name == "info") return REFLOW_LOG_INFO;
    if (name == "debug") return REFLOW_LOG_DEBUG;
    if (name == "trace") return REFLOW_LOG_TRACE;
    return std::nullopt;
}

// The option that says most directly what is wanted wins.
reflow_log_level choose_level(const Arguments& arguments, Console& console) {
    if (const auto level = arguments.get("log-level")) {
        return level_of(*level).value_or(REFLOW_LOG_INFO);
    }
    if (arguments.has("quiet")) return REFLOW_LOG_ERROR;
    if (arguments.has("verbose")) return REFLOW_LOG_DEBUG;
    const char* variable = std::getenv("REFLOW_LOG");
    if (variable == nullptr || *variable == '\0') return REFLOW_LOG_INFO;
    const auto level = level_of(variable);
    if (!level) {
        console.warning("REFLOW_LOG: unknown level '" + std::string(variable) +
                        "' (error, warn, info, debug or trace)");
    }
    return level.value_or(REFLOW_LOG_INFO);
}

void collect_keys(reflow_message object, std::vector<std::string_view>& keys) {
    const std::size_t count = reflow_message_count(object);
    keys.reserve(count);
    for (std::size_t i = 0; i < count; ++i) keys.push_back(key_at(object, i));
}

std::string quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

// Components by id, with the key of their configuration that is an output folder.
std::map<std::string, std::string, std::less<>> output_folders(const reflow_runtime* runtime) {
    Message list;
    Error error;
    const reflow_status status = reflow_runtime_components(runtime, list.out(), Out(error));
    check(status, error, exit_failed);
    std::map<std::string, std::string, std::less<>> folders;
    for (std::size_t i = 0; i < reflow_message_count(list.get()); ++i) {
        const reflow_message component = element(list.get(), i);
        const reflow_message properties = member(member(component, "config"), "properties");
        for (std::size_t k = 0; k < reflow_message_count(properties); ++k) {
            if (flag_member(element(properties, k), "x-output-folder")) {
                folders.emplace(text_member(component, "id"), key_at(properties, k));
            }
        }
    }
    return folders;
}

// One end of a connection in the document of the graph.
struct End {
    std::string_view node;
    std::string_view port;
};
End end_of(reflow_message edge) {
    return {text_member(edge, "nodeId"), text_member(edge, "portId")};
}

}  // namespace

RunOptions run_options(const Arguments& arguments, Console& console) {
    RunOptions options;
    options.graph = arguments.get("GRAPH").value_or("-");
    options.sets = arguments.all("set");
    options.inputs = arguments.all("input");
    options.output_dir = arguments.get("output-dir");
    options.events = arguments.get("events");
    options.dead_letters = arguments.get("dead-letters");
    if (arguments.command->name == "dlq replay") options.letters = arguments.get("FILE");
    options.checkpoint = arguments.get("checkpoint");
    options.checkpoint_ms = 5000;
    if (const auto text = arguments.get("checkpoint-every")) {
        if (!options.checkpoint) {
            fail(exit_usage, "--checkpoint-every says nothing without --checkpoint");
        }
        const double seconds = number_option("checkpoint-every", *text, max_timeout_seconds);
        options.checkpoint_ms = static_cast<std::uint64_t>(std::max(seconds * 1000, 1.0));
    }
    options.restore = arguments.get("restore");
    options.stats = arguments.has("stats");
    options.watch = arguments.has("watch");
    if (options.watch && (options.graph == "-" || is_pipe(options.graph))) {
        fail(exit_usage,
             "--watch needs a file that can be read again, and '" + options.graph + "' cannot");
    }
    options.json = arguments.has("json");
    options.quiet = arguments.has("quiet");
    if (const auto text = arguments.get("timeout")) {
        options.timeout_seconds = number_option("timeout", *text, max_timeout_seconds);
    }
    if (const auto text = arguments.get("threads")) {
        options.threads = static_cast<std::uint32_t>(integer_option("threads", *text, 1, 256));
    }
    if (arguments.has("inline")) options.mode = REFLOW_MODE_INLINE;
    if (const auto text = arguments.get("seed")) {
        options.mode = REFLOW_MODE_SIMULATED;
        options.seed = integer_option("seed", *text, 0, UINT64_MAX);
    }
    options.record = arguments.get("record");
    if (options.record) options.mode = REFLOW_MODE_SIMULATED;
    options.log_level = choose_level(arguments, console);
    return options;
}

RunOptions top_options(const Arguments& arguments, Console& console) {
    RunOptions options = run_options(arguments, console);
    TopOptions top;
    if (const auto text = arguments.get("interval")) {
        top.interval_seconds = number_option("interval", *text, max_interval_seconds);
        if (top.interval_seconds < min_interval_seconds) {
            fail(exit_usage, "--interval " + *text + " is less than 0.05 seconds");
        }
    }
    if (const auto text = arguments.get("sort")) top.sort = sort_of(*text);
    top.once = arguments.has("once");
    top.json = std::exchange(options.json, false);
    options.top = top;
    return options;
}

GraphInfo::GraphInfo(const reflow_graph* graph) {
    Error error;
    const reflow_status status = reflow_graph_to_message(graph, document_.out(), Out(error));
    check(status, error, exit_failed);
    collect_keys(member(document_.get(), "processes"), nodes_);
    collect_keys(member(document_.get(), "inports"), inports_);
    collect_keys(member(document_.get(), "outports"), outports_);
    known_.insert(nodes_.begin(), nodes_.end());
}

std::string_view GraphInfo::component(std::string_view node) const {
    return text_member(member(member(document_.get(), "processes"), node), "component");
}

std::optional<std::string_view> GraphInfo::node_before_dot(std::string_view text) const {
    for (std::size_t dot = text.rfind('.'); dot != std::string_view::npos;
         dot = dot == 0 ? std::string_view::npos : text.rfind('.', dot - 1)) {
        if (const auto found = known_.find(text.substr(0, dot)); found != known_.end()) {
            return *found;
        }
    }
    return std::nullopt;
}

std::uint64_t GraphInfo::fan_out(std::string_view node) const {
    std::map<std::string_view, std::uint64_t> ports;
    const reflow_message connections = member(document_.get(), "connections");
    for (std::size_t i = 0; i < reflow_message_count(connections); ++i) {
        const End end = end_of(member(element(connections, i), "from"));
        if (end.node == node && end.port != "error") ++ports[end.port];
    }
    std::uint64_t result = 0;
    for (const auto& [port, count] : ports) {
        if (result != 0 && count != result) return 1;
        result = count;
    }
    return std::max<std::uint64_t>(result, 1);
}

void remove_initials(reflow_graph* graph) {
    Message document;
    must([&](reflow_error** e) { return reflow_graph_to_message(graph, document.out(), e); },
            exit_failed);
    const reflow_message connections = member(document.get(), "connections");
    for (std::size_t i = 0; i < reflow_message_count(connections); ++i) {
        const reflow_message connection = element(connections, i);
        if (reflow_message_kind(member(connection, "data")) == REFLOW_KIND_NONE) continue;
        const End end = end_of(member(connection, "to"));
        reflow_endpoint place{view_of(end.node), view_of(end.port), REFLOW_NO_INDEX, 0};
        // Several of one port go together: the second finds none.
        static_cast<void>(reflow_graph_remove_initials(graph, &place, nullptr));
    }
}

namespace {

// VALUE of --set: JSON if it reads as JSON, and otherwise text. What begins as an object or an
// array is meant to be one.
Message value_of(std::string_view value, const std::string& argument) {
    Message message;
    Error error;
    const std::size_t first = value.find_first_not_of(" \t\r\n");
    const bool structure =
        first != std::string_view::npos && (value[first] == '{' || value[first] == '[');
    reflow_read_options options{};
    options.struct_size = sizeof options;
    options.unique_keys = 1;
    reflow_status status =
        reflow_message_from_json(view_of(value), &options, message.out(), Out(error));
    if (structure) check(status, error, exit_usage, "--set " + argument);
    if (status == REFLOW_OK) return message;
    status = reflow_message_string(view_of(value), message.out(), Out(error));
    check(status, error, exit_usage, "--set " + argument);
    return message;
}

}  // namespace

// The id of a node may hold dots and equal signs, and so may the value; what is known decides.
Set apply_set(reflow_graph* graph, const GraphInfo& info, const std::string& argument) {
    const std::string_view text = argument;
    const auto wrong = [&](std::string_view message, std::string_view hint) {
        fail(exit_usage, "--set " + argument + ": " + std::string(message), hint);
    };
    std::string_view node;
    for (std::string_view id : info.nodes()) {
        const bool fits = id.size() >= node.size() && text.size() > id.size() + 1 &&
                          text.substr(0, id.size()) == id && text[id.size()] == '.' &&
                          text.find('=', id.size() + 1) != std::string_view::npos;
        if (fits) node = id;
    }
    if (node.data() == nullptr) {
        const std::string_view left = text.substr(0, text.find('='));
        const std::size_t dot = left.find('.');
        if (left.size() == text.size() || dot == std::string_view::npos || dot == 0) {
            wrong("this is not NODE.KEY=VALUE", "");
        }
        wrong("no node named " + quoted(left.substr(0, dot)),
              did_you_mean(left.substr(0, dot), info.nodes()));
    }
    const std::string_view rest = text.substr(node.size() + 1);
    const std::size_t equal = rest.find('=');
    const std::string_view key = rest.substr(0, equal);
    const std::string_view value = rest.substr(equal + 1);
    if (key.empty()) wrong("the key is empty", "");

    Message message = value_of(value, argument);
    Error error;
    const reflow_status status = reflow_graph_set_config_value(graph, view_of(node), view_of(key),
                                                               message.release(), Out(error));
    check(status, error, exit_usage, "--set " + argument);
    return {argument, std::string(node), std::string(key)};
}

void blame_option(Problem& problem, const std::vector<Set>& sets) {
    // The last one for a key is the one that counts.
    for (auto set = sets.rbegin(); set != sets.rend(); ++set) {
        std::string path = "$.processes" + path_step(set->node) + ".metadata";
        for (std::size_t at = 0; at <= set->key.size();) {
            const std::size_t end = std::min(set->key.find('.', at), set->key.size());
            const std::string part = set->key.substr(at, end - at);
            // "rules.0.when" stands for "rules[0].when".
            const bool index =
                !part.empty() && part.find_first_not_of("0123456789") == std::string::npos;
            path += index ? '[' + part + ']' : path_step(part);
            at = end + 1;
        }
        const std::string_view rest =
            std::string_view(problem.path).substr(0, std::min(path.size(), problem.path.size()));
        const bool ends = problem.path.size() == path.size() ||
                          (problem.path.size() > path.size() &&
                           (problem.path[path.size()] == '.' || problem.path[path.size()] == '['));
        // A component may find fault with a key that it does not know.
        const bool named = problem.node == set->node &&
                           problem.message.find(quoted(set->key)) != std::string::npos;
        if ((rest != path || !ends) && !named) continue;
        problem.file.clear();
        problem.line = problem.column = 0;
        problem.text = "--set " + set->argument + ": " + problem.message;
        if (!problem.hint.empty()) problem.text += " (" + problem.hint + ")";
        return;
    }
}

std::size_t apply_output_dir(reflow_graph* graph, const GraphInfo& info,
                             const reflow_runtime* runtime, const std::string& folder) {
    const auto folders = output_folders(runtime);
    std::size_t count = 0;
    for (std::string_view node : info.nodes()) {
        const auto found = folders.find(info.component(node));
        if (found == folders.end()) continue;
        Message value;
        Error error;
        reflow_status status = reflow_message_string(view_of(folder), value.out(), Out(error));
        check(status, error, exit_usage, "--output-dir");
        status = reflow_graph_set_config_value(graph, view_of(node), view_of(found->second),
                                               value.release(), Out(error));
        check(status, error, exit_usage, "--output-dir");
        ++count;
    }
    return count;
}

bool writes_files(const GraphInfo& info, const reflow_runtime* runtime) {
    const auto folders = output_folders(runtime);
    return std::any_of(info.nodes().begin(), info.nodes().end(), [&](std::string_view node) {
        return folders.find(info.component(node)) != folders.end();
    });
}

Input parse_input(const GraphInfo& info, const std::string& argument, const Deadline& deadline) {
    Input input;
    input.argument = argument;
    const std::string_view text = argument;
    const std::size_t equal = text.find('=');
    if (equal == std::string_view::npos || equal == 0) {
        fail(exit_usage, "--input " + argument + ": this is not NODE.PORT=JSON or NAME=JSON");
    }
    const std::string_view left = text.substr(0, equal);
    const std::string_view right = text.substr(equal + 1);
    if (const auto node = info.node_before_dot(left)) {
        input.node = *node;
        input.port = left.substr(node->size() + 1);
    } else if (std::find(info.inports().begin(), info.inports().end(), left) !=
               info.inports().end()) {
        input.port = left;
    } else if (const std::size_t last = left.rfind('.');
               last != std::string_view::npos && info.has_node(left.substr(0, left.find('/')))) {
        input.node = left.substr(0, last);  // in a subgraph: the network knows
        input.port = left.substr(last + 1);
    } else {
        const std::size_t dot = left.find('.');
        const std::string_view name = left.substr(0, dot);
        if (dot != std::string_view::npos) {
            fail(exit_usage, "--input " + argument + ": no node named " + quoted(name),
                 did_you_mean(name, info.nodes()));
        }
        fail(exit_usage, "--input " + argument + ": no exposed inport named " + quoted(left),
             did_you_mean(left, info.inports()));
    }
    std::string content(right);
    std::string place = "--input " + std::string(left);
    if (!right.empty() && right.front() == '@') {
        const std::string path(right.substr(1));
        content = read_text(path, exit_usage, deadline);
        place += ", " + path;
    }
    Error error;
    const reflow_status status =
        reflow_message_from_json(view_of(content), nullptr, input.message.out(), Out(error));
    if (status != REFLOW_OK) {
        Problem problem = Problem::of(error, place);
        if (problem.hint.empty() && right.substr(0, 1) != "@") {
            problem.hint = "the value is JSON; text stands in double quotes";
            problem.text += " (" + problem.hint + ")";
        }
        throw Failure{exit_usage, problem, {}};
    }
    return input;
}

void find_inport(Input& input, reflow_network* network) {
    Error error;
    const reflow_status status = reflow_network_find_inport(
        network, view_of(input.node), view_of(input.port), &input.inport, Out(error));
    check(status, error, exit_usage, "--input " + input.argument);
}

}  // namespace cli
