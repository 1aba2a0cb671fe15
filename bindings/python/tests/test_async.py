"""Coroutines as actors, and networks in programs with an event loop."""

import asyncio
import contextvars
import threading
import time

import pytest

import reflow


@reflow.actor(inports=["in"], outports=["out"])
def same(ctx, value):
    return {"out": value}


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 30))


@pytest.fixture(params=["asyncio", "uvloop"])
def run_on(request):
    """Runs a coroutine on a loop of each kind."""
    if request.param == "asyncio":
        return run
    uvloop = pytest.importorskip("uvloop")

    def with_uvloop(coroutine):
        loop = uvloop.new_event_loop()
        try:
            return loop.run_until_complete(asyncio.wait_for(coroutine, 30))
        finally:
            loop.close()

    return with_uvloop


def test_without_a_loop_of_the_program():
    threads = set()

    @reflow.actor(inports=["in"], outports=["out"])
    async def step(ctx, value):
        threads.add(threading.current_thread().name)
        if value % 10 == 0:
            await asyncio.sleep(0.001)
        return {"out": value}

    with reflow.Network() as net:
        net.add("s", step)
        out = net.stream("s.out")
        net.send_many("s.in", range(500))
        net.wait_idle(20)
        assert out.recv_many(1000, 5) == list(range(500))
    assert threads == {"reflow-asyncio"}


def test_on_the_loop_of_the_program(run_on):
    async def main():
        loop = asyncio.get_running_loop()
        here = threading.get_ident()
        seen = []

        @reflow.actor(inports=["in"], outports=["out"], max_concurrency=32)
        async def fetch(ctx, value):
            seen.append((asyncio.get_running_loop() is loop, threading.get_ident() == here,
                         asyncio.current_task() is not None))
            await asyncio.sleep(0.002)
            return {"out": value * 2}

        async with reflow.Network() as net:
            net.add("f", fetch)
            out = net.stream("f.out")
            net.send_many("f.in", range(100))
            await net.idle(20)
            assert sorted(out.recv_many(200, 5)) == [2 * i for i in range(100)]
        assert net.closed
        assert set(seen) == {(True, True, True)} and len(seen) == 100

    run_on(main())


def test_async_streams(run_on):
    async def main():
        async with reflow.Network() as net:
            net.add("a", same)
            out = net.stream("a.out")
            net.start()
            got = []

            async def read():
                async for value in out:
                    got.append(value)

            reader = asyncio.ensure_future(read())
            for i in range(50):
                net.send("a.in", i)
                await asyncio.sleep(0)
            report = await net.run(20)
            await reader
            assert got == list(range(50))
            assert report["a"]["fired"] == 50

    run_on(main())


def test_hosted_by_the_loop(run_on):
    async def main():
        threads = set()

        @reflow.actor(inports=["in"], outports=["out"])
        def where(ctx, value):
            threads.add(threading.get_ident())
            return {"out": value}

        @reflow.actor(inports=["in"], outports=["out"])
        async def later(ctx, value):
            threads.add(threading.get_ident())
            await asyncio.sleep(0.001)
            return {"out": value}

        async with reflow.Network(mode="hosted") as net:
            net.add("w", where).add("l", later).connect("w.out", "l.in")
            out = net.stream("l.out")
            net.start()
            for i in range(10):
                net.send("w.in", i)
            got = []
            async for value in out:
                got.append(value)
                if len(got) == 10:
                    break
            assert got == list(range(10))
            await net.idle(10)
        assert threads == {threading.get_ident()}

    run_on(main())


@pytest.mark.parametrize("limit", [None, 1, 4])
def test_concurrency_and_order(limit):
    running = most = 0

    @reflow.actor(inports=["in"], outports=["out"], max_concurrency=limit)
    async def step(ctx, value):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.002)
        running -= 1
        return {"out": value}

    with reflow.Network() as net:
        net.add("s", step)
        out = net.stream("s.out")
        net.send_many("s.in", range(40))
        net.wait_idle(20)
        got = out.recv_many(100, 5)
    assert most == (limit or 1)
    assert sorted(got) == list(range(40))
    if limit in (None, 1):
        assert got == list(range(40))


