"""Named pipes and standard input in the place of files: nobody at the other end holds the program up."""

import contextlib
import json
import os
import signal
import subprocess
import threading
import time

import support
from support import graph, reflow, started, wait_for

MODES = [[], ["--threads", "1"], ["--inline"], ["--seed", "3"]]

# How long a run may take that has nothing left to do once it is told to end: less than the two seconds
# of grace for what is under way, which a wait for a pipe would take.
AT_ONCE = 1.5 if not support.SANITIZED else 20


def copy(source, config):
    """Reads rows and writes them."""
    return graph({"read": (source, config["read"]), "write": ("JsonlWrite", config["write"])},
                 [("read.out", "write.in")])


class Pipes(support.Case):
    def setUp(self):
        super().setUp()
        self.pipe = self.path("pipe")
        os.mkfifo(self.pipe)
        self.out = self.path("out.jsonl")

    def reads(self, source="CsvRead", path=None):
        return self.write("g.json", copy(source, {"read": {"path": path or self.pipe},
                                                  "write": {"path": self.out}}))

    def writes(self, rows, **more):
        lines = "".join(json.dumps({"n": n}) + "\n" for n in range(rows))
        source = self.write("rows.jsonl", lines)
        return self.write("g.json", copy("JsonlRead", {"read": {"path": source},
                                                       "write": {"path": self.pipe, **more}}))

    def in_thread(self, work):
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        self.addCleanup(thread.join, support.DEADLINE)
        return thread

    def in_all_modes(self, *arguments):
        """The results of runs in all modes, all at once, since each has its time of grace."""
        with contextlib.ExitStack() as stack:
            running = [stack.enter_context(started(*arguments, *mode, stdout=subprocess.PIPE,
                                                   stderr=subprocess.PIPE)) for mode in MODES]
            for process in running:
                out, err = process.communicate(timeout=support.DEADLINE)
                yield support.Result(process.returncode, out.decode(), err.decode())

    def take_all(self):
        with open(self.pipe, "rb") as pipe:
            return pipe.read()

    def seconds_to_end(self, process):
        begin = time.monotonic()
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(support.DEADLINE), 130)
        return time.monotonic() - begin


