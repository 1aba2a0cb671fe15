"""The host in Rust: conformance, layouts, what is Rust's own, and the weather example."""

import os
import re
import unittest

import support

FOLDER = support.example("rust")
ENVIRONMENT = {
    "CARGO_TARGET_DIR": os.path.join(support.CACHE, "rust"),
    "CARGO_NET_OFFLINE": "true",  # there are no dependencies
    "REFLOW_LIB_DIR": support.LIBRARIES,
    "REFLOW_INCLUDE_DIR": support.INCLUDE,
    "REFLOW_SCENARIOS": support.SCENARIOS,
    "RUSTFLAGS": "-D warnings",
}


@support.needs("cargo", "rustc")
class Rust(unittest.TestCase):
    def cargo(self, *arguments, **variables):
        return support.run(["cargo", *arguments], FOLDER, **{**ENVIRONMENT, **variables})

    def test_conformance_and_what_is_its_own(self):
        told = self.cargo("test", "--", "--nocapture")
        for name in os.listdir(support.SCENARIOS):
            self.assertIn(f"ok {name[:-len('.json')]}\n", told)
        for name in ("a_panic_is_a_failed_firing", "structs_are_those_of_the_header",
                     "a_value_that_is_nested_too_deep_is_refused",
                     "handles_are_shared_and_end_after_their_last_call"):
            self.assertIn(f"test {name} ", told)

    def test_a_wrong_scenario_is_noticed(self):
        wrong = support.wrong_scenarios(os.path.join(support.CACHE, "wrong-rust"))
        with self.assertRaisesRegex(AssertionError, "double: step 3: message 3 is Int"):
            self.cargo("test", "--test", "conformance", REFLOW_SCENARIOS=wrong)

    def test_users_need_no_unsafe(self):
        for root, _, files in os.walk(FOLDER):
            for name in files:
                path = os.path.join(root, name)
                if not name.endswith(".rs") or os.path.join(FOLDER, "src") in path:
                    continue
                with open(path, encoding="utf-8") as file:
                    self.assertIsNone(re.search(r"\bunsafe\b", file.read()), path)

    def test_weather(self):
        told = self.cargo("run", "--example", "weather", "--", support.GRAPH,
                          support.weather_folder("rust"))
        self.assertIn("ActorStarted alerts", told)
        self.assertRegex(told, r"\d+ alerts in ")


if __name__ == "__main__":
    unittest.main()