def test_outputs_in_the_order_of_inputs():
    @reflow.actor(inports=["in"], outports=["out"], max_concurrency=8, ordered=True)
    async def step(ctx, value):
        await asyncio.sleep(0.004 if value % 2 else 0)
        return {"out": value}

    with reflow.Network() as net:
        net.add("s", step)
        out = net.stream("s.out")
        net.send_many("s.in", range(40))
        net.wait_idle(20)
        assert out.recv_many(100, 5) == list(range(40))


def test_generators_emits_and_classes():
    @reflow.actor(inports=["in"], outports=["out"])
    async def count(ctx, value):
        for i in range(value):
            await asyncio.sleep(0)
            yield {"out": i}

    @reflow.actor(outports=["out"])
    async def source(ctx):
        for i in range(700):
            yield {"out": i}

    @reflow.actor(inports=["in"], outports=["out"])
    class Class:
        def setup(self, ctx):
            self.factor = ctx.config["factor"]

        async def run(self, ctx, value):
            ctx.emit("out", value)
            await asyncio.sleep(0)
            await ctx.send("out", value * self.factor)

    with reflow.Network() as net:
        net.add("c", count).add("s", source).add("k", Class, factor=10)
        outs = [net.stream(f"{n}.out", capacity=5000) for n in "csk"]
        net.send("c.in", 5)
        net.send_many("k.in", [1, 2])
        net.wait_idle(20)
        assert [o.recv_many(5000, 5) for o in outs] == [
            list(range(5)), list(range(700)), [1, 10, 2, 20]]
        assert net.errors == []


def test_failures_keep_their_traceback():
    async def inner():
        await asyncio.sleep(0)
        raise LookupError("deep")

    @reflow.actor(inports=["in"], outports=["out"])
    async def fails(ctx, value):
        if value == "wrong":
            return 5
        if value == "soon":
            raise ValueError("soon")
        await inner()

    with reflow.Network() as net:
        net.add("f", fails)
        errors = net.stream("f.error")
        net.send_many("f.in", ["soon", "later", "wrong"])
        texts = [errors.recv(5).text for _ in range(3)]
        assert "ValueError: soon" in texts[0] and "LookupError: deep" in texts[1]
        assert "returned int" in texts[2]
        net.wait_idle(5)
        names = []
        trace = net.errors[1].exception.__traceback__
        while trace:
            names.append(trace.tb_frame.f_code.co_name)
            trace = trace.tb_next
        assert names[-2:] == ["fails", "inner"]


def test_timeouts_cancel():
    ended = []

    @reflow.actor(inports=["in"], outports=["out"], timeout=0.5, max_concurrency=4)
    async def slow(ctx, value):
        try:
            await asyncio.sleep(value)
        except asyncio.CancelledError:
            ended.append(("cancelled", ctx.stopping))
            raise
        return {"out": value}

    with reflow.Network() as net:
        net.add("s", slow)
        out, errors = net.stream("s.out"), net.stream("s.error")
        net.send_many("s.in", [20, 0, 20])
        begin = time.monotonic()
        assert out.recv(10) == 0
        assert "timeout" in errors.recv(10).text
        net.wait_idle(10)
        assert time.monotonic() - begin < 19
        deadline = time.monotonic() + 60
        while len(ended) < 2 and time.monotonic() < deadline:
            time.sleep(0.001)
        assert ended == [("cancelled", True)] * 2
        net.send("s.in", 0)
        assert out.recv(5) == 0


def test_cancelling_and_stopping():
    started = threading.Semaphore(0)
    cancelled = threading.Semaphore(0)

    @reflow.actor(inports=["in"], outports=["out"], max_concurrency=3)
    async def wait(ctx, value):
        started.release()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.release()
            raise

    net = reflow.Network()
    net.add("w", wait)
    net.send_many("w.in", [1, 2, 3])
    for _ in range(3):
        assert started.acquire(timeout=5)
    assert net.cancel("w") == 3
    for _ in range(3):
        assert cancelled.acquire(timeout=5)
    net.send("w.in", 4)
    assert started.acquire(timeout=5)
    net.close()
    assert cancelled.acquire(timeout=5)


