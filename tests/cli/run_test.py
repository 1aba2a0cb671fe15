"""reflow run: what goes in, what comes out, and how it is told."""

import csv
import json
import os
import re

import support
from support import echo, graph, reflow

MODES = [[], ["--threads", "1"], ["--inline"], ["--seed", "5"]]


class Stats(support.Case):
    def run_stats(self, *mode):
        path = self.write("g.json", echo())
        return reflow("run", path, "--stats", "--input", "in=1", "--input", "in=2", *mode)

    def test_table(self):
        for mode in MODES:
            result = self.run_stats(*mode)
            self.assert_code(result, 0)
            self.assertEqual(result.out, "out: 1\nout: 2\n")
            lines = result.err.splitlines()
            self.assertEqual(lines[0].split(), ["NODE", "FIRED", "RECEIVED", "SENT", "FAILED",
                                                "DROPPED", "P50", "P99", "BUSY"])
            node = lines[1].split()
            self.assertEqual((node[0], node[2:6]), ("pass", ["2", "2", "0", "0"]))
            self.assertRegex(lines[1], r"( +[\d.]+ (ns|us|ms|s)){3}$")
            self.assertEqual(len(lines[0]), len(lines[1]))
            self.assertRegex(lines[2], r"^process: [\d.]+ MiB at most, .* of processor time, ")
            self.assertEqual(len(lines), 3)

    def test_json(self):
        for mode in MODES:
            result = self.run_stats("--json", *mode)
            self.assert_code(result, 0)
            self.assertEqual(result.err, "")
            stats = result.json["stats"]
            node = stats["nodes"]["pass"]
            self.assertEqual((node["received"], node["sent"], node["failed"]), (2, 2, 0))
            self.assertGreaterEqual(node["call"]["count"], 1)
            self.assertLessEqual(node["call"]["p50_ns"], node["call"]["max_ns"])
            self.assertEqual(stats["total"]["received"], 2)
            self.assertGreater(stats["process"]["memory_bytes"], 0)
            self.assertTrue(stats["measured"])

    def test_failures_and_order(self):
        path = os.path.join(support.SOURCE, "examples", "weather", "weather.graph.json")
        result = reflow("run", path, "--stats", "--json", "--output-dir", self.folder)
        self.assert_code(result, 0)
        nodes = result.json["stats"]["nodes"]
        table = reflow("run", path, "--stats", "--output-dir", self.folder)
        self.assert_code(table, 0)
        lines = table.err[table.err.index("NODE"):].splitlines()
        self.assertEqual({line.split()[0] for line in lines[1:-2]}, set(nodes))
        self.assertEqual(lines[-2].split()[0], "all")
        units = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}
        busy = [float(line.split()[-2]) * units[line.split()[-1]] for line in lines[1:-2]
                if not line.endswith("-")]
        self.assertEqual(busy, sorted(busy, reverse=True))


