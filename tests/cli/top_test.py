"""reflow top: a live view on a pseudo-terminal, plain tables and JSON lines elsewhere."""

import fcntl
import json
import os
import re
import signal
import struct
import subprocess
import termios

import support
from support import environment, graph, reflow, wait_for

HEADER = re.compile(r"^NODE .*FAILED +CPU", re.MULTILINE)


class Screen:
    """What a terminal shows: places the cursor, erases, switches screens."""

    def __init__(self, columns, rows):
        self.columns, self.rows = columns, rows
        self.alternate = False
        self.cursor_shown = True
        self.lines = [""] * rows
        self.row = self.column = 0
        self.frames = 0  # since all of them have fitted, while it settles
        self.settles = False

    def feed(self, text):
        """Takes what is complete; returns the rest."""
        pattern = re.compile(r"\x1b\[(\??)([0-9;]*)([A-Za-z])|\r\n|\r|\n|[^\x1b\r\n]")
        at = 0
        while at < len(text):
            match = pattern.match(text, at)
            if not match:
                return text[at:]
            at = match.end()
            piece = match.group(0)
            if piece == "\r\n" or piece == "\n":
                self.row, self.column = self.row + 1, 0
                self.fits(not self.alternate or self.row < self.rows, "the view scrolls")
                self.row = min(self.row, self.rows - 1)
            elif piece == "\r":
                self.column = 0
            elif match.group(3):
                self.command(match.group(1), match.group(2), match.group(3))
            else:
                if self.alternate:
                    self.fits(self.column < self.columns, "a line is longer than the terminal")
                    line = self.lines[self.row].ljust(self.column)
                    self.lines[self.row] = line[:self.column] + piece + line[self.column + 1:]
                self.column += 1
        return ""

    def fits(self, right, what):
        assert right or self.settles, what
        if not right:
            self.frames = 0

    def command(self, private, numbers, name):
        if private and numbers == "1049":
            self.alternate = name == "h"
            self.lines = [""] * self.rows
            self.row = self.column = 0
        elif private and numbers == "25":
            self.cursor_shown = name == "h"
        elif name == "H":
            self.row = self.column = 0
            self.frames += 1
        elif name == "K" and self.alternate:
            self.lines[self.row] = self.lines[self.row][:self.column]
        elif name == "J" and self.alternate:
            for row in range(self.row + 1, self.rows):
                self.lines[row] = ""

    def text(self):
        return "\n".join(self.lines)


