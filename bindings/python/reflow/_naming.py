"""Wrong arguments of methods that hand them on to the native module, told by the names that the program knows.

What pybind11 says of them lists the types of a function that nobody has called. So a class whose methods lead there is
given ``telling``: a method that has failed in this way looks which of its arguments does not fit its annotation.
"""

from __future__ import annotations

import functools
import types

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any, Callable, Optional, Tuple, Type, TypeVar

    ClassT = TypeVar("ClassT")

_MARK = "incompatible function arguments"
_COROUTINE = 0x80  # inspect.CO_COROUTINE


def _is_whole(value: Any) -> bool:
    return hasattr(type(value), "__index__") and 0 <= value.__index__() < 2**64


def _is_number(value: Any) -> bool:
    return hasattr(type(value), "__float__") or hasattr(type(value), "__index__")


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _are_texts(value: Any) -> bool:
    return not isinstance(value, str) and all(isinstance(each, str) for each in value)


# By annotation: what fits, and what it is called.
_KINDS = {
    "str": (_is_text, "a string"),
    "int": (_is_whole, "a whole number from 0"),
    "float": (_is_number, "a number"),
    "bool": (lambda value: isinstance(value, bool), "True or False"),
    "bytes": (lambda value: isinstance(value, bytes), "bytes"),
    "Iterable[str]": (_are_texts, "a sequence of strings"),
    "Sequence[str]": (_are_texts, "a sequence of strings"),
    "List[str]": (_are_texts, "a sequence of strings"),
}


def _misfit(annotation: Any, value: Any) -> Optional[str]:
    """What an argument has to be, if it is not; None if it fits, or nobody can say."""
    text = annotation if isinstance(annotation, str) else ""
    optional = text.startswith("Optional[") and text.endswith("]")
    if optional:
        text = text[len("Optional["):-1]
        if value is None:
            return None
    fits, name = _KINDS.get(text, (None, ""))
    if fits is None or fits(value):
        return None
    return f"{name}, or None" if optional else name


def _say(function: Callable[..., Any], arguments: Tuple[Any, ...], named: Any) -> str:
    """What is wrong with a call that pybind11 has refused."""
    import inspect

    signature = inspect.signature(function)
    given = signature.bind(*arguments, **named).arguments
    for parameter in signature.parameters.values():
        if parameter.name not in given:
            continue
        wanted = _misfit(parameter.annotation, given[parameter.name])
        if wanted is not None:
            value = repr(given[parameter.name])
            value = value if len(value) <= 60 else value[:57] + "..."
            return f"{function.__name__}(): {parameter.name} is {wanted}, not {value}"
    kinds = ", ".join(
        f"{parameter.name} {parameter.annotation}"
        for parameter in list(signature.parameters.values())[1:]
    )
    return f"{function.__name__}(): an argument is of a wrong type; there are {kinds}"


def _wrap(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        try:
            return function(*arguments, **named)
        except TypeError as error:
            if _MARK not in str(error):
                raise
        raise TypeError(_say(function, arguments, named))

    return call


def telling(cls: Type[ClassT]) -> Type[ClassT]:
    """A decorator of classes: their methods tell of wrong arguments by name."""
    for name, member in list(vars(cls).items()):
        if name.startswith("_") and name != "__init__":
            continue
        if isinstance(member, types.FunctionType):
            if not member.__code__.co_flags & _COROUTINE:
                setattr(cls, name, _wrap(member))
        elif isinstance(member, classmethod):
            setattr(cls, name, classmethod(_wrap(member.__func__)))
    return cls
