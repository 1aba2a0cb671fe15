"""Coroutines as actors, and networks in event loops: what only programs with asyncio load."""

import asyncio
import collections
import contextvars
import os
import sys
import threading
import weakref
from time import monotonic as _clock

from . import _reflow
from .errors import (CancelledError, ClosedError, Error, ForkedError, InvalidStateError, LimitError, ReturnError,
                     TimeoutError, WouldBlockError, WouldDeadlockError)


# Seconds in which firings have the loop at a time: then everything else of the program has its turn.
_TURN = 0.005


async def send(ctx, port, value, *, index=None):
    """Emits, and waits for room while there is none: ``await ctx.send(port, value)``."""
    while True:
        try:
            return ctx.emit(port, value, index=index)
        except WouldBlockError:
            here = waker()
            number = here.new_number()
            if ctx._ask_room(here.post, number):
                await here.wait(number)


def drain_generator(function):
    """A coroutine function that emits what an asynchronous generator yields."""

    async def run(ctx, *values):
        async for item in function(ctx, *values):
            if item is None:
                continue
            if not isinstance(item, dict):
                raise ReturnError(f"node '{ctx.node}' yielded {type(item).__name__}; an actor yields "
                                  "None, or a dict from outport to value")
            for port, value in item.items():
                await send(ctx, port, value)

    return run


# ---- an event loop for programs that have none -----------------------------------------------------

_own = None
_own_pid = 0
_own_lock = threading.Lock()


def own_loop():
    """The loop of a thread of ours, started when it is first needed."""
    global _own, _own_pid
    with _own_lock:
        if _own is None or _own_pid != os.getpid() or _own.is_closed():
            _own = asyncio.new_event_loop()
            _own_pid = os.getpid()
            threading.Thread(target=_own.run_forever, name="reflow-asyncio", daemon=True).start()
        return _own


def running_loop():
    """The loop that runs on this thread, or None."""
    return asyncio._get_running_loop()


def _end_child(error):
    """The coroutine has returned in a fork that was made inside of it: the loop is that of the parent."""
    import traceback

    traceback.print_exception(type(error), error, error.__traceback__)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(error.code if isinstance(error, SystemExit) and isinstance(error.code, int) else 1)


class _Slot:
    """A task that works firings of a node off, and the firing that it has now."""

    __slots__ = ("task", "ctx", "watched", "cancelled")

    def __init__(self):
        self.task = None
        self.ctx = None
        self.watched = False
        self.cancelled = False


class _Node:
    """The firings of one node that wait for the loop."""

    __slots__ = ("run", "limit", "queue", "active", "burst")

    def __init__(self, run, limit):
        self.run = run
        self.limit = limit
        self.queue = collections.deque()
        self.active = 0
        self.burst = 1


# The slot that works here, for tasks of its coroutine, too.
_working = contextvars.ContextVar("reflow-slot", default=None)


def check_not_inside(network, what):
    """Raises if this is part of a firing of a network, which cannot become idle then."""
    slot = _working.get()
    ctx = None if slot is None else slot.ctx
    if ctx is not None and ctx._firing and _reflow.network_has_firing(network, ctx._firing):
        raise WouldDeadlockError(
            f"{what} inside of a firing of node '{ctx.node}' waits for that firing itself",
            hint="await it outside of the actors of this network")


