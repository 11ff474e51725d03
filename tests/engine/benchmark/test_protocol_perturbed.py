"""Kinds of perturbations together: names, order, seeds, and how results call them."""

from __future__ import annotations

import itertools
from typing import Any

import cv2
import numpy as np
import pytest

from engine.benchmark.perturbations import Exposure, Jpeg, Noise, Pose, Turn, relight
from engine.benchmark.protocol import KINDS, TOGETHER, Perturbation


@pytest.fixture
def image() -> np.ndarray:
    rng = np.random.default_rng(3)
    coarse = rng.integers(20, 236, (6, 8, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, (80, 60), interpolation=cv2.INTER_LINEAR))


@pytest.mark.parametrize("name", [*KINDS, *TOGETHER])
def test_the_same_seed_and_index_give_the_same_picture(image: np.ndarray, name: str) -> None:
    first = Perturbation.of([name], seed=5).apply(image, 2)
    assert (first.shape, first.dtype) == (image.shape, np.uint8)
    np.testing.assert_array_equal(first, Perturbation.of([name], seed=5).apply(image, 2))
    assert (first != image).any()
    assert (first != Perturbation.of([name], seed=5).apply(image, 3)).any()
    assert (first != Perturbation.of([name], seed=6).apply(image, 2)).any()


def test_a_pose_alone_is_that_of_the_first_release(image: np.ndarray) -> None:
    angle, down, right, growth = np.random.default_rng([5, 2]).uniform(-1, 1, size=4)
    matrix = cv2.getRotationMatrix2D((39.5, 29.5), 15 * angle, 1 + 0.1 * growth)
    matrix[:, 2] += 0.1 * right * 80, 0.1 * down * 60
    naive = cv2.warpAffine(
        image, matrix, (80, 60), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    np.testing.assert_array_equal(Perturbation(Pose(), seed=5).apply(image, 2), naive)
    assert Perturbation(Pose(), seed=5).facts() == {
        "rotation_deg": 15.0,
        "shift": 0.1,
        "scale": 0.1,
        "seed": 5,
    }


def test_kinds_draw_each_by_itself(image: np.ndarray) -> None:
    """Where one gains nothing, the other does what it does alone."""
    for name, other in itertools.permutations(("exposure", "pose", "turn", "jpeg"), 2):
        still: dict[str, Any] = {
            "exposure": Exposure(stops=0),
            "pose": Pose(rotation_deg=0, shift=0, scale=0),
            "turn": Turn(rotation_deg=0, shift=0, zoom=1),
            "jpeg": None,
        }
        both = Perturbation(**{name: KINDS[name](), other: still[other]})
        np.testing.assert_array_equal(
            both.apply(image, 1),
            Perturbation.of([name]).apply(image, 1),
            err_msg=f"{name}, {other}",
        )


def test_all_kinds_draw_different_numbers() -> None:
    perturbation = Perturbation.of(KINDS)
    drawn = {perturbation._random(name, index).random() for name in KINDS for index in range(9)}
    assert len(drawn) == 9 * len(KINDS)


def test_the_picture_is_moved_then_lit_then_packed(image: np.ndarray) -> None:
    perturbation = Perturbation.of(["jpeg", "noise", "exposure", "pose"], seed=3)
    assert list(perturbation.kinds) == ["pose", "exposure", "noise", "jpeg"]
    random = {name: perturbation._random(name, 4) for name in perturbation.kinds}
    naive = Pose().apply(image, random["pose"])
    naive = relight(naive, [(Exposure(), random["exposure"]), (Noise(), random["noise"])])
    naive = Jpeg().apply(naive, random["jpeg"])
    np.testing.assert_array_equal(perturbation.apply(image, 4), naive)


def test_names_stand_for_one_kind_or_for_several() -> None:
    assert list(Perturbation.of(["noise", "noise"]).kinds) == ["noise"]
    assert set(Perturbation.of(["light"]).kinds) == {"exposure", "cast", "vignette", "glare"}
    assert set(Perturbation.of(["all"]).kinds) == set(KINDS) - {"turn"}
    assert set(Perturbation.of(["light", "turn"]).kinds) == {*TOGETHER["light"], "turn"}
    assert Perturbation.of(["pose"], seed=3) == Perturbation(pose=Pose(), seed=3)


def test_the_json_form_has_every_limit_of_what_is_done() -> None:
    assert Perturbation(exposure=Exposure(stops=1.0), jpeg=Jpeg(), seed=2).as_dict() == {
        "exposure": {"stops": 1.0},
        "jpeg": {"quality": (30, 70)},
        "seed": 2,
    }


def test_every_perturbation_has_its_own_facts() -> None:
    several = [Perturbation.of(names) for names in itertools.combinations(KINDS, 2)]
    single = [Perturbation.of([name], seed=seed) for name in KINDS for seed in (0, 1)]
    odd = [Perturbation(Pose(shift=0.2)), Perturbation(exposure=Exposure(stops=1))]
    found = [each.facts() for each in (*several, *single, *odd)]
    assert all(one != other for one, other in itertools.combinations(found, 2))


def test_a_name_that_is_none_is_refused_with_all_there_are() -> None:
    known = ", ".join((*KINDS, *TOGETHER))
    with pytest.raises(ValueError, match=rf"^expected one or several of {known}, got 'nose'$"):
        Perturbation.of(["noise", "nose"])


def test_nothing_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match=r"must have at least one of pose, turn, "):
        Perturbation()
    with pytest.raises(ValueError, match="seed must be at least 0, got -1"):
        Perturbation(Pose(), seed=-1)
