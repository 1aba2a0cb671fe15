"""Peers, meshes and discovery servers. What they answer over HTTP is asked by urllib."""

import asyncio
import json
import os
import shutil
import signal
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request

import pytest

import reflow

LOCAL = {"bind_address": "127.0.0.1"}


@reflow.actor(inports=["in"], outports=["out"])
def double(ctx, value):
    return {"out": value * 2}


@pytest.fixture
def alpha(net):
    """A peer whose network doubles, and the reader of that."""
    net.add("rec", double)
    out = net.stream("rec.out")
    net.start()
    with reflow.Peer("alpha", network=net, auth_token="secret", **LOCAL) as peer:
        yield peer, out


@pytest.fixture
def beta(alpha):
    with reflow.Peer("beta", auth_token="secret", listen=False, **LOCAL) as peer:
        assert peer.connect(f"127.0.0.1:{alpha[0].port}") == "alpha"
        yield peer


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1 that openssl has made and signed by itself; its key lies beside it."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate")
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / "key.pem",
                    "-out", folder / "cert.pem", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True, timeout=120)
    return folder / "cert.pem"


@pytest.fixture
def key(certificate):
    return certificate.with_name("key.pem")


def fetch(port, path, data=None, **headers):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=data, headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.status, answer.read()


def test_sending(alpha, beta):
    peer, out = alpha
    beta.send("alpha", "rec.in", 21, confirmed=True)
    assert out.recv(5) == 42
    assert beta.send_many("alpha", "rec.in", range(100)) == 100
    values = []
    while len(values) < 100:
        values += out.recv_many(100, 5)
    assert values == [2 * i for i in range(100)]


def test_looking(alpha, beta):
    peer, _ = alpha
    assert beta.connected("alpha") and not beta.connected("gamma")
    assert 0 < beta.ping("alpha") < 10
    assert [actor["actor_id"] for actor in beta.actors("alpha")] == ["rec"]
    link = beta.status["links"][0]
    assert (link["network_id"], link["state"], link["dialled"]) == ("alpha", "connected", True)
    assert [n["network_id"] for n in peer.networks] == ["beta"]
    assert repr(peer) == f"<reflow.Peer 'alpha' on port {peer.port}: 1 links>"
    assert beta.port == 0
    status, body = fetch(peer.port, "/status")
    assert status == 200 and json.loads(body)["network_id"] == "alpha"


def test_remote_actors(alpha):
    peer, out = alpha
    with reflow.Network() as net:
        net.add("d", double)
        with reflow.Peer("gamma", network=net, auth_token="secret", listen=False) as gamma:
            net.start()
            gamma.connect(f"127.0.0.1:{peer.port}")
            assert gamma.register_remote_actor("rec", "alpha", outports=["out"]) == "rec@alpha"
            assert gamma.register_remote_actor("rec", "alpha", alias="other") == "other"
            assert gamma.register_remote_actor("rec", "alpha", strategy="auto_alias") == "alpha_rec"
            with pytest.raises(reflow.AlreadyExistsError, match="name conflict"):
                gamma.register_remote_actor("rec", "alpha", alias="other")
            net.connect("d.out", "rec@alpha.in")
            net.send("d.in", 1)
            assert out.recv(5) == 4


def test_events_of_both_kinds(alpha):
    peer, _ = alpha
    events = peer.events(["connected", "disconnected"])

    async def main():
        with reflow.Peer("beta", auth_token="secret", listen=False) as other:
            other.connect(f"127.0.0.1:{peer.port}")
            first = await asyncio.wait_for(events.__anext__(), 10)
        return first, await asyncio.wait_for(events.__anext__(), 10)

    first, second = asyncio.run(main())
    assert (first["kind"], first["network_id"]) == ("connected", "beta")
    assert (second["kind"], second["network_id"]) == ("disconnected", "beta")
    peer.stop()
    assert list(events) == [] and events.ended


def test_a_file(tmp_path, alpha):
    peer, out = alpha
    file = tmp_path / "beta.toml"
    file.write_text(f'network_id = "beta"\nbind_address = "127.0.0.1"\nbind_port = 0\nauth_token = "secret"\n'
                    f'[[connect]]\nendpoint = "127.0.0.1:{peer.port}"\n')
    with reflow.Peer(config=file) as beta:
        assert beta.status["network_id"] == "beta" and beta.connected("alpha")
    with pytest.raises(reflow.InvalidArgumentError, match="not both"):
        reflow.Peer("x", config=file)
    file.write_text('network_id = "beta"\nbind_port = 0\nauth_tokn = "secret"\n')
    with pytest.raises(reflow.ConfigError, match=r"beta.toml:3:1: unknown key 'auth_tokn'.*'auth_token'") as caught:
        reflow.Peer(config=file)
    assert caught.value.line == 3
    with pytest.raises(OSError):
        reflow.Peer(config=tmp_path / "nope.toml")


