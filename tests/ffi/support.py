"""What the tests of hosts in other languages share: where things are, and running of programs."""

import os
import shutil
import subprocess
import unittest

SOURCE = os.environ["REFLOW_SOURCE"]
BUILD = os.environ["REFLOW_BUILD"]
LIBRARIES = os.path.join(BUILD, "lib")
INCLUDE = os.path.join(SOURCE, "include")
SCENARIOS = os.path.join(SOURCE, "tests", "conformance", "scenarios")
GRAPH = os.path.join(SOURCE, "examples", "weather", "weather.graph.json")
CACHE = os.path.join(BUILD, "ffi")  # what toolchains keep between runs


def example(language):
    return os.path.join(SOURCE, "examples", "ffi", language)


def needs(*programs):
    """Skips a test, saying so, where a toolchain is not there."""
    missing = [program for program in programs if shutil.which(program) is None]
    return unittest.skipIf(missing, f"not here: {', '.join(missing)}")


def run(command, folder, **variables):
    """Runs a program that has to work; returns what it printed, and shows it if it does not."""
    done = subprocess.run(command, cwd=folder, env={**os.environ, **variables}, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)} gave {done.returncode}:\n{done.stdout[-6000:]}")
    return done.stdout


def wrong_scenarios(folder):
    """A copy of the scenarios in which one expects something else: no runner may call that fine."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(SCENARIOS, folder)
    path = os.path.join(folder, "double.json")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    changed = text.replace("[2, 4, 6, -8, 2.5]", "[2, 4, 7, -8, 2.5]")
    assert changed != text
    with open(path, "w", encoding="utf-8") as file:
        file.write(changed)
    return folder


def weather_folder(language):
    folder = os.path.join(BUILD, "run", f"weather-{language}")
    shutil.rmtree(folder, ignore_errors=True)
    return folder
