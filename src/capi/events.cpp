// Section 12 of reflow.h: events.
// Thread: any.
#include "base/limits.hpp"
#include "capi/guard.hpp"
#include "capi/handles.hpp"
#include "message/envelope.hpp"

using namespace reflow;
using namespace reflow::capi;

namespace {

network::Subscription* subscription_of(reflow_subscription* handle) noexcept {
    return reinterpret_cast<network::Subscription*>(handle);
}

constexpr std::uint64_t quiet_kinds =
    std::uint64_t{1} << REFLOW_EVENT_MESSAGE_SENT | std::uint64_t{1} << REFLOW_EVENT_ACTOR_EMIT |
    std::uint64_t{1} << REFLOW_EVENT_ACTOR_COMPLETED | std::uint64_t{1} << REFLOW_EVENT_ACTOR_STATE;

// The callback of a subscription.
class HostSink final : public network::EventSink {
public:
    HostSink(Ref<network::Network> network, network::HostData host, reflow_event_fn callback)
        : host_(std::move(host)), callback_(callback) {
        batch_.network = std::move(network);
    }
    void receive(Vector<Ref<network::Event>>& events, std::uint64_t missed) noexcept override {
        batch_.events.swap(events);
        call_host("of events", nullptr, [&] { callback_(host_.get(), &batch_, missed); });
        batch_.events.clear();
        batch_.events.swap(events);
    }

private:
    network::HostData host_;
    const reflow_event_fn callback_;
    reflow_event_batch batch_;
};

Result<network::SubscriptionOptions> translate(const reflow_event_options& given) {
    network::SubscriptionOptions options;
    if ((given.kinds & ~REFLOW_EVENTS_ALL) != 0) {
        return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                       concat("unknown event kinds ", given.kinds & ~REFLOW_EVENTS_ALL));
    }
    Result<std::string_view> nodes = text_argument(given.nodes, "nodes");
    if (!nodes.ok()) return nodes.take_error();
    if (nodes.value().size() > limits::name_bytes) {
        return Failure(REFLOW_ERROR_LIMIT, concat("a pattern of nodes has ", nodes.value().size(),
                                                  " bytes, more than ", limits::name_bytes));
    }
    if (given.callback == nullptr && given.max_batch != 0) {
        return Failure(REFLOW_ERROR_INVALID_ARGUMENT, "max_batch without a callback");
    }
    options.kinds = given.kinds == 0 ? REFLOW_EVENTS_ALL & ~quiet_kinds : given.kinds;
    options.capacity = given.capacity == 0 ? limits::events_count : given.capacity;
    options.nodes = nodes.value();
    options.sample = given.sample == 0 ? 1 : given.sample;
    std::uint32_t batch = given.max_batch == 0 ? limits::event_batch_count : given.max_batch;
    options.max_batch = std::min(batch, options.capacity);
    return options;
}

}  // namespace

