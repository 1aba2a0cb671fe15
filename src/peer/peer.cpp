// A peer: its port, the links it dials and those it accepts, what comes and what goes.
// Thread: see peer.hpp.
#include "peer/peer.hpp"

#include <algorithm>
#include <chrono>

#include "base/limits.hpp"
#include "base/text.hpp"

namespace reflow::peer {
namespace {

constexpr std::size_t most_taken = 256;  // packets that go into an inport at once

// Whether it is of no use to dial again: the other side was there, and knows another token. What else
// it refuses for passes: it stops, is full, or has not yet missed the link before this one.
bool is_final(const Link& link, reflow_status status) noexcept {
    return status == REFLOW_ERROR_AUTH && link.was_reached();
}

String reason_of(reflow_status status, std::string_view reason) {
    if (!reason.empty()) return String(reason);
    return status == REFLOW_OK ? String("closed") : String(status_name(status));
}

}  // namespace

Peer::Peer(io::WireHost& wires, PeerOptions options, Listener listener)
    : wires_(wires), options_(std::move(options)), listener_(std::move(listener)) {}

Peer::~Peer() = default;

Result<void> Peer::attach(Ref<network::Network> network) {
    std::lock_guard lock(mutex_);
    if (started_) return Failure(REFLOW_ERROR_INVALID_STATE, "the peer has been started");
    network_ = std::move(network);
    return {};
}

Result<void> Peer::serve(HttpRoutes http) {
    std::lock_guard lock(mutex_);
    if (started_) return Failure(REFLOW_ERROR_INVALID_STATE, "the peer has been started");
    if (http_.call) return Failure(REFLOW_ERROR_ALREADY_EXISTS, "the peer has a handler of HTTP");
    http_ = std::move(http);
    return {};
}

Result<void> Peer::bind(std::string_view address, std::uint16_t port) {
    std::lock_guard lock(mutex_);
    if (started_) return Failure(REFLOW_ERROR_INVALID_STATE, "the peer has been started");
    options_.bind_address = address;
    options_.bind_port = port;
    return {};
}

Result<void> Peer::start() {
    {
        std::lock_guard lock(mutex_);
        if (std::exchange(started_, true)) {
            return Failure(REFLOW_ERROR_INVALID_STATE, "the peer has been started");
        }
        started_ns_ = now_ns();
    }
    if (options_.listens) {
        io::PortOptions port;
        port.wire = options_.wire;
        // Those that are greeting count too; a few more may, so that they can be refused in words.
        port.connections = options_.max_connections + 16;
        if (http_.call) {
            port.connections += http_.replies;
            port.replies = http_.replies;
            port.reply_ns = http_.reply_ns;
            port.http_body_bytes = http_.body_bytes;
        }
        Result<std::uint64_t> listener =
            wires_.listen(options_.bind_address, options_.bind_port, port, *this, &port_);
        if (!listener.ok()) return listener.take_error();
        std::lock_guard lock(mutex_);
        port_number_ = listener.value();
    }
    plan_tick();
    return {};
}

void Peer::stop(std::int64_t timeout_ms) {
    Vector<Ref<Link>> all;
    std::uint64_t listener = 0;
    {
        std::lock_guard lock(mutex_);
        if (std::exchange(stopping_, true)) return;
        all = links_;
        listener = std::exchange(port_number_, 0);
    }
    if (listener != 0) wires_.unlisten(listener);
    for (const Ref<Link>& link : all) link->close(io::WIRE_GOING_AWAY, "the peer stops");
    cancel_timers();
    auto empty = [this] { return links_.empty(); };
    std::unique_lock lock(mutex_);
    if (changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms), empty)) return;
    all = links_;
    lock.unlock();
    for (const Ref<Link>& link : all) link->cut();
    lock.lock();
    changed_.wait(lock, empty);
}

// ---- heartbeats

void Peer::plan_tick() {
    later(std::max<std::uint64_t>(options_.link.heartbeat_ns / 4, 1'000'000), [this] { tick(); });
}

