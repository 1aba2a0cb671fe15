"""What can be done with a network besides sending and waiting: a base of :class:`reflow.Network`."""

from __future__ import annotations

import os
import weakref
from collections import namedtuple

from . import _reflow
from ._naming import telling
from ._ports import port_of
from .errors import InvalidArgumentError, ParseError

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Optional, Union

    from ._ports import PortLike
    from .events import Events
    from .graph import Graph
    from .network import Network

    PathLike = Union[str, os.PathLike[str]]

    class NodeState(NamedTuple):
        """How a node is: ``state`` ("Running" and the like) and what else holds of it."""

        state: str
        details: frozenset[str]
        failures: int
        retries: int
        restarts: int

    class DeadLetterCounts(NamedTuple):
        """Counts of the dead letters of a network."""

        capacity: int
        waiting: int
        total: int
        lost: int

else:
    NodeState = namedtuple("NodeState", "state details failures retries restarts")
    NodeState.__doc__ = """How a node is.

    ``state`` is "Running" and the like; ``details`` a frozenset of "paused", "held", "retrying",
    "restarting", "open", "half_open", "down"; ``failures`` counts those of attempts in a row.
    """
    DeadLetterCounts = namedtuple("DeadLetterCounts", "capacity waiting total lost")
    DeadLetterCounts.__doc__ = "How many dead letters there may be, wait, came, and were lost."

_LEFTOVERS = {"drain": 0, "drop": 1, "dead-letter": 2}
_DETAILS = ("paused", "held", "retrying", "restarting", "open", "half_open", "down")


@telling
class DeadLetters:
    """The failed firings that nobody took, with their packets: ``net.dead_letters``.

    Iterating gives all that wait, as dicts {id, node, component, time_ms, attempts, status, message,
    hint, trace, packets}; packets are dicts {port, message}.
    """

    def __init__(self, network: "Network") -> None:
        self._network = network

    @property
    def counts(self) -> DeadLetterCounts:
        """How many there may be, wait, came, and were lost."""
        return DeadLetterCounts(*_reflow.network_dead_letter_counts(self._network))

    def __len__(self) -> int:
        return self.counts.waiting

    def __bool__(self) -> bool:
        return len(self) > 0

    def __iter__(self) -> Any:
        after = 0
        while True:
            letters = self.list(after=after, max=100)
            if not letters:
                return
            for letter in letters:
                after = letter["id"]
                yield letter

    def list(self, path: str = "", *, after: int = 0, max: int = 1000) -> List[Dict[str, Any]]:
        """The oldest with ids above ``after``, at most ``max``, of a node, a subgraph or all ("")."""
        letters: List[Dict[str, Any]] = _reflow.network_list_dead_letters(
            self._network, path, after, max
        )
        return letters

    def replay(self, id: Optional[int] = None, *, path: str = "") -> int:
        """Puts the packets of one letter, or of all of a path, back into their inports; how many went.

        Raises NotFoundError, WouldBlockError if there is no room, ClosedError after drain or stop.
        """
        if id is None:
            return _reflow.network_replay_dead_letters(self._network, path)
        _reflow.network_replay_dead_letter(self._network, id)
        return 1

    def drop(self, id: Optional[int] = None, *, path: str = "") -> int:
        """Drops one letter, or all of a path; how many there were."""
        return _reflow.network_drop_dead_letters(self._network, id or 0, path)


