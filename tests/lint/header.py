"""reflow.h as data: its prototypes with the comment above each."""

import re

import sources

FIELDS = ["Ownership", "Threads", "Blocking", "Errors", "Callbacks", "Since"]
REQUIRED = ["Threads", "Blocking", "Errors", "Since"]
THREADS = ("any", "one-at-a-time", "callback")
BLOCKING = ("never", "bounded", "until ")

_PIECE = re.compile(r"/\*.*?\*/|REFLOW_API\s[^;]*;|\n[ \t]*\n|[^\s]", re.DOTALL)


class Prototype:
    def __init__(self, name, text, line, comment):
        self.name = name
        self.text = text
        self.line = line
        self.comment = comment  # text of the comment above it or above its group, or None

    def handles_memory(self):
        """Whether a parameter or the result is a pointer, a handle, a message or a view."""
        return bool(re.search(r"\*|reflow_(?:message|view|packet)\b(?!\()", self.text))


def prototypes(text):
    """All prototypes. Those that follow each other without an empty line share a comment."""
    found, comment = [], None
    for match in _PIECE.finditer(text):
        piece = match.group(0)
        if piece.startswith("/*"):
            comment = piece
        elif piece.startswith("REFLOW_API"):
            name = re.search(r"\b(reflow_\w+)\s*\(", piece)
            if name:
                found.append(Prototype(name.group(1), re.sub(r"\s+", " ", piece),
                                       sources.line_of(text, match.start()), comment))
        else:
            comment = None
    return found


def fields(comment):
    """The fields of a comment in their order, as pairs of name and text."""
    text = re.sub(r"^\s*/?\*+/?", " ", comment, flags=re.MULTILINE).replace("*/", " ")
    parts = re.split(r"\b(" + "|".join(FIELDS) + r"):", re.sub(r"\s+", " ", text))
    return [(parts[i], parts[i + 1].strip()) for i in range(1, len(parts), 2)]


def statuses(text):
    return set(re.findall(r"^\s*(REFLOW_(?:OK|ERROR_\w+)) = ", text, re.MULTILINE))


def since(prototype):
    """The version in the Since field, or None."""
    match = re.search(r"\bSince:[\s*]*(\d+\.\d+\.\d+)", prototype.comment or "")
    return match.group(1) if match else None


def version(text):
    return tuple(int(re.search(rf"#define REFLOW_VERSION_{part} (\d+)", text).group(1))
                 for part in ("MAJOR", "MINOR", "PATCH"))


def check_fields(prototype, known):
    """Problems of the comment of one prototype."""
    problems = []
    pairs = fields(prototype.comment)
    names = [name for name, _ in pairs]
    need = REQUIRED + (["Ownership"] if prototype.handles_memory() else [])
    problems += [f"the comment has no '{field}:'" for field in need if field not in names]
    if names != sorted(set(names), key=FIELDS.index):
        problems.append(f"fields are not once each in the order {', '.join(FIELDS)}")
    values = dict(pairs)
    if "Threads" in values and not values["Threads"].startswith(THREADS):
        problems.append(f"Threads is '{values['Threads']}', not one of {', '.join(THREADS)}")
    if "Blocking" in values and not values["Blocking"].startswith(BLOCKING):
        problems.append(f"Blocking is '{values['Blocking']}', not never, bounded or until ...")
    for status in re.findall(r"\bREFLOW_ERROR_\w+", prototype.comment):
        if status not in known:
            problems.append(f"no status named {status}")
    return problems


def check(text):
    """Problems of a header."""
    problems, seen = [], set()
    known, current = statuses(text), version(text)
    for prototype in prototypes(text):
        where = f"include/reflow.h:{prototype.line}: {prototype.name}"
        if prototype.name in seen:
            problems.append(f"{where}: declared twice")
        seen.add(prototype.name)
        if prototype.comment is None:
            problems.append(f"{where}: no comment")
            continue
        problems += [f"{where}: {problem}" for problem in check_fields(prototype, known)]
        first = since(prototype)
        if first is None or tuple(map(int, first.split("."))) > current:
            problems.append(f"{where}: Since is not a version up to the header's own")
    # Whatever looks like an exported function has to be one.
    code = sources.strip(text)
    for match in re.finditer(r"^(?!typedef|REFLOW_API)\w[^\n;{}#]*?\b(reflow_\w+)\s*\(", code,
                             re.MULTILINE):
        if match.group(1) not in seen:
            problems.append(f"include/reflow.h:{sources.line_of(code, match.start())}: "
                            f"{match.group(1)} is declared without REFLOW_API")
    return problems


# Structs without struct_size: they are passed by value or stand in arrays, and never change.
FIXED = {"reflow_view", "reflow_message", "reflow_packet", "reflow_port", "reflow_endpoint",
         "reflow_inport", "reflow_completion", "reflow_breakpoint", "reflow_latency",
         "reflow_stream_frame"}
INCLUDES = {"stdbool.h", "stddef.h", "stdint.h"}

# What a reader of another language cannot take, or what differs between compilers.
_FORBIDDEN = [
    (r"\bunion\b", "a union"),
    (r"\.\.\.", "a variable number of arguments"),
    (r"\binline\b", "an inline function"),
    (r"^[ \t]+[\w ]+\b\w+[ \t]*:[ \t]*\d+[ \t]*;", "a bit field"),
    (r"\b(?:long|short|unsigned|signed|wchar_t|float)\b", "a type whose size is not in its name"),
    (r"#define[ \t]+\w+\(", "a macro with parameters"),
]


def _structs(code):
    """Name and body of each struct that has one."""
    return re.findall(r"typedef struct (\w+) \{(.*?)\n\} \w+;", code, re.DOTALL)


def check_shape(text):
    """Problems of what the header declares, as opposed to what it says."""
    problems = []
    code = sources.strip(text, keep_strings=True)

    def note(offset, problem):
        problems.append(f"include/reflow.h:{sources.line_of(code, offset)}: {problem}")

    for pattern, what in _FORBIDDEN:
        for match in re.finditer(pattern, code, re.MULTILINE):
            note(match.start(), what)
    for match in re.finditer(r"#include[ \t]+(\S+)", code):
        if match.group(1).strip("<>\"") not in INCLUDES:
            note(match.start(), f"includes {match.group(1)}")
    for match in re.finditer(r"\benum\b[^{;]*\{(.*?)\}", code, re.DOTALL):
        values = []
        for item in match.group(1).split(","):
            parts = re.fullmatch(r"\s*(\w+)(?:\s*=\s*(-?\w+))?\s*", item)
            if parts and parts.group(2) is None:
                note(match.start(), f"{parts.group(1)} has no value written out")
            elif parts:
                values.append(parts.group(2))
                if not parts.group(1).startswith("REFLOW_"):
                    note(match.start(), f"{parts.group(1)} does not begin with REFLOW_")
        if len(values) != len(set(values)):
            note(match.start(), "a number is used twice in one enum")
    for name, body in _structs(code):
        first = body.strip().split(";")[0]
        if name not in FIXED and first != "uint32_t struct_size":
            problems.append(f"include/reflow.h: {name} does not begin with uint32_t struct_size")
    for match in re.finditer(r"#define[ \t]+(\w+)|\btypedef\b[^;{]*?(\w+)\s*;", code):
        name = match.group(1) or match.group(2)
        if not name.startswith(("REFLOW_", "reflow_")):
            note(match.start(), f"{name} is not a name of reflow")
    return problems
