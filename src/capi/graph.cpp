// Section 9 of reflow.h: graphs.
// Thread: one at a time for a graph.
#include "base/limits.hpp"
#include "capi/guard.hpp"
#include "capi/handles.hpp"
#include "capi/modules.hpp"
#include "graph/load.hpp"
#include "graph/validate.hpp"
#include "io/files.hpp"

using namespace reflow;
using namespace reflow::capi;

namespace reflow::capi {

Result<graph::Endpoint> endpoint(const reflow_endpoint* given, std::string_view name) {
    if (given == nullptr) return null_argument(name);
    Result<std::string_view> node = text_argument(given->node, name);
    if (!node.ok()) return node.take_error();
    Result<std::string_view> port = text_argument(given->port, name);
    if (!port.ok()) return port.take_error();
    return graph::Endpoint{node.value(), port.value(), given->index};
}

Result<Ends> read_ends(const reflow_endpoint* from, const reflow_endpoint* to) {
    Result<graph::Endpoint> sender = endpoint(from, "from");
    if (!sender.ok()) return sender.take_error();
    Result<graph::Endpoint> target = endpoint(to, "to");
    if (!target.ok()) return target.take_error();
    return Ends{sender.value(), target.value()};
}

}  // namespace reflow::capi

namespace {

Result<void> give_graph(Result<graph::Graph> result, reflow_graph** out) {
    if (!result.ok()) return result.take_error();
    *out = new reflow_graph(std::move(result).take());
    return {};
}

// An edit that names things by texts: checks the handle and the texts, then edits.
template <std::size_t N, typename Edit>
reflow_status edit(reflow_graph* handle, const reflow_view (&views)[N], reflow_error** error,
                   Edit body) {
    return guarded(error, [&]() -> Result<void> {
        if (handle == nullptr) return null_argument("graph");
        std::string_view texts[N];
        for (std::size_t i = 0; i < N; ++i) {
            Result<std::string_view> text = text_argument(views[i], "text");
            if (!text.ok()) return text.take_error();
            texts[i] = text.value();
        }
        return body(handle->edit(), texts);
    });
}

template <typename Edit>
reflow_status expose(reflow_graph* handle, reflow_view name, const reflow_endpoint* end,
                     reflow_view type, reflow_error** error, Edit body) {
    return edit(handle, {name, type}, error,
                [&](graph::Graph& to, const std::string_view* texts) -> Result<void> {
                    Result<graph::Endpoint> point = endpoint(end, "endpoint");
                    if (!point.ok()) return point.take_error();
                    Result<PortType> parsed = PortType::parse(texts[1]);
                    if (!parsed.ok()) return parsed.take_error();
                    return body(to, texts[0], point.value(), parsed.value());
                });
}

// The folder of a file, "." for a bare name.
std::string_view folder_of(std::string_view path) noexcept {
    std::size_t slash = path.rfind('/');
    if (slash == std::string_view::npos) return ".";
    return slash == 0 ? std::string_view("/") : path.substr(0, slash);
}

Result<String> save_as(const graph::Graph& from, reflow_format format, std::string_view name) {
    if (format == REFLOW_FORMAT_AUTO && !name.empty()) format = graph::detect_format(name, {});
    return graph::save(from, format);
}

}  // namespace

extern "C" {

reflow_status reflow_graph_create(reflow_view name, reflow_graph** out, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (out == nullptr) return null_argument("out");
        *out = nullptr;
        Result<std::string_view> text = text_argument(name, "name");
        if (!text.ok()) return text.take_error();
        *out = new reflow_graph(graph::Graph(text.value()));
        return {};
    });
}

reflow_status reflow_graph_copy(const reflow_graph* graph, reflow_graph** out,
                                reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (out == nullptr) return null_argument("out");
        *out = nullptr;
        if (graph == nullptr) return null_argument("graph");
        *out = new reflow_graph(graph->shared);
        return {};
    });
}

reflow_status reflow_graph_load(reflow_view document, reflow_format format, reflow_view name,
                                reflow_graph** out, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (out == nullptr) return null_argument("out");
        *out = nullptr;
        if (document.data == nullptr && document.size != 0) return null_argument("document");
        Result<std::string_view> text = text_argument(name, "name");
        if (!text.ok()) return text.take_error();
        return give_graph(graph::load(view_of(document), format, text.value()), out);
    });
}

