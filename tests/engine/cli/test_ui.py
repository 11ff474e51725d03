"""``partwise ui`` in a process of its own: what it refuses, what it says, how it ends."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest

from engine.cli.ui_server import flags, variables

PATIENCE_S = 300


@pytest.fixture
def refused_start(refused, tmp_path, monkeypatch):
    """Call the command in a folder of its own, where it must refuse to start."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PARTWISE_PASSWORD", raising=False)
    # what is not refused must not keep the tests waiting
    monkeypatch.setattr("engine.cli.ui_server.serve", lambda *_, **__: 0)
    return lambda *words: refused("ui", "--no-browser", *words)


def test_without_the_extra_it_names_the_cure(refused_start, monkeypatch):
    monkeypatch.setitem(sys.modules, "streamlit", None)  # as if it were not installed
    assert refused_start().endswith('`pip install "partwise[ui]"`')


def test_a_model_that_is_not_there_is_refused(refused_start):
    assert "no such model file" in refused_start("none.pw")


def test_a_root_that_is_no_folder_is_refused(refused_start, tmp_path):
    (tmp_path / "file").touch()
    assert "--root file: expected a folder" in refused_start("--root", "file")
    assert "--root none: expected a folder" in refused_start("--root", "none")


def test_a_taken_port_is_refused(refused_start):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        assert f"cannot listen on port {port} of 127.0.0.1" in refused_start("--port", port)


def test_an_address_of_another_machine_is_refused(refused_start):
    assert "of 192.0.2.1" in refused_start("--host", "192.0.2.1", "--port", "0")


def test_a_password_file_must_hold_a_password(refused_start, tmp_path):
    (tmp_path / "empty").write_text("\n")
    assert "empty file" in refused_start("--password-file", "empty")
    assert "none: No such file" in refused_start("--password-file", "none")


@pytest.mark.parametrize("password", ["a", "seven77", "  blank  ", "\t\t\t\t\t\t\t\tx", "schlüß"])
def test_a_short_password_is_refused_wherever_it_comes_from(
    refused_start, tmp_path, monkeypatch, password
):
    (tmp_path / "short").write_text(f"{password}\n", encoding="utf-8")
    expected = "expected a password of at least 8 characters, got"
    said = refused_start("--password-file", "short")
    assert f"--password-file short: {expected} {len(password.strip())}; choose a longer" in said
    monkeypatch.setenv("PARTWISE_PASSWORD", password)
    assert f"PARTWISE_PASSWORD: {expected}" in refused_start()


def test_a_variable_of_blanks_is_no_password(refused_start, monkeypatch):
    monkeypatch.setenv("PARTWISE_PASSWORD", "        ")
    assert "at least 8 characters, got 0" in refused_start()


@pytest.mark.parametrize("proxy", ["proxy.example", "*", "", "127.0.0.1,", "10.0.0.1/8", "1.2.3"])
def test_a_proxy_is_named_by_its_address(refused_start, proxy):
    assert f"--proxy {proxy}: expected an address such as 127.0.0.1" in refused_start(
        "--proxy", proxy
    )


def test_oidc_needs_a_provider(refused_start):
    assert "[auth] in .streamlit/secrets.toml" in refused_start("--oidc")


def test_flags_hold_whatever_a_user_has_configured():
    given = flags("127.0.0.1", 8501)
    for flag in (
        "--server.address=127.0.0.1",
        "--server.enableXsrfProtection=true",
        "--server.enableCORS=true",
        "--server.maxUploadSize=200",
        "--server.maxMessageSize=50",
        "--server.baseUrlPath=",
        "--client.allowedOrigins=http://127.0.0.1:8501",
        "--server.headless=true",
        "--server.fileWatcherType=none",
        "--browser.gatherUsageStats=false",
        "--client.toolbarMode=minimal",
    ):
        assert flag in given


def test_the_theme_becomes_variables(tmp_path):
    theme = tmp_path / "theme.toml"
    theme.write_text('[theme]\nfontSizes = ["2rem", "1rem"]\n[theme.dark]\ntextColor = "#fff"\n')
    assert variables(theme) == {
        "STREAMLIT_LOGGER_HIDE_WELCOME_MESSAGE": "true",
        "STREAMLIT_THEME_FONT_SIZES": "2rem 1rem",
        "STREAMLIT_THEME_DARK_TEXT_COLOR": "#fff",
    }


class App:
    """A started ``partwise ui``; its output is read while it runs."""

    def __init__(self, folder, *words, **environment):
        self.errors = folder / "errors"
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "engine", "ui", "--no-browser", "--port", "0", *words],
                cwd=folder,
                env=os.environ | {"HOME": str(folder)} | environment,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
            )
        self.said = self.process.stdout.readline()

    @property
    def url(self):
        return self.said.split()[3]

    def command_lines(self):
        """Return what a list of processes shows of all processes of this session."""
        shown = []
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # it has just ended
                session = (process / "stat").read_text().rpartition(")")[2].split()[3]
                if int(session) == self.process.pid:
                    shown.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        return "\n".join(shown)

    def end(self, number, *, everyone=False):
        (os.killpg if everyone else os.kill)(self.process.pid, number)
        code = self.process.wait(PATIENCE_S)
        self.process.stdout.close()
        return code


@pytest.fixture
def start(tmp_path):
    started = []

    def begin(*words, **environment):
        started.append(App(tmp_path, *words, **environment))
        return started[-1]

    yield begin
    for app in started:
        if app.process.poll() is None:
            app.process.kill()
            app.process.wait()
        app.process.stdout.close()


def test_ctrl_c_ends_it_with_130_and_no_traceback(start):
    app = start()
    assert app.said.startswith("Partwise is at http://127.0.0.1:")
    with urllib.request.urlopen(f"{app.url}/_stcore/health") as answer:
        assert answer.read() == b"ok"
    assert app.end(signal.SIGINT, everyone=True) == 130
    errors = app.errors.read_text()
    assert "Traceback" not in errors
    assert errors.rstrip().endswith("Interrupted; no file was left half-written.")
    assert_gone(app.url)


def test_even_when_killed_it_leaves_no_server(start):
    app = start()
    assert app.end(signal.SIGKILL) == -signal.SIGKILL
    assert_gone(app.url)


def assert_gone(url):
    host, port = url.removeprefix("http://").split(":")
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with socket.socket() as visitor:
            if visitor.connect_ex((host, int(port))) != 0:
                return
        time.sleep(0.05)
    pytest.fail("somebody still listens")


def test_open_to_all_without_a_password_it_is_loud_and_ends_when_told_to(start):
    app = start("--host", "0.0.0.0")
    assert app.end(signal.SIGTERM) == 143
    errors = app.errors.read_text()
    assert "Traceback" not in errors
    warnings = [line for line in errors.splitlines() if "WARNING" in line]
    assert len(warnings) == 1
    assert "anyone who reaches 0.0.0.0" in warnings[0]
    assert_gone(app.url)


def test_with_a_password_it_is_calm_and_the_list_of_processes_does_not_show_it(start):
    app = start("--host", "0.0.0.0", PARTWISE_PASSWORD="open sesame", PARTWISE_LIBRARY="a:b@c")
    with urllib.request.urlopen(app.url.replace("localhost", "127.0.0.1")):
        shown = app.command_lines()
    assert app.end(signal.SIGINT) == 130
    assert "--server.port" in shown  # it was looked at
    assert "sesame" not in shown
    assert "a:b@c" not in shown
    errors = app.errors.read_text()
    assert "WARNING" not in errors
    assert "sesame" not in errors
