"""Actors written in Python: the decorator :func:`actor`, and how an actor becomes a component."""

import functools
import operator

from . import _saving
from .errors import InvalidArgumentError, SignatureError, UnsupportedError

_COROUTINE, _GENERATOR, _ITERABLE_COROUTINE, _ASYNC_GENERATOR = 0x80, 0x20, 0x100, 0x200
_VARIADIC = 0x04

STYLE_CALL, STYLE_BATCH, STYLE_NUMPY, STYLE_GENERATOR, STYLE_TASK = range(5)
AWAIT = {"any": 0, "all": 1, "required": 2}
ARRAYS = {"auto": 0, "list": 1, "numpy": 2, "view": 3}
PRIORITY = {"normal": 0, "high": 32, "low": 64}


class Port:
    """A port of an actor.

    ``type`` is as in graphs: ``any``, ``integer``, ``float``, ``string``, ``bytes``, ``boolean``,
    ``object``, ``array``, ``array<T>``, ``option<T>``, ``stream``, ``flow``, ``event``, ``encoded``.
    ``required``: a graph in which it is not connected does not run. ``array``: its connections carry an
    index. ``capacity``: packets that an inport holds, 0 for the default of the runtime.
    """

    __slots__ = ("name", "type", "description", "required", "array", "capacity")

    def __init__(self, name, type="any", *, description="", required=False, array=False, capacity=0):
        if not isinstance(name, str) or not name:
            raise InvalidArgumentError(f"the name of a port is a str that is not empty, not {name!r}")
        _check_text(type, f"the type of port '{name}'")
        _check_text(description, f"the description of port '{name}'")
        self.name = name
        self.type = type
        self.description = description
        self.required = required
        self.array = array
        self.capacity = _count(capacity, f"capacity of port '{name}'", 0)

    def __repr__(self):
        return f"Port({self.name!r}, {self.type!r})"

    def _row(self, capacity):
        flags = (1 if self.required else 0) | (2 if self.array else 0)
        return (self.name, self.type, self.description, flags, self.capacity or capacity)


def _check_text(value, what):
    if not isinstance(value, str):
        raise InvalidArgumentError(f"{what} is a str, not {value!r}")


def _count(value, what, least, end=2**32):
    """A whole number that the engine can take."""
    try:
        number = operator.index(value)
    except TypeError:
        number = -1
    if not least <= number < end:
        raise InvalidArgumentError(f"{what} is a whole number from {least} to {end - 1}, not {value!r}")
    return number


def _milliseconds(timeout, what):
    """A timeout in seconds as the engine has it; 0: none."""
    if timeout is None:
        return 0
    try:
        good = 0 < timeout <= 1e9
        return max(1, int(timeout * 1000)) if good and not isinstance(timeout, (str, bytes)) else 1 // 0
    except (TypeError, ValueError, ArithmeticError):
        raise InvalidArgumentError(f"{what} is a time in seconds from above 0 to 1e9, not {timeout!r}",
                                   hint="None: no limit") from None


def _schema(config, what):
    """A JSON Schema as text."""
    if config is None:
        return ""
    import json

    try:
        if not isinstance(config, dict):
            raise TypeError(f"{config!r} is no dict")
        return json.dumps(config)
    except (TypeError, ValueError) as fault:
        raise InvalidArgumentError(f"{what} is a JSON Schema, a dict: {fault}") from None


def _ports(ports, what):
    if isinstance(ports, (str, Port)):
        raise InvalidArgumentError(f"{what} are a list of names or Ports, not {ports!r}",
                                   hint=f"{what}=[{ports!r}]")
    try:
        ports = list(ports)
    except TypeError:
        raise InvalidArgumentError(f"{what} are a list of names or Ports, not {ports!r}") from None
    made = [p if isinstance(p, Port) else Port(p) for p in ports]
    names = [p.name for p in made]
    for name in names:
        if names.count(name) > 1:
            raise InvalidArgumentError(f"two {what} have the name '{name}'")
    return made


def _code_of(function):
    """The code object behind a function, method, partial or callable object; None if it is not Python."""
    while isinstance(function, functools.partial):
        function = function.func
    function = getattr(function, "__func__", function)
    code = getattr(function, "__code__", None)
    if code is None and not isinstance(function, type):
        code = getattr(getattr(type(function), "__call__", None), "__code__", None)
    return code


