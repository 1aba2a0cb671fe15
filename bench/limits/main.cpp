// The contender "bare": the limits. The shapes of the bench on the bare engine, and what a machine
// can do at best: calls through a pointer, a futex wake, a copy of memory.
#include <linux/futex.h>
#include <sys/syscall.h>

#include <algorithm>
#include <atomic>
#include <climits>
#include <cstring>
#include <memory>
#include <mutex>
#include <thread>

#include "contender.hpp"
#include "engine.hpp"
#include "links.hpp"
#include "pin.hpp"

namespace bench {
namespace {

struct Plan {
    std::int64_t n = 0, expected = 0;
    std::uint32_t spin = 0;
    bool batch = false;
    bare::Payload payload{1, nullptr, 0};
    std::uint64_t sent = 0;
    std::int64_t passed = 0;  // the value of a packet that has gone through all
    std::vector<std::uint64_t> samples;
};

struct Node {
    Plan* plan = nullptr;
    std::int64_t next = 0, count = 0, sum = 0;
    std::uint64_t first = 0, last = 0, worked = 0;
};

Node& node_of(void* state) { return *static_cast<Node*>(state); }

bare::Message integer(std::int64_t value) {
    return {bare::TAG_INTEGER, static_cast<std::uint64_t>(value)};
}

std::int64_t value_of(const bare::Message& message) {
    return static_cast<std::int64_t>(message.payload);
}

// Emits as many as there is room for, at most a batch, and goes on until the plan is done.
template <typename Make>
void emit_turn(bare::Context& context, Node& self, Make make) {
    if (self.first == 0) self.first = now_ns();
    auto left = static_cast<std::size_t>(self.plan->n - self.next);
    std::size_t turn = std::min({left, bare::BATCH, bare::room(context)});
    if (self.plan->batch && turn != 0) {
        bare::Message messages[bare::BATCH];
        for (std::size_t i = 0; i < turn; ++i) messages[i] = make(self.next++);
        bare::emit_many(context, messages, turn);
    } else {
        for (std::size_t i = 0; i < turn; ++i) bare::emit(context, make(self.next++));
    }
    if (self.next < self.plan->n) bare::again(context);
}

void source(bare::Context& context, void* state, bare::Message*, std::size_t) {
    emit_turn(context, node_of(state), integer);
}

void payload_source(bare::Context& context, void* state, bare::Message*, std::size_t) {
    Node& self = node_of(state);
    emit_turn(context, self, [&](std::int64_t) {
        __atomic_fetch_add(&self.plan->payload.references, 1, __ATOMIC_RELAXED);
        return bare::Message{bare::TAG_COUNTED,
                             reinterpret_cast<std::uint64_t>(&self.plan->payload)};
    });
}

void pass(bare::Context& context, void*, bare::Message* messages, std::size_t count) {
    if (count == 1) {
        bare::emit(context, messages[0]);
    } else {
        bare::emit_many(context, messages, count);
    }
}

void work(bare::Context& context, void* state, bare::Message* messages, std::size_t count) {
    Node& self = node_of(state);
    for (std::size_t i = 0; i < count; ++i) self.worked = spin(self.plan->spin, self.worked);
    pass(context, state, messages, count);
}

void sink(bare::Context&, void* state, bare::Message* messages, std::size_t count) {
    Node& self = node_of(state);
    for (std::size_t i = 0; i < count; ++i) self.sum += value_of(messages[i]);
    self.count += static_cast<std::int64_t>(count);
    if (self.count == self.plan->expected) self.last = now_ns();
}

void payload_sink(bare::Context&, void* state, bare::Message* messages, std::size_t count) {
    Node& self = node_of(state);
    for (std::size_t i = 0; i < count; ++i) {
        const auto* payload = reinterpret_cast<const bare::Payload*>(messages[i].payload);
        self.sum += static_cast<std::int64_t>(payload->size) + payload->data[payload->size - 1];
        bare::release(messages[i]);
    }
    self.count += static_cast<std::int64_t>(count);
    if (self.count == self.plan->expected) self.last = now_ns();
}

void bounce(bare::Context& context, void* state, bare::Message* messages, std::size_t count) {
    Node& self = node_of(state);
    if (self.first == 0) self.first = now_ns();
    for (std::size_t i = 0; i < count; ++i) {
        std::int64_t value = value_of(messages[i]) + 1;
        ++self.count;
        if (value < self.plan->n) {
            bare::emit(context, integer(value));
        } else {
            self.sum += value;
            self.last = now_ns();
        }
    }
}

void clock_start(bare::Context& context, void* state, bare::Message*, std::size_t) {
    Node& self = node_of(state);
    self.plan->sent = now_ns();
    bare::emit(context, integer(self.next++));
}

void clock_end(bare::Context& context, void* state, bare::Message* messages, std::size_t) {
    Node& self = node_of(state);
    std::uint64_t now = now_ns();
    if (self.first == 0) self.first = self.plan->sent;
    self.plan->samples.push_back(now - self.plan->sent);
    self.sum += value_of(messages[0]);
    self.last = now;
    if (++self.count < self.plan->n) bare::emit(context, integer(0));
}

// One of very many.
void idle(bare::Context& context, void* state, bare::Message* messages, std::size_t) {
    Node& self = node_of(state);
    ++self.count;
    self.plan->passed = value_of(messages[0]) + 1;
    bare::emit(context, integer(self.plan->passed));
}

struct Totals {
    std::uint64_t first = 0, last = 0;
    std::int64_t count = 0, sum = 0;

