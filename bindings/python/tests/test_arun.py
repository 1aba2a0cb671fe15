"""reflow.arun: a graph from beginning to end while an event loop goes on. What it gives is what run gives."""

import asyncio
import threading
import time

import pytest

import reflow


@reflow.actor(inports=["in"], outports=["out"])
def double(ctx, value):
    return {"out": value * 2}


def doubling(actor=double):
    return reflow.Graph("g").add("d", actor).expose_in("i", "d.in").expose_out("o", "d.out")


@pytest.mark.parametrize("mode", ["own", "hosted", "inline", "simulated", "lent"])
def test_it_gives_what_run_gives(mode):
    count = 5000  # more than the queues hold
    result = asyncio.run(reflow.arun(doubling(), inputs={"i": range(count)}, collect=["d.out"], mode=mode, timeout=60))
    told = reflow.run(doubling(), inputs={"i": range(count)}, collect=["d.out"], timeout=60)
    doubled = [2 * i for i in range(count)]
    assert result.outputs == told.outputs == {"o": doubled, "d.out": doubled}
    assert result.report == told.report and result.errors == []


def test_the_loop_goes_on_and_coroutines_are_on_it():
    loops = []
    answered = asyncio.Event

    @reflow.actor(inports=["in"], outports=["out"], max_concurrency=4)
    async def ask(ctx, value):
        loops.append(asyncio.get_running_loop())
        await gate.wait()
        return {"out": value + 1}

    async def main():
        nonlocal gate
        gate = answered()
        running = asyncio.ensure_future(reflow.arun(doubling(ask), inputs={"i": range(100)}, timeout=60))
        while not loops:
            await asyncio.sleep(0)
        assert not running.done()
        gate.set()
        result = await running
        assert sorted(result["o"]) == list(range(1, 101))
        assert set(loops) == {asyncio.get_running_loop()}

    gate = None
    asyncio.run(main())


def test_asynchronous_inputs():
    async def numbers():
        for i in range(1000):
            if i % 100 == 0:
                await asyncio.sleep(0)
            yield i

    result = asyncio.run(reflow.arun(doubling(), inputs={"i": numbers()}, timeout=60))
    assert result["o"] == [2 * i for i in range(1000)]
    with pytest.raises(reflow.UnsupportedError, match=r"inputs\['i'\] is an asynchronous iterable"):
        asyncio.run(reflow.arun(doubling(), inputs={"i": numbers()}, mode="inline"))


def test_several_inputs_side_by_side():
    @reflow.actor(inports=["a", "b"], outports=["out"])
    def pair(ctx, a, b):
        return {"out": [a, b]}

    graph = (reflow.Graph().add("p", pair).expose_in("a", "p.a").expose_in("b", "p.b").expose_out("o", "p.out"))
    result = asyncio.run(reflow.arun(graph, inputs={"a": range(3000), "b": range(3000)}, timeout=60))
    assert result["o"] == [[i, i] for i in range(3000)]


@pytest.mark.parametrize("mode", ["own", "inline"])
def test_what_it_raises(mode):
    @reflow.actor(inports=["in"], outports=["out"])
    def fail(ctx, value):
        if value == 3:
            raise ValueError("three")

    async def run(graph, **options):
        return await reflow.arun(graph, timeout=60, mode=mode, **options)

    with pytest.raises(reflow.FailedError, match="node 'd': ValueError: three") as caught:
        asyncio.run(run(doubling(fail), inputs={"i": range(5)}))
    assert isinstance(caught.value.__cause__, ValueError) and caught.value.result.report["d"]["failed"] == 1
    assert len(asyncio.run(run(doubling(fail), inputs={"i": range(5)}, check=False)).errors) == 1
    with pytest.raises(reflow.ConversionError, match=r"inputs\['i'\], value 1: "):
        asyncio.run(run(doubling(), inputs={"i": [1, object()]}))
    with pytest.raises(reflow.NotFoundError):
        asyncio.run(run(doubling(), collect=["d.nope"]))
    with pytest.raises(reflow.NotFoundError):
        asyncio.run(run(doubling(), set={"nope.key": 1}))


@pytest.mark.parametrize("mode", ["own", "hosted"])
def test_values_that_nothing_takes(mode):
    @reflow.actor(inports=["a", "b"], outports=["out"])
    def pair(ctx, a, b):
        return {"out": [a, b]}

    graph = reflow.Graph().add("p", pair).expose_in("a", "p.a").expose_in("b", "p.b").expose_out("o", "p.out")
    with pytest.raises(reflow.WouldBlockError, match="'a' is full, and the network is idle"):
        asyncio.run(reflow.arun(graph, inputs={"a": range(100000), "b": []}, timeout=60, mode=mode))


@pytest.mark.parametrize(("mode", "end"), [
    ("own", "timeout"), ("own", "cancel"), ("lent", "cancel"), ("inline", "cancel"),
])
def test_a_run_that_does_not_end(mode, end):
    begun, stop = threading.Event(), threading.Event()

    @reflow.actor(inports=["in"], outports=["out"])
    def hold(ctx, value):
        begun.set()
        while not ctx.stopping and not stop.wait(0.01):
            pass

    async def main():
        limit = 0.3 if end == "timeout" else None
        running = asyncio.ensure_future(reflow.arun(doubling(hold), inputs={"i": range(10)}, timeout=limit, mode=mode))
        if end == "timeout":
            with pytest.raises(reflow.TimeoutError, match="the run is not over after 0.3 s"):
                await running
            return
        while not begun.is_set():
            await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    began = time.monotonic()
    asyncio.run(main())
    stop.set()
    assert time.monotonic() - began < 30


def test_environment_of_a_run():
    graph = reflow.Graph("g").add("map", "Map", {"value": "it + $WORD", "env_vars": {"WORD": "required"}})
    graph.expose_in("in", "map.in").expose_out("out", "map.out")
    result = asyncio.run(reflow.arun(graph, env={"WORD": "b"}, inputs={"in": ["a"]}))
    assert result["out"] == ["ab"]
