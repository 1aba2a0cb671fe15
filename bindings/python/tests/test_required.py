"""Required inports that only the program sends to: nobody has to expose them first."""

import logging

import pytest

import reflow


def needs(ctx, value):
    return {"out": value}


def needing(inports=("in",)):
    return reflow.Actor(needs, [reflow.Port(name, required=True) for name in inports], ["out"], await_="any")


@pytest.mark.parametrize("component", [needing(), "Map"], ids=["Python", "built in"])
def test_sending_is_enough(net, component):
    net.add("n", component, {} if component != "Map" else {"value": "it"})
    net.send("n.in", 1)
    net.wait_idle(5)
    assert net.counters("n")["fired"] == 1


def test_a_reader_may_come_first(net):
    net.add("n", needing(("a", "b"))).add("m", "Map", {"value": "it + 1"}).connect("n.out", "m.in")
    out = net.stream("m.out")
    net.send("n.a", 1)
    net.send("n.b", 2)
    assert sorted(out.recv(5) for _ in range(2)) == [2, 3]
    assert sorted(net.inports) == ["n.a", "n.b"]


def test_what_nothing_was_sent_to_is_told(net, caplog):
    net.add("n", needing(("a", "b")))
    net.send("n.a", 1)
    with caplog.at_level(logging.WARNING, "reflow"):
        net.wait_idle(5)
        net.wait_idle(5)
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 1 and "'n.b'" in told[0] and "connect" in told[0]


def test_connected_and_initial_ports_stay_as_they_are(net, caplog):
    net.add("n", needing(("a", "b"))).add("source", reflow.actor(outports=["out"])(lambda ctx: {"out": 5}))
    net.connect("source.out", "n.a").initial("n.b", 6)
    out = net.stream("n.out")
    with caplog.at_level(logging.WARNING, "reflow"):
        net.wait_idle(5)
    assert sorted(out.recv(5) for _ in range(2)) == [5, 6]
    assert net.inports == [] and not caplog.records


def test_a_graph_says_itself_what_it_exposes():
    graph = reflow.Graph().add("n", "Map", {"value": "it"})
    with reflow.Network(graph) as net:
        with pytest.raises(reflow.GraphError, match="required inport 'in'") as caught:
            net.send("n.in", 1)
        assert (caught.value.node, caught.value.port) == ("n", "in") and "expose" in caught.value.hint


def test_other_faults_are_told(net):
    net.add("n", needing()).add("bad", "Map", {"valu": "it"})
    with pytest.raises(reflow.ConfigError, match="node 'bad': expected 'value'"):
        net.start()