class Live:
    """The program on a pseudo-terminal, with keys, and what it shows."""

    def __init__(self, case, *arguments, columns=100, rows=20, env=None):
        self.terminal = support.Terminal(columns, rows)
        case.addCleanup(self.terminal.close)
        self.before = termios.tcgetattr(self.terminal.guest)
        self.guest = os.dup(self.terminal.guest)  # to look at its settings in the end
        case.addCleanup(os.close, self.guest)
        self.process = subprocess.Popen(
            [support.BINARY, "top", *arguments], env=env or environment(),
            stdin=self.terminal.guest, stdout=self.terminal.guest, stderr=self.terminal.guest,
            start_new_session=True)
        case.addCleanup(self.kill)
        self.screen = Screen(columns, rows)
        self.rest = ""
        self.all = ""

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(support.DEADLINE)

    def look(self):
        self.terminal.read()
        self.all += self.terminal.text
        self.rest = self.screen.feed(self.rest + self.terminal.text)
        self.terminal.text = ""
        return self.screen.text()

    def until(self, condition, what):
        return wait_for(lambda: condition(self.look()), what)

    def shows(self, pattern):
        return self.until(lambda text: re.search(pattern, text, re.MULTILINE), pattern)

    def press(self, keys):
        os.write(self.terminal.host, keys.encode())

    def resize(self, columns, rows):
        self.screen = Screen(columns, rows)
        self.screen.alternate = True
        self.screen.settles = True  # frames of the old size may still be on their way
        fcntl.ioctl(self.guest, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def ended(self):
        """The exit code, once everything is read."""
        wait_for(lambda: (self.look(), self.process.poll() is not None)[1], "the end")
        self.look()
        return self.process.returncode

    def restored(self):
        return (not self.screen.alternate and self.screen.cursor_shown and
                termios.tcgetattr(self.guest)[:4] == self.before[:4])


class Top(support.Case):
    def endless(self):
        return self.write("g.json", support.endless(self.path("rounds.jsonl")))

    def many(self, count):
        """A graph that never ends, with nodes n00, n01, ..."""
        names = [f"n{i:02}" for i in range(count)]
        nodes = {name: ("Delay", {"ms": 1}) for name in names}
        edges = [(f"{a}.out", f"{b}.in") for a, b in zip(names, names[1:] + names[:1])]
        return self.write("many.json", graph(nodes, edges, [("n00.in", 1)]))

    def finite(self):
        rows = self.write("rows.csv", "n\n" + "".join(f"{n}\n" for n in range(100)))
        return self.write("f.json", graph(
            {"read": ("CsvRead", {"path": rows}), "say": ("Log", {"print": True})},
            [("read.out", "say.in")]))

    def test_live_view_and_q(self):
        live = Live(self, self.endless(), "--interval", "0.1")
        live.shows(r"^loop +Delay +\w+ +[1-9]\d*(\.\d)? ")
        self.assertRegex(live.screen.lines[0], r"^reflow top: \S*.*running")
        self.assertRegex(live.screen.lines[2], r"^process: cpu \d+%  [\d.]+ MiB  \d+ threads")
        self.assertRegex(live.screen.text(), HEADER)
        self.assertTrue(live.screen.alternate)
        self.assertFalse(live.screen.cursor_shown)
        self.assertEqual(termios.tcgetattr(live.guest)[3] & (termios.ICANON | termios.ECHO), 0)
        frames = live.screen.frames
        live.until(lambda _: live.screen.frames > frames + 3, "it is drawn again")
        self.assertNotIn("\x1b[2J", live.all[live.all.index("NODE"):])  # no flicker
        live.press("q")
        self.assertEqual(live.ended(), 0)
        self.assertTrue(live.restored())
        # The table stays, with the rates of the whole run.
        last = live.all[live.all.rindex("\x1b[?1049l"):]
        self.assertIn("rates are those of the whole run", last)
        self.assertRegex(re.sub(r"\x1b\[[0-9;]*m", "", last), r"loop +Delay")

    def test_every_way_to_end_restores_the_terminal(self):
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)):
            with self.subTest(number):
                live = Live(self, self.endless(), "--interval", "0.1")
                live.shows("^loop ")
                live.process.send_signal(number)
                self.assertEqual(live.ended(), code)
                self.assertTrue(live.restored())
        live = Live(self, self.endless(), "--interval", "0.1")
        live.shows("^loop ")
        for _ in range(3):  # three signals end the process at once
            live.process.send_signal(signal.SIGTERM)
        self.assertEqual(live.ended(), 143)
        self.assertTrue(live.restored())
        live = Live(self, self.endless(), "--interval", "0.1", "--timeout", "0.5")
        self.assertEqual(live.ended(), 4)
        self.assertTrue(live.restored())

    def test_pause(self):
        live = Live(self, self.endless(), "--interval", "0.1")
        live.shows("^loop ")
        live.press("p")
        live.shows("paused")
        live.shows(r"fired 0/s")
        live.press("p")
        live.shows("running")
        live.shows(r"fired [1-9]")
        live.press("p")
        live.shows("paused")
        live.press("q")
        self.assertEqual(live.ended(), 0)

    def test_keys_sort_and_scroll(self):
        live = Live(self, self.many(40), "--interval", "0.1", "--sort", "node", rows=14)
        live.shows("^n00 ")
        self.assertIn("by node", live.screen.lines[0])
        self.assertNotIn("n39", live.screen.text())
        live.press("\x1b[B")
        live.until(lambda text: "n00" not in text and "n01" in text, "one line down")
        live.press("\x1b[F")
        live.shows("^n39 ")
        live.press("\x1b[A\x1b[H")
        live.shows("^n00 ")
        live.press("\x1b[6~")
        live.until(lambda text: "n00" not in text and "n08" in text, "a page down")
        live.press("\x1b[5~r")
        live.shows("by node, reversed")
        live.shows("^n39 ")
        live.press("r\x1b[C")
        live.shows("by fired")
        live.press("\x1bOD")
        live.shows("by node")
        live.press("\x1b[D")
        live.shows("by graph")
        live.press("q")
        self.assertEqual(live.ended(), 0)

    def test_sizes(self):
        live = Live(self, self.many(5), "--interval", "0.1", columns=120, rows=24)
        live.shows(r"^NODE +COMPONENT +STATE .* P50 .* P99 +FAILED +CPU")
        for columns, rows in ((60, 10), (30, 5), (12, 3), (200, 40)):
            live.resize(columns, rows)
            live.until(lambda _: live.screen.frames > 3, f"{columns} x {rows}")
            live.screen.settles = False
        live.shows(r"^NODE +COMPONENT ")
        live.press("q")
        self.assertEqual(live.ended(), 0)

    def test_colours(self):
        live = Live(self, self.endless(), "--interval", "0.1", env=environment(NO_COLOR="1"))
        live.shows("^loop ")
        live.press("q")
        self.assertEqual(live.ended(), 0)
        self.assertNotRegex(live.all.replace("\x1b[0m", ""), r"\x1b\[[0-9;]*m")

    def test_end_of_the_graph(self):
        live = Live(self, self.finite())
        self.assertEqual(live.ended(), 0)
        self.assertTrue(live.restored())
        self.assertNotIn('{"n":', live.all)
        self.assertRegex(re.sub(r"\x1b\[[0-9;]*m", "", live.all), r"read +CsvRead +idle")

    def test_failures_are_told_in_the_end(self):
        path = self.write("bad.json", graph({"fail": ("Map", {"set": {"x": "1/0"}})},
                                            initials=[("fail.in", {"n": 1})]))
        live = Live(self, path)
        code = live.ended()
        last = live.all[live.all.rindex("\x1b[?1049l"):]
        self.assertEqual(code, 1, last)
        self.assertIn("node 'fail'", last)

    def test_plain_where_there_is_no_terminal(self):
        _, done = support.with_time(
            lambda seconds: reflow("top", self.endless(), "--interval", "0.05", "--timeout", seconds),
            lambda done: len(HEADER.findall(done.out)) > 2)
        self.assertEqual(done.code, 4)
        self.assertGreater(len(HEADER.findall(done.out)), 2)
        self.assertNotIn("\x1b", done.out)
        done = reflow("top", self.endless(), "--interval", "0.2", "--once")
        self.assert_code(done, 0)
        self.assertEqual(len(HEADER.findall(done.out)), 1)
        self.assertRegex(done.out, r"(?m)^loop +Delay +\w+ +[1-9]")
        done = reflow("top", self.finite(), "--once")
        self.assert_code(done, 0)
        self.assertEqual(len(HEADER.findall(done.out)), 1)

    def test_dumb_terminal(self):
        live = Live(self, self.finite(), env=environment(TERM="dumb"))
        self.assertEqual(live.ended(), 0)
        self.assertNotIn("\x1b", live.all)
        self.assertRegex(live.all, HEADER)

    def test_json(self):
        _, done = support.with_time(
            lambda seconds: reflow("top", self.endless(), "--interval", "0.05", "--json",
                                   "--timeout", seconds),
            lambda done: len(done.out.splitlines()) > 3)
        self.assertEqual(done.code, 4)
        lines = [json.loads(line) for line in done.out.splitlines()]
        self.assertGreater(len(lines), 3)
        self.assertEqual([line["last"] for line in lines], [False] * (len(lines) - 1) + [True])
        first, second = lines[0], lines[1]
        seconds = (second["time_ns"] - first["time_ns"]) / 1e9
        self.assertAlmostEqual(seconds, second["interval_ns"] / 1e9, places=6)
        fired = second["nodes"]["loop"]["fired"] - first["nodes"]["loop"]["fired"]
        self.assertAlmostEqual(second["rates"]["loop"]["fired"], fired / seconds, delta=0.01)
        self.assertIn("memory_bytes", second["process"])
        self.assertIn("error_rate", second["nodes"]["loop"])
        done = reflow("top", self.endless(), "--interval", "0.1", "--json", "--once")
        self.assert_code(done, 0)
        self.assertEqual(len(done.out.splitlines()), 1)

    def test_wrong_use(self):
        path = self.endless()
        self.assert_one_message(reflow("top", path, "--interval", "0"), 2, "0.05")
        self.assert_one_message(reflow("top", path, "--interval", "x"), 2, "--interval")
        self.assert_one_message(reflow("top", path, "--sort", "size"), 2, "--sort")
        self.assert_one_message(reflow("top", self.path("none.json")), 3, "none.json")


if __name__ == "__main__":
    support.main()
