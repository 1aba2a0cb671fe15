"""The installation as a user sees it: files, pkg-config, find_package, moving it elsewhere."""

import os
import re
import shutil
import tempfile
import unittest

import package


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # A space in the name: every path has to be quoted on the way.
        cls.folder = tempfile.mkdtemp(prefix="reflow install ")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.prefix = os.path.join(cls.folder, "pre fix")
        cls.libraries = package.install(cls.prefix)

    def out(self, name):
        return os.path.join(self.folder, name)

    def test_files(self):
        found = package.files(self.prefix)
        for wanted in (r"include/reflow\.h", r"bin/reflow", r"bin/reflow-peer", r"bin/reflow-discovery",
                       r"lib.*/libreflow\.so",
                       r"lib.*/libreflow\.so\.1", r"lib.*/libreflow\.a",
                       r"lib.*/pkgconfig/reflow\.pc", r"lib.*/cmake/reflow/reflowConfig\.cmake",
                       r"lib.*/cmake/reflow/reflowConfigVersion\.cmake",
                       r"share/man/man1/reflow\.1"):
            self.assertTrue([name for name in found if re.fullmatch(wanted, name)], wanted)
        headers = [name for name in found if name.endswith((".h", ".hpp"))]
        self.assertEqual(headers, ["include/reflow.h"])

    def test_other_names_of_the_program(self):
        for name, option in (("reflow-peer", "--config"), ("reflow-discovery", "--entry-ttl-secs")):
            self.assertIn(option, package.run([os.path.join(self.prefix, "bin", name), "--help"]))

    def test_no_path_of_the_build_is_left(self):
        for name in package.files(self.prefix):
            if name.endswith((".pc", ".cmake")):
                with open(os.path.join(self.prefix, name), encoding="utf-8") as file:
                    text = file.read()
                self.assertNotIn(package.BUILD, text, name)
                self.assertNotIn(self.prefix, text, name)

    def test_pkg_config_shared(self):
        program = self.out("shared")
        package.run([package.CC, "-std=c99", package.CONSUMER, "-o", program,
                     *package.pkg_config(self.libraries, "--cflags", "--libs")])
        self.assertEqual(package.run([program], env={"LD_LIBRARY_PATH": self.libraries}),
                         package.OUTPUT)

    def test_pkg_config_static(self):
        program = self.out("static")
        arguments = package.pkg_config(self.libraries, "--static", "--cflags", "--libs")
        archive = os.path.join(self.libraries, "libreflow.a")
        package.run([package.CC, "-std=c99", package.CONSUMER, "-o", program,
                     *[archive if argument == "-lreflow" else argument
                       for argument in arguments]])
        self.assertEqual(package.run([program]), package.OUTPUT)
        self.assertNotIn("libreflow", package.run(["readelf", "-d", program]))

    def test_pkg_config_version(self):
        header = open(os.path.join(self.prefix, "include", "reflow.h"), encoding="utf-8")
        with header as file:
            numbers = re.findall(r"^#define REFLOW_VERSION_[A-Z]+ (\d+)$", file.read(), re.M)
        self.assertEqual(package.pkg_config(self.libraries, "--modversion"), [".".join(numbers)])

    def find_package(self, name, target, *options):
        folder, build = package.cmake_project(
            self.out(name), f"find_package(reflow 0.1 REQUIRED)\n"
                            f"target_link_libraries(consumer PRIVATE {target})")
        program = package.cmake_build(folder, build, f"-DCMAKE_PREFIX_PATH={self.prefix}",
                                      *options)
        self.assertEqual(package.run([program]), package.OUTPUT)
        return program

    def test_find_package_shared(self):
        self.find_package("find shared", "reflow::reflow")

    def test_find_package_static_from_a_project_without_cxx(self):
        program = self.find_package("find static", "reflow::static")
        self.assertNotIn("libreflow", package.run(["readelf", "-d", program]))

    def test_find_package_refuses_another_version(self):
        folder, build = package.cmake_project(self.out("other"), "find_package(reflow 7 REQUIRED)")
        with self.assertRaisesRegex(AssertionError, "reflow"):
            package.cmake_build(folder, build, f"-DCMAKE_PREFIX_PATH={self.prefix}")

    def test_it_can_be_moved(self):
        moved = self.out("moved")
        shutil.copytree(self.prefix, moved, symlinks=True)
        os.rename(self.prefix, self.prefix + " away")
        try:
            text = package.run([os.path.join(moved, "bin", "reflow"), "version"])
            self.assertRegex(text, r"\d+\.\d+\.\d+")
            libraries = self.libraries.replace(self.prefix, moved)
            self.assertIn(f"-I{moved}/include".replace(" ", "\\ "), " ".join(
                os.path.normpath(argument).replace(" ", "\\ ")
                for argument in package.pkg_config(libraries, "--cflags")))
        finally:
            os.rename(self.prefix + " away", self.prefix)

    def test_destdir(self):
        stage = self.out("stage")
        package.run(["cmake", "--install", package.BUILD, "--prefix", "/usr"],
                    extra={"DESTDIR": stage})
        self.assertTrue(os.path.exists(os.path.join(stage, "usr", "include", "reflow.h")))
        self.assertTrue(os.path.exists(os.path.join(stage, "usr", "bin", "reflow")))


if __name__ == "__main__":
    unittest.main()
