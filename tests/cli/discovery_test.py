"""reflow-discovery and reflow-peer: the tutorial word for word with three processes, bad input, HTTPS, other clients.

Where the system lets the test have a network of its own, it uses the ports of the tutorial; elsewhere free ones.
"""

import ctypes
import fcntl
import http.client
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import unittest
import urllib.error
import urllib.request

import support
from support import reflow, running, wait_for

LINE = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (ERROR|WARN |INFO |DEBUG|TRACE) (.*)$")

ALPHA = """\
network_id   = "alpha"
instance_id  = "alpha-1"
bind_address = "127.0.0.1"
bind_port    = 9100
discovery_endpoints = ["http://127.0.0.1:9000"]
auth_token   = "shared-secret"
"""
BETA = """\
network_id   = "beta"
instance_id  = "beta-1"
bind_address = "127.0.0.1"
bind_port    = 9101
discovery_endpoints = ["http://127.0.0.1:9000"]
auth_token   = "shared-secret"

[[connect]]
endpoint = "127.0.0.1:9100"
"""


def own_network():
    """Whether this process has a loopback for itself now."""
    new_network = 0x40000000
    if ctypes.CDLL(None).unshare(new_network) != 0:
        return False
    with socket.socket() as any_socket:
        up, set_flags = 1, 0x8914  # IFF_UP, SIOCSIFFLAGS
        fcntl.ioctl(any_socket, set_flags, struct.pack("16sh14x", b"lo", up))
    return True


OWN_NETWORK = own_network()


class Program:
    """A process by one of the names, whose log goes to a file."""

    count = 0

    def __init__(self, case, name, *arguments, env=None):
        Program.count += 1
        self.path = case.path(f"{name}-{Program.count}.log")
        self.others = case.__dict__.setdefault("programs", [])
        self.others.append(self)
        program = os.path.join(os.path.dirname(support.BINARY), name)
        self.file = open(self.path, "wb")
        case.addCleanup(self.file.close)
        self.process = subprocess.Popen([program, *arguments], cwd=case.folder,
                                        stdin=subprocess.DEVNULL, stderr=self.file,
                                        env=env or support.environment())
        context = running(self.process)
        context.__enter__()
        case.addCleanup(context.__exit__, None, None, None)

    def lines(self):
        with open(self.path, encoding="utf-8") as file:
            lines = file.read().split("\n")[:-1]
        return [LINE.match(line).groups() for line in lines]

    def texts(self):
        return [text for _, text in self.lines()]

    def said(self, pattern, level="INFO "):
        def look():
            for of, text in self.lines():
                found = re.fullmatch(pattern, text)
                if found and of == level:
                    return found
            if self.process.poll() is not None:
                raise AssertionError(f"it has ended: {self.lines()}")
            return None
        return wait_for(look, lambda: f"{level}{pattern} in {self.path}; all that was said:\n" + "\n".join(
            f"{program.path}: {program.lines()}" for program in self.others))

    def said_all(self, *texts):
        """These lines, in this order."""
        for text in texts:
            self.said(re.escape(text))
        at = [self.texts().index(text) for text in texts]
        assert at == sorted(at), self.lines()

    def end(self, number=signal.SIGINT):
        self.process.send_signal(number)
        return self.process.wait(support.DEADLINE)


