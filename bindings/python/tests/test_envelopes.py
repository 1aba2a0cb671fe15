"""Envelopes of packets: sent, handed on, set by actors and received."""

import asyncio

import pytest

import reflow

FULL = {"trace_id": bytes(range(16)), "span_id": bytes(range(8)), "deadline_ms": 4102444800123,
        "correlation": "order 7", "source_network": "net", "source_instance": "one", "source_actor": "me",
        "message_id": "m-1"}


@reflow.actor(inports=["in"], outports=["out"])
def same(ctx, value):
    return {"out": value}


@pytest.fixture
def carrying(net):
    net.add("n", same).carry_envelopes()
    return net, net.stream("n.out")


def test_handed_on(carrying):
    net, out = carrying
    net.send("n.in", 1, envelope=FULL)
    net.send("n.in", 2)
    net.send("n.in", 3, 5, envelope={"correlation": "c"})
    net.wait_idle(5)
    assert out.recv_enveloped(5) == (1, FULL)
    assert out.recv_enveloped(5) == (2, None)
    assert out.recv(5) == 3
    net.send("n.in", 4, timeout=5, envelope={"correlation": "d"})
    value, envelope = out.recv_enveloped(5)
    assert (value, envelope["correlation"], envelope["deadline_ms"]) == (4, "d", 0)


def test_set_by_an_actor(net):
    @reflow.actor(inports=["in"], outports=["out"])
    def mark(ctx, value):
        assert ctx.envelope["correlation"] == "from outside"
        ctx.emit("out", "before")
        ctx.set_envelope({"correlation": "mine"})
        ctx.emit("out", "after")
        ctx.set_envelope(None)
        ctx.emit("out", "none")

    net.add("mark", mark).carry_envelopes()
    out = net.stream("mark.out")
    net.send("mark.in", 0, envelope={"correlation": "from outside"})
    told = [out.recv_enveloped(5) for _ in range(3)]
    assert [(value, envelope and envelope["correlation"]) for value, envelope in told] == [
        ("before", "from outside"), ("after", "mine"), ("none", None)]


def test_in_a_coroutine(net):
    @reflow.actor(inports=["in"], outports=["out"])
    async def later(ctx, value):
        kept.append(ctx)
        ctx.emit("out", "before")
        await asyncio.sleep(0)
        ctx.set_envelope({"correlation": "mine"})
        assert ctx.envelope == {"correlation": "mine"}
        ctx.emit("out", "after")
        with pytest.raises(TypeError, match="correlation"):
            ctx.set_envelope({"correlation": 7})
        ctx.set_envelope(None)
        assert ctx.envelope is None
        return {"out": "none"}

    kept = []
    net.add("later", later).carry_envelopes()
    out = net.stream("later.out")
    net.send("later.in", 0, envelope={"correlation": "c"})
    told = [out.recv_enveloped(60) for _ in range(3)]
    assert [(value, envelope and envelope["correlation"]) for value, envelope in told] == [
        ("before", "c"), ("after", "mine"), ("none", None)]
    net.wait_idle(60)
    with pytest.raises(reflow.InvalidStateError):
        kept[0].set_envelope(None)


@pytest.mark.parametrize("envelope, error, told", [
    ({"correlations": "x"}, reflow.InvalidArgumentError, "a key that there is not"),
    ({"trace_id": b"short"}, reflow.InvalidArgumentError, "trace_id of an envelope is 16 bytes"),
    ({"span_id": "text"}, reflow.InvalidArgumentError, "span_id of an envelope is 8 bytes"),
    ({"correlation": 7}, TypeError, "correlation"),
    ({"deadline_ms": "soon"}, TypeError, "int"),
    ({"correlation": "x" * 257}, reflow.LimitError, "256"),
    ([("correlation", "x")], TypeError, "an envelope is a dict"),
])
def test_wrong_envelopes(carrying, envelope, error, told):
    net, out = carrying
    with pytest.raises(error, match=told):
        net.send("n.in", 1, envelope=envelope)
    net.send("n.in", 2, envelope={})
    assert out.recv_enveloped(5) == (2, None)


def test_a_network_that_carries_none(net):
    net.add("n", same)
    out = net.stream("n.out")
    with pytest.raises(reflow.InvalidStateError):
        net.send("n.in", 1, envelope=FULL)
    net.send_many("n.in", [2, 3])
    net.wait_idle(5)
    assert out.recv(5) == 2
    with pytest.raises(reflow.InvalidStateError, match="without their envelopes"):
        out.recv_enveloped(5)
    with pytest.raises(TypeError):
        net.send_many("n.in", [1], envelope=FULL)
