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
