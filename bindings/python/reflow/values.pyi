# Types of the conversion hook. values.py describes it.
from typing import Any, Callable, Optional, TypeVar

_T = TypeVar("_T")

def register_converter(
    cls: type[_T],
    to: Callable[[_T], Any],
    from_: Optional[Callable[[Any], _T]] = None,
    *,
    tag: Optional[str] = None,
) -> None: ...
def unregister_converter(cls: type[Any]) -> bool: ...
def json_of(value: Any, what: str) -> str: ...
