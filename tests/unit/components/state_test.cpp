// What snapshots have of the built-in components: a run that is cut in two by one gives what a run
// that is not cut gives, wherever the cut is.
#include "components/accumulator.hpp"
#include "components/harness.hpp"

namespace reflow::components::testing {
namespace {

// All that can be seen of a run.
struct Seen {
    std::map<std::string, Lines> outputs;
    std::string printed;
    std::map<std::string, std::string, std::less<>> files;
};

struct Case {
    std::string component;
    std::string config;
    std::vector<std::pair<std::string, std::string>> inputs;  // port and JSON
    std::vector<std::string> outports;
    std::map<std::string, std::string, std::less<>> files = {};
};

void look(Harness& harness, const Case& of, Seen& seen) {
    for (const std::string& port : of.outports) {
        for (std::string& line : harness.take(port)) seen.outputs[port].push_back(line);
    }
    for (std::string& line : harness.take("error")) seen.outputs["error"].push_back(line);
}

// cut: so many inputs come before the snapshot; more than there are: no snapshot.
Seen run(const Case& of, std::size_t cut) {
    Seen seen;
    HarnessOptions options;
    options.files->contents = of.files;
    auto harness = std::make_unique<Harness>(of.component, of.config, options);
    EXPECT_EQ(harness->error(), "");
    for (std::size_t i = 0; i <= of.inputs.size(); ++i) {
        if (i == cut) {
            look(*harness, of, seen);
            options.restore = harness->snapshot();
            // What the first run does behind the snapshot is not to be seen, but in its files.
            seen.printed = harness->printed();
            harness->send(of.inputs.back().first, of.inputs.back().second);
            harness.reset();
            harness = std::make_unique<Harness>(of.component, of.config, options);
            EXPECT_EQ(harness->error(), "");
        }
        if (i == of.inputs.size()) break;
        harness->send(of.inputs[i].first, of.inputs[i].second);
        harness->idle();
    }
    harness->finish();
    look(*harness, of, seen);
    seen.printed += harness->printed();
    harness.reset();
    seen.files = options.files->contents;
    return seen;
}

void all_cuts(const Case& of) {
    SCOPED_TRACE(of.component);
    Seen whole = run(of, SIZE_MAX);
    for (std::size_t cut = 0; cut <= of.inputs.size(); ++cut) {
        SCOPED_TRACE("cut behind input " + std::to_string(cut));
        Seen seen = run(of, cut);
        EXPECT_EQ(seen.outputs, whole.outputs);
        EXPECT_EQ(seen.printed, whole.printed);
        EXPECT_EQ(seen.files, whole.files);
    }
}

const std::vector<std::pair<std::string, std::string>> rows = {
    {"in", R"({"g":"b","x":2,"t":"2012-01"})"},
    {"in", R"({"g":"a","x":9223372036854775807,"t":"2012-02"})"},
    {"in", R"({"g":"b","x":0.5,"t":"2012-03"})"},
    {"in", R"({"g":null,"x":-3,"t":"2012-04"})"},
    {"in", R"({"g":"a","x":9223372036854775807,"t":"2012-05"})"},
    {"in", R"({"g":"b","x":null,"t":"2012-06"})"},
    {"in", R"({"g":"b","x":2,"t":"x, \"y\""})"}};

TEST(ComponentState, GroupAggregate) {
    std::vector<std::pair<std::string, std::string>> inputs = rows;
    inputs.insert(inputs.begin() + 5, {"flush", "null"});
    std::string all;
    for (std::string_view name : aggregate_names) {
        if (!all.empty()) all += ",";
        all += "{\"name\":\"" + std::string(name) + "\",\"function\":\"" + std::string(name) +
               "\",\"field\":\"x\"}";
    }
    all_cuts({"GroupAggregate", R"({"by": ["g"], "aggregates": [)" + all + "]}", inputs, {"out"}});
    all_cuts({"GroupAggregate", R"({"by": [], "aggregates": [)" + all + "]}", inputs, {"out"}});
}

TEST(ComponentState, Counter) {
    all_cuts({"Counter", R"({"every": 3})", rows, {"out", "count"}});
    all_cuts({"Counter", "{}", rows, {"out", "count"}});
}

TEST(ComponentState, Delay) { all_cuts({"Delay", R"({"ms": 0.2})", rows, {"out"}}); }

TEST(ComponentState, Table) {
    all_cuts({"TablePrint", R"({"title": "Rows", "max_rows": 5})", rows, {}});
}

TEST(ComponentState, Chart) {
    all_cuts({"Chart",
              R"({"path": "c.svg", "x": "t", "max_rows": 6, "series": [{"key": "x"},
                 {"kind": "band", "low": "x", "high": "x"}]})",
              rows,
              {}});
}

