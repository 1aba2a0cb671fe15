"""What reflow is measured beside: pykka, queues of asyncio, and offbit-reflow from PyPI.

Each function sends n packets through one actor that doubles an integer (or nearly so: see there), checks
the sum that arrives, and returns the seconds it took. One that cannot be imported is left out."""

import asyncio
import threading
import time


def expected(n):
    """The sum of the doubled packets: they count from 0 to 255, again and again."""
    whole, rest = divmod(n, 256)
    return 2 * (whole * 255 * 128 + rest * (rest - 1) // 2)


def check(total, n):
    if total != expected(n):
        raise AssertionError(f"the sum is {total}, not {expected(n)}")


def asyncio_queues(n):
    async def main():
        first, second = asyncio.Queue(1000), asyncio.Queue(1000)

        async def source():
            for i in range(n):
                await first.put(i & 255)

        async def double():
            for _ in range(n):
                await second.put(await first.get() * 2)

        async def sink():
            total = 0
            for _ in range(n):
                total += await second.get()
            return total

        begin = time.perf_counter()
        _, _, total = await asyncio.gather(source(), double(), sink())
        check(total, n)
        return time.perf_counter() - begin

    return asyncio.run(main())


def asyncio_tasks(n):
    """A task for each firing, 64 at once: what a program does that calls coroutines concurrently."""

    async def main():
        async def double(value):
            return value * 2

        total = 0
        begin = time.perf_counter()
        for i in range(0, n, 64):
            tasks = [asyncio.ensure_future(double(k & 255)) for k in range(i, min(n, i + 64))]
            total += sum(await asyncio.gather(*tasks))
        check(total, n)
        return time.perf_counter() - begin

    return asyncio.run(main())


def pykka(n):
    import pykka as library

    done = threading.Event()
    result = []

    class Sink(library.ThreadingActor):
        def __init__(self):
            super().__init__()
            self.total = self.seen = 0

        def on_receive(self, message):
            self.total += message
            self.seen += 1
            if self.seen == n:
                result.append(self.total)
                done.set()

    class Double(library.ThreadingActor):
        def __init__(self, target):
            super().__init__()
            self.target = target

        def on_receive(self, message):
            self.target.tell(message * 2)

    sink = Sink.start()
    double = Double.start(sink)
    begin = time.perf_counter()
    for i in range(n):
        double.tell(i & 255)
    done.wait(120)
    seconds = time.perf_counter() - begin
    double.stop()
    sink.stop()
    check(result[0], n)
    return seconds


def offbit_reflow(n):
    """Firings of two actors that pass one integer round in a ring and count it up: a source that emits
    more than its ports hold makes this library stand still."""
    import offbit_reflow as library

    done = threading.Event()
    counts = [0, 0]

    class Step(library.Actor):
        component = "step"
        inports = ["in"]
        outports = ["out"]

        def run(self, ctx):
            counts[0] += 1
            counts[1] = ctx.inputs["in"]["data"]
            if counts[0] == n:
                ctx.done()
                done.set()
            else:
                ctx.done({"out": library.Message.integer(counts[1] + 1)})

    network = library.Network()
    network.register_actor("step", Step())
    network.add_node("a", "step")
    network.add_node("b", "step")
    network.add_connection("a", "out", "b", "in")
    network.add_connection("b", "out", "a", "in")
    network.add_initial("a", "in", {"type": "Integer", "data": 1})
    begin = time.perf_counter()
    network.start()
    arrived = done.wait(60)
    seconds = time.perf_counter() - begin
    network.shutdown()
    if not arrived or counts[1] != n:
        raise AssertionError(f"{counts} instead of {n} firings")
    return seconds
