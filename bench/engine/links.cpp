// Shapes of the contender "reflow" about links: two processes over the loopback, one with a network
// that receives, the other sends. Main thread; the other process is forked before anything else is
// there.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cstring>
#include <memory>

#include "host.hpp"
#include "pin.hpp"

namespace bench {
namespace {

constexpr std::size_t MANY = 1024;  // messages in one call

// A process that was forked, and a pipe in each direction. It ends with the program.
class Child {
public:
    template <typename Body>
    explicit Child(Body body) {
        int down[2], up[2];
        if (pipe(down) != 0 || pipe(up) != 0) std::exit(1);
        pid_ = fork();
        if (pid_ < 0) std::exit(1);
        if (pid_ == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);  // it never stays behind
            close(down[1]);
            close(up[0]);
            in_ = down[0];
            out_ = up[1];
            body(*this);
            _exit(0);
        }
        close(down[0]);
        close(up[1]);
        in_ = up[0];
        out_ = down[1];
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() { finish(); }

    void tell(std::int64_t value) const {
        if (write(out_, &value, sizeof value) != sizeof value) std::exit(1);
    }
    // The other side's next number; the program ends if that is gone.
    [[nodiscard]] std::int64_t hear() const {
        std::int64_t value = 0;
        if (read(in_, &value, sizeof value) != sizeof value) std::exit(1);
        return value;
    }
    // Until the other side closes its end.
    void rest() const {
        char letter = 0;
        while (read(in_, &letter, 1) > 0) {
        }
    }
    void end_at_once() const { kill(pid_, SIGKILL); }
    void finish() {
        if (pid_ <= 0) return;
        close(out_);
        close(in_);
        waitpid(pid_, nullptr, 0);
        pid_ = 0;
    }

private:
    pid_t pid_ = 0;
    int in_ = -1, out_ = -1;
};

// A peer of a runtime; false in a library without peers.
class Peer {
public:
    Peer(reflow_runtime* runtime, const char* network, const char* instance, bool listens,
         std::uint32_t port = 0) {
        reflow_peer_options options{};
        options.struct_size = sizeof options;
        options.network_id = reflow_str(network);
        options.instance_id = reflow_str(instance);
        options.bind_address = reflow_str("127.0.0.1");
        options.bind_port = port;
        options.max_connections = 1000;
        options.flags = listens ? 0u : static_cast<std::uint32_t>(REFLOW_PEER_NO_PORT);
        Error error;
        reflow_status status = reflow_peer_create(runtime, &options, &peer_, error);
        if (status == REFLOW_ERROR_UNSUPPORTED) std::exit(UNSUPPORTED);
        must(status, "peer", error);
    }
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;
    ~Peer() { reflow_peer_destroy(peer_); }
    void start(reflow_network* network) {
        Error error;
        if (network != nullptr) must(reflow_peer_attach(peer_, network, error), "attach", error);
        must(reflow_peer_start(peer_, error), "start", error);
    }
    void connect(const std::string& scheme, std::int64_t port) {
        Error error;
        must(reflow_peer_connect(peer_, view(scheme + "127.0.0.1:" + std::to_string(port)),
                                 TIMEOUT_MS, nullptr, error),
             "connect", error);
    }
    // Until there is a link to the network, or none any more.
    void await(const char* network, bool there) const {
        const timespec moment{0, 100'000};
        while (reflow_peer_connected(peer_, reflow_str(network)) != there) {
            nanosleep(&moment, nullptr);
        }
    }
    reflow_peer* raw() const { return peer_; }
    std::int64_t port() const { return reflow_peer_port(peer_); }

private:
    reflow_peer* peer_ = nullptr;
};

std::string scheme_of(const Call& call) {
    return call.shape.ends_with("-ws") ? "ws://" : "tcp://";
}

// The process that receives: tells its port, then what has arrived and when the last came.
void receive(const Call& call, const Child& parent) {
    bench_plan plan{};
    plan.expected = call.n;
    Call batches = call;
    batches.variant = "batch";
    Host host(batches, plan);
    host.node("sink", call.size == 0 ? "BenchSink" : "BenchPayloadSink");
    host.create();
    host.start();
    {
        Peer peer(host.runtime(), "there", "there", true);
        peer.start(host.network());
        parent.tell(peer.port());
        const timespec moment{0, 200'000};
        while (__atomic_load_n(&plan.woken_ns, __ATOMIC_ACQUIRE) == 0) nanosleep(&moment, nullptr);
    }
    host.end();
    parent.tell(plan.count);
    parent.tell(plan.sum);
    parent.tell(static_cast<std::int64_t>(plan.last_ns));
}

void send_all(const Call& call, reflow_peer* peer) {
    // Noise: nothing that could be made smaller on the way.
    std::string bytes(static_cast<std::size_t>(call.size), '\1');
    std::uint64_t seed = 1;
    for (std::size_t i = 0; i + 1 < bytes.size(); ++i) {
        seed = spin(1, seed);
        bytes[i] = static_cast<char>(seed >> 32);
    }
    reflow_message payload{};
    if (call.size != 0) {
        must(reflow_message_lend(REFLOW_KIND_BYTES, bytes.data(), bytes.size(), nullptr, nullptr,
                                 &payload, nullptr),
             "payload");
    }
    const std::size_t many = call.size == 0 ? MANY : 16;
    reflow_message messages[MANY];
    for (std::int64_t next = 0; next < call.n;) {
        std::size_t count = std::min(static_cast<std::size_t>(call.n - next), many);
        for (std::size_t i = 0; i < count; ++i, ++next) {
            messages[i] =
                call.size == 0 ? reflow_message_integer(next) : reflow_message_ref(payload);
        }
        std::size_t accepted = 0;
        Error error;
        must(reflow_peer_send_many(peer, reflow_str("there"), reflow_str("sink"), reflow_str("in"),
                                   messages, count, reflow_str(""), TIMEOUT_MS, &accepted, error),
             "send", error);
    }
    reflow_message_unref(payload);
}

// ---- round trips: an actor in each process sends what it got to the other's

struct Court {
    reflow_peer* peer = nullptr;
    const char* to = nullptr;
    std::int64_t left = 0;
    std::uint64_t sent_ns = 0;
    std::vector<std::uint64_t> samples;
    std::uint32_t done = 0;  // with atomics
};

reflow_status hit(Court& court, std::int64_t value) {
    court.sent_ns = now_ns();
    return reflow_peer_send(court.peer, reflow_str(court.to), reflow_str("player"),
                            reflow_str("in"), reflow_message_integer(value), reflow_str(""), 0,
                            nullptr);
}

reflow_status run_player(reflow_context*, void* state, reflow_packet* inputs, std::size_t) {
    Court& court = *static_cast<Court*>(state);
    std::int64_t value = 0;
    reflow_message_get_integer(inputs[0].message, &value);
    if (court.left == 0) return hit(court, value);  // the other's
    court.samples.push_back(now_ns() - court.sent_ns);
    if (--court.left != 0) return hit(court, value + 1);
    __atomic_store_n(&court.done, 1, __ATOMIC_RELEASE);
    return REFLOW_OK;
}

class Player {
public:
    Player(const Call& call, Court& court, const char* name, const char* to)
        : host_(call, plan_), peer_(host_.runtime(), name, name, true), court_(court) {
        court.peer = peer_.raw();
        court.to = to;
        reflow_port in{};
        in.name = reflow_str("in");
        reflow_component component{};
        component.struct_size = sizeof component;
        component.port_size = sizeof in;
        component.id = reflow_str("Player");
        component.inports = &in;
        component.inport_count = 1;
        component.run = run_player;
        component.create = [](reflow_context*, void* user_data, void** state) {
            *state = user_data;
            return static_cast<reflow_status>(REFLOW_OK);
        };
        component.user_data = &court;
        Error error;
        must(reflow_runtime_register(host_.runtime(), &component, error), "player", error);
        host_.node("player", "Player");
        host_.create();
        host_.start();
        peer_.start(host_.network());
    }
    Peer& peer() { return peer_; }
    void wait() const {
        const timespec moment{0, 1'000'000};
        while (__atomic_load_n(&court_.done, __ATOMIC_ACQUIRE) == 0) nanosleep(&moment, nullptr);
    }

private:
    bench_plan plan_{};
    Host host_;
    Peer peer_;
    Court& court_;
};

int run_round_trips(const Call& call) {
    const Sides sides(call);
    Child child([&](const Child& parent) {
        sides.be_server();
        Court court;
        Player player(call, court, "there", "here");
        parent.tell(player.peer().port());
        parent.rest();
    });
    sides.be_client();
    Court court;
    court.left = call.n;
    court.samples.reserve(static_cast<std::size_t>(call.n));
    std::uint64_t took = 0;
    {
        Player player(call, court, "here", "there");
        player.peer().connect(scheme_of(call), child.hear());
        std::uint64_t begin = now_ns();
        must(hit(court, 0), "first");
        player.wait();
        took = now_ns() - begin;
    }
    auto count = static_cast<std::int64_t>(court.samples.size());
    return Answer()
        .add("ns", took)
        .add("count", count)
        .add("sum", count)
        .add("p50", median(std::move(court.samples)))
        .print();
}

// ---- links that have nothing to do, and one that is broken

std::uint64_t processor_ns() {
    rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    auto ns = [](const timeval& time) {
        return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 +
               static_cast<std::uint64_t>(time.tv_usec) * 1000;
    };
    return ns(usage.ru_utime) + ns(usage.ru_stime);
}

// The listener with size links for n milliseconds: what it takes of one processor, its heartbeats
// included.
int run_idle_links(const Call& call) {
    Child child([&](const Child& parent) {
        bench_plan plan{};
        Host host(call, plan);
        Peer peer(host.runtime(), "there", "there", true);
        peer.start(nullptr);
        parent.tell(peer.port());
        (void)parent.hear();  // all have come
        std::uint64_t before = processor_ns();
        const timespec while_idle{call.n / 1000, call.n % 1000 * 1'000'000};
        nanosleep(&while_idle, nullptr);
        parent.tell(static_cast<std::int64_t>(processor_ns() - before));
        parent.rest();
    });
    bench_plan plan{};
    Host host(call, plan);
    std::vector<std::unique_ptr<Peer>> peers;
    std::int64_t port = child.hear();
    for (std::int64_t i = 0; i < call.size; ++i) {
        std::string name = "here" + std::to_string(i);
        peers.push_back(
            std::make_unique<Peer>(host.runtime(), name.c_str(), name.c_str(), false));
        peers.back()->start(nullptr);
        peers.back()->connect("tcp://", port);
    }
    child.tell(0);
    auto busy = static_cast<double>(child.hear());
    auto length = static_cast<std::uint64_t>(call.n) * 1'000'000;
    return Answer()
        .add("ns", length)
        .add("count", call.n)
        .add("sum", call.n)
        .add("percent", 100 * busy / static_cast<double>(length))
        .print();
}

// The other process dies and another takes its port at once; n times. From the death to the link.
int run_reconnect(const Call& call) {
    auto listen = [&](const Child& parent) {
        std::int64_t wanted = parent.hear();
        if (wanted < 0) return;
        bench_plan plan{};
        Host host(call, plan);
        Peer peer(host.runtime(), "there", "there", true, static_cast<std::uint32_t>(wanted));
        peer.start(nullptr);
        parent.tell(peer.port());
        parent.rest();
    };
    std::vector<std::unique_ptr<Child>> children;
    for (std::int64_t i = 0; i <= call.n; ++i) children.push_back(std::make_unique<Child>(listen));
    children[0]->tell(0);
    std::int64_t port = children[0]->hear();
    bench_plan plan{};
    Host host(call, plan);
    Peer peer(host.runtime(), "here", "here", false);
    peer.start(nullptr);
    peer.connect("tcp://", port);
    std::vector<std::uint64_t> samples;
    std::uint64_t took = 0;
    for (std::int64_t i = 0; i < call.n; ++i) {
        auto at = static_cast<std::size_t>(i);
        std::uint64_t begin = now_ns();
        children[at]->end_at_once();
        children[at]->finish();
        children[at + 1]->tell(port);
        if (children[at + 1]->hear() != port) return 1;
        peer.await("there", false);
        peer.await("there", true);
        samples.push_back(now_ns() - begin);
        took += samples.back();
    }
    return Answer()
        .add("ns", took)
        .add("count", call.n)
        .add("sum", call.n)
        .add("p50", median(std::move(samples)))
        .print();
}

int run_one_way(const Call& call) {
    const Sides sides(call);
    Child child([&](const Child& parent) {
        sides.be_server();
        receive(call, parent);
    });
    sides.be_client();
    bench_plan plan{};
    Host host(call, plan);
    Peer peer(host.runtime(), "here", "here", false);
    peer.start(nullptr);
    peer.connect(scheme_of(call), child.hear());
    auto begin = static_cast<std::int64_t>(now_ns());
    send_all(call, peer.raw());
    std::int64_t count = child.hear();
    std::int64_t sum = child.hear();
    return answer(static_cast<std::uint64_t>(child.hear() - begin), count, sum);
}

}  // namespace

int run_link(const Call& call) {
    if (call.shape == "link-tcp" || call.shape == "link-ws") return run_one_way(call);
    if (call.shape.starts_with("link-rtt")) return run_round_trips(call);
    if (call.shape == "link-idle") return run_idle_links(call);
    if (call.shape == "link-reconnect") return run_reconnect(call);
    return UNSUPPORTED;
}

}  // namespace bench
