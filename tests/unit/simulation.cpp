// The generator of networks, and the actors and hosts that run them. See network/simulation.hpp.
#include "network/simulation.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <set>
#include <thread>

#include "codec/msgpack.hpp"
#include "message/envelope.hpp"
#include "network/snapshot.hpp"

namespace reflow::testing {
namespace {

// A packet ends after so many hops, so that cycles do. Where nodes of a cycle multiply packets,
// each hop may do: fewer keep that below the growth that a stall allows.
constexpr std::uint32_t hops_most = 12;
constexpr std::uint32_t hops_most_in_cycles = 7;

std::uint64_t mix(std::uint64_t a, std::uint64_t b) { return Random(a * 31 + b).next(); }

// The stream that goes with a packet.
struct Carried {
    std::shared_ptr<const Message> handle{};
    std::int64_t id = 0;
    std::int64_t key = 0;  // of its StreamPlan
    explicit operator bool() const { return handle != nullptr; }
};

// What travels: who emitted it and as which, how many hops it has left, a value that depends
// on its ancestors alone, and which envelope goes with it.
struct Freight {
    std::int64_t stamp = 0;  // emitting node, outport, number
    std::int64_t hops = 0;
    std::int64_t value = 0;
    std::int64_t envelope = 0;  // its correlation; 0: none
    Carried stream{};
};
// The number of what may not arrive anywhere.
constexpr std::int64_t ghost = 0xffffff;

Message pack(const Freight& freight) {
    // Counted messages of two shapes, as real ones.
    std::int64_t fields[] = {freight.stamp, freight.hops, freight.value, freight.envelope};
    if (freight.value % 3 != 0 && !freight.stream) return Message::numbers(std::span<const std::int64_t>(fields));
    ObjectBuilder object(4);
    if (freight.stream) {
        object.set("stream", MessageRef(*freight.stream.handle).own());
        object.set("id", Message::integer(freight.stream.id));
        object.set("key", Message::integer(freight.stream.key));
    }
    object.set("stamp", Message::integer(freight.stamp));
    object.set("envelope", Message::integer(freight.envelope));
    object.set("hops", Message::integer(freight.hops));
    object.set("value", Message::integer(freight.value));
    return object.finish().take();
}

Freight unpack(MessageRef message) {
    if (message.is(REFLOW_KIND_ARRAY)) {
        return {message.at(0).integer(), message.at(1).integer(), message.at(2).integer(),
                message.at(3).integer()};
    }
    Freight freight{message.get("stamp").integer(), message.get("hops").integer(),
                    message.get("value").integer(), message.get("envelope").integer()};
    if (MessageRef handle = message.get("stream"); !handle.none()) {
        freight.stream = {std::make_shared<const Message>(handle.own()), message.get("id").integer(),
                          message.get("key").integer()};
    }
    return freight;
}

Message envelope_with(std::int64_t number) {
    std::string text = std::to_string(number);
    reflow_envelope envelope{};
    envelope.struct_size = sizeof envelope;
    envelope.correlation = {text.data(), text.size()};
    return write_envelope(envelope);
}
std::int64_t number_of(MessageRef envelope) {
    if (envelope.none()) return 0;
    reflow_envelope read = read_envelope(envelope);
    return std::stoll(std::string(read.correlation.data, read.correlation.size));
}

std::uint32_t inports_of(Role role) {
    if (role == Role::source) return 0;
    return role == Role::join_all || role == Role::join_required ? 2 : 1;
}
std::uint32_t outports_of(Role role) {
    return role == Role::sink || role == Role::reader ? 0 : role == Role::split ? 2 : 1;
}

}  // namespace

// ---- the generator

namespace {

// Some of the nodes that fail try again, give up to another node, or begin anew.
void plan_failures(Plan& plan, Random& random) {
    std::size_t count = plan.nodes.size();
    for (std::size_t i = 0; i < count; ++i) {
        const bool later = plan.nodes[i].role == Role::later;
        if ((plan.nodes[i].role != Role::failing && !later) || random.one_in(3)) continue;
        PlannedNode& node = plan.nodes[i];
        node.supervised = true;
        node.retries = static_cast<std::uint32_t>(random.below(4));
        if (later) continue;
        node.hold = random.one_in(2);
        node.restarts = random.one_in(4);
        if (random.one_in(4)) {
            // What it lets through depends on the time.
            node.threshold = 1 + static_cast<std::uint32_t>(random.below(4));
            plan.confluent = false;
        }
        if (!random.one_in(3)) continue;
        node.fallback = static_cast<std::int32_t>(plan.nodes.size());
        PlannedNode taker;
        taker.id = "n" + std::to_string(plan.nodes.size());
        taker.role = Role::sink;
        taker.takes_failures = true;
        plan.nodes.push_back(taker);  // `node` is no more
    }
}

void plan_priorities(Plan& plan, Random& random) {
    if (!random.one_in(3)) return;
    static constexpr const char* priorities[] = {"", "high", "low"};
    for (PlannedNode& node : plan.nodes) node.priority = priorities[random.below(3)];
}

void plan_stream_node(Plan& plan, PlannedNode& node, Random& random) {
    static constexpr Role roles[] = {Role::writer, Role::writer, Role::reader, Role::reader,
                                     Role::relay};
    node.role = roles[random.below(5)];
    node.gathers = node.role == Role::writer && random.one_in(4);
    // Which packet the stream goes with is chance.
    if (node.gathers) plan.confluent = false;
    node.one_by_one = node.role == Role::reader && !plan.flows && random.one_in(2);
}

void plan_dealing(Plan& plan, Random& random) {
    // In some networks outports deal. Who gets what depends on the order of steps, but by key.
    if (!random.one_in(3)) return;
    for (PlannedNode& node : plan.nodes) {
        static constexpr const char* ways[] = {"round-robin", "least-loaded", "value"};
        for (std::uint32_t port = 0; port < outports_of(node.role); ++port) {
            std::uint64_t way = random.below(6);
            if (way >= 3) continue;
            node.deals[port] = ways[way];
            plan.confluent = plan.confluent && way == 2;
        }
    }
}

}  // namespace

Plan make_plan(std::uint64_t seed) {
    Random random(seed);
    Plan plan;
    plan.seed = seed;
    static constexpr std::uint32_t capacities[] = {1, 2, 3, 1000};
    static constexpr std::uint32_t batches[] = {1, 2, 64};
    plan.port_capacity = capacities[random.below(4)];
    plan.batch_packets = batches[random.below(3)];
    plan.reader_capacity = 1 + static_cast<std::uint32_t>(random.below(8));
    plan.listens = random.one_in(4);
    bool joins = random.one_in(3);
    bool drops = random.one_in(4);
    bool cycles = random.one_in(3);
    plan.streams = random.one_in(3);
    plan.flows = plan.streams && !cycles && random.one_in(2);
    joins = joins && !plan.flows;
    plan.hops = cycles ? hops_most_in_cycles : hops_most;
    std::size_t count = 2 + random.below(9);
    for (std::size_t i = 0; i < count; ++i) {
        PlannedNode node;
        node.id = "n" + std::to_string(i);
        static constexpr Role plain[] = {Role::pass,   Role::batch, Role::slow,   Role::failing,
                                         Role::filter, Role::split, Role::spread, Role::gather,
                                         Role::sink,   Role::later};
        node.role = plain[random.below(10)];
        if (plan.streams && random.one_in(2)) plan_stream_node(plan, node, random);
        if (plan.flows && node.role == Role::gather) node.role = Role::pass;
        if (joins && random.one_in(3)) {
            node.role = random.one_in(2) ? Role::join_all : Role::join_required;
            plan.confluent = false;
        }
        if (i == 0 || random.one_in(5)) {
            node.role = Role::source;
            node.packets = static_cast<std::uint32_t>(random.below(30));
        }
        plan.nodes.push_back(node);
    }
    // Each inport gets a connection from a node before it, or from any in a graph with cycles;
    // then some more: fan-out, fan-in, diamonds, meshes.
    std::set<std::array<std::uint32_t, 4>> known;
    auto connect = [&](std::uint32_t to, std::uint32_t port) {
        auto last = static_cast<std::uint64_t>(cycles && random.one_in(3) ? count : to);
        auto from = static_cast<std::uint32_t>(random.below(std::max<std::uint64_t>(last, 1)));
        std::uint32_t outs = outports_of(plan.nodes[from].role);
        if (outs == 0 || (from == to && !cycles)) return;
        auto out = static_cast<std::uint32_t>(random.below(outs));
        if (!known.insert({from, out, to, port}).second) return;
        PlannedConnection connection{from, out, to, port, "", 0, 0};
        if (drops && random.one_in(3)) {
            static constexpr const char* kinds[] = {"latest", "drop-oldest", "drop-newest"};
            connection.kind = kinds[random.below(3)];
            plan.confluent = false;
        }
        if (random.one_in(4)) connection.capacity = capacities[random.below(3)];
        static constexpr std::uint32_t bytes[] = {1, 60, 150};  // a packet has some 24 to 50
        if (random.one_in(8)) connection.bytes = bytes[random.below(3)];
        plan.connections.push_back(connection);
    };
    for (std::uint32_t to = 0; to < count; ++to) {
        for (std::uint32_t port = 0; port < inports_of(plan.nodes[to].role); ++port) {
            connect(to, port);
            while (random.one_in(3)) connect(to, port);
        }
    }
    for (std::uint32_t i = 0; i < count; ++i) {
        Role role = plan.nodes[i].role;
        // Not joins of both inports: if one side is over, a host would wait for ever.
        bool feedable = inports_of(role) != 0 && role != Role::join_all;
        if (feedable && random.one_in(5)) {
            plan.fed.push_back(i);
            // The host would wait for a stream that ends when it drains.
            plan.nodes[i].one_by_one = false;
        }
        if (outports_of(role) != 0 && random.one_in(5)) plan.read.push_back(i);
        bool lacks = role == Role::join_required;  // a required port that is not connected
        for (const PlannedConnection& connection : plan.connections) {
            lacks = lacks && (connection.to != i || connection.to_port != 0);
        }
        if (lacks || (inports_of(role) != 0 && random.one_in(6))) plan.initial.push_back(i);
    }
    plan.host_packets = static_cast<std::uint32_t>(random.below(40));
    plan_dealing(plan, random);
    if (random.one_in(2)) plan_failures(plan, random);
    plan.carries = random.one_in(4);
    if (random.one_in(6)) {
        plan.on_stall = random.one_in(3) ? "fail" : "drop-oldest";
        plan.confluent = false;
    }
    plan_priorities(plan, random);
    return plan;
}

// ---- the actors

namespace {

// A stream that is passed on as another one; without the first one, that ends at once.
struct Passing {
    std::unique_ptr<ReadingEnd> from{};
    std::unique_ptr<WritingEnd> to{};
};

// What a node has seen and done. Only its callbacks touch it, which never overlap: `inside` says
// so, and a sanitizer sees whether each sees what the one before wrote.
struct Node {
    std::uint32_t number = 0;
    const PlannedNode* plan = nullptr;
    bool inside = false;
    std::uint64_t firings = 0;
    std::uint64_t failures = 0;
    std::uint64_t refused = 0;           // firings that its circuit breaker did not let begin
    std::uint64_t taken = 0;             // packets, not counting those shown again
    std::vector<std::uint64_t> emitted;  // by outport
    std::map<std::pair<std::uint32_t, std::int64_t>, std::vector<std::int64_t>> arrived;
    std::map<std::uint32_t, std::int64_t> shown;  // newest of a port of rule required
    std::uint64_t sum = 0;
    std::uint64_t restarts = 0;
    std::uint64_t retries = 0;
    std::uint64_t envelopes = 0;  // that have come
    std::vector<Freight> kept;
    std::set<std::int64_t> tried;  // stamps of packets whose firing has failed and is tried again
    std::set<std::int64_t> again;  // stamps of packets that come again from a snapshot
    std::map<std::int64_t, std::int64_t> promised;  // stamps of outputs by those of inputs
    std::uint32_t next = 0;
    std::unique_ptr<WritingEnd> writing;
    std::vector<ReadingEnd> reading;
    std::vector<Passing> passing;
    std::uint32_t in_a_row = 0;  // failed attempts of one with a circuit breaker
    bool opened = false;
    bool begun = false;  // with the packet at the front, which comes again
    int set_up = 0;
    int torn_down = 0;
    int finished = 0;
    int destroyed = 0;

