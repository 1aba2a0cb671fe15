"""The documents say what is so: links lead somewhere, the README's program is the example's, the
picture of the weather graph is what the tool draws now, every header function has its version.

Environment: REFLOW_SOURCE, REFLOW_CLI. Standard library only.
"""
import os
import pathlib
import re
import subprocess
import unittest

SOURCE = pathlib.Path(os.environ["REFLOW_SOURCE"])
CLI = os.environ["REFLOW_CLI"]


def documents():
    yield from SOURCE.glob("*.md")
    yield from (SOURCE / "docs").rglob("*.md")
    yield from (SOURCE / "examples").rglob("*.md")


class Documents(unittest.TestCase):
    def test_links_lead_somewhere(self):
        missing = []
        links = 0
        for document in documents():
            text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.S)
            for link in re.findall(r"\]\(([^)\s]+)\)", text):
                if re.match(r"[a-z]+:", link) or link.startswith("#"):
                    continue
                links += 1
                if not (document.parent / link.split("#")[0]).exists():
                    missing.append(f"{document.relative_to(SOURCE)}: {link}")
        self.assertEqual([], missing)
        self.assertGreater(links, 10)

    def test_readme_has_the_two_commands(self):
        readme = (SOURCE / "README.md").read_text(encoding="utf-8")
        self.assertIn("\n    make run\n    make test\n", readme)

    def test_readme_program_is_the_example(self):
        readme = (SOURCE / "README.md").read_text(encoding="utf-8")
        example = (SOURCE / "examples/c/hello.c").read_text(encoding="utf-8")
        programs = re.findall(r"```c\n(.*?)```", readme, flags=re.S)
        self.assertEqual([example], programs)

    def test_live_change_is_the_example(self):
        page = (SOURCE / "docs/live-change.md").read_text(encoding="utf-8")
        example = (SOURCE / "examples/c/live.c").read_text(encoding="utf-8")
        snippets = re.findall(r"```c\n(.*?)```", page, flags=re.S)
        self.assertEqual(1, len(snippets))
        for snippet in snippets:
            self.assertIn(snippet, example)

    def test_graphs_are_valid(self):
        wrong = []
        graphs = 0
        for document in documents():
            text = document.read_text(encoding="utf-8")
            for graph in re.findall(r"```(?:json|yaml)\n(.*?)```", text, flags=re.S):
                if graph.startswith('{"component"'):
                    graph = '{"processes": {"node": ' + graph + "}}"
                if "processes" not in graph:
                    continue
                graphs += 1
                result = subprocess.run([CLI, "graph", "validate", "-"], input=graph, text=True,
                                        capture_output=True, check=False)
                if result.returncode != 0:
                    wrong.append(f"{document.relative_to(SOURCE)}: {result.stderr}")
        self.assertEqual([], wrong)
        self.assertGreater(graphs, 4)

    def test_picture_is_fresh(self):
        drawn = subprocess.run(
            [CLI, "graph", "show", str(SOURCE / "examples/weather/weather.graph.json"),
             "--format", "svg"], check=True, capture_output=True, text=True).stdout
        picture = (SOURCE / "docs/pictures/weather.svg").read_text(encoding="utf-8")
        self.assertEqual(picture.strip(), drawn.strip(),
                         "draw it anew: build/bin/reflow graph show "
                         "examples/weather/weather.graph.json --format svg "
                         "--output docs/pictures/weather.svg")


if __name__ == "__main__":
    unittest.main()
