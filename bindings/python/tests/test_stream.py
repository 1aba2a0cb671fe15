"""Streams: written and read by coroutines, by functions that wait, and by hosts; how they end."""

import asyncio
import ctypes
import gc
import threading
import time

import pytest

import reflow

STREAM_IN = reflow.Port("in", "stream")


@reflow.actor(inports=["in"], outports=["out"])
async def produce(ctx, count):
    async with ctx.open_stream(content_type="text/plain", metadata={"count": count}, max_frames=2) as stream:
        await ctx.send("out", stream)
        for number in range(count):
            await stream.awrite(b"%d," % number)


@reflow.actor(inports=["in"], outports=["out"])
async def consume(ctx, stream):
    return {"out": b"".join([bytes(frame) async for frame in stream])}


@reflow.actor(inports=[STREAM_IN], outports=["out"])
def consume_waiting(ctx, stream):
    return {"out": b"".join(bytes(frame) for frame in stream)}


@reflow.actor(inports=["in"], outports=["out"])
def same(ctx, value):
    return {"out": value}


def text_of(count):
    return "".join(f"{number}," for number in range(count)).encode()


def all_gone(runtime):
    """Whether all streams end; tasks and threads let go of theirs a little behind the end of a firing."""
    end = time.monotonic() + 10
    while runtime.streams() and time.monotonic() < end:
        gc.collect()
        reflow._reflow.drain_deferred()
        time.sleep(0.001)
    return runtime.streams() == 0


def pipeline(net, *actors):
    """A chain of nodes n0, n1, ...; the reader of its end."""
    for number, actor in enumerate(actors):
        net.add(f"n{number}", actor)
        if number:
            net.connect(f"n{number - 1}.out", f"n{number}.in")
    return net.stream(f"n{len(actors) - 1}.out")


def pair(net, **options):
    """A stream that the host writes, and what it reads where it was sent through a node."""
    out = pipeline(net, same)
    writer = net.open_stream(**options)
    net.send("n0.in", writer)
    return writer, out.recv(5)


# ---- actors


@pytest.mark.parametrize("reader", [consume, consume_waiting], ids=["await", "wait"])
def test_between_actors(net, reader):
    out = pipeline(net, produce, same, reader)
    net.send_many("n0.in", [0, 1, 1000])
    assert sorted(out.recv(10) for _ in range(3)) == sorted(text_of(n) for n in (0, 1, 1000))
    assert all_gone(net.runtime)


@pytest.mark.parametrize("mode", ["own", "inline"])
def test_hosts(mode):
    with reflow.Network(mode=mode) as net:
        writer, reader = pair(net, content_type="text/csv", size_hint=6, metadata={"rows": 2}, max_frames=8)
        assert (reader.content_type, reader.size_hint, reader.metadata) == ("text/csv", 6, {"rows": 2})
        with writer:
            writer.write(b"1,2\n")
            writer.write(bytearray(b"3"))
        assert [bytes(frame) for frame in reader] == [b"1,2\n", b"3"]
        assert reader.read() is None and reader.state == "ended" == writer.state


def test_a_generator_that_waits(net):
    @reflow.actor(inports=[STREAM_IN], outports=["out"])
    def lengths(ctx, stream):
        for frame in stream:
            yield {"out": len(frame)}

    out = pipeline(net, produce, lengths)
    net.send("n0.in", 12)
    assert [out.recv(10) for _ in range(12)] == [2] * 10 + [3] * 2


def test_written_by_a_function_that_waits(net):
    box = []

    @reflow.actor(inports=["in"], outports=["out"], blocking=True)
    def fill(ctx, stream):
        for number in range(100):
            box[0].write(b"%d," % number)
        box[0].end()

    out = pipeline(net, consume)
    net.add("fill", fill)
    box.append(net.open_stream(max_frames=1))
    net.send("n0.in", box[0])
    net.send("fill.in", None)
    assert out.recv(10) == text_of(100)


