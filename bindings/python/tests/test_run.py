"""reflow.run: a graph from beginning to end. The weather is summed up again by the csv module."""

import csv
import os
import pathlib
import statistics

import pytest

import reflow

WEATHER = pathlib.Path(os.environ.get("REFLOW_SOURCE") or pathlib.Path(__file__).parents[3]) / "examples" / "weather"


@reflow.actor(inports=["in"], outports=["out"])
def double(ctx, value):
    return {"out": value * 2}


def doubling():
    return reflow.Graph("g").add("d", double).expose_in("i", "d.in").expose_out("o", "d.out")


@pytest.mark.skipif(not WEATHER.exists(), reason="the example is not here")
def test_weather(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    result = reflow.run(WEATHER / "weather.graph.json", collect=["by_month.out"], timeout=60)
    months = {}
    with open(WEATHER / "seattle-weather.csv", newline="") as file:
        for row in csv.DictReader(file):
            months.setdefault(row["date"][:7].replace("/", "-"), []).append(float(row["temp_max"]))
    told = {row["month"]: row for row in result["by_month.out"]}
    assert set(told) == set(months) and len(told) == 48
    for month, values in months.items():
        assert told[month]["count"] == len(values)
        assert told[month]["temp_max_mean"] == pytest.approx(statistics.fmean(values))
    assert result.report["read"]["sent"] == sum(map(len, months.values()))
    assert "Weather by calendar month" in capsys.readouterr().out


@pytest.mark.skipif(not WEATHER.exists(), reason="the example is not here")
def test_set_changes_the_run_and_not_the_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    other = tmp_path / "other.csv"
    lines = (WEATHER / "seattle-weather.csv").read_text().splitlines(keepends=True)
    other.write_text("".join(lines[:11]))
    before = (WEATHER / "weather.graph.json").read_text()
    result = reflow.run(WEATHER / "weather.graph.json", set={"read.path": other})
    assert result.report["read"]["sent"] == 10
    assert (WEATHER / "weather.graph.json").read_text() == before


@pytest.mark.parametrize("mode", ["own", "inline", "simulated"])
def test_inputs_and_outputs(mode):
    count = 5000  # more than the queues hold
    result = reflow.run(doubling(), inputs={"i": range(count)}, mode=mode, timeout=60)
    assert result["o"] == [2 * i for i in range(count)]
    assert result.report["d"]["fired"] == count and result.errors == [] and result.seconds > 0
    assert f"o: {count}" in repr(result)


def test_documents_of_every_form(tmp_path):
    graph = doubling()
    graph.save(tmp_path / "g.json")
    for form in (tmp_path / "g.json", str(tmp_path / "g.json"), graph.to_dict()):
        assert reflow.run(form, actors=[double], inputs={"d.in": [4]})["o"] == [8]
    assert graph == doubling()


def test_failed_firings():
    @reflow.actor(inports=["in"], outports=["out"])
    def picky(ctx, value):
        if value < 0:
            raise ValueError(f"no {value}")
        return {"out": value}

    graph = reflow.Graph().add("p", picky).expose_out("o", "p.out")
    with pytest.raises(reflow.FailedError, match=r"node 'p': ValueError: no -1 \(and 1 more\)") as caught:
        reflow.run(graph, inputs={"p.in": [1, -1, -2, 2]})
    assert caught.value.node == "p" and "raise ValueError" in caught.value.trace
    assert caught.value.result["o"] == [1, 2]
    result = reflow.run(graph, inputs={"p.in": [-7]}, check=False)
    assert [letter["packets"][0]["message"] for letter in result.errors] == [-7]


def test_timeout_names_where_packets_wait():
    @reflow.actor(inports=["in"])
    def slow(ctx, value):
        ctx.wake_after(3600)

    graph = reflow.Graph().add("s", slow)
    with pytest.raises(reflow.TimeoutError, match="not over after 0.2 s"):
        reflow.run(graph, inputs={"s.in": [1]}, timeout=0.2)


@pytest.mark.parametrize("keywords, error, text", [
    ({"set": {"q.x": 1}}, reflow.NotFoundError, "no node for 'q.x'"),
    ({"inputs": {"x": [1]}}, reflow.NotFoundError, "x"),
    ({"collect": ["d.ot"]}, reflow.NotFoundError, "did you mean 'out'"),
    ({"mode": "simulatd"}, reflow.InvalidArgumentError, "simulatd"),
    ({"inputs": {"i": [object()]}}, reflow.ConversionError, r"\$"),
])
def test_bad_arguments(keywords, error, text):
    with pytest.raises(error, match=text):
        reflow.run(doubling(), timeout=10, **keywords)


def test_bad_graphs(tmp_path):
    with pytest.raises(reflow.InvalidArgumentError, match="int"):
        reflow.run(7)
    with pytest.raises(reflow.IOError, match="nope.json"):
        reflow.run(tmp_path / "nope.json")
    with pytest.raises(reflow.Error, match="Mapp"):
        reflow.run(reflow.Graph().add("a", "Mapp"))
    with pytest.raises(KeyError, match="did you mean 'o'"):
        reflow.run(doubling())["oo"]


@pytest.mark.parametrize("mode", ["own", "inline"])
def test_inputs_of_a_join_are_fed_side_by_side(mode):
    @reflow.actor(inports=["a", "b"], outports=["out"], id="Pair")
    def pair(ctx, a, b):
        return {"out": [a, b]}

    graph = reflow.Graph().add("p", "Pair").expose_in("a", "p.a").expose_in("b", "p.b").expose_out("o", "p.out")
    count = 5000
    result = reflow.run(graph, inputs={"a": range(count), "b": range(count)}, actors=[pair], mode=mode, timeout=120)
    assert result["o"] == [[i, i] for i in range(count)]
    # One side is longer than what waits for the other side has room for.
    with pytest.raises(reflow.WouldBlockError, match="'a' is full, and the network is idle"):
        reflow.run(graph, inputs={"a": range(count), "b": range(2)}, actors=[pair], mode=mode, timeout=120)


def test_an_element_of_an_array_port_is_not_the_port():
    @reflow.actor(inports=[reflow.Port("in", array=True)], outports=["out"], id="Many")
    def many(ctx, value):
        return {"out": value}

    with reflow.Network() as net:
        net.add("m", many)
        net.expose_inport("third", "m.in[2]")
        with pytest.raises(reflow.UnsupportedError, match=r"expose_inport"):
            net.send("m.in[2]", 1)
        with pytest.raises(reflow.UnsupportedError, match=r"element"):
            net.stream("m.out[1]")
        net.send("third", 1)
        net.wait_idle(60)


def test_a_value_that_cannot_be_converted_is_told_with_its_inport():
    with pytest.raises(reflow.ConversionError, match=r"inputs\['i'\], value 2: .*object") as caught:
        reflow.run(doubling(), inputs={"i": [1, 2, {"rows": [object()]}]}, timeout=60)
    assert caught.value.port == "i" and caught.value.path == "$.rows[0]"
    with pytest.raises(reflow.InvalidArgumentError, match=r"inputs\['i'\] is an iterable of values, not 5"):
        reflow.run(doubling(), inputs={"i": 5}, timeout=60)


def test_environment_of_a_run(monkeypatch):
    graph = reflow.Graph("g").add("map", "Map", {"value": "it + $WORD", "env_vars": {"WORD": "required"}})
    graph.expose_in("in", "map.in").expose_out("out", "map.out")
    monkeypatch.setenv("WORD", "outside")
    assert reflow.run(graph, inputs={"in": ["a "]})["out"] == ["a outside"]
    assert reflow.run(graph, env={"WORD": "b"}, inputs={"in": ["a"]})["out"] == ["ab"]
    assert reflow.run(graph, env={"WORD": "b"}, set={"map.WORD": "c"}, inputs={"in": ["a"]})["out"] == ["ac"]
    with pytest.raises(reflow.NotFoundError, match="'WORD' of node 'map' is not set"):
        reflow.run(graph, env={})
    assert "WORD" not in graph["map"].config
