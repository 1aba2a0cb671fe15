// Meshes of section 21 of reflow.h: a peer for each execution, made of the functions that hosts have.
// Neighbours: peer.cpp. Thread: any; one lock, under which no peer is called.
#include "capi/guard.hpp"
#include "capi/handles.hpp"
#include "capi/modules.hpp"

#if REFLOW_WITH_PEER
#include <array>
#include <memory>
#include <mutex>

#include "capi/ending.hpp"
#include "peer/limits.hpp"
#endif

using namespace reflow;
using namespace reflow::capi;

#if REFLOW_WITH_PEER

namespace {

using PeerHandle = std::shared_ptr<reflow_peer>;

// What a function of the interface has answered, as ours answer.
template <typename Call>
Result<void> result_of(Call call) {
    reflow_error* error = nullptr;
    reflow_status status = call(&error);
    if (status == REFLOW_OK) return {};
    reflow_place place{};
    place.struct_size = sizeof place;
    (void)reflow_error_place(error, &place);
    Result<void> failed = Failure(status, view_of(reflow_error_message(error)))
                              .hint(view_of(reflow_error_hint(error)))
                              .file(view_of(place.file));
    reflow_error_destroy(error);
    return failed;
}

constexpr std::uint32_t usual_ports_count = 1000;

}  // namespace

struct reflow_mesh : reflow::capi::Endable {
    // A list of texts, and views of them.
    struct Texts {
        Vector<String> texts;
        Vector<reflow_view> views;
    };
    // What the options of peers point to.
    std::array<String, 8> texts;
    std::array<Texts, 3> lists;
    reflow_peer_options options{};
    std::uint32_t base_port = 0, ports_count = 0;
    mutable std::mutex mutex;
    TextMap<PeerHandle> peers;  // under mutex; NULL while one is being made
};

