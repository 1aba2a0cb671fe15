"""Running a graph from beginning to end with one call."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Tuple, Union

from .errors import (
    ClosedError,
    ConversionError,
    FailedError,
    InvalidArgumentError,
    NotFoundError,
    WouldBlockError,
)
from .errors import TimeoutError as ReflowTimeoutError

if TYPE_CHECKING:
    from .actors import Actor
    from .graph import Graph
    from .network import Network, Output

GraphLike = Union["Graph", str, "os.PathLike[str]", Mapping[str, Any]]


class Result:
    """What a run has given.

    ``outputs``: from the name of each exposed outport, and of each port of ``collect``, to the list of
    its values, in order; ``result["name"]`` is short for it. ``report``: for each node {component,
    source, fired, received, sent, failed, dropped, waiting, errors_taken}. ``errors``: the dead letters,
    firings that failed and nobody took. ``seconds``: from the start to the end.
    """

    def __init__(
        self,
        outputs: Dict[str, List[Any]],
        report: Dict[str, Dict[str, Any]],
        errors: List[Dict[str, Any]],
        seconds: float,
    ) -> None:
        self.outputs = outputs
        self.report = report
        self.errors = errors
        self.seconds = seconds

    def __getitem__(self, name: str) -> List[Any]:
        """The values of an output. Raises NotFoundError with a hint."""
        try:
            return self.outputs[name]
        except KeyError:
            from .errors import suggest

            raise NotFoundError(
                f"no output named {name!r}", hint=suggest(name, list(self.outputs))
            ) from None

    def __repr__(self) -> str:
        counts = ", ".join(f"{name}: {len(values)}" for name, values in self.outputs.items())
        failed = f"; {len(self.errors)} errors" if self.errors else ""
        return f"<reflow.Result after {self.seconds:.3f} s; outputs {{{counts}}}{failed}>"


def _as_graph(graph: GraphLike) -> "Graph":
    from .graph import Graph

    if isinstance(graph, Graph):
        return graph.copy()
    if isinstance(graph, (str, os.PathLike)):
        return Graph.load(graph)
    if isinstance(graph, Mapping):
        return Graph.from_dict(graph)
    raise InvalidArgumentError(
        f"a run needs a Graph, a path or a dict, not {type(graph).__name__}"
    )


def split_key(graph: "Graph", key: str) -> Tuple[str, str]:
    """"node.rules.0.when" as node and path: ids may hold dots, the longest that fits is taken."""
    nodes = list(graph)
    fitting = [node for node in nodes if key.startswith(node + ".")]
    if not fitting:
        from .errors import suggest

        node = key.split(".", 1)[0]
        hint = f"{key + '.key'!r}: a key of its configuration is missing" if key in nodes else suggest(node, nodes)
        raise NotFoundError(f"no node for {key!r}: it is 'node.key'", hint=hint, node=node)
    node = max(fitting, key=len)
    return node, key[len(node) + 1 :]


class _Readers:
    """Reads outputs while the network runs: an output that nobody reads holds its node back."""

    def __init__(self, streams: Dict[str, "Output"], threads: bool) -> None:
        self.values: Dict[str, List[Any]] = {name: [] for name in streams}
        self.failure: Optional[BaseException] = None  # of a converter
        self._streams = streams
        self._threads = [
            threading.Thread(target=self._read, args=(name,), name="reflow-run", daemon=True)
            for name in streams
            if threads
        ]
        for thread in self._threads:
            thread.start()

    def _read(self, name: str) -> None:
        values = self.values[name]
        try:
            while True:
                values.extend(self._streams[name].recv_many(4096))
        except ClosedError:  # the network has ended
            return
        except BaseException as error:  # raised by the run in its end
            self.failure = self.failure or error
            self._streams[name].close()  # nobody is to wait for this reader

    def take(self) -> int:
        """Without threads: what is there now; how many there were. An output that nobody reads may be what stands
        in the way, and only this thread reads it."""
        count = 0
        if self._threads:
            return 0
        for name, stream in self._streams.items():
            try:
                values = stream.recv_many(4096, timeout=0)
            except (ClosedError, WouldBlockError, ReflowTimeoutError):
                continue
            self.values[name].extend(values)
            count += len(values)
        return count

    def join(self) -> None:
        for thread in self._threads:
            thread.join()
        while not self._threads and self.take():
            pass
        if self.failure is not None:
            raise self.failure


def _values_of(port: str, values: Iterable[Any]) -> Iterator[Any]:
    try:
        return iter(values)
    except TypeError:
        raise InvalidArgumentError(f"inputs[{port!r}] is an iterable of values, not {values!r}") from None


def _put(network: "Network", port: str, value: Any, number: int) -> bool:
    """Sends the value of this number if there is room; one that cannot be converted is told with its port."""
    try:
        return network.try_send(port, value)
    except ConversionError as error:
        raise ConversionError(
            f"inputs[{port!r}], value {number}: {error.message}", hint=error.hint, path=error.path, port=port
        ) from error.__cause__


def _nobody_takes(port: str) -> WouldBlockError:
    return WouldBlockError(
        f"{port!r} is full, and the network is idle: values for it are left, and nothing takes them",
        hint="a node that takes one packet of each of its inports waits for the others",
    )


def _feed(
    network: "Network",
    readers: _Readers,
    inputs: Mapping[str, Iterable[Any]],
    end: Optional[float],
) -> None:
    """Sends to all ports side by side: a node that takes one of each waits for its second port before the
    first one has room again."""
    rest = {port: _values_of(port, values) for port, values in inputs.items()}
    held: Dict[str, Any] = {}  # by port: what found no room
    sent = dict.fromkeys(rest, 0)
    stuck = False
    while rest:
        moved = False
        for port in list(rest):
            if port not in held:
                try:
                    held[port] = next(rest[port])
                except StopIteration:
                    del rest[port]
                    continue
            if _put(network, port, held[port], sent[port]):
                del held[port]
                sent[port] += 1
                moved = True
        if moved or not rest:
            stuck = False
            continue
        first = next(iter(held))
        if stuck:
            raise _nobody_takes(first)
        left = 1.0 if end is None else end - time.monotonic()
        if left <= 0:
            raise ReflowTimeoutError("the time of the run is over, and not all values of inputs are sent")
        try:
            network.send(first, held[first], timeout=min(left, 0.02))
            del held[first]
            sent[first] += 1
        except (WouldBlockError, ReflowTimeoutError):
            stuck = not readers.take() and _is_idle(network)


def _is_idle(network: "Network") -> bool:
    try:
        network.wait_idle(0)
    except (WouldBlockError, ReflowTimeoutError):
        return False
    return True


def _drain(network: "Network", readers: _Readers, end: Optional[float]) -> None:
    """Lets the network run out, without threads in turn with the readers."""
    while True:
        left = None if end is None else max(end - time.monotonic(), 0.0)
        if network.runtime.mode == "own":
            network.drain(left)
            return
        try:
            network.drain(0.05 if left is None else min(left, 0.05))
            return
        except (WouldBlockError, ReflowTimeoutError) as error:
            # It may wait for room at an output, which only this thread makes.
            took = readers.take()
            over = left is not None and left <= 0
            if over or (not took and isinstance(error, WouldBlockError)):
                raise


def _cause(network: "Network", letter: Dict[str, Any]) -> Optional[BaseException]:
    """The exception of the actor that a dead letter tells of; None for one that is not written in Python."""
    from .errors import tell

    for failure in network.errors:
        if failure.node != letter["node"]:
            continue
        _, message, _, trace = tell(failure.exception)
        if trace and trace == letter["trace"] or message == letter["message"]:
            return failure.exception
    return None


def run(
    graph: GraphLike,
    *,
    set: Optional[Mapping[str, Any]] = None,
    env: Optional[Mapping[str, str]] = None,
    inputs: Optional[Mapping[str, Iterable[Any]]] = None,
    collect: Iterable[str] = (),
    actors: Iterable["Actor"] = (),
    timeout: Optional[float] = None,
    check: bool = True,
    **options: Any,
) -> Result:
    """Runs a graph until nothing is left to do, and returns what came out.

    ::

        result = reflow.run("weather.graph.json", set={"read.path": "other.csv"}, collect=["months.out"])
        for row in result["months.out"]: ...

    graph:
        a Graph, the name of a document, or the document as a dict.
    set:
        values in the configuration of nodes, by "node.key"; key may be a path ("alerts.rules.0.when").
    env:
        the environment variables for nodes that ask for some (:meth:`Graph.resolve_env`); ``os.environ`` if
        nothing is said. What ``set`` says counts more.
    inputs:
        values to send after the start: from "node.port", or the name of an exposed inport, to an iterable.
    collect:
        outports whose values are wanted besides the exposed ones.
    actors:
        actors in Python that the document names as components.
    timeout:
        seconds; then the network is stopped and TimeoutError raised. None: no limit.
    check:
        whether a firing that failed, and whose error nobody took, raises FailedError in the end. Its
        attribute ``result`` is what would have been returned.
    options:
        of the runtime: ``mode``, ``workers``, ``seed``, and so on; see :class:`reflow.Runtime`.
    """
    return _run(_configured(graph, set, env), inputs or {}, collect, actors, timeout, check, options)


def _configured(
    graph: GraphLike, values: Optional[Mapping[str, Any]], env: Optional[Mapping[str, str]]
) -> "Graph":
    """The graph of a run, with these values set in the configuration of its nodes."""
    made = _as_graph(graph).resolve_env(env)
    for key, value in (values or {}).items():
        node, path = split_key(made, key)
        made.set(node, path, value)
    return made


def _run(
    graph: "Graph",
    inputs: Mapping[str, Iterable[Any]],
    collect: Iterable[str],
    actors: Iterable["Actor"],
    timeout: Optional[float],
    check: bool,
    options: Dict[str, Any],
    begun: Callable[["Network"], None] = lambda network: None,
) -> Result:
    from .network import Network

    begin = time.monotonic()
    end = None if timeout is None else begin + timeout
    with Network(graph, actors=actors, **options) as network:
        streams = {name: network.stream(name) for name in [*graph.outports, *collect]}
        begun(network)
        network.start()
        network._check_not_own_loop("reflow.arun(graph, ...)")
        readers = _Readers(streams, network.runtime.mode == "own")
        _feed(network, readers, inputs, end)
        try:
            _drain(network, readers, end)
        except ReflowTimeoutError:
            raise _too_late(network, timeout) from None
        network.stop()
        readers.join()
        report = network.report()
        errors = list(network.dead_letters)
    return _checked(Result(readers.values, report, errors, time.monotonic() - begin), network, check)


def _too_late(network: "Network", timeout: Optional[float]) -> ReflowTimeoutError:
    waiting = [node for node, n in network.report().items() if n["waiting"]]
    where = f"; packets wait at {', '.join(waiting[:5])}" if waiting else ""
    return ReflowTimeoutError(f"the run is not over after {timeout} s{where}")


def _checked(result: Result, network: "Network", check: bool) -> Result:
    """The result, or with check the error of a firing whose error nobody took."""
    errors = result.errors
    if errors and check:
        first = errors[0]
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        error = FailedError(
            f"node {first['node']!r}: {first['message']}{more}", hint=first["hint"] or "",
            node=first["node"], trace=first["trace"] or "",
        )
        error.result = result
        raise error from _cause(network, first)
    return result
