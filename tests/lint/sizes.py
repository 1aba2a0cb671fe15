"""Length of files and functions."""

import re

import sources

FILE_LINES = 600
FUNCTION_LINES = 100

_SCOPE = re.compile(r"\b(?:namespace|class|struct|union|enum)\b|\bextern\s*\"")
_NOISE = re.compile(r"\[\[.*?\]\]|\b(?:alignas|__attribute__)\s*\(\(?[^()]*\)?\)", re.DOTALL)
_AFTER_PARAMETERS = re.compile(
    r"\)\s*(?:(?:const|noexcept(?:\s*\([^()]*\))?|override|final|mutable|&&?|"
    r"->[^;{}]*|requires\b[^;{}]*|:[^:][^;{}]*)\s*)*$")


def _without_angles(text):
    """The text without template parameters and arguments."""
    depth, plain = 0, []
    for char in text:
        if char == "<":
            depth += 1
        elif char == ">" and depth > 0:
            depth -= 1
        elif depth == 0:
            plain.append(char)
    return "".join(plain)


def _kind(header):
    """What a brace after this text opens, outside of functions: scope, function or other."""
    text = re.sub(r"\{[^{}]*\}", "", _NOISE.sub(" ", header))
    scope = _SCOPE.search(_without_angles(text.split("(")[0]))
    if "(" in text and _AFTER_PARAMETERS.search(text):
        # "struct x f() {" is a function, "class A : public B<int()> {" is not.
        if not (scope and re.search(r"\b(?:class|struct|union|enum)\s+[\w\s]*:[^:]",
                                    text.split("(")[0])):
            return "function"
    return "scope" if scope else "other"


def functions(text):
    """(name, first line, number of lines) of each function of a C or C++ file."""
    code = sources.strip(text)
    # Directives are no statements, and both branches of an #if would open their braces.
    code = re.sub(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", lambda m: re.sub(r"[^\n]", " ", m.group(0)),
                  code, flags=re.MULTILINE | re.DOTALL)
    found, stack, start = [], [], 0
    inside = None  # where the function that is open began, as (header, offset, depth)
    for match in re.finditer(r"[{};]", code):
        char, at = match.group(0), match.start()
        if char == ";":
            if inside is None and "init" not in stack[-1:]:
                start = at + 1
            continue
        if char == "{":
            if inside is not None:
                stack.append("block")
                continue
            header = code[start:at]
            # Braces without a space before them are values: a member in a constructor's list.
            if header and not header[-1].isspace() and "(" in header and header[-1] != ")":
                stack.append("init")
                continue
            kind = _kind(header)
            stack.append(kind)
            if kind == "function":
                lead = len(header) - len(header.lstrip())
                inside = (header, start + lead, len(stack))
            else:
                start = at + 1
            continue
        if inside is not None and len(stack) == inside[2]:
            header, began, _ = inside
            first = sources.line_of(code, began)
            words = re.search(r"([\w:~]+|operator\s*\S+)\s*\(", header)
            found.append((words.group(1) if words else "?", first,
                          sources.line_of(code, at) - first + 1))
            inside = None
        if stack and stack.pop() != "init" and inside is None:
            start = at + 1
    return found


def check(name, text):
    problems = []
    lines = text.count("\n")
    if lines > FILE_LINES:
        problems.append(f"{name}: {lines} lines; the limit is {FILE_LINES}")
    for function, first, length in functions(text):
        if length > FUNCTION_LINES:
            problems.append(f"{name}:{first}: function '{function}' has {length} lines; "
                            f"the limit is {FUNCTION_LINES}")
    return problems
