"""The smallest program: a function as an actor, a built-in component, and one value through both."""

import reflow


@reflow.actor(inports=["in"], outports=["out"])
def double(ctx, value):
    """Emits twice what it gets."""
    return {"out": value * 2}


def main() -> None:
    with reflow.Network() as net:
        net.add("d", double)
        net.add("show", "Log")
        net.connect("d.out", "show.in")
        out = net.stream("d.out")
        net.send("d.in", 21)
        net.wait_idle(timeout=5)
        answer = out.recv(timeout=5)
    print("21 doubled is", answer)
    assert answer == 42


if __name__ == "__main__":
    main()
