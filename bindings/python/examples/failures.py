"""What happens when a firing fails: it is tried again; what still fails is a dead letter, and played back."""

import reflow

attempts = {"flaky": 0}
repaired = False


@reflow.actor(inports=["in"], outports=["out"])
def flaky(ctx, value):
    """Works at the third attempt."""
    attempts["flaky"] += 1
    if ctx.attempts < 2:
        raise ConnectionError(f"attempt {ctx.attempts + 1} for {value}")
    return {"out": value}


@reflow.actor(inports=["in"], outports=["out"])
def broken(ctx, value):
    """Fails until somebody repairs it."""
    if not repaired:
        raise ValueError(f"cannot take {value}")
    return {"out": value}


def main() -> None:
    global repaired
    with reflow.Network() as net:
        net.add("flaky", flaky, {"failure": {"retries": 3, "backoff_ms": 1}})
        net.add("broken", broken)
        net.connect("flaky.out", "broken.in")
        out = net.stream("broken.out")
        for value in ("a", "b"):
            net.send("flaky.in", value)
        net.wait_idle(timeout=10)
        print(f"{attempts['flaky']} attempts for two values")
        for letter in net.dead_letters:
            print(f"dead letter {letter['id']} of {letter['node']}: {letter['message']}")
        node, exception = net.errors[-1]
        print(f"the exception itself: {exception!r} of node {node}")
        repaired = True
        replayed = net.dead_letters.replay()
        net.wait_idle(timeout=10)
        values = [out.recv(timeout=5) for _ in range(replayed)]
    print("played back:", values)
    assert attempts["flaky"] == 6 and values == ["a", "b"]


if __name__ == "__main__":
    main()
