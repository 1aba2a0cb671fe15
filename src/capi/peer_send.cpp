// Section 21 of reflow.h: what is sent to actors of other networks. Neighbours: peer.cpp. Thread: any.
#include "capi/guard.hpp"
#include "capi/handles.hpp"
#include "capi/modules.hpp"

#if REFLOW_WITH_PEER
#include "capi/peer_handle.hpp"
#include "message/envelope.hpp"
#endif

using namespace reflow;
using namespace reflow::capi;

#if REFLOW_WITH_PEER

namespace {

static_assert(static_cast<int>(peer::Outcome::delivered) == REFLOW_PEER_FATE_DELIVERED);
static_assert(static_cast<int>(peer::Outcome::lost) == REFLOW_PEER_FATE_LOST);
static_assert(static_cast<int>(peer::Outcome::in_doubt) == REFLOW_PEER_FATE_IN_DOUBT);

// Where a message goes, and what it is in; none: nothing.
struct Heading {
    peer::Deliveries::Address to;
    Message envelope;
};

Result<Heading> read_heading(reflow_view network, reflow_view actor, reflow_view port,
                             const reflow_peer_send_options& options) {
    if ((options.flags & ~std::uint32_t{REFLOW_PEER_SEND_CONFIRMED}) != 0) {
        return Failure(REFLOW_ERROR_INVALID_ARGUMENT, concat("unknown flags ", options.flags));
    }
    Heading made;
    const std::pair<reflow_view, std::string_view*> views[] = {
        {network, &made.to.network_id},
        {actor, &made.to.actor},
        {port, &made.to.port},
        {options.source, &made.to.source_actor}};
    static constexpr std::string_view names[] = {"network", "actor", "port", "source"};
    for (std::size_t i = 0; i < std::size(views); ++i) {
        Result<std::string_view> text = text_argument(views[i].first, names[i]);
        if (!text.ok()) return text.take_error();
        *views[i].second = text.value();
    }
    if (options.envelope == nullptr) return made;
    Result<Message> envelope = envelope_argument(*options.envelope);
    if (!envelope.ok()) return envelope.take_error();
    made.envelope = std::move(envelope).take();
    return made;
}

// All of them, or as many as have gone; those are taken.
Result<void> send_many(reflow_peer* peer, reflow_view network, reflow_view actor,
                       reflow_view port, std::span<const reflow_message> messages,
                       const reflow_peer_send_options& options, std::size_t& accepted) {
    if (Result<void> fine = usable(peer); !fine.ok()) return fine;
    if (options.timeout_ms != 0) {
        if (Result<void> fine = may_wait(*peer); !fine.ok()) return fine;
    }
    Result<Heading> heading = read_heading(network, actor, port, options);
    if (!heading.ok()) return heading.take_error();
    const auto& [to, envelope] = heading.value();
    Vector<MessageRef> packets;
    Vector<Message> whole;  // those in envelopes
    packets.reserve(messages.size());
    for (const reflow_message& message : messages) {
        MessageRef packet(message);
        if (packet.none()) {
            return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                           concat("message ", packets.size(), " is none"));
        }
        if (!envelope.none()) {
            whole.push_back(enveloped(packet.own(), envelope));
            packet = whole.back();
        }
        packets.push_back(packet);
    }
    const Use use(handle_of(*peer));
    const bool confirm = (options.flags & REFLOW_PEER_SEND_CONFIRMED) != 0;
    Result<void> sent =
        peer_of(*peer).send(to.network_id, to.actor, to.port, packets, to.source_actor,
                            options.timeout_ms, accepted, confirm);
    if (confirm && !sent.ok()) accepted = 0;  // it stays the caller's unless all is well
    for (std::size_t i = 0; i < accepted; ++i) (void)Message::adopt(messages[i]);
    return sent;
}

// One message; what it is in, and whom it comes from, are options.
Result<void> send(reflow_peer* peer, reflow_view network, reflow_view actor, reflow_view port,
                  reflow_message message, const reflow_peer_send_options& options) {
    std::size_t accepted = 0;
    return send_many(peer, network, actor, port, {&message, 1}, options, accepted);
}

// How long one is waited for whose fate is told by a call; 0: as long as is usual there.
Result<std::uint64_t> told_within_ns(std::int64_t timeout_ms) {
    constexpr std::int64_t most_ms = INT64_MAX / 1'000'000;
    if (timeout_ms < 0) {
        if (timeout_ms == REFLOW_FOREVER) return UINT64_MAX;
        return Failure(REFLOW_ERROR_INVALID_ARGUMENT,
                       concat("timeout_ms ", timeout_ms, " is negative"));
    }
    return static_cast<std::uint64_t>(std::min(timeout_ms, most_ms)) * 1'000'000;
}

}  // namespace

