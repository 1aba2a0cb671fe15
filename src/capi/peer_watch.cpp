// Section 21 of reflow.h: what a peer tells of others, asked for and as events. Thread: any.
#include "capi/guard.hpp"
#include "capi/handles.hpp"
#include "capi/modules.hpp"

#if REFLOW_WITH_PEER
#include "base/limits.hpp"
#include "capi/peer_handle.hpp"
#include "runtime/scheduler.hpp"
#endif

using namespace reflow;
using namespace reflow::capi;

#if REFLOW_WITH_PEER

struct reflow_peer_subscription : reflow::Allocated {
    Ref<network::Runtime> runtime;
    Ref<peer::FeedSubscription> subscription;
};

namespace {

static_assert(static_cast<int>(peer::PeerEventKind::connected) == REFLOW_PEER_CONNECTED);
static_assert(static_cast<int>(peer::PeerEventKind::disconnected) == REFLOW_PEER_DISCONNECTED);
static_assert(static_cast<int>(peer::PeerEventKind::reconnecting) == REFLOW_PEER_RECONNECTING);
static_assert(static_cast<int>(peer::PeerEventKind::gave_up) == REFLOW_PEER_GAVE_UP);

constexpr std::string_view names[] = {"connected", "disconnected", "reconnecting", "gave_up",
                                      "added",     "updated",      "removed"};

unsigned kind_of(const peer::DiscoveryEvent& event) noexcept {
    using Kind = peer::DiscoveryEvent::Kind;
    if (event.kind == Kind::added) return REFLOW_PEER_ADDED;
    return event.kind == Kind::updated ? REFLOW_PEER_UPDATED : REFLOW_PEER_REMOVED;
}

void begin(ObjectBuilder& to, unsigned kind, std::string_view network_id) {
    to.set("kind", Message::string(names[kind]));
    to.set("network_id", Message::string(network_id));
}

Result<Message> message_of(const peer::PeerEvent& event) {
    ObjectBuilder to;
    begin(to, static_cast<unsigned>(event.kind), event.remote.network_id);
    to.set("instance_id", Message::string(event.remote.instance_id));
    to.set("endpoint", Message::string(event.endpoint));
    if (event.kind != peer::PeerEventKind::connected) {
        to.set("status", Message::string(status_name(event.status)));
        to.set("reason", Message::string(repair_utf8(event.reason)));
    }
    to.set("attempt", Message::integer(event.attempt));
    if (event.kind == peer::PeerEventKind::disconnected) {
        to.set("in_doubt", Message::integer(static_cast<std::int64_t>(event.in_doubt)));
    }
    return to.finish();
}

Result<Message> message_of(const peer::DiscoveryEntry& entry) {
    ArrayBuilder words;
    for (const String& word : entry.capabilities) words.append(Message::string(word));
    Result<Message> list = words.finish();
    if (!list.ok()) return list;
    ObjectBuilder one;
    one.set("instance_id", Message::string(entry.instance_id));
    one.set("endpoint", Message::string(repair_utf8(entry.endpoint)));
    one.set("capabilities", std::move(list).take());
    return one.finish();
}

Result<Message> message_of(const peer::DiscoveryEvent& event) {
    ArrayBuilder instances;
    for (const peer::DiscoveryEntry& entry : event.network.instances) {
        Result<Message> one = message_of(entry);
        if (!one.ok()) return one;
        instances.append(std::move(one).take());
    }
    Result<Message> list = instances.finish();
    if (!list.ok()) return list;
    ObjectBuilder to;
    begin(to, kind_of(event), event.network.network_id);
    to.set("instances", std::move(list).take());
    return to.finish();
}

Result<peer::FeedOptions> translate(const reflow_peer_event_options& from) {
    peer::FeedOptions to;
    if ((from.kinds & ~REFLOW_PEER_EVENTS_ALL) != 0) {
        return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                       concat("unknown event kinds ", from.kinds & ~REFLOW_PEER_EVENTS_ALL));
    }
    if (from.capacity > limits::most_peer_events_count) {
        return Failure(REFLOW_ERROR_LIMIT, concat("capacity ", from.capacity, " is more than ",
                                                  limits::most_peer_events_count));
    }
    if (from.kinds != 0) to.kinds = from.kinds;
    if (from.capacity != 0) to.capacity = from.capacity;
    to.callback = from.callback;
    return to;
}

