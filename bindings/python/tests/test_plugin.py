"""The pytest plugin, in sessions of its own: seeds, what a failure tells, and networks that are closed."""

import os
import re
import subprocess
import sys

import pytest

import reflow

ORDER = """
    import reflow

    @reflow.actor(inports=["in"], outports=["out"])
    def a(ctx, value):
        return {"out": ("a", value)}

    @reflow.actor(inports=["in"], outports=["out"])
    def b(ctx, value):
        return {"out": ("b", value)}

    def order_of(net):
        net.add("a", a).add("b", b).add("c", a)
        net.connect("a.out", "c.in").connect("b.out", "c.in")
        out = net.stream("c.out")
        net.start()
        for i in range(20):
            net.try_send("a.in", i)
            net.try_send("b.in", i)
        net.wait_idle(5)
        return ["".join(str(x) for x in value[1]) for value in out.recv_many(100, 1)]
"""


@pytest.fixture
def session(tmp_path):
    """Runs pytest on a file; returns its exit code and output."""

    def run(text, *arguments, **environment):
        import textwrap

        (tmp_path / "test_it.py").write_text(textwrap.dedent(ORDER) + textwrap.dedent(text))
        folder = os.path.dirname(os.path.dirname(os.path.abspath(reflow.__file__)))
        env = {k: v for k, v in os.environ.items() if not k.startswith(("REFLOW_SEED", "PYTEST"))}
        env.update(environment, PYTHONPATH=folder)
        done = subprocess.run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "test_it.py", *arguments],
                              cwd=tmp_path, env=env, capture_output=True, text=True, timeout=300)
        return done.returncode, done.stdout + done.stderr

    return run


def orders(output):
    return re.findall(r"^ORDER (.+)$", output, re.MULTILINE)


PRINTS = """
    def test_prints(reflow_network, reflow_seed):
        print("\\nORDER", order_of(reflow_network))
        print("\\nSEED", reflow_seed)
"""


def test_one_seed_is_one_order_and_others_are_others(session):
    runs = [session(PRINTS, "-s", f"--reflow-seed={seed}") for seed in (7, 7, 8, 9, 10)]
    assert [code for code, _ in runs] == [0] * 5
    first, again, *others = [orders(output)[0] for _, output in runs]
    assert first == again and len({first, *others}) > 1


def test_the_seed_is_told(session):
    code, output = session(PRINTS, "-s", REFLOW_SEED="0x10")
    assert code == 0 and "reflow: seed 16" in output and "\nSEED 16" in output
    drawn = [re.search(r"reflow: seed (\d+)", session(PRINTS)[1]).group(1) for _ in range(2)]
    assert drawn[0] != drawn[1]


def test_a_failing_test_tells_its_seed_and_its_networks(session):
    code, output = session("""
        def test_fails(reflow_network):
            reflow_network.add("a", a)
            reflow_network.send("a.in", 1)
            reflow_network.wait_idle(5)
            assert False, "on purpose"

        def test_fails_without(tmp_path):
            assert False
    """, "--reflow-seed=5")
    assert code == 1 and output.count("repeat it with --reflow-seed=5") == 1
    assert "a (a): fired 1, received 1" in output


def test_many_seeds(session):
    code, output = session("""
        SEEN = []

        def test_order(reflow_networks, reflow_seed):
            SEEN.append(reflow_seed)
            assert order_of(reflow_networks()) == order_of(reflow_networks())

        def test_without():
            assert SEEN == list(range(100, 110))
    """, "--reflow-seed=100", "--reflow-seeds=10", "-v")
    assert code == 0, output
    assert "11 passed" in output and "test_order[seed109]" in output


def test_networks_are_closed_and_time_is_logical(session):
    code, output = session("""
        import time
        KEPT = []

        @reflow.actor(inports=["in"], outports=["out"])
        class Late:
            def run(self, ctx, value):
                if value is not None:
                    ctx.wake_after(3600)
                else:
                    ctx.emit("out", ctx.now)

        def test_hour(reflow_network, reflow_networks):
            begin = time.monotonic()
            reflow_network.add("l", Late)
            out = reflow_network.stream("l.out")
            reflow_network.send("l.in", 1)
            reflow_network.wait_idle()
            assert out.recv(0) >= 3600
            KEPT.append(reflow_networks(mode="own"))
            KEPT.append(reflow_network)
            assert time.monotonic() - begin < 30

        def test_closed():
            assert [net.closed for net in KEPT] == [True, True]
    """)
    assert code == 0, output


@pytest.mark.parametrize("arguments, environment, text", [
    (["--reflow-seed=x"], {}, "a seed is a whole number"),
    (["--reflow-seed=-1"], {}, "a seed is a whole number"),
    (["--reflow-seeds=0"], {}, "from 1 to 100000"),
    ([], {"REFLOW_SEED": "many"}, "REFLOW_SEED is a whole number"),
])
def test_bad_options(session, arguments, environment, text):
    code, output = session(PRINTS, *arguments, **environment)
    assert code == 4 and text in output
