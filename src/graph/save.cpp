// Graph documents out. Neighbours: load.cpp. Thread: one at a time.
#include <utility>

#include "base/assert.hpp"
#include "base/text.hpp"
#include "codec/msgpack.hpp"
#include "codec/yaml.hpp"
#include "graph/escape.hpp"
#include "graph/load.hpp"

namespace reflow::graph {
namespace {

constexpr unsigned indent_count = 2;

// Builds the document. Keys and values that come again and again are made once and shared.
class Writer {
public:
    explicit Writer(const Graph& graph) : graph_(graph), view_(graph.view()) {}

    Result<Message> run() {
        ObjectBuilder document(12);
        document.set("caseSensitive", Message::boolean(graph_.case_sensitive()));
        document.set("properties", graph_.properties().own());
        if (!add(document, "inports", exposed(view_.inports)) ||
            !add(document, "outports", exposed(view_.outports)) ||
            !add(document, "groups", groups()) || !add(document, "processes", processes()) ||
            !add(document, "connections", connections())) {
            return std::move(error_);
        }
        for (std::size_t i = 0; i < section_count; ++i) {
            Section section = static_cast<Section>(i);
            if (graph_.section(section).none()) continue;
            document.set(section_key(section), graph_.section(section).own());
        }
        add_extra(document, graph_.extra());
        return document.finish();
    }

private:
    // Sets a key, or keeps the error.
    bool add(ObjectBuilder& builder, std::string_view key, Result<Message> value) {
        if (!value.ok()) {
            error_ = value.take_error();
            return false;
        }
        builder.set(key, std::move(value).take());
        return true;
    }

    static void add_extra(ObjectBuilder& builder, MessageRef extra) {
        for (std::size_t i = 0; i < extra.size(); ++i) {
            builder.set(extra.key_message_at(i).own(), extra.at(i).own());
        }
    }

    static Message index_message(std::uint32_t index) {
        return index == REFLOW_NO_INDEX ? Message::null() : Message::integer(index);
    }

    Result<Message> edge(const EdgeItem& end) {
        return edge(Message::string(end.node), Message::string(end.port), end);
    }
    Result<Message> edge(Message node, Message port, const EdgeItem& end) {
        const EdgeDetail* detail = end.detail;
        ObjectBuilder builder(8);
        builder.set(port_name_, detail ? Message::string(detail->port_name) : empty_);
        builder.set(port_id_, std::move(port));
        builder.set(node_id_, std::move(node));
        builder.set(index_, index_message(end.index));
        builder.set(expose_, Message::boolean(detail != nullptr && detail->expose));
        builder.set(data_, detail ? detail->data : Message::null());
        builder.set(metadata_, detail ? detail->metadata : Message::null());
        builder.set(port_type_, detail ? detail->type.to_message() : any_);
        if (detail) add_extra(builder, detail->extra);
        return builder.finish();
    }

    Result<Message> exposed(const Vector<ExposedItem>& ports) {
        ObjectBuilder builder(ports.size());
        for (std::size_t i = 0; i < ports.size();) {
            std::size_t end = i + 1;  // of those with one name, which stand together
            while (end < ports.size() && ports[end].name == ports[i].name) ++end;
            auto made =
                end - i == 1 ? edge(ports[i].edge) : edges(std::span(ports).subspan(i, end - i));
            if (!add(builder, ports[i].name, std::move(made))) return std::move(error_);
            i = end;
        }
        return builder.finish();
    }

    Result<Message> edges(std::span<const ExposedItem> ports) {
        ArrayBuilder builder(ports.size());
        for (const ExposedItem& port : ports) {
            auto made = edge(port.edge);
            if (!made.ok()) return made;
            builder.append(std::move(made).take());
        }
        return builder.finish();
    }

    Result<Message> groups() {
        ArrayBuilder builder(view_.groups.size());
        for (const GroupItem& group : view_.groups) {
            ArrayBuilder members(group.nodes.size());
            for (std::string_view node : group.nodes) members.append(Message::string(node));
            ObjectBuilder entry(4);
            entry.set("id", Message::string(group.id));
            if (!add(entry, "nodes", members.finish())) return std::move(error_);
            entry.set("metadata", group.metadata.own());
            add_extra(entry, group.extra);
            auto made = entry.finish();
            if (!made.ok()) return made;
            builder.append(std::move(made).take());
        }
        return builder.finish();
    }

