"""Events of a network: filters, both kinds of iterators, what is missed, and how they end."""

import asyncio
import gc
import threading
import weakref

import pytest

import reflow
from reflow.events import KINDS


@reflow.actor(inports=["in"], outports=["out"])
def double(ctx, value):
    return {"out": value * 2}


@reflow.actor(inports=["in"])
def bad(ctx, value):
    raise ValueError(f"no {value}")


def kinds_of(events):
    return [event.kind for event in events]


def test_kinds_fields_and_order(net):
    events = net.events("all")
    net.add("d", double).add("b", bad).connect("d.out", "b.in")
    net.send("d.in", 21)
    net.wait_idle(5)
    net.stop()
    seen = list(events)
    assert events.ended and seen[0].kind == "NetworkStarted" and seen[-1].kind == "NetworkShutdown"
    assert [e.sequence for e in seen] == sorted(e.sequence for e in seen)
    by_kind = {event.kind: event for event in seen}
    assert set(by_kind) <= set(KINDS)
    sent = by_kind["MessageSent"]
    assert (sent.node, sent.port, sent.peer, sent.peer_port, sent.message) == ("d", "out", "b", "in", 42)
    received = by_kind["MessageReceived"]
    assert (received.node, received.port, received.message, str(received)) == ("d", "in", 21, "MessageReceived d.in")
    failed = by_kind["ActorFailed"]
    assert failed.error == "node 'b': ValueError: no 42" and 'raise ValueError(f"no {value}")' in failed.trace
    assert (failed.node, failed.component, failed.number) == ("b", "bad", 1)
    assert by_kind["ActorCompleted"].outputs == {"out": 42}
    assert by_kind["DeadLetter"].number == 1
    assert abs(failed.time - seen[0].time) < 60 and failed.time > 1.6e9


def test_filters(net):
    failures = net.events(["ActorFailed"])
    only_d = net.events(["MessageReceived"], nodes="d*")
    sampled = net.events("MessageReceived", nodes="e", sample=10)
    net.add("d", double).add("e", double).add("b", bad)
    for i in range(30):
        net.send("d.in", i)
        net.send("e.in", i)
    net.send("b.in", 0)
    net.wait_idle(5)
    assert [e.node for e in failures.poll()] == ["b"]
    assert [(e.node, e.message) for e in only_d.poll()] == [("d", i) for i in range(30)]
    assert [e.message for e in sampled.poll()] == [0, 10, 20]
    assert failures.poll() == [] and failures.poll(timeout=0.01) == [] and not failures.ended


def test_default_kinds_leave_the_dear_ones_out(net):
    events = net.events()
    net.add("d", double)
    net.send("d.in", 1)
    net.wait_idle(5)
    seen = set(kinds_of(events.poll()))
    assert {"NetworkStarted", "MessageReceived", "NetworkIdle"} <= seen
    assert not seen & {"MessageSent", "ActorEmit", "ActorCompleted", "ActorState"}


def test_a_slow_reader_is_told_what_it_missed(net):
    events = net.events(["MessageReceived"], capacity=5)
    net.add("d", double)
    net.start()
    net.send_many("d.in", list(range(100)))
    net.wait_idle(5)
    seen = events.poll()
    assert len(seen) + events.missed == 100 and events.missed > 0


def test_subscribing_to_a_network_that_runs(net):
    net.add("d", double)
    net.start()
    with net.events(["MessageReceived"]) as events:
        net.send("d.in", 5)
        assert next(events).message == 5
    assert events.poll() == [] and list(events) == []


def test_another_thread_ends_the_wait(net):
    net.add("d", double)
    net.start()
    events = net.events(["ActorFailed"])
    seen = []
    thread = threading.Thread(target=lambda: seen.extend(events))
    thread.start()
    events.close()
    thread.join(10)
    assert not thread.is_alive() and seen == []
    events.close()


def test_async_iteration():
    async def main():
        async with reflow.Network() as net:
            net.add("d", double)
            events = net.events(["MessageReceived", "NetworkShutdown"])

            async def feed():
                for i in range(20):
                    net.send("d.in", i)
                    await asyncio.sleep(0)

            task = asyncio.ensure_future(feed())
            seen = []
            async for event in events:
                seen.append(event.message)
                if len(seen) == 20:
                    break
            await task
            net.stop()
            rest = [event.kind async for event in events]
            return seen, rest

    assert asyncio.run(asyncio.wait_for(main(), 30)) == (list(range(20)), ["NetworkShutdown"])


def test_a_cancelled_wait_loses_nothing():
    async def main():
        async with reflow.Network() as net:
            net.add("d", double)
            events = net.events(["MessageReceived"])
            net.start()
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(events.__anext__(), 0.05)
            net.send("d.in", 7)
            return (await asyncio.wait_for(events.__anext__(), 10)).message

    assert asyncio.run(main()) == 7


def test_an_iterator_that_is_dropped_goes(net):
    net.add("d", double)
    net.start()

    async def main():
        events = net.events(["MessageReceived"])
        net.send("d.in", 1)
        assert (await events.__anext__()).message == 1
        return weakref.ref(events)

    reference = asyncio.run(main())
    gc.collect()
    assert reference() is None


def test_modes_without_threads_end_when_nothing_is_left():
    with reflow.Network(mode="simulated", seed=1) as net:
        net.add("d", double)
        events = net.events(["MessageReceived", "NetworkIdle"])
        net.send("d.in", 1)
        assert kinds_of(events) == ["NetworkIdle", "MessageReceived", "NetworkIdle"]


def test_bad_arguments(net):
    with pytest.raises(reflow.InvalidArgumentError, match="did you mean 'ActorFailed'"):
        net.events(["ActorFaild"])
    with pytest.raises(reflow.InvalidArgumentError, match="leave kinds out"):
        net.events([])
    net.add("d", double)
    net.start()
    with pytest.raises(reflow.LimitError):
        net.events(nodes="x" * 300)
    net.close()
    with pytest.raises(reflow.ClosedError):
        net.events()