class Outputs(support.Case):
    def test_exposed_outports_are_printed(self):
        path = self.write("g.json", echo())
        for mode in MODES:
            result = reflow("run", path, "--input", "in=1", "--input", 'in={"a":[true,null]}', *mode)
            self.assert_code(result, 0)
            self.assertEqual(result.out, 'out: 1\nout: {"a":[true,null]}\n')
            self.assertEqual(result.err, "")

    def test_json_object(self):
        path = self.write("g.json", echo())
        for mode in MODES:
            result = reflow("run", path, "--json", "--input", "in=9007199254740993",
                            "--input", 'in="\\u0000\\ud83d\\ude00"', *mode)
            self.assert_code(result, 0)
            told = result.json
            self.assertEqual(set(told), {"status", "duration_ms", "nodes", "outputs", "errors"})
            self.assertEqual(told["status"], "ok")
            self.assertGreaterEqual(told["duration_ms"], 0)
            self.assertEqual(told["outputs"], {"out": [9007199254740993, "\0\U0001f600"]})
            self.assertEqual(told["errors"], [])
            self.assertEqual(set(told["nodes"]), {"pass"})
            counts = told["nodes"]["pass"]
            self.assertEqual(set(counts), {"fired", "received", "sent", "failed"})
            self.assertEqual((counts["received"], counts["failed"]), (2, 0))

    def test_many_packets_in_order(self):
        # More than an output holds: the reader has to keep up while the graph runs.
        count = 20000
        rows = self.write("rows.jsonl", "".join(f"{n}\n" for n in range(count)))
        path = self.write("g.json", graph({"read": ("JsonlRead", {"path": rows})},
                                          outports={"out": "read.out"}))
        for mode in MODES:
            result = reflow("run", path, "--json", *mode)
            self.assert_code(result, 0)
            self.assertEqual(result.json["outputs"]["out"], list(range(count)))
            self.assertEqual(result.json["nodes"]["read"]["failed"], 0)

    def test_several_outports(self):
        nodes = {f"n{i}": ("Delay", {}) for i in range(40)}
        ends = {f"o{i:02}": f"n{i}.out" for i in range(40)}
        path = self.write("g.json", graph(nodes, initials=[(f"n{i}.in", i) for i in range(40)],
                                          outports=ends))
        for mode in MODES:
            told = reflow("run", path, "--json", *mode).json
            self.assertEqual(told["outputs"], {f"o{i:02}": [i] for i in range(40)})

    def test_what_components_print(self):
        path = self.write("g.json", graph({"say": ("Log", {"print": True})},
                                          initials=[("say.in", "hello")]))
        result = reflow("run", path)
        self.assertEqual((result.code, result.out, result.err), (0, '"hello"\n', ""))
        result = reflow("run", path, "--json")
        self.assertEqual(result.json["status"], "ok")
        self.assertEqual(result.err, '"hello"\n')

    def test_graph_from_standard_input(self):
        document = json.dumps(echo()).encode()
        result = reflow("run", "-", "--input", "in=7", stdin=document)
        self.assertEqual((result.code, result.out), (0, "out: 7\n"))


class Set(support.Case):
    def told(self, nodes, *arguments):
        """The configuration of the nodes as a graph of Log nodes sees it: their labels."""
        path = self.write("g.json", graph(
            {node: ("Log", {"print": True, "label": "-"}) for node in nodes},
            initials=[(f"{node}.in", 0) for node in nodes]))
        return reflow("run", path, *arguments)

    def test_text_and_json(self):
        result = self.told(["n"], "--set", "n.label=plain text")
        self.assertEqual(result.out, "plain text: 0\n")
        result = self.told(["n"], "--set", 'n.label="8"')
        self.assertEqual(result.out, "8: 0\n")
        # A number is not a text: the configuration is checked.
        result = self.told(["n"], "--set", "n.label=8")
        self.assert_one_message(result, 3, "label", "string")

    def test_last_one_wins(self):
        result = self.told(["n"], "--set", "n.label=a", "--set", "n.label=b")
        self.assertEqual(result.out, "b: 0\n")

    def test_longest_node_wins(self):
        result = self.told(["a", "a.b", "a.b.c"], "--set", "a.b.label=two", "--set",
                           "a.b.c.label=three", "--set", "a.label=one=1")
        self.assertEqual(sorted(result.out.splitlines()), ["one=1: 0", "three: 0", "two: 0"])

    def test_names_with_signs(self):
        result = self.told(["x/y", "p=q"], "--set", "x/y.label=slash", "--set", "p=q.label=equal")
        self.assertEqual(sorted(result.out.splitlines()), ["equal: 0", "slash: 0"])

    def test_path_into_objects_and_arrays(self):
        rows = self.write("rows.csv", "a,b\n1,2\n")
        path = self.write("g.json", graph(
            {"read": ("CsvRead", {"path": rows, "columns": ["x", "y"], "header": False})},
            outports={"out": "read.out"}))
        result = reflow("run", path, "--set", "read.columns.1=z", "--set", "read.rename.x=w")
        self.assertEqual(result.out, 'out: {"w":"a","z":"b"}\nout: {"w":"1","z":"2"}\n')

    def test_wrong_ones(self):
        check = lambda argument, *patterns: self.assert_one_message(
            self.told(["north", "south"], "--set", argument), 2, *patterns)
        check("nort.label=1", r"no node named 'nort' \(did you mean 'north'\?\)")
        check("label=1", "not NODE.KEY=VALUE")
        check("north.label", "not NODE.KEY=VALUE")
        check("north.=1", "the key is empty")
        check("north.label.0.x=1", "label")

    def test_wrong_one_as_json(self):
        result = self.told(["north"], "--set", "nort.label=1", "--json")
        self.assert_code(result, 2)
        self.assertEqual(result.json["status"], "invalid")
        self.assertIn("north", result.json["errors"][0]["hint"])


