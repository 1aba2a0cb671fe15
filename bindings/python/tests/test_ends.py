"""How processes begin and end: spawned and forked ones, Ctrl-C, exits in the middle of traffic, other interpreters."""

import multiprocessing
import sys
import time

import pytest

import reflow


@reflow.actor(inports=["in"], outports=["out"])
def same(ctx, value):
    return {"out": value}


def spawned(queue):
    with reflow.Network() as net:
        net.add("n", same)
        out = net.stream("n.out")
        net.send("n.in", "spawned")
        queue.put(out.recv(10))


def test_multiprocessing_spawn():
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    child = context.Process(target=spawned, args=(queue,))
    child.start()
    assert queue.get(timeout=30) == "spawned"
    child.join(30)
    assert child.exitcode == 0


FORK = """
    import os, sys, warnings
    warnings.simplefilter("ignore")
    import reflow

    @reflow.actor(inports=["in"], outports=["out"])
    def same(ctx, value):
        return {"out": value}

    net = reflow.Network()
    net.add("n", same)
    out = net.stream("n.out")
    late = reflow.Network()
    net.send("n.in", 1)
    net.wait_idle(5)
    child = os.fork()
    if child == 0:
        code = 1
        for call in (lambda: net.send("n.in", 1), lambda: net.wait_idle(1), lambda: out.recv(1),
                     lambda: late.wait_idle(1)):
            try:
                call()
            except reflow.ForkedError:
                code = 0
            else:
                code = 2
                break
        if code == 0:
            with reflow.Network() as own:
                own.add("n", same)
                mine = own.stream("n.out")
                own.send("n.in", 5)
                code = 0 if mine.recv(5) == 5 else 3
            net.close()
        sys.exit(code)
    _, status = os.waitpid(child, 0)
    assert out.recv(5) == 1
    net.send("n.in", 2)
    assert out.recv(5) == 2
    sys.exit(os.waitstatus_to_exitcode(status))
"""


def test_fork_gives_a_clear_error(program):
    done = program(FORK)
    assert (done.returncode, done.stderr) == (0, "")


FORKED_INSIDE = """
    import os, sys
    import reflow

    def child(ctx):
        {what}

    def parent(pid):
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) if hasattr(os, "waitstatus_to_exitcode") else \
            os.waitpid(pid, 0)[1] >> 8

    @reflow.actor(inports=["in"], outports=["out"])
    {kind} split(ctx, value):
        pid = os.fork()
        if pid == 0:
            {give} child(ctx)
        {give} {{"out": parent(pid)}}

    with reflow.Network() as net:
        net.add("split", split)
        out = net.stream("split.out")
        net.send("split.in", 1)
        print("parent:", out.recv(60))
"""


@pytest.mark.parametrize("kind, give", [("def", "return"), ("async def", "return"), ("def", "yield")])
@pytest.mark.parametrize("what, code, text", [
    ("return None", 1, "ork"),
    ("return {'out': 2}", 1, "ForkedError"),
    ("raise KeyError('gone')", 1, "KeyError: 'gone'"),
    ("sys.exit(5)", 5, ""),
    ("try: ctx.emit('out', 2)\n        except reflow.ForkedError: os._exit(7)", 7, ""),
    ("os._exit(8)", 8, ""),
])
def test_a_child_that_was_forked_inside_of_an_actor_ends_there(program, kind, give, what, code, text):
    """It must not return into an engine that is its parent's: it would wait for ever for threads that it has not."""
    done = program(FORKED_INSIDE.format(kind=kind, give=give, what=what))
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"parent: {code}\n"
    assert text in done.stderr


SIGNALS = """
    import os, signal, threading, time
    import reflow

    signal.signal(signal.SIGINT, signal.default_int_handler)  # who runs the tests may ignore it
    gate = threading.Event()

    @reflow.actor(inports=[reflow.Port("in", capacity=1)], outports=["out"])
    def wait(ctx, value):
        gate.wait(20)

    net = reflow.Network()
    net.add("w", wait)
    out = net.stream("w.out")
    net.send("w.in", 1)
    waits = [lambda: net.wait_idle(), lambda: net.drain(15), lambda: out.recv(), lambda: next(out),
             lambda: out.recv_many(), lambda: net.stop(15)]
    sends = [lambda: net.send_many("w.in", range(1000)), lambda: [net.send("w.in", i) for i in range(1000)]]
    for call in sends + waits:
        timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
        begin = time.monotonic()
        try:
            timer.start()  # it may be late to return
            call()
        except KeyboardInterrupt:
            took = time.monotonic() - begin
            assert took < 60, took
        else:
            raise SystemExit("not interrupted")
        timer.join()
    gate.set()
    net.close()
    print("good")
"""


def test_ctrl_c_ends_every_wait(program):
    done = program(SIGNALS, timeout=300)
    assert (done.stdout, done.stderr, done.returncode) == ("good\n", "", 0)


