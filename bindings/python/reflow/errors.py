"""The exceptions of reflow: one class for each status of the engine, in five families.

Everything derives from :class:`Error`, and from the class of Python that is nearest where there is one,
so that ``except KeyError`` and ``except TimeoutError`` work as one would think. ``status`` is the number
and ``status_name`` the name that ``reflow.h`` has for it; ``hint`` says what to try.
"""

import builtins


class Error(Exception):
    """What all exceptions of reflow derive from.

    Attributes: ``status`` (int, negative) and ``status_name`` of reflow.h; ``message``, the bare fact;
    ``hint``, what to try, often empty; the place: ``file``, ``line`` and ``column`` (from 1, 0: none),
    ``path`` such as ``$.rows[3].when``, ``node`` and ``port``; ``trace``, text of another language's
    or thread's stack, often empty.
    """

    status = -99
    status_name = "REFLOW_ERROR_INTERNAL"

    def __init__(self, message="", *, hint="", text="", trace="", file="", path="", node="", port="",
                 line=0, column=0):
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.trace = trace
        self.file = file
        self.path = path
        self.node = node
        self.port = port
        self.line = line
        self.column = column
        self._text = text

    def __str__(self):
        if self._text:
            return self._text
        return f"{self.message} ({self.hint})" if self.hint else self.message

    def __reduce__(self):
        return _rebuild, (type(self), self.message, dict(self.__dict__))


def _rebuild(cls, message, fields):
    error = cls(message)
    error.__dict__.update(fields)
    return error


class UsageError(Error):
    """The call itself is wrong: mend the program."""


class ResourceError(Error):
    """A resource or the time ran out: try later, or raise the limit that is named."""


class DataError(Error):
    """Data from outside is wrong: mend the data."""


class WorldError(Error):
    """The operating system or the other side of a link refuses."""


class ActorError(Error):
    """Code behind an actor failed."""


class InvalidArgumentError(UsageError, ValueError):
    """A value is not allowed there."""


class SignatureError(InvalidArgumentError, TypeError):
    """A function cannot be an actor: it takes another number of arguments than it has inports."""


class InvalidStateError(UsageError, RuntimeError):
    """Not in this state: starting twice, emitting when the firing has ended."""


class NotFoundError(UsageError, KeyError):
    """No such node, port, component or key."""


class AlreadyExistsError(UsageError, ValueError):
    """The name is in use."""


class InvalidUtf8Error(UsageError, ValueError):
    """Text is not UTF-8."""


class WrongKindError(UsageError, TypeError):
    """The message is of another kind."""


class ConversionError(WrongKindError, ValueError):
    """A value that no message can hold; ``path`` tells where it stands, such as ``$.rows[3].when``."""


class WouldDeadlockError(UsageError, RuntimeError):
    """A call that waits, made on a thread that it waits for."""


class UnsupportedError(UsageError, NotImplementedError):
    """This build or mode does not have it."""


class ForkedError(UsageError, RuntimeError):
    """The object belongs to the process that this one is a fork of."""


class OutOfMemoryError(ResourceError, MemoryError):
    """Memory is exhausted."""


class LimitError(ResourceError):
    """A named limit was reached."""


class WouldBlockError(ResourceError, BlockingIOError):
    """Full or empty now."""


class TimeoutError(ResourceError, builtins.TimeoutError):
    """It did not happen in time."""


class CancelledError(ResourceError):
    """The network was stopped meanwhile, or the firing cancelled."""


class ClosedError(ResourceError):
    """It takes no more, or has no more to give, for ever."""


class ParseError(DataError, ValueError):
    """Not JSON, YAML, MessagePack or an expression; see the place."""


class GraphError(DataError, ValueError):
    """A graph that cannot run."""


class ConfigError(DataError, ValueError):
    """The configuration of a node is not what its component wants."""


class TypeMismatchError(DataError, TypeError):
    """A packet or connection of a type that the port does not take."""


class IOError(WorldError, builtins.OSError):
    """The operating system refused."""


class RefusedError(WorldError, ConnectionRefusedError):
    """The other side does not want this connection or request."""


class UnresolvedError(WorldError, ConnectionError):
    """No address is known for the name of a host or a peer."""


class ProtocolError(WorldError, ConnectionError):
    """The other side breaks the rules of what is spoken."""


class AuthError(WorldError, PermissionError):
    """One side does not accept who the other one says it is."""


class FailedError(ActorError, RuntimeError):
    """A component failed."""


class ReturnError(FailedError, TypeError):
    """A function of an actor returned what is neither None nor a dict from outport to value."""


