"""What is told of event loops: firings that they do not go on with, waits for oneself, events without a thread."""

import asyncio
import logging
import threading

import pytest

import reflow

WAIT = 120  # seconds, for what comes at once


@reflow.actor(inports=["in"], outports=["out"])
def same(ctx, value):
    return {"out": value}


def names(events, count):
    """The nodes that the next events tell of."""
    told = []
    while len(told) < count:
        told.extend(event.node for event in events.poll(WAIT))
    return told


@pytest.mark.parametrize("suspends", [False, True])
def test_a_coroutine_that_blocks_is_named(suspends):
    opened = threading.Event()

    @reflow.actor(inports=["in"], outports=["out"])
    async def blocks(ctx, value):
        if suspends:
            await asyncio.sleep(0)
        if value == "block":
            opened.wait(WAIT)
        return {"out": value}

    with reflow.Network() as net:
        net.add("n", blocks, {"firing": {"watchdog_ms": 30}}).add("free", blocks)
        out = net.stream("n.out")
        events = net.events(["ActorStuck"])
        net.send("n.in", "pass")
        assert out.recv(WAIT) == "pass"
        net.send("n.in", "block")
        assert names(events, 1) == ["n"]
        assert net.metrics()["nodes"]["n"]["stuck"] == 1
        opened.set()
        net.wait_idle(WAIT)
        assert out.recv(WAIT) == "block"
        # The next time it is another one.
        opened.clear()
        net.send("n.in", "block")
        assert names(events, 1) == ["n"]
        opened.set()
        net.wait_idle(WAIT)


def test_a_loop_that_turns_is_not_told_of():
    @reflow.actor(inports=["in"], outports=["out"], timeout=0.5)
    async def waits(ctx, value):
        await asyncio.Event().wait()

    with reflow.Network(watchdog_ms=20_000) as net:
        net.add("n", waits)
        events = net.events(["ActorStuck"])
        net.send("n.in", 1)
        net.wait_idle(WAIT)
        assert events.poll() == [] and len(net.dead_letters) == 1


def test_waits_for_oneself_are_refused():
    told = {}

    @reflow.actor(inports=["in"], outports=["out"])
    async def waits(ctx, value):
        await asyncio.sleep(0)
        for name, wait in {"idle": net.idle, "run": net.run}.items():
            with pytest.raises(reflow.WouldDeadlockError, match="firing of node 'n' waits for that firing itself"):
                await wait(timeout=WAIT)
            with pytest.raises(reflow.WouldDeadlockError, match="node 'n'"):
                await asyncio.wait_for(wait(timeout=WAIT), WAIT)
            told[name] = True
        with pytest.raises(reflow.WouldDeadlockError, match="node 'n'"):
            net.wait_idle(WAIT)
        await other.idle(timeout=WAIT)  # of another network it may wait
        return {"out": value}

    async def main():
        nonlocal net, other
        async with reflow.Network() as net, reflow.Network() as other:
            net.add("n", waits)
            other.add("n", same)
            other.start()
            out = net.stream("n.out")
            net.send("n.in", 1)
            assert await out.__anext__() == 1
            await net.idle(timeout=WAIT)
            assert told == {"idle": True, "run": True}

    net = other = None
    asyncio.run(main())


def test_events_of_a_peer_need_no_thread():
    async def main():
        with reflow.Network(workers=1) as net:
            net.add("n", same)
            net.start()
            with reflow.Peer("alpha", network=net, bind_address="127.0.0.1") as alpha, \
                    reflow.Peer("beta", listen=False) as beta:
                events = beta.events()
                first = asyncio.ensure_future(events.__anext__())
                await asyncio.sleep(0)
                assert not [t for t in threading.enumerate() if t.name == "reflow-poll" and t.ident not in before]
                await asyncio.to_thread(beta.connect, f"127.0.0.1:{alpha.port}") if hasattr(
                    asyncio, "to_thread") else beta.connect(f"127.0.0.1:{alpha.port}")
                assert (await asyncio.wait_for(first, WAIT))["kind"] == "connected"
                beta.disconnect("alpha")
                assert (await asyncio.wait_for(events.__anext__(), WAIT))["kind"] == "disconnected"
                rest = asyncio.ensure_future(drain(events))
                await asyncio.sleep(0)
                beta.stop()
                await asyncio.wait_for(rest, WAIT)
                # Closing ends one that is waited for, too.
                more = alpha.events()
                waits = asyncio.ensure_future(drain(more))
                await asyncio.sleep(0)
                more.close()
                await asyncio.wait_for(waits, WAIT)

    async def drain(events):
        return [event async for event in events]

    before = {t.ident for t in threading.enumerate()}
    asyncio.run(main())


@pytest.mark.parametrize("part", ["__init__", "setup", "teardown"])
def test_what_blocks_beside_the_firings_is_named(part, caplog):
    told = threading.Event()

    class Told(logging.Handler):
        def emit(self, record):
            if part in record.getMessage():
                told.set()

    def block(self, *arguments):
        assert told.wait(WAIT)

    blocks = type("Blocks", (), {"run": lambda self, ctx, value: None, part: block})
    handler = Told()
    logging.getLogger("reflow").addHandler(handler)
    try:
        with reflow.Network(watchdog_ms=20) as net:
            net.add("n", reflow.actor(inports=["in"])(blocks))
            net.start()
    finally:
        logging.getLogger("reflow").removeHandler(handler)
    assert f"node 'n': {part} has not returned for 20 ms (watchdog_ms)" in caplog.messages