class Tutorial(support.Case):
    def setUp(self):
        super().setUp()
        self.ports = {port: port if OWN_NETWORK else support.free_port() for port in (9000, 9100, 9101)}
        self.write("alpha.toml", self.here(ALPHA))
        self.write("beta.toml", self.here(BETA))

    def here(self, text):
        for port, used in self.ports.items():
            text = text.replace(str(port), str(used))
        return text

    def run_it(self, line):
        """A command of the tutorial, which begins with the name of a program."""
        name, *arguments = self.here(line).split()
        return Program(self, name, *[argument.strip("'") for argument in arguments])

    def test_word_for_word(self):
        discovery = self.run_it("reflow-discovery --bind 127.0.0.1:9000")
        discovery.said_all(self.here(
            "reflow distributed server listening on http://127.0.0.1:9000"))
        alpha = self.run_it("reflow-peer --config alpha.toml")
        alpha.said_all(
            self.here("starting peer: network_id=alpha, instance_id=alpha-1, bind=127.0.0.1:9100"),
            self.here("Registered with discovery endpoint: http://127.0.0.1:9000"),
            "peer ready, awaiting messages (Ctrl-C to stop)")
        beta = self.run_it(
            "reflow-peer --config beta.toml --send 'alpha:recorder:in:hello-from-beta'")
        beta.said_all(
            self.here("connected to peer at 127.0.0.1:9100"),
            'sent test message to alpha/recorder.in: "hello-from-beta"',
            "peer ready, awaiting messages (Ctrl-C to stop)")
        alpha.said_all(
            "Established connection with network: beta",
            "BRIDGE: Received remote message from beta to alpha::recorder",
            "ROUTER: Successfully routed message to local actor recorder",
            'recorder.in: String("hello-from-beta")')
        # What discovery tells makes no second link, and nothing is said twice.
        for program, text in ((alpha, "Established connection with network: beta"),
                              (beta, "Established connection with network: alpha"),
                              (beta, self.here("connected to peer at 127.0.0.1:9100"))):
            self.assertEqual(program.texts().count(text), 1, program.lines())

        # "Surviving a peer restart."
        self.assertEqual(alpha.end(), 0)
        beta.said("Reconnect attempt 1/5 for alpha failed: .*refused", "WARN ")
        again = self.run_it("reflow-peer --config alpha.toml")
        again.said("Established connection with network: beta")
        beta.said(self.here(r"Reconnected to alpha \(endpoint 127\.0\.0\.1:9100\) on attempt \d"))
        for program, number in ((beta, signal.SIGTERM), (again, signal.SIGINT),
                                (discovery, signal.SIGTERM)):
            self.assertEqual(program.end(number), 0, program.lines())
            self.assertIn("shutting down", program.texts())
            self.assertFalse([line for line in program.lines() if line[0] == "ERROR"])

    def test_wrong_token(self):
        self.run_it("reflow-discovery --bind 127.0.0.1:9000").said(".* listening on .*")
        self.run_it("reflow-peer --config alpha.toml").said("peer ready, .*")
        self.write("beta.toml", self.here(BETA).replace("shared-secret", "wrong"))
        beta = self.run_it("reflow-peer --config beta.toml")
        beta.said(".*handshake refused: auth_token mismatch", "WARN ")
        self.assertEqual(beta.end(), 0)

    def test_found_without_connect(self):
        """Discovery alone brings two together, and a server that comes late is enough."""
        self.write("beta.toml", self.here(BETA).split("[[connect]]")[0] +
                   "discovery_refresh_ms = 200\n")
        alpha = self.run_it("reflow-peer --config alpha.toml")
        alpha.said(".*cannot register with discovery endpoint http://127.*", "WARN ")
        alpha.said("peer ready, .*")
        beta = self.run_it("reflow-peer --config beta.toml")
        beta.said("peer ready, .*")
        self.assertEqual(alpha.end(), 0)
        discovery = self.run_it("reflow-discovery --bind 127.0.0.1:9000")
        beta.said("Registered with discovery endpoint: .*")
        alpha = self.run_it("reflow-peer --config alpha.toml")
        alpha.said("Established connection with network: beta")
        beta.said("Established connection with network: alpha")
        warnings = [text for level, text in beta.lines() if level == "WARN "]
        self.assertEqual(len(warnings), 1, beta.lines())
        for program in (alpha, beta, discovery):
            self.assertEqual(program.end(), 0)

    def test_level_from_the_environment(self):
        port = support.free_port()
        discovery = Program(self, "reflow-discovery", "--bind", f"127.0.0.1:{port}",
                            env=support.environment(REFLOW_LOG="error"))

        def listens():  # it says nothing
            with socket.socket() as caller:
                return caller.connect_ex(("127.0.0.1", port)) == 0

        wait_for(listens, f"somebody listens at {port}")
        louder = Program(self, "reflow-discovery", "--bind", "127.0.0.1:0", "--log-level", "info",
                         env=support.environment(REFLOW_LOG="error"))
        louder.said(".* listening on .*")
        self.assertEqual((discovery.end(signal.SIGTERM), louder.end()), (0, 0))
        self.assertEqual(discovery.lines(), [])


