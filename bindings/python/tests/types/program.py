"""A program that uses most of the package, for the type checkers: nothing here may be untyped or wrong."""

from __future__ import annotations

import asyncio
from typing import Any, AsyncIterator, Dict, Iterator, List, Optional

import reflow


@reflow.actor(inports=["in"], outports=["out"])
def double(ctx: reflow.Context, value: int) -> Dict[str, int]:
    return {"out": value * 2}


@reflow.actor(inports=["url"], outports=["body"], max_concurrency=32)
async def fetch(ctx: reflow.Context, url: str) -> Dict[str, bytes]:
    await asyncio.sleep(0)
    return {"body": url.encode()}


@reflow.actor(outports=["out"])
def numbers(ctx: reflow.Context) -> Iterator[Dict[str, int]]:
    for number in range(ctx.config.get("count", 3)):
        yield {"out": number}


@reflow.actor(inports=[reflow.Port("in", "integer", required=True)], outports=["out"])
class Sum:
    def __init__(self) -> None:
        self.total = 0

    def run(self, ctx: reflow.Context, value: int) -> None:
        self.total += value
        ctx.emit("out", self.total)


@reflow.actor
def nothing(ctx: reflow.Context) -> None: ...


def networks() -> Optional[int]:
    with reflow.Network(mode="simulated", seed=7) as net:
        net.add("n", numbers, {"count": 5}).add("d", double).add("log", "Log", level="info")
        net.connect("n.out", "d.in", capacity=10).connect("d.out", "log.in")
        output: reflow.Output = net.stream("d.out")
        net.send("d.in", 21, timeout=1.0)
        net.wait_idle(timeout=5)
        values: List[Any] = output.recv_many(10, timeout=0.5)
        state: reflow.NodeState = net.node_state("d")
        for letter in net.dead_letters:
            print(letter["node"])
        for event in net.events(["ActorFailed"], nodes="d*"):
            error: str = event.error
            print(event.kind, error, event.time)
        changed: Dict[str, int] = net.apply(net.graph.add("x", "Log"), leftover="drop")
        snapshot: bytes = net.snapshot()
        number: int = net.add_breakpoint("d.in", when=lambda value: value == 5)
        net.remove_breakpoint(number)
        for failure in net.errors:
            raise failure.exception
        return len(values) + len(snapshot) + len(changed) + state.failures


async def asynchronous() -> None:
    async with reflow.Network() as net:
        net.add("f", fetch)
        async for value in net.stream("f.body"):
            print(value)
        async for event in net.events():
            print(event.node)
        report: Dict[str, Dict[str, Any]] = await net.run()
        print(report)
    result: reflow.Result = await reflow.arun("g.json", inputs={"in": later(), "other": [1]}, timeout=1.0, workers=2)
    print(result["out"])


async def later() -> AsyncIterator[int]:
    for number in range(3):
        await asyncio.sleep(0)
        yield number


@reflow.actor(inports=[reflow.Port("in", "stream")], outports=["out"])
async def copy(ctx: reflow.Context, stream: reflow.Stream) -> None:
    async with ctx.open_stream(content_type=stream.content_type) as written:
        await ctx.send("out", written)
        async for frame in stream:
            await written.awrite(frame[:10], chunk=1 << 16)


def streams(net: reflow.Network) -> bytes:
    with net.open_stream(metadata={"rows": 2}, size_hint=100) as stream:
        net.send("copy.in", stream, envelope={"correlation": "order 7"})
        stream.write(b"abc", timeout=1.0)
    received, envelope = net.stream("copy.out").recv_enveloped(1)
    sizes: List[int] = [len(frame) for frame in received.observe()]
    frame: Optional[memoryview] = stream.read(0.5)
    return stream.collect(100) + bytes(frame or b"") + bytes(sizes) + str(envelope).encode()


def recordings() -> int:
    net = reflow.Network(mode="simulated").record("run.recording")
    net.flush_record()
    with reflow.Replay("run.recording", actors=[double]) as again:
        more: bool = again.run(1)
    return reflow.replay("run.recording").firings + int(more)


def graphs() -> str:
    graph = reflow.Graph("g").add("a", double).connect("a.out", ("b", "in")).initial("a.in", 1)
    findings = [finding.message for finding in graph.validate()]
    result: reflow.Result = reflow.run(graph, set={"a.x": 1}, inputs={"a.in": [1, 2]}, seed=3)
    try:
        graph.check()
    except reflow.GraphError as error:
        print(error.status, error.hint, error.path)
    return graph.draw("svg", dark=True) + str(findings) + str(result["out"])


def peers(net: reflow.Network) -> None:
    with reflow.DiscoveryServer("127.0.0.1") as server, reflow.Peer(
        "alpha", network=net, bind_port=0, discovery_endpoints=[f"http://127.0.0.1:{server.port}"]
    ) as peer:
        name: str = peer.connect("127.0.0.1:9000", timeout=1)
        peer.send(name, "recorder.in", {"a": 1}, confirmed=True)
        @peer.on_http
        def answer(request: reflow.HttpRequest) -> Dict[str, str]:
            return {"path": request.path}

        def lost(message: reflow.LostMessage) -> None:
            print(message.reason, answer)

        peer.set_delivery(name, "recorder", lost=lost)
        for event in peer.events("connected"):
            print(event["network_id"])


class Celsius(float): ...


reflow.register_converter(Celsius, float, Celsius)
FLOW: reflow.Message = reflow.FLOW
