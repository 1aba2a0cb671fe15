"""Banned words over the sources, and words that no tracked file may contain."""

import banned
import sources

problems = []
for name in sources.cxx_files("src"):
    problems += banned.check(name, sources.read(name))

# A clone stands alone: nothing beside it may be needed or mentioned.
outside = "../" + "shared"
for name in sources.tracked_files():
    text = sources.read(name)
    if outside in text:
        problems.append(f"{name}:{sources.line_of(text, text.index(outside))}: "
                        f"mentions {outside}, which is not a part of the project")
sources.finish("banned", problems)
