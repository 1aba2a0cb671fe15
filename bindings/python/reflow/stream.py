"""Streams: data that is too large for one packet, or not there as a whole yet."""

from __future__ import annotations

import sys

from . import _reflow
from .errors import ClosedError, InvalidArgumentError, TimeoutError, WouldDeadlockError

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, Callable, Iterator, List, Optional, Type, TypeVar, Union

    from .runtime import Runtime

    SelfT = TypeVar("SelfT", bound="Stream")
    Data = Union[bytes, bytearray, memoryview, _reflow.Message, Any]


def _check_may_wait(instead: str) -> None:
    asyncio = sys.modules.get("asyncio")
    if asyncio is not None and asyncio._get_running_loop() is not None:
        raise WouldDeadlockError(
            "this would wait on the thread of an event loop", hint=f"await stream.{instead}"
        )


def _parts(data: Any, chunk: Optional[int]) -> Iterator[Data]:
    if chunk is None:
        yield data
        return
    if chunk < 1:
        raise InvalidArgumentError(f"a chunk has a number of bytes from 1, not {chunk}")
    view = memoryview(data).cast("B")
    for start in range(0, max(len(view), 1), chunk):
        yield view[start : start + chunk]


class Stream(_reflow.Stream):
    """A stream of bytes beside the ports: one writes frames, one reads them, and others may observe.

    ``ctx.open_stream()`` and ``net.open_stream()`` make one, which is written to and sent like a value;
    what arrives where it was sent is a Stream that is read. It is bounded: a writer that is faster than
    its reader waits.

    ::

        @reflow.actor(outports=["out"])
        async def produce(ctx):
            async with ctx.open_stream(content_type="text/plain") as stream:
                await ctx.send("out", stream)
                await stream.awrite(b"first")
                await stream.awrite(b"second")

        @reflow.actor(inports=["in"], outports=["size"])
        async def consume(ctx, stream):
            return {"size": sum([len(frame) async for frame in stream])}

    Coroutines await (``aread``, ``awrite``, ``acollect``, ``async for``). Hosts, threads, and actors that
    are registered with ``blocking=True`` (as plain functions with a port of the type ``"stream"`` are)
    wait (``read``, ``write``, ``collect``, ``for``). In other actors what would wait raises
    WouldDeadlockError; ``try_write`` and ``read(0)`` never wait.

    Frames are memoryviews of the memory of the engine. ``with`` and ``async with`` end what is written
    (with an error if the block raises), and close what is read. One thread at a time writes, and
    one reads; tasks of one loop take turns.
    """

    __slots__ = ("__weakref__", "_told")

    _told: List[Any]  # of the reader and the writer: the waker of a loop, and a number

    # ---- writing -------------------------------------------------------------------------------

    def write(
        self, data: Data, timeout: Optional[float] = None, *, chunk: Optional[int] = None
    ) -> None:
        """Writes a frame, and waits for room up to ``timeout`` seconds (None: for ever).

        ``data`` is bytes or another buffer, or a Message of bytes. Buffers that can be changed are
        copied, others are used as they are. With ``chunk`` it goes as frames of so many bytes.

        Raises TimeoutError, ClosedError when nobody reads any more or the stream has ended,
        WrongKindError, CancelledError when the network stops, WouldDeadlockError.
        """
        end = None
        for part in _parts(data, chunk):
            if self.try_write(part):
                continue
            if timeout == 0:
                raise TimeoutError("the stream is full")
            _check_may_wait("awrite(data)")
            if timeout is not None:
                import time

                end = time.monotonic() + timeout if end is None else end
                self._write(part, max(end - time.monotonic(), 0.0))
            else:
                self._write(part)

    async def awrite(self, data: Data, *, chunk: Optional[int] = None) -> None:
        """As :meth:`write`, and awaits room."""
        for part in _parts(data, chunk):
            if not self.try_write(part):
                frame = self._frame(part)
                await self._until(lambda: self.try_write(frame) or NotImplemented, True)

    def end(self) -> None:
        """Ends the stream: the data is complete. Raises ClosedError if it has ended already."""
        self._end()

    def fail(self, error: Union[str, BaseException]) -> None:
        """Ends the stream with an error, which its reader gets as FailedError: data is missing."""
        if isinstance(error, BaseException):
            error = f"{type(error).__name__}: {error}"
        self._fail(error)

    # ---- reading -------------------------------------------------------------------------------

    def read(self, timeout: Optional[float] = None) -> Optional[memoryview]:
        """The next frame, or None behind the last one; waits up to ``timeout`` seconds.

        The first one who reads accepts the stream. Raises TimeoutError, FailedError with what the
        writer says if the stream has failed, AlreadyExistsError if somebody else has accepted it,
        NotFoundError for a handle that leads nowhere, ClosedError, CancelledError when the network stops,
        WouldDeadlockError.
        """
        frame: Any = self._poll()
        if frame is NotImplemented:
            if timeout == 0:
                raise TimeoutError("nothing has come through the stream yet")
            _check_may_wait("aread()")
            frame = self._read(timeout)
        there: Optional[memoryview] = frame
        return there

    async def aread(self) -> Optional[memoryview]:
        """As :meth:`read`, and awaits the frame."""
        frame: Optional[memoryview] = await self._until(self._poll, False)
        return frame

    def collect(self, max_bytes: int = 64 << 20, timeout: Optional[float] = None) -> bytes:
        """All data up to the end in one piece; LimitError beyond ``max_bytes``, and as :meth:`read`.

        What has come when the time is over stays: the call can be repeated.
        """
        got: Any = self._collect(max_bytes, 0)
        if got is NotImplemented and timeout != 0:
            _check_may_wait("acollect()")
            got = self._collect(max_bytes, timeout)
        if got is NotImplemented:
            raise TimeoutError("the stream has not ended yet")
        data: bytes = got
        return data

    async def acollect(self, max_bytes: int = 64 << 20) -> bytes:
        """As :meth:`collect`, and awaits the end."""
        data: bytes = await self._until(lambda: self._collect(max_bytes, 0), False)
        return data

    def __iter__(self: SelfT) -> SelfT:
        return self

    def __next__(self) -> memoryview:
        frame = self.read()
        if frame is None:
            raise StopIteration
        return frame

    def __aiter__(self: SelfT) -> SelfT:
        return self

    async def __anext__(self) -> memoryview:
        frame = await self.aread()
        if frame is None:
            raise StopAsyncIteration
        return frame

    def observe(
        self, *, reliable: bool = False, max_frames: int = 0, max_bytes: int = 0
    ) -> "Stream":
        """Another reader, which gets what is written from now on; there may be any number.

        While it is full what is new is dropped and counted in ``missed``, or with ``reliable`` holds the
        writer back. The limits are those of the stream unless they are given.
        """
        made: Stream = self._observe(reliable, max_frames, max_bytes)
        return made

    # ---- what it says of itself ----------------------------------------------------------------

    @property
    def content_type(self) -> str:
        """What the writer says of the content, such as "text/csv"; may be empty."""
        kind: str = self.fields["content_type"]
        return kind

    @property
    def size_hint(self) -> Optional[int]:
        """How many bytes there will be, if the writer has said it."""
        size: Optional[int] = self.fields["size_hint"]
        return size

    @property
    def metadata(self) -> Any:
        """What the writer has given along. To ask accepts the stream."""
        return self._begin()["metadata"]

    def __repr__(self) -> str:
        kind = f" {self.content_type}" if self.content_type else ""
        return f"<reflow.Stream {self.fields['stream_id']}{kind} {self.state}>"

    # ---- the end -------------------------------------------------------------------------------

    def close(self) -> None:
        """Ends both sides, from any thread: what was not read is dropped, and the writer meets
        ClosedError. What was not ended fails for its reader. Doing it again does nothing."""
        self._close()

    def cancel(self, reason: str = "cancelled") -> None:
        """Ends what goes on, with an error for the reader, or with ClosedError for the writer."""
        if self._made and self.state == "writing":
            self._fail(reason)
        self._close()

    def __enter__(self: SelfT) -> SelfT:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        if self._made and self.state == "writing":
            if error is None:
                self._end()
            else:
                self.fail(error)
        elif not self._made:
            self._close()

    async def __aenter__(self: SelfT) -> SelfT:
        return self

    async def __aexit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.__exit__(kind, error, trace)

    # ---- awaiting ------------------------------------------------------------------------------

    async def _until(self, attempt: Callable[[], Any], writing: bool) -> Any:
        """Awaits what attempt answers, which is NotImplemented as long as it would wait."""
        answer = attempt()
        if answer is not NotImplemented:
            return answer
        from . import _aio

        waker = _aio.waker()
        told = getattr(self, "_told", None)
        if told is None:
            told = self._told = [None, None]
        if told[writing] is None or told[writing][0] is not waker:
            told[writing] = (waker, waker.new_number())
            self._watch(waker.post, told[writing][1], writing)
            # From now on the post is told; what has come before is found by the next attempt.
            answer = attempt()
        runtime = self._runtime
        awaited = set() if runtime is None else runtime._awaited
        try:
            while answer is NotImplemented:
                # Who closes the runtime wakes those that are noted, and is seen here by those that come later.
                awaited.add(told[writing])
                if runtime is not None and runtime.closed:
                    raise ClosedError("the network of the stream is closed")
                await waker.wait(told[writing][1])
                answer = attempt()
        finally:
            awaited.discard(told[writing])
        return answer


def open_stream(
    runtime: Runtime,
    *,
    content_type: str = "",
    size_hint: Optional[int] = None,
    metadata: Any = None,
    max_frames: int = 0,
    max_bytes: int = 0,
) -> Stream:
    """Makes a stream on a runtime; see ``Network.open_stream``."""
    from .actors import _count

    _count(max_frames, "max_frames", 0)
    _count(max_bytes, "max_bytes", 0, 2**64)
    if size_hint is not None:
        _count(size_hint, "size_hint", 0, 2**64)
    return Stream(runtime, content_type, size_hint, metadata, max_frames, max_bytes)