namespace {

// Copies what the options point to.
void keep(reflow_mesh& mesh, const reflow_peer_options& given) {
    reflow_peer_options& own = mesh.options;
    own = given;
    own.struct_size = sizeof own;
    own.bind_port = 0;
    own.instance_id = {};
    reflow_view* const texts[] = {&own.network_id,        &own.bind_address,
                                  &own.auth_token,        &own.discovery_token,
                                  &own.advertise_address, &own.tls_certificate_file,
                                  &own.tls_key_file,      &own.tls_ca_file};
    static_assert(std::size(texts) == std::tuple_size_v<decltype(mesh.texts)>);
    for (std::size_t i = 0; i < std::size(texts); ++i) {
        mesh.texts[i] = view_of(*texts[i]);
        *texts[i] = {mesh.texts[i].data(), mesh.texts[i].size()};
    }
    const std::pair<const reflow_view**, std::size_t> lists[] = {
        {&own.allowed_networks, own.allowed_networks_count},
        {&own.discovery_endpoints, own.discovery_endpoints_count},
        {&own.allowed_origins, own.allowed_origins_count}};
    for (std::size_t i = 0; i < std::size(lists); ++i) {
        auto& [texts_of, views] = mesh.lists[i];
        const auto& [list, count] = lists[i];
        for (std::size_t k = 0; k < count; ++k) texts_of.emplace_back(view_of((*list)[k]));
        for (const String& one : texts_of) views.push_back({one.data(), one.size()});
        *list = views.empty() ? nullptr : views.data();
    }
}

Result<PeerHandle> make_peer(const reflow_mesh& mesh, const String& instance) {
    reflow_peer_options options = mesh.options;
    options.instance_id = {instance.data(), instance.size()};
    reflow_peer* made = nullptr;
    Result<void> done = result_of([&](reflow_error** error) {
        auto* runtime = reinterpret_cast<reflow_runtime*>(mesh.runtime.get());
        return reflow_peer_create(runtime, &options, &made, error);
    });
    if (!done.ok()) return done.take_error();
    return PeerHandle(made, reflow_peer_destroy);
}

// On the first port that is free.
Result<PeerHandle> start_peer(const reflow_mesh& mesh, std::string_view execution,
                              reflow_network* network) {
    const String instance = concat(view_of(mesh.options.network_id), "_", execution);
    Result<void> last = {};
    for (std::uint32_t i = 0; i < mesh.ports_count; ++i) {
        Result<PeerHandle> made = make_peer(mesh, instance);
        if (!made.ok()) return made;
        reflow_peer* peer = made.value().get();
        reflow_view at = mesh.options.bind_address;
        if (at.size == 0) at = reflow_str("0.0.0.0");
        auto step = [&](auto call) {
            if (last.ok()) last = result_of(call);
        };
        last = {};
        step([&](reflow_error** e) { return reflow_peer_bind(peer, at, mesh.base_port + i, e); });
        if (network != nullptr) {
            step([&](reflow_error** e) { return reflow_peer_attach(peer, network, e); });
        }
        step([&](reflow_error** e) { return reflow_peer_start(peer, e); });
        if (last.ok()) return made;
        // What is wrong with a file is so on all ports.
        const bool taken = last.error().status == REFLOW_ERROR_IO && last.error().file.empty();
        if (!taken) return last.take_error();
    }
    return Failure(REFLOW_ERROR_IO,
                   concat("none of the ports from ", mesh.base_port, " to ",
                          mesh.base_port + mesh.ports_count - 1, " is free; the last: ",
                          last.error().message));
}

Result<void> assign(reflow_mesh& mesh, std::string_view execution, reflow_network* network,
                    std::uint32_t* port) {
    if (execution.empty()) {
        return Failure(REFLOW_ERROR_INVALID_ARGUMENT, "the execution has no name");
    }
    {
        std::lock_guard lock(mesh.mutex);
        if (mesh.peers.find(execution) != mesh.peers.end()) {
            return Failure(REFLOW_ERROR_ALREADY_EXISTS,
                           concat("execution ", execution, " has a peer"));
        }
        if (mesh.peers.size() >= limits::mesh_executions_count) {
            return Failure(REFLOW_ERROR_LIMIT, concat("a mesh has at most ",
                                                      limits::mesh_executions_count,
                                                      " executions"));
        }
        mesh.peers.emplace(String(execution), PeerHandle());
    }
    Result<PeerHandle> started = start_peer(mesh, execution, network);
    std::lock_guard lock(mesh.mutex);
    auto place = mesh.peers.find(execution);
    if (!started.ok()) {
        mesh.peers.erase(place);
        return started.take_error();
    }
    if (port != nullptr) *port = reflow_peer_port(started.value().get());
    place->second = std::move(started).take();
    return {};
}

Result<PeerHandle> find(const reflow_mesh& mesh, std::string_view execution) {
    std::lock_guard lock(mesh.mutex);
    auto found = mesh.peers.find(execution);
    if (found != mesh.peers.end() && found->second) return found->second;
    return Failure(REFLOW_ERROR_NOT_FOUND, concat("execution ", execution, " has no peer"));
}

}  // namespace

extern "C" {

reflow_status reflow_mesh_create(reflow_runtime* runtime, const reflow_mesh_options* options,
                                 reflow_mesh** out, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (out == nullptr) return null_argument("out");
        *out = nullptr;
        if (Result<void> fine = usable(runtime); !fine.ok()) return fine;
        if (options == nullptr) return null_argument("options");
        Result<reflow_mesh_options> fields = read_options(options, "reflow_mesh_options");
        if (!fields.ok()) return fields.take_error();
        const reflow_mesh_options& from = fields.value();
        if (from.peer == nullptr) return null_argument("options.peer");
        Result<reflow_peer_options> of_peer = read_options(from.peer, "reflow_peer_options");
        if (!of_peer.ok()) return of_peer.take_error();
        const std::uint32_t count = from.ports_count == 0 ? usual_ports_count : from.ports_count;
        if (from.base_port == 0 || from.base_port > UINT16_MAX) {
            return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                           concat("base_port ", from.base_port, " is none of 1 to ", UINT16_MAX));
        }
        auto made = std::unique_ptr<reflow_mesh>(new reflow_mesh);
        made->runtime = Ref<network::Runtime>::share(runtime_of(runtime));
        made->base_port = from.base_port;
        made->ports_count = std::min(count, UINT16_MAX - from.base_port + 1);
        // What is wrong with the options is told now, by one that is not started.
        Result<void> fine = result_of([&](reflow_error** e) {
            reflow_peer* probe = nullptr;
            reflow_status status = reflow_peer_create(runtime, from.peer, &probe, e);
            reflow_peer_destroy(probe);
            return status;
        });
        if (!fine.ok()) return fine;
        keep(*made, of_peer.value());
        *out = made.release();
        return {};
    });
}

