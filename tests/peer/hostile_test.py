"""Hostile clients at the port of a peer: what they say is refused with a reason, others are served
meanwhile, and neither memory nor descriptors are left behind."""

import json
import os
import random
import socket
import unittest

import rig
from rig import ASK, BINARY, DATA, OPEN, TEXT, Client, Friend, Gone, Ours, frame, hello
from rig import make_proof, pack
import support

MIB = 1 << 20
TOKEN = 'auth_token = "correct-horse"\n'


def bomb(begin, pieces, said=0):
    """A packed frame: a mark, and one zstd frame (RFC 8878) whose blocks say a byte once and how often, or
    what is in them. said: the size it tells; 0: that which is right, None: none."""
    blocks, size = [], 0
    for piece in [begin, *pieces]:
        if isinstance(piece, tuple):
            count, value = piece
            size += count
            while count:
                part = min(count, 128 << 10)
                blocks.append((part << 3 | 1 << 1, bytes([value])))
                count -= part
        elif piece:
            size += len(piece)
            blocks.append((len(piece) << 3, piece))
    # A window of 8 MiB and a size of eight bytes, or none.
    head = (b"\x00\x68" if said is None else
            b"\xc0\x68" + (said or size).to_bytes(8, "little"))
    body = b"".join((word | (i + 1 == len(blocks))).to_bytes(3, "little") + data
                    for i, (word, data) in enumerate(blocks))
    return b"\xc1\x28\xb5\x2f\xfd" + head + body


