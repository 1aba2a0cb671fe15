"""reflow debug, reflow run --record and reflow replay: scripts, a terminal, and wrong use."""

import os
import re
import signal
import unittest

import support
from support import graph, on_terminal, reflow


def check_sum(data):
    """As docs/internals/network.md tells: SplitMix64 over the size and words of eight bytes."""
    most = (1 << 64) - 1
    value = 0x9e3779b97f4a7c15
    words = [len(data)] + [int.from_bytes(data[i:i + 8], "little") for i in range(0, len(data), 8)]
    for word in words:
        z = ((value ^ word) + 0x9e3779b97f4a7c15) & most
        z = ((z ^ z >> 30) * 0xbf58476d1ce4e5b9) & most
        z = ((z ^ z >> 27) * 0x94d049bb133111eb) & most
        value = z ^ z >> 31
    return (value & 0xffffffff).to_bytes(4, "little")


class Debug(support.Case):
    def setUp(self):
        super().setUp()
        rows = self.write("rows.csv", "n\n" + "".join(f"{n}\n" for n in range(1, 11)))
        self.document = self.write("g.json", graph(
            {"read": ("CsvRead", {"path": rows}), "double": ("Map", {"set": {"m": "int(n) * 2"}}),
             "keep": ("Filter", {"when": "m > 10"}), "say": ("Log", {"print": True})},
            [("read.out", "double.in"), ("double.out", "keep.in"), ("keep.out", "say.in")]))

    def debug(self, *commands, code=0, stdin=None, more=()):
        words = [word for command in commands for word in ("-c", command)]
        done = reflow("debug", self.document, *words, *more, stdin=stdin)
        self.assertEqual(done.code, code, done)
        return done

    def test_break_with_a_condition_and_go_on(self):
        done = self.debug("break keep if m == 14", "continue", "print", "where", "print keep.in",
                          "info breakpoints", "continue")
        self.assertIn('breakpoint 1 at keep if m == 14\n', done.out)
        self.assertIn('breakpoint 1: keep.in: {"n":"7","m":14}\n', done.out)
        self.assertIn('\n{"n":"7","m":14}\n', done.out)
        self.assertIn("before a firing of keep.in, breakpoint 1; ", done.out)
        self.assertIn('keep.in 1: {"n":"7","m":14}\n', done.out)
        self.assertIn("met 1 times", done.out)
        self.assertRegex(done.out, r"the network has ended after \d+ firings\n$")
        self.assertEqual(re.findall(r'^\{"n":"(\d+)","m":\d+\}$', done.out, re.M).count("7"), 2)

    def test_connection_and_outport(self):
        done = self.debug("b double.out -> keep.in if n == '3'", "b double.out if n == '5'", "c",
                          "print", "info q", "c", "d 1", "d", "i b", "c")
        self.assertIn('breakpoint 1: double.out -> keep.in: {"n":"3","m":6}\n', done.out)
        self.assertIn('breakpoint 2: double.out -> keep.in: {"n":"5","m":10}\n', done.out)
        self.assertIn("no breakpoints\n", done.out)
        self.assertIn("ended", done.out)

    def test_steps(self):
        done = self.debug("step", "step 3", "info nodes", "where", "step 1000", "step", code=1)
        lines = done.out.split("\n")
        self.assertTrue(lines[0].startswith("read fired"), done)
        self.assertRegex(done.out, r"(?m)^node +fired +received +sent +failed +waiting +component$")
        self.assertRegex(done.out, r"(?m)^say +\d+ +\d+ +0 +0 +\d+  Log$")
        self.assertRegex(done.out, r"the network has ended after \d+ firings\n$")
        self.assertIn("the network has ended (restart begins anew)", done.err)
        said = re.findall(r'(?m)^\{"n":"(\d+)"', done.out)
        self.assertEqual(said, ["6", "7", "8", "9", "10"])

    def test_next_and_once(self):
        done = self.debug("tbreak keep", "c", "next", "next", "i b", "c")
        stops = re.findall(r'breakpoint \d+: keep.in: \{"n":"(\d+)"', done.out)
        self.assertEqual(stops, ["1", "2", "3"])
        self.assertIn("no breakpoints", done.out)

    def test_finishing_is_stepped_and_stopped_at(self):
        sums = graph({"read": ("CsvRead", {"path": self.write("r.csv", "n\n1\n2\n")}),
                      "sum": ("GroupAggregate", {"by": "n", "aggregates": {"count": True}}),
                      "say": ("Log", {"print": True})},
                     [("read.out", "sum.in"), ("sum.out", "say.in")])
        self.document = self.write("sums.json", sums)
        stepped = self.debug("step 1000")
        self.assertIn("ended", stepped.out)
        self.assertEqual(len(re.findall(r'(?m)^\{"n"', stepped.out)), 2, stepped)
        stopped = self.debug("break say", "c", "where", "c", "c")
        self.assertIn("breakpoint 1: say.in: ", stopped.out)
        self.assertIn("ended", stopped.out)

    def test_the_same_seed_stops_in_the_same_places(self):
        script = ["break double", "break keep"] + ["c"] * 12
        first = self.debug(*script, more=("--seed", "5")).out
        self.assertEqual(first, self.debug(*script, more=("--seed", "5")).out)
        again = self.debug(*script, "set seed 5", "restart", *script[2:]).out
        self.assertTrue(again.endswith(first.split("\n", 2)[2]), again)
        self.assertIn("ready, with seed 5\n", again)

    def test_wrong_words(self):
        done = self.debug("brek keep", "b kep", "b keep.inn", "b keep if m >", "b keep.out", "print",
                          "delete 7", "step x", "info x", "p", "events", "set seed", code=1)
        for text in ("no command 'brek' (did you mean 'break'?)",
                     "no node named 'kep' (did you mean 'keep'?)", "no outport 'inn'",
                     "at column", "it does not stand at a breakpoint", "no breakpoint 7",
                     "'x' is no number of firings", "nothing is known about 'x'",
                     "events on or events off?"):
            self.assertIn(text, done.err)

    def test_scripts_from_a_pipe_and_a_file(self):
        piped = self.debug(stdin=b"# a comment\n\nb keep\nc\n\nq\n")
        self.assertEqual(len(re.findall("breakpoint 1: keep", piped.out)), 2)
        file = self.write("script", "b keep\nc\nevents on\nc\n")
        done = self.debug("graph", more=("-x", file))
        self.assertIn("double", done.out)
        self.assertIn('{"_type":"Breakpoint","actorId":"keep"', done.out)
        self.assertEqual(reflow("debug", self.document, "-x", "none").code, 2)
        self.assertEqual(reflow("debug", self.write("bad.json", "{")).code, 3)

    def test_terminal(self):
        with on_terminal("debug", self.document, stdin=True) as (terminal, process):
            terminal.read_until(r"\(reflow\) ")
            os.write(terminal.host, b"break keep if m == 8\n")
            terminal.read_until("breakpoint 1 at")
            os.write(terminal.host, b"c\n")
            terminal.read_until('"m":8}')
            os.write(terminal.host, b"q\n")
            terminal.read_all()
            self.assertEqual(process.wait(support.DEADLINE), 0)

    def test_interrupt_comes_back_to_the_prompt(self):
        # A cycle that never ends.
        self.document = self.write("cycle.json", graph(
            {"a": ("Delay", {"ms": 0}), "b": ("Delay", {"ms": 0})},
            [("a.out", "b.in"), ("b.out", "a.in")]))
        with on_terminal("debug", self.document, "--input", "a.in=1", stdin=True) as (terminal, process):
            terminal.read_until(r"\(reflow\) ")
            os.write(terminal.host, b"events on\nc\n")
            terminal.read_until("ActorCompleted")  # so that it goes on
            process.send_signal(signal.SIGINT)
            terminal.read_until(r"interrupted(.|\n)*\(reflow\) ")
            os.write(terminal.host, b"where\n")
            terminal.read_until("between two firings")
            os.write(terminal.host, b"q\n")
            terminal.read_all()
            self.assertEqual(process.wait(support.DEADLINE), 0)


