"""Changing a network while it runs, stepping through it, and stopping it at a breakpoint."""

import reflow


@reflow.actor(inports=["in"], outports=["out"])
def celsius(ctx, fahrenheit):
    return {"out": round((fahrenheit - 32) / 1.8, 1)}


@reflow.actor(inports=["in"], outports=["out"])
def kelvin(ctx, degrees):
    return {"out": round(degrees + 273.15, 2)}


def main() -> None:
    with reflow.Network() as net:
        net.add("convert", celsius)
        out = net.stream("convert.out")
        net.send("convert.in", 212)
        boiling = out.recv(timeout=5)
        print("boiling:", boiling)

        # One step: the graph that runs, with a node more and a connection more.
        change = net.apply(net.graph.add("kelvin", kelvin).connect("convert.out", "kelvin.in"))
        print("changed:", {key: value for key, value in change.items() if value})
        absolute = net.stream("kelvin.out")
        net.send("convert.in", 32)
        freezing = absolute.recv(timeout=5)
        print("freezing:", out.recv(timeout=5), "°C,", freezing, "K")

        # A breakpoint with a condition: the packet is still there when the network stands.
        events = net.events(["Breakpoint"])
        net.add_breakpoint("kelvin.in", when=lambda degrees: degrees < -200, once=True)
        net.send_many("convert.in", [50, -400])
        stopped = next(events)
        print(f"stopped at {stopped.node}.{stopped.port} before {stopped.message}; waiting: {net.peek('kelvin.in')}")
        print("one step:", net.step(path="kelvin"))
        net.resume()
        net.wait_idle(timeout=5)
    assert (boiling, freezing, stopped.message) == (100.0, 273.15, -240.0)


if __name__ == "__main__":
    main()