reflow_status reflow_document_places(reflow_view document, reflow_format format, reflow_view name,
                                     const reflow_view* paths, size_t count, reflow_message* out,
                                     reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (out == nullptr) return null_argument("out");
        *out = {};
        if (document.data == nullptr && document.size != 0) return null_argument("document");
        Result<void> whole = check_array(paths, count, sizeof *paths, "paths");
        if (!whole.ok()) return whole;
        Result<std::string_view> text = text_argument(name, "name");
        if (!text.ok()) return text.take_error();
        Vector<std::string_view> wanted;
        wanted.reserve(count);
        for (std::size_t i = 0; i < count; ++i) {
            Result<std::string_view> path = text_argument(paths[i], "paths");
            if (!path.ok()) return path.take_error();
            wanted.push_back(path.value());
        }
        return give(graph::find_places(view_of(document), format, text.value(), wanted), out);
    });
}

reflow_status reflow_graph_load_file(reflow_view path, reflow_graph** out, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (out == nullptr) return null_argument("out");
        *out = nullptr;
        if (path.data == nullptr) return null_argument("path");
        Result<std::string_view> text = text_argument(path, "path");
        if (!text.ok()) return text.take_error();
        std::string_view name = text.value();
        Result<String> document = io::make_file_store()->read_file(name, limits::read_bytes);
        if (!document.ok()) return document.take_error();
        Result<graph::Graph> loaded = graph::load(document.value(), REFLOW_FORMAT_AUTO, name);
        if (loaded.ok()) loaded.value().set_directory(folder_of(name));
        return give_graph(std::move(loaded), out);
    });
}

reflow_status reflow_graph_save(const reflow_graph* graph, reflow_format format,
                                reflow_buffer** out, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (out == nullptr) return null_argument("out");
        *out = nullptr;
        if (graph == nullptr) return null_argument("graph");
        return give_buffer(save_as(graph->graph(), format, {}), out);
    });
}

reflow_status reflow_graph_save_file(const reflow_graph* graph, reflow_view path,
                                     reflow_format format, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (graph == nullptr) return null_argument("graph");
        if (path.data == nullptr) return null_argument("path");
        Result<std::string_view> text = text_argument(path, "path");
        if (!text.ok()) return text.take_error();
        Result<String> document = save_as(graph->graph(), format, text.value());
        if (!document.ok()) return document.take_error();
        return io::make_file_store()->write_file(text.value(), document.value());
    });
}

reflow_status reflow_graph_to_message(const reflow_graph* graph, reflow_message* out,
                                      reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (out == nullptr) return null_argument("out");
        *out = {};
        if (graph == nullptr) return null_argument("graph");
        return give(graph::to_message(graph->graph()), out);
    });
}

bool reflow_graph_equal(const reflow_graph* a, const reflow_graph* b) {
    if (a == nullptr || b == nullptr) return a == b;
    try {
        return graph::equal(a->graph(), b->graph());
    } catch (...) {
        return false;
    }
}

void reflow_graph_destroy(reflow_graph* graph) { delete graph; }

// ---- nodes

reflow_status reflow_graph_add_node(reflow_graph* graph, reflow_view id, reflow_view component,
                                    reflow_message config, reflow_error** error) {
    Message taken = Message::adopt(config);
    return edit(graph, {id, component}, error,
                [&](graph::Graph& to, const std::string_view* texts) {
                    return to.add_node(texts[0], texts[1], std::move(taken));
                });
}

reflow_status reflow_graph_remove_node(reflow_graph* graph, reflow_view id, reflow_error** error) {
    return edit(graph, {id}, error, [](graph::Graph& to, const std::string_view* texts) {
        return to.remove_node(texts[0]);
    });
}

reflow_status reflow_graph_rename_node(reflow_graph* graph, reflow_view id, reflow_view new_id,
                                       reflow_error** error) {
    return edit(graph, {id, new_id}, error, [](graph::Graph& to, const std::string_view* texts) {
        return to.rename_node(texts[0], texts[1]);
    });
}

