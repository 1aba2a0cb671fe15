"""Snapshots and live changes of networks with actors in Python: what comes back, and what cannot be saved."""

import pytest

import reflow


@reflow.actor(inports=["in"], outports=["out"])
def count(ctx, value):
    ctx.state.seen = getattr(ctx.state, "seen", 0) + 1
    return {"out": ctx.state.seen}


@reflow.actor(inports=["in"], outports=["out"], state=list)
def gather(ctx, value):
    ctx.state.append(value)
    return {"out": list(ctx.state)}


@reflow.actor(inports=["in"], outports=["out"])
class Sum:
    def __init__(self):
        self.total = 0

    def run(self, ctx, value):
        self.total += value
        return {"out": self.total}

    def save(self):
        return {"total": self.total}

    def load(self, saved):
        self.total = saved["total"]


@reflow.actor(inports=["in"], outports=["out"])
class Forgetful:
    def run(self, ctx, value):
        return {"out": value}


def after(actor, values, snapshot=None):
    """Sends values through a node; returns what came out and a snapshot."""
    with reflow.Network() as net:
        net.add("n", actor)
        if snapshot is not None:
            net.restore(snapshot)
        out = net.stream("n.out")
        net.start()
        for value in values:
            net.send("n.in", value)
        net.wait_idle(5)
        seen = [out.recv(5) for _ in values]
        return seen, net.snapshot()


@pytest.mark.parametrize("actor, first, second", [
    (count, [1, 2], [3, 4]),
    (gather, [["a"], ["a", "b"]], [["a", "b", "a"], ["a", "b", "a", "b"]]),
])
def test_state_of_functions(actor, first, second):
    seen, kept = after(actor, ["a", "b"])
    assert seen == first
    assert after(actor, ["a", "b"], kept)[0] == second


def test_objects_of_classes():
    seen, kept = after(Sum, [1, 2])
    assert seen == [1, 3] and after(Sum, [10], kept)[0] == [13]


def test_coroutines():
    @reflow.actor(inports=["in"], outports=["out"])
    async def later(ctx, value):
        ctx.state.seen = getattr(ctx.state, "seen", 0) + value
        return {"out": ctx.state.seen}

    kept = after(later, [1, 2])[1]
    assert after(later, [3], kept)[0] == [6]


def test_what_waits_comes_again():
    with reflow.Network() as net:
        net.add("n", count)
        net.start()
        net.pause()
        net.send("n.in", 1)
        kept = net.snapshot()
    with reflow.Network() as net:
        net.add("n", count)
        net.restore(kept)
        out = net.stream("n.out")
        net.start()
        net.resume()
        assert out.recv(5) == 1


def test_what_cannot_be_saved():
    with pytest.raises(reflow.UnsupportedError, match="'n'.*'Forgetful'") as refused:
        after(Forgetful, [1])
    assert "save(self)" in str(refused.value) and "flag" not in str(refused.value)

    @reflow.actor(inports=["in"], outports=["out"])
    def holder(ctx, value):
        ctx.state.thing = object()
        return {"out": value}

    with pytest.raises(reflow.Error, match=r"\$\.thing"):
        after(holder, [1])

    @reflow.actor(inports=["in"], outports=["out"])
    class Deep(Sum.target):
        def save(self):
            return {"rows": [1, {"when": object()}]}

    with pytest.raises(reflow.Error, match=r"\$\.rows\[1\]\.when"):
        after(Deep, [1])

    @reflow.actor(inports=["in"], outports=["out"])
    class Failing(Sum.target):
        def save(self):
            raise RuntimeError("on purpose")

    with pytest.raises(reflow.Error, match="on purpose"):
        after(Failing, [1])


def test_a_load_that_fails_changes_nothing():
    kept = after(Sum, [1])[1]

    @reflow.actor(inports=["in"], outports=["out"], id="Sum")
    class Other(Sum.target):
        def load(self, saved):
            raise RuntimeError("another version")

    with pytest.raises(reflow.Error, match="another version"):
        after(Other, [1], kept)


def test_a_replaced_node_keeps_its_state(net):
    net.add("n", count)
    out = net.stream("n.out")
    net.send("n.in", "x")
    assert out.recv(5) == 1
    net.replace("n", count, {"title": "other"})
    net.send("n.in", "x")
    assert out.recv(5) == 2
    net.apply(net.graph.set_config("n", {"title": "again"}), new_state=True)
    net.send("n.in", "x")
    assert out.recv(5) == 1
