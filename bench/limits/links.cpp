// Raw TCP over the loopback: bytes one way from one process to another, and a ping-pong between two
// threads. Integers go as eight bytes each, in writes of 64 KiB.
#include "links.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <csignal>
#include <cstring>
#include <thread>

#include "pin.hpp"

namespace bench {
namespace {

constexpr std::size_t WRITE_BYTES = 64 * 1024;
constexpr std::size_t BALL_BYTES = 64;

// Two ends of a connection.
struct Pair {
    Pair() {
        int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof to;
        auto* address = reinterpret_cast<sockaddr*>(&to);
        one = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (bind(listener, address, sizeof to) != 0 || listen(listener, 1) != 0 ||
            getsockname(listener, address, &length) != 0 ||
            connect(one, address, sizeof to) != 0) {
            std::exit(1);
        }
        other = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        close(listener);
        int yes = 1;
        for (int end : {one, other}) setsockopt(end, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    }
    int one = -1, other = -1;
};

void write_all(int to, const char* from, std::size_t size) {
    while (size > 0) {
        ssize_t done = send(to, from, size, MSG_NOSIGNAL);
        if (done <= 0) std::exit(1);
        from += done;
        size -= static_cast<std::size_t>(done);
    }
}

bool read_all(int from, char* to, std::size_t size) {
    while (size > 0) {
        ssize_t done = recv(from, to, size, 0);
        if (done <= 0) return false;
        to += done;
        size -= static_cast<std::size_t>(done);
    }
    return true;
}

struct Told {
    std::int64_t count, sum;
    std::uint64_t last;
};

// Reads until the end: integers are added up, of payloads the bytes are counted.
Told receive(int from, std::int64_t size) {
    std::vector<char> buffer(256 * 1024);
    Told told{0, 0, 0};
    std::int64_t bytes = 0;
    std::size_t kept = 0;
    for (;;) {
        ssize_t got = recv(from, buffer.data() + kept, buffer.size() - kept, 0);
        if (got <= 0) break;
        bytes += got;
        if (size != 0) continue;
        std::size_t have = kept + static_cast<std::size_t>(got);
        std::size_t at = 0;
        for (; at + 8 <= have; at += 8) {
            std::int64_t value = 0;
            std::memcpy(&value, buffer.data() + at, 8);
            told.sum += value;
            ++told.count;
        }
        kept = have - at;
        std::memmove(buffer.data(), buffer.data() + at, kept);
    }
    told.last = now_ns();
    if (size != 0) {
        told.count = bytes / size;
        told.sum = told.count * (size + 1);
    }
    return told;
}

int run_one_way(const Call& call) {
    Pair pair;
    const Sides sides(call);
    int pipes[2];
    if (pipe(pipes) != 0) return 1;
    pid_t child = fork();
    if (child < 0) return 1;
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(pair.one);
        sides.be_server();
        Told told = receive(pair.other, call.size);
        _exit(write(pipes[1], &told, sizeof told) == sizeof told ? 0 : 1);
    }
    close(pair.other);
    sides.be_client();
    std::uint64_t begin = now_ns();
    if (call.size != 0) {
        std::vector<char> payload(static_cast<std::size_t>(call.size), 1);
        for (std::int64_t i = 0; i < call.n; ++i) {
            write_all(pair.one, payload.data(), payload.size());
        }
    } else {
        std::vector<std::int64_t> values(WRITE_BYTES / 8);
        for (std::int64_t next = 0; next < call.n;) {
            std::size_t count = 0;
            for (; count < values.size() && next < call.n; ++count) values[count] = next++;
            write_all(pair.one, reinterpret_cast<const char*>(values.data()), count * 8);
        }
    }
    shutdown(pair.one, SHUT_WR);
    Told told{};
    if (read(pipes[0], &told, sizeof told) != sizeof told) return 1;
    waitpid(child, nullptr, 0);
    return answer(told.last - begin, told.count, told.sum);
}

int run_ping_pong(const Call& call) {
    Pair pair;
    const Sides sides(call);
    std::thread echo([&] {
        sides.be_server();
        char ball[BALL_BYTES];
        while (read_all(pair.other, ball, sizeof ball)) write_all(pair.other, ball, sizeof ball);
    });
    sides.be_client();
    std::vector<std::uint64_t> samples;
    samples.reserve(static_cast<std::size_t>(call.n));
    char ball[BALL_BYTES] = {};
    std::uint64_t begin = now_ns();
    for (std::int64_t i = 0; i < call.n; ++i) {
        std::uint64_t sent = now_ns();
        write_all(pair.one, ball, sizeof ball);
        if (!read_all(pair.one, ball, sizeof ball)) return 1;
        samples.push_back(now_ns() - sent);
    }
    std::uint64_t took = now_ns() - begin;
    shutdown(pair.one, SHUT_RDWR);
    echo.join();
    return Answer()
        .add("ns", took)
        .add("count", call.n)
        .add("sum", call.n)
        .add("p50", median(std::move(samples)))
        .print();
}

}  // namespace

int run_link(const Call& call) {
    if (call.shape == "link-tcp" || call.shape == "link-ws") return run_one_way(call);
    if (call.shape.starts_with("link-rtt")) return run_ping_pong(call);
    return UNSUPPORTED;
}

}  // namespace bench
