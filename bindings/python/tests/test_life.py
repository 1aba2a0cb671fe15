"""How networks begin and end: closing, threads, collection."""

import asyncio
import gc
import os
import threading
import time
import weakref

import pytest

import reflow
from reflow import _reflow


@reflow.actor(inports=["in"], outports=["out"])
def same(ctx, value):
    return {"out": value}


def until(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.001)


def collected(reference):
    gc.collect()
    _reflow.drain_deferred()
    return reference() is None


def test_after_close():
    net = reflow.Network()
    net.add("n", same)
    out = net.stream("n.out")
    net.send("n.in", 1)
    net.close()
    net.close()
    for call in (lambda: net.send("n.in", 1), lambda: net.send_many("n.in", [1]), net.start,
                 lambda: net.try_send("n.in", 1), lambda: net.wait_idle(1), lambda: net.drain(1),
                 lambda: net.add("m", same), lambda: net.stream("n.out"), lambda: net.counters("n"),
                 net.report, net.document, lambda: net.connect("n.out", "n.in"), net.__enter__):
        with pytest.raises(reflow.ClosedError):
            call()
    list(out)  # ends
    out.close()
    with pytest.raises(reflow.ClosedError):
        out.recv(1)
    net.stop()
    assert repr(net) == "<reflow.Network closed>"


def test_the_rest_after_close(tmp_path):
    net = reflow.Network()
    net.add("n", same)
    events = net.events()
    net.start()
    net.close()
    assert [event.kind for event in events][-1] == "NetworkShutdown" and events.ended
    for call in (net.events, net.pause, net.resume, net.metrics, lambda: list(net.dead_letters),
                 lambda: net.add_breakpoint("n.in"), lambda: net.snapshot(tmp_path / "s"),
                 lambda: net.node_state("n"), lambda: net.peek("n.in"), lambda: net.apply(reflow.Graph()),
                 lambda: net.graph, lambda: net.replace("n", same), lambda: net.remove("n"), net.carry_envelopes,
                 net.open_stream, lambda: asyncio.run(net.feed("n.in", [1])), lambda: asyncio.run(net.idle(1)),
                 lambda: asyncio.run(net.run(1))):
        with pytest.raises(reflow.ClosedError, match="closed"):
            call()
    asyncio.run(net.aclose())


def test_wrong_states(net):
    net.add("n", same)
    net.start()
    with pytest.raises(reflow.InvalidStateError):
        net.start()
    with pytest.raises(reflow.InvalidStateError, match="before the network starts"):
        net.initial("n.in", 1)
    net.drain(5)
    with pytest.raises(reflow.ClosedError):
        net.send("n.in", 1)
    net.stop(5)
    assert net.state == "stopped"
    with pytest.raises(reflow.InvalidArgumentError):
        net.wait_idle(-1)
    with pytest.raises(TypeError):
        net.wait_idle("soon")
    for options in ({"workers": -1}, {"workers": 2**32}, {"workers": 2**80}, {"workers": "2"}, {"seed": 1.5},
                    {"watchdog_ms": -1}, {"max_packets": 2**64}):
        with pytest.raises(reflow.InvalidArgumentError, match=f"'{next(iter(options))}'.*whole number"):
            reflow.Network(**options)
    with reflow.Network() as wrong:
        for component in (None, 5, object()):
            with pytest.raises(reflow.InvalidArgumentError, match="a component is an actor"):
                wrong.add("d", component)
        with pytest.raises(reflow.InvalidArgumentError, match="id of a node is a string, not 5"):
            wrong.add(5, "Log")
    with pytest.raises(reflow.InvalidArgumentError, match="mode"):
        reflow.Network(mode="fast")
    with pytest.raises(reflow.InvalidArgumentError, match="given already"):
        reflow.Network(runtime=net.runtime, workers=3)


def test_timeouts_name_what_was_waited_for(net):
    gate = threading.Event()

    @reflow.actor(inports=[reflow.Port("in", capacity=1)], outports=["out"])
    def wait(ctx, value):
        gate.wait(10)

    net.add("w", wait)
    errors = net.stream("w.error")
    net.send("w.in", 1)
    begin = time.monotonic()
    with pytest.raises(TimeoutError) as caught:
        net.wait_idle(0.05)
    assert isinstance(caught.value, reflow.TimeoutError)
    assert 0.04 < time.monotonic() - begin < 5
    with pytest.raises(reflow.TimeoutError):
        net.send_many("w.in", range(100), timeout=0.01)
    assert net.try_send("w.in", 1) is False
    with pytest.raises(reflow.TimeoutError):
        errors.recv(0)
    gate.set()
    net.wait_idle(10)


