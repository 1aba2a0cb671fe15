"""What event loops await without a thread that waits: idle networks and outputs."""

import asyncio
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
