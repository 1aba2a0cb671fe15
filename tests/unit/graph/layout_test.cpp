// Layouts: every node has a place of its own, data runs to the right, cycles are no trouble.
#include <algorithm>
#include <cmath>

#include "graph/layout.hpp"
#include "graph/scene.hpp"
#include "graph/svg.hpp"
#include "graph_helpers.hpp"

namespace reflow::graph::test {
namespace {

constexpr Size box{100, 40};

Vector<LayoutEdge> edges_of(std::initializer_list<std::pair<std::uint32_t, std::uint32_t>> pairs) {
    Vector<LayoutEdge> edges;
    for (auto [from, to] : pairs) edges.push_back({from, to, 20, 20});
    return edges;
}

// Every box is finite, inside the size, and overlaps no other.
void expect_sound(const Vector<Size>& sizes, const Layout& result) {
    ASSERT_EQ(result.nodes.size(), sizes.size());
    Vector<std::uint32_t> order;
    for (std::uint32_t i = 0; i < sizes.size(); ++i) {
        const Point& at = result.nodes[i];
        ASSERT_TRUE(std::isfinite(at.x) && std::isfinite(at.y)) << i;
        ASSERT_GE(at.x, 0);
        ASSERT_GE(at.y, 0);
        ASSERT_LE(at.x + sizes[i].width, result.width + 0.5);
        ASSERT_LE(at.y + sizes[i].height, result.height + 0.5);
        order.push_back(i);
    }
    std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
        return result.nodes[a].y < result.nodes[b].y;
    });
    for (std::size_t a = 0; a < order.size(); ++a) {
        const Point& upper = result.nodes[order[a]];
        for (std::size_t b = a + 1; b < order.size(); ++b) {
            const Point& lower = result.nodes[order[b]];
            if (lower.y >= upper.y + sizes[order[a]].height) break;
            bool apart = lower.x >= upper.x + sizes[order[a]].width ||
                         upper.x >= lower.x + sizes[order[b]].width;
            ASSERT_TRUE(apart) << order[a] << " and " << order[b];
        }
    }
}

TEST(GraphLayout, NothingHasNoSize) {
    Layout result = layout({}, {});
    EXPECT_EQ(result.width, 0);
    EXPECT_EQ(result.height, 0);
}

TEST(GraphLayout, AChainRunsToTheRightOnOneLine) {
    Vector<Size> sizes(4, box);
    Layout result = layout(sizes, edges_of({{2, 0}, {0, 3}, {3, 1}}));
    expect_sound(sizes, result);
    EXPECT_LT(result.nodes[2].x, result.nodes[0].x);
    EXPECT_LT(result.nodes[0].x, result.nodes[3].x);
    EXPECT_LT(result.nodes[3].x, result.nodes[1].x);
    for (int i = 0; i < 4; ++i) EXPECT_EQ(result.nodes[static_cast<std::size_t>(i)].y, 0);
}

TEST(GraphLayout, ACycleReachedFromARootHasALayout) {
    // The case in which an implementation with fixed layers meets an empty one: r, a, b, a.
    Vector<Size> sizes(3, box);
    Layout result = layout(sizes, edges_of({{0, 1}, {1, 2}, {2, 1}}));
    expect_sound(sizes, result);
    EXPECT_LT(result.nodes[0].x, result.nodes[1].x);
    EXPECT_LT(result.nodes[1].x, result.nodes[2].x);
    const auto& back = result.edges[2];
    ASSERT_EQ(back.size(), 4U);
    EXPECT_GT(back.front().x, back.back().x) << "it runs to the left";
    EXPECT_GE(back.front().y, result.nodes[2].y + box.height) << "below the box";
}

TEST(GraphLayout, GraphsWithoutARootHaveALayout) {
    Vector<Size> sizes(3, box);
    expect_sound(sizes, layout(sizes, edges_of({{0, 1}, {1, 2}, {2, 0}})));
    expect_sound(sizes, layout(sizes, edges_of({{0, 0}, {1, 1}, {2, 2}, {0, 1}, {1, 0}, {0, 1}})));
}

