// Section 21 of reflow.h: peers. A build that leaves them out (REFLOW_WITH_PEER) has functions that say
// so. Thread: any.
#include "capi/guard.hpp"
#include "capi/handles.hpp"
#include "capi/modules.hpp"

#if REFLOW_WITH_PEER
#include "base/clock.hpp"
#include "base/limits.hpp"
#include "capi/peer_delivery.hpp"
#include "capi/peer_handle.hpp"
#include "capi/peer_http.hpp"
#include "io/lookout.hpp"
#include "peer/config.hpp"
#include "peer/limits.hpp"
#include "peer/names.hpp"
#include "peer/peer.hpp"
#include "runtime/lookout.hpp"
#endif

using namespace reflow;
using namespace reflow::capi;

#if REFLOW_WITH_PEER

struct reflow_peer : reflow::capi::Endable {
    ~reflow_peer() override;
    void stop() noexcept override;
    void end_feed();

    std::shared_ptr<io::WireHost> wires;  // of all peers of the runtime; ends after the last of them
    Ref<peer::Peer> peer;
    Ref<peer::Feed> feed;
    String network_id, instance_id, bind_address;
    Vector<String> connect;
    Vector<peer::RemoteRegistration> remote_actors;  // of a configuration: made with the start
};

void reflow_peer::stop() noexcept {
    constexpr std::int64_t end_ms = 5000;
    (void)guarded_status([&] {
        peer->stop(end_ms);
        end_feed();
        return REFLOW_OK;
    });
}

// What was told is on its way over the thread of wires: it is in the queues of all subscriptions first.
void reflow_peer::end_feed() {
    wires->settle();
    feed->close();
}

reflow_peer::~reflow_peer() {
    // The thread of the wires may serve others, and still be on its way out of this one.
    if (wires && peer) {
        (void)guarded_status([&] {
            wires->settle();
            return REFLOW_OK;
        });
    }
    // Before the peer: what is left of it there is gone with the last peer of the runtime.
    wires.reset();
}

namespace reflow::capi {

Result<void> usable(const reflow_peer* peer) {
    if (peer == nullptr) return null_argument("peer");
    return of_this_process(peer->runtime->forked());
}

Result<void> may_wait(const reflow_peer& peer) { return may_wait(*peer.runtime); }

// What waits for links waits for threads that may wait for this callback, or for this thread itself.
Result<void> may_wait(network::Runtime& runtime) {
    const bool inside = runtime::current_scheduler() == &runtime.scheduler();
    if (!inside && !io::on_thread_of_peers()) return {};
    return Failure(REFLOW_ERROR_WOULD_DEADLOCK, "it would wait inside a callback");
}

Endable& handle_of(reflow_peer& peer) noexcept { return peer; }
peer::Peer& peer_of(const reflow_peer& peer) noexcept { return *peer.peer; }
peer::Feed& feed_of(const reflow_peer& peer) noexcept { return *peer.feed; }
network::Runtime& runtime_of(const reflow_peer& peer) noexcept { return *peer.runtime; }

}  // namespace reflow::capi

