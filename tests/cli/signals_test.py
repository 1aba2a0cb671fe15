"""Ctrl-C and the other ways to end a run early, and standard output that nobody takes."""

import contextlib
import json
import os
import select
import signal
import subprocess
import time

import support
from support import graph, reflow, started, wait_for

MODES = [[], ["--threads", "1"], ["--inline"], ["--seed", "3"]]

# The grace after the first signal is two seconds; a sanitizer takes its own time to end.
AT_ONCE = 1.9 if not support.SANITIZED else 60


class Interrupted(support.Case):
    def setUp(self):
        super().setUp()
        self.lines, self.graph = self.endless("rounds.jsonl")

    def endless(self, name):
        lines = self.path(name)
        return lines, self.write(name + ".graph.json", support.endless(lines))

    def wait_for_lines(self, path=None):
        path = path or self.lines
        wait_for(lambda: os.path.exists(path) and os.path.getsize(path) > 100, "lines in " + path)

    def assert_whole_lines(self, name="rounds.jsonl"):
        text = self.read(name)
        self.assertTrue(text.endswith("\n"))
        for line in text.splitlines():
            self.assertEqual(json.loads(line), {"round": 1})

    def test_once(self):
        cases = [(mode, signal.SIGINT, 130) for mode in MODES]
        cases += [([], signal.SIGTERM, 143), ([], signal.SIGHUP, 129)]
        # All at once, since each has its time of grace.
        with contextlib.ExitStack() as stack:
            running = []
            for at, (mode, number, code) in enumerate(cases):
                lines, path = self.endless(f"{at}.jsonl")
                process = stack.enter_context(started(
                    "run", path, *mode, stdout=subprocess.PIPE, stderr=subprocess.PIPE))
                self.wait_for_lines(lines)
                process.send_signal(number)
                running.append((process, (code, b"", b"reflow: interrupted\n"), mode))
            for at, (process, expected, mode) in enumerate(running):
                out, err = process.communicate(timeout=support.DEADLINE)
                self.assertEqual((process.returncode, out, err), expected, mode)
                self.assert_whole_lines(f"{at}.jsonl")

    def test_json(self):
        with started("run", self.graph, "--json", stdout=subprocess.PIPE,
                     stderr=subprocess.PIPE) as process:
            self.wait_for_lines()
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=support.DEADLINE)
        self.assertEqual(process.returncode, 130)
        told = json.loads(out)
        self.assertEqual(told["status"], "interrupted")
        self.assertGreater(told["nodes"]["loop"]["fired"], 1)

    def test_twice_is_at_once(self):
        def interrupted(mode):
            lines, path = self.endless("twice.jsonl")
            with started("run", path, *mode, stderr=subprocess.PIPE) as process:
                self.wait_for_lines(lines)
                took = self.seconds_to_end(process)
            self.assert_whole_lines("twice.jsonl")
            os.remove(lines)
            return took

        for mode in MODES:
            self.assert_within(AT_ONCE, lambda: interrupted(mode))

    def seconds_to_end(self, process):
        process.send_signal(signal.SIGINT)
        self.assertIn(b"interrupted", process.stderr.readline())
        begin = time.monotonic()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=support.DEADLINE)
        self.assertEqual(process.returncode, 130)
        return time.monotonic() - begin

    def test_twice_is_at_once_in_the_middle_of_much_work(self):
        """A wait that is counted in steps of a simulation would be long when the steps are."""
        lines, path = self.path("work.jsonl"), self.path("work.json")
        nodes = {"loop": ("Delay", {"ms": 0}), "write": ("JsonlWrite", {
            "path": lines, "flush": True})}
        connections = [("loop.out", "loop.in"), ("loop.out", "write.in")]
        for n in range(20):
            nodes[f"map{n}"] = ("Map", {"set": {"sum": " + ".join(["round"] * 2000)}})
            connections.append(("loop.out", f"map{n}.in"))
        self.write("work.json", graph(nodes, connections,
                                      [("loop.in", {"round": 1}) for _ in range(64)]))
        def interrupted(mode):
            with started("run", path, *mode, stderr=subprocess.PIPE) as process:
                self.wait_for_lines(lines)
                took = self.seconds_to_end(process)
            os.remove(lines)
            return took

        for mode in MODES:
            self.assert_within(AT_ONCE, lambda: interrupted(mode))

    def test_sums_of_what_was_read(self):
        """Sources end, and what gathers writes what it has."""
        sums = self.path("sums.jsonl")
        rows = self.write("rows.csv", "n\n" + "1\n" * 20_000_000)
        path = self.write("sum.json", graph(
            {"read": ("CsvRead", {"path": rows}),
             "sum": ("GroupAggregate", {}),
             "write": ("JsonlWrite", {"path": sums})},
            [("read.out", "sum.in"), ("sum.out", "write.in")]))
        with started("run", path, "--json", stdout=subprocess.PIPE) as process:
            wait_for(lambda: os.path.exists(sums), "the start")
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=support.DEADLINE)
        self.assertEqual(process.returncode, 130)
        self.assert_sum_of_a_part(out)
        for mode in MODES:
            _, result = support.with_time(
                lambda seconds: reflow("run", path, "--json", "--timeout", seconds, *mode),
                lambda result: result.json["nodes"]["read"]["sent"] != 0)
            self.assert_code(result, 4)
            self.assert_sum_of_a_part(result.out)

    def assert_sum_of_a_part(self, out):
        nodes = json.loads(out)["nodes"]
        told = json.loads(self.read("sums.jsonl"))
        self.assertEqual(told["count"], nodes["read"]["sent"])
        self.assertLess(told["count"], 20_000_000)

    def test_what_is_under_way_finishes(self):
        # A packet that arrives half a second later is still written.
        path = self.write("late.json", graph(
            {"late": ("Delay", {"ms": 500}), "first": ("JsonlWrite", {
                "path": self.path("first.jsonl"), "flush": True}),
             "write": ("JsonlWrite", {"path": self.lines})},
            [("late.out", "write.in")], [("late.in", {"round": 1}), ("first.in", "x" * 200)]))
        with started("run", path, stderr=subprocess.PIPE) as process:
            self.wait_for_lines(self.path("first.jsonl"))
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=support.DEADLINE)
        self.assertEqual(process.returncode, 130)
        self.assertEqual(self.read("rounds.jsonl"), '{"round":1}\n')

    def test_while_reading_the_graph(self):
        with started("run", "-", "--json", stdin=subprocess.PIPE,
                     stdout=subprocess.PIPE) as process:
            # It reads when its signal handler is there: the mask of caught signals tells.
            def waits():
                with open(f"/proc/{process.pid}/status", encoding="utf-8") as file:
                    caught = int(dict(line.split(":\t", 1) for line in file)["SigCgt"], 16)
                return caught & 1 << (signal.SIGINT - 1)
            wait_for(waits, "a handler of SIGINT")
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=support.DEADLINE)
        self.assertEqual(process.returncode, 130)
        self.assertEqual(json.loads(out)["status"], "interrupted")

    def test_while_nobody_reads_standard_output(self):
        """A pipe that is full does not keep the program from ending."""
        rows = self.write("rows.csv", "n\n" + ("y" * 100 + "\n") * 20000)
        path = self.write("print.json", graph(
            {"read": ("CsvRead", {"path": rows}), "say": ("Log", {"print": True})},
            [("read.out", "say.in")]))
        with contextlib.ExitStack() as stack:
            running = []
            for mode in MODES:
                read_end, write_end = os.pipe()
                stack.callback(os.close, read_end)
                stack.callback(os.close, write_end)
                process = stack.enter_context(started("run", path, *mode, stdout=write_end,
                                                      stderr=subprocess.PIPE))
                poll = select.poll()
                poll.register(write_end, select.POLLOUT)
                # Nothing more goes in when poll says so.
                wait_for(lambda: not poll.poll(0), "a full pipe")
                process.send_signal(signal.SIGINT)
                running.append((process, mode))
            for process, mode in running:
                process.communicate(timeout=support.DEADLINE)
                self.assertEqual(process.returncode, 130, mode)

    def test_progress_line_is_gone_afterwards(self):
        with support.on_terminal("run", self.graph) as (terminal, process):
            terminal.read_until(r"\rreflow: .* rows/s\)")
            process.send_signal(signal.SIGINT)
            terminal.read_until("interrupted, finishing")
            process.send_signal(signal.SIGINT)
            terminal.read_all()
            self.assertEqual(process.wait(support.DEADLINE), 130)
        self.assertRegex(terminal.screen(), r"^reflow: interrupted, finishing[^\n]*\n"
                                            r"reflow: interrupted: [^\n]*\n$")


