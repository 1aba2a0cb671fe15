"""Looking at a network, steering it, changing it while it runs, and keeping what it holds."""

import sys
import threading

import pytest

import reflow


@reflow.actor(inports=["in"], outports=["out"])
def double(ctx, value):
    return {"out": value * 2}


def doubling(net):
    net.add("d", double)
    out = net.stream("d.out")
    net.start()
    return out


# ---- looking -----------------------------------------------------------------------------------

def test_metrics_and_states(net):
    out = doubling(net)
    net.measure(1)
    for i in range(10):
        net.send("d.in", i)
    assert [out.recv(5) for _ in range(10)] == [2 * i for i in range(10)]
    net.wait_idle(5)
    metrics = net.metrics()
    node = metrics["nodes"]["d"]
    assert (node["fired"], node["received"], node["sent"], node["failed"]) == (10, 10, 10, 0)
    assert metrics["total"]["fired"] == 10 and 1 <= node["call"]["count"] <= 10
    assert metrics["measured"] is True and metrics["process"]["memory_bytes"] > 0
    net.measure(off=True)
    assert net.metrics()["measured"] is False
    assert net.node_state("d") == ("Running", frozenset(), 0, 0, 0)
    with pytest.raises(reflow.NotFoundError, match="did you mean 'd'"):
        net.node_state("dd")


def test_graph_of_a_network(net):
    doubling(net)
    graph = net.graph
    assert graph["d"].component == "double" and graph.add("x", "Log") != net.graph


# ---- pause, step, breakpoints --------------------------------------------------------------------

def test_pause_peek_step_resume(net):
    out = doubling(net)
    net.pause()
    assert net.node_state("d").details == {"paused"}
    for i in range(3):
        net.send("d.in", i)
    assert net.peek("d.in") == [0, 1, 2] and net.peek("d.in", max=2) == [0, 1]
    with pytest.raises(reflow.WouldBlockError):
        net.wait_idle(5)
    assert net.step() == 1 and out.recv(5) == 0 and net.peek("d.in") == [1, 2]
    net.resume("d")
    net.wait_idle(5)
    assert out.recv_many(10, 5) == [2, 4]
    with pytest.raises(reflow.InvalidStateError):
        net.step()
    with pytest.raises(reflow.NotFoundError, match="nope"):
        net.pause("nope")


@pytest.mark.parametrize("when", ["value == 5", lambda value: value == {"value": 5}])
def test_breakpoints(net, when):
    net.add("d", "Map", {"set": {"value": "value * 2"}}).expose_inport("i", "d.in")
    events = net.events(["Breakpoint"])
    out = net.stream("d.out")
    number = net.add_breakpoint("d.in", when=when)
    for i in range(7):
        net.send("d.in", {"value": i})
    event = events.poll(timeout=10)[0]
    assert (event.node, event.port, event.breakpoint, event.message) == ("d", "in", number, {"value": 5})
    assert net.breakpoints[0]["hits"] == 1
    net.remove_breakpoint(number)
    assert net.breakpoints == []
    net.resume()
    net.wait_idle(5)
    assert [value["value"] for value in out.recv_many(10, 5)] == [0, 2, 4, 6, 8, 10, 12]


def test_breakpoint_at_a_connection_once(net):
    net.add("d", double).add("e", double).connect("d.out", "e.in")
    net.start()
    events = net.events(["Breakpoint"])
    net.add_breakpoint("d.out", outport=True, to="e.in", once=True, node_only=True)
    net.send("d.in", 1)
    event = events.poll(timeout=10)[0]
    assert (event.port, event.peer, event.peer_port, event.message) == ("out", "e", "in", 2)
    assert net.node_state("e").details == set() and net.breakpoints == []
    net.resume()
    net.wait_idle(5)


def test_a_condition_that_raises_does_not_stop(net, monkeypatch):
    told = []
    monkeypatch.setattr(sys, "unraisablehook", lambda fault: told.append(str(fault.exc_value)))

    def condition(value):
        raise RuntimeError(f"on purpose, at {value}")

    out = doubling(net)
    net.add_breakpoint(node="d", when=condition)
    net.send("d.in", 1)
    assert out.recv(5) == 2 and told == ["on purpose, at 1"]


@pytest.mark.parametrize("arguments, error, text", [
    ({"port": "d.inn"}, reflow.NotFoundError, "did you mean 'in'"),
    ({"port": "d.in", "to": "d.in"}, reflow.InvalidArgumentError, "outport=True"),
    ({"port": "d.in", "when": "value =="}, reflow.ParseError, "column"),
    ({"node": "x"}, reflow.NotFoundError, "x"),
])
def test_bad_breakpoints(net, arguments, error, text):
    doubling(net)
    with pytest.raises(error, match=text):
        net.add_breakpoint(**arguments)
    with pytest.raises(reflow.NotFoundError):
        net.remove_breakpoint(12345)


# ---- live change -----------------------------------------------------------------------------------

