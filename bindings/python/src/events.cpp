// Events of a network as objects of Python; reflow/events.py makes iterators of the subscription.
#include "events.hpp"

#include <atomic>

#include "network_use.hpp"
#include "post.hpp"
#include "waiting.hpp"

namespace reflowpy {

namespace {

using BatchOwned = Owned<reflow_event_batch, reflow_event_batch_destroy>;

constexpr const char *kinds[] = {
    "NetworkStarted", "NetworkIdle",   "NetworkStalled",  "NetworkShutdown", "ActorStarted",
    "ActorCompleted", "ActorFailed",   "MessageSent",     "MessageReceived", "ActorEmit",
    "Breakpoint",     "DeadLetter",    "ActorState",      "ActorStuck",
    "CheckpointFailed",
};
constexpr const char *stalls[] = {"failed", "grew", "dropped", "streams"};

// A message that the batch keeps, or None for none.
py::object value_or_none(reflow_message borrowed)
{
    if (reflow_message_kind(borrowed) == REFLOW_KIND_NONE) return py::none();
    PyObject *value = from_message(borrowed);
    must(value != nullptr);
    return py::reinterpret_steal<py::object>(value);
}

py::str kind_name(reflow_event_kind kind)
{
    const bool known = kind >= 0 && static_cast<size_t>(kind) < std::size(kinds);
    return py::str(known ? kinds[kind] : "Unknown");
}

py::str state_name(const reflow_event &event)
{
    if (event.kind == REFLOW_EVENT_ACTOR_STATE) return text(reflow_node_state_name(event.state));
    const bool stall = event.kind == REFLOW_EVENT_NETWORK_STALLED && event.state >= 0 &&
                       static_cast<size_t>(event.state) < std::size(stalls);
    return py::str(stall ? stalls[event.state] : "");
}

py::object envelope_of(const reflow_envelope &envelope)
{
    const bool empty = envelope.struct_size == 0 ||
                       (envelope.correlation.size == 0 && envelope.source_network.size == 0 &&
                        envelope.message_id.size == 0 && envelope.deadline_ms == 0 &&
                        std::all_of(std::begin(envelope.trace_id), std::end(envelope.trace_id),
                                    [](uint8_t byte) { return byte == 0; }));
    if (empty) return py::none();
    py::dict out;
    const auto hex = [](const uint8_t *bytes, size_t count) {
        return py::bytes(reinterpret_cast<const char *>(bytes), count).attr("hex")();
    };
    out["trace_id"] = hex(envelope.trace_id, sizeof envelope.trace_id);
    out["span_id"] = hex(envelope.span_id, sizeof envelope.span_id);
    out["deadline_ms"] = envelope.deadline_ms;
    out["correlation"] = text(envelope.correlation);
    out["source_network"] = text(envelope.source_network);
    out["source_instance"] = text(envelope.source_instance);
    out["source_actor"] = text(envelope.source_actor);
    out["message_id"] = text(envelope.message_id);
    return out;
}

// The fields in the order of reflow.events.Event.
py::tuple fields_of(const reflow_event &event)
{
    return py::make_tuple(
        kind_name(event.kind), event.sequence, event.timestamp_ms, text(event.node),
        text(event.component), text(event.port), text(event.peer), text(event.peer_port),
        text(event.error), text(event.trace), value_or_none(event.message),
        value_or_none(event.outputs), event.count, event.duration_ns, event.size, event.waiting,
        state_name(event), event.details, text(event.path), event.stalls, event.breakpoint.id,
        envelope_of(event.envelope));
}

// Events (as tuples), how many were missed, and whether there are no more for ever. An empty list when the
// time is over, or nothing is left to run.
py::tuple poll(Subscription &subscription, size_t max, const py::object &timeout)
{
    if (subscription.closed()) return py::make_tuple(py::list(), 0, true);
    const Subscription::Use use(subscription);
    reflow_event_batch *taken = nullptr;
    uint64_t missed = 0;
    Failure error;
    const reflow_status status = wait_sliced(
        timeout, error, [&](int64_t slice, reflow_error **out) {
            if (subscription.closed()) return reflow_status{REFLOW_ERROR_CLOSED};
            return reflow_subscription_poll(use.get(), max, slice, &taken, &missed, out);
        });
    if (status == REFLOW_ERROR_CLOSED) return py::make_tuple(py::list(), missed, true);
    if (status == REFLOW_ERROR_TIMEOUT || status == REFLOW_ERROR_WOULD_BLOCK) {
        return py::make_tuple(py::list(), missed, false);
    }
    must(check(status, error));
    const BatchOwned batch(taken);
    py::list events;
    const size_t count = reflow_event_batch_count(batch.get());
    for (size_t i = 0; i < count; ++i) {
        reflow_event event{};
        event.struct_size = sizeof event;
        must(check(reflow_event_batch_get(batch.get(), i, &event), error));
        events.append(fields_of(event));
    }
    return py::make_tuple(events, missed, false);
}

std::unique_ptr<Subscription> subscribe(const py::object &network, uint64_t event_kinds,
                                        const std::string &nodes, uint32_t capacity,
                                        uint32_t sample)
{
    const NetworkUse use(network);
    return subscribe_to(use.get(), event_kinds, nodes, capacity, sample);
}

// Tells an event loop that there are events, which it takes from a subscription made before this one: an event
// comes to subscriptions in their order.
struct Ring {
    std::shared_ptr<PostBox> box;
    uint64_t number = 0;
    // Sequentially consistent: who arms it looks at the other subscription afterwards, and who has brought
    // something looks at this afterwards, so one of the two sees the other.
    std::atomic<bool> armed{false};

