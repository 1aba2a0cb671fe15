"""reflow: an embeddable engine for dataflow programs, with actors written in Python.

The smallest program::

    import reflow

    @reflow.actor(inports=["in"], outports=["out"])
    def double(ctx, value):
        return {"out": value * 2}

    with reflow.Network() as net:
        net.add("d", double)
        out = net.stream("d.out")
        net.send("d.in", 21)
        print(out.recv(timeout=5))
"""

import atexit as _atexit

from . import errors
from .errors import *  # noqa: F401,F403
from . import _reflow
from ._reflow import Context, Message
from .actors import Actor, Port, actor
from ._operations import DeadLetterCounts, DeadLetters, NodeState
from .network import Network, Output
from .runtime import Failure, Runtime
from .values import register_converter, unregister_converter

__version__ = _reflow.version_text()


@_atexit.register
def _end():
    # Threads of the engine must not ask for the interpreter when it ends: all networks are stopped now.
    _reflow.end_all(5.0)
    _reflow.set_ending()


FLOW = Message.flow()

# What is not needed by every program is imported when it is asked for.
_LATER = {
    "Graph": "graph", "document_places": "graph",
    "Result": "_run", "run": "_run", "arun": "_arun", "Event": "events", "Events": "events", "Peer": "peer",
    "Stream": "stream", "Replay": "recording",
    "ReplayState": "recording", "replay": "recording", "HttpRequest": "_http", "LostMessage": "_http",
    "PeerMesh": "peer", "DiscoveryServer": "peer", "RemotePeer": "peer", "PeerEvents": "peer",
}


def __getattr__(name):
    if name not in _LATER:
        raise AttributeError(f"module 'reflow' has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module("." + _LATER[name], __name__), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *_LATER})


def components():
    """The components that the engine brings: dicts {id, title, description, inports, outports, config, ...}."""
    with Runtime(mode="inline") as runtime:
        return runtime.components()


def feature(name):
    """Whether this build of the engine has a part: "components", "drawing", "recording", "yaml", ..."""
    return _reflow.feature(name)
