"""The shared library as a file: names, needs, hardening, size, and what it takes from others."""

import ctypes
import os
import shutil
import subprocess
import tempfile
import unittest

import elf

NEEDED = {"libuv.so.1", "libssl.so.3", "libcrypto.so.3", "libzstd.so.1",  # of peers
          "libc.so.6", "libm.so.6", "libstdc++.so.6", "libgcc_s.so.1", "ld-linux-x86-64.so.2",
          "ld-linux-aarch64.so.1", "libyaml-0.so.2", "libmsgpackc.so.2", "libmsgpack-c.so.2"}

# What the engine alone may need; its optional parts come on top.
CORE_BYTES = 1024 * 1024

# What a guest in somebody's process does not do: end it, print, read its environment, change its
# state, leave something to run at its exit, or keep the library from being unloaded.
FOREIGN_TO_A_GUEST = {
    "exit", "_exit", "_Exit", "quick_exit", "abort", "atexit", "on_exit", "at_quick_exit",
    "printf", "vprintf", "puts", "putchar", "putc", "perror", "stdout", "stderr", "stdin",
    "__printf_chk", "_ZSt4cout", "_ZSt4cerr", "_ZSt4clog", "_ZNSt8ios_base4InitC1Ev",
    "getenv", "secure_getenv", "setenv", "putenv", "unsetenv",
    "rand", "srand", "random", "srandom",
    "signal", "sigaction", "sigprocmask", "alarm", "setitimer", "raise", "kill",
    "setlocale", "chdir", "fchdir", "umask", "setrlimit", "prctl",
    "fork", "vfork", "system", "popen", "pthread_atfork", "__register_atfork",
    "__cxa_atexit", "__cxa_thread_atexit", "__cxa_thread_atexit_impl", "pthread_detach",
}


class View(ctypes.Structure):
    _fields_ = [("data", ctypes.c_char_p), ("size", ctypes.c_size_t)]


def view(text):
    return View(text.encode(), len(text))


def stripped_size(library):
    with tempfile.TemporaryDirectory() as folder:
        copy = os.path.join(folder, "libreflow.so")
        shutil.copyfile(library, copy)
        subprocess.run(["strip", "--strip-unneeded", copy], check=True)
        return os.path.getsize(copy)


def feature(library, name):
    function = ctypes.CDLL(library).reflow_feature
    function.restype = ctypes.c_bool
    return function(view(name))


def render(library):
    """The status and the message of drawing an empty graph."""
    reflow = ctypes.CDLL(library)
    reflow.reflow_error_message.restype = View
    graph, buffer, error = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()
    if reflow.reflow_graph_create(view("g"), ctypes.byref(graph), None) != 0:
        raise RuntimeError("no graph")
    status = reflow.reflow_graph_render(graph, 1, None, ctypes.byref(buffer), ctypes.byref(error))
    message = reflow.reflow_error_message(error)
    text = ctypes.string_at(message.data, message.size).decode()
    reflow.reflow_buffer_destroy(buffer)
    reflow.reflow_error_destroy(error)
    reflow.reflow_graph_destroy(graph)
    return status, text


def snapshot(library):
    """The status of a snapshot of no network: it tells whether the part is there."""
    out = (ctypes.c_uint64 * 2)()
    return ctypes.CDLL(library).reflow_network_snapshot(None, ctypes.c_int64(0), out, None)


def load(library, text):
    """The status of loading a graph in YAML."""
    graph = ctypes.c_void_p()
    reflow = ctypes.CDLL(library)
    status = reflow.reflow_graph_load(view(text), 2, view(""), ctypes.byref(graph), None)
    reflow.reflow_graph_destroy(graph)
    return status


