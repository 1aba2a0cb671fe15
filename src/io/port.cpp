// Accepting, and telling apart who comes. Nobody waits for anybody: a guest has a deadline from its
// first moment, which what it sends does not move until it has been served.
#include "io/port.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "base/text.hpp"
#include "io/guest.hpp"

namespace reflow::io {

// ---- Port

Result<Ref<Port>> Port::open(Ref<Loop> loop, std::string_view address, std::uint16_t port,
                             const PortOptions& options, PortHandler& handler, LogCall log) {
    String host(address.empty() || address == "*" ? std::string_view("0.0.0.0") : address);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']')
        host = host.substr(1, host.size() - 2);
    Resolved names = resolve_number(host, port);
    String place = concat(host, ":", port);
    if (names.addresses.empty()) {
        if (host != "localhost") {
            return Failure(REFLOW_ERROR_IO, concat("cannot listen at ", place, ": ", names.problem))
                .hint("a port listens at the number of an address, such as 127.0.0.1 or ::");
        }
        names = resolve_number("127.0.0.1", port);
    }
    Ref<Port> made = make_ref<Port>(std::move(loop), options, handler, std::move(log));
    if (!options.wire.tls.certificate_file.empty()) {
        Result<Ref<TlsContext>> tls = TlsContext::create(options.wire.tls, true);
        if (!tls.ok()) return tls.take_error();
        made->tls_ = std::move(tls).take();
    }
    if (!options.wire.tls.ca_file.empty()) {
        // For what will be dialled: who starts is told, not who dials.
        Result<Ref<TlsContext>> tls = TlsContext::create(options.wire.tls, false);
        if (!tls.ok()) return tls.take_error();
    }
    const Address& at = names.addresses.front();
    Channel socket(::socket(at.raw()->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    int one = 1;
    if (socket.descriptor() >= 0)
        setsockopt(socket.descriptor(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    sockaddr_storage name{};
    socklen_t length = sizeof name;
    auto* plain = reinterpret_cast<sockaddr*>(&name);
    if (socket.descriptor() < 0 || bind(socket.descriptor(), at.raw(), at.length) != 0 ||
        listen(socket.descriptor(), 1024) != 0 ||
        getsockname(socket.descriptor(), plain, &length) != 0) {
        return Failure(REFLOW_ERROR_IO,
                       concat("cannot listen at ", place, ": ", error_text(errno)));
    }
    made->bound_ =
        ntohs(plain->sa_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&name)->sin6_port
                                           : reinterpret_cast<sockaddr_in*>(&name)->sin_port);
    made->descriptor_ = socket.release();
    return made;
}

Port::~Port() { Channel(descriptor_).close(); }

void Port::log(reflow_log_level level, std::string_view text) {
    if (log_) log_(level, text);
}

void Port::begin() {
    if (handler_ == nullptr) return;
    loop_->join(*this);
    Ref<Port> self = Ref<Port>::share(this);
    watch_ = Watch::open(*loop_, descriptor_, [self](bool, bool) { self->accept_some(); });
    if (watch_ == nullptr)
        return log(REFLOW_LOG_ERROR, "the loop takes no more sockets: a port is deaf");
    watch_->want(true, false);
}

void Port::finish() noexcept {
    Ref<Port> self = Ref<Port>::share(this);
    handler_ = nullptr;
    loop_->cancel(std::exchange(pause_, 0));
    if (watch_ != nullptr) std::exchange(watch_, nullptr)->close();
    Channel(std::exchange(descriptor_, -1)).close();
    while (guests_ != nullptr) guests_->end();
    loop_->leave(*this);
}

// Some at a time, so that links go on.
void Port::accept_some() {
    constexpr int most = 64;
    constexpr std::uint64_t pause_ns = 100'000'000;
    for (int i = 0; i < most && descriptor_ >= 0; ++i) {
        sockaddr_storage from{};
        socklen_t length = sizeof from;
        int descriptor = accept4(descriptor_, reinterpret_cast<sockaddr*>(&from), &length,
                                 SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (descriptor >= 0) {
            try {
                welcome(descriptor, from, length);
            } catch (...) {
                log(REFLOW_LOG_ERROR, "no memory for a connection");
            }
            continue;
        }
        if (errno == EINTR || errno == ECONNABORTED) continue;
        if (errno == EAGAIN || errno == EWOULDBLOCK) return;
        // No descriptors or no memory: it would be told of again at once.
        log(REFLOW_LOG_ERROR, concat("cannot accept a connection: ", error_text(errno)));
        watch_->want(false, false);
        Ref<Port> self = Ref<Port>::share(this);
        pause_ = loop_->after(pause_ns, [self] {
            self->pause_ = 0;
            if (self->watch_ != nullptr) self->watch_->want(true, false);
        });
        return;
    }
}

void Port::welcome(int descriptor, const sockaddr_storage& from, unsigned length) {
    Channel channel(descriptor);
    if (connections_ >= options_.connections) {
        if (!std::exchange(full_told_, true)) {
            log(REFLOW_LOG_WARN, concat("a port has ", connections_,
                                        " connections, which is its limit: those that have not said "
                                        "what they want make room, others are turned away"));
        }
        if (!evict()) return;
    } else {
        full_told_ = false;
    }
    prepare_socket(descriptor);
    Ref<Guest> guest = make_ref<Guest>(*this, std::move(channel), from, length);
    ++connections_;
    guest->begin();
}

// The guest that has been here for longest and is not waiting for us goes, so that many who say nothing
// cannot keep others out.
bool Port::evict() noexcept {
    Guest* oldest = nullptr;
    for (Guest* guest = guests_; guest != nullptr; guest = guest->after_) {
        if (guest->state_ != Guest::State::waiting) oldest = guest;
    }
    if (oldest != nullptr) oldest->end();
    return oldest != nullptr;
}

// ---- Guest

void Guest::begin() {
    ref();  // of the list
    after_ = port_->guests_;
    if (after_ != nullptr) after_->before_ = this;
    port_->guests_ = this;
    Ref<Guest> self = Ref<Guest>::share(this);
    deadline();
    watch_ = Watch::open(*port_->loop_, channel_.descriptor(),
                         [self](bool in, bool) { self->event(in); });
    if (watch_ == nullptr) return end();
    watch_->want(true, false);
}

void Guest::deadline() {
    port_->loop_->cancel(timer_);
    Ref<Guest> self = Ref<Guest>::share(this);
    timer_ = port_->loop_->after(port_->options_.first_bytes_ns, [self] {
        self->timer_ = 0;
        self->end();
    });
}

void Guest::end() noexcept {
    if (std::exchange(state_, State::ended) == State::ended) return;
    Ref<Guest> self = Ref<Guest>::share(this);
    port_->loop_->cancel(std::exchange(timer_, 0));
    no_later();
    if (watch_ != nullptr) std::exchange(watch_, nullptr)->close();
    if (channel_.descriptor() >= 0) port_->left();  // otherwise a wire has it
    channel_.close();
    (before_ != nullptr ? before_->after_ : port_->guests_) = after_;
    if (after_ != nullptr) after_->before_ = before_;
    unref();
}

void Guest::event(bool) {
    Ref<Guest> self = Ref<Guest>::share(this);
    try {
        if (state_ == State::securing) {
            secure();
        } else if (state_ == State::answering) {
            write();
            go_on();
        } else {
            readable();
        }
    } catch (...) {
        end();
    }
}

void Guest::readable() {
    while (state_ == State::unknown || state_ == State::asking || state_ == State::leaving) {
        iovec part{port_->loop_->scratch(), 64 * 1024};
        // The first byte alone, until it is known whether it is TLS's.
        if (state_ == State::unknown && port_->tls_) {
            std::uint8_t first = 0;
            ssize_t got = recv(channel_.descriptor(), &first, 1, MSG_PEEK);
            if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
            if (got <= 0) return end();
            if (first == 0x16) return secure();
        }
        std::size_t size = 0;
        Moved moved = channel_.read({&part, 1}, &size);
        if (moved == Moved::again) return;
        if (moved != Moved::some) return end();
        if (state_ == State::leaving) return;
        state_ = State::asking;
        came_.append(port_->loop_->scratch(), size);
        if (came_.size() >= wanted_) look();
        if (!channel_.secure()) return;
    }
}

void Guest::secure() {
    if (state_ == State::unknown) {
        state_ = State::securing;
        if (!channel_.secure_with(*port_->tls_, true, {}).ok()) return end();
    }
    Moved moved = channel_.shake();
    if (moved == Moved::again) return watch_->want(!channel_.wants_out(), channel_.wants_out());
    if (moved != Moved::some) {
        const String why = moved == Moved::end ? String("it left") : channel_.error();
        port_->handler_->not_secured(remote(), why);
        return end();
    }
    state_ = State::asking;
    watch_->want(true, false);
    readable();
}

void Guest::look() {
    if (chunks_) return look_at_request();  // which is one, whatever its body begins with
    std::string_view text(reinterpret_cast<const char*>(came_.data()), came_.size());
    std::string_view begin = text.substr(0, tcp_mark.size());
    if (port_->options_.tcp && begin == tcp_mark.substr(0, begin.size())) {
        if (begin.size() < tcp_mark.size()) return;
        return become(Form::tcp, channel_.secure() ? WireScheme::tls : WireScheme::tcp, tcp_mark,
                      begin.size());
    }
    if (!port_->options_.http && !port_->options_.websocket) return end();
    // Empty lines may be in front of a request, and of nothing else.
    if (text == "\r") return;
    if (text.starts_with("\r\n")) return look_at_request();
    // Methods are of letters: others are not answered, since they do not understand it.
    for (char letter : begin) {
        if (letter < 'A' || letter > 'Z') {
            if (letter != ' ') return end();
        }
    }
    look_at_request();
}

void Guest::look_at_request() {
    while (state_ == State::asking && came_.size() > 0) {
        if (chunks_) {
            if (!take_chunks()) return;
            continue;
        }
        std::string_view text(reinterpret_cast<const char*>(came_.data()), came_.size());
        HttpHead head;
        HttpRead read = read_http_request(text, head);
        if (read == HttpRead::more) return;
        if (read == HttpRead::wrong)
            return refuse(400, "not a request of HTTP/1.1 with one Host\n");
        if (read == HttpRead::too_large) return refuse(431, "the headers are too long\n");
        if (head.has("Upgrade", "websocket")) return upgrade(head);
        const auto [framing, bytes] = read_http_framing(head);
        if (framing == HttpFraming::wrong)
            return refuse(400, "a body ends with its Content-Length or with its last chunk\n");
        if (framing == HttpFraming::unknown_coding)
            return refuse(501, "chunked is the only Transfer-Encoding\n");
        if (bytes > port_->options_.http_body_bytes) return refuse(413, "the body is too long\n");
        if (framing == HttpFraming::chunked) {
            begin_chunks(head);
            continue;
        }
        auto whole = head.bytes + static_cast<std::size_t>(bytes);
        if (came_.size() < whole) {
            // Not read again for each byte that comes.
            wanted_ = whole;
            return ask_for_body(head);
        }
        wanted_ = 1;
        serve(head, text.substr(head.bytes, static_cast<std::size_t>(bytes)));
        if (state_ == State::ended) return;
        cut(whole);
        if (state_ == State::asking) deadline();
    }
}

// What has come without its first bytes.
void Guest::cut(std::size_t used) {
    Bytes rest;
    rest.append(came_.data() + used, came_.size() - used);
    came_.swap(rest);
}

// Few words, which fit into a socket that nothing was written to.
void Guest::say(std::string_view words) {
    iovec part{const_cast<char*>(words.data()), words.size()};
    std::size_t size = 0;
    int error = 0;
    (void)channel_.write({&part, 1}, &size, &error);
}

// Some clients wait for that before they send a body.
void Guest::ask_for_body(const HttpHead& head) {
    if (head.has("Expect", "100-continue") && !std::exchange(asked_, true))
        say("HTTP/1.1 100 Continue\r\n\r\n");
}

// The head is kept by itself, so that chunks can go as they come.
void Guest::begin_chunks(const HttpHead& head) {
    const std::size_t bytes = head.bytes;
    if (came_.size() == bytes) ask_for_body(head);
    head_.append(came_.data(), bytes);
    cut(bytes);
    body_.clear();
    chunks_.emplace();
}

// False: the body goes on, or the guest does not.
bool Guest::take_chunks() {
    std::string_view text(reinterpret_cast<const char*>(came_.data()), came_.size());
    HttpRead read = chunks_->take(text, body_, port_->options_.http_body_bytes);
    cut(came_.size() - text.size());
    if (read == HttpRead::wrong) refuse(400, "a wrong chunk in the body\n");
    if (read == HttpRead::too_large) refuse(413, "the body is too long\n");
    if (read != HttpRead::done) return false;
    chunks_.reset();
    Bytes of_head;
    of_head.swap(head_);
    const String body = std::exchange(body_, {});
    HttpHead head;
    (void)read_http_request({reinterpret_cast<const char*>(of_head.data()), of_head.size()}, head);
    serve(head, body);
    if (state_ == State::asking) deadline();
    return state_ != State::ended;
}

void Guest::serve(const HttpHead& head, std::string_view body) {
    asked_ = false;
    keep_ = head.version_1_1 && !head.has("Connection", "close");
    head_only_ = head.method == "HEAD";
    if (!port_->options_.http) return refuse(404, "not here\n");
    std::size_t mark = head.target.find('?');
    HttpRequest request{};
    request.method = head.method;
    request.path = head.target.substr(0, mark);
    request.query =
        mark == std::string_view::npos ? std::string_view{} : head.target.substr(mark + 1);
    request.body = body;
    request.content_type = head.find("Content-Type");
    request.authorization = head.find("Authorization");
    request.foreign = !lets_in(head) || is_led_here(head, port_->options_.origins);
    request.asker = this;
    HttpResponse response = port_->handler_->request(request);
    if (state_ == State::ended) return;
    if (later_) return wait();
    respond(std::move(response));
}

void Guest::respond(HttpResponse&& response) {
    bool clean = response.content_type.find_first_of("\r\n") == String::npos;
    if (!clean) response.content_type = "application/octet-stream";
    String allow;
    if (!response.allow.empty()) allow = concat("Allow: ", response.allow, "\r\n");
    if (!head_only_)
        return answer(response.status, response.content_type, response.body, keep_, allow);
    out_ = http_answer_head(response.status, response.content_type, response.body.size(), keep_,
                            allow);
    sent_ = 0;
    state_ = State::answering;
    write();
}

// ---- answers that come later

reflow_status Later::send(HttpResponse&& response) {
    std::lock_guard lock(mutex_);
    if (guest_ == nullptr) return REFLOW_ERROR_CLOSED;
    auto carried = std::make_shared<HttpResponse>(std::move(response));
    bool posted = guest_->loop().post(
        [self = Ref<Later>::share(this), guest = Ref<Guest>::share(guest_), carried] {
            guest->replied(*self, std::move(*carried));
        });
    guest_ = nullptr;
    return posted ? REFLOW_OK : REFLOW_ERROR_CLOSED;
}

Ref<HttpReply> Guest::later() {
    if (later_ || port_->waiting_ >= port_->options_.replies) return {};
    later_ = make_ref<Later>(*this);
    ++port_->waiting_;
    return Ref<HttpReply>::share(later_.get());
}

// What it sends meanwhile stays in the socket, and that it has gone is seen when it is answered.
void Guest::wait() {
    state_ = State::waiting;
    watch_->want(false, false);
    port_->loop_->cancel(timer_);
    Ref<Guest> self = Ref<Guest>::share(this);
    timer_ = port_->loop_->after(port_->options_.reply_ns, [self] {
        self->timer_ = 0;
        HttpResponse response{504, "text/plain", "the answer took too long\n"};
        self->replied(*self->later_, std::move(response));
    });
}

void Guest::no_later() noexcept {
    if (!later_) return;
    later_->forget();
    later_ = nullptr;
    --port_->waiting_;
}

// After an answer: what came with the request, and what TLS has read already and tells nobody of.
void Guest::go_on() {
    if (state_ == State::asking) look_at_request();
    if (state_ == State::asking && channel_.secure()) readable();
}

void Guest::replied(const Later& from, HttpResponse&& response) noexcept {
    if (state_ != State::waiting || later_.get() != &from) return;
    try {
        no_later();
        deadline();
        respond(std::move(response));
        go_on();
    } catch (...) {
        end();
    }
}

bool Guest::lets_in(const HttpHead& head) const {
    return head.count("Origin") <= 1 &&
           may_come_from(head.find("Origin"), head.find("Host"), port_->options_.origins);
}

void Guest::upgrade(const HttpHead& head) {
    std::string_view key = head.find("Sec-WebSocket-Key");
    if (!port_->options_.websocket) return refuse(404, "no WebSocket here\n");
    if (head.find("Sec-WebSocket-Version") != "13") {
        return answer(426, "text/plain", "version 13 is spoken here\n", false,
                      "Sec-WebSocket-Version: 13\r\nUpgrade: websocket\r\n");
    }
    if (head.method != "GET" || !head.version_1_1 || !head.has("Connection", "Upgrade") ||
        head.find("Host").empty() || head.count("Sec-WebSocket-Key") != 1 || !is_websocket_key(key))
        return refuse(400, "not an upgrade to WebSocket\n");
    if (!lets_in(head)) return refuse(403, "pages of this origin are not let in\n");
    const bool secure = channel_.secure();
    const bool tcp = port_->options_.tcp && port_->options_.wire.negotiates &&
                     head.find(tcp_header) == "tcp";
    String words = upgrade_answer(key, tcp);
    if (tcp) return become(Form::tcp, secure ? WireScheme::tls : WireScheme::tcp, words, head.bytes);
    become(Form::ws_server, secure ? WireScheme::wss : WireScheme::ws, words, head.bytes);
}

String Guest::remote() const { return address_text(reinterpret_cast<const sockaddr*>(&from_), from_bytes_); }

// Leaves the socket to a link.
void Guest::become(Form form, WireScheme scheme, std::string_view words, std::size_t used) {
    Ref<Link> link = make_ref<Link>(port_->loop_, scheme, form, port_->options_.wire);
    link->set_remote(remote());
    WireHandler* handler = port_->handler_->accepted(*link);
    if (state_ == State::ended) {  // unlistened inside of the call
        if (handler != nullptr)
            handler->closed(*link, WIRE_GOING_AWAY, REFLOW_ERROR_CANCELLED, "the port has ended");
        return;
    }
    if (handler == nullptr) {
        if (words == tcp_mark) return end();
        return refuse(403, "refused\n");
    }
    say(words);
    Channel channel = std::move(channel_);
    Bytes early;
    early.swap(came_);
    Ref<Port> port = port_;
    end();
    link->adopt(std::move(channel), early.all().subspan(used), *handler, [port] { port->left(); });
}

void Guest::answer(std::uint16_t status, std::string_view type, std::string_view body, bool keep,
                   std::string_view extra) {
    out_ = http_answer_head(status, type, body.size(), keep, extra);
    append(out_, body);
    keep_ = keep;
    sent_ = 0;
    state_ = State::answering;
    write();
}

void Guest::write() {
    while (sent_ < out_.size()) {
        iovec part{out_.data() + sent_, out_.size() - sent_};
        std::size_t size = 0;
        int error = 0;
        Moved moved = channel_.write({&part, 1}, &size, &error);
        if (moved == Moved::again) return watch_->want(false, true);
        if (moved != Moved::some) return end();
        sent_ += size;
    }
    out_.clear();
    if (!keep_) {
        // What it still sends would be answered by a reset, which takes the answer away: it is read
        // until the other side is done, or the deadline.
        if (!channel_.secure()) shutdown(channel_.descriptor(), SHUT_WR);
        if (channel_.secure()) return end();
        state_ = State::leaving;
        watch_->want(true, false);
        return;
    }
    state_ = State::asking;
    deadline();
    watch_->want(true, false);
}

}  // namespace reflow::io
