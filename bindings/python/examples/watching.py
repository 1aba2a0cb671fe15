"""Looking at a network that runs: events, counters, times, and a picture of it."""

import collections

import reflow


@reflow.actor(inports=["in"], outports=["even", "odd"])
def sort_out(ctx, value):
    return {"even" if value % 2 == 0 else "odd": value}


def main() -> None:
    with reflow.Network() as net:
        net.add("sort", sort_out)
        net.add("even", "Log", level="debug").add("odd", "Log", level="debug")
        net.connect("sort.even", "even.in").connect("sort.odd", "odd.in")
        events = net.events(["MessageSent", "NetworkIdle"], nodes="sort")
        net.measure(sample=1)
        net.send_many("sort.in", range(10))
        net.wait_idle(timeout=5)
        seen = collections.Counter(event.peer for event in events.poll() if event.kind == "MessageSent")
        print("packets sent to:", dict(seen))
        node = net.metrics()["nodes"]["sort"]
        print(f"sort fired {node['fired']} times; half of its calls took at most {node['call']['p50_ns']} ns")
        print(net.graph.draw("text"))
    assert seen == {"even": 5, "odd": 5}


if __name__ == "__main__":
    main()
