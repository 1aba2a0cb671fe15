"""Running a graph from beginning to end while an event loop goes on."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, AsyncIterable, Dict, Iterable, List, Mapping, Optional, Set, Union

from . import _aio
from ._run import (
    GraphLike,
    Result,
    _checked,
    _configured,
    _nobody_takes,
    _put,
    _run,
    _too_late,
    _values_of,
)
from .errors import TimeoutError as ReflowTimeoutError
from .errors import UnsupportedError, WouldBlockError

if TYPE_CHECKING:
    from .actors import Actor
    from .graph import Graph
    from .network import Network, Output

Inputs = Mapping[str, Union[Iterable[Any], AsyncIterable[Any]]]

_LOOK = 0.05  # seconds between two looks at whether anything takes what waits for room


async def arun(
    graph: GraphLike,
    *,
    set: Optional[Mapping[str, Any]] = None,
    env: Optional[Mapping[str, str]] = None,
    inputs: Optional[Inputs] = None,
    collect: Iterable[str] = (),
    actors: Iterable["Actor"] = (),
    timeout: Optional[float] = None,
    check: bool = True,
    **options: Any,
) -> Result:
    """As :func:`run`, and awaits the end: ``result = await reflow.arun("weather.graph.json")``.

    Coroutines run on the loop of who awaits, and values of ``inputs`` may be asynchronous iterables. In
    modes ``inline``, ``simulated`` and ``lent`` the run is on a thread beside the loop, and has neither.
    Who is cancelled stops the network.
    """
    made = _configured(graph, set, env)
    if options.get("mode", "own") in ("own", "hosted"):
        return await _on_loop(made, inputs or {}, collect, actors, timeout, check, options)
    plain: Dict[str, Iterable[Any]] = {}
    for port, values in (inputs or {}).items():
        if isinstance(values, AsyncIterable):
            raise UnsupportedError(
                f"inputs[{port!r}] is an asynchronous iterable, which needs mode 'own' or 'hosted'"
            )
        plain[port] = values
    return await _beside(made, plain, collect, actors, timeout, check, options)


async def _beside(
    graph: "Graph",
    inputs: Mapping[str, Iterable[Any]],
    collect: Iterable[str],
    actors: Iterable["Actor"],
    timeout: Optional[float],
    check: bool,
    options: Dict[str, Any],
) -> Result:
    """The run on a thread beside the loop."""
    networks: List["Network"] = []
    cancelled = False

    def begun(network: "Network") -> None:
        networks.append(network)
        if cancelled:
            network.stop(0)

    def work() -> Any:
        return _run(graph, inputs, collect, actors, timeout, check, options, begun)

    try:
        result: Result = await _aio.in_thread(work)
        return result
    except asyncio.CancelledError:
        cancelled = True
        for network in networks:
            try:
                network.stop(0)
            except ReflowTimeoutError:  # it stops when its actors have returned
                pass
        raise


async def _on_loop(
    graph: "Graph",
    inputs: Inputs,
    collect: Iterable[str],
    actors: Iterable["Actor"],
    timeout: Optional[float],
    check: bool,
    options: Dict[str, Any],
) -> Result:
    from .network import Network

    begin = time.monotonic()
    values: Dict[str, List[Any]] = {}
    async with Network(graph, actors=actors, **options) as network:
        streams = {name: network.stream(name) for name in [*graph.outports, *collect]}
        network.start()
        tasks = [asyncio.ensure_future(_through(network, inputs))]
        for name, stream in streams.items():
            values[name] = []
            tasks.append(asyncio.ensure_future(_read(stream, values[name])))
        try:
            done, late = await asyncio.wait(tasks, timeout=timeout, return_when=asyncio.FIRST_EXCEPTION)
            for task in tasks:
                if task in done:
                    task.result()  # raises what it has failed with
            if late:
                raise _too_late(network, timeout)
        finally:
            await _end(tasks)
        report = network.report()
        errors = list(network.dead_letters)
    return _checked(Result(values, report, errors, time.monotonic() - begin), network, check)


async def _end(tasks: Iterable["asyncio.Future[Any]"]) -> None:
    tasks = list(tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _read(stream: "Output", values: List[Any]) -> None:
    async for value in stream:
        values.append(value)


async def _through(network: "Network", inputs: Inputs) -> None:
    """Sends everything, and drains the network."""
    waiting: Dict[str, int] = {}  # ports that have no room, and how many values each had taken then
    feeding: Set["asyncio.Future[Any]"] = {
        asyncio.ensure_future(_feed(network, port, values, waiting)) for port, values in inputs.items()
    }
    everything = list(feeding)
    try:
        while feeding:
            seen = dict(waiting)
            done, feeding = await asyncio.wait(feeding, timeout=_LOOK, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
            if feeding and len(seen) == len(feeding) and await _is_idle(network) and seen == waiting:
                raise _nobody_takes(next(iter(seen)))
    finally:
        await _end(everything)
    await _aio.drain(network, None)


async def _is_idle(network: "Network") -> bool:
    try:
        await network.idle(_LOOK)
    except (WouldBlockError, ReflowTimeoutError):
        return False
    # Who waits for room was told of it before that. The loop sees it, and wakes him, some turns later.
    for _ in range(8):
        await asyncio.sleep(0)
    return True


async def _feed(network: "Network", port: str, values: Any, waiting: Dict[str, int]) -> None:
    count = 0
    if isinstance(values, AsyncIterable):
        async for value in values:
            await _send(network, port, value, count, waiting)
            count += 1
        return
    for value in _values_of(port, values):
        await _send(network, port, value, count, waiting)
        count += 1
        if count % 256 == 0:
            await asyncio.sleep(0)


async def _send(network: "Network", port: str, value: Any, number: int, waiting: Dict[str, int]) -> None:
    if _put(network, port, value, number):
        return
    waiting[port] = number
    await network.feed(port, [value])
    del waiting[port]
