"""Every program of docs/python.md and of the two README files runs, each by itself and as it stands there."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

import reflow

ROOT = pathlib.Path(os.environ.get("REFLOW_SOURCE") or pathlib.Path(__file__).resolve().parents[3])
FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(reflow.__file__)))
PAGES = {"docs/python.md": 8, "README.md": 1, "bindings/python/README.md": 1}


def programs():
    for page, count in PAGES.items():
        text = (ROOT / page).read_text(encoding="utf-8")
        found = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        assert len(found) == count, page
        for number, program in enumerate(found, 1):
            yield pytest.param(program, id=f"{page}-{number}")


@pytest.mark.parametrize("program", list(programs()))
def test_program(program, tmp_path):
    environment = {**os.environ, "PYTHONPATH": FOLDER}
    (tmp_path / "program.py").write_text(program, encoding="utf-8")
    done = subprocess.run([sys.executable, "program.py"], cwd=tmp_path, env=environment, capture_output=True,
                          text=True, timeout=300)
    assert done.returncode == 0, done.stderr


def test_smallest_program_is_everywhere_the_same():
    bodies = set()
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        first = re.search(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL).group(1)
        bodies.add(first.rsplit("\n", 2)[0])
    assert len(bodies) == 1


def test_names_that_the_page_mentions_exist():
    text = (ROOT / "docs/python.md").read_text(encoding="utf-8")
    names = set(re.findall(r"`reflow\.([A-Za-z_]+)", text))
    assert len(names) > 8 and [name for name in sorted(names - {"h"}) if not hasattr(reflow, name)] == []
    methods = set(re.findall(r"`net\.([a-z_]+)", text)) | set(re.findall(r"`await net\.([a-z_]+)", text))
    assert len(methods) > 20 and [m for m in sorted(methods) if not hasattr(reflow.Network, m)] == []
