"""The command line itself: help, wrong use, version, completions."""

import os
import re
import shutil
import subprocess

import support
from support import reflow

COMMANDS = [[], ["run"], ["top"], ["graph"], ["graph", "validate"], ["graph", "show"],
            ["graph", "convert"], ["peer"], ["peer", "run"], ["discovery"], ["discovery", "serve"], ["components"], ["version"],
            ["completion"]]


class Help(support.Case):
    def test_every_command_has_help_with_examples(self):
        for command in COMMANDS:
            for flag in ("--help", "-h"):
                result = reflow(*command, flag)
                self.assert_code(result, 0)
                self.assertEqual(result.err, "")
                self.assertIn("Usage: " + " ".join(["reflow", *command]), result.out)
                self.assertIn("\nExamples:\n", result.out)
                self.assertIn("  reflow ", result.out.split("Examples:")[1])
                self.assertLessEqual(max(map(len, result.out.splitlines())), 100, result.out)

    def test_help_wins_over_what_is_missing(self):
        self.assert_code(reflow("run", "--json", "--help"), 0)

    def test_as_a_command(self):
        for command in COMMANDS:
            result = reflow("help", *command)
            self.assert_code(result, 0)
            self.assertEqual(result.out, reflow(*command, "--help").out)
        self.assert_one_message(reflow("help", "rnu"), 2,
                                r"unknown command 'rnu' \(did you mean 'run'\?\)")

    def test_exit_codes_are_told(self):
        for command in ([], ["run"]):
            text = reflow(*command, "--help").out
            for code in ("0 ", "1 ", "2 ", "3 ", "4 ", "130 ", "141 "):
                self.assertRegex(text, r"(?m)^  " + code)


class WrongUse(support.Case):
    def check(self, arguments, *patterns):
        self.assert_one_message(reflow(*arguments), 2, *patterns)

    def test_messages(self):
        self.check([], "wants a command: run, top, replay, debug, graph, peer, discovery, components, dlq, version, completion")
        self.check(["rnu"], r"unknown command 'rnu' \(did you mean 'run'\?\)")
        self.check(["graph"], "wants a command: validate, show, convert")
        self.check(["graph", "shwo"], r"'graph shwo' \(did you mean 'show'\?\)")
        self.check(["run"], "reflow run wants GRAPH")
        self.check(["graph", "convert", "a"], "wants OUT")
        self.check(["run", "a", "b"], "unexpected argument 'b'")
        self.check(["run", "--jsno", "a"], r"unknown option '--jsno' \(did you mean '--json'\?\)")
        self.check(["run", "-x", "a"], "unknown option '-x'")
        self.check(["run", "a", "--json=1"], "--json takes no value")
        self.check(["run", "a", "--set"], "--set wants a value")
        self.check(["run", "a", "--seed", "1", "--seed", "2"], "--seed is given more than once")
        self.check(["run", "a", "--threads", "2", "--inline"], "--threads", "--inline")
        self.check(["run", "a", "--seed", "2", "--inline"], "--seed", "--inline")
        self.check(["run", "a", "--threads", "0"], "--threads: '0' is not .* from 1 to 256")
        self.check(["run", "a", "--threads", "257"], "--threads: '257'")
        self.check(["run", "a", "--threads", "two"], "--threads: 'two'")
        self.check(["run", "a", "--seed=-1"], "--seed: '-1'")
        self.check(["run", "a", "--timeout", "soon"], "--timeout: 'soon' is not a number")
        self.check(["run", "a", "--timeout", "nan"], "--timeout: 'nan'")
        self.check(["run", "a", "--timeout=-1"], "--timeout: '-1'")
        self.check(["run", "a", "--log-level", "inof"], r"did you mean 'info'\?")
        self.check(["graph", "show", "a", "--format", "sgv"], r"did you mean 'svg'\?")
        self.check(["graph", "show", "a", "--depth", "x"], "--depth: 'x'")
        self.check(["graph", "convert", "a", "b", "--to", "xml"], "one of json, yaml, msgpack")
        self.check(["completion", "tcsh"], "one of bash, zsh, fish")
        self.check(["version", "extra"], "unexpected argument 'extra'")

    def test_what_stands_behind_two_dashes_is_no_option(self):
        self.check(["run", "--", "a", "b"], "unexpected argument 'b'")
        self.check(["run", "a", "--", "b"], "unexpected argument 'b'")
        self.check(["run", "--"], "reflow run wants GRAPH")
        self.write("-q", support.echo())
        result = reflow("run", "--input", "in=7", "--", "-q", cwd=self.folder)
        self.assertEqual((result.code, result.out), (0, "out: 7\n"))
        result = reflow("graph", "convert", "--to", "yaml", "--", "-q", "-q.yaml",
                        cwd=self.folder)
        self.assert_code(result, 0)
        self.assertIn("Delay", self.read("-q.yaml"))

    def test_as_json(self):
        result = reflow("run", "a", "--json", "--nonsense")
        self.assert_one_message(result, 2, "--nonsense")
        self.assertEqual(result.json["status"], "invalid")
        self.assertIn("--nonsense", result.json["errors"][0]["message"])

    def test_text_of_the_user_does_not_command_the_terminal(self):
        result = reflow("run", "--\x1b[31m")
        self.assert_code(result, 2)
        self.assertNotIn("\x1b", result.err)
        self.assertIn(r"\x1b[31m", result.err)


