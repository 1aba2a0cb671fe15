"""Every example runs, checks its own result, and leaves nothing behind; the notebook runs cell by cell."""

import os
import pathlib
import subprocess
import sys

import pytest

import reflow

ROOT = pathlib.Path(os.environ.get("REFLOW_SOURCE") or pathlib.Path(__file__).resolve().parents[3])
EXAMPLES = ROOT / "bindings" / "python" / "examples"
PROGRAMS = sorted(p.name for p in EXAMPLES.glob("*.py") if not p.name.startswith("test_"))
FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(reflow.__file__)))
ENVIRONMENT = {**os.environ, "PYTHONPATH": FOLDER, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONIOENCODING": "utf-8"}

# What each has to say besides its own assertions.
SAYS = {"hello.py": "21 doubled is 42", "weather.py": "48 months", "peers.py": "answer: HELLO OVER THERE",
        "failures.py": "played back: ['a', 'b']", "live_change.py": "freezing: 0.0 °C, 273.15 K",
        "documents.py": "hello world", "sources_and_state.py": "means: [5.0] [50000.0]",
        "snapshots.py": "'south': (2, 20)", "batches.py": "333,328,333,350,000", "coroutines.py": "64 pages",
        "watching.py": "sort fired 10 times", "streams.py": "and came as they were"}


def test_there_are_as_many_as_are_told():
    assert set(PROGRAMS) == set(SAYS) and len(PROGRAMS) >= 10


@pytest.mark.parametrize("name", PROGRAMS)
def test_example(name, tmp_path):
    done = subprocess.run([sys.executable, str(EXAMPLES / name)], cwd=tmp_path, env=ENVIRONMENT,
                          capture_output=True, text=True, encoding="utf-8", timeout=100)
    assert done.returncode == 0, done.stderr
    assert SAYS[name] in done.stdout


def test_the_example_of_tests(tmp_path):
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--reflow-seeds=5",
                           str(EXAMPLES / "test_a_graph.py")], cwd=tmp_path, env=ENVIRONMENT,
                          capture_output=True, text=True, timeout=100)
    assert done.returncode == 0 and "10 passed" in done.stdout, done.stdout


def test_notebook(tmp_path):
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    notebook = nbformat.read(EXAMPLES / "notebook.ipynb", as_version=4)
    kernel = tmp_path / "kernels" / "reflow-test"
    kernel.mkdir(parents=True)
    import json

    (kernel / "kernel.json").write_text(json.dumps({
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "test", "language": "python", "env": {"PYTHONPATH": FOLDER}}))
    before = os.environ.get("JUPYTER_PATH")
    os.environ["JUPYTER_PATH"] = str(tmp_path)
    try:
        nbclient.NotebookClient(notebook, timeout=100, kernel_name="reflow-test",
                                resources={"metadata": {"path": str(tmp_path)}}).execute()
    finally:
        if before is None:
            del os.environ["JUPYTER_PATH"]
        else:
            os.environ["JUPYTER_PATH"] = before
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    pictures = [o for o in outputs if "image/svg+xml" in o.get("data", {})]
    assert len(pictures) == 1 and "convert" in pictures[0]["data"]["image/svg+xml"]
    texts = [o["data"]["text/plain"] for o in outputs if "text/plain" in o.get("data", {})]
    assert any("[0, 1, 4, 9, 16, 25, 36, 49, 64, 81]" in text for text in texts)
    assert any("did you mean 'Log'" in text for text in texts)
