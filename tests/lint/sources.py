"""What the lints share: the list of files, and C++ text without comments and literals."""

import os
import re
import subprocess
import sys

ROOT = os.environ.get("REFLOW_SOURCE") or os.path.dirname(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

CXX = (".c", ".cpp", ".h", ".hpp")


def tracked_files():
    """Paths relative to the root: what git tracks or would track; all files outside of git."""
    git = subprocess.run(
        ["git", "-c", "safe.directory=*", "-C", ROOT, "ls-files", "-z", "--cached", "--others",
         "--exclude-standard"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    if git.returncode == 0:
        names = {name for name in os.fsdecode(git.stdout).split("\0") if name}
        return sorted(name for name in names if os.path.isfile(os.path.join(ROOT, name)))
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [f for f in folders if f != ".git" and not f.startswith("build")]
        found += [os.path.relpath(os.path.join(folder, name), ROOT) for name in names]
    return sorted(found)


def cxx_files(*folders):
    """Sources below the given folders."""
    wanted = tuple(folder + "/" for folder in folders)
    return [name for name in tracked_files() if name.startswith(wanted) and name.endswith(CXX)]


def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8", errors="surrogateescape") as file:
        return file.read()


_TOKEN = re.compile(
    r'//(?:[^\n\\]|\\.|\\\n)*'
    r'|/\*.*?\*/'
    r'|(?:\b(?:u8|u|U|L))?R"(?P<d>[^()\s\\"]{0,16})\(.*?\)(?P=d)"'
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|(?<![0-9a-zA-Z_])'(?:[^'\\\n]|\\.)*'",
    re.DOTALL)


def strip(text, keep_strings=False):
    """The text with comments and literals blanked out; line ends stay where they are."""

    def blank(match):
        token = match.group(0)
        if token.startswith("/"):
            return re.sub(r"[^\n]", " ", token)
        if keep_strings:
            return token
        quote = token[-1]
        return quote + re.sub(r"[^\n]", " ", token[1:-1]) + quote

    return _TOKEN.sub(blank, text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def finish(name, problems):
    """Prints the problems and ends the program."""
    for problem in problems:
        print(problem)
    if problems:
        print(f"{name}: {len(problems)} problem(s)")
        sys.exit(1)
    print(f"{name}: ok")
