"""What event loops await without a thread that waits: idle networks and outputs."""

import asyncio
import sys
import threading
import time

import pytest

import reflow


@reflow.actor(inports=["in"], outports=["out"])
def same(ctx, value):
    return {"out": value}


def waiting_threads():
    return [t.name for t in threading.enumerate() if t.name.startswith(("reflow-wait", "reflow-stream"))]


def gate():
    """An actor that is not done before its event is set."""
    opened = threading.Event()

    @reflow.actor(inports=["in"], outports=["out"], blocking=True)
    def wait(ctx, value):
        opened.wait(20)
        return {"out": value}

    return opened, wait


@pytest.mark.parametrize("mode", ["own", "hosted", "inline", "simulated"])
def test_idle(mode):
    async def main():
        async with reflow.Network(mode=mode) as net:
            net.add("n", same)
            net.send("n.in", 1)
            await net.idle(timeout=10)
            assert net.counters("n")["fired"] == 1
            await net.idle(timeout=10)  # and once more, when nothing has happened since

    asyncio.run(main())


def test_no_thread_waits():
    async def main():
        opened, wait = gate()
        async with reflow.Network() as net:
            net.add("n", wait)
            out = net.stream("n.out")
            net.send("n.in", 1)
            idle = [asyncio.ensure_future(net.idle(timeout=100)) for _ in range(3)]
            value = asyncio.ensure_future(out.__anext__())
            # Threads of other tests may be about to end.
            deadline = time.monotonic() + 60
            while waiting_threads() and time.monotonic() < deadline:
                await asyncio.sleep(0)
            assert waiting_threads() == [] and not any(task.done() for task in [*idle, value])
            opened.set()
            assert await asyncio.wait_for(value, 10) == 1
            await asyncio.gather(*idle)

    asyncio.run(main())


def test_idle_has_a_timeout_and_can_be_cancelled():
    async def main():
        opened, wait = gate()
        async with reflow.Network() as net:
            net.add("n", wait)
            net.send("n.in", 1)
            with pytest.raises(reflow.TimeoutError, match="not idle"):
                await net.idle(timeout=0.01)
            task = asyncio.ensure_future(net.idle())
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            opened.set()
            await net.idle(timeout=10)

    asyncio.run(main())


def test_idle_tells_of_a_pause_and_of_a_failure():
    @reflow.actor(inports=["in"])
    def fail(ctx, value):
        raise ValueError("no")

    async def main():
        async with reflow.Network() as net:
            net.add("n", same)
            net.start()
            net.pause("n")
            net.send("n.in", 1)
            with pytest.raises(reflow.WouldBlockError):
                await net.idle(timeout=10)
            net.resume("n")
            await net.idle(timeout=10)
        async with reflow.Network() as net:
            net.add("bad", fail, {"failure": {"then": "escalate"}})
            net.send("bad.in", 1)
            with pytest.raises(reflow.Error, match="no"):
                await net.idle(timeout=10)

    asyncio.run(main())


def test_stopping_ends_the_wait_for_idle():
    async def main():
        opened, wait = gate()
        async with reflow.Network() as net:
            net.add("n", wait)
            net.send("n.in", 1)
            idle = asyncio.ensure_future(net.idle(timeout=20))
            await asyncio.sleep(0)
            stopping = asyncio.get_running_loop().run_in_executor(None, net.stop)
            opened.set()
            await idle
            await stopping

    asyncio.run(main())


@pytest.mark.parametrize("end", ["drain", "stop", "close", "output"])
def test_readers_are_woken_at_the_end(end, monkeypatch):
    from reflow import _aio

    monkeypatch.setattr(_aio.Reader, "LOOK", 1000)  # so that nothing is found by looking

    async def main():
        net = reflow.Network()
        net.add("n", same)
        out = net.stream("n.out")
        net.send("n.in", 1)

        async def read():
            return [value async for value in out]

        reading = asyncio.ensure_future(read())
        for _ in range(10):
            await asyncio.sleep(0)
        await net.idle(timeout=10)
        method = out.close if end == "output" else getattr(net, end)
        await asyncio.get_running_loop().run_in_executor(None, method)
        assert await asyncio.wait_for(reading, 20) in ([1], [])
        net.close()

    asyncio.run(main())


