from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from features.cnn.checkpoint import find_checkpoint
from features.cnn.encoder import CnnEncoder
from features.device import MachineConfig

MACHINE = MachineConfig(n_threads=1)
ALL = tuple(range(1, 8))
# of the largest value
TOLERANCE = 1e-5


def random_image(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture(params=["onnxruntime", "opencv"])
def runtime(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "opencv":
        monkeypatch.setitem(sys.modules, "onnxruntime", None)
    return str(request.param)


@pytest.mark.parametrize("size", [(128, 128), (128, 192), (160, 128)])
def test_maps_are_those_of_pytorch(
    size: tuple[int, int], runtime: str, checkpoint: Path, reference: Any
) -> None:
    image = random_image(*size)
    found = CnnEncoder(checkpoint, ALL, MACHINE)(image)
    expected = reference.stages(image)
    assert list(found) == [f"stage_{stage}" for stage in ALL]
    for stage, (made, wanted) in enumerate(zip(found.values(), expected, strict=True), 1):
        assert made.shape == (
            *(side // (2, 4, 8, 16, 16, 32, 32)[stage - 1] for side in size),
            2 * stage + 2,
        )
        assert made.dtype == np.float32
        assert made.flags.c_contiguous
        assert wanted.std() > 0.1
        np.testing.assert_allclose(made, wanted, atol=TOLERANCE * np.abs(wanted).max())


@pytest.mark.parametrize("stages", [(5,), (4, 2), (3, 4, 5)])
def test_stages_come_in_the_order_asked_for(
    stages: tuple[int, ...], runtime: str, checkpoint: Path
) -> None:
    image = random_image(128, 128)
    everything = CnnEncoder(checkpoint, ALL, MACHINE)(image)
    found = CnnEncoder(checkpoint, stages, MACHINE)(image)
    assert list(found) == [f"stage_{stage}" for stage in stages]
    for name, made in found.items():
        np.testing.assert_allclose(made, everything[name], atol=1e-3)


def test_sizes_may_alternate_and_results_stay(runtime: str, checkpoint: Path) -> None:
    encoder = CnnEncoder(checkpoint, (3, 5), MACHINE)
    images = [random_image(height, width) for height, width in ((64, 96), (96, 64), (64, 96))]
    images[2] = images[0]
    first = encoder(images[0])
    kept = {name: made.copy() for name, made in first.items()}
    second, third = encoder(images[1]), encoder(images[2])
    for name, made in kept.items():
        np.testing.assert_array_equal(first[name], made)
        np.testing.assert_array_equal(third[name], made)
        assert second[name].shape == made.transpose(1, 0, 2).shape


def test_sides_are_multiples_of_the_coarsest_grid(checkpoint: Path) -> None:
    assert CnnEncoder(checkpoint, (2, 1), MACHINE).multiple_px == 4
    assert CnnEncoder(checkpoint, (3, 7), MACHINE).multiple_px == 32
    with pytest.raises(AssertionError, match=r"\(64, 40, 3\)"):
        CnnEncoder(checkpoint, (5,), MACHINE)(random_image(64, 40))


@pytest.mark.parametrize(("given", "during"), [(2, 1), (1, 1)])
def test_opencv_uses_no_more_threads_than_allowed_and_gets_them_back(
    given: int, during: int, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    encoder = CnnEncoder(checkpoint, (3,), MACHINE)
    before, told = cv2.getNumThreads(), []
    set_threads = cv2.setNumThreads
    try:
        cv2.setNumThreads(given)
        monkeypatch.setattr(cv2, "setNumThreads", lambda n: (told.append(n), set_threads(n)))
        encoder(random_image(64, 64))
        assert cv2.getNumThreads() == given
        assert told == ([during, given] if given > during else [])
    finally:
        set_threads(before)


def test_true_weights_give_the_maps_of_pytorch(
    runtime: str, make_lite0: Callable[[Path], Any]
) -> None:
    path = find_checkpoint("efficientnet-lite0").path
    shapes = random_image(8, 12, seed=1)
    image = cv2.GaussianBlur(
        cv2.resize(shapes, (224, 160), interpolation=cv2.INTER_NEAREST), (0, 0), 1
    )
    expected = make_lite0(path).stages(image)
    found = CnnEncoder(path, ALL, MACHINE)(image)
    assert [made.shape[2] for made in found.values()] == [16, 24, 40, 80, 112, 192, 320]
    for made, wanted in zip(found.values(), expected, strict=True):
        np.testing.assert_allclose(made, wanted, atol=TOLERANCE * np.abs(wanted).max())