    static void came(void *user_data, const reflow_event_batch *, uint64_t)
    {
        Ring &ring = **static_cast<std::shared_ptr<Ring> *>(user_data);
        if (ring.armed.exchange(false)) put(*ring.box, ring.number);
    }
    static void forget(void *user_data) { delete static_cast<std::shared_ptr<Ring> *>(user_data); }
};

class Bell {
public:
    Bell(const py::object &network, uint64_t event_kinds, const std::string &nodes,
         const py::object &post, uint64_t number)
        : ring_(std::make_shared<Ring>())
    {
        ring_->box = box_of(post.ptr());
        must(ring_->box != nullptr);
        ring_->number = number;
        reflow_event_options options{};
        options.struct_size = sizeof options;
        options.capacity = 1; // that there are some is all that is told
        options.kinds = event_kinds;
        options.nodes = view(nodes);
        options.callback = &Ring::came;
        options.user_data = new std::shared_ptr<Ring>(ring_);
        options.destroy = &Ring::forget;
        reflow_subscription *out = nullptr;
        const NetworkUse use(network);
        call_unlocked([&](reflow_error **error) {
            return reflow_network_subscribe(use.get(), &options, &out, error);
        });
        subscription_ = std::make_unique<Subscription>(out, "subscription");
    }
    void arm() { ring_->armed.store(true); }
    // True while it is armed: nothing has come since.
    [[nodiscard]] bool armed() const { return ring_->armed.load(); }
    void close() { subscription_->close(); }

private:
    std::shared_ptr<Ring> ring_;
    std::unique_ptr<Subscription> subscription_;
};

} // namespace

std::unique_ptr<Subscription> subscribe_to(reflow_network *network, uint64_t event_kinds,
                                           const std::string &nodes, uint32_t capacity, uint32_t sample)
{
    reflow_event_options options{};
    options.struct_size = sizeof options;
    options.capacity = capacity;
    options.kinds = event_kinds;
    options.nodes = view(nodes);
    options.sample = sample;
    reflow_subscription *out = nullptr;
    call_unlocked([&](reflow_error **error) {
        return reflow_network_subscribe(network, &options, &out, error);
    });
    return std::make_unique<Subscription>(out, "subscription");
}

void bind_events(py::module_ &module)
{
    py::class_<Bell>(module, "Bell")
        .def(py::init<const py::object &, uint64_t, const std::string &, const py::object &, uint64_t>())
        .def("arm", &Bell::arm)
        .def("armed", &Bell::armed)
        .def("close", &Bell::close);
    py::class_<Subscription>(module, "Subscription")
        .def("poll", &poll)
        .def("close", &Subscription::close);
    module.def("subscribe", &subscribe);
    py::list names;
    for (const char *name : kinds) names.append(py::str(name));
    module.attr("event_kinds") = py::tuple(names);
}

} // namespace reflowpy
