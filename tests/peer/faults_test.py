"""Two peers as processes with a proxy between them that cuts, holds back, swallows, truncates, doubles and
swaps what goes through it, and a receiver that is killed: numbers arrive in order, none twice, and what is
missing went with a link that ended. The books of the sender balance: all that it sent is delivered, refused or in
doubt, and the receiver has what is delivered, and of what is in doubt at most all. The seed is printed."""

import json
import os
import random
import select
import socket
import subprocess
import sys
import threading
import unittest

import rig  # noqa: F401 (finds support)
import support

BUILD = os.environ.get("REFLOW_BUILD") or os.path.join(support.SOURCE, "build")
FLOOD = os.path.join(BUILD, "tests", "peer_flood")
QUIET_MS = 5000  # heartbeats by which no link ends, however busy the machine is
HELD = 4 * 64    # numbers that a receiver may have taken and not written, as flood.c says
SHORT_MS = 100   # and those that see soon what is silent for ever


class Proxy(threading.Thread):
    """Between a port of its own and another. One thread, one connection after the other or several at a
    time; what it does to a piece is drawn from a seed."""

    def __init__(self, port, seed, faults):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.to, self.chance, self.faults = port, random.Random(seed), faults
        self.ours = self.listener.getsockname()[1]
        self.pairs, self.done, self.counts = {}, False, {}
        self.holds = {}  # sockets that are not read for so many turns
        self.broken = True
        self.accepted = 0  # connections

    def run(self):
        while not self.done:
            for held in list(self.holds):
                self.holds[held] -= 1
                if self.holds[held] <= 0:
                    del self.holds[held]
            readable = [self.listener] + [one for one in self.pairs if one not in self.holds]
            for one in select.select(readable, [], [], 0.005)[0]:
                if one is self.listener:
                    self.accept()
                elif one in self.pairs:
                    self.carry(one)
        for one in list(self.pairs):
            self.drop(one)
        self.listener.close()

    def accept(self):
        here, _ = self.listener.accept()
        self.accepted += 1
        try:
            there = socket.create_connection(("127.0.0.1", self.to), 5)
        except OSError:
            here.close()
            return
        for one, other in ((here, there), (there, here)):
            one.settimeout(5)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.pairs[one] = other

    def drop(self, one, reset=False):
        other = self.pairs.pop(one, None)
        if other is None:
            return
        self.pairs.pop(other, None)
        for end in (one, other):
            if reset:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            end.close()

    def carry(self, one):
        other = self.pairs[one]
        try:
            data = one.recv(self.chance.choice((100, 4000, 65536)))
        except OSError:
            data = b""
        if not data:
            return self.drop(one)
        fault = None
        if self.broken and self.chance.randrange(self.faults["every"]) == 0:
            fault = self.chance.choice(self.faults["kinds"])
            self.counts[fault] = self.counts.get(fault, 0) + 1
        try:
            if fault == "cut":
                return self.drop(one, reset=self.chance.random() < 0.5)
            if fault == "truncate":
                other.sendall(data[:self.chance.randrange(len(data))])
                return self.drop(one)
            if fault == "hold":
                self.holds[one] = self.chance.randrange(1, 40)
            if fault == "hole":  # silent for ever, both ways
                self.holds[one] = self.holds[other] = 1 << 60
                return None
            if fault == "double":
                data += data[self.chance.randrange(len(data)):]
            if fault == "swap":
                at = self.chance.randrange(len(data))
                data = data[at:] + data[:at]
            other.sendall(data)
        except OSError:
            self.drop(one)

    def heal(self):
        """No more faults; what was swallowed is cut."""
        self.broken = False

    def end(self):
        self.done = True
        self.join(support.DEADLINE)


