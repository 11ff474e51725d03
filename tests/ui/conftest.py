"""The app as its users meet it: a real server, a real browser, and photographs to show it."""

from __future__ import annotations

import fcntl
import functools
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

# the first needs half as much time as the others, which draw windows that nobody sees
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, BROWSERS)), None)
CHROMIUM_FLAGS = (
    "--no-sandbox",  # which root may not have
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
PATIENCE_S = 90
ADDRESS = re.compile(r"http://\S+")
N_REFERENCES = 4


@dataclass
class Server:
    """A running server and what it wrote."""

    process: subprocess.Popen[bytes]
    output: Path
    log_file: Path
    url: str = field(init=False, default="")

    @property
    def log(self) -> str:
        """What it complained about so far."""
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    def wait_until_healthy(self, url: str | None) -> None:
        """Wait for it to say where it is, unless that is known, and to answer there."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                pytest.fail(f"the server ended with {self.process.returncode}:\n{self.log}")
            said = ADDRESS.search(self.output.read_text(encoding="utf-8"))
            self.url = url or (said[0] if said else "")
            if self.url and _answers(f"{self.url}/_stcore/health"):
                return
            time.sleep(0.05)
        pytest.fail(f"the server did not answer within {PATIENCE_S} s:\n{self.log}")

    def stop(self) -> None:
        """End it, by its own process and no other."""
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _answers(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5):
            return True
    except OSError:
        return False


Serve = Callable[..., Server]


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Start ``partwise ui`` with these words, or with ``script`` a page of its own.

    Every server has a home and a working folder of its own, listens on a free port and ends with
    the module; its log is shown if a test fails.
    """
    servers: list[Server] = []

    def start(
        *words: object,
        script: Path | None = None,
        environment: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> Server:
        home = tmp_path_factory.mktemp("server")
        url, command = None, [sys.executable, "-m", "engine", "ui", *map(str, words)]
        if script is None:
            command += ["--no-browser", *([] if "--port" in words else ["--port", "0"])]
        else:
            port = _free_port()
            url, command = f"http://127.0.0.1:{port}", _streamlit(script, port, words)
        output, log = home / "stdout", home / "stderr"
        with output.open("wb") as out, log.open("wb") as err:
            process = subprocess.Popen(
                command,
                cwd=cwd or home,
                env=_environment(home) | dict(environment or {}),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
        servers.append(Server(process, output, log))
        servers[-1].wait_until_healthy(url)
        return servers[-1]

    yield start
    for server in servers:
        server.stop()
        print(server.log, file=sys.stderr)


def _environment(home: Path) -> dict[str, str]:
    """Keep what the machine has configured out of the way."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STREAMLIT_")}
    for name in ("PARTWISE_LIBRARY", "PARTWISE_PASSWORD"):
        kept.pop(name, None)
    return kept | {"HOME": str(home), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def _streamlit(script: Path, port: int, words: tuple[object, ...]) -> list[str]:
    return [
        *(sys.executable, "-m", "streamlit", "run", str(script)),
        *("--server.address=127.0.0.1", f"--server.port={port}", "--server.headless=true"),
        *("--browser.gatherUsageStats=false", "--server.fileWatcherType=none"),
        *("--client.toolbarMode=minimal", "--", *map(str, words)),
    ]


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Visitor:
    """A session of the app without a browser: what is sent to it, and what it is told."""

    def __init__(self, url: str, *, origin: str | None = None, **headers: str) -> None:
        from streamlit.proto.BackMsg_pb2 import BackMsg
        from websockets.sync.client import connect

        self._message = BackMsg
        address = urlsplit(url)
        self._connection = connect(
            f"ws://{address.netloc}/_stcore/stream",
            sock=socket.create_connection((address.hostname, address.port)),
            origin=url if origin is None else origin,
            subprotocols=["streamlit"],
            additional_headers=headers,
            max_size=None,
        )
        self.session = ""
        self.ids: dict[str, str] = {}

    def __enter__(self) -> Visitor:
        self._way = self._connection.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._connection.__exit__(*error)

    def run(self, **values: str | bool) -> str:
        """Let the page run with these values of its widgets, by their labels; gives all it says."""
        request = self._message()
        request.rerun_script.query_string = ""
        for label, value in values.items():
            state = request.rerun_script.widget_states.widgets.add(id=self.ids[label])
            if isinstance(value, bool):
                state.trigger_value = value
            else:
                state.string_value = value
        self.send(request.SerializeToString())
        return self.told()

    def send(self, message: bytes) -> None:
        """Send a message as it is."""
        self._way.send(message)

    def told(self) -> str:
        """Wait for the end of a run; gives all that is said until then."""
        from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

        seen = []
        while True:
            message = ForwardMsg.FromString(self._way.recv(timeout=PATIENCE_S))
            seen.append(str(message))
            kind = message.WhichOneof("type")
            if kind == "new_session":
                self.session = message.new_session.initialize.session_id
            elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
                element = message.delta.new_element
                widget = getattr(element, element.WhichOneof("type"))
                if getattr(widget, "id", "") and getattr(widget, "label", ""):
                    self.ids[widget.label] = widget.id
            elif (
                kind == "script_finished"
                and message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
            ):
                return "".join(seen)


@pytest.fixture
def visit() -> Callable[..., Visitor]:
    """Open a session of an app at this address: as its own page, or as one of another origin."""
    return Visitor


@pytest.fixture
def uploaded(monkeypatch: pytest.MonkeyPatch) -> Mapping[str, Mapping[str, object]]:
    """The dropped files that lie in memory while a page is under test, by session."""
    from streamlit.testing.v1 import local_script_runner as runner

    made = runner.MemoryUploadedFileManager("/upload")
    monkeypatch.setattr(runner, "MemoryUploadedFileManager", lambda _: made)
    return made.file_storage


@pytest.fixture(scope="session")
def screens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for screenshots; PARTWISE_SCREENS names one that is kept."""
    kept = os.environ.get("PARTWISE_SCREENS")
    folder = Path(kept) if kept else tmp_path_factory.mktemp("screens")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@dataclass(frozen=True)
class Photographs:
    """A product: references to learn from, and images to judge."""

    root: Path
    references: tuple[Path, ...]
    good: tuple[Path, ...]
    anomalies: tuple[Path, ...]


MadeOnce = Callable[[str, Callable[[Path], None]], Path]


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> MadeOnce:
    """Write a file or a folder of this name once for all workers of a run, which only read it."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    folder = folder / "made-once"
    folder.mkdir(exist_ok=True)

    def made(name: str, write: Callable[[Path], None]) -> Path:
        with (folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (folder / name).exists():
                with tempfile.TemporaryDirectory(dir=folder) as scratch:
                    write(Path(scratch) / name)
                    (Path(scratch) / name).rename(folder / name)
        return folder / name

    return made


@pytest.fixture(scope="session")
def photographs(made_once: MadeOnce) -> Photographs:
    """Those of the category in PARTWISE_PRODUCT, otherwise rendered ones."""
    from engine.benchmark import find_categories
    from engine.synthetic.scenes import write_scenes

    numbers = {"n_validation": 0, "n_good": 6, "n_logical": 6, "n_structural": 3}
    write = functools.partial(write_scenes, categories=["cable"], n_train=N_REFERENCES, **numbers)
    data = os.environ.get("PARTWISE_PRODUCT")
    root = Path(data) if data else made_once("rendered", write)
    category = find_categories(root)[0]
    good = tuple(each.path for each in category.test if not each.is_anomalous)
    anomalies = tuple(each.path for each in category.test if each.is_anomalous)
    return Photographs(category.root, category.train[:N_REFERENCES], good, anomalies)


@pytest.fixture(scope="session")
def fitted_model(made_once: MadeOnce, photographs: Photographs) -> Path:
    """What is learnt from the references; copy it before it is edited."""
    from engine import Inspector
    from features import read_image

    def fit(path: Path) -> None:
        images = [read_image(each) for each in photographs.references]
        Inspector().fit(images, names=[each.name for each in photographs.references]).save(path)

    return made_once("product.pw", fit)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """Chromium without a window; ``browser.new_context()`` is a visitor with cookies of its own."""
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, headless=True, args=list(CHROMIUM_FLAGS)
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def tabs(browser: Any) -> Iterator[dict[str, Any]]:
    """Pages by what cannot be changed about them later."""
    made: dict[str, Any] = {}
    yield made
    for page in made.values():
        page.context.close()


@pytest.fixture
def tab(browser: Any, tabs: dict[str, Any]) -> Iterator[Callable[..., Any]]:
    """Give a blank page with a screen of this size, a theme, and other options of a context.

    Tests of a module use it one after another, since a new page takes three times as long as
    another address. Nothing is left of the visit before; who leaves and comes back, or two at once,
    need contexts of their own.
    """
    used = {}

    def given(size: tuple[int, int] = (1280, 800), *, theme: str = "light", **options: Any) -> Any:
        key = repr(sorted(options.items()))
        if key not in tabs:
            tabs[key] = browser.new_context(**options).new_page()
        page = used[key] = tabs[key]
        page.set_default_timeout(1000 * PATIENCE_S)
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.emulate_media(color_scheme=theme, media="screen")
        return page

    yield given
    for page in used.values():
        page.context.clear_cookies()
        page.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
        page.goto("about:blank")
        for other in page.context.pages:
            if other != page:
                other.close()


@pytest.fixture(scope="session")
def settle() -> Callable[[Any], None]:
    """Wait until for some frames nothing runs, nothing is old, and all pictures are there."""
    still = """() => {
      const isStill = !document.querySelector(
        "[data-test-script-state=running], [data-stale=true], [data-testid=stSkeleton]"
      ) && [...document.images].every((each) => each.complete);
      window.stillFor = isStill ? window.stillFor + 1 : 0;
      return window.stillFor > 12;
    }"""

    def wait(page: Any) -> None:
        page.evaluate("() => { window.stillFor = 0; }")
        page.wait_for_function(still, timeout=1000 * PATIENCE_S)

    return wait


MAIN = sys.modules["__main__"]


@pytest.fixture(autouse=True)
def the_main_module_stays() -> Iterator[None]:
    """Put back what a page under test replaces: processes that are started import it again."""
    yield
    sys.modules["__main__"] = MAIN


@pytest.fixture(scope="session", autouse=True)
def installed_components() -> Iterator[None]:
    """Look for components that other packages bring once, not for each page under test."""
    from streamlit.components.v2 import manifest_scanner

    scan = functools.cache(manifest_scanner.scan_component_manifests)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", scan)
        yield
