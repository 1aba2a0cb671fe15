// Pictures: complete, well formed, and safe whatever the names are.
#include <string>
#include <vector>

#include "graph/render.hpp"
#include "graph_helpers.hpp"

namespace reflow::graph::test {
namespace {

std::string drawn(const Graph& graph, reflow_picture kind, std::uint32_t depth = 0,
                  bool dark = false) {
    auto text = render(graph, kind, {depth, dark});
    EXPECT_TRUE(text.ok());
    return text.ok() ? std::string(text.value()) : std::string();
}

// A small checker of XML, written for this test: tags that match, quoted attributes without
// repetition, known entities, no characters that XML forbids. Returns what is wrong.
class XmlChecker {
public:
    explicit XmlChecker(std::string_view text) : text_(text) {}

    std::string run() {
        while (at_ < text_.size() && problem_.empty()) {
            if (text_[at_] == '<') {
                tag();
            } else {
                character(true);
            }
        }
        if (problem_.empty() && !open_.empty()) problem_ = "not closed: " + open_.back();
        if (problem_.empty() && roots_ != 1) problem_ = "not one root";
        return problem_;
    }

private:
    void fail(const std::string& problem) {
        if (problem_.empty()) {
            problem_ = problem + " near: " + std::string(text_.substr(at_, 60));
        }
    }
    static bool name_letter(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == ':' || c == '_';
    }
    std::string name() {
        std::string result;
        while (at_ < text_.size() && name_letter(text_[at_])) result += text_[at_++];
        if (result.empty()) fail("no name");
        return result;
    }
    void character(bool content) {
        auto byte = static_cast<unsigned char>(text_[at_]);
        if (byte < 0x20 && byte != '\n' && byte != '\t') return fail("a control character");
        if (content && open_.empty() && byte != '\n') return fail("text outside");
        if (byte == '&') {
            std::size_t end = text_.find(';', at_);
            std::string_view entity = text_.substr(at_ + 1, end - at_ - 1);
            bool known = entity == "amp" || entity == "lt" || entity == "gt" || entity == "quot" ||
                         entity == "#39";
            if (!known) return fail("an entity");
            at_ = end;
        }
        if (text_.substr(at_, 3) == "\xEF\xBF\xBE" || text_.substr(at_, 3) == "\xEF\xBF\xBF") {
            return fail("a character that is none");
        }
        ++at_;
    }
    void tag() {
        ++at_;
        if (at_ < text_.size() && text_[at_] == '/') {
            ++at_;
            std::string closed = name();
            if (open_.empty() || open_.back() != closed) return fail("closes " + closed);
            open_.pop_back();
            if (text_[at_++] != '>') fail("no >");
            return;
        }
        std::string opened = name();
        if (open_.empty()) ++roots_;
        std::vector<std::string> seen;
        while (problem_.empty()) {
            std::size_t before = at_;
            while (text_[at_] == ' ' || text_[at_] == '\n') ++at_;
            if (text_[at_] == '>' || text_[at_] == '/') break;
            if (at_ == before) return fail("no space");
            std::string attribute = name();
            for (auto& each : seen) {
                if (each == attribute) return fail("twice " + attribute);
            }
            seen.push_back(attribute);
            if (text_.substr(at_, 2) != "=\"") return fail("no =\"");
            at_ += 2;
            while (at_ < text_.size() && text_[at_] != '"' && problem_.empty()) {
                if (text_[at_] == '<') return fail("< in an attribute");
                character(false);
            }
            ++at_;
        }
        if (text_[at_] == '/') {
            ++at_;
        } else {
            open_.push_back(opened);
        }
        if (at_ >= text_.size() || text_[at_++] != '>') fail("no >");
    }

