"""Actors of every form: functions, classes, generators, batches; what they return and how they fail."""

import threading

import pytest

import reflow


def collect(net, stream):
    net.wait_idle(10)
    try:
        return stream.recv_many(100000, 0)
    except reflow.TimeoutError:
        return []


def test_the_smallest_program():
    @reflow.actor(inports=["in"], outports=["out"])
    def double(ctx, value):
        return {"out": value * 2}

    with reflow.Network() as net:
        net.add("d", double)
        net.add("log", "Log")
        net.connect("d.out", "log.in")
        out = net.stream("d.out")
        net.send("d.in", 21)
        net.wait_idle(timeout=5)
        assert out.recv(timeout=5) == 42
    assert net.state == "closed" and net.closed
    assert double(None, 4) == {"out": 8}
    assert double.__name__ == "double"


def test_order_and_number(net):
    @reflow.actor(inports=["in"], outports=["out"])
    def same(ctx, value):
        return {"out": value}

    net.add("a", same)
    net.add("b", same)
    net.connect("a.out", "b.in")
    out = net.stream("b.out", capacity=100000)
    assert net.send_many("a.in", range(20000)) == 20000
    assert collect(net, out) == list(range(20000))
    assert net.counters("a")["fired"] == 20000


def test_emit_any_number_of_times(net):
    @reflow.actor(inports=["in"], outports=["out", "rest"])
    def many(ctx, value):
        for i in range(value):
            ctx.emit("out", i)
        ctx.emit_many("rest", [value] * value)
        return {"out": "end", "rest": None}

    net.add("m", many)
    out, rest = net.stream("m.out"), net.stream("m.rest")
    net.send("m.in", 3)
    assert collect(net, out) == [0, 1, 2, "end"]
    assert rest.recv_many(10, 1) == [3, 3, 3, None]


def test_several_inports(net):
    @reflow.actor(inports=["a", "b"], outports=["out"])
    def pair(ctx, a, b):
        return {"out": [a, b, ctx.port]}

    @reflow.actor(inports=["a", "b"], outports=["out"], await_="any")
    def either(ctx, value):
        return {"out": [ctx.port, value]}

    @reflow.actor(inports=[reflow.Port("a", required=True), "b"], outports=["out"], await_="required")
    def main(ctx, a, b):
        return {"out": [a, b]}

    net.add("p", pair).add("e", either).add("m", main).expose_inport("ma", "m.a")
    p, e, m = (net.stream(f"{n}.out") for n in "pem")
    for node in "pe":
        net.send_many(f"{node}.a", [1, 2])
        net.send_many(f"{node}.b", ["x", "y"])
    net.send("m.a", 1)
    net.wait_idle(5)
    net.send("m.b", "late")
    net.send("m.a", 2)
    assert collect(net, p) == [[1, "x", None], [2, "y", None]]
    assert sorted(e.recv_many(10, 1), key=str) == [["a", 1], ["a", 2], ["b", "x"], ["b", "y"]]
    assert m.recv_many(10, 1) == [[1, None], [2, "late"]]


def test_class_form(net):
    calls = []

    @reflow.actor(inports=["in"], outports=["out"])
    class Sum:
        """Adds up."""

        def setup(self, ctx):
            self.total = ctx.config["start"]
            calls.append(("setup", ctx.node))

        def run(self, ctx, value):
            self.total += value

        def finish(self, ctx):
            return {"out": self.total}

        def teardown(self, ctx):
            calls.append(("teardown", ctx.node))

    net.add("a", Sum, start=10)
    net.add("b", Sum, {"start": 20})
    a, b = net.stream("a.out"), net.stream("b.out")
    net.send_many("a.in", [1, 2, 3])
    net.send_many("b.in", [1])
    net.drain(5)
    assert list(a) == [16] and list(b) == [21]
    net.close()
    assert sorted(calls) == [("setup", "a"), ("setup", "b"), ("teardown", "a"), ("teardown", "b")]
    assert Sum().run.__name__ == "run"