@pytest.mark.parametrize("call, error, text", [
    (lambda b: b.send("gamma", "rec.in", 1), reflow.NotFoundError, "gamma"),
    (lambda b: b.send("alpha", "nope.in", 1, confirmed=True), reflow.NotFoundError, "nope"),
    (lambda b: b.send("alpha", "rec", 1), reflow.InvalidArgumentError, "is no port"),
    (lambda b: b.send("alpha", "rec.in", {"a": object()}), reflow.ConversionError, r"\$\.a"),
    (lambda b: b.connect("127.0.0.1:1"), reflow.RefusedError, "refused"),
    (lambda b: b.connect("127.0.0.1:1"), ConnectionError, "refused"),
    (lambda b: b.connect("no-such-host.invalid:9"), reflow.UnresolvedError, "no-such-host"),
    (lambda b: b.connect("http://x"), reflow.InvalidArgumentError, "http"),
    (lambda b: b.connect("127.0.0.1:1", timeout=-1), reflow.InvalidArgumentError, "seconds"),
    (lambda b: b.disconnect("gamma"), reflow.NotFoundError, "gamma"),
    (lambda b: b.ping("gamma"), reflow.NotFoundError, "gamma"),
    (lambda b: b.events("conected"), reflow.InvalidArgumentError, "did you mean 'connected'"),
    (lambda b: b.register_remote_actor("a", "b"), reflow.InvalidStateError, ""),
    (lambda b: b.register_remote_actor("a", "b", strategy="auto"), reflow.InvalidArgumentError, "auto_alias"),
    (lambda b: b.set_delivery("a", "b", delivery="once"), reflow.InvalidArgumentError, "at_least_once"),
    (lambda b: b.set_delivery("a", "b", ack_retrys=1), reflow.InvalidArgumentError, "ack_retries"),
    (lambda b: b.discover(), reflow.InvalidStateError, ""),
])
def test_bad_calls_leave_the_link(alpha, beta, call, error, text):
    with pytest.raises(error, match=text or None):
        call(beta)
    beta.send("alpha", "rec.in", 1)
    assert alpha[1].recv(5) == 2


@pytest.mark.parametrize("keys, error, text", [
    ({"max_conections": 3}, reflow.ConfigError, "did you mean 'max_connections'"),
    ({"bind_port": "a"}, reflow.ConfigError, r"expected an integer.*\$\.bind_port"),
    ({"auth_token": object()}, reflow.InvalidArgumentError, "'auth_token' has a value of type object"),
    ({"bind_port": 70000}, reflow.ConfigError, "70000|65535"),
    ({"discovery_endpoints": ["ftp://x"]}, reflow.Error, "ftp"),
])
def test_bad_configurations(keys, error, text):
    with pytest.raises(error, match=text):
        reflow.Peer("x", **keys)
    with pytest.raises(reflow.InvalidArgumentError, match="network_id"):
        reflow.Peer(**keys)


def test_a_wrong_token_and_a_port_in_use(alpha):
    peer, _ = alpha
    with reflow.Peer("beta", auth_token="wrong", listen=False) as other:
        with pytest.raises(reflow.AuthError, match="auth_token mismatch"):
            other.connect(f"127.0.0.1:{peer.port}")
        with pytest.raises(PermissionError):
            other.connect(f"127.0.0.1:{peer.port}")
    with pytest.raises(reflow.IOError, match=str(peer.port)):
        reflow.Peer("gamma", bind_port=peer.port, **LOCAL).start()
    with pytest.raises(reflow.InvalidStateError):
        peer.start()


def test_used_after_close(alpha):
    beta = reflow.Peer("beta", auth_token="secret", listen=False).start()
    beta.close()
    beta.close()
    for call in (lambda: beta.status, lambda: beta.connect("x:1"), lambda: beta.send("a", "b.c", 1), beta.start):
        with pytest.raises(reflow.ClosedError, match="the peer is closed"):
            call()
    assert repr(beta) == "<reflow.Peer: closed>"


def test_ctrl_c_ends_the_wait_for_a_link():
    signal.signal(signal.SIGINT, signal.default_int_handler)  # who runs the tests may ignore it
    with reflow.Peer("beta", listen=False, connect_timeout_ms=60000, handshake_timeout_ms=60000) as peer:
        import socket

        with socket.socket() as silent:  # takes the connection and never greets
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            main = threading.main_thread().ident
            threading.Timer(0.2, lambda: signal.pthread_kill(main, signal.SIGINT)).start()
            begin = time.monotonic()
            with pytest.raises(KeyboardInterrupt):
                peer.connect(f"127.0.0.1:{silent.getsockname()[1]}", timeout=None)
            assert time.monotonic() - begin < 10