void Peer::tick() {
    Vector<Ref<Link>> all;
    {
        std::lock_guard lock(mutex_);
        if (stopping_) return;
        all = links_;
    }
    std::uint64_t now = now_ns();
    for (const Ref<Link>& link : all) link->tick(now);
    plan_tick();
}

// ---- dialling

Result<void> Peer::dial(const Ref<Target>& target) {
    auto link = make_ref<Link>(static_cast<LinkOwner&>(*this), options_.link, true, target->endpoint);
    {
        std::lock_guard lock(mutex_);
        if (stopping_) return Failure(REFLOW_ERROR_CLOSED, "the peer stops");
        if (links_.size() >= options_.max_connections) {
            return Failure(REFLOW_ERROR_LIMIT, concat("too many connections: max_connections is ",
                                                      options_.max_connections));
        }
        links_.push_back(link);
        target->link = link;
    }
    Result<Ref<io::Wire>> wire = wires_.dial(target->address, options_.wire, *link);
    if (!wire.ok()) {
        std::lock_guard lock(mutex_);
        std::erase(links_, link);
        target->link = nullptr;
        return wire.take_error();
    }
    link->attach(std::move(wire).take());
    return {};
}

Result<Identity> Peer::connect(std::string_view endpoint, std::int64_t timeout_ms) {
    Result<io::WireAddress> address = io::WireAddress::parse(endpoint);
    if (!address.ok()) return address.take_error();
    auto target = make_ref<Target>();
    target->endpoint = endpoint;
    target->address = std::move(address).take();
    {
        std::lock_guard lock(mutex_);
        targets_.push_back(target);
    }
    Result<void> dialled = dial(target);
    std::unique_lock lock(mutex_);
    bool in_time = true;
    if (dialled.ok()) {
        in_time = changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms),
                                    [&] { return target->done; });
        if (in_time && target->identity) return *target->identity;
    }
    std::erase(targets_, target);
    Ref<Link> link = std::exchange(target->link, nullptr);
    reflow_status status = target->status;
    String reason = target->reason;
    lock.unlock();
    if (!dialled.ok()) return dialled.take_error();
    if (!in_time) {
        if (link) link->cut();
        return Failure(REFLOW_ERROR_TIMEOUT,
                       concat("no link to ", endpoint, " within ", timeout_ms, " ms"));
    }
    return Failure(status, reason_of(status, reason));
}

Result<void> Peer::disconnect(std::string_view network_id) {
    Vector<Ref<Link>> all;
    {
        std::lock_guard lock(mutex_);
        for (const Ref<Link>& link : links_) {
            if (link->stage() == Stage::open && link->remote().network_id == network_id) {
                all.push_back(link);
            }
        }
        std::size_t before = targets_.size();
        std::erase_if(targets_, [&](const Ref<Target>& target) {
            return target->identity && target->identity->network_id == network_id;
        });
        if (all.empty() && before == targets_.size()) {
            return Failure(REFLOW_ERROR_NOT_FOUND, concat("No connection to network: ", network_id));
        }
    }
    for (const Ref<Link>& link : all) link->close(io::WIRE_NORMAL, "disconnected");
    return {};
}

void Peer::plan_attempt(const Ref<Target>& target) {
    std::uint64_t delay = options_.reconnect_first_ns;
    for (std::uint32_t i = 1; i < target->attempt && delay < options_.reconnect_most_ns; ++i) {
        delay *= 2;
    }
    later(std::min(delay, options_.reconnect_most_ns), [this, target] { attempt(target); });
}

void Peer::attempt(const Ref<Target>& target) {
    {
        std::lock_guard lock(mutex_);
        bool wanted = std::find(targets_.begin(), targets_.end(), target) != targets_.end();
        if (stopping_ || !wanted) return;
    }
    Result<void> dialled = dial(target);
    if (dialled.ok()) return;
    // As if the wire had ended at once.
    after_failure(target, dialled.error().status, dialled.error().message, false);
}

