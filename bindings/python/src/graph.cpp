// Graphs: each function of section 9 of reflow.h as a method; reflow/graph.py makes them comfortable.
#include "graph.hpp"

namespace reflowpy {

namespace {

using Port = std::tuple<std::string, std::string, std::optional<uint32_t>>;

// Views into the texts of a Port, which has to live as long.
reflow_endpoint endpoint(const Port &port)
{
    reflow_endpoint out{};
    out.node = view(std::get<0>(port));
    out.port = view(std::get<1>(port));
    out.index = std::get<2>(port).value_or(REFLOW_NO_INDEX);
    return out;
}

// A value as a message; none for an absent one (the object Ellipsis).
reflow_message message_or_none(const py::object &value)
{
    if (value.ptr() == Py_Ellipsis) return reflow_message{};
    return message_from(value);
}

Graph graph_copy(const Graph &graph)
{
    reflow_graph *out = nullptr;
    call([&](reflow_error **error) { return reflow_graph_copy(graph.handle.get(), &out, error); });
    return {GraphOwned(out)};
}

Graph graph_create(const std::string &name)
{
    reflow_graph *out = nullptr;
    call([&](reflow_error **error) { return reflow_graph_create(view(name), &out, error); });
    return {GraphOwned(out)};
}

Graph graph_load(const py::bytes &document, int32_t format, const std::string &name)
{
    char *data = nullptr;
    Py_ssize_t size = 0;
    must(PyBytes_AsStringAndSize(document.ptr(), &data, &size) == 0);
    const reflow_view content{data, static_cast<size_t>(size)};
    reflow_graph *out = nullptr;
    call_unlocked([&](reflow_error **error) {
        return reflow_graph_load(content, format, view(name), &out, error);
    });
    return {GraphOwned(out)};
}

Graph graph_load_file(const std::string &path)
{
    reflow_graph *out = nullptr;
    call_unlocked(
        [&](reflow_error **error) { return reflow_graph_load_file(view(path), &out, error); });
    return {GraphOwned(out)};
}

// The copy is what is written without the interpreter's lock: the graph may be changed meanwhile.
void graph_save_file(const Graph &graph, const std::string &path, int32_t format)
{
    const Graph copy = graph_copy(graph);
    call_unlocked([&](reflow_error **error) {
        return reflow_graph_save_file(copy.handle.get(), view(path), format, error);
    });
}

py::bytes graph_save(const Graph &graph, int32_t format)
{
    reflow_buffer *out = nullptr;
    call([&](reflow_error **error) {
        return reflow_graph_save(graph.handle.get(), format, &out, error);
    });
    return bytes_of(Buffer(out));
}

py::str graph_render(const Graph &graph, int32_t kind, uint32_t depth, bool dark)
{
    reflow_picture_options options{};
    options.struct_size = sizeof options;
    options.depth = depth;
    options.dark = dark ? 1 : 0;
    reflow_buffer *out = nullptr;
    call([&](reflow_error **error) {
        return reflow_graph_render(graph.handle.get(), kind, &options, &out, error);
    });
    const Buffer buffer(out);
    return text(reflow_buffer_get(buffer.get()));
}

py::object document_places(const py::bytes &document, const std::vector<std::string> &paths,
                           int32_t format, const std::string &name)
{
    char *data = nullptr;
    Py_ssize_t size = 0;
    must(PyBytes_AsStringAndSize(document.ptr(), &data, &size) == 0);
    std::vector<reflow_view> views;
    for (const std::string &path : paths) views.push_back(view(path));
    return message_of([&](reflow_message *out, reflow_error **error) {
        return reflow_document_places({data, static_cast<size_t>(size)}, format, view(name),
                                      views.data(), views.size(), out, error);
    });
}

// ---- edits -------------------------------------------------------------------------------------

void add_node(Graph &graph, const std::string &id, const std::string &component,
              const py::object &config)
{
    const reflow_message message = message_or_none(config);
    call([&](reflow_error **error) {
        return reflow_graph_add_node(graph.handle.get(), view(id), view(component), message, error);
    });
}

void set_config(Graph &graph, const std::string &id, const py::object &config)
{
    const reflow_message message = message_or_none(config);
    call([&](reflow_error **error) {
        return reflow_graph_set_config(graph.handle.get(), view(id), message, error);
    });
}

void set_config_value(Graph &graph, const std::string &id, const std::string &key,
                      const py::object &value)
{
    const reflow_message message = message_or_none(value);
    call([&](reflow_error **error) {
        return reflow_graph_set_config_value(graph.handle.get(), view(id), view(key), message,
                                             error);
    });
}

void resolve_env(Graph &graph, const py::object &environment)
{
    const reflow_message message = message_or_none(environment);
    call([&](reflow_error **error) {
        return reflow_graph_resolve_env(graph.handle.get(), message, error);
    });
}

void connect(Graph &graph, const Port &from, const Port &to, const py::object &metadata)
{
    const reflow_message message = message_or_none(metadata);
    const reflow_endpoint source = endpoint(from);
    const reflow_endpoint target = endpoint(to);
    call([&](reflow_error **error) {
        return reflow_graph_connect(graph.handle.get(), &source, &target, message, error);
    });
}

void disconnect(Graph &graph, const Port &from, const Port &to)
{
    const reflow_endpoint source = endpoint(from);
    const reflow_endpoint target = endpoint(to);
    call([&](reflow_error **error) {
        return reflow_graph_disconnect(graph.handle.get(), &source, &target, error);
    });
}

void add_initial(Graph &graph, const Port &to, const py::object &value)
{
    const reflow_message message = message_from(value);
    const reflow_endpoint target = endpoint(to);
    call([&](reflow_error **error) {
        return reflow_graph_add_initial(graph.handle.get(), &target, message, error);
    });
}

void set_property(Graph &graph, const std::string &key, const py::object &value)
{
    const reflow_message message = message_or_none(value);
    call([&](reflow_error **error) {
        return reflow_graph_set_property(graph.handle.get(), view(key), message, error);
    });
}

void add_group(Graph &graph, const std::string &id, const std::vector<std::string> &nodes)
{
    std::vector<reflow_view> views;
    for (const std::string &node : nodes) views.push_back(view(node));
    call([&](reflow_error **error) {
        return reflow_graph_add_group(graph.handle.get(), view(id), views.data(), views.size(),
                                      error);
    });
}

// Edits that take texts alone.
using TextEdit = reflow_status (*)(reflow_graph *, reflow_view, reflow_error **);
template <TextEdit Edit> void text_edit(Graph &graph, const std::string &name)
{
    call([&](reflow_error **error) { return Edit(graph.handle.get(), view(name), error); });
}

using PairEdit = reflow_status (*)(reflow_graph *, reflow_view, reflow_view, reflow_error **);
template <PairEdit Edit>
void pair_edit(Graph &graph, const std::string &id, const std::string &other)
{
    call([&](reflow_error **error) {
        return Edit(graph.handle.get(), view(id), view(other), error);
    });
}

using ExposeEdit = reflow_status (*)(reflow_graph *, reflow_view, const reflow_endpoint *,
                                     reflow_view, reflow_error **);
template <ExposeEdit Edit>
void expose_edit(Graph &graph, const std::string &name, const Port &port, const std::string &type)
{
    const reflow_endpoint at = endpoint(port);
    call([&](reflow_error **error) {
        return Edit(graph.handle.get(), view(name), &at, view(type), error);
    });
}

void remove_initials(Graph &graph, const Port &to)
{
    const reflow_endpoint target = endpoint(to);
    call([&](reflow_error **error) {
        return reflow_graph_remove_initials(graph.handle.get(), &target, error);
    });
}

py::object config_of(const Graph &graph, const std::string &id)
{
    return message_of([&](reflow_message *out, reflow_error **error) {
        const reflow_status status =
            reflow_graph_get_config(graph.handle.get(), view(id), out, error);
        if (status == REFLOW_OK) *out = reflow_message_ref(*out);
        return status;
    });
}

void bind_edits(py::class_<Graph> &type)
{
    type.def("add_node", &add_node)
        .def("remove_node", &text_edit<reflow_graph_remove_node>)
        .def("rename_node", &pair_edit<reflow_graph_rename_node>)
        .def("set_component", &pair_edit<reflow_graph_set_component>)
        .def("set_config", &set_config)
        .def("set_config_value", &set_config_value)
        .def("resolve_env", &resolve_env)
        .def("connect", &connect)
        .def("disconnect", &disconnect)
        .def("add_initial", &add_initial)
        .def("remove_initials", &remove_initials)
        .def("add_inport", &expose_edit<reflow_graph_add_inport>)
        .def("add_outport", &expose_edit<reflow_graph_add_outport>)
        .def("remove_inport", &text_edit<reflow_graph_remove_inport>)
        .def("remove_outport", &text_edit<reflow_graph_remove_outport>)
        .def("add_group", &add_group)
        .def("remove_group", &text_edit<reflow_graph_remove_group>)
        .def("set_property", &set_property);
}

} // namespace

reflow_graph *graph_in(PyObject *object)
{
    if (!py::isinstance<Graph>(object)) {
        PyErr_Format(PyExc_TypeError, "a graph is wanted, not %.200s", Py_TYPE(object)->tp_name);
        return nullptr;
    }
    return py::cast<Graph &>(py::handle(object)).handle.get();
}

void bind_graph(py::module_ &module)
{
    py::class_<Graph> type(module, "Graph");
    bind_edits(type);
    type.def_static("create", &graph_create)
        .def_static("load", &graph_load)
        .def_static("load_file", &graph_load_file)
        .def("copy", &graph_copy)
        .def("save", &graph_save)
        .def("save_file", &graph_save_file)
        .def("render", &graph_render)
        .def("config", &config_of)
        .def("to_message",
             [](const Graph &graph) {
                 return message_of([&](reflow_message *out, reflow_error **error) {
                     return reflow_graph_to_message(graph.handle.get(), out, error);
                 });
             })
        .def("capsule", // for the constructor of Network, which copies it at once
             [](const Graph &graph) { return py::capsule(graph.handle.get(), "reflow.graph"); })
        .def("equal",
             [](const Graph &a, const Graph &b) {
                 return reflow_graph_equal(a.handle.get(), b.handle.get());
             })
        .def_property_readonly(
            "node_count",
            [](const Graph &graph) { return reflow_graph_node_count(graph.handle.get()); })
        .def_property_readonly(
            "connection_count",
            [](const Graph &graph) { return reflow_graph_connection_count(graph.handle.get()); })
        .def_property_readonly("initial_count", [](const Graph &graph) {
            return reflow_graph_initial_count(graph.handle.get());
        });
    module.def("document_places", &document_places);
}

} // namespace reflowpy
