"""The weather example: its results against values that are computed here with the standard library
alone, on its own data and on others, with other columns, thresholds and bad rows."""

import collections
import csv
import io
import json
import math
import os
import random
import re
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree

SOURCE = os.environ.get("REFLOW_SOURCE") or os.path.dirname(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("REFLOW_BUILD") or os.path.join(SOURCE, "build")
CLI = os.environ.get("REFLOW_CLI") or os.path.join(BUILD, "bin", "reflow")
GRAPH = os.path.join(SOURCE, "examples", "weather", "weather.graph.json")
DATA = os.path.join(SOURCE, "examples", "weather", "seattle-weather.csv")
C_PROGRAM = os.path.join(BUILD, "examples", "weather")
if not os.path.exists(C_PROGRAM):
    C_PROGRAM = os.path.join(BUILD, "bin", "examples", "weather")

NUMBERS = ["precipitation", "temp_max", "temp_min", "wind"]
COLUMNS = ["precipitation", "temp_max", "temp_min", "temp_mean", "wind"]
KINDS = ["drizzle", "fog", "rain", "snow", "sun"]
# What examples/weather/weather.graph.json allows.
RANGES = {"precipitation": (0, 2000), "temp_max": (-90, 60), "temp_min": (-90, 60),
          "wind": (0, 120)}


# ---- the independent calculation

def good_row(row):
    """The row with numbers as such, or None if the schema refuses it."""
    good = dict(row)
    if not re.fullmatch(r"\d{4}/\d{2}/\d{2}", row["date"]) or row["weather"] not in KINDS:
        return None
    for name in NUMBERS:
        try:
            good[name] = float(row[name])
        except ValueError:
            return None
        low, high = RANGES[name]
        if not low <= good[name] <= high:
            return None
    return good


def most_frequent(values):
    counts = collections.Counter(values)
    return min(counts, key=lambda value: (-counts[value], value))


def summarize(month, rows):
    line = {"month": month, "count": len(rows)}
    for column in COLUMNS:
        values = [row[column] for row in rows]
        line[column + "_mean"] = math.fsum(values) / len(values)
        line[column + "_min"] = min(values)
        line[column + "_max"] = max(values)
        line[column + "_sum"] = math.fsum(values)
    line["weather_mode"] = most_frequent(row["weather"] for row in rows)
    return line


def expected_summary(rows):
    months, calendar = collections.defaultdict(list), collections.defaultdict(list)
    for row in rows:
        row = dict(row, temp_mean=(row["temp_max"] + row["temp_min"]) / 2)
        months[row["date"][:7].replace("/", "-")].append(row)
        calendar[row["date"][5:7]].append(row)
    return ([summarize(month, months[month]) for month in sorted(months)] +
            [summarize(month, calendar[month]) for month in sorted(calendar)])


def expected_alerts(rows, wind=9, precipitation=50):
    alerts = []
    for row in rows:
        for rule, least in (("wind", wind), ("precipitation", precipitation)):
            if row[rule] >= least:
                alerts.append({"date": row["date"], "rule": rule, "value": row[rule]})
    return alerts


def read_data(path):
    with open(path, newline="", encoding="utf-8") as file:
        rows = [good_row(row) for row in csv.DictReader(file)]
    assert None not in rows
    return rows


# ---- the program

def lines_of(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


class Case(unittest.TestCase):
    def setUp(self):
        self.maxDiff = None
        self.temporary = tempfile.TemporaryDirectory(prefix="reflow weather ")
        self.addCleanup(self.temporary.cleanup)
        self.folder = self.temporary.name
        self.out = os.path.join(self.folder, "out")

    def run_cli(self, *arguments, cwd=SOURCE, code=0):
        result = subprocess.run([CLI, "run", GRAPH, "--output-dir", self.out, *arguments],
                                cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                timeout=240, check=False, encoding="utf-8")
        self.assertEqual(result.returncode, code, result.stderr)
        return result

    def write(self, name, content):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        return path

    def output(self, name):
        return lines_of(os.path.join(self.out, name))

    def assert_same(self, got, expected):
        """Equal, with numbers equal to twelve digits."""
        self.assertEqual(len(got), len(expected))
        for one, other in zip(got, expected):
            self.assertEqual(set(one), set(other))
            for key, value in other.items():
                if isinstance(value, float):
                    self.assertTrue(math.isclose(one[key], value, rel_tol=1e-12, abs_tol=1e-12),
                                    f"{other.get('month')} {key}: {one[key]} is not {value}")
                else:
                    self.assertEqual(one[key], value, key)

    def check(self, rows, wind=9, precipitation=50):
        self.assert_same(self.output("summary.jsonl"), expected_summary(rows))
        self.assert_same(self.output("alerts.jsonl"), expected_alerts(rows, wind, precipitation))


class OwnData(Case):
    def test_results(self):
        rows = read_data(DATA)
        self.assertEqual(len(rows), 1461)
        result = self.run_cli()
        self.check(rows)
        self.assertEqual(self.output("rejects.jsonl"), [])
        self.assertEqual(result.stderr, "")
        # Keys stand as a person reads them, months in their order.
        first = self.output("summary.jsonl")[0]
        self.assertEqual(list(first)[:2] + list(first)[-1:], ["month", "count", "weather_mode"])
        self.assertEqual(len(self.output("summary.jsonl")), 48 + 12)

    def test_table(self):
        table = self.run_cli().stdout
        lines = [line for line in table.splitlines() if re.search(r"\b(0[1-9]|1[0-2])\b", line)]
        rows = [line for line in expected_summary(read_data(DATA)) if len(line["month"]) == 2]
        self.assertEqual(len(lines), 12, table)
        for line, row in zip(lines, rows):
            cells = [cell.strip() for cell in line.strip("│| \n").replace("|", "│").split("│")]
            self.assertEqual(cells[0], row["month"])
            self.assertEqual(cells[-1], row["weather_mode"])
            self.assertIn(str(row["count"]), cells)
            self.assertTrue(any(math.isclose(float(cell), row["temp_mean_mean"], abs_tol=0.051)
                                for cell in cells[1:-1]), line)

    def test_chart(self):
        self.run_cli()
        path = os.path.join(self.out, "temperature.svg")
        root = xml.etree.ElementTree.parse(path).getroot()
        space = "{http://www.w3.org/2000/svg}"
        self.assertEqual(root.tag, space + "svg")
        texts = ["".join(text.itertext()) for text in root.iter(space + "text")]
        for wanted in ("°C", "2012", "2013", "2014", "2015"):
            self.assertTrue(any(wanted in text for text in texts), wanted)
        tips = ["".join(title.itertext()) for title in root.iter(space + "title")]
        tips = [tip for tip in tips if re.match(r"\d{4}-\d{2}\n", tip)]
        rows = [row for row in expected_summary(read_data(DATA)) if len(row["month"]) == 7]
        self.assertEqual([tip.split("\n")[0] for tip in tips], [row["month"] for row in rows])
        for tip, row in zip(tips, rows):
            numbers = [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", tip[7:])]
            for wanted in ("temp_mean_mean", "temp_min_min", "temp_max_max"):
                self.assertTrue(any(abs(number - row[wanted]) < 0.00051 for number in numbers),
                                f"{tip!r} {wanted}")

    def test_whatever_runs_it(self):
        """The same bytes with threads, without, and in simulated orders."""
        self.run_cli("--inline")
        names = ["summary.jsonl", "alerts.jsonl", "rejects.jsonl", "temperature.svg"]

        def read(name):
            with open(os.path.join(self.out, name), "rb") as file:
                return file.read()

        inline = {name: read(name) for name in names}
        for mode in (["--threads", "1"], ["--threads", "4"], ["--seed", "1"], ["--seed", "77"]):
            self.run_cli(*mode)
            for name in names:
                self.assertEqual(read(name), inline[name], (mode, name))

    def test_from_any_folder(self):
        self.run_cli(cwd=self.folder)
        self.check(read_data(DATA))

    def test_default_folder(self):
        result = subprocess.run([CLI, "run", GRAPH], cwd=self.folder, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, timeout=240, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.out = os.path.join(self.folder, "build", "run", "weather")
        self.assertEqual(sorted(os.listdir(self.out)),
                         ["alerts.jsonl", "rejects.jsonl", "summary.jsonl", "temperature.svg"])
        self.check(read_data(DATA))

    def test_thresholds(self):
        self.run_cli("--set", "alerts.wind=8", "--set", "alerts.precipitation=30.5")
        rows = read_data(DATA)
        self.check(rows, wind=8, precipitation=30.5)
        self.assertGreater(len(expected_alerts(rows, 8, 30.5)), len(expected_alerts(rows)))

    def test_other_output_file(self):
        other = os.path.join(self.folder, "elsewhere", "s.jsonl")
        self.run_cli("--set", f"summary.path={other}", "--set", "alerts_file.path=sub/a.jsonl")
        self.assert_same(lines_of(other), expected_summary(read_data(DATA)))
        self.assert_same(self.output("sub/a.jsonl"), expected_alerts(read_data(DATA)))

    def test_c_program(self):
        """The same graph through the C interface, its alerts by a C callback."""
        if not os.path.exists(C_PROGRAM):
            self.skipTest("the examples are not built")
        result = subprocess.run([C_PROGRAM, GRAPH, self.out], cwd=self.folder, timeout=60,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                                encoding="utf-8")
        self.assertEqual(result.returncode, 0, result.stderr)
        rows = read_data(DATA)
        self.check(rows)
        self.assertIn(str(len(expected_alerts(rows))), result.stdout)


def synthetic(seed, count=700):
    """Rows of a made-up weather station, in the order of the days."""
    chance = random.Random(seed)
    rows = []
    for day in range(count):
        year, rest = 2020 + day // 360, day % 360
        low = round(chance.uniform(-15, 20), 1)
        rows.append({"date": f"{year}/{rest // 30 + 1:02}/{rest % 30 % 28 + 1:02}",
                     "precipitation": str(round(chance.expovariate(0.1), 1)),
                     "temp_max": str(round(low + chance.uniform(0, 15), 1)),
                     "temp_min": str(low), "wind": str(round(chance.uniform(0, 12), 1)),
                     "weather": chance.choice(KINDS)})
    return rows


class OtherData(Case):
    def test_bad_rows(self):
        """Ragged rows, quotes, CRLF, invalid UTF-8, values out of range and of other types."""
        rows = synthetic(1)
        chance = random.Random(2)
        good, rejects, text, line = [], [], io.BytesIO(), 1

        def put(raw, rejected=False, lines=1):
            nonlocal line
            line += 1
            text.write(raw + b"\r\n")
            if rejected:
                rejects.append((line, raw.decode("utf-8", "replace")))
            line += lines - 1

        text.write(b"\xef\xbb\xbf" + ",".join(rows[0]).encode() + b"\r\n")
        for row in rows:
            values = list(row.values())
            kind = chance.randrange(16)
            if kind == 0:
                put(",".join(values[:-1]).encode(), True)
            elif kind == 1:
                put(",".join(values + ["more"]).encode(), True)
            elif kind == 2:
                put((",".join(values[:-1]) + ',"' + values[-1] + '"x').encode(), True)
            elif kind == 3:
                put(",".join(values[:-1]).encode() + b",\xff\xfe", True)
            elif kind == 4:
                put(",".join(["not a date"] + values[1:]).encode(), True)
            elif kind == 5:
                put(",".join(values[:-1] + ["hail"]).encode(), True)
            elif kind == 6:
                put(",".join(values[:3] + ["-999"] + values[4:]).encode(), True)
            elif kind == 7:
                put(",".join(values[:3] + ["cold"] + values[4:]).encode(), True)
            elif kind == 8:
                put(",".join(values[:-1] + ['"two\nlines"']).encode(), True, lines=2)
            elif kind == 9:
                text.write(b"\r\n")
                line += 1
                put(",".join(f'"{value}"' for value in values).encode())
                good.append(row)
            else:
                put(",".join(values).encode())
                good.append(row)
        path = self.write("bad rows.csv", text.getvalue())
        self.run_cli("--set", f"read.path={path}")
        self.check([good_row(row) for row in good])
        got = self.output("rejects.jsonl")
        self.assertEqual(sorted((reject["line"], reject["row"]) for reject in got), rejects)
        for reject in got:
            self.assertEqual(list(reject), ["line", "reason", "row"])
            self.assertTrue(reject["reason"])

    def test_agrees_with_csv_module(self):
        """Quotes and line ends as another writer makes them."""
        rows = synthetic(3)
        for number, form in enumerate(({"quoting": csv.QUOTE_ALL}, {"lineterminator": "\n"},
                                       {"quoting": csv.QUOTE_NONNUMERIC, "lineterminator": "\r"})):
            text = io.StringIO()
            writer = csv.DictWriter(text, list(rows[0]), **form)
            writer.writeheader()
            writer.writerows(rows)
            path = self.write(f"{number}.csv", text.getvalue())
            self.run_cli("--set", f"read.path={path}")
            self.check([good_row(row) for row in rows])
            self.assertEqual(self.output("rejects.jsonl"), [])

    def test_other_names_of_columns(self):
        """Another file of the same kind, by settings alone."""
        rows = synthetic(4)
        names = {"date": "Day", "precipitation": "rain mm", "temp_max": "Tmax", "temp_min": "Tmin",
                 "wind": "wind_speed", "weather": "sky"}
        text = io.StringIO()
        writer = csv.writer(text, delimiter=";")
        writer.writerow([names[name] for name in rows[0]] + ["station"])
        writer.writerows(list(row.values()) + ["SEA"] for row in rows)
        path = self.write("other.csv", text.getvalue())
        rename = json.dumps({new: old for old, new in names.items()})
        self.run_cli("--set", f"read.path={path}", "--set", f"read.rename={rename}",
                     "--set", "read.delimiter=;", "--set", "alerts.wind=11")
        self.check([good_row(row) for row in rows], wind=11)

    def test_ties(self):
        """The most frequent weather, and of those with the same count the first of the alphabet."""
        lines = ["date,precipitation,temp_max,temp_min,wind,weather"]
        for day, kind in enumerate(["sun", "rain", "snow", "rain", "fog", "sun"], 1):
            lines.append(f"2021/05/{day:02},1,10,0,1,{kind}")
        self.run_cli("--set", "read.path=" + self.write("ties.csv", "\n".join(lines)))
        self.assertEqual([line["weather_mode"] for line in self.output("summary.jsonl")],
                         ["rain", "rain"])

    def test_a_large_file_in_little_memory(self):
        """Memory does not grow with the input."""
        rows = [",".join(row.values()) for row in synthetic(5)]
        block = "\n".join(rows) + "\n"
        peaks = []
        for times in (2, 200):
            path = os.path.join(self.folder, "large.csv")
            with open(path, "w", encoding="utf-8") as file:
                file.write("date,precipitation,temp_max,temp_min,wind,weather\n")
                for _ in range(times):
                    file.write(block)
            process = subprocess.Popen([CLI, "run", GRAPH, "--output-dir", self.out, "-q", "--set",
                                        f"read.path={path}"], cwd=SOURCE,
                                       stdout=subprocess.DEVNULL)
            # What this process has counts too, until the program has begun: the same both times.
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            self.assertEqual(process.returncode, 0)
            peaks.append(usage.ru_maxrss)
            self.assertEqual(sum(line["count"] for line in self.output("summary.jsonl")),
                             2 * times * len(rows))
        if not os.environ.get("REFLOW_SANITIZED"):
            # All rows at once would take more than 50 MiB.
            self.assertLess(peaks[1], peaks[0] + 20 * 1024, peaks)


class BadPlaces(Case):
    def test_missing_input(self):
        result = self.run_cli("--set", "read.path=" + os.path.join(self.folder, "none.csv"),
                              code=1)
        self.assertIn("none.csv", result.stderr)
        self.assertIn("no such file", result.stderr)

    def test_folder_and_empty_file(self):
        result = self.run_cli("--set", f"read.path={self.folder}", code=1)
        self.assertIn("is a directory", result.stderr)
        path = self.write("empty.csv", "")
        result = self.run_cli("--set", f"read.path={path}", code=1)
        self.assertIn("empty.csv", result.stderr)
        self.assertIn("empty", result.stderr)

    def test_output_folder_that_cannot_be(self):
        self.out = os.path.join(self.write("plain", "x"), "sub")
        result = self.run_cli(code=1)
        self.assertIn("plain/sub/", result.stderr)

    def test_full_disk(self):
        result = self.run_cli("--set", "summary.path=/dev/full", code=1)
        self.assertIn("/dev/full", result.stderr)
        self.assertIn("no space left", result.stderr)
        self.assertLessEqual(len(result.stderr.splitlines()), 3, result.stderr)
        # The other files are complete.
        self.assert_same(self.output("alerts.jsonl"), expected_alerts(read_data(DATA)))


if __name__ == "__main__":
    unittest.main()