class Server(support.Case):
    def start(self, *arguments):
        server = Program(self, "reflow-discovery", "--bind", "127.0.0.1:0", *arguments)
        self.base = server.said(r".* listening on (https?://.*)").group(1)
        return server

    def ask(self, path, body=None, token=None, kind="application/json", context=None):
        request = urllib.request.Request(self.base + path, method="GET" if body is None else "POST",
                                         data=None if body is None else body.encode())
        if body is not None:
            request.add_header("Content-Type", kind)
        if token:
            request.add_header("Authorization", "Bearer " + token)
        try:
            with urllib.request.urlopen(request, timeout=support.DEADLINE,
                                        context=context) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def ask_as_browser(self, host, *headers):
        request = urllib.request.Request(self.base + "/networks")
        for name, value in (("Host", host), ("User-Agent", "Mozilla/5.0"), *headers):
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=support.DEADLINE) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def entry(self, network, endpoint="127.0.0.1:1"):
        return json.dumps({"network_id": network, "instance_id": network + "-1",
                           "endpoint": endpoint, "capabilities": ["actor_messaging"]})

    def networks(self):
        return [one["network_id"] for one in json.loads(self.ask("/networks")[1])]

    def test_over_http(self):
        server = self.start("--entry-ttl-secs", "1", "--prune-interval-secs", "1")
        self.assertEqual(self.ask("/networks"), (200, "[]"))
        self.assertEqual(self.ask("/register", self.entry("studio")), (200, ""))
        self.assertEqual(self.networks(), ["studio"])
        for body, kind, status in (("{", "application/json", 400), ("{}", "text/plain", 415),
                                   ("{}", "application/json", 422),
                                   ("x" * 100_000, "application/json", 413)):
            self.assertEqual(self.ask("/register", body, kind=kind)[0], status)
        with socket.create_connection(("127.0.0.1", int(self.base.rsplit(":", 1)[1]))) as silent:
            silent.sendall(b"GET /networks HTTP/1.1\r\n")  # and nothing more
            self.assertEqual(self.ask("/health")[0], 200)
        self.assertEqual(self.ask_as_browser("127.0.0.1:1"), 200)
        self.assertEqual(self.ask_as_browser("elsewhere.example"), 403)
        self.assertEqual(self.ask_as_browser("127.0.0.1:1", ("Origin", "http://elsewhere.example")), 403)
        wait_for(lambda: self.networks() == [], "the entry has grown too old")
        self.assertEqual(server.end(), 0)

    def test_bodies_in_chunks(self):
        """Of clients that were not written here: http.client of Python, and curl if it is there."""
        self.start()
        text = self.entry("chunks").encode()
        there = http.client.HTTPConnection(self.base[len("http://"):], timeout=support.DEADLINE)
        self.addCleanup(there.close)
        for size in (1, 7, len(text)):  # on one connection: each ends where the next begins
            parts = [text[at:at + size] for at in range(0, len(text), size)]
            there.request("POST", "/register", body=iter(parts), encode_chunked=True,
                          headers={"Content-Type": "application/json",
                                   "Transfer-Encoding": "chunked"})
            with there.getresponse() as answer:
                self.assertEqual((answer.status, answer.read()), (200, b""))
        there.request("GET", "/networks")
        with there.getresponse() as answer:
            self.assertEqual([one["network_id"] for one in json.load(answer)], ["chunks"])
        if not shutil.which("curl"):
            return
        for network, more in (("curl", ()), ("patient", ("-H", "Expect: 100-continue"))):
            said = subprocess.run(
                ["curl", "--noproxy", "*", "-sS", "-f", "--data-binary", "@-", "-H",
                 "Content-Type: application/json", "-H", "Transfer-Encoding: chunked", *more,
                 self.base + "/register"], input=self.entry(network), text=True,
                capture_output=True, timeout=support.DEADLINE)
            self.assertEqual((said.returncode, said.stdout), (0, ""), said.stderr)
        self.assertEqual(self.networks(), ["chunks", "curl", "patient"])

    def test_token_in_a_file(self):
        self.write("token", "s3cret\n")
        self.start("--token-file", "token")
        self.assertEqual(self.ask("/networks")[0], 401)
        self.assertEqual(self.ask("/networks", token="wrong")[0], 401)
        self.assertEqual(self.ask("/networks", token="s3cret"), (200, "[]"))

    def make_certificate(self):
        """As most authorities make them: for servers alone."""
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout",
                        "key.pem", "-out", "cert.pem", "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "extendedKeyUsage=serverAuth"],
                       cwd=self.folder, check=True, capture_output=True, timeout=support.DEADLINE)

    @unittest.skipUnless(shutil.which("openssl"), "no openssl to make a certificate")
    def test_links_under_tls(self):
        """Of who has authorities alone, and of two with the same certificate and authorities."""
        self.make_certificate()
        tls = (f'[tls]\nca_file = "{self.path("cert.pem")}"\n', f'certificate_file = "{self.path("cert.pem")}"\n'
               f'key_file = "{self.path("key.pem")}"\n')
        for shares in (False, True):
            begin = 'bind_address = "127.0.0.1"\nbind_port = 0\nauth_token = "t"\n'
            self.write("alpha.toml", 'network_id = "alpha"\n' + begin + "".join(tls))
            alpha = Program(self, "reflow-peer", "--config", "alpha.toml")
            port = alpha.said("starting peer: .*bind=.*:(\\d+)").group(1)
            self.write("beta.toml", 'network_id = "beta"\n' + begin + tls[0] + (tls[1] if shares else "") +
                       f'[[connect]]\nendpoint = "wss://127.0.0.1:{port}"\n')
            beta = Program(self, "reflow-peer", "--config", "beta.toml")
            beta.said("Established connection with network: alpha")
            self.assertEqual((beta.end(), alpha.end()), (0, 0))

    @unittest.skipUnless(shutil.which("openssl"), "no openssl to make a certificate")
    def test_https_with_its_own_ca(self):
        self.make_certificate()
        # Nobody is asked for a pass phrase, whoever would answer.
        subprocess.run(["openssl", "rsa", "-aes128", "-in", "key.pem", "-out", "locked.pem", "-passout", "pass:phrase"],
                       cwd=self.folder, check=True, capture_output=True, timeout=support.DEADLINE)
        asked = subprocess.Popen([support.BINARY, "discovery", "serve", "--bind", "127.0.0.1:0", "--certificate",
                                  "cert.pem", "--key", "locked.pem"], cwd=self.folder, stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        with running(asked):
            self.assertEqual(asked.wait(support.DEADLINE), 1)
            self.assertIn(b"cannot use the key", asked.stderr.read())
        self.start("--certificate", "cert.pem", "--key", "key.pem", "--token", "t")
        self.assertTrue(self.base.startswith("https://"))

        def peer(name, extra):
            self.write(name + ".toml", f'network_id = "{name}"\nbind_address = "127.0.0.1"\n'
                       f'bind_port = 0\ndiscovery_endpoints = ["{self.base}/"]\n' + extra)
            return Program(self, "reflow-peer", "--config", name + ".toml")
        stranger = peer("stranger", 'discovery_token = "t"\n')
        stranger.said(".*cannot register with discovery endpoint https:.*certificate.*", "WARN ")
        ca = f'discovery_token = "t"\n[tls]\nca_file = "{self.path("cert.pem")}"\n'
        friend = peer("friend", ca)
        friend.said("Registered with discovery endpoint: https:.*")
        wrong = peer("wrong", ca.replace('"t"', '"u"'))
        wrong.said(".*cannot register with .* status 401: .*token.*", "WARN ")
        secure = peer("secure", f'discovery_token = "t"\n[tls]\nca_file = "{self.path("cert.pem")}"\n'
                      f'certificate_file = "{self.path("cert.pem")}"\nkey_file = "{self.path("key.pem")}"\n')
        port = int(secure.said("starting peer: .*bind=.*:(\\d+)").group(1))
        with socket.create_connection(("127.0.0.1", port)) as garbage:
            garbage.sendall(b"\x16\x03\x01\x00\x05hello")
            secure.said("a connection from 127.0.0.1:.* was refused: handshake of TLS: .*", "WARN ")
        for program in (stranger, friend, wrong, secure):
            self.assertEqual(program.end(), 0)

    def test_nobody_who_is_deaf_keeps_others_out(self):
        """Entries that take connections and never answer, in front of one that does."""
        self.start()
        with socket.create_server(("", 0)) as deaf:
            for i in range(4):
                self.assertEqual(self.ask("/register", self.entry(
                    f"a{i}", f"127.0.0.{i + 1}:{deaf.getsockname()[1]}"))[0], 200)

            def peer(name, extra=""):
                self.write(name + ".toml", f'network_id = "{name}"\nbind_address = "127.0.0.1"\nbind_port = 0\n'
                           f'discovery_endpoints = ["{self.base}"]\n{extra}')
                return Program(self, "reflow-peer", "--config", name + ".toml")
            good = peer("good", "auto_dial = false\n")
            good.said("Registered with discovery endpoint: .*")
            seeker = peer("seeker", "max_connections = 2\nhandshake_timeout_ms = 300\n"
                          "discovery_refresh_ms = 100\n")
            seeker.said("Established connection with network: good")
            self.assertEqual((seeker.end(), good.end()), (0, 0))
            said = [text for level, text in seeker.lines() if level == "WARN " and "the peer stops" in text]
            self.assertEqual(said, [])

    def test_wrong_use(self):
        for arguments, code, words in (
                (["--bind", "nowhere"], 2, "ADDRESS:PORT"),
                (["--entry-ttl-secs", "0"], 2, "entry-ttl-secs"),
                (["--entry-ttl-secs", "x"], 2, "entry-ttl-secs"),
                (["--token", "a", "--token-file", "b"], 2, "token"),
                (["--token", ""], 3, "--token is empty"),
                (["--token-file", "nothere"], 3, "nothere"),
                (["--certificate", "c.pem"], 2, "go together"),
                (["--certificate", "c.pem", "--key", "k.pem", "--bind", "127.0.0.1:0"], 1, "c.pem"),
                (["--bind", "203.0.113.77:9000"], 1, "203.0.113.77")):
            result = reflow("discovery", "serve", *arguments, cwd=self.folder)
            self.assert_code(result, code)
            self.assertIn(words, result.err)

    def test_port_in_use(self):
        self.start()
        result = reflow("discovery", "serve", "--bind", self.base.split("//")[1])
        self.assert_code(result, 1)
        self.assertIn("in use", result.err)


if __name__ == "__main__":
    support.main()
