import hashlib
import ssl
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from features.weights.download import fetch
from features.weights.registry import WeightsFile
from features.weights.servers import (
    InterruptionError,
    RefusalError,
    RetryPolicy,
    UnreachableError,
    ask_hub,
    ask_server,
    with_retries,
)

REPOSITORY = "facebook/dinov2-small"
NAME = "model.safetensors"
FILE = WeightsFile(NAME)


@pytest.fixture(params=["hub", "server"])
def ask(request, retry):
    """Ask the hub, or a plain server, about a file."""

    def at(endpoint):
        if request.param == "hub":
            return ask_hub((endpoint, REPOSITORY, "main"), FILE, None, retry)
        return ask_server(endpoint, FILE, retry)

    return at


@pytest.fixture
def tls_server(tmp_path):
    """Give the address of a server that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "server.pem"
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pem.write_bytes(key.private_bytes(*form) + certificate.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.handle_error = lambda *_: None  # of clients that hang up
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"https://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_the_hubs_first_answer_says_size_sum_and_commit(hub, small, retry, model):
    remote = ask_hub((hub.url, REPOSITORY, "main"), FILE, None, retry)
    assert remote.file == WeightsFile(NAME, len(model), hashlib.sha256(model).hexdigest())
    assert len(remote.commit) == 40
    assert hub.asked("HEAD") == []  # the storage may speak of other sums


def test_the_hub_is_told_nothing_of_this_machine(hub, small, retry):
    ask_hub((hub.url, REPOSITORY, "main"), FILE, None, retry)
    (request,) = hub.log
    assert request["path"] == f"/{REPOSITORY}/resolve/main/{NAME}"
    assert request["agent"] == "partwise"
    assert request["authorization"] is None


def test_a_library_that_is_offline_is_not_asked_twice(hub, small, retry, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UnreachableError, match=r"^HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE is set"):
        ask_hub((hub.url, REPOSITORY, "main"), FILE, None, retry)
    assert hub.log == []


def test_a_plain_server_is_not_believed_what_it_does_not_know(hub, sam, retry):
    remote = ask_server(f"{hub.storage_url}/segment_anything", sam.model_file, retry)
    assert remote.file == sam.model_file
    assert [each["method"] for each in hub.log] == ["HEAD"]


def test_a_refusal_is_not_repeated(hub, small, retry):
    place = (hub.url, REPOSITORY, "main")
    with pytest.raises(RefusalError, match=r"/none\.bin answers HTTP 404") as caught:
        ask_hub(place, WeightsFile("none.bin"), None, retry)
    assert caught.value.status == 404
    assert len(hub.log) == 1


def test_a_plain_server_that_refuses_is_not_asked_again(hub, retry):
    with pytest.raises(RefusalError, match=r"/none\.bin answers HTTP 404"):
        ask_server(hub.storage_url, WeightsFile("none.bin"), retry)
    assert len(hub.log) == 1


def test_patience_ends():
    waits, attempts = (0.0, 0.0), []

    def attempt():
        attempts.append(1)
        raise InterruptionError("no answer")

    with pytest.raises(UnreachableError, match=r"^no answer; gave up after 3 attempts"):
        with_retries(attempt, RetryPolicy(waits_s=waits))
    assert len(attempts) == 3


def test_no_such_server_is_said_at_once(ask):
    with pytest.raises(UnreachableError, match=r"no server nowhere\.invalid|cannot be reached"):
        ask("http://nowhere.invalid")


def test_a_closed_port_is_tried_again_and_reported(hub, ask):
    hub.close()
    with pytest.raises(
        UnreachableError,
        match=r"127\.0\.0\.1:\d+ cannot be reached \(.*refused\); gave up after 3",
    ):
        ask(hub.url)


def test_a_server_that_asks_to_wait_is_left_alone(hub, ask):
    hub.head_faults, hub.retry_after = [503], "3600"
    with pytest.raises(UnreachableError, match=r"HTTP 503 and asks to wait 3,600 s; run again"):
        ask(hub.url)
    assert len(hub.log) == 1


def test_a_certificate_that_is_not_trusted_is_said_at_once(ask, tls_server):
    message = (
        r"certificate of 127\.0\.0\.1:\d+ is not trusted \(self.signed .*SSL_CERT_FILE and REQ"
    )
    with pytest.raises(UnreachableError, match=message):
        ask(tls_server)


def test_redirects_end(hub, ask):
    hub.redirect_to = "/again"
    with pytest.raises(UnreachableError, match=r"http://127\.0\.0\.1:\d+ redirects without end"):
        ask(hub.url)


def test_redirects_stay_on_the_web(hub, retry, tmp_path):
    hub.redirect_to = "file:///etc/passwd"
    message = "redirects to file:///etc/passwd, which is not safe; not fetched"
    with pytest.raises(UnreachableError, match=message):
        ask_server(hub.url, FILE, retry)
    with pytest.raises(UnreachableError, match=message):
        fetch(ask_hub((hub.url, REPOSITORY, "main"), FILE, None, retry), tmp_path / NAME)
    assert list(tmp_path.iterdir()) == []
