// Cycles: Tarjan's algorithm with a stack of its own, then a search in breadth.
// Thread: any.
#include "graph/cycles.hpp"

#include <algorithm>

#include "graph/chain_index.hpp"

namespace reflow::graph {

Adjacency adjacency(std::uint32_t node_count, std::span<const Arc> arcs) {
    Adjacency result;
    result.starts.assign(std::size_t{node_count} + 1, 0);
    result.targets.resize(arcs.size());
    for (const Arc& arc : arcs) ++result.starts[arc.from + 1];
    for (std::uint32_t i = 0; i < node_count; ++i) result.starts[i + 1] += result.starts[i];
    Vector<std::uint32_t> next(result.starts.begin(), result.starts.end() - 1);
    for (const Arc& arc : arcs) result.targets[next[arc.from]++] = arc.to;
    return result;
}

Vector<std::uint32_t> strong_components(const Adjacency& graph) {
    auto count = static_cast<std::uint32_t>(graph.starts.size() - 1);
    Vector<std::uint32_t> component(count, nowhere);
    Vector<std::uint32_t> order(count, nowhere);  // of the first visit
    Vector<std::uint32_t> low(count, 0);
    Vector<std::uint32_t> next(count, 0);  // arc to follow next
    Vector<std::uint32_t> path;            // the search
    Vector<std::uint32_t> open;            // visited, component not known
    std::uint32_t visited = 0;
    std::uint32_t found = 0;
    auto visit = [&](std::uint32_t node) {
        order[node] = low[node] = visited++;
        next[node] = graph.starts[node];
        path.push_back(node);
        open.push_back(node);
    };
    for (std::uint32_t root = 0; root < count; ++root) {
        if (order[root] == nowhere) visit(root);
        while (!path.empty()) {
            std::uint32_t node = path.back();
            if (next[node] < graph.starts[node + 1]) {
                std::uint32_t target = graph.targets[next[node]++];
                if (order[target] == nowhere) {
                    visit(target);
                } else if (component[target] == nowhere) {
                    low[node] = std::min(low[node], order[target]);
                }
                continue;
            }
            path.pop_back();
            if (!path.empty()) low[path.back()] = std::min(low[path.back()], low[node]);
            if (low[node] != order[node]) continue;
            std::uint32_t member;
            do {
                member = open.back();
                open.pop_back();
                component[member] = found;
            } while (member != node);
            ++found;
        }
    }
    return component;
}

Vector<Cycle> cycles(const Adjacency& graph) {
    Vector<Cycle> result;
    Vector<std::uint32_t> component = strong_components(graph);
    auto count = static_cast<std::uint32_t>(component.size());
    Vector<std::uint32_t> sizes(count, 0);
    for (std::uint32_t each : component) ++sizes[each];
    Vector<bool> done(count, false);  // by component
    Vector<std::uint32_t> before(count, nowhere);
    Vector<std::uint32_t> queue;
    for (std::uint32_t root = 0; root < count; ++root) {
        if (done[component[root]]) continue;
        done[component[root]] = true;
        // The first arc back to the root that a search in breadth meets closes a shortest cycle.
        queue.assign(1, root);
        std::uint32_t last = nowhere;
        for (std::size_t at = 0; at < queue.size() && last == nowhere; ++at) {
            for (std::uint32_t target : graph.of(queue[at])) {
                if (target == root) {
                    last = queue[at];
                    break;
                }
                if (component[target] != component[root] || before[target] != nowhere) continue;
                before[target] = queue[at];
                queue.push_back(target);
            }
        }
        if (last == nowhere) continue;
        Cycle& cycle = result.emplace_back();
        cycle.size = sizes[component[root]];
        for (std::uint32_t node = last; node != root; node = before[node]) {
            cycle.nodes.push_back(node);
        }
        cycle.nodes.push_back(root);
        std::reverse(cycle.nodes.begin(), cycle.nodes.end());
    }
    return result;
}

}  // namespace reflow::graph
