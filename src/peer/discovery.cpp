// A peer as a client of discovery. Thread: see discovery.hpp.
//
// Each server goes round by itself:  idle -> registering -> reading -> idle
// and in the end from any of them:   leaving -> left
// Answers come on one thread, so that events are in the order of the answers.
#include "peer/discovery.hpp"

#include <algorithm>
#include <chrono>

#include "base/text.hpp"

namespace reflow::peer {
namespace {

DiscoveryView::Options view_options(const DiscoveryOptions& options, const DiscoveryEntry& self) {
    DiscoveryView::Options of_view;
    of_view.network_id = self.network_id;
    of_view.servers = options.endpoints.size();
    of_view.ttl_ns = options.ttl_ms * 1'000'000;
    return of_view;
}

}  // namespace

Discovery::Discovery(DiscoveryOptions options, DiscoveryEntry self, Owner owner)
    : options_(std::move(options)),
      owner_(std::move(owner)),
      self_(std::move(self)),
      view_(view_options(options_, self_)),
      servers_(options_.endpoints.size()) {}

Discovery::~Discovery() { stop(0); }

Result<void> Discovery::start() {
    auto client = io::HttpClient::create(options_.tls, options_.threads);
    if (!client.ok()) return client.take_error();
    {
        std::lock_guard lock(mutex_);
        if (stopping_) return Failure(REFLOW_ERROR_CLOSED, "the peer stops");
        client_ = std::move(client).take();
        for (std::size_t i = 0; i < servers_.size(); ++i) (void)begin_round(i);
    }
    plan_refresh();
    return {};
}

void Discovery::plan_refresh() {
    owner_.after(options_.refresh_ms * 1'000'000,
                 [self = Ref<Discovery>::share(this)] { self->refresh(); });
}

// Interfaces come and go while a peer runs.
void Discovery::look_where() {
    String endpoint = owner_.endpoint ? owner_.endpoint() : String();
    {
        std::lock_guard lock(mutex_);
        if (endpoint.empty() || self_.endpoint.empty() || self_.endpoint == endpoint) return;
        self_.endpoint = endpoint;
    }
    tell(REFLOW_LOG_INFO, concat("discovery is told from now on that this peer is at ", endpoint));
}

void Discovery::refresh() {
    look_where();
    {
        std::lock_guard lock(mutex_);
        if (stopping_) return;
        // A server that has not answered yet is not asked again, unless its answer has been lost for want of memory:
        // a round is two requests with a timeout each.
        const std::uint64_t now = clock_.now_ns(), lost_ns = 3 * options_.timeout_ms * 1'000'000;
        for (std::size_t i = 0; i < servers_.size(); ++i) {
            const Server& one = servers_[i];
            if (one.step == Step::idle || now - one.begun_ns > lost_ns) (void)begin_round(i);
        }
    }
    plan_refresh();
}

bool Discovery::begin_round(std::size_t server) {
    ++servers_[server].begun;
    servers_[server].begun_ns = clock_.now_ns();
    if (self_.endpoint.empty()) {  // there is no port to tell of
        servers_[server].step = Step::reading;
        return ask(server, "GET", "networks", {}, &Discovery::read);
    }
    servers_[server].step = Step::registering;
    String body;
    write_discovery_entry(body, self_);
    return ask(server, "POST", "register", std::move(body), &Discovery::registered);
}

bool Discovery::ask(std::size_t server, std::string_view method, std::string_view route, String body,
                    void (Discovery::*then)(std::size_t, const String&, const io::HttpAnswer&)) {
    io::HttpCall call;
    call.method = method;
    call.url = discovery_url(options_.endpoints[server], route);
    call.content_type = "application/json";
    call.body = std::move(body);
    call.token = options_.token;
    call.timeout_ms = options_.timeout_ms;
    call.answer_bytes = limits::discovery_answer_bytes;
    auto done = [this, server, then, url = call.url](io::HttpAnswer answer) {
        // The client is ended before this object is.
        (this->*then)(server, url, answer);
    };
    return client_ && client_->ask(std::move(call), std::move(done));
}

void Discovery::tell_failure(std::size_t server, bool reads, std::string_view reason) {
    bool first = false;
    {
        std::lock_guard lock(mutex_);
        Server& one = servers_[server];
        first = !std::exchange(reads ? one.not_read : one.not_registered, true);
    }
    std::string_view what = reads ? "read from" : "register with";
    tell(first ? REFLOW_LOG_WARN : REFLOW_LOG_DEBUG,
         concat("cannot ", what, " discovery endpoint ", options_.endpoints[server], ": ", reason));
}

void Discovery::registered(std::size_t server, const String& url, const io::HttpAnswer& answer) {
    if (answer.status == REFLOW_ERROR_CANCELLED) return;
    bool reached = answer.status == REFLOW_OK;
    Result<void> done;
    if (reached) done = check_registered(url, answer.code, answer.body);
    if (!reached || !done.ok()) {
        tell_failure(server, false, reached ? done.error().message : answer.problem);
    }
    bool news = false;
    {
        std::unique_lock lock(mutex_);
        Server& one = servers_[server];
        if (reached && done.ok()) {
            // Told once, and after each time that it had not been possible.
            bool was_not = std::exchange(one.not_registered, false);
            news = !std::exchange(one.registered, true) || was_not;
        }
        if (stopping_) {
            lock.unlock();
            return leave(server);
        }
        if (reached) {
            one.step = Step::reading;
            (void)ask(server, "GET", "networks", {}, &Discovery::read);
        }
    }
    if (news) {
        tell(REFLOW_LOG_INFO,
             concat("Registered with discovery endpoint: ", options_.endpoints[server]));
    }
    if (reached) return;
    Vector<DiscoveryEvent> events;
    {
        std::lock_guard lock(mutex_);
        events = view_.failed(server, clock_.now_ns());
    }
    for (const DiscoveryEvent& event : events) owner_.event(event);
    std::unique_lock lock(mutex_);
    end_round(lock, server, false);
}

void Discovery::read(std::size_t server, const String& url, const io::HttpAnswer& answer) {
    if (answer.status == REFLOW_ERROR_CANCELLED) return;
    std::size_t skipped = 0;
    Result<Vector<DiscoveryEntry>> entries = Vector<DiscoveryEntry>();
    if (answer.status == REFLOW_OK) {
        entries = read_networks(url, answer.code, answer.body, &skipped);
    }
    bool good = answer.status == REFLOW_OK && entries.ok();
    if (!good) {
        tell_failure(server, true,
                     answer.status == REFLOW_OK ? entries.error().describe() : answer.problem);
    }
    if (skipped != 0) {
        tell(REFLOW_LOG_DEBUG, concat("discovery at ", url, ": ", skipped,
                                      " entries could not be read and are passed over"));
    }
    Vector<DiscoveryEvent> events;
    Vector<DiscoveredNetwork> known;
    {
        std::lock_guard lock(mutex_);
        if (stopping_) return;
        if (good) servers_[server].not_read = false;
        std::uint64_t now = clock_.now_ns();
        events = good ? view_.answered(server, entries.value(), now) : view_.failed(server, now);
        known = view_.known();
    }
    for (const DiscoveryEvent& event : events) owner_.event(event);
    owner_.known(known);
    std::unique_lock lock(mutex_);
    end_round(lock, server, good);
}

void Discovery::end_round(std::unique_lock<std::mutex>&, std::size_t server, bool answered) {
    Server& one = servers_[server];
    if (one.step == Step::leaving || one.step == Step::left) return;
    one.step = Step::idle;
    one.over = one.begun;
    one.answered = answered;
    if (std::exchange(one.again, false) && !stopping_) (void)begin_round(server);
    changed_.notify_all();
}

Result<void> Discovery::discover(std::int64_t timeout_ms) {
    std::unique_lock lock(mutex_);
    // A round that is on its way may have asked before: the next one is waited for.
    Vector<std::uint64_t> wanted;
    for (std::size_t i = 0; i < servers_.size(); ++i) {
        Server& one = servers_[i];
        bool busy = one.step != Step::idle;
        wanted.push_back(one.begun + 1);
        if (busy) {
            one.again = true;
        } else {
            (void)begin_round(i);
        }
    }
    auto over = [&] {
        for (std::size_t i = 0; i < servers_.size(); ++i) {
            if (servers_[i].over < wanted[i]) return stopping_;
        }
        return true;
    };
    if (!changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms), over)) {
        return Failure(REFLOW_ERROR_TIMEOUT, concat("no answer of all discovery servers within ",
                                                    timeout_ms, " ms"));
    }
    if (stopping_) return Failure(REFLOW_ERROR_CLOSED, "the peer stops");
    bool any = std::any_of(servers_.begin(), servers_.end(),
                           [](const Server& one) { return one.answered; });
    if (!any) return Failure(REFLOW_ERROR_IO, "no discovery server has answered; the log tells why");
    return {};
}

