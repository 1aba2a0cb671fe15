"""The packages as a new user installs them: in fresh environments outside the tree, from a wheel of `make
packages`, from the sdist and from a clone in a folder with a space, and then the suite from what was installed.

REFLOW_PYTHONS limits the versions of Python. It takes minutes: the engine is built twice.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile

import pytest

ROOT = pathlib.Path(os.environ.get("REFLOW_SOURCE") or pathlib.Path(__file__).resolve().parents[3])
BUILD = pathlib.Path(os.environ.get("REFLOW_BUILD") or ROOT / "build")
PACKAGE = ROOT / "bindings" / "python"
VERSION = ".".join(re.findall(r"^#define REFLOW_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)$",
                              (ROOT / "include" / "reflow.h").read_text(), re.MULTILINE))
HERE = "%d.%d" % sys.version_info[:2]


def environment():
    """Without what leads to the module in the build folder."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "REFLOW_", "VIRTUAL_ENV"))}
    env.update(PYTHONDONTWRITEBYTECODE="1", CCACHE_BASEDIR="/", CCACHE_NOHASHDIR="1")
    return env


def run(*command, cwd, timeout=3600):
    done = subprocess.run([str(c) for c in command], cwd=cwd, env=environment(), capture_output=True, text=True,
                          timeout=timeout)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


def interpreters():
    listed = subprocess.run([ROOT / "scripts" / "python.sh", "list"], capture_output=True, text=True, check=True)
    return dict(line.split(" ", 1) for line in listed.stdout.splitlines())


@pytest.fixture(scope="module")
def packages():
    """What `make packages` makes."""
    done = subprocess.run([ROOT / "scripts" / "python.sh", "packages", BUILD], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    return BUILD / "packages"


def fresh(tmp_path, python):
    run(python, "-m", "venv", tmp_path / "venv", cwd=tmp_path)
    return tmp_path / "venv" / "bin"


def works(bin_folder, tmp_path):
    """The smallest program, and the scripts, in an environment that has nothing else."""
    program = re.search(r"^```python\n(.*?)^```$", (PACKAGE / "README.md").read_text(), re.M | re.S).group(1)
    assert run(bin_folder / "python", "-c", program, cwd=tmp_path) == "42\n"
    for command in ([bin_folder / "python", "-m", "reflow"], [bin_folder / "reflow"]):
        assert run(*command, "version", cwd=tmp_path).split()[1] == VERSION
    assert "--config" in run(bin_folder / "reflow-peer", "--help", cwd=tmp_path)
    assert "--bind" in run(bin_folder / "reflow-discovery", "--help", cwd=tmp_path)
    told = run(bin_folder / "python", "-m", "pip", "show", "-f", "reflow", cwd=tmp_path)
    assert f"Version: {VERSION}" in told and "reflow/py.typed" in told and "_reflow.pyi" in told


@pytest.mark.parametrize("version", ["3.9", "3.10", "3.11", "3.12", "3.13"])
def test_wheel_and_suite(packages, version, tmp_path):
    if version not in interpreters():
        pytest.skip(f"no Python {version} here")
    tag = "cp" + version.replace(".", "")
    (wheel,) = packages.glob(f"reflow-{VERSION}-{tag}-{tag}-manylinux*.whl")
    bin_folder = fresh(tmp_path, interpreters()[version])
    run(bin_folder / "pip", "install", "-q", "--no-index", wheel, cwd=tmp_path)
    works(bin_folder, tmp_path)
    run(bin_folder / "pip", "install", "-q", "-r", PACKAGE / "requirements-dev.txt", cwd=tmp_path)
    # A copy of the tests, so that nothing of the tree is in the path.
    shutil.copytree(PACKAGE / "tests", tmp_path / "tests", ignore=shutil.ignore_patterns("*_long.py", "__pycache__"))
    env = {**environment(), "REFLOW_SOURCE": str(ROOT)}
    done = subprocess.run([bin_folder / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"],
                          cwd=tmp_path, env=env, capture_output=True, text=True, timeout=3600)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_what_the_wheel_carries(packages):
    tag = "cp" + HERE.replace(".", "")
    (wheel,) = packages.glob(f"reflow-{VERSION}-{tag}-{tag}-*.whl")
    with zipfile.ZipFile(wheel) as file:
        names = file.namelist()
        for part in ("reflow/py.typed", "reflow/_reflow.pyi", "reflow/_engine/bin/reflow", "/licenses/LICENSE"):
            assert any(name.endswith(part) for name in names), part
        carried = {re.sub(r"-[0-9a-f]{8}.*", "", os.path.basename(n)) for n in names if n.startswith("reflow.libs/")}
        assert {"libyaml-0", "libuv", "libssl", "libcrypto", "libzstd"} <= carried
        (licences,) = [n for n in names if n.endswith("LICENSES-of-libraries.txt")]
        assert all(library in file.read(licences).decode() for library in carried - {""})
        assert not [n for n in names if "test" in n.lower() and not n.endswith("pytest_plugin.py")]
    assert wheel.stat().st_size < 12 << 20


def test_sdist_builds_outside_the_tree(packages, tmp_path):
    sdist = packages / f"reflow-{VERSION}.tar.gz"
    with tarfile.open(sdist) as file:
        names = file.getnames()
    assert f"reflow-{VERSION}/engine/include/reflow.h" in names and not [n for n in names if "/build/" in n]
    bin_folder = fresh(tmp_path, sys.executable)
    run(bin_folder / "pip", "install", "-q", sdist, cwd=tmp_path)
    works(bin_folder, tmp_path)


def test_a_clone_in_a_folder_with_a_space(tmp_path):
    clone = tmp_path / "a clone"
    run("git", "-c", "safe.directory=*", "clone", "-q", "--no-hardlinks", ROOT, clone, cwd=tmp_path)
    bin_folder = fresh(tmp_path, sys.executable)
    run(bin_folder / "pip", "install", "-q", "./bindings/python", cwd=clone)
    works(bin_folder, tmp_path)
    assert run("git", "status", "--porcelain", cwd=clone) == ""
