"""Mistakes that a type checker has to find; each line with one says so."""

import reflow

net = reflow.Network(mode="simulatd")  # mistake
net.add(7, "Log")  # mistake
net.wait_idle(timeout="5")  # mistake
net.no_such_method()  # mistake
reflow.Graph("g").draw(depth="1")  # mistake
reflow.run(7)  # mistake
reflow.arun(7)  # mistake
text: str = net.stream("a.out").recv_many(3)  # mistake
reflow.actor(inports=3)  # mistake