    [[nodiscard]] bool deals(std::uint32_t port) const { return !plan->deals[port].empty(); }
};

// A firing of role later that the host is to end, or has ended.
struct LaterFiring {
    reflow_completion completion{};
    std::uint32_t node = 0;
    Freight input;
    std::int64_t envelope = 0;
    std::int64_t stamp = -1;  // of what it emits, if that is known when it begins
    std::uint32_t attempts = 0;  // that have failed before
    std::uint32_t retries = 0;   // that may follow the first one
    bool calm = false;           // never fails
    [[nodiscard]] std::uint64_t child() const {
        return mix(static_cast<std::uint64_t>(input.value), node);
    }
    // Some work at the second attempt or later, some at none.
    [[nodiscard]] bool fails_at(std::uint32_t attempt) const {
        return !calm && child() % 8 == 0 && (attempt == 0 || attempt <= child() / 8 % 5);
    }
    [[nodiscard]] bool fails() const { return fails_at(attempts); }
    [[nodiscard]] bool comes_again() const { return fails() && attempts < retries; }
    [[nodiscard]] bool emits() const { return !fails() && input.hops > 1; }
    [[nodiscard]] bool emits_at_last() const { return !fails_at(retries) && input.hops > 1; }
};

struct World {
    const Plan& plan;
    const How& how;
    std::vector<Node> nodes{};
    Outcome outcome{};
    std::mutex mutex{};  // guards outcome.faults
    std::atomic<std::uint64_t> running{0};
    bool failed = false;  // with a stall
    int lives = 0;        // of networks
    std::mutex later_mutex{};  // guards what follows, and what nodes of role later count
    std::condition_variable later_changed{};
    std::deque<LaterFiring> later{};        // that are pending
    std::vector<LaterFiring> later_done{};  // that have ended, where snapshots may cut
    std::set<std::pair<std::uint32_t, std::int64_t>> later_tried{};  // node and input, to come again
    bool later_over = false;
    StreamBook book{};
    Ref<runtime::StreamCount> live{};  // of the newest runtime

    void fault(const std::string& text) {
        std::lock_guard lock(mutex);
        outcome.faults.push_back(text);
    }
};

// Whether outputs of role later have the order of its inputs.
bool later_ordered(const How& how) { return how.seed % 2 == 0; }

// Inside one callback of a node.
class Visit {
public:
    Visit(World& world, Node& node, Context& context, const char* what)
        : world_(world), node_(node), context_(context) {
        if (std::exchange(node_.inside, true)) world_.fault(node_.plan->id + " runs twice at once");
        note(what);
    }
    ~Visit() { node_.inside = false; }

    void note(const std::string& text) {
        if (world_.how.threaded()) return;
        world_.outcome.trace +=
            node_.plan->id + " " + std::to_string(context_.now_ns()) + " " + text + "\n";
    }
    // What is emitted gets the envelope of the first input that has one.
    void open(std::span<const Packet> inputs) {
        if (!world_.plan.carries) return;
        for (const Packet& packet : inputs) {
            if (envelope_ == 0) envelope_ = number_of(envelope_at(packet.envelope));
        }
    }
    void set_envelope(std::int64_t number) {
        if (!world_.plan.carries) return;
        context_.actor.set_envelope(envelope_with(number));
        envelope_ = number;
    }
    // That of a packet is the one it was emitted with.
    void check_envelope(const Packet& packet, const Freight& freight) {
        std::int64_t number = number_of(envelope_at(packet.envelope));
        node_.envelopes += number != 0 ? 1 : 0;
        if (number != freight.envelope) {
            world_.fault(node_.plan->id + " gets a packet with another envelope");
        }
    }
    Freight arrive(const Packet& packet) {
        Freight freight = unpack(MessageRef(packet.message));
        check_envelope(packet, freight);
        if ((freight.stamp & ghost) == ghost) world_.fault("what was held back has arrived");
        if (node_.tried.count(freight.stamp) != 0 || node_.again.erase(freight.stamp) != 0) {
            return freight;
        }
        note(std::to_string(packet.port) + "<" + std::to_string(freight.stamp));
        bool again = false;
        if (node_.plan->role == Role::join_required && packet.port == 1) {
            // The same packet is shown until a newer one comes.
            auto [at, first] = node_.shown.emplace(packet.port, freight.stamp);
            again = !first && at->second == freight.stamp;
            at->second = freight.stamp;
        }
        if (again) return freight;
        ++node_.taken;
        node_.arrived[{packet.port, freight.stamp >> 24}].push_back(freight.stamp);
        node_.sum += mix(static_cast<std::uint64_t>(freight.value), packet.port);
        return freight;
    }
    std::int64_t next_stamp(std::uint32_t port) {
        return (std::int64_t{node_.number} * 4 + port) << 24 |
               static_cast<std::int64_t>(node_.emitted[port]++);
    }
    void emit(std::uint32_t port, std::int64_t hops, std::uint64_t value) {
        if (hops > 0) emit_as(port, next_stamp(port), hops, value);
    }
    // What is emitted from now on has this stream with it.
    void carry(Carried stream) { stream_ = std::move(stream); }
    void emit_as(std::uint32_t port, std::int64_t stamp, std::int64_t hops, std::uint64_t value) {
        hops = std::min<std::int64_t>(hops, world_.plan.hops);
        Freight freight{stamp, hops, static_cast<std::int64_t>(value >> 2), envelope_, stream_};
        if (context_.emit(port, pack(freight)) != REFLOW_OK) {
            world_.fault(node_.plan->id + " cannot emit");
        }
    }
    // What an actor does with one packet.
    reflow_status handle(const Freight& freight) {
        auto value = static_cast<std::uint64_t>(freight.value);
        std::uint64_t child = mix(value, node_.number);
        carry(freight.stream);
        switch (node_.plan->role) {
            case Role::failing:
                if (child % failing_share() == 0 && fails(freight, child / 4)) {
                    return context_.fail(Failure(REFLOW_ERROR_FAILED, "as planned"));
                }
                node_.in_a_row = 0;
                node_.opened = false;
                break;
            case Role::filter:
                if (child % 3 == 0) return REFLOW_OK;
                break;
            case Role::split:
                emit(child % 2, freight.hops - 1, child);
                return REFLOW_OK;
            case Role::spread:
                emit(0, freight.hops - 1, mix(child, 1));
                break;
            case Role::slow:
            case Role::gather:
                node_.kept.push_back(freight);
                return REFLOW_OK;
            case Role::sink:
                return REFLOW_OK;
            default:
                break;
        }
        emit(0, freight.hops - 1, child);
        return REFLOW_OK;
    }

private:
    // One in so many. Cycles multiply packets, and a network ends when a node restarts more often than it may.
    [[nodiscard]] std::uint64_t failing_share() const {
        const bool many = node_.plan->restarts && world_.plan.hops == hops_most_in_cycles;
        return many ? 64 : 4;
    }
    // Whether this failure opens the circuit breaker: then it is the last attempt. What comes while it is
    // open is not let through, so the next call is its trial.
    bool opens() {
        if (node_.plan->threshold == 0) return false;
        node_.opened = node_.opened || ++node_.in_a_row >= node_.plan->threshold;
        return node_.opened;
    }
    // Some work at the second attempt or later, some at none.
    bool fails(const Freight& freight, std::uint64_t child) {
        const PlannedNode& plan = *node_.plan;
        if (plan.supervised) {
            bool works = context_.attempts != 0 && context_.attempts > child % 5;
            if (works) return node_.tried.erase(freight.stamp), false;
            if (plan.hold) {
                Freight held{std::int64_t{node_.number} * 4 << 24 | ghost, 1, 1, envelope_};
                (void)context_.emit(0, pack(held));
            }
            const bool last = opens() || context_.attempts >= plan.retries;
            if (!last) return node_.tried.insert(freight.stamp), true;
            node_.tried.erase(freight.stamp);
        }
        ++node_.failures;
        return true;
    }