reflow_status reflow_graph_set_component(reflow_graph* graph, reflow_view id, reflow_view component,
                                         reflow_error** error) {
    return edit(graph, {id, component}, error, [](graph::Graph& to, const std::string_view* texts) {
        return to.set_component(texts[0], texts[1]);
    });
}

reflow_status reflow_graph_set_config(reflow_graph* graph, reflow_view id, reflow_message config,
                                      reflow_error** error) {
    Message taken = Message::adopt(config);
    return edit(graph, {id}, error, [&](graph::Graph& to, const std::string_view* texts) {
        return to.set_metadata(texts[0], std::move(taken));
    });
}

reflow_status reflow_graph_set_config_value(reflow_graph* graph, reflow_view id, reflow_view key,
                                            reflow_message value, reflow_error** error) {
    Message taken = Message::adopt(value);
    return edit(graph, {id, key}, error, [&](graph::Graph& to, const std::string_view* texts) {
        return to.set_config_value(texts[0], texts[1], std::move(taken));
    });
}

// ---- connections and initial packets

reflow_status reflow_graph_connect(reflow_graph* graph, const reflow_endpoint* from,
                                   const reflow_endpoint* to, reflow_message metadata,
                                   reflow_error** error) {
    Message taken = Message::adopt(metadata);
    return guarded(error, [&]() -> Result<void> {
        if (graph == nullptr) return null_argument("graph");
        Result<Ends> ends = read_ends(from, to);
        if (!ends.ok()) return ends.take_error();
        return graph->edit().connect(ends.value().from, ends.value().to, std::move(taken));
    });
}

reflow_status reflow_graph_disconnect(reflow_graph* graph, const reflow_endpoint* from,
                                      const reflow_endpoint* to, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (graph == nullptr) return null_argument("graph");
        Result<Ends> ends = read_ends(from, to);
        if (!ends.ok()) return ends.take_error();
        return graph->edit().disconnect(ends.value().from, ends.value().to);
    });
}

reflow_status reflow_graph_add_initial(reflow_graph* graph, const reflow_endpoint* to,
                                       reflow_message data, reflow_error** error) {
    Message taken = Message::adopt(data);
    return guarded(error, [&]() -> Result<void> {
        if (graph == nullptr) return null_argument("graph");
        Result<graph::Endpoint> target = endpoint(to, "to");
        if (!target.ok()) return target.take_error();
        if (taken.none()) {
            return Failure(REFLOW_ERROR_INVALID_ARGUMENT, "argument 'data' is none");
        }
        return graph->edit().add_initial(target.value(), std::move(taken));
    });
}

reflow_status reflow_graph_remove_initials(reflow_graph* graph, const reflow_endpoint* to,
                                           reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (graph == nullptr) return null_argument("graph");
        Result<graph::Endpoint> target = endpoint(to, "to");
        if (!target.ok()) return target.take_error();
        return graph->edit().remove_initials(target.value());
    });
}

// ---- exposed ports, groups, properties

reflow_status reflow_graph_add_inport(reflow_graph* graph, reflow_view name,
                                      const reflow_endpoint* to, reflow_view type,
                                      reflow_error** error) {
    return expose(graph, name, to, type, error,
                  [](graph::Graph& of, std::string_view text, const graph::Endpoint& end,
                     const PortType& parsed) { return of.add_inport(text, end, parsed); });
}

reflow_status reflow_graph_add_outport(reflow_graph* graph, reflow_view name,
                                       const reflow_endpoint* from, reflow_view type,
                                       reflow_error** error) {
    return expose(graph, name, from, type, error,
                  [](graph::Graph& of, std::string_view text, const graph::Endpoint& end,
                     const PortType& parsed) { return of.add_outport(text, end, parsed); });
}

reflow_status reflow_graph_remove_inport(reflow_graph* graph, reflow_view name,
                                         reflow_error** error) {
    return edit(graph, {name}, error, [](graph::Graph& to, const std::string_view* texts) {
        return to.remove_inport(texts[0]);
    });
}

reflow_status reflow_graph_remove_outport(reflow_graph* graph, reflow_view name,
                                          reflow_error** error) {
    return edit(graph, {name}, error, [](graph::Graph& to, const std::string_view* texts) {
        return to.remove_outport(texts[0]);
    });
}

