// A peer and discovery: who is dialled, which of two links to one peer stays, and what is known of others.
// Neighbours: peer.cpp (links), discovery. Thread: see peer.hpp.
//
// Two that dial each other in the same moment end up with two links. Both sides keep the one that was dialled by the less of the two
// by (network id, instance id): whoever accepts refuses what would not stay, and when both links have opened at
// the same time, both sides end the same one. A target whose peer is served by another link sleeps until
// that link has ended.
#include <algorithm>
#include <chrono>
#include <tuple>

#include "base/text.hpp"
#include "io/interfaces.hpp"
#include "peer/endpoints.hpp"
#include "peer/peer.hpp"
#include "peer/times.hpp"

namespace reflow::peer {
namespace {

bool same_address(const io::WireAddress& a, const io::WireAddress& b) noexcept {
    return a.scheme == b.scheme && a.port == b.port && a.host == b.host && a.path == b.path;
}

constexpr std::uint32_t most_duplicates = 5;  // a second, with the usual delays

template <typename T, typename U>
bool holds(const Vector<T>& all, const U& one) {
    return std::find(all.begin(), all.end(), one) != all.end();
}

bool lists(std::span<const DiscoveredNetwork> known, std::string_view endpoint) {
    return std::any_of(known.begin(), known.end(), [&](const DiscoveredNetwork& network) {
        return std::any_of(
            network.instances.begin(), network.instances.end(),
            [&](const DiscoveryEntry& entry) { return entry.endpoint == endpoint; });
    });
}

std::string_view name_of(DiscoveryEvent::Kind kind) noexcept {
    if (kind == DiscoveryEvent::Kind::added) return "is there";
    return kind == DiscoveryEvent::Kind::updated ? "has changed" : "has gone";
}

}  // namespace

Result<void> Peer::start_discovery() {
    if (options_.discovery.endpoints.empty()) return {};
    DiscoveryEntry self;
    Discovery::Owner owner;
    self.network_id = options_.link.self.network_id;
    self.instance_id = options_.link.self.instance_id;
    if (options_.listens) {
        Config config;
        config.network_id = self.network_id;
        config.instance_id = self.instance_id;
        config.bind_address = options_.bind_address;
        config.advertise_address = options_.advertise_address;
        config.capabilities = options_.capabilities;
        config.tls.certificate_file = options_.wire.tls.certificate_file;
        auto interfaces = io::interface_addresses();
        if (!interfaces.ok()) return interfaces.take_error();
        self = registration(config, port_, interfaces.value());
        if (config.advertise_address.empty()) {
            owner.endpoint = [config, port = port_] {
                auto now = io::interface_addresses();
                return now.ok() ? registration(config, port, now.value()).endpoint : String();
            };
        }
    }
    DiscoveryOptions wanted = options_.discovery;
    wanted.threads = options_.threads;
    wanted.tls.ca_file = options_.wire.tls.ca_file;
    wanted.tls.verify = options_.wire.tls.verify;
    owner.event = [this](const DiscoveryEvent& event) {
        log(REFLOW_LOG_DEBUG, concat("discovery: network ", event.network.network_id, " ",
                                     name_of(event.kind), ": ", event.network.instances.size(),
                                     " instances"));
        if (options_.discovered) options_.discovered(event);
    };
    owner.known = [this](std::span<const DiscoveredNetwork> known) { dial_discovered(known); };
    owner.log = [this](reflow_log_level level, std::string_view text) { log(level, text); };
    owner.after = [this](std::uint64_t delay_ns, std::function<void()> call) {
        later(delay_ns, std::move(call));
    };
    auto made = make_ref<Discovery>(std::move(wanted), std::move(self), std::move(owner));
    {
        std::lock_guard lock(mutex_);
        if (stopping_) return {};
        discovery_ = made;
    }
    return made->start();
}

Result<void> Peer::discover(std::int64_t timeout_ms) {
    Ref<Discovery> with;
    {
        std::lock_guard lock(mutex_);
        with = discovery_;
    }
    if (!with) {
        return Failure(REFLOW_ERROR_INVALID_STATE,
                       options_.discovery.endpoints.empty() ? "the peer has no discovery endpoints"
                                                            : "the peer has not been started");
    }
    return with->discover(waiting_ms(timeout_ms));
}

// ---- dialling what was found

Ref<Peer::Target> Peer::find_target_locked(const io::WireAddress& address) const {
    for (const Ref<Target>& target : targets_) {
        if (same_address(target->address, address)) return target;
    }
    return {};
}

Ref<Peer::Target> Peer::join(const io::WireAddress& address) {
    std::lock_guard lock(mutex_);
    Ref<Target> found = find_target_locked(address);
    if (!found || !found->discovered) return {};
    if (!found->link && !found->dormant) {  // it waits for its next attempt: a new one does not
        std::erase(targets_, found);
        return {};
    }
    found->discovered = false;
    // A link says that it is open before linked() has heard of it: until then the target has no identity.
    found->done = found->dormant || (found->identity && found->link->stage() == Stage::open);
    return found;
}

bool Peer::served_locked(const Identity& remote, const Link* other_than) const {
    return std::any_of(links_.begin(), links_.end(), [&](const Ref<Link>& link) {
        return link.get() != other_than && link->stage() == Stage::open && link->remote() == remote;
    });
}

// What discovery lists no more is not dialled any more; links live on. Returns those that were dialled again.
Vector<Ref<Peer::Target>> Peer::forget_unlisted_locked(std::span<const DiscoveredNetwork> known) {
    Vector<Ref<Target>> dropped;
    std::erase_if(targets_, [&](const Ref<Target>& target) {
        const bool goes = target->discovered && !target->link && !lists(known, target->endpoint);
        const bool again = target->identity && !target->dormant && target->attempt != 0;
        if (goes && again) dropped.push_back(target);
        return goes;
    });
    std::erase_if(unreachable_, [&](const String& endpoint) { return !lists(known, endpoint); });
    std::erase_if(strangers_, [&](const String& endpoint) { return !lists(known, endpoint); });
    return dropped;
}

// As after the last attempt: nobody dials them any more.
void Peer::tell_dropped(const Target& target) {
    PeerEvent event;
    event.kind = PeerEventKind::gave_up;
    event.remote = *target.identity;
    event.endpoint = target.endpoint;
    event.status = REFLOW_ERROR_NOT_FOUND;
    event.reason = "discovery does not list it any more";
    event.attempt = target.attempt - 1;  // the next one does not come
    log(REFLOW_LOG_WARN, concat("Reconnect to ", event.remote.network_id, " (endpoint ",
                                event.endpoint, ") ended after ", event.attempt,
                                event.attempt == 1 ? " attempt: " : " attempts: ", event.reason));
    if (listener_) listener_(event);
}

// A new target for an instance, or nothing if it is linked or dialled already.
Ref<Peer::Target> Peer::target_of_locked(const DiscoveredNetwork& network,
                                         const DiscoveryEntry& entry) {
    Identity identity{network.network_id, entry.instance_id};
    if (identity == options_.link.self || served_locked(identity, nullptr)) return {};
    Result<io::WireAddress> address = io::WireAddress::parse(entry.endpoint);
    if (!address.ok() || find_target_locked(address.value())) return {};
    if (holds(strangers_, entry.endpoint)) return {};
    for (const Ref<Target>& target : targets_) {
        if (target->identity == identity || target->expected == identity) return {};
    }
    auto target = make_ref<Target>();
    target->endpoint = entry.endpoint;
    target->address = std::move(address).take();
    target->discovered = true;
    target->expected = std::move(identity);
    targets_.push_back(target);
    return target;
}

void Peer::dial_discovered(std::span<const DiscoveredNetwork> known) {
    if (!options_.auto_dial) return;
    const auto& allowed = options_.allowed_networks;
    Vector<Ref<Target>> found, dropped;
    {
        std::lock_guard lock(mutex_);
        if (stopping_) return;
        dropped = forget_unlisted_locked(known);
        for (const DiscoveredNetwork& network : known) {
            if (!allowed.empty() && !holds(allowed, network.network_id)) continue;
            if (holds(not_dialled_, network.network_id)) continue;
            for (const DiscoveryEntry& entry : network.instances) {
                if (Ref<Target> target = target_of_locked(network, entry)) {
                    found.push_back(std::move(target));
                }
            }
        }
        // Those that have not been reached come last, the one that failed last at the very end: they keep nobody
        // else out of max_connections.
        Map<std::string_view, std::size_t> failed;
        for (std::size_t i = 0; i < unreachable_.size(); ++i) failed[unreachable_[i]] = i + 1;
        auto turn = [&](const Ref<Target>& target) {
            auto place = failed.find(target->endpoint);
            return place == failed.end() ? 0 : place->second;
        };
        std::stable_sort(found.begin(), found.end(),
                         [&](const auto& one, const auto& other) { return turn(one) < turn(other); });
    }
    for (const Ref<Target>& target : dropped) tell_dropped(*target);
    for (const Ref<Target>& target : found) {
        Result<void> dialled = dial(target);
        if (dialled.ok()) continue;
        log(REFLOW_LOG_DEBUG, concat("network ", target->expected->network_id, " at ",
                                     target->endpoint, " is not dialled: ",
                                     dialled.error().message));
        std::lock_guard lock(mutex_);
        std::erase(targets_, target);
        target->status = dialled.error().status;
        target->reason = dialled.error().message;
        target->done = true;
    }
}

// ---- the end of a link

bool Peer::serves_locked(const Ref<Target>& target) {
    if (!target->identity || !served_locked(*target->identity, target->link.get())) return false;
    target->dormant = target->done = true;
    target->attempt = target->duplicates = 0;
    changed_.notify_all();
    return true;
}

Peer::Next Peer::next_locked(const Ref<Target>& target, const Link& link, reflow_status status,
                             std::string_view reason) {
    target->link = nullptr;
    const bool duplicate = status == REFLOW_ERROR_REFUSED && reason.ends_with(connected_already);
    if (duplicate) target->identity = link.remote();
    if (duplicate && stranger_locked(target)) return Next::nothing;
    if (serves_locked(target)) return Next::nothing;
    // The link that it means has not been heard of here yet, or has not been missed there yet; or it is that of
    // another process which calls itself as this one does.
    if (duplicate && ++target->duplicates <= most_duplicates) return Next::soon;
    if (!target->linked) target->identity.reset();
    if (target->identity) return Next::fail;
    end_wait_locked(*target, status == REFLOW_OK ? REFLOW_ERROR_CLOSED : status, reason);
    if (!target->discovered) return Next::nothing;
    std::erase(targets_, target);  // the next answer of discovery makes it anew
    return Next::unreached;
}

// A warning once, until it is reached or listed no more.
void Peer::tell_unreached(const Target& target) {
    bool first = false;
    {
        std::lock_guard lock(mutex_);
        first = std::erase(unreachable_, target.endpoint) == 0 && !stopping_;
        unreachable_.push_back(target.endpoint);
    }
    log(first ? REFLOW_LOG_WARN : REFLOW_LOG_DEBUG,
        concat("cannot reach network ", target.expected->network_id, " at ", target.endpoint,
               ", which discovery tells of: ", target.reason));
}

Vector<Ref<Peer::Target>> Peer::woken_locked(const Identity& remote) {
    Vector<Ref<Target>> woken;
    if (served_locked(remote, nullptr)) return woken;
    for (const Ref<Target>& target : targets_) {
        if (!target->dormant || target->identity != remote) continue;
        target->dormant = false;
        woken.push_back(target);
    }
    return woken;
}

// ---- two links to one peer

// Behind an endpoint of discovery there may be somebody else by now. It is not dialled any more as long as it
// is listed.
bool Peer::stranger_locked(const Ref<Target>& target) {
    bool other = target->discovered && target->expected && target->identity &&
                 target->expected->network_id != target->identity->network_id;
    if (!other) return false;
    strangers_.push_back(target->endpoint);
    std::erase(targets_, target);
    return true;
}

void Peer::check_expected(Link& link) {
    String expected;
    {
        std::lock_guard lock(mutex_);
        const Vector<Ref<Target>> all = targets_;  // one may go
        for (const Ref<Target>& target : all) {
            if (target->link.get() != &link) continue;
            std::erase(unreachable_, target->endpoint);
            if (!stranger_locked(target)) return;
            expected = target->expected->network_id;
            break;
        }
    }
    if (expected.empty()) return;
    log(REFLOW_LOG_WARN, concat("at ", link.endpoint(), " is network ", link.remote().network_id,
                                ", where discovery tells of ", expected, ": the link is closed"));
    link.close(io::WIRE_NORMAL, "discovery tells of another network here");
}

// Whether two that dialled each other have both links now.
bool Peer::twins(const Link& one, const Link& other) {
    return &one != &other && one.dialled() != other.dialled() && other.stage() == Stage::open &&
           one.remote() == other.remote();
}

Ref<Link> Peer::elder_locked(const Ref<Link>& link, std::string_view network_id) const {
    bool passed = false;  // of two that were opened in the same moment it is the first here
    for (const Ref<Link>& other : links_) {
        passed = passed || other == link;
        if (!twins(*link, *other) || !other->open_to(network_id) || holds(shunned_, other)) continue;
        const std::uint64_t ours = link->opened_ns(), theirs = other->opened_ns();
        return theirs < ours || (theirs == ours && !passed) ? other : link;
    }
    return link;
}

bool Peer::stays(const Link& one, const Link& other, const Identity& remote) const {
    if (one.secure() != other.secure()) return one.secure();
    const Identity& self = options_.link.self;
    const bool ours_first = std::tie(self.network_id, self.instance_id) <
                            std::tie(remote.network_id, remote.instance_id);
    return one.dialled() == ours_first;
}

void Peer::settle(Link& link) {
    const Identity remote = link.remote();
    Ref<Link> goes;
    {
        std::lock_guard lock(mutex_);
        for (const Ref<Link>& other : links_) {
            if (!twins(link, *other)) continue;
            goes = stays(link, *other, remote) ? other : Ref<Link>::share(&link);
            if (holds(retiring_, goes)) return;
            retiring_.push_back(goes);
            break;
        }
    }
    if (goes) retire(goes, UINT64_MAX, 0);
}

// What is on its way when both have noticed still arrives: it is closed when nothing has come or gone for a
// while. If that does not come, both sides send by the other link, and streams that it carries come to their end.
void Peer::retire(const Ref<Link>& link, std::uint64_t packets, unsigned looks) {
    constexpr std::uint64_t look_ns = 200'000'000;
    constexpr unsigned most_looks = 5;
    constexpr std::string_view reason = "another link to this peer stays";
    if (link->stage() != Stage::open) return;
    if (link->close_resting(packets, io::WIRE_NORMAL, reason)) return;
    const Link::Counts counts = link->counts();
    if (looks == most_looks) {
        std::lock_guard lock(mutex_);
        if (holds(retiring_, link)) shunned_.push_back(link);
    }
    if (looks >= 2 * most_looks && counts.streams == 0) return link->close(io::WIRE_NORMAL, reason);
    const std::uint64_t now = counts.packets_in + counts.packets_out;
    later(look_ns, [this, link, now, looks] { retire(link, now, looks + 1); });
}

// ---- what is known of others

void Peer::actors_told(Link& link, std::uint64_t number, MessageRef actors) {
    {
        std::lock_guard lock(mutex_);
        auto found = asked_.find(number);
        if (found == asked_.end() || found->second.link.get() != &link) return;
        found->second.answered = true;
        found->second.actors = actors.own();
    }
    changed_.notify_all();
}

Result<Message> Peer::ask_actors(std::string_view network_id, std::int64_t timeout_ms) {
    const std::uint64_t start = now_ns();
    for (;;) {
        Ref<Link> link = pick(network_id);
        if (!link) {
            return Failure(REFLOW_ERROR_NOT_FOUND,
                           concat("No connection to network: ", network_id));
        }
        auto spent = static_cast<std::int64_t>((now_ns() - start) / 1'000'000);
        Result<Message> told =
            ask_over(link, std::max<std::int64_t>(waiting_ms(timeout_ms) - spent, 0));
        // Of two links to one peer the other stays, and is asked.
        const bool over = !told.ok() && told.error().status == REFLOW_ERROR_CLOSED;
        if (!over || !connected(network_id)) return told;
    }
}

Result<Message> Peer::ask_over(const Ref<Link>& link, std::int64_t timeout_ms) {
    std::uint64_t number = 0;
    {
        std::lock_guard lock(mutex_);
        number = ++last_asked_;
        asked_[number].link = link;
    }
    Result<void> asked = link->ask_actors(number);
    std::unique_lock lock(mutex_);
    auto over = [&] {
        auto found = asked_.find(number);
        return found == asked_.end() || found->second.answered || link->stage() != Stage::open;
    };
    bool in_time =
        !asked.ok() || changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms), over);
    auto found = asked_.find(number);
    bool answered = found != asked_.end() && found->second.answered;
    Message actors = answered ? std::move(found->second.actors) : Message();
    if (found != asked_.end()) asked_.erase(found);
    if (answered) return actors;
    if (!asked.ok()) return asked.take_error();
    const String network_id = link->remote().network_id;
    if (in_time) return Failure(REFLOW_ERROR_CLOSED, concat("the link to ", network_id, " has ended"));
    return Failure(REFLOW_ERROR_TIMEOUT,
                   concat(network_id, " does not answer within ", timeout_ms, " ms"));
}

