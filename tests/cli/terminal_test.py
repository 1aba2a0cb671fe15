"""Progress and colours, through a real pseudo-terminal."""

import re

import support
from support import environment, graph, on_terminal

RED = "\x1b[1;31m"


class Progress(support.Case):
    def setUp(self):
        super().setUp()
        # About half a second of work in rows that come out of a source one after the other.
        rows = self.write("rows.csv", "n\n" + "".join(f"{n}\n" for n in range(250)))
        self.rows = graph(
            {"read": ("CsvRead", {"path": rows}), "a": ("Delay", {"ms": 2, "capacity": 1}),
             "say": ("Log", {"print": True})},
            [("read.out", "a.in"), ("a.out", "say.in")])
        for connection in self.rows["connections"]:
            connection["metadata"] = {"capacity": 1}
        self.path_of_rows = self.write("rows.json", self.rows)

    def test_line_is_redrawn_and_gives_way_to_a_summary(self):
        with on_terminal("run", self.path_of_rows, out=False) as (terminal, process):
            out, _ = process.communicate(timeout=support.DEADLINE)
            terminal.read_all()
            self.assertEqual(process.returncode, 0)
        self.assertEqual(out.count(b"\n"), 250)
        drawn = re.findall(r"\rreflow: ([\d,]+) rows? in [\d.]+ s \([\d,]+ rows/s\)\x1b\[K",
                           terminal.text)
        self.assertGreater(len(drawn), 1, terminal.text)
        counts = [int(count.replace(",", "")) for count in drawn]
        self.assertEqual(counts, sorted(counts))
        self.assertRegex(terminal.screen(),
                         r"^reflow: done: 250 rows in [\d.]+ s \([\d,]+ rows/s\)\n$")

    def test_lines_of_the_graph_are_not_mixed_with_it(self):
        with on_terminal("run", self.path_of_rows) as (terminal, process):
            terminal.read_all()
            self.assertEqual(process.wait(support.DEADLINE), 0)
        lines = terminal.screen().split("\n")
        self.assertEqual(lines[:250], ['{"n":"%d"}' % n for n in range(250)])
        self.assertRegex(lines[250], "^reflow: done: 250 rows")
        self.assertEqual(lines[251:], [""])

    def test_silent_without_a_terminal_and_when_told_so(self):
        done = support.reflow("run", self.path_of_rows)
        self.assertEqual((done.code, done.err), (0, ""))
        with on_terminal("run", self.path_of_rows, "--quiet", out=False) as (terminal, process):
            process.communicate(timeout=support.DEADLINE)
            self.assertEqual(terminal.read_all(), "")

    def test_json_and_progress(self):
        with on_terminal("run", self.path_of_rows, "--json", "--set", "say.print=false",
                         "--set", "say.level=debug", out=False) as (terminal, process):
            out, _ = process.communicate(timeout=support.DEADLINE)
            terminal.read_all()
        self.assertEqual(out.count(b"\n"), 1)
        self.assertTrue(out.startswith(b'{"status":"ok"'), out)
        self.assertRegex(terminal.screen(), r"^reflow: done: 250 rows")

    def test_dumb_terminal_is_not_redrawn(self):
        with on_terminal("run", self.path_of_rows, out=False,
                         env=environment(TERM="dumb")) as (terminal, process):
            process.communicate(timeout=support.DEADLINE)
            text = terminal.read_all()
        self.assertNotIn("\x1b", text)
        self.assertRegex(text, r"^reflow: done: 250 rows[^\r\n]*\r\n$")

    def test_narrow_terminal(self):
        with on_terminal("run", self.path_of_rows, out=False, columns=20) as (terminal, process):
            process.communicate(timeout=support.DEADLINE)
            terminal.read_all()
        drawn = re.findall(r"\r(reflow: \d[^\r\x1b]*)\x1b\[K", terminal.text)
        self.assertGreater(len(drawn), 1, terminal.text)
        self.assertLess(max(map(len, drawn)), 20, terminal.text)


class Colours(support.Case):
    def error(self, env=None, err=True):
        with on_terminal("run", self.path("none.json"), out=False, err=err, env=env) as (
                terminal, process):
            _, piped = process.communicate(timeout=support.DEADLINE)
            self.assertEqual(process.returncode, 3)
            if not err:
                return piped.decode()
            return terminal.read_all()

    def test_only_on_a_terminal(self):
        self.assertIn(f"reflow: {RED}error:\x1b[0m ", self.error())
        self.assertNotIn("\x1b", self.error(err=False))

    def test_variables(self):
        self.assertNotIn("\x1b", self.error(environment(NO_COLOR="1")))
        self.assertIn(RED, self.error(environment(NO_COLOR="")))
        self.assertNotIn("\x1b", self.error(environment(CLICOLOR="0")))
        self.assertNotIn("\x1b", self.error(environment(TERM="dumb")))
        self.assertIn(RED, self.error(environment(CLICOLOR_FORCE="1"), err=False))
        self.assertNotIn("\x1b", self.error(environment(CLICOLOR_FORCE="0"), err=False))
        self.assertNotIn("\x1b", self.error(environment(CLICOLOR_FORCE="1", NO_COLOR="1"),
                                            err=False))

    def test_no_colour_does_not_mean_no_progress(self):
        path = self.write("g.json", support.endless(self.path("rounds.jsonl")))
        with on_terminal("run", path, env=environment(NO_COLOR="1")) as (terminal, process):
            terminal.read_until(r"\rreflow: .* rows/s\)\x1b\[K")
            process.terminate()
            terminal.read_all()
        self.assertNotRegex(terminal.text, r"\x1b\[[0-9;]*m")

    def test_data_cannot_command_the_terminal(self):
        path = self.write("g.json", graph({"say": ("JsonlWrite", {"path": "-"})},
                                          initials=[("say.in", "a\x7f\u009b31mb")]))
        with on_terminal("run", path, "-q") as (terminal, process):
            text = terminal.read_all()
            self.assertEqual(process.wait(support.DEADLINE), 0)
        self.assertNotRegex(text, "[\x1b\x7f\u0080-\u009f]")
        done = support.reflow("run", path)
        self.assertEqual(done.code, 0)


if __name__ == "__main__":
    support.main()
