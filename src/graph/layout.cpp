// Layered layout: connected parts are laid out one by one and put below each other; single boxes
// stand in rows at the end. Neighbours: rank.cpp, order.cpp, place.cpp. Thread: any.
#include "graph/layout.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "graph/layered.hpp"

namespace reflow::graph {
namespace {

// Where a line passes through a layer is a node of its own. A graph with very many long lines would
// have more of those than anybody can see: the longest lines are then drawn without.
constexpr std::size_t line_nodes_count = 100'000;
constexpr double part_gap = 48;
constexpr double row_width = 900;  // of single boxes, if nothing else is wider
constexpr double least_layer_width = 8;

// The connected part of each node, numbered by their first nodes.
Vector<std::uint32_t> parts_of(std::uint32_t count, std::span<const Arc> arcs) {
    Vector<std::uint32_t> parent(count);
    for (std::uint32_t i = 0; i < count; ++i) parent[i] = i;
    auto root = [&](std::uint32_t node) {
        while (parent[node] != node) node = parent[node] = parent[parent[node]];
        return node;
    };
    for (const Arc& arc : arcs) {
        std::uint32_t a = root(arc.from);
        std::uint32_t b = root(arc.to);
        parent[std::max(a, b)] = std::min(a, b);
    }
    Vector<std::uint32_t> number(count, nowhere);
    std::uint32_t used = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
        std::uint32_t first = root(i);
        if (number[first] == nowhere) number[first] = used++;
        number[i] = number[first];
    }
    return number;
}

// One connected part.
class Part {
public:
    Part(const Vector<Size>& sizes, const Vector<LayoutEdge>& edges, const LayoutOptions& options,
         std::span<const std::uint32_t> nodes, std::span<const std::uint32_t> lines,
         Vector<std::uint32_t>& local)
        : sizes_(sizes), edges_(edges), options_(options), nodes_(nodes), lines_(lines) {
        for (std::uint32_t i = 0; i < nodes.size(); ++i) local[nodes[i]] = i;
        for (std::uint32_t line : lines) {
            arcs_.push_back({local[edges[line].from], local[edges[line].to]});
        }
    }

    // Writes its positions from the given height on; returns its size.
    Size run(Layout& out, double top) {
        Vector<std::uint32_t> layer = rank(static_cast<std::uint32_t>(nodes_.size()), arcs_);
        for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
            Layered::Node node;
            node.layer = layer[i];
            node.height = sizes_[nodes_[i]].height;
            graph_.nodes.push_back(node);
        }
        make_lines();
        link_up();
        first_order();
        order_layers(graph_, options_.sweeps);
        place_nodes(graph_, options_);
        return write(out, top);
    }

private:
    // The nodes of lines, up to the limit, short lines first.
    void make_lines() {
        chains_.resize(arcs_.size());
        Vector<std::pair<std::uint32_t, std::uint32_t>> order;  // length, line
        for (std::uint32_t i = 0; i < arcs_.size(); ++i) {
            std::uint32_t from = graph_.nodes[arcs_[i].from].layer;
            std::uint32_t to = graph_.nodes[arcs_[i].to].layer;
            order.push_back({from < to ? to - from - 1 : from - to + 1, i});
        }
        std::sort(order.begin(), order.end());
        std::size_t used = 0;
        shown_.assign(arcs_.size(), true);
        for (auto [length, line] : order) {
            if (used + length > line_nodes_count) {
                shown_[line] = false;
                continue;
            }
            used += length;
        }
        for (std::uint32_t i = 0; i < arcs_.size(); ++i) {
            if (shown_[i]) make_line(i);
        }
    }

    void make_line(std::uint32_t line) {
        std::uint32_t from = graph_.nodes[arcs_[line].from].layer;
        std::uint32_t to = graph_.nodes[arcs_[line].to].layer;
        bool forward = from < to;
        std::uint32_t layer = forward ? from + 1 : from;
        std::uint32_t end = forward ? to : to - 1;  // wraps below 0, which != takes
        for (; layer != end; forward ? ++layer : --layer) {
            Layered::Node node;
            node.layer = layer;
            node.line = true;
            if (!forward && layer == from) node.host = arcs_[line].from;
            if (!forward && layer == to) node.host = arcs_[line].to;
            chains_[line].push_back(static_cast<std::uint32_t>(graph_.nodes.size()));
            graph_.nodes.push_back(node);
        }
    }