class Receiver:
    def __init__(self, case, port=0, heartbeat_ms=QUIET_MS):
        self.process = subprocess.Popen([FLOOD, "receive", str(port), str(heartbeat_ms)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        case.addCleanup(self.process.stdout.close)
        case.addCleanup(self.process.kill)
        self.port = int(self.process.stdout.readline().split()[1])
        self.numbers = []
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            if line.endswith("\n"):
                self.numbers.append(int(line))

    def end(self):
        self.process.stdin.close()
        code = self.process.wait(support.DEADLINE)
        self.reader.join(support.DEADLINE)
        return code

    def kill(self):
        self.process.kill()
        self.process.wait(support.DEADLINE)
        self.process.stdin.close()
        self.reader.join(support.DEADLINE)


@unittest.skipUnless(os.path.exists(FLOOD), f"{FLOOD} is not built")
class Faults(support.Case):
    MANY = 50_000   # numbers where nothing goes wrong
    SOME = 6000     # numbers where much does
    KILLS = 2

    @staticmethod
    def seed():
        seed = int(os.environ.get("REFLOW_TEST_SEED") or random.SystemRandom().randrange(1 << 32))
        print(f"REFLOW_TEST_SEED={seed}", file=sys.stderr)
        return seed

    def send(self, port, count, scheme="", heartbeat_ms=QUIET_MS):
        process = subprocess.Popen([FLOOD, "send", f"{scheme}127.0.0.1:{port}", str(count),
                                    str(heartbeat_ms)], stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        return process

    def sent(self, process, count):
        """The books of a sender that has ended, which balance."""
        out = process.communicate(timeout=support.DEADLINE * 3)[0].splitlines()
        self.assertEqual(process.returncode, 0)
        books = json.loads(out[-1])
        self.assertEqual(books["sent"], count)
        self.assertEqual(books["delivered"] + books["refused"] + books["in_doubt"], count)
        self.assertEqual((books["refused"], books["unconfirmed"]), (0, 0))
        return books

    def has(self, numbers, books, held=0):
        """A receiver has what is delivered, but for what it held when it was killed, and some of the rest."""
        self.assertLessEqual(books["delivered"] - held, len(numbers))
        self.assertLessEqual(len(numbers), books["delivered"] + books["in_doubt"])

    def in_order(self, numbers):
        self.assertTrue(all(a < b for a, b in zip(numbers, numbers[1:])), "out of order, or twice")

    def test_without_faults(self):
        count = self.MANY
        for scheme in ("ws://", "tcp://"):
            receiver = Receiver(self)
            books = self.sent(self.send(receiver.port, count, scheme), count)
            self.assertEqual((books["delivered"], books["in_doubt"]), (count, 0))
            support.wait_for(lambda: len(receiver.numbers) == count, "all arrive")
            self.assertEqual(receiver.numbers, list(range(count)))
            self.assertEqual(receiver.end(), 0)

    def through(self, kinds, every, count, scheme, seed):
        heartbeat_ms = SHORT_MS if "hole" in kinds else QUIET_MS
        receiver = Receiver(self, heartbeat_ms=heartbeat_ms)
        proxy = Proxy(receiver.port, seed, {"kinds": kinds, "every": every})
        proxy.start()
        sender = self.send(proxy.ours, count, scheme, heartbeat_ms)
        books = self.sent(sender, count)
        proxy.end()
        self.assertEqual(receiver.end(), 0)
        return receiver.numbers, proxy, books

    def gaps(self, numbers, count):
        edges = [-1] + numbers + [count]
        return sum(1 for a, b in zip(edges, edges[1:]) if b != a + 1)

    def test_faults(self):
        seed = self.seed()
        for kinds, every in ((["hold"], 5), (["cut", "truncate"], 25),
                             (["cut", "hold", "truncate", "hole"], 30)):
            for scheme in ("ws://", "tcp://"):
                with self.subTest(kinds=kinds, scheme=scheme, seed=seed):
                    numbers, proxy, books = self.through(kinds, every, self.SOME, scheme, seed)
                    self.in_order(numbers)
                    self.has(numbers, books)
                    # Links that end by themselves, as a heartbeat is late, count as well.
                    ends = sum(proxy.counts.get(kind, 0) for kind in ("cut", "truncate", "hole"))
                    self.assertLessEqual(self.gaps(numbers, self.SOME),
                                         max(ends, proxy.accepted))

    def test_bytes_in_disorder(self):
        """What TCP never does: the link ends, and nothing that was not sent is delivered, nor twice."""
        seed = self.seed()
        with self.subTest(seed=seed):
            numbers, _, _ = self.through(["double", "swap"], 30, self.SOME, "ws://", seed)
            self.in_order(numbers)

    def test_killed(self):
        """kill -9 of the receiver at moments of chance: what came is in order, and the rest goes on."""
        seed = self.seed()
        chance = random.Random(seed)
        port, count = support.free_port(), self.KILLS * 60_000
        receiver = Receiver(self, port)
        sender = self.send(port, count, "tcp://")
        all_numbers = []
        with self.subTest(seed=seed):
            for _ in range(self.KILLS):
                some = chance.randrange(1, 20_000)
                support.wait_for(lambda: len(receiver.numbers) >= some or sender.poll() is not None,
                                 "some have come")
                receiver.kill()
                all_numbers += receiver.numbers
                receiver = Receiver(self, port)
            books = self.sent(sender, count)
            self.assertEqual(receiver.end(), 0)
            all_numbers += receiver.numbers
            self.in_order(all_numbers)
            self.has(all_numbers, books, self.KILLS * HELD)
            # Each kill makes one gap at most.
            self.assertLessEqual(self.gaps(all_numbers, count), self.KILLS)


if __name__ == "__main__":
    unittest.main()
