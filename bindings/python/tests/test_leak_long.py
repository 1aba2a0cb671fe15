"""Ten million packets leave nothing behind: memory stays flat, and what was lent comes back."""

import ctypes
import gc

import pytest

import reflow
from reflow import _reflow


def resident():
    """Bytes of this process that are in memory, without what its allocator only keeps."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


@reflow.actor(inports=["in"], outports=["out"])
def number(ctx, value):
    return {"out": value + 1}


@reflow.actor(inports=["in"], outports=["out"])
def text(ctx, value):
    return {"out": f"text {value}"}


@reflow.actor(inports=["in"], outports=["out"])
def nested(ctx, value):
    return {"out": {"a": [value, {"b": "c"}], "n": [1, 2, 3, 4, value]}}


@reflow.actor(inports=["in"], outports=["out"])
def lent(ctx, value):
    return {"out": b"x" * 5000}


@reflow.actor(inports=["in"], outports=["out"], batch="numpy")
def arrays(ctx, values):
    return {"out": values + 1}


@reflow.actor(inports=["in"], outports=["out"], max_concurrency=64)
async def coroutine(ctx, value):
    return {"out": value}


@reflow.actor(inports=["in"], outports=["out"])
def repeated(ctx, value):
    yield {"out": value}


@reflow.actor(inports=["in"], outports=["out"])
def failing(ctx, value):
    raise ValueError(value)


@pytest.mark.parametrize("actor, rounds", [
    (number, 3000), (text, 1500), (nested, 1000), (lent, 1000), (arrays, 3000), (coroutine, 300),
    (repeated, 500), (failing, 60),
], ids=lambda value: getattr(value, "id", value))
def test_memory_is_flat(actor, rounds):
    parts = 8
    before = _reflow.lent_count()
    with reflow.Network(log=lambda *line: None) as net:  # pytest would keep all lines
        @reflow.actor(inports=["in"], batch=True)
        def sink(ctx, values):
            pass

        net.add("a", actor).add("s", sink).connect("a.out", "s.in")
        sizes = []
        for _ in range(parts):
            for _ in range(rounds // parts):
                net.send_many("a.in", range(1000), 60)
            net.wait_idle(120)
            gc.collect()
            _reflow.drain_deferred()
            sizes.append(resident())
        counts = net.counters("a")
    assert counts["fired"] == rounds // parts * parts * 1000
    # The first two fill what is bounded: errors, dead letters, caches. A leak is in each of the others; pages
    # that a long queue has left in pieces are not.
    assert min(sizes[5:]) - min(sizes[2:5]) < 3 * 1024 * 1024, sizes
    gc.collect()
    _reflow.drain_deferred()
    assert _reflow.lent_count() == before
