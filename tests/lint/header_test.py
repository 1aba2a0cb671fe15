"""reflow.h: each function says who owns, which thread, what blocks and what fails; and what it
declares can be read by every compiler and by other languages."""

import header
import sources

text = sources.read("include/reflow.h")
found = header.prototypes(text)
problems = header.check(text) + header.check_shape(text)
if len(found) != len(header.re.findall(r"^REFLOW_API\b", text, header.re.MULTILINE)):
    problems.append("include/reflow.h: not every line with REFLOW_API was understood")
sources.finish(f"header ({len(found)} functions)", problems)