TEST(ComponentState, Writers) {
    all_cuts({"CsvWrite", R"({"path": "o.csv"})", rows, {}});
    all_cuts({"CsvWrite", R"({"path": "o.csv", "flush": true, "columns": ["x", "g"]})", rows, {}});
    all_cuts({"CsvWrite",
              R"({"path": "o.csv", "append": true, "flush": true})",
              rows,
              {},
              {{"o.csv", "before\n"}}});
    all_cuts({"CsvWrite", R"({"path": "-"})", rows, {}});
    all_cuts({"JsonlWrite", R"({"path": "o.jsonl", "flush": true})", rows, {}});
    all_cuts({"JsonlWrite", R"({"path": "o.jsonl"})", rows, {}});
}

// Those that say that they keep nothing.
TEST(ComponentState, AllComponentsSaveOrKeepNothing) {
    Result<Vector<runtime::ComponentRef>> all = library();
    ASSERT_TRUE(all.ok());
    for (const runtime::ComponentRef& component : all.value()) {
        EXPECT_TRUE(component->stateless != (component->save != nullptr))
            << component->id << " has to save its state, or to say that it has none";
        EXPECT_EQ(component->save != nullptr, component->load != nullptr) << component->id;
        EXPECT_TRUE(component->private_state) << component->id;
    }
}

// ---- sources: read bit by bit, and cut behind each number of rows

struct Source {
    std::string component;
    std::string config;
    std::vector<std::string> paths;  // of the inport
    std::string content;
};

std::string graph_of(const Source& source) {
    std::string initials;
    for (const std::string& path : source.paths) {
        initials += R"(,{"data":")" + path + R"(","to":{"nodeId":"s","portId":"path"}})";
    }
    return R"({"properties":{"name":"t"},"processes":{"s":{"component":")" + source.component +
           R"(","metadata":)" + source.config + R"(},"p":{"component":"Tee","metadata":{}}},)" +
           R"("connections":[{"from":{"nodeId":"s","portId":"out"},"to":{"nodeId":"p","portId":"in"},"metadata":{"capacity":2}})" +
           initials + R"(],"inports":{},"outports":{}})";
}

using Rows = std::map<std::string, Lines>;

bool read_some(Harness& harness, Rows& to) {
    bool some = false;
    harness.settle();
    for (const auto& [node, port] : {std::pair{"p", "out"}, {"s", "rejected"}, {"s", "done"}}) {
        for (std::string& line : harness.take(node, port)) {
            to[port].push_back(line);
            some = true;
        }
    }
    return some;
}

Rows read_all(const Source& source, std::size_t cut) {
    Rows to;
    HarnessOptions options;
    options.read_capacity = 1;
    options.files->contents["f"] = source.content;
    options.files->contents["g"] = source.content;
    const std::vector<Harness::Port> read = {{"p", "out"}, {"s", "rejected"}, {"s", "done"}};
    auto harness = std::make_unique<Harness>(graph_of(source), read, options);
    EXPECT_EQ(harness->error(), "");
    for (std::size_t step = 0;; ++step) {
        if (step == cut) {
            options.restore = harness->snapshot();
            Rows lost;
            while (read_some(*harness, lost)) {
            }
            harness.reset();
            harness = std::make_unique<Harness>(graph_of(source), read, options);
            EXPECT_EQ(harness->error(), "");
        }
        if (!read_some(*harness, to)) return to;
    }
}

void all_places(const Source& source, std::size_t least) {
    Rows whole = read_all(source, SIZE_MAX);
    EXPECT_GE(whole["out"].size(), least);
    for (std::size_t cut = 0; cut <= whole["out"].size() + 6; ++cut) {
        SCOPED_TRACE(source.component + " " + source.config + " cut at " + std::to_string(cut));
        EXPECT_EQ(read_all(source, cut), whole);
    }
}

TEST(ComponentState, CsvRead) {
    std::string content = "\xEF\xBB\xBFname,amount\r\n";
    for (int i = 0; i < 12; ++i) {
        content += "row " + std::to_string(i) + ",\"" + std::to_string(i) + "\n\"\"x\"\"\"\r\n";
        if (i % 4 == 1) content += "\n";
        if (i % 4 == 2) content += "short\n";
        if (i % 4 == 3) content += std::string(100, 'l') + ",1\n";
    }
    std::string shared = R"("max_row_bytes": 60, "annotate": true)";
    all_places({"CsvRead", R"({"path": "f", )" + shared + "}", {}, content}, 12);
    all_places({"CsvRead", R"({"path": "f", "header": false, )" + shared + "}", {}, content}, 12);
    all_places({"CsvRead", R"({"rename": {"name": "n"}})", {"f", "g"}, content}, 24);
}

