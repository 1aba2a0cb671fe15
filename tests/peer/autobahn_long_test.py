"""The Autobahn test suite against a port of wires, in the clear and under TLS.

The suite comes from PyPI into the build folder. All its cases are run but for those of the compression
extension (12.*, 13.*), which the port does not offer, and 9.9.1, which the suite itself does not run.
A verdict of the suite may be OK, NON-STRICT (allowed, though not the best) or INFORMATIONAL.
"""

import os
import shutil
import ssl
import subprocess
import sys
import unittest

import autobahn_cases
import rig  # noqa: F401  (finds what tests of programs share)
import support

SUITE = "autobahntestsuite==25.10.1"
BUILD = os.environ.get("REFLOW_BUILD") or os.path.join(support.SOURCE, "build")
ECHO = os.path.join(BUILD, "tests", "wire_echo")
PASSED = ("OK", "NON-STRICT", "INFORMATIONAL")
# The port finds a text that is no UTF-8 at the end of its message, not in the middle.
NON_STRICT = {(6, 4, 1), (6, 4, 2), (6, 4, 3), (6, 4, 4)}
INFORMATIONAL = {(7, 1, 6), (7, 13, 1), (7, 13, 2)}


def suite():
    """The folder of the package, which is not run as a program: Python 3 alone could not."""
    folder = os.path.join(BUILD, "autobahn", SUITE)
    package = os.path.join(folder, "autobahntestsuite")
    if not os.path.isdir(package):
        tools = os.path.join(BUILD, "autobahn", "venv")
        subprocess.run([sys.executable, "-m", "venv", tools], check=True)
        # Beside its place first, so that what is there is whole.
        made = folder + ".part"
        shutil.rmtree(made, ignore_errors=True)
        subprocess.run([os.path.join(tools, "bin", "python"), "-m", "pip", "install", "-q",
                        "--disable-pip-version-check", "--no-deps", "--no-compile", "--target", made, SUITE],
                       check=True)
        os.rename(made, folder)
    return package


class Suite(support.Case):
    @classmethod
    def setUpClass(cls):
        cls.cases, cls.left_out = autobahn_cases.load(suite())

    def verdicts(self, cases, *arguments, tls=None):
        process = subprocess.Popen([ECHO, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        with support.running(process):
            port = int(process.stdout.readline())
            before = os.listdir(f"/proc/{process.pid}/fd")
            found = autobahn_cases.run(cases, port, tls=tls)
            support.wait_for(lambda: os.listdir(f"/proc/{process.pid}/fd") == before,
                             "all connections have ended")
            process.stdin.close()
            self.assertEqual(process.wait(support.DEADLINE), 0)
        return found

    def check(self, found):
        for case, verdict in found.items():
            with self.subTest(case=".".join(map(str, case))):
                self.assertIn(verdict["behavior"], PASSED, verdict)
                self.assertIn(verdict["behaviorClose"], PASSED, verdict)

        def of(kind):
            return {case for case, verdict in found.items() if verdict["behavior"] == kind}
        self.assertLessEqual(of("NON-STRICT"), NON_STRICT)
        self.assertLessEqual(of("INFORMATIONAL"), INFORMATIONAL)

    def test_all_are_here(self):
        self.assertEqual(len(self.cases), 301)
        self.assertEqual(self.left_out, ["case12_x_x", "case9_9_1"])

    def test_in_the_clear(self):
        self.check(self.verdicts(self.cases))

    @unittest.skipUnless(shutil.which("openssl"), "no openssl to make a certificate")
    def test_under_tls(self):
        key, certificate = self.path("key.pem"), self.path("certificate.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key,
                        "-out", certificate, "-days", "2", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        client = ssl.create_default_context(cafile=certificate)
        # Sizes and times are the business of the other test.
        cases = {number: case for number, case in self.cases.items() if number[0] != 9}
        self.check(self.verdicts(cases, certificate, key, tls=client))


if __name__ == "__main__":
    unittest.main()
