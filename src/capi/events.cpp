// Section 12 of reflow.h: events.
// Thread: any.
#include "base/limits.hpp"
#include "capi/guard.hpp"
#include "capi/handles.hpp"

using namespace reflow;
using namespace reflow::capi;

namespace {

network::Subscription* subscription_of(reflow_subscription* handle) noexcept {
    return reinterpret_cast<network::Subscription*>(handle);
}

constexpr std::uint64_t quiet_kinds = std::uint64_t{1} << REFLOW_EVENT_MESSAGE_SENT |
                                      std::uint64_t{1} << REFLOW_EVENT_ACTOR_EMIT |
                                      std::uint64_t{1} << REFLOW_EVENT_ACTOR_COMPLETED;

}  // namespace

extern "C" {

reflow_status reflow_network_subscribe(reflow_network* network,
                                       const reflow_event_options* options,
                                       reflow_subscription** out, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (out == nullptr) return null_argument("out");
        *out = nullptr;
        if (network == nullptr) return null_argument("network");
        Result<reflow_event_options> read = read_options(options, "reflow_event_options");
        if (!read.ok()) return read.take_error();
        std::uint64_t kinds = read.value().kinds;
        if ((kinds & ~REFLOW_EVENTS_ALL) != 0) {
            return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                           concat("unknown event kinds ", kinds & ~REFLOW_EVENTS_ALL));
        }
        if (kinds == 0) kinds = REFLOW_EVENTS_ALL & ~quiet_kinds;
        std::uint32_t capacity = read.value().capacity;
        auto made = network_of(network)->subscribe(
            kinds, capacity == 0 ? limits::events_count : capacity);
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
        if (subscription == nullptr) return null_argument("subscription");
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
    if (subscription == nullptr) return;
    network::Subscription* ended = subscription_of(subscription);
    ended->network().unsubscribe(*ended);
    ended->unref();
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
            return Failure(REFLOW_ERROR_NOT_FOUND, concat("no event ", index, " in a batch of ",
                                                          batch->events.size()));
        }
        return give_buffer(batch->events[index]->json(), out);
    });
}

void reflow_event_batch_destroy(reflow_event_batch* batch) { delete batch; }

}  // extern "C"
