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
    // its packets there would be heard by nobody. And one of them has been answered, or all.
    void asks(const Link& link);
    void answered(const Link& link, bool all);
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
    // Whether that is wanted: outport "error" only since something is connected to it, since an actor whose errors
    // are heard somewhere has no dead letters.
    [[nodiscard]] bool wants(const Followed& one) const noexcept {
        return one.outport != error_port_.load(std::memory_order_relaxed) ||
               hears_errors_.load(std::memory_order_acquire);
    }
    [[nodiscard]] std::size_t wishes() const noexcept;

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

    void look_at_errors(runtime::Context& context);

    std::atomic<std::uint32_t> error_port_{0};  // relaxed: fixed with set_up()
    std::atomic<bool> hears_errors_{false};     // written in turns
    Ref<runtime::Tether> tether_;  // set with set_up(), then fixed
    Vector<Followed> followed_;

    // Of its turns alone.
    Vector<Waiting> waiting_;
    Ref<Link> link_;  // that the channels are of
    Vector<std::uint64_t> channels_;

    std::mutex mutex_;  // guards all below; only a tether is called under it
    Vector<Coming> coming_;
    Vector<std::pair<Ref<Link>, std::uint64_t>> refused_;  // channels that wait for room here
    struct Asked {
        const Link* link = nullptr;  // only compared
        std::size_t unanswered = 0;
    };
    Vector<Asked> asked_;
    bool open_ = false;  // between set_up() and tear_down()
};

class Proxies final : public network::Foreign {
public:
    Result<runtime::ComponentRef> component(std::string_view id, const Names& inports,
                                            const Names& outports) override;
    void cancelled(std::string_view path) noexcept override;

    // ---- from any thread
    // Who carries from now on, in place of another; and who does not any more.
    void attach(Ref<Peer> peer);
    void detach(const Peer& peer);
    [[nodiscard]] Ref<Peer> peer() const;
    // The proxies of a network, and all.
    [[nodiscard]] Vector<Ref<Proxy>> of(std::string_view network_id) const;
    [[nodiscard]] Vector<Ref<Proxy>> all() const;
    // Whose request has this number; NULL if it has gone. *outport: which one.
    [[nodiscard]] Ref<Proxy> find(std::uint64_t number, std::uint32_t& outport) const;
    // Who sends on a channel of a link.
    void sends(const Link* link, std::uint64_t channel, Proxy& proxy);
    [[nodiscard]] Ref<Proxy> sender(const Link* link, std::uint64_t channel) const;
    // The link has ended.
    void forget(const Link* link);

    // ---- from proxies
    void enter(Proxy& proxy);
    void leave(Proxy& proxy) noexcept;
    [[nodiscard]] std::uint64_t next_number() noexcept;

private:
    mutable std::mutex mutex_;  // guards all below; nothing is called under it
    Ref<Peer> peer_;
    Vector<Ref<Proxy>> all_;  // set up, and not torn down
    Map<std::pair<const Link*, std::uint64_t>, Ref<Proxy>> senders_;
    std::uint64_t last_number_ = 0;
    // Of who builds or changes the network.
    Map<String, runtime::ComponentRef> components_;
};

// For Runtime::make_foreign.
[[nodiscard]] Ref<network::Foreign> make_proxies();

}  // namespace reflow::peer