Result<std::uint64_t> Peer::ping(std::string_view network_id, std::int64_t timeout_ms) {
    using Time = std::chrono::steady_clock;
    const Time::time_point end = Time::now() + std::chrono::milliseconds(waiting_ms(timeout_ms));
    for (;;) {
        Ref<Link> link = pick(network_id);
        if (!link) {
            return Failure(REFLOW_ERROR_NOT_FOUND,
                           concat("No connection to network: ", network_id));
        }
        Result<std::uint64_t> sent = link->ping();
        if (sent.ok()) {
            std::unique_lock lock(mutex_);
            ++pinging_;
            auto answered = [&] { return link->answered_ping() >= sent.value(); };
            const bool in_time = changed_.wait_until(
                lock, end, [&] { return answered() || link->stage() != Stage::open; });
            --pinging_;
            lock.unlock();
            if (answered()) return link->counts().round_trip_ns;
            if (!in_time) {
                return Failure(REFLOW_ERROR_TIMEOUT, concat(network_id, " does not answer within ",
                                                            timeout_ms, " ms"));
            }
        } else if (sent.error().status != REFLOW_ERROR_CLOSED) {
            return sent;
        }
        // As ask_actors(): another link may stay.
        if (!connected(network_id)) {
            return Failure(REFLOW_ERROR_CLOSED, concat("the link to ", network_id, " has ended"));
        }
    }
}