TEST(GraphLayout, UncrossedTreesStayUncrossed) {
    // Pairs given in an order that crosses unless boxes are sorted.
    Vector<Size> sizes(8, box);
    Layout result =
        layout(sizes, edges_of({{0, 1}, {0, 2}, {0, 3}, {1, 7}, {2, 6}, {3, 5}, {3, 4}}));
    expect_sound(sizes, result);
    auto below = [&](std::size_t a, std::size_t b) {
        return result.nodes[a].y < result.nodes[b].y;
    };
    EXPECT_EQ(below(1, 2), below(7, 6));
    EXPECT_EQ(below(2, 3), below(6, 5));
    EXPECT_EQ(below(1, 3), below(7, 4));
}

TEST(GraphLayout, RandomGraphsAreSoundAndTheSameEachTime) {
    for (std::uint64_t seed = 1; seed <= 150; ++seed) {
        SCOPED_TRACE(seed);
        Random random(seed);
        std::size_t count = 1 + random.below(40);
        Vector<Size> sizes;
        for (std::size_t i = 0; i < count; ++i) {
            sizes.push_back({40 + static_cast<double>(random.below(200)),
                             20 + static_cast<double>(random.below(100))});
        }
        Vector<LayoutEdge> edges;
        bool acyclic = random.one_in(2);
        for (std::size_t i = random.below(2 * count); i > 0; --i) {
            std::size_t a = random.below(count);
            std::size_t b = random.below(count);
            if (acyclic && a == b) continue;
            if (acyclic && a > b) std::swap(a, b);
            edges.push_back({static_cast<std::uint32_t>(a), static_cast<std::uint32_t>(b), 5, 5});
        }
        Layout result = layout(sizes, edges);
        expect_sound(sizes, result);
        for (std::size_t i = 0; acyclic && i < edges.size(); ++i) {
            EXPECT_LT(result.nodes[edges[i].from].x + sizes[edges[i].from].width,
                      result.nodes[edges[i].to].x);
        }
        Layout again = layout(sizes, edges);
        for (std::size_t i = 0; i < count; ++i) {
            EXPECT_EQ(result.nodes[i].x, again.nodes[i].x);
            EXPECT_EQ(result.nodes[i].y, again.nodes[i].y);
        }
        if (::testing::Test::HasFailure()) return;
    }
}

TEST(GraphLayout, LargeGraphsTakeNoTime) {
    constexpr std::uint32_t count = 10'000;
    Vector<Size> sizes(count, box);
    Vector<LayoutEdge> chain;
    Vector<LayoutEdge> star;
    Vector<LayoutEdge> tangle;
    Random random(1);
    for (std::uint32_t i = 0; i < count; ++i) {
        chain.push_back({i, (i + 1) % count, 20, 20});
        star.push_back({0, i, 20, 20});
        tangle.push_back({static_cast<std::uint32_t>(random.below(count)),
                          static_cast<std::uint32_t>(random.below(count)), 20, 20});
    }
    // Each node with the one behind the next: long lines that would need a million points.
    Vector<LayoutEdge> ladder = chain;
    for (std::uint32_t i = 0; i + 200 < count; ++i) ladder.push_back({i, i + 200, 20, 20});
    for (const auto* edges : {&chain, &star, &tangle, &ladder}) {
        expect_sound(sizes, layout(sizes, *edges));
    }
    expect_sound(sizes, layout(sizes, {}));
}

TEST(GraphLayout, PositionsGoIntoTheMetadata) {
    Graph graph = loaded(R"({"processes":{"a":{"component":"A","metadata":{"k":1,"position":7}},
        "b":{"component":"B","metadata":{"dimensions":{"width":300,"height":10}}}},"connections":[
        {"src":{"process":"b","port":"o"},"tgt":{"process":"a","port":"i"}},
        {"src":{"process":"b","port":"o"},"tgt":{"process":"gone","port":"i"}}]})");
    ASSERT_TRUE(auto_layout(graph).ok());
    MessageRef a = graph.find_node("a")->metadata;
    MessageRef b = graph.find_node("b")->metadata;
    EXPECT_EQ(a.get("k").integer(), 1);
    EXPECT_EQ(b.get("position").get("x").real(), 0);
    EXPECT_GT(a.get("position").get("x").real(), 300);
}

}  // namespace
}  // namespace reflow::graph::test