    World& world_;
    Node& node_;
    Context& context_;
    std::int64_t envelope_ = 0;  // of what is emitted now
    Carried stream_;             // and the stream
};

reflow_status run_source(Visit& visit, Node& node, Context& context) {
    if (node.next % 3 != 0) visit.set_envelope(std::int64_t{node.number} * 1000 + node.next);
    for (std::uint32_t i = 0; i < 3 && node.next < node.plan->packets; ++i) {
        visit.emit(0, hops_most, mix(node.number, node.next++));
    }
    if (node.next >= node.plan->packets) return ++node.firings, REFLOW_OK;
    if (node.next % 2 == 0) return context.again();
    ++node.firings;
    return context.wake_after(1'000 * (1 + node.next));
}

reflow_status run_slow(Visit& visit, Node& node, Context& context, std::span<Packet> inputs) {
    // A call without inputs is that of the timer, whatever has arrived since.
    for (const Freight& freight : std::exchange(node.kept, {})) {
        visit.carry(freight.stream);
        visit.emit(0, freight.hops - 1,
                   mix(static_cast<std::uint64_t>(freight.value), node.number));
    }
    for (const Packet& packet : inputs) (void)visit.handle(visit.arrive(packet));
    node.firings += std::max<std::size_t>(inputs.size(), 1);
    return node.kept.empty() ? reflow_status{REFLOW_OK} : context.wake_after(5'000);
}

// Each firing stays open, or some end at once where outputs have the order of inputs.
reflow_status run_later(World& world, Visit& visit, Node& node, Context& context,
                        std::span<Packet> inputs) {
    const bool ordered = later_ordered(world.how);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        const std::int64_t stamp = unpack(MessageRef(inputs[i].message)).stamp;
        {
            std::lock_guard lock(world.later_mutex);
            if (world.later_tried.erase({node.number, stamp}) != 0) node.again.insert(stamp);
        }
        LaterFiring firing{{}, node.number, visit.arrive(inputs[i]),
                           number_of(envelope_at(inputs[i].envelope))};
        firing.attempts = i == 0 ? context.attempts : 0;
        firing.calm = world.plan.flows && firing.input.stream;
        firing.retries = node.plan->retries;
        // Outputs have numbers in the order of the inputs, whichever attempt brings them.
        if (ordered && firing.emits_at_last()) {
            auto [at, first] = node.promised.emplace(stamp, 0);
            if (first) at->second = visit.next_stamp(0);
            firing.stamp = at->second;
        }
        if (ordered && firing.emits() && firing.child() % 3 == 0) {
            visit.open(inputs.subspan(i, 1));
            visit.carry(firing.input.stream);
            visit.emit_as(0, firing.stamp, firing.input.hops - 1, firing.child());
            std::lock_guard lock(world.later_mutex);
            ++node.firings;
            continue;
        }
        reflow_status status = context.defer(i, firing.completion);
        if (status != REFLOW_OK) return status;
        std::lock_guard lock(world.later_mutex);
        world.later.push_back(firing);
        world.later_changed.notify_all();
    }
    return REFLOW_OK;
}

// Ends a firing as the host does. False: it was over.
bool end_later(World& world, LaterFiring& firing) {
    Node& node = world.nodes[firing.node];
    if (firing.emits()) {
        if (firing.stamp < 0) {
            firing.stamp = std::int64_t{firing.node} * 4 << 24 |
                           static_cast<std::int64_t>(node.emitted[0]);
        }
        Freight freight{firing.stamp, std::min<std::int64_t>(firing.input.hops - 1, world.plan.hops),
                        static_cast<std::int64_t>(firing.child() >> 2),
                        world.plan.carries ? firing.envelope : 0, firing.input.stream};
        reflow_message message = pack(freight).leak();
        if (reflow_completion_emit(firing.completion, 0, message, 0) != REFLOW_OK) {
            return (void)Message::adopt(message), false;
        }
        if (!later_ordered(world.how)) ++node.emitted[0];
    }
    // Counted before: the network may be idle, and looked at, as soon as it has ended.
    auto count = [&](std::uint64_t one) {
        std::lock_guard lock(world.later_mutex);
        world.outcome.later += one;
        if (firing.comes_again()) {
            world.outcome.retried_later += one;
            if (one == 1) world.later_tried.insert({firing.node, firing.input.stamp});
            return;
        }
        node.firings += one;
        if (firing.fails()) node.failures += one;
    };
    count(1);
    reflow_status status =
        firing.fails() ? reflow_completion_fail(firing.completion, REFLOW_ERROR_FAILED, {}, {})
                       : reflow_completion_resolve(firing.completion);
    if (status != REFLOW_OK) return count(UINT64_MAX), false;
    if (world.how.threaded()) return true;
    world.outcome.trace += node.plan->id + " ends " + std::to_string(firing.input.stamp) + "\n";
    firing.input.stream = {};
    if (world.how.cuts != 0) world.later_done.push_back(firing);
    return true;
}

// One of those that are pending, if there is one.
bool end_some_later(World& world, Random& random) {
    LaterFiring firing;
    {
        std::lock_guard lock(world.later_mutex);
        if (world.later.empty()) return false;
        auto at = world.later.begin() + static_cast<std::ptrdiff_t>(random.below(world.later.size()));
        firing = *at;
        world.later.erase(at);
    }
    if (!end_later(world, firing)) world.fault("a pending firing is over");
    return true;
}

// On a thread of its own, until later_over.
void end_all_later(World& world) {
    Random random(world.plan.seed + 5);
    std::unique_lock lock(world.later_mutex);
    for (;;) {
        world.later_changed.wait(lock, [&] { return world.later_over || !world.later.empty(); });
        if (world.later.empty()) return;
        auto at = world.later.begin() + static_cast<std::ptrdiff_t>(random.below(world.later.size()));
        LaterFiring firing = *at;
        world.later.erase(at);
        lock.unlock();
        // A stop cancels those that are pending, and so does a stall that ends the network.
        bool ended = end_later(world, firing);
        bool may_be_over = world.how.stop_early || world.plan.on_stall == "fail";
        if (!ended && !may_be_over) world.fault("a pending firing is over");
        lock.lock();
    }
}

// What is pending comes again after a snapshot, and nothing else does.
void note_again(World& world, MessageRef snapshot) {
    std::map<std::pair<std::uint32_t, std::int64_t>, LaterFiring> ended;  // by node and input
    std::set<std::pair<std::uint32_t, std::int64_t>> open;
    for (const LaterFiring& one : world.later_done) ended[{one.node, one.input.stamp}] = one;
    for (const LaterFiring& one : world.later) open.insert({one.node, one.input.stamp});
    auto comes = [&](Node& node, MessageRef packet, std::uint32_t attempts) {
        const std::pair key{node.number, unpack(packet).stamp};
        auto found = ended.find(key);
        // The last attempt that has ended is the one that waits for the next: that has happened.
        bool waits = found != ended.end() && found->second.comes_again() &&
                     found->second.attempts < attempts;
        if (open.count(key) != 0) return (void)node.again.insert(key.second);
        if (found != ended.end() && !waits) world.fault("a firing that has ended comes again");
    };
    for (Node& node : world.nodes) {
        if (node.plan->role != Role::later) continue;
        MessageRef saved = snapshot.get("nodes").at(node.number);
        MessageRef taken = saved.get("taken"), retries = saved.get("retries");
        for (std::size_t i = 0; i < taken.size(); ++i) comes(node, taken.at(i).at(2), 0);
        for (std::size_t i = 0; i < retries.size(); ++i) {
            auto attempts = static_cast<std::uint32_t>(retries.at(i).at(0).integer());
            comes(node, retries.at(i).at(2).at(0).at(2), attempts);
        }
        MessageRef order = saved.get("order");
        for (std::size_t i = 0; i < order.size(); ++i) {
            const std::size_t size = order.at(i).size();
            world.outcome.kept += size == 2;
            world.outcome.ended += size > 2;
            world.outcome.failed += size > 3;
        }
    }
    world.later.clear();
    world.later_done.clear();
}

reflow_status run_join(Visit& visit, Node& node, std::span<Packet> inputs) {
    for (std::size_t at = 0; at < inputs.size(); at += 2) {
        std::uint64_t value = node.number;
        std::int64_t hops = hops_most;
        visit.carry({});
        for (const Packet& packet : inputs.subspan(at, 2)) {
            if (MessageRef(packet.message).none()) continue;
            Freight freight = visit.arrive(packet);
            value = mix(value, static_cast<std::uint64_t>(freight.value));
            if (freight.stream) visit.carry(freight.stream);
            hops = std::min(hops, freight.hops);
        }
        ++node.firings;
        visit.emit(0, hops - 1, value);
    }
    return REFLOW_OK;
}

// ---- nodes with streams

// The actor's own: the network stops.
bool stops(World& world, reflow_status status) {
    if (status != REFLOW_ERROR_CANCELLED) world.book.fault("a stream: " + std::to_string(status));
    return true;
}

// The new stream goes with what is emitted next.
std::unique_ptr<WritingEnd> open_stream(World& world, Visit& visit, Context& context,
                                        std::uint64_t key, std::int64_t length, bool gathers) {
    const StreamPlan plan(key);
    const std::size_t id = world.book.open(plan, gathers ? -1 : length);
    Message handle;
    auto made = runtime::open_stream(context, 0, stream_options(id, plan, !world.plan.flows), handle);
    if (!made.ok()) {
        world.book.writer_over(id, StreamEnd::drops, true);
        (void)stops(world, made.error().status);
        return nullptr;
    }
    visit.carry({std::make_shared<const Message>(std::move(handle)), static_cast<std::int64_t>(id),
                 static_cast<std::int64_t>(key)});
    return std::make_unique<WritingEnd>(world.book, id, plan, length, std::move(made).take());
}

// As the first one its reader, or else an observer.
std::unique_ptr<ReadingEnd> accept_stream(World& world, Context& context, const Carried& stream,
                                          bool observes) {
    const StreamPlan plan(static_cast<std::uint64_t>(stream.key));
    const MessageRef handle(*stream.handle);
    const auto id = static_cast<std::size_t>(stream.id);
    auto made = runtime::accept_stream(context, handle);
    bool observer = false;
    if (!made.ok() && made.error().status == REFLOW_ERROR_ALREADY_EXISTS) {
        if (!observes) return nullptr;
        observer = true;
        made = runtime::observe_stream(context, handle, {}, plan.observed_reliably());
    }
    if (!made.ok()) return stops(world, made.error().status), nullptr;
    return std::make_unique<ReadingEnd>(world.book, id, plan, observer, plan.observed_reliably(),
                                        std::move(made).take());
}

// The inputs from there on wait for a stream.
reflow_status rest_at(Node& node, Context& context, std::size_t done, bool rests) {
    node.firings += done;
    (void)context.advance(done);
    (void)context.again();
    return rests ? context.rest() : REFLOW_OK;
}

reflow_status run_writer(World& world, Visit& visit, Node& node, Context& context,
                         std::span<Packet> inputs) {
    // In a cycle something may come behind its finish, and nobody would end that stream.
    const bool gathers = node.plan->gathers && node.finished == 0;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        if (!std::exchange(node.begun, true)) {
            const Freight freight = visit.arrive(inputs[i]);
            const std::uint64_t child = mix(static_cast<std::uint64_t>(freight.value), node.number);
            const StreamPlan plan(child);
            visit.carry({});
            if (node.writing == nullptr || node.writing->over()) {
                node.writing = open_stream(world, visit, context, child, plan.length(), gathers);
            } else {
                node.writing->lengthen(plan.length());
            }
            visit.emit(0, freight.hops - 1, child);
        }
        if (node.writing != nullptr && !node.writing->over()) {
            const std::int64_t most = node.writing->plan().pauses() ? 2 : INT64_MAX;
            const reflow_status status = node.writing->pump(0, most, !gathers);
            if (status == REFLOW_ERROR_WOULD_BLOCK) return rest_at(node, context, i, true);
            if (status == REFLOW_ERROR_LIMIT) return rest_at(node, context, i, false);
        }
        node.begun = false;
    }
    node.firings += std::max<std::size_t>(inputs.size(), 1);
    return REFLOW_OK;
}

// One stream after the other, or all that come at the same time.
reflow_status run_reader(World& world, Visit& visit, Node& node, Context& context,
                         std::span<Packet> inputs) {
    const std::size_t batch = 1 + node.number % 4;
    auto pump = [&] {
        std::erase_if(node.reading, [&](ReadingEnd& one) { return one.pump(0, batch) == REFLOW_OK; });
        visit.note(std::to_string(node.reading.size()) + " streams are open");
        return node.reading.empty();
    };
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        if (!node.plan->one_by_one || !std::exchange(node.begun, true)) {
            const Freight freight = visit.arrive(inputs[i]);
            if (freight.stream) {
                auto made = accept_stream(world, context, freight.stream, true);
                if (made != nullptr) node.reading.push_back(std::move(*made));
            }
        }
        if (!node.plan->one_by_one) continue;
        if (!pump()) return rest_at(node, context, i, true);
        node.begun = false;
    }
    if (!node.plan->one_by_one) (void)pump();
    node.firings += std::max<std::size_t>(inputs.size(), 1);
    return REFLOW_OK;
}

// Whether it is over.
bool pass_on(Passing& passing) {
    runtime::Patience none(0);
    while (passing.from != nullptr) {
        const reflow_status room = passing.to->writer().wait_for_room(none);
        if (room == REFLOW_ERROR_WOULD_BLOCK) return false;
        if (room != REFLOW_OK) return passing.to->unread(), passing.from->leave(), true;
        reflow_frame_kind kind = 0;
        Message frame;
        if (passing.from->front(kind, frame) != REFLOW_OK) return false;
        if (kind == REFLOW_FRAME_DATA) {
            if (passing.to->writer().push(passing.to->frame()) != REFLOW_OK) continue;
            passing.to->wrote();
            passing.from->pop();
        }
        passing.from->take(kind, frame);
        if (!passing.from->over()) continue;
        passing.to->end(kind == REFLOW_FRAME_END ? StreamEnd::ends : StreamEnd::fails);
        return true;
    }
    passing.to->end(StreamEnd::ends);
    return true;
}

reflow_status run_relay(World& world, Visit& visit, Node& node, Context& context,
                        std::span<Packet> inputs) {
    for (const Packet& packet : inputs) {
        const Freight freight = visit.arrive(packet);
        const std::uint64_t child = mix(static_cast<std::uint64_t>(freight.value), node.number);
        visit.carry({});
        if (freight.stream) {
            Passing passing{accept_stream(world, context, freight.stream, false),
                            open_stream(world, visit, context, child, 0, true)};
            if (passing.to != nullptr) {
                node.passing.push_back(std::move(passing));
            } else if (passing.from != nullptr) {
                passing.from->leave();
            }
        }
        visit.emit(0, freight.hops - 1, child);
    }
    std::erase_if(node.passing, pass_on);
    node.firings += std::max<std::size_t>(inputs.size(), 1);
    return REFLOW_OK;
}

// With the teardown of its node: hosts may wait for the other ends.
void leave_streams(Node& node) {
    if (node.writing && !node.writing->over()) node.writing->end(StreamEnd::drops);
    for (ReadingEnd& one : node.reading) one.leave();
    for (Passing& one : node.passing) {
        if (one.from != nullptr) one.from->leave();
        one.to->end(StreamEnd::drops);
    }
    node.writing.reset();
    node.reading.clear();
    node.passing.clear();
    node.begun = false;
}

// Takes some of the batch, sometimes by advance and again, sometimes all.
reflow_status run_batch(Visit& visit, Node& node, Context& context, std::span<Packet> inputs) {
    std::uint64_t choice = mix(node.taken, node.number);
    std::size_t done = choice % 3 == 0 ? 1 + choice / 3 % inputs.size() : inputs.size();
    for (const Packet& packet : inputs.first(done)) (void)visit.handle(visit.arrive(packet));
    node.firings += done;
    if (done == inputs.size() && choice % 2 == 0) return REFLOW_OK;
    if (context.advance(done) != REFLOW_OK) return REFLOW_ERROR_INTERNAL;
    if (done == inputs.size()) return REFLOW_OK;
    return context.again();
}

reflow_status run_node(World& world, Node& node, Context& context, std::span<Packet> inputs) {
    Visit visit(world, node, context, "run");
    visit.open(inputs);
    switch (node.plan->role) {
        case Role::source:
            return run_source(visit, node, context);
        case Role::slow:
            return run_slow(visit, node, context, inputs);
        case Role::join_all:
        case Role::join_required:
            return run_join(visit, node, inputs);
        case Role::batch:
            return run_batch(visit, node, context, inputs);
        case Role::later:
            return run_later(world, visit, node, context, inputs);
        case Role::writer:
            return run_writer(world, visit, node, context, inputs);
        case Role::reader:
            return run_reader(world, visit, node, context, inputs);
        case Role::relay:
            return run_relay(world, visit, node, context, inputs);
        default:
            break;
    }
    if (inputs.empty()) world.fault(node.plan->id + " is called without inputs");
    reflow_status status = REFLOW_OK;
    for (const Packet& packet : inputs) {
        ++node.firings;
        Message taken = Message::adopt(packet.message);
        status = visit.handle(visit.arrive(packet));
        (void)taken.leak();
        // One that is tried again has not ended.
        if (status != REFLOW_OK && node.tried.count(unpack(MessageRef(packet.message)).stamp) != 0) {
            --node.firings;
        }
    }
    return status;
}

runtime::ComponentRef component_of(World& world, Role role) {
    Ports ports;
    for (std::uint32_t i = 0; i < inports_of(role); ++i)
        ports.in.push_back("i" + std::to_string(i));
    for (std::uint32_t i = 0; i < outports_of(role); ++i) {
        ports.out.push_back("o" + std::to_string(i));
    }
    reflow_await await = REFLOW_AWAIT_ANY;
    if (role == Role::join_all) await = REFLOW_AWAIT_ALL;
    if (role == Role::join_required) {
        await = REFLOW_AWAIT_REQUIRED;
        ports.required = {"i0"};
    }
    bool many = role == Role::batch || role == Role::join_all || role == Role::later ||
                role == Role::writer || role == Role::reader;
    std::uint32_t max_batch = many ? 7 : 1;
    auto make = [&world](std::string_view id) {
        Node& node = world.nodes[std::stoul(std::string(id.substr(1)))];
        auto behaviour = std::make_unique<Behaviour>();
        behaviour->run = [&](Context& context, std::span<Packet> inputs) {
            return run_node(world, node, context, inputs);
        };
        behaviour->setup = [&](Context& context) {
            Visit visit(world, node, context, "setup");
            ++node.set_up;
            return reflow_status{REFLOW_OK};
        };
        behaviour->finish = [&](Context& context) {
            Visit visit(world, node, context, "finish");
            ++node.finished;
            if (node.writing && !node.writing->over()) node.writing->end(StreamEnd::ends);
            for (const Freight& freight : std::exchange(node.kept, {})) {
                visit.carry(freight.stream);
                visit.emit(0, freight.hops - 1,
                           mix(static_cast<std::uint64_t>(freight.value), node.number));
            }
            return reflow_status{REFLOW_OK};
        };
        behaviour->teardown = [&](Context& context) {
            Visit visit(world, node, context, "teardown");
            leave_streams(node);
            // What it was to pass on later; a host may wait for its reader. One that is cut goes on with it.
            if (world.how.stop_early) node.kept.clear();
            ++node.torn_down;
        };
        behaviour->destroyed = [&] { ++node.destroyed; };
        return behaviour;
    };
    return component("Role" + std::to_string(static_cast<int>(role)), ports, make, await, max_batch,
                     role == Role::source);
}

// What it does when a firing fails.
Message failure_of(const PlannedNode& node) {
    ObjectBuilder failure;
    failure.set("retries", Message::integer(node.retries));
    failure.set("backoff_ms", Message::integer(1));
    failure.set("backoff_factor", Message::integer(1));
    failure.set("hold", Message::boolean(node.hold));
    if (node.threshold != 0) {
        ObjectBuilder breaker;
        breaker.set("threshold", Message::integer(node.threshold));
        breaker.set("cooldown_ms", Message::integer(1));
        failure.set("breaker", breaker.finish().take());
    }
    if (node.restarts) {
        failure.set("then", Message::string("restart"));
        failure.set("restarts", Message::integer(1000));
    }
    if (node.fallback >= 0) {
        ObjectBuilder fallback;
        fallback.set("node", Message::string("n" + std::to_string(node.fallback)));
        failure.set("fallback", fallback.finish().take());
    }
    return failure.finish().take();
}

// How its outports deal, and what its failures lead to.
Message settings_of(const PlannedNode& node) {
    ObjectBuilder all;
    if (node.supervised) all.set("failure", failure_of(node));
    if (!node.priority.empty()) {
        ObjectBuilder firing;
        firing.set("priority", Message::string(node.priority));
        all.set("firing", firing.finish().take());
    }
    ObjectBuilder deals;
    for (std::uint32_t port = 0; port < 2; ++port) {
        const std::string& way = node.deals[port];
        if (way.empty()) continue;
        Message how = Message::string(way);
        if (way == "value") {
            ObjectBuilder key;
            key.set("key", Message::string(way));
            how = key.finish().take();
        }
        deals.set("o" + std::to_string(port), std::move(how));
    }
    if (deals.size() != 0) all.set("distribute", deals.finish().take());
    return all.size() == 0 ? Message() : all.finish().take();
}

// A network of the plan, created and not started.
std::unique_ptr<Net> make_net(World& world) {
    const Plan& plan = world.plan;
    Options options;
    options.mode = world.how.mode;
    options.workers = world.how.workers;
    options.seed = world.how.seed;
    options.port_capacity = plan.port_capacity;
    options.batch_packets = plan.batch_packets;
    std::vector<runtime::ComponentRef> components;
    for (int role = 0; role <= static_cast<int>(Role::sink); ++role) {
        components.push_back(component_of(world, static_cast<Role>(role)));
        // In some of the runs some run on threads beside the workers.
        components.back()->blocking = (world.how.seed + static_cast<unsigned>(role)) % 4 == 0;
        // In some they have priorities.
        bool ranked = world.how.seed % 3 == 0;
        unsigned rank = static_cast<unsigned>(world.how.seed / 3 + static_cast<unsigned>(role)) % 3;
        if (ranked) components.back()->rank = static_cast<runtime::Rank>(rank);
        components.back()->stateless = true;  // what they have is in the world
        if (static_cast<Role>(role) == Role::later) {
            components.back()->max_concurrency = 1 + static_cast<std::uint32_t>(plan.seed % 4);
            components.back()->ordered = later_ordered(world.how);
            if (components.back()->ordered) components.back()->max_batch = 1;  // as reflow.h says
        }
    }
    auto net = std::make_unique<Net>(options, std::move(components));
    world.live = net->runtime->scheduler().streams;
    for (const PlannedNode& node : plan.nodes) {
        net->node(node.id, "Role" + std::to_string(static_cast<int>(node.role)), settings_of(node));
    }
    for (const PlannedConnection& it : plan.connections) {
        net->connect(plan.nodes[it.from].id + ".o" + std::to_string(it.from_port),
                     plan.nodes[it.to].id + ".i" + std::to_string(it.to_port), it.kind, it.capacity,
                     it.bytes);
    }
    std::int64_t stamp = static_cast<std::int64_t>(plan.nodes.size() + plan.fed.size());
    for (std::uint32_t node : plan.initial) {
        for (std::int64_t i = 0; i < 2; ++i) {
            Freight freight{stamp * 4 << 24 | i, 3, i * 17};
            net->initial(plan.nodes[node].id + ".i0", pack(freight));
        }
        ++stamp;
    }
    if (!plan.on_stall.empty()) {
        (void)net->graph.set_property("on_stall", Message::string(plan.on_stall));
    }
    // Each failure is to be found again.
    (void)net->graph.set_property("dead_letters", Message::integer(limits::most_dead_letters_count));
    net->create();
    if (plan.carries && !net->network->carry_envelopes().ok()) world.fault("no envelopes");
    return net;
}

// ---- the host

// What would not go on by then never does: attempts come again by the clock, whatever a thread does.
class Deadline {
public:
    [[nodiscard]] bool over() const { return std::chrono::steady_clock::now() > until_; }

private:
    const std::chrono::steady_clock::time_point until_ =
        std::chrono::steady_clock::now() + std::chrono::seconds(60);
};

class Host {
public:
    Host(World& world, std::unique_ptr<Net> net) : world_(world), net_(std::move(net)) {
        for (std::uint32_t node : world.plan.read) {
            readers_.emplace_back().output =
                net_->output(name(node) + ".o0", world.plan.reader_capacity);
        }
        for (std::uint32_t node : world.plan.fed)
            inports_.push_back(net_->inport(name(node) + ".i0"));
        sent_.resize(inports_.size());
        listen();
    }
    ~Host() {
        if (subscription_) net_->network->unsubscribe(*subscription_);
    }
    [[nodiscard]] Net& net() const { return *net_; }