Result<void> usable(const reflow_peer_subscription* subscription) {
    if (subscription == nullptr) return null_argument("subscription");
    return of_this_process(subscription->runtime->forked());
}

}  // namespace

namespace reflow::capi {

void tell(peer::Feed& feed, const peer::PeerEvent& event) {
    feed.tell(static_cast<unsigned>(event.kind), [&] { return message_of(event); });
}
void tell(peer::Feed& feed, const peer::DiscoveryEvent& event) {
    feed.tell(kind_of(event), [&] { return message_of(event); });
}

}  // namespace reflow::capi

extern "C" {

reflow_status reflow_peer_discover(reflow_peer* peer, int64_t timeout_ms, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = capi::usable(peer); !fine.ok()) return fine;
        if (Result<void> fine = may_wait(*peer); !fine.ok()) return fine;
        const Use use(handle_of(*peer));
        return peer_of(*peer).discover(timeout_ms);
    });
}

reflow_status reflow_peer_networks(const reflow_peer* peer, reflow_message* out,
                                   reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (out == nullptr) return null_argument("out");
        *out = {};
        if (Result<void> fine = capi::usable(peer); !fine.ok()) return fine;
        return give(peer_of(*peer).networks(), out);
    });
}

reflow_status reflow_peer_actors(reflow_peer* peer, reflow_view network, int64_t timeout_ms,
                                 reflow_message* out, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (out == nullptr) return null_argument("out");
        *out = {};
        if (Result<void> fine = capi::usable(peer); !fine.ok()) return fine;
        if (Result<void> fine = may_wait(*peer); !fine.ok()) return fine;
        const Use use(handle_of(*peer));
        Result<std::string_view> text = text_argument(network, "network");
        if (!text.ok()) return text.take_error();
        return give(peer_of(*peer).ask_actors(text.value(), timeout_ms), out);
    });
}

reflow_status reflow_peer_ping(reflow_peer* peer, reflow_view network, int64_t timeout_ms,
                               int64_t* round_trip_ns, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (round_trip_ns != nullptr) *round_trip_ns = 0;
        if (Result<void> fine = capi::usable(peer); !fine.ok()) return fine;
        if (Result<void> fine = may_wait(*peer); !fine.ok()) return fine;
        const Use use(handle_of(*peer));
        Result<std::string_view> text = text_argument(network, "network");
        if (!text.ok()) return text.take_error();
        Result<std::uint64_t> took = peer_of(*peer).ping(text.value(), timeout_ms);
        if (!took.ok()) return took.take_error();
        if (round_trip_ns != nullptr) *round_trip_ns = static_cast<std::int64_t>(took.value());
        return {};
    });
}

reflow_status reflow_peer_subscribe(reflow_peer* peer, const reflow_peer_event_options* options,
                                    reflow_peer_subscription** out, reflow_error** error) {
    network::HostData host;
    return guarded(error, [&]() -> Result<void> {
        if (out != nullptr) *out = nullptr;
        auto read = read_options(options, "reflow_peer_event_options");
        reflow_peer_event_options known = read.ok() ? read.value() : known_fields(options);
        // From here on the user data is ours, also if something fails.
        host = network::HostData(known.user_data, known.destroy);
        if (!read.ok()) return read.take_error();
        if (out == nullptr) return null_argument("out");
        if (Result<void> fine = capi::usable(peer); !fine.ok()) return fine;
        Result<peer::FeedOptions> translated = translate(known);
        if (!translated.ok()) return translated.take_error();
        auto made = std::unique_ptr<reflow_peer_subscription>(new reflow_peer_subscription);
        made->runtime = Ref<network::Runtime>::share(&runtime_of(*peer));
        translated.value().host = std::move(host);
        translated.value().log = &made->runtime->scheduler();
        auto subscribed = feed_of(*peer).subscribe(std::move(translated).take());
        if (!subscribed.ok()) return subscribed.take_error();
        made->subscription = std::move(subscribed).take();
        *out = made.release();
        return {};
    });
}

