// Shapes of the contender "reflow" about being watched and held back: events, and memory while a
// sink is slow. Main thread, with a thread that reads events.
#include <optional>
#include <thread>

#include "host.hpp"

namespace bench {
namespace {

// Many short runs: most of them are disturbed by nobody.
constexpr int EVENT_ROUNDS = 101;

// Reads a subscription until the network is stopped and counts what was read and what was lost.
class Reader {
public:
    Reader(reflow_network* network, std::uint64_t kinds) {
        reflow_event_options options{};
        options.struct_size = sizeof options;
        options.kinds = kinds;
        Error error;
        must(reflow_network_subscribe(network, &options, &subscription_, error), "subscribe",
             error);
        thread_ = std::thread([this] { read(); });
    }
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;
    ~Reader() {
        finish();
        reflow_subscription_destroy(subscription_);
    }
    // To be called when the network is stopped.
    std::int64_t finish() {
        if (thread_.joinable()) thread_.join();
        return events_;
    }

private:
    void read() {
        for (;;) {
            reflow_event_batch* batch = nullptr;
            std::uint64_t missed = 0;
            reflow_status status =
                reflow_subscription_poll(subscription_, 1024, TIMEOUT_MS, &batch, &missed, nullptr);
            events_ += static_cast<std::int64_t>(missed + reflow_event_batch_count(batch));
            reflow_event_batch_destroy(batch);
            if (status != REFLOW_OK) return;
        }
    }

    reflow_subscription* subscription_ = nullptr;
    std::thread thread_;
    std::int64_t events_ = 0;
};

struct Watched {
    std::uint64_t ns = 0;
    std::int64_t count = 0, sum = 0, events = 0;
};

// The kinds of a subscription; none for no subscription at all, 0 for the default ones.
using Watch = std::optional<std::uint64_t>;
constexpr std::uint64_t UNASKED = std::uint64_t{1} << REFLOW_EVENT_NETWORK_SHUTDOWN;

Watched run_watched(const Call& call, Watch watch) {
    bench_plan plan{};
    plan.n = plan.expected = call.n;
    Host host(call, plan);
    host.node("source", "BenchSource");
    host.chain("pass", call.size, "BenchPass");
    host.node("sink", "BenchSink");
    host.connect("source", "pass0");
    host.connect("pass" + std::to_string(call.size - 1), "sink");
    host.create();
    Watched result;
    if (!watch) {
        host.start();
        host.wait();
    } else {
        Reader reader(host.network(), *watch);
        host.start();
        host.wait();
        must(reflow_network_stop(host.network(), TIMEOUT_MS, nullptr), "stop");
        result.events = reader.finish();
    }
    host.end();
    result.ns = plan.last_ns - plan.first_ns;
    result.count = plan.count;
    result.sum = plan.sum;
    return result;
}

}  // namespace

// What a subscription costs: the same pipeline with and without it, in turns; "percent" is the
// difference of the lower quartiles. "unasked" asks for nothing that happens while packets go.
int run_events(const Call& call) {
    Watch kinds = call.shape == "events-unasked" ? UNASKED : 0;
    std::vector<std::uint64_t> off, on;
    Watched last;
    for (int round = 0; round < EVENT_ROUNDS; ++round) {
        for (int turn = 0; turn < 2; ++turn) {
            bool watched = (round + turn) % 2 == 0;
            last = run_watched(call, watched ? kinds : Watch());
            if (last.count != call.n) break;
            (watched ? on : off).push_back(last.ns);
        }
    }
    double with = static_cast<double>(quantile(on, 0.25));
    double without = static_cast<double>(quantile(off, 0.25));
    return Answer()
        .add("ns", median(off))
        .add("count", last.count)
        .add("sum", last.sum)
        .add("percent", (with / without - 1) * 100)
        .print();
}

// Everything is asked for and read on another thread, which may lose events but not their number.
int run_events_all(const Call& call) {
    Watched watched = run_watched(call, REFLOW_EVENTS_ALL);
    std::int64_t hops = call.n * (call.size + 1);
    if (watched.events < 2 * hops) {
        std::fprintf(stderr, "%" PRId64 " events for %" PRId64 " hops\n", watched.events, hops);
        return 1;
    }
    return answer(watched.ns, watched.count, watched.sum);
}

// A fast source before a slow sink; "bytes" is what memory grew by at its highest.
int run_slow(const Call& call) {
    bench_plan plan{};
    plan.n = call.n;
    plan.spin = call.spin;
    Host host(call, plan);
    host.node("source", "BenchFreshSource");
    host.node("sink", "BenchSlow");
    host.connect("source", "sink");
    host.create();
    std::int64_t before = resident_bytes();
    std::int64_t most = before;
    std::uint64_t begin = now_ns();
    host.start();
    while (reflow_network_wait_idle(host.network(), 5, nullptr) == REFLOW_ERROR_TIMEOUT) {
        most = std::max(most, resident_bytes());
    }
    std::uint64_t took = now_ns() - begin;
    host.end();
    return Answer()
        .add("ns", took)
        .add("count", plan.count)
        .add("sum", plan.sum)
        .add("bytes", static_cast<double>(most - before))
        .print();
}

}  // namespace bench
