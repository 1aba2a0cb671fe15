"""reflow graph and reflow components."""

import json
import os
import re
import stat
import subprocess
import xml.etree.ElementTree

import support
from support import graph, reflow

GRAPH = graph({"read": ("CsvRead", {"path": "x.csv"}), "wait": ("Delay", {"ms": 1.5}),
               "say": ("Log", {"label": "ü <&> \"q\""})},
              [("read.out", "wait.in"), ("wait.out", "say.in")], [("say.in", {"n": 2**53 + 1})],
              outports={"result": "say.out"})


def subgraph(**which):
    return {"metadata": {"componentSpec": {"type": "subgraph", **which}}}


class Subgraphs(support.Case):
    INNER = {"inports": {"in": {"nodeId": "keep", "portId": "in"}},
             "outports": {"out": {"nodeId": "keep", "portId": "out"}},
             "processes": {"keep": {"component": "Filter",
                                    "metadata": {"when": "n > 1"}}}}

    def outer(self, **which):
        return {"properties": {"name": "outer"}, "processes": {"sub": subgraph(**which)},
                "inports": {"in": {"nodeId": "sub", "portId": "in"}},
                "outports": {"out": {"nodeId": "sub", "portId": "out"}}}

    def test_run(self):
        os.mkdir(self.path("parts"))
        self.write("parts/inner.json", self.INNER)
        path = self.write("outer.json", self.outer(file="parts/inner.json"))
        for port in ("in", "sub.in", "sub/keep.in"):
            result = reflow("run", path, "--json", "--input", port + '={"n": 1}',
                            "--input", port + '={"n": 2}')
            self.assert_code(result, 0)
            self.assertEqual(result.json["outputs"], {"out": [{"n": 2}]})
            self.assertEqual(list(result.json["nodes"]), ["sub/keep"])
        for port in ("sub/none.in", "sub/keep.none", "none/keep.in", "sub.none"):
            self.assert_one_message(reflow("run", path, "--input", port + "=1"), 2, "--input")

    def test_place_of_findings(self):
        self.write("inner.json", json.dumps(self.INNER, indent=1).replace("Filter", "Fliter"))
        path = self.write("outer.json", self.outer(file="inner.json"))
        result = reflow("graph", "validate", path)
        self.assert_code(result, 3)
        self.assertRegex(result.out, r"error: .*inner\.json:\d\d:\d+: .*sub/keep.*Filter")
        self.assert_one_message(reflow("run", path), 3, r"inner\.json:\d\d:\d+: ", "sub/keep")
        told = reflow("graph", "validate", path, "--json").json
        found = [f for f in told["findings"] if f["severity"] == "error"]
        self.assertEqual([(f["node"], f["path"]) for f in found],
                         [("sub/keep", "$.processes.keep.component")])
        self.write("inner.json", "{")
        result = reflow("graph", "validate", path)
        self.assert_code(result, 3)
        self.assertRegex(result.out, r"outer\.json:\d+:\d+: .*inner\.json:1:\d")
        os.remove(self.path("inner.json"))
        self.assert_one_message(reflow("run", path), 3, r"outer\.json:\d+:\d+: ", "no such file")
        self.write("inner.json", self.outer(file="outer.json"))
        self.assert_one_message(reflow("run", path), 3, "holds itself")

    def test_bad_expression_inside(self):
        inner = json.loads(json.dumps(self.INNER).replace("n > 1", "n >"))
        path = self.write("outer.json", self.outer(graph=inner))
        for command in (["graph", "validate"], ["run"]):
            result = reflow(*command, path)
            self.assert_code(result, 3)
            self.assertIn("sub/keep", result.out + result.err)

    def test_errors_inside(self):
        inner = {"inports": self.INNER["inports"], "processes": {
            "keep": {"component": "Filter", "metadata": {"when": "n > 1"}},
            "say": {"component": "Log"}}, "connections": [
                {"from": {"nodeId": "keep", "portId": "error"},
                 "to": {"nodeId": "say", "portId": "in"}}]}
        outer = self.outer(graph=inner)
        del outer["outports"]
        path = self.write("outer.json", outer)
        self.assert_code(reflow("run", path, "--input", 'in={"n": "x"}'), 0)
        inner["connections"] = []
        del inner["processes"]["say"]
        self.write("outer.json", outer)
        result = reflow("run", path, "--input", 'in={"n": "x"}')
        self.assert_code(result, 1)
        self.assertIn("sub/keep", result.err)

    def test_show_and_convert(self):
        path = self.write("outer.json", self.outer(graph=self.INNER))
        self.assertIn("keep", reflow("graph", "show", path, "--depth", "1").out)
        out = self.path("outer.yaml")
        self.assert_code(reflow("graph", "convert", path, out), 0)
        self.assert_code(reflow("graph", "validate", out), 0)
        back = json.loads(reflow("graph", "convert", out, "-", "--to", "json").out)
        spec = back["processes"]["sub"]["metadata"]["componentSpec"]
        self.assertEqual(spec, {"type": "subgraph", "graph": self.INNER})


