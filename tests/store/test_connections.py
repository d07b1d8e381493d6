"""Connections are kept when they may be, and never give a reply to whom it was not meant for."""

import datetime as dt
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.config import Config as ClientConfig
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ReadTimeoutError,
    SSLError,
)
from botocore.httpsession import URLLib3Session, where
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from chalicelib.store.connections import Connections, sender
from chalicelib.store.trust import Trust
from tests.store.scripted import CUT, PATIENCE_SECONDS, Answer, Request, Server, reply, serving, silent, unused

CONFIG = ClientConfig(connect_timeout=PATIENCE_SECONDS, read_timeout=PATIENCE_SECONDS, max_pool_connections=3)
BROKEN = {
    "nothing at all": CUT,
    "half a head": Answer(b"HTTP/1.1 200 OK\r\nContent-Le", closes=True),
    "half a body": Answer(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}", closes=True),
    "no word on where the body ends": Answer(b"HTTP/1.1 200 OK\r\n\r\n{}", closes=True),
    "no HTTP": Answer(b"SSH-2.0-OpenSSH_9.6\r\n", closes=True),
    "a chunk that is none": Answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n{}\r\n", closes=True),
}


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture
def connections(server: Server) -> Iterator[Connections]:
    connections = Connections(server.url, None, CONFIG)
    yield connections
    connections.close()


def request(url: str, body: bytes = b"{}") -> AWSPreparedRequest:
    headers: Any = {"Host": url.partition("//")[2], "Content-Length": str(len(body))}
    return AWSPreparedRequest("POST", f"{url}/", headers, body, stream_output=False)


def sent(connections: Connections, body: bytes = b"{}") -> bytes:
    return connections.send(request("http://dynamodb.test", body)).content


def test_a_request_goes_out_and_its_reply_comes_back(server: Server, connections: Connections) -> None:
    server.answers(reply({"text": "Zoë"}, 418, X_Kind="teapot"))

    received = connections.send(request("http://dynamodb.test", "{Zoë}".encode()))

    assert (received.status_code, received.content) == (418, b'{"text": "Zo\\u00eb"}')
    assert received.headers.get("x-kind") == "teapot"
    (arrived,) = server.requests
    assert (arrived.line, arrived.headers["host"]) == ("POST / HTTP/1.1", "dynamodb.test")
    assert arrived.body == "{Zoë}".encode()


def test_a_connection_serves_one_request_after_another(server: Server, connections: Connections) -> None:
    for _ in range(5):
        sent(connections)

    assert (len(server.requests), server.connections) == (5, 1)


def test_a_connection_closed_while_idle_is_not_used_again(server: Server, connections: Connections) -> None:
    server.script = lambda _: reply()._replace(closes=True)

    for _ in range(3):
        sent(connections)
        _let_the_end_arrive(connections)

    assert server.connections == 3


def test_a_connection_the_server_says_it_closes_is_not_kept(server: Server, connections: Connections) -> None:
    server.answers(reply(Connection="close"))

    assert [sent(connections) for _ in range(3)] == [b"{}"] * 3
    assert server.connections == 3


def test_what_nobody_asked_for_is_given_to_nobody(server: Server, connections: Connections) -> None:
    """A reply too many, were it read, would make every later one that of the request before."""
    server.answers(Answer(reply(b"1").sent + reply(b"too many").sent), reply(b"2"), reply(b"3"))

    assert [sent(connections) for _ in range(3)] == [b"1", b"2", b"3"]


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_what_breaks_off_is_a_lost_connection(server: Server, connections: Connections, broken: Answer) -> None:
    server.answers(reply(b"before"), broken, reply(b"after"))

    assert sent(connections) == b"before"
    with pytest.raises(ConnectionClosedError):
        sent(connections)
    assert sent(connections) == b"after"


def test_a_reply_that_comes_too_late_is_given_to_nobody(server: Server) -> None:
    given_up = Event()
    server.answers(reply(b"late")._replace(after=given_up), reply(b"in time"))
    config: Any = CONFIG.merge(ClientConfig(read_timeout=0.1))
    connections = Connections(server.url, None, config)

    with pytest.raises(ReadTimeoutError):
        sent(connections)
    given_up.set()
    config.read_timeout = PATIENCE_SECONDS
    assert sent(connections) == b"in time"
    assert server.connections == 2
    connections.close()


def test_what_interrupts_a_request_closes_its_connection(server: Server, connections: Connections) -> None:
    class Interrupted(Connections):
        def _exchanged(self, connection: Any, request: AWSPreparedRequest) -> Any:
            connection.request("POST", "/", request.body, request.headers)
            raise KeyboardInterrupt

    interrupted = Interrupted(server.url, None, CONFIG)
    with pytest.raises(KeyboardInterrupt):
        interrupted.send(request(server.url))

    assert not interrupted._kept  # noqa: SLF001  # what it must not hold


def test_nobody_listening_is_no_endpoint() -> None:
    with pytest.raises(EndpointConnectionError):
        sent(Connections(f"http://{unused()}", None, CONFIG))


def test_a_name_without_an_address_is_no_endpoint() -> None:
    with pytest.raises(EndpointConnectionError):
        sent(Connections("http://no-such-host.localhost:1", None, CONFIG))


def test_a_greeting_that_is_never_returned_ends_with_the_time_for_connecting() -> None:
    config = ClientConfig(connect_timeout=0.1, read_timeout=5)

    with silent() as address, pytest.raises(ConnectTimeoutError):
        sent(Connections(f"https://{address}", None, config))