class Recordings(support.Case):
    def setUp(self):
        super().setUp()
        self.rows = self.write("rows.csv", "n\n" + "".join(f"{n}\n" for n in range(1, 101)))
        self.graph = graph(
            {"read": ("CsvRead", {"path": self.rows}), "double": ("Map", {"set": {"m": "int(n) * 2"}}),
             "keep": ("Filter", {"when": "m > 10"}), "say": ("Log", {"print": True}),
             "file": ("JsonlWrite", {"path": os.path.join(self.folder, "out.jsonl")})},
            [("read.out", "double.in"), ("double.out", "keep.in"), ("keep.out", "say.in"),
             ("double.out", "file.in")])
        self.document = self.write("g.json", self.graph)
        self.recording = os.path.join(self.folder, "run.rec")

    def test_replay_is_the_same_and_touches_no_files(self):
        events = os.path.join(self.folder, "events.jsonl")
        ran = reflow("run", self.document, "--seed", "9", "--record", self.recording, "--events", events)
        self.assertEqual(ran.code, 0, ran)
        os.unlink(self.rows)
        os.unlink(os.path.join(self.folder, "out.jsonl"))
        again = reflow("replay", self.recording)
        self.assertEqual((again.code, again.out), (0, ran.out), again)
        self.assertRegex(again.err, r"the same \d+ firings\n")
        self.assertFalse(os.path.exists(os.path.join(self.folder, "out.jsonl")))
        told = reflow("replay", self.recording, "--json")
        self.assertEqual((told.json["status"], told.json["truncated"]), ("same", False))
        shown = reflow("replay", self.recording, "--events")
        with open(events, encoding="utf-8") as file:
            self.assertEqual(shown.out, file.read())
        stopped = reflow("replay", self.recording, "--until", "5", "--json").json
        self.assertEqual((stopped["status"], stopped["firings"]), ("stopped", 5))

    def test_recordings_repeat_byte_for_byte(self):
        def record(seed):
            done = reflow("run", self.document, "--seed", seed, "--record", self.recording)
            self.assertEqual(done.code, 0, done)
            with open(self.recording, "rb") as file:
                return file.read()
        self.assertEqual(record("3"), record("3"))
        self.assertNotEqual(record("3"), record("4"))

    def test_cut_and_foreign_files(self):
        reflow("run", self.document, "--record", self.recording)
        with open(self.recording, "rb") as file:
            data = file.read()
        cut = self.write("cut.rec", b"")
        with open(cut, "wb") as file:
            file.write(data[:-20])
        done = reflow("replay", cut)
        self.assertEqual(done.code, 0, done)
        self.assertIn("the recording ends there, before its run did", done.err)
        for bad in (self.document, self.rows, os.path.join(self.folder, "none.rec"), self.folder):
            done = reflow("replay", bad)
            self.assertEqual(done.code, 3, done)
            self.assertTrue(done.err.startswith("reflow: error: "), done)
        with open(cut, "wb") as file:
            file.write(data[:200] + bytes([data[200] ^ 1]) + data[201:])
        self.assertEqual(reflow("replay", cut).code, 3)

    def test_a_difference_is_told(self):
        reflow("run", self.document, "--record", self.recording)
        with open(self.recording, "rb") as file:
            data = file.read()
        # Another configuration in the header, with the check sum that goes with it.
        start = len(b"reflow recording\n")
        size = int.from_bytes(data[start:start + 4], "little")
        header = data[start + 8:start + 8 + size].replace(b"int(n) * 2", b"int(n) * 3")
        with open(self.recording, "wb") as file:
            file.write(data[:start + 4] + check_sum(header) + header + data[start + 8 + size:])
        done = reflow("replay", self.recording)
        self.assertEqual(done.code, 1, done)
        self.assertRegex(done.err, r"node 'double': the run differs from its recording at firing "
                                   r"\d+: expected 1 message \(\w{16}\), got 1 message \(\w{16}\) ")
        self.assertEqual(reflow("replay", self.recording, "--json").json["status"], "different")

    def test_record_into_a_folder_that_cannot_be(self):
        done = reflow("run", self.document, "--record", self.folder)
        self.assertEqual(done.code, 1, done)
        self.assertEqual(reflow("run", self.document, "--record", "x", "--inline").code, 2)


if __name__ == "__main__":
    unittest.main()
