// A peer: its port, its links, what comes and what goes.
// Thread: see peer.hpp.
#include "peer/peer.hpp"

#include <algorithm>
#include <chrono>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "peer/endpoints.hpp"
#include "peer/http.hpp"
#include "peer/limits.hpp"
#include "peer/times.hpp"

namespace reflow::peer {
namespace {

constexpr std::uint64_t same_moment_ns = 1'000'000'000;

// Whether it is of no use to dial again: the other side was there, and knows another token. What else
// it refuses for passes: it stops, is full, or has not yet missed the link before this one.
bool is_final(const Link& link, reflow_status status) noexcept {
    return status == REFLOW_ERROR_AUTH && link.was_reached();
}

}  // namespace

Peer::Peer(io::WireHost& wires, PeerOptions options, Listener listener)
    : clock_(options.clock != nullptr ? *options.clock : system_clock_),
      wires_(wires),
      options_(std::move(options)),
      listener_(std::move(listener)),
      followers_([this](reflow_log_level level, std::string_view text) { log(level, text); },
                 options_.threads) {}

Peer::~Peer() = default;

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
    options_.listens = true;
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
        port.first_bytes_ns = options_.wire.upgrade_ns;
        port.origins = options_.allowed_origins;
        // Those that are greeting count too; some more may, so that they can be refused in words.
        port.connections = options_.max_connections + limits::peer_strangers_count +
                           limits::peer_guests_count;
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
    log(REFLOW_LOG_INFO, concat("starting peer: network_id=", options_.link.self.network_id,
                                ", instance_id=", options_.link.self.instance_id, ", bind=",
                                options_.listens ? host_and_port(options_.bind_address, port_)
                                                 : String("none")));
    Result<void> found = start_discovery();
    if (!found.ok() && options_.listens) {
        wires_.unlisten(port_number_);
        std::lock_guard lock(mutex_);
        port_number_ = 0;
    }
    return found;
}

void Peer::stop(std::int64_t timeout_ms) {
    Vector<Ref<Link>> all;
    std::uint64_t listener = 0;
    {
        std::lock_guard lock(mutex_);
        if (std::exchange(ending_, true)) return;
    }
    const std::uint64_t start = now_ns();
    outboxes_.stop(timeout_ms);
    deliveries_.stop();
    hear_fates(timeout_ms);
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
        for (const Ref<Target>& target : targets_) {
            end_wait_locked(*target, REFLOW_ERROR_CLOSED, "the peer stops");
        }
        all = links_;
        listener = std::exchange(port_number_, 0);
    }
    changed_.notify_all();
    // So that nobody is sent here any more.
    if (discovery_) discovery_->stop(std::min(waiting_ms(timeout_ms), discovery_leave_ms));
    if (proxies_) proxies_->detach(*this);
    followers_.stop();
    if (listener != 0) wires_.unlisten(listener);
    for (const Ref<Link>& link : all) link->close(io::WIRE_GOING_AWAY, "the peer stops");
    cancel_timers();
    auto empty = [this] { return links_.empty() && ending_links_ == 0; };
    std::unique_lock lock(mutex_);
    auto spent = static_cast<std::int64_t>((now_ns() - start) / 1'000'000);
    auto left =
        std::chrono::milliseconds(std::max<std::int64_t>(waiting_ms(timeout_ms) - spent, 0));
    if (!changed_.wait_for(lock, left, empty)) {
        all = links_;
        lock.unlock();
        for (const Ref<Link>& link : all) link->cut();
        lock.lock();
        changed_.wait(lock, empty);
    }
    lock.unlock();
    forget_room();
}

// Links that go say no more; what is on its way is known to have arrived first, as long as more of it arrives within
// a heartbeat. By the time of the machine: nothing else moves a clock here.
void Peer::hear_fates(std::int64_t timeout_ms) {
    using Time = std::chrono::steady_clock;
    constexpr auto look = std::chrono::milliseconds(2);
    const Vector<Ref<Link>> all = links();
    for (const Ref<Link>& link : all) link->hush();
    const Time::time_point end = Time::now() + std::chrono::milliseconds(waiting_ms(timeout_ms));
    Time::time_point moved = Time::now();
    std::uint64_t before = UINT64_MAX;
    for (;;) {
        std::uint64_t open = 0;
        for (const Ref<Link>& link : all) {
            if (link->stage() == Stage::open && link->confirms()) open += link->counts().unconfirmed;
        }
        const Time::time_point now = Time::now();
        if (open < before) moved = now;
        before = open;
        const bool stands = now - moved > std::chrono::nanoseconds(options_.link.heartbeat_ns);
        if (open == 0 || stands || now >= end) return;
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, look);
    }
}