def test_state_and_config(net):
    @reflow.actor(inports=["in"], outports=["out"], state=dict,
                  config={"type": "object", "properties": {"step": {"type": "integer"}}})
    def count(ctx, value):
        step = ctx.config.get("step", 1)
        ctx.state[value] = ctx.state.get(value, 0) + step
        return {"out": ctx.state[value]}

    net.add("a", count, step=5)
    net.add("b", count)
    a, b = net.stream("a.out"), net.stream("b.out")
    for _ in range(2):
        net.send("a.in", "k")
        net.send("b.in", "k")
    assert collect(net, a) == [5, 10] and b.recv_many(5, 1) == [1, 2]

    @reflow.actor(inports=["in"], outports=["out"])
    def plain(ctx, value):
        ctx.state.seen = getattr(ctx.state, "seen", 0) + 1
        return {"out": ctx.state.seen}

    net.add("c", plain)
    c = net.stream("c.out")
    net.send_many("c.in", [0, 0])
    assert collect(net, c) == [1, 2]
    with pytest.raises(reflow.ConfigError) as caught:
        net.add("bad", count, step="x")
    assert caught.value.node == "bad"


def test_each_node_has_a_state_of_its_own():
    first = {"n": 0, "seen": []}

    @reflow.actor(inports=["in"], outports=["out"], state=first)
    def count(ctx, value):
        ctx.state["n"] += value
        ctx.state["seen"].append(value)
        return {"out": [ctx.state["n"], list(ctx.state["seen"])]}

    for _ in range(2):  # networks do not share it either
        with reflow.Network() as net:
            net.add("a", count).add("b", count)
            a, b = net.stream("a.out"), net.stream("b.out")
            net.send_many("a.in", [1, 2])
            net.send("b.in", 5)
            assert [a.recv(30), a.recv(30), b.recv(30)] == [[1, [1]], [3, [1, 2]], [5, [5]]]
    assert first == {"n": 0, "seen": []}


def test_a_state_that_cannot_be_copied(net):
    net.add("n", reflow.actor(lambda ctx, value: None, inports=["in"], id="locked", state=threading.Lock()))
    with pytest.raises(reflow.InvalidArgumentError, match="locked: the state cannot be copied") as refused:
        net.start()
    assert "without arguments" in str(refused.value)


def test_generators_as_sources(net):
    @reflow.actor(outports=["out"])
    def numbers(ctx):
        for i in range(5000):
            yield {"out": i}

    @reflow.actor(inports=["in"], outports=["out"])
    def repeat(ctx, value):
        for _ in range(3):
            yield {"out": value}
            yield None

    @reflow.actor(outports=["out"])
    def once(ctx):
        return {"out": ctx.node}

    net.add("n", numbers)
    net.add("r", repeat)
    net.add("o", once)
    net.connect("n.out", "r.in")
    out, first = net.stream("r.out", capacity=20000), net.stream("o.out")
    net.start()
    assert collect(net, out) == [i for i in range(5000) for _ in range(3)]
    assert first.recv_many(5, 1) == ["o"]
    assert net.errors == []


def test_a_source_is_held_back(net):
    made = []

    @reflow.actor(outports=["out"])
    def endless(ctx):
        i = 0
        while True:
            made.append(i)
            yield {"out": i}
            i += 1

    net.add("s", endless)
    out = net.stream("s.out", capacity=10)
    net.start()
    assert [out.recv(5) for _ in range(1000)] == list(range(1000))
    assert len(made) < 3000
    net.end_sources()
    net.stop(5)


def test_batches_of_lists(net):
    sizes = []

    @reflow.actor(inports=["in"], outports=["out"], batch=True)
    def twice(ctx, values):
        sizes.append(len(values))
        return {"out": [v * 2 for v in values]}

    @reflow.actor(inports=["a", "b"], outports=["out"], batch=True)
    def add(ctx, a, b):
        return {"out": (x + y for x, y in zip(a, b))}

    net.add("t", twice).add("s", add)
    net.connect("t.out", "s.a")
    out = net.stream("s.out", capacity=10000)
    net.send_many("t.in", range(3000))
    net.send_many("s.b", range(3000))
    assert collect(net, out) == [3 * i for i in range(3000)]
    assert sum(sizes) == 3000


def test_failures_are_told_and_the_node_goes_on(net):
    @reflow.actor(inports=["in"], outports=["out"])
    def picky(ctx, value):
        if value % 2:
            raise ValueError(f"odd: {value}")
        return {"out": value}

    net.add("p", picky)
    out = net.stream("p.out")
    net.send_many("p.in", range(10))
    assert collect(net, out) == [0, 2, 4, 6, 8]
    assert [str(e.exception) for e in net.errors] == [f"odd: {i}" for i in (1, 3, 5, 7, 9)]
    failure = net.errors[0]
    assert failure.node == "p"
    names = []
    trace = failure.exception.__traceback__
    while trace:
        names.append(trace.tb_frame.f_code.co_name)
        trace = trace.tb_next
    assert names == ["picky"]
    assert net.counters("p")["failed"] == 5


