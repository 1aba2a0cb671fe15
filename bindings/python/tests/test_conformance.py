"""Plays the scenarios that all languages play. tests/conformance/README.md has their format, and says what each
of the components here does."""

import asyncio
import glob
import json
import math
import os

import pytest

import reflow

PATIENCE = 60
HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.environ.get("REFLOW_SCENARIOS") or os.path.join(
    os.environ.get("REFLOW_SOURCE") or os.path.join(HERE, "..", "..", ".."), "tests", "conformance", "scenarios")
FILES = sorted(glob.glob(os.path.join(FOLDER, "*.json")))
KEYS = {"name", "about", "graph", "document", "format", "runtime", "envelopes", "outputs", "events", "refused",
        "steps"}

# ---- components

def plain(function=None, *, name, **options):
    options = {"inports": ["in"], "outports": ["out"], "arrays": "list", **options}
    make = reflow.actor(id=name, **options)
    return make if function is None else make(function)


def components():
    @plain(name="Pass")
    def same(ctx, value):
        return {"out": value}

    @plain(name="Double")
    def double(ctx, value):
        if not isinstance(value, (int, float)):
            raise reflow.FailedError("not a number", hint="send an integer or a float")
        return {"out": 2 * value}

    @plain(name="Add", inports=["a", "b"], await_="all")
    def add(ctx, a, b):
        return {"out": a + b}

    @plain(name="Latest", inports=[reflow.Port("a", required=True), "b"], await_="required")
    def latest(ctx, a, b=None):
        return {"out": {"a": a, "b": b}}

    @plain(name="FailOnOdd")
    def fail_on_odd(ctx, value):
        if value % 2:
            raise ValueError(f"odd: {value}")
        return {"out": value}

    @plain(name="EmitThenFail")
    def emit_then_fail(ctx, value):
        ctx.emit("out", value)
        raise RuntimeError("failed after its output")

    @plain(name="FailFirst")
    class FailFirst:
        left = None

        def run(self, ctx, value):
            if self.left is None:
                self.left = ctx.config["times"]
            if self.left > 0:
                self.left -= 1
                raise RuntimeError("not yet")
            return {"out": value}

    @plain(name="Split")
    def split(ctx, value):
        for element in value if isinstance(value, list) else ():
            ctx.emit("out", element)

    @plain(name="Total")
    class Total:
        sum = None

        def run(self, ctx, value):
            if self.sum is None:
                self.sum = ctx.config.get("start", 0)
            self.sum += value
            return {"out": self.sum}

    @plain(name="Count", inports=[])
    def count(ctx):
        for number in range(ctx.config["n"]):
            yield {"out": number}

    @plain(name="Endless", inports=[])
    def endless(ctx):
        number = 0
        while True:
            yield {"out": number}
            number += 1

    @plain(name="Later", max_concurrency=8)
    async def later(ctx, value):
        await asyncio.sleep(0)
        if isinstance(value, int) and value < 0:
            raise reflow.FailedError(f"negative: {value}", hint="send numbers from 0 up")
        return {"out": value}

    @plain(name="Never", max_concurrency=8)
    async def never(ctx, value):
        await asyncio.get_running_loop().create_future()

    @plain(name="Indexed", inports=[reflow.Port("in", array=True)])
    def indexed(ctx, value):
        return {"out": {"index": ctx.index, "value": value}}

    @plain(name="Config")
    def config(ctx, value):
        return {"out": ctx.config}

    @plain(name="SetupFails")
    class SetupFails:
        def setup(self, ctx):
            raise RuntimeError("no such device")

        def run(self, ctx, value):
            raise AssertionError("its setup has failed")

    return [same, double, add, latest, fail_on_odd, emit_then_fail, FailFirst, split, Total, count, endless,
            later, never, indexed, config, SetupFails]


# ---- values

