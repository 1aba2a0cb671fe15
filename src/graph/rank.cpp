// Layers of a graph: cycles are broken by a search in depth, then the longest path counts, then
// boxes move towards what they are connected to. Thread: any.
#include <algorithm>

#include "graph/layered.hpp"

namespace reflow::graph {
namespace {

constexpr unsigned tightening_rounds = 3;

class Ranker {
public:
    Ranker(std::uint32_t node_count, std::span<const Arc> arcs)
        : count_(node_count), arcs_(arcs.begin(), arcs.end()), layer_(node_count, 0) {
        std::erase_if(arcs_, [](const Arc& arc) { return arc.from == arc.to; });
    }

    Vector<std::uint32_t> run() {
        search();
        out_ = adjacency(count_, arcs_);
        Vector<Arc> turned;
        turned.reserve(arcs_.size());
        for (const Arc& arc : arcs_) turned.push_back({arc.to, arc.from});
        in_ = adjacency(count_, turned);
        for (std::uint32_t node : order_) layer_[node] = after_all(node);
        for (unsigned round = 0; round < tightening_rounds; ++round) tighten();
        close_up();
        return std::move(layer_);
    }

private:
    // Visits everything, what has no input first, and turns the arcs that close a cycle.
    void search() {
        Adjacency out = adjacency(count_, arcs_);
        // Positions of the arcs, in the order of `out`.
        Vector<Arc> numbered;
        numbered.reserve(arcs_.size());
        Vector<bool> fed(count_, false);
        for (std::uint32_t i = 0; i < arcs_.size(); ++i) {
            numbered.push_back({arcs_[i].from, i});
            fed[arcs_[i].to] = true;
        }
        Adjacency arcs_of = adjacency(count_, numbered);
        enum : std::uint8_t { fresh, open, closed };
        Vector<std::uint8_t> state(count_, fresh);
        Vector<std::uint32_t> next(out.starts.begin(), out.starts.end() - 1);
        Vector<std::uint32_t> path;
        Vector<bool> turn(arcs_.size(), false);
        for (bool only_unfed : {true, false}) {
            for (std::uint32_t root = 0; root < count_; ++root) {
                if (state[root] != fresh || (only_unfed && fed[root])) continue;
                path.push_back(root);
                state[root] = open;
                while (!path.empty()) {
                    std::uint32_t node = path.back();
                    if (next[node] == out.starts[node + 1]) {
                        state[node] = closed;
                        order_.push_back(node);
                        path.pop_back();
                        continue;
                    }
                    std::uint32_t at = next[node]++;
                    std::uint32_t target = out.targets[at];
                    if (state[target] == open) turn[arcs_of.targets[at]] = true;
                    if (state[target] != fresh) continue;
                    state[target] = open;
                    path.push_back(target);
                }
            }
        }
        std::reverse(order_.begin(), order_.end());
        for (std::uint32_t i = 0; i < arcs_.size(); ++i) {
            if (turn[i]) std::swap(arcs_[i].from, arcs_[i].to);
        }
    }

    [[nodiscard]] std::uint32_t after_all(std::uint32_t node) const {
        std::uint32_t layer = 0;
        for (std::uint32_t source : in_.of(node)) layer = std::max(layer, layer_[source] + 1);
        return layer;
    }

    // Boxes with more outputs than inputs go right, as far as they can; then those with more
    // inputs go left.
    void tighten() {
        for (auto at = order_.rbegin(); at != order_.rend(); ++at) {
            auto targets = out_.of(*at);
            if (targets.size() <= in_.of(*at).size()) continue;
            std::uint32_t layer = nowhere;
            for (std::uint32_t target : targets) layer = std::min(layer, layer_[target] - 1);
            layer_[*at] = layer;
        }
        for (std::uint32_t node : order_) {
            if (in_.of(node).size() > out_.of(node).size()) layer_[node] = after_all(node);
        }
    }

    // Leaves no layer empty.
    void close_up() {
        std::uint32_t most = 0;
        for (std::uint32_t layer : layer_) most = std::max(most, layer);
        Vector<std::uint32_t> number(std::size_t{most} + 1, 0);
        for (std::uint32_t layer : layer_) number[layer] = 1;
        std::uint32_t used = 0;
        for (std::uint32_t& each : number) {
            bool has_nodes = each != 0;
            each = used;
            if (has_nodes) ++used;
        }
        for (std::uint32_t& layer : layer_) layer = number[layer];
    }

    std::uint32_t count_;
    Vector<Arc> arcs_;             // without cycles after search()
    Vector<std::uint32_t> order_;  // sources before targets
    Adjacency out_;
    Adjacency in_;
    Vector<std::uint32_t> layer_;
};

}  // namespace

Vector<std::uint32_t> rank(std::uint32_t node_count, std::span<const Arc> arcs) {
    return Ranker(node_count, arcs).run();
}

}  // namespace reflow::graph