@telling
class Operations:
    """Methods of a network that look at it, steer it and change it."""

    _early: "Optional[List[weakref.ref[Events]]]" = None

    # ---- looking -------------------------------------------------------------------------------

    def events(
        self,
        kinds: Optional[Iterable[str]] = None,
        *,
        nodes: str = "",
        capacity: int = 4096,
        sample: int = 1,
    ) -> "Events":
        """Subscribes to what the network does: ``for event in net.events():``, or ``async for``.

        ``kinds`` are names such as "ActorFailed" (reflow.events.KINDS), or "all"; without it all but
        MessageSent, ActorEmit, ActorCompleted and ActorState, which make actors deliver after each call.
        ``nodes`` is a pattern of ids: "read*", "outer/", "**/read". ``sample`` n takes one in n of the
        frequent kinds. Subscribe before the start to miss nothing. A reader that is too slow for
        ``capacity`` loses events; ``missed`` counts them.
        """
        from .events import Events

        events = Events(self._as_network(), kinds, nodes, capacity, sample)
        if self._early is None:
            self._early = []
        self._early.append(weakref.ref(events))
        return events

    def _begin_events(self) -> None:
        """Before the start: subscriptions that were made while the network was built."""
        early, self._early = self._early or [], None
        for reference in early:
            events = reference()
            if events is not None:
                events._subscribe()

    def metrics(self) -> Dict[str, Any]:
        """Everything at once: time_ns, state, measured, nodes, total, workers, process.

        ``nodes`` has counts for each node and, after :meth:`measure`, the times of calls and of waiting
        in nanoseconds. docs/observing.md has the fields.
        """
        metrics: Dict[str, Any] = _reflow.network_metrics(self)
        return metrics

    def measure(self, sample: int = 16, *, off: bool = False) -> None:
        """Begins to measure how long calls take, in one of ``sample`` turns of each actor; or ends it."""
        _reflow.network_measure(self, sample, off)

    def node_state(self, node: str) -> NodeState:
        """How a node is: a moment's view, exact when the network is idle. Raises NotFoundError."""
        state, bits, failures, retries, restarts = _reflow.network_node_state(self, node)
        details = frozenset(name for bit, name in enumerate(_DETAILS) if bits >> bit & 1)
        return NodeState(state, details, failures, retries, restarts)

    def peek(self, port: PortLike, max: int = 10) -> List[Any]:
        """The first values that wait at an inport, without taking them. Raises NotFoundError."""
        node, name, _ = port_of(port)
        return _reflow.network_peek(self, node, name, max)

    @property
    def dead_letters(self) -> DeadLetters:
        """The failed firings that neither an outport "error" nor a fallback took."""
        return DeadLetters(self._as_network())

    # ---- steering ------------------------------------------------------------------------------

    def pause(self, path: str = "", timeout: Optional[float] = 10.0) -> None:
        """Lets a node, a subgraph or all ("") fire no more; waits for running callbacks to return.

        Packets stay in the inports. Raises NotFoundError, TimeoutError (they are paused all the same).
        """
        _reflow.network_pause(self, path, timeout)

    def resume(self, path: str = "") -> None:
        """Lets paused nodes go on with what waits."""
        _reflow.network_resume(self, path)

    def step(self, firings: int = 1, path: str = "", timeout: Optional[float] = 10.0) -> int:
        """Lets paused nodes fire so many times in all; how many there were.

        Raises InvalidStateError if none of them is paused.
        """
        return _reflow.network_step(self, path, firings, timeout)

    def add_breakpoint(
        self,
        port: Union[PortLike, str, None] = None,
        *,
        node: str = "",
        to: Optional[PortLike] = None,
        outport: bool = False,
        when: Union[str, Callable[[Any], bool], None] = None,
        ignore: int = 0,
        once: bool = False,
        node_only: bool = False,
    ) -> int:
        """Stops the network before something happens; returns the number of the breakpoint.

        Before a firing of ``node``; before it takes a packet from the inport ``port`` ("node.in"); with
        ``outport=True`` before a packet of the outport ``port`` is delivered, on all connections or on
        the one ``to`` an inport. ``when`` is an expression (docs/expressions.md) or a function of the
        value; ``ignore`` times it does not stop at first. At a stop all nodes are paused, or only that
        one with ``node_only``; the event Breakpoint tells where. Then look around, :meth:`step` or
        :meth:`resume`.
        """
        inport = outport_name = peer = peer_port = ""
        if port is not None:
            node, name, _ = port_of(port)
            if outport:
                outport_name = name
            else:
                inport = name
        if to is not None:
            if not outport_name:
                raise InvalidArgumentError("'to' needs an outport", hint="pass outport=True")
            peer, peer_port, _ = port_of(to)
        expression, condition = ("", when) if callable(when) else (when or "", None)
        return _reflow.network_break(
            self, node, inport, outport_name, peer, peer_port, ignore, expression, condition, once,
            node_only,
        )

    def remove_breakpoint(self, number: int) -> None:
        """Removes a breakpoint; a node that stands there stays paused. Raises NotFoundError."""
        _reflow.network_unbreak(self, number)

    @property
    def breakpoints(self) -> List[Dict[str, Any]]:
        """All breakpoints as dicts, in the order of their setting; ``hits`` counts how often."""
        breakpoints: List[Dict[str, Any]] = _reflow.network_breakpoints(self)
        return breakpoints

    # ---- changing ------------------------------------------------------------------------------

    @property
    def graph(self) -> "Graph":
        """The graph that runs now, as a copy."""
        from .graph import Graph

        return Graph._of(_reflow.network_graph(self))

    def apply(
        self,
        graph: "Graph",
        *,
        leftover: str = "drain",
        timeout: Optional[float] = 10.0,
        drain: Optional[float] = 1.0,
        new_state: bool = False,
    ) -> Dict[str, int]:
        """Makes the network that of another graph while it runs, as one step: all of it or nothing.

        Nodes of the same id, component and configuration are kept with what they hold. ``leftover``
        says what becomes of packets at removed nodes: "drain" (worked off first, up to ``drain``
        seconds), "drop" or "dead-letter". Returns what has changed: nodes_added, nodes_removed,
        nodes_replaced, nodes_kept, connections_added, connections_removed, packets_dropped.
        """
        if leftover not in _LEFTOVERS:
            raise InvalidArgumentError(
                f"no way named {leftover!r} for what is left", hint="there are " + ", ".join(_LEFTOVERS)
            )
        self._register_components(graph)
        self._checks = None  # it knows the nodes that add has added
        change: Dict[str, int] = _reflow.network_apply(
            self, graph._handle, _LEFTOVERS[leftover], timeout, drain, new_state
        )
        self._as_network()._wake_readers()
        return change

    # ---- keeping -------------------------------------------------------------------------------

    def snapshot(self, path: Optional[PathLike] = None, timeout: Optional[float] = 10.0) -> bytes:
        """Takes a snapshot of the running network: states, packets, timers. It goes on afterwards.

        Returns it as bytes for :meth:`restore`; with ``path`` it is written there as a whole or not at
        all, and the bytes are empty. Actors in Python with a state need ``save`` and ``load``. Raises
        UnsupportedError with the node that cannot be saved, InvalidStateError, TimeoutError.
        """
        if path is None:
            return _reflow.network_snapshot(self, timeout)
        _reflow.network_snapshot_file(self, os.fspath(path), timeout)
        return b""

    def restore(self, snapshot: Union[bytes, PathLike]) -> None:
        """Makes a network that has not started what it was when the snapshot was taken.

        ``snapshot`` is the bytes, or the name of a file. Raises ParseError, GraphError for another
        graph, UnsupportedError, IOError; a restore that fails changes nothing.
        """
        if isinstance(snapshot, bytes):
            try:
                _reflow.network_restore(self, snapshot)
            except ParseError as error:
                raise ParseError(f"these bytes are no snapshot: {error.message}", hint=(
                    "snapshot() gives them; the name of a file is a str")) from None
        else:
            _reflow.network_restore_file(self, os.fspath(snapshot))

    def checkpoint(
        self,
        path: Optional[PathLike],
        interval: float = 10.0,
        *,
        keep: int = 0,
        timeout: float = 10.0,
    ) -> None:
        """From now on writes a snapshot into a file every ``interval`` seconds; None ends that.

        ``keep`` files of before stay as PATH.1, PATH.2, and so on.
        """
        _reflow.network_checkpoint(
            self, None if path is None else os.fspath(path), interval, keep, timeout
        )

    # ---- what Network gives ----------------------------------------------------------------------

    def _as_network(self) -> "Network":
        return self  # type: ignore[return-value]

    def _register_components(self, graph: "Graph") -> None:
        raise NotImplementedError
