// Peers, meshes of peers and discovery servers as classes of Python.
#pragma once

#include "guarded.hpp"

#include <memory>
#include <optional>

namespace reflowpy {

using PeerHandle = Guarded<reflow_peer, reflow_peer_destroy>;
using MeshHandle = Guarded<reflow_mesh, reflow_mesh_destroy>;

// A peer of its own; or one of a mesh, which ends it: that is found by its execution at each call.
struct Peer {
    std::shared_ptr<PeerHandle> own;
    std::shared_ptr<MeshHandle> mesh;
    std::string execution;
};

// The peer for the time of a call, whoever owns it.
class PeerUse {
public:
    explicit PeerUse(const Peer &peer) : own_handle_(peer.own), mesh_handle_(peer.mesh)
    {
        if (own_handle_ != nullptr) {
            own_.emplace(*own_handle_);
            peer_ = own_->get();
        } else {
            mesh_.emplace(*mesh_handle_);
            call([&](reflow_error **error) {
                return reflow_mesh_peer(mesh_->get(), view(peer.execution), &peer_, error);
            });
        }
    }
    [[nodiscard]] reflow_peer *get() const { return peer_; }

private:
    // These outlive the uses below, which stand behind them.
    std::shared_ptr<PeerHandle> own_handle_;
    std::shared_ptr<MeshHandle> mesh_handle_;
    std::optional<PeerHandle::Use> own_;
    std::optional<MeshHandle::Use> mesh_;
    reflow_peer *peer_ = nullptr;
};

void bind_peer(py::module_ &module);
void bind_discovery(py::module_ &module);

} // namespace reflowpy
