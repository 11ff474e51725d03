"""``partwise weights`` as a user calls it, with a plain web server in place of the hub."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from subprocess import PIPE

import numpy as np
import pytest
from safetensors.numpy import save

from features.weights.registry import KNOWN

CONFIG = json.dumps({"model_type": "dinov2", "hidden_size": 384}).encode()
MODEL = save({"tokens": np.arange(1000)})


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def mirror(tmp_path):
    """A folder that is served; gives the folder and its address."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def publish(mirror):
    def put(repository="facebook/dinov2-small"):
        folder = mirror[0] / repository / "resolve" / "main"
        folder.mkdir(parents=True)
        (folder / "config.json").write_bytes(CONFIG)
        (folder / "model.safetensors").write_bytes(MODEL)

    return put


@pytest.fixture(autouse=True)
def weights_folder(mirror, tmp_path, monkeypatch):
    """Weights are kept in the folder this gives, and come from the mirror."""
    for name in list(os.environ):
        if name.startswith(("HF_", "PARTWISE_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PARTWISE_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("HF_ENDPOINT", mirror[1])
    monkeypatch.setenv("PARTWISE_SAM_ENDPOINT", f"{mirror[1]}/sam")
    return tmp_path / "weights"


def test_all_that_is_known_is_listed(partwise, publish, weights_folder):
    ended = partwise("weights", "list")
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert [line.split()[0] for line in lines] == [each.name for each in KNOWN]
    assert "375 MB" in ended.out
    assert all(line.endswith(" -") for line in lines)
    publish()
    partwise("weights", "get", "dinov2-small")
    first = partwise("weights", "list").out.splitlines()[0]
    assert first.split() == [
        "dinov2-small",
        "88",
        "MB",
        "Apache-2.0",
        f"{os.environ['HF_ENDPOINT']}/facebook/dinov2-small",
        str(weights_folder / "dinov2-small"),
    ]


def test_the_list_is_json_on_request(partwise):
    rows = {row["name"]: row for row in json.loads(partwise("weights", "list", "--json").out)}
    assert set(rows) == {each.name for each in KNOWN}
    assert rows["sam-vit-b"]["size_bytes"] == 375_042_383
    assert rows["sam-vit-b"]["sha256"].startswith("ec2df627")
    assert rows["dinov3-vits16"]["is_gated"]
    assert rows["dinov2-small"]["path"] is None


def test_get_verify_and_get_again(partwise, publish, weights_folder):
    publish()
    place = weights_folder / "dinov2-small"
    ended = partwise("weights", "get", "dinov2-small")
    assert (ended.code, ended.out, ended.err) == (0, f"dinov2-small: {place}\n", "")
    assert partwise("weights", "verify").out == f"dinov2-small: {place}: ok\n"

    (place / "model.safetensors").write_bytes(MODEL[:-1] + b"x")
    ended = partwise("weights", "verify", "dinov2-small")
    assert ended.code == 2
    assert "model.safetensors is corrupted: expected SHA-256" in ended.out
    assert (
        f"renamed to {place / 'model.safetensors.corrupted'}; run `partwise weights get"
        in ended.out
    )
    assert partwise("weights", "get", "dinov2-small").code == 0
    assert partwise("weights", "verify").code == 0
    assert (place / "model.safetensors").read_bytes() == MODEL


def test_several_are_fetched(partwise, publish):
    publish()
    publish("facebook/dinov2-with-registers-small")
    ended = partwise("weights", "get", "dinov2-small", "dinov2-small-reg", "--convert", "--force")
    assert ended.code == 0
    assert ended.out.count("\n") == 2


def test_verify_without_weights(partwise, refused):
    ended = partwise("weights", "verify")
    assert ended.code == 0
    assert "no weights on this machine" in ended.out
    assert "dinov2-small is not on this machine; run" in refused(
        "weights", "verify", "dinov2-small"
    )


def test_weights_of_which_nobody_gave_a_sum(partwise, weights_folder):
    folder = weights_folder / "dinov2-small"
    folder.mkdir(parents=True)
    (folder / "config.json").write_bytes(CONFIG)
    (folder / "model.safetensors").write_bytes(MODEL)
    ended = partwise("weights", "verify")
    assert ended.code == 0
    assert ended.out.endswith(": complete; nothing says what its SHA-256 should be\n")


def test_import(partwise, tmp_path, weights_folder, refused):
    stick = tmp_path / "stick"
    stick.mkdir()
    (stick / "config.json").write_bytes(CONFIG)
    (stick / "model.safetensors").write_bytes(MODEL)
    ended = partwise("weights", "import", stick)
    assert ended.out == f"dinov2-small: {weights_folder / 'dinov2-small'}\n"
    assert "is not dinov2-base, but dinov2-small" in refused(
        "weights", "import", stick, "--name", "dinov2-base"
    )
    assert "none does not exist" in refused("weights", "import", tmp_path / "none")
    wrong = tmp_path / "sam_vit_b_01ec64.pth"
    wrong.write_bytes(b"x")
    assert "is corrupted: expected 375,042,383 bytes, got 1" in refused("weights", "import", wrong)


def test_a_mistyped_name_is_refused_before_anything_is_fetched(refused, weights_folder):
    said = refused("weights", "get", "dinov2-small", "sam-vit-hh")
    assert said.startswith("unknown weights 'sam-vit-hh'; did you mean sam-vit-h?")
    assert not weights_folder.exists()


def test_what_is_not_published_is_refused(refused):
    assert "answers HTTP 404; it is not there" in refused("weights", "get", "dinov2-small")
    assert "sam_vit_b_01ec64.pth answers HTTP 404" in refused("weights", "get", "sam-vit-b")


def test_offline_is_refused(refused, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert refused("weights", "get", "dinov2-small").startswith("HF_HUB_OFFLINE is set, so din")


def test_a_server_that_is_none_is_refused(refused, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "mirror.example")
    assert refused("weights", "list").startswith("HF_ENDPOINT must begin with https://")


@pytest.mark.parametrize("command", [(), ("list",), ("get",), ("verify",), ("import",)])
def test_help_imports_no_heavy_library(command):
    program = f"""
import atexit, sys
from engine.cli.main import cli
atexit.register(lambda: print(*sys.modules))
cli(["weights", *{command!r}, "--help"])
"""
    run = [sys.executable, "-c", program]
    text, _, modules = (
        subprocess.run(run, capture_output=True, text=True, check=True)
        .stdout.strip()
        .rpartition("\n")
    )
    assert "Usage:" in text
    assert not {"numpy", "rich", "features", "torch"} & set(modules.split())


NETWORK = {"huggingface_hub", "pooch", "requests", "urllib3", "httpx"}


def modules_after(program):
    """Run a program in a process of its own, and give the modules that it has loaded."""
    run = [sys.executable, "-c", f"import sys\n{program}\nprint(*sys.modules)"]
    return set(subprocess.run(run, capture_output=True, text=True, check=True).stdout.split())


def test_fetching_loads_no_network_to_judge_with(publish):
    publish()
    loaded = modules_after("""
from engine.cli.main import cli
cli(["weights", "get", "dinov2-small"], standalone_mode=False)
""")
    assert {"huggingface_hub", "pooch"} <= loaded
    assert not {"torch", "transformers", "hf_xet"} & loaded


def test_all_but_fetching_needs_no_network_library(partwise, publish, weights_folder, tmp_path):
    publish()
    partwise("weights", "get", "dinov2-small")
    shutil.move(weights_folder, tmp_path / "stick")
    stick = str(tmp_path / "stick" / "dinov2-small")
    loaded = modules_after(f"""
from engine.cli.main import cli
for words in (["import", {stick!r}], ["get", "dinov2-small"], ["list"], ["verify"]):
    cli(["weights", *words], standalone_mode=False)
""")
    assert (weights_folder / "dinov2-small" / "model.safetensors").read_bytes() == MODEL
    assert not (NETWORK | {"torch", "transformers"}) & loaded


@pytest.mark.parametrize("library", ["huggingface_hub", "pooch"])
def test_a_library_that_is_not_installed_is_named(library, publish, weights_folder):
    publish()
    program = f"""
import sys
sys.modules[{library!r}] = None
from engine.cli.main import main
sys.argv[1:] = ["weights", "get", "dinov2-small"]
main()
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert f"fetching weights needs {library}, which cannot be imported" in ended.stderr
    assert 'run `pip install "partwise[foundation]"`' in ended.stderr


class Slow(SimpleHTTPRequestHandler):
    """Sends half of the tensors, then nothing; knows ranges."""

    stalls, asked = True, []

    def do_GET(self):
        start = int((self.headers.get("Range") or "bytes=0-")[6:-1])
        content = Path(self.translate_path(self.path)).read_bytes()
        self.send_response(206 if start else 200)
        self.send_header("ETag", '"same"')
        self.send_header("Content-Length", str(len(content) - start))
        self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        if self.path.endswith("safetensors"):
            Slow.asked.append(start)
            if Slow.stalls:
                self.wfile.write(content[:4000])
                self.wfile.flush()
                time.sleep(20)
        with suppress(OSError):
            self.wfile.write(content[start:])

    def log_message(self, *_):
        pass


def test_ctrl_c_is_one_line_and_the_next_call_goes_on(mirror, publish, weights_folder, monkeypatch):
    publish()
    Slow.stalls, Slow.asked = True, []
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Slow, directory=str(mirror[0])))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    run = [sys.executable, "-m", "engine", "weights", "get", "dinov2-small"]
    process = subprocess.Popen(run, stdout=PIPE, stderr=PIPE, text=True)
    part = weights_folder / "dinov2-small" / ".part" / "model.safetensors.part"
    deadline = time.monotonic() + 60
    while not Slow.asked or not part.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(0.3)  # for the first half
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "")
    assert err == "Interrupted; no file was left half-written.\n"
    assert part.stat().st_size == 4000
    Slow.stalls = False
    ended = subprocess.run(run, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert Slow.asked == [0, 4000]
    assert (weights_folder / "dinov2-small" / "model.safetensors").read_bytes() == MODEL
    server.shutdown()
    server.server_close()
