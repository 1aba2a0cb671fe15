"""The forms of actors: what a declaration refuses, and what a coroutine can ask of its context."""

import array
import asyncio
import copy
import functools
import logging
import pickle
import time

import pytest

import reflow

SECONDS = 120


@reflow.actor(inports=["in"], outports=["out"])
def known_by_name(ctx, value):
    return {"out": value}


# ---- declarations ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["setup", "finish", "teardown"])
def test_only_run_may_be_a_coroutine(name):
    async def part(self, ctx):
        pass

    async def run(self, ctx, value):
        pass

    with pytest.raises(reflow.SignatureError, match=f"Session.{name} is a coroutine function"):
        reflow.actor(inports=["in"])(type("Session", (), {"run": run, name: part}))


@pytest.mark.parametrize("name", ["setup", "finish", "teardown"])
def test_methods_with_wrong_arguments_are_refused_at_once(name):
    def run(self, ctx, value):
        pass

    with pytest.raises(reflow.SignatureError, match=rf"Counter.{name} cannot be called as \(ctx\)"):
        reflow.actor(inports=["in"])(type("Counter", (), {"run": run, name: lambda self: None}))


def test_static_and_class_methods_run(net):
    @reflow.actor(inports=["in"], outports=["out"])
    class Static:
        @staticmethod
        def run(ctx, value):
            return {"out": value + 1}

    @reflow.actor(inports=["in"], outports=["out"])
    class OfClass:
        step = 2

        @classmethod
        def run(cls, ctx, value):
            return {"out": value + cls.step}

    net.add("s", Static).add("c", OfClass).connect("s.out", "c.in")
    out = net.stream("c.out")
    net.send("s.in", 1)
    assert out.recv(timeout=SECONDS) == 4


@pytest.mark.parametrize("options", [
    {"timeout": -1}, {"timeout": 0}, {"timeout": "1"}, {"timeout": float("nan")}, {"timeout": float("inf")},
    {"max_batch": -5}, {"max_batch": 0}, {"max_batch": "x"}, {"id": 5}, {"title": 5}, {"category": None, "id": b"x"},
    {"config": {"a": object()}}, {"config": "x"},
])
def test_options_are_looked_at_where_they_are_said(options):
    with pytest.raises(reflow.InvalidArgumentError) as raised:
        reflow.actor(inports=["in"], **options)(lambda ctx, value: None)
    assert any(name in str(raised.value) for name in options)


@pytest.mark.parametrize("number", [-1, 0, "x", 1.5, 2**40])
def test_max_concurrency_is_a_count(number):
    async def f(ctx, value):
        pass

    with pytest.raises(reflow.InvalidArgumentError, match="max_concurrency is a whole number from 1"):
        reflow.actor(inports=["in"], max_concurrency=number)(f)


@pytest.mark.parametrize("capacity", [-1, "x", 1.5])
def test_capacities_are_counts(net, capacity):
    with pytest.raises(reflow.InvalidArgumentError, match="capacity of port 'in' is a whole number from 0"):
        reflow.Port("in", capacity=capacity)
    net.add("k", known_by_name)
    with pytest.raises(reflow.InvalidArgumentError, match="capacity is a whole number from 0"):
        net.stream("k.out", capacity=capacity)


def test_ports_are_a_list():
    with pytest.raises(reflow.InvalidArgumentError, match="inports are a list of names or Ports, not 5"):
        reflow.actor(inports=5)(lambda ctx, value: None)


def test_a_hidden_coroutine_is_told_so(net):
    def plain(function):
        @functools.wraps(function)
        def call(*arguments):
            return function(*arguments)

        return call

    @plain
    async def wrapped(ctx, value):
        return {"out": value}

    net.add("w", reflow.actor(inports=["in"], outports=["out"])(wrapped))
    net.send("w.in", 1)
    net.wait_idle(SECONDS)
    (letter,) = net.dead_letters
    assert "returned coroutine" in letter["message"] and "async def" in letter["message"]


def test_actors_are_pickled_by_their_name():
    assert pickle.loads(pickle.dumps(known_by_name)) is known_by_name
    assert copy.copy(known_by_name) is known_by_name

    @reflow.actor(inports=["in"])
    def local(ctx, value):
        pass

    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(local)


