"""reflow peer run: two peers of the tutorial, a peer of the original written here, HTTP, bad input."""

import base64
import hashlib
import json
import os
import re
import signal
import socket
import struct
import unittest
import urllib.error
import urllib.request

import support
from support import reflow, started, wait_for

LINE = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (ERROR|WARN |INFO |DEBUG|TRACE) (.*)$")


def toml(network, token="shared-secret", extra="", port=0):
    return (f'network_id   = "{network}"\ninstance_id  = "{network}-1"\n'
            f'bind_address = "127.0.0.1"\nbind_port    = {port}\n'
            f'auth_token   = "{token}"\n' + extra)


class Running:
    """A peer whose log goes to a file, which the test reads."""

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
            return [LINE.match(line).groups() for line in file.read().splitlines()]

    def said(self, pattern, level="INFO "):
        def look():
            for of, text in self.lines():
                found = re.search(pattern, text)
                if found and of == level:
                    return found
            return None
        return wait_for(look, f"{level} {pattern} in {self.path}")

    def port(self):
        port = self.said(r"bind=127\.0\.0\.1:(\d+)").group(1)
        self.said("peer ready")
        return int(port)

    def end(self, number=signal.SIGINT):
        self.process.send_signal(number)
        return self.process.wait(support.DEADLINE)


