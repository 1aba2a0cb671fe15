// Requests of HTTP and undelivered messages, in queues that threads of Python take from.
#include "peer_calls.hpp"

#include "waiting.hpp"

#include <deque>

namespace reflowpy {

namespace {

// So many undelivered messages wait for Python at most; what comes then is counted only.
constexpr size_t most_undelivered = 10'000;

// What one thread puts in and another takes out. The engine keeps it, and so does Python.
template <typename Item> class Queue {
public:
    // False if it is full or closed; the item is ended then.
    bool put(Item &&item)
    {
        const std::lock_guard lock(mutex_);
        if (closed_ || items_.size() >= most_) {
            ++lost_;
            return false;
        }
        items_.push_back(std::move(item));
        changed_.notify_one();
        return true;
    }
    // Waits up to the time for the first; false if nothing came.
    bool take(double seconds, Item &out)
    {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, std::chrono::duration<double>(seconds),
                          [&] { return !items_.empty() || closed_; });
        if (items_.empty()) return false;
        out = std::move(items_.front());
        items_.pop_front();
        return true;
    }
    // Nothing can come any more, and who waits is woken.
    void close()
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        changed_.notify_all();
    }
    bool ended()
    {
        const std::lock_guard lock(mutex_);
        return closed_ && items_.empty();
    }
    uint64_t lost()
    {
        const std::lock_guard lock(mutex_);
        return lost_;
    }
    void limit(size_t most) { most_ = most; }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Item> items_;
    size_t most_ = SIZE_MAX;
    uint64_t lost_ = 0;
    bool closed_ = false;
};

// ---- requests ------------------------------------------------------------------------------------

using Reply = Owned<reflow_http_reply, reflow_http_reply_destroy>;

struct Request {
    std::string method, path, query, content_type, authorization, body;
    Reply reply;
};

struct Requests {
    std::shared_ptr<Queue<Request>> queue = std::make_shared<Queue<Request>>();
};

// A request as Python has it: its reply is sent once.
struct Exchange {
    Request request;
};

void request_came(void *user_data, const reflow_http_request *request, reflow_http_reply *reply)
{
    Reply owned(reply); // whoever does not keep it gives up on the request
    try {
        const auto copy = [](reflow_view of) { return std::string(text_of(of)); };
        Request made{copy(request->method), copy(request->path), copy(request->query),
                     copy(request->content_type), copy(request->authorization), copy(request->body),
                     std::move(owned)};
        (*static_cast<std::shared_ptr<Queue<Request>> *>(user_data))->put(std::move(made));
    } catch (const std::bad_alloc &) { // the request gets 500
    }
}

template <typename Item> void queue_ended(void *user_data)
{
    auto *queue = static_cast<std::shared_ptr<Queue<Item>> *>(user_data);
    (*queue)->close();
    delete queue;
}

Requests on_http(const Peer &peer, uint32_t timeout_ms, uint32_t max_body_bytes, uint32_t max_waiting)
{
    Requests made;
    reflow_http_options options{};
    options.struct_size = sizeof options;
    options.timeout_ms = timeout_ms;
    options.max_body_bytes = max_body_bytes;
    options.max_waiting = max_waiting;
    const PeerUse use(peer);
    call([&](reflow_error **error) {
        return reflow_peer_on_http(use.get(), &request_came,
                                   new std::shared_ptr<Queue<Request>>(made.queue),
                                   &queue_ended<Request>, &options, error);
    });
    return made;
}

// The next request; None if none came in time.
py::object take_request(Requests &requests, double seconds)
{
    Request request;
    const std::shared_ptr<Queue<Request>> queue = requests.queue;
    if (!unlocked([&] { return queue->take(seconds, request); })) return py::none();
    return py::cast(std::make_unique<Exchange>(Exchange{std::move(request)}));
}

// False if nobody waits for the answer any more.
bool answer(Exchange &exchange, uint32_t status, const std::string &content_type, const py::bytes &body)
{
    reflow_http_reply *reply = exchange.request.reply.release();
    if (reply == nullptr) {
        raise_text(REFLOW_ERROR_INVALID_STATE, "the request has been answered");
        throw py::error_already_set();
    }
    char *data = nullptr;
    Py_ssize_t size = 0;
    if (PyBytes_AsStringAndSize(body.ptr(), &data, &size) != 0) {
        reflow_http_reply_destroy(reply);
        throw py::error_already_set();
    }
    Failure error;
    const reflow_status sent = unlocked([&] {
        return reflow_http_reply_send(reply, status, view(content_type),
                                      {data, static_cast<size_t>(size)}, error.out());
    });
    if (sent == REFLOW_ERROR_CLOSED) return false;
    must(check(sent, error));
    return true;
}