def special(key, data):
    if key == "$integer":
        return int(data)
    if key == "$float":
        return float(data)
    if key == "$bytes":
        return bytes.fromhex(data)
    if key == "$error":
        return reflow.Message.error(data)
    if key == "$flow":
        return reflow.Message.flow()
    if key == "$text":
        return data[0] * data[1]
    assert key == "$deep", f"there is no value {key}"
    value = []
    for _ in range(data - 1):
        value = [value]
    return value


def value_of(notation):
    """Makes a value of the notation."""
    if isinstance(notation, list):
        return [value_of(element) for element in notation]
    if not isinstance(notation, dict):
        return notation
    if len(notation) == 1:
        (key, data), = notation.items()
        if key.startswith("$"):
            return special(key, data)
    return {key: value_of(data) for key, data in notation.items()}


def same(a, b):
    """Equal, and of one type; NaN equals NaN."""
    if isinstance(a, float) and isinstance(b, float) and math.isnan(a):
        return math.isnan(b)
    if isinstance(a, (bytes, memoryview)) and isinstance(b, (bytes, memoryview)):
        return bytes(a) == bytes(b)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return type(a) is type(b) and a == b


# ---- playing

def check_refusal(refusal, error):
    parts = refusal.get("message", [])
    for part in [parts] if isinstance(parts, str) else parts:
        assert part in error.message, error
    for key, got in (("status", error.status_name), ("hint", error.hint), ("node", error.node),
                     ("port", error.port), ("path", error.path), ("line", error.line),
                     ("column", error.column)):
        assert refusal.get(key, got) == got, (key, got, str(error))


