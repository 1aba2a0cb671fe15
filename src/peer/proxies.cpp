// See proxies.hpp. Thread: as there.
#include "peer/proxies.hpp"

#include <algorithm>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "message/envelope.hpp"
#include "network/build.hpp"
#include "network/paths.hpp"
#include "peer/peer.hpp"
#include "runtime/actor.hpp"
#include "runtime/completions.hpp"
#include "runtime/heard.hpp"

namespace reflow::peer {
namespace {

using runtime::Component;
using runtime::ComponentRef;
using runtime::Context;

// Until a packet that cannot be sent has failed, unless the node has a timeout of its own.
constexpr std::uint64_t forward_ns = 30'000'000'000;

Proxy& proxy_of(void* state) noexcept { return *static_cast<Proxy*>(state); }

reflow_status create(reflow_context* context, void* user_data, void** state) {
    const auto& kind = *static_cast<const ProxyKind*>(user_data);
    *state = make_ref<Proxy>(kind, context->node()).leak();
    return REFLOW_OK;
}

reflow_status set_up(reflow_context* context, void* state) {
    Result<void> done = proxy_of(state).set_up(*context);
    return done.ok() ? REFLOW_OK : context->fail(done.take_error());
}

reflow_status run(reflow_context* context, void* state, reflow_packet* inputs, std::size_t count) {
    return proxy_of(state).run(*context, inputs, count);
}

Vector<runtime::Port> ports(const network::Foreign::Names& names, const Vector<runtime::Port>* more) {
    Vector<runtime::Port> made;
    auto add = [&](std::string_view name) {
        for (const runtime::Port& port : made) {
            if (port.name == name) return;
        }
        made.emplace_back().name = name;
    };
    if (more != nullptr) {
        for (const runtime::Port& port : *more) add(port.name);
    }
    for (std::string_view name : names) add(name);
    return made;
}

bool has_all(const Vector<runtime::Port>& ports, const network::Foreign::Names& names) {
    return std::all_of(names.begin(), names.end(), [&](std::string_view name) {
        return std::any_of(ports.begin(), ports.end(),
                           [&](const runtime::Port& port) { return port.name == name; });
    });
}

bool is_over(std::uint64_t completion) {
    Ref<runtime::Deferred> firing;
    if (runtime::completions::find(completion, firing) != REFLOW_OK) return true;
    return firing->home->over(*firing);
}

void end(std::uint64_t completion, reflow_status status, std::unique_ptr<Error> error) {
    Ref<runtime::Deferred> firing;
    if (runtime::completions::find(completion, firing) != REFLOW_OK) return;
    (void)firing->home->end(*firing, status, std::move(error));
}

// With its envelope, if it has one.
Message whole_of(const reflow_packet& packet) {
    Message message = MessageRef(packet.message).own();
    if (packet.envelope == nullptr) return message;
    return enveloped(std::move(message), envelope_at(packet.envelope));
}

// There may be a link again, or a peer, later.
bool may_come(reflow_status status) noexcept {
    return status == REFLOW_ERROR_NOT_FOUND || status == REFLOW_ERROR_CLOSED;
}

}  // namespace

// ---- one node

Proxy::Proxy(const ProxyKind& kind, std::string_view node_of)
    : home(Ref<Proxies>::share(kind.home)), name(kind.name), node(node_of) {}

Result<void> Proxy::set_up(Context& context) {
    if (!home->peer()) {
        return Failure(REFLOW_ERROR_INVALID_STATE,
                       concat("the node is actor '", name.actor_id, "' of network '",
                              name.network_id, "', and this network has no peer"))
            .node(node)
            .hint("attach the network to a peer before it starts");
    }
    runtime::Tether* tether = context.actor.make_tether();
    if (tether == nullptr) return Failure(REFLOW_ERROR_CANCELLED, "the network stops");
    tether_ = Ref<runtime::Tether>::share(tether);
    const Component& component = *context.actor.component;
    const bool replies = context.config().get("replies").boolean();
    channels_.assign(component.inports.size(), UINT64_MAX);
    followed_.clear();
    for (std::uint32_t i = 0; i < component.outports.size(); ++i) {
        followed_.push_back({i, component.outports[i].name, home->next_number(), replies});
    }
    error_port_.store(component.error_port, std::memory_order_relaxed);
    actor_ = &context.actor;
    hears_errors_.store(runtime::heard(actor_->outports[component.error_port]), std::memory_order_release);
    {
        std::lock_guard lock(mutex_);
        open_ = true;
    }
    Ref<Proxy> before = home->twin(*this);
    if (before) take_numbers(*before);
    home->enter(*this);
    if (before) go_on_from(*before);
    if (Ref<Peer> peer = home->peer()) peer->follow(*this);
    return {};
}

void Proxy::tear_down() noexcept {
    Ref<Proxy> next = home->leave(*this);
    Ref<Peer> peer = home->peer();
    try {
        if (next) hand_over(*next);
        if (next && peer) peer->reroute(*this, *next);
    } catch (const std::bad_alloc&) {
        // What comes in this moment is lost.
    }
    if (peer) peer->unfollow(*this);
    std::lock_guard lock(mutex_);
    open_ = false;
    coming_.clear();
    refused_.clear();
    asked_.clear();
    waiting_.clear();
    link_ = nullptr;
}

void Proxy::wake() noexcept {
    runtime::Actor* held = nullptr;
    {
        std::lock_guard lock(mutex_);
        if (open_) held = tether_->disarm(runtime::Wait::frame, true);
    }
    runtime::Tether::tell(held, true);
}

std::size_t Proxy::take(Exit exit, std::span<const Message> packets,
                        const Ref<Link>& link, std::uint64_t channel) {
    std::size_t taken = 0;
    {
        std::unique_lock lock(mutex_);
        if (successor_) {
            const Ref<Proxy> next = successor_;  // which stays: it is set once
            lock.unlock();
            auto outport = next->same_outport(*this, exit.outport);
            if (!outport) return packets.size();
            return next->take({*outport, exit.index}, packets, link, channel);
        }
        if (!open_) return packets.size();  // nobody is here any more
        std::size_t room = limits::proxy_packets_count - std::min<std::size_t>(
                                                             coming_.size(),
                                                             limits::proxy_packets_count);
        taken = std::min(packets.size(), room);
        for (const Message& one : packets.first(taken)) {
            coming_.push_back({exit, MessageRef(one).own()});
        }
        auto one = std::pair(link, channel);
        bool known = std::find(refused_.begin(), refused_.end(), one) != refused_.end();
        if (taken < packets.size() && !known) refused_.push_back(std::move(one));
    }
    if (taken != 0) wake();
    return taken;
}

void Proxy::complain(std::string_view text) {
    {
        std::lock_guard lock(mutex_);
        if (!open_ || coming_.size() >= 2 * limits::proxy_packets_count) return;
        coming_.push_back({{error_port_.load(std::memory_order_relaxed)},
                           Message::error(concat("proxy:", node, ": ", text))});
    }
    wake();
}

void Proxy::emit_what_came(Context& context) {
    Vector<Coming> all;
    Vector<std::pair<Ref<Link>, std::uint64_t>> refused;
    {
        std::lock_guard lock(mutex_);
        all.swap(coming_);
        refused.swap(refused_);
    }
    struct Resume {  // also if there is no memory for the rest
        ~Resume() {
            if (!peer) return;
            for (const auto& [link, channel] : refused) link->resume(channel);
        }
        Vector<std::pair<Ref<Link>, std::uint64_t>>& refused;
        Ref<Peer> peer;  // what a link tells, so it stays as long; none if it has ended
    } const resume{refused, refused.empty() ? Ref<Peer>() : home->peer()};
    Vector<reflow_message> run;
    for (std::size_t i = 0; i < all.size();) {
        const Exit exit = all[i].exit;
        const bool whole = is_enveloped(all[i].message);
        if (whole) context.actor.set_envelope(envelope_of(all[i].message).own());
        if (whole || exit.index != REFLOW_NO_INDEX) {
            (void)context.emit(exit.outport, take_payload(std::move(all[i++].message)), exit.index);
            continue;
        }
        run.clear();
        for (; i < all.size() && all[i].exit == exit && !is_enveloped(all[i].message); ++i) {
            run.push_back(all[i].message.leak());
        }
        (void)context.emit_many(exit.outport, run);
    }
}

reflow_status Proxy::run(Context& context, reflow_packet* inputs, std::size_t count) {
    look_at_errors();
    emit_what_came(context);
    const Component& component = *context.actor.component;
    send_what_waits(component);
    tell_obstacle(context);
    if (count == 0) return REFLOW_OK;
    Sent sent;
    if (waiting_.empty()) sent = send_inputs(component, inputs, count);
    if (sent.count < count && link_) link_->flush();  // the last of those that went is not the last
    if (sent.count != 0) (void)context.advance(sent.count);
    // That packet will never go; those behind it come again.
    if (sent.error != nullptr) return context.fail(failed(*sent.error));
    return keep(context, inputs, sent.count, count);
}

// Those of one inport and element go together.
Proxy::Sent Proxy::send_inputs(const Component& component, const reflow_packet* inputs,
                               std::size_t count) {
    Vector<MessageRef> messages;
    Vector<Message> whole;  // those in envelopes
    for (std::size_t i = 0; i < count;) {
        const Entry entry{inputs[i].port, inputs[i].index};
        messages.clear();
        whole.clear();
        std::size_t end = i;
        for (; end < count && inputs[end].port == entry.inport &&
               inputs[end].index == entry.index;
             ++end) {
            if (inputs[end].envelope == nullptr) {
                messages.emplace_back(inputs[end].message);
            } else {
                whole.push_back(whole_of(inputs[end]));
                messages.emplace_back(whole.back());
            }
        }
        Result<std::size_t> sent = forward(component, entry, messages, end == count);
        if (!sent.ok() && may_come(sent.error().status)) return {i, nullptr};
        if (!sent.ok()) return {i, sent.take_error()};
        if (sent.value() < messages.size()) return {i + sent.value(), nullptr};
        i = end;
    }
    return {count, nullptr};
}

// What is left of a batch waits as pending firings.
reflow_status Proxy::keep(Context& context, const reflow_packet* inputs, std::size_t first,
                          std::size_t count) {
    const std::size_t before = waiting_.size();
    for (std::size_t i = first; i < count; ++i) {
        reflow_completion completion{};
        reflow_status status = context.defer(i, completion);
        if (status != REFLOW_OK) {
            // Those that this call has kept come again.
            waiting_.resize(before);
            return status;
        }
        waiting_.push_back({whole_of(inputs[i]), inputs[i].port, inputs[i].index, completion.id});
    }
    tell_obstacle(context);
    return REFLOW_OK;
}

// Each change of it wakes the node, and what waits is tried again then.
void Proxy::tell_obstacle(Context& context) {
    runtime::DeferredFirings* pending = context.actor.deferred_firings();
    if (waiting_.empty() || pending == nullptr || told_ == obstacle_) return;
    told_ = Obstacle::none;  // unless there is memory for it
    String text;
    switch (obstacle_) {
        case Obstacle::none:
            break;
        case Obstacle::no_link:
            text = concat("No connection to network: ", name.network_id);
            break;
        case Obstacle::no_answer:
            text = concat("network ", name.network_id,
                          " has not answered yet what this node asks it for");
            break;
        case Obstacle::no_room:
            text = concat("actor ", name.actor_id, " of network ", name.network_id,
                          " has no room for more");
            break;
        case Obstacle::full_outbox:
            text = concat("the outbox of ", name.text(), " is full");
            break;
    }
    pending->waits_for.swap(text);
    told_ = obstacle_;
}

void Proxy::send_what_waits(const Component& component) {
    if (waiting_.empty()) return;
    std::size_t gone = 0;
    while (gone < waiting_.size()) {
        Waiting& one = waiting_[gone];
        if (!is_over(one.completion)) {
            MessageRef message(one.message);
            Result<std::size_t> sent = forward(component, {one.inport, one.index}, {&message, 1}, false);
            if (sent.ok() && sent.value() == 0) break;
            if (!sent.ok() && may_come(sent.error().status)) break;
            if (sent.ok()) {
                end(one.completion, REFLOW_OK, nullptr);
            } else {
                std::unique_ptr<Error> error = failed(sent.error());
                reflow_status status = error->status;
                end(one.completion, status, std::move(error));
            }
        }
        ++gone;
    }
    if (link_) link_->flush();
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(gone));
}