class Old:
    """A peer of the published original: a WebSocket client with text frames alone (RFC 6455)."""

    def __init__(self, case, port):
        self.socket = socket.create_connection(("127.0.0.1", port), support.DEADLINE)
        case.addCleanup(self.socket.close)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall((f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
                             f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
                             "Sec-WebSocket-Version: 13\r\n\r\n").encode())
        self.buffer = b""
        head = b""
        while b"\r\n\r\n" not in head:
            head += self.socket.recv(1)
        accept = base64.b64encode(hashlib.sha1(
            (key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest())
        assert head.startswith(b"HTTP/1.1 101") and accept in head, head

    def send(self, value):
        data = json.dumps(value).encode()
        mask = os.urandom(4)
        size = (struct.pack("!B", 0x80 | len(data)) if len(data) < 126
                else struct.pack("!BH", 0x80 | 126, len(data)))
        self.socket.sendall(b"\x81" + size + mask +
                            bytes(byte ^ mask[i % 4] for i, byte in enumerate(data)))

    def take(self, count):
        while len(self.buffer) < count:
            some = self.socket.recv(65536)
            if not some:
                raise EOFError
            self.buffer += some
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def frame(self):
        first, size = self.take(2)
        size &= 0x7f
        if size == 126:
            size, = struct.unpack("!H", self.take(2))
        return first & 0x0f, self.take(size)

    def receive(self):
        """The next text that is no heartbeat."""
        while True:
            kind, data = self.frame()
            if kind == 8:
                raise EOFError
            value = json.loads(data) if kind == 1 else {}
            if kind == 1 and set(value) != {"network_id", "timestamp"}:
                return value


def hello(token):
    return {"network_id": "studio", "instance_id": "studio-1", "protocol_version": "1.0",
            "auth_token": token, "capabilities": ["actor_messaging"]}


class Peers(support.Case):
    def test_two_peers(self):
        alpha = Running(self, "alpha", toml("alpha", port=support.free_port()))
        port = alpha.port()
        beta = Running(self, "beta", toml("beta", extra=f'[[connect]]\nendpoint = "127.0.0.1:{port}"\n'),
                       "--send", "alpha:recorder:in:hello: from beta")
        beta.said(re.escape(f"connected to peer at 127.0.0.1:{port}"))
        beta.said(re.escape('sent test message to alpha/recorder.in: "hello: from beta"'))
        alpha.said("Established connection with network: beta")
        alpha.said("BRIDGE: Received remote message from beta to alpha::recorder")
        alpha.said("ROUTER: Successfully routed message to local actor recorder")
        alpha.said(re.escape('recorder.in: String("hello: from beta")'))
        # It goes away, is missed, and comes back.
        self.assertEqual(alpha.end(), 0)
        beta.said("Reconnect attempt 1/5 for alpha failed: .*refused", "WARN ")
        again = Running(self, "again", toml("alpha", port=port))
        again.port()
        beta.said(re.escape(f"Reconnected to alpha (endpoint 127.0.0.1:{port}) on attempt "))
        again.said("Established connection with network: beta")
        self.assertEqual(beta.end(signal.SIGTERM), 0)
        self.assertEqual(again.end(), 0)

    def test_gives_up_after_five_attempts(self):
        alpha = Running(self, "alpha", toml("alpha", port=support.free_port()))
        port = alpha.port()
        beta = Running(self, "beta", toml("beta", extra='reconnect_first_ms = 10\n'
                                          f'[[connect]]\nendpoint = "127.0.0.1:{port}"\n'))
        beta.said("connected to peer")
        alpha.end()
        beta.said(re.escape(f"Reconnect to alpha (endpoint 127.0.0.1:{port}) gave up after 5 attempts"),
                  "ERROR")
        failed = [text for level, text in beta.lines() if text.startswith("Reconnect attempt")]
        self.assertEqual([text.split()[2] for text in failed], ["1/5", "2/5", "3/5", "4/5", "5/5"])
        self.assertEqual(beta.end(), 0)

    def test_wrong_token(self):
        alpha = Running(self, "alpha", toml("alpha"))
        port = alpha.port()
        for token in ("wrong", ""):
            text = toml("beta", token, f'[[connect]]\nendpoint = "127.0.0.1:{port}"\n')
            if not token:
                text = text.replace('auth_token   = ""\n', "")
            beta = Running(self, "beta", text)
            beta.said("handshake refused: auth_token mismatch", "WARN ")
            alpha.said(r"a connection from 127\.0\.0\.1:\d+ was refused: .*mismatch", "WARN ")
            self.assertEqual(beta.end(), 0)
        self.assertNotIn("Established", str(alpha.lines()))
        told = json.loads(self.get(port, "/status")[2])
        self.assertEqual((told["failed_handshakes"], told["refused_connections"]), (2, 0))

    def test_full(self):
        alpha = Running(self, "alpha", toml("alpha", extra="max_connections = 1\n"))
        port = alpha.port()
        dials = f'[[connect]]\nendpoint = "127.0.0.1:{port}"\n'
        first = Running(self, "first", toml("beta", extra=dials))
        first.said("connected to peer")
        second = Running(self, "second", toml("gamma", extra=dials))
        second.said("too many connections: max_connections is 1", "WARN ")
        alpha.said("was refused: .*too many connections", "WARN ")
        told = json.loads(self.get(port, "/status")[2])
        self.assertEqual((told["failed_handshakes"], told["refused_connections"]), (0, 1))

    def test_missing_authorities_are_told_at_the_start(self):
        file = self.write("alpha.toml", toml("alpha", extra='[tls]\nca_file = "missing.pem"\n'))
        result = reflow("peer", "run", "--config", file)
        self.assertNotEqual(result.code, 0)
        self.assertIn("missing.pem", result.err)

    def test_strangers_are_no_links(self):
        alpha = Running(self, "alpha", toml("alpha"))
        port = alpha.port()
        # A browser that was led here by a name of somebody else, and a program that was given a name.
        self.assertEqual(self.get(port, "/status", Host="evil.example", Accept_Language="en")[0], 403)
        self.assertEqual(self.get(port, "/status", Host="peer.example")[0], 200)
        self.assertEqual(self.get(port, "/status", Accept_Language="en")[0], 200)
        with socket.create_connection(("127.0.0.1", port)) as stranger:
            stranger.sendall(b"RFW1")
            wait_for(lambda: json.loads(self.get(port, "/status")[2])["pending_handshakes"] == 1,
                             "the stranger")
            told = json.loads(self.get(port, "/status")[2])
            self.assertEqual((told["status"], told["links"]), ("ok", []))
            self.assertEqual(json.loads(self.get(port, "/health")[2])["status"], "ok")

    def test_status_tells_of_attempts(self):
        alpha = Running(self, "alpha", toml("alpha"))
        port = alpha.port()
        beta = Running(self, "beta", toml("beta", extra="reconnect_forever = true\n"
                                          "reconnect_first_ms = 10\nreconnect_most_ms = 50\n"
                                          f'[[connect]]\nendpoint = "127.0.0.1:{port}"\n'))
        beta.said("connected to peer")
        number = beta.port()

        def link():  # there is none in the moment in which it is dialled
            links = json.loads(self.get(number, "/status")[2])["links"]
            return links[0] if links else {"state": "", "error": None}

        self.assertEqual((link()["reconnects"], link()["error"]), (0, None))
        alpha.end()
        wait_for(lambda: "refused" in (link()["error"] or ""), "the reason in the status")
        again = Running(self, "again", toml("alpha", port=port))
        again.port()
        wait_for(lambda: link()["state"] == "connected" and link()["reconnects"] == 1, "the link")
        self.assertIsNone(link()["error"])

    def test_peer_of_the_original(self):
        alpha = Running(self, "alpha", toml("alpha"))
        port = alpha.port()
        stranger = Old(self, port)
        stranger.send(hello("wrong"))
        self.assertEqual(stranger.receive(), {"success": False, "network_id": "alpha",
                                              "instance_id": "alpha-1",
                                              "error": "auth_token mismatch"})
        self.assertRaises(EOFError, stranger.receive)
        for name in ("a@b", "n" * 257):
            unnameable = Old(self, port)
            unnameable.send({**hello("shared-secret"), "network_id": name})
            try:
                self.assertFalse(unnameable.receive()["success"])
            except EOFError:
                pass
            alpha.said("'network_id' is not of at most 256 bytes without '@'", "WARN ")
        friend = Old(self, port)
        friend.send(hello("shared-secret"))
        self.assertEqual(friend.receive(), {"success": True, "network_id": "alpha",
                                            "instance_id": "alpha-1", "error": None})
        alpha.said("has sent the token in clear", "WARN ")
        friend.send({"message_id": "7b0c0a1e-6d52-4f7e-9c3d-2f1f5a0f8a11",
                     "source_network": "studio", "source_actor": "glaze", "target_network": "alpha",
                     "target_actor": "recorder", "target_port": "in",
                     "payload": {"type": "Object",
                                 "data": {"data": list(json.dumps({"a": 1}).encode())}},
                     "timestamp": "2026-05-04T10:11:12Z", "trace_context": None})
        alpha.said(re.escape('recorder.in: Object({"a":1})'))
        # Values in its own binary form are handed on as they are; what is no message is told.
        for number, payload in enumerate(({"type": "Object", "data": {"data": [255, 7]}},
                                          {"type": "Array", "data": [{"data": [49]}, {"data": [254]}]},
                                          {"type": "Encoded", "data": [1, 2, 3]},
                                          {"type": "Integer", "data": "x"},
                                          {"type": "Integer", "data": 5})):
            friend.send({"message_id": f"7b0c0a1e-6d52-4f7e-9c3d-2f1f5a0f8a2{number}",
                         "source_network": "studio", "source_actor": "glaze",
                         "target_network": "alpha", "target_actor": "recorder",
                         "target_port": "in", "payload": payload,
                         "timestamp": "2026-05-04T10:11:12Z"})
        alpha.said(re.escape("recorder.in: Integer(5)"))
        said = [text for _, text in alpha.lines()]
        kinds = [text.split("(")[0] for text in said if text.startswith("recorder.in")]
        self.assertEqual(kinds, ["recorder.in: " + kind for kind in
                                 ("Object", "Encoded", "Array", "Encoded", "Integer")])
        self.assertIn("a frame of studio is passed over: message: 'payload' is not a message: "
                      "the data of type Integer is not an integer of 64 bits", said)
        friend.send({"request_id": "q", "requesting_network": "studio"})
        told = friend.receive()
        self.assertEqual(told["request_id"], "q")
        self.assertEqual([actor["actor_id"] for actor in told["actors"]], ["recorder"])
        # Whoever sends for somebody else, and to what is not here, is told of, and what came is counted.
        for changed in ({"source_network": "other"}, {"target_network": "other"},
                        {"target_port": "nope"}, {"target_actor": "nobody"}):
            friend.send({"message_id": "7b0c0a1e-6d52-4f7e-9c3d-2f1f5a0f8a30",
                         "source_network": "studio", "source_actor": "glaze",
                         "target_network": "alpha", "target_actor": "recorder",
                         "target_port": "in", "payload": {"type": "Integer", "data": 6},
                         "timestamp": "2026-05-04T10:11:12Z", **changed})
        friend.send({"neither": 1})
        alpha.said("a frame of studio is passed over: the frame is no message", "WARN ")
        alpha.said("actor 'recorder': no inport 'nope'", "WARN ")
        alpha.said("Actor not found: no node 'nobody'", "WARN ")
        lost = json.loads(self.get(port, "/status")[2])["lost"]
        self.assertEqual((lost["invalid"], lost["refused"], sum(lost.values())), (4, 2, 6))
        # Its heartbeats are text, and come without being asked for.
        while True:
            kind, data = friend.frame()
            if kind == 1:
                self.assertEqual(json.loads(data)["network_id"], "alpha")
                break
        self.assertEqual(alpha.end(), 0)

    def get(self, port, path, **headers):
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}",
                                         headers={name.replace("_", "-"): value for name, value in headers.items()})
        try:
            with urllib.request.urlopen(request, timeout=support.DEADLINE) as answer:
                return answer.status, answer.headers["Content-Type"], answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers["Content-Type"], error.read().decode()

    def test_http_on_the_same_port(self):
        alpha = Running(self, "alpha", toml("alpha", port=support.free_port()))
        port = alpha.port()
        beta = Running(self, "beta", toml("beta", extra=f'[[connect]]\nendpoint = "127.0.0.1:{port}"\n'),
                       "--send", "alpha:recorder:in:x")
        alpha.said("recorder.in")
        status, kind, body = self.get(port, "/health")
        self.assertEqual((status, json.loads(body)["status"]), (200, "ok"))
        self.assertTrue(kind.startswith("application/json"))
        told = json.loads(self.get(port, "/status")[2])
        self.assertEqual((told["network_id"], told["instance_id"]), ("alpha", "alpha-1"))
        self.assertIn("recorder", json.dumps(told["actors"]))
        self.assertEqual([link["network_id"] for link in told["links"]], ["beta"])
        status, kind, body = self.get(port, "/metrics")
        self.assertEqual(status, 200)
        self.assertTrue(kind.startswith("text/plain"))
        self.assertRegex(body, r"(?m)^# TYPE reflow_\w+ counter$")
        self.assertEqual(self.get(port, "/nowhere")[0], 404)
        link = told["links"][0]
        self.assertGreaterEqual(link["received"]["frames"], 2)  # its greeting and the packet
        self.assertGreaterEqual(link["sent"]["frames"], 1)
        refused = urllib.request.Request(f"http://127.0.0.1:{port}/health", method="DELETE")
        with self.assertRaises(urllib.error.HTTPError) as problem:
            urllib.request.urlopen(refused, timeout=support.DEADLINE)
        with problem.exception as answer:
            self.assertEqual((answer.code, answer.headers["Allow"]), (405, "GET, HEAD"))
        beta.end()
        alpha.end()

    def test_others_on_the_port_disturb_nobody(self):
        alpha = Running(self, "alpha", toml("alpha"))
        port = alpha.port()
        idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(5)]
        for text in (b"\0\1\2\3" * 100, b"GET / HTTP/1.1\r\n" + b"x" * 100000, b"RFW"):
            with socket.create_connection(("127.0.0.1", port)) as guest:
                try:
                    guest.sendall(text)
                except OSError:
                    pass
        half = Old(self, port)
        half.send({"network_id": "studio"})
        self.assertRaises(EOFError, half.receive)
        friend = Old(self, port)
        friend.send(hello("shared-secret"))
        self.assertTrue(friend.receive()["success"])
        for guest in idle:
            guest.close()
        self.assertEqual(alpha.end(), 0)

    def test_wrong_use(self):
        config = self.write("a.toml", toml("alpha"))
        for arguments, code, words in (
                ([], 2, "--config FILE is missing"),
                (["--config", "nothere.toml"], 3, "nothere.toml"),
                (["--config", self.write("b.toml", "network_id = 5\n")], 3, "b.toml:1:14"),
                (["--config", self.write("c.toml", toml("a", extra="max_conections = 1\n"))], 3,
                 "did you mean 'max_connections'"),
                (["--config", self.write("d.toml", toml("a", extra='[tls]\ncertificate_file = "/no.pem"\n'
                                                        'key_file = "/no.pem"\n'))], 1,
                 "/no.pem: cannot use the certificate: no such file or directory"),
                (["--config", config, "--send", "a:b"], 2, "--send: missing port"),
                (["--config", config, "--send", "a:b:c"], 2, "--send: missing text payload"),
                (["--config", config, "--send", "a:b:c:d"], 1, "--send: No connection to network: a"),
                (["--config", config, "--bind", "x"], 2, "ADDRESS:PORT"),
                (["--config", config, "--log-level", "loud"], 2, "loud")):
            result = reflow("peer", "run", *arguments, cwd=self.folder)
            self.assert_code(result, code)
            self.assertIn(words, result.err)

    def test_one_that_only_dials(self):
        alpha = Running(self, "alpha", toml("alpha"))
        beta = Running(self, "beta", 'network_id = "beta"\nlisten = false\nauth_token = "shared-secret"\n'
                       f'[[connect]]\nendpoint = "127.0.0.1:{alpha.port()}"\n',
                       "--send", "alpha:recorder:in:hello-from-beta")
        beta.said("starting peer: network_id=beta, .*, bind=none$")
        alpha.said(r'recorder\.in: String\("hello-from-beta"\)')
        self.assertEqual(beta.end(), 0)
        # A place on the command line is enough, too; without either it is said what to write.
        gamma = self.write("gamma.toml", 'network_id = "gamma"\n')
        result = reflow("peer", "run", "--config", gamma)
        self.assert_code(result, 3)
        self.assertIn("missing key 'bind_port' (0 is a free one; a peer that only dials has listen = false", result.err)
        Running(self, "gamma", 'network_id = "gamma"\n', "--bind", "127.0.0.1:0").port()
        self.assertEqual(alpha.end(), 0)

    def test_port_in_use(self):
        alpha = Running(self, "alpha", toml("alpha"))
        result = reflow("peer", "run", "--config", self.path("alpha.toml"), "--bind",
                        f"127.0.0.1:{alpha.port()}")
        self.assert_code(result, 1)
        self.assertIn("in use", result.err)
        alpha.end()