def test_errors_go_to_the_error_port(net):
    @reflow.actor(inports=["in"], outports=["out"])
    def bad(ctx, value):
        raise KeyError("nothing")

    net.add("b", bad)
    errors = net.stream("b.error")
    net.send("b.in", 1)
    got = errors.recv(5)
    assert got.kind == "Error" and "KeyError: 'nothing'" in got.text


@pytest.mark.parametrize("result, words", [
    (42, ["returned int", "dict from outport"]),
    ({"out": 1, "outt": 2}, ["no outport 'outt'", "did you mean 'out'?"]),
    ({"out": object()}, ["object", "register_converter"]),
    ({"out": {"a": [1, {2}, object()]}}, ["$.a[2]"]),
    ({3: 1}, ["is a str"]),
    ([1], ["returned list"]),
])
def test_wrong_results(net, result, words):
    @reflow.actor(inports=["in"], outports=["out", "more"])
    def wrong(ctx, value):
        return result if value else {"out": "fine"}

    net.add("w", wrong)
    out = net.stream("w.out")
    net.send_many("w.in", [1, 0])
    assert collect(net, out) == ["fine"]
    text = str(net.errors[0].exception)
    for word in words:
        assert word in text


@pytest.mark.parametrize("function, inports", [
    (lambda ctx: None, ["in"]),
    (lambda ctx, a, b: None, ["in"]),
    (lambda ctx, a: None, ["a", "b"]),
    (lambda: None, []),
])
def test_wrong_arity_is_refused_at_once(function, inports):
    with pytest.raises(reflow.SignatureError) as caught:
        reflow.actor(function, inports=inports)
    assert isinstance(caught.value, TypeError)
    assert "cannot be called as (ctx" in str(caught.value)


def test_wrong_declarations():
    with pytest.raises(reflow.InvalidArgumentError, match="list of names"):
        reflow.actor(inports="in")(lambda ctx, v: None)
    with pytest.raises(reflow.InvalidArgumentError, match="two inports"):
        reflow.actor(inports=["a", "a"])(lambda ctx, v, w: None)
    with pytest.raises(reflow.InvalidArgumentError, match="'any', 'all', 'required'"):
        reflow.actor(inports=["a"], await_="some")(lambda ctx, v: None)
    with pytest.raises(reflow.InvalidArgumentError):
        reflow.actor(3)
    with pytest.raises(reflow.SignatureError, match="run"):
        reflow.actor(type("Empty", (), {}))
    with pytest.raises(reflow.InvalidArgumentError, match="batch"):
        @reflow.actor(inports=["in"], batch=True)
        async def no(ctx, values):
            pass
    with pytest.raises(reflow.InvalidArgumentError, match="async def"):
        reflow.actor(inports=["in"], max_concurrency=4)(lambda ctx, v: None)


def test_unknown_names_have_hints(net):
    @reflow.actor(inports=["in"], outports=["out"])
    def same(ctx, value):
        return {"out": value}

    net.add("n", same)
    with pytest.raises(reflow.AlreadyExistsError):
        net.add("n", same)
    with pytest.raises(KeyError) as caught:
        net.send("n.inn", 1)
    assert isinstance(caught.value, reflow.NotFoundError) and "did you mean 'in'" in str(caught.value)
    with pytest.raises(reflow.NotFoundError):
        net.stream("m.out")
    with pytest.raises(reflow.NotFoundError, match=r"node 'm': .*'Filtre' \(did you mean 'Filter'\?\)") as caught:
        net.add("m", "Filtre")
    assert caught.value.node == "m"
    net.send("n.in", 1)
    net.wait_idle(5)


