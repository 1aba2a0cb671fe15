"""The example of three networks: its model against one that is computed here with the standard library alone, in one
process and in three, with other data, and with processes that are ended or die."""

import json
import math
import os
import random
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest

SOURCE = os.environ.get("REFLOW_SOURCE") or os.path.dirname(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("REFLOW_BUILD") or os.path.join(SOURCE, "build")
EXAMPLE = os.path.join(SOURCE, "examples", "distributed")
DATA = os.path.join(EXAMPLE, "breast-cancer.csv")
EPOCHS, RATE, DECAY, BATCH = 3, 0.05, 0.001, 10
PATIENCE_S = 100


# ---- the independent calculation

def read(path):
    """Good rows with their class, as the example takes them."""
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    features = int(lines[0].split(",")[1])
    rows = []
    for line in lines[1:]:
        try:
            row = [float(value) for value in line.split(",")]
        except ValueError:
            continue
        if len(row) == features + 1 and all(map(math.isfinite, row)) and row[-1] in (0, 1):
            rows.append((row[:-1], row[-1]))
    return rows


def probability(weights, bias, values):
    return 1 / (1 + math.exp(-(bias + sum(w * v for w, v in zip(weights, values)))))


def train(path, epochs):
    """Accuracy, precision and recall of the held-out part after each epoch, and the last weights."""
    rows = read(path)
    training = [row for i, row in enumerate(rows) if i % 5 != 4]
    held_out = [row for i, row in enumerate(rows) if i % 5 == 4]
    width = len(rows[0][0])
    mean = [math.fsum(row[0][j] for row in training) / len(training) for j in range(width)]
    deviation = [math.sqrt(math.fsum((row[0][j] - mean[j]) ** 2 for row in training) / len(training)) or 1
                 for j in range(width)]

    def scaled(part):
        return [([(v - m) / d for v, m, d in zip(values, mean, deviation)], label)
                for values, label in part]
    training, held_out = scaled(training), scaled(held_out)
    weights, bias, curve = [0.0] * width, 0.0, []
    for _ in range(epochs):
        for at in range(0, len(training), BATCH):
            batch = training[at:at + BATCH]
            faults = [probability(weights, bias, values) - label for values, label in batch]
            gradient = [sum(f * row[0][j] for f, row in zip(faults, batch)) / len(batch)
                        for j in range(width)]
            weights = [w - RATE * (g + DECAY * w) for w, g in zip(weights, gradient)]
            bias -= RATE * sum(faults) / len(batch)
        found = [(probability(weights, bias, values) >= 0.5, label == 1) for values, label in held_out]
        right = sum(guess == label for guess, label in found)
        both = sum(guess and label for guess, label in found)
        curve.append((right / len(found), both / max(1, sum(guess for guess, _ in found)),
                      both / max(1, sum(label for _, label in found))))
    return curve, weights, bias


# ---- running

def command(*arguments):
    return [sys.executable, os.path.join(EXAMPLE, "run.py"), "--build", BUILD, *arguments]


class Driver:
    """run.py with --keep: it stays until it is told to end, or something dies."""

    def __init__(self, case, *arguments):
        self.child = subprocess.Popen(command("--epochs", "2", "--keep", *arguments), text=True,
                                      env=case.environment, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT)
        self.timer = threading.Timer(PATIENCE_S, self.child.kill)
        self.timer.start()
        self.lines = []
        for line in self.child.stdout:
            self.lines.append(line)
            if "live page stays" in line:
                break
        self.ports = {name: int(port) for name, port in
                      re.findall(r"^  (\w+) +127\.0\.0\.1:(\d+)$", "".join(self.lines), re.M)}

    def end(self):
        """Exit code and all that it said."""
        self.lines += self.child.stdout.readlines()
        code = self.child.wait()
        self.timer.cancel()
        self.child.stdout.close()
        return code, "".join(self.lines)


def answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_silent(ports):
    deadline = time.monotonic() + PATIENCE_S
    while any(map(answers, ports)):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def process_of(port):
    """The process that listens there, from /proc."""
    with open("/proc/net/tcp", encoding="ascii") as file:
        wanted = {line.split()[9] for line in file.readlines()[1:]
                  if line.split()[1] == f"0100007F:{port:04X}" and line.split()[3] == "0A"}
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            for name in os.listdir(f"/proc/{process}/fd"):
                link = os.readlink(f"/proc/{process}/fd/{name}")
                if link.startswith("socket:[") and link[8:-1] in wanted:
                    return int(process)
        except OSError:
            continue
    return None


@unittest.skipUnless(os.path.exists(os.path.join(BUILD, "examples", "distributed", "single")),
                     "a build without peers")
class Distributed(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()  # where the example has its files
        self.addCleanup(self.scratch.cleanup)
        self.environment = {**os.environ, "TMPDIR": self.scratch.name}

    def tearDown(self):
        self.assertEqual([], os.listdir(self.scratch.name))

    def run_example(self, *arguments, code=0):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "results.json")
            done = subprocess.run(command("--json", path, *arguments), text=True, timeout=PATIENCE_S,
                                  env=self.environment, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT)
            self.assertEqual(code, done.returncode, done.stdout)
            self.assertIn("no process, port or file is left", done.stdout)
            if code != 0:
                return done.stdout
            with open(path, encoding="utf-8") as file:
                return json.load(file)

    def check(self, results, path):
        curve, weights, bias = train(path, EPOCHS)
        self.assertEqual(EPOCHS, len(results["curve"]))
        for point, (accuracy, precision, recall) in zip(results["curve"], curve):
            self.assertAlmostEqual(accuracy, point["accuracy"])
            self.assertAlmostEqual(precision, point["precision"])
            self.assertAlmostEqual(recall, point["recall"])
        for ours, theirs in zip(weights + [bias],
                                results["model"]["weights"] + [results["model"]["bias"]]):
            self.assertAlmostEqual(ours, theirs, places=9)
        return curve[-1][0]

    def test_one_process_and_three_give_the_same(self):
        one = self.run_example("--single", "--epochs", str(EPOCHS))
        self.assertGreaterEqual(self.check(one, DATA), 0.95)
        for way in ([], ["--no-discovery"]):
            three = self.run_example("--epochs", str(EPOCHS), *way)
            self.assertEqual(one["model"], three["model"])
            self.assertEqual(one["curve"], three["curve"])
            self.assertEqual(one["right"], three["right"])
        self.assertEqual([("high_error_rate", "warning", "prediction_service")],
                         [(a["type"], a["severity"], a["actor"]) for a in three["alerts"]])

    def test_other_data_with_bad_rows(self):
        seed = random.randrange(1 << 30)
        chance = random.Random(seed)
        lines = ["140,4,stays,leaves"]
        for i in range(140):
            label = chance.randrange(2)
            values = [chance.gauss(3 * label, 1), chance.gauss(-2 * label, 2), chance.random(), 7]
            line = ",".join([*map(repr, values), str(label)])
            if i % 6 == 5:  # more than a tenth
                line = chance.choice(["1,2,3,4", "1,2,x,4,1", "1,2,3,4,2", "1,2,3,4,5,1", "nan,2,3,4,1", ","])
            lines.append(line)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "with a space.csv")
            with open(path, "w", encoding="utf-8") as file:
                file.write("\n".join(lines) + "\n")
            results = self.run_example("--csv", path, "--epochs", str(EPOCHS), "--min-accuracy", "0")
            with self.subTest(seed=seed):
                self.check(results, path)
                self.assertEqual("leaves", results["model"]["class_1"])
                self.assertIn("data_validator", [alert["actor"] for alert in results["alerts"]])

    def test_few_features_that_tell_little(self):
        # As many as a request has that is to be refused, and no accuracy is promised for it.
        chance = random.Random(5)
        rows = [f"{chance.random()},{chance.random()},{chance.random()},{i % 2}\n" for i in range(40)]
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "three.csv")
            with open(path, "w", encoding="utf-8") as file:
                file.write("40,3,x,y\n" + "".join(rows))
            results = self.run_example("--csv", path, "--epochs", str(EPOCHS))
            self.check(results, path)
            self.assertLess(results["model"]["performance_metrics"]["accuracy"], 0.95)

    def test_data_that_is_none(self):
        with tempfile.TemporaryDirectory() as folder:
            path, config = os.path.join(folder, "bad.csv"), os.path.join(folder, "c.toml")
            with open(config, "w", encoding="utf-8") as file:
                file.write('network_id = "data_instance"\nbind_address = "127.0.0.1"\nbind_port = 0\n')
            for text in ("", "a,b\n1,2\n", "5,0,x,y\n", "5,2,x,x\n", "5,1001,x,y\n", "5,2,x\n"):
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)
                done = subprocess.run(
                    [os.path.join(BUILD, "examples", "distributed", "data_instance"), "--config", config,
                     "--graph", os.path.join(EXAMPLE, "pipeline.graph.json"), "--set",
                     "data_collector.path=" + json.dumps(path)],
                    text=True, capture_output=True, timeout=PATIENCE_S)
                self.assertEqual(1, done.returncode, done)
                self.assertIn(f"{path}:1: not a line like '569,30,malignant,benign'", done.stderr)
            said = self.run_example("--csv", os.path.join(folder, "none.csv"), code=1)
            self.assertIn("none.csv: No such file or directory", said)

    def test_an_actor_that_fails_ends_all(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "no-good-row.csv")
            with open(path, "w", encoding="utf-8") as file:
                file.write("2,2,x,y\n1,2,7\n1,b,1\n")
            said = self.run_example("--csv", path, code=1)
            self.assertIn("ml_instance has ended with code 1", said)
            self.assertIn("there was nothing to train with", said)

    def test_nothing_is_trained_with_a_part(self):
        with open(os.path.join(EXAMPLE, "pipeline.graph.json"), encoding="utf-8") as file:
            graph = json.load(file)
        # As a link that breaks would: one record does not arrive.
        graph["processes"]["leak"] = {"component": "Filter", "metadata": {
            "network": "data_instance", "when": "(record_id ?? '') != 'row-7' && $network != ''"}}
        for connection in graph["connections"]:
            if connection["to"] == {"nodeId": "feature_engineer", "portId": "Input"}:
                connection["to"] = {"nodeId": "leak", "portId": "in"}
        graph["connections"].append({"from": {"nodeId": "leak", "portId": "out"},
                                     "to": {"nodeId": "feature_engineer", "portId": "Input"}})
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "leak.graph.json")
            with open(path, "w", encoding="utf-8") as file:
                json.dump(graph, file)
            said = self.run_example("--graph", path, code=1)
        self.assertIn("568 records have come of 569", said)

    def test_accuracy_that_is_not_reached(self):
        said = self.run_example("--single", "--epochs", "1", "--min-accuracy", "0.999", code=1)
        self.assertIn("is below 0.999", said)

    def test_signals_end_everything(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            driver = Driver(self)
            self.assertEqual(4, len(driver.ports), driver.lines)
            driver.child.send_signal(number)
            code, said = driver.end()
            self.assertEqual(128 + number, code, said)
            self.assertIn("no process, port or file is left", said)
            self.assertFalse(any(map(answers, driver.ports.values())))

    def test_whoever_reads_leaves(self):
        """A terminal that is closed, and `| head`."""
        for number in (signal.SIGTERM, signal.SIGHUP):
            driver = Driver(self)
            driver.child.stdout.close()
            driver.child.send_signal(number)
            self.assertEqual(128 + number, driver.child.wait(PATIENCE_S))
            driver.timer.cancel()
            self.assertFalse(any(map(answers, driver.ports.values())))
        reads, writes = os.pipe()
        os.close(reads)
        with tempfile.TemporaryFile("w+") as said, os.fdopen(writes, "w") as nobody:
            code = subprocess.run(command("--epochs", "2"), env=self.environment, stdout=nobody, stderr=said,
                                  timeout=PATIENCE_S).returncode
            said.seek(0)
            self.assertEqual((128 + signal.SIGPIPE, ""), (code, said.read()))

    def test_one_that_dies_ends_all(self):
        for name in ("ml_instance", "discovery"):
            driver = Driver(self)
            process = process_of(driver.ports[name])
            self.assertIsNotNone(process)
            os.kill(process, signal.SIGKILL)
            code, said = driver.end()
            self.assertEqual(1, code, said)
            self.assertIn(f"{name} has ended by signal 9", said)
            self.assertFalse(any(map(answers, driver.ports.values())))

    def test_requests_over_tls_keep_their_order(self):
        openssl = shutil.which("openssl")
        if openssl is None:
            self.skipTest("there is no openssl to make a certificate with")
        with tempfile.TemporaryDirectory() as folder:
            key, certificate, config = (os.path.join(folder, name) for name in ("k.pem", "c.pem", "c.toml"))
            subprocess.run([openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out",
                            certificate, "-subj", "/CN=x", "-addext", "subjectAltName=IP:127.0.0.1"],
                           check=True, capture_output=True)
            with open(config, "w", encoding="utf-8") as file:
                file.write('network_id = "x"\nbind_address = "127.0.0.1"\nbind_port = 0\n[tls]\n'
                           f'certificate_file = "{certificate}"\nkey_file = "{key}"\n')
            with subprocess.Popen(
                    [os.path.join(BUILD, "examples", "distributed", "single"), "--config", config, "--graph",
                     os.path.join(EXAMPLE, "pipeline.graph.json"), "--page", os.path.join(EXAMPLE, "page.html"),
                     "--set", "data_collector.path=" + json.dumps(DATA), "--until-eof"],
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
                self.assertEqual("Starting Single Instance\n", program.stdout.readline())
                port = int(re.fullmatch(r"Single Instance ready on 127\.0\.0\.1:(\d+)\n",
                                        program.stdout.readline())[1])
                context = ssl.create_default_context(cafile=certificate)
                with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as plain, \
                        context.wrap_socket(plain, server_hostname="127.0.0.1") as link:
                    # Each is answered by an actor, and all are in one record.
                    bodies = [f'{{"request_id": "r{i}", "features": []}}' for i in range(50)]
                    link.sendall("".join(f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
                                         f"{body}" for body in bodies).encode())
                    text = b""
                    while text.count(b"HTTP/1.1 503") < len(bodies):
                        more = link.recv(65536)
                        self.assertTrue(more, text)
                        text += more
                self.assertEqual([f"r{i}" for i in range(50)],
                                 re.findall(r'"request_id":"(\w+)"', text.decode()))
                program.stdin.close()
                program.stdout.read()
                self.assertEqual(0, program.wait())

    def test_the_live_page_in_a_browser(self):
        browser = shutil.which("chromium")
        if browser is None:
            self.skipTest("there is no chromium")
        driver = Driver(self)
        try:
            with tempfile.TemporaryDirectory() as profile:
                page = subprocess.run(
                    [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}",
                     "--virtual-time-budget=4000", "--dump-dom",
                     f"http://127.0.0.1:{driver.ports['api_instance']}/"],
                    text=True, capture_output=True, timeout=PATIENCE_S).stdout
        finally:
            driver.child.send_signal(signal.SIGINT)
            driver.end()
        self.assertIn("model-epoch-2, the last one; trained with 456 records", page)
        self.assertEqual(3, page.count('<polyline fill="none" stroke="var('))  # accuracy, loss, throughput
        self.assertEqual(6, page.count('<i class="dot connected">'))  # three links, seen from both sides
        self.assertIn("high_error_rate", page)

    def test_a_driver_that_is_killed_takes_all_with_it(self):
        driver = Driver(self)
        driver.child.kill()
        driver.end()
        self.assertTrue(wait_silent(driver.ports.values()))
        for name in os.listdir(self.scratch.name):  # it had no chance
            shutil.rmtree(os.path.join(self.scratch.name, name))


if __name__ == "__main__":
    unittest.main()
