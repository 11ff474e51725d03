"""Server of the app: a process of its own that ends with the command."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
import webbrowser
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from engine.cli.failures import Failure
from engine.cli.terminal import say
from engine.station.records import Limits

MAX_UPLOAD_BYTES = Limits().max_upload_bytes
PATIENCE_S = 60.0  # a cold start on a busy machine
GRACE_S = 5.0  # for the server to end by itself
POLL_S = 0.1
TERMINATED = 143  # 128 + SIGTERM, as shells count


def serve(
    words: Sequence[str],
    environment: Mapping[str, str],
    host: str,
    port: int,
    *,
    is_with_browser: bool,
) -> int:
    """Run the package ``ui`` with these words until it ends or we are told to; returns its code.

    Prints the address as soon as it answers, and opens it in a browser.

    Raises:
        Failure: It never answers.
    """
    shown = _shown(host, port)
    with _server(words, environment) as server:
        _wait_until_healthy(server, shown)
        say(f"Partwise is at {shown}  (end it with Ctrl-C)")
        if is_with_browser:
            webbrowser.open(shown)
        return server.wait()


def _shown(host: str, port: int) -> str:
    """Write the address as a browser on this machine takes it."""
    if host in ("0.0.0.0", "::"):
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextmanager
def _server(
    words: Sequence[str], environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Start the process, and end it whatever happens here."""
    server = subprocess.Popen(
        [sys.executable, "-P", "-m", "ui", *words],  # -P: none of this folder
        env=os.environ | dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr.fileno(),  # ours is for the address
    )
    before = signal.signal(signal.SIGTERM, _end)
    try:
        yield server
    finally:
        signal.signal(signal.SIGTERM, before)
        server.terminate()
        try:
            server.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _end(number: int, frame: FrameType | None) -> NoReturn:
    sys.exit(TERMINATED)


def _wait_until_healthy(server: subprocess.Popen[bytes], shown: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise Failure(f"the app ended with exit code {server.returncode}; see above for why")
        try:
            with opener.open(f"{shown}/_stcore/health", timeout=POLL_S * 10):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(POLL_S)
    raise Failure(f"the app did not answer at {shown} within {PATIENCE_S:.0f} s; try again")


# Options of Streamlit that must hold, whatever a user's ``config.toml`` says


def flags(host: str, port: int) -> list[str]:
    """Write the options that must hold as flags, which outrank every file and variable."""
    options = {
        "server.address": host,
        "server.port": port,
        "server.headless": True,  # no question about an e-mail address; we open the browser
        "server.enableXsrfProtection": True,
        "server.enableCORS": True,  # the check, which means: only pages of this server
        "server.maxUploadSize": MAX_UPLOAD_BYTES // 1_000_000,
        "server.fileWatcherType": "none",
        "server.runOnSave": False,
        "server.enableStaticServing": False,
        "browser.gatherUsageStats": False,
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",  # what went wrong belongs into the log
        "global.developmentMode": False,
    }
    return [f"--{name}={_word(value)}" for name, value in options.items()]


def variables(theme: Path) -> dict[str, str]:
    """Write what makes the app look as it should as variables of the environment.

    They outrank files as well, and a Streamlit that is too old for one overlooks it.
    """
    options = {"logger.hideWelcomeMessage": True} | _flat(
        tomllib.loads(theme.read_text(encoding="utf-8"))
    )
    return {_variable(name): _word(value) for name, value in options.items()}


def _flat(table: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Name the values of nested tables by their paths."""
    found: dict[str, Any] = {}
    for name, value in table.items():
        path = f"{prefix}{name}"
        found |= _flat(value, f"{path}.") if isinstance(value, dict) else {path: value}
    return found


def _variable(option: str) -> str:
    """Name the variable of an option: ``server.runOnSave`` has STREAMLIT_SERVER_RUN_ON_SAVE."""
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", option)
    return f"STREAMLIT_{words.replace('.', '_').upper()}"


def _word(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
