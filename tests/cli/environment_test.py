"""Environment variables that nodes ask for: run, validate, debug, top, and that values are not shown."""

import json
import os

import support
from support import environment, reflow


def document(wishes, metadata=None, more=None):
    node = {"component": "Map",
            "metadata": {"value": "it + $REFLOW_T_WORD", "env_vars": wishes, **(metadata or {})}}
    return {"properties": {"name": "g"}, "processes": {"map": node, **(more or {})},
            "inports": {"in": {"nodeId": "map", "portId": "in"}},
            "outports": {"out": {"nodeId": "map", "portId": "out"}}}


REQUIRED = {"REFLOW_T_WORD": "required"}


class Environment(support.Case):
    def test_run(self):
        path = self.write("g.json", document(REQUIRED))
        run = ["run", path, "--input", 'in="say "']
        result = reflow(*run, env=environment(REFLOW_T_WORD="hello"))
        self.assert_code(result, 0)
        self.assertEqual(result.out, 'out: "say hello"\n')
        result = reflow(*run, "--set", "map.REFLOW_T_WORD=other",
                        env=environment(REFLOW_T_WORD="hello"))
        self.assertEqual(result.out, 'out: "say other"\n')
        for wishes, said in (({"REFLOW_T_WORD": "optional:a:b"}, "a:b"),
                             ({"REFLOW_T_WORD": "optional:"}, "")):
            path = self.write("g.json", document(wishes))
            self.assertEqual(reflow(*run).out, f'out: "say {said}"\n')

    def test_missing(self):
        other = {"component": "Log", "metadata": {"env_vars": {"REFLOW_T_A": "required", "REFLOW_T_B": 1}}}
        text = json.dumps(document(REQUIRED, more={"log": other}), indent=1)
        path = self.write("g.json", text)
        line = next(i for i, each in enumerate(text.splitlines(), 1) if '"metadata"' in each)
        names = ["'REFLOW_T_WORD' of node 'map'", "'REFLOW_T_A' of node 'log'", "'REFLOW_T_B' of node 'log'"]
        for command in (["run"], ["top", "--once"], ["debug"]):
            self.assert_one_message(reflow(*command, path), 3, rf"g\.json:{line}:\d+: ", *names)
        result = reflow("graph", "validate", path)
        self.assert_code(result, 3)
        for name in names:
            self.assertIn(name + " is not set", result.out)
        findings = reflow("graph", "validate", path, "--json").json["findings"]
        self.assertEqual([f["code"] for f in findings if f["severity"] == "error"][0], "missing-variable")
        told = reflow("run", path, "--json")
        self.assert_code(told, 3)
        self.assertEqual(told.json["status"], "invalid")

    def test_no_text(self):
        path = self.write("g.json", document({"REFLOW_T_WORD": "optional:x"}))
        bad = {**{k.encode(): v.encode() for k, v in environment().items()}, b"REFLOW_T_WORD": b"\xff"}
        self.assert_one_message(reflow("run", path, env=bad), 3, "'REFLOW_T_WORD' of node 'map' is not UTF-8")
        # Nobody asks for it.
        path = self.write("g.json", document({"REFLOW_T_OTHER": ""}, {"REFLOW_T_WORD": "w"}))
        self.assert_code(reflow("graph", "validate", path, env=bad), 0)

    def test_subgraphs(self):
        inner = document(REQUIRED)
        self.write("inner.json", inner)
        for which in ({"graph": inner}, {"file": "inner.json"}):
            outer = {"properties": {"name": "o"},
                     "processes": {"sub": {"metadata": {"componentSpec": {"type": "subgraph", **which}}}},
                     "inports": {"in": {"nodeId": "sub", "portId": "in"}},
                     "outports": {"out": {"nodeId": "sub", "portId": "out"}}}
            path = self.write("outer.json", outer)
            result = reflow("run", path, "--input", 'in="say "', env=environment(REFLOW_T_WORD="hello"))
            self.assertEqual(result.out, 'out: "say hello"\n', repr(result))
            self.assert_one_message(reflow("run", path), 3, "'REFLOW_T_WORD' of node '")
            result = reflow("graph", "validate", path)
            self.assert_code(result, 3)
            self.assertIn("REFLOW_T_WORD", result.out)

    def test_values_are_not_shown(self):
        secret = 's3cret-"quoted"-' + "x" * 200
        variables = environment(REFLOW_T_WORD=secret, types=secret, ms="12z")
        nodes = {"wait": {"component": "Delay", "metadata": {"env_vars": {"ms": "required"}}},
                 "read": {"component": "CsvRead", "metadata": {
                     "path": "x.csv", "env_vars": {"types": "required"}}}}
        path = self.write("g.json", document(REQUIRED, more=nodes))
        # What Map is told to do does not read.
        bad = self.write("bad.json", document({"value": "required"}))
        for file, values in ((path, variables), (bad, environment(value="s3cret ) (", REFLOW_T_WORD="w"))):
            for command in (["graph", "validate"], ["graph", "validate", "--json"], ["run"], ["run", "--json"],
                            ["graph", "show"], ["graph", "show", "--format", "json"]):
                result = reflow(*command, file, env=values)
                self.assertNotIn("s3cret", result.out + result.err, repr(result))
                self.assertNotIn("12z", result.out + result.err, repr(result))
                self.assert_code(result, 3 if command[0] == "run" or command[1] == "validate" else 0)

    def test_a_recording_has_them(self):
        path = self.write("g.json", document(REQUIRED))
        kept = self.path("run.record")
        self.assert_code(reflow("run", path, "--record", kept, "--input", 'in="say "',
                                env=environment(REFLOW_T_WORD="hello")), 0)
        self.assert_code(reflow("replay", kept), 0)
        with open(kept, "rb") as file:
            self.assertIn(b"hello", file.read())

    def test_in_examples(self):
        """The example of docs/graphs.md."""
        with open(os.path.join(support.SOURCE, "docs", "graphs.md")) as file:
            text = file.read()
        begin = text.index('"sign": {')
        node = json.loads("{" + text[begin:text.index("```", begin)] + "}")
        path = self.write("g.json", {"properties": {"name": "g"}, "processes": node,
                                     "inports": {"in": {"nodeId": "sign", "portId": "in"}},
                                     "outports": {"out": {"nodeId": "sign", "portId": "out"}}})
        result = reflow("run", path, "--input", 'in={"n": 1}', env=environment(API_KEY="abc", REGION=None))
        self.assertEqual(result.out, 'out: {"n":1,"by":"abc","at":"eu"}\n', repr(result))


if __name__ == "__main__":
    support.main()