class Input(support.Case):
    def setUp(self):
        super().setUp()
        self.graph = self.write("g.json", echo())

    def test_node_and_port(self):
        result = reflow("run", self.graph, "--input", "pass.in=[1,2]")
        self.assertEqual((result.code, result.out), (0, "out: [1,2]\n"))

    def test_from_files(self):
        self.write("value.json", ' {"k": 1}\n')
        result = reflow("run", self.graph, "--input", "in=@value.json", cwd=self.folder)
        self.assertEqual((result.code, result.out), (0, 'out: {"k":1}\n'))
        result = reflow("run", self.graph, "--input", "in=@-", stdin=b"[3]")
        self.assertEqual((result.code, result.out), (0, "out: [3]\n"))

    def test_order_across_ports(self):
        arguments = [word for n in range(50)
                     for word in ("--input", f"{'in' if n % 2 else 'pass.in'}={n}")]
        told = reflow("run", self.graph, "--json", *arguments).json
        self.assertEqual(told["outputs"]["out"], list(range(50)))

    def test_wrong_ones(self):
        check = lambda argument, *patterns: self.assert_one_message(
            reflow("run", self.graph, "--input", argument), 2, *patterns)
        check("in=hello", "--input in: ", "column 1", "double quotes")
        check("in=", "--input in: ")
        check("in", "not NODE.PORT=JSON")
        check("=1", "not NODE.PORT=JSON")
        check("im=1", r"no exposed inport named 'im' \(did you mean 'in'\?\)")
        check("pss.in=1", r"no node named 'pss' \(did you mean 'pass'\?\)")
        check("pass.ni=1", r"'ni'.*did you mean 'in'")
        check("in=@missing.json", "cannot read 'missing.json': no such file")
        self.write("bad.json", '{"a": 1,\n "a" 2}')
        self.assert_one_message(
            reflow("run", self.graph, "--input", "in=@bad.json", cwd=self.folder), 2,
            "bad.json", "line 2, column 6")


