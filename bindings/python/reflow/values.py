"""The conversion hook: how values of other types travel in messages.

None, bool, int (64 bits), float, str, bytes, list, tuple, dict with str keys, arrays and everything with
the buffer protocol are converted by the native module. For all other types there are converters, found by
the class of the value and then by its bases. These are there from the start:

=========================  ====================================================================
``datetime``, ``date``,    text in ISO 8601
``time``
``timedelta``              seconds, a float
``datetime64``,            the same as those; ``NaT`` is ``None``
``timedelta64`` of NumPy
``Decimal``, ``UUID``,     text
paths, ``Fraction``
``Enum``                   its value
``set``, ``frozenset``,    a list
``deque``, ``range``
mappings                   a dict
dataclasses, named tuples  a dict of their fields
``model_dump()``           what it gives (pydantic)
``Array`` of pyarrow       numbers without nulls: a packed array, without a copy (``uint8``: a list);
                           all others a list
``Table``, ``RecordBatch`` a dict of the columns, each as an ``Array``
of pyarrow
``__reflow__()``           what it gives: the method that a class of your own may have
=========================  ====================================================================
"""

import sys

from .errors import AlreadyExistsError, InvalidArgumentError

_TO = {}
_FROM = {}  # the native module looks here for the tag of an object {"$type": tag, "value": ...}


def json_of(value, what):
    """A document of Python values as JSON, by the same conversions as packets."""
    from ._reflow import Message

    if not hasattr(type(value), "keys"):
        raise InvalidArgumentError(f"{what} is a dict, not {type(value).__name__}")
    return Message(value).to_json()


def _message_of(data):
    """A message that was pickled."""
    from ._reflow import Message

    return Message.from_msgpack(data)


# These the native module knows: it never asks for a converter of theirs.
_PLAIN = (type(None), bool, int, float, str, bytes, bytearray, memoryview, list, tuple, dict)


def register_converter(cls, to, from_=None, *, tag=None):
    """Says how values of a class travel, and of its subclasses unless they have a converter themselves.

    ``to(value)`` gives a plainer value, which is converted in turn. With ``from_(plain)`` values become
    what they were where they arrive in a process that has registered the same: they travel as
    ``{"$type": tag, "value": to(value)}``, and components that are not written in Python see that object.
    ``tag`` is the qualified name of the class unless it is given.

    Registering a class again replaces what was said before, also of the classes that are known from the
    start. Raises AlreadyExistsError for a tag that another class has, InvalidArgumentError for a class that
    needs none, such as ``int``. Example::

        reflow.register_converter(datetime, datetime.isoformat, datetime.fromisoformat)
    """
    if not isinstance(cls, type):
        raise InvalidArgumentError(f"a converter is for a class, not for {cls!r}")
    if not callable(to) or not (from_ is None or callable(from_)):
        raise InvalidArgumentError("a converter is a function of one value")
    if cls in _PLAIN:
        raise InvalidArgumentError(f"{cls.__name__} travels as it is, and has no converter",
                                   hint="register a class of your own")
    if from_ is not None:
        tag = tag or f"{cls.__module__}.{cls.__qualname__}"
        for other, known in _TO.items():
            if known[1] == tag and other is not cls and not _same_again(other, cls):
                raise AlreadyExistsError(f"another class has the tag '{tag}'", hint="give it a tag of its own: tag=")
    unregister_converter(cls)
    if from_ is None:
        _TO[cls] = (to, None)
        return
    _TO[cls] = (to, tag)
    _FROM[tag] = from_


def _same_again(other, cls):
    """Whether a class is another one made anew, as reloading a module or a cell of a notebook does."""
    return "<locals>" not in cls.__qualname__ and (
        other.__module__, other.__qualname__) == (cls.__module__, cls.__qualname__)


def unregister_converter(cls):
    """Takes back what register_converter said; True if there was something."""
    known = _TO.pop(cls, None)
    if known is not None and known[1] is not None:
        _FROM.pop(known[1], None)
    return known is not None


