"""Header, committed lists and library name the same functions."""

import os
import unittest

import elf
import symbols


def committed(name):
    with open(os.path.join(elf.SOURCE, "tests", "abi", name), encoding="ascii") as file:
        return file.read().splitlines()


class Symbols(unittest.TestCase):
    maxDiff = None

    def test_lists_are_those_of_the_header(self):
        for name, text in symbols.lists().items():
            self.assertEqual(committed(name), text.splitlines(), name)

    def test_library_exports_the_list_and_nothing_else(self):
        exported = sorted(name for name, _ in elf.defined_symbols(elf.LIBRARY))
        self.assertEqual(exported, committed("symbols.txt"))

    def test_only_functions_none_weak_or_unique(self):
        self.assertEqual([pair for pair in elf.defined_symbols(elf.LIBRARY) if pair[1] != "T"], [])

    def test_versions(self):
        text = elf.run("nm", "-D", "--defined-only", elf.LIBRARY)
        for line in text.splitlines():
            _, letter, name = line.split(maxsplit=2)
            if letter == "T":
                node = "REFLOW_X" if name.startswith("reflow_x_") else "REFLOW_1"
                self.assertTrue(name.endswith("@@" + node), name)


if __name__ == "__main__":
    unittest.main()
