"""What else the program does while networks run: other threads, and the event loop beside its coroutines."""

import asyncio
import threading
import time

import pytest

import reflow

TICK = 0.01
SECONDS = 3


def compute():
    end = time.perf_counter() + 0.001
    while time.perf_counter() < end:
        pass


def ticks(seconds=SECONDS):
    """How often this thread comes to its turn, which it wants each 10 ms, and how late it is at most."""
    worst = number = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        begin = time.monotonic()
        time.sleep(TICK)
        worst = max(worst, time.monotonic() - begin - TICK)
        number += 1
    return number, worst


@pytest.fixture(scope="module")
def beside_threads():
    """The same beside two threads of Python that compute: what this machine gives at this time."""
    over = threading.Event()

    def work():
        while not over.is_set():
            compute()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        return ticks()
    finally:
        over.set()
        for thread in threads:
            thread.join()


made = 0


@reflow.actor(outports=["out"])
def numbers(ctx):
    global made
    while True:
        made += 1
        yield {"out": made}


@reflow.actor(inports=["in"])
def busy(ctx, value):
    compute()


def a_source(net):
    net.add("source", numbers)


def a_pipeline(net):
    net.add("source", numbers).add("busy", busy).connect("source.out", "busy.in")


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("build", [a_source, a_pipeline])
def test_a_thread_has_its_turns_beside_a_network(build, workers, beside_threads):
    """Actors give the lock of the interpreter away between their batches, not only take it again."""
    with reflow.Network(workers=workers) as net:
        build(net)
        net.start()
        before = made
        number, worst = ticks()
        assert made > before
        net.stop(60)
    others, others_worst = beside_threads
    assert worst < max(0.2, 5 * others_worst)
    assert number > others / 4


@pytest.mark.parametrize("limit", [None, 4])
def test_the_loop_has_its_turns_beside_its_coroutines(limit):
    """Coroutines that compute and do not suspend: their firings have the loop for some milliseconds at a time."""

    @reflow.actor(inports=[reflow.Port("in", capacity=2000)], max_concurrency=limit)
    async def step(ctx, value):
        compute()

    async def main():
        async with reflow.Network() as net:
            net.add("step", step)
            net.start()
            net.send_many("step.in", range(700))
            turns = 0
            while net.counters("step")["fired"] < 100:
                await asyncio.sleep(0)
            while net.counters("step")["fired"] < 600:
                await asyncio.sleep(0)
                turns += 1
            return turns

    # Half a second of firings, of which 5 ms go by at a time.
    assert asyncio.run(asyncio.wait_for(main(), 120)) > 20