@pytest.mark.parametrize("value", [
    array.array("i", [1, 2]), array.array("f", [1.5]), b"bytes", {"a": [1, 2.5, None, b"q"]}, 2**60,
])
def test_messages_are_pickled(value):
    message = reflow.Message(value)
    back = pickle.loads(pickle.dumps(message))
    assert back == message and back.kind == message.kind
    assert copy.deepcopy(message) == message


def test_an_actor_is_handed_to_a_process(program):
    done = program("""
        import multiprocessing, os, sys, tempfile

        folder = tempfile.mkdtemp()
        with open(os.path.join(folder, "actors_of_test.py"), "w") as file:
            file.write('''
        import reflow

        @reflow.actor(inports=["in"], outports=["out"])
        def double(ctx, value):
            return {"out": value * 2}

        def through(actor, value):
            graph = reflow.Graph().add("d", actor).expose_in("in", "d.in").expose_out("out", "d.out")
            return reflow.run(graph, inputs={"in": [value]}, timeout=100)["out"]
        '''.replace(chr(10) + " " * 8, chr(10)))
        sys.path.insert(0, folder)
        os.environ["PYTHONPATH"] = folder + os.pathsep + os.environ["PYTHONPATH"]
        import actors_of_test

        if __name__ == "__main__":
            context = multiprocessing.get_context("forkserver")
            with context.Pool(1) as pool:
                print(pool.apply(actors_of_test.through, (actors_of_test.double, 21)))
    """)
    assert done.stdout.strip() == "[42]", done.stderr


# ---- batches ---------------------------------------------------------------------------------------


def test_a_batch_tells_the_inport_of_each_packet():
    seen = []

    @reflow.actor(inports=["a", "b"], await_="any", batch=True)
    def f(ctx, values):
        seen.extend(zip(ctx.ports, values))
        if len(set(ctx.ports)) > 1:
            assert ctx.port is None

    with reflow.Network(mode="inline") as net:
        net.add("f", f)
        for i in range(6):
            net.send("f.ab"[:2] + "ab"[i % 2], i)
        net.wait_idle(SECONDS)
        assert not net.errors
    assert sorted(seen, key=lambda pair: pair[1]) == [("ab"[i % 2], i) for i in range(6)]


# ---- what coroutines ask of their context -----------------------------------------------------------


def test_a_coroutine_knows_its_attempts(net):
    tries = []

    @reflow.actor(inports=["in"])
    async def f(ctx, value):
        await asyncio.sleep(0)
        tries.append(ctx.attempts)
        raise ValueError("again")

    net.add("f", f, {"failure": {"retries": 2, "backoff_ms": 1}})
    net.send("f.in", 1)
    net.wait_idle(SECONDS)
    assert tries == [0, 1, 2]


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("mode", ["own", "inline", "simulated"])
def test_a_coroutine_logs_and_prints(caplog, capsys, mode, late):
    told = []

    @reflow.actor(inports=["in"], outports=["out"], timeout=3600)
    async def f(ctx, value):
        if late:
            await asyncio.sleep(0)
        ctx.log("info", f"begin {value}")
        ctx.log(logging.WARNING, "a number")
        ctx.log("debug", "not wanted")
        ctx.print(f"printed {value}\n")
        before = ctx.now
        told.append((before, ctx.now, ctx.deadline))
        return {"out": value}

    with caplog.at_level(logging.INFO, "reflow"), reflow.Network(mode=mode) as net:
        net.add("f", f)
        out = net.stream("f.out")
        net.send("f.in", 7)
        assert out.recv(timeout=SECONDS) == 7
        net.wait_idle(SECONDS)
        assert not net.errors
    records = [(r.name, r.levelno, r.getMessage()) for r in caplog.records if r.name == "reflow.f"]
    assert records == [("reflow.f", logging.INFO, "f: begin 7"), ("reflow.f", logging.WARNING, "f: a number")]
    assert capsys.readouterr().out == "printed 7\n"
    (before, after, deadline), = told
    assert before <= after < deadline and deadline - before == pytest.approx(3600, abs=SECONDS)


