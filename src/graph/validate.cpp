// Checks of a graph: the document, nodes and their configuration, groups, cycles.
// Neighbours: validate_edges.cpp (everything about ports). Thread: one at a time.
#include "graph/validate.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/text.hpp"
#include "graph/config_schema.hpp"
#include "graph/cycles.hpp"
#include "graph/findings.hpp"
#include "graph/hierarchy.hpp"
#include "graph/node_settings.hpp"
#include "graph/words.hpp"

namespace reflow::graph {
namespace {

constexpr std::uint32_t node_hints_count = 20;
constexpr std::size_t cycle_shown_count = 12;  // nodes of a cycle that are named

String node_path(std::string_view id, std::string_view rest = {}) {
    codec::Path path;
    path.add_key("processes");
    path.add_key(id);
    return concat(path.text(), rest);
}

}  // namespace

Validator::Validator(const Graph& graph, const View& view, const ComponentCatalog* catalog,
                     const Subgraphs& subgraphs)
    : graph_(graph),
      catalog_(catalog),
      view_(view),
      subgraphs_(subgraphs),
      known_(view_.nodes.size(), nullptr),
      port_starts_(view_.nodes.size() + 1, 0),
      touched_(view_.nodes.size(), 0) {}

Finding& Validator::add(Severity severity, std::string_view code, String message) {
    Finding& finding = findings_[static_cast<std::size_t>(severity)].emplace_back();
    finding.severity = severity;
    finding.code = code;
    finding.message = std::move(message);
    return finding;
}

String Validator::node_hint(std::string_view id) {
    if (node_hints_ == node_hints_count) return {};
    ++node_hints_;
    Vector<std::string_view> ids;
    ids.reserve(view_.nodes.size());
    for (const NodeItem& each : view_.nodes) ids.push_back(each.id);
    return did_you_mean(id, ids);
}

std::array<Vector<Finding>, 3> Validator::run(Checks checks) {
    const bool all = checks == Checks::all;
    if (all) document();
    nodes();
    connections();
    if (all) duplicates();
    initials();
    exposed(true);
    exposed(false);
    if (checks != Checks::recorded) {
        failures();
        required_ports();
    }
    if (all) {
        groups();
        isolated();
        cycles();
    }
    return std::move(findings_);
}

ComponentInfo Validator::exposes() { return std::move(exposed_); }

void Validator::unknown_keys(MessageRef extra, std::string_view what, std::string_view path,
                             std::span<const std::string_view> known) {
    for (std::size_t i = 0; i < extra.size(); ++i) {
        std::string_view key = extra.key_at(i);
        codec::Path below;
        below.add_key(key);
        Finding& finding = add(Severity::warning, "unknown-key",
                               concat("unknown key '", key, "' in ", what, "; it is kept"));
        finding.hint = did_you_mean(key, known);
        finding.path = concat(path, std::string_view(below.text()).substr(1));
    }
}

void Validator::document() {
    constexpr std::string_view known[] = {"caseSensitive",
                                          "properties",
                                          "inports",
                                          "outports",
                                          "groups",
                                          "processes",
                                          "connections",
                                          "graphDependencies",
                                          "externalConnections",
                                          "providedInterfaces",
                                          "requiredInterfaces"};
    for (const Remark& remark : graph_.remarks()) {
        Finding& finding = add(Severity::warning, remark.code, remark.message);
        finding.hint = remark.hint;
        finding.path = remark.path;
    }
    unknown_keys(graph_.extra(), "the document", "$", known);
}

Known* Validator::learn(std::string_view component) {
    // Names of one graph that are equal mostly stand in one place, and often behind each other.
    bool same = learned_ != nullptr && learned_name_.data() == component.data() &&
                learned_name_.size() == component.size();
    if (!same) learned_ = find_known(component);
    learned_name_ = component;
    return learned_;
}

Known* Validator::find_known(std::string_view component) {
    if (auto found = components_.find(component); found != components_.end()) {
        return found->second.get();
    }
    auto known = std::make_unique<Known>();
    known->exists = catalog_->describe(component, known->info);
    if (known->exists) {
        known->inports.emplace(known->info.inports, graph_.case_sensitive());
        known->outports.emplace(known->info.outports, graph_.case_sensitive());
    } else {
        known->hint = did_you_mean(component, catalog_->ids());
    }
    return components_.emplace(component, std::move(known)).first->second.get();
}

void Validator::nodes() {
    ports_.reserve(view_.nodes.size());
    for (std::uint32_t i = 0; i < view_.nodes.size(); ++i) {
        port_starts_[i] = static_cast<std::uint32_t>(ports_.size());
        node(i);
        std::size_t count = known_[i] == nullptr ? 0 : known_[i]->info.inports.size();
        while (count-- > 0) ports_.push_back(0);
    }
    port_starts_.back() = static_cast<std::uint32_t>(ports_.size());
}

void Validator::node(std::uint32_t position) {
    constexpr std::string_view known_keys[] = {"id", "component", "metadata"};
    const NodeItem& item = view_.nodes[position];
    const bool plain = item.metadata.is(REFLOW_KIND_NULL);
    settings_ = settings_ || !plain;
    if (item.id.empty()) {
        add(Severity::error, "empty-id", "a node has an empty id").path = node_path(item.id);
    }
    if (!item.extra.none()) {
        unknown_keys(item.extra, concat("node '", item.id, "'"), node_path(item.id), known_keys);
    }
    if (!subgraphs_.nodes.empty() && subgraphs_.nodes[position].subgraph) {
        known_[position] = subgraphs_.nodes[position].known;
        if (known_[position] != nullptr) config(item, *known_[position], true);
        return;
    }
    if (item.component.empty()) {
        Finding& finding = add(Severity::error, "no-component", "the node names no component");
        finding.node = item.id;
        finding.path = node_path(item.id);
        return;
    }
    if (catalog_ == nullptr) return;
    const Known* known = learn(item.component);
    if (!known->exists && is_foreign(item.component)) return;
    if (!known->exists) {
        Finding& finding = add(Severity::error, "unknown-component",
                               concat("no component named '", item.component, "'"));
        finding.status = REFLOW_ERROR_NOT_FOUND;
        finding.hint = known->hint;
        finding.node = item.id;
        finding.path = node_path(item.id, ".component");
        return;
    }
    known_[position] = known;
    if (!plain || !known->info.config_schema.none()) config(item, *known, false);
}

// What the metadata tells the engine itself.
void Validator::settings(const NodeItem& item, const Known& known, bool subgraph) {
    if (item.metadata.size() == 0) return;
    auto wrong = [&](String message, String hint, std::string_view path) -> Finding& {
        Finding& finding = add(Severity::error, "bad-config", std::move(message));
        finding.status = REFLOW_ERROR_CONFIG;
        finding.hint = std::move(hint);
        finding.node = item.id;
        finding.path = node_path(item.id, concat(".metadata", path));
        return finding;
    };
    Result<NodeSettings> read = read_node_settings(item.metadata);
    if (!read.ok()) {
        std::unique_ptr<Error> error = read.take_error();
        wrong(std::move(error->message), std::move(error->hint), error->path);
        return;
    }
    const Vector<Distribution>& all = read.value().distributions;
    if (subgraph && !all.empty()) {
        wrong("a subgraph deals no packets", "say it at the node inside that the outport leads to",
              ".distribute");
        return;
    }
    Vector<std::uint32_t> found;
    for (const Distribution& one : all) {
        std::uint32_t number = known.outports->find(one.outport);
        String path = distribution_path(one.outport);
        if (number == nowhere) {
            wrong(concat(item.component, " has no outport '", one.outport,
                         "', which 'distribute' names"),
                  known.outports->hint(one.outport), path)
                .port = one.outport;
        } else if (std::find(found.begin(), found.end(), number) != found.end()) {
            wrong(
                concat("'distribute' names outport '", known.info.outports[number].name, "' twice"),
                {}, path)
                .port = one.outport;
        }
        found.push_back(number);
    }
}

void Validator::config(const NodeItem& item, const Known& known, bool subgraph) {
    settings(item, known, subgraph);
    for (SchemaProblem& problem : check_config(item.metadata, known.info.config_schema)) {
        // An unknown key names itself: only what is around it has to be told.
        std::string_view where = problem.path;
        if (problem.message.starts_with("unknown key")) {
            where = where.substr(0, std::min(where.find_last_of(".["), where.size()));
        }
        if (where.starts_with('.')) where.remove_prefix(1);
        String message =
            where.empty() ? std::move(problem.message) : concat(where, ": ", problem.message);
        Finding& finding = add(Severity::error, "bad-config", std::move(message));
        finding.status = REFLOW_ERROR_CONFIG;
        finding.hint = std::move(problem.hint);
        finding.node = item.id;
        finding.path = node_path(item.id, concat(".metadata", problem.path));
    }
}

void Validator::groups() {
    constexpr std::string_view known_keys[] = {"id", "nodes", "metadata"};
    for (std::size_t i = 0; i < view_.groups.size(); ++i) {
        const GroupItem& group = view_.groups[i];
        String path = concat("$.groups[", i, "]");
        if (!group.extra.none()) {
            unknown_keys(group.extra, concat("group '", group.id, "'"), path, known_keys);
        }
        for (std::size_t k = 0; k < group.nodes.size(); ++k) {
            if (group.positions[k] != nowhere) continue;
            Finding& finding =
                add(Severity::warning, "group-unknown-node",
                    concat("no node '", group.nodes[k], "', which group '", group.id, "' names"));
            finding.hint = node_hint(group.nodes[k]);
            finding.path = concat(path, ".nodes[", k, "]");
        }
    }
}

void Validator::isolated() {
    if (view_.nodes.size() < 2) return;  // a graph may be one node
    for (std::size_t i = 0; i < view_.nodes.size(); ++i) {
        if (touched_[i] != 0) continue;
        Finding& finding =
            add(Severity::warning, "isolated-node", "nothing is connected to the node");
        finding.node = view_.nodes[i].id;
        finding.path = node_path(view_.nodes[i].id);
    }
}

void Validator::cycles() {
    Vector<Arc> arcs;
    arcs.reserve(view_.connections.size());
    for (const ConnectionItem& each : view_.connections) {
        if (each.from.position == nowhere || each.to.position == nowhere) continue;
        arcs.push_back({each.from.position, each.to.position});
    }
    auto count = static_cast<std::uint32_t>(view_.nodes.size());
    for (const Cycle& cycle : graph::cycles(adjacency(count, arcs))) {
        String text = "cycle: ";
        for (std::size_t i = 0; i < cycle.nodes.size(); ++i) {
            if (i == cycle_shown_count) {
                append(text, concat("... (", cycle.nodes.size(), " nodes) -> "));
                break;
            }
            append(text, concat(view_.nodes[cycle.nodes[i]].id, " -> "));
        }
        append(text, view_.nodes[cycle.nodes[0]].id);
        if (cycle.size > cycle.nodes.size()) {
            append(text, concat("; ", cycle.size, " nodes in all reach each other"));
        }
        Finding& finding = add(Severity::note, "cycle", std::move(text));
        finding.node = view_.nodes[cycle.nodes[0]].id;
        finding.path = node_path(finding.node);
    }
}

bool is_foreign(std::string_view component) noexcept {
    std::size_t at = component.rfind('@');
    return at != 0 && at < component.size() - 1;  // npos is not less
}

std::string_view severity_name(Severity severity) noexcept {
    switch (severity) {
        case Severity::error:
            return "error";
        case Severity::warning:
            return "warning";
        case Severity::note:
            return "note";
    }
    return {};
}

Vector<Finding> validate(const Graph& graph, const ComponentCatalog* catalog, Store* store) {
    return Hierarchy(graph, catalog, store).take_findings();
}

Result<Message> to_message(const Vector<Finding>& findings) {
    ArrayBuilder list(findings.size());
    for (const Finding& finding : findings) {
        ObjectBuilder entry(8);
        entry.set("severity", Message::string(severity_name(finding.severity)));
        entry.set("code", Message::string(finding.code));
        entry.set("message", Message::string(finding.message));
        entry.set("hint", Message::string(finding.hint));
        entry.set("node", Message::string(finding.node));
        entry.set("port", Message::string(finding.port));
        entry.set("path", Message::string(finding.path));
        entry.set("file", Message::string(finding.file));
        auto made = entry.finish();
        if (!made.ok()) return made;
        list.append(std::move(made).take());
    }
    return list.finish();
}

Result<void> first_error(const Vector<Finding>& findings) {
    if (findings.empty() || findings[0].severity != Severity::error) return {};
    const Finding& first = findings[0];
    Failure failure = Failure(first.status, first.message)
                          .hint(first.hint)
                          .node(first.node)
                          .port(first.port)
                          .file(first.file)
                          .path(first.path);
    auto more = static_cast<std::size_t>(
        std::count_if(findings.begin() + 1, findings.end(),
                      [](const Finding& each) { return each.severity == Severity::error; }));
    if (more > 0) {
        auto cause = Failure(first.status, concat("there ", more == 1 ? "is " : "are ",
                                                  counted(more, "error"), " more in the graph"));
        failure = std::move(failure).because(std::move(cause).take());
    }
    return failure;
}

}  // namespace reflow::graph
