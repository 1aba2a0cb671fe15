"""Graphs: edits, documents, findings and pictures. Documents are read again by the modules of Python."""

import copy
import json
import pickle
import xml.dom.minidom

import pytest

import reflow


def small():
    graph = reflow.Graph("hello")
    graph.add("greet", "Map", {"set": {"text": "'hello ' + name"}}).add("log", "Log")
    graph.connect("greet.out", "log.in", capacity=5, kind="latest")
    graph.initial("greet.in", {"name": "world"})
    graph.expose_in("name", "greet.in").expose_out("greeting", "greet.out", "object")
    return graph.add_group("texts", ["greet"]).set_property("description", "says hello")


def test_document_says_what_was_said():
    document = json.loads(small().dump())
    assert document["properties"] == {"name": "hello", "description": "says hello"}
    assert document["processes"]["greet"]["component"] == "Map"
    assert document["processes"]["greet"]["metadata"] == {"set": {"text": "'hello ' + name"}}
    first, second = document["connections"]
    assert (first["from"]["nodeId"], first["from"]["portId"]) == ("greet", "out")
    assert first["metadata"] == {"capacity": 5, "kind": "latest"}
    assert second["data"] == {"name": "world"}
    assert document["groups"][0]["nodes"] == ["greet"]
    assert document["outports"]["greeting"]["portType"] == {"type": "object"}


def test_looking():
    graph = small()
    assert (len(graph), list(graph), "log" in graph, "nope" in graph) == (2, ["greet", "log"], True, False)
    assert graph["greet"] == ("Map", {"set": {"text": "'hello ' + name"}})
    assert graph.connections == [("greet.out", "log.in", {"capacity": 5, "kind": "latest"})]
    assert graph.initials == [("greet.in", {"name": "world"})]
    assert (graph.inports, graph.outports) == ({"name": ["greet.in"]}, {"greeting": ["greet.out"]})
    assert (graph.groups, graph.name) == ({"texts": ["greet"]}, "hello")
    assert "2 nodes, 1 connections" in repr(graph)


def test_edits():
    graph = small()
    graph.rename("greet", "salute").set_component("log", "TablePrint").name = "other"
    graph.set("salute", "rules", []).set("salute", "rules.0.when", "x > 1").unset("salute", "set")
    assert graph.config("salute") == {"rules": [{"when": "x > 1"}]}
    assert graph.connections[0].source == "salute.out" and graph["log"].component == "TablePrint"
    graph.set_config("salute", {"a": 1}).disconnect("salute.out", "log.in").remove_initials("salute.in")
    graph.hide_in("name").hide_out("greeting").remove_group("texts").remove_property("description")
    assert (graph.connections, graph.initials, graph.inports, graph.outports) == ([], [], {}, {})
    assert graph.remove("salute").nodes == {"log": ("TablePrint", {})}
    assert graph.properties == {"name": "other"}


@pytest.mark.parametrize("format", ["json", "yaml", "msgpack"])
def test_documents_give_equal_graphs(format, tmp_path):
    graph = small()
    assert reflow.Graph.parse(graph.dump_bytes(format=format), format=format) == graph
    path = tmp_path / f"a.{format}"
    graph.save(path)
    assert reflow.Graph.load(path) == graph
    first = path.read_bytes()[:1]
    assert {"json": first == b"{", "yaml": first not in (b"{", b"\x88"), "msgpack": first >= b"\x80"}[format]


def test_copies():
    graph = small()
    for same in (graph.copy(), copy.copy(graph), copy.deepcopy(graph), pickle.loads(pickle.dumps(graph)),
                 reflow.Graph.from_dict(graph.to_dict())):
        assert same == graph and same is not graph
        assert same.remove("log") != graph
    with pytest.raises(TypeError):
        hash(graph)


def test_array_ports_and_odd_ids():
    graph = reflow.Graph().add("a.b/c", "Log").add("m", "Merge")
    graph.connect("a.b/c.out", "m.in[2]").connect(("a.b/c", "out"), ("m", "in", 3))
    assert [c.target for c in graph.connections] == ["m.in[2]", "m.in[3]"]
    assert graph.connections[0].source == "a.b/c.out"


