"""What snapshots and live changes keep of an actor: ctx.state, and what the object of a class saves."""

from __future__ import annotations

import types

from ._reflow import Message

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Optional


def saves(target: Any, is_class: bool, is_generator: bool) -> bool:
    """Whether nodes of an actor can be saved at all.

    A generator cannot: where it stands is known to nobody. A class can if it has ``save`` and ``load``.
    """
    if is_generator:
        return False
    return not is_class or (callable(getattr(target, "save", None)) and callable(getattr(target, "load", None)))


def _owner(run: Callable[..., Any]) -> Any:
    """The object that a method belongs to; None for a function."""
    return run.__self__ if isinstance(run, types.MethodType) else None


def save(run: Callable[..., Any], state: Any) -> Optional[Dict[str, Any]]:
    """What is kept of a node: a dict of messages; None if there is nothing.

    Each is converted by itself, so that an error tells the path in what the program gave.
    """
    kept: Dict[str, Any] = {}
    if isinstance(state, types.SimpleNamespace):
        if vars(state):
            kept["namespace"] = Message(dict(vars(state)))
    elif state is not None:
        kept["state"] = Message(state)
    owner = _owner(run)
    if hasattr(owner, "save"):
        kept["object"] = Message(owner.save())
    return kept or None


def load(run: Callable[..., Any], kept: Dict[str, Any]) -> Any:
    """Gives an object back what it has saved; returns what ctx.state is then, None for nothing."""
    if "object" in kept:
        _owner(run).load(kept["object"])
    if "namespace" in kept:
        return types.SimpleNamespace(**kept["namespace"])
    return kept.get("state")