def test_edits_that_cannot_be_are_told_at_once(net):
    @reflow.actor(inports=["in"], outports=["out"])
    def double(ctx, value):
        return {"out": value * 2}

    net.add("d", double).add("log", "Log")
    for source, target, port in (("d.outt", "log.in", "outt"), ("d.out", "log.inn", "inn"),
                                 (("d", "outt"), ("log", "in"), "outt")):
        with pytest.raises(reflow.GraphError, match="did you mean") as caught:
            net.connect(source, target)
        assert caught.value.port == port
    with pytest.raises(reflow.NotFoundError):
        net.replace("log", "Logg")
    out = net.connect("d.out", "log.in").stream("d.out")
    net.send("d.in", 21)
    net.wait_idle(5)
    assert out.recv(timeout=5) == 42
    with pytest.raises(reflow.GraphError, match="did you mean 'out'") as caught:
        net.connect("d.outt", "log.in")
    assert caught.value.node == "d"


def test_what_only_the_engine_knows_is_left_to_it(net):
    net.add("far", "doubler@elsewhere").add("log", "Log")
    net.connect("far.whatever", "log.in")
    inner = reflow.Graph("inner")
    with reflow.Network(inner) as other:
        with pytest.raises(reflow.NotFoundError):
            other.add("x", "Nothing").start()


def test_setup_that_fails_can_be_tried_again(net):
    tries = []

    @reflow.actor(inports=["in"])
    class Late:
        def setup(self, ctx):
            tries.append(1)
            if len(tries) == 1:
                raise OSError("not there yet")

        def run(self, ctx, value):
            pass

    net.add("l", Late)
    with pytest.raises(reflow.Error, match="not there yet") as caught:
        net.start()
    assert isinstance(caught.value.__cause__, OSError)
    net.start()
    assert net.state == "running"


def test_a_context_that_is_kept_has_ended(net):
    kept = []

    @reflow.actor(inports=["in"], outports=["out"])
    def keep(ctx, value):
        kept.append(ctx)

    net.add("k", keep)
    net.send_many("k.in", [1, 2])
    net.wait_idle(5)
    assert kept[0] is not kept[1]
    for ctx in kept:
        with pytest.raises(reflow.InvalidStateError, match="'k' emits after its firing has ended"):
            ctx.emit("out", 1)
        with pytest.raises(reflow.InvalidStateError):
            ctx.again()
        assert ctx.node == "k" and ctx.stopping
    with pytest.raises(TypeError):
        reflow.Context()


def test_timers(net):
    @reflow.actor(inports=["in"], outports=["out"])
    def later(ctx, value):
        if value is None:
            return {"out": ctx.timers or "woken"}
        if value == "timer":
            ctx.set_timer(3, 0.001)
        else:
            ctx.wake_after(0.001)

    net.add("l", later)
    out = net.stream("l.out")
    net.send("l.in", "timer")
    assert out.recv(5) == [3]
    net.send("l.in", "wake")
    assert out.recv(5) == "woken"


def test_questions_to_the_context(net):
    @reflow.actor(inports=["in"], outports=["out", "nobody"])
    def ask(ctx, value):
        return {"out": [ctx.node, ctx.component, ctx.attempts, ctx.stopping, ctx.connected("nobody"),
                        ctx.connected("out"), ctx.room("nobody"), ctx.room("out") > 0, ctx.now > 0,
                        ctx.deadline, ctx.index, ctx.envelope]}

    net.add("a", ask)
    out = net.stream("a.out")
    net.send("a.in", 1)
    assert out.recv(5) == ["a", "ask", 0, False, False, True, None, True, True, None, None, None]


def test_array_ports(net):
    @reflow.actor(inports=[reflow.Port("in", array=True)], outports=["out"])
    def which(ctx, value):
        return {"out": [ctx.index, value]}

    @reflow.actor(inports=["in"], outports=[reflow.Port("out", array=True)])
    def deal(ctx, value):
        ctx.emit("out", value, index=value % 2)

    net.add("d", deal).add("w", which)
    net.connect("d.out[0]", "w.in[7]").connect("d.out[1]", "w.in[9]")
    out = net.stream("w.out")
    net.send_many("d.in", range(4))
    assert sorted(collect(net, out)) == [[7, 0], [7, 2], [9, 1], [9, 3]]
    with pytest.raises(reflow.InvalidArgumentError, match="index"):
        net.connect("d.out[x]", "w.in")


