"""The examples that run reflow in the event loop of a host print the squares of what they send, use
next to no processor time while they wait, and are those that docs/embedding.md shows.

Environment: REFLOW_SOURCE, REFLOW_BUILD, REFLOW_LIBRARY. Standard library only.
"""
import os
import pathlib
import re
import subprocess
import sys
import time
import unittest

SOURCE = pathlib.Path(os.environ["REFLOW_SOURCE"])
PROGRAMS = pathlib.Path(os.environ["REFLOW_BUILD"]) / "examples"
SQUARES = [str(number * number) for number in range(1, 21)]


class Loops(unittest.TestCase):
    def check(self, command, text=""):
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=250,
                              check=False)
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        self.assertEqual(SQUARES, done.stdout.split())

    def program(self, name):
        path = PROGRAMS / name
        if not path.exists():
            self.skipTest(f"{name} is not built here")
        return path

    def test_poll(self):
        self.check([self.program("poll")], "".join(f"{number}\n" for number in range(1, 21)))

    def test_epoll(self):
        self.check([self.program("epoll")])

    def test_libuv(self):
        self.check([self.program("libuv")])

    def test_asyncio(self):
        if "REFLOW_SANITIZED" in os.environ:
            self.skipTest("a sanitizer has to be there from the start of the process")
        self.check([sys.executable, SOURCE / "examples/embedding/asyncio_loop.py"])

    def test_waiting_costs_nothing(self):
        """Half a second without input: the loop sleeps in poll."""
        program = subprocess.Popen([self.program("poll")], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, text=True)
        program.stdin.write("3\n")
        program.stdin.flush()
        stat = pathlib.Path(f"/proc/{program.pid}/stat")
        self.wait_for_rest(stat, program.pid)
        ticks = self.ticks(stat)
        switches = self.switches(program.pid)
        time.sleep(0.5)
        self.assertLessEqual(self.ticks(stat) - ticks, 2)
        self.assertLessEqual(self.switches(program.pid) - switches, 20)
        rest, _ = program.communicate()
        self.assertEqual(0, program.returncode)
        self.assertEqual("9\n", rest)

    def wait_for_rest(self, stat, pid):
        """Until the number is through: it has begun, and sleeps without being woken."""
        deadline = time.monotonic() + 60
        before = -1
        while time.monotonic() < deadline:
            now = self.switches(pid)
            sleeps = stat.read_text(encoding="ascii").rpartition(")")[2].split()[0] == "S"
            if sleeps and now > 1 and now == before:
                return
            before = now
            time.sleep(0.1)
        self.fail("the program does not come to rest")

    @staticmethod
    def ticks(stat):
        fields = stat.read_text(encoding="ascii").rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    @staticmethod
    def switches(pid):
        status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        return int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)", status, re.M).group(1))


class Document(unittest.TestCase):
    def test_shows_the_examples(self):
        text = (SOURCE / "docs/embedding.md").read_text(encoding="utf-8")
        shown = re.findall(r"```(?:c|python)\n(.*?)```", text, flags=re.S)
        example = (SOURCE / "examples/embedding/epoll.c").read_text(encoding="utf-8")
        self.assertIn(example, shown)
        for name in ("squares.h", "poll.c", "epoll.c", "libuv.c", "asyncio_loop.py"):
            self.assertIn(f"examples/embedding/{name}", text)


if __name__ == "__main__":
    unittest.main()