Vector<DiscoveredNetwork> Discovery::known() const {
    std::lock_guard lock(mutex_);
    return view_.known();
}

// ---- the end

void Discovery::leave(std::size_t server) {
    std::lock_guard lock(mutex_);
    Server& one = servers_[server];
    if (one.step == Step::leaving || one.step == Step::left) return;
    String body;
    write_discovery_key(body, self_.network_id, self_.instance_id);
    one.step = Step::leaving;
    bool asked = one.registered &&
                 ask(server, "POST", "unregister", std::move(body), &Discovery::left);
    if (!asked) one.step = Step::left;
    changed_.notify_all();
}

// Whatever it says: an entry that stays grows old and goes.
void Discovery::left(std::size_t server, const String&, const io::HttpAnswer&) {
    std::lock_guard lock(mutex_);
    servers_[server].step = Step::left;
    changed_.notify_all();
}

void Discovery::stop(std::int64_t timeout_ms) {
    Vector<std::size_t> quiet;
    {
        std::lock_guard lock(mutex_);
        if (std::exchange(stopping_, true)) return;
        // Where it is just being registered, the answer is waited for.
        for (std::size_t i = 0; i < servers_.size(); ++i) {
            if (servers_[i].step != Step::registering) quiet.push_back(i);
        }
        changed_.notify_all();
    }
    for (std::size_t server : quiet) leave(server);
    std::unique_ptr<io::HttpClient> ended;
    std::unique_lock lock(mutex_);
    auto all_left = [this] {
        return std::all_of(servers_.begin(), servers_.end(),
                           [](const Server& one) { return one.step == Step::left; });
    };
    if (client_) changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms), all_left);
    ended.swap(client_);
    lock.unlock();
    ended.reset();  // outside of the lock, which its callbacks take
}

}  // namespace reflow::peer
