"""reflow run --dead-letters and reflow dlq, and the example of docs/failure.md.

Environment: REFLOW_SOURCE, REFLOW_CLI. Standard library only.
"""
import json
import os
import pathlib
import re
import shlex
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["REFLOW_SOURCE"])
CLI = os.environ["REFLOW_CLI"]


class DeadLetters(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.page = (SOURCE / "docs/failure.md").read_text(encoding="utf-8")
        self.graph = re.search(r"```json\n(.*?)```", self.page, flags=re.S).group(1)
        (self.folder / "ratio.graph.json").write_text(self.graph, encoding="utf-8")
        # Where a zero is no failure: what was divided is compared.
        mended = self.graph.replace("100 / count", "count == 0")
        (self.folder / "mended.graph.json").write_text(mended, encoding="utf-8")

    def reflow(self, line, code=0):
        words = shlex.split(line)
        done = subprocess.run([CLI] + words[1:], cwd=self.folder, capture_output=True, text=True,
                              timeout=240, check=False)
        self.assertEqual(code, done.returncode, f"{line}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def lines_of_page(self, start):
        return [line.strip() for line in self.page.splitlines()
                if line.startswith("    " + start)]

    def test_example_of_the_page(self):
        runs = self.lines_of_page("reflow ")
        self.assertEqual(4, len(runs))
        printed = re.search(r"```text\n(.*?)```", self.page, flags=re.S).group(1)
        self.assertEqual(printed, self.reflow(runs[0]))
        self.reflow(runs[1], code=1)
        listed = self.reflow(runs[2])
        self.assertRegex(listed, r"^1  \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z  strict  .*\n$")
        report = json.loads(self.reflow(runs[3] + " --json"))
        self.assertEqual("ok", report["status"])
        self.assertEqual(1, report["nodes"]["strict"]["fired"])
        self.assertEqual(0, report["nodes"]["strict"]["failed"])

    def test_both_formats(self):
        for name in ("dead.jsonl", "dead.msgpack"):
            self.reflow("reflow run ratio.graph.json --input 'strict={\"count\": 0}' "
                        "--input 'strict={\"count\": 0, \"id\": 9007199254740993}' "
                        f"--dead-letters {name}", code=1)
            letters = json.loads(self.reflow(f"reflow dlq list {name} --json"))
            self.assertEqual(2, len(letters))
            self.assertEqual("strict", letters[1]["node"])
            self.assertEqual([{"port": "in", "message": {"count": 0, "id": 9007199254740993}}],
                             letters[1]["packets"])
            shown = self.reflow(f"reflow dlq show {name} 2")
            self.assertIn("letter 2 of 2", shown)
            self.assertIn('in: {"count":0,"id":9007199254740993}', shown)
            self.assertEqual(letters[0], json.loads(self.reflow(f"reflow dlq show {name} 1 --json")))
            # What fails anew is kept again.
            self.reflow(f"reflow dlq replay {name} ratio.graph.json --dead-letters rest-{name}",
                        code=1)
            again = json.loads(self.reflow(f"reflow dlq list rest-{name} --json"))
            self.assertEqual([one["packets"] for one in letters],
                             [one["packets"] for one in again])
            self.assertEqual({"dropped": 1, "left": 1},
                             json.loads(self.reflow(f"reflow dlq drop {name} 1 --json")))
            left = json.loads(self.reflow(f"reflow dlq list {name} --json"))
            self.assertEqual([2], [one["id"] for one in left])
            self.assertEqual("1 dropped, 0 left\n", self.reflow(f"reflow dlq drop {name} --all"))
            self.assertEqual("no dead letters\n", self.reflow(f"reflow dlq list {name}"))

    def test_nothing_else_begins(self):
        graph = json.loads(self.graph)
        graph["connections"].append({"data": {"count": 0}, "to": {"nodeId": "strict",
                                                                  "portId": "in"}})
        (self.folder / "ratio.graph.json").write_text(json.dumps(graph), encoding="utf-8")
        self.reflow("reflow run ratio.graph.json --dead-letters dead.jsonl", code=1)
        report = json.loads(self.reflow("reflow dlq replay dead.jsonl ratio.graph.json --json",
                                        code=1))
        self.assertEqual(1, report["nodes"]["strict"]["fired"])

    def test_what_is_wrong(self):
        def complains(line, part, code=2):
            words = shlex.split(line)
            done = subprocess.run([CLI] + words[1:], cwd=self.folder, capture_output=True,
                                  text=True, timeout=240, check=False)
            self.assertEqual(code, done.returncode, done.stderr)
            self.assertIn(part, done.stderr)

        letter = {"node": "strict", "packets": [{"port": "in", "message":
                                                 {"type": "Integer", "data": 1}}]}
        (self.folder / "one.jsonl").write_text(json.dumps(letter) + "\n", encoding="utf-8")
        (self.folder / "bad.jsonl").write_text(json.dumps(letter) + "\n{\"node\": 1}\n",
                                               encoding="utf-8")
        letter["packets"][0]["message"] = {"type": "Integre", "data": 1}
        (self.folder / "kind.jsonl").write_text(json.dumps(letter) + "\n", encoding="utf-8")
        complains("reflow dlq list none.jsonl", "none.jsonl")
        complains("reflow dlq list bad.jsonl", "bad.jsonl:2")
        complains("reflow dlq list kind.jsonl", "kind.jsonl:1")
        complains("reflow dlq show one.jsonl 2", "'2' is not the number of a letter, 1 to 1")
        complains("reflow dlq show one.jsonl", "wants N")
        complains("reflow dlq drop one.jsonl", "numbers of letters, or --all")
        complains("reflow dlq drop one.jsonl 1 --all", "numbers of letters, or --all")
        complains("reflow dlq drop one.jsonl 1 7", "'7' is not the number")
        self.assertEqual(1, len((self.folder / "one.jsonl").read_text().splitlines()))
        graph = json.loads(self.graph)
        graph["processes"] = {"other": graph["processes"]["strict"]}
        graph["inports"] = {"in": {"nodeId": "other", "portId": "in"}}
        graph["outports"] = {}
        (self.folder / "other.graph.json").write_text(json.dumps(graph), encoding="utf-8")
        complains("reflow dlq replay one.jsonl other.graph.json", "no node 'strict'", code=1)


if __name__ == "__main__":
    unittest.main()
