"""Several discovery servers: one that works is enough, whatever the others do and wherever in the list it is; a
registration is made and taken back at each; and an outage of all removes nothing.

The servers are written here from docs/peers.md alone, so that both sides can be wrong only in different ways.
"""

import http.server
import json
import threading
import unittest
import urllib.request

import rig
import support
from support import wait_for

# What a server does that is of no use. "works" is one that is.
BAD = ("hangs", "garbage", "cuts", "503", "page", "shape", "half")


class Server:
    """A discovery server that can be told to misbehave, and again to work."""

    def __init__(self, case, mode="works"):
        self.mode = mode
        self.table, self.asked, self.lock = {}, 0, threading.Lock()
        self.over = threading.Event()
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def reply(self, status, text, kind="application/json"):
                data = text.encode()
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def misbehave(self, mode):
                if mode == "hangs":
                    server.over.wait(support.DEADLINE)
                elif mode == "garbage":
                    self.wfile.write(bytes(range(256)) * 8)
                elif mode == "half":
                    self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n[{\"network_id\"")
                elif mode == "503":
                    return self.reply(503, '{"error": "busy"}')
                elif mode == "page":
                    return self.reply(200, "<html>Welcome!</html>", "text/html")
                elif mode == "shape":
                    return self.reply(200, '{"networks": []}')
                self.close_connection = True
                return None

            def answer(self):
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                with server.lock:
                    server.asked += 1
                    mode = server.mode
                    if mode == "works" and self.path == "/register":
                        server.table[body["network_id"], body["instance_id"]] = dict(
                            body, last_seen="2026-05-04T10:11:12Z")
                    elif mode == "works" and self.path == "/unregister":
                        server.table.pop((body["network_id"], body["instance_id"]), None)
                    text = json.dumps(list(server.table.values())) if self.path == "/networks" else ""
                if mode != "works":
                    return self.misbehave(mode)
                return self.reply(200, text)

            do_GET = do_POST = answer

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        case.addCleanup(self.http.server_close)
        case.addCleanup(self.http.shutdown)
        case.addCleanup(self.over.set)
        self.base = f"http://127.0.0.1:{self.http.server_port}"

    def networks(self):
        with self.lock:
            return sorted(network for network, _ in self.table)

    def set(self, mode, empty=False):
        with self.lock:
            self.mode = mode
            if empty:
                self.table.clear()


class Failover(support.Case):
    def peer(self, name, bases, extra=""):
        return rig.Running(self, name, rig.toml(
            name, f"discovery_endpoints = {json.dumps(bases)}\ndiscovery_refresh_ms = 200\n"
            "discovery_timeout_ms = 1000\ndiscovery_ttl_ms = 600000\n" + extra))

    def connected(self, peer):
        with urllib.request.urlopen(f"http://127.0.0.1:{peer.port()}/status",
                                    timeout=support.DEADLINE) as answer:
            return sorted(link["network_id"] for link in json.load(answer)["links"]
                          if link["state"] == "connected")

    def find_each_other(self, bases, good, bad):
        alpha, beta = self.peer("alpha", bases), self.peer("beta", bases)
        wait_for(lambda: good.networks() == ["alpha", "beta"], "both are registered")
        alpha.said("Established connection with network: beta")
        beta.said("Established connection with network: alpha")
        # Each one that is of no use is told of, once for each of the two things that are asked of it.
        for server in bad:
            alpha.said(f"cannot (register with|read from) discovery endpoint {server}", "WARN ")
        return alpha, beta

    def check_warnings(self, peer):
        told = [text.split(": ")[0] for level, text in peer.lines()
                if level == "WARN " and "discovery endpoint" in text]
        self.assertEqual(sorted(set(told)), sorted(told))

    def run_with(self, bases, good, servers, nobody):
        alpha, beta = self.find_each_other(bases, good, [one.base for one in servers] + [nobody])
        self.check_warnings(alpha)
        # They recover: then there is a registration at each, and in the end it is taken back there.
        for server in servers:
            server.over.set()
            server.set("works")
        for server in servers + [good]:
            wait_for(lambda one=server: one.networks() == ["alpha", "beta"], "registered at each")
        self.assertEqual(beta.end(), 0)
        for server in servers + [good]:
            wait_for(lambda one=server: one.networks() == ["alpha"], "taken back at each")
        self.assertEqual(alpha.end(), 0)
        for server in servers + [good]:
            self.assertEqual(server.networks(), [])

    def test_the_last_one_works(self):
        servers, good = [Server(self, mode) for mode in BAD], Server(self)
        nobody = f"http://127.0.0.1:{support.free_port()}"
        self.run_with([nobody] + [one.base for one in servers] + [good.base], good, servers, nobody)

    def test_the_first_one_works(self):
        servers, good = [Server(self, mode) for mode in BAD], Server(self)
        nobody = f"http://127.0.0.1:{support.free_port()}"
        self.run_with([good.base] + [one.base for one in servers] + [nobody], good, servers, nobody)

    def test_what_is_listed_no_more_is_dialled_no_more(self):
        """And that is said."""
        server = Server(self)
        alpha = self.peer("alpha", [server.base], "auto_dial = false\n")  # so the link is one that beta has dialled
        beta = self.peer("beta", [server.base], "reconnect_forever = true\nreconnect_most_ms = 400\n")
        beta.said("Established connection with network: alpha")
        alpha.process.kill()
        alpha.process.wait(support.DEADLINE)
        beta.said("Reconnect attempt 1 for alpha failed", "WARN ")
        with server.lock:
            server.table.pop(("alpha", "alpha-1"))
        beta.said(r"Reconnect to alpha \(endpoint 127\.0\.0\.1:\d+\) ended after \d+ attempts?: "
                  "discovery does not list it any more", "WARN ")
        self.assertEqual(beta.end(), 0)

    def test_an_outage_of_all_removes_nothing(self):
        servers = [Server(self), Server(self)]
        alpha, beta = self.find_each_other([one.base for one in servers], servers[0], [])
        for mode in BAD:
            if mode == "hangs":
                continue  # its threads would wait for the end
            for server in servers:
                server.set(mode, empty=True)
            before = [server.asked for server in servers]
            for server, count in zip(servers, before):
                wait_for(lambda one=server, so_far=count: one.asked >= so_far + 8, "it is asked again")
            self.assertEqual(self.connected(alpha), ["beta"])
        # Nothing is listed anywhere any more, and then everything again, by those who are there.
        for server in servers:
            server.set("works", empty=True)
        for server in servers:
            wait_for(lambda one=server: one.networks() == ["alpha", "beta"], "registered anew")
        self.assertEqual(self.connected(alpha), ["beta"])
        # Of two that dial each other one link stays.
        self.assertFalse([text for _, text in alpha.lines()
                          if "has ended" in text and "another link to this peer stays" not in text])
        # The other side goes and comes back elsewhere while one server is away: the other one tells.
        servers[0].set("cuts")
        self.assertEqual(beta.end(), 0)
        wait_for(lambda: self.connected(alpha) == [], "it has gone")
        beta = self.peer("beta", [one.base for one in servers])
        wait_for(lambda: self.connected(alpha) == ["beta"], "it is found again")
        self.assertEqual(beta.end(), 0)
        self.assertEqual(alpha.end(), 0)


if __name__ == "__main__":
    unittest.main()
