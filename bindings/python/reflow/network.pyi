# Types of networks. network.py describes them.
import os
from types import TracebackType
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Type, TypeVar, Union

from . import _reflow
from ._operations import Operations
from .actors import Actor, _Arrays
from .graph import Graph
from .runtime import Failure, Runtime, _Mode

_SelfT = TypeVar("_SelfT", bound="Network")
_StreamT = TypeVar("_StreamT", bound="Stream")

class Stream(_reflow.Output):
    def __aiter__(self: _StreamT) -> _StreamT: ...
    async def __anext__(self) -> Any: ...
    def close(self) -> None: ...
    def __enter__(self: _StreamT) -> _StreamT: ...
    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None: ...

class Network(Operations, _reflow.Network):
    def __init__(
        self,
        graph: Union[Graph, str, os.PathLike[str], Mapping[str, Any], bytes, None] = None,
        *,
        runtime: Optional[Runtime] = None,
        actors: Iterable[Actor] = (),
        mode: _Mode = "own",
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
        watchdog_ms: int = 0,
        check_types: bool = False,
        log_level: int = ...,
        log: Optional[Callable[[int, str, str, str], None]] = None,
        print: Optional[Callable[[str, str], None]] = None,
    ) -> None: ...
    @property
    def runtime(self) -> Runtime: ...
    def register(self: _SelfT, *actors: Union[Actor, Callable[..., Any]]) -> _SelfT: ...
    def add(
        self: _SelfT,
        node: str,
        component: Union[str, Actor, Callable[..., Any]],
        config: Optional[Mapping[str, Any]] = None,
        **settings: Any,
    ) -> _SelfT: ...
    def replace(
        self: _SelfT,
        node: str,
        component: Union[str, Actor, Callable[..., Any]],
        config: Optional[Mapping[str, Any]] = None,
        **settings: Any,
    ) -> _SelfT: ...
    def connect(self: _SelfT, source: str, target: str, **metadata: Any) -> _SelfT: ...
    def initial(self: _SelfT, port: str, value: Any) -> _SelfT: ...
    def expose_inport(self: _SelfT, name: str, port: str, type: str = "any") -> _SelfT: ...
    def expose_outport(self: _SelfT, name: str, port: str, type: str = "any") -> _SelfT: ...
    @property
    def inports(self) -> List[str]: ...
    @property
    def outports(self) -> List[str]: ...
    def start(self: _SelfT) -> _SelfT: ...
    def wait_idle(self, timeout: Optional[float] = None) -> None: ...
    def drain(self, timeout: Optional[float] = None) -> None: ...
    def stop(self, timeout: Optional[float] = None) -> None: ...
    def close(self, timeout: Optional[float] = 10.0) -> None: ...
    def stream(self, port: str, *, capacity: int = 0, arrays: _Arrays = "auto") -> Stream: ...
    @property
    def errors(self) -> List[Failure]: ...
    def __enter__(self: _SelfT) -> _SelfT: ...
    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None: ...
    async def __aenter__(self: _SelfT) -> _SelfT: ...
    async def __aexit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None: ...
    async def aclose(self) -> None: ...
    async def idle(self, timeout: Optional[float] = None) -> None: ...
    async def run(self, timeout: Optional[float] = None) -> Dict[str, Dict[str, Any]]: ...
