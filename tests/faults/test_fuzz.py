"""A bounded part of what ``fuzz.py`` does by hand, the same cases each time."""

from __future__ import annotations

import runpy
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FUZZ = runpy.run_path(str(Path(__file__).with_name("fuzz.py")))
N_CASES = 500


@pytest.fixture(scope="module")
def outcome() -> tuple[Any, Any]:
    counts, failed = FUZZ["run"]([*FUZZ["KEPT"], *range(N_CASES)])
    return counts, failed


def test_whatever_a_file_holds_is_answered_in_one_line_and_soon(outcome: tuple[Any, Any]) -> None:
    assert not [f"case {each.case} ({each.reader}): {each.how}" for each in outcome[1]]


def test_every_reader_is_tried_with_what_it_takes_and_what_it_refuses(
    outcome: tuple[Any, Any],
) -> None:
    readers = {reader for reader, _ in outcome[0]}
    assert readers == {
        "boxes",
        "config",
        "journal",
        "library",
        "model",
        "result",
        "sidecar",
        "station",
    }
    assert all(outcome[0][reader, "taken"] for reader in readers)
    assert all(outcome[0][reader, "refused"] for reader in readers - {"journal"})


def _compute_for_ever() -> None:
    with FUZZ["within"](0.05):
        while True:
            pass


def _wait_for_ever() -> None:
    with FUZZ["within"](0.05):
        time.sleep(100)


@pytest.mark.parametrize("work", [_compute_for_ever, _wait_for_ever])
def test_what_takes_too_long_is_noticed(work: Callable[[], None]) -> None:
    with pytest.raises(Exception, match=r"took longer than 0\.05 s"):
        work()
