"""What a network does, as a stream of events."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING, Any, Dict, Iterable, List, NamedTuple, Optional, Tuple

from . import _reflow
from ._streams import Polled
from .actors import _count
from .errors import InvalidArgumentError

if TYPE_CHECKING:
    from ._aio import Waker
    from .network import Network

#: The names of all kinds, as :attr:`Event.kind` has them.
KINDS: Tuple[str, ...] = _reflow.event_kinds

# Without kinds, all but these: they make actors deliver after each call.
_DEAR = ("MessageSent", "ActorEmit", "ActorCompleted", "ActorState")


class Event(NamedTuple):
    """One event. Texts are empty, numbers 0 and values None where they do not apply to the kind."""

    kind: str  #: "ActorFailed" and the like, see KINDS
    sequence: int  #: counts up in a network, over all kinds that are built
    timestamp_ms: int  #: milliseconds since 1970 UTC; logical in mode simulated
    node: str  #: the actor; the sender of MessageSent
    component: str
    port: str
    peer: str  #: MessageSent, Breakpoint before a delivery: the receiver
    peer_port: str
    error: str  #: ActorFailed, DeadLetter, NetworkStalled
    trace: str  #: ActorFailed: the traceback
    message: Any  #: the value of MessageSent, MessageReceived, ActorEmit, Breakpoint
    outputs: Optional[Dict[str, Any]]  #: ActorCompleted: the last value on each connected outport
    number: int  #: ActorCompleted: firings; ActorFailed: attempts; DeadLetter: its id
    duration_ns: int  #: ActorCompleted, ActorFailed, ActorStuck
    size: int  #: bytes of the payload; NetworkStalled: that a port full of them holds from now on
    waiting: int  #: packets in the inport, or in all inports of the node
    state: str  #: ActorState: "Running" and the like; NetworkStalled: what it has come to
    details: int  #: ActorState: bits
    path: str  #: NetworkStalled: who waits for whom
    stalls: int
    breakpoint: int  #: Breakpoint: which one
    envelope: Optional[Dict[str, Any]]

    @property
    def time(self) -> float:
        """Seconds since 1970 UTC."""
        return self.timestamp_ms / 1000.0

    def __str__(self) -> str:
        where = f"{self.node}.{self.port}" if self.port else self.node
        parts = [self.kind, where, self.error]
        return " ".join(part for part in parts if part)


def kinds_mask(kinds: Optional[Iterable[str]]) -> int:
    """The bits of kinds by their names; 0, the default of the engine, for None."""
    if kinds is None:
        return 0
    if isinstance(kinds, str):
        kinds = (kinds,)
    mask = 0
    for kind in kinds:
        if kind == "all":
            mask |= (1 << len(KINDS)) - 1
            continue
        if kind not in KINDS:
            import difflib

            near = difflib.get_close_matches(str(kind), KINDS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "there are " + ", ".join(KINDS)
            raise InvalidArgumentError(f"no kind of event named {kind!r}", hint=hint)
        mask |= 1 << KINDS.index(kind)
    if mask == 0:
        raise InvalidArgumentError("no kinds of events are asked for", hint="leave kinds out")
    return mask


class Events(Polled[Event]):
    """A subscription, made by :meth:`reflow.Network.events`: ``for event in`` and ``async for event in``.

    It has a bounded queue: a slow reader loses events, ``missed`` counts them, and nobody is held up.
    It ends when the network has stopped; in the modes without threads also when nothing is left to run.
    """

    def __init__(
        self, network: "Network", kinds: Optional[Iterable[str]], nodes: str, capacity: int,
        sample: int,
    ) -> None:
        super().__init__()
        # Here, since who subscribes before the start would hear of them at the start.
        if not isinstance(nodes, str):
            raise TypeError(f"events(): nodes is a string, not {nodes!r}")
        _count(capacity, "capacity", 0)
        _count(sample, "sample", 0)
        self._subscription: Optional[_reflow.Subscription] = None
        self._subscribing = threading.Lock()
        self._arguments = (kinds_mask(kinds), nodes, capacity, sample)
        self._network: Optional["Network"] = network
        self._of = weakref.ref(network)
        self._waker: Optional["Waker"] = None  # of the loop that is told
        self._number = 0
        self._bells: List[_reflow.Bell] = []  # what there is, and the end
        # Subscribing makes the network of its graph, which cannot be edited freely any more: it waits
        # for the start.
        if network.state != "created":
            self._subscribe()

    def _subscribe(self) -> None:
        # The start of the network and a thread that polls may meet here: whoever comes second waits, or it
        # would go on before there is a subscription.
        with self._subscribing:
            network, self._network = self._network, None
            if network is not None:
                self._subscription = _reflow.subscribe(network, *self._arguments)

    def _poll(self, timeout: Optional[float]) -> Tuple[List[Event], int, bool]:
        self._subscribe()
        if self._subscription is None:
            return [], 0, True
        fields, missed, ended = self._subscription.poll(256, 0)
        if not (fields or missed or ended or timeout == 0):
            network = self._of()
            if network is not None:
                network._check_not_own_loop("events.__anext__(), or async for event in events")
            fields, missed, ended = self._subscription.poll(256, timeout)
        return [Event._make(each) for each in fields], missed, ended

    async def _told(self) -> Optional[Tuple[List[Event], int, bool]]:
        from . import _aio

        self._subscribe()
        here = _aio.waker()
        if self._waker is not here and not self._watch(here):
            return None
        while self._bells:
            ring, end = self._bells
            over = not end.armed()  # before the look: what came before the end is seen
            ring.arm()
            result = self._poll(0)
            if any(result):
                return result
            if over:
                break
            await here.wait(self._number)
        return [], 0, True

    def _watch(self, here: "Waker") -> bool:
        """Has the engine tell this loop of what comes, and of the end. False where a thread has to wait."""
        network = self._of()
        if self._subscription is None or network is None or network.closed:
            return False
        if network.runtime.mode not in ("own", "hosted"):  # events come while somebody waits, or works
            return False
        self._end_bells()
        self._number = here.new_number()
        shutdown = 1 << KINDS.index("NetworkShutdown")
        kinds, nodes = self._arguments[:2]
        self._bells = [
            _reflow.Bell(network, kinds, nodes, here.post, self._number),
            _reflow.Bell(network, shutdown, "", here.post, self._number),
        ]
        self._bells[1].arm()
        if network.state in ("stopping", "stopped"):  # the end may have been before the bell
            self._end_bells()
            return False
        network._outputs.add(self)
        self._waker = here
        return True

    def _wake(self) -> None:
        here = self._waker
        if here is not None:
            here.post.put(self._number)

    def _end_bells(self) -> None:
        self._waker = None
        bells, self._bells = self._bells, []
        for bell in bells:
            bell.close()

    def _close(self) -> None:
        self._network = None
        if self._subscription is not None:
            self._subscription.close()
        self._wake()
        self._end_bells()


class ReplayEvents(Events):
    """What a replay does, made by :meth:`reflow.Replay.events`: what there is, and no wait for more.

    A loop over it ends with what the replay has done so far, and goes on with what it does later.
    """

    def __init__(self, subscription: _reflow.Subscription) -> None:
        Polled.__init__(self)
        self._subscription = subscription
        self._network = None
        self._waker = None
        self._bells = []

    def _subscribe(self) -> None:
        pass

    def _poll(self, timeout: Optional[float]) -> Tuple[List[Event], int, bool]:
        # A poll that waits would run the network, and it would do something else than was recorded.
        return super()._poll(0)

    async def _told(self) -> Optional[Tuple[List[Event], int, bool]]:
        return self._poll(0)