// A link that was dialled has ended, or an attempt has failed.
void Peer::after_failure(const Ref<Target>& target, reflow_status status,
                         std::string_view reason, bool final) {
    PeerEvent event;
    {
        std::lock_guard lock(mutex_);
        bool wanted = std::find(targets_.begin(), targets_.end(), target) != targets_.end();
        if (stopping_ || !wanted || !target->identity) return;
        event.remote = *target->identity;
        event.endpoint = target->endpoint;
        event.status = status;
        event.reason = reason;
        event.attempt = target->attempt;
        bool last = target->attempt >= options_.reconnect_attempts && !options_.reconnect_forever;
        bool over = last || final;
        event.kind = over ? PeerEventKind::gave_up : PeerEventKind::reconnecting;
        if (over) {
            std::erase(targets_, target);
        } else {
            ++target->attempt;
        }
    }
    const String& id = event.remote.network_id;
    if (event.attempt != 0) {
        String of = options_.reconnect_forever ? String() : concat("/", options_.reconnect_attempts);
        log(REFLOW_LOG_WARN, concat("Reconnect attempt ", event.attempt, of, " for ", id,
                                    " failed: ", reason_of(status, reason)));
    }
    if (event.kind == PeerEventKind::gave_up) {
        log(REFLOW_LOG_ERROR, concat("Reconnect to ", id, " (endpoint ", event.endpoint,
                                     ") gave up after ", event.attempt,
                                     event.attempt == 1 ? " attempt" : " attempts"));
    }
    if (listener_) listener_(event);
    if (event.kind == PeerEventKind::reconnecting) plan_attempt(target);
}

// ---- links

Result<void> Peer::admit(Link& link, const Hello& hello) {
    const Identity& from = hello.from;
    const auto& allowed = options_.allowed_networks;
    if (!allowed.empty() &&
        std::find(allowed.begin(), allowed.end(), from.network_id) == allowed.end()) {
        return Failure(REFLOW_ERROR_REFUSED,
                       concat("network ", from.network_id, " is not one of allowed_networks"));
    }
    if (from == options_.link.self) {
        return Failure(REFLOW_ERROR_REFUSED,
                       concat("it calls itself ", from.network_id, " ", from.instance_id,
                              ", as this peer does"));
    }
    Ref<Link> stale;
    std::unique_lock lock(mutex_);
    if (stopping_) return Failure(REFLOW_ERROR_REFUSED, "the peer stops");
    std::size_t open = 0;
    for (const Ref<Link>& other : links_) {
        if (other->stage() != Stage::open) continue;
        ++open;
        if (other->remote() != from || other.get() == &link) continue;
        // One that dials again has missed what this side has not yet: the link before is dead.
        if (other->seems_dead(now_ns())) {
            stale = other;
            --open;
            continue;
        }
        // Two that dial each other keep the link of the one whose name comes first.
        const Identity& self = options_.link.self;
        bool ours_first = std::tie(self.network_id, self.instance_id) <
                          std::tie(from.network_id, from.instance_id);
        if (!other->dialled() || ours_first) {
            return Failure(REFLOW_ERROR_REFUSED, concat("network ", from.network_id, ", instance ",
                                                        from.instance_id, " is connected already"));
        }
    }
    if (open >= options_.max_connections) {
        return Failure(REFLOW_ERROR_REFUSED, concat("too many connections: max_connections is ",
                                                    options_.max_connections));
    }
    lock.unlock();
    if (stale) stale->cut();
    return {};
}

void Peer::linked(Link& link) {
    PeerEvent event;
    event.remote = link.remote();
    event.endpoint = link.endpoint();
    {
        std::lock_guard lock(mutex_);
        for (const Ref<Target>& target : targets_) {
            if (target->link.get() != &link) continue;
            event.attempt = std::exchange(target->attempt, 0);
            target->identity = event.remote;
            target->done = true;
        }
    }
    changed_.notify_all();
    log(REFLOW_LOG_INFO,
        event.attempt == 0
            ? concat("Established connection with network: ", event.remote.network_id)
            : concat("Reconnected to ", event.remote.network_id, " (endpoint ", event.endpoint,
                     ") on attempt ", event.attempt));
    if (listener_) listener_(event);
}

