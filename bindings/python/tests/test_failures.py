"""Exceptions of actors: where they can be found, with their traceback, and what goes over processes."""

import pickle
import traceback

import pytest

import reflow


def raise_in(net, node="bad"):
    def deep(value):
        raise LookupError(f"no {value}")

    @reflow.actor(inports=["in"], outports=["out"])
    def bad(ctx, value):
        deep(value)

    net.add(node, bad)


def test_the_event_leads_to_the_exception(net):
    raise_in(net, "a")
    raise_in(net, "b")
    events = net.events(["ActorFailed"])
    net.start()
    net.send("a.in", 1)
    net.send("b.in", 2)
    net.wait_idle(5)
    told = {event.node: event for event in events.poll(timeout=5)}
    assert set(told) == {"a", "b"}
    for node, number in (("a", 1), ("b", 2)):
        event = told[node]
        exception = net.exception_of(event)
        assert isinstance(exception, LookupError) and exception.args == (f"no {number}",)
        assert [frame.name for frame in traceback.extract_tb(exception.__traceback__)] == ["bad", "deep"]
        assert "in deep" in event.trace and f"LookupError: no {number}" in event.error
    strange = told["a"]._replace(node="c")
    assert net.exception_of(strange) is None


def test_the_cause_is_in_the_trace(net):
    @reflow.actor(inports=["in"])
    def chained(ctx, value):
        try:
            1 / 0
        except ZeroDivisionError as fault:
            raise RuntimeError("outer") from fault

    net.add("c", chained)
    events = net.events(["ActorFailed"])
    net.start()
    net.send("c.in", 1)
    net.wait_idle(5)
    trace = events.poll(timeout=5)[0].trace
    assert "ZeroDivisionError" in trace and trace.rstrip().endswith("RuntimeError: outer")


def test_retries_see_their_attempts(net):
    seen = []

    @reflow.actor(inports=["in"], outports=["out"])
    def flaky(ctx, value):
        seen.append(ctx.attempts)
        if ctx.attempts < 2:
            raise OSError("again")
        return {"out": value}

    net.add("f", flaky, failure={"retries": 3, "backoff_ms": 1})
    out = net.stream("f.out")
    net.send("f.in", 5)
    assert out.recv(10) == 5
    assert seen == [0, 1, 2]
    net.wait_idle(5)
    assert net.counters("f")["failed"] == 0


def test_exceptions_with_odd_texts(net):
    class Odd(Exception):
        def __str__(self):
            raise ValueError("no text")

    @reflow.actor(inports=["in"])
    def odd(ctx, value):
        raise Odd if value else Exception("\ud800 \0 " + "x" * 100000)

    net.add("o", odd)
    errors = net.stream("o.error")
    net.send_many("o.in", [1, 0])
    assert "Odd" in errors.recv(5).text
    assert errors.recv(5).text


def test_own_errors_keep_their_status(net):
    @reflow.actor(inports=["in"])
    def own(ctx, value):
        raise reflow.UnsupportedError("not here", hint="try there")

    net.add("o", own)
    net.send("o.in", 1)
    net.wait_idle(5)
    letter = list(net.dead_letters)[0]
    assert letter["status"] == "REFLOW_ERROR_UNSUPPORTED"
    assert "try there" in letter["message"] + letter["hint"]


def test_errors_can_be_pickled():
    with pytest.raises(reflow.ConversionError) as caught:
        reflow.Message({"a": object()})
    error = pickle.loads(pickle.dumps(caught.value))
    assert type(error) is reflow.ConversionError
    assert (str(error), error.path, error.hint) == (str(caught.value), "$.a", caught.value.hint)


def test_each_status_has_a_class_of_its_own():
    from reflow import errors

    classes = set(errors.BY_STATUS.values())
    assert len(classes) == len(errors.BY_STATUS)
    header = {}
    import pathlib
    import re

    for folder in pathlib.Path(__file__).resolve().parents:
        path = folder / "include" / "reflow.h"
        if path.exists():
            header = dict(re.findall(r"^    (REFLOW_ERROR_\w+) = (-\d+)", path.read_text(), re.M))
            break
    else:
        pytest.skip("the header is not here")
    known = {cls.status_name: str(cls.status) for cls in classes}
    assert known == header
    for cls in classes:
        assert issubclass(cls, reflow.Error) and cls.__doc__


# ---- in every place ----------------------------------------------------------------------------------


def parts(**functions):
    """An actor of which one part raises."""
    def run(self, ctx, value):
        return {"out": value}

    return reflow.actor(type("Part", (), {"run": run, **functions}), inports=["in"], outports=["out"])


def fault(*_):
    raise ValueError("at fault")


@pytest.mark.parametrize("place", ["__init__", "setup"])
def test_a_part_that_raises_before_the_start(net, place):
    faults = [1]
    net.add("p", parts(**{place: lambda *_: fault(faults.pop()) if faults else None})).add("n", parts())
    with pytest.raises(reflow.FailedError, match="node 'p': ValueError: at fault") as caught:
        net.start()
    assert caught.value.node == "p" and isinstance(caught.value.__cause__, ValueError)
    out = net.stream("n.out")
    net.send("n.in", 1)  # the second start succeeds
    assert out.recv(10) == 1


