// A discovery server: the table behind a lock, and a port that serves it.
// Neighbours: discovery_registry (the table), capi above. Thread: any.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string_view>

#include "base/clock.hpp"
#include "io/wire.hpp"
#include "peer/discovery_registry.hpp"

namespace reflow::peer {

class DiscoveryServer final : public Allocated, private io::PortHandler {
public:
    struct Options {
        DiscoveryRegistry::Options registry;
        io::TlsOptions tls;
        std::function<void(reflow_log_level level, std::string_view text)> log;
        io::ThreadHooks threads{};
    };
    explicit DiscoveryServer(Options options);
    ~DiscoveryServer();

    [[nodiscard]] io::HttpResponse answer(const io::HttpRequest& request);

    // Listens. REFLOW_ERROR_IO, REFLOW_ERROR_INVALID_STATE while it does already.
    Result<void> serve(std::string_view address, std::uint16_t port);
    [[nodiscard]] std::uint16_t port() const;
    // Not on the thread of its port. What is open ends.
    void stop();

private:
    io::WireHandler* accepted(io::Wire& wire) override;
    io::HttpResponse request(const io::HttpRequest& request) override;

    const Options options_;
    const SystemClock clock_;

    std::mutex table_mutex_;  // guards registry_; nothing is called under it
    DiscoveryRegistry registry_;

    mutable std::mutex port_mutex_;  // guards all below; taken before no other
    std::unique_ptr<io::WireHost> wires_;  // NULL while it does not listen
    std::uint16_t port_ = 0;
};

}  // namespace reflow::peer