def test_a_network_that_ends_by_itself_is_found_out():
    @reflow.actor(inports=["in"], outports=["out"])
    def fail(ctx, value):
        raise ValueError("no")

    async def main():
        async with reflow.Network() as net:
            net.add("bad", fail, {"failure": {"then": "escalate"}})
            out = net.stream("bad.out")
            net.send("bad.in", 1)
            return [value async for value in out]

    assert asyncio.run(asyncio.wait_for(main(), 20)) == []


def test_many_values_and_several_loops(net):
    net.add("n", same)
    out = net.stream("n.out")

    async def read(count):
        values = []
        async for value in out:
            values.append(value)
            if len(values) == count:
                return values

    for _ in range(2):
        sender = threading.Thread(target=net.send_many, args=("n.in", list(range(20000))))
        sender.start()
        assert asyncio.run(asyncio.wait_for(read(20000), 30)) == list(range(20000))
        sender.join()


@pytest.mark.parametrize("mode", ["hosted", "inline", "simulated"])
def test_outputs_without_threads_of_the_engine(mode):
    async def main():
        async with reflow.Network(mode=mode) as net:
            net.add("n", same)
            out = net.stream("n.out")
            net.start()

            async def read():
                return [await out.__anext__() for _ in range(3)]

            reading = asyncio.ensure_future(read())
            await asyncio.sleep(0)
            for number in range(3):
                net.send("n.in", number)
                await asyncio.sleep(0)
            return await reading

    assert asyncio.run(asyncio.wait_for(main(), 30)) == [0, 1, 2]


def test_two_tasks_read_one_output():
    async def main():
        async with reflow.Network() as net:
            net.add("n", same)
            out = net.stream("n.out")
            net.start()
            tasks = [asyncio.ensure_future(out.__anext__()) for _ in range(3)]
            await asyncio.sleep(0)
            tasks[0].cancel()
            net.send_many("n.in", [7, 8])
            assert sorted(await asyncio.wait_for(asyncio.gather(*tasks[1:]), 10)) == [7, 8]

    asyncio.run(main())


# ---- room -------------------------------------------------------------------------------------------

def narrow():
    """A gate whose inport has room for one value."""
    opened = threading.Event()

    @reflow.actor(inports=[reflow.Port("in", capacity=1)], outports=["out"], blocking=True)
    def wait(ctx, value):
        opened.wait(60)
        return {"out": value}

    return opened, wait


def counting(net):
    """Counts how often a network is asked to take a value."""
    counted = []
    try_send = net.try_send
    net.try_send = lambda *arguments: counted.append(arguments) or try_send(*arguments)
    return counted


def test_feed_is_told_of_room():
    async def main():
        opened, wait = narrow()
        async with reflow.Network() as net:
            net.add("n", wait)
            out = net.stream("n.out")
            tries = counting(net)
            fed = asyncio.ensure_future(net.feed("n.in", range(50)))
            before = -1
            while len(tries) != before or len(tries) < 2:  # until it has been refused twice in a row
                before = len(tries)
                await asyncio.sleep(0.01)
            for _ in range(20):  # what looked again and again would do so now
                await asyncio.sleep(0.005)
            assert len(tries) == before and not fed.done()
            opened.set()
            assert await asyncio.wait_for(fed, 60) == 50
            await net.idle(60)
            assert out.recv_many(100, 5) == list(range(50))

    asyncio.run(main())


def test_several_loops_feed_one_port(net):
    @reflow.actor(inports=[reflow.Port("in", capacity=3)], outports=["out"])
    def through(ctx, value):
        return {"out": value}

    net.add("n", through)
    out = net.stream("n.out", capacity=10_000)
    net.start()
    fed = []

    async def main(name):
        fed.extend(await asyncio.gather(*(net.feed("n.in", [(name, part, i) for i in range(200)])
                                          for part in range(3))))

    loops = [threading.Thread(target=lambda name=name: asyncio.run(main(name))) for name in range(4)]
    for loop in loops:
        loop.start()
    for loop in loops:
        loop.join(120)
    assert fed == [200] * 12
    net.wait_idle(60)
    values = out.recv_many(10_000, 5)
    assert len(values) == 2400
    for name in range(4):
        for part in range(3):
            assert [v[2] for v in values if v[:2] == [name, part]] == list(range(200))


