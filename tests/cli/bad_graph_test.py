"""Graphs that cannot be read or run: one clear message that names the place, and exit code 3."""

import json
import os
import resource
import subprocess

import support
from support import graph, reflow

GOOD = graph({"a": ("Delay", {}), "b": ("Log", {})}, [("a.out", "b.in")], [("a.in", 1)])

# Every command that reads a graph.
READERS = [["run"], ["graph", "validate"], ["graph", "show"]]


class Unreadable(support.Case):
    def check(self, path, *patterns, stdin=None):
        for command in READERS:
            self.assert_one_message(reflow(*command, path, stdin=stdin), 3, *patterns)
        self.assert_one_message(reflow("graph", "convert", path, "-", stdin=stdin), 3, *patterns)
        result = reflow("run", path, "--json", stdin=stdin)
        self.assert_code(result, 3)
        told = result.json
        self.assertEqual((told["status"], told["nodes"], told["outputs"]), ("invalid", {}, {}))
        self.assertEqual(len(told["errors"]), 1)
        return told["errors"][0]

    def test_missing_file(self):
        self.check(self.path("none.json"), r"none\.json", "no such file")

    def test_directory(self):
        self.check(self.folder, "reflow cli", "directory")

    def test_no_permission(self):
        path = self.write("g.json", GOOD)
        os.chmod(path, 0)
        if os.access(path, os.R_OK):
            self.skipTest("this user may read everything")
        self.check(path, "permission denied")

    def test_empty(self):
        self.check(self.write("empty.json", ""), r"empty\.json", "empty|end of")
        self.check("-", "stdin", "empty|end of", stdin=b"")

    def test_not_json(self):
        error = self.check(self.write("text.json", '{"a": 1,\n  nonsense}'), r"text\.json:2:3: ")
        self.assertEqual((error["line"], error["column"]), (2, 3))

    def test_binary(self):
        self.check(self.write("noise.json", bytes(range(256))), r"noise\.json:1:1: ")

    def test_byte_order_mark(self):
        text = b"\xef\xbb\xbf" + json.dumps(GOOD).encode()
        self.check(self.write("bom.json", text), r"bom\.json:1:1: ", "byte[- ]order mark")

    def test_invalid_utf8(self):
        text = json.dumps(GOOD).encode().replace(b"test", b"t\xffst")
        self.check(self.write("latin.json", text), r"latin\.json:1:\d+: ", "UTF-8")

    def test_truncated(self):
        text = json.dumps(GOOD, indent=1)
        for part in (2, 3):
            cut = text[:len(text) * (part - 1) // part]
            self.check(self.write("cut.json", cut), rf"cut\.json:{cut.count(chr(10)) + 1}:\d+: ")

    def test_duplicate_keys(self):
        text = '{\n "processes": {\n  "a": {"component": "Log"},\n  "a": {"component": "Log"}\n }}'
        error = self.check(self.write("twice.json", text), r"twice\.json:4:3: ", "'a'", r"3:3|line 3")
        self.assertEqual(error["line"], 4)

    def test_nested_brackets(self):
        """100 MB of [ are refused at their depth, without a crash and without much memory."""
        path = self.path("deep.json")
        with open(path, "wb") as file:
            for _ in range(100):
                file.write(b"[" * 1_000_000)
        limit = None
        if not support.SANITIZED:
            limit = lambda: resource.setrlimit(resource.RLIMIT_AS, (600 << 20, 600 << 20))
        done = subprocess.run([support.BINARY, "run", path], capture_output=True,
                              timeout=support.DEADLINE, preexec_fn=limit)
        result = support.Result(done.returncode, done.stdout.decode(), done.stderr.decode())
        self.assert_one_message(result, 3, r"deep\.json:1:\d+: ", "128")


class Invalid(support.Case):
    def check(self, document, *patterns):
        """The same message in a run and from validate."""
        path = self.write("g.json", document)
        self.assert_one_message(reflow("run", path), 3, r"g\.json", *patterns)
        result = reflow("graph", "validate", path)
        self.assert_code(result, 3)
        text = result.out + result.err
        for pattern in patterns:
            self.assertRegex(text, pattern)
        told = reflow("run", path, "--json").json
        self.assertEqual(told["status"], "invalid")
        self.assertEqual(len(told["errors"]), 1, told)
        return told["errors"][0]

    def test_unknown_component(self):
        error = self.check(graph({"a": ("CsvRaed", {})}), "'a'",
                           r"'CsvRaed' \(did you mean 'CsvRead'\?\)")
        self.assertEqual(error["node"], "a")
        self.assertIn("CsvRead", error["hint"])

    def test_connection_to_missing_node(self):
        self.check(graph({"alpha": ("Delay", {}), "beta": ("Log", {})},
                         [("alpha.out", "beta.in"), ("alpha.out", "bata.in")], [("alpha.in", 1)]),
                   "'bata'", r"did you mean 'beta'\?")

    def test_connection_to_missing_port(self):
        self.check(graph({"a": ("Delay", {}), "b": ("Log", {})},
                         [("a.out", "b.in"), ("a.out", "b.inn")], [("a.in", 1)]),
                   "'b'", "'inn'", r"did you mean 'in'\?")
        self.check(graph({"a": ("Delay", {}), "b": ("Log", {})},
                         [("a.oot", "b.in")], [("a.in", 1)]), "'a'", "'oot'", "'out'")

    def test_initial_packet_for_missing_port(self):
        self.check(graph({"a": ("Delay", {})}, initials=[("a.in", 1), ("a.im", 2)]),
                   "'a'", "'im'", r"did you mean 'in'\?")

    def test_required_port_without_connection(self):
        error = self.check(graph({"a": ("Delay", {})}), "'a'", "'in'")
        self.assertEqual((error["node"], error["port"]), ("a", "in"))

    def test_wrong_configuration(self):
        self.check(graph({"a": ("Delay", {"ms": "soon"})}, initials=[("a.in", 1)]), "'a'", "ms")
        self.check(graph({"a": ("Delay", {"milliseconds": 1})}, initials=[("a.in", 1)]),
                   "'a'", "milliseconds")

    def test_what_only_the_component_finds(self):
        """validate makes the nodes, as a run does, and opens no file by it."""
        out = self.path("out.jsonl")
        cases = [("Map", {"value": "1 +"}, "expected a value"),
                 ("Map", {}, "expected 'value'"),
                 ("Filter", {"when": "a ="}, "unexpected '='"),
                 ("RulesEngine", {"rules": [{"name": "x", "when": "a >"}]}, "expected a value"),
                 ("GroupAggregate", {"aggregates": {"functions": ["avg"]}}, "'avg'"),
                 ("SchemaCheck", {"fields": {"d": {"type": "date", "format": "%Q"}}}, "'%Q'"),
                 ("Switch", {"cases": [{"equals": 1}]}, "'value'"),
                 ("Chart", {"path": "x", "x": "a", "series": [{"kind": "line"}]}, "'key'"),
                 ("CsvWrite", {"path": ""}, "empty"),
                 ("Map", {"value": "1 + " * 20000 + "1"}, "65.?536")]
        for component, config, pattern in cases:
            error = self.check(graph({"good": ("JsonlWrite", {"path": out}),
                                      "n": (component, config)},
                                     initials=[("n.in", {}), ("good.in", 1)]), "'n'", pattern)
            self.assertEqual((error["node"], error["code"]), ("n", "bad-config"))
            self.assertTrue(error["path"].startswith("$.processes.n.metadata"), error)
            self.assertEqual(error["line"], 1)
            self.assertFalse(os.path.exists(out))

    def test_connections_are_named_with_both_ends_and_the_line(self):
        document = graph({"a": ("Delay", {}), "b": ("Log", {})},
                         [("a.out", "b.in"), ("a.out", "bb.in"), ("aa.out", "b.in"),
                          ("a.out", "b.inn")],
                         [("a.in", 1), ("a.im", 2)])
        text = json.dumps(document, indent=1)
        lines = text.splitlines()
        # An entry begins with the brace before its "from", or its "to" if it is an initial packet.
        begins = [n for n, line in enumerate(lines, 1) if line == "  {"]
        path = self.write("g.json", text)
        expected = [(begins[1], "a.out -> bb.in"), (begins[2], "aa.out -> b.in"),
                    (begins[3], "a.out -> b.inn"), (begins[5], "the initial packet for a.im")]
        for result in (reflow("run", path), reflow("graph", "validate", path),
                       reflow("graph", "validate", "-", stdin=text.encode())):
            self.assert_code(result, 3)
            told = [line for line in (result.out + result.err).splitlines() if "error: " in line]
            self.assertEqual(len(told), len(expected), repr(result))
            for line, (number, ends) in zip(told, expected):
                self.assertRegex(line, rf"(g\.json|<stdin>):{number}:3: ")
                self.assertIn(ends, line)
        findings = json.loads(reflow("graph", "validate", path, "--json").out)["findings"]
        self.assertEqual([(f["path"], f["line"]) for f in findings[:4]],
                         [("$.connections[1]", begins[1]), ("$.connections[2]", begins[2]),
                          ("$.connections[3]", begins[3]), ("$.connections[5]", begins[5])])

    def test_lines_of_yaml(self):
        path = self.write("g.yaml", "processes:\n  a: {component: Delay}\nconnections:\n"
                                    "  - {data: 1, to: {nodeId: a, portId: im}}\n")
        result = reflow("graph", "validate", path)
        self.assert_code(result, 3)
        self.assertIn("g.yaml:4:5: node 'a': Delay has no inport 'im'", result.out)

    def test_all_errors_are_told(self):
        path = self.write("g.json", graph({"a": ("Nothing1", {}), "b": ("Nothing2", {})}))
        result = reflow("run", path)
        self.assert_code(result, 3)
        lines = result.err.splitlines()
        self.assertEqual(len(lines), 2, repr(result))
        self.assertIn("Nothing1", result.err)
        self.assertIn("Nothing2", result.err)
        self.assertEqual(len(reflow("run", path, "--json").json["errors"]), 2)

    def test_very_many_errors(self):
        path = self.write("g.json", graph({f"n{n}": ("Nothing", {}) for n in range(500)}))
        result = reflow("run", path)
        self.assert_code(result, 3)
        lines = result.err.splitlines()
        self.assertEqual(len(lines), 21, repr(result))
        self.assertIn("480 more errors", lines[20])
        told = reflow("run", path, "--json").json
        self.assertEqual((len(told["errors"]), told["errors_omitted"]), (100, 400))

    def test_cycle_is_a_note(self):
        path = self.write("g.json", support.endless(self.path("x.jsonl")))
        result = reflow("graph", "validate", path)
        self.assert_code(result, 0)
        self.assertRegex(result.out, "(?m)^note: .*cycle")
        self.assertIn("loop", result.out)


if __name__ == "__main__":
    support.main()