void Peer::ponged(Link&) {
    {
        std::lock_guard lock(mutex_);
        if (pinging_ == 0) return;
    }
    changed_.notify_all();
}

namespace {

struct KnownInstance {
    String endpoint;
    Vector<String> capabilities;
    bool connected = false;
};
struct KnownNetwork {
    bool connected = false, discovered = false;
    Map<String, KnownInstance> instances;
};

Result<Message> message_of(const String& id, const KnownInstance& instance) {
    ArrayBuilder words;
    for (const String& word : instance.capabilities) words.append(Message::string(word));
    Result<Message> list = words.finish();
    if (!list.ok()) return list;
    ObjectBuilder one;
    one.set("instance_id", Message::string(id));
    one.set("endpoint", Message::string(instance.endpoint));
    one.set("capabilities", std::move(list).take());
    one.set("connected", Message::boolean(instance.connected));
    return one.finish();
}

Result<Message> message_of(const String& id, const KnownNetwork& network) {
    ArrayBuilder instances;
    for (const auto& [name, instance] : network.instances) {
        Result<Message> one = message_of(name, instance);
        if (!one.ok()) return one;
        instances.append(std::move(one).take());
    }
    Result<Message> list = instances.finish();
    if (!list.ok()) return list;
    ObjectBuilder one;
    one.set("network_id", Message::string(id));
    one.set("connected", Message::boolean(network.connected));
    one.set("discovered", Message::boolean(network.discovered));
    one.set("instances", std::move(list).take());
    return one.finish();
}

}  // namespace

Result<Message> Peer::networks() const {
    Ref<Discovery> with;
    {
        std::lock_guard lock(mutex_);
        with = discovery_;
    }
    Map<String, KnownNetwork> all;
    if (with) {
        for (const DiscoveredNetwork& network : with->known()) {
            KnownNetwork& to = all[network.network_id];
            to.discovered = true;
            for (const DiscoveryEntry& entry : network.instances) {
                to.instances[entry.instance_id] = {entry.endpoint, entry.capabilities, false};
            }
        }
    }
    for (const Ref<Link>& link : links()) {
        if (link->stage() != Stage::open) continue;
        Identity remote = link->remote();
        KnownNetwork& to = all[remote.network_id];
        KnownInstance& instance = to.instances[remote.instance_id];
        to.connected = instance.connected = true;
        if (instance.endpoint.empty()) instance.endpoint = link->endpoint();
    }
    ArrayBuilder list;
    for (const auto& [id, network] : all) {
        Result<Message> one = message_of(id, network);
        if (!one.ok()) return one;
        list.append(std::move(one).take());
    }
    return list.finish();
}

}  // namespace reflow::peer
