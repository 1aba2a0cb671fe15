"""The sdist has all that its build asks for: it is made, unpacked outside of the tree, and configured.

That it builds is for test_packages_long.py, since it takes minutes.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tarfile

import pytest

ROOT = pathlib.Path(os.environ.get("REFLOW_SOURCE") or pathlib.Path(__file__).resolve().parents[3])


def run(*command, cwd):
    done = subprocess.run([str(c) for c in command], cwd=cwd, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


@pytest.mark.skipif(shutil.which("cmake") is None, reason="no cmake to configure with")
def test_the_sdist_can_be_configured(tmp_path):
    package = tmp_path / "tree" / "bindings" / "python"
    shutil.copytree(ROOT / "bindings" / "python", package, ignore=shutil.ignore_patterns("__pycache__", "build"))
    for name in ("CMakeLists.txt", "LICENSE", "cmake", "include", "src", "tests/abi"):
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, tmp_path / "tree" / name)
    run(sys.executable, "-m", "build", "--sdist", "--no-isolation", "-o", tmp_path, package, cwd=tmp_path)
    (sdist,) = tmp_path.glob("reflow-*.tar.gz")
    with tarfile.open(sdist) as file:
        file.extractall(tmp_path / "sdist")
    shutil.rmtree(tmp_path / "tree")  # whoever still looks there fails
    (unpacked,) = (tmp_path / "sdist").iterdir()
    pybind = run(sys.executable, "-m", "pybind11", "--cmakedir", cwd=tmp_path).strip()
    told = run("cmake", "-S", unpacked, "-B", tmp_path / "build", f"-DPython_EXECUTABLE={sys.executable}",
               f"-Dpybind11_DIR={pybind}", cwd=tmp_path)
    assert "Configuring done" in told
