"""A process is killed, or the server goes, in the middle of a lesson: nothing of it remains."""

import subprocess
import sys
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, event

from engine.library import Library, LibraryError

# Teaches one example and says so when all is written but the last word; then waits to be killed.
DOOMED = """
import sys, time
import numpy as np
from sqlalchemy import Engine, event
from engine.library import Library, NewExample
from features.region import Region

example = NewExample(
    "0" * 64, "doomed.png", (90, 90), Region((0, 0, 2, 2), np.ones((2, 2), bool)),
    np.zeros((8, 8, 3), np.uint8), {"tokens": np.ones((400, 400), np.float32)},
)
library = Library(sys.argv[1])

@event.listens_for(Engine, "commit")
def stop(connection):
    print("in the middle", flush=True)
    time.sleep(3600)

library.teach(sys.argv[2], "accepted", example, {"backbone": "embedded", "dim": "4"})
"""


def contents(library):
    return (
        [(each.name, each.n_examples) for each in library.classes()],
        [each.image_name for each in library.examples()],
        [each.text for each in library.lessons()],
        library.revision(),
        library.identity(),
    )


@pytest.mark.parametrize("name", ["button", "new class"])
def test_a_killed_teacher_leaves_nothing_behind(place, example, identity, name):
    with Library(place) as library:
        library.teach("button", "accepted", example(0), identity)
        before = contents(library)
    command = [sys.executable, "-c", DOOMED, place, name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "in the middle\n"
        process.kill()
    with Library(place) as library:
        assert contents(library) == before
        library.teach(name, "accepted", example(1), identity)
        assert sum(each.n_examples for each in library.classes()) == 2


def test_a_first_teacher_who_is_killed_leaves_an_empty_library(place):
    command = [sys.executable, "-c", DOOMED, place, "button"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "in the middle\n"
        process.kill()
    with Library(place) as library:
        assert contents(library) == ([], [], [], 0, None)


@contextmanager
def once_before(word, action):
    """Do something once, just before a statement with this word is run."""
    pending = [action]

    def hook(connection, cursor, statement, *_):
        if pending and word in statement:
            pending.pop()()

    event.listen(Engine, "before_cursor_execute", hook)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", hook)
        assert not pending


@pytest.mark.parametrize(
    "word", ["FROM partwise_class", "INSERT INTO partwise_example", "INSERT INTO partwise_lesson"]
)
def test_a_connection_cut_in_the_middle_leaves_nothing(server, url, example, identity, word):
    cut = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'"
    )
    with Library(url) as library:
        library.teach("button", "accepted", example(0), identity)
        before = contents(library)
        lost = pytest.raises(LibraryError, match="nothing half-taught remains")
        with lost as caught, once_before(word, lambda: server.ask(cut)):
            library.teach("fleck", "defect", example(1), identity)
        assert "\n" not in str(caught.value)
        assert contents(library) == before  # over a new connection
        library.teach("fleck", "defect", example(1), identity)
        assert len(library.classes()) == 2


def test_a_server_that_stops_in_the_middle_leaves_nothing(server, url, example, identity):
    with Library(url) as library:
        library.teach("button", "accepted", example(0), identity)
        before = contents(library)
        lost = pytest.raises(LibraryError, match="nothing half-taught remains")
        try:
            with lost, once_before("INSERT INTO partwise_lesson", server.stop):
                library.teach("button", "accepted", example(1), identity)
            for use in (library.classes, lambda: Library(url), lambda: Library.exists(url)):
                with pytest.raises(LibraryError, match=r"cannot be reached \(") as caught:
                    use()
                assert "\n" not in str(caught.value)
        finally:
            server.start()
        assert contents(library) == before
        library.teach("button", "accepted", example(1), identity)
        assert library.classes()[0].n_examples == 2
