"""The types of the package: mypy --strict and pyright find nothing in it and in a program that uses it, and
find what is wrong in one with mistakes; and the stubs say what the module has."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
import reflow

HERE = pathlib.Path(__file__).resolve().parent
PACKAGE = os.path.dirname(reflow.__file__)
MISTAKES = HERE / "types" / "mistakes.py"

pytestmark = pytest.mark.skipif(sys.version_info < (3, 10), reason="the checkers are run on 3.10 and later")


def run(arguments, tmp_path, **changes):
    # What it finds must not depend on the folder that it is started in.
    folder = os.path.dirname(PACKAGE)
    environment = {**os.environ, **changes}
    if os.path.basename(folder) != "site-packages":
        environment.update(MYPYPATH=folder, PYTHONPATH=folder)
    return subprocess.run([sys.executable, "-m", *arguments], cwd=tmp_path, env=environment,
                          capture_output=True, text=True, timeout=110)


def mypy(tmp_path, *arguments):
    return run(["mypy", "--strict", "--no-error-summary", f"--cache-dir={tmp_path}", *arguments], tmp_path)


def expected_mistakes():
    lines = MISTAKES.read_text(encoding="utf-8").splitlines()
    return {number for number, line in enumerate(lines, 1) if line.endswith("# mistake")}


def test_mypy(tmp_path):
    done = mypy(tmp_path, "-p", "reflow")
    assert (done.returncode, done.stdout) == (0, "")
    done = mypy(tmp_path, str(HERE / "types" / "program.py"))
    assert (done.returncode, done.stdout) == (0, "")
    done = mypy(tmp_path, str(MISTAKES))
    assert {int(n) for n in re.findall(r"mistakes\.py:(\d+): error", done.stdout)} == expected_mistakes()


def test_stubs_are_those_of_the_module(tmp_path):
    done = run(["mypy.stubtest", "--ignore-missing-stub", "--allowlist",
                str(HERE / "stubtest-allowed.txt"), "--ignore-unused-allowlist", "reflow"], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_pyright(tmp_path):
    shutil.copytree(HERE / "types", tmp_path / "types")
    (tmp_path / "pyrightconfig.json").write_text(json.dumps({
        "include": ["types"], "typeCheckingMode": "strict",
        "extraPaths": [os.path.dirname(PACKAGE)], "reportUnknownMemberType": False,
    }))
    done = run(["pyright", "--project", str(tmp_path), "--outputjson", "--pythonpath", sys.executable],
               tmp_path, PYRIGHT_PYTHON_IGNORE_WARNINGS="1")
    if not done.stdout.startswith("{"):
        pytest.skip(f"pyright does not run here: {done.stderr.strip()[-200:]}")
    told = json.loads(done.stdout)
    assert told["summary"]["filesAnalyzed"] == 2, told
    found = told["generalDiagnostics"]
    errors = [each for each in found if each["severity"] == "error"]
    in_program = [each for each in errors if not each["file"].endswith("mistakes.py")]
    assert not in_program, json.dumps(in_program, indent=1)
    lines = {each["range"]["start"]["line"] + 1 for each in errors}
    assert lines == expected_mistakes()
