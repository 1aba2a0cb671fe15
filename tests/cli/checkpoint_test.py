"""reflow run --checkpoint and --restore: a run that is killed again and again gives what one run gives."""

import json
import os
import random
import select
import signal
import subprocess

import support
from support import reflow, started

ROWS = 30000
SEED = int(os.environ.get("REFLOW_TEST_SEED", "1"))


class Checkpoint(support.Case):
    def make(self, name):
        """Files in a folder of its own; the path of the graph."""
        folder = self.path(name)
        os.mkdir(folder)
        rows = self.path("rows.csv")
        if not os.path.exists(rows):
            with open(rows, "w", encoding="ascii") as file:
                file.write("n,group\n")
                for i in range(ROWS):
                    file.write(f"{i},g{i * 7919 % 13}\n")
        join = lambda file: os.path.join(folder, file)
        graph = {
            "processes": {
                "read": {"component": "CsvRead", "metadata": {"path": rows, "types": "auto"}},
                "map": {"component": "Map", "metadata": {"set": {"double": "n * 2"}}},
                "write": {"component": "CsvWrite", "metadata": {"path": join("rows.csv")}},
                "late": {"component": "Delay", "metadata": {"ms": 3, "capacity": 200}},
                "lines": {"component": "JsonlWrite",
                          "metadata": {"path": join("late.jsonl"), "flush": True}},
                "count": {"component": "Counter", "metadata": {}},
                "total": {"component": "JsonlWrite", "metadata": {"path": join("total.jsonl")}},
                "groups": {"component": "GroupAggregate", "metadata": {"by": "group", "aggregates": [
                    {"name": "sum", "function": "sum", "field": "double"},
                    {"name": "rows", "function": "count"},
                    {"name": "middle", "function": "median", "field": "n"}]}},
                "result": {"component": "JsonlWrite", "metadata": {"path": join("groups.jsonl")}},
            },
            "connections": [
                {"from": {"nodeId": a, "portId": p}, "to": {"nodeId": b, "portId": "in"},
                 "metadata": {"capacity": 50}}
                for a, p, b in [("read", "out", "map"), ("map", "out", "write"),
                                ("map", "out", "late"), ("late", "out", "lines"),
                                ("map", "out", "count"), ("count", "count", "total"),
                                ("map", "out", "groups"), ("groups", "out", "result")]],
        }
        return self.write(name + ".graph.json", json.dumps(graph))

    def files(self, name):
        folder = self.path(name)
        content = {}
        for file in sorted(os.listdir(folder)):
            with open(os.path.join(folder, file), "rb") as opened:
                content[file] = opened.read()
        return content

    def test_killed_again_and_again(self):
        self.assert_code(reflow("run", self.make("whole"), "-q"), 0)
        whole = self.files("whole")
        self.assertEqual(set(whole), {"rows.csv", "late.jsonl", "total.jsonl", "groups.jsonl"})
        self.assertEqual(len(whole["rows.csv"].splitlines()), ROWS + 1)
        choice = random.Random(SEED)
        path = self.make("cut")
        snapshot = self.path("snapshot")
        kills = restores = 0
        while True:
            arguments = ["run", path, "-q", "--checkpoint", snapshot, "--checkpoint-every", "0.02"]
            if os.path.exists(snapshot):
                arguments += ["--restore", snapshot]
                restores += 1
            with started(*arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
                # Some are killed at a random moment, the more the longer it takes.
                limit = choice.uniform(0.02, 0.25) * (1 + kills / 10)
                try:
                    out, err = process.communicate(timeout=limit)
                except subprocess.TimeoutExpired:
                    process.send_signal(signal.SIGKILL)
                    out, err = process.communicate(timeout=support.DEADLINE)
                    kills += 1
                    continue
            self.assertEqual((process.returncode, out, err), (0, b"", b""), f"seed {SEED}")
            break
        self.assertGreater(kills, 0)
        self.assertEqual(self.files("cut"), whole, f"seed {SEED}: {kills} kills, {restores} restores")

    def test_bad_files(self):
        path = self.make("bad")
        result = reflow("run", path, "--restore", self.path("none"))
        self.assert_code(result, 1)
        self.assertIn("none", result.err)
        result = reflow("run", path, "--restore", self.write("empty", ""))
        self.assert_code(result, 1)
        self.assertIn("empty", result.err)
        self.assert_code(reflow("run", path, "--checkpoint-every", "1"), 2)
        self.assert_code(reflow("run", path, "--checkpoint", "x", "--inline"), 2)
        self.assert_code(reflow("run", path, "--checkpoint", "x", "--checkpoint-every", "soon"), 2)

    def test_another_graph(self):
        snapshot = self.path("other.snapshot")
        path = self.make("first")
        with started("run", path, "-q", "--checkpoint", snapshot, "--checkpoint-every",
                     "0.01") as process:
            support.wait_for(lambda: os.path.exists(snapshot) or process.poll() is not None, "a file")
        if not os.path.exists(snapshot):
            self.skipTest("the run was too short")
        other = self.write("other.graph.json", json.dumps(
            {"processes": {"read": {"component": "JsonlRead", "metadata": {"path": "none"}}},
             "connections": []}))
        result = reflow("run", other, "--restore", snapshot)
        self.assert_code(result, 1)
        self.assertIn("another graph", result.err)
        self.assertIn("read", result.err)


if __name__ == "__main__":
    support.main()
