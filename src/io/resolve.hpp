// Names of hosts to addresses, on threads of our own, since the call of the system waits and cannot
// be taken back. Neighbours: dialing links. Thread: any.
#pragma once

#include <sys/socket.h>

#include <condition_variable>
#include <functional>
#include <mutex>

#include "base/memory.hpp"
#include "base/ref.hpp"
#include "base/thread.hpp"
#include "io/thread_hooks.hpp"

namespace reflow::io {

struct Address {
    sockaddr_storage storage{};
    socklen_t length = 0;
    [[nodiscard]] const sockaddr* raw() const noexcept {
        return reinterpret_cast<const sockaddr*>(&storage);
    }
};

struct Resolved {
    Vector<Address> addresses;  // in the order to try them
    String problem;             // if there are none
};

// At once, for a number; nothing if the host is a name.
[[nodiscard]] Resolved resolve_number(const String& host, std::uint16_t port);

class Resolver : public RefCounted<Resolver> {
public:
    static constexpr std::size_t threads_count = 4;
    using Done = std::function<void(Resolved)>;
    explicit Resolver(const ThreadHooks& hooks) noexcept : hooks_(hooks) {}
    // done is called on a thread of the resolver, or never if it has been stopped.
    void resolve(String host, std::uint16_t port, Done done);
    // Waits for the calls of the system that are on their way.
    void stop() noexcept;

private:
    static void enter(void* self);
    struct Question {
        String host;
        std::uint16_t port;
        Done done;
    };
    const ThreadHooks hooks_;
    std::mutex mutex_;  // guards all below
    std::condition_variable asked_;
    Deque<Question> questions_;
    std::size_t idle_ = 0;
    std::size_t started_ = 0;
    bool stopped_ = false;
    Thread threads_[threads_count];
};

}  // namespace reflow::io
