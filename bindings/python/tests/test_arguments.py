"""Wrong arguments are told by the names that the program knows, and where they were given."""

import sys

import pytest

import reflow


@reflow.actor(inports=["in"], outports=["out"])
def same(ctx, value):
    return {"out": value}


@pytest.mark.parametrize(("call", "text"), [
    (lambda net: net.pause(5), r"pause\(\): path is a string, not 5"),
    (lambda net: net.resume(None), r"resume\(\): path is a string, not None"),
    (lambda net: net.step("2"), r"step\(\): firings is a whole number from 0, not '2'"),
    (lambda net: net.step(-1), r"step\(\): firings is a whole number from 0, not -1"),
    (lambda net: net.step(firings=2**70), r"step\(\): firings is a whole number from 0, not 1180"),
    (lambda net: net.measure("often"), r"measure\(\): sample is a whole number from 0, not 'often'"),
    (lambda net: net.node_state(5), r"node_state\(\): node is a string, not 5"),
    (lambda net: net.peek("n.in", "all"), r"peek\(\): max is a whole number from 0, not 'all'"),
    (lambda net: net.add_breakpoint("n.in", ignore=-1), r"add_breakpoint\(\): ignore is a whole number from 0, not -1"),
    (lambda net: net.remove_breakpoint("1"), r"remove_breakpoint\(\): number is a whole number from 0, not '1'"),
    (lambda net: net.checkpoint("c", "often"), r"checkpoint\(\): interval is a number, not 'often'"),
    (lambda net: net.dead_letters.list(5), r"list\(\): path is a string, not 5"),
    (lambda net: net.dead_letters.replay("1"), r"replay\(\): id is a whole number from 0, or None, not '1'"),
    (lambda net: net.dead_letters.drop(path=7), r"drop\(\): path is a string, not 7"),
    (lambda net: net.events(nodes=5), r"events\(\): nodes is a string, not 5"),
    (lambda net: reflow.Graph(5), r"__init__\(\): name is a string, not 5"),
    (lambda net: reflow.Graph().add(5, "Log"), r"add\(\): id is a string, not 5"),
    (lambda net: reflow.Graph().rename("a", 5), r"rename\(\): new_id is a string, not 5"),
    (lambda net: reflow.Graph().set("a", 5, 1), r"set\(\): key is a string, not 5"),
    (lambda net: reflow.Graph().expose_in("a", "b.in", type=5), r"expose_in\(\): type is a string, not 5"),
    (lambda net: reflow.Graph().add_group("a", [1]), r"add_group\(\): nodes is a sequence of strings, not \[1\]"),
    (lambda net: reflow.Graph().hide_out(None), r"hide_out\(\): name is a string, not None"),
])
def test_the_argument_is_named(net, call, text):
    net.add("n", same)
    net.start()
    with pytest.raises(TypeError, match="^" + text) as caught:
        call(net)
    assert "incompatible" not in str(caught.value)
    assert caught.value.__cause__ is None and caught.value.__context__ is None


def test_what_goes_well_or_fails_otherwise_is_as_it_was(net):
    import inspect

    net.add("n", same)
    net.start()
    assert net.step.__doc__.startswith("Lets paused nodes")
    assert "firings" in inspect.signature(net.step).parameters
    with pytest.raises(TypeError, match="a timeout is None or a number of seconds, not str"):
        net.pause("n", "soon")
    with pytest.raises(TypeError, match="unexpected keyword argument 'wrong'"):
        net.pause(wrong=1)
    with pytest.raises(reflow.NotFoundError):
        net.pause("nobody")


def test_limits_of_streams(net):
    for option, value in (("max_frames", -1), ("max_frames", 2**32), ("max_frames", "1"), ("max_bytes", -1),
                          ("max_bytes", 2**64), ("size_hint", -1)):
        with pytest.raises(reflow.InvalidArgumentError, match=f"^{option} is a whole number from 0"):
            net.open_stream(**{option: value})
    for option in ("capacity", "sample"):
        with pytest.raises(reflow.InvalidArgumentError, match=f"^{option} is a whole number from 0"):
            net.events(**{option: -1})


def test_a_snapshot_that_is_none():
    for wrong in (b"", b"xx", b"no snapshot", b"\x80"):
        with reflow.Network() as net:
            with pytest.raises(reflow.Error) as caught:
                net.restore(wrong)
            assert "snapshot" in str(caught.value), (wrong, caught.value)


def test_batches_of_numpy_need_it(monkeypatch):
    def numbers(ctx, values):
        return {"out": values}

    monkeypatch.setitem(sys.modules, "numpy", None)  # as if it were not installed
    with pytest.raises(reflow.UnsupportedError, match="numbers: batch='numpy' needs NumPy.*pip install"):
        reflow.actor(inports=["in"], outports=["out"], batch="numpy")(numbers)
    reflow.actor(inports=["in"], outports=["out"], batch=True)(numbers)


def test_options_of_a_connection(net):
    net.add("a", same).add("b", same)
    for wrong, right in (("capcity", "capacity"), ("Kind", "kind"), ("capacity_byte", "capacity_bytes"),
                         ("kinds", "kind")):
        with pytest.raises(reflow.InvalidArgumentError, match=f"'{wrong}'.*did you mean '{right}'"):
            net.connect("a.out", "b.in", **{wrong: 1})
    net.connect("a.out", "b.in", capacity=3, color="#ff0000", label="x")
    metadata = net.document()["connections"][0]["metadata"]
    assert metadata == {"capacity": 3, "color": "#ff0000", "label": "x"}


@pytest.mark.parametrize("way", ["return", "emit", "emit_many"])
def test_a_type_that_is_refused_names_node_and_port(way):
    @reflow.actor(inports=["in"], outports=["first", "out"])
    def wrong(ctx, value):
        if way == "return":
            return {"out": "text"}
        ctx.emit("out", "text") if way == "emit" else ctx.emit_many("out", ["text"])

    @reflow.actor(inports=[reflow.Port("in", "integer")])
    def count(ctx, value):
        pass

    with reflow.Network(check_types=True) as net:
        net.add("w", wrong).add("c", count)
        net.connect("w.out", "c.in")
        net.send("w.in", 1)
        net.wait_idle(10)
        (failure,) = net.errors
    assert failure.node == "w" and isinstance(failure.exception, reflow.TypeMismatchError)
    value = "a value" if way == "emit_many" else "a value of kind String"
    assert str(failure.exception) == (f"node 'w' emits {value} on outport 'out', and an inport that it is "
                                      "connected to takes another type")