def test_live_change_under_traffic(net):
    out = doubling(net)
    stop = threading.Event()
    sent = [0]

    def feed():
        while not stop.is_set():
            net.send("d.in", sent[0], 5)
            sent[0] += 1

    thread = threading.Thread(target=feed)
    thread.start()
    try:
        assert out.recv(5) == 0
        graph = net.graph.add("e", double).connect("d.out", "e.in")
        change = net.apply(graph)
        assert (change["nodes_added"], change["nodes_kept"], change["connections_added"]) == (1, 1, 1)
    finally:
        stop.set()
    values = []
    while thread.is_alive():  # it may wait for room that only this loop makes
        try:
            values += out.recv_many(1000, 0.05)
        except reflow.TimeoutError:
            pass
    net.send("d.in", -1)
    while not values or values[-1] != -2:
        values += out.recv_many(1000, 5)
    assert values == [2 * i for i in range(1, sent[0])] + [-2]
    assert net.counters("e")["received"] > 0


def test_a_change_that_cannot_be_made_changes_nothing(net):
    out = doubling(net)
    with pytest.raises(reflow.Error, match="Nope"):
        net.apply(net.graph.add("x", "Nope"))
    with pytest.raises(reflow.InvalidArgumentError, match="drain, drop"):
        net.apply(net.graph, leftover="keep")
    net.send("d.in", 4)
    assert out.recv(5) == 8 and list(net.graph) == ["d"]


# ---- snapshots -------------------------------------------------------------------------------------

def counting():
    """Sums up by key: what it gathers is a state of the engine."""
    graph = reflow.Graph().add("sum", "GroupAggregate", {
        "by": "k", "aggregates": {"count": True, "columns": ["v"], "functions": ["sum"]}})
    return graph.expose_in("i", "sum.in").expose_out("o", "sum.out")


def rows(network, values):
    for key, value in values:
        network.send("i", {"k": key, "v": value})
    network.wait_idle(5)


FIRST, SECOND = [("a", 1), ("b", 10), ("a", 2)], [("a", 3), ("b", 20)]


@pytest.mark.parametrize("way", ["bytes", "file"])
def test_snapshot_and_restore(tmp_path, way):
    with reflow.Network(counting()) as first:
        first.start()
        rows(first, FIRST)
        kept = first.snapshot()
        assert first.snapshot(tmp_path / "s") == b"" and (tmp_path / "s").stat().st_size > 50
    with reflow.Network(counting()) as second:
        second.restore(kept if way == "bytes" else tmp_path / "s")
        out = second.stream("o")
        second.start()
        rows(second, SECOND)
        second.drain(5)
        told = {row["k"]: row for row in out}
    assert {k: (row["count"], row["v_sum"]) for k, row in told.items()} == {"a": (3, 6), "b": (2, 30)}


def test_checkpoints(tmp_path):
    with reflow.Network(counting()) as net:
        net.start()
        rows(net, FIRST)
        net.checkpoint(tmp_path / "c", 0.01)
        deadline = threading.Event()
        for _ in range(500):
            if (tmp_path / "c").exists():
                break
            deadline.wait(0.01)
        net.checkpoint(None)
    with reflow.Network(counting()) as again:
        again.restore(tmp_path / "c")
        out = again.stream("o")
        again.start()
        again.drain(5)
        assert {row["k"]: row["count"] for row in out} == {"a": 2, "b": 1}


def test_bad_snapshots(tmp_path, net):
    doubling(net)
    with pytest.raises(reflow.InvalidStateError):
        net.restore(b"\x80")
    with reflow.Network(counting()) as other:
        with pytest.raises(reflow.ParseError):
            other.restore(b"no snapshot")
        with pytest.raises(reflow.IOError, match="nope"):
            other.restore(tmp_path / "nope")
        with pytest.raises(reflow.InvalidStateError):
            other.snapshot()


# ---- dead letters ----------------------------------------------------------------------------------

def test_dead_letters(net):
    broken = [True]

    @reflow.actor(inports=["in"], outports=["out"])
    def moody(ctx, value):
        if broken[0]:
            raise ValueError(f"no {value}")
        return {"out": value}

    net.add("m", moody)
    out = net.stream("m.out")
    for i in range(4):
        net.send("m.in", i)
    net.wait_idle(5)
    letters = net.dead_letters
    assert letters and len(letters) == 4 and letters.counts == (1000, 4, 4, 0)
    listed = list(letters)
    assert [letter["packets"] for letter in listed] == [[{"port": "in", "message": i}] for i in range(4)]
    assert listed[0]["message"] == "ValueError: no 0" and "raise ValueError" in listed[0]["trace"]
    assert letters.drop(listed[3]["id"]) == 1
    broken[0] = False
    assert letters.replay(listed[2]["id"]) == 1 and out.recv(5) == 2
    assert letters.replay() == 2 and out.recv_many(10, 5)[0] == 0
    net.wait_idle(5)
    assert not letters and list(letters) == []
    with pytest.raises(reflow.NotFoundError):
        letters.replay(99)
    with pytest.raises(reflow.NotFoundError, match="nope"):
        letters.list("nope")


def test_used_after_close(net):
    doubling(net)
    net.close()
    for call in (net.metrics, net.measure, net.pause, net.resume, net.step, net.snapshot, lambda: net.graph,
                 lambda: net.peek("d.in"), lambda: net.breakpoints, lambda: list(net.dead_letters)):
        with pytest.raises(reflow.ClosedError):
            call()