class Player:
    def __init__(self, scenario):
        self.scenario = scenario
        self.net = self.events = None
        self.outputs = {}

    def close(self):
        for output in self.outputs.values():
            output.close()
        if self.net is not None:
            self.net.close()

    def start(self):
        """Makes the network and starts it; the package has one step for what other hosts do in three."""
        scenario = self.scenario
        if "graph" in scenario:
            graph = reflow.Graph.parse(json.dumps(scenario["graph"]), format="json")
        else:
            graph = reflow.Graph.parse(scenario["document"], format=scenario["format"])
        self.net = reflow.Network(graph, actors=components(), workers=2, **scenario.get("runtime", {}))
        if scenario.get("envelopes"):
            self.net.carry_envelopes()
        for place in scenario.get("outputs", []):
            self.open(place)
        if "events" in scenario:
            self.events = self.net.events(scenario["events"])
        self.net.start()

    def play(self):
        if "refused" in self.scenario:
            with pytest.raises(reflow.Error) as caught:
                self.start()
            check_refusal(self.scenario["refused"], caught.value)
            return
        self.start()
        for number, step in enumerate(self.scenario["steps"], 1):
            verb = next(iter(step))
            call = getattr(self, "do_" + verb, None)
            assert call is not None, f"this runner does not know the step {verb}"
            try:
                self.settle(step, lambda: call(step, step[verb]))
            except Exception as error:
                raise AssertionError(f"step {number}: {step}: {error!r}") from error

    @staticmethod
    def settle(step, call):
        if "refused" not in step:
            call()
            return
        with pytest.raises(reflow.Error) as caught:
            call()
        check_refusal(step["refused"], caught.value)

    def open(self, place):
        self.outputs[place] = self.net.stream(place, arrays="list")

    # ---- steps

    def do_send(self, step, place):
        for notation in step["values"]:
            self.net.send(place, value_of(notation), PATIENCE, envelope=step.get("envelope"))

    def nothing_more(self, place, *allowed):
        with pytest.raises(allowed):
            raise AssertionError(f"there is more: {self.outputs[place].recv(0)!r}")

    def do_receive(self, step, place):
        expected = [value_of(notation) for notation in step["values"]]
        envelopes = list(step.get("envelopes", []))
        while expected:
            if envelopes:
                got, envelope = self.outputs[place].recv_enveloped(PATIENCE)
                self.check_envelope(envelopes.pop(0), envelope)
            else:
                got = self.outputs[place].recv(PATIENCE)
            fits = expected if step.get("order") == "any" else expected[:1]
            index = next((i for i, value in enumerate(fits) if same(value, got)), None)
            assert index is not None, f"{got!r} is not expected"
            del expected[index]
        self.nothing_more(place, reflow.TimeoutError, reflow.ClosedError)

    @staticmethod
    def check_envelope(wanted, got):
        assert (got is None) == (not wanted), got
        for key, value in wanted.items():
            assert got[key] == value, key

    def do_closed(self, step, place):
        self.nothing_more(place, reflow.ClosedError)

    def do_open(self, step, place):
        self.open(place)

    def do_idle(self, step, _):
        self.net.wait_idle(PATIENCE)

    def do_drain(self, step, _):
        self.net.drain(PATIENCE)

    def do_stop(self, step, _):
        self.net.stop(PATIENCE)

    def do_end_sources(self, step, _):
        self.net.end_sources()

    def do_state(self, step, state):
        assert self.net.state == state

    def do_counters(self, step, node):
        counters = self.net.counters(node)
        for key in step.keys() - {"counters", "refused"}:
            assert counters[key] == step[key], key

    def do_pause(self, step, path):
        self.net.pause(path, PATIENCE)

    def do_resume(self, step, path):
        self.net.resume(path)

    def do_step(self, step, path):
        fired = self.net.step(step.get("firings", 1), path, PATIENCE)
        assert fired == step.get("fired", fired)

    def do_cancel(self, step, node):
        count = self.net.cancel(node)
        assert count == step.get("count", count)

    def do_replay_letters(self, step, path):
        count = self.net.dead_letters.replay(path=path)
        assert count == step.get("count", count)

    def do_drop_letters(self, step, path):
        count = self.net.dead_letters.drop(path=path)
        assert count == step.get("count", count)

    def do_letters(self, step, expected):
        letters = self.net.dead_letters.list()
        assert len(letters) == len(expected), letters
        for wanted, got in zip(expected, letters):
            for key, value in wanted.items():
                if key == "message":
                    assert value in got[key]
                elif key == "packets":
                    packets = [{"port": p["port"], "message": p["message"]} for p in got[key]]
                    assert same([{"port": p["port"], "message": value_of(p["message"])} for p in value], packets)
                else:
                    assert got[key] == value, key

    def do_add_node(self, step, node):
        self.net.add(node, step["component"], step.get("metadata"))

    def do_replace_node(self, step, node):
        self.net.replace(node, step["component"], step.get("metadata"))

    def do_remove_node(self, step, node):
        self.net.remove(node)

    def do_connect(self, step, places):
        self.net.connect(*places)

    def do_disconnect(self, step, places):
        self.net.disconnect(*places)

    def do_apply(self, step, graph):
        change = self.net.apply(reflow.Graph.parse(json.dumps(graph), format="json"))
        for key, count in step.get("change", {}).items():
            assert change[key] == count, key

    def do_events(self, step, expected):
        expected, came = list(expected), []
        while expected:
            came = came or self.events.poll(PATIENCE)
            assert came, f"{expected[0]} has not come"
            event = came.pop(0)
            fits = expected if step.get("order") == "any" else expected[:1]
            index = next((i for i, wanted in enumerate(fits) if is_event(wanted, event)), None)
            assert index is not None, f"{event} is not expected"
            del expected[index]
        came += self.events.poll(0)
        assert not came


def is_event(wanted, got):
    for key, value in wanted.items():
        if key == "error":
            right = value in got.error
        elif key == "message":
            right = same(value_of(value), got.message)
        else:
            right = getattr(got, "number" if key == "count" else key) == value
        if not right:
            return False
    return True


def test_there_are_scenarios():
    assert len(FILES) >= 30


@pytest.mark.parametrize("path", FILES, ids=[os.path.basename(path)[:-len(".json")] for path in FILES])
def test_conformance(path):
    with open(path, encoding="utf-8") as file:
        scenario = json.load(file)
    assert scenario.keys() <= KEYS
    player = Player(scenario)
    try:
        player.play()
    finally:
        player.close()