extern "C" {

reflow_status reflow_network_subscribe(reflow_network* network, const reflow_event_options* options,
                                       reflow_subscription** out, reflow_error** error) {
    network::HostData host;
    return guarded(error, [&]() -> Result<void> {
        if (out != nullptr) *out = nullptr;
        Result<reflow_event_options> read = read_options(options, "reflow_event_options");
        if (!read.ok()) {
            reflow_event_options known = known_fields(options);
            host = network::HostData(known.user_data, known.destroy);
            return read.take_error();
        }
        // From here on the user data is ours, also if something fails.
        host = network::HostData(read.value().user_data, read.value().destroy);
        if (out == nullptr) return null_argument("out");
        if (Result<void> fine = usable(network); !fine.ok()) return fine;
        Result<network::SubscriptionOptions> translated = translate(read.value());
        if (!translated.ok()) return translated.take_error();
        if (reflow_event_fn callback = read.value().callback; callback != nullptr) {
            translated.value().sink.reset(new HostSink(
                Ref<network::Network>::share(network_of(network)), std::move(host), callback));
        }
        auto made = network_of(network)->subscribe(std::move(translated).take());
        if (!made.ok()) return made.take_error();
        *out = reinterpret_cast<reflow_subscription*>(std::move(made).take().leak());
        return {};
    });
}

reflow_status reflow_subscription_poll(reflow_subscription* subscription, size_t max,
                                       int64_t timeout_ms, reflow_event_batch** out,
                                       uint64_t* missed, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (missed != nullptr) *missed = 0;
        if (out == nullptr) return null_argument("out");
        *out = nullptr;
        if (Result<void> fine = usable(subscription); !fine.ok()) return fine;
        if (subscription_of(subscription)->has_callback()) {
            return Failure(REFLOW_ERROR_INVALID_STATE,
                           "a subscription with a callback is not polled");
        }
        auto batch = std::unique_ptr<reflow_event_batch>(new reflow_event_batch);
        // A callback may end the handle.
        auto from = Ref<network::Subscription>::share(subscription_of(subscription));
        batch->network = Ref<network::Network>::share(&from->network());
        std::uint64_t lost = 0;
        reflow_status status = from->poll(max, timeout_ms, batch->events, lost);
        if (missed != nullptr) *missed = lost;
        if (status != REFLOW_OK) return Failure(status, "no event");
        *out = batch.release();
        return {};
    });
}

void reflow_subscription_destroy(reflow_subscription* subscription) {
    if (subscription == nullptr || !usable(subscription).ok()) return;
    network::Subscription* ended = subscription_of(subscription);
    ended->network().unsubscribe(*ended);
    ended->end();
}

size_t reflow_event_batch_count(const reflow_event_batch* batch) {
    return batch == nullptr ? 0 : batch->events.size();
}

reflow_status reflow_event_batch_get(const reflow_event_batch* batch, size_t index,
                                     reflow_event* event) {
    if (batch == nullptr || event == nullptr) return REFLOW_ERROR_INVALID_ARGUMENT;
    reflow_event to{};
    bool found = index < batch->events.size();
    if (found) {
        const network::Event& from = *batch->events[index];
        to.kind = from.kind;
        to.sequence = from.sequence;
        to.timestamp_ms = from.timestamp_ms;
        to.duration_ns = from.duration_ns;
        to.count = from.count;
        to.node = to_view(from.node);
        to.component = to_view(from.component);
        to.port = to_view(from.port);
        to.peer = to_view(from.peer);
        to.peer_port = to_view(from.peer_port);
        to.error = to_view(from.error);
        to.message = from.message.raw();
        to.size = from.message.none() ? from.bytes : payload_size(from.message);
        to.waiting = from.waiting;
        to.outputs = from.outputs.raw();
        to.breakpoint.id = from.breakpoint;
        to.trace = to_view(from.trace);
        to.state = from.state;
        to.details = from.details;
        to.path = to_view(from.path);
        to.stalls = from.stalls;
        to.envelope = read_envelope(from.envelope);
    }
    if (!fill_struct(event, to)) return REFLOW_ERROR_INVALID_ARGUMENT;
    return found ? REFLOW_OK : REFLOW_ERROR_NOT_FOUND;
}

reflow_status reflow_event_batch_json(const reflow_event_batch* batch, size_t index,
                                      reflow_buffer** out, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (out == nullptr) return null_argument("out");
        *out = nullptr;
        if (batch == nullptr) return null_argument("batch");
        if (index >= batch->events.size()) {
            return Failure(REFLOW_ERROR_NOT_FOUND,
                           concat("no event ", index, " in a batch of ", batch->events.size()));
        }
        return give_buffer(batch->events[index]->json(), out);
    });
}

// In a forked child the network of the events may not end, and stays.
void reflow_event_batch_destroy(reflow_event_batch* batch) {
    if (batch != nullptr && batch->network->runtime().forked()) (void)batch->network.leak();
    delete batch;
}

}  // extern "C"
