// Events as JSON, and the queues of their readers.
// Thread: any.
#include "network/events.hpp"

#include "codec/json.hpp"
#include "network/network.hpp"

namespace reflow::network {

std::string_view event_name(reflow_event_kind kind) noexcept {
    static constexpr std::string_view names[] = {
        "NetworkStarted", "NetworkIdle", "NetworkStalled", "NetworkShutdown", "ActorStarted",
        "ActorCompleted", "ActorFailed", "MessageSent",    "MessageReceived", "ActorEmit"};
    return kind >= 0 && kind < 10 ? names[kind] : "unknown";
}

namespace {

// A message inside an event: {"data":[bytes of its JSON text]}, the form that other readers of
// these events know, and beside it the plain value for people.
Result<void> append_message(String& to, MessageRef message) {
    String plain;
    if (Result<void> written = codec::write_json(plain, message); !written.ok()) return written;
    append(to, ",\"message\":{\"data\":[");
    bool first = true;
    for (char byte : plain) {
        if (!std::exchange(first, false)) to += ',';
        append(to, static_cast<unsigned>(static_cast<unsigned char>(byte)));
    }
    append(to, concat("]},\"value\":", plain));
    return {};
}

void append_text(String& to, std::string_view key, std::string_view text) {
    append(to, concat(",\"", key, "\":"));
    codec::write_json_string(to, text);
}

}  // namespace

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
                     kind == REFLOW_EVENT_ACTOR_FAILED;
        if (actor) append_text(to, "component", component);
    }
    if (kind == REFLOW_EVENT_ACTOR_COMPLETED) {
        append(to, concat(",\"outputs\":null,\"firings\":", count));
    }
    if (!error.empty()) append_text(to, "error", error);
    if (!message.none()) {
        if (Result<void> written = append_message(to, message); !written.ok()) {
            return written.take_error();
        }
    }
    bool timed = kind == REFLOW_EVENT_ACTOR_COMPLETED || duration_ns != 0;
    if (timed) append(to, concat(",\"durationNs\":", duration_ns));
    append(to, concat(",\"sequence\":", sequence, ",\"timestamp\":", timestamp_ms, "}"));
    return to;
}

Subscription::Subscription(Ref<Network> network, std::uint64_t kinds, std::uint32_t capacity)
    : network_(std::move(network)), kinds_(kinds), capacity_(capacity) {}

Subscription::~Subscription() = default;

void Subscription::offer(const Ref<Event>& event) noexcept {
    {
        std::lock_guard lock(mutex_);
        if (queue_.size() >= capacity_) {
            ++missed_;
            return;
        }
        try {
            queue_.push_back(event);
        } catch (const std::bad_alloc&) {
            ++missed_;
            return;
        }
        size_.fetch_add(1, std::memory_order_seq_cst);
    }
    if (waiters_.load(std::memory_order_seq_cst) != 0) network_->group().wake_hosts();
}

void Subscription::miss() noexcept {
    std::lock_guard lock(mutex_);
    ++missed_;
}

reflow_status Subscription::poll(std::size_t max, std::int64_t timeout_ms, Vector<Ref<Event>>& to,
                                 std::uint64_t& missed) {
    std::uint64_t start = network_->group().scheduler.clock().now_ns();
    for (;;) {
        bool ended = network_->ended();  // before the look: what came before the end is seen
        {
            std::lock_guard lock(mutex_);
            to.reserve(std::min(max, queue_.size()));
            while (to.size() < max && !queue_.empty()) {
                to.push_back(std::move(queue_.front()));
                queue_.pop_front();
                size_.fetch_sub(1, std::memory_order_seq_cst);
            }
            missed = std::exchange(missed_, 0);
        }
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