def test_waiting_inside_an_actor_is_refused(net):
    @reflow.actor(inports=["in"])
    def inside(ctx, value):
        net.wait_idle(5)

    net.add("i", inside)
    net.send("i.in", 1)
    net.wait_idle(5)
    assert isinstance(net.errors[0].exception, reflow.WouldDeadlockError)


def test_an_actor_may_stop_and_close_its_network():
    ended = threading.Event()
    net = reflow.Network()

    @reflow.actor(inports=["in"])
    class Last:
        def run(self, ctx, value):
            net.stop(0) if value == "stop" else net.close()

        def teardown(self, ctx):
            ended.set()

    net.add("l", Last)
    net.send("l.in", "close")
    assert ended.wait(10)
    until(lambda: net.closed)


def test_the_watchdog_names_who_blocks():
    lines = []
    with reflow.Network(watchdog=0.02, log=lambda *line: lines.append(line)) as net:
        @reflow.actor(inports=["in"])
        def sleeper(ctx, value):
            until(lambda: any(node == "s" for _, _, node, _ in lines))

        net.add("s", sleeper)
        net.send("s.in", 1)
        net.wait_idle(10)
    assert [node for level, _, node, _ in lines if level == 2] == ["s"]


def test_close_does_not_wait_for_ever():
    gate = threading.Event()
    entered = threading.Event()

    @reflow.actor(inports=["in"])
    def blocks(ctx, value):
        entered.set()
        gate.wait(20)

    net = reflow.Network()
    net.add("b", blocks)
    net.send("b.in", 1)
    assert entered.wait(5)
    with pytest.warns(ResourceWarning, match="not stopped"):
        net.close(timeout=0.05)
    assert net.closed
    gate.set()


def test_modes_without_threads():
    for mode in ("inline", "simulated"):
        with reflow.Network(mode=mode, seed=7) as net:
            net.add("n", same)
            out = net.stream("n.out")
            net.send_many("n.in", range(10))
            net.wait_idle(5)
            assert out.recv_many(20, 0) == list(range(10))
            with pytest.raises(reflow.Error):
                out.recv(0)
    with reflow.Network(mode="inline") as net:
        threads = set()

        @reflow.actor(inports=["in"])
        def where(ctx, value):
            threads.add(threading.get_ident())

        net.add("n", where)
        net.send("n.in", 1)
        net.wait_idle(5)
    assert threads == {threading.get_ident()}


def test_streams_end_with_the_network(net):
    net.add("n", same)
    out = net.stream("n.out")
    net.send_many("n.in", range(100))
    net.drain(5)
    assert list(out) == list(range(100))
    with pytest.raises(reflow.ClosedError):
        out.recv(1)


def test_closing_while_another_thread_waits():
    net = reflow.Network()
    net.add("n", same)
    out = net.stream("n.out")
    net.start()
    results = []

    def read():
        try:
            results.append(out.recv())
        except reflow.Error as error:
            results.append(type(error))

    def idle():
        try:
            net.send("n.in", 1)
            while True:
                net.wait_idle(1)
        except reflow.Error as error:
            results.append(type(error))

    threads = [threading.Thread(target=f) for f in (read, read, idle)]
    for thread in threads:
        thread.start()
    until(lambda: 1 in results)
    net.close()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    assert set(results) <= {1, reflow.ClosedError, reflow.CancelledError, reflow.InvalidStateError}


