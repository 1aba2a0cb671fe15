"""Runs the cases of the Autobahn test suite against a port.

The suite is written for Python 2.7 and a library of that time. Its cases are Python files of their own, which
say what is sent, what is expected and what the verdict is; they are run here as they are, but for the words
of Python 2. What they stand on, the client that sends whatever it is told to, is written anew below, with the
states and the way to close of the library (autobahn 0.10.9) that the verdicts look at.

A text of Python 2 is octets: here it is a str of the characters 0 to 255. What a case says of time is of two
kinds. How long it lets the server be in between (continueLater) is kept. How long it waits for the server
is a limit, and a busy machine is not a wrong answer: that is PATIENCE times as long.
"""

import asyncio
import base64
import binascii
import codecs
import collections
import hashlib
import importlib.abc
import importlib.util
import os
import re
import struct
import sys
import types

PATIENCE = 100
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CONNECTING, CLOSING, OPEN, CLOSED = 1, 2, 3, 0  # as they are numbered there
CODES = {"NORMAL": 1000, "GOING_AWAY": 1001, "PROTOCOL_ERROR": 1002, "UNSUPPORTED_DATA": 1003,
         "INVALID_PAYLOAD": 1007, "POLICY_VIOLATION": 1008, "MESSAGE_TOO_BIG": 1009,
         "MANDATORY_EXTENSION": 1010, "INTERNAL_ERROR": 1011}


def octets(text):
    return text if isinstance(text, bytes) else text.encode("latin-1")


# ---- the cases

class Validator:
    """What the cases of UTF-8 ask while they are made."""

    def reset(self):
        self.decoder = codecs.getincrementaldecoder("utf-8")()

    def validate(self, text):
        """(no error so far, ends between two characters)"""
        try:
            self.decoder.decode(octets(text))
        except UnicodeDecodeError:
            return False, False
        return True, not self.decoder.getstate()[0]

    __init__ = reset


def stand_ins():
    """The modules that cases import, with what those of them use that are run."""
    constants = types.SimpleNamespace(STATE_OPEN=OPEN, STATE_CLOSED=CLOSED, STATE_CLOSING=CLOSING,
                                      STATE_CONNECTING=CONNECTING)
    shorter = types.ModuleType("binascii")
    shorter.b2a_hex = lambda text: binascii.b2a_hex(octets(text)).decode()
    made = {"binascii": shorter}
    for name, content in (("autobahn", {}), ("autobahn.websocket", {}),
                          ("autobahn.websocket.protocol", {"WebSocketProtocol": constants}),
                          ("autobahn.websocket.utf8validator", {"Utf8Validator": Validator})):
        made[name] = types.ModuleType(name)
        vars(made[name]).update(content)
    return made