class Files(support.Case):
    ROWS = [{"name": "a", "n": "1"}, {"name": "b", "n": "2"}]

    def graph_of_files(self):
        rows = self.write("rows.csv", "name,n\na,1\nb,2\n")
        return self.write("g.json", graph(
            {"read": ("CsvRead", {"path": rows}),
             "lines": ("JsonlWrite", {"path": "rows.jsonl", "folder": "not/here"}),
             "table": ("CsvWrite", {"path": "copy.csv", "folder": "not/here"})},
            [("read.out", "lines.in"), ("read.out", "table.in")]))

    def test_output_dir(self):
        for mode in MODES:
            out = self.path("out" + "".join(mode), "deep")
            result = reflow("run", self.graph_of_files(), "--output-dir", out, *mode,
                            cwd=self.folder)
            self.assert_code(result, 0)
            with open(os.path.join(out, "rows.jsonl"), encoding="utf-8") as file:
                self.assertEqual([json.loads(line) for line in file], self.ROWS)
            with open(os.path.join(out, "copy.csv"), encoding="utf-8", newline="") as file:
                self.assertEqual(list(csv.DictReader(file)), self.ROWS)
        self.assertFalse(os.path.exists(self.path("not")))

    def test_set_wins(self):
        path = self.graph_of_files()
        result = reflow("run", path, "--output-dir", self.path("one"), "--set",
                        "table.folder=" + self.path("two"))
        self.assert_code(result, 0)
        self.assertEqual(os.listdir(self.path("one")), ["rows.jsonl"])
        self.assertEqual(os.listdir(self.path("two")), ["copy.csv"])

    def test_nothing_to_write(self):
        result = reflow("run", self.write("e.json", echo()), "--output-dir", self.folder)
        self.assert_code(result, 0)
        self.assertIn("no node of this graph writes files", result.err)

    def test_folder_that_cannot_be_made(self):
        self.write("file", "")
        result = reflow("run", self.graph_of_files(), "--output-dir", self.path("file", "x"))
        self.assert_one_message(result, 1, "file/x", "not a directory")
        result = reflow("run", self.graph_of_files(), "--json", "--output-dir",
                        self.path("file", "x"))
        self.assertEqual((result.code, result.json["status"]), (1, "failed"))

    def test_missing_input(self):
        result = reflow("run", self.graph_of_files(), "--set", "read.path=nowhere.csv",
                        "--output-dir", self.folder)
        self.assert_one_message(result, 1, "read", "nowhere.csv", "no such file")

    def test_full_disk(self):
        # Enough that writing fails while the graph runs, and again at its end.
        rows = self.write("many.csv", "n\n" + "".join(f"{n}\n" for n in range(50000)))
        path = self.graph_of_files()
        result = reflow("run", path, "--output-dir", self.folder, "--set", "read.path=" + rows,
                        "--set", "lines.path=/dev/full", "--json")
        self.assert_code(result, 1)
        told = result.json
        self.assertEqual(told["status"], "failed")
        self.assertTrue(all(error["node"] == "lines" for error in told["errors"]), told["errors"])
        self.assertIn("no space left", told["errors"][0]["message"])
        self.assertLess(len(told["errors"]), 5)
        self.assertEqual(len(self.read("copy.csv").splitlines()), 50001)


class Failures(support.Case):
    def failing(self, taken):
        # A text is no row of a table.
        rows = self.write("rows.jsonl", "".join(f'"text {n}"\n' for n in range(150)) +
                          "".join(f'{{"n": {n}}}\n' for n in range(200)))
        nodes = {"read": ("JsonlRead", {"path": rows}), "table": ("CsvWrite", {
            "path": self.path("t.csv"), "columns": ["n"]})}
        connections = [("read.out", "table.in")]
        outports = {"errors": "table.error"} if taken else {}
        return self.write("g.json", graph(nodes, connections, outports=outports))

    def test_first_ones_are_told_and_all_counted(self):
        result = reflow("run", self.failing(False))
        self.assert_code(result, 1)
        lines = result.err.splitlines()
        self.assertEqual(len(lines), 11, repr(result))
        self.assertTrue(all("node 'table'" in line for line in lines[:10]), repr(result))
        self.assertIn("140 more failures", lines[10])
        told = reflow("run", self.failing(False), "--json").json
        self.assertEqual((told["status"], len(told["errors"]), told["errors_omitted"]),
                         ("failed", 100, 50))
        self.assertEqual(told["nodes"]["table"]["failed"], 150)
        self.assertEqual(told["errors"][0]["node"], "table")
        # What did not fail is there.
        self.assertEqual(len(self.read("t.csv").splitlines()), 201)

    def test_errors_that_are_taken_are_no_failure(self):
        result = reflow("run", self.failing(True), "--json")
        self.assert_code(result, 0)
        told = result.json
        self.assertEqual((told["status"], told["errors"]), ("ok", []))
        self.assertEqual(told["nodes"]["table"]["failed"], 150)
        self.assertEqual(len(told["outputs"]["errors"]), 150)