// The first of the messages, as many as there is room for.
Result<std::size_t> Proxy::forward(const Component& component, Entry entry,
                                   std::span<const MessageRef> messages, bool flush) {
    Ref<Peer> peer = home->peer();
    if (peer && peer->keeps(name)) return put(*peer, component, entry, messages);
    Ref<Link> link = peer ? peer->pick(name.network_id) : Ref<Link>();
    obstacle_ = Obstacle::no_link;
    if (!link) {
        return Failure(REFLOW_ERROR_NOT_FOUND,
                       concat("No connection to network: ", name.network_id));
    }
    if (!hears(*link)) {
        obstacle_ = Obstacle::no_answer;
        return 0;
    }
    Result<std::uint64_t> channel = channel_to(component, entry.inport, link);
    if (!channel.ok()) return channel.take_error();
    Link::Sending sending;
    sending.index = entry.index;
    sending.flush = flush;
    Result<std::size_t> sent = link->send(channel.value(), messages, sending);
    if (sent.ok()) obstacle_ = Obstacle::no_room;  // of what is left, if something is
    return sent;
}

// Into the outbox, which the host has asked for.
Result<std::size_t> Proxy::put(Peer& peer, const Component& component, Entry entry,
                               std::span<const MessageRef> messages) {
    const OutboxAddress to{name.network_id, name.actor_id, component.inports[entry.inport].name,
                           node};
    std::size_t accepted = 0;
    obstacle_ = Obstacle::full_outbox;
    Result<void> taken = peer.keep(to, messages, entry.index, accepted);
    const bool full = !taken.ok() && taken.error().status == REFLOW_ERROR_TIMEOUT;
    if (taken.ok() || full || accepted != 0) return accepted;
    return taken.take_error();
}

