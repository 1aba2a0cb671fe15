// Nodes that stand for actors of other networks, in one network of this process: what reaches such a node
// goes to its actor over a link, and what the actor emits there comes out of the node here.
// Neighbours: peer (carries), network/foreign (asks for the components). Thread: see the functions.
//
// A proxy is an actor like others: what it cannot send now, since there is no link or no room, stays with it as
// pending firings, so that its inports fill and hold back who feeds it. What comes for it waits in a queue
// of its own until it has its turn: so neither way can keep the other from going on.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>

#include "base/ref.hpp"
#include "network/foreign.hpp"
#include "peer/link.hpp"
#include "peer/names.hpp"
#include "runtime/component.hpp"
#include "runtime/context.hpp"
#include "runtime/tether.hpp"

namespace reflow::peer {

class Peer;
class Proxies;

// What all nodes of one name have in common.
struct ProxyKind {
    Proxies* home;  // lives as long as the network, and so as its nodes
    RemoteName name;
};

class Proxy final : public RefCounted<Proxy> {
public:
    Proxy(const ProxyKind& kind, std::string_view node);

    const Ref<Proxies> home;
    const RemoteName name;
    const String node;

    // ---- from any thread
    // Something has changed: it looks at what waits, in a turn of its own.
    void wake() noexcept;
    // An outport, and its element.
    struct Exit {
        std::uint32_t outport = 0;
        std::uint32_t index = REFLOW_NO_INDEX;
        bool operator==(const Exit&) const = default;
    };
    // What has come for an outport; returns how many of the packets there was room for. The rest
    // is offered to the channel again when there is some.
    std::size_t take(Exit exit, std::span<const Message> packets,
                     const Ref<Link>& link, std::uint64_t channel);
    // Its requests go over a link: nothing else does before they are answered, since what answers
    // its packets there would be heard by nobody. Or one more does; false if there are none on that link yet.
    void asks(const Link& link);
    [[nodiscard]] bool asks_too(const Link& link, std::uint64_t number);
    // One of them has been answered, or is asked for no more; all_requests: all.
    static constexpr std::uint64_t all_requests = UINT64_MAX;
    void answered(const Link& link, std::uint64_t number);
    // Whether that is so: it may send over the link.
    [[nodiscard]] bool hears(const Link& link);
    // The link has ended.
    void forget(const Link& link);
    // Something that it has sent was not delivered: told at its outport "error".
    void complain(std::string_view text);

    // ---- of its turns
    Result<void> set_up(runtime::Context& context);
    reflow_status run(runtime::Context& context, reflow_packet* inputs, std::size_t count);
    void tear_down() noexcept;

    // The outports that something is connected to: fixed with set_up().
    struct Followed {
        std::uint32_t outport = 0;
        String port;
        std::uint64_t number = 0;  // of the request, the same for all links
        bool replies = false;
    };
    [[nodiscard]] const Vector<Followed>& followed() const noexcept { return followed_; }
    // Where what is heard of a request comes out; nothing if it is none of this node's.
    [[nodiscard]] const Followed* find(std::uint64_t number) const noexcept;
    // Whether that is wanted: outport "error" only since something is connected to it, since an actor whose errors
    // are heard somewhere has no dead letters.
    [[nodiscard]] bool wants(const Followed& one) const noexcept {
        return one.outport != error_port_.load(std::memory_order_relaxed) ||
               hears_errors_.load(std::memory_order_acquire);
    }
    // Of its turns, or of who changes the network: whether something reads its outport "error" now. If that is new the
    // other side is told at once.
    void look_at_errors() noexcept;
    [[nodiscard]] bool hears_errors() const noexcept {
        return hears_errors_.load(std::memory_order_acquire);
    }
    // The outport of another node in the same place that has the same name.
    [[nodiscard]] std::optional<std::uint32_t> same_outport(const Proxy& other,
                                                            std::uint32_t outport) const noexcept;

private:
    struct Waiting {
        Message message;
        std::uint32_t inport = 0;
        std::uint32_t index = REFLOW_NO_INDEX;
        std::uint64_t completion = 0;
    };
    struct Coming {
        Exit exit;
        Message message;
    };
    // An inport, and its element.
    struct Entry {
        std::uint32_t inport = 0;
        std::uint32_t index = REFLOW_NO_INDEX;
    };
    [[nodiscard]] Result<std::size_t> forward(const runtime::Component& component, Entry entry,
                                              std::span<const MessageRef> messages, bool flush);
    [[nodiscard]] Result<std::size_t> put(Peer& peer, const runtime::Component& component,
                                          Entry entry, std::span<const MessageRef> messages);
    [[nodiscard]] Result<std::uint64_t> channel_to(const runtime::Component& component,
                                                   std::uint32_t inport, const Ref<Link>& link);
    void emit_what_came(runtime::Context& context);
    void send_what_waits(const runtime::Component& component);
    struct Sent {
        std::size_t count = 0;
        std::unique_ptr<Error> error{};  // of the next one
    };
    [[nodiscard]] Sent send_inputs(const runtime::Component& component,
                                   const reflow_packet* inputs, std::size_t count);
    reflow_status keep(runtime::Context& context, const reflow_packet* inputs, std::size_t first,
                       std::size_t count);
    [[nodiscard]] std::unique_ptr<Error> failed(const Error& why) const;
    // Why what waits has not gone, for those whose time is over.
    enum class Obstacle : std::uint8_t { none, no_link, no_answer, no_room, full_outbox };
    void tell_obstacle(runtime::Context& context);

