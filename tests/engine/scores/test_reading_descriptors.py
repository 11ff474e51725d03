from __future__ import annotations

import numpy as np
import pytest

from engine.scores.reading import combine, euclidean, shows

NAN = float("nan")


def combine_rows(ours: np.ndarray, theirs: np.ndarray, absent: float) -> float:
    return combine(euclidean(ours, theirs), shows(ours), shows(theirs), absent=absent)


def test_combine_is_the_stacked_distance_but_for_a_factor() -> None:
    ours, theirs = np.random.default_rng(0).normal(size=(2, 5, 3))
    expected = np.linalg.norm(ours.ravel() - theirs.ravel()) / np.sqrt(5)
    assert combine_rows(ours, theirs, absent=9.0) == pytest.approx(expected)


def test_a_class_in_one_image_only_counts_as_stated() -> None:
    ours = np.array([[1.0], [NAN], [3.0], [NAN]])
    theirs = np.array([[1.0], [2.0], [NAN], [NAN]])
    assert combine_rows(ours, theirs, absent=6.0) == pytest.approx(np.sqrt((36 + 36) / 4))
    assert combine_rows(ours, ours, absent=6.0) == 0.0


def test_no_class_at_all_is_no_gap() -> None:
    assert combine_rows(np.zeros((0, 2)), np.zeros((0, 2)), absent=1.0) == 0.0