def test_findings_and_check(tmp_path):
    assert small().validate() == []
    found = reflow.Graph().add("a", "Mapp").validate()
    assert [(f.severity, f.node, "Map" in f.hint) for f in found] == [("error", "a", True)]
    assert str(found[0]).startswith("error: no component named 'Mapp'")
    assert reflow.Graph().add("a", "Mapp").validate(components=False) == []
    with pytest.raises(reflow.GraphError, match="Mapp.*did you mean 'Map'") as caught:
        reflow.Graph().add("a", "Mapp").check()
    assert (caught.value.node, caught.value.path) == ("a", "$.processes.a.component")
    assert small().check() == small()


def test_actors_in_graphs():
    @reflow.actor(inports=["in"], outports=["out"], id="Twice")
    def twice(ctx, value):
        return {"out": value * 2}

    @reflow.actor(inports=["in"], outports=["out"], id="Twice")
    def other(ctx, value):
        return {"out": value}

    graph = reflow.Graph().add("t", twice).add("u", twice).connect("t.out", "u.in")
    assert graph["t"].component == "Twice" and graph.validate() == []
    with pytest.raises(reflow.AlreadyExistsError, match="Twice"):
        graph.add("v", other)
    with pytest.raises(TypeError, match="Twice"):
        pickle.dumps(graph)
    with reflow.Network(graph.copy()) as net:
        out = net.stream("t.out")
        net.send("t.in", 21)
        assert out.recv(5) == 42


def test_pictures():
    graph = small()
    svg = graph.draw("svg", dark=True)
    root = xml.dom.minidom.parseString(svg).documentElement
    assert root.tagName == "svg" and "greet" in svg
    assert graph.draw("mermaid").startswith("flowchart") and graph.draw("dot").startswith("digraph")
    assert "<html" in graph.draw("html") and "greet" in graph.draw()
    bundle = graph._repr_mimebundle_()
    assert set(bundle) == {"image/svg+xml", "text/html", "text/plain"}
    assert graph._repr_mimebundle_(include=["text/plain"]) == {"text/plain": repr(graph)}
    assert "text/html" not in graph._repr_mimebundle_(exclude=["text/html"])
    assert graph._repr_svg_().startswith("<svg")


def test_places():
    text = '{\n "processes": {\n  "a": {"component": "Log"}\n }\n}'
    places = reflow.document_places(text, ["$.processes.a.component", "$"], format="json")
    line = text.splitlines()[2]
    assert places[0] == (3, line.index('"Log"') + 1, text.index('"Log"'))
    assert places[1].line == 1


@pytest.mark.parametrize("edit, error, text", [
    (lambda g: g.add("greet", "Log"), reflow.AlreadyExistsError, "greet"),
    (lambda g: g.connect("greet.out", "lgo.in"), reflow.NotFoundError, "did you mean 'log'"),
    (lambda g: g.connect("greet", "log.in"), reflow.InvalidArgumentError, "is no port"),
    (lambda g: g.connect(("greet", "out", -1), "log.in"), reflow.InvalidArgumentError, "is no port"),
    (lambda g: g.connect("greet.out", "log.in"), reflow.AlreadyExistsError, "greet"),
    (lambda g: g.disconnect("log.out", "greet.in"), reflow.NotFoundError, "log"),
    (lambda g: g.remove("nope"), reflow.NotFoundError, "nope"),
    (lambda g: g.config("nope"), reflow.NotFoundError, "nope"),
    (lambda g: g.set("greet", "set.text.x", 1), reflow.NotFoundError, "text"),
    (lambda g: g.add("x", "Log", {"when": object()}), reflow.ConversionError, r"\$\.when"),
    (lambda g: g.initial("log.in", {"rows": [1, object()]}), reflow.ConversionError, r"\$\.rows\[1\]"),
    (lambda g: g.expose_out("greeting", "log.out"), reflow.AlreadyExistsError, "greeting"),
    (lambda g: g.expose_out("x", "log.out", "integr"), reflow.ConfigError, "integr"),
    (lambda g: g.draw("svgg"), reflow.InvalidArgumentError, "did you mean 'svg'"),
    (lambda g: g.dump(format="jsn"), reflow.InvalidArgumentError, "did you mean 'json'"),
    (lambda g: g.dump(format="msgpack"), reflow.InvalidArgumentError, "dump_bytes"),
    (lambda g: g.set_property("name", 7), reflow.WrongKindError, "name"),
    (lambda g: g.add("\ud800", "Log"), (UnicodeError, reflow.InvalidUtf8Error, TypeError), None),
])
def test_an_edit_that_cannot_be_made_changes_nothing(edit, error, text):
    graph = small()
    with pytest.raises(error, match=text):
        edit(graph)
    assert graph == small()


