from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.editing import ClassEditError, Rename, change, class_rows
from engine.editing.locking import locked
from engine.inspector import Inspector
from engine.model_file import ModelFileError

RENAME = """
import sys
from engine.editing import Rename, change
change(sys.argv[1], Rename(int(sys.argv[2]), sys.argv[3]), author=sys.argv[3])
"""
HOLD = """
import sys, time
from pathlib import Path
from engine.editing.locking import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(3600)
"""


@pytest.fixture
def model(fitted: Callable[..., Inspector], tmp_path: Path) -> Path:
    fitted("pins").save(tmp_path / "pins.pw")
    return tmp_path / "pins.pw"


def test_edits_of_two_processes_both_survive(model: Path) -> None:
    both = [
        subprocess.Popen([sys.executable, "-c", RENAME, str(model), str(class_id), name])
        for class_id, name in ((0, "tray"), (2, "tack"))
    ]
    assert [each.wait(600) for each in both] == [0, 0]
    edited = Inspector.load(model)
    assert [row.name for row in class_rows(edited)][::2] == ["tray", "tack"]
    assert {each.author for each in edited.fitted.class_history} == {"tray", "tack"}


def test_a_file_is_changed_undone_and_redone(model: Path) -> None:
    _, changed = change(model, Rename(2, "tack"))
    assert changed.threshold.before == changed.threshold.after
    assert change(model, "undo")[0].fitted.class_names[2] != "tack"
    assert change(model, "redo")[0].fitted.class_names[2] == "tack"
    assert Inspector.load(model).fitted.class_names[2] == "tack"


def test_an_edit_that_cannot_be_made_leaves_the_file(model: Path) -> None:
    before = model.read_bytes()
    with pytest.raises(ClassEditError, match="there is no class 9"):
        change(model, Rename(9, "tack"))
    assert model.read_bytes() == before


def test_who_waits_too_long_is_told_and_the_dead_hold_no_lock(model: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(model)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        started = time.monotonic()
        with (
            pytest.raises(ClassEditError, match="being edited by another process"),
            locked(model, patience_s=0.2),
        ):
            pass
        assert time.monotonic() - started < 5
        holder.kill()
    with locked(model, patience_s=300):
        pass


def test_there_must_be_a_model(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="no such model file"):
        change(tmp_path / "nothing.pw", "undo")
