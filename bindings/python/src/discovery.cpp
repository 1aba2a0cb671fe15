// Meshes of peers and discovery servers: the rest of section 21 of reflow.h.
#include "network_use.hpp"
#include "peer.hpp"
#include "waiting.hpp"

namespace reflowpy {

namespace {

using Discovery = Guarded<reflow_discovery, reflow_discovery_destroy>;

// ---- meshes ------------------------------------------------------------------------------------

// The options of the peers of a mesh. The texts are those of the dict, which has to live as long.
class PeerOptions {
public:
    explicit PeerOptions(const py::dict &from)
    {
        options_.struct_size = sizeof options_;
        options_.flags = number("flags", from);
        options_.network_id = {"mesh", 4}; // the mesh sets it for each peer
        options_.bind_address = string("bind_address", from);
        options_.auth_token = string("auth_token", from);
        options_.max_connections = number("max_connections", from);
        options_.heartbeat_interval_ms = number("heartbeat_interval_ms", from);
        options_.connect_timeout_ms = number("connect_timeout_ms", from);
        options_.handshake_timeout_ms = number("handshake_timeout_ms", from);
        options_.send_timeout_ms = number("send_timeout_ms", from);
        options_.window_packets = number("window_packets", from);
        options_.reconnect_attempts = number("reconnect_attempts", from);
        options_.tls_certificate_file = string("tls_certificate_file", from);
        options_.tls_key_file = string("tls_key_file", from);
        options_.tls_ca_file = string("tls_ca_file", from);
        if (from.contains("tls_verify") && !from["tls_verify"].cast<bool>()) {
            options_.flags |= REFLOW_PEER_NO_TLS_VERIFY;
        }
    }
    [[nodiscard]] const reflow_peer_options *get() const { return &options_; }

private:
    static uint32_t number(const char *key, const py::dict &from)
    {
        return from.contains(key) ? from[key].cast<uint32_t>() : 0;
    }
    reflow_view string(const char *key, const py::dict &from)
    {
        if (!from.contains(key)) return {"", 0};
        texts_.push_back(std::make_unique<std::string>(from[key].cast<std::string>()));
        return view(*texts_.back());
    }