namespace {

// One thread for the links of all peers of a runtime. What it logs goes to the runtime, which outlives
// every peer.
Result<std::shared_ptr<io::WireHost>> wires_of(network::Runtime& runtime) {
    std::lock_guard lock(runtime.shared.mutex);
    if (auto there = std::static_pointer_cast<io::WireHost>(runtime.shared.value.lock())) {
        return there;
    }
    io::WireHost::Options options;
    options.threads = thread_hooks(runtime);
    options.log = [log_to = static_cast<runtime::Environment*>(&runtime)](
                      reflow_log_level level, std::string_view text) {
        log_to->log(level, "peer", {}, text);
    };
    // Workers that have nothing to do wait for packets.
    Ref<Lookout> place;
    if (runtime.options().scheduler.mode == REFLOW_MODE_OWN) {
        runtime::Scheduler& scheduler = runtime.scheduler();
        if (runtime::lookout_of(scheduler) == nullptr) {
            runtime::look_out(scheduler, io::make_lookout());
        }
        place = Ref<Lookout>::share(runtime::lookout_of(scheduler));
    }
    auto made = io::make_host(std::move(options), std::move(place));
    if (!made.ok()) return made.take_error();
    std::shared_ptr<io::WireHost> host(std::move(made).take());
    runtime.shared.value = host;
    return host;
}

Result<std::unique_ptr<reflow_peer>> make(reflow_runtime* runtime, peer::PeerOptions options) {
    auto made = std::unique_ptr<reflow_peer>(new reflow_peer);
    made->runtime = Ref<network::Runtime>::share(runtime_of(runtime));
    made->network_id = options.link.self.network_id;
    made->instance_id = options.link.self.instance_id;
    made->bind_address = options.bind_address;
    runtime::Environment* log_to = made->runtime.get();
    auto log = [log_to, id = made->network_id](reflow_log_level level, std::string_view text) {
        log_to->log(level, "peer", id, text);
    };
    auto wires = wires_of(*made->runtime);
    if (!wires.ok()) return wires.take_error();
    made->wires = std::move(wires).take();
    options.log = log;
    options.threads = thread_hooks(*made->runtime);
    options.link.environment = made->runtime.get();
    options.link.scheduler = &made->runtime->scheduler();
    made->feed = make_ref<peer::Feed>();
    // Callbacks of the host may wait for turns, so a worker does not make them.
    io::WireHost* wires_host = made->wires.get();
    auto tell_home = [feed = made->feed, wires_host](const auto& event) {
        io::call_at_home(*wires_host, [feed, event] { tell(*feed, event); });
    };
    options.discovered = tell_home;
    made->peer = make_ref<peer::Peer>(*made->wires, std::move(options), tell_home);
    return made;
}

Result<Message> describe(const reflow_peer& of) {
    ArrayBuilder endpoints;
    for (const String& endpoint : of.connect) endpoints.append(Message::string(endpoint));
    Result<Message> dialled = endpoints.finish();
    if (!dialled.ok()) return dialled;
    ArrayBuilder links;
    for (const Ref<peer::Link>& link : of.peer->links()) {
        peer::Identity remote = link->remote();
        peer::Link::Counts counts = link->counts();
        ObjectBuilder one;
        one.set("network_id", Message::string(remote.network_id));
        one.set("instance_id", Message::string(remote.instance_id));
        one.set("endpoint", Message::string(link->endpoint()));
        one.set("dialled", Message::boolean(link->dialled()));
        one.set("scheme",
                Message::string(peer::scheme_names[static_cast<std::size_t>(counts.scheme)]));
        one.set("state", Message::string(peer::name_of(link->stage())));
        auto number = [&](std::string_view key, std::uint64_t value) {
            one.set(key, Message::integer(static_cast<std::int64_t>(value)));
        };
        number("round_trip_ns", counts.round_trip_ns);
        number("packets_in", counts.packets_in);
        number("packets_out", counts.packets_out);
        number("queued_packets", counts.queued_packets);
        number("unconfirmed", counts.unconfirmed);
        number("streams", counts.streams);
        number("bytes_in", counts.bytes_in);
        number("bytes_out", counts.bytes_out);
        Result<Message> made = one.finish();
        if (!made.ok()) return made;
        links.append(std::move(made).take());
    }
    Result<Message> all = links.finish();
    if (!all.ok()) return all;
    ObjectBuilder status;
    status.set("network_id", Message::string(of.network_id));
    status.set("instance_id", Message::string(of.instance_id));
    status.set("bind_address", Message::string(of.bind_address));
    status.set("port", Message::integer(of.peer->port()));
    status.set("connect", std::move(dialled).take());
    status.set("lost", Message::integer(static_cast<std::int64_t>(of.peer->lost_packets())));
    status.set("duplicates", Message::integer(static_cast<std::int64_t>(of.peer->duplicates())));
    Result<Message> books = capi::describe_books(of.peer->books());
    if (!books.ok()) return books;
    status.set("messages", std::move(books).take());
    Result<Message> outboxes = capi::describe_outboxes(of.peer->outboxes());
    if (!outboxes.ok()) return outboxes;
    status.set("outboxes", std::move(outboxes).take());
    status.set("links", std::move(all).take());
    return status.finish();
}

}  // namespace

extern "C" {

reflow_status reflow_peer_create(reflow_runtime* runtime, const reflow_peer_options* options,
                                 reflow_peer** out, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (out == nullptr) return null_argument("out");
        *out = nullptr;
        if (Result<void> fine = capi::usable(runtime); !fine.ok()) return fine;
        Result<peer::PeerOptions> read_ones = read_peer_options(options);
        if (!read_ones.ok()) return read_ones.take_error();
        auto made = make(runtime, std::move(read_ones).take());
        if (!made.ok()) return made.take_error();
        *out = std::move(made).take().release();
        return {};
    });
}

