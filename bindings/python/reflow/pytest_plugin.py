"""The pytest plugin of reflow: networks whose runs can be repeated exactly.

Fixtures::

    def test_doubles(reflow_network):           # a Network in mode simulated; closed after the test
        reflow_network.add("d", double)
        ...

    reflow_network     a network on one thread, whose order of steps is drawn from the seed, and whose
                       clock is logical: a Delay of an hour takes no time
    reflow_networks    a function that makes more of them; keywords go to reflow.Network
    reflow_seed        the seed, an int

``--reflow-seed=N`` (or REFLOW_SEED in the environment) sets the seed; without it each session draws one.
A test that fails tells its seed, and what the nodes of its networks have done. ``--reflow-seeds=N`` runs
each test that uses a seed N times, with seeds counting up.
"""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING, Any, Callable, Iterator, List, Optional

import pytest

if TYPE_CHECKING:
    from .network import Network

_MOST = 2**63

_networks_key: "pytest.StashKey[List[Any]]" = pytest.StashKey()
_seed_key: "pytest.StashKey[int]" = pytest.StashKey()


def _number(text: str) -> int:
    value = int(text, 0)
    if not 0 <= value < _MOST:
        raise ValueError
    return value


def _option(text: str) -> int:
    import argparse

    try:
        return _number(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"a seed is a whole number from 0 to 2^63-1, not {text!r}")


def _count(text: str) -> int:
    import argparse

    if not text.isdigit() or not 1 <= int(text) <= 100_000:
        raise argparse.ArgumentTypeError(f"it is a whole number from 1 to 100000, not {text!r}")
    return int(text)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("reflow")
    group.addoption(
        "--reflow-seed", type=_option, default=None, metavar="N",
        help="seed of simulated networks; default: REFLOW_SEED, or one that is drawn and told",
    )
    group.addoption(
        "--reflow-seeds", type=_count, default=1, metavar="N",
        help="run each test with a simulated network N times, with seeds counting up",
    )


def pytest_configure(config: pytest.Config) -> None:
    seed: Optional[int] = config.getoption("--reflow-seed")
    if seed is None and os.environ.get("REFLOW_SEED"):
        try:
            seed = _number(os.environ["REFLOW_SEED"])
        except ValueError:
            raise pytest.UsageError(
                f"REFLOW_SEED is a whole number from 0 to 2^63-1, not {os.environ['REFLOW_SEED']!r}"
            ) from None
    config.stash[_seed_key] = random.SystemRandom().randrange(2**31) if seed is None else seed


def pytest_report_header(config: pytest.Config) -> str:
    return f"reflow: seed {config.stash[_seed_key]}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    count = metafunc.config.getoption("--reflow-seeds")
    if count > 1 and "reflow_seed" in metafunc.fixturenames:
        first = metafunc.config.stash[_seed_key]
        seeds = [(first + i) % _MOST for i in range(count)]
        metafunc.parametrize("reflow_seed", seeds, ids=[f"seed{s}" for s in seeds])


@pytest.fixture
def reflow_seed(request: pytest.FixtureRequest) -> int:
    """The seed of simulated networks in this test."""
    seed: int = request.config.stash[_seed_key]
    return seed


@pytest.fixture
def reflow_networks(
    request: pytest.FixtureRequest, reflow_seed: int
) -> "Iterator[Callable[..., Network]]":
    """A function that makes networks in mode simulated; all are closed after the test."""
    from . import Network

    made: "List[Network]" = []
    request.node.stash[_networks_key] = made
    request.node.stash[_seed_key] = reflow_seed

    def make(*arguments: Any, **options: Any) -> "Network":
        options.setdefault("mode", "simulated")
        if options["mode"] == "simulated":
            options.setdefault("seed", reflow_seed)
        network = Network(*arguments, **options)
        made.append(network)
        return network

    yield make
    for network in made:
        network.close()


@pytest.fixture
def reflow_network(reflow_networks: "Callable[..., Network]") -> "Network":
    """A network whose run is a function of the seed and of the program."""
    return reflow_networks()


def _told(network: Any) -> str:
    """What the nodes of a network have done, one line each."""
    try:
        report = network.report()
    except Exception as error:  # it may be closed, or never have been made
        return f"  ({error})"
    lines = [f"  state {network.state}"]
    for node, counts in report.items():
        what = ", ".join(
            f"{key} {counts[key]}"
            for key in ("fired", "received", "sent", "failed", "dropped", "waiting")
            if counts.get(key)
        )
        lines.append(f"  {node} ({counts.get('component', '')}): {what or 'nothing'}")
    return "\n".join(lines)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: "pytest.CallInfo[None]") -> Any:
    outcome = yield
    report = outcome.get_result()
    if report.when != "call" or not report.failed or _networks_key not in item.stash:
        return
    seed = item.stash[_seed_key]
    parts = [f"seed {seed}: repeat it with --reflow-seed={seed}"]
    parts += [_told(network) for network in item.stash[_networks_key]]
    report.sections.append(("reflow", "\n".join(parts)))