Result<std::uint64_t> Proxy::channel_to(const Component& component, std::uint32_t inport,
                                        const Ref<Link>& link) {
    if (link != link_) {
        if (link_) link_->flush();
        link_ = link;
        std::fill(channels_.begin(), channels_.end(), UINT64_MAX);
    }
    std::uint64_t& channel = channels_[inport];
    if (channel != UINT64_MAX) return channel;
    Result<std::uint64_t> made =
        link->open_channel(node, name.actor_id, component.inports[inport].name);
    if (!made.ok()) return made;
    channel = made.value();
    home->sends(link.get(), channel, *this);
    return channel;
}

std::unique_ptr<Error> Proxy::failed(const Error& why) const {
    return Failure(why.status, concat("proxy:", node, ": forward failed: ", why.message))
        .hint(why.hint)
        .take();
}

// ---- all of a network

Result<ComponentRef> Proxies::component(std::string_view id, const network::Builder& of) {
    Names names[2];
    if (Result<void> told = of.foreign_ports(id, names); !told.ok()) return told.take_error();
    const auto& [inports, outports] = names;
    auto found = components_.find(id);
    const Component* before = found == components_.end() ? nullptr : found->second.get();
    if (before != nullptr && has_all(before->inports, inports) &&
        has_all(before->outports, outports)) {
        return found->second;
    }
    Result<RemoteName> name = parse_remote_name(id);
    if (!name.ok()) return name.take_error();
    ComponentRef made = make_ref<Component>();
    made->id = id;
    made->inports = ports(inports, before == nullptr ? nullptr : &before->inports);
    made->outports = ports(outports, before == nullptr ? nullptr : &before->outports);
    if (!made->find_outport(runtime::error_port_name)) {
        made->outports.emplace_back().name = runtime::error_port_name;
    }
    made->error_port = *made->find_outport(runtime::error_port_name);
    made->max_batch = made->max_concurrency = limits::proxy_packets_count;
    made->timeout_ns = forward_ns;
    made->external = made->stateless = made->private_state = made->keeps_tether = true;
    made->create = create;
    made->setup = set_up;
    made->run = peer::run;
    made->teardown = [](reflow_context*, void* state) { proxy_of(state).tear_down(); };
    made->destroy_state = [](void* state) { proxy_of(state).unref(); };
    auto kind = std::unique_ptr<ProxyKind>(
        new ProxyKind{this, std::move(name).take()});
    made->user_data = kind.release();
    made->destroy = [](void* data) { delete static_cast<ProxyKind*>(data); };
    if (before != nullptr) {
        found->second = made;
    } else {
        components_.emplace(String(id), made);
    }
    return made;
}

