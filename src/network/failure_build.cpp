// From the settings "failure" of a graph, its subgraphs and nodes to what actors and scopes have.
// Neighbours: build.cpp (calls it), graph/failure_settings. Thread: that of Network::create.
#include <algorithm>

#include "graph/failure_settings.hpp"
#include "graph/hierarchy.hpp"
#include "network/failure_build.hpp"

namespace reflow::network {

using graph::FailurePlace;
using graph::FailureSettings;
using runtime::Actor;
using runtime::AfterFailure;
using runtime::FailurePolicy;

namespace {

AfterFailure translate(graph::AfterFailure then) noexcept {
    switch (then) {
        case graph::AfterFailure::restart:
            return AfterFailure::restart;
        case graph::AfterFailure::stop:
            return AfterFailure::stop;
        case graph::AfterFailure::escalate:
            return AfterFailure::escalate;
        case graph::AfterFailure::go_on:
            break;
    }
    return AfterFailure::go_on;
}

FailurePolicy policy_of(const FailureSettings& settings) {
    constexpr std::uint64_t ms = 1'000'000;
    FailurePolicy policy;
    policy.retries = static_cast<std::uint32_t>(settings.retries.value_or(0));
    policy.backoff_ns = settings.backoff_ms.value_or(100) * ms;
    policy.backoff_factor = settings.backoff_factor.value_or(2);
    policy.backoff_max_ns = settings.backoff_max_ms.value_or(30'000) * ms;
    policy.jitter = settings.jitter.value_or(0.1);
    policy.threshold = settings.breaker.value_or(graph::FailureBreaker()).threshold;
    policy.cooldown_ns = settings.breaker.value_or(graph::FailureBreaker()).cooldown_ms * ms;
    policy.then = translate(settings.then.value_or(graph::AfterFailure::go_on));
    policy.restarts = static_cast<std::uint32_t>(settings.restarts.value_or(5));
    policy.within_ns = settings.within_ms.value_or(60'000) * ms;
    policy.object = settings.object.value_or(false);
    // What is tried again, or handed on, should not have gone on its way as well.
    bool again = policy.retries != 0 || settings.fallback.value_or(MessageRef()).size() != 0;
    policy.hold = settings.hold.value_or(again);
    return policy;
}

// Of one node, the same in each run of a simulation; otherwise two processes that run one graph do
// not try again at the same times.
std::uint64_t seed_of(std::string_view id, std::uint64_t seed) noexcept {
    std::uint64_t hash = 0xcbf29ce484222325 ^ seed;  // FNV-1a
    for (char letter : id) {
        hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3;
    }
    return hash;
}

Failure about(std::unique_ptr<Error> error, std::string_view node) {
    Failure failure(std::move(error));
    return node.empty() ? std::move(failure) : std::move(failure).node(node);
}

// The graph in which a node or subgraph stands.
std::string_view folder_of(std::string_view path) noexcept {
    std::size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

}  // namespace

// The settings of a scope with those of all around it.
Result<void> FailureBuilder::read() {
    Result<std::uint32_t> letters = graph::read_dead_letters(flat_.scopes[0].properties);
    if (!letters.ok()) return letters.take_error();
    dead_letters_ = letters.value();
    auto on_stall = graph::read_on_stall(flat_.scopes[0].properties);
    if (!on_stall.ok()) return on_stall.take_error();
    on_stall_ = on_stall.value();
    settings_.resize(flat_.scopes.size());
    scopes_.reserve(flat_.scopes.size());
    for (std::size_t at = 0; at < flat_.scopes.size(); ++at) {
        const graph::Flat::Scope& from = flat_.scopes[at];
        auto own = graph::read_failure_settings(from.properties, FailurePlace::graph);
        if (!own.ok()) return about(own.take_error(), from.path);
        auto of_node = graph::read_failure_settings(from.metadata, FailurePlace::subgraph);
        if (!of_node.ok()) return about(of_node.take_error(), from.path);
        own.value().scope = from.path;
        of_node.value().scope = folder_of(from.path);
        auto escalated = own.value().escalated;
        if (!escalated) escalated = of_node.value().escalated;
        FailureSettings& to = settings_[at];
        to = own.value();
        to.inherit(of_node.value());
        if (at != 0) to.inherit(settings_[from.outer]);
        some_ = some_ || to.given;
        FailurePolicy policy = policy_of(to);
        auto scope = make_ref<runtime::FailureScope>(policy.restarts, policy.within_ns);
        scope->path = from.path;
        if (at != 0) scope->outer = scopes_[from.outer];
        if (escalated) scope->escalated = translate(*escalated);
        scopes_.push_back(std::move(scope));
    }
    return {};
}

Result<FailureSettings> FailureBuilder::settings_of(const Actor& actor, std::size_t at) const {
    std::uint32_t scope = flat_.origins.empty() ? 0 : flat_.origins[at].scope;
    auto own = graph::read_failure_settings(actor.config, FailurePlace::node);
    if (!own.ok()) return std::move(about(own.take_error(), actor.id)).take();
    own.value().scope = flat_.scopes[scope].path;
    own.value().inherit(settings_[scope]);
    return own;
}

Result<void> FailureBuilder::supervise(Actor& actor, std::size_t at) {
    if (!some_ && !actor.config.has("failure")) return {};
    Result<FailureSettings> read = settings_of(actor, at);
    if (!read.ok()) return read.take_error();
    FailureSettings& settings = read.value();
    if (!settings.given) return {};
    FailurePolicy policy = policy_of(settings);
    MessageRef fallback = settings.fallback.value_or(MessageRef());
    if (fallback.has("value")) {
        Result<std::uint32_t> port = value_port(actor, fallback.get("port").text());
        if (!port.ok()) return port.take_error();
        policy.fallback_port = port.value();
        policy.fallback_value = fallback.get("value").own();
    }
    const Runtime& runtime = network_.runtime();
    std::uint64_t seed = runtime.options().scheduler.mode == REFLOW_MODE_SIMULATED
                             ? runtime.options().scheduler.seed
                             : runtime.scheduler().clock().now_ns();
    actor.supervise(policy, seed_of(actor.id, seed));
    runtime::Supervisor& own = *actor.supervisor();
    own.scope = scopes_[flat_.origins.empty() ? 0 : flat_.origins[at].scope];
    if (!fallback.has("node")) return {};
    // Outports that the component does not know of, one for each inport.
    own.fallback_outport = static_cast<std::uint32_t>(actor.outports.size());
    actor.outports.grow(actor.outports.size() + actor.component->inports.size());
    return {};
}

Result<std::uint32_t> FailureBuilder::value_port(const Actor& actor, std::string_view name) const {
    const auto& ports = actor.component->outports;
    bool only_error = ports.size() == 1 && actor.component->error_port == 0;
    if (name.empty() && !only_error) return actor.component->error_port == 0 ? 1u : 0u;
    for (std::uint32_t i = 0; i < ports.size(); ++i) {
        if (graph::same_port(name, ports[i].name, to_.case_sensitive)) return i;
    }
    return Failure(REFLOW_ERROR_CONFIG,
                   concat("no outport '", name, "' for the value of the fallback"))
        .node(actor.id)
        .port(name);
}

Result<Vector<FailureBuilder::Fallback>> FailureBuilder::fallbacks() const {
    Vector<Fallback> all;
    for (std::size_t at = 0; at < to_.actors.size(); ++at) {
        const Actor& actor = *to_.actors[at];
        const runtime::Supervisor* own = actor.supervisor();
        if (own == nullptr || !own->has_fallback_node()) continue;
        Result<FailureSettings> read = settings_of(actor, at);
        if (!read.ok()) return read.take_error();
        const FailureSettings& settings = read.value();
        MessageRef fallback = settings.fallback.value_or(MessageRef());
        std::string_view node = fallback.get("node").text();
        if (node.empty()) continue;  // a node that stays, and had one before
        String path = settings.scope.empty() ? String(node) : concat(settings.scope, "/", node);
        if (path == std::string_view(actor.id)) continue;  // a default: this is the node it names
        Result<Fallback> found = resolve(actor, at, path, fallback.get("port").text());
        if (!found.ok()) return found.take_error();
        all.push_back(std::move(found).take());
    }
    if (Result<void> fine = no_circles(all); !fine.ok()) return fine.take_error();
    return all;
}

// For each inport: the one that is named, that of the same name, or the only one.
Result<FailureBuilder::Fallback> FailureBuilder::resolve(const Actor& actor, std::size_t at,
                                                         std::string_view path,
                                                         std::string_view port) const {
    std::optional<std::uint32_t> position = to_.find_position(path);
    if (!position) {
        return Failure(REFLOW_ERROR_CONFIG, concat("no node '", path, "' for the fallback"))
            .node(actor.id);
    }
    const auto& theirs = to_.actors[*position]->component->inports;
    Fallback made;
    made.from = static_cast<std::uint32_t>(at);
    made.to = *position;
    for (const runtime::Port& own : actor.component->inports) {
        std::string_view wanted = port.empty() ? std::string_view(own.name) : port;
        std::uint32_t to = 0;
        while (to < theirs.size() &&
               !graph::same_port(wanted, theirs[to].name, to_.case_sensitive)) {
            ++to;
        }
        if (to == theirs.size() && port.empty() && theirs.size() == 1) to = 0;
        if (to >= theirs.size()) {
            return Failure(REFLOW_ERROR_CONFIG,
                           concat("the fallback '", path, "' has no inport '", wanted, "'"))
                .node(actor.id)
                .hint("name one: {\"node\": ..., \"port\": ...}");
        }
        made.inports.push_back(to);
    }
    return made;
}

// A packet that fails everywhere would go round for ever.
Result<void> FailureBuilder::no_circles(const Vector<Fallback>& all) const {
    if (all.empty()) return {};
    constexpr std::uint32_t none = UINT32_MAX;
    Vector<std::uint32_t> next(to_.actors.size(), none);
    for (const Fallback& one : all) next[one.from] = one.to;
    Vector<std::uint32_t> seen(next.size(), none);  // by which walk
    for (std::uint32_t start = 0; start < next.size(); ++start) {
        for (std::uint32_t at = start; at != none && seen[at] == none; at = next[at]) {
            seen[at] = start;
            if (next[at] == none || seen[next[at]] != start) continue;
            return Failure(REFLOW_ERROR_CONFIG, "its fallbacks lead back to the node")
                .node(to_.actors[next[at]]->id);
        }
    }
    return {};
}

}  // namespace reflow::network
