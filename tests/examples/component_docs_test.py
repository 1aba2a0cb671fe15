"""The examples in docs/components: each is run, and its results are what the page says.

A code block says in its first line what it is:
    ```yaml file=graph.yaml     a file to write; graph.yaml is the graph to run
    ```json expect=out.jsonl    what a file, or stdout, holds after the run
    ```text contains=out.svg    what a file holds somewhere
The run happens before the first expectation behind a graph."""

import glob
import os
import re
import subprocess
import tempfile
import unittest

SOURCE = os.environ.get("REFLOW_SOURCE") or os.path.dirname(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CLI = os.environ.get("REFLOW_CLI") or os.path.join(SOURCE, "build", "bin", "reflow")
BLOCK = re.compile(r"^```\w+ (file|expect|contains)=(\S+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


class Pages(unittest.TestCase):
    def check_page(self, text):
        """Runs the examples of a page; the number of expectations."""
        expectations = 0
        with tempfile.TemporaryDirectory(prefix="reflow docs ") as folder:
            result = None
            for kind, name, content in BLOCK.findall(text):
                path = os.path.join(folder, name)
                if kind == "file":
                    with open(path, "w", encoding="utf-8") as file:
                        file.write(content)
                    result = None
                    continue
                if result is None:
                    result = subprocess.run([CLI, "run", "graph.yaml"], cwd=folder, timeout=60,
                                            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                            check=False, encoding="utf-8")
                    self.assertEqual(result.returncode, 0, result.stderr)
                expectations += 1
                got = result.stdout
                if name != "stdout":
                    with open(path, encoding="utf-8") as file:
                        got = file.read()
                if kind == "expect":
                    self.assertEqual(got, content, name)
                else:
                    self.assertIn(content.rstrip("\n"), got, name)
        return expectations

    def test_pages(self):
        pages = sorted(glob.glob(os.path.join(SOURCE, "docs", "components", "*.md")))
        self.assertTrue(pages)
        found = 0
        for page in pages:
            with self.subTest(page=os.path.basename(page)), open(page, encoding="utf-8") as file:
                found += self.check_page(file.read())
        self.assertGreaterEqual(found, 8)

    def test_a_wrong_page_is_found(self):
        page = ("```yaml file=graph.yaml\nprocesses:\n  read: {component: JsonlRead, metadata: "
                "{path: in}}\n  show: {component: Log, metadata: {print: true}}\nconnections:\n"
                "  - {src: {process: read, port: out}, tgt: {process: show, port: in}}\n```\n"
                "```json file=in\n1\n```\n```text expect=stdout\n%s\n```\n")
        self.assertEqual(self.check_page(page % "1"), 1)
        with self.assertRaises(AssertionError):
            self.check_page(page % "2")


if __name__ == "__main__":
    unittest.main()
