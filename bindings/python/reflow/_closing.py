"""What a ``with`` closes at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional, TypeVar

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Type

SelfT = TypeVar("SelfT", bound="Closing")


class Closing:
    """A base of what has ``close``."""

    def close(self) -> None:
        raise NotImplementedError

    def __enter__(self: SelfT) -> SelfT:
        return self

    def __exit__(
        self,
        kind: Optional["Type[BaseException]"],
        error: Optional[BaseException],
        trace: Optional["TracebackType"],
    ) -> None:
        self.close()
