// The values of environment variables in the configuration of the nodes that ask for them; a part
// that a build may leave out. Where they come from is the host's: nothing here looks at an
// environment. Neighbours: hierarchy (subgraphs in files). Thread: one at a time.
#include <cstdint>
#include <memory>
#include <utility>

#include "base/text.hpp"
#include "graph/graph.hpp"

namespace reflow::graph {
namespace {

// What objects are within each other: a configuration, the specification of a subgraph in it, its
// document, the nodes of that, a node, whose configuration is one again.
enum Level : std::uint8_t { configuration, specification, document, nodes, node, levels };
constexpr std::string_view inner_key[levels] = {"componentSpec", "graph", "processes", {},
                                                "metadata"};

class Resolver {
public:
    explicit Resolver(MessageRef environment) : environment_(environment) {}

    // The value with what its configurations ask for. path: of the node that it is of.
    Message walk(MessageRef value, Level level, std::string_view path) {
        if (!value.is(REFLOW_KIND_OBJECT)) return value.own();
        ObjectBuilder made(value.size());
        for (std::size_t i = 0; i < value.size(); ++i) {
            std::string_view key = value.key_at(i);
            Message inner = value.at(i).own();
            if (level == nodes || key == inner_key[level]) {
                String below(path);
                if (level == specification) append(below, '/');
                if (level == nodes) append(below, key);
                inner = walk(inner, static_cast<Level>((level + 1) % levels), below);
            }
            made.set(value.key_message_at(i).own(), std::move(inner));
        }
        if (level == configuration) set_variables(made, value.get("env_vars"), path);
        return made.finish().take();  // no deeper than it was
    }

    // Of all that is missing, or NULL.
    std::unique_ptr<Error> error;

private:
    void set_variables(ObjectBuilder& to, MessageRef asked, std::string_view path) {
        std::size_t count = asked.is(REFLOW_KIND_OBJECT) ? asked.size() : 0;
        for (std::size_t i = 0; i < count; ++i) {
            constexpr std::string_view otherwise = "optional:";
            std::string_view name = asked.key_at(i);
            std::string_view wish =
                asked.at(i).is(REFLOW_KIND_STRING) ? asked.at(i).text() : "required";
            MessageRef set = environment_.get(name);
            if (set.is(REFLOW_KIND_STRING)) {
                to.set(name, set.own());
            } else if (!set.none()) {
                complain(REFLOW_ERROR_INVALID_UTF8, name, path, " is not UTF-8");
            } else if (wish.starts_with("required")) {
                complain(REFLOW_ERROR_NOT_FOUND, name, path, " is not set");
            } else if (wish.starts_with(otherwise) && !to.has(name)) {
                to.set(name, Message::string(wish.substr(otherwise.size())));
            }
        }
    }

    void complain(reflow_status status, std::string_view name, std::string_view path,
                  std::string_view what) {
        String text = concat("'", name, "' of node '", path, "'", what);
        if (error) {
            append(error->message, concat(", ", text));
        } else {
            error = Failure(status, concat("environment variables: ", text)).node(path).take();
        }
    }

    MessageRef environment_;
};

}  // namespace

Result<void> Graph::resolve(Graph& graph, Message environment) {
    if (!environment.is(REFLOW_KIND_OBJECT)) {
        return Failure(REFLOW_ERROR_WRONG_KIND,
                       concat("an environment is an object, not ", environment.kind_name()));
    }
    Resolver resolver(environment);
    for (const Node& each : graph.nodes_) {
        if (each.name == nowhere || each.extras == nowhere) continue;
        Message& own = graph.extras_[each.extras].metadata;
        if (!own.has("env_vars") && !own.has(inner_key[configuration])) continue;
        own = resolver.walk(own, configuration, graph.ids_[each.name]);
    }
    graph.sections_[section_count] = std::move(environment);
    graph.resolver_ = &Graph::resolve;
    return std::move(resolver.error);
}

}  // namespace reflow::graph
