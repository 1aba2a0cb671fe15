"""Networks: graphs that run."""

import os
import warnings
import weakref

from . import _logging, _reflow
from ._checks import Checks
from .actors import ARRAYS, Actor, _choice, _count
from .errors import (ClosedError, Error, InvalidArgumentError, InvalidStateError, TimeoutError,
                     WouldDeadlockError, tell)
from ._operations import Operations
from .runtime import Runtime
from .values import json_of


# Seconds that the end of a "with" waits for actors; an exception that is on its way, such as that of Ctrl-C, is
# not held up for long.
_CLOSE = 10.0
_CLOSE_FAILED = 1.0
# What connect knows of a connection; other keywords are metadata of the program.
_CONNECTION = {"capacity", "capacity_bytes", "kind"}


class Output(_reflow.Output):
    """A reader of an outport, made by :meth:`Network.stream`: an iterator and an asynchronous iterator.

    It ends when the network is drained or stopped and nothing is left.
    """

    _reader = None

    async def __anext__(self):
        if self._reader is None:
            from . import _aio

            self._reader = _aio.Reader(self)
            self._network()._outputs.add(self)
        return await self._reader.next()

    def __aiter__(self):
        return self

    def _wake(self):
        if self._reader is not None:
            self._reader.wake()

    def close(self):
        """Ends the reader; it holds nobody back any more."""
        super().close()
        self._wake()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


def _document_of(graph):
    """What _reflow.Network takes for a graph of any form: (document, format, name)."""
    if graph is None:
        return None, 0, ""
    capsule = getattr(graph, "_capsule", None)
    if callable(capsule):
        return capsule(), 0, ""
    if hasattr(type(graph), "keys") and hasattr(type(graph), "__getitem__"):
        return json_of(graph, "the graph").encode(), 1, ""
    if isinstance(graph, (str, os.PathLike)):
        return os.fspath(graph), 0, ""
    if isinstance(graph, (bytes, bytearray, memoryview)):
        return graph, 0, ""
    raise InvalidArgumentError(
        f"a network is made of a Graph, a path, a dict or a document in bytes, not {type(graph).__name__}")