class Hostile(support.Case):
    def peer(self, extra="", **more):
        self.alpha = rig.Running(self, "alpha", rig.toml("alpha", extra, **more))
        self.port = self.alpha.port()
        return self.alpha

    def plain(self, *pieces):
        """A socket that has said these."""
        made = socket.create_connection(("127.0.0.1", self.port), support.DEADLINE)
        self.addCleanup(made.close)
        for piece in pieces:
            try:
                made.sendall(piece)
            except OSError:
                break
        return made

    def serves(self, token=None):
        """A friend is let in and served now."""
        self.friends = getattr(self, "friends", 0) + 1
        friend = Friend(self, self.port, f"friend-{self.friends}", token)
        friend.ask()
        friend.socket.close()

    # ---- before anybody is known

    def test_many_that_say_nothing_or_half(self):
        """More of them than there may be connections; who comes last is served all the same."""
        alpha = self.peer("max_connections = 8\nhandshake_timeout_ms = 60000\n")
        before = alpha.descriptors()
        halves = [b"", b"G", b"GET / HTTP/1.1\r\nHost: x\r\n", b"RFW", b"RFW1", b"RFW1\x05\0\0\0",
                  b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nX: " + b"x" * 9000]
        guests = []
        for i in range(300):
            guests.append(self.plain(halves[i % len(halves)]))
            if i % 60 == 59:
                self.serves()
        idle = []
        for i in range(100):  # these have gone a step further, and then say nothing
            idle.append(Client(self, self.port))
            if i % 25 == 24:
                self.serves()
        for guest in guests:
            guest.close()
        for client in idle:
            client.socket.close()
        support.wait_for(lambda: alpha.descriptors() <= before, "descriptors are free")
        self.assertEqual(alpha.end(), 0)

    def test_the_time_for_a_handshake_begins_with_the_connection(self):
        """The default is five seconds, and heartbeats come less often."""
        self.peer("handshake_timeout_ms = 300\n")
        for piece in b"", b"RFW", b"GET / HTTP/1.1\r\n", b"RFW1", b"RFW1\x05\0\0\0":
            with self.subTest(piece=piece):
                guest = self.plain(piece)
                guest.settimeout(4)
                said = guest.recv(4096)
                while said and b"takes too long" not in said:
                    more = guest.recv(4096)
                    self.assertTrue(more)
                    said += more

    def test_garbage(self):
        alpha = self.peer()
        before = alpha.descriptors()
        seed = random.SystemRandom().randrange(1 << 32)
        chance = random.Random(seed)
        begins = [b"", b"GET ", b"RFW1", b"\x16\x03\x01", b"POST /status HTTP/1.1\r\n",
                  b"GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
                  b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"RFW1\xff\xff\xff\xff\0\0\0\0"]
        with self.subTest(seed=seed):
            for i in range(400):
                words = chance.choice(begins) + chance.randbytes(chance.randrange(3000))
                self.plain(words).close()
                if i % 100 == 99:
                    self.serves()
            support.wait_for(lambda: alpha.descriptors() <= before, "descriptors are free")
            self.assertEqual(alpha.end(), 0)

    def test_large_frames_of_strangers(self):
        """Who has not said who it is cannot make the peer keep more than a greeting."""
        alpha = self.peer("max_connections = 32\n")
        self.serves()
        before = alpha.memory_kib()
        for i in range(20):
            client = Client(self, self.port)
            client.write(frame(TEXT, length=(63 * MIB, 8))[:-4] + b"abcd")
            client.socket.settimeout(10)
            try:
                for _ in range(8):
                    client.socket.sendall(b"x" * MIB)
            except OSError:
                pass
            self.assertIn(client.close_told().code, (1009, None))
        self.grew_less(40 * 1024, alpha.memory_kib("VmHWM") - before)
        self.serves()
        self.assertEqual(alpha.end(), 0)

    def test_hello_that_is_wrong(self):
        alpha = self.peer()
        deep = b'{"network_id":' + b"[" * 30_000 + b"]" * 30_000 + b"}"
        for words in (b"", b"{", b"[]", b"null", deep, b'{"network_id":"' + b"x" * 65_000 + b'"}',
                      b'{"a":1,"a":2}', json.dumps(dict(hello(), nonce="short")).encode(),
                      json.dumps(dict(hello(), protocol_version="9.9")).encode(),
                      json.dumps(dict(hello(), heartbeat_interval_ms=0)).encode(),
                      json.dumps(dict(hello(), network_id="")).encode(),
                      json.dumps(dict(hello(), capabilities=5)).encode()):
            client = Client(self, self.port)
            client.send(TEXT, words)
            gone = client.close_told()
            self.assertNotIn(gone.code, (None, 1000), words[:60])
            self.assertTrue(gone.close[1], words[:60])
        client = Client(self, self.port)
        client.send(BINARY, json.dumps(hello()).encode())
        self.assertEqual(client.close_told().code, 1002)
        self.serves()
        self.assertEqual(alpha.end(), 0)

    # ---- proofs

    def test_proofs(self):
        alpha = self.peer(TOKEN)
        friend = Ours(self, self.port, token="correct-horse")
        self.assertTrue(friend.verdict["success"])
        self.assertEqual(friend.welcome["proof"],
                         make_proof("correct-horse", "acceptor", friend.hello, friend.welcome))
        self.assertTrue(friend.alive())
        forged = [friend.proof,                        # of another link
                  friend.welcome["proof"], "0" * 64,
                  make_proof("", "dialler", friend.hello, friend.welcome)]
        for proof in forged:
            # The same words as those that were let in before, nonce and all.
            thief = Ours(self, self.port, "thief", proof=proof, nonce=friend.hello["nonce"])
            self.assertEqual(thief.verdict, {"success": False, "error": "auth_token mismatch"})
            self.assertEqual(thief.close_told().code, 4001)
        # The acceptor's own proof of this link, handed back to it.
        mirror = Client(self, self.port)
        said = dict(friend.hello, network_id="mirror", nonce=os.urandom(32).hex())
        mirror.say(said)
        welcome = json.loads(mirror.receive()[1])
        mirror.say({"proof": welcome["proof"]})
        self.assertFalse(json.loads(mirror.receive()[1])["success"])
        # A guess and the truth behind it, in one write.
        client = Client(self, self.port)
        said = dict(friend.hello, network_id="guess", nonce=os.urandom(32).hex())
        client.say(said)
        welcome = json.loads(client.receive()[1])
        true = make_proof("correct-horse", "dialler", said, welcome)
        client.write(b"".join(frame(TEXT, json.dumps({"proof": proof}).encode())
                              for proof in ("1" * 64, true)))
        self.assertFalse(json.loads(client.receive()[1])["success"])
        self.assertEqual(client.close_told().code, 4001)
        # One that says it is this peer.
        self_said = dict(friend.hello, network_id="alpha", instance_id="alpha-1")
        client = Client(self, self.port)
        client.say(self_said)
        answer = json.loads(client.receive()[1])
        self.assertFalse(answer["success"])
        self.assertNotIn("proof", answer)
        self.assertTrue(friend.alive())
        told = [text for _, text in alpha.lines() if "Established" in text]
        self.assertEqual(told, ["Established connection with network: studio"])
        self.assertEqual(alpha.end(), 0)

    def test_one_identity_twice(self):
        alpha = self.peer()
        first = Ours(self, self.port)
        self.assertTrue(first.verdict["success"])
        second = Ours(self, self.port)
        self.assertFalse(second.verdict["success"])
        self.assertIn("connected already", second.verdict["error"])
        self.assertRaises(Gone, second.receive)
        other = Ours(self, self.port, instance="studio-2")
        self.assertTrue(other.verdict["success"])
        self.assertTrue(first.alive() and other.alive())
        self.assertEqual(alpha.end(), 0)

    def test_more_than_max_connections(self):
        alpha = self.peer("max_connections = 3\n")
        friends = [Ours(self, self.port, f"n-{i}") for i in range(3)]
        for i in range(20):
            more = Ours(self, self.port, f"more-{i}")
            self.assertIn("too many connections", more.verdict["error"])
            self.assertRaises(Gone, more.receive)
        for friend in friends:
            self.assertTrue(friend.alive())
        friends[0].socket.close()
        support.wait_for(lambda: Ours(self, self.port, "late").verdict["success"], "room again")
        self.assertEqual(alpha.end(), 0)

    # ---- frames of those who are known

    def test_bad_batches(self):
        alpha = self.peer()
        friend = Ours(self, self.port, "friend")
        deep = b"\x91" * 50_000 + b"\x01"
        bad = [b"\xc1", b"\x01", b"", deep, pack([[DATA, 0, 0, [1]]]), pack([[OPEN, 0, "s", "a"]]),
               pack([[OPEN, 0, "s", "a", "p"], [OPEN, 0, "s", "a", "p"]]),
               pack([[OPEN, 0, "s", "recorder", "in"], [DATA, 0, 5, [1]]]),
               pack([[OPEN, 0, "s", "recorder", "in"], [DATA, 0, 0, [1]], [DATA, 0, 0, [1]]]),
               pack([[OPEN, 0, "s", "recorder", "in"], [DATA, 0, 0, [b"\xc0"] * 20_000]]),
               pack([[OPEN, 0, "x" * 5000, "a", "p"]]), pack([[DATA, -1 & (1 << 64) - 1, 0, []]]),
               b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff",
               pack([[OPEN, 0, "s", "recorder", "in"], [DATA, 0, 0, [deep]]])]
        for i, words in enumerate(bad):
            client = Ours(self, self.port, f"bad-{i}")
            client.send(BINARY, words)
            gone = client.close_told()
            self.assertEqual(gone.code, 1002, (i, words[:40]))
            self.assertTrue(gone.close[1], (i, words[:40]))
        # What is not for anybody here is reported, and the link stays.
        friend.batch([OPEN, 0, "s", "nobody", "in"], [DATA, 0, 0, [b"\x01", b"\x02"]])
        self.assertTrue(friend.alive())
        self.assertEqual(alpha.end(), 0)

    def test_compressed_bombs(self):
        """Little that becomes much: it is refused before it has, and memory stays what it was."""
        alpha = self.peer()
        friend = Ours(self, self.port, "friend")
        # Once what is allowed: a frame of 60 MiB, most of it one value of bytes.
        large = Ours(self, self.port, "large", more=["zstd"])
        large.send(BINARY, bomb(b"\x92", [b"\x92\x63\xc6" + (56 * MIB).to_bytes(4, "big"),
                                         (56 * MIB, 0), b"\x92" + bytes([rig.TELL, 77])]))
        self.assertTrue(large.alive())
        before = alpha.memory_kib("VmHWM")
        block = 128 << 10
        bad = [bomb(b"", [(1 << 30, 0x90)]),                       # 1 GiB, as it says
               bomb(b"", [(1 << 30, 0x90)], said=1000),            # and as it does not say
               bomb(b"", [(1 << 30, 0x90)], said=1 << 62),
               bomb(b"", [(1 << 30, 0x90)], said=None),            # without a size
               bomb(b"", [(60 * MIB, 0x90)]),                      # no records in it
               bomb(b"", [(60 * MIB, 0x91)]),                      # one in another, without an end
               bomb(b"", [(block, 0x90)], said=2 * block),         # shorter than it says
               bomb(b"", [(block, 0x90)])[:-1],                    # cut off
               bomb(b"\xc1", [(block, 0xc1)]),                     # packed, in one that is packed
               bomb(b"", [(block, 0x90)]) * 2]                     # one behind the other
        for i, words in enumerate(bad):
            client = Ours(self, self.port, f"bomb-{i}", more=["zstd"])
            client.send(BINARY, words)
            gone = client.close_told()
            self.assertIn(gone.code, (1002, 1009), (i, words[:40]))
            self.assertTrue(gone.close[1], i)
            self.assertTrue(friend.alive())
        self.grew_less(20 * 1024, alpha.memory_kib("VmHWM") - before)
        self.assertEqual(alpha.end(), 0)

    def test_wrong_ids_in_frames_of_the_original(self):
        alpha = self.peer()
        friend = Friend(self, self.port)
        message = {"message_id": "m", "source_network": "studio", "source_actor": "a",
                   "target_network": "alpha", "target_actor": "recorder", "target_port": "in",
                   "payload": {"type": "String", "data": "wanted"},
                   "timestamp": "2026-05-04T10:11:12Z", "trace_context": None}
        for change in ({"source_network": "alpha"}, {"source_network": "other"},
                       {"target_network": "studio"}, {"target_network": ""}, {"payload": {"type": "No"}},
                       {"payload": None}, {"target_actor": 5}, {"target_actor": "nobody"},
                       {"target_actor": "x" * 5000}, {"trace_context": 5},
                       {"payload": {"type": "String", "data": "unwanted"}, "source_network": "x"}):
            friend.say({**message, **change})
        friend.send(TEXT, b'{"message_id":' + b"[" * 50_000)
        friend.say(message)
        friend.ask()
        alpha.said("recorder.in: String\\(\"wanted\"\\)")
        self.assertNotIn("unwanted", str(alpha.lines()))
        self.assertEqual(alpha.end(), 0)

    def grew_less(self, most_kib, grown_kib):
        """Sanitizers keep freed memory, and have much beside it."""
        if not os.environ.get("REFLOW_SANITIZED"):
            self.assertLess(grown_kib, most_kib)

    def test_who_does_not_read(self):
        """It asks and asks, and its answers pile up: it is cut off, and nobody else notices."""
        alpha = self.peer("send_timeout_ms = 1000\n")
        friend = Ours(self, self.port, "friend")
        self.serves()
        before = alpha.memory_kib()
        for deaf in (Friend(self, self.port, "deaf-1"), Ours(self, self.port, "deaf-2")):
            one = (frame(TEXT, deaf.question("x" * 4000)) if isinstance(deaf, Friend) else
                   frame(BINARY, pack([[ASK, 1]])))
            try:
                for _ in range(100_000):
                    deaf.socket.sendall(one * 100)
            except OSError:
                pass
            self.assertTrue(friend.alive())
        self.grew_less(160 * 1024, alpha.memory_kib("VmHWM") - before)
        self.assertEqual(alpha.end(), 0)

    # ---- what is left

    def test_ten_thousand_connections(self):
        alpha = self.peer("max_connections = 64\n")
        self.serves()
        descriptors = alpha.descriptors()

        def some(count):
            for i in range(count):
                way = i % 4
                if way == 0:
                    self.brief(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n", b"}")
                elif way == 1:
                    self.brief(b"RFW1", b"RFW1")
                elif way == 2:
                    self.brief(b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                               b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                               b"Sec-WebSocket-Version: 13\r\n\r\n" +
                               frame(TEXT, json.dumps(hello("brief", None, f"i-{i}")).encode()),
                               b'"success":true')
                else:
                    self.brief(b"\0", b"")
        some(2000)
        support.wait_for(lambda: alpha.descriptors() <= descriptors, "descriptors are free")
        before = alpha.memory_kib()
        some(10_000)
        support.wait_for(lambda: alpha.descriptors() <= descriptors, "descriptors are free")
        self.grew_less(4096, alpha.memory_kib() - before)
        self.serves()
        self.assertEqual(alpha.end(), 0)

    def brief(self, words, until):
        with socket.create_connection(("127.0.0.1", self.port), support.DEADLINE) as guest:
            guest.sendall(words)
            heard = b""
            while until not in heard:
                some = guest.recv(65536)
                if not some:
                    break
                heard += some
            self.assertIn(until, heard)


if __name__ == "__main__":
    unittest.main()
