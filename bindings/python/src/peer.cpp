// Peers: section 21 of reflow.h; reflow/peer.py makes it comfortable.
#include "peer.hpp"

#include "network_use.hpp"
#include "post.hpp"
#include "waiting.hpp"

namespace reflowpy {

namespace {

using Use = PeerUse;
using Handle = PeerHandle;
using Subscription = Guarded<reflow_peer_subscription, reflow_peer_subscription_destroy>;

Peer create(const py::object &runtime, const std::string &toml, const std::string &file,
            uint32_t flags)
{
    reflow_peer *out = nullptr;
    const RuntimeUse use(runtime);
    call_unlocked([&](reflow_error **error) {
        return reflow_peer_create_from_toml(use.get(), view(toml), view(file), flags, &out, error);
    });
    return {std::make_shared<Handle>(out, "peer"), nullptr, ""};
}

void attach(const Peer &peer, const py::object &network)
{
    const Use use(peer);
    const NetworkUse attached(network);
    call([&](reflow_error **error) {
        return reflow_peer_attach(use.get(), attached.get(), error);
    });
}

// ---- links -------------------------------------------------------------------------------------

py::object connect(const Peer &peer, const std::string &endpoint, const py::object &timeout)
{
    const int64_t limit = milliseconds(timeout);
    return value_of(interruptible<reflow_message>(
        std::make_shared<Use>(peer),
        [=](const std::shared_ptr<Use> &use, reflow_message &network, reflow_error **error) {
            return reflow_peer_connect(use->get(), view(endpoint), limit, &network, error);
        },
        drop_message));
}

// A message that is not confirmed goes in slices, each of which either sends it or leaves it here.
void send(const Peer &peer, const std::string &network, const std::string &actor,
          const std::string &port, const py::object &value, const std::string &source,
          bool confirmed, const py::object &timeout)
{
    const int64_t limit = milliseconds(timeout);
    const auto use = std::make_shared<Use>(peer);
    const reflow_message message = message_from(value);
    const auto send_once = [=](const std::shared_ptr<Use> &by, int64_t timeout_ms,
                               reflow_error **error) {
        reflow_peer_send_options options{};
        options.struct_size = sizeof options;
        options.flags = confirmed ? REFLOW_PEER_SEND_CONFIRMED : 0;
        options.source = view(source);
        options.timeout_ms = timeout_ms;
        return reflow_peer_send_with(by->get(), view(network), view(actor), view(port), message,
                                     &options, error);
    };
    if (confirmed) {
        interruptible<int>(
            use,
            [=](const std::shared_ptr<Use> &by, int &, reflow_error **error) {
                const reflow_status status = send_once(by, limit, error);
                if (status != REFLOW_OK) reflow_message_unref(message);
                return status;
            },
            drop_nothing<int>);
        return;
    }
    Failure error;
    reflow_status status = REFLOW_ERROR_CANCELLED; // if a signal handler raises
    try {
        status = wait_sliced(timeout, error, [&](int64_t slice, reflow_error **out) {
            return send_once(use, slice, out);
        });
    } catch (...) {
        reflow_message_unref(message);
        throw;
    }
    if (status != REFLOW_OK) reflow_message_unref(message);
    must(check(status, error));
}

size_t send_many(const Peer &peer, const std::string &network, const std::string &actor,
                 const std::string &port, const py::object &values, const std::string &source,
                 const py::object &timeout)
{
    const Use use(peer);
    const int64_t limit = milliseconds(timeout);
    Messages messages;
    must(messages.fill(values.ptr()));
    size_t accepted = 0;
    Failure error;
    const reflow_status status = unlocked([&] {
        return reflow_peer_send_many(use.get(), view(network), view(actor), view(port),
                                     messages.data(), messages.size(), view(source), limit, &accepted,
                                     error.out());
    });
    messages.taken(accepted);
    must(check(status, error));
    return accepted;
}

// ---- remote actors -----------------------------------------------------------------------------

std::vector<reflow_view> views_of(const std::vector<std::string> &texts)
{
    std::vector<reflow_view> out;
    for (const std::string &each : texts) out.push_back(view(each));
    return out;
}

py::object register_remote_actor(const Peer &peer, const std::string &actor,
                                 const std::string &network, uint32_t strategy,
                                 const std::string &alias, const std::vector<std::string> &inports,
                                 const std::vector<std::string> &outports,
                                 const std::vector<std::string> &capabilities)
{
    const Use use(peer);
    const std::vector<reflow_view> in = views_of(inports);
    const std::vector<reflow_view> out = views_of(outports);
    const std::vector<reflow_view> able = views_of(capabilities);
    reflow_remote_actor_options options{};
    options.struct_size = sizeof options;
    options.strategy = static_cast<reflow_name_strategy>(strategy);
    options.alias = view(alias);
    options.inports = in.data();
    options.inports_count = in.size();
    options.outports = out.data();
    options.outports_count = out.size();
    options.capabilities = able.data();
    options.capabilities_count = able.size();
    reflow_message node{};
    call_unlocked([&](reflow_error **error) {
        return reflow_peer_register_remote_actor(use.get(), view(actor), view(network), &options,
                                                 &node, error);
    });
    return value_of(node);
}

// ---- looking -----------------------------------------------------------------------------------

py::object status_of(const Peer &peer)
{
    const Use use(peer);
    return message_of([&](reflow_message *out, reflow_error **error) {
        return reflow_peer_status(use.get(), out, error);
    });
}

py::object networks_of(const Peer &peer)
{
    const Use use(peer);
    return message_of([&](reflow_message *out, reflow_error **error) {
        return reflow_peer_networks(use.get(), out, error);
    });
}

py::object actors_of(const Peer &peer, const std::string &network, const py::object &timeout)
{
    const int64_t limit = milliseconds(timeout);
    return value_of(interruptible<reflow_message>(
        std::make_shared<Use>(peer),
        [=](const std::shared_ptr<Use> &use, reflow_message &out, reflow_error **error) {
            return reflow_peer_actors(use->get(), view(network), limit, &out, error);
        },
        drop_message));
}

double ping(const Peer &peer, const std::string &network, const py::object &timeout)
{
    const int64_t limit = milliseconds(timeout);
    const int64_t round_trip = interruptible<int64_t>(
        std::make_shared<Use>(peer),
        [=](const std::shared_ptr<Use> &use, int64_t &out, reflow_error **error) {
            return reflow_peer_ping(use->get(), view(network), limit, &out, error);
        },
        drop_nothing<int64_t>);
    return static_cast<double>(round_trip) / 1e9;
}

// ---- events ------------------------------------------------------------------------------------

std::unique_ptr<Subscription> subscribe(const Peer &peer, uint64_t kinds, uint32_t capacity)
{
    reflow_peer_event_options options{};
    options.struct_size = sizeof options;
    options.kinds = kinds;
    options.capacity = capacity;
    const Use use(peer);
    reflow_peer_subscription *out = nullptr;
    call([&](reflow_error **error) {
        return reflow_peer_subscribe(use.get(), &options, &out, error);
    });
    return std::make_unique<Subscription>(out, "subscription");
}

// One event or none, how many were missed, and whether there are no more for ever.
py::tuple poll(Subscription &subscription, const py::object &timeout)
{
    if (subscription.closed()) return py::make_tuple(py::list(), 0, true);
    const Subscription::Use use(subscription);
    reflow_message event{};
    uint64_t missed = 0;
    Failure error;
    const reflow_status status =
        wait_sliced(timeout, error, [&](int64_t slice, reflow_error **out) {
            if (subscription.closed()) return reflow_status{REFLOW_ERROR_CLOSED};
            return reflow_peer_subscription_poll(use.get(), slice, &event, &missed, out);
        });
    if (status == REFLOW_ERROR_CLOSED) return py::make_tuple(py::list(), missed, true);
    py::list events;
    if (status != REFLOW_ERROR_TIMEOUT && status != REFLOW_ERROR_WOULD_BLOCK) {
        must(check(status, error));
        events.append(value_of(event));
    }
    return py::make_tuple(events, missed, false);
}

// A subscription with the loop that is told of its events, if there is one.
class PeerWatch {
public:
    PeerWatch(Subscription &subscription, const py::object &post, uint64_t number)
        : watch_(std::make_shared<Watch>())
    {
        watch_->box = box_of(post.ptr());
        must(watch_->box != nullptr);
        watch_->number = number;
        const Subscription::Use use(subscription);
        call_unlocked([&](reflow_error **error) {
            return reflow_peer_subscription_on_readable(use.get(), &Watch::came,
                                                        new std::shared_ptr<Watch>(watch_),
                                                        &Watch::forget, error);
        });
    }
    void arm() { watch_->armed.store(true); }

private:
    std::shared_ptr<Watch> watch_;
};

// Calls that wait and give nothing.
template <reflow_status (*Function)(reflow_peer *, int64_t, reflow_error **)>
void simple(const Peer &peer, const py::object &timeout)
{
    const int64_t limit = milliseconds(timeout);
    interruptible<int>(
        std::make_shared<Use>(peer),
        [=](const std::shared_ptr<Use> &use, int &, reflow_error **error) {
            return Function(use->get(), limit, error);
        },
        drop_nothing<int>);
}

void bind_peer_class(py::module_ &module)
{
    py::class_<Peer>(module, "Peer")
        .def_static("create", &create)
        .def("attach", &attach)
        .def("start",
             [](const Peer &peer) {
                 const Use use(peer);
                 call_unlocked(
                     [&](reflow_error **error) { return reflow_peer_start(use.get(), error); });
             })
        .def("bind",
             [](const Peer &peer, const std::string &address, uint32_t port) {
                 const Use use(peer);
                 call([&](reflow_error **error) {
                     return reflow_peer_bind(use.get(), view(address), port, error);
                 });
             })
        .def("port", [](const Peer &peer) { return reflow_peer_port(Use(peer).get()); })
        .def("connect", &connect)
        .def("disconnect",
             [](const Peer &peer, const std::string &network) {
                 const Use use(peer);
                 call([&](reflow_error **error) {
                     return reflow_peer_disconnect(use.get(), view(network), error);
                 });
             })
        .def("connected",
             [](const Peer &peer, const std::string &network) {
                 return reflow_peer_connected(Use(peer).get(), view(network));
             })
        .def("send", &send)
        .def("send_many", &send_many)
        .def("register_remote_actor", &register_remote_actor)
        .def("status", &status_of)
        .def("networks", &networks_of)
        .def("actors", &actors_of)
        .def("ping", &ping)
        .def("subscribe", &subscribe)
        .def("discover", &simple<reflow_peer_discover>)
        .def("stop", &simple<reflow_peer_stop>)
        .def("close", [](const Peer &peer) {
            if (peer.own != nullptr) peer.own->close();
        });
}

} // namespace

void bind_peer(py::module_ &module)
{
    bind_peer_class(module);
    py::class_<PeerWatch>(module, "PeerWatch")
        .def(py::init<Subscription &, const py::object &, uint64_t>())
        .def("arm", &PeerWatch::arm);
    py::class_<Subscription>(module, "PeerSubscription")
        .def("poll", &poll)
        .def("close", &Subscription::close);
}

} // namespace reflowpy
