// Snapshots on an interval: an actor of its own, outside of the network, on a thread that may
// block. Neighbours: snapshot (takes them), notifier (built likewise). Thread: turns of the
// runtime.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "network/runtime.hpp"
#include "runtime/actor.hpp"
#include "runtime/group.hpp"

namespace reflow::network {

class Network;

// What a network needs of them in its own end, so that a library without snapshots has no more.
class Checkpoints : public Allocated {
public:
    virtual ~Checkpoints() = default;
    // No snapshot begins from now on. On a thread of the host none is being taken or written when
    // this returns; inside a callback the end comes when the turn has ended, which keeps the
    // network until then.
    virtual void end() noexcept = 0;
};

class Checkpointer final : public Checkpoints, private runtime::Observer {
public:
    Checkpointer(Network& network, Runtime& runtime, std::string_view path, std::uint32_t keep,
                 std::uint64_t interval_ms, std::int64_t timeout_ms);
    ~Checkpointer() override;
    void begin() noexcept;
    void end() noexcept override;

private:
    static reflow_status run(reflow_context* context, void* self, reflow_packet*, std::size_t);
    void write(reflow_context& context);

    void completed(const runtime::Actor&, std::uint64_t, std::uint64_t) override {}
    void failed(const runtime::FailedFiring&) override {}
    void letter(const runtime::FailedFiring&) noexcept override {}
    runtime::AfterFailure escalated(const runtime::FailedFiring&, std::uint64_t) noexcept override {
        return runtime::AfterFailure::go_on;
    }
    void stop_for(const runtime::FailedFiring&) noexcept override {}
    void state(const runtime::Actor&, std::int32_t, std::uint32_t) override {}
    void emitted(const runtime::Actor&, std::uint32_t, std::uint32_t, MessageRef) override {}
    void sent(const runtime::Actor&, std::uint32_t, const runtime::Actor&, std::uint32_t,
              MessageRef) override {}
    void idle() override {}
    void stalled(const runtime::Stall&) override {}
    void stopped() override;

    Network& network_;
    Runtime& runtime_;
    runtime::Group group_;
    std::unique_ptr<runtime::Actor> actor_;
    const String path_;
    const std::uint32_t keep_;
    const std::uint64_t interval_ns_;
    const std::int64_t timeout_ms_;
    // These three are guarded by the lock of the group (publish, wait).
    bool ending_ = false;
    bool holds_network_ = false;  // the end drops a reference of the network
    bool stopped_ = false;
};

}  // namespace reflow::network