def test_built_in_components_read_and_write(net, tmp_path):
    path = tmp_path / "data"
    path.write_bytes(bytes(range(256)) * 1000)

    @reflow.actor(inports=["in"], outports=["out"])
    async def upper(ctx, stream):
        async with ctx.open_stream() as copy:
            await ctx.send("out", copy)
            async for frame in stream:
                await copy.awrite(frame)

    net.add("read", "StreamRead", {"path": str(path), "chunk_bytes": 1000})
    net.add("copy", upper)
    net.add("all", "StreamCollect")
    net.connect("read.out", "copy.in").connect("copy.out", "all.in")
    out = net.stream("all.out")
    net.start()
    assert out.recv(10) == path.read_bytes()


def test_inside_of_values(net):
    out = pipeline(net, same)
    streams = [net.open_stream(content_type=kind) for kind in ("a", "b")]
    net.send("n0.in", {"first": streams[0], "more": [streams[1]]})
    value = out.recv(5)
    for stream, kind in zip(streams, "ab"):
        stream.write(kind.encode())
        stream.end()
    assert value["first"].collect() == b"a" and value["more"][0].collect() == b"b"


# ---- frames


def test_frames_are_not_copied(net):
    writer, reader = pair(net)
    data = bytes(range(256)) * 64
    start = ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p).value
    writer.write(data)
    writer.write(memoryview(data)[4096:])
    first, second = reader.read(5), reader.read(5)
    numpy = pytest.importorskip("numpy")
    assert numpy.frombuffer(first, "uint8").ctypes.data == start
    assert numpy.frombuffer(second, "uint8").ctypes.data == start + 4096
    assert first.readonly and first == data and second == data[4096:]


def test_what_can_be_changed_is_copied(net):
    writer, reader = pair(net)
    data = bytearray(b"a" * 10000)
    writer.write(data)
    data[:] = b"b" * 10000
    assert reader.read(5) == b"a" * 10000


def test_frames_outlive_the_network():
    with reflow.Network() as net:
        writer, reader = pair(net)
        writer.write(b"x" * 5000)
        frame = reader.read(5)
        reader.close()
        writer.close()
    del writer, reader, net
    gc.collect()
    assert bytes(frame) == b"x" * 5000


def test_chunks(net):
    writer, reader = pair(net)
    writer.write(b"abcdefg", chunk=3)
    writer.write(memoryview(b"0123")[::2])
    writer.end()
    assert [bytes(frame) for frame in reader] == [b"abc", b"def", b"g", b"02"]
    with pytest.raises(reflow.InvalidArgumentError, match="chunk"):
        writer.write(b"x", chunk=0)


@pytest.mark.parametrize("data", ["text", 7, None, [1], reflow.Message("text")], ids=repr)
def test_frames_are_bytes(net, data):
    writer, reader = pair(net)
    with pytest.raises(reflow.WrongKindError, match="a frame of a stream is bytes"):
        writer.write(data)
    writer.write(b"still usable")
    assert reader.read(5) == b"still usable"


# ---- waiting


def test_backpressure(net):
    writer, reader = pair(net, max_frames=2)
    assert writer.try_write(b"1") and writer.try_write(b"2") and not writer.try_write(b"3")
    with pytest.raises(reflow.TimeoutError, match="the stream is full"):
        writer.write(b"3", timeout=0.01)
    assert reader.read(0) == b"1"
    assert writer.try_write(b"3") and not writer.try_write(b"4")
    assert [reader.read(0), reader.read(0)] == [b"2", b"3"]
    with pytest.raises(reflow.TimeoutError, match="nothing has come"):
        reader.read(0.01)
    with pytest.raises(reflow.TimeoutError):
        reader.read(0)
    with pytest.raises(reflow.TimeoutError, match="has not ended"):
        reader.collect(timeout=0.01)