def _named(cls, *names):
    """Whether a class or one of its bases is one of a module that the program has imported."""
    for name in names:
        module, _, attribute = name.rpartition(".")
        known = getattr(sys.modules.get(module), attribute, None)
        if isinstance(known, type) and issubclass(cls, known):
            return True
    return False


def _to_plain(value):
    """A plainer value for one that the native module does not know; NotImplemented if there is none."""
    cls = type(value)
    for base in cls.__mro__:
        known = _TO.get(base)
        if known is not None:
            plain = known[0](value)
            return plain if known[1] is None else {"$type": known[1], "value": plain}
    if hasattr(cls, "__reflow__"):
        return value.__reflow__()
    return _built_in(cls, value)


def _built_in(cls, value):
    if _named(cls, "enum.Enum"):
        return value.value
    for base in (int, str, bytes, dict):  # subclasses that have no converter
        if isinstance(value, base):
            return base(value)
    if _named(cls, "datetime.date", "datetime.time"):
        return value.isoformat()
    if _named(cls, "datetime.timedelta"):
        return value.total_seconds()
    if _named(cls, "numpy.datetime64", "numpy.timedelta64"):
        return _numpy_time(cls, value)
    if _named(cls, "decimal.Decimal", "uuid.UUID", "pathlib.PurePath", "fractions.Fraction"):
        return str(value)
    if _named(cls, "pyarrow.Array", "pyarrow.ChunkedArray", "pyarrow.Table", "pyarrow.RecordBatch", "pyarrow.Scalar"):
        return _arrow(cls, value)
    if hasattr(cls, "model_dump"):
        return value.model_dump()
    if hasattr(cls, "__dataclass_fields__"):
        return {name: getattr(value, name) for name in cls.__dataclass_fields__}
    if isinstance(value, tuple) and hasattr(cls, "_fields"):
        return {name: getattr(value, name) for name in cls._fields}
    return _collection(cls, value)


def _numpy_time(cls, value):
    if value != value:  # NaT
        return None
    if _named(cls, "numpy.datetime64"):
        return str(value)
    return float(value / cls(1, "s"))  # an error of NumPy for months and years, which have no length


# Formats of the numbers of Arrow. A view of uint8 would travel as bytes.
_ARROW = {"int8": "b", "int16": "h", "uint16": "H", "int32": "i", "uint32": "I", "int64": "q", "uint64": "Q",
          "float": "f", "double": "d"}


def _arrow(cls, value):
    if _named(cls, "pyarrow.Scalar"):
        return value.as_py()
    if _named(cls, "pyarrow.Table", "pyarrow.RecordBatch"):
        names = value.schema.names
        if len(set(names)) != len(names):
            raise ValueError(f"two columns of a table have one name: {', '.join(names)}")
        return {name: _arrow_column(value.column(i)) for i, name in enumerate(names)}
    return _arrow_column(value)


def _arrow_column(value):
    if hasattr(value, "chunks"):
        if value.num_chunks != 1:
            value = value.combine_chunks()
        value = value.chunk(0) if hasattr(value, "chunks") and value.num_chunks == 1 else value
    form = _ARROW.get(str(value.type))
    if form is None or value.null_count or hasattr(value, "chunks") or not len(value):
        return value.to_pylist()
    data = memoryview(value.buffers()[1])
    size = value.type.bit_width // 8
    return data[value.offset * size:(value.offset + len(value)) * size].cast(form)


def _collection(cls, value):
    if isinstance(value, (list, tuple, set, frozenset, range)) or _named(cls, "collections.deque"):
        return list(value)
    if hasattr(cls, "keys") and hasattr(cls, "__getitem__"):
        return {key: value[key] for key in value.keys()}
    if hasattr(cls, "__index__") and not hasattr(cls, "__len__"):
        return value.__index__()
    return NotImplemented
