// The peer "caf": the C++ Actor Framework, an event-based actor for each actor. Mailboxes have no
// bound there, so that sources send on as sinks acknowledge.
#include <caf/all.hpp>

#include <memory>
#include <mutex>

#include "contender.hpp"

namespace bench {
namespace {

using Value = std::int64_t;
using caf::actor;
using caf::behavior;
using caf::event_based_actor;

constexpr Value CREDIT = 1000;  // packets between two acknowledgements
constexpr Value CREDITS = 4;    // acknowledgements that a source may be ahead

using go_atom = caf::ok_atom;

struct Payload {
    std::shared_ptr<const std::vector<char>> bytes;
};

}  // namespace
}  // namespace bench

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bench::Payload)

namespace bench {
namespace {

struct Totals {
    std::mutex lock;
    Value count = 0, sum = 0;
    std::uint64_t last = 0;
    std::vector<std::uint64_t> samples;

    void add(Value more, Value values) {
        std::lock_guard guard(lock);
        count += more;
        sum += values;
        last = now_ns();
    }
    // Waits until that much has been counted or, for tokens, added up.
    void wait_for(Value wanted) {
        for (;;) {
            {
                std::lock_guard guard(lock);
                if (count >= wanted || sum >= wanted) return;
            }
            const timespec rest{0, 200'000};
            nanosleep(&rest, nullptr);
        }
    }
};

// Sends 0 .. n-1 to all targets; the acknowledgements of the last target let it go on.
behavior source(event_based_actor* self, std::vector<actor> targets, Value n) {
    auto next = std::make_shared<Value>(0);
    return {[=](go_atom) {
        for (Value i = 0; i < CREDIT && *next < n; ++i, ++*next) {
            for (const actor& target : targets) {
                self->send(target, *next, caf::actor_cast<caf::strong_actor_ptr>(self));
            }
        }
        if (*next == n) self->quit();
    }};
}

behavior pass(event_based_actor* self, actor target, std::uint32_t turns) {
    auto worked = std::make_shared<std::uint64_t>(0);
    return {[=](Value value, const caf::strong_actor_ptr& from) {
        if (turns != 0) *worked = spin(turns, *worked);
        self->send(target, value, from);
    }};
}

// Takes expected packets from sources and acknowledges each CREDIT of one source.
behavior sink(event_based_actor* self, Value expected, bool acknowledges, Totals* totals) {
    auto state = std::make_shared<std::pair<Value, Value>>();
    return {[=](Value value, const caf::strong_actor_ptr& from) {
        state->second += value;
        if (acknowledges && value % CREDIT == CREDIT - 1) {
            self->send(caf::actor_cast<actor>(from), go_atom::value);
        }
        if (++state->first == expected) {
            totals->add(state->first, state->second);
            self->quit();
        }
    }};
}

void begin_source(const actor& source) {
    for (Value i = 0; i < CREDITS; ++i) caf::anon_send(source, go_atom::value);
}

int finish(const Totals& totals, std::uint64_t begin) {
    return answer(totals.last - begin, totals.count, totals.sum);
}

int run_pipeline(caf::actor_system& system, const Call& call) {
    Totals totals;
    actor last = system.spawn(sink, call.n, true, &totals);
    std::vector<actor> passes;
    for (Value i = 0; i < call.size; ++i) {
        last = system.spawn(pass, last, call.spin);
        passes.push_back(last);
    }
    std::uint64_t begin = now_ns();
    begin_source(system.spawn(source, std::vector<actor>{last}, call.n));
    last = nullptr;
    totals.wait_for(call.n);
    for (const actor& one : passes) caf::anon_send_exit(one, caf::exit_reason::kill);
    return finish(totals, begin);
}

int run_fan(caf::actor_system& system, const Call& call) {
    bool in = call.shape == "fan-in";
    Totals totals;
    std::vector<actor> sinks;
    for (Value i = 0; i < (in ? 1 : call.size); ++i) {
        sinks.push_back(system.spawn(sink, call.n, in || i + 1 == call.size, &totals));
    }
    std::uint64_t begin = now_ns();
    for (Value i = 0; i < (in ? call.size : 1); ++i) {
        begin_source(system.spawn(source, sinks, in ? call.n / call.size : call.n));
    }
    sinks.clear();
    system.await_all_actors_done();
    return finish(totals, begin);
}

// Passes tokens on until one has done its hops, which it then tells. The target comes first.
behavior bounce(event_based_actor* self, Value hops, Totals* totals) {
    struct State {
        actor target;
        Value count = 0;
    };
    auto state = std::make_shared<State>();
    return {[=](const actor& target) { state->target = target; },
            [=](Value value) {
                ++state->count;
                if (++value < hops) {
                    self->send(state->target, value);
                } else {
                    totals->add(0, value);
                }
            },
            [=](go_atom) {
                totals->add(state->count, 0);
                state->target = nullptr;
                self->quit();
            }};
}

int run_rings(caf::actor_system& system, const Call& call, Value rings, Value length,
              Value tokens) {
    Totals totals;
    Value hops = call.n / (rings * tokens);
    std::vector<actor> actors;
    for (Value i = 0; i < rings * length; ++i) {
        actors.push_back(system.spawn(bounce, hops, &totals));
    }
    for (Value i = 0; i < rings * length; ++i) {
        Value first = i - i % length;
        caf::anon_send(actors[static_cast<std::size_t>(i)],
                       actors[static_cast<std::size_t>(first + (i + 1 - first) % length)]);
    }
    std::uint64_t begin = now_ns();
    for (Value ring = 0; ring < rings; ++ring) {
        for (Value token = 0; token < tokens; ++token) {
            auto at = static_cast<std::size_t>(ring * length + token * length / tokens);
            caf::anon_send(actors[at], Value{0});
        }
    }
    totals.wait_for(call.n);
    std::uint64_t took = totals.last - begin;
    for (actor& one : actors) caf::anon_send(one, go_atom::value);
    actors.clear();
    system.await_all_actors_done();
    return answer(took, totals.count, totals.sum);
}

int run_latency(caf::actor_system& system, const Call& call) {
    Totals totals;
    totals.samples.reserve(static_cast<std::size_t>(call.n));
    std::uint64_t sent = 0;
    std::vector<actor> passes;
    actor end = system.spawn([&](event_based_actor* self) -> behavior {
        return {[&, self](Value value, const caf::strong_actor_ptr& from) {
            totals.samples.push_back(now_ns() - sent);
            bool done = static_cast<Value>(totals.samples.size()) == call.n;
            self->send(caf::actor_cast<actor>(from), go_atom::value);
            totals.sum += value;
            if (done) self->quit();
        }};
    });
    for (Value i = 1; i < call.size; ++i) {
        end = system.spawn(pass, end, 0);
        passes.push_back(end);
    }
    std::uint64_t begin = now_ns();
    actor clock = system.spawn([&, end](event_based_actor* self) -> behavior {
        auto next = std::make_shared<Value>(0);
        return {[&, self, next, end](go_atom) {
            if (*next == call.n) {
                totals.add(call.n, 0);
                for (const actor& one : passes) self->send_exit(one, caf::exit_reason::kill);
                self->quit();
                return;
            }
            sent = now_ns();
            self->send(end, (*next)++, caf::actor_cast<caf::strong_actor_ptr>(self));
        }};
    });
    caf::anon_send(clock, go_atom::value);
    clock = nullptr;
    end = nullptr;
    system.await_all_actors_done();
    return Answer()
        .add("ns", totals.last - begin)
        .add("count", totals.count)
        .add("sum", totals.sum)
        .add("p50", median(std::move(totals.samples)))
        .print();
}

int run_payload(caf::actor_system& system, const Call& call) {
    Totals totals;
    Payload payload{std::make_shared<const std::vector<char>>(call.size, 1)};
    std::vector<actor> sinks;
    for (Value i = 0; i < PAYLOAD_TARGETS; ++i) {
        bool acknowledges = i + 1 == PAYLOAD_TARGETS;
        sinks.push_back(system.spawn([&, acknowledges](event_based_actor* self) -> behavior {
            auto state = std::make_shared<std::pair<Value, Value>>();
            return {[&, self, state, acknowledges](const Payload& got,
                                                   const caf::strong_actor_ptr& from) {
                state->second += static_cast<Value>(got.bytes->size()) + got.bytes->back();
                if (++state->first % CREDIT == 0 && acknowledges) {
                    self->send(caf::actor_cast<actor>(from), go_atom::value);
                }
                if (state->first == call.n) {
                    totals.add(state->first, state->second);
                    self->quit();
                }
            }};
        }));
    }
    std::uint64_t begin = now_ns();
    begin_source(system.spawn([&](event_based_actor* self) -> behavior {
        auto next = std::make_shared<Value>(0);
        return {[&, self, next](go_atom) {
            auto from = caf::actor_cast<caf::strong_actor_ptr>(self);
            caf::message message = caf::make_message(payload, from);
            for (Value i = 0; i < CREDIT && *next < call.n; ++i, ++*next) {
                for (const actor& target : sinks) self->send(target, message);
            }
            if (*next == call.n) self->quit();
        }};
    }));
    system.await_all_actors_done();
    return finish(totals, begin);
}

int run_idle(caf::actor_system& system, const Call& call) {
    Totals totals;
    Value before = resident_bytes();
    std::uint64_t begin = now_ns();
    std::vector<actor> actors;
    actors.reserve(static_cast<std::size_t>(call.n));
    actor last;
    for (Value i = 0; i < call.n; ++i) {
        bool end = i == 0;
        actors.push_back(system.spawn([&totals, last, end](event_based_actor* self) -> behavior {
            return {[&totals, last, end, self](Value value) {
                if (end) {
                    totals.add(value + 1, value + 1);
                } else {
                    self->send(last, value + 1);
                }
            }};
        }));
        last = actors.back();
    }
    std::uint64_t took = now_ns() - begin;
    Value after = resident_bytes();
    caf::anon_send(last, Value{0});
    last = nullptr;
    totals.wait_for(call.n);
    int result =
        Answer()
            .add("ns", took)
            .add("count", totals.count)
            .add("sum", totals.sum)
            .add("bytes", static_cast<double>(after - before) / static_cast<double>(call.n))
            .print();
    // The end of a long chain of references would be a deep recursion: leave it to the system.
    std::_Exit(result);
}

int run(caf::actor_system& system, const Call& call) {
    const std::string& shape = call.shape;
    if (shape == "start") return run_pipeline(system, {shape, 1, 1, 1, 0, "one"});
    if (shape == "pipeline" || shape == "work") return run_pipeline(system, call);
    if (shape == "fan-out" || shape == "fan-in") return run_fan(system, call);
    if (shape == "ping-pong") return run_rings(system, call, 1, 2, 1);
    if (shape == "pairs") return run_rings(system, call, call.size, 2, 1);
    if (shape == "ring") return run_rings(system, call, 1, call.size, RING_TOKENS);
    if (shape == "latency") return run_latency(system, call);
    if (shape == "payload") return run_payload(system, call);
    if (shape == "idle") return run_idle(system, call);
    return UNSUPPORTED;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
    bench::Call call = bench::read_call(argc, argv);
    caf::actor_system_config config;
    config.set("scheduler.max-threads", static_cast<std::size_t>(call.workers));
    caf::actor_system system{config};
    return bench::run(system, call);
}
