// Events as JSON, and the queues of their readers.
// Thread: any.
#include "network/events.hpp"

#include <algorithm>
#include <span>

#include "codec/json.hpp"
#include "message/envelope.hpp"
#include "network/network.hpp"

namespace reflow::network {

std::string_view event_name(reflow_event_kind kind) noexcept {
    static constexpr std::string_view names[] = {
        "NetworkStarted", "NetworkIdle", "NetworkStalled", "NetworkShutdown", "ActorStarted",
        "ActorCompleted", "ActorFailed", "MessageSent",    "MessageReceived", "ActorEmit",
        "Breakpoint",     "DeadLetter",  "ActorState",     "ActorStuck",
        "CheckpointFailed"};
    return kind >= 0 && kind < 15 ? names[kind] : "unknown";
}

namespace {

// A message inside an event: {"data":[bytes of its JSON text]}, the form that other readers of
// these events know, and beside it the plain value for people.
Result<void> append_message(String& to, MessageRef message, bool shows_bytes) {
    String plain;
    if (message.is(REFLOW_KIND_BYTES) && !shows_bytes) {
        plain = "\"[binary]\"";
    } else if (Result<void> written = codec::write_json(plain, message); !written.ok()) {
        return written;
    }
    append(to, ",\"message\":{\"data\":[");
    bool first = true;
    for (char byte : plain) {
        if (!std::exchange(first, false)) to += ',';
        append(to, static_cast<unsigned>(static_cast<unsigned char>(byte)));
    }
    append(to, concat("]},\"value\":", plain, ",\"size\":", payload_size(message)));
    return {};
}

// From port to tagged message, or null.
Result<void> append_outputs(String& to, MessageRef outputs) {
    append(to, ",\"outputs\":");
    if (outputs.none()) {
        append(to, "null");
        return {};
    }
    for (std::size_t i = 0; i < outputs.size(); ++i) {
        to += i == 0 ? '{' : ',';
        codec::write_json_string(to, outputs.key_at(i));
        to += ':';
        Result<void> written = codec::write_tagged_json(to, outputs.at(i));
        if (!written.ok()) return written;
    }
    to += '}';
    return {};
}

void append_text(String& to, std::string_view key, std::string_view text) {
    append(to, concat(",\"", key, "\":"));
    codec::write_json_string(to, text);
}

void append_state(String& to, std::int32_t state, std::uint32_t details) {
    append_text(to, "state", node_state_name(state));
    append(to, ",\"details\":[");
    static constexpr std::string_view names[] = {"paused", "held",      "retrying", "restarting",
                                                 "open",   "half-open", "down"};
    bool first = true;
    for (std::size_t i = 0; i < std::size(names); ++i) {
        if ((details >> i & 1) == 0) continue;
        append(to, concat(std::exchange(first, false) ? "\"" : ",\"", names[i], "\""));
    }
    to += ']';
}

void append_hex(String& to, std::string_view key, std::span<const std::uint8_t> bytes) {
    if (std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; })) return;
    append(to, concat(",\"", key, "\":\""));
    for (std::uint8_t byte : bytes) {
        to += "0123456789abcdef"[byte >> 4];
        to += "0123456789abcdef"[byte & 15];
    }
    to += '"';
}

void append_envelope(String& to, MessageRef envelope) {
    if (envelope.none()) return;
    reflow_envelope from = read_envelope(envelope);
    append_hex(to, "traceId", from.trace_id);
    append_hex(to, "spanId", from.span_id);
    std::string_view correlation = view_of(from.correlation);
    if (!correlation.empty()) append_text(to, "correlation", correlation);
    if (from.deadline_ms != 0) append(to, concat(",\"deadlineMs\":", from.deadline_ms));
}

void append_stall(String& to, const Event& event) {
    static constexpr std::string_view names[] = {"none", "grow", "drop-oldest", "none"};
    append_text(to, "resolved", names[event.state & 3]);
    if (event.state == REFLOW_STALL_GREW) append(to, concat(",\"capacity\":", event.count));
    if (event.bytes != 0) append(to, concat(",\"capacityBytes\":", event.bytes));
    if (event.state == REFLOW_STALL_DROPPED) append(to, concat(",\"dropped\":", event.count));
    if (!event.path.empty()) append_text(to, "path", event.path);
    append(to, concat(",\"stalls\":", event.stalls));
}

}  // namespace

std::string_view node_state_name(std::int32_t state) noexcept {
    static constexpr std::string_view names[] = {"Created", "Initialized", "Running", "Processing",
                                                 "Error",   "Stopping",    "Stopped"};
    return state >= 0 && state < 7 ? names[state] : "unknown";
}