def test_an_index_that_is_none_is_refused(net):
    @reflow.actor(inports=["in"], outports=[reflow.Port("out", array=True)])
    def wrong(ctx, value):
        for index in (2**32, 2**32 + 2, 2**32 - 1, 2**70, -1, -(2**70)):
            with pytest.raises(reflow.InvalidArgumentError, match="index"):
                ctx.emit("out", value, index=index)
        with pytest.raises(TypeError):
            ctx.emit("out", value, index="0")
        ctx.emit("out", value, index=2**32 - 2)

    net.add("n", wrong)
    out = net.stream("n.out")
    net.send("n.in", 1)
    assert collect(net, out) == [1]


def test_one_actor_in_two_networks_and_names():
    @reflow.actor(inports=["in"], outports=["out"])
    def f(ctx, value):
        return {"out": 1}

    @reflow.actor(id="f", inports=["in"], outports=["out"])
    def g(ctx, value):
        return {"out": 2}

    with reflow.Network() as one, reflow.Network() as two:
        for net in (one, two):
            net.add("a", f).add("b", g).add("c", f)
            streams = [net.stream(f"{n}.out") for n in "abc"]
            for n in "abc":
                net.send(f"{n}.in", 0)
            assert [s.recv(5) for s in streams] == [1, 2, 1]
        names = [c["id"] for c in one.runtime.components() if c["category"] == "python"]
        assert names == ["f", "f-2"]
        with pytest.raises(reflow.AlreadyExistsError):
            one.runtime.register(g, id="f")


def test_editing_while_it_runs(net):
    @reflow.actor(inports=["in"], outports=["out"])
    def plus(ctx, value):
        return {"out": value + ctx.config["n"]}

    net.add("a", plus, n=1)
    out = net.stream("a.out")
    net.send("a.in", 0)
    assert out.recv(5) == 1
    net.add("b", plus, n=10)
    net.connect("a.out", "b.in")
    end = net.stream("b.out")
    net.send("a.in", 0)
    assert (out.recv(5), end.recv(5)) == (1, 11)
    net.replace("b", plus, n=100)
    net.send("a.in", 0)
    assert end.recv(5) == 101
    net.disconnect("a.out", "b.in")
    net.remove("b")
    net.send("a.in", 0)
    assert out.recv_many(10, 5)[-1] == 1
    assert list(net.report()) == ["a"]


def test_graphs_of_all_forms(tmp_path):
    document = {
        "processes": {"sq": {"component": "Map", "metadata": {"value": "it * it"}},
                      "d": {"component": "half"}},
        "connections": [{"from": {"nodeId": "sq", "portId": "out"},
                         "to": {"nodeId": "d", "portId": "in"}}],
        "inports": {"x": {"nodeId": "sq", "portId": "in"}},
        "outports": {"y": {"nodeId": "d", "portId": "out"}},
    }
    import json

    @reflow.actor(inports=["in"], outports=["out"])
    def half(ctx, value):
        return {"out": value / 2}

    path = tmp_path / "g.json"
    path.write_text(json.dumps(document))
    for form in (document, path, str(path), json.dumps(document).encode()):
        with reflow.Network(form, actors=[half]) as net:
            assert net.inports == ["x"] and net.outports == ["y"]
            out = net.stream("y")
            net.send("x", 6)
            assert out.recv(5) == 18.0
    with pytest.raises(reflow.IOError) as caught:
        reflow.Network(tmp_path / "none.json")
    assert isinstance(caught.value, OSError)
    with pytest.raises(reflow.ParseError):
        reflow.Network(b"{")
    with pytest.raises(reflow.InvalidArgumentError, match="int"):
        reflow.Network(3)


def test_functions_run_beside_each_other_where_they_block(net):
    barrier = threading.Barrier(3, timeout=10)

    @reflow.actor(inports=["in"], blocking=True)
    def wait(ctx, value):
        barrier.wait()

    for n in "abc":
        net.add(n, wait)
        net.send(f"{n}.in", 1)
    net.wait_idle(10)
    assert net.errors == []


def test_logging_and_printing(capsys):
    lines = []
    with reflow.Network(log=lambda *line: lines.append(line)) as net:
        @reflow.actor(inports=["in"])
        def say(ctx, value):
            ctx.log("warning", "careful")
            ctx.print("hello\n")

        net.add("s", say)
        net.send("s.in", 1)
        net.wait_idle(5)
    assert (2, "s", "careful") in [(level, node, text) for level, _, node, text in lines]
    assert capsys.readouterr().out == "hello\n"