reflow_status reflow_peer_create_from_toml(reflow_runtime* runtime, reflow_view toml,
                                           reflow_view file_name, uint32_t flags,
                                           reflow_peer** out, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (out == nullptr) return null_argument("out");
        *out = nullptr;
        if (Result<void> known = check_peer_flags(flags); !known.ok()) return known;
        if (Result<void> fine = capi::usable(runtime); !fine.ok()) return fine;
        if (Result<void> fine = check_bytes(toml.data, toml.size, "toml"); !fine.ok()) return fine;
        Result<std::string_view> file = text_argument(file_name, "file_name");
        if (!file.ok()) return file.take_error();
        const SystemClock clock;
        const bool listens = (flags & REFLOW_PEER_NO_PORT) == 0;
        Result<peer::Config> config =
            peer::read_config(view_of(toml), file.value(), clock, listens);
        if (!config.ok()) return config.take_error();
        peer::PeerOptions options = peer_options_of(config.value());
        set_peer_flags(flags, options);
        auto made = make(runtime, std::move(options));
        if (!made.ok()) return made.take_error();
        for (const peer::RemoteActorConfig& one : config.value().remote_actors) {
            made.value()->remote_actors.push_back(
                {{one.actor_id, one.network_id}, one.strategy, one.alias, {}, {},
                 one.capabilities});
            Result<void> kept = made.value()->peer->keep(one.network_id, one.actor_id,
                                                         capi::outbox_options(one), {});
            if (!kept.ok()) return kept;
        }
        for (const auto& one : config.value().connect) {
            made.value()->connect.push_back(one.endpoint);
        }
        *out = std::move(made).take().release();
        return {};
    });
}

void reflow_peer_destroy(reflow_peer* peer) { capi::Endable::destroy(peer); }

reflow_status reflow_peer_attach(reflow_peer* peer, reflow_network* network,
                                 reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(peer); !fine.ok()) return fine;
        if (Result<void> fine = capi::usable(network); !fine.ok()) return fine;
        if (&network_of(network)->runtime() != peer->runtime.get()) {
            return Failure(REFLOW_ERROR_INVALID_ARGUMENT, "the network is of another runtime");
        }
        // Its time would pass at once while a packet waits for a link.
        if (peer->runtime->options().scheduler.mode == REFLOW_MODE_SIMULATED) {
            return Failure(REFLOW_ERROR_UNSUPPORTED,
                           "the time of a simulated network does not wait for the links of a peer")
                .hint("run a network that has a peer in another mode, such as inline");
        }
        return peer->peer->attach(Ref<network::Network>::share(network_of(network)));
    });
}

reflow_status reflow_peer_bind(reflow_peer* peer, reflow_view address, uint32_t port,
                               reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(peer); !fine.ok()) return fine;
        Result<std::string_view> text = text_argument(address, "address");
        if (!text.ok()) return text.take_error();
        if (port > UINT16_MAX) {
            return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                           concat("port ", port, " is more than ", UINT16_MAX));
        }
        Result<void> bound =
            peer->peer->bind(text.value(), static_cast<std::uint16_t>(port));
        if (bound.ok()) peer->bind_address = text.value();
        return bound;
    });
}

reflow_status reflow_peer_start(reflow_peer* peer, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(peer); !fine.ok()) return fine;
        const Use use(*peer);
        for (const peer::RemoteRegistration& one : peer->remote_actors) {
            Result<String> made = peer->peer->register_remote(one);
            if (!made.ok()) return made.take_error();
        }
        peer->remote_actors.clear();
        return peer->peer->start();
    });
}

uint32_t reflow_peer_port(const reflow_peer* peer) {
    return peer == nullptr || peer->runtime->forked() ? 0 : peer->peer->port();
}

reflow_status reflow_peer_connect(reflow_peer* peer, reflow_view endpoint, int64_t timeout_ms,
                                  reflow_message* network, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (network != nullptr) *network = {};
        if (Result<void> fine = usable(peer); !fine.ok()) return fine;
        if (Result<void> fine = may_wait(*peer); !fine.ok()) return fine;
        const Use use(*peer);
        Result<std::string_view> text = text_argument(endpoint, "endpoint");
        if (!text.ok()) return text.take_error();
        Result<peer::Identity> there = peer->peer->connect(text.value(), timeout_ms);
        if (!there.ok()) return there.take_error();
        if (network != nullptr) *network = Message::string(there.value().network_id).leak();
        return {};
    });
}

reflow_status reflow_peer_disconnect(reflow_peer* peer, reflow_view network,
                                     reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(peer); !fine.ok()) return fine;
        const Use use(*peer);
        Result<std::string_view> text = text_argument(network, "network");
        if (!text.ok()) return text.take_error();
        return peer->peer->disconnect(text.value());
    });
}

