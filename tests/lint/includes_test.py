"""The include-direction lint over the tree."""

import os

import includes
import sources

problems = []
for name in sources.cxx_files("src"):
    problems += includes.check(
        name, sources.read(name),
        lambda header: os.path.isfile(os.path.join(sources.ROOT, "src", header)))

# Hosts: the examples, the conformance programs and the command line tool see the header alone.
# A file beside the including one is a part of the same program.
for name in sources.cxx_files("examples", "tests/capi", "src/cli"):
    folder = os.path.join(sources.ROOT, os.path.dirname(name))
    problems += includes.check_host(
        name, sources.read(name),
        lambda header, folder=folder: header.startswith("cli/") if folder.endswith("src/cli")
        else "/" not in header and os.path.isfile(os.path.join(folder, header)))

sources.finish("includes", problems)