    void add(const Node& node) {
        count += node.count;
        sum += node.sum;
        if (node.first != 0 && (first == 0 || node.first < first)) first = node.first;
        last = std::max(last, node.last);
    }
};

// An engine with the nodes of a shape.
class Bare {
public:
    Bare(const Call& call, std::int64_t n, std::size_t ring = bare::RING)
        : call_(call), engine_(bare::create(batch(), ring)) {
        plan_.n = plan_.expected = n;
        plan_.spin = call.spin;
        plan_.batch = batch();
    }
    Bare(const Bare&) = delete;
    Bare& operator=(const Bare&) = delete;
    ~Bare() { bare::destroy(engine_); }

    std::uint32_t node(bare::Callback callback) {
        Node& node = *nodes_.emplace_back(std::make_unique<Node>());
        node.plan = &plan_;
        return bare::add(engine_, callback, &node);
    }
    void connect(std::uint32_t from, std::uint32_t to) { bare::connect(engine_, from, to); }
    void wake(std::uint32_t source) { bare::send(engine_, source, {0, 0}); }
    void token(std::uint32_t to) { bare::send(engine_, to, integer(0)); }
    // first -> size times middle -> last; returns the first.
    std::uint32_t line(bare::Callback first, std::int64_t size, bare::Callback middle,
                       bare::Callback last) {
        std::uint32_t begin = node(first);
        std::uint32_t before = begin;
        for (std::int64_t i = 0; i < size; ++i) {
            std::uint32_t next = node(middle);
            connect(before, next);
            before = next;
        }
        connect(before, node(last));
        return begin;
    }
    void ring(std::int64_t length, std::int64_t tokens) {
        std::uint32_t begin = node(bounce);
        std::uint32_t before = begin;
        for (std::int64_t i = 1; i < length; ++i) {
            std::uint32_t next = node(bounce);
            connect(before, next);
            before = next;
        }
        connect(before, begin);
        for (std::int64_t i = 0; i < tokens; ++i) {
            token(begin + static_cast<std::uint32_t>(i * length / tokens));
        }
    }
    void call(std::uint32_t first, std::int64_t n) {
        bare::Context& context = bare::context(engine_, first);
        for (std::int64_t i = 0; i < n; ++i) bare::forward(context, integer(i));
    }
    void run(Totals& totals) {
        bare::run(engine_);
        for (const auto& node : nodes_) totals.add(*node);
    }
    Plan& plan() { return plan_; }

private:
    bool batch() const { return call_.variant == "batch"; }

