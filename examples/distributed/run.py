#!/usr/bin/env python3
"""Runs the example of three networks: starts its processes, lets them train, asks for predictions, and ends all.

Standard library only. Everything listens on free ports of 127.0.0.1; nothing is left behind, whether it ends
well, by Ctrl-C, or because one of the processes has died. See README.md beside this file.
"""

import argparse
import csv
import ctypes
import http.client
import json
import math
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BREAST_CANCER = os.path.join(HERE, "breast-cancer.csv")
PATIENCE_S = 60
STOP_S = 8
HEARTBEAT_MS = 1000  # a link that is silent for three of these has ended
REFRESH_MS = 1000  # how often peers ask discovery
HELD_OUT_EVERY = 5  # as in actors_data.c


class Failure(Exception):
    """What went wrong, for a person."""


def end_with_parent():
    """In a child: asks Linux for a signal when its parent is gone, however that ended."""
    set_death_signal = 1
    try:
        ctypes.CDLL(None).prctl(set_death_signal, signal.SIGTERM, 0, 0, 0)
    except AttributeError:
        pass  # elsewhere; the end of its standard input tells it


class Process:
    """A child whose lines are kept. One of them says on which port it listens."""

    READY = re.compile(r" (?:ready on |listening on http://)127\.0\.0\.1:(\d+)$")

    def __init__(self, name, command, verbose):
        self.name, self.verbose = name, verbose
        self.lines, self.port, self.ended = [], None, False
        self.changed = threading.Condition()
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, text=True, errors="replace",
                                      start_new_session=True, preexec_fn=end_with_parent)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.child.stdout:
            line = line.rstrip("\n")
            if self.verbose:
                try:
                    print(f"    {self.name}: {line}", flush=True)
                except OSError:  # nobody reads it any more
                    self.verbose = False
            with self.changed:
                self.lines = self.lines[-200:] + [line]
                found = self.READY.search(line)
                if found and self.port is None:
                    self.port = int(found[1])
                self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def last_words(self):
        """What it said last, without the talk of every day."""
        return "\n".join([line for line in self.lines if "] [INFO]" not in line][-10:])

    def wait_ready(self):
        with self.changed:
            self.changed.wait_for(lambda: self.port is not None or self.ended, PATIENCE_S)
        if self.port is None:
            raise Failure(f"{self.name} did not start:\n{self.last_words()}")
        return self.port

    def check(self):
        code = self.child.poll()
        if code is not None:
            self.reader.join(STOP_S)  # the rest of what it said
            how = f"by signal {-code}" if code < 0 else f"with code {code}"
            raise Failure(f"{self.name} has ended {how}:\n{self.last_words()}")

    def stop(self):
        """False if it had to be killed, or did not end well when it was asked to."""
        asked = self.child.poll() is None
        if asked:
            self.child.terminate()
        try:
            code = self.child.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.child.kill()
            code = self.child.wait()
        self.reader.join(STOP_S)
        self.child.stdin.close()
        self.child.stdout.close()
        return not asked or code == 0 or self.port is None  # one that only begins may just die


def ask(port, method, path, body=None):
    """Status and answer of a request; JSON is read."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        data = None if body is None else json.dumps(body)
        connection.request(method, path, data, {"Content-Type": "application/json"})
        response = connection.getresponse()
        text = response.read()
    except OSError as problem:
        raise Failure(f"no answer to {method} {path} on port {port}: {problem}") from problem
    finally:
        connection.close()
    return response.status, json.loads(text) if text else None


def wait_until(processes, what, done):
    """Asks again and again; a process that dies ends that."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        for process in processes:
            process.check()
        result = done()
        if result:
            return result
        if time.monotonic() > deadline:
            raise Failure(f"{what}: not within {PATIENCE_S} s")
        time.sleep(0.05)


