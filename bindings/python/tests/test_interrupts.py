"""Ctrl-C while actors run on the thread that waits, and the end of what an exception leaves."""

import time

import pytest

import reflow

SECONDS = 120


@pytest.mark.parametrize("mode", ["inline", "simulated"])
@pytest.mark.parametrize("wait", ["net.wait_idle()", "net.drain()", "out.recv()", "net.run_all()"])
def test_ctrl_c_comes_out_of_the_wait(program, mode, wait):
    done = program(f"""
        import os, signal, time
        import reflow

        @reflow.actor(inports=["in"], outports=["out"])
        def f(ctx, value):
            if value == 2:
                os.kill(os.getpid(), signal.SIGINT)
                for _ in range(1000):
                    time.sleep(0.01)
            if value > 2:
                return {{"out": value}}

        net = reflow.Network(mode={mode!r})
        net.add("f", f)
        out = net.stream("f.out")
        net.run_all = lambda: net.runtime.run(0, 100.0)
        for value in range(5):
            net.send("f.in", value)
        try:
            {wait}
            for _ in range(10):  # where the wait has a result, the exception comes right behind it
                pass
            print("nothing")
        except KeyboardInterrupt:
            print("interrupted", [type(failure.exception).__name__ for failure in net.errors])
        print(out.recv_many(2, timeout=60) if {wait!r} != "out.recv()" else "-")
        net.close()
    """)
    told = done.stdout.splitlines()
    assert told[0] == "interrupted ['KeyboardInterrupt']", done.stdout + done.stderr


@pytest.mark.parametrize("mode", ["own", "inline"])
def test_ctrl_c_in_setup(program, mode):
    done = program(f"""
        import os, signal, time
        import reflow

        @reflow.actor(inports=["in"])
        class F:
            def setup(self, ctx):
                os.kill(os.getpid(), signal.SIGINT)
                for _ in range(1000):
                    time.sleep(0.01)

            def run(self, ctx, value):
                pass

        net = reflow.Network(mode={mode!r})
        net.add("f", F)
        try:
            net.start()
            print("nothing")
        except KeyboardInterrupt:
            print("interrupted")
        net.close()
    """)
    assert done.stdout == "interrupted\n", done.stdout + done.stderr


def test_a_keyboard_interrupt_of_another_thread_fails_its_firing_only(net):
    @reflow.actor(inports=["in"])
    def f(ctx, value):
        raise KeyboardInterrupt

    net.add("f", f)
    net.send("f.in", 1)
    net.wait_idle(SECONDS)
    assert [type(failure.exception) for failure in net.errors] == [KeyboardInterrupt]


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_an_exception_is_not_held_up_by_an_actor():
    import threading

    begun, goes_on = threading.Event(), threading.Event()

    @reflow.actor(inports=["in"])
    def f(ctx, value):
        begun.set()
        goes_on.wait(SECONDS)

    waited = []
    try:
        with pytest.raises(KeyError):
            with reflow.Network() as net:
                close = net.close
                net.close = lambda timeout: (waited.append(timeout), close(timeout))
                net.add("f", f)
                net.send("f.in", 1)
                assert begun.wait(SECONDS)
                begin = time.monotonic()
                raise KeyError("on its way")
        assert waited == [1.0]
        assert time.monotonic() - begin >= 0.9  # it was waited for, a little
    finally:
        goes_on.set()


def test_ctrl_c_ends_what_is_sent_without_end(program):
    """In bounded memory, which the whole of it would not fit into."""
    done = program("""
        import itertools, os, resource, signal
        import reflow

        resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
        seen = [0]

        @reflow.actor(inports=["in"], batch=True)
        def sink(ctx, values):
            before, seen[0] = seen[0], seen[0] + len(values)
            if before < 100_000 <= seen[0]:
                os.kill(os.getpid(), signal.SIGINT)

        for values in (range(10**9), itertools.count()):
            seen[0] = 0
            with reflow.Network(workers=1) as net:
                net.add("sink", sink)
                try:
                    net.send_many("sink.in", values)
                except KeyboardInterrupt:
                    print("interrupted", seen[0] >= 100_000)
    """)
    assert done.stdout.splitlines() == ["interrupted True"] * 2, done.stdout + done.stderr


def test_iterables_are_sent_in_portions_and_lists_as_a_whole(net):
    seen = []
    net.add("sink", reflow.actor(lambda ctx, values: seen.extend(values), inports=["in"], id="sink", batch=True))
    bad = [*range(5000), object(), 1]
    with pytest.raises(reflow.ConversionError) as refused:
        net.send_many("sink.in", bad)
    assert refused.value.path == "$[5000]"
    net.start()
    net.wait_idle(60)
    assert seen == []
    with pytest.raises(reflow.ConversionError) as refused:
        net.send_many("sink.in", iter(bad))
    assert refused.value.path == "$[5000]"
    net.wait_idle(60)
    assert seen == list(range(4096))
    del seen[:]
    assert net.send_many("sink.in", range(10000)) == 10000
    assert net.send_many("sink.in", (n for n in ())) == 0
    net.wait_idle(60)
    assert seen == list(range(10000))
    with pytest.raises(ZeroDivisionError):
        net.send_many("sink.in", (1 // n for n in (1, 0)))
    with pytest.raises(TypeError):
        net.send_many("sink.in", 5)
