"""Holds later builds to the generation: types and constants as they were frozen, and programs that were compiled
then. Until it is frozen it shows that a break would be noticed."""

import glob
import os
import platform
import shutil
import subprocess
import tempfile
import unittest

import dump
import freeze

GENERATION = os.path.join(dump.FOLDER, "generation-1")
LIBRARIES = os.path.dirname(os.environ["REFLOW_LIBRARY"])
CLIENTS = os.path.join(dump.FOLDER, "clients")
TOOLS = shutil.which("abidw") and shutil.which("abidiff")


def run_client(program):
    done = subprocess.run([program], env={**os.environ, "LD_LIBRARY_PATH": LIBRARIES}, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, done.stdout


def read(path):
    with open(path, encoding="ascii") as file:
        return file.read()


class Clients(unittest.TestCase):
    def test_programs_of_before_run(self):
        programs = glob.glob(os.path.join(CLIENTS, platform.machine(), "*"))
        if not programs:
            self.skipTest(f"no program was kept for {platform.machine()}")
        for program in programs:
            self.assertEqual(run_client(program), (0, "ok\n"), program)

    def test_programs_of_before_run_when_compiled_now(self):
        with tempfile.TemporaryDirectory() as folder:
            for source in glob.glob(os.path.join(CLIENTS, "*.c")):
                program = os.path.join(folder, "client")
                freeze.compile_client(source, LIBRARIES, program)
                self.assertEqual(run_client(program), (0, "ok\n"), source)


class Numbers(unittest.TestCase):
    """Constants, and the layouts of structs."""

    def changed(self, *replacements):
        text = dump.current_header()
        before = dump.dump_numbers(text)
        for old, new in replacements:
            self.assertIn(old, text)
            text = text.replace(old, new, 1)
        return dump.compare_numbers(before, dump.dump_numbers(text))

    def test_values_stay(self):
        now = dump.dump_numbers(dump.current_header())
        for line in ("REFLOW_ERROR_NOT_FOUND -3", "REFLOW_MAX_DEPTH 128", "REFLOW_KIND_INTEGER 4",
                     "reflow_message 16", "reflow_view.size 8:8", "reflow_packet.index 20:4"):
            self.assertIn(line + "\n", now)
        if os.path.exists(GENERATION + ".numbers"):
            self.assertEqual(dump.compare_numbers(read(GENERATION + ".numbers"), now), [])

    def test_additions_are_allowed(self):
        self.assertEqual(self.changed(("REFLOW_STALL_GREW = 1,", "REFLOW_STALL_GREW = 1, REFLOW_NEW = 9,"),
                                      ("} reflow_node_counters;", "    uint64_t more;\n} reflow_node_counters;")),
                         [])

    def test_breaks_are_noticed(self):
        self.assertEqual(self.changed(("REFLOW_ERROR_TIMEOUT = -23", "REFLOW_ERROR_TIMEOUT = -29"),
                                      ("REFLOW_KIND_FLOW = 2,", "")),
                         ["REFLOW_ERROR_TIMEOUT was -23 and is -29", "REFLOW_KIND_FLOW was 2 and is None"])
        self.assertEqual(self.changed(("    uint64_t received;", "    uint32_t received;")),
                         ["reflow_node_counters.received was 16:8 and is 16:4"])
        self.assertIn("reflow_latency was 56 and is 64",
                      self.changed(("} reflow_latency;", "    uint64_t more;\n} reflow_latency;")))
        self.assertIn("reflow_node_counters.fired was 8:8 and is 16:8",
                      self.changed(("    uint32_t held_back;", "    uint32_t held_back;\n    uint64_t early;")))


@unittest.skipUnless(TOOLS, "abidw and abidiff are not here (abigail-tools)")
class Types(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def dump(self, name, text):
        path = os.path.join(self.folder, name)
        dump.dump_types(text, path)
        return path

    def difference(self, old, new):
        """What a change of the header is to abidiff."""
        text = dump.current_header()
        self.assertIn(old, text)
        before, after = self.dump("before", text), self.dump("after", text.replace(old, new, 1))
        return dump.compare_types(before, after)

    def test_types_stay(self):
        if not os.path.exists(GENERATION + ".abi"):
            self.skipTest("generation 1 is not frozen yet")
        now = self.dump("now", dump.current_header())
        self.assertEqual(dump.compare_types(GENERATION + ".abi", now), "")

    def test_comments_are_free(self):
        self.assertEqual(self.difference("#define REFLOW_MAX_EMITS 1000000",
                                         "/* another\n * comment */\n#define REFLOW_MAX_EMITS 1000000"), "")

    def test_additions_are_allowed(self):
        self.assertEqual(self.difference("REFLOW_API uint32_t reflow_version(void);",
                                         "REFLOW_API uint32_t reflow_version(void);\n"
                                         "REFLOW_API uint32_t reflow_more(void);"), "")
        self.assertEqual(self.difference("} reflow_node_counters;",
                                         "    uint64_t more;\n} reflow_node_counters;"), "")

    def test_breaks_are_noticed(self):
        for old, new, told in (
                ("REFLOW_API uint32_t reflow_version(void);", "", "reflow_version"),
                ("REFLOW_API uint32_t reflow_version(void);",
                 "REFLOW_API uint32_t reflow_version(int really);", "reflow_version"),
                ("    size_t size;\n} reflow_view;", "    uint32_t size;\n} reflow_view;", "reflow_view")):
            with self.subTest(old=old, new=new):
                self.assertIn(told, self.difference(old, new))


if __name__ == "__main__":
    unittest.main()
