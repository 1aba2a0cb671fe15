"""The version of the package is that of the engine: the three numbers in include/reflow.h.

A provider of metadata for scikit-build-core (tool.scikit-build.metadata.version).
"""

import pathlib
import re

HERE = pathlib.Path(__file__).resolve().parent.parent


def engine_folder() -> pathlib.Path:
    """The sources of the engine: beside us in an sdist, two levels up in the repository."""
    for folder in (HERE / "engine", HERE.parent.parent):
        if (folder / "include" / "reflow.h").is_file():
            return folder
    raise RuntimeError(
        f"the sources of the engine are neither in {HERE / 'engine'} nor in {HERE.parent.parent}: "
        "build from the repository or from an sdist"
    )


def version() -> str:
    """"major.minor.patch" of the engine."""
    header = (engine_folder() / "include" / "reflow.h").read_text(encoding="utf-8")
    numbers = []
    for part in ("MAJOR", "MINOR", "PATCH"):
        found = re.search(rf"^#define REFLOW_VERSION_{part} (\d+)$", header, re.MULTILINE)
        if found is None:
            raise RuntimeError(f"include/reflow.h does not define REFLOW_VERSION_{part}")
        numbers.append(found.group(1))
    return ".".join(numbers)


def dynamic_metadata(settings, _project):
    """What scikit-build-core asks for."""
    if settings:
        raise ValueError(f"this provider takes no settings, not {sorted(settings)}")
    return {"version": version()}
