"""What event loops are told of, without threads that wait and without looking again and again: room in a firing,
events, the end of an output, and a network that closes."""

import asyncio
import gc
import threading
import time
import weakref

import pytest

import reflow
from reflow import _aio


@reflow.actor(inports=["in"], outports=["out"])
def same(ctx, value):
    return {"out": value}


def gate():
    """An actor that is not done before its event is set, and tells that it has begun."""
    opened, begun = threading.Event(), threading.Event()

    @reflow.actor(inports=["in"], outports=["out"], blocking=True)
    def wait(ctx, value):
        begun.set()
        opened.wait(60)
        return {"out": value}

    return opened, begun, wait


@pytest.fixture
def no_threads(monkeypatch):
    """Whoever starts a thread that waits for the loop fails."""
    from reflow import _streams

    async def in_thread(function, *arguments):
        raise AssertionError(f"a thread for {function}")

    class Poller:
        def __init__(self, poll):
            raise AssertionError(f"a thread for {poll}")

    monkeypatch.setattr(_aio, "in_thread", in_thread)
    monkeypatch.setattr(_streams, "Poller", Poller)


# ---- room in a firing --------------------------------------------------------------------------------

class Counted:
    """A context that counts how often something is emitted through it."""

    def __init__(self, ctx):
        self.ctx = ctx
        self.tries = 0
        self.asked = 0

    def emit(self, *arguments, **keywords):
        self.tries += 1
        return self.ctx.emit(*arguments, **keywords)

    def _ask_room(self, *arguments):
        self.asked += 1
        return self.ctx._ask_room(*arguments)


@pytest.mark.parametrize("mode", ["own", "hosted", "inline", "simulated"])
def test_send_is_told_of_room(mode):
    contexts = []

    @reflow.actor(outports=["out"])
    async def many(ctx):
        counted = Counted(ctx)
        contexts.append(counted)
        for number in range(2000):
            await _aio.send(counted, "out", number)

    async def main():
        async with reflow.Network(mode=mode) as net:
            net.add("m", many)
            out = net.stream("m.out", capacity=8)
            net.start()
            return [await asyncio.wait_for(out.__anext__(), 60) for _ in range(2000)]

    assert asyncio.run(main()) == list(range(2000))
    (counted,) = contexts
    assert counted.asked > 0
    assert counted.tries == 2000 + counted.asked  # a try for each value, and one for each refusal


def test_nobody_tries_while_there_is_no_room():
    contexts = []

    @reflow.actor(outports=["out"])
    async def many(ctx):
        contexts.append(Counted(ctx))
        for number in range(2000):
            await _aio.send(contexts[0], "out", number)

    async def main():
        async with reflow.Network() as net:
            net.add("m", many)
            out = net.stream("m.out", capacity=8)
            net.start()
            before = -1
            # Until nothing has gone for a while: what looked again and again would not come to rest.
            while not contexts or contexts[0].asked < 1 or contexts[0].tries != before:
                before = contexts[0].tries if contexts else -1
                await asyncio.sleep(0.05)
            assert contexts[0].tries == before
            return await asyncio.wait_for(out.__anext__(), 60)

    assert asyncio.run(main()) == 0


def test_send_in_a_firing_that_is_cancelled_meanwhile():
    ended = []

    @reflow.actor(outports=["out"])
    async def many(ctx):
        try:
            while True:
                await ctx.send("out", 1)
        except BaseException as error:
            ended.append(type(error))
            raise

    async def main():
        async with reflow.Network() as net:
            net.add("m", many)
            out = net.stream("m.out", capacity=1)
            net.start()
            await asyncio.wait_for(out.__anext__(), 60)
            net.cancel("m")
            while not ended:
                await asyncio.sleep(0.001)

    asyncio.run(asyncio.wait_for(main(), 60))
    assert ended in ([asyncio.CancelledError], [reflow.InvalidStateError])


# ---- events ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("mode", ["own", "hosted"])
def test_events_need_no_thread(mode, no_threads):
    async def main():
        async with reflow.Network(mode=mode) as net:
            net.add("n", same)
            events = net.events(["NetworkStarted", "MessageReceived", "NetworkShutdown"])
            seen = []

            async def read():
                async for event in events:
                    seen.append(event.message if event.kind == "MessageReceived" else event.kind)

            reading = asyncio.ensure_future(read())
            for number in range(300):
                await asyncio.wait_for(net.feed("n.in", [number]), 60)
                if number % 7 == 0:
                    while len(seen) != number + 2:  # each is told without another one behind it
                        await asyncio.sleep(0)
            net.stop()
            await asyncio.wait_for(reading, 60)
            return seen

    assert asyncio.run(main()) == ["NetworkStarted", *range(300), "NetworkShutdown"]


