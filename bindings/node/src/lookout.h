// Tells the engine of firings that the loop of Node does not go on with: the engine has called for them long ago, and
// its watchdog sees calls alone. A thread asks the loop, and one that has not done anything of ours for as long as the
// watchdog of a node allows is told of, once for each node.
#pragma once

#include <reflow.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

namespace reflow_node {

class Lookout {
public:
    // ask: has the loop do something of ours soon, which it tells by turned().
    explicit Lookout(std::function<void()> ask) : ask_(std::move(ask)) {}
    ~Lookout() { end(); }
    Lookout(const Lookout&) = delete;
    Lookout& operator=(const Lookout&) = delete;

    // ---- any thread
    // A firing of a node that waits for the loop, and how long that may do nothing; 0: for ever.
    void watch(const void* node, reflow_completion completion, std::uint64_t limit_ms);
    void turned() noexcept { turns_.fetch_add(1, std::memory_order_relaxed); }
    // Its thread has gone when this returns. Not under a lock that ask takes.
    void end() noexcept;

private:
    struct Firings {
        std::uint64_t limit_ms = 0;
        std::vector<std::uint64_t> open;
        bool told = false;  // while the loop has done nothing
    };
    static void forget_ended(Firings& firings);
    std::uint64_t shortest();
    void look();
    void tell(std::unique_lock<std::mutex>& lock, std::uint64_t ns);

    const std::function<void()> ask_;
    // relaxed: all that is asked is whether it changes in so many milliseconds.
    std::atomic<std::uint64_t> turns_{0};
    std::mutex mutex_;  // guards all below; of the engine's locks those of firings are taken under it
    std::condition_variable changed_;
    std::unordered_map<const void*, Firings> nodes_;
    std::thread thread_;
    bool ending_ = false;
};

}  // namespace reflow_node
