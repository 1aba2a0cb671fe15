"""Who may include whom: the arrows between the layers, one layer for each foreign header."""

import os
import re

import sources

# What a layer may include directly; what those may include is allowed as well.
ARROWS = {
    "base": [],
    "message": ["base"],
    "codec": ["base", "message"],
    "runtime": ["base", "message"],
    "graph": ["base", "message", "codec"],
    "io": ["codec"],
    "network": ["graph", "runtime", "codec"],
    "components": ["network", "io"],
    "script": ["network", "io"],
    "trace": ["codec", "network", "io"],
    "peer": ["network", "io"],
    "server": ["network", "components", "script", "trace", "peer", "io"],
    "capi": ["server"],
    "cli": [],
}

# Single headers that a layer may include beyond its arrows.
EXTRA = {"io": ["runtime/driver.hpp"]}

# Headers of other projects: the folder or name they begin with, and the layer that wraps them.
FOREIGN = {
    "yaml.h": "codec",
    "msgpack.h": "codec",
    "msgpack": "codec",
    "zstd.h": "codec",
    "cjson": "codec",
    "toml++": "peer",
    "uv.h": "io",
    "libwebsockets.h": "io",
    "openssl": "io",
    "curl": "io",
    "CLI": "cli",
}

# Headers of the system with a reason to keep them out of most layers: files, sockets, processes.
WORLD = {"fstream", "filesystem", "fcntl.h", "dirent.h", "netdb.h", "poll.h", "sys/socket.h",
         "sys/stat.h", "sys/epoll.h", "sys/wait.h", "sys/un.h", "spawn.h", "netinet/in.h",
         "netinet/tcp.h", "arpa/inet.h", "ifaddrs.h", "net/if.h"}
WORLD_LAYERS = {"io", "cli"}

# graph has no threads.
THREADS = {"thread", "mutex", "condition_variable", "shared_mutex", "future", "stop_token",
           "semaphore", "latch", "barrier", "pthread.h"}
NO_THREADS = {"graph", "message", "codec"}

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.MULTILINE)

_C_HEADERS = set("""assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp
    signal stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string tgmath
    threads time uchar wchar wctype""".split())
_POSIX = set("""dlfcn.h fcntl.h ifaddrs.h dirent.h netdb.h poll.h pthread.h sched.h spawn.h semaphore.h
    strings.h termios.h unistd.h glob.h pwd.h pty.h utmp.h malloc.h endian.h langinfo.h
    cxxabi.h execinfo.h immintrin.h emmintrin.h""".split())


def reachable(layer):
    """All layers that a layer may include."""
    seen, todo = set(), [layer]
    while todo:
        for below in ARROWS[todo.pop()]:
            if below not in seen:
                seen.add(below)
                todo.append(below)
    return seen


def foreign_family(header):
    """The key of FOREIGN for a header of another project, None for one of the system, and the
    header itself for one that is not known."""
    first = header.split("/")[0]
    if first in FOREIGN:
        return first
    if header in _POSIX or first in ("sys", "netinet", "arpa", "linux", "net", "bits", "asm"):
        return None
    stem, extension = os.path.splitext(header)
    if extension == "" and "/" not in header:
        return None  # a header of C++
    if extension == ".h" and stem in _C_HEADERS:
        return None
    return header


def check(name, text, exists):
    """Problems of one file of src/. exists tells whether a path below src/ is a file."""
    layer = name.split("/")[1]
    if layer not in ARROWS:
        return [f"{name}: no layer named '{layer}'"]
    allowed = reachable(layer) | {layer}
    problems = []
    for match in _INCLUDE.finditer(sources.strip(text, keep_strings=True)):
        form, header = match.group(1), match.group(2)
        where = f"{name}:{sources.line_of(text, match.start())}"
        if header == "reflow.h":
            continue
        target = header.split("/")[0]
        if form == '"' or (target in ARROWS and exists(header)):
            if "/" not in header or ".." in header:
                problems.append(f"{where}: \"{header}\" is not written as <layer>/<file>")
            elif target not in ARROWS:
                problems.append(f"{where}: \"{header}\" is in no layer")
            elif target not in allowed and header not in EXTRA.get(layer, []):
                problems.append(f"{where}: {layer} may not include {target} (\"{header}\")")
            elif not exists(header):
                problems.append(f"{where}: no file src/{header}")
            continue
        family = foreign_family(header)
        if family is not None and family not in FOREIGN:
            problems.append(f"{where}: <{header}> belongs to no layer; see FOREIGN in includes.py")
        elif family is not None and FOREIGN[family] != layer:
            problems.append(f"{where}: <{header}> belongs to {FOREIGN[family]}")
        if header in WORLD and layer not in WORLD_LAYERS:
            problems.append(f"{where}: {layer} may not reach files or sockets (<{header}>)")
        if header in THREADS and layer in NO_THREADS:
            problems.append(f"{where}: {layer} has no threads (<{header}>)")
    return problems


def check_host(name, text, own):
    """Problems of a program of ours that is only a host: of ours it sees reflow.h and what own
    accepts, a function of the header as it is written."""
    problems = []
    for match in _INCLUDE.finditer(sources.strip(text, keep_strings=True)):
        header = match.group(2)
        if header == "reflow.h" or own(header):
            continue
        if match.group(1) == '"' or header.split("/")[0] in ARROWS:
            where = f"{name}:{sources.line_of(text, match.start())}"
            problems.append(f"{where}: a host program may not include \"{header}\"")
    return problems