def _check_arity(function, values, what, inports):
    """Refuses a function that cannot be called with a context and that many values."""
    import inspect

    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(*([None] * (values + 1)))
    except TypeError as fault:
        expected = ", ".join(["ctx"] + inports[:values]) if values in (0, len(inports)) else "ctx, value"
        raise SignatureError(f"{what} cannot be called as ({expected}): {fault}",
                             hint=f"def {what}({expected}): ...") from None


def _choice(table, value, what):
    if value not in table:
        raise InvalidArgumentError(f"{what} is one of {', '.join(map(repr, table))}, not {value!r}")
    return table[value]


def _has_numpy():
    import sys

    if "numpy" in sys.modules:
        return sys.modules["numpy"] is not None
    from importlib.util import find_spec

    return find_spec("numpy") is not None


def _watched(function, what, node, limit_ms):
    """A function that is told of in the log if it does not return in time: the engine watches run and finish."""
    import logging
    import threading

    def tell():
        logging.getLogger("reflow").warning("node '%s': %s has not returned for %d ms (watchdog_ms)",
                                            node, what, limit_ms)

    def call(*arguments):
        timer = threading.Timer(limit_ms / 1000.0, tell)
        timer.daemon = True
        try:
            timer.start()
        except RuntimeError:  # the interpreter ends, and begins no threads any more
            pass
        try:
            return function(*arguments)
        finally:
            timer.cancel()

    return call


