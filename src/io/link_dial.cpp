// How a link comes about: name, address after address, TLS, upgrade.
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/text.hpp"
#include "io/address.hpp"
#include "io/link.hpp"

namespace reflow::io {

bool Link::dial(const WireAddress& to, WireHandler& handler, Ref<Resolver> resolver,
                Ref<TlsContext> tls) {
    handler_ = &handler;
    to_ = to;
    resolver_ = std::move(resolver);
    tls_ = std::move(tls);
    Ref<Link> self = Ref<Link>::share(this);
    if (loop_->post([self] {
            self->loop_->join(*self);
            self->begin();
        })) {
        return true;
    }
    handler_ = nullptr;
    return false;
}

// what is a literal.
void Link::deadline(std::uint64_t after_ns, std::string_view what) {
    loop_->cancel(timer_);
    Ref<Link> self = Ref<Link>::share(this);
    timer_ = loop_->after(after_ns, [self, what, after_ns] {
        self->timer_ = 0;
        self->end({WIRE_ABNORMAL, REFLOW_ERROR_TIMEOUT,
                   concat(self->to_.text(), ": ", what, " within ", after_ns / 1'000'000, " ms")});
    });
}

void Link::begin() {
    {
        // It may have been closed or cut before it began: the poke comes behind this.
        std::lock_guard lock(mutex_);
        if (shut_) return;
    }
    state_ = State::resolving;
    deadline(options_.connect_ns, "no connection");
    Resolved number = resolve_number(to_.host, to_.port);
    if (!number.addresses.empty()) return resolved(std::move(number));
    Ref<Link> self = Ref<Link>::share(this);
    resolver_->resolve(to_.host, to_.port, [self](Resolved names) {
        auto shared = std::make_shared<Resolved>(std::move(names));
        self->loop_->post([self, shared] { self->resolved(std::move(*shared)); });
    });
}

void Link::resolved(Resolved names) {
    if (state_ != State::resolving) return;
    if (names.addresses.empty()) {
        return end({WIRE_ABNORMAL, REFLOW_ERROR_UNRESOLVED,
                    concat("no address for '", to_.host, "': ", names.problem)});
    }
    state_ = State::connecting;
    names_ = std::move(names);
    connect_next();
}

// The next address that takes the call; the last error if there is none.
void Link::connect_next() {
    if (watch_ != nullptr) std::exchange(watch_, nullptr)->close();
    while (next_name_ < names_.addresses.size()) {
        const Address& address = names_.addresses[next_name_++];
        Channel made(
            socket(address.raw()->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        if (made.descriptor() < 0) {
            connect_error_ = errno;
            continue;
        }
        prepare_socket(made.descriptor());
        if (::connect(made.descriptor(), address.raw(), address.length) != 0 &&
            errno != EINPROGRESS) {
            connect_error_ = errno;
            continue;
        }
        channel_ = std::move(made);
        Ref<Link> self = Ref<Link>::share(this);
        watch_ = Watch::open(*loop_, channel_.descriptor(),
                             [self](bool in, bool out) { self->dial_event(in, out); });
        if (watch_ == nullptr) {
            connect_error_ = EMFILE;
            continue;
        }
        watch_->want(false, true);
        return;
    }
    reflow_status status = connect_error_ == ECONNREFUSED ? REFLOW_ERROR_REFUSED
                           : connect_error_ == ETIMEDOUT  ? REFLOW_ERROR_TIMEOUT
                                                          : REFLOW_ERROR_IO;
    end({WIRE_ABNORMAL, status,
         concat("cannot connect to ", to_.text(), ": ", error_text(connect_error_))});
}

void Link::dial_event(bool, bool) {
    Ref<Link> self = Ref<Link>::share(this);
    try {
        if (state_ == State::connecting) {
            connect_ready();
        } else if (state_ == State::securing) {
            shake();
        } else if (state_ == State::upgrading) {
            hear_hello();
        }
    } catch (...) {
        end({WIRE_ABNORMAL, REFLOW_ERROR_OUT_OF_MEMORY, {}});
    }
}

void Link::connect_ready() {
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(channel_.descriptor(), SOL_SOCKET, SO_ERROR, &error, &length);
    if (error != 0) {
        connect_error_ = error;
        return connect_next();
    }
    connected();
}

void Link::connected() {
    deadline(options_.upgrade_ns, "connected, but no handshake");
    set_remote(peer_text(channel_.descriptor()));
    if (!tls_) return say_hello();
    state_ = State::securing;
    Result<void> secured = channel_.secure_with(*tls_, false, without_zone(to_.host));
    if (!secured.ok()) return end({WIRE_ABNORMAL, secured.error().status, secured.error().message});
    shake();
}

void Link::shake() {
    Moved moved = channel_.shake();
    if (moved == Moved::again) return watch_->want(!channel_.wants_out(), channel_.wants_out());
    if (moved != Moved::some) {
        String reason = moved == Moved::end ? String("the other side ended it") : channel_.error();
        return end({WIRE_ABNORMAL, REFLOW_ERROR_PROTOCOL,
                    concat("no TLS with ", to_.text(), ": ", reason)});
    }
    say_hello();
}

// The first words are few, and the socket is empty: it takes them at once.
void Link::say_hello() {
    state_ = State::upgrading;
    String words(tcp_mark);
    if (form_ == Form::ws_client) {
        key_ = websocket_key();
        words = upgrade_request(host_and_port(without_zone(to_.host), to_.port), to_.path, key_,
                                to_.any_form && options_.negotiates);
    }
    iovec part{words.data(), words.size()};
    std::size_t size = 0;
    int error = 0;
    Moved moved = channel_.write({&part, 1}, &size, &error);
    if (moved != Moved::some || size != words.size())
        return end({WIRE_ABNORMAL, REFLOW_ERROR_IO,
                    concat("cannot write to ", to_.text(), ": ", error_text(error))});
    watch_->want(true, false);
    if (channel_.secure()) hear_hello();
}

void Link::hear_hello() {
    iovec part{loop_->scratch(), http_head_bytes};
    std::size_t size = 0;
    Moved moved = channel_.read({&part, 1}, &size);
    if (moved == Moved::again) return;
    // Somebody who ends it without a word does not want us.
    if (moved != Moved::some) {
        return end({WIRE_ABNORMAL, REFLOW_ERROR_REFUSED,
                    concat(to_.text(), " ended the connection before the upgrade")});
    }
    bytes_in_.store(bytes_in_.load(std::memory_order_relaxed) + size, std::memory_order_relaxed);
    rest_.append(loop_->scratch(), size);
    std::size_t used = 0;
    if (!check_hello(rest_.all(), &used)) return;
    Bytes early;
    early.swap(rest_);
    open_now();
    if (state_ == State::ended) return;
    dispatching_ = true;
    feed(early.data() + used, early.size() - used);
    if (channel_.secure() && state_ != State::ended) readable();
    dispatching_ = false;
    written();
}

// False if more has to come, or it has ended.
bool Link::check_hello(std::span<std::byte> bytes, std::size_t* used) {
    std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    auto wrong = [&](reflow_status status, std::string_view what) {
        end({WIRE_ABNORMAL, status, concat(to_.text(), ": ", what)});
        return false;
    };
    if (form_ == Form::tcp) {
        std::string_view begin = text.substr(0, tcp_mark.size());
        if (begin != tcp_mark.substr(0, begin.size()))
            return wrong(REFLOW_ERROR_PROTOCOL, "does not speak our frames");
        *used = tcp_mark.size();
        return begin.size() == tcp_mark.size();
    }
    HttpHead answer;
    switch (read_http_answer(text, answer)) {
        case HttpRead::more:
            return false;
        case HttpRead::wrong:
            return wrong(REFLOW_ERROR_PROTOCOL, "does not speak HTTP");
        case HttpRead::too_large:
            return wrong(REFLOW_ERROR_PROTOCOL, "the head of its answer is too long");
        case HttpRead::done:
            break;
    }
    if (answer.status != 101) {
        return wrong(answer.status >= 300 ? REFLOW_ERROR_REFUSED : REFLOW_ERROR_PROTOCOL,
                     concat("does not upgrade: ", answer.status_text));
    }
    std::string_view problem = wrong_in_upgrade(answer, key_);
    if (!problem.empty()) return wrong(REFLOW_ERROR_PROTOCOL, problem);
    if (to_.any_form && options_.negotiates && answer.find(tcp_header) == "tcp") take_tcp_form();
    *used = answer.bytes;
    return true;
}

// Both have agreed on it in the upgrade. What was sent before that and waits is given the other form.
void Link::take_tcp_form() {
    scheme_.store(channel_.secure() ? WireScheme::tls : WireScheme::tcp,
                  std::memory_order_relaxed);
    std::lock_guard lock(mutex_);
    form_ = Form::tcp;
    std::size_t queued = 0;
    for (Piece& piece : queue_) {
        std::uint8_t mask[4];
        std::memcpy(mask, piece.head + piece.head_bytes - sizeof mask, sizeof mask);
        apply_mask(piece.body.data(), piece.body.size(), mask);
        Kind kind = static_cast<Kind>(piece.head[0] & 0x0f);
        piece.head_bytes = static_cast<std::uint8_t>(
            write_head(form_, kind, piece.body.size(), mask, piece.head));
        queued += piece.size();
    }
    queued_.store(queued, std::memory_order_relaxed);
}

}  // namespace reflow::io
