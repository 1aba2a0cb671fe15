#!/usr/bin/env python3
"""Keeps the binary interface of today as that of the generation: run once when it is frozen, and never again.

Writes beside itself
  generation-1.abi         types and functions, for abidiff (needs abigail-tools)
  generation-1.numbers     the values of all constants, the sizes and offsets of all structs
  clients/<machine>/<name> each program of clients/*.c, compiled against the library of today

and from then on abi.generation holds every later build to it. What a release adds is not written here: a
release that wants its additions held as well adds files of its own.
"""

import glob
import os
import platform
import subprocess
import sys

import dump


def compile_client(source, libraries, to):
    """A client knows the name of the library and no place: it finds what LD_LIBRARY_PATH says."""
    os.makedirs(os.path.dirname(to), exist_ok=True)
    include = os.path.join(dump.FOLDER, "..", "..", "include")
    subprocess.run([dump.COMPILER, "-std=c99", "-O2", "-s", "-Wl,--build-id=none", "-Wall", "-Wextra", "-Werror",
                    "-D_POSIX_C_SOURCE=200809L", "-I", include, source, "-o", to, "-L", libraries, "-lreflow"],
                   check=True)


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: tests/abi/freeze.py BUILD_FOLDER")
    generation = os.path.join(dump.FOLDER, "generation-1")
    if os.path.exists(generation + ".abi"):
        sys.exit("generation 1 is frozen already: from now on it is only added to")
    dump.dump_types(dump.current_header(), generation + ".abi")
    with open(generation + ".numbers", "w", encoding="ascii") as file:
        file.write(dump.dump_numbers(dump.current_header()))
    for source in glob.glob(os.path.join(dump.FOLDER, "clients", "*.c")):
        name = os.path.basename(source)[:-len(".c")]
        compile_client(source, os.path.join(sys.argv[1], "lib"),
                       os.path.join(dump.FOLDER, "clients", platform.machine(), name))


if __name__ == "__main__":
    main()