class SetFromOutside(support.Case):
    """Values that come by --set are told as such."""

    def check(self, value, code, *patterns):
        path = self.write("g.json", graph(
            {"t": ("TablePrint", {}), "r": ("RulesEngine", {"rules": [
                {"name": "x", "when": "n > 1"}]}), "read": ("CsvRead", {"path": "x"})},
            initials=[("t.in", {"n": 1}), ("r.in", {"n": 1})]))
        result = reflow("run", path, "--set", value)
        self.assert_one_message(result, code, "--set " + re.escape(value) + ": ", *patterns)
        self.assertNotIn("g.json", result.err)
        return result

    def test_duplicate_keys(self):
        self.check('t.titles={"n":"a","n":"b"}', 2, "duplicate key 'n'", "column 2$", "column 10:?")
        self.check('t.titles={"n":"a",  "\\u006e":"b"}', 2, "duplicate key 'n'", "column 12")
        self.check('r.rules=[{"name":"y","when":"true"},{"name":"y","name":"x"}]', 2,
                   "duplicate key 'name'", "column 30", "column 41")

    def test_equal_keys_of_different_objects(self):
        path = self.write("g.json", graph({"map": ("Map", {"value": "$free"})},
                                          initials=[("map.in", {})]))
        value = '{"n":{"n":[{"n":"{\\"n\\":1,"},{"n":"n\\\\"}]},"m":"n"}'
        json.loads(value)
        self.assert_code(reflow("run", path, "--set", "map.free=" + value), 0)

    def test_broken_structures_are_no_text(self):
        for value in ('{"n":', "[1,", "{n}", ' {"n" 1}'):
            self.check("t.titles=" + value, 2, "line 1, column")

    def test_text_stays_text(self):
        path = self.write("g.json", graph({"say": ("Log", {"print": True})},
                                          initials=[("say.in", 1)]))
        for text in ("a{b", "x]", "1,2", '"', "tru", "--"):
            result = reflow("run", path, "--set", "say.label=" + text)
            self.assertEqual((result.code, result.out), (0, text + ": 1\n"))

    def test_what_validation_finds(self):
        result = self.check("read.pth=1", 3, r"unknown key 'pth' \(did you mean 'path'\?\)$")
        self.assertEqual(result.err.count("pth"), 2)  # in the option and in what is wrong with it
        self.check("read.path=1", 3, "expected a string")

    def test_what_the_component_finds(self):
        self.check("r.rules.0.when=a >", 3, "expected a value")
        self.check("r.wnid=8", 3, "unknown configuration key 'wnid'")


class Time(support.Case):
    def test_timeout(self):
        for mode in MODES:
            path = self.write("g.json", support.endless(self.path("rounds.jsonl")))
            seconds, result = support.with_time(
                lambda seconds: reflow("run", path, "--timeout", seconds, "--json", *mode),
                lambda _: os.path.exists(self.path("rounds.jsonl")) and
                len(self.read("rounds.jsonl").splitlines()) > 1)
            self.assert_one_message(result, 4, f"timed out after {seconds} s")
            self.assertEqual(result.json["status"], "timeout")
            self.assertIn("timed out", result.json["errors"][0]["message"])
            lines = self.read("rounds.jsonl").splitlines()
            self.assertGreater(len(lines), 1)
            for line in lines:
                self.assertEqual(json.loads(line), {"round": 1})

    def test_zero(self):
        path = self.write("g.json", support.endless(self.path("rounds.jsonl")))
        self.assert_code(reflow("run", path, "--timeout", "0"), 4)

    def test_enough_time(self):
        result = reflow("run", self.write("g.json", echo()), "--timeout", "1000", "--input", "in=1")
        self.assertEqual((result.code, result.out), (0, "out: 1\n"))

    def test_simulated_time_costs_nothing(self):
        hour = self.write("g.json", echo({"ms": 3600000}))
        result = reflow("run", hour, "--seed", "1", "--input", "in=1", "--timeout", "30")
        self.assertEqual((result.code, result.out), (0, "out: 1\n"))


