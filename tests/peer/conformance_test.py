"""WebSocket at the port of a peer against RFC 6455, case by case in the order of the Autobahn test suite:
framing, pings, reserved bits, kinds, fragments, UTF-8, closing, sizes, and the upgrade.

The client is written from the RFC and shares nothing with the library. A question for actors in JSON is the
echo: it comes back with its id, whatever frames it came in. Where python3-websockets is installed, that
client talks to the peer as well.
"""

import asyncio
import json
import struct
import unittest

import rig
from rig import BINARY, CLOSE, MORE, PING, PONG, TEXT, Client, Friend, Gone, frame, hello
import support

MIB = 1 << 20


class Conformance(support.Case):
    def setUp(self):
        super().setUp()
        self.peer = rig.Running(self, "kiln", rig.toml("kiln", "max_connections = 200\n"))
        self.port = self.peer.port()
        self.before = self.peer.descriptors()
        self.count = 0

    def tearDown(self):
        """Whatever was said before, the peer serves, and has let go of all the others."""
        self.friend().ask()
        self.doCleanups_of_clients()
        support.wait_for(lambda: self.peer.descriptors() <= self.before, "descriptors are free")
        self.assertEqual(self.peer.end(), 0)
        super().tearDown()

    def doCleanups_of_clients(self):
        for client in getattr(self, "clients", []):
            client.socket.close()

    def friend(self):
        self.count += 1
        made = Friend(self, self.port, f"studio-{self.count}")
        self.clients = getattr(self, "clients", []) + [made]
        return made

    def client(self, upgrades=True):
        made = Client(self, self.port, upgrades)
        self.clients = getattr(self, "clients", []) + [made]
        return made

    def ends(self, code, *frames):
        """A friend that sends these is told the code, and not served after that."""
        friend = self.friend()
        friend.write(b"".join(frames) + frame(TEXT, friend.question("after")))
        gone = friend.close_told()
        self.assertIn(gone.code, code if isinstance(code, tuple) else (code,), gone.close)
        return gone

    # ---- framing

    def test_sizes(self):
        for size in (100, 125, 126, 127, 128, 65535, 65536, 65537, MIB, 16 * MIB):
            friend = self.friend()
            friend.send(TEXT, friend.question("sized", size))
            self.assertEqual(friend.hear("sized"), [])
            # Old peers say nothing in binary: it is read and passed over.
            friend.send(BINARY, b"\xfe" * size)
            friend.ask()

    def test_nothing_in_it(self):
        friend = self.friend()
        for kind in (TEXT, BINARY):
            friend.send(kind)
            friend.send(kind, last=False)
            friend.send(MORE)
        friend.ask()

    def test_in_pieces(self):
        for pieces in (1, 2, 997):
            friend = self.friend()
            friend.send(TEXT, friend.question("sized", 3000), pieces)
            friend.hear("sized")
            friend.send(TEXT, friend.question("large", 70000), max(pieces, 61))
            friend.hear("large")

    def test_masks(self):
        friend = self.friend()
        for mask in (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\0\0\0\1", b"abcd"):
            for size in range(90, 140):
                friend.send(TEXT, friend.question("masked", size), mask=mask)
                friend.hear("masked")
        self.ends(1002, frame(TEXT, b"{}", masked=False))
        self.ends(1002, frame(PING, b"", masked=False))

    def test_lengths_that_are_claimed(self):
        self.ends((1002, 1009), frame(BINARY, length=((1 << 63) + 5, 8)))
        self.ends(1009, frame(BINARY, length=((1 << 63) - 1, 8)))
        self.ends(1009, frame(BINARY, length=(64 * MIB + 1, 8)))
        # In more bytes than needed (RFC 6455, 5.2), whatever comes with them.
        for size, wide in ((0, 2), (5, 2), (125, 2), (0, 8), (125, 8), (126, 8), (65535, 8)):
            self.ends(1002, frame(TEXT, b"x" * size, length=(size, wide)))

    def test_more_than_a_message_may_have(self):
        friend = self.friend()
        for i in range(65):
            friend.send(MORE if i else BINARY, b"\0" * MIB, last=False, mask=b"abcd")
        self.assertEqual(friend.close_told().code, 1009)

    # ---- pings

    def test_pings(self):
        friend = self.friend()
        for data in (b"", b"x", "\u00e9\u20ac".encode(), bytes(range(125)), b"\xff" * 125):
            friend.send(PING, data)
            self.assertEqual(friend.receive(), (PONG, data))
            friend.send(PING, data, pieces=1)
            self.assertEqual(friend.receive(), (PONG, data))
        friend.write(b"".join(frame(PING, str(i).encode()) for i in range(10)))
        self.assertEqual([friend.receive() for _ in range(10)],
                         [(PONG, str(i).encode()) for i in range(10)])
        for data in (b"", b"nobody asked"):
            friend.send(PONG, data)
        self.assertEqual(friend.ask(), [])

    def test_pings_that_are_wrong(self):
        for kind in (PING, PONG):
            self.ends(1002, frame(kind, b"x" * 126))
            self.ends(1002, frame(kind, b"x", last=False))

    # ---- reserved bits and kinds

    def test_reserved_bits(self):
        for bits in range(1, 8):
            for kind in (TEXT, BINARY, PING, PONG, CLOSE):
                self.ends(1002, frame(kind, reserved=bits))

    def test_reserved_kinds(self):
        for kind in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
            friend = self.friend()
            friend.write(frame(TEXT, friend.question("first")) + frame(kind, b"x") +
                         frame(TEXT, friend.question("after")))
            self.assertEqual(friend.hear("first"), [])
            self.assertEqual(friend.close_told().code, 1002)

    # ---- fragments

    def test_fragments(self):
        friend = self.friend()
        text = friend.question("parts")
        for cut in range(len(text) + 1):
            friend.send(TEXT, text[:cut], last=False)
            friend.send(MORE, text[cut:])
            self.assertEqual(friend.hear("parts"), [])
        for i, byte in enumerate(text):
            friend.send(MORE if i else TEXT, bytes([byte]), last=i + 1 == len(text))
        self.assertEqual(friend.hear("parts"), [])
        for i, byte in enumerate(text):
            friend.send(MORE if i else TEXT, bytes([byte]), last=False)
            friend.send(MORE, b"", last=False)
        friend.send(MORE, b"")
        self.assertEqual(friend.hear("parts"), [])

    def test_control_between_fragments(self):
        friend = self.friend()
        text = friend.question("parts")
        friend.send(TEXT, text[:5], last=False)
        friend.send(PING, b"now")
        self.assertEqual(friend.receive(), (PONG, b"now"))
        friend.send(PONG, b"unasked")
        friend.send(MORE, text[5:9], last=False, pieces=1)
        friend.send(PING, b"again", pieces=1)
        friend.send(MORE, text[9:])
        self.assertEqual(friend.hear("parts"), [(PONG, b"again")])
        friend.send(TEXT, text[:5], last=False)
        friend.send(CLOSE, struct.pack("!H", 1000))
        self.assertEqual(friend.close_told().code, 1000)

    def test_fragments_in_disorder(self):
        self.ends(1002, frame(MORE, b"x"))
        self.ends(1002, frame(MORE, b"x", last=False))
        self.ends(1002, frame(TEXT, b"{", last=False), frame(TEXT, b"}"))
        self.ends(1002, frame(TEXT, b"{", last=False), frame(BINARY, b"}", last=False))
        self.ends(1002, frame(TEXT, b"{}", last=False), frame(MORE), frame(MORE))

    # ---- UTF-8

    def test_letters(self):
        name = "\u03ba\u1f79\u03c3\u03bc\u03b5 \U0010ffff\ud7ff\ue000\u0080\u0800"
        friend = self.friend()
        text = friend.question(name)
        for cut in range(len(text) + 1):
            friend.send(TEXT, text[:cut], last=False)
            friend.send(MORE, text[cut:])
            self.assertEqual(friend.hear(name), [])
        for i in range(len(text)):
            friend.send(MORE if i else TEXT, text[i:i + 1], last=i + 1 == len(text))
        self.assertEqual(friend.hear(name), [])

    def test_what_is_no_utf8(self):
        for wrong in (b"\x80", b"\xbf", b"\xc0\xaf", b"\xc1\xbf", b"\xc3", b"\xc3(", b"\xe0\x80\xaf",
                      b"\xe0\x9f\xbf", b"\xe2\x82", b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xf0\x80\x80\xaf",
                      b"\xf0\x8f\xbf\xbf", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\xf8\x88\x80\x80\x80",
                      b"\xfe", b"\xff", b"\xf0\x9f\x98"):
            text = b'{"request_id":"' + wrong + b'","requesting_network":"x"}'
            self.ends(1007, frame(TEXT, text))
            for cut in range(15, 15 + len(wrong) + 1):
                self.ends(1007, frame(TEXT, text[:cut], last=False), frame(MORE, text[cut:]))
        # Bytes are no letters.
        friend = self.friend()
        friend.send(BINARY, b"\xff\xfe")
        friend.ask()

    # ---- closing

    def closes(self, body):
        friend = self.friend()
        # What comes behind a close frame is not heard.
        friend.write(frame(CLOSE, body) + frame(PING, b"late") + frame(TEXT, friend.question("late")))
        try:
            heard = friend.receive()
        except Gone as gone:
            self.assertEqual(friend.everything(), b"")
            return gone
        self.fail(f"after a close frame came {heard}")

    def test_closing(self):
        self.assertEqual(self.closes(b"").close, (None, ""))
        for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999):
            for reason in ("", "\u20ac is here", "x" * 123):
                self.assertEqual(self.closes(struct.pack("!H", code) + reason.encode()).code, code)

    def test_closing_that_is_wrong(self):
        self.assertEqual(self.closes(b"\x03").code, 1002)
        for code in (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535):
            self.assertEqual(self.closes(struct.pack("!H", code)).code, 1002, code)
        self.assertIn(self.closes(struct.pack("!H", 1000) + b"\xff\xfe").code, (1002, 1007))
        self.assertEqual(self.closes(struct.pack("!H", 1000) + b"x" * 124).code, 1002)

    # ---- the upgrade

    def upgrade(self, replaced=(), line="GET / HTTP/1.1", more=(), pieces=None):
        """The answer to a request for an upgrade, of which some lines are others."""
        lines = {"Host": f"127.0.0.1:{self.port}", "Upgrade": "websocket", "Connection": "Upgrade",
                 "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "13"}
        lines.update(replaced)
        text = "\r\n".join([line] + [f"{name}: {value}" for name, value in lines.items()
                                     if value is not None] + list(more)) + "\r\n\r\n"
        client = self.client(False)
        client.write(text.encode("latin-1"), pieces)
        return client, client.head().decode("latin-1")

    def status(self, *arguments, **more):
        return self.upgrade(*arguments, **more)[1].split(" ")[1]

    def test_upgrade(self):
        client, head = self.upgrade()
        self.assertTrue(head.startswith("HTTP/1.1 101 "), head)
        self.assertIn("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", head)  # of the RFC
        client.say(hello())
        self.assertTrue(json.loads(client.receive()[1])["success"])
        self.assertEqual(self.status({"Upgrade": "WebSocket", "Connection": "keep-alive, UPGRADE"}),
                         "101")
        self.assertEqual(self.status(line="GET /any/path?x=1 HTTP/1.1"), "101")
        self.assertEqual(self.status(pieces=1), "101")
        _, head = self.upgrade(more=["Sec-WebSocket-Protocol: chat, superchat",
                                     "Sec-WebSocket-Extensions: permessage-deflate"])
        self.assertTrue(head.startswith("HTTP/1.1 101 "), head)
        self.assertNotIn("permessage", head)
        self.assertNotIn("Sec-WebSocket-Protocol", head)

    def test_frames_behind_the_upgrade(self):
        for pieces in (None, 7):
            client = self.client(False)
            client.upgrade(frame(TEXT, json.dumps(hello(f"early-{pieces}")).encode()), pieces)
            self.assertTrue(json.loads(client.receive()[1])["success"])

    def test_upgrade_that_is_wrong(self):
        for version in ("12", "8", "0", "x", None):
            _, head = self.upgrade({"Sec-WebSocket-Version": version})
            self.assertTrue(head.startswith("HTTP/1.1 426 "), head)
            self.assertIn("Sec-WebSocket-Version: 13\r\n", head)
        for key in (None, "", "short", "x" * 25, "not base64 at all!!!!!!!"):
            self.assertEqual(self.status({"Sec-WebSocket-Key": key}), "400", key)
        self.assertEqual(self.status({"Connection": "close"}), "400")
        self.assertEqual(self.status({"Connection": None}), "400")
        self.assertEqual(self.status({"Host": None}), "400")
        self.assertEqual(self.status(line="GET / HTTP/1.0"), "400")
        self.assertEqual(self.status(line="GET / HTTP/2.0"), "400")
        self.assertIn(self.status(line="POST / HTTP/1.1"), ("400", "405"))
        self.assertEqual(self.status(more=["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]), "400")
        self.assertEqual(self.status(more=[" folded"]), "400")
        self.assertEqual(self.status(more=["No-Colon"]), "400")
        self.assertEqual(self.status(more=["Spaced : x"]), "400")
        self.assertEqual(self.status(more=["X: \0"]), "400")
        self.assertEqual(self.status(more=["X: " + "x" * 17000]), "431")
        self.assertEqual(self.status(more=[f"X-{i}: x" for i in range(120)]), "431")

    # ---- a client that was not written here

    def test_websockets_of_python(self):
        try:
            import websockets
        except ImportError:
            self.skipTest("python3-websockets is not installed")

        async def talk():
            async with websockets.connect(f"ws://127.0.0.1:{self.port}", max_size=None) as there:
                await there.send(json.dumps(hello("websockets")))
                self.assertTrue(json.loads(await there.recv())["success"])
                question = {"request_id": "q", "requesting_network": "websockets"}
                for size in (0, 1000, 70_000, 4 * MIB):
                    await there.send(json.dumps({**question, "pad": "x" * size}))
                    self.assertEqual(json.loads(await there.recv())["request_id"], "q")

                async def parts():
                    text = json.dumps(question)
                    for at in range(0, len(text), 3):
                        yield text[at:at + 3]
                await there.send(parts())
                self.assertEqual(json.loads(await there.recv())["request_id"], "q")
                await asyncio.wait_for(await there.ping(b"x" * 125), support.DEADLINE)
            self.assertEqual(there.close_code, 1000)
        asyncio.run(talk())


if __name__ == "__main__":
    unittest.main()
