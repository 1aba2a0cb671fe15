"""Networks that record, and their replay."""

import asyncio

import pytest

import reflow


FIRINGS = 20 * 2 + 2  # and the finish of each node


def parts():
    @reflow.actor(inports=["in"], outports=["out"])
    def double(ctx, value):
        return {"out": value * 2}

    @reflow.actor(inports=["in"], outports=["out"])
    class Sum:
        total = 0

        def run(self, ctx, value):
            self.total += value
            return {"out": self.total}

    return double, Sum


def run(path, seed=7, count=20):
    """A recorded run; what came out."""
    with reflow.Network(mode="simulated", seed=seed).record(path) as net:
        double, Sum = parts()
        net.add("d", double).add("s", Sum).connect("d.out", "s.in", capacity=3)
        out = net.stream("s.out")
        for number in range(count):
            net.send("d.in", number)
        net.drain(5)
        values = out.recv_many(1000, 0)
        net.stop(5)
        net.flush_record()
    return values


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "run.recording"
    assert run(path) == [n * (n + 1) for n in range(20)]
    return path


def test_a_replay_does_the_same(recording):
    state = reflow.replay(recording, actors=parts())
    assert state.firings == FIRINGS and not state.truncated and state.next == ""


def test_step_by_step(recording):
    with reflow.Replay(recording, actors=parts()) as again:
        assert again.header["seed"] == "7" and set(again.header["graph"]["processes"]) == {"d", "s"}
        seen = 0
        while again.run(1):
            assert again.state.firings > seen
            seen = again.state.firings
        assert again.state.firings == FIRINGS
        report = again.report()
        assert (report["d"]["fired"], report["s"]["fired"]) == (20, 20)
    with pytest.raises(reflow.ClosedError):
        again.run()


def test_what_differs_is_told(recording):
    double, Sum = parts()

    @reflow.actor(id="double", inports=["in"], outports=["out"])
    def triple(ctx, value):
        return {"out": value * (3 if value == 11 else 2)}

    with pytest.raises(reflow.FailedError, match="'d'"):
        reflow.replay(recording, actors=[triple, Sum])


def test_what_is_external_is_not_called(tmp_path):
    path = tmp_path / "run.recording"
    calls = []

    @reflow.actor(id="Read", inports=["in"], outports=["out"], external=True)
    def read(ctx, value):
        calls.append(value)
        return {"out": [value, len(calls)]}

    with reflow.Network(mode="simulated").record(path) as net:
        net.add("r", read)
        out = net.stream("r.out")
        net.send_many("r.in", ["a", "b"])
        net.drain(5)
        assert out.recv_many(10, 0) == [["a", 1], ["b", 2]]
    assert reflow.replay(path, actors=[read]).firings == 2 + 1
    assert calls == ["a", "b"]


def test_refusals(tmp_path, recording):
    with reflow.Network(mode="simulated") as net:
        net.start()
        with pytest.raises(reflow.InvalidStateError, match="from its beginning"):
            net.record(tmp_path / "late")
        with pytest.raises(reflow.InvalidStateError):
            net.flush_record()
    with reflow.Network().record(tmp_path / "threads") as net:
        with pytest.raises(reflow.UnsupportedError):
            net.start()
    with reflow.Network(mode="simulated").record(recording / "below a file") as net:
        with pytest.raises(reflow.IOError):
            net.start()
    other = tmp_path / "other"
    other.write_bytes(b"no recording")
    with pytest.raises(reflow.ParseError):
        reflow.replay(other)
    with pytest.raises(reflow.IOError):
        reflow.replay(tmp_path / "nowhere")
    with pytest.raises(reflow.NotFoundError, match="double"):
        reflow.replay(recording)
    damaged = tmp_path / "damaged"
    damaged.write_bytes(recording.read_bytes()[:-20])
    state = reflow.replay(damaged, actors=parts())
    assert state.truncated or state.firings < FIRINGS


def test_coroutines_are_played_back(tmp_path):
    """They end in another order than they began, one fails, and a replay calls none of them."""
    calls, ended = [], []

    @reflow.actor(inports=["in"], outports=["out"], max_concurrency=5, ordered=False)
    async def later(ctx, value):
        calls.append(value)
        await asyncio.sleep(0.01 * (5 - value))
        ended.append(value)
        if value == 2:
            raise ValueError("two")
        return {"out": value * 10}

    @reflow.actor(inports=["in"], outports=["out"])
    def plus(ctx, value):
        return {"out": value + 1}

    kinds = ["MessageSent", "ActorFailed"]

    def told(events):
        return [(event.kind, event.node, event.message, event.error) for event in events]

    with reflow.Network(mode="simulated", seed=4).record(tmp_path / "run") as net:
        events = net.events(kinds)
        net.add("later", later)
        net.add("plus", plus)
        net.add("log", "Log")
        net.connect("later.out", "plus.in")
        net.connect("plus.out", "log.in")
        for value in range(5):
            net.send("later.in", value)
        net.wait_idle(timeout=10)
        net.flush_record()
        recorded = told(events.poll(1000))
    assert sorted(ended) == [0, 1, 2, 3, 4]
    assert sum(kind == "MessageSent" for kind, *_ in recorded) == 8
    with reflow.Replay(tmp_path / "run", actors=[later, plus]) as again:
        events = again.events(kinds)
        again.run()
        assert told(events.poll(1000)) == recorded
        assert not again.state.reason and not again.state.truncated
        assert again.report()["later"]["failed"] == 1
    assert len(calls) == 5


def test_events_and_looking_into_inports(recording):
    """Compared with the run itself: each value once, in its order, and what waits adds up."""
    with reflow.Replay(recording, actors=parts()) as again:
        events = again.events(["MessageSent", "NetworkShutdown"])
        sent, waited = [], set()
        while again.run(1):
            sent.extend(event.message for event in events if event.kind == "MessageSent" and event.peer == "s")
            waiting = again.peek("s.in", 100)
            waited.add(len(waiting))
            assert waiting == sent[len(sent) - len(waiting):]
        assert sent == [2 * number for number in range(20)]
        assert max(waited) == 3  # what the port holds
        assert again.events(["MessageSent"]).poll() == []
        with pytest.raises(reflow.NotFoundError):
            again.peek("s.inn")
        with pytest.raises(reflow.InvalidArgumentError, match="did you mean"):
            again.events(["MesageSent"])
    assert [event.kind for event in events.poll()] == ["NetworkShutdown"]
    assert events.poll() == [] and events.ended
