// See peer_delivery.hpp. A build without peers has nothing of it. Thread: any.
#include "capi/guard.hpp"
#include "capi/modules.hpp"

#if REFLOW_WITH_PEER
#include "capi/peer_delivery.hpp"

#include <numeric>

#include "message/envelope.hpp"
#include "network/runtime.hpp"

namespace reflow::capi {
namespace {

constexpr std::uint64_t ms = 1'000'000;

template <typename T>
void set(T& to, std::uint64_t given, std::uint64_t unit = 1) noexcept {
    if (given != 0) to = given * unit;
}

// Ends its data once nobody can call any more.
struct Host : RefCounted<Host> {
    explicit Host(const reflow_delivery_options& of) : data(of.user_data, of.destroy) {}
    reflow_undelivered_fn call = nullptr;
    network::HostData data;
};

}  // namespace

Result<DeliveryArgument> delivery_argument(const reflow_delivery_options* given,
                                           const HostLog* log) {
    Ref<Host> host = make_ref<Host>(known_fields(given));
    Result<reflow_delivery_options> fields = read_options(given, "reflow_delivery_options");
    if (!fields.ok()) return fields.take_error();
    const reflow_delivery_options& from = fields.value();
    if (from.delivery < 0 || from.delivery > REFLOW_DELIVERY_AT_LEAST_ONCE) {
        return Failure(REFLOW_ERROR_INVALID_ARGUMENT, concat("unknown delivery ", from.delivery));
    }
    if (from.outbox_policy < 0 || from.outbox_policy > REFLOW_OUTBOX_FAIL) {
        return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                       concat("unknown outbox_policy ", from.outbox_policy));
    }
    DeliveryArgument made;
    peer::OutboxOptions& to = made.options;
    to.delivery = static_cast<peer::Delivery>(from.delivery);
    to.policy = static_cast<peer::OutboxPolicy>(from.outbox_policy);
    set(to.messages, from.outbox_messages);
    set(to.bytes, from.outbox_bytes);
    set(to.deadline_ns, from.deadline_ms, ms);
    set(to.ack_timeout_ns, from.ack_timeout_ms, ms);
    set(to.ack_retries, from.ack_retries);
    set(to.unacknowledged, from.unacknowledged_messages);
    host->call = from.undelivered;  // a struct that is shorter than ours has none
    made.listener = [host, log](std::string_view port, const peer::Undelivered& what) {
        if (host->call == nullptr) return;
        call_host("undelivered", log, [&] {
            host->call(host->data.get(), to_view(port), payload_of(what.message).raw(),
                       what.status, to_view(what.why));
        });
    };
    return made;
}

peer::OutboxOptions outbox_options(const peer::RemoteActorConfig& from) {
    peer::OutboxOptions to;
    to.delivery = from.delivery;
    to.policy = from.outbox_policy;
    to.messages = from.outbox_messages;
    to.bytes = from.outbox_bytes;
    to.deadline_ns = from.deadline_ms * ms;
    to.ack_timeout_ns = from.ack_timeout_ms * ms;
    to.ack_retries = from.ack_retries;
    to.unacknowledged = from.unacknowledged_messages;
    return to;
}

Result<Message> describe_books(const peer::MessageBooks& books) {
    ObjectBuilder all;
    auto number = [&](std::string_view key, std::uint64_t value) {
        all.set(key, Message::integer(static_cast<std::int64_t>(value)));
    };
    number("sent", books.sent);
    number("delivered", books.delivered);
    number("refused", books.refused);
    number("in_doubt", books.in_doubt);
    number("unconfirmed", books.unconfirmed);
    return all.finish();
}

Result<Message> describe_outboxes(const peer::Outboxes& all) {
    ArrayBuilder array;
    for (const peer::Outboxes::State& state : all.states()) {
        ObjectBuilder one;
        one.set("network_id", Message::string(state.network_id));
        one.set("actor_id", Message::string(state.actor));
        one.set("port", Message::string(state.port));
        one.set("source", Message::string(state.source_actor));
        auto number = [&](std::string_view key, std::uint64_t value) {
            one.set(key, Message::integer(static_cast<std::int64_t>(value)));
        };
        const auto& lost = state.books.lost;
        number("accepted", state.books.accepted);
        number("delivered", state.books.delivered);
        number("lost", std::accumulate(lost.begin(), lost.end(), std::uint64_t{0}));
        number("resent", state.books.resent);
        number("waiting", state.waiting);
        number("unconfirmed", state.unconfirmed);
        number("bytes", state.bytes);
        Result<Message> made = one.finish();
        if (!made.ok()) return made;
        array.append(std::move(made).take());
    }
    return array.finish();
}

}  // namespace reflow::capi

#endif
