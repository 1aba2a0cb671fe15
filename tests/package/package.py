"""What the tests of the installation share: installing into a folder and building a consumer."""

import os
import shlex
import subprocess

SOURCE = os.environ["REFLOW_SOURCE"]
BUILD = os.environ["REFLOW_BUILD"]
CC = os.environ["REFLOW_CC"]
CONSUMER = os.path.join(SOURCE, "tests", "package", "consumer.c")
OUTPUT = '{"answer":42}\n'


def run(command, **options):
    """Runs a command and returns what it prints; its errors are shown when it fails."""
    environment = {**os.environ, "LC_ALL": "C", **options.pop("env", {})}
    for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "DESTDIR"):
        environment.pop(name, None)
    environment.update(options.pop("extra", {}))
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env=environment, check=False, **options)
    if done.returncode != 0:
        raise AssertionError(f"{shlex.join(command)}: exit code {done.returncode}\n"
                             f"{done.stdout}{done.stderr}")
    return done.stdout


def install(prefix):
    """Installs the build under prefix; returns the folder of the libraries."""
    run(["cmake", "--install", BUILD, "--prefix", prefix])
    for folder, _, names in os.walk(prefix):
        if "libreflow.so" in names:
            return folder
    raise AssertionError(f"no libreflow.so below {prefix}")


def files(prefix):
    """Paths of all files below prefix, relative to it."""
    found = []
    for folder, _, names in os.walk(prefix):
        found += [os.path.relpath(os.path.join(folder, name), prefix) for name in names]
    return sorted(found)


def pkg_config(libraries, *options):
    """The answer of pkg-config for the installed reflow, as a list of arguments."""
    path = os.path.join(libraries, "pkgconfig")
    return shlex.split(run(["pkg-config", *options, "reflow"], env={"PKG_CONFIG_PATH": path}))


def cmake_project(folder, body, languages="C"):
    """Writes a project with the consumer as its only program and builds it."""
    os.makedirs(folder)
    with open(os.path.join(folder, "CMakeLists.txt"), "w", encoding="utf-8") as file:
        file.write(f"cmake_minimum_required(VERSION 3.25)\nproject(consumer {languages})\n"
                   f"add_executable(consumer \"{CONSUMER}\")\n{body}\n")
    build = os.path.join(folder, "build")
    return folder, build


def cmake_build(folder, build, *options):
    run(["cmake", "-S", folder, "-B", build, f"-DCMAKE_C_COMPILER={CC}",
         f"-DCMAKE_CXX_COMPILER={os.environ['REFLOW_CXX']}", *options])
    run(["cmake", "--build", build, "-j", "2"])
    return os.path.join(build, "consumer")