reflow_status reflow_peer_subscription_poll(reflow_peer_subscription* subscription,
                                            int64_t timeout_ms, reflow_message* out,
                                            uint64_t* missed, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (missed != nullptr) *missed = 0;
        if (out == nullptr) return null_argument("out");
        *out = {};
        if (Result<void> fine = usable(subscription); !fine.ok()) return fine;
        if (subscription->subscription->has_callback()) {
            return Failure(REFLOW_ERROR_INVALID_STATE,
                           "a subscription with a callback is not polled");
        }
        if (timeout_ms != 0) {
            if (Result<void> fine = may_wait(*subscription->runtime); !fine.ok()) return fine;
        }
        Message event;
        std::uint64_t lost = 0;
        reflow_status status = subscription->subscription->poll(timeout_ms, event, lost);
        if (missed != nullptr) *missed = lost;
        if (status != REFLOW_OK) return Failure(status, "no event");
        *out = std::move(event).leak();
        return {};
    });
}

reflow_status reflow_peer_subscription_on_readable(reflow_peer_subscription* subscription,
                                                   reflow_readable_fn callback, void* user_data,
                                                   reflow_destroy_fn destroy,
                                                   reflow_error** error) {
    network::HostData data(user_data, destroy);
    return guarded(error, [&]() -> Result<void> {
        if (Result<void> fine = usable(subscription); !fine.ok()) return fine;
        if (subscription->subscription->has_callback()) {
            return Failure(REFLOW_ERROR_INVALID_STATE,
                           "a subscription with a callback is not polled");
        }
        has_told(subscription->subscription->readable, callback, std::move(data));
        return {};
    });
}

void reflow_peer_subscription_destroy(reflow_peer_subscription* subscription) {
    if (subscription == nullptr || subscription->runtime->forked()) return;
    subscription->subscription->readable.set({});
    subscription->subscription->end();
    delete subscription;
}

}  // extern "C"

#else

extern "C" {

reflow_status reflow_peer_discover(reflow_peer*, int64_t, reflow_error** error) {
    return no_peers(error);
}
reflow_status reflow_peer_networks(const reflow_peer*, reflow_message* out, reflow_error** error) {
    if (out != nullptr) *out = {};
    return no_peers(error);
}
reflow_status reflow_peer_actors(reflow_peer*, reflow_view, int64_t, reflow_message* out,
                                 reflow_error** error) {
    if (out != nullptr) *out = {};
    return no_peers(error);
}
reflow_status reflow_peer_ping(reflow_peer*, reflow_view, int64_t, int64_t* round_trip_ns,
                               reflow_error** error) {
    if (round_trip_ns != nullptr) *round_trip_ns = 0;
    return no_peers(error);
}
reflow_status reflow_peer_subscribe(reflow_peer*, const reflow_peer_event_options* options,
                                    reflow_peer_subscription** out, reflow_error** error) {
    reflow_peer_event_options known = known_fields(options);
    if (known.destroy != nullptr) end_host_data(known.destroy, known.user_data);
    if (out != nullptr) *out = nullptr;
    return no_peers(error);
}
reflow_status reflow_peer_subscription_poll(reflow_peer_subscription*, int64_t, reflow_message* out,
                                            uint64_t* missed, reflow_error** error) {
    if (out != nullptr) *out = {};
    if (missed != nullptr) *missed = 0;
    return no_peers(error);
}
reflow_status reflow_peer_subscription_on_readable(reflow_peer_subscription*, reflow_readable_fn,
                                                   void* user_data, reflow_destroy_fn destroy,
                                                   reflow_error** error) {
    if (destroy != nullptr) end_host_data(destroy, user_data);
    return no_peers(error);
}
void reflow_peer_subscription_destroy(reflow_peer_subscription*) {}

}  // extern "C"

#endif
