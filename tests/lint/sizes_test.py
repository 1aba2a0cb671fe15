"""The length lint over the sources."""

import sizes
import sources

problems = []
for name in sources.cxx_files("src"):
    problems += sizes.check(name, sources.read(name))
sources.finish("sizes", problems)