class Pump:
    """Brings firings of coroutines from the threads of the engine to an event loop.

    A firing is awaited inside a task that works off one after the other; only one that suspends occupies
    the task, and then another task goes on with the rest. So a coroutine that does not suspend costs no
    task of its own.
    """

    def __init__(self, runtime):
        self._runtime = weakref.ref(runtime)
        self._loop = None
        self._nodes = {}
        self._ready = []  # nodes with firings that wait
        self._fresh = []  # slots that have begun since the last look
        self._slots = {}  # from the number of a watched firing to its slot
        self._scheduled = False
        self._post = None
        self._host = None
        self._closed = False
        self._until = None  # when the loop goes on with the rest of the program

    def use_loop(self, loop):
        """The loop that firings go to; None: one of our own."""
        if self._loop is None or self._loop.is_closed():
            # Our own thread begins now: when the interpreter ends no thread can, and firings still come.
            self._loop = loop or own_loop()
            self._scheduled = False
            self._post = None
            self._fresh.clear()
            self._slots.clear()

    def runs_here(self):
        """Whether this is the thread of the loop that firings go to."""
        return self._loop is not None and asyncio._get_running_loop() is self._loop

    def dispatcher(self, actor):
        limit = actor.max_concurrency or 1

        def dispatch(run, info, firings):
            node = self._nodes.get(info)
            if node is None:
                node = self._nodes[info] = _Node(run, limit)
            idle = not node.queue
            node.queue.extend(firings)
            if idle:
                self._ready.append(node)
            if not self._scheduled or self._loop.is_closed():
                self._schedule()

        return dispatch

    def _schedule(self):
        self._scheduled = True
        if self._loop is None:
            self._loop = own_loop()
        try:
            self._loop.call_soon_threadsafe(self._look)
        except RuntimeError as fault:
            self._scheduled = False
            error = ClosedError(f"the event loop of the coroutines has ended: {fault}")
            for node in self._nodes.values():
                while node.queue:
                    self._fail(node.queue.popleft()[0], error)
            self._ready.clear()

    def _look(self):
        """Runs on the loop: starts tasks for what waits, and watches those that have suspended."""
        self._scheduled = False
        self._until = None
        if self._post is None:
            self._open_post()
        for slot in self._fresh:
            if slot.ctx is not None:
                self._watch(slot)
        self._fresh.clear()
        ready, self._ready = self._ready, []
        for node in ready:
            if not node.queue:
                node.burst = 1
                continue
            for _ in range(min(node.burst, node.limit - node.active, len(node.queue))):
                node.active += 1
                slot = _Slot()
                self._fresh.append(slot)
                slot.task = self._loop.create_task(self._work(node, slot))
            node.burst = min(node.burst * 2, 1024)
            if node.active < node.limit:
                self._ready.append(node)
        if (self._fresh or self._ready) and not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._look)

    def _open_post(self):
        """What the engine tells the loop by: firings that are cancelled, and whether the loop still turns."""
        self._post = _reflow.Post()
        self._loop.add_reader(self._post.fileno(), self._take_cancelled)
        runtime = self._runtime()
        if runtime is not None:
            runtime._watch_loop(self._post)

    def _watch(self, slot):
        slot.watched = True
        self._slots[slot.ctx._firing] = slot
        if not slot.ctx._watch(self._post):
            self._cancel(slot.ctx._firing)

    def _take_cancelled(self):
        for firing in self._post.take():
            self._cancel(firing)

    def _cancel(self, firing):
        slot = self._slots.pop(firing, None)
        if slot is not None:
            if slot.ctx is not None:
                self._note_late(slot.ctx)
            slot.cancelled = True
            slot.task.cancel()

    async def _work(self, node, slot):
        queue, run = node.queue, node.run
        _working.set(slot)
        try:
            look, step, before = 0, 1, 0.0
            while queue and not slot.watched:
                if look == 0:
                    now = _clock()
                    if self._until is None:
                        self._until = now + _TURN
                    elif now > self._until:
                        node.burst = max(node.burst // 4, 1)
                        break
                    # Short firings are looked at less often.
                    step = min(step * 2, 32) if now - before < 0.0002 else 1
                    look, before = step, now
                look -= 1
                firing = queue.popleft()
                slot.ctx = ctx = firing[0]
                number = ctx._firing
                try:
                    result = await run(*firing)
                except asyncio.CancelledError:
                    ctx._fail(CancelledError("the coroutine was cancelled"))
                    if not slot.cancelled:
                        raise
                except Exception as error:
                    self._fail(ctx, error, firing)
                except BaseException as error:
                    self._fail(ctx, error, firing)
                    if self._loop is not _own:  # nobody would see it on our own thread
                        raise
                else:
                    self._end(slot, ctx, result)
                if slot.watched:
                    self._slots.pop(number, None)
        finally:
            slot.ctx = None
            node.active -= 1
            if queue:
                self._ready.append(node)
                if not self._scheduled:
                    self._schedule()

    def _fail(self, ctx, error, values=()):
        _reflow.Stream._close_all(values)
        runtime = self._runtime()
        if runtime is not None:
            runtime._note_error(ctx.node, error)
        try:
            ctx._fail(error)
        except ForkedError:
            _end_child(error)

    def settle(self):
        """On any thread: firings that the engine has cancelled by now are known afterwards, or soon."""
        loop = self._loop
        if not self._slots or loop is None or loop.is_closed():
            return
        if self.runs_here():
            self._take_cancelled()
            return
        done = threading.Event()

        def take():
            if self._post is not None:
                self._take_cancelled()
            done.set()

        try:
            loop.call_soon_threadsafe(take)
        except RuntimeError:
            return  # closed meanwhile
        done.wait(0.2)

    def _note_late(self, ctx):
        """A firing was cancelled: the engine does so when its time is over, too."""
        deadline = ctx.deadline
        if deadline is None or ctx.now < deadline:
            return
        runtime = self._runtime()
        if runtime is not None:
            runtime._note_error(ctx.node, TimeoutError("the firing did not end within its timeout"))

    def _end(self, slot, ctx, result):
        try:
            if not ctx._resolve(result) and not slot.cancelled:
                self._note_late(ctx)
        except ForkedError as error:
            _end_child(error)
        except Exception as error:
            if ctx.stopping:  # what a cancelled firing would have emitted is not wanted
                ctx._fail(CancelledError("the firing was cancelled"))
            else:
                self._fail(ctx, error)

    # ---- mode hosted ----

    def host(self, loop):
        """Runs the actors of a hosted runtime on a loop."""
        runtime = self._runtime()
        descriptor = runtime.descriptor()
        if self._host is not None:
            self._host[0].remove_reader(self._host[1])
        self._host = (loop, descriptor)
        loop.add_reader(descriptor, _run_hosted, runtime)

    def close(self):
        """Lets go of the loop."""
        if self._closed:
            return
        self._closed = True
        loop, self._nodes = self._loop, {}
        if self._host is not None and not self._host[0].is_closed():
            self._host[0].remove_reader(self._host[1])
        if loop is None or loop.is_closed():
            return
        try:
            loop.call_soon_threadsafe(self._end_watching)
        except RuntimeError:
            pass  # closed meanwhile

    def _end_watching(self):
        self._take_cancelled() if self._post is not None else None
        for slot in list(self._slots.values()):
            slot.cancelled = True
            slot.task.cancel()
        self._slots.clear()
        if self._post is not None:
            self._loop.remove_reader(self._post.fileno())
            self._post = None


def _run_hosted(runtime):
    runtime.run(0, 0.01)


# ---- sending without blocking the loop ----------------------------------------------------------------

async def _put_when_told(network, port, value):
    """Sends, and awaits room that the engine tells the loop of."""
    here = waker()
    number = here.new_number()
    while True:
        # What refuses the value from now on tells of room afterwards, and what has come meanwhile is found.
        network._ask_room(port, here.post, number)
        if network.try_send(port, value):
            return
        await here.wait(number)


async def _put_looking(network, port, value):
    """Sends, and looks for room now and then: where the engine cannot tell of it."""
    runs = network.runtime.mode in ("inline", "simulated")  # actors run inside the calls that wait
    pause = 0.0005
    while True:
        try:
            if runs:
                network.send(port, value)
                return
            if network.try_send(port, value):
                return
        except WouldBlockError:  # an output is full that another task reads
            pass
        await asyncio.sleep(pause)
        pause = min(pause * 2, 0.02)


async def feed(network, port, values):
    """Sends each element of an iterable or asynchronous iterable; awaits room. Tells how many."""
    count = 0
    wait = _put_looking if network.runtime.mode in ("inline", "simulated") else _put_when_told

    async def put(value):
        nonlocal wait
        if network.try_send(port, value):
            return
        try:
            await wait(network, port, value)
        except LimitError:  # very many inports are waited for already
            if wait is _put_looking:
                raise
            wait = _put_looking
            await wait(network, port, value)

    if hasattr(values, "__aiter__"):
        async for value in values:
            await put(value)
            count += 1
    else:
        for value in values:
            await put(value)
            count += 1
            if count % 256 == 0:
                await asyncio.sleep(0)
    return count


# ---- what the engine tells a loop ----------------------------------------------------------------------

def _settle(future, result):
    if not future.done():
        future.set_result(result)


class Waker:
    """Wakes tasks of one loop by numbers that threads of the engine put into a post."""

    def __init__(self, loop):
        self.post = _reflow.Post()
        self._waiting = {}  # from number to the futures of those who wait for it
        self._number = 0
        loop.add_reader(self.post.fileno(), self._take)

    def _take(self):
        for number in self.post.take():
            for future in self._waiting.pop(number, ()):
                _settle(future, True)

    def new_number(self):
        """A number that nobody else has."""
        self._number += 1
        return self._number

    async def wait(self, number, timeout=None):
        """Returns when the number has been put there, or was since the last time the loop had its turn.

        After the timeout it returns, too; whether the number came."""
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        self._waiting.setdefault(number, []).append(future)
        timer = None if timeout is None else loop.call_later(timeout, _settle, future, False)
        try:
            return await future
        finally:
            if timer is not None:
                timer.cancel()
            others = self._waiting.get(number, [])
            if future in others:
                others.remove(future)
                if not others:
                    del self._waiting[number]


_wakers = weakref.WeakKeyDictionary()


def waker():
    """The Waker of the loop that runs here."""
    loop = asyncio.get_running_loop()
    found = _wakers.get(loop)
    if found is None:
        found = _wakers[loop] = Waker(loop)
    return found


# ---- waiting without blocking the loop --------------------------------------------------------------

async def in_thread(function, *arguments):
    """Calls a function on a thread of its own, so that any number of waits go on at once."""
    loop = asyncio.get_running_loop()
    future = loop.create_future()

    def end(result, error):
        if future.done():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    def work():
        result = error = None
        try:
            result = function(*arguments)
        except BaseException as raised:
            error = raised
        try:
            loop.call_soon_threadsafe(end, result, error)
        except RuntimeError:
            pass  # the loop has ended: nobody waits any more

    threading.Thread(target=work, name="reflow-wait", daemon=True).start()
    return await future


async def idle(network, timeout):
    """Awaits an idle network, which the engine tells the loop of."""
    check_not_inside(network, "a wait for an idle network")
    here = waker()
    number = here.new_number()
    wait = _reflow.network_on_idle(network, here.post, number)
    try:
        if not wait.done() and not await here.wait(number, timeout) and not wait.done():
            raise TimeoutError(f"the network is not idle after {timeout} s")
        wait.done()  # raises what it has failed with
    finally:
        wait.cancel()


async def stop(network, timeout):
    """Stops a network, awaiting callbacks that run. Whether it has stopped within the timeout."""
    try:
        if network.state not in ("created", "stopped"):
            network._stop(0)
        return True
    except TimeoutError:
        pass
    try:
        await idle(network, timeout)  # told as well when the last teardown has returned
    except TimeoutError:
        return False
    except Error:
        pass  # what a network that has failed answers
    return True


async def drain(network, timeout):
    """Drains a network without a thread: each of its steps is done when the engine tells that it is idle."""
    check_not_inside(network, "a drain")
    loop = asyncio.get_running_loop()
    end = None if timeout is None else loop.time() + timeout
    while True:
        try:
            return network._drain(0)
        except TimeoutError:
            left = None if end is None else end - loop.time()
            if left is not None and left <= 0:
                raise TimeoutError(f"the network is not drained after {timeout} s") from None
        try:
            await idle(network, left)
        except TimeoutError:
            pass
        except WouldBlockError:  # a breakpoint has stopped it: whoever watches has it go on
            await asyncio.sleep(0.05)
        await asyncio.sleep(0)  # another thread may drain, too, and be the one that is waited for


async def wait(network, function, timeout):
    """Awaits a function of a network that waits; cancelling ends the wait soon."""
    cancelled = False
    loop = asyncio.get_running_loop()
    end = None if timeout is None else loop.time() + timeout

    def in_slices():
        while not cancelled:
            left = 0.2 if end is None else min(0.2, end - loop.time())
            try:
                return function(max(0.0, left))
            except TimeoutError:
                if end is not None and loop.time() >= end:
                    raise
        return None

    try:
        return await in_thread(in_slices)
    finally:
        cancelled = True


class Reader:
    """Brings what an output receives to an event loop: the engine tells the loop of what comes, and of the end."""

    LOOK = 0.2  # seconds for which a thread runs a network at a time, in modes without threads

    def __init__(self, output):
        self._output = output
        self._values = collections.deque()
        self._waker = None
        self._number = 0
        # Without threads actors run inside the calls that wait, so somebody has to.
        self._runs = output._network().runtime.mode in ("inline", "simulated")
        self._running = None

    async def _run(self):
        """Runs the network on a thread beside the loop until something has come, or for a while. True at the
        end. What has come stays, whoever does not await it any more."""
        try:
            self._values.extend(await in_thread(self._output.recv_many, 1024, self.LOOK))
        except ClosedError:
            return True
        except TimeoutError:
            pass
        except WouldBlockError:  # nothing is left to run
            await asyncio.sleep(0.02)
        return False

    async def _next_running(self):
        while not self._values:
            loop = asyncio.get_running_loop()
            if self._running is None or self._running.done() or self._running.get_loop() is not loop:
                self._running = loop.create_task(self._run())
            if await asyncio.shield(self._running) and not self._values:
                raise StopAsyncIteration
        return self._values.popleft()

    def _look(self):
        """Takes what is there. Raises StopAsyncIteration at the end."""
        try:
            self._values.extend(self._output.recv_many(1024, 0))
        except ClosedError:
            raise StopAsyncIteration from None
        except (TimeoutError, WouldBlockError):
            pass

    def _watch(self, here):
        """Has the engine tell this loop of what comes, and of the end."""
        self._waker, self._number = here, here.new_number()
        self._output._watch(here.post, self._number)

    async def next(self):
        if self._runs:
            return await self._next_running()
        if not self._values:
            self._look()
        while not self._values:
            here = waker()
            if self._waker is not here:
                try:
                    self._watch(here)
                except ClosedError:  # the network was closed meanwhile
                    self._look()
                    raise StopAsyncIteration from None
            # What comes from now on is told, and what has come is found.
            self._output._arm()
            self._look()
            if self._values:
                break
            await here.wait(self._number)
        return self._values.popleft()

    def wake(self):
        """On any thread: has whoever waits look again."""
        here = self._waker
        if here is not None:
            here.post.put(self._number)


def wake_all(readers):
    """Has the readers of a network that has ended look."""
    for reader in list(readers):
        reader._wake()
