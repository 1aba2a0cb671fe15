// The peer "zeromq": the shapes of links with PUSH and PULL, and PAIR for round trips, between two
// processes over TCP. Integers are messages of eight bytes; ZeroMQ puts them into batches itself.
#include <sys/prctl.h>
#include <sys/wait.h>
#include <zmq.h>

#include <csignal>
#include <cstring>

#include "contender.hpp"
#include "pin.hpp"

namespace bench {
namespace {

constexpr int WAITING = 4096;  // messages, as the window of a link

void must(bool fine, const char* what) {
    if (fine) return;
    std::fprintf(stderr, "%s: %s\n", what, zmq_strerror(zmq_errno()));
    std::exit(1);
}

struct Told {
    std::int64_t count = 0, sum = 0;
    std::uint64_t last = 0;
};

// A socket that is bound to a free port of the loopback; its endpoint.
void* bound(void* context, int type, char endpoint[64]) {
    void* socket = zmq_socket(context, type);
    zmq_setsockopt(socket, ZMQ_RCVHWM, &WAITING, sizeof WAITING);
    must(zmq_bind(socket, "tcp://127.0.0.1:*") == 0, "bind");
    std::size_t size = 64;
    must(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &size) == 0, "endpoint");
    return socket;
}

void* connected(void* context, int type, const char* endpoint) {
    void* socket = zmq_socket(context, type);
    zmq_setsockopt(socket, ZMQ_SNDHWM, &WAITING, sizeof WAITING);
    must(zmq_connect(socket, endpoint) == 0, "connect");
    return socket;
}

Told receive(void* socket, const Call& call) {
    Told told;
    zmq_msg_t message;
    zmq_msg_init(&message);
    while (told.count < call.n) {
        must(zmq_msg_recv(&message, socket, 0) >= 0, "receive");
        ++told.count;
        const auto* data = static_cast<const char*>(zmq_msg_data(&message));
        std::size_t size = zmq_msg_size(&message);
        if (call.size == 0) {
            std::int64_t value = 0;
            std::memcpy(&value, data, sizeof value);
            told.sum += value;
        } else {
            told.sum += static_cast<std::int64_t>(size) + data[size - 1];
        }
    }
    told.last = now_ns();
    zmq_msg_close(&message);
    return told;
}

int run_one_way(const Call& call) {
    const Sides sides(call);
    int pipes[2];
    if (pipe(pipes) != 0) return 1;
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        sides.be_server();
        void* context = zmq_ctx_new();
        char endpoint[64] = {};
        void* socket = bound(context, ZMQ_PULL, endpoint);
        if (write(pipes[1], endpoint, sizeof endpoint) != sizeof endpoint) _exit(1);
        Told told = receive(socket, call);
        _exit(write(pipes[1], &told, sizeof told) == sizeof told ? 0 : 1);
    }
    sides.be_client();
    char endpoint[64] = {};
    if (read(pipes[0], endpoint, sizeof endpoint) != sizeof endpoint) return 1;
    void* context = zmq_ctx_new();
    void* socket = connected(context, ZMQ_PUSH, endpoint);
    std::string payload(static_cast<std::size_t>(call.size), '\1');
    std::uint64_t begin = now_ns();
    for (std::int64_t i = 0; i < call.n; ++i) {
        int sent = call.size == 0 ? zmq_send(socket, &i, sizeof i, 0)
                                  : zmq_send(socket, payload.data(), payload.size(), 0);
        must(sent >= 0, "send");
    }
    Told told;
    if (read(pipes[0], &told, sizeof told) != sizeof told) return 1;
    waitpid(child, nullptr, 0);
    zmq_close(socket);
    zmq_ctx_term(context);
    return answer(told.last - begin, told.count, told.sum);
}

int run_round_trips(const Call& call) {
    const Sides sides(call);
    int pipes[2];
    if (pipe(pipes) != 0) return 1;
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        sides.be_server();
        void* context = zmq_ctx_new();
        char endpoint[64] = {};
        void* socket = bound(context, ZMQ_PAIR, endpoint);
        if (write(pipes[1], endpoint, sizeof endpoint) != sizeof endpoint) _exit(1);
        std::int64_t value = 0;
        while (zmq_recv(socket, &value, sizeof value, 0) > 0) {
            zmq_send(socket, &value, sizeof value, 0);
        }
        _exit(0);
    }
    sides.be_client();
    char endpoint[64] = {};
    if (read(pipes[0], endpoint, sizeof endpoint) != sizeof endpoint) return 1;
    void* context = zmq_ctx_new();
    void* socket = connected(context, ZMQ_PAIR, endpoint);
    std::vector<std::uint64_t> samples;
    std::uint64_t begin = now_ns();
    for (std::int64_t i = 0; i < call.n; ++i) {
        std::int64_t value = i;
        std::uint64_t sent = now_ns();
        must(zmq_send(socket, &value, sizeof value, 0) > 0, "send");
        must(zmq_recv(socket, &value, sizeof value, 0) > 0, "receive");
        samples.push_back(now_ns() - sent);
    }
    std::uint64_t took = now_ns() - begin;
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    return Answer()
        .add("ns", took)
        .add("count", call.n)
        .add("sum", call.n)
        .add("p50", median(std::move(samples)))
        .print();
}

int run(const Call& call) {
    if (call.shape == "link-tcp") return run_one_way(call);
    if (call.shape == "link-rtt-tcp") return run_round_trips(call);
    return UNSUPPORTED;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::run(bench::read_call(argc, argv)); }
