"""Runtimes: threads, clock and components that networks stand on."""

import collections
import operator
import sys
import weakref

from . import _logging, _reflow
from .actors import STYLE_TASK, Actor, _milliseconds, actor
from .errors import AlreadyExistsError, InvalidArgumentError

MODES = {"own": 0, "inline": 1, "hosted": 2, "lent": 3, "simulated": 4}

Failure = collections.namedtuple("Failure", ("node", "exception"))
Failure.__doc__ = "An exception that an actor has raised: the id of its node, and the exception itself."


def _print(node, text):
    sys.stdout.write(text)


# Whole numbers from 0, which is the default, to what the engine can take.
_COUNTS = {
    **dict.fromkeys(("workers", "batch_packets", "batch_us", "port_capacity", "blocking_threads"), 2**32 - 1),
    **dict.fromkeys(
        ("seed", "max_growth", "max_packets", "max_completions", "watchdog_ms", "port_capacity_bytes"), 2**64 - 1
    ),
}


def _check_counts(options):
    for key, most in _COUNTS.items():
        if key not in options:
            continue
        try:
            fits = 0 <= operator.index(options[key]) <= most
        except TypeError:
            fits = False
        if not fits:
            raise InvalidArgumentError(
                f"option '{key}' is {options[key]!r}", hint=f"it is a whole number from 0 to {most}"
            )


class Runtime(_reflow.Runtime):
    """Threads, clock and registered components. A network makes one for itself unless it is given one.

    mode:
        ``"own"``: threads of its own. ``"inline"``: actors run inside the calls that wait. ``"hosted"``:
        inside the event loop of asyncio. ``"simulated"``: like inline, with logical time and an order
        that is drawn from ``seed``. ``"lent"``: threads of the program.
    workers:
        threads that run actors; 0: one for each processor.
    batch_packets, batch_us:
        an actor has its turn for so many packets (4096, in mode simulated 64) or microseconds (1000), then
        the next one has it.
    port_capacity, port_capacity_bytes:
        packets (1000), and bytes of their payload (no limit), that an inport holds unless its port or its
        connection says otherwise.
    max_growth:
        packets that ports of a network may hold beyond that to resolve a stall (1,000,000).
    max_packets, max_completions:
        packets that all ports together may hold (no limit), and coroutines that may be under way at once
        (1,000,000).
    blocking_threads:
        threads beside the workers for actors with ``blocking=True`` (32).
    watchdog:
        seconds; a call of an actor that lasts longer is told of, once: by the event ``ActorStuck`` and a
        warning (never). Of coroutines, when their event loop has not answered for that long. ``__init__``,
        ``setup`` and ``teardown`` of classes are told of by the warning alone. ``watchdog_ms`` is the same
        in milliseconds.
    check_types:
        True: values have to fit the types of inports while networks run, too.
    log_level:
        lines up to this level are written, 1 (error) to 5 (trace); default that of the logger ``reflow``.
    log:
        called as ``log(level, subsystem, node, text)`` on threads of the engine; level is 1 (error) to 5.
        Default: lines go to ``logging.getLogger("reflow")`` through a thread of their own.
    print:
        called as ``print(node, text)`` with what components print; default: to ``sys.stdout``, by the
        same thread. What was printed before a wait or a close has returned is there then.
    """

    def __new__(cls, mode="own", **options):
        if mode not in MODES:
            raise InvalidArgumentError(f"mode is one of {', '.join(map(repr, MODES))}, not {mode!r}")
        if "watchdog" in options:
            if "watchdog_ms" in options:
                raise InvalidArgumentError("watchdog and watchdog_ms are the same in two units: give one of them")
            options["watchdog_ms"] = _milliseconds(options.pop("watchdog"), "watchdog")
        _check_counts(options)
        _logging.start()
        options.setdefault("log_level", _logging.engine_level())
        # Long turns make large batches, and batch_us ends them in time. In mode simulated short ones give
        # more orders to draw from.
        options.setdefault("batch_packets", 0 if mode == "simulated" else 4096)
        self = super().__new__(cls, mode=MODES[mode], **options)
        self.mode = mode
        self._watchdog_ms = 0 if mode == "simulated" else options.get("watchdog_ms", 0)
        self.errors = collections.deque(maxlen=1000)
        self._names = {}
        self._actors = {}
        self._pump = None
        self._awaited = set()  # streams that tasks wait for: wakers of their loops, with numbers
        return self

    def __init__(self, mode="own", **options):
        pass

    def _note_error(self, node, exception):
        self.errors.append(Failure(node, exception))

    def _pump_of(self):
        if self._pump is None:
            from . import _aio

            self._pump = _aio.Pump(self)
        return self._pump

    def register(self, target, id=None):
        """Registers an actor as a component and returns its id.

        ``target`` is an :class:`Actor`, or a function or class that ``actor`` can make one of. An actor
        that is known already keeps its id. Raises AlreadyExistsError if another one has the id.
        """
        if not isinstance(target, Actor) and not callable(target):
            raise InvalidArgumentError(f"a component is an actor, a function, a class or an id, not {target!r}")
        made = target if isinstance(target, Actor) else actor(target)
        name = id or made.id
        known = self._actors.get(name)
        if known is made:
            return name
        if id is None and made in self._names:
            return self._names[made]
        if known is not None:
            if id is not None:
                raise AlreadyExistsError(f"the runtime has another component '{name}'")
            number = 2
            while f"{name}-{number}" in self._actors:
                number += 1
            name = f"{name}-{number}"
        dispatch = None
        if made.style == STYLE_TASK:
            dispatch = self._pump_of().dispatcher(made)
        note = weakref.WeakMethod(self._note_error)

        def on_error(node, exception):
            method = note()
            if method is not None:
                method(node, exception)

        super().register(**made._registration(dispatch, on_error, name, self._watchdog_ms))
        self._actors[name] = made
        self._names.setdefault(made, name)
        return name

    def open_stream(self, **options):
        """Makes a :class:`Stream` to write to: see :meth:`Network.open_stream`."""
        from .stream import open_stream

        return open_stream(self, **options)

    def close(self):
        """Ends the runtime. Its threads end with the last network that stands on it.

        Whoever waits in a stream of it gets ClosedError; what has come through one can still be read.
        """
        if self._pump is not None:
            self._pump.close()
        super().close()
        while self._awaited:
            waker, number = self._awaited.pop()
            waker.post.put(number)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()
