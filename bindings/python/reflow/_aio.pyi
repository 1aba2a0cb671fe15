# The asynchronous half of actors and networks: private, without types.
from typing import Any

def __getattr__(name: str) -> Any: ...