reflow_status reflow_graph_add_group(reflow_graph* graph, reflow_view id, const reflow_view* nodes,
                                     size_t node_count, reflow_error** error) {
    return edit(graph, {id}, error,
                [&](graph::Graph& to, const std::string_view* texts) -> Result<void> {
                    Result<void> fine = check_array(nodes, node_count, sizeof *nodes, "nodes");
                    if (!fine.ok()) return fine;
                    Vector<std::string_view> ids;
                    for (size_t i = 0; i < node_count; ++i) {
                        Result<std::string_view> node = text_argument(nodes[i], "nodes");
                        if (!node.ok()) return node.take_error();
                        ids.push_back(node.value());
                    }
                    return to.add_group(texts[0], ids);
                });
}

reflow_status reflow_graph_remove_group(reflow_graph* graph, reflow_view id, reflow_error** error) {
    return edit(graph, {id}, error, [](graph::Graph& to, const std::string_view* texts) {
        return to.remove_group(texts[0]);
    });
}

reflow_status reflow_graph_set_property(reflow_graph* graph, reflow_view key, reflow_message value,
                                        reflow_error** error) {
    Message taken = Message::adopt(value);
    return edit(graph, {key}, error, [&](graph::Graph& to, const std::string_view* texts) {
        return to.set_property(texts[0], std::move(taken));
    });
}

// ---- looking

size_t reflow_graph_node_count(const reflow_graph* graph) {
    return graph == nullptr ? 0 : graph->graph().node_count();
}
size_t reflow_graph_connection_count(const reflow_graph* graph) {
    return graph == nullptr ? 0 : graph->graph().connection_count();
}
size_t reflow_graph_initial_count(const reflow_graph* graph) {
    return graph == nullptr ? 0 : graph->graph().initial_count();
}

reflow_status reflow_graph_get_config(const reflow_graph* graph, reflow_view id,
                                      reflow_message* out, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (out == nullptr) return null_argument("out");
        *out = {};
        if (graph == nullptr) return null_argument("graph");
        Result<std::string_view> text = text_argument(id, "id");
        if (!text.ok()) return text.take_error();
        auto node = graph->graph().find_node(text.value());
        if (!node) {
            return Failure(REFLOW_ERROR_NOT_FOUND,
                           concat("no node '", text.value(), "' in the graph"));
        }
        *out = node->metadata.none() ? Message::null().leak() : node->metadata.raw();
        return {};
    });
}

reflow_status reflow_runtime_register_graph(reflow_runtime* runtime, reflow_view id,
                                            const reflow_graph* graph, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(runtime); !fine.ok()) return fine;
        if (graph == nullptr) return null_argument("graph");
        Result<std::string_view> text = text_argument(id, "id");
        if (!text.ok()) return text.take_error();
        return runtime_of(runtime)->registry.add_graph(text.value(), graph->graph());
    });
}

reflow_status reflow_graph_validate(const reflow_graph* graph, const reflow_runtime* runtime,
                                    reflow_message* out, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (out == nullptr) return null_argument("out");
        *out = {};
        if (graph == nullptr) return null_argument("graph");
        const graph::ComponentCatalog* catalog =
            runtime == nullptr ? nullptr : &runtime_of(runtime)->registry;
        std::unique_ptr<Store> store = io::make_file_store();
        auto findings = graph::validate(graph->graph(), catalog, store.get());
        return give(graph::to_message(findings), out);
    });
}

reflow_status reflow_graph_render(const reflow_graph* graph, reflow_picture kind,
                                  const reflow_picture_options* options, reflow_buffer** out,
                                  reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (out == nullptr) return null_argument("out");
        *out = nullptr;
        if (graph == nullptr) return null_argument("graph");
        Result<reflow_picture_options> read = read_options(options, "reflow_picture_options");
        if (!read.ok()) return read.take_error();
        if (modules.render == nullptr) return left_out("drawing");
        graph::PictureOptions picture{read.value().depth, read.value().dark != 0};
        return give_buffer(modules.render(graph->graph(), kind, picture), out);
    });
}

}  // extern "C"
