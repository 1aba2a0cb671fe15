"""What the tests share: networks that are closed whatever happens, and a program of its own for tests of
how a process ends."""

import os
import subprocess
import sys
import textwrap

import pytest

import reflow


@pytest.fixture
def net():
    with reflow.Network() as network:
        yield network


@pytest.fixture
def program():
    """Runs a program in an interpreter of its own; returns what subprocess.run does."""

    def run(text, *, timeout=200, **environment):
        env = {**os.environ, **environment}
        package = os.path.dirname(os.path.dirname(os.path.abspath(reflow.__file__)))
        env["PYTHONPATH"] = os.pathsep.join([package] + env.get("PYTHONPATH", "").split(os.pathsep))
        return subprocess.run([sys.executable, "-X", "faulthandler", "-c", textwrap.dedent(text)],
                              capture_output=True, text=True, timeout=timeout, env=env)

    return run


@pytest.fixture
def through():
    """Sends a value through an actor that passes it on; returns what comes out."""
    networks = []

    def send(value, *, arrays="auto"):
        @reflow.actor(inports=["in"], outports=["out"], arrays=arrays)
        def same(ctx, value):
            return {"out": value}

        network = reflow.Network()
        networks.append(network)
        network.add("n", same)
        out = network.stream("n.out", arrays=arrays)
        network.send("n.in", value, 5)
        return out.recv(5)

    yield send
    for network in networks:
        network.close()
