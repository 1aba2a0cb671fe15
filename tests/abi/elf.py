"""What the ABI tests share: symbols and headers of a library, by nm and readelf."""

import os
import re
import subprocess
import sys

SOURCE = os.environ["REFLOW_SOURCE"]
LIBRARY = os.environ["REFLOW_LIBRARY"]
CORE = os.environ["REFLOW_CORE"]

sys.path.insert(0, os.path.join(SOURCE, "tests", "lint"))


def run(*command):
    """The output of a tool in the plain locale."""
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True,
                          env={**os.environ, "LC_ALL": "C"}).stdout


def defined_symbols(library):
    """Pairs of name and type letter that a library exports; version nodes left out."""
    found = []
    for line in run("nm", "-D", "--defined-only", library).splitlines():
        _, letter, name = line.split(maxsplit=2)
        if letter != "A":
            found.append((re.sub(r"@.*", "", name), letter))
    return found


def undefined_symbols(library):
    """Names that a library takes from others."""
    lines = run("nm", "-D", "--undefined-only", library).splitlines()
    return {re.sub(r"@.*", "", line.split()[-1]) for line in lines}


def dynamic(library):
    """Pairs of tag and value of the dynamic section."""
    return re.findall(r"^ *0x[0-9a-f]+ \((\w+)\) +(.*)$", run("readelf", "-dW", library),
                      re.MULTILINE)


def segments(library):
    """Pairs of type and flags of the program headers."""
    found = []
    for line in run("readelf", "-lW", library).splitlines():
        match = re.match(r" +([A-Z_]+)(?: +0x[0-9a-f]+){5} ([RWE ]{3})", line)
        if match:
            found.append((match.group(1), match.group(2).strip()))
    return found


def section_size(library, name):
    """Bytes of a section; 0 if there is none."""
    match = re.search(r"\] +" + re.escape(name) + r" +\w+ +[0-9a-f]+ [0-9a-f]+ ([0-9a-f]+)",
                      run("readelf", "-SW", library))
    return int(match.group(1), 16) if match else 0
