"""What the tests of the command line program share: how it is started, waited for and watched.

The program is REFLOW_CLI or REFLOW_BIN in the environment, otherwise build/bin/reflow. Nothing here
sleeps: every wait is for a condition, with a deadline after which the test fails.
"""

import contextlib
import fcntl
import json
import os
import pty
import random
import re
import select
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

SOURCE = os.environ.get("REFLOW_SOURCE") or os.path.dirname(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BINARY = os.environ.get("REFLOW_CLI") or os.environ.get("REFLOW_BIN") or os.path.join(
    SOURCE, "build", "bin", "reflow")
SANITIZED = os.environ.get("REFLOW_SANITIZED", "")

# Generous: a machine may be slow, and a sanitizer is. A test that passes never waits that long.
DEADLINE = 240

# Variables that change what the program prints.
MANNERS = ("NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "REFLOW_LOG", "COLUMNS", "LINES")


def environment(**changes):
    """The environment of the program: that of the test without what changes its manners."""
    variables = {k: v for k, v in os.environ.items() if k not in MANNERS}
    variables["TERM"] = "xterm"
    variables.update(changes)
    return {k: v for k, v in variables.items() if v is not None}


class Result:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def __repr__(self):
        return f"exit {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"

    @property
    def json(self):
        """The one JSON object on standard output."""
        lines = self.out.splitlines()
        assert len(lines) == 1, repr(self)
        return json.loads(lines[0])


def reflow(*arguments, stdin=None, env=None, cwd=None):
    """Runs the program to its end."""
    done = subprocess.run([BINARY, *arguments], input=stdin, capture_output=True,
                          env=env or environment(), cwd=cwd, timeout=DEADLINE,
                          **({} if stdin is not None else {"stdin": subprocess.DEVNULL}))
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


def free_port():
    """One that a process can be given, also a second time. Not of those that the system gives to
    connections, so that nobody else has it meanwhile."""
    while True:
        port = random.randrange(12_000, 32_000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port


def wait_for(condition, what):
    """Until condition() is true; gives the processor away between two looks. `what` is a text, or a
    function that makes one when the wait has failed."""
    end = time.monotonic() + DEADLINE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {DEADLINE} s: {what() if callable(what) else what}")
        select.select([], [], [], 0.005)


def with_time(run, begun):
    """The result of run(seconds), which ends by the --timeout that it is given, with the first of these
    limits that was enough for begun(result): on a busy machine one may be over before anything has begun."""
    for seconds in ("0.3", "3", "30"):
        result = run(seconds)
        if begun(result):
            break
    return seconds, result


def started(*arguments, **options):
    """A process of the program; ended with the block, if it still runs."""
    options.setdefault("env", environment())
    options.setdefault("stdin", subprocess.DEVNULL)
    return running(subprocess.Popen([BINARY, *arguments], **options))


@contextlib.contextmanager
def running(process):
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(DEADLINE)
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                stream.close()


class Terminal:
    """A pseudo-terminal and what was written to it."""

    def __init__(self, columns=80, rows=24):
        self.host, self.guest = pty.openpty()
        fcntl.ioctl(self.guest, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.text = ""

    def close(self):
        for descriptor in (self.host, self.guest):
            if descriptor is not None:
                os.close(descriptor)
        self.host = self.guest = None

    def handed_over(self):
        """The process has it now: the end of the process is the end of the terminal."""
        os.close(self.guest)
        self.guest = None

    def read(self):
        """What is there, waiting a moment for the first; False at the end."""
        if not select.select([self.host], [], [], 0.05)[0]:
            return True
        try:
            data = os.read(self.host, 65536)
        except OSError:
            return False
        self.text += data.decode(errors="replace")
        return bool(data)

    def read_until(self, pattern):
        end = time.monotonic() + DEADLINE
        while not re.search(pattern, self.text):
            if not self.read() or time.monotonic() > end:
                raise AssertionError(f"no {pattern!r} in {self.text!r}")
        return self.text

    def read_all(self):
        end = time.monotonic() + DEADLINE
        while self.read():
            if time.monotonic() > end:
                raise AssertionError(f"no end after {self.text!r}")
        return self.text

    def screen(self):
        """What a person sees in the end: lines after carriage returns and erasures."""
        lines = []
        for line in self.text.replace("\r\n", "\n").split("\n"):
            shown = ""
            for part in line.split("\r"):
                erase = part.startswith("\x1b[K")
                part = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", part)
                if erase:
                    shown = part
                else:
                    shown = part + shown[len(part):]
            lines.append(shown)
        return "\n".join(lines)


@contextlib.contextmanager
def on_terminal(*arguments, out=True, err=True, columns=80, env=None, stdin=False):
    """Runs the program with standard output and error, or one of them, on a terminal; with `stdin` it
    is read from there too."""
    terminal = Terminal(columns)
    try:
        process = subprocess.Popen(
            [BINARY, *arguments], env=env or environment(),
            stdin=terminal.guest if stdin else subprocess.DEVNULL, stdout=terminal.guest if out else subprocess.PIPE,
            stderr=terminal.guest if err else subprocess.PIPE)
        with running(process):
            terminal.handed_over()
            yield terminal, process
    finally:
        terminal.close()


def edge(text):
    """'node.port' as an end of a connection."""
    node, port = text.rsplit(".", 1)
    return {"nodeId": node, "portId": port}


def graph(nodes, connections=(), initials=(), inports=None, outports=None, **more):
    """A graph as an object: nodes {id: (component, config)}, connections ('a.out', 'b.in'),
    initials ('b.in', data), exposed ports {name: 'node.port'}."""
    return {
        "caseSensitive": True,
        "properties": {"name": "test"},
        "processes": {node: {"component": component, "metadata": config}
                      for node, (component, config) in nodes.items()},
        "connections": [{"from": edge(a), "to": edge(b)} for a, b in connections] +
                       [{"to": edge(b), "data": data} for b, data in initials],
        "inports": {name: edge(at) for name, at in (inports or {}).items()},
        "outports": {name: edge(at) for name, at in (outports or {}).items()},
        **more,
    }


def echo(config=None):
    """A graph that sends on what comes in: exposed inport 'in', exposed outport 'out'."""
    return graph({"pass": ("Delay", config or {})}, inports={"in": "pass.in"},
                 outports={"out": "pass.out"})


def endless(path, ms=1):
    """A graph that never ends and writes a line for each round."""
    return graph({"loop": ("Delay", {"ms": ms}),
                  "write": ("JsonlWrite", {"path": path, "flush": True})},
                 [("loop.out", "loop.in"), ("loop.out", "write.in")],
                 [("loop.in", {"round": 1})])


class Case(unittest.TestCase):
    """A test with a folder of its own."""

    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="reflow cli ")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, content):
        """A file with text, bytes, or an object as JSON; its path."""
        path = self.path(name)
        if not isinstance(content, (str, bytes)):
            content = json.dumps(content)
        with open(path, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        return path

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def assert_code(self, result, code):
        self.assertEqual(result.code, code, repr(result))

    def assert_one_message(self, result, code, *patterns):
        """Ends with that code and one line on standard error that has all the patterns."""
        self.assert_code(result, code)
        lines = result.err.splitlines()
        self.assertEqual(len(lines), 1, repr(result))
        self.assertTrue(lines[0].startswith("reflow: error: "), repr(result))
        for pattern in patterns:
            self.assertRegex(lines[0], pattern)

    def assert_within(self, seconds, measure):
        """measure() does it once and tells how long it took. A busy machine is late now and then; what
        waits for a time of grace is so each time."""
        took = []
        for _ in range(6):
            took.append(measure())
            if took[-1] < seconds:
                return
        self.fail(f"took {took} s, not less than {seconds}")


def main():
    if not os.path.exists(BINARY):
        sys.exit(f"no program to test at {BINARY}")
    unittest.main(module="__main__", verbosity=1)
