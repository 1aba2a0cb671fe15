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
