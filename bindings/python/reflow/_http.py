"""What a peer calls the program for: requests of HTTP, and messages that will not be delivered.

The engine must not wait for the interpreter there. So both stand in queues, which threads of Python take
from.
"""

from __future__ import annotations

import json
import logging
import threading
from collections import namedtuple
from typing import TYPE_CHECKING, Any, Callable, NamedTuple, Optional, Tuple

from . import _reflow
from .errors import Error, ReturnError

if TYPE_CHECKING:
    from concurrent.futures import Future

_log = logging.getLogger("reflow.peer")

if TYPE_CHECKING:

    class HttpRequest(NamedTuple):
        """A request to a peer."""

        method: str
        path: str
        query: str
        content_type: str
        authorization: str
        body: bytes

    class LostMessage(NamedTuple):
        """A message that will not be delivered."""

        network: str
        actor: str
        port: str
        value: Any
        status: str
        reason: str

else:
    HttpRequest = namedtuple("HttpRequest", "method path query content_type authorization body")
    LostMessage = namedtuple("LostMessage", "network actor port value status reason")
    HttpRequest.__doc__ = """A request to a peer: ``body`` is bytes, the rest str.

    ``method`` is "GET" and the like; ``path`` as it came, "/predict", where %20 and the like are not decoded;
    ``query`` what follows the "?".
    """
    LostMessage.__doc__ = """A message that will not be delivered.

    ``network``, ``actor`` and ``port`` are where it was to go; ``value`` is None if it is not here any more;
    ``status`` is the name of a status of reflow.h, and ``reason`` says what has happened.
    """

# A thread looks so often whether its queue has ended, in seconds.
_LOOK = 1.0


def _answer_of(result: Any) -> Tuple[int, str, bytes]:
    """What a handler has returned: a body, (status, body) or (status, body, content type)."""
    status, kind = 200, ""
    if isinstance(result, tuple):
        if len(result) not in (2, 3) or not isinstance(result[0], int):
            raise ReturnError("a handler returns a body, (status, body) or (status, body, content type), "
                              f"not {result!r:.200}")
        status, body = result[:2]
        kind = result[2] if len(result) == 3 else ""
    else:
        body = result
    if body is None:
        return (status if isinstance(result, tuple) else 204), kind, b""
    if isinstance(body, str):
        return status, kind or "text/plain; charset=utf-8", body.encode()
    if isinstance(body, (bytes, bytearray, memoryview)):
        return status, kind or "application/octet-stream", bytes(body)
    if isinstance(body, (dict, list, int, float)):
        return status, kind or "application/json", json.dumps(body).encode()
    raise ReturnError(f"the body of an answer is bytes, str, None or JSON, not {type(body).__name__}")


def _failed(exchange: "_reflow.HttpExchange", error: BaseException) -> None:
    _log.error("the handler of %s %s has failed", exchange.method, exchange.path, exc_info=error)
    exchange.answer(500, "text/plain; charset=utf-8", b"the handler has failed\n")


def _answer(exchange: "_reflow.HttpExchange", result: Any) -> None:
    try:
        status, kind, body = _answer_of(result)
        exchange.answer(status, kind, body)
    except (Error, TypeError, ValueError) as error:
        try:
            _failed(exchange, error)
        except Error:  # the engine has answered with 500 itself
            pass


def serve_requests(requests: "_reflow.HttpRequests", handler: Callable[[HttpRequest], Any],
                   threads: int, loop: Optional[Any]) -> None:
    """Starts threads that have requests answered, by a function or, on a loop, by a coroutine function."""

    def call(exchange: "_reflow.HttpExchange") -> None:
        request = HttpRequest(exchange.method, exchange.path, exchange.query, exchange.content_type,
                              exchange.authorization, exchange.body)
        try:
            if loop is None:
                _answer(exchange, handler(request))
                return
            import asyncio

            asyncio.run_coroutine_threadsafe(handler(request), loop).add_done_callback(
                lambda future: _ended(exchange, future))
        except BaseException as error:
            _failed(exchange, error)

    def work() -> None:
        while not requests.ended():
            exchange = requests.take(_LOOK)
            if exchange is not None:
                call(exchange)

    for _ in range(threads):
        threading.Thread(target=work, name="reflow-http", daemon=True).start()


def _ended(exchange: "_reflow.HttpExchange", future: "Future[Any]") -> None:
    if future.cancelled():
        exchange.answer(503, "text/plain; charset=utf-8", b"the handler was cancelled\n")
        return
    error = future.exception()
    if error is not None:
        _failed(exchange, error)
    else:
        _answer(exchange, future.result())


def tell_losses(losses: "_reflow.Losses", network: str, actor: str,
                function: Callable[[LostMessage], Any]) -> None:
    """Starts a thread that calls a function for each message that is lost."""
    from .errors import status_name

    def work() -> None:
        while not losses.ended():
            lost = losses.take(_LOOK)
            if lost is None:
                continue
            port, value, status, reason = lost
            try:
                function(LostMessage(network, actor, port, value, status_name(status), reason))
            except Exception:
                _log.exception("the function for lost messages has failed")

    threading.Thread(target=work, name="reflow-lost", daemon=True).start()