// ---- heartbeats

void Peer::plan_tick() {
    const std::uint64_t due = std::min(options_.link.heartbeat_ns / 4, options_.link.handshake_ns / 2);
    later(std::max<std::uint64_t>(due, 1'000'000), [this] { tick(); });
}

void Peer::tick() {
    Vector<Ref<Link>> all;
    {
        std::lock_guard lock(mutex_);
        if (stopping_) return;
        all = links_;
    }
    // A thread that had no turn for so long knows nothing of who is silent: what has come meanwhile is
    // read first, once.
    std::uint64_t now = now_ns();
    const bool late = ticked_ns_ != 0 && now - ticked_ns_ > options_.link.heartbeat_ns;
    ticked_ns_ = late ? 0 : now;
    for (const Ref<Link>& link : all) {
        if (!late) link->tick(now);
    }
    outboxes_.tick();
    followers_.look_again();
    plan_tick();
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
        // Two that dial each other keep the link with TLS, or else that of the one whose name comes first; a link
        // that has been there for a while is kept as well, since others use it.
        const bool old = other->counts().open_ns > same_moment_ns;
        const bool better = other->dialled() && link.secure() && !other->secure();
        if (better && !old) continue;
        if (!other->dialled() || old || stays(*other, link, from)) {
            return Failure(REFLOW_ERROR_REFUSED, concat("network ", from.network_id, ", instance ",
                                                        from.instance_id, " ", connected_already));
        }
    }
    if (open >= options_.max_connections) {
        return Failure(REFLOW_ERROR_LIMIT, concat("too many connections: max_connections is ",
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
            // Or the other side has been faster than the next attempt.
            bool own = target->link.get() == &link;
            bool instead = !own && target->attempt != 0 && target->identity == event.remote;
            if (!own && !instead) continue;
            event.attempt = std::exchange(target->attempt, 0);
            if (event.attempt != 0) ++target->reconnects;
            event.endpoint = target->endpoint;
            target->identity = event.remote;
            target->linked = true;
            target->duplicates = 0;
            target->dormant = instead && !target->link;
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
    check_expected(link);
    settle(link);
    greet_proxies(link);
    outboxes_.linked(event.remote.network_id);
}

// Counted until its end has been told, for stop().
class Peer::EndingLink {
public:
    explicit EndingLink(Peer& peer) : peer_(peer) {}
    EndingLink(const EndingLink&) = delete;
    EndingLink& operator=(const EndingLink&) = delete;
    ~EndingLink() {
        std::lock_guard lock(peer_.mutex_);
        --peer_.ending_links_;
        peer_.changed_.notify_all();
    }

private:
    Peer& peer_;
};

void Peer::unlinked(Link& link, reflow_status status, std::string_view reason) {
    std::optional<EndingLink> ending;
    Ref<Link> kept;  // the wire lets go of it now
    Vector<Ref<Proxy>> proxies;  // these end without the lock
    Ref<Target> target;
    bool greeted = false;
    Next next = Next::nothing;
    Vector<Ref<Target>> woken;
    {
        std::lock_guard lock(mutex_);
        for (const Ref<Link>& one : links_) {
            if (one.get() == &link) kept = one;
        }
        if (!kept) return;
        std::erase(links_, kept);
        ++ending_links_;
        ending.emplace(*this);
        ended_.add(link.books());  // they do not change any more
        for (auto& [key, route] : routes_) {
            if (key.first == &link && route.proxy) proxies.push_back(std::move(route.proxy));
        }
        std::erase_if(routes_, [&](const auto& route) { return route.first.first == &link; });
        // What has come and waits for room is delivered all the same: waiting_ keeps the link so long.
        for (const Ref<Target>& one : targets_) {
            if (one->link == kept) target = one;
        }
        Identity remote = link.remote();
        greeted = !remote.network_id.empty();
        std::erase(retiring_, kept);
        std::erase(shunned_, kept);
        std::erase(departing_, kept);
        std::erase_if(asked_, [&](const auto& one) {
            return one.second.link == kept && !one.second.answered;
        });
        if (target) next = next_locked(target, link, status, reason);
        if (link.was_open()) woken = woken_locked(remote);
    }
    changed_.notify_all();
    confirmations_.ended(link, reason_of(status, reason));
    deliveries_.ended(link, reason_of(status, reason));
    followers_.forget(link);
    if (proxies_) {
        proxies_->forget(&link);
    }
    outboxes_.unlinked(link);
    if (greeted && link.was_open()) {
        tell_end(link, status, reason);
    } else if (!link.dialled()) {
        // Of two that dial each other one is always refused.
        bool twin = reason.ends_with(connected_already);
        bool full = greeted && status == REFLOW_ERROR_LIMIT;
        if (!twin) (full ? refused_ : failed_).fetch_add(1, std::memory_order_relaxed);
        if (!twin && !full) failing_.failed(link.endpoint(), now_ns());
        const String text = concat("a connection from ", link.endpoint(), " was refused: ",
                                   reason_of(status, reason));
        twin ? log(REFLOW_LOG_DEBUG, text) : warn_of_others(text);
    }
    if (next == Next::unreached) tell_unreached(*target);
    if (next == Next::soon) plan_attempt(target);
    if (next == Next::fail) after_failure(target, status, reason, is_final(link, status));
    for (const Ref<Target>& one : woken) after_failure(one, status, reason, false);
}

void Peer::tell_end(Link& link, reflow_status status, std::string_view reason) {
    const Link::Books books = link.books();
    PeerEvent event{PeerEventKind::disconnected, link.remote(), link.endpoint(), status,
                    reason_of(status, reason), 0, books.sent - books.through};
    log(REFLOW_LOG_INFO, concat("Connection with network ", event.remote.network_id,
                                " has ended: ", event.reason));
    if (event.in_doubt != 0) {
        log(REFLOW_LOG_WARN, concat("of ", books.sent, " packets to ", event.remote.network_id,
                                    " over that link ", event.in_doubt,
                                    " are in doubt: they were sent and are not confirmed"));
    }
    if (listener_) listener_(event);
}

// A refusal that is not told costs whoever guesses its time, and nobody else anything.
bool Peer::answers(const Link& link) {
    const Strangers::Verdict verdict = failing_.look(link.endpoint(), now_ns());
    if (verdict == Strangers::Verdict::unanswered_first) {
        warn_of_others(concat("refusals are not told to ", without_port(link.endpoint()), " for a while: ",
                              limits::peer_failures_count, " of its handshakes have failed"));
    }
    return verdict == Strangers::Verdict::answered;
}

void Peer::not_secured(std::string_view remote, std::string_view reason) {
    failed_.fetch_add(1, std::memory_order_relaxed);
    failing_.failed(remote, now_ns());
    warn_of_others(concat("a connection from ", remote, " was refused: handshake of TLS: ", reason));
}

io::WireHandler* Peer::accepted(io::Wire& wire) {
    auto link = make_ref<Link>(static_cast<LinkOwner&>(*this), options_.link, false, wire.remote());
    link->attach(Ref<io::Wire>::share(&wire));
    // Who is here for longest without a greeting makes room: it keeps nobody else out.
    Ref<Link> oldest;
    std::size_t strangers = 0;
    {
        std::lock_guard lock(mutex_);
        if (stopping_) return nullptr;
        for (const Ref<Link>& other : links_) {
            if (other->dialled() || other->stage() == Stage::open) continue;
            if (strangers++ == 0) oldest = other;
        }
        links_.push_back(link);
    }
    if (strangers >= limits::peer_strangers_count) oldest->cut();
    return link.get();
}

// For each message that is sent, so without memory: those that fit are counted first. One may end
// in between.
Ref<Link> Peer::pick(std::string_view network_id) {
    std::lock_guard lock(mutex_);
    for (bool shunned : {false, true}) {
        auto fits = [&](const Ref<Link>& link) {
            if (!link->open_to(network_id)) return false;
            return (std::find(shunned_.begin(), shunned_.end(), link) != shunned_.end()) == shunned;
        };
        auto count = static_cast<std::size_t>(std::count_if(links_.begin(), links_.end(), fits));
        if (count == 0) continue;
        std::size_t before = options_.fails_over ? 0 : next_++ % count;
        const Ref<Link>* last = nullptr;
        for (const Ref<Link>& link : links_) {
            if (!fits(link)) continue;
            last = &link;
            if (before-- == 0) break;
        }
        if (last != nullptr) return count == 1 ? *last : elder_locked(*last, network_id);
    }
    return {};
}

bool Peer::connected(std::string_view network_id) const {
    std::lock_guard lock(mutex_);
    return std::any_of(links_.begin(), links_.end(), [&](const Ref<Link>& link) {
        return link->open_to(network_id);
    });
}

Vector<Ref<Link>> Peer::links() const {
    std::lock_guard lock(mutex_);
    return links_;
}

// ---- packets that go (peer_send.cpp)

// ---- packets that come

// Kept for the channel; without one each message looks for itself.
Result<std::uint64_t> Peer::find_inport(const Link& link, const Parcel& parcel,
                                        std::uint64_t channel) {
    Result<std::uint64_t> found = network_->find_inport(parcel.actor, parcel.port);
    if (!found.ok()) {
        // Of an actor that is there, the message names the port alone.
        const std::string_view what = found.error().message;
        const String why = found.error().port.empty()
                               ? concat("Actor not found: ", what)
                               : concat("actor '", parcel.actor, "': ", what);
        return Failure(REFLOW_ERROR_NOT_FOUND, why)
            .node(parcel.actor)
            .port(parcel.port);
    }
    std::lock_guard lock(mutex_);
    // A link that has ended says so before it is taken out of the table.
    bool lives = link.stage() != Stage::closed;
    if (channel != UINT64_MAX && lives) routes_[{&link, channel}] = {found.value()};
    return found;
}

// The node may have been put into the network anew: then its inport has another number.
Result<std::uint64_t> Peer::find_anew(const Link& link, const Parcel& parcel,
                                      std::uint64_t channel, std::uint64_t before) {
    {
        std::lock_guard lock(mutex_);
        routes_.erase({&link, channel});
    }
    // That number never means anything again.
    (void)network_->on_writable(before, nullptr, {}, this);
    leave_room(before);
    return find_inport(link, parcel, channel);
}

Result<std::size_t> Peer::deliver(Link& link, const Parcel& parcel, std::uint64_t channel,
                                  std::span<const Message> packets) {
    if (!network_) return Failure(REFLOW_ERROR_NOT_FOUND, "this peer has no network");
    RouteKey key{&link, channel};
    std::optional<std::uint64_t> inport;
    Route route;
    {
        std::lock_guard lock(mutex_);
        if (auto found = routes_.find(key); found != routes_.end()) {
            route = found->second;
            inport = route.inport;
        }
    }
    if (route.proxy) return emit(link, parcel, channel, *route.proxy, route.outport, packets);
    if (!inport) {
        Result<std::uint64_t> found = find_inport(link, parcel, channel);
        if (!found.ok()) return found.take_error();
        inport = found.value();
    }
    // Those that are told of go in one by one.
    const std::size_t most = options_.tells_messages ? 1 : packets.size();
    std::size_t taken = 0;
    while (taken < packets.size()) {
        Parcel rest = parcel;
        rest.first += taken;
        rest.message += taken;
        auto next = packets.subspan(taken, std::min(most, packets.size() - taken));
        if (options_.tells_messages) tell_message(link, rest, channel);
        Result<std::size_t> some = put(link, rest, channel, *inport, next);
        if (!some.ok() && some.error().status == REFLOW_ERROR_NOT_FOUND) {
            Result<std::uint64_t> now = find_anew(link, parcel, channel, *inport);
            if (!now.ok()) {
                some = now.take_error();
            } else if (std::exchange(inport, now.value()) != now.value()) {
                continue;
            }
        }
        if (!some.ok()) {
            if (taken != 0) return taken;  // the one that is refused comes again as the first
            return some.take_error();
        }
        taken += some.value();
        if (some.value() != 0) continue;
        if (!wait_for_room(link, channel, *inport)) {
            // Nobody else would say that it is lost.
            if (channel == UINT64_MAX && nobody_waits()) {
                return Failure(REFLOW_ERROR_CLOSED, concat(parcel.actor, " has no room, and the peer "
                                                                         "has stopped"));
            }
            break;
        }
        // Room may have come in between.
        Result<std::size_t> more = put(link, rest, channel, *inport, next);
        if (!more.ok() || more.value() == 0) break;
        taken += more.value();
    }
    return taken;
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

io::HttpResponse Peer::request(const io::HttpRequest& request) {
    if (request.foreign) return error_response(403, "pages of this origin are not let in");
    if (http_.call && !is_of_status(request)) return http_.call(request);
    return answer_status(request, status());
}

void Peer::log(reflow_log_level level, std::string_view text) {
    if (options_.log) options_.log(level, text);
}

void Peer::warn_of_others(std::string_view text) {
    const std::optional<std::uint64_t> left_out = lines_.take(now_ns());
    if (!left_out) return;
    log(REFLOW_LOG_WARN, *left_out == 0 ? String(text) : concat(text, " (", *left_out, " such lines left out before)"));
}

}  // namespace reflow::peer