    void link_up() {
        auto link = [&](std::uint32_t left, std::uint32_t right, double left_y, double right_y) {
            graph_.links.push_back({left, right, left_y, right_y});
        };
        for (std::uint32_t i = 0; i < arcs_.size(); ++i) {
            if (!shown_[i]) continue;
            const Vector<std::uint32_t>& chain = chains_[i];
            const LayoutEdge& edge = edges_[lines_[i]];
            bool forward = graph_.nodes[arcs_[i].from].layer < graph_.nodes[arcs_[i].to].layer;
            for (std::size_t k = 1; k < chain.size(); ++k) {
                if (forward) {
                    link(chain[k - 1], chain[k], 0, 0);
                } else {
                    link(chain[k], chain[k - 1], 0, 0);
                }
            }
            if (!forward) continue;
            if (chain.empty()) {
                link(arcs_[i].from, arcs_[i].to, edge.from_y, edge.to_y);
            } else {
                link(arcs_[i].from, chain.front(), edge.from_y, 0);
                link(chain.back(), arcs_[i].to, 0, edge.to_y);
            }
        }
        Vector<Arc> right;
        Vector<Arc> left;
        for (std::uint32_t i = 0; i < graph_.links.size(); ++i) {
            right.push_back({graph_.links[i].left, i});
            left.push_back({graph_.links[i].right, i});
        }
        auto count = static_cast<std::uint32_t>(graph_.nodes.size());
        graph_.to_right = adjacency(count, right);
        graph_.to_left = adjacency(count, left);
    }

    // A search in depth from the left puts what belongs together side by side.
    void first_order() {
        std::uint32_t layers = 0;
        for (const auto& node : graph_.nodes) layers = std::max(layers, node.layer + 1);
        graph_.layers.resize(layers);
        Vector<bool> seen(graph_.nodes.size(), false);
        Vector<std::uint32_t> stack;
        Vector<std::uint32_t> roots(graph_.nodes.size());
        for (std::uint32_t i = 0; i < roots.size(); ++i) roots[i] = i;
        std::sort(roots.begin(), roots.end(), [&](std::uint32_t a, std::uint32_t b) {
            return std::pair(graph_.nodes[a].layer, a) < std::pair(graph_.nodes[b].layer, b);
        });
        for (std::uint32_t root : roots) {
            if (seen[root]) continue;
            stack.push_back(root);
            while (!stack.empty()) {
                std::uint32_t node = stack.back();
                stack.pop_back();
                if (seen[node]) continue;
                seen[node] = true;
                graph_.layers[graph_.nodes[node].layer].push_back(node);
                auto links = graph_.to_right.of(node);
                for (std::size_t i = links.size(); i-- > 0;) {
                    std::uint32_t next = graph_.links[links[i]].right;
                    if (!seen[next]) stack.push_back(next);
                }
            }
        }
    }

    Size write(Layout& out, double top) {
        Vector<double> width(graph_.layers.size(), least_layer_width);
        for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
            double& most = width[graph_.nodes[i].layer];
            most = std::max(most, sizes_[nodes_[i]].width);
        }
        Vector<double> x(graph_.layers.size(), 0);
        for (std::size_t i = 1; i < x.size(); ++i) {
            x[i] = x[i - 1] + width[i - 1] + options_.layer_gap;
        }
        Size size{x.back() + width.back(), 0};
        for (const auto& node : graph_.nodes) {
            size.height = std::max(size.height, node.y + node.height);
        }
        for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
            const Layered::Node& node = graph_.nodes[i];
            double slack = width[node.layer] - sizes_[nodes_[i]].width;
            out.nodes[nodes_[i]] = {std::round(x[node.layer] + slack / 2), top + node.y};
        }
        for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
            std::uint32_t layer = graph_.nodes[i].layer;
            out.columns[nodes_[i]] = {x[layer], x[layer] + width[layer]};
        }
        for (std::uint32_t i = 0; i < arcs_.size(); ++i) {
            bool forward = graph_.nodes[arcs_[i].from].layer < graph_.nodes[arcs_[i].to].layer;
            for (std::uint32_t at : chains_[i]) {
                const Layered::Node& node = graph_.nodes[at];
                Point left{x[node.layer], top + node.y};
                Point right{x[node.layer] + width[node.layer], top + node.y};
                auto& points = out.edges[lines_[i]];
                points.push_back(forward ? left : right);
                points.push_back(forward ? right : left);
            }
        }
        return size;
    }

    const Vector<Size>& sizes_;
    const Vector<LayoutEdge>& edges_;
    const LayoutOptions& options_;
    std::span<const std::uint32_t> nodes_;
    std::span<const std::uint32_t> lines_;
    Vector<Arc> arcs_;                      // of lines_, between numbers in nodes_
    Vector<Vector<std::uint32_t>> chains_;  // nodes of each line, in its direction
    Vector<bool> shown_;
    Layered graph_;
};

