// A runtime: scheduler, components, hooks of the host and limits, shared by its networks.
// Neighbours: capi above, network beside. Thread: any.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

#include "base/host.hpp"
#include "base/process.hpp"
#include "base/ref.hpp"
#include "base/store.hpp"
#include "network/foreign.hpp"
#include "network/registry.hpp"
#include "runtime/context.hpp"
#include "runtime/frame_pool.hpp"
#include "runtime/scheduler.hpp"

namespace reflow::network {

// User data of the host with its end; ends it exactly once.
class HostData {
public:
    HostData() noexcept = default;
    HostData(void* data, reflow_destroy_fn destroy) noexcept : data_(data), destroy_(destroy) {}
    HostData(HostData&& other) noexcept
        : data_(other.data_), destroy_(std::exchange(other.destroy_, nullptr)) {}
    HostData& operator=(HostData&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(destroy_, other.destroy_);
        return *this;
    }
    ~HostData() {
        if (destroy_ != nullptr) end_host_data(destroy_, data_);
    }
    [[nodiscard]] void* get() const noexcept { return data_; }
    // Somebody else ends the data from now on, with this function.
    [[nodiscard]] reflow_destroy_fn release() noexcept { return std::exchange(destroy_, nullptr); }

private:
    void* data_ = nullptr;
    reflow_destroy_fn destroy_ = nullptr;
};

struct RuntimeOptions {
    runtime::SchedulerOptions scheduler;
    std::uint32_t port_capacity = 0;
    std::uint64_t port_capacity_bytes = 0;  // 0: no limit
    bool check_types = false;
    std::uint64_t max_actors = 0;
    std::uint64_t max_packets = UINT64_MAX;
    std::uint64_t max_growth = 0;
    std::uint32_t watchdog_ms = 0;
    std::uint64_t max_pool_bytes = UINT64_MAX;
    reflow_log_fn log = nullptr;
    reflow_print_fn print = nullptr;
    reflow_log_level log_level = REFLOW_LOG_INFO;
};

class Runtime : public RefCounted<Runtime>, public runtime::Environment {
public:
    // components are those of the library. host is ended with the runtime, also if this fails.
    static Result<Ref<Runtime>> create(const RuntimeOptions& options, HostData host,
                                       std::unique_ptr<Store> store,
                                       Vector<runtime::ComponentRef> components);
    ~Runtime() override;

    // What the objects of a module share, such as the thread of all peers: who needs it first makes it
    // under the lock, and it ends with the last who has it.
    struct Shared {
        std::mutex mutex;
        std::weak_ptr<void> value;
    };
    Shared shared;
    Registry registry;
    runtime::FramePools pools;
    // NULL in a build without peers. Fixed before the first network.
    Ref<Foreign> (*make_foreign)() = nullptr;
    [[nodiscard]] runtime::Scheduler& scheduler() noexcept { return *scheduler_; }
    [[nodiscard]] const runtime::Scheduler& scheduler() const noexcept { return *scheduler_; }
    [[nodiscard]] const RuntimeOptions& options() const noexcept { return options_; }
    // This is a child of the process that made it: its threads are not here, and what they held when it
    // was forked is held for ever. Nothing that locks, waits or writes may be called.
    [[nodiscard]] bool forked() const noexcept { return !process::is_here(life_); }
    // Of such a child: it has a copy of what the host's loop watches.
    void close_descriptors() noexcept { scheduler_->close_descriptors(); }
    // NULL if there are none.
    [[nodiscard]] Store* files() noexcept { return store_.get(); }
    // Counts actors of a network in or out; false beyond max_actors.
    [[nodiscard]] bool add_actors(std::uint64_t count) noexcept;
    void remove_actors(std::uint64_t count) noexcept;
    // The same for what its ports may hold, and max_packets.
    [[nodiscard]] Result<void> add_packets(std::uint64_t count);
    void remove_packets(std::uint64_t count) noexcept;
    // Counts networks whose handle ended inside a callback, and which end when they have stopped.
    void end_deferred(std::int64_t count) noexcept;
    // Without threads: runs actors until no such network is left.
    void settle() noexcept;

    // Joins the threads of runtimes that ended on one of their own threads. Called by host threads.
    static void join_ended() noexcept;

    using RefCounted::operator new;
    using RefCounted::operator delete;

private:
    Runtime(const RuntimeOptions& options, HostData host, std::unique_ptr<Store> store);

    [[nodiscard]] bool logs(reflow_log_level level) const noexcept override;
    void log(reflow_log_level level, std::string_view subsystem, std::string_view node,
             std::string_view text) noexcept override;
    reflow_status print(std::string_view node, std::string_view text) noexcept override;
    [[nodiscard]] Store& store() noexcept override { return *store_; }
    void keep() noexcept override { ref(); }
    void let_go() noexcept override { unref(); }
    [[nodiscard]] runtime::FramePools* frame_pools() noexcept override { return &pools; }

    const SpareHold hold_;  // ends last
    const process::Life life_;
    HostData host_;  // ends after all that uses it
    RuntimeOptions options_;
    std::unique_ptr<Store> store_;
    std::unique_ptr<runtime::Scheduler> scheduler_;
    // relaxed: only the number matters.
    std::atomic<std::uint64_t> actors_{0};
    std::atomic<std::uint64_t> packets_{0};
    std::atomic<std::int64_t> deferred_{0};
    std::mutex print_mutex_;  // one print at a time, as reflow_print_fn says; held during the hook
};

}  // namespace reflow::network
