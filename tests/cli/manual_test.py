"""The manual page: well formed, and about the options that the program has."""

import os
import re
import shutil
import subprocess
import unittest

import support
from support import reflow

MANUAL = os.path.join(support.SOURCE, "docs", "man", "reflow.1")
COMMANDS = ["run", "replay", "debug", "top", "graph validate", "graph show", "graph convert", "components",
            "dlq list", "dlq show", "dlq drop", "peer run", "discovery serve", "version", "completion"]
AS_RUN = "dlq replay"  # has the options of run, and says so


def options_of_help(command):
    text = reflow(*command.split(), "--help").out
    part = re.search(r"\nOptions:\n(.*?)\n\n", text, re.DOTALL).group(1)
    return set(re.findall(r"^ +(?:-\w, )?(--[\w-]+)", part, re.MULTILINE)) - {"--help"}


class Manual(support.Case):
    def setUp(self):
        super().setUp()
        with open(MANUAL, encoding="utf-8") as file:
            self.text = file.read()

    def formatted(self, program, *arguments):
        done = subprocess.run([program, *arguments, MANUAL], capture_output=True,
                              env=support.environment(MANWIDTH="80", LC_ALL="C.UTF-8"),
                              timeout=support.DEADLINE)
        self.assertEqual((done.returncode, done.stderr.decode()), (0, ""))
        return re.sub(r".\x08|\x1b\[[0-9;]*m", "", done.stdout.decode())

    @unittest.skipUnless(shutil.which("groff"), "groff is not installed")
    def test_groff_has_no_complaint(self):
        text = self.formatted("groff", "-man", "-ww", "-Tutf8")
        self.assertIn("reflow graph convert IN OUT", text)

    @unittest.skipUnless(shutil.which("man"), "man is not installed")
    def test_man_has_no_complaint(self):
        self.assertIn("EXIT STATUS", self.formatted("man", "--warnings", "-l"))

    def test_options_are_those_of_the_program(self):
        sections = re.split(r"(?m)^\.SS reflow ", self.text.split(".SH JSON")[0])[1:]
        told = {}
        for section in sections:
            title = section.split("\n", 1)[0]
            words = [word for word in title.split() if word.isalpha() and word.islower()]
            names = re.findall(r"(?m)^\.TP\n(\.B.*)$", section)
            told[" ".join(words)] = {name.replace("\\-", "-") for line in names
                                     for name in re.findall(r"\\-\\-[\w\\-]+", line)}
        self.assertEqual(sorted(told), sorted(COMMANDS + [AS_RUN]))
        self.assertEqual(options_of_help(AS_RUN), options_of_help("run"))
        for command in COMMANDS:
            self.assertEqual(told[command], options_of_help(command), command)

    def test_version_is_that_of_the_program(self):
        version = reflow("version").out.strip()
        self.assertIn(f'"{version}"', self.text.split("\n.SH")[0])

    def test_reference_has_every_option(self):
        with open(os.path.join(support.SOURCE, "docs", "cli.md"), encoding="utf-8") as file:
            reference = file.read()
        for command in COMMANDS:
            for option in options_of_help(command):
                # The short form may stand for the long one.
                short = {"--output": "-o ", "--quiet": "-q", "--verbose": "-v"}.get(option, option)
                self.assertTrue(option in reference or short in reference, option)


if __name__ == "__main__":
    support.main()
