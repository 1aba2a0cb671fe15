"""Graphs as documents: made, checked, written as JSON and YAML, read again, drawn."""

import pathlib
import sys
import tempfile

import reflow


def main(folder: pathlib.Path) -> None:
    graph = reflow.Graph("greetings")
    graph.add("greet", "Map", {"set": {"text": "'hello ' + name"}})
    graph.add("table", "Log")
    graph.connect("greet.out", "table.in")
    graph.initial("greet.in", {"name": "world"})
    graph.expose_out("greeting", "greet.out")

    mistaken = graph.copy().set_component("table", "Logg")
    for finding in mistaken.validate():
        print(f"{finding.path}: {finding}")
    assert "did you mean 'Log'" in mistaken.validate()[0].hint

    for ending in ("json", "yaml", "msgpack"):
        path = folder / f"greetings.graph.{ending}"
        graph.check().save(path)
        assert reflow.Graph.load(path) == graph
        print(f"{path.name}: {path.stat().st_size} bytes")
    (folder / "greetings.svg").write_text(graph.draw("svg"))
    print(graph.draw("mermaid"))

    result = reflow.run(folder / "greetings.graph.yaml", timeout=10)
    print(result["greeting"])
    assert result["greeting"] == [{"name": "world", "text": "hello world"}]


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(pathlib.Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as folder:
            main(pathlib.Path(folder))