// Paths as Topology::select has them.
void Proxies::cancelled(std::string_view path) noexcept {
    try {
        Ref<Peer> with = peer();
        if (!with) return;
        for (const Ref<Proxy>& one : all()) {
            if (network::meant(path, one->node)) with->cancel(*one);
        }
    } catch (const std::bad_alloc&) {
        // As if the other side did not know it.
    }
}

void Proxies::attach(Ref<Peer> peer) {
    Ref<Peer> before;  // ends without the lock
    {
        std::lock_guard lock(mutex_);
        before = std::exchange(peer_, std::move(peer));
    }
}

// Another may have come in its place, which goes on.
void Proxies::detach(const Peer& peer) {
    Ref<Peer> before;  // ends without the lock
    std::lock_guard lock(mutex_);
    if (peer_.get() == &peer) before = std::move(peer_);
}

Ref<Peer> Proxies::peer() const {
    std::lock_guard lock(mutex_);
    return peer_;
}

Ref<Proxy> Proxies::twin(const Proxy& proxy) const {
    std::lock_guard lock(mutex_);
    return twin_locked(proxy);
}

void Proxies::enter(Proxy& proxy) {
    std::lock_guard lock(mutex_);
    all_.push_back(Ref<Proxy>::share(&proxy));
}

Ref<Proxy> Proxies::leave(Proxy& proxy) noexcept {
    std::lock_guard lock(mutex_);
    std::erase_if(all_, [&](const Ref<Proxy>& one) { return one.get() == &proxy; });
    Ref<Proxy> next = twin_locked(proxy);
    for (auto& [key, sender] : senders_) {
        if (next && sender.get() == &proxy) sender = next;
    }
    std::erase_if(senders_, [&](const auto& one) { return one.second.get() == &proxy; });
    return next;
}