TEST(ComponentState, JsonlRead) {
    std::string content;
    for (int i = 0; i < 12; ++i) {
        content += "{\"n\":" + std::to_string(i) + "}\r\n";
        if (i % 4 == 1) content += "\n";
        if (i % 4 == 2) content += "{\n";
        if (i % 4 == 3) content += "\"" + std::string(100, 'l') + "\"\n";
    }
    all_places({"JsonlRead", R"({"path": "f", "max_line_bytes": 60})", {}, content}, 12);
    all_places({"JsonlRead", "{}", {"f", "g"}, content}, 24);
}

// The file is another one now.
TEST(ComponentState, AFileThatIsShorter) {
    HarnessOptions options;
    options.read_capacity = 1;
    options.files->contents["f"] = "{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n";
    Source source{"JsonlRead", R"({"path": "f"})", {}, {}};
    Harness first(graph_of(source), {{"p", "out"}}, options);
    first.settle();
    options.restore = first.snapshot();
    options.files->contents["f"] = "{}";
    Harness second(graph_of(source), {{"p", "out"}}, options);
    EXPECT_NE(second.error().find("shorter"), std::string::npos) << second.error();
    EXPECT_NE(second.error().find("not the file"), std::string::npos) << second.error();
}

// States from outside that no save has written: an error and nothing else.
TEST(ComponentState, BadStates) {
    struct Bad {
        std::string component;
        std::string config;
        std::string state;
    };
    const std::string sum =
        R"({"by": ["g"], "aggregates": [{"name": "m", "function": "mode", "field": "x"}]})";
    const Bad all[] = {
        {"Counter", "{}", "{}"},
        {"Counter", "{}", R"({"count": -1, "last_told": 0})"},
        {"Delay", "{}", "7"},
        {"Delay", "{}", R"([{"left_ns": -1, "message": 1}])"},
        {"Delay", R"({"capacity": 1})",
         R"([{"left_ns": 1, "message": 1}, {"left_ns": 1, "message": 1}])"},
        {"TablePrint", "{}", R"({"rows": [1], "left_out": 0})"},
        {"TablePrint", R"({"max_rows": 1})", R"({"rows": [{}, {}], "left_out": 0})"},
        {"Chart", R"({"path": "c", "x": "t", "series": [{"key": "x"}]})",
         R"({"x": ["a"], "series": [[[], []]], "left_out": 0})"},
        {"Chart", R"({"path": "c", "x": "t", "series": [{"key": "x"}]})",
         R"({"x": [], "series": [], "left_out": 0})"},
        {"CsvWrite", R"({"path": "o"})", R"({"columns": []})"},
        {"JsonlWrite", R"({"path": "o"})", R"({"buffer": "text", "lines": 0, "lost": 0})"},
        {"CsvRead", R"({"path": "f"})", "{}"},
        {"JsonlRead", R"({"path": "f"})", R"({"open": true, "file": "f", "begun": true})"},
        {"GroupAggregate", sum, R"({"groups": {}, "missing": [0]})"},
        {"GroupAggregate", sum, R"({"groups": [], "missing": []})"},
        {"GroupAggregate", sum,
         R"({"groups": [{"key": [], "rows": 1, "values": []}], "missing": [0]})"},
        {"GroupAggregate", sum,
         R"({"groups": [{"key": ["a"], "rows": 1, "values": [{"whole": [1, 0, 0], "parts": [0.0, 0.0, 0.0, 0.0]}]}], "missing": [0]})"},
        {"GroupAggregate", sum,
         R"({"groups": [], "missing": [0], "emitting": true, "emitted": 1})"},
    };
    for (const Bad& bad : all) {
        SCOPED_TRACE(bad.component + " " + bad.state);
        HarnessOptions options;
        options.files->contents["f"] = "a,b\n1,2\n";
        Harness harness(bad.component, bad.config, options);
        ASSERT_EQ(harness.error(), "");
        Message snapshot = harness.snapshot();
        // The snapshot with this state in the place of its own.
        ObjectBuilder node;
        MessageRef before = snapshot.get("nodes").at(0);
        for (std::size_t i = 0; i < before.size(); ++i) {
            node.set(before.key_at(i), before.at(i).own());
        }
        ArrayBuilder record;
        record.append(Message::integer(1));
        record.append(from_json(bad.state));
        node.set("state", record.finish().take());
        ArrayBuilder nodes;
        nodes.append(node.finish().take());
        options.restore = with_key(snapshot, "nodes", nodes.finish().take()).take();
        Harness second(bad.component, bad.config, options);
        EXPECT_NE(second.error().find("saved state"), std::string::npos) << second.error();
    }
}

}  // namespace
}  // namespace reflow::components::testing
