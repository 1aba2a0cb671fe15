// Collects the graphs that are nodes of a graph, and checks all of them. A walk in depth with a
// stack of its own: a definition is finished when all that it holds are, so what a subgraph exposes
// is known when the graph around it is checked. Neighbours: flatten.cpp. Thread: one at a time.
#include "graph/hierarchy.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "codec/place.hpp"
#include "graph/load.hpp"

namespace reflow::graph {
namespace {

constexpr std::size_t cycle_shown_count = 12;

// "a" below "outer" is "outer/a".
String below(std::string_view path, std::string_view id) {
    if (path.empty()) return String(id);
    return id.empty() ? String(path) : concat(path, "/", id);
}

std::string_view folder_of(std::string_view path) noexcept {
    std::size_t slash = path.rfind('/');
    if (slash == std::string_view::npos) return ".";
    return slash == 0 ? std::string_view("/") : path.substr(0, slash);
}

// The path of a value in a document that itself stands at `place`.
String inside_of(std::string_view place, std::string_view path) {
    return path.empty() ? String(place) : concat(place, path.substr(1));
}

Vector<std::uint32_t> first_ends(const Vector<ExposedItem>& items) {
    Vector<std::uint32_t> first;
    for (std::uint32_t i = 0; i < items.size(); ++i) {
        if (i == 0 || items[i].name != items[i - 1].name) first.push_back(i);
    }
    return first;
}

}  // namespace

SubgraphSpec subgraph_spec(MessageRef metadata) noexcept {
    SubgraphSpec result;
    MessageRef spec = metadata.get("componentSpec");
    if (spec.none() || spec.get("type").text() != "subgraph") return result;
    MessageRef graph = spec.get("graph");
    MessageRef file = spec.get("file");
    bool has_graph = !graph.none() && !graph.is(REFLOW_KIND_NULL);
    bool has_file = !file.none() && !file.is(REFLOW_KIND_NULL);
    result.kind = SubgraphSpec::wrong;
    if (has_graph == has_file) return result;
    if (graph.is(REFLOW_KIND_OBJECT)) {
        result.kind = SubgraphSpec::document;
        result.inner = graph;
    } else if (graph.is(REFLOW_KIND_STRING) && !graph.text().empty()) {
        result.kind = SubgraphSpec::registered;
        result.name = graph.text();
    } else if (file.is(REFLOW_KIND_STRING) && !file.text().empty()) {
        result.kind = SubgraphSpec::file;
        result.name = file.text();
    }
    return result;
}

String resolve_path(std::string_view folder, std::string_view path) {
    String joined;
    if (!path.starts_with('/') && !folder.empty()) joined = concat(folder, "/", path);
    std::string_view rest = joined.empty() ? path : std::string_view(joined);
    bool rooted = rest.starts_with('/');
    Vector<std::string_view> parts;
    while (!rest.empty()) {
        std::size_t slash = rest.find('/');
        std::string_view part = rest.substr(0, slash);
        rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
        if (part.empty() || part == ".") continue;
        if (part == ".." && !parts.empty() && parts.back() != "..") {
            parts.pop_back();
        } else if (part != ".." || !rooted) {
            parts.push_back(part);
        }
    }
    String result;
    for (std::string_view part : parts) {
        if (rooted || !result.empty()) result += '/';
        result += part;
    }
    return result;
}

Hierarchy::Hierarchy(const Graph& root, const ComponentCatalog* catalog, Store* store,
                     Checks checks)
    : catalog_(catalog), store_(store), checks_(checks) {
    auto made = std::unique_ptr<Definition>(new Definition);
    made->graph = &root;
    made->place = "$";
    made->source = root.name();
    made->directory = root.directory();
    stack_.push_back({add(std::move(made)), 0});
    collect();
}

std::uint32_t Hierarchy::add(std::unique_ptr<Definition> definition) {
    definition->view = definition->graph->view();
    definitions_.push_back(std::move(definition));
    return static_cast<std::uint32_t>(definitions_.size() - 1);
}

void Hierarchy::collect() {
    while (!stack_.empty()) {
        Frame& frame = stack_.back();
        Definition& definition = *definitions_[frame.definition];
        if (frame.next == definition.view.nodes.size()) {
            finish(definition);
            stack_.pop_back();
        } else {
            std::uint32_t node = frame.next++;
            look_at(frame.definition, node);
        }
    }
}

// Enters the graph of a node, if it is one and was not looked at before.
void Hierarchy::look_at(std::uint32_t definition, std::uint32_t node) {
    Definition& parent = *definitions_[definition];
    const NodeItem& item = parent.view.nodes[node];
    SubgraphSpec spec;
    if (!item.metadata.is(REFLOW_KIND_NULL)) spec = subgraph_spec(item.metadata);
    if (spec.kind == SubgraphSpec::none) {
        // Names of one graph that are equal stand in one place.
        if (catalog_ == nullptr || item.component.data() == no_graph_) return;
        if (!catalog_->graph(item.component)) {
            no_graph_ = item.component.data();
            return;
        }
        spec.kind = SubgraphSpec::registered;
        spec.name = item.component;
    }
    if (parent.children.empty()) {
        parent.children.assign(parent.view.nodes.size(), nowhere);
        parent.subgraphs.nodes.resize(parent.view.nodes.size());
    }
    parent.subgraphs.nodes[node].subgraph = true;
    std::uint32_t child = find_definition(definition, node, spec);
    if (child != nowhere) enter(definition, node, child);
}

// The definition that a node names, loaded if need be; nowhere if that cannot be, with a finding
// unless there is nobody to ask.
std::uint32_t Hierarchy::find_definition(std::uint32_t parent, std::uint32_t node,
                                         const SubgraphSpec& spec) {
    switch (spec.kind) {
        case SubgraphSpec::document:
            return inline_definition(parent, node, spec.inner);
        case SubgraphSpec::file:
            return store_ == nullptr ? nowhere : file_definition(parent, node, spec.name);
        case SubgraphSpec::registered:
            return catalog_ == nullptr ? nowhere : registered_definition(parent, node, spec.name);
        default:
            break;
    }
    Finding& finding = complain(parent, node, "bad-subgraph",
                                "the componentSpec of a subgraph has either 'graph' or 'file'");
    finding.hint = "graph: a document, or the id of a registered graph; file: a path";
    return nowhere;
}

std::uint32_t Hierarchy::inline_definition(std::uint32_t parent, std::uint32_t node,
                                           MessageRef document) {
    const Definition& outer = *definitions_[parent];
    String place = concat(path_of(outer, node), ".graph");
    Result<Graph> loaded = from_message(document, outer.view.nodes[node].id);
    if (!loaded.ok()) {
        const Error& error = loaded.error();
        Finding& finding = complain(parent, node, "bad-subgraph", String(error.message));
        finding.status = error.status;
        finding.hint = error.hint;
        finding.path = inside_of(place, error.path);
        return nowhere;
    }
    auto made = std::unique_ptr<Definition>(new Definition);
    made->owned = std::unique_ptr<Graph>(new Graph(std::move(loaded).take()));
    made->graph = made->owned.get();
    made->source = "inline";
    made->file = outer.file;
    made->place = std::move(place);
    made->directory = outer.directory;
    return add(std::move(made));
}

std::uint32_t Hierarchy::file_definition(std::uint32_t parent, std::uint32_t node,
                                         std::string_view path) {
    String file = resolve_path(definitions_[parent]->directory, path);
    String key = concat("file:", file);
    if (auto found = by_name_.find(key); found != by_name_.end()) return found->second;
    auto refuse = [&](const Error& error, std::string_view code, reflow_status status) {
        Finding& finding = complain(parent, node, code,
                                    concat("the subgraph cannot be loaded: ", error.describe()));
        finding.status = status;
        finding.path = concat(path_of(*definitions_[parent], node), ".file");
        return nowhere;
    };
    Result<String> text = store_->read_file(file, limits::read_bytes);
    if (!text.ok()) return refuse(text.error(), "missing-subgraph", REFLOW_ERROR_NOT_FOUND);
    Result<Graph> loaded = load(text.value(), REFLOW_FORMAT_AUTO, file);
    if (!loaded.ok()) return refuse(loaded.error(), "bad-subgraph", loaded.error().status);
    Result<void> resolved = definitions_[0]->graph->resolve_too(loaded.value());
    if (!resolved.ok()) {
        return refuse(resolved.error(), "missing-variable", resolved.error().status);
    }
    auto made = std::unique_ptr<Definition>(new Definition);
    made->owned = std::unique_ptr<Graph>(new Graph(std::move(loaded).take()));
    made->graph = made->owned.get();
    made->source = file;
    made->place = "$";
    made->directory = folder_of(file);
    made->file = std::move(file);
    std::uint32_t added = add(std::move(made));
    by_name_.emplace(std::move(key), added);
    return added;
}

std::uint32_t Hierarchy::registered_definition(std::uint32_t parent, std::uint32_t node,
                                               std::string_view id) {
    String key = concat("graph:", id);
    if (auto found = by_name_.find(key); found != by_name_.end()) return found->second;
    Ref<SharedGraph> shared = catalog_->graph(id);
    if (!shared) {
        Finding& finding = complain(parent, node, "missing-subgraph",
                                    concat("no graph is registered as '", id, "'"));
        finding.status = REFLOW_ERROR_NOT_FOUND;
        finding.hint = did_you_mean(id, catalog_->ids());
        finding.path = concat(path_of(*definitions_[parent], node), ".graph");
        return nowhere;
    }
    auto made = std::unique_ptr<Definition>(new Definition);
    made->graph = &shared->graph();
    made->shared = std::move(shared);
    made->source = id;
    made->file = concat("graph '", id, "'");
    made->place = "$";
    made->directory = made->graph->directory();
    std::uint32_t added = add(std::move(made));
    by_name_.emplace(std::move(key), added);
    return added;
}

// The child becomes that of the node, unless it holds the parent or the levels are too many.
void Hierarchy::enter(std::uint32_t parent, std::uint32_t node, std::uint32_t child) {
    Definition& outer = *definitions_[parent];
    Definition& inner = *definitions_[child];
    bool fresh = inner.node.empty() && child != 0;
    if (inner.open && !fresh) return recursion(parent, node, child);
    if (stack_.size() + inner.height > limits::subgraph_depth_count) {
        complain(
            parent, node, "subgraph-depth",
            concat("subgraphs are nested more than ", limits::subgraph_depth_count, " levels deep"))
            .status = REFLOW_ERROR_LIMIT;
        return;
    }
    outer.children[node] = child;
    outer.subgraphs.nodes[node].known = &inner.known;
    if (!fresh) {
        outer.height = std::max(outer.height, inner.height + 1);
        return;
    }
    inner.node = below(outer.node, outer.view.nodes[node].id);
    if (inner.node.empty()) inner.node = "/";  // an empty id, which is an error by itself
    stack_.push_back({child, 0});
}

void Hierarchy::recursion(std::uint32_t parent, std::uint32_t node, std::uint32_t again) {
    auto first = std::find_if(stack_.begin(), stack_.end(),
                              [&](const Frame& frame) { return frame.definition == again; });
    String text = "a graph holds itself: ";
    std::size_t shown = 0;
    for (auto at = first; at != stack_.end(); ++at) {
        const Definition& each = *definitions_[at->definition];
        if (++shown > cycle_shown_count) {
            append(text, "... -> ");
            break;
        }
        append(text, concat(each.source, " -> "));
    }
    append(text, definitions_[again]->source);
    complain(parent, node, "subgraph-recursion", std::move(text));
}

// All that it holds is known: the check of this one.
void Hierarchy::finish(Definition& definition) {
    definition.open = false;
    Validator validator(*definition.graph, definition.view, catalog_, definition.subgraphs);
    std::array<Vector<Finding>, 3> found = validator.run(checks_);
    bool root = &definition == definitions_[0].get();
    for (std::size_t severity = 0; severity < found.size(); ++severity) {
        for (Finding& finding : found[severity]) {
            if (!root && finding.code == "missing-name") continue;  // that of its node will do
            if (!root) {
                finding.node = below(definition.node, finding.node);
                finding.path = inside_of(definition.place, finding.path);
                finding.file = definition.file;
            }
            definition.findings[severity].push_back(std::move(finding));
        }
    }
    definition.first_in = first_ends(definition.view.inports);
    definition.first_out = first_ends(definition.view.outports);
    count_reach(definition, true);
    count_reach(definition, false);
    if (!definition.children.empty()) ambiguous_ids(definition);
    if (root) return;
    definition.known.exists = true;
    definition.known.info = validator.exposes();
    if (closed_schema_.none()) {
        ObjectBuilder schema;
        schema.set("type", Message::string("object"));
        schema.set("additionalProperties", Message::boolean(false));
        closed_schema_ = schema.finish().take();
    }
    definition.known.info.config_schema = closed_schema_;
    bool case_sensitive = definition.graph->case_sensitive();
    definition.known.inports.emplace(definition.known.info.inports, case_sensitive);
    definition.known.outports.emplace(definition.known.info.outports, case_sensitive);
    if (stack_.size() < 2) return;
    Definition& outer = *definitions_[stack_[stack_.size() - 2].definition];
    outer.height = std::max(outer.height, definition.height + 1);
}

// Sums that stay small: what is over the limit counts as one more than that.
void Hierarchy::count_reach(Definition& definition, bool in) {
    const Vector<ExposedItem>& items = in ? definition.view.inports : definition.view.outports;
    const Vector<std::uint32_t>& first = in ? definition.first_in : definition.first_out;
    Vector<std::uint64_t>& reach = in ? definition.reach_in : definition.reach_out;
    for (std::size_t port = 0; port < first.size(); ++port) {
        std::size_t end = port + 1 < first.size() ? first[port + 1] : items.size();
        std::uint64_t sum = 0;
        for (std::size_t i = first[port]; i < end; ++i) {
            const EdgeItem& edge = items[i].edge;
            bool inside = edge.position != nowhere && !definition.children.empty() &&
                          definition.children[edge.position] != nowhere;
            if (!inside) {
                ++sum;
                continue;
            }
            const Definition& child = *definitions_[definition.children[edge.position]];
            std::uint32_t below =
                (in ? *child.known.inports : *child.known.outports).find(edge.port);
            if (below != nowhere) sum += (in ? child.reach_in : child.reach_out)[below];
        }
        reach.push_back(std::min(sum, limits::exposed_ends_count + 1));
        if (sum <= limits::exposed_ends_count) continue;
        codec::Path path;
        path.add_key(in ? "inports" : "outports");
        path.add_key(items[first[port]].name);
        Finding& finding = definition.findings[0].emplace_back();
        finding.code = "subgraph-size";
        finding.status = REFLOW_ERROR_LIMIT;
        finding.message = concat("exposed port '", items[first[port]].name, "' leads to more than ",
                                 limits::exposed_ends_count, " ports");
        finding.node = definition.node;
        finding.path = inside_of(definition.place, path.text());
        finding.file = definition.file;
    }
}

// Paths are unique if no id of a document begins with that of a subgraph beside it and a slash.
void Hierarchy::ambiguous_ids(Definition& definition) {
    TextMap<bool> subgraphs;
    for (std::uint32_t i = 0; i < definition.view.nodes.size(); ++i) {
        if (!definition.subgraphs.nodes[i].subgraph) continue;
        subgraphs.emplace(String(definition.view.nodes[i].id), true);
    }
    for (const NodeItem& node : definition.view.nodes) {
        for (std::size_t slash = node.id.find('/'); slash != std::string_view::npos;
             slash = node.id.find('/', slash + 1)) {
            auto found = subgraphs.find(node.id.substr(0, slash));
            if (found == subgraphs.end()) continue;
            codec::Path path;
            path.add_key("processes");
            path.add_key(node.id);
            Finding& finding = definition.findings[0].emplace_back();
            finding.code = "ambiguous-id";
            finding.message = concat("the id begins like the path of a node in the subgraph '",
                                     found->first, "'");
            finding.node = below(definition.node, node.id);
            finding.path = inside_of(definition.place, path.text());
            finding.file = definition.file;
            break;
        }
    }
}

// Of what makes a node a subgraph: the specification in its metadata, or its component.
String Hierarchy::path_of(const Definition& parent, std::uint32_t node) const {
    codec::Path path;
    path.add_key("processes");
    path.add_key(parent.view.nodes[node].id);
    bool by_component = subgraph_spec(parent.view.nodes[node].metadata).kind == SubgraphSpec::none;
    if (!by_component) path.add_key("metadata");
    path.add_key(by_component ? "component" : "componentSpec");
    return inside_of(parent.place, path.text());
}

Finding& Hierarchy::complain(std::uint32_t parent, std::uint32_t node, std::string_view code,
                             String message) {
    Definition& outer = *definitions_[parent];
    Finding& finding = outer.findings[0].emplace_back();
    finding.code = code;
    finding.message = std::move(message);
    finding.node = below(outer.node, outer.view.nodes[node].id);
    finding.path = path_of(outer, node);
    finding.file = outer.file;
    return finding;
}

Vector<Finding> Hierarchy::take_findings() {
    Vector<Finding> all;
    for (std::size_t severity = 0; severity < 3; ++severity) {
        for (auto& definition : definitions_) {
            Vector<Finding>& each = definition->findings[severity];
            std::move(each.begin(), each.end(), std::back_inserter(all));
        }
    }
    return all;
}

}  // namespace reflow::graph
