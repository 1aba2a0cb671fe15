#!/usr/bin/env python3
"""Writes tests/abi/symbols.txt and symbols-in-versions.txt from include/reflow.h.

Run it after adding a function and read the difference: a line that goes away or changes is a
break of the ABI, which docs/abi.md allows only before generation 1 is frozen.
"""

import os
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(FOLDER), "lint"))

import header  # noqa: E402
import sources  # noqa: E402


def lists():
    """The text of both files, as a dict from name to text."""
    found = header.prototypes(sources.read("include/reflow.h"))
    names = sorted(prototype.name for prototype in found)
    since = sorted(f"{prototype.name} {header.since(prototype)}" for prototype in found)
    return {"symbols.txt": "\n".join(names) + "\n",
            "symbols-in-versions.txt": "\n".join(since) + "\n"}


if __name__ == "__main__":
    for file_name, text in lists().items():
        with open(os.path.join(FOLDER, file_name), "w", encoding="ascii") as file:
            file.write(text)
