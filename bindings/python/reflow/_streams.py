"""Iterators over things that are polled: plain ones, and asynchronous ones for a loop of asyncio.

A poll of the engine waits on a thread. An ``async for`` needs none where the engine tells the loop that there
is something to take (``_told``); elsewhere each iterator has one thread of its own, which polls when it is
asked and hands the result to the loop. So what waits is bounded by the engine's queue.
"""

from __future__ import annotations

import queue
import threading
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any, Callable, Deque, Generic, List, Optional, Tuple, TypeVar

from ._closing import Closing

if TYPE_CHECKING:
    import asyncio

Item = TypeVar("Item")
SelfT = TypeVar("SelfT", bound="Polled[Any]")

# poll(timeout in seconds, None: for ever) -> (items, missed, ended)
Poll = Callable[[Optional[float]], Tuple[List[Item], int, bool]]


class Poller:
    """A thread that polls when it is asked, for one asynchronous iterator."""

    def __init__(self, poll: Poll[Any]) -> None:
        self._poll = weakref.WeakMethod(poll)  # the thread must not keep the iterator
        self._asked: "queue.SimpleQueue[Optional[Tuple[Any, Any]]]" = queue.SimpleQueue()
        threading.Thread(target=self._run, name="reflow-poll", daemon=True).start()

    def ask(self, loop: "asyncio.AbstractEventLoop", future: "asyncio.Future[Any]") -> None:
        self._asked.put((loop, future))

    def end(self) -> None:
        self._asked.put(None)

    def _run(self) -> None:
        while True:
            asked = self._asked.get()
            if asked is None:
                return
            loop, future = asked
            poll = self._poll()
            try:
                result, error = ([], 0, True) if poll is None else poll(None), None
            except BaseException as raised:  # told to the one who waits
                result, error = None, raised
            del poll
            try:
                loop.call_soon_threadsafe(_settle, future, result, error)
            except RuntimeError:  # the loop is closed: nobody waits any more
                return


def _settle(future: "asyncio.Future[Any]", result: Any, error: Optional[BaseException]) -> None:
    if future.cancelled():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)


class Polled(Closing, Generic[Item]):
    """What ``for`` and ``async for`` go over. One thread or task at a time uses it.

    It ends when there is nothing more for ever. ``close`` ends it earlier, also from another thread; so
    does leaving a ``with``.
    """

    def __init__(self) -> None:
        self._ready: Deque[Item] = deque()
        self._ended = False
        self._poller: Optional[Poller] = None
        self._pending: Optional["asyncio.Future[Any]"] = None
        #: How many were lost because nobody took them in time.
        self.missed = 0

    # What a class of it has to give.
    def _poll(self, timeout: Optional[float]) -> Tuple[List[Item], int, bool]:
        raise NotImplementedError

    def _close(self) -> None:
        raise NotImplementedError

    async def _told(self) -> Optional[Tuple[List[Item], int, bool]]:
        """As a poll that waits for ever, without a thread; None where there has to be one."""
        return None

    def _take(self, result: Tuple[List[Item], int, bool]) -> None:
        items, missed, ended = result
        self._ready.extend(items)
        self.missed += missed
        self._ended = self._ended or ended

    def poll(self, timeout: Optional[float] = 0.0) -> List[Item]:
        """What is there, waiting up to ``timeout`` seconds for the first (None: for ever).

        An empty list if nothing came, or nothing more can come.
        """
        if not self._ready and not self._ended:
            self._take(self._poll(timeout))
        items = list(self._ready)
        self._ready.clear()
        return items

    @property
    def ended(self) -> bool:
        """Whether nothing more can come."""
        return self._ended and not self._ready

    def close(self) -> None:
        """Ends it. Doing it again does nothing."""
        self._ended = True
        self._close()
        if self._poller is not None:
            self._poller.end()
            self._poller = None

    def __iter__(self: SelfT) -> SelfT:
        return self

    def __next__(self) -> Item:
        while not self._ready:
            if self._ended:
                raise StopIteration
            self._take(self._poll(None))
            if not self._ready and not self._ended and self._dry():
                raise StopIteration
        return self._ready.popleft()

    def _dry(self) -> bool:
        """Whether a poll without a limit that gave nothing means that nothing is left to run."""
        return True

    def __aiter__(self: SelfT) -> SelfT:
        return self

    async def __anext__(self) -> Item:
        import asyncio

        while not self._ready:
            if self._ended:
                raise StopAsyncIteration
            told = await self._told() if self._pending is None else None
            if told is not None:
                self._take(told)
                if not self._ready and not self._ended and self._dry():
                    raise StopAsyncIteration
                continue
            if self._pending is None:
                loop = asyncio.get_running_loop()
                if self._poller is None:
                    self._poller = Poller(self._poll)
                self._pending = loop.create_future()
                self._poller.ask(loop, self._pending)
            # A task that is cancelled leaves what comes to the next one who asks.
            result = await asyncio.shield(self._pending)
            self._pending = None
            self._take(result)
            if not self._ready and not self._ended and self._dry():
                raise StopAsyncIteration
        return self._ready.popleft()

    async def aclose(self) -> None:
        """As :meth:`close`, for ``contextlib.aclosing``."""
        self.close()

    def __del__(self) -> None:
        try:
            self.close()
        except Exception:  # the interpreter is ending
            pass