    std::string_view text_;
    std::size_t at_ = 0;
    int roots_ = 0;
    std::vector<std::string> open_;
    std::string problem_;
};

std::string xml_problem(std::string_view text) { return XmlChecker(text).run(); }

std::size_t occurrences(std::string_view text, std::string_view part) {
    std::size_t count = 0;
    for (std::size_t at = text.find(part); at != std::string_view::npos;
         at = text.find(part, at + part.size())) {
        ++count;
    }
    return count;
}

Graph sample() {
    return loaded(R"({"properties":{"name":"sample","description":"what it is for"},
        "inports":{"start":{"process":"read","port":"path"}},
        "outports":{"end":{"process":"write","port":"done","portType":"integer"}},
        "groups":[{"id":"both","nodes":["read","write"],"metadata":{"color":"#123"}}],
        "processes":{"read":{"component":"CsvRead"},"write":{"component":"JsonLinesWrite"},
          "inner":{"component":"Sub","metadata":{"componentSpec":{"type":"subgraph","graph":{
             "properties":{"name":"deep"},"processes":{"first":{"component":"Map"},
               "second":{"component":"Sub","metadata":{"componentSpec":{"type":"subgraph","graph":
                 {"processes":{"deepest":{"component":"Log"}}}}}}},
             "inports":{"in":{"process":"first","port":"in"}},
             "connections":[{"src":{"process":"first","port":"out"},"tgt":{"process":"second","port":"x"}}]}}}}},
        "connections":[{"src":{"process":"read","port":"rows"},"tgt":{"process":"inner","port":"in"}},
          {"src":{"process":"inner","port":"out"},"tgt":{"process":"write","port":"in","index":3},"metadata":{"kind":"latest"}},
          {"src":{"process":"read","port":"error"},"tgt":{"process":"lost","port":"in"}},
          {"src":{"process":"write","port":"again"},"tgt":{"process":"read","port":"loop"}},
          {"data":{"x":1},"tgt":{"process":"write","port":"in"}},
          {"data":2,"tgt":{"process":"write","port":"in"}}]})");
}

TEST(GraphRender, TextIsReadable) {
    std::string text = drawn(sample(), REFLOW_PICTURE_TEXT);
    for (const char* line :
         {"sample: 3 nodes, 4 connections, 2 initial packets\n", "what it is for\n",
          "inport start (any) -> read.path\n", "\nread  CsvRead\n", " rows  -> inner.in\n",
          " error -> lost.in\n", " out -> write.in[3] (latest)\n", " in    <- {\"x\":1}\n",
          " in    <- 2\n", " again -> read.loop\n", " done  -> outport end (integer)\n",
          "\nlost  (no such node)\n", "\ngroup both: read, write\n"}) {
        EXPECT_NE(text.find(line), std::string::npos) << line << "\nin\n" << text;
    }
    EXPECT_EQ(text.find("first"), std::string::npos);
    std::string deep = drawn(sample(), REFLOW_PICTURE_TEXT, 5);
    EXPECT_NE(deep.find("\n    first  Map\n        out -> second.x\n"), std::string::npos) << deep;
    EXPECT_NE(deep.find("\n        deepest  Log\n"), std::string::npos) << deep;
}

TEST(GraphRender, MermaidNamesEverything) {
    std::string text = drawn(sample(), REFLOW_PICTURE_MERMAID, 1);
    EXPECT_EQ(text.substr(0, 13), "flowchart LR\n");
    EXPECT_NE(text.find("s0n0[\"<b>read</b><br/>CsvRead\"]"), std::string::npos) << text;
    EXPECT_NE(text.find("subgraph s0g0[\"both\"]"), std::string::npos);
    EXPECT_NE(text.find("subgraph s0n2[\"inner\"]"), std::string::npos) << text;
    EXPECT_NE(text.find("s0n0 -- \"rows \xE2\x86\x92 in\" --> s0n2"), std::string::npos) << text;
    EXPECT_EQ(occurrences(text, "subgraph "), occurrences(text, "    end\n"));
    EXPECT_EQ(text.find("deepest"), std::string::npos);
}

TEST(GraphRender, DotNamesEverything) {
    std::string text = drawn(sample(), REFLOW_PICTURE_DOT, 1, true);
    EXPECT_EQ(occurrences(text, "{"), occurrences(text, "}"));
    EXPECT_NE(text.find("\"s0n0\":o0:e -> \"s0n2\""), std::string::npos) << text;
    EXPECT_NE(text.find("lhead=\"cluster_s0n2\""), std::string::npos) << text;
    EXPECT_NE(text.find("<b>write</b>"), std::string::npos);
}

TEST(GraphRender, SvgIsWellFormedAndComplete) {
    for (std::uint32_t depth : {0U, 1U, 7U}) {
        std::string text = drawn(sample(), REFLOW_PICTURE_SVG, depth, depth == 1);
        EXPECT_EQ(xml_problem(text), "") << text;
        for (const char* id : {">read<", ">write<", ">inner<", ">lost<", ">start<", ">end<",
                               ">both<", ">CsvRead<", ">in[3]<", "{&quot;x&quot;:1} +1<"}) {
            EXPECT_NE(text.find(id), std::string::npos) << id;
        }
        EXPECT_EQ(text.find(">first<") != std::string::npos, depth >= 1);
        EXPECT_EQ(text.find(">deepest<") != std::string::npos, depth >= 2);
        EXPECT_EQ(occurrences(text, "class=\"rf-line\""), depth == 0 ? 6U : 8U);
        EXPECT_EQ(occurrences(text, "rf-missing\""), 1U);
        EXPECT_EQ(occurrences(text, "http"), 1U) << "the name space and nothing else";
    }
    EXPECT_NE(drawn(sample(), REFLOW_PICTURE_SVG), drawn(sample(), REFLOW_PICTURE_SVG, 0, true));
    EXPECT_EQ(drawn(sample(), REFLOW_PICTURE_SVG), drawn(sample(), REFLOW_PICTURE_SVG));
}

TEST(GraphRender, AnEmptyGraphCanBeDrawn) {
    Graph graph("");
    EXPECT_EQ(xml_problem(drawn(graph, REFLOW_PICTURE_SVG)), "");
    for (reflow_picture kind = REFLOW_PICTURE_TEXT; kind <= REFLOW_PICTURE_HTML; ++kind) {
        EXPECT_FALSE(drawn(graph, kind).empty());
    }
    EXPECT_EQ(render(graph, 0).error().status, REFLOW_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(render(graph, 6).error().status, REFLOW_ERROR_INVALID_ARGUMENT);
}

TEST(GraphRender, HtmlIsOneFileWithEverySubgraph) {
    std::string text = drawn(sample(), REFLOW_PICTURE_HTML);
    EXPECT_EQ(text.substr(0, 15), "<!DOCTYPE html>");
    EXPECT_EQ(occurrences(text, "<svg "), 3U);
    EXPECT_EQ(occurrences(text, "<details "), 2U);
    EXPECT_EQ(occurrences(text, "</details>"), 2U);
    EXPECT_NE(text.find("<summary>inner/second <span>1 node</span></summary>"), std::string::npos);
    EXPECT_NE(text.find("data-scene=\"1\""), std::string::npos);
    EXPECT_NE(text.find("id=\"scene-1\""), std::string::npos);
    EXPECT_EQ(occurrences(text, "http"), 3U) << "name spaces and nothing from outside";
    EXPECT_EQ(text.find("src="), std::string::npos);
    std::size_t start = text.find("<script>");
    std::size_t end = text.find("</script>");
    std::string page = text.substr(16, start - 16) + text.substr(end + 9);
    EXPECT_EQ(xml_problem(page), "");
}

TEST(GraphRender, NamesCannotBreakAPicture) {
    const std::string_view names[] = {"<script>alert(1)</script>",
                                      "a&b",
                                      "\"quoted\"",
                                      "it's",
                                      "]]>",
                                      "\x1B[31mred\x1B[0m",
                                      std::string_view("nul\0byte", 8),
                                      "line\nbreak",
                                      "tab\tstop",
                                      "--> s0n0",
                                      "end",
                                      "\xEF\xBF\xBE\xEF\xBF\xBF",
                                      "\xC2\x9B"
                                      "31m",
                                      "}; \\\" {|}",
                                      "#quot;",
                                      "\xE5\x90\x8D\xE5\x89\x8D",
                                      "",
                                      "a_very_long_name_that_does_not_fit_into_any_box_at_all"};
    Graph graph("<name> & \x07");
    Vector<std::string_view> members;
    for (std::string_view name : names) {
        if (name.empty()) continue;
        ASSERT_TRUE(graph.add_node(name, name, json(R"({"color":"red\"/><script>"})")).ok());
        ASSERT_TRUE(graph.connect({name, name}, {name, name}, {}).ok());
        ASSERT_TRUE(graph.add_initial({name, name}, Message::string(name)).ok());
        ASSERT_TRUE(graph.add_inport(name, {name, name}, {}).ok());
        members.push_back(name);
    }
    ASSERT_TRUE(graph.add_group("<g>&", members).ok());
    ASSERT_TRUE(graph.set_property("description", Message::string("</style><b>\x1B")).ok());
    std::string svg = drawn(graph, REFLOW_PICTURE_SVG);
    EXPECT_EQ(xml_problem(svg), "");
    std::string html = drawn(graph, REFLOW_PICTURE_HTML);
    EXPECT_EQ(occurrences(html, "<script>"), 1U);
    EXPECT_EQ(occurrences(html, "</style>"), 1U);
    std::size_t start = html.find("<script>");
    EXPECT_EQ(xml_problem(html.substr(16, start - 16) + "</body></html>"), "");
    for (reflow_picture kind = REFLOW_PICTURE_TEXT; kind <= REFLOW_PICTURE_HTML; ++kind) {
        std::string text = drawn(graph, kind);
        for (char letter : text) {
            ASSERT_TRUE(static_cast<unsigned char>(letter) >= 0x20 || letter == '\n') << kind;
        }
        ASSERT_EQ(text.find("\xC2\x9B"), std::string::npos) << kind;
    }
    std::string mermaid = drawn(graph, REFLOW_PICTURE_MERMAID);
    EXPECT_EQ(occurrences(mermaid, "\"") % 2, 0U);
    EXPECT_EQ(mermaid.find("<script"), std::string::npos);
}

TEST(GraphRender, SubgraphsAreExpandedAsDeepAsDocumentsGo) {
    Message inner = json(R"({"processes":{"leaf":{"component":"Log"}}})");
    int levels = 0;
    for (;; ++levels) {
        ObjectBuilder spec;
        spec.set("type", Message::string("subgraph"));
        spec.set("graph", inner);
        auto made = spec.finish();
        if (!made.ok()) break;
        ObjectBuilder metadata;
        metadata.set("componentSpec", std::move(made).take());
        auto done = metadata.finish();
        if (!done.ok()) break;
        Graph level("level");
        ASSERT_TRUE(level.add_node("in", "Sub", std::move(done).take()).ok());
        auto document = to_message(level);
        if (!document.ok()) break;
        inner = std::move(document).take();
    }
    EXPECT_GT(levels, 20);
    auto graph = from_message(inner);
    ASSERT_TRUE(graph.ok());
    for (reflow_picture kind = REFLOW_PICTURE_TEXT; kind <= REFLOW_PICTURE_HTML; ++kind) {
        std::string text = drawn(graph.value(), kind, 1000);
        EXPECT_NE(text.find("leaf"), std::string::npos) << kind;
    }
    EXPECT_EQ(xml_problem(drawn(graph.value(), REFLOW_PICTURE_SVG, 1000)), "");
}

}  // namespace
}  // namespace reflow::graph::test
