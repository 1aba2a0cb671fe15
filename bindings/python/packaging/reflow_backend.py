"""The build backend (PEP 517): scikit-build-core, and an sdist that has the engine's sources inside.

What lies in the repository outside this folder cannot be named in pyproject.toml, so an sdist is made of
a copy of this folder with the sources of the engine below engine/. Everything else is passed on.
"""

import os
import pathlib
import shutil
import subprocess
import tempfile

from scikit_build_core import build as _build
from scikit_build_core.build import (  # noqa: F401  (the interface of PEP 517 and 660)
    build_editable,
    build_wheel,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

from reflow_version import HERE, engine_folder

# What the engine is built from; tests and documents are not needed.
ENGINE = ("CMakeLists.txt", "LICENSE", "cmake", "include", "src", "tests/abi/symbols.txt")
SKIPPED = ("__pycache__", "*.pyc", ".pytest_cache", ".mypy_cache", "build", "dist", "*.egg-info")


def _copy(source: pathlib.Path, target: pathlib.Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns(*SKIPPED))
    else:
        shutil.copy2(source, target)


def _tracked(folder: pathlib.Path) -> "set[pathlib.Path] | None":
    """The files that git knows below a folder; None where that cannot be asked."""
    try:
        listed = subprocess.run(
            ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others",
             "--exclude-standard"],
            cwd=folder, check=True, capture_output=True,
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    return {folder / os.fsdecode(name) for name in listed.split(b"\0") if name} or None


def _copy_package(target: pathlib.Path) -> None:
    """Copies this folder, without what somebody has built or left in it."""
    files = _tracked(HERE)
    if files is None:
        _copy(HERE, target)
        return
    for source in sorted(files):
        if source.is_file() and "__pycache__" not in source.parts:
            _copy(source, target / source.relative_to(HERE))


def build_sdist(sdist_directory, config_settings=None):
    """Makes the sdist; this folder is only read."""
    sdist_directory = os.path.abspath(sdist_directory)
    before = os.getcwd()
    with tempfile.TemporaryDirectory(prefix="reflow-sdist-") as folder:
        stage = pathlib.Path(folder) / "reflow"
        _copy_package(stage)
        if not (stage / "engine").exists():
            for name in ENGINE:
                _copy(engine_folder() / name, stage / "engine" / name)
        os.chdir(stage)
        try:
            return _build.build_sdist(sdist_directory, config_settings)
        finally:
            os.chdir(before)
