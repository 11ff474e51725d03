"""Questions at a terminal, Ctrl-C and sudden death, in real processes."""

import os
import pty
import signal
import subprocess
import sys
import time

import pytest

from engine.library import Library

PATIENCE_S = 300
BOX = ("--box", "31,31,50,50")
COMMAND = "from engine.cli.main import main; main()"


class Terminal:
    """A running command whose input, output and errors are one terminal."""

    def __init__(self, *arguments):
        self.ours, theirs = pty.openpty()
        os.set_blocking(self.ours, False)
        self.process = subprocess.Popen(
            [sys.executable, "-c", COMMAND, *map(str, arguments)],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            env=os.environ | {"TERM": "xterm", "COLUMNS": "300"},
        )
        os.close(theirs)
        self.drawn = ""

    def read(self):
        try:
            self.drawn += os.read(self.ours, 65536).decode(errors="replace")
        except (BlockingIOError, OSError):  # nothing yet, or the other end is closed
            return

    def wait_for(self, text):
        deadline = time.monotonic() + PATIENCE_S
        while text not in self.drawn:
            assert time.monotonic() < deadline, self.drawn
            assert self.process.poll() is None, f"ended too early: {self.drawn}"
            self.read()
            time.sleep(0.005)

    def answer(self, text):
        os.write(self.ours, text.encode() + b"\n")

    def end(self):
        deadline = time.monotonic() + PATIENCE_S
        while self.process.poll() is None and time.monotonic() < deadline:
            self.read()  # a full terminal would keep it waiting
            time.sleep(0.005)
        self.read()
        return self.process.wait(PATIENCE_S)


@pytest.fixture
def start():
    started = []

    def begin(*arguments):
        started.append(Terminal(*arguments))
        return started[-1]

    yield begin
    for each in started:
        each.process.kill()
        each.process.wait()
        os.close(each.ours)


@pytest.fixture
def red(plates):
    return plates / "new" / "red1.png"


def kinds(model):
    with Library(model.with_suffix(".regions.db"), is_read_only=True) as library:
        return {each.name: (each.kind, each.n_examples) for each in library.classes()}


def test_the_kind_of_a_new_class_is_asked(start, untaught, red):
    session = start("region", "teach", untaught, red, *BOX, "--class", "red")
    session.wait_for("'red' is new; which is it? (accepted, defect)")
    session.answer("perhaps")
    session.wait_for("is not one of")
    session.answer("defect")
    assert session.end() == 0, session.drawn
    assert kinds(untaught) == {"red": ("defect", 1)}


@pytest.mark.parametrize(("answer", "code", "n_examples"), [("y", 0, 2), ("n", 2, 1)])
def test_another_kind_is_asked_about(start, taught, plates, answer, code, n_examples):
    image = plates / "new" / "red2.png"
    words = ("--box", "51,21,70,40", "--class", "red", "--defect")
    session = start("region", "teach", taught, image, *words)
    session.wait_for("'red' is an accepted class; teach this as an accepted class?")
    session.answer(answer)
    assert session.end() == code, session.drawn
    assert kinds(taught) == {"red": ("accepted", n_examples)}


def test_an_interrupted_question_teaches_nothing(start, untaught, red):
    session = start("region", "teach", untaught, red, *BOX, "--class", "red")
    session.wait_for("which is it?")
    os.killpg(session.process.pid, signal.SIGINT)
    assert session.end() == 130
    assert "Interrupted; no file was left half-written." in session.drawn
    assert "Traceback" not in session.drawn
    assert list(untaught.parent.iterdir()) == [untaught]


def test_classes_and_lessons_have_frames_on_a_terminal(start, partwise, taught):
    partwise("region", "rename", taught, "red", "[bold]red")
    for words in (("list", taught), ("list", taught, "--lessons")):
        session = start("region", *words)
        assert session.end() == 0
        assert "│" in session.drawn
        assert "[bold]red" in session.drawn


@pytest.mark.parametrize("seconds", [0, 0.02, 0.1, 0.3, 0.6])
def test_a_killed_lesson_is_whole_or_was_never_given(partwise, untaught, red, seconds):
    words = ("region", "teach", untaught, red, *BOX, "--class", "red", "--accepted")
    library = untaught.with_suffix(".regions.db")
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, *map(str, words)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while process.poll() is None and not library.exists():
        time.sleep(0.002)
    time.sleep(seconds)
    process.kill()
    process.wait()
    with Library(library) as opened:
        n_taught = len(opened.lessons())
        assert n_taught == len(opened.examples()) <= 1
    # the line goes on
    assert partwise(*words, "--force").code == 0
    assert kinds(untaught) == {"red": ("accepted", n_taught + 1)}