@pytest.mark.parametrize("place, told", [("finish", True), ("teardown", False)])
def test_a_part_that_raises_at_the_end(net, place, told):
    net.add("p", parts(**{place: fault})).add("n", parts()).connect("p.out", "n.in")
    out = net.stream("n.out")
    events = net.events(["ActorFailed"])
    net.send("p.in", 1)
    net.drain(10)
    net.stop(10)
    assert [(f.node, str(f.exception)) for f in net.errors] == [("p", "at fault")]
    # A firing has failed there, or none; the rest has ended as usual.
    assert [event.node for event in events] == (["p"] if told else [])
    assert list(out) == [1] and net.state == "stopped"


def broken_batch(ctx, values):
    fault() if 1 in values else ctx.emit_many("out", values)


async def broken_coroutine(ctx, value):
    fault() if value == 1 else ctx.emit("out", value)


def broken_generator(ctx, value):
    yield {"out": value} if value != 1 else fault()


async def broken_async_generator(ctx, value):
    yield {"out": value} if value != 1 else fault()


@pytest.mark.parametrize("function, options", [
    (broken_batch, {"batch": True}), (broken_coroutine, {}), (broken_generator, {}),
    (broken_async_generator, {}), (broken_coroutine, {"max_concurrency": 4}),
])
def test_each_form_of_actor_may_raise(net, function, options):
    net.add("f", reflow.actor(function, inports=["in"], outports=["out"], **options))
    out = net.stream("f.out")
    for value in (1, 2):
        net.send("f.in", value)
        net.wait_idle(10)
    assert [type(f.exception) for f in net.errors] == [ValueError]
    assert "at fault" in next(iter(net.dead_letters))["message"]
    assert out.recv(10) == 2


def letters(net):
    return [[packet["message"] for packet in letter["packets"]] for letter in net.dead_letters]


@pytest.mark.parametrize("how", ["raises", "converts", "numpy"])
def test_one_packet_of_a_batch_fails_alone(net, how):
    calls = []

    def run(ctx, values):
        calls.append(len(values))
        if how == "raises":
            return {"out": [value * 10 for value in values if value != "a" or fault()]}
        if how == "converts":
            return {"out": [object() if value == "a" else value * 10 for value in values]}
        return {"out": values * 10}

    if how == "numpy":
        pytest.importorskip("numpy")
    net.add("f", reflow.actor(run, inports=["in"], outports=["out"], batch="numpy" if how == "numpy" else True))
    out = net.stream("f.out")
    net.start()
    net.send_many("f.in", [1, 2, 3, "a", 5, "a", 7])
    net.wait_idle(10)
    assert [out.recv(10) for _ in range(5)] == [10, 20, 30, 50, 70]
    assert letters(net) == [["a"], ["a"]]
    # Each packet is handed over twice at the most.
    assert sum(calls) <= 14
    net.send_many("f.in", [8, 9])
    assert [out.recv(10), out.recv(10)] == [80, 90]


def test_a_batch_that_has_emitted_fails_whole(net):
    def run(ctx, values):
        for value in values:
            ctx.emit("out", value if value != "a" else fault())

    net.add("f", reflow.actor(run, inports=["in"], outports=["out"], batch=True))
    out = net.stream("f.out")
    net.start()
    net.send_many("f.in", [1, 2, "a", 4])
    net.wait_idle(10)
    net.send_many("f.in", [5, 6])
    net.wait_idle(10)
    got = []
    while True:
        try:
            got.append(out.recv(0))
        except reflow.Error:
            break
    failed = [value for (value,) in letters(net)]
    # Nothing comes twice, and what has not come is a letter, however the packets were dealt into batches.
    assert got == sorted(set(got), key=got.index) and got[-2:] == [5, 6]
    assert "a" in failed and {1, 2, 4} <= set(got) | set(failed)


def test_a_source_that_raises_has_ended(net):
    @reflow.actor(outports=["out"])
    def source(ctx):
        yield {"out": 1}
        fault()

    net.add("s", source)
    out = net.stream("s.out")
    net.start()
    net.drain(10)
    assert list(out) == [1] and [str(f.exception) for f in net.errors] == ["at fault"]


def test_a_condition_of_a_breakpoint_may_raise(net, monkeypatch):
    told = []
    monkeypatch.setattr("sys.unraisablehook", lambda unraisable: told.append(type(unraisable.exc_value)))
    net.add("n", parts())
    out = net.stream("n.out")
    net.start()
    net.add_breakpoint("n.in", when=fault)
    net.send("n.in", 1)
    assert out.recv(10) == 1 and told == [ValueError]  # it does not stop


def test_hints_are_in_words_of_python(net):
    @reflow.actor(inports=["in"], outports=["out"])
    def same(ctx, value):
        return {"out": value}

    net.add("n", same)
    with pytest.raises(reflow.NotFoundError) as told:
        net.send("n", 1)
    assert str(told.value) == "port 'n': the graph exposes no inport 'n' (a port of a node is 'node.port')"
    assert told.value.hint == "a port of a node is 'node.port'"
    with pytest.raises(reflow.InvalidStateError) as told:
        net.send("n.in", 1, envelope={"correlation": "x"})
    assert told.value.hint == "call carry_envelopes() before its start"
    assert str(told.value).endswith("(call carry_envelopes() before its start)")
    with pytest.raises(TypeError, match="a timeout is None or a number of seconds, not str"):
        net.wait_idle("x")