TRAFFIC = """
    import asyncio, reflow, sys, threading

    @reflow.actor(outports=["out"])
    def endless(ctx):
        while True:
            yield {"out": [1, "x", {"a": 2.5}]}

    @reflow.actor(inports=["in"], outports=["out"])
    def same(ctx, value):
        return {"out": value}

    @reflow.actor(inports=["in"], outports=["out"], max_concurrency=8)
    async def slow(ctx, value):
        import asyncio
        await asyncio.sleep(0.001)
        return {"out": value}

    net = reflow.Network()
    net.add("s", endless).add("n", same).add("c", slow).add("e", same)
    net.connect("s.out", "n.in").connect("n.out", "c.in").connect("c.out", "e.in")
    out = net.stream("n.out", capacity=100)
    net.start()
    for _ in range(200):
        out.recv(10)

    def read():
        try:
            while True:
                out.recv()
        except reflow.Error:
            pass  # the network was stopped

    def wait():
        try:
            net.wait_idle()
        except reflow.Error:
            pass

    def watch():
        from reflow.events import KINDS
        for event in net.events(KINDS):
            pass

    # Peers of two networks, and threads that send while the interpreter ends.
    def link():
        global peers
        import logging
        logging.getLogger("reflow").setLevel("CRITICAL")  # messages are lost then, which is told
        peers = [reflow.Peer(name, network=net if name == "there" else None, bind_address="127.0.0.1")
                 for name in ("here", "there")]
        for peer in peers:
            peer.start()
        peers[0].connect(f"127.0.0.1:{peers[1].port}")
        sent = threading.Event()

        def send():
            try:
                while True:
                    peers[0].send("there", "e.in", b"x" * 1000)
                    sent.set()
            except reflow.Error:
                pass  # the peer was stopped

        threading.Thread(target=send, daemon=True).start()
        assert sent.wait(60)

    async def leave_loop():
        async for value in net.stream("e.out"):
            return 5

    async def break_loop():
        async for value in net.stream("e.out"):
            sys.exit(6)

    %s
"""


@pytest.mark.parametrize("end, code", [
    ("", 0),
    ("sys.exit(3)", 3),
    ("raise ValueError('end')", 1),
    ("del net, out", 0),
    ("threading.Thread(target=read, daemon=True).start()", 0),
    ("[threading.Thread(target=read, daemon=True).start() for _ in range(1)]; del net", 0),
    ("threading.Thread(target=wait, daemon=True).start()", 0),
    ("threading.Thread(target=lambda: [out.recv(5) for _ in range(500)]).start()", 0),
    ("import os; os._exit(4)", 4),
    ("net.end_sources(); out.close(); net.drain(10)", 0),
    ("threading.Thread(target=watch, daemon=True).start()", 0),
    ("link()", 0),
    ("sys.exit(asyncio.run(leave_loop()))", 5),
    ("asyncio.run(break_loop())", 6),
    ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", -15),
])
def test_the_interpreter_ends_in_the_middle_of_traffic(program, end, code):
    done = program(TRAFFIC % end, timeout=300)
    assert done.returncode == code, done.stderr
    if code != 1:
        assert done.stderr == ""


EXIT = """
    import os, sys, threading
    import reflow

    reached = threading.Event()

    @reflow.actor(inports=["in"])
    def leave(ctx, value):
        reached.set()
        %s

    net = reflow.Network()
    net.add("l", leave)
    net.send("l.in", 1)
    reached.wait(10)
    net.wait_idle(10)
    print([type(e.exception).__name__ for e in net.errors])
"""


def test_leaving_from_an_actor(program):
    assert program(EXIT % "os._exit(7)").returncode == 7
    done = program(EXIT % "sys.exit(7)")
    assert (done.stdout, done.returncode) == ("['SystemExit']\n", 0)
    done = program(EXIT % "raise KeyboardInterrupt")
    assert (done.stdout, done.returncode) == ("['KeyboardInterrupt']\n", 0)


BLOCKED = """
    import threading, time
    import reflow

    reached = threading.Event()

    @reflow.actor(inports=["in"])
    def block(ctx, value):
        reached.set()
        while True:
            time.sleep(0.01)

    net = reflow.Network()
    net.add("b", block)
    net.send("b.in", 1)
    reached.wait(10)
    print("end")
"""


def test_an_actor_that_never_returns_does_not_keep_the_process(program):
    begin = time.monotonic()
    done = program(BLOCKED, timeout=300)
    assert (done.stdout, done.returncode) == ("end\n", 0), done.stderr
    assert time.monotonic() - begin < 100


def test_sub_interpreters_are_refused(program):
    module = "_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters"
    inner = "try: import reflow\nexcept ImportError as error: print(error)\nelse: print('imported')"
    done = program(f"""
        import sys
        import {module} as interpreters
        number = interpreters.create()
        interpreters.run_string(number, "import sys; sys.path[:] = " + repr(sys.path))
        interpreters.run_string(number, {inner!r})
        import reflow
        print(reflow.Message(1).value)
    """)
    assert "subinterpreters" in done.stdout or "sub-interpreters" in done.stdout, done.stderr
    assert "1" in done.stdout.splitlines()  # each interpreter has a buffer of its own


def test_import_is_quick_and_small(program):
    done = program("""
        import sys
        import reflow
        print([m for m in ("asyncio", "numpy", "logging", "inspect", "dataclasses", "typing", "json")
               if m in sys.modules])
    """)
    assert done.stdout == "[]\n"
