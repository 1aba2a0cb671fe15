"""Values of Python as messages and back. What is expected comes from Python and its json module."""

import array
import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import json
import math
import pathlib
import uuid

import pytest

import reflow


@pytest.mark.parametrize("value", [
    None, True, False, 0, 1, -1, 2**63 - 1, -2**63, 0.0, -0.0, 1.5, 1e308, math.inf, -math.inf, "", "a",
    "grüße \N{GRINNING FACE}\0z", "x" * 5000, "ü" * 5000, b"", b"\0\xff", b"b" * 100000, [], {}, [1, 2, 3],
    [1, 2, 3, 4, 5], [1.0, 2.0, 3.0, 4.0], [1, 2.0, "x", None, [True]], {"a": {"b": [{"c": 1}]}, "": 0},
    [[1, 2], [3]], list(range(1000)), [2**62] * 4, [1, 2, 3, True], [True, False, True, True],
])
def test_comes_back_as_it_was(through, value):
    got = through(value)
    assert got == value
    assert type(got) is type(value)
    if isinstance(value, float):
        assert math.copysign(1, got) == math.copysign(1, value)
    if isinstance(value, list):
        assert [type(item) for item in got] == [type(item) for item in value]


def test_nan(through):
    assert math.isnan(through(math.nan))


def test_json_agrees():
    value = {"a": [1, 2.5, None, True, {"ü": "\n"}], "b": {}, "c": [[], [[]]]}
    assert json.loads(reflow.Message(value).to_json()) == value
    assert reflow.Message.from_json(json.dumps(value)).value == value
    assert reflow.Message.from_msgpack(reflow.Message(value).to_msgpack()) == value


def test_tuples_become_lists(through):
    assert through((1, (2, "x"))) == [1, [2, "x"]]


@pytest.mark.parametrize("value, place, word", [
    (2**63, "$", "64 bits"),
    (-2**63 - 1, "$", "64 bits"),
    ([1, 2, 3, 4, 2**70], "$[4]", "64 bits"),
    ({"rows": [{}, {}, {}, {"when": object()}]}, "$.rows[3].when", "object"),
    ({"a": {3: 1}}, "$.a", "int"),
    ({"z": 1j}, "$.z", "complex"),
    (["\ud800"], "$[0]", "surrogates"),
    ({"\ud800": 1}, "$", "surrogates"),
    ([lambda: None], "$[0]", "function"),
])
def test_what_cannot_travel_is_named(net, value, place, word):
    @reflow.actor(inports=["in"])
    def sink(ctx, value):
        pass

    net.add("n", sink)
    with pytest.raises(reflow.ConversionError) as caught:
        net.send("n.in", value)
    assert caught.value.path == place
    assert str(caught.value).startswith(place + ": ")
    assert word in str(caught.value)
    assert isinstance(caught.value, (TypeError, ValueError))
    net.send("n.in", 1)  # the network is as usable as before
    net.wait_idle(5)
    assert net.counters("n")["fired"] == 1


def test_depth_and_cycles():
    deep = 1
    for _ in range(200):
        deep = [deep]
    with pytest.raises(reflow.ConversionError, match="deeper than 128") as refused:
        reflow.Message(deep)
    assert len(str(refused.value)) < 200
    ring = []
    ring.append({"a": ring})
    for value, path in ((ring, "$[0].a"), ([1, ring], "$[1][0].a"), ({"x": [ring[0]]}, "$.x[0].a[0]")):
        with pytest.raises(reflow.ConversionError, match="holds itself: a cycle") as refused:
            reflow.Message(value)
        assert refused.value.path == path and str(refused.value).startswith(path + ": ")
    fine = 1
    for _ in range(127):
        fine = [fine]
    assert reflow.Message(fine).value == fine


class Colour(enum.Enum):
    RED = "red"


class Number(enum.IntEnum):
    TWO = 2


class Text(str):
    pass


@dataclasses.dataclass
class Point:
    x: int
    y: "list"


Pair = collections.namedtuple("Pair", "left right")