def test_a_thread_waits(net):
    writer, reader = pair(net, max_frames=1)

    def write():
        with writer:
            for number in range(200):
                writer.write(b"%d," % number, timeout=10)

    thread = threading.Thread(target=write)
    thread.start()
    assert reader.collect(timeout=10) == text_of(200)
    thread.join(10)
    assert not thread.is_alive()


def test_awaiting_room_and_frames():
    async def main():
        async with reflow.Network() as net:
            writer, reader = pair(net, max_frames=1)
            await writer.awrite(b"1")
            writing = asyncio.ensure_future(writer.awrite(b"2"))
            await asyncio.sleep(0)
            assert not writing.done()
            assert await reader.aread() == b"1"
            await asyncio.wait_for(writing, 10)
            assert await reader.aread() == b"2"
            reading = asyncio.ensure_future(reader.aread())
            await asyncio.sleep(0)
            assert not reading.done()
            await writer.awrite(b"3")
            assert await asyncio.wait_for(reading, 10) == b"3"
            cancelled = asyncio.ensure_future(reader.aread())
            await asyncio.sleep(0)
            cancelled.cancel()
            reading = [asyncio.ensure_future(reader.aread()) for _ in range(2)]
            for frame in (b"a", b"b"):
                await writer.awrite(frame)
            assert sorted(map(bytes, await asyncio.gather(*reading))) == [b"a", b"b"]
            with pytest.raises(asyncio.CancelledError):
                await cancelled
            collecting = asyncio.ensure_future(reader.acollect())
            await writer.awrite(b"45", chunk=1)
            writer.end()
            assert await asyncio.wait_for(collecting, 10) == b"45"
            assert [frame async for frame in reader] == []

    asyncio.run(main())


def test_no_wait_on_the_thread_of_a_loop():
    async def main():
        async with reflow.Network() as net:
            writer, reader = pair(net, max_frames=1)
            for call, hint in ((reader.read, "aread"), (reader.collect, "acollect"),
                               (lambda: writer.write(b"2"), "awrite")):
                if hint == "awrite":
                    writer.write(b"1")
                with pytest.raises(reflow.WouldDeadlockError) as caught:
                    call()
                assert hint in caught.value.hint

    asyncio.run(main())


@pytest.mark.parametrize("options", [{}, {"mode": "inline", "blocking": True}], ids=["worker", "inline"])
def test_no_wait_on_a_worker(options):
    blocking = options.pop("blocking", False)
    told = []

    @reflow.actor(inports=["in"], blocking=blocking)
    def read(ctx, stream):
        with pytest.raises(reflow.TimeoutError):
            stream.read(0)
        with pytest.raises(reflow.WouldDeadlockError) as caught:
            stream.read(5)
        told.append(caught.value.hint)

    with reflow.Network(**options) as net:
        net.add("read", read)
        writer = net.open_stream()
        net.send("read.in", writer)
        net.wait_idle(5)
        assert not list(net.dead_letters)
    assert len(told) == 1 and "blocking=True" in told[0]


def test_stopping_ends_waits(net):
    began = threading.Event()
    raised = []

    @reflow.actor(inports=[STREAM_IN])
    def read(ctx, stream):
        began.set()
        try:
            stream.read()
        except reflow.CancelledError as error:
            raised.append(error)
            raise

    net.add("read", read)
    writer = net.open_stream()
    net.send("read.in", writer)
    assert began.wait(10)
    net.stop(10)
    assert len(raised) == 1
    with pytest.raises(reflow.ClosedError):
        writer.write(b"x")


# ---- how it ends


def test_failing(net):
    writer, reader = pair(net)
    writer.write(b"part")
    writer.fail("the disk is full")
    assert reader.read(5) == b"part"
    for _ in range(2):
        with pytest.raises(reflow.FailedError, match="the disk is full"):
            reader.read(5)
    assert reader.state == "failed"
    for call in (writer.end, lambda: writer.write(b"x"), lambda: writer.fail("again")):
        with pytest.raises(reflow.ClosedError, match="has ended"):
            call()