class HostError(ActorError, RuntimeError):
    """A failure of a host, carried through the engine."""


class InternalError(Error, RuntimeError):
    """A fault of the library: please report it."""


BY_STATUS = {
    -1: InvalidArgumentError,
    -2: InvalidStateError,
    -3: NotFoundError,
    -4: AlreadyExistsError,
    -5: InvalidUtf8Error,
    -6: WrongKindError,
    -7: WouldDeadlockError,
    -8: UnsupportedError,
    -9: ForkedError,
    -20: OutOfMemoryError,
    -21: LimitError,
    -22: WouldBlockError,
    -23: TimeoutError,
    -24: CancelledError,
    -25: ClosedError,
    -40: ParseError,
    -41: GraphError,
    -42: ConfigError,
    -43: TypeMismatchError,
    -60: IOError,
    -61: RefusedError,
    -62: UnresolvedError,
    -63: ProtocolError,
    -64: AuthError,
    -80: FailedError,
    -81: HostError,
    -99: InternalError,
}


def _number_classes():
    """Gives each class the status that it stands for; subclasses of these inherit theirs."""
    names = {
        -1: "INVALID_ARGUMENT", -2: "INVALID_STATE", -3: "NOT_FOUND", -4: "ALREADY_EXISTS",
        -5: "INVALID_UTF8", -6: "WRONG_KIND", -7: "WOULD_DEADLOCK", -8: "UNSUPPORTED", -9: "FORKED",
        -20: "OUT_OF_MEMORY", -21: "LIMIT", -22: "WOULD_BLOCK", -23: "TIMEOUT", -24: "CANCELLED",
        -25: "CLOSED", -40: "PARSE", -41: "GRAPH", -42: "CONFIG", -43: "TYPE", -60: "IO",
        -61: "REFUSED", -62: "UNRESOLVED", -63: "PROTOCOL", -64: "AUTH", -80: "FAILED", -81: "HOST",
        -99: "INTERNAL",
    }
    for status, cls in BY_STATUS.items():
        cls.status = status
        cls.status_name = "REFLOW_ERROR_" + names[status]


_number_classes()


# What hints of the engine call, as it is called here.
_HERE = {
    "reflow_network_carry_envelopes": "carry_envelopes()",
    "reflow_network_snapshot_file": "snapshot(path)",
    "reflow_context_again": "again()",
    "give it save and load, or the flag for components without state":
        "give the class save(self) and load(self, saved), which may keep None; a generator cannot be saved",
}


def _said_here(message, fields):
    """A hint in words of Python, and one for a port that is written without its node."""
    hint = fields.get("hint") or ""
    told = hint
    for there, here in _HERE.items():
        told = told.replace(there, here)
    if not hint and "the graph exposes no" in message:
        told = "a port of a node is 'node.port'"
    if told == hint:
        return
    fields["hint"] = told
    text = fields.get("text")
    if text:
        fields["text"] = text.replace(f"({hint})", f"({told})") if hint else f"{text} ({told})"


def make(status, status_name, message, **fields):
    """The exception for a status of the engine; the native module calls this."""
    _said_here(message, fields)
    cls = BY_STATUS.get(status, Error)
    error = cls(message or status_name, **fields)
    if cls is Error:
        error.status = status
        error.status_name = status_name
    return error


def status_name(status):
    """The name that reflow.h has for a status."""
    return BY_STATUS.get(status, Error).status_name


def tell(exception):
    """What the engine gets told of an exception: (status, message, hint, trace)."""
    import traceback

    own = isinstance(exception, Error)
    name = type(exception).__name__
    try:
        text = str(exception)
    except Exception:  # a __str__ that fails must not hide what happened
        text = "<its text cannot be made>"
    message = text if own else (f"{name}: {text}" if text else name)
    try:
        trace = "".join(
            traceback.format_exception(type(exception), exception, exception.__traceback__))
    except Exception:
        trace = ""
    status = exception.status if own else -80
    if not isinstance(status, int) or status in (0, -24):
        status = -80
    return status, message, "", trace.encode("utf-8", "replace").decode("utf-8")


def suggest(name, names):
    """A hint with the nearest of names, or with all of them if they are few."""
    import difflib

    names = [n for n in names if isinstance(n, str)]
    near = difflib.get_close_matches(str(name), names, n=1, cutoff=0.6)
    if not near:
        near = [n for n in names if n.lower() == str(name).lower()]
    if near:
        return f"did you mean '{near[0]}'?"
    if 0 < len(names) <= 8:
        return "there is " + ", ".join(f"'{n}'" for n in names)
    return ""