class Model:
    def model_dump(self):
        return {"name": "m", "when": datetime.date(2020, 2, 3)}


class Own:
    def __reflow__(self):
        return [1, Point(1, [])]


UTC = datetime.timezone.utc


@pytest.mark.parametrize("value, plain", [
    (datetime.datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC), "2020-01-02T03:04:05+00:00"),
    (datetime.date(2020, 1, 2), "2020-01-02"),
    (datetime.time(3, 4), "03:04:00"),
    (datetime.timedelta(milliseconds=1500), 1.5),
    (decimal.Decimal("1.10"), "1.10"),
    (fractions.Fraction(1, 3), "1/3"),
    (uuid.UUID(int=5), str(uuid.UUID(int=5))),
    (pathlib.PurePosixPath("a/b"), "a/b"),
    (Colour.RED, "red"),
    (Number.TWO, 2),
    (Text("t"), "t"),
    (Point(1, [Point(2, [])]), {"x": 1, "y": [{"x": 2, "y": []}]}),
    (Pair(1, 2), {"left": 1, "right": 2}),
    (Model(), {"name": "m", "when": "2020-02-03"}),
    (Own(), [1, {"x": 1, "y": []}]),
    ({7}, [7]),
    (frozenset(), []),
    (range(3), [0, 1, 2]),
    (collections.deque([1]), [1]),
    (collections.OrderedDict(a=1), {"a": 1}),
    (collections.ChainMap({"a": 1}), {"a": 1}),
])
def test_converters_that_are_there(value, plain):
    assert reflow.Message([value]).value == [plain]


def test_own_converters_both_ways(through):
    class Money:
        def __init__(self, cents):
            self.cents = cents

        def __eq__(self, other):
            return self.cents == other.cents

    class More(Money):
        pass

    reflow.register_converter(Money, lambda m: m.cents, Money, tag="money")
    try:
        got = through({"price": Money(5)})
        assert isinstance(got["price"], Money) and got["price"].cents == 5
        assert reflow.Message(More(6)).to_json() == '{"$type":"money","value":6}'
    finally:
        assert reflow.unregister_converter(Money)
    with pytest.raises(reflow.ConversionError, match="Money"):
        reflow.Message(Money(5))
    assert not reflow.unregister_converter(Money)


def test_converters_that_fail():
    class Odd:
        pass

    reflow.register_converter(Odd, lambda value: 1 / 0)
    with pytest.raises(reflow.ConversionError, match=r"\$\.a.*Odd.*ZeroDivisionError"):
        reflow.Message({"a": Odd()})
    reflow.register_converter(Odd, lambda value: value)
    with pytest.raises(reflow.ConversionError, match="itself"):
        reflow.Message(Odd())
    reflow.register_converter(Odd, lambda value: [value])
    with pytest.raises(reflow.ConversionError, match="deeper|itself"):
        reflow.Message(Odd())
    reflow.unregister_converter(Odd)
    for bad in ((3, str), (Odd, 3), (Odd, str, 3)):
        with pytest.raises(reflow.InvalidArgumentError):
            reflow.register_converter(*bad)


def test_buffers_of_the_standard_library(through):
    assert through(bytearray(b"abc")) == b"abc"
    assert through(memoryview(b"abc")) == b"abc"
    assert through(memoryview(b"abcdef")[::2]) == b"ace"
    numbers = array.array("i", [1, -2, 3])
    got = through(numbers)
    assert isinstance(got, memoryview) and got.format == "i" and got.readonly
    assert list(got) == [1, -2, 3] and got == numbers
    message = through(numbers, arrays="view")
    assert isinstance(message, reflow.Message) and message.kind == "Array" and message == [1, -2, 3]
    assert memoryview(message) == got


