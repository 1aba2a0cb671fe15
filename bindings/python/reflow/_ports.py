"""How ports are written: ``"node.port"``, ``"node.port[2]"``, ``("node", "port")``, ``("node", "port", 2)``."""

from __future__ import annotations

from .errors import InvalidArgumentError

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Optional, Tuple, Union

    PortLike = Union[str, Tuple[str, str], Tuple[str, str, int]]
    Port = Tuple[str, str, Optional[int]]


def _of_text(text: str) -> Optional[Port]:
    # The id of a node may hold dots, the name of a port may not: the last dot divides.
    node, dot, port = text.rpartition(".")
    index = None
    if port.endswith("]"):
        port, bracket, number = port[:-1].rpartition("[")
        if not bracket or not (number.isascii() and number.isdigit()):
            return None
        index = int(number)
    if not dot or not node or not port or "[" in port or "]" in port:
        return None
    return node, port, index


def port_of(value: PortLike) -> Port:
    """Node, port and index (None without one) of a port as people write it.

    Raises InvalidArgumentError for what is none.
    """
    found = None
    if isinstance(value, str):
        found = _of_text(value)
    elif isinstance(value, tuple) and len(value) in (2, 3):
        node, port = value[0], value[1]
        index = value[2] if len(value) == 3 else None
        if isinstance(node, str) and isinstance(port, str) and (
            index is None or isinstance(index, int)
        ):
            found = node, port, index
    if found is None or (found[2] is not None and not 0 <= found[2] < 2**32 - 1):
        raise InvalidArgumentError(
            f"{value!r} is no port", hint="write 'node.port', 'node.port[0]' or a tuple of the two"
        )
    return found


def port_text(node: str, port: str, index: Optional[int] = None) -> str:
    """The opposite: ``"node.port"`` or ``"node.port[2]"``."""
    return f"{node}.{port}" if index is None else f"{node}.{port}[{index}]"
