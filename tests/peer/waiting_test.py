"""A peer of the published original that sends more than an actor takes: it knows no windows, so nothing is read
from it until there is room, and nothing is lost.

The actor writes into a named pipe that nobody reads yet.
"""

import json
import os
import threading
import unittest
import urllib.request

import rig
from rig import TEXT, Friend, frame
import support

COUNT = 20_000  # more than inport, pipe and sockets hold together


class Waiting(support.Case):
    def test_waits_for_room(self):
        pipe = self.path("pipe")
        os.mkfifo(pipe)
        graph = self.write("far.json", json.dumps({
            "caseSensitive": True, "properties": {"name": "far"},
            "processes": {"write": {"component": "JsonlWrite", "metadata": {"path": pipe}}},
            "connections": [], "inports": {"lines": {"nodeId": "write", "portId": "in"}}}))
        peer = rig.Running(self, "kiln", rig.toml("kiln", "send_timeout_ms = 600000\n"), "--graph", graph)
        friend = Friend(self, peer.port())

        def send():
            for number in range(COUNT):
                friend.write(frame(TEXT, json.dumps({
                    "message_id": f"m{number}", "source_network": "studio",
                    "source_actor": "wheel", "target_network": "kiln", "target_actor": "write",
                    "target_port": "in", "payload": {"type": "Integer", "data": number},
                    "timestamp": "2026-05-04T10:11:12Z", "trace_context": None}).encode(),
                    mask=b"\0\0\0\0"))
        friend.socket.settimeout(None)
        sender = threading.Thread(target=send, daemon=True)
        sender.start()

        def received():
            with urllib.request.urlopen(f"http://127.0.0.1:{peer.port()}/status",
                                        timeout=support.DEADLINE) as answer:
                return json.load(answer)["links"][0]["received"]["messages"]
        # The inport has taken what it can.
        support.wait_for(lambda: received() > 1000, "the inport is full")
        with open(pipe, encoding="utf-8") as lines:
            for number in range(COUNT):
                self.assertEqual(lines.readline(), f"{number}\n")
        sender.join(support.DEADLINE)
        self.assertFalse(sender.is_alive())
        self.assertEqual(received(), COUNT)
        self.assertEqual([text for level, text in peer.lines() if level in ("WARN ", "ERROR")], [])
        self.assertEqual(peer.end(), 0)

    def test_one_that_takes_nothing_does_not_hold_up_others(self):
        pipe = self.path("pipe")
        os.mkfifo(pipe)
        graph = self.write("far.json", json.dumps({
            "caseSensitive": True, "properties": {"name": "far"},
            "processes": {"write": {"component": "JsonlWrite", "metadata": {"path": pipe}},
                          "tell": {"component": "Log"}},
            "connections": [], "inports": {"lines": {"nodeId": "write", "portId": "in"},
                                           "words": {"nodeId": "tell", "portId": "in"}}}))
        text = rig.toml("kiln", "send_timeout_ms = 1000\n", heartbeat_ms=8000)  # it looks four times in each
        peer = rig.Running(self, "kiln", text, "--graph", graph)
        friend = Friend(self, peer.port())
        friend.socket.settimeout(support.DEADLINE)
        messages = 1500  # some hundreds more than the inport takes: minutes if each waited for its own time
        for number in range(messages + 1):
            actor, data = ("write", number) if number < messages else ("tell", "behind them")
            friend.write(frame(TEXT, json.dumps({
                "message_id": f"m{number}", "source_network": "studio", "source_actor": "wheel",
                "target_network": "kiln", "target_actor": actor, "target_port": "in",
                "payload": {"type": "Integer" if actor == "write" else "String", "data": data},
                "timestamp": "2026-05-04T10:11:12Z", "trace_context": None}).encode(), mask=b"\0\0\0\0"))
        support.wait_for(lambda: any("behind them" in text for _, text in peer.lines()),
                         "what came behind them is there")
        self.assertTrue(any("write has no room" in text for _, text in peer.lines()))
        with open(pipe, encoding="utf-8") as lines:
            self.assertEqual(lines.readline(), "0\n")
            self.assertEqual(peer.end(), 0)


if __name__ == "__main__":
    unittest.main()