Ref<Proxy> Proxies::twin_locked(const Proxy& proxy) const noexcept {
    for (const Ref<Proxy>& one : all_) {
        const bool same = one->node == proxy.node && one->name == proxy.name;
        if (same && one.get() != &proxy) return one;
    }
    return {};
}

std::uint64_t Proxies::next_number() noexcept {
    std::lock_guard lock(mutex_);
    return ++last_number_;
}

Vector<Ref<Proxy>> Proxies::of(std::string_view network_id) const {
    Vector<Ref<Proxy>> found;
    std::lock_guard lock(mutex_);
    for (const Ref<Proxy>& one : all_) {
        if (one->name.network_id == network_id) found.push_back(one);
    }
    return found;
}

Vector<Ref<Proxy>> Proxies::all() const {
    std::lock_guard lock(mutex_);
    return all_;
}

Ref<Proxy> Proxies::find(std::uint64_t number, std::uint32_t& outport) const {
    std::lock_guard lock(mutex_);
    for (const Ref<Proxy>& one : all_) {
        const Proxy::Followed* found = one->find(number);
        if (found == nullptr) continue;
        outport = found->outport;
        return one;
    }
    return {};
}

void Proxies::answered(const Link& link, std::uint64_t number) const {
    for (const Ref<Proxy>& one : all()) {
        if (one->find(number) != nullptr) one->answered(link, number);
    }
}

bool Proxies::wanted(std::uint64_t number) const {
    std::lock_guard lock(mutex_);
    return std::any_of(all_.begin(), all_.end(), [&](const Ref<Proxy>& one) {
        const Proxy::Followed* found = one->find(number);
        return found != nullptr && one->wants(*found);
    });
}

void Proxies::sends(const Link* link, std::uint64_t channel, Proxy& proxy) {
    std::lock_guard lock(mutex_);
    senders_[{link, channel}] = Ref<Proxy>::share(&proxy);
}

Ref<Proxy> Proxies::sender(const Link* link, std::uint64_t channel) const {
    std::lock_guard lock(mutex_);
    auto found = senders_.find({link, channel});
    return found == senders_.end() ? Ref<Proxy>() : found->second;
}

void Proxies::forget(const Link* link) {
    Vector<Ref<Proxy>> all;
    {
        std::lock_guard lock(mutex_);
        std::erase_if(senders_, [&](const auto& one) { return one.first.first == link; });
        all = all_;
    }
    for (const Ref<Proxy>& one : all) {
        one->forget(*link);
        one->wake();  // there may be another link to its network
    }
}

// A change holds the turns of what it has touched; who has closed a reader does not, so the nodes look by themselves.
void Proxies::look(bool changed) noexcept {
    try {
        for (const Ref<Proxy>& one : all()) {
            if (changed) {
                one->look_at_errors();
            } else if (one->hears_errors()) {
                one->wake();
            }
        }
    } catch (const std::bad_alloc&) {
        // Each of their turns looks as well.
    }
}

Ref<network::Foreign> make_proxies() { return Ref<network::Foreign>::adopt(new Proxies); }

}  // namespace reflow::peer
