// Builds a graph from a document: connections, initial packets and their ends.
// Neighbours: loader.cpp. Thread: one at a time.
#include <utility>

#include "base/text.hpp"
#include "graph/loader.hpp"
#include "graph/words.hpp"

namespace reflow::graph {
namespace {

// Fields of an end, each with the names it goes by: ours, in snake case, and those of tools of
// flow-based programming.
enum Field : unsigned {
    field_node,
    field_port,
    field_index,
    field_port_name,
    field_expose,
    field_data,
    field_metadata,
    field_port_type,
    field_unknown
};

Field field_of(std::string_view key) noexcept {
    constexpr struct {
        std::string_view name;
        Field field;
    } names[] = {
        {"nodeId", field_node},         {"portId", field_port},         {"index", field_index},
        {"portName", field_port_name},  {"expose", field_expose},       {"data", field_data},
        {"metadata", field_metadata},   {"portType", field_port_type},  {"process", field_node},
        {"port", field_port},           {"node_id", field_node},        {"port_id", field_port},
        {"port_name", field_port_name}, {"port_type", field_port_type},
    };
    for (const auto& each : names) {
        if (each.name == key) return each.field;
    }
    return field_unknown;
}

// {"type":"any"}, as most ends have it.
bool any_type(MessageRef value) {
    return value.none() || value.is(REFLOW_KIND_NULL) ||
           (value.is(REFLOW_KIND_OBJECT) && value.size() == 1 && value.get("type").text() == "any");
}

bool plain(const EdgeDetail& detail) {
    return detail.port_name.empty() && !detail.expose && detail.type.any() &&
           detail.data.is(REFLOW_KIND_NULL) && detail.metadata.is(REFLOW_KIND_NULL) &&
           detail.extra.none();
}

}  // namespace

Result<PortType> Loader::port_type(std::string_view key, MessageRef value) {
    auto type = value.is(REFLOW_KIND_STRING) ? PortType::parse(value.text())
                                             : PortType::from_message(value);
    if (type.ok()) return type;
    path_.add_key(key);
    return Failure(REFLOW_ERROR_GRAPH, type.error().message)
        .hint(type.error().hint)
        .path(path_.text());
}

Result<void> Loader::edge_field(std::string_view key, MessageRef value, Graph::Edge& edge,
                                EdgeDetail& detail, std::optional<ObjectBuilder>& extra,
                                unsigned& seen) {
    Field field = field_of(key);
    if (field != field_unknown && (seen & (1U << field)) != 0) return twice(key);
    seen |= 1U << field;
    switch (field) {
        case field_node:
        case field_port:
        case field_port_name: {
            auto name = value.is(REFLOW_KIND_NULL) ? std::string_view() : text(key, value);
            if (!name.ok()) return name.take_error();
            if (field == field_node) edge.name = graph_.intern(name.value());
            if (field == field_port) edge.port = graph_.intern_port(name.value());
            if (field == field_port_name) detail.port_name = name.value();
            return {};
        }
        case field_index:
            if (value.is(REFLOW_KIND_NULL)) return {};
            if (!value.is(REFLOW_KIND_INTEGER) || value.integer() < 0 ||
                value.integer() >= std::int64_t{REFLOW_NO_INDEX}) {
                if (!value.is(REFLOW_KIND_INTEGER)) {
                    return wrong_at(key, "a whole number or null for 'index'", value);
                }
                path_.add_key(key);
                return Failure(REFLOW_ERROR_GRAPH,
                               concat("the index ", value.integer(), " is not between 0 and ",
                                      REFLOW_NO_INDEX - 1))
                    .path(path_.text());
            }
            edge.index = static_cast<std::uint32_t>(value.integer());
            return {};
        case field_expose:
            if (!value.is(REFLOW_KIND_BOOLEAN)) {
                return wrong_at(key, "a boolean for 'expose'", value);
            }
            detail.expose = value.boolean();
            return {};
        case field_data:
            detail.data = value.own();
            return {};
        case field_metadata: {
            auto checked = object_or_null(key, value);
            if (!checked.ok()) return checked.take_error();
            detail.metadata = std::move(checked).take();
            return {};
        }
        case field_port_type: {
            if (any_type(value)) return {};
            auto type = port_type(key, value);
            if (!type.ok()) return type.take_error();
            detail.type = std::move(type).take();
            return {};
        }
        case field_unknown:
            break;
    }
    keep(extra, key, value);
    return {};
}

Result<Loader::End> Loader::edge(MessageRef value, bool exposes) {
    if (!value.is(REFLOW_KIND_OBJECT)) {
        return wrong("an object with 'nodeId' and 'portId'", value);
    }
    Graph::Edge edge;
    EdgeDetail detail;
    detail.expose = exposes;
    std::optional<ObjectBuilder> extra;
    unsigned seen = 0;
    for (std::size_t i = 0; i < value.size(); ++i) {
        auto fine = edge_field(value.key_at(i), value.at(i), edge, detail, extra, seen);
        if (!fine.ok()) return fine.take_error();
    }
    if (edge.name == nowhere) edge.name = graph_.intern({});
    if (extra) {
        auto made = extra->finish();
        if (!made.ok()) return made.take_error();
        detail.extra = std::move(made).take();
    }
    if (plain(detail)) return End{edge, {}};
    Ref<EdgeDetail> kept = make_ref<EdgeDetail>();
    kept->port_name = std::move(detail.port_name);
    kept->expose = detail.expose;
    kept->type = std::move(detail.type);
    kept->data = std::move(detail.data);
    kept->metadata = std::move(detail.metadata);
    kept->extra = std::move(detail.extra);
    return End{edge, std::move(kept)};
}

Result<void> Loader::take_connections(MessageRef value) {
    if (value.none() || value.is(REFLOW_KIND_NULL)) return {};
    std::size_t size = path_.size();
    path_.add_key("connections");
    if (!value.is(REFLOW_KIND_ARRAY)) return wrong("an array for 'connections'", value);
    graph_.connections_.reserve(value.size());
    std::size_t inner = path_.size();
    for (std::size_t i = 0; i < value.size(); ++i) {
        path_.add_index(i);
        if (auto fine = take_connection(value.at(i)); !fine.ok()) return fine;
        path_.cut(inner);
    }
    path_.cut(size);
    return {};
}

Result<void> Loader::take_connection(MessageRef value) {
    if (!value.is(REFLOW_KIND_OBJECT)) return wrong("an object for a connection", value);
    MessageRef from;
    MessageRef to;
    MessageRef data;
    bool initial = false;
    Message metadata = Message::null();
    std::optional<ObjectBuilder> extra;
    for (std::size_t i = 0; i < value.size(); ++i) {
        std::string_view key = value.key_at(i);
        MessageRef field = value.at(i);
        if (key == "from" || key == "src" || key == "to" || key == "tgt") {
            bool source = key == "from" || key == "src";
            MessageRef& end = source ? from : to;
            if (!end.none()) return twice(key);
            end = field;
            (source ? from_key_ : to_key_) = key;
        } else if (key == "data") {
            data = field;
        } else if (key == "metadata") {
            auto checked = object_or_null(key, field);
            if (!checked.ok()) return checked.take_error();
            metadata = std::move(checked).take();
        } else if (key == "initial") {
            if (!field.is(REFLOW_KIND_BOOLEAN)) {
                return wrong_at(key, "a boolean for 'initial'", field);
            }
            initial = field.boolean();
        } else {
            keep(extra, key, field);
        }
    }
    // Null data alone makes no initial packet: every connection is written with it.
    bool has_data = !data.none() && !data.is(REFLOW_KIND_NULL);
    bool no_source = from.none() || from.is(REFLOW_KIND_NULL);
    if (has_data || initial || (no_source && !data.none())) {
        return add_initial(from, to, data, std::move(metadata), std::move(extra));
    }
    if (!extra) return add_connection(from, to, std::move(metadata), {});
    auto rest = extra->finish();
    if (!rest.ok()) return rest.take_error();
    return add_connection(from, to, std::move(metadata), std::move(rest).take());
}

Result<void> Loader::add_connection(MessageRef from, MessageRef to, Message metadata,
                                    Message extra) {
    Graph::Connection connection;
    Graph::Extras extras;
    for (bool source : {true, false}) {
        MessageRef end = source ? from : to;
        Graph::Edge& edge = source ? connection.from : connection.to;
        if (end.none() || end.is(REFLOW_KIND_NULL)) {
            edge.name = graph_.intern({});
            continue;
        }
        std::size_t size = path_.size();
        path_.add_key(source ? from_key_ : to_key_);
        auto made = this->edge(end, false);
        if (!made.ok()) return made.take_error();
        edge = made.value().edge;
        (source ? extras.from : extras.to) = made.value().detail;
        path_.cut(size);
    }
    extras.metadata = std::move(metadata);
    extras.extra = std::move(extra);
    graph_.insert_connection(connection, std::move(extras));
    return {};
}

Result<void> Loader::add_initial(MessageRef from, MessageRef to, MessageRef data, Message metadata,
                                 std::optional<ObjectBuilder> extra) {
    std::size_t size = path_.size();
    if (!from.none() && !from.is(REFLOW_KIND_NULL)) {
        path_.add_key(from_key_);
        auto source = edge(from, false);
        if (!source.ok()) return source.take_error();
        path_.cut(size);
        const Graph::Edge& blank = source.value().edge;
        if (blank.name != 0 || blank.port != 0 ||
            blank.index != REFLOW_NO_INDEX || source.value().detail) {
            keep(extra, "from", from);  // it says nothing, but is written back
        }
    }
    Graph::Initial initial;
    if (to.none() || to.is(REFLOW_KIND_NULL)) {
        initial.to.name = graph_.intern({});
    } else {
        path_.add_key(to_key_);
        auto made = edge(to, false);
        if (!made.ok()) return made.take_error();
        initial.to = made.value().edge;
        initial.detail = made.value().detail;
        path_.cut(size);
    }
    initial.data = data.none() ? Message::null() : data.own();
    initial.metadata = std::move(metadata);
    if (extra) {
        auto rest = extra->finish();
        if (!rest.ok()) return rest.take_error();
        initial.extra = std::move(rest).take();
    }
    graph_.insert_initial(std::move(initial));
    return {};
}

}  // namespace reflow::graph