class ClosedOutput(support.Case):
    def setUp(self):
        super().setUp()
        self.count = 20000
        rows = self.write("rows.csv", "n\n" + "".join(f"{n}\n" for n in range(self.count)))
        self.graph = self.write("g.json", graph(
            {"read": ("CsvRead", {"path": rows}), "say": ("Log", {"print": True}),
             "write": ("JsonlWrite", {"path": self.path("copy.jsonl")})},
            [("read.out", "say.in"), ("read.out", "write.in")]))

    def head(self, *arguments):
        """The first line, the exit code and the messages, in a pipe that is closed after a line."""
        with started(*arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            first = process.stdout.readline()
            process.stdout.close()
            err = process.stderr.read()
            return first, process.wait(support.DEADLINE), err

    def test_files_are_completed_and_nothing_is_said(self):
        for mode in MODES:
            first, code, err = self.head("run", self.graph, *mode)
            self.assertEqual((first, code, err), (b'{"n":"0"}\n', 141, b""), mode)
            lines = self.read("copy.jsonl").splitlines()
            self.assertEqual([json.loads(line)["n"] for line in lines],
                             [str(n) for n in range(self.count)])

    def test_an_endless_run_ends(self):
        loop = self.write("loop.json", graph(
            {"loop": ("Delay", {"ms": 0}), "say": ("Log", {"print": True})},
            [("loop.out", "loop.in"), ("loop.out", "say.in")], [("loop.in", 1)]))
        for mode in MODES:
            first, code, err = self.head("run", loop, *mode)
            self.assertEqual((first, code, err), (b"1\n", 141, b""), mode)

    def test_exposed_outports(self):
        loop = self.write("loop.json", graph({"loop": ("Delay", {"ms": 0})},
                                             [("loop.out", "loop.in")], [("loop.in", 1)],
                                             outports={"out": "loop.out"}))
        first, code, err = self.head("run", loop)
        self.assertEqual((first, code, err), (b"out: 1\n", 141, b""))

    def test_other_commands(self):
        nodes = {f"node{n}": ("Log", {}) for n in range(3000)}
        path = self.write("big.json", graph(nodes, initials=[("node0.in", 1)]))
        for command in (["graph", "show", path, "--format", "json"], ["graph", "convert", path, "-"],
                        ["graph", "validate", path]):
            _, code, err = self.head(*command)
            self.assertEqual((code, err), (141, b""), command)

    def full(self, *arguments):
        with open("/dev/full", "wb") as target:
            done = subprocess.run([support.BINARY, *arguments], stdout=target,
                                  stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                                  env=support.environment(), timeout=support.DEADLINE)
        return support.Result(done.returncode, "", done.stderr.decode())

    def test_full_disk(self):
        words = ("cannot write to standard output", "no space left")
        self.assert_one_message(self.full("version"), 1, *words)
        self.assert_one_message(self.full("components", "--json"), 1, *words)
        self.assert_one_message(self.full("run", self.graph, "--json", "-q", "--set", "say.print=false"), 1, *words)
        self.assert_one_message(self.full("run", self.graph), 1, *words)
        self.assertEqual(len(self.read("copy.jsonl").splitlines()), self.count)

    def test_closed_before_the_start(self):
        # No file that the program opens gets the place of standard output.
        command = 'exec "$0" run "$1" >&-'
        done = subprocess.run(["sh", "-c", command, support.BINARY, self.graph],
                              stderr=subprocess.PIPE, env=support.environment(),
                              timeout=support.DEADLINE)
        result = support.Result(done.returncode, "", done.stderr.decode())
        self.assert_one_message(result, 1, "cannot write to standard output")
        lines = self.read("copy.jsonl").splitlines()
        self.assertEqual(json.loads(lines[0]), {"n": "0"})

    def test_standard_error_that_nobody_takes(self):
        read_end, write_end = os.pipe()
        os.close(read_end)
        try:
            done = subprocess.run([support.BINARY, "run", self.graph, "--json"], stderr=write_end,
                                  stdout=subprocess.PIPE, timeout=support.DEADLINE)
        finally:
            os.close(write_end)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(json.loads(done.stdout)["status"], "ok")


if __name__ == "__main__":
    support.main()
