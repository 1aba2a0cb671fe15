"""What the tests of peers share: `reflow peer run` as a process, and clients that are bytes on a socket.

Neighbours: tests/cli/support.py (how the program is started and waited for). The clients know RFC 6455
from the text alone and nothing of the library, so that both can be wrong only in different ways.
"""

import base64
import hashlib
import hmac
import json
import os
import re
import signal
import socket
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cli"))

import support  # noqa: E402
from support import started, wait_for  # noqa: E402

LINE = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (ERROR|WARN |INFO |DEBUG|TRACE) (.*)$")
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CLIENTS = []  # sockets of the test that runs
MORE, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


def toml(network, extra="", port=0, instance=None, heartbeat_ms=60_000):
    """A configuration whose heartbeats disturb no test unless that asks for them."""
    return (f'network_id = "{network}"\ninstance_id = "{instance or network + "-1"}"\n'
            f'bind_address = "127.0.0.1"\nbind_port = {port}\n'
            f'heartbeat_interval_ms = {heartbeat_ms}\n' + extra)


class Running:
    """A peer that runs, whose log goes to a file which the test reads."""

    def __init__(self, case, name, text, *arguments):
        self.path = case.path(name + ".log")
        config = case.write(name + ".toml", text)
        self.file = open(self.path, "wb")
        case.addCleanup(self.file.close)
        context = started("peer", "run", "--config", config, *arguments, stderr=self.file)
        self.process = context.__enter__()
        case.addCleanup(context.__exit__, None, None, None)

    def lines(self):
        with open(self.path, encoding="utf-8") as file:
            found = [LINE.match(line) for line in file.read().splitlines()]
        return [line.groups() for line in found if line]

    def said(self, pattern, level="INFO "):
        def look():
            for of, text in self.lines():
                found = re.search(pattern, text)
                if found and of == level:
                    return found
            if self.process.poll() is not None:
                raise AssertionError(f"the peer has ended: {self.lines()}")
            return None
        return wait_for(look, f"{level} {pattern} in {self.path}")

    def port(self):
        port = self.said(r"bind=127\.0\.0\.1:(\d+)").group(1)
        self.said("peer ready")
        return int(port)

    def end(self, number=signal.SIGINT):
        # Who does not answer a goodbye is waited for: the clients here go first.
        for client in CLIENTS:
            client.close()
        CLIENTS.clear()
        self.process.send_signal(number)
        return self.process.wait(support.DEADLINE)

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def memory_kib(self, of="VmRSS"):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return int(re.search(rf"^{of}:\s+(\d+) kB", file.read(), re.M).group(1))


class Gone(Exception):
    """The other side ended the connection, with (code, reason) of its close frame or None."""

    def __init__(self, close):
        super().__init__(close)
        self.close = close

    @property
    def code(self):
        return None if self.close is None else self.close[0]


