# Types of actors. actors.py describes them.
from typing import (
    Any,
    Callable,
    Dict,
    List,
    Literal,
    Mapping,
    Optional,
    Sequence,
    Union,
    overload,
)

from ._reflow import Context

_PortType = str
_Batch = Union[bool, Literal["list", "numpy"]]
_Await = Literal["any", "all", "required"]
_Arrays = Literal["auto", "list", "numpy", "view"]
_Priority = Literal["normal", "high", "low"]

ARRAYS: Dict[str, int]

def _count(value: Any, what: str, least: int, end: int = ...) -> int: ...
def _milliseconds(timeout: Any, what: str) -> int: ...

class Port:
    name: str
    type: _PortType
    description: str
    required: bool
    array: bool
    capacity: int
    def __init__(
        self,
        name: str,
        type: _PortType = "any",
        *,
        description: str = "",
        required: bool = False,
        array: bool = False,
        capacity: int = 0,
    ) -> None: ...

_PortsLike = Sequence[Union[str, Port]]

class Actor:
    target: Callable[..., Any]
    id: str
    inports: List[Port]
    outports: List[Port]
    await_: str
    batch: _Batch
    max_batch: Optional[int]
    max_concurrency: Optional[int]
    timeout: Optional[float]
    title: str
    description: str
    category: str
    def __init__(
        self,
        target: Callable[..., Any],
        inports: _PortsLike = (),
        outports: _PortsLike = (),
        *,
        id: Optional[str] = None,
        await_: Optional[_Await] = None,
        batch: _Batch = False,
        max_batch: Optional[int] = None,
        max_concurrency: Optional[int] = None,
        ordered: bool = False,
        timeout: Optional[float] = None,
        blocking: Optional[bool] = None,
        external: bool = False,
        source: bool = False,
        priority: _Priority = "normal",
        arrays: _Arrays = "auto",
        state: Any = None,
        config: Optional[Mapping[str, Any]] = None,
        title: str = "",
        description: Optional[str] = None,
        category: str = "python",
    ) -> None: ...
    def __call__(self, *arguments: Any, **keywords: Any) -> Any: ...

@overload
def actor(target: Callable[..., Any], /) -> Actor: ...
@overload
def actor(
    target: None = None,
    /,
    inports: _PortsLike = (),
    outports: _PortsLike = (),
    *,
    id: Optional[str] = None,
    await_: Optional[_Await] = None,
    batch: _Batch = False,
    max_batch: Optional[int] = None,
    max_concurrency: Optional[int] = None,
    ordered: bool = False,
    timeout: Optional[float] = None,
    blocking: Optional[bool] = None,
    external: bool = False,
    source: bool = False,
    priority: _Priority = "normal",
    arrays: _Arrays = "auto",
    state: Any = None,
    config: Optional[Mapping[str, Any]] = None,
    title: str = "",
    description: Optional[str] = None,
    category: str = "python",
) -> Callable[[Callable[..., Any]], Actor]: ...