class Network(Operations, _reflow.Network):
    """A graph that runs.

    ::

        with reflow.Network() as net:
            net.add("d", double)
            net.add("log", "Log")
            net.connect("d.out", "log.in")
            net.send("d.in", 21)
            net.wait_idle(timeout=5)

    ``graph`` is a Graph, the path of a document, a dict or bytes of one; default an empty graph. With
    ``runtime`` the network stands on that one, otherwise it makes one of its own, with ``options`` as
    :class:`Runtime` has them (``mode``, ``workers``, ``seed``, ``watchdog``, ...), and ends it when it
    is closed. ``actors`` are registered before the graph is looked at.

    All times are in seconds, and None waits for ever. A network may be used by several threads at once.
    ``with`` and ``async with`` close it at the end, and wait for actors that run up to 10 s, or 1 s if they
    are left by an exception; one that is dropped without that is stopped, too.
    """

    def __new__(cls, *arguments, **options):
        return super().__new__(cls)

    def __init__(self, graph=None, *, runtime=None, actors=(), **options):
        if runtime is not None and options:
            raise InvalidArgumentError(
                f"{', '.join(options)}: options of a runtime, which was given already")
        self._owns_runtime = runtime is None
        self._outputs = weakref.WeakSet()  # those that event loops read, and events
        self._added = set()  # nodes that add has added
        self._open = set()  # required inports of these that nothing leads to: for the program
        self._loop = None
        runtime = Runtime(**options) if runtime is None else runtime
        document, form, name = _document_of(graph)
        super().__init__(runtime, document, form, name)
        self._checks = Checks(runtime) if graph is None else None  # a document is checked as a whole
        self.register(*actors)
        self._register_components(graph)

    def _register_components(self, graph):
        register = getattr(graph, "_register", None)
        if callable(register):
            register(self.runtime)

    # ---- building ----

    def register(self, *actors):
        """Registers actors under their names, for graphs that name them as components."""
        for target in actors:
            self.runtime.register(target)
        return self

    def add(self, node, component, config=None, **settings):
        """Adds a node: ``component`` is an actor, a function or class, or the id of a component.

        ``config`` is a dict; keywords are set in it, so ``net.add("m", "Map", value="it * 2")`` works.
        Returns the network. Raises NotFoundError for an id that no component has, AlreadyExistsError,
        InvalidArgumentError, ConversionError. A network that was made with a graph looks ids up when it
        starts, together with those of the graph.
        """
        if not isinstance(node, str):
            raise InvalidArgumentError(f"the id of a node is a string, not {node!r}")
        if not isinstance(component, str):
            component = self.runtime.register(component)
        if settings:
            config = {**(config or {}), **settings}
        if self._checks is not None:
            self._checks.check_component(node, component)
        self._add_node(node, component, config)
        if self._checks is not None:
            self._checks.has(node, component)
        self._added.add(node)
        return self

    def replace(self, node, component, config=None, **settings):
        """Gives a node another component and configuration, also while the network runs."""
        if not isinstance(component, str):
            component = self.runtime.register(component)
        if settings:
            config = {**(config or {}), **settings}
        if self._checks is not None:
            self._checks.check_component(node, component)
        self._replace_node(node, component, config)
        if self._checks is not None:
            self._checks.has(node, component)
        self._wake_readers()
        return self

    def remove(self, node):
        """Removes a node with its connections, also while the network runs. Raises NotFoundError."""
        super().remove(node)
        self._wake_readers()

    def connect(self, source, target, **metadata):
        """Connects ``"node.outport"`` to ``"node.inport"``; an index of an array port is ``"m.in[2]"``.

        Keywords are metadata of the connection: ``capacity``, ``kind`` (``"reliable"``, ``"latest"``,
        ``"drop-oldest"``, ``"drop-newest"``), ``capacity_bytes``. Returns the network. Raises NotFoundError
        for a node and GraphError for a port that is not there, InvalidArgumentError for a keyword that looks like
        one of these, misspelt.
        """
        for name in metadata.keys() - _CONNECTION:
            from difflib import get_close_matches

            near = get_close_matches(name.lower(), _CONNECTION, 1, 0.8)
            if near:
                raise InvalidArgumentError(f"connect has no option '{name}'", hint=f"did you mean '{near[0]}'?")
        if self._checks is not None:
            self._checks.check_connection(source, target)
        self._connect(source, target, metadata or None)
        return self

    def initial(self, port, value):
        """Adds an initial packet, sent when the network starts. Returns the network."""
        self._initial(port, value)
        return self

    def _expose_required(self):
        """Exposes required inports that nothing leads to, of nodes that add has added: nobody but the program
        can send to them. Whether there were any. Called when the network could not be made."""
        document = self.document()
        fed = {(target["nodeId"], target["portId"])
               for target in [edge["to"] for edge in [*(document.get("connections") or []),
                                                      *(document.get("initials") or [])]]}
        fed |= {(port["nodeId"], port["portId"]) for port in (document.get("inports") or {}).values()}
        components = {component["id"]: component for component in self.runtime.components()}
        found = False
        for node in self._added & document["processes"].keys():
            component = components.get(document["processes"][node]["component"])
            for port in component["inports"] if component else ():
                if port.get("required") and not port.get("array") and (node, port["name"]) not in fed:
                    self._open.add(f"{node}.{port['name']}")
                    self._expose_inport(f"{node}.{port['name']}", f"{node}.{port['name']}", "any")
                    found = True
        return found

    def _tell_open(self):
        """Warns once of required inports that nothing leads to and nothing was sent to."""
        if not self._open:
            return
        import logging

        for port in sorted(self._open - self._sent_to()):
            logging.getLogger("reflow.network").warning(
                "%r needs packets and is not connected, and the program has sent nothing to it: connect it, "
                "or send to it", port)
        self._open = set()

    def expose_inport(self, name, port, type="any"):
        """Gives an inport a name of the graph, for ``net.send(name, value)``. Returns the network."""
        self._expose_inport(name, port, type)
        return self

    def expose_outport(self, name, port, type="any"):
        """Gives an outport a name of the graph, for ``net.stream(name)``. Returns the network."""
        self._expose_outport(name, port, type)
        return self

    @property
    def inports(self):
        """The names of the inports that the graph exposes."""
        return list(self.document().get("inports") or {})

    @property
    def outports(self):
        """The names of the outports that the graph exposes."""
        return list(self.document().get("outports") or {})

    def record(self, path):
        """Has the network write what it does into a file, which :func:`replay` does again. Returns it.

        For networks in mode simulated that are alone on their runtime; call it before anything else that
        makes the network (start, send, a stream). A node that is a coroutine, or sends a stream, ends the
        recording. Raises InvalidStateError; the network is refused when it is made: UnsupportedError in
        another mode, IOError.
        """
        self._record(os.fspath(path))
        return self

    def flush_record(self):
        """Writes what was recorded so far; the last piece is written when the network has stopped.

        Raises InvalidStateError if the network does not record, IOError, UnsupportedError if something
        could not be recorded.
        """
        _reflow.network_record_flush(self)

    # ---- running ----

    def start(self):
        """Starts: calls setup of every actor, sends initial packets, fires the sources.

        ``send`` and the waits do it by themselves. Coroutines run on the event loop of the thread that
        starts. Raises the error of a setup that failed, from the exception that it raised.
        """
        self._prepare_loop()
        errors = self.runtime.errors
        before = errors[-1] if errors else None
        self._begin_events()
        try:
            self._start()
        except Error as error:
            if errors and errors[-1] is not before and error.__cause__ is None:
                raise error from errors[-1].exception
            raise
        return self

    def _prepare_loop(self):
        import sys

        # A loop can only be running here if the program has imported asyncio.
        loop = sys.modules["asyncio"]._get_running_loop() if "asyncio" in sys.modules else None
        runtime = self.runtime
        self._loop = loop
        if runtime._pump is not None:
            runtime._pump.use_loop(loop)
        if runtime.mode == "hosted" and loop is not None:
            runtime._pump_of().host(loop)

    def _ensure_started(self):
        if self.state == "created":
            self.start()

    def _check_not_own_loop(self, instead):
        pump = self.runtime._pump
        if pump is not None and pump.runs_here():
            from . import _aio

            _aio.check_not_inside(self, f"a wait, such as {instead},")
            raise WouldDeadlockError(
                "this waits for coroutines that run on the event loop of this very thread", hint=f"await {instead}")

    def _check_reads_here(self):
        """Called by an output that is about to wait."""
        self._check_not_own_loop("stream.__anext__(), or async for value in stream")

    def wait_idle(self, timeout=None):
        """Waits until nothing happens any more until something comes from outside.

        Returns, too, when the network is stopped or closed meanwhile. Raises TimeoutError, WouldDeadlockError inside an actor or on the thread of the event loop that
        its coroutines need, LimitError if the network has failed with a stall.
        """
        self._ensure_started()
        self._check_not_own_loop("net.idle()")
        self._wait_idle(timeout)
        self._tell_open()
        _logging.flush()

    def drain(self, timeout=None):
        """Refuses new input, lets everything run out, and finishes the actors."""
        self._ensure_started()
        self._check_not_own_loop("net.run()")
        self._drain(timeout)
        self._wake_readers()
        self._tell_open()
        _logging.flush()

    def stop(self, timeout=None):
        """Stops at once: what waits is dropped, running actors end. Raises TimeoutError."""
        if self.closed:
            return
        self._stop(timeout)
        self._wake_readers()

    def _wake_readers(self):
        if self._outputs:
            from . import _aio

            _aio.wake_all(self._outputs)

    def close(self, timeout=10.0):
        """Stops the network and ends it; doing it again does nothing.

        An actor that does not return within ``timeout`` seconds is told of by a warning, and the network
        is given up: it ends when that actor returns.
        """
        if self.closed:
            return
        runtime = self.runtime
        try:
            if self.state not in ("created", "stopped"):
                self._stop(timeout)
        except TimeoutError:
            self._give_up(timeout)
            return
        finally:
            if runtime._pump is not None and self._owns_runtime:
                runtime._pump.close()
        self._close()
        self._wake_readers()
        if self._owns_runtime:
            runtime.close()
        _logging.flush()

    def _give_up(self, timeout):
        """What close does with a network that does not stop."""
        warnings.warn(f"the network is not stopped after {timeout} s: an actor has not returned",
                      ResourceWarning, stacklevel=3)
        if self.runtime._pump is not None and self._owns_runtime:
            self.runtime._pump.close()
        self._abandon()

    def __del__(self):
        # Nobody has closed it. Stopping may wait for actors, which is not for the thread that collects; it
        # lives until then, so that its actors are torn down like those of others.
        try:
            if not self.closed and self.state not in ("created", "stopped"):
                import threading

                threading.Thread(target=self.close, name="reflow-close", daemon=True).start()
        except Exception:  # the interpreter is ending, or this is a forked child
            pass

    def stream(self, port, *, capacity=0, arrays="auto"):
        """Opens a reader of an outport, ``"node.outport"`` or an exposed one: an iterator of values.

        Open it before the start to miss nothing. It holds ``capacity`` packets (0: the default of the
        runtime), and holds the sender back when they are not read. It works in ``for`` and ``async for``,
        and ends when the network is drained or stopped. ``recv(timeout)`` and ``recv_many`` read, too.
        ``arrays`` as in :func:`actor`.
        """
        return Output(self, port, _count(capacity, "capacity", 0), _choice(ARRAYS, arrays, "arrays"))

    def open_stream(self, *, content_type="", size_hint=None, metadata=None, max_frames=0, max_bytes=0):
        """Makes a :class:`Stream` to write to, which is sent like a value: ``net.send("node.in", stream)``.

        ``content_type``, ``size_hint`` (bytes of all data) and ``metadata`` (a value without streams in it)
        are for its reader. ``max_frames`` (0: 64) and ``max_bytes`` (0: 4 MiB) bound what waits for the
        reader. Raises LimitError beyond them and beyond ``max_streams`` of the runtime, ConversionError.
        """
        return self.runtime.open_stream(content_type=content_type, size_hint=size_hint,
                                        metadata=metadata, max_frames=max_frames, max_bytes=max_bytes)

    @property
    def errors(self):
        """The newest exceptions that actors have raised, as (node, exception), the oldest first.

        Those of coroutines that the engine has ended are among them, too: TimeoutError when the time of a
        firing was over, ClosedError when its loop had ended. Failures of components that are not written in
        Python are not: they are events and dead letters alone.
        """
        if self.runtime._pump is not None:
            self.runtime._pump.settle()
        return list(self.runtime.errors)

    def exception_of(self, event):
        """The exception that an event ``ActorFailed`` tells of, itself; None if it is not among ``errors``.

        It is found by node and text; that of a component that is not written in Python is None.
        """
        for failure in reversed(self.runtime.errors):
            if failure.node != event.node:
                continue
            _, message, _, trace = tell(failure.exception)
            if (trace and trace == event.trace) or event.error.endswith(message):
                return failure.exception
        return None

    # ---- with and async with ----

    def __enter__(self):
        if self.closed:
            raise ClosedError("the network is closed")
        return self

    def __exit__(self, kind, error, trace):
        self.close(_CLOSE if kind is None else _CLOSE_FAILED)

    async def __aenter__(self):
        return self.__enter__()

    async def __aexit__(self, kind, error, trace):
        await self.aclose(_CLOSE if kind is None else _CLOSE_FAILED)

    async def aclose(self, timeout=10.0):
        """Closes the network without blocking the event loop, as close.

        Raises WouldDeadlockError inside of a firing of the network, which would wait for itself.
        """
        from . import _aio

        if self.closed:
            return
        _aio.check_not_inside(self, "a close")
        if self.runtime.mode in ("own", "lent"):
            if any(made._tears_down for made in self.runtime._actors.values()):
                # What they do in it runs where the network is stopped, and may take its time.
                await _aio.in_thread(self.close, timeout)
                return
            if not await _aio.stop(self, timeout):
                self._give_up(timeout)
                return
        self.close(timeout)

    async def feed(self, port, values):
        """Sends each element of an iterable or asynchronous iterable, and awaits room where there is none.

        Starts the network if it is not running. Tells how many went.
        """
        from . import _aio

        self._ensure_started()
        return await _aio.feed(self, port, values)

    async def idle(self, timeout=None):
        """Waits until the network is idle, as wait_idle, without blocking the event loop."""
        self._ensure_started()
        await self._await_idle(timeout)
        self._tell_open()

    async def _await_idle(self, timeout):
        from . import _aio

        if self.runtime.mode in ("inline", "simulated"):  # it runs where somebody waits
            _aio.check_not_inside(self, "a wait for an idle network")
            await _aio.wait(self, self._wait_idle, timeout)
        else:
            await _aio.idle(self, timeout)

    async def run(self, timeout=None):
        """Starts the network, waits until it is idle, and drains it. Returns its report."""
        from . import _aio

        self._ensure_started()
        await self._await_idle(timeout)
        if self.runtime.mode in ("inline", "simulated"):
            await _aio.wait(self, self._drain, timeout)
        else:
            await _aio.drain(self, timeout)
        self._wake_readers()
        self._tell_open()
        _logging.flush()
        return self.report()

    def __repr__(self):
        return f"<reflow.Network {self.state}>"