def test_a_block_that_raises_fails_the_stream(net):
    writer, reader = pair(net)
    with pytest.raises(ZeroDivisionError), writer:
        1 / 0
    with pytest.raises(reflow.FailedError, match="ZeroDivisionError: division by zero"):
        reader.collect(timeout=5)
    for call in (reader.read, reader.collect):
        with pytest.raises(reflow.FailedError, match="division by zero"):
            call()


def test_a_writer_that_is_dropped(net):
    writer, reader = pair(net)
    del writer
    gc.collect()
    with pytest.raises(reflow.FailedError, match="without an end"):
        reader.read(5)


def test_a_reader_that_goes(net):
    writer, reader = pair(net, max_frames=1)
    writer.write(b"1")
    raised = threading.Event()

    def write():
        try:
            writer.write(b"2", timeout=10)
        except reflow.ClosedError:
            raised.set()

    thread = threading.Thread(target=write)
    thread.start()
    with reader:
        assert reader.read(5) == b"1"
    thread.join(10)
    with pytest.raises(reflow.ClosedError, match="nobody reads"):
        writer.write(b"3")
    with pytest.raises(reflow.ClosedError, match="is closed"):
        reader.read(5)
    writer.end()  # whoever has written all has done his part


def test_awaiting_is_ended_by_close():
    async def main():
        async with reflow.Network() as net:
            writer, reader = pair(net, max_frames=1)
            reading = asyncio.ensure_future(reader.aread())
            await asyncio.sleep(0)
            closing = threading.Thread(target=reader.close)
            closing.start()
            with pytest.raises(reflow.ClosedError):
                await asyncio.wait_for(reading, 10)
            # Who waits is told before the writer is.
            await asyncio.to_thread(closing.join)
            with pytest.raises(reflow.ClosedError):
                await writer.awrite(b"1")

    asyncio.run(main())


def test_cancelling_a_writer(net):
    writer, reader = pair(net)
    writer.cancel("no longer wanted")
    with pytest.raises(reflow.FailedError, match="no longer wanted"):
        reader.read(5)
    writer.cancel()


def test_a_handle_that_nobody_takes(net):
    net.add("drop", reflow.actor(inports=["in"])(lambda ctx, value: None))
    writer = net.open_stream()
    net.send("drop.in", writer)
    net.wait_idle(5)
    with pytest.raises(reflow.ClosedError, match="nobody reads"):
        writer.write(b"x")


@pytest.mark.parametrize("form", ["call", "generator", "await"])
def test_an_actor_that_fails_reads_no_more(net, form):
    """Though the network keeps its exception, and that the stream."""
    if form == "call":
        @reflow.actor(inports=[STREAM_IN])
        def read(ctx, stream):
            raise ValueError(bytes(stream.read()))
    elif form == "generator":
        @reflow.actor(inports=[STREAM_IN], outports=["out"])
        def read(ctx, stream):
            yield {"out": bytes(stream.read())}
            raise ValueError("b'x'")
    else:
        @reflow.actor(inports=["in"])
        async def read(ctx, stream):
            raise ValueError(bytes(await stream.aread()))

    net.add("read", read)
    writer = net.open_stream()
    writer.write(b"x")
    net.send("read.in", writer)
    net.wait_idle(10)
    assert "b'x'" in str(net.errors[0].exception)
    with pytest.raises(reflow.ClosedError, match="nobody reads"):
        writer.write(b"y")


def test_who_reads(net):
    out = pipeline(net, same)
    writer = net.open_stream()
    net.send_many("n0.in", [writer, writer])
    first, second = out.recv(5), out.recv(5)
    writer.write(b"x")
    assert first.read(5) == b"x"
    with pytest.raises(reflow.AlreadyExistsError):
        second.read(5)
    with pytest.raises(reflow.InvalidStateError, match="was received"):
        first.write(b"y")
    with pytest.raises(reflow.InvalidStateError, match="was sent"):
        writer.read(0)
    with pytest.raises(reflow.InvalidStateError, match="was sent already"):
        net.send("n0.in", writer)
    lost = reflow.Message.from_json(reflow.Message(second).to_json(tagged=True), tagged=True)
    net.send("n0.in", lost)
    with pytest.raises(reflow.NotFoundError):
        out.recv(5).read(0)