    Result<Message> processes() {
        ObjectBuilder builder(view_.nodes.size());
        ids_.reserve(view_.nodes.size());
        for (const NodeItem& node : view_.nodes) {
            ids_.push_back(Message::string(node.id));
            ObjectBuilder entry(4);
            entry.set(id_, ids_.back());
            entry.set(component_, Message::string(node.component));
            entry.set(metadata_, node.metadata.own());
            add_extra(entry, node.extra);
            auto made = entry.finish();
            if (!made.ok()) return made;
            builder.set(ids_.back(), std::move(made).take());
        }
        return builder.finish();
    }

    Message node_message(const EdgeItem& end) {
        return end.position == nowhere ? Message::string(end.node) : ids_[end.position];
    }

    Result<Message> connections() {
        auto blank = edge(empty_, empty_, EdgeItem{});
        if (!blank.ok()) return blank;
        ArrayBuilder builder(view_.connections.size() + view_.initials.size());
        for (const View::Entry& entry : view_.document_order()) {
            auto made = entry.initial ? initial(view_.initials[entry.position], blank.value())
                                      : connection(view_.connections[entry.position]);
            if (!made.ok()) return made;
            builder.append(std::move(made).take());
        }
        return builder.finish();
    }

    Result<Message> connection(const ConnectionItem& item) {
        ObjectBuilder builder(4);
        auto from = edge(node_message(item.from), Message::string(item.from.port), item.from);
        if (!from.ok()) return from;
        auto to = edge(node_message(item.to), Message::string(item.to.port), item.to);
        if (!to.ok()) return to;
        builder.set(from_, std::move(from).take());
        builder.set(to_, std::move(to).take());
        builder.set(metadata_, item.metadata.own());
        builder.set(data_, Message::null());
        add_extra(builder, item.extra);
        return builder.finish();
    }

    Result<Message> initial(const InitialItem& item, const Message& blank) {
        ObjectBuilder builder(5);
        auto to = edge(node_message(item.to), Message::string(item.to.port), item.to);
        if (!to.ok()) return to;
        builder.set(from_, blank);
        builder.set(to_, std::move(to).take());
        builder.set(metadata_, item.metadata.own());
        builder.set(data_, item.data.own());
        // Null data alone would make it a connection.
        if (item.data.is(REFLOW_KIND_NULL)) builder.set("initial", Message::boolean(true));
        add_extra(builder, item.extra);  // may hold a "from" that the document had
        return builder.finish();
    }

    const Graph& graph_;
    View view_;
    Vector<Message> ids_;  // of the nodes of the view
    std::unique_ptr<Error> error_;
    Message empty_ = Message::string("");
    Message any_ = PortType().to_message();
    Message id_ = Message::string("id");
    Message component_ = Message::string("component");
    Message from_ = Message::string("from");
    Message to_ = Message::string("to");
    Message port_name_ = Message::string("portName");
    Message port_id_ = Message::string("portId");
    Message node_id_ = Message::string("nodeId");
    Message index_ = Message::string("index");
    Message expose_ = Message::string("expose");
    Message data_ = Message::string("data");
    Message metadata_ = Message::string("metadata");
    Message port_type_ = Message::string("portType");
};

}  // namespace

Result<Message> to_message(const Graph& graph) { return Writer(graph).run(); }

Result<String> save(const Graph& graph, reflow_format format) {
    if (format < REFLOW_FORMAT_AUTO || format > REFLOW_FORMAT_MSGPACK) {
        return Failure(REFLOW_ERROR_INVALID_ARGUMENT, concat("no format number ", format));
    }
    auto document = to_message(graph);
    if (!document.ok()) return document.take_error();
    String text;
    if (format == REFLOW_FORMAT_MSGPACK) {
        auto fine = codec::write_msgpack(text, document.value());
        if (!fine.ok()) return fine.take_error();
        return text;
    }
    auto plain = escaped(document.value());
    if (!plain.ok()) return plain.take_error();
    if (format == REFLOW_FORMAT_YAML) {
        auto fine = codec::write_yaml(text, plain.value());
        if (!fine.ok()) return fine.take_error();
        return text;
    }
    auto fine = codec::write_json(text, plain.value(), indent_count);
    if (!fine.ok()) return fine.take_error();
    text.push_back('\n');
    return text;
}

}  // namespace reflow::graph
