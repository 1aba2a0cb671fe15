// Reads and writes that never wait and never raise SIGPIPE: MSG_NOSIGNAL in the clear; under TLS
// only the loop writes, whose thread has all signals blocked.
#include "io/channel.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/text.hpp"
#include "io/crypto.hpp"

namespace reflow::io {
namespace {

// strerror_r has two forms, told apart by what it returns: GNU's text, POSIX's number.
[[maybe_unused]] const char* reason_of(const char* text, const char*) noexcept { return text; }
[[maybe_unused]] const char* reason_of(int failed, const char* buffer) noexcept {
    return failed == 0 ? buffer : "unknown error";
}

String tls_text(unsigned long number) {
    char text[256] = "";
    const char* reason = ERR_reason_error_string(number);
    if (reason != nullptr) return String(reason);
    ERR_error_string_n(number, text, sizeof text);
    return String(text);
}

Failure tls_failure(std::string_view what, const String& file) {
    // The first is the cause; that of a file which cannot be read is the system's.
    unsigned long number = ERR_peek_error();
    ERR_clear_error();
    String why = ERR_GET_LIB(number) == ERR_LIB_SYS ? error_text(ERR_GET_REASON(number))
                                                    : tls_text(number);
    return Failure(REFLOW_ERROR_IO, concat("cannot use ", what, ": ", why)).file(file);
}

}  // namespace

String error_text(int number) {
    char buffer[256] = "";
    String text(reason_of(strerror_r(number, buffer, sizeof buffer), buffer));
    if (text.size() > 1 && text[0] >= 'A' && text[0] <= 'Z' && !(text[1] >= 'A' && text[1] <= 'Z'))
        text[0] = static_cast<char>(text[0] - 'A' + 'a');
    return text;
}

String address_text(const sockaddr* address, unsigned length) {
    char host[NI_MAXHOST] = "";
    char port[NI_MAXSERV] = "";
    if (getnameinfo(address, length, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        return {};
    }
    bool six = std::strchr(host, ':') != nullptr;
    return concat(six ? "[" : "", std::string_view(host), six ? "]:" : ":", std::string_view(port));
}

String peer_text(int descriptor) {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    auto* plain = reinterpret_cast<sockaddr*>(&address);
    if (getpeername(descriptor, plain, &length) != 0) return {};
    return address_text(plain, length);
}

void prepare_socket(int descriptor) noexcept {
    int one = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK);
}

// ---- contexts

Result<Ref<TlsContext>> TlsContext::create(const TlsOptions& options, bool server) {
    Ref<TlsContext> made = make_ref<TlsContext>();
    begin_crypto();
    SSL_CTX* context = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
    if (context == nullptr) return Failure(REFLOW_ERROR_OUT_OF_MEMORY, "no memory for TLS");
    made->context_ = context;
    made->verify_ = options.verify;
    ERR_clear_error();  // of others on this thread
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
    // Nobody is asked for a pass phrase.
    SSL_CTX_set_default_passwd_cb(context, [](char*, int, int, void*) { return -1; });
    if (!options.certificate_file.empty()) {
        if (SSL_CTX_use_certificate_chain_file(context, options.certificate_file.c_str()) != 1)
            return tls_failure("the certificate", options.certificate_file);
        const String& key = options.key_file.empty() ? options.certificate_file : options.key_file;
        if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1)
            return tls_failure("the key", key);
    } else if (server) {
        return Failure(REFLOW_ERROR_INVALID_ARGUMENT, "a port with TLS needs a certificate");
    }
    // Those that are trusted are for what is dialled: who dials here proves itself with the token.
    if (server) return made;
    if (!options.ca_file.empty()) {
        if (SSL_CTX_load_verify_locations(context, options.ca_file.c_str(), nullptr) != 1)
            return tls_failure("the certificates to trust", options.ca_file);
    } else if (options.verify) {
        SSL_CTX_set_default_verify_paths(context);
    }
    SSL_CTX_set_verify(context, options.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
    return made;
}

TlsContext::~TlsContext() { SSL_CTX_free(context_); }

// ---- channels

void Channel::swap(Channel& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    std::swap(error_, other.error_);
    std::swap(tls_error_, other.tls_error_);
    std::swap(ssl_, other.ssl_);
    std::swap(wants_out_, other.wants_out_);
}

void Channel::close() noexcept {
    if (ssl_ != nullptr) {
        if (SSL_is_init_finished(ssl_) != 0) SSL_shutdown(ssl_);
        SSL_free(ssl_);
        ERR_clear_error();
        ssl_ = nullptr;
    }
    if (descriptor_ < 0) return;
    // What waits here unread would make the system end the connection with a reset, which takes away
    // what the other side has not read yet, such as our close frame. It is thrown away, a mebibyte of
    // it at most.
    char waste[16 * 1024];
    for (int round = 0; round < 64; ++round) {
        if (recv(descriptor_, waste, sizeof waste, MSG_DONTWAIT) <= 0) break;
    }
    ::close(std::exchange(descriptor_, -1));
}

void Channel::finish() noexcept {
    if (descriptor_ < 0) return;
    // Without room for its goodbye TLS would call an end cut off; that is left to close() then.
    if (ssl_ != nullptr && (SSL_is_init_finished(ssl_) == 0 || SSL_shutdown(ssl_) < 0))
        return ERR_clear_error();
    shutdown(descriptor_, SHUT_WR);
}

Result<void> Channel::secure_with(TlsContext& context, bool server, std::string_view host) {
    ssl_ = SSL_new(context.raw());
    if (ssl_ == nullptr || SSL_set_fd(ssl_, descriptor_) != 1)
        return Failure(REFLOW_ERROR_OUT_OF_MEMORY, "no memory for TLS");
    if (server) {
        SSL_set_accept_state(ssl_);
        return {};
    }
    SSL_set_connect_state(ssl_);
    String name(host);
    X509_VERIFY_PARAM* expected = SSL_get0_param(ssl_);
    // A number has to stand in the certificate as a number.
    bool number = X509_VERIFY_PARAM_set1_ip_asc(expected, name.c_str()) == 1;
    if (!number) {
        SSL_ctrl(ssl_, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data());
        if (context.verify()) SSL_set1_host(ssl_, name.c_str());
    }
    ERR_clear_error();
    return {};
}

// What an SSL_ call without success means.
Moved Channel::judge(int result) noexcept {
    error_ = errno;
    int kind = SSL_get_error(ssl_, result);
    wants_out_ = kind == SSL_ERROR_WANT_WRITE;
    if (kind == SSL_ERROR_WANT_READ || wants_out_) return Moved::again;
    if (kind == SSL_ERROR_ZERO_RETURN) return Moved::end;
    tls_error_ = ERR_peek_error();
    ERR_clear_error();
    // Cut off without a word of TLS: the frames tell whether it was the end.
    if (ERR_GET_REASON(tls_error_) == SSL_R_UNEXPECTED_EOF_WHILE_READING) return Moved::end;
    if (tls_error_ == 0 && error_ == 0) return Moved::end;
    return Moved::failed;
}

Moved Channel::shake() noexcept {
    ERR_clear_error();
    errno = 0;
    int result = SSL_do_handshake(ssl_);
    return result == 1 ? Moved::some : judge(result);
}

std::uint64_t Channel::unheard_ns() const noexcept {
#if defined(__linux__)
    constexpr std::uint64_t ms = 1'000'000;
    tcp_info now{};
    socklen_t size = sizeof now;
    if (getsockopt(descriptor_, IPPROTO_TCP, TCP_INFO, &now, &size) != 0) return 0;
    return std::min(now.tcpi_last_data_recv, now.tcpi_last_ack_recv) * ms;
#else
    return 0;
#endif
}

String Channel::error() const {
    if (tls_error_ == 0) return error_text(error_);
    if (ssl_ != nullptr && SSL_get_verify_result(ssl_) != X509_V_OK)
        return concat("certificate: ",
                      std::string_view(X509_verify_cert_error_string(SSL_get_verify_result(ssl_))));
    return tls_text(tls_error_);
}

Moved Channel::read(std::span<iovec> into, std::size_t* size) noexcept {
    if (ssl_ != nullptr) return read_secure(into, size);
    ssize_t got = 0;
    do {
        // The call for one part costs the system less than that for several.
        got = into.size() == 1 ? recv(descriptor_, into[0].iov_base, into[0].iov_len, 0)
                               : readv(descriptor_, into.data(), static_cast<int>(into.size()));
    } while (got < 0 && errno == EINTR);
    if (got > 0) {
        *size = static_cast<std::size_t>(got);
        return Moved::some;
    }
    if (got == 0) return Moved::end;
    error_ = errno;
    return error_ == EAGAIN || error_ == EWOULDBLOCK ? Moved::again : Moved::failed;
}

Moved Channel::read_secure(std::span<iovec> into, std::size_t* size) noexcept {
    *size = 0;
    for (iovec& part : into) {
        std::size_t filled = 0;
        while (filled < part.iov_len) {
            ERR_clear_error();
            errno = 0;
            int room = static_cast<int>(std::min<std::size_t>(part.iov_len - filled, 1 << 30));
            int got = SSL_read(ssl_, static_cast<char*>(part.iov_base) + filled, room);
            if (got <= 0) return *size > 0 ? Moved::some : judge(got);
            filled += static_cast<std::size_t>(got);
            *size += static_cast<std::size_t>(got);
        }
    }
    return Moved::some;
}

namespace {

// All parts one behind the other, if they are few and fit: one part costs the system less than two.
// Their size, or 0.
template <std::size_t room>
std::size_t join(std::span<const iovec> parts, char (&to)[room]) noexcept {
    if (parts.size() > 4) return 0;
    std::size_t size = 0;
    for (const iovec& part : parts) {
        if (part.iov_len > room - size) return 0;
        std::memcpy(to + size, part.iov_base, part.iov_len);
        size += part.iov_len;
    }
    return size;
}

}  // namespace

Moved Channel::write(std::span<const iovec> from, std::size_t* size, int* error) noexcept {
    if (ssl_ != nullptr) return write_secure(from, size, error);
    constexpr int how = MSG_NOSIGNAL | MSG_DONTWAIT;
    constexpr std::size_t small_bytes = 512;
    char small[small_bytes];
    std::size_t bytes = join(from, small);
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(from.data());
    message.msg_iovlen = from.size();
    ssize_t sent = 0;
    do {
        sent = bytes > 0 ? send(descriptor_, small, bytes, how)
                         : sendmsg(descriptor_, &message, how);
    } while (sent < 0 && errno == EINTR);
    if (sent >= 0) {
        *size = static_cast<std::size_t>(sent);
        return Moved::some;
    }
    *error = errno;
    return *error == EAGAIN || *error == EWOULDBLOCK ? Moved::again : Moved::failed;
}

// A record holds 16 KiB at most: small parts share one.
Moved Channel::write_secure(std::span<const iovec> from, std::size_t* size, int* error) noexcept {
    char record[16 * 1024];
    std::size_t filled = 0;
    for (const iovec& part : from) {
        std::size_t take = std::min(part.iov_len, sizeof record - filled);
        std::memcpy(record + filled, part.iov_base, take);
        filled += take;
        if (filled == sizeof record) break;
    }
    ERR_clear_error();
    errno = 0;
    int sent = SSL_write(ssl_, record, static_cast<int>(filled));
    if (sent > 0) {
        *size = static_cast<std::size_t>(sent);
        return Moved::some;
    }
    Moved moved = judge(sent);
    *error = error_ != 0 ? error_ : EPIPE;
    return moved == Moved::end ? Moved::failed : moved;
}

}  // namespace reflow::io