class Binary(unittest.TestCase):
    def tags(self, tag):
        return [value for name, value in elf.dynamic(elf.LIBRARY) if name == tag]

    def test_soname(self):
        self.assertEqual(self.tags("SONAME"), ["Library soname: [libreflow.so.1]"])

    def test_needed(self):
        needed = {value.split("[")[1].rstrip("]") for value in self.tags("NEEDED")}
        self.assertIn("libc.so.6", needed)
        self.assertEqual(needed - NEEDED, set())

    def test_no_search_path(self):
        self.assertEqual(self.tags("RPATH") + self.tags("RUNPATH"), [])

    def test_hardening(self):
        self.assertEqual([flags for name, flags in elf.segments(elf.LIBRARY)
                          if name == "GNU_STACK"], ["RW"])
        self.assertEqual(len([1 for name, _ in elf.segments(elf.LIBRARY)
                              if name == "GNU_RELRO"]), 1)
        self.assertNotIn(("LOAD", "RWE"), elf.segments(elf.LIBRARY))
        flags = " ".join(self.tags("FLAGS") + self.tags("FLAGS_1"))
        self.assertRegex(flags, r"\b(BIND_NOW|NOW)\b")
        self.assertNotIn("TEXTREL", flags)
        self.assertEqual(self.tags("TEXTREL"), [])

    def test_nothing_runs_at_load_or_unload(self):
        # One pointer each is the compiler's own frame_dummy and its counterpart.
        self.assertLessEqual(elf.section_size(elf.LIBRARY, ".init_array"), 8)
        self.assertLessEqual(elf.section_size(elf.LIBRARY, ".fini_array"), 8)

    def test_good_guest(self):
        self.assertEqual(elf.undefined_symbols(elf.LIBRARY) & FOREIGN_TO_A_GUEST, set())

    def test_stripped_size_of_the_core(self):
        sizes = {name: stripped_size(library)
                 for name, library in (("core", elf.CORE), ("all", elf.LIBRARY))}
        print(f"stripped: {sizes} bytes")
        self.assertLessEqual(sizes["core"], CORE_BYTES)
        self.assertLess(sizes["core"], sizes["all"])

    def test_parts_that_are_left_out(self):
        parts = ["components", "cron", "drawing", "environment", "recording", "snapshots", "yaml"]
        self.assertEqual([feature(elf.LIBRARY, name) for name in parts], [True] * len(parts))
        self.assertEqual([feature(elf.CORE, name) for name in parts], [False] * len(parts))
        self.assertTrue(feature(elf.CORE, "json"))
        for library in ("libyaml", "libuv", "libssl", "libcrypto", "libzstd"):
            self.assertNotIn(library, str(elf.dynamic(elf.CORE)))
        self.assertIn("libyaml", str(elf.dynamic(elf.LIBRARY)))
        self.assertEqual(render(elf.LIBRARY)[0], 0)
        self.assertEqual(render(elf.CORE), (-8, "this build of the library has no part 'drawing'"))
        self.assertEqual((snapshot(elf.LIBRARY), snapshot(elf.CORE)), (-1, -8))
        self.assertEqual((load(elf.LIBRARY, "processes: {}"), load(elf.CORE, "processes: {}")), (0, -8))

    def test_the_core_runs(self):
        for name in ("capi_firing_test", "capi_traffic_test"):
            program = os.path.join(os.environ["REFLOW_BUILD"], "tests", name)
            subprocess.run([program], check=True, env={**os.environ, "LD_PRELOAD": elf.CORE})

    def test_the_tool_reaches_the_library_by_a_relative_path(self):
        tool = os.environ["REFLOW_CLI"]
        paths = [value for name, value in elf.dynamic(tool) if name in ("RPATH", "RUNPATH")]
        self.assertEqual(len(paths), 1)
        places = paths[0].split("[")[1].rstrip("]").split(":")
        self.assertEqual(places[0], "$ORIGIN/../lib")
        # An empty or absolute entry would let another folder in.
        self.assertEqual([place for place in places if not place.startswith("$ORIGIN/")], [])
        self.assertIn("Shared library: [libreflow.so.1]",
                      [value for name, value in elf.dynamic(tool) if name == "NEEDED"])


if __name__ == "__main__":
    unittest.main()
