"""reflow run --watch: the graph file changes while it runs."""

import json
import os
import select
import signal
import subprocess
import time

import support
from support import reflow, started

MODES = [[], ["--threads", "1"], ["--inline"], ["--seed", "3"]]


def ticking(path, **more):
    """Writes a line a few times a second; more nodes write the same elsewhere."""
    nodes = {"loop": ("Delay", {"ms": 2}),
             "write": ("JsonlWrite", {"path": path, "flush": True})}
    connections = [("loop.out", "loop.in"), ("loop.out", "write.in")]
    for name, where in more.items():
        nodes[name] = ("JsonlWrite", {"path": where, "flush": True})
        connections.append(("loop.out", name + ".in"))
    return support.graph(nodes, connections, [("loop.in", {"round": 1})])


class Watch(support.Case):
    def setUp(self):
        super().setUp()
        self.lines = self.path("lines.jsonl")
        self.more = self.path("more.jsonl")
        self.file = self.write("g.json", ticking(self.lines))

    def replace(self, document):
        """As editors do: another file, renamed."""
        text = document if isinstance(document, str) else json.dumps(document)
        with open(self.file + "~", "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(self.file + "~", self.file)

    def said(self, process, pattern):
        """Reads standard error until a line has the pattern, and passes over standard output meanwhile:
        a program that cannot write does nothing else either."""
        end = time.monotonic() + support.DEADLINE
        while time.monotonic() < end:
            ready = select.select([process.stderr, process.stdout], [], [], 0.1)[0]
            if process.stdout in ready:
                os.read(process.stdout.fileno(), 65536)
            if process.stderr not in ready:
                continue
            line = process.stderr.readline().decode()
            if not line:
                break
            if pattern in line:
                return line
        raise AssertionError(f"never said {pattern!r}")

    def grows(self, path):
        size = os.path.getsize(path) if os.path.exists(path) else 0
        support.wait_for(lambda: os.path.exists(path) and os.path.getsize(path) > size,
                         "more in " + path)

    def test_applies_and_goes_on(self):
        for mode in MODES:
            self.replace(ticking(self.lines))
            with started("run", self.file, "--watch", *mode, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, bufsize=0) as process:
                self.grows(self.lines)
                self.replace(ticking(self.lines, extra=self.more))
                line = self.said(process, "applied: ")
                self.assertIn("1 node added, 1 connection added", line)
                self.grows(self.more)
                self.replace(ticking(self.lines))
                self.assertIn("1 node removed", self.said(process, "applied: "))
                self.grows(self.lines)
                process.send_signal(signal.SIGINT)
                process.wait(support.DEADLINE)
                self.assertEqual(process.returncode, 130, mode)
            os.remove(self.more)

    def test_initial_packets_come_once(self):
        """Files that a source is told of are read once, whatever becomes of the others."""
        def reading(*names):
            nodes = {"loop": ("Delay", {"ms": 2}), "read": ("CsvRead", {}),
                     "write": ("JsonlWrite", {"path": self.more, "flush": True})}
            connections = [("loop.out", "loop.in"), ("read.out", "write.in")]
            initials = [("loop.in", {"round": 1})]
            initials += [("read.path", self.path(name + ".csv")) for name in names]
            return support.graph(nodes, connections, initials)

        def read():
            if not os.path.exists(self.more):
                return []
            with open(self.more, encoding="utf-8") as file:
                return [json.loads(line)["name"] for line in file if line.endswith("\n")]

        for name in ("one", "two", "three", "four", "five"):
            self.write(name + ".csv", "name\n" + name + "\n")
        self.replace(reading("one", "two", "three"))
        with started("run", self.file, "--watch", stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                     bufsize=0) as process:
            support.wait_for(lambda: len(read()) >= 3, "the rows of three files")
            self.replace(reading("two", "three", "four"))
            support.wait_for(lambda: "four" in read(), "the row of the fourth")
            self.replace(reading("four", "three", "two", "five"))
            support.wait_for(lambda: "five" in read(), "the row of the fifth")
            self.assertEqual(read(), ["one", "two", "three", "four", "five"])
            process.send_signal(signal.SIGINT)
            process.wait(support.DEADLINE)

    def test_errors_leave_the_old_graph(self):
        with started("run", self.file, "--watch", stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                     bufsize=0) as process:
            self.grows(self.lines)
            self.replace('{"processes": {\n "a": }')
            self.assertRegex(self.said(process, "error"), r":2:\d+: ")
            self.said(process, "runs on")
            self.grows(self.lines)
            broken = ticking(self.lines)
            text = json.dumps(broken if not isinstance(broken, str) else json.loads(broken))
            self.replace(text.replace('"Delay"', '"Dealy"'))
            self.assertIn("Dealy", self.said(process, "Dealy"))
            self.said(process, "runs on")
            self.grows(self.lines)
            self.replace(ticking(self.lines, extra=self.more))
            self.said(process, "1 node added")
            self.grows(self.more)
            process.send_signal(signal.SIGINT)
            process.wait(support.DEADLINE)

    def test_an_idle_graph_waits(self):
        path = self.write("idle.json", support.echo())
        _, result = support.with_time(
            lambda seconds: reflow("run", path, "--watch", "--timeout", seconds, "--input", "in=1"),
            lambda result: result.out)
        self.assert_code(result, 4)
        self.assertEqual(result.out, "out: 1\n")

    def test_files_of_subgraphs(self):
        def inner(value):
            return support.graph({"loop": ("Delay", {"ms": 2}), "write": ("JsonlWrite", {
                "path": self.path(value + ".jsonl"), "flush": True})},
                [("loop.out", "loop.in"), ("loop.out", "write.in")], [("loop.in", value)])

        # A graph in the graph names a file beside itself, in another folder.
        os.makedirs(self.path("parts"))
        first = {"processes": {"deep": {"component": "", "metadata": {"componentSpec": {
            "type": "subgraph", "file": "deep.json"}}}}, "connections": []}
        outer = {"processes": {"sub": {"component": "", "metadata": {"componentSpec": {
            "type": "subgraph", "file": "parts/first.json"}}}}, "connections": []}
        self.write("parts/first.json", first)
        deep = self.write("parts/deep.json", inner("one"))
        self.replace(outer)
        for mode in MODES:
            with started("run", self.file, "--watch", *mode, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, bufsize=0) as process:
                self.grows(self.path("one.jsonl"))
                self.write("parts/deep.json", "{")
                self.said(process, "runs on")
                self.grows(self.path("one.jsonl"))
                self.write("parts/deep.json", inner("two"))
                self.said(process, "applied: ")
                self.grows(self.path("two.jsonl"))
                os.remove(deep)
                self.write("parts/deep.json", inner("one"))
                self.said(process, "applied: ")
                self.grows(self.path("one.jsonl"))
                process.kill()

    def test_new_outports(self):
        def exposing(*names):
            document = json.loads(json.dumps(ticking(self.lines)))
            document["outports"] = {name: {"process": "loop", "port": "out"} for name in names}
            return document

        for mode in MODES:
            self.replace(exposing("a"))
            with started("run", self.file, "--watch", *mode, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, bufsize=0) as process:
                def printed(name, process=process):
                    seen = b""
                    while f"\n{name}: ".encode() not in seen:
                        some = os.read(process.stdout.fileno(), 65536)
                        self.assertNotEqual(some, b"")
                        seen = seen[-100:] + some
                printed("a")
                for names in [("a", "b"), ("c", "a"), ("b",), ("b", "a")]:
                    self.replace(exposing(*names))
                    self.said(process, "applied: ")
                    for name in names:
                        printed(name)
                process.kill()

    def test_needs_a_file(self):
        result = reflow("run", "-", "--watch", stdin=b"{}")
        self.assert_code(result, 2)
        self.assertIn("--watch", result.err)


if __name__ == "__main__":
    support.main()
