"""python -m reflow and the console scripts: they are the command line program, signals and codes and all."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys

import pytest

import reflow

FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(reflow.__file__)))
ENVIRONMENT = {**os.environ, "PYTHONPATH": FOLDER, "NO_COLOR": "1"}


def run(*arguments, entry="main", stdin=None):
    command = [sys.executable, "-m", "reflow"]
    if entry != "main":
        command = [sys.executable, "-c", f"from reflow.__main__ import {entry}; {entry}()"]
    return subprocess.run([*command, *arguments], env=ENVIRONMENT, input=stdin, capture_output=True, text=True,
                          timeout=300)


def test_version_is_that_of_the_package():
    done = run("version")
    assert done.returncode == 0 and done.stdout.split()[:2] == ["reflow", reflow.__version__]


def test_runs_a_graph_that_python_wrote(tmp_path):
    graph = reflow.Graph().add("m", "Map", {"set": {"y": "x * 2"}})
    graph.expose_in("i", "m.in").expose_out("o", "m.out").save(tmp_path / "g.json")
    done = run("run", str(tmp_path / "g.json"), "--json", "--input", 'i={"x": 21}')
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["outputs"] == {"o": [{"x": 21, "y": 42}]}


def test_codes_and_errors():
    done = run("graph", "validate", "-", stdin='{"processes": {"a": {"component": "Mapp"}}}')
    assert done.returncode == 3 and "Mapp" in done.stdout + done.stderr
    done = run("no-such-command")
    assert done.returncode == 2 and "no-such-command" in done.stderr


@pytest.mark.parametrize("entry, word", [("peer", "network"), ("discovery", "bind")])
def test_the_other_programs(entry, word):
    done = run("--help", entry=entry)
    assert done.returncode == 0 and word in done.stdout.lower()


def test_a_signal_reaches_the_program():
    process = subprocess.Popen([sys.executable, "-c", "from reflow.__main__ import discovery; discovery()",
                                "--bind", "127.0.0.1:0"], env=ENVIRONMENT, stderr=subprocess.PIPE, text=True)
    try:
        process.stderr.readline()  # it says that it listens
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) in (0, 143)
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def test_a_package_without_its_program_says_so(tmp_path):
    # The file alone, without the binary beside it.
    source = pathlib.Path(reflow.__file__).with_name("__main__.py")
    shutil.copy(source, tmp_path / "main_alone.py")
    done = subprocess.run([sys.executable, str(tmp_path / "main_alone.py")], capture_output=True, text=True, timeout=300)
    assert done.returncode == 1 and "reinstall the package" in done.stderr