def test_kinds_without_a_type_of_python(through):
    for message, kind in [
        (reflow.FLOW, "Flow"), (reflow.Message.error("bad"), "Error"),
        (reflow.Message.event({"a": 1}), "Event"), (reflow.Message.any(3), "Any"),
        (reflow.Message.optional(), "Optional"), (reflow.Message.optional(3), "Optional"),
        (reflow.Message.encoded(b"\x01"), "Encoded"),
        (reflow.Message.remote("n", "a", "p"), "RemoteReference"),
        (reflow.Message.network_event("Up", [1]), "NetworkEvent"),
    ]:
        got = through(message)
        assert isinstance(got, reflow.Message)
        assert got == message
        if kind not in ("RemoteReference",):
            assert got.kind == kind
    assert reflow.Message.error("bad").text == "bad"
    assert reflow.Message.event({"a": 1}).content == {"a": 1}
    assert reflow.Message.optional().content is None
    assert reflow.Message.remote("n", "a", "p").fields == {"network": "n", "actor": "a", "port": "p"}
    assert reflow.Message.network_event("Up", [1]).text == "Up"
    assert reflow.Message.network_event("Up", [1]).content == [1]


def test_message_like_a_container():
    message = reflow.Message({"a": [1, 2, 3, 4, 5], "b": "x"})
    assert len(message) == 2 and message["a"] == [1, 2, 3, 4, 5]
    with pytest.raises(KeyError):
        message["c"]
    numbers = reflow.Message([1, 2, 3, 4])
    assert numbers[-1] == 4 and numbers[1:3] == [2, 3] and list(numbers) == [1, 2, 3, 4]
    with pytest.raises(IndexError):
        numbers[4]
    with pytest.raises(TypeError):
        hash(message)
    with pytest.raises(TypeError):
        len(reflow.Message(1))
    with pytest.raises(BufferError):
        memoryview(message)
    assert repr(reflow.Message(5)) == "<reflow.Message Integer 5>"
    assert message != 3 and message != object()
    with pytest.raises(reflow.WrongKindError):
        reflow.Message(1).text
    with pytest.raises(reflow.ParseError) as caught:
        reflow.Message.from_json('{"a": 1,}')
    assert caught.value.line == 1 and caught.value.column == 9


class Restored:
    """Comes back unless it is of a value that is refused."""

    def __init__(self, value):
        self.value = value

    @classmethod
    def from_(cls, value):
        if value == "bad":
            raise ValueError("not this one")
        return cls(value)


@pytest.fixture
def restoring():
    reflow.register_converter(Restored, lambda one: one.value, Restored.from_, tag="restored")
    yield
    reflow.unregister_converter(Restored)


def test_what_cannot_come_back_takes_no_others_along(restoring):
    with reflow.Network() as net:
        net.add("n", "Merge")
        out = net.stream("n.out")
        net.start()
        net.send_many("n.in", [Restored(1), Restored(2), Restored("bad"), Restored(4)])
        net.wait_idle(timeout=30)
        assert [one.value for one in out.recv_many(10, timeout=30)] == [1, 2]
        with pytest.raises(ValueError, match="not this one"):
            out.recv_many(10, timeout=30)
        assert [one.value for one in out.recv_many(10, timeout=30)] == [4]


def test_dead_letters_are_listed_with_what_cannot_come_back(restoring):
    with reflow.Network() as net:
        net.add("n", reflow.actor(lambda ctx, value: 1 / 0, inports=["in"], id="fails"))
        net.start()
        net.send_many("n.in", [Restored(1), Restored("bad")])
        net.wait_idle(timeout=30)
        first, second = (letter["packets"][0]["message"] for letter in net.dead_letters)
        assert first.value == 1
        assert second == {"$type": "restored", "value": "bad"}


def test_a_run_raises_what_a_converter_raises(restoring):
    for mode in ("own", "inline"):
        graph = reflow.Graph("g").add("n", "Merge").expose_in("i", "n.in").expose_out("o", "n.out")
        for count in (3, 20000):  # more than the queues on the way hold
            values = [Restored(1), Restored("bad"), *[Restored(3)] * (count - 2)]
            with pytest.raises(ValueError, match="not this one"):
                reflow.run(graph, inputs={"i": values}, timeout=120, mode=mode)
