"""What a peer calls a program for: requests of HTTP, asked by urllib, and messages that are lost."""

import asyncio
import json
import logging
import queue
import threading
import urllib.error
import urllib.request

import pytest

import reflow

LOCAL = {"bind_address": "127.0.0.1"}


def ask(peer, path, data=None, method=None, **headers):
    request = urllib.request.Request(f"http://127.0.0.1:{peer.port}{path}", data=data, headers=headers,
                                     method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Type"], error.read()


@pytest.fixture
def peer_with():
    peers = []

    def make(handler, **options):
        peer = reflow.Peer("alpha", **LOCAL)
        peers.append(peer)
        assert peer.on_http(handler, **options) is handler
        return peer.start()

    yield make
    for peer in peers:
        peer.close()


def test_a_request(peer_with):
    seen = []

    def answer(request):
        seen.append(request)
        return {"path": request.path, "size": len(request.body)}

    peer = peer_with(answer)
    status, kind, body = ask(peer, "/predict?x=1%20&y", b"\0\1\2", **{
        "Content-Type": "application/x-data", "Authorization": "Bearer t"})
    assert (status, kind, json.loads(body)) == (200, "application/json", {"path": "/predict", "size": 3})
    assert seen == [("POST", "/predict", "x=1%20&y", "application/x-data", "Bearer t", b"\0\1\2")]
    assert ask(peer, "/health")[0] == 200 and len(seen) == 1


@pytest.mark.parametrize("result, expected", [
    (b"bytes", (200, "application/octet-stream", b"bytes")),
    ("tëxt", (200, "text/plain; charset=utf-8", "tëxt".encode())),
    ([1, 2], (200, "application/json", b"[1, 2]")),
    ((404, "no such page"), (404, "text/plain; charset=utf-8", b"no such page")),
    ((201, b"<p>", "text/html"), (201, "text/html", b"<p>")),
])
def test_answers(peer_with, result, expected):
    assert ask(peer_with(lambda request: result), "/") == expected


def test_no_content(peer_with):
    assert ask(peer_with(lambda request: None), "/")[::2] == (204, b"")


@pytest.mark.parametrize("result", [object(), (1, 2, 3, 4), ("a", "b"), (99, "status"), (204, "body")],
                         ids=["object", "four", "text", "99", "204"])
def test_wrong_answers(peer_with, result, caplog):
    peer = peer_with(lambda request: result)
    with caplog.at_level(logging.ERROR, "reflow.peer"):
        assert ask(peer, "/wrong")[0] == 500


def test_a_handler_that_raises(peer_with, caplog):
    def answer(request):
        if request.path == "/bad":
            raise ValueError("secret reason")
        return "good"

    peer = peer_with(answer)
    with caplog.at_level(logging.ERROR, "reflow.peer"):
        status, _, body = ask(peer, "/bad")
    assert status == 500 and b"secret" not in body
    assert "secret reason" in caplog.text and "GET /bad" in caplog.text
    assert ask(peer, "/good")[2] == b"good"


def test_several_threads(peer_with):
    together = threading.Barrier(3)

    def answer(request):
        together.wait(20)  # returns when three are here
        return "together"

    peer = peer_with(answer, threads=3)
    got = queue.SimpleQueue()
    threads = [threading.Thread(target=lambda: got.put(ask(peer, "/"))) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert [got.get(timeout=20)[2] for _ in threads] == [b"together"] * 3


def test_limits(peer_with):
    hold = threading.Event()

    def answer(request):
        hold.wait(20)
        return "late"

    peer = peer_with(answer, timeout=0.05, max_body_bytes=100, max_waiting=1)
    assert ask(peer, "/", b"x" * 101)[0] == 413
    assert ask(peer, "/")[0] == 504
    hold.set()
    for options in ({"threads": 0}, {"max_waiting": 100_000}):
        other = reflow.Peer("beta", **LOCAL)
        with pytest.raises((reflow.InvalidArgumentError, reflow.LimitError)):
            other.on_http(answer, **options)
        other.close()


def test_when_it_can_be_said(peer_with):
    peer = peer_with(lambda request: "x")
    with pytest.raises(reflow.InvalidStateError):
        peer.on_http(lambda request: "y")
    other = reflow.Peer("beta", **LOCAL)
    other.on_http(lambda request: "x")
    with pytest.raises(reflow.AlreadyExistsError):
        other.on_http(lambda request: "y")
    with pytest.raises(reflow.InvalidArgumentError):
        other.on_http("no function")
    other.close()


@pytest.mark.parametrize("own", [True, False], ids=["own loop", "loop of the program"])
def test_coroutines(peer_with, own):
    threads = []

    async def answer(request):
        threads.append(threading.current_thread())
        await asyncio.sleep(0)
        if request.path == "/bad":
            raise ValueError("no")
        return {"path": request.path}

    def check(peer):
        assert ask(peer, "/a")[2] == b'{"path": "/a"}'
        assert ask(peer, "/bad")[0] == 500

    async def main():
        peer = peer_with(answer)
        await asyncio.get_running_loop().run_in_executor(None, check, peer)
        return threading.current_thread()

    if own:
        check(peer_with(answer))
        assert threads[0] is not threading.current_thread()
    else:
        assert asyncio.run(main()) is threads[0]


def test_threads_end_with_the_peer(peer_with):
    peer = peer_with(lambda request: "x")
    assert ask(peer, "/")[0] == 200
    mine = [t for t in threading.enumerate() if t.name == "reflow-http"]
    peer.close()
    for thread in mine:
        thread.join(20)
        assert not thread.is_alive()


# ---- messages that are lost


def test_a_message_that_is_too_old():
    lost = queue.SimpleQueue()
    with reflow.Peer("beta", listen=False, **LOCAL) as peer:
        peer.set_delivery("alpha", "rec", deadline_ms=1, lost=lost.put)
        peer.send("alpha", "rec.in", {"number": 7})
        told = lost.get(timeout=20)
        assert told[:4] == ("alpha", "rec", "in", {"number": 7})
        assert told.status.startswith("REFLOW_ERROR_") and told.reason
        assert peer.status["lost"] == 1


def test_a_function_that_raises(caplog):
    calls = queue.SimpleQueue()

    def lost(message):
        calls.put(message.value)
        raise ValueError("not now")

    with caplog.at_level(logging.ERROR, "reflow.peer"), reflow.Peer("beta", listen=False, **LOCAL) as peer:
        peer.set_delivery("alpha", "rec", deadline_ms=1, lost=lost)
        for number in range(2):
            peer.send("alpha", "rec.in", number)
        assert sorted(calls.get(timeout=20) for _ in range(2)) == [0, 1]
    assert "not now" in caplog.text