class GraphOverTwo(support.Case):
    """One graph, with a node that stands for an actor of the other process."""

    def test_same_as_in_one_process(self):
        shout = {"component": "Map", "metadata": {"value": "upper(word)"}}
        rows = [{"word": f"word {i}"} for i in range(2000)]
        self.write("rows.jsonl", "".join(json.dumps(row) + "\n" for row in rows))

        def graph(name, middle):
            edges = [("read", "out", "shout", "in"), ("shout", "out", "write", "in")]
            return self.write(name + ".json", json.dumps({
                "caseSensitive": True, "properties": {"name": name},
                "processes": {
                    "read": {"component": "JsonlRead",
                             "metadata": {"path": self.path("rows.jsonl")}},
                    "shout": middle,
                    "write": {"component": "JsonlWrite",
                              "metadata": {"path": self.path(name + ".jsonl")}}},
                "connections": [{"from": {"nodeId": a, "portId": b},
                                 "to": {"nodeId": c, "portId": d}} for a, b, c, d in edges]}))

        self.assertEqual(0, reflow("run", graph("one", shout)).code)
        far = self.write("far.json", json.dumps({
            "caseSensitive": True, "properties": {"name": "far"},
            "processes": {"loud": shout}, "connections": [],
            "inports": {"words": {"nodeId": "loud", "portId": "in"}}}))
        alpha = Running(self, "alpha", toml("alpha"), "--graph", far)
        extra = f'[[connect]]\nendpoint = "127.0.0.1:{alpha.port()}"\n'
        beta = Running(self, "beta", toml("beta", extra=extra), "--graph",
                       graph("two", {"component": "loud@alpha"}))

        def text(name):
            with open(self.path(name), encoding="utf-8") as file:
                return file.read()

        url = f"http://127.0.0.1:{beta.port()}/status"

        def complete():
            with urllib.request.urlopen(url, timeout=support.DEADLINE) as answer:
                links = json.load(answer)["links"]
            return links and links[0]["received"]["messages"] == len(rows)
        wait_for(complete, "all rows")
        with urllib.request.urlopen(url, timeout=support.DEADLINE) as answer:
            self.assertEqual([{"alias": "shout", "actor_id": "loud", "network_id": "alpha",
                               "reachable": True}], json.load(answer)["remote_actors"])
        self.assertEqual(0, beta.end())
        self.assertEqual(text("one.jsonl"), text("two.jsonl"))
        self.assertEqual(json.loads(text("one.jsonl").splitlines()[7]), "WORD 7")
        self.assertEqual(0, alpha.end())

    def test_bad_graph(self):
        config = self.write("gamma.toml", toml("gamma"))
        result = reflow("peer", "run", "--config", config, "--graph", self.path("none.json"))
        self.assertEqual(3, result.code, result)
        self.assertIn("none.json", result.err)


if __name__ == "__main__":
    unittest.main()
