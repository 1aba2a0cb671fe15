// Coordinates across the layers. Layer by layer, every node wants to be level with what it is
// linked to; the wishes of a layer are met in the sense of least squares, under its order and
// gaps, by pooling neighbours that would collide (isotonic regression). Thread: any.
#include <algorithm>
#include <cmath>

#include "graph/layered.hpp"

namespace reflow::graph {
namespace {

constexpr unsigned rounds_count = 8;
constexpr double line_weight = 8;  // how much more straight lines count than level boxes
constexpr double end_weight = 2;

class Placer {
public:
    Placer(Layered& graph, const LayoutOptions& options) : graph_(graph), options_(options) {}

    void run() {
        for (const auto& layer : graph_.layers) stack(layer);
        std::size_t count = graph_.layers.size();
        for (unsigned round = 0; round < rounds_count; ++round) {
            // Both sides count in the end; before that, one side at a time brings things near.
            bool both = round + 3 >= rounds_count;
            for (std::size_t i = 0; i < count; ++i) settle(i, true, both);
            for (std::size_t i = count; i-- > 0;) settle(i, both, true);
        }
        double top = 0;
        bool first = true;
        for (const Layered::Node& node : graph_.nodes) {
            if (first || node.y < top) top = node.y;
            first = false;
        }
        for (Layered::Node& node : graph_.nodes) node.y = std::round(node.y - top);
    }

private:
    // From the top of one node to the top of the next.
    [[nodiscard]] double step(std::uint32_t upper, std::uint32_t lower) const {
        const Layered::Node& a = graph_.nodes[upper];
        const Layered::Node& b = graph_.nodes[lower];
        return a.height + (a.line || b.line ? options_.line_gap : options_.node_gap);
    }

    // The first positions: in order, round the middle.
    void stack(const Vector<std::uint32_t>& layer) {
        double y = 0;
        for (std::size_t i = 0; i < layer.size(); ++i) {
            if (i > 0) y += step(layer[i - 1], layer[i]);
            graph_.nodes[layer[i]].y = y;
        }
        double middle = (y + graph_.nodes[layer.back()].height) / 2;
        for (std::uint32_t node : layer) graph_.nodes[node].y -= middle;
    }

    struct Wish {
        double sum = 0;
        double weight = 0;
    };
    void add(Wish& wish, double y, double weight) {
        wish.sum += y * weight;
        wish.weight += weight;
    }

    Wish wish_of(std::uint32_t node, bool left, bool right) {
        const Layered::Node& self = graph_.nodes[node];
        Wish wish;
        auto weight = [&](const Layered::Node& other) {
            return self.line && other.line ? line_weight : self.line || other.line ? 2.0 : 1.0;
        };
        if (left) {
            for (std::uint32_t at : graph_.to_left.of(node)) {
                const Layered::Link& link = graph_.links[at];
                const Layered::Node& other = graph_.nodes[link.left];
                add(wish, other.y + link.left_y - link.right_y, weight(other));
            }
        }
        if (right) {
            for (std::uint32_t at : graph_.to_right.of(node)) {
                const Layered::Link& link = graph_.links[at];
                const Layered::Node& other = graph_.nodes[link.right];
                add(wish, other.y + link.right_y - link.left_y, weight(other));
            }
        }
        if (self.host != nowhere) {
            const Layered::Node& box = graph_.nodes[self.host];
            add(wish, box.y + box.height + options_.line_gap, end_weight);
        }
        // Nodes without a wish stay, but give way to all others.
        if (wish.weight == 0) add(wish, self.y, 0.01);
        return wish;
    }

    void settle(std::size_t number, bool left, bool right) {
        const auto& layer = graph_.layers[number];
        struct Block {
            double sum;
            double weight;
            std::size_t end;  // behind its last node
            [[nodiscard]] double y() const { return sum / weight; }
        };
        // The gaps are taken out first, so that the order is all that is left to keep.
        Vector<Block> blocks;
        Vector<double> offset(layer.size(), 0);
        for (std::size_t i = 0; i < layer.size(); ++i) {
            if (i > 0) offset[i] = offset[i - 1] + step(layer[i - 1], layer[i]);
            Wish wish = wish_of(layer[i], left, right);
            blocks.push_back({wish.sum - wish.weight * offset[i], wish.weight, i + 1});
            while (blocks.size() > 1 && blocks[blocks.size() - 2].y() > blocks.back().y()) {
                Block last = blocks.back();
                blocks.pop_back();
                blocks.back().sum += last.sum;
                blocks.back().weight += last.weight;
                blocks.back().end = last.end;
            }
        }
        std::size_t i = 0;
        for (const Block& block : blocks) {
            for (; i < block.end; ++i) graph_.nodes[layer[i]].y = block.y() + offset[i];
        }
    }

    Layered& graph_;
    const LayoutOptions& options_;
};

}  // namespace

void place_nodes(Layered& graph, const LayoutOptions& options) { Placer(graph, options).run(); }

}  // namespace reflow::graph