class Actor:
    """What :func:`actor` makes of a function or class: to be given to ``Network.add``.

    Calling it calls the function itself, so that tests need no network.
    """

    def __init__(self, target, inports=(), outports=(), *, id=None, await_=None, batch=False,
                 max_batch=None, max_concurrency=None, ordered=False, timeout=None, blocking=None,
                 external=False, source=False, priority="normal", arrays="auto", state=None,
                 config=None, title="", description=None, category="python"):
        if not callable(target):
            raise InvalidArgumentError(f"an actor is a function or a class, not {target!r}")
        self.target = target
        for text, what in ((id, "id"), (title, "title"), (description, "description"), (category, "category")):
            if text is not None:
                _check_text(text, what)
        self.id = id or getattr(target, "__name__", type(target).__name__)
        self.inports = _ports(inports, "inports")
        self.outports = _ports(outports, "outports")
        self.is_class = isinstance(target, type)
        self.await_ = await_ or ("all" if len(self.inports) > 1 else "any")
        _choice(AWAIT, self.await_, "await_")
        self.arrays = _choice(ARRAYS, arrays, "arrays")
        self.priority = _choice(PRIORITY, priority, "priority")
        self.batch = batch
        self.max_batch = None if max_batch is None else _count(max_batch, "max_batch", 1)
        self.max_concurrency = None if max_concurrency is None else _count(max_concurrency, "max_concurrency", 1)
        self.ordered = ordered
        self.timeout = timeout
        self._timeout_ms = _milliseconds(timeout, "timeout")
        self._config_schema = _schema(config, "config")
        self.flags = ((1 if source else 0) | (4 if ordered else 0) | (8 if external else 0) |
                      self.priority)
        self.state = state
        self.config = config
        self.title = title
        self.description = description if description is not None else (target.__doc__ or "").strip()
        self.category = category
        self._look_at_function()
        if blocking is None:  # a function that reads or writes streams waits for them
            blocking = self.style != STYLE_TASK and any(
                port.type == "stream" for port in self.inports + self.outports)
        self.flags |= 2 if blocking else 0
        functools.update_wrapper(self, target, updated=())

    def _look_at_function(self):
        function = self.target
        if self.is_class:
            function = getattr(self.target, "run", None)
            if not callable(function):
                raise SignatureError(f"class {self.id} has no method run",
                                     hint="def run(self, ctx, value): ...")
        code = _code_of(function)
        flags = code.co_flags if code is not None else 0
        self.is_async_generator = bool(flags & _ASYNC_GENERATOR)
        if flags & (_COROUTINE | _ITERABLE_COROUTINE | _ASYNC_GENERATOR):
            self.style = STYLE_TASK
        elif flags & _GENERATOR:
            self.style = STYLE_GENERATOR
        else:
            self.style = STYLE_CALL
        if self.batch:
            if self.style != STYLE_CALL:
                raise InvalidArgumentError(
                    f"{self.id}: batch is for plain functions, not for coroutines and generators")
            if self.batch not in (True, "list", "numpy"):
                raise InvalidArgumentError(
                    f"{self.id}: batch is True, 'list' or 'numpy', not {self.batch!r}")
            if self.batch == "numpy" and not _has_numpy():
                raise UnsupportedError(f"{self.id}: batch='numpy' needs NumPy, which is not installed",
                                       hint="pip install numpy, or batch=True")
            self.style = STYLE_NUMPY if self.batch == "numpy" else STYLE_BATCH
        if self.max_concurrency is not None and self.style != STYLE_TASK:
            raise InvalidArgumentError(
                f"{self.id}: max_concurrency is for coroutines", hint="async def")
        values = 0
        if self.inports:
            values = 1 if self.await_ == "any" else len(self.inports)
        names = [p.name for p in self.inports]
        if self.is_class:
            function = self._bound("run")
        _check_arity(function, values, f"{self.id}.run" if self.is_class else self.id, names)
        for name in ("setup", "finish", "teardown") if self.is_class else ():
            self._check_part(name)

    def _bound(self, name):
        """A method of the class as its objects have it, to look at how it can be called."""
        for base in self.target.__mro__:
            if name in vars(base):
                if isinstance(vars(base)[name], (staticmethod, classmethod)):
                    return getattr(self.target, name)
                break
        return functools.partial(getattr(self.target, name), None)  # self

    def _check_part(self, name):
        part = getattr(self.target, name, None)
        if part is None:
            return
        what = f"{self.id}.{name}"
        if not callable(part):
            raise SignatureError(f"{what} is no method, but {part!r}", hint=f"def {name}(self, ctx): ...")
        code = _code_of(part)
        if code is not None and code.co_flags & (_COROUTINE | _ITERABLE_COROUTINE | _ASYNC_GENERATOR):
            raise SignatureError(
                f"{what} is a coroutine function, which nobody would await: only run may be one",
                hint="open what needs a loop in run, once: if ctx.state.session is None: ...; what is "
                     "closed in teardown is closed without await")
        if code is not None and code.co_flags & _GENERATOR:
            raise SignatureError(f"{what} is a generator function, which nobody would go through: only run may "
                                 "be one", hint="ctx.emit(port, value) in finish")
        _check_arity(self._bound(name), 0, what, [])

    @property
    def _tears_down(self):
        """Whether code of the actor runs when its network is stopped."""
        return self.style == STYLE_GENERATOR or (self.is_class and hasattr(self.target, "teardown"))

    def __call__(self, *arguments, **keywords):
        return self.target(*arguments, **keywords)

    def __reduce__(self):
        # By its name, as functions are: the process that reads it imports the module.
        return self.__qualname__ if isinstance(getattr(self, "__qualname__", None), str) else self.id

    def __repr__(self):
        ins = ", ".join(p.name for p in self.inports)
        outs = ", ".join(p.name for p in self.outports)
        return f"<reflow.Actor {self.id} ({ins}) -> ({outs})>"

    def _factory(self, watchdog_ms=0):
        """What is called for each node, or None if the function itself is all there is."""
        target, state, is_class = self.target, self.state, self.is_class
        wrap = self._wrap_run
        if not is_class and state is None:
            return None

        def factory(ctx):
            if state is not None:
                ctx.state = state() if callable(state) else self._copy_of_state()
            if not is_class:
                return wrap(target), None, None, None
            if not watchdog_ms:
                made = target()
                return (wrap(made.run), getattr(made, "setup", None), getattr(made, "finish", None),
                        getattr(made, "teardown", None))
            made = _watched(target, "__init__", ctx.node, watchdog_ms)()
            setup, teardown = (
                part and _watched(part, name, ctx.node, watchdog_ms)
                for name, part in ((name, getattr(made, name, None)) for name in ("setup", "teardown")))
            return wrap(made.run), setup, getattr(made, "finish", None), teardown

        return factory

    def _copy_of_state(self):
        """What a node begins with: its own, whatever other nodes do with theirs."""
        import copy

        try:
            return copy.deepcopy(self.state)
        except Exception as fault:
            raise InvalidArgumentError(
                f"{self.id}: the state cannot be copied for each node: {type(fault).__name__}: {fault}",
                hint="state= a function without arguments that makes it") from fault

    def _wrap_run(self, run):
        if not self.is_async_generator:
            return run
        from . import _aio

        return _aio.drain_generator(run)

    def _registration(self, dispatch, on_error, name, watchdog_ms=0):
        """The arguments of _reflow.Runtime.register."""
        batch = self.max_batch or 4096  # calls end after a millisecond, however many they have
        concurrency = 0
        if self.style == STYLE_TASK:
            # Without a number firings come one after the other. The engine hands over some in advance,
            # which saves a crossing for each, unless they have a time limit that would begin too early.
            concurrency = self.max_concurrency or (1 if self.timeout else 256)
            batch = concurrency
        capacity = 4096 if self.style in (STYLE_BATCH, STYLE_NUMPY) else 0
        factory = self._factory(watchdog_ms)
        return {
            "id": name,
            "style": self.style,
            "function": None if factory else self._wrap_run(self.target),
            "factory": factory,
            "dispatch": dispatch,
            "on_error": on_error,
            "inports": [p._row(capacity) for p in self.inports],
            "outports": [p._row(0) for p in self.outports],
            "await_": AWAIT[self.await_],
            "max_batch": batch,
            "max_concurrency": concurrency,
            "flags": self.flags,
            "timeout_ms": self._timeout_ms,
            "title": self.title,
            "description": self.description,
            "category": self.category,
            "config_schema": self._config_schema,
            "arrays": self.arrays,
            "saves": _saving.saves(self.target, self.is_class,
                                   self.style == STYLE_GENERATOR),
        }