    // Another network goes on where this one is. Nothing happens in this one any more, since it
    // was paused before.
    void cut() {
        if (holds_streams()) return;  // which are in none of what a snapshot has
        Result<void> paused = net_->network->pause("", REFLOW_FOREVER);
        if (stalled(paused)) return;
        if (!paused.ok()) return world_.fault("pause: " + error_text(paused));
        Result<Message> taken = net_->network->snapshot(REFLOW_FOREVER);
        const std::uint64_t live = world_.live->live;
        if (!taken.ok() && taken.error().status == REFLOW_ERROR_WOULD_BLOCK && live != 0) {
            ++world_.outcome.unsaved;
            if (Result<void> on = net_->network->resume(""); !on.ok()) world_.fault("resume");
            return;
        }
        if (!taken.ok()) {
            return world_.fault("snapshot: " + std::string(taken.error().describe()));
        }
        if (world_.book.open_ends() != 0 && world_.plan.flows) {
            world_.fault("a snapshot is taken while a stream is open");
        }
        note_again(world_, taken.value());
        String bytes;
        Result<void> written = codec::write_msgpack(bytes, taken.value());
        Result<Message> read = codec::read_msgpack(bytes);
        if (!written.ok() || !read.ok()) return world_.fault("the snapshot cannot be read again");
        if (subscription_) net_->network->unsubscribe(*std::exchange(subscription_, {}));
        for (Reader& reader : readers_) reader.output = {};
        count_life();
        net_.reset();
        net_ = make_net(world_);
        for (std::size_t i = 0; i < readers_.size(); ++i) {
            readers_[i].output =
                net_->output(name(world_.plan.read[i]) + ".o0", world_.plan.reader_capacity);
        }
        for (std::size_t i = 0; i < inports_.size(); ++i) {
            inports_[i] = net_->inport(name(world_.plan.fed[i]) + ".i0");
        }
        listen();
        Result<void> restored = net_->network->restore(read.value(), {nullptr, nullptr});
        if (!restored.ok()) world_.fault("restore: " + error_text(restored));
        net_->start();
    }

