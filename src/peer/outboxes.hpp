// The outboxes of a peer, and how they get to links: one for each sender and inport of a remote actor
// that the host has asked to keep messages for.
// Neighbours: outbox (one), peer (owns this, and its links). Thread: any. One lock, under which neither links nor
// the owner are called; a link's answers may come before the call that has sent returns.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "base/ref.hpp"
#include "peer/alarm.hpp"
#include "peer/link.hpp"
#include "peer/outbox.hpp"

namespace reflow::peer {

// Whose messages, and whither.
struct OutboxAddress {
    std::string_view network_id, actor, port, source_actor;
};

// What the peer does for them. Not called under a lock, but for the clock.
class OutboxCarrier {
public:
    virtual ~OutboxCarrier() = default;
    // A link to the network, if there is one.
    virtual Ref<Link> link_to(std::string_view network_id) = 0;
    // A message will not be delivered.
    virtual void undelivered(const OutboxAddress& to, const Undelivered& what) = 0;
    // There may be room again for what an actor is sent.
    virtual void room(std::string_view network_id) = 0;
    virtual void call_later(std::uint64_t delay_ns, std::function<void()> call) = 0;
    virtual std::uint64_t carrier_now_ns() = 0;
};

class Outboxes {
public:
    explicit Outboxes(OutboxCarrier& carrier) : carrier_(carrier) {}

    using Listener = std::function<void(std::string_view port, const Undelivered&)>;
    // Keeps what is sent to an actor from now on. REFLOW_ERROR_ALREADY_EXISTS, _LIMIT.
    Result<void> keep(std::string_view network_id, std::string_view actor,
                      const OutboxOptions& options, Listener listener);
    [[nodiscard]] bool keeps(std::string_view network_id, std::string_view actor) const;
    [[nodiscard]] bool confirms(std::string_view network_id, std::string_view actor) const;

    using Address = OutboxAddress;
    // Takes messages, waiting for room; accepted tells how many, also on failure. What there is room for goes to the
    // link together. REFLOW_ERROR_TIMEOUT, _LIMIT, _CLOSED after stop(). index: of the array port.
    Result<void> put(const Address& to, std::span<const MessageRef> messages, std::int64_t timeout_ms,
                     std::size_t& accepted, std::uint32_t index = REFLOW_NO_INDEX);
    // One, and waits until its fate is known.
    Result<void> put_confirmed(const Address& to, MessageRef message, std::int64_t timeout_ms);

    // The same without a wait: told is called once, unless this fails. REFLOW_ERROR_LIMIT if it is full.
    // timeout_ns: UINT64_MAX for the deadlines of the outbox alone.
    Result<void> put_told(const Address& to, MessageRef message, std::uint64_t timeout_ns,
                          OutcomeFn told);

    // ---- from the peer
    void linked(std::string_view network_id);
    void unlinked(const Link& link);
    void writable(const Link& link, std::uint64_t channel);
    void confirmed(const Link& link, std::uint64_t channel, std::uint64_t packets);
    // Whether the packet was of an outbox; it is told as undelivered then.
    bool lost(const Link& link, std::uint64_t channel, std::uint64_t packet, reflow_status status,
              std::string_view why);
    // Looks at the deadlines that are over. It is called for them; another call does no harm.
    void tick();
    // Waits until what links can take has been confirmed, and tells the rest as lost.
    void stop(std::int64_t timeout_ms);

    struct State {
        String network_id, actor, port, source_actor;
        Outbox::Books books;
        std::uint64_t waiting = 0, unconfirmed = 0, bytes = 0;
    };
    [[nodiscard]] Vector<State> states() const;

private:
    struct Setting : RefCounted<Setting> {
        OutboxOptions options;
        Listener listener;
    };
    struct Refusal {
        std::uint64_t packet = 0;
        reflow_status status = REFLOW_OK;
        String why;
    };
    // What the link answers while one sends: the numbers of its packets are not known here yet.
    struct Late {
        Vector<Refusal> refused;
        std::uint64_t confirmed = 0;
    };
    struct Way : RefCounted<Way> {
        Way(Ref<Setting> with, const Address& to, String own_id);
        const Ref<Setting> setting;
        const String network_id, actor, port, source_actor;
        const String id;  // that receivers know it by
        // Guarded by the lock of all.
        Outbox box;
        Ref<Link> link;  // that it sends on
        std::uint64_t channel = 0;
        bool pumping = false;  // a thread sends
        bool again = false;    // and has to look again
        bool full = false;     // somebody has been told that there is no room
        Late late;
        std::uint64_t look_ns = UINT64_MAX;  // when deadlines in it are looked at; its place in looks_
    };
    using Lock = std::unique_lock<std::mutex>;
    class Pumping;
    [[nodiscard]] Result<Ref<Way>> way_to(const Address& to);
    // Until when a call waits, and what is left of that.
    struct Until {
        std::int64_t timeout_ms;
        std::uint64_t start_ns;
    };
    [[nodiscard]] std::chrono::milliseconds left_of(const Until& until);
    // fate: of a message that is put alone, or NULL.
    Result<void> put_all(const Address& to, std::span<const MessageRef> messages, const Ref<Fate>& fate,
                         const Until& until, std::uint32_t index, std::size_t& accepted);
    void pump(const Ref<Way>& way);
    [[nodiscard]] bool find_link(Way& way, Lock& lock, Losses& lost);
    // What is told, and ended, where no lock is held.
    struct Left {
        Losses lost;
        Gone gone;
    };
    [[nodiscard]] bool send_some(Way& way, Lock& lock, Left& left);
    void take_late(Way& way, Left& left);
    void leave(Way& way);
    void look_at(Way& way, std::uint64_t at_ns) noexcept;
    void arm() noexcept;
    [[nodiscard]] Result<void> fits_outbox(const Address& to, MessageRef message) const;
    [[nodiscard]] Ref<Way> find(const Link& link, std::uint64_t channel) const;
    void tell(const Way& way, const Losses& lost);

    OutboxCarrier& carrier_;
    mutable std::mutex mutex_;  // guards all below
    std::condition_variable changed_;
    Map<std::pair<String, String>, Ref<Setting>> settings_;  // by network and actor
    Map<String, Ref<Way>> ways_;                             // by all that they are for
    Map<std::pair<const Link*, std::uint64_t>, Ref<Way>> senders_;
    using Look = std::pair<std::uint64_t, Way*>;
    std::set<Look, std::less<>, Allocator<Look>> looks_;  // all of ways_, by the time of the next look
    Alarm alarm_;
    bool stopped_ = false;
};

}  // namespace reflow::peer
