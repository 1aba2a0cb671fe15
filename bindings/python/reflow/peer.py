"""Peers: networks that are linked to networks in other processes, and how they find each other."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple, Union

from . import _reflow
from ._closing import Closing
from ._naming import telling
from ._ports import port_of
from ._streams import Polled
from .errors import ClosedError, InvalidArgumentError

if TYPE_CHECKING:
    from ._aio import Waker
    from ._http import HttpRequest, LostMessage
    from ._ports import PortLike
    from .network import Network
    from .runtime import Runtime
    from .stream import Stream

_File = Union[str, "os.PathLike[str]"]  # the name of a file; "" is none

# Flags of reflow_peer_create_from_toml that are not keys of the file.
_NO_PORT = 1
_TELL_MESSAGES = 8

_EVENTS = ("connected", "disconnected", "reconnecting", "gave_up", "added", "updated", "removed")
_STRATEGIES = {
    "remote": 0, "auto_alias": 1, "network_prefix": 2, "fully_qualified": 3, "manual_alias": 4,
    "fail": 5,
}
_DELIVERIES = {"at_most_once": 0, "at_least_once": 1}
_POLICIES = {"block": 0, "drop_oldest": 1, "fail": 2}


def _runtime_of(network: Optional["Network"]) -> "Runtime":
    """That of the network, or a small one for links alone."""
    if network is not None:
        return network.runtime
    from .runtime import Runtime

    return Runtime(workers=1)


def _choose(table: Mapping[str, int], name: str, what: str) -> int:
    if name in table:
        return table[name]
    import difflib

    near = difflib.get_close_matches(str(name), table, n=1)
    hint = f"did you mean {near[0]!r}?" if near else "there are " + ", ".join(table)
    raise InvalidArgumentError(f"no {what} named {name!r}", hint=hint)


def _toml_key(key: Any) -> str:
    if not isinstance(key, str):
        raise InvalidArgumentError(f"a configuration key is a text, not {key!r}")
    return _toml_text(key)


def _toml_text(text: str) -> str:
    import json

    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _toml_value(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if isinstance(value, str):
        return _toml_text(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml_value(key, each) for each in value) + "]"
    if isinstance(value, Mapping):
        fields = (
            f"{_toml_key(k)} = {_toml_value(f'{key}.{k}', each)}"
            for k, each in value.items() if each is not None
        )
        return "{" + ", ".join(fields) + "}"
    raise InvalidArgumentError(
        f"the configuration key {key!r} has a value of type {type(value).__name__}",
        hint="texts, numbers, booleans, and lists and dicts of them are allowed",
    )


def _tls_keys(
    keys: Mapping[str, Any],
    certificate_file: _File,
    key_file: _File,
    ca_file: _File,
    verify: bool,
) -> Dict[str, Any]:
    """The table ``tls`` of a configuration, of the keywords that meshes and peers share; empty without any."""
    given = {"certificate_file": certificate_file, "key_file": key_file, "ca_file": ca_file}
    table: Dict[str, Any] = {key: file for key, file in given.items() if os.fspath(file) != ""}
    if verify is not True:
        table["verify"] = verify
    if table and keys.get("tls") is not None:
        raise InvalidArgumentError(
            f"a peer has tls= or tls_{next(iter(table))}=, not both",
            hint="leave out tls, which is the table of a configuration file",
        )
    return {"tls": table} if table else {}


def _toml(keys: Mapping[str, Any]) -> str:
    """A configuration as TOML: the engine checks keys and values, in one way for files and keywords."""
    lines = [f"{key} = {_toml_value(key, value)}" for key, value in keys.items() if value is not None]
    return "\n".join(lines) + "\n"


class PeerEvents(Polled[Dict[str, Any]]):
    """What happens to the links of a peer and what discovery finds, as dicts: ``for`` and ``async for``.

    Each has ``kind`` ("connected", "disconnected", "reconnecting", "gave_up", "added", "updated",
    "removed") and ``network_id``; of links ``instance_id``, ``endpoint``, and of their end ``status``,
    ``reason`` and ``attempt``; of discovery ``instances``. It ends when the peer has stopped.
    """

    def __init__(self, handle: "_reflow.Peer", kinds: Optional[Iterable[str]], capacity: int) -> None:
        super().__init__()
        self._subscription: Optional[_reflow.PeerSubscription] = None
        self._waker: Optional["Waker"] = None  # of the loop that is told
        self._number = 0
        self._watch: Optional[_reflow.PeerWatch] = None
        if isinstance(kinds, str):
            kinds = (kinds,)
        names = {name: 1 << number for number, name in enumerate(_EVENTS)}
        mask = 0 if kinds is None else sum({_choose(names, k, "kind of event") for k in kinds})
        self._subscription = handle.subscribe(mask, capacity)

    def _poll(self, timeout: Optional[float]) -> Tuple[List[Dict[str, Any]], int, bool]:
        if self._subscription is None:
            return [], 0, True
        return self._subscription.poll(timeout)

    async def _told(self) -> Optional[Tuple[List[Dict[str, Any]], int, bool]]:
        from . import _aio

        here = _aio.waker()
        while self._subscription is not None:
            if self._waker is not here or self._watch is None:
                try:
                    number = here.new_number()
                    self._watch = _reflow.PeerWatch(self._subscription, here.post, number)
                except ClosedError:
                    break
                self._waker, self._number = here, number
            # What comes from now on is told, and what has come is found.
            self._watch.arm()
            result = self._poll(0)
            if any(result):
                return result
            await here.wait(self._number)
        return [], 0, True

    def _close(self) -> None:
        if self._subscription is not None:
            self._subscription.close()
        if self._waker is not None:
            self._waker.post.put(self._number)  # whoever waits looks, and finds the end


@telling
class RemotePeer:
    """What can be done with a peer, whoever made it: :class:`Peer`, or :meth:`PeerMesh.peer`."""

    def __init__(self, handle: "_reflow.Peer") -> None:
        self._handle = handle

    @property
    def port(self) -> int:
        """The port that it listens on; 0 before the start, or without one."""
        return self._handle.port()

    @property
    def status(self) -> Dict[str, Any]:
        """Identity, port, counts of lost messages, outboxes, and ``links``: a list of dicts.

        Each link has ``network_id``, ``instance_id``, ``endpoint``, ``scheme``, ``state`` ("connecting",
        "greeting", "connected"), ``round_trip_ns``, packets and bytes each way.
        """
        status: Dict[str, Any] = self._handle.status()
        return status

    @property
    def networks(self) -> List[Dict[str, Any]]:
        """The networks that it is linked to, or that discovery tells of."""
        networks: List[Dict[str, Any]] = self._handle.networks()
        return networks

    def connect(self, endpoint: str, timeout: Optional[float] = 10.0) -> str:
        """Dials and returns the id of the other network; from then on it is dialled again when it breaks.

        ``endpoint`` is "ws://host:port", "tcp://…", "wss://…", "tls://…" or "host:port"; ``timeout`` in
        seconds, None for ever. Raises RefusedError, UnresolvedError, TimeoutError, AuthError,
        ProtocolError, LimitError.
        """
        return str(self._handle.connect(endpoint, timeout))

    def disconnect(self, network: str) -> None:
        """Closes the links to a network, and dials it no more. Raises NotFoundError."""
        self._handle.disconnect(network)

    def connected(self, network: str) -> bool:
        """Whether there is a link to a network."""
        return self._handle.connected(network)

    def send(
        self,
        network: str,
        target: PortLike,
        value: Any,
        *,
        timeout: Optional[float] = 10.0,
        source: str = "",
        confirmed: bool = False,
    ) -> None:
        """Sends a value to an inport of an actor of another network: ``send("alpha", "recorder.in", 7)``.

        It waits for room up to ``timeout`` seconds, and with ``confirmed`` until the inport has it.
        Raises NotFoundError without a link (or, confirmed, without such an actor), TimeoutError,
        ClosedError, ConversionError.
        """
        actor, port, _ = port_of(target)
        self._handle.send(network, actor, port, value, source, confirmed, timeout)

    def send_many(
        self,
        network: str,
        target: PortLike,
        values: Sequence[Any],
        *,
        timeout: Optional[float] = 10.0,
        source: str = "",
    ) -> int:
        """Sends many values in order, in as few frames as they fit in; returns how many have gone."""
        actor, port, _ = port_of(target)
        return self._handle.send_many(network, actor, port, values, source, timeout)

    def register_remote_actor(
        self,
        actor: str,
        network: str,
        *,
        alias: Optional[str] = None,
        strategy: Optional[str] = None,
        inports: Iterable[str] = (),
        outports: Iterable[str] = (),
        capabilities: Iterable[str] = (),
    ) -> str:
        """Adds a node for an actor of another network to the attached one, and returns its id.

        Without ``alias`` and ``strategy`` it is ``actor@network``. Strategies are "auto_alias",
        "network_prefix", "fully_qualified", "manual_alias" (with ``alias``, which alone means it) and
        "fail". Raises AlreadyExistsError if the name is taken, InvalidStateError without a network.
        """
        if strategy is None:
            strategy = "remote" if alias is None else "manual_alias"
        return str(
            self._handle.register_remote_actor(
                actor, network, _choose(_STRATEGIES, strategy, "strategy"), alias or "",
                list(inports), list(outports), list(capabilities),
            )
        )

    def set_delivery(
        self,
        network: str,
        actor: str,
        *,
        delivery: str = "at_most_once",
        outbox_policy: str = "block",
        lost: Optional[Callable[["LostMessage"], Any]] = None,
        **limits: int,
    ) -> None:
        """Keeps what is sent to an actor in an outbox, and sends it as soon as there is a link.

        "at_least_once" sends again until the other side confirms. ``outbox_policy`` is "block",
        "drop_oldest" or "fail". Limits: outbox_messages, outbox_bytes, deadline_ms, ack_timeout_ms,
        ack_retries, unacknowledged_messages. What is lost is told in the log and counted in the status;
        ``lost`` is called for each such message with a LostMessage (network, actor, port, value, status,
        reason), on a thread of its own, which has at most 10,000 of them waiting.
        """
        known = ("outbox_messages", "outbox_bytes", "deadline_ms", "ack_timeout_ms", "ack_retries",
                 "unacknowledged_messages")
        for key, value in limits.items():
            _choose({name: 0 for name in known}, key, "limit")
            if not isinstance(value, int) or value < 0:
                raise InvalidArgumentError(f"{key} is a whole number from 0, not {value!r}")
        options = dict(limits)
        options["delivery"] = _choose(_DELIVERIES, delivery, "delivery")
        options["outbox_policy"] = _choose(_POLICIES, outbox_policy, "policy")
        losses = _reflow.peer_set_delivery(self._handle, network, actor, options, lost is not None)
        if lost is not None and losses is not None:
            from ._http import tell_losses

            tell_losses(losses, network, actor, lost)

    def actors(self, network: str, timeout: Optional[float] = 10.0) -> List[Dict[str, Any]]:
        """Asks a network which actors it has: dicts of ``actor_id``, ``capabilities``, ``description``."""
        actors: List[Dict[str, Any]] = self._handle.actors(network, timeout)
        return actors

    def ping(self, network: str, timeout: Optional[float] = 10.0) -> float:
        """How many seconds a question to a network and its answer take."""
        return self._handle.ping(network, timeout)

    def discover(self, timeout: Optional[float] = 10.0) -> List[Dict[str, Any]]:
        """Asks the discovery servers now, and returns what :attr:`networks` has then."""
        self._handle.discover(timeout)
        return self.networks

    def events(
        self, kinds: Optional[Iterable[str]] = None, *, capacity: int = 1024
    ) -> PeerEvents:
        """Subscribes to what happens to links and what discovery finds."""
        return PeerEvents(self._handle, kinds, capacity)

    def __repr__(self) -> str:
        try:
            status = self.status
        except Exception:
            return f"<reflow.{type(self).__name__}: closed>"
        return (
            f"<reflow.{type(self).__name__} {status['network_id']!r} on port {status['port']}: "
            f"{len(status['links'])} links>"
        )


@telling
class Peer(RemotePeer, Closing):
    """Joins a network of this process to networks in others.

    It listens on one port (``/health``, ``/status`` and ``/metrics`` answer there, too) and dials others;
    whoever dials, both sides send. Keywords are the keys of the configuration file
    (docs/peers.md), such as ``auth_token``, ``discovery_endpoints``, ``allowed_networks``::

        with reflow.Network() as net:
            net.add("recorder", "Log")
            with reflow.Peer("alpha", network=net, bind_address="127.0.0.1", bind_port=9100) as peer:
                peer.connect("127.0.0.1:9101")
                peer.send("beta", "recorder.in", "hello")

    ``bind_port`` 0 is a free port, which :attr:`port` tells; ``listen=False`` only dials. ``with`` starts
    it and closes it; without ``with`` call :meth:`start` and :meth:`close`.
    """

    def __init__(
        self,
        network_id: Optional[str] = None,
        *,
        network: Optional["Network"] = None,
        config: Union[str, "os.PathLike[str]", None] = None,
        listen: bool = True,
        tell_messages: bool = False,
        tls_certificate_file: _File = "",
        tls_key_file: _File = "",
        tls_ca_file: _File = "",
        tls_verify: bool = True,
        **keys: Any,
    ) -> None:
        """``config`` is the name of a TOML file instead of ``network_id`` and keywords.

        ``network`` is the one whose actors others reach. With a certificate and its key, files in PEM, the
        port speaks TLS as well; ``tls_ca_file`` is what the certificates of those that are dialled are
        checked against, instead of the system's. Tables of the file are dicts, and lists of them:
        ``connect=[{"endpoint": "tls://…"}]``. Raises ParseError, ConfigError and LimitError with the place
        in the configuration, IOError for a certificate or key that cannot be used.
        """
        keys.update(_tls_keys(keys, tls_certificate_file, tls_key_file, tls_ca_file, tls_verify))
        if config is not None:
            if network_id is not None or keys:
                raise InvalidArgumentError(
                    "a peer has a file or keywords, not both", hint="leave out config or the others"
                )
            name = os.fspath(config)
            with open(name, encoding="utf-8") as file:
                text = file.read()
        else:
            if network_id is None:
                raise InvalidArgumentError("a peer needs a network_id", hint="or config=FILE")
            keys = {"network_id": network_id, "bind_port": 0, **keys}
            name, text = "keywords", _toml(keys)
        flags = (0 if listen else _NO_PORT) | (_TELL_MESSAGES if tell_messages else 0)
        self._runtime = _runtime_of(network)
        super().__init__(_reflow.Peer.create(self._runtime, text, name, flags))
        self._network = network
        self._started = False
        if network is not None:
            self._handle.attach(network)

    def open_stream(
        self,
        *,
        content_type: str = "",
        size_hint: Optional[int] = None,
        metadata: Any = None,
        max_frames: int = 0,
        max_bytes: int = 0,
    ) -> "Stream":
        """Makes a stream to write to, for :meth:`send`: see ``Network.open_stream``.

        A frame has at most 47 MiB there, the metadata 64 KiB; a link that breaks fails it on both sides.
        """
        return self._runtime.open_stream(
            content_type=content_type, size_hint=size_hint, metadata=metadata,
            max_frames=max_frames, max_bytes=max_bytes,
        )

    def on_http(
        self,
        handler: Callable[["HttpRequest"], Any],
        *,
        threads: int = 1,
        timeout: float = 30.0,
        max_body_bytes: int = 1 << 20,
        max_waiting: int = 64,
    ) -> Callable[["HttpRequest"], Any]:
        """Sets who answers requests on the port of the peer, but for /health, /status and /metrics.

        ::

            @peer.on_http
            def answer(request):                 # method, path, query, content_type, authorization, body
                return {"path": request.path}    # or bytes, str, None, (status, body), (.., content type)

        Functions are called on ``threads`` threads; a coroutine function runs on the event loop that runs
        here, or on one of its own. A handler that raises gives 500 and a log line, one that takes longer
        than ``timeout`` seconds 504; a larger body gives 413, more than ``max_waiting`` requests 503.
        Raises InvalidStateError after the start, AlreadyExistsError the second time. Returns the handler.
        """
        import inspect

        from ._http import serve_requests

        if not callable(handler):
            raise InvalidArgumentError(f"a handler is a function, not {handler!r}")
        if threads < 1:
            raise InvalidArgumentError(f"a handler has at least one thread, not {threads}")
        loop = None
        if inspect.iscoroutinefunction(handler):
            from . import _aio

            loop = _aio.running_loop() or _aio.own_loop()
        requests = _reflow.peer_on_http(
            self._handle, max(1, int(timeout * 1000)), max_body_bytes, max_waiting
        )
        serve_requests(requests, handler, 1 if loop is not None else threads, loop)
        return handler

    def start(self, *, connect: bool = True, timeout: Optional[float] = 10.0) -> "Peer":
        """Listens, and dials the endpoints of a file's ``[[connect]]`` unless ``connect`` is False.

        Raises IOError with address and reason, InvalidStateError for a second start, and what
        :meth:`connect` raises.
        """
        self._handle.start()
        self._started = True
        if connect:
            for endpoint in self.status.get("connect") or []:
                self.connect(endpoint, timeout)
        return self

    def stop(self, timeout: Optional[float] = 5.0) -> None:
        """Listens no more and closes all links in order; cuts those that are there after the timeout."""
        self._handle.stop(timeout)

    def close(self) -> None:
        """Ends the peer, within five seconds; the network goes on. Doing it again does nothing."""
        self._handle.close()

    def __enter__(self) -> "Peer":
        if not self._started:
            self.start()
        return self


@telling
class PeerMesh(Closing):
    """A peer for each of many executions, each on a port of its own, counting up from ``base_port``."""

    def __init__(
        self,
        base_port: int,
        *,
        ports: int = 1000,
        network: Optional["Network"] = None,
        bind_address: str = "",
        auth_token: str = "",
        tls_certificate_file: _File = "",
        tls_key_file: _File = "",
        tls_ca_file: _File = "",
        tls_verify: bool = True,
        **limits: int,
    ) -> None:
        """``ports`` are tried from ``base_port`` on, those in use are skipped.

        ``network`` only tells on which runtime the peers are. Limits of each peer: max_connections,
        heartbeat_interval_ms, connect_timeout_ms, handshake_timeout_ms, send_timeout_ms,
        window_packets, reconnect_attempts. With a certificate and its key, files in PEM, their ports
        speak TLS as well; ``tls_ca_file`` is what they check the others' certificates against.
        """
        known = ("max_connections", "heartbeat_interval_ms", "connect_timeout_ms",
                 "handshake_timeout_ms", "send_timeout_ms", "window_packets", "reconnect_attempts")
        for key in limits:
            _choose({name: 0 for name in known}, key, "limit")
        options: Dict[str, Any] = dict(limits)
        options["bind_address"] = bind_address
        options["auth_token"] = auth_token
        options["tls_certificate_file"] = os.fspath(tls_certificate_file)
        options["tls_key_file"] = os.fspath(tls_key_file)
        options["tls_ca_file"] = os.fspath(tls_ca_file)
        options["tls_verify"] = tls_verify
        self._runtime = _runtime_of(network)
        self._handle = _reflow.Mesh.create(self._runtime, base_port, ports, options)

    def assign(self, execution: str, network: Optional["Network"] = None) -> int:
        """Makes and starts the peer of an execution; returns its port. Raises AlreadyExistsError."""
        return self._handle.assign(execution, network)

    def connect(self, execution: str, endpoint: str, timeout: Optional[float] = 10.0) -> str:
        """Dials for an execution, as :meth:`Peer.connect`; one without a peer is assigned one first."""
        return str(self._handle.connect(execution, endpoint, timeout))

    def peer(self, execution: str) -> RemotePeer:
        """The peer of an execution. Raises NotFoundError, as its methods do after :meth:`teardown`."""
        return RemotePeer(self._handle.peer(execution))

    def teardown(self, execution: str) -> None:
        """Ends the peer of an execution; its port is free again. Raises NotFoundError."""
        self._handle.teardown(execution)

    def __len__(self) -> int:
        """How many executions have a peer."""
        return self._handle.count()

    def __bool__(self) -> bool:
        return True

    def close(self) -> None:
        """Ends all peers. Doing it again does nothing."""
        self._handle.close()



@telling
class DiscoveryServer(Closing):
    """Keeps a table of peers, so that they find each other.

    On a port of its own (:meth:`serve`, or ``with`` and ``address``), or inside an HTTP server of the
    program, which hands requests to :meth:`handle`.
    """

    def __init__(
        self,
        address: Optional[str] = None,
        port: int = 0,
        *,
        token: str = "",
        certificate_file: _File = "",
        key_file: _File = "",
        entry_ttl: float = 0.0,
        prune_interval: float = 0.0,
        max_entries: int = 0,
    ) -> None:
        """With ``address`` it listens there at once; ``port`` 0 is a free one.

        ``entry_ttl`` and ``prune_interval`` are seconds (0: 60 and 15), ``token`` the bearer token that
        all but ``/health`` need. Raises IOError, InvalidArgumentError.
        """
        self._runtime = _runtime_of(None)
        self._handle = _reflow.Discovery.create(
            self._runtime, int(entry_ttl * 1000), int(prune_interval * 1000), max_entries, token,
            os.fspath(certificate_file), os.fspath(key_file),
        )
        if address is not None:
            self.serve(address, port)

    def serve(self, address: str = "127.0.0.1", port: int = 0) -> int:
        """Listens; returns the port. Raises IOError with address and reason."""
        self._handle.serve(address, port)
        return self.port

    @property
    def port(self) -> int:
        """The port that it listens on; 0 while it does not."""
        return self._handle.port()

    def handle(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        query: str = "",
        content_type: str = "application/json",
        authorization: str = "",
    ) -> Tuple[int, str, bytes]:
        """What to answer to a request: status, content type and body."""
        return self._handle.handle(method, path, query, content_type, authorization, bytes(body))

    def stop(self) -> None:
        """Listens no more; the table stays."""
        self._handle.stop()

    def close(self) -> None:
        """Ends the server. Doing it again does nothing."""
        self._handle.close()