def test_threads_get_each_their_own_reply(server: Server, connections: Connections) -> None:
    server.script = lambda request: reply(request.body)
    bodies = [f"{number}".encode() for number in range(400)]

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(lambda body: sent(connections, body), bodies)) == bodies
    assert len(connections._kept) <= CONFIG.max_pool_connections  # type: ignore[attr-defined]  # noqa: SLF001  # what is idle


def test_replies_keep_to_their_requests_whatever_breaks(server: Server, connections: Connections) -> None:
    def script(request: Request) -> Answer:
        number = int(request.body)
        whole = reply(request.body)
        faults = (whole, CUT, whole._replace(closes=True), Answer(whole.sent[:-1], closes=True), whole)
        return faults[number % len(faults)]

    server.script = script

    def outcome(number: int) -> bytes | None:
        try:
            return sent(connections, f"{number}".encode())
        except HTTPClientError:
            return None

    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(outcome, range(400)))

    assert {number % 5 for number, body in enumerate(outcomes) if body is not None} == {0, 2, 4}
    assert all(body in {None, f"{number}".encode()} for number, body in enumerate(outcomes))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that vouches for itself, and its key."""
    return _authority(tmp_path_factory.mktemp("tls") / "localhost.pem")


def _authority(path: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + private)
    return path


@pytest.fixture
def secure(authority: Path) -> Iterator[Server]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(authority)
    with serving(tls) as server:
        yield server


def test_tls_is_spoken_with_whom_the_certificates_vouch_for(secure: Server, authority: Path) -> None:
    secure.script = lambda request: reply(request.body)
    connections = Connections(secure.url, str(authority), CONFIG)

    assert [sent(connections, body) for body in (b"1", b"2")] == [b"1", b"2"]
    assert secure.connections == 1
    connections.close()


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_who_is_not_vouched_for_gets_no_request(secure: Server, authority: Path, name: str) -> None:
    """Neither a stranger's certificate nor another host's will do."""
    certificates = str(authority) if name == "127.0.0.1" else None

    with pytest.raises(SSLError):
        sent(Connections(secure.url.replace("localhost", name), certificates, CONFIG))
    assert secure.requests == []


@pytest.mark.parametrize(("amazons", "handshakes"), [("localhost", 1), ("stranger", 2)])
def test_all_of_a_bundle_is_believed_though_amazons_is_read_first(
    secure: Server, authority: Path, tmp_path: Path, amazons: str, handshakes: int
) -> None:
    known = {"localhost": authority.read_text(), "stranger": _authority(tmp_path / "stranger.pem").read_text()}
    labels = {name: "Amazon Root CA 1" if name == amazons else f"{name} CA" for name in known}
    bundle = tmp_path / "bundle.pem"
    bundle.write_text("\n".join(f'# Label: "{labels[name]}"\n# Serial: 1\n{pem}' for name, pem in known.items()))
    secure.script = lambda request: Answer(reply(request.body).sent, closes=True)
    connections = Connections(secure.url, str(bundle), CONFIG)

    assert [sent(connections, body) for body in (b"1", b"2", b"3")] == [b"1", b"2", b"3"]
    assert secure.connections == handshakes + 2
    connections.close()


def test_amazons_certificates_are_found_among_all_that_botocore_brings() -> None:
    trust = Trust(where())
    few, everybody = trust.context, ssl.create_default_context(cafile=where())

    assert {_name(each) for each in few.get_ca_certs()} == {
        *(f"Amazon Root CA {number}" for number in (1, 2, 3, 4)),
        "Starfield Services Root Certificate Authority - G2",
    }
    assert trust.widened(few)
    assert trust.context.get_ca_certs() == everybody.get_ca_certs()
    assert not trust.widened(trust.context)


def _name(certificate: Any) -> str:
    return str(dict(pair for (pair,) in certificate["subject"])["commonName"])


def test_more_over_tls_than_was_asked_for_is_given_to_nobody(secure: Server, authority: Path) -> None:
    secure.answers(Answer(reply(b"1").sent + reply(b"too many").sent), reply(b"2"))
    connections = Connections(secure.url, str(authority), CONFIG)

    assert [sent(connections) for _ in range(2)] == [b"1", b"2"]
    connections.close()


@pytest.mark.parametrize(
    ("session", "is_ours"),
    [
        (URLLib3Session(), True),
        (URLLib3Session(verify="authority.pem"), True),  # type: ignore[arg-type]  # stubs know no paths
        (URLLib3Session(proxies={"http": "http://proxy:3128"}), True),
        (URLLib3Session(proxies={"https": "http://proxy:3128"}), False),
        (URLLib3Session(client_cert="client.pem"), False),
        (URLLib3Session(verify=False), False),
    ],
)
def test_proxies_and_client_certificates_stay_with_botocore(session: URLLib3Session, *, is_ours: bool) -> None:
    chosen = sender(session, "https://dynamodb.eu-central-1.amazonaws.com", CONFIG)

    assert isinstance(chosen, Connections) is is_ours
    assert is_ours or chosen is session


def _let_the_end_arrive(connections: Connections) -> None:
    """Wait until the kept connection can be read from, which is how its end shows."""
    (kept,) = connections._kept  # noqa: SLF001  # the only one
    kept.sock.recv(1, 2)  # MSG_PEEK
