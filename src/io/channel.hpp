// A connected socket, in the clear or under TLS. Neighbours: links and ports. Thread: on the loop,
// and a plain write by whoever has the right to write.
#pragma once

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <memory>
#include <span>
#include <utility>

#include "base/memory.hpp"
#include "base/result.hpp"
#include "io/wire.hpp"

struct ssl_st;
struct ssl_ctx_st;

namespace reflow::io {

// Certificates and whom to trust, made once for a listener or a dial.
class TlsContext : public RefCounted<TlsContext> {
public:
    ~TlsContext();
    // REFLOW_ERROR_IO with the file that cannot be used.
    static Result<Ref<TlsContext>> create(const TlsOptions& options, bool server);
    [[nodiscard]] ssl_ctx_st* raw() noexcept { return context_; }
    [[nodiscard]] bool verify() const noexcept { return verify_; }

private:
    ssl_ctx_st* context_ = nullptr;
    bool verify_ = true;
};

enum class Moved : std::uint8_t { some, again, end, failed };

class Channel {
public:
    Channel() noexcept = default;
    explicit Channel(int descriptor) noexcept : descriptor_(descriptor) {}
    Channel(Channel&& other) noexcept { swap(other); }
    Channel& operator=(Channel&& other) noexcept {
        swap(other);
        return *this;
    }
    ~Channel() { close(); }
    void close() noexcept;
    // The descriptor is the caller's from now on; not under TLS.
    [[nodiscard]] int release() noexcept { return std::exchange(descriptor_, -1); }
    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
    [[nodiscard]] bool secure() const noexcept { return ssl_ != nullptr; }

    // From here on all goes through TLS. host: whose certificate the server has to show.
    Result<void> secure_with(TlsContext& context, bool server, std::string_view host);
    // some: the handshake is done. again: wants_out() tells what it waits for.
    Moved shake() noexcept;
    [[nodiscard]] bool wants_out() const noexcept { return wants_out_; }

    // How many bytes is in *size if some. What failed is in error().
    Moved read(std::span<iovec> into, std::size_t* size) noexcept;
    Moved write(std::span<const iovec> from, std::size_t* size, int* error) noexcept;
    // The other side reads the end once it has read all; what it sends can still be read. Nothing
    // happens if TLS has no room for its goodbye.
    void finish() noexcept;
    // How long nothing has come from there, not even that what was written has; 0 where the system does not tell.
    [[nodiscard]] std::uint64_t unheard_ns() const noexcept;
    // What the last read or shake failed by.
    [[nodiscard]] String error() const;

private:
    void swap(Channel& other) noexcept;
    Moved read_secure(std::span<iovec> into, std::size_t* size) noexcept;
    Moved write_secure(std::span<const iovec> from, std::size_t* size, int* error) noexcept;
    Moved judge(int result) noexcept;

    int descriptor_ = -1;
    int error_ = 0;
    unsigned long tls_error_ = 0;
    ssl_st* ssl_ = nullptr;
    bool wants_out_ = false;
};

// ---- sockets

[[nodiscard]] String error_text(int number);
// "127.0.0.1:9100", "[::1]:9100"
[[nodiscard]] String address_text(const sockaddr* address, unsigned length);
[[nodiscard]] String peer_text(int descriptor);
// No delay for small writes, closed on exec, never waiting.
void prepare_socket(int descriptor) noexcept;

}  // namespace reflow::io
