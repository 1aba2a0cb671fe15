"""How ports are written: ``"node.port"``, ``"node.port[2]"``, ``("node", "port")``, ``("node", "port", 2)``."""

from __future__ import annotations

import re
from typing import Optional, Tuple, Union

from .errors import InvalidArgumentError

PortLike = Union[str, Tuple[str, str], Tuple[str, str, int]]
Port = Tuple[str, str, Optional[int]]

# The id of a node may hold dots, the name of a port may not: the last dot divides.
_TEXT = re.compile(r"(?P<node>.+)\.(?P<port>[^.\[\]]+)(?:\[(?P<index>\d+)\])?\Z", re.DOTALL)


def port_of(value: PortLike) -> Port:
    """Node, port and index (None without one) of a port as people write it.

    Raises InvalidArgumentError for what is none.
    """
    if isinstance(value, str):
        found = _TEXT.match(value)
        if found is None:
            raise InvalidArgumentError(
                f"{value!r} is no port", hint="write 'node.port', 'node.port[0]' or a tuple"
            )
        index = found["index"]
        return found["node"], found["port"], None if index is None else int(index)
    if isinstance(value, tuple) and len(value) in (2, 3):
        node, port = value[0], value[1]
        number = value[2] if len(value) == 3 else None
        if isinstance(node, str) and isinstance(port, str) and (
            number is None or (isinstance(number, int) and 0 <= number < 2**32 - 1)
        ):
            return node, port, number
    raise InvalidArgumentError(
        f"{value!r} is no port", hint="write 'node.port', ('node', 'port') or ('node', 'port', 0)"
    )


def port_text(node: str, port: str, index: Optional[int] = None) -> str:
    """The opposite: ``"node.port"`` or ``"node.port[2]"``."""
    return f"{node}.{port}" if index is None else f"{node}.{port}[{index}]"