def test_emitting_after_the_end():
    kept = []

    @reflow.actor(inports=["in"], outports=["out"])
    async def keep(ctx, value):
        kept.append(ctx)

    with reflow.Network() as net:
        net.add("k", keep)
        net.send("k.in", 1)
        net.wait_idle(5)
        with pytest.raises(reflow.InvalidStateError, match="after its firing has ended"):
            kept[0].emit("out", 1)


def test_blocking_waits_on_the_loop_are_refused(run_on):
    async def main():
        @reflow.actor(inports=["in"])
        async def step(ctx, value):
            await asyncio.sleep(0)

        async with reflow.Network() as net:
            net.add("s", step)
            net.send("s.in", 1)
            with pytest.raises(reflow.WouldDeadlockError, match="await net.idle"):
                net.wait_idle(5)
            await net.idle(5)

    run_on(main())


def test_waits_can_be_cancelled():
    async def main():
        gate = threading.Event()

        @reflow.actor(inports=["in"])
        def wait(ctx, value):
            gate.wait(20)

        async with reflow.Network() as net:
            net.add("w", wait)
            net.send("w.in", 1)
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(net.idle(), 0.05)
            with pytest.raises(reflow.TimeoutError):
                await net.idle(0.05)
            gate.set()
            await net.idle(10)

    run(main())


def test_a_loop_that_has_ended():
    @reflow.actor(inports=["in"])
    async def step(ctx, value):
        await asyncio.sleep(0)

    net = reflow.Network()

    async def main():
        net.add("s", step)
        net.send("s.in", 1)
        await net.idle(5)

    run(main())
    net.send("s.in", 2)
    net.wait_idle(5)
    with net:
        assert net.counters("s")["fired"] == 2


def test_context_variables_of_asyncio_work():
    variable = contextvars.ContextVar("variable", default=0)

    @reflow.actor(inports=["in"], outports=["out"], max_concurrency=4)
    async def step(ctx, value):
        variable.set(value)
        await asyncio.sleep(0.001)
        return {"out": variable.get() == value}

    with reflow.Network() as net:
        net.add("s", step)
        out = net.stream("s.out")
        net.send_many("s.in", range(1, 21))
        net.wait_idle(10)
        assert out.recv_many(100, 5) == [True] * 20


def test_sending_more_than_fits_from_the_loop(run_on):
    async def main():
        @reflow.actor(inports=[reflow.Port("in", capacity=4)], outports=["out"])
        async def slow(ctx, value):
            await asyncio.sleep(0)
            return {"out": value}

        async with reflow.Network() as net:
            net.add("s", slow, None).add("a", same).connect("s.out", "a.in")
            out = net.stream("a.out", capacity=5000)
            with pytest.raises(reflow.WouldDeadlockError, match="await net.feed"):
                for i in range(5000):
                    net.send("s.in", i)
            await net.idle(10)
            already = len(out.recv_many(5000, 1))
            assert await net.feed("s.in", range(1000)) == 1000

            async def more():
                for i in range(3):
                    yield i

            assert await net.feed("s.in", more()) == 3
            await net.idle(20)
            assert already >= 4
            assert out.recv_many(5000, 1) == list(range(1000)) + [0, 1, 2]

    run_on(main())


def test_a_stream_that_is_no_longer_read_keeps_no_thread():
    async def main():
        async with reflow.Network() as net:
            net.add("a", same)
            out = net.stream("a.out")
            net.send("a.in", 1)
            assert await out.__anext__() == 1
            waiting = asyncio.ensure_future(out.__anext__())
            await asyncio.sleep(0.01)
            waiting.cancel()
            end = time.monotonic() + 10
            while any(t.name == "reflow-stream" for t in threading.enumerate()):
                assert time.monotonic() < end
                await asyncio.sleep(0.01)
            net.send("a.in", 2)
            assert await out.__anext__() == 2

    run(main())


