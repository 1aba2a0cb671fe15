"""Measures the Python package beside other libraries: python bench.py [--json FILE] [--quick] [--runs N].

The rows have the shape of those of `make bench` (docs/benchmarks.md). A packet is an integer that goes
from a source through one actor in Python, which doubles it, to a sink; the sum is checked. Peers do the
same with fewer packets, since most are slow. The package is the one that this interpreter imports.

  python-one         the actor is a function, called for each packet
  python-list        the actor takes and gives lists (batch=True)
  python-numpy       the actor takes and gives arrays of NumPy (batch="numpy")
  python-coroutine   the actor is a coroutine that does not suspend; firings a second
  python-import      importing the package, beyond starting the interpreter
  python-1MiB        an array of 1 MiB into a message and out again
  python-beside      how much of its speed a loop in another thread keeps while a network runs; a fair
                     half is 0.5
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import threading
import time

import peers

import reflow

BUDGETS = {"python-one": 2e6, "python-list": 8e6, "python-numpy": 50e6, "python-coroutine": 4e5,
           "python-import": 60.0, "python-1MiB": 5.0, "python-beside": 0.1}


def network_run(n, source, actor):
    """Seconds in which n packets go from a source through an actor to a sink, which adds them up."""
    total = [0]

    @reflow.actor(inports=["in"], batch="numpy")
    def add(ctx, values):
        total[0] += int(values.sum())

    with reflow.Network() as net:
        net.add("source", source).add("actor", actor).add("sink", add)
        net.connect("source.out", "actor.in").connect("actor.out", "sink.in")
        begin = time.perf_counter()
        net.start()
        net.wait_idle(300)
        seconds = time.perf_counter() - begin
        if net.errors:
            raise net.errors[0].exception
    peers.check(total[0], n)
    return seconds


def source_of(values, n):
    """Emits n packets, all the values in one call, again and again."""
    size = len(values)

    @reflow.actor(outports=["out"])
    def source(ctx):
        sent = getattr(ctx.state, "sent", 0)
        count = min(size, n - sent)
        ctx.emit_many("out", values[:count])
        ctx.state.sent = sent + count
        if ctx.state.sent < n:
            ctx.again()

    return source


def list_source(n, size=256):
    return source_of(list(range(size)), n)


def numpy_source(n):
    import numpy

    return source_of(numpy.arange(4096) & 255, n)


def one(n):
    @reflow.actor(inports=["in"], outports=["out"])
    def double(ctx, value):
        return {"out": value * 2}

    return network_run(n, list_source(n), double)


def lists(n):
    @reflow.actor(inports=["in"], outports=["out"], batch=True)
    def double(ctx, values):
        return {"out": [value * 2 for value in values]}

    return network_run(n, list_source(n), double)


def arrays(n):
    @reflow.actor(inports=["in"], outports=["out"], batch="numpy")
    def double(ctx, values):
        return {"out": values * 2}

    return network_run(n, numpy_source(n), double)


def coroutines(n):
    @reflow.actor(inports=["in"], outports=["out"])
    async def double(ctx, value):
        return {"out": value * 2}

    return network_run(n, list_source(n), double)


def import_ms():
    """Milliseconds of `import reflow`, beyond those of an interpreter that imports nothing."""
    def run(code):
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        return time.perf_counter() - begin

    bare = min(run("pass") for _ in range(5))
    return (min(run("import reflow") for _ in range(5)) - bare) * 1e3


def megabyte_us():
    """Microseconds for an array of 1 MiB into a message and out again, without a copy."""
    import numpy

    array = numpy.zeros(1024 * 1024, dtype=numpy.uint8)
    count = 20000
    begin = time.perf_counter()
    for _ in range(count):
        message = reflow.Message(array)
        back = numpy.frombuffer(message, dtype=numpy.uint8)
    seconds = time.perf_counter() - begin
    if not numpy.shares_memory(array, back):
        raise AssertionError("the array was copied")
    return seconds / count * 1e6


def progress_beside():
    """The speed of a loop in this thread while a network of Python actors runs, of that without."""
    def count(seconds):
        end = time.perf_counter() + seconds
        steps = 0
        while time.perf_counter() < end:
            steps += 1
        return steps

    @reflow.actor(inports=["in"], outports=["out"])
    def double(ctx, value):
        return {"out": value * 2}

    alone = count(0.5)
    with reflow.Network() as net:
        net.add("source", list_source(10**12)).add("actor", double)
        net.connect("source.out", "actor.in")
        net.start()
        with_network = count(0.5)
        fired = net.counters("actor")["fired"]
        net.stop(10)
    if fired == 0:
        raise AssertionError("the network stood still")
    return with_network / alone


def rate(function, n, runs):
    return statistics.median(n / function(n) for _ in range(runs))


def peer_rates(functions, n, runs, notes):
    """The rates of the peers that are there and give the right sum."""
    rates = {}
    for function in functions:
        try:
            rates[function.__name__] = rate(function, n, runs)
        except ImportError:
            notes.append(f"{function.__name__} is not installed")
        except Exception as error:  # a peer that fails must not end the measuring
            notes.append(f"{function.__name__} has no result: {error}")
    return rates


def row(name, value, unit, better, others, arguments):
    best = max(others, key=others.get) if others else None
    budget = BUDGETS[name]
    return {
        "name": name, "value": value, "unit": unit, "peer": best,
        "peer_value": others.get(best), "ratio": value / others[best] if best else None,
        "limit": None, "limit_name": None, "budget": budget,
        "met": value >= budget if better == "higher" else value <= budget,
        "better": better, "others": others, "runs": arguments.runs, "quick": arguments.quick,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()} "
                   f"{platform.release()}, Python {platform.python_version()}",
    }


def measure(arguments, notes):
    scale = 10 if arguments.quick else 1
    queues = [peers.asyncio_queues, peers.pykka, peers.offbit_reflow]
    slow = peer_rates(queues, 50000 // scale, arguments.runs, notes) if arguments.peers else {}
    tasks = peer_rates([peers.asyncio_tasks], 100000 // scale, arguments.runs,
                       notes) if arguments.peers else {}
    shapes = [("python-one", one, 2000000, slow), ("python-list", lists, 4000000, slow),
              ("python-numpy", arrays, 20000000, slow), ("python-coroutine", coroutines, 400000, tasks)]
    for name, function, n, others in shapes:
        if arguments.rows and not any(part in name for part in arguments.rows.split(",")):
            continue
        unit = "firings/s" if name == "python-coroutine" else "packets/s"
        yield row(name, rate(function, n // scale, arguments.runs), unit, "higher", others, arguments)
    for name, function, unit, better in [("python-import", import_ms, "ms", "lower"),
                                         ("python-1MiB", megabyte_us, "us", "lower"),
                                         ("python-beside", progress_beside, "of 1", "higher")]:
        if arguments.rows and not any(part in name for part in arguments.rows.split(",")):
            continue
        value = statistics.median(function() for _ in range(arguments.runs))
        yield row(name, value, unit, better, {}, arguments)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", help="a file for the rows; those that it has are kept")
    parser.add_argument("--quick", action="store_true", help="a tenth of the packets")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--rows", default="", help="parts of names, with commas")
    parser.add_argument("--no-peers", dest="peers", action="store_false")
    arguments = parser.parse_args()
    notes = []
    rows = []
    print(f"{'row':18} {'reflow':>14} {'unit':10} {'best peer':>24} {'ratio':>8} {'budget':>12} met")
    for r in measure(arguments, notes):
        rows.append(r)
        peer = f"{r['peer']} {r['peer_value']:.4g}" if r["peer"] else ""
        ratio = f"{r['ratio']:.1f}" if r["ratio"] else ""
        print(f"{r['name']:18} {r['value']:14.6g} {r['unit']:10} {peer:>24} {ratio:>8} "
              f"{r['budget']:12.6g} {'yes' if r['met'] else 'no'}", flush=True)
    for note in notes:
        print("note:", note)
    if arguments.json:
        known = []
        if os.path.exists(arguments.json):
            with open(arguments.json) as file:
                known = json.load(file)
        names = {r["name"] for r in rows}
        with open(arguments.json, "w") as file:
            json.dump([r for r in known if r["name"] not in names] + rows, file, indent=1)
    return 0


if __name__ == "__main__":
    threading.current_thread().name = "bench"
    sys.exit(main())