def actor(target=None, /, inports=(), outports=(), **options):
    """Makes an actor of a function or a class.

    ::

        @reflow.actor(inports=["in"], outports=["out"])
        def double(ctx, value):
            return {"out": value * 2}

    A function is called as ``f(ctx, value)`` for each packet, or with one value for each inport, in their
    order, if there are several (``await_="any"`` calls it with one value and tells the inport in
    ``ctx.port``; ``"required"`` waits for the required ones only, others are None or their newest value).
    It returns None, or a dict from outport to value; ``ctx.emit`` emits any number of packets beside.
    Arrays and other buffers are lent, not copied: who fills the same one again emits ``array.copy()``.

    * A generator function yields such dicts; without inports it is a source.
    * A coroutine function runs on the event loop of the program (of the thread that starts the network),
      or on a thread of its own without one; ``max_concurrency`` firings at once, default 1. An
      asynchronous generator yields dicts.
    * A class is made once for each node, without arguments. ``run(self, ctx, ...)`` is called like a
      function; ``setup(self, ctx)``, ``finish(self, ctx)`` (when the network drains; may emit) and
      ``teardown(self, ctx)`` if they are there; these three are plain methods, also beside an
      ``async def run``. What ``teardown`` raises is a warning of the log.

    Parameters
    ----------
    inports, outports:
        names or :class:`Port` objects. Each actor has an outport ``error``, too.
    id:
        the name of the component; default the name of the function.
    batch:
        True: the function gets lists of values, one for each inport, and returns lists (or arrays of
        NumPy), each element a packet. ``"numpy"``: it gets arrays, of int64 where packets are integers and
        of float64 where they are floats; a batch ends where that changes, so that no number is rounded by
        what stands beside it. An inport of the type ``"float"`` gives float64 always, and fails an integer
        that no float is equal to. A call that raises before it has emitted comes again packet by packet,
        so that only those fail that fail alone.
        With ``await_="any"`` and several inports ``ctx.ports`` tells by which one each value came.
    max_batch:
        firings in one call at most; 4096 with ``batch``.
    max_concurrency, ordered:
        of coroutines: firings at once (default 1), and whether outputs keep the order of the inputs
        (default False: those of a firing that ends earlier come earlier).
    timeout:
        seconds that a firing may take; a coroutine is cancelled then.
    blocking:
        the function may block: it runs on a thread beside the workers. Default: if it is no coroutine and
        has a port of the type ``"stream"``.
    external:
        what it does depends on more than its packets, or changes the world (for recordings).
    source:
        fires at the start if none of its inports is connected.
    arrays:
        what packed arrays become. ``"auto"``: what was sent in this process is what it was, read-only and
        not copied: an array of NumPy, or a memoryview of another buffer; all others are lists.
        ``"list"``; ``"numpy"``: arrays of NumPy; ``"view"``: a :class:`Message`, which has the buffer
        protocol (and bytes become a memoryview).
    state:
        what ``ctx.state`` is at first, for each node: a function without arguments that makes it, or a
        value, of which each node has a deep copy (``copy.deepcopy``) of its own.
    config:
        a JSON Schema (dict) that the configuration of a node is checked with.
    priority:
        ``"high"``, ``"normal"`` or ``"low"``.

    Raises :class:`SignatureError` if the function cannot be called like that.
    """
    if target is None:
        return functools.partial(Actor, inports=inports, outports=outports, **options)
    if not callable(target):
        raise InvalidArgumentError(f"an actor is a function or a class, not {target!r}",
                                   hint="@reflow.actor(inports=[...], outports=[...])")
    return Actor(target, inports=inports, outports=outports, **options)
