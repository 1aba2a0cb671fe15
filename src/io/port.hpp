// A port: who comes is asked what it wants by its first bytes, and becomes a link or a guest with
// HTTP requests. Neighbours: the host of wires. Thread: on the loop, but where a line says
// otherwise.
#pragma once

#include <functional>

#include "io/link.hpp"

namespace reflow::io {

using LogCall = std::function<void(reflow_log_level, std::string_view)>;

class Guest;

class Port final : public RefCounted<Port>, public Member {
public:
    // Any thread: binds and listens, so that a failure is told at once; begin() follows on the
    // loop.
    static Result<Ref<Port>> open(Ref<Loop> loop, std::string_view address, std::uint16_t port,
                                  const PortOptions& options, PortHandler& handler, LogCall log);
    Port(Ref<Loop> loop, const PortOptions& options, PortHandler& handler, LogCall log)
        : loop_(std::move(loop)), options_(options), handler_(&handler), log_(std::move(log)) {}
    ~Port();
    [[nodiscard]] std::uint16_t bound() const noexcept { return bound_; }
    void begin();
    // No call of the handler but for wires that it has accepted.
    void finish() noexcept;

    void hold() noexcept override { ref(); }
    void let_go() noexcept override { unref(); }
    void poked() override {}
    void shut_down() noexcept override { finish(); }

private:
    friend class Guest;
    void accept_some();
    void welcome(int descriptor, const sockaddr_storage& from, unsigned length);
    [[nodiscard]] bool evict() noexcept;
    void left() noexcept { --connections_; }
    void log(reflow_log_level level, std::string_view text);

    const Ref<Loop> loop_;
    const PortOptions options_;
    PortHandler* handler_;  // NULL once finished
    const LogCall log_;
    Ref<TlsContext> tls_;
    int descriptor_ = -1;
    std::uint16_t bound_ = 0;
    Watch* watch_ = nullptr;
    std::uint64_t pause_ = 0;        // timer: no descriptors were left
    std::uint32_t connections_ = 0;  // guests and wires
    std::uint32_t waiting_ = 0;      // guests whose answer comes later
    bool full_told_ = false;
    Guest* guests_ = nullptr;
};

}  // namespace reflow::io