    std::vector<std::unique_ptr<std::string>> texts_;
    reflow_peer_options options_{};
};

struct Mesh {
    std::shared_ptr<MeshHandle> handle;
};

Mesh mesh_create(const py::object &runtime, uint32_t base_port, uint32_t ports,
                 const py::dict &peer_options)
{
    const PeerOptions peer(peer_options);
    reflow_mesh_options options{};
    options.struct_size = sizeof options;
    options.base_port = base_port;
    options.ports_count = ports;
    options.peer = peer.get();
    reflow_mesh *out = nullptr;
    const RuntimeUse use(runtime);
    call([&](reflow_error **error) {
        return reflow_mesh_create(use.get(), &options, &out, error);
    });
    return {std::make_shared<MeshHandle>(out, "mesh")};
}

uint32_t mesh_assign(const Mesh &mesh, const std::string &execution, const py::object &network)
{
    const MeshHandle::Use use(*mesh.handle);
    uint32_t port = 0;
    std::optional<NetworkUse> attached;
    if (!network.is_none()) attached.emplace(network);
    call_unlocked([&](reflow_error **error) {
        return reflow_mesh_assign(use.get(), view(execution),
                                  attached ? attached->get() : nullptr, &port, error);
    });
    return port;
}

py::object mesh_connect(const Mesh &mesh, const std::string &execution, const std::string &endpoint,
                        const py::object &timeout)
{
    const int64_t limit = milliseconds(timeout);
    const std::shared_ptr<MeshHandle> handle = mesh.handle;
    return value_of(interruptible<reflow_message>(
        std::make_shared<std::pair<std::shared_ptr<MeshHandle>, MeshHandle::Use>>(
            std::piecewise_construct, std::forward_as_tuple(handle),
            std::forward_as_tuple(*handle)),
        [=](const auto &kept, reflow_message &network, reflow_error **error) {
            return reflow_mesh_connect(kept->second.get(), view(execution), view(endpoint), limit,
                                       &network, error);
        },
        drop_message));
}

void bind_mesh(py::module_ &module)
{
    py::class_<Mesh>(module, "Mesh")
        .def_static("create", &mesh_create)
        .def("assign", &mesh_assign)
        .def("connect", &mesh_connect)
        .def("peer",
             [](const Mesh &mesh, const std::string &execution) {
                 const Peer peer{nullptr, mesh.handle, execution};
                 const PeerUse there(peer); // raises if there is none
                 return peer;
             })
        .def("teardown",
             [](const Mesh &mesh, const std::string &execution) {
                 const MeshHandle::Use use(*mesh.handle);
                 call_unlocked([&](reflow_error **error) {
                     return reflow_mesh_teardown(use.get(), view(execution), error);
                 });
             })
        .def("count",
             [](const Mesh &mesh) { return reflow_mesh_count(MeshHandle::Use(*mesh.handle).get()); })
        .def("close", [](const Mesh &mesh) { mesh.handle->close(); });
}

// ---- discovery servers -------------------------------------------------------------------------

std::unique_ptr<Discovery> discovery_create(const py::object &runtime, uint32_t entry_ttl_ms,
                                            uint32_t prune_interval_ms, uint32_t max_entries,
                                            const std::string &token,
                                            const std::string &certificate_file,
                                            const std::string &key_file)
{
    reflow_discovery_options options{};
    options.struct_size = sizeof options;
    options.entry_ttl_ms = entry_ttl_ms;
    options.prune_interval_ms = prune_interval_ms;
    options.max_entries = max_entries;
    options.token = view(token);
    options.certificate_file = view(certificate_file);
    options.key_file = view(key_file);
    reflow_discovery *out = nullptr;
    const RuntimeUse use(runtime);
    call([&](reflow_error **error) {
        return reflow_discovery_create(use.get(), &options, &out, error);
    });
    return std::make_unique<Discovery>(out, "discovery server");
}

// Status, content type and body of the answer.
py::tuple discovery_handle(Discovery &discovery, const std::string &method, const std::string &path,
                           const std::string &query, const std::string &content_type,
                           const std::string &authorization, const py::bytes &body)
{
    const Discovery::Use use(discovery);
    char *data = nullptr;
    Py_ssize_t size = 0;
    must(PyBytes_AsStringAndSize(body.ptr(), &data, &size) == 0);
    reflow_http_request request{};
    request.struct_size = sizeof request;
    request.method = view(method);
    request.path = view(path);
    request.query = view(query);
    request.content_type = view(content_type);
    request.authorization = view(authorization);
    request.body = {data, static_cast<size_t>(size)};
    uint32_t http_status = 0;
    reflow_view type{};
    reflow_buffer *out = nullptr;
    call_unlocked([&](reflow_error **error) {
        return reflow_discovery_handle(use.get(), &request, &http_status, &type, &out, error);
    });
    return py::make_tuple(http_status, text(type), bytes_of(Buffer(out)));
}

void bind_servers(py::module_ &module)
{
    py::class_<Discovery>(module, "Discovery")
        .def_static("create", &discovery_create)
        .def("handle", &discovery_handle)
        .def("serve",
             [](Discovery &discovery, const std::string &address, uint32_t port) {
                 const Discovery::Use use(discovery);
                 call_unlocked([&](reflow_error **error) {
                     return reflow_discovery_serve(use.get(), view(address), port, error);
                 });
             })
        .def("port",
             [](Discovery &discovery) {
                 return reflow_discovery_port(Discovery::Use(discovery).get());
             })
        .def("stop",
             [](Discovery &discovery) {
                 const Discovery::Use use(discovery);
                 call_unlocked([&](reflow_error **error) {
                     return reflow_discovery_stop(use.get(), error);
                 });
             })
        .def("close", &Discovery::close);
}

} // namespace

void bind_discovery(py::module_ &module)
{
    bind_mesh(module);
    bind_servers(module);
}

} // namespace reflowpy
