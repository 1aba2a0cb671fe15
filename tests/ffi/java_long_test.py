"""The host in Java: conformance and the weather example. Maven keeps what it fetches below build/."""

import os
import re
import unittest

import support

FOLDER = support.example("java")
OUTPUT = os.path.join(support.CACHE, "java")
MAVEN = ["mvn", "-q", "-B", f"-Dmaven.repo.local={os.path.join(support.CACHE, 'maven')}",
         f"-Doutput={OUTPUT}", "test-compile"]
UNREACHABLE = re.compile("Could not transfer|Unknown host|Connection (refused|timed out)")


def compile_all():
    """Without the network if all has been fetched before. Skips only where nothing can be fetched."""
    try:
        support.run(MAVEN + ["-o"], FOLDER)
        return
    except AssertionError:
        pass
    try:
        support.run(MAVEN, FOLDER)
    except AssertionError as failed:
        if UNREACHABLE.search(str(failed)):
            raise unittest.SkipTest("Maven Central is not reached, and JNA is not in the cache") from failed
        raise


@support.needs("mvn", "java", "javac")
class Java(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        compile_all()

    def java(self, *arguments):
        path = ":".join(os.path.join(OUTPUT, part) for part in ("classes", "test-classes", "lib/*"))
        return support.run(["java", f"-Djna.library.path={support.LIBRARIES}", "-cp", path,
                            *arguments], FOLDER)

    def test_conformance(self):
        count = len(os.listdir(support.SCENARIOS))
        self.assertIn(f"{count} scenarios, 0 failed", self.java("reflow.Conformance", support.SCENARIOS))

    def test_a_wrong_scenario_is_noticed(self):
        wrong = support.wrong_scenarios(os.path.join(support.CACHE, "wrong-java"))
        with self.assertRaisesRegex(AssertionError, "double.json: step 3: message 3 is 6"):
            self.java("reflow.Conformance", wrong)

    def test_streams(self):
        self.assertIn("streams work", self.java("reflow.Streams"))

    def test_misuse_is_told(self):
        self.assertIn("misuse is told", self.java("reflow.Misuse"))

    def test_handles_are_closed_beside_calls(self):
        self.assertIn("closing is told", self.java("reflow.Closing"))

    def test_weather(self):
        told = self.java("reflow.examples.Weather", support.GRAPH, support.weather_folder("java"))
        self.assertIn("ActorStarted alerts", told)
        self.assertRegex(told, r"\d+ alerts in ")


if __name__ == "__main__":
    unittest.main()
