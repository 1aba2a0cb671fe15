"""What a firing that has failed leaves: its streams, and the exception that a run raises from it."""

import decimal
import traceback
import types

import pytest

import reflow

SECONDS = 120


def plain(ctx, value):
    stream = ctx.open_stream()
    ctx.emit("out", stream)
    stream.try_write(b"first")
    raise ValueError("behind the first frame")


async def coroutine(ctx, value):
    stream = ctx.open_stream()
    await ctx.send("out", stream)
    await stream.awrite(b"first")
    raise ValueError("behind the first frame")


def generator(ctx, value):
    stream = ctx.open_stream()
    yield {"out": stream}
    stream.try_write(b"first")
    yield None
    raise ValueError("behind the first frame")


def of_batch(ctx, values):
    stream = ctx.open_stream()
    ctx.emit("out", stream)
    stream.try_write(b"first")
    raise ValueError("behind the first frame")


@pytest.mark.parametrize("function", [plain, coroutine, generator, of_batch])
def test_streams_of_a_firing_that_failed_end_with_its_error(net, function):
    made = reflow.actor(inports=["in"], outports=["out"], batch=function is of_batch)(function)
    net.add("w", made)
    out = net.stream("w.out")
    net.send("w.in", 1)
    stream = out.recv(timeout=SECONDS)
    read = []
    with pytest.raises(reflow.FailedError, match="ValueError: behind the first frame"):
        while True:
            frame = stream.read(SECONDS)
            assert frame is not None, "the data is not complete"
            read.append(bytes(frame))
    assert read in ([b"first"], [])
    net.wait_idle(SECONDS)  # the stream ends before the firing is booked
    assert net.errors  # which keeps the frame of the exception, and so the writer


def test_streams_of_firings_that_ended_well_go_on(net):
    @reflow.actor(inports=["in"], outports=["out"])
    def f(ctx, value):
        if value == 1:
            ctx.state.stream = ctx.open_stream()
            return {"out": ctx.state.stream}
        if value == 2:
            raise ValueError
        ctx.state.stream.try_write(b"more")
        ctx.state.stream.end()
        return None

    net.add("f", f)
    out = net.stream("f.out")
    for value in (1, 2, 3):
        net.send("f.in", value)
    stream = out.recv(timeout=SECONDS)
    assert bytes(stream.read(SECONDS)) == b"more"
    assert stream.read(SECONDS) is None


@pytest.mark.parametrize("form", ["function", "coroutine"])
def test_a_run_raises_from_what_the_actor_raised(form):
    def inner():
        raise KeyError("from the actor")

    @reflow.actor(inports=["in"], id="a")
    def f(ctx, value):
        inner()

    @reflow.actor(inports=["in"], id="a")
    async def g(ctx, value):
        inner()

    graph = reflow.Graph().add("a", f if form == "function" else g).expose_in("i", "a.in")
    with pytest.raises(reflow.FailedError) as raised:
        reflow.run(graph, inputs={"i": [1]}, timeout=SECONDS)
    cause = raised.value.__cause__
    assert isinstance(cause, KeyError)
    assert "in inner" in "".join(traceback.format_exception(None, raised.value, raised.value.__traceback__))


def test_documents_go_through_the_conversion():
    document = {"processes": {"m": {"component": "Map", "metadata": {"value": decimal.Decimal("1.5")}}}}
    for given in (document, types.MappingProxyType(document)):
        assert reflow.Graph.from_dict(given).config("m") == {"value": "1.5"}
        with reflow.Network(given) as net:
            assert net.document()["processes"]["m"]["metadata"] == {"value": "1.5"}
    document["processes"]["m"]["metadata"]["value"] = [1, object()]
    for make in (reflow.Graph.from_dict, reflow.Network):
        with pytest.raises(reflow.ConversionError, match=r"processes\.m\.metadata\.value\[1\]"):
            make(document)


def test_plain_types_have_no_converter():
    for cls in (int, str, dict, list, type(None)):
        with pytest.raises(reflow.InvalidArgumentError, match="travels as it is"):
            reflow.register_converter(cls, str)


def test_two_classes_do_not_share_a_tag():
    def make():
        class Local:
            pass

        return Local

    first, second = make(), make()
    reflow.register_converter(first, lambda value: 1, lambda plain: first())
    try:
        with pytest.raises(reflow.AlreadyExistsError, match="another class has the tag"):
            reflow.register_converter(second, lambda value: 2, lambda plain: second())
        reflow.register_converter(second, lambda value: 2, lambda plain: second(), tag="second")
        reflow.register_converter(first, lambda value: 1, lambda plain: first())  # again
    finally:
        reflow.unregister_converter(first)
        reflow.unregister_converter(second)


def test_the_end_of_an_output_is_told_from_what_is_late(net):
    @reflow.actor(inports=["in"], outports=["out"])
    def f(ctx, value):
        pass

    net.add("f", f)
    out = net.stream("f.out")
    net.start()
    with pytest.raises(reflow.TimeoutError, match="nothing has come to this output within the timeout"):
        out.recv(timeout=0.01)
    net.drain(SECONDS)
    with pytest.raises(reflow.ClosedError, match="the network has ended"):
        out.recv(timeout=SECONDS)