def test_closed_by_another_thread_while_it_waits(alpha):
    beta = reflow.Peer("beta", auth_token="secret", listen=False).start()
    events = beta.events()
    seen = []
    thread = threading.Thread(target=lambda: seen.extend(events))
    thread.start()
    beta.close()
    thread.join(10)
    assert not thread.is_alive()


# ---- TLS -------------------------------------------------------------------------------------------

def test_peer_with_tls(net, certificate, key):
    net.add("rec", double)
    out = net.stream("rec.out")
    net.start()
    keys = dict(tls_certificate_file=certificate, tls_key_file=str(key), **LOCAL)
    with reflow.Peer("alpha", network=net, **keys) as alpha:
        # Python's own TLS is the other side first.
        trust = ssl.create_default_context(cafile=certificate)
        with urllib.request.urlopen(f"https://127.0.0.1:{alpha.port}/status", timeout=60, context=trust) as answer:
            assert json.load(answer)["network_id"] == "alpha"
        for scheme in ("wss", "tls"):
            with reflow.Peer("beta", listen=False, tls_ca_file=certificate) as beta:
                beta.connect(f"{scheme}://127.0.0.1:{alpha.port}", timeout=60)
                assert beta.status["links"][0]["scheme"] == scheme
                beta.send("alpha", "rec.in", 21, confirmed=True)
                assert out.recv(60) == 42
        with reflow.Peer("gamma", listen=False, tls_verify=False) as careless:
            careless.connect(f"wss://127.0.0.1:{alpha.port}", timeout=60)
        with reflow.Peer("delta", listen=False) as careful:
            with pytest.raises(reflow.Error, match="certificate"):
                careful.connect(f"wss://127.0.0.1:{alpha.port}", timeout=60)
            assert careful.status["links"] == []


def test_tables_of_a_configuration_are_dicts(certificate, key):
    table = {"certificate_file": str(certificate), "key_file": key, "ca_file": None}
    with reflow.Peer("alpha", tls=table, **LOCAL) as alpha:
        with reflow.Peer("beta", listen=False, tls={"ca_file": certificate},
                         connect=[{"endpoint": f"wss://127.0.0.1:{alpha.port}"}]) as beta:
            assert beta.connected("alpha")  # the start has dialled
    for keys, error, text in [
        (dict(tls=table, tls_ca_file=certificate), reflow.InvalidArgumentError, "tls= or tls_ca_file=, not both"),
        (dict(tls={}, tls_verify=False), reflow.InvalidArgumentError, "tls= or tls_verify=, not both"),
        (dict(tls_key_file=key), reflow.ConfigError, "go together"),
        (dict(tls={"ca_fil": "x"}), reflow.ConfigError, "did you mean 'ca_file'"),
        (dict(tls={"verify": "no"}), reflow.ConfigError, r"expected true or false.*\$\.tls\.verify"),
        (dict(tls_verify="no"), reflow.ConfigError, r"expected true or false.*\$\.tls\.verify"),
        (dict(tls={"ca_file": object()}), reflow.InvalidArgumentError, "'tls.ca_file' has a value of type object"),
        (dict(tls={1: "x"}), reflow.InvalidArgumentError, "is a text, not 1"),
        (dict(tls_ca_file=object()), TypeError, "object"),
    ]:
        with pytest.raises(error, match=text):
            reflow.Peer("alpha", **keys)
    with pytest.raises(reflow.InvalidArgumentError, match="a file or keywords, not both"):
        reflow.Peer(config=certificate, tls_ca_file=certificate)


def test_a_certificate_that_cannot_be_used(tmp_path, certificate, key):
    garbage = tmp_path / "garbage.pem"
    garbage.write_text("no certificate")
    for keys, name in [(dict(tls_certificate_file=tmp_path / "nope.pem", tls_key_file=key), "nope.pem"),
                       (dict(tls_certificate_file=garbage, tls_key_file=key), "garbage.pem"),
                       (dict(tls_certificate_file=certificate, tls_key_file=garbage), "garbage.pem"),
                       (dict(tls_ca_file=garbage), "garbage.pem")]:
        with pytest.raises(reflow.Error, match=name) as caught:
            with reflow.Peer("alpha", **keys, **LOCAL) as peer:
                peer.connect("wss://127.0.0.1:1")
        assert type(caught.value) is reflow.IOError, caught.value


# ---- meshes ----------------------------------------------------------------------------------------

