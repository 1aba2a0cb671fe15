// A discovery server on a port of its own. Thread: see discovery_server.hpp.
#include "peer/discovery_server.hpp"

#include "base/text.hpp"
#include "peer/endpoints.hpp"
#include "peer/http.hpp"

namespace reflow::peer {

DiscoveryServer::DiscoveryServer(Options options)
    : options_(std::move(options)), registry_(options_.registry, clock_) {}

DiscoveryServer::~DiscoveryServer() { stop(); }

io::HttpResponse DiscoveryServer::answer(const io::HttpRequest& request) {
    std::lock_guard lock(table_mutex_);
    return registry_.answer(request);
}

Result<void> DiscoveryServer::serve(std::string_view address, std::uint16_t port) {
    if (address.empty()) address = "0.0.0.0";
    std::unique_lock lock(port_mutex_);
    if (wires_) {
        return Failure(REFLOW_ERROR_INVALID_STATE,
                       concat("the discovery server listens already, on port ", port_));
    }
    auto made = io::WireHost::create({options_.log, options_.threads});
    if (!made.ok()) return made.take_error();
    std::unique_ptr<io::WireHost> wires = std::move(made).take();
    io::PortOptions options;
    options.wire.tls = options_.tls;
    options.websocket = options.tcp = false;
    options.connections = limits::discovery_connections_count;
    // The table refuses what is too long in words, unless it is much too long.
    options.http_body_bytes = 4 * limits::discovery_body_bytes;
    Result<std::uint64_t> listener = wires->listen(address, port, options, *this, &port_);
    if (!listener.ok()) return listener.take_error();
    wires_ = std::move(wires);
    String place = host_and_port(address, port_);
    lock.unlock();
    std::string_view scheme = options_.tls.certificate_file.empty() ? "http" : "https";
    if (options_.log) {
        options_.log(REFLOW_LOG_INFO,
                     concat("reflow distributed server listening on ", scheme, "://", place));
    }
    return {};
}

std::uint16_t DiscoveryServer::port() const {
    std::lock_guard lock(port_mutex_);
    return port_;
}

void DiscoveryServer::stop() {
    std::unique_ptr<io::WireHost> ended;  // outside of the lock: it waits for its thread
    std::lock_guard lock(port_mutex_);
    ended.swap(wires_);
    port_ = 0;
}

// Wires are not what this port is for.
io::WireHandler* DiscoveryServer::accepted(io::Wire&) { return nullptr; }

io::HttpResponse DiscoveryServer::request(const io::HttpRequest& request) {
    if (request.foreign) return error_response(403, "pages of browsers are not let in");
    return answer(request);
}

}  // namespace reflow::peer
