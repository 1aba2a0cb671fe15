"""Ctrl-C and SIGTERM in every stage of `reflow peer run`, and a full disk for its log."""

import os
import signal
import socket
import subprocess
import unittest

import rig
import support
from support import started


class Signals(support.Case):
    def silent(self):
        """A port that takes connections and says nothing."""
        made = socket.socket()
        made.bind(("127.0.0.1", 0))
        made.listen(16)
        self.addCleanup(made.close)
        return made, made.getsockname()[1]

    def test_while_it_waits(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            peer = rig.Running(self, f"a{number}", rig.toml("a"))
            peer.port()
            self.assertEqual(peer.end(number), 0)
            self.assertTrue(any(text == "shutting down" for _, text in peer.lines()))

    def test_while_it_dials(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            listener, port = self.silent()
            peer = rig.Running(self, f"b{number}", rig.toml(
                "b", f'handshake_timeout_ms = 600000\n[[connect]]\nendpoint = "127.0.0.1:{port}"\n'))
            peer.said("starting peer")
            guest, _ = listener.accept()
            with guest:
                self.assertTrue(guest.recv(4096).startswith(b"GET / HTTP/1.1"))
                self.assertEqual(peer.end(number), 0)

    def test_while_it_dials_again(self):
        there = rig.Running(self, "there", rig.toml("there"))
        port = there.port()
        peer = rig.Running(self, "c", rig.toml(
            "c", f'reconnect_forever = true\n[[connect]]\nendpoint = "127.0.0.1:{port}"\n'))
        peer.said("connected to peer")
        there.process.kill()
        peer.said("Reconnect attempt 1 ", "WARN ")
        self.assertEqual(peer.end(), 0)

    def test_while_others_do_not_answer(self):
        peer = rig.Running(self, "d", rig.toml("d"))
        port = peer.port()
        deaf = rig.Ours(self, port)  # it does not answer the goodbye
        half = rig.Client(self, port)
        peer.process.send_signal(signal.SIGTERM)
        self.assertEqual(deaf.close_told().code, 1001)
        self.assertEqual(peer.process.wait(support.DEADLINE), 0)
        half.socket.close()

    def test_full_disk_for_the_log(self):
        """What cannot be written is lost, and the peer goes on."""
        self.port = self.free()
        config = self.write("e.toml", rig.toml("e", port=self.port))
        with open("/dev/full", "wb") as full:
            with started("peer", "run", "--config", config, stderr=full) as process:
                port = self.port

                def reached():
                    try:
                        return rig.Friend(self, port)
                    except OSError:
                        return None
                friend = support.wait_for(reached, "it listens")
                friend.ask()
                friend.socket.close()
                process.send_signal(signal.SIGINT)
                self.assertIn(process.wait(support.DEADLINE), (0, 1))

    def test_log_that_nobody_reads(self):
        config = self.write("f.toml", rig.toml("f", port=self.free()))
        with started("peer", "run", "--config", config, stderr=subprocess.PIPE) as process:
            self.assertIn(b"starting peer", process.stderr.readline())
            process.stderr.close()
            process.stderr = None
            process.send_signal(signal.SIGINT)
            self.assertIn(process.wait(support.DEADLINE), (0, 1))

    def free(self):
        made, port = self.silent()
        made.close()
        return port


if __name__ == "__main__":
    unittest.main()
