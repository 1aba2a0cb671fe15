"""Testing a graph of one's own with the pytest plugin, which comes with the package:

    python -m pytest test_a_graph.py
    python -m pytest test_a_graph.py --reflow-seeds=100

The network runs on one thread, in an order that is drawn from a seed, and on a clock that takes no time. A
test that fails tells its seed.
"""

import reflow


@reflow.actor(inports=["price", "amount"], outports=["total"])
def total(ctx, price, amount):
    """Fires when both inports have a packet."""
    return {"total": price * amount}


def test_totals(reflow_network):
    reflow_network.add("t", total)
    totals = reflow_network.stream("t.total")
    reflow_network.send("t.price", 3)
    reflow_network.wait_idle()
    assert reflow_network.counters("t")["fired"] == 0
    reflow_network.send("t.amount", 14)
    assert totals.recv(timeout=5) == 42


def test_an_hour_takes_no_time(reflow_network):
    reflow_network.add("later", "Delay", ms=3_600_000).expose_inport("tea", "later.in")
    out = reflow_network.stream("later.out")
    reflow_network.send("tea", "Earl Grey")
    reflow_network.wait_idle()
    assert out.recv(timeout=0) == "Earl Grey"
