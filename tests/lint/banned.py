"""Words that only some files may use, each with the reason."""

import re

import sources

# A call of a function of C, not a member of ours with the same name.
_CALL = r"(?<![\w.>])(?<!void )(?<!bool )(?<!auto )(?:std::|::)?"

# (pattern, files that may use it, reason)
RULES = [
    (r"std::chrono::\w+::now\b|\b(?:steady|system|high_resolution)_clock::now\b|"
     r"\b(?:clock_gettime|gettimeofday)\s*\(",
     r"src/base/clock\.cpp|src/cli/.*", "time comes from Clock in base/clock.hpp"),
    (r"\b(?:std::)?s?rand\s*\(|\brandom_device\b|\bmt19937\b",
     r"src/cli/.*", "randomness comes from a seed that the caller gives"),
    (r"\b(?:secure_)?getenv\s*\(|\bsetenv\s*\(", r"src/cli/.*",
     "the library does not read the environment"),
    (_CALL + r"(?:exit|_exit|_Exit|quick_exit|abort|terminate)\s*\(|\batexit\s*\(",
     r"src/cli/.*", "the library does not end the process"),
    (r"\bstd::(?:cout|cerr|clog|cin)\b|#\s*include\s*<iostream>", r"src/cli/.*",
     "the library does not print, and iostream has a static constructor"),
    (_CALL + r"(?:printf|puts|putchar|vprintf|perror)\s*\(|\b(?:stdout|stderr)\b",
     r"src/cli/.*", "the library does not print"),
    (r"\b(?:signal|sigaction|sigprocmask|umask|chdir|setlocale)\s*\(", r"src/cli/.*",
     "the library leaves the process as it is"),
    # Passing an exhausted memory on is no throw of our own.
    (r"\bthrow\b(?!\s*;)", r"src/base/memory\.(?:cpp|hpp)|src/cli/.*",
     "errors travel as Result and Status"),
    (r"\b(?:dynamic_cast|typeid)\b", r"src/cli/.*", "no reliance on RTTI"),
    (r"\bthread_local\b(?! constinit [^;{]*\* ?\w+ = nullptr;)", r"src/cli/.*",
     "anything but a plain pointer would keep the library from being unloaded"),
    (r"\bsleep_for\b|\bsleep_until\b|" + _CALL + r"(?:u|nano)?sleep\s*\(", r"(?!)",
     "wake-ups go by conditions and events"),
    (r"\bTODO\b|\bFIXME\b|\bXXX\b", r"(?!)", "finished work only"),
]


def check(name, text):
    """Problems of one file."""
    problems = []
    code = sources.strip(text)
    for pattern, allowed, reason in RULES:
        if re.fullmatch(allowed, name):
            continue
        body = text if "TODO" in pattern else code
        for match in re.finditer(pattern, body):
            problems.append(f"{name}:{sources.line_of(body, match.start())}: "
                            f"'{match.group(0).strip()}': {reason}")
    return problems
