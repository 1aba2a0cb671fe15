// The peer "nats": the shapes of links through a nats-server that this program starts, a process that
// publishes and one that subscribes. Integers are messages of eight bytes; the client library puts
// them into batches itself.
#include <nats/nats.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cstring>

#include "contender.hpp"
#include "pin.hpp"

extern char** environ;

namespace bench {
namespace {

constexpr int WAITING = 1'000'000;  // messages of a subscription; beyond that they are dropped

void must(natsStatus status, const char* what) {
    if (status == NATS_OK) return;
    std::fprintf(stderr, "%s: %s\n", what, natsStatus_GetText(status));
    std::exit(1);
}

struct Told {
    std::int64_t count = 0, sum = 0;
    std::uint64_t last = 0;
};

// A server on a port that depends on the process, since it has no way to tell a free one.
class Server {
public:
    Server() : port_(std::to_string(20'000 + getpid() % 20'000)) {
        std::string at = "127.0.0.1";
        const char* arguments[] = {"nats-server", "-a", at.c_str(), "-p", port_.c_str(), nullptr};
        posix_spawn_file_actions_t files;
        posix_spawn_file_actions_init(&files);
        posix_spawn_file_actions_addopen(&files, 1, "/dev/null", 1, 0);
        posix_spawn_file_actions_addopen(&files, 2, "/dev/null", 1, 0);
        if (posix_spawnp(&pid_, arguments[0], &files, nullptr, const_cast<char**>(arguments),
                         environ) != 0) {
            std::exit(UNSUPPORTED);
        }
        posix_spawn_file_actions_destroy(&files);
    }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server() {
        kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
    }
    std::string url() const { return "nats://127.0.0.1:" + port_; }

private:
    std::string port_;
    pid_t pid_ = 0;
};

natsConnection* connect(const std::string& url) {
    natsConnection* connection = nullptr;
    const timespec moment{0, 10'000'000};
    for (int i = 0; i < 500; ++i) {
        if (natsConnection_ConnectTo(&connection, url.c_str()) == NATS_OK) return connection;
        nanosleep(&moment, nullptr);
    }
    std::exit(1);
}

natsSubscription* subscribe(natsConnection* connection, const char* subject) {
    natsSubscription* subscription = nullptr;
    must(natsConnection_SubscribeSync(&subscription, connection, subject), "subscribe");
    must(natsSubscription_SetPendingLimits(subscription, WAITING, -1), "limits");
    must(natsConnection_Flush(connection), "flush");
    return subscription;
}

void receive(const Call& call, const std::string& url, int out) {
    natsConnection* connection = connect(url);
    natsSubscription* subscription = subscribe(connection, "link");
    Told told;
    if (write(out, &told, sizeof told) != sizeof told) return;  // ready
    while (told.count < call.n) {
        natsMsg* message = nullptr;
        must(natsSubscription_NextMsg(&message, subscription, 60'000), "receive");
        const char* data = natsMsg_GetData(message);
        int size = natsMsg_GetDataLength(message);
        ++told.count;
        if (call.size == 0) {
            std::int64_t value = 0;
            std::memcpy(&value, data, sizeof value);
            told.sum += value;
        } else {
            told.sum += size + data[size - 1];
        }
        natsMsg_Destroy(message);
    }
    told.last = now_ns();
    if (write(out, &told, sizeof told) != sizeof told) return;
}

int run_one_way(const Call& call) {
    const Sides sides(call);
    sides.be_server();  // what is in between runs there too
    Server server;
    int pipes[2];
    if (pipe(pipes) != 0) return 1;
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        receive(call, server.url(), pipes[1]);
        _exit(0);
    }
    sides.be_client();
    natsConnection* connection = connect(server.url());
    Told told;
    if (read(pipes[0], &told, sizeof told) != sizeof told) return 1;
    std::string payload(static_cast<std::size_t>(call.size), '\1');
    std::uint64_t begin = now_ns();
    for (std::int64_t i = 0; i < call.n; ++i) {
        const char* data = call.size == 0 ? reinterpret_cast<const char*>(&i) : payload.data();
        int size = call.size == 0 ? static_cast<int>(sizeof i) : static_cast<int>(call.size);
        must(natsConnection_Publish(connection, "link", data, size), "publish");
    }
    must(natsConnection_FlushTimeout(connection, 60'000), "flush");
    if (read(pipes[0], &told, sizeof told) != sizeof told) return 1;
    waitpid(child, nullptr, 0);
    return answer(told.last - begin, told.count, told.sum);
}

int run_round_trips(const Call& call) {
    const Sides sides(call);
    sides.be_server();  // what is in between runs there too
    Server server;
    int pipes[2];
    if (pipe(pipes) != 0) return 1;
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        natsConnection* connection = connect(server.url());
        natsSubscription* subscription = subscribe(connection, "there");
        char letter = 0;
        if (read(pipes[0], &letter, 1) != 1) _exit(1);  // somebody hears what follows
        must(natsConnection_PublishString(connection, "here", "ready"), "ready");
        for (;;) {
            natsMsg* message = nullptr;
            must(natsSubscription_NextMsg(&message, subscription, 60'000), "receive");
            must(natsConnection_Publish(connection, "here", natsMsg_GetData(message),
                                        natsMsg_GetDataLength(message)),
                 "publish");
            must(natsConnection_Flush(connection), "flush");
            natsMsg_Destroy(message);
        }
    }
    sides.be_client();
    natsConnection* connection = connect(server.url());
    natsSubscription* subscription = subscribe(connection, "here");
    if (write(pipes[1], "", 1) != 1) return 1;
    std::vector<std::uint64_t> samples;
    std::uint64_t begin = 0;
    for (std::int64_t i = -1; i < call.n; ++i) {
        natsMsg* message = nullptr;
        std::uint64_t sent = now_ns();
        if (i == 0) begin = sent;
        if (i >= 0) must(natsConnection_Publish(connection, "there", &i, sizeof i), "publish");
        must(natsSubscription_NextMsg(&message, subscription, 60'000), "receive");
        natsMsg_Destroy(message);
        if (i >= 0) samples.push_back(now_ns() - sent);
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