void Peer::unlinked(Link& link, reflow_status status, std::string_view reason) {
    Ref<Link> kept;  // the wire lets go of it now
    Ref<Target> target;
    bool greeted = false;
    bool again = false;
    {
        std::lock_guard lock(mutex_);
        for (const Ref<Link>& one : links_) {
            if (one.get() == &link) kept = one;
        }
        if (!kept) return;
        std::erase(links_, kept);
        std::erase_if(routes_, [&](const auto& route) { return route.first.first == &link; });
        for (auto& [inport, all] : waiting_) {
            std::erase_if(all, [&](const auto& one) { return one.first == kept; });
        }
        for (const Ref<Target>& one : targets_) {
            if (one->link == kept) target = one;
        }
        Identity remote = link.remote();
        greeted = !remote.network_id.empty();
        if (target) {
            target->link = nullptr;
            again = target->identity.has_value();
            if (!again) {
                target->status = status == REFLOW_OK ? REFLOW_ERROR_CLOSED : status;
                target->reason = reason;
                target->done = true;
            }
        }
    }
    changed_.notify_all();
    if (greeted && link.was_open()) {
        PeerEvent event{PeerEventKind::disconnected, link.remote(), link.endpoint(), status,
                        reason_of(status, reason), 0};
        log(REFLOW_LOG_INFO, concat("Connection with network ", event.remote.network_id,
                                    " has ended: ", event.reason));
        if (listener_) listener_(event);
    } else if (!link.dialled()) {
        log(REFLOW_LOG_WARN, concat("a connection was refused: ", reason_of(status, reason)));
    }
    if (again) after_failure(target, status, reason, is_final(link, status));
}

io::WireHandler* Peer::accepted(io::Wire& wire) {
    auto link = make_ref<Link>(static_cast<LinkOwner&>(*this), options_.link, false, wire.remote());
    link->attach(Ref<io::Wire>::share(&wire));
    std::lock_guard lock(mutex_);
    if (stopping_) return nullptr;
    links_.push_back(link);
    return link.get();
}

Ref<Link> Peer::pick(std::string_view network_id) {
    std::lock_guard lock(mutex_);
    Vector<Ref<Link>> open;
    for (const Ref<Link>& link : links_) {
        if (link->stage() == Stage::open && link->remote().network_id == network_id) {
            open.push_back(link);
        }
    }
    if (open.empty()) return {};
    return open[options_.fails_over ? 0 : next_++ % open.size()];
}

bool Peer::connected(std::string_view network_id) const {
    std::lock_guard lock(mutex_);
    return std::any_of(links_.begin(), links_.end(), [&](const Ref<Link>& link) {
        return link->stage() == Stage::open && link->remote().network_id == network_id;
    });
}

Vector<Ref<Link>> Peer::links() const {
    std::lock_guard lock(mutex_);
    return links_;
}

// ---- packets that go (peer_send.cpp)

void Peer::writable(Link&, std::uint64_t) {
    {
        std::lock_guard lock(mutex_);
        ++rooms_;
    }
    changed_.notify_all();
}

void Peer::lost(Link& link, std::uint64_t, std::uint64_t number, reflow_status,
                std::string_view text) {
    lost_.fetch_add(1, std::memory_order_relaxed);
    log(REFLOW_LOG_WARN, concat("packet ", number, " to ", link.remote().network_id,
                                " was not delivered: ", text));
}

// ---- packets that come