void bind_requests(py::module_ &module)
{
    py::class_<Exchange>(module, "HttpExchange")
        .def_property_readonly("method", [](const Exchange &e) { return text(view(e.request.method)); })
        .def_property_readonly("path", [](const Exchange &e) { return text(view(e.request.path)); })
        .def_property_readonly("query", [](const Exchange &e) { return text(view(e.request.query)); })
        .def_property_readonly("content_type",
                               [](const Exchange &e) { return text(view(e.request.content_type)); })
        .def_property_readonly("authorization",
                               [](const Exchange &e) { return text(view(e.request.authorization)); })
        .def_property_readonly("body", [](const Exchange &e) { return py::bytes(e.request.body); })
        .def("answer", &answer);
    py::class_<Requests>(module, "HttpRequests")
        .def("take", &take_request)
        .def("ended", [](Requests &requests) { return requests.queue->ended(); });
}

// ---- undelivered messages ------------------------------------------------------------------------

struct Lost {
    std::string port;
    reflow_message message{};
    reflow_status status = REFLOW_OK;
    std::string reason;

    Lost() = default;
    Lost(std::string of_port, reflow_message owned, reflow_status with, std::string why)
        : port(std::move(of_port)), message(owned), status(with), reason(std::move(why))
    {
    }
    Lost(Lost &&other) noexcept { *this = std::move(other); }
    Lost &operator=(Lost &&other) noexcept
    {
        port.swap(other.port);
        reason.swap(other.reason);
        std::swap(message, other.message);
        std::swap(status, other.status);
        return *this;
    }
    ~Lost() { reflow_message_unref(message); }
};

struct Losses {
    std::shared_ptr<Queue<Lost>> queue;
};

void message_lost(void *user_data, reflow_view port, reflow_message message, reflow_status status,
                  reflow_view reason)
{
    try {
        Lost lost{std::string(text_of(port)), reflow_message_ref(message), status,
                  std::string(text_of(reason))};
        (*static_cast<std::shared_ptr<Queue<Lost>> *>(user_data))->put(std::move(lost));
    } catch (const std::bad_alloc &) { // it stands in the log and the counts
    }
}

reflow_delivery_options delivery_options(const py::dict &from)
{
    reflow_delivery_options options{};
    options.struct_size = sizeof options;
    const auto number = [&](const char *key) {
        return from.contains(key) ? from[key].cast<uint64_t>() : uint64_t{0};
    };
    options.delivery = static_cast<reflow_delivery>(number("delivery"));
    options.outbox_policy = static_cast<reflow_outbox_policy>(number("outbox_policy"));
    options.outbox_messages = static_cast<uint32_t>(number("outbox_messages"));
    options.outbox_bytes = number("outbox_bytes");
    options.deadline_ms = static_cast<uint32_t>(number("deadline_ms"));
    options.ack_timeout_ms = static_cast<uint32_t>(number("ack_timeout_ms"));
    options.ack_retries = static_cast<uint32_t>(number("ack_retries"));
    options.unacknowledged_messages = static_cast<uint32_t>(number("unacknowledged_messages"));
    return options;
}

// The queue of messages that are lost, if somebody wants them.
py::object set_delivery(const Peer &peer, const std::string &network, const std::string &actor,
                        const py::dict &options_in, bool tells)
{
    reflow_delivery_options options = delivery_options(options_in);
    Losses losses;
    if (tells) {
        losses.queue = std::make_shared<Queue<Lost>>();
        losses.queue->limit(most_undelivered);
        options.undelivered = &message_lost;
        options.user_data = new std::shared_ptr<Queue<Lost>>(losses.queue);
        options.destroy = &queue_ended<Lost>;
    }
    const PeerUse use(peer);
    call([&](reflow_error **error) {
        return reflow_peer_set_delivery(use.get(), view(network), view(actor), &options, error);
    });
    return tells ? py::cast(losses) : py::none();
}

// (port, value, status, reason) or None if none came in time. The value is None if it is not here any more.
py::object take_lost(Losses &losses, double seconds)
{
    Lost lost;
    const std::shared_ptr<Queue<Lost>> queue = losses.queue;
    if (!unlocked([&] { return queue->take(seconds, lost); })) return py::none();
    PyObject *value = from_message(lost.message);
    must(value != nullptr);
    return py::make_tuple(text(view(lost.port)), py::reinterpret_steal<py::object>(value), lost.status,
                          text(view(lost.reason)));
}

} // namespace

void bind_peer_calls(py::module_ &module)
{
    bind_requests(module);
    py::class_<Losses>(module, "Losses")
        .def("take", &take_lost)
        .def("ended", [](Losses &losses) { return losses.queue->ended(); })
        .def("missed", [](Losses &losses) { return losses.queue->lost(); });
    module.def("peer_on_http", &on_http);
    module.def("peer_set_delivery", &set_delivery);
}

} // namespace reflowpy