def frame(kind, data=b"", last=True, reserved=0, mask=None, masked=True, length=None):
    """A frame of a client. mask: four bytes; length: what the head claims, and in how many bytes."""
    head = struct.pack("!B", (0x80 if last else 0) | reserved << 4 | kind)
    claimed, wide = length if length else (len(data), None)
    if wide is None:
        wide = 1 if claimed < 126 else 2 if claimed < 65536 else 8
    bit = 0x80 if masked else 0
    head += (struct.pack("!B", bit | claimed) if wide == 1 else
             struct.pack("!BH", bit | 126, claimed) if wide == 2 else
             struct.pack("!BQ", bit | 127, claimed))
    if not masked:
        return head + data
    mask = os.urandom(4) if mask is None else mask
    key = int.from_bytes(mask * (len(data) // 4 + 1), "big") >> 8 * (4 - len(data) % 4)
    body = (int.from_bytes(data, "big") ^ key).to_bytes(len(data), "big") if data else b""
    return head + mask + body


class Client:
    """A socket that speaks WebSocket as the test wants it."""

    def __init__(self, case, port, upgrades=True):
        self.socket = socket.create_connection(("127.0.0.1", port), support.DEADLINE)
        case.addCleanup(self.socket.close)
        CLIENTS.append(self.socket)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.port = port
        if upgrades:
            self.upgrade()

    def upgrade(self, more=b"", pieces=None):
        key = base64.b64encode(os.urandom(16)).decode()
        self.write((f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nUpgrade: websocket\r\n"
                    f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
                    "Sec-WebSocket-Version: 13\r\n\r\n").encode() + more, pieces)
        head = self.head()
        accept = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest())
        assert head.startswith(b"HTTP/1.1 101") and accept in head, head
        return head

    def write(self, data, pieces=None):
        """pieces: so many bytes in each call of the system."""
        if pieces is None:
            self.socket.sendall(data)
            return
        for at in range(0, len(data), pieces):
            self.socket.sendall(data[at:at + pieces])

    def send(self, kind, data=b"", pieces=None, **how):
        self.write(frame(kind, data, **how), pieces)

    def say(self, value, pieces=None):
        self.send(TEXT, json.dumps(value).encode(), pieces)

    def more(self):
        try:
            some = self.socket.recv(1 << 20)
        except ConnectionError:
            some = b""
        self.buffer += some
        return bool(some)

    def take(self, count):
        while len(self.buffer) < count:
            if not self.more():
                raise Gone(None)
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def head(self):
        """The head of an HTTP answer."""
        while b"\r\n\r\n" not in self.buffer:
            if not self.more():
                return self.buffer
        end = self.buffer.index(b"\r\n\r\n") + 4
        return self.take(end)

    def everything(self):
        while self.more():
            pass
        return self.buffer

    def receive(self):
        """The next frame as (kind, data); Gone after a close frame or the end."""
        first, size = self.take(2)
        assert first & 0x70 == 0 and size & 0x80 == 0, (first, size)
        assert first & 0x80, "our frames are whole"
        if size == 126:
            size, = struct.unpack("!H", self.take(2))
            assert size >= 126
        elif size == 127:
            size, = struct.unpack("!Q", self.take(8))
            assert size >= 65536
        data = self.take(size)
        kind = first & 0x0f
        if kind == CLOSE:
            assert len(data) != 1
            raise Gone((struct.unpack("!H", data[:2])[0], data[2:].decode()) if data else
                       (None, ""))
        assert kind in (TEXT, BINARY, PING, PONG), kind
        if kind == TEXT:
            data.decode()
        return kind, data

    def close_told(self):
        """What the other side ends with, whatever it says before."""
        while True:
            try:
                self.receive()
            except Gone as gone:
                return gone


def hello(network="studio", token=None, instance=None):
    return {"network_id": network, "instance_id": instance or network + "-1",
            "protocol_version": "1.0", "auth_token": token, "capabilities": ["actor_messaging"]}


class Friend(Client):
    """A peer of the published original, greeted; what it asks is answered with the same id, so that
    messages can be sent there and back in any form of frames."""

    def __init__(self, case, port, network="studio", token=None, instance=None):
        super().__init__(case, port)
        self.network = network
        self.say(hello(network, token, instance))
        self.welcome = json.loads(self.receive()[1])
        assert self.welcome["success"], self.welcome

    def question(self, name, size=None):
        """A question as JSON, made as long as size by a key that nobody reads."""
        value = {"request_id": name, "requesting_network": self.network}
        text = json.dumps(value, ensure_ascii=False).encode()
        if size is None or size == len(text):
            return text
        value["pad"] = "x" * (size - len(text) - len(', "pad": ""'))
        text = json.dumps(value, ensure_ascii=False).encode()
        assert len(text) == size, (len(text), size)
        return text

    def hear(self, name):
        """The answer to a question; what else comes is returned too."""
        others = []
        while True:
            kind, data = self.receive()
            if kind == TEXT:
                value = json.loads(data)
                if value.get("request_id") == name:
                    return others
            others.append((kind, data))

    def ask(self, name="alive"):
        self.send(TEXT, self.question(name))
        return self.hear(name)


# ---- a peer of ours, from docs/internals/peer.md and the RFCs alone

def make_proof(token, role, hello_said, welcome):
    parts = ["reflow peer proof 1", role, hello_said["network_id"], hello_said["instance_id"],
             welcome["network_id"], welcome["instance_id"], hello_said["nonce"], welcome["nonce"]]
    text = "".join(f"{len(part.encode())}:{part}" for part in parts)
    return hmac.new(token.encode(), text.encode(), hashlib.sha256).hexdigest()


def pack(value):
    """MessagePack of what records are made of."""
    if isinstance(value, bytes):
        return value  # is packed already
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return struct.pack("!B", value) if value < 128 else struct.pack("!BQ", 0xcf, value)
    if isinstance(value, str):
        data = value.encode()
        return struct.pack("!BI", 0xdb, len(data)) + data
    return struct.pack("!BI", 0xdd, len(value)) + b"".join(pack(one) for one in value)


OPEN, DATA, CREDIT, REPORT, TELL, ANSWER, ASK = 1, 2, 3, 4, 5, 6, 10


class Ours(Client):
    """A peer that speaks the batches of ours; it gives its proof if that is asked for."""

    def __init__(self, case, port, network="studio", token=None, instance=None, proof=None, nonce=None,
                 more=()):
        super().__init__(case, port)
        self.hello = dict(hello(network, None, instance),
                          capabilities=["actor_messaging", "reflow_batches_1", *more],
                          nonce=nonce or os.urandom(32).hex(), heartbeat_interval_ms=60_000)
        self.say(self.hello)
        self.welcome = json.loads(self.receive()[1])
        self.verdict = self.welcome
        if self.welcome.get("wants_proof"):
            self.proof = proof or make_proof(token or "", "dialler", self.hello, self.welcome)
            self.say({"proof": self.proof})
            self.verdict = json.loads(self.receive()[1])

    def batch(self, *records):
        self.send(BINARY, pack(list(records)))

    def alive(self):
        """Whether it is served: a number comes back."""
        self.batch([TELL, 77])
        while True:
            kind, data = self.receive()
            if kind == BINARY and data.endswith(bytes([0x92, ANSWER, 77])):
                return True
