"""The host in Go: conformance, what is Go's own, and the weather example."""

import os
import unittest

import support

FOLDER = support.example("go")
# Go splits flags at spaces, but for those in quotes.
ENVIRONMENT = {
    "CGO_ENABLED": "1",
    "CGO_CFLAGS": f"'-I{support.INCLUDE}'",
    "CGO_LDFLAGS": f"'-L{support.LIBRARIES}' '-Wl,-rpath,{support.LIBRARIES}'",
    "GOCACHE": os.path.join(support.CACHE, "go"),
    "GOFLAGS": "-count=1",
    "GOTOOLCHAIN": "local",
    "REFLOW_SCENARIOS": support.SCENARIOS,
}


@support.needs("go")
class Go(unittest.TestCase):
    def go(self, *arguments, **variables):
        return support.run(["go", *arguments], FOLDER, **{**ENVIRONMENT, **variables})

    def test_vet_and_format(self):
        self.go("vet", "./...", GOFLAGS="")
        self.assertEqual(support.run(["gofmt", "-l", "."], FOLDER), "")

    def test_conformance_and_what_is_its_own(self):
        told = self.go("test", "-v", "./reflow")
        for name in os.listdir(support.SCENARIOS):
            self.assertIn(f"--- PASS: TestConformance/{name[:-len('.json')]} ", told)
        for name in ("CloseBesideCalls", "CloseEndsWaits", "AValueThatHoldsItself"):
            self.assertIn(f"--- PASS: Test{name} ", told)

    def test_a_wrong_scenario_is_noticed(self):
        wrong = support.wrong_scenarios(os.path.join(support.CACHE, "wrong-go"))
        with self.assertRaisesRegex(AssertionError, "FAIL: TestConformance/double "):
            self.go("test", "-run", "TestConformance", "./reflow", REFLOW_SCENARIOS=wrong)

    def test_weather(self):
        told = self.go("run", "./weather", support.GRAPH, support.weather_folder("go"), GOFLAGS="")
        self.assertIn("ActorStarted alerts", told)
        self.assertRegex(told, r"\d+ alerts in ")


if __name__ == "__main__":
    unittest.main()
