"""What the binary interface is, as data: the values of constants, the layouts of structs, and types and functions
for abidiff.

The types come from a stand-in for the library that is made of the header alone: every function with its
signature and an empty body, with debug information. So a dump takes a second, needs no build of the engine
with debug information, and does not depend on how that was built. That the library has these functions is
what symbols_test.py holds; that they have these signatures, the compiler, since their definitions include the
header.
"""

import os
import re
import subprocess
import sys
import tempfile

FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(FOLDER), "lint"))

import header  # noqa: E402
import sources  # noqa: E402

COMPILER = os.environ.get("REFLOW_CC", "cc")


def strip_comments(text):
    return re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)


def constants_of(text):
    """Names of all enumerators and of macros that are numbers."""
    plain = strip_comments(text)
    names = []
    for body in re.findall(r"\benum\s*\w*\s*\{([^}]*)\}", plain):
        names += re.findall(r"(?:^|,)\s*(REFLOW_\w+)", body)
    for name, value in re.findall(r"^#define (REFLOW_\w+) +(.+)$", plain, re.MULTILINE):
        if name not in ("REFLOW_API", "REFLOW_H") and not name.startswith("REFLOW_VERSION"):
            if re.search(r"\d|SIZE_MAX|UINT32_MAX", value):
                names.append(name)
    return sorted(names)


def compile_c(text, header_text, arguments, output):
    """Compiles C that includes the given header."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in (("reflow.h", header_text), ("source.c", text)):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(content)
        subprocess.run([COMPILER, "-w", "-I", folder, os.path.join(folder, "source.c"), "-o", output,
                        *arguments], check=True, cwd=folder)


def structs_of(text):
    """Names of structs with those of their fields."""
    found = {}
    for body, name in re.findall(r"typedef struct \w+ \{(.*?)\}\s*(\w+);", strip_comments(text), re.DOTALL):
        fields = []
        for field in filter(None, map(str.strip, body.split(";"))):
            pointer = re.search(r"\(\*(\w+)\)", field)
            fields.append(pointer.group(1) if pointer else re.search(r"(\w+)\s*(?:\[\w+\])?$", field).group(1))
        found[name] = fields
    return found


def dump_numbers(header_text):
    """Lines "NAME value": constants, "struct size", and "struct.field offset:size"."""
    lines = [f'printf("{name} %lld\\n", (long long)({name}));' for name in constants_of(header_text)]
    for name, fields in sorted(structs_of(header_text).items()):
        lines.append(f'printf("{name} %zu\\n", sizeof({name}));')
        lines += [f'printf("{name}.{field} %zu:%zu\\n", offsetof({name}, {field}), '
                  f"sizeof((({name} *)0)->{field}));" for field in fields]
    body = "\n".join("    " + line for line in lines)
    source = f"#include <stdio.h>\n#include \"reflow.h\"\nint main(void) {{\n{body}\n    return 0;\n}}\n"
    with tempfile.TemporaryDirectory() as folder:
        program = os.path.join(folder, "numbers")
        compile_c(source, header_text, [], program)
        return subprocess.run([program], check=True, stdout=subprocess.PIPE, text=True).stdout


def stand_in(header_text):
    """The C of a library with every stable function of a header."""
    lines = ['#include "reflow.h"']
    for prototype in header.prototypes(header_text):
        if prototype.name.startswith("reflow_x_"):
            continue
        text = re.sub(r"^REFLOW_API\s+", "", strip_comments(prototype.text)).strip().rstrip(";")
        lines.append(f"{text} {{ __builtin_trap(); }}")
    return "\n".join(lines) + "\n"


def dump_types(header_text, to):
    """Writes the XML of abidw. Where things stand in the header is left out, so that comments may change."""
    with tempfile.TemporaryDirectory() as folder:
        library = os.path.join(folder, "libreflow.so.1")
        compile_c(stand_in(header_text), header_text,
                  ["-std=c11", "-g", "-O0", "-fPIC", "-shared", "-Wl,-soname,libreflow.so.1"], library)
        subprocess.run(["abidw", "--no-corpus-path", "--no-comp-dir-path", "--no-show-locs",
                        "--out-file", to, library], check=True)


def current_header():
    return sources.read("include/reflow.h")


def compare_types(before, after):
    """What abidiff finds between two dumps that is not allowed within a generation; "" if nothing."""
    done = subprocess.run(["abidiff", "--no-added-syms", "--suppressions", os.path.join(FOLDER, "allowed.ini"),
                           before, after], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    if done.returncode & 3:
        raise RuntimeError(done.stdout)
    return done.stdout if done.returncode else ""


def compare_numbers(before, after):
    """What is gone or has another value; new things are allowed, and structs that tell their size may grow."""
    now = dict(line.rsplit(" ", 1) for line in after.splitlines())
    wrong = []
    for line in before.splitlines():
        name, value = line.rsplit(" ", 1)
        got = now.get(name)
        grows = name == "REFLOW_EVENTS_ALL" or name + ".struct_size" in now
        if got != value and not (grows and got is not None and int(got) > int(value)):
            wrong.append(f"{name} was {value} and is {got}")
    return wrong