def free_base():
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_mesh(net):
    net.add("rec", double)
    out = net.stream("rec.out")
    net.start()
    base = free_base()
    with reflow.PeerMesh(base, network=net, **LOCAL) as mesh:
        first, second = mesh.assign("one", net), mesh.assign("two")
        assert base <= first < second and len(mesh) == 2
        mesh.connect("two", f"127.0.0.1:{first}")
        link = mesh.peer("two").status["links"][0]
        mesh.peer("two").send(link["network_id"], "rec.in", 4, confirmed=True)
        assert out.recv(5) == 8
        with pytest.raises(reflow.AlreadyExistsError, match="one"):
            mesh.assign("one")
        gone = mesh.peer("two")
        mesh.teardown("two")
        assert len(mesh) == 1
        for call in (lambda: mesh.peer("two"), lambda: gone.status, lambda: mesh.teardown("two")):
            with pytest.raises(reflow.NotFoundError, match="two"):
                call()
    with pytest.raises(reflow.ClosedError, match="mesh"):
        mesh.assign("three")
    with pytest.raises(reflow.InvalidArgumentError, match="max_connections"):
        reflow.PeerMesh(base, max_conections=4)


def test_mesh_with_tls(certificate, key):
    keys = dict(tls_certificate_file=certificate, tls_key_file=key, **LOCAL)
    with reflow.PeerMesh(free_base(), **keys) as mesh:
        port = mesh.assign("one")
        # Python's own TLS is the other side first.
        trust = ssl.create_default_context(cafile=certificate)
        with urllib.request.urlopen(f"https://127.0.0.1:{port}/health", timeout=60, context=trust) as answer:
            assert json.load(answer)["status"] == "ok"
        with reflow.PeerMesh(free_base(), tls_ca_file=certificate, **LOCAL) as trusting:
            trusting.connect("two", f"wss://127.0.0.1:{port}")
            assert trusting.peer("two").status["links"][0]["scheme"] == "wss"
        with reflow.PeerMesh(free_base(), tls_verify=False, **LOCAL) as careless:
            careless.connect("three", f"tls://127.0.0.1:{port}")
        with reflow.PeerMesh(free_base(), **LOCAL) as careful:
            with pytest.raises(reflow.Error, match="certificate"):
                careful.connect("four", f"wss://127.0.0.1:{port}")
    with pytest.raises(reflow.InvalidArgumentError, match="go together"):
        reflow.PeerMesh(free_base(), tls_key_file=key)


# ---- discovery -------------------------------------------------------------------------------------

def register(name):
    return json.dumps({"network_id": name, "instance_id": name + "-1", "endpoint": "127.0.0.1:9", "capabilities": []})


def test_discovery_server_over_http_and_in_a_server_of_ones_own():
    with reflow.DiscoveryServer("127.0.0.1", token="t") as server:
        assert fetch(server.port, "/register", register("a").encode(), Authorization="Bearer t",
                     **{"Content-Type": "application/json"})[0] == 200
        status, body = fetch(server.port, "/networks", Authorization="Bearer t")
        assert [entry["network_id"] for entry in json.loads(body)] == ["a"]
        with pytest.raises(urllib.error.HTTPError) as caught:
            fetch(server.port, "/networks")
        assert caught.value.code == 401
        status, kind, body = server.handle("GET", "/networks", authorization="Bearer t")
        assert (status, kind) == (200, "application/json") and json.loads(body)[0]["network_id"] == "a"
        assert server.handle("POST", "/register", b"{", authorization="Bearer t")[0] == 400
        port = server.port
        server.stop()
        assert server.port == 0
        with pytest.raises(OSError):
            fetch(port, "/health")
    with pytest.raises(reflow.ClosedError, match="discovery server"):
        server.handle("GET", "/health")


@pytest.mark.skipif(os.environ.get("REFLOW_NO_CURL") == "1", reason="no libcurl here")
def test_peers_find_each_other(alpha):
    _, out = alpha
    net = alpha[0]._network
    with reflow.DiscoveryServer("127.0.0.1") as server:
        endpoints = [f"http://127.0.0.1:{server.port}"]
        with reflow.Peer("delta", network=net, discovery_endpoints=endpoints, **LOCAL) as delta:
            delta.discover()
            with reflow.Peer("epsilon", discovery_endpoints=endpoints, **LOCAL) as epsilon:
                events = epsilon.events(["connected"])
                assert "delta" in [n["network_id"] for n in epsilon.discover()]
                assert epsilon.connected("delta") or next(events)["network_id"] == "delta"
                epsilon.send("delta", "rec.in", 3)
                assert out.recv(5) == 6
