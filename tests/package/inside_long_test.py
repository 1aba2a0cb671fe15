"""reflow as a part of another project, by add_subdirectory, and as a package of Debian."""

import os
import shutil
import tempfile
import unittest

import package


class Inside(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="reflow inside ")
        self.addCleanup(shutil.rmtree, self.folder)

    def test_add_subdirectory(self):
        body = (f'add_subdirectory("{package.SOURCE}" reflow)\n'
                "target_link_libraries(consumer PRIVATE reflow::reflow)\n"
                # Nothing of reflow may leak into the project around it.
                "get_target_property(own reflow_shared COMPILE_OPTIONS)\n"
                'if(NOT "${CMAKE_CXX_FLAGS}${CMAKE_C_FLAGS}" STREQUAL "" OR TARGET reflow_cli)\n'
                '  message(FATAL_ERROR "reflow changed the project around it")\n'
                "endif()\n")
        folder, build = package.cmake_project(os.path.join(self.folder, "pro ject"), body, "C CXX")
        # Not optimised: what is tested here is the build.
        program = package.cmake_build(folder, build, "-DCMAKE_BUILD_TYPE=Release",
                                      "-DCMAKE_CXX_FLAGS_RELEASE=-O0", *launcher_options())
        self.assertEqual(package.run([program]), package.OUTPUT)

    @unittest.skipUnless(shutil.which("dpkg-deb"), "not a system of Debian packages")
    def test_deb(self):
        package.run(["cpack", "-G", "DEB", "-B", self.folder,
                     "--config", os.path.join(package.BUILD, "CPackConfig.cmake")],
                    cwd=package.BUILD)
        debs = [name for name in os.listdir(self.folder) if name.endswith(".deb")]
        self.assertEqual(len(debs), 1)
        deb = os.path.join(self.folder, debs[0])
        names = [line.split()[5] for line in
                 package.run(["dpkg-deb", "-c", deb]).splitlines()]
        for wanted in ("./usr/bin/reflow", "./usr/include/reflow.h"):
            self.assertIn(wanted, names)
        self.assertTrue(all(name.startswith("./usr") or name == "./" for name in names), names)
        self.assertIn("libc6", package.run(["dpkg-deb", "-f", deb, "Depends"]))
        # Unpacked somewhere it runs as it is.
        root = os.path.join(self.folder, "root")
        package.run(["dpkg-deb", "-x", deb, root])
        self.assertRegex(package.run([os.path.join(root, "usr", "bin", "reflow"), "version"]),
                         r"\d+\.\d+\.\d+")


def launcher_options():
    ccache = shutil.which("ccache")
    if ccache is None:
        return []
    return [f"-DCMAKE_{language}_COMPILER_LAUNCHER={ccache}" for language in ("C", "CXX")]


if __name__ == "__main__":
    unittest.main()
