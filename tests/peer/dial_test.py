"""What is dialled and is no peer: why there is no link is told as it is, whoever keeps the socket open.

The servers are written here from RFC 6455 alone.
"""

import base64
import hashlib
import re
import socket
import struct
import threading
import unittest

import rig
import support
from rig import TEXT, frame

# What a server says behind the upgrade, and what is told of it.
WRONG = {
    "masks": (frame(TEXT, b"{}"), "a frame of a server with a mask"),
    "claims": (struct.pack("!BBQ", 0x81, 127, 1 << 62), "a frame is larger than it may be"),
    "refuses": (frame(TEXT, b'{"success": false, "network_id": "z", "instance_id": "z-1", '
                      b'"error": "not today"}', masked=False), "handshake refused: not today"),
    "greets wrongly": (frame(TEXT, b"hello there", masked=False), "malformed handshake response"),
}


class Server:
    """Upgrades, says something, and then keeps the socket without a word."""

    def __init__(self, case, words):
        self.words = words
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.kept = []
        case.addCleanup(self.end)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                guest, _ = self.listener.accept()
            except OSError:
                return
            self.kept.append(guest)
            head = b""
            while b"\r\n\r\n" not in head:
                some = guest.recv(4096)
                if not some:
                    return
                head += some
            key = re.search(rb"Sec-WebSocket-Key: (\S+)", head).group(1)
            accept = base64.b64encode(
                hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
            guest.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                          b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n" +
                          self.words)

    def end(self):
        self.listener.close()
        for guest in self.kept:
            guest.close()


class Dial(support.Case):
    def test_the_reason_is_told(self):
        """Also where the time of the handshake is over before the other side has answered a goodbye."""
        servers = {name: Server(self, words) for name, (words, _) in WRONG.items()}
        ends = "".join(f'[[connect]]\nendpoint = "ws://127.0.0.1:{one.port}"\n'
                       for one in servers.values())
        alpha = rig.Running(self, "alpha", rig.toml("alpha", "handshake_timeout_ms = 1000\n" + ends))
        for name, server in servers.items():
            with self.subTest(name):
                alpha.said(f"could not connect to peer at ws://127.0.0.1:{server.port}: .*{WRONG[name][1]}",
                           "WARN ")
        self.assertEqual(alpha.end(), 0)

    def test_who_says_nothing(self):
        silent = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(silent.close)
        port = silent.getsockname()[1]
        for form in ("ws", "tcp"):
            with self.subTest(form):
                alpha = rig.Running(self, form, rig.toml(
                    "alpha", "handshake_timeout_ms = 100\n"
                    f'[[connect]]\nendpoint = "{form}://127.0.0.1:{port}"\n'))
                alpha.said(f"could not connect to peer at {form}://127.0.0.1:{port}: "
                           f"{form}://127.0.0.1:{port}: connected, but no handshake within 100 ms", "WARN ")
                self.assertEqual(alpha.end(), 0)


if __name__ == "__main__":
    unittest.main()
