# Types of runtimes. runtime.py describes them.
from collections import deque
from types import TracebackType
from typing import Any, Callable, Dict, Literal, NamedTuple, Optional, Type, Union

from . import _reflow
from .actors import Actor
from .stream import Stream

_Mode = Literal["own", "inline", "hosted", "lent", "simulated"]

MODES: Dict[str, int]

class Failure(NamedTuple):
    node: str
    exception: BaseException

class Runtime(_reflow.Runtime):
    mode: str
    errors: deque[Failure]
    def __new__(
        cls,
        mode: _Mode = "own",
        *,
        workers: int = 0,
        batch_packets: int = 256,
        batch_us: int = 0,
        port_capacity: int = 0,
        port_capacity_bytes: int = 0,
        seed: int = 0,
        max_growth: int = 0,
        max_packets: int = 0,
        max_completions: int = 0,
        blocking_threads: int = 0,
        watchdog: Optional[float] = None,
        watchdog_ms: int = 0,
        check_types: bool = False,
        log_level: int = ...,
        log: Optional[Callable[[int, str, str, str], None]] = None,
        print: Optional[Callable[[str, str], None]] = None,
    ) -> Runtime: ...
    def register(  # type: ignore[override]
        self, target: Union[Actor, Callable[..., Any]], id: Optional[str] = None
    ) -> str: ...
    def open_stream(
        self,
        *,
        content_type: str = "",
        size_hint: Optional[int] = None,
        metadata: Any = None,
        max_frames: int = 0,
        max_bytes: int = 0,
    ) -> Stream: ...
    def close(self) -> None: ...
    def __enter__(self) -> Runtime: ...
    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None: ...