def test_leaving_from_a_coroutine_does_not_stop_the_others():
    @reflow.actor(inports=["in"], outports=["out"])
    async def leave(ctx, value):
        if value == "leave":
            raise SystemExit(3)
        return {"out": value}

    with reflow.Network() as net:
        net.add("l", leave)
        out = net.stream("l.out")
        net.send_many("l.in", [1, "leave", 2])
        net.wait_idle(10)
        assert out.recv_many(10, 5) == [1, 2]
        assert isinstance(net.errors[0].exception, SystemExit)


WAITS_ON_A_LOOP = {
    "recv": lambda net, out, events: out.recv(),
    "recv with a timeout": lambda net, out, events: out.recv(60),
    "recv_many": lambda net, out, events: out.recv_many(),
    "for": lambda net, out, events: next(iter(out)),
    "poll": lambda net, out, events: events.poll(60),
    "for events": lambda net, out, events: next(iter(events)),
    "wait_idle": lambda net, out, events: net.wait_idle(),
    "drain": lambda net, out, events: net.drain(),
}


@pytest.mark.parametrize("name", WAITS_ON_A_LOOP)
def test_waits_on_the_thread_of_the_loop_are_refused(name):
    """As in a cell of Jupyter: what they wait for runs on that loop, which would stand still."""

    @reflow.actor(inports=["in"], outports=["out"])
    async def step(ctx, value):
        await asyncio.sleep(0)
        return {"out": value}

    async def cell():
        with reflow.Network() as net:
            net.add("s", step)
            out = net.stream("s.out")
            events = net.events(["ActorCompleted"])
            net.send("s.in", 1)
            with pytest.raises(reflow.WouldDeadlockError, match="await "):
                WAITS_ON_A_LOOP[name](net, out, events)
            await net.idle()
            assert out.recv() == 1  # it is there, so nothing waits
            assert [event.node for event in events.poll(60)] == ["s"]

    run(cell())


def test_run_on_the_thread_of_a_loop_names_arun():
    @reflow.actor(inports=["in"], outports=["out"])
    async def step(ctx, value):
        return {"out": value}

    graph = reflow.Graph().add("s", step).expose_in("i", "s.in").expose_out("o", "s.out")

    async def cell():
        with pytest.raises(reflow.WouldDeadlockError, match="await reflow.arun"):
            reflow.run(graph, inputs={"i": [1]})
        return (await reflow.arun(graph, inputs={"i": [1]}))["o"]

    assert run(cell()) == [1]


def test_a_close_inside_of_a_firing_is_refused():
    answers = []

    @reflow.actor(inports=["in"])
    async def close(ctx, value):
        try:
            await net.aclose()
        except reflow.WouldDeadlockError as error:
            answers.append(str(error))

    async def main():
        nonlocal net
        async with reflow.Network() as net:
            net.add("c", close)
            net.send("c.in", 1)
            await net.idle(20)
            assert not net.closed

    net = None
    run(main())
    assert len(answers) == 1 and "inside of a firing of node 'c'" in answers[0]


@pytest.mark.parametrize("suspends", [True, False])
def test_what_the_engine_finds_of_coroutines_is_among_the_errors(suspends):
    @reflow.actor(inports=["in"], timeout=0.05)
    async def slow(ctx, value):
        if suspends:
            await asyncio.sleep(60)
        else:
            time.sleep(0.3)

    with reflow.Network() as net:
        net.add("s", slow)
        net.send("s.in", 1)
        net.wait_idle(60)
        end = time.monotonic() + 60
        while not net.errors and time.monotonic() < end:
            pass
        (failure,) = net.errors
        assert failure.node == "s" and isinstance(failure.exception, reflow.TimeoutError)


def test_firings_of_a_loop_that_has_ended_are_among_the_errors():
    @reflow.actor(inports=["in"])
    async def step(ctx, value):
        await asyncio.sleep(0)

    async def main():
        net.add("s", step)
        net.start()

    with reflow.Network() as net:
        asyncio.run(main())
        net.send("s.in", 1)
        net.wait_idle(60)
        (failure,) = net.errors
        assert failure.node == "s" and "event loop" in str(failure.exception)