def test_a_coroutine_logs_through_the_functions_of_its_runtime():
    lines, printed = [], []

    @reflow.actor(inports=["in"])
    async def f(ctx, value):
        ctx.log("error", "wrong")
        ctx.print("text")

    with reflow.Network(log=lambda *line: lines.append(line), print=lambda *line: printed.append(line)) as net:
        net.add("f", f)
        net.send("f.in", 1)
        net.wait_idle(SECONDS)
        assert (1, "f", "f", "wrong") in lines
        assert printed == [("f", "text")]


def test_what_a_coroutine_cannot_do_is_told(net):
    hints = []

    @reflow.actor(inports=["in"], outports=["out"])
    async def f(ctx, value):
        for ask in (lambda: ctx.set_timer(1, 1.0), lambda: ctx.room("out"), ctx.again, lambda: ctx.wake_after(1)):
            with pytest.raises(reflow.InvalidStateError, match="a coroutine cannot do this") as raised:
                ask()
            hints.append(raised.value.hint)

    net.add("f", f)
    net.send("f.in", 1)
    net.wait_idle(SECONDS)
    assert not net.errors
    assert len(hints) == 4 and "asyncio.sleep" in hints[0]


def test_levels_of_the_log(net):
    @reflow.actor(inports=["in"])
    def f(ctx, level):
        ctx.log(level, "text")

    net.add("f", f)
    for level in ("critical", "warn", 50, 0):
        net.send("f.in", level)
    net.wait_idle(SECONDS)
    assert not net.errors
    net.send("f.in", "loud")
    net.wait_idle(SECONDS)
    assert "no log level 'loud'" in str(net.errors[0].exception)


# ---- the end of a class -----------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["own", "inline"])
def test_what_teardown_raises_is_in_the_log(caplog, mode):
    @reflow.actor(inports=["in"], id="Ends")
    class Ends:
        def run(self, ctx, value):
            pass

        def teardown(self, ctx):
            raise ValueError("cannot be closed")

    with caplog.at_level(logging.INFO, "reflow"):
        with reflow.Network(mode=mode) as net:
            net.add("e", Ends)
            net.send("e.in", 1)
            net.wait_idle(SECONDS)
    told = [r for r in caplog.records if r.name == "reflow.Ends" and r.levelno == logging.WARNING]
    assert [r.getMessage() for r in told] == ["e: teardown: ValueError: cannot be closed"]


# ---- mode simulated ----------------------------------------------------------------------------------


@pytest.mark.parametrize("pause", [None, 0, 0.02])
def test_coroutines_in_mode_simulated(pause):
    @reflow.actor(inports=["in"], outports=["out"])
    async def f(ctx, value):
        if pause is not None:
            await asyncio.sleep(pause)
        return {"out": value * 2}

    with reflow.Network(mode="simulated", seed=1) as net:
        net.add("f", f).add("g", known_by_name).connect("f.out", "g.in")
        out = net.stream("g.out")
        net.send_many("f.in", [1, 2, 3])
        net.wait_idle(SECONDS)
        assert out.recv_many(3, timeout=SECONDS) == [2, 4, 6]
        net.send("f.in", 4)
        assert out.recv(timeout=SECONDS) == 8
        net.send("f.in", 5)
        net.drain(SECONDS)
        assert list(out) == [10]


def test_coroutines_in_mode_simulated_inside_a_loop():
    @reflow.actor(inports=["in"], outports=["out"])
    async def f(ctx, value):
        await asyncio.sleep(0.01)
        return {"out": value * 2}

    async def main():
        async with reflow.Network(mode="simulated", seed=1) as net:
            net.add("f", f)
            out = net.stream("f.out")
            await net.feed("f.in", range(5))
            await net.idle(SECONDS)
            first = await out.__anext__()
            await net.run(SECONDS)
            return [first] + [value async for value in out]

    assert asyncio.run(main()) == [0, 2, 4, 6, 8]


def test_a_wait_in_mode_simulated_ends_in_time():
    @reflow.actor(inports=["in"])
    async def f(ctx, value):
        await asyncio.sleep(3600)

    with reflow.Network(mode="simulated", seed=1) as net:
        net.add("f", f)
        net.send("f.in", 1)
        begin = time.monotonic()
        with pytest.raises(reflow.TimeoutError):
            net.wait_idle(0.1)
        assert time.monotonic() - begin < SECONDS
        assert net.cancel("f") == 1
        net.wait_idle(SECONDS)