def test_bad_documents(tmp_path):
    with pytest.raises(reflow.ParseError) as caught:
        reflow.Graph.parse('{"processes": {', name="x.json")
    assert (caught.value.line, caught.value.file) == (1, "x.json")
    with pytest.raises(reflow.GraphError) as caught:
        reflow.Graph.parse('{"processes": 3}', format="json")
    assert caught.value.path == "$.processes"
    with pytest.raises(OSError):
        reflow.Graph.load(tmp_path / "nope.json")
    (tmp_path / "file").write_text("")
    with pytest.raises(reflow.IOError, match="a.json"):
        small().save(tmp_path / "file" / "a.json")
    with pytest.raises(reflow.ConversionError, match=r"\$\.processes"):
        reflow.Graph.from_dict({"processes": {1: object()}})
    with pytest.raises(reflow.NotFoundError, match="no node 'smal'"):
        small()["smal"]


def asking(wishes, **more):
    return reflow.Graph("g").add("map", "Map", {"value": "it + $WORD", "env_vars": wishes, **more})


def test_environment_variables(monkeypatch):
    graph = asking({"WORD": "required", "REGION": "optional:eu", "TRACE": "optional"})
    before = graph.copy()
    with pytest.raises(reflow.NotFoundError, match="'WORD' of node 'map' is not set"):
        graph.resolve_env({"OTHER": "x"})
    assert graph == before
    assert graph.copy().resolve_env({"WORD": "w"}) is not graph
    config = graph.copy().resolve_env({"WORD": "w", "TRACE": ""})["map"].config
    assert (config["WORD"], config["REGION"], config["TRACE"]) == ("w", "eu", "")
    monkeypatch.setenv("WORD", "outside")
    monkeypatch.delenv("REGION", raising=False)
    assert graph.resolve_env()["map"].config["WORD"] == "outside"
    assert json.loads(graph.dump())["processes"]["map"]["metadata"]["REGION"] == "eu"


def test_environment_variables_that_are_no_text(monkeypatch):
    bad = b"\xff".decode("utf-8", "surrogateescape")
    graph = asking({"WORD": "optional"}, WORD="there")
    with pytest.raises(reflow.InvalidUtf8Error, match="'WORD' of node 'map' is not UTF-8"):
        graph.resolve_env({"WORD": bad, "REST": "x"})
    assert graph["map"].config["WORD"] == "there"
    assert graph.resolve_env({bad: "x", "REST": bad})["map"].config["WORD"] == "there"


def test_environment_of_a_subgraph_in_a_file(tmp_path):
    inner = asking({"WORD": "required"}).expose_in("in", "map.in").expose_out("out", "map.out")
    inner.save(tmp_path / "inner.graph.json")
    outer = reflow.Graph.from_dict({
        "properties": {"name": "o"},
        "processes": {"sub": {"metadata": {"componentSpec": {
            "type": "subgraph", "file": str(tmp_path / "inner.graph.json")}}}},
        "inports": {"in": {"nodeId": "sub", "portId": "in"}},
        "outports": {"out": {"nodeId": "sub", "portId": "out"}}})
    assert reflow.run(outer, env={"WORD": "b"}, inputs={"in": ["a"]})["out"] == ["ab"]
    assert [f.code for f in outer.resolve_env({}).validate() if f.severity == "error"] == ["missing-variable"]
