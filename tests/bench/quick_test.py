"""The benchmark works: every row runs and is right, bench.json has its shape, a peer is compared with,
a wrong one is left out, a wrong engine is an error. Never the speed.

Environment: REFLOW_BUILD. Standard library only.
"""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

BENCH = pathlib.Path(os.environ["REFLOW_BUILD"]) / "bench"

KEYS = ["name", "value", "unit", "peer", "peer_value", "ratio", "limit", "budget", "met"]
DOCUMENTS = ["records", "graph", "floats", "integers", "prose"]
ROWS = [
    "pipeline-1", "pipeline-1-batch", "pipeline-10", "pipeline-10-batch", "pipeline-100",
    "pipeline-100-batch", "fan-out-100", "fan-out-100-batch", "fan-in-100", "fan-in-100-batch",
    "deal-round-robin-10", "deal-least-loaded-10", "deal-key-10", "ping-pong", "ring-100", "pairs-64", "pairs-64-2w", "work-10", "work-10-2w", "latency-2",
    "latency-10", "idle-wake-same-core", "memory-10000", "memory-100000",
    "memory-1000000", "create-10000", "create-100000", "create-1000000", "payload-1048576",
    "graph-load-10000", "slow-sink-memory", "pulled-1", "pulled-256", "events-unasked", "events-default",
    "events-all", "stream-65536", "stream-64", "frame-pool-1048576", "failure-retries",
    "failure-breaker", "snapshot-rest-10000", "process-start", "library-size",
] + [f"{codec}-{way}-{document}" for codec in ("json", "msgpack") for way in ("read", "write")
     for document in DOCUMENTS]


class Quick(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.contenders = pathlib.Path(self.folder.name) / "contenders"
        self.contenders.mkdir()
        for name in ("reflow", "bare"):
            (self.contenders / name).symlink_to(BENCH / "contenders" / name)
        self.json = pathlib.Path(self.folder.name) / "bench.json"

    def bench(self, *arguments):
        return subprocess.run(
            [BENCH / "bench", "--quick", "--json", self.json, "--contenders", self.contenders,
             *arguments], capture_output=True, text=True, check=False)

    def rows(self):
        rows = json.loads(self.json.read_text(encoding="utf-8"))
        return {row["name"]: row for row in rows}

    def fake(self, name, script):
        path = self.contenders / name
        path.unlink(missing_ok=True)
        path.write_text("#!/bin/sh\n" + script, encoding="utf-8")
        path.chmod(0o755)

    def test_every_row_runs_and_is_right(self):
        run = self.bench("--peers", "none")
        self.assertEqual(("", 0), (run.stderr, run.returncode))
        rows = self.rows()
        self.assertEqual([], sorted(set(ROWS) - set(rows)))
        for row in rows.values():
            self.assertEqual(KEYS, list(row)[:len(KEYS)], row)
            self.assertIsInstance(row["value"], float if "." in str(row["value"]) else int, row)
            if row["unit"] != "%":
                self.assertGreater(row["value"], 0, row)
            self.assertIsNone(row["peer"], row)
            self.assertEqual(row["budget"] is None, row["met"] is None, row)
            if row["budget"] is not None and row["budget"] != row["value"]:
                better = row["value"] > row["budget"]
                self.assertEqual(better == (row["better"] == "higher"), row["met"], row)
            self.assertIn(row["name"] + " ", run.stdout)

    def test_a_peer_is_compared_with(self):
        self.fake("go", 'if [ "$1" != pipeline ]; then exit 3; fi\n'
                        'echo "ns=1000 count=$3 sum=$(($3 * ($3 - 1) / 2))"\n')
        run = self.bench("--peers", "go", "--rows", "pipeline-10,ping-pong")
        self.assertEqual(("", 0), (run.stderr, run.returncode))
        rows = self.rows()
        for name in ("pipeline-10", "pipeline-10-batch", "pipeline-10-2w"):
            row = rows[name]
            self.assertEqual("go", row["peer"])
            # 500 packets over 11 connections in a microsecond.
            self.assertAlmostEqual(500 * 11 / 1e-6, row["peer_value"], delta=1e5)
            self.assertAlmostEqual(row["value"] / row["peer_value"], row["ratio"], places=4)
        # The rule asks for 1.5 times the peer or 0.7 times the bare engine, whichever is lower.
        row = rows["pipeline-10"]
        self.assertAlmostEqual(0.7 * row["limit"], row["budget"], delta=row["limit"] / 1e4)
        self.assertAlmostEqual(row["budgets"]["rule"], row["budget"], delta=row["limit"] / 1e4)
        self.assertIsNone(rows["ping-pong"]["peer"])

    def test_a_budget_of_its_own_is_told_beside_a_stricter_one(self):
        run = self.bench("--peers", "none", "--rows", "latency-10,payload-1024,create-10000")
        self.assertEqual(("", 0), (run.stderr, run.returncode))
        rows = self.rows()
        for name, own in (("latency-10", 300), ("payload-1024", 400)):
            row = rows[name]
            self.assertEqual(own, row["budgets"]["own"], row)
            self.assertEqual(min(row["budgets"].values()), row["budget"], row)
            told = f"note: {name} keeps its own budget, {own}, and misses a stricter one" in run.stdout
            self.assertEqual(not row["met"] and row["value"] <= own, told, run.stdout)
        # What there is no peer for is measured by the bare engine.
        row = rows["create-10000"]
        self.assertAlmostEqual(0.7 * row["limit"], row["budget"], delta=row["limit"] / 1e4)

    def test_a_peer_that_is_wrong_is_left_out(self):
        self.fake("go", 'echo "ns=1000 count=$3 sum=7"\n')
        self.fake("flume", "kill -9 $$\n")
        run = self.bench("--peers", "go,flume,caf", "--rows", "pipeline-1")
        self.assertEqual(("", 0), (run.stderr, run.returncode))
        self.assertIn("note: go: pipeline-1: wrong result", run.stdout)
        self.assertIn("note: flume: pipeline-1: ended by signal 9", run.stdout)
        self.assertIn("note: caf: not built", run.stdout)
        self.assertIsNone(self.rows()["pipeline-1"]["peer"])

    def test_an_engine_that_is_wrong_is_an_error(self):
        real = BENCH / "contenders" / "reflow"
        self.fake("reflow", f'if [ "$1" = library ]; then exec "{real}" "$@"; fi\n'
                            'echo "ns=1000 count=1 sum=7"\n')
        run = self.bench("--peers", "none", "--rows", "pipeline-1")
        self.assertEqual(1, run.returncode)
        self.assertIn("bench: reflow: pipeline-1: wrong result", run.stderr)
        self.assertIsNone(self.rows()["pipeline-1"]["value"])

    def test_another_library_is_refused(self):
        self.fake("reflow", "echo library=/nowhere/libreflow.so\n")
        run = self.bench("--rows", "ping-pong")
        self.assertEqual(1, run.returncode)
        self.assertIn("another library: /nowhere/libreflow.so", run.stderr)

    def test_bad_arguments_are_told(self):
        for arguments, text in ((["--rows", "nothing"], "no row has such a name"),
                                (["--peers", "nobody"], "no peer named 'nobody'"),
                                (["--fast"], "unknown option"), (["--runs", "0"], "--runs wants")):
            run = self.bench(*arguments)
            self.assertEqual(2, run.returncode, arguments)
            self.assertIn(text, run.stderr)


if __name__ == "__main__":
    unittest.main()
