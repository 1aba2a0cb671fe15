"""Two peers in network namespaces of their own, joined by a pair of virtual devices: they meet, lose each other
when a device goes down, and meet again; one that is not read is missed as well; and a peer whose address changes is
listed with the new one. Skipped where namespaces may not be made."""

import json
import os
import shutil
import subprocess
import sys
import unittest

import rig
import support


def ip(*words):
    done = subprocess.run(["ip", *words], capture_output=True, text=True, timeout=support.DEADLINE)
    return "" if done.returncode == 0 else f"ip {' '.join(words)}: {done.stderr.strip()}"


class Inside(rig.Running):
    """A peer that runs in a namespace."""

    def __init__(self, case, space, name, text, *arguments):
        self.path = case.path(name + ".log")
        config = case.write(name + ".toml", text)
        self.file = open(self.path, "wb")
        case.addCleanup(self.file.close)
        context = support.running(subprocess.Popen(
            ["ip", "netns", "exec", space, support.BINARY, "peer", "run", "--config", config, *arguments],
            stdin=subprocess.DEVNULL, stderr=self.file, env=support.environment()))
        self.process = context.__enter__()
        case.addCleanup(context.__exit__, None, None, None)


# A peer of the original in the other namespace, which sends more than an actor takes and then says nothing.
FRIEND = """
import json, socket, sys
sys.path.insert(0, sys.argv[1])
import rig
real = socket.create_connection
socket.create_connection = lambda to, *more: real(("10.213.77.1", to[1]), *more)
class Case:
    addCleanup = staticmethod(lambda *call: None)
friend = rig.Friend(Case, 9310)
for number in range(1500):
    friend.say({"message_id": f"m{number}", "source_network": "studio", "source_actor": "wheel",
                "target_network": "alpha", "target_actor": "write", "target_port": "in",
                "payload": {"type": "Integer", "data": number}, "timestamp": "2026-05-04T10:11:12Z",
                "trace_context": None})
while True:
    friend.receive()
"""


class Namespaces(support.Case):
    def setUp(self):
        super().setUp()
        if shutil.which("ip") is None:
            self.skipTest("there is no program 'ip'")
        number = os.getpid() % 100_000
        self.spaces = [f"rf{number}a", f"rf{number}b"]
        self.devices = [f"rf{number}va", f"rf{number}vb"]
        for space in self.spaces:
            self.addCleanup(ip, "netns", "del", space)
        problem = (ip("netns", "add", self.spaces[0]) or ip("netns", "add", self.spaces[1]) or
                   ip("link", "add", self.devices[0], "type", "veth", "peer", "name", self.devices[1]))
        for i, (space, device) in enumerate(zip(self.spaces, self.devices)):
            problem = (problem or ip("link", "set", device, "netns", space) or
                       ip("-n", space, "addr", "add", f"10.213.77.{i + 1}/24", "dev", device) or
                       ip("-n", space, "link", "set", device, "up") or
                       ip("-n", space, "link", "set", "lo", "up"))
        if problem:
            self.skipTest(f"no namespaces here: {problem}")

    def test_apart_and_together(self):
        text = rig.toml("alpha", heartbeat_ms=200, port=9310).replace("127.0.0.1", "10.213.77.1")
        alpha = Inside(self, self.spaces[0], "alpha", text)
        alpha.said("peer ready")
        beta = Inside(self, self.spaces[1], "beta", rig.toml(
            "beta", 'reconnect_forever = true\n[[connect]]\nendpoint = "tcp://10.213.77.1:9310"\n',
            heartbeat_ms=200), "--send", "alpha:recorder:in:from far")
        alpha.said("recorder.in: String\\(\"from far\"\\)")
        # Nothing tells of it but silence: no packet of the kernel comes through.
        self.assertEqual(ip("-n", self.spaces[0], "link", "set", self.devices[0], "down"), "")
        beta.said("Connection with network alpha has ended: nothing heard for")
        alpha.said("Connection with network beta has ended: nothing heard for")
        self.assertEqual(ip("-n", self.spaces[0], "link", "set", self.devices[0], "up"), "")
        beta.said("Reconnected to alpha")
        self.assertEqual(beta.end(), 0)
        self.assertEqual(alpha.end(), 0)

    def test_gone_while_nothing_is_read(self):
        """A message waits for room, so the link is not read: that the other machine has gone is seen all the same."""
        pipe = self.path("pipe")
        os.mkfifo(pipe)
        graph = self.write("far.json", json.dumps({
            "caseSensitive": True, "properties": {"name": "far"},
            "processes": {"write": {"component": "JsonlWrite", "metadata": {"path": pipe}}},
            "connections": [], "inports": {"lines": {"nodeId": "write", "portId": "in"}}}))
        text = rig.toml("alpha", "send_timeout_ms = 600000\n", heartbeat_ms=2000, port=9310).replace(
            "127.0.0.1", "10.213.77.1")
        alpha = Inside(self, self.spaces[0], "alpha", text, "--graph", graph)
        alpha.said("peer ready")
        friend = support.running(subprocess.Popen(
            ["ip", "netns", "exec", self.spaces[1], sys.executable, "-c", FRIEND, os.path.dirname(rig.__file__)],
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        friend.__enter__()
        self.addCleanup(friend.__exit__, None, None, None)

        def received():
            links = self.ask(self.spaces[0], "http://10.213.77.1:9310/status")["links"]
            return links[0]["received"]["messages"] if links else 0

        support.wait_for(lambda: received() > 1000, "the inport is full")
        self.assertEqual(ip("-n", self.spaces[1], "link", "set", self.devices[1], "down"), "")
        alpha.said("Connection with network studio has ended: nothing heard for")
        with open(pipe, encoding="utf-8") as lines:
            self.assertEqual(lines.readline(), "0\n")
            self.assertEqual(alpha.end(), 0)

    @staticmethod
    def ask(space, url):
        """What a peer or a server in a namespace answers; None if it does not."""
        script = f"import urllib.request as web; print(web.urlopen('{url}', timeout=20).read().decode())"
        done = subprocess.run(["ip", "netns", "exec", space, sys.executable, "-c", script],
                              capture_output=True, text=True, timeout=support.DEADLINE)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def test_new_address(self):
        space, device = self.spaces[0], self.devices[0]
        server = support.running(subprocess.Popen(
            ["ip", "netns", "exec", space, support.BINARY, "discovery", "serve", "--bind", "127.0.0.1:9000"],
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=support.environment()))
        server.__enter__()
        self.addCleanup(server.__exit__, None, None, None)
        text = rig.toml("alpha", 'discovery_endpoints = ["http://127.0.0.1:9000"]\n'
                        "discovery_refresh_ms = 100\n", port=9310).replace(
                            'bind_address = "127.0.0.1"', 'bind_address = "0.0.0.0"')
        alpha = Inside(self, space, "alpha", text)
        alpha.said("peer ready")

        def listed():
            return [one["endpoint"] for one in self.ask(space, "http://127.0.0.1:9000/networks") or []]

        support.wait_for(lambda: listed() == ["10.213.77.1:9310"], "the first address")
        self.assertEqual(ip("-n", space, "addr", "del", "10.213.77.1/24", "dev", device), "")
        self.assertEqual(ip("-n", space, "addr", "add", "10.213.78.5/24", "dev", device), "")
        alpha.said(r"discovery is told from now on that this peer is at 10\.213\.78\.5:9310")
        support.wait_for(lambda: listed() == ["10.213.78.5:9310"], "the new address")
        self.assertEqual(alpha.end(), 0)


if __name__ == "__main__":
    unittest.main()