reflow_status reflow_mesh_assign(reflow_mesh* mesh, reflow_view execution,
                                 reflow_network* network, uint32_t* port, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (port != nullptr) *port = 0;
        if (mesh == nullptr) return null_argument("mesh");
        const Use use(*mesh);
        Result<std::string_view> name = text_argument(execution, "execution");
        if (!name.ok()) return name.take_error();
        return assign(*mesh, name.value(), network, port);
    });
}

reflow_status reflow_mesh_peer(const reflow_mesh* mesh, reflow_view execution, reflow_peer** out,
                               reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (out == nullptr) return null_argument("out");
        *out = nullptr;
        if (mesh == nullptr) return null_argument("mesh");
        Result<std::string_view> name = text_argument(execution, "execution");
        if (!name.ok()) return name.take_error();
        Result<PeerHandle> found = find(*mesh, name.value());
        if (!found.ok()) return found.take_error();
        *out = found.value().get();
        return {};
    });
}

reflow_status reflow_mesh_connect(reflow_mesh* mesh, reflow_view execution, reflow_view endpoint,
                                  int64_t timeout_ms, reflow_message* network,
                                  reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (network != nullptr) *network = {};
        if (mesh == nullptr) return null_argument("mesh");
        const Use use(*mesh);
        Result<std::string_view> name = text_argument(execution, "execution");
        if (!name.ok()) return name.take_error();
        Result<PeerHandle> found = find(*mesh, name.value());
        if (!found.ok()) {
            Result<void> made = assign(*mesh, name.value(), nullptr, nullptr);
            if (!made.ok()) return made;
            found = find(*mesh, name.value());
            if (!found.ok()) return found.take_error();
        }
        return result_of([&](reflow_error** e) {
            return reflow_peer_connect(found.value().get(), endpoint, timeout_ms, network, e);
        });
    });
}

size_t reflow_mesh_count(const reflow_mesh* mesh) {
    if (mesh == nullptr) return 0;
    std::lock_guard lock(mesh->mutex);
    return mesh->peers.size();
}

reflow_status reflow_mesh_teardown(reflow_mesh* mesh, reflow_view execution,
                                   reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (mesh == nullptr) return null_argument("mesh");
        const Use use(*mesh);
        Result<std::string_view> name = text_argument(execution, "execution");
        if (!name.ok()) return name.take_error();
        Result<PeerHandle> found = find(*mesh, name.value());
        if (!found.ok()) return found.take_error();
        constexpr std::int64_t end_ms = 5000;
        Result<void> stopped = result_of([&](reflow_error** e) {
            return reflow_peer_stop(found.value().get(), end_ms, e);
        });
        if (!stopped.ok()) return stopped;
        std::lock_guard lock(mesh->mutex);
        if (auto place = mesh->peers.find(name.value()); place != mesh->peers.end()) {
            mesh->peers.erase(place);  // found keeps it until the lock is free again
        }
        return {};
    });
}

void reflow_mesh_destroy(reflow_mesh* mesh) { capi::Endable::destroy(mesh); }

}  // extern "C"

#else

extern "C" {

reflow_status reflow_mesh_create(reflow_runtime*, const reflow_mesh_options*, reflow_mesh** out,
                                 reflow_error** error) {
    if (out != nullptr) *out = nullptr;
    return no_peers(error);
}
reflow_status reflow_mesh_assign(reflow_mesh*, reflow_view, reflow_network*, uint32_t*,
                                 reflow_error** error) {
    return no_peers(error);
}
reflow_status reflow_mesh_peer(const reflow_mesh*, reflow_view, reflow_peer** out,
                               reflow_error** error) {
    if (out != nullptr) *out = nullptr;
    return no_peers(error);
}
reflow_status reflow_mesh_connect(reflow_mesh*, reflow_view, reflow_view, int64_t, reflow_message*,
                                  reflow_error** error) {
    return no_peers(error);
}
size_t reflow_mesh_count(const reflow_mesh*) { return 0; }
reflow_status reflow_mesh_teardown(reflow_mesh*, reflow_view, reflow_error** error) {
    return no_peers(error);
}
void reflow_mesh_destroy(reflow_mesh*) {}

}  // extern "C"

#endif