class Validate(support.Case):
    def test_good(self):
        path = self.write("g.json", GRAPH)
        result = reflow("graph", "validate", path)
        self.assertEqual((result.code, result.err), (0, ""))
        self.assertRegex(result.out, r"g\.json: valid \(3 nodes, 2 connections, 1 initial packet\)")
        self.assertEqual(reflow("graph", "validate", path, "-q").out, "")
        told = reflow("graph", "validate", path, "--json").json
        self.assertEqual((told["valid"], told["errors"]), (True, 0))
        self.assertEqual(reflow("graph", "validate", "-", "--format", "json",
                                stdin=json.dumps(GRAPH).encode()).json, told)

    def test_bad(self):
        path = self.write("g.json", graph({"a": ("Lgo", {}), "b": ("Delay", {})}))
        result = reflow("graph", "validate", path)
        self.assert_code(result, 3)
        lines = result.out.splitlines()
        errors = [line for line in lines if line.startswith("error: ")]
        self.assertIn("no component named 'Lgo' (did you mean 'Log'?)", errors[0])
        self.assertTrue(lines[-1].startswith(f"{path}: not valid: {len(errors)} errors"))
        result = reflow("graph", "validate", path, "-q")
        self.assertEqual((result.code, result.out, result.err), (3, "", ""))
        told = reflow("graph", "validate", path, "--json")
        self.assert_code(told, 3)
        self.assertFalse(told.json["valid"])
        found = [f for f in told.json["findings"] if f["severity"] == "error"]
        self.assertEqual(told.json["errors"], len(found))
        self.assertEqual({f["node"] for f in found}, {"a", "b"})

    def test_unreadable_as_json(self):
        result = reflow("graph", "validate", self.path("none"), "--json")
        self.assert_code(result, 3)
        self.assertFalse(result.json["valid"])
        self.assertIn("no such file", result.json["findings"][0]["message"])

    def test_into_a_file(self):
        path = self.write("g.json", GRAPH)
        out = self.path("result.json")
        result = reflow("graph", "validate", path, "--json", "-o", out)
        self.assertEqual((result.code, result.out), (0, ""))
        self.assertTrue(json.loads(self.read("result.json"))["valid"])


class Show(support.Case):
    def show(self, *arguments):
        result = reflow("graph", "show", self.write("g.json", GRAPH), *arguments)
        self.assertEqual((result.code, result.err), (0, ""), repr(result))
        return result.out

    def test_formats(self):
        text = self.show()
        for node in ("read", "wait", "say"):
            self.assertIn(node, text)
        self.assertEqual(text, self.show("--format", "text"))
        self.assertRegex(self.show("--format", "mermaid"), r"^(flowchart|graph|---)")
        self.assertIn("digraph", self.show("--format", "dot"))
        root = xml.etree.ElementTree.fromstring(self.show("--format", "svg"))
        self.assertTrue(root.tag.endswith("svg"), root.tag)
        self.assertRegex(self.show("--format", "html").lower(), r"^<!doctype html>")
        self.assertIn("wait", json.loads(self.show("--format", "json"))["processes"])
        self.assertNotEqual(self.show("--format", "svg"), self.show("--format", "svg", "--dark"))

    def test_format_by_the_name(self):
        for name, start in (("p.svg", "<"), ("p.html", "<!"), ("p.HTM", "<!"), ("p.json", "{")):
            self.assertEqual(self.show("-o", self.path(name)), "")
            self.assertTrue(self.read(name).lower().startswith(start), name)
        self.show("-o", self.path("p.dot"))
        self.assertIn("digraph", self.read("p.dot"))
        self.show("-o", self.path("plain"))
        self.assertEqual(self.read("plain"), self.show())

    def test_a_graph_that_does_not_run_can_be_seen(self):
        path = self.write("g.json", graph({"odd": ("NoSuchThing", {})}))
        result = reflow("graph", "show", path)
        self.assert_code(result, 0)
        self.assertIn("odd", result.out)

    def test_output_that_cannot_be_written(self):
        path = self.write("g.json", GRAPH)
        self.assert_one_message(reflow("graph", "show", path, "-o", self.path("no", "p.svg")), 1,
                                "cannot write '.*p.svg'", "no such file")
        self.assert_one_message(reflow("graph", "show", path, "-o", "/dev/full"), 1,
                                "cannot write '/dev/full'", "no space left")


