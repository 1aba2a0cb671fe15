"""reflow in a loop of asyncio, by ctypes and the header alone: other tasks run beside it.

Environment: REFLOW_LIBRARY, the path of libreflow.so; default: the one of the system.
"""
import asyncio
import ctypes
import os
import sys
from ctypes import POINTER, byref, c_bool, c_char_p, c_int32, c_int64, c_size_t, c_uint32, c_uint64
from ctypes import c_void_p

reflow = ctypes.CDLL(os.environ.get("REFLOW_LIBRARY", "libreflow.so.1"))
MODE_HOSTED = 2
FORMAT_JSON = 1
DOCUMENT = b"""{"processes": {"later": {"component": "Delay", "metadata": {"ms": 5}},
    "square": {"component": "Map", "metadata": {"value": "it * it"}}},
  "connections": [{"from": {"nodeId": "later", "portId": "out"},
    "to": {"nodeId": "square", "portId": "in"}}],
  "inports": {"number": {"nodeId": "later", "portId": "in"}},
  "outports": {"square": {"nodeId": "square", "portId": "out"}}}"""


class View(ctypes.Structure):
    _fields_ = [("data", c_char_p), ("size", c_size_t)]


class Message(ctypes.Structure):
    _fields_ = [("tag", c_uint64), ("payload", c_uint64)]


class Inport(ctypes.Structure):
    _fields_ = [("id", c_uint64)]


class RuntimeOptions(ctypes.Structure):
    """The first fields; what is missing has its default."""
    _fields_ = [("struct_size", c_uint32), ("mode", c_int32)]


def function(name, *arguments, result=c_int32):
    found = getattr(reflow, "reflow_" + name)
    found.argtypes = arguments
    found.restype = result
    return found


ERROR = POINTER(c_void_p)
error_text = function("error_text", c_void_p, result=View)
error_destroy = function("error_destroy", c_void_p, result=None)
runtime_create = function("runtime_create", POINTER(RuntimeOptions), POINTER(c_void_p), ERROR)
runtime_destroy = function("runtime_destroy", c_void_p, result=None)
runtime_descriptor = function("runtime_descriptor", c_void_p, POINTER(c_int32), ERROR)
runtime_run_for = function("runtime_run_for", c_void_p, c_uint64, c_uint64, POINTER(c_bool), ERROR)
graph_load = function("graph_load", View, c_int32, View, POINTER(c_void_p), ERROR)
graph_destroy = function("graph_destroy", c_void_p, result=None)
network_create = function("network_create", c_void_p, c_void_p, POINTER(c_void_p), ERROR)
network_destroy = function("network_destroy", c_void_p, result=None)
network_start = function("network_start", c_void_p, ERROR)
network_find_inport = function("network_find_inport", c_void_p, View, View, POINTER(Inport), ERROR)
network_open_output = function("network_open_output", c_void_p, View, View, c_uint32,
                               POINTER(c_void_p), ERROR)
network_send = function("network_send", c_void_p, Inport, Message, c_int64, ERROR)
output_recv_many = function("output_recv_many", c_void_p, POINTER(Message), c_size_t, c_int64,
                            POINTER(c_size_t), ERROR)
output_destroy = function("output_destroy", c_void_p, result=None)
message_integer = function("message_integer", c_int64, result=Message)
message_get_integer = function("message_get_integer", Message, POINTER(c_int64))


def view(text):
    return View(text, len(text))


def check(call, *arguments):
    """Calls a function whose last argument is the error."""
    error = c_void_p()
    if call(*arguments, byref(error)) != 0:
        text = error_text(error).data.decode()
        error_destroy(error)
        raise RuntimeError(text)


class Squares:
    """A hosted runtime in the loop that is running."""

    def __init__(self):
        self.runtime, self.network, self.output = c_void_p(), c_void_p(), c_void_p()
        self.input = Inport()
        self.results = asyncio.Queue()
        graph, descriptor = c_void_p(), c_int32()
        options = RuntimeOptions(ctypes.sizeof(RuntimeOptions), MODE_HOSTED)
        check(runtime_create, byref(options), byref(self.runtime))
        check(runtime_descriptor, self.runtime, byref(descriptor))
        check(graph_load, view(DOCUMENT), FORMAT_JSON, view(b""), byref(graph))
        check(network_create, self.runtime, graph, byref(self.network))
        graph_destroy(graph)
        check(network_find_inport, self.network, view(b""), view(b"number"), byref(self.input))
        check(network_open_output, self.network, view(b""), view(b"square"), 0, byref(self.output))
        check(network_start, self.network)
        self.descriptor = descriptor.value
        asyncio.get_running_loop().add_reader(self.descriptor, self.run)

    def send(self, number):
        check(network_send, self.network, self.input, message_integer(number), 1000)

    def run(self):
        """The descriptor is readable: gives reflow up to a millisecond; it stays readable if that
        was not enough."""
        check(runtime_run_for, self.runtime, 0, 1_000_000, None)
        got, count, value = (Message * 16)(), c_size_t(), c_int64()
        while output_recv_many(self.output, got, 16, 0, byref(count), None) == 0:
            for message in got[:count.value]:
                message_get_integer(message, byref(value))
                self.results.put_nowait(value.value)

    def close(self):
        asyncio.get_running_loop().remove_reader(self.descriptor)
        output_destroy(self.output)
        network_destroy(self.network)
        runtime_destroy(self.runtime)


async def send_all(squares, numbers):
    for number in numbers:
        squares.send(number)
        await asyncio.sleep(0.001)


async def main():
    numbers = range(1, 21)
    squares = Squares()
    sender = asyncio.create_task(send_all(squares, numbers))
    results = [await squares.results.get() for _ in numbers]
    await sender
    squares.close()
    print(*results, sep="\n")
    return 0 if results == [number * number for number in numbers] else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