class Silent(Pipes):
    """Nobody ever comes."""

    def test_timeout(self):
        for make in (lambda: self.reads("CsvRead"), lambda: self.reads("JsonlRead"),
                     lambda: self.writes(10)):
            for result in self.in_all_modes("run", make(), "--timeout", "0.2", "--json"):
                self.assert_code(result, 4)
                self.assertEqual(result.json["status"], "timeout")

    def test_timeout_while_the_graph_is_read(self):
        for arguments in (["run", self.pipe],
                          ["run", self.write("g.json", support.echo()), "--input",
                           "in=@" + self.pipe]):
            result = reflow(*arguments, "--timeout", "0.2", "--json")
            self.assert_one_message(result, 4, "timed out after 0.2 s", "pipe")
            self.assertEqual(result.json["status"], "timeout")

    def test_timeout_while_events_have_no_reader(self):
        result = reflow("run", self.write("g.json", support.echo()), "--events", self.pipe,
                        "--timeout", "0.2")
        self.assert_one_message(result, 4, "events", "nobody reads")

    def test_interrupt(self):
        def interrupted(mode):
            with started("run", self.reads(), *mode, "--events", self.path("events"),
                         stderr=subprocess.PIPE) as process:
                self.wait_for_start()
                took = self.seconds_to_end(process)
            os.remove(self.path("events"))
            return took

        for mode in MODES:
            self.assert_within(AT_ONCE, lambda: interrupted(mode))

    def wait_for_start(self):
        path = self.path("events")
        wait_for(lambda: os.path.exists(path) and "NetworkStarted" in self.read("events"),
                 "the start")

    def test_interrupt_while_standard_input_is_silent(self):
        def interrupted(mode):
            with started("run", self.reads(path="-"), *mode, "--events", self.path("events"),
                         stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
                process.stdin.write(b"n\n1\n2\n")
                process.stdin.flush()
                wait_for(lambda: os.path.exists(self.path("events")) and
                         self.read("events").count("MessageSent") == 2, "two rows")
                took = self.seconds_to_end(process)
            self.assertEqual(self.read("out.jsonl"), '{"n":"1"}\n{"n":"2"}\n')
            os.remove(self.path("events"))
            return took

        for mode in MODES:
            self.assert_within(AT_ONCE, lambda: interrupted(mode))

    def test_silence_costs_nothing(self):
        """A wait is a rest, not a loop, also where time is simulated."""
        for mode in MODES:
            before = os.times()
            self.assert_code(reflow("run", self.reads(), "--timeout", "1", *mode), 4)
            after = os.times()
            used = (after.children_user - before.children_user +
                    after.children_system - before.children_system)
            if not support.SANITIZED:
                self.assertLess(used, 0.4, mode)


class Talking(Pipes):
    """Somebody is there, late, or slowly, or both."""

    def test_reads(self):
        rows = "n\n" + "".join(f"{n}\n" for n in range(30000))
        for mode in MODES:
            with started("run", self.reads(), *mode) as process:
                with open(self.pipe, "w", encoding="utf-8") as pipe:
                    pipe.write(rows)
                self.assertEqual(process.wait(support.DEADLINE), 0, mode)
            told = [json.loads(line)["n"] for line in self.read("out.jsonl").splitlines()]
            self.assertEqual(told, rows.split()[1:])

    def test_reads_a_header_in_pieces(self):
        for mode in MODES:
            with started("run", self.reads(path="-"), *mode, "--events", self.path("events"),
                         stdin=subprocess.PIPE) as process:
                process.stdin.write(b"first,sec")
                process.stdin.flush()
                wait_for(lambda: os.path.exists(self.path("events")) and
                         "NetworkStarted" in self.read("events"), "the start")
                process.stdin.write(b"ond\n1,2\n")
                process.stdin.close()
                self.assertEqual(process.wait(support.DEADLINE), 0)
            self.assertEqual(self.read("out.jsonl"), '{"first":"1","second":"2"}\n')
            os.remove(self.path("events"))

    def test_standard_input_stays_as_it_is(self):
        """It is shared with others: neither its flags nor more of it than is read is taken."""
        reader, writer = os.pipe()
        with started("run", self.reads(path="-"), stdin=reader) as process:
            os.write(writer, b"n\n1\n")
            wait_for(lambda: os.path.exists(self.out), "the start")
            self.assertTrue(os.get_blocking(reader))
            os.close(writer)
            self.assertEqual(process.wait(support.DEADLINE), 0)
        self.assertTrue(os.get_blocking(reader))
        os.close(reader)

    def test_standard_input_from_where_it_stands(self):
        rows = self.write("rows.csv", "a line that somebody else has read\nn\n1\n")
        with open(rows, "rb") as file:
            os.lseek(file.fileno(), 35, os.SEEK_SET)
            with started("run", self.reads(path="-"), stdin=file) as process:
                self.assertEqual(process.wait(support.DEADLINE), 0)
        self.assertEqual(self.read("out.jsonl"), '{"n":"1"}\n')

    def test_writes(self):
        """More than a pipe holds, to a reader that comes when the writer waits already."""
        expected = "".join(f'{{"n":{n}}}\n' for n in range(30000))
        for mode in MODES:
            with started("run", self.writes(30000), *mode) as process:
                got = []
                self.in_thread(lambda: got.append(self.take_all())).join()
                self.assertEqual(process.wait(support.DEADLINE), 0, mode)
            self.assertEqual(got[0].decode(), expected)

    def test_counts_are_those_of_the_rows(self):
        with started("run", self.writes(30000, flush=True), "--json",
                     stdout=subprocess.PIPE) as process:
            self.in_thread(self.take_all)
            out, _ = process.communicate(timeout=support.DEADLINE)
        node = json.loads(out)["nodes"]["write"]
        self.assertEqual((node["fired"], node["received"], node["failed"]), (30000, 30000, 0))

    def test_reader_that_stops_reading(self):
        """A pipe that stays full: the program can be ended, and says what is missing."""
        reader = os.open(self.pipe, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        _, results = support.with_time(
            lambda seconds: list(self.in_all_modes("run", self.writes(60000), "--timeout", seconds)),
            lambda results: all("not all rows were written" in result.err for result in results))
        for result in results:
            self.assert_code(result, 4)
            self.assertIn("not all rows were written", result.err)

    def test_reader_that_goes_away(self):
        for mode in MODES:
            with started("run", self.writes(60000), *mode, stderr=subprocess.PIPE) as process:
                with open(self.pipe, "rb") as reader:
                    reader.read(1)
                _, err = process.communicate(timeout=support.DEADLINE)
            self.assertEqual(process.returncode, 1)
            self.assertIn(b"broken pipe", err)

    def test_graph(self):
        document = json.dumps(support.echo()).encode()
        with started("run", self.pipe, "--input", "in=7", "--timeout", "200",
                     stdout=subprocess.PIPE) as process:
            with open(self.pipe, "wb") as pipe:
                pipe.write(document)
            out, _ = process.communicate(timeout=support.DEADLINE)
        self.assertEqual((process.returncode, out), (0, b"out: 7\n"))

    def test_events(self):
        with started("run", self.write("g.json", support.echo()), "--events", self.pipe,
                     "--input", "in=7") as process:
            with open(self.pipe, encoding="utf-8") as pipe:
                kinds = [json.loads(line)["_type"] for line in pipe]
            self.assertEqual(process.wait(support.DEADLINE), 0)
        self.assertEqual((kinds[0], kinds[-1]), ("NetworkStarted", "NetworkShutdown"))


if __name__ == "__main__":
    support.main()