def test_observers(net):
    writer, reader = pair(net)
    best, all_of_it = reader.observe(max_frames=2), reader.observe(reliable=True)
    for number in range(5):
        writer.write(b"%d" % number)
    writer.end()
    assert b"".join(all_of_it) == b"01234" == reader.collect()
    assert b"".join(best) == b"01" and best.missed == 3 and reader.missed == 0


def test_limits(net):
    writer, reader = pair(net)
    writer.write(b"x" * 100)
    writer.end()
    with pytest.raises(reflow.LimitError):
        reader.collect(max_bytes=99, timeout=5)
    with pytest.raises(reflow.LimitError, match="max_frames"):
        net.open_stream(max_frames=10_000_000)
    with pytest.raises(reflow.WrongKindError):
        net.open_stream(metadata={"stream": net.open_stream()})


def test_two_threads(net):
    writer, reader = pair(net)
    began = threading.Event()
    ended = threading.Event()

    def read():
        began.set()
        while not ended.is_set():
            try:
                reader.read()
            except reflow.InvalidStateError:  # the other thread was inside first
                continue
            except reflow.ClosedError:
                ended.set()

    thread = threading.Thread(target=read)
    thread.start()
    assert began.wait(10)
    while True:  # until the other thread is inside
        try:
            reader.read(0)
        except reflow.TimeoutError:
            continue
        except reflow.InvalidStateError as error:
            assert "two threads read" in error.message
            break
    reader.close()
    thread.join(10)
    assert ended.is_set()


def test_nothing_is_left(net):
    runtime = net.runtime
    writer = net.open_stream()
    net.add("keep", reflow.actor(inports=["in"])(lambda ctx, value: setattr(ctx.state, "kept", value)))
    net.send("keep.in", writer)
    net.wait_idle(5)
    assert runtime.streams() == 1
    del writer
    net.remove("keep")
    net.wait_idle(5)
    assert all_gone(runtime)


def test_a_forked_child(program):
    done = program("""
        import os, reflow
        net = reflow.Network()
        stream = net.open_stream()
        child = os.fork()
        if child == 0:
            try:
                stream.try_write(b"x")
            except reflow.ForkedError:
                os._exit(7)
            os._exit(1)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        net.close()
    """)
    assert (done.returncode, done.stdout) == (0, "7\n"), done.stderr


def test_the_end_of_the_program(program):
    """Streams with somebody who waits for them do not keep a process, nor end it badly."""
    done = program("""
        import threading, reflow
        @reflow.actor(inports=[reflow.Port("in", "stream")])
        def read(ctx, stream):
            began.set()
            stream.read()
        began = threading.Event()
        net = reflow.Network()
        net.add("read", read)
        writer = net.open_stream()
        net.send("read.in", writer)
        began.wait(10)
        print("end")
    """)
    assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")


# ---- across links


def test_over_a_link(net):
    out = pipeline(net, consume)
    failures = net.events(["ActorFailed"])
    net.start()
    local = {"bind_address": "127.0.0.1", "auth_token": "secret"}
    with reflow.Peer("alpha", network=net, **local) as there, \
            reflow.Peer("beta", listen=False, **local) as here:
        assert here.connect(f"127.0.0.1:{there.port}") == "alpha"
        stream = here.open_stream(max_frames=4)
        here.send("alpha", "n0.in", stream)
        with stream:
            for number in range(500):
                stream.write(b"%d," % number, timeout=10)
        assert out.recv(10) == text_of(500)
        broken = here.open_stream()
        here.send("alpha", "n0.in", broken)
        broken.fail("the source has gone")
        failed = failures.poll(10)
        assert [event.node for event in failed] == ["n0"] and "the source has gone" in failed[0].error