class Convert(support.Case):
    def test_round_trips(self):
        path = self.write("g.json", GRAPH)
        self.assert_code(reflow("graph", "convert", path, self.path("plain.json")), 0)
        plain = json.loads(self.read("plain.json"))
        self.assertEqual(plain["processes"]["wait"]["metadata"], {"ms": 1.5})
        data = [c["data"] for c in plain["connections"] if c.get("data") is not None]
        self.assertEqual(data, [{"n": 2**53 + 1}])
        for name in ("g.yaml", "g.yml", "g.msgpack"):
            self.assert_code(reflow("graph", "convert", path, self.path(name)), 0)
            result = reflow("graph", "convert", self.path(name), "-")
            self.assert_code(result, 0)
            self.assertEqual(json.loads(result.out), plain, name)

    def test_through_pipes(self):
        document = json.dumps(GRAPH).encode()
        for kind in ("yaml", "msgpack"):
            done = subprocess.run([support.BINARY, "graph", "convert", "-", "-", "--to", kind],
                                  input=document, capture_output=True, timeout=support.DEADLINE)
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            back = subprocess.run([support.BINARY, "graph", "convert", "-", "-"],
                                  input=done.stdout, capture_output=True,
                                  timeout=support.DEADLINE)
            self.assertEqual((back.returncode, back.stderr), (0, b""))
            self.assertEqual(json.loads(back.stdout)["outports"].keys(), {"result"})

    def test_a_file_is_replaced_as_a_whole(self):
        path = self.write("g.json", GRAPH)
        target = self.write("target.yaml", "old")
        os.chmod(target, 0o640)
        os.symlink("target.yaml", self.path("link.yaml"))
        self.assert_code(reflow("graph", "convert", path, self.path("link.yaml")), 0)
        self.assertTrue(os.path.islink(self.path("link.yaml")))
        self.assertIn("processes", self.read("target.yaml"))
        self.assertEqual(stat.S_IMODE(os.stat(target).st_mode), 0o640)
        self.assertEqual(sorted(os.listdir(self.folder)), ["g.json", "link.yaml", "target.yaml"])
        # A graph that cannot be read changes nothing.
        bad = self.write("bad.json", "{")
        before = self.read("target.yaml")
        self.assert_code(reflow("graph", "convert", bad, target), 3)
        self.assertEqual(self.read("target.yaml"), before)

    def test_messagepack_is_not_for_a_terminal(self):
        path = self.write("g.json", GRAPH)
        with support.on_terminal("graph", "convert", path, "-", "--to", "msgpack") as (
                terminal, process):
            self.assertIn("MessagePack is not for a terminal", terminal.read_all())
            self.assertEqual(process.wait(support.DEADLINE), 2)


class Components(support.Case):
    def test_list(self):
        result = reflow("components")
        self.assertEqual((result.code, result.err), (0, ""))
        lines = result.out.splitlines()
        self.assertEqual(lines[0].split(), ["ID", "TITLE", "CATEGORY"])
        ids = [line.split()[0] for line in lines[1:]]
        told = json.loads(reflow("components", "--json").out)
        self.assertEqual(ids, [component["id"] for component in told])
        self.assertIn("CsvRead", ids)

    def test_every_one_has_all_about_it(self):
        for component in json.loads(reflow("components", "--json").out):
            result = reflow("components", component["id"])
            self.assertEqual((result.code, result.err), (0, ""))
            text = re.sub(r"\s+", " ", result.out)
            self.assertTrue(text.startswith(component["id"] + " - " + component["title"]), text)
            for port in component["inports"] + component["outports"]:
                self.assertIn(f" {port['name']} {port['type']} ", text)
            for key, schema in component["config"].get("properties", {}).items():
                self.assertIn(f" {key} ", text)
                self.assertIn(re.sub(r"\s+", " ", schema.get("description", "")), text)
            one = json.loads(reflow("components", component["id"], "--json").out)
            self.assertEqual(one, component)

    def test_examples_are_graphs_that_run(self):
        self.write("rows.csv", "month,amount\nMay,1\n")
        self.write("rows.jsonl", '{"month": "May", "amount": 1}\n')
        row = {"month": "May", "amount": 100, "low": 1, "high": 2}
        for component in json.loads(reflow("components", "--json").out):
            text = reflow("components", component["id"]).out.split("\nExample\n")[1]
            document = json.loads("{" + text + "}")
            node = document["processes"]["node"]
            self.assertEqual(node["component"], component["id"])
            # Who can be configured shows how.
            self.assertEqual("metadata" in node, bool(component["config"]["properties"]))
            document["properties"] = {"name": "example"}
            document["connections"] = [
                {"to": {"nodeId": "node", "portId": port["name"]}, "data": row}
                for port in component["inports"]
                if port.get("required") and port["type"] != "stream"]
            for port in component["inports"]:
                if port["type"] == "stream":
                    document["processes"]["source"] = {"component": "StreamRead",
                                                       "metadata": {"path": "rows.csv"}}
                    document["connections"].append(
                        {"from": {"nodeId": "source", "portId": "out"},
                         "to": {"nodeId": "node", "portId": port["name"]}})
            path = self.write("example.json", document)
            result = reflow("graph", "validate", path, cwd=self.folder)
            self.assertEqual((result.code, result.out.count("\n")), (0, 1), repr(result))
            result = reflow("run", path, "--json", cwd=self.folder)
            self.assert_code(result, 0)
            self.assertEqual(result.json["nodes"]["node"]["failed"], 0, repr(result))

    def test_unknown(self):
        self.assert_one_message(reflow("components", "Csvread"), 2,
                                r"no component named 'Csvread' \(did you mean 'CsvRead'\?\)")
        self.assert_one_message(reflow("components", "Xyzzy"), 2, "see reflow components")


if __name__ == "__main__":
    support.main()