bool reflow_peer_connected(const reflow_peer* peer, reflow_view network) {
    return peer != nullptr && !peer->runtime->forked() && peer->peer->connected(view_of(network));
}

reflow_status reflow_peer_on_http(reflow_peer* peer, reflow_http_fn handler, void* user_data,
                                  reflow_destroy_fn destroy, const reflow_http_options* options,
                                  reflow_error** error) {
    network::HostData data(user_data, destroy);
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(peer); !fine.ok()) return fine;
        Result<peer::HttpRoutes> routes = http_routes(
            handler, std::move(data), options, peer->runtime->scheduler());
        if (!routes.ok()) return routes.take_error();
        return peer->peer->serve(std::move(routes).take());
    });
}

reflow_status reflow_peer_set_delivery(reflow_peer* peer, reflow_view network, reflow_view actor,
                                       const reflow_delivery_options* options,
                                       reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        Result<void> fine = usable(peer);
        Result<capi::DeliveryArgument> given = capi::delivery_argument(
            options, fine.ok() ? &peer->runtime->scheduler() : nullptr);
        if (!given.ok()) return given.take_error();
        if (!fine.ok()) return fine;
        Result<std::string_view> to = id_argument(network, "network");
        if (!to.ok()) return to.take_error();
        Result<std::string_view> whom = text_argument(actor, "actor");
        if (!whom.ok()) return whom.take_error();
        if (fine = peer::check_id(whom.value(), "actor"); !fine.ok()) return fine;
        return peer->peer->keep(to.value(), whom.value(), given.value().options,
                                std::move(given.value().listener));
    });
}

reflow_status reflow_peer_status(const reflow_peer* peer, reflow_message* out,
                                 reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (out == nullptr) return null_argument("out");
        *out = {};
        if (Result<void> fine = usable(peer); !fine.ok()) return fine;
        return give(describe(*peer), out);
    });
}

reflow_status reflow_peer_stop(reflow_peer* peer, int64_t timeout_ms, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(peer); !fine.ok()) return fine;
        if (Result<void> fine = may_wait(*peer); !fine.ok()) return fine;
        const Use use(*peer);
        peer->peer->stop(timeout_ms);
        peer->end_feed();
        return {};
    });
}

}  // extern "C"

#else

extern "C" {

reflow_status reflow_peer_create(reflow_runtime*, const reflow_peer_options*, reflow_peer** out,
                                 reflow_error** error) {
    if (out != nullptr) *out = nullptr;
    return no_peers(error);
}
reflow_status reflow_peer_create_from_toml(reflow_runtime*, reflow_view, reflow_view, uint32_t,
                                           reflow_peer** out, reflow_error** error) {
    if (out != nullptr) *out = nullptr;
    return no_peers(error);
}
void reflow_peer_destroy(reflow_peer*) {}
reflow_status reflow_peer_attach(reflow_peer*, reflow_network*, reflow_error** error) {
    return no_peers(error);
}
reflow_status reflow_peer_bind(reflow_peer*, reflow_view, uint32_t, reflow_error** error) {
    return no_peers(error);
}
reflow_status reflow_peer_start(reflow_peer*, reflow_error** error) { return no_peers(error); }
uint32_t reflow_peer_port(const reflow_peer*) { return 0; }
reflow_status reflow_peer_connect(reflow_peer*, reflow_view, int64_t, reflow_message* network,
                                  reflow_error** error) {
    if (network != nullptr) *network = {};
    return no_peers(error);
}
reflow_status reflow_peer_disconnect(reflow_peer*, reflow_view, reflow_error** error) {
    return no_peers(error);
}
bool reflow_peer_connected(const reflow_peer*, reflow_view) { return false; }
reflow_status reflow_peer_on_http(reflow_peer*, reflow_http_fn, void* user_data,
                                  reflow_destroy_fn destroy, const reflow_http_options*,
                                  reflow_error** error) {
    if (destroy != nullptr) end_host_data(destroy, user_data);
    return no_peers(error);
}
reflow_status reflow_peer_set_delivery(reflow_peer*, reflow_view, reflow_view,
                                       const reflow_delivery_options* options,
                                       reflow_error** error) {
    const reflow_delivery_options fields = known_fields(options);
    if (fields.destroy != nullptr) end_host_data(fields.destroy, fields.user_data);
    return no_peers(error);
}
reflow_status reflow_peer_status(const reflow_peer*, reflow_message* out, reflow_error** error) {
    if (out != nullptr) *out = {};
    return no_peers(error);
}
reflow_status reflow_peer_stop(reflow_peer*, int64_t, reflow_error** error) {
    return no_peers(error);
}

}  // extern "C"

#endif