Result<std::size_t> Peer::take(Link& link, const Parcel& parcel, std::uint64_t channel,
                               std::span<const Message> packets) {
    if (!network_) return Failure(REFLOW_ERROR_NOT_FOUND, "this peer has no network");
    RouteKey key{&link, channel};
    std::optional<std::uint64_t> inport;
    {
        std::lock_guard lock(mutex_);
        if (auto found = routes_.find(key); found != routes_.end()) inport = found->second.inport;
    }
    if (!inport) {
        Result<std::uint64_t> found = network_->find_inport(parcel.actor, parcel.port);
        if (!found.ok()) {
            return Failure(REFLOW_ERROR_NOT_FOUND,
                           concat("Actor not found: ", found.error().message))
                .node(parcel.actor)
                .port(parcel.port);
        }
        inport = found.value();
        std::lock_guard lock(mutex_);
        if (channel != UINT64_MAX) routes_[key] = {*inport};
    }
    std::size_t taken = 0;
    while (taken < packets.size()) {
        Result<std::size_t> some = put(*inport, packets.subspan(taken));
        if (!some.ok()) {
            if (taken != 0) return taken;  // the one that is refused comes again as the first
            return some.take_error();
        }
        taken += some.value();
        for (std::size_t i = 0; options_.tells_messages && i < some.value(); ++i) {
            tell_message(link, parcel);
        }
        if (some.value() != 0) continue;
        if (channel == UINT64_MAX || !wait_for_room(link, channel, *inport)) break;
        // Room may have come in between.
        Result<std::size_t> more = put(*inport, packets.subspan(taken));
        if (!more.ok() || more.value() == 0) break;
        taken += more.value();
    }
    return taken;
}

void Peer::tell_message(const Link& link, const Parcel& parcel) {
    log(REFLOW_LOG_INFO,
        concat("\U0001F310 BRIDGE: Received remote message from ", link.remote().network_id,
               " to ", options_.link.self.network_id, "::", parcel.actor));
    log(REFLOW_LOG_INFO,
        concat("\u2705 ROUTER: Successfully routed message to local actor ", parcel.actor));
}

// As many as there is room for.
Result<std::size_t> Peer::put(std::uint64_t inport, std::span<const Message> packets) {
    Vector<reflow_message> raw;
    for (const Message& one : packets.first(std::min(packets.size(), most_taken))) {
        raw.push_back(MessageRef(one).own().leak());
    }
    std::size_t accepted = 0;
    Result<void> sent = network_->send(inport, raw, 0, accepted);
    for (std::size_t i = accepted; i < raw.size(); ++i) (void)Message::adopt(raw[i]);
    if (!sent.ok() && sent.error().status != REFLOW_ERROR_WOULD_BLOCK) return sent.take_error();
    return accepted;
}

bool Peer::wait_for_room(Link& link, std::uint64_t channel, std::uint64_t inport) {
    bool first = false;
    {
        std::lock_guard lock(mutex_);
        auto [at, made] = waiting_.try_emplace(inport);
        first = made;
        auto one = std::pair(Ref<Link>::share(&link), channel);
        if (std::find(at->second.begin(), at->second.end(), one) == at->second.end()) {
            at->second.push_back(std::move(one));
        }
    }
    if (!first) return true;
    Result<void> set = network_->on_writable(
        inport,
        [](void* data, reflow_inport number) { static_cast<Peer*>(data)->made_room(number.id); },
        network::HostData(Ref<Peer>::share(this).leak(),
                          [](void* data) { static_cast<Peer*>(data)->unref(); }));
    if (set.ok()) return true;
    log(REFLOW_LOG_ERROR, concat("cannot wait for room: ", set.error().message));
    return false;
}

void Peer::made_room(std::uint64_t inport) {
    Vector<std::pair<Ref<Link>, std::uint64_t>> all;
    {
        std::lock_guard lock(mutex_);
        auto found = waiting_.find(inport);
        if (found == waiting_.end()) return;
        all = std::exchange(found->second, {});
    }
    for (const auto& [link, channel] : all) link->resume(channel);
}

// ---- what others may know

Message Peer::actors() {
    ActorsTold told;
    if (network_) {
        Ref<network::Topology> all = network_->topology();
        for (const auto& actor : all->actors) {
            told.actors.push_back(
                {String(actor->id), {String(capability_messages)}, Message::null()});
        }
    }
    Result<Message> made = message_of(told);
    return made.ok() ? std::move(made).take() : ArrayBuilder().finish().take();
}

void Peer::actors_told(Link&, std::uint64_t, MessageRef) {}

io::HttpResponse Peer::request(const io::HttpRequest& request) {
    if (http_.call && !is_of_status(request)) return http_.call(request);
    return answer_status(request, status());
}

void Peer::log(reflow_log_level level, std::string_view text) {
    if (options_.log) options_.log(level, text);
}

}  // namespace reflow::peer