def test_a_hundred_networks_at_once():
    networks = []
    for i in range(100):
        net = reflow.Network(workers=1)
        net.add("a", same).add("b", same).connect("a.out", "b.in")
        networks.append((net, net.stream("b.out")))

    def feed(i):
        net = networks[i][0]
        for k in range(50):
            net.send("a.in", i * 1000 + k, 20)

    threads = [threading.Thread(target=feed, args=(i,)) for i in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for i, (net, out) in enumerate(networks):
        net.wait_idle(20)
        assert out.recv_many(100, 5) == [i * 1000 + k for k in range(50)]
    for net, _ in networks:
        net.close()


def test_another_thread_makes_progress():
    @reflow.actor(outports=["out"])
    def endless(ctx):
        while True:
            yield {"out": 1}

    with reflow.Network() as net:
        net.add("s", endless).add("n", same).add("m", same)
        net.connect("s.out", "n.in").connect("n.out", "m.in")
        net.start()
        until(lambda: net.counters("m")["fired"] > 1000)
        before = net.counters("m")["fired"]
        count = 0
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            count += 1
        assert count > 1000
        assert net.counters("m")["fired"] > before
        net.stop(5)


# ---- collection ----------------------------------------------------------------------------------------


def test_cycles_through_actors_are_collected():
    class Thing:
        pass

    def make(started):
        thing = Thing()
        net = reflow.Network(workers=1)
        thing.net = net

        @reflow.actor(inports=["in"])
        def f(ctx, value):
            ctx.state = thing

        @reflow.actor(inports=["in"])
        class Class:
            def setup(self, ctx):
                self.thing = thing

            def run(self, ctx, value):
                self.ctx = ctx

        net.add("f", f).add("c", Class)
        if started:
            net.send("f.in", 1)
            net.send("c.in", 1)
            net.wait_idle(5)
        return weakref.ref(thing), weakref.ref(net)

    for started in (False, True):
        thing, net = make(started)
        until(lambda: collected(thing) and collected(net))


def test_a_network_that_is_dropped_is_stopped():
    torn = threading.Event()

    @reflow.actor(inports=["in"])
    class Watch:
        def run(self, ctx, value):
            pass

        def teardown(self, ctx):
            torn.set()

    net = reflow.Network()
    net.add("w", Watch)
    net.start()
    reference = weakref.ref(net)
    del net
    until(lambda: collected(reference) and torn.is_set())


def test_actors_of_a_cycle_are_torn_down():
    torn = threading.Event()
    net = reflow.Network()

    @reflow.actor(inports=["in"])
    class Watch:
        def run(self, ctx, value):
            net  # noqa: B018: the actor keeps its network

        def teardown(self, ctx):
            torn.set()

    net.add("w", Watch)
    net.send("w.in", 1)
    reference = weakref.ref(net)
    del net, Watch
    until(lambda: collected(reference) and torn.is_set())


def test_states_are_ended_with_their_network():
    class Thing:
        pass

    made = []

    def state():
        thing = Thing()
        made.append(weakref.ref(thing))
        return thing

    @reflow.actor(inports=["in"], state=state)
    def f(ctx, value):
        pass

    with reflow.Network() as net:
        net.add("a", f).add("b", f)
        net.send("a.in", 1)
        net.wait_idle(5)
        net.remove("b")
        until(lambda: sum(r() is not None for r in made) == 1)
    until(lambda: all(collected(r) for r in made))


@pytest.mark.skipif("ASAN_OPTIONS" in os.environ, reason="the sanitizer keeps what was given back")
def test_memory_is_flat():
    import resource

    @reflow.actor(inports=["in"], outports=["out"])
    def text(ctx, value):
        return {"out": {"a": [value, str(value)]}}

    with reflow.Network() as net:
        net.add("t", text).add("n", same).add("z", same)
        net.connect("t.out", "n.in").connect("n.out", "z.in")
        sizes = []
        for _ in range(4):
            for _ in range(50):
                net.send_many("t.in", range(1000))
            net.wait_idle(60)
            sizes.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    assert sizes[-1] - sizes[0] < 8 * 1024  # KiB, after 50,000 packets


def test_the_watchdog_is_set_in_seconds():
    for bad in (0, -1, "1", 2e9):
        with pytest.raises(reflow.InvalidArgumentError, match="watchdog is a time in seconds"):
            reflow.Network(watchdog=bad)
    with pytest.raises(reflow.InvalidArgumentError, match="two units"):
        reflow.Runtime(watchdog=1, watchdog_ms=1000)
    reflow.Runtime(watchdog=None).close()


@pytest.mark.parametrize("way", ["start", "send", "stream", "send_many"])
def test_what_a_constructor_raises_is_the_cause(net, way):
    class Broken:
        def __init__(self):
            raise LookupError("no such thing")

        def run(self, ctx, value):
            pass

    net.add("n", reflow.actor(Broken, inports=["in"], outports=["out"]))
    use = {"start": net.start, "send": lambda: net.send("n.in", 1), "stream": lambda: net.stream("n.out"),
           "send_many": lambda: net.send_many("n.in", [1])}[way]
    for _ in range(2):  # it can be tried again
        with pytest.raises(reflow.Error, match="no such thing") as failed:
            use()
        assert isinstance(failed.value.__cause__, LookupError)


def test_the_output_of_a_node_that_has_gone_says_so(net):
    @reflow.actor(inports=["in"], outports=["out"])
    def same(ctx, value):
        return {"out": value}

    net.add("a", same).add("b", same)
    a, b = net.stream("a.out"), net.stream("b.out")
    net.send("b.in", 1)
    net.wait_idle(60)
    net.remove("b")
    assert b.recv(60) == 1
    with pytest.raises(reflow.ClosedError, match="the node of this output has been removed"):
        b.recv(60)
    net.drain(60)
    with pytest.raises(reflow.ClosedError, match="the network has ended"):
        a.recv(60)
