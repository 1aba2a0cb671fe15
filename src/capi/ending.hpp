// The end of peers, meshes and discovery servers where it cannot be waited for: inside their callbacks, and while
// calls use them. Neighbours: peer.cpp, mesh.cpp, discovery.cpp; runtime.cpp waits. Thread: any.
#pragma once

#include <atomic>
#include <memory>

#include "base/memory.hpp"
#include "base/ref.hpp"
#include "io/thread_hooks.hpp"
#include "network/runtime.hpp"

namespace reflow::capi {

struct Ending;  // a thread that ends something

// A handle that may be destroyed inside a callback. Whoever is the last to use it deletes it, or has it deleted
// where that may wait.
class Endable : public Allocated {
public:
    Endable();
    virtual ~Endable();
    Endable(const Endable&) = delete;
    Endable& operator=(const Endable&) = delete;

    // What the host's destroy does, and nothing in a forked child.
    static void destroy(Endable* handle) noexcept;

    Ref<network::Runtime> runtime;

private:
    friend class Use;
    virtual void stop() noexcept {}  // what may wait for others to leave
    void begin_end() noexcept;
    void release() noexcept;
    void end_elsewhere(void (*end)(Endable&) noexcept) noexcept;
    [[nodiscard]] bool may_end_here() const noexcept;

    // The host, and calls that may call back. acq_rel where they go down: who deletes has seen what the others did;
    // relaxed where they go up, since whoever calls has the handle.
    std::atomic<std::uint32_t> users_{1};
    // For the threads of stop() and of the destructor, since there may be no memory then.
    std::unique_ptr<Ending> first_, second_;
};

// A call that may call back. What the callback destroys stays until it has returned.
class Use {
public:
    explicit Use(Endable& of) noexcept;
    ~Use();
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

private:
    Endable& of_;
    const Use* const outer_;  // the call that this one is inside of
};

// What the host has called on threads of what stands on a runtime, which outlives them.
[[nodiscard]] io::ThreadHooks thread_hooks(const network::Runtime& runtime) noexcept;

// See Modules.
void join_endings(network::Runtime& runtime) noexcept;

}  // namespace reflow::capi
