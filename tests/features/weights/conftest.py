"""A hub on this machine that can be told to fail, and weights small enough to be fetched often."""

import hashlib
import json
import threading
import time
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from safetensors.numpy import save

from features.weights.locations import Site
from features.weights.registry import KNOWN, WeightsFile, find
from features.weights.servers import RetryPolicy

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def sha256(content):
    return hashlib.sha256(content).hexdigest()


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Say nothing of clients that hang up: tests make them do so."""


class FakeHub:
    """The hub, which redirects large files with their sum to a storage that knows only bytes.

    ``faults`` are met by requests for bytes one after another: a status, ("cut", bytes sent),
    ("slow", seconds of silence), ("lie", where it says it begins) or None for a sound answer.
    """

    def __init__(self):
        self.files = {}
        self.faults = []
        self.head_faults = []
        self.log = []
        self.token = None
        self.retry_after = None
        self.redirect_to = None
        self.has_sums = self.has_ranges = self.has_tags = self.has_lengths = True
        self.published_sums = {}
        self._servers = [self._serve(self._hub), self._serve(self._storage)]
        hub, storage = (server.server_port for server in self._servers)
        self.url = f"http://127.0.0.1:{hub}"
        self.storage_url = f"http://localhost:{storage}"  # another host than the hub

    def put(self, repository, **files):
        """Publish files; underscores of their names stand for dots."""
        for name, content in files.items():
            self.files[f"{repository}/{name.replace('__', '.')}"] = content

    def asked(self, method="GET", *, storage=True):
        """Give the requests for bytes, or those to the hub."""
        return [
            each for each in self.log if each["method"] == method and each["storage"] is storage
        ]

    def close(self):
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def _serve(self, answer):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                answer(self)

            do_HEAD = do_GET  # noqa: N815

            def log_message(self, *_):
                pass

        server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return server

    def _note(self, request, *, storage):
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.log.append(
            {
                "method": request.command,
                "path": request.path,
                "storage": storage,
                "range": headers.get("range"),
                "if_range": headers.get("if-range"),
                "authorization": headers.get("authorization"),
                "agent": headers.get("user-agent"),
            }
        )

    def _hub(self, request):
        self._note(request, storage=False)
        if request.command == "HEAD" and self.head_faults:
            wait = {"Retry-After": self.retry_after} if self.retry_after else {}
            _answer(request, self.head_faults.pop(0), wait)
            return
        if self.redirect_to:
            _answer(request, 302, {"Location": self.redirect_to})
            return
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            _answer(request, 401)
            return
        repository, _, rest = request.path.strip("/").partition("/resolve/")
        revision, _, name = rest.partition("/")
        path = f"{repository}/{name}"
        content = self.files.get(path)
        if content is None or revision not in ("main", COMMIT):
            _answer(request, 404)
        elif name.endswith(".json"):
            _answer(request, 200, {"ETag": '"abc"', "X-Repo-Commit": COMMIT}, content)
        else:
            sums = {
                "X-Linked-Etag": f'"{self.published_sums.get(path, sha256(content))}"',
                "X-Linked-Size": str(len(content)),
            }
            headers = {"Location": f"{self.storage_url}/{path}?signature=secret"}
            headers |= {"X-Repo-Commit": COMMIT} | (sums if self.has_sums else {})
            _answer(request, 302, headers)

    def _storage(self, request):
        self._note(request, storage=True)
        path = request.path.partition("?")[0].strip("/")
        if path not in self.files:
            _answer(request, 404)
            return
        content = self.files[path]
        fault = self.faults.pop(0) if self.faults and request.command == "GET" else None
        if isinstance(fault, int):
            wait = {"Retry-After": self.retry_after} if self.retry_after else {}
            _answer(request, fault, wait)
            return
        tag = f'"{sha256(content)[:8]}"'
        headers = {"ETag": tag} if self.has_tags else {}
        start, status = 0, 200
        asked = request.headers.get("Range")
        if asked and self.has_ranges and request.headers.get("If-Range", tag) == tag:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            if start >= len(content):
                _answer(request, 416)
                return
            status = 206
            says = fault[1] if fault and fault[0] == "lie" else start
            headers["Content-Range"] = f"bytes {says}-{len(content) - 1}/{len(content)}"
        _answer(request, status, headers, content[start:], fault, has_length=self.has_lengths)


def _answer(request, status, headers=None, content=b"", fault=None, *, has_length=True):
    what, amount = fault or ("", 0)
    request.send_response(status)
    for name, value in (headers or {}).items():
        request.send_header(name, value)
    if has_length:
        request.send_header("Content-Length", str(len(content)))
    request.end_headers()
    if request.command == "HEAD":
        return
    with suppress(OSError):  # the client may have hung up
        if what == "cut":
            request.wfile.write(content[:amount])
            request.wfile.flush()
            request.connection.close()
            return
        if what == "slow":
            request.wfile.write(content[:1000])
            request.wfile.flush()
            time.sleep(amount)
            content = content[1000:]
        request.wfile.write(content)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A hub at which nobody has signed in on this machine."""
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "token"))
    hub = FakeHub()
    yield hub
    hub.close()


@pytest.fixture
def retry():
    """Enough for a busy machine, in a second or two."""
    return RetryPolicy(timeout_s=1.5, waits_s=(0.0, 0.01, 0.02), longest_wait_s=0.1)


@pytest.fixture(scope="session")
def model():
    """The bytes of a sound safetensors file, too many for one read."""
    rng = np.random.default_rng(0)
    return save({"tokens": rng.integers(0, 256, 3_000_000, dtype=np.uint8)})


@pytest.fixture(scope="session")
def config():
    return json.dumps({"model_type": "dinov2", "hidden_size": 384}).encode()


@pytest.fixture
def small(hub, model, config):
    """DINOv2-S, as far as the fake hub is concerned."""
    hub.put("facebook/dinov2-small", config__json=config, model__safetensors=model)
    return find("dinov2-small", KNOWN)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """The bytes of a PyTorch file of two tensors."""
    import torch

    generator = torch.Generator().manual_seed(0)
    path = tmp_path_factory.mktemp("torch") / "any.pth"
    tensors = {"a.weight": torch.rand(7, 5, generator=generator), "b": torch.arange(6)}
    tensors["a.transposed"] = tensors["a.weight"].T
    torch.save(tensors, path)
    return path.read_bytes()


@pytest.fixture
def sam(hub, checkpoint):
    """An official checkpoint, small, with the sum that is known of it."""
    hub.files["segment_anything/sam_vit_b_01ec64.pth"] = checkpoint
    file = WeightsFile("sam_vit_b_01ec64.pth", len(checkpoint), sha256(checkpoint))
    return replace(find("sam-vit-b", KNOWN), files=(file,))


@pytest.fixture
def site(hub, tmp_path):
    return Site(
        root=tmp_path / "weights",
        cache=tmp_path / "cache",
        hub_cache=tmp_path / "hub",
        hub_endpoint=hub.url,
        sam_endpoint=f"{hub.storage_url}/segment_anything",
    )


@pytest.fixture
def put_folder(config, model):
    """Make a folder of weights as the hub's tools would leave it."""

    def put(folder, **changed):
        folder.mkdir(parents=True, exist_ok=True)
        files = {"config.json": config, "model.safetensors": model} | changed
        for name, content in files.items():
            (folder / name).write_bytes(content)
        return folder

    return put
