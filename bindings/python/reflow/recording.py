"""Recordings of networks in mode simulated, and their replay."""

from __future__ import annotations

import os
from collections import namedtuple

from . import _reflow
from ._closing import Closing
from ._naming import telling
from ._ports import port_of

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Optional, Union

    from ._ports import PortLike
    from .actors import Actor
    from .events import ReplayEvents

    class ReplayState(NamedTuple):
        """How far a replay is."""

        firings: int
        seconds: float
        next: str
        reason: str
        truncated: bool

else:
    ReplayState = namedtuple("ReplayState", "firings seconds next reason truncated")
    ReplayState.__doc__ = """How far a replay is.

    ``firings`` so far, ``seconds`` of logical time, ``next`` the node of the next firing ("" if that is not
    known), ``reason`` why no more was recorded ("" if that is not known), ``truncated`` whether the
    recording ended before its network did.
    """

# So many firings are repeated between two looks at signals.
_PORTION = 1000


@telling
class Replay(Closing):
    """A recording of :meth:`Network.record` that is done again, and compared firing by firing.

    ::

        with reflow.Replay("run.recording", actors=[double]) as again:
            while again.run(1):
                print(again.state.next)

    ``actors`` are those of the graph, under the names that they had; what depends on more than its packets
    (``external=True``) is not called. Raises IOError, ParseError if the file is no recording,
    UnsupportedError for one of another version, NotFoundError without its components.
    """

    def __init__(
        self,
        path: Union[str, os.PathLike[str]],
        *,
        actors: Iterable[Union[Actor, Callable[..., Any]]] = (),
    ) -> None:
        from .runtime import Runtime

        recording = _reflow.Recording.open(os.fspath(path))
        self._runtime = Runtime("simulated", **recording.options())
        try:
            for actor in actors:
                self._runtime.register(actor)
            #: What stands first in the file: format, engine, seed, the options, and ``graph``.
            self.header: Dict[str, Any] = recording.header()
            self._replay = recording.replay(self._runtime)
        except BaseException:
            self._runtime.close()
            raise
        finally:
            recording.close()

    def run(self, firings: int = 0) -> bool:
        """Goes on until so many more firings have ended (0: to the end); whether there are more.

        Raises FailedError at the first firing that differs, with node, number, what was expected and what
        came, and from then on always; ParseError if the file is damaged.
        """
        if firings:
            return self._replay.run(firings)
        while self._replay.run(_PORTION):
            pass
        return False

    @property
    def state(self) -> ReplayState:
        """How far it is."""
        return ReplayState(*self._replay.state())

    def report(self) -> Dict[str, Dict[str, Any]]:
        """The counters of all nodes, by node, as ``Network.report``."""
        report: Dict[str, Dict[str, Any]] = self._replay.report()
        return report

    def peek(self, port: PortLike, max: int = 10) -> List[Any]:
        """The first values that wait at an inport, as ``Network.peek``. Raises NotFoundError."""
        node, name, _ = port_of(port)
        return self._replay.peek(node, name, max)

    def events(
        self,
        kinds: Optional[Iterable[str]] = None,
        *,
        nodes: str = "",
        capacity: int = 4096,
        sample: int = 1,
    ) -> ReplayEvents:
        """Subscribes to what the network does from now on, as ``Network.events``.

        ``poll()``, or a loop, gives what it has done up to now, and waits for nothing: :meth:`run` makes it
        do more.
        """
        from .events import ReplayEvents, kinds_mask

        return ReplayEvents(self._replay.subscribe(kinds_mask(kinds), nodes, capacity, sample))

    def close(self) -> None:
        """Ends it. Doing it again does nothing."""
        self._replay.close()
        self._runtime.close()


def replay(
    path: Union[str, os.PathLike[str]],
    *,
    actors: Iterable[Union[Actor, Callable[..., Any]]] = (),
) -> ReplayState:
    """Does a recording again to its end, and returns how far it went.

    Raises FailedError at the first firing that differs, and as :class:`Replay`.
    """
    with Replay(path, actors=actors) as again:
        again.run()
        return again.state
