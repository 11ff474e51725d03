"""A private PostgreSQL server, a place for a library in either database, and things to teach."""

import hashlib
import multiprocessing
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from engine.library import Library, LibraryError, NewExample
from features.region import Region

PASSWORD = "s3cret-pässword"
IDENTITY = {"backbone": "embedded", "dim": "4"}


def binaries():
    """The folder of PostgreSQL's programs, newest version first."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    return folders[0].parent if folders else None


def account():
    """Whom to run the server as: it refuses root."""
    if os.geteuid() != 0:
        return {}
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        user = pwd.getpwnam("nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def free_port():
    """A port that nobody listens at just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A PostgreSQL server in a folder of its own, on a port of its own."""

    def __init__(self, folder, programs):
        self.folder, self.programs, self.account = folder, programs, account()
        secret = folder / "secret"
        secret.write_text(PASSWORD)
        if self.account:
            for each in (folder, secret):
                os.chown(each, self.account["user"], self.account["group"])
        self.run("initdb", "-D", folder / "data", "-U", "partwise", "-A", "scram-sha-256",
                 "--pwfile", secret, "-N", "-E", "UTF8", "--locale", "C")  # fmt: skip
        for n_left in range(2, -1, -1):
            self.port = free_port()
            try:
                self.start()
                return
            except AssertionError:  # somebody else was given the port meanwhile
                if not n_left:
                    raise

    def run(self, program, *arguments):
        done = subprocess.run(
            [self.programs / program, *arguments],
            cwd=self.folder,
            stdout=subprocess.PIPE if program != "pg_ctl" else subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            **self.account,
        )
        assert done.returncode == 0, done.stdout

    def start(self):
        options = f"-p {self.port} -h 127.0.0.1 -k {self.folder} -c fsync=off"
        self.run("pg_ctl", "start", "-w", "-D", self.folder / "data", "-o", options,
                 "-l", self.folder / "log")  # fmt: skip

    def stop(self):
        self.run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", self.folder / "data")

    def url(self, database, password=PASSWORD, user="partwise"):
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def ask(self, query, database="postgres"):
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            answer = connection.execute(query)
            return answer.fetchall() if answer.description else None

    def new_place(self):
        """The URL of an empty schema, which is made sooner than a database."""
        name = f"s{secrets.token_hex(6)}"
        self.ask(f"CREATE SCHEMA {name}")
        return f"{self.url('postgres')}?options=-csearch_path%3D{name}"


@pytest.fixture(scope="session")
def processes():
    """How other processes are begun: from one that has imported the library already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["engine.library"])
    return context


@pytest.fixture(scope="session")
def server():
    programs = binaries()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (on Debian: apt-get install postgresql)")
    # tmp_path lies under a folder closed to others
    with tempfile.TemporaryDirectory(prefix="pw", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o711)
        running = Server(Path(name), programs)
        try:
            yield running
        finally:
            running.stop()


@pytest.fixture
def url(server):
    """A new, empty place on the server."""
    return server.new_place()


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request, tmp_path):
    """A new place for a library, in either database."""
    if request.param == "sqlite":
        return str(tmp_path / "library.db")
    return request.getfixturevalue("url")


@pytest.fixture
def library(place):
    with Library(place, author="anna@left") as opened:
        yield opened


def make_example(number=0, **changes):
    """One that differs from those of all other numbers."""
    rng = np.random.default_rng(number)
    mask = rng.random((7, 5)) < 0.5
    mask[0, 0] = True
    fields = {
        "image_sha256": hashlib.sha256(str(number).encode()).hexdigest(),
        "image_name": f"cloth_{number}.png",
        "image_size": (60, 80),
        "region": Region((3, 4, 8, 11), mask),
        "thumbnail": rng.integers(0, 256, (12, 9, 3), dtype=np.uint8),
        "features": {"tokens": np.full((2, 4), number, dtype=np.float32)},
        "note": f"note {number}",
        "verdict": "anomalous",
    }
    return NewExample(**fields | changes)


@pytest.fixture
def example():
    return make_example


@pytest.fixture
def identity():
    return dict(IDENTITY)


@pytest.fixture
def teach(library):
    """Teach the library an example of this number, and return the lesson."""

    def taught(name, kind="accepted", number=0):
        return library.teach(name, kind, make_example(number), IDENTITY)

    return taught


@pytest.fixture
def refused():
    """Expect a refusal of one line without any password."""

    @contextmanager
    def expected(match):
        with pytest.raises(LibraryError, match=match) as caught:
            yield
        assert "\n" not in str(caught.value)
        for secret in ("s3cret", "p%C3%A4ss", "pässword", "guess"):
            assert secret not in str(caught.value)

    return expected