Result<String> Event::json() const {
    String to = concat("{\"_type\":\"", event_name(kind), "\"");
    if (kind == REFLOW_EVENT_MESSAGE_SENT) {
        append_text(to, "fromActor", node);
        append_text(to, "fromPort", port);
        append_text(to, "toActor", peer);
        append_text(to, "toPort", peer_port);
    } else if (!node.empty()) {
        append_text(to, "actorId", node);
        if (!port.empty()) append_text(to, "port", port);
        bool actor = kind == REFLOW_EVENT_ACTOR_STARTED || kind == REFLOW_EVENT_ACTOR_COMPLETED ||
                     kind == REFLOW_EVENT_ACTOR_FAILED || kind == REFLOW_EVENT_BREAKPOINT ||
                     kind == REFLOW_EVENT_DEAD_LETTER || kind == REFLOW_EVENT_ACTOR_STATE ||
                     kind == REFLOW_EVENT_ACTOR_STUCK;
        if (actor) append_text(to, "component", component);
    }
    if (kind == REFLOW_EVENT_ACTOR_COMPLETED) {
        if (Result<void> written = append_outputs(to, outputs); !written.ok()) {
            return written.take_error();
        }
        append(to, concat(",\"firings\":", count));
    }
    if (kind == REFLOW_EVENT_BREAKPOINT) {
        if (!peer.empty()) append_text(to, "toActor", peer);
        if (!peer_port.empty()) append_text(to, "toPort", peer_port);
        append(to, concat(",\"breakpoint\":", breakpoint));
    }
    bool again = kind == REFLOW_EVENT_ACTOR_FAILED && count > 1;
    if (again) append(to, concat(",\"attempts\":", count));
    if (kind == REFLOW_EVENT_DEAD_LETTER) append(to, concat(",\"letter\":", count));
    if (kind == REFLOW_EVENT_ACTOR_STATE) append_state(to, state, details);
    if (kind == REFLOW_EVENT_NETWORK_STALLED) append_stall(to, *this);
    if (!error.empty()) append_text(to, "error", error);
    if (!trace.empty()) append_text(to, "trace", trace);
    append_envelope(to, envelope);
    if (!message.none()) {
        bool shows_bytes = kind == REFLOW_EVENT_MESSAGE_RECEIVED || kind == REFLOW_EVENT_BREAKPOINT;
        Result<void> written = append_message(to, message, shows_bytes);
        if (!written.ok()) return written.take_error();
    }
    bool queued = kind == REFLOW_EVENT_ACTOR_COMPLETED || kind == REFLOW_EVENT_ACTOR_FAILED ||
                  kind == REFLOW_EVENT_MESSAGE_SENT || kind == REFLOW_EVENT_MESSAGE_RECEIVED;
    if (queued) append(to, concat(",\"waiting\":", waiting));
    bool timed = kind == REFLOW_EVENT_ACTOR_COMPLETED || duration_ns != 0;
    if (timed) append(to, concat(",\"durationNs\":", duration_ns));
    append(to, concat(",\"sequence\":", sequence, ",\"timestamp\":", timestamp_ms, "}"));
    return to;
}

Subscription::Subscription(Ref<Network> network, Runtime& runtime, SubscriptionOptions options)
    : filter(options.kinds, options.nodes, options.sample),
      network_(std::move(network)),
      capacity_(options.capacity) {
    if (options.sink == nullptr) return;
    notifier_.reset(new Notifier(*this, runtime, std::move(options.sink), options.max_batch));
}

Subscription::~Subscription() = default;

void Subscription::end() noexcept {
    if (notifier_ == nullptr) return unref();
    notifier_->finish();
}

bool Subscription::offer(const Ref<Event>& event) noexcept {
    bool first = false;
    {
        std::lock_guard lock(mutex_);
        first = queue_.empty() && missed_ == 0;
        bool fits = queue_.size() < capacity_;
        try {
            if (fits) queue_.push_back(event);
        } catch (const std::bad_alloc&) {
            fits = false;
        }
        if (fits) {
            size_.fetch_add(1, std::memory_order_seq_cst);
        } else {
            ++missed_;
        }
    }
    if (waiters_.load(std::memory_order_seq_cst) != 0) network_->group().wake_hosts();
    return first && notifier_ != nullptr;
}

bool Subscription::miss() noexcept {
    std::lock_guard lock(mutex_);
    bool first = queue_.empty() && missed_ == 0;
    ++missed_;
    return first && notifier_ != nullptr;
}

bool Subscription::take(std::size_t max, Vector<Ref<Event>>& to, std::uint64_t& missed) noexcept {
    std::lock_guard lock(mutex_);
    while (to.size() < max && !queue_.empty()) {
        to.push_back(std::move(queue_.front()));
        queue_.pop_front();
        size_.fetch_sub(1, std::memory_order_seq_cst);
    }
    // Who asks for none did not see that something has come: what was lost is behind that.
    missed = max != 0 || queue_.empty() ? std::exchange(missed_, 0) : 0;
    return !queue_.empty();
}

reflow_status Subscription::poll(std::size_t max, std::int64_t timeout_ms, Vector<Ref<Event>>& to,
                                 std::uint64_t& missed) {
    std::uint64_t start = network_->group().scheduler.clock().now_ns();
    for (;;) {
        bool ended = network_->ended();  // before the look: what came before the end is seen
        // Not only as many as there are now: more may come before they are taken, and some be lost behind those.
        std::size_t now = size_.load(std::memory_order_seq_cst);
        std::size_t some = now == 0 ? 0 : std::min({max, std::size_t{capacity_}, now + limits::events_count});
        to.reserve(some);
        take(some, to, missed);
        if (!to.empty() || missed != 0 || max == 0) return REFLOW_OK;
        if (ended) return REFLOW_ERROR_CLOSED;
        if (timeout_ms == 0) return REFLOW_ERROR_WOULD_BLOCK;
        waiters_.fetch_add(1, std::memory_order_seq_cst);
        reflow_status status = network_->group().wait(network_->left_ms(timeout_ms, start), [this] {
            return size_.load(std::memory_order_seq_cst) != 0 || network_->ended();
        });
        waiters_.fetch_sub(1, std::memory_order_seq_cst);
        if (status != REFLOW_OK) return status;
    }
}

}  // namespace reflow::network