class Cases(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports the files of a folder in which they find each other, in the words of Python 3."""

    def __init__(self, folder):
        self.folder = folder

    def find_spec(self, name, path=None, target=None):
        file = os.path.join(self.folder, name + ".py")
        if path is None and os.path.exists(file):
            return importlib.util.spec_from_loader(name, self, origin=file)
        return None

    def exec_module(self, module):
        with open(module.__spec__.origin, encoding="latin-1") as file:
            text = file.read()
        text = re.sub(r"^(\s*)print\b(.*)$", r"\1print(\2)", text, flags=re.M)
        text = text.replace("(object, Case, )", "(Case, )")
        text = re.sub(r"(len\(self\.payload\)) / ", r"\1 // ", text)
        vars(module).update(xrange=range, unichr=chr, long=int)
        exec(compile(text, module.__spec__.origin, "exec"), vars(module))  # noqa: S102


def number(name):
    return tuple(int(part) for part in name[len("Case"):].split("_"))


def load(folder):
    """All cases below the folder of the package, by number, and the names of the files left out."""
    folder = os.path.join(folder, "case")
    before = {name: sys.modules.get(name) for name in stand_ins()}
    finder = Cases(folder)
    sys.modules.update(stand_ins())
    sys.meta_path.insert(0, finder)
    try:
        base = importlib.import_module("case").Case
        # An equal text is the same whichever object it is; pickle tells them apart.
        base.compare = lambda self, one, other: one == other
        cases, left_out = {}, []
        for file in sorted(os.listdir(folder)):
            found = re.fullmatch(r"(case(\d+)_\w+)\.py", file)
            if not found:
                continue
            # Compression is not offered; 9.9.1 the suite itself does not run.
            if int(found[2]) >= 12 or found[1] == "case9_9_1":
                left_out.append(found[1])
                continue
            for value in vars(importlib.import_module(found[1])).values():
                for case in value if isinstance(value, list) else [value]:
                    if (isinstance(case, type) and issubclass(case, base) and
                            re.fullmatch(r"Case\d+(_\d+)+", case.__name__)):
                        cases[number(case.__name__)] = case
        return dict(sorted(cases.items())), left_out
    finally:
        sys.meta_path.remove(finder)
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


# ---- the client

def masked(data, mask):
    key = int.from_bytes(mask * (len(data) // 4 + 1), "big") >> 8 * (4 - len(data) % 4)
    return (int.from_bytes(data, "big") ^ key).to_bytes(len(data), "big") if data else b""


class Client(asyncio.Protocol):
    """What a case calls `self.p`. It checks what the server says as strictly as the server is asked to."""

    def __init__(self, case, port):
        self.state = CONNECTING
        self.connectionWasOpen = self.closedByMe = self.failedByMe = self.droppedByMe = False
        self.wasClean = self.createWirelog = False
        self.remoteCloseCode = self.localCloseReason = None
        self.autoFragmentSize = 0
        self.txFrameStats = collections.Counter()
        self.factory = types.SimpleNamespace(isServer=False)
        self.trafficStats = None
        for name, code in CODES.items():
            setattr(self, "CLOSE_STATUS_CODE_" + name, code)
        self.port = port
        self.key = base64.b64encode(os.urandom(16))
        self.buffer = bytearray()
        self.parts = None  # of the message that comes: [is text, bytes]
        self.left = collections.deque()  # to be written, each in a turn of its own
        self.timers = []
        self.done = asyncio.get_running_loop().create_future()
        self.case = case(self)

    # what a case calls, by the names that it knows

    def enableWirelog(self, wanted):
        pass

    def continueLater(self, delay, call, tag=None):
        def go():
            if self.state != CLOSED:
                call()
        self.later(delay, go)

    def killAfter(self, delay):
        self.later(delay * PATIENCE, lambda: self.fail(1001))

    def closeAfter(self, delay):
        """What has come is all that was expected, or it is waited for."""
        def go():
            complete = any(self.case.received == all_of_it
                           for all_of_it in self.case.expected.values())
            if complete:
                self.sendClose()
            else:
                self.later(delay * (PATIENCE - 1), self.sendClose)
        self.later(delay, go)

    def sendFrame(self, opcode, payload="", fin=True, rsv=0, mask=None, payload_len=None,
                  chopsize=None, sync=False):
        data = octets(payload)
        if payload_len is not None:
            data = data * (payload_len // len(data)) + data[:payload_len % len(data)]
        self.txFrameStats[opcode] += 1
        mask = octets(mask) if mask else os.urandom(4)
        self.write(self.head(opcode, len(data), mask, fin, rsv) + masked(data, mask), chopsize, sync)

    def sendMessage(self, payload, isBinary=False, fragmentSize=None):
        if self.state != OPEN:
            return
        data = octets(payload)
        step = fragmentSize or self.autoFragmentSize or len(data) or 1
        for at in range(0, len(data) or 1, step):
            self.sendFrame((2 if isBinary else 1) if at == 0 else 0, data[at:at + step],
                           fin=at + step >= len(data))

    def beginMessage(self):
        self.begins = True

    def beginMessageFrame(self, length):
        if self.state == OPEN:
            self.mask, self.at = os.urandom(4), 0
            self.write(self.head(1 if self.begins else 0, length, self.mask, False, 0))
            self.begins = False

    def sendMessageFrameData(self, payload):
        if self.state == OPEN:
            turn = self.at % 4
            data = octets(payload)
            self.write(masked(data, self.mask[turn:] + self.mask[:turn]))
            self.at += len(data)

    def endMessage(self):
        if self.state == OPEN:
            self.sendFrame(0)

    def sendCloseFrame(self, code=None, reasonUtf8=None, isReply=False):
        if self.state != OPEN:
            return
        body = struct.pack("!H", code) if code is not None else b""
        self.sendFrame(8, body + octets(reasonUtf8 or ""))
        self.state = CLOSING
        self.closedByMe = not isReply
        self.localCloseReason = reasonUtf8
        if self.closedByMe:
            self.later(PATIENCE, self.drop)

    def sendClose(self, code=None, reason=None):
        self.sendCloseFrame(code, None if reason is None else reason.encode("utf-8"))

    # the way out

    @staticmethod
    def head(opcode, size, mask, fin, rsv):
        length = (struct.pack("!B", 0x80 | size) if size < 126 else
                  struct.pack("!BH", 0x80 | 126, size) if size < 65536 else
                  struct.pack("!BQ", 0x80 | 127, size))
        return struct.pack("!B", (0x80 if fin else 0) | rsv << 4 | opcode) + length + mask

    def write(self, data, step=None, alone=False):
        if not step and not alone and not self.left:
            self.transport.write(data)
            return
        idle = not self.left
        self.left.extend(data[at:at + (step or len(data))] for at in range(0, len(data), step or len(data)))
        if idle:
            self.write_on()

    def write_on(self):
        """One piece, and the loop comes round before the next."""
        if self.left and self.state != CLOSED:
            self.transport.write(self.left[0])
            asyncio.get_running_loop().call_soon(self.wrote)

    def wrote(self):
        self.left.popleft()
        self.write_on()

    def later(self, delay, call):
        self.timers.append(asyncio.get_running_loop().call_later(delay, call))

    def drop(self):
        """The server did not do what it had to in time."""
        if self.state != CLOSED:
            self.wasClean = False
            self.droppedByMe = True
            self.state = CLOSED
            self.transport.abort()

    def fail(self, code):
        if self.state == CLOSING:
            self.failedByMe = True
            self.drop()
        elif self.state == OPEN:
            self.failedByMe = True
            self.sendCloseFrame(code)
        elif self.state == CONNECTING:
            self.drop()

    # the way in

    def connection_made(self, transport):
        self.transport = transport
        transport.write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: WebSocket\r\n"
                        b"Connection: Upgrade\r\nPragma: no-cache\r\nCache-Control: no-cache\r\n"
                        b"Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n"
                        % (self.port, self.key))

    def data_received(self, data):
        try:
            self.buffer += data
            while self.state != CLOSED and self.step():
                pass
        except Exception as error:  # a case that raises has not passed
            self.done.set_exception(error)
            self.transport.abort()

    def step(self):
        if self.state == CONNECTING:
            return self.upgraded()
        if len(self.buffer) < 2:
            return False
        first, second = self.buffer[:2]
        kind, size, at = first & 15, second & 127, 2
        if size >= 126:
            at = 4 if size == 126 else 10
            if len(self.buffer) < at:
                return False
            size = int.from_bytes(self.buffer[2:at], "big")
        if len(self.buffer) < at + size:
            return False
        body = bytes(self.buffer[at:at + size])
        del self.buffer[:at + size]
        # Masks, reserved bits and kinds, and what a control frame may be.
        if second & 0x80 or first & 0x70 or kind not in (0, 1, 2, 8, 9, 10) or (
                kind >= 8 and (size > 125 or not first & 0x80)):
            self.fail(1002)
        elif kind == 8:
            self.closed_by_server(body)
        elif kind == 9:
            if self.state == OPEN:
                self.sendFrame(10, body)
            self.case.onPing(body.decode("latin-1"))
        elif kind == 10:
            self.case.onPong(body.decode("latin-1"))
        else:
            self.part(kind, body, bool(first & 0x80))
        return True

    def upgraded(self):
        head, end, rest = bytes(self.buffer).partition(b"\r\n\r\n")
        if not end:
            return False
        lines = head.split(b"\r\n")
        fields = {name.strip().lower(): value.strip() for name, _, value in
                  (line.partition(b":") for line in lines[1:])}
        accept = base64.b64encode(hashlib.sha1(self.key + GUID).digest())
        if (not lines[0].startswith(b"HTTP/1.1 101 ") or fields.get(b"sec-websocket-accept") != accept or
                fields.get(b"upgrade", b"").lower() != b"websocket"):
            raise AssertionError(f"no upgrade: {head}")
        self.buffer = bytearray(rest)
        self.state = OPEN
        self.connectionWasOpen = True
        self.case.onOpen()
        return True

    def part(self, kind, body, last):
        if (kind == 0) == (self.parts is None):
            self.fail(1002)
            return
        if kind:
            self.parts = [kind == 1, []]
        self.parts[1].append(body)
        if not last:
            return
        text, whole = self.parts[0], b"".join(self.parts[1])
        self.parts = None
        if text and not all(Validator().validate(whole)):
            self.fail(1007)
        elif not self.failedByMe:
            self.case.onMessage(whole.decode("latin-1"), not text)

    def closed_by_server(self, body):
        code = int.from_bytes(body[:2], "big") if len(body) >= 2 else None
        self.remoteCloseCode = code
        if len(body) == 1 or (code is not None and code not in CODES.values() and
                              not 3000 <= code <= 4999):
            self.fail(1002)
        elif not all(Validator().validate(body[2:])):
            self.fail(1007)
        if self.state == OPEN:
            self.sendCloseFrame(1000, isReply=True)
        self.wasClean = self.state != CLOSED
        # It is the server that ends the connection.
        self.later(PATIENCE, self.drop)

    def connection_lost(self, error):
        for timer in self.timers:
            timer.cancel()
        self.state = CLOSED
        if self.done.done():
            return
        try:
            self.case.onConnectionLost(self.failedByMe)
            self.done.set_result({"behavior": self.case.behavior, "result": self.case.result,
                                  "behaviorClose": self.case.behaviorClose,
                                  "resultClose": self.case.resultClose,
                                  "remoteCloseCode": self.remoteCloseCode})
        except Exception as error:
            self.done.set_exception(error)


async def run_all(cases, port, at_once, tls=None):
    """The verdict of each case, by number; so many are under way at a time."""
    room = asyncio.Semaphore(at_once)
    loop = asyncio.get_running_loop()

    async def one(case):
        async with room:
            _, client = await loop.create_connection(lambda: Client(case, port), "127.0.0.1", port,
                                                     ssl=tls)
            return await client.done
    verdicts = await asyncio.gather(*(one(case) for case in cases.values()))
    return dict(zip(cases, verdicts))


def run(cases, port, at_once=8, tls=None):
    return asyncio.run(run_all(cases, port, at_once, tls))