@pytest.mark.parametrize("end", ["stop", "close", "cancel", "replace"])
def test_the_end_of_a_wait_for_room(end):
    async def main():
        opened, wait = narrow()
        async with reflow.Network() as net:
            net.add("n", wait)
            tries = counting(net)
            fed = asyncio.ensure_future(net.feed("n.in", range(50)))
            before = -1
            while len(tries) != before or len(tries) < 2:
                before = len(tries)
                await asyncio.sleep(0.01)
            if end == "cancel":
                fed.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await fed
                opened.set()
                assert await net.feed("n.in", ["next"]) == 1
                return
            other = threading.Thread(target={"stop": net.stop, "close": net.close,
                                             "replace": lambda: net.replace("n", same)}[end])
            other.start()
            opened.set()
            if end == "replace":
                assert await asyncio.wait_for(fed, 60) == 50
            else:
                with pytest.raises(reflow.ClosedError):
                    await asyncio.wait_for(fed, 60)
            other.join(60)

    asyncio.run(main())


@pytest.mark.parametrize("mode", ["hosted", "inline", "simulated"])
def test_feed_without_threads_of_the_engine(mode):
    async def main():
        async with reflow.Network(mode=mode) as net:
            net.add("n", same)
            out = net.stream("n.out", capacity=8)

            async def read():
                return [await out.__anext__() for _ in range(3000)]

            values = asyncio.ensure_future(read())
            assert await asyncio.wait_for(net.feed("n.in", range(3000)), 60) == 3000
            assert await asyncio.wait_for(values, 60) == list(range(3000))

    asyncio.run(main())


# ---- draining ---------------------------------------------------------------------------------------

def finishing(opened):
    @reflow.actor(inports=["in"], outports=["out"], blocking=True)
    class Sum:
        def setup(self, ctx):
            self.sum = 0

        def run(self, ctx, value):
            self.sum += value

        def finish(self, ctx):
            opened.wait(60)
            ctx.emit("out", self.sum)

    return Sum


def test_a_drain_takes_no_thread():
    async def main():
        opened = threading.Event()
        async with reflow.Network() as net:
            Sum = finishing(opened)
            net.add("a", same).add("s", Sum).add("t", Sum).connect("a.out", "s.in").connect("s.out", "t.in")
            out = net.stream("t.out")
            net.send_many("a.in", range(10))
            drained = asyncio.ensure_future(net.run())
            while net.state != "draining":
                await asyncio.sleep(0)
            with pytest.raises(reflow.TimeoutError):
                await net.run(timeout=0.05)
            deadline = time.monotonic() + 60
            while waiting_threads() and time.monotonic() < deadline:
                await asyncio.sleep(0)
            assert waiting_threads() == [] and not drained.done()
            opened.set()
            report = await asyncio.wait_for(drained, 60)
            assert net.state == "drained" and report["s"]["fired"] == 10
            assert [value async for value in out] == [45]

    asyncio.run(main())


def test_a_drain_that_a_breakpoint_stops_goes_on():
    from reflow import _aio

    async def main():
        async with reflow.Network() as net:
            net.add("a", same).add("b", same).connect("a.out", "b.in")
            out = net.stream("b.out")
            net.start()
            events = net.events(["Breakpoint"])
            net.add_breakpoint("b.in", when="it == 1")
            net.pause()
            net.send("a.in", 1)
            drained = asyncio.ensure_future(_aio.drain(net, 60))
            assert (await asyncio.wait_for(events.__anext__(), 60)).node == "b"
            assert not drained.done()
            net.resume()
            await asyncio.wait_for(drained, 60)
            assert [value async for value in out] == [1]

    asyncio.run(main())


@pytest.mark.parametrize("method", ["recv", "recv_many", "recv_enveloped", "next"])
def test_a_thread_that_waits_for_an_output_is_woken_by_close(net, method):
    net.add("n", same)
    out = net.stream("n.out")
    net.start()
    told = []

    def read():
        try:
            told.append(next(out, "end") if method == "next" else getattr(out, method)())
        except reflow.Error as error:
            told.append(error)

    reading = threading.Thread(target=read, daemon=True)
    reading.start()
    while sys._current_frames()[reading.ident].f_code is not read.__code__:
        pass
    out.close()
    reading.join(10)
    assert not reading.is_alive()
    if method == "next":
        assert told == ["end"]
    else:
        assert isinstance(told[0], reflow.ClosedError) and str(told[0]) == "the stream is closed"


