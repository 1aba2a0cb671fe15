"""What an edit gets wrong and is told at once: components and ports that do not exist.

The engine checks a graph as a whole when a network is made of it. Before, a network knows the nodes that it
was given one by one, and what it looks up here costs a dictionary. Only what is not found there is shown to
the engine, as a graph of the nodes in question alone, so that there is one rule and one wording.
"""

from __future__ import annotations

from . import _reflow
from ._ports import port_of
from .errors import GraphError, InvalidArgumentError, NotFoundError

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any, Dict, Optional, Set, Tuple, Type

    from ._ports import PortLike
    from .errors import Error
    from .runtime import Runtime


class Checks:
    """Which component each node has, and which ports each component."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._nodes: Dict[str, str] = {}
        self._ports: Dict[str, Tuple[Set[str], Set[str]]] = {}

    def has(self, node: str, component: str) -> None:
        """A node was added, or has another component now."""
        self._nodes[node] = component

    def _ports_of(self, component: str) -> Optional[Tuple[Set[str], Set[str]]]:
        """Names of its inports and of its outports; None for what is no registered component."""
        if component not in self._ports:
            self._ports = {
                each["id"]: ({port["name"] for port in each["inports"]},
                             {port["name"] for port in each["outports"]})
                for each in self._runtime.components()
            }
        return self._ports.get(component)

    def _look(self, code: str, nodes: Dict[str, str],
              connect: Optional[Tuple[PortLike, PortLike]] = None) -> Optional[Dict[str, Any]]:
        """What the engine finds of this kind in a graph of these nodes: a dict, or None."""
        from .graph import Graph

        graph = Graph()
        for node, component in nodes.items():
            graph.add(node, component)
        if connect is not None:
            graph.connect(*connect)
        found = _reflow.validate(graph._handle, self._runtime)
        return next((each for each in found if each.get("code") == code), None)

    def check_component(self, node: str, component: str) -> None:
        """Raises NotFoundError if there is no such component."""
        if self._ports_of(component) is not None:
            return
        found = self._look("unknown-component", {node: component})
        if found is not None:
            raise _error(NotFoundError, found)

    def check_connection(self, source: PortLike, target: PortLike) -> None:
        """Raises GraphError if one of the ports does not exist."""
        try:
            ends = port_of(source), port_of(target)
            nodes = {node: self._nodes[node] for node, _, _ in ends}
        except (InvalidArgumentError, KeyError):
            return  # the edit itself tells
        outputs, inputs = (self._ports_of(nodes[node]) for node, _, _ in ends)
        if outputs and inputs and ends[0][1] in outputs[1] and ends[1][1] in inputs[0]:
            return
        found = self._look("unknown-port", nodes, (source, target))
        if found is not None:
            raise _error(GraphError, found)


def _error(kind: Type[Error], found: Dict[str, Any]) -> Error:
    node, port = found.get("node") or "", found.get("port") or ""
    place = f"node '{node}', port '{port}'" if port else f"node '{node}'"
    hint = found.get("hint") or ""
    text = f"{place}: {found['message']}" + (f" ({hint})" if hint else "")
    return kind(found["message"], hint=hint, text=text, node=node, port=port)