// Boxes without any line, in rows.
void place_singles(Layout& out, const Vector<Size>& sizes, std::span<const std::uint32_t> singles,
                   const LayoutOptions& options) {
    if (singles.empty()) return;
    double area = 0;
    for (std::uint32_t node : singles) {
        area += (sizes[node].width + options.node_gap) * (sizes[node].height + options.node_gap);
    }
    double limit = std::max({out.width, row_width, std::sqrt(area) * 1.4});
    double y = out.height > 0 ? out.height + part_gap : 0;
    double x = 0;
    double row = 0;
    for (std::uint32_t node : singles) {
        if (x > 0 && x + sizes[node].width > limit) {
            x = 0;
            y += row + options.node_gap;
            row = 0;
        }
        out.nodes[node] = {std::round(x), std::round(y)};
        out.columns[node] = {std::round(x), std::round(x) + sizes[node].width};
        x += sizes[node].width + options.node_gap;
        row = std::max(row, sizes[node].height);
        out.width = std::max(out.width, x - options.node_gap);
    }
    out.height = y + row;
}

}  // namespace

Layout layout(const Vector<Size>& nodes, const Vector<LayoutEdge>& edges,
              const LayoutOptions& options) {
    auto count = static_cast<std::uint32_t>(nodes.size());
    Layout out;
    out.nodes.resize(nodes.size());
    out.columns.resize(nodes.size());
    out.edges.resize(edges.size());
    Vector<Arc> arcs;
    arcs.reserve(edges.size());
    for (const LayoutEdge& edge : edges) arcs.push_back({edge.from, edge.to});
    Vector<std::uint32_t> part = parts_of(count, arcs);
    Vector<Arc> members;
    for (std::uint32_t i = 0; i < count; ++i) members.push_back({part[i], i});
    Vector<Arc> lines;
    for (std::uint32_t i = 0; i < arcs.size(); ++i) lines.push_back({part[arcs[i].from], i});
    Adjacency nodes_of = adjacency(count, members);
    Adjacency lines_of = adjacency(count, lines);
    Vector<std::uint32_t> local(count, 0);
    Vector<std::uint32_t> singles;
    for (std::uint32_t i = 0; i < count; ++i) {
        if (nodes_of.of(i).empty()) break;
        if (lines_of.of(i).empty()) {
            singles.push_back(nodes_of.of(i)[0]);
            continue;
        }
        double top = out.height > 0 ? out.height + part_gap : 0;
        Part one(nodes, edges, options, nodes_of.of(i), lines_of.of(i), local);
        Size size = one.run(out, top);
        out.width = std::max(out.width, size.width);
        out.height = top + size.height;
    }
    place_singles(out, nodes, singles, options);
    return out;
}

Result<void> auto_layout(Graph& graph) {
    constexpr Size usual{150, 60};
    View view = graph.view();
    Vector<Size> sizes;
    for (const NodeItem& node : view.nodes) {
        MessageRef given = node.metadata.get("dimensions");
        auto side = [&](std::string_view key, double otherwise) {
            double value = given.get(key).number() ? given.get(key).real() : otherwise;
            return value >= 1 && value <= 10'000 ? value : otherwise;
        };
        sizes.push_back({side("width", usual.width), side("height", usual.height)});
    }
    Vector<LayoutEdge> edges;
    for (const ConnectionItem& each : view.connections) {
        if (each.from.position == nowhere || each.to.position == nowhere) continue;
        edges.push_back({each.from.position, each.to.position, sizes[each.from.position].height / 2,
                         sizes[each.to.position].height / 2});
    }
    Layout places = layout(sizes, edges);
    for (std::size_t i = 0; i < view.nodes.size(); ++i) {
        ObjectBuilder position(2);
        position.set("x", Message::real(places.nodes[i].x));
        position.set("y", Message::real(places.nodes[i].y));
        auto made = position.finish();
        if (!made.ok()) return made.take_error();
        auto fine = graph.set_config_value(view.nodes[i].id, "position", std::move(made).take());
        if (!fine.ok()) return fine;
    }
    return {};
}

}  // namespace reflow::graph