extern "C" {

reflow_status reflow_peer_send(reflow_peer* peer, reflow_view network, reflow_view actor,
                               reflow_view port, reflow_message message, reflow_view source,
                               int64_t timeout_ms, reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        reflow_peer_send_options options{};
        options.source = source;
        options.timeout_ms = timeout_ms;
        return send(peer, network, actor, port, message, options);
    });
}

reflow_status reflow_peer_send_many(reflow_peer* peer, reflow_view network, reflow_view actor,
                                    reflow_view port, const reflow_message* messages, size_t count,
                                    reflow_view source, int64_t timeout_ms, size_t* accepted,
                                    reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        if (accepted == nullptr) return null_argument("accepted");
        *accepted = 0;
        Result<void> fine = check_array(messages, count, sizeof *messages, "messages");
        if (!fine.ok()) return fine;
        reflow_peer_send_options options{};
        options.source = source;
        options.timeout_ms = timeout_ms;
        return send_many(peer, network, actor, port, {messages, count}, options, *accepted);
    });
}

reflow_status reflow_peer_send_with(reflow_peer* peer, reflow_view network, reflow_view actor,
                                    reflow_view port, reflow_message message,
                                    const reflow_peer_send_options* options,
                                    reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        Result<reflow_peer_send_options> read_ones =
            read_options(options, "reflow_peer_send_options");
        if (!read_ones.ok()) return read_ones.take_error();
        return send(peer, network, actor, port, message, read_ones.value());
    });
}

reflow_status reflow_peer_send_told(reflow_peer* peer, reflow_view network, reflow_view actor,
                                    reflow_view port, reflow_message message,
                                    const reflow_peer_send_options* options,
                                    reflow_peer_fate_fn done, void* user_data,
                                    reflow_error** error) {
    return guarded(error, [&]() -> Result<void> {
        Result<reflow_peer_send_options> read_ones =
            read_options(options, "reflow_peer_send_options");
        if (!read_ones.ok()) return read_ones.take_error();
        if (Result<void> fine = usable(peer); !fine.ok()) return fine;
        if (done == nullptr) return null_argument("done");
        Result<Heading> heading = read_heading(network, actor, port, read_ones.value());
        if (!heading.ok()) return heading.take_error();
        Result<std::uint64_t> within = told_within_ns(read_ones.value().timeout_ms);
        if (!within.ok()) return within.take_error();
        const MessageRef packet(message);
        if (packet.none()) return Failure(REFLOW_ERROR_INVALID_ARGUMENT, "message is none");
        Message whole = packet.own();
        if (!heading.value().envelope.none()) {
            whole = enveloped(std::move(whole), heading.value().envelope);
        }
        const Use use(handle_of(*peer));
        Result<void> sent = peer_of(*peer).send_told(
            heading.value().to, std::move(whole), within.value(),
            [done, user_data, log = &runtime_of(*peer).scheduler()](
                peer::Outcome outcome, reflow_status status, std::string_view reason) {
                call_host("of a fate", log, [&] {
                    done(user_data, static_cast<reflow_peer_fate>(outcome), status,
                         to_view(reason));
                });
            });
        if (sent.ok()) (void)Message::adopt(message);
        return sent;
    });
}

}  // extern "C"

#else

extern "C" {

reflow_status reflow_peer_send(reflow_peer*, reflow_view, reflow_view, reflow_view, reflow_message,
                               reflow_view, int64_t, reflow_error** error) {
    return no_peers(error);
}
reflow_status reflow_peer_send_many(reflow_peer*, reflow_view, reflow_view, reflow_view,
                                    const reflow_message*, size_t, reflow_view, int64_t,
                                    size_t* accepted, reflow_error** error) {
    if (accepted != nullptr) *accepted = 0;
    return no_peers(error);
}
reflow_status reflow_peer_send_with(reflow_peer*, reflow_view, reflow_view, reflow_view,
                                    reflow_message, const reflow_peer_send_options*,
                                    reflow_error** error) {
    return no_peers(error);
}
reflow_status reflow_peer_send_told(reflow_peer*, reflow_view, reflow_view, reflow_view,
                                    reflow_message, const reflow_peer_send_options*,
                                    reflow_peer_fate_fn, void*, reflow_error** error) {
    return no_peers(error);
}

}  // extern "C"

#endif