    // Dead letters, attempts and restarts go on in the next life.
    void count_life() {
        ++world_.lives;
        reflow_dead_letters letters{};
        net_->network->count_letters(letters);
        if (letters.total < letters_) world_.fault("a snapshot has lost letters");
        letters_ = letters.total;
        if (letters.lost != 0) world_.fault("letters are lost");
        for (std::uint32_t i = 0; i < world_.plan.nodes.size(); ++i) {
            reflow_node_status status{};
            if (!net_->network->node_state(name(i), status).ok()) world_.fault("no state");
            world_.nodes[i].restarts = status.restarts;
            world_.nodes[i].retries = status.retries;
        }
    }
    [[nodiscard]] std::uint64_t letters() const noexcept { return letters_; }

    // Without threads: sends, reads and runs in turn. drained() looks before the stop.
    template <typename Drained>
    void alone(Drained drained_look) {
        Random random(world_.plan.seed + 77);
        for (std::uint32_t i = 0; i < world_.plan.host_packets; ++i) {
            for (std::size_t to = 0; to < inports_.size(); ++to) send(to, i, 0);
            for (Reader& reader : readers_) read(reader);
            (void)pump_writers();
            while (random.one_in(2) && end_some_later(world_, random)) {
            }
            if (cuts_ < world_.how.cuts && random.one_in(5)) cut_after(random.below(60));
        }
        while (cuts_ < world_.how.cuts) cut_after(random.below(200));
        if (world_.how.stop_early) return;
        // Everything that waits for the host goes on when it reads.
        for (const Deadline deadline; !deadline.over();) {
            // A wait would be one for firings that only this thread ends.
            const bool later = has_later();
            Result<void> drained =
                net_->network->drain(!later ? REFLOW_FOREVER : world_.later.empty() ? 1 : 0);
            bool some = later && !drained.ok() && work();
            for (Reader& reader : readers_) some = read(reader) || some;
            some = pump_writers() || some;
            if (drained.ok()) {
                for (some = true; some;) {
                    some = pump_writers();
                    for (Reader& reader : readers_) some = read(reader) || some;
                }
                check_after_drain();
                return drained_look();
            }
            if (stalled(drained)) return;
            const reflow_status status = drained.error().status;
            if (later && (status == REFLOW_ERROR_TIMEOUT || status == REFLOW_ERROR_WOULD_BLOCK)) continue;
            if (status != REFLOW_ERROR_WOULD_BLOCK || !some) {
                return world_.fault("drain: " + error_text(drained));
            }
        }
        world_.fault("the drain does not end");
    }

