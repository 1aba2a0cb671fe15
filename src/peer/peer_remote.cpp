// A peer as far as graphs name actors of other networks: what its own nodes ask for, what others ask of
// it, and what becomes of what was sent. Neighbours: peer.cpp (the rest of it), proxies, followers. Thread: see peer.hpp.
#include <algorithm>

#include "base/text.hpp"
#include "message/envelope.hpp"
#include "peer/peer.hpp"

namespace reflow::peer {

Result<void> Peer::attach(Ref<network::Network> network) {
    Ref<Proxies> proxies, before;
    if (network->runtime().make_foreign != nullptr) {  // else its graphs name no actors of others
        Result<Ref<network::Foreign>> foreign = network->foreign();
        if (!foreign.ok()) return foreign.take_error();
        proxies = Ref<Proxies>::share(static_cast<Proxies*>(foreign.value().get()));
    }
    {
        std::lock_guard lock(mutex_);
        if (started_) return Failure(REFLOW_ERROR_INVALID_STATE, "the peer has been started");
        network_ = std::move(network);
        before = std::exchange(proxies_, proxies);
    }
    if (before && before != proxies) before->detach(*this);
    if (proxies) proxies->attach(Ref<Peer>::share(this));
    return {};
}

// ---- what becomes of packets that were sent

void Peer::writable(Link& link, std::uint64_t channel) {
    {
        std::lock_guard lock(mutex_);
        ++rooms_;
    }
    changed_.notify_all();
    outboxes_.writable(link, channel);
    deliveries_.writable(link, channel);
    if (Ref<Proxy> proxy = proxies_ ? proxies_->sender(&link, channel) : Ref<Proxy>()) {
        return proxy->wake();
    }
    followers_.writable(link, channel);
}

void Peer::lost(Link& link, std::uint64_t channel, std::uint64_t number, reflow_status status,
                std::string_view text) {
    if (channel == UINT64_MAX) {
        const bool invalid = status == REFLOW_ERROR_PROTOCOL;
        (invalid ? invalid_ : lost_).fetch_add(1, std::memory_order_relaxed);
        return warn_of_others(text);
    }
    if (outboxes_.lost(link, channel, number, status, text)) return;
    if (Ref<Proxy> proxy = proxies_ ? proxies_->sender(&link, channel) : Ref<Proxy>()) {
        proxy->complain(text);
    }
    lost_.fetch_add(1, std::memory_order_relaxed);
    confirmations_.lost(link, channel, number, status, text);
    deliveries_.lost(link, channel, number, status, text);
    warn_of_others(concat("packet ", number, " to ", link.remote().network_id, " was not delivered: ", text));
}

// ---- its own nodes

bool Peer::keeps(const RemoteName& actor) const {
    return outboxes_.keeps(actor.network_id, actor.actor_id);
}

// As proxies, outboxes send nothing before all that the packets may cause would be heard here.
Ref<Link> Peer::link_to(std::string_view network_id) {
    Ref<Link> link = pick(network_id);
    if (!link || !proxies_) return link;
    for (const Ref<Proxy>& one : proxies_->of(network_id)) {
        if (!one->hears(*link)) return {};
    }
    return link;
}

void Peer::follow(Proxy& proxy) {
    Vector<Ref<Link>> open;
    {
        std::lock_guard lock(mutex_);
        for (const Ref<Link>& link : links_) {
            if (link->open_to(proxy.name.network_id)) open.push_back(link);
        }
    }
    for (const Ref<Link>& link : open) ask_for(proxy, *link);
}

// What the other side has heard already it passes over.
void Peer::ask_for(Proxy& proxy, Link& link) {
    proxy.asks(link);
    for (const Proxy::Followed& one : proxy.followed()) {
        if (!proxy.wants(one)) continue;
        Result<void> asked = link.follow(one.number, proxy.name.actor_id, one.port,
                                          one.replies ? std::string_view(proxy.node) : std::string_view());
        if (!asked.ok() && asked.error().status != REFLOW_ERROR_CLOSED) {
            log(REFLOW_LOG_WARN, concat(proxy.node, ": ", asked.error().message));
            return proxy.answered(link, Proxy::all_requests);
        }
    }
}

void Peer::reroute(Proxy& from, Proxy& to) {
    std::lock_guard lock(mutex_);
    for (auto& [key, route] : routes_) {
        if (route.proxy.get() != &from) continue;
        auto outport = to.same_outport(from, route.outport);
        if (!outport) continue;  // nobody takes it
        route.proxy = Ref<Proxy>::share(&to);
        route.outport = *outport;
    }
}

void Peer::unfollow(Proxy& proxy) {
    for (const Ref<Link>& link : links()) {
        for (const Proxy::Followed& one : proxy.followed()) {
            // A node in its place may go on with it.
            if (!proxies_->wanted(one.number)) link->unfollow(one.number);
        }
    }
}

// A link that the node has asked nothing of yet is told with the rest.
void Peer::follow_late(Proxy& proxy, const Proxy::Followed& what, bool wanted) {
    for (const Ref<Link>& link : links()) {
        if (!link->open_to(proxy.name.network_id)) continue;
        if (!wanted) {
            link->unfollow(what.number);
            proxy.answered(*link, what.number);
            continue;
        }
        if (!proxy.asks_too(*link, what.number)) continue;
        Result<void> asked =
            link->follow(what.number, proxy.name.actor_id, what.port,
                         what.replies ? std::string_view(proxy.node) : std::string_view());
        if (asked.ok()) continue;
        proxy.answered(*link, what.number);
        if (asked.error().status == REFLOW_ERROR_CLOSED) continue;
        log(REFLOW_LOG_WARN, concat(proxy.node, ": ", asked.error().message));
    }
}

// All instances: any of them may have what the node has sent.
void Peer::cancel(const Proxy& proxy) {
    for (const Ref<Link>& link : links()) {
        if (link->open_to(proxy.name.network_id)) link->cancel(proxy.name.actor_id, proxy.node);
    }
}

void Peer::greet_proxies(Link& link) {
    if (!proxies_) return;
    for (const Ref<Proxy>& one : proxies_->of(link.remote().network_id)) {
        ask_for(*one, link);
        one->wake();
    }
}

void Peer::followed(Link& link, std::uint64_t number, std::optional<std::uint64_t> channel,
                    std::string_view text) {
    std::uint32_t outport = 0;
    Ref<Proxy> proxy = proxies_ ? proxies_->find(number, outport) : Ref<Proxy>();
    if (!proxy) return;
    if (channel) {
        {
            std::lock_guard lock(mutex_);
            routes_[{&link, *channel}] = {0, proxy, outport};
        }
        proxies_->answered(link, number);
        return outboxes_.linked(link.remote().network_id);
    }
    proxies_->answered(link, number);
    outboxes_.linked(link.remote().network_id);
    log(REFLOW_LOG_WARN, concat(proxy->node, " hears nothing of ", proxy->name.text(), ": ", text));
    proxy->complain(text);
}

Result<String> Peer::register_remote(const RemoteRegistration& wanted) {
    Ref<network::Network> network;
    {
        std::lock_guard lock(mutex_);
        network = network_;
    }
    if (!network) {
        return Failure(REFLOW_ERROR_INVALID_STATE, "this peer has no network to put a node into");
    }
    if (Result<void> ok = check_id(wanted.name.actor_id, "actor_id"); !ok.ok()) {
        return ok.take_error();
    }
    if (Result<void> ok = check_network_id(wanted.name.network_id, "network_id"); !ok.ok()) {
        return ok.take_error();
    }
    String alias;
    Result<void> done = network->apply_edit([&](graph::Graph& graph) -> Result<void> {
        auto lookup = [&](std::string_view name) {
            auto found = graph.find_node(name);
            if (!found) return NameUse::free;
            return graph::is_foreign(found->component) ? NameUse::remote_actor
                                                       : NameUse::local_actor;
        };
        if (!wanted.strategy) {
            alias = wanted.name.text();
            if (NameUse use = lookup(alias); use != NameUse::free) return name_conflict(wanted.name, alias, use);
        } else {
            Result<String> chosen =
                choose_alias(wanted.name, *wanted.strategy, wanted.alias, lookup);
            if (!chosen.ok()) return chosen.take_error();
            alias = std::move(chosen).take();
        }
        auto names = [](const Vector<String>& all) {
            ArrayBuilder array(all.size());
            for (const String& one : all) array.append(Message::string(one));
            return array.finish().take();
        };
        ObjectBuilder metadata;
        metadata.set("remote_actor_proxy", Message::boolean(true));
        if (!wanted.inports.empty()) metadata.set("inports", names(wanted.inports));
        if (!wanted.outports.empty()) metadata.set("outports", names(wanted.outports));
        if (!wanted.capabilities.empty()) metadata.set("capabilities", names(wanted.capabilities));
        Result<Message> made = metadata.finish();
        if (!made.ok()) return made.take_error();
        return graph.add_node(alias, wanted.name.text(), std::move(made).take());
    });
    if (!done.ok()) return done.take_error();
    return alias;
}

// ---- what others ask for

void Peer::follow(Link& link, std::uint64_t number, std::string_view actor, std::string_view port,
                  std::string_view replies_to) {
    if (!network_) return link.tell_followed(number, {}, "this peer has no network");
    followers_.follow(network_, Ref<Link>::share(&link),
                      {number, String(actor), String(port), String(replies_to)});
}

void Peer::unfollow(Link& link, std::uint64_t number) { followers_.unfollow(link, number); }

// Who has caused a firing is known by its envelope alone; as put() has made it. What is recorded would come again
// without the link.
void Peer::cancel(Link& link, std::string_view actor, std::string_view source_actor) {
    if (!network_ || actor.empty() || network_->instrument() != nullptr) return;
    if (!network_->carries_envelopes()) return;
    const Identity from = link.remote();
    const runtime::DeferredFirings::Which which = [&](MessageRef cause) {
        if (cause.none()) return false;
        const reflow_envelope envelope = read_envelope(cause);
        return view_of(envelope.source_actor) == source_actor &&
               view_of(envelope.source_network) == from.network_id &&
               view_of(envelope.source_instance) == from.instance_id;
    };
    std::size_t count = 0;
    (void)network_->cancel(actor, count, &which);  // what is not there has nothing pending
}

}  // namespace reflow::peer
