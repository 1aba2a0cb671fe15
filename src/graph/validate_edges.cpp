// Checks of a graph: connections, initial packets, exposed ports, and the ports at their ends.
// Neighbours: validate.cpp. Thread: one at a time.
#include <algorithm>
#include <cstring>
#include <functional>
#include <tuple>
#include <utility>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "graph/findings.hpp"
#include "graph/words.hpp"

namespace reflow::graph {
namespace {

constexpr std::size_t scanned_ports_count = 16;

char fold(char letter) noexcept {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

String folded(std::string_view name) {
    String text(name);
    for (char& letter : text) letter = fold(letter);
    return text;
}

String edge_text(const EdgeItem& edge) {
    String text = concat(edge.node, ".", edge.port);
    if (edge.index != REFLOW_NO_INDEX) append(text, concat("[", edge.index, "]"));
    return text;
}

}  // namespace

bool same_port(std::string_view asked, std::string_view declared, bool case_sensitive) noexcept {
    if (asked.size() != declared.size() || asked.empty()) return asked.size() == declared.size();
    if (case_sensitive) return std::memcmp(asked.data(), declared.data(), asked.size()) == 0;
    return std::equal(asked.begin(), asked.end(), declared.begin(), declared.end(),
                      [](char a, char b) { return fold(a) == fold(b); });
}

PortTable::PortTable(const Vector<PortInfo>& ports, bool case_sensitive)
    : ports_(&ports), case_sensitive_(case_sensitive) {
    if (ports.size() <= scanned_ports_count) return;
    for (std::uint32_t i = 0; i < ports.size(); ++i) {
        index_.emplace(case_sensitive ? String(ports[i].name) : folded(ports[i].name), i);
    }
}

std::uint32_t PortTable::find(std::string_view name) const {
    if (!index_.empty()) {
        auto found = case_sensitive_ ? index_.find(name) : index_.find(folded(name));
        return found == index_.end() ? nowhere : found->second;
    }
    for (std::uint32_t i = 0; i < ports_->size(); ++i) {
        if (same_port(name, (*ports_)[i].name, case_sensitive_)) return i;
    }
    return nowhere;
}

String PortTable::hint(std::string_view name) const {
    Vector<std::string_view> names;
    for (const PortInfo& port : *ports_) names.push_back(port.name);
    return did_you_mean(name, names);
}

String Validator::path_of(const Place& place) {
    if (place.position == nowhere) return String(place.text);
    if (connection_places_.empty() && initial_places_.empty()) {
        connection_places_.resize(view_.connections.size());
        initial_places_.resize(view_.initials.size());
        std::uint32_t next = 0;
        for (const View::Entry& entry : view_.document_order()) {
            (entry.initial ? initial_places_ : connection_places_)[entry.position] = next++;
        }
    }
    const auto& places = place.initial ? initial_places_ : connection_places_;
    return concat("$.connections[", places[place.position], "]");
}

String Validator::name_of(const Place& place) const {
    if (place.initial) {
        return concat("the initial packet for ", edge_text(view_.initials[place.position].to));
    }
    const ConnectionItem& item = view_.connections[place.position];
    auto nowhere_at_all = [](const EdgeItem& edge) {
        return edge.node.empty() && edge.port.empty();
    };
    if (nowhere_at_all(item.from) && nowhere_at_all(item.to)) return "a connection";
    if (nowhere_at_all(item.from)) return concat("the connection to ", edge_text(item.to));
    if (nowhere_at_all(item.to)) return concat("the connection from ", edge_text(item.from));
    return concat("the connection ", edge_text(item.from), " -> ", edge_text(item.to));
}

// What the component says, or else the document.
const PortType& Validator::type_of(const EdgeItem& edge, const PortInfo* port) const {
    if (port != nullptr && port->type != nullptr && !port->type->any()) return *port->type;
    return edge.detail != nullptr ? edge.detail->type : any_;
}

void Validator::satisfied(const EdgeItem& edge, std::uint32_t port) {
    if (port != nowhere) ports_[port_starts_[edge.position] + port] = 1;
}

Validator::End Validator::end(const EdgeItem& edge, bool in, std::string_view what,
                              const Place& place) {
    auto unjudged = [] {
        End none;
        none.judged = false;
        return none;
    };
    std::string_view kind = in ? "inport" : "outport";
    auto where = [&] { return what.empty() ? name_of(place) : String(what); };
    if (edge.position == nowhere) {
        Finding& finding = add(Severity::error, "unknown-node",
                               concat("no node '", edge.node, "', which ", where(), " names"));
        finding.hint = node_hint(edge.node);
        finding.node = edge.node;
        finding.port = edge.port;
        finding.path = path_of(place);
        return unjudged();
    }
    touched_[edge.position] = 1;
    if (edge.port.empty()) {
        Finding& finding = add(Severity::error, "no-port", concat(where(), " names no ", kind));
        finding.node = edge.node;
        finding.path = path_of(place);
        return unjudged();
    }
    const Known* known = known_[edge.position];
    if (known == nullptr) {
        End result;
        // A component that is not known is one of another network, or the finding is there already.
        result.judged = catalog_ == nullptr || is_foreign(view_.nodes[edge.position].component);
        return result;
    }
    const PortTable& table = in ? *known->inports : *known->outports;
    std::uint32_t number =
        memo_.find(&table, edge.port, [&] { return table.find(edge.port); });
    if (number == nowhere) {
        Finding& finding = add(Severity::error, "unknown-port",
                               concat(view_.nodes[edge.position].component, " has no ", kind, " '",
                                      edge.port, "', which ", where(), " names"));
        finding.hint = table.hint(edge.port);
        finding.node = edge.node;
        finding.port = edge.port;
        finding.path = path_of(place);
        return unjudged();
    }
    return {in ? &known->info.inports[number] : &known->info.outports[number], number, true};
}

void Validator::array_index(const EdgeItem& edge, const PortInfo& port, const Place& place) {
    if (port.array == (edge.index != REFLOW_NO_INDEX)) return;
    Finding& finding = port.array ? add(Severity::warning, "array-port-without-index",
                                        concat("inport '", port.name, "' is an array, and ",
                                               name_of(place), " has no index"))
                                  : add(Severity::warning, "index-of-plain-port",
                                        concat("port '", port.name, "' is no array, and ",
                                               name_of(place), " names its element ", edge.index));
    finding.node = edge.node;
    finding.port = edge.port;
    finding.path = path_of(place);
}

void Validator::connections() {
    for (std::uint32_t i = 0; i < view_.connections.size(); ++i) connection(i);
}

void Validator::connection(std::uint32_t position) {
    const ConnectionItem& item = view_.connections[position];
    Place place{false, position, {}};
    auto missing = [&](const EdgeItem& edge, std::string_view code, std::string_view message,
                       std::string_view hint) {
        if (!edge.node.empty() || !edge.port.empty()) return false;
        Finding& finding = add(Severity::error, code, concat(name_of(place), message));
        finding.hint = hint;
        finding.path = path_of(place);
        return true;
    };
    if (!item.extra.none() || !item.metadata.is(REFLOW_KIND_NULL)) connection_settings(item, place);
    bool no_source = missing(item.from, "no-source", " comes from nowhere",
                             "an initial packet has data, or \"initial\": true for null");
    bool no_target = missing(item.to, "no-target", " leads nowhere", {});
    End from;
    End to;
    from.judged = to.judged = false;
    if (!no_source) from = end(item.from, false, {}, place);
    if (!no_target) to = end(item.to, true, {}, place);
    if (to.number != nowhere) satisfied(item.to, to.number);
    if (from.port != nullptr && !from.port->array) array_index(item.from, *from.port, place);
    bool plain = to.port == nullptr ||
                 (!to.port->array && item.to.index == REFLOW_NO_INDEX);
    if (!plain) array_index(item.to, *to.port, place);
    if (!from.judged || !to.judged) return;
    const PortType& given = type_of(item.from, from.port);
    const PortType& taken = type_of(item.to, to.port);
    if (given.flows_into(taken)) return;
    Finding& finding = add(Severity::error, "type-mismatch",
                           concat(edge_text(item.from), " sends ", given.text(), ", ",
                                  edge_text(item.to), " takes ", taken.text()));
    finding.status = REFLOW_ERROR_TYPE;
    finding.node = item.to.node;
    finding.port = item.to.port;
    finding.path = path_of(place);
}

// "capacity", "capacity_bytes" and "kind" in the metadata of a connection, and keys that nobody
// knows.
void Validator::connection_settings(const ConnectionItem& item, const Place& place) {
    constexpr std::string_view kinds[] = {"reliable", "latest", "drop-oldest", "drop-newest"};
    constexpr std::string_view known_keys[] = {"from", "to", "metadata", "data", "initial"};
    if (!item.extra.none()) {
        unknown_keys(item.extra, name_of(place), path_of(place), known_keys);
    }
    if (item.metadata.size() == 0) return;
    auto wrong = [&](String message, std::string_view key, std::string_view hint) {
        Finding& finding = add(Severity::error, "bad-connection-setting", std::move(message));
        finding.status = REFLOW_ERROR_CONFIG;
        finding.hint = hint;
        finding.node = item.to.node;
        finding.port = item.to.port;
        finding.path = concat(path_of(place), ".metadata.", key);
    };
    MessageRef capacity = item.metadata.get("capacity");
    if (!capacity.none() && !(capacity.is(REFLOW_KIND_INTEGER) && capacity.integer() >= 1 &&
                              capacity.integer() <= std::int64_t{INT32_MAX})) {
        wrong(concat("the capacity of ", name_of(place), " is a whole number from 1 to ", INT32_MAX),
              "capacity", {});
    }
    MessageRef bytes = item.metadata.get("capacity_bytes");
    if (!bytes.none() && !(bytes.is(REFLOW_KIND_INTEGER) && bytes.integer() >= 1 &&
                           bytes.integer() <= static_cast<std::int64_t>(limits::port_bytes))) {
        wrong(concat("the capacity in bytes of ", name_of(place), " is a whole number from 1 to ",
                     limits::port_bytes),
              "capacity_bytes", {});
    }
    MessageRef kind = item.metadata.get("kind");
    if (kind.none() ||
        std::find(std::begin(kinds), std::end(kinds), kind.text()) != std::end(kinds)) {
        return;
    }
    wrong(
        kind.is(REFLOW_KIND_STRING)
            ? concat("no kind of connection '", kind.text(), "', which ", name_of(place), " names")
            : concat("the kind of ", name_of(place), " is a string, not ", kind_with_article(kind)),
        "kind", did_you_mean(kind.text(), kinds));
}

void Validator::duplicates() {
    auto key = [&](std::uint32_t i) {
        const ConnectionItem& item = view_.connections[i];
        return std::tuple(item.from.node, item.from.port, item.from.index, item.to.node,
                          item.to.port, item.to.index);
    };
    // Sorted by hash first, since comparing texts is slower.
    std::hash<std::string_view> hash;
    Vector<std::pair<std::size_t, std::uint32_t>> order(view_.connections.size());
    for (std::uint32_t i = 0; i < order.size(); ++i) {
        const ConnectionItem& item = view_.connections[i];
        std::size_t ends = (std::size_t{item.from.position} << 32) ^ item.to.position;
        order[i] = {(ends * 31 + hash(item.from.port)) * 31 + hash(item.to.port), i};
    }
    std::sort(order.begin(), order.end(), [&](const auto& a, const auto& b) {
        if (a.first != b.first) return a.first < b.first;
        return std::tuple(key(a.second), a.second) < std::tuple(key(b.second), b.second);
    });
    for (std::size_t i = 1; i < order.size(); ++i) {
        if (order[i].first != order[i - 1].first ||
            key(order[i].second) != key(order[i - 1].second)) {
            continue;
        }
        const ConnectionItem& item = view_.connections[order[i].second];
        Finding& finding = add(Severity::warning, "duplicate-connection",
                               concat(edge_text(item.from), " is connected to ", edge_text(item.to),
                                      " more than once; packets arrive as often"));
        finding.node = item.to.node;
        finding.port = item.to.port;
        finding.path = path_of({false, order[i].second, {}});
    }
}

void Validator::initials() {
    constexpr std::string_view known_keys[] = {"to", "metadata", "data", "initial"};
    for (std::uint32_t i = 0; i < view_.initials.size(); ++i) {
        const InitialItem& item = view_.initials[i];
        Place place{true, i, {}};
        if (item.extra.has("from")) {
            Finding& finding =
                add(Severity::warning, "initial-with-source",
                    concat(name_of(place), " names a source as well, which is not connected"));
            finding.node = item.to.node;
            finding.port = item.to.port;
            finding.path = path_of(place);
        } else if (!item.extra.none()) {
            unknown_keys(item.extra, name_of(place), path_of(place), known_keys);
        }
        if (item.to.node.empty() && item.to.port.empty()) {
            add(Severity::error, "no-target", "an initial packet leads nowhere").path =
                path_of(place);
            continue;
        }
        End to = end(item.to, true, {}, place);
        if (to.number != nowhere) satisfied(item.to, to.number);
        if (!to.judged) continue;
        const PortType& taken = type_of(item.to, to.port);
        if (taken.takes(item.data)) continue;
        Finding& finding = add(Severity::error, "type-mismatch",
                               concat("the initial packet is ", PortType::of(item.data).text(),
                                      ", ", edge_text(item.to), " takes ", taken.text()));
        finding.status = REFLOW_ERROR_TYPE;
        finding.node = item.to.node;
        finding.port = item.to.port;
        finding.path = path_of(place);
    }
}

void Validator::exposed(bool in) {
    const Vector<ExposedItem>& items = in ? view_.inports : view_.outports;
    std::size_t first = 0;  // of those with one name
    for (std::size_t i = 0; i < items.size(); ++i) {
        const ExposedItem& item = items[i];
        if (item.name != items[first].name) first = i;
        codec::Path path;
        path.add_key(in ? "inports" : "outports");
        path.add_key(item.name);
        bool more = i + 1 < items.size() && items[i + 1].name == item.name;
        if (more || i != first) path.add_index(i - first);
        Place place{false, nowhere, path.text()};
        End inner = end(item.edge, in,
                        concat("exposed ", in ? "inport '" : "outport '", item.name, "'"), place);
        bool fed = in && inner.number != nowhere &&
                   ports_[port_starts_[item.edge.position] + inner.number] != 0;
        if (in && inner.number != nowhere) satisfied(item.edge, inner.number);
        expose(item, in, inner.port, fed);
        if (inner.port == nullptr || inner.port->type == nullptr) continue;
        PortType outer = item.edge.type();
        const PortType& own = *inner.port->type;
        if (in ? outer.flows_into(own) : own.flows_into(outer)) continue;
        Finding& finding = add(Severity::warning, "exposed-type",
                               concat("exposed port '", item.name, "' is ", outer.text(), ", ",
                                      edge_text(item.edge), " is ", own.text()));
        finding.node = item.edge.node;
        finding.port = item.edge.port;
        finding.path = path_of(place);
    }
}

// What a graph that holds this one as a node may connect to. Ends of one name stand together.
void Validator::expose(const ExposedItem& item, bool in, const PortInfo* inner, bool fed) {
    Vector<PortInfo>& ports = in ? exposed_.inports : exposed_.outports;
    if (ports.empty() || ports.back().name != item.name) ports.emplace_back().name = item.name;
    PortInfo& port = ports.back();
    const PortType& type = type_of(item.edge, nullptr);
    if (!type.any()) {
        port.type = &type;
    } else if (port.type == nullptr && inner != nullptr) {
        port.type = inner->type;
    }
    if (inner == nullptr) return;
    port.array = port.array || (inner->array && item.edge.index == REFLOW_NO_INDEX);
    port.required = port.required || (in && inner->required && !fed);
}

void Validator::required_ports() {
    for (std::uint32_t i = 0; i < view_.nodes.size(); ++i) {
        if (known_[i] == nullptr) continue;
        const Vector<PortInfo>& ports = known_[i]->info.inports;
        for (std::uint32_t port = 0; port < ports.size(); ++port) {
            if (!ports[port].required || ports_[port_starts_[i] + port] != 0) continue;
            codec::Path path;
            path.add_key("processes");
            path.add_key(view_.nodes[i].id);
            Finding& finding = add(Severity::error, "required-port",
                                   concat("required inport '", ports[port].name,
                                          "' gets nothing: no connection, no initial packet"));
            finding.hint = "if the host feeds it, expose it as an inport of the graph";
            finding.node = view_.nodes[i].id;
            finding.port = ports[port].name;
            finding.path = path.text();
        }
    }
}

}  // namespace reflow::graph