class Events(support.Case):
    def events(self, *mode):
        path = self.write("g.json", echo())
        file = self.path("events.jsonl")
        result = reflow("run", path, "--input", "in=1", "--input", "in=2", "--events", file, *mode)
        self.assert_code(result, 0)
        return [json.loads(line) for line in self.read("events.jsonl").splitlines()]

    def test_all_kinds(self):
        for mode in MODES:
            kinds = [event["_type"] for event in self.events(*mode)]
            self.assertEqual(kinds[0], "NetworkStarted")
            self.assertEqual(kinds.count("MessageReceived"), 2)
            self.assertIn("NetworkIdle", kinds)
            self.assertIn("ActorCompleted", kinds)
            self.assertEqual(kinds[-1], "NetworkShutdown")

    def test_to_standard_error(self):
        result = reflow("run", self.write("g.json", echo()), "--input", "in=1", "--events", "-")
        self.assert_code(result, 0)
        for line in result.err.splitlines():
            self.assertIn("_type", json.loads(line))

    def test_file_that_cannot_be_written(self):
        path = self.write("g.json", echo())
        result = reflow("run", path, "--events", self.path("no", "events"))
        self.assert_one_message(result, 1, "cannot write events", "no such file")
        result = reflow("run", path, "--input", "in=1", "--events", "/dev/full")
        self.assert_one_message(result, 1, "cannot write events to '/dev/full'", "no space left")


class Log(support.Case):
    def lines(self, level, *arguments, **env):
        path = self.write("g.json", graph({"say": ("Log", {"level": level})},
                                          initials=[("say.in", 1)]))
        result = reflow("run", path, *arguments, env=support.environment(**env))
        self.assert_code(result, 0)
        return result.err

    def test_levels(self):
        self.assertEqual(self.lines("info"), "INFO say: 1\n")
        self.assertEqual(self.lines("debug"), "")
        self.assertIn("DEBUG say: 1\n", self.lines("debug", "-v"))
        self.assertIn("DEBUG say: 1\n", self.lines("debug", "--log-level", "debug"))
        self.assertIn("DEBUG say: 1\n", self.lines("debug", REFLOW_LOG="debug"))
        self.assertEqual(self.lines("info", "-q"), "")
        self.assertEqual(self.lines("info", "--log-level", "warn"), "")
        self.assertEqual(self.lines("info", REFLOW_LOG="error"), "")
        self.assertEqual(self.lines("info", "--log-level", "info", REFLOW_LOG="error"),
                         "INFO say: 1\n")
        self.assertEqual(self.lines("error", "-q"), "ERROR say: 1\n")

    def test_lines_that_look_like_failures(self):
        """What a graph logs is shown, whatever it says; failures are told once, as failures."""
        path = self.write("g.json", graph(
            {"say": ("Log", {"level": "warn", "label": "node 'say': not a failure"})},
            initials=[("say.in", 1)]))
        self.assertEqual(reflow("run", path).err, "WARN say: node 'say': not a failure: 1\n")
        path = self.write("g.json", graph({"map": ("Map", {"value": "1 + x"})},
                                          initials=[("map.in", {"x": "text"})]))
        self.assert_one_message(reflow("run", path), 1, "node 'map'")

    def test_unknown_level_in_the_environment(self):
        text = self.lines("info", REFLOW_LOG="loud")
        self.assertIn("REFLOW_LOG: unknown level 'loud'", text)
        self.assertIn("INFO say: 1\n", text)

    def test_no_control_characters(self):
        path = self.write("g.json", graph({"say": ("Log", {"label": "\x1b]0;x\x07"})},
                                          initials=[("say.in", 1)]))
        result = reflow("run", path)
        self.assertNotIn("\x1b", result.err)
        self.assertIn(r"\x1b]0;x\x07: 1", result.err)


if __name__ == "__main__":
    support.main()
