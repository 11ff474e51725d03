"""How is a server started as a process of our own, and ended with us?"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import webbrowser
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

import click

from engine.commands.failures import Failure

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
        click.echo(f"Partwise is at {shown}  (end it with Ctrl-C)")
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