def test_events_that_are_missed_are_counted_and_the_rest_comes(no_threads):
    async def main():
        async with reflow.Network() as net:
            net.add("n", same)
            events = net.events(["MessageReceived"], capacity=4)
            net.start()
            first = asyncio.ensure_future(events.__anext__())
            await asyncio.sleep(0)
            net.send_many("n.in", list(range(1000)))
            net.wait_idle(60)
            assert (await asyncio.wait_for(first, 60)).message == 0
            net.stop()
            rest = [event.message async for event in events]
            return 1 + len(rest) + events.missed

    assert asyncio.run(main()) == 1000


def test_events_in_two_loops_and_an_end_that_is_not_asked_for(net, no_threads):
    net.add("n", same)
    events = net.events(["MessageReceived"])
    net.start()

    async def one(value):
        waiting = asyncio.ensure_future(events.__anext__())
        await asyncio.sleep(0)
        net.send("n.in", value)
        return (await asyncio.wait_for(waiting, 60)).message

    assert [asyncio.run(one(value)) for value in (1, 2)] == [1, 2]

    async def rest(end):
        reading = asyncio.ensure_future(events.__anext__())
        await asyncio.sleep(0)
        await asyncio.get_running_loop().run_in_executor(None, end)
        with pytest.raises(StopAsyncIteration):
            await asyncio.wait_for(reading, 60)

    asyncio.run(rest(net.stop))


@pytest.mark.parametrize("end", ["events", "network"])
def test_events_that_are_closed_wake_who_waits(end, no_threads):
    async def main():
        net = reflow.Network().add("n", same)
        events = net.events(["MessageReceived"])
        net.start()
        reading = asyncio.ensure_future(events.__anext__())
        await asyncio.sleep(0)
        close = events.close if end == "events" else net.close
        await asyncio.get_running_loop().run_in_executor(None, close)
        with pytest.raises(StopAsyncIteration):
            await asyncio.wait_for(reading, 60)
        net.close()
        reference = weakref.ref(events)
        del events, close, reading
        # What the loop has still to call, and the thread that has closed it, let go of it when they come to it.
        end_of_patience = time.monotonic() + 60
        while gc.collect() >= 0 and reference() is not None and time.monotonic() < end_of_patience:
            await asyncio.sleep(0)
        return reference

    assert asyncio.run(main())() is None


# ---- outputs ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("mode", ["own", "hosted"])
def test_an_output_of_a_node_that_is_removed_ends(mode, no_threads):
    async def main():
        async with reflow.Network(mode=mode) as net:
            net.add("n", same).add("m", same)
            out = net.stream("n.out")
            net.start()
            reading = asyncio.ensure_future(out.__anext__())
            await asyncio.sleep(0)
            net.remove("n")
            with pytest.raises(StopAsyncIteration):
                await asyncio.wait_for(reading, 60)

    asyncio.run(main())


def test_an_output_whose_network_is_ended_elsewhere(no_threads):
    """Nobody wakes the readers: the engine tells of the end."""

    async def main():
        async with reflow.Network() as net:
            net.add("n", same)
            outs = [net.stream("n.out") for _ in range(3)]
            net.start()
            reading = [asyncio.ensure_future(out.__anext__()) for out in outs]
            await asyncio.sleep(0)
            net._stop(60)
            for each in reading:
                with pytest.raises(StopAsyncIteration):
                    await asyncio.wait_for(each, 60)

    asyncio.run(main())


# ---- closing -----------------------------------------------------------------------------------------

def test_closing_needs_no_thread(no_threads):
    async def main():
        opened, begun, wait = gate()
        net = reflow.Network().add("n", wait)
        net.send("n.in", 1)
        while not begun.is_set():
            await asyncio.sleep(0.001)
        closing = asyncio.ensure_future(net.aclose())
        for _ in range(20):
            await asyncio.sleep(0)
        assert not closing.done() and net.state == "stopping"
        opened.set()
        await asyncio.wait_for(closing, 60)
        assert net.state == "closed"
        await net.aclose()

    asyncio.run(main())


def test_a_network_that_does_not_stop_is_given_up(no_threads):
    async def main():
        opened, begun, wait = gate()
        net = reflow.Network().add("n", wait)
        net.send("n.in", 1)
        while not begun.is_set():
            await asyncio.sleep(0.001)
        with pytest.warns(ResourceWarning, match="not stopped after 0.05 s"):
            await net.aclose(timeout=0.05)
        assert net.closed
        opened.set()

    asyncio.run(main())


def test_a_teardown_does_not_block_the_loop():
    """It may take its time, or ask the loop for something."""
    where = []

    async def main():
        loop = asyncio.get_running_loop()

        @reflow.actor(inports=["in"])
        class Held:
            def run(self, ctx, value):
                pass

            def teardown(self, ctx):
                where.append(threading.get_ident())
                asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result(60)

        net = reflow.Network().add("n", Held)
        net.start()
        await asyncio.wait_for(net.aclose(), 60)

    asyncio.run(main())
    assert where and where[0] != threading.get_ident()