class Version(support.Case):
    def test_is_that_of_the_header(self):
        with open(os.path.join(support.SOURCE, "include", "reflow.h"), encoding="utf-8") as file:
            header = file.read()
        numbers = [re.search(rf"#define REFLOW_VERSION_{part} (\d+)", header).group(1)
                   for part in ("MAJOR", "MINOR", "PATCH")]
        version = ".".join(numbers)
        self.assertEqual(reflow("version").out, f"reflow {version}\n")
        self.assertEqual(reflow("--version").out, f"reflow {version}\n")
        told = reflow("version", "--json").json
        self.assertEqual(told["version"], version)
        self.assertEqual(told["abi"], int(re.search(r"#define REFLOW_ABI (\d+)", header).group(1)))
        self.assertTrue(told["features"]["json"])


class Completion(support.Case):
    def script(self, shell):
        result = reflow("completion", shell)
        self.assert_code(result, 0)
        return result.out

    def test_installed_scripts_are_those_of_the_program(self):
        for shell in ("bash", "zsh", "fish"):
            path = os.path.join(support.SOURCE, "completions", "reflow." + shell)
            with open(path, encoding="utf-8") as file:
                self.assertEqual(file.read(), self.script(shell), f"anew: reflow completion {shell}")

    def test_shells_can_read_them(self):
        for shell in ("bash", "zsh", "fish"):
            if not shutil.which(shell):
                continue
            path = self.write("script", self.script(shell))
            done = subprocess.run([shell, "-n", path], capture_output=True,
                                  timeout=support.DEADLINE)
            self.assertEqual((done.returncode, done.stderr), (0, b""), shell)

    def complete(self, *words):
        """What bash offers for the last of the words."""
        bash = (f"{self.script('bash')}\n"
                # Only while a completion runs is there something to set options of.
                "compopt() { :; }\n"
                'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _reflow\n'
                'printf "%s\\n" "${COMPREPLY[@]}"')
        folder = os.path.dirname(support.BINARY)
        env = support.environment(PATH=folder + os.pathsep + os.environ["PATH"])
        done = subprocess.run(["bash", "-c", bash, "bash", *words], capture_output=True,
                              cwd=self.folder, timeout=support.DEADLINE, env=env)
        self.assertEqual(done.stderr, b"")
        return done.stdout.decode().split()

    def test_bash_offers_what_fits(self):
        self.write("a.graph.json", "{}")
        os.mkdir(self.path("folder"))
        self.assertEqual(self.complete("reflow", ""),
                         ["run", "top", "replay", "debug", "graph", "peer", "discovery", "components", "dlq", "version", "completion"])
        self.assertEqual(self.complete("reflow", "graph", "s"), ["show"])
        self.assertEqual(self.complete("reflow", "run", "a"), ["a.graph.json"])
        self.assertEqual(self.complete("reflow", "run", "--output-dir", ""), ["folder"])
        self.assertIn("--timeout", self.complete("reflow", "run", "g", "--t"))
        self.assertEqual(self.complete("reflow", "graph", "show", "--format", "s"), ["svg"])
        self.assertEqual(self.complete("reflow", "graph", "show", "--format", "=", "h"), ["html"])
        self.assertEqual(self.complete("reflow", "graph", "convert", "--to", "json", "a"),
                         ["a.graph.json"])
        self.assertEqual(self.complete("reflow", "completion", "z"), ["zsh"])
        self.assertEqual(self.complete("reflow", "components", "CsvR"), ["CsvRead"])


if __name__ == "__main__":
    support.main()
