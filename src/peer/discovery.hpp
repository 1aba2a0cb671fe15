// A peer as a client of discovery: it registers at each server with the start and at each refresh, reads who
// else is there, and leaves in the end. Servers are asked beside each other; one that cannot be reached holds
// up no other, and removes nothing.
// Neighbours: discovery_view (what is known), io/http_client, peer. Thread: any.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>

#include "base/clock.hpp"
#include "base/ref.hpp"
#include "io/http_client.hpp"
#include "peer/discovery_view.hpp"

namespace reflow::peer {

// How long a peer that stops waits for its servers.
inline constexpr std::int64_t discovery_leave_ms = 2000;

struct DiscoveryOptions {
    Vector<String> endpoints;  // bases of servers; none: there is no discovery
    String token;
    io::TlsOptions tls;  // whom to trust
    std::uint64_t refresh_ms = 15'000;
    std::uint64_t timeout_ms = 5'000;
    std::uint64_t ttl_ms = 60'000;
    io::ThreadHooks threads{};
};

class Discovery final : public RefCounted<Discovery> {
public:
    // What it needs of its owner, and tells it; on the thread of the client of HTTP, but for log and after,
    // which any thread may call. None of them waits.
    struct Owner {
        std::function<void(const DiscoveryEvent&)> event;
        // A server has answered; all that is known now.
        std::function<void(std::span<const DiscoveredNetwork>)> known;
        std::function<void(reflow_log_level level, std::string_view text)> log;
        std::function<void(std::uint64_t delay_ns, std::function<void()> call)> after;
        // Where this peer is reached now, asked before each round after the first; empty: as before. May be empty.
        std::function<String()> endpoint{};
    };
    // self: what is registered.
    Discovery(DiscoveryOptions options, DiscoveryEntry self, Owner owner);
    ~Discovery();

    // Begins the first round. REFLOW_ERROR_UNSUPPORTED without a client of HTTP, REFLOW_ERROR_IO, and
    // REFLOW_ERROR_CLOSED behind stop().
    Result<void> start();
    // Asks all servers, and waits until each has answered or failed in a round that began after this call.
    // REFLOW_ERROR_TIMEOUT, _CLOSED, and _IO if none has answered.
    Result<void> discover(std::int64_t timeout_ms);
    [[nodiscard]] Vector<DiscoveredNetwork> known() const;
    // Takes the entry back where it was registered, for at most so long. No call to the owner comes any more when
    // it returns. Not on the thread of the client.
    void stop(std::int64_t timeout_ms);

private:
    enum class Step : std::uint8_t { idle, registering, reading, leaving, left };
    struct Server {
        Step step = Step::idle;
        bool registered = false;
        bool not_registered = false, not_read = false;  // which has been told
        bool again = false;    // another round was asked for meanwhile
        std::uint64_t begun = 0, over = 0;  // rounds
        std::uint64_t begun_ns = 0;         // the last one
        bool answered = false;              // in the last one
    };

    void plan_refresh();
    void look_where();
    void refresh();
    // Under the lock; false if the client has ended.
    bool begin_round(std::size_t server);
    bool ask(std::size_t server, std::string_view method, std::string_view route, String body,
             void (Discovery::*then)(std::size_t server, const String& url,
                                     const io::HttpAnswer& answer));
    void registered(std::size_t server, const String& url, const io::HttpAnswer& answer);
    void read(std::size_t server, const String& url, const io::HttpAnswer& answer);
    void left(std::size_t server, const String& url, const io::HttpAnswer& answer);
    void leave(std::size_t server);
    void end_round(std::unique_lock<std::mutex>& lock, std::size_t server, bool answered);
    // The first failure in a row is a warning.
    void tell_failure(std::size_t server, bool reads, std::string_view reason);
    void tell(reflow_log_level level, std::string_view text) const { owner_.log(level, text); }

    const DiscoveryOptions options_;
    const Owner owner_;
    const SystemClock clock_;

    mutable std::mutex mutex_;  // guards all below; the owner is not called under it
    std::condition_variable changed_;
    std::unique_ptr<io::HttpClient> client_;  // NULL before the start and after the end
    DiscoveryEntry self_;
    DiscoveryView view_;
    Vector<Server> servers_;
    bool stopping_ = false;
};

}  // namespace reflow::peer
