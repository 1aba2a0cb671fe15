// The peer "lws": the shapes of links over WebSocket with bare libwebsockets, a server in a process of its own
// and a client; a frame for each message, and for round trips a server that sends back what it gets.
#include <libwebsockets.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <vector>

#include "contender.hpp"
#include "pin.hpp"

namespace bench {
namespace {

void must(bool fine, const char* what) {
    if (fine) return;
    std::fprintf(stderr, "lws: %s\n", what);
    std::exit(1);
}

struct Told {
    std::int64_t count = 0, sum = 0;
    std::uint64_t last = 0;
};

// One side, and what its callbacks have seen. Room for the head of a frame stands in front of its bytes.
struct Side {
    explicit Side(const Call& what)
        : call(what),
          size(what.size == 0 ? sizeof(std::int64_t) : static_cast<std::size_t>(what.size)),
          frame(LWS_PRE + size, 1) {}
    [[nodiscard]] unsigned char* bytes() { return frame.data() + LWS_PRE; }
    const Call& call;
    const std::size_t size;
    std::vector<unsigned char> frame;
    std::size_t have = 0;  // of the message that comes
    bool answers = false;
    bool over = false;
    Told told;
    // Of a client.
    std::int64_t next = 0;
    bool rounds = false;
    std::uint64_t begin = 0, sent = 0;
    std::vector<std::uint64_t> samples;
};

Side& side_of(lws* wsi) { return *static_cast<Side*>(lws_context_user(lws_get_context(wsi))); }

// Whether a whole message has come, the last bytes of which are these.
bool gather(Side& side, lws* wsi, const void* in, std::size_t length) {
    const std::size_t kept = std::min(length, side.size - std::min(side.size, side.have));
    std::memcpy(side.bytes() + std::min(side.have, side.size), in, kept);
    side.have += length;
    if (!lws_is_final_fragment(wsi) || lws_remaining_packet_payload(wsi) != 0) return false;
    must(side.have == side.size, "a message of another size");
    side.have = 0;
    ++side.told.count;
    std::int64_t value = 0;
    std::memcpy(&value, side.bytes(), sizeof value);
    side.told.sum += side.call.size == 0
                         ? value
                         : side.call.size + static_cast<std::int64_t>(side.bytes()[side.size - 1]);
    return true;
}

int put(Side& side, lws* wsi) {
    int put = lws_write(wsi, side.bytes(), side.size, LWS_WRITE_BINARY);
    return put < static_cast<int>(side.size) ? -1 : 0;
}

int send_next(Side& side, lws* wsi) {
    if (side.next == side.call.n) return 0;
    if (side.next == 0) side.begin = now_ns();
    // A client masks in place: what was sent is not there any more.
    if (side.call.size == 0) std::memcpy(side.bytes(), &side.next, sizeof side.next);
    if (side.call.size != 0) std::memset(side.bytes(), 1, side.size);
    ++side.next;
    side.sent = now_ns();
    if (put(side, wsi) != 0) return -1;
    if (!side.rounds) lws_callback_on_writable(wsi);
    return 0;
}

int call(lws* wsi, lws_callback_reasons reason, void*, void* in, std::size_t length) {
    switch (reason) {
        case LWS_CALLBACK_RECEIVE: {
            Side& side = side_of(wsi);
            if (!gather(side, wsi, in, length)) return 0;
            if (side.answers) return lws_callback_on_writable(wsi) < 0 ? -1 : 0;
            side.over = side.told.count == side.call.n;
            return 0;
        }
        case LWS_CALLBACK_SERVER_WRITEABLE:
            return put(side_of(wsi), wsi);
        case LWS_CALLBACK_CLIENT_ESTABLISHED:
            lws_callback_on_writable(wsi);
            return 0;
        case LWS_CALLBACK_CLIENT_WRITEABLE:
            return send_next(side_of(wsi), wsi);
        case LWS_CALLBACK_CLIENT_RECEIVE: {
            Side& side = side_of(wsi);
            if (!gather(side, wsi, in, length)) return 0;
            side.samples.push_back(now_ns() - side.sent);
            side.over = side.next == side.call.n;
            if (!side.over) lws_callback_on_writable(wsi);
            return 0;
        }
        case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
            must(false, "cannot connect");
            return 0;
        default:
            return 0;
    }
}

const lws_protocols protocols[] = {{"bench", call, 0, 64 * 1024, 0, nullptr, 0},
                                   {nullptr, nullptr, 0, 0, 0, nullptr, 0}};

lws_context* context_for(Side& side, int port) {
    lws_set_log_level(LLL_ERR, nullptr);
    lws_context_creation_info info{};
    info.port = port;
    info.iface = port == CONTEXT_PORT_NO_LISTEN ? nullptr : "127.0.0.1";
    info.protocols = protocols;
    info.user = &side;
    info.vhost_name = "bench";
    lws_context* made = lws_create_context(&info);
    must(made != nullptr, "no context");
    return made;
}

[[noreturn]] void serve(const Call& call, bool answers, int to) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    Side side(call);
    side.answers = answers;
    lws_context* context = context_for(side, 0);
    int port = lws_get_vhost_listen_port(lws_get_vhost_by_name(context, "bench"));
    must(port > 0 && write(to, &port, sizeof port) == sizeof port, "no port");
    while (!side.over) lws_service(context, 0);
    side.told.last = now_ns();
    _exit(write(to, &side.told, sizeof side.told) == sizeof side.told ? 0 : 1);
}

lws_context* connect(Side& side, int port) {
    lws_context* context = context_for(side, CONTEXT_PORT_NO_LISTEN);
    lws_client_connect_info info{};
    info.context = context;
    info.address = info.host = info.origin = "127.0.0.1";
    info.port = port;
    info.path = "/";
    info.protocol = info.local_protocol_name = "bench";
    must(lws_client_connect_via_info(&info) != nullptr, "cannot dial");
    return context;
}

int run_links(const Call& call, bool rounds) {
    const Sides sides(call);
    int pipes[2];
    if (pipe(pipes) != 0) return 1;
    pid_t child = fork();
    if (child == 0) {
        sides.be_server();
        serve(call, rounds, pipes[1]);
    }
    sides.be_client();
    int port = 0;
    if (read(pipes[0], &port, sizeof port) != sizeof port) return 1;
    Side side(call);
    side.rounds = rounds;
    lws_context* context = connect(side, port);
    while (rounds ? !side.over : side.next != call.n) lws_service(context, 0);
    if (rounds) {
        std::uint64_t took = now_ns() - side.begin;
        kill(child, SIGKILL);
        waitpid(child, nullptr, 0);
        return Answer()
            .add("ns", took)
            .add("count", call.n)
            .add("sum", call.n)
            .add("p50", median(std::move(side.samples)))
            .print();
    }
    // What libwebsockets has kept back goes on meanwhile.
    Told told;
    fd_set set;
    for (;;) {
        FD_ZERO(&set);
        FD_SET(pipes[0], &set);
        timeval none{0, 0};
        if (select(pipes[0] + 1, &set, nullptr, nullptr, &none) > 0) break;
        lws_service(context, -1);
    }
    if (read(pipes[0], &told, sizeof told) != sizeof told) return 1;
    waitpid(child, nullptr, 0);
    return answer(told.last - side.begin, told.count, told.sum);
}

int run(const Call& call) {
    if (call.shape == "link-ws") return run_links(call, false);
    if (call.shape == "link-rtt-ws") return run_links(call, true);
    return UNSUPPORTED;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::run(bench::read_call(argc, argv)); }
