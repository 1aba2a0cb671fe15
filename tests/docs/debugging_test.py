"""The session in docs/debugging.md is what the program says, command by command.

Environment: REFLOW_SOURCE, REFLOW_CLI. Standard library only.
"""
import os
import pathlib
import re
import shlex
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["REFLOW_SOURCE"])
CLI = os.environ["REFLOW_CLI"]
PROMPT = "(reflow) "


class Debugging(unittest.TestCase):
    def test_session(self):
        text = (SOURCE / "docs/debugging.md").read_text(encoding="utf-8")
        session = re.search(r"```session\n(.*?)```", text, re.S).group(1)
        first, rest = session.split("\n", 1)
        words = shlex.split(first.removeprefix("$ "))
        self.assertEqual(words[:2], ["reflow", "debug"])
        turns = [turn.split("\n", 1) for turn in rest.split(PROMPT)[1:]]
        self.assertGreater(len(turns), 5)
        with tempfile.TemporaryDirectory() as folder:
            words = [folder if word == "/tmp/weather" else word for word in words]
            done = subprocess.run([CLI, *words[1:]], input="".join(turn[0] + "\n" for turn in turns),
                                  capture_output=True, text=True, cwd=SOURCE, timeout=120)
        self.assertEqual(done.stderr, "")
        self.assertEqual(done.stdout, "".join(turn[1] for turn in turns))
        self.assertEqual(done.returncode, 0)


if __name__ == "__main__":
    unittest.main()
