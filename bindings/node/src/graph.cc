// The native half of Graph: a handle of the engine and one method for each function of its section 9.
// Checks of what is in a graph are the engine's; texts of endpoints are taken apart in lib/endpoint.cjs.
#include "graph.h"

#include "bridge.h"
#include "exports.h"

namespace reflow_node {

namespace {

// An endpoint in three arguments: node, port and index, which is undefined without one.
struct End {
    std::string node, port;
    reflow_endpoint value{};

    End(const Napi::CallbackInfo& info, std::size_t first)
        : node(text_argument(info, first, "the node of an endpoint")),
          port(text_argument(info, first + 1, "the port of an endpoint")) {
        const Napi::Value index = info[first + 2];
        value.node = view_of(node);
        value.port = view_of(port);
        value.index = index.IsNumber() ? index.As<Napi::Number>().Uint32Value() : REFLOW_NO_INDEX;
    }
    End(const End&) = delete;
    End& operator=(const End&) = delete;
};

reflow_format format_argument(const Napi::CallbackInfo& info, std::size_t index) {
    return info[index].IsNumber() ? info[index].As<Napi::Number>().Int32Value() : REFLOW_FORMAT_AUTO;
}

Napi::Value document_places(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const std::string document = bytes_argument(info, 0, "document");
    const reflow_format format = format_argument(info, 1);
    const std::string name = text_argument(info, 2, "name");
    std::vector<std::string> paths;
    const auto array = info[3].As<Napi::Array>();
    for (std::uint32_t i = 0; i < array.Length(); ++i) {
        paths.push_back(array.Get(i).ToString().Utf8Value());
    }
    const std::vector<reflow_view> views = views_of(paths);
    reflow_message out{};
    must(env, [&](reflow_error** error) {
        return reflow_document_places(view_of(document), format, view_of(name), views.data(),
                                      views.size(), &out, error);
    });
    return take_value(env, out);
}

}  // namespace

Napi::Function GraphHandle::define(Napi::Env env) {
    return DefineClass(env, "GraphHandle",
                       {
                           InstanceMethod<&GraphHandle::create>("create"),
                           InstanceMethod<&GraphHandle::parse>("parse"),
                           InstanceMethod<&GraphHandle::load>("load"),
                           InstanceMethod<&GraphHandle::copy_from>("copyFrom"),
                           InstanceMethod<&GraphHandle::equals>("equals"),
                           InstanceMethod<&GraphHandle::document>("document"),
                           InstanceMethod<&GraphHandle::serialize>("serialize"),
                           InstanceMethod<&GraphHandle::save>("save"),
                           InstanceMethod<&GraphHandle::add_node>("addNode"),
                           InstanceMethod<&GraphHandle::remove_node>("removeNode"),
                           InstanceMethod<&GraphHandle::rename_node>("renameNode"),
                           InstanceMethod<&GraphHandle::set_component>("setComponent"),
                           InstanceMethod<&GraphHandle::config>("config"),
                           InstanceMethod<&GraphHandle::set_config>("setConfig"),
                           InstanceMethod<&GraphHandle::set_config_value>("setConfigValue"),
                           InstanceMethod<&GraphHandle::resolve_env>("resolveEnv"),
                           InstanceMethod<&GraphHandle::connect>("connect"),
                           InstanceMethod<&GraphHandle::disconnect>("disconnect"),
                           InstanceMethod<&GraphHandle::add_initial>("addInitial"),
                           InstanceMethod<&GraphHandle::remove_initials>("removeInitials"),
                           InstanceMethod<&GraphHandle::expose>("expose"),
                           InstanceMethod<&GraphHandle::hide>("hide"),
                           InstanceMethod<&GraphHandle::add_group>("addGroup"),
                           InstanceMethod<&GraphHandle::remove_group>("removeGroup"),
                           InstanceMethod<&GraphHandle::set_property>("setProperty"),
                           InstanceMethod<&GraphHandle::count>("count"),
                           InstanceMethod<&GraphHandle::validate>("validate"),
                           InstanceMethod<&GraphHandle::draw>("draw"),
                       });
}

GraphHandle::GraphHandle(const Napi::CallbackInfo& info) : Napi::ObjectWrap<GraphHandle>(info) {}

GraphHandle::~GraphHandle() { reflow_graph_destroy(graph_); }

void GraphHandle::set(reflow_graph* graph) {
    reflow_graph_destroy(graph_);
    graph_ = graph;
}

// ---- whole documents ----------------------------------------------------------------------------

Napi::Value GraphHandle::create(const Napi::CallbackInfo& info) {
    const std::string name = text_argument(info, 0, "name");
    reflow_graph* graph = nullptr;
    must(info.Env(),
         [&](reflow_error** error) { return reflow_graph_create(view_of(name), &graph, error); });
    set(graph);
    return info.This();
}

Napi::Value GraphHandle::parse(const Napi::CallbackInfo& info) {
    const std::string document = bytes_argument(info, 0, "document");
    const reflow_format format = format_argument(info, 1);
    const std::string name = text_argument(info, 2, "name");
    reflow_graph* graph = nullptr;
    must(info.Env(), [&](reflow_error** error) {
        return reflow_graph_load(view_of(document), format, view_of(name), &graph, error);
    });
    set(graph);
    return info.This();
}

Napi::Value GraphHandle::load(const Napi::CallbackInfo& info) {
    const std::string path = text_argument(info, 0, "path");
    reflow_graph* graph = nullptr;
    must(info.Env(),
         [&](reflow_error** error) { return reflow_graph_load_file(view_of(path), &graph, error); });
    set(graph);
    return info.This();
}

Napi::Value GraphHandle::copy_from(const Napi::CallbackInfo& info) {
    const GraphHandle* other = Unwrap(info[0].As<Napi::Object>());
    reflow_graph* graph = nullptr;
    must(info.Env(),
         [&](reflow_error** error) { return reflow_graph_copy(other->get(), &graph, error); });
    set(graph);
    return info.This();
}

Napi::Value GraphHandle::equals(const Napi::CallbackInfo& info) {
    const GraphHandle* other = Unwrap(info[0].As<Napi::Object>());
    return Napi::Boolean::New(info.Env(), reflow_graph_equal(graph_, other->get()));
}

Napi::Value GraphHandle::document(const Napi::CallbackInfo& info) {
    reflow_message out{};
    must(info.Env(),
         [&](reflow_error** error) { return reflow_graph_to_message(graph_, &out, error); });
    return take_value(info.Env(), out);
}

Napi::Value GraphHandle::serialize(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const reflow_format format = format_argument(info, 0);
    reflow_buffer* buffer = nullptr;
    must(env, [&](reflow_error** error) {
        return reflow_graph_save(graph_, format, &buffer, error);
    });
    if (format != REFLOW_FORMAT_MSGPACK) return take_text(env, buffer);
    const reflow_view bytes = reflow_buffer_get(buffer);
    const auto copy = Napi::Buffer<char>::Copy(env, bytes.data, bytes.size);
    reflow_buffer_destroy(buffer);
    return copy;
}

Napi::Value GraphHandle::save(const Napi::CallbackInfo& info) {
    const std::string path = text_argument(info, 0, "path");
    const reflow_format format = format_argument(info, 1);
    must(info.Env(), [&](reflow_error** error) {
        return reflow_graph_save_file(graph_, view_of(path), format, error);
    });
    return info.Env().Undefined();
}

// ---- nodes --------------------------------------------------------------------------------------

Napi::Value GraphHandle::add_node(const Napi::CallbackInfo& info) {
    const std::string id = text_argument(info, 0, "the id of a node");
    const std::string component = text_argument(info, 1, "a component");
    const reflow_message config = to_message_or_none(info.Env(), info[2]);
    must(info.Env(), [&](reflow_error** error) {
        return reflow_graph_add_node(graph_, view_of(id), view_of(component), config, error);
    });
    return info.Env().Undefined();
}

Napi::Value GraphHandle::remove_node(const Napi::CallbackInfo& info) {
    const std::string id = text_argument(info, 0, "the id of a node");
    must(info.Env(), [&](reflow_error** error) {
        return reflow_graph_remove_node(graph_, view_of(id), error);
    });
    return info.Env().Undefined();
}

Napi::Value GraphHandle::rename_node(const Napi::CallbackInfo& info) {
    const std::string id = text_argument(info, 0, "the id of a node");
    const std::string new_id = text_argument(info, 1, "the new id of a node");
    must(info.Env(), [&](reflow_error** error) {
        return reflow_graph_rename_node(graph_, view_of(id), view_of(new_id), error);
    });
    return info.Env().Undefined();
}

Napi::Value GraphHandle::set_component(const Napi::CallbackInfo& info) {
    const std::string id = text_argument(info, 0, "the id of a node");
    const std::string component = text_argument(info, 1, "a component");
    must(info.Env(), [&](reflow_error** error) {
        return reflow_graph_set_component(graph_, view_of(id), view_of(component), error);
    });
    return info.Env().Undefined();
}

Napi::Value GraphHandle::config(const Napi::CallbackInfo& info) {
    const std::string id = text_argument(info, 0, "the id of a node");
    reflow_message out{};
    must(info.Env(), [&](reflow_error** error) {
        return reflow_graph_get_config(graph_, view_of(id), &out, error);
    });
    return to_value(info.Env(), out);
}

Napi::Value GraphHandle::set_config(const Napi::CallbackInfo& info) {
    const std::string id = text_argument(info, 0, "the id of a node");
    const reflow_message config = to_message_or_none(info.Env(), info[1]);
    must(info.Env(), [&](reflow_error** error) {
        return reflow_graph_set_config(graph_, view_of(id), config, error);
    });
    return info.Env().Undefined();
}

Napi::Value GraphHandle::set_config_value(const Napi::CallbackInfo& info) {
    const std::string id = text_argument(info, 0, "the id of a node");
    const std::string key = text_argument(info, 1, "the key of a value");
    const reflow_message value = to_message_or_none(info.Env(), info[2]);
    must(info.Env(), [&](reflow_error** error) {
        return reflow_graph_set_config_value(graph_, view_of(id), view_of(key), value, error);
    });
    return info.Env().Undefined();
}

Napi::Value GraphHandle::resolve_env(const Napi::CallbackInfo& info) {
    const reflow_message environment = to_message_or_none(info.Env(), info[0]);
    must(info.Env(), [&](reflow_error** error) {
        return reflow_graph_resolve_env(graph_, environment, error);
    });
    return info.Env().Undefined();
}

// ---- connections, packets, ports, groups --------------------------------------------------------

Napi::Value GraphHandle::connect(const Napi::CallbackInfo& info) {
    const End from(info, 0);
    const End to(info, 3);
    const reflow_message metadata = to_message_or_none(info.Env(), info[6]);
    must(info.Env(), [&](reflow_error** error) {
        return reflow_graph_connect(graph_, &from.value, &to.value, metadata, error);
    });
    return info.Env().Undefined();
}

Napi::Value GraphHandle::disconnect(const Napi::CallbackInfo& info) {
    const End from(info, 0);
    const End to(info, 3);
    must(info.Env(), [&](reflow_error** error) {
        return reflow_graph_disconnect(graph_, &from.value, &to.value, error);
    });
    return info.Env().Undefined();
}

Napi::Value GraphHandle::add_initial(const Napi::CallbackInfo& info) {
    const End to(info, 0);
    const reflow_message data = to_message(info.Env(), info[3]);
    must(info.Env(), [&](reflow_error** error) {
        return reflow_graph_add_initial(graph_, &to.value, data, error);
    });
    return info.Env().Undefined();
}

Napi::Value GraphHandle::remove_initials(const Napi::CallbackInfo& info) {
    const End to(info, 0);
    must(info.Env(), [&](reflow_error** error) {
        return reflow_graph_remove_initials(graph_, &to.value, error);
    });
    return info.Env().Undefined();
}

// (out, name, node, port, index, type)
Napi::Value GraphHandle::expose(const Napi::CallbackInfo& info) {
    const bool out = info[0].ToBoolean();
    const std::string name = text_argument(info, 1, "the name of a port");
    const End end(info, 2);
    const std::string type = text_argument(info, 5, "the type of a port");
    must(info.Env(), [&](reflow_error** error) {
        return out ? reflow_graph_add_outport(graph_, view_of(name), &end.value, view_of(type), error)
                   : reflow_graph_add_inport(graph_, view_of(name), &end.value, view_of(type), error);
    });
    return info.Env().Undefined();
}

Napi::Value GraphHandle::hide(const Napi::CallbackInfo& info) {
    const bool out = info[0].ToBoolean();
    const std::string name = text_argument(info, 1, "the name of a port");
    must(info.Env(), [&](reflow_error** error) {
        return out ? reflow_graph_remove_outport(graph_, view_of(name), error)
                   : reflow_graph_remove_inport(graph_, view_of(name), error);
    });
    return info.Env().Undefined();
}

Napi::Value GraphHandle::add_group(const Napi::CallbackInfo& info) {
    const std::string id = text_argument(info, 0, "the id of a group");
    const Options options(info.Env(), info[1]);
    const std::vector<std::string> nodes = options.texts("nodes");
    const std::vector<reflow_view> views = views_of(nodes);
    must(info.Env(), [&](reflow_error** error) {
        return reflow_graph_add_group(graph_, view_of(id), views.data(), views.size(), error);
    });
    return info.Env().Undefined();
}

Napi::Value GraphHandle::remove_group(const Napi::CallbackInfo& info) {
    const std::string id = text_argument(info, 0, "the id of a group");
    must(info.Env(), [&](reflow_error** error) {
        return reflow_graph_remove_group(graph_, view_of(id), error);
    });
    return info.Env().Undefined();
}

Napi::Value GraphHandle::set_property(const Napi::CallbackInfo& info) {
    const std::string key = text_argument(info, 0, "the key of a property");
    const reflow_message value = to_message_or_none(info.Env(), info[1]);
    must(info.Env(), [&](reflow_error** error) {
        return reflow_graph_set_property(graph_, view_of(key), value, error);
    });
    return info.Env().Undefined();
}

// ---- looking at it ------------------------------------------------------------------------------

// 0 nodes, 1 connections, 2 initial packets
Napi::Value GraphHandle::count(const Napi::CallbackInfo& info) {
    const std::int32_t what = info[0].ToNumber().Int32Value();
    const std::size_t count = what == 0   ? reflow_graph_node_count(graph_)
                              : what == 1 ? reflow_graph_connection_count(graph_)
                                          : reflow_graph_initial_count(graph_);
    return Napi::Number::New(info.Env(), static_cast<double>(count));
}

// (runtime): whether the components of a runtime of its own are looked at
Napi::Value GraphHandle::validate(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    reflow_runtime* runtime = nullptr;
    if (info[0].ToBoolean()) {
        reflow_runtime_options options{};
        options.struct_size = sizeof options;
        options.mode = REFLOW_MODE_INLINE;  // no threads: it only knows the components
        must(env, [&](reflow_error** error) {
            return reflow_runtime_create(&options, &runtime, error);
        });
    }
    reflow_message out{};
    reflow_error* error = nullptr;
    const reflow_status status = reflow_graph_validate(graph_, runtime, &out, &error);
    reflow_runtime_destroy(runtime);
    check(env, status, error);
    return take_value(env, out);
}

// (kind, depth, dark)
Napi::Value GraphHandle::draw(const Napi::CallbackInfo& info) {
    const reflow_picture kind = info[0].ToNumber().Int32Value();
    reflow_picture_options options{};
    options.struct_size = sizeof options;
    options.depth = info[1].ToNumber().Uint32Value();
    options.dark = info[2].ToBoolean() ? 1 : 0;
    reflow_buffer* buffer = nullptr;
    must(info.Env(), [&](reflow_error** error) {
        return reflow_graph_render(graph_, kind, &options, &buffer, error);
    });
    return take_text(info.Env(), buffer);
}

void export_graph(Napi::Object exports) {
    exports.Set("GraphHandle", GraphHandle::define(exports.Env()));
    export_function(exports, "documentPlaces", document_places);
}

}  // namespace reflow_node