def read_held_out(path):
    """Features and class of the rows that are held out, the names of the classes, and how many features."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    features, names = int(rows[0][1]), rows[0][2:4]
    good = []
    for row in rows[1:]:
        try:
            values = [float(value) for value in row]
        except ValueError:
            continue
        if len(values) == features + 1 and all(map(math.isfinite, values)) and values[-1] in (0, 1):
            good.append((values[:-1], int(values[-1])))
    return good[HELD_OUT_EVERY - 1::HELD_OUT_EVERY], names, features


class System:
    """The processes, in the order in which they end: who sends first, discovery last."""

    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.peers, self.discovery, self.token = [], None, secrets.token_hex(16)

    @property
    def processes(self):
        return self.peers + ([self.discovery] if self.discovery else [])

    def started(self, process):
        process.wait_ready()
        print(f"  {process.name:14} 127.0.0.1:{process.port}")
        return process

    def start_discovery(self):
        program = os.path.join(self.options.build, "bin", "reflow")
        if not os.path.exists(program):
            raise Failure(f"{program} is not there: build it by 'make'")
        command = [program, "discovery", "serve", "--bind", "127.0.0.1:0"]
        self.discovery = Process("discovery", command, self.options.verbose)
        self.started(self.discovery)

    def start(self, name, network, instance, extra):
        config = os.path.join(self.folder, name + ".toml")
        port = self.options.port if name in ("api", "single") else 0
        with open(config, "w", encoding="utf-8") as file:
            os.chmod(config, 0o600)  # the token is in it
            file.write(f'network_id = "{network}"\ninstance_id = "{instance}"\n'
                       f'bind_address = "127.0.0.1"\nbind_port = {port}\n'
                       f'auth_token = "{self.token}"\nmax_connections = 10\n'
                       f'heartbeat_interval_ms = {HEARTBEAT_MS}\n')
            if self.discovery:
                file.write(f'discovery_endpoints = ["http://127.0.0.1:{self.discovery.port}"]\n'
                           f'discovery_refresh_ms = {REFRESH_MS}\n')
            for other in [] if self.discovery else self.peers:
                file.write(f'\n[[connect]]\nendpoint = "127.0.0.1:{other.port}"\n')
        program = os.path.join(self.options.build, "examples", "distributed",
                               "single" if name == "single" else name + "_instance")
        if not os.path.exists(program):
            raise Failure(f"{program} is not there: build it by 'make run-distributed'")
        command = [program, "--config", config, "--graph", self.options.graph, "--until-eof", *extra]
        process = Process("single" if name == "single" else network, command, self.options.verbose)
        self.peers.append(process)
        return self.started(process)

    def start_all(self):
        """The process that collects data, and the one that answers."""
        options = self.options
        data = ["--set", "data_collector.path=" + json.dumps(os.path.abspath(options.csv))]
        train = ["--set", f"model_trainer.epochs={options.epochs}",
                 "--set", f"model_trainer.pause_ms={options.pause_ms}"]
        page = ["--page", os.path.join(HERE, "page.html")]
        if options.single:
            one = self.start("single", "single_instance", "single_001", data + train + page)
            return one, one
        if not options.no_discovery:
            self.start_discovery()
        first = self.start("data", "data_instance", "data_001", data)
        self.start("ml", "ml_instance", "ml_001", train)
        last = self.start("api", "api_instance", "api_001", page)
        wait_until(self.processes, "links between all three", self.linked)
        return first, last

    def links(self):
        """Of all processes: network, and a link as /status tells it."""
        found = []
        for process in self.peers:
            status, answer = ask(process.port, "GET", "/status")
            if status != 200:
                raise Failure(f"/status of {process.name}: {status}")
            found += [(answer["network_id"], link) for link in answer["links"]]
        return found

    def linked(self):
        connected = {(network, link["network_id"]) for network, link in self.links()
                     if link["state"] == "connected"}
        count = len(self.peers)
        return len(connected) == count * (count - 1)

    def stop(self):
        """Ends all, the senders first, and looks whether anything is left."""
        left = []
        for process in self.processes:
            if not process.stop():
                left.append(f"{process.name} had to be ended, or ended badly")
        for process in self.processes:
            if process.port is None:
                continue
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", process.port)) == 0:
                    left.append(f"port {process.port} still answers")
        return left


def print_model(model):
    metrics = model["performance_metrics"]
    print(f"\nModel {model['model_id']}, trained with {model['training_samples']} records. "
          f"The held-out part:")
    for key in ("accuracy", "precision", "recall", "f1_score"):
        print(f"  {key:10} {metrics[key]:.4f}")
    print(f"  class '{model['class_1']}': {metrics['true_positives']} right, "
          f"{metrics['false_negatives']} missed; class '{model['class_0']}': "
          f"{metrics['true_negatives']} right, {metrics['false_positives']} missed")


def predict(port, options):
    """Asks for some rows that were held out, and for two that cannot be answered."""
    held_out, names, count = read_held_out(options.csv)
    print("\nPredictions, POST /predict:")
    right = 0
    for number, (features, label) in enumerate(held_out[:options.predictions], 1):
        status, answer = ask(port, "POST", "/predict", {"request_id": f"held-out-{number}",
                                                        "features": features})
        if status != 200 or answer["request_id"] != f"held-out-{number}":
            raise Failure(f"/predict: {status} {answer}")
        right += answer["label"] == names[label]
        print(f"  {answer['request_id']:12} {answer['label']:10} confidence "
              f"{answer['confidence']:.4f}   in the data: {names[label]}")
    for body in ({"features": [0.0] * (count + 1)}, {"features": "none"}):
        status, answer = ask(port, "POST", "/predict", body)
        if status != 422:
            raise Failure(f"/predict took {body}: {status} {answer}")
        print(f"  refused ({status}): {answer['error']}")
    return right


def print_links(system):
    print("\nLinks:" if len(system.peers) > 1 else "\nLinks: none, all is in one process")
    wait_until(system.processes, "a heartbeat on each link",
               lambda: all(link.get("round_trip_us") for _, link in system.links()))
    found = system.links()
    for network, link in sorted(found, key=lambda one: (one[0], one[1]["network_id"])):
        print(f"  {network:14} {'->' if link['direction'] == 'out' else '<-'} {link['network_id']:14} "
              f"{link['scheme']} {link['state']}, round trip {link['round_trip_us']:.0f} us, "
              f"{link['sent']['messages']} messages sent, {link['received']['messages']} received")
        if link["state"] != "connected":
            raise Failure(f"the link from {network} to {link['network_id']} is {link['state']}")


def work(system, options):
    print("Starting:")
    data, api = system.start_all()
    print(f"The live page: http://127.0.0.1:{api.port}/", flush=True)
    begin = time.monotonic()
    status, answer = ask(data.port, "POST", "/trigger")
    if status != 202:
        raise Failure(f"/trigger: {status} {answer}")

    def state():
        answer = ask(api.port, "GET", "/api/state")[1]
        return answer if answer["finished"] and len(answer["curve"]) == options.epochs else None

    result = wait_until(system.processes, "the last model", state)
    seconds = time.monotonic() - begin
    model = ask(api.port, "GET", "/api/model")[1]
    print_model(model)
    print(f"  {options.epochs} epochs, {result['records_processed']} records in {seconds:.1f} s")
    right = predict(api.port, options)
    alerts = wait_until(system.processes, "an alert about the refused requests",
                        lambda: ask(api.port, "GET", "/api/state")[1]["alerts"])
    print("\nAlerts:")
    for alert in alerts:
        print(f"  {alert['severity']}: {alert['type']}, {alert['error_rate']:.2f} of "
              f"{alert['actor']} on {alert['instance']}")
    print_links(system)
    sys.stdout.flush()
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"model": model, "curve": result["curve"], "alerts": alerts, "right": right}, file)
    if options.keep:
        print(f"\nThe live page stays at http://127.0.0.1:{api.port}/ until Ctrl-C.", flush=True)
        while True:
            for process in system.processes:
                process.check()
            time.sleep(0.2)
    accuracy = model["performance_metrics"]["accuracy"]
    if accuracy < options.min_accuracy:
        raise Failure(f"accuracy {accuracy:.4f} is below {options.min_accuracy}")


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--csv", default=BREAST_CANCER,
                        help="a data set: 'rows,features,class 0,class 1', then rows")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--pause-ms", type=int, default=0, help="between epochs, to watch the page")
    parser.add_argument("--port", type=int, default=0, help="of the live page; default a free one")
    parser.add_argument("--predictions", type=int, default=6, help="rows to ask for")
    parser.add_argument("--min-accuracy", type=float,
                        help="fail below it; default 0.95, and 0 for other data than breast-cancer.csv")
    parser.add_argument("--single", action="store_true", help="the same graph in one process")
    parser.add_argument("--no-discovery", action="store_true",
                        help="each dials those that were started before it")
    parser.add_argument("--keep", action="store_true", help="serve until Ctrl-C")
    parser.add_argument("--verbose", action="store_true", help="show what the processes say")
    parser.add_argument("--json", help="write the results to this file")
    parser.add_argument("--build", default=os.path.join(ROOT, "build"), help="folder that was built")
    parser.add_argument("--graph", default=os.path.join(HERE, "pipeline.graph.json"))
    options = parser.parse_args()
    if options.epochs < 1 or options.epochs > 1000:
        parser.error("--epochs is from 1 to 1000")
    if options.min_accuracy is None:
        options.min_accuracy = 0.95 if os.path.realpath(options.csv) == BREAST_CANCER else 0
    if options.pause_ms < 0 or not 0 <= options.port <= 65535:
        parser.error("--pause-ms or --port is out of range")
    return options


class Interrupted(Exception):
    """By a signal, whose number it has."""


def interrupted(number, frame):
    raise Interrupted(number)


ENDS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def say(text, file=None):
    """Where nobody may read any more."""
    try:
        print(text, file=file, flush=True)
    except OSError:
        nobody = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nobody, 1)
        os.dup2(nobody, 2)


def end(system, folder):
    """Ends all processes; the lines say what is left."""
    left = []
    if system is not None:
        say("\nEnding: " + ", ".join(process.name for process in system.processes))
        left = system.stop()
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
    for line in left:
        say(f"run.py: {line}", sys.stderr)
    if not left:
        say("All have ended; no process, port or file is left.")
    return left


def main():
    options = read_arguments()
    folder, system, code = None, None, 0
    try:
        for number in ENDS:
            signal.signal(number, interrupted)
        folder = tempfile.mkdtemp(prefix="reflow-distributed-")
        system = System(options, folder)
        work(system, options)
    except Failure as problem:
        print(f"run.py: {problem}", file=sys.stderr)
        code = 1
    except Interrupted as told:
        code = 128 + told.args[0]
        say("\ninterrupted", sys.stderr)
    except BrokenPipeError:  # nobody reads what is printed any more
        code = 128 + signal.SIGPIPE
    finally:
        for number in ENDS:
            signal.signal(number, signal.SIG_IGN)
        if end(system, folder) and code == 0:
            code = 1
    return code


if __name__ == "__main__":
    sys.exit(main())
