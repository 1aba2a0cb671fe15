"""A generator as a source, and a class whose objects keep a state for each node."""

import reflow


@reflow.actor(outports=["out"], config={"type": "object", "properties": {"count": {"type": "integer"}}})
def numbers(ctx):
    """Emits 1, 2, 3, ... up to the count in its configuration; back-pressure holds it back."""
    for number in range(1, ctx.config["count"] + 1):
        yield {"out": number}


@reflow.actor(inports=["in"], outports=["mean"])
class RunningMean:
    """Emits the mean of what came so far. Each node has an object of its own."""

    def setup(self, ctx):
        self.count, self.total = 0, 0.0

    def run(self, ctx, value):
        self.count += 1
        self.total += value

    def finish(self, ctx):
        """Once, when the network runs out: the rest is emitted."""
        ctx.emit("mean", self.total / self.count)


def main() -> None:
    graph = reflow.Graph("means")
    graph.add("small", numbers, {"count": 9}).add("large", numbers, {"count": 99_999})
    graph.add("m", RunningMean).add("n", RunningMean)
    graph.connect("small.out", "m.in").connect("large.out", "n.in", capacity=100)
    graph.expose_out("small", "m.mean").expose_out("large", "n.mean")
    result = reflow.run(graph, timeout=60)
    print("means:", result["small"], result["large"])
    assert result.outputs == {"small": [5.0], "large": [50_000.0]}


if __name__ == "__main__":
    main()