def waits_in(thread, code):
    """Whether the thread is in a call of the module that this function makes."""
    frame = sys._current_frames().get(thread.ident)
    return frame is not None and frame.f_code is code


@pytest.mark.parametrize("side", ["read", "collect", "write"])
def test_a_thread_that_waits_in_a_stream_is_woken_by_the_end_of_its_network(side):
    net = reflow.Network()
    net.add("n", same)
    out = net.stream("n.out")
    stream = net.open_stream(max_frames=2)
    net.send("n.in", stream)
    reader = out.recv(10)
    told = []

    def wait():
        try:
            if side == "write":
                while True:
                    stream.write(b"x")
            else:
                getattr(reader, side)()
        except reflow.Error as error:
            told.append(error)

    waiting = threading.Thread(target=wait, daemon=True)
    waiting.start()
    code = {"read": reflow.Stream.read, "collect": reflow.Stream.collect, "write": reflow.Stream.write}[side].__code__
    while not waits_in(waiting, code):
        pass
    net.close()
    waiting.join(10)
    assert not waiting.is_alive()
    assert isinstance(told[0], reflow.ClosedError) and str(told[0]) == "the network of the stream is closed"


@pytest.mark.parametrize("side", ["aread", "acollect", "awrite"])
def test_a_task_that_waits_in_a_stream_is_woken_by_the_end_of_its_network(side):
    async def main():
        net = reflow.Network()
        net.add("n", same)
        out = net.stream("n.out")
        stream = net.open_stream(max_frames=2)
        net.send("n.in", stream)
        reader = await out.__anext__()

        async def write():
            while True:
                await stream.awrite(b"x")

        waiting = asyncio.ensure_future(write() if side == "awrite" else getattr(reader, side)())
        while not net.runtime._awaited:
            await asyncio.sleep(0)
        await asyncio.get_running_loop().run_in_executor(None, net.close)
        with pytest.raises(reflow.ClosedError, match="the network of the stream is closed"):
            await asyncio.wait_for(waiting, 10)
        assert not net.runtime._awaited

    asyncio.run(main())


def test_what_is_in_a_stream_is_there_when_its_network_is_closed():
    with reflow.Network() as net:
        net.add("n", same)
        out = net.stream("n.out")
        stream = net.open_stream()
        net.send("n.in", stream)
        reader = out.recv(10)
        stream.write(b"one")
        stream.write(b"two")
        assert bytes(reader.read(10)) == b"one"
    stream.end()
    assert reader.collect() == b"two"


@pytest.mark.parametrize("own", [True, False])
def test_what_is_in_a_stream_that_nobody_has_begun_to_read_is_there_when_its_network_is_closed(own):
    runtime = None if own else reflow.Runtime()
    net = reflow.Network(runtime=runtime)
    net.add("n", same)
    out = net.stream("n.out")
    stream = net.open_stream()
    net.send("n.in", stream)
    reader = out.recv(10)
    stream.write(b"one")
    stream.write(b"two")
    net.close()
    if own:
        with pytest.raises(reflow.ClosedError, match="network of the stream is closed"):
            stream.write(b"three")
    else:
        stream.write(b"three")
    stream.end()
    assert reader.collect(timeout=10) == (b"onetwo" if own else b"onetwothree")
    if runtime is not None:
        runtime.close()


def test_streams_that_are_never_read_hold_no_closed_runtime_for_longer_than_they_live(program):
    done = program("""
        import os, time, reflow

        def threads():
            names = []
            for task in os.listdir("/proc/self/task"):
                try:
                    with open(f"/proc/self/task/{task}/comm") as file:
                        names.append(file.read())
                except OSError:
                    pass
            return [name for name in names if name.startswith("rf-")]

        @reflow.actor(inports=["in"], outports=["out"])
        def same(ctx, value):
            return {"out": value}

        with reflow.Network() as net:
            net.add("n", same)
            out = net.stream("n.out")
            net.send("n.in", net.open_stream())
            reader = out.recv(10)
            out.close()
        assert threads()
        del reader
        end = time.monotonic() + 60
        while threads():
            assert time.monotonic() < end
    """)
    assert done.returncode == 0, done.stderr