    std::atomic<std::uint32_t> error_port_{0};  // relaxed: fixed with set_up()
    // acq_rel: of a turn and a change that both look, the one that changes it tells the other side. Who asks for what
    // it is over a new link reads it behind the step that makes a later change tell that link as well (asks()).
    std::atomic<bool> hears_errors_{false};
    const runtime::Actor* actor_ = nullptr;  // whose state this is: fixed with set_up()
    Ref<runtime::Tether> tether_;  // set with set_up(), then fixed
    Vector<Followed> followed_;

    // Of its turns alone.
    Vector<Waiting> waiting_;
    Ref<Link> link_;  // that the channels are of
    Vector<std::uint64_t> channels_;
    Obstacle obstacle_ = Obstacle::none;  // that was met last
    Obstacle told_ = Obstacle::none;      // the one that the pending firings have

    // A node that a change puts in place of this one goes on with what this one has asked for, so that nothing of what
    // comes meanwhile is missed or comes twice.
    void take_numbers(const Proxy& before);
    void go_on_from(Proxy& before);
    void hand_over(Proxy& next);

    // Guards all below; only a tether is called under it, and the mutex of a node in its place taken.
    std::mutex mutex_;
    Vector<Coming> coming_;
    Vector<std::pair<Ref<Link>, std::uint64_t>> refused_;  // channels that wait for room here
    struct Asked {
        const Link* link = nullptr;  // only compared
        Vector<std::uint64_t> unanswered{};
    };
    Vector<Asked> asked_;
    bool open_ = false;  // between set_up() and tear_down()
    Ref<Proxy> successor_;  // after it
};

class Proxies final : public network::Foreign {
public:
    Result<runtime::ComponentRef> component(std::string_view id,
                                            const network::Builder& of) override;
    void look(bool changed) noexcept override;
    void cancelled(std::string_view path) noexcept override;

    // ---- from any thread
    // Who carries from now on, in place of another; and who does not any more.
    void attach(Ref<Peer> peer);
    void detach(const Peer& peer);
    [[nodiscard]] Ref<Peer> peer() const;
    // The proxies of a network, and all.
    [[nodiscard]] Vector<Ref<Proxy>> of(std::string_view network_id) const;
    [[nodiscard]] Vector<Ref<Proxy>> all() const;
    // Whose request has this number, of two the one that was there first; NULL if it has gone. *outport: which one.
    [[nodiscard]] Ref<Proxy> find(std::uint64_t number, std::uint32_t& outport) const;
    // A request was answered on a link: all whose it is are told.
    void answered(const Link& link, std::uint64_t number) const;
    // Whether somebody still wants what was asked for by that number.
    [[nodiscard]] bool wanted(std::uint64_t number) const;
    // Who sends on a channel of a link.
    void sends(const Link* link, std::uint64_t channel, Proxy& proxy);
    [[nodiscard]] Ref<Proxy> sender(const Link* link, std::uint64_t channel) const;
    // The link has ended.
    void forget(const Link* link);

    // ---- from proxies
    // Another node in the same place: the one that it is to replace, or is replaced by.
    [[nodiscard]] Ref<Proxy> twin(const Proxy& proxy) const;
    void enter(Proxy& proxy);
    Ref<Proxy> leave(Proxy& proxy) noexcept;
    [[nodiscard]] std::uint64_t next_number() noexcept;

private:
    mutable std::mutex mutex_;  // guards all below; nothing is called under it
    Ref<Peer> peer_;
    Vector<Ref<Proxy>> all_;  // set up, and not torn down
    Map<std::pair<const Link*, std::uint64_t>, Ref<Proxy>> senders_;
    std::uint64_t last_number_ = 0;
    [[nodiscard]] Ref<Proxy> twin_locked(const Proxy& proxy) const noexcept;
    // Of who builds or changes the network.
    Map<String, runtime::ComponentRef> components_;
};

// For Runtime::make_foreign.
[[nodiscard]] Ref<network::Foreign> make_proxies();

}  // namespace reflow::peer