    Call call_;
    bare::Engine* engine_;
    Plan plan_;
    std::vector<std::unique_ptr<Node>> nodes_;  // what a host keeps for each
};

int finish(const Totals& totals) {
    return answer(totals.last - totals.first, totals.count, totals.sum);
}

int run_fan(const Call& call) {
    bool in = call.shape == "fan-in";
    Bare net(call, in ? call.n / call.size : call.n);
    net.plan().expected = call.n;
    std::uint32_t one = net.node(in ? sink : source);
    if (!in) net.wake(one);
    for (std::int64_t i = 0; i < call.size; ++i) {
        std::uint32_t other = net.node(in ? source : sink);
        net.connect(in ? other : one, in ? one : other);
        if (in) net.wake(other);
    }
    Totals totals;
    net.run(totals);
    return finish(totals);
}

int run_pipeline(const Call& call) {
    Bare net(call, call.n);
    net.wake(net.line(source, call.size, pass, sink));
    Totals totals;
    net.run(totals);
    return finish(totals);
}

int run_rings(const Call& call, std::int64_t length, std::int64_t tokens) {
    Bare net(call, call.n / tokens);
    net.ring(length, tokens);
    Totals totals;
    net.run(totals);
    return finish(totals);
}

// Work that needs no neighbours, dealt to the threads once and for all.
template <typename Build>
int run_split(const Call& call, std::int64_t parts, Build build) {
    Totals totals;
    std::mutex lock;
    std::vector<std::thread> threads;
    for (unsigned worker = 0; worker < call.workers; ++worker) {
        std::int64_t begin = parts * worker / call.workers;
        std::int64_t end = parts * (worker + 1) / call.workers;
        threads.emplace_back([&, begin, end] {
            Totals mine;
            build(begin, end, mine);
            std::lock_guard guard(lock);
            if (totals.first == 0 || mine.first < totals.first) totals.first = mine.first;
            totals.last = std::max(totals.last, mine.last);
            totals.count += mine.count;
            totals.sum += mine.sum;
        });
    }
    for (std::thread& thread : threads) thread.join();
    return finish(totals);
}

int run_pairs(const Call& call) {
    return run_split(call, call.size, [&](std::int64_t begin, std::int64_t end, Totals& totals) {
        Bare net(call, call.n / call.size);
        for (std::int64_t pair = begin; pair < end; ++pair) net.ring(2, 1);
        net.run(totals);
    });
}

// With more than one thread: the packets are dealt to chains of their own.
int run_work(const Call& call) {
    return run_split(call, call.n, [&](std::int64_t begin, std::int64_t end, Totals& totals) {
        Bare net(call, end - begin);
        net.wake(net.line(source, call.size, work, sink));
        net.run(totals);
        totals.sum += begin * (end - begin);
    });
}

int run_latency(const Call& call) {
    Bare net(call, call.n);
    net.plan().samples.reserve(static_cast<std::size_t>(call.n));
    std::uint32_t begin = net.line(clock_start, call.size - 1, pass, clock_end);
    net.connect(begin + static_cast<std::uint32_t>(call.size), begin);
    net.token(begin);
    Totals totals;
    net.run(totals);
    return Answer()
        .add("ns", totals.last - totals.first)
        .add("count", totals.count)
        .add("sum", totals.sum)
        .add("p50", median(std::move(net.plan().samples)))
        .print();
}

int run_payload(const Call& call) {
    std::vector<char> bytes(static_cast<std::size_t>(call.size), 1);
    Bare net(call, call.n);
    net.plan().payload.data = bytes.data();
    net.plan().payload.size = bytes.size();
    std::uint32_t begin = net.node(payload_source);
    for (std::int64_t i = 0; i < PAYLOAD_TARGETS; ++i) net.connect(begin, net.node(payload_sink));
    net.wake(begin);
    Totals totals;
    net.run(totals);
    return finish(totals);
}

// n actors in a row, made one by one: the node, the ring of its inport, the list of whom its outport
// gives to, and the state of the host, each in a piece of memory of its own. They have no names, and
// nothing is checked. Then one packet goes through all of them.
int run_idle(const Call& call) {
    std::int64_t before = resident_bytes();
    std::uint64_t begin = now_ns();
    Bare net(call, call.n, bare::SMALL_RING);
    std::uint32_t first = net.node(idle);
    for (std::int64_t i = 1; i < call.n; ++i) {
        std::uint32_t next = net.node(idle);
        net.connect(next - 1, next);
    }
    std::uint64_t created = now_ns() - begin;
    std::int64_t after = resident_bytes();
    net.token(first);
    Totals totals;
    net.run(totals);
    return Answer()
        .add("ns", created)
        .add("count", totals.count)
        .add("sum", net.plan().passed)
        .add("bytes", static_cast<double>(after - before) / static_cast<double>(call.n))
        .print();
}

// ---- what the machine does ----

void forward(bare::Context& context, void*, bare::Message* messages, std::size_t) {
    bare::forward(context, messages[0]);
}

// A value handed through size actors and a sink by calls through pointers, with nothing between.
int run_calls(const Call& call) {
    Bare net(call, call.n);
    std::uint32_t first = net.line(forward, call.size, forward, sink);
    Totals totals;
    std::uint64_t begin = now_ns();
    net.call(first, call.n);
    std::uint64_t took = now_ns() - begin;
    net.run(totals);
    return answer(took, totals.count, totals.sum);
}

int run_memcpy(const Call& call) {
    auto size = static_cast<std::size_t>(call.size);
    std::vector<char> from(size, 1), to(size, 0);
    std::uint64_t begin = now_ns();
    for (std::int64_t i = 0; i < call.n; ++i) {
        std::memcpy(to.data(), from.data(), size);
        asm volatile("" : : "r"(to.data()) : "memory");
    }
    std::uint64_t took = now_ns() - begin;
    return answer(took, call.n, std::count(to.begin(), to.end(), 1));
}

long futex(std::atomic<std::uint32_t>& word, int operation, std::uint32_t value) {
    return syscall(SYS_futex, &word, operation | FUTEX_PRIVATE_FLAG, value, nullptr, nullptr, 0);
}

// One thread sleeps on a word, the other writes it and wakes; size as in the contender "reflow".
int run_wake(const Call& call) {
    int other = core(static_cast<int>(call.size));
    if (other < 0) return UNSUPPORTED;
    pin_thread(core(0));
    std::atomic<std::uint32_t> word{0}, back{0};
    std::atomic<std::uint64_t> woken{0};
    std::int64_t count = 0, sum = 0;
    std::thread sleeper([&] {
        pin_thread(other);
        for (std::uint32_t seen = 0; count < call.n; ++seen) {
            while (word.load(std::memory_order_acquire) == seen) futex(word, FUTEX_WAIT, seen);
            woken.store(now_ns(), std::memory_order_release);
            sum += count++;
            back.store(seen + 1, std::memory_order_release);
            futex(back, FUTEX_WAKE, 1);
        }
    });
    std::vector<std::uint64_t> samples;
    std::uint64_t begin = now_ns();
    const timespec rest{0, REST_NS};
    for (std::int64_t i = 0; i < call.n; ++i) {
        nanosleep(&rest, nullptr);
        std::uint64_t sent = now_ns();
        word.fetch_add(1, std::memory_order_release);
        futex(word, FUTEX_WAKE, 1);
        auto seen = static_cast<std::uint32_t>(i);
        while (back.load(std::memory_order_acquire) == seen) futex(back, FUTEX_WAIT, seen);
        samples.push_back(woken.load(std::memory_order_acquire) - sent);
    }
    std::uint64_t took = now_ns() - begin;
    sleeper.join();
    return Answer()
        .add("ns", took)
        .add("count", count)
        .add("sum", sum)
        .add("p50", median(std::move(samples)))
        .print();
}

// How many turns of spin() take a microsecond, at the best of many tries.
int run_turns(const Call& call) {
    constexpr std::uint32_t TURNS = 100'000;
    std::uint64_t best = UINT64_MAX;
    std::uint64_t seed = 1;
    for (std::int64_t i = 0; i < call.n; ++i) {
        std::uint64_t begin = now_ns();
        seed = spin(TURNS, seed);
        asm volatile("" : : "r"(seed));
        best = std::min(best, now_ns() - begin);
    }
    return Answer().add("turns", TURNS * 1000.0 / static_cast<double>(best)).print();
}

int run(const Call& call) {
    const std::string& shape = call.shape;
    if (shape == "start") return run_pipeline({shape, 1, 1, 1, 0, "one"});
    if (shape == "pipeline") return run_pipeline(call);
    if (shape == "work") return run_work(call);
    if (shape == "pairs") return run_pairs(call);
    if (shape == "calls") return run_calls(call);
    if (shape == "memcpy") return run_memcpy(call);
    if (shape == "wake") return run_wake(call);
    if (shape == "turns") return run_turns(call);
    if (shape == "fan-out" || shape == "fan-in") return run_fan(call);
    if (shape == "ping-pong") return run_rings(call, 2, 1);
    if (shape == "ring") return run_rings(call, call.size, RING_TOKENS);
    if (shape == "latency") return run_latency(call);
    if (shape == "payload") return run_payload(call);
    if (shape == "idle") return run_idle(call);
    if (shape.starts_with("link-")) return run_link(call);
    return UNSUPPORTED;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::run(bench::read_call(argc, argv)); }
