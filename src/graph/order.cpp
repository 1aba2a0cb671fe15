// The order within layers: sweeps of barycentres to the right and to the left; the best of all
// orders that were met is kept. Thread: any.
#include <algorithm>
#include <tuple>

#include "graph/layered.hpp"

namespace reflow::graph {
namespace {

class Orderer {
public:
    explicit Orderer(Layered& graph) : graph_(graph), key_(graph.nodes.size(), 0) {}

    void run(std::uint32_t sweeps) {
        number_all();
        std::uint64_t best = crossings();
        Vector<Vector<std::uint32_t>> kept = graph_.layers;
        unsigned without_gain = 0;
        for (std::uint32_t i = 0; i < sweeps && best > 0 && without_gain < patience_; ++i) {
            sweep(i % 2 == 0);
            std::uint64_t now = crossings();
            ++without_gain;
            if (now >= best) continue;
            best = now;
            kept = graph_.layers;
            without_gain = 0;
        }
        graph_.layers.swap(kept);
        for (auto& layer : graph_.layers) keep_loops(layer);
        number_all();
    }

private:
    static constexpr unsigned patience_ = 4;

    // Loops are linked to nothing, so no sweep has moved them: they go right below their boxes.
    void keep_loops(Vector<std::uint32_t>& layer) {
        auto is_loop = [&](std::uint32_t node) {
            return graph_.nodes[node].host != nowhere && graph_.to_left.of(node).empty() &&
                   graph_.to_right.of(node).empty();
        };
        Vector<Arc> loops;  // host and loop
        for (std::uint32_t node : layer) {
            if (is_loop(node)) loops.push_back({graph_.nodes[node].host, node});
        }
        if (loops.empty()) return;
        auto less = [](const Arc& a, const Arc& b) {
            return std::pair(a.from, a.to) < std::pair(b.from, b.to);
        };
        std::sort(loops.begin(), loops.end(), less);
        Vector<std::uint32_t> order;
        for (std::uint32_t node : layer) {
            if (is_loop(node)) continue;
            order.push_back(node);
            auto at = std::lower_bound(loops.begin(), loops.end(), Arc{node, 0}, less);
            for (; at != loops.end() && at->from == node; ++at) order.push_back(at->to);
        }
        layer.swap(order);
    }

    void number(std::size_t layer) {
        auto& nodes = graph_.layers[layer];
        for (std::uint32_t i = 0; i < nodes.size(); ++i) graph_.nodes[nodes[i]].place = i;
    }
    void number_all() {
        for (std::size_t i = 0; i < graph_.layers.size(); ++i) number(i);
    }

    // Where a link is attached, in places of its layer: ports of one box differ by less than one.
    [[nodiscard]] double attached(std::uint32_t node, double y) const {
        const Layered::Node& box = graph_.nodes[node];
        return box.place + (box.height > 0 ? std::clamp(y / box.height, 0.0, 1.0) * 0.9 : 0.45);
    }

    void sweep(bool rightwards) {
        std::size_t count = graph_.layers.size();
        for (std::size_t i = 1; i < count; ++i) {
            sort_layer(rightwards ? i : count - 1 - i, rightwards);
        }
    }

    void sort_layer(std::size_t layer, bool by_left) {
        auto& nodes = graph_.layers[layer];
        for (std::uint32_t node : nodes) {
            double sum = 0;
            auto links = (by_left ? graph_.to_left : graph_.to_right).of(node);
            for (std::uint32_t at : links) {
                const Layered::Link& link = graph_.links[at];
                sum += by_left ? attached(link.left, link.left_y) - shift(node, link.right_y)
                               : attached(link.right, link.right_y) - shift(node, link.left_y);
            }
            key_[node] = links.empty() ? graph_.nodes[node].place + 0.45
                                       : sum / static_cast<double>(links.size());
        }
        // The end of a line that runs backwards stays below its box.
        for (std::uint32_t node : nodes) {
            if (graph_.nodes[node].host != nowhere) key_[node] = key_[graph_.nodes[node].host];
        }
        auto rank = [&](std::uint32_t node) {
            const Layered::Node& each = graph_.nodes[node];
            bool end = each.host != nowhere;
            std::uint32_t box = end ? graph_.nodes[each.host].place : each.place;
            return std::tuple(key_[node], box, end, each.place);
        };
        std::sort(nodes.begin(), nodes.end(),
                  [&](std::uint32_t a, std::uint32_t b) { return rank(a) < rank(b); });
        number(layer);
    }

    // How far a port lies from the middle of its box, as attached() counts.
    [[nodiscard]] double shift(std::uint32_t node, double y) const {
        const Layered::Node& box = graph_.nodes[node];
        return box.height > 0 ? (std::clamp(y / box.height, 0.0, 1.0) - 0.5) * 0.9 : 0;
    }

    // Pairs of links that cross, by a tree of counts over the places of the right side.
    std::uint64_t crossings() {
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i + 1 < graph_.layers.size(); ++i) sum += crossings_after(i);
        return sum;
    }

    std::uint64_t crossings_after(std::size_t layer) {
        ends_.clear();
        for (std::uint32_t node : graph_.layers[layer]) {
            for (std::uint32_t at : graph_.to_right.of(node)) {
                const Layered::Link& link = graph_.links[at];
                ends_.push_back({attached(node, link.left_y), attached(link.right, link.right_y)});
            }
        }
        std::sort(ends_.begin(), ends_.end());
        values_.clear();
        for (const auto& end : ends_) values_.push_back(end.second);
        std::sort(values_.begin(), values_.end());
        values_.erase(std::unique(values_.begin(), values_.end()), values_.end());
        tree_.assign(values_.size() + 1, 0);
        std::uint64_t found = 0;
        for (std::size_t i = 0; i < ends_.size(); ++i) {
            auto place = static_cast<std::size_t>(
                std::lower_bound(values_.begin(), values_.end(), ends_[i].second) -
                values_.begin());
            std::uint64_t not_above = 0;
            for (std::size_t k = place + 1; k > 0; k -= k & (0 - k)) not_above += tree_[k];
            found += i - not_above;
            for (std::size_t k = place + 1; k < tree_.size(); k += k & (0 - k)) ++tree_[k];
        }
        return found;
    }

    Layered& graph_;
    Vector<double> key_;
    Vector<std::pair<double, double>> ends_;
    Vector<double> values_;
    Vector<std::uint32_t> tree_;
};

}  // namespace

void order_layers(Layered& graph, std::uint32_t sweeps) { Orderer(graph).run(sweeps); }

}  // namespace reflow::graph
