"""Batches: a function that gets lists of values, and one that gets arrays of NumPy and copies nothing."""

import math

import reflow


@reflow.actor(inports=["in"], outports=["out"], batch=True)
def squares(ctx, values):
    """values is a list, and each element of what is returned is a packet."""
    return {"out": [value * value for value in values]}


def main() -> None:
    count = 100_000
    with reflow.Network() as net:
        net.add("s", squares)
        out = net.stream("s.out", capacity=count)
        net.send_many("s.in", range(count))
        net.wait_idle(timeout=60)
        total = 0
        for _ in range(count):
            total += out.recv(timeout=5)
        calls = net.counters("s")
    print(f"the sum of {count:,} squares is {total:,}; {calls['fired']:,} firings")
    assert total == (count - 1) * count * (2 * count - 1) // 6

    try:
        import numpy
    except ImportError:
        print("without NumPy there are lists; with it, arrays")
        return

    @reflow.actor(inports=["in"], outports=["out"], arrays="numpy")
    def norm(ctx, vector):
        """One packet is a whole array here: it arrives as it was sent, without a copy."""
        return {"out": float(numpy.linalg.norm(vector))}

    with reflow.Network() as net:
        net.add("n", norm)
        out = net.stream("n.out")
        net.send("n.in", numpy.ones(1_000_000))
        length = out.recv(timeout=10)
    print("the length of a million ones is", length)
    assert math.isclose(length, 1000.0)


if __name__ == "__main__":
    main()
