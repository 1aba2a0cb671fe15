// Wires: links that carry whole frames between processes, over WebSocket (ws, wss) or plain TCP
// (tcp, tls), and the port that serves both and HTTP. Neighbours: peer. Thread: see each class.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "base/memory.hpp"
#include "base/ref.hpp"
#include "base/result.hpp"
#include "io/thread_hooks.hpp"

namespace reflow::io {

enum class WireScheme : std::uint8_t { ws, wss, tcp, tls };

// Where a wire leads: "ws://host:port/path", "tcp://[::1]:9100"; without a scheme it is ws.
struct WireAddress {
    WireScheme scheme = WireScheme::ws;
    String host;  // a name or a number, an IPv6 one without brackets
    std::uint16_t port = 0;
    String path;  // "/" unless the text says else; of ws and wss alone
    bool any_form = false;  // the text had no scheme: frames take the form of tcp if both sides can
    // REFLOW_ERROR_INVALID_ARGUMENT with the place.
    static Result<WireAddress> parse(std::string_view text);
    [[nodiscard]] String text() const;
};

struct TlsOptions {
    String certificate_file;  // PEM; of a listener, or of a client that has to show one
    String key_file;
    String ca_file;  // whom to trust instead of the system
    bool verify = true;
};

struct WireOptions {
    std::uint64_t connect_ns = 5'000'000'000;  // to reach the other side
    std::uint64_t upgrade_ns = 5'000'000'000;  // until frames can be sent: TLS and upgrade included
    std::uint64_t send_ns =
        30'000'000'000;  // what waits and does not move for so long ends the wire
    std::size_t frame_bytes = std::size_t{64}
                              << 20;  // of one frame that comes, all its parts together
    std::size_t queue_bytes = std::size_t{64}
                              << 20;  // that send() takes in and nobody has written yet
    // Of a dial without a scheme, and of a port: the upgrade to WebSocket may lead to the form of tcp
    // instead, on the same socket, if both sides say that they know it.
    bool negotiates = true;
    TlsOptions tls;
};

// Why a wire has ended, beside its status and text: codes of WebSocket, which tcp carries too.
enum WireCode : std::uint16_t {
    WIRE_NORMAL = 1000,
    WIRE_GOING_AWAY = 1001,
    WIRE_PROTOCOL = 1002,
    WIRE_NO_CODE = 1005,   // the other side told none
    WIRE_ABNORMAL = 1006,  // cut off
    WIRE_TOO_LARGE = 1009,
};

class Wire;

// What is told of a wire, on the thread of the host of wires, one call at a time for all wires and
// ports of that host. Nothing comes after closed().
class WireHandler {
public:
    virtual ~WireHandler() = default;
    // Frames can be sent. Of an accepted wire, called right after accept.
    virtual void opened(Wire& wire) = 0;
    // A whole frame; the memory is the caller's. text: it came as such (tcp has both kinds too).
    virtual void received(Wire& wire, std::span<const std::byte> frame, bool text) = 0;
    // The other side has closed it in order: what is sent before this returns goes in front of the answer, and is
    // the last that it hears.
    virtual void closing(Wire& /*wire*/) {}
    // There was a moment when all that send() took in had been written to the socket. Follows every
    // send() that left its frame in the queue or answered REFLOW_ERROR_WOULD_BLOCK; many share one.
    // A send() that has written its frame by itself is not told of: queued_bytes() is 0 after it.
    virtual void drained(Wire& wire) = 0;
    // A ping with that number has been answered, or somebody says so.
    virtual void ponged(Wire& /*wire*/, std::uint64_t /*number*/) {}
    // It has ended, or could not be opened; status: REFLOW_OK if either side closed it in order,
    // REFLOW_ERROR_REFUSED, _TIMEOUT, _UNRESOLVED, _IO, _PROTOCOL, _LIMIT (names as in reflow.h),
    // and _CANCELLED after cut() or the end of the host. What the other side closed by 1002, 1003,
    // 1007 is _PROTOCOL, by 1009 _LIMIT, by any other code REFLOW_OK.
    virtual void closed(Wire& wire, std::uint16_t code, reflow_status status,
                        std::string_view reason) = 0;
};

// One link. References are counted; whoever has one may call from any thread.
class Wire : public Allocated {
public:
    virtual void ref() noexcept = 0;
    virtual void unref() noexcept = 0;
    // Queues a frame behind those before it; many small ones go in one write. Before opened() too:
    // they wait then. REFLOW_ERROR_CLOSED, REFLOW_ERROR_LIMIT beyond 4 GiB on tcp, or
    // REFLOW_ERROR_WOULD_BLOCK: the queue is full. The frame is untouched then. A frame larger than
    // queue_bytes is taken if the queue is empty.
    virtual reflow_status send(String&& frame, bool text) = 0;
    // The ping of the frames themselves, which every other side answers, whatever it makes of frames; it waits behind
    // what is queued. As send().
    virtual reflow_status ping(std::uint64_t /*number*/) { return REFLOW_ERROR_UNSUPPORTED; }
    // In order: what is queued is written first, for at most the time of send_ns. closed() follows. With
    // WIRE_NORMAL and WIRE_GOING_AWAY received() goes on until the other side has answered, with any other code it
    // does not come any more. Before opened() it ends at once.
    virtual void close(std::uint16_t code, std::string_view reason) = 0;
    // At once.
    virtual void cut() noexcept = 0;
    // A frame that comes and is larger ends the wire; never more than frame_bytes of the options. On
    // the thread of the host; frames behind the one that is being told of are held to it already.
    virtual void limit(std::size_t /*frame_bytes*/) noexcept {}
    // Reading stops until it is wanted again, so that the other side has to wait.
    virtual void read(bool wanted) noexcept = 0;
    [[nodiscard]] virtual std::size_t queued_bytes() const noexcept = 0;
    // How long the system has heard nothing of the other side's, not even that it has got what was written; also
    // while nothing is read. 0 where the system does not know. On the thread of the host.
    [[nodiscard]] virtual std::uint64_t unheard_ns() const noexcept { return 0; }
    [[nodiscard]] virtual std::uint64_t bytes_in() const noexcept = 0;
    [[nodiscard]] virtual std::uint64_t bytes_out() const noexcept = 0;
    [[nodiscard]] virtual WireScheme scheme() const noexcept = 0;
    // "127.0.0.1:9100" of the other side; empty until it is reached.
    [[nodiscard]] virtual String remote() const = 0;
    // An empty text to make a frame in, which may have the room of one that was written.
    [[nodiscard]] virtual String spare() noexcept { return {}; }
    // How many frames were handed to send() and have been written to the socket.
    [[nodiscard]] virtual std::uint64_t frames_written() const noexcept = 0;

protected:
    ~Wire() = default;
};

struct HttpResponse {
    std::uint16_t status = 200;
    String content_type = "application/json";
    String body;
    std::string_view allow{};  // of 405: the methods; lives as long as the program
};

// The place of an answer that comes later, once, from any thread. References are counted.
class HttpReply : public Allocated {
public:
    virtual void ref() noexcept = 0;
    virtual void unref() noexcept = 0;
    // REFLOW_ERROR_CLOSED if nobody waits for it: the connection or the port has ended, it took too
    // long, or there was an answer before.
    virtual reflow_status send(HttpResponse&& response) = 0;

protected:
    ~HttpReply() = default;
};

// Whom a request is from, during the call of its handler.
class HttpAsker {
public:
    // The answer comes later; what the handler returns is not looked at then. NULL: too many wait.
    virtual Ref<HttpReply> later() = 0;

protected:
    ~HttpAsker() = default;
};

struct HttpRequest {
    std::string_view method, path, query, body, content_type, authorization;
    bool foreign = false;  // of a page that may_come_from() refuses
    HttpAsker* asker = nullptr;  // NULL: nobody can wait, it is answered by what is returned
};

// What a port does with who comes. On the thread of the host of wires: nobody else is served
// meanwhile.
class PortHandler {
public:
    virtual ~PortHandler() = default;
    // Who shall hear of a wire that has been accepted: NULL refuses it. It lives until closed().
    virtual WireHandler* accepted(Wire& wire) = 0;
    virtual HttpResponse request(const HttpRequest& request) = 0;
    // Who came and did not get through the handshake of TLS.
    virtual void not_secured(std::string_view /*remote*/, std::string_view /*reason*/) {}
};

struct PortOptions {
    WireOptions wire;
    std::uint32_t connections = 1024;  // at once, all kinds together
    std::size_t http_body_bytes = 1 << 20;
    std::uint64_t first_bytes_ns = 5'000'000'000;  // until a whole request, or a mark, has come
    std::uint64_t reply_ns = 30'000'000'000;       // until a request that is answered later gets 504
    std::uint32_t replies = 64;                    // that are waited for at once
    bool websocket = true, tcp = true, http = true;
    Vector<String> origins;  // see may_come_from(): pages that are let in; "*": all
};

// Whether this is a thread that peers need, or stands in for one now: that of a host of wires, without
// which no link moves, and others that their end waits for. It must not wait for a link, or an end.
[[nodiscard]] bool on_thread_of_peers() noexcept;
// The calling thread is one from now on.
void be_thread_of_peers() noexcept;

// The thread that owns all sockets, started with the first use. Thread: any.
class WireHost {
public:
    // Says goodbye to what is open (1001), tells closed() of all, waits for the threads, and for
    // names that the system is looking up. Not inside of a callback.
    virtual ~WireHost() = default;
    struct Options {
        std::function<void(reflow_log_level level, std::string_view text)> log;
        ThreadHooks threads{};
    };
    static Result<std::unique_ptr<WireHost>> create(Options options);

    // One port serves wires of all schemes and HTTP, told apart by their first bytes. port 0: a
    // free one, told in *bound. REFLOW_ERROR_IO with the address. The handler outlives unlisten().
    virtual Result<std::uint64_t> listen(std::string_view address, std::uint16_t port,
                                         const PortOptions& options, PortHandler& handler,
                                         std::uint16_t* bound) = 0;
    // Nobody new comes when this returns; accepted wires live on.
    virtual void unlisten(std::uint64_t listener) = 0;
    // Resolves, connects, upgrades. opened() or closed() follows.
    virtual Result<Ref<Wire>> dial(const WireAddress& to, const WireOptions& options,
                                   WireHandler& handler) = 0;
    // A callback on the libuv thread, once after so long, or soon. Returns its number.
    virtual std::uint64_t after(std::uint64_t delay_ns, std::function<void()> call) = 0;
    // It does not run any more when this returns, unless this is called from inside it.
    virtual void cancel(std::uint64_t timer) noexcept = 0;
    // Calls of handlers that had begun have returned when this returns, unless this is called from
    // inside one: who has no wires, ports and timers any more is not called again.
    virtual void settle() = 0;
};

}  // namespace reflow::io