    template <typename Drained>
    void with_threads(Drained drained_look) {
        std::vector<std::thread> threads;
        for (Reader& reader : readers_) {
            threads.emplace_back([&] {
                while (read(reader, 60'000)) {
                }
                for (std::thread& stream : reader.threads) stream.join();
            });
        }
        for (std::size_t to = 0; to < inports_.size(); ++to) {
            threads.emplace_back([this, to] {
                for (std::uint32_t i = 0; i < world_.plan.host_packets; ++i) send(to, i, 60'000);
            });
        }
        std::size_t first_sender = readers_.size();
        std::atomic<bool> over{false};
        std::thread later([this] { end_all_later(world_); });
        std::thread snapshots;
        if (world_.how.cuts != 0) snapshots = std::thread([&] { take_snapshots(over); });
        if (world_.how.stop_early) {
            for (int i = 0; i < 500; ++i) (void)net_->counters(name(0));
        } else {
            for (std::size_t i = first_sender; i < threads.size(); ++i) threads[i].join();
            over.store(true, std::memory_order_relaxed);
            if (snapshots.joinable()) snapshots.join();
            Result<void> drained = net_->network->drain(60'000);
            if (!stalled(drained)) {
                if (!drained.ok()) world_.fault("drain: " + error_text(drained));
                check_after_drain();
                drained_look();
            }
        }
        Result<void> stopped = net_->network->stop(60'000);
        if (!stopped.ok()) world_.fault("stop: " + error_text(stopped));
        if (snapshots.joinable()) snapshots.join();
        {
            std::lock_guard lock(world_.later_mutex);
            world_.later_over = true;
            world_.later_changed.notify_all();
        }
        later.join();
        for (std::thread& thread : threads) {
            if (thread.joinable()) thread.join();
        }
    }

    void check_after_drain() {
        if (net_->network->state() != REFLOW_NETWORK_DRAINED) world_.fault("not drained");
        if (net_->idle(0) != REFLOW_OK) world_.fault("not idle after the drain");
    }

    [[nodiscard]] std::uint64_t sent_to(std::uint32_t node) const {
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < inports_.size(); ++i) {
            if (world_.plan.fed[i] == node) sum += sent_[i];
        }
        return sum;
    }
    [[nodiscard]] std::uint64_t read_from(std::uint32_t node) const {
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < readers_.size(); ++i) {
            if (world_.plan.read[i] == node) sum += readers_[i].stamps.size();
        }
        return sum;
    }
    // What a reader gets is all of the outport, in order.
    void check_readers() {
        for (const Reader& reader : readers_) {
            for (std::size_t i = 0; i < reader.stamps.size(); ++i) {
                if ((reader.stamps[i] & 0xffffff) != static_cast<std::int64_t>(i)) {
                    return world_.fault("a reader misses packets, or has them in another order");
                }
            }
        }
    }

private:
    // The first stall may end the network: then what it has done so far has to be right.
    [[nodiscard]] bool stalled(const Result<void>& done) {
        if (done.ok() || done.error().status != REFLOW_ERROR_LIMIT) return false;
        if (world_.plan.on_stall != "fail") return false;
        return world_.failed = true;
    }
    struct Reader {
        Ref<Output> output;
        std::vector<std::int64_t> stamps{};
        std::deque<ReadingEnd> streams{};  // of threads one each
        std::vector<std::thread> threads{};
    };
    // Whether a stream is with the host, or with what nodes keep outside of the engine.
    [[nodiscard]] bool holds_streams() const {
        bool some = !writers_.empty();
        for (const Reader& reader : readers_) {
            for (const ReadingEnd& one : reader.streams) some = some || !one.over();
        }
        for (const Node& node : world_.nodes) {
            for (const Freight& freight : node.kept) some = some || freight.stream;
        }
        for (const LaterFiring& firing : world_.later) some = some || firing.input.stream;
        return some;
    }
    // Of the host, without threads: whether any got on.
    bool pump_writers() {
        bool some = false;
        std::erase_if(writers_, [&](WritingEnd& one) {
            const std::int64_t before = one.next();
            const bool over = one.pump(0) == REFLOW_OK;
            some = some || over || one.next() != before;
            return over;
        });
        return some;
    }
    void accept(Reader& reader, const Carried& stream, std::int64_t timeout) {
        const StreamPlan plan(static_cast<std::uint64_t>(stream.key));
        const MessageRef handle(*stream.handle);
        auto keep = [&] { return runtime::Keep(*net_->runtime, net_->runtime->scheduler()); };
        auto made = runtime::accept_stream(handle, keep(), {});
        const bool observes = !made.ok();
        if (observes && made.error().status == REFLOW_ERROR_ALREADY_EXISTS) {
            made = runtime::observe_stream(handle, keep(), {}, {}, plan.observed_reliably());
        }
        if (!made.ok()) return world_.fault("accept: " + std::to_string(made.error().status));
        ReadingEnd& end = reader.streams.emplace_back(
            world_.book, static_cast<std::size_t>(stream.id), plan, observes,
            plan.observed_reliably(), std::move(made).take());
        if (timeout == 0) return;
        reader.threads.emplace_back([this, &end, timeout] {
            const reflow_status status = end.pump(timeout, 2);
            if (status != REFLOW_OK) world_.fault("a stream: " + std::to_string(status));
        });
    }
    // A stream that the host writes goes with the message.
    std::unique_ptr<WritingEnd> make_stream(Freight& freight) {
        const StreamPlan plan(static_cast<std::uint64_t>(freight.value));
        const std::size_t id = world_.book.open(plan, plan.length());
        runtime::Scheduler& scheduler = net_->runtime->scheduler();
        Message handle;
        auto made = runtime::Stream::create(
            *scheduler.streams, stream_options(id, plan, !world_.plan.flows), {}, handle);
        if (!made.ok()) return world_.fault("a stream of the host"), nullptr;
        freight.stream = {std::make_shared<const Message>(std::move(handle)),
                          static_cast<std::int64_t>(id), freight.value};
        auto writer = std::make_unique<runtime::StreamWriter>(
            std::move(made).take(), runtime::Keep(*net_->runtime, scheduler));
        return std::make_unique<WritingEnd>(world_.book, id, plan, plan.length(), std::move(writer));
    }
    // It has been sent, or not.
    void write_stream(std::unique_ptr<WritingEnd> end, bool sent, std::int64_t timeout) {
        if (end == nullptr) return;
        if (!sent) return end->end(StreamEnd::drops);
        if (timeout == 0) return (void)writers_.push_back(std::move(*end));
        const reflow_status status = end->pump(timeout);
        if (status != REFLOW_OK) world_.fault("a stream of the host: " + std::to_string(status));
        if (!end->over()) end->end(StreamEnd::drops);
    }
    void listen() {
        if (!world_.plan.listens) return;
        auto made = net_->network->subscribe({.kinds = REFLOW_EVENTS_ALL, .capacity = 16});
        subscription_ = std::move(made).take();
    }
    void cut_after(std::uint64_t turns) {
        if (turns != 0) (void)net_->runtime->scheduler().run({.turns = turns});
        ++cuts_;
        cut();
    }
    // With threads: the network does not notice.
    void take_snapshots(const std::atomic<bool>& over) {
        while (!over.load(std::memory_order_relaxed)) {
            Result<Message> taken = net_->network->snapshot(60'000);
            if (taken.ok()) {
                check_conservation(taken.value());
                continue;
            }
            reflow_status status = taken.error().status;
            if (status == REFLOW_ERROR_WOULD_BLOCK && world_.plan.streams) continue;
            bool ended = status == REFLOW_ERROR_INVALID_STATE || status == REFLOW_ERROR_CANCELLED ||
                         (status == REFLOW_ERROR_LIMIT && world_.plan.on_stall == "fail");
            if (!ended) world_.fault("snapshot: " + std::string(taken.error().describe()));
            return;
        }
    }
    // What was delivered has been taken, waits, or was dropped. Where hosts feed or read the
    // snapshot cannot tell.
    void check_conservation(MessageRef snapshot) {
        if (!world_.plan.fed.empty() || !world_.plan.read.empty()) return;
        std::int64_t sent = 2 * static_cast<std::int64_t>(world_.plan.initial.size());
        std::int64_t there = 0;
        MessageRef nodes = snapshot.get("nodes");
        for (std::size_t i = 0; i < nodes.size(); ++i) {
            MessageRef counters = nodes.at(i).get("counters");
            sent += counters.at(2).integer();
            there += counters.at(1).integer() + counters.at(4).integer();
            there += static_cast<std::int64_t>(nodes.at(i).get("waiting").size());
            MessageRef newest = nodes.at(i).get("newest");
            for (std::size_t n = 0; n < newest.size(); ++n) there += newest.at(n).at(2).boolean();
        }
        if (sent != there) {
            world_.fault("a snapshot has " + std::to_string(there) + " packets of " +
                         std::to_string(sent));
        }
    }
    // Without threads: whether this thread is to end firings, and lets that happen.
    [[nodiscard]] bool has_later() const {
        if (world_.how.threaded()) return false;
        if (world_.plan.streams) return true;  // or to write its own streams
        for (const PlannedNode& node : world_.plan.nodes) {
            if (node.role == Role::later) return true;
        }
        return false;
    }
    bool work() {
        bool ran = net_->runtime->scheduler().run({.turns = 20}).turns != 0;
        return (random_.one_in(2) && end_some_later(world_, random_)) || ran;
    }
    static std::string name(std::uint32_t node) { return "n" + std::to_string(node); }

    void send(std::size_t to, std::uint32_t number, std::int64_t timeout) {
        // Stamps of hosts are those of nodes that do not exist.
        auto who = static_cast<std::int64_t>(world_.plan.nodes.size() + to);
        Freight freight{who * 4 << 24 | number, hops_most,
                        static_cast<std::int64_t>(mix(1000 + to, number) >> 2)};
        if (world_.plan.carries && number % 4 != 0) freight.envelope = who * 1000 + number;
        std::unique_ptr<WritingEnd> stream;
        if (world_.plan.streams && number % 3 == 0) stream = make_stream(freight);
        Message message = pack(freight);
        freight.stream = {};
        if (freight.envelope != 0) {
            message = enveloped(std::move(message), envelope_with(freight.envelope));
        }
        reflow_status status = net_->send(inports_[to], message, timeout);
        const bool later = has_later();
        const Deadline deadline;
        // One that fails with a stall tells it to who waits, and here nobody does.
        const bool may_fail = world_.plan.on_stall == "fail";
        while (status == REFLOW_ERROR_WOULD_BLOCK && !world_.how.stop_early) {
            // Waiting runs the actors until nothing is left to run: then the host has to read.
            status = net_->send(inports_[to], message, later ? 0 : REFLOW_FOREVER);
            bool some = status != REFLOW_ERROR_WOULD_BLOCK;
            for (Reader& reader : readers_) some = read(reader) || some;
            some = pump_writers() || some;
            if (later) (void)work();
            if (may_fail && net_->idle(0) == REFLOW_ERROR_LIMIT) break;
            if (!some && (!later || deadline.over())) break;
        }
        message = {};  // a handle that is held here would be one more
        write_stream(std::move(stream), status == REFLOW_OK, timeout);
        if (status == REFLOW_OK) {
            ++sent_[to];
        } else if (!world_.how.stop_early && world_.plan.on_stall != "fail") {
            world_.fault("send: " + std::to_string(status));
        }
    }
    bool read(Reader& reader, std::int64_t timeout = 0) {
        reflow_message batch[5];
        std::size_t count = 0;
        reflow_status status = reader.output->recv_enveloped(batch, timeout, count);
        for (std::size_t i = 0; i < count; ++i) {
            Message message = Message::adopt(batch[i]);
            std::int64_t envelope = number_of(envelope_of(message));
            Freight freight = unpack(payload_of(message));
            if (envelope != freight.envelope) world_.fault("a reader gets another envelope");
            reader.stamps.push_back(freight.stamp);
            if (freight.stream) accept(reader, freight.stream, timeout);
        }
        bool some = status == REFLOW_OK;
        for (ReadingEnd& one : reader.streams) {
            if (timeout != 0 || one.over()) continue;
            const std::int64_t before = one.next();
            some = one.pump(0, 3) == REFLOW_OK || one.next() != before || some;
        }
        if (status == REFLOW_ERROR_TIMEOUT) world_.fault("a reader waits in vain");
        return some;
    }

    World& world_;
    std::unique_ptr<Net> net_;
    Random random_{world_.plan.seed + 78};
    std::uint32_t cuts_ = 0;
    std::uint64_t letters_ = 0;
    std::deque<Reader> readers_;
    std::vector<WritingEnd> writers_;
    std::vector<std::uint64_t> inports_;
    std::vector<std::uint64_t> sent_;
    Ref<network::Subscription> subscription_;
};

// ---- what must hold

// Packets of one emitting port come in order, and all of them where nothing drops.
void check_order(World& world, const Node& node, bool all) {
    for (const auto& [key, stamps] : node.arrived) {
        auto& [port, emitter] = key;
        for (std::size_t i = 1; i < stamps.size(); ++i) {
            if (stamps[i] <= stamps[i - 1]) {
                return world.fault(node.plan->id + " gets packets in another order, or twice");
            }
        }
        auto who = static_cast<std::size_t>(emitter / 4);
        bool lossless = (node.plan->role != Role::join_required || port == 0) &&
                        !node.plan->takes_failures && world.plan.on_stall.empty() &&
                        node.plan->threshold == 0;
        for (const PlannedConnection& connection : world.plan.connections) {
            // A connection that drops may drop what others have put into the port.
            bool same_port = connection.to == node.number && connection.to_port == port;
            if (same_port && !connection.kind.empty()) lossless = false;
        }
        if (node.plan->role == Role::join_all || node.plan->role == Role::join_required) continue;
        if (!all || !lossless || who >= world.nodes.size()) continue;
        if (world.nodes[who].deals(static_cast<std::uint32_t>(emitter % 4))) continue;
        if (stamps.size() != world.nodes[who].emitted[static_cast<std::size_t>(emitter % 4)]) {
            world.fault(node.plan->id + " misses packets of node " + std::to_string(who));
        }
    }
}

void check_counters(World& world, Net& net, const Host& host, const Node& node) {
    reflow_node_counters counters = net.counters(node.plan->id);
    auto expect = [&](const char* what, std::uint64_t is, std::uint64_t should) {
        if (is == should) return;
        world.fault(node.plan->id + ": " + what + " is " + std::to_string(is) + ", not " +
                    std::to_string(should));
    };
    std::uint64_t sent = 0;
    std::uint64_t offered = host.sent_to(node.number);
    bool dealt_to = false;
    std::set<std::uint32_t> dealt;
    for (const PlannedConnection& connection : world.plan.connections) {
        const Node& from = world.nodes[connection.from];
        bool deals = from.deals(connection.from_port);
        if (connection.from == node.number &&
            (!deals || dealt.insert(connection.from_port).second)) {
            sent += node.emitted[connection.from_port];
        }
        if (connection.to != node.number) continue;
        dealt_to = dealt_to || deals;
        if (!deals) offered += from.emitted[connection.from_port];
    }
    for (std::uint32_t read : world.plan.read) {
        if (read == node.number) sent += node.emitted[0];
    }
    if (node.plan->fallback >= 0) sent += node.failures + node.refused;
    for (const Node& other : world.nodes) {
        if (other.plan->fallback != static_cast<std::int32_t>(node.number)) continue;
        offered += other.failures + other.refused;
    }
    for (std::uint32_t initial : world.plan.initial) offered += initial == node.number ? 2 : 0;
    expect("sent", counters.sent, sent);
    expect("received", counters.received, node.taken + node.refused);
    // What is dealt to a node is known of all targets together: see check_dealing().
    std::uint64_t there = counters.received + counters.dropped + counters.waiting;
    if (!dealt_to) expect("received + dropped + waiting", there, offered);
    expect("fired", counters.fired, node.firings + node.refused);
    expect("failed", counters.failed, node.failures + node.refused);
    expect("held back", counters.held_back, 0);
    expect("finished", static_cast<std::uint64_t>(node.finished), 1);
}

// Each packet that was dealt is at one target: what all have got is what was offered to all.
void check_dealing(World& world, Net& net, const Host& host) {
    std::uint64_t offered = 0;
    std::uint64_t there = 0;
    std::set<std::pair<std::uint32_t, std::uint32_t>> dealt;
    for (const PlannedConnection& connection : world.plan.connections) {
        const Node& from = world.nodes[connection.from];
        bool first = dealt.insert({connection.from, connection.from_port}).second;
        if (first || !from.deals(connection.from_port))
            offered += from.emitted[connection.from_port];
    }
    for (const Node& node : world.nodes) {
        offered += host.sent_to(node.number);
        if (node.plan->fallback >= 0) offered += node.failures + node.refused;
        for (std::uint32_t initial : world.plan.initial) offered += initial == node.number ? 2 : 0;
        reflow_node_counters counters = net.counters(node.plan->id);
        there += counters.received + counters.dropped + counters.waiting;
    }
    if (there == offered) return;
    world.fault("all nodes have " + std::to_string(there) + " packets of " +
                std::to_string(offered));
}

// A dealt packet has one arrival, and all of one key have the same target.
void check_dealt(World& world, bool all) {
    std::map<std::int64_t, std::uint64_t> arrivals;  // by stamp
    std::set<std::int64_t> lossy;                    // emitters of packets that may be dropped
    for (const Node& node : world.nodes) {
        if (node.plan->takes_failures) continue;  // that is a second arrival
        for (const auto& [key, stamps] : node.arrived) {
            for (std::int64_t stamp : stamps) ++arrivals[stamp];
        }
    }
    for (const PlannedConnection& it : world.plan.connections) {
        Role role = world.plan.nodes[it.to].role;
        bool joins = role == Role::join_all || role == Role::join_required;
        bool drops = joins || !world.plan.on_stall.empty() || world.plan.nodes[it.to].threshold != 0;
        for (const PlannedConnection& other : world.plan.connections) {
            drops =
                drops || (other.to == it.to && other.to_port == it.to_port && !other.kind.empty());
        }
        if (drops) lossy.insert(std::int64_t{it.from} * 4 + it.from_port);
    }
    for (const Node& node : world.nodes) {
        for (std::uint32_t port = 0; port < outports_of(node.plan->role); ++port) {
            if (!node.deals(port)) continue;
            bool connected = false;
            for (const PlannedConnection& it : world.plan.connections) {
                connected = connected || (it.from == node.number && it.from_port == port);
            }
            std::int64_t emitter = std::int64_t{node.number} * 4 + port;
            bool exact = all && connected && lossy.count(emitter) == 0;
            for (std::uint64_t i = 0; i < node.emitted[port]; ++i) {
                auto found = arrivals.find(emitter << 24 | static_cast<std::int64_t>(i));
                std::uint64_t count = found == arrivals.end() ? 0 : found->second;
                if (count <= 1 && (count == 1 || !exact)) continue;
                return world.fault("packet " + std::to_string(i) + " that " + node.plan->id +
                                   " deals arrives " + std::to_string(count) + " times");
            }
        }
    }
}

// A failed firing that no other node takes is a letter.
void check_letters(World& world, const Host& host) {
    std::uint64_t failures = 0;
    for (const Node& node : world.nodes) {
        if (node.plan->fallback < 0) failures += node.failures + node.refused;
        if (!node.tried.empty()) world.fault(node.plan->id + " was to try again");
    }
    if (host.letters() == failures) return;
    world.fault(std::to_string(host.letters()) + " letters of " + std::to_string(failures) +
                " failures");
}

// All have ended, and nothing waits in them. Where packets may rest those that have a handle do.
void check_no_streams(World& world, Net& net) {
    reflow_node_metrics metrics{};
    for (const Node& node : world.nodes) {
        if (!net.network->node_metrics(node.plan->id, metrics).ok()) world.fault("no metrics");
        if (metrics.streams == 0 && metrics.stream_frames == 0 && metrics.stream_bytes == 0) continue;
        world.fault(node.plan->id + " has ends of streams that are over");
    }
    // Threads of the host may still hold what they have read to its end.
    if (!world.plan.flows || world.how.threaded()) return;
    if (world.live->live != 0) world.fault("a stream lives that is over");
}

// Once in each life, and besides for each restart.
void check_lives(World& world, const Node& node) {
    int lives = world.lives + static_cast<int>(node.restarts);
    if (node.set_up == lives && node.torn_down == lives && node.destroyed == lives) return;
    world.fault(node.plan->id + ": setup, teardown or destroy is not called once in each life");
}

}  // namespace

Outcome run(const Plan& plan, const How& how) {
    World world{plan, how};
    world.nodes.resize(plan.nodes.size());
    for (std::uint32_t i = 0; i < plan.nodes.size(); ++i) {
        world.nodes[i].number = i;
        world.nodes[i].plan = &plan.nodes[i];
        world.nodes[i].emitted.resize(2);
    }
    {
        Host host(world, make_net(world));
        host.net().start();
        auto drained = [&] {
            // What came to a node and was not seen by it, its circuit breaker has refused.
            for (Node& node : world.nodes) {
                if (node.plan->threshold == 0) continue;
                const std::uint64_t received = host.net().counters(node.plan->id).received;
                node.refused = received - std::min(received, node.taken);
                world.outcome.refused += node.refused;
            }
            for (const Node& node : world.nodes) check_counters(world, host.net(), host, node);
            check_dealing(world, host.net(), host);
            // Threads of the host may still read what has been written.
            if (how.threaded() && !world.book.wait_until_over()) world.fault("a stream has no end");
            world.book.check(false);
            check_no_streams(world, host.net());
        };
        if (how.threaded()) {
            host.with_threads(drained);
        } else {
            host.alone(drained);
        }
        const bool all = !how.stop_early && !world.failed;
        host.count_life();
        if (all) check_letters(world, host);
        if (!all) world.book.check(true);
        world.outcome.letters = host.letters();
        world.outcome.stalled = world.failed;
        host.check_readers();
        check_dealt(world, all);
        for (const Node& node : world.nodes) {
            check_order(world, node, all);
            world.outcome.sum += node.sum;
            world.outcome.arrivals += node.taken;
            world.outcome.retries += node.retries;
            world.outcome.envelopes += node.envelopes;
        }
        for (std::uint32_t i = 0; i < plan.nodes.size() && !how.stop_early; ++i) {
            world.outcome.arrivals += host.read_from(i);
        }
    }
    for (const Node& node : world.nodes) check_lives(world, node);
    // What a network that failed has left in the hands of the test.
    world.later.clear();
    for (Node& node : world.nodes) node.kept.clear();
    if (world.live->live != 0) world.fault("streams live on");
    for (const std::string& fault : world.book.faults()) world.fault(fault);
    world.outcome.streams = world.book.counts();
    return std::move(world.outcome);
}

}  // namespace reflow::testing
