"""A program that uses most of the package, for the type checkers: nothing here may be untyped or wrong."""

from __future__ import annotations

import asyncio
from typing import Any, Dict, Iterator, List, Optional

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
        stream: reflow.Stream = net.stream("d.out")
        net.send("d.in", 21, timeout=1.0)
        net.wait_idle(timeout=5)
        values: List[Any] = stream.recv_many(10, timeout=0.5)
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
        for event in peer.events("connected"):
            print(event["network_id"])


class Celsius(float): ...


reflow.register_converter(Celsius, float, Celsius)
FLOW: reflow.Message = reflow.FLOW
